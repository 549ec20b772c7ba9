"""Certificates that one program computes what another one does: both are run, on every input while there are few."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice, product
from random import Random
from typing import Final

from spec.diagnostics import EvaluationError
from spec.graph import Node, SOp, topological
from spec.interp import Interpreter
from spec.values import Atom, Numbers
from verifier.recheck.rup import Rejected

MOST_WORK: Final = 10_000_000
"""Inputs times nodes that are evaluated, about."""
MOST_ENTRIES: Final = 400_000_000
"""Inputs times nodes times pairs of positions, about."""
_SEED: Final = 1
_NEAR_ZERO: Final = 8
_MOST_NAMED: Final = 16


@dataclass(frozen=True)
class Domain:
    """Lengths low..high over symbols, or, without symbols, over integers from `least` to `greatest` (None: no end)."""

    low: int
    high: int
    numbers: Numbers
    symbols: tuple[Atom, ...] = ()
    least: int | None = None
    greatest: int | None = None

    def __str__(self) -> str:
        """In words, as a claim writes it."""
        lengths = f"lengths {self.low}..{self.high} over"
        if self.symbols:
            return f"{lengths} {symbols_words(self.symbols)}"
        ends = ("any" if end is None else str(end) for end in (self.least, self.greatest))
        return f"{lengths} integers {'..'.join(ends)}"

    @property
    def size(self) -> int | None:
        """How many symbols there are; `None` when there is no end to them."""
        if self.symbols:
            return len(self.symbols)
        return None if self.least is None or self.greatest is None else max(0, self.greatest - self.least + 1)

    @property
    def count(self) -> int | None:
        """How many inputs there are."""
        if self.size is None:
            return None
        return sum(int(self.size**length) for length in range(self.low, self.high + 1))

    def some(self) -> Sequence[Atom]:
        """The symbols; of a range without an end, those next to zero, or next to its end."""
        if self.symbols:
            return self.symbols
        if self.least is not None and self.greatest is not None:
            return range(self.least, self.greatest + 1)
        if self.least is not None:
            least = max(self.least, -_NEAR_ZERO)
            return range(least, max(_NEAR_ZERO, least + _NEAR_ZERO) + 1)
        greatest = _NEAR_ZERO if self.greatest is None else min(self.greatest, _NEAR_ZERO)
        return range(min(-_NEAR_ZERO, greatest - _NEAR_ZERO), greatest + 1)

    def inputs(self, most: int) -> Iterator[tuple[Atom, ...]]:
        """All inputs when they are at most so many; otherwise so many, at random, of all lengths alike."""
        symbols, lengths = self.some(), range(self.low, self.high + 1)
        if self.count is not None and self.count <= most:
            return (word for length in lengths for word in product(symbols, repeat=length))
        random, size = Random(_SEED), len(symbols) if self.size is None else self.size
        return (tuple(symbols[random.randrange(size)] for _ in range(lengths[i % len(lengths)])) for i in range(most))


def symbols_words(symbols: tuple[Atom, ...]) -> str:
    """How a claim names its symbols: each as Python writes it, or, when they are more than 16, number and hash."""
    spelled = " ".join(repr(symbol) for symbol in symbols)
    if len(symbols) > _MOST_NAMED:
        spelled = f"{len(symbols)} symbols {sha256(spelled.encode()).hexdigest()[:12]}"
    return spelled


def check_equal(roots: tuple[Node, Node], domain: Domain) -> tuple[int, int]:
    """How many inputs were compared, and on how many of them the first program has no value."""
    first, second = roots
    if not isinstance(first, SOp) or not isinstance(second, SOp):
        raise Rejected("an output is no s-op")
    if domain.size == 0:
        raise Rejected("a scope without inputs")
    nodes = len(topological(roots))
    most = min(max(1_000, MOST_WORK // nodes), max(1, MOST_ENTRIES // (nodes * domain.high**2)))
    before, after = (Interpreter((root,), domain.numbers) for root in (first, second))
    failing = compared = 0
    for word in islice(domain.inputs(most), most):
        compared += 1
        try:
            wanted = before.run(word).values[first]
        except EvaluationError:
            failing += 1
            continue
        try:
            found = after.run(word).values[second]
        except EvaluationError:
            raise Rejected(f"the rewritten program fails on {list(word)}") from None
        if any(x != y and (x == x or y == y) for x, y in zip(wanted, found, strict=True)):
            raise Rejected(f"the programs differ on {list(word)}")
    return compared, failing
