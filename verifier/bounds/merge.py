"""Structural merging: the same computation with equal selectors made one, by rules that hold on every input.

Each rule replaces a node by one with the same value, or the same failure, on every input, whatever surrounds it:

    not not s = s;  not select(k, q, p) = select(k, q, complement of p)      doubles: == and != only, because of NaN
    s and s = s;  s or s = s;  s and full = s;  s or empty = s               full, empty: constants compared
    s and t = t and s;  s or t = t or s                                      written in one order
    aggregate(select(indices, indices, ==), x) = x                           identity attention
    x == y, x != y, x and y, x or y, and + and * of numbers                  written in one order
    x > y = y < x;  x >= y = y <= x
    f(constants) = constant                                                  where f does not fail

A rule that would drop an operand that can fail, or change the kind of a value (the mean of a constant 1 is 1.0), is
none of these. What the library writes for counting (`spec.idiom`) keeps its shape, so that it is still recognised.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from spec.ast import Predicate
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
    operands,
    topological,
)
from spec.idiom import counted
from spec.operators import PREDICATE_OP, Op, OperatorError, apply
from spec.source import Span
from spec.transplant import as_selector, as_sop, remake
from spec.values import Kind, Numbers

_COMPLEMENT: Final[Mapping[Predicate, Predicate]] = {
    Predicate.EQ: Predicate.NE,
    Predicate.NE: Predicate.EQ,
    Predicate.LT: Predicate.GE,
    Predicate.GE: Predicate.LT,
    Predicate.LE: Predicate.GT,
    Predicate.GT: Predicate.LE,
}
_ANY_ORDER: Final = frozenset({Op.EQ, Op.NE, Op.AND, Op.OR})
_NUMBERS_IN_ANY_ORDER: Final = frozenset({Op.ADD, Op.MUL})
_MIRRORED: Final[Mapping[Op, Op]] = {Op.GT: Op.LT, Op.GE: Op.LE}


def merged(
    roots: Iterable[Node], numbers: Numbers, spans: Mapping[Node, Span] | None = None
) -> tuple[Graph, dict[Node, Node]]:
    """An interning graph, and the counterpart in it of everything that the roots depend on."""
    roots = tuple(roots)
    nodes = topological(roots)
    kept = _counting(nodes)
    rules = _Rules(Graph(numbers))
    made: dict[Node, Node] = {}
    for node in nodes:
        made[node] = remake(node, made, rules.graph) if node in kept else rules.simplest(node, made)
        if spans and node in spans:
            rules.graph.spans.setdefault(made[node], spans[node])
    return rules.graph, made


def _counting(nodes: Iterable[Node]) -> frozenset[Node]:
    """The nodes inside the library's counting formulas, which are copied as they are.

    Each is a round(..) over two aggregates; what they select, up to the counted selector, belongs to the formula.
    """
    kept: set[Node] = set()
    for node in nodes:
        selector = counted(node)
        if selector is None:
            continue
        stack: list[Node] = [node]
        while stack:
            inner = stack.pop()
            if inner is not selector and inner not in kept:
                kept.add(inner)
                stack.extend(operands(inner))
    return frozenset(kept)


class _Rules:
    """The rules, over operands that are simplest already."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def simplest(self, node: Node, made: Mapping[Node, Node]) -> Node:
        """The node with its operands replaced, and a rule applied where one fits."""
        match node:
            case Negate(operand=operand):
                return self._negation(as_selector(made[operand]))
            case Combine(junction=junction, left=left, right=right):
                return self._combination(junction, as_selector(made[left]), as_selector(made[right]))
            case Map(args=args):
                return self._map(node, tuple(as_sop(made[arg]) for arg in args))
            case Aggregate(selector=selector, values=values) if _is_identity(made[selector]):
                return made[values]
            case _:
                return remake(node, made, self.graph)

    def _negation(self, operand: Selector) -> Selector:
        match operand:
            case Negate(operand=inner):
                return inner
            case Select(keys=keys, queries=queries, predicate=predicate) if self._has_complement(predicate):
                return self.graph.select(keys, queries, _COMPLEMENT[predicate])
            case _:
                return self.graph.negate(operand)

    def _has_complement(self, predicate: Predicate) -> bool:
        return self.graph.numbers is Numbers.EXACT or predicate in (Predicate.EQ, Predicate.NE)

    def _combination(self, junction: Junction, left: Selector, right: Selector) -> Selector:
        neutral = junction is Junction.AND
        if left is right or self._constant(right) is neutral:
            return left
        if self._constant(left) is neutral:
            return right
        first, second = sorted((left, right), key=lambda selector: selector.id)
        return self.graph.combine(junction, first, second)

    def _constant(self, selector: Selector) -> bool | None:
        """What every entry is, when the selector compares two constants."""
        match selector:
            case Select(keys=Constant(value=key), queries=Constant(value=query), predicate=predicate):
                try:
                    return bool(apply(PREDICATE_OP[predicate], (key, query), self.graph.numbers))
                except OperatorError:
                    return None
            case _:
                return None

    def _map(self, node: Map, args: tuple[SOp, ...]) -> SOp:
        op = node.op
        if args and all(isinstance(arg, Constant) for arg in args):
            try:
                values = [arg.value for arg in args if isinstance(arg, Constant)]
                return self.graph.constant(apply(op, values, self.graph.numbers))
            except OperatorError:
                return self.graph.map(op, *args)
        if isinstance(op, Op) and op in _MIRRORED:
            return self.graph.map(_MIRRORED[op], *reversed(args))
        if isinstance(op, Op) and _commutes(op, args):
            args = tuple(sorted(args, key=lambda arg: (isinstance(arg, Constant), arg.id)))
        return self.graph.map(op, *args)


def _is_identity(selector: Node) -> bool:
    """Whether each position selects itself and nothing else: positions are distinct."""
    return (
        isinstance(selector, Select)
        and selector.predicate is Predicate.EQ
        and isinstance(selector.keys, Indices)
        and isinstance(selector.queries, Indices)
    )


def _commutes(op: Op, args: tuple[SOp, ...]) -> bool:
    numbers = all(Kind.STR not in arg.kinds for arg in args)
    return op in _ANY_ORDER or (op in _NUMBERS_IN_ANY_ORDER and numbers)
