"""The invariants of a graph, to be checked after everything that builds or rebuilds one.

1. A node's id is its place, and its operands are nodes of the same graph with smaller ids.
2. Operands have the right sort (s-op or selector) and there are as many as the operator takes.
3. An atom is an `int`, `bool`, `str`, or a real in the graph's number semantics, of exactly that Python type.
4. Tables are well-formed: tuples of atoms, as many keys as values, keys that differ, characters where text is claimed.
5. The kinds of an s-op are those that the typing rule gives.
6. In an interning graph no two nodes say the same.
7. Spans belong to nodes of the graph and lie inside their source.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias, assert_never

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
    operands,
)
from spec.operators import Item, Lookup, Member, Op, Operator, arity
from spec.transplant import remake
from spec.values import Atom, Numbers, atom_key

Identity: TypeAlias = tuple[object, ...]


def check(graph: Graph) -> None:
    """Raise `InternalError` naming every violated invariant; return when there is none."""
    found = list(violations(graph))
    if found:
        raise InternalError("malformed graph:\n" + "\n".join(f"  {line}" for line in found))


def violations(graph: Graph) -> Iterator[str]:
    """Every violated invariant, node by node."""
    sound = True
    for place, node in enumerate(graph.nodes):
        for problem in _node_violations(graph, place, node):
            sound = False
            yield f"node {place}: {problem}"
    if sound:  # the rest would only repeat, or stumble over, what is broken already
        yield from _kind_violations(graph)
        yield from _duplicates(graph)
    yield from _span_violations(graph)


def _node_violations(graph: Graph, place: int, node: Node) -> Iterator[str]:
    if not isinstance(node, Node):
        yield f"{type(node).__name__} is no node"
        return
    if node.id != place:
        yield f"has id {node.id}"
    if isinstance(node, Map) and not isinstance(node.args, tuple):
        yield f"operands in a {type(node.args).__name__}"
        return
    for operand in operands(node):
        yield from _operand_violations(graph, place, operand)
    yield from _sort_violations(node)
    yield from _atom_violations(node, graph.numbers)


def _operand_violations(graph: Graph, place: int, operand: Node) -> Iterator[str]:
    if not isinstance(operand, Node):
        yield f"operand {operand!r} is no node"
    elif not 0 <= operand.id < len(graph.nodes) or graph.nodes[operand.id] is not operand:
        yield f"operand with id {operand.id} belongs to another graph"
    elif operand.id >= place:
        yield f"operand {operand.id} does not precede it"


def _sort_violations(node: Node) -> Iterator[str]:
    """Selectors where selectors go, s-ops elsewhere, and the right number of them."""
    sops: tuple[Node, ...] = ()
    selectors: tuple[Node, ...] = ()
    match node:
        case Tokens() | Indices() | Constant():
            return
        case Map(op=op, args=args):
            if len(args) != arity(op):
                yield f"{len(args)} operands where {_operator_name(op)} takes {arity(op)}"
            sops = args
        case Aggregate(selector=selector, values=values):
            sops, selectors = (values,), (selector,)
        case Select(keys=keys, queries=queries):
            sops = (keys, queries)
        case Negate(operand=operand):
            selectors = (operand,)
        case Combine(left=left, right=right):
            selectors = (left, right)
        case _:
            assert_never(node)
    yield from (f"operand {found.id} is a selector where an s-op goes" for found in sops if isinstance(found, Selector))
    yield from (f"operand {found.id} is an s-op where a selector goes" for found in selectors if isinstance(found, SOp))


def _atom_violations(node: Node, numbers: Numbers) -> Iterator[str]:
    match node:
        case Constant(value=atom) | Aggregate(default=atom):
            yield from _representation(atom, numbers)
        case Map(op=op):
            yield from _table_violations(op, numbers)
        case Tokens() | Indices() | Select() | Negate() | Combine():
            return
        case _:
            assert_never(node)


def _representation(atom: Atom, numbers: Numbers) -> tuple[str, ...]:
    real = Fraction if numbers is Numbers.EXACT else float
    if type(atom) in {int, bool, str, real}:
        return ()
    return (f"{atom!r} is a {type(atom).__name__}, no atom of {numbers.value} numbers",)


def _table_violations(op: Operator, numbers: Numbers) -> Iterator[str]:
    match op:
        case Op():
            return
        case Item(values, text):
            columns: tuple[Sequence[Atom], ...] = (values,)
            if text and not all(isinstance(value, str) and len(value) == 1 for value in values):
                yield "the characters of a string are not all characters"
        case Lookup(keys, values):
            columns = keys, values
            if len(keys) != len(values):
                yield f"table of {len(keys)} keys and {len(values)} values"
        case Member(values):
            columns = (values,)
        case _:
            assert_never(op)
    for column in columns:
        if not isinstance(column, tuple):
            yield f"table in a {type(column).__name__}"
        for atom in column:
            yield from _representation(atom, numbers)
    sound = isinstance(op, Lookup) and not any(_representation(key, numbers) for key in op.keys)
    if sound and isinstance(op, Lookup) and len(set(op.keys)) != len(op.keys):
        yield "table with equal keys"


def _operator_name(op: Operator) -> str:
    return op.value if isinstance(op, Op) else type(op).__name__


def _kind_violations(graph: Graph) -> Iterator[str]:
    """Make every node again, and compare the kinds that it is given."""
    fresh = Graph(graph.numbers, interning=False)
    made: dict[Node, Node] = {}
    for node in graph.nodes:
        again = made[node] = remake(node, made, fresh)
        if isinstance(node, SOp) and isinstance(again, SOp) and node.kinds != again.kinds:
            yield f"node {node.id}: kinds {_kinds(node)} where the typing rule gives {_kinds(again)}"


def _kinds(node: SOp) -> str:
    return "{" + ", ".join(sorted(kind.value for kind in node.kinds)) + "}"


def _duplicates(graph: Graph) -> Iterator[str]:
    if not graph.interning:
        return
    first: dict[Identity, int] = {}
    for node in graph.nodes:
        earlier = first.setdefault(_identity(node), node.id)
        if earlier != node.id:
            yield f"node {node.id}: says the same as node {earlier}"


def _identity(node: Node) -> Identity:
    """All that a node says; equal for two nodes exactly when interning has to merge them."""
    match node:
        case Tokens(view=view):
            said: Identity = (view,)
        case Indices():
            said = ()
        case Constant(value=value):
            said = (atom_key(value),)
        case Map(op=op):
            said = (type(op), *_table_identity(op))
        case Aggregate(default=default):
            said = (atom_key(default),)
        case Select(predicate=predicate):
            said = (predicate,)
        case Negate():
            said = ()
        case Combine(junction=junction):
            said = (junction,)
        case _:
            assert_never(node)
    return type(node), said, tuple(operand.id for operand in operands(node))


def _table_identity(op: Operator) -> Identity:
    match op:
        case Op():
            return (op,)
        case Item(values, text):
            return (tuple(map(atom_key, values)), text)
        case Lookup(keys, values):
            return (tuple(map(atom_key, keys)), tuple(map(atom_key, values)))
        case Member(values):
            return (tuple(map(atom_key, values)),)
    assert_never(op)


def _span_violations(graph: Graph) -> Iterator[str]:
    for node, span in graph.spans.items():
        if not 0 <= node.id < len(graph.nodes) or graph.nodes[node.id] is not node:
            yield f"span of {node!r}, which belongs to another graph"
        length = len(span.source.text)
        if not 0 <= span.start <= span.end <= length:
            yield f"node {node.id}: span {span.start}..{span.end} outside a source of {length} characters"
