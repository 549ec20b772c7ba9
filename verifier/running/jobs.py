"""One unit of work: some properties of one file, from the request to the results, inside one process."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from spec.property import ast
from spec.property.bound import BoundProperty
from verifier.check import Heard, Options, check
from verifier.engine import Limits, Proofs, Reason
from verifier.evidence.repeat import repeat
from verifier.report.counterexample import Shown, counterexample
from verifier.report.data import record
from verifier.report.result import Json, Result, from_json
from verifier.running.overrides import Overrides
from verifier.running.selection import as_recorded, select, stated
from verifier.running.subject import Subject
from verifier.verdict import Closed, Refuted, Unknown, Verdict

OUT_OF_MEMORY: Final = "the process ran out of the memory that it is allowed"

KINDS: dict[type[ast.Claim], str] = {
    ast.Ensures: "ensures",
    ast.Equivalent: "equiv",
    ast.Accepts: "accepts",
    ast.Invariance: "invariant",
    ast.Causal: "causal",
    ast.Cover: "cover",
    ast.Example: "example",
    ast.Architecture: "arch",
    ast.NoError: "no_error",
    ast.NumbersAgree: "numbers_agree",
}


@dataclass(frozen=True)
class Job:
    """The properties `names` (all, if `None`) among those that `target` means in the file, under these options.

    With `clauses` the properties are these, and not those of the file's own contracts. `others` are files, outside
    of the usual folders, that the clauses may name. With `recorded` results, as JSON by the names of their properties,
    these are repeated (`verifier.evidence.repeat`), with the clausal proofs in the folder `proofs` if there is one.
    """

    path: str
    target: str | None = None
    names: tuple[str, ...] | None = None
    overrides: Overrides = field(default_factory=Overrides)
    options: Options = field(default_factory=Options)
    clauses: str | None = None
    others: tuple[str, ...] = ()
    recorded: dict[str, dict[str, Json]] | None = None
    proofs: str | None = None

    def to_json(self) -> dict[str, Json]:
        """As JSON data."""
        data = asdict(self)
        data["options"]["limits"]["proofs"] = self.options.limits.proofs.value
        return data

    @staticmethod
    def from_json(data: dict[str, Json]) -> "Job":
        """What `to_json` wrote."""
        match data:
            case {
                "path": str(path),
                "target": target,
                "names": names,
                "overrides": dict(overrides),
                "options": {"limits": dict(limits), **options},
                "clauses": clauses,
                "others": list(others),
                "recorded": recorded,
                "proofs": proofs,
            } if (
                isinstance(target, str | None)
                and isinstance(names, list | None)
                and isinstance(clauses, str | None)
                and isinstance(recorded, dict | None)
                and isinstance(proofs, str | None)
            ):
                results = None if recorded is None else {name: record(one) for name, one in recorded.items()}
                chosen = None if names is None else tuple(map(str, names))
                limits["proofs"] = Proofs(limits["proofs"])  # type: ignore[assignment]  # no longer JSON
                made = Options(**options, limits=Limits(**limits))  # type: ignore[arg-type]  # as `asdict` wrote them
                asked = Overrides(**overrides)  # type: ignore[arg-type]  # likewise
                return Job(path, target, chosen, asked, made, clauses, tuple(map(str, others)), results, proofs)
        raise ValueError("not a job")

    def select(self) -> tuple[BoundProperty, ...]:
        """The properties, bound; raises `RaspError`."""
        subject = Subject.load(Path(self.path), tuple(map(Path, self.others)))
        if self.recorded is not None:
            results = map(from_json, self.recorded.values())
            bound = tuple(as_recorded(subject, ((one.name, one.scope) for one in results)))
        elif self.clauses is None:
            bound = select(subject, self.target, self.overrides)
        else:
            bound = stated(subject, self.clauses, self.overrides)
        return tuple(one for one in bound if self.names is None or one.property.name in self.names)


def work(job: Job, bound: BoundProperty, heard: Callable[[Heard], None] = lambda _: None) -> Result:
    """Decide one property; `heard` is told of each length that is closed, and of how far a long one is."""
    start = time.perf_counter()
    closed: list[Closed] = []

    def hear(one: Heard) -> None:
        if isinstance(one, Closed):
            closed.append(one)
        heard(one)

    try:
        verdict = _verdict(job, bound, hear)
    except MemoryError:
        verdict = unfinished(bound, Reason.MEMORY, OUT_OF_MEMORY, closed)
    shown = None
    if isinstance(verdict, Refuted) and verdict.witness is not None:
        shown = counterexample(bound, verdict.witness)
    return describe(job.path, bound, verdict, time.perf_counter() - start, shown)


def unfinished(bound: BoundProperty, reason: Reason, detail: str, closed: Sequence[Closed]) -> Unknown:
    """The verdict on a property whose search ended too early: the lengths that were closed before stay proved."""
    scope = bound.property.scope
    first = closed[-1].length + 1 if closed else scope.low
    undecided = () if scope.high is None else tuple(range(first, scope.high + 1))
    return Unknown(reason, detail, tuple(closed), undecided if closed else ())


def _verdict(job: Job, bound: BoundProperty, heard: Callable[[Heard], None]) -> Verdict:
    if job.recorded is None:
        return check(bound, job.options, heard=heard)
    return repeat(bound, from_json(job.recorded[bound.property.name]), job.options, job.proofs, heard)


def describe(
    path: str, bound: BoundProperty, verdict: Verdict, seconds: float = 0.0, shown: Shown | None = None
) -> Result:
    """The result that reports a verdict on a property."""
    prop = bound.property
    written = prop.span.source.name
    return Result(
        file=path,
        line=prop.span.line,
        column=prop.span.column,
        name=prop.name,
        kind=KINDS[type(prop.claim)],
        text=_text(prop),
        scope=prop.scope,
        verdict=verdict,
        expected=prop.expected,
        seconds=seconds,
        written=None if written == path or written.startswith("<") else written,
        table=None if shown is None else shown.table,
        trace=None if shown is None else shown.trace,
    )


def _text(prop: ast.Property) -> str:
    """The claim as it was written, on one line; implicit ones in words."""
    match prop.claim:
        case ast.NoError(target=target):
            return f"{target} has a value on every input"
        case ast.NumbersAgree(target=target):
            return f"{target} is the same in exact and in IEEE numbers"
        case _:
            lines = (line.strip().removeprefix("#@").removesuffix("\\").strip() for line in prop.span.text.splitlines())
            _, _, body = " ".join(line for line in lines if line).partition(" ")
            return body.removeprefix(f"{prop.name}:").strip()
