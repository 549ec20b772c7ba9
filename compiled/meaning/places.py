"""Places: a length and a position in it. They have a number, in the order of lengths, then of positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from compiled.numbering import Ids, distinct_rows

Place: TypeAlias = tuple[int, int]
"""The length, and the position."""


def index(m: int, i: int) -> int:
    """The number of a place: `1 + .. + (m - 1)` are shorter."""
    return m * (m - 1) // 2 + i


def of_length(m: int) -> slice:
    """The numbers of the places of one length."""
    return slice(index(m, 0), index(m, m))


@dataclass(frozen=True, eq=False)
class Kinds:
    """Which places are alike: for each the number of its kind, and of each kind the first place; by number."""

    number: Ids
    first: Sequence[Place]

    @classmethod
    def of(cls, columns: Sequence[Ids], places: Sequence[Place]) -> "Kinds":
        """Places are alike where they have the same number in all columns."""
        first, kind = distinct_rows(columns, len(places))
        order = np.argsort(first)
        number = np.empty(len(first), dtype=np.int64)
        number[order] = np.arange(len(first))
        return cls(number[kind], [places[k] for k in first[order].tolist()])
