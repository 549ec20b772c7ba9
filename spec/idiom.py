"""The library's `selector_width`, recognised in a graph.

RASP has no counting primitive. Its library counts the keys that each query selects by two means,

    width(s) = round((1 / aggregate(s or first, indicator(indices == 0)) - 1) + aggregate(s and first, 1, 0))
    first    = select(indices, 0, ==)

The first mean is 1 / #(s or first), the second tells whether s selects position 0, so the value is #s exactly.
"""

from spec.ast import Predicate
from spec.graph import Aggregate, Combine, Constant, Graph, Indices, Junction, Map, Node, Select, Selector
from spec.operators import Op
from spec.values import Atom, atom_key


def counted(node: Node) -> Selector | None:
    """The selector whose width this s-op is, as the library computes it; None when it is anything else."""
    total = _arguments(node, Op.ROUND, 1)
    parts = _arguments(total[0], Op.ADD, 2) if total else ()
    others = _arguments(parts[0], Op.SUB, 2) if parts else ()
    share = _arguments(others[0], Op.DIV, 2) if others else ()
    if not share or not _is_constant(others[1], 1) or not _is_constant(share[0], 1):
        return None
    match share[1], parts[1]:
        case (
            Aggregate(selector=Combine(junction=Junction.OR, left=left, right=first), values=at_first),
            Aggregate(selector=Combine(junction=Junction.AND, left=again, right=same), values=one, default=none),
        ):
            counts = left is again and _is_constant(one, 1) and atom_key(none) == atom_key(0)
            return left if counts and _both_first(first, same) and _marks_first(at_first) else None
        case _:
            return None


def width(graph: Graph, selector: Selector) -> Map:
    """The width of a selector, as the library computes it: what `counted` recognises."""
    one, zero = graph.constant(1), graph.constant(0)
    first = graph.select(graph.indices(), zero, Predicate.EQ)
    at_first = graph.map(Op.INDICATOR, graph.map(Op.EQ, graph.indices(), zero))
    share = graph.aggregate(graph.combine(Junction.OR, selector, first), at_first)
    others = graph.map(Op.SUB, graph.map(Op.DIV, one, share), one)
    has_first = graph.aggregate(graph.combine(Junction.AND, selector, first), one, 0)
    return graph.map(Op.ROUND, graph.map(Op.ADD, others, has_first))


def _arguments(node: Node, op: Op, number: int) -> tuple[Node, ...]:
    """The operands of a map with this operator, else none."""
    return node.args if isinstance(node, Map) and node.op is op and len(node.args) == number else ()


def _is_constant(node: Node, value: Atom) -> bool:
    return isinstance(node, Constant) and atom_key(node.value) == atom_key(value)


def _both_first(selector: Node, other: Node) -> bool:
    return selector is other and (
        isinstance(selector, Select)
        and selector.predicate is Predicate.EQ
        and isinstance(selector.keys, Indices)
        and _is_constant(selector.queries, 0)
    )


def _marks_first(node: Node) -> bool:
    inner = _arguments(node, Op.INDICATOR, 1)
    compared = _arguments(inner[0], Op.EQ, 2) if inner else ()
    return bool(compared) and isinstance(compared[0], Indices) and _is_constant(compared[1], 0)
