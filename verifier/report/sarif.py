"""SARIF 2.1.0: the findings of a run, for code scanning.

Only what is not as expected is a finding, so a run without findings has no results. The code flow of a counterexample
walks the s-ops and selectors that the failing position depends on. Fingerprints do not contain line numbers: a finding
stays the same when the lines above it change.
"""

import hashlib
import json
from pathlib import Path
from typing import Final, assert_never
from urllib.parse import quote

from spec.diagnostics import Diagnostic
from verifier.report.data import Json
from verifier.report.document import Document, RunState
from verifier.report.escape import lines
from verifier.report.result import Result
from verifier.report.table import atom_text
from verifier.report.text import details, headline, word_text
from verifier.report.trace import Matrix, Place, Step, Trace, Values
from verifier.verdict import Failed, Proved, Refuted, Unknown, Vacuous, Witness, as_expected

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_RULES: Final = {
    "rasp/refuted": ("PropertyRefuted", "A property fails on an input in its scope.", "error"),
    "rasp/vacuous": ("PropertyVacuous", "No input satisfies the preconditions, so nothing is claimed.", "error"),
    "rasp/unknown": ("PropertyNotDecided", "A property could not be decided within the limits.", "warning"),
    "rasp/proved": ("UnexpectedProof", "A property that was expected to fail is proved.", "error"),
    "rasp/warning": ("ProofSaysLittle", "A proved property may say less than its author means.", "note"),
    "rasp/error": ("PropertyNotChecked", "A property could not be checked.", "error"),
}
_IDS: Final = list(_RULES)


def sarif(document: Document) -> str:
    """The document as a SARIF log."""
    findings = [one for one in document.ordered if not as_expected(one.verdict, one.expected)]
    rules: list[Json] = [
        {
            "id": rule,
            "name": name,
            "shortDescription": {"text": text},
            "defaultConfiguration": {"level": level},
            "properties": {"tags": ["correctness"]},
        }
        for rule, (name, text, level) in _RULES.items()
    ]
    run: dict[str, Json] = {
        "tool": {"driver": {"name": "rasp", "semanticVersion": document.tool.version, "rules": rules}},
        "invocations": [_invocation(document)],
        "columnKind": "unicodeCodePoints",
        "results": [*map(_result, findings), *(_warned(one) for one in document.ordered if one.warnings)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _invocation(document: Document) -> Json:
    found: dict[str, Json] = {"executionSuccessful": document.state is RunState.COMPLETE and not document.problems}
    if document.exit is not None:
        found["exitCode"] = int(document.exit)
    notifications = [_notification(problem) for problem in document.problems]
    if notifications:
        found["toolExecutionNotifications"] = [*notifications]
    return found


def _notification(problem: Diagnostic) -> Json:
    found: dict[str, Json] = {
        "level": problem.severity.value,
        "message": {"text": lines(problem.render())},
        "descriptor": {"id": problem.code},
    }
    if problem.span is not None:
        found["locations"] = [_location(Place(problem.span.source.name, problem.span.line), problem.span.column)]
    return found


def _result(result: Result) -> Json:
    found = _finding(result, f"rasp/{_kind(result)}", message(result))
    match result.verdict:
        case Refuted(witness=Witness() as witness) if result.trace is not None:
            found["codeFlows"] = [_code_flow(result, witness, result.trace)]
        case _:
            pass
    return found


def _warned(result: Result) -> Json:
    """A proof that may say less than its author means: a note, which fails nothing."""
    return _finding(result, "rasp/warning", lines("\n".join([f"{result.name}: {result.text}", *result.warnings])))


def _finding(result: Result, rule: str, text: str) -> dict[str, Json]:
    return {
        "ruleId": rule,
        "ruleIndex": _IDS.index(rule),
        "kind": "fail",
        "level": _RULES[rule][2],
        "message": {"text": text},
        "locations": [_location(Place(result.place, result.line), result.column)],
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint(result)}:1"},
        "properties": {"property": result.id, "scope": str(result.scope)},
    }


def _kind(result: Result) -> str:
    match result.verdict:
        case Proved():
            return "proved"
        case Refuted():
            return "refuted"
        case Vacuous():
            return "vacuous"
        case Unknown():
            return "unknown"
        case Failed():
            return "error"
    assert_never(result.verdict)


def message(result: Result) -> str:
    """The finding in a few lines: the verdict, the property, and why."""
    shown = [f"{headline(result)}: {result.name}: {result.text}"]
    if result.expected.value != "proved":
        shown.append(f"expected: {result.expected.value}")
    return lines("\n".join([*shown, *details(result)]))


def fingerprint(result: Result) -> str:
    """What identifies the finding while lines move."""
    what = json.dumps([result.file, result.name, result.text], ensure_ascii=True)
    return hashlib.sha256(what.encode("ascii")).hexdigest()[:16]


def _code_flow(result: Result, witness: Witness, trace: Trace) -> Json:
    here = Place(result.place, result.line)
    steps: list[Json] = [_flow_step(here, f"input {word_text(witness.word)}")]
    steps += [_flow_step(step.place or here, _described(step)) for step in trace.steps]
    steps.append(_flow_step(here, witness.explanation))
    for order, step in enumerate(steps):
        if isinstance(step, dict):
            step["executionOrder"] = order
    return {"message": {"text": "how the input leads there"}, "threadFlows": [{"locations": steps}]}


def _flow_step(place: Place, text: str) -> dict[str, Json]:
    location = _location(place, None)
    location["message"] = {"text": lines(text)}
    return {"location": location}


def _described(step: Step) -> str:
    match step:
        case Values(name=name, values=values, matters=matters):
            shown = ", ".join(f"{atom_text(values[i])} at {i}" for i in matters)
            return f"{name}: {shown}"
        case Matrix(name=name, rows=rows, matters=matters):
            shown = "; ".join(f"{i} reads {_keys(rows[i])}" for i in matters)
            return f"{name}: {shown}"
    assert_never(step)


def _keys(row: int) -> str:
    keys = [str(j) for j in range(row.bit_length()) if row >> j & 1]
    return ", ".join(keys) or "nothing"


def _location(place: Place, column: int | None) -> dict[str, Json]:
    region: dict[str, Json] = {"startLine": place.line}
    if column is not None:
        region["startColumn"] = column
    return {"physicalLocation": {"artifactLocation": _artifact(place.file), "region": region}}


def _artifact(file: str) -> dict[str, Json]:
    """Relative to the current folder, which code scanning takes for the root of the repository; else absolute."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            return {"uri": f"file://{_quoted(path)}"}
    return {"uri": _quoted(path), "uriBaseId": "%SRCROOT%"}


def _quoted(path: Path) -> str:
    """Names of files need not be text, so they may hold what UTF-8 refuses."""
    return quote(path.as_posix(), errors="surrogatepass")
