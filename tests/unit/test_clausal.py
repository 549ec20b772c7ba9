"""Clausal proofs: those of CaDiCaL are replayed, corrupted ones are rejected, and nobody proves what is not so."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product
from random import Random

import pytest
from pysat.solvers import Solver

from spec.diagnostics import InternalError
from spec.operators import Op
from spec.values import Kind, Numbers
from verifier.engine import Limits, Proofs, Query, Sat, Undecided, Unsat
from verifier.engines import sat
from verifier.engines.sat import SAT
from verifier.evidence.confirm import Confirmer
from verifier.portfolio import AUTO, ENGINES, decide
from verifier.question.terms import Term, Terms
from verifier.recheck.rup import Rejected, check_refutation

INTS = frozenset({Kind.INT})
Clauses = list[list[int]]


def pigeons(holes: int) -> Clauses:
    """One pigeon more than there are holes."""
    rows = [[p * holes + h + 1 for h in range(holes)] for p in range(holes + 1)]
    return rows + [[-a, -b] for column in zip(*rows, strict=True) for a, b in combinations(column, 2)]


def proof_of(clauses: Clauses) -> list[str]:
    with Solver(name="cadical195", bootstrap_with=clauses, with_proof=True) as solver:
        assert not solver.solve_limited()
        return list(solver.get_proof())


def satisfiable(clauses: Clauses, variables: int) -> bool:
    rows = product((False, True), repeat=variables)
    return any(all(any(row[abs(x) - 1] is (x > 0) for x in clause) for clause in clauses) for row in rows)


def test_proofs_of_the_solver_are_replayed() -> None:
    rng = Random(3)
    refuted = 0
    for _ in range(60):
        clauses = [[rng.choice((1, -1)) * v for v in rng.sample(range(1, 8), 3)] for _ in range(40)]
        if not satisfiable(clauses, 7):
            refuted += 1
            check_refutation(clauses, proof_of(clauses))
    assert refuted > 20
    assert check_refutation(pigeons(5), proof_of(pigeons(5))) > 50


def test_no_lines_whatever_refute_clauses_that_have_a_model() -> None:
    """Proofs of other formulas and random lemmas, against satisfiable clauses."""
    rng = Random(5)
    foreign = proof_of(pigeons(3))
    for _ in range(60):
        clauses = [[rng.choice((1, -1)) * v for v in rng.sample(range(1, 7), 3)] for _ in range(20)]
        if satisfiable(clauses, 6):
            lemmas = [
                " ".join(str(rng.choice((1, -1)) * v) for v in rng.sample(range(1, 7), rng.randint(0, 2))) + " 0"
                for _ in range(30)
            ]
            for proof in (foreign, lemmas, [*foreign, "0"], ["0"], []):
                with pytest.raises(Rejected):
                    check_refutation(clauses, proof)


@pytest.mark.parametrize("number", range(12))
def test_a_corrupted_proof_is_rejected(number: int) -> None:
    clauses, proof = pigeons(5), proof_of(pigeons(5))
    lemmas = [i for i, line in enumerate(proof) if not line.startswith("d") and len(line.split()) > 2]
    at = lemmas[0]
    broken = {
        0: [],
        1: ["0"],
        2: [line for line in proof if line != "0"][: len(proof) // 2],
        3: [*proof[:at], "1 0", *proof[at:]],
        4: ["-1 -7 0", "-1 -7 0 0"],
        5: [*proof[:at], proof[at] + " 0", *proof[at + 1 :]],
        6: ["x 0", *proof],
        7: ["1 2", *proof],
        8: ["d", *proof],
        9: ["", *proof],
        10: [" ".join(str(-int(x)) for x in proof[at].split()), *proof],
        11: [line for line in proof if line.startswith("d")],
    }[number]
    with pytest.raises(Rejected):
        check_refutation(clauses, broken)


# ---------------------------------------------------------------------------------------------- in the engine


def question(length: int = 8) -> Query:
    """Three ones in each half and five in all: not an input, but neither folding nor propagation sees it."""
    terms = Terms(INTS, 8)
    ones = [terms.apply(Op.EQ, terms.input(p), terms.literal(1), numbers=Numbers.EXACT) for p in range(length)]

    def counted(among: Sequence[Term], wanted: int) -> Term:
        return terms.apply(Op.EQ, terms.count(among), terms.literal(wanted), numbers=Numbers.EXACT)

    half = length // 2
    return Query(length, (0, 1), terms.all((counted(ones[:half], 3), counted(ones[half:], 3), counted(ones, 5))))


def check(limits: Limits) -> Unsat:
    session = SAT.open(question(), limits)
    assert not isinstance(session, Undecided)
    answer = session.check()
    assert isinstance(answer, Unsat)
    return answer


def test_the_evidence_names_the_checker_only_where_it_ran() -> None:
    assert check(Limits(proofs=Proofs.ALL)).evidence.checked_by == ("drup",)
    assert "lemmas" in check(Limits(proofs=Proofs.ALL)).evidence.detail
    assert check(Limits(proofs=Proofs.SAMPLE)).evidence.checked_by == ("drup",)
    assert check(Limits(proofs=Proofs.NONE)).evidence.checked_by == ()


def test_large_proofs_are_left_alone_unless_all_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sat, "SMALL_FORMULA", 10)
    assert check(Limits(proofs=Proofs.SAMPLE)).evidence.checked_by == ()
    assert check(Limits(proofs=Proofs.ALL)).evidence.checked_by == ("drup",)


def test_a_proof_that_does_not_hold_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def corrupted(clauses: Clauses, _: object) -> int:
        return check_refutation(clauses, ["1 0", "0"])

    monkeypatch.setattr("verifier.engines.sat.check_refutation", corrupted)
    with pytest.raises(InternalError):
        check(Limits(proofs=Proofs.ALL))


@pytest.mark.parametrize("choice", [AUTO, *ENGINES])
def test_where_all_have_to_be_confirmed_all_are(choice: str) -> None:
    finding = decide(question(), choice, Limits(proofs=Proofs.ALL))
    assert isinstance(finding.answer, Unsat)
    assert finding.answer.evidence.checked_by
    assert finding.by not in finding.answer.evidence.checked_by


def test_an_engine_that_is_contradicted_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Liar:
        name = "liar"

        def open(self, *_: object) -> "Liar":
            return self

        def check(self, *_: object) -> Sat:
            return Sat((0,) * 8)

    monkeypatch.setattr("verifier.evidence.confirm.confirmers", lambda *_: [Confirmer("liar", Liar(), Limits())])
    with pytest.raises(InternalError, match="diagrams says that no input will do, liar says"):
        decide(question(), "diagrams", Limits(proofs=Proofs.ALL))


def test_without_a_confirmation_there_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.evidence.confirm.confirmers", lambda *_: [])
    finding = decide(question(), "diagrams", Limits(proofs=Proofs.ALL))
    assert isinstance(finding.answer, Undecided)
    kept = decide(replace(question()), "diagrams", Limits(proofs=Proofs.SAMPLE))
    assert isinstance(kept.answer, Unsat)
