"""Bit-parallel exhaustive evaluation: the query's circuit on very many inputs at once, 64 to a machine word.

Inputs come in lexicographic order, so the first bit of a violation is the least counterexample. There are two ways
through them: all; or, where the query does not tell alike words apart (`verifier.reductions.classes`), the first of
each class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from spec.diagnostics import InternalError
from verifier.encodings.blocks import Blocks, Clock, Lanes, Listing, TooLong, Truth
from verifier.encodings.circuit import Circuit, circuit_of
from verifier.encodings.gates import FALSE
from verifier.encodings.words import Box, Symbols, index_of, listed, rank, unrank
from verifier.engine import Answer, Evidence, Limits, Query, Reason, Sat, Undecided, Unsat, Word
from verifier.reductions.canonical import can_walk, words
from verifier.reductions.classes import Classes, Digits
from verifier.reductions.positions import classes_of

FEWER: Final = 4
"""So many times fewer have to be the canonical words, of which blocks share nothing, to be preferred to all of them."""


def walked(query: Query, limits: Limits) -> int | None:
    """How many inputs are evaluated to find none: all, if it has no circuit whose symmetries spare some of them."""
    circuit = circuit_of(query, limits)
    if isinstance(circuit, Undecided):
        return query.inputs
    total = len(circuit.symbols) ** query.length
    classes = _classes(query, circuit, limits, total)
    return total if classes is None else classes.count(query.length)


def _classes(query: Query, circuit: Circuit, limits: Limits, total: int) -> Classes | None:
    """What makes canonical words worth looking for."""
    classes = classes_of(query, circuit, limits)
    few = classes is not None and can_walk(classes) and classes.count(query.length) * FEWER <= total
    return classes if few else None


@dataclass
class Sweep:
    """A session of an engine of this name."""

    name: str
    query: Query
    limits: Limits
    circuit: Circuit
    lanes: Lanes

    def check(self, box: Box | None = None, other_than: Word | None = None) -> Answer:
        """The query restricted to the words of the box that differ from `other_than`."""
        symbols = listed(self.query, box)
        assert symbols is not None, "the alphabet was listed when the session was opened"
        total = prod(map(len, symbols))
        if self.circuit.violation == FALSE:
            return self._none(total)
        # A box has no symmetries.
        classes = _classes(self.query, self.circuit, self.limits, total) if box is None else None
        try:
            return self._all(symbols, total, other_than) if classes is None else self._canonical(classes, other_than)
        except TooLong as error:
            return Undecided(Reason.WALL, str(error))

    def _none(self, inputs: int, reductions: tuple[str, ...] = ()) -> Unsat:
        return Unsat(Evidence(self.name, f"{len(self.circuit.gates)} gates", inputs=inputs, reductions=reductions))

    def _all(self, symbols: Sequence[Symbols], total: int, other_than: Word | None) -> Answer:
        excluded = None if other_than is None else rank(symbols, other_than)
        hit = self._first_hit(symbols, total, excluded) if total else None
        return self._none(total - (excluded is not None)) if hit is None else Sat(unrank(symbols, hit), least=True)

    def _first_hit(self, symbols: Sequence[Symbols], total: int, excluded: int | None) -> int | None:
        clock = Clock(self.query, self.limits, total)
        blocks = Blocks(self.circuit, symbols, self.lanes, clock)
        for number, outer in enumerate(product(*(range(len(choices)) for choices in symbols[: blocks.split]))):
            violations, start = blocks.violations(outer), number * blocks.size
            hit = self._next(violations, 0, blocks.size)
            if hit is not None and start + hit == excluded:
                hit = self._next(violations, hit + 1, blocks.size)
            if hit is not None:
                return start + hit
            clock.done(start + blocks.size)
        return None

    def _canonical(self, classes: Classes, other_than: Word | None) -> Answer:
        """The answer from the first words of classes.

        The first that violates is the least of all, and the least but for `other_than` as well, if it is not this one.
        If it is, its class has the next one, or nothing more than this.
        """
        excluded = None if other_than is None else self._digits(other_than)
        total = classes.count(self.query.length)
        clock, done = Clock(self.query, self.limits, total), 0
        listing = Listing(self.circuit, self.lanes, clock)
        for found in words(classes, self.query.length, listing.most):
            violations, size = listing.violations(found), found.shape[1]
            hit = self._next(violations, 0, size)
            while hit is not None:
                digits = tuple(map(int, found[:, hit]))
                if digits != excluded:
                    return Sat(self._word(digits), least=True)
                other = classes.another(digits)
                if other is not None:
                    return Sat(self._word(other))
                hit = self._next(violations, hit + 1, size)
            done += size
            clock.done(done)
        if done != total:
            raise InternalError(f"{done} words were looked at, and there are {total} that are first of {classes}")
        return self._none(total, classes.why)

    def _next(self, truth: Truth, begin: int, size: int) -> int | None:
        if isinstance(truth, bool):
            return begin if truth and begin < size else None
        return self.lanes.first(truth, begin, size)

    def _word(self, digits: Digits) -> Word:
        return tuple(self.circuit.symbols[digit] for digit in digits)

    def _digits(self, word: Word) -> Digits | None:
        found = [index_of(self.circuit.symbols, atom) for atom in word]
        return tuple(digit for digit in found if digit is not None) if None not in found else None
