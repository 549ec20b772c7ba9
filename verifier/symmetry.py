"""Data independence: where a query only asks whether tokens are equal, few symbols stand for all.

Let C be the symbols that equal some atom written in the query. For a permutation p of the alphabet that leaves C alone
(and every atom outside the alphabet), a term is

    invariant      if its value at p(w) is its value at w        (or it fails at both)
    equivariant    if its value at p(w) is p of its value at w   (or it fails at both)

and both, if its values are never moved. `flavours` establishes this for terms from their operands, syntactically. If
the violation is invariant, a word of length n violates exactly when each renaming of it does, and one of its renamings
uses only C and the first n other symbols. The least violating word is among those: if it used a later symbol, one of
the first n would be free, and the exchange of the two would give a smaller word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Flag, auto
from functools import reduce
from itertools import count
from operator import and_
from typing import Final

from spec.graph import View
from spec.operators import Item, Kinds, Lookup, Member, Op, OperatorError
from spec.property.scope import Alphabet, Integers
from spec.values import Atom, Kind, atom_key, kind_of
from verifier.engine import Query, Word
from verifier.terms import (
    Agree,
    Apply,
    Choose,
    Count,
    Failure,
    HasKind,
    Input,
    Literal,
    Mean,
    Ok,
    Read,
    Term,
    operands,
    read_atom,
    topological,
)


class Flavour(Flag):
    """How the value of a term moves with the symbols."""

    UNKNOWN = 0
    INVARIANT = auto()
    EQUIVARIANT = auto()


UNKNOWN: Final = Flavour.UNKNOWN
INVARIANT: Final = Flavour.INVARIANT
EQUIVARIANT: Final = Flavour.EQUIVARIANT
FIXED: Final = INVARIANT | EQUIVARIANT
NEUTRAL: Final = (Kind.STR, Kind.INT)
"""Alphabets of one of these kinds are considered; two atoms of one of them are equal only if they are the same."""


@dataclass(frozen=True)
class Reduced:
    """A query over fewer symbols with the same answer, and the symbols that the query names.

    `ordered` says that the first symbols of the alphabet were kept, so that a word which is least over them is least.
    """

    query: Query
    named: tuple[Atom, ...]
    ordered: bool
    detail: str

    def unique(self, word: Word, alone: bool | None) -> bool | None:
        """Whether a word that is alone over the fewer symbols is alone over all: if nothing in it can be renamed."""
        named = set(map(atom_key, self.named))
        return alone if all(atom_key(atom) in named for atom in word) else False


def reduced(query: Query) -> Reduced | None:
    """The query over as few symbols as its length calls for; `None` where that is not known to be enough."""
    kind = _kind(query.alphabet)
    if kind is None or query.length == 0:
        return None
    terms = topological([query.violation])
    named = named_symbols(query.alphabet, terms)
    symbols = _first_symbols(query.alphabet, named, query.length)
    if symbols is None or not flavours(terms, query.alphabet, kind)[query.violation] & INVARIANT:
        return None
    detail = "tokens are only compared for equality: n symbols, besides those written, stand for all"
    ordered = not isinstance(query.alphabet, Integers) or query.inputs is not None
    return Reduced(replace(query, alphabet=symbols, prepared={}), named, ordered, detail)


def _kind(alphabet: Alphabet) -> Kind | None:
    """The one kind of all symbols, if it is one of those that are considered."""
    kinds = {Kind.INT} if isinstance(alphabet, Integers) else set(map(kind_of, alphabet))
    return next((kind for kind in NEUTRAL if kinds == {kind}), None)


def named_symbols(alphabet: Alphabet, terms: tuple[Term, ...]) -> tuple[Atom, ...]:
    """The symbols that equal an atom written in the terms."""
    written = {atom for term in terms for atom in _written(term)}
    match alphabet:
        case Integers(low, high):
            # A real may equal an integer, and so does a truth value.
            whole = {int(atom) for atom in written if not isinstance(atom, str) and atom == atom and atom % 1 == 0}
            return tuple(x for x in sorted(whole) if (low is None or low <= x) and (high is None or x <= high))
        case symbols:
            return tuple(symbol for symbol in symbols if symbol in written)


def _written(term: Term) -> tuple[Atom, ...]:
    match term:
        case Literal(value=value):
            return (value,)
        case Mean(default=default):
            return (default,)
        case Apply(op=Item(values=values) | Member(values=values)):
            return values
        case Apply(op=Lookup(keys=keys, values=values)):
            return keys + values
        case _:
            return ()


def _first_symbols(alphabet: Alphabet, named: tuple[Atom, ...], wanted: int) -> tuple[Atom, ...] | None:
    """The named symbols and the first others, in alphabet order; `None` if these are all there are."""
    keys = set(map(atom_key, named))
    match alphabet:
        case Integers(low, high):
            if low is not None and high is not None and high - low + 1 <= len(named) + wanted:
                return None
            others: list[int] = []
            start, step = (low, 1) if low is not None else (high, -1) if high is not None else (0, 1)
            for x in count(start, step):
                if len(others) == wanted:
                    break
                if atom_key(x) not in keys:
                    others.append(x)
            whole = [x for x in named if isinstance(x, int)]
            return tuple(sorted([*whole, *others]))
        case symbols:
            free = [symbol for symbol in symbols if atom_key(symbol) not in keys]
            kept = keys | set(map(atom_key, free[:wanted]))
            return tuple(s for s in symbols if atom_key(s) in kept) if len(free) > wanted else None


# ------------------------------------------------------------------------------------------------ terms


def flavours(terms: tuple[Term, ...], alphabet: Alphabet, kind: Kind) -> dict[Term, Flavour]:
    """What is known of each term; the terms come operands first."""
    found: dict[Term, Flavour] = {}
    for term in terms:
        flavour = _flavour(term, found, alphabet, kind)
        if flavour & INVARIANT and kind not in _equal_kinds(term.kinds):
            flavour = FIXED  # its values are of kinds that no symbol has
        found[term] = flavour
    return found


def _equal_kinds(kinds: Kinds) -> Kinds:
    """The kinds, and those whose atoms may equal one of theirs: to be on the safe side, all kinds of numbers."""
    return kinds if kinds <= {Kind.STR} else kinds | {Kind.BOOL, Kind.INT, Kind.REAL}


def _flavour(term: Term, found: Mapping[Term, Flavour], alphabet: Alphabet, kind: Kind) -> Flavour:
    common = reduce(and_, (found[arg] for arg in operands(term)), FIXED)
    match term:
        case Input():
            return EQUIVARIANT
        case Literal() | Failure():
            return FIXED
        case Read(arg=arg, view=view):
            identity = isinstance(arg, Input) and _reads_itself(term, view, alphabet)
            return EQUIVARIANT if identity else common & INVARIANT
        case Apply():
            return _applied(term, found, common)
        case Choose(condition=condition, then=then, otherwise=otherwise):
            return found[then] & found[otherwise] if found[condition] & INVARIANT else UNKNOWN
        case Mean(chosen=chosen, values=values):
            if not all(found[c] & INVARIANT for c in chosen):
                return UNKNOWN
            moved = reduce(and_, (found[value] for value in values), FIXED)
            # One string is taken as it is, and several have no average, whatever they are. Numbers have.
            return moved if kind is Kind.STR else moved & INVARIANT
        case Count():
            return common & INVARIANT
        case HasKind(arg=arg):
            return INVARIANT if found[arg] else UNKNOWN  # a renaming keeps kinds
        case Ok(args=args):
            return INVARIANT if all(found[arg] for arg in args) else UNKNOWN
        case Agree():
            return INVARIANT if common else UNKNOWN


def _applied(term: Apply, found: Mapping[Term, Flavour], common: Flavour) -> Flavour:
    match term.op:
        case Op.EQ | Op.NE | Member():
            # An atom is among those written if its renamings are.
            return INVARIANT if common else UNKNOWN
        case Op.IF:
            condition, then, otherwise = term.args
            return found[then] & found[otherwise] if found[condition] & INVARIANT else UNKNOWN
        case Lookup():
            return FIXED if common else UNKNOWN  # what is looked up is written as well
        case _:
            return common & INVARIANT


def _reads_itself(term: Read, view: View, alphabet: Alphabet) -> bool:
    """Whether the view leaves every symbol as it is."""
    if isinstance(alphabet, Integers):
        return view in (View.ASIS, View.INT)
    try:
        return all(atom_key(read_atom(view, symbol, term.numbers)) == atom_key(symbol) for symbol in alphabet)
    except OperatorError:
        return False
