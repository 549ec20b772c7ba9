"""Which engine answers a query, and the least input among those it finds.

`auto` takes the engines that can be complete on the query in the order of their usual speed, and goes on to the next
while one is undecided. Naming an engine forces that one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from spec.diagnostics import Diagnostic, InternalError, UsageError
from spec.property.scope import Alphabet, Integers
from spec.values import Atom
from verifier.engine import Answer, Engine, Limits, Query, Reason, Sat, Session, Undecided, Unsat, Word
from verifier.engines.diagrams import DIAGRAMS
from verifier.engines.enumerate import ENUMERATE
from verifier.engines.parallel import PARALLEL
from verifier.engines.sat import SAT
from verifier.engines.smt import SMT

ENGINES: Final[dict[str, Engine]] = {engine.name: engine for engine in (ENUMERATE, PARALLEL, DIAGRAMS, SAT, SMT)}
AUTO: Final = "auto"

_QUICKLY_ENUMERATED: Final = 60_000
_LISTED_INTEGERS: Final = 4_096


@dataclass(frozen=True)
class Finding:
    """The answer to one query, who gave it, and whom it was asked of in vain."""

    answer: Answer
    by: str
    unique: bool | None = None
    passed: tuple[str, ...] = field(default=())


def by_name(name: str) -> tuple[Engine, ...]:
    """The engines that a choice allows; for `auto`, all."""
    if name == AUTO:
        return tuple(ENGINES.values())
    if name not in ENGINES:
        known = ", ".join([AUTO, *ENGINES])
        raise UsageError(Diagnostic("R0501", f"there is no engine `{name}`", hint=f"one of: {known}"))
    return (ENGINES[name],)


def decide(query: Query, choice: str, limits: Limits) -> Finding:
    """Whether an input of the query exists; if so, the least one that could be found, and whether it is alone."""
    passed: list[str] = []
    last = Undecided(Reason.UNSUPPORTED, "no engine was asked")
    for engine in _order(query, choice):
        session = engine.open(query, limits)
        answer = session if isinstance(session, Undecided) else session.check()
        if isinstance(answer, Undecided):
            passed.append(f"{engine.name}: {answer.reason.value} {answer.detail}".strip())
            last = answer
            continue
        if isinstance(answer, Unsat) or isinstance(session, Undecided):
            return Finding(answer, engine.name, passed=tuple(passed))
        least = answer if answer.least else _least(session, query, answer.word)
        return Finding(least, engine.name, _unique(session, least.word), tuple(passed))
    detail = "; ".join(passed) if len(passed) > 1 else last.detail
    return Finding(Undecided(last.reason, detail), "", passed=tuple(passed))


def _order(query: Query, choice: str) -> Iterator[Engine]:
    allowed = by_name(choice)
    if choice != AUTO:
        yield from allowed
    elif isinstance(query.alphabet, Integers):
        yield from (ENUMERATE, SMT, SAT) if _few(query) else (SMT, SAT, ENUMERATE)
    else:
        yield from (ENUMERATE, DIAGRAMS, SAT, SMT) if _few(query) else (DIAGRAMS, SAT, SMT, ENUMERATE)


def _few(query: Query) -> bool:
    return query.inputs is not None and query.inputs <= _QUICKLY_ENUMERATED


def _least(session: Session, query: Query, word: Word) -> Sat:
    """The first word in alphabet order, by fixing positions from left to right.

    Over unbounded integers there is no first word; there the found word is brought towards zero, as far as it goes.
    """
    symbols = _listed(query.alphabet)
    ordered = symbols is not None
    if symbols is None:
        near = _near_zero(session, query)
        if near is None:
            return Sat(word)
        word, symbols = near
    box: list[tuple[Atom, ...]] = [tuple(symbols)] * query.length
    for position in range(query.length):
        while smaller := _before(symbols, word[position]):
            box[position] = smaller
            match session.check(box):
                case Sat(word=better):
                    word = better
                case Unsat():
                    break
                case Undecided():
                    return Sat(word)
        box[position] = (word[position],)
    return Sat(word, least=ordered)


def _listed(alphabet: Alphabet) -> tuple[Atom, ...] | None:
    """The symbols in order, unless there are too many to try."""
    match alphabet:
        case Integers(low, high):
            few = low is not None and high is not None and high - low < _LISTED_INTEGERS
            return tuple(range(low, high + 1)) if few and low is not None and high is not None else None
        case symbols:
            return symbols


def _near_zero(session: Session, query: Query) -> tuple[Word, tuple[Atom, ...]] | None:
    """A word over the smallest tried interval around zero, or at the end next to zero, that has one."""
    assert isinstance(query.alphabet, Integers)
    low, high = query.alphabet.low, query.alphabet.high
    centre = query.alphabet.nearest_zero
    for reach in (0, 1, 2, 4, 8, 16):
        symbols = tuple(
            x
            for x in range(centre - reach, centre + reach + 1)
            if (low is None or low <= x) and (high is None or x <= high)
        )
        answer = session.check([symbols] * query.length)
        if isinstance(answer, Sat):
            return answer.word, symbols
    return None


def _before(symbols: tuple[Atom, ...], atom: Atom) -> tuple[Atom, ...]:
    for i, symbol in enumerate(symbols):
        if type(symbol) is type(atom) and symbol == atom:
            return symbols[:i]
    raise InternalError(f"an engine answered with {atom!r}, which is not in the alphabet")


def _unique(session: Session, word: Word) -> bool | None:
    match session.check(other_than=word):
        case Sat():
            return False
        case Unsat():
            return True
        case Undecided():
            return None
