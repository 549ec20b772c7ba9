"""Level 3, heads: synthesised programs as RASP text, proved equal, compiled and compared."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from random import Random

import pytest

from spec.cost import TRANSFORMER
from spec.diagnostics import InternalError, UsageError
from spec.elaborate import elaborate, load_program
from spec.property.scope import Scope
from spec.source import Source
from spec.values import Atom, Numbers
from verifier.bounds.classes import Mask
from verifier.bounds.emit import emit
from verifier.bounds.equal import proved_equal
from verifier.bounds.heads import Disagreement, Head, Reading, Run, Tables, parse_head_class
from verifier.bounds.synthesis import Exists, fewest_heads
from verifier.bounds.target import ANYTHING, Mealy, OfFunction, OfProgram, Word, of_regex
from verifier.bounds.written import as_written
from verifier.cli.compile import compiled_from
from verifier.report.text import counted

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"


EMITTED = [
    ("paper/histogram", "histogram", "count/all", 2, 4),
    ("paper/histogram", "histogram", "mean/all+indices", 2, 3),
    ("paper/double_histogram", "double_histogram", "count/all", 3, 4),
    ("paper/dyck1_ptf", "dyck1_ptf", "count/upto", 2, 5),
    ("paper/double_histogram", "double_histogram", "count/all", 3, 5),
    ("paper/reverse", "backwards", "count/all+indices", 2, 3),
]


@pytest.mark.parametrize(("file", "name", "cls", "symbols", "length"), EMITTED)
def test_program_on_the_front_is_proved_equal_compiled_and_costs_what_was_found(
    file: str, name: str, cls: str, symbols: int, length: int
) -> None:
    program = load_program(PROGRAMS / f"{file}.rasp", Numbers.EXACT)
    target = OfProgram(name, program.sop(name), Numbers.EXACT)
    scope = Scope(1, length, tuple("()") if "dyck" in name else tuple("abc"[:symbols]))
    found = fewest_heads(parse_head_class(cls), target, scope, 2, 3)
    assert found.minimal
    for exists in found.minimal:
        emitted = emit(exists, target, scope)
        assert emitted.proved_by
        if "indices" not in cls:
            # Over tokens alone the class is the transformer's: what is printed costs what was found.
            written = as_written([emitted.output], TRANSFORMER)
            step = written.widths.steps[0]
            assert step.heads == exists.shape
            compiled = compiled_from(written, step, scope)
            assert compiled.startswith(f"met by a compiled model: {counted(len(exists.shape), 'layer')}, heads ")
            assert compiled.endswith(f"right on {scope.total} inputs")


@pytest.mark.parametrize("mask", Mask)
@pytest.mark.parametrize("reading", ["mean:3", "common:3", "rightmost", "leftmost:3"])
def test_every_head_can_be_written_as_rasp(reading: str, mask: Mask) -> None:
    """Programs drawn at random; the text computes the states that the tables give. RASP counts to find a last key."""
    cls = parse_head_class(f"{reading}/{mask.value}")
    (kind,) = cls.kinds
    random = Random(str(cls))
    scope = Scope(1, 4, ("a", "b"))
    for _ in range(3):
        selected = frozenset((q, k) for q in range(2) for k in range(2) if random.random() < 0.6)
        value = {key: random.randrange(1, cls.values) for key in range(2)}
        if kind.reading is Reading.COMMON and mask is not Mask.PAST:
            value[1] = value[0]
        heads = ((Head(kind, selected, value),),)
        run = Run(cls)
        try:
            target = OfFunction("states", partial(run.final, heads=heads))
            words = [target.outputs(word) for word in scope.inputs()]
        except Disagreement:
            continue
        known = tuple(range(1 + max(state for row in words for state in row if isinstance(state, int))))
        emitted = emit(Exists((1,), Tables(cls, tuple(run.states), heads), known), target, scope)
        assert emitted.run_on == scope.total


@pytest.mark.parametrize(
    ("pattern", "every_prefix", "cls"),
    [("(ab)*", False, "rightmost/past"), ("b*a.*", True, "leftmost/upto"), ("a*b?", True, "common:3/upto")],
)
def test_program_for_a_machine_is_proved_compiled_and_compared(pattern: str, every_prefix: bool, cls: str) -> None:
    scope = Scope(1, 4, ("a", "b"))
    target = of_regex(pattern, scope, every_prefix)
    found = fewest_heads(parse_head_class(cls), target, scope)
    for exists in found.minimal:
        emitted = emit(exists, target, scope)
        assert emitted.proved_by
        written = as_written([emitted.output], TRANSFORMER)
        compiled = compiled_from(written, written.widths.steps[0], scope)
        assert compiled.startswith("met by a compiled model")
        assert compiled.endswith(f"right on {scope.total} inputs")
        with pytest.raises(InternalError):
            proved_equal(of_regex("a.*", scope, every_prefix), emitted.output, scope, 60)


def test_proof_for_a_machine_agrees_with_running_it() -> None:
    """Machines that tell `a`, with any steps, some with one output exchanged, which may be out of reach."""
    random = Random(5)
    scope = Scope(1, 3, ("a", "b"))
    sop = elaborate(Source("p", 'p = indicator(tokens_str == "a");'), Numbers.EXACT).sop("p")
    program = OfProgram("p", sop, Numbers.EXACT)
    answers = []
    for _ in range(24):
        steps: dict[str, dict[Atom, tuple[str, Atom]]] = {
            s: {a: (random.choice("xyz"), int(a == "a")) for a in "ab"} for s in "xyz"
        }
        if random.random() < 0.7:
            steps[random.choice("yz")]["b"] = "x", 1
        machine = Mealy("m", "x", steps, random.random() < 0.5)
        right = all(
            wanted is ANYTHING or given == wanted
            for word in scope.inputs()
            for given, wanted in zip(program.outputs(word), machine.outputs(word), strict=True)
        )
        answers.append(right)
        if right:
            assert proved_equal(machine, sop, scope, 60)
        else:
            with pytest.raises(InternalError):
                proved_equal(machine, sop, scope, 60)
    assert 6 < answers.count(True) < 18


@pytest.mark.parametrize(
    "output",
    [lambda word, token: word.count(token) == 1, lambda word, token: Fraction(-word.count(token), 3)],
)
def test_outputs_of_every_kind_are_written_as_literals(output: Callable[[Word, Atom], Atom]) -> None:
    scope = Scope(1, 3, (0, 1))
    target = OfFunction("counted", lambda word: [output(word, token) for token in word])
    found = fewest_heads(parse_head_class("count/all"), target, scope)
    assert emit(found.minimal[0], target, scope).run_on == scope.total


def test_outputs_that_no_sequence_of_rasp_can_have_are_refused() -> None:
    target = OfFunction("mixed", lambda word: ["few" if word.count(token) == 1 else -1 for token in word])
    scope = Scope(1, 3, (0, 1))
    found = fewest_heads(parse_head_class("count/all"), target, scope)
    with pytest.raises(UsageError, match="strings and numbers"):
        emit(found.minimal[0], target, scope)
