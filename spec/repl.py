"""The interactive prompt: answers what the reference implementation answers, line for line.

`run_repl` is the whole conversation over an iterable of lines, `main` the same over files. What is typed is run by
`spec.script` like any program, on a graph without interning; this module is its host, which evaluates every s-op and
selector on the running example, as the reference does, and so decides what may be defined.
"""

import importlib
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Final, TextIO, TypeAlias

from spec.ast import (
    Assign,
    Draw,
    ExampleKind,
    Exit,
    ExpressionStatement,
    FunctionDef,
    Load,
    Name,
    SetExample,
    ShowExample,
    Statement,
    ToggleExamples,
    ToggleFullDisplay,
)
from spec.diagnostics import RaspError
from spec.draw import Values, draw
from spec.prompt.display import Display, Settings, no_attribute
from spec.prompt.lines import Reader, SeveralStatements, Unreadable
from spec.prompt.memory import Memory
from spec.prompt.results import Matrix, Result, Row, items
from spec.prompt.text import plain, quoted
from spec.reader import read_source
from spec.script.budget import Budget, Meter
from spec.script.environment import OUT, Environment
from spec.script.errors import Failure, ScriptError, ScriptLoadError, python_error, type_error
from spec.script.evaluate import Frame
from spec.script.machine import Step, run
from spec.script.session import Session, start
from spec.script.values import Applied, Handle, SOpValue, Value
from spec.source import Span
from spec.values import Numbers

WELCOME: Final = "RASP 0.1\nrunning example is: hello\n"
MAX_LOAD_DEPTH: Final = 40
MAX_NODES: Final = 500_000
"""How many s-ops and selectors a conversation may make; none is ever forgotten."""
_MAX_FILE_NAME: Final = 100
_ENTRIES_PER_STEP: Final = 16

PICTURES: Final = "comp_flows"
"""The folder that `draw` writes to, as the reference implementation calls it."""

Picture: TypeAlias = Callable[[str, str], object]
"""What is done with a drawing: its title, such as `x("abc")`, and its SVG."""


def run_repl(
    lines: Iterable[str], write: Callable[[str], object], *, folder: Path | None = None, picture: Picture | None = None
) -> int:
    """Answer lines (without their newlines) until they end or `exit`; `load` finds files relative to `folder`."""
    typed = iter(lines)

    def ask(prompt: str) -> str | None:
        write(prompt)
        return next(typed, None)

    Repl(write, Path.cwd() if folder is None else folder, picture).converse(ask)
    return 0


def main(stdin: TextIO | None = None, stdout: TextIO | None = None, *, picture: Picture | None = None) -> int:
    """The prompt on a terminal or a pipe; returns the exit status. Drawings are saved, unless told otherwise."""
    source = sys.stdin if stdin is None else stdin
    sink = sys.stdout if stdout is None else stdout
    if isinstance(source, TextIOWrapper):
        source.reconfigure(errors="replace")
    if isinstance(sink, TextIOWrapper):
        sink.reconfigure(errors="backslashreplace")

    def show(text: str) -> None:
        sink.write(text)
        sink.flush()

    if stdin is None and stdout is None and source.isatty():
        Repl(show, Path.cwd(), picture or save_picture).converse(_typed)
        return 0
    return run_repl((line.removesuffix("\n") for line in source), show, picture=picture or save_picture)


def _typed(prompt: str) -> str | None:
    """A line from the terminal, with the editing and the history that Python's `readline` gives to `input`."""
    with suppress(ImportError):
        importlib.import_module("readline")
    try:
        return input(prompt)
    except EOFError:
        return None


def save_picture(title: str, svg: str) -> None:
    """Write the drawing to a file called like its title, below the current folder, and say where on standard error."""
    folder = Path(PICTURES)
    name = "".join(char if char.isascii() and (char.isalnum() or char in "-_.()") else "_" for char in title)
    name = name[:_MAX_FILE_NAME]
    try:
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    except OSError as error:
        raise python_error(f"cannot write {folder / name}.svg: {error.strerror}", None) from error
    print(f"drawn to {folder / name}.svg", file=sys.stderr)


# ------------------------------------------------------------------------------------------------ what is to be printed


@dataclass(frozen=True)
class _Message:
    """Text to print as it is."""

    text: str


@dataclass(frozen=True)
class _Named:
    """A value that a statement gave a name, or the value of an expression, which is called `out`."""

    name: str
    value: Value
    shown: bool


@dataclass(frozen=True)
class _Result:
    """The result of an application."""

    result: Result
    argument: Value
    shown: bool


@dataclass(frozen=True)
class _Examples:
    """The running examples."""

    kind: ExampleKind


_Answer: TypeAlias = _Message | _Named | _Result | _Examples


class _Stop(Exception):
    """`exit`: the console, or the file that says it, ends."""


# ------------------------------------------------------------------------------------------------ the conversation


@dataclass(eq=False)
class Repl:
    """One conversation, and the host of the script that it runs."""

    write: Callable[[str], object]
    folder: Path
    picture: Picture | None = None
    rehearses: bool = True
    memory: Memory = field(default_factory=Memory)
    settings: Settings = field(default_factory=Settings)
    _stored: list[_Answer] = field(default_factory=list)
    _loading: int = 0
    _meter: Meter | None = None
    _roots: set[Path] = field(default_factory=set)
    _display: Display = field(init=False)
    _session: Session = field(init=False)

    def __post_init__(self) -> None:
        """Load the library, on the first running example."""
        self._display = Display(self.memory, self.settings, self.write)
        self._session = start(Numbers.IEEE, self, Budget(nodes=MAX_NODES), interning=False)
        self._session.operations.defers = True
        self._meter = self._session.operations.meter
        for scope in self._session.console, self._session.base:
            scope.set_out(scope.get("tokens", None))

    def converse(self, ask: Callable[[str], str | None]) -> None:
        """Welcome, then statement by statement; `ask` shows a prompt and returns a line, or None at the end."""
        self.write(WELCOME)

        def asked(prompt: str) -> str | None:
            line = ask(prompt)
            if line is None:
                self.write("\n")
            return line

        self._listen(Reader(asked, "<input>"), self._session.console, self._print)

    def _listen(self, reader: Reader, env: Environment, answer: Callable[[list[_Answer]], None]) -> None:
        """Run statements until there are no more, and hand what each has to say to `answer`.

        A statement that cannot be read is reported at once, all else as `answer` decides.
        """
        while True:
            try:
                statement = reader.statement()
                if statement is None:
                    return
                answer(self._run(statement, env))
            except Unreadable as error:
                self._display.line(f"\t!! antlr exception: {error} \t-- ignoring input")
            except SeveralStatements:
                answer([_Message("something went wrong: ")])
            except _Stop:
                return
            except ScriptError as error:
                if error.failure is Failure.TYPE:
                    text = f"\t!!statement executed, but result fails on evaluation:\n\t\t {error.message}"
                else:
                    text = f"something went wrong: {error.message}"
                answer([_Message(text)])
            except RaspError as error:
                answer([_Message(f"something went wrong: {error}")])
            except KeyboardInterrupt:
                answer([_Message("")])

    # -------------------------------------------------------------------------------------------- statements

    def _run(self, statement: Statement, env: Environment) -> list[_Answer]:
        """What a statement has to say; the script's own errors are part of it, Python's are raised."""
        try:
            return self._command(statement) or self._evaluate(statement, env)
        except ScriptError as error:
            if error.failure is Failure.PYTHON:
                raise
            if error.failure is Failure.NOT_IMPLEMENTED:
                return [_Message("not implemented this command yet! ignoring")]
            return [_Message(f"\t\t!!ignoring input:\n\t {error.message}")]

    def _command(self, statement: Statement) -> list[_Answer]:
        """The commands of the prompt; those that say nothing are run as statements, where they mean nothing."""
        match statement:
            case SetExample(kind=kind, value=value):
                self._set_example(kind, self._value_of(ExpressionStatement(statement.span, (value,))))
            case ShowExample(kind=kind):
                return [_Examples(kind)]
            case ToggleExamples(kind=kind, on=on):
                self.settings.toggle(kind, on)
            case ToggleFullDisplay(on=on):
                self.settings.full = on
            case Exit():
                raise _Stop
            case _:
                pass
        return []

    def _set_example(self, kind: ExampleKind, example: Value) -> None:
        if not isinstance(example, (str, tuple, dict)):
            raise type_error(f"example not iterable: {plain(example)}", None)
        self.settings.set_example(kind, example)

    def _value_of(self, statement: Statement, env: Environment | None = None) -> Value:
        session = self._session
        frame = Frame(session.console if env is None else env)
        if not self._loading:
            session.operations.meter.refill()
        return run(session.evaluator.statement(statement, frame), session.operations.meter.budget.stack)

    def _evaluate(self, statement: Statement, env: Environment) -> list[_Answer]:
        value = self._value_of(statement, env)
        match statement:
            case ExpressionStatement(values=(expression,)):
                if isinstance(value, Applied) and not value.held:
                    return self._results(value, env)
                return [self._answer(expression.id if isinstance(expression, Name) else OUT, value, env)]
            case Assign(names=(name,)):
                return [self._answer(name.id, value, env)]
            case Assign(names=names) if isinstance(value, (str, tuple, dict)):
                return [self._answer(name.id, part, env) for name, part in zip(names, value, strict=True)]
            case FunctionDef(name=name):
                return [self._answer(name.id, value, env)]
            case Draw(input=argument) if isinstance(value, Applied):
                if argument is None:
                    value = Applied(value.result, self.settings.sop_example)
                return self._results(value, env)
            case _:
                return []  # loops, files and commands have no value of their own

    def _answer(self, name: str, value: Value, env: Environment) -> _Named:
        """In a file, only what it passes on to the console is shown."""
        return _Named(name, value, env is self._session.console or not (name.startswith("_") or name == OUT))

    def _results(self, applied: Applied, env: Environment) -> list[_Answer]:
        if not isinstance(applied.result, (Row, Matrix)) or applied.input is None:
            return []
        return [_Result(applied.result, applied.input, env is self._session.console)]

    # -------------------------------------------------------------------------------------------- printing

    def _print(self, answers: list[_Answer]) -> None:
        for answer in answers:
            match answer:
                case _Message(text):
                    self._display.line(text)
                case _Named(name, value, shown):
                    if shown:
                        self._display.named(name, value)
                case _Result(result, argument, shown):
                    if shown:
                        self._display.applied(result, argument)
                case _Examples(kind):
                    self._display.examples(kind)

    def _store(self, answers: list[_Answer]) -> None:
        self._stored += answers

    def _print_stored(self) -> None:
        """What a file had to say: each name once, with its last value, unless there was an error."""
        if not any(isinstance(answer, _Message) for answer in self._stored):
            last = {answer.name: place for place, answer in enumerate(self._stored) if isinstance(answer, _Named)}
            self._stored = [
                answer
                for place, answer in enumerate(self._stored)
                if not isinstance(answer, _Named) or last[answer.name] == place
            ]
        self._print(self._stored)
        self._stored = []

    # -------------------------------------------------------------------------------------------- the script's host

    def tested(self, handle: Handle, example: Value | None, span: Span, /) -> None:
        """Everything that is defined must have a value on the input it is applied to, or on the running example."""
        self.memory.handles[handle.node] = handle
        before = self.memory.work
        self.memory.evaluate(handle.node, self.settings.sop_example if example is None else example)
        if self._meter is not None:
            self._meter.step(span, (self.memory.work - before) // _ENTRIES_PER_STEP)

    def applied(self, handle: Handle, argument: Value, _span: Span, /) -> object:
        """`handle(argument)`, to be printed."""
        result = self.memory.evaluate(handle.node, argument, self._display.line)
        if result is None:
            raise no_attribute("created_from_input")
        return result

    def drawn(self, sop: SOpValue, argument: Value | None, span: Span, /) -> object:
        """The value of the s-op, once its picture is drawn."""
        example = self.settings.sop_example if argument is None else argument
        if self.memory.evaluate(sop.node, example, self._display.line) is None:
            self._display.line("evaluating input failed")
        elif self.picture is not None:
            self.picture(f"{sop.name}({quoted(example)})", self._drawing(sop, example))
        return self.applied(sop, example, span)

    def _drawing(self, sop: SOpValue, example: Value) -> str:
        inputs = [plain(item) for item in items(example)]
        row, matrix = self.memory.row, self.memory.matrix
        return draw(sop.node, Values(self.memory.name, row, lambda selector: matrix(selector).rows, inputs))

    def loaded(self, statement: Load, env: Environment, /) -> Step:
        """Run a file in a scope of its own; what it has to say is printed at its end, without examples."""
        path = self._find(statement)
        if self._loading >= MAX_LOAD_DEPTH:
            raise python_error("maximum recursion depth exceeded", statement.span)
        lines = StringIO(read_source(path).text)
        shown = self.settings.show_sops, self.settings.show_selectors
        self.settings.show_sops = self.settings.show_selectors = False
        self._loading += 1
        try:
            scope = self._session.file_environment(statement.path, env)
            self._listen(Reader(lambda _prompt: next(lines, None), statement.path), scope, self._store)
        finally:
            self._loading -= 1
        self._print_stored()
        self.settings.show_sops, self.settings.show_selectors = shown
        return Applied()

    def _find(self, statement: Load) -> Path:
        """Where the file lies. What is typed may name any file; files may name those in and below the same folders."""
        path = self.folder / f"{statement.path}.rasp"
        try:
            resolved, known = path.resolve(), path.exists()
        except (
            OSError,
            ValueError,
            RuntimeError,
        ) as error:  # a name that is too long, holds a NUL, or is a circle of links
            raise python_error(str(error), statement.span) from error
        if not known:
            raise ScriptLoadError(f"could not find file: {statement.path}.rasp", statement.span)
        if not self._loading:
            self._roots.add(resolved.parent)
        elif not any(resolved.is_relative_to(root) for root in (self.folder.resolve(), *self._roots)):
            raise python_error(
                f"{statement.path}.rasp is outside the folders that files were loaded from", statement.span
            )
        return path
