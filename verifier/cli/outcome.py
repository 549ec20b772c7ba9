"""One run of `rasp check` from the plan to the exit code: what is printed, what is written, and how it can end."""

import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType

from spec.diagnostics import Diagnostic, InternalError
from verifier.engine import Looked
from verifier.report import text
from verifier.report.document import Document, RunState, Shard
from verifier.report.formats import Output, render, write
from verifier.report.progress import Progress
from verifier.report.result import Result
from verifier.running.supervise import Allowance, Planned, run
from verifier.verdict import Exit, as_expected

INTERRUPTED = 130
TERMINATED = 143


@dataclass(frozen=True)
class Presentation:
    """What goes to standard output, and which files are written."""

    form: str = "text"
    outputs: tuple[Output, ...] = ()
    verbose: bool = False
    quiet: bool = False

    @property
    def spoken(self) -> bool:
        """Whether standard output is for people; otherwise it holds one document and nothing else."""
        return self.form in ("text", "github")


@dataclass(eq=False)
class Session:
    """The run of a plan. Results are collected as they come, so that an interrupted run still reports them."""

    presentation: Presentation
    document: Document
    progress: Progress
    results: list[Result] = field(default_factory=list)
    start: float = field(default_factory=time.monotonic)

    def decide(self, planned: Sequence[Planned], workers: int, allowance: Allowance) -> Document:
        """Decide the plan; unless we are killed, every file that was asked for then says how far the run came."""
        try:
            stopped = self._run(planned, workers, allowance)
        except InternalError:
            self._finish(RunState.PARTIAL, int(Exit.INTERNAL))
            raise
        whole = stopped is None and self.document.shard is None
        return self._finish(RunState.COMPLETE if whole else RunState.PARTIAL, stopped)

    def _run(self, planned: Sequence[Planned], workers: int, allowance: Allowance) -> int | None:
        """The exit code with which the run was stopped; `None` when it came to its end."""
        with _terminable() as terminated, self.progress:
            try:
                write(self.document, self.presentation.outputs)
                run(planned, workers, allowance, self._heard, self._looked)
            except KeyboardInterrupt:
                return TERMINATED if terminated else INTERRUPTED
        return None

    def _finish(self, state: RunState, stopped: int | None) -> Document:
        seconds = time.monotonic() - self.start
        done = replace(self.document, state=state, results=tuple(self.results), stopped=stopped, seconds=seconds)
        write(done, self.presentation.outputs)
        return done

    def _looked(self, name: str, at: Looked) -> None:
        self.progress.tell(f"{name} n = {at.length}: {at.inputs / at.of:.0%} of {at.of} inputs")

    def _heard(self, result: Result) -> None:
        self.results.append(result)
        self.progress.done()
        if self.presentation.spoken and not (self.presentation.quiet and as_expected(result.verdict, result.expected)):
            self.progress.clear()
            print_result(result, self.presentation.verbose)


def present(
    presentation: Presentation, document: Document, planned: Sequence[Planned], workers: int, allowance: Allowance
) -> Document:
    """Decide the plan and print it."""
    total = sum(len(plan.properties) for plan in planned)
    session = Session(presentation, document, Progress(total, quiet=presentation.quiet))
    with _quoted(presentation.form == "github"):
        for problem in document.problems:
            print(problem.render(), file=sys.stderr)
        done = session.decide(planned, workers, allowance)
        for line in text.summary(done):
            print(line, file=sys.stdout if presentation.spoken else sys.stderr)
    if presentation.form != "text":
        sys.stdout.write(render(done, presentation.form))
        sys.stdout.flush()
    return done


def started(
    requested: Sequence[str],
    problems: Sequence[Diagnostic],
    shard: Shard | None,
    ignored: frozenset[str],
    strict: bool,
) -> Document:
    """The document of a run that has not decided anything yet."""
    return Document(RunState.INCOMPLETE, (), tuple(problems), tuple(requested), shard, ignored, strict)


def print_result(result: Result, verbose: bool) -> None:
    """One result, as a person reads it."""
    print(text.line(result))
    for line in text.details(result, verbose=verbose):
        print(f"    {line}")
    sys.stdout.flush()


@contextmanager
def _quoted(wanted: bool) -> Iterator[None]:
    """While text that may come from programs is printed, nothing in it is taken for a workflow command."""
    if not wanted:
        yield
        return
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        sys.stderr.flush()
        print(f"::{token}::", flush=True)


@contextmanager
def _terminable() -> Iterator[list[int]]:
    """Let a polite request to end be an interruption, so that children are ended and files are finished."""
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)
