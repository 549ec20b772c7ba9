"""Decide properties: per length, from short to long, with every refutation replayed and every proof spot-checked.

The order of work makes the promises of a verdict true. Lengths ascend, so a counterexample is the shortest. Whatever
an engine claims to be a counterexample is evaluated by `spec.property.evaluate`, which shares the operators with the
engines and no more; if the claim does not hold there, that is a bug here and ends the run. Before `proved` is built,
inputs spread over the whole scope are evaluated the same way.

Of a scope without a greatest length the first lengths are searched; then a proof for all lengths is tried; if there is
none, further lengths are searched while there is time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from time import monotonic
from typing import Final, Protocol, TypeAlias, assert_never

from spec.diagnostics import InternalError, RaspError
from spec.property import ast
from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker, Outcome, Status
from verifier.bounds.arch import architecture
from verifier.engine import Evidence, Limits, Looked, Query, Reason, Sat, Undecided, Unsat, Word
from verifier.evidence.confirm import INTERPRETER, with_proof
from verifier.evidence.proofs import keep
from verifier.evidence.quality import conflict, quality
from verifier.evidence.sample import spread
from verifier.listing import following
from verifier.portfolio import AUTO, Finding
from verifier.question.claims import state
from verifier.question.express import Unexpressible
from verifier.reductions.fewer import reduced
from verifier.running.cache import answer
from verifier.unbounded.decide import all_lengths, complete, satisfying
from verifier.unbounded.recheck import all_inputs
from verifier.verdict import Closed, Failed, Proved, Refuted, States, Unknown, Vacuous, Verdict, Witness

EVALUATION = INTERPRETER
Heard: TypeAlias = Closed | Looked
FURTHEST: Final = 16
"""Up to this length a counterexample is searched for where a proof for all lengths was not found."""
LONGEST: Final = 256
"""Longer inputs are not replayed, and shown to nobody."""
_FOR_PROOF: Final = 0.9
"""The part of the time left that a proof for all lengths may take; the rest is for further lengths."""
_FOR_STATES: Final = 2.0
"""So many seconds it may take to find out that a scope reaches all states that a claim can tell apart."""
_ATTEMPTS: Final = 8
"""So often at most engines are asked about one length: each may take this part of the time left."""


@dataclass(frozen=True)
class Options:
    """How to check: which engine, what it may spend, and how many inputs are spot-checked at each length.

    Answers are kept in the folder `cache`, if there is one; `verifier.running.cache` says what its modes are. Clausal
    proofs are kept in the folder `save_proofs`; then answers from a cache, which have none, are not good enough. Of a
    `cover` so many `witnesses` are looked for.
    """

    engine: str = AUTO
    limits: Limits = field(default_factory=Limits)
    spot_checks: int = 5
    evaluated_inputs: int = 20_000
    cache: str | None = None
    cache_mode: str = "use"
    save_proofs: str | None = None
    witnesses: int = 1


class Asked(Enum):
    """Which part of a property a query is about: whether an input breaks it, or satisfies its preconditions."""

    BROKEN = "broken"
    GIVEN = "given"


class Oracle(Protocol):
    """Whoever answers queries."""

    def __call__(self, query: Query, about: Asked, wall_s: float, /) -> Finding:
        """The answer, and who gave it; each engine that is asked may take so long."""
        ...


@dataclass(frozen=True)
class Engines:
    """The engines under some options, or what they said before."""

    options: Options

    def __call__(self, query: Query, _about: Asked, wall_s: float, /) -> Finding:
        """Ask them; what the query is about makes no difference."""
        options = self.options
        limits = replace(options.limits, wall_s=wall_s)
        cache = None if options.save_proofs else options.cache
        found = answer(query, options.engine, limits, cache, options.cache_mode)
        if not options.save_proofs or not isinstance(found.answer, Unsat):
            return found
        fewer = reduced(query) if limits.reductions else None
        asked = query if fewer is None else fewer.query
        answered = with_proof(asked, found.answer, limits, asked.alphabet != query.alphabet)
        return replace(found, answer=answered)


def check(
    bound: BoundProperty,
    options: Options,
    oracle: Oracle | None = None,
    heard: Callable[[Heard], None] = lambda _: None,
) -> Verdict:
    """The verdict on one property; `heard` is told of each length that is closed, and of how far a long one is."""
    search = _Search(bound, options, Engines(options) if oracle is None else oracle, heard)
    claim = bound.property.claim
    try:
        match claim:
            case ast.Example():
                return _example(bound, claim)
            case ast.Architecture():
                return architecture(bound, options.limits.wall_s)
            case ast.Cover():
                return search.cover()
            case (
                ast.Ensures()
                | ast.Equivalent()
                | ast.Accepts()
                | ast.Invariance()
                | ast.Causal()
                | ast.NoError()
                | ast.NumbersAgree()
            ):
                return search.for_all()
        assert_never(claim)
    except RaspError as error:
        return Failed(error.diagnostics)


def _example(bound: BoundProperty, claim: ast.Example) -> Verdict:
    outcome = Checker(bound).check(claim.tokens)
    if outcome.status is Status.HOLDS:
        return Proved(bound.property.scope, witness=Witness(claim.tokens, "evaluates as stated"))
    return Refuted(_seen(claim.tokens, outcome))


def _seen(word: Word, outcome: Outcome, finding: Finding | None = None) -> Witness:
    """A witness from a replay, and what the search knows about it."""
    explanation = outcome.explanation
    least = finding is not None and isinstance(finding.answer, Sat) and finding.answer.least
    return Witness(
        word,
        "it satisfies what was asked for" if explanation is None else str(explanation),
        None if explanation is None else explanation.position,
        least,
        None if finding is None else finding.unique,
    )


class _Search:
    """One property, length by length."""

    def __init__(self, bound: BoundProperty, options: Options, oracle: Oracle, heard: Callable[[Heard], None]) -> None:
        self.bound, self.options, self.oracle, self.heard = bound, options, oracle, heard
        self.scope = bound.property.scope
        self.checker = Checker(bound)
        self.closed: list[Closed] = []
        self.inhabited = not bound.property.requires
        self.nowhere: States | None = None
        self.deadline = monotonic() + options.limits.wall_s

    def for_all(self) -> Verdict:
        """Whether no input in scope breaks the property."""
        found = self._first(Status.FAILS)
        if isinstance(found, Witness):
            return Refuted(found, tuple(self.closed))
        if found is not None:
            return found
        vacuous = self._vacuous()
        if vacuous is None and self.scope.high is None:
            return self._for_all_lengths()
        return self._proved() if vacuous is None else vacuous

    def _for_all_lengths(self) -> Verdict:
        """A proof for all lengths; without one, a counterexample among further lengths, or what is open."""
        every = all_lengths(self.bound, max(0.0, _FOR_PROOF * self._left))
        if isinstance(every, Proved):
            return self._weighed(every)
        found = self._further(Status.FAILS)
        if found is not None:
            return Refuted(found, tuple(self.closed))
        verdict = every if isinstance(every, Unknown) else self._suspected(every.word)
        return replace(verdict, closed=tuple(self.closed))

    def _suspected(self, word: Word) -> Unknown | Refuted:
        """The verdict on an input that may be farther out than what is searched, after it was replayed."""
        if len(word) > LONGEST:
            return Unknown(
                Reason.SIZE, f"the states lead to a counterexample of length {len(word)}, which was not replayed"
            )
        outcome = self.checker.check(word)
        if outcome.status is not Status.FAILS:
            return Unknown(Reason.UNSUPPORTED, f"for all lengths: {list(word)} is no counterexample")
        if self._next_length in self.scope.short.lengths():
            return Unknown(Reason.UNSUPPORTED, f"{list(word)} is a counterexample, but a short length is open")
        return Refuted(_seen(word, outcome))

    def cover(self) -> Verdict:
        """Whether some input in scope satisfies the preconditions and the expression."""
        found = self._first(Status.HOLDS)
        if found is None and self.scope.high is None:
            found = self._further(Status.HOLDS)
        if isinstance(found, Witness):
            proved = Proved(self.scope, tuple(self.closed), found)
            wanted = self.options.witnesses - 1
            others = following(self.bound, found.word, wanted, self.options.limits) if wanted else None
            return replace(proved, others=others)
        if found is not None:
            return found
        vacuous = self._vacuous()
        if vacuous is None and self.scope.high is None:
            return Unknown(Reason.UNSUPPORTED, "no short input reaches it", tuple(self.closed))
        return Refuted(None, tuple(self.closed), "no input in scope reaches it") if vacuous is None else vacuous

    # -------------------------------------------------------------------------------------------- steps

    def _first(self, wanted: Status) -> Witness | Unknown | None:
        """The first input in scope with the status, replayed; `None` when every length is closed without one.

        Of a scope without a greatest length only short inputs are looked at.
        """
        for length in self._lengths():
            match self._close(length, wanted, self.options.limits.wall_s):
                case None:
                    continue
                case Witness() as witness:
                    return witness
                case Undecided(reason=reason, detail=detail):
                    if self.scope.high is None:
                        return None
                    open_ = tuple(range(length, self.scope.high + 1))
                    return Unknown(reason, detail, tuple(self.closed), open_)
        return None

    def _further(self, wanted: Status) -> Witness | None:
        """The first input with the status beyond the short lengths, if all of these are closed and there is time."""
        if self._next_length in self.scope.short.lengths():
            return None  # an input found now need not be the shortest
        for length in range(self._next_length, FURTHEST + 1):
            if self._left <= 0:
                return None
            found = self._close(length, wanted, self._left / _ATTEMPTS)
            if found is not None:
                return found if isinstance(found, Witness) else None
        return None

    @property
    def _next_length(self) -> int:
        """The first length that is not closed."""
        return self.closed[-1].length + 1 if self.closed else self.scope.low

    @property
    def _left(self) -> float:
        return self.deadline - monotonic()

    def _close(self, length: int, wanted: Status, wall_s: float) -> Witness | Undecided | None:
        """An input of the length with the status, replayed; `None` when the length is closed without one."""
        finding = self._ask(length, Asked.BROKEN, lambda word: self.checker.check(word).status is wanted, wall_s)
        match finding.answer:
            case Sat(word=word):
                return self._replayed(word, finding, wanted)
            case Unsat() as unsat:
                self.closed.append(Closed(length, keep(unsat, self.options.save_proofs).evidence))
                self.heard(self.closed[-1])
                return None
            case Undecided() as undecided:
                return undecided
        assert_never(finding.answer)

    def _lengths(self) -> Iterable[int]:
        """Every length in scope, or the short ones where there is no end."""
        return self.scope.short.lengths()

    def _ask(self, length: int, about: Asked, meets: Callable[[Word], bool], wall_s: float) -> Finding:
        """The oracle's answer; where terms cannot state the property, that of evaluating every input."""
        if length == 0 or self.options.engine == EVALUATION:
            return self._evaluate(length, meets, "")
        try:
            stated = state(self.bound, length)
        except Unexpressible as reason:
            return self._evaluate(length, meets, reason.reason)
        term = stated.broken if about is Asked.BROKEN else stated.given
        query = Query(length, self.scope.alphabet, term, evaluate=meets, told=self.heard)
        return self.oracle(query, about, wall_s)

    def _evaluate(self, length: int, meets: Callable[[Word], bool], why: str) -> Finding:
        """The answer of the interpreter alone, on every input of the length, in order."""
        count = self.scope.count(length)
        if count is None or count > self.options.evaluated_inputs:
            detail = f"{why}; {count or 'infinitely many'} inputs are too many to evaluate one by one"
            return Finding(Undecided(Reason.SIZE, detail), EVALUATION)
        found: list[Word] = []
        for word in self.scope.inputs(length):
            if meets(word):
                found.append(word)
                if len(found) == 2:
                    break
        if found:
            return Finding(Sat(found[0], least=True), EVALUATION, unique=len(found) == 1)
        return Finding(Unsat(Evidence(EVALUATION, why, inputs=count)), EVALUATION)

    def _replayed(self, word: Word, finding: Finding, wanted: Status) -> Witness:
        """The witness as the interpreter sees it; an engine that is contradicted there has a bug."""
        outcome, name = self.checker.check(word), self.bound.property.name
        if word not in self.scope:
            raise InternalError(f"{finding.by} answers `{name}` with {word!r}, which is not in {self.scope}")
        if outcome.status is not wanted:
            raise InternalError(
                f"{finding.by} says that `{name}` {wanted.value} at {word!r}, evaluation says {outcome.status.value}"
            )
        return _seen(word, outcome, finding)

    def _vacuous(self) -> Verdict | None:
        """The verdict when no input of the scope satisfies the preconditions, or that can't be decided."""
        if self.inhabited:
            return None
        match self._empty():
            case None:
                return None
            case Unknown() as unknown:
                return replace(unknown, closed=tuple(self.closed))
            case empty:
                always = "" if self.nowhere is None else f" of any length ({self.nowhere})"
                return Vacuous(empty, f"no input in scope satisfies the preconditions{always}: {self._conflict()}")

    def _empty(self) -> tuple[Closed, ...] | Unknown | None:
        """Every length, where the preconditions exclude every input; `None` where they don't."""
        empty: list[Closed] = []
        for length in self._lengths():
            finding = self._ask(length, Asked.GIVEN, self._given, self.options.limits.wall_s)
            match finding.answer:
                case Sat(word=word):
                    if not self._given(word):
                        raise InternalError(f"{finding.by} says that {word!r} satisfies the preconditions; it does not")
                    return None
                case Undecided(reason=reason, detail=detail):
                    return Unknown(reason, f"whether the preconditions can be met: {detail}")
                case Unsat() as unsat:
                    empty.append(Closed(length, keep(unsat, self.options.save_proofs).evidence))
        return tuple(empty) if self.scope.high is not None else self._empty_for_good(tuple(empty))

    def _empty_for_good(self, empty: tuple[Closed, ...]) -> tuple[Closed, ...] | Unknown | None:
        """The same for a scope without a greatest length, of which the short lengths have been looked at."""
        found = satisfying(self.bound, max(0.0, _FOR_PROOF * self._left))
        if found is None:
            return Unknown(Reason.UNSUPPORTED, "no short input satisfies the preconditions")
        if isinstance(found, States):
            met = next(filter(self._given, all_inputs(self.scope, found.complete)), None)
            if met is not None:
                raise InternalError(f"no input was to satisfy the preconditions; {met!r} does")
            self.nowhere = found
            return empty
        if not self._given(found):
            raise InternalError(f"{found!r} was to satisfy the preconditions; it does not")
        return None

    def _conflict(self) -> str:
        """Which preconditions exclude each other."""

        def empty(bound: BoundProperty) -> bool:
            options = replace(self.options, save_proofs=None)
            return isinstance(_Search(bound, options, Engines(options), lambda _: None)._empty(), tuple)

        *others, last = [f"`{name}`" for name in conflict(self.bound, empty)]
        return f"{', '.join(others)} and {last} exclude each other" if others else f"{last} never holds"

    def _given(self, word: Word) -> bool:
        return self.checker.preconditions(word) is None

    def _proved(self) -> Verdict:
        """The proof, after inputs from all over the scope have been evaluated to see that they do not contradict it."""
        for closed in self.closed:
            for word in spread(self.scope, closed.length, self.options.spot_checks):
                if self.checker.check(word).status is Status.FAILS:
                    name, by = self.bound.property.name, closed.evidence.by
                    raise InternalError(f"{by} proved `{name}` at length {closed.length}, but {word!r} violates it")
        return self._weighed(Proved(self.scope, tuple(self.closed)))

    def _weighed(self, proved: Proved) -> Proved:
        """The proof, with what it does not say, and whether it says more than was asked."""
        found = quality(self.bound, [closed.length for closed in self.closed], self.options.limits.reductions)
        states = complete(self.bound, min(_FOR_STATES, max(0.0, self._left)))
        beyond = () if states is None else (f"longer inputs show nothing new: {states}",)
        return replace(proved, warnings=found.warnings, notes=found.notes + beyond)
