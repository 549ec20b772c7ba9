"""The fewest heads of any program of a class: counterexample-guided search over words, with a proof below.

For a shape (heads of each layer) the search keeps a set of words. The clauses of these words have no model: then no
program of this shape computes the function on any scope that has these words. They have one: it is a program, run on
every word of the scope; words on which it gives equal final states for different outputs join the set. Where programs
of the class are automata and the target is one too, words of every length are looked at (`verifier.bounds.forever`).
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Final, TypeAlias

from spec.diagnostics import InternalError
from spec.property.scope import Scope
from spec.values import Atom
from verifier.bounds.depth import word_table
from verifier.bounds.encode import Encoder
from verifier.bounds.forever import Confused, Settled, explore, finite_state
from verifier.bounds.heads import Disagreement, Head, HeadClass, Run, Tables
from verifier.bounds.sat import Contradiction, Growing, Model, solve
from verifier.bounds.target import ANYTHING, Mealy, Outputs, Target, Word

Shape: TypeAlias = tuple[int, ...]

MAX_WORDS: Final = 32
MAX_LEMMAS: Final = 2_000
"""A proof about at most so many words with at most so many lemmas is made again with fewer words."""


@dataclass(frozen=True)
class Exists:
    """A program of this shape, and the output for each final state.

    `configurations`: it is right on words of every length, and as an automaton has so many configurations.
    """

    shape: Shape
    tables: Tables
    outputs: tuple[Hashable, ...]
    configurations: int | None = None


@dataclass(frozen=True)
class Absent:
    """No program of this shape: these words with their outputs, and the proof about their clauses."""

    shape: Shape
    words: tuple[tuple[Word, tuple[Hashable, ...]], ...]
    names: tuple[tuple[Hashable, ...], ...]
    proof: tuple[str, ...]


@dataclass(frozen=True)
class Undecided:
    """Not decided in time."""

    shape: Shape
    seconds: float


Found: TypeAlias = Exists | Absent | Undecided


Tell: TypeAlias = Callable[[str], None]
"""Is told what is looked at."""


@dataclass(frozen=True)
class HeadFront:
    """Every shape that was looked at, and the least of those that exist.

    `shorter` (`verifier.bounds.growth`): programs for inputs up to a length, of shapes without one for the whole scope.
    """

    cls: HeadClass
    scope: Scope
    target: Target
    found: tuple[Found, ...]
    shorter: tuple[tuple[int, Exists], ...] = ()

    @property
    def minimal(self) -> tuple[Exists, ...]:
        """The programs whose shape no smaller one found replaces."""
        exists = [one for one in self.found if isinstance(one, Exists)]
        return tuple(one for one in exists if not any(within(x.shape, one.shape) and x is not one for x in exists))

    @property
    def open(self) -> tuple[Undecided, ...]:
        """The shapes that were not decided."""
        return tuple(one for one in self.found if isinstance(one, Undecided))


def within(small: Shape, large: Shape) -> bool:
    """Whether a program of the small shape is one of the large shape: its layers fit, in order, into others."""
    place = 0
    for heads in small:
        while place < len(large) and large[place] < heads:
            place += 1
        if place == len(large):
            return False
        place += 1
    return True


def fewest_heads(
    cls: HeadClass,
    target: Target,
    scope: Scope,
    layers: int = 2,
    heads: int = 3,
    seconds: float = 60.0,
    tell: Tell = lambda _: None,
) -> HeadFront:
    """Look at each shape of so many layers and so many heads in all, small ones first, for so many seconds each."""
    table = word_table(target, scope)
    machine = target if isinstance(target, Mealy) and finite_state(cls) else None
    found: list[Found] = []
    for shape in shapes(layers, heads):
        if any(isinstance(one, Exists) and within(one.shape, shape) for one in found):
            continue
        tell(f"{cls}, heads {shape_text(shape)}, {scope}")
        found.append(search(cls, shape, table, seconds, machine, scope.symbols))
    return HeadFront(cls, scope, target, tuple(found))


def shape_text(shape: Shape) -> str:
    """`2/1`; `none` without heads."""
    return "/".join(map(str, shape)) or "none"


def shapes(layers: int, heads: int) -> Iterator[Shape]:
    """Shapes without empty layers: fewest heads first, then fewest layers."""
    yield ()
    for total in range(1, heads + 1):
        for depth in range(1, min(layers, total) + 1):
            yield from _parts(total, depth)


def _parts(total: int, depth: int) -> Iterator[Shape]:
    if depth == 1:
        yield (total,)
        return
    for first in range(total - depth + 1, 0, -1):
        yield from ((first, *rest) for rest in _parts(total - first, depth - 1))


def search(
    cls: HeadClass,
    shape: Shape,
    table: Sequence[tuple[Word, Outputs]],
    seconds: float,
    machine: Mealy | None = None,
    symbols: Sequence[Atom] = (),
) -> Found:
    """A program of this shape, or words that none of this shape gets right; with a machine, of any length."""
    begun = process_time()
    chosen: dict[Word, Outputs] = {}
    encoder = Encoder(cls, shape)
    with Growing() as solver:
        while True:
            outcome = solver.solve(encoder.clauses, max(0.0, seconds - (process_time() - begun)))
            if outcome is None:
                return _absent(cls, shape, chosen, seconds - (process_time() - begun))
            if not isinstance(outcome, Model):
                return Undecided(shape, process_time() - begun)
            run, heads = encoder.heads(outcome.true)
            judged = _judged(run, heads, table, machine, symbols)
            if isinstance(judged, _Right):
                tables = Tables(cls, tuple(run.states), tuple(heads))
                return Exists(shape, tables, judged.outputs, judged.configurations)
            fresh = {word: out for word, out in judged if word not in chosen}
            if not fresh:
                raise InternalError("a program that is right on the words of the search is wrong on them")
            chosen |= fresh
            for word, outputs in fresh.items():
                encoder.add(word, outputs)
            if process_time() - begun >= seconds:
                return Undecided(shape, process_time() - begun)


# ------------------------------------------------------------------------------------------------ no program


def _absent(cls: HeadClass, shape: Shape, chosen: Mapping[Word, Outputs], seconds: float) -> Found:
    """The proof for these words, or for fewer of them where that is soon found."""
    words = dict(chosen)
    refuted = _refuted(cls, shape, words, seconds)
    if not isinstance(refuted, Absent) or len(words) > MAX_WORDS or len(refuted.proof) > MAX_LEMMAS:
        return refuted
    for word in reversed(list(chosen)):
        fewer = {other: outputs for other, outputs in words.items() if other != word}
        smaller = _refuted(cls, shape, fewer, 0.0)
        if isinstance(smaller, Absent):
            words, refuted = fewer, smaller
    return refuted


def _refuted(cls: HeadClass, shape: Shape, words: Mapping[Word, Outputs], seconds: float) -> Absent | Undecided:
    """`Undecided` also where there is a program."""
    begun = process_time()
    encoder = Encoder(cls, shape)
    for word, outputs in words.items():
        encoder.add(word, outputs)
    outcome = solve(encoder.clauses, seconds)
    if isinstance(outcome, Contradiction):
        listed = tuple((word, tuple(outputs)) for word, outputs in words.items())
        return Absent(shape, listed, tuple(encoder.variable.numbers), outcome.proof)
    return Undecided(shape, process_time() - begun)


# ------------------------------------------------------------------------------------------------ a program


@dataclass(frozen=True)
class _Right:
    """The output for each final state; the configurations, where words of every length were looked at."""

    outputs: tuple[Hashable, ...]
    configurations: int | None


def _judged(
    run: Run,
    heads: Sequence[Sequence[Head]],
    table: Sequence[tuple[Word, Outputs]],
    machine: Mealy | None,
    symbols: Sequence[Atom],
) -> _Right | list[tuple[Word, Outputs]]:
    """What a program does on all words, or one or two words on which it is wrong."""
    wrong, outputs = _wrong(run, heads, table)
    if wrong or machine is None:
        return wrong or _Right(outputs, None)
    found = explore(Run(run.cls, run.states), heads, machine, symbols)
    if isinstance(found, Confused):
        return [(word, machine.outputs(word)) for word in found.words]
    return _Right(outputs, found.configurations if isinstance(found, Settled) else None)


def _wrong(
    run: Run, heads: Sequence[Sequence[Head]], table: Sequence[tuple[Word, Outputs]]
) -> tuple[list[tuple[Word, Outputs]], tuple[Hashable, ...]]:
    """The words of the first fault, if there is one; and the output for each final state.

    A fault is one word on which values disagree, or two that end in one state and ask for different outputs.
    """
    first: dict[int, tuple[Hashable, Word, Outputs]] = {}
    for word, outputs in table:
        try:
            states = run.final(word, heads)
        except Disagreement:
            return [(word, outputs)], ()
        for state, output in zip(states, outputs, strict=True):
            if output is ANYTHING:
                continue
            known = first.setdefault(state, (output, word, outputs))
            if known[0] != output:
                return [(known[1], known[2]), (word, outputs)], ()
    final = run.states[len(heads)]
    return [], tuple(first[n][0] if n in first else ANYTHING for n in range(len(final)))
