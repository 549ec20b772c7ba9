"""Random inputs: what breaks a property is found, small and real; what is not found is not called proved."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from spec.diagnostics import InternalError
from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker, Status
from spec.source import Source
from verifier import cli, fuzz
from verifier.question.claims import Stated, state
from verifier.question.terms import Terms
from verifier.running.overrides import Overrides
from verifier.running.selection import select
from verifier.running.subject import Subject

SUM = """up = select(indices, indices, <=);
depth = aggregate(up, 1 if tokens == "(" else -1) * (indices + 1);
highest = aggregate(full_s, indicator(depth > 2)) > 0;
"""
DEEP = (
    SUM
    + '#@ scope lengths=1..4 alphabet="()"\n'
    + '#@ requires prefix(tokens, n - 1) in dyck("()")\n'
    + "#@ ensures low: all(not highest)\n"
)
ODD = "#@ scope lengths=1..3 integers=any\n#@ ensures small: forall i: tokens_int[i] < 5\n"


def bound(text: str, name: str) -> BoundProperty:
    (found,) = select(Subject(Source("p.rasp", text), Path.cwd()), name, Overrides())
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.rasp").write_text(DEEP, encoding="utf-8")
    return tmp_path


def test_what_holds_in_scope_and_breaks_beyond_it_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Depth 3 needs six brackets; the contract ends at four."""
    assert cli.main(["check", "p.rasp::low"]) == 0
    assert cli.main(["fuzz", "p.rasp::low"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"REFUTED n = 6 .*low: all\(not highest\)", out)
    assert re.search(r"input +\(\(\(\)\)\)\n", out)
    assert "scope     lengths=1..8" not in out
    assert folder.is_dir()


def test_within_the_scope_nothing_is_found_and_that_is_no_proof(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fuzz", "p.rasp::low", "--lengths", "1..4"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"NOTHING FOUND .*\(30 inputs of n ≤ 4, 3 met the preconditions, 30 compared", out)
    assert out.splitlines()[-1] == "NOTHING FOUND, which is no proof"
    assert "PROVED" not in out
    assert folder.is_dir()


def test_preconditions_that_no_input_met_are_not_passed_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fuzz", "p.rasp::low", "--lengths", "3..3", "--inputs", "20"]) == 3
    assert "NOTHING TRIED" in capsys.readouterr().out
    assert folder.is_dir()


def test_a_test_is_saved_for_what_was_found(folder: Path) -> None:
    assert cli.main(["fuzz", "p.rasp", "--save-tests", "tests"]) == 1
    (saved,) = (folder / "tests").iterdir()
    assert "'(', '(', '(', ')', ')', ')'" in saved.read_text(encoding="utf-8")
    (folder / "p.rasp").write_text(SUM, encoding="utf-8")
    assert cli.main(["fuzz", "p.rasp"]) == 5


def test_the_same_seed_tries_the_same_inputs() -> None:
    one, other = (fuzz.fuzz(fuzz.beyond(bound(DEEP, "low")), 7, 500, 60.0) for _ in range(2))
    assert replace(one, bound=other.bound) == other


@pytest.mark.parametrize(("text", "name"), [(DEEP, "low"), (ODD, "small")])
def test_what_is_found_cannot_be_made_smaller_in_one_step(text: str, name: str) -> None:
    """Against leaving out every position; what is left is known."""
    prop = fuzz.beyond(bound(text, name))
    made = fuzz.fuzz(prop, 1, 5_000, 60.0)
    assert made.found is not None
    checker, word = Checker(prop), made.found.word
    assert checker.check(word).status is Status.FAILS
    shorter = [word[:at] + word[at + 1 :] for at in range(len(word))]
    assert not [one for one in shorter if one in prop.property.scope and checker.check(one).status is Status.FAILS]
    assert word == tuple("((()))") if name == "low" else word[0] in range(5, 11)


def test_a_term_that_says_something_else_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(prop: BoundProperty, length: int) -> Stated:
        stated = state(prop, length)
        return replace(stated, broken=Terms(prop.property.scope.kinds, 8).literal(True))

    monkeypatch.setattr(fuzz, "state", wrong)
    with pytest.raises(InternalError, match="not so by its term"):
        fuzz.fuzz(bound(DEEP, "low"), 0, 100, 60.0)
