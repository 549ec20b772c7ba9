"""The question that a property poses to the solvers at one length, in the formats that other solvers read."""

from collections.abc import Iterator
from typing import Final, assert_never

from spec.property import ast
from spec.property.bound import BoundProperty
from spec.source import printable
from verifier.encodings.formula import Encoder, formula_of
from verifier.engine import Limits, Query, Undecided
from verifier.engines.sat import Clauses, clauses_of
from verifier.question.claims import state
from verifier.question.express import Unexpressible
from verifier.report.table import atom_text
from verifier.running.overrides import Overrides, usage
from verifier.running.selection import Target, select
from verifier.running.subject import Subject

QUERIES: Final = ("smt", "cnf")


def query_lines(target: Target, form: str, length: int | None, numbers: str | None) -> Iterator[str]:
    """The lines of a file that is satisfiable exactly when an input of the length breaks the property."""
    if target.name is None:
        raise usage(f"`{target.path}` names no property", hint="write FILE::PROPERTY")
    found = select(Subject.load(target.path), target.name, Overrides(numbers=numbers))
    if len(found) != 1 or isinstance(found[0].property.claim, ast.Example | ast.Architecture):
        names = ", ".join(one.property.name for one in found)
        raise usage(f"`{target.name}` is not one property about inputs", hint=f"one of: {names}")
    (bound,) = found
    chosen = bound.property.scope.low if length is None else length
    if not bound.property.scope.has_length(chosen):
        raise usage(f"length {chosen} is not in {bound.property.scope}")
    try:
        query = Query(chosen, bound.property.scope.alphabet, state(bound, chosen).broken)
    except Unexpressible as reason:
        raise usage(f"only the interpreter can evaluate `{target.name}`: {reason.reason}") from reason
    made = formula_of(query, Limits()) if form == "smt" else clauses_of(query, Limits())
    match made:
        case Undecided(reason=why, detail=detail):
            raise usage(f"`{target.name}` has no {form} form at length {chosen}: {why.value} {detail}".rstrip())
        case Encoder():
            yield from (f"; {line}" for line in _about(bound, chosen))
            yield from (line for line in made.smtlib().splitlines() if line.strip("; "))
        case Clauses():
            yield from (f"c {line}" for line in _about(bound, chosen))
            yield from _dimacs(made)
        case _:
            assert_never(made)


def _about(bound: BoundProperty, length: int) -> Iterator[str]:
    prop = bound.property
    yield printable(f"{prop.span.source.name}:{prop.span.line} {prop.name}, inputs of length {length}, {prop.scope}")
    wanted = "reaches the cover" if isinstance(prop.claim, ast.Cover) else "breaks the property"
    yield f"satisfiable: an input of this length {wanted}; unsatisfiable: none does"


def _dimacs(made: Clauses) -> Iterator[str]:
    for position, letters in enumerate(made.letters):
        for symbol, literal in zip(made.symbols, letters, strict=True):
            yield printable(f"c {literal}: {atom_text(symbol)!r} at {position}")
    yield f"p cnf {made.variables} {len(made.clauses)}"
    for clause in made.clauses:
        yield " ".join(map(str, (*clause, 0)))
