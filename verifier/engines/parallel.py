"""Bit-parallel exhaustive evaluation on one core: vectors are arrays of machine words (`verifier.encodings.sweep`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from verifier.encodings.blocks import Truth
from verifier.encodings.circuit import circuit_of
from verifier.encodings.sweep import Sweep
from verifier.engine import Limits, Query, Session, Undecided
from verifier.reductions.canonical import Words

NAME: Final = "parallel"
BLOCK: Final = 1 << 18
"""Inputs in a block, at most."""
MEMORY: Final = 1 << 28
"""Bytes that the vectors of one block may take, all that are alive at once."""

Bits: TypeAlias = NDArray[np.uint64]


@dataclass(frozen=True)
class Parallel:
    """The engine."""

    name: str = NAME

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Prepare the circuit."""
        circuit = circuit_of(query, limits)
        return circuit if isinstance(circuit, Undecided) else Sweep(NAME, query, limits, circuit, _Numpy())


PARALLEL: Final = Parallel()


class _Numpy:
    """Vectors in main memory."""

    def __init__(self) -> None:
        self.block, self.memory = BLOCK, MEMORY

    def repeating(self, size: int, each: int, digits: int) -> Callable[[int], Bits]:
        column = np.arange(size) // each % digits
        return lambda digit: _packed(column == digit)

    def listed(self, column: Words) -> Callable[[int], Truth]:
        first = int(column[0])
        if int(column.min()) == int(column.max()):
            return lambda digit: digit == first
        return lambda digit: _packed(column == digit)

    def first(self, bits: Bits, begin: int, size: int) -> int | None:
        if not bits.any():
            return None
        found = np.unpackbits(bits.view(np.uint8), bitorder="little")[begin:size]
        return begin + int(found.argmax()) if found.any() else None


def _packed(column: NDArray[np.bool_]) -> Bits:
    """One bit for each entry, filled up to whole words."""
    octets = np.packbits(column, bitorder="little")
    return np.concatenate([octets, np.zeros(-len(octets) % 8, np.uint8)]).view(np.uint64)
