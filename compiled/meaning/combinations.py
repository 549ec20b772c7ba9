"""Combinations of values of leaves, column by column: thousands of them are looked at without a tuple for each."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np

from compiled.meaning.leaves import Tuple
from compiled.numbering import Ids
from spec.values import Atom, atom_key


class Combinations(Sequence[Tuple]):
    """Tuples of values: `values[k]` are those of leaf k, `codes[k]` the number of its value in each tuple."""

    def __init__(self, values: Sequence[Sequence[Atom]], codes: Sequence[Ids], size: int) -> None:
        self.values, self.codes, self.size = tuple(values), tuple(codes), size

    @classmethod
    def of(cls, rows: Sequence[Tuple], width: int) -> "Combinations":
        """These tuples; values of different kinds have different numbers."""
        if isinstance(rows, Combinations):
            return rows
        values: list[list[Atom]] = []
        codes: list[Ids] = []
        for k in range(width):
            known: dict[object, int] = {}
            own: list[Atom] = []
            column = []
            for row in rows:
                column.append(known.setdefault(atom_key(row[k]), len(own)))
                if column[-1] == len(own):
                    own.append(row[k])
            values.append(own)
            codes.append(np.array(column, dtype=np.int64))
        return cls(values, codes, len(rows))

    @cached_property
    def rows(self) -> list[Tuple]:
        """Every tuple."""
        pairs = zip(self.values, self.codes, strict=True)
        found = [list(map(values.__getitem__, codes.tolist())) for values, codes in pairs]
        return list(zip(*found, strict=True)) if found else [()] * self.size

    @property
    def numbers(self) -> list[Ids]:
        """Per leaf a number of its value in each tuple, the same for values that are equal, kinds apart."""
        found = []
        for values, codes in zip(self.values, self.codes, strict=True):
            first: dict[Atom, int] = {}
            found.append(
                np.array([first.setdefault(value, k) for k, value in enumerate(values)], dtype=np.int64)[codes]
            )
        return found

    def kept(self, which: Ids) -> "Combinations":
        """Those with these numbers."""
        return Combinations(self.values, [codes[which] for codes in self.codes], len(which))

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, at: int) -> Tuple: ...
    @overload
    def __getitem__(self, at: slice) -> list[Tuple]: ...
    def __getitem__(self, at: int | slice) -> Tuple | list[Tuple]:
        return self.rows[at]

    def __iter__(self) -> Iterator[Tuple]:
        return iter(self.rows)
