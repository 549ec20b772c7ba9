"""Which key positions a row can select, and with which values, from what is claimed: the outcomes of each key.

Some *columns* are looked at together: aggregates, with the values that they read, and counts. For one state of the
query, a key has a set of outcomes: per column the value that is selected, or `NOT` where it is not. Keys are
independent of each other, which only makes the set of rows larger; the key at the query's own position is not: there
both are one state.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

import numpy as np
import numpy.typing as npt

from compiled.certificate.closure.claims import Claims, NotClosed, Place, Work
from compiled.certificate.closure.local import Local
from compiled.meaning.formula import Both, Either, Formula, Holds, Literal, keys_of, queries_of
from compiled.meaning.leaves import Count, Tuple, row_key
from spec.graph import Aggregate, Combine, Junction, Negate, Select, Selector, SOp
from spec.operators import PREDICATE_OP, OperatorError, function
from spec.values import Atom, atom_key

NOT: Final = -1
Outcome: TypeAlias = tuple[int, ...]
"""Per column the number of the value that is selected (0 for a count), or `NOT`."""
Ids: TypeAlias = npt.NDArray[np.int64]
Truths: TypeAlias = npt.NDArray[np.int8]
FAILS: Final = 2
"""In place of a truth: one of the comparisons has no value."""
UNKNOWN: Final = -1


@dataclass(frozen=True)
class Row:
    """What a row can be: for one state of the query the numbers of the outcomes of its keys, in ascending order."""

    place: Place
    query: Tuple
    packed: bytes

    def selected(self) -> list[int]:
        """The number of the set of outcomes of each key that can be selected."""
        return [key for key in np.frombuffer(self.packed, dtype=np.int64).tolist() if key]


class Rows:
    """The rows of some columns; `more` is known of the query besides what is compared with it."""

    def __init__(
        self, claims: Claims, local: Local, work: Work, columns: Sequence[Aggregate | Count], more: Sequence[SOp] = ()
    ) -> None:
        self.claims, self.work, self.columns = claims, work, columns
        keys, queries = _compared(columns)
        self.keys = _by_number(keys)
        self.queries = _by_number(queries | set(more))
        values = tuple(column.values for column in columns if isinstance(column, Aggregate))
        at_key, at_query = local.table((*self.keys, *values)), local.table(self.queries)
        at_both = local.table((*self.keys, *values, *self.queries))
        places = claims.places()
        self._key_at = {place: at_key.at(*place) for place in places}
        self._query_at = {place: at_query.at(*place) for place in places}
        self._both_at = {place: at_both.at(*place) for place in places}
        self._asked = at_query.rows
        self._shown: list[Tuple] = []
        """The tuples of values of what is compared at the key."""
        cut = len(self.keys)
        shown: dict[object, int] = {}
        self.atoms: list[list[Atom]] = [[] for _ in columns]
        """Per column the values that its keys can have, by number."""
        self._numbers: list[dict[object, int]] = [{} for _ in columns]
        self._vectors: list[Outcome] = []
        """The tuples of numbers of values that go together."""
        vectors: dict[Outcome, int] = {}

        def split(rows: Sequence[Tuple]) -> tuple[Ids, Ids]:
            parts = [_numbered(row[:cut], shown, self._shown) for row in rows]
            given = [self._value_numbers(row[cut : cut + len(values)]) for row in rows]
            found = [vectors.setdefault(vector, len(vectors)) for vector in given]
            return np.array(parts, dtype=np.int64), np.array(found, dtype=np.int64)

        self._at_key, self._at_both = split(at_key.rows), split(at_both.rows)
        self._vectors = list(vectors)
        query_numbers = {row_key(row): k for k, row in enumerate(at_query.rows)}
        both_queries = [query_numbers[row_key(row[cut + len(values) :])] for row in at_both.rows]
        self._both_query = np.array(both_queries, dtype=np.int64)
        nothing = (NOT,) * len(columns)
        self.outcomes: list[tuple[Outcome, ...]] = [(nothing,)]
        """The sets of outcomes of a key, by number; the first is that of a key that cannot be selected."""
        self._codes: list[Outcome] = [nothing]
        self._sets: dict[bytes, int] = {}

    # -------------------------------------------------------------------------------------------- all rows

    def __iter__(self) -> Iterator[Row]:
        """Every row that there can be, for each place and each state of its query."""
        self._truth, self._code = self._truth_table(), self._code_table()
        numbers: dict[bytes, int] = {}
        members: list[Ids] = []
        classes = {}
        for place, ids in self._key_at.items():
            classes[place] = numbers.setdefault(ids.tobytes(), len(members))
            if classes[place] == len(members):
                members.append(ids)
        table = np.stack([self._outcomes_apart(ids) for ids in members])
        own: dict[tuple[bytes, bytes], Ids] = {}
        for m in range(1, self.claims.max_length + 1):
            at = np.array([classes[m, j] for j in range(m)])
            for i in range(m):
                asked, both = self._query_at[m, i], self._both_at[m, i]
                key = (asked.tobytes(), both.tobytes())
                if key not in own:
                    own[key] = self._outcomes_together(asked, both)
                ids = table[np.ix_(at, asked)].T.copy()
                ids[:, i] = own[key]
                ids.sort(axis=1)
                self.work.spend(ids.size // 8)
                for query, row in zip(asked.tolist(), ids, strict=True):
                    yield Row((m, i), self._asked[query], row.tobytes())

    def _value_numbers(self, values: Tuple) -> Outcome:
        """Per column the number of the value; 0 for a count."""
        given = iter(values)
        found = []
        for column, known, atoms in zip(self.columns, self._numbers, self.atoms, strict=True):
            if isinstance(column, Count):
                found.append(0)
                continue
            value = next(given)
            number = known.setdefault(atom_key(value), len(atoms))
            if number == len(atoms):
                atoms.append(value)
            found.append(number)
        return tuple(found)

    # -------------------------------------------------------------------------------------------- outcomes

    def _outcomes_apart(self, ids: Ids) -> Ids:
        """Per state of the query the number of the set of outcomes of a key in one of these states elsewhere."""
        parts, vectors = (one[ids] for one in self._at_key)
        codes = self._code[vectors[:, None], self._truth[parts]]
        return self._set_numbers(codes, np.arange(len(self._asked))[None, :], len(self._asked))

    def _outcomes_together(self, asked: Ids, both: Ids) -> Ids:
        """The same for the key at the query's own position: only states that are one with that of the query."""
        parts, vectors = (one[both] for one in self._at_both)
        queries = self._both_query[both]
        codes = self._code[vectors, self._truth[parts, queries]]
        return self._set_numbers(codes, np.searchsorted(asked, queries), len(asked))

    def _set_numbers(self, codes: Ids, queries: Ids, count: int) -> Ids:
        """Per state of the query the number of the set of codes that go with it."""
        self.work.spend((codes.size + count * len(self._codes)) // 64)
        present = np.zeros((count, len(self._codes) + 1), dtype=np.bool_)
        present[np.broadcast_to(queries, codes.shape), codes] = True
        found = []
        for row, packed in zip(present, np.packbits(present[:, :-1], axis=1), strict=True):
            key = packed.tobytes()
            if key not in self._sets:
                outcomes = tuple(self._codes[k] for k in np.flatnonzero(row[:-1]).tolist())
                self._sets[key] = 0 if outcomes == self.outcomes[0] else len(self.outcomes)
                if self._sets[key]:
                    self.outcomes.append(outcomes)
            found.append(self._sets[key])
        return np.array(found, dtype=np.int64)

    def _code_table(self) -> Ids:
        """For a tuple of values and the truths of all columns the number of the outcome; -1 where one has no value."""
        width = len(self.columns)
        known = {self._codes[0]: 0}
        table = np.full((len(self._vectors), 2**width + 1), UNKNOWN, dtype=np.int64)
        self.work.spend(table.size)
        for number, vector in enumerate(self._vectors):
            for truths in range(2**width):
                outcome = tuple(value if truths >> k & 1 else NOT for k, value in enumerate(vector))
                table[number, truths] = known.setdefault(outcome, len(known))
        self._codes = list(known)
        return table

    # -------------------------------------------------------------------------------------------- truths

    def _truth_table(self) -> Ids:
        """For each state of a key and of a query the truths of the columns as bits; 2^columns if one has no value."""
        compared: dict[Select | Holds, Truths] = {}
        self.work.spend(len(self._shown) * len(self._asked) // 64)
        found = np.zeros((len(self._shown), len(self._asked)), dtype=np.int64)
        fails = np.zeros(found.shape, dtype=np.bool_)
        for k, column in enumerate(self.columns):
            truths = self._selected(column.selector if isinstance(column, Aggregate) else column.formula, compared)
            if isinstance(column, Aggregate) and column in self.claims.formulas:
                claimed = self._selected(self.claims.formulas[column], compared)
                if (truths != claimed).any():
                    raise NotClosed(f"the selector of {column!r} is not the formula that is claimed for it")
            found |= np.where(truths == 1, 1 << k, 0)
            fails |= truths == FAILS
        return np.where(fails, 2 ** len(self.columns), found)

    def _selected(self, what: Selector | Formula, compared: dict[Select | Holds, Truths]) -> Truths:
        match what:
            case Literal(atom, positive):
                found = self._compare(atom, compared)
                return found if positive else _negated(found)
            case Both(parts) | Either(parts):
                shape = len(self._shown), len(self._asked)
                found = np.full(shape, isinstance(what, Both), dtype=np.int8)
                for part in parts:
                    found = _joined(found, self._selected(part, compared), isinstance(what, Both))
                return found
            case Select() | Negate() | Combine():
                return self._combined(what, compared)
        assert_never(what)

    def _combined(self, what: Selector, compared: dict[Select | Holds, Truths]) -> Truths:
        done: dict[Selector, Truths] = {}
        for node in _parts(what):
            match node:
                case Select():
                    done[node] = self._compare(node, compared)
                case Negate(operand=operand):
                    done[node] = _negated(done[operand])
                case Combine(junction=junction, left=left, right=right):
                    done[node] = _joined(done[left], done[right], junction is Junction.AND)
                case _:
                    assert_never(node)
        return done[what]

    def _compare(self, atom: Select | Holds, compared: dict[Select | Holds, Truths]) -> Truths:
        """One comparison, for each two values that it is made on."""
        if atom not in compared:
            on, of, test = _comparison(atom, self.claims)
            key_values, key_at = _column(self._shown, self.keys.index(on))
            query_values, query_at = _column(self._asked, None if of is None else self.queries.index(of))
            self.work.spend(len(key_values) * len(query_values) + len(key_at) * len(query_at) // 64)
            small = np.array([[_truth(test, k, q) for q in query_values] for k in key_values], dtype=np.int8)
            small = small.reshape(len(key_values), len(query_values))
            compared[atom] = small[np.ix_(key_at, query_at)]
        return compared[atom]


def _compared(columns: Sequence[Aggregate | Count]) -> tuple[set[SOp], set[SOp]]:
    """What the columns compare at the key and at the query."""
    found = [reads(column) for column in columns]
    return {sop for keys, _ in found for sop in keys}, {sop for _, queries in found for sop in queries}


def _by_number(sops: Iterable[SOp]) -> tuple[SOp, ...]:
    return tuple(sorted(sops, key=lambda sop: sop.id))


def _numbered(part: Tuple, known: dict[object, int], shown: list[Tuple]) -> int:
    key = row_key(part)
    if key not in known:
        known[key] = len(shown)
        shown.append(part)
    return known[key]


def reads(column: Aggregate | Count) -> tuple[set[SOp], set[SOp]]:
    """What the column compares at the key and at the query."""
    match column:
        case Count(formula=part):
            return set(keys_of(part)), set(queries_of(part))
        case Aggregate(selector=selector):
            selects = [node for node in _parts(selector) if isinstance(node, Select)]
            return {node.keys for node in selects}, {node.queries for node in selects}
    assert_never(column)


def _parts(selector: Selector) -> list[Selector]:
    """The selectors that this one is combined from, and itself; operands first."""
    seen: set[Selector] = set()
    stack: list[Selector] = [selector]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        match node:
            case Negate(operand=operand):
                stack.append(operand)
            case Combine(left=left, right=right):
                stack += [left, right]
            case Select():
                pass
            case _:
                assert_never(node)
    return sorted(seen, key=lambda node: node.id)


def _comparison(atom: Select | Holds, claims: Claims) -> tuple[SOp, SOp | None, Callable[[Atom, Atom], Atom]]:
    """What is compared at the key, with what at the query, and how."""
    match atom:
        case Select(keys=keys, queries=queries, predicate=predicate):
            return keys, queries, function(PREDICATE_OP[predicate], claims.numbers)
        case Holds(sop=sop, value=value):
            return sop, None, lambda key, _: key == value
    assert_never(atom)


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


def _truth(test: Callable[[Atom, Atom], Atom], key: Atom, query: Atom) -> int:
    try:
        return int(bool(test(key, query)))
    except OperatorError:
        return FAILS


def _negated(truths: Truths) -> Truths:
    return np.where(truths == FAILS, FAILS, 1 - truths).astype(np.int8)


def _joined(left: Truths, right: Truths, both: bool) -> Truths:
    """`and` or `or`; without a value where one of the two has none, as in the interpreter."""
    joined = left & right if both else left | right
    return np.where((left == FAILS) | (right == FAILS), FAILS, joined).astype(np.int8)
