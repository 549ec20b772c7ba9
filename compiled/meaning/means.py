"""The values of an aggregate: what one key, several keys or no key can give."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd, isfinite, lcm
from typing import Final, TypeAlias

import numpy as np

from compiled.errors import ONE_KEY, Refused, TooMuch
from compiled.numbering import Ids
from spec.values import Atom, Kind, Numbers, atom_key, kind_of

MAX_SET: Final = 8_000
Values: TypeAlias = tuple[Atom, ...]
Choice: TypeAlias = tuple[bool, Values]
"""A key that can be selected: whether it must be, and what its value can be."""


def distinct(atoms: Iterable[Atom]) -> Values:
    """Each atom once; atoms of different kinds stay apart, although `1 == True`."""
    given = list(atoms)
    kinds = set(map(type, given))
    if len(kinds) <= 1 and float not in kinds:
        return tuple(dict.fromkeys(given))  # equal ones are the same: this is faster
    return tuple({atom_key(atom): atom for atom in given}.values())


class Share(Fraction):
    """A rational that computes its hash once: values of leaves are looked up again and again."""

    __slots__ = ("_known",)
    _known: int

    def __hash__(self) -> int:  # type: ignore[override]  # the abstract base of numbers leaves it open
        """As of a fraction."""
        try:
            return self._known
        except AttributeError:
            self._known = super().__hash__()
            return self._known


class Shares(dict[tuple[int, int], Share]):
    """One object for each rational, by numerator and denominator: where it is looked up, identity decides first."""

    def __missing__(self, key: tuple[int, int]) -> Share:
        """Make it."""
        self[key] = Share(*key)
        return self[key]

    def ratio(self, numerator: int, denominator: int) -> Share:
        """The quotient; the denominator is positive."""
        common = gcd(numerator, denominator)
        return self[numerator // common, denominator // common]


def is_number(atom: Atom) -> bool:
    """Whether the atom is a boolean, an integer or a real."""
    return not isinstance(atom, str)


def as_fraction(atom: Atom) -> Fraction:
    """A number as a rational."""
    if isinstance(atom, str):
        raise Refused(f'the string "{atom}" where a number is needed')
    if isinstance(atom, float) and not isfinite(atom):
        raise Refused(f"the value {atom} has no finite weight")
    return Fraction(atom)


def averageable(values: Iterable[Atom]) -> bool:
    """Whether rows of a sequence with such values can have a mean: not of strings, nor of booleans only."""
    return bool({kind_of(value) for value in values} & {Kind.INT, Kind.REAL})


def aggregated(
    choices: Sequence[Choice], least: int, most: int, default: Atom, averages: bool, numbers: Numbers, shares: Shares
) -> Values:
    """The values of an aggregate whose row selects all the choices that must be, and others up to `most` in all.

    `averages`: whether several values have a mean, which the whole sequence decides.
    """
    found: list[Atom] = [default] if least == 0 else []
    # Most keys have the same values, in one tuple.
    different = {id(values): values for _, values in choices}
    union = distinct(value for values in different.values() for value in values)
    musts = [values for must, values in choices if must]
    if len(musts) <= 1:
        found += musts[0] if musts else union
    if most > 1 and averages:
        numeric = {key: tuple(filter(is_number, values)) for key, values in different.items()}
        found += _means([(must, numeric[id(values)]) for must, values in choices], numbers, shares)
    return distinct(found)


def _means(choices: Sequence[Choice], numbers: Numbers, shares: Shares) -> list[Atom]:
    """Every mean of two or more: sets of sums are bit sets, one for each number of summands."""
    given = {id(values): [as_fraction(v) for v in values] for _, values in choices}
    scale = lcm(*[v.denominator for values in given.values() for v in values])
    scaled = {key: [v.numerator * (scale // v.denominator) for v in values] for key, values in given.items()}
    whole = [(must, scaled[id(values)]) for must, values in choices]
    every = [v for values in scaled.values() for v in values]
    low, high = min(every, default=0), max(every, default=0)
    step = gcd(*[v - low for v in every]) or 1
    if numbers is Numbers.IEEE and (max(abs(low), abs(high)) * len(whole)).bit_length() > 53:
        raise Refused("a mean of reals whose double sum depends on the order of the summands")
    # About 6/pi^2 of the fractions s/m with s up to m times the range are different.
    if all(not must for must, _ in whole) and 0.3 * (high - low) // step * len(whole) ** 2 > 2 * MAX_SET:
        raise _too_many(len(whole), f"more than {MAX_SET} values")
    if (high - low) // step * len(whole) > 1 << 20:
        raise _too_many(len(whole), "too many different sums")
    sums = [1] + [0] * len(whole)
    for must, values in whole:
        chosen = [0] * len(sums)
        for count, bits in enumerate(sums[:-1]):
            for value in values if bits else ():
                chosen[count + 1] |= bits << (value - low) // step
        sums = chosen if must else [a | b for a, b in zip(sums, chosen, strict=True)]
    # A mean is low/scale + step/scale times a fraction bit/count: equal fractions, equal means.
    fractions = np.zeros(0, dtype=np.int64)
    for count in range(2, len(sums)):
        reached = _set_bits(sums[count])
        common = np.gcd(reached, count)
        fractions = np.concatenate([fractions, reached // common * len(sums) + count // common])
        if len(fractions) > MAX_SET * 4:
            fractions = _first_of_each(fractions)
            if len(fractions) > MAX_SET:
                raise _too_many(len(whole), f"more than {MAX_SET} values")
    found: list[Atom] = []
    for fraction in _first_of_each(fractions).tolist():
        bit, count = divmod(fraction, len(sums))
        total = bit * step + count * low
        found.append(shares.ratio(total, scale * count) if numbers is Numbers.EXACT else total / scale / count)
    return found


def _too_many(keys: int, what: str) -> TooMuch:
    return TooMuch(f"a mean over up to {keys} keys, for all that is known, with {what}", ONE_KEY)


def _set_bits(bits: int) -> Ids:
    """The numbers of the bits that are 1, in order."""
    octets = np.frombuffer(bits.to_bytes(bits.bit_length() // 8 + 1, "little"), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(octets, bitorder="little"))


def _first_of_each(numbers: Ids) -> Ids:
    """Each number once, in the order of their first occurrences."""
    _, first = np.unique(numbers, return_index=True)
    return numbers[np.sort(first)]
