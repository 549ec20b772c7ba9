"""The elementwise operators, as data: their names, their typing rules and their meaning on atoms.

An operator is an `Op`, or one of three tables that a script wrote down: `Item` (a list or string indexed by an
s-op), `Lookup` (a dictionary indexed by an s-op) and `Member` (an s-op in a list). The meaning is Python's on the
reference's values; see `docs/semantics.md`. Reals follow `Numbers`: doubles, or rationals of the same kind.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import product
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from spec.ast import Predicate
from spec.values import NUMERIC, Atom, Kind, Numbers, atom_key, kind_of

MAX_INT_BITS: Final = 65_536
MAX_STRING: Final = 1 << 16


class OperatorError(Exception):
    """An operator has no value on these atoms; the message is the reason."""


class Op(Enum):
    """Operators with a fixed meaning; the value is the surface token."""

    POS = "+x"
    NEG = "-x"
    NOT = "not"
    ROUND = "round"
    INDICATOR = "indicator"
    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"
    MOD = "%"
    POW = "^"
    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    AND = "and"
    OR = "or"
    IF = "if"


@dataclass(frozen=True)
class Item:
    """`values[i]`: Python indexing, negative from the end; `text` for the characters of a string."""

    values: tuple[Atom, ...]
    text: bool = False


@dataclass(frozen=True)
class Lookup:
    """`{key: value, ...}[x]`; keys are distinct under Python equality."""

    keys: tuple[Atom, ...]
    values: tuple[Atom, ...]


@dataclass(frozen=True)
class Member:
    """`x in [values]`."""

    values: tuple[Atom, ...]


Operator: TypeAlias = Op | Item | Lookup | Member

ARITY: Final[Mapping[Op, int]] = MappingProxyType(
    {
        **dict.fromkeys((Op.POS, Op.NEG, Op.NOT, Op.ROUND, Op.INDICATOR), 1),
        **dict.fromkeys((Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MOD, Op.POW, Op.AND, Op.OR), 2),
        **dict.fromkeys((Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE), 2),
        Op.IF: 3,
    }
)


PREDICATE_OP: Final[Mapping[Predicate, Op]] = MappingProxyType({p: Op(p.value) for p in Predicate})
"""The comparison of a key with a query that each predicate of `select` stands for."""


def arity(op: Operator) -> int:
    """How many operands the operator takes."""
    return ARITY[op] if isinstance(op, Op) else 1


def operator_key(op: Operator) -> tuple[object, ...]:
    """A hashable identity: tables are the same when their atoms are indistinguishable, not merely equal."""
    match op:
        case Op():
            return (op,)
        case Item(values, text):
            return (Item, tuple(map(atom_key, values)), text)
        case Lookup(keys, values):
            return (Lookup, tuple(map(atom_key, keys)), tuple(map(atom_key, values)))
        case Member(values):
            return (Member, tuple(map(atom_key, values)))
    assert_never(op)


# ------------------------------------------------------------------------------------------------ meaning


def apply(op: Operator, args: Sequence[Atom], numbers: Numbers) -> Atom:
    """The value of the operator on atoms, or `OperatorError`."""
    return function(op, numbers)(*args)


def function(op: Operator, numbers: Numbers) -> Callable[..., Atom]:
    """The operator as a Python function of its operands, for callers that apply it many times.

    The function raises `OperatorError` and nothing else.
    """
    match op:
        case Item(values):
            return _guarded(lambda index: _item(values, index))
        case Lookup(keys, values):
            # Python finds a NaN, which equals nothing, by its identity; an atom has none.
            table = {key: value for key, value in zip(keys, values, strict=True) if key == key}
            return _guarded(lambda key: _lookup(table, key))
        case Member(values):
            among = tuple(value for value in values if value == value)
            return lambda atom: atom in among
        case Op():
            return _MEANING[numbers][op]


def _guarded(raw: Callable[..., Atom]) -> Callable[..., Atom]:
    """`raw`, with Python's complaints about the operands turned into `OperatorError`."""

    def call(*args: Atom) -> Atom:
        try:
            return raw(*args)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise OperatorError(str(error)) from error

    return call


def _item(values: Sequence[Atom], index: Atom) -> Atom:
    if not isinstance(index, int):
        raise OperatorError(f"index into list has to be s-op or integer, got: {index}")
    if not -len(values) <= index < len(values):
        raise OperatorError(f"index {index} out of range for list of length {len(values)}")
    return values[index]


def _lookup(table: Mapping[Atom, Atom], key: Atom) -> Atom:
    try:
        return table[key]
    except KeyError:
        shown = f'"{key}"' if isinstance(key, str) else str(key)
        raise OperatorError(f"index [ {shown} ] not in dict.") from None


def sized(value: Atom) -> Atom:
    """The value, unless it outgrew what any program needs."""
    if isinstance(value, int) and value.bit_length() > MAX_INT_BITS:
        raise OperatorError(f"integer of more than {MAX_INT_BITS} bits")
    if isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_INT_BITS:
        raise OperatorError(f"rational of more than {MAX_INT_BITS} bits")
    if isinstance(value, str) and len(value) > MAX_STRING:
        raise OperatorError(f"string of more than {MAX_STRING} characters")
    return value


def _mul(left: Atom, right: Atom) -> Atom:
    if isinstance(left, str) or isinstance(right, str):
        text, times = (left, right) if isinstance(left, str) else (right, left)
        if isinstance(text, str) and isinstance(times, int) and times * len(text) > MAX_STRING:
            raise OperatorError(f"string of more than {MAX_STRING} characters")
    return sized(left * right)  # type: ignore[operator]  # str * float is Python's TypeError, turned into ours


def _add(left: Atom, right: Atom) -> Atom:
    return sized(left + right)  # type: ignore[operator]  # str + int likewise


def _exact_div(left: Atom, right: Atom) -> Atom:
    if isinstance(left, str) or isinstance(right, str):
        raise OperatorError(f"unsupported operand type(s) for /: {kind_of(left).value}, {kind_of(right).value}")
    if right == 0:
        raise OperatorError("division by zero")
    return sized(Fraction(left) / Fraction(right))


_WIDE_FORMAT = re.compile(r"%[^a-zA-Z%]*(\*|\d{4})")


def _mod(left: Atom, right: Atom) -> Atom:
    if isinstance(left, str) and _WIDE_FORMAT.search(left):
        raise OperatorError("string formatting with a width of 1000 or more")
    return sized(left % right)  # type: ignore[operator]  # int % str is Python's TypeError, turned into ours


def _powers(left: Atom, right: Atom) -> tuple[int | float | Fraction, int | float | Fraction]:
    """The operands of a power, refused before computing when the result would not fit."""
    if isinstance(left, str) or isinstance(right, str):
        raise OperatorError(f"unsupported operand type(s) for ^: {kind_of(left).value}, {kind_of(right).value}")
    if not isinstance(left, float) and not isinstance(right, float):
        bits = max(left.numerator.bit_length(), left.denominator.bit_length())
        power = abs(Fraction(right))
        if bits > 1 and power > 1 and power * bits > MAX_INT_BITS:
            raise OperatorError(f"number of more than {MAX_INT_BITS} bits")
    return left, right


def _ieee_pow(left: Atom, right: Atom) -> Atom:
    base, exponent = _powers(left, right)
    value = base**exponent
    if isinstance(value, complex):
        raise OperatorError(f"illegal val types (vals must be bool, float, int or string): {value}")
    return value


def _exact_pow(left: Atom, right: Atom) -> Atom:
    """Rational powers of rationals, where the result is rational by its integer exponent."""
    left, right = _powers(left, right)
    base, exponent = Fraction(left), Fraction(right)
    if exponent.denominator != 1:
        raise OperatorError(f"{left} ^ {right} has no exact value: the exponent is not whole")
    value = base**exponent.numerator
    whole = kind_of(left) is not Kind.REAL and kind_of(right) is not Kind.REAL and exponent >= 0
    return int(value) if whole else Fraction(value)


def _round(value: Atom) -> Atom:
    if isinstance(value, str):
        raise OperatorError("type str doesn't define __round__ method")
    return round(value)


def _and(left: Atom, right: Atom) -> Atom:
    return bool(left) and bool(right)


def _or(left: Atom, right: Atom) -> Atom:
    return bool(left) or bool(right)


def _choose(condition: Atom, then: Atom, otherwise: Atom) -> Atom:
    return then if condition else otherwise


def _indicator(value: Atom) -> Atom:
    return 1 if value else 0


_COMMON: Final[dict[Op, Callable[..., Atom]]] = {
    Op.POS: _guarded(operator.pos),
    Op.NEG: _guarded(operator.neg),
    Op.NOT: operator.not_,
    Op.ROUND: _guarded(_round),
    Op.INDICATOR: _indicator,
    Op.ADD: _guarded(_add),
    Op.SUB: _guarded(operator.sub),
    Op.MUL: _guarded(_mul),
    Op.MOD: _guarded(_mod),
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.LT: _guarded(operator.lt),
    Op.LE: _guarded(operator.le),
    Op.GT: _guarded(operator.gt),
    Op.GE: _guarded(operator.ge),
    Op.AND: _and,
    Op.OR: _or,
    Op.IF: _choose,
}

_MEANING: Final[Mapping[Numbers, Mapping[Op, Callable[..., Atom]]]] = MappingProxyType(
    {
        Numbers.EXACT: _COMMON | {Op.DIV: _guarded(_exact_div), Op.POW: _guarded(_exact_pow)},
        Numbers.IEEE: _COMMON | {Op.DIV: _guarded(operator.truediv), Op.POW: _guarded(_ieee_pow)},
    }
)


# ------------------------------------------------------------------------------------------------ typing

Kinds: TypeAlias = frozenset[Kind]

ANY: Final[Kinds] = frozenset(Kind)
_INTEGRAL: Final[Kinds] = frozenset({Kind.BOOL, Kind.INT})


def result_kinds(op: Operator, args: Sequence[Kinds]) -> Kinds:
    """The kinds that the result can have; empty when the operator fails on all operands of these kinds."""
    match op:
        case Item(values):
            return frozenset(map(kind_of, values)) if args[0] & _INTEGRAL else frozenset()
        case Lookup(_, values):
            return frozenset(map(kind_of, values))
        case Member():
            return frozenset({Kind.BOOL})
        case Op.IF:
            return args[1] | args[2] if args[0] else frozenset()
        case Op():
            return frozenset(kind for kinds in product(*args) for kind in _op_kinds(op, kinds))


def _op_kinds(op: Op, kinds: tuple[Kind, ...]) -> Kinds:
    numeric = all(kind in NUMERIC for kind in kinds)
    number = Kind.REAL if Kind.REAL in kinds else Kind.INT
    match op:
        case Op.POS | Op.NEG | Op.SUB:
            return frozenset({number} if numeric else ())
        case Op.ADD:
            strings = all(kind is Kind.STR for kind in kinds)
            return frozenset({number} if numeric else {Kind.STR} if strings else ())
        case Op.MUL:
            repeats = kinds.count(Kind.STR) == 1 and Kind.REAL not in kinds
            return frozenset({number} if numeric else {Kind.STR} if repeats else ())
        case Op.MOD:
            return frozenset({number} if numeric else {Kind.STR} if kinds[0] is Kind.STR else ())
        case Op.DIV:
            return frozenset({Kind.REAL} if numeric else ())
        case Op.POW:
            return frozenset(() if not numeric else {number, Kind.REAL})
        case Op.ROUND:
            return frozenset({Kind.INT} if numeric else ())
        case Op.INDICATOR:
            return frozenset({Kind.INT})
        case Op.LT | Op.LE | Op.GT | Op.GE:
            comparable = numeric or all(kind is Kind.STR for kind in kinds)
            return frozenset({Kind.BOOL} if comparable else ())
        case Op.NOT | Op.EQ | Op.NE | Op.AND | Op.OR:
            return frozenset({Kind.BOOL})
        case Op.IF:
            return frozenset(kinds[1:])
