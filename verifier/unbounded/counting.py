"""How many positions satisfy a condition: counts of keys as linear terms, by cases.

The condition is about a key position j (its variables have `Place.KEY`) and the position i asked about (`Place.HERE`).
It is split into disjoint cubes of comparisons that mention j and a rest that does not. A cube over the letter b counts

    ranks        c * rank(j) + e <> 0, where rank(j) = the number of b's before j: the ranks of the b's of a word are
                 0, 1, .., T-1, those before i are 0, .., B-1; so the cube is an interval of ranks
    i itself     j = i: the cube holds or not
    the start    j = 0: all counts before it are 0, and the input begins with b or not
    history      comparisons of counts at j alone: a register of the machine counts the positions that satisfy them
    delays       j = i - c: a register remembers

Every other cube is refused. A `Tally` gives the count by exclusive, exhaustive cases, with the least rank if known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from verifier.unbounded.linear import (
    FALSE,
    ONE,
    TRUE,
    ZERO,
    Compare,
    Formula,
    Linear,
    Place,
    Relation,
    Sort,
    Truth,
    Unsupported,
    Variable,
    at_most,
    comparisons,
    conjunction,
    constant,
    disjunction,
    equal,
    less,
    negation,
    substitute,
    total,
    transform,
    variables,
)
from verifier.unbounded.machine import Machine, before, final, in_all, memory

Tally: TypeAlias = tuple[tuple[Formula, Linear, Linear | None], ...]
NONE: Tally = ((TRUE, ZERO, None),)
MAX_CUBES: Final = 64


@dataclass(frozen=True)
class _Cube:
    """Comparisons that mention the key, each with its sign, and the rest of the condition."""

    literals: tuple[Formula, ...]
    rest: Formula


@dataclass(frozen=True)
class _Past:
    """A cube about counts at the key alone: where the key may be, the rest, and its distance before i, if exact."""

    low: int | None
    high: int | None
    rest: Formula


def moved(to: Place, letters: int, registers: int) -> Mapping[Variable, Linear]:
    """The substitution that moves a place to the other."""
    other = Place.KEY if to is Place.HERE else Place.HERE
    found = {Variable(Sort.BEFORE, k, other): before(k, to) for k in range(letters)}
    return found | {Variable(Sort.MEMORY, k, other): memory(k, to) for k in range(registers)}


def mentions_key(formula: Formula) -> bool:
    """Whether the formula is about the key position."""
    return any(v.place is Place.KEY for v in variables(formula))


def first_letter(letter: int, letters: int) -> Linear:
    """1 if the input begins with the letter, else 0; the last letter's is one minus the others'."""
    if letter < letters - 1:
        return Linear.variable(Variable(Sort.FIRST, letter, Place.NONE))
    return ONE - total(first_letter(k, letters) for k in range(letters - 1))


@dataclass(eq=False)
class Counting:
    """Counts for queries at a position that holds `here`; histories become registers of the machine."""

    machine: Machine

    @property
    def letters(self) -> int:
        """How many letters there are."""
        return self.machine.letters

    def tallies(self, here: int, conditions: Mapping[int, Formula]) -> list[Tally]:
        """Tallies that together count the keys whose letter's condition holds."""
        found: list[Tally] = []
        past: dict[_Past, dict[int, list[Formula]]] = {}
        for letter, condition in conditions.items():
            for cube in _cubes(condition, Variable(Sort.BEFORE, letter, Place.KEY), self.letters):
                tally = self._cube(here, letter, cube, past)
                if tally is not None:
                    found.append(_given(cube.rest, tally))
        for where, per_letter in past.items():
            formulas = [disjunction(per_letter.get(k, ())) for k in range(self.letters)]
            found.append(_given(where.rest, self._history(here, where, formulas)))
        return [tally for tally in found if tally != NONE]

    # -------------------------------------------------------------------------------------------- cubes

    def _cube(self, here: int, letter: int, cube: _Cube, past: dict[_Past, dict[int, list[Formula]]]) -> Tally | None:
        distances, literals = self._distances(cube.literals)
        if distances is None:
            return NONE
        excluded, low, high = distances
        if excluded:
            rest = [_apart(point, self.letters) for point in excluded[1:]]
            without = self._simple(here, letter, [*literals, *rest, *_within(low, high, self.letters)])
            at = self._simple(
                here, letter, [*literals, *rest, *_within(low, high, self.letters), _exactly(excluded[0], self.letters)]
            )
            return _minus(without, at)
        if low == high == 0:
            return self._itself(here, letter, literals)
        start, others = self._start(literals)
        if start is False:
            return NONE
        window = _within(low, high, self.letters)
        if start is True:
            return self._at_start(letter, [*others, *window])
        if any(_is_history(one, letter, self.letters) for one in others) or (low is not None and low == high):
            if any(v.place is not Place.KEY for one in others for v in variables(one)):
                raise Unsupported("a condition on counts at the key that depends on the query as well")
            here_side = moved(Place.HERE, self.letters, len(self.machine.registers))
            kept = conjunction(substitute(one, here_side) for one in others)
            where = _Past(low, high, cube.rest)
            past.setdefault(where, {}).setdefault(letter, []).append(kept)
            return None
        apart = [one for one in others if _is_start_excluded(one, self.letters)]
        if apart and self.letters > 1:
            ranks = [one for one in others if one not in apart]
            return _minus(self._ranks(here, letter, ranks, low, high), self._at_start(letter, [*ranks, *window]))
        return self._ranks(here, letter, others, low, high)

    def _simple(self, here: int, letter: int, literals: Sequence[Formula]) -> Tally:
        past: dict[_Past, dict[int, list[Formula]]] = {}
        tally = self._cube(here, letter, _Cube(tuple(literals), TRUE), past)
        if tally is None:
            raise Unsupported("all positions but one, of those with a certain history")
        return tally

    def _distances(
        self, literals: Sequence[Formula]
    ) -> tuple[tuple[list[int], int | None, int | None] | None, list[Formula]]:
        """The bounds on j - i, the distances excluded, and the other literals; `None` when there is no such j."""
        low: int | None = None
        high: int | None = None
        excluded, others = [], []
        for one in literals:
            found = _distance(one, self.letters) if self.letters > 1 else None
            if found is None:
                others.append(one)
                continue
            relation, sign, offset = found
            if relation is None:
                excluded.append(-offset * sign)
                continue
            if relation is Relation.EQUAL or sign > 0:
                bound = -offset * sign
                high = bound if high is None else min(high, bound)
            if relation is Relation.EQUAL or sign < 0:
                bound = -offset if relation is Relation.EQUAL and sign > 0 else offset
                low = bound if low is None else max(low, bound)
        if low is not None and high is not None and low > high:
            return None, others
        inside = [point for point in excluded if (low is None or point >= low) and (high is None or point <= high)]
        return (list(dict.fromkeys(inside)), low, high), others

    def _itself(self, here: int, letter: int, literals: Sequence[Formula]) -> Tally:
        """The key is the query."""
        if letter != here:
            return NONE
        to_here = moved(Place.HERE, self.letters, len(self.machine.registers))
        return _given(conjunction(substitute(one, to_here) for one in literals), ((TRUE, ONE, before(letter)),))

    def _start(self, literals: Sequence[Formula]) -> tuple[bool | None, list[Formula]]:
        """Whether the literals put the key at position 0 (`True`), nowhere (`False`), or leave it open."""
        if self.letters == 1:
            return None, list(literals)
        where: bool | None = None
        others = []
        for one in literals:
            found = _absolute(one, self.letters)
            if found is True:
                where = True
            elif found is False:
                return False, []
            else:
                others.append(one)
        return where, others

    def _at_start(self, letter: int, literals: Sequence[Formula]) -> Tally:
        zero = {Variable(Sort.BEFORE, k, Place.KEY): ZERO for k in range(self.letters)}
        initial = {
            Variable(Sort.MEMORY, k, Place.KEY): constant(register.initial)
            for k, register in enumerate(self.machine.registers)
        }
        kept = conjunction(substitute(one, zero | initial) for one in literals)
        return _given(kept, ((TRUE, first_letter(letter, self.letters), None),))

    # -------------------------------------------------------------------------------------------- ranks

    def _ranks(self, here: int, letter: int, literals: Sequence[Formula], low: int | None, high: int | None) -> Tally:
        """An interval of ranks, without the points that are excluded."""
        lows, highs, apart = [ZERO], [in_all(letter)], []
        own = ONE if letter == here else ZERO
        if high is not None:
            if high not in (-1, 0):
                raise Unsupported("positions up to a fixed distance")
            highs = [before(letter) + (own if high == 0 else ZERO)]
        if low is not None:
            if low not in (0, 1):
                raise Unsupported("positions from a fixed distance on")
            lows = [before(letter) + (own if low == 1 else ZERO)]
        rank = Variable(Sort.BEFORE, letter, Place.KEY)
        for one in literals:
            sign, rest, relation = _rank(one, rank)
            if relation is None:
                apart.append(rest.times(-sign))
                continue
            if relation is Relation.EQUAL or sign > 0:
                highs.append(rest.times(-sign).plus(1))
            if relation is Relation.EQUAL or sign < 0:
                lows.append(rest.times(-1) if relation is Relation.EQUAL and sign > 0 else rest)
        tally = _interval(lows, highs)
        if not apart:
            return tally
        points = list(dict.fromkeys(apart))
        if len(points) > 1:
            raise Unsupported("several positions excluded at once")
        return _minus(tally, _interval([*lows, points[0]], [*highs, points[0].plus(1)]))

    # -------------------------------------------------------------------------------------------- history

    def _history(self, here: int, where: _Past, conditions: Sequence[Formula]) -> Tally:
        """A register that counts, or that remembers one position."""
        low, high = where.low, where.high
        if low is not None and low == high:
            if low >= 0:
                raise Unsupported("a position at a fixed distance to the right")
            return ((TRUE, memory(self.machine.delayed(conditions, -low)), None),)
        register = self.machine.counter(conditions)
        now = conditions[here]
        upto: Tally = ((now, memory(register).plus(1), None), (negation(now), memory(register), None))
        upto = tuple(case for case in upto if case[0] != FALSE)
        match low, high:
            case None, None:
                return ((TRUE, final(register), None),)
            case None, -1:
                return ((TRUE, memory(register), None),)
            case None, 0:
                return upto
            case 0, None:
                return ((TRUE, final(register) - memory(register), None),)
            case 1, None:
                return tuple((guard, final(register) - size, None) for guard, size, _ in upto)
            case _:
                raise Unsupported("positions within a fixed distance")


# ------------------------------------------------------------------------------------------------ literals


def _cubes(condition: Formula, rank: Variable, letters: int) -> list[_Cube]:
    """The condition as a disjoint union of cubes. A rank that is known is put in the place of the rank."""
    stack: list[tuple[Formula, tuple[Formula, ...]]] = [(condition, ())]
    found: list[_Cube] = []
    while stack:
        formula, literals = stack.pop()
        if formula == FALSE:
            continue
        about = next((one for one in comparisons(formula) if mentions_key(one)), None)
        if about is None:
            found.append(_Cube(literals, formula))
            if len(found) > MAX_CUBES:
                raise Unsupported("a selector with too many cases")
            continue
        stack.append((_decided(formula, about, False), (*literals, negation(about))))
        known = _solved(about, rank, letters)
        if known is None:
            stack.append((_decided(formula, about, True), (*literals, about)))
        else:
            earlier = (substitute(one, {rank: known}) for one in literals)
            stack.append((substitute(formula, {rank: known}), (*earlier, about)))
    return [_split(cube) for cube in found if FALSE not in cube.literals]


def _split(cube: _Cube) -> _Cube:
    """Literals that no longer mention the key are part of the rest."""
    kept = tuple(one for one in cube.literals if mentions_key(one))
    return _Cube(kept, conjunction([cube.rest, *(one for one in cube.literals if not mentions_key(one))]))


def _solved(about: Compare, rank: Variable, letters: int) -> Linear | None:
    """The rank that satisfies an equality about nothing else of the key.

    Among several letters, `rank == 0` stays: with 0 in its place, a comparison of positions would not be seen as one.
    """
    sign = about.term.coefficient(rank)
    rest = about.term - Linear.variable(rank).times(sign)
    if about.relation is not Relation.EQUAL or sign not in (1, -1) or any(v.place is Place.KEY for v in rest.variables):
        return None
    if letters > 1 and rest == ZERO:
        return None
    return rest.times(-sign)


def _decided(formula: Formula, about: Compare, positive: bool) -> Formula:
    """The formula where the comparison is true, or false."""
    opposite = negation(about)

    def leaf(one: Compare) -> Formula:
        if one == about:
            return Truth(positive)
        return Truth(not positive) if one == opposite else one

    return transform(formula, leaf)


def _literal(one: Formula) -> tuple[Compare, bool]:
    negated = not isinstance(one, Compare)
    inner = getattr(one, "arg", one)
    if not isinstance(inner, Compare):
        raise Unsupported("a condition that is no comparison")
    return inner, not negated


def _spread(term: Linear, place: Place, letters: int) -> int | None:
    """The common coefficient of all counts before the place."""
    found = {term.coefficient(Variable(Sort.BEFORE, k, place)) for k in range(letters)}
    return found.pop() if len(found) == 1 else None


def _distance(one: Formula, letters: int) -> tuple[Relation | None, int, int] | None:
    """`sign * (j - i) + offset` compared with 0; no relation: it is not 0."""
    compare, positive = _literal(one)
    key, here = (_spread(compare.term, place, letters) for place in (Place.KEY, Place.HERE))
    if key not in (1, -1) or here is None or here != -key or len(compare.term.terms) != 2 * letters:
        return None
    if compare.relation is Relation.DIVISIBLE:
        return None
    relation = compare.relation if positive else None
    return relation, key, compare.term.constant


def _within(low: int | None, high: int | None, letters: int) -> list[Formula]:
    gap = total(before(k, Place.KEY) - before(k) for k in range(letters))
    lower = [] if low is None else [at_most(constant(low) - gap)]
    return lower + ([] if high is None else [at_most(gap.plus(-high))])


def _exactly(point: int, letters: int) -> Formula:
    return equal(total(before(k, Place.KEY) - before(k) for k in range(letters)).plus(-point))


def _apart(point: int, letters: int) -> Formula:
    return negation(_exactly(point, letters))


def _absolute(one: Formula, letters: int) -> bool | None:
    """`True` when the literal says j = 0, `False` when no j satisfies it."""
    compare, positive = _literal(one)
    key = _spread(compare.term, Place.KEY, letters)
    if key not in (1, -1) or len(compare.term.terms) != letters or not positive:
        return None
    if compare.relation is Relation.EQUAL:
        position = -compare.term.constant * key
        return True if position == 0 else (False if position < 0 else None)
    if compare.relation is Relation.AT_MOST and key == 1:
        last = -compare.term.constant
        return True if last == 0 else (False if last < 0 else None)
    return None


def _is_start_excluded(one: Formula, letters: int) -> bool:
    """Whether the literal says j != 0, which is j >= 1."""
    compare, positive = _literal(one)
    key = _spread(compare.term, Place.KEY, letters)
    if key not in (1, -1) or len(compare.term.terms) != letters:
        return False
    if compare.relation is Relation.EQUAL:
        return not positive and compare.term.constant == 0
    return positive and compare.relation is Relation.AT_MOST and key == -1 and compare.term.constant == 1


def _is_history(one: Formula, letter: int, letters: int) -> bool:
    """Whether the literal speaks of more at the key than of the rank of its letter, or not about an interval."""
    compare, _ = _literal(one)
    about = [(v, c) for v, c in compare.term.terms if v.place is Place.KEY]
    rank = Variable(Sort.BEFORE, letter, Place.KEY)
    simple = len(about) == 1 and about[0][0] == rank and about[0][1] in (1, -1)
    if letters > 1 and _is_start_excluded(one, letters):
        return False
    return not simple or compare.relation is Relation.DIVISIBLE


def _rank(one: Formula, rank: Variable) -> tuple[int, Linear, Relation | None]:
    compare, positive = _literal(one)
    sign = compare.term.coefficient(rank)
    rest = compare.term - Linear.variable(rank).times(sign)
    if sign not in (1, -1) or any(v.place is Place.KEY for v in rest.variables):
        raise Unsupported("a condition on the key that is no interval")
    return sign, rest, compare.relation if positive else None


# ------------------------------------------------------------------------------------------------ tallies


def _given(condition: Formula, tally: Tally) -> Tally:
    """The tally where the condition holds, else none."""
    if condition == TRUE:
        return tally
    cases = [(conjunction((condition, guard)), size, first) for guard, size, first in tally]
    cases.append((negation(condition), ZERO, None))
    return _joined(cases)


def _interval(lows: Sequence[Linear], highs: Sequence[Linear]) -> Tally:
    """How many integers there are from the greatest of `lows` to before the least of `highs`."""
    # Constants first: of equal ends the first is taken, and a constant size is worth more than a count that equals it.
    lows, highs = (sorted(dict.fromkeys(ends), key=lambda end: end.known is None) for ends in (lows, highs))
    if len(lows) == len(highs) == 1 and at_most(lows[0] - highs[0]) == TRUE:
        return ((TRUE, highs[0] - lows[0], lows[0]),)
    cases: list[tuple[Formula, Linear, Linear | None]] = []
    for a, low in enumerate(lows):
        greatest = [less(other, low) if k < a else at_most(other - low) for k, other in enumerate(lows) if k != a]
        for b, high in enumerate(highs):
            least = [less(high, other) if k < b else at_most(high - other) for k, other in enumerate(highs) if k != b]
            cases.append((conjunction([*greatest, *least, less(low, high)]), high - low, low))
    cases.append((disjunction(at_most(high - low) for low in lows for high in highs), ZERO, None))
    return _joined(cases)


def _minus(left: Tally, right: Tally) -> Tally:
    return _joined(
        [
            (conjunction((guard, other)), size - taken, first if taken == ZERO else None)
            for guard, size, first in left
            for other, taken, _ in right
        ]
    )


def _joined(cases: Sequence[tuple[Formula, Linear, Linear | None]]) -> Tally:
    found: dict[tuple[Linear, Linear | None], list[Formula]] = {}
    for guard, size, first in cases:
        if guard != FALSE:
            found.setdefault((size, first), []).append(guard)
    return tuple((disjunction(guards), size, first) for (size, first), guards in found.items())
