"""Bit-parallel exhaustive evaluation in torch: vectors are tensors of machine words (`verifier.encodings.sweep`), on an
accelerator where there is one.

torch is optional and takes seconds to load, so that it is loaded when the first query is opened. Before a device is
trusted with a query, a few vectors have to come out on it as Python's own integers do.
"""

import importlib.util
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from verifier.encodings.blocks import Lanes, Truth
from verifier.encodings.circuit import circuit_of
from verifier.encodings.sweep import Sweep
from verifier.encodings.words import Box
from verifier.engine import Answer, Limits, Query, Reason, Session, Undecided, Unsat, Word
from verifier.reductions.canonical import Words

if TYPE_CHECKING:
    from torch import Tensor
    from torch import device as Place

NAME: Final = "device"
TORCH: Final = "torch"
CPU: Final = "cpu"
BLOCK: Final = 1 << 26
"""Inputs in a block on an accelerator, at most: enough work for each of its kernels."""
BLOCK_ON_CPU: Final = 1 << 18
MEMORY_ON_CPU: Final = 1 << 28
"""Bytes that the vectors of one block may take in main memory, all that are alive at once."""
MEMORY_UNKNOWN: Final = 1 << 30
"""The same on an accelerator that does not tell how much it has."""
LEAST: Final = 1 << 31
"""Addresses that torch may need to be loaded; where it runs out of them, it ends the process."""
WORD: Final = 64
PIECE: Final = 1 << 20
"""So many positions of a vector are packed at once."""
NODES: Final = (Path("/dev/nvidiactl"), Path("/dev/kfd"))
"""Where Linux shows the accelerators of the two vendors that torch knows best."""


@dataclass(frozen=True)
class Device:
    """The engine; without an accelerator it does with the processor, unless `fallback` says no."""

    name: str = NAME
    fallback: bool = True

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Prepare the circuit, and find the device."""
        if importlib.util.find_spec(TORCH) is None:
            return Undecided(Reason.UNSUPPORTED, "torch is not installed (pip install rasp-verifier[torch])")
        if _room() < LEAST:
            return Undecided(Reason.MEMORY, f"loading torch takes up to {LEAST >> 20} MiB of addresses")
        try:
            place = _place()
        except (ImportError, OSError) as error:  # a part of it is missing, or does not fit into memory
            return Undecided(Reason.UNSUPPORTED, f"torch cannot be loaded: {error}")
        if place.type == CPU and not self.fallback:
            return Undecided(Reason.UNSUPPORTED, "torch finds no accelerator")
        circuit = circuit_of(query, limits)
        if isinstance(circuit, Undecided):
            return circuit
        lanes, where = _Torch(place), _called(place)
        if not trustworthy(lanes):
            return Undecided(Reason.SOLVER, f"{where} computes with words otherwise than it should")
        return _Session(Sweep(f"{NAME} ({where})", query, limits, circuit, lanes))


DEVICE: Final = Device()
ACCELERATOR: Final = Device(fallback=False)


def accelerated() -> bool:
    """Whether there may be an accelerator that torch can use, as far as that can be told without loading torch."""
    return importlib.util.find_spec(TORCH) is not None and any(node.exists() for node in NODES)


@dataclass(frozen=True)
class _Session:
    sweep: Sweep

    def check(self, box: Box | None = None, other_than: Word | None = None) -> Answer:
        import torch

        try:
            answer = self.sweep.check(box, other_than)
        except RuntimeError as error:  # the root of what torch raises; without memory its processor side has no other
            if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
                raise
            return Undecided(Reason.MEMORY, str(error).partition("\n")[0])
        if isinstance(answer, Unsat):
            detail = f"{answer.evidence.detail}, torch {torch.__version__}"
            return replace(answer, evidence=replace(answer.evidence, detail=detail))
        return answer


# ------------------------------------------------------------------------------------------------ torch


def _room() -> float:
    """How many addresses this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return inf if soft == resource.RLIM_INFINITY else soft


def _place() -> "Place":
    """The accelerator, or else the processor."""
    import torch

    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return torch.device(CPU) if found is None else found


def _called(place: "Place") -> str:
    """The name of the device, for people."""
    import torch

    if place.type == CPU:
        return "cpu: no accelerator"
    named = getattr(torch.get_device_module(place), "get_device_name", None)
    return place.type if named is None else str(named())


def _memory(place: "Place") -> int:
    """How many bytes vectors may take: half of what is free."""
    import torch

    if place.type == CPU:
        return MEMORY_ON_CPU
    told = getattr(torch.get_device_module(place), "mem_get_info", None)
    return MEMORY_UNKNOWN if told is None else int(told()[0]) // 2


class _Torch:
    """Vectors on a device: entry j is bit j % 64 of word j // 64, of which the highest is the sign."""

    def __init__(self, place: "Place") -> None:
        self.place = place
        self.block = BLOCK_ON_CPU if place.type == CPU else BLOCK
        self.memory = _memory(place)

    def repeating(self, size: int, each: int, digits: int) -> "Callable[[int], Tensor]":
        import torch

        def column(begin: int, end: int) -> "Tensor":
            entries = torch.arange(begin, end, device=self.place)
            return entries.div(each, rounding_mode="floor").remainder(digits)

        return lambda digit: self._packed(size, column, digit)

    def listed(self, column: Words) -> Callable[[int], Truth]:
        import torch

        first = int(column[0])
        if int(column.min()) == int(column.max()):
            return lambda digit: digit == first
        entries = torch.tensor(column, device=self.place)
        return lambda digit: self._packed(len(column), lambda begin, end: entries[begin:end], digit)

    def first(self, bits: "Tensor", begin: int, size: int) -> int | None:
        import torch

        skipped, odd = divmod(begin, WORD)
        words = bits[skipped : -(-size // WORD)]
        if odd:
            words = words.clone()
            words[0] &= -1 << odd
        where = words.ne(0)
        if not bool(where.any()):
            return None
        numbers = torch.arange(len(words), device=self.place)
        index = int(torch.where(where, numbers, len(words)).min())
        word = int(words[index])
        found = (skipped + index) * WORD + (word & -word).bit_length() - 1
        return found if found < size else None

    def _packed(self, size: int, column: "Callable[[int, int], Tensor]", digit: int) -> "Tensor":
        """A bit for each entry of the column, whether it is the digit; filled up to whole words."""
        import torch

        shifts = torch.arange(WORD, device=self.place)
        words = torch.empty(-(-size // WORD), dtype=torch.int64, device=self.place)
        for begin in range(0, size, PIECE):
            end = min(size, begin + PIECE)
            bits = torch.nn.functional.pad(column(begin, end) == digit, (0, -(end - begin) % WORD))
            words[begin // WORD : -(-end // WORD)] = (bits.view(-1, WORD).to(torch.int64) << shifts).sum(1)
        return words


def trustworthy(lanes: Lanes) -> bool:
    """Whether a few vectors come out as the integers say: entry j of a vector is bit j of an integer."""
    size = 3 * WORD + 5
    for each, digits in ((1, 2), (3, 7), (WORD, 3), (5, 64)):
        digit = digits - 1
        expected = sum((j // each % digits == digit) << j for j in range(size))
        column = np.array([j // each % digits for j in range(size)], np.uint8)
        repeated, listed = lanes.repeating(size, each, digits)(digit), lanes.listed(column)(digit)
        pairs = [(repeated, expected), (~listed, ~expected), (repeated & ~listed, 0), (~(repeated & ~listed), -1)]
        for begin in (0, 1, WORD - 1, WORD, 2 * WORD - 1, *range(3 * WORD, size)):
            for vector, integer in pairs:
                bits = integer >> begin & ((1 << size - begin) - 1)
                hit = begin + (bits & -bits).bit_length() - 1 if bits else None
                if lanes.first(vector, begin, size) != hit:
                    return False
    return True
