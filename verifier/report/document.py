"""The result of a run as one document: every verdict with its evidence, and what the run as a whole amounts to.

A document is written twice: before anything is decided, with `run_state` "incomplete", and at the end, as a whole.
So whatever kills the run, a reader finds either a finished document or one that says that it is none. A reader that
gates on it asks for `run_state == "complete"` and for the exit code. Counts and codes are never read from a file: they
follow from the verdicts, and a file in which they differ is refused.
"""

import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import verifier
from spec.diagnostics import Diagnostic, InternalError, UsageError
from verifier.report.data import Json, at_least, boolean, integer, items, number, read_json, record, string
from verifier.report.result import Result, diagnostic_json, from_json, read_diagnostic, to_json, verdict_name
from verifier.verdict import Exit, as_expected, overall

SCHEMA_VERSION: Final = "1.0"
SOLVERS: Final = ("z3-solver", "python-sat", "numpy", "cvc5", "bitwuzla", "sympy")
VERDICTS: Final = ("proved", "refuted", "vacuous", "unknown", "error")
STOPPED: Final = (70, 130, 143)
"""The exit codes of runs that did not come to their end: a contradiction, an interruption, a termination."""
IGNORABLE: Final = {"vacuous": Exit.VACUOUS, "unknown": Exit.UNKNOWN, "nothing": Exit.NOTHING}
"""The kinds of outcome that a run may be told not to fail on; refutations and errors always fail."""


class RunState(Enum):
    """How far a run came: only `complete` is to be relied on."""

    INCOMPLETE = "incomplete"
    PARTIAL = "partial"
    COMPLETE = "complete"


@dataclass(frozen=True)
class Shard:
    """The part `index` of `count`, counted from 1, of a run that was divided."""

    index: int
    count: int

    def __str__(self) -> str:
        """As the command line writes it."""
        return f"{self.index}/{self.count}"


@dataclass(frozen=True)
class Tool:
    """Who answered: the version of this tool, of Python, and of what it decides with; `None` is not installed."""

    version: str
    python: str
    platform: str
    solvers: tuple[tuple[str, str | None], ...]


def this_tool() -> Tool:
    """The versions that are installed here."""
    found = tuple((name, _version(name)) for name in SOLVERS)
    where = f"{platform.system().lower()}-{platform.machine()}"
    return Tool(verifier.__version__, platform.python_version(), where, found)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@dataclass(frozen=True)
class Document:
    """A run. `problems` are files, or requests, for which there are no properties to decide."""

    state: RunState
    results: tuple[Result, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    requested: tuple[str, ...] = ()
    shard: Shard | None = None
    ignored: frozenset[str] = frozenset()
    strict: bool = False
    """Whether a proof with a warning counts as a vacuous property."""
    seconds: float = 0.0
    stopped: int | None = None
    """The exit code of a run that was interrupted, or that ended in a contradiction."""
    tool: Tool = field(default_factory=this_tool)

    @property
    def exit(self) -> int | None:
        """The exit code; `None` for a run that is not over."""
        if self.state is RunState.INCOMPLETE:
            return None
        if self.stopped is not None:
            return self.stopped
        code = run_exit(self.results, len(self.problems), self.ignored, self.strict)
        # A part of a run may well be empty; whether the whole is, shows when the parts are merged.
        return Exit.EXPECTED if code is Exit.NOTHING and self.shard is not None else code

    @property
    def ordered(self) -> tuple[Result, ...]:
        """The results by place, so that two runs can be compared."""
        return tuple(sorted(self.results, key=lambda one: (one.file, one.line, one.column, one.name)))


def run_exit(results: Iterable[Result], problems: int, ignored: frozenset[str], strict: bool) -> Exit:
    """The code of a run: the gravest of its parts, those left out that it was told not to fail on."""
    found = list(results)
    codes = [*(result.exit for result in found), *[Exit.USAGE] * problems]
    codes += [Exit.VACUOUS for result in found if strict and result.warnings]
    passed = {IGNORABLE[name] for name in ignored}
    grave = [code for code in codes if code not in passed]
    if codes:
        return overall(grave) if grave else Exit.EXPECTED
    return Exit.EXPECTED if Exit.NOTHING in passed else Exit.NOTHING


# ------------------------------------------------------------------------------------------------ writing


def document_json(document: Document) -> dict[str, Json]:
    """The document as JSON data; `run_state` comes first."""
    requested: list[Json] = list(document.requested)
    ignored: list[Json] = [*sorted(document.ignored)]
    return {
        "run_state": document.state.value,
        "schema_version": SCHEMA_VERSION,
        "exit_code": document.exit,
        "stopped": document.stopped,
        "tool": _tool_json(document.tool),
        "requested": requested,
        "shard": None if document.shard is None else {"index": document.shard.index, "count": document.shard.count},
        "not_failing_on": ignored,
        "strict": document.strict,
        "seconds": round(document.seconds, 3),
        "summary": dict(summary(document.results)),
        "problems": [diagnostic_json(problem) for problem in document.problems],
        "properties": [to_json(result) for result in document.ordered],
    }


def summary(results: Iterable[Result]) -> dict[str, int]:
    """How many properties got each verdict, how many there are, and how many verdicts are not the expected ones."""
    found = list(results)
    counts = Counter(verdict_name(result.verdict) for result in found)
    unexpected = sum(not as_expected(result.verdict, result.expected) for result in found)
    return {"total": len(found), **{name: counts[name] for name in VERDICTS}, "unexpected": unexpected}


def _tool_json(tool: Tool) -> Json:
    solvers: dict[str, Json] = dict(tool.solvers)
    return {
        "name": "rasp",
        "version": tool.version,
        "python": tool.python,
        "platform": tool.platform,
        "solvers": solvers,
    }


# ------------------------------------------------------------------------------------------------ reading


def read_document(path: Path) -> Document:
    """The document in a file that may come from anywhere; raises `UsageError`."""
    try:
        return _document(record(read_json(path)))
    except (KeyError, ValueError, TypeError, InternalError) as error:
        # `InternalError` is what verdicts that were not written by this tool are refused with.
        message = f"{path} is no result of this version of rasp: {error}"
        raise UsageError(Diagnostic("R0603", message)) from error


def _document(data: dict[str, Json]) -> Document:
    if data["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema version {data['schema_version']!r}, expected {SCHEMA_VERSION}")
    ignored = frozenset(map(string, items(data["not_failing_on"])))
    if not ignored <= set(IGNORABLE):
        raise ValueError(f"not_failing_on {sorted(ignored)}")
    document = Document(
        state=RunState(data["run_state"]),
        results=tuple(from_json(record(one)) for one in items(data["properties"])),
        problems=tuple(read_diagnostic(record(one)) for one in items(data["problems"])),
        requested=tuple(map(string, items(data["requested"]))),
        shard=None if data["shard"] is None else _shard(record(data["shard"])),
        ignored=ignored,
        strict=boolean(data["strict"]),
        seconds=at_least(0, number(data["seconds"])),
        stopped=None if data["stopped"] is None else STOPPED[STOPPED.index(integer(data["stopped"]))],
        tool=_tool(record(data["tool"])),
    )
    if document.state is RunState.INCOMPLETE and document.results:
        raise ValueError("a run that has not begun has results")
    if document.stopped is not None and document.state is not RunState.PARTIAL:
        raise ValueError(f"a run that was stopped is {document.state.value}")
    for key, expected in (("exit_code", document.exit), ("summary", summary(document.results))):
        if data[key] != expected:
            raise ValueError(f"{key} is {data[key]!r}, but its verdicts make it {expected!r}")
    if len({result.id for result in document.results}) != len(document.results):
        raise ValueError("two results for one property")
    return document


def _shard(data: dict[str, Json]) -> Shard:
    index = at_least(1, integer(data["index"]))
    return Shard(index, at_least(index, integer(data["count"])))


def _tool(data: dict[str, Json]) -> Tool:
    solvers = record(data["solvers"])
    found = tuple((name, None if value is None else string(value)) for name, value in solvers.items())
    return Tool(string(data["version"]), string(data["python"]), string(data["platform"]), found)
