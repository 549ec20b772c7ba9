"""A graph for people: a text listing, and Graphviz text with one column for each layer. Both are deterministic."""

from collections.abc import Iterable, Mapping
from typing import assert_never

from spec.cost import PAPER, CostModel, levels
from spec.graph import (
    Aggregate,
    Combine,
    Constant,
    Indices,
    Map,
    Negate,
    Node,
    Select,
    Selector,
    Tokens,
    operands,
    topological,
)
from spec.operators import Item, Lookup, Member, Op, Operator
from spec.source import Span, printable
from spec.values import Atom, Kind, format_atom

MAX_ENTRIES = 8
"""How many entries of a table are shown."""


def listing(outputs: Mapping[str, Node], spans: Mapping[Node, Span]) -> str:
    """One line for each node that the outputs depend on: its number, what it is, its kinds, where it comes from.

    Constants appear in the nodes that read them, and have a line only when they are an output themselves.
    """
    rows = [
        (f"%{node.id}", "=", label(node), ":", kinds(node), location(spans.get(node)))
        for node in topological(outputs.values())
        if not isinstance(node, Constant) or node in outputs.values()
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    lines = [" ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)) for row in rows]
    lines += [f"{printable(name)} = %{node.id}" for name, node in sorted(outputs.items())]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def dot(outputs: Mapping[str, Node], spans: Mapping[Node, Span], model: CostModel = PAPER) -> str:
    """The nodes as a Graphviz digraph: a cluster for each layer under the cost model, inputs first, outputs last."""
    nodes = [node for node in topological(outputs.values()) if not isinstance(node, Constant)]
    # A selector is scored in the layer after the one in which its keys and queries are known.
    level = {n: known + isinstance(n, Selector) for n, known in levels(outputs.values(), model).items()}
    lines = ["digraph rasp {", "  rankdir=LR;", '  node [fontname="monospace", fontsize=10];']
    for number in sorted({level[node] for node in nodes}):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(_layer_name(number))};"]
        lines += [f"    {_dot_node(node, spans.get(node))}" for node in nodes if level[node] == number]
        lines.append("  }")
    for place, (name, node) in enumerate(sorted(outputs.items())):
        lines.append(f"  out{place} [label={_quoted(printable(name))}, shape=plaintext];")
        if isinstance(node, Constant):
            lines.append(f"  n{node.id} [label={_quoted(label(node))}, shape=box];")
        lines.append(f"  n{node.id} -> out{place};")
    for node in nodes:
        for operand, role in _roles(node):
            if not isinstance(operand, Constant):
                style = f' [label="{role}"]' if role else ""
                lines.append(f"  n{operand.id} -> n{node.id}{style};")
    return "\n".join([*lines, "}"]) + "\n"


def label(node: Node) -> str:
    """The node in the notation of RASP, with `%id` for the nodes it reads and constants written out."""
    match node:
        case Tokens(view=view):
            return view.value
        case Indices():
            return "indices"
        case Constant(value=value):
            return _atom(value)
        case Map(op=op, args=args):
            return _applied(op, [_reference(arg) for arg in args])
        case Aggregate(selector=selector, values=values, default=default):
            return f"aggregate({_reference(selector)}, {_reference(values)}, {_atom(default)})"
        case Select(keys=keys, queries=queries, predicate=predicate):
            return f"select({_reference(keys)}, {_reference(queries)}, {predicate.value})"
        case Negate(operand=operand):
            return f"not {_reference(operand)}"
        case Combine(junction=junction, left=left, right=right):
            return f"{_reference(left)} {junction.value} {_reference(right)}"
    assert_never(node)


def kinds(node: Node) -> str:
    """The kinds that an s-op can hold, `selector`, or `nothing` when it fails on every input."""
    if isinstance(node, Selector):
        return "selector"
    return "|".join(kind.value for kind in Kind if kind in node.kinds) or "nothing"


def location(span: Span | None) -> str:
    """Where the node comes from, as editors understand it; empty when it comes from nowhere."""
    return printable(span.location) if span else ""


def _reference(node: Node) -> str:
    return _atom(node.value) if isinstance(node, Constant) else f"%{node.id}"


def _atom(atom: Atom) -> str:
    return printable(format_atom(atom))


def _applied(op: Operator, args: list[str]) -> str:
    match op:
        case Item(values, text):
            if text:
                return f"{_atom(''.join(map(str, values)))}[{args[0]}]"
            return f"[{_entries(map(_atom, values))}][{args[0]}]"
        case Lookup(keys, values):
            pairs = (f"{_atom(key)}: {_atom(value)}" for key, value in zip(keys, values, strict=True))
            return f"{{{_entries(pairs)}}}[{args[0]}]"
        case Member(values):
            return f"{args[0]} in [{_entries(map(_atom, values))}]"
        case Op.IF:
            return f"{args[1]} if {args[0]} else {args[2]}"
        case Op.ROUND | Op.INDICATOR:
            return f"{op.value}({args[0]})"
        case Op.NOT:
            return f"not {args[0]}"
        case Op.POS | Op.NEG:
            return f"{op.value[0]}{args[0]}"
        case _:
            return f"{args[0]} {op.value} {args[1]}"


def _entries(shown: Iterable[str]) -> str:
    entries = list(shown)
    more = [f"... {len(entries) - MAX_ENTRIES} more"] if len(entries) > MAX_ENTRIES else []
    return ", ".join(entries[:MAX_ENTRIES] + more)


def _roles(node: Node) -> list[tuple[Node, str]]:
    """What the node reads, and as what."""
    match node:
        case Aggregate(selector=selector, values=values):
            return [(selector, "selector"), (values, "values")]
        case Select(keys=keys, queries=queries):
            return [(keys, "keys"), (queries, "queries")]
        case _:
            return [(operand, "") for operand in dict.fromkeys(operands(node))]


def _dot_node(node: Node, span: Span | None) -> str:
    where = f", tooltip={_quoted(location(span))}" if span else ""
    return f"n{node.id} [label={_quoted(f'%{node.id}: {label(node)}')}, shape={_shape(node)}{where}];"


def _shape(node: Node) -> str:
    match node:
        case Tokens() | Indices():
            return "ellipse"
        case Constant() | Map():
            return "box"
        case Aggregate():
            return "house"
        case Select() | Negate() | Combine():
            return "hexagon"
    assert_never(node)


def _layer_name(number: int) -> str:
    return "before the first layer" if number == 0 else f"layer {number}"


def _quoted(text: str) -> str:
    """A Graphviz string; a backslash would start an escape of its own."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
