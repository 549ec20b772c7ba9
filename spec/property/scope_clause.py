"""The body of a `scope` clause: `lengths=1..8 alphabet=abc numbers=exact`."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NoReturn, cast

from spec.diagnostics import Diagnostic, PropertyError
from spec.property.carriers import Clause
from spec.property.hints import near
from spec.property.scope import Alphabet, Integers, Scope
from spec.source import Span
from spec.values import Atom, Numbers

_ITEM = re.compile(r"\s*(?P<key>\w+)\s*=\s*")
_RANGE = re.compile(r"(?P<low>-?\d{1,1000}|any)(?:\s*\.\.\s*(?P<high>-?\d{1,1000}|any))?(?!\S)")
_WORD = re.compile(r"\S+")


@dataclass
class _Reader:
    """Reads one `key=value` after the other."""

    clause: Clause
    position: int = 0
    values: dict[str, object] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)

    def read(self) -> None:
        body = self.clause.body
        while body[self.position :].strip():
            match = _ITEM.match(body, self.position)
            if match is None:
                start = self.position + len(body[self.position :]) - len(body[self.position :].lstrip())
                self.fail(start, len(body), "expected `key=value`", "like `lengths=1..4 alphabet=ab`")
            key, at = match["key"], match.start("key")
            if key not in _READERS:
                self.fail(at, match.end("key"), f"a scope has no `{key}`", near(key, _READERS))
            if key in self.values:
                self.fail(at, match.end("key"), f"`{key}` is given twice")
            self.position = match.end()
            self.values[key] = _READERS[key](self)
            self.spans[key] = self.clause.at(at, self.position)

    def fail(self, start: int, end: int, message: str, hint: str | None = None) -> NoReturn:
        raise PropertyError(Diagnostic("P0104", message, self.clause.at(start, max(end, start + 1)), hint))

    def word(self) -> tuple[str, int]:
        """The characters up to the next blank, and where they start."""
        match = _WORD.match(self.clause.body, self.position)
        if match is None:
            self.fail(self.position - 1, self.position, "a value is missing after `=`")
        self.position = match.end()
        return match.group(), match.start()

    def range(self) -> tuple[int | None, int | None, bool]:
        """`3`, `1..8`, `any`, `1..any`: the ends, and whether there were two."""
        match = _RANGE.match(self.clause.body, self.position)
        if match is None:
            text, start = self.word()
            self.fail(start, start + len(text), f"`{text}` is no range", "like `3`, `1..8`, `2..any` or `any`")
        self.position = match.end()
        ends = [None if end in (None, "any") else int(end) for end in match.groups()]
        return ends[0], ends[1], match["high"] is not None

    def lengths(self) -> tuple[int, int | None]:
        low, high, two = self.range()
        return (1 if low is None else low), (high if two else low)

    def integers(self) -> Integers:
        start = self.position
        low, high, two = self.range()
        try:
            return Integers(low, high if two else low)
        except ValueError as error:
            self.fail(start, self.position, str(error))

    def numbers(self) -> Numbers:
        text, start = self.word()
        try:
            return Numbers(text)
        except ValueError:
            self.fail(
                start, start + len(text), f"there are no `{text}` numbers", near(text, [n.value for n in Numbers])
            )

    def alphabet(self) -> tuple[Atom, ...]:
        body, start = self.clause.body, self.position
        if not body.startswith(('"', "["), start):
            return tuple(self.word()[0])
        try:
            value, end = json.JSONDecoder(parse_constant=_no_constant).raw_decode(body, start)
        except (ValueError, RecursionError):
            hint = 'brackets as symbols are written in quotes: alphabet="[]()"'
            self.fail(start, len(body.rstrip()), "this is neither a JSON string nor a JSON list", hint)
        if body[end : end + 1].strip():
            self.fail(end, end + 1, "expected a space after the alphabet", 'write symbols like [ in quotes: "[]()"')
        self.position = end
        if isinstance(value, str):
            return tuple(value)
        if not all(isinstance(item, str | int | float) for item in value):
            self.fail(start, end, "the symbols of an alphabet are strings, numbers and booleans")
        return tuple(value)


_READERS: Final[Mapping[str, Callable[[_Reader], object]]] = MappingProxyType(
    {
        "lengths": _Reader.lengths,
        "alphabet": _Reader.alphabet,
        "integers": _Reader.integers,
        "numbers": _Reader.numbers,
    }
)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no symbol")


def read_scope(clause: Clause) -> Scope:
    """The scope that a clause denotes; what it leaves out is as in the default scope."""
    reader = _Reader(clause)
    reader.read()
    values = reader.values
    if "alphabet" in values and "integers" in values:
        hint = "a scope has one or the other"
        raise PropertyError(
            Diagnostic("P0104", "`alphabet` and `integers` exclude each other", reader.spans["integers"], hint)
        )
    default = Scope()
    low, high = cast("tuple[int, int | None]", values.get("lengths", (default.low, default.high)))
    alphabet = cast(Alphabet, values.get("alphabet", values.get("integers", default.alphabet)))
    numbers = cast(Numbers, values.get("numbers", default.numbers))
    try:
        return Scope(low, high, alphabet, numbers)
    except ValueError as error:
        span = reader.spans.get("lengths" if "lengths" in str(error) else "alphabet", clause.span)
        raise PropertyError(Diagnostic("P0104", str(error), span)) from error
