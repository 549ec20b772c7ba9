"""Inputs on which a program has a value, and what its nodes are there: where candidates for merging come from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from spec.diagnostics import EvaluationError
from spec.graph import Node, SOp, topological
from spec.interp import Interpreter, Run
from spec.property.scope import Integers, Scope
from spec.values import Atom, Numbers
from verifier.bounds.compare import Word, of_run

_WORK = 60_000
"""So many values of nodes are computed, about."""
_FEWEST, _MOST = 40, 400
"""So many inputs are looked at, at least and at most."""
_NEAR_ZERO = 8


def inputs(scope: Scope, wanted: int, seed: int = 0) -> Iterator[Word]:
    """About so many inputs: short lengths completely while they are few, then some at random of each length."""
    lengths = list(scope.lengths())
    each = max(1, wanted // len(lengths))
    random = Random(seed)
    symbols = _symbols(scope)
    for length in lengths:
        count = scope.count(length)
        if count is not None and count <= each:
            yield from scope.inputs(length)
        else:
            yield from dict.fromkeys(tuple(random.choices(symbols, k=length)) for _ in range(each))


def _symbols(scope: Scope) -> tuple[Atom, ...]:
    """The symbols, or those next to zero where there are very many."""
    alphabet = scope.alphabet
    if not isinstance(alphabet, Integers) or (scope.size is not None and scope.size <= 2 * _NEAR_ZERO):
        return scope.symbols
    centre = alphabet.nearest_zero
    return tuple(x for x in range(centre - _NEAR_ZERO, centre + _NEAR_ZERO + 1) if scope.has_symbol(x))


@dataclass(eq=False)
class Samples:
    """A program on some inputs; those on which it fails are left out."""

    roots: tuple[Node, ...]
    numbers: Numbers
    words: list[Word] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    @staticmethod
    def over(roots: tuple[Node, ...], numbers: Numbers, scope: Scope) -> "Samples":
        """The program on as many inputs of the scope as its size allows."""
        size = len(topological(roots))
        made = Samples(roots, numbers)
        made.add(inputs(scope, min(_MOST, max(_FEWEST, _WORK // size))))
        return made

    def add(self, words: Iterable[Word]) -> None:
        """More inputs."""
        interpreter = Interpreter(self.roots, self.numbers)
        for word in words:
            try:
                run = interpreter.run(word)
            except EvaluationError:
                continue
            self.words.append(word)
            self.runs.append(run)

    def again(self, root: Node) -> "Samples":
        """Another program on the same inputs."""
        made = Samples((root,), self.numbers)
        made.add(self.words)
        return made

    def signature(self, node: Node) -> tuple[object, ...]:
        """What a node of the program is on each input; equal for nodes whose values are equal."""
        return tuple(of_run(node, run, False) for run in self.runs)

    def constant(self, node: SOp) -> Atom | None:
        """The value that the node has everywhere, with the kind that it has where it is first seen."""
        atoms = [atom for run in self.runs for atom in run.values[node]]
        same = bool(atoms) and all(atom == atoms[0] for atom in atoms)
        return atoms[0] if same else None

    def agree(self, node: Node, other: Node, strictly: bool = False) -> bool:
        """Whether a node of the program and a node from elsewhere are the same on these inputs, as far as is seen."""
        interpreter = Interpreter((other,), self.numbers)
        for word, run in zip(self.words, self.runs, strict=True):
            try:
                found = interpreter.run(word)
            except EvaluationError:
                return False
            if of_run(other, found, strictly) != of_run(node, run, strictly):
                return False
        return True
