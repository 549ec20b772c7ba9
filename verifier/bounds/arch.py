"""`arch` clauses: whether a program, as written, fits into so many layers and heads."""

from spec.cost import PAPER, CostModel, as_soon_as_possible
from spec.diagnostics import InternalError
from spec.graph import SOp
from spec.property.ast import Architecture, Measure
from spec.property.bound import BoundProperty
from verifier.bounds import words
from verifier.bounds.decide import Feasible, Impossible, Open, decide
from verifier.bounds.problem import Limits, Problem
from verifier.bounds.written import enough_layers, merged_problem
from verifier.engine import Reason
from verifier.verdict import Proved, Refuted, Unknown, Verdict


def architecture(bound: BoundProperty, model: CostModel = PAPER, seconds: float = 60.0) -> Verdict:
    """The verdict on an `arch` clause: one schedule has to keep all its limits."""
    claim = bound.property.claim
    if not isinstance(claim, Architecture):
        raise InternalError(f"{type(claim).__name__} is no claim about an architecture")
    sop = _target(bound, claim)
    graph, task = merged_problem([sop], model, bound.program.graph.numbers, bound.program.graph.spans)
    match decide(task, _limits(task, claim), seconds):
        case Feasible(schedule=found):
            fits = f"{found.layers} layers, heads {words.heads(found)}, {found.total} in all"
            return Proved(bound.property.scope, structural=f"as written, {model.name} model: {fits}")
        case Impossible() as refuted:
            return Refuted(None, detail=f"as written, {model.name} model: {words.impossible(refuted, task, graph)}")
        case Open(limits=limits, seconds=spent):
            detail = f"as written, {model.name} model: no schedule of {limits} found or refuted in {spent:.0f} s"
            return Unknown(Reason.WALL, detail)


def _target(bound: BoundProperty, claim: Architecture) -> SOp:
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
