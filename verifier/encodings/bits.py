"""The formula that z3 gets, over bit-vectors: every number in two's complement, all of the same width.

A number is `top / (scale * bottom)`: `scale` is known when the formula is written, `bottom` is a positive integer of
which only the ends are known, where something has been divided by what is not known. The ends of each part are computed
from those of the operands, and the width has room for all of them, so that no operation whose result matters overflows.
(Sums modulo a power of two are right whatever their parts do.) Integers without ends, and remainders by something that
is not known, are `Unsupported`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import gcd, lcm
from typing import Final

import z3
from z3 import z3core

from spec.property.scope import Integers
from verifier.encodings.formula import Encoder
from verifier.encodings.kinded import Unsupported
from verifier.encodings.logic import Ast, Truth

MAX_WIDTH: Final = 256


@dataclass(frozen=True)
class _Whole:
    """The text of a bit-vector, and the ends of the integer that it is."""

    text: str
    low: int
    high: int

    @property
    def known(self) -> bool:
        return self.low == self.high


ONE: Final = _Whole("", 1, 1)
"""The divisor of what is not divided; it is never written."""


@dataclass(frozen=True)
class _Number:
    """`top / (scale * bottom)`, with a positive scale and a positive bottom."""

    top: _Whole
    scale: int = 1
    bottom: _Whole = ONE


def smtlib(encoder: Encoder, narrowed: Sequence[Truth] = ()) -> str:
    """The formula as text in the logic QF_BV, without a command to solve it."""
    ends: dict[str, tuple[int, int]] = {}
    alphabet = encoder.query.alphabet
    if isinstance(alphabet, Integers):
        if alphabet.low is None or alphabet.high is None:
            raise Unsupported("bit-vectors of unbounded integers")
        ends = {f"x{i}": (alphabet.low, alphabet.high) for i in range(encoder.query.length)}
    writer = _Writer(encoder.logic.context, ends)
    asserted = [writer.write(encoder.logic.formula(x)) for x in (*encoder.known, *narrowed, encoder.violation)]
    lines = ["(set-logic QF_BV)", *writer.lines, *(f"(assert {text})" for text in asserted)]
    width = writer.width
    if width > MAX_WIDTH:
        raise Unsupported(f"numbers of more than {MAX_WIDTH} bits")
    return "\n".join(lines).replace(_WIDTH, str(width))


_WIDTH: Final = "@w"
"""Stands for the width while it is not known; `@` begins no symbol of ours."""
_SORT: Final = f"(_ BitVec {_WIDTH})"


@dataclass(eq=False)
class _Writer:
    """A definition for each node, operands first."""

    context: z3.Context
    ends: Mapping[str, tuple[int, int]]
    lines: list[str] = field(default_factory=list)
    width: int = 2
    _done: dict[int, str | _Number] = field(default_factory=dict)

    def write(self, root: Ast) -> str:
        """The name of the node's definition."""
        stack = [root]
        while stack:
            node = stack[-1]
            key = self._key(node)
            if key in self._done:
                stack.pop()
                continue
            open_ = [arg for arg in self._arguments(node) if self._key(arg) not in self._done]
            stack.extend(open_)
            if not open_:
                self._done[key] = self._defined(node)
        return self._formula(root)

    def _key(self, node: Ast) -> int:
        return int(z3core.Z3_get_ast_id(self.context.ref(), node))

    def _arguments(self, node: Ast) -> Iterator[Ast]:
        if z3core.Z3_get_ast_kind(self.context.ref(), node) == z3.Z3_APP_AST:
            for index in range(z3core.Z3_get_app_num_args(self.context.ref(), node)):
                yield z3core.Z3_get_app_arg(self.context.ref(), node, index)

    def _formula(self, node: Ast) -> str:
        found = self._done[self._key(node)]
        assert isinstance(found, str), "a formula"
        return found

    def _number(self, node: Ast) -> _Number:
        found = self._done[self._key(node)]
        assert isinstance(found, _Number), "a number"
        return found

    # -------------------------------------------------------------------------------------------- nodes

    def _defined(self, node: Ast) -> str | _Number:
        reference = self.context.ref()
        if z3core.Z3_get_ast_kind(reference, node) == z3.Z3_NUMERAL_AST:
            known = Fraction(z3core.Z3_get_numeral_string(reference, node).replace(" ", ""))
            return _Number(self._constant(known.numerator), known.denominator)
        declaration = z3core.Z3_get_app_decl(reference, node)
        kind = z3core.Z3_get_decl_kind(reference, declaration)
        args = list(self._arguments(node))
        if kind == z3.Z3_OP_UNINTERPRETED:
            symbol = z3core.Z3_get_decl_name(reference, declaration)
            return self._variable(str(z3core.Z3_get_symbol_string(reference, symbol)))
        if kind in _OF_TRUTHS:
            return self._truth(" ".join((_OF_TRUTHS[kind], *map(self._formula, args))))
        if kind in (z3.Z3_OP_EQ, z3.Z3_OP_ITE):
            return self._of_either(args)
        numbers = [self._number(arg) for arg in args]
        if kind in _COMPARISONS:
            return self._compared(_COMPARISONS[kind], numbers)
        if kind not in _OF_NUMBERS:
            raise Unsupported("an operation that has no counterpart on bit-vectors")
        return _OF_NUMBERS[kind](self, numbers)

    def _variable(self, name: str) -> str | _Number:
        whole = name in self.ends
        self.lines.append(f"(declare-const {name} {_SORT if whole else 'Bool'})")
        return _Number(self._room(_Whole(name, *self.ends[name]))) if whole else name

    def _of_either(self, args: Sequence[Ast]) -> str | _Number:
        """Equality and choice are of truth values or of numbers."""
        *conditions, then, otherwise = args
        texts = [self._formula(arg) for arg in conditions]
        if isinstance(self._done[self._key(then)], str):
            return self._truth(" ".join(("ite" if texts else "=", *texts, *map(self._formula, (then, otherwise)))))
        x, y = self._number(then), self._number(otherwise)
        if not texts:
            return self._compared("=", [x, y])
        scale = lcm(x.scale, y.scale)
        tops = self._times(x.top, scale // x.scale), self._times(y.top, scale // y.scale)
        bottom = x.bottom if x.bottom == y.bottom else self._chosen(texts[0], x.bottom, y.bottom)
        return _Number(self._chosen(texts[0], *tops), scale, bottom)

    # -------------------------------------------------------------------------------------------- definitions

    def _truth(self, text: str) -> str:
        """A name for the formula; brackets are put around what is more than a word."""
        self.lines.append(f"(define-fun t{len(self.lines)} () Bool {f'({text})' if ' ' in text else text})")
        return f"t{len(self.lines) - 1}"

    def _whole(self, text: str, low: int, high: int) -> _Whole:
        """A name for the bit-vector, for which there is room from now on."""
        self.lines.append(f"(define-fun t{len(self.lines)} () {_SORT} ({text}))")
        return self._room(_Whole(f"t{len(self.lines) - 1}", low, high))

    def _room(self, whole: _Whole) -> _Whole:
        low, high = whole.low, whole.high
        self.width = max(self.width, 1 + max((-1 - low if low < 0 else low).bit_length(), high.bit_length()))
        return whole

    def _constant(self, value: int) -> _Whole:
        digits = f"(_ bv{abs(value)} {_WIDTH})"
        return self._room(_Whole(digits if value >= 0 else f"(bvneg {digits})", value, value))

    def _chosen(self, condition: str, x: _Whole, y: _Whole) -> _Whole:
        x, y = (self._constant(1) if it is ONE else it for it in (x, y))
        return self._whole(f"ite {condition} {x.text} {y.text}", min(x.low, y.low), max(x.high, y.high))

    def _times(self, whole: _Whole, factor: int) -> _Whole:
        return self._product(whole, self._constant(factor))

    def _product(self, x: _Whole, y: _Whole) -> _Whole:
        if x.known and y.known:
            return self._constant(x.low * y.low)
        for one, other in ((x, y), (y, x)):
            if one.known and one.low == 1:
                return other
        corners = [a * b for a in (x.low, x.high) for b in (y.low, y.high)]
        return self._whole(f"bvmul {x.text} {y.text}", min(corners), max(corners))

    # -------------------------------------------------------------------------------------------- numbers

    def _aligned(self, numbers: Sequence[_Number]) -> tuple[list[_Whole], int, _Whole]:
        """Their tops over one scale and one bottom."""
        scale = lcm(*(number.scale for number in numbers))
        bottoms = list(dict.fromkeys(number.bottom for number in numbers if number.bottom is not ONE))
        tops = []
        for number in numbers:
            top = self._times(number.top, scale // number.scale)
            for bottom in bottoms:
                top = top if bottom == number.bottom else self._product(top, bottom)
            tops.append(top)
        common = ONE
        for bottom in bottoms:
            common = self._product(common, bottom)
        return tops, scale, common

    def _compared(self, relation: str, numbers: Sequence[_Number]) -> str:
        (x, y), _, _ = self._aligned(numbers)
        return self._truth(f"{relation} {x.text} {y.text}")

    def sum(self, numbers: Sequence[_Number]) -> _Number:
        (total, *others), scale, bottom = self._aligned(numbers)
        for top in others:
            total = self._whole(f"bvadd {total.text} {top.text}", total.low + top.low, total.high + top.high)
        return _Number(total, scale, bottom)

    def difference(self, numbers: Sequence[_Number]) -> _Number:
        first, *others = numbers
        return self.sum([first, *(replace(other, top=self._times(other.top, -1)) for other in others)])

    def product(self, numbers: Sequence[_Number]) -> _Number:
        result, *others = numbers
        for number in others:
            bottom = self._product(result.bottom, number.bottom)
            result = self._reduced(self._product(result.top, number.top), result.scale * number.scale, bottom)
        return result

    def _reduced(self, top: _Whole, scale: int, bottom: _Whole) -> _Number:
        """The number, with a known top in lowest terms."""
        common = gcd(top.low, scale) if top.known else 1
        return _Number(self._constant(top.low // common) if common > 1 else top, scale // common, bottom)

    def quotient(self, numbers: Sequence[_Number]) -> _Number:
        """By what is not known; where that is 0, anything."""
        x, y = numbers
        low, high = y.top.low, y.top.high
        size, top = y.top, x.top
        if low < 0:
            negative = self._truth(f"bvslt {y.top.text} {self._constant(0).text}")
            size = self._chosen(negative, self._times(size, -1), size)
            top = self._chosen(negative, self._times(top, -1), top)
        size = self._chosen(self._truth(f"= {size.text} {self._constant(0).text}"), self._constant(1), size)
        size = _Whole(size.text, 1, max(1, -low, high))  # it is not negative
        top = self._times(self._product(top, y.bottom), y.scale)
        return self._reduced(top, x.scale, self._product(x.bottom, size))

    def remainder(self, numbers: Sequence[_Number]) -> _Number:
        """That of Euclid, by a known number."""
        number, by = numbers
        if not by.top.known or by.top.low == 0:
            raise Unsupported("a remainder by something that is not known")
        divisor = self._constant(abs(by.top.low))
        return _Number(self._whole(f"bvsmod {number.top.text} {divisor.text}", 0, divisor.low - 1))

    def floor(self, numbers: Sequence[_Number]) -> _Number:
        (number,) = numbers
        top, divisor = number.top, self._times(number.bottom, number.scale)
        divisor = self._constant(1) if divisor is ONE else divisor
        rest = self._whole(f"bvsmod {top.text} {divisor.text}", 0, divisor.high - 1)
        below = self._whole(f"bvsub {top.text} {rest.text}", top.low - rest.high, top.high)
        corners = [end // part for end in (top.low, top.high) for part in (divisor.low, divisor.high)]
        return _Number(self._whole(f"bvsdiv {below.text} {divisor.text}", min(corners), max(corners)))

    def same(self, numbers: Sequence[_Number]) -> _Number:
        """An integer as a rational."""
        return numbers[0]


_OF_TRUTHS: Final = {
    z3.Z3_OP_TRUE: "true",
    z3.Z3_OP_FALSE: "false",
    z3.Z3_OP_NOT: "not",
    z3.Z3_OP_AND: "and",
    z3.Z3_OP_OR: "or",
}
_COMPARISONS: Final = {z3.Z3_OP_LE: "bvsle", z3.Z3_OP_LT: "bvslt", z3.Z3_OP_GE: "bvsge", z3.Z3_OP_GT: "bvsgt"}
_OF_NUMBERS: Final[dict[int, Callable[[_Writer, Sequence[_Number]], _Number]]] = {
    z3.Z3_OP_ADD: _Writer.sum,
    z3.Z3_OP_SUB: _Writer.difference,
    z3.Z3_OP_MUL: _Writer.product,
    z3.Z3_OP_DIV: _Writer.quotient,
    z3.Z3_OP_MOD: _Writer.remainder,
    z3.Z3_OP_TO_INT: _Writer.floor,
    z3.Z3_OP_TO_REAL: _Writer.same,
}
