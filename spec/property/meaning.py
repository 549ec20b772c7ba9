"""What an expression means on one run of a program.

An expression has a value, or fails: an index out of range, an operator without a value on its operands, something
that is not a truth value where one is needed. A failing part makes the whole fail only where it is used: the
right side of `and`, `or`, `=>`, the other branch of a conditional, the instances of a quantifier after the one that
decides, and the elements of a sequence that nobody looks at, are not used. A lifted expression stands for its elements:
`(f(x))[i]` is `f(x[i])`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product, repeat
from typing import Final, TypeAlias, assert_never

from spec.graph import SOp, View
from spec.interp import Run, read_token
from spec.operators import Op, OperatorError, apply
from spec.property.ast import (
    Arithmetic,
    Call,
    Comparison,
    Conditional,
    Connective,
    Domain,
    Element,
    Expression,
    Function,
    Index,
    InLanguage,
    Length,
    ListLiteral,
    Literal,
    Logic,
    Name,
    Negation,
    Positions,
    Quantified,
    Quantifier,
    Range,
    Slice,
    Symbols,
    Variable,
)
from spec.property.bound import Binding, Shape
from spec.property.language import member
from spec.property.scope import Scope
from spec.source import Span
from spec.values import Atom, Numbers, format_atom, to_input

MAX_RANGE: Final = 1 << 20

Assignment: TypeAlias = Mapping[Variable, Atom]


class ExpressionFailure(Exception):
    """An expression has no value: which part, why, and under which values of the variables."""

    def __init__(self, span: Span, reason: str, variables: Assignment) -> None:
        super().__init__(reason)
        self.span = span
        self.reason = reason
        self.variables = variables


@dataclass(frozen=True)
class Failed:
    """In place of an element that has no value; using it raises the failure."""

    failure: ExpressionFailure


@dataclass(frozen=True)
class Matrix:
    """A selector: bit j of `rows[i]` is set when query i selects key j."""

    rows: tuple[int, ...]


Item: TypeAlias = Atom | Failed
Items: TypeAlias = tuple[Item, ...]
Value: TypeAlias = Atom | Items | Matrix


@dataclass(frozen=True)
class Meaning:
    """The values of expressions on one run, with the scope's numbers."""

    run: Run
    binding: Binding
    scope: Scope

    @property
    def numbers(self) -> Numbers:
        """The meaning of reals."""
        return self.scope.numbers

    # -------------------------------------------------------------------------------------------- shapes

    def truth(self, expression: Expression, variables: Assignment) -> bool:
        """The truth value of the expression, or `ExpressionFailure`."""
        return self.boolean(self.value(expression, variables), expression, variables)

    def boolean(self, value: Value | Failed, expression: Expression, variables: Assignment) -> bool:
        """The value as the truth value that is needed here."""
        found = use(value)
        if not isinstance(found, bool):
            raise ExpressionFailure(expression.span, f"{shown(found)} is neither true nor false", variables)
        return found

    def atom(self, expression: Expression, variables: Assignment) -> Atom:
        """The value, which must be a single one."""
        found = self.value(expression, variables)
        if isinstance(found, tuple | Matrix):
            raise ExpressionFailure(expression.span, "a single value is needed here", variables)
        return found

    def integer(self, expression: Expression, variables: Assignment) -> int:
        """The value, which must be an integer."""
        found = self.atom(expression, variables)
        if not isinstance(found, int):
            raise ExpressionFailure(expression.span, f"{shown(found)} is no position", variables)
        return int(found)

    def items(self, expression: Expression, variables: Assignment) -> Items:
        """The value, which must be a sequence."""
        found = self.value(expression, variables)
        if not isinstance(found, tuple):
            raise ExpressionFailure(expression.span, "a sequence is needed here", variables)
        return found

    def atoms(self, expression: Expression, variables: Assignment) -> tuple[Atom, ...]:
        """The elements of a sequence, each of which is used."""
        return tuple(map(use_item, self.items(expression, variables)))

    def captured(self, expression: Expression, variables: Assignment) -> Value | Failed:
        """The value, or that there is none, for whoever uses it."""
        try:
            return self.value(expression, variables)
        except ExpressionFailure as failure:
            return Failed(failure)

    # -------------------------------------------------------------------------------------------- forms

    def value(self, expression: Expression, variables: Assignment) -> Value:  # noqa: C901  one case for each form
        """The value of the expression, or `ExpressionFailure`."""
        match expression:
            case Literal(value=value):
                return to_input((value,), self.numbers)[0]
            case Length():
                return self.run.n
            case Name():
                return self._name(expression, variables)
            case ListLiteral(items=items):
                return tuple(self._item(item, variables) for item in items)
            case Negation(op=op, operand=operand):
                return self._lift(partial(self._operator, op), expression, (operand,), variables)
            case Arithmetic(op=op, left=left, right=right):
                return self._lift(partial(self._operator, op), expression, (left, right), variables)
            case Comparison(operands=operands):
                return self._lift(self._chain, expression, operands, variables)
            case Logic():
                return self._logic(expression, variables)
            case Conditional():
                return self._conditional(expression, variables)
            case Quantified(quantifier=quantifier):
                forall = quantifier is Quantifier.FORALL
                found = any(value is not forall for _, value in self.instances(expression, variables))
                return found is not forall
            case Index() | Slice():
                return self._part(expression, variables)
            case Call():
                return self._call(expression, variables)
            case Element(item=item, sequence=sequence):
                many = self.items(sequence, variables)
                return self._lift(partial(self._among, many), expression, (item,), variables)
            case InLanguage(word=word, language=language):
                return member(self.atoms(word, variables), language, self.scope)
        assert_never(expression)

    def _name(self, name: Name, variables: Assignment) -> Value:
        ref = self.binding.refs[name]
        if isinstance(ref, Variable):
            return variables[ref]
        return self.run.values[ref] if isinstance(ref, SOp) else Matrix(self.run.rows[ref])

    def _item(self, expression: Expression, variables: Assignment) -> Item:
        try:
            return self.atom(expression, variables)
        except ExpressionFailure as failure:
            return Failed(failure)

    def _lift(
        self,
        meaning: Callable[[Expression, Items, Assignment], Atom],
        expression: Expression,
        operands: Iterable[Expression],
        variables: Assignment,
    ) -> Value:
        """`meaning` of the operands; element by element when one is a sequence. Single values go with every element."""
        values: list[Value | Failed] = list(map(self.captured, operands, repeat(variables)))
        if any(isinstance(value, Matrix) for value in values):
            raise ExpressionFailure(expression.span, "a selector has no elementwise operators", variables)
        lengths = {len(value) for value in values if isinstance(value, tuple)}
        if len(lengths) > 1:
            counts = " and ".join(map(str, sorted(lengths)))
            raise ExpressionFailure(expression.span, f"sequences of different lengths: {counts}", variables)
        if not lengths:
            return meaning(expression, tuple(v for v in values if not isinstance(v, tuple | Matrix)), variables)
        made: list[Item] = []
        for position in range(lengths.pop()):
            column = tuple(v[position] if isinstance(v, tuple) else v for v in values if not isinstance(v, Matrix))
            try:
                made.append(meaning(expression, column, variables))
            except ExpressionFailure as failure:
                made.append(Failed(failure))
        return tuple(made)

    # -------------------------------------------------------------------------------------------- operators

    def _operator(self, op: Op, expression: Expression, operands: Items, variables: Assignment) -> Atom:
        atoms = tuple(map(use_item, operands))
        if op is Op.NOT:
            return not self.boolean(atoms[0], expression, variables)
        try:
            return apply(op, atoms, self.numbers)
        except OperatorError as error:
            raise ExpressionFailure(expression.span, str(error), variables) from error

    def _chain(self, expression: Expression, operands: Items, variables: Assignment) -> bool:
        """The conjunction of a comparison's links, ended by the first that is false."""
        assert isinstance(expression, Comparison)
        links = zip(expression.ops, pairwise(operands), strict=True)
        return all(self._operator(op, expression, pair, variables) for op, pair in links)

    def _among(self, many: Items, expression: Expression, operands: Items, variables: Assignment) -> bool:
        return any(self._operator(Op.EQ, expression, (*operands, other), variables) for other in many)

    def _logic(self, logic: Logic, variables: Assignment) -> Value:
        if self._is_sequence(logic):
            return self._lift(self._connected, logic, logic.operands, variables)
        return self._decide(logic.connective, (self.truth(operand, variables) for operand in logic.operands))

    def _connected(self, expression: Expression, operands: Items, variables: Assignment) -> bool:
        assert isinstance(expression, Logic)
        pairs = zip(operands, expression.operands, strict=True)
        return self._decide(expression.connective, (self.boolean(item, part, variables) for item, part in pairs))

    def _decide(self, connective: Connective, truths: Iterator[bool]) -> bool:
        """The truth-functional meaning; takes no more of the operands than it needs."""
        match connective:
            case Connective.AND:
                return all(truths)
            case Connective.OR:
                return any(truths)
            case Connective.IMPLIES:
                return not next(truths) or next(truths)
            case Connective.IFF:
                return next(truths) is next(truths)
        assert_never(connective)

    def _conditional(self, conditional: Conditional, variables: Assignment) -> Value:
        condition, then, otherwise = conditional.condition, conditional.then, conditional.otherwise
        if self._is_sequence(condition):
            return self._lift(self._chosen, conditional, (condition, then, otherwise), variables)
        return self.value(then if self.truth(condition, variables) else otherwise, variables)

    def _chosen(self, expression: Expression, operands: Items, variables: Assignment) -> Atom:
        assert isinstance(expression, Conditional)
        condition, then, otherwise = operands
        return use_item(then if self.boolean(condition, expression.condition, variables) else otherwise)

    def _is_sequence(self, expression: Expression) -> bool:
        return self.binding.types[expression].shape is Shape.SEQUENCE

    # -------------------------------------------------------------------------------------------- quantifiers

    def instances(self, quantified: Quantified, variables: Assignment) -> Iterator[tuple[Assignment, bool]]:
        """The truth of the body under each assignment of the quantified variables, in order."""
        names = quantified.variables
        for atoms in self._tuples(quantified.domain, variables, len(names)):
            inner = {**variables, **dict(zip(names, atoms, strict=True))}
            yield inner, self.truth(quantified.body, inner)

    def _tuples(self, domain: Domain, variables: Assignment, count: int) -> Iterable[tuple[Atom, ...]]:
        match domain:
            case Positions():
                return product(range(self.run.n), repeat=count)
            case Symbols():
                return product(to_input(self.scope.symbols, self.numbers), repeat=count)
            case Range(low=low, high=high):
                first, last = self.integer(low, variables), self.integer(high, variables)
                if last - first >= MAX_RANGE:
                    raise ExpressionFailure(domain.span, f"a range of more than {MAX_RANGE} integers", variables)
                return product(range(first, last + 1), repeat=count)
        assert_never(domain)

    # -------------------------------------------------------------------------------------------- parts

    def _part(self, expression: Index | Slice, variables: Assignment) -> Value:
        whole = self.value(expression.sequence, variables)
        if isinstance(expression, Index):
            return self._at(expression, whole, self.integer(expression.index, variables), variables)
        if not isinstance(whole, tuple):
            raise ExpressionFailure(expression.span, "only sequences have slices", variables)
        low, high = self.integer(expression.low, variables), self.integer(expression.high, variables)
        return self._cut(expression.span, whole, low, high, variables)

    def _at(self, expression: Index, whole: Value, index: int, variables: Assignment) -> Value:
        if not isinstance(whole, tuple | Matrix):
            raise ExpressionFailure(expression.sequence.span, "a single value has no positions", variables)
        length = len(whole) if isinstance(whole, tuple) else len(whole.rows)
        if not 0 <= index < length:
            reason = f"there is no position {index}: the positions are 0 to {length - 1}" if length else "it is empty"
            raise ExpressionFailure(expression.span, reason, variables)
        if isinstance(whole, Matrix):
            return tuple(bool(whole.rows[index] >> key & 1) for key in range(length))
        return use_item(whole[index])

    def _cut(self, span: Span, whole: Items, low: int, high: int, variables: Assignment) -> Items:
        if low > high:
            return ()
        if low < 0 or high >= len(whole):
            raise ExpressionFailure(span, f"{low}..{high} is not within 0..{len(whole) - 1}", variables)
        return whole[low : high + 1]

    # -------------------------------------------------------------------------------------------- functions

    def _call(self, call: Call, variables: Assignment) -> Value:
        match call.function:
            case Function.ABS | Function.ROUND | Function.INT:
                return self._lift(self._converted, call, call.arguments, variables)
            case Function.PREFIX:
                whole, last = self.items(call.arguments[0], variables), self.integer(call.arguments[1], variables)
                return self._cut(call.span, whole, 0, last, variables)
            case Function.REVERSE:
                return self.items(call.arguments[0], variables)[::-1]
            case Function.LEN:
                return len(self.items(call.arguments[0], variables))
            case Function.ALL | Function.ANY | Function.SORTED:
                return self._judged(call, variables)
            case _:
                return self._folded(call, variables)

    def _converted(self, expression: Expression, operands: Items, variables: Assignment) -> Atom:
        assert isinstance(expression, Call)
        atom = use_item(operands[0])
        match expression.function:
            case Function.ROUND:
                return self._operator(Op.ROUND, expression, (atom,), variables)
            case Function.ABS:
                below = self._operator(Op.LT, expression, (atom, 0), variables)
                return self._operator(Op.NEG if below else Op.POS, expression, (atom,), variables)
            case _:
                try:
                    return read_token(View.INT, atom, self.numbers)
                except OperatorError as error:
                    raise ExpressionFailure(expression.span, str(error), variables) from error

    def _judged(self, call: Call, variables: Assignment) -> bool:
        """`all`, `any`, `sorted`: from left to right, up to the first element that decides."""
        argument = call.arguments[0]
        items = self.items(argument, variables)
        match call.function:
            case Function.ALL:
                return all(self.boolean(item, argument, variables) for item in items)
            case Function.ANY:
                return any(self.boolean(item, argument, variables) for item in items)
            case _:
                return all(self._operator(Op.LE, call, pair, variables) for pair in pairwise(items))

    def _folded(self, call: Call, variables: Assignment) -> Atom:
        """`count`, `sum`, `min`, `max`, `permutation`: every element is used."""
        match call.function, call.arguments:
            case Function.COUNT, (sequence,):
                return sum(self.boolean(item, sequence, variables) for item in self.items(sequence, variables))
            case Function.COUNT, (sequence, item):
                wanted = self.captured(item, variables)
                return sum(use_item(other) == use(wanted) for other in self.items(sequence, variables))
            case Function.SUM, (sequence,):
                total: Atom = 0
                for each in self.items(sequence, variables):
                    total = self._operator(Op.ADD, call, (total, each), variables)
                return total
            case Function.PERMUTATION, (left, right):
                a, b = self.items(left, variables), self.items(right, variables)
                return len(a) == len(b) and _rearranged(tuple(map(use_item, a)), tuple(map(use_item, b)))
            case _, (sequence,):
                return self._extreme(call, self.items(sequence, variables), variables)
            case _, pair:
                return self._extreme(call, tuple(self._item(each, variables) for each in pair), variables)

    def _extreme(self, call: Call, items: Items, variables: Assignment) -> Atom:
        """The first least or greatest element."""
        if not items:
            raise ExpressionFailure(call.span, f"`{call.function.value}` of nothing", variables)
        op, best = Op.LT if call.function is Function.MIN else Op.GT, use_item(items[0])
        for item in items[1:]:
            if self._operator(op, call, (item, best), variables):
                best = use_item(item)
        return best


def _rearranged(left: tuple[Atom, ...], right: tuple[Atom, ...]) -> bool:
    """Whether every element of either occurs in both equally often."""
    return all(sum(other == item for other in left) == sum(other == item for other in right) for item in left + right)


def use_item(item: Item) -> Atom:
    """The atom, or the failure that stands in its place, raised."""
    if isinstance(item, Failed):
        raise item.failure
    return item


def use(value: Value | Failed) -> Value:
    """The value, or the failure that stands in its place, raised."""
    if isinstance(value, Failed):
        raise value.failure
    return value


def shown(value: Value | Failed) -> str:
    """A value as a person reads it."""
    match value:
        case Failed(failure):
            return f"(no value: {failure.reason})"
        case Matrix():
            return "a selector"
        case tuple():
            return "[" + ", ".join(map(shown, value)) + "]"
        case _:
            return format_atom(value)
