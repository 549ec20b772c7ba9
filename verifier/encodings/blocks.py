"""A circuit on blocks of inputs: each gate a vector with a bit for each input.

In a block of consecutive inputs the last positions run through all their symbols. The positions before them are
constants, which fold away what depends on them alone; what depends on the last positions alone is the same in all
blocks and computed once. Blocks of listed inputs share nothing, but letters that are the same throughout fold as well.

Where the vectors are, and what computes on them, is up to the `Lanes`.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from itertools import accumulate
from math import prod
from time import monotonic, process_time
from typing import Any, Final, Protocol, TypeAlias

from verifier.encodings.circuit import Circuit
from verifier.encodings.gates import FALSE, TRUE, Gates, Literal
from verifier.encodings.words import Symbols, index_of
from verifier.engine import Limits, Looked, Query
from verifier.reductions.canonical import Words

FEWEST: Final = 64
"""Inputs in a block, unless there are not so many; however much memory they take."""
PATIENCE: Final = 0.2
"""Seconds after which the time that all blocks will take is known well enough to give up."""
TELLING: Final = 1.0
"""Seconds between two words about how far a search is."""
Vector: TypeAlias = Any
"""Something with `&`, `&=` and `~`: a bit for each input of a block; bits past its end mean nothing."""
Truth: TypeAlias = "bool | Vector"


class Lanes(Protocol):
    """Where vectors are: how they are made and read, and how many inputs, and bytes of memory, a block may take."""

    block: int
    memory: int

    def repeating(self, size: int, each: int, digits: int) -> Callable[[int], Vector]:
        """Digit -> where it is, in `size` inputs that run through the digits, `each` times every one."""
        ...

    def listed(self, column: Words) -> Callable[[int], Truth]:
        """Digit -> where it is in the column."""
        ...

    def first(self, bits: Vector, begin: int, size: int) -> int | None:
        """The first bit that is set from `begin` on, before `size`."""
        ...


class TooLong(Exception):
    """Evaluating all inputs takes more time than there is."""


class Clock:
    """When time is up, and when it is plain that it will be; says once a second how far the search is."""

    def __init__(self, query: Query, limits: Limits, total: int) -> None:
        self.query, self.limits, self.total = query, limits, total
        self.begin, self.computed, self.deadline = monotonic(), process_time(), limits.deadline()
        self._said = self.begin

    def look(self, size: int) -> None:
        """Within a block of this size."""
        if self.deadline.passed():
            raise TooLong(f"blocks of {size} inputs")

    def done(self, inputs: int) -> None:
        """After so many inputs."""
        elapsed, computed = monotonic() - self.begin, process_time() - self.computed
        late = elapsed * self.total > self.limits.wall_s * inputs or computed * self.total > self.limits.cpu_s * inputs
        if elapsed > PATIENCE and late:
            raise TooLong(f"{self.total} inputs at {inputs / elapsed:.3g} a second")
        if self.begin + elapsed > self._said + TELLING:
            self._said = self.begin + elapsed
            self.query.told(Looked(self.query.length, inputs, self.total))


def _dying(gates: Gates, order: Sequence[int], needed: Container[int]) -> dict[int, list[int]]:
    """For each gate, the gates of the order that it is the last to use, but for those that are needed later."""
    last = {abs(operand): gate for gate in order for operand in gates.operands[gate] or ()}
    found: dict[int, list[int]] = {}
    for gate in order:
        if gate in last and gate not in needed:
            found.setdefault(last[gate], []).append(gate)
    return found


def _alive(order: Sequence[int], dying: Mapping[int, Sequence[int]]) -> list[int]:
    """How many gates of the order are there before the first, and after each."""
    return list(accumulate((1 - len(dying.get(gate, ())) for gate in order), initial=0))


class _Evaluator:
    """Runs gates of one circuit, on blocks of `size` inputs at most.

    `known` maps the literals of letters and of gates to their truth: one bit where it is the same in the whole block.
    """

    def __init__(self, circuit: Circuit, size: int, clock: Clock) -> None:
        self.circuit, self.size, self.clock = circuit, size, clock
        self.operands = circuit.gates.operands

    def letters(self, known: dict[Literal, Truth], position: int, present: Mapping[int, Callable[[], Truth]]) -> None:
        """The letters of a position, given where the symbols with these indices are; all others are not."""
        for index, literal in enumerate(self.circuit.inputs[position]):
            if literal not in known and -literal not in known:
                known[literal] = present[index]() if index in present else False

    def run(self, order: Sequence[int], dying: Mapping[int, Sequence[int]], known: dict[Literal, Truth]) -> None:
        """The gates in order, into `known`."""
        for number, gate in enumerate(order):
            known[gate] = _conjunction(known, self.operands[gate] or ())
            for dead in dying.get(gate, ()):
                del known[dead]
                known.pop(-dead, None)
            if number % 256 == 0:
                self.clock.look(self.size)


def _conjunction(known: dict[Literal, Truth], operands: Sequence[Literal]) -> Truth:
    """Whether all operands hold."""
    vectors: list[Vector] = []
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


_ALWAYS: Final[Mapping[Literal, Truth]] = {TRUE: True, FALSE: False}


class Blocks:
    """The blocks of one box of inputs. Those before `split` are the positions that are the same in a whole block.

    Gates are told apart by what they depend on: letters within the block alone, letters before it alone, or both. The
    first are computed once, the second for each block on single bits, the third for each block on vectors.
    """

    def __init__(self, circuit: Circuit, symbols: Sequence[Symbols], lanes: Lanes, clock: Clock) -> None:
        self.symbols, self.root = symbols, circuit.violation
        parts = _fitting(circuit, list(map(len, symbols)), lanes)
        self.split = parts.split
        self.size = prod(map(len, symbols[self.split :]))
        self.evaluator = _Evaluator(circuit, self.size, clock)
        self.before, self.both, self.dying = parts.before, parts.both, parts.dying_of_both
        self.indices = [[index_of(circuit.symbols, atom) for atom in choices] for choices in symbols]
        self.known = dict(_ALWAYS)
        each = self.size
        for position in range(self.split, len(symbols)):
            each //= len(symbols[position])
            where = lanes.repeating(self.size, each, len(symbols[position]))
            self._letters(
                self.known, position, {digit: partial(where, digit) for digit in range(len(symbols[position]))}
            )
        self.evaluator.run(parts.inside, parts.dying_inside, self.known)

    def violations(self, digits: Sequence[int]) -> Truth:
        """Which inputs of the block with these symbols before it violate."""
        known = dict(self.known)
        for position, digit in enumerate(digits):
            self._letters(known, position, {digit: lambda: True})
        self.evaluator.run(self.before, {}, known)
        self.evaluator.run(self.both, self.dying, known)
        return _value(known, self.root)

    def _letters(self, known: dict[Literal, Truth], position: int, present: Mapping[int, Callable[[], Truth]]) -> None:
        indices = self.indices[position]
        at = {index: truth for digit, truth in present.items() if (index := indices[digit]) is not None}
        self.evaluator.letters(known, position, at)


def _fitting(circuit: Circuit, sizes: Sequence[int], lanes: Lanes) -> "_Parts":
    """The gates, where the positions that run within a block begin as early as block and memory allow."""
    split = len(sizes)
    while split > 0 and prod(sizes[split - 1 :]) <= max(FEWEST, lanes.block):
        split -= 1
    parts = _Parts(circuit, split)
    while prod(sizes[split:]) > FEWEST and parts.vectors * prod(sizes[split:]) > 8 * lanes.memory:
        split += 1
        parts = _Parts(circuit, split)
    return parts


class _Parts:
    """The gates that depend on letters from `split` on alone, on letters before it alone, and on both, in order.

    What is computed `inside` goes after its last use, unless something that depends on both needs it.
    """

    def __init__(self, circuit: Circuit, split: int) -> None:
        gates, root, self.split = circuit.gates, abs(circuit.violation), split
        inner: dict[int, bool] = {TRUE: False}
        outer: dict[int, bool] = {TRUE: False}
        for position, literals in enumerate(circuit.inputs):
            for literal in map(abs, literals):
                inner[literal], outer[literal] = position >= split, position < split
        self.inside: list[int] = []
        self.before: list[int] = []
        self.both: list[int] = []
        for gate in gates.cone([circuit.violation]):
            parts = gates.operands[gate]
            if parts:  # neither a letter nor the constant
                inner[gate] = any(inner[abs(part)] for part in parts)
                outer[gate] = any(outer[abs(part)] for part in parts)
                where = self.both if inner[gate] and outer[gate] else self.inside if inner[gate] else self.before
                where.append(gate)
        needed = {abs(part) for gate in self.both for part in gates.operands[gate] or ()} | {root}
        self.dying_inside = _dying(gates, self.inside, needed)
        self.dying_of_both = _dying(gates, self.both, {root})
        self._letters = sum(len(literals) for literals in circuit.inputs[split:])

    @property
    def vectors(self) -> int:
        """How many may be alive at once, each with its complement."""
        inside = _alive(self.inside, self.dying_inside)
        return 2 * (self._letters + max(*inside, inside[-1] + max(_alive(self.both, self.dying_of_both))))


class Listing:
    """Blocks of inputs that are listed."""

    def __init__(self, circuit: Circuit, lanes: Lanes, clock: Clock) -> None:
        self.circuit, self.lanes = circuit, lanes
        self.order = [gate for gate in circuit.gates.cone([circuit.violation]) if circuit.gates.operands[gate]]
        self.dying = _dying(circuit.gates, self.order, {abs(circuit.violation)})
        vectors = 2 * (sum(map(len, circuit.inputs)) + max(_alive(self.order, self.dying)))
        self.most = max(FEWEST, min(lanes.block, 8 * lanes.memory // vectors if vectors else lanes.block))
        self.evaluator = _Evaluator(circuit, self.most, clock)

    def violations(self, found: Words) -> Truth:
        """Which of the inputs violate."""
        known = dict(_ALWAYS)
        for position in range(found.shape[0]):
            where = self.lanes.listed(found[position])
            symbols = range(len(self.circuit.symbols))
            self.evaluator.letters(known, position, {digit: partial(where, digit) for digit in symbols})
        self.evaluator.run(self.order, self.dying, known)
        return _value(known, self.circuit.violation)
