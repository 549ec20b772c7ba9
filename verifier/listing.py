"""All inputs with a property, in order: the shortest first, then as the alphabet has it.

After a word w come, among those of its length, the words that agree with w before some position and have a later
symbol there: for each position, from the last to the first, that is a box, and the boxes follow each other in order. So
the next word is the least in the first box that has one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from spec.diagnostics import InternalError
from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker, Status
from spec.property.scope import Integers
from spec.values import Atom
from verifier.encodings.words import index_of
from verifier.engine import Limits, Listing, Query, Sat, Session, Undecided, Unsat, Word
from verifier.engines.diagrams import DIAGRAMS
from verifier.engines.sat import SAT
from verifier.engines.smt import SMT
from verifier.question.claims import state
from verifier.question.express import Unexpressible

MOST: Final = 100_000
_EVALUATED: Final = 20_000
"""So many inputs of one length are evaluated one by one, which needs no engine."""


class _Stopped(Exception):
    """No engine can say what the next word is; the message is why."""


def following(bound: BoundProperty, first: Word, wanted: int, limits: Limits) -> Listing:
    """Up to so many inputs that satisfy the cover, after the first one."""
    found: list[Word] = []
    try:
        for word in _after(bound, first, limits):
            if len(found) == min(wanted, MOST):
                return Listing(tuple(found), False, "" if wanted <= MOST else f"more than {MOST} inputs")
            found.append(word)
    except _Stopped as reason:
        return Listing(tuple(found), False, str(reason))
    if bound.property.scope.high is None:
        return Listing(tuple(found), False, "longer inputs were not looked at")
    return Listing(tuple(found), True)


def _after(bound: BoundProperty, first: Word, limits: Limits) -> Iterator[Word]:
    scope, checker = bound.property.scope, Checker(bound)
    if scope.size is None:
        raise _Stopped("over integers without end, inputs have no order")
    for length in scope.short.lengths():
        if length < len(first):
            continue
        last = first if length == len(first) else None
        count = scope.count(length)
        if count is not None and count <= _EVALUATED:
            words = (word for word in scope.inputs(length) if checker.check(word).status is Status.HOLDS)
            yield from words if last is None else _later(words, last)
            continue
        for word in _Order(_session(bound, length, limits), _symbols(bound), length).after(last):
            if checker.check(word).status is not Status.HOLDS:
                raise InternalError(f"an engine lists {word!r} for `{bound.property.name}`, evaluation says otherwise")
            yield word


def _later(words: Iterator[Word], last: Word) -> Iterator[Word]:
    """The words behind the one that was found first; it has to be among them."""
    for word in words:
        if word == last and list(map(type, word)) == list(map(type, last)):
            yield from words
            return
    raise InternalError(f"{last!r} was found, but evaluating every input does not find it")


def _symbols(bound: BoundProperty) -> tuple[Atom, ...]:
    match bound.property.scope.alphabet:
        case Integers(low, high) if low is not None and high is not None and high - low < MOST:
            return tuple(range(low, high + 1))
        case Integers():
            raise _Stopped("the alphabet is too large to be listed")
        case symbols:
            return symbols


def _session(bound: BoundProperty, length: int, limits: Limits) -> Session:
    """An engine for the inputs of a length. All of them are asked for, so no symbol may stand for others."""
    try:
        query = Query(length, bound.property.scope.alphabet, state(bound, length).broken)
    except Unexpressible as reason:
        raise _Stopped(f"{reason.reason}; there are too many inputs of length {length}") from reason
    why: list[str] = []
    for engine in (DIAGRAMS, SAT, SMT):
        session = engine.open(query, limits)
        if not isinstance(session, Undecided):
            return session
        why.append(f"{engine.name}: {session.reason.value} {session.detail}".strip())
    raise _Stopped(f"inputs of length {length}: {'; '.join(why)}")


@dataclass(frozen=True)
class _Order:
    """The words of one length that an engine finds, in order."""

    session: Session
    symbols: tuple[Atom, ...]
    length: int

    def after(self, last: Word | None) -> Iterator[Word]:
        """The words behind this one, or all."""
        word = self._least([self.symbols] * self.length) if last is None else self._next(last)
        while word is not None:
            yield word
            word = self._next(word)

    def _next(self, word: Word) -> Word | None:
        for place in reversed(range(self.length)):
            index = index_of(self.symbols, word[place])
            assert index is not None, "an engine answers with words over the alphabet"
            prefix: list[Sequence[Atom]] = [(atom,) for atom in word[:place]]
            later = self.symbols[index + 1 :]
            box = [*prefix, later, *[self.symbols] * (self.length - place - 1)]
            found = self._least(box) if later else None
            if found is not None:
                return found
        return None

    def _least(self, box: Sequence[Sequence[Atom]]) -> Word | None:
        """The first word of the box, if it has one: smaller symbols are tried from left to right."""
        answer = self._asked(box)
        if answer is None or answer.least:
            return None if answer is None else answer.word
        fixed, word = list(box), answer.word
        for place in range(self.length):
            choices = box[place]
            index = index_of(choices, word[place])
            assert index is not None, "an engine answers with words in the box"
            for smaller in range(index):
                fixed[place] = (choices[smaller],)
                better = self._asked(fixed)
                if better is not None:
                    word = better.word
                    break
            fixed[place] = (word[place],)
        return word

    def _asked(self, box: Sequence[Sequence[Atom]]) -> Sat | None:
        match self.session.check(box):
            case Sat() as found:
                return found
            case Unsat():
                return None
            case Undecided(reason=reason, detail=detail):
                raise _Stopped(f"{reason.value} {detail}".strip())
