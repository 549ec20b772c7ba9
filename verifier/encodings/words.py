"""The inputs that a check ranges over: a box of allowed atoms per position, in alphabet order."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from spec.property.scope import Alphabet, Integers
from spec.values import Atom, Kind, atom_key, kind_of
from verifier.engine import Query, Word

Symbols: TypeAlias = Sequence[Atom]
Box: TypeAlias = Sequence[Sequence[Atom]]

MAX_SYMBOLS: Final = 256


def few_symbols(alphabet: Alphabet) -> tuple[Atom, ...] | None:
    """The alphabet as a list, unless it has more symbols than a propositional engine gives variables to."""
    match alphabet:
        case Integers(low, high):
            if low is None or high is None or high - low >= MAX_SYMBOLS:
                return None
            return tuple(range(low, high + 1))
        case symbols:
            return symbols if len(symbols) <= MAX_SYMBOLS else None


def allowed(alphabet: Alphabet, choices: Sequence[Atom]) -> tuple[Atom, ...]:
    """The members of the alphabet among the choices, in alphabet order and without repetition."""
    match alphabet:
        case Integers(low, high):
            integers = {atom for atom in choices if isinstance(atom, int) and kind_of(atom) is Kind.INT}
            return tuple(x for x in sorted(integers) if (low is None or low <= x) and (high is None or x <= high))
        case symbols:
            wanted = set(map(atom_key, choices))
            return tuple(symbol for symbol in symbols if atom_key(symbol) in wanted)


def listed(query: Query, box: Box | None) -> list[Symbols] | None:
    """The atoms at each position, in alphabet order; `None` when there is no end to them."""
    if box is not None:
        if len(box) != query.length:
            raise ValueError(f"a box of {len(box)} positions for inputs of length {query.length}")
        return [allowed(query.alphabet, choices) for choices in box]
    match query.alphabet:
        case Integers(low, high):
            return None if low is None or high is None else [range(low, high + 1)] * query.length
        case symbols:
            return [symbols] * query.length


def index_of(symbols: Symbols, atom: Atom) -> int | None:
    """Where this very atom is among the symbols (`True` is not `1`)."""
    if isinstance(symbols, range):
        inside = kind_of(atom) is Kind.INT and atom in symbols
        return symbols.index(atom) if inside and isinstance(atom, int) else None
    key = atom_key(atom)
    return next((i for i, symbol in enumerate(symbols) if atom_key(symbol) == key), None)


def rank(symbols: Sequence[Symbols], word: Word) -> int | None:
    """The index of the word in lexicographic order, or `None` when it is not in the box."""
    if len(word) != len(symbols):
        return None
    total = 0
    for choices, atom in zip(symbols, word, strict=True):
        digit = index_of(choices, atom)
        if digit is None:
            return None
        total = total * len(choices) + digit
    return total


def unrank(symbols: Sequence[Symbols], index: int) -> Word:
    """The word with this index in lexicographic order."""
    reversed_word = []
    for choices in reversed(symbols):
        index, digit = divmod(index, len(choices))
        reversed_word.append(choices[digit])
    return tuple(reversed(reversed_word))
