"""What aggregates and counts can be, by length and position."""

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from compiled.errors import Refused, TooMuch, about
from compiled.meaning.formula import Formula, conjuncts, formula, keys_of, queries_of
from compiled.meaning.leaves import POSITION, Count, Leaf
from compiled.meaning.means import MAX_SET, Choice, Shares, Values, aggregated, averageable, distinct
from compiled.meaning.places import index
from compiled.meaning.ranks import rank_of
from compiled.meaning.truths import Flags
from spec.graph import Aggregate, SOp

if TYPE_CHECKING:
    from compiled.meaning.values import Domain

MAX_NUMBER: Final = 1 << 40


class Sets:
    """The values of what a layer computes, by length and position; equal sets have equal numbers."""

    def __init__(self) -> None:
        self.where: list[int] = []
        """The number of the set of each place."""
        self.sets: list[Values] = []
        self._values: Values | None = None

    def at(self, m: int, i: int) -> Values:
        """What the leaf can be at position i of words of length m."""
        return self.sets[self.number(m, i)]

    def number(self, m: int, i: int) -> int:
        """The number of that set."""
        return self.where[index(m, i)]

    def values(self) -> Values:
        """What the leaf can be anywhere."""
        if self._values is None:
            self._values = distinct(value for values in self.sets for value in values)
        return self._values


class StoredSets(Sets):
    """Those of an s-op, as the domain finds them from all that it is a function of."""

    def __init__(self, domain: "Domain", sop: SOp) -> None:
        super().__init__()
        known: dict[int, int] = {}
        for m in range(1, domain.max_length + 1):
            for i, number in enumerate(domain.joint_numbers((sop,), m).tolist()):
                if number not in known:
                    known[number] = len(self.sets)
                    self.sets.append(distinct(row[0] for row in domain.joint((sop,), m, i)))
                self.where.append(known[number])


class Profile(Sets):
    """Those of an aggregate or a count."""

    def __init__(self, domain: "Domain", leaf: Aggregate | Count) -> None:
        super().__init__()
        self.leaf = leaf
        self._shares = Shares()
        self.always_selects = True
        self.at_most_one = True
        known: dict[object, int] = {}
        rows = domain.entries(formula(leaf.selector) if isinstance(leaf, Aggregate) else leaf.formula)
        columns = _Columns(domain, leaf.values) if isinstance(leaf, Aggregate) else None
        single = _fetches_one(domain, rows.part)
        useful = columns is None or columns.averages(domain.max_length)
        self.rank = rank_of(domain, rows.part) if useful and not single else None
        """A count that tells the keys apart of which a row can select one only."""
        single |= self.rank is not None
        possible = False
        for m in range(1, domain.max_length + 1):
            can, cannot = rows.rows(m)
            possible |= bool((can | cannot).all())
            must = can & ~cannot
            low, high = must.sum(axis=1), can.sum(axis=1)
            high = np.minimum(high, 1) if single else high
            self.always_selects &= bool((low > 0).all())
            self.at_most_one &= bool((high <= 1).all())
            keys = columns.keys(can, must, m) if columns is not None else [b""] * m
            for i, size in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
                key = size if columns is None else (columns.averages(m), keys[i])
                if key not in known and columns is not None and isinstance(leaf, Aggregate):
                    choices = columns.choices(can[i], must[i], m)
                    values = aggregated(choices, *size, leaf.default, columns.averages(m), domain.numbers, self._shares)
                    domain.spend(len(values))
                    known[key] = self._add(values)
                elif key not in known:
                    known[key] = self._add(tuple(range(size[0], size[1] + 1)))
                self.where.append(known[key])
        if not possible:
            raise Refused("a selector has no value on any input")

    def _add(self, values: Values) -> int:
        if len(values) > MAX_SET:
            raise TooMuch(f"what attention gives can have more than {MAX_SET} values")
        shares = self._shares
        self.sets.append(tuple(shares[v.numerator, v.denominator] if isinstance(v, Fraction) else v for v in values))
        return len(self.sets) - 1


def profile_of(domain: "Domain", leaf: Aggregate | Count, refused: dict[Leaf, Refused]) -> Profile:
    """The profile, or the refusal: it is raised again where it is known, since it takes long to find out."""
    if leaf in refused:
        raise refused[leaf]
    try:
        with about((leaf,) if isinstance(leaf, Aggregate) else queries_of(leaf.formula)):
            return Profile(domain, leaf)
    except Refused as refusal:
        refused[leaf] = refusal
        raise


class _Columns:
    """The sets of values at the keys."""

    def __init__(self, domain: "Domain", values: SOp) -> None:
        self.domain, self.sop = domain, values
        self._sets: dict[int, Values] = {}
        self._averages: dict[int, bool] = {}
        self._averageable: dict[int, bool] = {}

    def at(self, number: int, m: int, j: int) -> Values:
        """The values at a key: `number` is that of their set."""
        if number not in self._sets:
            self._sets[number] = distinct(row[0] for row in self.domain.joint((self.sop,), m, j))
        return self._sets[number]

    def averages(self, m: int) -> bool:
        """Whether a row of words of length m that selects several keys can have a mean.

        The interpreter looks at the kinds of all values of the sequence, also of those that the row does not select:
        booleans have no mean among themselves, but they have one when another position holds an integer.
        """
        if m not in self._averages:
            numbers = self.domain.joint_numbers((self.sop,), m)
            self._averages[m] = any(self._numeric(number, m, j) for j, number in enumerate(numbers.tolist()))
        return self._averages[m]

    def _numeric(self, number: int, m: int, j: int) -> bool:
        """Whether a set of values has one that is an integer or a real."""
        if number not in self._averageable:
            self._averageable[number] = averageable(self.at(number, m, j))
        return self._averageable[number]

    def keys(self, can: Flags, must: Flags, m: int) -> list[bytes]:
        """For each row a key, equal where as many keys with the same values can be, and must be, selected."""
        numbers = self.domain.joint_numbers((self.sop,), m)
        marked = np.sort(np.where(can, must * MAX_NUMBER + numbers + 1, 0), axis=1)
        return [row[none:].tobytes() for row, none in zip(marked, (marked == 0).sum(axis=1).tolist(), strict=True)]

    def choices(self, can: Flags, must: Flags, m: int) -> list[Choice]:
        """For each key of a row that can be selected: whether it must be, and its values."""
        numbers = self.domain.joint_numbers((self.sop,), m)
        among = np.flatnonzero(can)
        kinds, first, times = np.unique(
            must[among] * MAX_NUMBER + numbers[among], return_index=True, return_counts=True
        )
        choices: list[Choice] = []
        for kind, j, count in zip(kinds.tolist(), among[first].tolist(), times.tolist(), strict=True):
            choices += [(kind >= MAX_NUMBER, self.at(kind % MAX_NUMBER, m, j))] * count
        return choices


def _fetches_one(domain: "Domain", part: Formula) -> bool:
    """Whether a conjunct compares the query with something that is different at every position."""
    for one in conjuncts(part):
        keys, queries = keys_of(one), queries_of(one)
        if domain.leaves_of(keys) != (POSITION,):
            continue
        at = domain.table(keys)
        if len(set(at.values())) < domain.max_length:
            continue
        selected = domain.entries(one).truths(domain.all_values(queries), list(at.values())).holds
        if (selected.sum(axis=1) <= 1).all():
            return True
    return False
