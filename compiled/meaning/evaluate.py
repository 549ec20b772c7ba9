"""What s-ops are when their leaves are known: on one row after the other, or operator by operator on all rows."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, assert_never

import numpy as np

from compiled.meaning.columns import NO_VALUE, Numbered, Operator, Results, apply
from compiled.meaning.combinations import Combinations
from compiled.meaning.leaves import INPUT, POSITION, Definition, Leaf, Stored
from spec.graph import Aggregate, Constant, Indices, Map, SOp, Tokens
from spec.interp import read_token
from spec.operators import function
from spec.values import Atom

if TYPE_CHECKING:
    from compiled.meaning.values import Domain


def by_column(domain: "Domain", sops: Sequence[SOp], leaves: Sequence[Leaf], rows: Combinations) -> Results:
    """The values of the s-ops on each row, every operator once for each combination of operands that occurs."""
    columns = {
        leaf: Numbered(values, codes, kept=values is domain.numbers_of(leaf).values)
        for leaf, values, codes in zip(leaves, rows.values, rows.codes, strict=True)
    }
    size, found = len(rows), dict[SOp, Numbered]()
    for node in domain.cone(sops):
        if node in domain.definitions:
            defined = domain.definitions[node]
            found[node] = apply(defined.of_sum, [_total(defined, columns, size)], size)
            continue
        match node:
            case Tokens(view=view):
                read = partial(read_token, view, numbers=domain.numbers)
                found[node] = apply(read, [columns[INPUT]], size)
            case Indices():
                found[node] = columns[POSITION]
            case Constant(value=value):
                found[node] = apply(lambda value=value: value, [], size)
            case Aggregate():
                found[node] = columns[node]
            case Map() if domain.is_stored(node):
                found[node] = columns[Stored(node)]
            case Map(args=args, op=op):
                operator = domain.operators.setdefault(node, Operator(function(op, domain.numbers)))
                found[node] = operator([found[arg] for arg in args], size)
            case _:
                assert_never(node)
    together = apply(lambda *row: row, [found[sop] for sop in sops], size)
    fails = np.zeros(size, dtype=bool)
    for column in found.values():
        fails |= column.codes == NO_VALUE
    return Results(together.values, np.where(fails, NO_VALUE, together.codes))


def _total(defined: Definition, columns: Mapping[Leaf, Numbered], size: int) -> Numbered:
    """The weighted sum of the counts, which all have values: few sums of many combinations are different."""
    totals = np.zeros(size, dtype=np.int64)
    for leaf, weight in zip(defined.leaves, defined.weights, strict=True):
        counts = np.array([int(value) for value in columns[leaf].values], dtype=np.int64)
        totals += weight * counts[columns[leaf].codes]
    values, codes = np.unique(totals, return_inverse=True)
    return Numbered(values.tolist(), codes)


def step(
    domain: "Domain", node: SOp, place: Mapping[Leaf, int], slots: Mapping[SOp, int]
) -> Callable[[list[Atom]], Atom]:
    """How a node follows from the values of leaves, in these places, and of s-ops, in these slots of a row."""
    if node in domain.definitions:
        defined = domain.definitions[node]
        where = [place[leaf] for leaf in defined.leaves]
        return lambda row: defined.value(*[row[k] for k in where])
    match node:
        case Tokens(view=view):
            k = place[INPUT]
            return lambda row: read_token(view, row[k], domain.numbers)
        case Indices():
            k = place[POSITION]
            return lambda row: row[k]
        case Constant(value=value):
            return lambda _row: value
        case Aggregate():
            k = place[node]
            return lambda row: row[k]
        case Map() if domain.is_stored(node):
            k = place[Stored(node)]
            return lambda row: row[k]
        case Map(args=args, op=op):
            meaning = function(op, domain.numbers)
            arguments = [slots[arg] for arg in args]
            if len(arguments) == 1:
                k = arguments[0]
                return lambda row: meaning(row[k])
            if len(arguments) == 2:
                j, k = arguments
                return lambda row: meaning(row[j], row[k])
            return lambda row: meaning(*[row[k] for k in arguments])
    assert_never(node)
