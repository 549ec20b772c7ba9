"""Formulas and linear terms for z3, built with little overhead: the constructors of its C interface, with folding.

A truth value is a `bool` or a z3 formula, an integer an `int` or a z3 term, a rational a `Fraction` or a z3 term.
Every `Logic` has a context of its own, so that nothing is shared between sessions or threads.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, TypeAlias

import z3
from z3 import z3core, z3types

Ast: TypeAlias = Any
"""A z3 node; z3 ships without types."""
Truth: TypeAlias = "bool | Ast"
Number: TypeAlias = "int | Fraction | Ast"


class Logic:
    """The only maker of formulas in one z3 context."""

    def __init__(self) -> None:
        self.context = z3.Context()
        self._ref = self.context.ref()
        self._int = z3.IntSort(self.context).ast
        self._real = z3.RealSort(self.context).ast
        self._bool = z3.BoolSort(self.context).ast
        self._numerals: dict[tuple[type, int | Fraction], Ast] = {}

    # -------------------------------------------------------------------------------------------- variables

    def bool_variable(self, name: str) -> Ast:
        """A free truth value."""
        return self._variable(name, self._bool)

    def int_variable(self, name: str) -> Ast:
        """A free integer."""
        return self._variable(name, self._int)

    def _variable(self, name: str, sort: Ast) -> Ast:
        return self._keep(z3core.Z3_mk_const(self._ref, z3core.Z3_mk_string_symbol(self._ref, name), sort))

    # -------------------------------------------------------------------------------------------- truth

    def formula(self, x: Truth) -> Ast:
        """The formula for a truth value that may be known."""
        if isinstance(x, bool):
            return self._keep((z3core.Z3_mk_true if x else z3core.Z3_mk_false)(self._ref))
        return x

    def negate(self, x: Truth) -> Truth:
        """`not x`."""
        return not x if isinstance(x, bool) else self._keep(z3core.Z3_mk_not(self._ref, x))

    def all(self, xs: Iterable[Truth]) -> Truth:
        """Whether all hold."""
        return self._junction(xs, absorbing=False)

    def any(self, xs: Iterable[Truth]) -> Truth:
        """Whether one holds."""
        return self._junction(xs, absorbing=True)

    def _junction(self, xs: Iterable[Truth], absorbing: bool) -> Truth:
        kept = []
        for x in xs:
            if not isinstance(x, bool):
                kept.append(x)
            elif x is absorbing:
                return absorbing
        if not kept:
            return not absorbing
        if len(kept) == 1:
            return kept[0]
        make = z3core.Z3_mk_or if absorbing else z3core.Z3_mk_and
        return self._keep(make(self._ref, len(kept), self._array(kept)))

    def iff(self, x: Truth, y: Truth) -> Truth:
        """Whether both hold or neither does."""
        if isinstance(x, bool):
            return y if x else self.negate(y)
        if isinstance(y, bool):
            return x if y else self.negate(x)
        return self._keep(z3core.Z3_mk_eq(self._ref, x, y))

    def choose(self, condition: Truth, then: Truth, otherwise: Truth) -> Truth:
        """`then` if the condition holds, else `otherwise`, of truth values."""
        if isinstance(condition, bool):
            return then if condition else otherwise
        if isinstance(then, bool):
            return self.any((condition, otherwise)) if then else self.all((self.negate(condition), otherwise))
        if isinstance(otherwise, bool):
            return self.any((self.negate(condition), then)) if otherwise else self.all((condition, then))
        return self._keep(z3core.Z3_mk_ite(self._ref, condition, then, otherwise))

    # -------------------------------------------------------------------------------------------- numbers
    # What is known is an `int` or a `Fraction` as its sort demands; the sorts of the operands must be the same.

    def term(self, x: Number) -> Ast:
        """The z3 term for a number that may be known."""
        if not isinstance(x, int | Fraction):
            return x
        key = (type(x), x)
        found = self._numerals.get(key)
        if found is None:
            sort = self._real if isinstance(x, Fraction) else self._int
            found = self._numerals[key] = self._keep(z3core.Z3_mk_numeral(self._ref, str(x), sort))
        return found

    def select(self, condition: Truth, then: Number, otherwise: Number) -> Number:
        """`then` if the condition holds, else `otherwise`, of numbers."""
        if isinstance(condition, bool):
            return then if condition else otherwise
        if _known(then, otherwise) and then == otherwise:
            return then
        return self._keep(z3core.Z3_mk_ite(self._ref, condition, self.term(then), self.term(otherwise)))

    def equal(self, x: Number, y: Number) -> Truth:
        """`x == y`."""
        return bool(x == y) if _known(x, y) else self._binary(z3core.Z3_mk_eq, x, y)

    def less(self, x: Number, y: Number) -> Truth:
        """`x < y`."""
        return bool(x < y) if _known(x, y) else self._binary(z3core.Z3_mk_lt, x, y)

    def at_most(self, x: Number, y: Number) -> Truth:
        """`x <= y`."""
        return bool(x <= y) if _known(x, y) else self._binary(z3core.Z3_mk_le, x, y)

    def add(self, x: Number, y: Number) -> Number:
        """`x + y`."""
        return x + y if _known(x, y) else self.sum((x, y), x if _known(x) else y)

    def subtract(self, x: Number, y: Number) -> Number:
        """`x - y`."""
        if _known(x, y):
            return x - y
        return self._keep(z3core.Z3_mk_sub(self._ref, 2, self._array([self.term(x), self.term(y)])))

    def multiply(self, x: Number, y: Number) -> Number:
        """`x * y`."""
        if _known(x, y):
            return x * y
        return self._keep(z3core.Z3_mk_mul(self._ref, 2, self._array([self.term(x), self.term(y)])))

    def sum(self, xs: Iterable[Number], zero: Number) -> Number:
        """The sum; `zero` is any known number of the right sort, or any term."""
        terms, known = [], Fraction(0) if isinstance(zero, Fraction) else 0
        for x in xs:
            if _known(x):
                known = known + x
            else:
                terms.append(x)
        if not terms:
            return known
        if known:
            terms.append(self.term(known))
        if len(terms) == 1:
            return terms[0]
        return self._keep(z3core.Z3_mk_add(self._ref, len(terms), self._array(terms)))

    def quotient(self, x: Number, y: Number) -> Number:
        """`x / y` of rationals, where `y != 0`; anything where it is."""
        if _known(x, y):
            return x / y if y else Fraction(0)
        if _known(y) and y:
            return self.multiply(x, Fraction(1) / y)
        return self._binary(z3core.Z3_mk_div, x, y)

    def floor(self, x: Number) -> Number:
        """The greatest integer that is not above a rational."""
        return x.__floor__() if _known(x) else self._keep(z3core.Z3_mk_real2int(self._ref, x))

    def rational(self, x: Number) -> Number:
        """An integer as a rational."""
        return Fraction(x) if _known(x) else self._keep(z3core.Z3_mk_int2real(self._ref, x))

    def remainder(self, x: Number, y: Number) -> Number:
        """Python's `x % y` of integers, with the sign of `y`; anything where `y` is 0."""
        if _known(x, y):
            return x % y if y else 0
        # z3's is never negative: it differs where y < 0, by y, unless it is 0.
        euclid = self._binary(z3core.Z3_mk_mod, x, y)
        negative = self.all((self.less(y, 0), self.negate(self.equal(euclid, 0))))
        return self.select(negative, self.add(euclid, y), euclid)

    def _binary(self, make: Any, x: Number, y: Number) -> Ast:
        return self._keep(make(self._ref, self.term(x), self.term(y)))

    def _array(self, xs: list[Ast]) -> Any:
        return (z3types.Ast * len(xs))(*xs)

    def _keep(self, ast: Ast) -> Ast:
        """A node that lives as long as the context."""
        z3core.Z3_inc_ref(self._ref, ast)
        return ast


def _known(*xs: Number) -> bool:
    return all(isinstance(x, int | Fraction) for x in xs)
