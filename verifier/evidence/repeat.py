"""A result once more, from the program and the contract: nothing is taken from it but what it claims.

The property is bound anew and searched anew, length by length. Where the result says that no input of a length does
it, somebody else than the one who said so has to find the same (`verifier.evidence.confirm`), or a proof that was kept
has to hold for clauses that are made anew. A counterexample is run again. An architecture is decided anew, and the
checker of certificates has to accept what shows it. Lengths that the result does not close are asked of the engines as
ever, so that a result that leaves one out, or claims too much, is noticed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from time import monotonic

from spec.diagnostics import Diagnostic, InternalError
from spec.property.ast import Architecture, Cover, Example
from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker, Status
from verifier.bounds.arch import certified
from verifier.check import EVALUATION, Asked, Heard, Options, check
from verifier.engine import Evidence, Limits, Query, Reason, Sat, Undecided, Unsat
from verifier.engines.sat import CHECKER, clauses_of
from verifier.evidence.confirm import Confirmed, Contradicted, confirm, of_fewer
from verifier.evidence.proofs import hash_of, load
from verifier.portfolio import AUTO, Finding
from verifier.recheck.files import Judgement, recheck
from verifier.recheck.rup import Rejected, check_refutation
from verifier.reductions.fewer import reduced
from verifier.report.result import Result, verdict_name
from verifier.report.text import lengths_text
from verifier.running.cache import answer
from verifier.verdict import Closed, Failed, Proved, Refuted, Unknown, Vacuous, Verdict, Witness


def repeat(
    bound: BoundProperty,
    recorded: Result,
    options: Options,
    proofs: str | None = None,
    heard: Callable[[Heard], None] = lambda _: None,
) -> Verdict:
    """The verdict as it is found now, with who confirms each length in its evidence."""
    verdict = recorded.verdict
    wrong = _replayed(bound, verdict)
    if wrong is not None:
        return Failed((Diagnostic("R0605", wrong),))
    if isinstance(bound.property.claim, Architecture):
        return _scheduled(bound, options.limits.wall_s)
    try:
        return check(bound, options, _Again(verdict, options.limits, proofs), heard)
    except Rejected as reason:
        return Failed((Diagnostic("R0605", str(reason)),))


def _scheduled(bound: BoundProperty, seconds: float) -> Verdict:
    """The verdict on an architecture, decided anew, with what the checker of certificates says of its certificates."""
    verdict, certificates = certified(bound, seconds)
    if certificates is None:
        return verdict
    checked = recheck(certificates.text())
    for one in checked:
        if one.judgement is Judgement.REJECTED:
            raise InternalError(f"the certificate of `{bound.property.name}` is not accepted: {one.detail}")
    detail = "; ".join(f"certificate of {one.claim.rpartition(': ')[2]}: {one.detail}" for one in checked)
    if any(one.judgement is Judgement.TRUSTED for one in checked):
        return Unknown(Reason.UNSUPPORTED, detail)
    return replace(verdict, structural=detail) if isinstance(verdict, Proved) else replace(verdict, detail=detail)


def _replayed(bound: BoundProperty, verdict: Verdict) -> str | None:
    """What is wrong with the input that the verdict rests on, if there is one and something is."""
    match verdict:
        case Proved(witness=Witness(word=word)) if isinstance(bound.property.claim, Cover):
            wanted = Status.HOLDS
        case Refuted(witness=Witness(word=word)):
            wanted = Status.FAILS
        case _:
            return None
    if word not in bound.property.scope and not isinstance(bound.property.claim, Example):
        return f"the input {list(word)} is not in the scope"
    found = Checker(bound).check(word).status
    return None if found is wanted else f"at the input {list(word)} the property {found.value}, and not {wanted.value}"


class _Again:
    """Answers for the lengths that a verdict closes come from somebody else; all others from the engines."""

    def __init__(self, verdict: Verdict, limits: Limits, proofs: str | None) -> None:
        closed: tuple[Closed, ...] = () if isinstance(verdict, Failed) else verdict.closed
        self.closed: Mapping[int, Evidence] = {one.length: one.evidence for one in closed}
        self.about = Asked.GIVEN if isinstance(verdict, Vacuous) else Asked.BROKEN
        self.limits, self.proofs = limits, proofs
        self.open = isinstance(verdict, Unknown)

    def __call__(self, query: Query, about: Asked, wall_s: float, /) -> Finding:
        evidence = self.closed.get(query.length) if about is self.about else None
        if evidence is not None:
            return self._confirmed(query, evidence)
        if self.open:
            return Finding(Undecided(Reason.UNSUPPORTED, "the result leaves it open"), "")
        return answer(query, AUTO, replace(self.limits, wall_s=wall_s), None, "use")

    def _confirmed(self, query: Query, evidence: Evidence) -> Finding:
        found = reduced(query)
        fewer = None if found is None else found.query
        if self.proofs is not None and evidence.proof is not None:
            kept = self._kept(query, fewer, evidence.proof)
            if kept is not None:
                return kept
        match confirm(query, evidence.by, evidence.detail, self.limits, fewer if self.limits.reductions else None):
            case Confirmed(by=by, answer=Unsat(evidence=again)):
                return Finding(Unsat(replace(again, by=by, checked_by=())), by)
            case Contradicted(by=by, word=word):
                return Finding(Sat(word), by)
            case None:
                return Finding(Undecided(Reason.SOLVER, f"nobody but {evidence.by} says so"), "")

    def _kept(self, query: Query, fewer: Query | None, name: str) -> Finding | None:
        """The answer of a proof that was kept, on clauses that are made anew; `Rejected` when it does not hold.

        `None` for a proof about fewer inputs that are not to stand for all.
        """
        assert self.proofs is not None
        wanted, lines = load(Path(self.proofs), name)
        deadline = monotonic() + self.limits.wall_s
        last: Undecided | None = None
        for asked in (query,) if fewer is None else (fewer, query):
            found = clauses_of(asked, self.limits)
            if isinstance(found, Undecided):
                last = found
            elif hash_of(found.clauses) == wanted:
                cut = asked.alphabet != query.alphabet
                if cut and not self.limits.reductions:
                    return None
                by = of_fewer(CHECKER) if cut else CHECKER
                return _replay(found.clauses, _until(deadline, lines), by, name, query.length)
        if last is not None:
            return Finding(last, "")
        raise Rejected(f"the proof {name} is for other clauses than those of length {query.length}")


def _replay(clauses: Iterable[Sequence[int]], lines: Iterator[str], by: str, name: str, length: int) -> Finding:
    try:
        lemmas = check_refutation(clauses, lines)
    except Rejected as reason:
        raise Rejected(f"the proof {name} of length {length}: {reason}") from reason
    except TimeoutError:
        return Finding(Undecided(Reason.WALL, f"while the proof {name} was replayed"), "")
    return Finding(Unsat(Evidence(by, f"{lemmas} lemmas of {name}")), by)


def _until(deadline: float, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if monotonic() > deadline:
            raise TimeoutError
        yield line


# ------------------------------------------------------------------------------------------------ judging


class Standing(Enum):
    """What is left of a result after it was repeated."""

    CONFIRMED = "confirmed"
    OPEN = "not confirmed"
    REJECTED = "REJECTED"


@dataclass(frozen=True)
class Judged:
    """A result, how it stands, and who confirmed it or why it does not stand."""

    result: Result
    standing: Standing
    detail: str


def judge(recorded: Result, again: Result) -> Judged:
    """Compare a result with its repetition."""
    before, after = recorded.verdict, again.verdict
    if (recorded.text, recorded.kind) != (again.text, again.kind):
        return Judged(recorded, Standing.REJECTED, f"the property is now: {again.text}")
    if isinstance(after, Failed):
        messages = "; ".join(diagnostic.message for diagnostic in after.diagnostics)
        if isinstance(before, Failed):
            return Judged(recorded, Standing.CONFIRMED, f"still an error: {messages}")
        return Judged(recorded, Standing.REJECTED, messages)
    if isinstance(before, Unknown):
        missing = {one.length for one in before.closed} - {one.length for one in after.closed}
        if missing and not isinstance(after, Unknown):
            return Judged(recorded, Standing.REJECTED, f"it is {verdict_name(after)}")
        if missing:
            return Judged(recorded, Standing.OPEN, _reason(after))
        return Judged(recorded, Standing.CONFIRMED, f"{_who(after) or 'nothing'}, of what is closed")
    if isinstance(after, Unknown):
        return Judged(recorded, Standing.OPEN, _reason(after))
    if type(before) is not type(after):
        return Judged(recorded, Standing.REJECTED, f"it is {verdict_name(after)}{_shown(after)}")
    if _least(before) is not None and _least(after) is not None and _least(before) != _least(after):
        return Judged(recorded, Standing.REJECTED, f"an earlier input does it{_shown(after)}")
    alone = {one.length for one in before.closed if one.evidence.by == EVALUATION}
    if any(one.length in alone and one.evidence.by == EVALUATION for one in after.closed):
        return Judged(recorded, Standing.OPEN, f"{_who(after)}; nothing but the interpreter can evaluate it")
    return Judged(recorded, Standing.CONFIRMED, _who(after) or _other(after))


def _reason(verdict: Verdict) -> str:
    return f"{verdict.reason.value}: {verdict.detail}" if isinstance(verdict, Unknown) else ""


def _least(verdict: Verdict) -> tuple[object, ...] | None:
    """The first input of all, where the verdict says that it is."""
    match verdict:
        case Proved(witness=Witness(word=word, least=True)) | Refuted(witness=Witness(word=word, least=True)):
            return word
        case _:
            return None


def _shown(verdict: Verdict) -> str:
    match verdict:
        case Proved(witness=Witness(word=word)) | Refuted(witness=Witness(word=word)):
            return f": {list(word)}"
        case _:
            return ""


def _who(verdict: Verdict) -> str:
    """Who confirmed which lengths."""
    by: dict[str, list[int]] = {}
    for one in () if isinstance(verdict, Failed) else verdict.closed:
        by.setdefault(one.evidence.by, []).append(one.length)
    return "; ".join(f"{name}: {lengths_text(lengths)}" for name, lengths in by.items())


def _other(verdict: Verdict) -> str:
    match verdict:
        case Proved(every=every) if every is not None:
            return f"all lengths: {', '.join(every.checked_by)}"
        case Proved(structural=structural) if structural:
            return structural
        case Refuted(witness=None, detail=detail):
            return detail
        case _:
            return "replayed in the interpreter"
