"""Choices among numbered cases, and counts of literals as such choices.

A count makes its thresholds when they are asked for: whether any of the literals holds is a chain of gates, and only a
count whose every value matters is a whole triangle of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Protocol, TypeAlias

from verifier.encodings.gates import FALSE, TRUE, Gates, Literal

Cases: TypeAlias = frozenset[int]


class Source:
    """Cases of which exactly one holds: `guards[i]` says that case i does."""

    counted: tuple[Literal, ...] = ()
    """The literals of which i hold in case i, where the cases are such numbers."""

    def __init__(self, gates: Gates, guards: Sequence[Literal]) -> None:
        self.gates = gates
        self.known: dict[Cases, Literal] = {}
        self._guards = tuple(guards)
        self._upto: list[Literal] = []

    def __len__(self) -> int:
        """How many cases there are."""
        return len(self._guards)

    def guard(self, case: int) -> Literal:
        """Whether this is the case."""
        return self._guards[case]

    def upto(self, case: int) -> Literal:
        """Whether this is the case, or one before it."""
        while len(self._upto) <= case:
            guard = self._guards[len(self._upto)]
            self._upto.append(self.gates.either(self._upto[-1], guard) if self._upto else guard)
        return self._upto[case]


class Thresholds(Protocol):
    """Whether at least so many of some literals hold."""

    def __call__(self, number: int, /) -> Literal:
        """Asked from one to as many literals as there are."""
        ...


class Count(Source):
    """Case i: i of the literals hold. `thresholds` are theirs, where this is the sum of other counts."""

    def __init__(self, gates: Gates, counted: tuple[Literal, ...], thresholds: Thresholds | None = None) -> None:
        super().__init__(gates, ())
        self.counted = counted
        self._thresholds = thresholds or OneByOne(gates, counted)
        self._is_sum = thresholds is not None
        self._atleast: dict[int, Literal] = {}

    def __len__(self) -> int:
        """From none to all of them."""
        return len(self.counted) + 1

    @property
    def made(self) -> Mapping[int, Literal]:
        """The thresholds that there are so far: `made[k]` says that at least k hold."""
        return self._atleast

    def settle(self) -> None:
        """Make all thresholds of a sum, before it is part of another: sums of sums are not asked through each other."""
        if self._is_sum:
            for number in range(1, len(self)):
                self.atleast(number)

    def atleast(self, number: int) -> Literal:
        """Whether so many hold, or more."""
        if not 0 < number < len(self):
            return TRUE if number <= 0 else FALSE
        found = self._atleast.get(number)
        if found is None:
            found = self._atleast[number] = self._thresholds(number)
        return found

    def atleast_complements(self, number: int) -> Literal:
        """Whether so many do not hold, or more: fewer than all but so many, and one more, hold."""
        return -self.atleast(len(self.counted) - number + 1)

    def guard(self, case: int) -> Literal:
        """Whether exactly so many hold."""
        return self.gates.both(self.atleast(case), -self.atleast(case + 1))

    def upto(self, case: int) -> Literal:
        """Whether no more hold."""
        return -self.atleast(case + 1)


class OneByOne:
    """The thresholds of a counter that reads literals one after the other: of the first m of them,

        atleast[k][m] = atleast[k][m - 1] or (atleast[k - 1][m - 1] and literal m)

    Their order is canonical, so counters of similar literals share their beginnings.
    """

    def __init__(self, gates: Gates, literals: Sequence[Literal]) -> None:
        self.gates, self.literals = gates, literals
        self._last = [TRUE] * (len(literals) + 1)
        """`atleast[k]` for the greatest k so far."""
        self._found = [TRUE]

    def __call__(self, number: int, /) -> Literal:
        """`atleast[number]` of all literals."""
        gates = self.gates
        while len(self._found) <= number:
            k = len(self._found)
            following = [FALSE] * k
            for m in range(k, len(self.literals) + 1):
                carried = gates.both(self._last[m - 1], self.literals[m - 1])
                following.append(gates.either(following[m - 1], carried))
            self._last = following
            self._found.append(following[-1])
        return self._found[number]


@dataclass(frozen=True)
class OfSum:
    """The thresholds of a sum: at least k are i of the ones and k - i of the others, for some i."""

    gates: Gates
    left: Thresholds
    lefts: int
    right: Thresholds
    rights: int

    def __call__(self, number: int, /) -> Literal:
        """Of `lefts` and `rights` literals together."""
        shares = range(max(0, number - self.rights), min(number, self.lefts) + 1)
        return self.gates.any(
            self.gates.both(self.left(i) if i else TRUE, self.right(number - i) if number > i else TRUE) for i in shares
        )


@dataclass(frozen=True)
class Linear:
    """How many of some literals hold: `constant + factor * (how many of these do)`."""

    constant: int
    factor: int
    literals: tuple[Literal, ...]


def linear(literals: Iterable[Literal]) -> Linear:
    """The canonical form: no constants, no complements, the first literal positive, no common factor."""
    weights: dict[int, int] = {}
    constant = 0
    for literal in literals:
        if literal == TRUE:
            constant += 1
        elif literal != FALSE:
            # A complement counts as 1 - x.
            constant += literal < 0
            weights[abs(literal)] = weights.get(abs(literal), 0) + (1 if literal > 0 else -1)
    weights = {variable: weight for variable, weight in sorted(weights.items()) if weight}
    if not weights:
        return Linear(constant, 1, ())
    factor = gcd(*weights.values())
    if next(iter(weights.values())) < 0:
        factor = -factor
    kept: list[Literal] = []
    for variable, weight in weights.items():
        times = weight // factor
        kept.extend([variable if times > 0 else -variable] * abs(times))
        # -x counts as 1 - x again.
        constant += times * factor if times < 0 else 0
    return Linear(constant, factor, tuple(kept))
