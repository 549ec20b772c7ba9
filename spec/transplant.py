"""Copy a computation into another graph, where it meets (and, if that graph interns, merges with) what is there."""

from collections.abc import Iterable, Mapping
from typing import assert_never

from spec.diagnostics import InternalError
from spec.graph import (
    Aggregate,
    Combine,
    Constant,
    Graph,
    Indices,
    Map,
    Negate,
    Node,
    Select,
    Selector,
    SOp,
    Tokens,
    topological,
)
from spec.source import Span


def transplant(roots: Iterable[Node], target: Graph, spans: Mapping[Node, Span] | None = None) -> dict[Node, Node]:
    """The counterpart in `target` of every node that the roots depend on; atoms keep their number semantics."""
    made: dict[Node, Node] = {}
    for node in topological(roots):
        made[node] = remake(node, made, target, (spans or {}).get(node))
    return made


def remake(node: Node, made: Mapping[Node, Node], target: Graph, span: Span | None = None) -> Node:
    """The node in the target graph, with its operands replaced by what `made` holds for them."""
    match node:
        case Tokens(view=view):
            return target.tokens(view, span)
        case Indices():
            return target.indices(span)
        case Constant(value=value):
            return target.constant(value, span)
        case Map(op=op, args=args):
            return target.map(op, *(as_sop(made[arg]) for arg in args), span=span)
        case Aggregate(selector=selector, values=values, default=default):
            return target.aggregate(as_selector(made[selector]), as_sop(made[values]), default, span)
        case Select(keys=keys, queries=queries, predicate=predicate):
            return target.select(as_sop(made[keys]), as_sop(made[queries]), predicate, span)
        case Negate(operand=operand):
            return target.negate(as_selector(made[operand]), span)
        case Combine(junction=junction, left=left, right=right):
            return target.combine(junction, as_selector(made[left]), as_selector(made[right]), span)
    assert_never(node)


def as_sop(node: Node) -> SOp:
    """The node, which must be an s-op."""
    if isinstance(node, SOp):
        return node
    raise InternalError(f"{node!r} is a selector where an s-op belongs")


def as_selector(node: Node) -> Selector:
    """The node, which must be a selector."""
    if isinstance(node, Selector):
        return node
    raise InternalError(f"{node!r} is an s-op where a selector belongs")
