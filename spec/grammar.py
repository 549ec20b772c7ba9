"""The LALR parser of one statement, and the builder that makes syntax trees while it runs.

The builder's methods are called at each reduction, so nothing recurses however deep the text nests. Values on the
parser's stack are tokens, `Piece`s (a node, and the span of the text it was reduced from, which parentheses
make wider than the node's own) and `Chain`s (lists under construction, shared freely since they are never changed).
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple, TypeAlias, cast

from lark import Lark, Transformer

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
    Predicate,
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
from spec.tokens import Token


class Piece(NamedTuple):
    """A finished node and the text it came from, parentheses included."""

    node: Expression | Statement
    span: Span


class Chain(NamedTuple):
    """A list under construction: all that came before, then one more element (for dictionaries, a pair)."""

    before: "Chain | None"
    value: "Piece | Token | Pair"
    span: Span


class Pair(NamedTuple):
    """`key: value`."""

    key: Piece
    value: Piece
    span: Span


Value: TypeAlias = Token | Piece | Chain | Pair | None
Children: TypeAlias = list[Value]


def _span(children: Children) -> Span:
    """From the first to the last child."""
    first = next(child for child in children if child is not None)
    last = next(child for child in reversed(children) if child is not None)
    return first.span.to(last.span)


def _expression(value: Value) -> Expression:
    return cast(Expression, cast(Piece, value).node)


def _token(value: Value) -> Token:
    return cast(Token, value)


def _elements(value: Value) -> tuple[Piece | Token | Pair, ...]:
    def backwards() -> Iterator[Piece | Token | Pair]:
        chain = cast("Chain | None", value)
        while chain is not None:
            yield chain.value
            chain = chain.before

    return tuple(backwards())[::-1]


def _expressions(value: Value) -> tuple[Expression, ...]:
    return tuple(_expression(element) for element in _elements(value))


def _statements(value: Value) -> tuple[Statement, ...]:
    return tuple(cast(Statement, cast(Piece, element).node) for element in _elements(value))


def _name(token: Token) -> Name:
    return Name(token.span, token.text)


def _names(value: Value) -> tuple[Name, ...]:
    return tuple(_name(_token(element)) for element in _elements(value))


def _optional(value: Value) -> Expression | None:
    """The expression of an optional `COMMA expr`, where nothing stands for an absent one."""
    return None if value is None else _expression(value)


def _kind(value: Value) -> ExampleKind:
    return ExampleKind.BOTH if value is None else ExampleKind(_token(value).text)


def _extend(children: Children) -> Chain:
    """`list: element | list COMMA element`, with or without the comma."""
    value = cast("Piece | Token | Pair", children[-1])
    before = cast(Chain, children[0]) if len(children) > 1 else None
    return Chain(before, value, _span(children))


class _Builder(Transformer[Token, Value]):
    """One method for each alias of `rasp.lark`; a child that the text leaves out is `None`."""

    def body(self, c: Children) -> Chain:
        return _extend(c)

    def names(self, c: Children) -> Chain:
        return _extend(c)

    def exprs(self, c: Children) -> Chain:
        return _extend(c)

    def items(self, c: Children) -> Chain:
        return _extend(c)

    def item(self, c: Children) -> Pair:
        return Pair(cast(Piece, c[0]), cast(Piece, c[2]), _span(c))

    def set_example(self, c: Children) -> Piece:
        return Piece(SetExample(span := _span(c), _kind(c[1]), _expression(c[3])), span)

    def show_example(self, c: Children) -> Piece:
        return Piece(ShowExample(span := _span(c), _kind(c[1])), span)

    def toggle_examples(self, c: Children) -> Piece:
        return Piece(ToggleExamples(span := _span(c), _kind(c[0]), _token(c[2]).type == "ON"), span)

    def toggle_full_display(self, c: Children) -> Piece:
        return Piece(ToggleFullDisplay(span := _span(c), _token(c[1]).type == "ON"), span)

    def exit(self, c: Children) -> Piece:
        return Piece(Exit(span := _span(c)), span)

    def expression_statement(self, c: Children) -> Piece:
        return Piece(ExpressionStatement(span := _span(c), (_expression(c[0]),)), span)

    def assign(self, c: Children) -> Piece:
        return Piece(Assign(span := _span(c), _names(c[0]), _expressions(c[2])), span)

    def draw(self, c: Children) -> Piece:
        return Piece(Draw(span := _span(c), _expression(c[2]), _optional(c[4])), span)

    def load(self, c: Children) -> Piece:
        return Piece(Load(span := _span(c), _token(c[1]).text[1:-1]), span)

    def function(self, c: Children) -> Piece:
        parts = (_name(_token(c[1])), _names(c[3]), _statements(c[6]), _expressions(c[8]))
        return Piece(FunctionDef(span := _span(c), *parts), span)

    def for_loop(self, c: Children) -> Piece:
        return Piece(For(span := _span(c), _names(c[1]), _expression(c[3]), _statements(c[5])), span)

    def binary(self, c: Children) -> Piece:
        op = BinaryOp(_token(c[1]).text)
        return Piece(Binary(span := _span(c), op, _expression(c[0]), _expression(c[2])), span)

    def ternary(self, c: Children) -> Piece:
        parts = (_expression(c[0]), _expression(c[2]), _expression(c[4]))
        return Piece(Ternary(span := _span(c), *parts), span)

    def unary(self, c: Children) -> Piece:
        return Piece(Unary(span := _span(c), UnaryOp(_token(c[0]).text), _expression(c[1])), span)

    def index(self, c: Children) -> Piece:
        return Piece(Index(span := _span(c), _expression(c[0]), _expression(c[2])), span)

    def call(self, c: Children) -> Piece:
        return Piece(Call(span := _span(c), _expression(c[0]), _expressions(c[2])), span)

    def parenthesised(self, c: Children) -> Piece:
        return Piece(_expression(c[1]), _span(c))

    def name(self, c: Children) -> Piece:
        return Piece(_name(token := _token(c[0])), token.span)

    def int_literal(self, c: Children) -> Piece:
        return Piece(IntLiteral((token := _token(c[0])).span, int(token.text)), token.span)

    def float_literal(self, c: Children) -> Piece:
        return Piece(FloatLiteral((token := _token(c[0])).span, token.text), token.span)

    def string_literal(self, c: Children) -> Piece:
        return Piece(StringLiteral((token := _token(c[0])).span, token.text[1:-1]), token.span)

    def list_literal(self, c: Children) -> Piece:
        return Piece(ListLiteral(span := _span(c), _expressions(c[1])), span)

    def dict_literal(self, c: Children) -> Piece:
        pairs = (cast(Pair, element) for element in _elements(c[1]))
        items = tuple((_expression(pair.key), _expression(pair.value)) for pair in pairs)
        return Piece(DictLiteral(span := _span(c), items), span)

    def list_comprehension(self, c: Children) -> Piece:
        parts = (_expression(c[1]), _names(c[3]), _expression(c[5]))
        return Piece(ListComprehension(span := _span(c), *parts), span)

    def dict_comprehension(self, c: Children) -> Piece:
        parts = (_expression(c[1]), _expression(c[3]), _names(c[5]), _expression(c[7]))
        return Piece(DictComprehension(span := _span(c), *parts), span)

    def select(self, c: Children) -> Piece:
        parts = (_expression(c[1]), _expression(c[3]), Predicate(_token(c[5]).text))
        return Piece(Select(span := _span(c), *parts), span)

    def aggregate(self, c: Children) -> Piece:
        parts = (_expression(c[1]), _expression(c[3]), _optional(c[5]))
        return Piece(Aggregate(span := _span(c), *parts), span)

    def round(self, c: Children) -> Piece:
        return Piece(Round(span := _span(c), _expression(c[2])), span)

    def indicator(self, c: Children) -> Piece:
        return Piece(Indicator(span := _span(c), _expression(c[2])), span)

    def range(self, c: Children) -> Piece:
        return Piece(Range(span := _span(c), _expressions(c[1])), span)

    def zip(self, c: Children) -> Piece:
        return Piece(Zip(span := _span(c), _expressions(c[1])), span)

    def len(self, c: Children) -> Piece:
        return Piece(Len(span := _span(c), _expression(c[1])), span)


@cache
def grammar() -> Lark:
    """The parser tables, built once for each process; the builder keeps no state."""
    text = files("spec").joinpath("rasp.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", start="statement", transformer=_Builder())
