"""Warnings: each rule speaks where the text misleads, and keeps silent where parentheses make it plain."""

from pathlib import Path

import pytest

from spec.lint import RULES, lint
from spec.parse import parse_file_text
from spec.source import Source

GOLDEN = Path(__file__).parents[1] / "golden" / "syntax"


def codes(text: str) -> list[str]:
    return [warning.code for warning in lint(parse_file_text(Source("t.rasp", text)))]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("R0801", "not a == b;"),
        ("R0801", "not a in b;"),
        ("R0801", "not a + b;"),
        ("R0801", "c and not a > b;"),
        ("R0802", "a or b and c;"),
        ("R0802", "a and b or c and d;"),
        ("R0803", "a in b and c;"),
        ("R0803", "a in b == c;"),
        ("R0803", "a and b in c;"),
        ("R0803", "a in b if c else d;"),
        ("R0803", "a if b else c in d;"),
        ("R0804", "a if b else c if d else e;"),
        ("R0805", "-a ^ b;"),
        ("R0806", "a % b * c;"),
        ("R0806", "a % b / c;"),
        ("R0807", "a < b < c;"),
        ("R0807", "a == b == c;"),
        ("R0808", "a ^ b ^ c;"),
        ("R0809", "x = len (a);"),
        ("R0810", "_a = 1;"),
        ("R0810", "def _f() { return 1; }"),
        ("R0810", "def f() { a = 1; return 1; }"),
        ("R0810", "a = 1; def f() { for i in [1] { a = 1; }\n return 1; }\n a;".replace("a = 1; def", "a = 1;\ndef")),
        ("R0811", "select(1, 1, ==);"),
        ("R0811", "aggregate(select(1, 1, ==), 1);\nnot select(1, 1, ==) and a;"),
        ("R0812", "s = select(1, 1, ==);"),
        ("R0813", "a = 1; b = 2;"),
        ("R0813", "def f() { return 1; } b = 2;"),
        ("R0814", "x = indices;"),
        ("R0814", "def f() { x = tokens_int; return x; }"),
    ],
)
def test_a_misleading_text_is_warned_about_once(code: str, text: str) -> None:
    assert codes(text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "(not a) == b;",
        "not (a == b);",
        "not a and not b;",
        "a == (not b);",
        "((not (a))) == b;",
        "(a or b) and c;",
        "a or (b and c);",
        "a and b or c;",
        "a in (b and c);",
        "(a in b) and c;",
        "(a and b) in c;",
        "a + b in c;",
        "(a if b else c) if d else e;",
        "a if b else (c if d else e);",
        "a if (b if c else d) else e;",
        "(-a) ^ b;",
        "-(a ^ b);",
        "-a * b;",
        "a % (b * c);",
        "(a % b) * c;",
        "a * b % c;",
        "(a < b) < c;",
        "a < b and b < c;",
        "(a ^ b) ^ c;",
        "a ^ (b ^ c);",
        "x = len(a);",
        "def select (a) { return a; }\nx = select (1);",
        "def f(len) { return len (1); }",
        "a = 1;",
        "_a = 1;\nb = _a;",
        "#@ ensures _a == 1\n_a = 1;",
        "_, b = [1, 2];",
        "def f() { a = 1; def g() { return a; } return g; }",
        "def f(unread) { return 1; }",
        "def f() { for i in [1, 2] { a = 1; } return a; }",
        "s = select(1, 1, ==);\naggregate(s, 1);",
        "#@ ensures s == s\ns = select(1, 1, ==);",
        "def f() { a = 1; b = a; return b; }",
        "tokens = tokens_int;",
        "x = indices + 0;",
        "set example 1 + 2\nshow example",
        "",
    ],
)
def test_a_plain_text_is_not_warned_about(text: str) -> None:
    assert codes(text) == []


def test_rendered_warnings_cover_every_rule() -> None:
    source = Source("warnings.rasp", (GOLDEN / "warnings.rasp").read_text())
    found = lint(parse_file_text(source))
    assert "\n".join(w.render() for w in found) + "\n" == (GOLDEN / "warnings.txt").read_text()
    assert {w.code for w in found} == set(RULES)


def test_long_chains_and_deep_blocks_are_linted_without_recursion() -> None:
    chain = "x = a" + " + a" * 20_000 + ";\n"
    blocks = "def f() {\n" * 900 + "return 1;\n" + "}\nreturn f;\n" * 899 + "}"
    assert codes(chain + blocks) == []
