"""Expressions parse as Python's where Python has them, and errors point at what is wrong."""

import ast as python
from dataclasses import fields, is_dataclass
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.diagnostics import PropertyError
from spec.property.ast import MAX_NESTING, Expression
from spec.property.parse import parse_expression
from spec.property.walk import subexpressions
from spec.source import Source


def tree(text: str) -> Expression:
    return parse_expression(Source("e", text))


def show(node: object) -> str:
    """The tree as nested lists, without spans."""
    match node:
        case tuple():
            return "[" + " ".join(map(show, node)) + "]"
        case Enum():
            return str(node.value)
        case _ if is_dataclass(node):
            inside = [show(getattr(node, field.name)) for field in fields(node) if field.name != "span"]
            return f"({' '.join([type(node).__name__, *inside])})"
        case _:
            return repr(node)


# ------------------------------------------------------------------------------------------------ against Python

SYMBOLS: dict[type[python.AST], str] = {
    python.Add: "+",
    python.Sub: "-",
    python.Mult: "*",
    python.Div: "/",
    python.Mod: "%",
    python.Pow: "^",
    python.Eq: "==",
    python.NotEq: "!=",
    python.Lt: "<",
    python.LtE: "<=",
    python.Gt: ">",
    python.GtE: ">=",
}


def python_tree(node: python.expr) -> str:  # noqa: C901  one case for each form of Python's
    """What Python's own parser makes of the text, in the notation of `show`."""
    match node:
        case python.Constant(value=value):
            return f"(Literal {value!r})"
        case python.Name(id=name):
            return f"(Name {name!r})"
        case python.BinOp(left=left, op=op, right=right):
            return f"(Arithmetic {SYMBOLS[type(op)]} {python_tree(left)} {python_tree(right)})"
        case python.UnaryOp(op=python.Not(), operand=operand):
            return f"(Negation not {python_tree(operand)})"
        case python.UnaryOp(operand=operand):
            return f"(Negation -x {python_tree(operand)})"
        case python.BoolOp(op=op, values=values):
            name = "and" if isinstance(op, python.And) else "or"
            return f"(Logic {name} [{' '.join(map(python_tree, values))}])"
        case python.Compare(left=left, ops=[python.In()], comparators=[right]):
            return f"(Element {python_tree(left)} {python_tree(right)})"
        case python.Compare(left=left, ops=[python.NotIn()], comparators=[right]):
            return f"(Negation not (Element {python_tree(left)} {python_tree(right)}))"
        case python.Compare(left=left, ops=ops, comparators=rest):
            shown = " ".join(SYMBOLS[type(op)] for op in ops)
            return f"(Comparison [{shown}] [{' '.join(map(python_tree, [left, *rest]))}])"
        case python.IfExp(test=test, body=body, orelse=orelse):
            return f"(Conditional {python_tree(body)} {python_tree(test)} {python_tree(orelse)})"
        case python.Subscript(value=value, slice=index):
            return f"(Index {python_tree(value)} {python_tree(index)})"
        case python.Call(func=python.Name(id=name), args=args):
            return f"(Call {name} [{' '.join(map(python_tree, args))}])"
        case python.List(elts=elts):
            return f"(ListLiteral [{' '.join(map(python_tree, elts))}])"
        case _:
            raise AssertionError(python.dump(node))


LEAVES = st.sampled_from(["a", "b", "x", "1", "20", "True", '"s"', "x[1]", "len(x)", "[1, a]"])


def flat(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Operators without parentheses, so that precedence decides."""
    binary = st.sampled_from(["+", "-", "*", "/", "%", "^", "==", "!=", "<", "<=", ">", ">=", "and", "or"])
    return st.one_of(
        st.tuples(inner, binary, inner).map(" ".join),
        inner.map("not {}".format),
        inner.map("-{}".format),
        inner.map("({})".format),
        inner.map("abs({})".format),
        inner.map("({})[0]".format),
        st.tuples(inner, inner, inner).map(lambda t: f"{t[0]} if {t[1]} else {t[2]}"),
        st.tuples(inner, st.sampled_from(["in", "not in"])).map(lambda t: f"({t[0]}) {t[1]} [1, 2]"),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(LEAVES, flat, max_leaves=12))
def test_precedence_and_associativity_are_pythons(text: str) -> None:
    try:
        expected = python_tree(python.parse(text.replace("^", "**"), mode="eval").body)
    except SyntaxError:
        return
    except (AssertionError, KeyError):  # `a < b in c`, which chains in Python only
        return
    found = show(tree(text))
    # Python tells `(a and b) and c` from `a and b and c`; their meaning is the same, and so is our tree.
    assert found == expected or "(Logic and [(Logic and" in expected or "(Logic or [(Logic or" in expected


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("forall i: a and b or c", "forall i: ((a and b) or c)"),
        ("a and forall i: b and c", "a and (forall i: (b and c))"),
        ("not exists i: a => b", "not (exists i: (a => b))"),
        ("a => b => c", "a => (b => c)"),
        ("a <=> b => c", "a <=> (b => c)"),
        ("a <=> b <=> c", "(a <=> b) <=> c"),
        ("a => b if c else d", "a => (b if c else d)"),
        ("a or b => c and d", "(a or b) => (c and d)"),
        ("(a and b) and c", "a and b and c"),
        ("x[0..n - 1][i]", "(x[0..(n - 1)])[i]"),
        ("forall k in a + 1..n - 1: b", "forall k in (a + 1)..(n - 1): b"),
        ("a in /b/ and c", "(a in /b/) and c"),
        ('a not in prefixes(dyck("()"))', 'not (a in prefixes(dyck("()")))'),
        ("2 ^ -1", "2 ^ (-1)"),
        ("-2 ^ 2", "-(2 ^ 2)"),
        ("1.50", "1.5"),
        ("x[1..2]", "x[(1)..(2)]"),
    ],
)
def test_grouping(text: str, same: str) -> None:
    assert show(tree(text)) == show(tree(same))


@pytest.mark.parametrize(
    ("text", "other"),
    [("(a < b) < c", "a < b < c"), ("a < (b < c)", "a < b < c"), ("a and (b and c)", "a or (b and c)"), ("1", "1.0")],
)
def test_different_trees(text: str, other: str) -> None:
    assert show(tree(text)) != show(tree(other))


def test_words_of_the_grammar_are_plain_names_where_no_language_can_be() -> None:
    assert show(tree("dyck[i] + alphabet / prefixes / under")).count("Name") == 5
    assert "Length" in show(tree("n"))


def test_every_node_knows_the_text_it_came_from() -> None:
    text = 'forall i: (x[i] == "a") => count(x[0..i], "b") in [1, n]'
    spans = {(type(node).__name__, node.span.text) for node in subexpressions(tree(text))}
    assert ("Quantified", text) in spans
    assert ("Comparison", 'x[i] == "a"') in spans
    assert ("Logic", '(x[i] == "a") => count(x[0..i], "b") in [1, n]') in spans
    assert ("Call", 'count(x[0..i], "b")') in spans
    assert ("Slice", "x[0..i]") in spans
    assert ("Element", 'count(x[0..i], "b") in [1, n]') in spans
    assert ("Length", "n") in spans


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("", 1, "expected an expression, found the end", None),
        ("a b", 3, "expected an operator or the end of the clause, found `b`", None),
        ("(a", 3, "expected an operator or `)`", None),
        ("x[1", 4, "`..` or `]`", None),
        ("a and and b", 7, "expected an expression, found `and`", None),
        ("a && b", 3, "found `&&`", "write `and`"),
        ("a == 'b'", 6, "double quotes", 'write "b"'),
        ("a = b", 3, "found `=`", "equality is `==`"),
        ("a ==> b", 3, "found `==>`", "implication is `=>`"),
        ("a implies b", 3, "found `implies`", "implication is `=>`"),
        ("a \u2264 b", 3, "found", "write `<=`"),
        ("a;", 2, "found `;`", "without `;`"),
        ('"ab', 1, "no end", None),
        ('"\\q"', 1, "escape", "JSON"),
        ('"\\ud800"', 1, "escape", "JSON"),
        ("coutn(x)", 1, "no function `coutn`", "`count`"),
        ("sum(x, y)", 1, "takes 1 argument, got 2", None),
        ("prefix(x)", 1, "takes 2 arguments, got 1", None),
        ("x in /ab", 6, "no closing `/`", None),
        ("forall i in 3: a", 14, "`..`", None),
        ("forall n: a", 8, "`n` is the length", None),
        ("exists i a", 10, "`:`", None),
        ('x in dyck("(]", "[]")', 6, "different character", None),
        ('x in dyck("(")', 11, "two characters", None),
        ("9" * 5000, 1, "digits", None),
        ("a $ b", 3, "found `$`", None),
    ],
)
def test_syntax_error_points_at_what_is_wrong(text: str, column: int, message: str, hint: str | None) -> None:
    with pytest.raises(PropertyError) as caught:
        tree(text)
    (problem,) = caught.value.diagnostics
    assert problem.span is not None
    assert problem.span.column == column
    assert message in problem.message
    assert hint is None or hint in (problem.hint or "")


@pytest.mark.parametrize(
    "deep", ["not " * 300 + "a", "-" * 10_000 + "1", "[" * 300 + "]" * 300, " + ".join("a" * 300), "x" + "[0]" * 300]
)
def test_deep_nesting_is_an_error_and_not_a_crash(deep: str) -> None:
    with pytest.raises(PropertyError, match=f"more than {MAX_NESTING} levels"):
        tree(deep)


def test_parentheses_and_long_conjunctions_are_not_nesting() -> None:
    assert show(tree("(" * 9_000 + "a" + ")" * 9_000)) == show(tree("a"))
    assert show(tree(" and ".join(["a"] * 2_000))).count("Name") == 2_000
    assert show(tree("[" + ", ".join(["1"] * 2_000) + "]")).count("(Literal") == 2_000
