"""Some words of a scope that is too large to list, among which points that look alike may be found.

What a layer tells about a word depends on nothing but the word, so two points that look alike among a few words look
alike among all: any choice is sound, and a good one finds points that many layers do not tell apart. Those are mostly
found in long words of few blocks (a..ab..b), where one letter more or less makes no difference to few layers; so these
come after the shortest words, then words at random, and then neighbours of the words of the best points so far.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise, product
from random import Random
from typing import Final

from spec.property.scope import Scope
from spec.values import Atom
from verifier.bounds.target import Word

MAX_WORK: Final = 1_500_000
"""At most so many pairs of positions are in the words that are looked at, about."""
_BLOCKS: Final = 8
_PATTERNS: Final = 24
_DIVISIONS: Final = 40
_RANDOM: Final = 5_000
_SEED: Final = 1


def telling_words(scope: Scope) -> list[Word]:
    """Words of the scope, each once: short ones, long ones of few blocks, random ones; as many as `MAX_WORK` allows."""
    random = Random(_SEED)
    chosen: dict[Word, None] = {}
    work = 0
    sources = (scope.inputs(), MAX_WORK // 10), (_of_blocks(scope, random), MAX_WORK), (_any(scope, random), MAX_WORK)
    for source, most in sources:
        for word in source:
            work += len(word) ** 2 if word not in chosen else 0
            if work > most:
                work -= len(word) ** 2
                break
            chosen[word] = None
    return list(chosen)


def neighbours(word: Word, scope: Scope) -> Iterator[Word]:
    """The words of the scope that one letter more, another one, or one less makes of it."""
    for i, symbol in product(range(len(word) + 1), scope.symbols):
        for rest in (word[i:], word[i + 1 :]):
            if (other := (*word[:i], symbol, *rest)) in scope:
                yield other
    for i in range(len(word)):
        if (shorter := (*word[:i], *word[i + 1 :])) in scope:
            yield shorter


def _of_blocks(scope: Scope, random: Random) -> Iterator[Word]:
    """Words of 1, 2, .. blocks of equal letters, the longest first for each number of blocks."""
    lengths = list(scope.lengths())[::-1]
    for blocks, length in product(range(1, _BLOCKS + 1), lengths):
        if blocks <= length:
            for letters, ends in product(_patterns(scope.symbols, blocks, random), _divisions(length, blocks, random)):
                yield tuple(letter for letter, (a, b) in zip(letters, pairwise(ends), strict=True) for _ in range(a, b))


def _patterns(symbols: Sequence[Atom], blocks: int, random: Random) -> list[Word]:
    """Letters of blocks, neighbours different: all, or some of them."""
    if len(symbols) ** blocks <= _PATTERNS:
        return [letters for letters in product(symbols, repeat=blocks) if _changing(letters)]
    drawn = (tuple(random.choice(symbols) for _ in range(blocks)) for _ in range(8 * _PATTERNS))
    return list(islice(dict.fromkeys(filter(_changing, drawn)), _PATTERNS))


def _changing(letters: Word) -> bool:
    return all(one != other for one, other in pairwise(letters))


def _divisions(length: int, blocks: int, random: Random) -> list[tuple[int, ...]]:
    """Where blocks begin and end: the most even division, and some others."""
    even = tuple(length * k // blocks for k in range(blocks + 1))
    inner = range(1, length)
    drawn = ((0, *sorted(random.sample(inner, blocks - 1)), length) for _ in range(_DIVISIONS))
    return list(dict.fromkeys((even, *drawn)))


def _any(scope: Scope, random: Random) -> Iterator[Word]:
    lengths = list(scope.lengths())
    for number in range(_RANDOM):
        yield tuple(random.choice(scope.symbols) for _ in range(lengths[-1 - number % len(lengths)]))
