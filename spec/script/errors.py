"""What can go wrong while a script runs, in the words of the reference implementation.

`ScriptError` keeps the family of the reference's exception, because its prompt prints each family differently. The
message of its diagnostic is the reference's text, so that a transcript can be reproduced.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import Enum
from typing import Final

from spec.diagnostics import Diagnostic, ElaborationError, LoadError
from spec.script.naming import describe
from spec.script.values import Value, type_name
from spec.source import Span

_SUGGESTED_FROM: Final = 10_000


class Failure(Enum):
    """The reference's families of errors; the value is a stable diagnostic code."""

    UNDEFINED = "R0201"
    RESERVED = "R0202"
    TYPE = "R0203"
    VALUE = "R0204"
    ARGUMENTS = "R0205"
    PYTHON = "R0206"
    NOT_IMPLEMENTED = "R0207"
    LOAD = "R0208"


BUDGET_CODE: Final = "R0209"
USELESS_CODE: Final = "R0210"
TARGET_CODE: Final = "R0211"


class ScriptError(ElaborationError):
    """A statement of the script failed."""

    def __init__(self, failure: Failure, message: str, span: Span | None, hint: str | None = None) -> None:
        super().__init__(Diagnostic(failure.value, message, span, hint))
        self.failure = failure
        self.message = message


class ScriptLoadError(ScriptError, LoadError):
    """A `load` failed."""

    def __init__(self, message: str, span: Span | None, hint: str | None = None) -> None:
        super().__init__(Failure.LOAD, message, span, hint)


def type_error(message: str, span: Span | None, hint: str | None = None) -> ScriptError:
    """A value of the wrong sort, found by the language."""
    return ScriptError(Failure.TYPE, message, span, hint)


def value_error(message: str, span: Span | None) -> ScriptError:
    """An index that is not there."""
    return ScriptError(Failure.VALUE, message, span)


def python_error(message: str, span: Span | None, hint: str | None = None) -> ScriptError:
    """An operation that Python itself refuses, e.g. a division by zero."""
    return ScriptError(Failure.PYTHON, message, span, hint)


def undefined(name: str, known: Iterable[str], span: Span | None) -> ScriptError:
    """A variable without a value, with the nearest name that has one."""
    hint = suggestion(name, known)
    return ScriptError(Failure.UNDEFINED, f"Error: Undefined variable: {name}", span, hint)


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """`did you mean ..?`, when a known name is close."""
    candidates = [candidate for candidate, _ in zip(known, range(_SUGGESTED_FROM), strict=False)]
    near = get_close_matches(name[:100], candidates, n=1)
    return f"did you mean {near[0]}?" if near else None


def reserved(name: str, span: Span | None) -> ScriptError:
    """A name that may not be assigned."""
    return ScriptError(Failure.RESERVED, f"Error: Cannot set reserved name: {name}", span)


def wrong_arguments(name: str, expected: int, got: int, span: Span | None) -> ScriptError:
    """A call with too many or too few arguments."""
    text = f"wrong number of args for {name}- expected: {expected}, got: {got}."
    return ScriptError(Failure.ARGUMENTS, text, span)


def not_callable(value: Value, span: Span | None) -> ScriptError:
    """A call of something that is neither a function nor an s-op nor a selector."""
    return ScriptError(Failure.NOT_IMPLEMENTED, f"{describe(value)} cannot be called", span)


def unsupported(symbol: str, left: Value, right: Value, span: Span | None) -> ScriptError:
    """An operator that has no meaning on these types, in Python's words."""
    left_type, right_type = type_name(left), type_name(right)
    if symbol in {"<", "<=", ">", ">="}:
        text = f"'{symbol}' not supported between instances of '{left_type}' and '{right_type}'"
    else:
        shown = "** or pow()" if symbol == "^" else symbol
        text = f"unsupported operand type(s) for {shown}: '{left_type}' and '{right_type}'"
    return python_error(text, span)


def illegal_values(shown: str, span: Span | None, hint: str | None = None) -> ScriptError:
    """A sequence of something other than atoms; `shown` are the values."""
    text = "attempted to create sequence with illegal val types (vals must be bool, float, int or string):\n\t\t "
    return type_error(text + shown, span, hint)
