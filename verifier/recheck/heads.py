"""Certificates about programs with so many heads: by running them, and by clauses made a second time.

The clauses are made by name, as `docs/bounds.md` defines them; the certificate says which number each name has. Which
numbers these are does not matter, as long as no two names share one: a proof about clauses with other names for the
variables is as good.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from typing import Final

from spec.values import Atom
from verifier.recheck.rup import Rejected, check_refutation

Word = tuple[Atom, ...]
Point = tuple[int, int]
Literal = tuple[bool, tuple[Hashable, ...]]
Gathered = tuple[int, ...]
MAX_VALUES: Final = 64
MAX_POINTS: Final = 2_000
"""The most positions of the words that clauses are made for."""

_SEES: dict[str, Callable[[int, int], bool]] = {
    "past": lambda i, j: j < i,
    "upto": lambda i, j: j <= i,
    "future": lambda i, j: j > i,
    "from": lambda i, j: j >= i,
    "all": lambda _i, _j: True,
}


@dataclass(frozen=True)
class Kind:
    """A head by what it reads, of what it sees; keys have so many values."""

    reading: str
    mask: str
    values: int = 2

    def __post_init__(self) -> None:
        """Refuse names that mean nothing."""
        if self.reading not in ("count", "mean", "common", "rightmost", "leftmost") or self.mask not in _SEES:
            raise Rejected("unknown class of heads")
        if not 2 <= self.values <= MAX_VALUES or (self.reading == "count" and self.values != 2):
            raise Rejected("heads with values that there are none of")

    @property
    def choices(self) -> Sequence[int]:
        """The values that a key can have."""
        return (0,) if self.reading == "count" else range(self.values)

    def seen(self, i: int, n: int) -> list[int]:
        """The positions that i sees, from left to right."""
        return [j for j in range(n) if _SEES[self.mask](i, j)]

    def read(self, picked: Sequence[int]) -> Hashable:
        """What a head makes of the values of the positions that it selects."""
        if self.reading == "count":
            return len(picked)
        if not picked:
            return None
        match self.reading:
            case "mean":
                return Fraction(sum(picked), len(picked))
            case "common":
                if len(set(picked)) > 1:
                    raise Rejected("a head selects two values where it needs one")
                return picked[0]
            case "rightmost":
                return picked[-1]
            case _:
                return picked[0]

    def summary(self, picked: Sequence[int]) -> Gathered | None:
        """The same before the last step, as clauses name it; None where values disagree.

        A count; the sum and the count; the value that counts so far.
        """
        match self.reading:
            case "count":
                return (len(picked),)
            case "mean":
                return sum(picked), len(picked)
            case "common":
                return tuple(set(picked)) if len(set(picked)) < 2 else None
            case "rightmost":
                return tuple(picked[-1:])
            case _:
                return tuple(picked[:1])


@dataclass(frozen=True)
class Family:
    """A class of heads: each has one of these readings, with its number of values, and one of these masks."""

    readings: Sequence[tuple[str, int]]
    masks: Sequence[str]
    indices: bool

    def __post_init__(self) -> None:
        """Refuse what is given twice, and families without heads."""
        names = [name for name, _ in self.readings]
        if not names or not self.masks or len(set(names)) < len(names) or len(set(self.masks)) < len(self.masks):
            raise Rejected("a class of heads without readings or masks, or with one that is given twice")
        self.kinds  # noqa: B018  # every kind is one that there is

    def __str__(self) -> str:
        """As claims write it."""
        readings = ",".join(name if values == 2 else f"{name}:{values}" for name, values in self.readings)
        return f"{readings}/{','.join(self.masks)}" + ("+indices" if self.indices else "")

    @property
    def kinds(self) -> list[Kind]:
        """What a head can be: for each reading every mask, in order."""
        return [Kind(name, mask, values) for name, values in self.readings for mask in self.masks]

    @property
    def most(self) -> int:
        """The values of the keys of the reading that tells most apart; 1 where only positions are counted."""
        return max(len(kind.choices) for kind in self.kinds)

    @property
    def looks_back(self) -> bool:
        """Whether nothing later is seen."""
        return not any(_SEES[mask](0, 1) for mask in self.masks)

    def base(self, word: Word) -> list[Hashable]:
        """What is known before the first layer."""
        return [((type(a), a), i) if self.indices else (type(a), a) for i, a in enumerate(word)]


# ------------------------------------------------------------------------------------------------ programs


@dataclass(frozen=True)
class HeadTable:
    """A head: what it is, the selected pairs of states, and the values of keys that have not 0."""

    kind: Kind
    selected: frozenset[tuple[int, int]]
    values: Mapping[int, int]

    def reads(self, row: Sequence[int], i: int) -> Hashable:
        """What it gives at a position of these states."""
        seen = self.kind.seen(i, len(row))
        return self.kind.read([self.values.get(row[j], 0) for j in seen if (row[i], row[j]) in self.selected])


@dataclass(frozen=True)
class Tables:
    """A program: the numbers of the states of each layer, and the heads of each layer."""

    family: Family
    states: Sequence[Mapping[Hashable, int]]
    heads: Sequence[Sequence[HeadTable]]

    def final(self, word: Word) -> list[int]:
        """The numbers of the final states."""
        row = [self._number(0, state) for state in self.family.base(word)]
        for layer, heads in enumerate(self.heads, start=1):
            gathered = [[head.reads(row, i) for head in heads] for i in range(len(row))]
            row = [self._number(layer, (row[i], *gathered[i])) for i in range(len(row))]
        return row

    def _number(self, layer: int, state: Hashable) -> int:
        if state not in self.states[layer]:
            raise Rejected("the program meets a state that it does not know")
        return self.states[layer][state]


# ------------------------------------------------------------------------------------------------ clauses


def check_absent(
    family: Family,
    shape: Sequence[int],
    words: Sequence[tuple[Word, Sequence[Hashable]]],
    asked: Callable[[Hashable], bool],
    numbers: Mapping[tuple[Hashable, ...], int],
    proof: Sequence[str],
) -> str:
    """No program of the shape separates the words; `asked` says which outputs are asked for."""
    if len(set(numbers.values())) != len(numbers) or min(numbers.values(), default=1) < 1:
        raise Rejected("two names have one number")
    if sum(len(word) for word, _ in words) > MAX_POINTS:
        raise Rejected(f"words with more than {MAX_POINTS} positions in all")
    lemmas = check_refutation(_numbered(_Clauses(family, shape, words, asked).all(), numbers), proof)
    return f"{len(words)} words, clausal proof of {lemmas} lemmas"


def _numbered(clauses: Iterable[list[Literal]], numbers: Mapping[tuple[Hashable, ...], int]) -> Iterator[list[int]]:
    """The clauses with numbers for names; a name that has none gets the next one."""
    known = dict(numbers)
    fresh = max(known.values(), default=0)
    for clause in clauses:
        for _, name in clause:
            if name not in known:
                fresh += 1
                known[name] = fresh
        yield [known[name] if positive else -known[name] for positive, name in clause]


def _is(*name: Hashable) -> Literal:
    return True, name


def _not(*name: Hashable) -> Literal:
    return False, name


class _Clauses:
    """The clauses of `docs/bounds.md`, one method for each paragraph there."""

    def __init__(
        self,
        family: Family,
        shape: Sequence[int],
        words: Sequence[tuple[Word, Sequence[Hashable]]],
        asked: Callable[[Hashable], bool],
    ) -> None:
        self.family, self.shape, self.words, self.asked = family, shape, words, asked
        self.kinds = list(enumerate(family.kinds))
        numbers: dict[Hashable, int] = {}
        self.base = [[numbers.setdefault(state, len(numbers)) for state in family.base(word)] for word, _ in words]
        self.all_points = [(w, i) for w, (word, _) in enumerate(words) for i in range(len(word))]
        self.point = {p: self._first(p) for p in self.all_points}
        self.points = [p for p in self.all_points if self.point[p] == p]
        self.alike = [(p, q) for p, q in combinations(self.points, 2) if self._state(p) == self._state(q)]

    def _first(self, point: Point) -> Point:
        """Where nothing later is seen, the first point with the same word up to it."""
        if not self.family.looks_back:
            return point
        w, i = point
        prefix = self.words[w][0][: i + 1]
        return next((v, i) for v, (word, _) in enumerate(self.words) if word[: i + 1] == prefix)

    def _state(self, point: Point) -> int:
        return self.base[point[0]][point[1]]

    def all(self) -> Iterator[list[Literal]]:
        """Every clause."""
        for p, q in self.alike:
            yield [_is("E", 0, p, q)]
        for layer, heads in enumerate(self.shape, start=1):
            for head in range(heads):
                yield [_is("t", layer, head, m) for m, _ in self.kinds]
                yield from self.values(layer, head)
                for (m, kind), point in product(self.kinds, self.points):
                    yield from self.gathering(layer, head, m, kind, point)
                for m, kind in self.kinds:
                    yield from self.differences(layer, head, m, kind)
                if layer > 1:
                    yield from self.congruences(layer, head)
            for p, q in self.alike:
                some = [_is("d", layer, head, p, q) for head in range(heads)]
                yield [_is("E", layer, p, q), _not("E", layer - 1, p, q), *some]
        yield from self.outputs()

    def values(self, layer: int, head: int) -> Iterator[list[Literal]]:
        """A value that is at least x + 1 is at least x."""
        for name in dict.fromkeys(self.value(layer, head, point) for point in self.points):
            for least in range(1, self.family.most - 1):
                yield [_is(*name, least), _not(*name, least + 1)]

    def gathering(self, layer: int, head: int, m: int, kind: Kind, point: Point) -> Iterator[list[Literal]]:
        """What a head of a kind gathers, position by position."""
        w, i = point
        about = ("c", layer, head, m, w, i)
        histories = _histories(kind, [[]])
        yield [_not("t", layer, head, m), _is(*about, 0, *histories)]
        for step, j in enumerate(kind.seen(i, len(self.base[w])), start=1):
            selected = self.selected(layer, head, point, j)
            for summary, history in histories.items():
                here = _not(*about, step - 1, summary)
                yield [here, (True, selected), _is(*about, step, summary)]
                for value in kind.choices:
                    then = kind.summary([*history, value])
                    known = [] if then is None else [_is(*about, step, then)]
                    yield [here, (False, selected), *self._other(layer, head, kind, (w, j), value), *known]
            histories = _further(kind, histories)

    def _other(self, layer: int, head: int, kind: Kind, key: Point, value: int) -> list[Literal]:
        """Literals of which one is true when a key has another value, of those that the kind tells apart."""
        if len(kind.choices) == 1:
            return []
        name = self.value(layer, head, key)
        less = [_not(*name, value)] if value > 0 else []
        more = [_is(*name, value + 1)] if value < kind.values - 1 else []
        return less + more

    def differences(self, layer: int, head: int, m: int, kind: Kind) -> Iterator[list[Literal]]:
        """`d` excludes equal results."""
        steps = {p: len(kind.seen(p[1], len(self.base[p[0]]))) for p in self.points}
        ends = {p: _ends(kind, steps[p]) for p in self.points}
        for p, q in self.alike:
            for (x, one), (y, other) in product(ends[p].items(), ends[q].items()):
                if one == other:
                    here = _not("c", layer, head, m, *p, steps[p], x)
                    there = _not("c", layer, head, m, *q, steps[q], y)
                    yield [_not("d", layer, head, p, q), here, there]

    def congruences(self, layer: int, head: int) -> Iterator[list[Literal]]:
        """Equal states before the layer select alike and have equal values."""
        entries = [(p, j) for p in self.points for j in range(len(self.base[p[0]])) if self._looks_at(p[1], j)]
        for (p, j), (q, b) in combinations(entries, 2):
            key, other = self.point[p[0], j], self.point[q[0], b]
            if self._state(p) != self._state(q) or self._state(key) != self._state(other):
                continue
            unless = self._unequal(layer - 1, p, q) + self._unequal(layer - 1, key, other)
            yield from _equal(unless, self.selected(layer, head, p, j), self.selected(layer, head, q, b))
        for (p, q), least in product(self.alike, range(1, self.family.most)):
            one, two = (*self.value(layer, head, p), least), (*self.value(layer, head, q), least)
            yield from _equal(self._unequal(layer - 1, p, q), one, two)

    def _looks_at(self, i: int, j: int) -> bool:
        """Whether some head may see position j from i."""
        return any(_SEES[mask](i, j) for mask in self.family.masks)

    def _unequal(self, layer: int, p: Point, q: Point) -> list[Literal]:
        return [] if p == q else [_not("E", layer, min(p, q), max(p, q))]

    def outputs(self) -> Iterator[list[Literal]]:
        """Points with different outputs end in different states; one point cannot."""
        last = len(self.shape)
        for (w, i), (x, j) in combinations(self.all_points, 2):
            one, other = self.words[w][1][i], self.words[x][1][j]
            if self.base[w][i] == self.base[x][j] and self.asked(one) and self.asked(other) and one != other:
                p, q = sorted((self.point[w, i], self.point[x, j]))
                if p == q:
                    yield [_is("E", last, p, p)]
                yield [_not("E", last, p, q)]

    def selected(self, layer: int, head: int, point: Point, j: int) -> tuple[Hashable, ...]:
        """The name of an entry of a selector."""
        w, i = point
        if layer == 1:
            return "S", head, self.base[w][i], self.base[w][j]
        return "s", layer, head, w, i, j

    def value(self, layer: int, head: int, key: Point) -> tuple[Hashable, ...]:
        """The name of the value of a key, without the number that it is at least."""
        return ("V", head, self._state(key)) if layer == 1 else ("v", layer, head, *self.point[key])


def _equal(unless: list[Literal], one: tuple[Hashable, ...], other: tuple[Hashable, ...]) -> Iterator[list[Literal]]:
    yield [*unless, (False, one), (True, other)]
    yield [*unless, (True, one), (False, other)]


def _histories(kind: Kind, lists: Iterable[list[int]]) -> dict[Gathered, list[int]]:
    """Lists of selected values by their summaries, one for each; those that disagree are left out."""
    found: dict[Gathered, list[int]] = {}
    for history in lists:
        summary = kind.summary(history)
        if summary is not None:
            found.setdefault(summary, history)
    return found


def _further(kind: Kind, histories: Mapping[Gathered, list[int]]) -> dict[Gathered, list[int]]:
    """The same after a position that is selected or not."""
    longer = ([*history, value] for history in histories.values() for value in kind.choices)
    return _histories(kind, [*histories.values(), *longer])


def _ends(kind: Kind, steps: int) -> dict[Gathered, Hashable]:
    """Everything that can be gathered from so many positions, and what the head makes of it."""
    histories = _histories(kind, [[]])
    for _ in range(steps):
        histories = _further(kind, histories)
    return {summary: kind.read(history) for summary, history in histories.items()}
