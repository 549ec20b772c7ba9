"""What binding adds to a contract: the node behind every name, the type of every expression, implicit properties."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from spec.diagnostics import Diagnostic
from spec.graph import Graph, Node, Selector, SOp
from spec.operators import Kinds
from spec.property.ast import Contract, Expression, Name, Property, Target, Variable
from spec.property.walk import names_in
from spec.values import Numbers


class Program(Protocol):
    """What a contract needs to know about a program; `spec.elaborate.Program` is one."""

    @property
    def graph(self) -> Graph:
        """The graph that the nodes belong to; its `numbers` are the meaning of reals."""
        ...

    def sops(self) -> Mapping[str, SOp]:
        """The s-ops that the program itself names."""
        ...

    def selectors(self) -> Mapping[str, Selector]:
        """The selectors that the program itself names."""
        ...

    def sop(self, name: str) -> SOp:
        """The s-op of that name, builtins and library included, or `UsageError`."""
        ...

    def selector(self, name: str) -> Selector:
        """The selector of that name, or `UsageError`."""
        ...


class Programs(Protocol):
    """Gives the program that a contract is about, and those that it compares it with."""

    def __call__(self, path: str | None, numbers: Numbers) -> Program:
        """The program of the file at `path` as the contract wrote it, or, with `None`, the contract's own.

        Raises `RaspError` when there is none.
        """
        ...


class Shape(Enum):
    """How many atoms a value has: one, one for each element, or one for each pair of positions."""

    SCALAR = "value"
    SEQUENCE = "sequence"
    SELECTOR = "selector"


@dataclass(frozen=True)
class Type:
    """A shape, and the kinds that the atoms can have. No kinds: there may be no atoms, so nothing is known."""

    shape: Shape
    kinds: Kinds


Ref: TypeAlias = Variable | SOp | Selector


@dataclass(frozen=True, eq=False)
class Binding:
    """What names and targets stand for, and the types of expressions. One for a whole contract.

    `positional` are the variables that range over integers, not over symbols.
    """

    refs: Mapping[Name, Ref]
    types: Mapping[Expression, Type]
    sops: Mapping[Target, SOp]
    positional: Collection[Variable] = frozenset()

    def nodes(self, expression: Expression) -> tuple[Node, ...]:
        """The s-ops and selectors that the expression names, each once, in the order of their first mention."""
        refs = (self.refs[name] for name in names_in(expression))
        return tuple(dict.fromkeys(ref for ref in refs if not isinstance(ref, Variable)))


@dataclass(frozen=True, eq=False)
class BoundProperty:
    """A property of a program. `program` has the numbers of the scope.

    `agreeing` is the target of `NumbersAgree` under each number semantics; `None` for other claims.
    """

    property: Property
    program: Program
    binding: Binding
    agreeing: Mapping[Numbers, SOp] | None = None


@dataclass(frozen=True, eq=False)
class BoundContract:
    """The properties of a program, explicit and implicit: those of each scope, then the implicit ones of that scope."""

    contract: Contract
    properties: tuple[BoundProperty, ...]
    warnings: tuple[Diagnostic, ...]
