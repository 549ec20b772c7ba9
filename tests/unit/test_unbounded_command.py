"""`rasp check` on the shipped programs that are proved for every length, and on a wrong variant of each."""

from pathlib import Path

import pytest

import verifier.cli

PROGRAMS = Path(__file__).parents[2] / "spec" / "programs"

RIGHT = (
    "paper/double_histogram.rasp::groups_at_every_length",
    "paper/reverse.rasp::twice_is_nothing",
    "crasp/dyck1.rasp::counter_automaton",
    "crasp/tomita.rasp::fourth_of_every_length",
    "crasp/tomita.rasp::fifth_of_every_length",
    "crasp/tomita.rasp::seventh_of_every_length",
)
WRONG = (
    ("wrong/double_histogram_by_position.rasp::groups", "n = 2", "aa"),
    ("wrong/reverse_twice.rasp::nothing_moved", "n = 1", "a"),
    ("wrong/dyck1_by_counting.rasp::language_of_every_length", "n = 2", ")("),
    ("wrong/tomita4_one_late.rasp::words", "n = 3", "000"),
    ("wrong/tomita5_by_length.rasp::words", "n = 2", "01"),
    ("wrong/tomita7_one_more.rasp::words", "n = 4", "1010"),
)


@pytest.mark.parametrize("target", RIGHT)
def test_right_program_is_proved_for_every_length(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = verifier.cli.main(["check", "--jobs", "1", "-v", str(PROGRAMS / target)])
    shown = capsys.readouterr().out
    assert code == 0
    assert shown.startswith("PROVED all n")
    assert "checked   the interpreter" in shown
    assert "elimination" in shown


@pytest.mark.parametrize(("target", "length", "word"), WRONG)
def test_wrong_variant_is_refuted(target: str, length: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = verifier.cli.main(["check", "--jobs", "1", str(PROGRAMS / target)])
    shown = capsys.readouterr().out
    assert code == 0, "it is expected to be refuted"
    assert shown.startswith(f"REFUTED {length}")
    assert f"input     {word} " in shown
