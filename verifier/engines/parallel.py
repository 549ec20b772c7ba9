"""Bit-parallel exhaustive evaluation: the query's circuit on very many inputs at once, 64 to a machine word.

Inputs come in lexicographic order, in blocks. Within a block the last positions run through all their symbols, and a
gate is a vector of words with a bit for each input; the positions before them are constants, which fold away what
depends on them alone. What depends on the last positions alone is the same in all blocks and computed once. The first
bit of a violation is the least counterexample.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from math import prod
from time import monotonic
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from verifier.circuit import Circuit, circuit_of
from verifier.engine import Answer, Evidence, Limits, Query, Reason, Sat, Session, Undecided, Unsat, Word
from verifier.gates import TRUE, Literal
from verifier.words import Box, Symbols, index_of, listed, rank, unrank

NAME: Final = "parallel"
BLOCK: Final = 1 << 18
"""Inputs in a block, at most."""
FEWEST: Final = 64
"""Inputs in a block, unless there are not so many; however much memory they take."""
MEMORY: Final = 1 << 28
"""Bytes that the vectors of one block may take, all that are alive at once."""
PATIENCE: Final = 0.2
"""Seconds after which the time that all blocks will take is known well enough to give up."""

Bits: TypeAlias = NDArray[np.uint64]
Truth: TypeAlias = bool | Bits


@dataclass(frozen=True)
class Parallel:
    """The engine."""

    name: str = NAME

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Prepare the order of evaluation."""
        circuit = circuit_of(query, limits, monotonic() + limits.wall_s)
        return circuit if isinstance(circuit, Undecided) else _Session(query, limits, circuit)


PARALLEL: Final = Parallel()


class _TooLong(Exception):
    pass


@dataclass
class _Session:
    query: Query
    limits: Limits
    circuit: Circuit

    def check(self, box: Box | None = None, other_than: Word | None = None) -> Answer:
        symbols = listed(self.query, box)
        assert symbols is not None, "the alphabet was listed when the session was opened"
        total = prod(map(len, symbols))
        excluded = None if other_than is None else rank(symbols, other_than)
        try:
            hit = self._first_hit(symbols, total, excluded) if total else None
        except _TooLong as error:
            return Undecided(Reason.WALL, str(error))
        if hit is not None:
            return Sat(unrank(symbols, hit), least=True)
        return Unsat(Evidence(NAME, f"{len(self.circuit.gates)} gates", inputs=total - (excluded is not None)))

    def _first_hit(self, symbols: Sequence[Symbols], total: int, excluded: int | None) -> int | None:
        begin = monotonic()
        deadline = begin + self.limits.wall_s
        schedule = _Schedule(self.circuit, _split([len(choices) for choices in symbols], self.circuit))
        blocks = _Blocks(schedule, symbols, deadline)
        for number, outer in enumerate(product(*(range(len(choices)) for choices in symbols[: schedule.split]))):
            bits = blocks.violations(outer)
            start = number * blocks.size
            if excluded is not None and 0 <= excluded - start < blocks.size:
                bits[excluded - start] = False
            if bits.any():
                return start + int(bits.argmax())
            elapsed, done = monotonic() - begin, start + blocks.size
            if elapsed > PATIENCE and elapsed * total > self.limits.wall_s * done:
                raise _TooLong(f"{total} inputs at {done / elapsed:.3g} a second")
        return None


def _split(sizes: Sequence[int], circuit: Circuit) -> int:
    """Where the positions that run within a block begin."""
    most = max(FEWEST, min(BLOCK, 8 * MEMORY // _peak(circuit)))
    split = len(sizes)
    while split > 0 and prod(sizes[split - 1 :]) <= most:
        split -= 1
    return split


def _peak(circuit: Circuit) -> int:
    """How many vectors may be alive at once, each with its complement."""
    cone = circuit.gates.cone([circuit.violation])
    place = {gate: number for number, gate in enumerate(cone)}
    last = list(range(len(cone)))
    for number, gate in enumerate(cone):
        for operand in circuit.gates.operands[gate] or ():
            last[place[abs(operand)]] = number
    changes = [1] * (len(cone) + 1)
    for end in last:
        changes[end + 1] -= 1
    return 2 * max(accumulate(changes))


class _Schedule:
    """The gates by what they depend on: letters within the block alone, letters before it alone, or both.

    `inside` is computed once, `before` for each block on single bits, `both` for each block on vectors. `dying[g]`
    lists the gates of `both` that are used by g for the last time.
    """

    def __init__(self, circuit: Circuit, split: int) -> None:
        self.circuit, self.split = circuit, split
        gates = circuit.gates
        inner: dict[int, bool] = {}
        outer: dict[int, bool] = {}
        for position, literals in enumerate(circuit.inputs):
            for literal in literals:
                inner[abs(literal)], outer[abs(literal)] = position >= split, position < split
        inner[TRUE] = outer[TRUE] = False
        self.inside: list[int] = []
        self.before: list[int] = []
        self.both: list[int] = []
        for gate in gates.cone([circuit.violation]):
            operands = gates.operands[gate]
            if not operands:
                continue  # a letter, or the constant
            inner[gate] = any(inner[abs(operand)] for operand in operands)
            outer[gate] = any(outer[abs(operand)] for operand in operands)
            (self.both if inner[gate] and outer[gate] else self.inside if inner[gate] else self.before).append(gate)
        mixed = set(self.both) - {abs(circuit.violation)}
        last = {abs(operand): gate for gate in self.both for operand in gates.operands[gate] or ()}
        self.dying: dict[int, list[int]] = {}
        for gate in mixed:
            self.dying.setdefault(last[gate], []).append(gate)


class _Blocks:
    """The blocks of one box of inputs.

    `known` maps the literals of letters and of gates to their truth: one bit where it is the same in the whole block.
    """

    def __init__(self, schedule: _Schedule, symbols: Sequence[Symbols], deadline: float) -> None:
        self.schedule, self.symbols, self.deadline = schedule, symbols, deadline
        self.root = schedule.circuit.violation
        self.operands = schedule.circuit.gates.operands
        self.size = prod(map(len, symbols[schedule.split :]))
        self.known: dict[Literal, Truth] = {TRUE: True, -TRUE: False}
        each = self.size
        for position in range(schedule.split, len(symbols)):
            each //= len(symbols[position])
            digits = np.arange(self.size) // each % len(symbols[position])
            self._letters(
                self.known, position, {digit: _packed(digits == digit) for digit in range(len(symbols[position]))}
            )
        self._run(schedule.inside, {}, self.known)

    def violations(self, digits: Sequence[int]) -> NDArray[np.bool_]:
        """For each input of the block with these symbols before it, whether it violates."""
        known = dict(self.known)
        for position, digit in enumerate(digits):
            self._letters(known, position, {digit: True})
        self._run(self.schedule.before, {}, known)
        self._run(self.schedule.both, self.schedule.dying, known)
        found = _value(known, self.root)
        if isinstance(found, bool):
            return np.full(self.size, found)
        return np.unpackbits(found.view(np.uint8), bitorder="little")[: self.size].astype(np.bool_)

    def _letters(self, known: dict[Literal, Truth], position: int, present: Mapping[int, Truth]) -> None:
        """The letters of a position, given which symbols of its box are there, and when; all others are not."""
        symbols = self.schedule.circuit.symbols
        at = {index_of(symbols, self.symbols[position][digit]): truth for digit, truth in present.items()}
        for index, literal in enumerate(self.schedule.circuit.inputs[position]):
            truth = at.get(index, False)
            known[literal] = truth
            known[-literal] = not truth if isinstance(truth, bool) else ~truth

    def _run(self, order: Sequence[int], dying: Mapping[int, Sequence[int]], known: dict[Literal, Truth]) -> None:
        """The gates in order, into `known`."""
        operands = self.operands
        for number, gate in enumerate(order):
            known[gate] = _conjunction(known, operands[gate] or ())
            for dead in dying.get(gate, ()):
                del known[dead]
                known.pop(-dead, None)
            if number % 256 == 0 and monotonic() > self.deadline:
                raise _TooLong(f"blocks of {self.size} inputs")


def _conjunction(known: dict[Literal, Truth], operands: Sequence[Literal]) -> Truth:
    """Whether all operands hold; bits past the end of a block mean nothing."""
    vectors: list[Bits] = []
    for operand in operands:
        truth = _value(known, operand)
        if not isinstance(truth, bool):
            vectors.append(truth)
        elif not truth:
            return False
    if len(vectors) < 2:
        return vectors[0] if vectors else True
    result = vectors[0] & vectors[1]
    for vector in vectors[2:]:
        result &= vector
    return result


def _value(known: dict[Literal, Truth], literal: Literal) -> Truth:
    """The truth of a literal; complements are made when they are first asked for."""
    truth = known.get(literal)
    if truth is None:
        positive = known[-literal]
        truth = known[literal] = not positive if isinstance(positive, bool) else ~positive
    return truth


def _packed(column: NDArray[np.bool_]) -> Bits:
    """One bit for each entry, filled up to whole words."""
    octets = np.packbits(column, bitorder="little")
    return np.concatenate([octets, np.zeros(-len(octets) % 8, np.uint8)]).view(np.uint64)
