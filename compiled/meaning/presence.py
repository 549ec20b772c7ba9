"""Whether a mean is 0: the count of what is not 0 in its place, scored in attention conjunct by conjunct.

A mean of numbers that are not negative is 0 exactly when all that it selects are. So an s-op that only asks whether
a mean is 0 is a function of the count of selected keys whose value is not 0. Facts about a key that are joined by
`and` need no joint function then: a head adds up their scores.
"""

from collections.abc import Callable
from fractions import Fraction
from math import isfinite
from typing import Final, TypeAlias

from compiled.errors import Refused
from compiled.meaning.formula import Formula, Holds, Literal, conjunction, disjunction, formula, negation
from compiled.meaning.leaves import Count, Definition
from compiled.meaning.values import Domain
from spec.graph import Aggregate, Constant, Map, SOp
from spec.operators import Op
from spec.values import Atom, Kind, atom_key

Split: TypeAlias = Callable[[Formula], tuple[Count, ...] | None]
LEAST: Final = Fraction(1, 1 << 200)
"""Values from here on are positive as means of doubles, too."""
MAX_DEPTH: Final = 12


def presence(node: Map, domain: Domain, split: Split) -> Definition | None:
    """The s-op as a function of such a count, if it is one."""
    leaves = domain.leaves(node)
    if len(leaves) != 1 or not isinstance(leaves[0], Aggregate):
        return None
    mean = leaves[0]
    try:
        tells = _tells_zero(node, mean, domain)
    except Refused:
        return None
    if tells is None:
        return None
    present, absent = tells
    counts = split(conjunction((formula(mean.selector), _truth(mean.values, domain))))
    if counts is None:
        return None

    def value(positive: int) -> Atom:
        return present if positive else absent

    return Definition(counts, (1,) * len(counts), value)


def _tells_zero(node: Map, mean: Aggregate, domain: Domain) -> tuple[Atom, Atom] | None:
    """What the s-op is where the mean is positive and where it is 0, if that decides it."""
    profile = domain.profile(mean)
    values = domain.values_of(mean.values)
    if profile.at_most_one or not all(_is_weight(value) for value in values):
        return None
    if not profile.always_selects and (isinstance(mean.default, str) or mean.default != 0):
        return None
    known = profile.values()
    results = list(domain.evaluated((node,), (mean,), [(value,) for value in known]))
    if len(results) < len(known):
        return None
    found: dict[bool, Atom] = {}
    for (given,), (result,) in results:
        if atom_key(found.setdefault(given != 0, result)) != atom_key(result):
            return None
    return (found[True], found[False]) if len(found) == 2 else None


def _is_weight(value: Atom) -> bool:
    """Whether the value is 0, or positive and not so small that a mean of doubles loses it."""
    return not isinstance(value, str) and isfinite(value) and (value == 0 or value >= LEAST)


def _truth(sop: SOp, domain: Domain, depth: int = MAX_DEPTH) -> Formula:
    """`sop[j] != 0` at the key, with `and`, `or` and `not` of different things taken apart, so deep."""
    whole: Formula = Literal(Holds(sop, 0), False)
    if not depth:
        return whole
    match sop:
        case Map(op=Op.INDICATOR, args=(one,)) if Kind.STR not in one.kinds:
            return _truth(one, domain, depth - 1)
        case Map(op=Op.NOT, args=(one,)) if Kind.STR not in one.kinds:
            return negation(_truth(one, domain, depth - 1))
        case Map(op=Op.EQ, args=(one, Constant(value=value))) if one.kinds == {Kind.BOOL} and value in (0, 1):
            inner = _truth(one, domain, depth - 1)
            return inner if value else negation(inner)
        case Map(op=Op.AND | Op.OR as op, args=args) if not any(Kind.STR in arg.kinds for arg in args):
            means = [leaf for leaf in domain.leaves(sop) if isinstance(leaf, Aggregate)]
            if len(domain.leaves(sop)) < 2 or (op is Op.OR and len(means) < 2):
                return whole
            parts = [_truth(arg, domain, depth - 1) for arg in args]
            return conjunction(parts) if op is Op.AND else disjunction(parts)
        case _:
            return whole
