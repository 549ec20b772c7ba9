"""The JSON document: valid against its schema, read back as it was, and impossible to forge."""

import json
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest

from spec.diagnostics import UsageError
from spec.property.ast import Expected
from tests.unit.result_samples import VERDICTS, document, everything, result
from verifier.report import document as module
from verifier.report.document import Document, RunState, Shard, document_json, read_document
from verifier.report.formats import render
from verifier.report.result import KINDS
from verifier.running import jobs
from verifier.verdict import Exit

SCHEMA = json.loads(Path(module.__file__).with_name("result.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


DOCUMENTS: dict[str, Document] = {
    "everything": everything(),
    "marker": document(state=RunState.INCOMPLETE),
    "nothing": document(),
    "nothing, and that is fine": document(ignored=frozenset({"nothing"})),
    "interrupted": document(result("proved"), state=RunState.PARTIAL, stopped=130),
    "part": document(result("proved"), state=RunState.PARTIAL, shard=Shard(2, 3)),
    "unknown, and that is fine": document(result("unknown"), ignored=frozenset({"unknown"})),
    **{name: document(result(name)) for name in VERDICTS},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_valid_and_reads_back_as_it_was(name: str, tmp_path: Path) -> None:
    text = render(DOCUMENTS[name], "json")
    data = json.loads(text)
    assert [error.message for error in VALIDATOR.iter_errors(data)] == []
    assert next(iter(data)) == "run_state"
    path = tmp_path / "result.json"
    path.write_text(text, encoding="utf-8")
    read = read_document(path)
    assert document_json(read)["properties"] == data["properties"]
    assert read.exit == DOCUMENTS[name].exit == data["exit_code"]


@pytest.mark.parametrize(
    ("name", "expected", "ignored", "code"),
    [
        ("proved", Expected.PROVED, frozenset(), Exit.EXPECTED),
        ("proved", Expected.REFUTED, frozenset(), Exit.REFUTED),
        ("refuted", Expected.REFUTED, frozenset(), Exit.EXPECTED),
        ("refuted", Expected.PROVED, frozenset({"unknown", "vacuous", "nothing"}), Exit.REFUTED),
        ("vacuous", Expected.PROVED, frozenset(), Exit.VACUOUS),
        ("vacuous", Expected.PROVED, frozenset({"vacuous"}), Exit.EXPECTED),
        ("unknown", Expected.PROVED, frozenset({"vacuous"}), Exit.UNKNOWN),
        ("unknown", Expected.PROVED, frozenset({"unknown"}), Exit.EXPECTED),
        ("error", Expected.PROVED, frozenset({"unknown", "vacuous", "nothing"}), Exit.USAGE),
    ],
)
def test_the_code_of_a_run(name: str, expected: Expected, ignored: frozenset[str], code: Exit) -> None:
    assert document(result(name, expected=expected), ignored=ignored).exit is code


def test_a_run_that_was_told_not_to_fail_still_does_not_say_ok() -> None:
    unknown = document(result("unknown"), ignored=frozenset({"unknown"}))
    vacuous = document(result("vacuous"), ignored=frozenset({"vacuous"}))
    assert render(unknown, "text").splitlines()[-1] == "COMPLETED WITH UNKNOWNS"
    assert render(vacuous, "text").splitlines()[-1] == "COMPLETED WITH VACUOUS PROPERTIES"


GONE: Any = object()
FIRST = ("properties", 0)
LIES: dict[str, list[tuple[tuple[str | int, ...], Any]]] = {
    "proved: no length closed": [((*FIRST, "closed"), [])],
    "proved: a length is missing": [((*FIRST, "closed", 0), GONE)],
    "proved: wider scope": [((*FIRST, "scope", "high"), 9)],
    "proved: with a counterexample": [((*FIRST, "detail"), "x")],
    "proved: other version": [(("schema_version",), "2.0")],
    "always: bounded after all": [((*FIRST, "scope", "high"), 9)],
    "always: nobody checked": [((*FIRST, "every", "checked_by"), [])],
    "refuted: nobody replayed": [((*FIRST, "witness", "replayed_by"), [])],
    "refuted: no input and no reason": [((*FIRST, "witness"), None), ((*FIRST, "detail"), "")],
    "refuted: exit code": [(("exit_code",), 0)],
    "refuted: summary": [(("summary", "proved"), 1)],
    "unknown: no reason": [((*FIRST, "reason"), GONE)],
    "unknown: called proved": [((*FIRST, "verdict"), "proved")],
}
NOT_SEEN_BY_SCHEMA = ("proved: a length is missing", "proved: wider scope", "refuted: summary")
# The reader does not look at keys that it has no use for, and a reason is for people.
NOT_SEEN_BY_READER = ("proved: with a counterexample", "refuted: no input and no reason")


def _forged(lie: str) -> dict[str, Any]:
    """A document with one lie in it."""
    data: Any = deepcopy(document_json(document(result(lie.partition(":")[0]))))
    for (*path, last), value in LIES[lie]:
        holder = data
        for key in path:
            holder = holder[key]
        if value is GONE:
            del holder[last]
        else:
            holder[last] = value
    return dict(data)


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in NOT_SEEN_BY_SCHEMA])
def test_the_schema_refuses_what_cannot_be(lie: str) -> None:
    assert list(VALIDATOR.iter_errors(_forged(lie)))


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in NOT_SEEN_BY_READER])
def test_the_reader_refuses_what_cannot_be(lie: str, tmp_path: Path) -> None:
    path = tmp_path / "forged.json"
    path.write_text(json.dumps(_forged(lie)), encoding="utf-8")
    with pytest.raises(UsageError, match=r"R0603|no result of this version"):
        read_document(path)


def test_the_reader_refuses_two_results_for_one_property(tmp_path: Path) -> None:
    path = tmp_path / "twice.json"
    path.write_text(render(document(result("proved"), result("proved")), "json"), encoding="utf-8")
    with pytest.raises(UsageError, match="two results for one property"):
        read_document(path)


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, '{"a": NaN}', "\ufeff{}", '{"schema_version": 1}'])
def test_anything_else_is_a_clear_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError):
        read_document(path)


def test_the_kinds_are_those_that_jobs_report() -> None:
    assert set(KINDS) == set(jobs.KINDS.values())


def _mutated(data: Any, random: Random) -> Any:
    """The data with one part of it replaced, removed or doubled."""
    data = deepcopy(data)
    holder, key = data, random.choice(list(data))
    while isinstance(holder[key], dict | list) and holder[key] and random.random() < 0.85:
        holder = holder[key]
        key = random.choice(list(holder)) if isinstance(holder, dict) else random.randrange(len(holder))
    strange: list[Any] = [
        None,
        True,
        -1,
        1 << 70,
        0.5,
        "",
        "\ud800",
        "9" * 5000,
        [],
        {},
        [[]],
        {"int": "x"},
        {"double": "nan"},
    ]
    match random.randrange(3):
        case 0:
            holder[key] = random.choice(strange)
        case 1:
            del holder[key]
        case _ if isinstance(holder, list):
            holder.append(holder[key])
        case _:
            holder[f"{key}x"] = holder.pop(key)
    return data


def test_whatever_was_done_to_a_file_the_answer_is_a_run_or_a_clear_error(tmp_path: Path) -> None:
    """And what the reader accepts is written back as valid; a lie about an exit code is never among it."""
    random = Random(20)
    path = tmp_path / "r.json"
    whole = document_json(everything())
    accepted = 0
    for _ in range(250):
        path.write_text(json.dumps(_mutated(whole, random)), encoding="utf-8")
        try:
            read = read_document(path)
        except UsageError:
            continue
        accepted += 1
        assert list(VALIDATOR.iter_errors(json.loads(render(read, "json")))) == []
        assert read.exit != 0
    assert 0 < accepted < 200
