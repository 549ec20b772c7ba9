"""The constructs that evaluate all their operands, in order, and then combine them."""

from spec.ast import (
    Aggregate,
    Binary,
    BinaryOp,
    Expression,
    Index,
    Indicator,
    Len,
    ListLiteral,
    Name,
    Range,
    Round,
    Select,
    Unary,
    Zip,
)
from spec.diagnostics import InternalError
from spec.script.builtins import Builtins, index_name
from spec.script.environment import Environment
from spec.script.errors import python_error
from spec.script.values import Applied, SOpValue, Value, type_name
from spec.source import Span


def operands(expression: Expression) -> tuple[Expression, ...]:
    """The operands of a strict construct, in the order in which they are evaluated."""
    match expression:
        case Binary(left=left, right=right):
            return left, right
        case Unary(operand=operand) | Round(operand=operand) | Indicator(operand=operand) | Len(operand=operand):
            return (operand,)
        case Index(collection=collection, index=index):
            return collection, index
        case Select(keys=keys, queries=queries):
            return keys, queries
        case Aggregate(selector=selector, values=values, default=default):
            return (selector, values) if default is None else (selector, values, default)
        case ListLiteral(items=items):
            return items
        case Range(arguments=arguments) | Zip(arguments=arguments):
            return arguments
        case _:
            raise InternalError(f"{type(expression).__name__} is not a strict construct")


def refuse_parentheses(expression: Index, collection: Value, index: Value) -> None:
    """The reference's prompt cannot index what stands in parentheses, nor use as an index what does.

    The result of an application is an exception, and what cannot be indexed has an error of its own.
    """
    if expression.collection.span.start > expression.span.start and not isinstance(collection, Applied):
        raise python_error(f"'{type_name(collection)}' object has no attribute 'val'", expression.collection.span)
    if not isinstance(collection, (tuple, dict, str, SOpValue)):
        return
    between = expression.span.source.text[expression.collection.span.end : expression.index.span.start]
    if "(" in between:
        raise python_error(f"'{type_name(index)}' object has no attribute 'name'", expression.index.span)


def _written(expression: Expression) -> str | None:
    """The variable that the expression is, if it is one."""
    return expression.id if isinstance(expression, Name) else None


def combine(builtins: Builtins, expression: Expression, values: list[Value], env: Environment, span: Span) -> Value:
    """The value of the construct, from the values of its operands."""
    make = builtins.operations
    match expression:
        case Binary(op=BinaryOp.IN):
            return make.contains(values[0], values[1], _written(expression.right), span)
        case Binary(op=op):
            return make.binary(op, values[0], values[1], span)
        case Unary(op=sign):
            return make.unary(sign, values[0], span)
        case Index(collection=collection, index=index):
            names = index_name(_written(collection)), index_name(_written(index))
            return builtins.index(values[0], values[1], names, env, span)
        case Select(predicate=predicate):
            return builtins.select(values[0], values[1], predicate, span)
        case Aggregate(default=default):
            return builtins.aggregate(values[0], values[1], values[2] if default else None, span)
        case ListLiteral():
            make.meter.made(len(values), span)
            return tuple(values)
        case _:
            return _function_like(builtins, expression, values, span)


def _function_like(builtins: Builtins, expression: Expression, values: list[Value], span: Span) -> Value:
    match expression:
        case Round():
            return builtins.round(values[0], span)
        case Indicator():
            return builtins.indicator(values[0], span)
        case Range():
            return builtins.range(values, span)
        case Zip():
            return builtins.zip(values, span)
        case Len():
            return builtins.length(values[0], span)
        case _:
            raise InternalError(f"{type(expression).__name__} is not a strict construct")
