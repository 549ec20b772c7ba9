"""A property of inputs of every length: a proof with its evidence, a counterexample, or why there is neither."""

from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from spec.diagnostics import InternalError
from spec.property.bound import BoundProperty
from spec.values import Numbers
from verifier.engine import Reason, Word
from verifier.unbounded.claim import Claimed, any_letters, claimed, listed_letters, required
from verifier.unbounded.linear import Unsupported
from verifier.unbounded.program import Symbolic
from verifier.unbounded.prove import Proof, by_states, prove
from verifier.unbounded.quotient import Explored, Question, explore, questions
from verifier.unbounded.recheck import evaluated, recheck
from verifier.verdict import EveryLength, Proved, States, Unknown

_SHARE: Final = 0.6
"""The part of the time that finding a proof may take; the rest is for checking it again."""
_FOR_STATES: Final = 0.1
"""The part of the time in which states are listed, and, once more, in which they are shown to be an invariant."""


@dataclass(frozen=True)
class Suspect:
    """An input on which the states say that the property fails; nothing is known before it has been replayed."""

    word: Word


def all_lengths(bound: BoundProperty, wall_s: float) -> Proved | Unknown | Suspect:
    """Try to prove the property for all lengths: for any alphabet first, then for the one that is listed."""
    if bound.property.scope.numbers is not Numbers.EXACT:
        return Unknown(
            Reason.UNSUPPORTED, "for all lengths, numbers are exact: doubles are rounded from some length on"
        )
    reasons: list[Unsupported] = []
    begin = monotonic()
    for build in (any_letters, listed_letters):
        try:
            return _attempt(bound, build(bound), begin, wall_s)
        except Unsupported as reason:
            reasons.append(reason)
    return Unknown(_reason(reasons), "for all lengths: " + "; ".join(dict.fromkeys(map(str, reasons))))


def _attempt(bound: BoundProperty, symbolic: Symbolic, begin: float, wall_s: float) -> Proved | Suspect:
    """The proof, checked again, or an input that violates the property; otherwise `Unsupported`."""
    symbolic.domain.solver.deadline = begin + _SHARE * wall_s
    claim = claimed(bound, symbolic)
    explored = _explored(claim, bound.property.scope.low, monotonic() + _FOR_STATES * wall_s)
    if explored is not None and explored.found is not None:
        return Suspect(_word(symbolic, explored.found))
    proof = _proof(claim, explored, begin, wall_s)
    checked = recheck(bound, claim, proof, begin + wall_s).by
    # Where nothing is told apart, the two sides of the claim are the same formula, and there is nothing to say.
    states = None if explored is None or len(explored.states) == 1 else _states(explored)
    if states is not None:
        checked += evaluated(bound, states.complete, begin + wall_s)
    modes = () if proof.invariant is None else tuple(str(mode.formula) for mode in proof.invariant.modes)
    obligations = len(proof.alone) + len(proof.others)
    return Proved(bound.property.scope, every=EveryLength(_method(symbolic), modes, obligations, checked, states))


def _reason(reasons: Iterable[Unsupported]) -> Reason:
    """Why there is no proof: if more time or memory might have given one, that."""
    found = [reason.reason for reason in reasons]
    return min(found, key=[Reason.WALL, Reason.MEMORY, Reason.SOLVER, Reason.UNSUPPORTED].index)


def _explored(claim: Claimed, low: int, deadline: float) -> Explored | None:
    """The states, where they are finitely many and found in time."""
    if claim.symbolic.symbols is None or not claim.obligations:
        return None
    try:
        return explore(claim.symbolic.machine, questions(claim.obligations), low, deadline)
    except Unsupported:
        return None


def _word(symbolic: Symbolic, letters: Iterable[int]) -> Word:
    if symbolic.symbols is None:
        raise InternalError("states are of listed letters")
    return tuple(symbolic.symbols[letter] for letter in letters)


def _proof(claim: Claimed, explored: Explored | None, begin: float, wall_s: float) -> Proof:
    """With an invariant that was guessed, as a few facts are more readable; else with the list of states."""
    try:
        return prove(claim, begin + _SHARE * wall_s)
    except Unsupported:
        if explored is None:
            raise
        return by_states(claim, explored, max(monotonic(), begin + _SHARE * wall_s) + _FOR_STATES * wall_s)


def complete(bound: BoundProperty, wall_s: float) -> States | None:
    """The states that a claim can tell apart, where a scope with an end reaches all: longer inputs show nothing new.

    `None` where it does not, or where that was not found out in time. It is said of a claim that holds in the scope.
    """
    scope = bound.property.scope
    if scope.high is None or scope.numbers is not Numbers.EXACT:
        return None
    deadline = monotonic() + wall_s
    try:
        symbolic = listed_letters(bound)
        symbolic.domain.solver.deadline = deadline
        explored = _explored(claimed(bound, symbolic), scope.low, deadline)
    except Unsupported:
        return None
    if explored is None or explored.found is not None or len(explored.states) == 1 or explored.complete > scope.high:
        return None
    return _states(explored)


def _states(explored: Explored) -> States:
    """How many states there are, and when all have been seen."""
    return States(len(explored.states), explored.deepest, explored.complete)


def _method(symbolic: Symbolic) -> str:
    if symbolic.symbols is None:
        return "positions as linear terms, for any alphabet"
    registers = len(symbolic.machine.registers)
    if not registers:
        return "linear arithmetic over letter counts"
    return f"linear arithmetic over letter counts and a machine with {registers} registers"


# ------------------------------------------------------------------------------------------------ preconditions


def satisfying(bound: BoundProperty, wall_s: float) -> Word | States | None:
    """An input that satisfies the preconditions, or the states that show that none of any length does.

    `None` where neither was found. Nothing is known of the input before it has been replayed.
    """
    if bound.property.scope.numbers is not Numbers.EXACT:
        return None
    deadline = monotonic() + wall_s
    try:
        symbolic = listed_letters(bound)
        symbolic.domain.solver.deadline = deadline
        claim = required(bound, symbolic)
        if symbolic.failures or claim.obligations:
            return None  # what is said of the values is right only where nothing fails
        given = [Question(letter, one, last=True) for letter, one in enumerate(claim.given)]
        explored = explore(symbolic.machine, given, bound.property.scope.low, deadline)
    except Unsupported:
        return None
    return _states(explored) if explored.found is None else _word(symbolic, explored.found)
