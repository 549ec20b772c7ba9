"""The pytest plugin, run as users run it: in a process of its own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

PROGRAM = """r = aggregate(select(indices, length - 1 - indices, ==), tokens);
wrong = tokens;
#@ scope lengths=1..3 alphabet=ab
#@ ensures back: forall i: r[i] == tokens[n-1-i]
#@ ensures front: forall i: wrong[i] == tokens[n-1-i]
"""
# More inputs than the interpreter takes on.
UNDECIDED = "x = indices + 0;\n#@ scope lengths=3..3 integers=0..99\n#@ ensures some: all(x < n)\n"


def _pytest(folder: Path, *arguments: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "verifier.pytest_plugin", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.rasp").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "p.prop").write_text("scope lengths=1..2 alphabet=ab\nensures beside: all(r == r)\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


def test_the_plugin_is_registered(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"rasp": "verifier.pytest_plugin"}


def test_it_does_nothing_unless_asked_to(folder: Path) -> None:
    code, out = _pytest(folder)
    assert (code, "no tests ran" in out, "rasp" in out.replace(str(folder), "")) == (5, True, False)


def test_one_item_for_each_property_and_a_failure_shows_the_counterexample(folder: Path) -> None:
    code, out = _pytest(folder, "--rasp", "--junitxml=junit.xml", "-v")
    assert code == 1
    for item, outcome in (("p.rasp::back", "PASSED"), ("p.rasp::front", "FAILED"), ("p.prop::beside", "PASSED")):
        assert f"{item} {outcome}" in out
    assert "REFUTED n = 2      p.rasp:5  front: forall i: wrong[i] == tokens[n-1-i]" in out
    assert "    input     ab   (shortest, and first in alphabet order; not the only one of its length)" in out
    assert "    wrong     a  " in out
    assert "Traceback" not in out
    cases = ElementTree.parse(folder / "junit.xml").getroot().iter("testcase")
    found = {case.get("name"): {one.get("name"): one.get("value") for one in case.iter("property")} for case in cases}
    assert found["back"]["rasp.verdict"] == "PROVED n ≤ 3"
    assert found["back"]["rasp.scope"] == "lengths=1..3 alphabet=ab numbers=exact"


def test_a_contract_without_its_program_and_a_limit_that_is_none_are_errors(folder: Path) -> None:
    (folder / "p.rasp").unlink()
    code, out = _pytest(folder, "--rasp")
    assert code == 2
    assert "there is no file p.rasp" in out
    code, out = _pytest(folder, "--rasp", "--rasp-max-length", "0")
    assert code == 4
    assert "0 is not a positive number" in out


def test_a_setting_is_asking_and_what_is_not_decided_fails_by_default(folder: Path) -> None:
    for file in ("p.rasp", "p.prop"):
        (folder / file).unlink()
    (folder / "u.rasp").write_text(UNDECIDED, encoding="utf-8")
    (folder / "broken.rasp").write_text("x = ;\n", encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nrasp = true\n", encoding="utf-8")
    (folder / "pyproject.toml").write_text('[tool.rasp]\nengine = "interpreter"\n', encoding="utf-8")
    code, out = _pytest(folder, "--continue-on-collection-errors")
    assert code == 1
    assert "3 failed, 1 error" in out
    assert "broken.rasp:1:5: error" in out
    assert "UNKNOWN" in out
    code, out = _pytest(folder, "u.rasp", "--rasp-unknown=xfail")
    assert code == 0
    assert "3 xfailed" in out


def test_naming_a_file_is_asking_a_property_can_be_picked_and_limits_come_from_the_project(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.rasp]\nmax-length = 1\n", encoding="utf-8")
    code, out = _pytest(folder, "p.rasp::front")
    assert (code, "1 passed" in out) == (0, True)
    (folder / "pyproject.toml").write_text("[tool.rasp]\nmax-lenght = 1\n", encoding="utf-8")
    code, out = _pytest(folder, "p.rasp")
    assert code != 0
    assert "has no key `max-lenght`" in out
