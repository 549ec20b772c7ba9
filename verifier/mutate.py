"""Mutants of a program: small changes that a contract should notice.

Each mutant differs from the program in one place: another operator, predicate, constant or default, keys and queries
exchanged, the branches of a conditional exchanged, a `round`, `not` or minus left out. A contract that is as true of
the mutant as of the program does not say what was changed there; or the change makes no difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from spec.ast import (
    Aggregate,
    Binary,
    BinaryOp,
    Draw,
    Expression,
    FloatLiteral,
    Indicator,
    IntLiteral,
    Predicate,
    Round,
    Select,
    SetExample,
    StringLiteral,
    Ternary,
    Unary,
    UnaryOp,
)
from spec.diagnostics import RaspError
from spec.parse import parse_file_text
from spec.source import Source, Span
from spec.syntax_walk import walk_expressions
from spec.unparse import unparse
from verifier.check import Options, check
from verifier.running.overrides import Overrides
from verifier.running.selection import select
from verifier.running.subject import Subject
from verifier.verdict import Failed, Refuted, Unknown, Witness, as_expected


@dataclass(frozen=True)
class Mutant:
    """A program that differs from the one it was made of in what stands at `span`."""

    span: Span
    becomes: str

    @property
    def source(self) -> Source:
        """The whole program."""
        text = self.span.source.text
        return Source(self.span.source.name, f"{text[: self.span.start]}({self.becomes}){text[self.span.end :]}")


@dataclass(frozen=True)
class Killed:
    """A property that is not as expected of the mutant; the input that shows it, where there is one."""

    by: str
    witness: Witness | None


@dataclass(frozen=True)
class Stillborn:
    """The mutant is no program, or the contract can't be about it: nobody would overlook it."""

    reason: str


@dataclass(frozen=True)
class Survived:
    """Every property is as expected; of those in `undecided` nobody knows."""

    undecided: tuple[str, ...] = ()


Fate: TypeAlias = Killed | Stillborn | Survived


def mutants(source: Source) -> Iterator[Mutant]:
    """Every mutant of a program, in the order of the places that are changed; raises `RaspError`."""
    statements = (s for s in parse_file_text(source) if not isinstance(s, SetExample | Draw))
    found = [
        Mutant(node.span, unparse(changed)) for node in walk_expressions(*statements) for changed in _changes(node)
    ]
    # A comment in the place of a change may be a clause of the contract, which a mutant must keep.
    kept = {(m.span.start, m.span.end, m.becomes): m for m in found if "#" not in m.span.text}
    yield from (kept[place] for place in sorted(kept))


def fate(mutant: Mutant, subject: Subject, overrides: Overrides, options: Options) -> Fate:
    """What becomes of a mutant of the subject under the subject's contracts, up to the first property that kills."""
    return judge(replace(subject, source=mutant.source, _programs={}), overrides, options)


def judge(subject: Subject, overrides: Overrides, options: Options) -> Fate:
    """The first property that is not as expected."""
    try:
        properties = select(subject, None, overrides)
    except RaspError as error:
        return Stillborn(error.diagnostics[0].message)
    undecided: list[str] = []
    for bound in properties:
        verdict, name = check(bound, options), bound.property.name
        if isinstance(verdict, Failed):
            return Stillborn(verdict.diagnostics[0].message)
        if isinstance(verdict, Unknown):
            undecided.append(name)
        elif not as_expected(verdict, bound.property.expected):
            return Killed(name, verdict.witness if isinstance(verdict, Refuted) else None)
    return Survived(tuple(undecided))


# ------------------------------------------------------------------------------------------------ changes

_OPERATORS: Final[Mapping[BinaryOp, Sequence[BinaryOp]]] = MappingProxyType(
    {
        BinaryOp.ADD: (BinaryOp.SUB,),
        BinaryOp.SUB: (BinaryOp.ADD,),
        BinaryOp.MUL: (BinaryOp.ADD, BinaryOp.DIV),
        BinaryOp.DIV: (BinaryOp.MUL,),
        BinaryOp.MOD: (BinaryOp.ADD,),
        BinaryOp.POW: (BinaryOp.MUL,),
        BinaryOp.EQ: (BinaryOp.LE, BinaryOp.GE),
        BinaryOp.LT: (BinaryOp.LE, BinaryOp.GT),
        BinaryOp.LE: (BinaryOp.LT, BinaryOp.EQ),
        BinaryOp.GT: (BinaryOp.GE, BinaryOp.LT),
        BinaryOp.GE: (BinaryOp.GT, BinaryOp.EQ),
        BinaryOp.AND: (BinaryOp.OR,),
        BinaryOp.OR: (BinaryOp.AND,),
    }
)
_PREDICATES: Final[Mapping[Predicate, Sequence[Predicate]]] = MappingProxyType(
    {
        Predicate.EQ: (Predicate.NE, Predicate.LE),
        Predicate.NE: (Predicate.EQ, Predicate.LT),
        Predicate.LT: (Predicate.LE, Predicate.GT),
        Predicate.LE: (Predicate.LT, Predicate.EQ),
        Predicate.GT: (Predicate.GE, Predicate.LT),
        Predicate.GE: (Predicate.GT, Predicate.EQ),
    }
)


def _changes(node: Expression) -> list[Expression]:
    """The expressions that may stand in a node's place."""
    match node:
        case Binary(op=op):
            return [replace(node, op=other) for other in _OPERATORS.get(op, ())]
        case Select(keys=keys, queries=queries, predicate=predicate):
            others: list[Expression] = [replace(node, predicate=other) for other in _PREDICATES[predicate]]
            if unparse(keys) != unparse(queries):
                others.append(replace(node, keys=queries, queries=keys))
            return others
        case Aggregate(default=None):
            return [replace(node, default=IntLiteral(node.span, 1))]
        case Aggregate():
            return [replace(node, default=None)]
        case Ternary(then=then, otherwise=otherwise):
            return [replace(node, then=otherwise, otherwise=then)]
        case Unary(op=UnaryOp.NOT | UnaryOp.NEG, operand=operand) | Round(operand=operand) | Indicator(operand=operand):
            return [operand]
        case IntLiteral(value=value):
            return [replace(node, value=other) for other in (value + 1, value - 1) if other >= 0]
        case FloatLiteral(text=text):
            return [replace(node, text=f"1{text}")]
        case StringLiteral(value=value):
            return [replace(node, value=f"{value}_")]
        case _:
            return []
