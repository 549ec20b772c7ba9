"""The way back from trees to text: it parses to the same tree, with no parenthesis too many."""

from hypothesis import given, settings
from hypothesis import strategies as st

from spec.ast import (
    Aggregate,
    Assign,
    Binary,
    BinaryOp,
    Call,
    DictComprehension,
    DictLiteral,
    ExampleKind,
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
from spec.parse import (
    parse_file_text,
    parse_statements,
)
from spec.source import Source, Span
from spec.unparse import dump, unparse, unparse_program
from tests.syntax import GOLDEN, expression, parse, shape

NOWHERE = Span(Source("nowhere", ""), 0, 0)
NAMES = st.sampled_from(["a", "b", "s", "op", "select", "len", "aggregate", "out"]).map(lambda n: Name(NOWHERE, n))
LEAVES = st.one_of(
    NAMES,
    st.integers(0, 99).map(lambda n: IntLiteral(NOWHERE, n)),
    st.sampled_from(["0.5", "1.250"]).map(lambda t: FloatLiteral(NOWHERE, t)),
    st.sampled_from(["", "x y", "#;'"]).map(lambda t: StringLiteral(NOWHERE, t)),
)


def bigger(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    at, some = st.just(NOWHERE), st.lists(inner, min_size=1, max_size=3).map(tuple)
    any_ = st.one_of(st.just(()), some)
    names = st.lists(NAMES, min_size=1, max_size=2).map(tuple)
    return st.one_of(
        st.builds(Binary, at, st.sampled_from(BinaryOp), inner, inner),
        st.builds(Binary, at, st.sampled_from(BinaryOp), inner, inner),
        st.builds(Unary, at, st.sampled_from(UnaryOp), inner),
        st.builds(Ternary, at, inner, inner, inner),
        st.builds(Index, at, inner, inner),
        st.builds(Call, at, inner, any_),
        st.builds(ListLiteral, at, any_),
        st.builds(DictLiteral, at, st.lists(st.tuples(inner, inner), max_size=2).map(tuple)),
        st.builds(ListComprehension, at, inner, names, inner),
        st.builds(DictComprehension, at, inner, inner, names, inner),
        st.builds(Select, at, inner, inner, st.sampled_from(Predicate)),
        st.builds(Aggregate, at, inner, inner, st.none() | inner),
        st.builds(Round, at, inner),
        st.builds(Indicator, at, inner),
        st.builds(Len, at, inner),
        st.builds(Range, at, some),
        st.builds(Zip, at, some),
    )


EXPRESSIONS = st.recursive(LEAVES, bigger, max_leaves=12)


@given(EXPRESSIONS)
@settings(max_examples=300, deadline=None)
def test_unparsed_expressions_parse_to_themselves(tree: Expression) -> None:
    assert shape(expression(unparse(tree))) == shape(tree)


@given(EXPRESSIONS)
@settings(max_examples=100, deadline=None)
def test_no_parenthesis_can_be_left_out(tree: Expression) -> None:
    """Dropping any one pair that `unparse` wrote around an operand changes the tree or breaks the text."""
    text = unparse(tree)
    for start, char in enumerate(text):
        grouping = char == "(" and (start == 0 or text[start - 1] in " (-+[{")
        if not grouping or text[:start].endswith(("select ", "len ", "aggregate ")) or "#;'" in text:
            continue
        end = matching(text, start)
        without = parse_statements(Source("t", f"{text[:start]} {text[start + 1 : end]} {text[end + 1 :]};"))
        (same,) = without.statements if len(without.statements) == 1 else (None,)
        assert same is None or shape(same) != ("ExpressionStatement", (shape(tree),))


def matching(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise AssertionError(text)


SIMPLE = st.one_of(
    st.builds(ExpressionStatement, st.just(NOWHERE), st.tuples(EXPRESSIONS)),
    st.builds(Assign, st.just(NOWHERE), st.tuples(NAMES), st.lists(EXPRESSIONS, min_size=1, max_size=2).map(tuple)),
)


def blocks(inner: st.SearchStrategy[Statement]) -> st.SearchStrategy[Statement]:
    at, body = st.just(NOWHERE), st.lists(inner, max_size=2).map(tuple)
    parameters = st.lists(NAMES, max_size=2).map(tuple)
    return st.one_of(
        st.builds(FunctionDef, at, NAMES, parameters, body, st.tuples(LEAVES)),
        st.builds(For, at, st.tuples(NAMES), LEAVES, st.lists(inner, min_size=1, max_size=2).map(tuple)),
    )


STATEMENTS = st.recursive(SIMPLE, blocks, max_leaves=3)
COMMANDS = st.one_of(
    st.builds(SetExample, st.just(NOWHERE), st.sampled_from(ExampleKind), EXPRESSIONS),
    st.builds(ShowExample, st.just(NOWHERE), st.sampled_from(ExampleKind)),
    st.builds(ToggleExamples, st.just(NOWHERE), st.sampled_from(ExampleKind), st.booleans()),
    st.builds(ToggleFullDisplay, st.just(NOWHERE), st.booleans()),
)


@given(STATEMENTS | COMMANDS)
@settings(max_examples=60, deadline=None)
def test_unparsed_statements_parse_to_themselves(tree: Statement) -> None:
    (again,) = parse(unparse(tree))
    assert shape(again) == shape(tree)


def test_every_form_goes_to_text_and_back() -> None:
    statements = parse((GOLDEN / "forms.rasp").read_text())
    text = unparse_program(statements)
    assert text == (GOLDEN / "forms.txt").read_text()
    assert shape(parse(text)) == shape(statements)


def test_the_dump_shows_every_form_and_its_place() -> None:
    statements = parse_file_text(Source("forms.rasp", (GOLDEN / "forms.rasp").read_text()))
    assert dump(statements) == (GOLDEN / "forms.dump").read_text()
