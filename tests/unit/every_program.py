"""Every program of a class on given words, tried one by one: what synthesis is compared with."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement, product

from verifier.bounds.classes import Mask
from verifier.bounds.heads import HeadClass, Reading
from verifier.bounds.target import ANYTHING, Outputs, Word

SEES: dict[Mask, Callable[[int, int], bool]] = {
    Mask.PAST: lambda i, j: j < i,
    Mask.UPTO: lambda i, j: j <= i,
    Mask.FUTURE: lambda i, j: j > i,
    Mask.FROM: lambda i, j: j >= i,
    Mask.ALL: lambda _i, _j: True,
}


def read(reading: Reading, values: Sequence[int]) -> Hashable:
    """Stated again: what a head makes of the values that it selects; "fault" where it needs one and finds two."""
    if reading is Reading.COUNT:
        return len(values)
    if not values:
        return None
    if reading is Reading.MEAN:
        return Fraction(sum(values), len(values))
    if reading is Reading.COMMON and len(set(values)) > 1:
        return "fault"
    return values[0 if reading is Reading.LEFTMOST else -1]


Rows = tuple[tuple[Hashable, ...], ...]


def seen(mask: Mask, i: int, n: int) -> list[int]:
    """Stated again: which positions j a position i sees."""
    return [j for j in range(n) if SEES[mask](i, j)]


def every_head(reading: Reading, most: int, mask: Mask, rows: Rows) -> Iterator[Rows]:
    """The results of every head over these states: each set of pairs that occur, each assignment of values."""
    places = [(row, i, seen(mask, i, len(row))) for row in rows for i in range(len(row))]
    entries = sorted({(row[i], row[j]) for row, i, visible in places for j in visible}, key=repr)
    keys = sorted({key for _, key in entries}, key=repr) if reading is not Reading.COUNT else []
    for picked in product((False, True), repeat=len(entries)):
        selected = dict(zip(entries, picked, strict=True))
        for values in product(range(most), repeat=len(keys)):
            value = dict(zip(keys, values, strict=True))
            flat = iter(
                [
                    read(reading, [value.get(row[j], 0) for j in visible if selected[row[i], row[j]]])
                    for row, i, visible in places
                ]
            )
            made = tuple(tuple(next(flat) for _ in row) for row in rows)
            if not any("fault" in row for row in made):
                yield made


def every_program(cls: HeadClass, shape: tuple[int, ...], words: Sequence[Word]) -> set[Rows]:
    """The final states, numbered in order, of every program of the shape."""
    partitions = {numbered(tuple(tuple(cls.base(word)) for word in words))}
    for heads in shape:
        following = set()
        for rows in partitions:
            kinds = product(cls.readings, cls.masks)
            heads_of = (every_head(reading, most, mask, rows) for (reading, most), mask in kinds)
            single = {numbered(made) for found in heads_of for made in found}
            for chosen in product(single, repeat=heads):
                following.add(numbered(joined(rows, *chosen)))
        partitions = following
    return partitions


def joined(*parts: Rows) -> Rows:
    return tuple(tuple(zip(*rows, strict=True)) for rows in zip(*parts, strict=True))


def numbered(rows: Rows) -> Rows:
    numbers: dict[Hashable, int] = {}
    return tuple(tuple(numbers.setdefault(state, len(numbers)) for state in row) for row in rows)


def computes(rows: Rows, outputs: Sequence[Outputs]) -> bool:
    known: dict[Hashable, Hashable] = {}
    return all(
        known.setdefault(state, output) == output
        for row, given in zip(rows, outputs, strict=True)
        for state, output in zip(row, given, strict=True)
        if output is not ANYTHING
    )


# ---------------------------------------------------------------------------------------------- row by row

Point = tuple[int, int]
Parts = tuple[frozenset[tuple[int, ...]], ...]


def every_program_by_rows(cls: HeadClass, shape: tuple[int, ...], words: Sequence[Word]) -> set[Rows]:
    """The same, found faster: once the keys have values, each query state may select what it likes."""
    partitions = {numbered(tuple(tuple(cls.base(word)) for word in words))}
    for heads in shape:
        partitions = {after for rows in partitions for after in _layer(cls, rows, heads)}
    return partitions


def _layer(cls: HeadClass, rows: Rows, heads: int) -> Iterator[Rows]:
    """The states after one layer."""
    points: dict[Hashable, list[Point]] = {}
    for w, row in enumerate(rows):
        for i, state in enumerate(row):
            points.setdefault(state, []).append((w, i))
    keys = sorted(points, key=repr)
    settings: set[Parts] = set()
    for (reading, most), mask in product(cls.readings, cls.masks):
        for values in product(range(1 if reading is Reading.COUNT else most), repeat=len(keys)):
            value = dict(zip(keys, values, strict=True))
            settings.add(tuple(frozenset(_results(reading, mask, value, rows, points[state])) for state in keys))
    layouts = set()
    for chosen in combinations_with_replacement(sorted(settings, key=repr), heads):
        per_state = [
            {_renumbered(zip(*parts, strict=True)) for parts in product(*(one[k] for one in chosen))}
            for k in range(len(keys))
        ]
        layouts.add(tuple(map(frozenset, per_state)))
    found: set[tuple[tuple[int, ...], ...]] = {parts for layout in layouts for parts in product(*layout)}
    for parts in found:
        after = {
            point: (state, part)
            for state, numbers in zip(keys, parts, strict=True)
            for point, part in zip(points[state], numbers, strict=True)
        }
        yield numbered(tuple(tuple(after[w, i] for i in range(len(row))) for w, row in enumerate(rows)))


def _results(
    reading: Reading, mask: Mask, value: dict[Hashable, int], rows: Rows, points: Sequence[Point]
) -> Iterator[tuple[int, ...]]:
    """What a head gives at the points of one query state, whichever key states it selects for it."""
    visible = [[rows[w][j] for j in seen(mask, i, len(rows[w]))] for w, i in points]
    states = sorted({state for row in visible for state in row}, key=repr)
    for picked in product((False, True), repeat=len(states)):
        selected = dict(zip(states, picked, strict=True))
        results = [read(reading, [value[state] for state in row if selected[state]]) for row in visible]
        if "fault" not in results:
            yield _renumbered(results)


def _renumbered(results: Iterable[Hashable]) -> tuple[int, ...]:
    numbers: dict[Hashable, int] = {}
    return tuple(numbers.setdefault(result, len(numbers)) for result in results)
