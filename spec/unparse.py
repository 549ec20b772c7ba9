"""Syntax trees back to text: `unparse` writes RASP that parses to the same tree, `dump` shows the tree itself.

Both walk with an explicit stack, since a chain of operators makes a tree as deep as the text is long.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from enum import Enum, IntEnum
from typing import TypeAlias, assert_never

from spec.ast import (
    Aggregate,
    Assign,
    Binary,
    BinaryOp,
    Call,
    DictComprehension,
    DictLiteral,
    Draw,
    ExampleKind,
    Exit,
    Expression,
    ExpressionStatement,
    FloatLiteral,
    For,
    FunctionDef,
    Index,
    Indicator,
    IntLiteral,
    Len,
    ListComprehension,
    ListLiteral,
    Load,
    Name,
    Range,
    Round,
    Select,
    SetExample,
    ShowExample,
    Statement,
    StringLiteral,
    Ternary,
    ToggleExamples,
    ToggleFullDisplay,
    Unary,
    UnaryOp,
    Zip,
)
from spec.source import Span


class Level(IntEnum):
    """How tightly a form binds, loosest first."""

    IN = 0
    TERNARY = 1
    LOGIC = 2
    COMPARISON = 3
    SUM = 4
    MODULO = 5
    PRODUCT = 6
    POWER = 7
    PREFIX = 8
    POSTFIX = 9
    PRIMARY = 10


LEVELS = {
    BinaryOp.IN: Level.IN,
    BinaryOp.AND: Level.LOGIC,
    BinaryOp.OR: Level.LOGIC,
    BinaryOp.EQ: Level.COMPARISON,
    BinaryOp.LE: Level.COMPARISON,
    BinaryOp.GE: Level.COMPARISON,
    BinaryOp.GT: Level.COMPARISON,
    BinaryOp.LT: Level.COMPARISON,
    BinaryOp.ADD: Level.SUM,
    BinaryOp.SUB: Level.SUM,
    BinaryOp.MOD: Level.MODULO,
    BinaryOp.MUL: Level.PRODUCT,
    BinaryOp.DIV: Level.PRODUCT,
    BinaryOp.POW: Level.POWER,
}

# Followed at once by `(`, these names become tokens of their own.
_JOINED = frozenset({"select", "aggregate", "range", "zip", "len"})


class _Wanted:
    """An expression that must bind at least as tightly as `level`, or be put in parentheses."""

    __slots__ = ("level", "node")

    def __init__(self, node: Expression, level: Level = Level.IN) -> None:
        self.node = node
        self.level = level


class _Line:
    """A statement on lines of its own, `depth` blocks deep."""

    __slots__ = ("depth", "node")

    def __init__(self, node: Statement, depth: int) -> None:
        self.node = node
        self.depth = depth


_Part: TypeAlias = str | _Wanted | _Line


def unparse(node: Statement | Expression) -> str:
    """The text of one statement or expression, with parentheses only where the tree needs them."""
    if isinstance(node, Statement):
        return _render([_Line(node, 0)])
    return _render([_Wanted(node)])


def unparse_program(statements: Iterable[Statement]) -> str:
    """The text of a program, one statement after the other."""
    return "".join(f"{unparse(statement)}\n" for statement in statements)


def _render(parts: list[_Part]) -> str:
    written: list[str] = []
    stack = parts[::-1]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            written.append(part)
        elif isinstance(part, _Line):
            written.append("    " * part.depth)
            stack += reversed(_statement_parts(part.node, part.depth))
        else:
            inner = _expression_parts(part.node)
            if level(part.node) < part.level:
                inner = ["(", *inner, ")"]
            stack += reversed(inner)
    return "".join(written)


def level(node: Expression) -> Level:
    """How tightly the outermost form of an expression binds."""
    match node:
        case Binary():
            return LEVELS[node.op]
        case Ternary():
            return Level.TERNARY
        case Unary():
            return Level.PREFIX
        case Index() | Call():
            return Level.POSTFIX
        case _:
            return Level.PRIMARY


def _comma(nodes: Sequence[Expression]) -> list[_Part]:
    parts: list[_Part] = []
    for node in nodes:
        parts += [", ", _Wanted(node)]
    return parts[1:]


def _names(names: Sequence[Name]) -> str:
    return ", ".join(name.id for name in names)


def _expression_parts(node: Expression) -> list[_Part]:
    match node:
        case Binary(_, op, left, right):
            binds = LEVELS[op]
            return [_Wanted(left, binds), f" {op.value} ", _Wanted(right, Level(binds + 1))]
        case Ternary(_, then, condition, otherwise):
            last = _Wanted(otherwise, Level.LOGIC)
            return [_Wanted(then, Level.TERNARY), " if ", _Wanted(condition), " else ", last]
        case Unary(_, op, operand):
            return ["not " if op is UnaryOp.NOT else op.value, _Wanted(operand, Level.PREFIX)]
        case Index(_, collection, index):
            return [_Wanted(collection, Level.POSTFIX), "[", _Wanted(index), "]"]
        case Call(_, function, arguments):
            gap = " (" if isinstance(function, Name) and function.id in _JOINED else "("
            return [_Wanted(function, Level.POSTFIX), gap, *_comma(arguments), ")"]
        case _:
            return _primary_parts(node)


def _primary_parts(
    node: Name
    | IntLiteral
    | FloatLiteral
    | StringLiteral
    | ListLiteral
    | DictLiteral
    | ListComprehension
    | DictComprehension
    | Select
    | Aggregate
    | Round
    | Indicator
    | Range
    | Zip
    | Len,
) -> list[_Part]:
    match node:
        case Name(_, text) | FloatLiteral(_, text):
            return [text]
        case IntLiteral(_, number):
            return [str(number)]
        case StringLiteral(_, characters):
            return [f'"{characters}"']
        case ListLiteral() | DictLiteral() | ListComprehension() | DictComprehension():
            return _collection_parts(node)
        case Select(_, keys, queries, predicate):
            return ["select(", _Wanted(keys), ", ", _Wanted(queries), f", {predicate.value})"]
        case Aggregate(_, selector, values, default):
            arguments = (selector, values) if default is None else (selector, values, default)
            return ["aggregate(", *_comma(arguments), ")"]
        case Round(_, operand) | Indicator(_, operand) | Len(_, operand):
            return [f"{type(node).__name__.lower()}(", _Wanted(operand), ")"]
        case Range(_, arguments) | Zip(_, arguments):
            return [f"{type(node).__name__.lower()}(", *_comma(arguments), ")"]
        case _:
            assert_never(node)


def _collection_parts(node: ListLiteral | DictLiteral | ListComprehension | DictComprehension) -> list[_Part]:
    match node:
        case ListLiteral(_, items):
            return ["[", *_comma(items), "]"]
        case DictLiteral(_, pairs):
            parts: list[_Part] = []
            for key, value in pairs:
                parts += [", ", _Wanted(key), ": ", _Wanted(value)]
            return ["{", *parts[1:], "}"]
        case ListComprehension(_, value, names, iterable):
            return ["[", _Wanted(value), f" for {_names(names)} in ", _Wanted(iterable), "]"]
        case DictComprehension(_, key, value, names, iterable):
            loop = f" for {_names(names)} in "
            return ["{", _Wanted(key), ": ", _Wanted(value), loop, _Wanted(iterable), "}"]
        case _:
            assert_never(node)


def _statement_parts(node: Statement, depth: int) -> list[_Part]:
    match node:
        case ExpressionStatement(_, values):
            return [*_comma(values), ";"]
        case Assign(_, names, values):
            return [f"{_names(names)} = ", *_comma(values), ";"]
        case Draw(_, target, argument):
            return ["draw(", *_comma((target,) if argument is None else (target, argument)), ");"]
        case Load(_, path):
            return [f'load "{path}";']
        case FunctionDef(_, name, parameters, body, results):
            end = "    " * depth
            tail: list[_Part] = [f"\n{end}    return ", *_comma(results), f";\n{end}}}"]
            gap = " " if name.id in _JOINED else ""
            return [f"def {name.id}{gap}({_names(parameters)}) {{", *_block(body, depth), *tail]
        case For(_, names, iterable, body):
            head: list[_Part] = [f"for {_names(names)} in ", _Wanted(iterable), " {"]
            return [*head, *_block(body, depth), "\n" + "    " * depth + "}"]
        case SetExample() | ShowExample() | ToggleExamples() | ToggleFullDisplay() | Exit():
            return _command_parts(node)
        case _:
            assert_never(node)


def _block(body: Sequence[Statement], depth: int) -> list[_Part]:
    parts: list[_Part] = []
    for statement in body:
        parts += ["\n", _Line(statement, depth + 1)]
    return parts


def _command_parts(node: SetExample | ShowExample | ToggleExamples | ToggleFullDisplay | Exit) -> list[_Part]:
    match node:
        case SetExample(_, kind, value):
            return [f"set {_kind(kind)}example ", _Wanted(value)]
        case ShowExample(_, kind):
            return [f"show {_kind(kind)}example"]
        case ToggleExamples(_, kind, on):
            return [f"{_kind(kind)}examples {'on' if on else 'off'}"]
        case ToggleFullDisplay(_, on):
            return [f"full seq display {'on' if on else 'off'}"]
        case Exit():
            return ["exit"]
        case _:
            assert_never(node)


def _kind(kind: ExampleKind) -> str:
    return f"{kind.value} " if kind.value else ""


_DEEPEST_INDENT = 40


def dump(statements: Iterable[Statement]) -> str:
    """The trees as indented text: each line a form, what it holds, and where it starts.

    Beyond `_DEEPEST_INDENT` the depth is written as a number, or a long chain would indent itself into gigabytes.
    """
    lines: list[str] = []
    stack: list[tuple[str, object, int]] = [("", statement, 0) for statement in statements]
    stack.reverse()
    while stack:
        label, value, depth = stack.pop()
        line, children = _describe(label, value)
        margin = "  " * min(depth, _DEEPEST_INDENT) + (f"[{depth}] " if depth > _DEEPEST_INDENT else "")
        lines.append(f"{margin}{line}\n")
        stack += [(name, child, depth + 1) for name, child in reversed(children)]
    return "".join(lines)


def _describe(label: str, value: object) -> tuple[str, list[tuple[str, object]]]:
    """One line of the dump, and the parts that go below it, each with its name."""
    prefix = f"{label}: " if label else ""
    if isinstance(value, tuple):
        return f"{prefix}{len(value)}", [("", element) for element in value]
    if not isinstance(value, Statement | Expression):
        return f"{prefix}{value}", []
    shown, children = "", []
    for field in fields(value):
        part = getattr(value, field.name)
        if isinstance(part, Enum):
            shown += f" {part.value}" if part.value else ""
        elif isinstance(part, str | bool | int):
            shown += f" {part!r}"
        elif part is not None and not isinstance(part, Span):
            children.append((field.name, part))
    span = value.span
    return f"{prefix}{type(value).__name__}{shown} @{span.line}:{span.column}", children
