"""Operators on columns: each is called once for every combination of operands that occurs, not once for every row."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from compiled.errors import Refused
from compiled.meaning.combinations import Combinations
from compiled.numbering import Memory, distinct_rows
from spec.operators import OperatorError
from spec.values import Atom, atom_key

NO_VALUE: Final = -1
KINDS: Final = "an s-op depends on whether a number is an integer, a real or a boolean"
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Numbered:
    """A column: its different values, and the number of the one in each row, `NO_VALUE` where there is none.

    `kept`: other columns have the same list of values, which may grow.
    """

    values: Sequence[Any]
    codes: Codes
    kept: bool = False

    @classmethod
    def of(cls, atoms: Iterable[Atom]) -> "Numbered":
        """The column of these atoms; those of different kinds are different."""
        index: dict[object, int] = {}
        values: list[Atom] = []
        codes: list[int] = []
        for atom in atoms:
            key = (type(atom), atom) if type(atom) is not float else atom_key(atom)
            if key not in index:
                index[key] = len(values)
                values.append(atom)
            codes.append(index[key])
        return cls(values, np.array(codes, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Results:
    """Tuples of values of s-ops on many states: `rows[codes[k]]` on state k, none where it is `NO_VALUE`."""

    rows: Sequence[tuple[Any, ...]]
    codes: Codes

    @classmethod
    def of(cls, found: Sequence[tuple[Any, ...] | None]) -> "Results":
        """These results, of which equal ones are one object."""
        places: dict[int, int] = {}
        rows: list[tuple[Any, ...]] = []
        codes = []
        for row in found:
            if row is not None and id(row) not in places:
                places[id(row)] = len(rows)
                rows.append(row)
            codes.append(NO_VALUE if row is None else places[id(row)])
        return cls(rows, np.array(codes, dtype=np.int64))

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """On which states there are values."""
        known: npt.NDArray[np.bool_] = self.codes != NO_VALUE
        return known

    def listed(self) -> "list[tuple[Any, ...] | None]":
        """The tuple of each state."""
        rows = [*self.rows, None]  # `NO_VALUE` is the last
        return [rows[code] for code in self.codes.tolist()]

    @cached_property
    def numbers(self) -> Codes:
        """For each row a number, that of the first which is equal, kinds apart."""
        first: dict[tuple[Any, ...], int] = {}
        return np.array([first.setdefault(row, k) for k, row in enumerate(self.rows)], dtype=np.int64)


def different(tuples: Combinations, found: Results) -> tuple[Combinations, Results]:
    """The tuples that have values, those once that are equal as numbers; `Refused` when kinds decide a value."""
    known = np.flatnonzero(found.known)
    if len(known) and any(len(set(values)) < len(values) for values in tuples.values):
        first, place = distinct_rows([column[known] for column in tuples.numbers], len(known))
        numbers = found.numbers[found.codes[known]]
        if (numbers != numbers[first][place]).any():
            raise Refused(KINDS)
        known = known[np.sort(first)]
    return tuples.kept(known), Results(found.rows, found.codes[known])


def apply(meaning: Callable[..., Any], operands: Sequence[Numbered], size: int) -> Numbered:
    """The column of results; a row has none where an operand has none or the operator fails."""
    fails = np.zeros(size, dtype=bool)
    for one in operands:
        fails |= one.codes == NO_VALUE
    rows = np.flatnonzero(~fails)
    first, place = distinct_rows((one.codes[rows] for one in operands), len(rows))
    rows = rows[first]
    values: list[Any] = []
    codes = np.full(len(rows), NO_VALUE, dtype=np.int64)
    index: dict[object, int] = {}
    arguments = [[one.values[k] for k in one.codes[rows].tolist()] for one in operands]
    for k, given in enumerate(zip(*arguments, strict=True) if arguments else [()] * len(rows)):
        try:
            value = meaning(*given)
        except OperatorError:
            continue
        same = value if isinstance(value, tuple) else atom_key(value)
        same = tuple(map(atom_key, value)) if isinstance(value, tuple) else same
        if same not in index:
            index[same] = len(values)
            values.append(value)
        codes[k] = index[same]
    found = np.full(size, NO_VALUE, dtype=np.int64)
    found[~fails] = codes[place]
    return Numbered(values, found)


class Operator:
    """An operator that is applied to many columns: what it gives for values that are kept is kept."""

    def __init__(self, meaning: Callable[..., Atom]) -> None:
        self._meaning = meaning
        self._values: list[Atom] = []
        self._index: dict[object, int] = {}
        self._memories: dict[tuple[int, ...], tuple[Sequence[Numbered], Memory]] = {}

    def __call__(self, operands: Sequence[Numbered], size: int) -> Numbered:
        """As `apply`."""
        if not operands or not all(one.kept for one in operands):
            return apply(self._meaning, operands, size)
        key = tuple(id(one.values) for one in operands)
        if key not in self._memories:
            # The operands are kept, so that no other list of values has the identity of theirs.
            self._memories[key] = operands, Memory(partial(self._make, [one.values for one in operands]))
        fails = np.zeros(size, dtype=bool)
        for one in operands:
            fails |= one.codes == NO_VALUE
        codes = [one.codes[~fails] for one in operands] if fails.any() else [one.codes for one in operands]
        known = self._memories[key][1].of(codes, [len(one.values) for one in operands])
        if known is None:
            return apply(self._meaning, operands, size)
        found = np.full(size, NO_VALUE, dtype=np.int64)
        found[~fails] = known
        return Numbered(self._values, found, kept=True)

    def _make(self, operands: Sequence[Sequence[Atom]], *numbers: int) -> int:
        """The number of what it gives for the operands with these numbers, or `NO_VALUE`."""
        try:
            value = self._meaning(*[values[k] for values, k in zip(operands, numbers, strict=True)])
        except OperatorError:
            return NO_VALUE
        number = self._index.setdefault(atom_key(value), len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number
