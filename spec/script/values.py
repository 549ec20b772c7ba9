"""What a script variable can hold.

A list is a tuple and a dictionary is never changed after it is built: the language has no mutation. S-ops and
selectors are handles on graph nodes; a handle is what assignment renames, so two handles of one node may carry two
names, and one handle under two variables shows the name that it got last.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias, TypeGuard, assert_never

from spec.ast import Expression, Statement
from spec.graph import Selector, SOp
from spec.values import Atom

if TYPE_CHECKING:
    from spec.script.environment import Environment


@dataclass(slots=True, eq=False)
class SOpValue:
    """An s-op under its current display name."""

    node: SOp
    name: str


@dataclass(slots=True, eq=False)
class SelectorValue:
    """A selector under its current display name."""

    node: Selector
    name: str


Handle: TypeAlias = SOpValue | SelectorValue


@dataclass(slots=True, eq=False)
class Function:
    """A `def`: its text, and the environment it was defined in, which its free names are looked up in when called."""

    name: str
    parameters: tuple[str, ...]
    body: tuple[Statement, ...] = field(repr=False)
    results: tuple[Expression, ...] = field(repr=False)
    closure: "Environment" = field(repr=False)
    library: bool = False

    @property
    def creator(self) -> str:
        """Where it was defined: `console`, `console'` inside a function of it, or the name of a loaded file."""
        return self.closure.label


@dataclass(slots=True, eq=False)
class Applied:
    """What `x("abc")`, `draw(..)` and a loop yield: something to print, with no operations.

    The prompt stores the evaluated sequence or selector in `result`; nothing is evaluated for a file.
    """

    result: object = None
    input: "Value | None" = None
    held: bool = False
    """Whether an expression has yielded it again, from a variable or a function: the prompt then prints no result."""


class Foreign(str):
    """The text of a value that no sequence can hold, in the place of an atom.

    At a prompt such a constant or table entry is refused only when it comes up, as the reference does it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """The text itself, not a string literal."""
        return str(self)


Value: TypeAlias = Atom | SOpValue | SelectorValue | Function | Applied | tuple["Value", ...] | dict[Atom, "Value"]

_ATOMS: Final = (int, str, float, Fraction)


def is_atom(value: Value) -> TypeGuard[Atom]:
    """Whether the value is a number, a truth value or a string."""
    return isinstance(value, _ATOMS)


def is_handle(value: Value) -> TypeGuard[Handle]:
    """Whether the value is an s-op or a selector."""
    return isinstance(value, (SOpValue, SelectorValue))


def truth(value: Value) -> bool:
    """Python's truth value; functions and handles are true."""
    return bool(value) if isinstance(value, (*_ATOMS, tuple, dict)) else True


def type_name(value: Value) -> str:
    """The name of the type, as messages call it."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float() | Fraction():
            return "float"
        case str():
            return "str"
        case tuple():
            return "list"
        case dict():
            return "dict"
        case SOpValue():
            return "s-op"
        case SelectorValue():
            return "selector"
        case Function():
            return "function"
        case Applied():
            return "result"
    assert_never(value)
