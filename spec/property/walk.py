"""Walks over expressions."""

from collections.abc import Iterator
from typing import assert_never

from spec.property.ast import (
    Arithmetic,
    Call,
    Comparison,
    Conditional,
    Element,
    Expression,
    Index,
    InLanguage,
    Length,
    ListLiteral,
    Literal,
    Logic,
    Name,
    Negation,
    Quantified,
    Range,
    Slice,
)


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside, as they are written from left to right."""
    match expression:
        case Literal() | Name() | Length():
            return ()
        case ListLiteral(items=inside) | Comparison(operands=inside) | Logic(operands=inside) | Call(arguments=inside):
            return inside
        case Negation(operand=operand):
            return (operand,)
        case Arithmetic(left=left, right=right):
            return left, right
        case Conditional(then=then, condition=condition, otherwise=otherwise):
            return then, condition, otherwise
        case Quantified(domain=Range(low=low, high=high), body=body):
            return low, high, body
        case Quantified(body=body):
            return (body,)
        case Index(sequence=sequence, index=index):
            return sequence, index
        case Slice(sequence=sequence, low=low, high=high):
            return sequence, low, high
        case Element(item=item, sequence=sequence):
            return item, sequence
        case InLanguage(word=word):
            return (word,)
    assert_never(expression)


def subexpressions(expression: Expression) -> Iterator[Expression]:
    """The expression and everything inside, in the order in which they begin."""
    stack = [expression]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


def names_in(expression: Expression) -> Iterator[Name]:
    """Every use of a name."""
    return (node for node in subexpressions(expression) if isinstance(node, Name))
