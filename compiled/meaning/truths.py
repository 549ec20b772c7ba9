"""The truth of a formula for all values at the query and all at the key at once.

An operator is called once for each pair of values of two s-ops that are compared, not once for each pair of tuples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias, assert_never

import numpy as np
import numpy.typing as npt

from compiled.meaning.columns import Numbered
from compiled.meaning.formula import Both, Formula, Holds, Literal, literals
from compiled.meaning.leaves import Tuple
from spec.graph import Select, SOp
from spec.operators import PREDICATE_OP, OperatorError, function
from spec.values import Numbers

Flags: TypeAlias = npt.NDArray[np.bool_]
FAILS: Final = 2


@dataclass(frozen=True, eq=False)
class Side:
    """Tuples of values of the s-ops that are read at the key, or at the query."""

    sops: tuple[SOp, ...]
    rows: Sequence[Tuple]

    @cached_property
    def columns(self) -> Mapping[SOp, Numbered]:
        """Per s-op its values, and the number of its value in each tuple."""
        return {sop: Numbered.of(row[k] for row in self.rows) for k, sop in enumerate(self.sops)}


@dataclass(frozen=True, eq=False)
class Truths:
    """For each query and each key whether the formula holds, and whether it fails to; neither, where it has no
    value."""

    holds: Flags
    fails: Flags


def truths(part: Formula, queries: Side, keys: Side, numbers: Numbers) -> Truths:
    """Of shape (queries, keys). Every comparison is made, as in the interpreter: one that has no value decides."""
    shape = len(queries.rows), len(keys.rows)
    atoms = {literal.atom: _compared(literal.atom, queries, keys, numbers) for literal in literals(part)}
    valued = np.ones(shape, dtype=np.bool_)
    for table in atoms.values():
        valued &= table != FAILS
    holds = _combined(part, atoms, shape)
    return Truths(valued & holds, valued & ~holds)


def _compared(atom: Select | Holds, queries: Side, keys: Side, numbers: Numbers) -> npt.NDArray[np.int8]:
    """The truth of one comparison, or `FAILS`."""
    match atom:
        case Holds(sop, value):
            column = keys.columns[sop]
            table = np.array([[one == value for one in column.values]], dtype=np.int8)
            return np.broadcast_to(table[:, column.codes], (len(queries.rows), len(keys.rows)))
        case Select(keys=at_key, queries=at_query, predicate=predicate):
            test = function(PREDICATE_OP[predicate], numbers)
            left, right = keys.columns[at_key], queries.columns[at_query]
            found = np.full((len(right.values), len(left.values)), FAILS, dtype=np.int8)
            for j, query in enumerate(right.values):
                for k, key in enumerate(left.values):
                    try:
                        found[j, k] = bool(test(key, query))
                    except OperatorError:
                        continue
            return found[np.ix_(right.codes, left.codes)]
    assert_never(atom)


def _combined(part: Formula, atoms: Mapping[Select | Holds, npt.NDArray[np.int8]], shape: tuple[int, int]) -> Flags:
    """What the formula makes of the truths of its comparisons; formulas are as deep as the selector was written."""
    match part:
        case Literal(atom, positive):
            flags: Flags = (atoms[atom] == 1) == positive
            return flags
        case Both(parts):
            found = np.ones(shape, dtype=np.bool_)
            for one in parts:
                found &= _combined(one, atoms, shape)
            return found
        case _:
            found = np.zeros(shape, dtype=np.bool_)
            for one in part.parts:
                found |= _combined(one, atoms, shape)
            return found
