"""Transcripts of the prompt: how a file of sessions is read, and which parts of an answer are compared."""

import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "golden" / "transcripts"
SEPARATOR = "==== next session ====\n"

_SYNTAX = re.compile(r"(!! antlr exception: ).*?( \t-- ignoring input)")
_PYTHON = re.compile(r"something went wrong:.*")
_OBJECT = re.compile(r"(<RASP_support|<s-op |<selector |<result of|<function |Unfinished(Sequence|Select) object).*")
_TRACE = re.compile(r'  File ".*", line \d+, in ')


def sessions(name: str) -> Iterator[tuple[str, str]]:
    """What was typed, and what the reference implementation answered, in each session of a file."""
    typed = (FOLDER / f"{name}.in").read_text(encoding="utf-8").split(SEPARATOR)
    answers = (FOLDER / f"{name}.out").read_text(encoding="utf-8").split(SEPARATOR)
    yield from zip(typed, answers, strict=True)


def typed_lines(text: str) -> list[str]:
    """The lines of a session as `input()` returns them; the last one may lack its newline."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def comparable(answer: str) -> str:
    """The answer without what two implementations cannot share.

    Blanked are the parser generator's own sentences, Python's own exception texts and tracebacks, and, to the end of
    the line, the texts of Python objects that have none.
    """
    text = _PYTHON.sub("something went wrong:", _SYNTAX.sub(r"\1\2", answer))
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: list[str]) -> Iterator[str]:
    in_trace = names_error = False
    for line in lines:
        in_trace = _TRACE.match(line) is not None or (in_trace and line.startswith("    "))
        if in_trace:
            continue
        yield " ERROR" if names_error else _OBJECT.sub("<object>", line)
        names_error = line.startswith("evaluation failed in: [")
