"""What a transformer is trained and tested on: words, what the program says about them, and what its selectors select.

Every word belongs to one of two parts, decided by a hash of the word and the seed: about a tenth is held out. Training
draws from the one part and measuring from the other, so that no accuracy is ever that of words that were trained on,
however often words are drawn.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from typing import Final, TypeAlias

from compiled.errors import NotTrained
from spec.cost import TRANSFORMER, as_soon_as_possible, selector_of
from spec.graph import Selector, SOp
from spec.interp import Interpreter, ProgramFailure
from spec.values import Atom, Numbers, atom_key

Word: TypeAlias = tuple[Atom, ...]

HELD_OUT: Final = 26
"""A word is held out when the first byte of its hash is less: about one word in ten."""
_TRIES: Final = 2_000
"""So many words in a row may be unfit before drawing is given up."""
_LISTED: Final = 4_096
"""Up to so many words of one length are listed instead of drawn."""


@dataclass(frozen=True)
class Example:
    """A word, the value at each of its positions, and for each selector and query the bits of the keys selected."""

    word: Word
    values: tuple[Atom, ...]
    rows: Mapping[Selector, tuple[int, ...]]


@dataclass(frozen=True)
class Source:
    """Where words come from: an alphabet, and what they must satisfy besides having a value.

    `accept` is a precondition; words that it turns down are neither trained nor tested on.
    """

    sop: SOp
    numbers: Numbers
    alphabet: tuple[Atom, ...]
    seed: int = 0
    accept: Callable[[Word], bool] | None = None

    @cached_property
    def _interpreter(self) -> Interpreter:
        return Interpreter((self.sop,), self.numbers)

    def selectors(self) -> tuple[tuple[Selector, ...], ...]:
        """The selectors that the program attends with, for each layer of its earliest schedule.

        Under the cost model `transformer`; each selector is one head.
        """
        schedule = as_soon_as_possible((self.sop,), TRANSFORMER)
        found: list[dict[Selector, None]] = [{} for _ in range(schedule.layers)]
        for read, layer in schedule.layer.items():
            found[layer - 1][selector_of(read)] = None
        return tuple(map(tuple, found))

    def is_held_out(self, word: Word) -> bool:
        """Whether a word belongs to the part that is never trained on."""
        text = repr((self.seed, [atom_key(atom) for atom in word]))
        return hashlib.sha256(text.encode()).digest()[0] < HELD_OUT

    def stream(self, chance: random.Random, lengths: range, *, held_out: bool) -> Iterator[Example]:
        """Random examples of one part without end; `NotTrained` where none can be found.

        A word has a length of `lengths` and is written with a random choice of symbols, few or all, so that it may
        repeat itself.
        """
        missed = 0
        while missed < _TRIES:
            some = chance.sample(self.alphabet, chance.randint(1, len(self.alphabet)))
            word = tuple(chance.choices(some, k=chance.choice(lengths)))
            example = self._example(word, held_out)
            missed = missed + 1 if example is None else 0
            if example is not None:
                yield example
        raise NotTrained(f"{_TRIES} random inputs in a row fail, or break the preconditions: nothing to learn from")

    def measured(self, length: int, wanted: int) -> tuple[Example, ...]:
        """Up to `wanted` different held-out examples of one length, the same ones each time."""
        chance = random.Random(f"measure {self.seed} {length}")
        if len(self.alphabet) ** length <= _LISTED:
            words = list(product(self.alphabet, repeat=length))
            chance.shuffle(words)
            found = (self._example(word, True) for word in words)
            return tuple(example for example in found if example is not None)[:wanted]
        kept: dict[Word, Example] = {}
        with suppress(NotTrained):
            for example in islice(self.stream(chance, range(length, length + 1), held_out=True), 4 * wanted):
                kept.setdefault(example.word, example)
        return tuple(kept.values())[:wanted]

    def _example(self, word: Word, held_out: bool) -> Example | None:
        if self.is_held_out(word) is not held_out or (self.accept is not None and not self.accept(word)):
            return None
        try:
            run = self._interpreter.run(word)
        except ProgramFailure:
            return None
        return Example(word, run.values[self.sop], run.rows)


def classes(examples: Sequence[Example]) -> tuple[Atom, ...]:
    """The different values, in order; atoms that are equal are one class."""
    found = {value: None for example in examples for value in example.values}
    return tuple(sorted(found, key=lambda atom: (isinstance(atom, str), atom)))
