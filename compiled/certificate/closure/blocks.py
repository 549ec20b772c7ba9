"""What is compared and read of some leaves that nothing else that is looked at reads: one factor of all states.

What leaves can be is claimed of each by itself, so that all combinations of them are looked at. Then the states of a
key, those of the query, and those of both where they are one, are all combinations of states of the blocks; and what
a block contributes to an outcome is found for each block alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from compiled.certificate.closure.comparisons import FAILS, Comparison, Truths, by_number, sides, truth
from compiled.certificate.closure.local import Local, Table
from compiled.meaning.leaves import Leaf, Tuple, row_key
from compiled.numbering import Ids, columns_alike
from spec.graph import SOp
from spec.values import Atom, atom_key

Part: TypeAlias = tuple[int, tuple[int, ...]]
"""What a state of a key adds to an outcome: the number of the kind of its truths, and per column of the block the
number of its value, 0 where that can be of no use."""


@dataclass(frozen=True)
class Content:
    """What belongs to one block: comparisons, the values of columns by number, and what else is known of the query."""

    compared: tuple[Comparison, ...]
    values: Mapping[int, SOp]
    asked: tuple[SOp, ...]


NO_CONTENT: Final = Content((), {}, ())


class Block:
    """The states of one block, and what they contribute."""

    def __init__(self, local: Local, content: Content) -> None:
        self.content, self.work = content, local.work
        pairs = [sides(one) for one in content.compared]
        self.keys = by_number(key for key, _ in pairs)
        self.queries = by_number([*(query for _, query in pairs if query is not None), *content.asked])
        values = tuple(content.values.values())
        self.key = local.table((*self.keys, *values))
        self.query = local.table(self.queries)
        self.both = local.table((*self.keys, *values, *self.queries))
        self.atoms: dict[int, list[Atom]] = {column: [] for column in content.values}
        """Per column the values that its keys can have, by number."""
        self._numbers: dict[int, dict[object, int]] = {column: {} for column in content.values}
        self._shown: list[Tuple] = []
        """The tuples of values of what is compared at the key."""
        self._vectors: list[tuple[int, ...]] = []
        """The tuples of numbers of values that go together."""
        cut, end = len(self.keys), len(self.keys) + len(values)
        shown: dict[object, int] = {}
        vectors: dict[tuple[int, ...], int] = {}
        self._at_key = self._split(self.key, cut, end, shown, vectors)
        self._at_both = self._split(self.both, cut, end, shown, vectors)
        queries = {row_key(row): number for number, row in enumerate(self.query.rows)}
        self._both_query: Ids = np.array([queries[row_key(row[end:])] for row in self.both.rows], dtype=np.int64)
        self.truths = self._truths(local)
        """Per comparison its truth in each kind of state of a key and of a query together."""
        self.parts: list[tuple[Part, ...]] = []
        """The sets of contributions of a key, by number."""
        self._sets: dict[bytes, int] = {}

    def _split(
        self,
        table: Table,
        cut: int,
        end: int,
        shown: dict[object, int],
        vectors: dict[tuple[int, ...], int],
    ) -> tuple[Ids, Ids]:
        """Per row of the table the number of what is compared, and that of the values that are read."""
        compared, read = [], []
        for row in table.rows:
            key = row_key(row[:cut])
            if key not in shown:
                shown[key] = len(self._shown)
                self._shown.append(row[:cut])
            compared.append(shown[key])
            vector = tuple(map(self._number, self.atoms, row[cut:end]))
            if vector not in vectors:
                vectors[vector] = len(self._vectors)
                self._vectors.append(vector)
            read.append(vectors[vector])
        return np.array(compared, dtype=np.int64), np.array(read, dtype=np.int64)

    def _number(self, column: int, value: Atom) -> int:
        known, atoms = self._numbers[column], self.atoms[column]
        number = known.setdefault(atom_key(value), len(atoms))
        if number == len(atoms):
            atoms.append(value)
        return number

    # -------------------------------------------------------------------------------------------- truths

    def _truths(self, local: Local) -> dict[Comparison, Truths]:
        """Also numbers the kinds: the pairs of states of a key and a query with the same truths are one kind."""
        shape = len(self._shown), len(self.query.rows)
        self.work.spend(shape[0] * shape[1] // 64)
        kinds: Ids = np.zeros(shape, dtype=np.int64)
        found = []
        for comparison in self.content.compared:
            on, of = sides(comparison)
            keys, key_at = _column(self._shown, self.keys.index(on))
            queries, query_at = _column(self.query.rows, None if of is None else self.queries.index(of))
            self.work.spend(len(keys) * len(queries) + shape[0] * shape[1] // 64)
            compared = truth(comparison, local.claims)
            small = np.array([[compared(k, q) for q in queries] for k in keys], dtype=np.int8)
            found.append(small.reshape(len(keys), len(queries))[np.ix_(key_at, query_at)])
            _, kinds = np.unique(kinds * (FAILS + 1) + found[-1], return_inverse=True)
        self._kinds = kinds.reshape(shape)
        _, first = np.unique(self._kinds, return_index=True)
        return {one: table.reshape(-1)[first] for one, table in zip(self.content.compared, found, strict=True)}

    @property
    def size(self) -> int:
        """How many kinds of truths there are."""
        return int(self._kinds.max(initial=-1)) + 1

    # -------------------------------------------------------------------------------------------- contributions

    def number_parts(self, merged: Ids, useful: Sequence[Sequence[int]]) -> None:
        """Give numbers to contributions: kinds of truths are merged, and only some columns are of use with each."""
        known: dict[Part, int] = {}
        table = np.zeros((len(self._vectors), len(useful)), dtype=np.int64)
        self.work.spend(table.size)
        columns = list(self.content.values)
        for kind, of_use in enumerate(useful):
            kept = [column in of_use for column in columns]
            for number, vector in enumerate(self._vectors):
                part = kind, tuple(value if keep else 0 for value, keep in zip(vector, kept, strict=True))
                table[number, kind] = known.setdefault(part, len(known))
        self._codes, self._code = list(known), table
        self._merged = merged[self._kinds]
        shown, alike = columns_alike(self._merged)
        self._shown_queries, self._query_kind = np.array(shown, dtype=np.int64), np.array(alike, dtype=np.int64)

    def apart(self, number: int) -> Ids:
        """Per state of the query the number of the set of contributions of a key elsewhere, with this set of states."""
        ids = self.key.members[number]
        compared, read = (one[ids] for one in self._at_key)
        codes = self._code[read[:, None], self._merged[np.ix_(compared, self._shown_queries)]]
        count = len(self._shown_queries)
        return self._set_numbers(codes, np.arange(count)[None, :], count)[self._query_kind]

    def together(self, asked: int, both: int) -> Ids:
        """The same for the key at the query's own position: only states that are one with that of the query."""
        ids, queries = self.both.members[both], self.query.members[asked]
        compared, read = (one[ids] for one in self._at_both)
        at = self._both_query[ids]
        codes = self._code[read, self._merged[compared, at]]
        return self._set_numbers(codes, np.searchsorted(queries, at), len(queries))

    def _set_numbers(self, codes: Ids, queries: Ids, count: int) -> Ids:
        """Per state of the query the number of the set of codes that go with it."""
        self.work.spend((codes.size + count * len(self._codes)) // 64)
        present = np.zeros((count, len(self._codes)), dtype=np.bool_)
        present[np.broadcast_to(queries, codes.shape), codes] = True
        contents, width, found = present.tobytes(), len(self._codes), []
        for query in range(count):
            key = contents[query * width : (query + 1) * width]
            if key not in self._sets:
                self._sets[key] = len(self.parts)
                self.parts.append(tuple(self._codes[k] for k in np.flatnonzero(present[query]).tolist()))
            found.append(self._sets[key])
        return np.array(found, dtype=np.int64)


def contents(
    local: Local, compared: Sequence[Comparison], values: Mapping[int, SOp], asked: Sequence[SOp]
) -> list[Content]:
    """What is compared, read and known, divided into as many blocks as there can be."""
    units: list[tuple[frozenset[Leaf], Comparison | int | SOp]] = []
    for comparison in compared:
        on, of = sides(comparison)
        units.append((local.own_leaves(on) | (frozenset() if of is None else local.own_leaves(of)), comparison))
    units += [(local.own_leaves(sop), column) for column, sop in values.items()]
    units += [(local.own_leaves(sop), sop) for sop in asked]
    groups: list[tuple[frozenset[Leaf], list[Comparison | int | SOp]]] = []
    for leaves, unit in units:
        # What reads no leaf is a block of its own: its only state is that there is none.
        touched = [group for group in groups if group[0] & leaves or group[0] == leaves]
        joined = leaves.union(*(group[0] for group in touched)), [one for group in touched for one in group[1]] + [unit]
        groups = [group for group in groups if group not in touched] + [joined]
    return [
        Content(
            tuple(one for one in group if not isinstance(one, int | SOp)),
            {one: values[one] for one in group if isinstance(one, int)},
            tuple(one for one in group if isinstance(one, SOp)),
        )
        for _, group in groups
    ]


def _column(states: Sequence[Tuple], at: int | None) -> tuple[list[Atom], Ids]:
    """The different values in one column of the states, and the number of its value in each state."""
    if at is None:
        return [0], np.zeros(len(states), dtype=np.int64)
    numbers: dict[object, int] = {}
    values: list[Atom] = []
    found = []
    for state in states:
        key = atom_key(state[at])
        if key not in numbers:
            numbers[key] = len(values)
            values.append(state[at])
        found.append(numbers[key])
    return values, np.array(found, dtype=np.int64)
