"""Functions of s-ops as functions of leaves: sums of functions of single leaves, or joint ones.

Nothing here knows of layers, slots or forms, so that plans of one program for one scope share all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
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
    renumbered,
    whole,
)
from spec.graph import SOp
from spec.values import Atom, Kind

FULL: Final = 60_000
"""Up to this many combinations a function is also tried without classes."""
MAX_HINTS: Final = 24
"""So many s-ops are looked at for sums that a function may be read off."""
SOME: Final = 256
"""So many crossings are looked at to see that a function is no sum."""
ZERO: Final = Fraction(0)
Sum: TypeAlias = tuple[tuple[Leaf, Unary], ...]
"""Functions of leaves that are added up."""


@dataclass(frozen=True, eq=False)
class Given:
    """Some s-ops as a function of their leaves: at point p the s-ops are `rows[labels[p]]`."""

    points: Points
    rows: tuple[Tuple, ...]
    labels: Ints

    @cached_property
    def crossed(self) -> Ints:
        """See `crossings`."""
        return crossings(self.points, self.labels)

    def where(self, phis: Sequence[Phi]) -> "Given":
        """The same where all of these are defined."""
        fits = np.array([all(row in phi for phi in phis) for row in self.rows], dtype=bool)
        if fits.all():
            return self
        kept = np.flatnonzero(fits[self.labels])
        return Given(self.points.at(kept), self.rows, self.labels[kept])


class Functions:
    """Functions of the s-ops of one program on one scope; functions that are asked for are not changed any more."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self._given: dict[tuple[SOp, ...], Given] = {}
        self._phis: dict[int, tuple[Phi, int]] = {}
        self._numbers: dict[object, int] = {}
        self._sums: dict[object, tuple[Sum | None, ...]] = {}
        self._apart: dict[object, tuple[Sequence[Phi], Ints | None]] = {}
        self._targets: dict[object, Target] = {}
        self._within: dict[object, list[Mapping[Leaf, Unary]]] = {}

    def key(self, sops: Sequence[SOp], phis: Sequence[Phi]) -> tuple[tuple[SOp, ...], tuple[int, ...]]:
        """The same for the same functions of the same s-ops."""
        return tuple(sops), tuple(map(self._number, phis))

    def _number(self, phi: Phi) -> int:
        if id(phi) not in self._phis:
            content = frozenset((row, *one.as_integer_ratio()) for row, one in phi.items())
            # It is kept, so that no other one has its identity.
            self._phis[id(phi)] = phi, self._numbers.setdefault(content, len(self._numbers))
        return self._phis[id(phi)][1]

    def apart(self, sops: Sequence[SOp], phis: Sequence[Phi]) -> Ints | None:
        """For each of the values of the s-ops a number, the same where all of those functions are that are seen to be
        no sums; None when there are none of these, or some are not defined everywhere."""
        key = tuple(sops), tuple(map(id, phis))
        if key not in self._apart:
            # They are kept, so that no other ones have their identity.
            self._apart[key] = phis, self._found_apart(sops, phis)
        return self._apart[key][1]

    def _found_apart(self, sops: Sequence[SOp], phis: Sequence[Phi]) -> Ints | None:
        given = self.given(sops)
        if not phis or given.where(phis) is not given:
            return None
        numbers = whole([phi[row] for phi in phis for row in given.rows])[0].reshape(len(phis), len(given.rows))
        hard = numbers[crosses(numbers, given.crossed[:: len(given.crossed) // SOME + 1])]
        if not len(hard) or hard.dtype != np.int64:
            return None
        return np.unique(hard, axis=1, return_inverse=True)[1].reshape(-1)

    def sums(self, sops: Sequence[SOp], phis: Sequence[Phi]) -> tuple[Sum | None, ...]:
        """Each function as a sum of functions of single leaves, or None where it is none."""
        key = self.key(sops, phis)
        if key not in self._sums:
            leaves, classes = self.domain.leaves_of(sops), self.domain.classes(sops)
            given, found = self.given(sops).where(phis), list[Sum | None]()
            for phi in phis:
                numbers, scale = whole([phi.get(row, ZERO) for row in given.rows])
                parts = None if crosses(numbers[None, :], given.crossed).any() else _sum(given, numbers, scale, leaves)
                found.append(parts and tuple((leaf, _spread(part, classes, leaf)) for leaf, part in parts))
            self._sums[key] = tuple(found)
        return self._sums[key]

    def by_class(self, sops: Sequence[SOp], wanted: Sequence[Phi]) -> Target:
        """Functions that are no sums, on representatives of the values of the leaves."""
        key = self.key(sops, wanted)
        if key not in self._targets:
            given = self.given(sops).where(wanted)
            classes = self.domain.classes(sops)
            self._targets[key] = target_of(given.points, given.rows, given.labels, wanted, classes)
        return self._targets[key]

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
        key = tuple(sops), tuple(used)
        if key not in self._within:
            nodes = [node for node in self.domain.cone(sops) if len(self.domain.leaves(node)) > 1]
            found = [dict(parts) for node in nodes[: -1 - MAX_HINTS : -1] if (parts := self._hint(node, used))]
            self._within[key] = [parts for k, parts in enumerate(found) if parts not in found[:k]]
        return self._within[key]

    def _hint(self, node: SOp, used: Sequence[Leaf]) -> Sum | None:
        """The s-op as a sum of functions of several of these leaves."""
        leaves = self.domain.leaves(node)
        if Kind.STR in node.kinds or not set(leaves) <= set(used) or self.domain.classes((node,)):
            return None
        given = self.given((node,))
        numbers = [as_fraction(value) for (value,) in given.rows if not isinstance(value, str) and isfinite(value)]
        parts = _sum(given, *whole(numbers), leaves) if len(numbers) == len(given.rows) else None
        return parts if parts is not None and len(parts) > 1 else None

    def given(self, sops: Sequence[SOp]) -> Given:
        """The points of the leaves of the s-ops, the values that the s-ops have anywhere, and which at each point."""
        key = tuple(sops)
        if key not in self._given:
            tuples, found = self.domain.given(key)
            points = Points(tuple(map(tuple, tuples.values)), tuple(tuples.numbers), len(tuples))
            used, labels = renumbered(found.numbers[found.codes])
            rows = tuple(found.rows[k] for k in used.tolist())
            self._given[key] = Given(points.at(np.arange(len(tuples))), rows, labels)
        return self._given[key]


class Everywhere(dict[Atom, Fraction]):
    """The unary function that is the same everywhere."""

    def __init__(self, value: Fraction) -> None:
        super().__init__()
        self.value = value


def _sum(given: Given, numbers: Whole, scale: int, leaves: tuple[Leaf, ...]) -> Sum | None:
    """The function that is `numbers[k] / scale` where the s-ops are `rows[k]` as a sum of functions of leaves."""
    points, labels = given.points, given.labels
    if not points.size:
        return ()
    wanted: Whole = numbers[labels]
    keep = relevant(points, wanted) if len(leaves) > 1 else tuple(range(len(leaves)))
    if not keep:
        return ((leaves[0] if leaves else Position(), Everywhere(Fraction(int(wanted[0]), scale))),)
    kept = first_of_each(points, keep)
    fewer = points.columns(keep).at(kept)
    parts = additive(fewer, wanted[kept])
    if parts is None:
        return None
    unaries = []
    for values, part in zip(fewer.values, parts, strict=True):
        amounts = {amount: Fraction(amount, scale) for amount in set(part.tolist())}
        unaries.append({value: amounts[amount] for value, amount in zip(values, part.tolist(), strict=True)})
    return tuple((leaves[k], unary) for k, unary in zip(keep, unaries, strict=True))


def _spread(unary: Unary, classes: Classes, leaf: Leaf) -> Unary:
    """A function of representatives as one of all values."""
    if leaf not in classes or isinstance(unary, Everywhere):
        return unary
    return {value: unary[first] for value, first in classes[leaf].items() if first in unary}
