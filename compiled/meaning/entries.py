"""The entries of a selector at each pair of places: whether they can hold, and whether they can fail to."""

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from compiled.meaning.formula import Both, Either, Formula, conjunction, disjunction, holds, keys_of, queries_of
from compiled.meaning.leaves import Tuple
from spec.operators import OperatorError

if TYPE_CHECKING:
    from compiled.meaning.values import Domain

Entry: TypeAlias = tuple[bool, bool]
Flags: TypeAlias = npt.NDArray[np.bool_]
Rows: TypeAlias = tuple[Flags, Flags]
"""For each query and each key whether the formula can hold, and whether it can fail to."""
Codes: TypeAlias = npt.NDArray[np.int64]
UNKNOWN: Final = -1
WORK: Final = 4
CAN: Final = 1
CANNOT: Final = 2


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
        self._apart: npt.NDArray[np.int8] = np.full((0, 0), UNKNOWN, dtype=np.int8)
        """For each number of a set of queries and of a set of keys the outcomes, as far as they are known."""
        self._same: dict[int, Entry] = {}
        self._truth: dict[tuple[Tuple, Tuple], bool | None] = {}

    def rows(self, m: int) -> Rows:
        """The entries of every query in words of length m."""
        if self.children:
            rows = [child.rows(m) for child in self.children]
            can, cannot = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
            if isinstance(self.part, Both):
                return np.all(can, axis=0), np.any(cannot, axis=0)
            return np.any(can, axis=0), np.all(cannot, axis=0)
        keys, queries = self.domain.joint_numbers(self.keys, m), self.domain.joint_numbers(self.queries, m)
        outcomes = self._of_all(queries, keys, m)
        can, cannot = (outcomes & CAN) > 0, (outcomes & CANNOT) > 0
        numbers = self.domain.joint_numbers((*self.keys, *self.queries), m).tolist()
        diagonal = np.array([self._on_diagonal(number, m, i) for i, number in enumerate(numbers)], dtype=np.bool_)
        np.fill_diagonal(can, diagonal[:, 0])
        np.fill_diagonal(cannot, diagonal[:, 1])
        return can, cannot

    def _of_all(self, queries: Codes, keys: Codes, m: int) -> npt.NDArray[np.int8]:
        """For each query and each key elsewhere what can be, from the numbers of their sets."""
        least = int(queries.max()) + 1, int(keys.max()) + 1
        if least[0] > self._apart.shape[0] or least[1] > self._apart.shape[1]:
            longer = np.full([2 * max(pair) for pair in zip(least, self._apart.shape, strict=True)], UNKNOWN, np.int8)
            longer[: self._apart.shape[0], : self._apart.shape[1]] = self._apart
            self._apart = longer
        at = np.ix_(queries, keys)
        missing = self._apart[at] == UNKNOWN
        np.fill_diagonal(missing, False)
        for i, j in np.argwhere(missing).tolist():
            if self._apart[queries[i], keys[j]] == UNKNOWN:
                pairs = product(self.domain.joint(self.keys, m, j), self.domain.joint(self.queries, m, i))
                can, cannot = self._outcomes(pairs)
                self._apart[queries[i], keys[j]] = CAN * can + CANNOT * cannot
        return self._apart[at]

    def _on_diagonal(self, number: int, m: int, i: int) -> Entry:
        if number not in self._same:
            both, cut = (*self.keys, *self.queries), len(self.keys)
            self._same[number] = self._outcomes((row[:cut], row[cut:]) for row in self.domain.joint(both, m, i))
        return self._same[number]

    def _outcomes(self, pairs: Iterable[tuple[Tuple, Tuple]]) -> Entry:
        """Whether the formula holds for one of the pairs of key and query values, and whether it fails for one."""
        can, cannot = False, False
        for pair in pairs:
            held = self.holds(*pair)
            can, cannot = can or held is True, cannot or held is False
            if can and cannot:
                break
        return can, cannot

    def holds(self, key: Tuple, query: Tuple) -> bool | None:
        """Whether the formula holds for these values; None when it has no value."""
        pair = (key, query)
        if pair not in self._truth:
            self.domain.spend(WORK)
            self._truth[pair] = self._evaluate(key, query)
        return self._truth[pair]

    def _evaluate(self, key: Tuple, query: Tuple) -> bool | None:
        at_key = dict(zip(self.keys, key, strict=True))
        at_query = dict(zip(self.queries, query, strict=True))
        try:
            return holds(self.part, at_key, at_query, self.domain.numbers)
        except OperatorError:
            return None
