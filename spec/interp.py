"""The interpreter: the values of every s-op and the rows of every selector on one input.

It is the oracle that every engine is compared with and that every counterexample is replayed in. One loop over
the nodes in topological order; selectors are held as one integer per row (bit j is set when key j is selected), so
that a selector costs as much as its distinct keys and queries, not as its n x n entries.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import accumulate
from operator import or_
from typing import TypeAlias, assert_never

from spec.ast import Predicate
from spec.diagnostics import Diagnostic, EvaluationError
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
    topological,
)
from spec.operators import MAX_INT_BITS, PREDICATE_OP, OperatorError, function, sized
from spec.source import Span
from spec.values import Atom, Kind, Numbers, kind_of, to_input

Values: TypeAlias = tuple[Atom, ...]
Rows: TypeAlias = tuple[int, ...]


class ProgramFailure(EvaluationError):
    """The program has no value on this input: which node failed, where and why; `run` is what came before it."""

    def __init__(self, node: Node, position: int, reason: str, span: Span | None, run: "Run") -> None:
        super().__init__(Diagnostic("R0301", f"{reason} (at position {position})", span))
        self.node = node
        self.position = position
        self.reason = reason
        self.run = run


@dataclass(frozen=True)
class Run:
    """One evaluation: `values[s_op][i]`, and `rows[selector][i]` with bit j set when query i selects key j."""

    tokens: Values
    values: Mapping[SOp, Values]
    rows: Mapping[Selector, Rows]

    @property
    def n(self) -> int:
        """The length of the input."""
        return len(self.tokens)


@dataclass(eq=False)
class Interpreter:
    """Evaluates the roots, and all that they depend on, on many inputs."""

    roots: tuple[Node, ...]
    numbers: Numbers
    spans: Mapping[Node, Span] = field(default_factory=dict)
    order: tuple[Node, ...] = field(init=False)
    _functions: dict[Map, Callable[..., Atom]] = field(init=False)

    def __post_init__(self) -> None:
        """Fix the order of evaluation and the meaning of each operator."""
        self.order = topological(self.roots)
        self._functions = {node: function(node.op, self.numbers) for node in self.order if isinstance(node, Map)}

    def run(self, tokens: Iterable[Atom]) -> Run:
        """All values on this input, or `ProgramFailure`. The input must not be empty, as in the reference."""
        atoms = to_input(tokens, self.numbers)
        if not atoms:
            raise EvaluationError(Diagnostic("R0302", "RASP sequences/selectors expect non-empty iterables"))
        values: dict[SOp, Values] = {}
        rows: dict[Selector, Rows] = {}
        for node in self.order:
            try:
                match node:
                    case Select():
                        rows[node] = _select(node, values)
                    case Negate(operand=operand):
                        full = (1 << len(atoms)) - 1
                        rows[node] = tuple(full & ~row for row in rows[operand])
                    case Combine(junction=junction, left=left, right=right):
                        rows[node] = _combine(junction, rows[left], rows[right])
                    case _:
                        found = self._sequence(node, atoms, values, rows)
                        values[node] = _uniform(found) if _may_mix(node) else found
            except _At as failure:
                run = Run(atoms, values, rows)
                raise ProgramFailure(node, failure.position, failure.reason, self.spans.get(node), run) from failure
        return Run(atoms, values, rows)

    def _sequence(
        self, node: SOp, atoms: Values, values: Mapping[SOp, Values], rows: Mapping[Selector, Rows]
    ) -> Values:
        match node:
            case Tokens(view=view):
                return _each(lambda atom: read_token(view, atom, self.numbers), (atoms,))
            case Indices():
                return tuple(range(len(atoms)))
            case Constant(value=value):
                return (value,) * len(atoms)
            case Map(args=args):
                return _each(self._functions[node], [values[arg] for arg in args])
            case Aggregate(selector=selector, values=operand, default=default):
                return _aggregate(rows[selector], values[operand], default, self.numbers)
        assert_never(node)


def evaluate(
    roots: Iterable[Node], tokens: Iterable[Atom], numbers: Numbers, spans: Mapping[Node, Span] | None = None
) -> Run:
    """Evaluate the roots once; see `Interpreter.run`."""
    return Interpreter(tuple(roots), numbers, spans or {}).run(tokens)


class _At(Exception):
    """A failure at a position, before the node is known."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


# ------------------------------------------------------------------------------------------------ s-ops


def read_token(view: View, atom: Atom, numbers: Numbers) -> Atom:
    """What a view makes of one input atom; Python's conversions, or `OperatorError`."""
    match view:
        case View.ASIS:
            return to_input((atom,), numbers)[0]
        case View.BOOL:
            return bool(atom)
        case View.STR:
            return str(float(atom)) if isinstance(atom, Fraction) else str(atom)
        case View.INT | View.FLOAT:
            try:
                return int(atom) if view is View.INT else _float(atom, numbers)
            except (ValueError, OverflowError) as error:
                raise OperatorError(str(error)) from error
    assert_never(view)


def _float(atom: Atom, numbers: Numbers) -> Atom:
    value = float(atom)
    if numbers is Numbers.IEEE:
        return value
    if value in (float("inf"), float("-inf")) or value != value:
        raise OperatorError(f"{value} has no exact value")
    if not isinstance(atom, str):
        return Fraction(atom)
    # Nothing is computed whose size alone says that it is refused: `1e-999999999` has more digits than memory.
    exponent = atom.strip().lower().partition("e")[2] or "0"
    if abs(int(exponent)) > MAX_INT_BITS:
        raise OperatorError(f"rational of more than {MAX_INT_BITS} bits")
    return sized(Fraction(atom.strip()))


def _each(meaning: Callable[..., Atom], columns: Sequence[Values]) -> Values:
    """`meaning` at every position."""
    try:
        return tuple(map(meaning, *columns))
    except OperatorError:
        for position, operands in enumerate(zip(*columns, strict=True)):
            try:
                meaning(*operands)
            except OperatorError as error:
                raise _At(position, str(error)) from error
        raise


def _may_mix(node: SOp) -> bool:
    return Kind.STR in node.kinds and len(node.kinds) > 1


def _uniform(values: Values) -> Values:
    """The type rule of a sequence: all strings, or none."""
    strings = sum(isinstance(value, str) for value in values)
    if 0 < strings < len(values):
        position = next(i for i, v in enumerate(values) if isinstance(v, str) is not isinstance(values[0], str))
        raise _At(position, f"attempted to create sequence with vals of different types: {list(values)}")
    return values


def _aggregate(rows: Rows, values: Values, default: Atom, numbers: Numbers) -> Values:
    mean = _averager(values, numbers)
    found: dict[int, Atom] = {0: default}
    for position, row in enumerate(rows):
        if row not in found:
            if row & (row - 1) == 0:
                found[row] = values[row.bit_length() - 1]
            else:
                try:
                    found[row] = mean(row)
                except (OperatorError, OverflowError) as error:
                    raise _At(position, str(error)) from error
    return tuple(map(found.__getitem__, rows))


def _averager(values: Values, numbers: Numbers) -> Callable[[int], Atom]:
    """The mean of the values under a row: the sum from left to right, times 1.0, divided by the count."""
    kinds = set(map(kind_of, values))
    if Kind.STR in kinds or kinds == {Kind.BOOL}:
        return partial(_not_numbers, values)
    if Kind.REAL in kinds and numbers is Numbers.IEEE:
        return lambda row: _sum_in_order(values, row) * 1.0 / row.bit_count()
    masks = _masks(values)
    # Integers and rationals add up to the same sum in any order, so equal values are added at once.
    if numbers is Numbers.IEEE:
        return lambda row: _sum_by_value(masks, row) * 1.0 / row.bit_count()
    return lambda row: Fraction(_sum_by_value(masks, row)) / row.bit_count()


def _not_numbers(values: Values, _row: int) -> Atom:
    raise OperatorError(f"asked to average multiple values, but they are non-numbers: {list(values)}")


def _sum_in_order(values: Values, row: int) -> float:
    # Not `sum`: since Python 3.12 it compensates rounding errors, which the reference's sum does not.
    total: float = 0
    for position, value in enumerate(values):
        if row >> position & 1:
            total += value  # type: ignore[operator]  # numbers, by the caller's check
    return total


def _sum_by_value(masks: Mapping[Atom, int], row: int) -> Fraction | int:
    return sum(value * (mask & row).bit_count() for value, mask in masks.items())  # type: ignore[misc]  # numbers


def _masks(values: Values) -> dict[Atom, int]:
    """For each distinct value, the set of positions that hold it."""
    masks: dict[Atom, int] = {}
    for position, value in enumerate(values):
        masks[value] = masks.get(value, 0) | 1 << position
    return masks


# ------------------------------------------------------------------------------------------------ selectors


def _combine(junction: Junction, left: Rows, right: Rows) -> Rows:
    match junction:
        case Junction.AND:
            return tuple(a & b for a, b in zip(left, right, strict=True))
        case Junction.OR:
            return tuple(a | b for a, b in zip(left, right, strict=True))
    assert_never(junction)


def _select(node: Select, values: Mapping[SOp, Values]) -> Rows:
    keys, queries = values[node.keys], values[node.queries]
    full = (1 << len(keys)) - 1
    if any(value != value for value in keys + queries):
        return _entrywise(node.predicate, keys, queries)
    masks = _masks(keys)
    match node.predicate:
        case Predicate.EQ:
            return tuple(masks.get(query, 0) for query in queries)
        case Predicate.NE:
            return tuple(full & ~masks.get(query, 0) for query in queries)
        case Predicate.LT | Predicate.GE:
            below = _ordered(masks, keys, queries, bisect_left)
            return below if node.predicate is Predicate.LT else tuple(full & ~row for row in below)
        case Predicate.LE | Predicate.GT:
            upto = _ordered(masks, keys, queries, bisect_right)
            return upto if node.predicate is Predicate.LE else tuple(full & ~row for row in upto)
    assert_never(node.predicate)


def _ordered(masks: Mapping[Atom, int], keys: Values, queries: Values, cut: Callable[[list[Atom], Atom], int]) -> Rows:
    """For each query the keys before its cut in the sorted keys."""
    if isinstance(keys[0], str) is not isinstance(queries[0], str):
        raise _At(0, f"cannot order {kind_of(keys[0]).value} and {kind_of(queries[0]).value}")
    distinct = sorted(masks)  # all strings or all numbers, by the type rule
    upto = list(accumulate((masks[value] for value in distinct), or_, initial=0))
    rows = {query: upto[cut(distinct, query)] for query in set(queries)}
    return tuple(map(rows.__getitem__, queries))


def _entrywise(predicate: Predicate, keys: Values, queries: Values) -> Rows:
    """Entry by entry: only needed where a value differs from itself (an IEEE NaN)."""
    compare = function(PREDICATE_OP[predicate], Numbers.IEEE)
    try:
        return tuple(sum(1 << j for j, key in enumerate(keys) if compare(key, query)) for query in queries)
    except OperatorError as error:
        raise _At(0, str(error)) from error
