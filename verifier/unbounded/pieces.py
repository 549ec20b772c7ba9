"""Values by cases: what an s-op holds at a position, as a function of counts, and the operators on such values.

    Known(atom)              the atom
    Number(top, bottom)      top / bottom with bottom > 0; `whole` when its kind is certainly `int`
    Cell(view, at)           the input atom at a position, through a view, of which nothing else is known
    Nothing(reason)          no value, or none that this method knows

A piecewise value is a list of guards and values, the guards exclusive and, where the program has a value, exhaustive.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Final, TypeAlias, assert_never

from spec.graph import View
from spec.operators import Item, Lookup, Member, Op, Operator, OperatorError, apply
from spec.values import Atom, Kind, Numbers, kind_of
from verifier.unbounded.linear import (
    FALSE,
    ONE,
    TRUE,
    ZERO,
    Formula,
    Linear,
    Unsupported,
    at_most,
    conjunction,
    constant,
    disjunction,
    divisible,
    equal,
    less,
    negation,
)

MAX_CASES: Final = 400
MAX_MODULUS: Final = 64
_QUOTIENTS: Final = range(-4, 5)


@dataclass(frozen=True)
class Known:
    """An atom, told apart by its kind as well."""

    kind: Kind
    atom: Atom


@dataclass(frozen=True)
class Number:
    """A quotient of linear terms; the lower one is positive wherever the guard holds."""

    top: Linear
    bottom: Linear
    whole: bool


@dataclass(frozen=True)
class Cell:
    """One input atom, through a view."""

    view: View
    at: Linear


@dataclass(frozen=True)
class Nothing:
    """No value that is known."""

    reason: str = field(compare=False)


Value: TypeAlias = Known | Number | Cell | Nothing
Cases: TypeAlias = tuple[tuple[Formula, Value], ...]
Feasible: TypeAlias = Callable[[Formula], bool]


def known(atom: Atom) -> Known:
    """The atom as a value."""
    return Known(kind_of(atom), atom)


YES: Final = known(True)
NO: Final = known(False)


def number(top: Linear, bottom: Linear = ONE, whole: bool = False) -> Value:
    """The quotient, as an atom where it is the same for all values of the variables."""
    ratio = top.divided(bottom)
    if ratio is not None:
        return known(ratio if whole else Fraction(ratio))
    if bottom.known is not None and top.known is not None:
        return known(Fraction(top.known, bottom.known))
    return Number(top, bottom, whole)


def integer(term: Linear) -> Value:
    """An integer."""
    return number(term, ONE, whole=True)


def truths(condition: Formula) -> Cases:
    """The truth value of a formula."""
    return tuple((guard, value) for guard, value in ((condition, YES), (negation(condition), NO)) if guard != FALSE)


def always(value: Value) -> Cases:
    """The value in every case."""
    return ((TRUE, value),)


def gathered(pairs: Iterable[tuple[Formula, Value]], feasible: Feasible) -> Cases:
    """The cases with equal values joined and impossible ones left out."""
    joined: dict[Value, list[Formula]] = {}
    for guard, value in pairs:
        joined.setdefault(value, []).append(guard)
    found = [(disjunction(guards), value) for value, guards in joined.items()]
    if len(found) > MAX_CASES:
        raise Unsupported(f"a value with more than {MAX_CASES} cases")
    if len(found) == 1 and not isinstance(found[0][1], Nothing):
        return tuple(found)
    return tuple((guard, value) for guard, value in found if feasible(guard))


def combined(op: Operator, args: Sequence[Cases], feasible: Feasible) -> Cases:
    """The operator on piecewise operands."""
    pairs: list[tuple[Formula, Value]] = []
    for row in product(*args):
        guard = conjunction(one for one, _ in row)
        if guard == FALSE or (len(args) > 1 and not feasible(guard)):
            continue
        for more, value in operate(op, [value for _, value in row]):
            pairs.append((conjunction((guard, more)), value))
        if len(pairs) > 4 * MAX_CASES:
            raise Unsupported("an operator with too many cases")
    return gathered(pairs, feasible)


# ------------------------------------------------------------------------------------------------ operators


def operate(op: Operator, values: Sequence[Value]) -> Cases:  # noqa: C901  one case for each operator
    """The operator on values."""
    for value in values:
        if isinstance(value, Nothing):
            return always(value)
    if op is Op.MOD and _is_text(values[0]) is not False:
        # Formatting shows the kind of a number, which a quotient does not know.
        return always(Nothing("the formatting of a string"))
    if all(isinstance(value, Known) for value in values):
        return always(_applied(op, [value.atom for value in values if isinstance(value, Known)]))
    match op:
        case Op.IF:
            yes, no = _truth(values[0])
            return _either(yes, values[1], no, values[2])
        case Op.NOT:
            yes, no = _truth(values[0])
            return _either(no, YES, yes, NO)
        case Op.INDICATOR:
            yes, no = _truth(values[0])
            return _either(yes, known(1), no, known(0))
        case Op.AND | Op.OR:
            (yes, no), (other_yes, other_no) = map(_truth, values)
            if op is Op.AND:
                return _either(conjunction((yes, other_yes)), YES, disjunction((no, other_no)), NO)
            return _either(disjunction((yes, other_yes)), YES, conjunction((no, other_no)), NO)
        case Op.EQ | Op.NE | Op.LT | Op.LE | Op.GT | Op.GE:
            yes, no = compared(op, values[0], values[1])
            return _either(yes, YES, no, NO)
        case Member(values=listed):
            pairs = [compared(Op.EQ, values[0], known(atom)) for atom in listed]
            return _either(disjunction(y for y, _ in pairs), YES, conjunction(n for _, n in pairs), NO)
        case Lookup(keys=keys, values=found):
            return _picked([compared(Op.EQ, values[0], known(key))[0] for key in keys], list(map(known, found)))
        case Item(values=found):
            return _item(values[0], found)
        case Op.POS | Op.NEG | Op.ROUND | Op.ADD | Op.SUB | Op.MUL | Op.DIV | Op.MOD | Op.POW:
            parts = [_parts(value) for value in values]
            numbers = [part for part in parts if part is not None]
            if len(numbers) < len(parts):
                return always(Nothing(f"`{op.value}` of something that is no known number"))
            return _arithmetic(op, numbers)
    assert_never(op)


def _applied(op: Operator, atoms: Sequence[Atom]) -> Value:
    try:
        return known(apply(op, atoms, Numbers.EXACT))
    except OperatorError as error:
        return Nothing(str(error))


def _either(yes: Formula, then: Value, no: Formula, otherwise: Value) -> Cases:
    """One of two values; where neither guard holds, it is not known which."""
    rest = conjunction((negation(yes), negation(no)))
    pairs = ((yes, then), (no, otherwise), (rest, Nothing("a comparison that is not decided by positions")))
    return tuple((guard, value) for guard, value in pairs if guard != FALSE)


def _picked(guards: Sequence[Formula], values: Sequence[Value]) -> Cases:
    rest = conjunction(map(negation, guards))
    pairs = [*zip(guards, values, strict=True), (rest, Nothing("a key that is not in the table"))]
    return tuple((guard, value) for guard, value in pairs if guard != FALSE)


def _item(index: Value, found: Sequence[Atom]) -> Cases:
    if not isinstance(index, Number) or not index.whole:
        return always(Nothing("an index that is no known integer"))
    places = range(-len(found), len(found))
    return _picked([equal(index.top.plus(-k)) for k in places], [known(found[k]) for k in places])


def _truth(value: Value) -> tuple[Formula, Formula]:
    """When the value counts as true, and when as false."""
    match value:
        case Known(atom=atom):
            return (TRUE, FALSE) if atom else (FALSE, TRUE)
        case Number(top=top):
            zero = equal(top)
            return negation(zero), zero
        case Cell() | Nothing():
            return FALSE, FALSE
    assert_never(value)


def _parts(value: Value) -> Number | None:
    """A number as a quotient."""
    match value:
        case Number():
            return value
        case Known(kind=kind, atom=atom) if not isinstance(atom, str):
            ratio = Fraction(atom)
            return Number(constant(ratio.numerator), constant(ratio.denominator), kind is not Kind.REAL)
        case _:
            return None


def compared(op: Op, left: Value, right: Value) -> tuple[Formula, Formula]:
    """When the comparison is certainly true, and when certainly false; elsewhere it fails or is not known."""
    if isinstance(left, Known) and isinstance(right, Known):
        value = _applied(op, [left.atom, right.atom])
        return (FALSE, FALSE) if isinstance(value, Nothing) else ((TRUE, FALSE) if value == YES else (FALSE, TRUE))
    if isinstance(left, Cell) and isinstance(right, Cell) and left.view is right.view:
        same = equal(left.at - right.at)
        return (same, FALSE) if op in (Op.EQ, Op.LE, Op.GE) else (FALSE, same)
    a, b = _parts(left), _parts(right)
    if a is None or b is None:
        kinds = {_is_text(left), _is_text(right)}
        if op in (Op.EQ, Op.NE) and kinds == {True, False}:
            return (FALSE, TRUE) if op is Op.EQ else (TRUE, FALSE)
        return FALSE, FALSE
    difference = a.top - b.top if a.bottom == b.bottom else _product(a.top, b.bottom) - _product(b.top, a.bottom)
    yes = _sign(op, difference)
    return yes, negation(yes)


def _is_text(value: Value) -> bool | None:
    match value:
        case Known(kind=kind):
            return kind is Kind.STR
        case Number():
            return False
        case Cell(view=view):
            return True if view is View.STR else None
        case Nothing():
            return None
    assert_never(value)


def _sign(op: Op, difference: Linear) -> Formula:
    """`difference op 0`."""
    match op:
        case Op.EQ:
            return equal(difference)
        case Op.NE:
            return negation(equal(difference))
        case Op.LT:
            return less(difference, ZERO)
        case Op.LE:
            return at_most(difference)
        case Op.GT:
            return less(ZERO, difference)
        case _:
            return at_most(difference.times(-1))


def _product(left: Linear, right: Linear) -> Linear:
    if left.known is not None:
        return right.times(left.known)
    if right.known is not None:
        return left.times(right.known)
    raise Unsupported("a product of two counts")


def _arithmetic(op: Op, parts: Sequence[Number]) -> Cases:
    a = parts[0]
    match op:
        case Op.POS:
            return always(number(a.top, a.bottom, a.whole))
        case Op.NEG:
            return always(number(a.top.times(-1), a.bottom, a.whole))
        case Op.ROUND:
            if a.bottom != ONE:
                return always(Nothing("the rounding of a proper fraction"))
            return always(integer(a.top))
        case Op.ADD | Op.SUB:
            return always(_sum(a, parts[1], 1 if op is Op.ADD else -1))
        case Op.MUL:
            return always(_times(a, parts[1], a.whole and parts[1].whole))
        case Op.DIV:
            return _quotient(a, parts[1])
        case Op.MOD:
            return _remainder(a, parts[1])
        case _:
            return always(Nothing("a power of a count"))


def _sum(a: Number, b: Number, sign: int) -> Value:
    whole = a.whole and b.whole
    if a.bottom == b.bottom:
        return number(a.top + b.top.times(sign), a.bottom, whole)
    top = _product(a.top, b.bottom) + _product(b.top, a.bottom).times(sign)
    return number(top, _product(a.bottom, b.bottom), whole)


def _times(a: Number, b: Number, whole: bool) -> Value:
    """The product, with equal factors above and below the line left out."""
    (top, other_bottom), (other_top, bottom) = _reduced(a.top, b.bottom), _reduced(b.top, a.bottom)
    return number(_product(top, other_top), _product(bottom, other_bottom), whole)


def _reduced(top: Linear, bottom: Linear) -> tuple[Linear, Linear]:
    ratio = top.divided(bottom)
    if ratio is not None:
        return constant(ratio), ONE
    inverse = bottom.divided(top)
    if inverse is not None and inverse > 0:
        return ONE, constant(inverse)
    return top, bottom


def _quotient(a: Number, b: Number) -> Cases:
    """By the sign of the divisor."""
    positive, negative = less(ZERO, b.top), less(b.top, ZERO)
    found: list[tuple[Formula, Value]] = [(equal(b.top), Nothing("division by zero"))]
    if positive != FALSE:
        found.append((positive, _times(a, Number(b.bottom, b.top, False), False)))
    if negative != FALSE:
        found.append((negative, _times(a, Number(b.bottom.times(-1), b.top.times(-1), False), False)))
    return tuple((guard, value) for guard, value in found if guard != FALSE)


def _remainder(a: Number, b: Number) -> Cases:
    if a.bottom != ONE or b.bottom != ONE:
        return always(Nothing("the remainder of a fraction"))
    whole, modulus = a.whole and b.whole, b.top.known
    if modulus is not None and not 0 < modulus <= MAX_MODULUS:
        return always(Nothing("a modulus that is not positive, or large"))
    if modulus is not None:
        return tuple((divisible(a.top.plus(-r), modulus), number(constant(r), ONE, whole)) for r in range(modulus))
    found: list[tuple[Formula, Value]] = []
    for quotient in _QUOTIENTS:
        rest = a.top - b.top.times(quotient)
        found.append((conjunction((at_most(rest.times(-1)), less(rest, b.top))), number(rest, ONE, whole)))
    found.append((conjunction(negation(guard) for guard, _ in found), Nothing("a remainder after a large quotient")))
    return tuple((guard, value) for guard, value in found if guard != FALSE)
