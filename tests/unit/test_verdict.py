"""Verdicts: none can be forged, none is a truth value, the gravest exit code wins, JSON keeps all of them."""

import json
from dataclasses import FrozenInstanceError, replace
from itertools import permutations
from typing import Any

import pytest

from spec.diagnostics import Diagnostic, InternalError
from spec.property.ast import Expected
from spec.property.scope import Integers, Scope
from spec.values import Numbers
from verifier.engine import Evidence, Reason
from verifier.report.result import Result, from_json, to_json, verdict_name
from verifier.verdict import (
    Closed,
    Exit,
    Failed,
    Proved,
    Refuted,
    Unknown,
    Vacuous,
    Verdict,
    Witness,
    as_expected,
    exit_code,
    overall,
)

SCOPE = Scope(1, 3, ("a", "b"))
CLOSED = tuple(Closed(length, Evidence("enumerate", inputs=2**length)) for length in (1, 2, 3))
RICH = Closed(2, Evidence("sat", "17 clauses", 10**30, 12, ("drat", "z3")))
WITNESS = Witness(("b", "a"), "x[0] is 1, y[0] is 2", 0, least=True, unique=False, replayed_by=("interpreter", "model"))

VERDICTS: dict[str, list[Verdict]] = {
    "proved": [
        Proved(SCOPE, CLOSED, warnings=("the precondition is never needed",)),
        Proved(SCOPE, CLOSED[:1], WITNESS),
        Proved(Scope(1, None), structural="2 layers are enough"),
    ],
    "refuted": [Refuted(WITNESS, CLOSED[:1]), Refuted(None, CLOSED, "no input in scope reaches it")],
    "vacuous": [Vacuous(CLOSED, "no input in scope satisfies the preconditions")],
    "unknown": [Unknown(reason, "why", (*CLOSED[:1], RICH), (3, 4)) for reason in Reason],
    "error": [Failed((Diagnostic("P0402", "not about an input", hint="leave it out"), Diagnostic("R0301", "fails")))],
}
ALL = [(name, verdict) for name, verdicts in VERDICTS.items() for verdict in verdicts]


def result(verdict: Verdict, scope: Scope = SCOPE, expected: Expected = Expected.PROVED) -> Result:
    return Result("a.rasp", 3, 4, "same", "ensures", "x == y", scope, verdict, expected, 0.25, "a table\nof two lines")


# --- forging ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "closed"),
    [
        (SCOPE, ()),
        (SCOPE, CLOSED[:2]),
        (SCOPE, CLOSED[1:]),
        (SCOPE, (CLOSED[0], CLOSED[2])),
        (SCOPE, CLOSED[::-1]),
        (SCOPE, (*CLOSED, CLOSED[2])),
        (SCOPE, (*CLOSED, Closed(4, Evidence("sat")))),
        (Scope(1, None), CLOSED),
        (Scope(2, None), ()),
    ],
)
def test_a_proof_about_inputs_covers_exactly_the_lengths_of_its_scope(scope: Scope, closed: tuple[Closed, ...]) -> None:
    with pytest.raises(InternalError, match="proved"):
        Proved(scope, closed)


def test_a_proof_cannot_be_widened_afterwards() -> None:
    proof: Any = Proved(SCOPE, CLOSED)
    with pytest.raises(FrozenInstanceError):
        proof.scope = Scope(1, 9)
    with pytest.raises(InternalError):
        replace(proof, scope=Scope(1, 9))


def test_no_witness_without_a_replay() -> None:
    with pytest.raises(InternalError, match="replayed"):
        Witness(("a",), "it fails", replayed_by=())


def test_no_refutation_without_an_input_or_a_reason() -> None:
    with pytest.raises(InternalError, match="refuted"):
        Refuted(None, CLOSED)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("proved", {"closed": []}),
        ("proved", {"scope": {"low": 1, "high": 9, "alphabet": ["a"], "numbers": "exact", "inputs": None}}),
        ("proved", {"scope": {"low": 1, "high": None, "alphabet": ["a"], "numbers": "exact", "inputs": None}}),
        ("unknown", {"verdict": "proved"}),
        ("error", {"verdict": "proved"}),
        ("refuted", {"witness": None, "detail": ""}),
        ("unknown", {"reason": "tired"}),
        ("vacuous", {"verdict": "true"}),
        ("proved", {"expect": "whatever"}),
        ("proved", {"line": "3"}),
    ],
)
def test_a_forged_or_broken_text_is_no_result(name: str, change: dict[str, Any]) -> None:
    data = to_json(result(VERDICTS[name][0])) | change
    with pytest.raises(InternalError):
        from_json(data)


@pytest.mark.parametrize("field", to_json(result(VERDICTS["proved"][0])))
def test_a_text_that_lacks_a_part_is_no_result(field: str) -> None:
    data = to_json(result(VERDICTS["proved"][0]))
    del data[field]
    if field == "id":
        assert from_json(data).id == "a.rasp::same"
        return
    with pytest.raises(InternalError):
        from_json(data)


# --- truth --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "verdict"), ALL)
def test_no_verdict_is_a_truth_value(name: str, verdict: Verdict) -> None:
    with pytest.raises(TypeError, match="truth value"):
        bool(verdict)
    with pytest.raises(TypeError):
        assert verdict
    assert verdict_name(verdict) == name


# --- exit codes ---------------------------------------------------------------------------------------------------

PRIORITY = [70, 2, 1, 4, 3, 5, 0]
UNEXPECTED = {"proved": 1, "refuted": 1, "vacuous": 4, "unknown": 3, "error": 2}


def test_the_gravest_code_wins() -> None:
    for some in permutations(PRIORITY, 3):
        assert overall([Exit(code) for code in some]) == min(some, key=PRIORITY.index)
    assert [code.value for code in Exit] == PRIORITY


def test_nothing_selected_is_not_a_success() -> None:
    assert overall([]) == 5


@pytest.mark.parametrize("expected", Expected)
@pytest.mark.parametrize(("name", "verdict"), ALL)
def test_only_the_expected_verdict_passes(name: str, verdict: Verdict, expected: Expected) -> None:
    passes = name == expected.value
    assert as_expected(verdict, expected) is passes
    assert exit_code(verdict, expected) == (0 if passes else UNEXPECTED[name])
    assert result(verdict, expected=expected).exit == exit_code(verdict, expected)


# --- JSON ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "verdict"), ALL)
def test_json_keeps_a_verdict(name: str, verdict: Verdict) -> None:
    scope = verdict.scope if isinstance(verdict, Proved) else SCOPE
    before = result(verdict, scope)
    data = json.loads(json.dumps(to_json(before)))
    assert data["verdict"] == name
    assert from_json(data) == before


@pytest.mark.parametrize(
    "scope",
    [
        Scope(1, None, ("a", 1, True, 2.5, "1")),
        Scope(2, 5, Integers(-(10**40), 10**40), Numbers.IEEE),
        Scope(1, 3, Integers(None, None)),
        Scope(3, 3, Integers(0, None)),
    ],
)
def test_json_keeps_a_scope(scope: Scope) -> None:
    before = result(Unknown(Reason.SIZE, "large"), scope)
    assert from_json(json.loads(json.dumps(to_json(before)))) == before


@pytest.mark.parametrize("word", [("a", 1, True, 0.1, "1"), (10**40, -1), ("\ud800", "\x1b", '"')])
def test_json_keeps_the_atoms_of_an_input(word: tuple[Any, ...]) -> None:
    before = result(Refuted(replace(WITNESS, word=word)))
    after = from_json(json.loads(json.dumps(to_json(before))))
    assert isinstance(after.verdict, Refuted)
    assert after.verdict.witness is not None
    assert list(map(repr, after.verdict.witness.word)) == list(map(repr, word))
