"""Exhaustive evaluation against evaluation point by point; order, boxes, limits and large tables."""

import pytest

from spec.operators import Op
from spec.property.scope import Integers
from spec.values import Atom, Kind, Numbers
from tests.unit.engine_oracle import compare_values, compare_with_brute_force
from verifier.engine import Answer, Limits, Query, Reason, Sat, Session, Undecided, Unsat
from verifier.engines import enumerate as enumerate_module
from verifier.engines.enumerate import ENUMERATE
from verifier.question.terms import Term, Terms

INTS = frozenset({Kind.INT})


def ask(query: Query, limits: Limits | None = None) -> Answer:
    session = ENUMERATE.open(query, limits or Limits())
    assert not isinstance(session, Undecided)
    return session.check()


def opened(query: Query) -> Session:
    session = ENUMERATE.open(query, Limits())
    assert not isinstance(session, Undecided)
    return session


def equation(terms: Terms, op: Op, arity: int, wanted: int) -> Term:
    """`x0 op x1 op ... == wanted`."""
    total = terms.input(0)
    for position in range(1, arity):
        total = terms.apply(op, total, terms.input(position), numbers=Numbers.EXACT)
    claim = terms.apply(Op.EQ, total, terms.literal(wanted), numbers=Numbers.EXACT)
    return terms.choose(terms.ok([claim]), claim, terms.literal(False))


def test_random_questions_get_the_answer_of_brute_force() -> None:
    tally = compare_with_brute_force(ENUMERATE, "enumerate", 150)
    assert min(tally["Sat"], tally["Unsat"]) > 200
    assert not tally["Undecided"]


def test_random_programs_have_the_values_of_the_point_evaluator() -> None:
    assert not compare_values(ENUMERATE, "enumerate", 100)["Undecided"]


def test_the_first_hit_is_the_least_word_in_alphabet_order() -> None:
    terms = Terms(INTS, 8)
    session = opened(Query(3, (2, 1, 0), equation(terms, Op.ADD, 3, 2)))
    assert session.check() == Sat((2, 0, 0), least=True)
    assert session.check(other_than=(2, 0, 0)) == Sat((1, 1, 0), least=True)
    assert session.check([(0, 1), (2, 1), (2, 1, 0)]) == Sat((1, 1, 0), least=True)


def test_excluding_the_only_word_leaves_none() -> None:
    terms = Terms(INTS, 8)
    session = opened(Query(2, (0, 1), equation(terms, Op.ADD, 2, 2)))
    assert isinstance(session.check(other_than=(1, 1)), Unsat)
    assert isinstance(session.check(other_than=(0, 1)), Sat)


def test_integers_are_tried_in_ascending_order_and_in_tables_of_any_size() -> None:
    """400 x 400 products are more than a dense table holds."""
    terms = Terms(INTS, 16)
    session = opened(Query(2, Integers(-10, 390), equation(terms, Op.MUL, 2, 389 * 383)))
    assert session.check() == Sat((383, 389), least=True)
    assert isinstance(opened(Query(2, Integers(2, 300), equation(terms, Op.MUL, 2, 307))).check(), Unsat)


def test_one_position_with_very_many_symbols() -> None:
    terms = Terms(INTS, 32)
    query = Query(1, Integers(0, 100_000), equation(terms, Op.ADD, 1, 99_999))
    assert ask(query) == Sat((99_999,), least=True)


def test_every_input_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enumerate_module, "BATCH", 64)
    monkeypatch.setattr(enumerate_module, "INNER", 16)
    terms = Terms(INTS, 8)
    for length in range(1, 8):
        for last in range(3):
            word: tuple[Atom, ...] = (*(2 for _ in range(length - 1)), last)
            parts = [
                terms.apply(Op.EQ, terms.input(p), terms.literal(atom), numbers=Numbers.EXACT)
                for p, atom in enumerate(word)
            ]
            query = Query(length, (0, 1, 2), terms.all(parts))
            assert ask(query) == Sat(word, least=True)
            answer = opened(query).check(other_than=word)
            assert isinstance(answer, Unsat)
            assert answer.evidence.inputs == 3**length - 1


def test_the_empty_word_is_an_input() -> None:
    terms = Terms(INTS, 8)
    assert ask(Query(0, ("a",), terms.literal(True))) == Sat((), least=True)
    assert isinstance(ask(Query(0, ("a",), terms.literal(False))), Unsat)


def test_a_violation_that_fails_is_never_read_as_absent() -> None:
    terms = Terms(INTS, 8)
    quotient = terms.apply(Op.DIV, terms.literal(1), terms.input(0), numbers=Numbers.EXACT)
    broken = terms.apply(Op.LT, quotient, terms.literal(0), numbers=Numbers.EXACT)
    assert ask(Query(1, (1, 2, 0), broken)) == Sat((0,), least=True)


def test_limits_are_undecided() -> None:
    terms = Terms(INTS, 8)
    query = Query(20, (0, 1), equation(terms, Op.ADD, 20, 21))

    def reason(query: Query, limits: Limits) -> Reason | None:
        session = ENUMERATE.open(query, limits)
        answer = session if isinstance(session, Undecided) else session.check()
        return answer.reason if isinstance(answer, Undecided) else None

    assert reason(query, Limits(max_inputs=1 << 19)) is Reason.SIZE
    assert reason(query, Limits(wall_s=0.0)) is Reason.WALL
    assert reason(query, Limits(max_terms=3)) is Reason.SIZE
    assert reason(Query(1, Integers(0, None), equation(terms, Op.ADD, 1, 1)), Limits()) is Reason.SIZE
    assert reason(Query(10, (0, 1), equation(terms, Op.ADD, 10, 11)), Limits()) is None
