"""What a proof does not say: the ways in which a property can hold for reasons that its author did not mean.

    warnings  idle implications     `A => B` holds only because A never does
              free claims           the claim holds whatever values the program computes
    notes     empty lengths         no input of the length satisfies the preconditions
              unused preconditions  the claim holds also on the inputs that one of them excludes

None changes a verdict. Something is said only where it was decided, or, for free claims, where many values were
tried. What would take long is left alone, and that is counted in inputs, nodes and steps, so that runs are alike.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from spec.graph import topological
from spec.property import ast
from spec.property.bound import BoundProperty, Shape, Type
from spec.property.evaluate import Checker, Status
from spec.property.scope import Scope
from spec.property.walk import subexpressions
from spec.values import Kind
from verifier.engine import Limits, Proofs, Query, Sat, Undecided, Unsat, Word
from verifier.engines.diagrams import DIAGRAMS
from verifier.engines.enumerate import ENUMERATE
from verifier.engines.smt import SMT
from verifier.evidence.freeness import free
from verifier.evidence.sample import spread
from verifier.question.claims import given, state
from verifier.question.express import Unexpressible
from verifier.question.terms import Term
from verifier.reductions.fewer import reduced

_LIMITS: Final = Limits(
    wall_s=5.0, max_inputs=1 << 10, max_terms=20_000, max_nodes=1 << 14, solver_steps=200_000, proofs=Proofs.NONE
)
_MOST_CELLS: Final = 60_000
"""Nodes of the program times pairs of positions: what is larger is not unrolled only for a warning."""
_SAMPLED: Final = 12
"""So many inputs of each length are evaluated before an engine is asked."""


@dataclass(frozen=True)
class Quality:
    """What is to be said about a proof: reasons to doubt that it is what was meant, and what is worth knowing."""

    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def quality(bound: BoundProperty, lengths: Sequence[int], reductions: bool = True) -> Quality:
    """What is to be said about a property that was proved at these lengths: all of its scope, or the first of it.

    `reductions` allows to look at fewer inputs that stand for all.
    """
    prop = bound.property
    if isinstance(prop.claim, ast.NoError | ast.NumbersAgree | ast.Cover):
        return Quality()
    warnings: list[str] = []
    notes: list[str] = []
    if prop.scope.high is not None:
        weighed = _Weighed(bound, prop.scope, tuple(lengths), replace(_LIMITS, reductions=reductions))
        if prop.requires:
            notes.extend(weighed.empty_lengths())
        notes.extend(weighed.unused())
        if isinstance(prop.claim, ast.Ensures):
            warnings.extend(weighed.idle(prop.claim.condition))
    if isinstance(prop.claim, ast.Ensures) and not warnings:
        warnings.extend(free(bound, prop.scope.short, prop.claim.condition))
    return Quality(tuple(warnings), tuple(notes))


def conflict(bound: BoundProperty, empty: Callable[[BoundProperty], bool]) -> tuple[str, ...]:
    """The names of preconditions that exclude each other: of all, as few as are `empty` together and less is not.

    Each is left out in turn, and stays out where the others still exclude every input.
    """
    kept = list(bound.property.requires)
    for requires in bound.property.requires:
        fewer = tuple(one for one in kept if one is not requires)
        if fewer and empty(_with(bound, fewer)):
            kept = list(fewer)
    return tuple(one.name for one in kept)


def _with(bound: BoundProperty, requires: tuple[ast.Requires, ...]) -> BoundProperty:
    return replace(bound, property=replace(bound.property, requires=requires))


@dataclass(frozen=True)
class _Weighed:
    """A property, the lengths at which it is weighed, and what that may cost."""

    bound: BoundProperty
    scope: Scope
    lengths: tuple[int, ...]
    limits: Limits

    def empty_lengths(self) -> Iterator[str]:
        """The lengths at which the preconditions exclude every input."""
        checker = Checker(self.bound)

        def meets(word: Word) -> bool:
            return checker.preconditions(word) is None

        def part(length: int) -> Term:
            return given(self.bound, length)

        empty = [length for length in self.lengths if self._some((length,), meets, part) is False]
        if empty:
            shown = ", ".join(map(str, empty))
            yield f"the preconditions exclude every input of length {shown}: there the property says nothing"

    def unused(self) -> Iterator[str]:
        """The preconditions without which the claim would hold just as well."""
        for requires in self.bound.property.requires:
            others = tuple(one for one in self.bound.property.requires if one is not requires)
            if self._reaches(_with(self.bound, others), Status.FAILS) is False:
                yield f"the precondition `{requires.name}` is not needed: the claim holds without it"

    def idle(self, condition: ast.Expression) -> Iterator[str]:
        """The implications whose left side holds nowhere."""
        for antecedent, reached in _antecedents(condition):
            if self._reaches(_cover(self.bound, reached), Status.HOLDS) is False:
                yield f"`{antecedent.span.text}` never holds, and so what it implies says nothing"

    # -------------------------------------------------------------------------------------------- deciding

    def _reaches(self, bound: BoundProperty, status: Status) -> bool | None:
        """Whether some input has this status: breaks another property, or satisfies another cover."""
        checker = Checker(bound)
        return self._some(
            self.lengths, lambda word: checker.check(word).status is status, lambda length: state(bound, length).broken
        )

    def _some(self, lengths: Sequence[int], meets: Callable[[Word], bool], part: Callable[[int], Term]) -> bool | None:
        """Whether some input of the lengths meets a condition; `None` where that would take too long."""
        for length in lengths:
            if any(map(meets, spread(self.scope, length, _SAMPLED))):
                return True
        for length in lengths:
            match self._decided(length, part):
                case Sat(word=word) if meets(word):
                    return True
                case Unsat():
                    pass
                case _:
                    return None
        return False

    def _decided(self, length: int, part: Callable[[int], Term]) -> Sat | Unsat | Undecided | None:
        if self._cells(length) > _MOST_CELLS:
            return None
        try:
            query = Query(length, self.scope.alphabet, part(length))
        except Unexpressible:
            return None
        fewer = reduced(query) if self.limits.reductions else None
        query = query if fewer is None else fewer.query
        last: Sat | Unsat | Undecided | None = None
        for engine in (ENUMERATE, DIAGRAMS, SMT):
            if engine is ENUMERATE and (query.inputs is None or query.inputs > self.limits.max_inputs):
                continue
            session = engine.open(query, self.limits)
            last = session if isinstance(session, Undecided) else session.check()
            if not isinstance(last, Undecided):
                break
        return last

    def _cells(self, length: int) -> int:
        nodes = {node for expression in _expressions(self.bound) for node in self.bound.binding.nodes(expression)}
        nodes.update(self.bound.binding.sops.values())
        return len(topological(nodes)) * length * length


def _expressions(bound: BoundProperty) -> Iterator[ast.Expression]:
    yield from (requires.condition for requires in bound.property.requires)
    if isinstance(bound.property.claim, ast.Ensures | ast.Accepts | ast.Cover):
        yield bound.property.claim.condition


# ------------------------------------------------------------------------------------------------ implications


def _antecedents(condition: ast.Expression) -> Iterator[tuple[ast.Expression, ast.Expression]]:
    """The left sides of implications that have to hold, each with what says that it holds somewhere."""
    stack: list[tuple[ast.Expression, tuple[ast.Quantified | ast.Expression, ...]]] = [(condition, ())]
    while stack:
        expression, context = stack.pop()
        match expression:
            case ast.Quantified(quantifier=ast.Quantifier.FORALL, body=body):
                stack.append((body, (*context, expression)))
            case ast.Logic(connective=ast.Connective.AND, operands=operands):
                stack.extend((operand, context) for operand in reversed(operands))
            case ast.Logic(connective=ast.Connective.IMPLIES, operands=(left, right)):
                yield left, _reached(left, context)
                stack.append((right, (*context, left)))
            case _:
                pass


def _reached(expression: ast.Expression, context: Sequence[ast.Expression]) -> ast.Expression:
    """That the expression holds for some of what it is quantified over, where what is said before it holds."""
    for outer in reversed(context):
        if isinstance(outer, ast.Quantified):
            exists = ast.Quantifier.EXISTS
            expression = ast.Quantified(outer.span, exists, outer.variables, outer.domain, expression)
        else:
            expression = ast.Logic(outer.span, ast.Connective.AND, (outer, expression))
    return expression


def _cover(bound: BoundProperty, condition: ast.Expression) -> BoundProperty:
    """The same program and preconditions, with the question whether the condition can hold."""
    truth = Type(Shape.SCALAR, frozenset({Kind.BOOL}))
    types = dict(bound.binding.types)
    for expression in subexpressions(condition):
        types.setdefault(expression, truth)
    binding = replace(bound.binding, types=types)
    return replace(bound, binding=binding, property=replace(bound.property, claim=ast.Cover(condition)))
