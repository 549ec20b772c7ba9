"""Reading a function of several things off one number: linear forms with margins, found by search.

An MLP with one hidden layer computes any function of one number g as a staircase: one clipped unit for each change of
value between neighbours. So a function of several quantities is computed by finding a form g, a sum with one
summand for each quantity, that the function factors through, and whose different values keep a margin above the
float error of g. A quantity is *raw* when it is a share that attention wrote (its summand is a multiple of it, and it
carries an error), and *coded* otherwise (its summand is any function of its value, and exact).
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from math import ceil, log2
from typing import Final

import numpy as np
import numpy.typing as npt

from spec.values import Atom

SAFETY: Final = 8
"""How many times the estimated error a margin must be; the certificate decides, this only chooses."""
SAMPLE: Final = 512
MAX_STEPS: Final = 4096

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """One quantity over all points: its values, its natural numbers where it has them, and its error when raw."""

    values: tuple[Atom, ...]
    numbers: tuple[Fraction, ...] | None
    raw: bool
    noise: float = 0.0


@dataclass(frozen=True)
class Form:
    """g as a sum: for a raw column a multiple of it, for a coded column a number for each of its values."""

    scales: tuple[Fraction | None, ...]
    codes: tuple[dict[Atom, Fraction] | None, ...]
    noise: float
    changes: int

    def spread(self, classes: Sequence[Mapping[Atom, Atom]]) -> "Form":
        """The same form with codes for all values where it has them for representatives (value to representative)."""
        codes = []
        for code, members in zip(self.codes, classes, strict=True):
            if code is not None and members:
                code = {value: code[first] for value, first in members.items() if first in code}
            codes.append(code)
        return Form(self.scales, tuple(codes), self.noise, self.changes)

    def at(self, numbers: Sequence[Fraction | None], values: Sequence[Atom]) -> Fraction:
        """g at a point."""
        total = Fraction(0)
        for scale, code, number, value in zip(self.scales, self.codes, numbers, values, strict=True):
            if code is not None:
                total += code[value]
            elif scale is not None and number is not None:
                total += scale * number
        return total


class Search:
    """The search for a form of one function: `labels[p]` is what the function is at point p."""

    def __init__(
        self,
        columns: Sequence[Column],
        labels: Sequence[Hashable],
        unit: float,
        largest: float,
        boxes: Sequence[int] | None = None,
    ) -> None:
        """`boxes[p]`: points with one number are the corners of a box, all of which has their label."""
        self.columns = columns
        index: dict[Hashable, int] = {}
        self.labels = np.array([index.setdefault(label, len(index)) for label in labels])
        self.kinds = len(index)
        self.unit, self.largest = unit, largest
        rng = np.random.default_rng(0)
        size = len(self.labels)
        self.sample = rng.permutation(size)[:SAMPLE] if size > 4 * SAMPLE else None
        self.boxes = None if boxes is None else np.array(boxes)
        self.naturals = [self._natural(column) for column in columns]

    def _natural(self, column: Column) -> Floats | None:
        if column.numbers is None:
            return None
        return np.array([float(number) for number in column.numbers])

    def best(self, *, intervals: bool = False) -> Form | None:
        """The form with the fewest changes; with `intervals` one in which every label is one run."""
        found: Form | None = None
        for form, g in self._candidates():
            changes = self._changes(g, form.noise)
            if changes is None or (intervals and changes != self.kinds - 1):
                continue
            if found is None or changes < found.changes:
                found = Form(form.scales, form.codes, form.noise, changes)
            if changes == self.kinds - 1:
                break
        if found is not None and found.changes > MAX_STEPS:
            return None
        return found

    def _changes(self, g: Floats, noise: float) -> int | None:
        """How often the label changes along g, or None when two labels are too near."""
        if self.sample is not None and self._runs(g[self.sample], self.labels[self.sample], noise) is None:
            return None
        changes = self._runs(g, self.labels, noise)
        return None if changes is None or self._is_cut(g) else changes

    def _is_cut(self, g: Floats) -> bool:
        """Whether a change of label falls between two corners of one box."""
        if self.boxes is None:
            return False
        order = np.argsort(g, kind="stable")
        labels = self.labels[order]
        run = np.empty(len(order), dtype=np.int64)
        run[order] = np.concatenate(([0], np.cumsum(labels[1:] != labels[:-1])))
        count = int(self.boxes.max()) + 1
        least, most = np.full(count, len(run)), np.full(count, -1)
        np.minimum.at(least, self.boxes, run)
        np.maximum.at(most, self.boxes, run)
        return bool((least != most).any())

    def _runs(self, g: Floats, labels: npt.NDArray[np.int64], noise: float) -> int | None:
        order = np.argsort(g, kind="stable")
        sorted_g, sorted_labels = g[order], labels[order]
        change = sorted_labels[1:] != sorted_labels[:-1]
        gaps = np.diff(sorted_g)[change]
        scale = float(np.max(np.abs(g), initial=1.0))
        if gaps.size and float(gaps.min()) <= max(SAFETY * noise, 1e-11 * scale):
            return None
        return int(change.sum())

    # ---------------------------------------------------------------------------------------- candidates

    def _candidates(self) -> Iterator[tuple[Form, Floats]]:
        if all(natural is not None for natural in self.naturals):
            for weights in self._weights(len(self.columns)):
                yield self._linear(weights)
        if [column.raw for column in self.columns] in ([True, False], [False, True]) and self.kinds == 2:
            yield from self._aligned()
        yield from self._radix()

    def _weights(self, size: int) -> Iterator[tuple[int, ...]]:
        if size == 1:
            yield (1,)
            return
        yield from ((1, *rest) for rest in product((1, -1), repeat=size - 1) if size <= 7)
        if size == 2:
            yield from ((1, 2), (1, -2), (2, 1), (2, -1), (1, 3), (1, -3), (3, 1), (3, -1))
        elif size == 3:
            yield from (w for w in product((1, 2), (2, 1, -1, -2), (2, 1, -1, -2)) if 2 in map(abs, w))

    def _linear(self, weights: Sequence[int]) -> tuple[Form, Floats]:
        g: Floats = np.zeros(len(self.labels))
        scales: list[Fraction | None] = []
        codes: list[dict[Atom, Fraction] | None] = []
        size = 0.0
        noise = 0.0
        for weight, column, natural in zip(weights, self.columns, self.naturals, strict=True):
            if natural is None or column.numbers is None:
                raise ValueError("a column without numbers has no multiple")
            g = g + weight * natural
            size += abs(weight) * float(np.max(np.abs(natural), initial=0.0))
            noise += abs(weight) * column.noise
            scales.append(Fraction(weight) if column.raw else None)
            own = {} if column.raw else dict(zip(column.values, column.numbers, strict=True))
            codes.append(None if column.raw else {value: weight * number for value, number in own.items()})
        if noise or size > self.largest:
            noise += (len(weights) + 1) * self.unit * size
        return Form(tuple(scales), tuple(codes), noise, 0), g

    def _aligned(self) -> Iterator[tuple[Form, Floats]]:
        """A share plus a code that moves the shares of one label to 0: `share(a) == h(b)`, `share(a) < h(b)`."""
        raw, coded = sorted((0, 1), key=lambda k: not self.columns[k].raw)
        shares, values = self.columns[raw].numbers, self.columns[coded].values
        natural = self.naturals[raw]
        if shares is None or natural is None:
            return
        far = Fraction(2 * ceil(float(np.max(np.abs(natural), initial=1.0))) + 2)
        for label, side in product((0, 1), (min, max)):
            edge: dict[Atom, Fraction] = {}
            for k in np.flatnonzero(self.labels == label).tolist():
                edge[values[k]] = side(edge.get(values[k], shares[k]), shares[k])
            outside = -far if side is min else far
            codes = {value: self._stored(-edge[value]) if value in edge else outside for value in dict.fromkeys(values)}
            g = natural + np.array([float(codes[value]) for value in values])
            noise = self.columns[raw].noise + 3 * self.unit * (float(np.max(np.abs(natural))) + float(far))
            scales: list[Fraction | None] = [None, None]
            own: list[dict[Atom, Fraction] | None] = [None, None]
            scales[raw], own[coded] = Fraction(1), codes
            yield Form(tuple(scales), tuple(own), noise, 0), g

    def _stored(self, number: Fraction) -> Fraction:
        """The nearest number with as many binary digits as the format has."""
        if not number:
            return number
        step = Fraction(2) ** (number.numerator.bit_length() - number.denominator.bit_length()) * Fraction(self.unit)
        return round(number / step) * step

    def _radix(self) -> Iterator[tuple[Form, Floats]]:
        """Raw columns innermost, then one digit for each coded column, equal-behaving values sharing a digit."""
        raws = [k for k, column in enumerate(self.columns) if column.raw]
        coded = [k for k, column in enumerate(self.columns) if not column.raw]
        digits = {k: self._digits(k) for k in coded}
        for inner in self._inner(raws):
            g: Floats = np.zeros(len(self.labels))
            noise, size = 0.0, 0.0
            for k, weight in zip(raws, inner, strict=True):
                natural = self.naturals[k]
                if natural is None:
                    return
                g = g + float(weight) * natural
                noise += abs(float(weight)) * self.columns[k].noise
                size += abs(float(weight)) * float(np.max(np.abs(natural), initial=0.0))
            radix = Fraction(1)
            if raws:
                span = float(np.ptp(g))
                radix = Fraction(2) ** ceil(log2(span * 1.25 + 1e-9)) if span else Fraction(1)
            codes: dict[int, dict[Atom, Fraction]] = {}
            for k in coded:
                number = {value: digit * radix for value, digit in digits[k].items()}
                codes[k] = number
                g = g + np.array([float(number[value]) for value in self.columns[k].values])
                size += float(max(number.values()))
                radix *= max(digits[k].values()) + 1
            if noise or size > self.largest:
                noise += (len(self.columns) + 1) * self.unit * size
            scales = tuple(inner[raws.index(k)] if k in raws else None for k in range(len(self.columns)))
            yield Form(scales, tuple(codes.get(k) for k in range(len(self.columns))), noise, 0), g

    def _inner(self, raws: Sequence[int]) -> Iterator[tuple[Fraction, ...]]:
        if len(raws) <= 1:
            yield (Fraction(1),) * len(raws)
            return
        yield from (tuple(map(Fraction, weights)) for weights in self._weights(len(raws)))
        if len(raws) == 2:
            for power in range(1, 20):
                yield Fraction(1), Fraction(2) ** power
                yield Fraction(2) ** power, Fraction(1)
        elif len(raws) == 3:
            for sign, power, place in product((-1, 1), range(1, 14), range(3)):
                pair = [Fraction(1), Fraction(sign)]
                yield (*pair[:place], Fraction(2) ** power, *pair[place:])
            for first, second in product(range(2, 14, 2), repeat=2):
                yield Fraction(1), Fraction(2) ** first, Fraction(2) ** (first + second)
        else:
            for power in range(1, 14):
                yield tuple(Fraction(2) ** (power * place) for place in range(len(raws)))

    def _digits(self, k: int) -> dict[Atom, int]:
        """A digit for each value of a column; values in whose place any other gives the same label share one."""
        others = [self._codes(column.values) for m, column in enumerate(self.columns) if m != k]
        rows = np.column_stack([*others, self.labels])
        own = self._codes(self.columns[k].values)
        order = np.lexsort((*rows.T, own))
        rows, own = rows[order], own[order]
        cuts = np.searchsorted(own, np.arange(int(own[-1]) + 2))
        distinct = list(dict.fromkeys(self.columns[k].values))
        behaviour = {value: rows[cuts[m] : cuts[m + 1]].tobytes() for m, value in enumerate(distinct)}
        classes: dict[bytes, int] = {}
        numeric = not any(isinstance(value, str) for value in behaviour)
        ordered = sorted(behaviour, key=lambda v: (0, v, "") if numeric else (1, 0, str(v)))
        return {value: classes.setdefault(behaviour[value], len(classes)) for value in ordered}

    def _codes(self, values: Sequence[Atom]) -> npt.NDArray[np.int64]:
        index: dict[Atom, int] = {}
        return np.array([index.setdefault(value, len(index)) for value in values])


@dataclass(frozen=True)
class Step:
    """A clipped unit `clip(slope * g - bias, 0, 1)`, and by how much each output changes when it is 1."""

    slope: Fraction
    bias: Fraction
    deltas: tuple[Fraction, ...]


def _power_of_two(gap: Fraction) -> Fraction:
    """The power of two p with 1 <= p * gap < 2."""
    exponent = gap.denominator.bit_length() - gap.numerator.bit_length()
    power = Fraction(2) ** exponent
    return power if power * gap >= 1 else power * 2


def staircase(
    points: Sequence[tuple[Fraction, tuple[Fraction, ...]]], exact: bool
) -> tuple[tuple[Fraction, ...], list[Step]]:
    """The outputs at the least g, and one step for each change along g.

    `points` are (g, outputs). The ramp of a step takes the middle quarter of the gap when g carries an error; its
    slope is a power of two and its bias an integer, so that only g is rounded.
    """
    ordered = sorted(set(points))
    base = ordered[0][1]
    steps = []
    for (low, before), (high, after) in pairwise(ordered):
        if before == after:
            continue
        slope = _power_of_two(high - low) * (1 if exact else 4)
        if exact and (slope * low).denominator == 1:
            bias = slope * low
        else:
            bias = Fraction(round(slope * (low + high) / 2 - Fraction(1, 2)))
            if slope < 1 or exact:
                bias = slope * (low + high) / 2 - Fraction(1, 2)
        steps.append(Step(slope, bias, tuple(b - a for a, b in zip(before, after, strict=True))))
    return base, steps
