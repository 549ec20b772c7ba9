"""What the checker knows of the residual stream: per slot a sum of functions of leaves, and an error bound."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from compiled.leaves import Classes, Leaf, Tuple
from compiled.rounding import Operand, operand

Floats = npt.NDArray[np.float64]


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


@dataclass(frozen=True)
class Read:
    """A linear map of the stream: per state its nominal values, per column a bound on the error."""

    leaves: tuple[Leaf, ...]
    tuples: list[Tuple]
    values: Floats
    errors: Floats
    classes: Classes = field(default_factory=dict)
