"""What docs/language.md shows is what happens: sessions at the prompt, tables of values, and the limits."""

import io
import re
from pathlib import Path

import pytest

from spec import repl
from spec.lint import lint
from spec.operators import MAX_INT_BITS
from spec.parse import MAX_DIGITS, MAX_NESTING, parse_file_text
from spec.script.budget import Budget
from spec.source import Source
from spec.tokens import KEYWORDS, MAX_TOKENS
from spec.unparse import dump

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"```prompt\n(.*?)```", PAGE, re.DOTALL)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
VALUES = [row for row in ROWS if all(re.fullmatch("`[^`]+`", cell) for cell in row)]
READINGS = [tuple(cell.strip("`") for cell in row) for row in VALUES if len(row) == 3]
RESULTS = [tuple(cell.strip("`") for cell in row) for row in VALUES if len(row) == 2]


def answers(typed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that the prompt answers, without prompts and without the greeting."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
    assert repl.main() == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    said = [re.sub(r"^((>>|\.\.) +)+", "", line) if line.startswith((">> ", ".. ")) else line for line in lines]
    return [line.strip() for line in said if line.strip()]


@pytest.mark.parametrize("session", SESSIONS, ids=[session.split("\n")[0] for session in SESSIONS])
def test_sessions_go_as_shown(
    session: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = session.splitlines()
    typed = [line.removeprefix(">> ") for line in lines if line.startswith(">> ")]
    shown = [line.strip() for line in lines if not line.startswith(">> ") and line.strip()]
    assert answers(typed, monkeypatch, capsys) == shown


def tree(text: str) -> str:
    """The tree of an expression without places; a pair of parentheses leaves no trace in it."""
    return re.sub(r"\d+:\d+(-\d+:\d+)?", "", dump(parse_file_text(Source("t", f"{text};"))))


def value(text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = answers([f"x = {text};"], monkeypatch, capsys)
    return line.partition("=")[2].strip()


@pytest.mark.parametrize(("written", "read", "result"), READINGS)
def test_expressions_are_read_as_shown(
    written: str, read: str, result: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree(written) == tree(read)
    assert value(written, monkeypatch, capsys) == result


@pytest.mark.parametrize(("written", "result"), RESULTS)
def test_expressions_have_the_values_shown(
    written: str, result: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert value(written, monkeypatch, capsys) == result


def test_the_tables_were_found() -> None:
    assert (len(SESSIONS), len(READINGS), len(RESULTS)) == (8, 11, 10)


@pytest.mark.parametrize(
    "trap",
    [
        "not a == b",
        "a or b and c",
        "a < b < c",
        "a ^ b ^ c",
        "-a ^ b",
        "a % b * c",
        "x in l and y",
        "range (3)",
        "len (l)",
    ],
)
def test_traps_are_warned_of(trap: str) -> None:
    assert f"`{trap}`" in PAGE
    assert lint(parse_file_text(Source("t", f"t = {trap};")))


def test_limits_are_the_real_ones() -> None:
    def grouped(number: int) -> str:
        return f"{number:,}".replace(",", " ")

    budget = Budget()
    for text in (
        f"{grouped(MAX_INT_BITS)} bits",
        f"brackets {MAX_NESTING} levels",
        f"numbers {MAX_DIGITS} digits",
        f"a file {grouped(MAX_TOKENS)} words",
        f"a script {grouped(budget.steps)} steps and {grouped(budget.nodes)} nodes",
    ):
        assert text in PAGE.replace("\n", " ").replace("  ", " "), text


def test_every_keyword_is_named() -> None:
    for word in KEYWORDS:
        assert re.search(rf"\b{word}\b", PAGE), word
