"""From a program to a plan: which head and which layer compute what, with which encodings.

Aggregates and counts are placed one by one, each after what it reads, as early as it can run. For every conjunct of a
selector the encoding is chosen that can be read earliest, then the one with the smallest rank.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from math import ceil, floor, log2
from typing import Final

from compiled.errors import Refused, TooMuch
from compiled.meaning.counting import definitions
from compiled.meaning.formula import Formula, Literal, conjuncts, formula
from compiled.meaning.leaves import Computed, Count, Input, Leaf, Position, Stored
from compiled.meaning.means import averageable
from compiled.meaning.storing import store
from compiled.meaning.values import Domain
from compiled.planning.encode import Phi, Powers, Relation, Relations, Scoring
from compiled.planning.forms import Form, Search, ends_of_runs, heights
from compiled.planning.functions import Given
from compiled.planning.joints import expand
from compiled.planning.layout import Channel, Head, Layer, Linear, Mask, Part, Plan, Readout, total
from compiled.planning.points import Points, Unary, first_of_each, indicators, relevant
from compiled.planning.stream import LeafKind, Stream
from compiled.precision import PRECISIONS
from spec.ast import Predicate
from spec.cost import Read
from spec.graph import Aggregate, Indices, Select, SOp
from spec.values import Atom, Numbers

MAX_CLASSES: Final = 8192
MAX_LAYERS: Final = 64
ROOM: Final = 8
"""So many binary digits less than the largest number has the largest score, for what is added to it."""


class Encoding(Enum):
    """How values lie in the residual stream: as few dimensions as the reads need, or one for each value."""

    COMPACT = "compact"
    ONEHOT = "onehot"


class Arch(Enum):
    """What attention may use: scores only, or also a mask of each head over positions."""

    STANDARD = "standard"
    MASKED = "masked"


class Optimise(Enum):
    """What to save first. Fewest layers also reads sums of token and position without waiting for an MLP."""

    LAYERS = "layers"
    HEADS = "heads"
    PARAMS = "params"


@dataclass(frozen=True)
class Options:
    """What to compile for.

    `counting`: put counts where the program computes them from shares. `placement`: not before these layers.
    `powers`: in a compact stream positions may be compared by heads that give selected keys nearly the same weight.
    """

    alphabet: tuple[Atom, ...]
    max_length: int
    numbers: Numbers = Numbers.EXACT
    dtype: str = "float32"
    encoding: Encoding = Encoding.COMPACT
    arch: Arch = Arch.STANDARD
    optimise: Optimise = Optimise.LAYERS
    counting: bool = True
    placement: Mapping[Read, int] = field(default_factory=dict)
    powers: bool = True


def make_plan(outputs: Mapping[str, SOp], options: Options) -> Plan:
    """The plan for these outputs, or `Refused`."""
    return Planner(outputs, options).plan()


def domain_for(outputs: Mapping[str, SOp], options: Options) -> Domain:
    """The values that everything can take, with counts recognised."""
    domain = Domain(options.alphabet, options.max_length, options.numbers)
    if options.counting:
        split = options.optimise is not Optimise.HEADS
        definitions(outputs.values(), domain, split_means=split)
    store(outputs.values(), domain)
    return domain


class Planner:
    """Places leaves, asks the stream for what they read, and writes the plan down."""

    def __init__(self, outputs: Mapping[str, SOp], options: Options, other: "Planner | None" = None) -> None:
        """`other` plans the same outputs for the same scope and number format: what it found out is not found again."""
        if not outputs:
            raise Refused("there is no output")
        if options.dtype not in PRECISIONS:
            raise Refused(f"the number format `{options.dtype}`; known are {', '.join(PRECISIONS)}")
        self.outputs, self.options = dict(outputs), options
        self.precision = PRECISIONS[options.dtype]
        self.domain: Domain = domain_for(outputs, options) if other is None else other.domain
        onehot = options.encoding is Encoding.ONEHOT
        fewest = options.optimise is Optimise.LAYERS
        smallest = options.optimise is Optimise.PARAMS
        self.stream = Stream(self.domain, self.precision, onehot=onehot, additive_first=fewest, smallest=smallest)
        self.stream.fetch = self._fetch
        self.relations: Relations = Relations(self.domain) if other is None else other.relations
        if other is not None:
            self.stream.share(other.stream)
        self.powers = self._powers() if options.powers and not onehot else None
        self.not_before = _not_before(options.placement, self.domain)
        self.layers: list[Layer] = []
        self.readouts: list[Readout] = []
        self.head_of: dict[Leaf, Head] = {}
        self.shared: dict[tuple[int, Formula, bool, bool], Head] = {}

    def plan(self) -> Plan:
        """Place everything that the outputs need, then write it down."""
        for _ in self.steps():
            pass
        return self.so_far()

    def steps(self) -> Iterator[None]:
        """The same leaf by leaf and output by output; the hidden units last."""
        for sop in self.outputs.values():
            for leaf in self.domain.leaves(sop):
                yield from self._place_all(leaf)
        for name, sop in self.outputs.items():
            self.readouts.append(self._readout(name, sop))
            yield
        self.stream.finish(self.layers)

    def so_far(self) -> Plan:
        """What is placed by now: no more is ever taken away."""
        return Plan(
            self.domain.alphabet,
            self.options.max_length,
            self.options.numbers,
            self.options.dtype,
            self.precision.beta,
            tuple(self.stream.slots),
            tuple(self.layers),
            tuple(self.readouts),
        )

    def _layer(self, number: int) -> Layer:
        if number > MAX_LAYERS:
            raise Refused(f"more than {MAX_LAYERS} layers")
        while len(self.layers) < number:
            self.layers.append(Layer())
        return self.layers[number - 1]

    # -------------------------------------------------------------------------------------------- heads

    def _place_all(self, leaf: Leaf) -> Iterator[None]:
        """Place a leaf, after the leaves that it reads."""
        stack = [leaf]
        while stack:
            top = stack[-1]
            if isinstance(top, Input | Position) or top in self.stream.layer_of:
                stack.pop()
                continue
            missing = [below for below in self.domain.below(top) if below not in self.stream.layer_of]
            if missing:
                stack.extend(missing)
            else:
                self._place(top)
                stack.pop()
                yield

    def _place(self, leaf: Computed) -> None:
        if isinstance(leaf, Stored):
            if layer := self.stream.store(leaf):
                self._layer(layer)
            return
        whole = formula(leaf.selector) if isinstance(leaf, Aggregate) else leaf.formula
        profile = self.domain.profile(leaf)
        needs_level = isinstance(leaf, Count) or not profile.always_selects
        mask, relations = self._parts(whole)
        fetched = isinstance(leaf, Aggregate) and (
            profile.at_most_one or not averageable(self.domain.values_of(leaf.values))
        )
        self.stream.kind_of[leaf] = LeafKind.FETCHED if fetched else LeafKind.RAW
        chosen = self._scorings(leaf, relations, needs_level)
        level = max((level for _, level in chosen), default=0)
        if isinstance(leaf, Aggregate):
            level = max(level, self._value_level(leaf, fetched))
        layer = max(level + 1, self.not_before.get(leaf, 0))
        self.stream.layer_of[leaf] = layer
        self.stream.skew[leaf] = skew = self._skew(chosen)
        self._layer(layer)
        key = (layer, whole, isinstance(leaf, Count), skew > 0)
        if key not in self.shared:
            head = self._head(leaf, mask, relations, [scoring for scoring, _ in chosen], needs_level)
            self.shared[key] = head
            self.layers[layer - 1].heads.append(head)
        head = self.shared[key]
        head.leaves.append(leaf)
        self.head_of[leaf] = head
        if self.stream.kind_of[leaf] is LeafKind.RAW:
            self._raw_channel(leaf, head)

    def _parts(self, whole: Formula) -> tuple[Mask, list[Relation]]:
        """The mask and the parts to score; parts that select everything are left out."""
        mask, found = Mask.NONE, []
        for part in conjuncts(whole):
            if self.options.arch is Arch.MASKED and mask is Mask.NONE:
                mask = _as_mask(part)
                if mask is not Mask.NONE:
                    continue
            one = self.relations.of(part)
            if not one.trivial:
                found.append(one)
        return mask, found

    def _scorings(self, leaf: Leaf, relations: Sequence[Relation], needs_level: bool) -> list[tuple[Scoring, int]]:
        """An encoding for each part of a head: an order by powers where that takes fewer dimensions and is not later,
        and where the leaf is known in spite of it."""
        exact = [self._scoring(one, needs_level) for one in relations]
        if self.powers is None or not any(map(self._is_embedded, relations)):
            return exact
        near = [self._scoring(one, needs_level, near=True) for one in relations]
        (rank, level), (fewer, later) = (
            (sum(scoring.rank for scoring, _ in part), max(level for _, level in part)) for part in (exact, near)
        )
        if fewer >= rank or later > level:
            return exact
        return near if self._skew(near) <= self.stream.tolerance(leaf) else exact

    def _skew(self, chosen: Sequence[tuple[Scoring, int]]) -> float:
        """How far selected keys may score apart."""
        return float(sum(scoring.skew for scoring, _ in chosen)) * self.precision.beta

    @property
    def _spread(self) -> float:
        """How far scores may be apart that should be the same: shares k/m of up to n keys lie more than 1/(n + 1)^2
        apart, the error of one is a quarter of this, and a margin is 8 times the error."""
        return 1 / (2 * (self.options.max_length + 1) ** 2)

    def _is_small(self, scoring: Scoring) -> bool:
        """Whether scores that are nearly the same still are when those of this part are added and rounded."""
        largest = 0 if scoring.level is None else max(map(abs, scoring.level.values()), default=0)
        return 64 * float(largest) * self.precision.beta * self.precision.unit < self._spread

    def _is_embedded(self, given: Relation) -> bool:
        """Whether it compares functions of the symbol or the position, which the stream holds without any sum."""
        leaves = [self.domain.leaves_of(sops) for sops in (given.key_sops, given.query_sops)]
        return all(len(part) == 1 and isinstance(part[0], Input | Position) for part in leaves)

    def _scoring(self, given: Relation, needs_level: bool, *, near: bool = False) -> tuple[Scoring, int]:
        """The encoding that can be read earliest, and from which layer on.

        `near`: it may be powers, and is none with a level: what is added to large scores is rounded as they are.
        """
        floor = max((self.stream.layer(leaf) for leaf in self._leaves_of(given)), default=0)
        best: tuple[Scoring, int] | None = None
        refusal: Refused | None = None
        largest = Fraction(int(min(self.stream.exact_limit, self.precision.largest) / self._parabola_scale()))
        compact = self.options.encoding is Encoding.COMPACT
        powers = self.powers if near and self._is_embedded(given) else None
        for scoring in self.relations.scorings(given.part, compact, largest, powers):
            if near and not self._is_small(scoring):
                continue
            if best is not None and self._not_before(given, scoring, needs_level) >= best[1]:
                continue
            try:
                level = self._level(given, scoring, needs_level)
            except Refused as refused:
                refusal = refused
                continue
            if best is None or level < best[1]:
                best = (scoring, level)
            if level <= floor:
                break
        if best is None:
            raise refusal or Refused("a selector without an encoding")
        return best

    def _powers(self) -> Powers | None:
        """The largest base with which the order of all positions takes as few groups as it can, if one is enough."""
        beta = log2(self.precision.beta)
        room = floor(log2(self.precision.largest) - ROOM - beta)
        positions, least = self.options.max_length, ceil(beta - log2(self._spread))
        groups = -(-positions // (room // least + 1))
        size = -(-positions // groups)
        # Even, so that the factors of an order are those of its converse.
        return Powers(room // (size - 1) // 2 * 2, size) if size > 1 and room // (size - 1) >= least + 1 else None

    def _leaves_of(self, given: Relation) -> tuple[Leaf, ...]:
        return self.domain.leaves_of((*given.key_sops, *given.query_sops))

    def _parabola_scale(self) -> int:
        """What the scores of a parabola are multiplied with, where that takes digits: beta is a power of two."""
        return self.precision.beta if self.precision.largest < 1e6 else 1

    def _level(self, given: Relation, scoring: Scoring, needs_level: bool) -> int:
        at_query = self.stream.resolve(given.query_sops, _asked(scoring, needs_level)).level
        return max(at_query, self.stream.resolve(given.key_sops, scoring.keys).level)

    def _not_before(self, given: Relation, scoring: Scoring, needs_level: bool) -> int:
        """A level that is not above it, as far as it is known from others."""
        at_query = self.stream.not_before(given.query_sops, _asked(scoring, needs_level))
        return max(at_query, self.stream.not_before(given.key_sops, scoring.keys))

    def _value_level(self, leaf: Aggregate, fetched: bool) -> int:
        """From which layer on the values can be read: as numbers, or any feature of them."""
        sops = (leaf.values,)
        if not fetched:
            return self.stream.resolve(sops, [self._numbers(leaf)]).level
        generic = {row: Fraction(k * k * k) for k, row in enumerate(self.domain.all_values(sops))}
        return self.stream.resolve(sops, [generic]).level

    def _numbers(self, leaf: Aggregate) -> Phi:
        return {
            row: Fraction(row[0]) if not isinstance(row[0], str) else Fraction(0)
            for row in self.domain.all_values((leaf.values,))
        }

    def _head(
        self, leaf: Leaf, mask: Mask, relations: Sequence[Relation], chosen: Sequence[Scoring], needs_level: bool
    ) -> Head:
        parts, queries, keys, levels = [], [], [], []
        for given, scoring in zip(relations, chosen, strict=True):
            wanted = list(scoring.queries)
            if needs_level and scoring.level is not None:
                wanted.append(scoring.level)
            reads = self.stream.read(given.query_sops, wanted)
            queries += reads[: scoring.rank]
            levels += reads[scoring.rank :]
            keys += self.stream.read(given.key_sops, scoring.keys)
            parts.append(Part(given.part, scoring.name, scoring.rank))
        offset = Fraction(0) if isinstance(leaf, Count) else Fraction(-1, 2)
        start = total([*levels, Linear((), offset)])
        return Head(leaf, tuple(parts), mask, tuple(queries), tuple(keys), start)

    def _raw_channel(self, leaf: Aggregate | Count, head: Head) -> None:
        slot = self.stream.new_raw(leaf)
        if isinstance(leaf, Count):
            head.channels.append(Channel(slot, leaf, Linear(), Fraction(1)))
            return
        read = self.stream.read((leaf.values,), [self._numbers(leaf)], raw=True)[0]
        always = self.domain.profile(leaf).always_selects
        start = Fraction(0) if always else self.stream.raw_number(leaf, leaf.default)
        head.channels.append(Channel(slot, leaf, read, start))

    def _fetch(self, leaf: Aggregate, slot: int, unary: Unary) -> None:
        """A value channel for a feature of a fetched aggregate."""
        phi = {row: unary.get(row[0], Fraction(0)) for row in self.domain.all_values((leaf.values,))}
        read = self.stream.read((leaf.values,), [phi])[0]
        self.head_of[leaf].channels.append(Channel(slot, leaf, read, unary.get(leaf.default, Fraction(0))))

    # -------------------------------------------------------------------------------------------- outputs

    def _readout(self, name: str, sop: SOp) -> Readout:
        """Logits: lines over a form in which every value is one interval, or over a code that the MLP computes."""
        given = self.stream.functions.given((sop,))
        classes = tuple(value for (value,) in given.rows)
        if not classes:
            raise Refused(f"`{name}` has no value on any input")
        if len(classes) > MAX_CLASSES:
            raise TooMuch(f"`{name}` has {len(classes)} values, more than {MAX_CLASSES}")
        if self.options.encoding is Encoding.COMPACT:
            direct = self._direct(sop, given)
            if direct is not None:
                values, logits = direct
                return Readout(name, sop, values, logits)
        ordered = _ordered(classes)
        onehot = self.options.encoding is Encoding.ONEHOT
        phis = _indicators(ordered) if onehot else [_codes(ordered)]
        level = self.stream.resolve((sop,), phis).level
        # Where there was no form to read the output off, there might be one with smaller errors.
        self.stream.late |= level > len(self.layers)
        if level:
            self._layer(level)
        reads = self.stream.read((sop,), phis)
        if onehot:
            return Readout(name, sop, ordered, tuple(reads))
        return Readout(name, sop, ordered, _lines(reads[0], [Fraction(2 * k + 1, 2) for k in range(len(ordered) - 1)]))

    def _direct(self, sop: SOp, given: Given) -> tuple[tuple[Atom, ...], tuple[Linear, ...]] | None:
        leaves = self.domain.leaves(sop)
        points, results, labels = given.points, [value for (value,) in given.rows], given.labels
        keep = relevant(points, labels)
        used = tuple(leaves[k] for k in keep)
        mixed = {"Input", "Position"} <= {type(leaf).__name__ for leaf in used}
        if mixed and not self.stream.additive_first and not self.layers:
            return None
        if not used:
            return (results[0],), (Linear(),)
        kept = first_of_each(points, keep)
        points, labels = points.columns(keep).at(kept), labels[kept]
        raws = frozenset(leaf for leaf in used if self.stream.kind(leaf) is LeafKind.RAW)
        classes = self.domain.classes((sop,))
        corners, owner = expand(self.stream.raw_number, points, used, raws, classes)
        labels, boxes = labels[owner], owner if corners.size > points.size else None
        columns = [self.stream.column(leaf, corners, k, leaf in raws) for k, leaf in enumerate(used)]
        search = Search(columns, labels, self.precision.unit, self.stream.exact_limit, boxes)
        form = self.stream.form(search)
        if form is None or form.changes >= search.kinds:
            return None
        form = form.spread([classes.get(leaf, {}) for leaf in used])
        ends = ends_of_runs(heights(form, columns), labels)
        return self._interval_logits(form, used, corners.at(ends), [results[k] for k in labels[ends].tolist()])

    def _interval_logits(
        self, form: Form, used: Sequence[Leaf], points: Points, labels: Sequence[Atom]
    ) -> tuple[tuple[Atom, ...], tuple[Linear, ...]]:
        g = self.stream.form_points(form, used, points.rows)
        order = sorted(range(points.size), key=g.__getitem__)
        values: list[Atom] = []
        thresholds: list[Fraction] = []
        for before, after in zip([None, *order], order, strict=False):
            if before is None or labels[before] != labels[after]:
                values.append(labels[after])
                if before is not None:
                    thresholds.append(_between(g[before], g[after]))
        return tuple(values), _lines(self.stream.form_read(form, used), thresholds)


def _not_before(placement: Mapping[Read, int], domain: Domain) -> dict[Leaf, int]:
    """The layers of the placement for leaves: a count goes where what it computes does first."""
    found: dict[Leaf, int] = {}
    for read, layer in placement.items():
        made = domain.definitions.get(read)
        leaves = made.leaves if made is not None else (read,) if isinstance(read, Aggregate) else ()
        for leaf in leaves:
            found[leaf] = min(layer, found.get(leaf, layer))
    return found


def _between(low: Fraction, high: Fraction) -> Fraction:
    """A number near the middle with few binary digits."""
    grid = Fraction(1)
    while grid * 16 > high - low:
        grid /= 2
    while grid * 32 < high - low:
        grid *= 2
    return round((low + high) / 2 / grid) * grid


def _lines(read: Linear, thresholds: Sequence[Fraction]) -> tuple[Linear, ...]:
    """Lines whose upper envelope has these corners: line k is the largest between thresholds k-1 and k."""
    found = [Linear()]
    for k, threshold in enumerate(thresholds, start=1):
        found.append(found[-1] + read + Linear((), -threshold))
        found[-1] = Linear(
            tuple((slot, c) for slot, c in (read * k).terms), found[-2].constant + read.constant - threshold
        )
    return tuple(line * 2 for line in found)


def _codes(values: Sequence[Atom]) -> Phi:
    return {(value,): Fraction(k) for k, value in enumerate(values)}


def _indicators(values: Sequence[Atom]) -> list[Phi]:
    return [{(value,): number for value, number in unary.items()} for unary in indicators(values)]


def _as_mask(part: Formula) -> Mask:
    """The mask that a comparison of positions is, if it is one."""
    match part:
        case Literal(Select(keys=Indices(), queries=Indices(), predicate=predicate), positive):
            masks = {
                Predicate.LE: Mask.UP_TO,
                Predicate.LT: Mask.BEFORE,
                Predicate.GE: Mask.FROM,
                Predicate.GT: Mask.AFTER,
            }
            opposite = {
                Predicate.LE: Mask.AFTER,
                Predicate.LT: Mask.FROM,
                Predicate.GE: Mask.BEFORE,
                Predicate.GT: Mask.UP_TO,
            }
            return (masks if positive else opposite).get(predicate, Mask.NONE)
        case _:
            return Mask.NONE


def _ordered(values: Sequence[Atom]) -> tuple[Atom, ...]:
    """Numbers in order, then strings in order."""
    return tuple(sorted(values, key=lambda value: (1, 0, value) if isinstance(value, str) else (0, value, "")))


def _asked(scoring: Scoring, needs_level: bool) -> list[Phi]:
    """What a head asks at the query."""
    return [*scoring.queries, *([scoring.level] if needs_level and scoring.level is not None else [])]
