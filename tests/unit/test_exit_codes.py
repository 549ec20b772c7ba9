"""Every row of the table of exit codes, and what the last line and the JSON say beside each."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import verifier.cli
from spec.diagnostics import InternalError
from verifier.cli import outcome

REVERSE = "r = aggregate(select(indices, length - 1 - indices, ==), tokens);\n"
WRONG = "r = tokens;\n"
SCOPE = "#@ scope lengths=1..3 alphabet=ab\n"
MANY = "#@ scope lengths=3..3 integers=0..99\n"  # more inputs than the interpreter takes on
RIGHT = "#@ ensures back: forall i: r[i] == tokens[n-1-i]\n"


def _write(folder: Path, text: str) -> None:
    (folder / "p.rasp").write_text(text, encoding="utf-8")


def _start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """The command as a terminal starts it: a shell that runs the tests in the background has interrupts ignored."""
    heard = "import signal, sys, verifier.cli; signal.signal(signal.SIGINT, signal.default_int_handler); "
    return subprocess.Popen(
        [sys.executable, "-c", heard + "sys.exit(verifier.cli.main(sys.argv[1:]))", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


Rasp: TypeAlias = Callable[..., tuple[int, str]]


@pytest.fixture
def rasp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Rasp:
    """Runs `rasp check -o r.json ...` in the folder of the test: the code and standard output."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        code = verifier.cli.main(["check", "--jobs", "1", "-o", "r.json", *arguments])
        return int(code), capsys.readouterr().out

    return run


def _json(folder: Path) -> Any:
    return json.loads((folder / "r.json").read_text(encoding="utf-8"))


ROWS: dict[str, tuple[str, tuple[str, ...], int, str]] = {
    "as expected": (REVERSE + SCOPE + RIGHT, (), 0, "OK: every property came out as expected"),
    "expected to fail, and fails": (
        WRONG + SCOPE + RIGHT + "#@ expect back: refuted\n",
        (),
        0,
        "OK: every property came out as expected",
    ),
    "refuted": (WRONG + SCOPE + RIGHT, (), 1, "FAILED: a verdict is not the expected one"),
    "expected to fail, and proved": (
        REVERSE + SCOPE + RIGHT + "#@ expect back: refuted\n",
        (),
        1,
        "FAILED: a verdict is not the expected one",
    ),
    "not a program": ("r = ;\n", (), 2, "FAILED: a property could not be checked"),
    "not a property": (REVERSE + SCOPE + "#@ ensure back: r == 1\n", (), 2, "FAILED: a property could not be checked"),
    "not decided": (
        REVERSE + MANY + RIGHT,
        ("--engine", "interpreter"),
        3,
        "COMPLETED WITH UNKNOWNS",
    ),
    "not decided, and told not to mind": (
        REVERSE + MANY + RIGHT,
        ("--engine", "interpreter", "--fail-on", "refuted"),
        0,
        "COMPLETED WITH UNKNOWNS",
    ),
    "vacuous": (
        REVERSE + SCOPE + '#@ requires odd: count(tokens, "c") > 0\n' + RIGHT,
        (),
        4,
        "FAILED: a property is vacuous",
    ),
    "nothing selected": (REVERSE, (), 5, "NOTHING SELECTED"),
    "nothing selected, and told not to mind": (REVERSE, ("--fail-on", "refuted,unknown"), 0, "NOTHING SELECTED"),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, tmp_path: Path, rasp: Rasp) -> None:
    text, arguments, code, last = ROWS[row]
    _write(tmp_path, text)
    found, out = rasp("p.rasp", *arguments)
    assert (found, out.splitlines()[-1]) == (code, last)
    assert (_json(tmp_path)["exit_code"], _json(tmp_path)["run_state"]) == (code, "complete")


def test_the_gravest_outcome_decides(tmp_path: Path, rasp: Rasp) -> None:
    _write(tmp_path, WRONG + SCOPE + RIGHT)
    (tmp_path / "q.rasp").write_text("x = ;\n", encoding="utf-8")
    assert rasp(".")[0] == 2
    assert _json(tmp_path)["summary"]["refuted"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "no/such.rasp"],
        ["check", "p.rasp::nothing"],
        ["check"],
        ["check", "p.rasp", "--engine", "oracle"],
        ["check", "p.rasp", "--fail-on", "refutde"],
        ["check", "p.rasp", "-o", "unclear"],
        ["check", "p.rasp", "-o", "json:."],
        ["check", "p.rasp", "--profile", "none"],
        ["check", "p.rasp", "--shard", "3/2"],
        ["check", "a" * 300],
        ["fuzz", "a" * 300],
        ["report", "a" * 300, "-o", "p.html"],
        ["mutate", "."],
        ["replay", ".::r", "ab"],
        ["replay", "a" * 300 + "::r"],
    ],
)
def test_a_request_that_makes_no_sense_is_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, REVERSE + SCOPE + RIGHT)
    monkeypatch.chdir(tmp_path)
    try:
        code = verifier.cli.main(arguments)
    except SystemExit as refused:  # argparse's own way
        code = int(str(refused.code))
    assert code == 2


def test_a_contradiction_is_70_and_the_file_says_partial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def contradict(*_: object) -> None:
        raise InternalError("two engines disagree")

    _write(tmp_path, REVERSE + SCOPE + RIGHT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(outcome, "run", contradict)
    assert verifier.cli.main(["check", "p.rasp", "-o", "r.json"]) == 70
    data = _json(tmp_path)
    assert (data["exit_code"], data["run_state"], data["properties"]) == (70, "partial", [])


def test_a_crash_is_70_and_leaves_the_marker(tmp_path: Path) -> None:
    """Python's own code for it, 1, would read as a refutation."""
    _write(tmp_path, REVERSE + SCOPE + RIGHT)
    crash = "import sys, verifier.cli.outcome as o; o.run = lambda *_: 1 // 0; import verifier.cli; "
    code = crash + "sys.argv[1:] = ['check', 'p.rasp', '-o', 'r.json']; sys.exit(verifier.cli.main())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr
    assert _json(tmp_path)["run_state"] == "incomplete"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
def test_an_output_that_is_full_is_2_and_the_file_says_so(tmp_path: Path) -> None:
    """It is no bug here, and a verdict that nobody can read is none."""
    _write(tmp_path, REVERSE + SCOPE + RIGHT)
    code = "import sys, verifier.cli; sys.argv[1:] = ['check', 'p.rasp', '-o', 'r.json']; sys.exit(verifier.cli.main())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.decode() == "error[R0602]: cannot write the output: No space left on device\n"
    assert _json(tmp_path)["run_state"] == "incomplete"


def test_a_contract_without_its_program_is_2(tmp_path: Path, rasp: Rasp) -> None:
    _write(tmp_path, REVERSE + SCOPE + RIGHT)
    (tmp_path / "gone.prop").write_text("ensures back: n == 0\n", encoding="utf-8")
    assert rasp(".")[0] == 2
    assert _json(tmp_path)["summary"]["proved"] == 3
    assert "there is no file gone.rasp" in str(_json(tmp_path)["problems"])


def test_what_could_not_be_read_was_selected(tmp_path: Path, rasp: Rasp) -> None:
    _write(tmp_path, "r = ;\n")
    assert "nothing decided" in rasp("p.rasp")[1]


ENDLESS = REVERSE + "#@ scope lengths=1..40 alphabet=ab\n#@ requires any(r != tokens)\n" + RIGHT


@pytest.mark.parametrize(
    ("number", "code", "state"),
    [(signal.SIGINT, 130, "partial"), (signal.SIGTERM, 143, "partial"), (signal.SIGKILL, -9, "incomplete")],
)
def test_whatever_ends_a_run_the_file_is_whole_and_says_how_far_it_came(
    number: signal.Signals, code: int, state: str, tmp_path: Path
) -> None:
    """The marker is written before anything is decided: once it is there, the run is at work."""
    _write(tmp_path, ENDLESS)
    process = _start(
        tmp_path, "check", "p.rasp", "--engine", "interpreter", "-o", "r.json", "-o", "r.sarif", "--jobs", "1"
    )
    try:
        while not (tmp_path / "r.json").exists() or not (tmp_path / "r.sarif").exists():
            assert process.poll() is None
            time.sleep(0.02)
        assert _json(tmp_path)["run_state"] == "incomplete"
        process.send_signal(number)
        process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code
    assert (_json(tmp_path)["run_state"], _json(tmp_path)["exit_code"]) == (state, code if code > 0 else None)
    log = json.loads((tmp_path / "r.sarif").read_text(encoding="utf-8"))
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is False
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_two_properties_of_one_name_in_two_carriers_stay_two(tmp_path: Path, rasp: Rasp) -> None:
    """`ensures1` of the program is refuted, `ensures1` of the file beside it proved."""
    _write(tmp_path, REVERSE + SCOPE + "#@ ensures all(r == 1)\n")
    (tmp_path / "p.prop").write_text("scope lengths=1..3 alphabet=ab\nensures all(r == r)\n", encoding="utf-8")
    assert rasp("p.rasp")[0] == 1
    verdicts = {one["name"]: one["verdict"] for one in _json(tmp_path)["properties"]}
    assert (verdicts["ensures1"], verdicts["ensures1@prop"]) == ("refuted", "proved")
    assert rasp("p.rasp::ensures1@prop")[0] == 0
