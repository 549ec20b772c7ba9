"""Bounds on rounding errors of sums of products, for any order of summation and with or without fused operations.

A sum of products is exact when all products are multiples of one power of two q and their absolute values add up to
at most 2^p q, p the significand bits. Otherwise its error is at most gamma_k times the sum of absolute values,
gamma_k = k u / (1 - k u), u = 2^-p (Higham 2002, section 3.1), and operands that a matrix unit shortens add theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf

import numpy as np
import numpy.typing as npt

from compiled.precision import Precision

Floats = npt.NDArray[np.float64]


def quantum(values: Floats) -> float:
    """The largest power of two that divides all of the values; infinite when they are all 0."""
    nonzero = values[values != 0]
    if not nonzero.size:
        return float("inf")
    fractions, exponents = np.frexp(nonzero)
    whole = np.abs(fractions * 2.0**53).astype(np.int64)
    lowest = (whole & -whole).astype(np.float64)
    return float(np.min(np.ldexp(lowest, exponents - 53)))


def digits_of(values: Floats) -> int:
    """How many significand bits the longest of the values has."""
    nonzero = values[values != 0]
    if not nonzero.size:
        return 0
    fractions, _ = np.frexp(nonzero)
    whole = np.abs(fractions * 2.0**53).astype(np.int64)
    lowest = (whole & -whole).astype(np.float64)
    return int(53 - np.min(np.log2(lowest)))


@dataclass(frozen=True)
class Operand:
    """What a sum reads: the largest absolute value, an error bound, and the quantum and digits of exact values."""

    largest: float
    error: float
    quantum: float
    digits: int


def operand(values: Floats, error: float) -> Operand:
    """The operand that takes these values up to the error."""
    largest = float(np.max(np.abs(values), initial=0.0))
    return Operand(largest, error, quantum(values), digits_of(values))


@dataclass(frozen=True)
class Arithmetic:
    """The rounding of one number format."""

    precision: Precision

    def gamma(self, terms: int) -> float:
        """The relative error of a sum of this many products."""
        product = terms * self.precision.unit
        return product / (1 - product) if product < 0.5 else float("inf")

    def linear(self, weights: Floats, bias: float, operands: Sequence[Operand]) -> float:
        """A bound on |computed - nominal| for `bias + sum of weight * operand`, nominal the exact sum of nominals."""
        inherited = float(sum(abs(w) * one.error for w, one in zip(weights, operands, strict=True)))
        sizes = [abs(float(w)) * (one.largest + one.error) for w, one in zip(weights, operands, strict=True)]
        size = float(sum(sizes)) + abs(bias)
        if size == 0:
            return inherited
        if size >= self.precision.largest:
            return float("inf")
        short = self._shortened(weights, operands, sizes)
        if not inherited and not short and self._exact(weights, bias, operands, size):
            return 0.0
        return inherited + short + self.gamma(int(np.count_nonzero(weights)) + 2) * size

    def _shortened(self, weights: Floats, operands: Sequence[Operand], sizes: Sequence[float]) -> float:
        """What a matrix unit loses when it keeps fewer digits of its operands than they have."""
        unit, kept = self.precision.product_unit, self.precision.product_digits
        if not unit:
            return 0.0
        lost = 0.0
        for weight, one, size in zip(weights, operands, sizes, strict=True):
            long_weight = digits_of(np.array([weight])) > kept
            lost += size * unit * (int(long_weight) + int(one.error > 0 or one.digits > kept)) * 1.01
        return lost

    def _exact(self, weights: Floats, bias: float, operands: Sequence[Operand], size: float) -> bool:
        if any(w and one.error for w, one in zip(weights, operands, strict=True)):
            return False
        steps = [quantum(np.array([w])) * one.quantum for w, one in zip(weights, operands, strict=True) if w]
        step = min([*steps, quantum(np.array([bias]))], default=float("inf"))
        return isinf(step) or size <= 2.0**self.precision.digits * step
