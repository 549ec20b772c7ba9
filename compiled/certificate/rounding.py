"""Bounds on rounding errors of sums of products, for any order of summation and with or without fused operations.

A sum of products is exact when all products are multiples of one power of two q and their absolute values add up to
at most 2^p q, p the significand bits; a single product also when its factors have p digits together. Otherwise the
error is at most gamma_k times the sum of absolute values,
gamma_k = k u / (1 - k u), u = 2^-p (Higham 2002, section 3.1), and operands that a matrix unit shortens add theirs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, isinf
from typing import Final

import numpy as np
import numpy.typing as npt

from compiled.precision import Precision

Floats = npt.NDArray[np.float64]


def quanta(values: Floats) -> Floats:
    """For each value the largest power of two that divides it; infinite for 0."""
    return quanta_and_digits(values)[0]


def quanta_and_digits(values: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Besides, how many significand bits each value has; 0 for 0."""
    fractions, exponents = np.frexp(values)
    whole = np.abs(fractions * 2.0**53).astype(np.int64)
    lowest, zeros = np.frexp((whole & -whole).astype(np.float64))  # half of a power of two, and its exponent
    none = values == 0
    return np.where(none, inf, np.ldexp(lowest, exponents + zeros - 53)), np.where(none, 0, 54 - zeros)


def quantum(values: Floats) -> float:
    """The largest power of two that divides all of the values; infinite when they are all 0."""
    return float(np.min(quanta(values), initial=inf))


def digits_of(values: Floats) -> int:
    """How many significand bits the longest of the values has."""
    return int(np.max(quanta_and_digits(values)[1], initial=0))


@dataclass(frozen=True)
class Operand:
    """What a sum reads: the largest absolute value, an error bound, and the quantum and digits of exact values."""

    largest: float
    error: float
    quantum: float
    digits: int


def operand(values: Floats, error: float) -> Operand:
    """The operand that takes these values up to the error."""
    return operands(values.reshape(-1, 1), [error])[0]


def operands(columns: Floats, errors: Iterable[float]) -> list[Operand]:
    """For each column the operand that takes its values up to the error."""
    steps, digits = quanta_and_digits(columns)
    largest = np.abs(columns).max(axis=0, initial=0.0)
    least, most = steps.min(axis=0, initial=inf), digits.max(axis=0, initial=0)
    return list(map(Operand, largest.tolist(), errors, least.tolist(), most.tolist()))


def summed(parts: Sequence[Operand], error: float) -> Operand:
    """An operand for any sum of nominal values of these, known up to the error."""
    if len(parts) == 1:
        return Operand(parts[0].largest, error, parts[0].quantum, parts[0].digits)
    largest = sum(one.largest for one in parts)
    step = min((one.quantum for one in parts), default=inf)
    return Operand(largest, error, step, 0 if not largest else int(largest / step).bit_length())


NOTHING: Final = Operand(0.0, 0.0, inf, 0)


def exactly(value: float, error: float = 0.0) -> Operand:
    """The operand that takes one value up to the error."""
    if not value:
        return replace(NOTHING, error=error)
    if not isfinite(value):
        return Operand(abs(value), error, inf, 0)
    whole, parts = abs(value).as_integer_ratio()
    lowest = whole & -whole
    return Operand(abs(value), error, lowest / parts, (whole // lowest).bit_length())


@dataclass(frozen=True)
class Arithmetic:
    """The rounding of one number format: bounds on |computed - nominal|, infinite where a number may overflow.

    Nominal values are computed in doubles, whose own rounding is part of every bound that is not 0.
    """

    precision: Precision

    def gamma(self, terms: int) -> float:
        """The relative error of a sum of this many products."""
        return float(self.gammas(np.array([terms]))[0])

    def gammas(self, terms: npt.NDArray[np.int64]) -> Floats:
        """The same for several."""
        product = terms * (self.precision.unit + 2.0**-53)
        return np.where(product < 0.5, product / (1 - np.minimum(product, 0.5)), inf)

    def linear(self, matrix: Floats, bias: Floats, operands: Sequence[Operand]) -> Floats:
        """Of each column of a matrix product: `bias + sum of weight * operand`."""
        used, weights = matrix != 0, np.abs(matrix)
        largest, error, quantum_, length = (
            np.array([getattr(one, name) for one in operands], dtype=np.float64).reshape(-1, 1)
            for name in ("largest", "error", "quantum", "digits")
        )
        with np.errstate(invalid="ignore"):
            inherited = np.where(used, weights * error, 0.0).sum(axis=0)
            sizes = np.where(used, weights * (largest + error), 0.0)
            steps, own = quanta_and_digits(matrix)
            steps = np.where(used, steps * quantum_, inf)
        size = sizes.sum(axis=0) + np.abs(bias)
        kept = self.precision.product_digits
        long = (own > kept).astype(np.int64) + ((error > 0) | (length > kept))
        lost = 1.01 * self.precision.product_unit * (sizes * long).sum(axis=0)
        step = np.minimum(steps.min(axis=0, initial=inf), quanta(bias))
        terms = used.sum(axis=0) + 2
        rounded = inherited + lost + self.gammas(terms) * size + terms * self.precision.least
        short = (self.precision.least <= step) & (size <= 2.0**self.precision.digits * step)
        alone = (used.sum(axis=0) == 1) & (bias == 0) & (self.precision.least <= step)
        alone &= np.where(used, own + length, 0).max(axis=0, initial=0) <= self.precision.digits
        exact = (inherited == 0) & (lost == 0) & (np.isinf(step) | short | alone)
        return np.where(size < self.precision.largest, np.where(exact, 0.0, rounded), inf)

    def products(self, pairs: Sequence[tuple[Operand, Operand]], bias: float = 0.0) -> float:
        """Of `bias + sum of a * b` in a matrix product, which may shorten both factors."""
        inherited = sum(a.error * (b.largest + b.error) + a.largest * b.error for a, b in pairs)
        sizes = [(a.largest + a.error) * (b.largest + b.error) for a, b in pairs]
        size = sum(sizes) + abs(bias)
        if not size < self.precision.largest:
            return inf
        lost = sum(size * self._shortened(a, b) for size, (a, b) in zip(sizes, pairs, strict=True))
        step = min((quantum(np.array([bias])), *(a.quantum * b.quantum for a, b in pairs)), default=inf)
        if not inherited and not lost and self._exact(size, step):
            return 0.0
        terms = len(pairs) + 2
        return inherited + lost + self.gamma(terms) * size + terms * self.precision.least

    def each(self, row: Floats, rows: Floats, pairs: Sequence[tuple[Operand, Operand]], terms: int) -> Floats:
        """Of the products of one row with each of `rows`, as parts of sums of so many terms: for each its own bound.

        `pairs` are the columns of both as operands. A product that vanishes and a sum that does lose the least number
        each.
        """
        if not pairs:
            return np.zeros(len(rows))
        error, other = (np.array([pair[side].error for pair in pairs]) for side in (0, 1))
        lost = np.array([self._shortened(a, b) for a, b in pairs])
        one, most = np.abs(row) + error, np.abs(rows) + other
        inherited = most @ error + np.abs(row) @ other
        found: Floats = inherited + most @ (one * (lost + self.gamma(terms))) + 2 * terms * self.precision.least
        return found

    def total(self, operands: Sequence[Operand]) -> float:
        """Of a sum of these."""
        inherited = sum(one.error for one in operands)
        size = sum(one.largest + one.error for one in operands)
        if not size < self.precision.largest:
            return inf
        if not inherited and self._exact(size, min((one.quantum for one in operands), default=inf)):
            return 0.0
        return inherited + self.gamma(len(operands)) * size + len(operands) * self.precision.least

    def _shortened(self, a: Operand, b: Operand) -> float:
        """The part of a product that is lost when a matrix unit keeps fewer digits of its factors than they have."""
        kept = self.precision.product_digits
        return 1.01 * self.precision.product_unit * sum(one.error > 0 or one.digits > kept for one in (a, b))

    def _exact(self, size: float, step: float) -> bool:
        """Whether multiples of the step with absolute values up to this sum are added without rounding."""
        return isinf(step) or (self.precision.least <= step and size <= 2.0**self.precision.digits * step)
