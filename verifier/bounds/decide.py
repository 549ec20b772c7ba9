"""Is there a schedule within given limits? A schedule that `spec.cost.validate` accepts, or an argument that none is.

Three arguments, tried from the one that a person can follow to the one that only a program wants to read:

    Chain     reads that must be in layers one after the other, more than there are layers
    Crowd     in the layers first..last there must be as many heads as reads are listed (each read's own window lies
              within; two of them could share a head only when their windows are disjoint), more than fit
    Clausal   the clauses of `verifier.bounds.clauses` have no model, with the solver's proof
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from spec.cost import Schedule, validate
from spec.diagnostics import InternalError
from verifier.bounds.clauses import clauses
from verifier.bounds.problem import Limits, Problem, earliest, latest, least_layers, longest_chain
from verifier.bounds.sat import Contradiction, Model, Stopped, solve

_CROWD_WORK: Final = 200_000


@dataclass(frozen=True)
class Chain:
    """Reads by number, the first one first; empty when even the elementwise functions need more layers."""

    reads: tuple[int, ...]


@dataclass(frozen=True)
class Crowd:
    """Reads by number that need a head each in the layers `first..last`."""

    first: int
    last: int
    reads: tuple[int, ...]


@dataclass(frozen=True)
class Clausal:
    """A clausal proof, line by line."""

    proof: tuple[str, ...]


Argument: TypeAlias = Chain | Crowd | Clausal


@dataclass(frozen=True)
class Feasible:
    """A schedule within the limits, validated."""

    limits: Limits
    schedule: Schedule


@dataclass(frozen=True)
class Impossible:
    """No schedule is within the limits."""

    limits: Limits
    argument: Argument


@dataclass(frozen=True)
class Open:
    """Not decided in time."""

    limits: Limits
    seconds: float


Decision: TypeAlias = Feasible | Impossible | Open


def decide(task: Problem, limits: Limits, seconds: float) -> Decision:
    """Whether some schedule of the task is within the limits."""
    if limits.layers < least_layers(task):
        return Impossible(limits, Chain(longest_chain(task)))
    crowd = crowded(task, limits)
    if crowd is not None:
        return Impossible(limits, crowd)
    if not task.reads:
        return Feasible(limits, checked(task, [], limits))
    match solve(clauses(task, limits), seconds):
        case Model(true=true):
            return Feasible(limits, checked(task, _layers(task, limits.layers, true), limits))
        case Contradiction(proof=proof):
            return Impossible(limits, Clausal(proof))
        case Stopped(seconds=spent):
            return Open(limits, spent)


def checked(task: Problem, layer: Sequence[int], limits: Limits) -> Schedule:
    """The schedule of these layers, which must be valid and within the limits."""
    found = task.schedule(layer, limits.layers)
    wrong = validate(found, task.roots, task.model)
    over = [
        name
        for name, used, most in (("heads", found.width, limits.width), ("total heads", found.total, limits.total))
        if most is not None and used > most
    ]
    if wrong or over:
        problems = "; ".join([violation.message for violation in wrong] + over)
        raise InternalError(f"the search for {limits} made a schedule that is not valid: {problems}")
    return found


def _layers(task: Problem, layers: int, true: frozenset[int]) -> list[int]:
    """For each read the first layer l with y(r, l)."""
    starts = range(0, len(task.reads) * layers, layers)
    return [next(layer for layer in range(1, layers + 1) if start + layer in true) for start in starts]


def crowded(task: Problem, limits: Limits) -> Crowd | None:
    """Layers that need more heads than the limits allow there, if the reads' windows alone show it."""
    layers = limits.layers
    if layers * layers * len(task.reads) > _CROWD_WORK:
        return None
    windows = list(zip(earliest(task), latest(task, layers), range(len(task.reads)), strict=True))
    by_end = sorted(windows, key=lambda window: window[1])
    if limits.total is not None:
        listed = _apart(task, by_end, 1)
        if len(listed) > limits.total:
            return Crowd(1, layers, tuple(listed))
    if limits.width is None:
        return None
    for first, last in _spans(layers):
        listed = _apart(task, (window for window in by_end if window[1] <= last), first)
        if len(listed) > limits.width * (last - first + 1):
            return Crowd(first, last, tuple(listed))
    return None


def _spans(layers: int) -> Iterator[tuple[int, int]]:
    """All ranges of layers, short ones first."""
    for size in range(layers):
        yield from ((first, first + size) for first in range(1, layers - size + 1))


def _apart(task: Problem, by_end: "Sequence[_Window] | Iterator[_Window]", first: int) -> list[int]:
    """As many reads as possible whose windows start at `first` or later and are disjoint for each selector."""
    reached: dict[int, int] = {}
    listed = []
    for start, end, r in by_end:
        selector = task.head[r]
        if start >= first and start > reached.get(selector, 0):
            reached[selector] = end
            listed.append(r)
    return listed


_Window: TypeAlias = tuple[int, int, int]
