"""Classes of words that are alike, and their first members, against the definition by brute force."""

from collections.abc import Iterator
from itertools import pairwise, permutations, product

import numpy as np
import pytest

from verifier.reductions import canonical
from verifier.reductions.classes import Classes, Digits, Tokens

NAMED, RENAMED, ORDERED = Tokens


def alike(classes: Classes, word: Digits) -> set[Digits]:
    """The class of the word, by the definition: every permutation of the group, every choice of symbols in order."""
    digits = range(classes.symbols)
    maps: Iterator[dict[int, int]]
    if classes.tokens is RENAMED:
        (group,) = classes.groups
        maps = (dict(zip(group, image, strict=True)) for image in permutations(group))
    else:
        # Every map that keeps each group, is strictly monotone on what the word uses, and the rest where it is.
        inside = {digit: group for group in classes.groups for digit in group}
        used = sorted(set(word))
        images = product(*(inside.get(digit, (digit,)) for digit in used))
        maps = (dict(zip(used, image, strict=True)) for image in images if all(a < b for a, b in pairwise(image)))
    found = {tuple(move.get(digit, digit) for digit in word) for move in maps}
    assert all(digit in digits for one in found for digit in one)
    return {moved for one in found for moved in permutations(one)} if classes.positions else found


def relations() -> Iterator[Classes]:
    for positions in (False, True):
        yield from (Classes(size, positions=positions) for size in (1, 2, 3))
        for size, group in ((1, (0,)), (2, (0, 1)), (3, (0, 1, 2)), (4, (0, 1, 3)), (4, (1, 3)), (4, (1, 2, 3))):
            yield Classes(size, RENAMED, (group,), positions)
        for size, groups in ((1, ((0,),)), (3, ((0, 1, 2),)), (4, ((0, 1), (2, 3))), (5, ((0,), (2, 3, 4))), (2, ())):
            yield Classes(size, ORDERED, groups, positions)


@pytest.mark.parametrize("most", [5, 1 << 18])
@pytest.mark.parametrize("classes", tuple(relations()), ids=str)
def test_the_first_words_of_all_classes_come_in_order(classes: Classes, most: int) -> None:
    for length in range(6 if classes.positions else 5):
        every = list(product(range(classes.symbols), repeat=length))
        expected = [word for word in every if word == min(alike(classes, word))]
        chunks = list(canonical.words(classes, length, most))
        assert all(chunk.shape[1] <= most for chunk in chunks)
        found = [tuple(map(int, column)) for chunk in chunks for column in chunk.T]
        assert found == expected
        assert classes.count(length) == len(expected)
        for word in every:
            other = classes.another(word)
            assert (other is None) is (alike(classes, word) == {word})
            assert other is None or (other != word and other in alike(classes, word))


def test_the_numbers_of_classes_are_the_known_ones() -> None:
    """Bell and Fubini numbers, partitions, multisets (OEIS A000110, A000670, A000041; stars and bars)."""
    renamed = [Classes(n, RENAMED, (tuple(range(n)),)) for n in range(1, 13)]
    assert [classes.count(n) for n, classes in enumerate(renamed, 1)] == [
        *(1, 2, 5, 15, 52, 203, 877, 4140, 21147, 115975, 678570, 4213597)
    ]
    ordered = [Classes(n, ORDERED, (tuple(range(n)),)) for n in range(1, 9)]
    assert [classes.count(n) for n, classes in enumerate(ordered, 1)] == [1, 3, 13, 75, 541, 4683, 47293, 545835]
    assert ordered[7].with_positions().count(8) == 2**7
    assert Classes(50, RENAMED, (tuple(range(50)),), positions=True).count(50) == 204226
    assert Classes(4, positions=True).count(64) == 47905
    assert Classes(3).count(20) == 3**20


def test_large_numbers_of_words_are_walked_in_order() -> None:
    for classes, length in (
        (Classes(50, RENAMED, (tuple(range(50)),), positions=True), 50),
        (Classes(4, positions=True), 64),
        (Classes(8, ORDERED, (tuple(range(8)),)), 8),
    ):
        before: Digits = ()
        total = 0
        for chunk in canonical.words(classes, length, 1 << 16):
            total += chunk.shape[1]
            first, last = tuple(map(int, chunk[:, 0])), tuple(map(int, chunk[:, -1]))
            assert before < first <= last
            before = last
            assert chunk.shape[1] == len({column.tobytes() for column in np.ascontiguousarray(chunk.T)})
        assert total == classes.count(length)


def test_relations_that_mean_nothing_are_refused() -> None:
    for tokens, groups in (
        (NAMED, ((0, 1),)),
        (RENAMED, ()),
        (RENAMED, ((0,), (1,))),
        (RENAMED, ((1, 0),)),
        (RENAMED, ((),)),
        (ORDERED, ((0, 2),)),
        (ORDERED, ((0, 1), (1, 2))),
        (ORDERED, ((2, 3, 4),)),
    ):
        with pytest.raises(ValueError, match="group"):
            Classes(4, tokens, groups)
