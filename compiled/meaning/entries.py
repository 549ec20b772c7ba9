"""The entries of a selector at each pair of places: whether they can hold, and whether they can fail to."""

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from compiled.meaning.formula import Both, Either, Formula, conjunction, disjunction, holds, keys_of, queries_of
from compiled.meaning.leaves import Tuple
from spec.operators import OperatorError

if TYPE_CHECKING:
    from compiled.meaning.values import Domain

Entry: TypeAlias = tuple[bool, bool]


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
        self._apart: dict[tuple[int, int], Entry] = {}
        self._same: dict[int, Entry] = {}
        self._truth: dict[tuple[Tuple, Tuple], bool | None] = {}

    def row(self, m: int, i: int) -> list[Entry]:
        """The entries of query i in words of length m."""
        if self.children:
            rows = zip(*[child.row(m, i) for child in self.children], strict=True)
            every = isinstance(self.part, Both)
            return [_all_of(entries) if every else _any_of(entries) for entries in rows]
        domain, apart = self.domain, self._apart
        query = domain.joint_number(self.queries, m, i)
        found = []
        for j, number in enumerate(domain.joint_numbers(self.keys, m)):
            if j == i:
                found.append(self._on_diagonal(m, i))
                continue
            pair = (query, number)
            if pair not in apart:
                pairs = product(domain.joint(self.keys, m, j), domain.joint(self.queries, m, i))
                apart[pair] = self._outcomes(pairs)
            found.append(apart[pair])
        return found

    def _on_diagonal(self, m: int, i: int) -> Entry:
        both = (*self.keys, *self.queries)
        number = self.domain.joint_number(both, m, i)
        if number not in self._same:
            cut = len(self.keys)
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
            self._truth[pair] = self._evaluate(key, query)
        return self._truth[pair]

    def _evaluate(self, key: Tuple, query: Tuple) -> bool | None:
        at_key = dict(zip(self.keys, key, strict=True))
        at_query = dict(zip(self.queries, query, strict=True))
        try:
            return holds(self.part, at_key, at_query, self.domain.numbers)
        except OperatorError:
            return None


def _all_of(entries: Iterable[Entry]) -> Entry:
    found = tuple(entries)
    return all(can for can, _ in found), any(cannot for _, cannot in found)


def _any_of(entries: Iterable[Entry]) -> Entry:
    found = tuple(entries)
    return any(can for can, _ in found), all(cannot for _, cannot in found)
