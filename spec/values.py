"""Atoms: what one position of an s-op can hold, and the two meanings of a number.

An atom is an `int`, a `bool`, a `str`, or a real. A real is a `Fraction` under `Numbers.EXACT` and a `float` under
`Numbers.IEEE`; the two never meet in one evaluation. `1`, `True` and `1.0` are equal, as in Python, but are
different atoms: `atom_key` tells them apart.
"""

from collections.abc import Iterable
from enum import Enum
from fractions import Fraction
from math import isfinite
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

Real: TypeAlias = Fraction | float
Atom: TypeAlias = int | float | Fraction | str | bool


class Numbers(Enum):
    """How reals are computed: as rationals, or as the reference's IEEE doubles in the reference's order."""

    EXACT = "exact"
    IEEE = "ieee"


class Kind(Enum):
    """The type of an atom. The order is that of the reference's type rule."""

    BOOL = "bool"
    INT = "int"
    REAL = "float"
    STR = "string"

    # There is one object per kind: that of `Enum` is a function in Python, called for every atom that is looked up.
    __hash__ = object.__hash__


_KINDS: Final = MappingProxyType({bool: Kind.BOOL, int: Kind.INT, float: Kind.REAL, Fraction: Kind.REAL, str: Kind.STR})

NUMERIC = frozenset({Kind.BOOL, Kind.INT, Kind.REAL})


def kind_of(atom: Atom) -> Kind:
    """The kind of an atom; `bool` is not `int` here, although Python says so."""
    kind = _KINDS.get(type(atom))
    if kind is not None:
        return kind
    for base in type(atom).__mro__:  # of a derived class
        if base in _KINDS:
            return _KINDS[base]
    raise TypeError(f"{atom!r} is no atom")


def atom_key(atom: Atom) -> tuple[Kind, str | int | Fraction]:
    """A hashable identity: atoms with equal keys are indistinguishable by any operator (`-0.0` is not `0.0`)."""
    kind = _KINDS.get(type(atom)) or kind_of(atom)
    if kind is Kind.BOOL:
        return kind, int(atom)
    return kind, atom.hex() if isinstance(atom, float) else atom


def real(text: str, numbers: Numbers) -> Real:
    """The real that a decimal literal denotes, e.g. `0.1`."""
    return Fraction(text) if numbers is Numbers.EXACT else float(text)


def to_input(atoms: Iterable[Atom], numbers: Numbers) -> tuple[Atom, ...]:
    """Input atoms in the representation of the given number semantics; floats keep their shortest decimal."""
    match numbers:
        case Numbers.EXACT:
            return tuple(Fraction(repr(atom)) if isinstance(atom, float) else atom for atom in atoms)
        case Numbers.IEEE:
            return tuple(float(atom) if isinstance(atom, Fraction) else atom for atom in atoms)
    assert_never(numbers)


AGREEMENT: Final = Fraction(1, 2**30)
"""How far a double may lie from the rational it stands for before the two count as different."""


def agree(exact: Atom, ieee: Atom) -> bool:
    """Whether two atoms, computed exactly and in doubles, mean the same.

    They are of one kind; booleans, integers and strings are equal; for reals `|x - y| <= AGREEMENT * max(1, |x|)`,
    so that rounding noise is no disagreement, while a different decision taken because of it is one.
    """
    if kind_of(exact) is not kind_of(ieee):
        return False
    if not isinstance(exact, Fraction) or not isinstance(ieee, float):
        return exact == ieee
    return isfinite(ieee) and abs(exact - Fraction(ieee)) <= AGREEMENT * max(Fraction(1), abs(exact))


def format_atom(atom: Atom) -> str:
    """An atom as a person reads it: strings quoted, rationals as `1/3`, whole reals with their point."""
    match atom:
        case bool():
            return "T" if atom else "F"
        case str():
            return f'"{atom}"'
        case Fraction():
            return f"{atom}.0" if atom.denominator == 1 else str(atom)
        case _:
            return str(atom)
