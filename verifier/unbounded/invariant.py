"""Inductive invariants of a counter machine: guessed from runs mode by mode, kept if z3 shows that letters keep them.

Splits cut the states into modes: what a register holds that takes few values, whether another one is at its start, and,
where that is not enough, whether a count is 0 and on which side of it a comparison of program and property lies.

    where    the part of each split
    facts    what all states of the mode satisfy: their affine hull, comparisons, and x <= y for counts and registers

An invariant says that the state is in one of its modes, whose facts hold. Facts that a step refutes are weakened: the
hull is joined with the new state (Karr), other facts are dropped (Houdini); a new mode is added. What is left is
inductive. Then the facts that nothing needs are left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from random import Random
from time import monotonic
from typing import Final, TypeAlias

from verifier.engine import Reason
from verifier.unbounded.hull import Hull
from verifier.unbounded.linear import (
    FALSE,
    ONE,
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
    disjunction,
    equal,
    holds,
    negation,
    substitute,
    variables,
)
from verifier.unbounded.machine import Machine, State, before, final, in_all, memory, numbering
from verifier.unbounded.solve import Solver

MAX_MODES: Final = 96
MAX_STATES: Final = 400
MAX_COMPARISONS: Final = 24
_FEW: Final = 8
_WALKS: Final = 16
_WALK_LENGTH: Final = 24

Numbers: TypeAlias = Mapping[Variable, int]
Split: TypeAlias = tuple[Formula, ...]
"""Formulas of which exactly one holds in each state."""
Key: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Mode:
    """Some states: those in which `where` holds, and there all `facts`."""

    where: Formula
    facts: tuple[Formula, ...]

    @property
    def formula(self) -> Formula:
        """What is known in this mode."""
        return conjunction([self.where, *self.facts])


@dataclass(frozen=True)
class Invariant:
    """Every state is in one of the modes; from mode m, letter a leads to one of the modes `following[m, a]`."""

    modes: tuple[Mode, ...]
    following: Mapping[tuple[int, int], tuple[int, ...]]

    @property
    def formula(self) -> Formula:
        """What is known of every state."""
        return disjunction(mode.formula for mode in self.modes)


def invariants(machine: Machine, formulas: Iterable[Formula], solver: Solver, deadline: float) -> Iterator[Invariant]:
    """Inductive invariants from coarse to fine; `formulas` is what they are wanted for."""
    samples = [numbering(state, machine.letters) for state in sampled(machine)]
    seen: set[int] = set()
    for splits in _levels(machine, list(formulas), samples):
        search = _Search(machine, solver, deadline, splits)
        keys = len({search.key(sample) for sample in samples})
        if keys > MAX_MODES or (keys in seen and keys == 1):
            continue
        seen.add(keys)
        found = search.run(samples)
        if found is not None:
            yield found


# ------------------------------------------------------------------------------------------------ steps


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


# ------------------------------------------------------------------------------------------------ search


@dataclass(eq=False)
class _Growing:
    """A mode while it is looked for."""

    where: Formula
    hull: Hull
    others: list[Formula]

    @property
    def facts(self) -> list[Formula]:
        return [*map(equal, self.hull.equalities), *self.others]


class _TooManyModes(Exception):
    pass


@dataclass(eq=False)
class _Search:
    machine: Machine
    solver: Solver
    deadline: float
    splits: Sequence[Split]
    modes: dict[Key, _Growing] = field(default_factory=dict)
    following: dict[tuple[Key, int], dict[Key, None]] = field(default_factory=dict)
    waiting: dict[tuple[Key, int], None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare what every step needs."""
        machine = self.machine
        self.terms = [before(k) for k in range(machine.letters)] + [memory(k) for k in range(len(machine.registers))]
        self.steps = [step_formula(machine, letter) for letter in range(machine.letters)]
        self.after = after_step(machine)
        parts = dict.fromkeys(part for split in self.splits for part in split)
        orders = [at_most(low - high) for low, high in permutations(self.terms, 2)]
        self.candidates = [*parts, *(one for one in orders if one not in parts)]

    def key(self, state: Numbers) -> Key:
        """The mode of a state."""
        return tuple(next(k for k, part in enumerate(split) if holds(part, state)) for split in self.splits)

    def run(self, samples: Sequence[Numbers]) -> Invariant | None:
        """The modes of the samples, weakened until steps keep them; `None` when there would be too many."""
        grouped: dict[Key, list[Numbers]] = {}
        for sample in samples:
            grouped.setdefault(self.key(sample), []).append(sample)
        try:
            for key, inside in grouped.items():
                self._add(key, inside)
            while self.waiting:
                (key, letter), _ = self.waiting.popitem()
                self._keep(key, letter)
        except _TooManyModes:
            return None
        keys = list(self.modes)
        number = {key: k for k, key in enumerate(keys)}
        return Invariant(
            tuple(Mode(self.modes[key].where, tuple(self.modes[key].facts)) for key in keys),
            {(number[k], a): tuple(number[t] for t in found) for (k, a), found in self.following.items()},
        )

    def _add(self, key: Key, states: Sequence[Numbers]) -> None:
        if len(self.modes) >= MAX_MODES:
            raise _TooManyModes
        where = conjunction(split[k] for split, k in zip(self.splits, key, strict=True))
        others = [one for one in self.candidates if all(holds(one, state) for state in states)]
        hull = Hull(self.terms)
        for state in states:
            hull.join(state)
        self.modes[key] = _Growing(where, hull, [one for one in others if one not in _parts(where)])
        self._again(key)

    def _again(self, key: Key) -> None:
        self.waiting.update(dict.fromkeys((key, letter) for letter in range(self.machine.letters)))

    def _keep(self, key: Key, letter: int) -> None:
        """Weaken the modes that the letter leads to until the step keeps their facts."""
        targets = self.following.setdefault((key, letter), {})
        while (
            state := self._step(key, letter, [negation(self._then(self.modes[t].where)) for t in targets])
        ) is not None:
            target = self.key(state)
            targets[target] = None
            if target not in self.modes:
                self._add(target, [state])
        for target in targets:
            mode = self.modes[target]
            while facts := mode.facts:
                broken = disjunction(negation(self._then(one)) for one in facts)
                state = self._step(key, letter, [self._then(mode.where), broken])
                if state is None:
                    break
                mode.hull.join(state)
                mode.others = [one for one in mode.others if holds(one, state)]
                self._again(target)

    def _then(self, formula: Formula) -> Formula:
        return substitute(formula, self.after)

    def _step(self, key: Key, letter: int, formulas: Iterable[Formula]) -> Numbers | None:
        """A state after a step from the mode that satisfies the formulas."""
        if monotonic() > self.deadline:
            raise Unsupported("the time for finding an invariant is over", Reason.WALL)
        mode = self.modes[key]
        model = self.solver.model([mode.where, *mode.facts, self.steps[letter], *formulas])
        if model is None:
            return None
        return {v._replace(place=Place.HERE): n for v, n in model.items() if v.place is Place.KEY}


def _parts(formula: Formula) -> Sequence[Formula]:
    return getattr(formula, "args", (formula,))


# ------------------------------------------------------------------------------------------------ splits


def _levels(machine: Machine, formulas: Sequence[Formula], samples: Sequence[Numbers]) -> Iterator[list[Split]]:
    """What to cut the states by, from coarse to fine."""
    registers = [_register_split(memory(k), samples) for k in range(len(machine.registers))]
    guards = [guard for register in machine.registers for update in register.updates for guard, _ in update]
    own, wanted = _compared(guards), _compared(formulas)
    empty = [(equal(before(k)), at_most(ONE - before(k))) for k in range(machine.letters)]
    for more in ([], empty, own, [*own, *wanted], [*own, *wanted, *empty]):
        yield list(dict.fromkeys([*registers, *more[:MAX_COMPARISONS]]))


def _register_split(register: Linear, samples: Sequence[Numbers]) -> Split:
    """The values, if there are few; else whether it has its least value."""
    values = sorted({register.value(sample) for sample in samples})
    parts = [equal(register.plus(-value)) for value in (values if len(values) <= _FEW else values[:1])]
    return (*parts, conjunction(map(negation, parts)))


def _compared(formulas: Iterable[Formula]) -> list[Split]:
    """The sides of every comparison about one state alone."""
    found: dict[Split, None] = {}
    for one in (one for formula in formulas for one in comparisons(formula)):
        # One by one: a comparison of the state here with that at the end becomes trivial.
        here = substitute(one, _to_here(one))
        if isinstance(here, Compare) and all(v.place is Place.HERE for v in here.term.variables):
            found[_sides(here)] = None
    return list(found)


_SORTS: Final = {Sort.TOTAL: Sort.BEFORE, Sort.FINAL: Sort.MEMORY}


def _to_here(formula: Formula) -> Mapping[Variable, Linear]:
    """From the state at the end of the input to the state HERE."""
    ends = [v for v in variables(formula) if v.sort in _SORTS]
    return {v: Linear.variable(Variable(_SORTS[v.sort], v.number, Place.HERE)) for v in ends}


def _sides(one: Compare) -> Split:
    if one.relation is Relation.EQUAL:
        apart = (at_most(one.term.plus(1)), at_most(one.term.times(-1).plus(1)))
        return (one, *(side for side in apart if side != FALSE))
    return (one, negation(one))
