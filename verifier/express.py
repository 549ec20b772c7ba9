"""Property expressions as terms: what `spec.property.evaluate` computes on one run, for all inputs of one length.

Quantifiers and slices are unrolled, so their ends have to be known at the given length; where they depend on the
input, `Unexpressible` says so and the caller falls back to evaluating the property on every input.
A value is a term, or a tuple of values for a sequence (a selector is a tuple of its rows).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias, assert_never

from spec.graph import Combine, Negate, Node, Select, View
from spec.operators import Op
from spec.property import ast
from spec.property.bound import Ref
from spec.property.scope import Scope
from spec.source import Span
from spec.values import Atom, Kind, Numbers
from verifier.membership import in_language
from verifier.terms import BOOL, INT, Failure, Literal, Term, Terms
from verifier.unroll import Unrolled

Value: TypeAlias = "Term | tuple[Value, ...]"

_INTEGRAL = BOOL | INT


class Unexpressible(Exception):
    """The expression needs a bound that depends on the input; carries where."""

    def __init__(self, span: Span, reason: str) -> None:
        super().__init__(reason)
        self.span = span
        self.reason = reason


@dataclass(frozen=True)
class Expressor:
    """Translates the expressions of one property at one length.

    `refs` says what each name stands for; `unrolled` has the terms of every s-op and selector among them.
    """

    terms: Terms
    length: int
    scope: Scope
    numbers: Numbers
    refs: Mapping[ast.Name, Ref]
    unrolled: Unrolled
    variables: Mapping[ast.Variable, Atom] = field(default_factory=dict)

    def truth(self, expression: ast.Expression) -> Term:
        """The expression as a truth value; it fails where it is not a boolean."""
        return self._as_truth(self.value(expression), expression.span)

    def value(self, expression: ast.Expression) -> Value:  # noqa: C901  one case for each form of the language
        """The expression's value."""
        terms = self.terms
        match expression:
            case ast.Literal(value=value):
                return terms.literal(literal(value, self.numbers))
            case ast.Name():
                ref = self.refs[expression]
                return terms.literal(self.variables[ref]) if isinstance(ref, ast.Variable) else self._node(ref)
            case ast.Length():
                return terms.literal(self.length)
            case ast.ListLiteral(items=items):
                return tuple(map(self.value, items))
            case ast.Negation(op=op, operand=operand):
                return self._lift(op, expression.span, self.value(operand))
            case ast.Arithmetic(op=op, left=left, right=right):
                return self._lift(op, expression.span, self.value(left), self.value(right))
            case ast.Comparison():
                return self._comparison(expression)
            case ast.Logic():
                return self._logic(expression)
            case ast.Conditional():
                return self._conditional(expression)
            case ast.Quantified():
                return self._quantified(expression)
            case ast.Index():
                return self._index(expression)
            case ast.Slice():
                return self._slice(expression)
            case ast.Call():
                return self._call(expression)
            case ast.Element(item=item, sequence=sequence):
                return self._element(expression.span, self._term(item), self._sequence(sequence))
            case ast.InLanguage(word=word, language=language):
                letters = [self._scalar(letter, word.span) for letter in self._sequence(word)]
                return in_language(letters, language, self.scope, terms)
        assert_never(expression)

    # -------------------------------------------------------------------------------------------- shapes

    def _term(self, expression: ast.Expression) -> Term:
        return self._scalar(self.value(expression), expression.span)

    def _scalar(self, value: Value, span: Span) -> Term:
        if isinstance(value, tuple):
            raise Unexpressible(span, "a sequence where a single value is needed")
        return value

    def _sequence(self, expression: ast.Expression) -> tuple[Value, ...]:
        value = self.value(expression)
        if not isinstance(value, tuple):
            raise Unexpressible(expression.span, "a single value where a sequence is needed")
        return value

    def _terms_of(self, expression: ast.Expression) -> tuple[Term, ...]:
        return tuple(self._scalar(element, expression.span) for element in self._sequence(expression))

    def _known_int(self, expression: ast.Expression, what: str) -> int | None:
        """An integer that is the same on every input of this length; `None` if it has no value."""
        term = self._term(expression)
        if isinstance(term, Failure):
            return None
        if isinstance(term, Literal) and isinstance(term.value, int):
            return int(term.value)
        raise Unexpressible(expression.span, f"{what} that depends on the input")

    def _as_truth(self, value: Value, span: Span) -> Term:
        return self._of_kind(self._scalar(value, span), BOOL)

    def _of_kind(self, term: Term, kinds: frozenset[Kind]) -> Term:
        """The term, failing where its value is of another kind."""
        if term.kinds <= kinds:
            return term
        return self.terms.choose(self.terms.has_kind(term, kinds), term, self.terms.failure())

    # -------------------------------------------------------------------------------------------- operators

    def _lift(self, op: Op, span: Span, *args: Value) -> Value:
        """The operator, element by element when an operand is a sequence; single values go with every element."""
        lengths = {len(arg) for arg in args if isinstance(arg, tuple)}
        if not lengths:
            operands = [self._scalar(arg, span) for arg in args]
            if op is Op.NOT:
                operands = [self._of_kind(operand, BOOL) for operand in operands]
            return self.terms.apply(op, *operands, numbers=self.numbers)
        if len(lengths) > 1:
            return self.terms.failure()
        (length,) = lengths
        columns = zip(*(arg if isinstance(arg, tuple) else (arg,) * length for arg in args), strict=True)
        return tuple(self._lift(op, span, *column) for column in columns)

    def _comparison(self, expression: ast.Comparison) -> Value:
        values = list(map(self.value, expression.operands))
        links = [
            self._lift(op, expression.span, left, right)
            for op, left, right in zip(expression.ops, values[:-1], values[1:], strict=True)
        ]
        return links[0] if len(links) == 1 else self._conjunction(links, expression.span)

    def _conjunction(self, parts: Sequence[Value], span: Span) -> Value:
        lengths = {len(part) for part in parts if isinstance(part, tuple)}
        if not lengths:
            return self.terms.all([self._scalar(part, span) for part in parts])
        if len(lengths) > 1:
            return self.terms.failure()
        (length,) = lengths
        columns = zip(*(part if isinstance(part, tuple) else (part,) * length for part in parts), strict=True)
        return tuple(self._conjunction(column, span) for column in columns)

    def _logic(self, expression: ast.Logic) -> Value:
        terms, span = self.terms, expression.span
        # Lazy: a right side is not even translated when a known left side decides, as `i > 0 => x[i-1] ..` expects.
        match expression.connective:
            case ast.Connective.AND:
                return self._fold(expression.operands, True)
            case ast.Connective.OR:
                return self._fold(expression.operands, False)
            case ast.Connective.IMPLIES:
                left, right = expression.operands
                given = self.truth(left)
                if isinstance(given, Failure) or (isinstance(given, Literal) and not given.value):
                    return given if isinstance(given, Failure) else terms.literal(True)
                return terms.choose(given, self.truth(right), terms.literal(True))
            case ast.Connective.IFF:
                left, right = expression.operands
                return self._lift(Op.EQ, span, self.truth(left), self.truth(right))
        assert_never(expression.connective)

    def _fold(self, operands: Iterable[ast.Expression], neutral: bool) -> Term:
        """Lazy `and` (`neutral` true) or `or` over the operands, from left to right."""
        return self._fold_terms(map(self.truth, operands), neutral)

    def _fold_terms(self, parts: Iterable[Term], neutral: bool) -> Term:
        """The same over terms; the iterator is not asked for what follows a part that decides."""
        built: list[Term] = []
        for term in parts:
            if isinstance(term, Literal) and term.value is neutral:
                continue
            built.append(term)
            if isinstance(term, Failure | Literal):
                break
        result: Term = self.terms.literal(neutral)
        for term in reversed(built):
            result = self.terms.both(term, result) if neutral else self.terms.either(term, result)
        return result

    def _conditional(self, expression: ast.Conditional) -> Value:
        condition = self.truth(expression.condition)
        if isinstance(condition, Failure):
            return condition
        if isinstance(condition, Literal):
            return self.value(expression.then if condition.value else expression.otherwise)
        then, otherwise = self.value(expression.then), self.value(expression.otherwise)
        if not isinstance(then, tuple) and not isinstance(otherwise, tuple):
            return self.terms.choose(condition, then, otherwise)
        if not isinstance(then, tuple) or not isinstance(otherwise, tuple) or len(then) != len(otherwise):
            raise Unexpressible(expression.span, "a sequence whose length depends on the input")
        return tuple(
            self.terms.choose(condition, self._scalar(a, expression.span), self._scalar(b, expression.span))
            for a, b in zip(then, otherwise, strict=True)
        )

    # -------------------------------------------------------------------------------------------- binders

    def _quantified(self, expression: ast.Quantified) -> Term:
        return self._instances(expression, expression.variables)

    def _instances(self, expression: ast.Quantified, variables: tuple[ast.Variable, ...]) -> Term:
        if not variables:
            return self.truth(expression.body)
        domain = self._domain(expression.domain)
        if domain is None:
            return self.terms.failure()

        first, rest = variables[0], variables[1:]
        parts = (self._with(first, atom)._instances(expression, rest) for atom in domain)
        return self._fold_terms(parts, expression.quantifier is ast.Quantifier.FORALL)

    def _with(self, variable: ast.Variable, atom: Atom) -> "Expressor":
        return replace(self, variables={**self.variables, variable: atom})

    def _node(self, node: Node) -> Value:
        match node:
            case Select() | Negate() | Combine():
                return self.unrolled.rows[node]
            case _:
                return self.unrolled.values[node]

    def _domain(self, domain: ast.Domain) -> Sequence[Atom] | None:
        match domain:
            case ast.Positions():
                return range(self.length)
            case ast.Symbols():
                return self.scope.symbols
            case ast.Range(low=low, high=high):
                first = self._known_int(low, "a range")
                last = self._known_int(high, "a range")
                return None if first is None or last is None else range(first, last + 1)
        assert_never(domain)

    def _index(self, expression: ast.Index) -> Value:
        sequence, index = self._sequence(expression.sequence), self._term(expression.index)
        if isinstance(index, Literal):
            known = index.value
            inside = isinstance(known, int) and 0 <= known < len(sequence)
            return sequence[int(known)] if inside else self.terms.failure()
        position = self._of_kind(index, _INTEGRAL)
        result: Value = self.terms.failure()
        for i, element in reversed(list(enumerate(sequence))):
            here = self.terms.apply(Op.EQ, position, self.terms.literal(i), numbers=self.numbers)
            result = self._either(here, element, result, expression.span)
        return result

    def _either(self, condition: Term, then: Value, otherwise: Value, span: Span) -> Value:
        if isinstance(then, tuple):
            rest = otherwise if isinstance(otherwise, tuple) else (otherwise,) * len(then)
            return tuple(self._either(condition, a, b, span) for a, b in zip(then, rest, strict=True))
        return self.terms.choose(condition, then, self._scalar(otherwise, span))

    def _slice(self, expression: ast.Slice) -> Value:
        sequence = self._sequence(expression.sequence)
        low = self._known_int(expression.low, "a slice")
        high = self._known_int(expression.high, "a slice")
        return self._cut(sequence, low, high)

    def _cut(self, sequence: tuple[Value, ...], low: int | None, high: int | None) -> Value:
        if low is None or high is None:
            return self.terms.failure()
        if low > high:
            return ()
        if low < 0 or high >= len(sequence):
            return self.terms.failure()
        return sequence[low : high + 1]

    # -------------------------------------------------------------------------------------------- functions

    def _call(self, expression: ast.Call) -> Value:  # noqa: C901  one case for each function
        terms, arguments, span = self.terms, expression.arguments, expression.span
        match expression.function:
            case ast.Function.COUNT if len(arguments) == 1:
                return terms.count([self._of_kind(term, BOOL) for term in self._terms_of(arguments[0])])
            case ast.Function.COUNT:
                wanted = self._term(arguments[1])
                return terms.count([self._equal(term, wanted) for term in self._terms_of(arguments[0])])
            case ast.Function.SUM:
                total: Term = terms.literal(0)
                for term in self._terms_of(arguments[0]):
                    total = terms.apply(Op.ADD, total, term, numbers=self.numbers)
                return total
            case ast.Function.ALL | ast.Function.ANY:
                neutral = expression.function is ast.Function.ALL
                parts = [self._of_kind(term, BOOL) for term in self._terms_of(arguments[0])]
                return self._fold_terms(parts, neutral)
            case ast.Function.MIN | ast.Function.MAX:
                many = arguments if len(arguments) > 1 else None
                items = tuple(map(self._term, many)) if many else self._terms_of(arguments[0])
                return self._extreme(expression.function is ast.Function.MIN, items)
            case ast.Function.SORTED:
                items = self._terms_of(arguments[0])
                return terms.all(terms.apply(Op.LE, a, b, numbers=self.numbers) for a, b in pairwise(items))
            case ast.Function.PERMUTATION:
                return self._permutation(self._terms_of(arguments[0]), self._terms_of(arguments[1]))
            case ast.Function.PREFIX:
                return self._cut(self._sequence(arguments[0]), 0, self._known_int(arguments[1], "a prefix"))
            case ast.Function.LEN:
                return terms.literal(len(self._sequence(arguments[0])))
            case ast.Function.ABS:
                term = self._term(arguments[0])
                negated = terms.apply(Op.NEG, term, numbers=self.numbers)
                positive = terms.apply(Op.POS, term, numbers=self.numbers)
                below = terms.apply(Op.LT, term, terms.literal(0), numbers=self.numbers)
                return terms.choose(below, negated, positive)
            case ast.Function.ROUND:
                return self._lift(Op.ROUND, span, self.value(arguments[0]))
            case ast.Function.INT:
                return terms.read(View.INT, self._term(arguments[0]), self.numbers)
            case ast.Function.REVERSE:
                return tuple(reversed(self._sequence(arguments[0])))
        assert_never(expression.function)

    def _equal(self, left: Term, right: Term) -> Term:
        return self.terms.apply(Op.EQ, left, right, numbers=self.numbers)

    def _extreme(self, least: bool, items: Sequence[Term]) -> Term:
        """The first least (or greatest) element; there is none of an empty sequence."""
        if not items:
            return self.terms.failure()
        best = items[0]
        for item in items[1:]:
            better = self.terms.apply(Op.LT if least else Op.GT, item, best, numbers=self.numbers)
            best = self.terms.choose(better, item, best)
        return best

    def _element(self, span: Span, item: Term, sequence: Sequence[Value]) -> Term:
        parts = [self._equal(item, self._scalar(element, span)) for element in sequence]
        return self._fold_terms(parts, False)

    def _permutation(self, left: Sequence[Term], right: Sequence[Term]) -> Term:
        """Equal lengths, and every element of the one occurs in both equally often."""
        if len(left) != len(right):
            return self.terms.literal(False)
        return self.terms.all(
            self._equal(
                self.terms.count([self._equal(other, item) for other in left]),
                self.terms.count([self._equal(other, item) for other in right]),
            )
            for item in left
        )


def literal(value: int | Fraction | str | bool, numbers: Numbers) -> Atom:
    """A literal of a property under a number semantics."""
    return float(value) if isinstance(value, Fraction) and numbers is Numbers.IEEE else value
