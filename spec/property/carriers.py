r"""Where clauses are written: `#@` lines of a program, or the lines of a `.prop` file or a Python string.

A clause is one line, or several of which all but the last end in `\`. What does not belong to a clause (the marks of
continued lines, comments) is blanked out, never removed, so that every offset still is one of the source.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from spec.diagnostics import Diagnostic
from spec.property.ast import Carrier
from spec.property.hints import closest
from spec.property.lexer import REGEX_LITERAL, STRING_LITERAL
from spec.source import Source, Span

KEYWORDS: Final = (
    "scope",
    "requires",
    "ensures",
    "equiv",
    "accepts",
    "invariant",
    "equivariant",
    "causal",
    "cover",
    "example",
    "arch",
    "expect",
)

MAX_ERRORS: Final = 100
"""How many errors of one contract are reported."""

# A comment starts at a hash between spaces, but not inside a string or a regular expression.
_COMMENT = re.compile(
    rf"{STRING_LITERAL}|\b(?:in|iff|prefixes[ \t]*\()[ \t]*{REGEX_LITERAL}|(?P<comment>[ \t]#(?=[ \t]|$).*)"
)
_HEAD = re.compile(r"[ \t]*(?P<keyword>[^\W\d]\w*)?")
_SLOPPY_MARK = re.compile(r"[ \t]*#+[ \t]*@?[ \t]*(?P<word>[^\W\d]\w*)")
_RASP_COMMENT = re.compile(r'"[^"]*"|(?P<comment>#.*)')


@dataclass(frozen=True)
class Clause:
    """A keyword and its body; `body` stands at `offset` in the source, with foreign characters blanked out."""

    keyword: str
    span: Span
    keyword_span: Span
    body: str
    offset: int

    @property
    def source(self) -> Source:
        """Where the clause is written."""
        return self.span.source

    def at(self, start: int, end: int) -> Span:
        """The span of a part of the body."""
        return Span(self.source, self.offset + start, self.offset + end)


@dataclass(frozen=True)
class _Line:
    """A line of the source: its text without the line end, and where it starts."""

    start: int
    text: str


def _lines(source: Source) -> list[_Line]:
    lines, start = [], 0
    for text in source.text.split("\n"):
        lines.append(_Line(start, text.removesuffix("\r")))
        start += len(text) + 1
    return lines


def clauses(source: Source, carrier: Carrier) -> tuple[list[Clause], list[Diagnostic]]:
    """The clauses of a source in order, and what looks like a clause but is none."""
    found: list[Clause] = []
    problems: list[Diagnostic] = []
    lines = iter(_lines(source))
    for line in lines:
        mark = _mark(line.text, carrier)
        if mark is None:
            if len(problems) < MAX_ERRORS:
                problems.extend(_near_misses(source, line, carrier))
            continue
        parts, begin = [_blank(line.text, mark)], line.start
        while parts[-1].endswith("\\"):
            parts[-1] = parts[-1][:-1]
            following = next(lines, None)
            mark = None if following is None else _mark(following.text, carrier)
            if following is None or mark is None:
                problems.append(_unfinished(source, begin + len(parts[-1]), carrier))
                break
            # A line end inside a clause stays a line end, so that no string can reach across it.
            parts[-1] = parts[-1].ljust(following.start - begin - 1)
            parts.append(_blank(following.text, mark))
            begin = following.start
        clause = _clause(source, line.start, "\n".join(parts), problems)
        if clause is not None:
            found.append(clause)
    return found, problems


def _mark(text: str, carrier: Carrier) -> int | None:
    """How many characters of the line come before its clause; None when the line belongs to no clause."""
    stripped = text.lstrip(" \t")
    if carrier is Carrier.ANNOTATIONS:
        return len(text) - len(stripped) + 2 if stripped.startswith("#@") else None
    return 0 if stripped and not stripped.startswith("#") else None


def _blank(text: str, mark: int) -> str:
    """The line without its mark, its comment and trailing blanks; a `\\` that ends the line stays."""
    body = " " * mark + text[mark:]
    continued = body.rstrip().endswith("\\")
    for match in _COMMENT.finditer(body):
        if match["comment"] is not None:
            body = body[: match.start()].ljust(len(body) - continued) + "\\" * continued
            break
    return body.rstrip()


def _clause(source: Source, start: int, text: str, problems: list[Diagnostic]) -> Clause | None:
    head = _HEAD.match(text)
    if head is None or not text.strip():
        return None
    keyword, body_at = head["keyword"] or "", head.end()
    first = head.start("keyword") if keyword else body_at
    keyword_span = Span(source, start + first, start + max(body_at, first + 1))
    span = Span(source, start + first, start + len(text.rstrip()))
    if keyword not in KEYWORDS:
        shown = f"`{keyword}`" if keyword else "this"
        guess = closest(keyword, KEYWORDS)
        hint = f"did you mean `{guess}`?" if guess else "clauses begin with " + ", ".join(KEYWORDS)
        problems.append(Diagnostic("P0102", f"{shown} begins no clause", keyword_span, hint))
        return None
    return Clause(keyword, span, keyword_span, text[body_at:], start + body_at)


def _unfinished(source: Source, backslash: int, carrier: Carrier) -> Diagnostic:
    mark = "another `#@` line" if carrier is Carrier.ANNOTATIONS else "another line"
    span = Span(source, backslash, backslash + 1)
    return Diagnostic("P0103", f"a line that ends in `\\` must be followed by {mark}", span)


def _near_misses(source: Source, line: _Line, carrier: Carrier) -> Iterator[Diagnostic]:
    """Comments that were meant as clauses: `# @ensures`, `##@ ensures`, `x = 1; #@ ensures`, `#@` in a `.prop`."""
    if carrier is not Carrier.ANNOTATIONS:
        if line.text.lstrip().startswith("#@"):
            span = Span(source, line.start + line.text.index("#@"), line.start + line.text.index("#@") + 2)
            yield Diagnostic("P0103", "`#@` belongs in programs", span, "here a clause stands on its own, without `#@`")
        return
    comment = next((match for match in _RASP_COMMENT.finditer(line.text) if match["comment"]), None)
    if comment is None:
        return
    text, at = comment["comment"], line.start + comment.start()
    if text.startswith("#@"):
        span = Span(source, at, at + len(text.rstrip()))
        yield Diagnostic("P0103", "a clause has its own line", span, "move it to the line below, beginning with `#@`")
        return
    sloppy = _SLOPPY_MARK.match(text)
    if sloppy is None or "@" not in sloppy.group():
        return
    guess = closest(sloppy["word"], KEYWORDS)
    if guess is not None:
        span = Span(source, at, at + sloppy.end())
        yield Diagnostic("P0103", "this looks like a clause but is a comment", span, f"write `#@ {guess}`")
