"""Inputs and scopes as a command line or a file writes them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Final, TypeVar

from spec.diagnostics import Diagnostic, UsageError
from spec.property.scope import Alphabet, Integers, Scope
from spec.values import Atom, Numbers

T = TypeVar("T")

_LIST: Final = """quote strings: '["if", "x", 3]'; the characters `[` and `]` are '["[", "]"]' too"""


@dataclass(frozen=True)
class Overrides:
    """What replaces parts of a contract's own scope; `None` leaves a part as it is.

    `max_length` only narrows: longer inputs are left out, but a scope keeps its least length.
    """

    lengths: str | None = None
    alphabet: str | None = None
    integers: str | None = None
    numbers: str | None = None
    max_length: int | None = None

    def apply(self, scope: Scope) -> Scope:
        """The scope with these parts; raises `UsageError`."""
        if self.alphabet is not None and self.integers is not None:
            raise usage("--alphabet and --integers exclude each other")
        low, high = scope.low, scope.high
        if self.lengths is not None:
            first, high = _bounds(self.lengths, "--lengths")
            low = 1 if first is None else first
        if self.max_length is not None:
            high = max(low, self.max_length if high is None else min(high, self.max_length))
        alphabet: Alphabet = scope.alphabet
        if self.alphabet is not None:
            alphabet = _alphabet(self.alphabet)
        if self.integers is not None:
            least, greatest = _bounds(self.integers, "--integers")
            alphabet = _checked(lambda: Integers(least, greatest))
        numbers = scope.numbers if self.numbers is None else Numbers(self.numbers)
        return _checked(lambda: Scope(low, high, alphabet, numbers))


def usage(message: str, hint: str | None = None) -> UsageError:
    """A request that makes no sense."""
    return UsageError(Diagnostic("R0501", message, hint=hint))


def word(text: str) -> tuple[Atom, ...]:
    """An input: a JSON list of atoms when it starts with `[`, otherwise the characters themselves."""
    if not text.startswith("["):
        return tuple(text)
    found = _listed(text, "the input")
    if not found:
        raise usage("the input is an empty list", hint=_LIST)
    return found


def _listed(text: str, what: str) -> tuple[Atom, ...]:
    try:
        listed = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise usage(f"{what} is not a JSON list: {error}", hint=_LIST) from error
    return _atoms(listed, what)


def _no_constant(name: str) -> Atom:
    raise ValueError(f"{name} is no number")


def _atoms(listed: object, what: str) -> tuple[Atom, ...]:
    if not isinstance(listed, list):
        raise usage(f"{what} is not a JSON list")
    found: list[Atom] = []
    for item in listed:
        if isinstance(item, Decimal):
            if not isfinite(float(item)):
                raise usage(f"{what} holds a number that no double can")
            found.append(float(item))
        elif isinstance(item, (str, int)):
            found.append(item)
        else:
            raise usage(f"{what} holds {json.dumps(item, default=str)}, which is no atom")
    return tuple(found)


def _checked(build: Callable[[], T]) -> T:
    """What `build` makes, with its complaint as a usage error."""
    try:
        return build()
    except ValueError as error:
        raise usage(str(error)) from error


def _alphabet(text: str) -> tuple[Atom, ...]:
    if text.startswith("["):
        return _listed(text, "the alphabet")
    if text.startswith('"'):
        try:
            return tuple(str(json.loads(text)))
        except ValueError as error:
            raise usage(f"--alphabet {text}: {error}") from error
    return tuple(text)


def _bounds(text: str, option: str) -> tuple[int | None, int | None]:
    """`LOW..HIGH`, `LOW..any`, `any..HIGH` or one number."""
    low, dots, high = text.partition("..")
    try:
        ends = [None if end == "any" else int(end) for end in ((low, high) if dots else (low, low))]
    except ValueError:
        raise usage(f"{option} {text}: expected LOW..HIGH, e.g. 1..8") from None
    return ends[0], ends[1]
