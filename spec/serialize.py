"""A graph with named outputs as JSON, and back: versioned, exact, and safe to read from strangers.

Numbers are written so that nothing is lost: integers as decimal strings, rationals as `"p/q"` in lowest terms, doubles
in hexadecimal. Each atom is an object with one key that names its type. Every value has one spelling only, and reading
accepts no other. Kinds are not written: the typing rule gives them again. A node is named by its place in `nodes`.

    {"format": "rasp-graph", "version": 1, "numbers": "exact", "interning": true,
     "sources": [{"name": "reverse.rasp", "text": "..."}],
     "nodes": [{"node": "indices", "span": [0, 4, 11]}, {"node": "constant", "value": {"int": "1"}}, ...],
     "outputs": {"reverse": 7}}
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias, TypeVar, assert_never

from spec.ast import Predicate
from spec.diagnostics import Diagnostic, UsageError
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
    View,
    operands,
)
from spec.operators import MAX_INT_BITS, Item, Lookup, Member, Op, Operator, arity
from spec.source import Source, Span
from spec.values import Atom, Numbers

FORMAT: Final = "rasp-graph"
VERSION: Final = 1
MAX_CHARACTERS: Final = 1 << 26
MAX_DIGITS: Final = MAX_INT_BITS * 30_103 // 100_000 + 1

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


# ------------------------------------------------------------------------------------------------ writing


def dumps(graph: Graph, outputs: Mapping[str, Node]) -> str:
    """The whole graph and the names of its outputs, as JSON that `loads` reads back to an identical graph."""
    for name, node in outputs.items():
        if not 0 <= node.id < len(graph.nodes) or graph.nodes[node.id] is not node:
            raise ValueError(f"output {name} belongs to another graph")
    sources = list(dict.fromkeys(span.source for span in graph.spans.values()))
    place = {source: number for number, source in enumerate(sources)}
    identity = {node: node.id for node in graph.nodes}
    nodes: list[Json] = []
    for node in graph.nodes:
        record = _node_json(node, identity)
        if span := graph.spans.get(node):
            record["span"] = [place[span.source], span.start, span.end]
        nodes.append(record)
    document: dict[str, Json] = {
        "format": FORMAT,
        "version": VERSION,
        "numbers": graph.numbers.value,
        "interning": graph.interning,
        "sources": [{"name": source.name, "text": source.text} for source in sources],
        "nodes": nodes,
        "outputs": {name: node.id for name, node in outputs.items()},
    }
    return json.dumps(document, ensure_ascii=True, indent=1) + "\n"


def content_hash(numbers: Numbers, outputs: Mapping[str, Node]) -> str:
    """SHA-256, in hexadecimal, of what the named outputs compute and under which numbers.

    It covers the nodes that the outputs depend on, numbered in the order of a walk from the outputs by name. So it
    does not depend on the text of the program, on its other definitions, or on the order in which nodes were made.
    """
    number: dict[Node, int] = {}
    for name in sorted(outputs):
        _number_from(outputs[name], number)
    document: Json = {
        "format": FORMAT,
        "version": VERSION,
        "numbers": numbers.value,
        "nodes": [_node_json(node, number) for node in number],
        "outputs": {name: number[node] for name, node in outputs.items()},
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _number_from(root: Node, number: dict[Node, int]) -> None:
    """Give the next numbers to what `root` depends on and has none yet: operands from left to right, then the node."""
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, operands_done = stack.pop()
        if node in number:
            continue
        if operands_done:
            number[node] = len(number)
        else:
            stack.append((node, True))
            stack.extend((operand, False) for operand in reversed(operands(node)))


def _node_json(node: Node, number: Mapping[Node, int]) -> dict[str, Json]:
    match node:
        case Tokens(view=view):
            return {"node": "tokens", "view": view.value}
        case Indices():
            return {"node": "indices"}
        case Constant(value=value):
            return {"node": "constant", "value": atom_json(value)}
        case Map(op=op, args=args):
            return {"node": "map", "op": _operator_json(op), "args": [number[arg] for arg in args]}
        case Aggregate(selector=selector, values=values, default=default):
            return {
                "node": "aggregate",
                "selector": number[selector],
                "values": number[values],
                "default": atom_json(default),
            }
        case Select(keys=keys, queries=queries, predicate=predicate):
            return {
                "node": "select",
                "keys": number[keys],
                "queries": number[queries],
                "predicate": predicate.value,
            }
        case Negate(operand=operand):
            return {"node": "negate", "operand": number[operand]}
        case Combine(junction=junction, left=left, right=right):
            return {"node": "combine", "junction": junction.value, "left": number[left], "right": number[right]}
    assert_never(node)


def _operator_json(op: Operator) -> Json:
    match op:
        case Op():
            return op.name.lower()
        case Item(values, text):
            return {"item": _column_json(values), "text": text}
        case Lookup(keys, values):
            return {"lookup": _column_json(keys), "values": _column_json(values)}
        case Member(values):
            return {"member": _column_json(values)}
    assert_never(op)


def _column_json(values: Iterable[Atom]) -> Json:
    return [atom_json(value) for value in values]


def atom_json(atom: Atom) -> dict[str, Json]:
    """An atom as an object with one key: `bool`, `int`, `string`, `rational` or `double`."""
    match atom:
        case bool():
            return {"bool": atom}
        case int():
            return {"int": _decimal(atom)}
        case str():
            return {"string": atom}
        case Fraction():
            return {"rational": f"{_decimal(atom.numerator)}/{_decimal(atom.denominator)}"}
        case float():
            return {"double": atom.hex()}
    assert_never(atom)


def _decimal(number: int) -> str:
    """The decimal digits; `str(int)` refuses long numbers."""
    return format(Decimal(number), "f")


# ------------------------------------------------------------------------------------------------ reading


def loads(text: str, name: str = "<graph>") -> tuple[Graph, dict[str, Node]]:
    """The graph and the outputs that `dumps` wrote; anything else raises `UsageError`, which calls it `name`."""
    try:
        return _document(_parse(text))
    except Malformed as bad:
        raise UsageError(Diagnostic("R0401", f"{name}: {bad}")) from bad


class Malformed(Exception):
    """This is not what was written here; the message is the reason. `loads` turns it into a `UsageError`."""


def _parse(text: str) -> Json:
    if len(text) > MAX_CHARACTERS:
        raise Malformed(f"more than {MAX_CHARACTERS} characters")
    try:
        value: Json = json.loads(text, object_pairs_hook=_distinct, parse_constant=_constant)
    except RecursionError:
        raise Malformed("nested too deeply") from None
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from error
    return value


def _distinct(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("an object with equal keys")
    return found


def _constant(text: str) -> Json:
    raise Malformed(f"{text} is not JSON")


def _document(value: Json) -> tuple[Graph, dict[str, Node]]:
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Malformed(f'no "format": "{FORMAT}"')
    if value.get("version") != VERSION or isinstance(value["version"], bool):
        raise Malformed(f"version {_shown(value.get('version'))}, where this tool reads version {VERSION}")
    fields = _fields(value, "graph", "format", "version", "numbers", "interning", "sources", "nodes", "outputs")
    graph = Graph(_choice(Numbers, fields["numbers"], "numbers"), _boolean(fields["interning"], "interning"))
    sources = [_source(item) for item in _list(fields["sources"], "sources")]
    for place, item in enumerate(_list(fields["nodes"], "nodes")):
        try:
            _Reader(graph, sources).node(item, place)
        except Malformed as bad:
            raise Malformed(f"node {place}: {bad}") from bad
    named = fields["outputs"]
    if not isinstance(named, dict):
        raise Malformed("outputs is no object")
    return graph, {name: _reference(graph, place, f"output {name}") for name, place in named.items()}


class _Reader:
    """Makes one node of the graph after the other, and refuses what `Graph` would not have made."""

    def __init__(self, graph: Graph, sources: Sequence[Source]) -> None:
        self.graph = graph
        self.sources = sources

    def node(self, value: Json, place: int) -> None:
        """Add the node that the JSON describes, which must be new."""
        if not isinstance(value, dict):
            raise Malformed(f"{_shown(value)} is no object")
        record = dict(value)
        span = self._span(record.pop("span")) if "span" in record else None
        made = self._make(record, span)
        if made.id != place:
            raise Malformed(f"says the same as node {made.id}")

    def _make(self, record: dict[str, Json], span: Span | None) -> Node:
        graph = self.graph
        match record.get("node"):
            case "tokens":
                view = _fields(record, "tokens", "node", "view")["view"]
                return graph.tokens(_choice(View, view, "view"), span)
            case "indices":
                _fields(record, "indices", "node")
                return graph.indices(span)
            case "constant":
                return graph.constant(self._atom(_fields(record, "constant", "node", "value")["value"]), span)
            case "map":
                return self._map(_fields(record, "map", "node", "op", "args"), span)
            case "aggregate":
                parts = _fields(record, "aggregate", "node", "selector", "values", "default")
                selector, values = self._selector(parts["selector"]), self._sop(parts["values"])
                return graph.aggregate(selector, values, self._atom(parts["default"]), span)
            case "select":
                parts = _fields(record, "select", "node", "keys", "queries", "predicate")
                predicate = _choice(Predicate, parts["predicate"], "predicate")
                return graph.select(self._sop(parts["keys"]), self._sop(parts["queries"]), predicate, span)
            case "negate":
                return graph.negate(self._selector(_fields(record, "negate", "node", "operand")["operand"]), span)
            case "combine":
                parts = _fields(record, "combine", "node", "junction", "left", "right")
                junction = _choice(Junction, parts["junction"], "junction")
                return graph.combine(junction, self._selector(parts["left"]), self._selector(parts["right"]), span)
            case other:
                raise Malformed(f"unknown node {_shown(other)}")

    def _map(self, parts: Mapping[str, Json], span: Span | None) -> Node:
        op = self._operator(parts["op"])
        args = [self._sop(arg) for arg in _list(parts["args"], "args")]
        if len(args) != arity(op):
            raise Malformed(f"{len(args)} operands where {arity(op)} belong")
        return self.graph.map(op, *args, span=span)

    def _operator(self, value: Json) -> Operator:
        if isinstance(value, str):
            if value in _OPERATORS:
                return _OPERATORS[value]
            raise Malformed(f"unknown operator {_shown(value)}")
        if isinstance(value, dict) and "item" in value:
            parts = _fields(value, "item", "item", "text")
            return _item(self._column(parts["item"]), _boolean(parts["text"], "text"))
        if isinstance(value, dict) and "lookup" in value:
            parts = _fields(value, "lookup", "lookup", "values")
            return _lookup(self._column(parts["lookup"]), self._column(parts["values"]))
        if isinstance(value, dict) and "member" in value:
            return Member(self._column(_fields(value, "member", "member")["member"]))
        raise Malformed(f"unknown operator {_shown(value)}")

    def _column(self, value: Json) -> tuple[Atom, ...]:
        return tuple(self._atom(item) for item in _list(value, "table"))

    def _atom(self, value: Json) -> Atom:
        atom = read_atom(value)
        wrong = float if self.graph.numbers is Numbers.EXACT else Fraction
        if isinstance(atom, wrong):
            raise Malformed(f"{_shown(value)} in a graph of {self.graph.numbers.value} numbers")
        return atom

    def _sop(self, value: Json) -> SOp:
        node = _reference(self.graph, value, "operand")
        if isinstance(node, SOp):
            return node
        raise Malformed(f"operand {node.id} is a selector where an s-op goes")

    def _selector(self, value: Json) -> Selector:
        node = _reference(self.graph, value, "operand")
        if isinstance(node, Selector):
            return node
        raise Malformed(f"operand {node.id} is an s-op where a selector goes")

    def _span(self, value: Json) -> Span:
        match value:
            case [int(source), int(start), int(end)] if all(type(part) is int for part in value):
                if 0 <= source < len(self.sources) and 0 <= start <= end <= len(self.sources[source].text):
                    return Span(self.sources[source], start, end)
        raise Malformed(f"{_shown(value)} is no span of the sources")


_OPERATORS: Final = {op.name.lower(): op for op in Op}


def _item(values: tuple[Atom, ...], text: bool) -> Item:
    if text and not all(isinstance(value, str) and len(value) == 1 for value in values):
        raise Malformed("the characters of a string are not all characters")
    return Item(values, text)


def _lookup(keys: tuple[Atom, ...], values: tuple[Atom, ...]) -> Lookup:
    if len(keys) != len(values):
        raise Malformed(f"table of {len(keys)} keys and {len(values)} values")
    if len(set(keys)) != len(keys):
        raise Malformed("table with equal keys")
    return Lookup(keys, values)


def read_atom(value: Json) -> Atom:
    """The atom that `atom_json` wrote, or `Malformed`."""
    match value:
        case {"bool": bool(atom), **rest} if not rest:
            return atom
        case {"int": str(text), **rest} if not rest:
            return _integer(text)
        case {"string": str(atom), **rest} if not rest:
            return atom
        case {"rational": str(text), **rest} if not rest:
            return _rational(text)
        case {"double": str(text), **rest} if not rest:
            return _double(text)
        case _:
            raise Malformed(f"{_shown(value)} is no atom")


_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS + 1:
        raise Malformed(f"integer of more than {MAX_DIGITS} digits")
    if not _INTEGER.fullmatch(text):
        raise Malformed(f"{_shown(text)} is no integer")
    return int(Decimal(text))


def _rational(text: str) -> Fraction:
    above, _, below = text.partition("/")
    numerator, denominator = _integer(above), _integer(below)
    if denominator > 0:
        value = Fraction(numerator, denominator)
        if value.denominator == denominator:
            return value
    raise Malformed(f"{_shown(text)} is no rational in lowest terms")


def _double(text: str) -> float:
    try:
        value = float.fromhex(text)
    except (ValueError, OverflowError):
        raise Malformed(f"{_shown(text)} is no double") from None
    if value.hex() != text:
        raise Malformed(f"{_shown(text)} is no double as this tool writes it")
    return value


# ------------------------------------------------------------------------------------------------ shapes


E = TypeVar("E", Numbers, View, Predicate, Junction)


def _choice(among: type[E], value: Json, what: str) -> E:
    for member in among:
        if member.value == value:
            return member
    raise Malformed(f"unknown {what} {_shown(value)}")


def _fields(value: dict[str, Json], what: str, *names: str) -> dict[str, Json]:
    """The object, which must have these fields and no others."""
    for name in names:
        if name not in value:
            raise Malformed(f"{what} without {name}")
    for name in value:
        if name not in names:
            raise Malformed(f"{what} with unknown field {_shown(name)}")
    return value


def _list(value: Json, what: str) -> list[Json]:
    if isinstance(value, list):
        return value
    raise Malformed(f"{what}: {_shown(value)} is no list")


def _boolean(value: Json, what: str) -> bool:
    if isinstance(value, bool):
        return value
    raise Malformed(f"{what}: {_shown(value)} is neither true nor false")


def _source(value: Json) -> Source:
    match value:
        case {"name": str(name), "text": str(text), **rest} if not rest:
            return Source(name, text)
        case _:
            raise Malformed(f"{_shown(value)} is no source")


def _reference(graph: Graph, value: Json, what: str) -> Node:
    if type(value) is not int or not 0 <= value < len(graph.nodes):
        raise Malformed(f"{what}: {_shown(value)} is no earlier node")
    return graph.nodes[value]


def _shown(value: Json) -> str:
    """The beginning of what was found there."""
    text = repr(value) if not isinstance(value, list | dict) else f"a {type(value).__name__}"
    return text if len(text) <= 40 else text[:40] + "..."
