"""Why an expression is false on a run: the part that decides, under which values of the variables, and what it saw."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from spec.operators import Op, apply
from spec.property.ast import (
    Call,
    Comparison,
    Conditional,
    Connective,
    Element,
    Expression,
    Function,
    Index,
    InLanguage,
    Length,
    Logic,
    Name,
    Negation,
    Quantified,
    Quantifier,
    Slice,
    Variable,
)
from spec.property.bound import Shape
from spec.property.meaning import Assignment, ExpressionFailure, Failed, Matrix, Meaning, shown, use_item
from spec.property.walk import children, subexpressions
from spec.source import Span
from spec.values import Atom

MAX_SEEN = 6


@dataclass(frozen=True)
class Explanation:
    """Why a property is not so on an input.

    `variables` are the quantified variables of the failing instance, outermost first; `seen` are parts of the failing
    expression with their values; `position` is the position of the input that it is about, where there is one.
    """

    message: str
    span: Span | None = None
    variables: tuple[tuple[str, Atom], ...] = ()
    seen: tuple[tuple[str, str], ...] = ()
    position: int | None = None

    def __str__(self) -> str:
        """One line: the message, then the variables, then the values."""
        parts = [f"{name} = {shown(value)}" for name, value in self.variables]
        parts += [f"{text} is {value}" for text, value in self.seen]
        return f"{self.message} ({', '.join(parts)})" if parts else self.message


Found: TypeAlias = tuple[Expression, bool, Assignment]


def of_failure(meaning: Meaning, failure: ExpressionFailure) -> Explanation:
    """The explanation of an expression without a value."""
    variables = _named(failure.variables)
    position = _position(failure.variables, None, meaning)
    return Explanation(f"`{_text(failure.span)}` has no value: {failure.reason}", failure.span, variables, (), position)


def of_falsehood(meaning: Meaning, expression: Expression) -> Explanation:
    """The explanation of an expression that has the value `False`."""
    found: Found = (expression, False, {})
    while (inner := _inside(meaning, *found)) is not None:
        found = inner
    expression, wanted, variables = found
    message = f"`{_text(expression.span)}` is {'true' if wanted else 'false'}"
    element = _element(meaning, expression, wanted, variables)
    if element is not None:
        message += f" at {element}"
    seen = _seen(meaning, expression, variables)
    return Explanation(message, expression.span, _named(variables), seen, _position(variables, element, meaning))


def _inside(meaning: Meaning, expression: Expression, value: bool, variables: Assignment) -> Found | None:
    """The part, with its value, because of which the expression has this value; None when it is the whole."""
    match expression:
        case Quantified(quantifier=quantifier, body=body) if (quantifier is Quantifier.EXISTS) is value:
            inner = next(inner for inner, truth in meaning.instances(expression, variables) if truth is value)
            return body, value, inner
        case Negation(op=Op.NOT, operand=operand) if _is_scalar(meaning, operand):
            return operand, not value, variables
        case Logic(connective=connective, operands=operands) if _is_scalar(meaning, expression):
            return _operand(meaning, connective, operands, value, variables)
        case Conditional(then=then, condition=condition, otherwise=otherwise):
            return (then if meaning.truth(condition, variables) else otherwise), value, variables
        case _:
            return None


def _operand(
    meaning: Meaning, connective: Connective, operands: tuple[Expression, ...], value: bool, variables: Assignment
) -> Found | None:
    match connective:
        case Connective.AND | Connective.OR:
            if (connective is Connective.OR) is not value:
                return None
            return next(
                (operand, value, variables) for operand in operands if meaning.truth(operand, variables) is value
            )
        case Connective.IMPLIES if not value:
            return operands[1], value, variables
        case _:
            return None


def _is_scalar(meaning: Meaning, expression: Expression) -> bool:
    return meaning.binding.types[expression].shape is Shape.SCALAR


def _element(meaning: Meaning, expression: Expression, value: bool, variables: Assignment) -> int | None:
    """The first element of a sequence that decides `all`, `any` or `sorted`."""
    if not isinstance(expression, Call):
        return None
    items = meaning.captured(expression.arguments[0], variables)
    if not isinstance(items, tuple):
        return None
    match expression.function:
        case Function.ALL if not value:
            return items.index(False)
        case Function.ANY if value:
            return items.index(True)
        case Function.SORTED if not value:
            pairs = enumerate(pairwise(map(use_item, items)), start=1)
            return next(i for i, pair in pairs if not apply(Op.LE, pair, meaning.numbers))
        case _:
            return None


def _seen(meaning: Meaning, expression: Expression, variables: Assignment) -> tuple[tuple[str, str], ...]:
    """The values of the parts that a reader would ask for: operands, and what is indexed in them."""
    wanted: dict[str, Expression] = {}
    for part in children(expression) if not isinstance(expression, Quantified) else ():
        if isinstance(expression, Comparison | Element | InLanguage | Call | Logic | Negation | Conditional):
            wanted.setdefault(_text(part.span), part)
    for part in _unbound(expression):
        if isinstance(part, Index | Slice | Call):
            wanted.setdefault(_text(part.span), part)
    seen: list[tuple[str, str]] = []
    for text, part in wanted.items():
        value = meaning.captured(part, variables)
        if part is not expression and _tells(part, meaning) and not isinstance(value, Failed | Matrix):
            seen.append((text, shown(value)))
    return tuple(seen[:MAX_SEEN])


def _unbound(expression: Expression) -> list[Expression]:
    """The parts in which no other variables are quantified."""
    hidden = {
        inner
        for part in subexpressions(expression)
        if isinstance(part, Quantified)
        for inner in subexpressions(part)
        if inner is not part
    }
    return [part for part in subexpressions(expression) if part not in hidden]


def _tells(part: Expression, meaning: Meaning) -> bool:
    """Whether the value says more than the text: not a literal, nor a variable, nor a whole selector."""
    if isinstance(part, Name) and isinstance(meaning.binding.refs[part], Variable):
        return False
    return bool(list(children(part))) or isinstance(part, Name | Length)


def _named(variables: Assignment) -> tuple[tuple[str, Atom], ...]:
    return tuple((variable.id, value) for variable, value in variables.items())


def _position(variables: Assignment, element: int | None, meaning: Meaning) -> int | None:
    """The element, or the first variable that ranges over positions."""
    if element is not None:
        return element
    for variable, value in variables.items():
        if variable in meaning.binding.positional and isinstance(value, int) and 0 <= value < meaning.run.n:
            return value
    return None


def _text(span: Span) -> str:
    """The source text on one line."""
    return " ".join(span.text.replace("\\\n", " ").replace("#@", " ").split())
