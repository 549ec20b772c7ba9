"""What the checker knows of the residual stream: per slot a sum of functions of leaves, and an error bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from compiled.certificate.rounding import Operand, operand, summed
from compiled.meaning.leaves import Classes, Leaf, Tuple
from spec.values import Atom

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Term:
    """A summand of a slot: a function of leaves."""

    leaves: tuple[Leaf, ...]
    table: Mapping[Tuple, float]
    classes: Classes = field(default_factory=dict)

    @cached_property
    def operand(self) -> Operand:
        """What a sum reads of it."""
        return operand(np.array(list(self.table.values())), 0.0)

    def at(self, values: Tuple) -> float:
        """The summand for these values of its leaves; not a number when they cannot occur together."""
        if self.classes:
            pairs = zip(self.leaves, values, strict=True)
            values = tuple(self.classes[leaf].get(v, v) if leaf in self.classes else v for leaf, v in pairs)
        return self.table.get(values, float("nan"))


@dataclass
class Held:
    """What a slot holds: summands, and a bound on the error of the sum."""

    terms: list[Term]
    error: float = 0.0

    @property
    def operand(self) -> Operand:
        """What a sum reads of it."""
        return summed([term.operand for term in self.terms], self.error)


class States:
    """Combinations of values of leaves at one place: one for each class where leaves have classes."""

    def __init__(self, leaves: tuple[Leaf, ...], tuples: Sequence[Tuple], classes: Classes | None = None) -> None:
        self.leaves, self.tuples, self.classes = leaves, tuples, classes or {}
        self._columns: dict[int, tuple[list[Atom], Numbers]] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self.tuples)

    def index(self, leaf: Leaf) -> tuple[list[Atom], Numbers]:
        """The different values of a leaf, and the number of its value in each state."""
        k = self.leaves.index(leaf)
        if k not in self._columns:
            number: dict[Atom, int] = {}
            column = np.array([number.setdefault(row[k], len(number)) for row in self.tuples], dtype=np.int64)
            self._columns[k] = (list(number), column)
        return self._columns[k]

    def column(self, term: Term) -> Floats:
        """What the term is in each state; not a number where its leaves have values that do not occur together."""
        if term.leaves == self.leaves:
            return np.array([term.at(row) for row in self.tuples])
        key: Numbers = np.zeros(len(self.tuples), dtype=np.int64)
        for leaf in term.leaves:
            values, column = self.index(leaf)
            key = key * len(values) + column
        _, first, places = np.unique(key, return_index=True, return_inverse=True)
        at = [self.leaves.index(leaf) for leaf in term.leaves]
        found = [term.at(tuple(self.tuples[row][k] for k in at)) for row in first.tolist()]
        return np.array(found, dtype=np.float64)[places]

    def where(self, kept: npt.ArrayLike) -> "States":
        """Those that are kept."""
        if np.all(kept):
            return self
        return States(self.leaves, [self.tuples[int(k)] for k in np.flatnonzero(kept)], self.classes)


@dataclass(frozen=True)
class Read:
    """A linear map of the stream: per state its nominal values, per column a bound on the error."""

    states: States
    values: Floats
    errors: Floats
