"""Every step of the stairs under `transformer` is met by weights that compute the program, and so is level 3."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import synthesised
from spec.cost import TRANSFORMER
from spec.elaborate import elaborate, load_program
from spec.property.scope import Scope
from spec.source import Source
from spec.values import Numbers
from verifier.bounds.emit import emit
from verifier.bounds.equivalent import up_to_equivalence
from verifier.bounds.heads import parse_head_class
from verifier.bounds.synthesis import fewest_heads
from verifier.bounds.target import OfFunction
from verifier.bounds.written import Front, as_written
from verifier.cli import main
from verifier.cli.compile import Met, compiled_from, met
from verifier.cli.program_bounds import finite
from verifier.running.selection import usual_scope
from verifier.running.subject import Subject
from verifier.verdict import Exit

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"
NAMES = sorted(str(path.relative_to(PROGRAMS).with_suffix("")) for path in PROGRAMS.rglob("*.rasp"))
TELLING = (
    "paper/sort",
    "raspl/induct",
    "raspl/mode",
    "tracr/hist",
    "tracr/detect_pattern",
)
"""A disjunction is counted, counts have to wait, four means are read at once, or merging saves a head."""


def meets_every_step(front: Front, scope: Scope) -> None:
    for step in {step.heads: step for stairs in (front.widths, front.totals) for step in stairs.steps}.values():
        words = compiled_from(front, step, scope)
        assert words.startswith("met by a compiled model"), (step.heads, words)


def scope_of(name: str, longest: int) -> Scope:
    subject = Subject.load(PROGRAMS / f"{name}.rasp")
    scope = finite(usual_scope(subject), subject(None, Numbers.EXACT))
    low = min(scope.low, longest)
    return replace(scope, low=low, high=longest, alphabet=scope.symbols[:8])


def check(name: str, longest: int) -> None:
    program = load_program(PROGRAMS / f"{name}.rasp", Numbers.EXACT)
    scope = scope_of(name, longest)
    for output, sop in program.sops().items():
        if not output.startswith("_"):
            meets_every_step(as_written([sop], TRANSFORMER, seconds=20), scope)
            meets_every_step(up_to_equivalence(program, output, TRANSFORMER, scope, 20).front, scope)


@pytest.mark.parametrize("name", TELLING)
def test_both_levels_are_met_by_compiled_models(name: str) -> None:
    check(name, 3)


def test_program_of_thousands_of_s_ops_is_met_by_a_compiled_model() -> None:
    """The combinations of all values of all its reads would be billions; those that a place can have are few."""
    program = load_program(PROGRAMS / "inference" / "deduction.rasp", Numbers.EXACT)
    front = as_written([program.sop("follows")], TRANSFORMER, seconds=5)
    words = compiled_from(front, front.widths.steps[0], scope_of("inference/deduction", 1))
    assert words.startswith("met by a compiled model: 21 layers")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_both_levels_of_all_shipped_programs_are_met_by_compiled_models(name: str) -> None:
    check(name, 3)


@pytest.mark.parametrize("name", ["course/how_many", "library/average", "tracr/majority"])
def test_least_heads_of_any_program_are_met_by_compiled_models(name: str) -> None:
    """On tokens alone and with indices, rational outputs, and states that no input has."""
    meets_level_3(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_least_heads_of_all_shipped_programs_are_met_by_compiled_models(name: str) -> None:
    meets_level_3(name)


def meets_level_3(name: str) -> None:
    """Each output, on one scope at least; what tokens alone do not do, or nobody found in time, has no model."""
    found = list(synthesised.rows(name))
    assert not any(row.wrong for row in found), found
    assert all(row.model or row.why.startswith(("none of", "open")) for row in found)
    program = load_program(PROGRAMS / f"{name}.rasp", Numbers.EXACT)
    outputs = {output for output in program.sops() if not output.startswith("_")}
    assert {row.output for row in found if row.model} == outputs


def test_model_that_is_larger_than_claimed_is_no_answer() -> None:
    """A layer without heads is allowed first where the class has joint states, nothing else."""
    target = OfFunction("reversed", lambda word: word[::-1])
    scope = Scope(1, 2, ("a", "b"))
    found = fewest_heads(parse_head_class("count/all+indices"), target, scope).minimal[0]
    front = as_written([emit(found, target, scope).output], TRANSFORMER)
    made = met(front, front.widths.steps[0], scope)
    assert isinstance(made, Met)
    assert (made.heads, found.shape) == ((0, 1), (1,))
    assert synthesised.as_claimed(made, found)
    for heads in ((1, 1), (0, 0, 1), (0, 2)):
        assert not synthesised.as_claimed(replace(made, heads=heads, layers=len(heads)), found)


def test_count_and_mean_of_one_selector_are_two_heads_in_bound_and_weights() -> None:
    text = "s = select(tokens, tokens, ==); x = selector_width(s) + aggregate(s, indices);"
    front = as_written([elaborate(Source("t", text), Numbers.EXACT).sop("x")], TRANSFORMER)
    assert front.widths.steps[0].heads == (2,)
    meets_every_step(front, Scope(1, 3, ("a", "b")))


def test_claim_that_no_model_meets_is_said_not_to_be_met() -> None:
    """A step that claims a head too few, or a layer: the compiler needs what it needs."""
    program = load_program(PROGRAMS / "paper" / "reverse.rasp", Numbers.EXACT)
    front = as_written([program.sop("backwards")], TRANSFORMER)
    step = front.widths.steps[0]
    scope = Scope(1, 3, ("a", "b"))
    assert compiled_from(front, step, scope).startswith("met by a compiled model")
    for heads in ((0, 1), (1,)):
        words = compiled_from(front, replace(step, heads=heads), scope)
        assert words.startswith("not met by a compiled model: the compiler needs 2 layers, heads 1/1")


def test_command_compiles_what_it_claims(capsys: pytest.CaptureFixture[str]) -> None:
    target = f"{PROGRAMS / 'paper' / 'reverse.rasp'}::backwards"
    command = ["bounds", target, "--level", "1", "--model", "transformer", "--lengths", "1..3", "--crosscheck"]
    assert main(command) == Exit.EXPECTED
    shown = capsys.readouterr().out
    assert "met by a compiled model: 2 layers, heads 1/1, float32, certified up to length 3" in shown
