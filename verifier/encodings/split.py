"""Values by cases of other values, and the operators on them.

    value = parts[c] where `by` has the value with code c

On any input `by` has exactly one value, so each part needs to be right only on the inputs of its case. Rows of a
selector that ask the same of every key, each for the value at its own query, have the same parts: counting is done
once for each value that a query can have, and not once for each query. Operators work part by part as long as nothing
but `by` tells the cases apart, so that what is computed from counts stays computed from counts; where values are split
by different things, they are written out first. Parts are never split themselves, so nothing here multiplies.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from verifier.encodings.gates import Literal
from verifier.encodings.guarded import Guarded, Values
from verifier.encodings.meaning import FALSE as FALSE_CODE
from verifier.encodings.meaning import TRUE as TRUE_CODE
from verifier.encodings.meaning import Coded

_TRUTHS: Final = frozenset({FALSE_CODE, TRUE_CODE})


class Split:
    """A value for each value of another one."""

    __slots__ = ("by", "flat", "held", "parts")

    def __init__(self, by: Guarded, parts: Mapping[int, Guarded]) -> None:
        self.by = by
        self.parts = parts
        self.flat: Guarded | None = None
        self.held: Literal | None = None


Value: TypeAlias = Guarded | Split


class Splits:
    """The operators of `Values`, on values that may be split."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.gates = values.gates

    def split(self, by: Guarded, part: Callable[[int], Value]) -> Value:
        """`part(c)` where `by` has the value with code c."""
        parts = {code: self.flat(part(code)) for code in by.cases}
        first, *others = parts.values()
        return first if all(_same(first, other) for other in others) else Split(by, parts)

    def flat(self, value: Value) -> Guarded:
        """The value as a choice among literals."""
        if isinstance(value, Guarded):
            return value
        if value.flat is None:
            guards: dict[int, list[Literal]] = {}
            for at, part in value.parts.items():
                guard = self.values.when(value.by, (at,))
                for code in part.cases:
                    guards.setdefault(code, []).append(self.gates.both(guard, self.values.when(part, (code,))))
            if guards.keys() <= _TRUTHS:
                value.flat = self.values.truth(self.gates.any(guards.get(TRUE_CODE, ())))
            else:
                value.flat = self.values.choice({code: self.gates.any(found) for code, found in guards.items()})
        return value.flat

    # -------------------------------------------------------------------------------------------- literals

    def holds(self, value: Value) -> Literal:
        """Whether the value is one that Python takes for true."""
        if isinstance(value, Guarded):
            return self.values.holds(value)
        if value.held is None:
            value.held = self._any(value, self.values.holds)
        return value.held

    def fails(self, value: Value) -> Literal:
        """Whether there is no value."""
        return self.values.fails(value) if isinstance(value, Guarded) else self._any(value, self.values.fails)

    def _any(self, value: Split, holds: Callable[[Guarded], Literal]) -> Literal:
        """Whether the part of the case at hand has a property."""
        cases: dict[Literal, list[int]] = {}
        for code, part in value.parts.items():
            cases.setdefault(holds(part), []).append(code)
        if len(cases) == 1:
            return next(iter(cases))
        return self.gates.any(
            self.gates.both(self.values.when(value.by, codes), literal) for literal, codes in cases.items()
        )

    # -------------------------------------------------------------------------------------------- operators

    def apply(self, meaning: Coded, *operands: Value) -> Value:
        """A function of codes. It decides itself what becomes of failed operands."""
        by = self._distinction(operands)
        if by is None:
            return self.values.apply(meaning, *map(self.flat, operands))
        return self.split(by, lambda code: self.values.apply(meaning, *(self._at(x, by, code) for x in operands)))

    def choose(self, operands: Sequence[Value], lazy: bool) -> Value:
        """The second of three where the first holds, else the third. If lazy, the one not chosen may fail."""
        by = self._distinction(operands)
        if by is None:
            condition, then, otherwise = map(self.flat, operands)
            return self.values.choose(condition, then, otherwise, lazy=lazy)

        def part(code: int) -> Guarded:
            condition, then, otherwise = (self._at(x, by, code) for x in operands)
            return self.values.choose(condition, then, otherwise, lazy=lazy)

        return self.split(by, part)

    def _at(self, value: Value, by: Guarded, code: int) -> Guarded:
        """A value that is the same on the inputs on which `by` has the value with this code."""
        if isinstance(value, Split):
            if value.by is by:
                return value.parts[code]
            return self.values.constant(code) if value.flat is by else self.flat(value)
        if value.source is by.source:
            codes = {value.codes[case] for case in by.cases[code]}
            return self.values.constant(codes.pop()) if len(codes) == 1 else value
        return value

    def _distinction(self, operands: Iterable[Value]) -> Guarded | None:
        """What tells apart the cases of all operands that vary; `None` where there is no one such value."""
        varying = [x for x in operands if isinstance(x, Split) or len(x.source) > 1]
        for by in [x.by for x in varying if isinstance(x, Split)]:
            if all(_decided(x, by) for x in varying):
                return by
        return None


def _decided(value: Value, by: Guarded) -> bool:
    """Whether the value is simpler in each case of `by`."""
    return value.by is by or value.flat is by if isinstance(value, Split) else value.source is by.source


def _same(left: Guarded, right: Guarded) -> bool:
    """Whether the values are known to be the same: the same relabelling of one source."""
    return left.source is right.source and left.codes == right.codes


def codes_of(value: Value) -> frozenset[int]:
    """The codes that the value may have, failing included."""
    if isinstance(value, Guarded):
        return frozenset(value.cases)
    return frozenset(code for part in value.parts.values() for code in part.cases)
