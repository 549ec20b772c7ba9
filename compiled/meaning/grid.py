"""Products of sets of leaf values as boxes of numbers: their union, and what s-ops are on them, found cell by cell."""

from collections.abc import Iterable, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from compiled.meaning.columns import Results
from compiled.meaning.combinations import Combinations
from compiled.meaning.leaves import Classes, Leaf, Tuple
from compiled.meaning.places import of_length
from spec.graph import SOp
from spec.values import Atom, atom_key

if TYPE_CHECKING:
    from compiled.meaning.values import Domain

Codes: TypeAlias = npt.NDArray[np.int64]
MAX_CELLS: Final = 1 << 20
MAX_FILLED: Final = 200_000
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

    def fill(self, columns: Sequence[Codes], found: Results) -> None:
        """Enter the values on all that occur: faster than one box after the other."""
        self._rows = list(found.rows)
        self._places = {id(row): k for k, row in enumerate(self._rows)}
        codes = np.where(found.known, found.codes, NO_VALUE)
        self._cells[tuple(columns)] = codes if columns else codes[0]

    def rows(self, box: Sequence[Codes]) -> tuple[Tuple, ...]:
        """The different tuples of values of the s-ops on this box; equal ones are one object."""
        at = tuple(codes.reshape([-1 if j == k else 1 for j in range(len(box))]) for k, codes in enumerate(box))
        cells = self._cells[at]
        unknown = cells == UNKNOWN
        if unknown.any():
            asked = np.argwhere(unknown)
            self._find([codes[asked[:, k]] for k, codes in enumerate(box)], len(asked))
            cells = self._cells[at]
        present = np.zeros(len(self._rows) + 1, dtype=np.bool_)
        present[np.where(cells == NO_VALUE, len(self._rows), cells)] = True
        return tuple([self._rows[k] for k in np.flatnonzero(present[:-1]).tolist()])

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


Cells: TypeAlias = tuple[list[Labels], list[Codes], Grid | None]
"""Per leaf numbers of representatives, and which of them each number of a value is; and a grid if it is small."""


def cells_of(domain: "Domain", sops: tuple[SOp, ...], leaves: tuple[Leaf, ...], classes: Classes) -> Cells:
    """The cells of some s-ops, all that occur found at once where they are not too many."""
    numbers, places = [], []
    for leaf in leaves:
        labels = domain.numbers_of(leaf)
        place = np.arange(len(labels.values))
        if leaf in classes:
            used = [domain.class_codes(leaf, classes, *at) for at in domain.kinds((leaf,)).first]
            shown = np.unique(np.concatenate(used))
            place = np.searchsorted(shown, place)
            labels = Labels([labels.values[code] for code in shown.tolist()])
        numbers.append(labels)
        places.append(place)
    cells = grid(domain, sops, leaves, numbers)
    if cells is not None and domain.size(leaves, classes) <= MAX_FILLED:
        tuples, found = domain.everywhere(sops)
        cells.fill([place[codes] for place, codes in zip(places, tuples.codes, strict=True)], found)
    return numbers, places, cells


class Numbering:
    """Numbers for the sets of tuples of values that some s-ops have at each place."""

    def __init__(self, domain: "Domain", sops: tuple[SOp, ...]) -> None:
        self.domain, self.sops, self.leaves = domain, sops, domain.leaves_of(sops)
        self._by_kind: Codes = np.zeros(0, dtype=np.int64)
        self._by_content: dict[object, int] = {}
        self.sets: list[Sequence[Tuple]] = []
        """By number, of the places that have been asked for."""
        self._rows: dict[int, Codes] = {}

    def row(self, m: int) -> Codes:
        """Those of every position of words of one length."""
        if m not in self._rows:
            kinds = self.domain.kinds(self.leaves)
            if not len(self._by_kind):
                self._by_kind = np.full(len(kinds.first), UNKNOWN, dtype=np.int64)
            own = kinds.number[of_length(m)]
            for kind in dict.fromkeys(own[self._by_kind[own] == UNKNOWN].tolist()):
                tuples = self.domain.joint(self.sops, *kinds.first[kind])
                self._by_kind[kind] = self._by_content.setdefault(frozenset(map(id, tuples)), len(self.sets))
                if self._by_kind[kind] == len(self.sets):
                    self.sets.append(tuples)
            self._rows[m] = self._by_kind[own]
        return self._rows[m]
