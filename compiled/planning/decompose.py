"""Functions on finite sets of tuples: which arguments matter, and whether the function is a sum of unary ones."""

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from spec.values import Atom

Tuple: TypeAlias = tuple[Atom, ...]
Unary: TypeAlias = dict[Atom, Fraction]


def project(table: Mapping[Tuple, Hashable], keep: Sequence[int]) -> dict[Tuple, Hashable] | None:
    """The same function of these arguments only, or None when they do not decide it."""
    found: dict[Tuple, Hashable] = {}
    for point, value in table.items():
        part = tuple(point[k] for k in keep)
        if found.setdefault(part, value) != value:
            return None
    return found


def relevant(table: Mapping[Tuple, Hashable], arity: int) -> tuple[int, ...]:
    """Arguments that decide the function, none of which can be left out, later ones left out first."""
    keep = list(range(arity))
    for k in reversed(range(arity)):
        fewer = [one for one in keep if one != k]
        if project(table, fewer) is not None:
            keep = fewer
    return tuple(keep)


def additive(table: Mapping[Tuple, Fraction], arity: int) -> list[Unary] | None:
    """Unary functions that add up to the function at every tuple, or None. A constant goes with the last."""
    if arity == 1:
        return [{point[0]: value for point, value in table.items()}]
    rest: dict[Tuple, list[tuple[Atom, Fraction]]] = {}
    firsts: dict[Atom, list[tuple[Tuple, Fraction]]] = {}
    for point, value in table.items():
        rest.setdefault(point[1:], []).append((point[0], value))
        firsts.setdefault(point[0], []).append((point[1:], value))
    first: Unary = {}
    others: dict[Tuple, Fraction] = {}
    for start in firsts:
        if start in first:
            continue
        first[start] = Fraction(0)
        stack: list[Atom] = [start]
        while stack:
            atom = stack.pop()
            for tail, value in firsts[atom]:
                if tail in others:
                    continue
                others[tail] = value - first[atom]
                for other, total in rest[tail]:
                    if other not in first:
                        first[other] = total - others[tail]
                        stack.append(other)
    if any(first[point[0]] + others[point[1:]] != value for point, value in table.items()):
        return None
    tails = additive(others, arity - 1)
    return None if tails is None else [first, *tails]
