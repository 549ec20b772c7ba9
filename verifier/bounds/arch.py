"""`arch` clauses: whether a program, as written, fits into so many layers and heads, and a certificate of that."""

from dataclasses import dataclass
from typing import TypeAlias

from spec.cost import PAPER, CostModel, as_soon_as_possible
from spec.diagnostics import InternalError
from spec.graph import Graph, SOp
from spec.property.ast import Architecture, Measure
from spec.property.bound import BoundProperty
from verifier.bounds import words
from verifier.bounds.certificate import Document
from verifier.bounds.decide import Decision, Feasible, Impossible, Open, decide
from verifier.bounds.problem import Limits, Problem
from verifier.bounds.written import enough_layers, merged_problem
from verifier.engine import Reason
from verifier.verdict import Proved, Refuted, Unknown

Answer: TypeAlias = Proved | Refuted | Unknown


@dataclass(frozen=True)
class _Decided:
    """The graph after merging, what it asks of a schedule, and whether the limits of the clause can be kept."""

    graph: Graph
    task: Problem
    decision: Decision


def architecture(bound: BoundProperty, model: CostModel = PAPER, seconds: float = 60.0) -> Answer:
    """The verdict on an `arch` clause: one schedule has to keep all its limits."""
    return _verdict(bound, _decided(bound, model, seconds), model)


def certified(bound: BoundProperty, model: CostModel = PAPER, seconds: float = 60.0) -> tuple[Answer, Document | None]:
    """The same, with a certificate of a schedule or of its absence that `verifier.recheck` reads; none if undecided."""
    found = _decided(bound, model, seconds)
    if isinstance(found.decision, Open):
        return _verdict(bound, found, model), None
    document = Document()
    document.decision(found.decision, found.task, found.graph, [_target(bound)], bound.program.graph)
    return _verdict(bound, found, model), document


def _decided(bound: BoundProperty, model: CostModel, seconds: float) -> _Decided:
    graph, task = merged_problem([_target(bound)], model, bound.program.graph.numbers, bound.program.graph.spans)
    return _Decided(graph, task, decide(task, _limits(task, _claim(bound)), seconds))


def _verdict(bound: BoundProperty, decided: _Decided, model: CostModel) -> Answer:
    match decided.decision:
        case Feasible(schedule=found):
            fits = f"{found.layers} layers, heads {words.heads(found)}, {found.total} in all"
            return Proved(bound.property.scope, structural=f"as written, {model.name} model: {fits}")
        case Impossible() as refuted:
            why = words.impossible(refuted, decided.task, decided.graph)
            return Refuted(None, detail=f"as written, {model.name} model: {why}")
        case Open(limits=limits, seconds=spent):
            detail = f"as written, {model.name} model: no schedule of {limits} found or refuted in {spent:.0f} s"
            return Unknown(Reason.WALL, detail)


def _claim(bound: BoundProperty) -> Architecture:
    claim = bound.property.claim
    if not isinstance(claim, Architecture):
        raise InternalError(f"{type(claim).__name__} is no claim about an architecture")
    return claim


def _target(bound: BoundProperty) -> SOp:
    claim = _claim(bound)
    if claim.target is None:
        raise InternalError("binding gives every `arch` clause a target")
    return bound.binding.sops[claim.target]


def _limits(task: Problem, claim: Architecture) -> Limits:
    """The limits of the clause; without one on the layers, as many layers as can be of use."""
    most: dict[Measure, int] = {}
    for limit in claim.limits:
        most[limit.measure] = min(limit.at_most, most.get(limit.measure, limit.at_most))
    width, total = most.get(Measure.HEADS), most.get(Measure.TOTAL_HEADS)
    # The earliest schedule, with each layer divided into one for each of its heads, keeps any limit on the width.
    useful = enough_layers(task, as_soon_as_possible(task.roots, task.model).total if total is None else total)
    return Limits(most.get(Measure.LAYERS, useful), width, total)
