"""Level 3, heads: on tiny scopes synthesis says of every function what trying every program says.

Only which outputs are equal matters, so the functions on some points are the partitions of these points.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import pytest

from tests.unit.every_program import Rows, computes, every_program, every_program_by_rows
from verifier.bounds.classes import Mask
from verifier.bounds.encode import Encoder
from verifier.bounds.heads import Reading, parse_head_class
from verifier.bounds.synthesis import Absent, Exists, search
from verifier.bounds.target import ANYTHING, Outputs, Word
from verifier.recheck.heads import Family, _Clauses

TWO_LETTERS: list[Word] = [word for n in (1, 2) for word in product("01", repeat=n)]
ONE_LETTER: list[Word] = [("0",) * n for n in (1, 2, 3)]
SHAPES = [(1,), (2,), (1, 1)]
PURE = [f"{reading.value}/{mask.value}" for reading in Reading for mask in Mask]
MIXED = [
    "count,mean/all",
    "count,common/upto",
    "count,rightmost/past",
    "mean,leftmost/all",
    "rightmost,leftmost/all",
    "rightmost,leftmost/past,future",
    "count/past,all",
    "mean/past,from",
    "count,mean:3/all,past",
    "common:3,mean/upto,future",
]
QUICK = ["count/all", "leftmost/future", "count,common/upto", "count,rightmost/past", "count/past,all"]
INDICES = [f"{name}+indices" for name in [*PURE, *MIXED]]


def partitions(size: int) -> Iterator[tuple[int, ...]]:
    """Every partition of so many things, as the number of the part of each: parts in order of their first things."""
    rows: list[tuple[int, ...]] = [()]
    for _ in range(size):
        rows = [(*row, part) for row in rows for part in range(1 + max(row, default=-1) + 1)]
    yield from rows


def of_words(words: Sequence[Word]) -> Iterator[list[Outputs]]:
    """Every function of words, asked for at their last positions."""
    for numbers in partitions(len(words)):
        yield [[ANYTHING] * (len(word) - 1) + [number] for word, number in zip(words, numbers, strict=True)]


def of_points(words: Sequence[Word], outputs: int) -> Iterator[list[Outputs]]:
    """Every function of words and positions with at most so many outputs."""
    for numbers in partitions(sum(map(len, words))):
        if max(numbers) < outputs:
            flat = iter(numbers)
            yield [[next(flat) for _ in word] for word in words]


def same_on_every_function(name: str, shape: tuple[int, ...], words: list[Word], functions: list[list[Outputs]]) -> int:
    """How many of the functions have a program."""
    cls = parse_head_class(name)
    programs: set[Rows] = every_program_by_rows(cls, shape, words)
    computed = 0
    for outputs in functions:
        exists = any(computes(rows, outputs) for rows in programs)
        found = search(cls, shape, list(zip(words, outputs, strict=True)), 60)
        assert isinstance(found, Exists if exists else Absent), outputs
        computed += exists
    return computed


def test_there_are_as_many_functions_as_partitions() -> None:
    assert [len(list(partitions(n))) for n in range(7)] == [1, 1, 2, 5, 15, 52, 203]
    assert len(list(of_points(TWO_LETTERS, 2))) == 2**9


def quickly(names: list[str]) -> list[object]:
    """Those that are not quick are for the slow tests."""
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", quickly([*PURE, *MIXED]))
def test_programs_found_row_by_row_are_those_found_one_by_one(name: str, shape: tuple[int, ...]) -> None:
    words = TWO_LETTERS if shape == (1,) else [("0",), ("0", "1"), ("1", "1")]
    cls = parse_head_class(name)
    assert every_program_by_rows(cls, shape, words) == every_program(cls, shape, words)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", quickly([*PURE, *MIXED, *INDICES]))
def test_every_function_of_words_has_a_program_when_one_of_all_computes_it(name: str, shape: tuple[int, ...]) -> None:
    """Asked for at the last position; all functions of the words of two letters up to length 2."""
    assert same_on_every_function(name, shape, TWO_LETTERS, list(of_words(TWO_LETTERS)))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [*PURE, *MIXED, *INDICES])
def test_every_function_of_positions_has_a_program_when_one_of_all_computes_it(
    name: str, shape: tuple[int, ...]
) -> None:
    """All with two outputs on the same words; all whatever on words of one letter up to length 3."""
    assert same_on_every_function(name, shape, TWO_LETTERS, list(of_points(TWO_LETTERS, 2)))
    assert same_on_every_function(name, shape, ONE_LETTER, list(of_points(ONE_LETTER, 6)))


def test_heads_of_two_kinds_compute_what_two_of_neither_do() -> None:
    """The search chooses the kinds: of 512 functions of positions, those of one kind have 62."""
    functions = list(of_points(TWO_LETTERS, 2))
    pure = [every_program_by_rows(parse_head_class(name), (2,), TWO_LETTERS) for name in ("count/past", "count/all")]
    of_one_kind = [any(computes(rows, outputs) for rows in pure[0] | pure[1]) for outputs in functions]
    assert (of_one_kind.count(True), len(functions)) == (62, 512)
    cls = parse_head_class("count/past,all")
    for outputs, known in zip(functions[::8], of_one_kind[::8], strict=True):
        found = search(cls, (2,), list(zip(TWO_LETTERS, outputs, strict=True)), 60)
        assert isinstance(found, Exists)
        assert known or {head.kind.mask for head in found.tables.heads[0]} == {Mask.PAST, Mask.ALL}


def clauses_of_search(name: str, shape: tuple[int, ...], table: list[tuple[Word, Outputs]]) -> set[frozenset[object]]:
    encoder = Encoder(parse_head_class(name), shape)
    for word, outputs in table:
        encoder.add(word, outputs)
    named = {number: name for name, number in encoder.variable.numbers.items()}
    return {frozenset((literal > 0, named[abs(literal)]) for literal in clause) for clause in encoder.clauses}


@pytest.mark.parametrize("shape", [(), (1,), (2, 1), (1, 1, 1)])
@pytest.mark.parametrize(
    "name", ["count/all", "mean:3/past+indices", *MIXED, "count,common:4,mean:3/upto,from+indices"]
)
def test_search_and_checker_make_the_same_clauses(name: str, shape: tuple[int, ...]) -> None:
    """Of words with one output asked for at one point twice, some for nothing, and points that a prefix decides."""
    cls = parse_head_class(name)
    words = [("0", "1"), ("1", "1", "0"), ("0", "1", "1"), ("0",)]
    table: list[tuple[Word, Outputs]] = [(word, [*range(len(word) - 1), ANYTHING][-len(word) :]) for word in words]
    readings = [(reading.value, values) for reading, values in cls.readings]
    family = Family(readings, [mask.value for mask in cls.masks], cls.indices)
    clauses = _Clauses(family, shape, table, lambda output: output is not ANYTHING).all()
    checked, made = {frozenset(clause) for clause in clauses}, clauses_of_search(name, shape, table)
    assert made <= checked
    # The checker also puts the values of keys in order that nobody sees.
    assert all({name[0] for _, name in clause} <= {"V", "v"} for clause in checked - made)
