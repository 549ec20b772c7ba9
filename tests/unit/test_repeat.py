"""Results repeated: what holds is confirmed by somebody else, what was forged is rejected, and the rest stays open."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from spec.diagnostics import InternalError
from verifier.bounds.decide import Feasible
from verifier.bounds.problem import Limits as Within
from verifier.bounds.problem import Problem
from verifier.check import Options
from verifier.cli import main
from verifier.engine import Limits, Proofs, Query, Reason, Sat
from verifier.evidence.confirm import Confirmer, confirm, confirmers
from verifier.evidence.repeat import Judged, Standing, judge
from verifier.report.data import Json
from verifier.report.result import Result, from_json, to_json, verdict_name
from verifier.running.jobs import Job, work
from verifier.verdict import Proved, Refuted, Unknown

PROGRAM = """
sum = selector_width(select(tokens, "a", ==));
rank = selector_width(select(tokens, tokens, <));
#@ scope lengths=1..5 alphabet=abc
#@ ensures most: forall i: sum[i] <= n
#@ ensures some: forall i: tokens[i] == "a" => sum[i] >= 1
#@ ensures order: forall i, j: tokens[i] < tokens[j] => rank[i] < rank[j]
#@ ensures few: sum[0] < 3
#@ expect few: refuted
#@ cover all_a: n == 4 and sum[0] == 4
#@ cover never: sum[0] == 7
#@ expect never: refuted
#@ scope lengths=1..3 alphabet=ab
#@ requires impossible: tokens[0] == "a" and tokens[0] == "b"
#@ ensures nothing: sum[0] == 9
#@ expect nothing: vacuous
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("repeat") / "a.rasp"
    path.write_text(PROGRAM)
    return path


@pytest.fixture(scope="module")
def proofs(program: Path) -> Path:
    return program.parent / "proofs"


@pytest.fixture(scope="module")
def results(program: Path, proofs: Path) -> dict[str, Result]:
    job = Job(str(program), options=Options(save_proofs=str(proofs)))
    return {bound.property.name: work(job, bound) for bound in job.select()}


def again(recorded: Result, proofs: Path | None = None, limits: Limits | None = None) -> Judged:
    options = Options(limits=replace(limits or Limits(), proofs=Proofs.ALL))
    folder = None if proofs is None else str(proofs)
    job = Job(recorded.file, options=options, recorded={recorded.name: to_json(recorded)}, proofs=folder)
    (bound,) = job.select()
    return judge(recorded, work(job, bound))


def test_what_holds_is_confirmed_whatever_the_verdict(results: dict[str, Result]) -> None:
    assert {verdict_name(result.verdict) for result in results.values()} == {"proved", "refuted", "vacuous"}
    for name, result in results.items():
        found = again(result)
        assert found.standing is Standing.CONFIRMED, (name, found)


def test_nobody_confirms_what_he_said_himself(results: dict[str, Result]) -> None:
    closed = results["order"].verdict
    assert isinstance(closed, Proved)
    for one in closed.closed:
        for by in (one.evidence.by, "parallel", "diagrams", "smt"):
            asked = confirmers(Query(1, ("a",), None), by, "", Limits())  # type: ignore[arg-type]  # not looked at
            assert by not in [confirmer.name for confirmer in asked if confirmer.name != "sat"]


# --- forgeries ----------------------------------------------------------------------------------------------------


def forged(result: Result, **changes: Json) -> Result:
    return from_json({**to_json(result), **changes})


def test_a_proof_of_what_fails_is_rejected(results: dict[str, Result]) -> None:
    most = to_json(results["most"])
    claimed = ("verdict", "closed", "witness", "structural", "every", "warnings", "notes", "others")
    found = again(forged(results["few"], **{key: most[key] for key in claimed}))
    assert found.standing is Standing.REJECTED
    assert "['a', 'a', 'a']" in found.detail


def test_a_scope_that_was_widened_is_rejected_or_repeated_as_a_whole(results: dict[str, Result]) -> None:
    """The counts differ in length 7 only: a result that claims 1..7 has to close 7."""
    never = results["never"]
    scope = to_json(never)["scope"]
    assert isinstance(scope, dict)
    found = again(forged(never, scope={**scope, "high": 7}))
    assert found.standing is Standing.REJECTED
    assert "proved: ['a', 'a', 'a', 'a', 'a', 'a', 'a']" in found.detail


def test_an_input_that_breaks_nothing_is_rejected(results: dict[str, Result]) -> None:
    few = results["few"]
    assert isinstance(few.verdict, Refuted)
    assert few.verdict.witness is not None
    for word, why in ((("a", "b", "a"), "holds"), (("a", "a", "z"), "not in the scope")):
        wrong = replace(few, verdict=replace(few.verdict, witness=replace(few.verdict.witness, word=word)))
        found = again(wrong)
        assert found.standing is Standing.REJECTED
        assert why in found.detail


def test_a_counterexample_that_is_not_the_first_is_rejected(results: dict[str, Result]) -> None:
    few = results["few"]
    assert isinstance(few.verdict, Refuted)
    assert few.verdict.witness is not None
    late = replace(few.verdict.witness, word=("a", "a", "b", "a"), least=True)
    found = again(replace(few, verdict=replace(few.verdict, witness=late)))
    assert found.standing is Standing.REJECTED
    assert "['a', 'a', 'a']" in found.detail


def test_another_contract_is_rejected(results: dict[str, Result]) -> None:
    found = again(replace(results["most"], text="forall i: sum[i] <= 1"))
    assert found.standing is Standing.REJECTED
    assert "forall i: sum[i] <= n" in found.detail


def test_what_nobody_else_can_tell_stays_open(results: dict[str, Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.evidence.confirm.confirmers", lambda *_: [])
    found = again(results["order"])
    assert found.standing is Standing.CONFIRMED
    assert found.detail == "interpreter: n = 1..5"
    monkeypatch.setattr("verifier.evidence.confirm.FEW", 0)
    found = again(results["order"])
    assert found.standing is Standing.OPEN
    assert "nobody but" in found.detail


def test_what_only_the_interpreter_found_is_not_confirmed_by_it(program: Path) -> None:
    job = Job(str(program), "order", options=Options(engine="interpreter"))
    recorded = next(work(job, bound) for bound in job.select() if bound.property.name == "order")
    again_job = replace(job, recorded={"order": to_json(recorded)})
    (bound,) = again_job.select()
    found = judge(recorded, work(again_job, bound))
    assert found.standing is Standing.OPEN
    assert again(recorded).standing is Standing.CONFIRMED  # engines can state it, and they find the same


def test_a_lying_confirmer_is_an_alarm(results: dict[str, Result], monkeypatch: pytest.MonkeyPatch) -> None:
    class Liar:
        name = "liar"

        def open(self, *_: object) -> "Liar":
            return self

        def check(self, *_: object) -> Sat:
            return Sat(("a",))

    monkeypatch.setattr("verifier.evidence.confirm.confirmers", lambda *_: [Confirmer("liar", Liar(), Limits())])
    with pytest.raises(InternalError, match="liar says that `order` fails"):
        again(results["order"])


def test_only_what_an_unknown_closes_is_repeated(results: dict[str, Result]) -> None:
    order = results["order"]
    assert isinstance(order.verdict, Proved)
    part = replace(order, verdict=Unknown(Reason.WALL, "", order.verdict.closed[:3], (4, 5)))
    found = again(part)
    assert found.standing is Standing.CONFIRMED
    assert "1..3" in found.detail or "2..3" in found.detail


# --- architectures ------------------------------------------------------------------------------------------------

ARCHITECTURES = """
a = aggregate(select(indices, indices, <), indices);
b = aggregate(select(indices, 1, <), indices);
c = aggregate(select(indices, 2, <), indices + a);
x = a + b + c;
#@ arch fits: x: layers <= 2, heads <= 2
#@ arch chain: x: layers <= 1
#@ arch crowd: x: total heads <= 2
"""


@pytest.fixture
def architectures(tmp_path: Path) -> dict[str, Result]:
    path = tmp_path / "arch.rasp"
    path.write_text(ARCHITECTURES)
    job = Job(str(path))
    return {bound.property.name: work(job, bound) for bound in job.select()}


def test_an_architecture_is_confirmed_by_the_checker_of_certificates(architectures: dict[str, Result]) -> None:
    shown = {
        "fits": "certificate of layers <= 2, heads <= 2: schedule of 3 reads validated",
        "chain": "certificate of not layers <= 1: chain of 2 reads",
        "crowd": "certificate of not layers <= 2, total heads <= 2: 3 heads in the layers 1 to 2",
    }
    assert {name: verdict_name(result.verdict) for name, result in architectures.items()} == {
        "fits": "proved",
        "chain": "refuted",
        "crowd": "refuted",
    }
    for name, result in architectures.items():
        found = again(result)
        assert (found.standing, found.detail) == (Standing.CONFIRMED, shown[name])


def test_a_forged_architecture_is_rejected(architectures: dict[str, Result]) -> None:
    chain = to_json(architectures["chain"])
    found = again(forged(architectures["fits"], **{key: chain[key] for key in ("name", "text", "line")}))
    assert found.standing is Standing.REJECTED
    assert "it is refuted" in found.detail


def test_a_certificate_that_is_not_accepted_is_an_alarm(
    architectures: dict[str, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that puts everything into one layer, where a certificate that says so cannot hold."""

    def lies(task: Problem, *_: object) -> Feasible:
        return Feasible(Within(1), task.schedule([1] * len(task.reads), 1))

    monkeypatch.setattr("verifier.bounds.arch.decide", lies)
    with pytest.raises(InternalError, match="certificate of `chain` is not accepted: the schedule is not valid"):
        again(architectures["chain"])


# --- proofs that were kept ----------------------------------------------------------------------------------------


def names_of(result: Result) -> dict[int, str]:
    assert isinstance(result.verdict, Proved)
    return {one.length: one.evidence.proof for one in result.verdict.closed if one.evidence.proof is not None}


def test_kept_proofs_are_replayed_without_any_engine(
    results: dict[str, Result], proofs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sorted(names_of(results["order"])) == [2, 3, 4, 5]
    """Only length 1 has none: it is decided before there are clauses."""
    asked: list[int] = []

    def ask(query: Query, *how: object) -> object:
        asked.append(query.length)
        return confirm(query, *how)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr("verifier.evidence.repeat.confirm", ask)
    found = again(results["order"], proofs)
    assert asked == [1]
    assert found.standing is Standing.CONFIRMED
    assert "drup: n = 2..5" in found.detail


CORRUPTIONS: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "nothing but the end": (lambda lines: [lines[0], "0"], "does not follow"),
    "the end missing": (lambda lines: lines[: len(lines) // 2], "does not end in a contradiction"),
    "no clause": (lambda lines: [lines[0], "what 0", *lines[1:]], "no clause"),
    "other clauses": (lambda lines: ["c clauses " + "0" * 64, *lines[1:]], "for other clauses"),
    "no header": (lambda lines: lines[1:], "does not say what it is a proof of"),
}


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_corrupted_proof_is_rejected(kind: str, results: dict[str, Result], proofs: Path, tmp_path: Path) -> None:
    """Renamed to the hash of its new content, so that only the content speaks against it."""
    change, why = CORRUPTIONS[kind]
    name = names_of(results["order"])[5]
    text = "\n".join([*change((proofs / name).read_text().splitlines()), ""])
    renamed = f"{hashlib.sha256(text.encode()).hexdigest()}.drup"
    for one in proofs.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    (tmp_path / renamed).write_text(text)
    verdict = results["order"].verdict
    assert isinstance(verdict, Proved)
    closed = tuple(
        replace(one, evidence=replace(one.evidence, proof=renamed)) if one.length == 5 else one
        for one in verdict.closed
    )
    found = again(replace(results["order"], verdict=replace(verdict, closed=closed)), tmp_path)
    assert found.standing is Standing.REJECTED
    assert why in found.detail


def test_a_proof_file_that_was_touched_or_is_gone_is_rejected(
    results: dict[str, Result], proofs: Path, tmp_path: Path
) -> None:
    assert "cannot be read" in again(results["order"], tmp_path).detail
    for one in proofs.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes() + b"0\n")
    found = again(results["order"], tmp_path)
    assert found.standing is Standing.REJECTED
    assert "not the one that its name says" in found.detail


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_confirms_rejects_and_leaves_open(
    program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, file = f"{program}::order", tmp_path / "r.json"
    assert main(["check", target, "--jobs", "1", "-q", "-o", str(file), "--save-proofs", str(tmp_path / "p")]) == 0
    assert main(["recheck", str(file), "--jobs", "1", "--proofs-in", str(tmp_path / "p")]) == 0
    said = capsys.readouterr().out
    assert "confirmed      proved   " in said
    assert "1 results: 1 confirmed, 0 not confirmed, 0 REJECTED" in said
    assert main(["recheck", str(file), "--jobs", "1", "--kill-after", "0.001"]) == 3
    assert "not confirmed" in capsys.readouterr().out
    data = json.loads(file.read_text())
    for wrong in ({"text": "n > 3"}, {"id": "b.rasp::order", "file": "b.rasp"}, {"name": "gone"}):
        file.write_text(json.dumps({**data, "properties": [{**data["properties"][0], **wrong}]}))
        assert main(["recheck", str(file), "--jobs", "1"]) == 1
        assert "REJECTED" in capsys.readouterr().out
    data["properties"][0]["verdict"] = "refuted"
    file.write_text(json.dumps(data))
    assert main(["recheck", str(file), "--jobs", "1"]) == 2
