"""The LALR parser of clause bodies, and the builder that makes syntax trees while it runs.

The builder's methods are called at each reduction, so nothing recurses however deep the text nests. What they reduce
is a `Piece`, which knows how deep its expression is; one that is deeper than `MAX_NESTING` is refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias, cast

from lark import Lark, Transformer

from spec.cost import MODELS
from spec.diagnostics import Diagnostic, PropertyError
from spec.operators import Op
from spec.property.ast import (
    MAX_NESTING,
    MAX_WORD,
    Accepts,
    Arithmetic,
    Call,
    Causal,
    Comparison,
    Conditional,
    Connective,
    Domain,
    Dyck,
    Element,
    Equivalent,
    Example,
    Expression,
    Function,
    Index,
    InLanguage,
    Invariance,
    Language,
    Length,
    Limit,
    ListLiteral,
    Literal,
    Logic,
    Measure,
    Name,
    Named,
    Negation,
    Positions,
    Quantified,
    Quantifier,
    Range,
    Regex,
    Setting,
    Slice,
    Symbols,
    Symmetry,
    Target,
    Transform,
    Variable,
)
from spec.property.hints import near
from spec.source import Span
from spec.tokens import Token
from spec.values import Atom

MAX_DIGITS: Final = 4000

ARITIES: Final = {
    Function.COUNT: (1, 2),
    Function.MIN: (1, 2),
    Function.MAX: (1, 2),
    Function.PERMUTATION: (2,),
    Function.PREFIX: (2,),
}
"""How many arguments a function takes, where it is not one."""


class Piece(NamedTuple):
    """An expression, the text it came from (parentheses included), and how deep it nests."""

    node: Expression
    span: Span
    height: int


class Bounds(NamedTuple):
    """A range's ends, or no ends for a domain without them."""

    domain: Domain
    height: int


Children: TypeAlias = list[object]


def problem(span: Span, message: str, hint: str | None = None) -> PropertyError:
    """A syntax error of a clause."""
    return PropertyError(Diagnostic("P0101", message, span, hint))


def text_of(token: Token) -> str:
    """The characters that a string literal denotes: JSON's escapes."""
    try:
        text = json.loads(token.text)
        text.encode()
    except ValueError as error:
        hint = 'strings are written as in JSON: a backslash is "\\\\", a quote is "\\""'
        raise problem(token.span, "this string has an escape that means nothing", hint) from error
    return cast(str, text)


def number_of(token: Token) -> int | Fraction:
    """The number that digits denote."""
    if len(token.text) > MAX_DIGITS:
        raise problem(token.span, f"a number of more than {MAX_DIGITS} digits")
    return int(token.text) if token.type == "INT" else Fraction(token.text)


def _token(child: object) -> Token:
    return cast(Token, child)


def _piece(child: object) -> Piece:
    return cast(Piece, child)


def _pieces(child: object) -> Sequence[Piece]:
    return cast("Sequence[Piece]", child or ())


def _names(child: object) -> tuple[Token, ...]:
    return tuple(cast("list[Token]", child))


def _span(first: object, last: object) -> Span:
    return cast("Token | Piece", first).span.to(cast("Token | Piece", last).span)


def _made(node: Expression, *inside: Piece, extra: int = 0) -> Piece:
    height = 1 + max((piece.height for piece in inside), default=0) + extra
    if height > MAX_NESTING:
        raise problem(node.span, f"this expression nests more than {MAX_NESTING} levels deep")
    return Piece(node, node.span, height)


def _listed(children: Children) -> list[object]:
    """`list: element | list COMMA element`; the list is on the parser's stack alone, so it may grow in place."""
    if len(children) == 1:
        return [children[0]]
    grown = cast("list[object]", children[0])
    grown.append(children[-1])
    return grown


class _Builder(Transformer[Token, object]):
    """One method for each rule or alias of the grammar."""

    exprs = staticmethod(_listed)
    names = staticmethod(_listed)
    atoms = staticmethod(_listed)
    strings = staticmethod(_listed)
    limits = staticmethod(_listed)

    # -------------------------------------------------------------------------------------------- atoms

    def parenthesised(self, c: Children) -> Piece:
        return _piece(c[1])._replace(span=_span(c[0], c[-1]))

    def name(self, c: Children) -> Piece:
        token = _token(c[0])
        return _made(Length(token.span) if token.text == "n" else Name(token.span, token.text))

    def number(self, c: Children) -> Piece:
        return _made(Literal(_token(c[0]).span, number_of(_token(c[0]))))

    def string(self, c: Children) -> Piece:
        return _made(Literal(_token(c[0]).span, text_of(_token(c[0]))))

    def boolean(self, c: Children) -> Piece:
        return _made(Literal(_token(c[0]).span, _token(c[0]).type == "TRUE"))

    def list_literal(self, c: Children) -> Piece:
        items = _pieces(c[1])
        return _made(ListLiteral(_span(c[0], c[-1]), tuple(item.node for item in items)), *items)

    def call(self, c: Children) -> Piece:
        name, arguments = _token(c[0]), _pieces(c[2])
        try:
            function = Function(name.text)
        except ValueError:
            hint = near(name.text, [known.value for known in Function])
            raise problem(name.span, f"there is no function `{name.text}`", hint) from None
        arities = ARITIES.get(function, (1,))
        if len(arguments) not in arities:
            wanted = " or ".join(map(str, arities)) + (" argument" if arities == (1,) else " arguments")
            raise problem(_span(c[0], c[-1]), f"`{name.text}` takes {wanted}, got {len(arguments)}")
        return _made(Call(_span(c[0], c[-1]), function, tuple(a.node for a in arguments)), *arguments)

    # -------------------------------------------------------------------------------------------- operators

    def index(self, c: Children) -> Piece:
        sequence, index = _piece(c[0]), _piece(c[2])
        return _made(Index(_span(c[0], c[-1]), sequence.node, index.node), sequence, index)

    def slice(self, c: Children) -> Piece:
        sequence, low, high = _piece(c[0]), _piece(c[2]), _piece(c[4])
        return _made(Slice(_span(c[0], c[-1]), sequence.node, low.node, high.node), sequence, low, high)

    def arithmetic(self, c: Children) -> Piece:
        left, right = _piece(c[0]), _piece(c[2])
        return _made(Arithmetic(_span(left, right), Op(_token(c[1]).text), left.node, right.node), left, right)

    def negation(self, c: Children) -> Piece:
        op = Op.NOT if _token(c[0]).type == "NOT" else Op.NEG
        operand = _piece(c[1])
        return _made(Negation(_span(c[0], operand), op, operand.node), operand)

    def chain(self, c: Children) -> Piece:
        left, op, right = _piece(c[0]), Op(_token(c[1]).text), _piece(c[2])
        # A parenthesised comparison is an operand like any other; only a bare one is continued.
        if isinstance(left.node, Comparison) and left.span == left.node.span:
            ops, operands = (*left.node.ops, op), (*left.node.operands, right.node)
            height = max(left.height, right.height + 1)
            return Piece(Comparison(span := _span(left, right), ops, operands), span, height)
        return _made(Comparison(_span(left, right), (op,), (left.node, right.node)), left, right)

    def logic(self, c: Children) -> Piece:
        left, connective, right = _piece(c[0]), Connective(_token(c[1]).text), _piece(c[2])
        node, span = left.node, _span(left, right)
        nary = connective in (Connective.AND, Connective.OR)
        if nary and isinstance(node, Logic) and node.connective is connective:
            longer = Logic(span, connective, (*node.operands, right.node))
            return _made(longer, left._replace(height=left.height - 1), right)
        return _made(Logic(span, connective, (node, right.node)), left, right)

    def conditional(self, c: Children) -> Piece:
        then, condition, otherwise = _piece(c[0]), _piece(c[2]), _piece(c[4])
        made = Conditional(_span(then, otherwise), then.node, condition.node, otherwise.node)
        return _made(made, then, condition, otherwise)

    def element(self, c: Children) -> Piece:
        item, sequence = _piece(c[0]), _piece(c[-1])
        made = _made(Element(_span(item, sequence), item.node, sequence.node), item, sequence)
        return self._unless(c[1], made)

    def in_language(self, c: Children) -> Piece:
        word, language = _piece(c[0]), cast(Language, c[-1])
        made = _made(InLanguage(word.span.to(language.span), word.node, language), word)
        return self._unless(c[1], made)

    def _unless(self, negated: object, made: Piece) -> Piece:
        return made if negated is None else _made(Negation(made.span, Op.NOT, made.node), made)

    # -------------------------------------------------------------------------------------------- quantifiers

    def symbols(self, c: Children) -> Bounds:
        return Bounds(Symbols(_token(c[0]).span), 0)

    def range(self, c: Children) -> Bounds:
        low, high = _piece(c[0]), _piece(c[2])
        return Bounds(Range(_span(low, high), low.node, high.node), max(low.height, high.height))

    def quantified(self, c: Children) -> Piece:
        quantifier, names, body = Quantifier(_token(c[0]).text), _names(c[1]), _piece(c[-1])
        bounds = cast("Bounds | None", c[3]) or Bounds(Positions(names[-1].span), 0)
        for name in names:
            if name.text == "n":
                raise problem(name.span, "`n` is the length of the input and cannot be a variable")
        variables = tuple(Variable(name.span, name.text) for name in names)
        span = _span(c[0], body)
        made = Quantified(span, quantifier, variables, bounds.domain, body.node)
        inside = body._replace(height=max(body.height, bounds.height))
        return _made(made, inside, extra=len(names) - 1)

    # -------------------------------------------------------------------------------------------- languages

    def regex(self, c: Children) -> Language:
        return Regex(_token(c[0]).span, _token(c[0]).text[1:-1])

    def dyck(self, c: Children) -> Language:
        pairs = []
        for token in cast("list[Token]", c[1]):
            text = text_of(token)
            if len(text) != 2:
                raise problem(token.span, 'a pair of brackets is a string of two characters, like "()"')
            pairs.append((text[0], text[1]))
        if len({char for pair in pairs for char in pair}) != 2 * len(pairs):
            raise problem(_span(c[0], c[-1]), "every bracket must be a different character")
        return Dyck(_span(c[0], c[-1]), tuple(pairs), shuffled=_token(c[0]).type == "SHUFFLE_DYCK_LPAR")

    def prefixes(self, c: Children) -> Language:
        return replace(cast(Language, c[1]), prefixes=True)

    # -------------------------------------------------------------------------------------------- claims

    def target(self, c: Children) -> Target:
        name = _token(c[-1])
        return Target(_span(c[0], name), name.text, text_of(_token(c[0])) if len(c) > 1 else None)

    def atom(self, c: Children) -> Atom:
        token = _token(c[-1])
        match token.type:
            case "STRING":
                return text_of(token)
            case "TRUE" | "FALSE":
                return token.type == "TRUE"
            case _:
                value = number_of(token)
                signed = -value if len(c) > 1 else value
                return signed if isinstance(signed, int) else float(signed)

    def equivalence(self, c: Children) -> Equivalent:
        return Equivalent(cast(Target, c[0]), cast(Target, c[2]))

    def acceptance(self, c: Children) -> Accepts:
        return Accepts(_piece(c[0]).node, cast(Language, c[2]))

    def causality(self, c: Children) -> Causal:
        return Causal(self._own(c[0]))

    def symmetry(self, c: Children) -> Invariance:
        target, under, transform = self._own(c[0]), _token(c[1]), _token(c[2])
        if under.text != "under":
            raise problem(under.span, f"expected `under`, found `{under.text}`")
        try:
            found = Transform(transform.text)
        except ValueError:
            hint = near(transform.text, [known.value for known in Transform])
            raise problem(transform.span, f"there is no transformation `{transform.text}`", hint) from None
        padded = found is Transform.PADDING
        if padded is (c[3] is None):
            what = "needs the atom that it appends" if padded else "takes no atom"
            raise problem(transform.span, f"`{found.value}` {what}", 'like `padding "_"`' if padded else None)
        return Invariance(Symmetry.INVARIANT, target, found, cast("Atom | None", c[3]))

    def example(self, c: Children) -> Example:
        target, closing = self._own(c[0]), [_token(x).type for x in c if isinstance(x, Token)].index("RPAR")
        tokens = [x for x in c if isinstance(x, Token)]
        listed = next((x for x in c if isinstance(x, list)), [])
        first = tokens[1]
        word = tuple(text_of(first)) if first.type == "STRING" else tuple(cast("list[Atom]", listed))
        if not word:
            raise problem(_span(tokens[0], tokens[closing]), "no program has a value on the empty input")
        if len(word) > MAX_WORD:
            raise problem(_span(tokens[0], tokens[closing]), f"an input of more than {MAX_WORD} tokens")
        if isinstance(c[-1], Piece):
            return Example(target, word, c[-1].node)
        if _token(c[-1]).text != "fails":
            raise problem(_token(c[-1]).span, "expected `== SEQUENCE` or `fails`")
        return Example(target, word, None)

    def limit(self, c: Children) -> Limit:
        words = [_token(x) for x in c[:2] if x is not None]
        name, span = " ".join(word.text for word in words), words[0].span.to(words[-1].span)
        try:
            measure = Measure(name)
        except ValueError:
            hint = near(name, [known.value for known in Measure])
            raise problem(span, f"there is no measure `{name}`", hint) from None
        return Limit(span.to(_token(c[-1]).span), measure, int(number_of(_token(c[-1]))))

    def setting(self, c: Children) -> Setting:
        name, value = _token(c[0]), _token(c[1])
        if name.text not in _SETTINGS:
            raise problem(name.span, f"expected `<=` after `{name.text}`", near(name.text, [*_SETTINGS, *_MEASURES]))
        kind, known = _SETTINGS[name.text]
        given = text_of(value) if value.type == "STRING" else value.text
        if value.type != kind or (known and given not in known):
            hint = f"one of {', '.join(known)}" if known else f'in quotes, like {name.text} "count/all"'
            raise problem(value.span, f"there is no {name.text} `{given}`", hint)
        return Setting(name.span.to(value.span), Named(name.text), given)

    def _own(self, child: object) -> Target:
        target = cast(Target, child)
        if target.path is not None:
            raise problem(target.span, "only the right side of `equiv` may name another file")
        return target


_MEASURES: Final = tuple(measure.value for measure in Measure)
_SETTINGS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        Named.LEVEL.value: ("INT", ("1", "2")),
        Named.MODEL.value: ("NAME", tuple(MODELS)),
        Named.CLASS.value: ("STRING", ()),
    }
)
"""The kind of token that each setting takes, and what it may be, where that is known here."""

STARTS: Final = ("expr", "equivalence", "acceptance", "symmetry", "causality", "example", "limits")


@cache
def grammar() -> Lark:
    """The parser tables, built once for each process; the builder keeps no state."""
    text = files("spec.property").joinpath("property.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", start=list(STARTS), transformer=_Builder(), maybe_placeholders=True)
