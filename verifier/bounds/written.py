"""Level 1: the least layers and heads of a program as it is written, and what each layer more saves.

A front has two staircases. A step (L, v) says: with L layers, v heads suffice in every layer (or in all) and no fewer
do; with fewer layers, more are needed. What shows this: a validated schedule for every step; that L-1 layers don't
suffice for v, and L layers not for v-1, by an argument of `verifier.bounds.decide`. Padding with empty layers makes
all other limits follow: what fits in L layers fits in more. The stairs of all heads end where more layers cannot help:
a layer without heads can be left out, save those that elementwise functions need at the beginning, so v heads never
need more than `enough_layers(v)`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from time import monotonic
from typing import Final

from spec.cost import CostModel, Schedule, as_soon_as_possible
from spec.graph import Graph, Node
from spec.source import Span
from spec.transplant import transplant
from spec.values import Numbers
from verifier.bounds.decide import Chain, Feasible, Impossible, Open, decide
from verifier.bounds.merge import merged
from verifier.bounds.problem import Limits, Problem, least_layers, longest_chain, problem

_SHARE: Final = 1 / 60
"""One question may take so much of the time of all: others may be easier."""


class Counted(Enum):
    """Which heads are counted: those of the widest layer, or all."""

    WIDTH = "heads"
    TOTAL = "total heads"

    def of(self, schedule: Schedule) -> int:
        """How many a schedule has."""
        return schedule.width if self is Counted.WIDTH else schedule.total

    def limits(self, layers: int, most: int) -> Limits:
        """The limits that allow so many."""
        return Limits(layers, width=most) if self is Counted.WIDTH else Limits(layers, total=most)


@dataclass(frozen=True)
class Stairs:
    """The steps, from the fewest layers on; what is refuted below them; where time ran out."""

    counted: Counted
    steps: tuple[Schedule, ...]
    refuted: tuple[Impossible, ...]
    open: tuple[Open, ...]

    def least(self, layers: int) -> int | None:
        """The fewest heads found for so many layers."""
        return min((self.counted.of(step) for step in self.steps if step.layers <= layers), default=None)


@dataclass(frozen=True, eq=False)
class Front:
    """All that is known about a program as written under one cost model."""

    graph: Graph
    task: Problem
    shortest: Impossible | None
    widths: Stairs
    totals: Stairs

    @property
    def layers(self) -> int:
        """The least number of layers."""
        return least_layers(self.task)

    @property
    def complete(self) -> bool:
        """Whether nothing is left open."""
        return not self.widths.open and not self.totals.open


@dataclass
class _Clock:
    """How long each question may take, within what is left of the whole."""

    end: float
    each: float

    def left(self) -> float:
        return max(0.0, min(self.each, self.end - monotonic()))


def as_written(
    roots: Iterable[Node],
    model: CostModel,
    numbers: Numbers = Numbers.EXACT,
    spans: Mapping[Node, Span] | None = None,
    seconds: float = 60.0,
) -> Front:
    """The front of these roots, after structural merging; `seconds` in all, and a sixtieth of that for one question."""
    graph, task = merged_problem(roots, model, numbers, spans)
    clock = _Clock(monotonic() + seconds, seconds * _SHARE)
    least = least_layers(task)
    shortest = Impossible(Limits(least - 1), Chain(longest_chain(task))) if least else None
    widths = _stairs(task, Counted.WIDTH, 1 if task.reads else 0, clock)
    totals = _stairs(task, Counted.TOTAL, len(task.heads), clock)
    return Front(graph, task, shortest, widths, totals)


def merged_problem(
    roots: Iterable[Node], model: CostModel, numbers: Numbers, spans: Mapping[Node, Span] | None = None
) -> tuple[Graph, Problem]:
    """The program after structural merging, and what it asks of a schedule.

    Where merging makes no difference to any schedule the graph is a plain copy, so that nothing has to be said for it.
    """
    roots = tuple(roots)
    graph, made = merged(roots, numbers, spans)
    task, plain = problem([made[root] for root in roots], model), problem(roots, model)
    if (task.head, task.after, task.above, task.floor) != (plain.head, plain.after, plain.above, plain.floor):
        return graph, task
    graph = Graph(numbers)
    made = transplant(roots, graph, spans)
    return graph, problem([made[root] for root in roots], model)


def enough_layers(task: Problem, total: int) -> int:
    """If a schedule with so many heads in all exists, one exists with this many layers.

    Take out any layer without heads after the first m = max(floor, above..), and let what comes after move down by
    one: the order stays, nothing moves to or below layer m, and at least m layers are left.
    """
    return total + max((task.floor, *task.above))


def _stairs(task: Problem, counted: Counted, fewest: int, clock: _Clock) -> Stairs:
    """Walk along the steps: down as far as it goes, then one layer more."""
    layers = least_layers(task)
    best = as_soon_as_possible(task.roots, task.model)
    steps: list[Schedule] = []
    refuted: list[Impossible] = []
    while True:
        best, below = _descend(task, counted, layers, best, fewest, clock)
        steps.append(best)
        if not isinstance(below, Impossible):
            return Stairs(counted, tuple(steps), tuple(refuted), (below,) if below else ())
        last, then = _deepen(task, below, clock)
        refuted.append(last)
        if not isinstance(then, Feasible):
            return Stairs(counted, tuple(steps), tuple(refuted), (then,) if then else ())
        best, layers = then.schedule, then.limits.layers


def _deepen(task: Problem, refuted: Impossible, clock: _Clock) -> tuple[Impossible, Feasible | Open | None]:
    """Add layers until the limit can be kept: the last refutation, and the answer after it.

    `None` when no number of layers helps.
    """
    while True:
        layers, total = refuted.limits.layers, refuted.limits.total
        if total is not None and layers >= enough_layers(task, total):
            return refuted, None
        answer = decide(task, replace(refuted.limits, layers=layers + 1), clock.left())
        if not isinstance(answer, Impossible):
            return refuted, answer
        refuted = answer


def _descend(
    task: Problem, counted: Counted, layers: int, best: Schedule, fewest: int, clock: _Clock
) -> tuple[Schedule, Impossible | Open | None]:
    """The schedule with the fewest heads at this depth, and the answer about one head fewer."""
    while counted.of(best) > fewest:
        answer = decide(task, counted.limits(layers, counted.of(best) - 1), clock.left())
        if not isinstance(answer, Feasible):
            return best, answer
        best = answer.schedule
    return best, None
