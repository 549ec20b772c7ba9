"""`check` accepts what `Graph` makes and names every way to break it."""

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from spec.ast import Predicate
from spec.check import check
from spec.diagnostics import InternalError
from spec.graph import Aggregate, Constant, Graph, Indices, Map, Negate, Node, Select, Tokens, View
from spec.operators import Item, Lookup, Op
from spec.source import Source, Span
from spec.values import Kind, Numbers
from tests.graphs import random_graph

INT = frozenset({Kind.INT})
BOOL = frozenset({Kind.BOOL})
STR = frozenset({Kind.STR})


@pytest.mark.parametrize("interning", [True, False])
@pytest.mark.parametrize("numbers", Numbers)
def test_whatever_a_graph_makes_passes(numbers: Numbers, interning: bool) -> None:
    for seed in range(40):
        check(random_graph(Random(seed), 60, numbers, interning))


def test_one_and_true_and_one_point_zero_are_no_duplicates() -> None:
    graph = Graph(Numbers.EXACT)
    for atom in (1, True, Fraction(1)):
        graph.constant(atom)
        graph.map(Item((atom,)), graph.indices())
    check(graph)
    assert len(graph) == 7


def forge(make: Callable[[Graph], Node]) -> Graph:
    """A small sound graph with one forged node at its end."""
    graph = base()
    graph.nodes.append(make(graph))
    return graph


def base() -> Graph:
    graph = Graph(Numbers.EXACT)
    tokens = graph.tokens(View.STR)  # 0
    graph.indices()  # 1
    graph.select(tokens, tokens, Predicate.EQ)  # 2
    return graph


def sop(graph: Graph, number: int) -> Any:
    return graph.nodes[number]


FORGERIES: dict[str, tuple[Callable[[Graph], Node], str]] = {
    "gap in the ids": (lambda _: Constant(7, INT, 1), "node 3: has id 7"),
    "operand of another graph": (
        lambda _: Map(3, INT, Op.NEG, (base().indices(),)),
        "node 3: operand with id 1 belongs to another graph",
    ),
    "too many operands": (
        lambda g: Map(3, INT, Op.NEG, (sop(g, 1), sop(g, 1))),
        "node 3: 2 operands where -x takes 1",
    ),
    "too many operands of a table": (
        lambda g: Map(3, INT, Item((1,)), (sop(g, 1), sop(g, 1))),
        "node 3: 2 operands where Item takes 1",
    ),
    "operands in a list": (lambda g: Map(3, INT, Op.NEG, [sop(g, 1)]), "node 3: operands in a list"),  # type: ignore[arg-type]  # the point of the test
    "selector for an s-op": (
        lambda g: Aggregate(3, INT, sop(g, 2), sop(g, 2), 0),
        "node 3: operand 2 is a selector where an s-op goes",
    ),
    "s-op for a selector": (lambda g: Negate(3, sop(g, 0)), "node 3: operand 0 is an s-op where a selector goes"),
    "wrong kinds of a map": (
        lambda g: Map(3, BOOL, Op.NEG, (sop(g, 1),)),
        "node 3: kinds {bool} where the typing rule gives {int}",
    ),
    "wrong kinds of a constant": (
        lambda _: Constant(3, STR, 1),
        "node 3: kinds {string} where the typing rule gives {int}",
    ),
    "wrong kinds of the tokens": (
        lambda _: Tokens(3, STR, View.INT),
        "node 3: kinds {string} where the typing rule gives {int}",
    ),
    "an aggregate that forgets its default": (
        lambda g: Aggregate(3, STR, sop(g, 2), sop(g, 0), 0),
        "node 3: kinds {string} where the typing rule gives {int, string}",
    ),
    "double in an exact graph": (
        lambda _: Constant(3, frozenset({Kind.REAL}), 0.5),
        "node 3: 0.5 is a float, no atom of exact numbers",
    ),
    "double in a default": (
        lambda g: Aggregate(3, frozenset({Kind.REAL, Kind.INT}), sop(g, 2), sop(g, 1), 0.5),
        "node 3: 0.5 is a float, no atom of exact numbers",
    ),
    "double in a table": (
        lambda g: Map(3, frozenset({Kind.REAL}), Item((0.5,)), (sop(g, 1),)),
        "node 3: 0.5 is a float, no atom of exact numbers",
    ),
    "list for an atom": (lambda _: Constant(3, INT, [1]), "node 3: [1] is a list"),  # type: ignore[arg-type]  # the point of the test
    "keys without values": (
        lambda g: Map(3, INT, Lookup((1, 2), (3,)), (sop(g, 1),)),
        "node 3: table of 2 keys and 1 values",
    ),
    "equal keys": (lambda g: Map(3, INT, Lookup((1, True), (3, 4)), (sop(g, 1),)), "node 3: table with equal keys"),
    "text that is no text": (
        lambda g: Map(3, STR, Item(("ab",), text=True), (sop(g, 1),)),
        "node 3: the characters of a string are not all characters",
    ),
    "the same node again": (lambda _: Indices(3, INT), "node 3: says the same as node 1"),
    "the same selector again": (
        lambda g: Select(3, sop(g, 0), sop(g, 0), Predicate.EQ),
        "node 3: says the same as node 2",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_node_is_named(name: str) -> None:
    make, message = FORGERIES[name]
    with pytest.raises(InternalError) as caught:
        check(forge(make))
    assert message in str(caught.value)


def test_operand_that_comes_later_is_named() -> None:
    graph = base()
    late = Indices(4, INT)
    graph.nodes += [Map(3, INT, Op.NEG, (late,)), late]
    with pytest.raises(InternalError, match="node 3: operand 4 does not precede it"):
        check(graph)


def test_exact_rational_is_no_atom_of_an_ieee_graph() -> None:
    graph = Graph(Numbers.IEEE)
    graph.constant(Fraction(1, 2))
    with pytest.raises(InternalError, match="Fraction"):
        check(graph)


def test_repetition_is_what_a_graph_without_interning_is_for() -> None:
    graph = Graph(Numbers.EXACT, interning=False)
    graph.indices()
    graph.indices()
    check(graph)


def test_every_violation_is_reported() -> None:
    graph = base()
    graph.nodes += [Constant(9, INT, 1), Negate(4, sop(graph, 0))]
    with pytest.raises(InternalError) as caught:
        check(graph)
    assert "node 3: has id 9" in str(caught.value)
    assert "node 4: operand 0 is an s-op" in str(caught.value)


def test_span_beyond_its_source_is_named() -> None:
    graph = base()
    graph.spans[graph.nodes[0]] = Span(Source("x", "abc"), 1, 4)
    with pytest.raises(InternalError, match=r"node 0: span 1\.\.4 outside a source of 3 characters"):
        check(graph)


def test_deep_graphs_are_checked_without_recursion() -> None:
    graph = Graph(Numbers.EXACT)
    node: Any = graph.indices()
    for _ in range(20_000):
        node = graph.map(Op.NEG, node)
    check(graph)
