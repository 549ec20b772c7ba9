"""Clause text to tokens.

Operators and keywords are Python's, with `^` for powers, `=>`, `<=>`, `..` and `forall`, `exists`, `iff`. Where a
language may begin (after `in`, `iff` and `prefixes(`) a slash opens a regular expression, and `dyck(`, `shuffle_dyck(`,
`prefixes(` and `alphabet` are words of the grammar; everywhere else they are a division and plain names.
"""

import re
from typing import Final

from spec.diagnostics import Diagnostic, PropertyError
from spec.source import Source, Span
from spec.tokens import END, ILLEGAL, Token

KEYWORDS: Final = {
    "not": "NOT",
    "and": "AND",
    "or": "OR",
    "if": "IF",
    "else": "ELSE",
    "in": "IN",
    "forall": "FORALL",
    "exists": "EXISTS",
    "iff": "IFF",
    "True": "TRUE",
    "False": "FALSE",
}

SYMBOLS: Final = {
    "<=>": "EQUIVALENT",
    "=>": "IMPLIES",
    "==": "EQEQ",
    "!=": "NE",
    "<=": "LE",
    ">=": "GE",
    "..": "DOTDOT",
    "::": "COLONCOLON",
    "<": "LT",
    ">": "GT",
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    ",": "COMMA",
    ":": "COLON",
    "^": "CARET",
    "*": "STAR",
    "/": "SLASH",
    "%": "PERCENT",
    "+": "PLUS",
    "-": "MINUS",
}

REGEX_LITERAL: Final = r"/(?:[^/\\\[\r\n]|\\[^\r\n]|\[(?:[^\]\\\r\n]|\\[^\r\n])*\])+/"
STRING_LITERAL: Final = r'"(?:[^"\\\r\n]|\\[^\r\n])*"'

# Spellings that people try, each one token, so that the diagnostic can name it.
_FOREIGN = (
    r"==>|-->|->|&&|\|\||!(?!=)|[&|;]|=(?![=>])|'[^'\r\n]*'|[\u2200\u2203\u2264\u2265\u2260\u2227\u2228\u00ac\u21d2]"
)

_LANGUAGE = re.compile(
    rf"(?P<REGEX>{REGEX_LITERAL})"
    r"|(?P<DYCK_LPAR>dyck[ \t]*\()|(?P<SHUFFLE_DYCK_LPAR>shuffle_dyck[ \t]*\()|(?P<PREFIXES_LPAR>prefixes[ \t]*\()"
    r"|(?P<ALPHABET>alphabet\b)"
)
_PATTERN = re.compile(
    r"(?P<SKIP>[ \t\r\n]+)"
    r"|(?P<FLOAT>[0-9]+\.[0-9]+)"
    r"|(?P<INT>[0-9]+)"
    rf"|(?P<STRING>{STRING_LITERAL})"
    rf"|(?P<{ILLEGAL}_WORD>{_FOREIGN})"
    r"|(?P<SYMBOL>" + "|".join(re.escape(text) for text in SYMBOLS) + ")"
    r"|(?P<NAME>[a-zA-Z_][a-zA-Z_0-9]*)"
    rf'|(?P<{ILLEGAL}>"[^\r\n]*|.)',
    re.DOTALL,
)
MAX_TOKENS: Final = 20_000
"""How many words and signs the clauses of one contract may have."""

_BEFORE_LANGUAGE: Final = frozenset({"IN", "IFF", "PREFIXES_LPAR"})


def too_long(span: Span) -> PropertyError:
    """The error for clauses that nobody will read."""
    return PropertyError(Diagnostic("P0109", f"the clauses have more than {MAX_TOKENS} words and signs", span))


def tokenize(source: Source, text: str, offset: int) -> list[Token]:
    """Every token of `text`, which stands at `offset` in the source, ended by an `END` token with an empty span.

    Raises `PropertyError` where there are more than `MAX_TOKENS`.

    `text` may differ from the source in characters that were blanked out, so a token's text is the source's.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        wanted = _LANGUAGE if tokens and tokens[-1].type in _BEFORE_LANGUAGE else _PATTERN
        match = wanted.match(text, position) or _PATTERN.match(text, position)
        if match is None:
            break
        kind = match.lastgroup
        if kind == "SYMBOL":
            kind = SYMBOLS[match.group()]
        elif kind == "NAME":
            kind = KEYWORDS.get(match.group(), "NAME")
        elif kind == f"{ILLEGAL}_WORD":
            kind = ILLEGAL
        if kind is not None and kind != "SKIP":
            tokens.append(Token(kind, Span(source, offset + match.start(), offset + match.end())))
            if len(tokens) > MAX_TOKENS:
                raise too_long(tokens[-1].span)
        position = match.end()
    end = offset + len(text.rstrip())
    tokens.append(Token(END, Span(source, end, end)))
    return tokens
