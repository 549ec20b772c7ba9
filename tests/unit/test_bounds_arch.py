"""`arch` clauses, where one schedule has to keep all limits, and the commands about bounds."""

import json
from itertools import permutations, product
from pathlib import Path

import pytest

from spec.cost import MODELS, PAPER, TRANSFORMER, validate
from spec.diagnostics import PropertyError, UsageError
from spec.property.ast import Architecture
from spec.property.bound import BoundProperty
from spec.property.scope import Scope
from spec.source import Source
from spec.values import Numbers
from verifier.bounds.arch import architecture, certified
from verifier.bounds.arch_class import largest
from verifier.bounds.heads import parse_head_class
from verifier.bounds.problem import problem
from verifier.bounds.synthesis import fewest_heads, within
from verifier.bounds.target import OfProgram
from verifier.cli import main
from verifier.recheck.files import recheck
from verifier.running.subject import Subject
from verifier.verdict import Exit, Proved, Refuted, Unknown, Verdict

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"

TRADE = """
a = aggregate(select(indices, indices, <), indices);
b = aggregate(select(indices, 1, <), indices);
c = aggregate(select(indices, 2, <), indices + a);
x = a + b + c;
"""


def verdict(text: str, limits: str, model: str = "paper") -> Verdict:
    subject = Subject(Source("test.rasp", f"{text}\n#@ arch x: {limits}, model {model}\n"), Path())
    (bound,) = [b for c in subject.bound() for b in c.properties if isinstance(b.property.claim, Architecture)]
    return architecture(bound)


def test_clauses_agree_with_trying_every_assignment() -> None:
    program = Subject(Source("test.rasp", TRADE), Path())(None, Numbers.EXACT)
    task = problem([program.sop("x")], PAPER)
    for layers, width, total in product((1, 2, 3), (1, 2, 3), (2, 3, 4)):
        fits = False
        for layer in product(range(1, layers + 1), repeat=len(task.reads)):
            found = task.schedule(layer, layers)
            valid = not validate(found, task.roots, PAPER)
            fits = fits or (valid and found.width <= width and found.total <= total)
        answer = verdict(TRADE, f"layers <= {layers}, heads <= {width}, total heads <= {total}")
        assert isinstance(answer, Proved if fits else Refuted)


@pytest.mark.parametrize(
    ("limits", "holds"),
    [
        ("layers <= 2, heads <= 2", True),
        ("layers <= 2, heads <= 1", False),
        ("heads <= 1", True),
        ("heads <= 0", False),
        ("total heads <= 3", True),
        ("total heads <= 2", False),
        ("layers <= 1", False),
        ("layers <= 0", False),
        ("total heads <= 3, heads <= 1", True),
    ],
)
def test_limits_that_are_not_named_do_not_bind(limits: str, holds: bool) -> None:
    assert isinstance(verdict(TRADE, limits), Proved if holds else Refuted)


def test_program_without_reads_needs_nothing() -> None:
    for model in MODELS:
        assert isinstance(verdict("x = indices + 1;", "layers <= 0, heads <= 0, total heads <= 0", model), Proved)


def test_models_differ_where_they_should() -> None:
    """A count is two heads on paper and one in a transformer."""
    text = "x = selector_width(select(tokens, tokens, ==));"
    assert isinstance(verdict(text, "layers <= 1, heads <= 1", PAPER.name), Refuted)
    assert isinstance(verdict(text, "layers <= 1, heads <= 1", TRANSFORMER.name), Proved)


def test_refutation_says_which_reads_are_in_the_way() -> None:
    answer = verdict(TRADE, "layers <= 2, heads <= 1")
    assert isinstance(answer, Refuted)
    assert "must hold 3 heads" in answer.detail
    assert "test.rasp:" in answer.detail


# ---------------------------------------------------------------------------------------------- levels 2 and 3


SCOPE = "scope lengths=1..3 alphabet=ab"
WASTE = "x = aggregate(full_s, 1) + aggregate(select(indices, 2, <), 2) + aggregate(select(indices, 1, ==), indices);"
"""The first two reads are constants; the third is not where there is no position 1."""
REVERSE = "x = aggregate(select(length - 1 - indices, indices, ==), tokens);"
HISTOGRAM = "x = selector_width(select(tokens, tokens, ==));"


def bound_to(text: str, clause: str, scope: str = SCOPE) -> BoundProperty:
    subject = Subject(Source("test.rasp", f"{text}\n#@ {scope}\n#@ arch x: {clause}\n"), Path())
    (bound,) = [b for c in subject.bound() for b in c.properties if isinstance(b.property.claim, Architecture)]
    return bound


@pytest.mark.parametrize(
    ("text", "clause", "verdict_type"),
    [
        (WASTE, "total heads <= 2", Refuted),
        (WASTE, "total heads <= 2, level 1", Refuted),
        (WASTE, "total heads <= 1, level 2", Proved),
        (WASTE, "total heads <= 0, level 2", Unknown),
        (WASTE, "total heads <= 3, level 2", Proved),
        (HISTOGRAM, "layers <= 1, heads <= 1, level 2", Unknown),
        (HISTOGRAM, "heads <= 1, level 2, model transformer", Proved),
        (HISTOGRAM, 'layers <= 1, class "count/all"', Proved),
        (HISTOGRAM, 'layers <= 0, class "count/all"', Refuted),
        (HISTOGRAM, 'layers <= 1, heads <= 1, class "count/all"', Proved),
        (REVERSE, 'layers <= 9, class "rightmost/past"', Refuted),
        (REVERSE, 'layers <= 1, heads <= 1, class "count/all+indices"', Refuted),
        (REVERSE, 'layers <= 1, heads <= 2, class "count/all+indices"', Proved),
        (REVERSE, 'total heads <= 0, class "count/all+indices"', Refuted),
    ],
)
def test_clause_is_decided_at_the_level_that_it_names(
    text: str, clause: str, verdict_type: type[Proved | Refuted | Unknown]
) -> None:
    """What decides it is accepted by the checker; level 2 never refutes, since merging does not find everything."""
    answer, document = certified(bound_to(text, clause))
    assert isinstance(answer, verdict_type)
    assert (document is None) == isinstance(answer, Unknown)
    if document is not None:
        checked = recheck(document.text())
        assert checked
        assert all(one.accepted for one in checked)


def test_clause_about_a_class_agrees_with_the_front() -> None:
    """Within the limits lies a shape that the least ones of the front say exists, or none does."""
    program = Subject(Source("test.rasp", REVERSE), Path())(None, Numbers.EXACT)
    scope = Scope(1, 3, ("a", "b"))
    target = OfProgram("x", program.sop("x"), Numbers.EXACT)
    front = fewest_heads(parse_head_class("mean/all+indices"), target, scope, 2, 3)
    least = [one.shape for one in front.minimal]
    answers = set()
    for layers, width, total in product((0, 1, 2), (0, 1, 2), (None, 0, 1, 2, 3)):
        every = f"layers <= {layers}, heads <= {width}" + ("" if total is None else f", total heads <= {total}")
        answer = architecture(bound_to(REVERSE, f'{every}, class "mean/all+indices"'))
        fits = any(
            len(shape) <= layers and max(shape, default=0) <= width and (total is None or sum(shape) <= total)
            for shape in least
        )
        assert isinstance(answer, Proved if fits else Refuted), every
        answers.add(fits)
    assert answers == {True, False}


def test_largest_shapes_contain_all_others_within_the_limits() -> None:
    for layers, width, total in product(range(4), range(4), range(5)):
        claim = bound_to(REVERSE, f'layers <= {layers}, heads <= {width}, total heads <= {total}, class "count"')
        assert isinstance(claim.property.claim, Architecture)
        found = largest(claim.property.claim)
        every = {
            tuple(filter(None, shape)) for shape in product(range(width + 1), repeat=layers) if sum(shape) <= total
        }
        assert set(found) <= every
        assert all(any(within(one, other) for other in found) for one in every)
        assert not any(within(one, other) for one, other in permutations(found, 2))


def test_clause_without_time_is_unknown() -> None:
    for clause in ('layers <= 1, heads <= 2, class "count/all+indices"', "total heads <= 0, level 2"):
        assert isinstance(architecture(bound_to(REVERSE, clause), 0.0), Unknown)


@pytest.mark.parametrize(
    ("clause", "scope", "message"),
    [
        ("layers <= 1, level 2", "scope lengths=any alphabet=ab", "no greatest length"),
        ('layers <= 1, class "count/all"', "scope lengths=2..any alphabet=ab", "no greatest length"),
        ('heads <= 1, class "count/all"', SCOPE, "no largest shape"),
    ],
)
def test_clause_that_nobody_can_decide_is_refused(clause: str, scope: str, message: str) -> None:
    with pytest.raises(PropertyError, match=message):
        bound_to(REVERSE, clause, scope)


@pytest.mark.parametrize("clause", ['layers <= 1, class "cuont/all"', 'layers <= 1, heads <= 9, class "softmax"'])
def test_class_of_a_clause_that_does_not_exist_is_refused_where_it_stands(clause: str) -> None:
    with pytest.raises(UsageError) as caught:
        architecture(bound_to(REVERSE, clause))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert diagnostic.span.text == clause.rpartition(", ")[2]


def test_shapes_that_are_too_many_are_refused() -> None:
    with pytest.raises(UsageError, match="too many"):
        architecture(bound_to(REVERSE, 'total heads <= 20, class "count/all+indices"'))


# ---------------------------------------------------------------------------------------------- commands


def test_command_writes_certificates_that_recheck_accepts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "certificates.json"
    target = f"{PROGRAMS / 'paper' / 'dyck_ptf.rasp'}::dyck2_ptf"
    assert main(["bounds", target, "--reference", "-o", str(file)]) == Exit.EXPECTED
    shown = capsys.readouterr().out
    assert "reference (greedy): 4 layers, heads 1/2/1/1, 5 in all" in shown
    assert "layers = 5: heads = 1 (1/1/1/1/1)" in shown
    assert main(["recheck", str(file)]) == Exit.EXPECTED
    assert "REJECTED" not in capsys.readouterr().out
    document = json.loads(file.read_text())
    document["certificates"][1]["layers"][0][1] += 1
    file.write_text(json.dumps(document))
    assert main(["recheck", str(file)]) == Exit.REFUTED
    assert "REJECTED" in capsys.readouterr().out


def test_command_about_a_language(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--regex", "(ab)*", "--lengths", "1..6", "--heads", "rightmost/past", "--class", "rightmost/past"]
    assert main(["bounds", *options]) == Exit.EXPECTED
    shown = capsys.readouterr().out
    assert "heads 1/1" in shown
    assert "cannot tell position 1 of ab (output True) from position 2 of aab (output False)" in shown


def test_command_about_a_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "odd.json"
    rows = {"e": {"a": ["e", 0], "b": ["o", 1]}, "o": {"a": ["o", 1], "b": ["e", 0]}}
    file.write_text(json.dumps({"start": "e", "steps": rows, "last_only": True}))
    command = ["bounds", "--mealy", str(file), "--class", "rightmost/past", "--lengths", "1..5", "--format", "json"]
    assert main(command) == Exit.EXPECTED
    document = json.loads(capsys.readouterr().out)
    depths = [item["depth"] for item in document["certificates"] if item["kind"] == "distinguishable"]
    assert depths == [4]


def test_program_on_the_front_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    target = f"{PROGRAMS / 'paper' / 'histogram.rasp'}::histogram"
    assert main(["bounds", target, "--heads", "count/all", "--lengths", "1..3", "--print"]) == Exit.EXPECTED
    shown = capsys.readouterr().out
    assert "proved equal by" in shown
    assert "selector_width(" in shown


def test_kinds_of_heads_are_printed_where_the_class_has_several(capsys: pytest.CaptureFixture[str]) -> None:
    """One count of each side: counts of one side alone do not do."""
    target = f"{PROGRAMS / 'paper' / 'histogram.rasp'}::histogram"
    command = ["bounds", target, "--alphabet", "ab", "--lengths", "1..3", "--most-layers", "1", "--heads"]
    assert main([*command, "count/past,future", "--heads", "count/past"]) == Exit.EXPECTED
    shown = capsys.readouterr().out
    kinds = [line.split(": ")[1].split(", ") for line in shown.splitlines() if line.startswith("    heads 2: count/")]
    assert sorted(kinds[0]) == ["count/future", "count/past"]
    assert "count/past: heads none found" in shown


@pytest.mark.parametrize(
    "command",
    [
        ["bounds"],
        ["bounds", "x.rasp::x", "--regex", "a"],
        ["bounds", "--regex", "a", "--level", "1"],
        ["bounds", "--regex", "a", "--class", "count/all+indices"],
        ["bounds", "--regex", "a", "--lengths", "1..any"],
        ["bounds", str(PROGRAMS / "paper" / "reverse.rasp")],
        ["recheck", "there_is_no_such_file.json"],
    ],
)
def test_request_that_means_nothing_is_refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == Exit.USAGE
    assert "error[" in capsys.readouterr().err


def test_search_without_time_says_that_it_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bounds", "--regex", "(ab)*", "--lengths", "1..6", "--seconds", "0", "--heads", "rightmost/past"]
    assert main(command) == Exit.UNKNOWN
    assert "open" in capsys.readouterr().out


def test_level_3_is_about_the_scope_of_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "same.rasp"
    file.write_text("#@ scope lengths=1..3 alphabet=xyz\nr = aggregate(select(tokens, tokens, ==), 1);\n")

    assert main(["bounds", f"{file}::r", "--class", "count/all"]) == Exit.EXPECTED
    assert "lengths=1..3 alphabet=xyz" in capsys.readouterr().out
    assert main(["bounds", f"{file}::r", "--class", "count/all", "--lengths", "1..2"]) == Exit.EXPECTED
    assert "lengths=1..2 alphabet=xyz" in capsys.readouterr().out
