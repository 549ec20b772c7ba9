"""Who confirms that there is no input, where fewer inputs stood for all: planted reductions that are wrong, too."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from spec.diagnostics import InternalError
from spec.operators import Op
from spec.values import Kind, Numbers
from verifier.check import Options, check
from verifier.engine import Limits, Proofs, Query, Unsat
from verifier.engines.sat import SAT
from verifier.evidence import confirm as module
from verifier.evidence.confirm import FOLDED, NOT_REPLAYED, OF_FEWER, ON_GATES, Confirmed, Contradicted, confirm
from verifier.evidence.repeat import Standing, judge
from verifier.portfolio import AUTO, ENGINES, decide
from verifier.question.terms import Term, Terms
from verifier.reductions.fewer import ORDER, Reduced
from verifier.report.result import Result, to_json
from verifier.running.jobs import Job, work
from verifier.verdict import Proved

STRINGS = frozenset({Kind.STR})
LETTERS = tuple("abcdefgh")
ALL = Limits(proofs=Proofs.ALL)
DEVICE = ["device"] if find_spec("torch") else []
FINITE = [AUTO, "enumerate", "parallel", *DEVICE, "diagrams", "sat"]


def less(terms: Terms, left: int, right: int) -> Term:
    return terms.apply(Op.LT, terms.input(left), terms.input(right), numbers=Numbers.EXACT)


def circle(length: int) -> Query:
    """Every token is less than the next, and the last than the first: never so, and only their order matters."""
    terms = Terms(STRINGS, 8)
    return Query(length, LETTERS, terms.all(less(terms, p, (p + 1) % length) for p in range(length)))


def last_letters(length: int) -> Query:
    """Every token is the last letter."""
    terms = Terms(STRINGS, 8)
    same = (terms.apply(Op.EQ, terms.input(p), terms.literal("h"), numbers=Numbers.EXACT) for p in range(length))
    return Query(length, LETTERS, terms.all(same))


def without_the_last(query: Query) -> Reduced:
    """A reduction that leaves out the letter that matters."""
    fewer = tuple("abc")
    return Reduced(replace(query, alphabet=fewer, prepared={}), frozenset(fewer), True, (ORDER,))


@pytest.mark.parametrize("choice", FINITE)
@pytest.mark.parametrize(("length", "proofs"), [(3, Proofs.SAMPLE), (3, Proofs.ALL), (5, Proofs.ALL)])
def test_a_reduction_that_leaves_out_what_matters_is_noticed(
    choice: str, length: int, proofs: Proofs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever found nothing: somebody is asked about all inputs where they are few, or every proof is confirmed."""
    monkeypatch.setattr("verifier.portfolio.reduced", without_the_last)
    with pytest.raises(InternalError, match=r"says that no input will do, .* says that \('h'"):
        decide(last_letters(length), choice, Limits(proofs=proofs))


@pytest.mark.parametrize("choice", FINITE)
@pytest.mark.parametrize("length", [3, 6])
def test_somebody_looks_at_all_inputs_where_fewer_stood_for_them(choice: str, length: int) -> None:
    answer = decide(circle(length), choice, ALL).answer
    assert isinstance(answer, Unsat)
    assert ORDER in answer.evidence.reductions
    assert any(not name.endswith(OF_FEWER) for name in answer.evidence.checked_by)


@pytest.mark.parametrize("choice", FINITE)
def test_who_looked_only_at_fewer_is_marked(choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = module._asked

    def of_fewer_only(
        query: Query, by: str, detail: str, limits: Limits, *rest: float
    ) -> Confirmed | Contradicted | None:
        return asked(query, by, detail, limits, *rest) if limits.reductions else None

    monkeypatch.setattr("verifier.evidence.confirm._asked", of_fewer_only)
    answer = decide(circle(6), choice, ALL).answer
    assert isinstance(answer, Unsat)
    assert answer.evidence.checked_by
    assert all(name.endswith(OF_FEWER) for name in answer.evidence.checked_by)
    assert choice not in answer.evidence.checked_by
    assert set(FINITE) <= {AUTO, *ENGINES}


# ------------------------------------------------------------------------------------------------ names


def folded(length: int) -> Query:
    """No token is less than itself, which is so by the operators' tables alone."""
    terms = Terms(STRINGS, 8)
    return Query(length, LETTERS, terms.all(less(terms, p, p) for p in range(length)))


def confirmed(query: Query, by: str, limits: Limits = ALL) -> str:
    found = confirm(query, by, "", limits)
    assert isinstance(found, Confirmed)
    return found.by


def test_who_had_no_clauses_to_refute_says_so() -> None:
    assert confirmed(folded(3), "enumerate") == FOLDED
    assert confirmed(circle(3), "enumerate") == "drup"


def test_a_proof_that_was_not_replayed_in_time_is_called_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.engines.sat.refutation", lambda *_: None)
    assert confirmed(circle(3), "enumerate") == NOT_REPLAYED


@pytest.mark.parametrize("by", [*sorted(ON_GATES), "device (cpu: no accelerator)"])
@pytest.mark.parametrize("length", [3, 6])  # 6: too many inputs to be evaluated first
def test_gates_that_fold_to_false_are_confirmed_by_somebody_without_gates(by: str, length: int) -> None:
    assert confirmed(folded(length), by) == ("enumerate" if length == 3 else "smt")


def test_where_only_gates_can_tell_and_they_fold_nobody_confirms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody who shares the gates says the same, and none of them has looked at anything."""
    for name in ("SMT", "SECOND", "BITS"):
        monkeypatch.setattr(module, name, SAT)
    for by in ON_GATES:
        assert confirm(folded(9), by, "", ALL) is None  # 8 to the 9 inputs are too many to evaluate
    assert confirm(circle(9), "diagrams", "", replace(ALL, wall_s=4.0)) is not None


# ------------------------------------------------------------------------------------------------ kept proofs

ORDERED = """
rank = selector_width(select(tokens, tokens, <));
#@ scope lengths=4 alphabet=abcdefgh
#@ ensures order: forall i, j: tokens[i] < tokens[j] => rank[i] < rank[j]
"""


@pytest.fixture(params=[True, False], ids=["fewer", "all"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[bool, Result, str]:
    """Whether there were reductions, the result, and the folder of its proofs."""
    path, proofs = tmp_path / "a.rasp", str(tmp_path / "proofs")
    path.write_text(ORDERED)
    job = Job(str(path), "order", options=Options(limits=Limits(reductions=request.param), save_proofs=proofs))
    (bound,) = (one for one in job.select() if one.property.name == "order")
    return request.param, work(job, bound), proofs


@pytest.mark.parametrize("again", [True, False], ids=["fewer again", "all again"])
def test_a_kept_proof_is_replayed_if_it_is_about_what_is_asked(again: bool, kept: tuple[bool, Result, str]) -> None:
    """A proof about fewer inputs is worth nothing where they are not to stand for all; somebody else is asked then."""
    before, recorded, proofs = kept
    assert isinstance(recorded.verdict, Proved)
    assert all(one.evidence.proof for one in recorded.verdict.closed)
    options = Options(limits=replace(ALL, reductions=again))
    job = Job(recorded.file, options=options, recorded={"order": to_json(recorded)}, proofs=proofs)
    (bound,) = job.select()
    found = judge(recorded, work(job, bound))
    assert found.standing is Standing.CONFIRMED
    expected = {
        (True, True): f"drup{OF_FEWER}: n = 4",
        (False, True): "drup: n = 4",
        (False, False): "drup: n = 4",
    }
    if (before, again) in expected:
        assert found.detail == expected[before, again]
    else:
        assert OF_FEWER not in found.detail


# ------------------------------------------------------------------------------------------------ warnings


def test_no_warning_rests_on_a_reduction_that_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.rasp"
    path.write_text(f"{ORDERED}#@ ensures idle: forall i: rank[i] > n => rank[i] == 0\n")
    asked: list[Query] = []
    monkeypatch.setattr("verifier.evidence.quality.reduced", asked.append)
    (bound,) = (one for one in Job(str(path)).select() if one.property.name == "idle")
    for reductions in (False, True):
        verdict = check(bound, Options(limits=Limits(reductions=reductions)))
        assert isinstance(verdict, Proved)
        assert verdict.warnings == ("`rank[i] > n` never holds, and so what it implies says nothing",)
        assert bool(asked) is reductions
