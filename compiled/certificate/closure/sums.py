"""What all keys of a row give together, one key at a time: whether none, one or several are selected, and all sums."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import gcd, isfinite, lcm
from typing import Generic, TypeVar

import numpy as np

from compiled.certificate.closure.claims import NotClosed, Work
from spec.values import Atom, Numbers

S = TypeVar("S", bound=Hashable)


@dataclass
class _Step(Generic[S]):
    state: S
    after: "dict[int, _Step[S]]" = field(default_factory=dict)


class Folding(Generic[S]):
    """`step(.. step(step(start, k1), k2) .., kn)` for many rows: what rows begin with is computed once."""

    def __init__(self, start: S, step: Callable[[S, int], S]) -> None:
        self._root, self._step = _Step(start), step

    def of(self, keys: Iterable[int]) -> S:
        """The state after these keys."""
        at = self._root
        for key in keys:
            if key not in at.after:
                at.after[key] = _Step(self._step(at.state, key))
            at = at.after[key]
        return at.state


@dataclass(frozen=True)
class Scale:
    """Numbers as whole steps from the least of them; `steps` is None for what is in no sum."""

    low: Fraction
    unit: Fraction
    steps: tuple[int | None, ...]
    numbers: Numbers

    @property
    def span(self) -> int:
        """The most steps."""
        return max((k for k in self.steps if k is not None), default=0)

    def mean(self, steps: int, count: int) -> Atom:
        """The mean that the interpreter computes of so many numbers with so many steps together."""
        unit, low, parts = self._whole
        total = steps * unit + count * low
        if self.numbers is Numbers.EXACT:
            return Fraction(total, parts * count)
        return float(Fraction(total, parts)) * 1.0 / count

    @cached_property
    def _whole(self) -> tuple[int, int, int]:
        """The unit and the least number as integers over a common denominator, and that."""
        parts = lcm(self.unit.denominator, self.low.denominator)
        return int(self.unit * parts), int(self.low * parts), parts


def scale(values: Sequence[Atom], numbers: Numbers) -> Scale:
    """The scale of these values; what is not finite has no steps, and `check_order` lets it into no sum."""
    given = [_rational(value) for value in values]
    known = [value for value in given if value is not None]
    parts = lcm(*(value.denominator for value in known))
    low = min(known, default=Fraction(0))
    unit = Fraction(gcd(*(int((value - low) * parts) for value in known)) or 1, parts)
    return Scale(low, unit, tuple(None if value is None else int((value - low) / unit) for value in given), numbers)


def check_order(values: Iterable[Atom], terms: int) -> None:
    """`NotClosed` unless every partial sum of up to so many of these is exact in doubles, so that order is no matter.

    All are multiples of one step, a power of two, and no sum has more than 2^53 steps. Strings are in no sum.
    """
    given = [value for value in values if not isinstance(value, str)]
    known = [_rational(value) for value in given]
    finite = [value for value in known if value is not None]
    if len(finite) < len(given):
        raise NotClosed("a sum of numbers that are not finite")
    parts = lcm(*(value.denominator for value in finite))
    if max((abs(value * parts) for value in finite), default=0) * terms > 2**53:
        raise NotClosed("a double sum that depends on the order of the summands")


def _rational(value: Atom) -> Fraction | None:
    if isinstance(value, str) or (isinstance(value, float) and not isfinite(value)):
        return None
    return Fraction(value)


@dataclass(frozen=True)
class Together:
    """What the keys so far can give: no value; one value, by number; several; and the sums, `bits`, see `Sums`."""

    none: bool
    one: frozenset[int]
    several: bool
    bits: int


class Sums:
    """Sets of pairs of a number of summands and a sum as one integer: bit `count * width + steps`."""

    def __init__(self, scale: Scale, terms: int, work: Work, wanted: bool) -> None:
        self.scale, self.work, self.wanted = scale, work, wanted
        self.width = scale.span * terms + 1
        self.start = Together(True, frozenset(), False, int(wanted))

    def step(self, sofar: Together, left_out: bool, values: frozenset[int]) -> Together:
        """One more key, that may be left out, or be selected with one of these values."""
        none = sofar.none and left_out
        one = (sofar.one if left_out else frozenset()) | (values if sofar.none else frozenset())
        several = (sofar.several and left_out) or (bool(values) and (sofar.several or bool(sofar.one)))
        bits = sofar.bits if left_out else 0
        if self.wanted:
            self.work.spend(len(values) * ((sofar.bits.bit_length() + 2 * self.width) // 64 + 1))
            for value in values:
                steps = self.scale.steps[value]
                # Several values of which one is a string have no mean: no input with an output has them.
                if steps is not None:
                    bits |= sofar.bits << (self.width + steps)
        return Together(none, one, several, bits)

    def means(self, bits: int) -> list[tuple[int, int]]:
        """The pairs of at least two summands among the bits."""
        packed = np.frombuffer(bits.to_bytes(bits.bit_length() // 8 + 1, "little"), dtype=np.uint8)
        places = np.flatnonzero(np.unpackbits(packed, bitorder="little"))
        self.work.spend(len(places))
        return [divmod(place, self.width) for place in places[places >= 2 * self.width].tolist()]
