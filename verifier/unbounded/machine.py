"""Counter machines: registers that a word updates letter by letter.

A register starts at `initial`; reading a letter sets it to the term of the one update whose guard holds. Guards and
terms are over the counts of letters so far and over earlier registers, all as they were before the letter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from verifier.unbounded.linear import (
    FALSE,
    TRUE,
    Formula,
    Linear,
    Place,
    Sort,
    Variable,
    constant,
    equal,
    holds,
    negation,
)

Update: TypeAlias = tuple[tuple[Formula, Linear], ...]
State: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Register:
    """A natural number that the machine keeps; `updates[letter]`; `growing` when it never becomes smaller."""

    meaning: str
    initial: int
    updates: tuple[Update, ...]
    growing: bool


def before(letter: int, place: Place = Place.HERE) -> Linear:
    """How often the letter occurs before the place."""
    return Linear.variable(Variable(Sort.BEFORE, letter, place))


def in_all(letter: int) -> Linear:
    """How often the letter occurs in the whole input."""
    return Linear.variable(Variable(Sort.TOTAL, letter, Place.NONE))


def memory(register: int, place: Place = Place.HERE) -> Linear:
    """A register before the place is read."""
    return Linear.variable(Variable(Sort.MEMORY, register, place))


def final(register: int) -> Linear:
    """A register at the end of the input."""
    return Linear.variable(Variable(Sort.FINAL, register, Place.NONE))


@dataclass(eq=False)
class Machine:
    """The registers that a program and a property need, in the order in which they depend on one another."""

    letters: int
    registers: list[Register] = field(default_factory=list)
    _made: dict[tuple[object, ...], int] = field(default_factory=dict)

    def counter(self, conditions: Sequence[Formula]) -> int:
        """Counts the positions that satisfy the condition of their letter."""
        own = memory(len(self.registers))
        updates = tuple(_cases(one, own.plus(1), own) for one in conditions)
        return self._register(("count", *conditions), "positions counted", 0, updates, growing=True)

    def delay(self, conditions: Sequence[Formula]) -> int:
        """1 if the position before satisfies the condition of its letter, else 0."""
        updates = tuple(_cases(one, constant(1), constant(0)) for one in conditions)
        return self._register(("delay", *conditions), "the position before", 0, updates, growing=False)

    def delayed(self, conditions: Sequence[Formula], distance: int) -> int:
        """The same for the position that is `distance` before."""
        register = self.delay(conditions)
        for _ in range(distance - 1):
            register = self.delay([equal(memory(register).plus(-1))] * self.letters)
        return register

    def custom(self, key: tuple[object, ...], meaning: str, initial: int, updates: Sequence[Update]) -> int:
        """A register with updates of its own."""
        return self._register(key, meaning, initial, tuple(updates), growing=False)

    def _register(
        self, key: tuple[object, ...], meaning: str, initial: int, updates: tuple[Update, ...], growing: bool
    ) -> int:
        if key not in self._made:
            self._made[key] = len(self.registers)
            self.registers.append(Register(meaning, initial, updates, growing))
        return self._made[key]

    def initial(self) -> State:
        """Counts and registers before the first letter."""
        return (0,) * self.letters + tuple(register.initial for register in self.registers)

    def step(self, state: State, letter: int) -> State:
        """Counts and registers after one more letter."""
        numbers = numbering(state, self.letters)
        counts = [count + (which == letter) for which, count in enumerate(state[: self.letters])]
        return (*counts, *(_updated(register.updates[letter], numbers) for register in self.registers))

    def after(self, register: int, letter: int) -> Update:
        """The register after the letter, by cases."""
        return self.registers[register].updates[letter]


def numbering(state: State, letters: int, place: Place = Place.HERE) -> Mapping[Variable, int]:
    """The variables of a place, by value."""
    found = {Variable(Sort.BEFORE, k, place): value for k, value in enumerate(state[:letters])}
    return found | {Variable(Sort.MEMORY, k, place): value for k, value in enumerate(state[letters:])}


def _cases(condition: Formula, then: Linear, otherwise: Linear) -> Update:
    if condition in (TRUE, FALSE):
        return ((TRUE, then if condition == TRUE else otherwise),)
    return ((condition, then), (negation(condition), otherwise))


def _updated(update: Update, numbers: Mapping[Variable, int]) -> int:
    found = [term.value(numbers) for guard, term in update if holds(guard, numbers)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} updates of one register apply")
    return found[0]
