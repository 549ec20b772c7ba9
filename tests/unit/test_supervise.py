"""Proving in children that die: what is lost is one property, it is called unknown, and nothing passes for it.

Also the alarms: an engine that lies, in either direction, ends the run, and so does a child that speaks nonsense.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from spec.diagnostics import InternalError
from spec.property.bound import BoundProperty
from verifier import check as checking
from verifier.check import Options, check
from verifier.cli import main
from verifier.engine import Evidence, Limits, Looked, Query, Reason, Sat, Undecided, Unsat, Word
from verifier.portfolio import Finding
from verifier.report.result import Result, to_json
from verifier.running import supervise
from verifier.running.jobs import Job
from verifier.running.supervise import Allowance, Planned, run
from verifier.verdict import Closed, Proved, Refuted, Unknown, Vacuous

PROGRAM = """
y = tokens;
z = 1 / indices;
#@ ensures before: y[0] == tokens[0]
#@ ensures endless: forall {many}: i0 >= 0
#@ ensures after: y[n - 1] == tokens[n - 1]
#@ ensures wrong: y[0] == "a"
#@ expect wrong: refuted
""".replace("{many}", ", ".join(f"i{k}" for k in range(40)))
"""`endless` has more instances than any machine can list."""


def planned(folder: Path, *names: str, text: str = PROGRAM) -> Planned:
    path = folder / "a.rasp"
    path.write_text(text)
    job = Job(str(path), names=names or None, options=Options(limits=Limits(wall_s=60)))
    return Planned(job, job.select())


def verdicts(results: list[Result]) -> dict[str, object]:
    return {result.name: result.verdict for result in results}


def expect_all_but_endless(results: list[Result], *reasons: Reason, proved: Sequence[int] = (1,)) -> Unknown:
    found = verdicts(results)
    assert list(found) == ["before", "endless", "after", "wrong"]
    assert isinstance(found["before"], Proved)
    assert isinstance(found["after"], Proved)
    assert isinstance(found["wrong"], Refuted)
    endless = found["endless"]
    assert isinstance(endless, Unknown)
    assert endless.reason in reasons
    assert endless.detail
    assert [one.length for one in endless.closed] == list(proved)
    assert endless.undecided == (tuple(range(len(proved) + 1, 5)) if proved else ())
    return endless


NAMES = ("before", "endless", "after", "wrong")


def test_a_property_that_takes_too_long_costs_only_itself(tmp_path: Path) -> None:
    heard: list[str] = []
    results = run([planned(tmp_path, *NAMES)], 1, Allowance(wall_s=15), lambda result: heard.append(result.name))
    expect_all_but_endless(results, Reason.WALL)
    assert heard == list(NAMES)


LARGE = """
y = tokens;
big = tokens;
for k in range(13) { big = big + big; }
#@ ensures before: y[0] == tokens[0]
#@ scope lengths=1 integers=0..59999
#@ ensures endless: big[0] != "-"
#@ scope lengths=1..2
#@ ensures after: y[n - 1] == tokens[n - 1]
#@ ensures wrong: y[0] == "a"
#@ expect wrong: refuted
"""
"""The values of `big` take gigabytes together, each of them little."""


def test_a_property_that_takes_too_much_memory_costs_only_itself(tmp_path: Path) -> None:
    allowance = Allowance(wall_s=300, memory_mb=1024)
    plan = planned(tmp_path, *NAMES, text=LARGE)
    # Python says that it has no memory; a library below it may only crash.
    expect_all_but_endless(run([plan], 1, allowance, lambda _: None), Reason.MEMORY, Reason.KILLED, proved=())


@pytest.mark.skipif(sys.platform != "linux", reason="Linux bounds what can be written to")
def test_where_an_accelerator_may_be_asked_only_addresses_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its driver may reserve more addresses than there is memory; who writes to too much is stopped all the same."""
    code = (
        "import mmap, resource, sys\n"
        "from verifier.running.worker import MEMORY\n"
        "resource.setrlimit(MEMORY[sys.argv[1]], (1 << 29, 1 << 29))\n"
        "def tried(*arguments, **options):\n"
        "    try:\n"
        "        return bool(mmap.mmap(-1, 1 << 34, *arguments, **options))\n"
        "    except (OSError, MemoryError):\n"
        "        return False\n"
        "flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS\n"
        "print(tried(flags=flags, prot=0), tried(flags=flags))\n"
    )
    for what, said in (("data", "True False"), ("addresses", "False False")):
        found = subprocess.run([sys.executable, "-c", code, what], capture_output=True, text=True, check=True)
        assert found.stdout.split() == said.split()
    monkeypatch.setattr(supervise, "accelerated", lambda: True)
    plan = planned(tmp_path, "endless", text=LARGE)
    (result,) = run([plan], 1, Allowance(wall_s=300, memory_mb=512), lambda _: None)
    assert isinstance(result.verdict, Unknown)
    assert result.verdict.reason in (Reason.MEMORY, Reason.KILLED)


def children(parents: Sequence[int] | None = None) -> list[int]:
    """The processes that these (or this one) have started and that check properties."""
    found, above = [], [os.getpid()] if parents is None else parents
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            if int(parent) in above and b"verifier.running.worker" in command:
                found.append(int(entry.name))
    return found


def alive() -> list[int]:
    """All processes that are no zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds children in /proc")
def test_a_child_that_is_killed_costs_only_its_property(tmp_path: Path) -> None:
    """Whether the process that forks is killed, or the fork: neither survives."""
    killed: list[int] = []
    seen: list[int] = []

    def forks() -> list[int]:
        return children(children())

    victims: Callable[[], list[int]] = children

    def kill_soon(result: Result) -> None:
        if result.name == "before":
            threading.Thread(target=kill).start()

    def kill() -> None:
        time.sleep(1)
        seen.extend(forks())
        for pid in victims():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    for chosen in (children, forks):
        killed.clear()
        victims = chosen
        results = run([planned(tmp_path, *NAMES)], 1, Allowance(wall_s=300), kill_soon)
        assert killed
        assert "SIGKILL" in expect_all_but_endless(results, Reason.KILLED).detail
        assert children() == []
        assert not set(seen) & set(alive())


def test_results_come_in_the_order_of_the_plan_whoever_is_first(tmp_path: Path) -> None:
    plans = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        plans.append(planned(folder, "before", "after"))
    results = run(plans, 2, Allowance(), lambda _: None)
    assert [result.file for result in results] == [plan.job.path for plan in plans for _ in range(2)]
    assert all(isinstance(result.verdict, Proved) for result in results)


# --- exit codes through the command -------------------------------------------------------------------------------


def command(folder: Path, *options: str, text: str = PROGRAM) -> int:
    path = folder / "a.rasp"
    path.write_text(text)
    return main(["check", str(path), "--jobs", "1", *options])


def test_an_undecided_property_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path, "--kill-after", "3") == 3
    said = capsys.readouterr().out
    assert "UNKNOWN" in said
    assert "OK" not in said


def test_limits_that_allow_nothing_allow_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The canary: a tool that can't do anything must not report anything as done."""
    text = 'x = tokens;\n#@ ensures a: x[0] == tokens[0]\n#@ cover b: n > 1\n#@ example x("a") == ["a"]\n'
    assert command(tmp_path, "--kill-after", "0.001", text=text) == 3
    assert capsys.readouterr().out.count("UNKNOWN") >= 3
    assert command(tmp_path, "--memory", "1", text=text) == 3
    assert capsys.readouterr().out.count("UNKNOWN") >= 3


NOTHING = Limits(wall_s=1e-9, max_inputs=0, max_terms=0, solver_steps=0)


@pytest.mark.parametrize("engine", ["auto", "enumerate", "sat", "smt"])
def test_an_engine_that_may_spend_nothing_decides_nothing(engine: str, tmp_path: Path) -> None:
    text = (
        "x = aggregate(select(indices, 0, ==), tokens);\n#@ scope lengths=2..4 alphabet=ab\n#@ ensures x[0] == x[1]\n"
    )
    for bound in planned(tmp_path, text=text).properties:
        verdict = check(bound, Options(engine, NOTHING))
        assert isinstance(verdict, Unknown), bound.property.name


# --- alarms -------------------------------------------------------------------------------------------------------

Answers = Callable[[Query], Unsat | Sat | Undecided]


def lie(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> None:
    def answer(query: Query, *_how: object) -> Finding:
        return Finding(answers(query), "liar")

    monkeypatch.setattr(checking, "answer", answer)


def bound(folder: Path, clauses: str) -> BoundProperty:
    return planned(folder, text=f"x = tokens;\n{clauses}").properties[0]


def all_of(length: int, symbol: str) -> Word:
    return (symbol,) * length


TRUE = "#@ ensures x[0] == tokens[0]"
FALSE = "#@ ensures n > 3"
RARE = '#@ ensures not (x[0] == "b" and x[n - 1] == "b")'


def test_a_counterexample_that_is_none_is_an_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lie(monkeypatch, lambda query: Sat(all_of(query.length, "a")))
    with pytest.raises(InternalError, match="liar says that `ensures1` fails"):
        check(bound(tmp_path, TRUE), Options())


def test_a_witness_that_is_none_is_an_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lie(monkeypatch, lambda query: Sat(all_of(query.length, "a")))
    with pytest.raises(InternalError, match="liar says that `cover1` holds"):
        check(bound(tmp_path, "#@ cover n > 9"), Options())


@pytest.mark.parametrize("clauses", [FALSE, RARE])
def test_a_proof_that_an_evaluated_input_contradicts_is_an_alarm(
    clauses: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first and the last input of each length are always among those evaluated."""
    lie(monkeypatch, lambda _: Unsat(Evidence("liar")))
    with pytest.raises(InternalError, match="liar proved"):
        check(bound(tmp_path, clauses), Options())


def test_a_precondition_that_is_said_to_be_met_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([Unsat(Evidence("liar"))] * 4)
    lie(monkeypatch, lambda query: next(answers, Sat(all_of(query.length, "a"))))
    with pytest.raises(InternalError, match="satisfies the preconditions; it does not"):
        check(bound(tmp_path, f"#@ requires n > 9\n{TRUE}"), Options())


def test_an_engine_that_gives_up_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def halfway(query: Query) -> Unsat | Undecided:
        return Unsat(Evidence("liar")) if query.length < 3 else Undecided(Reason.STEPS, "tired")

    lie(monkeypatch, halfway)
    verdict = check(bound(tmp_path, TRUE), Options())
    assert verdict == Unknown(
        Reason.STEPS, "tired", (Closed(1, Evidence("liar")), Closed(2, Evidence("liar"))), undecided=(3, 4)
    )


def test_no_input_is_no_proof(tmp_path: Path) -> None:
    assert isinstance(check(bound(tmp_path, f"#@ requires n > 9\n{TRUE}"), Options()), Vacuous)


def fake_child(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: str, code: int = 0) -> None:
    """Put a script in the place of the child: it hears the request, says the lines, and ends with the code."""
    script = folder / "child"
    said = "".join(f"printf '%s\\n' '{line}'\n" for line in lines)
    script.write_text(f"#!/bin/sh\nread request\n{said}exit {code}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def proof(folder: Path, **changes: object) -> str:
    path = str(folder / "a.rasp")
    claim = planned(folder, "before").properties[0].property
    scope, closed = claim.scope, tuple(Closed(n, Evidence("liar")) for n in claim.scope.lengths())
    data = to_json(Result(path, 4, 1, "before", "ensures", "", scope, Proved(scope, closed)))
    return json.dumps({"result": data | changes})


CLOSED = (
    '{"n": %d, "by": "liar", "detail": "", "inputs": null, "steps": null, "checked_by": [], "kept": false, '
    '"reductions": [], "proof": null}'
)
NONSENSE = {
    "alarm": (['{"alarm": "two engines disagree"}'], 0),
    "no JSON": (["Segmentation fault"], 0),
    "another event": (['{"result": true}'], 0),
    "a number": (["7"], 0),
    "a result that is none": (['{"result": {"verdict": "proved"}}'], 0),
    "a length that is none": (['{"closed": {"n": "1"}}'], 0),
    "a length too far": (['{"start": "before"}', f'{{"closed": {CLOSED % 2}}}'], 0),
    "a length twice": (['{"start": "before"}', *[f'{{"closed": {CLOSED % 1}}}'] * 2], 0),
    "a fork with an error": (['{"start": "before"}', '{"died": 1}'], 0),
    "a search without an end": (['{"start": "before"}', '{"looked": [1, 2]}'], 0),
    "another property": (['{"start": "other"}'], 0),
    "no answer": (['{"done": true}'], 0),
    "an error": ([], 1),
    "an early end": ([], 0),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_child_that_speaks_nonsense_is_an_alarm(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, code = NONSENSE[name]
    fake_child(tmp_path, monkeypatch, *lines, code=code)
    assert command(tmp_path) == 70
    assert "internal error" in capsys.readouterr().err


@pytest.mark.parametrize("changes", [{"closed": []}, {"name": "other"}, {"name": 3}, {"verdict": "sure"}])
def test_a_child_cannot_forge_a_proof(
    changes: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_child(tmp_path, monkeypatch, proof(tmp_path, **changes), '{"done": true}')
    with pytest.raises(InternalError):
        run([planned(tmp_path, "before")], 1, Allowance(wall_s=60), lambda _: None)


def test_lengths_that_were_proved_before_the_end_stay_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ['{"start": "before"}', f'{{"closed": {CLOSED % 1}}}', f'{{"closed": {CLOSED % 2}}}', '{"died": -9}']
    fake_child(tmp_path, monkeypatch, *said, '{"done": true}')
    text = "y = tokens;\n#@ scope lengths=1..4 alphabet=ab\n#@ ensures before: y[0] == tokens[0]\n"
    path = tmp_path / "a.rasp"
    path.write_text(text)
    assert main(["check", f"{path}::before", "--jobs", "1"]) == 3
    assert "proved n = 1..2; undecided n = 3..4: killed" in capsys.readouterr().out


def test_what_a_child_says_about_a_long_search_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ['{"start": "before"}', '{"looked": [3, 10, 81]}', f'{{"closed": {CLOSED % 1}}}', '{"died": -9}']
    fake_child(tmp_path, monkeypatch, *said, '{"done": true}')
    heard: list[tuple[str, Looked]] = []
    run([planned(tmp_path, "before")], 1, Allowance(), lambda _: None, lambda *what: heard.append(what))
    assert heard == [("before", Looked(3, 10, 81))]


def test_a_property_finds_the_solver_as_if_it_were_the_only_one(tmp_path: Path) -> None:
    """The same steps, alone and after others; and the same in another process."""
    text = (
        "x = select(tokens_int, tokens_int, <);\nr = selector_width(x);\n#@ scope lengths=1..4 integers=any\n"
        "#@ ensures first: forall i, j: tokens_int[i] + 1 <= tokens_int[j] => r[i] < r[j]\n"
        "#@ ensures second: forall i, j: r[i] < r[j] => tokens_int[i] + 1 <= tokens_int[j]\n"
    )
    plan = planned(tmp_path, text=text)
    both = verdicts(run([plan], 1, Allowance(), lambda _: None))
    alone = verdicts(run([planned(tmp_path, "second", text=text)], 1, Allowance(), lambda _: None))
    assert isinstance(both["second"], Proved)
    assert both["second"] == alone["second"]
    assert any(one.evidence.steps for one in both["second"].closed)


def test_a_child_without_memory_is_no_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_child(tmp_path, monkeypatch, '{"start": "before"}', code=12)
    (result,) = run([planned(tmp_path, "before")], 1, Allowance(wall_s=60), lambda _: None)
    assert isinstance(result.verdict, Unknown)
    assert result.verdict.reason is Reason.MEMORY
