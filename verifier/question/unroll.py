"""Unroll a graph at a fixed length: every s-op becomes n terms, every selector n x n.

    x[i]       by the node's meaning in `spec.graph`, with the input terms in the place of the tokens
    s[i][j]    a truth-valued term: does query i select key j

The graph fails on an input exactly when some term of `Unrolled.all_terms` fails there. What fails beyond single
operators (a sequence that mixes strings with other values, an average of booleans) is stated by extra terms.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

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
    topological,
)
from spec.operators import PREDICATE_OP, Op
from spec.values import Kind, Numbers
from verifier.question.terms import BOOL, Literal, Term, Terms

Row: TypeAlias = tuple[Term, ...]
STR = frozenset({Kind.STR})
NOT_STR = frozenset(Kind) - STR


@dataclass(frozen=True)
class Unrolled:
    """The terms of each node, and the side conditions: terms that fail where the type rules are broken."""

    values: Mapping[SOp, Row]
    rows: Mapping[Selector, tuple[Row, ...]]
    conditions: tuple[Term, ...]

    def all_terms(self) -> tuple[Term, ...]:
        """Everything whose failure is the program's failure."""
        return (
            *(term for row in self.values.values() for term in row),
            *(term for rows in self.rows.values() for row in rows for term in row),
            *self.conditions,
        )


def unroll(roots: Iterable[Node], numbers: Numbers, inputs: Sequence[Term], terms: Terms) -> Unrolled:
    """The roots, and all that they depend on, on the input that the terms `inputs` spell."""
    return Unroller(numbers, tuple(inputs), terms).of(roots)


class Unroller:
    """Unrolls what it is asked for on one input, and nothing twice."""

    def __init__(self, numbers: Numbers, inputs: Row, terms: Terms) -> None:
        self.numbers, self.inputs, self.terms = numbers, inputs, terms
        self.values: dict[SOp, Row] = {}
        self.rows: dict[Selector, tuple[Row, ...]] = {}
        self.conditions: dict[Node, list[Term]] = {}
        self._stated: list[Term] = []

    def of(self, roots: Iterable[Node]) -> Unrolled:
        """The roots and all that they depend on, and no more."""
        order = topological(roots)
        for node in order:
            if node not in self.conditions:
                self._add(node)
        conditions = dict.fromkeys(term for node in order for term in self.conditions[node] if term.risky)
        return Unrolled(
            {node: self.values[node] for node in order if isinstance(node, SOp)},
            {node: self.rows[node] for node in order if isinstance(node, Selector)},
            tuple(conditions),
        )

    def _add(self, node: Node) -> None:
        """A node whose operands are there."""
        self._stated = self.conditions[node] = []
        match node:
            case Select() | Negate() | Combine():
                self.rows[node] = self._selector(node)
            case _:
                self.values[node] = self._sequence(node)
                self._one_type(self.values[node])

    def _sequence(self, node: SOp) -> Row:
        terms, numbers = self.terms, self.numbers
        match node:
            case Tokens(view=view):
                return tuple(terms.read(view, atom, numbers) for atom in self.inputs)
            case Indices():
                return tuple(terms.literal(i) for i in range(len(self.inputs)))
            case Constant(value=value):
                return (terms.literal(value),) * len(self.inputs)
            case Map(op=op, args=args):
                columns = zip(*(self.values[arg] for arg in args), strict=True)
                return tuple(terms.apply(op, *column, numbers=numbers) for column in columns)
            case Aggregate(selector=selector, values=operand, default=default):
                rows, values = self.rows[selector], self.values[operand]
                self._averageable(rows, values)
                return tuple(terms.mean(row, values, default, numbers) for row in rows)
        assert_never(node)

    def _selector(self, node: Selector) -> tuple[Row, ...]:
        match node:
            case Select(keys=keys, queries=queries, predicate=predicate):
                op, key_row = PREDICATE_OP[predicate], self.values[keys]
                return tuple(tuple(self._apply(op, key, query) for key in key_row) for query in self.values[queries])
            case Negate(operand=operand):
                return tuple(tuple(self._apply(Op.NOT, entry) for entry in row) for row in self.rows[operand])
            case Combine(junction=junction, left=left, right=right):
                op = Op.AND if junction is Junction.AND else Op.OR
                pairs = zip(self.rows[left], self.rows[right], strict=True)
                return tuple(
                    tuple(self._apply(op, a, b) for a, b in zip(left_row, right_row, strict=True))
                    for left_row, right_row in pairs
                )
        assert_never(node)

    def _apply(self, op: Op, *args: Term) -> Term:
        return self.terms.apply(op, *args, numbers=self.numbers)

    def _one_type(self, row: Row) -> None:
        """The type rule of a sequence: all strings, or none."""
        kinds = frozenset(kind for term in row for kind in term.kinds)
        if Kind.STR in kinds and kinds != STR:
            strings = self._any(self.terms.has_kind(term, STR) for term in row)
            others = self._any(self.terms.has_kind(term, NOT_STR) for term in row)
            self._forbid([strings, others])

    def _averageable(self, rows: Sequence[Row], values: Row) -> None:
        """Only a sequence with a number in it that is no boolean, and without strings, may be averaged."""
        terms = self.terms
        if all(not term.kinds & (STR | BOOL) for term in values):
            return
        if not any(sum(not (isinstance(c, Literal) and not c.value) for c in row) >= 2 for row in rows):
            return
        all_bool = terms.negation(self._any(terms.has_kind(term, frozenset(Kind) - BOOL) for term in values))
        any_str = self._any(terms.has_kind(term, STR) for term in values)
        several = self._any(self._apply(Op.GE, terms.count(row), terms.literal(2)) for row in dict.fromkeys(rows))
        self._forbid([terms.either(all_bool, any_str), several])

    def _any(self, args: Iterable[Term]) -> Term:
        return self.terms.negation(self.terms.all(self.terms.negation(arg) for arg in args))

    def _forbid(self, all_of: Sequence[Term]) -> None:
        """A condition that fails where all of these hold."""
        self._stated.append(self.terms.choose(self.terms.all(all_of), self.terms.failure(), self.terms.literal(True)))
