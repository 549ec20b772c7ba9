"""Functions of s-ops as functions of leaves: sums of functions of single leaves, or joint ones.

Nothing here knows of layers, slots or forms, so that plans of one program for one scope share all of it.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isfinite
from typing import Final, TypeAlias

import numpy as np

from compiled.meaning.leaves import Classes, Leaf, Position, Tuple
from compiled.meaning.means import as_fraction
from compiled.meaning.values import Domain
from compiled.planning.encode import Phi
from compiled.planning.joints import Target, different, target_of
from compiled.planning.points import (
    Ints,
    Points,
    Unary,
    Whole,
    additive,
    crosses,
    crossings,
    first_of_each,
    relevant,
    whole,
)
from spec.graph import SOp
from spec.values import Atom, Kind

FULL: Final = 60_000
"""Up to this many combinations a function is also tried without classes."""
MAX_HINTS: Final = 24
"""So many s-ops are looked at for sums that a function may be read off."""
Sum: TypeAlias = tuple[tuple[Leaf, Unary], ...]
"""Functions of leaves that are added up."""


class Functions:
    """Functions of the s-ops of one program on one scope."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self._points: dict[tuple[SOp, ...], tuple[Points, tuple[Tuple, ...], Ints]] = {}

    def sums(self, sops: Sequence[SOp], phis: Sequence[Phi]) -> tuple[Sum | None, ...]:
        """Each function as a sum of functions of single leaves, or None where it is none."""
        leaves, classes = self.domain.leaves_of(sops), self.domain.classes(sops)
        points, rows, labels = self._wanted(sops, phis)
        crossed = crossings(points, labels)
        found: list[Sum | None] = []
        for phi in phis:
            numbers = [phi.get(row, Fraction(0)) for row in rows]
            parts = None if crosses(numbers, crossed) else _sum(points, numbers, labels, leaves)
            found.append(parts and tuple((leaf, _spread(part, classes, leaf)) for leaf, part in parts))
        return tuple(found)

    def by_class(self, sops: Sequence[SOp], wanted: Sequence[Phi]) -> Target:
        """Functions that are no sums, on representatives of the values of the leaves."""
        return target_of(*self._wanted(sops, wanted), wanted, self.domain.classes(sops))

    def without_classes(self, sops: Sequence[SOp], wanted: Sequence[Phi]) -> Target | None:
        """The same on all values, where there are classes and not too many values."""
        leaves = self.domain.leaves_of(sops)
        if not self.domain.classes(sops) or self.domain.size(leaves) > FULL:
            return None
        every = self.domain.image(sops, leaves, self.domain.tuples(leaves))
        seen = {given: row for given, row in every.items() if all(row in phi for phi in wanted)}
        results, numbers_of = different(seen.values())
        return target_of(Points.of(list(seen), len(leaves)), results, numbers_of, wanted, {})

    def sums_within(self, sops: Sequence[SOp], used: Sequence[Leaf]) -> list[Mapping[Leaf, Unary]]:
        """S-ops that these are computed from and that are sums of functions of several leaves each, last ones first."""
        found: list[Mapping[Leaf, Unary]] = []
        nodes = [node for node in self.domain.cone(sops) if len(self.domain.leaves(node)) > 1]
        for node in nodes[: -1 - MAX_HINTS : -1]:
            if Kind.STR in node.kinds or not set(self.domain.leaves(node)) <= set(used) or self.domain.classes((node,)):
                continue
            points, rows, labels = self._function((node,))
            numbers = [as_fraction(value) for (value,) in rows if not isinstance(value, str) and isfinite(value)]
            parts = _sum(points, numbers, labels, self.domain.leaves(node)) if len(numbers) == len(rows) else None
            if parts is not None and len(parts) > 1 and dict(parts) not in found:
                found.append(dict(parts))
        return found

    def _wanted(self, sops: Sequence[SOp], phis: Sequence[Phi]) -> tuple[Points, tuple[Tuple, ...], Ints]:
        """What `_function` says, where all of these are defined."""
        points, rows, labels = self._function(tuple(sops))
        fits = np.array([all(row in phi for phi in phis) for row in rows], dtype=bool)
        if fits.all():
            return points, rows, labels
        kept = np.flatnonzero(fits[labels])
        return points.at(kept), rows, labels[kept]

    def _function(self, sops: tuple[SOp, ...]) -> tuple[Points, tuple[Tuple, ...], Ints]:
        """The points of the leaves of the s-ops, the values that the s-ops have anywhere, and which at each point."""
        if sops not in self._points:
            table = self.domain.table(sops)
            self._points[sops] = (Points.of(list(table), len(self.domain.leaves_of(sops))), *different(table.values()))
        return self._points[sops]


class Everywhere(dict[Atom, Fraction]):
    """The unary function that is the same everywhere."""

    def __init__(self, value: Fraction) -> None:
        super().__init__()
        self.value = value


def _sum(points: Points, numbers: Sequence[Fraction], labels: Ints, leaves: tuple[Leaf, ...]) -> Sum | None:
    """The function that is `numbers[labels[p]]` at point p as a sum of functions of leaves."""
    if not points.size:
        return ()
    scaled, scale = whole(numbers)
    wanted: Whole = scaled[labels]
    keep = relevant(points, wanted) if len(leaves) > 1 else tuple(range(len(leaves)))
    if not keep:
        return ((leaves[0] if leaves else Position(), Everywhere(numbers[int(labels[0])])),)
    kept = first_of_each(points, keep)
    fewer = points.columns(keep).at(kept)
    parts = additive(fewer, wanted[kept])
    if parts is None:
        return None
    unaries = [
        {value: Fraction(int(amount), scale) for value, amount in zip(values, part, strict=True)}
        for values, part in zip(fewer.values, parts, strict=True)
    ]
    return tuple((leaves[k], unary) for k, unary in zip(keep, unaries, strict=True))


def _spread(unary: Unary, classes: Classes, leaf: Leaf) -> Unary:
    """A function of representatives as one of all values."""
    if leaf not in classes or isinstance(unary, Everywhere):
        return unary
    return {value: unary[first] for value, first in classes[leaf].items() if first in unary}
