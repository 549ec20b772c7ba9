"""How script values read: the display names of derived s-ops and selectors, and values inside messages.

The rules are the reference implementation's, because transcripts show them: an s-op derived by an operator is named
by its operands, and a name of more than 30 characters gives way to `s-op` or `sel`.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final, assert_never

from spec.diagnostics import InternalError
from spec.script.values import Applied, Function, Handle, SelectorValue, SOpValue, Value
from spec.values import Atom

MAX_NAME: Final = 30
MAX_SHOWN_ARGUMENT: Final = 20
MAX_SHOWN: Final = 2_000
_MAX_SHOWN_BITS: Final = 4096

SOP_NAME: Final = "s-op"
SELECTOR_NAME: Final = "sel"
SELECT_NAME: Final = "plain select"


def rename(handle: Handle, name: str) -> None:
    """Give the shared object a name, as an assignment does."""
    if len(name) > MAX_NAME:
        name = SOP_NAME if isinstance(handle, SOpValue) else SELECTOR_NAME
    handle.name = name


def sop_name(name: str) -> str:
    """The name of a new s-op that would be called `name`."""
    return name if len(name) <= MAX_NAME else SOP_NAME


def infix(left: Value, symbol: str, right: Value) -> str:
    """`( left op right )`; power is written `pow`."""
    return f"( {operand(left)} {'pow' if symbol == '^' else symbol} {operand(right)} )"


def prefix(symbol: str, value: Value) -> str:
    """`( op x )`."""
    return f"( {symbol} {operand(value)} )"


def junction(left: Value, symbol: str, right: Value) -> str:
    """`( left and right)`, with the reference's missing space."""
    return f"( {operand(left)} {symbol} {operand(right)})"


def application(function: Function, arguments: list[Value]) -> str:
    """`f(a , b)`; long lists and dictionaries are only named by their type."""
    return f"{function.name}({' , '.join(map(_argument, arguments))})"


def operand(value: Value) -> str:
    """An operand inside a derived name: the name of what has one, otherwise Python's text of it."""
    match value:
        case SOpValue(name=name) | SelectorValue(name=name) | Function(name=name):
            return name
        case _:
            return python_text(value)


def _argument(value: Value) -> str:
    if not isinstance(value, (tuple, dict)):
        return describe(value)
    text = _rendered(value, top=False, python=False, limit=MAX_SHOWN_ARGUMENT)
    if len(text) > MAX_SHOWN_ARGUMENT:
        return "(list)" if isinstance(value, tuple) else "(dict)"
    return text


def describe(value: Value) -> str:
    """A value inside a message: s-ops by name, strings in double quotes."""
    return _rendered(value, top=False, python=False, limit=MAX_SHOWN)


def python_text(value: Value) -> str:
    """A value as Python's `str` writes it: a string bare, but in quotes inside a list."""
    if isinstance(value, Function):
        return function_text(value)
    return _rendered(value, top=True, python=True, limit=MAX_SHOWN)


def _rendered(value: Value, top: bool, python: bool, limit: int) -> str:
    """The text of a value, cut at the limit: a shared sublist is written out each time that it occurs."""
    shown: list[str] = []
    size = 0
    pieces = iter((value,)) if top and isinstance(value, str) else _pieces(value, python)
    for piece in pieces:
        shown.append(piece)
        size += len(piece)
        if size > limit:
            return "".join(shown)[:limit] + "…"
    return "".join(shown)


def _pieces(value: Value, python: bool) -> Iterator[str]:
    """The text, piece by piece, with a stack of the lists and dictionaries that are being written."""
    stack: list[tuple[Iterator[tuple[str, Value]], str]] = []
    yield from _opening(value, python, stack)
    while stack:
        entries, closing = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
            yield closing
        else:
            yield entry[0]
            yield from _opening(entry[1], python, stack)


def _opening(value: Value, python: bool, stack: list[tuple[Iterator[tuple[str, Value]], str]]) -> Iterator[str]:
    """The whole of a simple value, or the beginning of one with entries, which goes on the stack."""
    match value:
        case str():
            yield repr(value) if python else f'"{value}"'
        case tuple():
            yield "["
            stack.append((_separated(("", item) for item in value), "]"))
        case dict():
            yield "{"
            keys = ((_key(key, python), item) for key, item in value.items())
            stack.append((_separated(keys), "}"))
        case _:
            yield _scalar(value, python)


def _separated(entries: Iterable[tuple[str, Value]]) -> Iterator[tuple[str, Value]]:
    """The entries, with a comma before all but the first."""
    for position, (label, item) in enumerate(entries):
        yield (", " if position else "") + label, item


def _key(key: Atom, python: bool) -> str:
    return _rendered(key, top=False, python=python, limit=MAX_SHOWN) + ": "


def _scalar(value: Value, python: bool) -> str:
    match value:
        case SOpValue(name=name) | SelectorValue(name=name):
            kind = "s-op" if isinstance(value, SOpValue) else "selector"
            return f"<{kind} {name}>" if python else name
        case Function():
            return f"<function {value.name}>" if python else function_text(value)
        case Applied():
            return "<result of an application>"
        case int() | float() | Fraction():
            return number_text(value)
        case str():
            return value
        case tuple() | dict():
            raise InternalError("a list is not a scalar")
    assert_never(value)


def function_text(function: Function) -> str:
    """`console function: f(a, b)`."""
    return f"{function.creator} function: {function.name}({', '.join(function.parameters)})"


def number_text(value: Atom) -> str:
    """A number as Python writes it; an exact rational as the double nearest to it."""
    if isinstance(value, Fraction):
        try:
            return str(float(value))
        except OverflowError:
            return f"<real of {value.numerator.bit_length()} bits>"
    if isinstance(value, int) and value.bit_length() > _MAX_SHOWN_BITS:
        return f"<integer of {value.bit_length()} bits>"
    return str(value)
