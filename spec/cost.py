"""What a layer and a head are: cost models as data, schedules, and what makes a schedule valid.

What attention computes is a read: an aggregate or, where `model.counting`, the width of a selector. A schedule puts
every read in a layer, counted from 1. Aggregates of one selector in one layer share a head, with one value channel
each; a count is a head of its own, because it attends to the start position, too (`head_of`). Elementwise work costs
nothing; what it can depend on decides when a read may happen. With `level(x)` the first layer after which the s-op x is
known,

    level(tokens) = level(indices) = level(constant) = 0
    level(map(f, x..))    = joint(x..)
    level(read r)         = layer(r)
    layer(r)             >= 1 + max(level(values of r), ready(selector of r))
    joint(x..)            = max(level(x)..), but at least `model.mixed_level` when the x.. depend on the token and on
                            the position, each without a read in between

and for selectors, after `not` has been pushed down to the comparisons,

    ready(select(k, q))   = max(level(k), level(q))
    ready(s and t)        = max(ready(s), ready(t))
    ready(s or t)         = max(joint(all keys below), joint(all queries below))

The reasons for each line are in `docs/decisions/0002-cost-models.md`. Nothing here searches: this module says what is
true of a given schedule, and builds the one in which everything happens as soon as it can.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Flag
from types import MappingProxyType
from typing import Final, TypeAlias, TypeGuard, assert_never

from spec.graph import (
    Aggregate,
    Combine,
    Constant,
    Graph,
    Indices,
    Junction,
    Map,
    Negate,
    Node,
    Select,
    Selector,
    SOp,
    Tokens,
    operands,
)
from spec.idiom import counted


@dataclass(frozen=True)
class CostModel:
    """What transformer a schedule is about."""

    name: str
    summary: str
    mixed_level: int
    """The first layer after which a function of the token and the position together is known (0: the embedding)."""
    counting: bool
    """Whether the width of a selector, as the library computes it, is one read of that selector."""


PAPER: Final = CostModel(
    "paper",
    "elementwise functions are free anywhere, before the first layer too; any selector is one head",
    mixed_level=0,
    counting=False,
)
TRANSFORMER: Final = CostModel(
    "transformer",
    "token and position are embedded separately; a block is attention, then elementwise functions of the stream",
    mixed_level=1,
    counting=True,
)
MODELS: Final[Mapping[str, CostModel]] = MappingProxyType({model.name: model for model in (PAPER, TRANSFORMER)})


Read: TypeAlias = Aggregate | Map
Head: TypeAlias = tuple[Selector, bool]


@dataclass(frozen=True)
class Schedule:
    """A claim: these reads in these layers, and so many heads in each layer; see `validate`."""

    layer: Mapping[Read, int]
    heads: tuple[int, ...]

    @property
    def layers(self) -> int:
        """How many layers there are; a layer may have no heads."""
        return len(self.heads)

    @property
    def width(self) -> int:
        """The most heads that any layer has."""
        return max(self.heads, default=0)

    @property
    def total(self) -> int:
        """All heads."""
        return sum(self.heads)


@dataclass(frozen=True)
class Violation:
    """One reason why a schedule is not valid, and the node that it is about."""

    message: str
    node: Node | None = None


@dataclass(frozen=True)
class Demand:
    """What one read asks of a schedule: to come after these reads, and after this layer."""

    after: frozenset[Read]
    above: int


def schedule(layer: Mapping[Read, int], layers: int = 0) -> Schedule:
    """The schedule with these layers, numbered from 1, and the heads that they need; at least `layers` of them."""
    if min(layer.values(), default=1) < 1:
        raise ValueError("layers are counted from 1")
    used: list[set[Head]] = [set() for _ in range(max(layers, max(layer.values(), default=0)))]
    for read, number in layer.items():
        used[number - 1].add(head_of(read))
    return Schedule(MappingProxyType(dict(layer)), tuple(map(len, used)))


def selector_of(read: Read) -> Selector:
    """The selector of the head that a read needs."""
    selector = read.selector if isinstance(read, Aggregate) else counted(read)
    if selector is None:
        raise ValueError(f"{read!r} is no read")
    return selector


def head_of(read: Read) -> Head:
    """What two reads of one layer must agree in to be one head: the selector, and whether it is counted."""
    return selector_of(read), not isinstance(read, Aggregate)


def reads(roots: Iterable[Node], model: CostModel) -> tuple[Read, ...]:
    """Everything that attention has to compute for the roots, in topological order."""
    return tuple(node for node in _needed(roots, model) if _is_read(node, model))


def as_soon_as_possible(roots: Iterable[Node], model: CostModel) -> Schedule:
    """Every read in the first layer in which it can happen. The number of layers is the least possible."""
    roots = tuple(roots)
    found = _Propagation(model, None).over(_needed(roots, model))
    return schedule(found.ready, max(map(found.level, roots), default=0))


def levels(roots: Iterable[Node], model: CostModel) -> Mapping[Node, int]:
    """The first layer after which each node that is needed can be known (an s-op) or scored (a selector)."""
    nodes = _needed(roots, model)
    found = _Propagation(model, None).over(nodes)
    return {node: found.level(node) for node in nodes}


def validate(claim: Schedule, roots: Sequence[Node], model: CostModel) -> tuple[Violation, ...]:
    """Everything that is wrong with a schedule for these roots; empty when it is valid."""
    return tuple(_violations(claim, roots, model))


def _violations(claim: Schedule, roots: Sequence[Node], model: CostModel) -> Iterator[Violation]:
    needed = reads(roots, model)
    missing = [node for node in needed if node not in claim.layer]
    yield from (Violation(f"{node!r} has no layer", node) for node in missing)
    idle = sorted(claim.layer.keys() - set(needed), key=lambda node: node.id)
    yield from (Violation(f"{node!r} is not needed", node) for node in idle)
    outside = [node for node in needed if node in claim.layer and not 1 <= claim.layer[node] <= claim.layers]
    for node in outside:
        yield Violation(f"{node!r} is in layer {claim.layer[node]} of {claim.layers}", node)
    if missing or outside:
        return
    found = _Propagation(model, claim.layer).over(_needed(roots, model))
    for node in needed:
        if claim.layer[node] < found.ready[node]:
            late = found.ready[node]
            yield Violation(f"{node!r} is in layer {claim.layer[node]}, but can happen from layer {late} only", node)
    for root in dict.fromkeys(roots):
        if found.level(root) > claim.layers:
            yield Violation(f"{root!r} is known after layer {found.level(root)} of {claim.layers}", root)
    actual = schedule({node: claim.layer[node] for node in needed}, claim.layers).heads
    for number, (said, used) in enumerate(zip(claim.heads, actual, strict=True), start=1):
        if said != used:
            yield Violation(f"layer {number} has {used} heads, not {said}")


def demands(roots: Iterable[Node], model: CostModel) -> Mapping[Read, Demand]:
    """`validate`, as constraints for a search: layer(r) > layer(s) for each s in `after`, and layer(r) > `above`.

    A layer assignment within 1..L satisfies them all, and L is at least `floor(roots)`, exactly when its schedule
    is valid.
    """
    roots = tuple(roots)
    needed = reads(roots, model)
    found = _Propagation(model, dict.fromkeys(needed, 0)).over(_needed(roots, model))
    return {node: Demand(_reads_below(node, model), found.ready[node] - 1) for node in needed}


def floor(roots: Iterable[Node], model: CostModel) -> int:
    """The layers that the roots need even if every read below them came for free."""
    roots = tuple(roots)
    free = dict.fromkeys(reads(roots, model), 0)
    found = _Propagation(model, free).over(_needed(roots, model))
    return max(map(found.level, roots), default=0)


def _is_read(node: Node, model: CostModel) -> TypeGuard[Read]:
    return isinstance(node, Aggregate) or (model.counting and counted(node) is not None)


def dependencies(node: Node, model: CostModel) -> tuple[Node, ...]:
    """What the node needs under the model: its operands, but of a width that is one read the selector only."""
    selector = counted(node) if model.counting else None
    return operands(node) if selector is None else (selector,)


def _needed(roots: Iterable[Node], model: CostModel) -> tuple[Node, ...]:
    """Everything that the roots depend on under the model, operands first."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(dependencies(node, model))
    return tuple(sorted(seen, key=lambda node: node.id))


def _reads_below(node: Read, model: CostModel) -> frozenset[Read]:
    """The reads that this one depends on through no other read."""
    found: set[Read] = set()
    seen: set[Node] = set()
    stack = list(dependencies(node, model))
    while stack:
        below = stack.pop()
        if _is_read(below, model):
            found.add(below)
        elif below not in seen:
            seen.add(below)
            stack.extend(dependencies(below, model))
    return frozenset(found)


# ------------------------------------------------------------------------------------------------ the reference


def reference_analysis(graph: Graph, root: Node) -> Schedule:
    """The layers and heads that the reference implementation reports for one s-op or selector.

    It schedules greedily, everything as soon as possible, and counts selector objects without ever merging two,
    so the graph must not intern: there, as in the reference, every `select` that is executed is an object of its own.
    """
    if graph.interning:
        raise ValueError("the reference analysis counts selector objects, and an interning graph has merged them")
    return as_soon_as_possible((root,), PAPER)


# ------------------------------------------------------------------------------------------------ propagation


class _Source(Flag):
    """What an s-op depends on through no read."""

    NOTHING = 0
    TOKEN = 1
    POSITION = 2
    BOTH = 3


@dataclass(frozen=True, slots=True)
class _Known:
    """When something is known, and what it depends on through no read."""

    level: int = 0
    source: _Source = _Source.NOTHING


@dataclass(frozen=True, slots=True)
class _Sides:
    """A selector: all its keys and all its queries jointly, and when it, and its complement, can be scored."""

    keys: _Known
    queries: _Known
    ready: int
    complement: int


class _Propagation:
    """The equations above, operands first; reads are where `layer` puts them, or else as early as possible."""

    def __init__(self, model: CostModel, layer: Mapping[Read, int] | None) -> None:
        self.model = model
        self.layer = layer
        self.sops: dict[SOp, _Known] = {}
        self.selectors: dict[Selector, _Sides] = {}
        self.ready: dict[Read, int] = {}

    def over(self, nodes: Iterable[Node]) -> "_Propagation":
        """Go through nodes that come after their operands."""
        for node in nodes:
            match node:
                case Select() | Negate() | Combine():
                    self.selectors[node] = self._sides(node)
                case _:
                    self.sops[node] = self._known(node)
        return self

    def level(self, node: Node) -> int:
        """The first layer after which an s-op is known, or a selector can be scored."""
        return self.selectors[node].ready if isinstance(node, Selector) else self.sops[node].level

    def _known(self, node: SOp) -> _Known:
        match node:
            case Tokens():
                return _Known(0, _Source.TOKEN)
            case Indices():
                return _Known(0, _Source.POSITION)
            case Constant():
                return _Known()
            case Map(args=args):
                selector = counted(node) if self.model.counting else None
                return self._joint([self.sops[arg] for arg in args]) if selector is None else self._read(node, selector)
            case Aggregate(selector=selector, values=values):
                return self._read(node, selector, self.sops[values].level)
        assert_never(node)

    def _read(self, node: Read, selector: Selector, values: int = 0) -> _Known:
        self.ready[node] = 1 + max(values, self.selectors[selector].ready)
        return _Known(self.ready[node] if self.layer is None else self.layer[node])

    def _joint(self, parts: Sequence[_Known]) -> _Known:
        """Several things as one, as an elementwise function or a joint key or query needs them."""
        source = _Source.NOTHING
        for part in parts:
            source |= part.source
        least = self.model.mixed_level if source is _Source.BOTH else 0
        return _Known(max(least, *(part.level for part in parts)), source)

    def _sides(self, node: Selector) -> _Sides:
        match node:
            case Select(keys=keys, queries=queries):
                ready = max(self.sops[keys].level, self.sops[queries].level)
                return _Sides(self.sops[keys], self.sops[queries], ready, ready)
            case Negate(operand=operand):
                inner = self.selectors[operand]
                return _Sides(inner.keys, inner.queries, inner.complement, inner.ready)
            case Combine(junction=junction, left=left, right=right):
                return self._combined(junction, self.selectors[left], self.selectors[right])
        assert_never(node)

    def _combined(self, junction: Junction, left: _Sides, right: _Sides) -> _Sides:
        """A conjunction adds two scores; a disjunction needs one table over joint keys and joint queries."""
        keys = self._joint([left.keys, right.keys])
        queries = self._joint([left.queries, right.queries])
        table = max(keys.level, queries.level)
        match junction:
            case Junction.AND:
                return _Sides(keys, queries, max(left.ready, right.ready), table)
            case Junction.OR:
                return _Sides(keys, queries, table, max(left.complement, right.complement))
        assert_never(junction)
