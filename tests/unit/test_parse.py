"""The parser: precedence, spans, errors with their places, and texts made to break it."""

import operator
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.ast import (
    Assign,
    Binary,
    BinaryOp,
    Call,
    Exit,
    Expression,
    ExpressionStatement,
    FunctionDef,
    IntLiteral,
    ListLiteral,
    Name,
    Range,
    Round,
    SetExample,
    ShowExample,
    Ternary,
    ToggleExamples,
    Unary,
    UnaryOp,
)
from spec.diagnostics import ParseError
from spec.parse import (
    MAX_DIGITS,
    MAX_ERRORS,
    MAX_NESTING,
    Growing,
    Incomplete,
    SyntaxProblem,
    parse_pending,
    parse_statements,
)
from spec.source import Source
from spec.syntax_walk import walk_expressions
from spec.unparse import dump, unparse_program
from tests.syntax import GOLDEN, expression, parse, shape

# --- precedence ---------------------------------------------------------------------------------------------------

PRECEDENCE = [
    ("-a ^ b", "(-a) ^ b"),
    ("not a == b", "(not a) == b"),
    ("not a in b", "(not a) in b"),
    ("not a and b", "(not a) and b"),
    ("not -a[b](c)", "not (-((a[b])(c)))"),
    ("- + a", "-(+a)"),
    ("a ^ b ^ c", "(a ^ b) ^ c"),
    ("a ^ -b ^ c", "(a ^ (-b)) ^ c"),
    ("a * b ^ c", "a * (b ^ c)"),
    ("a / b * c", "(a / b) * c"),
    ("a % b * c", "a % (b * c)"),
    ("a * b % c", "(a * b) % c"),
    ("a % b % c", "(a % b) % c"),
    ("a + b % c", "a + (b % c)"),
    ("a - b + c", "(a - b) + c"),
    ("a + b == c - d", "(a + b) == (c - d)"),
    ("a < b < c", "(a < b) < c"),
    ("a == b and c > d", "(a == b) and (c > d)"),
    ("a or b and c", "(a or b) and c"),
    ("a and b or c", "(a and b) or c"),
    ("a if b or c else d and e", "a if (b or c) else (d and e)"),
    ("a if b else c if d else e", "(a if b else c) if d else e"),
    ("a if b if c else d else e", "a if (b if c else d) else e"),
    ("a if b in c else d", "a if (b in c) else d"),
    ("a in b and c", "a in (b and c)"),
    ("a and b in c", "(a and b) in c"),
    ("a in b in c", "(a in b) in c"),
    ("a if b else c in d", "(a if b else c) in d"),
    ("a in b if c else d", "a in (b if c else d)"),
    ("f(a)(b)[c]", "((f(a))(b))[c]"),
    ("round(a) ^ b", "(round(a)) ^ b"),
]


@pytest.mark.parametrize(("text", "meaning"), PRECEDENCE)
def test_precedence_is_that_of_the_reference(text: str, meaning: str) -> None:
    assert shape(expression(text)) == shape(expression(meaning))


OPERATIONS: dict[BinaryOp | UnaryOp, Callable[..., object]] = {
    UnaryOp.NOT: operator.not_,
    UnaryOp.NEG: operator.neg,
    UnaryOp.POS: operator.pos,
    BinaryOp.POW: operator.pow,
    BinaryOp.MUL: operator.mul,
    BinaryOp.DIV: operator.truediv,
    BinaryOp.MOD: operator.mod,
    BinaryOp.ADD: operator.add,
    BinaryOp.SUB: operator.sub,
    BinaryOp.EQ: operator.eq,
    BinaryOp.LE: operator.le,
    BinaryOp.GE: operator.ge,
    BinaryOp.GT: operator.gt,
    BinaryOp.LT: operator.lt,
    BinaryOp.AND: lambda a, b: a and b,
    BinaryOp.OR: lambda a, b: a or b,
    BinaryOp.IN: lambda a, b: a in b,
}


def value(node: Expression) -> object:
    match node:
        case IntLiteral(_, number):
            return number
        case Name(_, name):
            return {"True": True, "False": False}[name]
        case ListLiteral(_, items):
            return [value(item) for item in items]
        case Unary(_, op, operand):
            return OPERATIONS[op](value(operand))
        case Binary(_, op, left, right):
            return OPERATIONS[op](value(left), value(right))
        case Ternary(_, then, condition, otherwise):
            return value(then) if value(condition) else value(otherwise)
        case _:
            raise AssertionError(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2^2", 4),
        ("2^3^2", 64),
        ("2^-1", 0.5),
        ("7%4*2", 7),
        ("3>2>1", False),
        ("not 1==2", False),
        ("True or True and False", False),
        ("1 if True else 2 if False else 3", 3),
        ("3 if 1 else 4 in [3]", True),
        ("007", 7),
    ],
)
def test_values_that_the_reference_was_seen_to_print(text: str, expected: object) -> None:
    assert value(expression(text)) == expected


BINDING = {"in": 0, "and": 2, "or": 2, "<": 3, "==": 3, "+": 4, "-": 4, "%": 5, "*": 6, "/": 6, "^": 7}


def climb(tokens: list[str], position: int, least: int) -> tuple[object, int]:
    """Precedence climbing, written independently of the grammar; `?` stands for `if c else`."""
    if tokens[position] in ("not", "u-"):
        operand, at = climb(tokens, position + 1, 8)
        left: object = (tokens[position], operand)
    else:
        left, at = tokens[position], position + 1
    while at < len(tokens):
        op = tokens[at]
        binds = 1 if op == "?" else BINDING[op]
        if binds < least:
            break
        right, at = climb(tokens, at + 1, binds + 1)
        left = (op, left, right)
    return left, at


def climbed(node: Expression) -> object:
    match node:
        case Name(_, name):
            return name
        case Unary(_, op, operand):
            return ("u-" if op is UnaryOp.NEG else op.value, climbed(operand))
        case Binary(_, op, left, right):
            return (op.value, climbed(left), climbed(right))
        case Ternary(_, then, _, otherwise):
            return ("?", climbed(then), climbed(otherwise))
        case _:
            raise AssertionError(node)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_flat_expressions_agree_with_precedence_climbing(data: st.DataObject) -> None:
    prefixes = st.lists(st.sampled_from(["not", "u-"]), max_size=2)
    tokens = [*data.draw(prefixes), "a"]
    for _ in range(data.draw(st.integers(1, 7))):
        tokens += [data.draw(st.sampled_from([*BINDING, "?"])), *data.draw(prefixes), "a"]
    text = " ".join({"u-": "-", "?": "if c else"}.get(token, token) for token in tokens)
    assert climbed(expression(text)) == climb(tokens, 0, 0)[0]


# --- tokens -------------------------------------------------------------------------------------------------------


def test_some_tokens_contain_their_parenthesis() -> None:
    assert isinstance(expression("range (3)"), Call)
    assert isinstance(expression("range(3)"), Range)
    assert isinstance(expression("round (3)"), Round)
    assert isinstance(expression("lens(3)"), Call)


def test_keywords_are_whole_words() -> None:
    for name in ("exits", "setting", "selectors", "examplesX", "_in", "note", "fore", "order", "on1"):
        assert shape(expression(name)) == ("Name", name)


def test_s_op_is_one_token() -> None:
    assert shape(expression("s - op")) == shape(expression("s -op"))
    with pytest.raises(ParseError):
        parse("s-op;")


def test_strings_have_no_escapes() -> None:
    assert shape(expression(r'"\n"')) == ("StringLiteral", r"\n")


def test_comments_may_stand_anywhere() -> None:
    text = "#@ scope\nx = # first\n  1 + # second\n # third\n 2; # last\ndef f( # a\n) { # b\n return # c\n 1; # d\n }"
    assert [type(s) for s in parse(text)] == [Assign, FunctionDef]


def test_carriage_returns_are_white_space() -> None:
    assert [type(s) for s in parse("x = 1;\r\n# c\r\ny = 2;\r\n")] == [Assign, Assign]


def test_prompt_commands_need_no_semicolon() -> None:
    statements = parse('set example "a" + "b"\nset s-op example x show selector example examples off exit quit() x;')
    kinds = [type(s) for s in statements]
    assert kinds == [SetExample, SetExample, ShowExample, ToggleExamples, Exit, Exit, ExpressionStatement]


def test_set_example_ends_with_its_line() -> None:
    statements = parse('set example "a"\n-x;\nset example [1,\n2] + [3]\n(y);\nset example "a" + \n "b"')
    shown = [" ".join(s.span.text.split()) for s in statements]
    assert shown == ['set example "a"', "-x;", "set example [1, 2] + [3]", "(y);", 'set example "a" + "b"']


def test_an_empty_text_is_an_empty_program() -> None:
    assert parse("") == ()
    assert parse(" \n# nothing\n") == ()


# --- spans --------------------------------------------------------------------------------------------------------


def test_every_span_covers_exactly_its_text() -> None:
    text = "y = f( (a + b) * -c, [1, (2)] ) if (x) else ((z));"
    (statement,) = parse(text)
    assert statement.span.text == text
    covered = {type(n).__name__ + ":" + n.span.text for n in walk_expressions(statement)}
    assert covered == {
        "Ternary:f( (a + b) * -c, [1, (2)] ) if (x) else ((z))",
        "Call:f( (a + b) * -c, [1, (2)] )",
        "Name:f",
        "Binary:(a + b) * -c",
        "Binary:a + b",
        "Name:a",
        "Name:b",
        "Unary:-c",
        "Name:c",
        "ListLiteral:[1, (2)]",
        "IntLiteral:1",
        "IntLiteral:2",
        "Name:x",
        "Name:z",
    }


def test_every_expression_parses_to_itself_from_its_span() -> None:
    for statement in parse((GOLDEN / "forms.rasp").read_text()):
        for node in walk_expressions(statement):
            assert shape(expression(node.span.text)) == shape(node)


# --- errors -------------------------------------------------------------------------------------------------------

MALFORMED = [
    ("x = 1", "R0102", 1, 5),
    ("x = 1\ny = 2;", "R0102", 1, 5),
    ("x = (1)  # c\n\ny = 2;", "R0102", 1, 7),
    ("x = 1 y = 2;", "R0102", 1, 5),
    ("def f() { return 1 }", "R0102", 1, 18),
    ("def f() {\n  x = 1\n  return x; }", "R0102", 2, 7),
    ("for i in [1] { x = i }", "R0102", 1, 20),
    ("foo bar;", "R0101", 1, 5),
    ("x = 1 2;", "R0101", 1, 7),
    ("x = ;", "R0101", 1, 5),
    ("x += 1;", "R0101", 1, 4),
    ("x = a != b;", "R0101", 1, 7),
    ("x = a == ;", "R0101", 1, 10),
    ("1, 2;", "R0101", 1, 2),
    ("f(x) = 3;", "R0101", 1, 6),
    ("x = f(a, );", "R0101", 1, 10),
    ("x = [1,\n2,];", "R0101", 2, 3),
    ("x = {1: 2, 3};", "R0101", 1, 13),
    ("x = select(a, b);", "R0101", 1, 16),
    ("x = select(a, b, c);", "R0101", 1, 18),
    ("x = select (a, b, ==);", "R0101", 1, 19),
    ("x = aggregate(a);", "R0101", 1, 16),
    ("x = a if b;", "R0101", 1, 11),
    ("if a { b; }", "R0101", 1, 1),
    ("while a { b; }", "R0101", 1, 7),
    ("return 1;", "R0101", 1, 1),
    ("def f() { x = 1; }", "R0101", 1, 18),
    ("def f() { return 1; x = 1; }", "R0101", 1, 21),
    ("for i in [1] { }", "R0101", 1, 16),
    ("set example 1;", "R0101", 1, 14),
    ("set = 1;", "R0101", 1, 5),
    ("x = set;", "R0101", 1, 5),
    ("x = a not in b;", "R0101", 1, 7),
    ("x = 1e5;", "R0101", 1, 6),
    ("x = [i for i in a if i];", "R0101", 1, 23),
    ("x = .5;", "R0103", 1, 5),
    ("x = 1.;", "R0103", 1, 6),
    ("x = 'a';", "R0103", 1, 5),
    ("x = a && b;", "R0103", 1, 7),
    ("x = \u00e9;", "R0103", 1, 5),
    ("x = a\u00a0+ b;", "R0103", 1, 6),
    ("x = \0;", "R0103", 1, 5),
    ("\ufeffx = 1;", "R0103", 1, 1),
    ('x = "abc;\ny = 2;', "R0104", 1, 5),
    ("x = (1 + 2;", "R0105", 1, 5),
    ("x = f(1,\n  [2);", "R0105", 2, 5),
    ("x = 1);", "R0105", 1, 6),
    ("}", "R0105", 1, 1),
    ("x = (1", "R0105", 1, 5),
    ("x = len(a\ny = 2;", "R0105", 1, 5),
    ("def f() {\n  return 1;\ny = 2;", "R0105", 1, 9),
    ("def f() {\n  x = 1;", "R0105", 1, 9),
    ("x =", "R0101", 1, 4),
    (f"x = {'9' * (MAX_DIGITS + 1)};", "R0107", 1, 5),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), MALFORMED, ids=[text[:30] for text, *_ in MALFORMED])
def test_an_error_is_reported_once_and_where_it_is(text: str, code: str, line: int, column: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.code, found.span.line, found.span.column) == (code, line, column)


def test_errors_do_not_hide_each_other_nor_the_sound_statements() -> None:
    result = parse_statements(Source("t", "a = 1;\nb = (2;\nc = 3;\nd = 4 $;\ndef f() { x = ; return +; }\ne = 5;\n"))
    places = [(d.code, d.span.line, d.span.column) for d in result.diagnostics if d.span]
    assert places == [("R0105", 2, 5), ("R0103", 4, 7), ("R0101", 5, 15), ("R0101", 5, 25)]
    assert [s.span.text for s in result.statements] == ["a = 1;", "c = 3;", "e = 5;"]


def test_a_missing_semicolon_does_not_cost_its_statement() -> None:
    result = parse_statements(Source("t", "a = 1\nb = 2;"))
    assert [s.span.text for s in result.statements] == ["a = 1", "b = 2;"]


def test_the_number_of_errors_is_bounded() -> None:
    for text in ("x = 1\n" * 200, "x = ;\n" * 200, "def f() {" + "x = ;\n" * 200 + "return 1; }"):
        assert len(parse_statements(Source("t", text)).diagnostics) == MAX_ERRORS


@pytest.mark.parametrize("name", ["errors"])
def test_rendered_errors(name: str) -> None:
    source = Source(f"{name}.rasp", (GOLDEN / f"{name}.rasp").read_text())
    rendered = "\n".join(d.render() for d in parse_statements(source).diagnostics)
    assert rendered + "\n" == (GOLDEN / f"{name}.txt").read_text()


TOKENS = [
    *("a", "1", "0.5", '"s"', ";", ";", "=", "(", ")", ",", ":", "{", "}", "[", "]", "^", "*", "-", "==", "<", "!="),
    *("set", "s-op", "selector", "example", "examples", "on", "def", "for", "in", "return", "not", "and", "if", "else"),
    *("round", "aggregate(", "select(", "len(", "select", "$", "exit", "load", "draw"),
]


@given(st.lists(st.sampled_from(TOKENS), max_size=25).map(" ".join), st.sampled_from([" ", "\n"]))
@settings(max_examples=300, deadline=None)
def test_any_tokens_give_statements_or_errors_inside_the_text(text: str, space: str) -> None:
    source = Source("t", text.replace(" ", space))
    result = parse_statements(source)
    for found in result.diagnostics:
        assert found.span is not None
        assert 0 <= found.span.start <= found.span.end <= len(source.text)
        assert found.render()
    if not result.diagnostics:
        assert "$" not in text


# --- the prompt ---------------------------------------------------------------------------------------------------


WAITS = [
    *("", "# c", "x = 1", "x = 1 +", "def f() {", "def f() { return 1;", "f(", "1\nb", "x = 1 y = 2;", "[1,"),
    *("def f() { return 1 }", "for x in a", "select(1,2", "set", "a +=", "a += 1;", "x = 1 + (b show);", "f(1 show);"),
    *("x = a - f(1, 2)(show);", "x = 1 + {1: 2, 3};", "def f() { x = 1 + show; return 1; }", "a[1;", "x = 1 (2 3);"),
]
GIVES_UP = [
    *(("a b", 3), ("x = 1 2;", 7), ("x = )", 5), ("x = 1 $", 7), ("1, 2;", 2), ('x = "a', 5), ("x = a != b;", 7)),
    *(("x = 1; }", 8), ("if", 1), ("set example 1;", 14), ("(" * (MAX_NESTING + 1), MAX_NESTING + 1)),
    *(("x = a * show;", 9), ("x = 1 + 2 * show;", 13), ("f(1, show);", 6), ("x = (a + show);", 10), ("x = -show;", 6)),
    *(("def f() { return 1 + show; }", 22), ("x = a + 2 ];", 11), ("f(1,2,3 show);", 2)),
]


@pytest.mark.parametrize("text", WAITS)
def test_the_prompt_waits_where_the_reference_was_seen_to_wait(text: str) -> None:
    assert parse_pending(text, "p") == Incomplete()


@pytest.mark.parametrize(("text", "column"), GIVES_UP)
def test_the_prompt_gives_up_where_the_reference_was_seen_to(text: str, column: int) -> None:
    problem = parse_pending(text, "p")
    assert isinstance(problem, SyntaxProblem)
    assert problem.span.column == column


def test_the_prompt_returns_statements() -> None:
    found = parse_pending("x = 1; show example", "p")
    assert isinstance(found, tuple)
    assert [type(s) for s in found] == [Assign, ShowExample]


@given(st.lists(st.lists(st.sampled_from([*TOKENS, "full seq display", "full", "seq", "# x"]), max_size=4), max_size=6))
@settings(max_examples=400, deadline=None)
def test_lines_known_to_go_on_do_go_on(lines: list[list[str]]) -> None:
    """The quick way says nothing that the whole text, parsed at once, does not say."""
    growing, text = Growing(), ""
    for line in map(" ".join, lines):
        text += line + " "
        known = growing.unfinished(line)
        assert known is growing.known
        if known:
            assert isinstance(parse_pending(text, "t"), Incomplete)


def test_long_statements_are_known_to_go_on() -> None:
    growing = Growing()
    assert all(growing.unfinished(line) for line in ["def f(a) {", *["x = a + [1, 2];"] * 5000, "return (", "x"])
    assert not growing.unfinished(") ; }")
    assert not growing.unfinished("x")


# --- texts made to break it ---------------------------------------------------------------------------------------

LONG = 10_000
HOSTILE = {
    "sum": ("x = a" + " + a" * LONG + ";", True),
    "not": ("x = " + "not " * LONG + "a;", True),
    "minus": ("x = " + "-" * LONG + "a;", True),
    "calls": ("x = f" + "(1)" * LONG + ";", True),
    "conditionals": ("x = a" + " if b else c" * LONG + ";", True),
    "conditions": ("x = " + "a if " * LONG + "b" + " else c" * LONG + ";", True),
    "elements": ("x = [" + "1," * LONG + "1];", True),
    "statements": ("x;" * LONG, True),
    "nesting allowed": ("x = " + "(" * MAX_NESTING + "1" + ")" * MAX_NESTING + ";", True),
    "nesting": ("x = " + "(" * (MAX_NESTING + 1) + "1" + ")" * (MAX_NESTING + 1) + ";", False),
    "functions": ("def f() {" * LONG, False),
    "open": ("[" * LONG, False),
    "closed": ("}" * LONG, False),
    "semicolons": (";" * LONG, False),
    "quotes": ('"' * (2 * LONG + 1), False),
    "zeros": ("\0" * LONG, False),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_parsed_or_refused_without_recursion(name: str) -> None:
    text, valid = HOSTILE[name]
    result = parse_statements(Source("t", text))
    assert (not result.diagnostics) == valid
    if valid:
        assert unparse_program(result.statements)
        assert dump(result.statements)


def test_deep_nesting_is_one_clear_error() -> None:
    text = "x = " + "(" * 200_000 + "1" + ")" * 200_000 + ";"
    (found,) = parse_statements(Source("t", text)).diagnostics
    assert (found.code, found.span and found.span.column) == ("R0106", 5 + MAX_NESTING)
