"""Words that are alike: a query on which they all agree has to be asked of one word of each class only.

A word of length n is a tuple of digits, which number the symbols of an alphabet. Two words are alike when one becomes
the other by a change of symbols that the query does not notice and, where `positions` says so, a change of places:

    NAMED      no symbol can stand for another
    RENAMED    the symbols of the one group may be permuted
    ORDERED    the symbols that a word uses of a group may be replaced by as many others of the group, in the same order

Symbols outside of the groups stand for themselves alone. A word is *canonical* if it is the first of its class in
lexicographic order. Classes are disjoint and every word is in one; so a query that does not tell alike words apart
holds somewhere exactly if it holds at a canonical word, and the first word where it holds is canonical.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from itertools import pairwise
from math import comb, factorial
from typing import TypeAlias, assert_never

Digits: TypeAlias = tuple[int, ...]
Numbers: TypeAlias = list[int]
"""A number of words, or of classes of words, for each length from 0 on."""


class Tokens(Enum):
    """What may become of the symbols of a group."""

    NAMED = "named"
    RENAMED = "renamed"
    ORDERED = "ordered"


@dataclass(frozen=True)
class Classes:
    """Which words over `symbols` symbols are alike. The groups are disjoint, and ascending; of ORDERED, intervals."""

    symbols: int
    tokens: Tokens = Tokens.NAMED
    groups: tuple[Digits, ...] = ()
    positions: bool = False

    def __post_init__(self) -> None:
        grouped = [digit for group in self.groups for digit in group]
        if len(set(grouped)) < len(grouped) or not set(grouped) <= set(range(self.symbols)):
            raise ValueError("a symbol is in two groups, or in none of the alphabet")
        if any(a >= b for group in self.groups for a, b in pairwise(group)) or () in self.groups:
            raise ValueError("a group is empty, or not ascending")
        if not self._fits():
            raise ValueError(f"no groups of symbols that are {self.tokens.value}: {self.groups}")

    def _fits(self) -> bool:
        match self.tokens:
            case Tokens.NAMED:
                return not self.groups
            case Tokens.RENAMED:
                return len(self.groups) == 1
            case Tokens.ORDERED:
                return all(group[-1] - group[0] < len(group) for group in self.groups)
        assert_never(self.tokens)

    @property
    def alone(self) -> int:
        """How many symbols stand for themselves alone."""
        return self.symbols - sum(map(len, self.groups))

    @property
    def why(self) -> tuple[str, ...]:
        """What it is that makes words alike, and which words are looked at."""
        found = []
        if self.positions:
            found.append("positions are interchangeable: sorted words stand for all")
        if self.tokens is Tokens.RENAMED:
            which = "occur the more often the earlier they are" if self.positions else "first occur in order"
            found.append(f"names are interchangeable: words in which they {which} stand for all")
        if self.tokens is Tokens.ORDERED:
            found.append("only the order of tokens matters: words that leave no symbol out stand for all")
        return tuple(found)

    def with_positions(self) -> "Classes":
        """The same, and words are alike whatever the places of their symbols."""
        return replace(self, positions=True)

    def another(self, word: Digits) -> Digits | None:
        """A word that is alike but not the same; `None` if there is no other."""
        if self.positions and len(set(word)) > 1:
            other = next(i for i, digit in enumerate(word) if digit != word[0])
            return (word[other], *word[1:other], word[0], *word[other + 1 :])
        for old, new in self._moves(frozenset(word)):
            return tuple(new if digit == old else old if digit == new else digit for digit in word)
        return None

    def _moves(self, used: frozenset[int]) -> Iterator[tuple[int, int]]:
        """Exchanges of a used symbol with another that lead to a word that is alike."""
        for group in self.groups:
            if self.tokens is Tokens.RENAMED:
                yield from ((old, new) for old in group if old in used for new in group if new != old)
            else:
                # Neighbours, so that no used symbol lies between the two.
                for left, right in pairwise(group):
                    if (left in used) is not (right in used):
                        yield (left, right) if left in used else (right, left)

    def count(self, length: int) -> int:
        """How many canonical words of this length there are, which is how many classes."""
        rest: Numbers
        if self.positions:
            # As many as there are ways to say how often each symbol occurs.
            rest = [comb(self.alone + j - 1, j) if self.alone else int(j == 0) for j in range(length + 1)]
            for group in self.groups:
                rest = _convolved(rest, [_sorted(self.tokens, len(group), j) for j in range(length + 1)])
            return rest[length]
        rest = [self.alone**j for j in range(length + 1)]
        for group in self.groups:
            ways = [_spread(self.tokens, len(group), j) for j in range(length + 1)]
            rest = [sum(comb(j, i) * rest[i] * ways[j - i] for i in range(j + 1)) for j in range(length + 1)]
        return rest[length]


def _convolved(left: Sequence[int], right: Sequence[int]) -> Numbers:
    return [sum(left[i] * right[j - i] for i in range(j + 1)) for j in range(len(left))]


def _sorted(tokens: Tokens, size: int, length: int) -> int:
    """Classes of words over one group whose places do not matter: partitions, or compositions, of the length."""
    match tokens:
        case Tokens.RENAMED:
            return _partitions(length, size)
        case Tokens.ORDERED:
            return sum(_compositions(length, parts) for parts in range(size + 1))
        case Tokens.NAMED:
            raise ValueError("symbols that stand for themselves are in no group")
    assert_never(tokens)


def _spread(tokens: Tokens, size: int, length: int) -> int:
    """Classes of words over one group: ways to divide the places into blocks, or into a row of blocks."""
    match tokens:
        case Tokens.RENAMED:
            return sum(_blocks(length, blocks) for blocks in range(size + 1))
        case Tokens.ORDERED:
            return sum(_rows(length, blocks) for blocks in range(size + 1))
        case Tokens.NAMED:
            raise ValueError("symbols that stand for themselves are in no group")
    assert_never(tokens)


@cache
def _partitions(total: int, parts: int) -> int:
    """`p(t, m)`: multisets of at most m positive numbers whose sum is t; `p(t, m) = p(t, m - 1) + p(t - m, m)`."""
    row = [int(t == 0) for t in range(total + 1)]
    for part in range(1, min(parts, total) + 1):
        for t in range(part, total + 1):
            row[t] += row[t - part]
    return row[total]


def _compositions(total: int, parts: int) -> int:
    """Sequences of so many positive numbers whose sum is the total."""
    return comb(total - 1, parts - 1) if total and parts else int(total == parts)


@cache
def _rows(length: int, blocks: int) -> int:
    """Maps from `length` places onto `blocks` symbols: `sum over j of (-1)^j C(blocks, j) (blocks - j)^length`."""
    return sum((-1) ** j * comb(blocks, j) * (blocks - j) ** length for j in range(blocks + 1))


def _blocks(length: int, blocks: int) -> int:
    """Partitions of a set of `length` places into so many blocks: the Stirling number of the second kind."""
    return _rows(length, blocks) // factorial(blocks)
