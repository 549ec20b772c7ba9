"""The two ways to see a graph: a listing and Graphviz text."""

import re
from fractions import Fraction
from random import Random

import pytest

from spec.ast import Predicate
from spec.cost import TRANSFORMER
from spec.graph import Graph, Junction, Node, View
from spec.operators import Item, Lookup, Member, Op
from spec.show import dot, label, listing
from spec.source import Source, Span
from spec.values import Numbers
from tests.graphs import random_graph, random_outputs

SOURCE = Source("rev.rasp", "a = indices;\nb = tokens;\n")


def reverse() -> tuple[Graph, dict[str, Node]]:
    graph = Graph(Numbers.EXACT)
    one = graph.constant(1)
    indices = graph.indices(Span(SOURCE, 4, 11))
    full = graph.select(one, one, Predicate.EQ)
    first = graph.map(Op.INDICATOR, graph.map(Op.EQ, indices, graph.constant(0)))
    length = graph.map(Op.ROUND, graph.map(Op.DIV, one, graph.aggregate(full, first)))
    opposite = graph.map(Op.SUB, graph.map(Op.SUB, length, indices), one)
    flip = graph.select(indices, opposite, Predicate.EQ)
    tokens = graph.tokens(View.STR, Span(SOURCE, 17, 23))
    return graph, {"reverse": graph.aggregate(flip, tokens, "?"), "length": length}


def test_listing_of_reverse() -> None:
    graph, outputs = reverse()
    assert listing(outputs, graph.spans) == (
        "%1  = indices                  : int       rev.rasp:1:5\n"
        "%2  = select(1, 1, ==)         : selector\n"
        "%4  = %1 == 0                  : bool\n"
        "%5  = indicator(%4)            : int\n"
        "%6  = aggregate(%2, %5, 0)     : int|float\n"
        "%7  = 1 / %6                   : float\n"
        "%8  = round(%7)                : int\n"
        "%9  = %8 - %1                  : int\n"
        "%10 = %9 - 1                   : int\n"
        "%11 = select(%1, %10, ==)      : selector\n"
        "%12 = tokens_str               : string    rev.rasp:2:5\n"
        '%13 = aggregate(%11, %12, "?") : string\n'
        "length = %8\n"
        "reverse = %13\n"
    )


def test_dot_puts_each_node_in_its_layer() -> None:
    graph, outputs = reverse()
    clusters = re.findall(r'label="(before the first layer|layer \d)";(.*?)\n  }', dot(outputs, graph.spans), re.DOTALL)
    placed = {name: set(map(int, re.findall(r"n(\d+) \[", body))) for name, body in clusters}
    assert placed == {
        "before the first layer": {1, 4, 5, 12},
        "layer 1": {2, 6, 7, 8, 9, 10},
        "layer 2": {11, 13},
    }


def test_dot_follows_the_cost_model() -> None:
    graph = Graph(Numbers.EXACT)
    both = graph.map(Op.MUL, graph.tokens(View.STR), graph.indices())
    assert "layer 1" not in dot({"x": both}, {})
    assert "layer 1" in dot({"x": both}, {}, TRANSFORMER)


def test_dot_has_an_edge_for_each_operand_that_is_no_constant() -> None:
    graph, outputs = reverse()
    edges = set(re.findall(r"n(\d+) -> n(\d+)", dot(outputs, graph.spans)))
    assert ("1", "11") in edges
    assert ("10", "11") in edges
    assert not any(tail == "0" for tail, _ in edges)
    assert {tail for tail, _ in re.findall(r"n(\d+) -> (out\d)", dot(outputs, graph.spans))} == {"8", "13"}


@pytest.mark.parametrize("text", ['"', "\\", 'a"];n0->n1;"', "\n", "\x1b[31m", "\u202e"])
def test_hostile_text_stays_inside_its_quotes(text: str) -> None:
    graph = Graph(Numbers.EXACT)
    outputs: dict[str, Node] = {text: graph.map(Op.ADD, graph.tokens(View.STR), graph.constant(text))}
    drawn = dot(outputs, {})
    outside = re.sub(r'"(\\.|[^"\\])*"', "", drawn)
    assert re.fullmatch(r"[\w\s\[\]{}=,;>\-]*", outside)
    for shown in (drawn, listing(outputs, {})):
        assert all(char.isprintable() or char == "\n" for char in shown)


def test_notation() -> None:
    graph = Graph(Numbers.EXACT)
    x = graph.indices()
    s = graph.select(x, graph.constant(Fraction(1, 2)), Predicate.LE)
    shown = {
        label(graph.map(Op.IF, graph.map(Op.NOT, x), graph.constant("a"), x)): '"a" if %2 else %0',
        label(graph.map(Op.NEG, x)): "-%0",
        label(graph.map(Op.POW, x, graph.constant(Fraction(2)))): "%0 ^ 2.0",
        label(graph.map(Item((1, True)), x)): "[1, T][%0]",
        label(graph.map(Item(("a", "b"), text=True), x)): '"ab"[%0]',
        label(graph.map(Lookup(("a", 1), (2, "b")), x)): '{"a": 2, 1: "b"}[%0]',
        label(graph.map(Member(tuple(range(10))), x)): "%0 in [0, 1, 2, 3, 4, 5, 6, 7, ... 2 more]",
        label(s): "select(%0, 1/2, <=)",
        label(graph.combine(Junction.OR, s, graph.negate(s))): "%2 or %16",
    }
    renumbered = {re.sub(r"%\d+", "%", key): re.sub(r"%\d+", "%", value) for key, value in shown.items()}
    assert all(key == value for key, value in renumbered.items())
    assert len(renumbered) == 9


def test_what_always_fails_holds_nothing() -> None:
    graph = Graph(Numbers.EXACT)
    outputs: dict[str, Node] = {"x": graph.map(Op.NEG, graph.tokens(View.STR))}
    assert ": nothing" in listing(outputs, {})


def test_same_graph_gives_the_same_text() -> None:
    for seed in range(10):
        texts = set()
        for _ in range(2):
            random = Random(seed)
            graph = random_graph(random, 40)
            outputs = random_outputs(random, graph)
            texts.add(listing(outputs, graph.spans) + dot(outputs, graph.spans))
            reordered = dict(reversed(outputs.items()))
            texts.add(listing(reordered, graph.spans) + dot(reordered, graph.spans))
        assert len(texts) == 1
