"""cvc5 on the text of z3's formula: against evaluation point by point, as a confirmer, and as one that lies."""

from collections.abc import Callable

import pytest

from spec.diagnostics import InternalError
from spec.operators import Op
from spec.property.scope import Integers
from spec.values import Kind, Numbers
from tests.unit.engine_oracle import compare_values, compare_with_brute_force
from verifier.encodings.formula import Encoder, formula_of
from verifier.engine import Evidence, Limits, Proofs, Query, Reason, Sat, Undecided, Unsat
from verifier.engines import second
from verifier.engines.second import SECOND
from verifier.portfolio import AUTO, decide
from verifier.question.terms import Term, Terms

pytest.importorskip("cvc5")
INTS = frozenset({Kind.INT})
EXACT = Numbers.EXACT


def question(wrong: bool = False) -> Query:
    """Over all integers: x < y and y < z, and yet not x < z; or, where that is `wrong`, not x + 2 < z."""
    terms = Terms(INTS, 64)
    x, y, z = (terms.input(i) for i in range(3))

    def below(a: Term, b: Term) -> Term:
        return terms.apply(Op.LT, a, b, numbers=EXACT)

    least = terms.apply(Op.ADD, x, terms.literal(2), numbers=EXACT) if wrong else x
    violation = terms.all((below(x, y), below(y, z), terms.negation(below(least, z))))
    return Query(3, Integers(None, None), violation)


def test_random_questions_get_the_answer_of_brute_force() -> None:
    tally = compare_with_brute_force(SECOND, "smt", 25)
    assert min(tally["Sat"], tally["Unsat"]) > 15


def test_random_programs_have_the_values_of_the_point_evaluator() -> None:
    tally = compare_values(SECOND, "smt", 15)
    assert min(tally["Sat"], tally["Unsat"]) > 10


def test_it_confirms_what_only_z3_could_decide() -> None:
    finding = decide(question(), AUTO, Limits(proofs=Proofs.ALL, reductions=False))
    assert isinstance(finding.answer, Unsat)
    assert (finding.by, finding.answer.evidence.checked_by) == ("smt", ("cvc5",))


def test_the_text_is_the_formula_and_not_what_z3_made_of_it() -> None:
    encoder = formula_of(question(), Limits())
    assert isinstance(encoder, Encoder)
    text = encoder.smtlib()
    assert text.count("(declare-fun x") == 3
    assert text.rstrip().endswith("(check-sat)")
    assert "(< x0 x1)" in text


@pytest.mark.parametrize("proofs", [Proofs.ALL])
def test_a_second_solver_that_lies_ends_the_run(proofs: Proofs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "_solve", lambda *_: ("sat", {"x0": "0", "x1": "1", "x2": "0"}, "0"))
    with pytest.raises(InternalError, match="smt says that no input will do, cvc5 says"):
        decide(question(), AUTO, Limits(proofs=proofs, reductions=False))


def test_a_first_solver_that_lies_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """z3 is made to say that there is no input where there is one."""
    monkeypatch.setattr("verifier.engines.smt._Session.check", lambda *_: Unsat(Evidence("smt", "a lie")))
    with pytest.raises(InternalError, match="smt says that no input will do, cvc5 says"):
        decide(question(wrong=True), "smt", Limits(proofs=Proofs.ALL, reductions=False))


SILENCES: dict[str, tuple[Callable[..., object], Reason]] = {
    "time": (lambda *_: ("unknown (TIMEOUT)", {}, "0"), Reason.WALL),
    "incompleteness": (lambda *_: ("unknown (INCOMPLETE)", {}, "0"), Reason.SOLVER),
    "an error": (lambda *_: (_ for _ in ()).throw(RuntimeError("no")), Reason.SOLVER),
}


@pytest.mark.parametrize("name", SILENCES)
def test_what_is_no_answer_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    solve, reason = SILENCES[name]
    monkeypatch.setattr(second, "_solve", solve)
    session = SECOND.open(question(), Limits())
    assert not isinstance(session, Undecided)
    answer = session.check()
    assert isinstance(answer, Undecided)
    assert answer.reason is reason


def test_it_stops_in_time() -> None:
    """A sum of cubes that has no solution and that nobody can show to have none."""
    terms = Terms(INTS, 64)
    x, y, z = (terms.input(i) for i in range(3))

    def times(a: Term, b: Term) -> Term:
        return terms.apply(Op.MUL, a, b, numbers=EXACT)

    cubes = [times(v, times(v, v)) for v in (x, y, z)]
    total = terms.apply(Op.ADD, cubes[0], terms.apply(Op.ADD, cubes[1], cubes[2], numbers=EXACT), numbers=EXACT)
    query = Query(3, Integers(None, None), terms.apply(Op.EQ, total, terms.literal(114), numbers=EXACT))
    session = SECOND.open(query, Limits(wall_s=0.5))
    answer = session if isinstance(session, Undecided) else session.check()
    assert isinstance(answer, Undecided)


def test_without_it_nothing_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    answer = SECOND.open(question(), Limits())
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.UNSUPPORTED


def test_its_models_are_inputs() -> None:
    session = SECOND.open(question(wrong=True), Limits())
    assert not isinstance(session, Undecided)
    answer = session.check()
    assert isinstance(answer, Sat)
    x, y, z = answer.word
    assert isinstance(x, int)
    assert isinstance(y, int)
    assert isinstance(z, int)
    assert x < y < z <= x + 2
