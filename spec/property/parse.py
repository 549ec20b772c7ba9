"""Tokens of one clause body to its syntax tree, with a diagnostic that says what was expected instead."""

from collections.abc import Sequence
from copy import copy
from typing import Final, cast

import lark
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from spec.diagnostics import PropertyError
from spec.property.ast import Expression
from spec.property.grammar import Piece, grammar, problem
from spec.property.lexer import KEYWORDS, SYMBOLS, tokenize
from spec.source import Source
from spec.tokens import END, ILLEGAL, Token

_SHOWN: Final = {kind: f"`{text}`" for text, kind in (SYMBOLS | KEYWORDS).items()} | {
    END: "the end of the clause",
    "NAME": "a name",
    "STRING": "a string",
    "INT": "a number",
    "REGEX": "a /regular expression/",
    "DYCK_LPAR": '`dyck("()")`',
    "SHUFFLE_DYCK_LPAR": '`shuffle_dyck("()", "[]")`',
    "PREFIXES_LPAR": "`prefixes(..)`",
    "ALPHABET": "`alphabet`",
}

_FOREIGN_HINTS: Final = {
    "&&": "write `and`",
    "&": "write `and`",
    "||": "write `or`",
    "|": "write `or`",
    "!": "write `not`",
    "=": "equality is `==`",
    "->": "implication is `=>`",
    "-->": "implication is `=>`",
    "==>": "implication is `=>`",
    ";": "a clause ends with its line, without `;`",
    "\u2200": "write `forall`",
    "\u2203": "write `exists`",
    "\u2264": "write `<=`",
    "\u2265": "write `>=`",
    "\u2260": "write `!=`",
    "\u2227": "write `and`",
    "\u2228": "write `or`",
    "\u00ac": "write `not`",
    "\u21d2": "implication is `=>`",
    "implies": "implication is `=>`",
    "iff": "equivalence inside an expression is `<=>`",
    "true": "write `True`",
    "false": "write `False`",
    "T": "write `True`",
    "F": "write `False`",
}


def parse_expression(source: Source) -> Expression:
    """The expression that is the whole text of a source; raises `PropertyError`."""
    return expression(tokenize(source, source.text, 0))


def expression(tokens: Sequence[Token]) -> Expression:
    """The expression that the tokens are, up to their end."""
    return cast(Piece, parse("expr", tokens)).node


def parse(start: str, tokens: Sequence[Token]) -> object:
    """What the builder makes of the tokens, which end with `END`, by the rule `start`."""
    parser = grammar().parse_interactive(start=start)
    result: object = None
    for index, token in enumerate(tokens):
        try:
            # The parser looks at nothing but the type of a token, and hands it to the builder.
            result = parser.feed_token(cast(lark.Token, token))
        except UnexpectedToken:
            raise _explain(start, tokens, index) from None
    return result


def _explain(start: str, tokens: Sequence[Token], index: int) -> PropertyError:
    token = tokens[index]
    if token.type == ILLEGAL and token.text.startswith('"'):
        return problem(token.span, "this string has no end", 'a quote inside a string is written \\"')
    if token.type == ILLEGAL and token.text.startswith("'"):
        return problem(token.span, "strings are written with double quotes", f'write "{token.text[1:-1]}"')
    if token.type == "SLASH" and index and tokens[index - 1].type in ("IN", "IFF", "PREFIXES_LPAR"):
        return problem(token.span, "this regular expression has no closing `/`")
    found = _SHOWN[END] if token.type == END else f"`{token.text}`"
    wanted = _expected(start, tokens[:index])
    hint = _FOREIGN_HINTS.get(token.text)
    if token.type == "EQEQ" and index and tokens[index - 1].type == "IFF":
        hint = "after `iff` comes a language"
    return problem(token.span, f"expected {wanted}, found {found}" if wanted else f"unexpected {found}", hint)


def _expected(start: str, before: Sequence[Token]) -> str:
    """What could have come after these tokens, in words."""
    # The parser that failed has already reduced by the token that did not fit, so it knows too little.
    parser = grammar().parse_interactive(start=start)
    for token in before:
        parser.feed_token(cast(lark.Token, token))
    fitting = [kind for kind in _SHOWN if _fits(parser, kind)]
    if {"NAME", "LPAR", "LSQB"} <= set(fitting):
        others = [kind for kind in fitting if kind in ("RSQB", "RPAR", "FORALL", "REGEX")]
        return " or ".join(["an expression", *(_SHOWN[kind] for kind in others if kind != "FORALL")])
    closing = [_SHOWN[kind] for kind in fitting if kind in ("DOTDOT", "RPAR", "RSQB", "COLON", "IFF", "ELSE", END)]
    if "PLUS" in fitting:
        return " or ".join(["an operator", *closing])
    return " or ".join(_SHOWN[kind] for kind in fitting) if len(fitting) <= 6 else ""


def _fits(parser: InteractiveParser, kind: str) -> bool:
    probe = parser.parser_state.copy(deepcopy_values=False)
    probe.parse_conf = copy(probe.parse_conf)
    probe.parse_conf.callbacks = {}
    try:
        probe.feed_token(lark.Token(kind, ""), kind == END)
    except UnexpectedToken:
        return False
    return True
