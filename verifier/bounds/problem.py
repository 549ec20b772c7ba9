"""What a program asks of a schedule, as numbers: the instance that the search and its arguments are about.

Reads are numbered from 0 in topological order, different heads (`spec.cost.head_of`) from 0 by their first read. A
layer assignment `layer` within 1..L is valid when

    layer[r] > above[r],    layer[r] > layer[s] for every s in after[r],    L >= floor

and its heads are the distinct pairs (head[r], layer[r]). This is `spec.cost.demands`, nothing more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spec.cost import CostModel, Head, Read, Schedule, demands, floor, head_of, schedule
from spec.graph import Node


@dataclass(frozen=True, eq=False)
class Problem:
    """The reads of some roots under a cost model."""

    roots: tuple[Node, ...]
    model: CostModel
    reads: tuple[Read, ...]
    heads: tuple[Head, ...]
    head: tuple[int, ...]
    after: tuple[tuple[int, ...], ...]
    above: tuple[int, ...]
    floor: int

    def schedule(self, layer: Sequence[int], layers: int) -> Schedule:
        """The schedule that puts read r in `layer[r]`."""
        return schedule(dict(zip(self.reads, layer, strict=True)), layers)


@dataclass(frozen=True)
class Limits:
    """At most so many layers, heads in each layer, and heads in all; `None` is no limit."""

    layers: int
    width: int | None = None
    total: int | None = None

    def __str__(self) -> str:
        """As a clause of a contract writes it."""
        parts = (("layers", self.layers), ("heads", self.width), ("total heads", self.total))
        return ", ".join(f"{name} <= {most}" for name, most in parts if most is not None)


def problem(roots: Iterable[Node], model: CostModel) -> Problem:
    """The instance of these roots."""
    roots = tuple(roots)
    wanted = demands(roots, model)
    reads = tuple(wanted)
    number = {read: r for r, read in enumerate(reads)}
    heads = tuple(dict.fromkeys(map(head_of, reads)))
    place: Mapping[Head, int] = {head: s for s, head in enumerate(heads)}
    return Problem(
        roots,
        model,
        reads,
        heads,
        tuple(place[head_of(read)] for read in reads),
        tuple(tuple(sorted(number[below] for below in wanted[read].after)) for read in reads),
        tuple(wanted[read].above for read in reads),
        floor(roots, model),
    )


def earliest(task: Problem) -> tuple[int, ...]:
    """For each read the first layer that any schedule can give it: one more than its longest chain."""
    found: list[int] = []
    for r in range(len(task.reads)):
        found.append(1 + max((task.above[r], *(found[s] for s in task.after[r]))))
    return tuple(found)


def latest(task: Problem, layers: int) -> tuple[int, ...]:
    """For each read the last layer that a schedule of so many layers can give it."""
    found = [layers] * len(task.reads)
    for r in range(len(task.reads) - 1, -1, -1):
        for s in task.after[r]:
            found[s] = min(found[s], found[r] - 1)
    return tuple(found)


def least_layers(task: Problem) -> int:
    """The least number of layers of any schedule."""
    return max((task.floor, *earliest(task)))


def longest_chain(task: Problem) -> tuple[int, ...]:
    """Reads that have to be in layers one after the other, as many as there can be; the first one first.

    Empty when the layers are needed for something else than reads (`floor`).
    """
    first = earliest(task)
    if max(first, default=0) < max(task.floor, 1):
        return ()
    chain = [first.index(max(first))]
    while True:
        r = chain[-1]
        before = [s for s in task.after[r] if first[s] == first[r] - 1]
        if not before or first[r] == task.above[r] + 1:
            return tuple(reversed(chain))
        chain.append(before[0])
