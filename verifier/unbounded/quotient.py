"""The states that a claim can tell apart, where these are finitely many: the product of program, property and language.

A claim sees the state of the machine through comparisons: linear terms against constants, and remainders. Two values
of a term that are greater than every such constant, with the same remainder, make no difference now; and none later, if
what the term becomes after each letter is seen no more finely. So a value above `high` is replaced by the first one
above it with its remainder, one below `low` by the first below. If the tuples of what is left are finitely many, all of
them are found breadth first, each by a shortest word.

A question is about a state, the letter that is read there, and perhaps the state at the end of the word. Its answer is
the same on every word that takes the same step, so that the words that take each step first decide it for all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import inf, lcm, prod
from time import monotonic
from typing import Final, TypeAlias, assert_never

from spec.diagnostics import InternalError
from verifier.engine import Reason
from verifier.unbounded.claim import Obligation
from verifier.unbounded.linear import (
    FALSE,
    TRUE,
    Compare,
    Formula,
    Linear,
    Many,
    Not,
    Place,
    Relation,
    Sort,
    Truth,
    Unsupported,
    Variable,
    at_most,
    conjunction,
    constant,
    divisible,
    equal,
    substitute,
    total,
    transform,
    variables,
)
from verifier.unbounded.machine import Machine, Update, before, numbering

MAX_STATES: Final = 4_000
MAX_PAIRS: Final = 200_000
"""So many pairs of a step and an end of the word are looked at."""
MAX_TERMS: Final = 120
MAX_CASES: Final = 200
MAX_MODULUS: Final = 720
MAX_REFINEMENTS: Final = 64
"""A term that has to be seen more finely so often is not bounded at all."""

Word: TypeAlias = tuple[int, ...]
"""Letters, by number."""
State: TypeAlias = tuple[int, ...]
"""A value for each term, and the number of the first letter and one, or 0."""
Test: TypeAlias = Callable[[State, State], bool]
_HERE: Final = {Sort.TOTAL: Sort.BEFORE, Sort.FINAL: Sort.MEMORY}


@dataclass(frozen=True)
class Question:
    """A condition at a position with this letter; `last` says that only the last position of a word is meant."""

    letter: int
    condition: Formula
    last: bool


@dataclass(frozen=True)
class Explored:
    """All states: a formula for each, and where each letter leads from it.

    `deepest` letters lead to the state that needs most. Words with up to `complete` letters take every step. `found` is
    a shortest word on which the answer to a question is yes, `None` if there is none.
    """

    states: tuple[Formula, ...]
    following: dict[tuple[int, int], int]
    deepest: int
    complete: int
    found: Word | None


def questions(obligations: Iterable[Obligation]) -> Iterator[Question]:
    """Whether obligations are violated."""
    for one in obligations:
        condition = one.violated if one.at_end is None else one.at_end
        yield Question(one.letter, condition, one.at_end is not None)


def explore(machine: Machine, questions: Iterable[Question], low: int, deadline: float) -> Explored:
    """Ask about every word of at least `low` letters; `Unsupported` where the states are too many to list."""
    quotient = _Quotient(machine, low)
    asked = [quotient.asked(question) for question in questions]
    quotient.close()
    return _Search(quotient, deadline).run(asked)


# ------------------------------------------------------------------------------------------------ terms


@dataclass(eq=False)
class _Term:
    """A linear term without a constant, and how finely it is seen: not at all against constants while low > high."""

    linear: Linear
    low: float = inf
    high: float = -inf
    modulus: int = 1
    refined: int = 0

    def refine(self, low: float, high: float, modulus: int) -> bool:
        """See values from low to high, and remainders, at least; whether that is more than before."""
        known = (self.low, self.high, self.modulus)
        self.low, self.high = min(self.low, self._floor(low)), max(self.high, high)
        self.modulus = lcm(self.modulus, modulus)
        if self.modulus > MAX_MODULUS:
            raise Unsupported("remainders of large numbers")
        if known == (self.low, self.high, self.modulus):
            return False
        self.refined += 1
        if self.refined > MAX_REFINEMENTS:
            self.low = self._floor(-inf) if self.low < known[0] else self.low
            self.high = inf if self.high > known[1] else self.high
        return True

    def _floor(self, low: float) -> float:
        """Sums of natural numbers are never negative."""
        return max(low, 0) if all(factor > 0 for _, factor in self.linear.terms) else low

    def standing(self, value: int) -> int:
        """The value that stands for it."""
        if self.low > self.high:
            return value % self.modulus
        if value > self.high:
            first = int(self.high) + 1
            return first + (value - first) % self.modulus
        if value < self.low:
            last = int(self.low) - 1
            return last - (last - value) % self.modulus
        return value

    def formula(self, value: int) -> Formula:
        """That this value stands for that of the term."""
        same = divisible(self.linear.plus(-value), self.modulus)
        if self.low > self.high:
            return same
        if value > self.high:
            return conjunction([at_most(constant(int(self.high) + 1) - self.linear), same])
        if value < self.low:
            return conjunction([at_most(self.linear.plus(1 - int(self.low))), same])
        return equal(self.linear.plus(-value))


@dataclass(frozen=True)
class _Read:
    """A linear term by way of one that is seen: `sign` times it, and a constant; without one, the constant."""

    index: int | None
    sign: int
    constant: int

    def value(self, state: State) -> int:
        return self.constant if self.index is None else self.sign * state[self.index] + self.constant


@dataclass(eq=False)
class _Quotient:
    """The terms that matter, how finely, and what each becomes after a letter."""

    machine: Machine
    low: int
    terms: list[_Term] = field(default_factory=list)
    updates: list[list[list[tuple[Test, _Read]]]] = field(default_factory=list)
    first_matters: bool = False
    _numbers: dict[Linear, int] = field(default_factory=dict)

    def asked(self, question: Question) -> "_Asked":
        """The question as a test of states; what it compares is seen from now on."""
        letter, letters = question.letter, range(self.machine.letters)
        condition = transform(question.condition, lambda one: _of_words(one, letter))
        self.first_matters |= any(v.sort is Sort.FIRST for v in variables(condition))
        missing = constant(self.low) - total(map(before, letters))
        if question.last:  # what the word has of a letter was there before, or is here
            counts = {Variable(Sort.TOTAL, k, Place.NONE): before(k).plus(int(k == letter)) for k in letters}
            condition = conjunction([substitute(condition, counts), at_most(missing.plus(-1))])
        elif any(v.sort in _HERE for v in variables(condition)):
            return _Asked(letter, self.test(condition), self.test(at_most(missing)))
        return _Asked(letter, self.test(condition), None)

    def close(self) -> None:
        """See what terms become after each letter, and see it finely enough."""
        edges: list[tuple[int, _Read]] = []
        while len(self.updates) < len(self.terms):
            number = len(self.updates)
            linear = self.terms[number].linear
            self.updates.append([list(self._after(linear, letter)) for letter in range(self.machine.letters)])
            edges += [(number, read) for cases in self.updates[-1] for _, read in cases if read.index is not None]
        changed = True
        while changed:
            changed = False
            for number, read in edges:
                term = self.terms[number]
                low, high = (read.sign * (bound - read.constant) for bound in (term.low, term.high))
                low, high = (low, high) if read.sign > 0 else (high, low)
                assert read.index is not None, "the others have been left out"
                changed |= self.terms[read.index].refine(low, high, term.modulus)

    def _after(self, linear: Linear, letter: int) -> Iterator[tuple[Test, _Read]]:
        """What the term is after the letter, by cases."""
        parts: list[Update] = []
        for variable, factor in linear.terms:
            if variable.sort is Sort.MEMORY:
                cases = self.machine.after(variable.number, letter)
                parts.append(tuple((guard, then.times(factor)) for guard, then in cases))
            else:
                more = Linear.variable(variable).plus(int(variable.number == letter))
                parts.append(((Truth(value=True), more.times(factor)),))
        if prod(map(len, parts)) > MAX_CASES:
            raise Unsupported("a register with many cases")
        for chosen in product(*parts):
            guard = conjunction(one for one, _ in chosen)
            if guard != Truth(value=False):
                yield self.test(guard), self._read(total(then for _, then in chosen))

    def _read(self, linear: Linear) -> _Read:
        """The term by way of one that is seen."""
        if not linear.terms:
            return _Read(None, 1, linear.constant)
        if any(v.place is not Place.HERE for v in linear.variables):
            raise Unsupported("a position that is neither this one nor the last")
        sign = 1 if linear.terms[0][1] > 0 else -1
        bare = Linear(linear.terms).times(sign)
        if bare not in self._numbers:
            if len(self.terms) >= MAX_TERMS:
                raise Unsupported("many terms that are compared")
            self._numbers[bare] = len(self.terms)
            self.terms.append(_Term(bare))
        return _Read(self._numbers[bare], sign, linear.constant)

    # -------------------------------------------------------------------------------------------- tests

    def test(self, formula: Formula) -> Test:
        """The formula, about a state here and one at the end; what it compares is seen from now on."""
        match formula:
            case Truth(value=value):
                return lambda _here, _end: value
            case Compare():
                return self._comparison(formula)
            case Not(arg=arg):
                inner = self.test(arg)
                return lambda here, end: not inner(here, end)
            case Many(every=every, args=args):
                parts = [self.test(arg) for arg in args]
                if every:
                    return lambda here, end: all(part(here, end) for part in parts)
                return lambda here, end: any(part(here, end) for part in parts)
        assert_never(formula)

    def _comparison(self, one: Compare) -> Test:
        sorts = {v.sort for v in one.term.variables}
        if Sort.FIRST in sorts:
            if sorts != {Sort.FIRST}:
                raise Unsupported("the first letter beside a count")
            return lambda _here, end: _compared(one, _first(one.term, end[-1]))
        at_end = bool(sorts & set(_HERE))
        if at_end and not sorts <= set(_HERE):
            raise Unsupported("the state at the end compared with that at a position")
        here = {v: Linear.variable(Variable(_HERE[v.sort], v.number, Place.HERE)) for v in one.term.variables if at_end}
        read = self._read(one.term.substitute(here))
        if read.index is not None:
            at = -read.sign * read.constant
            if one.relation is Relation.AT_MOST and read.sign < 0:
                at -= 1  # the last value that is too small
            low, high = (inf, -inf) if one.relation is Relation.DIVISIBLE else (at, at)
            self.terms[read.index].refine(low, high, max(1, one.modulus))
        if at_end:
            return lambda _here, end: _compared(one, read.value(end))
        return lambda here, _end: _compared(one, read.value(here))


@dataclass(frozen=True)
class _Asked:
    """A question about a state, and the one at the end; `ends` says which states may be that, `None` if any will do."""

    letter: int
    test: Test
    ends: Test | None


def _of_words(one: Compare, letter: int) -> Formula:
    """A comparison, decided if it only says that a letter occurs in the word at least as often as up to this one."""
    found: dict[int, int] = {}
    for variable, factor in one.term.terms:
        if variable.sort not in (Sort.BEFORE, Sort.TOTAL) or (variable.place is Place.KEY):
            return one
        sign = 1 if variable.sort is Sort.BEFORE else -1
        if found.setdefault(variable.number, sign * factor) != sign * factor:
            return one
    pairs = len(one.term.terms) == 2 * len(found)
    here = found.get(letter, 0)
    if one.relation is Relation.AT_MOST and pairs:
        if min(found.values()) >= 0 and one.term.constant <= here:
            return TRUE
        if max(found.values()) <= 0 and one.term.constant > here:
            return FALSE
    return one


def _compared(one: Compare, value: int) -> bool:
    match one.relation:
        case Relation.AT_MOST:
            return value <= 0
        case Relation.EQUAL:
            return value == 0
        case Relation.DIVISIBLE:
            return value % one.modulus == 0
    assert_never(one.relation)


def _first(linear: Linear, first: int) -> int:
    """The value of a term about the first letter, given its number and one."""
    return linear.constant + sum(factor for v, factor in linear.terms if v.number == first - 1)


# ------------------------------------------------------------------------------------------------ states


@dataclass(eq=False)
class _Search:
    """The states in the order in which they are found, the number of letters to each, and how it was reached."""

    quotient: _Quotient
    deadline: float
    states: dict[State, int] = field(default_factory=dict)
    depths: list[int] = field(default_factory=list)
    reached: list[tuple[int, int]] = field(default_factory=list)
    following: dict[tuple[int, int], int] = field(default_factory=dict)

    def run(self, asked: Sequence[_Asked]) -> Explored:
        """All states, then all questions at each of their steps."""
        quotient, letters = self.quotient, range(self.quotient.machine.letters)
        numbers = numbering(quotient.machine.initial(), len(letters))
        begin = [term.standing(term.linear.value(numbers)) for term in quotient.terms]
        self._add((*begin, 0), 0, (-1, -1))
        listed = list(self.states)
        number = 0
        while number < len(listed):
            for letter in letters:
                then = self._step(listed[number], letter)
                if then not in self.states:
                    self._add(then, self.depths[number] + 1, (number, letter))
                    listed.append(then)
                self.following[number, letter] = self.states[then]
            number += 1
        deepest = max(self.depths)
        complete, found = max(deepest + 1, quotient.low), list[Word]()
        for one in asked:
            complete = max(complete, self._ask(one, listed, found))
        shortest = min(found, key=len) if found else None
        formulas = tuple(
            conjunction(term.formula(value) for term, value in zip(quotient.terms, state, strict=False))
            for state in listed
        )
        return Explored(formulas, self.following, deepest, complete, shortest)

    def _add(self, state: State, depth: int, reached: tuple[int, int]) -> None:
        if len(self.states) >= MAX_STATES:
            raise Unsupported(f"more than {MAX_STATES} states that make a difference")
        if len(self.states) % 64 == 0 and monotonic() > self.deadline:
            raise Unsupported("the time for finding all states is over", Reason.WALL)
        self.states[state] = len(self.states)
        self.depths.append(depth)
        self.reached.append(reached)

    def _step(self, state: State, letter: int) -> State:
        values = []
        for term, updates in zip(self.quotient.terms, self.quotient.updates, strict=True):
            read = next((read for holds, read in updates[letter] if holds(state, state)), None)
            if read is None:
                raise InternalError(f"no case of {term.linear} after letter {letter}")
            values.append(term.standing(read.value(state)))
        first = (state[-1] or letter + 1) if self.quotient.first_matters else 0
        return (*values, first)

    def _ask(self, one: _Asked, listed: Sequence[State], found: list[Word]) -> int:
        """Ask a question at every step with its letter, into `found`; how many letters words need for all its ends."""
        furthest = 0
        if one.ends is None:
            for number, state in enumerate(listed):
                if one.test(state, listed[self.following[number, one.letter]]):
                    word = (*self._word(number), one.letter)
                    found.append(word + (0,) * (self.quotient.low - len(word)))
            return furthest
        if len(listed) ** 2 > MAX_PAIRS:
            raise Unsupported("many states that make a difference, in pairs")
        for number, state in enumerate(listed):
            for end, rest in self._onwards(self.following[number, one.letter]).items():
                if one.ends(listed[end], listed[end]):
                    furthest = max(furthest, self.depths[number] + 1 + len(rest))
                    if one.test(state, listed[end]):
                        found.append((*self._word(number), one.letter, *rest))
        return furthest

    def _onwards(self, number: int) -> dict[int, Word]:
        """Every state that can be reached from this one, with a shortest word that leads there."""
        if monotonic() > self.deadline:
            raise Unsupported("the time for finding all states is over", Reason.WALL)
        found: dict[int, Word] = {number: ()}
        order = [number]
        for at in order:
            for letter in range(self.quotient.machine.letters):
                then = self.following[at, letter]
                if then not in found:
                    found[then] = (*found[at], letter)
                    order.append(then)
        return found

    def _word(self, number: int) -> Word:
        word: list[int] = []
        while self.depths[number]:
            number, letter = self.reached[number]
            word.append(letter)
        return tuple(reversed(word))
