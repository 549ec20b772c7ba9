"""A counterexample as a run: evaluated once more, and cut down to what the failing position read."""

from dataclasses import dataclass
from typing import assert_never

from spec.diagnostics import EvaluationError
from spec.elaborate import Program
from spec.graph import SOp
from spec.interp import ProgramFailure, Run, evaluate
from spec.property import ast
from spec.property.bound import BoundProperty
from verifier.relevance import Relevant, relevant
from verifier.table import table
from verifier.trace import Matrix, Place, Step, Trace, Values
from verifier.verdict import Witness


@dataclass(frozen=True)
class Shown:
    """The same run for people and for files."""

    table: str
    trace: Trace


def counterexample(bound: BoundProperty, witness: Witness) -> Shown | None:
    """The run on the witness; where the program fails there, what came before the failure."""
    roots = _roots(bound)
    program = bound.program
    if not roots:
        return None
    try:
        run = evaluate(roots, witness.word, program.graph.numbers)
        starts: list[Cell] = [(root, at) for root in roots for at in _positions(run, witness)]
    except ProgramFailure as failure:
        run = failure.run
        starts = [(failure.node, failure.position)]
    except EvaluationError:
        return None
    matters = relevant(run, starts)
    sops = {name: node for name, node in program.sops().items() if node in run.values}
    selectors = {name: node for name, node in program.selectors().items() if node in run.rows}
    return table(run, sops, selectors, matters)


def _roots(bound: BoundProperty) -> tuple[SOp, ...]:
    """The s-ops that the property is about."""
    claim, binding = bound.property.claim, bound.binding
    match claim:
        case ast.Ensures(condition=condition) | ast.Accepts(condition=condition) | ast.Cover(condition=condition):
            return tuple(node for node in binding.nodes(condition) if isinstance(node, SOp))
        case ast.NumbersAgree():
            return () if bound.agreeing is None else (bound.agreeing[bound.property.scope.numbers],)
        case ast.Equivalent(left=left, right=right):
            return tuple(binding.sops[target] for target in (left, right) if target.path is None)
        case (
            ast.Invariance(target=target)
            | ast.Causal(target=target)
            | ast.Example(target=target)
            | ast.NoError(target=target)
        ):
            return (binding.sops[target],)
        case ast.Architecture():
            return ()
    assert_never(claim)


def _positions(run: Run, witness: Witness) -> range:
    return range(run.n) if witness.at is None or witness.at >= run.n else range(witness.at, witness.at + 1)
