"""The cache of answers: what it keeps, what it refuses, and that it never hides a contradiction."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import verifier.running.cache
from spec.diagnostics import InternalError
from spec.property.bound import BoundProperty
from spec.property.scope import Integers
from verifier.check import Options, check
from verifier.engine import Evidence, Limits, Proofs, Query, Reason, Sat, Undecided, Unsat
from verifier.portfolio import Finding
from verifier.question.claims import state
from verifier.report.document import this_tool
from verifier.running.cache import SAMPLE, answer, canonical, query_key
from verifier.running.overrides import Overrides
from verifier.running.selection import select
from verifier.running.subject import Subject
from verifier.verdict import Proved, Refuted, Unknown

PROGRAM = """r = aggregate(select(indices, length - 1 - indices, ==), tokens);
#@ scope lengths=1..3 alphabet=ab
#@ ensures back: forall i: r[i] == tokens[n-1-i]
#@ ensures front: forall i: r[i] == tokens[i]
"""


def _bound(name: str, program: str = PROGRAM) -> BoundProperty:
    from spec.source import Source

    (bound,) = select(Subject(Source("p.rasp", program), Path()), name, Overrides())
    return bound


def _query(name: str, length: int = 2, program: str = PROGRAM) -> Query:
    bound = _bound(name, program)
    return Query(length, bound.property.scope.alphabet, state(bound, length).broken)


def _stub(monkeypatch: pytest.MonkeyPatch, finding: Finding) -> list[Query]:
    """Engines that give this answer, and the list of what they were asked."""
    asked: list[Query] = []

    def decide(query: Query, *_: object) -> Finding:
        asked.append(query)
        return finding

    monkeypatch.setattr(verifier.running.cache, "decide", decide)
    return asked


UNSAT = Finding(Unsat(Evidence("enumerate", "all", inputs=4, checked_by=("x",), reductions=("y",))), "enumerate")
SAT = Finding(Sat(("a", "b"), least=True), "sat", unique=False)


def _key(index: int) -> Callable[[Query, str], str]:
    return lambda *_: f"{index:08x}" + "0" * 56


def test_equal_questions_have_equal_keys_and_different_ones_do_not() -> None:
    respaced = PROGRAM.replace("r = ", "unused = tokens + 1;\nr   =  ")
    assert query_key(_query("back"), "auto") == query_key(_query("back", program=respaced), "auto")
    others = [
        query_key(_query("back"), "auto"),
        query_key(_query("back"), "sat"),
        query_key(_query("back"), "auto", Proofs.ALL),
        query_key(_query("back"), "auto", Proofs.SAMPLE, False),
        query_key(_query("front"), "auto"),
        query_key(_query("back", 3), "auto"),
        query_key(Query(2, ("a", "c"), _query("back").violation), "auto"),
        query_key(Query(2, (1, 2), _query("back").violation), "auto"),
        query_key(Query(2, (1, True), _query("back").violation), "auto"),
        query_key(Query(2, Integers(1, 2), _query("back").violation), "auto"),
        query_key(Query(2, Integers(1, None), _query("back").violation), "auto"),
        query_key(_query("back", program=PROGRAM.replace("length - 1", "length - 2")), "auto"),
        query_key(_query("back", program=PROGRAM.replace("==), tokens", "<), indices")), "auto"),
    ]
    assert len(set(others)) == len(others)


def test_a_version_of_a_solver_or_a_line_of_code_is_a_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = query_key(_query("back"), "auto")
    with monkeypatch.context() as patch:
        patch.setattr(verifier.running.cache, "_code", lambda: "0.1.0 other")
        assert query_key(_query("back"), "auto") != before
    tool = this_tool()
    changed = type(tool)(tool.version, tool.python, tool.platform, (*tool.solvers, ("new", "1")))
    monkeypatch.setattr(verifier.running.cache, "this_tool", lambda: changed)
    assert query_key(_query("back"), "auto") != before


def test_the_canonical_form_tells_random_graphs_apart_exactly_when_they_differ() -> None:
    """Against the text of every program: equal texts, equal forms; and forms are JSON."""
    random = Random(5)
    seen: dict[str, str] = {}
    for _ in range(60):
        offset, predicate = random.randrange(4), random.choice(["==", "<", ">="])
        program = PROGRAM.replace("- 1", f"- {offset}").replace("==), tokens", f"{predicate}), indices")
        form = json.dumps(canonical(_query("back", program=program.replace("r[i] ==", "r[i] !="))), sort_keys=True)
        assert seen.setdefault(program, form) == form
    assert len(set(seen.values())) == len(seen)


@pytest.mark.parametrize("finding", [UNSAT, SAT])
def test_an_answer_is_given_again_without_asking(
    finding: Finding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier.running.cache, "query_key", _key(1))
    asked = _stub(monkeypatch, finding)
    query = _query("back")
    found = [answer(query, "auto", Limits(), str(tmp_path), "use") for _ in range(2)]
    assert len(asked) == 1
    assert found[0] == finding
    assert found[1].by == finding.by
    match found[1].answer:
        case Unsat(evidence=evidence):
            assert evidence == Evidence("enumerate", "all", inputs=4, checked_by=("x",), kept=True, reductions=("y",))
        case other:
            assert (other, found[1].unique) == (SAT.answer, False)


def test_what_is_not_decided_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _stub(monkeypatch, Finding(Undecided(Reason.WALL, "slow"), ""))
    for _ in range(2):
        answer(_query("back"), "auto", Limits(), str(tmp_path), "use")
    assert (len(asked), list(tmp_path.iterdir())) == (2, [])


def test_frozen_does_not_look_for_what_is_not_there_and_read_does_not_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _stub(monkeypatch, UNSAT)
    frozen = answer(_query("back"), "auto", Limits(), str(tmp_path), "frozen")
    assert isinstance(frozen.answer, Undecided)
    assert asked == []
    assert answer(_query("back"), "auto", Limits(), str(tmp_path), "read") == UNSAT
    assert list(tmp_path.iterdir()) == []


def test_a_sample_of_the_absences_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _stub(monkeypatch, UNSAT)
    query = _query("back")
    for _ in range(2):
        for index in range(2 * SAMPLE):
            monkeypatch.setattr(verifier.running.cache, "query_key", _key(index))
            answer(query, "auto", Limits(), str(tmp_path), "use")
    assert len(asked) == 2 * SAMPLE + 2


@pytest.mark.parametrize("mode", ["use", "read", "verify"])
def test_an_answer_that_differs_ends_the_run(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier.running.cache, "query_key", _key(0 if mode != "verify" else 1))
    _stub(monkeypatch, UNSAT)
    answer(_query("back"), "auto", Limits(), str(tmp_path), "use")
    _stub(monkeypatch, SAT)
    with pytest.raises(InternalError, match="says Unsat, sat says Sat"):
        answer(_query("back"), "auto", Limits(), str(tmp_path), mode)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"format": 1}', '{"format": 1, "key": "x"}', "\x00"])
def test_an_entry_that_cannot_be_read_does_not_exist(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _stub(monkeypatch, UNSAT)
    answer(_query("back"), "auto", Limits(), str(tmp_path), "use")
    (path,) = tmp_path.rglob("*.json")
    path.write_text(content, encoding="utf-8")
    answer(_query("back"), "auto", Limits(), str(tmp_path), "use")
    assert len(asked) == 2
    assert json.loads(path.read_text(encoding="utf-8"))["answer"] == "unsat"


def test_an_entry_of_another_key_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _stub(monkeypatch, UNSAT)
    answer(_query("back"), "auto", Limits(), str(tmp_path), "use")
    (path,) = tmp_path.rglob("*.json")
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**data, "key": "0" * 64}), encoding="utf-8")
    answer(_query("back"), "auto", Limits(), str(tmp_path), "use")
    assert len(asked) == 2


# ------------------------------------------------------------------------------------------------ whole checks


def _options(folder: Path, mode: str = "use") -> Options:
    return Options(engine="enumerate", cache=str(folder), cache_mode=mode)


def test_verdicts_from_the_cache_are_the_verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [check(_bound(name), _options(tmp_path)) for name in ("back", "front")]
    _stub(monkeypatch, Finding(Undecided(Reason.WALL), ""))
    proved, refuted = (check(_bound(name), _options(tmp_path, "frozen")) for name in ("back", "front"))
    assert isinstance(proved, Proved)
    assert all(closed.evidence.kept for closed in proved.closed)
    assert isinstance(first[1], Refuted)
    assert isinstance(refuted, Refuted)
    assert refuted.witness == first[1].witness


def test_a_frozen_cache_without_the_answer_leaves_a_property_undecided(tmp_path: Path) -> None:
    assert isinstance(check(_bound("back"), _options(tmp_path, "frozen")), Unknown)


def test_a_forged_input_is_caught_by_its_replay_and_a_forged_absence_by_spot_checks(tmp_path: Path) -> None:
    """`back` holds and `front` does not: swap what is kept about them."""
    check(_bound("back"), _options(tmp_path))
    for path in tmp_path.rglob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        entry = {"format": 1, "key": data["key"], "by": "sat", "unique": None, "answer": "sat", "least": True}
        path.write_text(json.dumps({**entry, "word": [{"string": "a"}]}), encoding="utf-8")
    with pytest.raises(InternalError, match="evaluation says"):
        check(_bound("back"), _options(tmp_path, "frozen"))
    forged = tmp_path / "forged"
    check(_bound("front"), _options(forged))
    for path in forged.rglob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        evidence: dict[str, Any] = {"by": "sat", "detail": "", "inputs": None, "steps": None}
        evidence |= {"checked_by": [], "reductions": []}
        entry = {"format": 1, "key": data["key"], "by": "sat", "unique": None, "answer": "unsat"}
        path.write_text(json.dumps({**entry, "evidence": evidence}), encoding="utf-8")
    bound = _bound("front", PROGRAM.replace("lengths=1..3", "lengths=1..2"))
    with pytest.raises(InternalError, match="violates it"):
        check(bound, _options(forged, "frozen"))
