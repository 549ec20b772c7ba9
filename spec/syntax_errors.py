"""What to say about a token that cannot follow what stands before it.

Codes: R0101 unexpected token or end, R0103 illegal character, R0104 unterminated string, R0105 bracket that is
never closed or does not match, R0106 nested too deeply, R0107 number too long. (R0102, a missing `;`, is made
by the parser, which also mends it.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from spec.diagnostics import Diagnostic
from spec.tokens import END, ILLEGAL, KEYWORDS, SYMBOLS, Token

_ROUND = ("LPAR", "SELECT_LPAR", "AGGREGATE_LPAR", "RANGE_LPAR", "ZIP_LPAR", "LEN_LPAR")
CLOSER = {"LBRACE": "RBRACE", "LSQB": "RSQB"} | dict.fromkeys(_ROUND, "RPAR")
CLOSERS = frozenset(CLOSER.values())
# A `{` after one of these opens a block: no expression continues with `{`.
EXPRESSION_ENDS = frozenset({"NAME", "INT", "FLOAT", "STRING", "RPAR", "RSQB", "RBRACE"})
STATEMENT_KEYWORDS = frozenset(
    {"DEF", "FOR", "LOAD", "DRAW", "RETURN", "SET", "SHOW", "EXAMPLES", "FULL_SEQ_DISPLAY", "EXIT"}
)

_SPELLING = {kind: f"`{text}`" for text, kind in (SYMBOLS | KEYWORDS).items()}
_LITERALS = {"NAME": "a name", "INT": "an integer", "FLOAT": "a number", "STRING": "a string"}
_EXPRESSION_STARTS = frozenset(
    {"NAME", "INT", "FLOAT", "STRING", "LBRACE", "NOT", "MINUS", "PLUS", "ROUND", "INDICATOR", *CLOSER}
)
_OPERATORS = frozenset(
    {"CARET", "STAR", "SLASH", "PERCENT", "PLUS", "MINUS", "EQEQ", "LE", "GE", "GT", "LT", "AND", "OR", "IF", "IN"}
    | {"LSQB", "LPAR"}
)
_ARITHMETIC = frozenset({"CARET", "STAR", "SLASH", "PERCENT", "PLUS", "MINUS"})
_ABSENT = {
    "while": "RASP has no `while`; loop over a list with `for`",
    "elif": "RASP has no `elif`; write `a if c else b`",
    "lambda": "RASP has no `lambda`; define a function with `def`",
    "let": "assign without `let`: `name = value;`",
    "var": "assign without `var`: `name = value;`",
    "import": 'RASP loads files with `load "name";`',
    "print": "an expression alone, such as `x;`, shows its value at the prompt",
}
_ILLEGAL = {
    "'": "strings stand between double quotes",
    "!": "write `not e`, or `!=` as the third argument of `select(`",
    "&": "write `and`",
    "&&": "write `and`",
    "|": "write `or`",
    "||": "write `or`",
    ".": "a number with a point needs digits on both sides of it, as in `0.5`",
    "\ufeff": "remove the byte-order mark",
    "\u00a0": "replace the no-break space by an ordinary one",
}


@dataclass(frozen=True, slots=True)
class Bracket:
    """An open bracket; `block` marks the `{` of a function or a loop."""

    token: Token
    block: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the parser stopped: at `tokens[index]`, inside the statement that starts at `tokens[start]`."""

    tokens: Sequence[Token]
    start: int
    index: int
    brackets: Sequence[Bracket]
    expected: frozenset[str]

    @property
    def token(self) -> Token:
        """The token that does not fit."""
        return self.tokens[self.index]

    @property
    def previous(self) -> Token | None:
        """The token before it, within the same statement."""
        return self.tokens[self.index - 1] if self.index > self.start else None

    @property
    def bracket(self) -> Token | None:
        """The innermost open bracket that is not a block."""
        return self.brackets[-1].token if self.brackets and not self.brackets[-1].block else None

    def touches_previous(self) -> bool:
        """Whether nothing separates the token from the one before it."""
        return self.previous is not None and self.previous.span.end == self.token.span.start


def explain(at: Situation) -> Diagnostic:
    """The most specific diagnostic that applies."""
    if at.token.type == ILLEGAL:
        return _illegal(at)
    return _bracket(at) or _shape(at) or _unexpected(at, _hint(at) or _expectation(at.expected))


def _illegal(at: Situation) -> Diagnostic:
    text, span = at.token.text, at.token.span
    if text.startswith('"'):
        hint = 'a string ends with `"` on the same line'
        return Diagnostic("R0104", "this string is not closed", span, hint)
    shown = f"`{text}`" if text.isprintable() and text.isascii() else f"U+{ord(text):04X}"
    return Diagnostic("R0103", f"{shown} has no meaning here", span, _ILLEGAL.get(text))


def _bracket(at: Situation) -> Diagnostic | None:
    """Brackets that do not pair up."""
    token, open_ = at.token, at.brackets[-1].token if at.brackets else None
    if open_ is None:
        if token.type in CLOSERS:
            return Diagnostic("R0105", f"this `{token.text}` closes nothing", token.span)
        return None
    if token.type in CLOSERS and token.type != CLOSER[open_.type]:
        line, column = open_.span.line, open_.span.column
        hint = f"`{open_.text}` was opened at line {line}, column {column}"
        return Diagnostic("R0105", f"`{token.text}` does not close `{open_.text}`", token.span, hint)
    ends_statement = (
        token.type in STATEMENT_KEYWORDS - {"FOR"}
        or token.type == "SEMI"
        or (token.type == "NAME" and at.tokens[at.index + 1].type == "EQUAL")
    )
    unclosed = at.bracket is not None and ends_statement and CLOSER[open_.type] in at.expected
    if token.type == END or unclosed:
        return Diagnostic("R0105", f"this `{open_.text}` is never closed", open_.span)
    return None


def _shape(at: Situation) -> Diagnostic | None:
    """Statements that lack a part, or have one too many."""
    token, expected = at.token, at.expected
    if token.type == "RETURN" and "NAME" in expected and at.previous is None:
        return Diagnostic("R0101", "`return` outside a function", token.span)
    if token.type == "RBRACE" and "RETURN" in expected:
        return Diagnostic("R0101", "a function must end with `return`", token.span)
    if token.type == "RBRACE" and at.previous is None:
        return Diagnostic("R0101", "the body of a `for` cannot be empty", token.span)
    if expected == {"RBRACE"} and at.previous is None and _is_outdented(at):
        return Diagnostic("R0105", "this `{` is never closed", at.brackets[-1].token.span)
    if expected == {"RBRACE"} and at.previous is None:
        return Diagnostic("R0101", "`return` must be the last statement of a function", token.span)
    if token.type == END:
        return Diagnostic("R0101", "the text ends inside a statement", token.span, _expectation(expected))
    return None


def _is_outdented(at: Situation) -> bool:
    """Whether the token begins no further right than the line that opened the innermost bracket."""
    opened = at.brackets[-1].token.span
    line = opened.source.line(opened.line)
    return at.token.span.line > opened.line and at.token.span.column <= len(line) - len(line.lstrip()) + 1


def _unexpected(at: Situation, hint: str | None) -> Diagnostic:
    keyword = at.token.type in KEYWORDS.values() and at.token.type not in _OPERATORS | {"ELSE"}
    if keyword and "NAME" in at.expected:
        return Diagnostic("R0101", f"`{at.token.text}` is a keyword and cannot be used as a name", at.token.span)
    return Diagnostic("R0101", f"unexpected `{at.token.text}`", at.token.span, hint)


def _hint(at: Situation) -> str | None:
    return _hint_about_operators(at) or _hint_about_words(at) or _hint_about_punctuation(at)


def _hint_about_operators(at: Situation) -> str | None:
    kind = at.token.type
    previous = at.previous.type if at.previous else None
    if kind == "EQUAL" and previous in _ARITHMETIC:
        return f"there is no augmented assignment; write `x = x {_text(at.previous)} ...`"
    if kind == "EQUAL":
        return "`=` assigns to names at the start of a statement; to compare, write `==`"
    if kind == "NE":
        return "`!=` is only a third argument of `select(`; elsewhere write `not (a == b)`"
    if kind == "NOT" and previous in EXPRESSION_ENDS:
        return "there is no `not in`; write `not (x in list)`"
    if kind == "SLASH" and previous is None:
        return "a comment begins with `#`"
    if kind in ("STAR", "SLASH") and previous == kind:
        return "power is `^`" if kind == "STAR" else "division is `/`; there is no integer division"
    spaced = at.bracket is not None and at.bracket.type == "LPAR" and _before(at, at.bracket) == "select"
    if kind in ("EQEQ", "LT", "LE", "GT", "GE") and spaced:
        return "write `select(` without a space before the parenthesis"
    return None


def _hint_about_words(at: Situation) -> str | None:
    token, previous = at.token, at.previous
    if token.type == "IF" and previous is None:
        return "RASP has no `if` statement; write `a if c else b`"
    if token.type == "ELSE" and previous is None:
        return "RASP has no `else` statement; write `a if c else b`"
    if token.type == "SOP":
        return "`s-op` is one word of the language; to subtract, write `s - op`"
    word = at.tokens[at.start].text
    if word in _ABSENT and at.index == at.start + 1:
        return _ABSENT[word]
    if previous is not None and previous.text in _ABSENT:
        return _ABSENT[previous.text]
    if previous is not None and previous.type in ("INT", "FLOAT") and token.type == "NAME" and at.touches_previous():
        return "a name cannot begin with a digit, and numbers have no exponent"
    if "ELSE" in at.expected:
        return "every `if` needs an `else`; comprehensions have no filter"
    return None


def _hint_about_punctuation(at: Situation) -> str | None:
    token, previous = at.token, at.previous
    if token.type == "SEMI" and previous is None:
        return "a statement is missing here; prompt commands such as `set example` take no `;`"
    if token.type in CLOSERS and previous is not None and previous.type == "COMMA":
        return "remove the comma before it: trailing commas are not allowed"
    if token.type == "COMMA" and not at.bracket and "SEMI" in at.expected:
        return "several values can be assigned or returned; a list is written `[a, b]`"
    if token.type == "COLON" and at.bracket is not None and at.bracket.type == "LSQB":
        return "there are no slices: `x[i]` is one element of a list, or the value at one position"
    if token.type == "COLON":
        return "blocks stand between `{` and `}`"
    if token.type == "LBRACE" and "SEMI" in at.expected:
        return "only `def` and `for` have a block"
    return None


def _expectation(expected: frozenset[str]) -> str | None:
    """The tokens that would fit, grouped so that the list stays short."""
    left = set(expected)
    words = []
    if "EXIT" in left or {"DEF", "NAME"} <= left:
        words.append("a statement")
        left -= _EXPRESSION_STARTS | STATEMENT_KEYWORDS - {"RETURN"} | {"SOP", "SELECTOR"}
    if left | {"LBRACE"} >= _EXPRESSION_STARTS:
        words.append("an expression")
        left -= _EXPRESSION_STARTS
    if {"EQEQ", "PLUS"} <= left:
        words.append("an operator")
        left -= _OPERATORS
    words += sorted(_LITERALS[kind] for kind in left & _LITERALS.keys())
    words += sorted(_SPELLING[kind] for kind in left if kind in _SPELLING)
    return f"expected {' or '.join(words)}" if words else None


def _text(token: Token | None) -> str:
    return token.text if token else ""


def _before(at: Situation, token: Token) -> str:
    """The text of the token that precedes `token` in the statement."""
    index = next(i for i in range(at.index - 1, at.start - 1, -1) if at.tokens[i] is token)
    return at.tokens[index - 1].text if index > at.start else ""
