"""A job crosses to another process as JSON and means the same properties there; what fails inside is a verdict."""

import json
from pathlib import Path

import pytest

from spec.diagnostics import RaspError
from verifier.check import Options
from verifier.engine import Limits, Reason
from verifier.running import jobs
from verifier.running.jobs import Job, work
from verifier.running.overrides import Overrides
from verifier.verdict import Proved, Refuted, Unknown

PROGRAM = """
x = aggregate(select(indices, 0, ==), tokens, "-");
y = 1 / (indices - 1);
#@ scope lengths=1..3 alphabet=ab
#@ ensures same: x[0] == tokens[0]
#@ ensures wrong: x[0] == "a"
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "a.rasp").write_text(PROGRAM)
    return str(tmp_path / "a.rasp")


def names(job: Job) -> list[str]:
    return [bound.property.name for bound in job.select()]


def test_json_keeps_a_job(path: str) -> None:
    given = [
        Job(path),
        Job(path, "same", ("same", "x.no_error")),
        Job(path, overrides=Overrides("1..9", "xyz", None, "ieee"), options=Options("sat", Limits(1.5, 2, 3, 4), 6, 7)),
        Job(path, recorded={"same": {"name": "same"}}, proofs="folder", options=Options(witnesses=5)),
        Job(path, clauses="requires n > 1\\nensures n > 0", others=("/b.rasp",)),
    ]
    for job in given:
        assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


@pytest.mark.parametrize(
    "change", [{"path": 3}, {"names": "same"}, {"options": {}}, {"others": None}, {"clauses": []}, {"recorded": [1]}]
)
def test_what_is_no_job_is_refused(change: dict[str, object], path: str) -> None:
    data: dict[str, object] = {**Job(path).to_json(), **change}
    with pytest.raises(ValueError, match="not a job"):
        Job.from_json(data)  # type: ignore[arg-type]  # the point of the test


def test_a_job_selects_by_target_name_and_clause(path: str) -> None:
    assert names(Job(path))[:4] == ["same", "wrong", "x.no_error", "x.numbers_agree"]
    assert names(Job(path, "wrong")) == ["wrong"]
    assert names(Job(path, "y")) == ["y.no_error", "y.numbers_agree"]
    assert names(Job(path, None, ("wrong", "other"))) == ["wrong"]
    assert names(Job(path, clauses="ensures z: n > 0")) == ["z"]
    with pytest.raises(RaspError):
        Job(path, "z").select()


def test_a_clause_has_the_scope_of_the_file(path: str) -> None:
    (bound,) = Job(path, clauses="ensures n > 0").select()
    assert str(bound.property.scope) == "lengths=1..3 alphabet=ab numbers=exact"
    (bound,) = Job(path, clauses="ensures n > 0", overrides=Overrides(lengths="2")).select()
    assert str(bound.property.scope) == "lengths=2 alphabet=ab numbers=exact"


def test_work_says_what_was_asked_and_what_came_out(path: str) -> None:
    results = {bound.property.name: work(Job(path), bound) for bound in Job(path).select()}
    assert isinstance(results["same"].verdict, Proved)
    wrong = results["wrong"]
    assert isinstance(wrong.verdict, Refuted)
    witness = wrong.verdict.witness
    assert (wrong.file, wrong.line, wrong.kind, wrong.text) == (path, 6, "ensures", 'x[0] == "a"')
    assert wrong.id == f"{path}::wrong"
    assert wrong.seconds > 0
    assert witness is not None
    assert witness.word == ("b",)
    assert results["x.no_error"].text == "x has a value on every input"


def test_no_memory_is_no_answer(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_given: object, **_how: object) -> Proved:
        raise MemoryError

    monkeypatch.setattr(jobs, "check", exhausted)
    verdict = work(Job(path), Job(path).select()[0]).verdict
    assert isinstance(verdict, Unknown)
    assert verdict.reason is Reason.MEMORY
