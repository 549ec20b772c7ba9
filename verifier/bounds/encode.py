"""Is there a program of a class with a given shape that separates given words? As clauses over named variables.

Names, for layer l (from 1), head h, words by number w, positions i, j, and points p = (w, i):

    t l h m             head h of layer l is of kind m, a reading and a mask of the class
    S h q k             head h of layer 1 selects keys with base state k for queries with base state q
    s l h w i j         head h of layer l > 1 selects key j of word w for query i
    V h k x, v l h w j x  the value of a key likewise is at least x, for x = 1 .. K-1
    c l h m w i n x     of kind m, head h of layer l at position i of w has gathered x after n of the positions it sees
    d l h p p'          the results of head h at p and p' differ
    E l p p'            the states of p and p' after layer l are equal (p before p', of equal base states: E 0 is true)

Where no kind sees a later position, points with equal words up to the position are one point, the first of them.

Clauses: a head is of some kind, and as such begins with nothing gathered; from what was gathered, the next, or a
contradiction where values disagree; a value that is at least x + 1 is at least x, and to a kind of fewer values its
greatest one is whatever is at least that; `d` excludes equal results; not E(l) needs a difference in layer l or before;
equal states of queries and of keys select alike, those of keys have equal values; not E(L) for points whose outputs
differ, E(L) for a point with itself. Only one direction of each is needed: whatever is set beyond what is forced makes
the clauses harder to satisfy, and an actual program satisfies them all when every variable means exactly what it says.

The clauses of more words are those of fewer with others after them, so words are added one by one.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TypeAlias

from verifier.bounds.heads import BEGIN, Head, HeadClass, Kind, Run, State, advance, result
from verifier.bounds.target import ANYTHING, Outputs, Word

Name: TypeAlias = tuple[Hashable, ...]
Point: TypeAlias = tuple[int, int]
Entry: TypeAlias = tuple[int, int, int]


@dataclass
class Variables:
    """Numbers for names, in the order in which they are asked for."""

    numbers: dict[Name, int]

    def __call__(self, *name: Hashable) -> int:
        """The variable of this name."""
        return self.numbers.setdefault(name, len(self.numbers) + 1)


class Encoder:
    """The clauses for a class, a shape (heads of each layer) and the words that were added, with their outputs."""

    def __init__(self, cls: HeadClass, shape: Sequence[int]) -> None:
        self.cls, self.shape = cls, tuple(shape)
        self.variable = Variables({})
        self.clauses: list[tuple[int, ...]] = []
        self.words: list[Word] = []
        self.base: list[tuple[int, ...]] = []
        self.point: list[list[Point]] = []
        self._run = Run(cls)
        self._first: dict[Word, Point] = {}
        self._alike: dict[int, list[Point]] = {}
        self._asked: dict[int, list[tuple[Point, Hashable]]] = {}
        self._ends: dict[tuple[int, int, int, Point], dict[State, int]] = {}
        self._entries: dict[tuple[int, int], dict[tuple[int, int], list[Entry]]] = {}
        self._excluded: set[tuple[Point, Point]] = set()
        self._ordered: set[Name] = set()
        for layer, heads in enumerate(self.shape, start=1):
            for head in range(heads):
                self.clauses.append(tuple(self.variable("t", layer, head, m) for m in range(len(cls.kinds))))

    def add(self, word: Word, outputs: Outputs) -> None:
        """The clauses that one more word brings."""
        w = len(self.words)
        self.words.append(word)
        self.base.append(self._run.begin(word))
        self.point.append([self._representative(word, (w, i)) for i in range(len(word))])
        fresh = [(w, i) for i, point in enumerate(self.point[w]) if point == (w, i)]
        pairs: list[tuple[Point, Point]] = []
        for point in fresh:
            alike = self._alike.setdefault(self._base(point), [])
            pairs.extend((other, point) for other in alike)
            alike.append(point)
        self.clauses.extend((self.variable("E", 0, p, q),) for p, q in pairs)
        entries = self._new_entries(fresh)
        for layer in range(1, len(self.shape) + 1):
            self._layer(layer, fresh, pairs, entries)
        self._outputs(w, outputs)

    def _representative(self, word: Word, point: Point) -> Point:
        """The point that stands for a position."""
        if not self.cls.causal:
            return point
        return self._first.setdefault(word[: point[1] + 1], point)

    def _outputs(self, w: int, outputs: Outputs) -> None:
        """Points of equal base states and different outputs end in different states."""
        last = len(self.shape)
        for i, output in enumerate(outputs):
            if output is ANYTHING:
                continue
            asked = self._asked.setdefault(self.base[w][i], [])
            for other, wanted in asked:
                p, q = sorted((other, self.point[w][i]))
                if wanted == output or (p, q) in self._excluded:
                    continue
                self._excluded.add((p, q))
                if p == q:
                    self.clauses.append((self.variable("E", last, p, p),))
                self.clauses.append((-self.variable("E", last, p, q),))
            asked.append((self.point[w][i], output))

    def _base(self, point: Point) -> int:
        return self.base[point[0]][point[1]]

    # -------------------------------------------------------------------------------------------- layers

    def _layer(
        self, layer: int, fresh: Sequence[Point], pairs: Sequence[tuple[Point, Point]], entries: Sequence[Entry]
    ) -> None:
        heads = range(self.shape[layer - 1])
        for head in heads:
            for (m, kind), (w, i) in product(enumerate(self.cls.kinds), fresh):
                self._ends[layer, head, m, (w, i)] = self._gather(layer, head, m, kind, (w, i))
            for p, q in pairs:
                self._differ(layer, head, p, q)
            if layer > 1:
                self.clauses.extend(self._alike_selected(layer, head, entries))
                self.clauses.extend(self._alike_valued(layer, head, pairs))
        for p, q in pairs:
            different = [self.variable("d", layer, head, p, q) for head in heads]
            before = -self.variable("E", layer - 1, p, q)
            self.clauses.append((self.variable("E", layer, p, q), before, *different))

    def _gather(self, layer: int, head: int, m: int, kind: Kind, point: Point) -> dict[State, int]:
        """The clauses of one head of a kind at one position; the variables of what it can have gathered in the end."""
        (w, i), reading = point, kind.reading
        now = {BEGIN[reading]: self.variable("c", layer, head, m, w, i, 0, BEGIN[reading])}
        self.clauses.append((-self.variable("t", layer, head, m), now[BEGIN[reading]]))
        for number, j in enumerate(kind.seen(i, len(self.base[w])), start=1):
            selected = self.selected(layer, head, w, i, j)
            following: dict[State, int] = {}

            def to(state: State, following: dict[State, int] = following, number: int = number) -> int:
                return following.setdefault(state, self.variable("c", layer, head, m, w, i, number, state))

            for state, here in now.items():
                self.clauses.append((-here, selected, to(state)))
                for value in range(kind.values) if reading.uses_values else (0,):
                    after = advance(reading, state, value)
                    unless = self._not_value(layer, head, (w, j), value, kind) if reading.uses_values else ()
                    self.clauses.append((-here, -selected, *unless, *(() if after is None else (to(after),))))
            now = following
        return now

    def _differ(self, layer: int, head: int, p: Point, q: Point) -> None:
        different = self.variable("d", layer, head, p, q)
        for m, kind in enumerate(self.cls.kinds):
            for state, here in self._ends[layer, head, m, p].items():
                for other, there in self._ends[layer, head, m, q].items():
                    if result(kind.reading, state) == result(kind.reading, other):
                        self.clauses.append((-different, -here, -there))

    def _new_entries(self, fresh: Sequence[Point]) -> list[Entry]:
        return [(w, i, j) for w, i in fresh for j in self.cls.seen(i, len(self.base[w]))]

    def _alike_selected(self, layer: int, head: int, entries: Sequence[Entry]) -> Iterator[tuple[int, ...]]:
        """Equal states of queries and of keys before this layer select alike."""
        known = self._entries.setdefault((layer, head), {})
        for w, i, j in entries:
            alike = known.setdefault((self.base[w][i], self.base[w][j]), [])
            for x, a, b in alike:
                unless = self._unequal(layer - 1, (w, i), (x, a))
                unless += self._unequal(layer - 1, self.point[w][j], self.point[x][b])
                one, other = self.selected(layer, head, w, i, j), self.selected(layer, head, x, a, b)
                yield (*unless, -one, other)
                yield (*unless, one, -other)
            alike.append((w, i, j))

    def _alike_valued(self, layer: int, head: int, pairs: Sequence[tuple[Point, Point]]) -> Iterator[tuple[int, ...]]:
        """Equal states of keys have equal values."""
        for ((w, j), (x, b)), least in product(pairs, range(1, self.cls.values)):
            unless = self._unequal(layer - 1, (w, j), (x, b))
            one, other = self.at_least(layer, head, w, j, least), self.at_least(layer, head, x, b, least)
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

    def at_least(self, layer: int, head: int, w: int, j: int, least: int) -> int:
        """The variable that the value of a key is at least so much."""
        name = self._value_name(layer, head, w, j)
        if name not in self._ordered:
            self._ordered.add(name)
            chain = [self.variable(*name, x) for x in range(1, self.cls.values)]
            self.clauses.extend((low, -high) for low, high in pairwise(chain))
        return self.variable(*name, least)

    def _value_name(self, layer: int, head: int, w: int, j: int) -> Name:
        return ("V", head, self.base[w][j]) if layer == 1 else ("v", layer, head, *self.point[w][j])

    def _not_value(self, layer: int, head: int, key: Point, value: int, kind: Kind) -> tuple[int, ...]:
        """The literals of which one is true unless the value of a key is this one to heads of a kind."""
        below = (-self.at_least(layer, head, *key, value),) if value else ()
        above = (self.at_least(layer, head, *key, value + 1),) if value + 1 < kind.values else ()
        return (*below, *above)

    # -------------------------------------------------------------------------------------------- models

    def heads(self, true: frozenset[int]) -> tuple[Run, list[tuple[Head, ...]]]:
        """The program that a model describes, on the states that occur in the words."""
        run = Run(self.cls)
        rows = [run.begin(word) for word in self.words]
        layers: list[tuple[Head, ...]] = []
        for layer in range(1, len(self.shape) + 1):
            heads = tuple(self._head(layer, head, rows, true) for head in range(self.shape[layer - 1]))
            layers.append(heads)
            rows = [run.layer(row, heads, layer) for row in rows]
        return run, layers

    def _head(self, layer: int, head: int, rows: Sequence[Sequence[int]], true: frozenset[int]) -> Head:
        """The head of the first of its kinds, if the model gives it several."""
        kind = next(k for m, k in enumerate(self.cls.kinds) if self.variable("t", layer, head, m) in true)
        selected: set[tuple[int, int]] = set()
        values: dict[int, int] = {}
        for w, row in enumerate(rows):
            for i, query in enumerate(row):
                for j in kind.seen(i, len(row)):
                    if self.selected(layer, head, w, i, j) in true:
                        selected.add((query, row[j]))
            for j, key in enumerate(row) if kind.reading.uses_values else ():
                values[key] = min(self._value(self._value_name(layer, head, w, j), true), kind.values - 1)
        return Head(kind, frozenset(selected), {key: value for key, value in values.items() if value})

    def _value(self, name: Name, true: frozenset[int]) -> int:
        """The value of a key; 0 for one that no position sees."""
        return sum(self.variable.numbers.get((*name, x)) in true for x in range(1, self.cls.values))
