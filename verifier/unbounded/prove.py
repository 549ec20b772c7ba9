"""Prove the obligations of a claim: alone, from facts about every word, or with an inductive invariant."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from verifier.unbounded.claim import Claimed, Obligation
from verifier.unbounded.invariant import after_step, at_end, counterexample, invariant, step_formula
from verifier.unbounded.linear import (
    Formula,
    Unsupported,
    at_most,
    conjunction,
    disjunction,
    equal,
    negation,
    substitute,
)
from verifier.unbounded.machine import Machine, before, final, in_all
from verifier.unbounded.program import Symbolic
from verifier.unbounded.solve import Solver

_SHRINK_SECONDS = 4.0


@dataclass(frozen=True)
class Proof:
    """The obligations, and an inductive invariant with which none of them has a solution."""

    obligations: tuple[Obligation, ...]
    invariant: tuple[Formula, ...]


def prove(claim: Claimed, deadline: float) -> Proof:
    """The proof, or `Unsupported` with what could not be shown."""
    symbolic, solver = claim.symbolic, Solver()
    open_ = [one for one in claim.obligations if solver.possible(facts(symbolic, one, ()))]
    if not open_:
        return Proof(tuple(claim.obligations), ())
    machine = symbolic.machine
    if not machine.registers and not claim.free:
        raise Unsupported(f"not shown: {open_[0].what}")
    found = invariant(machine, [one.violated for one in open_], solver, deadline)
    for one in open_:
        if solver.possible(facts(symbolic, one, found)):
            raise Unsupported(f"no invariant was found that shows: {one.what}")
    return Proof(tuple(claim.obligations), _shrunk(symbolic, open_, found, solver, deadline))


def facts(symbolic: Symbolic, obligation: Obligation, invariants: Sequence[Formula]) -> Formula:
    """The obligation's formula with everything that is known at its position."""
    parts = [symbolic.domain.at(obligation.letter), obligation.violated]
    parts += [links(symbolic.machine, obligation.letter), *invariants]
    parts += [substitute(one, at_end(symbolic.machine)) for one in invariants]
    return conjunction(parts)


def links(machine: Machine, letter: int) -> Formula:
    """The registers at the end are those after the last position, and growing ones are at least those after any."""
    last = conjunction(equal(in_all(k) - before(k).plus(int(k == letter))) for k in range(machine.letters))
    parts: list[Formula] = []
    for k, register in enumerate(machine.registers):
        updates = machine.after(k, letter)
        ended = disjunction(conjunction((guard, equal(final(k) - term))) for guard, term in updates)
        parts.append(disjunction((negation(last), ended)))
        if register.growing:
            parts += [disjunction((negation(guard), at_most(term - final(k)))) for guard, term in updates]
    return conjunction(parts)


def _shrunk(
    symbolic: Symbolic, obligations: Sequence[Obligation], found: tuple[Formula, ...], solver: Solver, deadline: float
) -> tuple[Formula, ...]:
    """A smaller invariant that is enough as well, as far as time allows."""
    until = min(deadline, monotonic() + _SHRINK_SECONDS)

    def enough(kept: Sequence[Formula]) -> bool:
        if counterexample(symbolic.machine, kept, solver) is not None:
            return False
        return not any(solver.possible(facts(symbolic, one, kept)) for one in obligations)

    kept, size = list(found), max(1, len(found) // 2)
    while monotonic() < until:
        start = 0
        while start < len(kept) and monotonic() < until:
            less = kept[:start] + kept[start + size :]
            if enough(less):
                kept = less
            else:
                start += size
        if size == 1:
            break
        size = max(1, size // 2)
    return tuple(kept)


def conditions(symbolic: Symbolic, proof: Proof) -> list[tuple[str, Formula]]:
    """Everything that has no solution if the proof is right: the obligations, and that the invariant is kept."""
    machine = symbolic.machine
    found = [(one.what, facts(symbolic, one, proof.invariant)) for one in proof.obligations]
    for letter in range(machine.letters):
        step = conjunction([*proof.invariant, step_formula(machine, letter)])
        broken = [(one, negation(substitute(one, after_step(machine)))) for one in proof.invariant]
        found += [(f"kept: {one}", conjunction((step, formula))) for one, formula in broken]
    return found
