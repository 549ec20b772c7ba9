"""All lengths: a program of finite memory under a past mask is an automaton, and so is its target.

What a head will ever give to a query state is one register: the value of the last (or first) key so far that this query
state selects, or the common value of all of them, with a mark where they disagree. So the program is a machine with
finitely many configurations, read from left to right. It computes the function of a Mealy machine on words of every
length exactly when, over all reachable pairs of configurations, equal final states come with equal outputs, and no
marked register is read.
"""

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from spec.values import Atom
from verifier.bounds.classes import Mask
from verifier.bounds.heads import Head, HeadClass, Reading, Run
from verifier.bounds.target import Mealy, Word

MAX_CONFIGURATIONS: Final = 50_000
_DISAGREE: Final = -1

Registers: TypeAlias = tuple[tuple[tuple[int | None, ...], ...], ...]


@dataclass(frozen=True)
class Confused:
    """Two words whose last positions end in one state, and have different outputs; or one on which values disagree."""

    words: tuple[Word, ...]


@dataclass(frozen=True)
class Settled:
    """No words at all are confused; so many configurations are reachable."""

    configurations: int


def finite_state(cls: HeadClass) -> bool:
    """Whether programs of the class are automata."""
    finite = {Reading.RIGHTMOST, Reading.LEFTMOST, Reading.COMMON}
    return {reading for reading, _ in cls.readings} <= finite and cls.causal and not cls.indices


def explore(
    run: Run, layers: Sequence[Sequence[Head]], machine: Mealy, symbols: Sequence[Atom]
) -> Confused | Settled | None:
    """What all words do; `None` when there are too many configurations. `run` knows the states of the tables."""
    sizes = [len(states) for states in run.states[: len(layers)]]
    nothing: Registers = tuple(tuple((None,) * size for _ in heads) for heads, size in zip(layers, sizes, strict=True))
    begin = (machine.start, nothing)
    seen = {begin}
    queue: deque[tuple[tuple[str, Registers], Word]] = deque([(begin, ())])
    outputs: dict[int, tuple[Hashable, Word]] = {}
    while queue:
        (state, registers), word = queue.popleft()
        for symbol in symbols:
            longer = (*word, symbol)
            following, output = machine.step(state, symbol)
            final, after = _step(run, layers, registers, symbol)
            if final is None:
                return Confused((longer,))
            known = outputs.setdefault(final, (output, longer))
            if known[0] != output:
                return Confused((known[1], longer))
            configuration = (following, after)
            if configuration not in seen:
                if len(seen) >= MAX_CONFIGURATIONS:
                    return None
                seen.add(configuration)
                queue.append((configuration, longer))
    return Settled(len(seen))


def _step(
    run: Run, layers: Sequence[Sequence[Head]], registers: Registers, symbol: Atom
) -> tuple[int | None, Registers]:
    """The final state at one more position, None where values disagree, and the registers after it."""
    (state,) = run.begin((symbol,))
    after: list[tuple[tuple[int | None, ...], ...]] = []
    for number, (heads, before) in enumerate(zip(layers, registers, strict=True), start=1):
        updated = tuple(_updated(head, row, state) for head, row in zip(heads, before, strict=True))
        read = [
            new if head.kind.mask is Mask.UPTO else old for head, old, new in zip(heads, before, updated, strict=True)
        ]
        results = [row[state] if state < len(row) else None for row in read]
        if _DISAGREE in results:
            return None, registers
        state = run.number(number, (state, *results))
        after.append(updated)
    return state, tuple(after)


def _updated(head: Head, row: tuple[int | None, ...], key: int) -> tuple[int | None, ...]:
    value = head.values.get(key, 0)
    return tuple(
        _register(head.kind.reading, register, value) if (query, key) in head.selected else register
        for query, register in enumerate(row)
    )


def _register(reading: Reading, register: int | None, value: int) -> int:
    """A register after one more selected key."""
    if register is None or reading is Reading.RIGHTMOST:
        return value
    if reading is Reading.LEFTMOST or register == value:
        return register
    return _DISAGREE
