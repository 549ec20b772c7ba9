"""The pages that show sessions at the shell: what they show is what happens, line for line.

A block of RASP with `file=NAME` is a file; one without replaces a definition in the last file. In a console block, what
stands after `$ ` is typed and the lines after it are the answer; `..` stands for lines left out, and for a part of one.
"""

import re
import shlex
from pathlib import Path

import pytest

from verifier import cli

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(rasp(?: file=(?P<name>\S+))?|console)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
TIMES = re.compile(r"[\d.]+ s\b|^speed .*|[\d.]+ inputs a second")


def matches(shown: list[str], seen: list[str]) -> bool:
    """Whether the lines are these, where `..` is any number of lines."""
    if not shown:
        return not seen
    if shown[0] == "..":
        return any(matches(shown[1:], seen[start:]) for start in range(len(seen) + 1))
    return bool(seen) and line_matches(shown[0], seen[0]) and matches(shown[1:], seen[1:])


def line_matches(shown: str, seen: str) -> bool:
    """Whether the line is this one, where ` ..,` is any part of it that ends with a comma."""
    pattern = r" [^;]*,".join(map(re.escape, shown.split(" ..,")))
    return re.fullmatch(pattern, seen) is not None


def lines(text: str) -> list[str]:
    """Without times and without space at the ends of lines."""
    return [TIMES.sub("_", line).rstrip() for line in text.splitlines()]


def replaced(program: str, part: str) -> str:
    """The program with the definition of the last name of the part replaced by the part."""
    name = re.findall(r"^(\w+) =", part, re.MULTILINE)[-1]
    changed, count = re.subn(rf"^{name} = .*\n", lambda _: part, program, flags=re.MULTILINE)
    assert count == 1, name
    return changed


@pytest.mark.parametrize("page", ["README.md", "docs/tour.md"])
def test_sessions_go_as_shown(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec").symlink_to(ROOT / "spec")
    asked, last = 0, tmp_path / "none.rasp"
    for block in BLOCK.finditer((ROOT / page).read_text(encoding="utf-8")):
        text = block["text"]
        if block["name"]:
            last = tmp_path / block["name"]
            last.write_text(text, encoding="utf-8")
        elif block[1] == "rasp":
            last.write_text(replaced(last.read_text(encoding="utf-8"), text), encoding="utf-8")
        else:
            for session in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                typed, _, answer = session.partition("\n")
                program, *arguments = shlex.split(typed)
                assert program == "rasp"
                cli.main(arguments)
                seen = lines(capsys.readouterr().out)
                assert matches(lines(answer), seen), "\n".join([f"$ {typed}", *seen])
                asked += 1
    assert asked > 5


def test_what_differs_is_noticed() -> None:
    assert matches(["a", "..", "c"], ["a", "b", "b", "c"])
    assert not matches(["a", "..", "c"], ["a", "b"])
    assert not matches(["a"], ["a", "b"])
    assert matches(["a, .., d"], ["a, b, c, d"])
    assert not matches(["a, .., d"], ["a, b, c, e"])
    assert lines("3 proved; 2.5 s ") == lines("3 proved; 11.0 s")
