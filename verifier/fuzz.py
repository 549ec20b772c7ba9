"""Random inputs for a property, longer ones than a proof reaches: what nothing was found for is not proved.

Each input is evaluated by the interpreter and, where it is short, also by the meaning of the term that engines would be
asked; the two must agree. An input that breaks the property is made smaller while it still breaks it.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from spec.diagnostics import InternalError
from spec.property import ast
from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker, Status
from spec.property.scope import MAX_LENGTH, Integers, Scope
from spec.values import Atom
from verifier.engine import Word
from verifier.evidence.sample import spread
from verifier.question.claims import state
from verifier.question.express import Unexpressible
from verifier.question.point import value
from verifier.question.terms import Term

COMPARED: Final = 8
"""Up to this length, inputs are also evaluated as terms."""

_KEPT: Final = 200
_SMALLER: Final = 2_000
_NEAR: Final = 20
_RARE: Final = 1_000


@dataclass(frozen=True)
class Found:
    """An input that breaks the property; `length` is that of the input before it was made smaller."""

    word: Word
    length: int


@dataclass(frozen=True)
class Fuzzed:
    """How many inputs were tried, how many met the preconditions, how many were compared, and what was found."""

    bound: BoundProperty
    tried: int
    met: int
    compared: int
    found: Found | None


def about_inputs(bound: BoundProperty) -> bool:
    """Whether inputs can break the property: not that of a cover, an example or an architecture."""
    return not isinstance(bound.property.claim, ast.Cover | ast.Example | ast.Architecture)


def beyond(bound: BoundProperty) -> BoundProperty:
    """The property for inputs up to twice as long as its contract says."""
    scope = bound.property.scope
    high = min(MAX_LENGTH, 2 * (scope.short.high or scope.low))
    return replace(bound, property=replace(bound.property, scope=replace(scope, high=high)))


def fuzz(bound: BoundProperty, seed: int, inputs: int, seconds: float) -> Fuzzed:
    """Try so many inputs, for so long; raises `InternalError` when interpreter and terms disagree."""
    checker, scope = Checker(bound), bound.property.scope.short
    terms = _Terms(bound)
    end = time.monotonic() + seconds
    met = 0
    tried = 0
    words = _Words(scope, random.Random(f"{seed} {bound.property.name}"))
    for word in words.stream():
        if tried == inputs or time.monotonic() > end:
            break
        tried += 1
        status = checker.check(word).status
        terms.compare(word, status)
        if status is Status.FAILS:
            small = _smaller(word, scope, lambda other: checker.check(other).status is Status.FAILS)
            return Fuzzed(bound, tried, met + 1, terms.compared, Found(small, len(word)))
        if status is Status.HOLDS:
            met += 1
            words.keep(word)
    return Fuzzed(bound, tried, met, terms.compared, None)


class _Terms:
    """The property as a term at each length, as the engines get it."""

    def __init__(self, bound: BoundProperty) -> None:
        self._bound = bound
        self._broken: dict[int, Term | None] = {}
        self.compared = 0

    def compare(self, word: Word, status: Status) -> None:
        """Check that the term is true of the word exactly when the interpreter says that it breaks the property."""
        if not 0 < len(word) <= COMPARED:
            return
        if len(word) not in self._broken:
            try:
                self._broken[len(word)] = state(self._bound, len(word)).broken
            except Unexpressible:
                self._broken[len(word)] = None
        term = self._broken[len(word)]
        if term is None:
            return
        self.compared += 1
        if value(term, word) is not (status is Status.FAILS):
            name = self._bound.property.name
            raise InternalError(f"{name} on {list(word)}: {status.value} by the interpreter, and not so by its term")


class _Words:
    """Random inputs: of all letters, of few, and changes of inputs that met the preconditions before."""

    def __init__(self, scope: Scope, chance: random.Random) -> None:
        self._scope, self._chance = scope, chance
        self._kept: list[Word] = []

    def keep(self, word: Word) -> None:
        """Remember an input that met the preconditions, to change it later."""
        if len(self._kept) < _KEPT:
            self._kept.append(word)
        else:
            self._kept[self._chance.randrange(_KEPT)] = word

    def stream(self) -> Iterator[Word]:
        """Different inputs, until new ones become rare."""
        seen: set[Word] = set()
        repeated = 0
        for word in self._drawn():
            if word not in seen:
                seen.add(word)
                repeated = 0
                yield word
            elif repeated == _RARE:
                return
            else:
                repeated += 1

    def _drawn(self) -> Iterator[Word]:
        """Inputs without end: first some of the shortest, then random ones."""
        low, high = self._scope.low, self._scope.high or self._scope.low
        for length in range(low, min(low + 3, high) + 1):
            yield from spread(self._scope, length, 20)
        while True:
            length = self._chance.randint(low, high)
            if self._kept and self._chance.random() < 0.6:
                yield self._changed(length)
            else:
                letters = self._letters()
                yield tuple(self._chance.choice(letters) for _ in range(length))

    def _letters(self) -> list[Atom]:
        """All letters, or one, two or three of them."""
        few = self._chance.choice((0, 1, 2, 3))
        match self._scope.alphabet:
            case Integers(low, high):
                centre = self._scope.alphabet.nearest_zero
                least = centre - _NEAR if low is None else low
                greatest = centre + _NEAR if high is None else high
                return [self._chance.randint(least, greatest) for _ in range(few or _NEAR)]
            case symbols:
                return list(symbols) if few == 0 else [self._chance.choice(symbols) for _ in range(few)]

    def _changed(self, length: int) -> Word:
        """A kept input, with another put into it as often as there is room, and perhaps a letter changed."""
        fitting = [word for word in self._kept if len(word) <= length] or self._kept
        word = list(self._chance.choice(fitting))
        while others := [other for other in fitting if len(other) <= length - len(word)]:
            at = self._chance.randint(0, len(word))
            word[at:at] = self._chance.choice(others)
        if self._chance.random() < 0.5:
            word[self._chance.randrange(len(word))] = self._chance.choice(self._letters())
        return tuple(word)


def _smaller(word: Word, scope: Scope, breaks: Callable[[Word], bool]) -> Word:
    """An input from which no position can be left out and no letter made less, as far as the attempts reach."""
    attempts = 0
    changed = True
    while changed:
        changed = False
        for other in _reductions(word, scope):
            attempts += 1
            if attempts > _SMALLER:
                return word
            if breaks(other):
                word, changed = other, True
                break
    return word


def _reductions(word: Word, scope: Scope) -> Iterator[Word]:
    """The input without a piece, large ones first; then with one letter replaced by a lesser one."""
    for size in range(len(word) - scope.low, 0, -1):
        for start in range(len(word) - size + 1):
            yield word[:start] + word[start + size :]
    for position, atom in enumerate(word):
        for lesser in _lesser(atom, scope):
            yield (*word[:position], lesser, *word[position + 1 :])


def _lesser(atom: Atom, scope: Scope) -> Iterator[Atom]:
    if not isinstance(scope.alphabet, Integers):
        yield from scope.symbols[: scope.symbols.index(atom)]
        return
    assert isinstance(atom, int)
    centre = scope.alphabet.nearest_zero
    if atom != centre:
        yield centre
        if (half := centre + (atom - centre) // 2) not in (centre, atom):
            yield half
