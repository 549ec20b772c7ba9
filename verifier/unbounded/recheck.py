"""Check a proof again, without trust in what found it.

runs          on every short word and some long ones, each s-op has exactly one case, with the interpreter's value; no
              obligation is violated, the invariant holds, and the property holds as `spec.property.evaluate` sees it
conditions    everything that z3 said has no solution has none by `verifier.unbounded.refute`, which is no solver;
              where that runs out of its budget, by z3 with another arithmetic
start         the invariant holds before the first letter
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf
from random import Random
from time import monotonic
from typing import Final

from spec.diagnostics import InternalError
from spec.interp import Interpreter, Run, read_token
from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker, Status
from spec.property.scope import Integers, Scope
from spec.values import Atom, Numbers, atom_key
from verifier.engine import Reason
from verifier.unbounded.claim import Claimed
from verifier.unbounded.counting import first_letter
from verifier.unbounded.linear import Formula, Place, Sort, Unsupported, Variable, holds, variables
from verifier.unbounded.machine import State, numbering
from verifier.unbounded.pieces import Cell, Known, Nothing, Number, Value
from verifier.unbounded.program import Symbolic
from verifier.unbounded.prove import Condition, Proof, conditions
from verifier.unbounded.refute import refuted
from verifier.unbounded.solve import Solver

MAX_RUNS: Final = 600
MAX_LENGTH: Final = 6
MAX_EVALUATED: Final = 2_000
LONG: Final = (8, 12, 16, 20, 24)
"""The lengths of longer words, a few of each: a case that is wrong from some count on is right on every short one."""


@dataclass(frozen=True)
class Rechecked:
    """What was checked: all words up to which length, how many longer ones, and how many conditions in which way."""

    words: int
    longest: int
    longer: int
    eliminated: int
    solved: int

    @property
    def by(self) -> tuple[str, ...]:
        """What checked, in words."""
        found = [f"the interpreter, {self.words} runs up to n = {self.longest} and {self.longer} up to n = {LONG[-1]}"]
        if self.eliminated:
            found.append(f"Fourier-Motzkin elimination, {self.eliminated} conditions")
        if self.solved:
            found.append(f"z3 with another arithmetic, {self.solved} conditions")
        return tuple(found)


def recheck(bound: BoundProperty, claim: Claimed, proof: Proof, deadline: float) -> Rechecked:
    """Raises `InternalError` when something is wrong, `Unsupported` when it cannot be checked in time."""
    symbolic = claim.symbolic
    start = numbering(symbolic.machine.initial(), symbolic.machine.letters)
    if proof.invariant is not None and not holds(proof.invariant.formula, start):
        raise InternalError("an invariant does not hold before the first letter")
    words, longer = list(_words(bound.property.scope)), list(_long_words(bound.property.scope))
    runner = _Runner(bound, claim, proof)
    for word in (*words, *longer):
        _in_time(deadline)
        runner.check(word)
    needs = [Condition("a case that does not occur", (formula,)) for formula in symbolic.domain.solver.excluded]
    eliminated, left = 0, list[Condition]()
    for need in (*needs, *conditions(symbolic, proof)):
        if monotonic() < deadline and any(map(refuted, need.formulas)):
            eliminated += 1
        else:
            left.append(need)
    other = Solver(configuration={"arith.solver": 2})
    for need in left:
        _in_time(deadline)
        if other.possible(need.formulas[-1]):
            raise InternalError(f"two ways of solving linear arithmetic disagree: {need.what}")
    return Rechecked(len(words), max(map(len, words)), len(longer), eliminated, len(left))


def _in_time(deadline: float) -> None:
    if monotonic() > deadline:
        raise Unsupported("the time for checking the proof again is over", Reason.WALL)


def evaluated(bound: BoundProperty, complete: int, deadline: float) -> tuple[str, ...]:
    """Evaluate every input up to the length that is complete, if these are few; what was checked, in words.

    Nothing of the proof is used but the length: `InternalError` when an input violates the property.
    """
    checker, number = Checker(bound), 0
    for word in all_inputs(bound.property.scope, complete):
        if monotonic() > deadline:
            return ()
        if checker.check(word).status is Status.FAILS:
            raise InternalError(f"`{bound.property.name}` was proved for all lengths, but {word!r} violates it")
        number += 1
    return () if number == 0 else (f"the interpreter, all {number} inputs up to n = {complete}, which is complete",)


def all_inputs(scope: Scope, longest: int) -> Iterator[tuple[Atom, ...]]:
    """Every input up to this length; none where these are many."""
    lengths = range(scope.low, longest + 1)
    if sum(scope.count(length) or inf for length in lengths) <= MAX_EVALUATED:
        for length in lengths:
            yield from scope.inputs(length)


def _words(scope: Scope) -> Iterator[tuple[Atom, ...]]:
    """All words of each length, as long as there are not too many."""
    symbols, spent = _symbols(scope), 0
    for length in range(scope.low, max(MAX_LENGTH, scope.low + 1) + 1):
        spent += len(symbols) ** length
        if spent > MAX_RUNS and length > scope.low:
            return
        yield from product(symbols, repeat=length)


def _long_words(scope: Scope) -> Iterator[tuple[Atom, ...]]:
    """Of each length one drawn letter by letter, a power of a word of two letters, and one that differs in a letter."""
    symbols, draw = _symbols(scope), Random(0)
    for length in LONG:
        if length >= scope.low:
            yield tuple(draw.choices(symbols, k=length))
            power = [*draw.choices(symbols, k=2)] * (length // 2)
            yield tuple(power)
            power[draw.randrange(length)] = draw.choice(symbols)
            yield tuple(power)


def _symbols(scope: Scope) -> Sequence[Atom]:
    """The letters of the words that are tried: two of them where tokens are not told apart."""
    if not isinstance(scope.alphabet, Integers):
        return scope.alphabet
    low, high = scope.alphabet.low, scope.alphabet.high
    first = low if low is not None else 0 if high is None else high - 2
    return [first, *([first + 1] if high is None or first + 1 <= high else [])]


class _Runner:
    def __init__(self, bound: BoundProperty, claim: Claimed, proof: Proof) -> None:
        self.bound, self.claim, self.proof = bound, claim, proof
        self.checker = Checker(bound)
        self.interpreter = Interpreter(tuple(claim.symbolic.values), Numbers.EXACT)

    def check(self, word: tuple[Atom, ...]) -> None:
        """The run of one word, position by position."""
        symbolic = self.claim.symbolic
        states, letters = states_of(symbolic, word)
        if self.checker.check(word).status is Status.FAILS:
            raise InternalError(f"`{self.bound.property.name}` was proved for all lengths, but {word!r} violates it")
        given = self.checker.preconditions(word) is None
        run = self.interpreter.run(word) if given or not self.bound.property.requires else None
        whole = whole_word(symbolic, states[-1], letters[0])
        for position, letter in enumerate(letters):
            numbers = {**numbering(states[position], symbolic.machine.letters), **whole}
            if run is not None:
                self._values(run, position, letter, numbers)
            self._formulas(letter, numbers, len(word))
        known = self.proof.invariant
        if known is not None and not all(
            holds(known.formula, numbering(state, symbolic.machine.letters)) for state in states
        ):
            raise InternalError(f"an invariant does not hold on {word!r}")

    def _values(self, run: Run, position: int, letter: int, numbers: Mapping[Variable, int]) -> None:
        for sop, per_letter in self.claim.symbolic.values.items():
            found = [value for guard, value in per_letter[letter] if holds(guard, numbers)]
            if len(found) != 1 or not stands_for(found[0], run.values[sop][position], run.tokens, numbers):
                raise InternalError(f"node {sop.id} at {position} of {run.tokens!r} is not {found!r}")

    def _formulas(self, letter: int, numbers: Mapping[Variable, int], length: int) -> None:
        for obligation in (*self.proof.alone, *self.proof.others):
            if obligation.letter != letter:
                continue
            free = sorted(_free(obligation.violated), key=str)
            for values in product(range(length), repeat=len(free)):
                if holds(obligation.violated, {**numbers, **dict(zip(free, values, strict=True))}):
                    raise InternalError(f"an obligation is violated: {obligation.what}")


def _free(formula: Formula) -> Iterable[Variable]:
    return (v for v in variables(formula) if v.sort is Sort.FREE)


def states_of(symbolic: Symbolic, word: Sequence[Atom]) -> tuple[list[State], list[int]]:
    """The state before each letter and after the last, and the letters by number."""
    letters = [0 if symbolic.symbols is None else _letter(symbolic.symbols, atom) for atom in word]
    states = [symbolic.machine.initial()]
    for letter in letters:
        states.append(symbolic.machine.step(states[-1], letter))
    return states, letters


def _letter(symbols: Sequence[Atom], atom: Atom) -> int:
    return next(k for k, symbol in enumerate(symbols) if atom_key(symbol) == atom_key(atom))


def whole_word(symbolic: Symbolic, last: State, first: int) -> Mapping[Variable, int]:
    """The variables about the whole word, by value."""
    letters = symbolic.machine.letters
    found = {Variable(Sort.TOTAL, k, Place.NONE): value for k, value in enumerate(last[:letters])}
    found |= {Variable(Sort.FINAL, k, Place.NONE): value for k, value in enumerate(last[letters:])}
    marks = {v for k in range(letters) for v in first_letter(k, letters).variables}
    return found | {v: int(v.number == first) for v in marks}


def stands_for(value: Value, atom: Atom, tokens: Sequence[Atom], numbers: Mapping[Variable, int]) -> bool:
    """Whether the value stands for the atom."""
    match value:
        case Known(atom=found):
            return found == atom and isinstance(found, bool) is isinstance(atom, bool)
        case Number(top=top, bottom=bottom):
            return not isinstance(atom, str) and Fraction(top.value(numbers), bottom.value(numbers)) == atom
        case Cell(view=view, at=at):
            return read_token(view, tokens[at.value(numbers)], Numbers.EXACT) == atom
        case Nothing():
            return False
