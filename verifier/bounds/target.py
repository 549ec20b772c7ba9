"""What is to be computed: an output for each position of each word, or nothing where any output will do.

A target is given by an s-op, by a Python function, by a regular expression or by a Mealy machine. Outputs count as
equal when they are equal atoms (`1 == 1.0`), so that a bound never rests on a difference of kind alone.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from spec.diagnostics import Diagnostic, EvaluationError, UsageError
from spec.graph import SOp
from spec.interp import Interpreter
from spec.property.ast import Regex
from spec.property.language import Automaton, automaton, spell
from spec.property.scope import Scope
from spec.source import Source, Span
from spec.values import Atom, Numbers

Word: TypeAlias = tuple[Atom, ...]
Outputs: TypeAlias = Sequence[Hashable]


class _Anything:
    """The output where any output will do."""

    def __repr__(self) -> str:
        return "anything"


ANYTHING: Final = _Anything()


class Target(Protocol):
    """A function from words to outputs at every position."""

    @property
    def name(self) -> str:
        """How it is called in reports."""
        ...

    def outputs(self, word: Word) -> Outputs:
        """One output for each position; `ANYTHING` where none is asked for."""
        ...


@dataclass(eq=False)
class OfProgram:
    """The values of an s-op; anything on an input on which it fails. `node` is kept for the certificate."""

    name: str
    node: SOp
    numbers: Numbers

    def __post_init__(self) -> None:
        self._interpreter = Interpreter((self.node,), self.numbers)

    def outputs(self, word: Word) -> Outputs:
        """The values."""
        try:
            values = self._interpreter.run(word).values[self.node]
        except EvaluationError:
            return (ANYTHING,) * len(word)
        return tuple("nan" if value != value else value for value in values)


@dataclass(frozen=True, eq=False)
class OfFunction:
    """The values of a Python function from words to sequences, `ANYTHING` included."""

    name: str
    function: Callable[[Word], Outputs]

    def outputs(self, word: Word) -> Outputs:
        """The values, which must be one for each position."""
        found = tuple(self.function(word))
        if len(found) != len(word):
            raise UsageError(Diagnostic("R0503", f"{self.name} gives {len(found)} outputs for {len(word)} positions"))
        return found


@dataclass(frozen=True)
class Mealy:
    """A machine that reads a word from left to right: `steps[state][symbol]` is the next state and the output.

    The outputs are asked for at every position, or, `last_only`, at the last one.
    """

    name: str
    start: str
    steps: Mapping[str, Mapping[Atom, tuple[str, Atom]]]
    last_only: bool = False

    def step(self, state: str, symbol: Atom) -> tuple[str, Atom]:
        """The next state and the output."""
        try:
            return self.steps[state][symbol]
        except KeyError:
            message = f"{self.name} has no step from state {state} on {symbol!r}"
            raise UsageError(Diagnostic("R0503", message)) from None

    def outputs(self, word: Word) -> Outputs:
        """The output of each step."""
        state = self.start
        found: list[Hashable] = []
        for symbol in word:
            state, output = self.step(state, symbol)
            found.append(output)
        return [ANYTHING] * (len(found) - 1) + found[-1:] if self.last_only else found


def of_regex(pattern: str, scope: Scope, every_prefix: bool = False) -> Mealy:
    """Whether the word is in a regular language, at the last position; or whether each prefix is, at its end."""
    text = f"/{pattern}/"
    machine = automaton(Regex(Span(Source("pattern", text), 0, len(text)), pattern), scope)
    steps = {str(state): dict(_steps(machine, state, scope)) for state in range(len(machine.transitions))}
    return Mealy(text + (" at every prefix" if every_prefix else ""), str(machine.start), steps, not every_prefix)


def _steps(machine: Automaton, state: int, scope: Scope) -> Iterator[tuple[Atom, tuple[str, Atom]]]:
    column = {symbol: k for k, symbol in enumerate(machine.symbols)}
    for symbol in scope.symbols:
        following = machine.transitions[state][column[spell(symbol)]]
        yield symbol, (str(following), following in machine.accepting)
