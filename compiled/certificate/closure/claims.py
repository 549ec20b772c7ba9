"""What the analysis of values claims, as data: a set for every leaf at every place, counts in the place of s-ops.

    sets          at position i of words of length m on which the program has a value, the leaf is an atom of its set
    always        every row of the leaf selects a key; `alone`: no row selects more than one
    rank          why not, if values at pairs of places do not show it: of any two of the keys this count is another
                  one, or this aggregate is its default at one of them only
    formulas      an aggregate's selector, in the normal form in which heads are checked, selects the same keys
    definitions   an s-op is this function of these counts, kinds included

How they were found is nobody's business here: `compiled.certificate.closure.prove` proves them from the interpreter's
operators, or fails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiled.errors import Uncertified
from compiled.meaning.formula import Formula
from compiled.meaning.leaves import Computed, Count, Definition
from spec.graph import Aggregate, SOp
from spec.values import Atom, Numbers

Place = tuple[int, int]
"""A length and a position in it."""


class NotClosed(Uncertified):
    """A claim about values does not follow from the claims about what it is computed from."""


class TooMuchWork(Exception):
    """The claims would take more work to prove than is allowed."""


@dataclass(frozen=True)
class LeafClaim:
    """The sets of one leaf: `number` says which of them is that of a place."""

    sets: Sequence[tuple[Atom, ...]]
    number: Mapping[Place, int]
    always: bool
    alone: bool
    rank: Count | Aggregate | None = None


@dataclass(frozen=True)
class Claims:
    """All claims about one program and one scope."""

    alphabet: tuple[Atom, ...]
    max_length: int
    numbers: Numbers
    leaves: Mapping[Computed, LeafClaim]
    formulas: Mapping[Aggregate, Formula]
    definitions: Mapping[SOp, Definition]

    def places(self) -> list[Place]:
        """Every pair of a length and a position in it."""
        return [(m, i) for m in range(1, self.max_length + 1) for i in range(m)]


@dataclass
class Work:
    """How much may be done and was: operators applied, entries compared, sums moved by 64 bits."""

    limit: int
    done: int = 0

    def spend(self, units: int) -> None:
        """Do so much more; `TooMuchWork` beyond the limit."""
        self.done += units
        if self.done > self.limit:
            raise TooMuchWork
