"""A second way to see that a formula of linear arithmetic has no solution: cases, then Fourier–Motzkin elimination.

No solver is involved. Disjunctions are split; a conjunction of comparisons is refuted by elimination of variables over
the rationals, with the constants of integer inequalities rounded. That is enough for a refutation, and not complete:
`refuted` is true only if there is no solution, and false when none was excluded within the budget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import gcd
from typing import Final, TypeAlias, assert_never

from verifier.unbounded.linear import Compare, Formula, Linear, Many, Not, Place, Relation, Sort, Truth, Variable

MAX_BRANCHES: Final = 400
MAX_ROWS: Final = 600

Row: TypeAlias = tuple[Mapping[Variable, int], int]
"""`sum of coefficient times variable + constant <= 0`, or `== 0`."""


@dataclass(frozen=True)
class _Branch:
    """What is still to be split, and the comparisons that were chosen."""

    pending: tuple[Formula, ...]
    orders: tuple[Linear, ...]
    equalities: tuple[Linear, ...]


def refuted(formula: Formula, branches: int = MAX_BRANCHES) -> bool:
    """Whether the formula certainly has no solution in natural numbers."""
    fresh = count(1 << 20)
    stack = [_Branch((formula,), (), ())]
    for _ in range(branches):
        if not stack:
            return True
        branch = _saturated(stack.pop(), fresh)
        if branch is None or _infeasible(branch):
            continue
        if not branch.pending:
            return False
        shortest = min(branch.pending, key=_width)
        rest = tuple(one for one in branch.pending if one is not shortest)
        stack += [_Branch((*rest, one), branch.orders, branch.equalities) for one in _alternatives(shortest, fresh)]
    return not stack


def _width(formula: Formula) -> int:
    return len(formula.args) if isinstance(formula, Many) else 2


def _alternatives(formula: Formula, fresh: "count[int]") -> Sequence[Formula]:
    """A disjunction's parts; of a denied equality, the two sides; of a denied divisibility, the remainders."""
    match formula:
        case Many(args=args):
            return args
        case Not(arg=Compare(relation=Relation.EQUAL, term=term)):
            return [Compare(Relation.AT_MOST, term.plus(1)), Compare(Relation.AT_MOST, term.times(-1).plus(1))]
        case Not(arg=Compare(term=term, modulus=modulus)):
            return [_remainder(term, modulus, r, fresh) for r in range(1, modulus)]
        case _:
            return [formula]


def _remainder(term: Linear, modulus: int, remainder: int, fresh: "count[int]") -> Formula:
    """`term == modulus * q + remainder` for a new natural number q: the term has no negative part."""
    quotient = Linear.variable(Variable(Sort.FREE, next(fresh), Place.NONE))
    return Compare(Relation.EQUAL, (term - quotient.times(modulus)).plus(-remainder))


def _saturated(branch: _Branch, fresh: "count[int]") -> _Branch | None:
    """Conjunctions taken apart; `None` when something is false."""
    work, pending = list(branch.pending), []
    orders, equalities = list(branch.orders), list(branch.equalities)
    while work:
        one = work.pop()
        match one:
            case Truth(value=value):
                if not value:
                    return None
            case Compare(relation=Relation.AT_MOST, term=term):
                orders.append(term)
            case Compare(relation=Relation.EQUAL, term=term):
                equalities.append(term)
            case Compare(term=term, modulus=modulus):
                work.append(_remainder(term, modulus, 0, fresh))
            case Many(every=True, args=args):
                work.extend(args)
            case Many() | Not(arg=Compare()):
                pending.append(one)
            case Not(arg=Many(every=every, args=args)):
                denied: list[Formula] = [_denied(arg) for arg in args]
                if every:
                    pending.append(Many(False, tuple(denied), 0, 0, 0))
                else:
                    work.extend(denied)
            case Not(arg=inner):
                work.append(_denied(inner))
            case _:
                assert_never(one)
    return _Branch(tuple(pending), tuple(orders), tuple(equalities))


def _denied(formula: Formula) -> Formula:
    match formula:
        case Truth(value=value):
            return Truth(not value)
        case Not(arg=arg):
            return arg
        case Compare(relation=Relation.AT_MOST, term=term):
            return Compare(Relation.AT_MOST, term.times(-1).plus(1))
        case _:
            return Not(formula, 0, 0)


# ------------------------------------------------------------------------------------------------ conjunctions


def _infeasible(branch: _Branch) -> bool:
    """Whether the comparisons have no rational solution, or fail by divisibility."""
    rows: list[Row] = [(dict(term.terms), term.constant) for term in branch.orders]
    variables = {v for term in (*branch.orders, *branch.equalities) for v, _ in term.terms}
    rows += [({v: -1}, 0) for v in variables]
    open_: list[Row] = [(dict(term.terms), term.constant) for term in branch.equalities]
    while open_:
        row = open_.pop()
        divisor = gcd(*row[0].values())
        if divisor == 0:
            if row[1] != 0:
                return True
            continue
        if row[1] % divisor:
            return True
        row = ({v: c // divisor for v, c in row[0].items()}, row[1] // divisor)
        unit = next((v for v, c in row[0].items() if abs(c) == 1), None)
        if unit is None:
            rows += [row, ({v: -c for v, c in row[0].items()}, -row[1])]
            continue
        open_ = [_eliminated(other, row, unit) for other in open_]
        rows = [_eliminated(other, row, unit) for other in rows]
    return _no_solution(rows)


def _eliminated(row: Row, equality: Row, unit: Variable) -> Row:
    """The row with the variable expressed by the equality, in which its coefficient is 1 or -1."""
    factor = row[0].get(unit, 0)
    if not factor:
        return row
    return _added(row, equality, -factor * equality[0][unit])


def _added(left: Row, right: Row, factor: int) -> Row:
    found = dict(left[0])
    for v, c in right[0].items():
        found[v] = found.get(v, 0) + factor * c
    return {v: c for v, c in found.items() if c}, left[1] + factor * right[1]


def _no_solution(rows: Sequence[Row]) -> bool:
    """Fourier–Motzkin on `row <= 0`; false when there are too many rows."""
    current = {_tight(row) for row in rows}
    while True:
        if any(not terms and constant > 0 for terms, constant in current):
            return True
        rows = [(dict(terms), constant) for terms, constant in current if terms]
        if not rows or len(rows) > MAX_ROWS:
            return False
        uppers: dict[Variable, list[Row]] = {}
        lowers: dict[Variable, list[Row]] = {}
        for row in rows:
            for v, c in row[0].items():
                (uppers if c > 0 else lowers).setdefault(v, []).append(row)
        variable = min(
            {v for row in rows for v in row[0]}, key=lambda v: (len(uppers.get(v, ())) * len(lowers.get(v, ())), str(v))
        )
        kept = [row for row in rows if variable not in row[0]]
        for upper in uppers.get(variable, ()):
            for lower in lowers.get(variable, ()):
                scaled = ({v: -lower[0][variable] * c for v, c in upper[0].items()}, -lower[0][variable] * upper[1])
                kept.append(_added(scaled, lower, upper[0][variable]))
        current = {_tight(row) for row in kept}


def _tight(row: Row) -> tuple[tuple[tuple[Variable, int], ...], int]:
    """Divided by the common divisor of the coefficients, the constant rounded up."""
    divisor = gcd(*row[0].values())
    if divisor == 0:
        return (), row[1]
    terms = sorted(((v, c // divisor) for v, c in row[0].items()), key=lambda term: str(term[0]))
    return tuple(terms), -((-row[1]) // divisor)
