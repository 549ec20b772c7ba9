"""The table of a counterexample: the run that breaks the property, cut down to what the failing position read."""

from typing import assert_never

from spec.diagnostics import EvaluationError
from spec.graph import SOp
from spec.interp import Run, evaluate
from spec.property import ast
from spec.property.bound import BoundProperty
from verifier.relevance import relevant
from verifier.table import table
from verifier.verdict import Witness


def counterexample_table(bound: BoundProperty, witness: Witness) -> str | None:
    """The run on the witness; `None` when there is none because the program fails there."""
    roots = _roots(bound)
    program = bound.program
    if not roots:
        return None
    try:
        run = evaluate(roots, witness.word, program.graph.numbers)
    except EvaluationError:
        return None
    starts = [(root, at) for root in roots for at in _positions(run, witness)]
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
