"""Whether two nodes have the same values on a scope, by the engines of `rasp check`, length by length.

The question is not symmetric: on every input on which `given`, with all that it depends on, has a value, `other` has
one, and the same. `strictly` asks for the same kinds, too (`1` is not `1.0`); selectors must agree entry by entry.
Whatever an engine finds that speaks against it is replayed in the interpreter.
"""

from dataclasses import dataclass, field
from time import monotonic
from typing import Final, TypeAlias

from spec.diagnostics import EvaluationError, InternalError
from spec.graph import Node, Selector, SOp
from spec.interp import Run, evaluate
from spec.operators import Op
from spec.property.scope import Scope
from spec.values import Atom, Kind, Numbers, atom_key
from verifier.engine import Limits, Query, Sat, Undecided, Unsat
from verifier.portfolio import AUTO, decide
from verifier.question.claims import input_bits
from verifier.question.terms import Literal, Term, Terms
from verifier.question.unroll import Row, Unroller

Word: TypeAlias = tuple[Atom, ...]

FOLDING: Final = "folding"
"""What is said to have proved what needs no search: both are the same term."""


@dataclass(frozen=True)
class Same:
    """They are the same on every input of the scope, by these engines."""

    by: tuple[str, ...]


@dataclass(frozen=True)
class Different:
    """They differ on this input."""

    word: Word


@dataclass(frozen=True)
class Unsettled:
    """No engine decided it in time."""

    length: int
    detail: str


Comparison: TypeAlias = Same | Different | Unsettled


@dataclass
class _Length:
    terms: Terms
    unroller: Unroller


@dataclass
class Comparer:
    """Compares nodes on one scope. `until`: the time at which everything becomes unsettled."""

    scope: Scope
    numbers: Numbers
    until: float
    each: float = 20.0
    queries: int = 0
    _lengths: dict[int, _Length] = field(default_factory=dict)

    def compare(self, given: Node, other: Node, strictly: bool = False) -> Comparison:
        """Whether `other` may stand for `given`."""
        by: dict[str, None] = {}
        for length in self.scope.lengths():
            violation = self._violation(length, given, other, strictly)
            if isinstance(violation, Literal) and not violation.value:
                by[FOLDING] = None
                continue
            left = self.until - monotonic()
            if left <= 0:
                return Unsettled(length, "out of time")
            self.queries += 1
            query = Query(length, self.scope.alphabet, violation)
            finding = decide(query, AUTO, Limits(wall_s=min(self.each, left)))
            match finding.answer:
                case Unsat():
                    by[finding.by] = None
                case Undecided(detail=detail):
                    return Unsettled(length, detail)
                case Sat(word=word):
                    if may_stand(given, other, word, self.numbers, strictly):
                        raise InternalError(f"{finding.by} says that {other!r} differs from {given!r} on {word!r}")
                    return Different(word)
        engines = [name for name in by if name != FOLDING]
        return Same(tuple(engines) or (FOLDING,))

    def _violation(self, length: int, given: Node, other: Node, strictly: bool) -> Term:
        """All below `given` has a value, and something below `other` has none or the two differ."""
        here = self._at(length)
        terms, (first, second) = here.terms, (here.unroller.of([node]) for node in (given, other))
        if isinstance(given, Selector) and isinstance(other, Selector):
            pairs = [
                pair
                for rows in zip(first.rows[given], second.rows[other], strict=True)
                for pair in zip(*rows, strict=True)
            ]
            same = terms.all(self._equal(terms, x, y) for x, y in pairs)
        elif isinstance(given, SOp) and isinstance(other, SOp):
            row, others = first.values[given], second.values[other]
            same = terms.all(self._alike(terms, x, y, strictly) for x, y in zip(row, others, strict=True))
        else:
            raise InternalError("a selector is compared with an s-op")
        kept = terms.both(terms.ok(second.all_terms()), same)
        return terms.both(terms.ok(first.all_terms()), terms.negation(kept))

    def _equal(self, terms: Terms, left: Term, right: Term) -> Term:
        return terms.literal(True) if left is right else terms.apply(Op.EQ, left, right, numbers=self.numbers)

    def _alike(self, terms: Terms, left: Term, right: Term, strictly: bool) -> Term:
        if left is right:
            return terms.literal(True)
        equal = self._equal(terms, left, right)
        if not strictly:
            return equal
        kinds = sorted(left.kinds | right.kinds, key=lambda kind: kind.value)
        same = (
            self._equal(terms, *(terms.has_kind(side, frozenset({kind})) for side in (left, right))) for kind in kinds
        )
        return terms.both(equal, terms.all(same))

    def _at(self, length: int) -> _Length:
        if length not in self._lengths:
            terms = Terms(self.scope.kinds, input_bits(self.scope))
            inputs: Row = tuple(terms.input(position) for position in range(length))
            self._lengths[length] = _Length(terms, Unroller(self.numbers, inputs, terms))
        return self._lengths[length]


def may_stand(given: Node, other: Node, word: Word, numbers: Numbers, strictly: bool) -> bool:
    """The same question on one input, by the interpreter."""
    before = value(given, word, numbers, strictly)
    return before is None or value(other, word, numbers, strictly) == before


def value(node: Node, word: Word, numbers: Numbers, strictly: bool) -> object:
    """What a node is on an input, comparable with `==`; `None` where it, or what it depends on, fails."""
    try:
        return of_run(node, evaluate([node], word, numbers), strictly)
    except EvaluationError:
        return None


def of_run(node: Node, run: Run, strictly: bool) -> object:
    """The same, from a run that has been made. Equal numbers are equal whatever their kinds, unless `strictly`."""
    if isinstance(node, Selector):
        return run.rows[node]
    return tuple(map(atom_key, run.values[node])) if strictly else tuple(map(_loose, run.values[node]))


def _loose(atom: Atom) -> object:
    return "nan" if atom != atom else (Kind.STR, atom) if isinstance(atom, str) else atom
