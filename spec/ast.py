"""Surface syntax: one frozen dataclass for each form of the grammar, each with the span it came from.

The trees keep exactly what was written; precedence is already resolved as the reference resolves it, and nothing
is evaluated or renamed. `Expression` and `Statement` are closed unions.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from spec.source import Span


class UnaryOp(Enum):
    """Prefix operators; they bind tighter than every binary operator."""

    NOT = "not"
    NEG = "-"
    POS = "+"


class BinaryOp(Enum):
    """Infix operators, named by their token. There is no infix `!=`."""

    POW = "^"
    MUL = "*"
    DIV = "/"
    MOD = "%"
    ADD = "+"
    SUB = "-"
    EQ = "=="
    LE = "<="
    GE = ">="
    GT = ">"
    LT = "<"
    AND = "and"
    OR = "or"
    IN = "in"


class Predicate(Enum):
    """The six comparisons that `select` accepts: `key OP query`."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True)
class Name:
    """A variable."""

    span: Span
    id: str


@dataclass(frozen=True)
class IntLiteral:
    """A non-negative integer."""

    span: Span
    value: int


@dataclass(frozen=True)
class FloatLiteral:
    """Digits, a dot, digits; the text is kept so that the exact decimal is not lost."""

    span: Span
    text: str


@dataclass(frozen=True)
class StringLiteral:
    """Characters between double quotes, without escapes."""

    span: Span
    value: str


@dataclass(frozen=True)
class ListLiteral:
    """`[a, b]`."""

    span: Span
    items: tuple["Expression", ...]


@dataclass(frozen=True)
class DictLiteral:
    """`{k: v}`."""

    span: Span
    items: tuple[tuple["Expression", "Expression"], ...]


@dataclass(frozen=True)
class ListComprehension:
    """`[value for names in iterable]`."""

    span: Span
    value: "Expression"
    names: tuple[Name, ...]
    iterable: "Expression"


@dataclass(frozen=True)
class DictComprehension:
    """`{key: value for names in iterable}`."""

    span: Span
    key: "Expression"
    value: "Expression"
    names: tuple[Name, ...]
    iterable: "Expression"


@dataclass(frozen=True)
class Unary:
    """`not e`, `-e`, `+e`."""

    span: Span
    op: UnaryOp
    operand: "Expression"


@dataclass(frozen=True)
class Binary:
    """`left op right`, including `and`, `or` and `in`."""

    span: Span
    op: BinaryOp
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True)
class Ternary:
    """`then if condition else otherwise`."""

    span: Span
    then: "Expression"
    condition: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True)
class Index:
    """`collection[index]`."""

    span: Span
    collection: "Expression"
    index: "Expression"


@dataclass(frozen=True)
class Call:
    """`function(arguments)`; also an s-op applied to an input."""

    span: Span
    function: "Expression"
    arguments: tuple["Expression", ...]


@dataclass(frozen=True)
class Select:
    """`select(keys, queries, predicate)`."""

    span: Span
    keys: "Expression"
    queries: "Expression"
    predicate: Predicate


@dataclass(frozen=True)
class Aggregate:
    """`aggregate(selector, values[, default])`."""

    span: Span
    selector: "Expression"
    values: "Expression"
    default: "Expression | None"


@dataclass(frozen=True)
class Round:
    """`round(e)`."""

    span: Span
    operand: "Expression"


@dataclass(frozen=True)
class Indicator:
    """`indicator(e)`."""

    span: Span
    operand: "Expression"


@dataclass(frozen=True)
class Range:
    """`range(...)`."""

    span: Span
    arguments: tuple["Expression", ...]


@dataclass(frozen=True)
class Zip:
    """`zip(...)`."""

    span: Span
    arguments: tuple["Expression", ...]


@dataclass(frozen=True)
class Len:
    """`len(e)`."""

    span: Span
    operand: "Expression"


Expression: TypeAlias = (
    Name
    | IntLiteral
    | FloatLiteral
    | StringLiteral
    | ListLiteral
    | DictLiteral
    | ListComprehension
    | DictComprehension
    | Unary
    | Binary
    | Ternary
    | Index
    | Call
    | Select
    | Aggregate
    | Round
    | Indicator
    | Range
    | Zip
    | Len
)


@dataclass(frozen=True)
class ExpressionStatement:
    """`e;`; several comma-separated expressions make a list."""

    span: Span
    values: tuple[Expression, ...]


@dataclass(frozen=True)
class Assign:
    """`names = values;`: one name takes the value or the list of values, several names take one element each."""

    span: Span
    names: tuple[Name, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True)
class Draw:
    """`draw(e[, input]);`."""

    span: Span
    target: Expression
    input: Expression | None


@dataclass(frozen=True)
class Load:
    """`load "path";`, without the `.rasp`."""

    span: Span
    path: str


@dataclass(frozen=True)
class FunctionDef:
    """`def name(parameters) { body return results; }`."""

    span: Span
    name: Name
    parameters: tuple[Name, ...]
    body: tuple["Statement", ...]
    results: tuple[Expression, ...]


@dataclass(frozen=True)
class For:
    """`for names in iterable { body }`."""

    span: Span
    names: tuple[Name, ...]
    iterable: Expression
    body: tuple["Statement", ...]


class ExampleKind(Enum):
    """Which running example a prompt command means."""

    BOTH = ""
    SOP = "s-op"
    SELECTOR = "selector"


@dataclass(frozen=True)
class SetExample:
    """`set [s-op|selector] example e`."""

    span: Span
    kind: ExampleKind
    value: Expression


@dataclass(frozen=True)
class ShowExample:
    """`show [s-op|selector] example`."""

    span: Span
    kind: ExampleKind


@dataclass(frozen=True)
class ToggleExamples:
    """`[s-op|selector] examples on|off`."""

    span: Span
    kind: ExampleKind
    on: bool


@dataclass(frozen=True)
class ToggleFullDisplay:
    """`full seq display on|off`."""

    span: Span
    on: bool


@dataclass(frozen=True)
class Exit:
    """`exit`, `exit()`, `quit`, `quit()`."""

    span: Span


Statement: TypeAlias = (
    ExpressionStatement
    | Assign
    | Draw
    | Load
    | FunctionDef
    | For
    | SetExample
    | ShowExample
    | ToggleExamples
    | ToggleFullDisplay
    | Exit
)
