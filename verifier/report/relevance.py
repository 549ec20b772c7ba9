"""What one position of one s-op really depended on in a run: the dynamic backward slice.

x[i] of a map          depends on the operands at i
x[i] of an aggregate   depends on the selected values, and on row i of its selector
s[i] of a select       depends on the queries at i and on the keys at every position that was selected
                       (on all keys when none was: that none fits is then what matters; and when the select failed)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from spec.graph import Aggregate, Combine, Constant, Indices, Map, Negate, Node, Select, Selector, Tokens
from spec.interp import Run

Cell: TypeAlias = tuple[Node, int]


@dataclass(frozen=True)
class Relevant:
    """The cells `(s-op, position)` and rows `(selector, query position)` that matter."""

    cells: frozenset[Cell]

    def positions(self, node: Node) -> frozenset[int]:
        """The positions of a node that matter."""
        return frozenset(position for seen, position in self.cells if seen is node)


def relevant(run: Run, starts: Iterable[Cell]) -> Relevant:
    """Everything that the cells `starts` depend on in this run, themselves included."""
    seen: set[Cell] = set()
    stack: list[Cell] = list(starts)
    while stack:
        cell = stack.pop()
        if cell not in seen:
            seen.add(cell)
            stack.extend(_depends_on(run, *cell))
    return Relevant(frozenset(seen))


def _depends_on(run: Run, node: Node, at: int) -> list[Cell]:
    match node:
        case Tokens() | Indices() | Constant():
            return []
        case Map(args=args):
            return [(arg, at) for arg in args]
        case Aggregate(selector=selector, values=values):
            return [(selector, at), *((values, j) for j in _chosen(run, selector, at))]
        case Select(keys=keys, queries=queries):
            chosen = _chosen(run, node, at) if node in run.rows else []
            return [(queries, at), *((keys, j) for j in chosen or range(run.n))]
        case Negate(operand=operand):
            return [(operand, at)]
        case Combine(left=left, right=right):
            return [(left, at), (right, at)]
    assert_never(node)


def _chosen(run: Run, selector: Selector, at: int) -> list[int]:
    row = run.rows[selector][at]
    return [j for j in range(run.n) if row >> j & 1]
