"""Text to tokens: the lexical rules of the reference implementation.

At each position the longest match wins, so `select(`, `s-op`, `exit()` and `full seq display` are single tokens, and a
keyword is never an identifier. White space and comments vanish (the reference allows comments in some places only;
here they may stand anywhere). Characters that begin no token become `ILLEGAL` tokens, so that the parser
meets them in order and reports each once.
"""

import re
from dataclasses import dataclass

from spec.source import Source, Span

END = "$END"
ILLEGAL = "ILLEGAL"

MAX_TOKENS = 100_000
"""How much of a text is read; the parser refuses a longer one. The longest published programs have a third of it."""

KEYWORDS = {
    "set": "SET",
    "selector": "SELECTOR",
    "example": "EXAMPLE",
    "show": "SHOW",
    "examples": "EXAMPLES",
    "on": "ON",
    "off": "OFF",
    "exit": "EXIT",
    "quit": "EXIT",
    "load": "LOAD",
    "draw": "DRAW",
    "def": "DEF",
    "for": "FOR",
    "in": "IN",
    "return": "RETURN",
    "not": "NOT",
    "and": "AND",
    "or": "OR",
    "if": "IF",
    "else": "ELSE",
    "round": "ROUND",
    "indicator": "INDICATOR",
}

SYMBOLS = {
    "full seq display": "FULL_SEQ_DISPLAY",
    "s-op": "SOP",
    "exit()": "EXIT",
    "quit()": "EXIT",
    "aggregate(": "AGGREGATE_LPAR",
    "select(": "SELECT_LPAR",
    "range(": "RANGE_LPAR",
    "zip(": "ZIP_LPAR",
    "len(": "LEN_LPAR",
    "==": "EQEQ",
    "<=": "LE",
    ">=": "GE",
    "!=": "NE",
    ";": "SEMI",
    "=": "EQUAL",
    "(": "LPAR",
    ")": "RPAR",
    ",": "COMMA",
    ":": "COLON",
    "{": "LBRACE",
    "}": "RBRACE",
    "[": "LSQB",
    "]": "RSQB",
    "^": "CARET",
    "*": "STAR",
    "/": "SLASH",
    "%": "PERCENT",
    "+": "PLUS",
    "-": "MINUS",
    ">": "GT",
    "<": "LT",
}

# The alternatives are ordered so that the first match is the longest one: `SYMBOLS` keeps longer spellings first
# among those that share a beginning, and no symbol that looks like a name is shorter than the name at its place.
_PATTERN = re.compile(
    r"(?P<SKIP>[ \t\r\n]+|\#[^\r\n]*)"
    r"|(?P<FLOAT>[0-9]+\.[0-9]+)"
    r"|(?P<INT>[0-9]+)"
    r'|(?P<STRING>"[^"\r\n]*")'
    r"|(?P<SYMBOL>" + "|".join(re.escape(text) for text in SYMBOLS) + ")"
    r"|(?P<NAME>[a-zA-Z_][a-zA-Z_0-9]*)"
    r'|(?P<ILLEGAL>"[^\r\n]*|&&|\|\||.)',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A terminal of the grammar, with its exact place."""

    type: str
    span: Span

    @property
    def text(self) -> str:
        """The characters of the token."""
        return self.span.text


def tokenize(source: Source) -> list[Token]:
    """Every token of the text, up to `MAX_TOKENS + 1`, ended by one `END` token that has an empty span."""
    tokens: list[Token] = []
    for match in _PATTERN.finditer(source.text):
        kind = match.lastgroup
        if kind is None or kind == "SKIP":
            continue
        if kind == "SYMBOL":
            kind = SYMBOLS[match.group()]
        elif kind == "NAME":
            kind = KEYWORDS.get(match.group(), "NAME")
        tokens.append(Token(kind, Span(source, match.start(), match.end())))
        if len(tokens) > MAX_TOKENS:
            break
    end = len(source.text)
    tokens.append(Token(END, Span(source, end, end)))
    return tokens
