"""The canonical words of a length, in lexicographic order, many at a time; see `verifier.reductions.classes`.

Words grow from left to right. What may come next depends on little of what was before:

    RENAMED             the symbols of the group in use, and the next one
    ORDERED             whatever leaves no more gaps below a used symbol than there are places to fill them
    sorted words        a symbol that is no smaller than the last;
        and RENAMED     of the group the last symbol, if its predecessor occurred more often so far, or the next one
        and ORDERED     of a group the last symbol, the one after it, or the first

That these are the first words of their classes: exchanging two symbols of the group so that the one that occurs first
(in sorted words: more often) is the smaller one makes a word smaller; and so does taking a smaller symbol of the same
group that is not used, and sorting. A word that none of these makes smaller is the first of its class.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from verifier.reductions.classes import Classes, Tokens

Words: TypeAlias = NDArray[np.uint8]
"""`words[p, j]`: the digit at position p of the j-th word."""
Ints: TypeAlias = NDArray[np.int64]
Truths: TypeAlias = NDArray[np.bool_]

MAX_SYMBOLS: Final = 256
MAX_ORDERED: Final = 62
"""So many symbols can be told by the bits of a machine word."""
MATRIX: Final = 1 << 21
"""Entries of a table of words and of what may follow them, at most."""


def can_walk(classes: Classes) -> bool:
    """Whether there are few enough symbols for `words`."""
    return classes.symbols <= (MAX_ORDERED if classes.tokens is Tokens.ORDERED else MAX_SYMBOLS)


def words(classes: Classes, length: int, most: int) -> Iterator[Words]:
    """The canonical words, at most `most` (at least as many as there are symbols) at a time."""
    rule, most = _Rule(classes, length), max(classes.symbols, min(most, MATRIX // classes.symbols))
    stack = [iter([_Beginnings(np.zeros((0, 1), np.uint8), rule.start())])]
    while stack:
        beginnings = next(stack[-1], None)
        if beginnings is None:
            stack.pop()
        elif beginnings.words.shape[0] == length:
            yield beginnings.words
        else:
            stack.append(_grown(beginnings, rule, most))


@dataclass(frozen=True)
class _Beginnings:
    words: Words
    state: "_State"


def _grown(beginnings: _Beginnings, rule: "_Rule", most: int) -> Iterator[_Beginnings]:
    """The same, one digit longer."""
    found, state = beginnings.words, beginnings.state
    allowed = rule.allowed(state, rule.length - found.shape[0])
    for piece in _pieces(allowed.sum(axis=1), most):
        rows, digits = np.nonzero(allowed[piece])
        rows += piece.start
        longer = np.vstack([found[:, rows], digits.astype(np.uint8)])
        yield _Beginnings(longer, rule.after(state, rows, digits))


def _pieces(sizes: Ints, most: int) -> Iterator[slice]:
    """Intervals of rows with at most so many successors each, without those at the end that have none."""
    total = np.concatenate([[0], np.cumsum(sizes)])
    begin = 0
    while begin < sizes.size and total[begin] < total[-1]:
        end = max(begin + 1, int(np.searchsorted(total, total[begin] + most, side="right")) - 1)
        yield slice(begin, end)
        begin = end


@dataclass(frozen=True)
class _State:
    """What is known of each word so far.

    `last` is its last digit, `run` how often that was repeated, and `bound` the most that may be of a symbol of the
    group. `used` is how many symbols of the group are in use, of RENAMED; the set of all that are, as bits, of ORDERED.
    """

    last: Ints
    run: Ints
    bound: Ints
    used: Ints


class _Rule:
    def __init__(self, classes: Classes, length: int) -> None:
        self.classes, self.length = classes, length
        self.digits = np.arange(classes.symbols)
        self.rank = np.full(classes.symbols, -1)
        for group in classes.groups:
            self.rank[list(group)] = np.arange(len(group))

    def start(self) -> _State:
        """The state of the empty word."""
        nothing, no_digit = np.zeros(1, np.int64), np.full(1, -1)
        return _State(no_digit, nothing, np.full(1, self.length), nothing)

    def allowed(self, state: _State, left: int) -> Truths:
        """For each word and symbol, whether it may be next; `left` places are to be filled, with this one."""
        return self._sorted(state) if self.classes.positions else self._free(state, left)

    def _free(self, state: _State, left: int) -> Truths:
        used = state.used[:, np.newaxis]
        result: Truths = np.ones((used.size, self.digits.size), np.bool_)
        match self.classes.tokens:
            case Tokens.RENAMED:
                result = self.rank <= used
            case Tokens.ORDERED:
                result = self._gaps(used | (1 << self.digits)) < left
            case Tokens.NAMED:
                pass
        return result

    def _sorted(self, state: _State) -> Truths:
        digits, rank = self.digits, self.rank
        last, used = state.last[:, np.newaxis], state.used[:, np.newaxis]
        same, later = digits == last, digits > last
        match self.classes.tokens:
            case Tokens.RENAMED:
                same = same & ((rank < 0) | (state.run < state.bound)[:, np.newaxis])
                later = later & ((rank < 0) | (rank == used))
            case Tokens.ORDERED:
                later = later & ((rank <= 0) | (digits == last + 1))
            case Tokens.NAMED:
                pass
        result: Truths = same | later
        return result

    def _gaps(self, used: Ints) -> Ints:
        """How many symbols are missing below used ones of their group."""
        missing = np.zeros_like(used)
        for group in self.classes.groups:
            part = (used >> group[0]) & ((1 << len(group)) - 1)
            filled = part
            for shift in (1, 2, 4, 8, 16, 32):
                filled = filled | (filled >> shift)
            missing += np.bitwise_count(filled ^ part)
        return missing

    def after(self, state: _State, rows: Ints, digits: Ints) -> _State:
        """The state of the words at these rows, each with a digit more."""
        last, run, bound = state.last[rows], state.run[rows], state.bound[rows]
        same, counted = digits == last, self.rank[last] >= 0
        # The symbol that ends here bounds the next one of the group.
        bound = np.where(~same & counted & (last >= 0), run, bound)
        used = state.used[rows]
        used = (
            used | (1 << digits) if self.classes.tokens is Tokens.ORDERED else np.maximum(used, self.rank[digits] + 1)
        )
        return _State(digits, np.where(same, run + 1, 1), bound, used)
