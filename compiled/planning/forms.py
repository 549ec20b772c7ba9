"""Reading a function of several things off one number: linear forms with margins, found by search.

An MLP with one hidden layer computes any function of one number g as a staircase: one clipped unit for each change of
value between neighbours. So a function of several quantities is computed by finding a form g, a sum with one
summand for each quantity, that the function factors through, and whose different values keep a margin above the
float error of g. A quantity is *raw* when it is a share that attention wrote (its summand is a multiple of it, and it
carries an error), and *coded* otherwise (its summand is any function of its value, and exact).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise, product
from math import ceil, lcm, log2
from typing import Final

import numpy as np
import numpy.typing as npt

from compiled.errors import FEWER, FINER, Refused
from compiled.numbering import distinct_rows
from compiled.planning.points import Ints, Unary, first_alike
from compiled.precision import Precision
from spec.values import Atom

SAFETY: Final = 8
"""How many times the estimated error a margin must be; the certificate decides, this only chooses."""
SAMPLES: Final = (512, 8192)
MAX_STEPS: Final = 4096
UNKNOWN: Final = -1

Floats = npt.NDArray[np.float64]


def no_form(leaves: int, combinations: int, precision: Precision) -> Refused:
    """Why a function of so many leaves is not computed."""
    return Refused(
        f"a function of {leaves} things with {combinations} combinations has no form with enough margin in "
        f"{precision.name}, or needs more than {MAX_STEPS} hidden units",
        hint=FEWER if precision.name == "float64" else FINER,
    )


@dataclass(frozen=True, eq=False)
class Column:
    """One quantity: its different values, which of them each point has, their natural numbers where they have them,
    and the error when raw."""

    values: tuple[Atom, ...]
    places: Ints
    numbers: tuple[Fraction, ...] | None
    raw: bool
    noise: float = 0.0

    @cached_property
    def natural(self) -> Floats | None:
        """The natural number of each value."""
        return None if self.numbers is None else np.array([float(number) for number in self.numbers])

    @cached_property
    def size(self) -> float:
        """The largest absolute natural number, at least 0."""
        return 0.0 if self.natural is None else float(np.max(np.abs(self.natural), initial=0.0))


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


def _along(values: Sequence[Atom]) -> list[int]:
    """Numbers in order; as text where there is a string."""
    numeric = not any(isinstance(value, str) for value in values)
    return sorted(range(len(values)), key=lambda m: (0, values[m], "") if numeric else (1, 0, str(values[m])))


def heights(form: Form, columns: Sequence[Column]) -> Floats:
    """g at every point, in doubles."""
    g: Floats = np.zeros(len(columns[0].places) if columns else 0)
    for scale, code, column in zip(form.scales, form.codes, columns, strict=True):
        if code is not None:
            g += np.array([float(code[value]) for value in column.values])[column.places]
        elif scale is not None and column.natural is not None:
            g += float(scale) * column.natural[column.places]
    return g


def ends_of_runs(g: Floats, labels: Ints) -> list[int]:
    """Along g, the first and the last point of each run of equal labels."""
    order = np.argsort(g, kind="stable")
    change = np.flatnonzero(labels[order][1:] != labels[order][:-1])
    ends = np.concatenate(([0], change, change + 1, [len(order) - 1]))
    found: list[int] = order[np.unique(ends)].tolist()
    return found


@dataclass(frozen=True)
class _Part:
    """A summand of a form that is tried: `factor` times a number of each value, also exactly where it is coded."""

    exact: Sequence[Fraction | int] | None
    doubles: Floats
    factor: Fraction


@dataclass(frozen=True)
class _Candidate:
    """A form that is tried, one part for each column: its many numbers are only written out when it is taken."""

    parts: tuple[_Part, ...]
    noise: float

    def heights(self, columns: Sequence[Column], kept: Ints | None = None) -> Floats:
        """g at every point, or at those that are kept, in doubles."""
        size = 0 if not columns else len(columns[0].places if kept is None else kept)
        g: Floats = np.zeros(size)
        for part, column in zip(self.parts, columns, strict=True):
            places = column.places if kept is None else column.places[kept]
            g += (float(part.factor) * part.doubles)[places]
        return g

    def form(self, columns: Sequence[Column], changes: int) -> Form:
        """The form, with so many changes."""
        codes = [
            None
            if part.exact is None
            else {
                value: Fraction(number * part.factor) for value, number in zip(column.values, part.exact, strict=True)
            }
            for part, column in zip(self.parts, columns, strict=True)
        ]
        scales = tuple(part.factor if part.exact is None else None for part in self.parts)
        return Form(scales, tuple(codes), self.noise, changes)


class Search:
    """The search for a form of one function: `labels[p]` is the number of what the function is at point p."""

    def __init__(
        self,
        columns: Sequence[Column],
        labels: Ints,
        unit: float,
        largest: float,
        boxes: Ints | None = None,
        sums: Sequence[Sequence[Unary | None]] = (),
    ) -> None:
        """`boxes[p]`: points with one number are the corners of a box, all of which has their label.

        `sums`: sums of functions of coded columns that the function may be read off, together with the others.
        """
        self.columns, self.labels, self.boxes, self.sums = columns, labels, boxes, sums
        self.digits: dict[tuple[int, bool], Ints] = {}
        """By column, and whether they are shared: those that are known."""
        self.kinds = int((np.bincount(labels) > 0).sum())
        self.unit, self.largest = unit, largest

    @cached_property
    def samples(self) -> list[Ints]:
        """Some of the points, and more of them: what fails there is not tried on all."""
        size = len(self.labels)
        mixed = np.random.default_rng(0).permutation(size) if size > 4 * SAMPLES[0] else np.arange(size)
        return [mixed[:part] for part in SAMPLES if size > 4 * part]

    @cached_property
    def key(self) -> object:
        """The same for functions that differ in the names of their values only: they are read off the same forms."""
        columns = tuple((one.natural is None or one.natural.tobytes(), one.raw, one.noise) for one in self.columns)
        sums = tuple(tuple(None if own is None else frozenset(own.items()) for own in given) for given in self.sums)
        return self.shape, columns, None if self.boxes is None else self.boxes.tobytes(), sums

    @cached_property
    def shape(self) -> object:
        """What decides the digits of values: which values go together, and where the labels are the same."""
        places = tuple((one.values, one.places.tobytes()) for one in self.columns)
        return places, first_alike(self.labels).tobytes()

    def best(self) -> Form | None:
        """The form with the fewest changes; where there is one in which every label is one run, the first of these."""
        found: tuple[_Candidate, int] | None = None
        for candidate in self._candidates():
            changes = self._changes(candidate, None if found is None else found[1])
            if changes is None:
                continue
            if found is None or changes < found[1]:
                found = candidate, changes
            if changes == self.kinds - 1:
                break
        return None if found is None or found[1] > MAX_STEPS else found[0].form(self.columns, found[1])

    def _changes(self, candidate: _Candidate, known: int | None) -> int | None:
        """How often the label changes along g; None when two labels are too near, or when fewer changes are known."""
        for sample in self.samples:
            fewer = self._runs(candidate.heights(self.columns, sample), self.labels[sample], candidate.noise)
            if fewer is None or (known is not None and fewer >= known):
                return None
        g = candidate.heights(self.columns)
        changes = self._runs(g, self.labels, candidate.noise)
        if changes is None or (known is not None and changes >= known):
            return None
        return None if self._is_cut(g) else changes

    def _is_cut(self, g: Floats) -> bool:
        """Whether a change of label falls between two corners of one box."""
        if self.boxes is None:
            return False
        order = np.argsort(g, kind="stable")
        labels = self.labels[order]
        run = np.empty(len(order), dtype=np.int64)
        run[order] = np.concatenate(([0], np.cumsum(labels[1:] != labels[:-1])))
        along = np.argsort(self.boxes, kind="stable")
        together = self.boxes[along][1:] == self.boxes[along][:-1]
        return bool((together & (run[along][1:] != run[along][:-1])).any())

    def _runs(self, g: Floats, labels: Ints, noise: float) -> int | None:
        order = np.argsort(g, kind="stable")
        sorted_g, sorted_labels = g[order], labels[order]
        change = sorted_labels[1:] != sorted_labels[:-1]
        gaps = np.diff(sorted_g)[change]
        scale = float(np.max(np.abs(g), initial=1.0))
        if gaps.size and float(gaps.min()) <= max(SAFETY * noise, 1e-11 * scale):
            return None
        return int(change.sum())

    # ---------------------------------------------------------------------------------------- candidates

    def _candidates(self) -> Iterator[_Candidate]:
        if all(column.numbers is not None for column in self.columns):
            for weights in self._weights(len(self.columns)):
                yield self._linear(weights)
        if [column.raw for column in self.columns] in ([True, False], [False, True]) and self.kinds == 2:
            yield from self._aligned()
        yield from self._switched()
        coded = [k for k, column in enumerate(self.columns) if not column.raw]
        digits = {k: self._digits(k, shared=False) for k in coded}
        yield from self._radix(digits)
        fewer = {k: self._digits(k, shared=True) for k in coded}
        if any((fewer[k] != digits[k]).any() for k in coded):
            yield from self._radix(fewer)

    def _weights(self, size: int) -> Iterator[tuple[int, ...]]:
        if size == 1:
            yield (1,)
            return
        yield from ((1, *rest) for rest in product((1, -1), repeat=size - 1) if size <= 7)
        if size == 2:
            yield from ((1, 2), (1, -2), (2, 1), (2, -1), (1, 3), (1, -3), (3, 1), (3, -1))
        elif size == 3:
            yield from (w for w in product((1, 2), (2, 1, -1, -2), (2, 1, -1, -2)) if 2 in map(abs, w))

    def _linear(self, weights: Sequence[int]) -> _Candidate:
        size = sum(abs(weight) * column.size for weight, column in zip(weights, self.columns, strict=True))
        noise = sum(abs(weight) * column.noise for weight, column in zip(weights, self.columns, strict=True))
        if noise or size > self.largest:
            noise += (len(weights) + 1) * self.unit * size
        pairs = zip(self.columns, weights, strict=True)
        return _Candidate(tuple(_natural(column, Fraction(weight)) for column, weight in pairs), noise)

    def _aligned(self) -> Iterator[_Candidate]:
        """A share plus a code that moves the shares of one label to 0: `share(a) == h(b)`, `share(a) < h(b)`."""
        raw, coded = sorted((0, 1), key=lambda k: not self.columns[k].raw)
        share, own = self.columns[raw], self.columns[coded]
        if share.numbers is None or share.natural is None:
            return
        size = max(1.0, share.size)
        far = Fraction(2 * ceil(size) + 2)
        order = np.argsort(share.natural[share.places], kind="stable")
        for label, side in product((0, 1), (1, -1)):
            along = order[self.labels[order] == label][::side]
            which, first = np.unique(own.places[along], return_index=True)
            edge = {own.values[k]: share.numbers[share.places[along[at]]] for k, at in zip(which, first, strict=True)}
            outside = -far if side == 1 else far
            codes = [self._stored(-edge[value]) if value in edge else outside for value in own.values]
            noise = share.noise + 3 * self.unit * (share.size + float(far))
            parts = [_natural(share, Fraction(1)), _coded(codes)]
            yield _Candidate(tuple(parts if raw == 0 else parts[::-1]), noise)

    def _stored(self, number: Fraction) -> Fraction:
        """The nearest number with as many binary digits as the format has."""
        if not number:
            return number
        step = Fraction(2) ** (number.numerator.bit_length() - number.denominator.bit_length()) * Fraction(self.unit)
        return round(number / step) * step

    def _radix(self, digits: Mapping[int, Ints]) -> Iterator[_Candidate]:
        """Raw columns innermost, then one of the given digits for each coded column."""
        raws = [k for k, column in enumerate(self.columns) if column.raw]
        some, _ = distinct_rows([self.columns[k].places for k in raws], len(self.labels))
        naturals = [
            natural[self.columns[k].places[some]] for k in raws if (natural := self.columns[k].natural) is not None
        ]
        if len(naturals) < len(raws):
            return
        tops = {k: int(own.max()) for k, own in digits.items()}
        units = {k: _coded(own.tolist()) for k, own in digits.items()}
        for inner in self._inner(raws):
            noise, size = 0.0, 0.0
            parts = dict[int, _Part]()
            for k, weight in zip(raws, inner, strict=True):
                noise += abs(float(weight)) * self.columns[k].noise
                size += abs(float(weight)) * self.columns[k].size
                parts[k] = _natural(self.columns[k], weight)
            radix = Fraction(1)
            if raws:
                span = float(np.ptp(sum(float(w) * natural for w, natural in zip(inner, naturals, strict=True))))
                radix = Fraction(2) ** ceil(log2(span * 1.25 + 1e-9)) if span else Fraction(1)
            for k, top in tops.items():
                parts[k] = replace(units[k], factor=radix)
                size += float(top * radix)
                radix *= top + 1
            if noise or size > self.largest:
                noise += (len(self.columns) + 1) * self.unit * size
            yield _Candidate(tuple(parts[k] for k in range(len(self.columns))), noise)

    def _switched(self) -> Iterator[_Candidate]:
        """A multiple of a sum that is exact in binary, and on top of it a digit for each column that is not in it."""
        for given in self.sums:
            if any(column.raw for column in self.columns):
                continue
            scale = _odd(lcm(*(number.denominator for own in given if own is not None for number in own.values())))
            sums = {
                k: [scale * own.get(value, Fraction(0)) for value in column.values]
                for k, (own, column) in enumerate(zip(given, self.columns, strict=True))
                if own is not None
            }
            low = sum((min(own, default=Fraction(0)) for own in sums.values()), Fraction(0))
            high = sum((max(own, default=Fraction(0)) for own in sums.values()), Fraction(0))
            parts = {k: _coded(own) for k, own in sums.items()}
            radix = Fraction(2) ** ceil(log2(high - low + 1))
            size = float(max(abs(low), radix))
            for k in range(len(self.columns)):
                if k not in parts:
                    digits = self._digits(k, shared=True)
                    parts[k] = replace(_coded(digits.tolist()), factor=radix)
                    size += float(radix * int(digits.max()))
                    radix *= int(digits.max()) + 1
            noise = (len(parts) + 1) * self.unit * size if size > self.largest else 0.0
            yield _Candidate(tuple(parts[k] for k in range(len(self.columns))), noise)

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

    def _digits(self, k: int, *, shared: bool) -> Ints:
        """A digit for each value of a column."""
        if (k, shared) not in self.digits:
            self.digits[k, shared] = self._shared_digits(k) if shared else self._own_digits(k)
        return self.digits[k, shared]

    def _own_digits(self, k: int) -> Ints:
        """A digit for each value of a column; values in whose place any other gives the same label share one."""
        own = self.columns[k]
        others, _ = self._others(k)
        order = np.lexsort((self.labels, others, own.places))
        rows = np.column_stack([others, self.labels])[order]
        cuts = np.searchsorted(own.places[order], np.arange(len(own.values) + 1))
        classes: dict[bytes, int] = {}
        digits = np.zeros(len(own.values), dtype=np.int64)
        for m in _along(own.values):
            digits[m] = classes.setdefault(rows[cuts[m] : cuts[m + 1]].tobytes(), len(classes))
        return digits

    def _shared_digits(self, k: int) -> Ints:
        """A digit for each value of a column; values that never differ in the label where both occur may share one."""
        own = self.columns[k]
        others, cells = self._others(k)
        order = np.lexsort((self.labels, others, own.places))
        others, labels = others[order], self.labels[order]
        cuts = np.searchsorted(own.places[order], np.arange(len(own.values) + 1))
        classes = _Classes(cells)
        digits = np.zeros(len(own.values), dtype=np.int64)
        alike: dict[tuple[bytes, bytes], int] = {}
        for m in _along(own.values):
            at = slice(cuts[m], cuts[m + 1])
            # What did not fit for a value before it does not fit for one that is alike: there it is the same digit.
            same = others[at].tobytes(), labels[at].tobytes()
            if same not in alike:
                alike[same] = classes.enter(others[at], labels[at])
            digits[m] = alike[same]
        return digits

    def _others(self, k: int) -> tuple[Ints, int]:
        """For each point a number of what the other columns are there, and a bound on these numbers."""
        first, place = distinct_rows([one.places for j, one in enumerate(self.columns) if j != k], len(self.labels))
        return place, len(first)


class _Classes:
    """Partial functions on cells, each of what was entered and does not contradict it."""

    def __init__(self, cells: int) -> None:
        self._labels: Ints = np.full((1, cells), UNKNOWN, dtype=np.int64)
        self._size = 0

    def enter(self, cells: Ints, labels: Ints) -> int:
        """The number of the first function that has these labels in these cells, or none, which it has from now on."""
        first, some = 0, 4
        while first < self._size:
            known = self._labels[first : min(first + some, self._size), cells]
            fits = np.flatnonzero(((known == labels) | (known == UNKNOWN)).all(axis=1))
            if len(fits):
                first += int(fits[0])
                break
            first, some = first + len(known), 4 * some
        if first == len(self._labels):
            self._labels = np.vstack([self._labels, np.full_like(self._labels, UNKNOWN)])
        self._size = max(self._size, first + 1)
        self._labels[first, cells] = labels
        return first


def _natural(column: Column, factor: Fraction) -> _Part:
    """A multiple of what a column is."""
    numbers = column.natural
    return _Part(None if column.raw else column.numbers, np.zeros(0) if numbers is None else numbers, factor)


def _coded(numbers: Sequence[Fraction | int]) -> _Part:
    """A number for each value."""
    return _Part(numbers, np.array([float(number) for number in numbers]), Fraction(1))


@dataclass(frozen=True)
class Step:
    """A clipped unit `clip(slope * g - bias, 0, 1)`, and by how much each output changes when it is 1."""

    slope: Fraction
    bias: Fraction
    deltas: tuple[Fraction, ...]


def _odd(number: int) -> int:
    """The number without its factors 2."""
    return number // (number & -number)


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
