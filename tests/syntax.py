"""Texts to trees and trees to shapes, for the tests of syntax."""

from dataclasses import fields
from pathlib import Path

from spec.ast import (
    Expression,
    ExpressionStatement,
    Statement,
)
from spec.parse import (
    parse_file_text,
)
from spec.source import Source

GOLDEN = Path(__file__).parent / "golden" / "syntax"


def parse(text: str) -> tuple[Statement, ...]:
    return parse_file_text(Source("t.rasp", text))


def expression(text: str) -> Expression:
    (statement,) = parse(f"{text};")
    assert isinstance(statement, ExpressionStatement)
    (value,) = statement.values
    return value


def shape(node: object) -> object:
    """The tree without spans, as nested tuples; small trees only."""
    if isinstance(node, tuple):
        return tuple(shape(part) for part in node)
    if isinstance(node, Expression | Statement):
        parts = (shape(getattr(node, f.name)) for f in fields(node) if f.name != "span")
        return (type(node).__name__, *parts)
    return node
