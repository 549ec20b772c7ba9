"""The five verdicts: closed, scoped, and impossible to forge.

    Proved     every input of a complete, non-empty scope was covered; carries what stands behind it
    Refuted    an input that was replayed in the interpreter and there violates the property
    Vacuous    nothing was claimed: no input satisfies the preconditions
    Unknown    no answer, and why; the lengths that were closed stay proved
    Failed     the question could not be asked

None of them is true or false: `bool(verdict)` raises, so that no `if` can mistake an `Unknown` for a pass.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NoReturn, TypeAlias

from spec.diagnostics import Diagnostic, InternalError
from spec.property.ast import Expected
from spec.property.scope import Scope
from verifier.engine import Evidence, Listing, Reason, Word


class _NoTruth:
    """Verdicts are matched, never tested."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict is not a truth value; match on it")


@dataclass(frozen=True)
class Closed:
    """One length of which every input was covered, and by what."""

    length: int
    evidence: Evidence


@dataclass(frozen=True)
class Witness:
    """An input with the property asked for, as the interpreter found it.

    `explanation` says what fails there. `least`: no shorter input in scope, and none before it in alphabet order,
    does the same. `unique`: no other input of its length does; `None` where that was not decided.
    """

    word: Word
    explanation: str
    at: int | None = None
    least: bool = False
    unique: bool | None = None
    replayed_by: tuple[str, ...] = ("interpreter",)

    def __post_init__(self) -> None:
        """No witness without a replay."""
        if not self.replayed_by:
            raise InternalError("a counterexample was to be reported that nobody replayed")


@dataclass(frozen=True)
class States:
    """The states that a claim can tell apart: how many, and how many letters lead to the deepest.

    Inputs of length n <= `complete` take every step that any input takes, so that checking these lengths is complete.
    """

    number: int
    deepest: int
    complete: int

    def __str__(self) -> str:
        many = "1 state" if self.number == 1 else f"{self.number} states"
        far = "1 symbol" if self.deepest == 1 else f"{self.deepest} symbols"
        return f"{many}, the deepest is reached after {far}: checking n ≤ {self.complete} is complete"


@dataclass(frozen=True)
class EveryLength:
    """A proof for all lengths: by which method, with which inductive invariant, and what checked it again.

    `states` are those that the claim can tell apart, where they are finitely many and were found.
    """

    method: str
    invariant: tuple[str, ...] = ()
    obligations: int = 0
    checked_by: tuple[str, ...] = ()
    states: States | None = None

    def __post_init__(self) -> None:
        """No proof for all lengths that nothing else has seen."""
        if not self.method or not self.checked_by:
            raise InternalError("a proof for all lengths was to be reported that nobody checked")


@dataclass(frozen=True)
class Proved(_NoTruth):
    """The property holds on every input of the scope.

    Where an input is all that was asked for (`cover`, `example`), `witness` is that input. Where the claim is about
    the graph and not about inputs (`arch`), `structural` says what shows it. `warnings` and `notes` are what
    `verifier.evidence.quality` says, `others` the witnesses after the first, where they were asked for. Where the scope
    has no greatest length, `every` is the proof for all lengths.
    """

    scope: Scope
    closed: tuple[Closed, ...] = ()
    witness: Witness | None = None
    structural: str = ""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    others: Listing | None = None
    every: EveryLength | None = None

    def __post_init__(self) -> None:
        """A proof about inputs covers each length of its scope."""
        if self.every is not None and self.scope.high is not None:
            raise InternalError(f"a proof for all lengths was to be reported for {self.scope}")
        if self.witness is not None or self.structural or self.every is not None:
            return
        lengths = [closed.length for closed in self.closed]
        if not self.closed or self.scope.high is None or lengths != list(self.scope.lengths()):
            raise InternalError(f"`proved` needs every length of {self.scope}, has {lengths}")


@dataclass(frozen=True)
class Refuted(_NoTruth):
    """The property fails on this input; without one, a `cover` that no input of the whole scope reaches."""

    witness: Witness | None
    closed: tuple[Closed, ...] = ()
    detail: str = ""

    def __post_init__(self) -> None:
        """Without an input, it must at least be said what was found."""
        if self.witness is None and not self.detail:
            raise InternalError("`refuted` needs an input, or a reason why there is none")


@dataclass(frozen=True)
class Vacuous(_NoTruth):
    """No input of the scope satisfies the preconditions: that is what is closed at each length."""

    closed: tuple[Closed, ...]
    detail: str = ""


@dataclass(frozen=True)
class Unknown(_NoTruth):
    """No answer; the closed lengths are proofs all the same."""

    reason: Reason
    detail: str
    closed: tuple[Closed, ...] = ()
    undecided: tuple[int, ...] = ()


@dataclass(frozen=True)
class Failed(_NoTruth):
    """The property could not be checked at all."""

    diagnostics: tuple[Diagnostic, ...]


Verdict: TypeAlias = Proved | Refuted | Vacuous | Unknown | Failed


class Exit(IntEnum):
    """The exit codes of the command line, one meaning each; of several, the first listed here wins."""

    INTERNAL = 70
    USAGE = 2
    REFUTED = 1
    VACUOUS = 4
    UNKNOWN = 3
    NOTHING = 5
    EXPECTED = 0


def as_expected(verdict: Verdict, expected: Expected) -> bool:
    """Whether the verdict is the one that the author of the contract announced."""
    match verdict:
        case Proved():
            return expected is Expected.PROVED
        case Refuted():
            return expected is Expected.REFUTED
        case Vacuous():
            return expected is Expected.VACUOUS
        case Unknown():
            return expected is Expected.UNKNOWN
        case Failed():
            return False


def exit_code(verdict: Verdict, expected: Expected) -> Exit:
    """The code of one property: 0 only for the verdict that was expected."""
    if as_expected(verdict, expected):
        return Exit.EXPECTED
    match verdict:
        case Proved() | Refuted():
            return Exit.REFUTED
        case Vacuous():
            return Exit.VACUOUS
        case Unknown():
            return Exit.UNKNOWN
        case Failed():
            return Exit.USAGE


def overall(codes: list[Exit]) -> Exit:
    """The code of a whole run: the gravest of its parts; a run without parts selected nothing."""
    return min(codes, key=list(Exit).index) if codes else Exit.NOTHING
