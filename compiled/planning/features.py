"""Functions of one leaf that the stream holds: what is a multiple of one, or a sum of several, takes no dimension."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from compiled.planning.layout import Linear
from compiled.planning.points import Unary, dyadic
from spec.values import Atom

Floats: TypeAlias = npt.NDArray[np.float64]
MAX_SOLVED: Final = 1 << 14
"""So many numbers may the functions have together of which a sum is looked for."""
NEAR: Final = 1e-6
"""What is farther from all sums of functions, relative to its size, is none of them."""
MOST: Final = 1 << 50
"""Numbers below this are exact in doubles, and so are their quarters."""


class Basis:
    """The functions of one leaf that are in slots, in the order in which they came."""

    def __init__(self, values: Sequence[Atom], largest: float) -> None:
        """`largest`: what is added up has whole values up to this, 0 when nothing is."""
        self.values, self.largest = values, largest
        self.slots: list[tuple[int, Unary]] = []
        self._alike: dict[tuple[int, ...], list[int]] = {}
        """By shape the places among the slots."""
        self._whole: list[int] = []
        """Slots whose functions may be added up, and these functions."""
        self._columns: list[Floats] = []
        self._span = [_unit(np.ones(len(values)))]
        """Orthonormal: what all sums of these functions and of a constant are sums of, up to rounding."""

    def add(self, slot: int, unary: Unary) -> None:
        """Another function, of all values."""
        self._alike.setdefault(_shape(unary, self.values), []).append(len(self.slots))
        self.slots.append((slot, unary))
        if not all(number.denominator == 1 and abs(number) <= self.largest for number in unary.values()):
            return
        column = np.array([float(unary[value]) for value in self.values])
        self._whole.append(slot)
        self._columns.append(column)
        rest = self._rest(_unit(column))
        if float(np.linalg.norm(rest)) > NEAR:
            self._span.append(_unit(rest))

    def read(self, unary: Unary) -> Linear | None:
        """The function off the slots, if it can be read off them; it may be of some of the values."""
        return self._multiple(unary) or self._sum(unary)

    def _multiple(self, unary: Unary) -> Linear | None:
        among: Iterable[int] = range(len(self.slots))
        if len(unary) == len(self.values):
            # Functions of different shapes are no multiples of each other, others if they are one where they differ.
            shape = _shape(unary, self.values)
            among = self._alike.get(shape, ())
            unary = {value: unary[value] for value in dict(zip(shape, self.values, strict=True)).values()}
        for slot, known in (self.slots[k] for k in among):
            line = affine({value: known[value] for value in unary}, unary)
            if line is not None:
                return Linear(((slot, line[0]),), line[1])
        return None

    def _sum(self, unary: Unary) -> Linear | None:
        if not self._columns:
            return None
        columns = self._columns
        if len(unary) < len(self.values):
            kept = np.array([value in unary for value in self.values])
            columns = [column[kept] for column in columns]
        wanted = [unary[value] for value in self.values if value in unary]
        if len(unary) == len(self.values) and float(np.linalg.norm(self._rest(_unit(_doubles(wanted))))) > NEAR:
            return None
        found = combined(columns, wanted, self.largest)
        if found is None:
            return None
        terms = ((slot, one) for slot, one in zip(self._whole, found[0], strict=True) if one)
        return Linear(tuple(sorted(terms)), found[1])

    def _rest(self, column: Floats) -> Floats:
        """What is left of a column without what the others have of it; twice, since it is rounded."""
        span = np.array(self._span)
        for _ in range(2):
            column = column - span.T @ (span @ column)
        return column


def _unit(column: Floats) -> Floats:
    """The column with length 1."""
    size = float(np.linalg.norm(column))
    return column / size if size else column


def _doubles(numbers: Sequence[Fraction]) -> Floats:
    return np.array([float(number) for number in numbers])


def _shape(unary: Unary, values: Sequence[Atom]) -> tuple[int, ...]:
    """Which of the values have equal numbers."""
    first: dict[tuple[int, int], int] = {}
    return tuple([first.setdefault(unary[value].as_integer_ratio(), len(first)) for value in values])


def affine(known: Unary, wanted: Unary) -> tuple[Fraction, Fraction] | None:
    """`a, b` with wanted = a * known + b and a exact in binary, or None; of the same values, one at least."""
    # Any two points with different numbers decide the line.
    low = next(iter(known))
    high = next((value for value in known if known[value] != known[low]), low)
    if known[low] == known[high]:
        return None
    slope = (wanted[high] - wanted[low]) / (known[high] - known[low])
    constant = wanted[low] - slope * known[low]
    if not slope or not dyadic((slope, constant), 20):
        return None
    return (slope, constant) if all(wanted[value] == slope * known[value] + constant for value in wanted) else None


def combined(
    known: Sequence[Floats], wanted: Sequence[Fraction], largest: float
) -> tuple[list[Fraction], Fraction] | None:
    """Multiples of the known functions, which have whole values, and a constant that add up to the wanted one, or None.

    Only quarters are tried as multiples, and the absolute values stay below `largest` when added: so the sum is exact
    in a format of some more digits.
    """
    if not known or len(wanted) * len(known) > MAX_SOLVED or not largest < MOST:
        return None
    if any(4 % number.denominator or abs(number) >= MOST for number in wanted):
        return None
    matrix = np.column_stack([*known, np.ones(len(wanted))])
    numbers = _doubles(wanted)
    found, *_ = np.linalg.lstsq(matrix, numbers, rcond=None)
    multiples = np.rint(found * 4) / 4
    if float(np.abs(multiples) @ np.abs(matrix).max(axis=0)) > largest or (matrix @ multiples != numbers).any():
        return None
    *parts, constant = map(Fraction, multiples.tolist())
    return parts, constant
