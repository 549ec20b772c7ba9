"""What the reference's parser makes of lines typed so far, comments included.

`spec.parse` lets comments stand anywhere. In the reference's grammar they are tokens, which may follow a statement or
stand between the statements of a body. Elsewhere they are an error, except where its parser believes that only a `;`
is missing: at the end of an expression, and after an operator such as `+` that could begin the next statement.
"""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from spec.ast import Statement
from spec.parse import Incomplete, SyntaxProblem, parse_pending
from spec.source import Source, Span

Judgement: TypeAlias = Incomplete | SyntaxProblem | tuple[Statement, ...]

_QUOTED_OR_COMMENT: Final = re.compile(r'"[^"\r\n]*"|#[^\r\n]*')
_NAME_ALONE: Final = re.compile(r"(?:^|[;{}])\s*[a-zA-Z_][a-zA-Z_0-9]*\s*$")
_SIGN: Final = re.compile(r'"[^"\r\n]*"|s-op|(?:aggregate|select|range|zip|len)\(|[-+(\[]')
"""Strings, the tokens that end in a parenthesis, and the operators that could also begin a statement."""
_BRACKET: Final = re.compile(r'"[^"\r\n]*"|[()\[\]]')
_ENDS: Final = (";", "{", "}")


def judge(text: str, name: str) -> Judgement:
    """Whether the text is a statement, could become one, or never will."""
    for comment in _comments(text):
        before = _without_comments(text[: comment.start()])
        read = parse_pending(before, name)
        if isinstance(read, SyntaxProblem):
            break
        if not isinstance(read, Incomplete) or _between_statements(before, name):
            continue
        if _fits(f"{before} = =", name):
            return Incomplete()  # a `;` is missing even earlier
        follows = _without_comments(text[comment.end() :]).lstrip()
        if _lacks_semicolon(before, follows, name):
            return Incomplete()
        span = Span(Source(name, text), comment.start(), comment.end())
        return SyntaxProblem(f"extraneous input '{comment.group()}'", span)
    return parse_pending(text, name)


def _comments(text: str) -> Iterator[re.Match[str]]:
    return (found for found in _QUOTED_OR_COMMENT.finditer(text) if found.group().startswith("#"))


def _without_comments(text: str) -> str:
    return _QUOTED_OR_COMMENT.sub(lambda found: "" if found.group().startswith("#") else found.group(), text)


def _fits(text: str, name: str) -> bool:
    return not isinstance(parse_pending(text, name), SyntaxProblem)


def _between_statements(before: str, name: str) -> bool:
    """Whether the text ends inside a body, where one statement has ended and another may begin."""
    if not before.rstrip().endswith(_ENDS) or _fits(f"{before};", name):
        return False
    after_return = before.rstrip().endswith(";") and _fits(f"{before} }}", name)
    return after_return or _fits(f"{before} x = 1;", name)


def _lacks_semicolon(before: str, follows: str, name: str) -> bool:
    """Whether the reference takes a comment here for a missing `;`, and so waits."""
    if _fits(f"{before};", name):
        return _NAME_ALONE.search(before) is None and not follows.startswith(";")
    signs = [sign.start() for sign in _SIGN.finditer(before) if len(sign.group()) == 1]
    return any(
        _fits(f"{before[:start]};", name) and _open(before[start:]) and _fits(before[start:], name) for start in signs
    )


def _open(text: str) -> bool:
    """Whether the text does not begin with a bracket that is closed in it."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(found.group(), 0)
        if depth == 0 and text[0] in "([":
            return False
    return True
