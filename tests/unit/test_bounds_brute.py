"""Level 3, heads: exact synthesis against trying every program of small classes."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from random import Random

import pytest

from verifier.bounds.classes import Mask
from verifier.bounds.heads import HeadClass, Reading, parse_head_class
from verifier.bounds.synthesis import Absent, Exists, search
from verifier.bounds.target import ANYTHING, Outputs, Word

SEES: dict[Mask, Callable[[int, int], bool]] = {
    Mask.PAST: lambda i, j: j < i,
    Mask.UPTO: lambda i, j: j <= i,
    Mask.FUTURE: lambda i, j: j > i,
    Mask.FROM: lambda i, j: j >= i,
    Mask.ALL: lambda _i, _j: True,
}


def seen(cls: HeadClass, i: int, n: int) -> list[int]:
    """Stated again: which positions j a position i sees."""
    return [j for j in range(n) if SEES[cls.mask](i, j)]


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


def every_head(cls: HeadClass, rows: Rows) -> Iterator[Rows]:
    """The results of every head over these states: each set of pairs that occur, each assignment of values."""
    entries = sorted(
        {(row[i], row[j]) for row in rows for i in range(len(row)) for j in seen(cls, i, len(row))}, key=repr
    )
    keys = sorted({key for _, key in entries}, key=repr) if cls.reading is not Reading.COUNT else []
    for picked in product((False, True), repeat=len(entries)):
        selected = dict(zip(entries, picked, strict=True))
        for values in product(range(cls.values), repeat=len(keys)):
            value = dict(zip(keys, values, strict=True))
            made = tuple(
                tuple(
                    read(
                        cls.reading, [value.get(row[j], 0) for j in seen(cls, i, len(row)) if selected[row[i], row[j]]]
                    )
                    for i in range(len(row))
                )
                for row in rows
            )
            if not any("fault" in row for row in made):
                yield made


def every_program(cls: HeadClass, shape: tuple[int, ...], words: Sequence[Word]) -> set[Rows]:
    """The final states, numbered in order, of every program of the shape."""
    partitions = {numbered(tuple(tuple(cls.base(word)) for word in words))}
    for heads in shape:
        following = set()
        for rows in partitions:
            single = set(map(numbered, every_head(cls, rows)))
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


SHORT = [word for n in (1, 2, 3) for word in product("01", repeat=n)]
SHORTER = SHORT[:6]
FEW = [("0",), ("0", "1"), ("1", "1")]
LETTERS = [("0",), ("2", "1"), ("0", "1"), ("1", "2")]
LONG = [("0", "0", "1"), ("0", "1")]

# Every reading under every mask: one layer of one and of two heads, two layers of one, and more of both on few words;
# with more values for a key; on tokens with indices; over three letters; on three positions.
CASES = [
    *((f"{reading.value}/{mask.value}", (1,), SHORT) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (2,), SHORTER) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 1), FEW) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 1, 1), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (2, 1), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 2), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1,), LETTERS) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 1), LONG) for reading in Reading for mask in Mask),
    *((f"{reading.value}:3/{mask.value}", (1,), SHORTER) for reading in list(Reading)[1:] for mask in Mask),
    *((f"{reading.value}:3/{mask.value}", (2,), FEW) for reading in list(Reading)[1:] for mask in Mask),
    *((f"{reading.value}:3/{mask.value}", (1, 1), FEW[1:]) for reading in list(Reading)[1:] for mask in Mask),
    *((f"{reading.value}/{mask.value}+indices", (1,), FEW) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}+indices", (2,), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}+indices", (1, 1), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}:3/{mask.value}+indices", (1,), FEW[1:]) for reading in list(Reading)[1:] for mask in Mask),
    ("common:3/past", (2,), SHORT),
    ("mean:3/past", (1, 1), SHORTER),
    ("rightmost:3/past", (1, 1), SHORTER),
    ("count/all", (2,), SHORT),
    ("count/past", (2,), SHORT),
    ("rightmost/past", (2,), SHORT),
    ("count/all+indices", (1,), SHORTER),
    ("common/past+indices", (1,), SHORTER),
    ("count/all", (1, 1), SHORTER),
    ("count/past", (1, 1), SHORTER),
    ("rightmost/past", (1, 1), SHORTER),
    ("common/past", (1, 1), SHORTER),
    ("mean/upto", (1, 1), SHORTER),
    ("count/upto", (1, 1, 1), SHORTER),
]


@pytest.mark.parametrize(("name", "shape", "words"), CASES)
def test_search_agrees_with_trying_every_program(name: str, shape: tuple[int, ...], words: list[Word]) -> None:
    """Functions that some program computes, made coarser, the same with outputs exchanged, and any functions at all."""
    cls = parse_head_class(name)
    programs = sorted(every_program(cls, shape, words), key=repr)
    random = Random(f"{name} {shape}")
    answers = []
    for number in range(24):
        made = random.choice(programs)
        output = [random.choice((0, 1, 2, ANYTHING)) for _ in range(64)]
        table = [(word, [output[int(str(state))] for state in row]) for word, row in zip(words, made, strict=True)]
        for _ in range(random.randrange(4)):
            outputs = random.choice(table)[1]
            outputs[random.randrange(len(outputs))] = random.randrange(3)
        if number % 4 == 0:
            table = [(word, [random.choice((0, 1, ANYTHING)) for _ in word]) for word in words]
        exists = any(computes(rows, [outputs for _, outputs in table]) for rows in programs)
        found = search(cls, shape, table, 60)
        assert isinstance(found, Exists if exists else Absent)
        answers.append(exists)
    assert True in answers
    assert False in answers or cls.indices or len(words) <= len(LETTERS)
