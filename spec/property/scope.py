"""The inputs that a claim is about: lengths, an alphabet or a range of integers, and the meaning of numbers.

A scope denotes the set of words `{x : |x| in lengths, x[i] in symbols}`. It is ordered by length, and within a
length as the alphabet is written, first position first; a counterexample is the least member of that order.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, product
from math import isfinite
from typing import Final, TypeAlias

from spec.diagnostics import Diagnostic, UsageError
from spec.values import Atom, Kind, Numbers, atom_key, kind_of

MAX_LENGTH: Final = 100_000
MAX_SYMBOLS: Final = 1 << 20
SHORT: Final = 5
"""How many lengths of a scope without a greatest one are searched for a counterexample, and compared in doubles."""


@dataclass(frozen=True)
class Integers:
    """The integers from `low` to `high`, both included; `None` is no bound on that side."""

    low: int | None
    high: int | None

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"integers={self.low}..{self.high} is empty")

    @property
    def nearest_zero(self) -> int:
        """The integer of the range that is next to zero."""
        return max(self.low or 0, 0) or min(0 if self.high is None else self.high, 0)


Alphabet: TypeAlias = tuple[Atom, ...] | Integers


def _writable(atom: Atom) -> bool:
    """Whether JSON can write the atom; decimals are given as floats, and read as the decimal they print as."""
    return isfinite(atom) if isinstance(atom, float) else isinstance(atom, int | str)


@dataclass(frozen=True, eq=False)
class Scope:
    """Lengths `low..high` (`high` is `None` when there is no bound), the symbols, and the number semantics.

    Lengths start at 1, since no RASP program has a value on the empty input. Scopes are equal when they denote the
    same inputs in the same order: `1` and `True` are different symbols.
    """

    low: int = 1
    high: int | None = 4
    alphabet: Alphabet = ("a", "b")
    numbers: Numbers = Numbers.EXACT

    def __post_init__(self) -> None:
        """Refuse a scope without inputs, and an alphabet that names a symbol twice."""
        if self.low < 1 or (self.high is not None and not self.low <= self.high <= MAX_LENGTH):
            raise ValueError(f"lengths must satisfy 1 <= low <= high <= {MAX_LENGTH}")
        if not isinstance(self.alphabet, Integers):
            if not self.alphabet:
                raise ValueError("the alphabet is empty")
            # The two zeros of the doubles are one rational, so they can't be two symbols under both semantics.
            keys = {atom_key(0.0 if isinstance(atom, float) and atom == 0 else atom) for atom in self.alphabet}
            if len(keys) != len(self.alphabet):
                raise ValueError("the alphabet names a symbol twice")
            if not all(map(_writable, self.alphabet)):
                raise ValueError("an alphabet has strings, booleans, integers and finite decimals")

    def __eq__(self, other: object) -> bool:
        """Equal as sets of inputs with an order and a number semantics."""
        return isinstance(other, Scope) and self._key == other._key

    def __hash__(self) -> int:
        """Consistent with equality."""
        return hash(self._key)

    def __str__(self) -> str:
        """The scope as the clause that denotes it."""
        return f"lengths={self._lengths} {self._symbols} numbers={self.numbers.value}"

    @cached_property
    def _key(self) -> tuple[object, ...]:
        listed = self.alphabet if isinstance(self.alphabet, Integers) else tuple(map(atom_key, self.alphabet))
        return self.low, self.high, listed, self.numbers

    @property
    def _lengths(self) -> str:
        if self.high is None:
            return "any" if self.low == 1 else f"{self.low}..any"
        return str(self.low) if self.low == self.high else f"{self.low}..{self.high}"

    @property
    def _symbols(self) -> str:
        match self.alphabet:
            case Integers(None, None):
                return "integers=any"
            case Integers(low, high):
                return f"integers={'any' if low is None else low}..{'any' if high is None else high}"
            case symbols:
                bare = "".join(map(str, symbols))
                single = all(isinstance(symbol, str) and len(symbol) == 1 for symbol in symbols)
                if single and bare.isprintable() and " " not in bare and bare[0] not in '["':
                    return f"alphabet={bare}"
                return f"alphabet={json.dumps(symbols)}"

    @property
    def short(self) -> "Scope":
        """The scope itself, or its first `SHORT` lengths when it has no greatest one."""
        return self if self.high is not None else replace(self, high=min(self.low + SHORT - 1, MAX_LENGTH))

    @property
    def size(self) -> int | None:
        """How many symbols there are; `None` when infinitely many."""
        match self.alphabet:
            case Integers(low, high):
                return None if low is None or high is None else high - low + 1
            case symbols:
                return len(symbols)

    @property
    def finite(self) -> bool:
        """Whether there are finitely many inputs."""
        return self.high is not None and self.size is not None

    @cached_property
    def symbols(self) -> tuple[Atom, ...]:
        """The symbols in order; a `UsageError` when they cannot be listed."""
        size = self.size
        match self.alphabet:
            case Integers(low, high):
                if size is None or size > MAX_SYMBOLS or low is None or high is None:
                    raise UsageError(Diagnostic("P0401", f"the symbols of `{self._symbols}` cannot be listed"))
                return tuple(range(low, high + 1))
            case symbols:
                return symbols

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds that the input atoms have."""
        if isinstance(self.alphabet, Integers):
            return frozenset({Kind.INT})
        return frozenset(map(kind_of, self.alphabet))

    def lengths(self) -> Iterator[int]:
        """The lengths in order; without end when there is no bound."""
        yield from count(self.low) if self.high is None else range(self.low, self.high + 1)

    def count(self, length: int) -> int | None:
        """How many inputs of this length there are, `|symbols| ^ length`."""
        if not self.has_length(length):
            return 0
        if self.size is None:
            return None
        words: int = self.size**length
        return words

    @cached_property
    def total(self) -> int | None:
        """How many inputs there are; `None` when infinitely many."""
        if self.high is None or self.size is None:
            return None
        if self.size == 1:
            return self.high - self.low + 1
        return int(self.size ** (self.high + 1) - self.size**self.low) // (self.size - 1)

    def has_length(self, length: int) -> bool:
        """Whether inputs of this length are in scope."""
        return length >= self.low and (self.high is None or length <= self.high)

    def has_symbol(self, atom: Atom) -> bool:
        """Whether this very atom is a symbol (`True` is not `1`)."""
        match self.alphabet:
            case Integers(low, high):
                return (
                    kind_of(atom) is Kind.INT
                    and isinstance(atom, int)
                    and (low is None or low <= atom)
                    and (high is None or atom <= high)
                )
            case symbols:
                return atom_key(atom) in set(map(atom_key, symbols))

    def __contains__(self, word: tuple[Atom, ...]) -> bool:
        """Whether the word is in scope."""
        return self.has_length(len(word)) and all(map(self.has_symbol, word))

    def inputs(self, length: int | None = None) -> Iterator[tuple[Atom, ...]]:
        """Every input in order, or every input of one length."""
        for n in self.lengths() if length is None else filter(self.has_length, (length,)):
            yield from product(self.symbols, repeat=n)

    def input_at(self, length: int, index: int) -> tuple[Atom, ...]:
        """The input with this index (from 0) among those of its length, as `inputs` orders them."""
        size = len(self.symbols)
        if not 0 <= index < size**length:
            raise ValueError(f"there is no input {index} of length {length}")
        reversed_word = []
        for _ in range(length):
            index, digit = divmod(index, size)
            reversed_word.append(self.symbols[digit])
        return tuple(reversed(reversed_word))
