"""Colour refinement: what d layers of a class can know at each position of a word, at most and at best.

    colour 0 (w, i)      = the token at i (or the start)
    colour d+1 (w, i)    = (colour d (w, i), for each mask what the attention learns of colours d of w under it)

Colours are numbered as they appear, by one `Refiner` for all words, so equal numbers of one round mean equal colours,
in different words too. The information runs along the word once per mask and direction, from the end where the mask
begins to the position itself.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from math import gcd
from typing import Final, TypeAlias, assert_never

from verifier.bounds.classes import Attention, Class, Mask

Colours: TypeAlias = tuple[int, ...]

START: Final = ("start",)


class Refiner:
    """Numbers colours consistently over all words of a class."""

    def __init__(self, cls: Class) -> None:
        self.cls = cls
        self.rounds: list[dict[Hashable, int]] = [{}]

    def initial(self, word: Sequence[Hashable]) -> Colours:
        """The colours before the first layer, of the start position too."""
        return self._numbered(0, ((START,) if self.cls.start else ()) + tuple((type(x), x) for x in word))

    def refined(self, colours: Colours, depth: int) -> Colours:
        """The colours after layer `depth` (from 1), from those before it."""
        while len(self.rounds) <= depth:
            self.rounds.append({})
        columns = [list(_seen(mask, self.cls.attention, colours)) for mask in self.cls.masks]
        return self._numbered(depth, zip(colours, *columns, strict=True))

    def count(self, depth: int) -> int:
        """How many colours there are after so many layers."""
        return len(self.rounds[depth])

    def outputs(self, colours: Colours) -> Colours:
        """The colours of the positions of the word itself."""
        return colours[1:] if self.cls.start else colours

    def _numbered(self, depth: int, signatures: Iterable[Hashable]) -> Colours:
        table = self.rounds[depth]
        return tuple(table.setdefault(signature, len(table)) for signature in signatures)


def _seen(mask: Mask, attention: Attention, colours: Colours) -> Iterator[Hashable]:
    """For each position, what it learns through the mask."""
    match mask:
        case Mask.ALL:
            return iter([_running(attention, colours, forwards=True)[-1]] * len(colours))
        case Mask.PAST:
            return iter(_running(attention, colours, forwards=True)[:-1])
        case Mask.UPTO:
            return iter(_running(attention, colours, forwards=True)[1:])
        case Mask.FUTURE:
            return reversed(_running(attention, colours[::-1], forwards=False)[:-1])
        case Mask.FROM:
            return reversed(_running(attention, colours[::-1], forwards=False)[1:])
    assert_never(mask)


def _running(attention: Attention, colours: Colours, forwards: bool) -> list[Hashable]:
    """What is learnt from nothing, from the first colour, from the first two, ..; `forwards`: left to right."""
    learn = _learner(attention, forwards)
    return [learn(colours[:end]) for end in range(len(colours) + 1)]


def _learner(attention: Attention, forwards: bool) -> Callable[[Colours], Hashable]:
    match attention:
        case Attention.EXISTS:
            return frozenset
        case Attention.LEFTMOST:
            return _by_first if forwards else _by_last
        case Attention.RIGHTMOST:
            return _by_last if forwards else _by_first
        case Attention.HARD:
            return lambda colours: (_by_first(colours), _by_last(colours))
        case Attention.COUNT:
            return _counts
        case Attention.AVERAGE:
            return _proportions
    assert_never(attention)


def _by_first(colours: Colours) -> Hashable:
    return tuple(dict.fromkeys(colours))


def _by_last(colours: Colours) -> Hashable:
    return tuple(dict.fromkeys(reversed(colours)))


def _counts(colours: Colours) -> Hashable:
    return tuple(sorted((colour, colours.count(colour)) for colour in set(colours)))


def _proportions(colours: Colours) -> Hashable:
    counts = [(colour, colours.count(colour)) for colour in sorted(set(colours))]
    common = gcd(*(number for _, number in counts))
    return tuple((colour, number // common) for colour, number in counts)
