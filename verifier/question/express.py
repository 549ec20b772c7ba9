"""Property expressions as terms: what `spec.property.evaluate` computes on one run, for all inputs of one length.

Quantifiers and slices are unrolled, so their ends have to be known at the given length; where they depend on the
input, `Unexpressible` says so and the caller falls back to evaluating the property on every input.
A value is a term, or a tuple of values for a sequence (a selector is a tuple of its rows).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias, assert_never

from spec.graph import Combine, Negate, Node, Select, View
from spec.operators import Op
from spec.property import ast
from spec.property.bound import Binding, Shape
from spec.property.meaning import MAX_RANGE
from spec.property.scope import Scope
from spec.source import Span
from spec.values import Atom, Kind, Numbers, to_input
from verifier.question.membership import in_language
from verifier.question.terms import BOOL, INT, Failure, Literal, Term, Terms
from verifier.question.unroll import Unrolled

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

    `unrolled` has the terms of every s-op and selector that the expressions name.
    """

    terms: Terms
    length: int
    scope: Scope
    numbers: Numbers
    binding: Binding
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
                return terms.literal(to_input((value,), self.numbers)[0])
            case ast.Name():
                ref = self.binding.refs[expression]
                return terms.literal(self.variables[ref]) if isinstance(ref, ast.Variable) else self._node(ref)
            case ast.Length():
                return terms.literal(self.length)
            case ast.ListLiteral(items=items):
                return tuple(map(self.value, items))
            case ast.Negation(op=op, operand=operand):
                return self._lift(op, self.value(operand))
            case ast.Arithmetic(op=op, left=left, right=right):
                return self._lift(op, self.value(left), self.value(right))
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
                many = self._sequence(sequence)
                return self._each(lambda one: self._among(one[0], many, expression.span), [self.value(item)])
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

    def _each(self, meaning: Callable[[Sequence[Term]], Term], args: Sequence[Value]) -> Value:
        """`meaning` of the operands, element by element when one is a sequence; single values go with every element."""
        lengths = {len(arg) for arg in args if isinstance(arg, tuple)}
        if len(lengths) > 1:
            return self.terms.failure()
        if not lengths:
            return meaning([arg for arg in args if not isinstance(arg, tuple)])
        (length,) = lengths
        columns = zip(*(arg if isinstance(arg, tuple) else (arg,) * length for arg in args), strict=True)
        return tuple(self._each(meaning, column) for column in columns)

    def _lift(self, op: Op, *args: Value) -> Value:
        return self._each(lambda operands: self._operator(op, operands), args)

    def _operator(self, op: Op, operands: Sequence[Term]) -> Term:
        if op is Op.NOT:
            operands = [self._of_kind(operand, BOOL) for operand in operands]
        return self.terms.apply(op, *operands, numbers=self.numbers)

    def _comparison(self, expression: ast.Comparison) -> Value:
        def chain(operands: Sequence[Term]) -> Term:
            links = zip(expression.ops, pairwise(operands), strict=True)
            return self._fold_terms((self._operator(op, pair) for op, pair in links), True)

        return self._each(chain, list(map(self.value, expression.operands)))

    def _logic(self, expression: ast.Logic) -> Value:
        if self._is_sequence(expression):
            return self._each(
                lambda operands: self._decide(expression.connective, map(self._boolean, operands)),
                list(map(self.value, expression.operands)),
            )
        return self._decide(expression.connective, map(self.truth, expression.operands))

    def _boolean(self, term: Term) -> Term:
        return self._of_kind(term, BOOL)

    def _decide(self, connective: ast.Connective, truths: Iterator[Term]) -> Term:
        """Lazy: a right side is not even translated when a known left side decides, as `i > 0 => ..` expects."""
        match connective:
            case ast.Connective.AND:
                return self._fold_terms(truths, True)
            case ast.Connective.OR:
                return self._fold_terms(truths, False)
            case ast.Connective.IMPLIES:
                given = next(truths)
                if isinstance(given, Failure) or (isinstance(given, Literal) and not given.value):
                    return self.terms.choose(given, given, self.terms.literal(True))
                return self.terms.choose(given, next(truths), self.terms.literal(True))
            case ast.Connective.IFF:
                return self.terms.apply(Op.EQ, next(truths), next(truths), numbers=self.numbers)
        assert_never(connective)

    def _is_sequence(self, expression: ast.Expression) -> bool:
        return self.binding.types[expression].shape is Shape.SEQUENCE

    def _fold_terms(self, parts: Iterable[Term], neutral: bool) -> Term:
        """Lazy `and` (`neutral` true) or `or`, from left to right; nothing after a part that decides is asked for."""
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
        if self._is_sequence(expression.condition):
            parts = (expression.condition, expression.then, expression.otherwise)
            return self._each(
                lambda one: self.terms.choose(self._boolean(one[0]), one[1], one[2]), list(map(self.value, parts))
            )
        condition = self.truth(expression.condition)
        if isinstance(condition, Failure):
            return condition
        if isinstance(condition, Literal):
            return self.value(expression.then if condition.value else expression.otherwise)
        return self._either(condition, self.value(expression.then), self.value(expression.otherwise), expression.span)

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
                return to_input(self.scope.symbols, self.numbers)
            case ast.Range(low=low, high=high):
                first = self._known_int(low, "a range")
                last = self._known_int(high, "a range")
                if first is None or last is None or last - first >= MAX_RANGE:
                    return None
                return range(first, last + 1)
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
        """One of two values, of one shape; a value that is not there takes the shape of the other."""
        if not isinstance(then, tuple) and not isinstance(otherwise, tuple):
            return self.terms.choose(condition, then, otherwise)
        if isinstance(then, Failure) and isinstance(otherwise, tuple):
            then = (then,) * len(otherwise)
        if isinstance(otherwise, Failure) and isinstance(then, tuple):
            otherwise = (otherwise,) * len(then)
        if not isinstance(then, tuple) or not isinstance(otherwise, tuple) or len(then) != len(otherwise):
            raise Unexpressible(span, "a sequence whose length depends on the input")
        return tuple(self._either(condition, a, b, span) for a, b in zip(then, otherwise, strict=True))

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
        terms, arguments = self.terms, expression.arguments
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
                return self._each(lambda one: self._absolute(one[0]), [self.value(arguments[0])])
            case ast.Function.ROUND:
                return self._lift(Op.ROUND, self.value(arguments[0]))
            case ast.Function.INT:
                return self._each(lambda one: terms.read(View.INT, one[0], self.numbers), [self.value(arguments[0])])
            case ast.Function.REVERSE:
                return tuple(reversed(self._sequence(arguments[0])))
        assert_never(expression.function)

    def _equal(self, left: Term, right: Term) -> Term:
        return self.terms.apply(Op.EQ, left, right, numbers=self.numbers)

    def _absolute(self, term: Term) -> Term:
        below = self._operator(Op.LT, (term, self.terms.literal(0)))
        return self.terms.choose(below, self._operator(Op.NEG, (term,)), self._operator(Op.POS, (term,)))

    def _extreme(self, least: bool, items: Sequence[Term]) -> Term:
        """The first least (or greatest) element; there is none of an empty sequence."""
        if not items:
            return self.terms.failure()
        best = items[0]
        for item in items[1:]:
            better = self.terms.apply(Op.LT if least else Op.GT, item, best, numbers=self.numbers)
            best = self.terms.choose(better, item, best)
        return best

    def _among(self, item: Term, sequence: Sequence[Value], span: Span) -> Term:
        return self._fold_terms((self._equal(item, self._scalar(other, span)) for other in sequence), False)

    def _permutation(self, left: Sequence[Term], right: Sequence[Term]) -> Term:
        """Equal lengths, and every element of either occurs in both equally often.

        Where `==` is an equivalence the elements of one side suffice. The double NaN, which equals nothing, breaks it.
        """
        if len(left) != len(right):
            return self.terms.literal(False)
        nan = self.numbers is Numbers.IEEE and any(Kind.REAL in term.kinds for term in (*left, *right))
        return self.terms.all(
            self._equal(
                self.terms.count([self._equal(other, item) for other in left]),
                self.terms.count([self._equal(other, item) for other in right]),
            )
            for item in ((*left, *right) if nan else left)
        )
