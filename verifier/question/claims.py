"""Claims as queries: what it means, as one closed term, that a property is broken at one length.

For a claim C with preconditions R1, R2, .. over the inputs x of length n:

    given(x)    every R holds at x
    broken(x)   some R fails to have a value at x, or given(x) and C is not so at x

`given` alone asks whether the property says anything at this length; `broken` is what the engines refute. For a
`cover`, `broken` is the witness that is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from spec.diagnostics import InternalError
from spec.graph import SOp, View
from spec.operators import Op
from spec.property import ast
from spec.property.bound import BoundProperty
from spec.property.evaluate import Move, moves
from spec.property.language import spell
from spec.property.scope import Integers, Scope
from spec.values import Atom, Numbers, kind_of
from verifier.question.express import Expressor
from verifier.question.membership import in_language
from verifier.question.terms import Term, Terms, bits
from verifier.question.unroll import Row, unroll

_UNBOUNDED_BITS: Final = 1024
"""What is assumed of unbounded integers, so that none of them is taken for one that fits into a double."""


@dataclass(frozen=True)
class Stated:
    """A property at one length."""

    length: int
    given: Term
    broken: Term
    terms: int


def state(bound: BoundProperty, length: int) -> Stated:
    """The property at a length; raises `Unexpressible` where terms cannot say it."""
    stater = _Stater(bound, length)
    given, _ = stater.preconditions(stater.inputs)
    return Stated(length, given, stater.broken(), len(stater.terms))


def given(bound: BoundProperty, length: int) -> Term:
    """The preconditions alone; raises `Unexpressible` likewise."""
    stater = _Stater(bound, length)
    return stater.preconditions(stater.inputs)[0]


class _Stater:
    """Builds the terms of one property at one length."""

    def __init__(self, bound: BoundProperty, length: int) -> None:
        self.prop, self.binding, self.agreeing = bound.property, bound.binding, bound.agreeing
        self.scope, self.numbers = self.prop.scope, self.prop.scope.numbers
        self.terms = Terms(self.scope.kinds, input_bits(self.scope))
        self.inputs: Row = tuple(self.terms.input(position) for position in range(length))

    # -------------------------------------------------------------------------------------------- parts

    def preconditions(self, inputs: Row) -> tuple[Term, Term]:
        """Whether all preconditions hold, and whether one that is reached has no value."""
        terms = self.terms
        given: Term = terms.literal(True)
        failing: Term = terms.literal(False)
        for precondition in self.prop.requires:
            ok, value = self.meaning(precondition.condition, inputs)
            failing = terms.either(failing, terms.both(given, terms.negation(ok)))
            given = terms.both(given, terms.both(ok, value))
        return given, failing

    def broken(self) -> Term:
        """The violation, preconditions included."""
        terms = self.terms
        given, failing = self.preconditions(self.inputs)
        if isinstance(self.prop.claim, ast.Cover):
            return terms.both(given, self._holds(self.prop.claim.condition, self.inputs))
        return terms.either(failing, terms.both(given, terms.negation(self._kept(self.prop.claim))))

    def meaning(self, expression: ast.Expression, inputs: Row) -> tuple[Term, Term]:
        """Whether the expression and all that it names have values, and its truth value where they do."""
        unrolled = unroll(self.binding.nodes(expression), self.numbers, inputs, self.terms)
        expressor = Expressor(self.terms, len(inputs), self.scope, self.numbers, self.binding, unrolled)
        value = expressor.truth(expression)
        return self.terms.ok([*unrolled.all_terms(), value]), value

    def output(self, sop: SOp, numbers: Numbers, inputs: Row) -> tuple[Term, Row]:
        """Whether an s-op has a value, and its terms."""
        unrolled = unroll([sop], numbers, inputs, self.terms)
        return self.terms.ok(unrolled.all_terms()), unrolled.values[sop]

    def target(self, target: ast.Target, inputs: Row) -> tuple[Term, Row]:
        """The same for a claim's target, under the numbers of the scope."""
        return self.output(self.binding.sops[target], self.numbers, inputs)

    def _holds(self, expression: ast.Expression, inputs: Row) -> Term:
        ok, value = self.meaning(expression, inputs)
        return self.terms.both(ok, value)

    def _equal(self, left: Term, right: Term) -> Term:
        return self.terms.apply(Op.EQ, left, right, numbers=self.numbers)

    def _same(self, left: Sequence[Term], right: Sequence[Term]) -> Term:
        return self.terms.all(self._equal(a, b) for a, b in zip(left, right, strict=True))

    # -------------------------------------------------------------------------------------------- claims

    def _kept(self, claim: ast.Claim) -> Term:
        """Whether the claim is so at the input; never fails."""
        terms = self.terms
        match claim:
            case ast.Ensures(condition=condition) | ast.Cover(condition=condition):
                return self._holds(condition, self.inputs)
            case ast.Accepts(condition=condition, language=language):
                ok, value = self.meaning(condition, self.inputs)
                letters = [terms.read(View.STR, letter, self.numbers) for letter in self.inputs]
                return terms.both(ok, self._equal(value, in_language(letters, language, self.scope, terms)))
            case ast.NoError(target=target):
                return self.target(target, self.inputs)[0]
            case ast.NumbersAgree():
                return self._agree()
            case ast.Equivalent(left=left, right=right):
                ok, values = self.target(left, self.inputs)
                other_ok, others = self.target(right, self.inputs)
                return self._alike(ok, other_ok, self._same(values, others))
            case ast.Causal(target=target):
                return self._causal(target)
            case ast.Invariance():
                generators = moves(claim, self.scope, len(self.inputs))
                return terms.all(self._symmetric(claim, move) for move in generators)
            case ast.Example() | ast.Architecture():
                raise InternalError(f"a claim about no input was to be stated: {claim}")
        assert_never(claim)

    def _alike(self, ok: Term, other_ok: Term, same: Term) -> Term:
        """Both fail, or neither does and the values are the same."""
        terms = self.terms
        return terms.choose(ok, terms.both(other_ok, same), terms.negation(other_ok))

    def _agree(self) -> Term:
        if self.agreeing is None:
            raise InternalError("numbers were to be compared without both programs")
        ok, exact = self.output(self.agreeing[Numbers.EXACT], Numbers.EXACT, self.inputs)
        other_ok, ieee = self.output(self.agreeing[Numbers.IEEE], Numbers.IEEE, self.inputs)
        pairs = zip(exact, ieee, strict=True)
        return self._alike(ok, other_ok, self.terms.all(self.terms.agree(x, y) for x, y in pairs))

    def _causal(self, target: ast.Target) -> Term:
        """`out(x)[i] == out(x[0..i])[i]` for every i whose prefix satisfies the preconditions."""
        ok, values = self.target(target, self.inputs)
        return self.terms.both(ok, self.terms.all(self._on_prefix(target, values, i) for i in range(len(self.inputs))))

    def _on_prefix(self, target: ast.Target, values: Row, last: int) -> Term:
        prefix = self.inputs[: last + 1]
        given, _ = self.preconditions(prefix)
        ok, shorter = self.target(target, prefix)
        terms = self.terms
        kept = terms.both(ok, self._equal(values[last], shorter[last]))
        return terms.either(terms.negation(given), kept)

    def _symmetric(self, claim: ast.Invariance, move: Move) -> Term:
        """Where the preconditions hold after the move: both outputs fail, or they are as the symmetry wants."""
        terms = self.terms
        inputs = self.inputs
        if move.exchanged is not None:
            inputs = tuple(self._exchanged(atom, *move.exchanged) for atom in inputs)
        inputs = (*self._ordered(inputs, move), *map(terms.literal, move.appended))
        given, _ = self.preconditions(inputs)
        ok, values = self.target(claim.target, self.inputs)
        other_ok, others = self.target(claim.target, inputs)
        if claim.symmetry is ast.Symmetry.EQUIVARIANT:
            values = self._ordered(values, move)
            if move.exchanged is not None:
                spelled = tuple(map(spell, move.exchanged))
                values = tuple(self._exchanged(value, *spelled) for value in values)
        same = self._same(values, others[: len(values)])
        return terms.either(terms.negation(given), self._alike(ok, other_ok, same))

    def _ordered(self, row: Row, move: Move) -> Row:
        return row if move.order is None else tuple(row[i] for i in move.order)

    def _exchanged(self, term: Term, first: Atom, second: Atom) -> Term:
        """The term with two atoms, of these very kinds, in each other's place."""
        other = self.terms.choose(self._is(term, second), self.terms.literal(first), term)
        return self.terms.choose(self._is(term, first), self.terms.literal(second), other)

    def _is(self, term: Term, atom: Atom) -> Term:
        kind = self.terms.has_kind(term, frozenset({kind_of(atom)}))
        return self.terms.both(kind, self._equal(term, self.terms.literal(atom)))


def input_bits(scope: Scope) -> int:
    """How many bits an input atom can have."""
    match scope.alphabet:
        case Integers(low, high):
            ends = [end for end in (low, high) if end is not None]
            return max(_UNBOUNDED_BITS, *(end.bit_length() for end in ends), 0)
        case symbols:
            return max(map(bits, symbols))
