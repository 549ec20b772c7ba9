"""JUnit XML: a test case for each property. What is not decided is an error, never skipped: skipped looks green."""

from typing import assert_never
from xml.etree import ElementTree

from spec.diagnostics import Diagnostic
from verifier.report.document import Document, RunState
from verifier.report.escape import xml
from verifier.report.result import Result, verdict_name
from verifier.report.text import details, headline, word_text
from verifier.verdict import Failed, Proved, Refuted, Unknown, Vacuous, Witness, as_expected


def junit(document: Document) -> str:
    """The document as the XML that test reporters read."""
    root = ElementTree.Element("testsuites", name="rasp", time=f"{document.seconds:.3f}")
    by_file: dict[str, list[Result]] = {}
    for result in document.ordered:
        by_file.setdefault(result.file, []).append(result)
    for file, results in by_file.items():
        suite = ElementTree.SubElement(root, "testsuite", name=xml(file), tests=str(len(results)))
        suite.set("time", f"{sum(result.seconds for result in results):.3f}")
        for result in results:
            _case(suite, result)
        _count(suite)
    if document.state is RunState.INCOMPLETE or document.stopped is not None:
        suite = ElementTree.SubElement(root, "testsuite", name="run", tests="1")
        case = ElementTree.SubElement(suite, "testcase", classname="run", name="comes to its end", time="0")
        ElementTree.SubElement(case, "error", message=f"the run is {document.state.value}", type="stopped")
        _count(suite)
    if document.problems:
        suite = ElementTree.SubElement(root, "testsuite", name="files", tests=str(len(document.problems)))
        for problem in document.problems:
            _problem(suite, problem)
        _count(suite)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _count(suite: ElementTree.Element) -> None:
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", "0")


def _case(suite: ElementTree.Element, result: Result) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=xml(result.file), name=xml(result.name))
    case.set("file", xml(result.place))
    case.set("line", str(result.line))
    case.set("time", f"{result.seconds:.3f}")
    properties = ElementTree.SubElement(case, "properties")
    facts = {
        "property": result.text,
        "verdict": headline(result),
        "expected": result.expected.value,
        "scope": str(result.scope),
        "evidence": evidence(result),
    }
    if result.warnings:
        facts["warnings"] = "; ".join(result.warnings)
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=name, value=xml(value))
    if as_expected(result.verdict, result.expected):
        return
    tag, kind = _outcome(result)
    text = "\n".join([f"{headline(result)}: {result.text}", *details(result)])
    reported = ElementTree.SubElement(case, tag, message=xml(_message(result)), type=kind)
    reported.text = xml(text)


def _problem(suite: ElementTree.Element, problem: Diagnostic) -> None:
    name = problem.span.source.name if problem.span else problem.code
    case = ElementTree.SubElement(suite, "testcase", classname="files", name=xml(name), time="0")
    reported = ElementTree.SubElement(case, "error", message=xml(problem.message), type=xml(problem.code))
    reported.text = xml(problem.render())


def _outcome(result: Result) -> tuple[str, str]:
    match result.verdict:
        case Proved():
            return "failure", "unexpected proof"
        case Refuted():
            return "failure", "refuted"
        case Vacuous():
            return "failure", "vacuous"
        case Unknown(reason=reason):
            return "error", f"unknown:{reason.value}"
        case Failed():
            return "error", "error"
    assert_never(result.verdict)


def _message(result: Result) -> str:
    expected = "" if result.expected.value == "proved" else f", expected {result.expected.value}"
    return f"{headline(result)}{expected}"


def evidence(result: Result) -> str:
    """What stands behind a verdict, in one line."""
    closed = getattr(result.verdict, "closed", ())
    by = dict.fromkeys(one.evidence.by for one in closed)
    checked = dict.fromkeys(name for one in closed for name in one.evidence.checked_by)
    parts = [*by, *(f"checked by {name}" for name in checked)]
    match result.verdict:
        case Proved(structural=structural) if structural:
            parts.append(structural)
        case Proved(every=every) if every is not None:
            parts = [f"all lengths: {every.method}", *(f"checked by {checked}" for checked in every.checked_by)]
        case Proved(witness=Witness() as witness) | Refuted(witness=Witness() as witness):
            parts = [f"input {word_text(witness.word)}, replayed by {', '.join(witness.replayed_by)}"]
        case _:
            pass
    return ", ".join(parts) or verdict_name(result.verdict)
