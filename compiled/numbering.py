"""Numbers for equal entries of arrays, and tables of what functions of numbers gave: where combinations are listed."""

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Ids: TypeAlias = npt.NDArray[np.int64]
FEW: Final = 1 << 10
LARGEST: Final = 1 << 62
"""Keys of few rows may be as large as numbers are."""
UNKNOWN: Final = -2
"""In a table, where the function has not been asked for yet."""
LARGEST_TABLE: Final = 1 << 19
"""The most entries of a table that is kept: 4 MiB."""


def distinct(keys: Ids, bound: int) -> tuple[Ids, Ids]:
    """Of keys in 0..bound-1: where each different one is first, in ascending order, and which of them each is."""
    if bound > 8 * len(keys) + (1 << 12):
        _, first, place = np.unique(keys, return_index=True, return_inverse=True)
        return first, place
    first = np.full(bound, len(keys), dtype=np.int64)
    first[keys[::-1]] = np.arange(len(keys))[::-1]  # the last entry that is written stays
    known = np.flatnonzero(first < len(keys))
    number: Ids = np.zeros(bound, dtype=np.int64)
    number[known] = np.arange(len(known))
    return first[known], number[keys]


def distinct_rows(columns: Iterable[Ids], size: int) -> tuple[Ids, Ids]:
    """The first of each kind of equal rows of these columns, none negative, and for each row the number of its kind."""
    # Rows are the digits of one key; numbered in between where a key that fits into a table is better than a sort.
    key: Ids = np.zeros(size, dtype=np.int64)
    bound, most = 1, LARGEST if size < FEW else 8 * size + (1 << 12)
    for column in columns:
        digits = int(column.max(initial=0)) + 1
        if bound > 1 and bound * digits > most:
            first, key = distinct(key, bound)
            bound = max(1, len(first))
        key, bound = key * digits + column, bound * digits
    return distinct(key, bound)


def columns_alike(table: Ids) -> tuple[list[int], list[int]]:
    """The first of each kind of equal columns, and for each column the number of its kind: faster than by numbers where
    the columns are few and long."""
    contents, width = np.ascontiguousarray(table.T).tobytes(), table.shape[0] * table.itemsize
    number: dict[bytes, int] = {}
    first, kinds = list[int](), list[int]()
    for k in range(table.shape[1]):
        kinds.append(number.setdefault(contents[k * width : (k + 1) * width], len(first)))
        if kinds[-1] == len(first):
            first.append(k)
    return first, kinds


class Memory:
    """A function of numbers that are not negative, as a table of what it gave so far."""

    def __init__(self, make: Callable[..., int]) -> None:
        """`make` gives -1 or more; it is called once for each combination, when it is asked for."""
        self._make = make
        self._table: Ids | None = None

    def of(self, columns: Sequence[Ids], bounds: Sequence[int]) -> Ids | None:
        """What it gives for each row of these columns, one at least, of numbers below the bounds; None where the table
        would be too large."""
        known = np.zeros([0] * len(bounds), dtype=np.int64) if self._table is None else self._table
        room = tuple(map(max, known.shape, bounds))
        if prod(room) > LARGEST_TABLE:
            return None
        if self._table is None or room != known.shape:
            self._table = np.full(room, UNKNOWN, dtype=np.int64)
            self._table[tuple(map(slice, known.shape))] = known
        flat, table = np.ravel_multi_index(columns, room), self._table.reshape(-1)
        unknown = flat[table[flat] == UNKNOWN]
        if len(unknown):
            asked = unknown[distinct(unknown, len(table))[0]]
            rows = zip(*(part.tolist() for part in np.unravel_index(asked, room)), strict=True)
            table[asked] = [self._make(*row) for row in rows]
        found: Ids = table[flat]
        return found
