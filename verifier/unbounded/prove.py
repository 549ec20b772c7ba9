"""Prove the obligations of a claim: alone, from facts about every word, or with an inductive invariant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from verifier.unbounded.claim import Claimed, Obligation
from verifier.unbounded.invariant import MAX_MODES, Invariant, Mode, after_step, at_end, invariants, step_formula
from verifier.unbounded.linear import (
    Formula,
    Sort,
    Unsupported,
    at_most,
    conjunction,
    disjunction,
    equal,
    negation,
    substitute,
    variables,
)
from verifier.unbounded.machine import Machine, before, final, in_all
from verifier.unbounded.program import Symbolic
from verifier.unbounded.quotient import Explored
from verifier.unbounded.solve import Solver

_SHRINK_SECONDS = 4.0


@dataclass(frozen=True)
class Proof:
    """Obligations that have no solution: those of `alone` anyway, the others where the invariant holds."""

    alone: tuple[Obligation, ...]
    others: tuple[Obligation, ...] = ()
    invariant: Invariant | None = None


@dataclass(frozen=True)
class Condition:
    """If the proof is right, one of the formulas has no solution; each implies the one before it."""

    what: str
    formulas: tuple[Formula, ...]


def prove(claim: Claimed, deadline: float) -> Proof:
    """The proof, or `Unsupported` with what could not be shown."""
    symbolic, solver = claim.symbolic, Solver(deadline=deadline)
    alone: list[Obligation] = []
    others: list[Obligation] = []
    for one in claim.obligations:
        (others if solver.possible(_alone(symbolic, one)) else alone).append(one)
    if not others:
        return Proof(tuple(alone))
    if not symbolic.machine.registers:
        raise Unsupported(f"not shown: {others[0].what}")
    for found in invariants(symbolic.machine, [one.violated for one in others], solver, deadline):
        needs = [_at_mode(symbolic, one, found, mode) for one in others for mode in found.modes]
        if not any(solver.possible(need.formulas[-1]) for need in needs):
            return Proof(tuple(alone), tuple(others), _shrunk(symbolic, others, found, solver, deadline))
    raise Unsupported(f"no invariant was found that shows: {others[0].what}")


def by_states(claim: Claimed, explored: Explored, deadline: float) -> Proof:
    """The proof that has the states that were found for its invariant, or `Unsupported`."""
    if explored.found is not None or len(explored.states) > MAX_MODES:
        raise Unsupported("no invariant that lists all states")
    modes = tuple(Mode(where, ()) for where in explored.states)
    proof = Proof((), tuple(claim.obligations), Invariant(modes, {at: (t,) for at, t in explored.following.items()}))
    solver = Solver(deadline=deadline)
    for need in conditions(claim.symbolic, proof):
        if solver.possible(need.formulas[-1]):
            raise Unsupported(f"the states alone do not show: {need.what}")
    return proof


# ------------------------------------------------------------------------------------------------ conditions


def conditions(symbolic: Symbolic, proof: Proof) -> Iterator[Condition]:
    """Everything that has no solution if the proof is right: the obligations, and that the invariant is kept."""
    for one in proof.alone:
        here = conjunction([symbolic.domain.at(one.letter), one.violated])
        yield Condition(one.what, (one.violated, here, _alone(symbolic, one)))
    if proof.invariant is None:
        return
    for one in proof.others:
        for mode in proof.invariant.modes:
            yield _at_mode(symbolic, one, proof.invariant, mode)
    yield from kept(symbolic.machine, proof.invariant)


def kept(machine: Machine, found: Invariant) -> Iterator[Condition]:
    """From each mode, each letter leads to one of the modes that follow, whose facts hold there."""
    then = after_step(machine)
    steps = [step_formula(machine, letter) for letter in range(machine.letters)]
    for k, mode in enumerate(found.modes):
        for letter, step in enumerate(steps):
            targets = [found.modes[t] for t in found.following[k, letter]]
            premise = [mode.formula, step]
            outside = [negation(substitute(target.where, then)) for target in targets]
            yield Condition(f"letter {letter} leads from mode {k} to a mode", (conjunction([*premise, *outside]),))
            for target in targets:
                inside = [*premise, substitute(target.where, then)]
                for fact in target.facts:
                    broken = negation(substitute(fact, then))
                    yield Condition(f"letter {letter} keeps: {fact}", (conjunction([*inside, broken]),))


def _alone(symbolic: Symbolic, obligation: Obligation) -> Formula:
    """The obligation's formula with what is known at its position, whatever the registers hold."""
    machine = symbolic.machine
    return conjunction([symbolic.domain.at(obligation.letter), obligation.violated, links(machine, obligation.letter)])


def _at_mode(symbolic: Symbolic, obligation: Obligation, found: Invariant, mode: Mode) -> Condition:
    """The obligation at a position in a mode; of the whole word the more is said the stronger the formula."""
    here = conjunction([mode.formula, obligation.violated])
    if all(v.sort in (Sort.BEFORE, Sort.MEMORY, Sort.FREE) for v in variables(obligation.violated)):
        return Condition(obligation.what, (here,))
    ended = substitute(found.formula, at_end(symbolic.machine))
    return Condition(obligation.what, (here, conjunction([_alone(symbolic, obligation), mode.formula, ended])))


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


# ------------------------------------------------------------------------------------------------ fewer facts


def _shrunk(
    symbolic: Symbolic, obligations: Sequence[Obligation], found: Invariant, solver: Solver, deadline: float
) -> Invariant:
    """The invariant without the facts that neither an obligation nor another fact needs, as far as time allows."""
    try:
        return _Shrinking(symbolic, obligations, found, solver, min(deadline, monotonic() + _SHRINK_SECONDS)).run()
    except _TimeIsOver:
        return found


class _TimeIsOver(Exception):
    pass


@dataclass(eq=False)
class _Shrinking:
    symbolic: Symbolic
    obligations: Sequence[Obligation]
    found: Invariant
    solver: Solver
    until: float
    needed: dict[tuple[int, int], None] = field(default_factory=dict)
    """Facts, by mode and number within the mode."""

    def run(self) -> Invariant:
        """From what the obligations need, back along the steps."""
        machine, modes = self.symbolic.machine, self.found.modes
        then, end = after_step(machine), at_end(machine)
        steps = [step_formula(machine, letter) for letter in range(machine.letters)]
        own = [[((k, n), fact) for n, fact in enumerate(mode.facts)] for k, mode in enumerate(modes)]
        ends = [
            ((k, n), disjunction((negation(substitute(mode.where, end)), substitute(fact, end))))
            for k, mode in enumerate(modes)
            for n, fact in enumerate(mode.facts)
        ]
        ended = disjunction(substitute(mode.where, end) for mode in modes)
        for one in self.obligations:
            known = [_alone(self.symbolic, one), ended]
            for k, mode in enumerate(modes):
                if not self._need([mode.where, one.violated], own[k]):
                    self._need([mode.where, *known], [*own[k], *ends])
        for (k, letter), targets in self.found.following.items():
            outside = [negation(substitute(modes[t].where, then)) for t in targets]
            self._need([modes[k].where, steps[letter], *outside], own[k])
        done = 0
        while done < len(self.needed):
            t, n = list(self.needed)[done]
            done += 1
            broken = [substitute(modes[t].where, then), negation(substitute(modes[t].facts[n], then))]
            for (k, letter), targets in self.found.following.items():
                if t in targets:
                    self._need([modes[k].where, steps[letter], *broken], own[k])
        less = (
            Mode(mode.where, tuple(fact for n, fact in enumerate(mode.facts) if (k, n) in self.needed))
            for k, mode in enumerate(modes)
        )
        return Invariant(tuple(less), self.found.following)

    def _need(self, formulas: Sequence[Formula], facts: Sequence[tuple[tuple[int, int], Formula]]) -> bool:
        """Take up facts that leave no solution of the formulas; false when all of them leave one."""
        if monotonic() > self.until:
            raise _TimeIsOver
        core = self.solver.core(formulas, [fact for _, fact in facts])
        self.needed.update(dict.fromkeys(facts[k][0] for k in core or ()))
        return core is not None
