"""What aggregates and counts can be, by length and position."""

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from compiled.errors import Refused
from compiled.meaning.entries import Flags
from compiled.meaning.formula import Formula, conjuncts, formula, keys_of, queries_of
from compiled.meaning.leaves import POSITION, Count
from compiled.meaning.means import MAX_SET, Choice, Share, Values, aggregated, averageable, distinct
from spec.graph import Aggregate, SOp

if TYPE_CHECKING:
    from compiled.meaning.values import Domain

MAX_NUMBER: Final = 1 << 40


class Sets:
    """The values of what a layer computes, by length and position; equal sets have equal numbers."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[int, int], int] = {}
        self.sets: list[Values] = []

    def at(self, m: int, i: int) -> Values:
        """What the leaf can be at position i of words of length m."""
        return self.sets[self.numbers[m, i]]

    def number(self, m: int, i: int) -> int:
        """The number of that set."""
        return self.numbers[m, i]

    def values(self) -> Values:
        """What the leaf can be anywhere."""
        return distinct(value for values in self.sets for value in values)


class StoredSets(Sets):
    """Those of an s-op, as the domain finds them from all that it is a function of."""

    def __init__(self, domain: "Domain", sop: SOp) -> None:
        super().__init__()
        known: dict[int, int] = {}
        for m, i in domain.places():
            number = domain.joint_number((sop,), m, i)
            if number not in known:
                known[number] = len(self.sets)
                self.sets.append(distinct(row[0] for row in domain.joint((sop,), m, i)))
            self.numbers[m, i] = known[number]


class Profile(Sets):
    """Those of an aggregate or a count."""

    def __init__(self, domain: "Domain", leaf: Aggregate | Count) -> None:
        super().__init__()
        self.leaf = leaf
        self._shares: dict[Fraction, Share] = {}
        self.always_selects = True
        self.at_most_one = True
        known: dict[object, int] = {}
        rows = domain.entries(formula(leaf.selector) if isinstance(leaf, Aggregate) else leaf.formula)
        columns = _Columns(domain, leaf.values) if isinstance(leaf, Aggregate) else None
        single = _fetches_one(domain, rows.part)
        for m, i in domain.places():
            can, cannot = rows.row(m, i)
            low = int((can & ~cannot).sum())
            high = int(can.sum())
            high = min(high, 1) if single else high
            self.always_selects &= low > 0
            self.at_most_one &= high <= 1
            key: object
            if isinstance(leaf, Count) or columns is None:
                key = (low, high)
                if key not in known:
                    known[key] = self._add(tuple(range(low, high + 1)))
            else:
                averages = columns.averages(m)
                ordered, choices = columns.choices(can, ~cannot, m)
                key = (averages, ordered)
                if key not in known:
                    known[key] = self._add(aggregated(choices, low, high, leaf.default, averages, domain.numbers))
            self.numbers[m, i] = known[key]

    def _add(self, values: Values) -> int:
        if len(values) > MAX_SET:
            raise Refused(f"{self.leaf!r} can have more than {MAX_SET} values")
        self.sets.append(tuple(self._shared(value) if isinstance(value, Fraction) else value for value in values))
        return len(self.sets) - 1

    def _shared(self, value: Fraction) -> Share:
        """One object for equal values of all sets: where it is looked up, identity decides before equality."""
        if value not in self._shares:
            self._shares[value] = Share(value)
        return self._shares[value]


class _Columns:
    """The sets of values at the keys."""

    def __init__(self, domain: "Domain", values: SOp) -> None:
        self.domain, self.sop = domain, values
        self._sets: dict[int, Values] = {}
        self._averages: dict[int, bool] = {}

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
            self._averages[m] = any(averageable(self.at(number, m, j)) for j, number in enumerate(numbers.tolist()))
        return self._averages[m]

    def choices(self, can: Flags, must: Flags, m: int) -> tuple[object, list[Choice]]:
        """For each key that can be selected: whether it must be, and its values; and a key for equal lists."""
        numbers = self.domain.joint_numbers((self.sop,), m)
        among = np.flatnonzero(can)
        kinds, first, times = np.unique(
            must[among] * MAX_NUMBER + numbers[among], return_index=True, return_counts=True
        )
        ordered: list[tuple[bool, int, int]] = []
        choices: list[Choice] = []
        for kind, j, count in zip(kinds.tolist(), among[first].tolist(), times.tolist(), strict=True):
            number = kind % MAX_NUMBER
            ordered.append((kind >= MAX_NUMBER, number, count))
            choices += [(kind >= MAX_NUMBER, self.at(number, m, j))] * count
        return tuple(ordered), choices


def _fetches_one(domain: "Domain", part: Formula) -> bool:
    """Whether a conjunct compares the query with something that is different at every position."""
    for one in conjuncts(part):
        keys, queries = keys_of(one), queries_of(one)
        if domain.leaves_of(keys) != (POSITION,):
            continue
        at = domain.table(keys)
        if len(set(at.values())) < domain.max_length:
            continue
        entries = domain.entries(one)
        if all(
            sum(entries.holds(key, query) is True for key in at.values()) <= 1 for query in domain.all_values(queries)
        ):
            return True
    return False
