"""The prompt's evaluation, compared with the interpreter, and what is particular to it: memory and lazy selectors."""

from random import Random

import pytest

from spec.ast import Predicate
from spec.diagnostics import EvaluationError
from spec.graph import Combine, Graph, Junction, Node, View, topological
from spec.interp import evaluate
from spec.operators import Op
from spec.prompt.memory import Memory
from spec.prompt.results import Matrix, Row
from spec.script.errors import ScriptError
from spec.values import Atom, Numbers, atom_key
from tests.graphs import random_graph

INPUTS: tuple[tuple[Atom, ...], ...] = (
    ("a", "b"),
    ("1", "2", "1"),
    (2, 0, 1),
    (0.5, 2),
    (True, False, True),
    ("x",),
    (1,),
)


def shown(memory: Memory, node: Node, tokens: tuple[Atom, ...]) -> list[object] | None:
    """The values or rows that the prompt finds, with their kinds, or None where it fails."""
    try:
        result = memory.evaluate(node, tokens)
    except ScriptError:
        return None
    if isinstance(result, Row):
        return [atom_key(value) for value in result.values]
    assert isinstance(result, Matrix)
    return list(result.rows)


def interpreted(node: Node, tokens: tuple[Atom, ...]) -> list[object] | None:
    """The same from the interpreter."""
    try:
        run = evaluate([node], tokens, Numbers.IEEE)
    except EvaluationError:
        return None
    if node in run.rows:
        return list(run.rows[node])  # type: ignore[index]  # a key of `rows` is a selector
    return [atom_key(value) for value in run.values[node]]  # type: ignore[index]  # and all others are s-ops


@pytest.mark.parametrize("seed", range(60))
def test_values_are_those_of_the_interpreter(seed: int) -> None:
    """The interpreter fails more often only where it evaluates a part that a composed selector does not ask."""
    random = Random(seed)
    graph = random_graph(random, 25, Numbers.IEEE, interning=False)
    for node in graph:
        tokens = random.choice(INPUTS)
        found, expected = shown(Memory(), node, tokens), interpreted(node, tokens)
        if expected is None and any(isinstance(below, Combine) for below in topological((node,))):
            continue
        assert found == expected, f"{node} on {tokens}"


def test_equal_input_is_not_evaluated_again() -> None:
    """As in the reference, `[1]` answers for `[1.0]` and `[True]`."""
    node = Graph(Numbers.IEEE).tokens(View.ASIS)
    memory = Memory()

    assert [str(memory.evaluate(node, tokens)) for tokens in ((1,), (1.0,), (True,), (2.0,))] == [
        "[1] (ints)",
        "[1] (ints)",
        "[1] (ints)",
        "[2.0] (floats)",
    ]


@pytest.mark.parametrize(("junction", "everywhere"), [(Junction.OR, True), (Junction.AND, False)])
def test_part_of_a_selector_is_not_asked_where_the_other_has_decided(junction: Junction, everywhere: bool) -> None:
    graph = Graph(Numbers.IEEE)
    one, tokens = graph.constant(1), graph.tokens(View.ASIS)
    decided = graph.select(one, one, Predicate.EQ if everywhere else Predicate.NE)
    failing = graph.select(tokens, one, Predicate.LT)  # a string and a number have no order

    found = Memory().evaluate(graph.combine(junction, decided, failing), ("a", "b"))

    assert found == Matrix((3, 3) if everywhere else (0, 0))
    with pytest.raises(ScriptError):
        Memory().evaluate(graph.combine(junction, failing, decided), ("a", "b"))


def test_oldest_failure_is_reported() -> None:
    graph = Graph(Numbers.IEEE)
    indices = graph.indices()
    first = graph.map(Op.DIV, graph.constant(1), indices)
    second = graph.map(Op.LT, graph.tokens(View.ASIS), indices)
    both = graph.map(Op.AND, second, first)

    with pytest.raises(ScriptError, match="division by zero"):
        Memory().evaluate(both, ("a",))


def test_long_chains_need_no_recursion() -> None:
    graph = Graph(Numbers.IEEE, interning=False)
    node, selector = graph.indices(), graph.select(graph.indices(), graph.indices(), Predicate.EQ)
    total, combined = graph.map(Op.ADD, node, node), graph.negate(selector)
    for _ in range(5000):
        total = graph.map(Op.ADD, total, node)
        combined = graph.negate(combined)

    assert str(Memory().evaluate(total, ("a", "b"))) == "[0, 5002] (ints)"
    assert Memory().evaluate(combined, ("a", "b")) == Matrix((2, 1))
