"""Terms as guarded values: the propositional circuit of a query, whatever decides it in the end.

An average is a fold over positions on states (how many, their sum); see `verifier.encodings.meaning`. Where every
position has the same two options and the order of additions does not matter, only a count is left of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, assert_never

from spec.operators import Op
from spec.values import Atom, Kind, Numbers
from verifier.encodings.gates import FALSE, Gates, Literal, TooManyGates
from verifier.encodings.guarded import Guarded, Source, TooManyValues, Values
from verifier.encodings.meaning import EMPTY, FAILED, Coded, Codes, mean
from verifier.encodings.words import MAX_SYMBOLS, few_symbols
from verifier.engine import Limits, Query, Reason, Undecided
from verifier.question.terms import (
    Agree,
    Apply,
    Choose,
    Count,
    Failure,
    HasKind,
    Input,
    Mean,
    Ok,
    Read,
    Term,
    operands,
    topological,
)
from verifier.question.terms import Literal as Known

MAX_GATES: Final = 1_000_000
MAX_VALUES: Final = 4_096

UNSELECTED = -1
"""The option of a position that it is not selected, beside the codes of the values that it may contribute."""


@dataclass(frozen=True)
class Circuit:
    """`inputs[p][i]`: the atom at position p is symbol i. `violation`: the query's term holds, or fails.

    `counts[x][k]`: no more than k of the literals x hold.
    """

    symbols: tuple[Atom, ...]
    gates: Gates
    inputs: tuple[tuple[Literal, ...], ...]
    violation: Literal
    counts: Mapping[tuple[Literal, ...], tuple[Literal, ...]]


@dataclass(frozen=True)
class _Attempt:
    """What came of building a circuit in some seconds."""

    circuit: Circuit | Undecided
    wall_s: float

    @property
    def conclusive(self) -> bool:
        """Whether more time would make no difference."""
        return isinstance(self.circuit, Circuit) or self.circuit.reason is not Reason.WALL


def circuit_of(query: Query, limits: Limits) -> Circuit | Undecided:
    """The circuit of a query, or why there is none.

    It is built once: what could not be built in some time is not begun again in no more.
    """
    symbols = few_symbols(query.alphabet)
    if symbols is None:
        return Undecided(Reason.UNSUPPORTED, f"an alphabet of more than {MAX_SYMBOLS} symbols")
    terms = len(topological([query.violation]))
    if terms > limits.max_terms:
        return Undecided(Reason.SIZE, f"{terms} terms")
    found = query.prepared.get("circuit")
    if isinstance(found, _Attempt) and (found.conclusive or limits.wall_s <= found.wall_s):
        return found.circuit
    deadline = monotonic() + limits.wall_s
    try:
        circuit: Circuit | Undecided = build(query.violation, query.length, symbols, MAX_GATES, MAX_VALUES, deadline)
    except (TooManyGates, TooManyValues) as error:
        circuit = Undecided(Reason.SIZE, str(error))
    except TimeoutError:
        circuit = Undecided(Reason.WALL, "while building the circuit")
    query.prepared["circuit"] = _Attempt(circuit, limits.wall_s)
    return circuit


def build(
    violation: Term, length: int, symbols: Sequence[Atom], max_gates: int, max_values: int, deadline: float
) -> Circuit:
    """The circuit of a term, or `TooManyGates`, `TooManyValues`, or `TimeoutError` at the deadline."""
    gates = Gates(max_gates, deadline)
    inputs = tuple(gates.choice(len(symbols)) for _ in range(length))
    builder = _Builder(Values(gates, Codes(), max_values), symbols, inputs)
    value = builder.run(violation, deadline)
    # Failing, which the maker of the query rules out, counts as a violation: never as the absence of one.
    literal = gates.either(builder.values.holds(value), builder.values.fails(value))
    return Circuit(tuple(symbols), gates, inputs, literal, builder.values.counts())


class _Builder:
    def __init__(self, values: Values, symbols: Sequence[Atom], inputs: Sequence[Sequence[Literal]]) -> None:
        self.values = values
        self.gates = values.gates
        self.meaning = values.meaning
        codes = [self.meaning.code(symbol) for symbol in symbols]
        self.inputs = [Guarded(Source(guards), codes) for guards in inputs]

    def run(self, root: Term, deadline: float) -> Guarded:
        """The guarded value of the term."""
        found: dict[Term, Guarded] = {}
        for term in topological([root]):
            if monotonic() > deadline:
                raise TimeoutError
            found[term] = self._value(term, found)
        return found[root]

    def _value(self, term: Term, found: Mapping[Term, Guarded]) -> Guarded:
        values = self.values
        match term:
            case Input(position=position):
                return self.inputs[position]
            case Known(value=atom):
                return values.constant(self.meaning.code(atom))
            case Failure():
                return values.constant(FAILED)
            case Mean():
                return self._mean(term, found)
            case Count(args=args):
                return self._count([found[arg] for arg in args])
            case Choose(condition=condition, then=then, otherwise=otherwise):
                return values.choose(found[condition], found[then], found[otherwise], lazy=True)
            case Apply(op=Op.IF, args=(condition, then, otherwise)):
                return values.choose(found[condition], found[then], found[otherwise], lazy=False)
            case Ok(args=args):
                return values.truth(-self._any_fails([found[arg] for arg in args]))
            case _:
                return values.apply(self._function(term), *(found[arg] for arg in operands(term)))

    def _function(self, term: Read | Apply | HasKind | Agree) -> Coded:
        meaning = self.meaning
        match term:
            case Read(view=view, numbers=numbers):
                return meaning.reader(view, numbers)
            case Apply(op=op, numbers=numbers):
                return meaning.operator(op, numbers)
            case HasKind(among=among):
                return meaning.kind_test(among)
            case Agree():
                return meaning.agreement()
        assert_never(term)

    def _any_fails(self, args: Sequence[Guarded]) -> Literal:
        return self.gates.any(map(self.values.fails, args))

    def _count(self, args: Sequence[Guarded]) -> Guarded:
        counted = self.values.count([self.values.holds(arg) for arg in args], self.meaning.code)
        return self.values.failing(counted, self._any_fails(args))

    # -------------------------------------------------------------------------------------------- averages

    def _mean(self, term: Mean, found: Mapping[Term, Guarded]) -> Guarded:
        options = [self._options(found[c], found[v]) for c, v in zip(term.chosen, term.values, strict=True)]
        averaged = self._by_count(term, options)
        if averaged is None:
            averaged = self._by_fold(term, options)
        # Where an operand fails, the options above mean nothing; what comes of them there is replaced here.
        return self.values.failing(averaged, self._any_fails([found[arg] for arg in operands(term)]))

    def _options(self, chosen: Guarded, value: Guarded) -> dict[int, Literal]:
        """What a position may contribute, and when: a value, or nothing."""
        gates, values = self.gates, self.values
        selected = values.holds(chosen)
        options = {UNSELECTED: -selected}
        for code in value.cases:
            if code != FAILED:
                options[code] = gates.both(selected, values.when(value, (code,)))
        return {code: guard for code, guard in options.items() if guard != FALSE}

    def _by_count(self, term: Mean, options: Sequence[Mapping[int, Literal]]) -> Guarded | None:
        """The average where only the number of positions that take the one of two options matters, else `None`."""
        pairs = {tuple(sorted(option)) for option in options if len(option) > 1}
        if len(pairs) > 1 or any(len(pair) > 2 for pair in pairs) or not self._any_order(term, options):
            return None
        fixed = [code for option in options if len(option) == 1 for code in option]
        if not pairs:
            return self.values.constant(self._average(term, fixed))
        ((first, second),) = pairs
        literals = [option[second] for option in options if len(option) == 2]

        def label(count: int) -> int:
            return self._average(term, [*fixed, *[first] * (len(literals) - count), *[second] * count])

        return self.values.count(literals, label)

    def _any_order(self, term: Mean, options: Sequence[Mapping[int, Literal]]) -> bool:
        """Whether the order of additions makes no difference: always, except for doubles."""
        if term.numbers is Numbers.EXACT:
            return True
        return all(code == UNSELECTED or self.meaning.kind(code) is not Kind.REAL for o in options for code in o)

    def _average(self, term: Mean, codes: Sequence[int]) -> int:
        atom = mean((self.meaning.atom(code) for code in codes if code != UNSELECTED), term.default, term.numbers)
        return FAILED if atom is None else self.meaning.code(atom)

    def _by_fold(self, term: Mean, options: Sequence[Mapping[int, Literal]]) -> Guarded:
        gates = self.gates
        step = self.meaning.sum_step()
        yes = self.meaning.code(True)
        states: dict[int, Literal] = {EMPTY: -FALSE}
        for option in options:
            following: dict[int, list[Literal]] = {}
            for state, guard in states.items():
                for code, when in option.items():
                    reached = gates.both(guard, when)
                    if reached != FALSE:
                        after = state if code == UNSELECTED else step(state, yes, code)
                        following.setdefault(after, []).append(reached)
            states = {state: gates.any(guards) for state, guards in following.items()}
            if len(states) > self.values.max_cases:
                raise TooManyValues(f"an average with {len(states)} partial sums")
        finish = self.meaning.sum_finish(term.default, term.numbers)
        results: dict[int, list[Literal]] = {}
        for state, guard in states.items():
            results.setdefault(finish(state), []).append(guard)
        return self.values.choice({code: gates.any(guards) for code, guards in results.items()})
