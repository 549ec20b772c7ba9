"""Annotations in a pull request, and tables for its summary.

A step shows ten annotations of each level and drops the rest, so the first one counts them all.
"""

from typing import Final

from spec.diagnostics import Diagnostic
from verifier.report.document import Document, RunState, summary
from verifier.report.escape import command_data, command_property, markdown
from verifier.report.junit import evidence
from verifier.report.result import Result
from verifier.report.sarif import message
from verifier.report.text import closing, counted, headline
from verifier.verdict import Unknown, as_expected

MAX_ANNOTATIONS: Final = 9


def annotations(document: Document) -> str:
    """A line for each finding that a step can show, after one that says how many there are."""
    findings = [one for one in document.ordered if not as_expected(one.verdict, one.expected)]
    lines = [_problem(problem) for problem in document.problems]
    errors = lines + [_finding(one, "error") for one in findings if not isinstance(one.verdict, Unknown)]
    warnings = [_finding(one, "warning") for one in findings if isinstance(one.verdict, Unknown)]
    notices = [_notice(one) for one in document.ordered if one.warnings]
    shown = [*errors[:MAX_ANNOTATIONS], *warnings[:MAX_ANNOTATIONS], *notices[:MAX_ANNOTATIONS]]
    hidden = len(errors) + len(warnings) + len(notices) - len(shown)
    level = "error" if errors else "warning" if warnings else "notice"
    counts = summary(document.results)
    total = counted(counts["total"], "property", "properties")
    text = f"{total}, {counts['unexpected']} not as expected: {closing(document)}"
    if hidden:
        text += f" ({hidden} more findings are not annotated)"
    return "\n".join([f"::{level} title=rasp::{command_data(text)}", *shown]) + "\n"


def _finding(result: Result, level: str) -> str:
    where = f"file={command_property(result.place)},line={result.line},col={result.column}"
    title = command_property(f"{headline(result)}: {result.name}")
    return f"::{level} {where},title={title}::{command_data(message(result))}"


def _notice(result: Result) -> str:
    where = f"file={command_property(result.place)},line={result.line},col={result.column}"
    title = command_property(f"{headline(result)}, but: {result.name}")
    return f"::notice {where},title={title}::{command_data(chr(10).join(result.warnings))}"


def _problem(problem: Diagnostic) -> str:
    span = problem.span
    place = "" if span is None else f"file={command_property(span.source.name)},line={span.line},col={span.column},"
    return f"::error {place}title={command_property(problem.code)}::{command_data(problem.render())}"


def step_summary(document: Document) -> str:
    """The run as a Markdown table."""
    counts = summary(document.results)
    lines = [
        f"### rasp: {closing(document)}",
        "",
        f"{counted(counts['total'], 'property', 'properties')}: "
        + ", ".join(f"{counts[name]} {name}" for name in ("proved", "refuted", "vacuous", "unknown", "error")),
        "",
    ]
    if document.state is not RunState.COMPLETE:
        lines += [f"The run is **{document.state.value}**.", ""]
    lines += [f"- {markdown(problem.render().splitlines()[0])}" for problem in document.problems]
    lines += ["| property | verdict | expected | scope | evidence |", "|---|---|---|---|---|"]
    lines += [
        f"| {markdown(one.id)} | {mark(one)} {headline(one)} | {one.expected.value} "
        f"| {markdown(str(one.scope))} | {markdown(evidence(one))} |"
        for one in document.ordered
    ]
    return "\n".join(lines) + "\n"


def mark(result: Result) -> str:
    """A sign for whether the verdict is the expected one; the words beside it say the same."""
    if as_expected(result.verdict, result.expected):
        return "✅"
    return "❓" if isinstance(result.verdict, Unknown) else "❌"
