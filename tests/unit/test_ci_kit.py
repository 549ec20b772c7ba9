"""The pre-commit hooks and the composite action: their entries and their steps are run as they are written."""

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import verifier
from verifier import cli

REVERSE = "r = aggregate(select(indices, length - 1 - indices, ==), tokens);\n"
CONTRACT = "#@ scope lengths=1..5 alphabet=ab\n#@ ensures back: forall i: r[i] == tokens[n-1-i]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.rasp").write_text(REVERSE + CONTRACT, encoding="utf-8")
    (tmp_path / "good.prop").write_text("scope lengths=1..2 alphabet=ab\nensures all(r == r)\n", encoding="utf-8")
    return tmp_path


# ------------------------------------------------------------------------------------------------ hooks


def _hooks(checkout: Path) -> dict[str, list[str]]:
    text = (checkout / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    found = {}
    for block in re.split(r"^- ", text, flags=re.MULTILINE)[1:]:
        keys = dict(re.findall(r"^ *(\w+): (.*)$", block, re.MULTILINE))
        assert keys["language"] == "python"
        assert all(re.search(keys["files"], name) for name in ("a.rasp", "a.prop"))
        assert not re.search(keys["files"], "a.rasp.txt")
        program, *arguments = shlex.split(keys["entry"])
        assert program == "rasp"
        found[keys["id"]] = arguments
    return found


def test_hooks_pass_what_is_right(folder: Path, checkout: Path) -> None:
    for arguments in _hooks(checkout).values():
        assert cli.main([*arguments, "good.rasp", "good.prop"]) == 0
    assert (folder / "good.rasp").exists()


def test_lint_refuses_what_is_no_program_or_no_contract(folder: Path, checkout: Path) -> None:
    arguments = _hooks(checkout)["rasp-lint"]
    for text in ("r = ;\n", REVERSE + "#@ ensure back: r == 1\n", REVERSE + "#@ ensures q: nothing == 1\n"):
        (folder / "bad.rasp").write_text(text, encoding="utf-8")
        assert cli.main([*arguments, "bad.rasp", "good.rasp"]) == 2


def test_lint_warns_and_takes_warnings_for_errors_when_asked_to(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "odd.rasp").write_text("r = not tokens == 1;\n", encoding="utf-8")
    assert cli.main(["lint", "odd.rasp"]) == 0
    assert "warning[" in capsys.readouterr().err
    assert cli.main(["lint", "--strict", "odd.rasp"]) == 2


def test_the_check_of_short_inputs_finds_a_short_counterexample_only(folder: Path, checkout: Path) -> None:
    arguments = _hooks(checkout)["rasp-check"]
    for length, code in ((2, 1), (5, 0)):
        text = f"r = tokens if length == {length} else aggregate(select(indices, length - 1 - indices, ==), tokens);\n"
        (folder / "bad.rasp").write_text(text + CONTRACT, encoding="utf-8")
        assert cli.main([*arguments, "bad.rasp"]) == code


def test_a_property_that_two_targets_mean_is_decided_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "good.rasp", "good.prop", "./good.rasp", "good.rasp::back", "."]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("PROVED")]
    assert len(set(lines)) == len(lines) == 6
    assert folder.is_dir()


# ------------------------------------------------------------------------------------------------ action


def _steps(checkout: Path) -> dict[str, str]:
    """The scripts of the steps by their ids."""
    text = (checkout / "action.yml").read_text(encoding="utf-8")
    found = {}
    for block in re.split(r"^    - id: ", text, flags=re.MULTILINE)[1:]:
        script = re.search(r"^      run: \|\n((?:        .*\n|\n)+)", block, re.MULTILINE)
        assert script is not None
        found[block.splitlines()[0]] = re.sub(r"^        ", "", script[1], flags=re.MULTILINE)
    return found


def _executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _run(script: str, folder: Path, **inputs: str) -> tuple[int, str, str]:
    """The exit code of a step, its output, and what it wrote to the file of outputs."""
    environment = {
        "PATH": os.environ["PATH"],
        "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_OUTPUT": str(folder / "outputs"),
        **inputs,
    }
    (folder / "outputs").write_text("", encoding="utf-8")
    (folder / "summary").write_text("", encoding="utf-8")
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr, (folder / "outputs").read_text(encoding="utf-8")


INPUTS = {"PROFILE": "", "FAIL_ON": "refuted", "CACHE": "", "CACHE_MODE": "use", "BASE": "", "OUT": "out"}


def test_no_expression_stands_inside_a_script(checkout: Path) -> None:
    steps = _steps(checkout)
    assert list(steps) == ["install", "check"]
    assert not any("${{" in script for script in steps.values())


def test_install_makes_its_own_environment_and_insists_on_the_version(folder: Path, checkout: Path) -> None:
    """With a Python that only notes what it is asked, and makes what `venv` would."""
    bin_ = folder / "temp" / "rasp" / "bin"
    log = f'echo "$@" >> {folder / "log"}\n'
    _executable(folder / "python", f"#!/bin/sh\n{log}")
    _executable(bin_ / "python", f"#!/bin/sh\n{log}")
    _executable(bin_ / "rasp", f"#!/bin/sh\necho 'rasp {verifier.__version__}'\n")
    step = _steps(checkout)["install"]
    asked = {"PYTHON": str(folder / "python"), "GITHUB_ACTION_PATH": "/action"}
    assert _run(step, folder, VERSION=verifier.__version__, **asked)[0] == 0
    venv, pinned, own = (folder / "log").read_text(encoding="utf-8").splitlines()
    assert venv == f"-m venv {folder / 'temp' / 'rasp'}"
    assert pinned.endswith("install -r /action/requirements/check.txt")
    assert own.endswith("install --no-deps --no-build-isolation /action")
    code, out, _ = _run(step, folder, VERSION="9\n::set-env::", **asked)
    assert code == 2
    assert out.count("\n") == 1
    assert out.startswith("::error title=rasp::")


def test_check_reports_compares_and_ends_with_the_code_of_the_check(folder: Path, checkout: Path) -> None:
    path = os.pathsep.join(sys.path)
    code = "import sys, verifier.cli; sys.exit(verifier.cli.main())"
    wrapper = f"#!/bin/sh\nPYTHONPATH={shlex.quote(path)} exec {shlex.quote(sys.executable)} -c '{code}' \"$@\"\n"
    _executable(folder / "temp" / "rasp" / "bin" / "rasp", wrapper)
    step = _steps(checkout)["check"]
    code_, out, outputs = _run(step, folder, TARGETS="good.rasp\n", **INPUTS)
    assert (code_, outputs) == (0, "exit-code=0\nworse=\nresult=out/result.json\n")
    assert "::notice title=rasp::" in out
    (folder / "out" / "result.json").rename(folder / "base.json")
    (folder / "good.rasp").write_text("r = tokens;\n" + CONTRACT, encoding="utf-8")
    code_, out, outputs = _run(step, folder, TARGETS="good.rasp", **{**INPUTS, "BASE": "base.json"})
    assert (code_, outputs) == (1, "exit-code=1\nworse=true\nresult=out/result.json\n")
    assert "::error file=good.rasp,line=3" in out
    summary = (folder / "summary").read_text(encoding="utf-8")
    assert "❌ REFUTED n = 2" in summary
    assert "| `good.rasp::back` | PROVED n ≤ 5 → REFUTED n = 2 |" in summary
    assert {one.name for one in (folder / "out").iterdir()} == {
        "result.json",
        "result.sarif",
        "junit.xml",
        "summary.md",
        "report.html",
    }
