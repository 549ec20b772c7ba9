"""A program of unique hard attention, or of common values, under a past mask, on words of every length.

What a head has seen is summed up by the key states so far, each once, in the order of their last (or first) places. So
the program and the machine that it is compared with have finitely many configurations together; all are visited. A key
state is left out while, for every query that selects it, a later (earlier) one is selected too: it is read by nobody
before it comes again. A head of common values reads all that are selected, in whatever order.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final

from spec.values import Atom
from verifier.recheck.heads import HeadTable, Tables
from verifier.recheck.rup import Rejected

MAX_CONFIGURATIONS: Final = 500_000

Order = tuple[Hashable, ...]
Orders = tuple[tuple[Order, ...], ...]
"""For each layer and head."""


def check_all_lengths(
    tables: Tables, start: str, step: Callable[[str, Atom], tuple[str, Atom]], symbols: Sequence[Atom]
) -> str:
    """Equal final states come with equal outputs, whatever the word."""
    family = tables.family
    automata = all(reading in ("rightmost", "leftmost", "common") for reading, _ in family.readings)
    if not automata or not set(family.masks) <= {"past", "upto"} or family.indices:
        raise Rejected("programs of this class are no automata")
    queries = [[_selecting(head) for head in heads] for heads in tables.heads]
    begin: tuple[str, Orders] = (start, tuple(((),) * len(heads) for heads in tables.heads))
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


Selecting = Mapping[Hashable, frozenset[int]]


def _selecting(head: HeadTable) -> Selecting:
    """For each key state the query states that select it."""
    found: dict[Hashable, set[int]] = {}
    for query, key in head.selected:
        found.setdefault(key, set()).add(query)
    return {key: frozenset(queries) for key, queries in found.items()}


def _position(
    tables: Tables, queries: Sequence[Sequence[Selecting]], orders: Orders, symbol: Atom
) -> tuple[Hashable, Orders]:
    """The final state at a position with this symbol, and the orders of key states after it.

    A state is its number, or, where the tables do not know it, itself: no head selects anything for it or with it.
    """
    own: Hashable = tables.family.base((symbol,))[0]
    own = tables.states[0].get(own, own)
    after: list[tuple[Order, ...]] = []
    for layer, (heads, before) in enumerate(zip(tables.heads, orders, strict=True), start=1):
        longer = [
            _after(head, order, own, asking)
            for head, order, asking in zip(heads, before, queries[layer - 1], strict=True)
        ]
        results = [
            _result(head, new if head.kind.mask == "upto" else old, own)
            for head, old, new in zip(heads, before, longer, strict=True)
        ]
        state = (own, *results)
        own = tables.states[layer].get(state, state)
        after.append(tuple(longer))
    return own, tuple(after)


def _result(head: HeadTable, visible: Order, own: Hashable) -> Hashable:
    """What a head gives to a query state that sees these key states."""
    known = (key for key in visible if isinstance(key, int) and (own, key) in head.selected)
    return head.kind.read([head.values.get(key, 0) for key in known])


def _after(head: HeadTable, order: Order, key: Hashable, queries: Selecting) -> Order:
    """The order after one more position with this key state."""
    if key not in queries:
        return order
    first = head.kind.reading != "rightmost"
    longer = _with(order, key, first)
    return longer if head.kind.reading == "common" else _read(longer, queries, first)


def _with(order: Order, key: Hashable, first: bool) -> Order:
    """The order after one more position with this key state."""
    if first:
        return order if key in order else (*order, key)
    return (*(other for other in order if other != key), key)


def _read(order: Order, queries: Selecting, first: bool) -> Order:
    """The key states that are read for some query, in the same order."""
    served: set[int] = set()
    kept: list[Hashable] = []
    for key in order if first else reversed(order):
        asking = queries.get(key, frozenset())
        if not asking <= served:
            served |= asking
            kept.append(key)
    return tuple(kept if first else reversed(kept))
