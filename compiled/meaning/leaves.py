"""Leaves: what an s-op is a function of at one place, and how tuples of their values are told apart."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias, assert_never

from compiled.meaning.formula import Formula, keys_of, queries_of
from spec.graph import Aggregate, Map
from spec.values import Atom, atom_key


@dataclass(frozen=True)
class Input:
    """The input symbol at this position."""


@dataclass(frozen=True)
class Position:
    """The number of this position."""


@dataclass(frozen=True)
class Count:
    """How many keys the formula selects for this query."""

    formula: Formula

    @cached_property
    def _hash(self) -> int:
        return hash((Count, self.formula))

    def __hash__(self) -> int:
        """As of the formula, computed once: leaves are looked up again and again."""
        return self._hash

    @cached_property
    def order(self) -> tuple[int, int, str]:
        """See `leaf_order`."""
        read = (*keys_of(self.formula), *queries_of(self.formula))
        return 3, max((node.id for node in read), default=0), repr(self.formula)


@dataclass(frozen=True)
class Stored:
    """An s-op that is computed once, and held: what it is a function of is left behind."""

    sop: Map


Computed: TypeAlias = Aggregate | Count | Stored
"""What a layer computes."""
Leaf: TypeAlias = Input | Position | Computed
INPUT: Final = Input()
POSITION: Final = Position()


def leaf_order(leaf: Leaf) -> tuple[int, int, str]:
    """A total order of the leaves of one program: input, position, then by kind and node."""
    match leaf:
        case Input():
            return 0, 0, ""
        case Position():
            return 1, 0, ""
        case Aggregate(id=number):
            return 2, number, ""
        case Count():
            return leaf.order
        case Stored(sop=sop):
            return 4, sop.id, ""
    assert_never(leaf)


@dataclass(frozen=True)
class Definition:
    """An s-op as a function of the weighted sum of counts, in place of what the graph shows."""

    leaves: tuple[Count, ...]
    weights: tuple[int, ...]
    of_sum: Callable[[int], Atom]

    def total(self, counts: Iterable[Atom]) -> int:
        """The weighted sum."""
        return sum(weight * int(count) for weight, count in zip(self.weights, counts, strict=True))

    def value(self, *counts: Atom) -> Atom:
        """The s-op for these counts; `OperatorError` when no input has them."""
        return self.of_sum(self.total(counts))


Tuple: TypeAlias = tuple[Atom, ...]


def row_key(row: Tuple) -> object:
    """A key that keeps atoms of different kinds apart, although `1 == True`; cheaper than atom by atom."""
    kinds = tuple(map(type, row))
    return tuple(map(atom_key, row)) if float in kinds else (row, kinds)


Classes: TypeAlias = Mapping[Leaf, Mapping[Atom, Atom]]
