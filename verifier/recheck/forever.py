"""A program of unique hard attention, or of common values, under a past mask, on words of every length.

What a position sees is summed up by the key states so far, each once, in the order of their last (or first) places. So
the program and the machine that it is compared with have finitely many configurations together; all are visited. A key
state is left out while, for every head and query that selects it, a later (earlier) one is selected too: it is read by
nobody before it comes again. A head of common values reads all of them, and leaves out none.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final

from spec.values import Atom
from verifier.recheck.heads import HeadTable, Tables
from verifier.recheck.rup import Rejected

MAX_CONFIGURATIONS: Final = 500_000

Order = tuple[Hashable, ...]


def check_all_lengths(
    tables: Tables, start: str, step: Callable[[str, Atom], tuple[str, Atom]], symbols: Sequence[Atom]
) -> str:
    """Equal final states come with equal outputs, whatever the word."""
    kind = tables.kind
    if kind.reading not in ("rightmost", "leftmost", "common") or kind.mask not in ("past", "upto") or kind.indices:
        raise Rejected("programs of this class are no automata")
    queries = [_selecting(heads) for heads in tables.heads]
    begin: tuple[str, tuple[Order, ...]] = (start, ((),) * len(tables.heads))
    seen, waiting = {begin}, [begin]
    outputs: dict[Hashable, Hashable] = {}
    while waiting:
        state, orders = waiting.pop()
        for symbol in symbols:
            following, output = step(state, symbol)
            final, after = _position(tables, queries, orders, symbol)
            if outputs.setdefault(final, output) != output:
                raise Rejected("on longer inputs the program ends in one state for two outputs")
            if (following, after) not in seen:
                seen.add((following, after))
                waiting.append((following, after))
        if len(seen) > MAX_CONFIGURATIONS:
            raise Rejected(f"more than {MAX_CONFIGURATIONS} configurations")
    return f"all {len(seen)} configurations visited"


Selecting = Mapping[Hashable, frozenset[tuple[int, int]]]


def _selecting(heads: Sequence[HeadTable]) -> Selecting:
    """For each key state the heads and query states that select it."""
    found: dict[Hashable, set[tuple[int, int]]] = {}
    for number, (selected, _) in enumerate(heads):
        for query, key in selected:
            found.setdefault(key, set()).add((number, query))
    return {key: frozenset(pairs) for key, pairs in found.items()}


def _position(
    tables: Tables, queries: Sequence[Selecting], orders: Sequence[Order], symbol: Atom
) -> tuple[Hashable, tuple[Order, ...]]:
    """The final state at a position with this symbol, and the orders of key states after it.

    A state is its number, or, where the tables do not know it, itself: no head selects anything for it or with it.
    """
    kind = tables.kind
    own: Hashable = tables.kind.base((symbol,))[0]
    own = tables.states[0].get(own, own)
    after: list[Order] = []
    for layer, (heads, order) in enumerate(zip(tables.heads, orders, strict=True), start=1):
        longer = _with(order, own, first=kind.reading == "leftmost")
        if kind.reading != "common":
            longer = _read(longer, queries[layer - 1], first=kind.reading == "leftmost")
        visible = longer if kind.mask == "upto" else order
        results = []
        for selected, values in heads:
            known = (key for key in visible if isinstance(key, int) and (own, key) in selected)
            results.append(kind.read([values.get(key, 0) for key in known]))
        state = (own, *results)
        own = tables.states[layer].get(state, state)
        after.append(longer)
    return own, tuple(after)


def _with(order: Order, key: Hashable, first: bool) -> Order:
    """The order after one more position with this key state."""
    if first:
        return order if key in order else (*order, key)
    return (*(other for other in order if other != key), key)


def _read(order: Order, queries: Selecting, first: bool) -> Order:
    """The key states that some head reads for some query, in the same order."""
    served: set[tuple[int, int]] = set()
    kept: list[Hashable] = []
    for key in order if first else reversed(order):
        asking = queries.get(key, frozenset())
        if not asking <= served:
            served |= asking
            kept.append(key)
    return tuple(kept if first else reversed(kept))
