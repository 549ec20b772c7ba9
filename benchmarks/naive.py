"""The semantics of `spec.graph` taken literally: a selector is a matrix, an aggregate goes through its rows.

Nothing is shared with `spec.interp` but the elementwise operators. It is the baseline where the reference
implementation is not at hand, and a second opinion on the interpreter's values.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import assert_never

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
from spec.operators import PREDICATE_OP, OperatorError, apply
from spec.values import Atom, Kind, Numbers, kind_of

Matrix = list[list[bool]]


def evaluate(root: SOp, tokens: Sequence[Atom], numbers: Numbers) -> list[Atom]:
    """The values of `root` on strings; where it has none, `OperatorError` or what Python raises there."""
    values: dict[SOp, list[Atom]] = {}
    matrices: dict[Selector, Matrix] = {}
    for node in topological([root]):
        _evaluate(node, tokens, numbers, values, matrices)
        if isinstance(node, SOp) and len({kind_of(value) is Kind.STR for value in values[node]}) > 1:
            raise OperatorError("attempted to create sequence with vals of different types")
    return values[root]


def _evaluate(
    node: Node,
    tokens: Sequence[Atom],
    numbers: Numbers,
    values: dict[SOp, list[Atom]],
    matrices: dict[Selector, Matrix],
) -> None:
    n = len(tokens)
    match node:
        case Tokens(view=view):
            values[node] = [_read(view, atom, numbers) for atom in tokens]
        case Indices():
            values[node] = list(range(n))
        case Constant(value=value):
            values[node] = [value for _ in range(n)]
        case Map(op=op, args=args):
            values[node] = [apply(op, [values[arg][i] for arg in args], numbers) for i in range(n)]
        case Aggregate(selector=selector, values=operand, default=default):
            values[node] = [_aggregate(row, values[operand], default, numbers) for row in matrices[selector]]
        case Select(keys=keys, queries=queries, predicate=predicate):
            op, k, q = PREDICATE_OP[predicate], values[keys], values[queries]
            matrices[node] = [[bool(apply(op, [k[j], q[i]], numbers)) for j in range(n)] for i in range(n)]
        case Negate(operand=selector):
            matrices[node] = [[not entry for entry in row] for row in matrices[selector]]
        case Combine(junction=junction, left=left, right=right):
            rows = zip(matrices[left], matrices[right], strict=True)
            matrices[node] = [[_join(junction, a, b) for a, b in zip(*pair, strict=True)] for pair in rows]
        case _:
            assert_never(node)


def _read(view: View, atom: Atom, numbers: Numbers) -> Atom:
    match view:
        case View.STR:
            return str(atom)
        case View.INT:
            return int(atom)
        case View.FLOAT:
            value = float(atom)
            return value if numbers is Numbers.IEEE else Fraction(atom)
        case View.BOOL:
            return bool(atom)
        case View.ASIS:
            return atom
    assert_never(view)


def _join(junction: Junction, left: bool, right: bool) -> bool:
    return (left and right) if junction is Junction.AND else (left or right)


def _aggregate(row: list[bool], values: list[Atom], default: Atom, numbers: Numbers) -> Atom:
    chosen = [value for value, entry in zip(values, row, strict=True) if entry]
    if not chosen:
        return default
    if len(chosen) == 1:
        return chosen[0]
    kinds = {kind_of(value) for value in values}
    if Kind.STR in kinds or kinds == {Kind.BOOL}:
        raise OperatorError("asked to average multiple values, but they are non-numbers")
    if numbers is Numbers.EXACT:
        return sum((Fraction(value) for value in chosen), Fraction(0)) / len(chosen)
    total: float = 0
    for value in chosen:
        total += value if isinstance(value, int) else float(value)
    return total * 1.0 / len(chosen)
