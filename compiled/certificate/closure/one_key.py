"""The claim that a selector selects one key at most, because a count would have to be the same at two keys and is not.

Let S be the selector, C the count, of the keys j with R(k, j). Suppose that S selects two keys for one query, and call
one of them k, the other one l: always the one before the other (or always the one after it; or, where of any two one
counts the other, as far as one block says, always the one that is counted). There are no such keys if it follows from
the values that the s-ops can have there:

    C(k) = C(l)                                                  S asks for it, and yet
    R(l, j) wherever R(k, j), so that C(k) <= C(l), and          what k counts, l counts
    R(l, k), not R(k, k);  or R(l, l), not R(k, l)               l counts k or itself, k does not: C(k) < C(l)

C may be an aggregate instead, over the keys j with R(k, j). If it is its default only where there are no such keys, and
S asks for the default at both, it is enough that R(l, k).

S and R are read as conjunctions. Values at one place are looked at by blocks of leaves, each conjunct of S at the key
and each of R at both sides in one block; what a block has at a place is taken to be independent of other blocks and of
other places. What has no value on some pair of places is on no input that has an output.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from compiled.certificate.closure.claims import Claims, TooMuchWork, Work
from compiled.certificate.closure.comparisons import FAILS, Truths, by_number, comparisons, selected, sides, truth
from compiled.certificate.closure.local import NOTHING, Local
from compiled.meaning.combinations import Combinations
from compiled.meaning.formula import Both, Formula, keys_of, queries_of
from compiled.meaning.leaves import POSITION, Count, Leaf, Stored, Tuple, leaf_order
from compiled.numbering import Ids, distinct_rows
from spec.graph import Aggregate, SOp
from spec.values import Atom

Rank: TypeAlias = Count | Aggregate
Flags: TypeAlias = npt.NDArray[np.bool_]
MOST: Final = 2_000
"""States of a block, of which every pair is looked at."""
MOST_COMBINED: Final = 200_000
ORDERS: Final = ("before", "after", "counted")


def selects_one_key(claims: Claims, local: Local, work: Work, part: Formula, rank: Rank) -> bool:
    """Whether it follows that for no query two keys are selected; stored s-ops are seen through where they hide why."""
    if _follows(claims, local, work, part, rank):
        return True
    if not any(isinstance(leaf, Stored) for leaf in claims.leaves):
        return False
    plain = replace(claims, leaves={leaf: one for leaf, one in claims.leaves.items() if not isinstance(leaf, Stored)})
    return _follows(plain, Local(plain, work), work, part, rank)


def _follows(claims: Claims, local: Local, work: Work, part: Formula, rank: Rank) -> bool:
    if rank not in local.leaves(keys_of(part)):
        return False  # then it may be proved from what is to be proved here
    if isinstance(rank, Aggregate) and (rank not in claims.formulas or not _is_default_only_of_none(local, rank)):
        return False
    counted = rank.formula if isinstance(rank, Count) else claims.formulas[rank]
    blocks = [_Block(claims, local, work, content) for content in _contents(local, part, rank, counted)]
    contradicts = _counts_more if isinstance(rank, Count) else _is_not_empty
    return any(all(block.has(order) for block in blocks) and contradicts(blocks, order) for order in ORDERS)


def _is_default_only_of_none(local: Local, rank: Aggregate) -> bool:
    """Whether neither one value nor a mean is the default: of integers whose sums are exact in doubles, no mean is
    less than all of them or greater, rounded or not."""
    given = [value for (value,) in local.table((rank.values,)).rows]
    values = [value for value in given if isinstance(value, int) and abs(value) * local.claims.max_length <= 2**53]
    default = rank.default
    if len(values) < len(given):
        return False
    return (
        isinstance(default, str) or all(value < default for value in values) or all(value > default for value in values)
    )


def _is_not_empty(blocks: "Sequence[_Block]", order: str) -> bool:
    """Whether no key could be counted at either of two, and one is counted at the other."""
    given = [(block, block.pairs(order)) for block in blocks]
    return any(block.forces_default(of) for block, of in given) and not any(
        block.lacks[_turned(of)].any() for block, of in given
    )


def _counts_more(blocks: "Sequence[_Block]", order: str) -> bool:
    """Whether C must be the same at keys of which one counts more, if they are called k and l in this order."""
    given = [(block, block.pairs(order)) for block in blocks]
    if not any(block.forces_equal(of) for block, of in given):
        return False
    if not all(block.includes(of) for block, of in given):
        return False
    one_of_them = all(not block.lacks[_turned(of)].any() for block, of in given) and any(
        not block.counts[np.diag(of.any(axis=1))].any() for block, of in given
    )
    itself = all(not block.lacks[np.diag(of.any(axis=0))].any() for block, of in given) and any(
        not block.counts[of].any() for block, of in given
    )
    return one_of_them or itself


def _turned(pairs: Flags) -> Flags:
    turned: Flags = pairs.T
    return turned


@dataclass(frozen=True)
class _Content:
    """Leaves that are looked at together, and the conjuncts of the selector and of the count that read them."""

    leaves: frozenset[Leaf]
    selector: tuple[Formula, ...] = ()
    count: tuple[Formula, ...] = ()
    known: tuple[Leaf, ...] = ()
    """The count and the position, where they are."""


def _contents(local: Local, part: Formula, rank: Rank, counted: Formula) -> list[_Content]:
    contents: list[_Content] = []
    for unit in _units(local, part, rank, counted):
        apart = [content for content in contents if not content.leaves & unit.leaves]
        joined = [content for content in contents if content.leaves & unit.leaves] + [unit]
        contents = [
            *apart,
            _Content(
                frozenset(leaf for one in joined for leaf in one.leaves),
                tuple(formula for one in joined for formula in one.selector),
                tuple(formula for one in joined for formula in one.count),
                tuple(leaf for one in joined for leaf in one.known),
            ),
        ]
    return contents


def _units(local: Local, part: Formula, rank: Rank, counted: Formula) -> Iterator[_Content]:
    yield _Content(frozenset({rank}), known=(rank,))
    yield _Content(frozenset({POSITION}), known=(POSITION,))
    for one in part.parts if isinstance(part, Both) else (part,):
        yield _Content(frozenset(local.leaves(keys_of(one))), selector=(one,))
    for one in counted.parts if isinstance(counted, Both) else (counted,):
        yield _Content(frozenset(local.leaves((*keys_of(one), *queries_of(one)))), count=(one,))


class _Block:
    """The states of a block at one place, and for each pair of them at two places what is selected and counted."""

    def __init__(self, claims: Claims, local: Local, work: Work, content: _Content) -> None:
        self.claims, self.work, self.content = claims, work, content
        compared = [sop for one in (*content.selector, *content.count) for sop in keys_of(one)]
        sops = by_number([*compared, *(sop for one in content.count for sop in queries_of(one))])
        rows, self.known = _states(local, sops, content)
        if len(rows) > MOST:
            raise TooMuchWork
        asked = by_number(sop for one in content.selector for sop in queries_of(one))
        queries = local.table(asked).rows if asked else [()]
        work.spend((len(queries) * len(rows) ** 2 + 4 * len(rows) ** 3) // 1024)
        selected_by = [self._truths(one, asked, queries, sops, rows) == 1 for one in content.selector]
        chosen = np.ones((len(queries), len(rows)), dtype=np.float32)
        for table in selected_by:
            chosen *= table
        self.together: Flags = chosen.T @ chosen > 0
        """Whether some query selects both."""
        counted = [self._truths(one, sops, rows, sops, rows) for one in content.count]
        nothing = np.zeros((len(rows), len(rows)), dtype=np.bool_)
        self.counts: Flags = ~nothing if not counted else np.all([table == 1 for table in counted], axis=0)
        self.lacks: Flags = nothing if not counted else np.any([table == 0 for table in counted], axis=0)
        for table in counted:
            self.lacks = self.lacks & (table != FAILS)

    def _truths(
        self, what: Formula, asked: Sequence[SOp], queries: Sequence[Tuple], sops: Sequence[SOp], rows: Sequence[Tuple]
    ) -> Truths:
        """What the formula is for each of the queries and each of the rows at the key."""
        shape = len(queries), len(rows)
        at_key, at_query = Combinations.of(rows, len(sops)), Combinations.of(queries, len(asked))
        found: dict[object, Truths] = {}
        for comparison in comparisons(what):
            on, of = sides(comparison)
            keys, columns = at_key.values[sops.index(on)], at_key.codes[sops.index(on)]
            values: Sequence[Atom] = (0,)
            lines: Ids = np.zeros(len(queries), dtype=np.int64)
            if of is not None:
                values, lines = at_query.values[asked.index(of)], at_query.codes[asked.index(of)]
            compared = truth(comparison, self.claims)
            self.work.spend(len(keys) * len(values) + prod(shape) // 64)
            small = np.array([[compared(key, value) for key in keys] for value in values], dtype=np.int8)
            found[comparison] = small.reshape(len(values), len(keys))[np.ix_(lines, columns)]
        return np.broadcast_to(selected(what, found, shape), shape)  # type: ignore[arg-type]  # keys are comparisons

    def has(self, order: str) -> bool:
        """Whether it says of any two keys which of them is k: the block of positions does."""
        if order != "counted" or POSITION not in self.known:
            return True
        at = self.known[POSITION]
        neither = self.lacks & self.lacks.T
        return not (self.together & (at[:, None] != at[None, :]) & neither).any()

    def pairs(self, order: str) -> Flags:
        """States of k and l that some query selects both, in this order."""
        if POSITION not in self.known:
            return self.together
        at = self.known[POSITION]
        first, second = at[:, None], at[None, :]
        called: Flags = {"before": first < second, "after": first > second}.get(
            order, (first != second) & self.counts.T
        )
        return self.together & called

    def forces_equal(self, pairs: Flags) -> bool:
        """Whether the count is here, and the same for both of each pair."""
        return any(
            not (pairs & (values[:, None] != values[None, :])).any()
            for leaf, values in self.known.items()
            if isinstance(leaf, Count)
        )

    def forces_default(self, pairs: Flags) -> bool:
        """Whether the aggregate is here, and its default for both of each pair."""
        of_pairs = pairs.any(axis=0) | pairs.any(axis=1)
        return any(not (of_pairs & (at == 0)).any() for leaf, at in self.known.items() if isinstance(leaf, Aggregate))

    def includes(self, pairs: Flags) -> bool:
        """Whether for each pair the second counts what the first counts."""
        more = self.counts.astype(np.float32) @ self.lacks.T.astype(np.float32)
        return not (pairs & (more > 0)).any()


def _states(local: Local, sops: tuple[SOp, ...], content: _Content) -> tuple[Sequence[Tuple], dict[Leaf, Ids]]:
    """What the s-ops can be together at one place; for each the count and the position, if these are in the block."""
    if not content.known:
        return local.table(sops).rows, {}
    leaves = sorted(content.leaves, key=leaf_order)
    axes = [local.axis(leaf) for leaf in leaves]
    sizes = [len(axis.rows) for axis in axes]
    if prod(sizes) > MOST_COMBINED:
        raise TooMuchWork
    codes = list(np.indices(sizes).reshape(len(sizes), -1))
    given = Combinations([[value for (value,) in axis.rows] for axis in axes], codes, prod(sizes))
    rows, number = local.evaluated_all(sops, leaves, given)
    some = np.flatnonzero(number != NOTHING)
    own = [codes[leaves.index(leaf)][some] for leaf in content.known]
    first, _ = distinct_rows([number[some], *own], len(some))
    known: dict[Leaf, Ids] = {}
    for leaf, at in zip(content.known, own, strict=True):
        values = [value for (value,) in axes[leaves.index(leaf)].rows]
        # Of an aggregate it matters only whether it is its default: 1 or 0.
        numbers = [int(value == leaf.default if isinstance(leaf, Aggregate) else value) for value in values]
        known[leaf] = np.array(numbers, dtype=np.int64)[at[first]]
    return [rows[k] for k in number[some][first].tolist()], known
