"""Walking syntax trees without recursion."""

from collections.abc import Iterator
from typing import assert_never

from spec.ast import (
    Aggregate,
    Assign,
    Binary,
    Call,
    DictComprehension,
    DictLiteral,
    Draw,
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
    Zip,
)


def operands(node: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside an expression, in the order of the text."""
    match node:
        case Name() | IntLiteral() | FloatLiteral() | StringLiteral():
            return ()
        case Unary(_, _, operand) | Round(_, operand) | Indicator(_, operand) | Len(_, operand):
            return (operand,)
        case Binary(_, _, left, right) | Index(_, left, right) | Select(_, left, right, _):
            return (left, right)
        case Ternary(_, then, condition, otherwise):
            return (then, condition, otherwise)
        case Aggregate(_, selector, values, default):
            return (selector, values) if default is None else (selector, values, default)
        case Call(_, function, arguments):
            return (function, *arguments)
        case Range(_, elements) | Zip(_, elements) | ListLiteral(_, elements):
            return elements
        case DictLiteral(_, pairs):
            return tuple(part for pair in pairs for part in pair)
        case ListComprehension(_, value, _, iterable):
            return (value, iterable)
        case DictComprehension(_, key, value, _, iterable):
            return (key, value, iterable)
        case _:
            assert_never(node)


def expressions_of(statement: Statement) -> tuple[Expression, ...]:
    """The outermost expressions of a statement itself; those of the statements inside it are not included."""
    match statement:
        case ExpressionStatement(_, values) | Assign(_, _, values):
            return values
        case Draw(_, target, argument):
            return (target,) if argument is None else (target, argument)
        case FunctionDef():
            return statement.results
        case For():
            return (statement.iterable,)
        case SetExample():
            return (statement.value,)
        case Load() | ShowExample() | ToggleExamples() | ToggleFullDisplay() | Exit():
            return ()
        case _:
            assert_never(statement)


def walk_statements(*statements: Statement) -> Iterator[Statement]:
    """The statements and all that are inside them, in the order of the text."""
    stack = [*reversed(statements)]
    while stack:
        statement = stack.pop()
        yield statement
        if isinstance(statement, FunctionDef | For):
            stack += reversed(statement.body)


def walk_expressions(*statements: Statement) -> Iterator[Expression]:
    """Every expression of the statements and of all that are inside them."""
    for statement in walk_statements(*statements):
        stack = [*reversed(expressions_of(statement))]
        while stack:
            node = stack.pop()
            yield node
            stack += reversed(operands(node))
