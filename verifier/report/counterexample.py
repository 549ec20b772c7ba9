"""A counterexample as a run: evaluated once more, and cut down to what the failing position read."""

from dataclasses import dataclass
from typing import Final, assert_never

from spec.diagnostics import EvaluationError
from spec.elaborate import Program as Elaborated
from spec.graph import Selector, SOp
from spec.interp import ProgramFailure, Run, evaluate
from spec.property import ast
from spec.property.bound import BoundProperty, Program
from spec.source import Span
from verifier.report.relevance import Cell, Relevant, relevant
from verifier.report.table import table
from verifier.report.trace import Matrix, Place, Step, Trace, Values
from verifier.verdict import Witness

_LONGEST: Final = 60


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
    return Shown(table(run, sops, selectors, matters), _trace(bound, run, matters))


def _trace(bound: BoundProperty, run: Run, matters: Relevant) -> Trace:
    """The named s-ops and all selectors that matter, operands before what reads them."""
    program = bound.program
    found: list[tuple[int, Step]] = []
    for name, sop in program.sops().items():
        if sop in run.values and (positions := _sorted(matters, sop)):
            found.append((sop.id, Values(name, _place(program, name), run.values[sop], positions)))
    names = {node: name for name, node in program.selectors().items()}
    for selector, rows in run.rows.items():
        if positions := _sorted(matters, selector):
            named = names.get(selector)
            shown = _written(program, selector) if named is None else named
            place = _span_place(program.graph.spans.get(selector)) if named is None else _place(program, named)
            found.append((selector.id, Matrix(shown, place, rows, positions)))
    return Trace(tuple(step for _, step in sorted(found, key=lambda pair: pair[0])))


def _sorted(matters: Relevant, node: SOp | Selector) -> tuple[int, ...]:
    return tuple(sorted(matters.positions(node)))


def _written(program: Program, selector: Selector) -> str:
    """What the program says where it makes a selector without a name."""
    span = program.graph.spans.get(selector)
    text = f"selector %{selector.id}" if span is None else " ".join(span.text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _place(program: Program, name: str) -> Place | None:
    return _span_place(program.definition_span(name)) if isinstance(program, Elaborated) else None


def _span_place(span: Span | None) -> Place | None:
    return None if span is None else Place(span.source.name, span.line)


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
