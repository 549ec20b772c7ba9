"""Is there a program of a class with a given shape that separates given words? As clauses over named variables.

Names, for layer l (from 1), head h, words by number w, positions i, j, and points p = (w, i):

    S h q k         head h of layer 1 selects keys with base state k for queries with base state q
    s l h w i j     head h of layer l > 1 selects key j of word w for query i
    V h k, v l h w j                    the bit of a key likewise
    c l h w i n x   head h of layer l at position i of w has gathered x after n of the positions it sees
    d l h p p'      the results of head h at p and p' differ
    E l p p'        the states of p and p' after layer l are equal (p before p', of equal base states: E 0 is true)

Where a position sees no later position, points with equal words up to the position are one point, the first of them.

Clauses: from what was gathered, the next; `d` excludes equal results; not E(l) needs a difference in layer l or before;
equal states of queries and of keys select alike; not E(L) for points whose outputs differ, E(L) for a point with
itself. Only one direction of each
is needed: whatever is set beyond what is forced makes the clauses harder to satisfy, and an actual program satisfies
them all when every variable means exactly what it says.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from verifier.bounds.classes import Mask
from verifier.bounds.heads import BEGIN, Head, HeadClass, Reading, Run, State, advance, result
from verifier.bounds.target import ANYTHING, Outputs, Word

Name: TypeAlias = tuple[Hashable, ...]
Point: TypeAlias = tuple[int, int]


@dataclass
class Variables:
    """Numbers for names, in the order in which they are asked for."""

    numbers: dict[Name, int]

    def __call__(self, *name: Hashable) -> int:
        """The variable of this name."""
        return self.numbers.setdefault(name, len(self.numbers) + 1)


class Encoder:
    """The clauses for a class, a shape (heads of each layer) and words with their outputs."""

    def __init__(self, cls: HeadClass, shape: Sequence[int], table: Sequence[tuple[Word, Outputs]]) -> None:
        self.cls, self.shape, self.table = cls, tuple(shape), table
        self.variable = Variables({})
        run = Run(cls)
        self.base = [run.begin(word) for word, _ in table]
        self.clauses: list[tuple[int, ...]] = []
        self.point = self._points()
        self.points = tuple(dict.fromkeys(point for row in self.point for point in row))
        self.pairs = [(p, q) for p, q in combinations(self.points, 2) if self._base(p) == self._base(q)]
        self.clauses.extend((self.variable("E", 0, p, q),) for p, q in self.pairs)
        for layer in range(1, len(self.shape) + 1):
            self._layer(layer)
        for p, q in dict.fromkeys(self._conflicts()):
            if p == q:
                self.clauses.append((self.variable("E", len(self.shape), p, p),))
            self.clauses.append((-self.variable("E", len(self.shape), p, q),))

    def _points(self) -> list[list[Point]]:
        """For each word and position the point that stands for it."""
        if self.cls.mask not in (Mask.PAST, Mask.UPTO):
            return [[(w, i) for i in range(len(states))] for w, states in enumerate(self.base)]
        first: dict[Word, Point] = {}
        return [
            [first.setdefault(word[: i + 1], (w, i)) for i in range(len(word))]
            for w, (word, _) in enumerate(self.table)
        ]

    def _conflicts(self) -> Iterator[tuple[Point, Point]]:
        """Pairs of points of equal base states with different outputs."""
        asked: dict[int, list[tuple[Point, Hashable]]] = {}
        for w, (_, outputs) in enumerate(self.table):
            for i, output in enumerate(outputs):
                if output is not ANYTHING:
                    asked.setdefault(self.base[w][i], []).append((self.point[w][i], output))
        for alike in asked.values():
            for (p, one), (q, other) in combinations(alike, 2):
                if one != other:
                    yield min(p, q), max(p, q)

    def _base(self, point: Point) -> int:
        return self.base[point[0]][point[1]]

    # -------------------------------------------------------------------------------------------- layers

    def _layer(self, layer: int) -> None:
        for head in range(self.shape[layer - 1]):
            ends = {(w, i): self._gather(layer, head, w, i) for w, i in self.points}
            for p, q in self.pairs:
                self._differ(layer, head, p, q, ends[p], ends[q])
            if layer > 1:
                self.clauses.extend(self._congruent(layer, head))
        for p, q in self.pairs:
            different = [self.variable("d", layer, head, p, q) for head in range(self.shape[layer - 1])]
            before = -self.variable("E", layer - 1, p, q)
            self.clauses.append((self.variable("E", layer, p, q), before, *different))

    def _gather(self, layer: int, head: int, w: int, i: int) -> dict[State, int]:
        """The clauses of one head at one position; the variables of what it can have gathered in the end."""
        reading = self.cls.reading
        now = {BEGIN[reading]: self.variable("c", layer, head, w, i, 0, BEGIN[reading])}
        self.clauses.append((now[BEGIN[reading]],))
        for number, j in enumerate(self.cls.seen(i, len(self.base[w])), start=1):
            selected = self.selected(layer, head, w, i, j)
            following: dict[State, int] = {}

            def to(state: State, following: dict[State, int] = following, number: int = number) -> int:
                return following.setdefault(state, self.variable("c", layer, head, w, i, number, state))

            for state, here in now.items():
                self.clauses.append((-here, selected, to(state)))
                if not reading.uses_bit:
                    self.clauses.append((-here, -selected, to(advance(reading, state, False))))
                    continue
                bit = self.bit(layer, head, w, j)
                self.clauses.append((-here, -selected, bit, to(advance(reading, state, False))))
                self.clauses.append((-here, -selected, -bit, to(advance(reading, state, True))))
            now = following
        return now

    def _differ(
        self, layer: int, head: int, p: Point, q: Point, ends: dict[State, int], others: dict[State, int]
    ) -> None:
        different = self.variable("d", layer, head, p, q)
        for state, here in ends.items():
            for other, there in others.items():
                if result(self.cls.reading, state) == result(self.cls.reading, other):
                    self.clauses.append((-different, -here, -there))

    def _congruent(self, layer: int, head: int) -> Iterator[tuple[int, ...]]:
        """Equal states of queries and of keys before this layer select alike; equal states of keys have equal bits."""
        entries = [(w, i, j) for w, i in self.points for j in self.cls.seen(i, len(self.base[w]))]
        by_states: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        for w, i, j in entries:
            by_states.setdefault((self.base[w][i], self.base[w][j]), []).append((w, i, j))
        for alike in by_states.values():
            for (w, i, j), (x, a, b) in combinations(alike, 2):
                unless = self._unequal(layer - 1, (w, i), (x, a))
                unless += self._unequal(layer - 1, self.point[w][j], self.point[x][b])
                one, other = self.selected(layer, head, w, i, j), self.selected(layer, head, x, a, b)
                yield (*unless, -one, other)
                yield (*unless, one, -other)
        if self.cls.reading.uses_bit:
            for (w, j), (x, b) in self.pairs:
                unless = self._unequal(layer - 1, (w, j), (x, b))
                one, other = self.bit(layer, head, w, j), self.bit(layer, head, x, b)
                yield (*unless, -one, other)
                yield (*unless, one, -other)

    def _unequal(self, layer: int, p: Point, q: Point) -> tuple[int, ...]:
        """The literal that the states of two points (of equal base states) differ; none for one point."""
        return () if p == q else (-self.variable("E", layer, *sorted((p, q))),)

    def selected(self, layer: int, head: int, w: int, i: int, j: int) -> int:
        """The variable of an entry of a selector."""
        if layer == 1:
            return self.variable("S", head, self.base[w][i], self.base[w][j])
        w, i = self.point[w][i]
        return self.variable("s", layer, head, w, i, j)

    def bit(self, layer: int, head: int, w: int, j: int) -> int:
        """The variable of the bit of a key."""
        if layer == 1:
            return self.variable("V", head, self.base[w][j])
        w, j = self.point[w][j]
        return self.variable("v", layer, head, w, j)

    # -------------------------------------------------------------------------------------------- models

    def heads(self, true: frozenset[int]) -> tuple[Run, list[tuple[Head, ...]]]:
        """The program that a model describes, on the states that occur in the words."""
        run = Run(self.cls)
        rows = [run.begin(word) for word, _ in self.table]
        layers: list[tuple[Head, ...]] = []
        for layer in range(1, len(self.shape) + 1):
            heads = tuple(self._head(layer, head, rows, true) for head in range(self.shape[layer - 1]))
            layers.append(heads)
            rows = [run.layer(row, heads, layer) for row in rows]
        return run, layers

    def _head(self, layer: int, head: int, rows: Sequence[Sequence[int]], true: frozenset[int]) -> Head:
        selected: set[tuple[int, int]] = set()
        ones: set[int] = set()
        for w, row in enumerate(rows):
            for i, query in enumerate(row):
                for j in self.cls.seen(i, len(row)):
                    if self.selected(layer, head, w, i, j) in true:
                        selected.add((query, row[j]))
            if self.cls.reading is not Reading.COUNT:
                ones.update(row[j] for j in range(len(row)) if self.bit(layer, head, w, j) in true)
        return Head(frozenset(selected), frozenset(ones))
