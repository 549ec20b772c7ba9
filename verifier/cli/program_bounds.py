"""What `rasp bounds` says about a program: as written, and up to equivalence on a scope."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from spec.cost import TRANSFORMER, CostModel, reference_analysis
from spec.elaborate import Program
from spec.graph import SOp
from spec.property.scope import Scope
from verifier.bounds import words
from verifier.bounds.certificate import Document
from verifier.bounds.chart import LEGEND, chart
from verifier.bounds.equivalent import Rewritten, up_to_equivalence
from verifier.bounds.summary import Json, rewritten_json, written_json
from verifier.bounds.written import Front, Stairs, as_written
from verifier.cli.common import loaded, overrides, target
from verifier.cli.compile import compiled_from
from verifier.running.selection import usual_scope
from verifier.running.subject import Subject

LONGEST: Final = 6
"""The greatest length that is looked at where a scope has none."""


@dataclass(frozen=True, eq=False)
class Named:
    """The s-op that the command line names, and the scope that it asks about."""

    program: Program
    sop: SOp
    name: str
    scope: Scope


@dataclass(frozen=True)
class Asked:
    """What is asked about an s-op of a program, and where the answers go."""

    about: Named
    models: tuple[CostModel, ...]
    seconds: float
    charts: bool
    crosscheck: bool
    texts: bool
    document: Document
    summary: list[Json]


def written(asked: Asked) -> tuple[list[str], bool]:
    """Level 1: the lines to print, and whether nothing is open."""
    program, root = asked.about.program, asked.about.sop
    lines = [f"{asked.about.name}, as written"]
    complete = True
    for model in asked.models:
        front = as_written([root], model, program.numbers, program.graph.spans, asked.seconds)
        asked.document.front(front, [root], program.graph)
        asked.summary.append(written_json(asked.about.name, front))
        complete = complete and front.complete
        lines.append(f"  {model.name} model: tight in this cost model, for this program as written")
        lines.extend(_front(front, asked))
    return lines, complete


def reference(program: Program, name: str) -> str:
    """What the reference's greedy analysis says of a program that was elaborated without interning."""
    found = reference_analysis(program.graph, program.sop(name))
    return f"  reference (greedy): {found.layers} layers, heads {words.heads(found)}, {found.total} in all"


def named(options: argparse.Namespace) -> Named:
    """The target, read once, under the scope of the options, else of its own contract, which has an end."""
    program, sop, name = loaded(options)
    scope = overrides(options).apply(usual_scope(Subject.load(target(options.target).path)))
    return Named(program, sop, name, finite(scope, program))


def finite(scope: Scope, program: Program) -> Scope:
    """The scope up to some length, in the numbers of the program."""
    high = max(scope.low, LONGEST) if scope.high is None else scope.high
    return replace(scope, high=high, numbers=program.numbers)


def rewritten(asked: Asked) -> tuple[list[str], bool]:
    """Level 2 likewise."""
    about = asked.about
    lines = [f"{about.name}, up to equivalence on {about.scope}"]
    complete = True
    for model in asked.models:
        found = up_to_equivalence(about.program, about.name, model, about.scope, asked.seconds)
        asked.document.equivalent(found, about.sop)
        asked.document.front(found.front, [found.root], found.graph)
        asked.summary.append(rewritten_json(found))
        complete = complete and found.complete
        lines.append(f"  {model.name} model: tight in this cost model, for the program after merging")
        lines.extend(_merges(found))
        lines.extend(_front(found.front, asked))
        if asked.texts and found.text is not None:
            lines.extend("      " + line for line in found.text.splitlines())
    return lines, complete


def _merges(found: Rewritten) -> Iterator[str]:
    if found.why:
        yield f"    {found.why}"
    if found.undecided:
        yield f"    open: {found.undecided} comparisons were not decided in time"
    if found.proof is not None:
        yield from (f"    {words.merge(merge, found.written)} ({', '.join(merge.by)})" for merge in found.merges)
        yield f"    equal to the program as written wherever that has a value: {', '.join(found.proof.by)}"


def _front(front: Front, asked: Asked) -> Iterator[str]:
    yield f"    layers >= {front.layers}" + (
        "" if front.shortest is None else f": {words.argument(front.shortest.argument, front.task, front.graph)}"
    )
    compiled: set[tuple[int, ...]] = set()
    for stairs in (front.widths, front.totals):
        yield from _stairs(stairs, front, asked, compiled)
        if asked.charts:
            yield from ("      " + line for line in chart(stairs))
    if asked.charts:
        yield f"      {LEGEND}"


def _stairs(stairs: Stairs, front: Front, asked: Asked, compiled: set[tuple[int, ...]]) -> Iterator[str]:
    for step in stairs.steps:
        most = stairs.counted.of(step)
        yield f"    layers = {step.layers}: {stairs.counted.value} = {most} ({words.heads(step)})"
        if asked.crosscheck and front.task.model is TRANSFORMER and step.heads not in compiled:
            compiled.add(step.heads)
            yield f"      {compiled_from(front, step, asked.about.scope)}"
    for refuted in stairs.refuted:
        yield f"      {words.impossible(refuted, front.task, front.graph)}"
    for left in stairs.open:
        yield f"      {left.limits}: open, not decided in {left.seconds:.0f} s"


def listed(chosen: str | None, models: Iterable[CostModel]) -> tuple[CostModel, ...]:
    """The model of that name, or all."""
    return tuple(model for model in models if chosen in (None, model.name))
