"""Level 3: the least depth of any transformer of a class that computes a function, whatever its width and heads.

Two points (word, position) that d layers cannot tell apart and whose outputs differ show that d layers don't suffice,
on every scope that has both words. Where no such points are left, d layers suffice on this scope (`docs/bounds.md`
has the construction). Where the colours stop changing while such points are left, no depth suffices. A scope that is
too large to list gets pairs among some of its words.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeAlias

from spec.diagnostics import Diagnostic, UsageError
from spec.property.scope import Scope
from spec.values import Atom
from verifier.bounds.classes import Class
from verifier.bounds.refine import Colours, Refiner
from verifier.bounds.target import ANYTHING, Outputs, Target, Word
from verifier.bounds.telling import neighbours, telling_words

Table: TypeAlias = Sequence[tuple[Word, Outputs]]

MAX_POINTS: Final = 2_000_000


@dataclass(frozen=True)
class Point:
    """A position of a word, and the output that is asked for there."""

    word: Word
    position: int
    output: Hashable


@dataclass(frozen=True)
class Pair:
    """Two points that `depth` layers (any number of layers, if `forever`) cannot tell apart; their outputs differ."""

    depth: int
    left: Point
    right: Point
    forever: bool = False


@dataclass(frozen=True)
class DepthBound:
    """What is known about the least depth.

    `pairs[d]` shows that d layers don't suffice. `least` is the depth that suffices on the scope; without one, either
    the last pair lasts forever, or the search ended early, or only so many inputs of the scope were `looked_at`, since
    they are too many to list. `profile`: the least depth for inputs up to each length.
    """

    cls: Class
    scope: Scope
    target: Target
    pairs: tuple[Pair, ...]
    least: int | None
    profile: tuple[tuple[int, int | None], ...]
    looked_at: int | None = None

    @property
    def impossible(self) -> bool:
        """Whether no depth suffices."""
        return bool(self.pairs) and self.pairs[-1].forever

    @property
    def at_least(self) -> int:
        """The proved lower bound."""
        return len(self.pairs)


def least_depth(cls: Class, target: Target, scope: Scope, most: int = 64, seconds: float = 60.0) -> DepthBound:
    """The least depth on the scope; the search ends after `most` layers or the time, and then says less.

    Where the scope is too large to list, only the lower bound: pairs among some of its words, and their neighbours.
    """
    end = monotonic() + seconds
    if points(scope) > MAX_POINTS:
        return _beyond(cls, target, scope, most, end)
    pairs, least = _search(cls, word_table(target, scope), most, end)
    impossible = bool(pairs) and pairs[-1].forever
    profile = _profile(scope, pairs, least) if impossible or least is not None else ()
    return DepthBound(cls, scope, target, tuple(pairs), least, profile)


def _search(cls: Class, table: Table, most: int, end: float) -> tuple[list[Pair], int | None]:
    """For 0, 1, .. layers a pair among these words, and the first number of layers without one."""
    refiner = Refiner(cls)
    colours = [refiner.initial(word) for word, _ in table]
    pairs: list[Pair] = []
    for depth in range(most + 1):
        found = _collision(depth, table, [refiner.outputs(row) for row in colours])
        if found is None:
            return pairs, depth
        pairs.append(found)
        if monotonic() > end:
            break
        colours = [refiner.refined(row, depth + 1) for row in colours]
        if refiner.count(depth + 1) == refiner.count(depth):
            pairs[-1] = Pair(depth, found.left, found.right, forever=True)
            break
    return pairs, None


def _beyond(cls: Class, target: Target, scope: Scope, most: int, end: float) -> DepthBound:
    """Pairs among some words; then among those and the neighbours of the last pair, as long as that finds more."""
    if scope.high is None or scope.size is None:
        raise _endless()
    words = dict.fromkeys(telling_words(scope))
    best: list[Pair] = []
    while monotonic() < end:
        pairs, _ = _search(cls, [(word, target.outputs(word)) for word in words], most, end)
        if len(pairs) <= len(best):
            break
        best = pairs
        if best[-1].forever:
            break
        near = (best[-1].left.word, best[-1].right.word)
        words = dict.fromkeys((*near, *(other for word in near for other in neighbours(word, scope)), *words))
    return DepthBound(cls, scope, target, tuple(best), None, (), looked_at=len(words))


def word_table(target: Target, scope: Scope) -> list[tuple[Word, Outputs]]:
    """The words of the scope, short ones first, with their outputs."""
    if scope.high is None:
        raise _endless()
    positions = points(scope)
    if positions > MAX_POINTS:
        message = f"the scope has {positions} positions of inputs, more than {MAX_POINTS}"
        raise UsageError(Diagnostic("R0504", message, hint="a lower bound on a smaller scope holds on this one too"))
    return [(word, target.outputs(word)) for word in scope.inputs()]


def points(scope: Scope) -> int:
    """How many positions the inputs of a scope have together; 0 where there is no end to them."""
    return 0 if scope.high is None else sum((scope.count(n) or 0) * n for n in scope.lengths())


def _endless() -> UsageError:
    return UsageError(Diagnostic("R0504", "the scope has no greatest length", hint="say --lengths 1..8"))


def _collision(depth: int, table: Table, colours: Sequence[Colours]) -> Pair | None:
    """The first points in the order of the scope with equal colours and different outputs."""
    first: dict[int, tuple[Word, int, Hashable]] = {}
    for (word, outputs), row in zip(table, colours, strict=True):
        for position, (output, colour) in enumerate(zip(outputs, row, strict=True)):
            if output is ANYTHING:
                continue
            known = first.setdefault(colour, (word, position, output))
            if known[2] != output:
                return Pair(depth, Point(*known), Point(word, position, output))
    return None


def _profile(scope: Scope, pairs: Sequence[Pair], least: int | None) -> tuple[tuple[int, int | None], ...]:
    """For inputs up to each length the first depth without a pair among them."""
    found: list[tuple[int, int | None]] = []
    for length in scope.lengths():
        free = (d for d, pair in enumerate(pairs) if len(pair.right.word) > length)
        found.append((length, next(free, least)))
    return tuple(found)


def trace(cls: Class, pair: Pair) -> list[tuple[list[str], list[str]]]:
    """The colours of both words after 0, 1, .. layers, as letters: equal letters in a round are equal colours."""
    refiner = Refiner(cls)
    left, right = refiner.initial(pair.left.word), refiner.initial(pair.right.word)
    rows = []
    for depth in range(pair.depth + 1):
        if depth:
            left, right = refiner.refined(left, depth), refiner.refined(right, depth)
        rows.append((_letters(left), _letters(right)))
    return rows


def _letters(colours: Colours) -> list[str]:
    return [chr(ord("A") + colour) if colour < 26 else f"#{colour}" for colour in colours]


def shown_word(word: Sequence[Atom]) -> str:
    """A word as it is written on the command line."""
    single = all(isinstance(atom, str) and len(atom) == 1 for atom in word)
    return "".join(map(str, word)) if single else repr(list(word))
