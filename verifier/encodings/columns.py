"""The values of terms on whole batches of inputs: arrays of small codes, and tables from codes to codes.

A `Column` holds one value per input of a batch. Truth values that do not fail are arrays of bool; everything else is
an array of local codes, numbered as they turn up, which `Values` translates to the codes of
`verifier.encodings.meaning`. A `Table` applies a function of codes: it asks the function once per combination of
operands that really occurs, and gathers the results from then on. Arrays broadcast: what depends on few positions is
computed on few inputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from spec.diagnostics import InternalError
from verifier.encodings.meaning import FALSE, TRUE, Coded

Array: TypeAlias = npt.NDArray[Any]
"""Bool, or integers of any width."""

DENSE: Final = 1 << 17
"""The largest table kept as an array; larger ones are dictionaries."""

TRUTH: Final = (FALSE, TRUE)


class Values:
    """The values that a term has taken so far: local code -> code, and back.

    The truth values always come first, so that local codes mean the same whether or not a column is one of bool.
    """

    def __init__(self) -> None:
        self.codes: list[int] = list(TRUTH)
        self.local: dict[int, int] = {code: i for i, code in enumerate(TRUTH)}

    def add(self, code: int) -> int:
        """The local code of a code."""
        found = self.local.get(code)
        if found is None:
            found = self.local[code] = len(self.codes)
            self.codes.append(code)
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """One value per input; `values` is `None` for an array of bool."""

    data: Array
    values: Values | None = None

    @property
    def codes(self) -> Sequence[int]:
        """Local code -> code."""
        return TRUTH if self.values is None else self.values.codes

    @property
    def is_truth(self) -> bool:
        """Whether the data are bool."""
        return self.values is None


class TooManyValues(Exception):
    """The operands have more values than indices can number."""


class Table:
    """A function of codes, applied to columns. Without `values` the results are truth values that never fail."""

    def __init__(self, meaning: Coded, values: Values | None) -> None:
        self.meaning = meaning
        self.values = values
        self._dtype: type[np.int8 | np.int32] = np.int8 if values is None else np.int32
        self._sizes: tuple[int, ...] = ()
        self._dense: Array | None = None
        self._missing = 0
        self._sparse: dict[int, int] = {}

    def __call__(self, *columns: Column) -> Column:
        """The function, input by input."""
        self._resize(columns)
        index = self._index(columns)
        data = self._by_search(index, columns) if self._dense is None else self._gather(self._dense, index, columns)
        return Column(data.view(np.bool_) if self.values is None else data, self.values)

    def _resize(self, columns: Sequence[Column]) -> None:
        """Make room for all values that the operands have; room grows by doubling, so that this is rare."""
        if self._sizes and all(len(c.codes) <= size for c, size in zip(columns, self._sizes, strict=True)):
            return
        sizes = tuple(1 << (len(c.codes) - 1).bit_length() for c in columns)
        entries = prod(sizes)
        if entries >= 1 << 62:
            raise TooManyValues(f"a table of {entries} entries")
        self._sizes, self._missing, self._sparse = sizes, entries, {}
        self._dense = np.full(entries, -1, self._dtype) if entries <= DENSE else None

    def _index(self, columns: Sequence[Column]) -> Array:
        index: Array = columns[0].data.astype(np.intp, copy=False)
        for column, size in zip(columns[1:], self._sizes[1:], strict=True):
            index = index * size + column.data
        return index

    def _gather(self, table: Array, index: Array, columns: Sequence[Column]) -> Array:
        result: Array = table.take(index, mode="clip")
        if self._missing and result.min() < 0:
            wanted = np.zeros(table.size, np.bool_)
            wanted[index[result < 0]] = True
            for entry in np.flatnonzero(wanted).tolist():
                table[entry] = self._result(entry, columns)
                self._missing -= 1
            result = table.take(index, mode="clip")
        return result

    def _by_search(self, index: Array, columns: Sequence[Column]) -> Array:
        entries, where = np.unique(index, return_inverse=True)
        sparse = self._sparse
        found = []
        for entry in entries.tolist():
            result = sparse.get(entry)
            if result is None:
                result = sparse[entry] = self._result(entry, columns)
            found.append(result)
        return np.array(found, self._dtype)[where].reshape(index.shape)

    def _result(self, entry: int, columns: Sequence[Column]) -> int:
        """The local code of the result for one combination of operands."""
        operands = []
        for column, size in zip(reversed(columns), reversed(self._sizes), strict=True):
            entry, digit = divmod(entry, size)
            operands.append(column.codes[digit])
        code = self.meaning(*reversed(operands))
        if self.values is not None:
            return self.values.add(code)
        if code not in TRUTH:
            raise InternalError(f"a truth value that can't fail came out as code {code}")
        return TRUTH.index(code)
