"""Text to syntax trees, with every error that can be found in one pass.

Tokens are fed to the LALR parser statement by statement. After an error the parser mends what it can (a missing `;`),
leaves out the statement that is wrong, and goes on after it, inside a function or a loop as well. Nothing recurses:
long chains of operators are bounded by the size of the text, open brackets by `MAX_NESTING`.
"""

from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import cast

import lark
from lark.exceptions import UnexpectedToken

from spec.ast import Statement
from spec.diagnostics import Diagnostic, ParseError
from spec.grammar import Piece, grammar
from spec.source import Source, Span
from spec.syntax_errors import (
    CLOSER,
    CLOSERS,
    EXPRESSION_ENDS,
    STATEMENT_KEYWORDS,
    Bracket,
    Situation,
    explain,
)
from spec.tokens import END, ILLEGAL, MAX_TOKENS, Token, tokenize

MAX_NESTING = 1000
MAX_DIGITS = 4000
MAX_ERRORS = 20

# After an operand, these go on with the expression; at the start of a statement, they begin one.
_RESUMING = frozenset({"PLUS", "MINUS", "LPAR", "LSQB"})
_OPERANDS = frozenset({"NAME", "INT", "FLOAT", "STRING"})


@dataclass(frozen=True, slots=True, eq=False)
class ParseResult:
    """The statements that are sound, and what is wrong with the others."""

    statements: tuple[Statement, ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Lines typed so far that do not yet form a statement: the reference waits for more."""


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Lines typed so far that no continuation can mend."""

    message: str
    span: Span


def parse_file_text(source: Source) -> tuple[Statement, ...]:
    """The program; raises `ParseError` with every diagnostic."""
    result = parse_statements(source)
    if result.diagnostics:
        raise ParseError(result.diagnostics)
    return result.statements


def parse_statements(source: Source) -> ParseResult:
    """As much of the program as can be understood, and up to `MAX_ERRORS` diagnostics."""
    reader = _FileReader(tokenize(source))
    reader.read()
    return ParseResult(tuple(reader.statements), tuple(reader.diagnostics))


def parse_pending(text: str, name: str) -> Incomplete | SyntaxProblem | tuple[Statement, ...]:
    """What the reference's prompt makes of the lines typed so far.

    It waits for more when the text ends too early, and also where it would insert a `;` before the next token. It
    inserts one if that token can begin what follows, unless dropping the token would do instead (a `;` comes
    right after it). A name followed by something that continues neither an expression nor an assignment
    is an error at once. Two deliberate differences: comments may stand anywhere, and an unfinished operation inside
    parentheses, as in `x = (a +`, waits for more where the reference gives up.
    """
    tokens = tokenize(Source(name, text))
    statements: list[Statement] = []
    position = 0
    while tokens[position].type != END:
        run = _Run(tokens, position)
        statement = run.to_end()
        if statement is None:
            return _judge_pending(run)
        statements.append(statement)
        position = run.position
    return tuple(statements) or Incomplete()


class Growing:
    """Lines of one statement, each parsed once: a quick way to know that it goes on.

    `unfinished` is true only where `parse_pending` of all lines together is `Incomplete`; once it is false, the lines
    have to be asked there. It knows nothing about comments, nor about what `set` and `full seq display` mean.
    """

    def __init__(self) -> None:
        self._run: _Run | None = None
        self.known = True

    def unfinished(self, line: str) -> bool:
        """Whether the lines so far, with this one, are the beginning of a statement."""
        words = line.split()
        if not self.known or "#" in line or (words and words[-1] in ("full", "seq")):
            self.known = False
            return False
        tokens = tokenize(Source("", line))
        if self._run is None:
            self._run = _Run(tokens, 0)
        else:
            self._run.tokens[-1:] = tokens
        run = self._run
        complete = run.to_end() is not None or run.limit is not None
        self.known = not complete and run.tokens[run.position].type == END and run.tokens[0].type != "SET"
        return self.known


def _judge_pending(run: "_Run") -> Incomplete | SyntaxProblem:
    tokens, index = run.tokens, run.position
    if tokens[index].type == END:
        return Incomplete()
    problem = run.limit or explain(run.situation())
    if run.limit is None and tokens[index].type != ILLEGAL:
        place = _abandoned_operator(run)
        stopped = run if place is None else _run_until(run, place)
        if _waits_for_semicolon(stopped):
            return Incomplete()
    return SyntaxProblem(problem.message, problem.span or tokens[index].span)


def _waits_for_semicolon(run: "_Run") -> bool:
    tokens, index = run.tokens, run.position
    only_a_name = (
        index == run.boundary + 1 and tokens[run.boundary].type == "NAME" and tokens[index].type not in _RESUMING
    )
    return not only_a_name and tokens[index + 1].type not in ("SEMI", ILLEGAL) and run.semicolon_fits()


def _abandoned_operator(run: "_Run") -> int | None:
    """The operator before which the reference gives up on an expression, when it cannot read what follows.

    Where `+`, `-`, `(` or `[` come after an operand, the reference looks ahead before it decides that the expression
    goes on, since each could also begin the statement after a prompt command. If the text becomes unreadable before the
    next operand is complete, it decides that the expression has ended. A comma inside `(` rules the new statement out.
    """
    place: int | None = None
    depth = 0
    for index in range(run.boundary, run.position):
        token = run.tokens[index]
        follows = index > run.boundary and run.tokens[index - 1].type in EXPRESSION_ENDS
        if depth == 0 and token.type in _RESUMING and follows:
            place = index
        elif (depth == 0 and token.type in _OPERANDS) or (
            depth == 1 and token.type == "COMMA" and place is not None and _calls(run, place)
        ):
            place = None
        if token.type in CLOSER:
            depth += 1
        elif token.type in CLOSERS:
            depth -= 1
            place = None if depth == 0 else place
    return place


def _calls(run: "_Run", place: int) -> bool:
    return run.tokens[place].type == "LPAR"


def _run_until(run: "_Run", place: int) -> "_Run":
    """The state of the parser just before an earlier token."""
    again = _Run([*run.tokens[:place], *run.tokens[-1:]], run.start)
    again.to_end()
    again.tokens = run.tokens
    return again


class _Brackets:
    """The open brackets, told apart into those of blocks and those of expressions."""

    def __init__(self) -> None:
        self.stack: list[Bracket] = []
        self.blocks = 0

    def step(self, token: Token, previous: Token | None) -> None:
        """Account for one token that the parser has accepted."""
        if token.type in CLOSER:
            block = token.type == "LBRACE" and previous is not None and previous.type in EXPRESSION_ENDS
            self.stack.append(Bracket(token, block))
            self.blocks += block
        elif token.type in CLOSERS and self.stack:
            self._pop()

    def drop_to_block(self) -> None:
        """Forget the brackets that a `;` shows to be unclosed."""
        while self.stack and not self.stack[-1].block:
            self._pop()

    def close_brace(self) -> Bracket | None:
        """Close the innermost `{`, forgetting unclosed brackets inside it; None if there is no `{`."""
        while self.stack:
            bracket = self._pop()
            if bracket.token.type == "LBRACE":
                return bracket
        return None

    def _pop(self) -> Bracket:
        bracket = self.stack.pop()
        self.blocks -= bracket.block
        return bracket


class _Run:
    """One attempt to parse the statement that starts at `tokens[start]`."""

    def __init__(self, tokens: list[Token], start: int) -> None:
        self.tokens = tokens
        self.start = start
        self.position = start
        # Where the innermost statement begins: after the last `;`, or brace of a block.
        self.boundary = start
        self.brackets = _Brackets()
        self.limit: Diagnostic | None = None
        self._parser = grammar().parse_interactive()

    def to_end(self) -> Statement | None:
        """The statement, with `position` after it; or None, with `position` at the first token that does not fit."""
        while not self._complete():
            token = self.tokens[self.position]
            self.limit = self._over_limit(token)
            if self.limit is not None or self._ends_before(token) or not self._feed(token):
                break
            self._step(token)
        # A prompt command has no mark of its end: it is complete where nothing more fits.
        if self.limit is None and self.position > self.start and self._fits(END):
            return self._finish()
        return None

    def _step(self, token: Token) -> None:
        previous = self.tokens[self.position - 1] if self.position > self.boundary else None
        blocks = self.brackets.blocks
        self.brackets.step(token, previous)
        self.position += 1
        if token.type == "SEMI" or self.brackets.blocks != blocks:
            self.boundary = self.position

    def _complete(self) -> bool:
        """Whether the statement has just ended; `;` and `}` may also end parts of it."""
        if self.position == self.start or self.brackets.stack:
            return False
        last = self.tokens[self.position - 1].type
        return last == "SEMI" or (last == "RBRACE" and self.boundary == self.position and self._fits(END))

    def _ends_before(self, token: Token) -> bool:
        """Whether nothing more is read: at the end of the text, or where `set example e` ends with its line."""
        if self.position == self.start or token.type == END:
            return token.type == END
        begin, before = self.tokens[self.start], self.tokens[self.position - 1].span.end
        return begin.type == "SET" and "\n" in token.span.source.text[before : token.span.start] and self._fits(END)

    def _over_limit(self, token: Token) -> Diagnostic | None:
        if token.type in CLOSER and len(self.brackets.stack) >= MAX_NESTING:
            message = f"brackets are nested more than {MAX_NESTING} deep"
            return Diagnostic("R0106", message, token.span)
        if self.position >= MAX_TOKENS and token.type != END:
            return Diagnostic("R0108", f"the program has more than {MAX_TOKENS:,} words and signs", token.span)
        if token.type in ("INT", "FLOAT") and token.span.end - token.span.start > MAX_DIGITS:
            return Diagnostic("R0107", f"this number has more than {MAX_DIGITS} digits", token.span)
        return None

    def _feed(self, token: Token) -> bool:
        try:
            # The parser looks at nothing but the type of a token, and hands it to the builder.
            self._parser.feed_token(cast(lark.Token, token))
        except UnexpectedToken:
            return False
        return True

    def _finish(self) -> Statement:
        end = self.tokens[-1]
        piece = cast(Piece, self._parser.feed_token(cast(lark.Token, end)))
        return cast(Statement, piece.node)

    def _fits(self, *kinds: str) -> bool:
        """Whether tokens of these kinds could come next, one after the other."""
        probe = self._parser.parser_state.copy(deepcopy_values=False)
        probe.parse_conf = copy(probe.parse_conf)
        probe.parse_conf.callbacks = {}
        try:
            for kind in kinds:
                probe.feed_token(lark.Token(kind, ""), kind == END)
        except UnexpectedToken:
            return False
        return True

    def semicolon_fits(self) -> bool:
        """Whether a `;` before the current token would let the parser go on with that token."""
        following = self.tokens[self.position].type
        if self.brackets.blocks:
            return following != END and self._fits("SEMI", following)
        return self._fits("SEMI") and (following == END or following in _statement_starts())

    def situation(self) -> Situation:
        """All that an explanation needs."""
        return Situation(self.tokens, self.boundary, self.position, self.brackets.stack, self.expected())

    def expected(self) -> frozenset[str]:
        """The types of the tokens that fit here."""
        state = self._parser.parser_state
        candidates = state.parse_conf.states[state.position]
        return frozenset(kind for kind in candidates if kind.isupper() and self._fits(kind))


@cache
def _statement_starts() -> frozenset[str]:
    return _Run([], 0).expected()


class _FileReader:
    """Reads a whole text; `tokens` is edited where an error is mended or left out."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.statements: list[Statement] = []
        self.diagnostics: list[Diagnostic] = []

    def read(self) -> None:
        """Collect statements and diagnostics until the text or the patience ends."""
        position = 0
        while self.tokens[position].type != END and len(self.diagnostics) < MAX_ERRORS:
            position = self._read_statement(position)

    def _read_statement(self, start: int) -> int:
        """Read one statement and return the index after it; a statement with an error inside is not kept."""
        sound = True
        while True:
            run = _Run(self.tokens, start)
            statement = run.to_end()
            if statement is not None:
                if sound:
                    self.statements.append(statement)
                return run.position
            if self._mend_semicolon(run):
                continue
            sound = False
            self.diagnostics.append(run.limit or explain(run.situation()))
            following = self._leave_out(run)
            if following is not None:
                return following
            if len(self.diagnostics) >= MAX_ERRORS:
                return len(self.tokens) - 1

    def _mend_semicolon(self, run: _Run) -> bool:
        """Insert the `;` that is missing before the current token, if that is what is wrong."""
        index, tokens = run.position, self.tokens
        if run.limit or index == run.boundary or len(self.diagnostics) >= MAX_ERRORS or not run.semicolon_fits():
            return False
        token, previous = tokens[index], tokens[index - 1]
        begins = token.type in STATEMENT_KEYWORDS or (self._assigns(index) and index > run.boundary + 1)
        if not (begins or token.type in (END, "RBRACE") or self._leads_line(index)):
            return False
        place = Span(previous.span.source, previous.span.end, previous.span.end)
        last = Span(place.source, previous.span.end - 1, previous.span.end)
        hint = "the reference would wait for it, and so silently skip all that follows"
        self.diagnostics.append(Diagnostic("R0102", "missing `;` after this statement", last, hint))
        tokens.insert(index, Token("SEMI", place))
        return True

    def _leave_out(self, run: _Run) -> int | None:
        """Drop the innermost statement that is wrong; the index to go on from, or None to read the rest again."""
        tokens, index, begin = self.tokens, run.position, run.boundary
        in_block = run.brackets.blocks > 0
        closing = index == begin and not run.expected() - {"RBRACE"}
        margin = tokens[run.start].span.column
        if in_block and closing and self._leads_line(index) and tokens[index].span.column <= margin:
            return index
        end = self._skip(run)
        if not in_block or tokens[end].type == END:
            return end
        filler = [] if closing else self._filler(run)
        tokens[begin:end] = filler
        return None

    def _filler(self, run: _Run) -> list[Token]:
        """A statement that fits where one was left out, so that nothing more is reported about the gap."""
        token = self.tokens[run.boundary]
        empty = Span(token.span.source, token.span.start, token.span.start)
        ends_function = run.position == run.boundary and token.type == "RBRACE" and not self._in_loop(run)
        head = [Token("RETURN", empty)] if token.type == "RETURN" or ends_function else []
        return [*head, Token("NAME", empty), Token("SEMI", empty)]

    def _in_loop(self, run: _Run) -> bool:
        return "RETURN" not in run.expected()

    def _skip(self, run: _Run) -> int:
        """The index after the statement that is wrong: after its `;` or block, or before what begins another."""
        tokens, brackets, base = self.tokens, run.brackets, run.brackets.blocks
        margin = tokens[run.boundary].span.column
        index = run.position
        while tokens[index].type != END:
            token = tokens[index]
            fresh = index > run.boundary and brackets.blocks == base and self._begins_statement(index, base > 0)
            if fresh and token.span.column <= margin:
                return index
            if token.type == "SEMI":
                brackets.drop_to_block()
                if brackets.blocks == base:
                    return index + 1
            elif token.type == "RBRACE":
                closed = brackets.close_brace()
                if brackets.blocks < base:
                    return index
                if closed is None or (closed.block and brackets.blocks == base):
                    return index + 1
            else:
                brackets.step(token, tokens[index - 1] if index > run.boundary else None)
            index += 1
        return index

    def _begins_statement(self, index: int, in_block: bool) -> bool:
        kind = self.tokens[index].type
        keyword = kind in STATEMENT_KEYWORDS and (in_block or kind != "RETURN")
        return self._leads_line(index) and (keyword or self._assigns(index))

    def _assigns(self, index: int) -> bool:
        return self.tokens[index].type == "NAME" and self.tokens[index + 1].type == "EQUAL"

    def _leads_line(self, index: int) -> bool:
        span = self.tokens[index].span
        return index == 0 or "\n" in span.source.text[self.tokens[index - 1].span.end : span.start]
