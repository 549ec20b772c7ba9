"""How the values of terms move with the symbols of the input; see `verifier.reductions.classes`.

Let C be atoms written in the query. A change of symbols is a map h from words to words, letter by letter, that is

    a renaming     h permutes the alphabet and moves no symbol that equals an atom of C; or,
    a squeezing    for one word w: h maps the symbols of w to symbols so that x < y exactly if h(x) < h(y), for all
                   symbols x of w and all y that are symbols of w or atoms of C, and the same for y < x and x == y

where h(c) = c for the atoms of C, and for all atoms of kinds that are never equal to symbols nor comparable with them.
Alphabets are of one kind, strings or integers, so a symbol that equals an atom of C stays. For every change, a term is

    invariant      if its value at h(w) is its value at w            (or it fails at both)
    equivariant    if h is defined on its value at w, and its value
                   at h(w) is h of that                              (or it fails at both)

and both, if its values are never moved. `flavours` establishes this for terms from their operands, syntactically:

- `==`, `!=`, and looking for a value among atoms of C, of equivariant operands are invariant: h is injective where it
  is defined, and respects being equal to atoms of C. `<`, `<=`, `>`, `>=` are so under squeezings.
- A choice with an invariant condition is what its branches are. One string that is selected is taken as it is.
- Every other operator is a function of its operands, so it is invariant if they are.
- What is written is not moved: it is invariant, and if it is in C, equivariant.
- An invariant term whose values are of kinds that h does not touch is equivariant as well.

What is not known is taken to depend on names. Doubles that equal nothing (NaN) compare alike with all symbols.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Flag, auto
from functools import reduce
from operator import and_
from typing import Final

from spec.graph import View
from spec.operators import Item, Kinds, Lookup, Member, Op, OperatorError
from spec.property.scope import Alphabet, Integers
from spec.values import Atom, Kind, atom_key
from verifier.question.terms import (
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
COMPARISONS: Final = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})


def written(terms: tuple[Term, ...]) -> frozenset[Atom]:
    """The atoms that are written in the terms, as C; equal ones, as `1` and `True`, once.

    Truth values are what conditions lead to. They are left out unless a comparison has one of them as its operand.
    """
    found = {atom for term in terms for atom in _written(term)}
    for term in terms:
        if isinstance(term, Apply) and term.op in (Op.EQ, Op.NE, *COMPARISONS):
            found.update(arg.value for arg in term.args if isinstance(arg, Literal))
    return frozenset(found)


def _written(term: Term) -> tuple[Atom, ...]:
    match term:
        case Literal(value=bool()):
            return ()
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


@dataclass(frozen=True)
class Changes:
    """Changes of the symbols, which are all of the kind, STR or INT: squeezings if `ordered`, else renamings.

    They leave the symbols alone that equal one of the `atoms`.
    """

    alphabet: Alphabet
    kind: Kind
    atoms: frozenset[Atom]
    ordered: bool


def flavours(terms: tuple[Term, ...], changes: Changes) -> dict[Term, Flavour]:
    """What is known of each term; they come operands first, and all that they have is `written` in the atoms."""
    kind = changes.kind
    found: dict[Term, Flavour] = {}
    for term in terms:
        flavour = _flavour(term, found, changes)
        if flavour & INVARIANT and kind not in _equal_kinds(term.kinds):
            flavour = FIXED  # its values are of kinds that no symbol has
        found[term] = flavour
    return found


def _equal_kinds(kinds: Kinds) -> Kinds:
    """The kinds, and those whose atoms may equal one of theirs: to be on the safe side, all kinds of numbers."""
    return kinds if kinds <= {Kind.STR} else kinds | {Kind.BOOL, Kind.INT, Kind.REAL}


def _flavour(term: Term, found: Mapping[Term, Flavour], changes: Changes) -> Flavour:
    common = reduce(and_, (found[arg] for arg in operands(term)), FIXED)
    match term:
        case Input():
            return EQUIVARIANT
        case Literal(value=value):
            return FIXED if value in changes.atoms else INVARIANT
        case Failure():
            return FIXED
        case Read(arg=arg, view=view):
            identity = isinstance(arg, Input) and _reads_itself(term, view, changes.alphabet)
            return EQUIVARIANT if identity else common & INVARIANT
        case Apply():
            return _applied(term, found, common, changes.ordered)
        case Choose(condition=condition, then=then, otherwise=otherwise):
            return found[then] & found[otherwise] if found[condition] & INVARIANT else UNKNOWN
        case Mean(chosen=chosen, values=values):
            if not all(found[c] & INVARIANT for c in chosen):
                return UNKNOWN
            moved = reduce(and_, (found[value] for value in values), FIXED)
            # One string is taken as it is, and several have no average, whatever they are. Numbers have.
            return moved if changes.kind is Kind.STR else moved & INVARIANT
        case Count():
            return common & INVARIANT
        case HasKind() | Ok():
            # No change of symbols changes kinds, nor what fails.
            return INVARIANT if all(found[arg] for arg in operands(term)) else UNKNOWN
        case Agree():
            return INVARIANT if common else UNKNOWN


def _applied(term: Apply, found: Mapping[Term, Flavour], common: Flavour, ordered: bool) -> Flavour:
    match term.op:
        case Op.EQ | Op.NE | Member():
            # An atom is among those written if what it is moved to is.
            return INVARIANT if common else UNKNOWN
        case op if ordered and op in COMPARISONS:
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
