"""Inductive invariants of a counter machine: guessed from runs, kept if z3 shows that reading a letter keeps them.

An invariant is a set of formulas over the counts and registers at a position (`Place.HERE`), all of which hold before
the first letter, and again after any letter if they held before it. Candidates are what all sampled states satisfy:

    l, l => m               for comparisons l, m that the program, the property or the registers use
    l => e == 0             with e spanning the linear equalities of the sampled states in which l holds
    l => x <= y             for two counts or registers
    the tuples of values    of the registers that take few values

Candidates that a solution refutes are dropped until none is refuted (Houdini); what is left is inductive.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from math import lcm
from random import Random
from time import monotonic
from typing import Final

from verifier.unbounded.linear import (
    FALSE,
    TRUE,
    Compare,
    Formula,
    Linear,
    Place,
    Relation,
    Sort,
    Unsupported,
    Variable,
    at_most,
    comparisons,
    conjunction,
    constant,
    disjunction,
    equal,
    holds,
    negation,
    substitute,
    variables,
)
from verifier.unbounded.machine import Machine, State, before, final, in_all, memory, numbering
from verifier.unbounded.solve import Solver

MAX_STATES: Final = 250
MAX_LITERALS: Final = 48
MAX_CANDIDATES: Final = 6_000
_FEW: Final = 8
_WALKS: Final = 12
_WALK_LENGTH: Final = 24


def invariant(machine: Machine, formulas: Iterable[Formula], solver: Solver, deadline: float) -> tuple[Formula, ...]:
    """The inductive invariant that is left of the candidates; `formulas` is what it is wanted for."""
    samples = [numbering(state, machine.letters) for state in sampled(machine)]
    candidates = list(dict.fromkeys(_candidates(machine, formulas, samples)))[:MAX_CANDIDATES]
    start = numbering(machine.initial(), machine.letters)
    kept = [one for one in candidates if holds(one, start)]
    while True:
        if monotonic() > deadline:
            raise Unsupported("the time for finding an invariant is over")
        broken = counterexample(machine, kept, solver)
        if broken is None:
            return tuple(kept)
        kept = [one for one in kept if holds(one, broken)]


def counterexample(machine: Machine, kept: Sequence[Formula], solver: Solver) -> Mapping[Variable, int] | None:
    """A state in which all hold and a letter after which one does not: the state after it, as HERE."""
    for letter in range(machine.letters):
        model = solver.model([*kept, step_formula(machine, letter), _some_broken(machine, kept)])
        if model is not None:
            return {v._replace(place=Place.HERE): n for v, n in model.items() if v.place is Place.KEY}
    return None


def step_formula(machine: Machine, letter: int) -> Formula:
    """That the letter leads from the state HERE to the state KEY."""
    counts = [equal(before(k, Place.KEY) - before(k).plus(int(k == letter))) for k in range(machine.letters)]
    updates = [
        disjunction(
            conjunction((guard, equal(memory(k, Place.KEY) - term))) for guard, term in machine.after(k, letter)
        )
        for k in range(len(machine.registers))
    ]
    return conjunction([*counts, *updates])


def _some_broken(machine: Machine, kept: Sequence[Formula]) -> Formula:
    return disjunction(negation(substitute(one, after_step(machine))) for one in kept)


def after_step(machine: Machine) -> Mapping[Variable, Linear]:
    """From the state HERE to the state KEY."""
    here = {Variable(Sort.BEFORE, k, Place.HERE): before(k, Place.KEY) for k in range(machine.letters)}
    return here | {Variable(Sort.MEMORY, k, Place.HERE): memory(k, Place.KEY) for k in range(len(machine.registers))}


def at_end(machine: Machine) -> Mapping[Variable, Linear]:
    """From the state HERE to the state at the end of the input."""
    here = {Variable(Sort.BEFORE, k, Place.HERE): in_all(k) for k in range(machine.letters)}
    return here | {Variable(Sort.MEMORY, k, Place.HERE): final(k) for k in range(len(machine.registers))}


def sampled(machine: Machine) -> list[State]:
    """States of all short words, and of some longer ones."""
    states: dict[State, None] = {machine.initial(): None}
    frontier = list(states)
    while frontier and len(states) < MAX_STATES:
        following = []
        for state in frontier:
            for letter in range(machine.letters):
                reached = machine.step(state, letter)
                if reached not in states:
                    states[reached] = None
                    following.append(reached)
        frontier = following
    random = Random(0)
    for _ in range(_WALKS):
        state = machine.initial()
        favourite = random.randrange(machine.letters)
        for _ in range(_WALK_LENGTH):
            letter = favourite if random.random() < 0.5 else random.randrange(machine.letters)
            state = machine.step(state, letter)
            states[state] = None
    return list(states)


# ------------------------------------------------------------------------------------------------ candidates


def _candidates(
    machine: Machine, formulas: Iterable[Formula], samples: Sequence[Mapping[Variable, int]]
) -> Iterator[Formula]:
    literals = _literals(machine, formulas, samples)
    masks = {one: _mask(one, samples) for one in literals}
    everywhere = (1 << len(samples)) - 1
    yield from _tuples(machine, samples)
    partial = {}
    for one, mask in masks.items():
        if mask == everywhere:
            yield one
        elif mask:
            partial[one] = mask
    terms = [before(k) for k in range(machine.letters)] + [memory(k) for k in range(len(machine.registers))]
    for one, mask in [(TRUE, everywhere), *partial.items()]:
        inside = [sample for k, sample in enumerate(samples) if mask >> k & 1]
        for equality in _equalities(terms, inside):
            yield disjunction((negation(one), equal(equality)))
    for one, mask in [(TRUE, everywhere), *partial.items()]:
        for low, high in permutations(terms, 2):
            order = at_most(low - high)
            if all(holds(order, sample) for k, sample in enumerate(samples) if mask >> k & 1):
                yield disjunction((negation(one), order))
    for one, mask in partial.items():
        for other, wider in partial.items():
            if one != other and mask & ~wider == 0:
                yield disjunction((negation(one), other))


def _mask(formula: Formula, samples: Sequence[Mapping[Variable, int]]) -> int:
    return sum(1 << k for k, sample in enumerate(samples) if holds(formula, sample))


def _literals(
    machine: Machine, formulas: Iterable[Formula], samples: Sequence[Mapping[Variable, int]]
) -> list[Formula]:
    """Comparisons about a state alone, with both signs."""
    found: dict[Formula, None] = {}
    for k in range(len(machine.registers)):
        values = sorted({sample[Variable(Sort.MEMORY, k, Place.HERE)] for sample in samples})
        for value in values if len(values) <= _FEW else values[:1]:
            found[equal(memory(k).plus(-value))] = None
    guards = [guard for register in machine.registers for update in register.updates for guard, _ in update]
    used = [one for formula in [*guards, *formulas] for one in comparisons(formula)]
    for one in used:
        # One by one: a comparison of the state here with that at the end becomes trivial.
        at_one_place = substitute(one, _to_here(one))
        if isinstance(at_one_place, Compare) and all(v.place is Place.HERE for v in at_one_place.term.variables):
            found.update(dict.fromkeys(_signs(at_one_place)))
    signed = {sign: None for one in found for sign in (one, negation(one))}
    return [one for one in signed if one not in (TRUE, FALSE)][:MAX_LITERALS]


_SORTS: Final = {Sort.TOTAL: Sort.BEFORE, Sort.FINAL: Sort.MEMORY}


def _to_here(formula: Formula) -> Mapping[Variable, Linear]:
    """From the state at the end of the input to the state HERE."""
    ends = [v for v in variables(formula) if v.sort in _SORTS]
    return {v: Linear.variable(Variable(_SORTS[v.sort], v.number, Place.HERE)) for v in ends}


def _signs(one: Compare) -> list[Formula]:
    if one.relation is Relation.EQUAL:
        return [one, at_most(one.term), at_most(one.term.times(-1))]
    return [one]


def _tuples(machine: Machine, samples: Sequence[Mapping[Variable, int]]) -> Iterator[Formula]:
    few = []
    for k in range(len(machine.registers)):
        variable = Variable(Sort.MEMORY, k, Place.HERE)
        values = {sample[variable] for sample in samples}
        if len(values) <= _FEW:
            few.append(variable)
            yield disjunction(equal(Linear.variable(variable).plus(-value)) for value in sorted(values))
    seen = sorted({tuple(sample[variable] for variable in few) for sample in samples})
    if len(few) > 1 and len(seen) <= 64:
        yield disjunction(
            conjunction(equal(Linear.variable(v).plus(-n)) for v, n in zip(few, values, strict=True)) for values in seen
        )


def _equalities(terms: Sequence[Linear], samples: Sequence[Mapping[Variable, int]]) -> list[Linear]:
    """A basis of the linear equalities that all samples satisfy."""
    few = _common(terms, samples[:: max(1, len(samples) // 40)])
    if all(term.value(sample) == 0 for term in few for sample in samples):
        return few
    return _common(terms, samples)


def _common(terms: Sequence[Linear], samples: Sequence[Mapping[Variable, int]]) -> list[Linear]:
    rows: list[list[Fraction]] = []
    for sample in samples:
        rows = _reduce(rows, [*(Fraction(term.value(sample)) for term in terms), Fraction(1)])
    columns = len(terms) + 1
    pivots = {next(c for c, x in enumerate(row) if x): row for row in rows}
    found = []
    for free in (c for c in range(columns) if c not in pivots):
        solution = [Fraction(int(c == free)) for c in range(columns)]
        for pivot, row in pivots.items():
            solution[pivot] = -row[free]
        scale = lcm(*(x.denominator for x in solution))
        whole = [int(x * scale) for x in solution]
        equality = constant(whole[-1])
        for factor, term in zip(whole, terms, strict=False):
            equality += term.times(factor)
        found.append(equality)
    return found


def _reduce(rows: list[list[Fraction]], row: list[Fraction]) -> list[list[Fraction]]:
    """The reduced echelon form with one more row."""
    for known in rows:
        pivot = next(c for c, x in enumerate(known) if x)
        if row[pivot]:
            row = [x - row[pivot] * y for x, y in zip(row, known, strict=True)]
    pivot_or_none = next((c for c, x in enumerate(row) if x), None)
    if pivot_or_none is None:
        return rows
    lead = row[pivot_or_none]
    row = [x / lead for x in row]
    cleared = [[x - known[pivot_or_none] * y for x, y in zip(known, row, strict=True)] for known in rows]
    return [*cleared, row]
