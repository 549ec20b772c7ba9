"""SARIF, JUnit, annotations and Markdown: valid, complete, and not to be broken by what programs contain."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from spec.diagnostics import UsageError
from spec.property.ast import Expected
from tests.unit.result_samples import HOSTILE, VERDICTS, document, everything, result
from verifier.report.document import RunState
from verifier.report.formats import FORMATS, output, render
from verifier.report.github import MAX_ANNOTATIONS

SARIF_SCHEMA = Path(__file__).resolve().parent.parent / "data" / "sarif-2.1.0.schema.json"
RUNS = {
    "everything": everything(),
    "marker": document(state=RunState.INCOMPLETE),
    "interrupted": document(state=RunState.PARTIAL, stopped=143),
    "nothing": document(),
    "green": document(result("proved")),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", RUNS)
def test_nothing_in_a_program_reaches_a_terminal_as_a_command(name: str, form: str) -> None:
    text = render(RUNS[name], form)
    text.encode("utf-8")
    assert not set(text) & {"\x1b", "\x00", "\r", "\u202e"}


# ------------------------------------------------------------------------------------------------ SARIF


def _sarif(name: str) -> Any:
    data = json.loads(render(RUNS[name], "sarif"))
    schema = json.loads(SARIF_SCHEMA.read_text(encoding="utf-8"))
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(data)] == []
    return data["runs"][0]


@pytest.mark.parametrize("name", RUNS)
def test_sarif_is_valid_under_its_schema(name: str) -> None:
    run = _sarif(name)
    assert run["invocations"][0]["executionSuccessful"] is (name in ("green", "nothing"))


def test_sarif_has_a_result_for_each_finding_and_none_for_what_was_expected() -> None:
    expected = {"refuted": 2, "unreached": 2, "vacuous": 2, "unknown": 2, "error": 2}
    results = _sarif("everything")["results"]
    warned = [one for one in results if one["ruleId"] == "rasp/warning"]
    assert [one["level"] for one in warned] == ["note", "note"]
    assert all("proved" in one["properties"]["property"] for one in warned)
    found = [one["properties"]["property"] for one in results if one not in warned]
    assert {name: sum(f".rasp::{name}" in one for one in found) for name in expected} == expected
    assert len(found) == sum(expected.values())
    assert {one["level"] for one in _sarif("green")["results"]} == {"note"}


def test_every_rule_that_a_result_names_is_the_one_at_its_index() -> None:
    run = _sarif("everything")
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])


def test_the_code_flow_walks_from_the_input_over_the_steps_to_the_failure() -> None:
    run = json.loads(render(document(result("refuted")), "sarif"))["runs"][0]
    (flow,) = run["results"][0]["codeFlows"][0]["threadFlows"]
    steps = [step["location"] for step in flow["locations"]]
    texts = [step["message"]["text"] for step in steps]
    assert texts[1] == "select(a,\nb, ==): 1 reads 0"
    assert texts[2] == "order: 1/3 at 0, T at 1"
    assert steps[2]["physicalLocation"] == {
        "artifactLocation": {"uri": "a.rasp", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3},
    }
    assert texts[0].startswith("input ")
    assert texts[-1].startswith("because ")


def test_a_finding_keeps_its_fingerprint_when_lines_move_and_only_then() -> None:
    def fingerprint(**changes: object) -> str:
        run = json.loads(render(document(result("refuted", **changes)), "sarif"))["runs"][0]
        return str(run["results"][0]["partialFingerprints"]["primaryLocationLineHash"])

    assert fingerprint(line=7) == fingerprint(line=99)
    assert len({fingerprint(), fingerprint(name="x"), fingerprint(file="y"), fingerprint(text="z")}) == 4


def test_paths_are_relative_uris() -> None:
    run = json.loads(render(document(result("refuted", file=str(Path.cwd() / "a b.rasp"))), "sarif"))["runs"][0]
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place["uri"] == "a%20b.rasp"


# ------------------------------------------------------------------------------------------------ JUnit


def _junit(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(render(RUNS[name], "junit"))


def test_junit_counts_what_it_holds() -> None:
    root = _junit("everything")
    cases = root.findall("testsuite/testcase")
    assert root.get("tests") == str(len(cases))
    for tag, key in (("failure", "failures"), ("error", "errors")):
        assert root.get(key) == str(sum(case.find(tag) is not None for case in cases))


@pytest.mark.parametrize(
    ("name", "tag", "kind"),
    [
        ("proved", None, None),
        ("refuted", "failure", "refuted"),
        ("unreached", "failure", "refuted"),
        ("vacuous", "failure", "vacuous"),
        ("unknown", "error", "unknown:rlimit"),
        ("error", "error", "error"),
    ],
)
def test_junit_says_error_where_nothing_was_decided_and_never_skipped(
    name: str, tag: str | None, kind: str | None
) -> None:
    root = ElementTree.fromstring(render(document(result(name)), "junit"))
    case = root.find("testsuite/testcase")
    assert case is not None
    reported = [child for child in case if child.tag != "properties"]
    assert [(child.tag, child.get("type")) for child in reported] == ([] if tag is None else [(tag, kind)])


def test_junit_of_an_expected_refutation_passes_and_of_an_unexpected_proof_fails() -> None:
    root = ElementTree.fromstring(render(document(result("refuted", expected=Expected.REFUTED)), "junit"))
    assert (root.get("failures"), root.get("errors")) == ("0", "0")
    root = ElementTree.fromstring(render(document(result("proved", expected=Expected.REFUTED)), "junit"))
    assert root.get("failures") == "1"


@pytest.mark.parametrize("name", ["marker", "interrupted"])
def test_junit_of_a_run_that_did_not_end_is_not_green(name: str) -> None:
    assert _junit(name).get("errors") == "1"


def test_junit_holds_hostile_text_without_losing_the_rest() -> None:
    names = [case.get("name", "") for case in _junit("everything").iter("testcase")]
    assert any("<script>alert('&')</script>" in name for name in names)


# ------------------------------------------------------------------------------------------------ GitHub


def test_annotations_are_one_command_a_line_and_nothing_in_them_is_another() -> None:
    lines = render(RUNS["everything"], "github").splitlines()
    pattern = re.compile(r"::(error|warning|notice) (?:[a-z]+=[^,:]*(?:,|(?=::)))+::(?:[^%]|%0A|%25|%0D)*")
    assert all(pattern.fullmatch(line) for line in lines)


def test_annotations_are_capped_and_the_first_one_counts_the_rest() -> None:
    many = document(*(result("refuted", name=f"p{i}") for i in range(30)))
    lines = render(many, "github").splitlines()
    assert len(lines) == MAX_ANNOTATIONS + 1
    assert lines[0].startswith("::error title=rasp::30 properties, 30 not as expected")
    assert lines[0].endswith(f"({30 - MAX_ANNOTATIONS} more findings are not annotated)")


def test_unknown_is_a_warning_and_green_is_a_notice() -> None:
    assert "\n::warning file=" in render(document(result("unknown")), "github")
    assert render(RUNS["green"], "github").startswith("::notice title=rasp::1 property, 0 not as expected: OK")


def test_a_markdown_table_has_a_row_for_each_property_whatever_is_in_it() -> None:
    rows = [line for line in render(RUNS["everything"], "markdown").splitlines() if line.startswith("| `")]
    assert len(rows) == 2 * len(VERDICTS) + 1
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)
    assert HOSTILE not in "".join(rows)


# ------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize(
    ("given", "form", "expected"),
    [
        ("r.json", "text", ("json", "r.json")),
        ("r.sarif", "junit", ("sarif", "r.sarif")),
        ("junit:r.json", "text", ("junit", "r.json")),
        ("r", "junit", ("junit", "r")),
        ("a:b.md", "text", ("markdown", "a:b.md")),
    ],
)
def test_the_format_of_a_file(given: str, form: str, expected: tuple[str, str]) -> None:
    found = output(given, form)
    assert (found.format, str(found.path)) == expected


def test_a_file_without_a_format_is_refused() -> None:
    with pytest.raises(UsageError, match="is not clear"):
        output("result", "text")
