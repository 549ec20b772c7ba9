"""The affine hull of states: the linear equalities that all of them satisfy, and what is left of them with one more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm

from verifier.unbounded.linear import ONE, Linear, Variable, total


@dataclass(eq=False)
class Hull:
    """Spanned by the values of `terms` in the states that were joined; `equalities` is a basis, each term is 0."""

    terms: Sequence[Linear]
    _rows: list[list[Fraction]] = field(default_factory=list)

    def join(self, state: Mapping[Variable, int]) -> None:
        """Add a state."""
        reduced = _reduce(self._rows, [Fraction(1), *(Fraction(term.value(state)) for term in self.terms)])
        if reduced is not self._rows:
            self._rows = reduced
            self.__dict__.pop("equalities", None)

    @cached_property
    def equalities(self) -> list[Linear]:
        """The null space of the states' values, in whole numbers."""
        columns = len(self.terms) + 1
        pivots = {next(c for c, x in enumerate(row) if x): row for row in self._rows}
        found = []
        for free in (c for c in range(columns) if c not in pivots):
            solution = [Fraction(int(c == free)) for c in range(columns)]
            for pivot, row in pivots.items():
                solution[pivot] = -row[free]
            scale = lcm(*(x.denominator for x in solution))
            whole = [int(x * scale) for x in solution]
            found.append(total(term.times(factor) for factor, term in zip(whole, (ONE, *self.terms), strict=True)))
        return found


def _reduce(rows: list[list[Fraction]], row: list[Fraction]) -> list[list[Fraction]]:
    """The reduced echelon form with one more row."""
    for known in rows:
        pivot = next(c for c, x in enumerate(known) if x)
        if row[pivot]:
            row = [x - row[pivot] * y for x, y in zip(row, known, strict=True)]
    pivot_or_none = next((c for c, x in enumerate(row) if x), None)
    if pivot_or_none is None:
        return rows
    lead = row[pivot_or_none]
    row = [x / lead for x in row]
    cleared = [[x - known[pivot_or_none] * y for x, y in zip(known, row, strict=True)] for known in rows]
    return [*cleared, row]
