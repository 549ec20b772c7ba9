"""What `dumps` writes, `loads` reads back to the same graph; whatever else it reads is refused with a reason."""

import json
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.ast import Predicate
from spec.check import check
from spec.diagnostics import RaspError
from spec.graph import Graph, Junction, Node, View
from spec.operators import MAX_INT_BITS, Item, Lookup, Op
from spec.serialize import MAX_CHARACTERS, Malformed, atom_json, content_hash, dumps, loads, read_atom
from spec.source import Source, Span
from spec.values import Numbers, atom_key
from tests.graphs import random_graph, random_outputs


def described(graph: Graph, outputs: dict[str, Node]) -> object:
    """Everything about a graph that can be seen, by ids and offsets; written apart from the code under test."""

    def plain(value: Any) -> object:
        if hasattr(value, "id"):
            return ("node", value.id)
        if isinstance(value, tuple):
            return tuple(map(plain, value))
        if isinstance(value, int | float | str | Fraction):
            return atom_key(value)
        if isinstance(value, Item | Lookup) or type(value).__name__ == "Member":
            return (type(value).__name__, *(plain(getattr(value, name)) for name in value.__dataclass_fields__))
        return value

    nodes = [
        (type(node).__name__, *(plain(getattr(node, name)) for name in node.__dataclass_fields__)) for node in graph
    ]
    spans = {node.id: (s.start, s.end, s.source.name, s.source.text) for node, s in graph.spans.items()}
    return graph.numbers, graph.interning, nodes, spans, {name: node.id for name, node in outputs.items()}


@pytest.mark.parametrize("interning", [True, False])
@pytest.mark.parametrize("numbers", Numbers)
def test_round_trip_gives_an_identical_graph(numbers: Numbers, interning: bool) -> None:
    for seed in range(25):
        random = Random(seed)
        graph = random_graph(random, 50, numbers, interning)
        outputs = random_outputs(random, graph)
        text = dumps(graph, outputs)
        again, named = loads(text)
        assert described(again, named) == described(graph, outputs)
        assert dumps(again, named) == text
        assert content_hash(numbers, named) == content_hash(numbers, outputs)
        check(again)


def test_source_is_shared_after_a_round_trip() -> None:
    graph = Graph(Numbers.EXACT)
    source = Source("a.rasp", "indices; tokens;")
    graph.indices(Span(source, 0, 7))
    graph.tokens(View.STR, Span(source, 9, 15))
    again, _ = loads(dumps(graph, {}))
    first, second = again.spans.values()
    assert first.source is second.source
    assert (first.text, second.text) == ("indices", "tokens")


ATOMS = st.one_of(
    st.booleans(),
    st.integers(),
    st.text(),
    st.fractions(),
    st.floats(),
)


@given(ATOMS)
def test_every_atom_survives(atom: int | str | float | Fraction) -> None:
    text = json.dumps(atom_json(atom))
    assert atom_key(read_atom(json.loads(text))) == atom_key(atom)


def test_integers_past_the_limit_of_str_survive() -> None:
    for number in (10**5000, -(10**5000) + 1, 2**MAX_INT_BITS - 1):
        assert read_atom(atom_json(number)) == number
    assert read_atom(atom_json(Fraction(10**5000 + 1, 10**5000))) == Fraction(10**5000 + 1, 10**5000)


def small() -> tuple[Graph, dict[str, Node]]:
    graph = Graph(Numbers.EXACT)
    tokens = graph.tokens(View.STR)
    half = graph.constant(Fraction(1, 2))
    total = graph.map(Op.ADD, graph.indices(), half)
    table = graph.map(Lookup((1, "a"), (2, "b")), tokens)
    same = graph.select(tokens, tokens, Predicate.EQ)
    both = graph.combine(Junction.AND, same, graph.negate(same))
    return graph, {"y": graph.aggregate(both, total, "none"), "t": table, "s": both}


def test_content_hash_ignores_order_names_of_files_and_what_is_unused() -> None:
    def build(backwards: bool) -> dict[str, Node]:
        graph = Graph(Numbers.EXACT)
        graph.constant("unused" if backwards else 12)
        if backwards:
            graph.indices()
        tokens = graph.tokens(View.STR, Span(Source("p", "tokens"), 0, 6) if backwards else None)
        same = graph.select(tokens, tokens, Predicate.EQ)
        outputs: dict[str, Node] = {"x": graph.aggregate(same, graph.indices(), 0), "s": same}
        return dict(reversed(outputs.items())) if backwards else outputs

    assert content_hash(Numbers.EXACT, build(False)) == content_hash(Numbers.EXACT, build(True))


def test_content_hash_tells_meanings_apart() -> None:
    def digest(predicate: Predicate, default: Any, name: str = "x", numbers: Numbers = Numbers.EXACT) -> str:
        graph = Graph(numbers)
        tokens = graph.tokens(View.STR)
        return content_hash(numbers, {name: graph.aggregate(graph.select(tokens, tokens, predicate), tokens, default)})

    digests = {
        digest(Predicate.EQ, 0),
        digest(Predicate.NE, 0),
        digest(Predicate.EQ, 1),
        digest(Predicate.EQ, True),
        digest(Predicate.EQ, 0, name="y"),
        digest(Predicate.EQ, 0, numbers=Numbers.IEEE),
    }
    assert len(digests) == 6


def test_content_hash_is_stable_across_versions_of_this_tool() -> None:
    """Certificates quote it: a change here needs a new format version."""
    _, outputs = small()
    assert content_hash(Numbers.EXACT, outputs) == "2bf8f4d2a2d0e431c172b3e2b4a93cab024751d48a7bb4cbf4cdb76e13f69364"


def edited(edit: Callable[[Any], object]) -> str:
    graph, outputs = small()
    document = json.loads(dumps(graph, outputs))
    edit(document)
    return json.dumps(document)


def put(*path: Any) -> Callable[[Any], object]:
    """Replace what is at the path (all but the last element) by the last element."""
    *way, last, value = path

    def edit(document: Any) -> None:
        for step in way:
            document = document[step]
        document[last] = value

    return edit


# The nodes of small(): 0 tokens, 1 constant, 2 indices, 3 map, 4 lookup, 5 select, 6 negate, 7 combine, 8 aggregate.
HOSTILE: dict[str, tuple[str, str]] = {
    "empty": ("", "not JSON"),
    "binary": ("\x00\xff", "not JSON"),
    "bomb": ("[" * 200_000, "nested too deeply"),
    "number": ("7", 'no "format"'),
    "other format": ('{"format": "onnx"}', 'no "format"'),
    "nan": ('{"format": NaN}', "NaN is not JSON"),
    "huge number": ('{"format": ' + "9" * 5000 + "}", "not JSON"),
    "equal keys": ('{"format": "rasp-graph", "format": "rasp-graph"}', "an object with equal keys"),
    "future": (edited(put("version", 2)), "version 2"),
    "true for a version": (edited(put("version", True)), "version True"),
    "missing field": (edited(lambda d: d.pop("numbers")), "graph without numbers"),
    "extra field": (edited(put("extra", 1)), "graph with unknown field 'extra'"),
    "numbers": (edited(put("numbers", "float")), "unknown numbers 'float'"),
    "interning": (edited(put("interning", 1)), "interning: 1 is neither true nor false"),
    "nodes": (edited(put("nodes", {})), "nodes: a dict is no list"),
    "node": (edited(put("nodes", 0, [])), "node 0: a list is no object"),
    "node name": (edited(put("nodes", 0, "node", "call")), "node 0: unknown node 'call'"),
    "unhashable name": (edited(put("nodes", 0, "node", {})), "node 0: unknown node a dict"),
    "view": (edited(put("nodes", 0, "view", "tokens")), "node 0: unknown view 'tokens'"),
    "extra in node": (edited(put("nodes", 0, "kinds", [])), "node 0: tokens with unknown field 'kinds'"),
    "itself": (edited(put("nodes", 3, "args", [3, 3])), "node 3: operand: 3 is no earlier node"),
    "later": (edited(put("nodes", 3, "args", [1, 8])), "node 3: operand: 8 is no earlier node"),
    "negative": (edited(put("nodes", 3, "args", [1, -1])), "node 3: operand: -1 is no earlier node"),
    "true for a node": (edited(put("nodes", 3, "args", [True, 1])), "node 3: operand: True is no earlier node"),
    "text for a node": (edited(put("nodes", 3, "args", ["0", 1])), "node 3: operand: '0' is no earlier node"),
    "arity": (edited(put("nodes", 3, "args", [0])), "node 3: 1 operands where 2 belong"),
    "operator": (edited(put("nodes", 3, "op", "exec")), "node 3: unknown operator 'exec'"),
    "operator object": (edited(put("nodes", 3, "op", {})), "node 3: unknown operator a dict"),
    "operator number": (edited(put("nodes", 3, "op", 3)), "node 3: unknown operator 3"),
    "sort": (edited(put("nodes", 8, "values", 5)), "node 8: operand 5 is a selector where an s-op goes"),
    "sort of a selector": (edited(put("nodes", 6, "operand", 0)), "node 6: operand 0 is an s-op where a selector goes"),
    "predicate": (edited(put("nodes", 5, "predicate", "=")), "node 5: unknown predicate '='"),
    "repetition": (
        edited(put("nodes", 2, {"node": "tokens", "view": "tokens_str"})),
        "node 2: says the same as node 0",
    ),
    "bare atom": (edited(put("nodes", 1, "value", 1)), "node 1: 1 is no atom"),
    "two atoms": (edited(put("nodes", 1, "value", {"int": "1", "bool": True})), "node 1: a dict is no atom"),
    "int as number": (edited(put("nodes", 1, "value", {"int": 1})), "is no atom"),
    "leading zero": (edited(put("nodes", 1, "value", {"int": "01"})), "'01' is no integer"),
    "minus zero": (edited(put("nodes", 1, "value", {"int": "-0"})), "'-0' is no integer"),
    "underscore": (edited(put("nodes", 1, "value", {"int": "1_0"})), "'1_0' is no integer"),
    "other digits": (edited(put("nodes", 1, "value", {"int": "٣"})), "is no integer"),
    "newline": (edited(put("nodes", 1, "value", {"int": "1\n"})), "is no integer"),
    "long": (edited(put("nodes", 1, "value", {"int": "1" * 20_000})), "integer of more than"),
    "by zero": (edited(put("nodes", 1, "value", {"rational": "1/0"})), "'1/0' is no rational"),
    "not lowest": (edited(put("nodes", 1, "value", {"rational": "2/4"})), "'2/4' is no rational"),
    "negative below": (edited(put("nodes", 1, "value", {"rational": "1/-2"})), "'1/-2' is no rational"),
    "no slash": (edited(put("nodes", 1, "value", {"rational": "1"})), "'' is no integer"),
    "double": (edited(put("nodes", 1, "value", {"double": "0x1.0p+0"})), "'0x1.0p+0' is no double as"),
    "no double": (edited(put("nodes", 1, "value", {"double": "one"})), "'one' is no double"),
    "huge double": (edited(put("nodes", 1, "value", {"double": "0x1p+99999"})), "is no double"),
    "double in exact": (
        edited(put("nodes", 1, "value", {"double": (0.5).hex()})),
        "node 1: a dict in a graph of exact numbers",
    ),
    "equal table keys": (
        edited(put("nodes", 4, "op", "lookup", 1, {"bool": True})),
        "node 4: table with equal keys",
    ),
    "short table": (edited(lambda d: d["nodes"][4]["op"]["values"].pop()), "node 4: table of 2 keys and 1 values"),
    "text": (
        edited(put("nodes", 4, "op", {"item": [{"string": "ab"}], "text": True})),
        "node 4: the characters of a string",
    ),
    "span": (edited(put("nodes", 0, "span", [0, 0, 0])), "node 0: a list is no span of the sources"),
    "span of true": (edited(put("nodes", 0, "span", [False, 0, 0])), "node 0: a list is no span of the sources"),
    "source": (edited(put("sources", [{"name": "x"}])), "a dict is no source"),
    "outputs": (edited(put("outputs", [])), "outputs is no object"),
    "output": (edited(put("outputs", "y", 99)), "output y: 99 is no earlier node"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_with_a_reason(name: str) -> None:
    text, reason = HOSTILE[name]
    with pytest.raises(RaspError) as caught:
        loads(text, "g.json")
    assert reason in str(caught.value)
    assert str(caught.value).startswith("g.json: ")


def test_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(RaspError, match="more than"):
        loads(" " * (MAX_CHARACTERS + 1))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 9), st.text(max_size=3), st.floats()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.integers(0, 10**9), JSON)
def test_any_edit_is_read_or_refused_but_never_a_crash(seed: int, value: object) -> None:
    """Put arbitrary JSON in an arbitrary place of a valid document."""
    random = Random(seed)

    def edit(document: Any) -> None:
        while True:
            steps = list(document) if isinstance(document, dict) else list(range(len(document)))
            step = random.choice(steps)
            if not isinstance(document[step], dict | list) or not document[step] or random.random() < 0.3:
                document[step] = value
                return
            document = document[step]

    try:
        graph, _ = loads(edited(edit))
    except RaspError:
        return
    check(graph)


def test_malformed_atoms_are_refused_by_themselves() -> None:
    with pytest.raises(Malformed):
        read_atom({"int": "x"})


def test_output_of_another_graph_is_not_written() -> None:
    with pytest.raises(ValueError, match="another graph"):
        dumps(Graph(Numbers.EXACT), {"x": Graph(Numbers.EXACT).indices()})
