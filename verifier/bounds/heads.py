"""Classes of programs with so many heads in each layer, and what a head makes of the positions it selects.

A head of layer l has a selector, any set of pairs (state of the query, state of the key), and one bit for each state
of a key. It reads the positions that its mask lets it see from left to right:

    count       how many positions are selected                          (`selector_width`)
    mean        the mean of the bit over the selected positions, or nothing selected
    rightmost   the bit of the last selected position, or nothing selected
    leftmost    the bit of the first selected position, or nothing selected

The state after a layer is the state before it with what the heads gave; before the first layer it is the token, or,
with indices, the pair of token and index. Elementwise functions are arbitrary, so a program computes a function when
equal final states mean equal outputs.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Final, TypeAlias, assert_never

from spec.diagnostics import Diagnostic, UsageError
from spec.values import Atom
from verifier.bounds.classes import Mask


class Reading(Enum):
    """What a head makes of what it selects."""

    COUNT = "count"
    MEAN = "mean"
    RIGHTMOST = "rightmost"
    LEFTMOST = "leftmost"

    @property
    def uses_bit(self) -> bool:
        """Whether the keys' bits matter."""
        return self is not Reading.COUNT


State: TypeAlias = tuple[int, ...]
BEGIN: Final[dict[Reading, State]] = {
    Reading.COUNT: (0,),
    Reading.MEAN: (0, 0),
    Reading.RIGHTMOST: (),
    Reading.LEFTMOST: (),
}


def advance(reading: Reading, state: State, bit: bool) -> State:
    """What a head has gathered after one more selected position."""
    match reading:
        case Reading.COUNT:
            return (state[0] + 1,)
        case Reading.MEAN:
            return state[0] + bit, state[1] + 1
        case Reading.RIGHTMOST:
            return (int(bit),)
        case Reading.LEFTMOST:
            return state or (int(bit),)
    assert_never(reading)


def result(reading: Reading, state: State) -> Hashable:
    """What the head gives in the end; `None` is nothing selected."""
    match reading:
        case Reading.COUNT:
            return state[0]
        case Reading.MEAN:
            return Fraction(state[0], state[1]) if state[1] else None
        case Reading.RIGHTMOST | Reading.LEFTMOST:
            return state[0] if state else None
    assert_never(reading)


@dataclass(frozen=True)
class HeadClass:
    """Heads of one reading and one mask, on tokens alone or on tokens with their indices."""

    reading: Reading
    mask: Mask = Mask.ALL
    indices: bool = False

    def __str__(self) -> str:
        """As the command line writes it."""
        return f"{self.reading.value}/{self.mask.value}" + ("+indices" if self.indices else "")

    def base(self, word: Sequence[Atom]) -> list[Hashable]:
        """The states before the first layer."""
        letters = [(type(atom).__name__, atom) for atom in word]
        return [(letter, i) for i, letter in enumerate(letters)] if self.indices else list(letters)

    def seen(self, i: int, length: int) -> range:
        """The positions that position i sees."""
        match self.mask:
            case Mask.ALL:
                return range(length)
            case Mask.PAST:
                return range(i)
            case Mask.UPTO:
                return range(i + 1)
            case Mask.FUTURE:
                return range(i + 1, length)
            case Mask.FROM:
                return range(i, length)
        assert_never(self.mask)


def parse_head_class(text: str) -> HeadClass:
    """`READING[/MASK][+indices]`, e.g. `count/past` or `mean/all+indices`."""
    name, _, extras = text.partition("+")
    kind, _, mask = name.partition("/")
    try:
        if extras not in ("", "indices"):
            raise ValueError(f"{extras!r} is no addition to a class of heads")
        return HeadClass(Reading(kind), Mask(mask or Mask.ALL.value), bool(extras))
    except ValueError as error:
        known = f"READING[/MASK][+indices] of {', '.join(r.value for r in Reading)}"
        raise UsageError(Diagnostic("R0502", f"`{text}` is no class of heads: {error}", hint=known)) from error


@dataclass(frozen=True)
class Head:
    """The pairs (query, key) of states that are selected, and the keys whose bit is 1; states are numbers."""

    selected: frozenset[tuple[int, int]]
    ones: frozenset[int]


@dataclass(frozen=True)
class Tables:
    """A program of a class: `heads[l]` are the heads of layer l+1, `states[l]` numbers the states before it.

    `states[-1]` numbers the final states. A state after a layer is (number of the state before, results of the heads).
    """

    cls: HeadClass
    states: tuple[dict[Hashable, int], ...]
    heads: tuple[tuple[Head, ...], ...]


class Run:
    """States of words under a growing list of layers; numbers states as they appear, after those that are `known`."""

    def __init__(self, cls: HeadClass, known: Sequence[dict[Hashable, int]] = ()) -> None:
        self.cls = cls
        self.states: list[dict[Hashable, int]] = [dict(states) for states in known] or [{}]

    def begin(self, word: Sequence[Atom]) -> tuple[int, ...]:
        """The numbers of the states before the first layer."""
        return self._numbered(0, self.cls.base(word))

    def layer(self, states: Sequence[int], heads: Sequence[Head], number: int) -> tuple[int, ...]:
        """The numbers of the states after layer `number` (from 1)."""
        while len(self.states) <= number:
            self.states.append({})
        after = [(state, *(self._read(head, states, i) for head in heads)) for i, state in enumerate(states)]
        return self._numbered(number, after)

    def number(self, layer: int, state: Hashable) -> int:
        """The number of one state after `layer` layers."""
        while len(self.states) <= layer:
            self.states.append({})
        return self.states[layer].setdefault(state, len(self.states[layer]))

    def _read(self, head: Head, states: Sequence[int], i: int) -> Hashable:
        gathered = BEGIN[self.cls.reading]
        for j in self.cls.seen(i, len(states)):
            if (states[i], states[j]) in head.selected:
                gathered = advance(self.cls.reading, gathered, states[j] in head.ones)
        return result(self.cls.reading, gathered)

    def _numbered(self, layer: int, states: Sequence[Hashable]) -> tuple[int, ...]:
        table = self.states[layer]
        return tuple(table.setdefault(state, len(table)) for state in states)
