"""How a head scores one part of a selector: features of the query times features of the key.

A selected pair scores the level of the query, every other pair at least 1 less (before scaling). The encodings:

    parabola    2ab - b^2 for equality of codes a, b: the level is a^2, the rank 2, whatever the range
    chain       -sum_r [key >= r][query < r] for nested rows (any order comparison): level 0, rank = thresholds
    rows        -sum_r [query in row r][r does not select key]: level 0, rank = different rows
    columns     the same with a dimension for each different column
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from typing import Final, TypeAlias

from compiled.errors import Refused
from compiled.meaning.formula import Formula, Literal, keys_of, queries_of
from compiled.meaning.leaves import Tuple
from compiled.meaning.means import is_number
from compiled.meaning.values import Domain
from spec.ast import Predicate
from spec.graph import Select, SOp
from spec.values import Atom

Phi: TypeAlias = dict[Tuple, Fraction]
MAX_PAIRS: Final = 1 << 20


@dataclass(frozen=True)
class Scoring:
    """One way to score a part: for each dimension what the query and the key contribute, and the level."""

    name: str
    queries: tuple[Phi, ...]
    keys: tuple[Phi, ...]
    level: Phi | None

    @property
    def rank(self) -> int:
        """The head dimensions that it takes."""
        return len(self.keys)


@dataclass(frozen=True, eq=False)
class Relation:
    """A part of a selector as a matrix over the values at the query and at the key."""

    part: Formula
    key_sops: tuple[SOp, ...]
    query_sops: tuple[SOp, ...]
    keys: tuple[Tuple, ...]
    queries: tuple[Tuple, ...]
    selected: Mapping[tuple[Tuple, Tuple], bool]

    @property
    def trivial(self) -> bool:
        """Whether it selects every pair."""
        return all(self.selected.values())


def relation(part: Formula, domain: Domain) -> Relation:
    """The matrix of a part; pairs that have no value are not selected."""
    keys, queries = keys_of(part), queries_of(part)
    at_key = domain.all_values(keys) if keys else ((),)
    at_query = domain.all_values(queries) if queries else ((),)
    if len(at_key) * len(at_query) > MAX_PAIRS:
        raise Refused(f"a comparison of {len(at_key)} with {len(at_query)} values")
    entries = domain.entries(part)
    selected = {(query, key): entries.holds(key, query) is True for key, query in product(at_key, at_query)}
    return Relation(part, keys, queries, at_key, at_query, selected)


def scorings(given: Relation, *, compact: bool, largest: Fraction) -> Iterator[Scoring]:
    """The encodings that fit, cheapest first. `largest` bounds the numbers that parabolas may use."""
    rows = {q: tuple(given.selected[q, k] for k in given.keys) for q in given.queries}
    columns = {k: tuple(given.selected[q, k] for q in given.queries) for k in given.keys}
    found = [_rows(given, rows), _columns(given, columns)]
    chain = _chain(given, rows)
    if chain is not None:
        found.insert(0, chain)
    if compact:
        found += list(_parabolas(given, rows, largest))
    yield from sorted(found, key=lambda scoring: scoring.rank)


def _rows(given: Relation, rows: Mapping[Tuple, tuple[bool, ...]]) -> Scoring:
    different = _classes(rows)
    keys = tuple({k: Fraction(int(not row[j])) for j, k in enumerate(given.keys)} for row in different if not all(row))
    queries = tuple({q: Fraction(-int(rows[q] == row)) for q in given.queries} for row in different if not all(row))
    return Scoring("rows", queries, keys, None)


def _columns(given: Relation, columns: Mapping[Tuple, tuple[bool, ...]]) -> Scoring:
    different = _classes(columns)
    queries = tuple(
        {q: Fraction(-int(not column[i])) for i, q in enumerate(given.queries)}
        for column in different
        if not all(column)
    )
    keys = tuple(
        {k: Fraction(int(columns[k] == column)) for k in given.keys} for column in different if not all(column)
    )
    return Scoring("columns", queries, keys, None)


def _classes(lines: Mapping[Tuple, Hashable]) -> list[tuple[bool, ...]]:
    return list(dict.fromkeys(lines.values()))  # type: ignore[arg-type]  # the lines are tuples of booleans


def _chain(given: Relation, rows: Mapping[Tuple, tuple[bool, ...]]) -> Scoring | None:
    """Nested rows: the level of a row is its place in the chain, that of a key the first row that has it."""
    chain = sorted(_classes(rows), key=sum)
    if any(any(a and not b for a, b in zip(low, high, strict=True)) for low, high in pairwise(chain)):
        return None
    place = {row: k for k, row in enumerate(chain)}
    first = {key: next((k for k, row in enumerate(chain) if row[j]), len(chain)) for j, key in enumerate(given.keys)}
    thresholds = sorted({level for level in first.values() if level > 0})
    queries = tuple({q: Fraction(-int(place[rows[q]] < r)) for q in given.queries} for r in thresholds)
    keys = tuple({k: Fraction(int(first[k] >= r)) for k in given.keys} for r in thresholds)
    return Scoring("chain", queries, keys, None)


def _parabolas(
    given: Relation,
    rows: Mapping[Tuple, tuple[bool, ...]],
    largest: Fraction,
) -> Iterator[Scoring]:
    """Equality of codes, where each row class selects one column class at most, and the other way round."""
    natural = _natural_codes(given)
    for codes in filter(None, (natural, _rank_codes(given, rows))):
        queries, keys = codes
        bound = max(map(abs, (*queries.values(), *keys.values())))
        if bound * bound * 2 > largest:
            continue
        query: tuple[Phi, ...] = ({q: 2 * a for q, a in queries.items()}, dict.fromkeys(queries, Fraction(-1)))
        key: tuple[Phi, ...] = (dict(keys), {k: b * b for k, b in keys.items()})
        yield Scoring("parabola", query, key, {q: a * a for q, a in queries.items()})


def _natural_codes(given: Relation) -> tuple[Phi, Phi] | None:
    """The values themselves, when the part is equality of integers; shifted so that they lie around 0."""
    match given.part:
        case Literal(Select(predicate=Predicate.EQ), True):
            values = [value for (value,) in (*given.keys, *given.queries)]
        case _:
            return None
    if not all(is_number(value) and value == int(value) for value in values if not isinstance(value, str)):
        return None
    numbers: list[int] = [int(value) for value in values if not isinstance(value, str)]
    if len(numbers) != len(values):
        return None
    middle = (min(numbers) + max(numbers)) // 2

    def code(atom: Atom) -> Fraction:
        return Fraction(int(atom) - middle)

    return {q: code(q[0]) for q in given.queries}, {k: code(k[0]) for k in given.keys}


def _rank_codes(given: Relation, rows: Mapping[Tuple, tuple[bool, ...]]) -> tuple[Phi, Phi] | None:
    """Consecutive integers for matching classes; what matches nothing gets a code outside, a different one a side."""
    kinds = [row for row in _classes(rows) if any(row)]
    if any(sum(row[j] for row in kinds) > 1 for j in range(len(given.keys))):
        return None
    owner = {key: next((r for r, row in enumerate(kinds) if row[j]), None) for j, key in enumerate(given.keys)}
    middle = len(kinds) // 2
    place = {row: r for r, row in enumerate(kinds)}
    queries = {q: Fraction(place.get(rows[q], -1) - middle) for q in given.queries}
    keys = {k: Fraction((len(kinds) if r is None else r) - middle) for k, r in owner.items()}
    return (queries, keys) if _is_equality(given, queries, keys) else None


def _is_equality(given: Relation, queries: Phi, keys: Phi) -> bool:
    return all((queries[q] == keys[k]) is held for (q, k), held in given.selected.items())
