"""Fewer symbols that stand for all, and the words over them that are alike.

If the violation is invariant under changes of symbols (`verifier.reductions.symmetry`), it holds at a word w exactly if
it holds at each h(w). Let n be the length, and C the atoms written in the query; call a symbol named if it equals one
of them.

    equality   Some renaming takes w to a word over the named symbols and the first n others.
    order      The atoms of C cut the other symbols into gaps, in which all of them compare alike with all of C. Some
               squeezing takes w to a word over the named symbols and the first n of each gap: the symbols that w uses
               of a gap, at most n, go to the first ones of the same gap, in the same order. Nothing depends on how far
               apart symbols are, so the cut-off is the same for integers as for a dense order: a gap with fewer than n
               integers in it is kept whole, and that is the only difference. A gap without a least integer keeps the n
               greatest.

Either way the first violating word in alphabet order is among these. For if it used another symbol, one of the first n
of its group would be free: in a renaming, exchange the two; in a squeezing, move the used symbols of the gap down. The
result is smaller, where the alphabet is listed in ascending order or only equality matters. (Integers without a least
one have no first word at all.) For the order, alphabets that are listed differently are left alone.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count, islice, pairwise
from math import ceil, floor, inf
from typing import Final, TypeAlias, TypeGuard

from spec.property.scope import Alphabet, Integers
from spec.values import Atom, Kind, atom_key, kind_of
from verifier.encodings.words import MAX_SYMBOLS
from verifier.engine import Query, Word
from verifier.question.terms import Apply, topological
from verifier.reductions.classes import Classes, Tokens
from verifier.reductions.symmetry import COMPARISONS, INVARIANT, Changes, flavours, written

Number: TypeAlias = int | float | Fraction

NEUTRAL: Final = (Kind.STR, Kind.INT)
"""Alphabets of one of these kinds are considered; two atoms of one of them are equal only if they are the same."""

EQUALITY: Final = "tokens are only compared for equality: n symbols, besides those written, stand for all"
ORDER: Final = "tokens are only compared by order: n symbols between any two that are written stand for all"


@dataclass(frozen=True)
class Reduced:
    """A query over fewer symbols, or about fewer words, with the same answer.

    `replaceable` are the symbols in whose place the whole alphabet has others. `ordered` says that a word which is
    least over the fewer symbols is least over all. `why` is empty if all symbols are left.
    """

    query: Query
    replaceable: frozenset[Atom]
    ordered: bool
    why: tuple[str, ...]

    def unique(self, word: Word, alone: bool | None) -> bool | None:
        """Whether a word that is alone over the fewer symbols is alone over all: if nothing in it can be replaced."""
        return False if any(atom in self.replaceable for atom in word) else alone


def reduced(query: Query) -> Reduced | None:
    """The query over as few symbols as its length calls for; `None` where names matter, or there is nothing to gain."""
    kind = _kind(query.alphabet)
    if kind is None or query.length == 0:
        return None
    terms = topological([query.violation])
    atoms = written(terms)
    for ordered, kept in ((False, _first_symbols), (True, _by_gaps)):
        # Without comparisons by order there are no more invariant terms than under renamings.
        if ordered and not any(isinstance(term, Apply) and term.op in COMPARISONS for term in terms):
            return None
        changes = Changes(query.alphabet, kind, atoms, ordered)
        if flavours(terms, changes)[query.violation] & INVARIANT:
            found = kept(query.alphabet, atoms, query.length)
            return None if found is None else _over(query, found, ordered)
    return None


def _kind(alphabet: Alphabet) -> Kind | None:
    """The one kind of all symbols, if it is one of those that are considered."""
    kinds = {Kind.INT} if isinstance(alphabet, Integers) else set(map(kind_of, alphabet))
    return next((kind for kind in NEUTRAL if kinds == {kind}), None)


@dataclass(frozen=True)
class _Kept:
    """The symbols that are kept, in alphabet order; groups of them, as in `Classes`; and those of cut groups."""

    symbols: tuple[Atom, ...]
    groups: tuple[tuple[Atom, ...], ...]
    cut: frozenset[Atom]


def _over(query: Query, kept: _Kept, ordered: bool) -> Reduced | None:
    symbols, groups = kept.symbols, [group for group in kept.groups if group]
    useful = kept.cut or any(len(group) > 1 for group in groups)
    if len(symbols) > MAX_SYMBOLS or not useful:
        return None
    digit = {atom_key(symbol): i for i, symbol in enumerate(symbols)}
    tokens = Tokens.ORDERED if ordered else Tokens.RENAMED
    classes = Classes(len(symbols), tokens, tuple(tuple(digit[atom_key(x)] for x in group) for group in groups))
    alphabet = symbols if kept.cut else query.alphabet
    first = not kept.cut or query.inputs is not None
    why = (ORDER if ordered else EQUALITY,) if kept.cut else ()
    return Reduced(replace(query, alphabet=alphabet, classes=classes, prepared={}), kept.cut, first, why)


# ------------------------------------------------------------------------------------------------ equality


def named_symbols(alphabet: Alphabet, atoms: frozenset[Atom]) -> tuple[Atom, ...]:
    """The symbols that equal one of the atoms."""
    match alphabet:
        case Integers(low, high):
            # A real may equal an integer, and so does a truth value.
            whole = {int(atom) for atom in atoms if _is_finite(atom) and floor(atom) == atom}
            return tuple(x for x in sorted(whole) if (low is None or low <= x) and (high is None or x <= high))
        case symbols:
            return tuple(symbol for symbol in symbols if symbol in atoms)


def _is_finite(atom: Atom) -> TypeGuard[Number]:
    """Whether the atom is a number that lies between integers; an infinity does not, nor does a NaN."""
    return not isinstance(atom, str) and -inf < atom < inf


def _first_symbols(alphabet: Alphabet, atoms: frozenset[Atom], length: int) -> _Kept:
    """The named symbols and the first others."""
    named = named_symbols(alphabet, atoms)
    keys = set(map(atom_key, named))
    free = list(islice((x for x in _listed(alphabet) if atom_key(x) not in keys), length + 1))
    group = free[:length]
    if isinstance(alphabet, Integers):
        group = sorted(x for x in group if isinstance(x, int))
        symbols: Sequence[Atom] = sorted([*(x for x in named if isinstance(x, int)), *group])
    else:
        kept = keys | set(map(atom_key, group))
        symbols = [symbol for symbol in alphabet if atom_key(symbol) in kept]
    return _Kept(tuple(symbols), (tuple(group),), frozenset(group if len(free) > length else ()))


def _listed(alphabet: Alphabet) -> Iterator[Atom]:
    match alphabet:
        case Integers(low, high):
            if low is not None:
                return iter(count(low) if high is None else range(low, high + 1))
            return count(0 if high is None else high, 1 if high is None else -1)
        case symbols:
            return iter(symbols)


# ------------------------------------------------------------------------------------------------ order


def _by_gaps(alphabet: Alphabet, atoms: frozenset[Atom], length: int) -> _Kept | None:
    """The named symbols and the first others of each gap; `None` for symbols that are not listed in their order."""
    named = named_symbols(alphabet, atoms)
    if isinstance(alphabet, Integers):
        ends: list[Number | None] = [None, *sorted(atom for atom in atoms if _is_finite(atom)), None]
        gaps = [_first_integers(below, above, alphabet, length) for below, above in pairwise(ends)]
        kept = [*(x for x in named if isinstance(x, int)), *(x for gap, _ in gaps for x in gap)]
        groups: list[tuple[Atom, ...]] = [tuple(gap) for gap, _ in gaps]
        return _Kept(tuple(sorted(kept)), tuple(groups), frozenset(x for gap, cut in gaps if cut for x in gap))
    if any(_key(a) >= _key(b) for a, b in pairwise(alphabet)):
        return None
    comparable = {isinstance(symbol, str) for symbol in alphabet}
    cuts = sorted((atom for atom in atoms if isinstance(atom, str) in comparable and atom == atom), key=_key)
    between: dict[int, list[Atom]] = {}
    for symbol in alphabet:
        if symbol not in atoms:
            between.setdefault(bisect_left(cuts, _key(symbol), key=_key), []).append(symbol)
    groups = [tuple(gap[:length]) for gap in between.values()]
    cut = frozenset(x for gap in between.values() if len(gap) > length for x in gap[:length])
    keys = set(map(atom_key, named)) | {atom_key(x) for group in groups for x in group}
    return _Kept(tuple(x for x in alphabet if atom_key(x) in keys), tuple(groups), cut)


def _first_integers(below: Number | None, above: Number | None, range_: Integers, length: int) -> tuple[range, bool]:
    """The first integers of the range between two others, and whether there are more."""
    low = _inner(max, None if below is None else floor(below) + 1, range_.low)
    high = _inner(min, None if above is None else ceil(above) - 1, range_.high)
    if low is None:
        last = length - 1 if high is None else high
        return range(last - length + 1, last + 1), True
    if high is None or high - low >= length:
        return range(low, low + length), True
    return range(low, high + 1), False


def _inner(which: Callable[[int, int], int], left: int | None, right: int | None) -> int | None:
    return right if left is None else left if right is None else which(left, right)


def _key(atom: Atom) -> tuple[Number, str]:
    """A key that orders strings as the language does, by code points, and numbers too; never both."""
    return (0, atom) if isinstance(atom, str) else (atom, "")
