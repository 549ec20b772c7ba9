"""Graphs come back as text that elaborates to the same values and the same failures."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from spec.ast import Predicate
from spec.decompile import decompile, literal
from spec.diagnostics import EvaluationError, UsageError
from spec.elaborate import elaborate, load_program
from spec.graph import Graph, Node, SOp
from spec.idiom import counted, width
from spec.interp import evaluate
from spec.operators import Op
from spec.source import Source
from spec.values import Atom, Numbers, atom_key
from tests.unit.random_graphs import random_program

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"
NAMES = sorted(str(path.relative_to(PROGRAMS).with_suffix("")) for path in PROGRAMS.rglob("*.rasp"))


def outcome(nodes: Sequence[Node], word: tuple[Atom, ...], numbers: Numbers) -> object:
    """Every value with its kind and every row; `None` where the program fails."""
    try:
        run = evaluate(nodes, word, numbers)
    except EvaluationError:
        return None
    return [tuple(map(atom_key, run.values[node])) if isinstance(node, SOp) else run.rows[node] for node in nodes]


def test_random_programs_mean_the_same_after_the_way_through_text() -> None:
    failures = spelled = 0
    for seed in range(150):
        numbers = Numbers.EXACT if seed % 2 else Numbers.IEEE
        program = random_program(Random(seed), numbers, 9)
        outputs = {f"out{i}": root for i, root in enumerate(program.roots)}
        try:
            text = decompile(outputs)
        except UsageError:
            continue
        spelled += 1
        again = elaborate(Source("again.rasp", text), numbers)
        nodes = [again.sop(n) if isinstance(root, SOp) else again.selector(n) for n, root in outputs.items()]
        for word in [word for n in (1, 2, 3) for word in program.words(n)][:25]:
            before = outcome(program.roots, word, numbers)
            assert outcome(nodes, word, numbers) == before, text
            failures += before is None
    assert spelled > 140
    assert failures > 20


@pytest.mark.parametrize("name", NAMES)
def test_shipped_programs_come_back_with_their_own_names(name: str) -> None:
    """What a program names keeps its name, and the graph is the same one where nothing has to be written otherwise."""
    program = load_program(PROGRAMS / f"{name}.rasp", Numbers.EXACT)
    outputs = {name: sop for name, sop in program.sops().items() if not name.startswith("_")}
    text = decompile(outputs, {sop: name for name, sop in program.sops().items()})
    again = elaborate(Source("again.rasp", text), Numbers.EXACT)
    assert list(again.sops()) != []
    for output in outputs:
        assert decompile({"x": again.sop(output)}) == decompile({"x": program.sop(output)})


def test_counting_is_written_as_counting() -> None:
    graph = Graph(Numbers.EXACT)
    ones = graph.constant(1)
    node = width(graph, graph.select(ones, ones, Predicate.EQ))
    assert counted(node) is not None
    text = decompile({"many": node})
    assert text == "many = selector_width(select(1, 1, ==));\n"
    assert elaborate(Source("t", text), Numbers.EXACT).sop("many") is not None


def test_operators_between_constants_stay_elementwise() -> None:
    """Between atoms the script would compute one value, and fail where the s-op fails."""
    graph = Graph(Numbers.EXACT)
    node = graph.map(Op.DIV, graph.constant(1), graph.constant(0))
    text = decompile({"x": node})
    again = elaborate(Source("t", text), Numbers.EXACT)
    assert outcome([again.sop("x")], ("a",), Numbers.EXACT) is None


@pytest.mark.parametrize("numbers", Numbers)
def test_literals_are_the_very_atoms(numbers: Numbers) -> None:
    reals: list[Atom] = [-0.0, 1e-7, 1e22, -2.5, 0.1]
    for atom in (0, -1, True, "a'b", *(reals if numbers is Numbers.IEEE else ())):
        text = f"x = {literal(atom)} if indices == indices else {literal(atom)};"
        node = elaborate(Source("t", text), numbers).sop("x")
        assert outcome([node], ("a",), numbers) == [(atom_key(atom),)]


@pytest.mark.parametrize("atom", ['"', "two\nlines", float("inf")])
def test_what_has_no_literal_is_refused(atom: Atom) -> None:
    with pytest.raises(UsageError, match="no literal"):
        literal(atom)
