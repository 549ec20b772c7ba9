"""Certificates about depth: the colours of a few words, round by round, straight from the definition."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from typing import Final

from spec.values import Atom
from verifier.recheck.rup import Rejected

MAX_WORK: Final = 1 << 28
"""The most pairs of positions that all layers together look at."""

_SEES: dict[str, Callable[[int, int], bool]] = {
    "past": lambda i, j: j < i,
    "upto": lambda i, j: j <= i,
    "future": lambda i, j: j > i,
    "from": lambda i, j: j >= i,
    "all": lambda _i, _j: True,
}


def _order(places: Callable[[list[int]], int]) -> Callable[[Sequence[Hashable]], Hashable]:
    """The colours, ordered by one of their places."""

    def learn(colours: Sequence[Hashable]) -> Hashable:
        where = {colour: places([j for j, c in enumerate(colours) if c == colour]) for colour in colours}
        return tuple(sorted(where, key=lambda colour: where[colour]))

    return learn


def _shares(colours: Sequence[Hashable]) -> Hashable:
    return frozenset((colour, Fraction(number, len(colours))) for colour, number in Counter(colours).items())


_LEARNS: dict[str, Callable[[Sequence[Hashable]], Hashable]] = {
    "exists": frozenset,
    "leftmost": _order(min),
    "rightmost": _order(max),
    "hard": lambda colours: (_order(min)(colours), _order(max)(colours)),
    "average": _shares,
    "count": lambda colours: frozenset(Counter(colours).items()),
}


class Colouring:
    """The colours of several words at once, one round after the other."""

    def __init__(self, attention: str, masks: Sequence[str], start: bool, words: Sequence[Sequence[Atom]]) -> None:
        if attention not in _LEARNS or not masks or not set(masks) <= set(_SEES):
            raise Rejected("unknown class")
        self.learn, self.sees, self.start = _LEARNS[attention], [_SEES[mask] for mask in masks], start
        self.work = 0
        begin: list[Hashable] = ["the start"] if start else []
        self.rows: list[list[int]] = self._numbered([begin + [(type(a), a) for a in word] for word in words])

    def round(self) -> bool:
        """One layer more; whether it told anything apart."""
        self.work += sum(len(row) ** 2 for row in self.rows) * len(self.sees)
        if self.work > MAX_WORK:
            raise Rejected(f"more than {MAX_WORK} pairs of positions, layer by layer")
        before = len({colour for row in self.rows for colour in row})
        self.rows = self._numbered([[self._at(row, i) for i in range(len(row))] for row in self.rows])
        return len({colour for row in self.rows for colour in row}) > before

    def colour(self, word: int, position: int) -> int:
        """The colour of a position of a word."""
        return self.rows[word][position + self.start]

    def _at(self, row: Sequence[int], i: int) -> Hashable:
        seen = [[row[j] for j in range(len(row)) if sees(i, j)] for sees in self.sees]
        return row[i], tuple(self.learn(colours) for colours in seen)

    def _numbered(self, rows: Sequence[Sequence[Hashable]]) -> list[list[int]]:
        numbers: dict[Hashable, int] = {}
        return [[numbers.setdefault(signature, len(numbers)) for signature in row] for row in rows]


def check_pair(colouring: Colouring, positions: tuple[int, int], depth: int | None) -> str:
    """Two points, of words 0 and 1, that keep equal colours for so many rounds; for ever, when `depth` is None.

    Once a round tells nothing apart, none after it does.
    """
    rounds = 0
    while colouring.colour(0, positions[0]) == colouring.colour(1, positions[1]):
        if depth is not None and rounds == depth:
            return f"equal colours after {rounds} rounds"
        if not colouring.round():
            return f"equal colours, which do not change after round {rounds}"
        rounds += 1
    raise Rejected(f"the points are told apart after {rounds} layers")
