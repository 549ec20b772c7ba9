"""The page about continuous integration says what is so."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

import verifier
from verifier.report.formats import FORMATS
from verifier.running.config import CACHE_MODES, Settings, resolve

PROGRAM = "result = sort(tokens, tokens);\n"


@pytest.fixture(scope="module")
def text(checkout: Path) -> str:
    return (checkout / "docs" / "ci.md").read_text(encoding="utf-8")


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_settings_are_accepted(text: str, tmp_path: Path) -> None:
    (block,) = _blocks(text, "toml")
    (tmp_path / "pyproject.toml").write_text(block, encoding="utf-8")
    for profile in tomllib.loads(block)["tool"]["rasp"]["profile"]:
        assert resolve({}, profile=profile, start=tmp_path).settings != Settings()


def test_every_setting_mode_and_format_is_in_its_table(text: str) -> None:
    rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    for name in (*(field.name.replace("_", "-") for field in fields(Settings)), *CACHE_MODES, *FORMATS):
        assert f"`{name}`" in rows


def test_the_python_runs(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its two questions, asked of a program that sorts."""
    (block,) = _blocks(text, "python")
    claim, condition = re.findall(r'\.(?:prove|find)\("(.*?)"', block)
    (tmp_path / "sort.rasp").write_text(PROGRAM, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    program = verifier.load("sort.rasp")
    assert program.prove(claim, lengths=(1, 3), alphabet="abc").proved
    assert program.find(condition, alphabet="ab") == ("b", "a")


def test_the_action_has_the_inputs_that_are_used(text: str, checkout: Path) -> None:
    action = (checkout / "action.yml").read_text(encoding="utf-8")
    used = re.search(r"uses: OWNER/rasp-verifier@.*?with:\n((?: {6}\S.*\n)+)", text, re.DOTALL)
    assert used is not None
    for key in re.findall(r"^ {6}([\w-]+):", used[1], re.MULTILINE):
        assert re.search(rf"^  {key}:$", action, re.MULTILINE)
