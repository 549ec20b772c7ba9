"""The entries of a selector at each pair of places: whether they can hold, and whether they can fail to."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from compiled.meaning.formula import Both, Either, Formula, conjunction, disjunction, holds, keys_of, queries_of
from compiled.meaning.grid import MAX_FILLED
from compiled.meaning.leaves import Tuple
from compiled.meaning.truths import Flags, Side, Truths, truths
from spec.operators import OperatorError

if TYPE_CHECKING:
    from compiled.meaning.values import Domain

Rows: TypeAlias = tuple[Flags, Flags]
"""For each query and each key whether the formula can hold, and whether it can fail to."""
Outcomes: TypeAlias = npt.NDArray[np.int8]
UNKNOWN: Final = -1
WORK: Final = 4
CAN: Final = 1
CANNOT: Final = 2
MAX_PAIRS: Final = 1 << 16
"""Up to so many pairs of values, and of sets of values, all are looked at."""


class Entries:
    """For each query and key position whether a formula can hold there, and whether it can fail to.

    Parts that read the same s-ops are looked at together, others on their own: what is known of each decides.
    """

    def __init__(self, domain: "Domain", part: Formula) -> None:
        self.domain, self.part = domain, part
        self.keys, self.queries = keys_of(part), queries_of(part)
        self.children: list[Entries] = []
        if isinstance(part, Both | Either):
            groups: dict[object, list[Formula]] = {}
            for one in part.parts:
                groups.setdefault((keys_of(one), queries_of(one)), []).append(one)
            join = conjunction if isinstance(part, Both) else disjunction
            if len(groups) > 1:
                self.children = [domain.entries(join(group)) for group in groups.values()]
        self._apart: Outcomes = np.full((0, 0), UNKNOWN, dtype=np.int8)
        """For each number of a set of queries and of a set of keys the outcomes, as far as they are known."""
        self._same: dict[int, int] = {}
        self._truth: dict[tuple[Tuple, Tuple], bool | None] = {}

    def truths(self, queries: Sequence[Tuple], keys: Sequence[Tuple]) -> Truths:
        """The truth of the formula for each of these values at the query with each of these at the key."""
        self.domain.spend(WORK * len(queries) * len(keys))
        return truths(self.part, Side(self.queries, queries), Side(self.keys, keys), self.domain.numbers)

    def rows(self, m: int) -> Rows:
        """The entries of every query in words of length m."""
        if self.children:
            rows = [child.rows(m) for child in self.children]
            can, cannot = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
            # Where one comparison has no value there is none, whatever the others say.
            valued = np.all(can | cannot, axis=0)
            if isinstance(self.part, Both):
                return np.all(can, axis=0), np.any(cannot, axis=0) & valued
            return np.any(can, axis=0) & valued, np.all(cannot, axis=0)
        outcomes = self._of_all(m)
        np.fill_diagonal(outcomes, self._on_diagonal(m))
        return (outcomes & CAN) > 0, (outcomes & CANNOT) > 0

    def _of_all(self, m: int) -> Outcomes:
        """For each query and each key elsewhere what can be, from the numbers of their sets."""
        queries, keys = self.domain.joint_numbers(self.queries, m), self.domain.joint_numbers(self.keys, m)
        at = np.ix_(queries, keys)
        if self._all is not None:
            return self._all[at]
        least = int(queries.max()) + 1, int(keys.max()) + 1
        if least[0] > self._apart.shape[0] or least[1] > self._apart.shape[1]:
            longer = np.full([2 * max(pair) for pair in zip(least, self._apart.shape, strict=True)], UNKNOWN, np.int8)
            longer[: self._apart.shape[0], : self._apart.shape[1]] = self._apart
            self._apart = longer
        missing = self._apart[at] == UNKNOWN
        np.fill_diagonal(missing, False)
        for i, j in np.argwhere(missing).tolist():
            if self._apart[queries[i], keys[j]] == UNKNOWN:
                pairs = product(self.domain.joint(self.keys, m, j), self.domain.joint(self.queries, m, i))
                self._apart[queries[i], keys[j]] = self._outcomes(pairs)
        return self._apart[at]

    @cached_property
    def _all(self) -> Outcomes | None:
        """The same for all sets at once, where there are few values: the formula is evaluated once on all of them."""
        sides = self.queries, self.keys
        if any(self.domain.size(self.domain.leaves_of(sops), self.domain.classes(sops)) > MAX_FILLED for sops in sides):
            return None
        (queries, at_query), (keys, at_key) = ((self.domain.all_values(s), self.domain.joint_sets(s)) for s in sides)
        if len(queries) * len(keys) > MAX_PAIRS or len(at_query) * len(at_key) > MAX_PAIRS:
            return None
        found = self.truths(queries, keys)
        left, right = _members(at_query, queries), _members(at_key, keys).T
        can = left @ found.holds.astype(np.float32) @ right > 0
        cannot = left @ found.fails.astype(np.float32) @ right > 0
        return (CAN * can + CANNOT * cannot).astype(np.int8)

    def _on_diagonal(self, m: int) -> list[int]:
        """For each position of words of length m what can be when key and query are there."""
        both, cut = (*self.keys, *self.queries), len(self.keys)
        numbers = self.domain.joint_numbers(both, m).tolist()
        for i, number in enumerate(numbers):
            if number not in self._same:
                self._same[number] = self._outcomes((row[:cut], row[cut:]) for row in self.domain.joint(both, m, i))
        return [self._same[number] for number in numbers]

    def _outcomes(self, pairs: Iterable[tuple[Tuple, Tuple]]) -> int:
        """Whether the formula holds for one of the pairs of key and query values, and whether it fails for one."""
        can, cannot = False, False
        for pair in pairs:
            if pair not in self._truth:
                self.domain.spend(WORK)
                self._truth[pair] = self._evaluate(*pair)
            can, cannot = can or self._truth[pair] is True, cannot or self._truth[pair] is False
            if can and cannot:
                break
        return CAN * can + CANNOT * cannot

    def _evaluate(self, key: Tuple, query: Tuple) -> bool | None:
        at_key = dict(zip(self.keys, key, strict=True))
        at_query = dict(zip(self.queries, query, strict=True))
        try:
            return holds(self.part, at_key, at_query, self.domain.numbers)
        except OperatorError:
            return None


def _members(sets: Sequence[Sequence[Tuple]], every: Sequence[Tuple]) -> npt.NDArray[np.float32]:
    """Per set and tuple whether it is in it, 0 or 1; a tuple is one object wherever it occurs."""
    number = {id(row): k for k, row in enumerate(every)}
    found = np.zeros((len(sets), len(every)), dtype=np.float32)
    for k, rows in enumerate(sets):
        found[k, [number[id(row)] for row in rows]] = 1
    return found
