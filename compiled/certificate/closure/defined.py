"""The claim that an s-op is a function of counts: on every row that there can be, it is, kinds included.

The s-op is taken as the program has it: maps over aggregates. Its aggregates and the counts are looked at together,
key by key: for each the number of selected keys so far, and for an aggregate the sum of their values. At the end the
program's operators give the s-op from the aggregates, and the claimed function gives it from the counts.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import isfinite

from compiled.certificate.closure.claims import Claims, NotClosed, Work
from compiled.certificate.closure.local import Local
from compiled.certificate.closure.outcomes import NOT, Outcome, Row, Rows
from compiled.certificate.closure.sums import Folding, Scale, check_order, scale
from compiled.meaning.leaves import Definition, Tuple, row_key
from spec.graph import Aggregate, Constant, Indices, Map, SOp, Tokens
from spec.operators import OperatorError, function
from spec.values import Atom, Kind, Numbers, atom_key, kind_of

Parts = frozenset[int]
"""States of a row: the weighted sum of the counts, and of each aggregate the number of keys and the steps of their sum,
as the digits of one number."""


def program_of(sop: SOp) -> list[SOp]:
    """The s-op down to aggregates and inputs, as the program has it; operands first."""
    seen: set[SOp] = set()
    stack = [sop]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            if isinstance(node, Map):
                stack.extend(node.args)
    return sorted(seen, key=lambda node: node.id)


class Definitions:
    """Checks of definitions: s-ops that are computed from the same columns are compared on the same rows."""

    def __init__(self, claims: Claims, local: Local, work: Work) -> None:
        self.claims, self.local, self.work = claims, local, work
        self._folded: dict[object, _Folded] = {}

    def check(self, sop: SOp, definition: Definition) -> None:
        """`NotClosed` with a row on which the s-op is not what the counts give."""
        if not isinstance(sop, Map | Aggregate):
            raise NotClosed(f"{sop!r} is no function of counts")
        order = program_of(sop)
        aggregates = tuple(node for node in order if isinstance(node, Aggregate))
        inputs = tuple(node for node in order if isinstance(node, Tokens | Indices))
        key = aggregates, inputs, definition.leaves, definition.weights
        if key not in self._folded:
            self._folded[key] = _Folded(self.claims, self.local, self.work, aggregates, inputs, definition)
        _DefinitionCheck(self._folded[key], self.work, sop, order, definition).run()


class _Folded:
    """What aggregates and the weighted sum of counts can be together, on all rows that there can be."""

    def __init__(
        self,
        claims: Claims,
        local: Local,
        work: Work,
        aggregates: tuple[Aggregate, ...],
        inputs: tuple[SOp, ...],
        definition: Definition,
    ) -> None:
        self.claims, self.work, self.aggregates, self.inputs = claims, work, aggregates, inputs
        self.weights = definition.weights
        self.rows = Rows(claims, local, work, (*aggregates, *definition.leaves), inputs)
        self.scales = [self._scale(k) for k in range(len(self.aggregates))]
        self.base = 2 * claims.max_length * sum(map(abs, definition.weights)) + 1
        self.averages = [
            any(kind_of(value) in (Kind.INT, Kind.REAL) for value in self.rows.atoms[k])
            for k in range(len(self.aggregates))
        ]
        self._moves: dict[int, list[int]] = {}
        self._ordered: set[tuple[frozenset[int], int]] = set()
        self.states = list(self._states())
        """Every state, with each of what is known of the query where it can be: by one row that has it."""

    def _scale(self, column: int) -> Scale:
        values = self.rows.atoms[column]
        if any(isinstance(value, str) or not isfinite(value) for value in values):
            raise NotClosed(f"{self.aggregates[column]!r} is claimed to be counted, but aggregates what is no number")
        return scale(values, self.claims.numbers)

    def _states(self) -> Iterator[tuple[int, Row]]:
        """Every row with every state of its query."""
        folding, known = Folding(frozenset({0}), self._step), set[object]()
        for row in self.rows.all([0] * len(self.rows.local.places)):
            self._check_order(keys := row.keys)
            kept = row_key(row.given)
            for state in folding.of(keys):
                if (state, kept) not in known:
                    known.add((state, kept))
                    yield state, row

    def _check_order(self, keys: Sequence[int]) -> None:
        """That sums of doubles are what they are in any order."""
        kind = (frozenset(keys), len(keys))
        if self.claims.numbers is Numbers.EXACT or kind in self._ordered:
            return
        self._ordered.add(kind)
        for column in range(len(self.aggregates)):
            found = [[one[column] for one in self.rows.outcomes[key] if one[column] != NOT] for key in keys]
            some = [values for values in found if values]
            if len(some) > 1:
                used = {value for values in some for value in values}
                check_order((self.rows.atoms[column][value] for value in used), len(some))

    def _step(self, states: Parts, key: int) -> Parts:
        if key not in self._moves:
            self._moves[key] = [self._move(outcome) for outcome in self.rows.outcomes[key]]
        moves = self._moves[key]
        self.work.spend(len(states) * len(moves))
        return frozenset([state + move for state in states for move in moves])

    def _move(self, outcome: Outcome) -> int:
        """What a key adds to a state; the weighted sum is the last digit, which may be negative."""
        cut, length = len(self.scales), self.claims.max_length
        found = 0
        for one, value in zip(self.scales, outcome[:cut], strict=True):
            steps = 0 if value == NOT else one.steps[value] or 0
            found = (found * (length + 1) + (value != NOT)) * (one.span * length + 1) + steps
        counted = sum(weight for weight, value in zip(self.weights, outcome[cut:], strict=True) if value != NOT)
        return found * self.base + counted

    def parts(self, state: int) -> tuple[list[tuple[int, int]], int]:
        """Per aggregate the number of keys and the steps of their sum, and the weighted sum of the counts."""
        half = self.base // 2
        rest, total = divmod(state + half, self.base)
        parts = []
        for one in reversed(self.scales):
            rest, steps = divmod(rest, one.span * self.claims.max_length + 1)
            rest, count = divmod(rest, self.claims.max_length + 1)
            parts.append((count, steps))
        return parts[::-1], total - half

    def values(self, column: int, count: int, steps: int) -> Sequence[Atom]:
        """What the aggregate can be, when so many keys with this sum are selected."""
        aggregate, scale = self.aggregates[column], self.scales[column]
        if count == 0:
            return (aggregate.default,)
        if count == 1:
            return [value for value, k in zip(self.rows.atoms[column], scale.steps, strict=True) if k == steps]
        return (scale.mean(steps, count),) if self.averages[column] else ()


class _DefinitionCheck:
    """One s-op against its definition, on all states."""

    def __init__(self, folded: _Folded, work: Work, sop: SOp, order: Sequence[SOp], definition: Definition) -> None:
        self.folded, self.work, self.sop, self.order, self.definition = folded, work, sop, order, definition
        meanings = {node: function(node.op, folded.claims.numbers) for node in order if isinstance(node, Map)}
        self._maps = [(node, meaning, node.args) for node, meaning in meanings.items()]
        self._constants: dict[SOp, Atom] = {node: node.value for node in order if isinstance(node, Constant)}

    def run(self) -> None:
        """Every state, with all that the aggregates can be in it."""
        for state, row in self.folded.states:
            parts, total = self.folded.parts(state)
            options = [self.folded.values(k, *part) for k, part in enumerate(parts)]
            for values in product(*options):
                self.work.spend(len(self.order))
                self._compare(values, total, row)

    def _compare(self, values: Sequence[Atom], total: int, row: Row) -> None:
        try:
            wanted = self._meaning(values, row.given)
        except OperatorError:
            return
        try:
            found = self.definition.of_sum(total)
        except OperatorError as error:
            raise self._differs(wanted, f"no value ({error})", row) from error
        if atom_key(found) != atom_key(wanted):
            raise self._differs(wanted, repr(found), row)

    def _differs(self, wanted: Atom, found: str, row: Row) -> NotClosed:
        m, i = row.place
        return NotClosed(
            f"{self.sop!r} can be {wanted!r} at position {i} of inputs of length {m}, where counts give {found}"
        )

    def _meaning(self, values: Sequence[Atom], given: Tuple) -> Atom:
        """The s-op, from its aggregates and from what it reads of the input."""
        known = dict(self._constants)
        known.update(zip(self.folded.aggregates, values, strict=True))
        known.update(zip(self.folded.inputs, given, strict=True))
        for node, meaning, operands in self._maps:
            known[node] = meaning(*[known[one] for one in operands])
        return known[self.sop]
