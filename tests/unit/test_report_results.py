"""What is done with results: saved tests, replay, comparison, merging of shards; and the Python interface."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import verifier
from spec.diagnostics import RaspError, UsageError
from spec.property.ast import Expected
from spec.property.scope import Integers, Scope
from tests.unit.result_samples import CLOSED, document, result
from verifier import cli
from verifier.engine import Evidence
from verifier.report.compare import Kind, compare, shown
from verifier.report.document import Document, RunState, Shard
from verifier.report.formats import render
from verifier.report.merge import merge
from verifier.report.regression import MARK, literal, save_tests
from verifier.verdict import Closed, Proved

PROGRAM = """r = aggregate(select(indices, length - 1 - indices, ==), tokens);
wrong = tokens;
late = 1 / (length - 2);
#@ scope lengths=1..3 alphabet=ab
#@ ensures back: forall i: wrong[i] == tokens[n-1-i]
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "p.rasp"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------------ saved tests


def test_a_literal_is_the_python_that_denotes_the_input() -> None:
    word = ("a'\"\\", "😀\x1b\n", 3, True, 0.25, -7)
    code = f"print(ascii({literal(word)}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ascii(list(word))


def test_a_file_that_we_did_not_write_is_never_replaced(program: Path, tmp_path: Path) -> None:
    refuted = result("refuted", file=str(program), name="back")
    (path,) = save_tests([refuted], tmp_path / "saved")
    assert path.read_text(encoding="utf-8").startswith(MARK)
    assert save_tests([refuted], tmp_path / "saved") == [path]
    path.write_text("# mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match="not replaced"):
        save_tests([refuted], tmp_path / "saved")
    assert path.read_text(encoding="utf-8") == "# mine\n"


def test_only_counterexamples_that_nobody_announced_are_saved(tmp_path: Path) -> None:
    others = [result(name) for name in ("proved", "found", "unreached", "vacuous", "unknown", "error")]
    assert save_tests([*others, result("refuted", expected=Expected.REFUTED)], tmp_path) == []


# ------------------------------------------------------------------------------------------------ replay


@pytest.mark.usefixtures("program")
def test_replay_judges_one_property_on_one_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", "p.rasp::back", "aa"]) == 0
    assert cli.main(["replay", "p.rasp::back", "ab"]) == 1
    assert "wrong     a" in capsys.readouterr().out
    assert cli.main(["replay", "p.rasp::late.no_error", "ab"]) == 1
    assert cli.main(["replay", "p.rasp::nothing", "ab"]) == 2
    assert cli.main(["replay", "p.rasp", "ab"]) == 2


def test_replay_says_when_nothing_is_claimed_of_an_input(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.write_text(f"{PROGRAM}#@ requires odd: n % 2 == 1\n#@ ensures no_late: late[0] < 0\n", encoding="utf-8")
    assert cli.main(["replay", "p.rasp::no_late", "a"]) == 0
    assert cli.main(["replay", "p.rasp::no_late", "ab"]) == 0
    assert capsys.readouterr().out == "p.rasp::no_late\nholds on a\np.rasp::no_late\nclaims nothing about ab\n"


@pytest.mark.usefixtures("program")
def test_replay_asks_for_the_input_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", "p.rasp::back"]) == 2
    assert "FILE::PROPERTY INPUT" in capsys.readouterr().err


def test_replay_of_a_result_judges_every_counterexample_in_it(
    program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [one.result for one in verifier.load("p.rasp").verify()]
    (tmp_path / "r.json").write_text(render(document(*found), "json"), encoding="utf-8")
    assert cli.main(["replay", "r.json"]) == 1
    assert "1 counterexample, 1 of them still failing" in capsys.readouterr().out
    program.write_text(PROGRAM.replace("wrong = tokens", "wrong = r"), encoding="utf-8")
    assert cli.main(["replay", "r.json"]) == 0


# ------------------------------------------------------------------------------------------------ comparison


def _proved(high: int, checked: tuple[str, ...] = ("interpreter",)) -> Proved:
    closed = tuple(Closed(n, Evidence("sat", checked_by=checked)) for n in range(1, high + 1))
    return Proved(Scope(1, high, ("a", "b")), closed)


CHANGES = {
    "refuted now": (result("proved"), result("refuted", name="proved"), Kind.WORSE),
    "mended": (result("refuted", name="proved"), result("proved"), Kind.BETTER),
    "undecided now": (result("proved"), result("unknown", name="proved"), Kind.WORSE),
    "as announced": (result("refuted"), result("refuted", expected=Expected.REFUTED), Kind.BETTER),
    "weaker bound": (
        result("proved", verdict=_proved(3), scope=_proved(3).scope),
        result("proved", verdict=_proved(2), scope=_proved(2).scope),
        Kind.WORSE,
    ),
    "stronger bound": (
        result("proved", verdict=_proved(2), scope=_proved(2).scope),
        result("proved", verdict=_proved(3), scope=_proved(3).scope),
        Kind.BETTER,
    ),
    "smaller alphabet": (
        result("proved", scope=Scope(1, 2, Integers(0, 3)), verdict=Proved(Scope(1, 2, Integers(0, 3)), CLOSED)),
        result("proved", scope=Scope(1, 2, (0, 3)), verdict=Proved(Scope(1, 2, (0, 3)), CLOSED)),
        Kind.WORSE,
    ),
    "evidence lost": (
        result("proved", verdict=_proved(2)),
        result("proved", verdict=_proved(2, ())),
        Kind.WORSE,
    ),
    "other text": (result("proved"), result("proved", text="true"), Kind.CHANGED),
    "same": (result("proved"), result("proved", line=99, seconds=5.0), Kind.SAME),
    "new": (None, result("proved"), Kind.NEW),
    "gone": (result("proved"), None, Kind.GONE),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_named_for_what_it_means(name: str) -> None:
    before, after, kind = CHANGES[name]
    (change,) = compare(*(document(*([] if side is None else [side])) for side in (before, after)))
    assert change.kind is kind
    assert change.worse is (kind in (Kind.WORSE, Kind.GONE))
    assert name == "same" or change.kind.value in shown([change], "text")
    assert change.kind.value in shown([change], "markdown")
    assert json.loads(shown([change], "json"))[0]["change"] == kind.value


def test_something_new_that_fails_is_worse() -> None:
    (change,) = compare(document(), document(result("refuted")))
    assert (change.kind, change.worse) == (Kind.NEW, True)


def test_rasp_diff_is_1_when_something_got_worse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for name in ("proved", "refuted"):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(render(document(result(name, name="p")), "json"), encoding="utf-8")
    good, bad = map(str, paths)
    assert cli.main(["diff", good, bad, "--format", "markdown"]) == 1
    assert "PROVED n ≤ 2 → REFUTED n = 4" in capsys.readouterr().out
    assert cli.main(["diff", bad, good]) == 0
    assert cli.main(["diff", good, good]) == 0


# ------------------------------------------------------------------------------------------------ shards


def _part(index: int, count: int, *names: str, **changes: object) -> Document:
    rest = {"state": RunState.PARTIAL, "shard": Shard(index, count), "requested": ("x",), **changes}
    return document(*(result(name) for name in names), **rest)  # type: ignore[arg-type]


def test_all_parts_together_are_the_run() -> None:
    whole = merge([_part(3, 3), _part(1, 3, "proved", "vacuous"), _part(2, 3, "refuted")])
    assert (whole.state, whole.exit, len(whole.results), whole.shard) == (RunState.COMPLETE, 1, 3, None)
    assert merge([_part(1, 1)]).exit == 5


WRONG_PARTS = {
    "one is missing": [_part(1, 3, "proved"), _part(3, 3)],
    "one is there twice": [_part(1, 2, "proved"), _part(1, 2, "proved"), _part(2, 2)],
    "of different runs": [_part(1, 2, "proved"), _part(2, 3)],
    "not a part": [document(result("proved"))],
    "interrupted": [_part(1, 2, "proved", stopped=130), _part(2, 2)],
    "not finished": [_part(1, 2, state=RunState.INCOMPLETE), _part(2, 2)],
    "of other targets": [_part(1, 2, "proved"), _part(2, 2, requested=("y",))],
    "of another rule": [_part(1, 2, "proved"), _part(2, 2, ignored=frozenset({"unknown"}))],
    "a property twice": [_part(1, 2, "proved"), _part(2, 2, "proved")],
}


@pytest.mark.parametrize("name", WRONG_PARTS)
def test_anything_less_is_no_run(name: str) -> None:
    with pytest.raises(UsageError):
        merge(WRONG_PARTS[name])


@pytest.mark.usefixtures("program")
def test_the_parts_of_a_run_merge_to_what_the_run_says(tmp_path: Path) -> None:
    def run(*arguments: str) -> int:
        return int(cli.main(["check", "p.rasp", "-q", *arguments]))

    whole = run("-o", "whole.json")
    parts = [run("--shard", f"{i}/2", "-o", f"{i}.json") for i in (1, 2)]
    assert whole == max(parts) == 1
    assert cli.main(["merge", "2.json", "1.json", "-o", "merged.json"]) == 1
    found = [json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("whole.json", "merged.json")]
    names = [[(one["id"], one["verdict"]) for one in data["properties"]] for data in found]
    assert names[0] == names[1]
    assert (found[1]["run_state"], found[1]["summary"]) == ("complete", found[0]["summary"])
    assert cli.main(["merge", "1.json", "-o", "half.json"]) == 2
    assert not (tmp_path / "half.json").exists()


# ------------------------------------------------------------------------------------------------ Python


def test_answers_in_python(program: Path) -> None:
    answer = verifier.prove(program, "forall i: r[i] == tokens[n-1-i]", lengths=(1, 4), alphabet=["a", 1])
    assert answer.proved
    assert answer.bound == "PROVED n ≤ 4"
    assert answer.require() is answer
    wrong = verifier.prove(program, "forall i: wrong[i] == tokens[n-1-i]", lengths=range(1, 4), alphabet="ab")
    assert (wrong.refuted, wrong.proved, wrong.input) == (True, False, ("a", "b"))
    assert "wrong     a" in repr(wrong)
    with pytest.raises(verifier.CounterexampleError, match="REFUTED n = 2"):
        wrong.require()
    with pytest.raises(TypeError, match="not a truth value"):
        bool(answer)
    assert verifier.find(program, 'n == 2 and wrong[0] == "b"', alphabet="ab") == ("b", "a")
    assert verifier.find(program, "n > 5", lengths=3) is None
    assert verifier.load(program).values("r", "abc") == ("c", "b", "a")
    assert [one.proved for one in verifier.verify(program, "back")] == [False]
    assert verifier.loads("x = indices;").prove("causal x", integers=(0, 1), lengths=2).proved


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("selector_width(not select(tokens, indices, <))", " at program.rasp:1:24: cannot order string and int"),
        ("aggregate(full_s, tokens)", " at program.rasp:1:5: asked to average multiple values"),
        ("tokens if indices == 0 else 0", " at program.rasp:1:5: attempted to create sequence with vals of different"),
        ("tokens_int + 1", ": invalid literal"),
    ],
)
def test_a_failing_program_is_a_counterexample_whatever_fails(value: str, reason: str) -> None:
    answer = verifier.loads(f"x = {value};").prove("n > 9 or x[0] == 1", lengths=2, alphabet="ab")
    assert answer.input == ("a", "a")
    assert f"evaluation fails{reason}" in str(answer)


def test_a_question_that_makes_no_sense_is_an_error(program: Path) -> None:
    for wrong in ("forall", "nothing == 1", "ensures a: true\nensures b: true"):
        with pytest.raises(RaspError):
            verifier.prove(program, wrong)


def test_pictures_for_notebooks(program: Path) -> None:
    picture = verifier.load(program).draw("r", "abc")
    assert picture._repr_svg_().startswith("<svg ")
    assert ">r<" in picture._repr_svg_()
    html = verifier.load(program)._repr_html_()
    for name in ("r", "wrong", "late", "back"):
        assert f"<code>{name}</code>" in html
