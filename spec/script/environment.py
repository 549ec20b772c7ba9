"""Variables: where a name is looked up, what may be assigned, and what a loaded file passes on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from spec.script.errors import reserved, undefined
from spec.script.values import Value
from spec.source import Span

RESERVED_WORDS: Final = frozenset(
    {"if", "else", "not", "and", "or", "out", "def", "return", "range", "for", "in", "zip", "len", "get"}
)
BUILTIN_NAMES: Final = (
    "tokens_asis",
    "tokens_str",
    "tokens_int",
    "tokens_bool",
    "tokens_float",
    "indices",
    "True",
    "False",
)
OUT: Final = "out"


@dataclass(eq=False, slots=True)
class Environment:
    """One scope. `constants` are the builtins, which no scope can shadow; `library` is only filled at the root.

    A file runs in an environment whose `exports` is the environment that loaded it: every public name is set there
    too, and is refused there if it is reserved there, after it has been set here.
    """

    name: str
    constants: Mapping[str, Value]
    parent: "Environment | None" = None
    exports: "Environment | None" = None
    library: dict[str, Value] = field(default_factory=dict)
    protects_library: bool = False
    fills_library: bool = False
    variables: dict[str, Value] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    depth: int = 0

    @property
    def label(self) -> str:
        """The name that functions defined here show as their creator; nesting adds a prime."""
        return self.name + "'" * self.depth

    def nested(self) -> "Environment":
        """A scope inside this one, for a function call or one round of a comprehension."""
        return Environment(self.name, self.constants, parent=self, depth=self.depth + 1)

    def snapshot(self) -> "Environment":
        """A root with the same content, in which the library's names may be assigned."""
        return Environment(self.name, self.constants, library=dict(self.library), variables=dict(self.variables))

    def get(self, name: str, span: Span | None) -> Value:
        """The value of a variable here or in a surrounding scope."""
        if name in self.constants:
            return self.constants[name]
        scope: Environment | None = self
        while scope is not None:
            if name in scope.library:
                return scope.library[name]
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.parent
        raise undefined(name, self.names(), span)

    def names(self) -> Iterator[str]:
        """Every name that has a value here."""
        scope: Environment | None = self
        while scope is not None:
            yield from scope.variables
            yield from scope.library
            scope = scope.parent
        yield from self.constants

    def set(self, name: str, value: Value, span: Span | None) -> None:
        """Assign, here and in every environment that this one exports to."""
        scope: Environment | None = self
        while scope is not None:
            if name in RESERVED_WORDS or name in scope.constants:
                raise reserved(name, span)
            if scope.protects_library and name in scope.library:
                raise reserved(name, span)
            if scope.fills_library:
                scope.library[name] = value
            else:
                scope.variables[name] = value
            if span is not None:
                scope.spans[name] = span
            scope = None if name.startswith("_") else scope.exports

    def set_out(self, value: Value) -> None:
        """Remember the last value, as `out`."""
        self.variables[OUT] = value
