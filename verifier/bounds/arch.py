"""`arch` clauses: whether so many layers and heads are enough, at the level that the clause names, with certificates.

Level 1 asks for one schedule of the program as written, level 2 for one of the program or of what is left of it after
merging what is equal on the scope, level 3 for a program of a class (`verifier.bounds.arch_class`). What level 2 does
not find is unknown: merging does not find everything, so nothing is refuted by it.
"""

from dataclasses import dataclass
from typing import TypeAlias

from spec.cost import MODELS, CostModel, as_soon_as_possible
from spec.diagnostics import InternalError
from spec.graph import Graph, SOp
from spec.property.ast import Architecture, Measure
from spec.property.bound import BoundProperty
from verifier.bounds import words
from verifier.bounds.arch_class import of_class
from verifier.bounds.certificate import Document
from verifier.bounds.decide import Decision, Feasible, Impossible, Open, decide
from verifier.bounds.equivalent import up_to_equivalence
from verifier.bounds.problem import Limits, Problem
from verifier.bounds.written import enough_layers, merged_problem
from verifier.engine import Reason
from verifier.verdict import Proved, Refuted, Unknown

Answer: TypeAlias = Proved | Refuted | Unknown


@dataclass(frozen=True)
class _Written:
    """The graph after structural merging, what it asks of a schedule, and whether the limits can be kept."""

    graph: Graph
    task: Problem
    decision: Decision


def architecture(bound: BoundProperty, seconds: float = 60.0) -> Answer:
    """The verdict on an `arch` clause: all its limits at once."""
    return certified(bound, seconds)[0]


def certified(bound: BoundProperty, seconds: float = 60.0) -> tuple[Answer, Document | None]:
    """The same, with certificates of what decides it that `verifier.recheck` reads; none where nothing does."""
    claim, target = _claim(bound), _target(bound)
    if claim.cls is not None:
        return of_class(claim, claim.cls, target, bound.property.scope, seconds)
    model = MODELS[claim.model]
    written = _decided(bound, target, model, seconds)
    document = Document()
    if not isinstance(written.decision, Open):
        document.decision(written.decision, written.task, written.graph, [target], bound.program.graph)
    if claim.level == 1 or isinstance(written.decision, Feasible):
        return _verdict(bound, written, model), None if isinstance(written.decision, Open) else document
    return _merged(bound, model, seconds)


# ------------------------------------------------------------------------------------------------ level 1


def _decided(bound: BoundProperty, target: SOp, model: CostModel, seconds: float) -> _Written:
    graph, task = merged_problem([target], model, bound.program.graph.numbers, bound.program.graph.spans)
    return _Written(graph, task, decide(task, _limits(task, _claim(bound)), seconds))


def _verdict(bound: BoundProperty, decided: _Written, model: CostModel) -> Answer:
    about = f"as written, {model.name} model"
    match decided.decision:
        case Feasible() as fits:
            return Proved(bound.property.scope, structural=f"{about}: {_fits(fits)}")
        case Impossible() as refuted:
            return Refuted(None, detail=f"{about}: {words.impossible(refuted, decided.task, decided.graph)}")
        case Open() as left:
            return Unknown(Reason.WALL, f"{about}: {_open(left)}")


def _fits(feasible: Feasible) -> str:
    found = feasible.schedule
    return f"{found.layers} layers, heads {words.heads(found)}, {found.total} in all"


def _open(left: Open) -> str:
    return f"no schedule of {left.limits} found or refuted in {left.seconds:.0f} s"


# ------------------------------------------------------------------------------------------------ level 2


def _merged(bound: BoundProperty, model: CostModel, seconds: float) -> tuple[Answer, Document | None]:
    """A schedule of what merging leaves, where the program as written has none or none is known."""
    target, scope = _target(bound), bound.property.scope
    found = up_to_equivalence(bound.program, _name(bound), model, scope, seconds)
    decision = decide(found.front.task, _limits(found.front.task, _claim(bound)), seconds)
    about = f"up to equivalence on {scope}, {model.name} model"
    match decision:
        case Feasible() as fits:
            document = Document()
            document.equivalent(found, target)
            document.decision(fits, found.front.task, found.front.graph, [found.root], found.graph)
            by = "" if found.proof is None else f"; merging proved by {', '.join(found.proof.by)}"
            return Proved(scope, structural=f"{about}: {_fits(fits)}{by}"), document
        case Impossible() as refuted:
            why = words.impossible(refuted, found.front.task, found.front.graph)
            left = f"; {found.undecided} comparisons were not decided in time" if found.undecided else ""
            detail = f"{about}: after all merging that was found, {why}{left}"
            return Unknown(Reason.WALL if found.undecided else Reason.UNSUPPORTED, detail), None
        case Open() as open_:
            return Unknown(Reason.WALL, f"{about}: {_open(open_)}"), None


# ------------------------------------------------------------------------------------------------ clauses


def _claim(bound: BoundProperty) -> Architecture:
    claim = bound.property.claim
    if not isinstance(claim, Architecture):
        raise InternalError(f"{type(claim).__name__} is no claim about an architecture")
    return claim


def _name(bound: BoundProperty) -> str:
    claim = _claim(bound)
    if claim.target is None:
        raise InternalError("binding gives every `arch` clause a target")
    return claim.target.id


def _target(bound: BoundProperty) -> SOp:
    return bound.program.sop(_name(bound))


def _limits(task: Problem, claim: Architecture) -> Limits:
    """The limits of the clause; without one on the layers, as many layers as can be of use."""
    most = claim.most
    width, total = most.get(Measure.HEADS), most.get(Measure.TOTAL_HEADS)
    # The earliest schedule, with each layer divided into one for each of its heads, keeps any limit on the width.
    useful = enough_layers(task, as_soon_as_possible(task.roots, task.model).total if total is None else total)
    return Limits(most.get(Measure.LAYERS, useful), width, total)
