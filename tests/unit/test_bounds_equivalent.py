"""Level 2: what is equal on a scope is merged, nothing else is, and the result computes the same."""

import json
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from spec.cost import MODELS, PAPER, TRANSFORMER, CostModel
from spec.diagnostics import EvaluationError, InternalError
from spec.elaborate import Program, elaborate, load_program
from spec.graph import Map, Node, SOp
from spec.interp import evaluate
from spec.property.scope import Integers, Scope
from spec.source import Source
from spec.values import Atom, Numbers
from tests.unit.random_graphs import random_program
from verifier.bounds.certificate import Document
from verifier.bounds.compare import Comparer, Comparison, Different, Same, Unsettled
from verifier.bounds.equivalent import Rewritten, up_to_equivalence
from verifier.bounds.rehome import rehome
from verifier.bounds.samples import Samples
from verifier.bounds.sweep import How, sweep
from verifier.bounds.written import as_written
from verifier.cli import common, main
from verifier.cli.function_bounds import DEFAULT_CLASSES
from verifier.recheck.files import Judgement, recheck
from verifier.verdict import Exit

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"
SCOPE = Scope(1, 4, ("a", "b"))
_SHARED = 't = indicator(tokens == "a");'
FOREVER = float("inf")


def program_of(text: str, numbers: Numbers = Numbers.EXACT) -> Program:
    return elaborate(Source("test.rasp", text), numbers)


def rewritten(text: str, model: CostModel = PAPER, scope: Scope = SCOPE) -> Rewritten:
    return up_to_equivalence(program_of(text), "x", model, scope)


def shape(found: Rewritten) -> tuple[int, int, int]:
    """Least layers, then heads in the widest layer and in all at that depth."""
    front = found.front
    return front.layers, front.widths.steps[0].width, front.totals.steps[0].total


def outputs(root: SOp, word: tuple[Atom, ...], numbers: Numbers) -> tuple[Atom, ...] | None:
    try:
        return evaluate([root], word, numbers).values[root]
    except EvaluationError:
        return None


# ---------------------------------------------------------------------------------------------- what is merged


@pytest.mark.parametrize(
    ("text", "paper"),
    [
        ("x = selector_width(select(indices, indices, <=));", (0, 0, 0)),
        ("x = selector_width(full_s) - length;", (0, 0, 0)),
        ("x = aggregate(full_s, 1);", (0, 0, 0)),
        ("x = 0 * aggregate(select(tokens, tokens, ==), indices);", (0, 0, 0)),
        ("b = aggregate(select(tokens, tokens, ==), indices) > 1; x = b and not b;", (0, 0, 0)),
        ("x = aggregate(select(indices + 1, indices + 1, ==), tokens);", (0, 0, 0)),
        ("x = tokens if indices >= 0 else aggregate(select(indices, length - 1 - indices, ==), tokens);", (0, 0, 0)),
        ("def r(y) { return aggregate(select(indices, length - 1 - indices, ==), y); } x = r(r(tokens));", (0, 0, 0)),
        ("x = selector_width(select(tokens, tokens, <) or select(indices, 0, ==));", (1, 1, 1)),
        ("x = selector_width(select(indices, 0, >) and select(tokens, tokens, ==));", (1, 1, 1)),
        (f"{_SHARED} x = aggregate(select(t + 1, t + 1, ==), indices) + aggregate(select(t, t, ==), t);", (1, 1, 1)),
    ],
)  # fmt: skip
def test_what_is_equal_on_the_scope_costs_nothing(text: str, paper: tuple[int, int, int]) -> None:
    found = rewritten(text)
    assert found.text is not None
    assert shape(found) == paper
    before = as_written([program_of(text).sop("x")], PAPER)
    assert (before.layers, before.totals.steps[0].total) > (found.front.layers, found.front.totals.steps[0].total)


MOVABLE = """
s = select(indices, indices - 1, ==);
t = s or (select(indices, 0, ==) and select(0, indices, ==));
v = indicator(tokens == "a" and indices > 0);
x = aggregate(s, v) + aggregate(t, indicator(tokens == "b"));
"""

ONCE = 't = {"a": 0, "b": 2}[tokens] if indices > 0 else 1; x = selector_width(select(indices, t, ==));'


@pytest.mark.parametrize(
    ("text", "model", "how"),
    [
        (MOVABLE, PAPER, How.MOVED),
        (ONCE, PAPER, How.ONCE),
        (
            "s = select(tokens, tokens, ==); x = selector_width(s) * selector_width(full_s) - selector_width(not s);",
            TRANSFORMER,
            How.REST,
        ),
    ],
)
def test_reads_move_to_heads_that_are_there_anyway(text: str, model: CostModel, how: How) -> None:
    found = rewritten(text, model)
    before = as_written([program_of(text).sop("x")], model)
    assert how in {merge.how for merge in found.merges}
    assert shape(found)[2] == before.totals.steps[0].total - 1
    assert found.text is not None
    again = program_of(found.text).sop("x")
    for word in SCOPE.inputs():
        assert outputs(again, word, Numbers.EXACT) == outputs(program_of(text).sop("x"), word, Numbers.EXACT)


def test_reads_stay_where_one_of_them_would_differ() -> None:
    """As above, but the value at the first position matters now."""
    found = rewritten(MOVABLE.replace(" and indices > 0", ""))
    assert shape(found)[2] == 2


def test_scope_decides_what_is_equal() -> None:
    """A condition on the length that short inputs cannot meet is decided for them, and for no longer ones."""
    text = "x = aggregate(select(tokens, tokens, ==), indices) if length > 3 else indices;"
    assert shape(rewritten(text, scope=Scope(1, 3, ("a", "b"))))[0] == 0
    assert shape(rewritten(text, scope=Scope(1, 4, ("a", "b"))))[0] == 1


def test_merges_name_what_was_found_and_who_proved_it() -> None:
    found = rewritten("b = aggregate(select(tokens, tokens, ==), indices) > 9; x = tokens if not b else indices + b;")
    assert {merge.how for merge in found.merges} == {How.CONSTANT}
    assert all(merge.by for merge in found.merges)
    assert found.proof is not None


def test_counting_stays_one_read_where_it_is_one() -> None:
    """Under `transformer` a formula that counts is not taken apart: that would cost a head."""
    text = "s = select(tokens, tokens, ==) and select(indices, 0, >); x = selector_width(s) + aggregate(s, indices);"
    assert (
        shape(rewritten(text, TRANSFORMER))[2]
        == as_written([program_of(text).sop("x")], TRANSFORMER).totals.steps[0].total
    )


def test_kinds_do_not_slip_through_where_an_operator_sees_them() -> None:
    """The read equals a real without reads, but a list takes only integers for an index."""
    text = """
    real = (indices * 2 + 2) / 2;
    whole = aggregate(select(indices * 2, indices * 2, ==), indices + 1);
    x = [0, 10, 20, 30, 40][whole] + real - whole;
    """
    found = rewritten(text)
    assert found.front.layers == 0
    assert found.text is not None
    again = program_of(found.text).sop("x")
    for word in product("ab", repeat=4):
        assert outputs(again, word, Numbers.EXACT) == (10, 20, 30, 40)


def test_failing_inputs_ask_for_nothing() -> None:
    """Where the program fails the rewritten one may have a value; where it has one, that is kept."""
    found = rewritten('x = {"a": 0}[tokens] * aggregate(select(tokens, tokens, ==), indices);')
    assert found.front.layers == 0


# ---------------------------------------------------------------------------------------------- soundness


def test_random_programs_compute_the_same_after_merging() -> None:
    """By the interpreter alone, on every input of the scope."""
    changed = 0
    for seed in range(160):
        numbers = Numbers.EXACT if seed % 3 else Numbers.IEEE
        drawn = random_program(Random(seed), numbers, 9)
        root = drawn.roots[0]
        assert isinstance(root, SOp)
        scope = Scope(1, 3, drawn.alphabet, numbers)
        model = PAPER if seed % 2 else TRANSFORMER
        samples = Samples.over((root,), numbers, scope)
        swept = sweep(root, model, samples, Comparer(scope, numbers, FOREVER))
        changed += bool(swept.merges)
        moved = rehome(swept.root, swept.graph, model, samples.again(swept.root), Comparer(scope, numbers, FOREVER))
        changed += bool(moved.merges)
        for word in scope.inputs():
            before = outputs(root, word, numbers)
            if before is not None:
                after = outputs(moved.root, word, numbers)
                assert after is not None
                assert all(x == y or x != x for x, y in zip(before, after, strict=True)), (seed, word)
    assert changed > 15


class _Gullible(Comparer):
    """Proves everything while merging, and is honest about the whole at the end."""

    def compare(self, given: Node, other: Node, strictly: bool = False) -> Comparison:
        whole = isinstance(given, Map)
        return super().compare(given, other, strictly) if whole else Same(("nobody",))


def one_sample(_scope: Scope, _wanted: int) -> list[tuple[Atom, ...]]:
    return [("a",)]


def test_wrong_merge_does_not_survive_the_proof_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample on which everything looks constant, and a comparison that waves it through: the whole is compared."""
    text = (
        'x = aggregate(select(tokens, tokens, ==), indices) + aggregate(select(indices, indices, ==), tokens == "b");'
    )
    assert rewritten(text).front.layers == 1
    monkeypatch.setattr("verifier.bounds.equivalent.Comparer", _Gullible)
    monkeypatch.setattr("verifier.bounds.samples.inputs", one_sample)
    with pytest.raises(InternalError, match="differs on"):
        rewritten(text)


def test_inputs_that_refute_a_candidate_are_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one sample everything looks constant; the engines know better, and the answer is the same."""
    text = "x = aggregate(select(tokens, tokens, ==), indices) + selector_width(select(indices, indices, <=));"
    expected = shape(rewritten(text))
    monkeypatch.setattr("verifier.bounds.samples.inputs", one_sample)
    assert shape(rewritten(text)) == expected


def test_without_time_the_program_stays_as_it_was_written() -> None:
    found = up_to_equivalence(program_of("x = aggregate(full_s, 1);"), "x", PAPER, SCOPE, 0.0)
    assert found.text is None
    assert "nothing was found" in found.why
    assert found.front.layers == 1


def test_comparison_without_an_answer_is_no_answer() -> None:
    root = program_of("x = aggregate(select(tokens, tokens, ==), indices);").sop("x")
    other = program_of("x = aggregate(select(tokens, tokens, ==), indices * (length / length));").sop("x")
    assert isinstance(Comparer(SCOPE, Numbers.EXACT, FOREVER).compare(root, other), Same)
    assert isinstance(Comparer(SCOPE, Numbers.EXACT, 0.0).compare(root, other), Unsettled)
    another = program_of("x = aggregate(select(tokens, tokens, ==), indices + 1);").sop("x")
    assert isinstance(Comparer(SCOPE, Numbers.EXACT, FOREVER).compare(root, another), Different)


def test_integers_without_end_are_compared_by_a_solver() -> None:
    text = "x = tokens_int + 0 * aggregate(select(tokens_int, tokens_int, ==), indices);"
    found = rewritten(text, scope=Scope(1, 2, Integers(None, None)))
    assert found.front.layers == 0


SMALL = ("tracr/detect_pattern", "tracr/reverse", "raspl/induct", "paper/sort", "paper/histogram_bos", "tracr/length")


@pytest.mark.parametrize("name", SMALL)
def test_never_worse_than_as_written(name: str) -> None:
    program = load_program(PROGRAMS / f"{name}.rasp", Numbers.EXACT)
    for sop_name, sop in program.sops().items():
        if sop_name.startswith("_"):
            continue
        for model in MODELS.values():
            before = as_written([sop], model)
            after = up_to_equivalence(program, sop_name, model, Scope(1, 3, ("a", "b", "c"))).front
            for old, new in ((before.widths, after.widths), (before.totals, after.totals)):
                for step in old.steps:
                    least = new.least(step.layers)
                    assert least is not None
                    assert least <= old.counted.of(step)


# ---------------------------------------------------------------------------------------------- certificates, commands


def document_of(text: str) -> dict[str, Any]:
    found = rewritten(text)
    document = Document()
    document.equivalent(found, program_of(text).sop("x"))
    document.front(found.front, [found.root], found.graph)
    return document.to_json()


REVERSED = 'x = aggregate(select(indices, indices - 1, ==), tokens, "") == "" and aggregate(full_s, 1) == 1;'


def test_certificate_is_accepted_and_bound_to_its_programs() -> None:
    document = document_of(REVERSED)
    found = recheck(json.dumps(document))
    assert all(one.accepted for one in found)
    assert "compared on all 30 inputs" in found[0].detail
    equal = document["certificates"][0]
    for other in ('x = tokens == "a";', 'x = {"a": True}[tokens];', "x = indices > 0;"):
        forged = Document()
        key, _ = forged.program([program_of(other).sop("x")], program_of(other).graph)
        programs = {**document["programs"], **forged.programs}
        claim = equal["claim"].replace(equal["program"][:12], key[:12])
        changed = {**document, "programs": programs, "certificates": [{**equal, "program": key, "claim": claim}]}
        assert recheck(json.dumps(changed))[0].judgement is Judgement.REJECTED
    for field, value in (("low", 2), ("high", 5), ("numbers", "ieee"), ("symbols", [{"string": "a"}])):
        scope = {**equal["scope"], field: value}
        assert (
            recheck(json.dumps({**document, "certificates": [{**equal, "scope": scope}]}))[0].judgement
            is Judgement.REJECTED
        )


def test_checker_says_what_it_took_on_trust(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("verifier.recheck.equal.MOST_WORK", 0)
    text = "x = aggregate(full_s, 1);"
    found = rewritten(text, scope=Scope(1, 12, ("a", "b")))
    document = Document()
    document.equivalent(found, program_of(text).sop("x"))
    (checked,) = recheck(document.text())
    assert checked.judgement is Judgement.TRUSTED
    assert not checked.accepted
    assert "compared on 1000 inputs; the rest on trust in" in checked.detail
    file = tmp_path / "certificates.json"
    file.write_text(document.text())
    assert main(["recheck", str(file)]) == Exit.UNKNOWN
    assert capsys.readouterr().out.startswith("on trust  program ")
    assert main(["recheck", str(file), "--format", "json"]) == Exit.UNKNOWN
    ((only,),) = (one["certificates"] for one in json.loads(capsys.readouterr().out)["files"])
    assert only["status"] == "on trust"


def test_command_prints_scope_merges_program_and_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "certificates.json"
    target = f"{PROGRAMS / 'tracr' / 'detect_pattern.rasp'}::detected"
    command = ["bounds", target, "--level", "2", "--lengths", "1..4", "--print", "--chart", "-o", str(file)]
    assert main(command) == Exit.EXPECTED
    shown = capsys.readouterr().out
    assert "up to equivalence on lengths=1..4 alphabet=abcd" in shown
    assert "equals tokens" in shown
    assert "equal to the program as written wherever that has a value" in shown
    assert "detected = " in shown
    assert "   2   #  +  +\n" in shown
    assert main(["recheck", str(file)]) == Exit.EXPECTED
    assert "compared on all 340 inputs" in capsys.readouterr().out


def test_command_without_level_answers_all_about_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a program that is read once."""
    read: list[Path] = []

    def counted(path: Path, *options: Any, **named: Any) -> Program:
        read.append(path)
        return load_program(path, *options, **named)

    monkeypatch.setattr(common, "load_program", counted)
    target = f"{PROGRAMS / 'tracr' / 'length.rasp'}::how_long"
    assert main(["bounds", target, "--lengths", "1..3", "--format", "json"]) == Exit.EXPECTED
    assert read == [PROGRAMS / "tracr" / "length.rasp"]
    found = json.loads(capsys.readouterr().out)
    assert [(one["level"], one.get("model")) for one in found["bounds"]] == [
        (1, "paper"), (1, "transformer"), (2, "paper"), (2, "transformer"), *[(3, None)] * len(DEFAULT_CLASSES),
    ]  # fmt: skip
    second = found["bounds"][2]
    assert second["scope"].startswith("lengths=1..3")
    assert second["heads"] == [{"layers": 1, "in_each": [1], "total": 1}]
    assert "how_long = " in second["program"]
    assert all(one["proved_by"] for one in second["merges"])


@pytest.mark.parametrize(
    ("scope", "code"),
    [(["--alphabet", "abcdefgh", "--lengths", "1..6"], Exit.EXPECTED), (["--integers", "any"], Exit.UNKNOWN)],
)
def test_command_without_level_leaves_out_the_third_where_it_is_long(
    scope: list[str], code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    target = f"{PROGRAMS / 'tracr' / 'length.rasp'}::how_long"
    assert main(["bounds", target, *scope, "--format", "json"]) == code
    assert {one["level"] for one in json.loads(capsys.readouterr().out)["bounds"]} == {1, 2}


def test_command_without_time_says_what_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything printed stands: the program as written, its least layers, and what was not decided."""
    target = f"{PROGRAMS / 'paper' / 'double_histogram.rasp'}::double_histogram"
    assert main(["bounds", target, "--level", "2", "--lengths", "1..3", "--seconds", "0"]) == Exit.UNKNOWN
    shown = capsys.readouterr().out
    assert "nothing was found to merge: the program as it was written" in shown
    assert "comparisons were not decided in time" in shown
    assert "layers >= 2" in shown
