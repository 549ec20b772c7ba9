"""Functions on finite sets of tuples, column by column: which arguments matter, and sums of unary functions."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from math import lcm, prod
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from compiled.errors import TooMuch
from compiled.meaning.leaves import Tuple
from compiled.numbering import distinct_rows
from spec.values import Atom

Ints: TypeAlias = npt.NDArray[np.int64]
Whole: TypeAlias = npt.NDArray[Any]
Unary: TypeAlias = dict[Atom, Fraction]
MAX_CELLS: Final = 1 << 22
"""Products of columns up to this size are numbered directly, larger ones by what occurs."""
MAX_ONEHOT: Final = 1_024
"""The most values that have a dimension each: the functions take the square of it, and weights no less."""
MAX_WHOLE: Final = 1 << 58
"""Integers below this are numbers of 64 bits, in which a few of them can be added; larger ones are Python's."""


@dataclass(frozen=True, eq=False)
class Points:
    """Different tuples: per column the values that occur, and the number of its value at each point."""

    values: tuple[tuple[Atom, ...], ...]
    codes: tuple[Ints, ...]
    size: int

    @classmethod
    def of(cls, rows: Sequence[Tuple], arity: int) -> "Points":
        """The points with these rows, values numbered as they occur."""
        columns = [numbered(row[k] for row in rows) for k in range(arity)]
        return cls(tuple(values for values, _ in columns), tuple(codes for _, codes in columns), len(rows))

    def at(self, places: npt.ArrayLike) -> "Points":
        """Some of the points, values numbered as they occur."""
        kept = np.asarray(places)
        values, codes = [], []
        for own, column in zip(self.values, self.codes, strict=True):
            used, numbers = renumbered(column[kept])
            values.append(tuple(own[k] for k in used.tolist()))
            codes.append(numbers)
        return Points(tuple(values), tuple(codes), int(np.arange(self.size)[kept].size))

    def columns(self, keep: Sequence[int]) -> "Points":
        """The same points with these columns only; they need not be different any more."""
        return Points(tuple(self.values[k] for k in keep), tuple(self.codes[k] for k in keep), self.size)

    def keys(self, keep: Sequence[int]) -> tuple[Ints, int]:
        """A number below the second one for each point: equal where these columns are."""
        key, cells = np.zeros(self.size, dtype=np.int64), 1
        for k in keep:
            key = key * len(self.values[k]) + self.codes[k]
            cells *= max(1, len(self.values[k]))
            if cells > MAX_CELLS:
                _, key = np.unique(key, return_inverse=True)
                cells = int(key.max(initial=0)) + 1
        return key, cells

    @cached_property
    def rows(self) -> list[Tuple]:
        """The points as tuples."""
        found = [
            list(map(own.__getitem__, column.tolist())) for own, column in zip(self.values, self.codes, strict=True)
        ]
        return list(zip(*found, strict=True)) if found else [()] * self.size

    @cached_property
    def places(self) -> dict[Tuple, int]:
        """Where each tuple is."""
        return {row: k for k, row in enumerate(self.rows)}


@dataclass(frozen=True, eq=False)
class Table(Mapping[Tuple, Fraction]):
    """A function on points as a mapping: a number of a small list for each point."""

    points: Points
    levels: Sequence[Fraction]
    codes: Ints

    def __getitem__(self, row: Tuple) -> Fraction:
        """The number at this tuple; `KeyError` when it is no point."""
        return self.levels[int(self.codes[self.points.places[row]])]

    def __iter__(self) -> Iterator[Tuple]:
        """Every tuple."""
        return iter(self.points.rows)

    def __len__(self) -> int:
        """How many points there are."""
        return self.points.size


def image(table: Mapping[Tuple, Fraction]) -> set[Fraction]:
    """The different numbers that a function has."""
    if isinstance(table, Table):
        return {table.levels[k] for k in np.unique(table.codes).tolist()}
    return set(table.values())


def numbered(items: Iterable[Hashable]) -> tuple[tuple[Atom, ...], Ints]:
    """The different items as they occur, and for each its number."""
    index: dict[Hashable, int] = {}
    codes = np.array([index.setdefault(item, len(index)) for item in items], dtype=np.int64)
    return tuple(index), codes  # type: ignore[arg-type]  # the items of a column are atoms


def renumbered(column: Ints) -> tuple[Ints, Ints]:
    """The different numbers in the order in which they occur, and the column in terms of these."""
    cells = int(column.max(initial=-1)) + 1
    used = column[_firsts(column, cells)]
    rank = np.zeros(cells, dtype=np.int64)
    rank[used] = np.arange(len(used))
    return used, rank[column]


def whole(numbers: Sequence[Fraction]) -> tuple[Whole, int]:
    """The numbers times a common denominator, as integers, and that denominator."""
    scale = lcm(*{one.denominator for one in numbers}) if numbers else 1
    scaled = [one.numerator for one in numbers]
    if scale != 1:
        scaled = [one.numerator * (scale // one.denominator) for one in numbers]
    small = max(map(abs, scaled), default=0) < MAX_WHOLE
    return np.array(scaled, dtype=np.int64 if small else np.object_), scale


def decides(points: Points, labels: Whole, keep: Sequence[int]) -> bool:
    """Whether these columns decide the label."""
    key, cells = points.keys(keep)
    seen = np.empty(cells, dtype=labels.dtype)
    seen[key] = labels  # of several labels the last one stays
    return bool((seen[key] == labels).all())


def finer(labels: Ints, others: Ints) -> bool:
    """Whether places with the same label have the same other one."""
    return len(distinct_rows([labels, others], len(labels))[0]) == len(distinct_rows([labels], len(labels))[0])


def relevant(points: Points, labels: Whole) -> tuple[int, ...]:
    """Columns that decide the label, none of which can be left out, later ones left out first."""
    keep = list(range(len(points.values)))
    for k in reversed(range(len(points.values))):
        fewer = [one for one in keep if one != k]
        if decides(points, labels, fewer):
            keep = fewer
    return tuple(keep)


def first_of_each(points: Points, keep: Sequence[int]) -> Ints:
    """A point for each different tuple in these columns, in the order of the points."""
    return np.sort(distinct_rows([points.codes[k] for k in keep], points.size)[0])


def first_alike(labels: Ints) -> Ints:
    """For each place the first that has the same label."""
    first = np.empty(int(labels.max(initial=-1)) + 1, dtype=np.int64)
    first[labels[::-1]] = np.arange(len(labels))[::-1]  # of several assignments the last one stays
    alike: Ints = first[labels]
    return alike


def _firsts(key: Ints, cells: int) -> Ints:
    """Where each number first occurs, in that order."""
    first = np.full(cells, -1, dtype=np.int64)
    # Of several assignments to one cell the last one stays.
    first[key[::-1]] = np.arange(len(key))[::-1]
    return np.sort(first[first >= 0])


def additive(points: Points, numbers: Whole) -> list[Whole] | None:
    """Unary functions, by the number of a value, that add up to the numbers at every point, or None.

    The first function is 0 on the first value of each component of the graph between first values and rests; a
    constant goes with the last. The values of each column are numbered as they occur.
    """
    if len(points.values) == 1:
        last = np.zeros(len(points.values[0]), dtype=numbers.dtype)
        last[points.codes[0]] = numbers
        return [last] if (last[points.codes[0]] == numbers).all() else None
    own = points.codes[0]
    key, cells = points.keys(range(1, len(points.values)))
    rests = _firsts(key, cells)
    rank = np.zeros(cells, dtype=np.int64)
    rank[key[rests]] = np.arange(len(rests))
    tail = rank[key]
    first = _potentials(own, tail, numbers, len(points.values[0]), len(rests))
    others = np.zeros(len(rests), dtype=numbers.dtype)
    others[tail] = numbers - first[own]
    if (first[own] + others[tail] != numbers).any():
        return None
    tails = additive(points.columns(range(1, len(points.values))).at(rests), others)
    return None if tails is None else [first, *tails]


def crossings(points: Points, labels: Ints) -> Ints:
    """Labels of points a, b, c, d, a row for each, where b and c differ from a in one column each, and d in both.

    A sum of unary functions has a + d = b + c for all of them.
    """
    key, cells = points.keys(range(len(points.values)))
    found = [np.zeros((0, 4), dtype=np.int64)]
    if cells != prod(map(len, points.values)):
        return found[0]
    place = np.full(cells, -1, dtype=np.int64)
    place[key] = np.arange(points.size)
    steps = [prod(map(len, points.values[k + 1 :])) for k in range(len(points.values))]
    for k, j in combinations(range(len(points.values)), 2):
        inside = (points.codes[k] + 1 < len(points.values[k])) & (points.codes[j] + 1 < len(points.values[j]))
        corners = key[inside, None] + np.array([0, steps[k], steps[j], steps[k] + steps[j]])
        corners = place[corners]
        found.append(labels[corners[(corners >= 0).all(axis=1)]])
    rows = np.concatenate(found)
    return rows[distinct_rows(rows.T, len(rows))[0]]


def crosses(numbers: Whole, crossed: Ints) -> npt.NDArray[np.bool_]:
    """For each row, numbers of labels, whether they are no sum of unary functions on some `crossings`."""
    a, b, c, d = (numbers[:, labels] for labels in crossed.T)
    found: npt.NDArray[np.bool_] = np.any(a - b - c + d != 0, axis=1)
    return found


def _potentials(own: Ints, tail: Ints, numbers: Whole, firsts: int, rests: int) -> Whole:
    """What the first function must be, by spreading from one value of each component to all it is connected with."""
    first, known = np.zeros(firsts, dtype=numbers.dtype), np.zeros(firsts, dtype=bool)
    others, reached = np.zeros(rests, dtype=numbers.dtype), np.zeros(rests, dtype=bool)
    while not known.all():
        known[int(np.argmin(known))] = True
        while True:
            edges = known[own] & ~reached[tail]
            others[tail[edges]] = numbers[edges] - first[own[edges]]
            reached[tail[edges]] = True
            edges = reached[tail] & ~known[own]
            if not edges.any():
                break
            first[own[edges]] = numbers[edges] - others[tail[edges]]
            known[own[edges]] = True
            # Where both ends are known there is no more to do.
            left = ~(known[own] & reached[tail])
            own, tail, numbers = own[left], tail[left], numbers[left]
    return first


def dyadic(numbers: Iterable[Fraction], digits: int) -> bool:
    """Whether the numbers are exact in binary with few digits."""
    for number in numbers:
        if number.denominator & (number.denominator - 1) or abs(number.numerator).bit_length() > digits - 2:
            return False
    return True


def indicators(values: Sequence[Atom]) -> list[Unary]:
    """For each of these different values the function that is 1 on it and 0 on the others; `TooMuch` for too many."""
    if len(values) > MAX_ONEHOT:
        raise TooMuch(f"a dimension for each of {len(values)} values, more than {MAX_ONEHOT}")
    zero, one = Fraction(0), Fraction(1)
    return [dict.fromkeys(values, zero) | {value: one} for value in values]
