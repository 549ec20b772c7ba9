r"""Regular expressions over tokens, as postfix programs.

A pattern matches a word from end to end, token by token. Literals, `.` (any token), `[abc] [a-z] [^abc]`, `\d \w \s`
(ASCII), `( )`, `|`, `* + ?`, `{m} {m,} {,n} {m,n}`, and `\` before a character that has a meaning.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NoReturn, TypeAlias


class RegexError(Exception):
    """The pattern is malformed; `position` says where."""

    def __init__(self, position: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.position = position
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Letter:
    """One symbol: one of `chars`, or, `negated`, any symbol but those."""

    chars: frozenset[str]
    negated: bool = False

    def matches(self, symbol: str) -> bool:
        """Whether the symbol is one of them."""
        return (symbol in self.chars) is not self.negated


@dataclass(frozen=True)
class Repeat:
    """What comes before, `low` to `high` times; `None` is without end."""

    low: int
    high: int | None


@dataclass(frozen=True)
class Concat:
    """The last `count` pieces, one after the other; none is the empty word."""

    count: int


@dataclass(frozen=True)
class Choice:
    """One of the last `count` pieces."""

    count: int


Instruction: TypeAlias = Letter | Repeat | Concat | Choice

_CLASSES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "d": frozenset(string.digits),
        "w": frozenset(string.ascii_letters + string.digits + "_"),
        "s": frozenset(" \t\n\r\f\v"),
    }
)
_CONTROLS: Final[Mapping[str, str]] = MappingProxyType({"n": "\n", "t": "\t", "r": "\r"})
_COUNTS = re.compile(r"\{(\d{0,6})(,?)(\d{0,6})\}")


def postfix(pattern: str) -> tuple[Instruction, ...]:
    """The pattern as a postfix program, or `RegexError`."""
    return _Parser(pattern).parse()


class _Parser:
    """Operator precedence with explicit stacks: each open group has alternatives, each a run of pieces."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.program: list[Instruction] = []
        self.pieces = [0]
        """For each open group, how many pieces the current alternative has so far."""
        self.alternatives = [0]
        """For each open group, how many alternatives are finished."""
        self.opened: list[int] = []
        self.repeatable = False

    def fail(self, message: str, hint: str | None = None, at: int | None = None) -> NoReturn:
        raise RegexError(self.position if at is None else at, message, hint)

    def parse(self) -> tuple[Instruction, ...]:
        while self.position < len(self.pattern):
            char = self.pattern[self.position]
            match char:
                case "(":
                    self._open()
                case ")":
                    self._close()
                case "|":
                    self._alternative()
                    self.position += 1
                case "*" | "+" | "?" | "{":
                    self._repeat(char)
                case "^" | "$":
                    self.fail(f"`{char}` is no anchor here: a word is always matched as a whole", f"write `\\{char}`")
                case _:
                    self._letter(self._class() if char == "[" else self._single())
        if self.opened:
            self.fail("this group is not closed", at=self.opened[-1])
        self._finish()
        return tuple(self.program)

    def _open(self) -> None:
        if self.pattern.startswith("(?", self.position):
            self.fail("groups have no options here", "write `(..)`")
        self.opened.append(self.position)
        self.pieces.append(0)
        self.alternatives.append(0)
        self.repeatable = False
        self.position += 1

    def _close(self) -> None:
        if not self.opened:
            self.fail("this `)` closes no group", "a bracket as a symbol is written `\\)`")
        self.opened.pop()
        self._finish()
        self.pieces.pop()
        self.alternatives.pop()
        self._piece()
        self.position += 1

    def _alternative(self) -> None:
        """End the current alternative of the innermost group."""
        self.program.append(Concat(self.pieces[-1]))
        self.alternatives[-1] += 1
        self.pieces[-1] = 0
        self.repeatable = False

    def _finish(self) -> None:
        """End the innermost group, or the pattern."""
        self._alternative()
        self.program.append(Choice(self.alternatives[-1]))

    def _piece(self) -> None:
        """A piece is complete, and may be repeated."""
        self.pieces[-1] += 1
        self.repeatable = True

    def _letter(self, letter: Letter) -> None:
        self.program.append(letter)
        self._piece()

    def _repeat(self, char: str) -> None:
        if not self.repeatable:
            self.fail(f"nothing to repeat before `{char}`", f"a `{char}` as a symbol is written `\\{char}`")
        if char != "{":
            self.position += 1
            self.program.append(Repeat(1 if char == "+" else 0, 1 if char == "?" else None))
        else:
            self.program.append(self._counts())
        self.repeatable = False

    def _counts(self) -> Repeat:
        match = _COUNTS.match(self.pattern, self.position)
        if match is None or (not match[1] and not match[3]):
            self.fail("`{` begins a repetition like `{2}`, `{2,}` or `{2,5}`", "a brace as a symbol is written `\\{`")
        low, comma, high = match.groups()
        if high and int(high) < int(low or 0):
            self.fail("the upper count is less than the lower one")
        self.position = match.end()
        return Repeat(int(low or 0), (int(high) if high else None) if comma else int(low))

    def _single(self) -> Letter:
        char = self.pattern[self.position]
        if char == "\\":
            return self._escape()
        self.position += 1
        return Letter(frozenset(), negated=True) if char == "." else Letter(frozenset(char))

    def _escape(self) -> Letter:
        if self.position + 1 >= len(self.pattern):
            self.fail("a `\\` escapes nothing")
        char = self.pattern[self.position + 1]
        if char.lower() in _CLASSES:
            self.position += 2
            return Letter(_CLASSES[char.lower()], negated=char.isupper())
        if char.isalnum() and char not in _CONTROLS:
            self.fail(f"`\\{char}` means nothing")
        self.position += 2
        return Letter(frozenset(_CONTROLS.get(char, char)))

    def _class(self) -> Letter:
        start = self.position
        self.position += 1
        negated = self.pattern.startswith("^", self.position)
        self.position += negated
        chars: set[str] = set()
        first = self.position
        while not self.pattern.startswith("]", self.position) or self.position == first:
            if self.position >= len(self.pattern):
                self.fail("this `[` is not closed", at=start)
            chars |= self._class_item(start)
        self.position += 1
        return Letter(frozenset(chars), negated)

    def _class_item(self, start: int) -> frozenset[str]:
        low = self._class_char()
        ranged = self.pattern.startswith("-", self.position) and not self.pattern.startswith("-]", self.position)
        if not ranged:
            return low
        self.position += 1
        if self.position >= len(self.pattern):
            self.fail("this `[` is not closed", at=start)
        high = self._class_char()
        if len(low) != 1 or len(high) != 1 or min(low) > min(high):
            self.fail("a range goes from a lower to a higher character", at=start)
        return frozenset(map(chr, range(ord(min(low)), ord(min(high)) + 1)))

    def _class_char(self) -> frozenset[str]:
        if self.pattern[self.position] == "\\":
            letter = self._escape()
            if letter.negated:
                self.fail("a negated class cannot stand inside brackets", at=self.position - 2)
            return letter.chars
        self.position += 1
        return frozenset(self.pattern[self.position - 1])
