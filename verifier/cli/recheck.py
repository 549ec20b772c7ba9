"""`rasp recheck`: certificates of bounds, and results of `rasp check`, checked again."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spec.diagnostics import RaspError
from spec.reader import read_source
from spec.source import printable
from verifier.cli.check import add_configuration, add_engine, options_of, settings_of
from verifier.cli.common import Commands
from verifier.engine import Proofs
from verifier.evidence.repeat import Judged, Standing, judge
from verifier.recheck.files import Checked, Judgement, recheck
from verifier.recheck.rup import Rejected
from verifier.recheck.shapes import MAX_CHARACTERS
from verifier.report.data import Json
from verifier.report.document import Document, RunState, read_document
from verifier.report.result import Result, to_json, verdict_name
from verifier.running.config import Settings
from verifier.running.jobs import Job
from verifier.running.supervise import Planned, run
from verifier.verdict import Exit, overall

_ABOUT = """Certificates of `rasp bounds -o` are checked with code that shares nothing with what made them; one that
was not checked in full is `on trust`, and the exit code is then 3. Results of `rasp check -o` are repeated from the
programs and contracts as they are now: each absence of a counterexample by somebody else than who found it, or by a
clausal proof that was kept; each counterexample in the interpreter."""


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    again = commands.add_parser(
        "recheck", help="check certificates and results again, independently", allow_abbrev=False, description=_ABOUT
    )
    again.add_argument("files", metavar="FILE", nargs="+", type=Path)
    again.add_argument("--proofs-in", metavar="FOLDER", help="replay the proofs that `--save-proofs` kept there")
    again.add_argument("--jobs", type=int, metavar="N", help="processes at a time")
    again.add_argument("--format", choices=["text", "json"], default="text", help="how to print what was found")
    add_engine(again)
    add_configuration(again)
    again.set_defaults(handler=_recheck)


def _recheck(options: argparse.Namespace) -> int:
    found: list[_File] = []
    for path in options.files:
        found.append(_file(path, options))
        if options.format == "text":
            print("\n".join(map(printable, found[-1].lines)), flush=True)
    if options.format == "json":
        print(json.dumps({"files": [one.data for one in found]}, ensure_ascii=True))
    return overall([one.code for one in found])


@dataclass(frozen=True)
class _File:
    """What was found in one file: as lines, as data, and as an exit code."""

    lines: tuple[str, ...]
    data: dict[str, Json]
    code: Exit


def _file(path: Path, options: argparse.Namespace) -> _File:
    text = read_source(path, MAX_CHARACTERS).text
    return _results(path, options) if _is_result(text) else _certificates(path, text)


def _certificates(path: Path, text: str) -> _File:
    try:
        found = recheck(text)
    except Rejected as reason:
        found = [Checked(str(path), Judgement.REJECTED, str(reason))]
    lines = tuple(f"{one.judgement.value:<8}  {one.claim}  ({one.detail})" for one in found)
    listed: list[Json] = [
        {"claim": one.claim, "status": one.judgement.value.lower(), "detail": one.detail} for one in found
    ]
    code = overall([_JUDGED[one.judgement] for one in found]) if found else Exit.NOTHING
    data: dict[str, Json] = {"file": str(path), "certificates": listed}
    return _File(lines or (f"nothing to check in {path}",), data, code)


_JUDGED: Final = {
    Judgement.ACCEPTED: Exit.EXPECTED,
    Judgement.TRUSTED: Exit.UNKNOWN,
    Judgement.REJECTED: Exit.REFUTED,
}


def _is_result(text: str) -> bool:
    """Whether this claims to be the result of a run, and no document of certificates."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "run_state" in found


# ------------------------------------------------------------------------------------------------ results


def _results(path: Path, options: argparse.Namespace) -> _File:
    document = read_document(path)
    settings = settings_of(options)
    judged = list(_judged(document, settings, options.proofs_in))
    lines = [
        f"{one.standing.value:<14} {verdict_name(one.result.verdict):<8} "
        f"{one.result.file}::{one.result.name}  ({one.detail})"
        for one in judged
    ]
    counts = [f"{sum(one.standing is standing for one in judged)} {standing.value}" for standing in Standing]
    lines.append(f"{len(judged)} results: {', '.join(counts)}")
    if document.state is not RunState.COMPLETE:
        lines.append(f"the run is {document.state.value}: what it did not come to is not here")
    listed: list[Json] = [
        {
            "file": one.result.file,
            "name": one.result.name,
            "verdict": verdict_name(one.result.verdict),
            "status": one.standing.value.lower(),
            "detail": one.detail,
        }
        for one in judged
    ]
    data: dict[str, Json] = {"file": str(path), "run_state": document.state.value, "results": listed}
    return _File(tuple(lines), data, overall([_CODES[one.standing] for one in judged]))


_CODES: Final = {Standing.CONFIRMED: Exit.EXPECTED, Standing.OPEN: Exit.UNKNOWN, Standing.REJECTED: Exit.REFUTED}


def _judged(document: Document, settings: Settings, proofs: str | None) -> Iterator[Judged]:
    """Every result, in the order of the document, with the ones of a file repeated together."""
    files: dict[str, dict[str, Result]] = {}
    for result in document.ordered:
        files.setdefault(result.file, {})[result.name] = result
    how = options_of(settings, Proofs.ALL)
    planned: list[Planned] = []
    refused: dict[str, str] = {}
    for file, results in files.items():
        recorded = {name: to_json(result) for name, result in results.items()}
        job = Job(file, options=how, recorded=recorded, proofs=proofs)
        try:
            planned.append(Planned(job, job.select()))
        except RaspError as error:
            refused[file] = error.diagnostics[0].message
    done = run([plan for plan in planned if plan.properties], settings.jobs, settings.allowance, lambda _: None)
    again = {(result.file, result.name): result for result in done}
    for result in document.ordered:
        found = again.get((result.file, result.name))
        if found is not None:
            yield judge(result, found)
        else:
            yield Judged(result, Standing.REJECTED, refused.get(result.file, "there is no such property any more"))
