"""From a plan to dense weights: names and shapes of TransformerLens, values exact in double precision.

The start token is 1 in slot 0 and 0 elsewhere; every linear read is corrected there through the row of slot 0, so that
the start token attends to itself only, its hidden units are 0, and its state never depends on the input.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from compiled.planning.layout import Head, Layer, Linear, Plan, Writer
from compiled.planning.shape import Shape, shape_of
from spec.values import Atom

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Weights:
    """Dense tensors by name."""

    shape: Shape
    tensors: Mapping[str, Floats]

    @property
    def parameters(self) -> int:
        """How many numbers there are, padding and unembedding included."""
        return self.shape.parameters


def assemble(plan: Plan) -> Weights:
    """The dense weights of a plan."""
    shape = shape_of(plan)
    tensors = {"embed.W_E": np.zeros((shape.vocabulary, shape.model))}
    tensors["pos_embed.W_pos"] = np.zeros((shape.context, shape.model))
    _embed(plan, tensors)
    stream: dict[int, Fraction] = {plan.start_slot: Fraction(1)}
    for number, layer in enumerate(plan.layers):
        block = _Block(plan, shape, stream)
        block.attention(layer)
        block.mlp(layer)
        tensors.update({f"blocks.{number}.{name}": tensor for name, tensor in block.tensors.items()})
    unembed, bias = np.zeros((shape.model, shape.output)), np.zeros(shape.output)
    lines = [line for readout in plan.readouts for line in readout.logits]
    for column, line in enumerate(lines):
        bias[column] = float(line.constant)
        for slot, coefficient in line.terms:
            unembed[slot, column] = float(coefficient)
    return Weights(shape, tensors | {"unembed.W_U": unembed, "unembed.b_U": bias})


def _embed(plan: Plan, tensors: dict[str, Floats]) -> None:
    index: dict[Atom, int] = {symbol: k for k, symbol in enumerate(plan.alphabet)}
    tensors["embed.W_E"][len(plan.alphabet), plan.start_slot] = 1.0
    for slot in plan.slots:
        match slot.writer:
            case Writer.TOKEN:
                for symbol, k in index.items():
                    tensors["embed.W_E"][k, slot.number] = float(slot.table.get((symbol,), Fraction(0)))
            case Writer.POSITION:
                for i in range(plan.max_length):
                    tensors["pos_embed.W_pos"][i + 1, slot.number] = float(slot.table.get((i,), Fraction(0)))
            case _:
                pass


class _Block:
    """One layer; `stream` is the state of the start token, kept up to date."""

    def __init__(self, plan: Plan, shape: Shape, stream: dict[int, Fraction]) -> None:
        self.plan, self.shape, self.stream = plan, shape, stream
        d, h, e, m = shape.model, shape.heads, shape.head, shape.mlp
        sizes: dict[str, tuple[int, ...]] = {f"attn.W_{name}": (h, d, e) for name in "QKV"}
        sizes |= {f"attn.b_{name}": (h, e) for name in "QKV"}
        sizes |= {"attn.W_O": (h, e, d), "attn.b_O": (d,)}
        if m:
            sizes |= {"mlp.W_in": (d, m), "mlp.b_in": (m,), "mlp.W_out": (m, d), "mlp.b_out": (d,)}
        self.tensors: dict[str, Floats] = {name: np.zeros(size) for name, size in sizes.items()}

    def _put(self, weight: Floats, bias: Floats, index: int, read: Linear, at_start: Fraction) -> None:
        """A read as a column of a matrix, with `at_start` as its value at the start token."""
        for slot, coefficient in read.terms:
            weight[slot, index] = float(coefficient)
        bias[index] = float(read.constant)
        weight[self.plan.start_slot, index] += float(at_start - read.at(self.stream))

    def attention(self, layer: Layer) -> None:
        """The heads, and what they write at the start token."""
        for number, head in enumerate(layer.heads):
            self._head(number, head)
        self._add((channel.slot, channel.start) for head in layer.heads for channel in head.channels)

    def _head(self, number: int, head: Head) -> None:
        beta = Fraction(self.plan.beta)
        rank = len(head.keys)
        tensors = {name: self.tensors[f"attn.{name}"][number] for name in ("W_Q", "b_Q", "W_K", "b_K", "W_V", "b_V")}
        for r, (query, key) in enumerate(zip(head.queries, head.keys, strict=True)):
            self._put(tensors["W_Q"], tensors["b_Q"], r, query * beta, Fraction(0))
            self._put(tensors["W_K"], tensors["b_K"], r, key, Fraction(0))
        self._put(tensors["W_Q"], tensors["b_Q"], rank, head.start * beta, beta)
        tensors["W_K"][self.plan.start_slot, rank] = 1.0
        for c, channel in enumerate(head.channels):
            self._put(tensors["W_V"], tensors["b_V"], c, channel.value, channel.start)
            self.tensors["attn.W_O"][number, c, channel.slot] = 1.0

    def mlp(self, layer: Layer) -> None:
        """The hidden units, all of them 0 at the start token, and the constants that they are added to."""
        for u, unit in enumerate(layer.units):
            self._put(self.tensors["mlp.W_in"], self.tensors["mlp.b_in"], u, unit.read, Fraction(-1))
            for slot, amount in unit.writes:
                self.tensors["mlp.W_out"][u, slot] = float(amount)
        if not self.shape.mlp:
            if any(layer.bias.values()):
                self.tensors["attn.b_O"] += self._constants(layer)
        else:
            self.tensors["mlp.b_out"] += self._constants(layer)
        self._add(layer.bias.items())

    def _add(self, amounts: Iterable[tuple[int, Fraction]]) -> None:
        """To the state of the start token."""
        for slot, amount in amounts:
            self.stream[slot] = self.stream.get(slot, Fraction(0)) + amount

    def _constants(self, layer: Layer) -> Floats:
        constants = np.zeros(self.shape.model)
        for slot, amount in layer.bias.items():
            constants[slot] = float(amount)
        return constants
