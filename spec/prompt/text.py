"""Values as Python writes them, however long they are: what the prompt prints is not cut as messages are."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from spec.script import naming
from spec.script.errors import python_error
from spec.script.values import Function, Value

MAX_TEXT: Final = 1 << 20
"""A list that holds itself many times over would have no end to its text."""

_Pending: TypeAlias = tuple[Iterator[tuple[str, Value]], str]


def plain(value: Value) -> str:
    """Python's `str` of a value: a string bare, but in quotes inside a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, Function):
        return naming.function_text(value)
    pieces: list[str] = []
    size = 0
    for piece in _pieces(value):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_TEXT:
            raise python_error(f"text of more than {MAX_TEXT} characters", None)
    return "".join(pieces)


def quoted(value: Value) -> str:
    """Python's `str` of a value, a string in double quotes."""
    return f'"{value}"' if isinstance(value, str) else plain(value)


def tuple_text(values: Sequence[Value]) -> str:
    """Python's text of a tuple of values."""
    inside = plain(tuple(values))[1:-1]
    return f"({inside},)" if len(values) == 1 else f"({inside})"


def number(value: int) -> str:
    """The digits; Python refuses to write more than 4300 of them."""
    try:
        return str(value)
    except ValueError as error:
        raise python_error(str(error), None) from error


def _pieces(value: Value) -> Iterator[str]:
    stack: list[_Pending] = []
    piece = _opened(value, stack)
    while True:
        yield piece
        entry = next(stack[-1][0], None) if stack else None
        while stack and entry is None:
            yield stack.pop()[1]
            entry = next(stack[-1][0], None) if stack else None
        if entry is None:
            return
        yield entry[0]
        piece = _opened(entry[1], stack)


def _opened(value: Value, stack: list[_Pending]) -> str:
    """The text of a simple value, or the bracket that opens a list or dictionary, whose rest goes on the stack."""
    match value:
        case str():
            return repr(value)
        case tuple():
            stack.append((_commas(("", item) for item in value), "]"))
            return "["
        case dict():
            stack.append((_commas((f"{_inside(key)}: ", item) for key, item in value.items()), "}"))
            return "{"
        case _:
            return _inside(value)


def _inside(value: Value) -> str:
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value)
    return f"<function {value.name}>" if isinstance(value, Function) else naming.python_text(value)


def _commas(entries: Iterator[tuple[str, Value]]) -> Iterator[tuple[str, Value]]:
    for position, (label, item) in enumerate(entries):
        yield (", " if position else "") + label, item
