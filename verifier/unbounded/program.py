"""A graph as a function of counts: every s-op by cases at a position, for every letter that the position may hold.

With a listed alphabet the letters are its symbols, and tokens are known in each case. Otherwise there is one letter,
a position's count is the position itself, and a token is a `Cell` of which only the place is known, which is so for
every alphabet. Nodes that fail are recorded in `failures`: the rest is right on inputs on which none of them holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import Final, TypeAlias, assert_never

from spec.graph import (
    Aggregate,
    Combine,
    Constant,
    Indices,
    Junction,
    Map,
    Negate,
    Node,
    Select,
    Selector,
    SOp,
    Tokens,
    View,
    operands,
)
from spec.idiom import counted
from spec.operators import PREDICATE_OP, OperatorError
from spec.values import Atom, Kind, Numbers
from verifier.question.terms import read_atom
from verifier.unbounded.counting import Counting, Tally, moved
from verifier.unbounded.domain import Domain
from verifier.unbounded.linear import (
    FALSE,
    TRUE,
    ZERO,
    Formula,
    Linear,
    Place,
    Sort,
    Unsupported,
    Variable,
    at_most,
    conjunction,
    constant,
    disjunction,
    equal,
    negation,
    substitute,
    total,
)
from verifier.unbounded.machine import Machine, before
from verifier.unbounded.pieces import (
    Cases,
    Cell,
    Known,
    Nothing,
    Number,
    Value,
    always,
    combined,
    compared,
    gathered,
    integer,
    known,
    number,
)

Letters: TypeAlias = tuple[Cases, ...]
Matrix: TypeAlias = Mapping[tuple[int, int], Formula]
Joint: TypeAlias = list[tuple[Formula, tuple[tuple[int, Linear, Linear | None], ...]]]
MAX_JOINT: Final = 600


@dataclass(frozen=True)
class FailsAt:
    """A node without a value, at a position with this letter, where the formula holds."""

    node: Node
    letter: int
    condition: Formula
    reason: str


@dataclass(eq=False)
class Symbolic:
    """The nodes of a graph, as far as they were asked for. `symbols` is `None` where tokens are not told apart."""

    symbols: tuple[Atom, ...] | None
    kinds: frozenset[Kind]
    shortest: int
    machine: Machine = field(init=False)
    domain: Domain = field(init=False)
    counting: Counting = field(init=False)
    values: dict[SOp, Letters] = field(default_factory=dict)
    rows: dict[Selector, Matrix] = field(default_factory=dict)
    failures: list[FailsAt] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the machine that the program's memory goes to."""
        self.machine = Machine(1 if self.symbols is None else len(self.symbols))
        self.domain = Domain(self.machine.letters, self.shortest)
        self.counting = Counting(self.machine)

    @property
    def letters(self) -> range:
        """The letters, by number."""
        return range(self.machine.letters)

    def position(self) -> Linear:
        """The number of the position asked about."""
        return total(before(k) for k in self.letters)

    def feasible(self, letter: int, guard: Formula) -> bool:
        """Whether the guard can hold at a position with this letter."""
        return self.domain.feasible(letter, guard)

    def add(self, roots: Iterable[Node]) -> None:
        """Work out the roots, and what they are built from."""
        for node in _needed(roots):
            if node in self.values or node in self.rows:
                continue
            match node:
                case Select() | Negate() | Combine():
                    self.rows[node] = self._selector(node)
                case _:
                    self.values[node] = tuple(self._recorded(node, k, self._sop(node, k)) for k in self.letters)
                    self._one_type(self.values[node])

    # -------------------------------------------------------------------------------------------- s-ops

    def _sop(self, node: SOp, letter: int) -> Cases:
        match node:
            case Tokens(view=view):
                return always(self._token(view, letter))
            case Indices():
                return always(integer(self.position()))
            case Constant(value=value):
                return always(known(value))
            case Map(op=op, args=args):
                width = counted(node)
                if width is not None:
                    return self._width(self.rows[width], letter)
                operand_cases = [self.values[arg][letter] for arg in args]
                return combined(op, operand_cases, lambda guard: self.feasible(letter, guard))
            case Aggregate(selector=selector, values=values, default=default):
                return self.aggregate(self.rows[selector], self.values[values], default, letter)
        assert_never(node)

    def _token(self, view: View, letter: int) -> Value:
        if self.symbols is not None:
            try:
                return known(read_atom(view, self.symbols[letter], Numbers.EXACT))
            except OperatorError as error:
                return Nothing(str(error))
        if view is View.STR or (view in (View.ASIS, View.INT) and self.kinds == {Kind.INT}):
            return Cell(view, before(0))
        if view is View.ASIS and self.kinds == {Kind.STR}:
            return Cell(view, before(0))
        raise Unsupported(f"`{view.value}` of tokens that are not told apart")

    def _recorded(self, node: SOp, letter: int, cases: Cases) -> Cases:
        """The cases with a value; the others are failures of the program."""
        kept = []
        for guard, value in cases:
            if isinstance(value, Nothing):
                if guard != FALSE:
                    self.failures.append(FailsAt(node, letter, guard, value.reason))
            else:
                kept.append((guard, value))
        return tuple(kept)

    def _one_type(self, values: Letters) -> None:
        """Sequences of strings and other values fail; here, whatever could be one is refused."""
        texts = {self._is_text(value) for cases in values for _, value in cases}
        if len(texts) > 1:
            raise Unsupported("an s-op that may hold strings and other values")

    def _is_text(self, value: Value) -> bool:
        match value:
            case Known(kind=kind):
                return kind is Kind.STR
            case Cell(view=view):
                return view is View.STR or (view is View.ASIS and self.kinds == {Kind.STR})
            case _:
                return False

    # -------------------------------------------------------------------------------------------- aggregates

    def _width(self, rows: Matrix, letter: int) -> Cases:
        joint = self.joint(letter, [{b: rows[b, letter] for b in self.letters}])
        pairs = [(guard, integer(total(size for _, size, _ in entries))) for guard, entries in joint]
        return gathered(pairs, lambda guard: self.feasible(letter, guard))

    def aggregate(self, rows: Matrix, values: Letters, default: Atom, letter: int) -> Cases:
        """The selected value or mean, at a position with this letter."""
        payloads: dict[Value, dict[int, list[Formula]]] = {}
        to_key = self.to_key()
        for b in self.letters:
            for guard, value in values[b]:
                selected = conjunction((rows[b, letter], substitute(guard, to_key)))
                payloads.setdefault(value, {}).setdefault(b, []).append(selected)
        listed = list(payloads)
        conditions = [{b: disjunction(parts) for b, parts in payloads[value].items()} for value in listed]
        pairs: list[tuple[Formula, Value]] = []
        for guard, entries in self.joint(letter, conditions):
            pairs += self._aggregated(guard, entries, listed, known(default), letter)
        return gathered(pairs, lambda guard: self.feasible(letter, guard))

    def _aggregated(
        self,
        guard: Formula,
        entries: tuple[tuple[int, Linear, Linear | None], ...],
        listed: Sequence[Value],
        default: Value,
        letter: int,
    ) -> list[tuple[Formula, Value]]:
        many = total(size for _, size, _ in entries)
        none, some = conjunction((guard, equal(many))), conjunction((guard, at_most(constant(1) - many)))
        found: list[tuple[Formula, Value]] = [(none, default)]
        if some == FALSE or not self.feasible(letter, some):
            return found
        if _averageable(listed):
            return [*found, (some, _mean(entries, listed, many))]
        one, several = conjunction((guard, equal(many.plus(-1)))), conjunction((guard, at_most(constant(2) - many)))
        for which, size, first in entries:
            alone = conjunction((one, equal(size.plus(-1))))
            if alone != FALSE and self.feasible(letter, alone):
                found.append((alone, self._selected(listed[which], first)))
        found.append((several, Nothing("an average of several values that are no known numbers")))
        return found

    def _selected(self, value: Value, first: Linear | None) -> Value:
        """The value at the one key that is selected, which has the rank `first`."""
        match value:
            case Known():
                return value
            case Cell() if first is not None and len(self.letters) == 1:
                return replaced(value, {_RANK: first})
            case Number() if first is not None and len(self.letters) == 1:
                return replaced(value, {_RANK: first})
            case _:
                return Nothing("the selected position is not known")

    def joint(self, letter: int, conditions: Sequence[Mapping[int, Formula]]) -> Joint:
        """How many keys satisfy each condition, jointly by cases: (which condition, how many, least rank)."""
        found: Joint = [(TRUE, ())]
        for which, condition in enumerate(conditions):
            for tally in self.counting.tallies(letter, condition):
                found = self._joined(letter, found, which, tally)
        return found

    def _joined(self, letter: int, joint: Joint, which: int, tally: Tally) -> Joint:
        merged: dict[tuple[tuple[int, Linear, Linear | None], ...], list[Formula]] = {}
        for guard, entries in joint:
            for other, size, first in tally:
                both = conjunction((guard, other))
                if both == FALSE or (len(joint) * len(tally) > 1 and not self.feasible(letter, both)):
                    continue
                added = entries if size == ZERO else (*entries, (which, size, first))
                merged.setdefault(added, []).append(both)
        if len(merged) > MAX_JOINT:
            raise Unsupported("a count with too many cases")
        return [(disjunction(guards), entries) for entries, guards in merged.items()]

    # -------------------------------------------------------------------------------------------- selectors

    def to_key(self) -> Mapping[Variable, Linear]:
        """The substitution from the position asked about to the key."""
        return moved(Place.KEY, self.machine.letters, len(self.machine.registers))

    def _selector(self, node: Selector) -> Matrix:
        pairs = [(b, a) for b in self.letters for a in self.letters]
        match node:
            case Negate(operand=operand):
                return {pair: negation(self.rows[operand][pair]) for pair in pairs}
            case Combine(junction=junction, left=left, right=right):
                join = conjunction if junction is Junction.AND else disjunction
                return {pair: join((self.rows[left][pair], self.rows[right][pair])) for pair in pairs}
            case Select():
                return {(b, a): self._entry(node, b, a) for b, a in pairs}
        assert_never(node)

    def _entry(self, node: Select, b: int, a: int) -> Formula:
        """When a query at a position with letter a selects a key with letter b."""
        to_key = self.to_key()
        found = []
        for key_guard, key in self.values[node.keys][b]:
            moved_guard, moved_key = substitute(key_guard, to_key), replaced(key, to_key)
            for guard, query in self.values[node.queries][a]:
                yes, no = compared(PREDICATE_OP[node.predicate], moved_key, query)
                if conjunction((moved_guard, guard)) == FALSE:
                    continue
                if disjunction((yes, no)) != TRUE and negation(yes) != no:
                    raise Unsupported("a selector that compares what is not known, or cannot be compared")
                found.append(conjunction((moved_guard, guard, yes)))
        return disjunction(found)


def _needed(roots: Iterable[Node]) -> list[Node]:
    """The nodes to work out, operands first; the inside of a recognised count is not needed."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            width = counted(node)
            stack.extend(operands(node) if width is None else (width,))
    return sorted(seen, key=lambda node: node.id)


_RANK: Final = Variable(Sort.BEFORE, 0, Place.HERE)
"""Where tokens are not told apart: the position."""


def replaced(value: Value, terms: Mapping[Variable, Linear]) -> Value:
    """The value with terms in the place of variables."""
    match value:
        case Number(top=top, bottom=bottom, whole=whole):
            return number(top.substitute(terms), bottom.substitute(terms), whole)
        case Cell(view=view, at=at):
            return Cell(view, at.substitute(terms))
        case _:
            return value


def _averageable(values: Sequence[Value]) -> bool:
    """Known numbers, not all of them booleans: then one formula gives the value and the mean."""
    kinds = {value.kind for value in values if isinstance(value, Known)}
    return all(isinstance(value, Known) for value in values) and Kind.STR not in kinds and Kind.BOOL not in kinds


def _mean(entries: Sequence[tuple[int, Linear, Linear | None]], listed: Sequence[Value], many: Linear) -> Value:
    weights = [Fraction(value.atom) for value in listed if isinstance(value, Known)]
    scale = lcm(*(weight.denominator for weight in weights))
    top = total(size.times(int(weights[which] * scale)) for which, size, _ in entries)
    return number(top, many.times(scale))
