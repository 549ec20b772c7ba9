"""What the benchmarks compare: the same answers on both sides, on the inputs that they claim."""

import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from benchmarks import naive, reach
from benchmarks.__main__ import main
from benchmarks.confirm import Tally
from benchmarks.interpreter import CASES, PROGRAMS, Case, compare, measure_naive, reference
from spec.diagnostics import EvaluationError
from spec.elaborate import load_program
from spec.graph import SOp
from spec.interp import evaluate
from spec.operators import OperatorError
from spec.values import Numbers, atom_key
from tests.graphs import random_graph
from verifier.cli import main as rasp
from verifier.report.document import read_document

SHIPPED = sorted(PROGRAMS.parent.rglob("*.rasp"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_semantics_taken_literally_agrees_with_the_interpreter(path: Path) -> None:
    """On every s-op of every shipped program, under both kinds of numbers, failures included."""
    for numbers in Numbers:
        for sop in load_program(path, numbers).sops().values():
            for word in ("a", "0", "ab", "(()", "$ba", "1+1", "0110", "(){}{"):
                agree(sop, word, numbers)


def test_semantics_taken_literally_agrees_on_random_graphs() -> None:
    answered = sum(
        agree(node, word, numbers)
        for seed in range(60)
        for numbers in Numbers
        for node in random_graph(Random(seed), 25, numbers)
        if isinstance(node, SOp)
        for word in ("b", "10", "abca")
    )
    assert answered > 500


def agree(sop: SOp, word: str, numbers: Numbers) -> bool:
    """Whether there are values; both sides must say the same."""
    try:
        found = [atom_key(atom) for atom in evaluate([sop], word, numbers).values[sop]]
    except EvaluationError:
        found = []
    try:
        expected = [atom_key(atom) for atom in naive.evaluate(sop, word, numbers)]
    except (OperatorError, ValueError, OverflowError):
        expected = []
    assert found == expected
    return bool(found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_words_are_different_have_the_length_and_are_what_the_program_is_about(case: Case) -> None:
    words = case.words(12, 5)
    assert len(set(words)) == 5
    assert case.words(12, 5) == words
    for word in words:
        assert len(word) == 12
        if case.pairs:
            while any(case.pairs[i : i + 2] in word for i in range(0, len(case.pairs), 2)):
                for i in range(0, len(case.pairs), 2):
                    word = word.replace(case.pairs[i : i + 2], "")
            assert word == ""


def test_different_answers_are_not_compared() -> None:
    def liar(_case: Case, _words: object) -> tuple[list[list[object]], list[float]]:
        return [["x"] * 6], [1.0]

    assert compare(CASES[0], 6, 1, measure_naive).ratio > 0
    with pytest.raises(RuntimeError, match="the two sides differ"):
        compare(CASES[0], 6, 1, liar)  # type: ignore[arg-type]  # the point of the test


def test_reference_is_asked_in_a_process_of_its_own(tmp_path: Path) -> None:
    """A stand-in with the reference's names answers what it was asked."""
    package = tmp_path / "RASP_support"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "Environment.py").write_text(
        "class Environment:\n"
        "    def __init__(self, name, parent_env):\n"
        "        self.text = ''\n"
        "    def get_variable(self, name):\n"
        "        return SOp(name + self.text[:1])\n"
        "class SOp:\n"
        "    def __init__(self, name):\n"
        "        self.name = name\n"
        "    def call(self, word, just_pass_exception_up):\n"
        "        print('noise')\n"
        "        return Sequence([self.name, word])\n"
        "class Sequence:\n"
        "    def __init__(self, values):\n"
        "        self.values = values\n"
        "    def get_vals(self):\n"
        "        return self.values\n"
    )
    (package / "REPL.py").write_text(
        "class REPL:\n"
        "    base_env = None\n"
        "    def run(self, fromfile, env, store_prints):\n"
        "        env.text = fromfile.read()\n"
    )
    with reference(tmp_path, sys.executable) as ask:
        values, seconds = ask(CASES[0], ["ab", "c"])
    assert values == [["histogram#", "ab"], ["histogram#", "c"]]
    assert len(seconds) == 2


def test_unknown_benchmark_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing"]) == 2
    assert "interpreter" in capsys.readouterr().err


def test_other_engines_are_asked_beyond_twice_as_far_unless_a_claim_is_refuted() -> None:
    assert reach._beyond([(2, 0.1, "sat"), (4, 0.2, "sat")]) == (10,)
    assert reach._beyond([]) == (2,)
    assert reach._beyond([(2, 0.1, "sat"), (4, 0.2, reach.REFUTED + "sat")]) == ()
    assert reach._beyond([(48, 0.1, "sat")]) == ()


def test_contracts_are_about_as_many_symbols_as_is_said() -> None:
    case = reach.Case("paper/sort.rasp")
    for size, symbols in ((reach.OWN, tuple("abc")), ("2", tuple("ab")), ("5", tuple("abcde"))):
        assert {prop.property.scope.alphabet for prop in reach._properties(case, size)} == {symbols}
    integers = reach.Case("raspy/cumsum.rasp")
    assert {prop.property.scope.size for prop in reach._properties(integers, "8")} == {8}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--behind", "--engines", "sat,auto"], "has to be the first"),
        (["--own", "--symbols", "x"], "no sizes"),
        (["--symbols", "0"], "no sizes"),
    ],
)
def test_reach_refuses_what_it_cannot_compare(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        reach.main(arguments)
    assert reason in capsys.readouterr().err


def test_compiling_takes_minutes_only_when_it_is_asked_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from benchmarks import compile as benchmark
    from compiled.crosscheck import Agreement, Mismatch

    monkeypatch.setattr(benchmark, "LIMITS", benchmark.LIMITS[1:2])  # the histogram
    assert benchmark.main([]) == 0
    assert "| paper/histogram | - | 1 |" in (limits := capsys.readouterr().out)
    assert "certified" not in limits
    assert benchmark.main(["paper/histogram_bos", "--length", "3", "--crosscheck", "5"]) == 0
    assert "1 of 1 certified, 160 parameters together\ncompared on 5 words, 0 models differ" in capsys.readouterr().out
    wrong = Mismatch(("a",), 0, "histogram", "1", "2", 1)
    agreement = Agreement(0, 5, 0, 5, 4, wrong, "cpu", "float32", 0.1, 0.1)
    monkeypatch.setattr(benchmark, "cross_check", lambda *_, **__: agreement)
    found = benchmark.compared(cast("Any", None), benchmark.Outcome(), 5)
    monkeypatch.setattr(benchmark, "limited", lambda *_: found)
    assert benchmark.main(["paper/histogram_bos", "--length", "3", "--crosscheck", "5"]) == 1
    assert "compared on 5 words, 1 models differ" in capsys.readouterr().out
    monkeypatch.setattr(benchmark, "LIMITS", (replace(benchmark.LIMITS[0], parameters=1),))
    assert benchmark.main([]) == 1
    with pytest.raises(SystemExit, match="2"):
        benchmark.main(["no program has this name"])


def test_reference_that_is_not_there_is_an_error_and_not_a_figure(tmp_path: Path) -> None:
    with reference(tmp_path, sys.executable) as ask, pytest.raises((RuntimeError, BrokenPipeError)):
        ask(CASES[0], ["ab"])


CONFIRMED = """
sum = selector_width(select(tokens, "a", ==));
#@ scope lengths=1..3 alphabet=abc
#@ ensures most: forall i: sum[i] <= n
#@ scope lengths=1..2 alphabet=ab
#@ ensures wrong: sum[0] == 1
"""


def test_closed_lengths_are_counted_by_who_confirms_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.rasp"
    path.write_text(CONFIRMED)
    assert main(["confirm", f"{path}::most"]) == 0
    out = capsys.readouterr().out
    assert "| all | | 3 |" in out
    assert "nobody" not in out
    assert main(["confirm", f"{path}::wrong"]) == 1
    assert f"not as expected: {path}::wrong" in capsys.readouterr().out


def test_what_nobody_confirms_is_named(tmp_path: Path) -> None:
    path, file = tmp_path / "a.rasp", tmp_path / "result.json"
    path.write_text(CONFIRMED)
    assert rasp(["check", f"{path}::most", "--proofs", "none", "--jobs", "1", "-q", "-o", str(file)]) == 0
    tally = Tally()
    tally.add(read_document(file))
    assert tally.lengths == {("enumerate", "nobody"): 3}
    assert [name.partition(",")[0] for name in tally.alone] == [f"{path}::most: length {n}" for n in (1, 2, 3)]
