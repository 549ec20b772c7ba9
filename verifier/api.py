"""The tool from Python: in tests, in notebooks, in scripts.

    import verifier

    def test_sort():
        answer = verifier.prove("sort.rasp", "forall i, j: i < j => out[i] <= out[j]", lengths=(1, 6), alphabet="abc")
        assert answer.proved, answer

An `Answer` is no truth value: what is not proved need not be refuted. Everything happens in this process, under the
limits of the engines; `rasp check` and the pytest plugin use processes of their own, which can be killed.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

from spec.cost import MODELS
from spec.diagnostics import Diagnostic, UsageError
from spec.elaborate import Program as Elaborated
from spec.interp import evaluate
from spec.property.bound import BoundProperty
from spec.property.carriers import KEYWORDS
from spec.property.evaluate import Checker, Status
from spec.property.explain import Explanation
from spec.source import Source
from spec.values import Atom, Numbers
from verifier.bounds.written import as_written
from verifier.check import Options
from verifier.engine import Limits, Reason
from verifier.report import text
from verifier.report.counterexample import counterexample
from verifier.report.flow import drawing
from verifier.report.html import fragment, framed
from verifier.report.markup import element
from verifier.report.result import Result
from verifier.running.jobs import Job, describe, work
from verifier.running.overrides import Overrides
from verifier.running.selection import select, stated
from verifier.running.subject import Subject
from verifier.verdict import Proved, Refuted, Unknown, Verdict, Witness, as_expected
from verifier.views import Bounds, Picture, Selection

__all__ = ["Answer", "Answers", "CounterexampleError", "Program", "find", "load", "loads", "prove", "verify"]

Lengths = str | int | tuple[int, int] | range
Symbols = str | Sequence[Atom]


class CounterexampleError(AssertionError):
    """A property is not what it was required to be; the message shows why."""


@dataclass(frozen=True, repr=False)
class Answer:
    """The answer to one question, which prints as `rasp check --verbose` prints it."""

    result: Result

    @property
    def verdict(self) -> Verdict:
        """The verdict; match on it."""
        return self.result.verdict

    @property
    def proved(self) -> bool:
        """Whether the property holds on every input of the scope."""
        return isinstance(self.result.verdict, Proved)

    @property
    def refuted(self) -> bool:
        """Whether an input breaks the property. Neither proved nor refuted: vacuous, unknown, or an error."""
        return isinstance(self.result.verdict, Refuted)

    @property
    def input(self) -> tuple[Atom, ...] | None:
        """The counterexample, or the input that was asked for."""
        match self.result.verdict:
            case Refuted(witness=Witness(word=word)) | Proved(witness=Witness(word=word)):
                return word
            case _:
                return None

    @property
    def bound(self) -> str:
        """The verdict with its bound: `PROVED n ≤ 8`."""
        return text.headline(self.result)

    def require(self) -> Self:
        """Itself when the verdict is the expected one; otherwise raises `CounterexampleError` with the run."""
        if not as_expected(self.result.verdict, self.result.expected):
            raise CounterexampleError(str(self))
        return self

    def __bool__(self) -> NoReturn:
        raise TypeError("an answer is not a truth value; ask for .proved or .refuted")

    def __str__(self) -> str:
        return "\n".join([text.line(self.result), *(f"    {line}" for line in text.details(self.result, verbose=True))])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The answer in a notebook."""
        return fragment([self.result])


class Answers(list[Answer]):
    """The answers to all questions of a contract."""

    def __repr__(self) -> str:
        return "\n".join(text.line(answer.result) for answer in self)

    def _repr_html_(self) -> str:
        """The answers in a notebook."""
        return fragment([answer.result for answer in self])


@dataclass(frozen=True, eq=False, repr=False)
class Program:
    """A program and its contract."""

    subject: Subject

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return self.subject.source.name

    def verify(self, name: str | None = None, *, engine: str = "auto", wall: float = 60.0) -> Answers:
        """An answer for each property of the contract, or for those that a name means."""
        job = self._job(Overrides(), engine, wall)
        return Answers(Answer(work(job, bound)) for bound in select(self.subject, name, Overrides()))

    def prove(
        self,
        claim: str,
        *,
        lengths: Lengths | None = None,
        alphabet: Symbols | None = None,
        integers: str | tuple[int, int] | None = None,
        numbers: str | None = None,
        requires: str | Sequence[str] = (),
        engine: str = "auto",
        wall: float = 60.0,
    ) -> Answer:
        """Decide one property: an expression, or a clause such as `causal x`.

        What is left open of the scope is that of the program's own contract.
        """
        overrides = _overrides(lengths, alphabet, integers, numbers)
        given = (requires,) if isinstance(requires, str) else tuple(requires)
        clauses = "\n".join([*(f"requires {one}" for one in given), _clause(claim)])
        bound = stated(self.subject, clauses, overrides)
        if len(bound) != 1:
            raise UsageError(Diagnostic("R0501", f"one property was expected, not {len(bound)}"))
        return Answer(work(self._job(overrides, engine, wall), bound[0]))

    def find(self, condition: str, **scope: object) -> tuple[Atom, ...] | None:
        """The least input on which the condition is true; `None` when it is proved that there is none.

        The scope is given as for `prove`. When that could not be decided, `CounterexampleError` is raised.
        """
        answer = self.prove(f"cover {condition}", **scope)  # type: ignore[arg-type]  # the same names
        if not answer.proved and not answer.refuted:
            raise CounterexampleError(str(answer))
        return answer.input

    def replay(self, name: str, word: str | Sequence[Atom], *, numbers: str | None = None) -> bool:
        """Evaluate one property of the contract on one input; `CounterexampleError` when it fails there.

        False where nothing is claimed of this input, since a precondition excludes it.
        """
        tokens = tuple(word)
        found = [bound for bound in self._named(name) if numbers in (None, bound.property.scope.numbers.value)]
        if not found:
            raise UsageError(Diagnostic("R0502", f"{self.name} has no property `{name}`"))
        claimed = False
        for bound in found:
            outcome = Checker(bound).check(tokens)
            claimed |= outcome.status is not Status.SKIPPED
            if outcome.status is Status.FAILS:
                shown = counterexample(bound, Witness(tokens, str(outcome.explanation), _position(outcome.explanation)))
                lines = [f"{name} fails on {text.word_text(tokens)}", f"because {outcome.explanation}"]
                raise CounterexampleError("\n".join([*lines, *([] if shown is None else [shown.table])]))
        return claimed

    def elaborated(self, numbers: str = "exact") -> Elaborated:
        """The graph behind it, with the nodes of its names: what `compiled.compile_program` takes."""
        return self.subject(None, Numbers(numbers))

    def values(self, name: str, word: str | Sequence[Atom], numbers: str = "exact") -> tuple[Atom, ...]:
        """What an s-op is on one input."""
        meaning = Numbers(numbers)
        program = self.subject(None, meaning)
        sop = program.sop(name)
        return evaluate([sop], tuple(word), meaning, program.graph.spans).values[sop]

    def draw(self, name: str, word: str | Sequence[Atom], numbers: str = "exact") -> Picture:
        """The computation of an s-op on one input, by layer and head."""
        meaning = Numbers(numbers)
        program = self.subject(None, meaning)
        sop = program.sop(name)
        return Picture(drawing(program, sop, evaluate([sop], tuple(word), meaning, program.graph.spans)))

    def selector(self, name: str, word: str | Sequence[Atom], numbers: str = "exact") -> Selection:
        """What a selector selects on one input."""
        meaning = Numbers(numbers)
        program = self.subject(None, meaning)
        found = program.selectors().get(name)
        if found is None:
            raise UsageError(Diagnostic("R0502", f"{self.name} has no selector `{name}`"))
        bits = evaluate([found], tuple(word), meaning, program.graph.spans).rows[found]
        rows = tuple(frozenset(key for key in range(len(word)) if row >> key & 1) for row in bits)
        return Selection(name, tuple(word), rows)

    def bounds(self, name: str, *, numbers: str = "exact", seconds: float = 60.0) -> Bounds:
        """The fewest layers and heads of an s-op as written; `rasp bounds` also asks about classes of transformers.

        Of a Python function, `verifier.bounds.target.OfFunction`, these are asked as `docs/bounds.md` shows.
        """
        program = self.subject(None, Numbers(numbers))
        sop = program.sop(name)
        found = [as_written([sop], model, program.numbers, program.graph.spans, seconds) for model in MODELS.values()]
        return Bounds.of(name, sop, program, found)

    def __repr__(self) -> str:
        return f"<program {self.name}: {', '.join(self.subject(None, Numbers.EXACT).sops())}>"

    def _repr_html_(self) -> str:
        """What the program defines and what its contract claims; nothing is decided for it."""
        program = self.subject(None, Numbers.EXACT)
        rows = [(name, "s-op", "") for name in program.sops()] + [
            (name, "selector", "") for name in program.selectors()
        ]
        for bound in select(self.subject, None, Overrides()):
            result = describe(self.name, bound, Unknown(Reason.UNSUPPORTED, "not asked"))
            rows.append((result.name, result.text, str(result.scope)))
        cells = (element("tr", *(element("td", element("code", cell)) for cell in row)) for row in rows)
        return framed(element("table", element("caption", self.name), element("tbody", *cells), class_="grid parts"))

    def _named(self, name: str) -> list[BoundProperty]:
        found = [bound for bound in select(self.subject, None, Overrides()) if bound.property.name == name]
        if found:
            return found
        # An s-op without a contract has implicit properties all the same, which can be asked for by its name.
        sop = name.rpartition(".")[0]
        return [bound for bound in select(self.subject, sop or name, Overrides()) if bound.property.name == name]

    def _job(self, overrides: Overrides, engine: str, wall: float) -> Job:
        return Job(self.name, None, None, overrides, Options(engine=engine, limits=Limits(wall_s=wall)))


def load(path: str | os.PathLike[str]) -> Program:
    """The program in a file; raises `RaspError` when it is none."""
    program = Program(Subject.load(Path(path)))
    program.subject(None, Numbers.EXACT)
    return program


def loads(source: str, name: str = "program.rasp") -> Program:
    """The program that a text is; what it loads is looked for in the current folder."""
    program = Program(Subject(Source(name, source), Path.cwd()))
    program.subject(None, Numbers.EXACT)
    return program


def verify(program: str | os.PathLike[str] | Program, name: str | None = None) -> Answers:
    """An answer for each property of a program's contract."""
    return _program(program).verify(name)


def prove(program: str | os.PathLike[str] | Program, claim: str, **scope: object) -> Answer:
    """Decide one property of a program; the scope is given as for `Program.prove`."""
    return _program(program).prove(claim, **scope)  # type: ignore[arg-type]  # the same names


def find(program: str | os.PathLike[str] | Program, condition: str, **scope: object) -> tuple[Atom, ...] | None:
    """The least input of a program on which the condition is true; see `Program.find`."""
    return _program(program).find(condition, **scope)


# ------------------------------------------------------------------------------------------------ parts


def _program(given: str | os.PathLike[str] | Program) -> Program:
    return given if isinstance(given, Program) else load(given)


def _clause(claim: str) -> str:
    first = claim.split(maxsplit=1)[:1]
    return claim if first and first[0] in KEYWORDS else f"ensures {claim}"


def _overrides(
    lengths: Lengths | None, alphabet: Symbols | None, integers: str | tuple[int, int] | None, numbers: str | None
) -> Overrides:
    match lengths:
        case range(start=start, stop=stop, step=1):
            asked: str | None = f"{start}..{stop - 1}"
        case range():
            raise UsageError(Diagnostic("R0501", "lengths are consecutive"))
        case (low, high):
            asked = f"{low}..{high}"
        case int():
            asked = str(lengths)
        case _:
            asked = lengths
    symbols = None if alphabet is None else json.dumps(list(alphabet))
    ends = f"{integers[0]}..{integers[1]}" if isinstance(integers, tuple) else integers
    return Overrides(asked, symbols, ends, numbers)


def _position(explanation: Explanation | None) -> int | None:
    return None if explanation is None else explanation.position
