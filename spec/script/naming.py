"""How script values read: the display names of derived s-ops and selectors, and values inside messages.

The rules are the reference implementation's, because transcripts show them: an s-op derived by an operator is named
by its operands, and a name of more than 30 characters gives way to `s-op` or `sel`.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from spec.script.values import Applied, Function, Handle, SelectorValue, SOpValue, Value
from spec.values import Atom

MAX_NAME: Final = 30
MAX_SHOWN_ARGUMENT: Final = 20
MAX_SHOWN: Final = 10_000
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
    text = describe(value)
    if isinstance(value, (tuple, dict)) and len(text) > MAX_SHOWN_ARGUMENT:
        return "(list)" if isinstance(value, tuple) else "(dict)"
    return text


def describe(value: Value) -> str:
    """A value inside a message: s-ops by name, strings in double quotes."""
    return _rendered(value, top=False, python=False)


def python_text(value: Value) -> str:
    """A value as Python's `str` writes it: a string bare, but in quotes inside a list."""
    return _rendered(value, top=True, python=True)


def _rendered(value: Value, top: bool, python: bool) -> str:
    """The text of a value, cut at `MAX_SHOWN`; a shared sublist is written out each time, so size must be bounded."""
    if top and isinstance(value, str):
        return value
    shown: list[str] = []
    size = 0
    for piece in _pieces(value, python):
        shown.append(piece)
        size += len(piece)
        if size > MAX_SHOWN:
            return "".join(shown)[:MAX_SHOWN] + "…"
    return "".join(shown)


def _pieces(value: Value, python: bool) -> Iterator[str]:
    """The text, piece by piece, with a stack of what is still to be written."""
    todo: list[tuple[bool, Value]] = [(False, value)]  # whether it is punctuation, and the text or the value
    while todo:
        literal, item = todo.pop()
        match item:
            case str():
                yield item if literal else repr(item) if python else f'"{item}"'
            case tuple():
                todo.append((True, "]"))
                for position in range(len(item) - 1, -1, -1):
                    todo.append((False, item[position]))
                    todo.append((True, ", " if position else "["))
                if not item:
                    todo.append((True, "["))
            case dict():
                todo.append((True, "}"))
                for position, (key, entry) in reversed(list(enumerate(item.items()))):
                    todo += [(False, entry), (True, ": "), (False, key), (True, ", " if position else "{")]
                if not item:
                    todo.append((True, "{"))
            case _:
                yield _scalar(item, python)


def _scalar(value: Value, python: bool) -> str:
    match value:
        case SOpValue(name=name) | SelectorValue(name=name):
            kind = "s-op" if isinstance(value, SOpValue) else "selector"
            return f"<{kind} {name}>" if python else name
        case Function():
            return function_text(value)
        case Applied():
            return "<result of an application>"
        case int() | float() | Fraction():
            return number_text(value)
        case _:
            return python_text(value)


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
