"""Classes of programs with so many heads in each layer, and what a head makes of the positions it selects.

A head of layer l has a selector, any set of pairs (state of the query, state of the key), and a value 0 .. K-1 for each
state of a key. It reads the positions that its mask lets it see from left to right:

    count       how many positions are selected                          (`selector_width`)
    mean        the mean of the values of the selected positions, or nothing selected
    common      the one value of all selected positions, or nothing selected; two values are a fault of the program
    rightmost   the value of the last selected position, or nothing selected
    leftmost    the value of the first selected position, or nothing selected

A class lists readings, each with its K, and masks: each head has one of the readings and one of the masks. The state
after a layer is the state before it with what the heads gave; before the first layer it is the token, or, with indices,
the pair of token and index. Elementwise functions are arbitrary, so a program computes a function when equal final
states mean equal outputs, and no head meets two values where it needs one.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Final, TypeAlias, assert_never

from spec.diagnostics import Diagnostic, UsageError
from spec.values import Atom
from verifier.bounds.classes import Mask


class Reading(Enum):
    """What a head makes of what it selects."""

    COUNT = "count"
    MEAN = "mean"
    COMMON = "common"
    RIGHTMOST = "rightmost"
    LEFTMOST = "leftmost"

    @property
    def uses_values(self) -> bool:
        """Whether the keys' values matter."""
        return self is not Reading.COUNT


State: TypeAlias = tuple[int, ...]

MAX_VALUES: Final = 64


class Disagreement(Exception):
    """A head that needs one common value selects two."""


BEGIN: Final[dict[Reading, State]] = {
    Reading.COUNT: (0,),
    Reading.MEAN: (0, 0),
    Reading.COMMON: (),
    Reading.RIGHTMOST: (),
    Reading.LEFTMOST: (),
}


def advance(reading: Reading, state: State, value: int) -> State | None:
    """What a head has gathered after one more selected position; None where two values disagree."""
    match reading:
        case Reading.COUNT:
            return (state[0] + 1,)
        case Reading.MEAN:
            return state[0] + value, state[1] + 1
        case Reading.COMMON:
            return (value,) if state in ((), (value,)) else None
        case Reading.RIGHTMOST:
            return (value,)
        case Reading.LEFTMOST:
            return state or (value,)
    assert_never(reading)


def result(reading: Reading, state: State) -> Hashable:
    """What the head gives in the end; `None` is nothing selected."""
    match reading:
        case Reading.COUNT:
            return state[0]
        case Reading.MEAN:
            return Fraction(state[0], state[1]) if state[1] else None
        case Reading.COMMON | Reading.RIGHTMOST | Reading.LEFTMOST:
            return state[0] if state else None
    assert_never(reading)


@dataclass(frozen=True)
class Kind:
    """What one head sees, and what it makes of it; keys have `values` values."""

    reading: Reading
    mask: Mask = Mask.ALL
    values: int = 2

    def __str__(self) -> str:
        """As a class of such heads is written."""
        return f"{_reading_text(self.reading, self.values)}/{self.mask.value}"

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


@dataclass(frozen=True)
class HeadClass:
    """Heads of any of these readings (with the values of a key) and masks, on tokens or on tokens with indices."""

    readings: tuple[tuple[Reading, int], ...]
    masks: tuple[Mask, ...] = (Mask.ALL,)
    indices: bool = False

    def __str__(self) -> str:
        """As the command line writes it."""
        readings = ",".join(_reading_text(reading, values) for reading, values in self.readings)
        masks = ",".join(mask.value for mask in self.masks)
        return f"{readings}/{masks}" + ("+indices" if self.indices else "")

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """Every reading with every mask."""
        return tuple(Kind(reading, mask, values) for (reading, values), mask in product(self.readings, self.masks))

    @property
    def values(self) -> int:
        """The most values that a head tells apart; 1 where none does."""
        return max((values for reading, values in self.readings if reading.uses_values), default=1)

    @property
    def causal(self) -> bool:
        """Whether no position sees a later one."""
        return set(self.masks) <= {Mask.PAST, Mask.UPTO}

    def base(self, word: Sequence[Atom]) -> list[Hashable]:
        """The states before the first layer."""
        letters = [(type(atom).__name__, atom) for atom in word]
        return [(letter, i) for i, letter in enumerate(letters)] if self.indices else list(letters)

    def seen(self, i: int, length: int) -> list[int]:
        """The positions that position i sees in some head."""
        return sorted({j for kind in self.kinds for j in kind.seen(i, length)})


def _reading_text(reading: Reading, values: int) -> str:
    return reading.value + (f":{values}" if values != 2 else "")


def parse_head_class(text: str) -> HeadClass:
    """`READING[:VALUES][,..][/MASK[,..]][+indices]`, e.g. `count/past`, `count,mean:3/all+indices`."""
    name, _, extras = text.partition("+")
    kinds, _, masks = name.partition("/")
    try:
        if extras not in ("", "indices"):
            raise ValueError(f"{extras!r} is no addition to a class of heads")
        readings = tuple(map(_reading, kinds.split(",")))
        listed = tuple(map(Mask, (masks or Mask.ALL.value).split(",")))
        if len({reading for reading, _ in readings}) < len(readings) or len(set(listed)) < len(listed):
            raise ValueError("a reading or a mask is given twice")
        return HeadClass(readings, listed, bool(extras))
    except ValueError as error:
        known = f"READING[:VALUES][,..][/MASK[,..]][+indices] of {', '.join(r.value for r in Reading)}"
        raise UsageError(Diagnostic("R0502", f"`{text}` is no class of heads: {error}", hint=known)) from error


def _reading(text: str) -> tuple[Reading, int]:
    """A reading and how many values its keys have."""
    name, colon, values = text.partition(":")
    reading = Reading(name)
    if not colon:
        return reading, 2
    if not (values.isascii() and values.isdigit() and 2 <= int(values[:9]) <= MAX_VALUES):
        raise ValueError(f"keys have 2 to {MAX_VALUES} values, not {values!r}")
    if not reading.uses_values:
        raise ValueError("a count reads no values")
    return reading, int(values)


@dataclass(frozen=True)
class Head:
    """The pairs (query, key) of states that are selected, and the values of keys, where not 0; states are numbers."""

    kind: Kind
    selected: frozenset[tuple[int, int]]
    values: Mapping[int, int]


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
        """The numbers of the states after layer `number` (from 1); `Disagreement` where values have none in common."""
        while len(self.states) <= number:
            self.states.append({})
        after = [(state, *(self._read(head, states, i) for head in heads)) for i, state in enumerate(states)]
        return self._numbered(number, after)

    def final(self, word: Sequence[Atom], heads: Sequence[Sequence[Head]]) -> tuple[int, ...]:
        """The numbers of the states after all layers."""
        states = self.begin(word)
        for number, layer in enumerate(heads, start=1):
            states = self.layer(states, layer, number)
        return states

    def number(self, layer: int, state: Hashable) -> int:
        """The number of one state after `layer` layers."""
        while len(self.states) <= layer:
            self.states.append({})
        return self.states[layer].setdefault(state, len(self.states[layer]))

    def _read(self, head: Head, states: Sequence[int], i: int) -> Hashable:
        reading = head.kind.reading
        gathered = BEGIN[reading]
        for j in head.kind.seen(i, len(states)):
            if (states[i], states[j]) in head.selected:
                further = advance(reading, gathered, head.values.get(states[j], 0))
                if further is None:
                    raise Disagreement
                gathered = further
        return result(reading, gathered)

    def _numbered(self, layer: int, states: Sequence[Hashable]) -> tuple[int, ...]:
        table = self.states[layer]
        return tuple(table.setdefault(state, len(table)) for state in states)
