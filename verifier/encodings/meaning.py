"""What terms mean on atoms, on small integers that stand for atoms: computed once per combination, then looked up.

`Codes` numbers the distinct atoms that occur; code 0 stands for failing, 1 and 2 for the truth values. Engines that
work with finite sets of values share the interpreter's own operators through it, so that both number semantics are
exact by construction, and engines differ only in what they do with the results.

An average is a fold from left to right over states, in the interpreter's order of additions:

    nothing selected -> one atom, as it is -> how many, and their sum (partial double sums under IEEE numbers)
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Final, TypeAlias

from spec.graph import View
from spec.operators import Operator, OperatorError, function, operator_key
from spec.values import Atom, Kind, Numbers, agree, atom_key, kind_of
from verifier.question.terms import read_atom

Key: TypeAlias = tuple[object, ...]
Coded: TypeAlias = Callable[..., int]
State: TypeAlias = tuple[int, Atom]

FAILED: Final = 0
FALSE: Final = 1
TRUE: Final = 2
EMPTY: Final = 1
"""The state of a fold before anything is selected; `FAILED` is also the state of a failed fold."""


def sum_step(state: State | None, atom: Atom) -> State | None:
    """The state of an average after one more selected atom; `None` when they have no sum."""
    if state is None:
        return None
    count, total = state
    if count == 0:
        return 1, atom
    if isinstance(total, str) or isinstance(atom, str):
        return None
    try:
        # The interpreter's sums start from the integer 0, which turns a first -0.0 into 0.0.
        return count + 1, (0 + total if count == 1 else total) + atom
    except OverflowError:
        return None


def sum_finish(state: State | None, default: Atom, numbers: Numbers) -> Atom | None:
    """The average that a state stands for; `None` when there is none."""
    if state is None:
        return None
    count, total = state
    if count == 0:
        return default
    if count == 1 or isinstance(total, str):
        return total
    try:
        return Fraction(total) / count if numbers is Numbers.EXACT else total * 1.0 / count
    except OverflowError:
        return None


def mean(selected: Iterable[Atom], default: Atom, numbers: Numbers) -> Atom | None:
    """`Mean` of the selected atoms, in order."""
    state: State | None = (0, 0)
    for atom in selected:
        state = sum_step(state, atom)
    return sum_finish(state, default, numbers)


class Codes:
    """The atoms that occur, numbered; and the meaning of each kind of term on the numbers, memoised."""

    def __init__(self) -> None:
        self._atoms: list[Atom | None] = [None]
        self._codes: dict[tuple[object, ...], int] = {}
        self._operators: dict[Key, Coded] = {}
        self._states: list[State | None] = [None]
        self._state_codes: dict[tuple[object, ...], int] = {}
        assert (self.code(False), self.code(True)) == (FALSE, TRUE)
        assert self._state((0, 0)) == EMPTY

    def __len__(self) -> int:
        """How many codes there are."""
        return len(self._atoms)

    def code(self, atom: Atom) -> int:
        """The number of an atom; equal numbers exactly for atoms that no operator tells apart."""
        key = atom_key(atom)
        found = self._codes.get(key)
        if found is None:
            found = self._codes[key] = len(self._atoms)
            self._atoms.append(atom)
        return found

    def atom(self, code: int) -> Atom:
        """The atom with this number, which must not be `FAILED`."""
        atom = self._atoms[code]
        if atom is None:
            raise ValueError("failing has no atom")
        return atom

    def kind(self, code: int) -> Kind | None:
        """The kind of a value; `None` for failing."""
        atom = self._atoms[code]
        return None if atom is None else kind_of(atom)

    # Each of these gives a function of codes. It is strict: a failed operand fails.

    def operator(self, op: Operator, numbers: Numbers) -> Coded:
        """An operator of the language."""
        return self._strict(("op", *operator_key(op), numbers), lambda: function(op, numbers))

    def reader(self, view: View, numbers: Numbers) -> Coded:
        """A view of an input atom."""
        return self._strict(("read", view, numbers), lambda: lambda atom: read_atom(view, atom, numbers))

    def truth(self) -> Coded:
        """The truth value of a value."""
        return self._strict(("truth",), lambda: bool)

    def kind_test(self, among: frozenset[Kind]) -> Coded:
        """Whether a value is of one of the kinds."""
        return self._strict(("kind", among), lambda: lambda atom: kind_of(atom) in among)

    def agreement(self) -> Coded:
        """`spec.values.agree`."""
        return self._strict(("agree",), lambda: agree)

    def succeeded(self) -> Coded:
        """Whether a value is one; the only function here that is not strict."""
        return lambda code: FALSE if code == FAILED else TRUE

    def sum_step(self) -> Coded:
        """`(state, condition, value) -> state`: one more operand of an average, selected where the condition holds."""
        memo: dict[tuple[int, int], int] = {}
        truth = self.truth()

        def step(state: int, condition: int, value: int) -> int:
            holds = truth(condition)
            if FAILED in (state, holds, value):
                return FAILED
            if holds == FALSE:
                return state
            found = memo.get((state, value))
            if found is None:
                found = memo[state, value] = self._state(sum_step(self._states[state], self.atom(value)))
            return found

        return self._operators.setdefault(("step",), step)

    def sum_finish(self, default: Atom, numbers: Numbers) -> Coded:
        """`state -> value` of an average."""

        def finish(state: int) -> int:
            atom = sum_finish(self._states[state], default, numbers)
            return FAILED if atom is None else self.code(atom)

        return finish

    def _state(self, state: State | None) -> int:
        if state is None:
            return FAILED
        key = (state[0], *atom_key(state[1]))
        found = self._state_codes.get(key)
        if found is None:
            found = self._state_codes[key] = len(self._states)
            self._states.append(state)
        return found

    def _strict(self, key: Key, make: Callable[[], Callable[..., Atom]]) -> Coded:
        found = self._operators.get(key)
        if found is not None:
            return found
        meaning = make()
        memo: dict[tuple[int, ...], int] = {}

        def coded(*codes: int) -> int:
            result = memo.get(codes)
            if result is None:
                result = memo[codes] = self._compute(meaning, codes)
            return result

        self._operators[key] = coded
        return coded

    def _compute(self, meaning: Callable[..., Atom], codes: tuple[int, ...]) -> int:
        if FAILED in codes:
            return FAILED
        try:
            return self.code(meaning(*map(self.atom, codes)))
        except OperatorError:
            return FAILED
