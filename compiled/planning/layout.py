"""The residual stream and what reads and writes it: the result of planning, without any tensor.

A `Slot` is a dimension of the residual stream while it holds one *feature*: a number for each value of something. Reads
are linear forms over slots, so the plan is already the transformer, written down sparsely and exactly.

States of the stream are numbered: 0 after the embedding, 2k - 1 after the heads of layer k, 2k after its MLP.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from compiled.meaning.formula import Formula
from compiled.meaning.leaves import Classes, Leaf, Stored, Tuple
from spec.graph import Map, SOp
from spec.values import Atom, Numbers


class Writer(Enum):
    """What writes a slot."""

    START = "start"
    TOKEN = "token"
    POSITION = "position"
    HEAD = "head"
    MLP = "mlp"


@dataclass(frozen=True, eq=False)
class Slot:
    """Dimension `number` with one feature: written once, a function of `leaves`, by `table` (of representatives).

    `exact`: without an error. `until`: the layer whose MLP erases it; None where it stays to the end.
    """

    number: int
    writer: Writer
    layer: int
    leaves: tuple[Leaf, ...]
    table: Mapping[Tuple, Fraction]
    classes: Classes = field(default_factory=dict)
    exact: bool = True
    until: int | None = None

    @property
    def born(self) -> int:
        """The first state of the stream that has it."""
        return max(0, 2 * self.layer - (self.writer is Writer.HEAD))

    def holds(self, state: int) -> bool:
        """Whether it is in this state of the stream."""
        return self.born <= state and (self.until is None or state < 2 * self.until)

    @property
    def stores(self) -> Map | None:
        """The stored s-op of which it holds a feature, if it does."""
        match self.leaves:
            case (Stored(sop=sop),):
                return sop
            case _:
                return None

    def at(self, point: Tuple) -> Fraction | None:
        """What the slot holds for these values of its leaves, if they can occur together."""
        pairs = zip(self.leaves, point, strict=True)
        return self.table.get(tuple(self.classes[leaf].get(v, v) if leaf in self.classes else v for leaf, v in pairs))


@dataclass(frozen=True)
class Linear:
    """`constant + sum of coefficient * slot`."""

    terms: tuple[tuple[int, Fraction], ...] = ()
    constant: Fraction = Fraction(0)

    def __add__(self, other: "Linear") -> "Linear":
        """The sum, slot by slot."""
        total = dict(self.terms)
        for slot, coefficient in other.terms:
            total[slot] = total.get(slot, Fraction(0)) + coefficient
        kept = tuple((slot, value) for slot, value in sorted(total.items()) if value)
        return Linear(kept, self.constant + other.constant)

    def __mul__(self, factor: Fraction | int) -> "Linear":
        """A multiple."""
        if not factor:
            return Linear()
        return Linear(tuple((slot, value * factor) for slot, value in self.terms), self.constant * factor)

    def at(self, stream: Mapping[int, Fraction]) -> Fraction:
        """The value for these slots; slots that are not given hold 0."""
        return self.constant + sum((c * stream.get(slot, Fraction(0)) for slot, c in self.terms), Fraction(0))


def total(parts: Iterable[Linear]) -> Linear:
    """The sum of linear forms."""
    found = Linear()
    for part in parts:
        found = found + part
    return found


class Mask(Enum):
    """Which keys a head may see at all, apart from the start token; only with `arch="masked"`."""

    NONE = "none"
    UP_TO = "<="
    BEFORE = "<"
    FROM = ">="
    AFTER = ">"


@dataclass(frozen=True)
class Part:
    """One conjunct of a head's selector, and which dimensions of the head score it."""

    formula: Formula
    scoring: str
    rank: int


@dataclass(frozen=True)
class Channel:
    """One value that a head moves: what it reads at the key, what the start token gives, and where it goes."""

    slot: int
    leaf: Leaf
    value: Linear
    start: Fraction


@dataclass(eq=False)
class Head:
    """A head: `queries[r]` times `keys[r]` summed over r, plus `start` when the key is the start token."""

    leaf: Leaf
    parts: tuple[Part, ...]
    mask: Mask
    queries: tuple[Linear, ...]
    keys: tuple[Linear, ...]
    start: Linear
    channels: list[Channel] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)

    @property
    def reads(self) -> tuple[Linear, ...]:
        """Everything that it reads."""
        return (*self.queries, *self.keys, self.start, *(channel.value for channel in self.channels))


@dataclass(frozen=True)
class Unit:
    """A hidden unit: `clip(read, 0, 1)`, added to slots with these weights."""

    read: Linear
    writes: tuple[tuple[int, Fraction], ...]


@dataclass(eq=False)
class Layer:
    """One block: heads, then clipped units."""

    heads: list[Head] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    bias: dict[int, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Readout:
    """One output: the value of the s-op is the one whose logit is largest."""

    name: str
    sop: SOp
    values: tuple[Atom, ...]
    logits: tuple[Linear, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """A transformer, sparsely: everything that the assembler needs."""

    alphabet: tuple[Atom, ...]
    max_length: int
    numbers: Numbers
    dtype: str
    beta: int
    slots: tuple[Slot, ...]
    layers: tuple[Layer, ...]
    readouts: tuple[Readout, ...]
    start_slot: int = 0
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many dimensions the stream has."""
        return 1 + max(slot.number for slot in self.slots)

    @property
    def heads(self) -> tuple[int, ...]:
        """How many heads each layer has."""
        return tuple(len(layer.heads) for layer in self.layers)
