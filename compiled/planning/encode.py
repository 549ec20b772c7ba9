"""How a head scores one part of a selector: features of the query times features of the key.

A selected pair scores the level of the query, every other pair at least 1 less (before scaling). The encodings:

    parabola    2ab - b^2 for equality of codes a, b: the level is a^2, the rank 2, whatever the range
    chain       -sum_r [key >= r][query < r] for nested rows (any order comparison): level 0, rank = thresholds
    powers      -sum B^(a - c - 1), a and c how many thresholds of a group the key and the query reach, where the key
                reaches one and the query misses one: selected pairs score between -1/B and 0, rank = groups
    words       -sum_d [query has letter d][key lacks it] for equality of codes, each a set of half of the letters: no
                set holds another, level 0, and a selected pair has no product that is not 0
    rows        -sum_r [query in row r][r does not select key]: level 0, rank = different rows
    columns     the same with a dimension for each different column
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, count, pairwise, product
from math import comb
from typing import Final, TypeAlias

from compiled.errors import TooMuch
from compiled.meaning.formula import Formula, Literal, keys_of, queries_of
from compiled.meaning.leaves import Tuple
from compiled.meaning.means import is_number
from compiled.meaning.values import Domain
from spec.ast import Predicate
from spec.graph import Select, SOp
from spec.values import Atom

Phi: TypeAlias = dict[Tuple, Fraction]
MAX_PAIRS: Final = 1 << 20
FLAGS: Final = (Fraction(0), Fraction(1))
MISSES: Final = (Fraction(0), Fraction(-1))
"""By a truth: thousands of factors are one of these."""


@dataclass(frozen=True)
class Scoring:
    """One way to score a part: for each dimension what the query and the key contribute, and the level.

    `skew`: how far selected pairs may score apart.
    """

    name: str
    queries: tuple[Phi, ...]
    keys: tuple[Phi, ...]
    level: Phi | None
    skew: Fraction = Fraction(0)

    @property
    def rank(self) -> int:
        """The head dimensions that it takes."""
        return len(self.keys)


@dataclass(frozen=True)
class Powers:
    """What an order may be scored with: the base 2^bits, and how many thresholds fit into the range of a number."""

    bits: int
    thresholds: int


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
        raise TooMuch(f"a comparison of {len(at_key)} with {len(at_query)} values: more than {MAX_PAIRS} pairs")
    holds = domain.entries(part).truths(at_query, at_key).holds
    selected = dict(zip(product(at_query, at_key), holds.reshape(-1).tolist(), strict=True))
    return Relation(part, keys, queries, at_key, at_query, selected)


class Relations:
    """The parts of selectors of one program on one scope and how they can be scored, each found once for all plans."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._relations: dict[Formula, Relation] = {}
        self._scorings: dict[object, tuple[Scoring, ...]] = {}

    def of(self, part: Formula) -> Relation:
        """See `relation`."""
        if part not in self._relations:
            self._relations[part] = relation(part, self._domain)
        return self._relations[part]

    def scorings(self, part: Formula, compact: bool, largest: Fraction, powers: Powers | None) -> tuple[Scoring, ...]:
        """See `scorings`."""
        key = part, compact, largest, powers
        if key not in self._scorings:
            self._scorings[key] = scorings(self.of(part), compact=compact, largest=largest, powers=powers)
        return self._scorings[key]


def scorings(given: Relation, *, compact: bool, largest: Fraction, powers: Powers | None = None) -> tuple[Scoring, ...]:
    """The encodings that fit, cheapest first. `largest` bounds the numbers that parabolas may use.

    With `powers` an order may score selected pairs nearly the same.
    """
    rows = {q: tuple(given.selected[q, k] for k in given.keys) for q in given.queries}
    columns = {k: tuple(given.selected[q, k] for q in given.queries) for k in given.keys}
    found = [_rows(given, rows), _columns(given, columns)]
    levels = _nested(given, rows)
    if levels is not None:
        found.insert(0, _chain(*levels))
        if powers is not None and len(groups := _grouped(levels[1], powers)) * 2 < len(found[0].keys):
            found.append(_powers(*levels, groups, powers))
    if compact:
        for queries, keys in filter(None, (_natural_codes(given), _rank_codes(given, rows))):
            found.append(_words(queries, keys))
            bound = max(map(abs, (*queries.values(), *keys.values())))
            if bound * bound * 2 <= largest:
                found.append(_parabola(queries, keys))
    return tuple(sorted(found, key=lambda scoring: scoring.rank))


def _rows(given: Relation, rows: Mapping[Tuple, tuple[bool, ...]]) -> Scoring:
    different = _classes(rows)
    keys = tuple({k: FLAGS[not row[j]] for j, k in enumerate(given.keys)} for row in different if not all(row))
    queries = tuple({q: MISSES[rows[q] == row] for q in given.queries} for row in different if not all(row))
    return Scoring("rows", queries, keys, None)


def _columns(given: Relation, columns: Mapping[Tuple, tuple[bool, ...]]) -> Scoring:
    different = _classes(columns)
    queries = tuple(
        {q: MISSES[not column[i]] for i, q in enumerate(given.queries)} for column in different if not all(column)
    )
    keys = tuple({k: FLAGS[columns[k] == column] for k in given.keys} for column in different if not all(column))
    return Scoring("columns", queries, keys, None)


def _classes(lines: Mapping[Tuple, Hashable]) -> list[tuple[bool, ...]]:
    return list(dict.fromkeys(lines.values()))  # type: ignore[arg-type]  # the lines are tuples of booleans


Levels: TypeAlias = dict[Tuple, int]


def _nested(given: Relation, rows: Mapping[Tuple, tuple[bool, ...]]) -> tuple[Levels, Levels] | None:
    """Of nested rows: the level of a row is its place in the chain, that of a key the first row that has it."""
    chain = sorted(_classes(rows), key=sum)
    if any(any(a and not b for a, b in zip(low, high, strict=True)) for low, high in pairwise(chain)):
        return None
    place = {row: k for k, row in enumerate(chain)}
    first = {key: next((k for k, row in enumerate(chain) if row[j]), len(chain)) for j, key in enumerate(given.keys)}
    return {query: place[row] for query, row in rows.items()}, first


def _thresholds(keys: Levels) -> list[int]:
    return sorted({level for level in keys.values() if level > 0})


def _chain(queries: Levels, keys: Levels) -> Scoring:
    thresholds = _thresholds(keys)
    misses = tuple({q: MISSES[level < r] for q, level in queries.items()} for r in thresholds)
    reaches = tuple({k: FLAGS[level >= r] for k, level in keys.items()} for r in thresholds)
    return Scoring("chain", misses, reaches, None)


def _grouped(keys: Levels, powers: Powers) -> list[list[int]]:
    """The thresholds in as few groups as fit; of two orders of the same values most groups are the same."""
    thresholds, size = _thresholds(keys), powers.thresholds
    return [thresholds[begin : begin + size] for begin in range(0, len(thresholds), size)]


def _powers(queries: Levels, keys: Levels, groups: Sequence[Sequence[int]], powers: Powers) -> Scoring:
    """A key that reaches more thresholds of a group than the query scores -1 or less. One that does not scores -1/B
    at least in the group in which the query reaches some and misses some, and 0 in the others."""
    misses, reaches, bits = [], [], powers.bits
    # Both factors lie around 1, and the features of an order are those of its converse.
    middle = (powers.thresholds - 1) * bits // 2
    for group in groups:
        passed = {q: sum(level >= r for r in group) for q, level in queries.items()}
        reached = {k: sum(level >= r for r in group) for k, level in keys.items()}
        misses.append({q: -_power(middle - c * bits) if c < len(group) else Fraction(0) for q, c in passed.items()})
        reaches.append({k: _power((a - 1) * bits - middle) if a else Fraction(0) for k, a in reached.items()})
    return Scoring("powers", tuple(misses), tuple(reaches), None, _power(-bits))


def _power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def _parabola(queries: Phi, keys: Phi) -> Scoring:
    """Equality of codes, where each row class selects one column class at most, and the other way round."""
    query: tuple[Phi, ...] = ({q: 2 * a for q, a in queries.items()}, dict.fromkeys(queries, Fraction(-1)))
    key: tuple[Phi, ...] = (dict(keys), {k: b * b for k, b in keys.items()})
    return Scoring("parabola", query, key, {q: a * a for q, a in queries.items()})


def _words(queries: Phi, keys: Phi) -> Scoring:
    """Equality of the same codes, by sets of letters in their place."""
    codes = sorted({*queries.values(), *keys.values()})
    letters = next(m for m in count(1) if comb(m, m // 2) >= len(codes))
    word = dict(zip(codes, combinations(range(letters), letters // 2), strict=False))
    has = tuple({q: Fraction(-int(d in word[code])) for q, code in queries.items()} for d in range(letters))
    lacks = tuple({k: Fraction(int(d not in word[code])) for k, code in keys.items()} for d in range(letters))
    return Scoring("words", has, lacks, None)


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
