"""Symbolic values of exact numbers: for each kind, when the value is of it, and what it is then.

The guards of the kinds exclude one another; where none holds, there is no value. Strings are finitely many, each with
its guard. The operators follow `spec.operators`, case by case; what has no counterpart raises `Unsupported`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, assert_never

from spec.operators import Item, Lookup, Member, Op, Operator
from spec.values import Atom, Kind
from verifier.encodings.logic import Logic, Number, Truth

MAX_POWER: Final = 8


class Unsupported(Exception):
    """There is no encoding for this; the message says for what."""


@dataclass(frozen=True)
class Kinded:
    """A value of unknown kind; `truth`, `integer` and `rational` mean something only under their guards."""

    is_truth: Truth = False
    truth: Truth = False
    is_integer: Truth = False
    integer: Number = 0
    is_rational: Truth = False
    rational: Number = Fraction(0)
    strings: Mapping[str, Truth] = field(default_factory=dict)


class Calculus:
    """The operators on symbolic values."""

    def __init__(self, logic: Logic) -> None:
        self.logic = logic

    # -------------------------------------------------------------------------------------------- making

    def constant(self, atom: Atom) -> Kinded:
        """A known value."""
        match atom:
            case bool():
                return Kinded(is_truth=True, truth=atom)
            case int():
                return Kinded(is_integer=True, integer=atom)
            case Fraction():
                return Kinded(is_rational=True, rational=atom)
            case str():
                return Kinded(strings={atom: True})
            case float():
                raise Unsupported("a double")
        assert_never(atom)

    def table(self, entries: Iterable[tuple[Atom, Truth]]) -> Kinded:
        """The atom whose guard holds; at most one does."""
        logic = self.logic
        kinds: dict[Kind, list[Truth]] = {kind: [] for kind in Kind}
        truths, strings = [], dict[str, list[Truth]]()
        integer: Number | None = None
        rational: Number | None = None
        for atom, guard in entries:
            match atom:
                case bool():
                    kinds[Kind.BOOL].append(guard)
                    truths.extend([guard] if atom else [])
                case int():
                    kinds[Kind.INT].append(guard)
                    integer = atom if integer is None else logic.select(guard, atom, integer)
                case Fraction():
                    kinds[Kind.REAL].append(guard)
                    rational = atom if rational is None else logic.select(guard, atom, rational)
                case str():
                    strings.setdefault(atom, []).append(guard)
                case float():
                    raise Unsupported("doubles")
        return Kinded(
            logic.any(kinds[Kind.BOOL]),
            logic.any(truths),
            logic.any(kinds[Kind.INT]),
            0 if integer is None else integer,
            logic.any(kinds[Kind.REAL]),
            Fraction(0) if rational is None else rational,
            {text: logic.any(guards) for text, guards in strings.items()},
        )

    def truth_value(self, when: Truth, truth: Truth) -> Kinded:
        """A boolean, where there is a value."""
        return Kinded(is_truth=when, truth=truth)

    def where(self, condition: Truth, value: Kinded) -> Kinded:
        """The value where the condition holds; none elsewhere."""
        if condition is True:
            return value
        both = self.logic.all
        return Kinded(
            both((condition, value.is_truth)),
            value.truth,
            both((condition, value.is_integer)),
            value.integer,
            both((condition, value.is_rational)),
            value.rational,
            {text: both((condition, guard)) for text, guard in value.strings.items()},
        )

    def choose(self, condition: Truth, then: Kinded, otherwise: Kinded) -> Kinded:
        """`then` where the condition holds, else `otherwise`."""
        logic = self.logic
        texts = dict.fromkeys((*then.strings, *otherwise.strings))
        return Kinded(
            logic.choose(condition, then.is_truth, otherwise.is_truth),
            self._either(condition, (then.is_truth, then.truth), (otherwise.is_truth, otherwise.truth), logic.choose),
            logic.choose(condition, then.is_integer, otherwise.is_integer),
            self._either(
                condition, (then.is_integer, then.integer), (otherwise.is_integer, otherwise.integer), logic.select
            ),
            logic.choose(condition, then.is_rational, otherwise.is_rational),
            self._either(
                condition, (then.is_rational, then.rational), (otherwise.is_rational, otherwise.rational), logic.select
            ),
            {t: logic.choose(condition, then.strings.get(t, False), otherwise.strings.get(t, False)) for t in texts},
        )

    def _either(
        self,
        condition: Truth,
        then: tuple[Truth, Number],
        otherwise: tuple[Truth, Number],
        select: Callable[[Truth, Number, Number], Number],
    ) -> Number:
        """The content of a kind; where only one side is ever of the kind, it is that side's."""
        if then[0] is False:
            return otherwise[1]
        return then[1] if otherwise[0] is False else select(condition, then[1], otherwise[1])

    # -------------------------------------------------------------------------------------------- asking

    def exists(self, x: Kinded) -> Truth:
        """Whether there is a value."""
        return self.logic.any((x.is_truth, x.is_integer, x.is_rational, *x.strings.values()))

    def kind_among(self, x: Kinded, kinds: frozenset[Kind]) -> Truth:
        """Whether there is a value of one of the kinds."""
        guards: dict[Kind, Truth] = {
            Kind.BOOL: x.is_truth,
            Kind.INT: x.is_integer,
            Kind.REAL: x.is_rational,
            Kind.STR: self._is_string(x),
        }
        return self.logic.any(guards[kind] for kind in Kind if kind in kinds)

    def holds(self, x: Kinded) -> Truth:
        """Whether there is a value, and it is one that Python takes for true."""
        logic = self.logic
        return logic.any(
            (
                logic.all((x.is_truth, x.truth)),
                logic.all((x.is_integer, logic.negate(logic.equal(x.integer, 0)))),
                logic.all((x.is_rational, logic.negate(logic.equal(x.rational, Fraction(0))))),
                *(guard for text, guard in x.strings.items() if text),
            )
        )

    def _is_string(self, x: Kinded) -> Truth:
        return self.logic.any(x.strings.values())

    def is_integral(self, x: Kinded) -> Truth:
        """Whether the value is an integer or a boolean."""
        return self.logic.any((x.is_truth, x.is_integer))

    def is_number(self, x: Kinded) -> Truth:
        """Whether the value is no string."""
        return self.logic.any((x.is_truth, x.is_integer, x.is_rational))

    def as_integer(self, x: Kinded) -> Number:
        """The value, where it is integral."""
        if x.is_truth is False:
            return x.integer
        bit = self.logic.select(x.truth, 1, 0)
        return bit if x.is_integer is False else self.logic.select(x.is_truth, bit, x.integer)

    def as_rational(self, x: Kinded) -> Number:
        """The value, where it is a number."""
        if self.is_integral(x) is False:
            return x.rational
        whole = self.logic.rational(self.as_integer(x))
        return whole if x.is_rational is False else self.logic.select(x.is_rational, x.rational, whole)

    # -------------------------------------------------------------------------------------------- operators

    def apply(self, op: Operator, args: Sequence[Kinded]) -> Kinded:
        """The operator; strict, and without a value where it has none."""
        match op:
            case Item(values=values):
                return self._item(values, args[0])
            case Lookup(keys=keys, values=values):
                return self.table((value, self._is(args[0], key)) for key, value in zip(keys, values, strict=True))
            case Member(values=values):
                found = self.logic.any(self._is(args[0], value) for value in values)
                return self.truth_value(self.exists(args[0]), found)
            case Op.IF:
                chosen = self.choose(self.holds(args[0]), args[1], args[2])
                return self.where(self.logic.all(map(self.exists, args)), chosen)
            case Op():
                return self._unary(op, args[0]) if len(args) == 1 else self._binary(op, args[0], args[1])
        assert_never(op)

    def _unary(self, op: Op, x: Kinded) -> Kinded:
        logic = self.logic
        match op:
            case Op.NOT:
                return self.truth_value(self.exists(x), logic.negate(self.holds(x)))
            case Op.INDICATOR:
                return Kinded(is_integer=self.exists(x), integer=logic.select(self.holds(x), 1, 0))
            case Op.POS:
                return self._number(self.is_integral(x), self.as_integer(x), x.is_rational, x.rational)
            case Op.NEG:
                whole, part = logic.subtract(0, self.as_integer(x)), logic.subtract(Fraction(0), x.rational)
                return self._number(self.is_integral(x), whole, x.is_rational, part)
            case Op.ROUND:
                rounded = logic.select(x.is_rational, self._round(x.rational), self.as_integer(x))
                return Kinded(is_integer=self.is_number(x), integer=rounded)
            case _:
                raise Unsupported(f"operator {op.value}")

    def _number(self, is_integer: Truth, integer: Number, is_rational: Truth, rational: Number) -> Kinded:
        return Kinded(is_integer=is_integer, integer=integer, is_rational=is_rational, rational=rational)

    def _round(self, x: Number) -> Number:
        """To the nearest integer, halves to even."""
        logic = self.logic
        below = logic.floor(x)
        above = logic.add(below, 1)
        rest = logic.subtract(x, logic.rational(below))
        half = Fraction(1, 2)
        to_even = logic.select(logic.equal(logic.remainder(below, 2), 0), below, above)
        return logic.select(logic.less(rest, half), below, logic.select(logic.less(half, rest), above, to_even))

    def _binary(self, op: Op, x: Kinded, y: Kinded) -> Kinded:
        match op:
            case Op.AND | Op.OR:
                join = self.logic.all if op is Op.AND else self.logic.any
                return self.truth_value(self._exist(x, y), join((self.holds(x), self.holds(y))))
            case Op.EQ:
                return self.truth_value(self._exist(x, y), self.equal(x, y))
            case Op.NE:
                return self.truth_value(self._exist(x, y), self.logic.negate(self.equal(x, y)))
            case Op.LT | Op.LE:
                return self._ordered(x, y, strict=op is Op.LT)
            case Op.GT | Op.GE:
                return self._ordered(y, x, strict=op is Op.GT)
            case Op.DIV:
                return self._divide(x, y)
            case Op.MOD:
                return self._remainder(x, y)
            case Op.POW:
                return self._power(x, y)
            case Op.ADD | Op.SUB | Op.MUL:
                return self._arithmetic(op, x, y)
            case _:
                raise Unsupported(f"operator {op.value}")

    def _exist(self, x: Kinded, y: Kinded) -> Truth:
        return self.logic.all((self.exists(x), self.exists(y)))

    def equal(self, x: Kinded, y: Kinded) -> Truth:
        """Whether there are two values and Python takes them for equal."""
        logic = self.logic
        numbers = logic.all((self.is_number(x), self.is_number(y)))
        same = (logic.all((x.strings[text], y.strings[text])) for text in x.strings if text in y.strings)
        return logic.any((logic.all((numbers, self._equal_numbers(x, y))) if numbers is not False else False, *same))

    def _equal_numbers(self, x: Kinded, y: Kinded) -> Truth:
        if x.is_rational is not False or y.is_rational is not False:
            return self.logic.equal(self.as_rational(x), self.as_rational(y))
        if x.is_integer is not False or y.is_integer is not False:
            return self.logic.equal(self.as_integer(x), self.as_integer(y))
        return self.logic.iff(x.truth, y.truth)

    def _is(self, x: Kinded, atom: Atom) -> Truth:
        """Whether the value is, for Python, this atom."""
        return self.equal(x, self.constant(atom))

    def _ordered(self, x: Kinded, y: Kinded, strict: bool) -> Kinded:
        logic = self.logic
        compare = logic.less if strict else logic.at_most
        numbers = logic.all((self.is_number(x), self.is_number(y)))
        texts = logic.all((self._is_string(x), self._is_string(y)))
        found: list[Truth] = []
        if numbers is not False:
            if x.is_rational is False and y.is_rational is False:
                found.append(logic.all((numbers, compare(self.as_integer(x), self.as_integer(y)))))
            else:
                found.append(logic.all((numbers, compare(self.as_rational(x), self.as_rational(y)))))
        for text, guard in x.strings.items():
            above = (g for t, g in y.strings.items() if text < t or (text == t and not strict))
            found.append(logic.all((guard, logic.any(above))))
        return self.truth_value(logic.any((numbers, texts)), logic.any(found))

    def _arithmetic(self, op: Op, x: Kinded, y: Kinded) -> Kinded:
        logic = self.logic
        compute = {Op.ADD: logic.add, Op.SUB: logic.subtract, Op.MUL: logic.multiply}[op]
        result = self._numeric(x, y, compute, compute)
        strings: dict[str, list[Truth]] = {}
        if op is Op.ADD:
            for left, a in x.strings.items():
                for right, b in y.strings.items():
                    strings.setdefault(left + right, []).append(logic.all((a, b)))
        elif op is Op.MUL:
            for texts, times in ((x, y), (y, x)):
                if texts.strings and self.is_integral(times) is not False:
                    raise Unsupported("a string times an integer")
        texts_ = {text: logic.any(guards) for text, guards in strings.items()}
        return Kinded(
            is_integer=result.is_integer,
            integer=result.integer,
            is_rational=result.is_rational,
            rational=result.rational,
            strings=texts_,
        )

    def _numeric(
        self,
        x: Kinded,
        y: Kinded,
        integers: Callable[[Number, Number], Number],
        rationals: Callable[[Number, Number], Number],
    ) -> Kinded:
        """An integer from two integers, a rational where one operand is rational."""
        logic = self.logic
        whole = logic.all((self.is_integral(x), self.is_integral(y)))
        mixed = logic.all((self.is_number(x), self.is_number(y), logic.any((x.is_rational, y.is_rational))))
        return self._number(
            whole,
            0 if whole is False else integers(self.as_integer(x), self.as_integer(y)),
            mixed,
            Fraction(0) if mixed is False else rationals(self.as_rational(x), self.as_rational(y)),
        )

    def _divide(self, x: Kinded, y: Kinded) -> Kinded:
        logic = self.logic
        divisor = self.as_rational(y)
        defined = logic.all((self.is_number(x), self.is_number(y), logic.negate(logic.equal(divisor, Fraction(0)))))
        if defined is False:
            return Kinded()
        return Kinded(is_rational=defined, rational=logic.quotient(self.as_rational(x), divisor))

    def _remainder(self, x: Kinded, y: Kinded) -> Kinded:
        logic = self.logic
        if x.strings:
            raise Unsupported("formatting with %")

        def of_rationals(a: Number, b: Number) -> Number:
            whole = logic.rational(logic.floor(logic.quotient(a, b)))
            return logic.subtract(a, logic.multiply(b, whole))

        zero = logic.equal(self.as_rational(y), Fraction(0))
        return self.where(logic.negate(zero), self._numeric(x, y, logic.remainder, of_rationals))

    def _power(self, x: Kinded, y: Kinded) -> Kinded:
        """Whole powers that are known; an integer only from an integer and a power that is no rational."""
        logic = self.logic
        whole = y.is_rational is False
        exponent = self.as_integer(y) if whole else y.rational
        known = isinstance(exponent, int | Fraction) and (y.is_rational is True or self.is_integral(y) is True)
        if not known or exponent != int(exponent) or abs(exponent) > MAX_POWER:
            raise Unsupported("a power that is not a small known integer")
        base = self.as_rational(x)
        power: Number = Fraction(1)
        for _ in range(abs(int(exponent))):
            power = logic.multiply(power, base)
        if exponent < 0:
            defined = logic.all((self.is_number(x), logic.negate(logic.equal(base, Fraction(0)))))
            return (
                Kinded()
                if defined is False
                else Kinded(is_rational=defined, rational=logic.quotient(Fraction(1), power))
            )
        if not whole:
            return Kinded(is_rational=self.is_number(x), rational=power)
        integer: Number = 1
        for _ in range(int(exponent)):
            integer = logic.multiply(integer, self.as_integer(x))
        return self._number(self.is_integral(x), integer, x.is_rational, power)

    def _item(self, values: Sequence[Atom], x: Kinded) -> Kinded:
        index, integral = self.as_integer(x), self.is_integral(x)
        size = len(values)
        return self.table(
            (values[i], self.logic.all((integral, self.logic.equal(index, i)))) for i in range(-size, size)
        )
