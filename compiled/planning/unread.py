"""What nobody reads is not written: counts with one value, and what only they would have needed."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from compiled.planning.layout import Layer, Linear, Plan, Unit, Writer


def without_unread(plan: Plan) -> Plan:
    """The plan without features that no output is computed from, channels and hidden units that write only such, and
    heads without channels; with the same layers."""
    needed = _slots(read for readout in plan.readouts for read in readout.logits)
    layers: list[Layer] = []
    for layer in reversed(plan.layers):
        units = [Unit(unit.read, kept) for unit in layer.units if (kept := _to(unit.writes, needed))]
        bias = dict(_to(layer.bias.items(), needed))
        needed |= _slots(unit.read for unit in units)
        heads = []
        for head in layer.heads:
            channels = [channel for channel in head.channels if channel.slot in needed]
            if channels:
                computed = {channel.leaf for channel in channels}
                leaves = [leaf for leaf in head.leaves if leaf in computed]
                heads.append(replace(head, leaf=leaves[0], channels=channels, leaves=leaves))
        needed |= _slots(read for head in heads for read in head.reads)
        layers.append(Layer(heads, units, bias))
    slots = tuple(slot for slot in plan.slots if slot.number in needed or slot.writer is Writer.START)
    return replace(plan, slots=slots, layers=tuple(layers[::-1]))


def _slots(reads: Iterable[Linear]) -> set[int]:
    return {slot for read in reads for slot, _ in read.terms}


def _to(amounts: Iterable[tuple[int, Fraction]], slots: set[int]) -> tuple[tuple[int, Fraction], ...]:
    return tuple((slot, amount) for slot, amount in amounts if slot in slots)
