"""Products of sets of leaf values as boxes of numbers: their union, and what s-ops are on them, found cell by cell."""

from collections.abc import Iterable, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from compiled.meaning.combinations import Combinations
from compiled.meaning.leaves import Leaf, Tuple
from spec.graph import SOp
from spec.values import Atom, atom_key

if TYPE_CHECKING:
    from compiled.meaning.values import Domain

Codes: TypeAlias = npt.NDArray[np.int64]
MAX_CELLS: Final = 1 << 20
MAX_NUMBER: Final = 1 << 62
UNKNOWN: Final = -1
NO_VALUE: Final = -2


class Labels:
    """A number for each value that a leaf can have; values of different kinds are different."""

    def __init__(self, values: Sequence[Atom]) -> None:
        self.values = values
        self._index = {atom_key(value): k for k, value in enumerate(values)}

    def of(self, values: Iterable[Atom]) -> Codes:
        """The numbers of these values."""
        return np.array([self._index[atom_key(value)] for value in values], dtype=np.int64)


def union(numbers: Sequence[Labels], boxes: Iterable[Sequence[Codes]]) -> Combinations:
    """Every tuple of one of the boxes once, in the order of the boxes."""
    return tuples(numbers, *_joined(numbers, boxes))


def tuples(numbers: Sequence[Labels], columns: Sequence[Codes], size: int) -> Combinations:
    """So many tuples, from the columns of their numbers."""
    return Combinations([one.values for one in numbers], columns, size)


def _joined(numbers: Sequence[Labels], boxes: Iterable[Sequence[Codes]]) -> tuple[Sequence[Codes], int]:
    """The different points of the boxes, column by column, and how many they are."""
    shape = tuple(max(1, len(one.values)) for one in numbers)
    if prod(shape) > MAX_NUMBER:
        rows = list(dict.fromkeys(row for box in boxes for row in product(*[codes.tolist() for codes in box])))
        return list(np.array(rows, dtype=np.int64).reshape(len(rows), len(shape)).T), len(rows)
    flat = [np.zeros(0, dtype=np.int64)]
    for box in boxes:
        key = np.zeros(1, dtype=np.int64)
        for size, codes in zip(shape, box, strict=True):
            key = (key[:, None] * size + codes[None, :]).reshape(-1)
        flat.append(key)
    keys, first = np.unique(np.concatenate(flat), return_index=True)
    keys = keys[np.argsort(first, kind="stable")]
    return (np.unravel_index(keys, shape) if numbers else ()), len(keys)


class Grid:
    """The values of some s-ops for every combination of values of their leaves that has been asked for."""

    def __init__(
        self, domain: "Domain", sops: Sequence[SOp], leaves: Sequence[Leaf], numbers: Sequence[Labels]
    ) -> None:
        self.domain, self.sops, self.leaves, self.numbers = domain, sops, leaves, numbers
        self._cells = np.full([max(1, len(one.values)) for one in numbers], UNKNOWN, dtype=np.int64)
        self._rows: list[Tuple] = []
        self._places: dict[int, int] = {}

    def fill(self, boxes: Iterable[Sequence[Codes]]) -> None:
        """Find the values on all of these boxes: faster than one box after the other."""
        self._find(*_joined(self.numbers, boxes))

    def rows(self, box: Sequence[Codes]) -> tuple[Tuple, ...]:
        """The different tuples of values of the s-ops on this box; equal ones are one object."""
        at = np.ix_(*box)
        cells = self._cells[at]
        if (cells == UNKNOWN).any():
            unknown = np.argwhere(cells == UNKNOWN)
            self._find([codes[unknown[:, k]] for k, codes in enumerate(box)], len(unknown))
            cells = self._cells[at]
        return tuple(self._rows[k] for k in np.unique(cells).tolist() if k >= 0)

    def _find(self, columns: Sequence[Codes], size: int) -> None:
        rows = tuples(self.numbers, columns, size)
        found = []
        for row in self.domain.results(self.sops, self.leaves, rows):
            if row is None:
                found.append(NO_VALUE)
                continue
            if id(row) not in self._places:
                self._places[id(row)] = len(self._rows)
                self._rows.append(row)
            found.append(self._places[id(row)])
        self._cells[tuple(columns)] = found if columns else found[0]


def grid(domain: "Domain", sops: Sequence[SOp], leaves: Sequence[Leaf], numbers: Sequence[Labels]) -> Grid | None:
    """A grid, if it is small enough to be held."""
    small = prod(max(1, len(one.values)) for one in numbers) <= MAX_CELLS
    return Grid(domain, sops, leaves, numbers) if small else None
