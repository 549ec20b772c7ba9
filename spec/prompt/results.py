"""What an s-op or a selector is on one input, and how the reference implementation writes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pprint import pformat
from typing import Final, TypeAlias

from spec.prompt import text
from spec.script.errors import illegal_values, python_error, type_error
from spec.script.values import Foreign, Value, is_atom, type_name
from spec.values import Atom

MAX_POSITIONS: Final = 2000
"""The longest input; a selector has an entry for each pair of positions."""
_SHORT_MATRIX: Final = 40
_KINDS: Final = (
    ("string", frozenset({"str"})),
    ("bool", frozenset({"bool"})),
    ("int", frozenset({"int", "bool"})),
    ("float", frozenset({"float", "int", "bool"})),
)


@dataclass(frozen=True)
class Row:
    """The values of an s-op, and their common type as it is shown: `bool`, `float`, `int` or `string`."""

    values: tuple[Atom, ...]
    kind: str
    source: dict[Atom, Value] | None = None
    """The dictionary whose keys the values are: they are shown, but looked up in it by position."""

    def __str__(self) -> str:
        """`[v, v] (ints)`, or `[v]*n (ints)` when all values are equal."""
        shown = [brief(value) for value in self.values]
        repeated = self.uniform and len(shown) > 1
        return (f"[{shown[0]}]*{len(shown)}" if repeated else f"[{', '.join(shown)}]") + f" ({self.kind}s)"

    def at(self, position: int) -> Value:
        """The value at a position, as the reference reads it."""
        return self.values[position] if self.source is None else look_up(self.source, position)

    @property
    def uniform(self) -> bool:
        """Whether all values are equal; `1`, `1.0` and `True` are."""
        return len(set(self.values)) == 1


@dataclass(frozen=True)
class Matrix:
    """The rows of a selector as bits: bit j of row i is set when query i selects key j."""

    rows: tuple[int, ...]

    def entries(self, row: int) -> list[bool]:
        """One row as truth values."""
        return [bool(self.rows[row] >> key & 1) for key in range(len(self.rows))]

    def __str__(self) -> str:
        """Python's text of `{row: [0, 1, ..]}`, on a line of its own when it is long."""
        table = {row: list(map(int, self.entries(row))) for row in range(len(self.rows))}
        short = str(table)
        return short if len(short) <= _SHORT_MATRIX else f"\n{pformat(table)}"


Result: TypeAlias = Row | Matrix


def brief(value: Atom) -> str:
    """One value: reals rounded to three digits, truth values as `T` and `F`, strings bare."""
    if isinstance(value, bool):
        return "T" if value else "F"
    return str(round(value, 3)) if isinstance(value, float) else text.plain(value)


def common_kind(values: Sequence[Value]) -> str | None:
    """The type rule of a sequence: integers may mix with truth values, reals with both; None if it is broken."""
    found = {type_name(value) for value in values}
    return next((kind for kind, members in _KINDS if found <= members), None)


def checked(values: Sequence[Value], shown: Callable[[], str], source: dict[Atom, Value] | None = None) -> Row:
    """The row of these values; `shown` says how they read in the error when their types do not go together."""
    atoms = tuple(value for value in values if is_atom(value) and not isinstance(value, Foreign))
    if len(atoms) != len(values):
        raise illegal_values(shown(), None)
    kind = common_kind(atoms)
    if kind is None:
        raise type_error(f"attempted to create sequence with vals of different types:\n\t\t {shown()}", None)
    return Row(atoms, kind, source)


def look_up(source: dict[Atom, Value], position: int) -> Value:
    """What a dictionary has under a position."""
    if position not in source:
        raise python_error(str(position), None)
    return source[position]


def items(example: Value) -> tuple[Value, ...]:
    """The elements of an input: characters, list elements, or the keys of a dictionary."""
    if not isinstance(example, (str, tuple, dict)) or not example:
        message = "RASP sequences/selectors expect non-empty iterables, got: "
        raise type_error(message + text.plain(example), None)
    if len(example) > MAX_POSITIONS:
        raise python_error(f"an input of more than {MAX_POSITIONS} positions", None)
    return tuple(example)
