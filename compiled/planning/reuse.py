"""Dimensions that are used again: a feature that nobody reads any more is erased, and another one takes its place.

An MLP erases what a dimension holds by adding minus its value: a staircase over the dimension itself, one unit for each
value but one. It can do so from the layer on whose attention or MLP reads the feature last, and what this MLP or any
later head or MLP writes may have the dimension. Erased is only what is exact, small enough that the sum is exactly 0,
and read at all. All layers have as many hidden units as the widest, so that the others have units to spare; where the
whole model gets smaller by it, all get some more.

    lifetimes   which states of the stream have a feature for a reader
    erasures    which feature is erased in which layer, as many as are followed by a new one, the cheapest first
    dimensions  a dimension for each feature: the lowest that is free
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import Final

from compiled.planning.forms import staircase
from compiled.planning.layout import Channel, Head, Layer, Linear, Plan, Readout, Slot, Unit, Writer
from compiled.planning.points import image
from compiled.planning.shape import Shape, shape_of
from compiled.planning.unread import without_unread
from compiled.precision import Precision

ROOM: Final = 4
"""How many times smaller than what is exact numbers are that are erased."""
FINEST: Final = 16
"""Only multiples of one of so many parts of 1 are erased: what comes after them is added to the same sum."""


def reused(plan: Plan, precision: Precision) -> Plan:
    """The plan with as few parameters as is found this way, the same layers, and no more heads; or the plan itself."""
    needed = without_unread(plan)
    shape = replace(shape_of(needed), model=len(needed.slots))
    until, least = dict[int, int](), shape.parameters
    for found, made in _choices(needed, shape, erasable(needed, precision)):
        if made.parameters < least:
            until, least = found, made.parameters
    return placed(needed, until) if least < shape_of(plan).parameters else plan


# ---------------------------------------------------------------------------------------------------- lifetimes


def lifetimes(plan: Plan) -> dict[int, tuple[int, int]]:
    """By slot the first state of the stream that has a feature, and the last one that is read for it, if any is."""
    born = {slot.number: slot.born for slot in plan.slots}
    last: dict[int, int] = {}
    for state, read in _reads(plan):
        for slot, _ in read.terms:
            last[slot] = max(state, last.get(slot, 0))
    return {slot: (born[slot], state) for slot, state in last.items()}


def _reads(plan: Plan) -> Iterator[tuple[int, Linear]]:
    """Everything that is read, with the state of the stream that it is read from."""
    for number, layer in enumerate(plan.layers, start=1):
        for head in layer.heads:
            yield from ((2 * number - 2, read) for read in head.reads)
        yield from ((2 * number - 1, unit.read) for unit in layer.units)
    for readout in plan.readouts:
        yield from ((2 * len(plan.layers), read) for read in readout.logits)


# ---------------------------------------------------------------------------------------------------- erasures


def erasable(plan: Plan, precision: Precision) -> dict[int, tuple[int, int]]:
    """Of each feature that can be erased the first layer that can, and the hidden units that it takes."""
    limit = 2 ** min(precision.digits, precision.product_digits) // ROOM
    lives, found = lifetimes(plan), dict[int, tuple[int, int]]()
    for slot in plan.slots:
        if slot.writer is Writer.START or not slot.exact or slot.number not in lives:
            continue
        values = image(slot.table)
        if len(values) > 1 and _small(values, limit):
            # The MLP of layer k sees state 2k - 1.
            found[slot.number] = max(lives[slot.number]) // 2 + 1, len(values) - 1
    return found


def _small(values: Collection[Fraction], limit: int) -> bool:
    """Whether all values are multiples of a power of two that is not too small, and none is large."""
    parts = lcm(*(value.denominator for value in values))
    return FINEST % parts == 0 and all(abs(value) * parts <= limit for value in values)


def _choices(plan: Plan, shape: Shape, can: Mapping[int, tuple[int, int]]) -> Iterator[tuple[dict[int, int], Shape]]:
    """What is erased in which layer, and the shape then: with the hidden units that there are, then with ever more, as
    long as fewer parameters are possible."""
    units: int | None = shape.mlp
    unlimited, _ = within(plan, can, shape.mlp + sum(cost for _, cost in can.values()))
    smallest = replace(shape, model=shape.model - len(unlimited))
    while units is not None and replace(smallest, mlp=units).parameters < shape.parameters:
        until, more = within(plan, can, units)
        yield until, replace(shape, model=shape.model - len(until), mlp=units)
        units = more


def within(plan: Plan, can: Mapping[int, tuple[int, int]], units: int) -> tuple[dict[int, int], int | None]:
    """What is erased where when each layer has so many units, and with how many units it would be something else.

    No more than what is written later, so that each erased dimension is used again.
    """
    births = [0] * (2 * len(plan.layers) + 1)
    for slot in plan.slots:
        births[slot.born] += 1
    order = sorted((cost, first, slot) for slot, (first, cost) in can.items())
    until: dict[int, int] = {}
    free, more = 0, list[int]()
    for number, layer in enumerate(plan.layers, start=1):
        free -= min(free, births[2 * number - 1])
        wanted, used = sum(births[2 * number :]) - free, len(layer.units)
        for cost, first, erased in order:
            if not wanted:
                break
            if erased in until or first > number:
                continue
            if used + cost > units:
                more.append(used + cost)
                break
            until[erased] = number
            used, wanted, free = used + cost, wanted - 1, free + 1
        free -= min(free, births[2 * number])
    return until, min(more, default=None)


def placed(plan: Plan, until: Mapping[int, int]) -> Plan:
    """The plan in which these features are erased in these layers, with what takes their dimensions."""
    return _renamed(_erased(plan, until))


def _erased(plan: Plan, until: Mapping[int, int]) -> Plan:
    """The plan with the hidden units that erase, each feature still in a dimension of its own."""
    layers = [Layer(layer.heads, list(layer.units), dict(layer.bias)) for layer in plan.layers]
    for slot in plan.slots:
        if slot.number not in until:
            continue
        layer = layers[until[slot.number] - 1]
        # Ramps as for shares: between two values, so that the units have a margin although the values have no error.
        (base,), steps = staircase([(value, (-value,)) for value in image(slot.table)], exact=False)
        layer.bias[slot.number] = layer.bias.get(slot.number, Fraction(0)) + base
        for step in steps:
            read = Linear(((slot.number, step.slope),), -step.bias)
            layer.units.append(Unit(read, ((slot.number, step.deltas[0]),)))
    slots = tuple(replace(slot, until=until.get(slot.number)) for slot in plan.slots)
    return replace(plan, slots=slots, layers=tuple(layers))


# ---------------------------------------------------------------------------------------------------- dimensions


def dimensions(slots: Sequence[Slot]) -> list[int]:
    """A dimension for each feature, the lowest that is free: those in one dimension are never there together."""
    free_from: list[int | None] = []
    found = [0] * len(slots)
    for k in sorted(range(len(slots)), key=lambda k: slots[k].born):
        free = (d for d, state in enumerate(free_from) if state is not None and state <= slots[k].born)
        found[k] = next(free, len(free_from))
        state = None if (until := slots[k].until) is None else 2 * until
        free_from[found[k] : found[k] + 1] = [state]
    return found


def _renamed(plan: Plan) -> Plan:
    """The plan with each feature in its dimension."""
    place = {slot.number: number for slot, number in zip(plan.slots, dimensions(plan.slots), strict=True)}

    def of(read: Linear) -> Linear:
        return Linear(tuple(sorted((place[slot], value) for slot, value in read.terms)), read.constant)

    def channel(one: Channel) -> Channel:
        return replace(one, slot=place[one.slot], value=of(one.value))

    def head(one: Head) -> Head:
        queries, keys = tuple(map(of, one.queries)), tuple(map(of, one.keys))
        return replace(one, queries=queries, keys=keys, start=of(one.start), channels=list(map(channel, one.channels)))

    def layer(one: Layer) -> Layer:
        units = [Unit(of(unit.read), of(Linear(unit.writes)).terms) for unit in one.units]
        bias = dict[int, Fraction]()
        for slot, value in one.bias.items():
            bias[place[slot]] = bias.get(place[slot], Fraction(0)) + value
        return Layer(list(map(head, one.heads)), units, bias)

    def readout(one: Readout) -> Readout:
        return replace(one, logits=tuple(map(of, one.logits)))

    return replace(
        plan,
        slots=tuple(replace(slot, number=place[slot.number]) for slot in plan.slots),
        layers=tuple(map(layer, plan.layers)),
        readouts=tuple(map(readout, plan.readouts)),
        start_slot=place[plan.start_slot],
    )
