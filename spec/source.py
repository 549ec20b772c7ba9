"""Source text, and the spans of it that every diagnostic points at."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final

_MARGIN: Final = 100
"""How much of a long line is shown on either side of the place that is meant."""


@dataclass(frozen=True, eq=False)
class Source:
    """One text and the name it is shown under (a path, or `<input>`)."""

    name: str
    text: str

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0] + [i + 1 for i, char in enumerate(self.text) if char == "\n"]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both counted from 1, of a character offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its newline."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


@dataclass(frozen=True)
class Span:
    """The half-open character range `[start, end)` of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """Line of the first character, from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """Column of the first character, from 1."""
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        """The characters covered."""
        return self.source.text[self.start : self.end]

    @property
    def location(self) -> str:
        """`name:line:column`, as editors understand it."""
        return f"{self.source.name}:{self.line}:{self.column}"

    def to(self, other: "Span") -> "Span":
        """The smallest span that covers both."""
        return Span(self.source, min(self.start, other.start), max(self.end, other.end))

    def context(self) -> str:
        """The first line covered, with carets under the part of it that is meant; of a long line, the part around."""
        line, column = self.source.position(self.start)
        text = self.source.line(line)
        first = max(0, column - 1 - _MARGIN) if len(text) > 2 * _MARGIN else 0
        last = min(len(text), column - 1 + _MARGIN) if len(text) > 2 * _MARGIN else len(text)
        before = printable(("…" if first else "") + text[first : column - 1])
        end = min(column - 1 + max(1, self.end - self.start), last)
        after = printable(text[column - 1 : last] + ("…" if last < len(text) else ""))
        carets = "^" * max(1, len(printable(text[column - 1 : end])))
        gutter = f"{line:>5} | "
        return f"{gutter}{before}{after}\n{' ' * len(gutter)}{' ' * len(before)}{carets}"


def printable(text: str) -> str:
    """Text that is safe on a terminal: tabs become a space, other control and bidi characters are escaped."""
    return "".join(
        " " if char == "\t" else char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
