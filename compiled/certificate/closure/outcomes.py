"""Which key positions a row can select, and with which values, from what is claimed: the outcomes of each key.

Some *columns* are looked at together: aggregates, with the values that they read, and counts. For one state of the
query, a key has a set of outcomes: per column the value that is selected, or `NOT` where it is not. Keys are
independent of each other, which only makes the set of rows larger; the key at the query's own position is not: there
both are one state.

Nothing is looked at twice. States are combinations of states of blocks (`compiled.certificate.closure.blocks`), and the
truths of comparisons that no column tells apart are one. What a key that is not at the query's position
adds to a row is a *behaviour*: for each state of the query a set of outcomes. Places where the query has the same
states, and keys the same behaviours, in any order, have the same rows; and so have two states of the query for which
each key has the same set.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from math import prod
from typing import Final, TypeAlias

import numpy as np

from compiled.certificate.closure.blocks import NO_CONTENT, Block, contents
from compiled.certificate.closure.claims import Claims, NotClosed, Place, TooMuchWork, Work
from compiled.certificate.closure.comparisons import FAILS, Comparison, Truths, comparisons, selected
from compiled.certificate.closure.local import LARGEST, NO_KEY, Local
from compiled.meaning.formula import Formula
from compiled.meaning.leaves import Count, Tuple, row_key
from compiled.numbering import Ids, columns_alike, distinct, distinct_rows
from spec.graph import Aggregate, Selector, SOp
from spec.values import Atom

NOT: Final = -1
UNKNOWN: Final = -1
NO_USE: Final = 0
"""The behaviour of a key that is selected for no state of the query."""
Outcome: TypeAlias = tuple[int, ...]
"""Per column the number of the value that is selected (0 for a count), or `NOT`."""

Counted: TypeAlias = tuple[tuple[int, int], ...]
"""How many keys of a row have each set of outcomes, but for those that select nothing; by number, ascending."""
Pattern: TypeAlias = tuple[tuple[int, ...], list[tuple[int, list[int]]]]
"""Numbers of what is known of the query, one of each block; and for each set of outcomes which behaviours give it."""


@dataclass(frozen=True)
class Row:
    """What a row can be: how many keys have which sets of outcomes.

    `place` is one of the places of this kind that have it, and `given` what else is known of the query.
    """

    kind: int
    place: Place
    given: Tuple
    counted: Counted

    @property
    def keys(self) -> list[int]:
        """The numbers of the sets of outcomes of its keys, ascending, but for those that select nothing."""
        return [number for number, count in self.counted for _ in range(count)]


class Rows:
    """The rows of some columns; `more` is known of the query besides what is compared with it."""

    def __init__(
        self, claims: Claims, local: Local, work: Work, columns: Sequence[Aggregate | Count], more: Sequence[SOp] = ()
    ) -> None:
        self.claims, self.local, self.work, self.columns, self.more = claims, local, work, columns, more
        compared = list(dict.fromkeys(one for column in columns for one in comparisons(_selector(column))))
        formulas = [part for column, part in claims.formulas.items() if column in columns]
        compared = list(dict.fromkeys([*compared, *(one for part in formulas for one in comparisons(part))]))
        values = {k: column.values for k, column in enumerate(columns) if isinstance(column, Aggregate)}
        self.blocks = [Block(local, content) for content in contents(local, compared, values, more) or [NO_CONTENT]]
        self.outcomes: list[tuple[Outcome, ...]] = [((NOT,) * len(columns),)]
        """The sets of outcomes of a key, by number; the first is that of a key that cannot be selected."""
        self._sets: dict[tuple[Outcome, ...], int] = {self.outcomes[0]: 0}
        self._together: dict[tuple[int, ...], int] = {}
        self._numbers: dict[tuple[int, ...], int] = {}
        self._sequences: list[tuple[int, ...]] = [()]
        """Per behaviour what it is in each block."""
        self._found: dict[object, list[Pattern]] = {}
        self._selects = self._merged(self._all_truths())

    @cached_property
    def _places(self) -> "list[_Places]":
        return [_Places(block) for block in self.blocks]

    @property
    def atoms(self) -> list[Sequence[Atom]]:
        """Per column the values that its keys can have, by number."""
        found: dict[int, Sequence[Atom]] = {}
        for block in self.blocks:
            found |= block.atoms
        return [found.get(column, ()) for column in range(len(self.columns))]

    # -------------------------------------------------------------------------------------------- truths

    def _all_truths(self) -> list[Truths]:
        """Per column whether a key is selected, for each combination of kinds of truths, one of each block."""
        shape = tuple(block.size for block in self.blocks)
        if prod(shape) > LARGEST:
            raise TooMuchWork
        truths: dict[Comparison, Truths] = {}
        for axis, block in enumerate(self.blocks):
            along = [1] * len(shape)
            along[axis] = block.size
            truths |= {comparison: table.reshape(along) for comparison, table in block.truths.items()}
        found = []
        for column in self.columns:
            self.work.spend(prod(shape))
            select = np.broadcast_to(selected(_selector(column), truths, shape), shape)
            if isinstance(column, Aggregate) and column in self.claims.formulas:
                claimed = selected(self.claims.formulas[column], truths, shape)
                if (select != claimed).any():
                    raise NotClosed(f"the selector of {column!r} is not the formula that is claimed for it")
            found.append(select)
        return found

    def _merged(self, truths: Sequence[Truths]) -> Ids:
        """The truths of all columns as bits, `FAILS` as one more, with those kinds as one that are the same to them."""
        shape = tuple(block.size for block in self.blocks)
        bits: Ids = np.zeros(shape, dtype=np.int64)
        for k, select in enumerate(truths):
            bits |= np.where(select == FAILS, 1 << len(self.columns), np.where(select == 1, 1 << k, 0))
        # An input on which one comparison has no value has no output, whatever the others say.
        bits[bits >= 1 << len(self.columns)] = 1 << len(self.columns)
        if not bits.size:
            return bits
        merged = []
        for axis in range(len(self.blocks)):
            flat = np.moveaxis(bits, axis, 0).reshape(bits.shape[axis], -1)
            _, first, place = np.unique(flat, axis=0, return_index=True, return_inverse=True)
            bits = np.take(bits, first, axis=axis)
            merged.append(place.reshape(-1))
        for axis, block in enumerate(self.blocks):
            flat = np.moveaxis(bits, axis, 0).reshape(bits.shape[axis], -1)
            flat = np.where(flat == 1 << len(self.columns), 0, flat)
            used = np.bitwise_or.reduce(flat, axis=1).tolist()
            block.number_parts(merged[axis], [[k for k in block.atoms if some >> k & 1] for some in used])
        return bits

    def _outcomes(self, parts: tuple[int, ...]) -> int:
        """The number of the set of outcomes of a key that has these sets of contributions in its blocks."""
        if parts not in self._together:
            sets = [block.parts[number] for block, number in zip(self.blocks, parts, strict=True)]
            self.work.spend(prod(map(len, sets)) + 1)
            found = set()
            for combination in product(*sets):
                bits = int(self._selects[tuple(kind for kind, _ in combination)])
                if bits == 1 << len(self.columns):
                    continue
                values = [0] * len(self.columns)
                for block, (_, numbers) in zip(self.blocks, combination, strict=True):
                    for column, number in zip(block.atoms, numbers, strict=True):
                        values[column] = number
                found.add(tuple(value if bits >> k & 1 else NOT for k, value in enumerate(values)))
            outcomes = tuple(sorted(found))
            number = self._sets.setdefault(outcomes, len(self.outcomes))
            if number == len(self.outcomes):
                self.outcomes.append(outcomes)
            self._together[parts] = number
        return self._together[parts]

    # -------------------------------------------------------------------------------------------- all rows

    def all(self, kinds: Sequence[int]) -> Iterator[Row]:
        """Every row that there can be, once for each kind of place that has it; `kinds` has one for each place."""
        if not self._selects.size:
            return  # nowhere is there a state of a key and one of a query
        blocks = self._places
        alike: set[object] = set()
        seen: set[object] = set()
        for at, keys in enumerate(self._behaviours(blocks)):
            same = kinds[at], keys.tobytes(), *(block.same(at) for block in blocks)
            if same in alike:
                continue
            alike.add(same)
            for given, row in self._rows(blocks, at, keys):
                key = kinds[at], row_key(given), row
                if key not in seen:
                    seen.add(key)
                    yield Row(kinds[at], self.local.places[at], given, row)

    def _behaviours(self, blocks: Sequence["_Places"]) -> Iterator[Ids]:
        """Per place the behaviours of the keys elsewhere that are not `NO_USE`, ascending."""
        for first, others in self.local.keys_elsewhere():
            self.work.spend(others.size // 8)
            queries, keys = np.nonzero(others != NO_KEY)
            each = [block.behaviours(first + queries, others[queries, keys]) for block in blocks]
            kinds, place = distinct_rows(each, len(queries))
            numbers = [
                self._number(blocks, parts) for parts in zip(*(one[kinds].tolist() for one in each), strict=True)
            ]
            found = np.full(others.shape, NO_USE, dtype=np.int64)
            found[queries, keys] = np.array(numbers, dtype=np.int64)[place]
            found.sort(axis=1)
            for row, none in zip(found, (found == NO_USE).sum(axis=1).tolist(), strict=True):
                yield row[none:]

    def _number(self, blocks: Sequence["_Places"], parts: tuple[int, ...]) -> int:
        """The number of the behaviour that has these parts in the blocks; `NO_USE` if such a key is never selected."""
        if parts not in self._numbers:
            options = [block.used[part] for block, part in zip(blocks, parts, strict=True)]
            self.work.spend(prod(map(len, options)))
            some = any(self._outcomes(one) for one in product(*options))
            self._numbers[parts] = len(self._sequences) if some else NO_USE
            if some:
                self._sequences.append(parts)
        return self._numbers[parts]

    def _rows(self, blocks: Sequence["_Places"], at: int, keys: Ids) -> Iterator[tuple[Tuple, Counted]]:
        """What is known of the query at a place, and its row: those of equal states of the query once."""
        times = Counter(keys.tolist())
        counts = [*times.values(), 1]
        named: dict[tuple[int, ...], Tuple] = {}
        for ranks, groups in self._patterns(blocks, at, tuple(times)):
            if ranks not in named:
                known: dict[SOp, Atom] = {}
                for block, rank in zip(blocks, ranks, strict=True):
                    known |= block.asked(at, rank)
                named[ranks] = tuple(known[sop] for sop in self.more)
            yield named[ranks], tuple([(number, sum([counts[k] for k in one])) for number, one in groups])

    def _patterns(self, blocks: Sequence["_Places"], at: int, behaviours: tuple[int, ...]) -> list[Pattern]:
        """Per state of the query at a place the sets of outcomes of keys of these behaviours, and of the own key."""
        key = behaviours, tuple(block.known(at) for block in blocks)
        if key not in self._found:
            parts = []
            for k, block in enumerate(blocks):
                tables = [block.tables[self._sequences[number][k]] for number in behaviours]
                table = np.stack([block.ranks(at), *tables, block.owns[block.own[at]]])
                parts.append(table[:, columns_alike(table)[0]])
            sizes = [table.shape[1] for table in parts]
            self.work.spend(prod(sizes) * (len(behaviours) + 1))
            grid = np.indices(sizes).reshape(len(sizes), -1)
            chosen = [table[:, states] for table, states in zip(parts, grid, strict=True)]
            rows = np.vstack([*(table[:1] for table in chosen), self._joined([table[1:] for table in chosen])])
            rows, cut = rows[:, columns_alike(rows)[0]], len(blocks)
            self._found[key] = [(tuple(row[:cut]), _groups(row[cut:])) for row in rows.T.tolist()]
        return self._found[key]

    def _joined(self, parts: Sequence[Ids]) -> Ids:
        """The numbers of sets of outcomes, from those of the sets of contributions of each block."""
        shape = parts[0].shape
        flat = [one.reshape(-1) for one in parts]
        sizes = [len(block.parts) for block in self.blocks]
        if prod(sizes) > LARGEST:
            first, place = distinct_rows(flat, flat[0].size)
        else:
            first, place = distinct(np.ravel_multi_index(flat, sizes), prod(sizes))
        numbers = [self._outcomes(one) for one in zip(*(one[first].tolist() for one in flat), strict=True)]
        return np.array(numbers, dtype=np.int64)[place].reshape(shape)


class _Places:
    """What one block has at each place: behaviours of keys, what the own key adds, and what is known of the query."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self._key, self._query = block.key.where, block.query.where
        self._table = np.stack([block.apart(number) for number in range(len(block.key.members))])
        self.tables: list[Ids] = []
        """Per behaviour, for each state of the query, the number of the set of contributions."""
        self.used: list[list[int]] = []
        """Per behaviour, these numbers, each once."""
        self._known: dict[bytes, int] = {}
        size = len(block.query.members) * len(block.key.members)
        if size > LARGEST:
            raise TooMuchWork
        self._pairs: Ids = np.full(size, UNKNOWN, dtype=np.int64)
        first, place = distinct_rows([self._query, block.both.where], len(self._query))
        owns: dict[bytes, int] = {}
        self.owns: list[Ids] = []
        numbers = []
        for at in first.tolist():
            made = block.together(int(self._query[at]), int(block.both.where[at]))
            numbers.append(owns.setdefault(made.tobytes(), len(self.owns)))
            if numbers[-1] == len(self.owns):
                self.owns.append(made)
        self.own = np.array(numbers, dtype=np.int64)[place]
        asked = [k for k, sop in enumerate(block.queries) if sop in block.content.asked]
        self._asked = [block.queries[k] for k in asked]
        self._values: list[list[Tuple]] = []
        self._ranks: list[Ids] = []
        self._alike: list[int] = []
        """Per set of states of the query a number for its ranks."""
        same: dict[bytes, int] = {}
        for members in block.query.members:
            ranks, values = self._ranked(members, asked)
            self._ranks.append(ranks)
            self._alike.append(same.setdefault(ranks.tobytes(), len(same)))
            self._values.append(values)

    def _ranked(self, members: Ids, asked: Sequence[int]) -> tuple[Ids, list[Tuple]]:
        """For each state of the query a number for what is known of it, and what these numbers stand for."""
        if not asked:
            return np.zeros(len(members), dtype=np.int64), [()]
        parts = [tuple(self.block.query.rows[number][k] for k in asked) for number in members.tolist()]
        known: dict[object, int] = {}
        ranks = np.array([known.setdefault(row_key(part), len(known)) for part in parts], dtype=np.int64)
        return ranks, list({row_key(part): part for part in parts}.values())

    def same(self, at: int) -> tuple[int, int]:
        """Places where this is the same have the same state of the own key, and the same is known of the query."""
        return int(self.own[at]), int(self._query[at]) if self._asked else 0

    def known(self, at: int) -> tuple[int, int]:
        """Places where this is the same have the same own key, and as many different things are known of the query."""
        return int(self.own[at]), self._alike[int(self._query[at])]

    def ranks(self, at: int) -> Ids:
        """Per state of the query at a place the number, among those there, of what is known of it."""
        return self._ranks[int(self._query[at])]

    def asked(self, at: int, rank: int) -> Mapping[SOp, Atom]:
        """What is known of the query at a place, by this number."""
        return dict(zip(self._asked, self._values[self._query[at]][rank], strict=True))

    def behaviours(self, queries: Ids, keys: Ids) -> Ids:
        """For each query with each key, at these places, the number of the behaviour."""
        pairs = self._query[queries] * len(self.block.key.members) + self._key[keys]
        unknown = pairs[self._pairs[pairs] == UNKNOWN]
        unknown = unknown[distinct_rows([unknown], len(unknown))[0]]
        asked, keys = np.divmod(unknown, len(self.block.key.members))
        cuts = np.flatnonzero(np.diff(asked, prepend=-1)).tolist()
        for begin, end in pairwise([*cuts, len(unknown)]):
            made = self._table[np.ix_(keys[begin:end], self.block.query.members[asked[begin]])]
            self._pairs[unknown[begin:end]] = [self._behaviour(one) for one in made]
        found: Ids = self._pairs[pairs]
        return found

    def _behaviour(self, made: Ids) -> int:
        """The number of a behaviour."""
        number = self._known.setdefault(made.tobytes(), len(self.tables))
        if number == len(self.tables):
            self.tables.append(made)
            self.used.append(sorted(set(made.tolist())))
        return number


def _selector(column: Aggregate | Count) -> Selector | Formula:
    return column.selector if isinstance(column, Aggregate) else column.formula


def _groups(ids: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Where each number occurs, ascending, 0 left out."""
    found: dict[int, list[int]] = {}
    for k, number in enumerate(ids):
        if number:
            found.setdefault(number, []).append(k)
    return sorted(found.items())
