"""Which engine answers a query, and the least input among those it finds.

`auto` begins with the engine that is usually fastest on queries of this shape, gives each a short time first and all
the time only then, and goes on to the next while one is undecided. The evidence says who was asked before, and why the
one that answered was asked when it was. Naming an engine forces that one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from spec.diagnostics import Diagnostic, InternalError, UsageError
from spec.property.scope import Alphabet, Integers
from spec.values import Atom
from verifier.encodings.sweep import walked
from verifier.encodings.words import few_symbols
from verifier.engine import (
    Answer,
    Engine,
    Evidence,
    Limits,
    Proofs,
    Query,
    Reason,
    Sat,
    Session,
    Undecided,
    Unsat,
    Word,
)
from verifier.engines.bits import BITS
from verifier.engines.device import ACCELERATOR, DEVICE, accelerated
from verifier.engines.diagrams import DIAGRAMS
from verifier.engines.enumerate import ENUMERATE
from verifier.engines.parallel import PARALLEL
from verifier.engines.sat import SAT
from verifier.engines.second import SECOND
from verifier.engines.smt import SMT
from verifier.evidence.confirm import INTERPRETER, Confirmed, Contradicted, confirm, of_fewer
from verifier.reductions.fewer import reduced

_ALL: Final[tuple[Engine, ...]] = (ENUMERATE, PARALLEL, DEVICE, DIAGRAMS, SAT, SMT, SECOND, BITS)
ENGINES: Final = {engine.name: engine for engine in _ALL}
AUTO: Final = "auto"

_VERY_FEW: Final = 256
"""So many inputs are evaluated before a circuit for them is built."""
_FEW: Final = 1 << 20
"""So many inputs are evaluated bit-parallel before any diagram is."""
_MANY: Final = 1 << 24
"""So many inputs are worth the seconds in which torch and an accelerator are made ready."""
_SHORT: Final = 4.0
"""Seconds of processor time of the first attempt of each engine, the circuit that all share not included."""
_FOR_SUMS: Final = (0.6, 0.02)
"""Seconds, and seconds for each position, in which z3 has proved claims about sums of integers, if it ever does."""
_FEW_TO_CONFIRM: Final = 2_000
"""So many inputs are evaluated once more, term by term, to confirm that none of them will do."""
_FEW_NODES: Final = 1 << 20
_MOST_INPUTS: Final = 1 << 40
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
        known = ", ".join([AUTO, INTERPRETER, *ENGINES])
        raise UsageError(Diagnostic("R0501", f"there is no engine `{name}`", hint=f"one of: {known}"))
    return (ENGINES[name],)


def decide(query: Query, choice: str, limits: Limits) -> Finding:
    """Whether an input of the query exists; if so, the least one that could be found, and whether it is alone.

    That none exists is confirmed independently, as the policy in the limits wants it.
    """
    fewer = reduced(query) if limits.reductions else None
    if fewer is None:
        return _confirmed(query, None, _decide(query, choice, limits), limits)
    finding = _confirmed(query, fewer.query, _decide(fewer.query, choice, limits), limits)
    match finding.answer:
        case Sat(word=word, least=least):
            answer: Answer = Sat(word, least and fewer.ordered)
            return replace(finding, answer=answer, unique=fewer.unique(word, finding.unique))
        case Unsat(evidence=evidence):
            why = (*fewer.why, *evidence.reductions)
            answer = replace(finding.answer, evidence=replace(evidence, reductions=why))
            return replace(finding, answer=answer)
        case Undecided():
            return finding
    assert_never(finding.answer)


def _confirmed(query: Query, fewer: Query | None, finding: Finding, limits: Limits) -> Finding:
    """The finding, with somebody else's agreement; where all have to agree with somebody, no finding without.

    What was asked is `fewer`, if there are fewer inputs that stand for all of the query. Then confirming means to look
    at all of them where that is possible: they show that those were enough.
    """
    if not isinstance(finding.answer, Unsat) or limits.proofs is Proofs.NONE:
        return finding
    answer = finding.answer
    cut = fewer is not None and fewer.alphabet != query.alphabet
    if cut:
        checked = tuple(map(of_fewer, answer.evidence.checked_by))
        answer = replace(answer, evidence=replace(answer.evidence, checked_by=checked))
    match _second(query, fewer, cut, finding.by, answer.evidence, limits):
        case Confirmed(by=by, answer=Unsat(refutation=refutation)):
            evidence = replace(answer.evidence, checked_by=tuple(dict.fromkeys((*answer.evidence.checked_by, by))))
            return replace(finding, answer=Unsat(evidence, refutation or answer.refutation))
        case Contradicted(by=by, word=word):
            raise InternalError(f"{finding.by} says that no input will do, {by} says that {word!r} does")
        case None if limits.proofs is Proofs.ALL and not answer.evidence.checked_by:
            detail = f"{finding.by} found no input, but nothing else could confirm it"
            return replace(finding, answer=Undecided(Reason.SOLVER, detail))
        case None:
            return replace(finding, answer=answer)


def _second(
    query: Query, fewer: Query | None, cut: bool, by: str, evidence: Evidence, limits: Limits
) -> Confirmed | Contradicted | None:
    """Somebody else's answer; `None` where nobody can tell, or where it is not worth its price."""
    done = bool(evidence.checked_by)
    if limits.proofs is Proofs.ALL:
        return None if done and not cut else confirm(query, by, evidence.detail, limits, fewer)
    done = done or by == ENUMERATE.name
    if _few(query):
        return None if done and not cut else confirm(query, by, evidence.detail, limits)
    if done or fewer is None or not _few(fewer):
        return None
    found = confirm(fewer, by, evidence.detail, limits)
    return replace(found, by=of_fewer(found.by)) if cut and isinstance(found, Confirmed) else found


def _few(query: Query) -> bool:
    return query.inputs is not None and query.inputs <= _FEW_TO_CONFIRM


def _decide(query: Query, choice: str, limits: Limits) -> Finding:
    passed: list[str] = []
    last = Undecided(Reason.UNSUPPORTED, "no engine was asked")
    for stage in _stages(query, choice, limits):
        engine = stage.engine
        session = engine.open(query, stage.limits)
        answer = session if isinstance(session, Undecided) else session.check()
        if isinstance(answer, Undecided):
            passed.append(f"{engine.name}: {answer.reason.value} {answer.detail}".strip())
            last = answer
            continue
        if isinstance(answer, Unsat) or isinstance(session, Undecided):
            explained = _explained(answer, stage, passed) if choice == AUTO else answer
            return Finding(explained, engine.name, passed=tuple(passed))
        if not answer.least and stage.limits != limits:
            again = engine.open(query, limits)  # a short time was enough to find a word, but may not be for the least
            session = session if isinstance(again, Undecided) else again
        least = answer if answer.least else _least(session, query, answer.word)
        return Finding(least, engine.name, _unique(session, least.word), tuple(passed))
    detail = "; ".join(dict.fromkeys(passed)) if len(passed) > 1 else last.detail
    return Finding(Undecided(last.reason, detail), "", passed=tuple(passed))


def _explained(answer: Answer, stage: "Stage", passed: list[str]) -> Answer:
    """The answer, with the reason for asking this engine in its evidence."""
    if not isinstance(answer, Unsat):
        return answer
    evidence = answer.evidence
    parts = [evidence.detail, f"asked because {stage.why}", f"after {'; '.join(passed)}" if passed else ""]
    return replace(answer, evidence=replace(evidence, detail="; ".join(filter(None, parts))))


@dataclass(frozen=True)
class Stage:
    """An engine, what it may spend, and why it is its turn."""

    engine: Engine
    limits: Limits
    why: str


def _stages(query: Query, choice: str, limits: Limits) -> Iterator[Stage]:
    """Who is asked, in order; no engine twice with the same limits, and none that has no way to answer."""
    if choice != AUTO:
        for engine in by_name(choice):
            yield Stage(engine, limits, "it was chosen")
        return
    seen: set[tuple[str, Limits]] = set()
    for stage in _auto(query, limits):
        key = (stage.engine.name, stage.limits)
        if key not in seen:
            seen.add(key)
            yield stage


def _auto(query: Query, limits: Limits) -> Iterator[Stage]:
    symbols = few_symbols(query.alphabet)
    numbers = isinstance(query.alphabet, Integers)
    short = replace(limits, cpu_s=min(limits.cpu_s, _SHORT))
    inputs = query.inputs
    if inputs is not None and inputs <= _VERY_FEW:
        yield Stage(ENUMERATE, limits, "there are so few inputs")
    if numbers and symbols is not None and (inputs is None or inputs > _FEW):
        # Before anybody builds a circuit: one of sums, each of many values, takes longer than that.
        once, each = _FOR_SUMS
        seconds = min(limits.wall_s, once + each * query.length)
        yield Stage(SMT, replace(limits, wall_s=seconds), "sums of integers are easy for it")
    if symbols is not None:
        few = inputs if inputs is not None and inputs <= _FEW else walked(query, short)
        if few is not None and few <= _FEW:
            yield Stage(PARALLEL, short, "the inputs are few enough to evaluate them all")
        # Nodes run out before time does, where diagrams grow at all.
        few_nodes = replace(short, cpu_s=2 * short.cpu_s, max_nodes=min(limits.max_nodes, _FEW_NODES))
        yield Stage(DIAGRAMS, few_nodes, "diagrams of programs that count and sort are often small")
        few = walked(query, short)
        if few is not None and _MANY <= few <= _MOST_INPUTS and accelerated():
            yield Stage(ACCELERATOR, limits, "there are many inputs, and an accelerator")
        if few is not None and few <= _MOST_INPUTS:
            yield Stage(PARALLEL, short, "no small diagram was found")
        yield Stage(SAT, short, "no small diagram was found")
    if numbers:
        yield Stage(SMT, limits, "the tokens are integers")
    if symbols is not None:
        yield Stage(DIAGRAMS, limits, "nothing smaller was enough")
        few = walked(query, limits)
        if few is not None and few <= _MOST_INPUTS:
            yield Stage(PARALLEL, limits, "the inputs can be evaluated in the time allowed")
        yield Stage(SAT, limits, "nothing faster was enough")
    yield Stage(SMT, limits, "nothing else was enough")
    yield Stage(ENUMERATE, limits, "nothing else was enough")


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
