"""Features in the residual stream: what can be read where, and what has to be computed for it.

A read asks for numbers as functions of the values of some s-ops at one position. It resolves to a sum of unary
features of leaves where the function is such a sum (nothing is computed: the consumer reads several slots), and
otherwise to a joint function, computed by the MLP of one layer as a staircase over a form (`compiled.planning.forms`).

    input, position    a feature is a column of the embedding
    fetched            an aggregate of at most one key: a feature is a value channel of its head
    raw                a mean or a count: the head writes a share, with an error; a feature is a staircase after it
    stored            an s-op that an MLP computes: a feature is a joint function of what the s-op is computed from
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from functools import cache, partial
from itertools import pairwise, product
from typing import Final, TypeAlias

from compiled.errors import Refused
from compiled.meaning.leaves import Count, Input, Leaf, Position, Stored, Tuple
from compiled.meaning.means import as_fraction, is_number
from compiled.meaning.values import Domain
from compiled.planning.encode import Phi
from compiled.planning.features import Basis, affine
from compiled.planning.forms import Column, Form, Search, ends_of_runs, heights, no_form, staircase
from compiled.planning.functions import Everywhere, Functions, Sum
from compiled.planning.joints import Joint, Staircase, Target, expand
from compiled.planning.layout import Layer, Linear, Slot, Unit, Writer, total
from compiled.planning.points import (
    Ints,
    Points,
    Table,
    Unary,
    decides,
    dyadic,
    finer,
    indicators,
    relevant,
)
from compiled.precision import Precision
from spec.graph import Aggregate, SOp
from spec.operators import OperatorError, function
from spec.values import Atom


class LeafKind(Enum):
    """How the residual stream holds a leaf."""

    EMBEDDED = "embedded"
    FETCHED = "fetched"
    RAW = "raw"
    STORED = "stored"


@dataclass(frozen=True, eq=False)
class Resolved:
    """How a read is answered: per feature a sum of unary features, or (None) the next output of the joint function.

    The read can be made by attention of any layer above `level`.
    """

    level: int
    sums: tuple[Sum | None, ...]
    joint: Joint | None


@dataclass(eq=False)
class _Module:
    """A staircase: the points of g with their outputs, and where the outputs go."""

    layer: int
    read: Linear
    exact: bool
    points: list[Fraction]
    outputs: list[list[Fraction]]
    slots: list[int] = field(default_factory=list)
    changes: int = 0
    """How many hidden units it takes at least."""


Fetch: TypeAlias = Callable[[Aggregate, int, Unary], None]
FEW_UNITS: Final = 8
"""With so few hidden units no other form is looked for."""
SPARE: Final = 1 << 12
"""How many times smaller than what is exact numbers are when functions of a leaf are added up."""
FEW: Final = 64
"""Up to this many values a mean that is averaged again is made exact first."""


class Stream:
    """The slots, and everything that was asked to be in them."""

    def __init__(
        self, domain: Domain, precision: Precision, *, onehot: bool, additive_first: bool, smallest: bool = False
    ) -> None:
        """`smallest`: a function may be computed a layer later than it could be, with fewer hidden units."""
        self.domain, self.precision = domain, precision
        self.onehot, self.additive_first, self.smallest = onehot, additive_first, smallest
        self.functions = Functions(domain)
        self.slots: list[Slot] = [Slot(0, Writer.START, 0, (), {})]
        self.layer_of: dict[Leaf, int] = {}
        self.kind_of: dict[Leaf, LeafKind] = {}
        self.raw_slot: dict[Leaf, int] = {}
        self.skew: dict[Leaf, float] = {}
        self.fetch: Fetch | None = None
        self.late = False
        """Whether a function might be computed earlier if selected keys scored the same."""
        self._basis: dict[Leaf, Basis] = {}
        self._resolved: dict[object, Resolved] = {}
        self._formless: dict[tuple[SOp, ...], list[tuple[Ints, int]]] = {}
        """Per s-ops classes of their values, and a layer that has no form which tells these classes apart."""
        self._forms: dict[object, Form | None] = {}
        self._digits: dict[object, dict[tuple[int, bool], Ints]] = {}
        self._built: dict[Joint, list[Linear]] = {}
        self._unary: dict[Leaf, _Module] = {}
        self._modules: list[_Module] = []
        self._raw_numbers: dict[Leaf, Unary] = {}
        self._largest: dict[Leaf, float] = {}
        self._stored: dict[Stored, Joint] = {}

    def share(self, other: "Stream") -> None:
        """What is known of s-ops and of forms wherever they are placed is known of another stream, too."""
        self.functions, self._forms, self._digits = other.functions, other._forms, other._digits

    # -------------------------------------------------------------------------------------------- leaves

    def values(self, leaf: Leaf) -> tuple[Atom, ...]:
        """What the leaf can be anywhere; values that are equal as numbers are one."""
        match leaf:
            case Input():
                return self.domain.alphabet
            case Position():
                return tuple(range(self.domain.max_length))
            case _:
                return tuple(dict.fromkeys(self.domain.sets(leaf).values()))

    def kind(self, leaf: Leaf) -> LeafKind:
        """How the stream holds the leaf."""
        if isinstance(leaf, Stored):
            return LeafKind.STORED
        return self.kind_of.get(leaf, LeafKind.EMBEDDED)

    def layer(self, leaf: Leaf) -> int:
        """The layer that writes the leaf; 0 for the embedding."""
        return 0 if isinstance(leaf, Input | Position) else self.layer_of[leaf]

    def _readable(self, leaf: Leaf) -> int:
        """The first layer whose MLP can read the leaf."""
        return self.layer(leaf) + (self.kind(leaf) in (LeafKind.EMBEDDED, LeafKind.STORED))

    def _first(self, leaves: Iterable[Leaf]) -> int:
        """The first layer whose MLP can read all of these."""
        return max(map(self._readable, leaves), default=1)

    def raw_number(self, leaf: Leaf, value: Atom) -> Fraction:
        """What the head writes for a value of a raw leaf, errors aside: 1/(w+1) for a count."""
        if leaf not in self._raw_numbers:
            values = self.values(leaf)
            if isinstance(leaf, Count):
                self._raw_numbers[leaf] = {w: Fraction(1, int(w) + 1) for w in values}
            else:
                numbers: Unary = {v: as_fraction(v) for v in values if is_number(v)}
                outside = max(numbers.values(), default=Fraction(0)) + 1
                self._raw_numbers[leaf] = {v: numbers.get(v, outside) for v in values}
        return self._raw_numbers[leaf][value]

    def tolerance(self, leaf: Leaf) -> float:
        """How far selected keys may score apart: by so much that a share errs by a quarter of the least difference."""
        if self.kind(leaf) is not LeafKind.RAW:
            return 0.5
        numbers = sorted({self.raw_number(leaf, value) for value in self.values(leaf)})
        gap = min((b - a for a, b in pairwise(numbers)), default=Fraction(1))
        return float(gap / self._range(leaf))

    def _range(self, leaf: Leaf) -> Fraction:
        """The difference of the largest and the least that a share is a mean of: of 0 and 1 for a count."""
        numbers = [Fraction(0)] if isinstance(leaf, Count) else []
        numbers += [self.raw_number(leaf, value) for value in self.values(leaf)]
        return max(numbers, default=Fraction(1)) - min(numbers, default=Fraction(0)) or Fraction(1)

    def noise(self, leaf: Leaf) -> float:
        """An estimate of the error of a raw slot: of rounding, and of keys that do not score quite the same."""
        terms = 4 if isinstance(leaf, Count) else self.domain.max_length + 8
        if leaf not in self._largest:
            numbers = [self.raw_number(leaf, v) for v in self.values(leaf)]
            self._largest[leaf] = float(max(map(abs, numbers), default=1))
        largest = self._largest[leaf]
        noise = terms * self.precision.unit * largest + self.precision.product_unit * largest
        if not (skew := self.skew.get(leaf, 0.0)):
            return noise
        return noise + skew / 4 * float(self._range(leaf)) + terms * self.precision.unit * largest

    # -------------------------------------------------------------------------------------------- resolving

    def resolve(self, sops: Sequence[SOp], phis: Sequence[Phi]) -> Resolved:
        """How to read these functions of the s-ops; `Refused` when there is no way."""
        key = self.functions.key(sops, phis)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(sops, phis)
        return self._resolved[key]

    def not_before(self, sops: Sequence[SOp], phis: Sequence[Phi]) -> int:
        """A layer that is not above the one at which these functions can be read: where functions that tell fewer
        values apart have no form, these have none."""
        least = max((self.layer(leaf) for leaf in self.domain.leaves_of(sops)), default=0)
        known = self._formless.get(tuple(sops), ())
        labels = self.functions.apart(sops, phis) if known else None
        if labels is not None:
            least = max([least, *(layer + 1 for classes, layer in known if finer(labels, classes))])
        return least

    def _resolve(self, sops: Sequence[SOp], phis: Sequence[Phi]) -> Resolved:
        leaves = self.domain.leaves_of(sops)
        mixed = {Input, Position} <= {type(leaf) for leaf in leaves} and not self.additive_first
        level = max((self.layer(leaf) for leaf in leaves), default=0)
        sums = self.functions.sums(sops, phis)
        hard = [phi for phi, one in zip(phis, sums, strict=True) if one is None]
        if not hard:
            return Resolved(max(level, 1) if mixed else level, sums, None)
        joint = self._hard(sops, hard)
        if joint.layer > self._first(joint.leaves) and not self.smallest:
            labels = self.functions.apart(sops, hard)
            if labels is not None:
                self._formless.setdefault(tuple(sops), []).append((labels, joint.layer - 1))
        return Resolved(max(level, joint.layer), sums, joint)

    def _hard(self, sops: Sequence[SOp], wanted: Sequence[Phi]) -> Joint:
        """Functions that are no sums, computed by one MLP."""
        without_classes = cache(partial(self.functions.without_classes, sops, wanted))
        return self._joint(sops, self.functions.by_class(sops, wanted), without_classes)

    def _joint(self, sops: Sequence[SOp], target: Target, other: Callable[[], Target | None]) -> Joint:
        """The function, as early as there are forms for it; the other target is only made when it is tried."""
        leaves, keep = self.domain.leaves_of(sops), relevant(target.points, target.labels)
        used = tuple(leaves[k] for k in keep)
        first = self._first(used)
        hints = self.functions.sums_within(sops, used)
        best: Joint | None = None
        for layer, own in product((first, first + 1), (True, False)):
            tried = target if own else other()
            if tried is None or not (own or decides(tried.points, tried.labels, keep)):
                continue
            fewer = tried.of(keep)
            found = self._computed_in(used, layer, fewer, hints)
            self.late |= layer == first and (
                self.smallest or (found is None and self._waits(used, first, fewer, hints))
            )
            # A layer more is worth it only where it saves more than half of the units.
            if found is not None and (best is None or 2 * found.changes < best.changes):
                best = found
            if best is not None and not self.smallest:
                break
        if best is not None:
            return best
        raise no_form(len(used), target.points.size, self.precision)

    def _waits(self, used: tuple[Leaf, ...], layer: int, target: Target, hints: Sequence[Mapping[Leaf, Unary]]) -> bool:
        """Whether there is a form in this layer, if selected keys score the same."""
        skew, self.skew = self.skew, {}
        try:
            return any(skew.get(leaf) for leaf in used) and self._computed_in(used, layer, target, hints) is not None
        finally:
            self.skew = skew

    def _computed_in(
        self, used: tuple[Leaf, ...], layer: int, target: Target, hints: Sequence[Mapping[Leaf, Unary]]
    ) -> Joint | None:
        """The function as one staircase, or as a sum of several where that takes fewer hidden units."""
        part = self._staircase(used, layer, target, hints)
        whole = None if part is None else Joint(used, layer, target, (part,))
        if whole is not None and whole.changes < FEW_UNITS:
            return whole
        split = self._sum_of(used, layer, target)
        return split if whole is None or (split is not None and split.changes < whole.changes) else whole

    def _sum_of(self, used: tuple[Leaf, ...], layer: int, target: Target) -> Joint | None:
        """The function as a sum of staircases, one for each share that is written in this layer."""
        now = [k for k, leaf in enumerate(used) if self.kind(leaf) is LeafKind.RAW and self.layer(leaf) == layer]
        split = target.summands(now) if len(now) > 1 else None
        if split is None:
            return None
        parts: list[Staircase] = []
        for keep, summand in split:
            own = relevant(summand.points, summand.labels) or (0,)
            part = self._staircase(tuple(used[keep[k]] for k in own), layer, summand.of(own), ())
            if part is None:
                return None
            parts.append(part)
        return Joint(used, layer, target, tuple(parts))

    def _staircase(
        self, used: tuple[Leaf, ...], layer: int, target: Target, hints: Sequence[Mapping[Leaf, Unary]]
    ) -> Staircase | None:
        shares = [leaf for leaf in used if self.kind(leaf) is LeafKind.RAW]
        now = frozenset(leaf for leaf in shares if self.layer(leaf) == layer)
        best: Staircase | None = None
        for raws in dict.fromkeys((now, frozenset(shares))):
            corners, owner = expand(self.raw_number, target.points, used, raws, target.classes)
            columns = tuple(self.column(leaf, corners, k, leaf in raws) for k, leaf in enumerate(used))
            labels = target.labels[owner]
            boxes = owner if corners.size > target.points.size else None
            inner = [[hint.get(leaf) for leaf in used] for hint in hints if not raws & set(hint)]
            form = self.form(Search(columns, labels, self.precision.unit, self.exact_limit, boxes, inner))
            if form is not None and (best is None or form.changes < best.form.changes):
                form = form.spread([target.classes.get(leaf, {}) for leaf in used])
                best = Staircase(used, form, target, corners, labels, columns)
            if best is not None and best.form.changes < FEW_UNITS:
                break
        return best

    def form(self, search: Search) -> Form | None:
        """The best form of the search, found once."""
        if search.key not in self._forms:
            search.digits = self._digits.setdefault(search.shape, search.digits)
            self._forms[search.key] = search.best()
        return self._forms[search.key]

    @property
    def exact_limit(self) -> float:
        """Sums of integers up to here are exact."""
        return float(2 ** min(self.precision.digits, self.precision.product_digits))

    def column(self, leaf: Leaf, points: Points, k: int, raw: bool) -> Column:
        """A leaf, column k of the points: a share that is read as it is, or a code."""
        values = points.values[k]
        numbers: tuple[Fraction, ...] | None
        if raw:
            numbers = tuple(self.raw_number(leaf, value) for value in values)
        else:
            numeric = all(is_number(value) for value in values)
            numbers = tuple(as_fraction(value) for value in values) if numeric else None
            if numbers is not None and not dyadic(numbers, self.precision.digits):
                numbers = None
        return Column(values, points.codes[k], numbers, raw, self.noise(leaf) if raw else 0.0)

    # -------------------------------------------------------------------------------------------- reading

    def read(self, sops: Sequence[SOp], phis: Sequence[Phi], *, raw: bool = False) -> list[Linear]:
        """The linear forms that read these functions. `raw`: shares may be read as they are, errors included."""
        found = self.resolve(sops, phis)
        outputs = iter(self._build(found.joint) if found.joint is not None else ())
        reads = []
        for one in found.sums:
            if one is None:
                reads.append(next(outputs))
            else:
                reads.append(total(self._unary_read(leaf, unary, raw) for leaf, unary in one))
        return reads

    def _unary_read(self, leaf: Leaf, unary: Unary, raw: bool) -> Linear:
        if isinstance(unary, Everywhere):
            return Linear((), unary.value)
        if raw and self.kind(leaf) is LeafKind.RAW:
            numbers = {value: self.raw_number(leaf, value) for value in unary}
            line = affine(numbers, unary)
            if line is not None and len(set(unary.values())) > FEW:
                return Linear(((self.raw_slot[leaf], line[0]),), line[1])
        return self.feature(leaf, unary)

    def feature(self, leaf: Leaf, unary: Unary) -> Linear:
        """A function of one leaf, exactly."""
        constant = next(iter(unary.values()), Fraction(0))
        if all(number == constant for number in unary.values()):
            return Linear((), constant)
        basis = self._basis_of(leaf)
        if self.onehot:
            if not basis.slots:
                for one in indicators(self.values(leaf)):
                    self._new(leaf, one)
            terms = [
                (slot, unary[value]) for slot, row in basis.slots for value in row if row[value] and value in unary
            ]
            return Linear(tuple((slot, number) for slot, number in terms if number))
        if (known := basis.read(unary)) is not None:
            return known
        slot = self._new(leaf, {value: unary.get(value, Fraction(0)) for value in self.values(leaf)})
        return Linear(((slot, Fraction(1)),))

    def _basis_of(self, leaf: Leaf) -> Basis:
        """The functions of a leaf that are in the stream; those that MLPs compute of a stored one are not added up."""
        if leaf not in self._basis:
            self._basis[leaf] = Basis(self.values(leaf), 0 if isinstance(leaf, Stored) else self.exact_limit / SPARE)
        return self._basis[leaf]

    def _new(self, leaf: Leaf, unary: Unary) -> int:
        number = len(self.slots) if not isinstance(leaf, Stored) else self._new_stored(leaf, unary)
        self._basis_of(leaf).add(number, unary)
        table: dict[Tuple, Fraction] = {(value,): amount for value, amount in unary.items()}
        match self.kind(leaf):
            case LeafKind.EMBEDDED:
                writer = Writer.TOKEN if isinstance(leaf, Input) else Writer.POSITION
                self.slots.append(Slot(number, writer, 0, (leaf,), table))
            case LeafKind.FETCHED:
                self.slots.append(Slot(number, Writer.HEAD, self.layer(leaf), (leaf,), table))
                if not isinstance(leaf, Aggregate) or self.fetch is None:
                    raise Refused("only an aggregate is fetched")
                self.fetch(leaf, number, unary)
            case LeafKind.STORED:
                self.slots[number] = replace(self.slots[number], leaves=(leaf,), table=table, classes={})
            case LeafKind.RAW:
                self.slots.append(Slot(number, Writer.MLP, self.layer(leaf), (leaf,), table))
                module = self._raw_module(leaf)
                module.slots.append(number)
                module.outputs.append([unary[value] for value in self.values(leaf)])
        return number

    def store(self, leaf: Stored) -> int:
        """Find how the s-op is computed; the layer whose MLP does it, or 0 for a constant."""
        numbers = {value: Fraction(k) for k, value in enumerate(self.values(leaf))}
        self.layer_of[leaf] = 0
        if len(numbers) > 1:
            self._stored[leaf] = self._computed(leaf, numbers)
            self.layer_of[leaf] = self._stored[leaf].layer
        return self.layer_of[leaf]

    def _computed(self, leaf: Stored, unary: Unary) -> Joint:
        """A function of the s-op as one of what the s-op is computed from."""
        operands, meaning = leaf.sop.args, function(leaf.sop.op, self.domain.numbers)
        phi: Phi = {}
        for row in self.domain.all_values(operands):
            try:
                wanted = unary[meaning(*row)]
            except OperatorError:
                continue
            if phi.setdefault(row, wanted) != wanted:
                raise Refused("an s-op depends on whether a number is an integer, a real or a boolean")
        return self._hard(operands, [phi])

    def _new_stored(self, leaf: Stored, unary: Unary) -> int:
        """A slot for a function of the s-op; by the form of the s-op itself where one of its own would come later."""
        joint, whole = self._computed(leaf, unary), self._stored[leaf]
        if joint.layer > whole.layer and len(whole.parts) > 1:
            raise Refused("a function of a stored s-op that is computed a layer later than the s-op itself")
        if joint.layer > whole.layer:
            values = self.values(leaf)
            levels = tuple((unary[values[int(k)]],) for (k,) in whole.target.levels)
            target = replace(whole.target, levels=levels)
            joint = replace(whole, target=target, parts=(replace(whole.parts[0], target=target),))
        ((slot, _),) = self._build(joint)[0].terms
        return slot

    def _raw_module(self, leaf: Leaf) -> _Module:
        if leaf not in self._unary:
            points = [self.raw_number(leaf, value) for value in self.values(leaf)]
            read = Linear(((self.raw_slot[leaf], Fraction(1)),))
            self._unary[leaf] = _Module(self.layer(leaf), read, False, points, [])
            self._modules.append(self._unary[leaf])
        return self._unary[leaf]

    def new_raw(self, leaf: Leaf) -> int:
        """The slot for the share that a head writes."""
        number = len(self.slots)
        self.raw_slot[leaf] = number
        table: dict[Tuple, Fraction] = {(v,): self.raw_number(leaf, v) for v in self.values(leaf)}
        self.slots.append(Slot(number, Writer.HEAD, self.layer(leaf), (leaf,), table, exact=False))
        return number

    def form_read(self, form: Form, leaves: Sequence[Leaf]) -> Linear:
        """The linear form that reads g."""
        parts = []
        for leaf, scale, code in zip(leaves, form.scales, form.codes, strict=True):
            if code is not None:
                parts.append(self.feature(leaf, code))
            elif scale is not None:
                parts.append(Linear(((self.raw_slot[leaf], scale),)))
        return total(parts)

    def form_points(self, form: Form, leaves: Sequence[Leaf], points: Iterable[Tuple]) -> list[Fraction]:
        """g at each point."""
        found = []
        for point in points:
            numbers = [
                self.raw_number(leaf, value) if code is None else None
                for leaf, value, code in zip(leaves, point, form.codes, strict=True)
            ]
            found.append(form.at(numbers, point))
        return found

    def _build(self, joint: Joint) -> list[Linear]:
        if joint in self._built:
            return self._built[joint]
        modules = [self._module(joint.layer, part) for part in joint.parts]
        target, slots = joint.target, list[int]()
        for outputs in zip(*target.levels, strict=True):
            table = Table(target.points, outputs, target.labels)
            slots.append(len(self.slots))
            self.slots.append(Slot(slots[-1], Writer.MLP, joint.layer, joint.leaves, table, classes=target.classes))
        for module in modules:
            module.slots += slots
        self._built[joint] = [Linear(((slot, Fraction(1)),)) for slot in slots]
        return self._built[joint]

    def _module(self, layer: int, part: Staircase) -> _Module:
        read = self.form_read(part.form, part.leaves)
        exact = all(scale is None for scale in part.form.scales)
        ends = ends_of_runs(heights(part.form, part.columns), part.labels)
        points = self.form_points(part.form, part.leaves, part.corners.at(ends).rows)
        outputs = [
            [row[label] for label in part.labels[ends].tolist()] for row in zip(*part.target.levels, strict=True)
        ]
        self._modules.append(_Module(layer, read, exact, points, outputs, changes=part.form.changes))
        return self._modules[-1]

    @property
    def least_units(self) -> int:
        """How many hidden units the widest layer takes at least, by what is asked for so far."""
        units: dict[int, int] = {}
        for module in self._modules:
            if module.slots:
                units[module.layer] = units.get(module.layer, 0) + module.changes
        return max(units.values(), default=0)

    def finish(self, layers: Sequence[Layer]) -> None:
        """Turn the staircases into hidden units."""
        for module in self._modules:
            if not module.slots:
                continue
            layer = layers[module.layer - 1]
            points = list(zip(module.points, zip(*module.outputs, strict=True), strict=True))
            base, steps = staircase(points, module.exact)
            for slot, constant in zip(module.slots, base, strict=True):
                layer.bias[slot] = layer.bias.get(slot, Fraction(0)) + constant
            for step in steps:
                writes = tuple((slot, d) for slot, d in zip(module.slots, step.deltas, strict=True) if d)
                layer.units.append(Unit(module.read * step.slope + Linear((), -step.bias), writes))
