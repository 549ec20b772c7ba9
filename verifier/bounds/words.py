"""Schedules, limits and arguments in words."""

from collections.abc import Iterable
from typing import assert_never

from spec.cost import Schedule
from spec.graph import Graph, Indices, Node, Tokens
from spec.show import label
from spec.values import format_atom
from verifier.bounds.decide import Argument, Chain, Clausal, Crowd, Impossible
from verifier.bounds.problem import Problem
from verifier.bounds.sweep import How, Merge

_SHOWN = 8


def heads(schedule: Schedule) -> str:
    """`2/1/1`, the heads of each layer."""
    return "/".join(map(str, schedule.heads)) or "none"


def node_name(node: Node, graph: Graph) -> str:
    """Where a node was written, as well as is known."""
    span = graph.spans.get(node)
    return f"{type(node).__name__.lower()} at {span.location}" if span else repr(node)


def impossible(refuted: Impossible, task: Problem, graph: Graph) -> str:
    """The claim and its argument, in one sentence."""
    return f"{refuted.limits} is impossible: {argument(refuted.argument, task, graph)}"


def argument(reason: Argument, task: Problem, graph: Graph) -> str:
    """Why limits cannot be kept."""
    match reason:
        case Chain(reads=()):
            return "the elementwise functions of token and position together need a layer"
        case Chain(reads=reads):
            above = task.above[reads[0]]
            later = f", the first one after layer {above}" if above else ""
            return f"{len(reads)} reads need layers one after the other{later} ({_reads(reads, task, graph)})"
        case Crowd(first=first, last=last, reads=reads):
            where = f"layer {first}" if first == last else f"layers {first} to {last}"
            return f"{where} must hold {len(reads)} heads ({_reads(reads, task, graph)})"
        case Clausal(proof=proof):
            return f"a propositional proof of {len(proof)} lines"


def _reads(reads: Iterable[int], task: Problem, graph: Graph) -> str:
    names = [node_name(task.reads[r], graph) for r in reads]
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def merge(found: Merge, graph: Graph) -> str:
    """What was found to be equal to what."""
    about = node_name(found.node, graph)
    match found.how:
        case How.CONSTANT if found.value is not None:
            return f"{about} is always {format_atom(found.value)}"
        case How.EVERYTHING | How.NOTHING | How.CONSTANT | How.ONCE:
            return f"{about} {found.how.value}"
        case How.EQUAL | How.TABLE | How.MOVED | How.REST:
            other = found.other
            base = isinstance(other, Tokens | Indices)
            name = "nothing" if other is None else label(other) if base else node_name(other, graph)
            return f"{about} {found.how.value} {name}"
    assert_never(found.how)
