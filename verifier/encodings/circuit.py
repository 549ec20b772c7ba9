"""Terms as guarded values: the propositional circuit of a query, whatever decides it in the end.

Rows of a selector that differ in their query alone are answered once for each value of it (`verifier.encodings.rows`).
An average is a fold over positions on states (how many, their sum); see `verifier.encodings.meaning`. Where every
position has the same two options and the order of additions does not matter, only a count is left of it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeAlias, assert_never

from spec.operators import Op
from spec.values import Atom, Kind, Numbers, atom_key
from verifier.encodings.counting import Source
from verifier.encodings.gates import FALSE, Gates, Literal, TooManyGates
from verifier.encodings.guarded import Guarded, TooManyValues, Values
from verifier.encodings.meaning import EMPTY, FAILED, Coded, Codes, mean
from verifier.encodings.rows import Hole, Key, Part, Row, Rows, Shape
from verifier.encodings.split import Splits, Value, codes_of
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

_FEW_CASES: Final = 8
_CASES_PER_ROW: Final = 2
"""A row is split into so few cases anyway, and into so many for each of the rows that look alike."""

Asked: TypeAlias = Mean | Count | Choose
"""Terms that ask something of a row; of a row of one entry, whether it holds."""

UNSELECTED = -1
"""The option of a position that it is not selected, beside the codes of the values that it may contribute."""


@dataclass(frozen=True)
class Circuit:
    """`inputs[p][i]`: the atom at position p is symbol i. `violation`: the query's term holds, or fails.

    `counts[x][k]`: at least k of the literals x hold; for the thresholds that there are, which need not be all.
    """

    symbols: tuple[Atom, ...]
    gates: Gates
    inputs: tuple[tuple[Literal, ...], ...]
    violation: Literal
    counts: Mapping[tuple[Literal, ...], Mapping[int, Literal]]


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
    literal = builder.run(violation, deadline)
    return Circuit(tuple(symbols), gates, inputs, literal, builder.values.counts())


def _entries(term: Asked) -> tuple[Term, ...]:
    """The row that something is asked of: truths about keys."""
    match term:
        case Mean(chosen=entries) | Count(args=entries):
            return entries
        case Choose(condition=entry):
            return (entry,)
    assert_never(term)


def _answers(term: Asked) -> tuple[Term, ...]:
    """What the entries choose among."""
    match term:
        case Mean(values=values):
            return values
        case Choose(then=then, otherwise=otherwise):
            return then, otherwise
        case Count():
            return ()
    assert_never(term)


def _rest(term: Asked) -> tuple[object, ...]:
    """What the answer to a row depends on besides its entries."""
    rest = (atom_key(term.default), term.numbers) if isinstance(term, Mean) else ()
    return (type(term), *(answer.id for answer in _answers(term)), *rest)


class _Builder:
    """Values of terms, made when they are first needed: entries of a row that is split never are on its account."""

    def __init__(self, values: Values, symbols: Sequence[Atom], inputs: Sequence[Sequence[Literal]]) -> None:
        self.values = values
        self.splits = Splits(values)
        self.gates = values.gates
        self.meaning = values.meaning
        codes = [self.meaning.code(symbol) for symbol in symbols]
        self.inputs = [Guarded(Source(self.gates, guards), codes) for guards in inputs]
        self.found: dict[Term, Value] = {}
        self._rows: dict[Asked, Row] = {}
        self._alike: Counter[Key] = Counter()
        self._shaped: dict[tuple[Shape, int], Value] = {}
        self._answered: dict[tuple[object, ...], Value] = {}

    def run(self, root: Term, deadline: float) -> Literal:
        """When the term holds, or has no value."""
        self._find_rows(topological([root]))
        found, stack = self.found, [root]
        while stack:
            term = stack[-1]
            missing = [] if term in found else [need for need in self._needs(term) if need not in found]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            if term not in found:
                if monotonic() > deadline:
                    raise TimeoutError
                found[term] = self._value(term)
        # Failing, which the maker of the query rules out, counts as a violation: never as the absence of one.
        return self.gates.either(self.splits.holds(found[root]), self.splits.fails(found[root]))

    def _find_rows(self, terms: Iterable[Term]) -> None:
        """The rows with a query, and how many look like each."""
        rows = Rows()
        for term in terms:
            if isinstance(term, Mean | Count) or (isinstance(term, Choose) and Kind.BOOL not in term.kinds):
                query = rows.query(_entries(term))
                if query is not None:
                    self._rows[term] = row = rows.row(_entries(term), query)
                    self._alike[row.key] += 1

    def _needs(self, term: Term) -> Sequence[Term]:
        """The terms whose values make up the value of this one.

        Of a row first the query, since its values decide whether it is split.
        """
        if not isinstance(term, Mean | Count | Choose) or term not in self._rows:
            return operands(term)
        row = self._rows[term]
        if row.query not in self.found:
            return (row.query,)
        if not self._is_split(row):
            return operands(term)
        return *row.leaves, *_answers(term)

    def _is_split(self, row: Row) -> bool:
        """Whether the query varies, and not over much more values than there are rows like this one."""
        most = max(_FEW_CASES, _CASES_PER_ROW * self._alike[row.key])
        return 1 < len(codes_of(self.found[row.query])) <= most

    def _value(self, term: Term) -> Value:
        values, splits, found = self.values, self.splits, self.found
        match term:
            case Input(position=position):
                return self.inputs[position]
            case Known(value=atom):
                return values.constant(self.meaning.code(atom))
            case Failure():
                return values.constant(FAILED)
            case Mean() | Count() | Choose():
                row = self._rows.get(term)
                if row is not None and self._is_split(row):
                    return self._split(term, row)
                return self._answer(term, [found[entry] for entry in _entries(term)])
            case Apply(op=Op.IF, args=(condition, then, otherwise)):
                return splits.choose((found[condition], found[then], found[otherwise]), lazy=False)
            case Ok(args=args):
                return values.truth(-self._any_fails([found[arg] for arg in args]))
            case _:
                return splits.apply(self._function(term), *(found[arg] for arg in operands(term)))

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

    def _any_fails(self, args: Iterable[Value]) -> Literal:
        return self.gates.any(map(self.splits.fails, args))

    # -------------------------------------------------------------------------------------------- rows

    def _split(self, term: Asked, row: Row) -> Value:
        """The answer to the row, by the values of its query."""
        return self.splits.split(self.splits.flat(self.found[row.query]), lambda code: self._answer_at(term, row, code))

    def _answer_at(self, term: Asked, row: Row, code: int) -> Value:
        """The answer to the row where its query has this value: the same for all rows that look the same."""
        key = (*_rest(term), row.key, code)
        answer = self._answered.get(key)
        if answer is None:
            for shape in row.shapes:
                if (shape, code) not in self._shaped:
                    self._shaped[shape, code] = self._shape(shape, code)
            answer = self._answered[key] = self._answer(term, [self._part(entry, code) for entry in row.entries])
        return answer

    def _shape(self, shape: Shape, code: int) -> Value:
        args = [self._part(part, code) for part in shape.args]
        match shape.term:
            case Choose():
                return self.splits.choose(args, lazy=True)
            case Apply(op=Op.IF):
                return self.splits.choose(args, lazy=False)
            case _:
                return self.splits.apply(self._function(shape.term), *args)

    def _part(self, part: Part, code: int) -> Value:
        match part:
            case Hole():
                return self.values.constant(code)
            case Shape():
                return self._shaped[part, code]
            case term:
                return self.found[term]

    def _answer(self, term: Asked, entries: Sequence[Value]) -> Value:
        """A count, an average or a choice, given the values of the entries of its row."""
        answers = [self.found[answer] for answer in _answers(term)]
        match term:
            case Mean():
                return self._mean(term, entries, [*map(self.splits.flat, answers)])
            case Choose():
                return self.splits.choose((*entries, *answers), lazy=True)
            case Count():
                counted = self.values.count(map(self.splits.holds, entries), self.meaning.code)
                return self.values.failing(counted, self._any_fails(entries))
        assert_never(term)

    # -------------------------------------------------------------------------------------------- averages

    def _mean(self, term: Mean, chosen: Sequence[Value], averaged: Sequence[Guarded]) -> Guarded:
        options = [self._options(self.splits.holds(c), v) for c, v in zip(chosen, averaged, strict=True)]
        result = self._by_count(term, options)
        if result is None:
            result = self._by_fold(term, options)
        # Where an operand fails, the options above mean nothing; what comes of them there is replaced here.
        return self.values.failing(result, self._any_fails([*chosen, *averaged]))

    def _options(self, selected: Literal, value: Guarded) -> dict[int, Literal]:
        """What a position may contribute, and when: a value, or nothing."""
        gates, values = self.gates, self.values
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
