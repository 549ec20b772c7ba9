"""Whether a count ranks the keys that a selector selects: then it selects one of them at most.

Let S be a selector and C a count, of the keys j with R(k, j), that S reads at the key k. For one query, S selects no
two keys k and l if for all of these with k before l (or for all with k after l; or, where of any two keys one counts
the other one, for all that have R(l, k)), as far as the block with positions says

    same      C(k) = C(l)
    kept      R(k, j) implies R(l, j), for every j
    gained    R(l, k) and not R(k, k); or, for all of them, R(l, l) and not R(k, l)

since `kept` and `gained` say that C(k) < C(l). So it is with marks of first and last occurrences, which have 0 earlier
or later ones, and with numbers of occurrences. In the place of a count there may be an aggregate over the keys j with
R(k, j) that is its default only where there are none: if S asks for the default at both keys, R(l, k) is enough.
What has no value on some pair is on no input that has an output.

S and R are conjunctions. Leaves that a conjunct reads at the key of S, or at both sides of R, are in one *block*, and
keys are looked at block by block: those that S selects together agree, in each block, with some query.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import prod
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

import numpy as np
import numpy.typing as npt

from compiled.errors import Refused
from compiled.meaning.combinations import Combinations
from compiled.meaning.formula import Formula, conjuncts, formula, keys_of, queries_of
from compiled.meaning.leaves import POSITION, Count, Leaf, Tuple, leaf_order, row_key
from compiled.numbering import Ids, distinct_rows
from spec.graph import Aggregate, SOp

if TYPE_CHECKING:
    from compiled.meaning.values import Domain

Flags: TypeAlias = npt.NDArray[np.bool_]
Rank: TypeAlias = Count | Aggregate
Truths: TypeAlias = npt.NDArray[np.int8]
NO_VALUE: Final = -1
NO: Final = 0
YES: Final = 1
LARGEST: Final = 1 << 40
"""Of integers up to here any sum is exact in doubles, and a mean is not below or above all of them."""
MAX_STATES: Final = 1_000
"""The most states of a block that are compared with each other."""
MAX_PRODUCT: Final = 50_000
"""The most combinations of values from which they are found."""
MAX_PAIRS: Final = 200_000
"""The most pairs of values that one conjunct compares."""


def rank_of(domain: "Domain", part: Formula) -> Rank | None:
    """What is not the same at any two keys that the formula selects for one query, if it is found."""
    for leaf in domain.leaves_of(keys_of(part)):
        try:
            if isinstance(leaf, Count | Aggregate) and _tells_apart(domain, part, leaf):
                return leaf
        except Refused:
            # What cannot be found out here is refused where it is needed.
            continue
    return None


def _tells_apart(domain: "Domain", part: Formula, count: Rank) -> bool:
    if isinstance(count, Aggregate) and not _tells_emptiness(domain, count):
        return False
    # Most counts are not the same at all keys: that is asked first, since it reads least.
    first, *others = sorted(_blocks(domain, part, count), key=lambda block: count not in block.own)
    own = _Pairs(domain, first)
    if not any(own.what(order).same for order in Order):
        return False
    blocks = [own, *(_Pairs(domain, block) for block in others)]
    decides = _excludes if isinstance(count, Aggregate) else _ranks
    return any(decides([block.what(order) for block in blocks]) for order in Order)


def _tells_emptiness(domain: "Domain", leaf: Aggregate) -> bool:
    """Whether no value and no mean of values is the default: these are integers, and it is not between them."""
    values = domain.values_of(leaf.values)
    whole = [value for value in values if isinstance(value, int) and abs(value) <= LARGEST]
    if len(whole) < len(values):
        return False
    default = leaf.default
    return isinstance(default, str) or not min(whole, default=0) <= default <= max(whole, default=0)


class Order(Enum):
    """Which of two keys is k, the one that counts less."""

    BEFORE = "the one before the other"
    AFTER = "the one after it"
    COUNTED = "the one that the other one counts"


@dataclass(frozen=True)
class _Block:
    """Leaves, which of the count and the position is among them, and the conjuncts of S and of R that read them."""

    leaves: frozenset[Leaf]
    own: tuple[Leaf, ...] = ()
    selects: tuple[Formula, ...] = ()
    counts: tuple[Formula, ...] = ()


def _blocks(domain: "Domain", part: Formula, count: Rank) -> list[_Block]:
    units = [_Block(frozenset({leaf}), own=(leaf,)) for leaf in (count, POSITION)]
    units += [_Block(frozenset(domain.leaves_of(keys_of(one))), selects=(one,)) for one in conjuncts(part)]
    counted = conjuncts(count.formula if isinstance(count, Count) else formula(count.selector))
    units += [_Block(frozenset(domain.leaves_of((*keys_of(one), *queries_of(one)))), counts=(one,)) for one in counted]
    found: list[_Block] = []
    for unit in units:
        joined = [unit, *(block for block in found if block.leaves & unit.leaves)]
        found = [block for block in found if block not in joined]
        found.append(
            _Block(
                frozenset().union(*(block.leaves for block in joined)),
                tuple(leaf for block in joined for leaf in block.own),
                tuple(one for block in joined for one in block.selects),
                tuple(one for block in joined for one in block.counts),
            )
        )
    return found


class _Pairs:
    """What is so of the pairs of states of a block: the first of them at k, the second at l or j."""

    def __init__(self, domain: "Domain", block: _Block) -> None:
        self.domain, self.own = domain, block.own
        sides = [keys_of(one) for one in block.selects]
        sides += [side(one) for one in block.counts for side in (keys_of, queries_of)]
        self.sops = tuple(sorted({sop for side in sides for sop in side}, key=lambda sop: sop.id))
        self.states = self._states(block)
        if len(self.states) > MAX_STATES:
            raise Refused(f"more than {MAX_STATES} states")
        size = len(self.states)
        asked = tuple(sorted({sop for one in block.selects for sop in queries_of(one)}, key=lambda sop: sop.id))
        queries = domain.all_values(asked)
        selected = self._all(block.selects, asked, queries, (len(queries), size)) == YES
        together = selected.astype(np.float32)
        self.together: Flags = together.T @ together > 0
        """Whether some query selects both."""
        counted = self._all(block.counts, self.sops, self.states, (size, size))
        self.counted: Flags = counted == YES
        self.left_out: Flags = counted == NO

    def _states(self, block: _Block) -> list[Tuple]:
        """All tuples of the s-ops, and of the count and the position if they are in the block."""
        if not block.own:
            return list(self.domain.all_values(self.sops))
        leaves = tuple(sorted(block.leaves, key=leaf_order))
        values = [self.domain.numbers_of(leaf).values for leaf in leaves]
        sizes = [len(one) for one in values]
        if prod(sizes) > MAX_PRODUCT:
            raise Refused(f"more than {MAX_PRODUCT} combinations")
        given = Combinations(values, [*np.indices(sizes).reshape(len(sizes), -1)], prod(sizes))
        results = self.domain.columns(self.sops, leaves, given)
        known = np.flatnonzero(results.known)
        own = [leaves.index(leaf) for leaf in block.own]
        codes = [results.codes[known], *(given.codes[k][known] for k in own)]
        first, _ = distinct_rows(codes, len(known))
        shown = [results.rows[number] for number in codes[0][first].tolist()]
        more = [
            [values[k][number] for number in column[first].tolist()] for k, column in zip(own, codes[1:], strict=True)
        ]
        return [(*row, *of_own) for row, *of_own in zip(shown, *more, strict=True)]

    def _all(
        self, parts: Sequence[Formula], asked: Sequence[SOp], queries: Sequence[Tuple], shape: tuple[int, int]
    ) -> Truths:
        """For each query and each key whether all of the parts hold, `NO_VALUE` where one has no value."""
        found: Truths = np.full(shape, YES, dtype=np.int8)
        for part in parts:
            entries = self.domain.entries(part)
            of, rows = _column([asked.index(sop) for sop in entries.queries], queries)
            on, columns = _column([self.sops.index(sop) for sop in entries.keys], self.states)
            if len(of) * len(on) > MAX_PAIRS:
                raise Refused(f"more than {MAX_PAIRS} comparisons")
            truths = entries.truths(of, on)
            small: Truths = np.where(truths.holds, YES, np.where(truths.fails, NO, NO_VALUE)).astype(np.int8)
            found = np.minimum(found, small[np.ix_(rows, columns)])
        return found

    def _ordered(self, order: Order) -> tuple[Flags, bool]:
        """The pairs that there can be with k and l in this order, and whether of any two keys one can be k."""
        if POSITION not in self.own:
            return self.together, True
        at = self._owned(POSITION)
        match order:
            case Order.BEFORE:
                return self.together & (at[:, None] < at), True
            case Order.AFTER:
                return self.together & (at[:, None] > at), True
            case Order.COUNTED:
                apart = self.together & (at[:, None] != at)
                return apart & self.counted.T, not (apart & self.left_out & self.left_out.T).any()
        assert_never(order)

    def what(self, order: Order) -> "_What":
        """What is so of all pairs that there can be with k and l in this order."""
        pairs, total = self._ordered(order)
        kept = self.counted.astype(np.float32) @ self.left_out.T.astype(np.float32) == 0
        first, second = pairs.any(axis=1), pairs.any(axis=0)
        return _What(
            total=total,
            kept=bool(kept[pairs].all()),
            same=any(self._same(leaf, pairs) for leaf in self.own if isinstance(leaf, Count | Aggregate)),
            later_has_earlier=not self.left_out.T[pairs].any(),
            earlier_lacks_itself=not self.counted.diagonal()[first].any(),
            later_has_itself=not self.left_out.diagonal()[second].any(),
            earlier_lacks_later=not self.counted[pairs].any(),
        )

    def _same(self, leaf: Rank, pairs: Flags) -> bool:
        """Whether a count is the same at both, or an aggregate its default at both."""
        if isinstance(leaf, Count):
            count = self._owned(leaf)
            return not (pairs & (count[:, None] != count)).any()
        at = len(self.sops) + self.own.index(leaf)
        other = np.array([state[at] != leaf.default for state in self.states], dtype=np.bool_)
        return not pairs[other].any() and not pairs[:, other].any()

    def _owned(self, leaf: Leaf) -> Ids:
        at = len(self.sops) + self.own.index(leaf)
        return np.array([int(state[at]) for state in self.states], dtype=np.int64)


@dataclass(frozen=True)
class _What:
    """What is so in one block; see the formulas above: k is the earlier one of the two, l the later one."""

    total: bool
    kept: bool
    same: bool
    later_has_earlier: bool
    earlier_lacks_itself: bool
    later_has_itself: bool
    earlier_lacks_later: bool


def _ranks(blocks: Sequence[_What]) -> bool:
    """All conjuncts of R hold where R does, and one of them fails where R fails."""
    itself = all(one.later_has_itself for one in blocks) and any(one.earlier_lacks_later for one in blocks)
    other = all(one.later_has_earlier for one in blocks) and any(one.earlier_lacks_itself for one in blocks)
    return all(one.total and one.kept for one in blocks) and any(one.same for one in blocks) and (itself or other)


def _excludes(blocks: Sequence[_What]) -> bool:
    """Each of two keys would have none that R allows, and one has the other."""
    return any(one.same for one in blocks) and all(one.total and one.later_has_earlier for one in blocks)


def _column(places: Sequence[int], rows: Sequence[Tuple]) -> tuple[list[Tuple], Ids]:
    """The different tuples in these places of the rows, and the number of the one in each row."""
    known: dict[object, int] = {}
    found: list[Tuple] = []
    numbers = []
    for row in rows:
        part = tuple(row[place] for place in places)
        numbers.append(known.setdefault(row_key(part), len(found)))
        if numbers[-1] == len(found):
            found.append(part)
    return found, np.array(numbers, dtype=np.int64)
