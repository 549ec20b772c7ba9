"""Functions of several leaves that the MLP of one layer computes: as one staircase, or as a sum of several.

Where shares of several heads of one layer meet, a sum of staircases does what no single one can: for a known rest s,
a function f(s, x, y) that is a(s, x) + b(s, y) needs no form in which x and y keep apart.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

import numpy as np

from compiled.meaning.leaves import Classes, Leaf, Tuple
from compiled.planning.encode import Phi
from compiled.planning.forms import Column, Form
from compiled.planning.points import Ints, Points, additive, first_of_each, numbered, renumbered, whole
from spec.values import Atom


@dataclass(frozen=True, eq=False)
class Target:
    """A function of several leaves that is to be computed at once: `levels[labels[p]]` are its outputs at point p."""

    points: Points
    labels: Ints
    levels: tuple[tuple[Fraction, ...], ...]
    classes: Classes
    _of: "dict[tuple[int, ...], Target]" = field(default_factory=dict)
    _summands: "dict[tuple[int, ...], list[tuple[tuple[int, ...], Target]] | None]" = field(default_factory=dict)

    def of(self, keep: Sequence[int]) -> "Target":
        """The same as a function of these columns, which decide it."""
        key = tuple(keep)
        if key not in self._of:
            kept = first_of_each(self.points, keep)
            points = self.points.columns(keep).at(kept)
            self._of[key] = Target(points, self.labels[kept], self.levels, self.classes)
        return self._of[key]

    def summands(self, apart: Sequence[int]) -> "list[tuple[tuple[int, ...], Target]] | None":
        """See `summands`, found once."""
        key = tuple(apart)
        if key not in self._summands:
            self._summands[key] = summands(self, apart)
        return self._summands[key]


@dataclass(frozen=True, eq=False)
class Staircase:
    """A target that is read off a form: at `corners`, which are points or the ends of their classes."""

    leaves: tuple[Leaf, ...]
    form: Form
    target: Target
    corners: Points
    labels: Ints
    columns: tuple[Column, ...]


@dataclass(frozen=True, eq=False)
class Joint:
    """A target that the MLP of `layer` computes: the sum of the staircases."""

    leaves: tuple[Leaf, ...]
    layer: int
    target: Target
    parts: tuple[Staircase, ...]

    @property
    def changes(self) -> int:
        """How many hidden units it takes."""
        return sum(part.form.changes for part in self.parts)


def target_of(points: Points, rows: Sequence[Tuple], labels: Ints, phis: Sequence[Phi], classes: Classes) -> Target:
    """What is to be computed, from what the s-ops are at each point."""
    index: dict[tuple[Fraction, ...], int] = {}
    present = set(labels.tolist())
    outputs = {k: tuple(phi[rows[k]] for phi in phis) for k in sorted(present)}
    level = np.array([index.setdefault(outputs[k], len(index)) if k in outputs else 0 for k in range(len(rows))])
    return Target(points, level[labels], tuple(index), classes)


def different(rows: Iterable[Tuple]) -> tuple[tuple[Tuple, ...], Ints]:
    """The different rows, and the number of each; rows that are one object are looked up once."""
    index: dict[Tuple, int] = {}
    seen: dict[int, int] = {}
    codes = []
    for row in rows:
        known = seen.get(id(row))
        if known is None:
            known = seen[id(row)] = index.setdefault(row, len(index))
        codes.append(known)
    return tuple(index), np.array(codes, dtype=np.int64)


def _ends(classes: Mapping[Atom, Atom], number: Callable[[Atom], Fraction]) -> dict[Atom, tuple[Atom, ...]]:
    """For each class, its members with the least and the largest number."""
    members: dict[Atom, list[tuple[Fraction, Atom]]] = {}
    for value, first in classes.items():
        members.setdefault(first, []).append((number(value), value))
    found = {}
    for first, all_of in members.items():
        least = min(one for one, _ in all_of)
        most = max(one for one, _ in all_of)
        found[first] = tuple(dict.fromkeys(value for one, value in all_of if one in (least, most)))
    return found


def expand(
    number: Callable[[Leaf, Atom], Fraction],
    points: Points,
    leaves: Sequence[Leaf],
    raws: Collection[Leaf],
    classes: Classes,
) -> tuple[Points, Ints]:
    """The points, a class of a share by its least and its largest member; and from which point each comes."""
    rows, owner = points, np.arange(points.size)
    for k, leaf in enumerate(leaves):
        if leaf not in raws or leaf not in classes:
            continue
        ends = _ends(classes[leaf], partial(number, leaf))
        values, codes = numbered(end for value in rows.values[k] for end in (ends[value][0], ends[value][-1]))
        sides = codes.reshape(-1, 2)[rows.codes[k]]
        kept = np.flatnonzero(np.column_stack((np.ones(rows.size, dtype=bool), sides[:, 0] != sides[:, 1])).reshape(-1))
        columns = [np.repeat(column, 2)[kept] for column in rows.codes]
        columns[k] = sides.reshape(-1)[kept]
        shown = [*rows.values[:k], values, *rows.values[k + 1 :]]
        rows, owner = Points(tuple(shown), tuple(columns), len(kept)), np.repeat(owner, 2)[kept]
    return rows, owner


def summands(target: Target, apart: Sequence[int]) -> list[tuple[tuple[int, ...], Target]] | None:
    """Functions that add up to the target, each of one of the columns `apart` and of all others; and of which columns.

    With each column and all others as one, that is a sum of unary functions.
    """
    points = target.points
    rest = [k for k in range(len(points.values)) if k not in apart]
    columns = [renumbered(points.keys([k, *rest])[0]) for k in apart]
    numbers_of = tuple(tuple(used.tolist()) for used, _ in columns)
    together = Points(numbers_of, tuple(codes for _, codes in columns), points.size)
    parts, scales = [], []
    for outputs in zip(*target.levels, strict=True):
        numbers, scale = whole(outputs)
        found = additive(together, numbers[target.labels])
        if found is None:
            return None
        parts.append(found)
        scales.append(scale)
    made = []
    for place, (k, codes) in enumerate(zip(apart, together.codes, strict=True)):
        index: dict[tuple[int, ...], int] = {}
        wholes = zip(*(part[place].tolist() for part in parts), strict=True)
        level = np.array([index.setdefault(one, len(index)) for one in wholes], dtype=np.int64)
        levels = tuple(tuple(Fraction(a, scale) for a, scale in zip(one, scales, strict=True)) for one in index)
        keep = tuple(sorted([k, *rest]))
        made.append((keep, Target(points, level[codes], levels, target.classes).of(keep)))
    return made
