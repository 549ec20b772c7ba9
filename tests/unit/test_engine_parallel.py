"""Bit-parallel evaluation against evaluation point by point; blocks of all sizes, boxes, the least word, limits."""

from dataclasses import replace

import pytest

from spec.operators import Op
from spec.property.scope import Integers
from spec.values import Atom, Kind, Numbers
from tests.unit.engine_oracle import compare_values, compare_with_brute_force
from verifier.encodings import blocks
from verifier.engine import Limits, Query, Reason, Sat, Session, Undecided, Unsat
from verifier.engines import parallel
from verifier.engines.parallel import PARALLEL
from verifier.question.terms import Term, Terms

INTS = frozenset({Kind.INT})


def opened(query: Query, limits: Limits | None = None) -> Session:
    session = PARALLEL.open(query, limits or Limits())
    assert not isinstance(session, Undecided)
    return session


def total(terms: Terms, length: int, wanted: int) -> Term:
    """`x0 + x1 + ... == wanted`."""
    term = terms.input(0)
    for position in range(1, length):
        term = terms.apply(Op.ADD, term, terms.input(position), numbers=Numbers.EXACT)
    return terms.apply(Op.EQ, term, terms.literal(wanted), numbers=Numbers.EXACT)


def is_word(terms: Terms, word: tuple[Atom, ...]) -> Term:
    """The input is this word."""
    return terms.all(
        terms.apply(Op.EQ, terms.input(p), terms.literal(x), numbers=Numbers.EXACT) for p, x in enumerate(word)
    )


@pytest.mark.parametrize("block", [1, 5, 1 << 18])
def test_random_questions_get_the_answer_of_brute_force(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(parallel, "BLOCK", block)
    monkeypatch.setattr(blocks, "FEWEST", block)
    tally = compare_with_brute_force(PARALLEL, f"parallel {block}", 50)
    assert min(tally["Sat"], tally["Unsat"]) > 60
    assert tally["Undecided"] < 20


def test_random_programs_have_the_values_of_the_point_evaluator() -> None:
    assert compare_values(PARALLEL, "parallel", 30)["Undecided"] < 5


@pytest.mark.parametrize("block", [1, 3, 27, 64, 1 << 18])
def test_every_word_is_found_is_alone_and_is_counted_once(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Over three symbols at lengths 0 to 6, so that blocks end anywhere in a machine word."""
    monkeypatch.setattr(parallel, "BLOCK", block)
    monkeypatch.setattr(blocks, "FEWEST", block)
    for length in range(7):
        for last in range(3):
            terms = Terms(INTS, 8)
            word: tuple[Atom, ...] = (*range(2, 2 - length, -1), last)[-length - 1 :]
            word = tuple(int(x) % 3 for x in word)
            session = opened(Query(len(word), (2, 0, 1), is_word(terms, word)))
            assert session.check() == Sat(word, least=True)
            alone = session.check(other_than=word)
            assert isinstance(alone, Unsat)
            assert alone.evidence.inputs == 3 ** len(word) - 1


def test_the_answer_is_the_least_word_in_alphabet_order() -> None:
    terms = Terms(INTS, 8)
    session = opened(Query(3, (2, 1, 0), total(terms, 3, 2)))
    assert session.check() == Sat((2, 0, 0), least=True)
    assert session.check(other_than=(2, 0, 0)) == Sat((1, 1, 0), least=True)
    assert session.check([(0, 1), (2, 1), (2, 1, 0)]) == Sat((1, 1, 0), least=True)
    assert isinstance(session.check([(0, 1), (), (2, 1, 0)]), Unsat)


def test_a_word_of_other_atoms_excludes_nothing() -> None:
    terms = Terms(INTS, 8)
    session = opened(Query(1, (0, 1), total(terms, 1, 1)))
    assert session.check(other_than=(True,)) == Sat((1,), least=True)
    assert isinstance(session.check(other_than=(1,)), Unsat)


def test_the_empty_word_and_constants() -> None:
    terms = Terms(INTS, 8)
    assert opened(Query(0, ("a",), terms.literal(True))).check() == Sat((), least=True)
    assert isinstance(opened(Query(0, ("a",), terms.literal(False))).check(), Unsat)
    assert opened(Query(3, (7, 8), terms.literal(True))).check() == Sat((7, 7, 7), least=True)


def test_a_range_of_integers_is_an_alphabet() -> None:
    terms = Terms(INTS, 8)
    assert opened(Query(2, Integers(-3, 9), total(terms, 2, 18))).check() == Sat((9, 9), least=True)
    endless = PARALLEL.open(Query(2, Integers(0, None), total(terms, 2, 18)), Limits())
    assert isinstance(endless, Undecided)
    assert endless.reason is Reason.UNSUPPORTED


def test_a_violation_that_fails_is_never_read_as_absent() -> None:
    terms = Terms(INTS, 8)
    quotient = terms.apply(Op.DIV, terms.literal(1), terms.input(0), numbers=Numbers.EXACT)
    broken = terms.apply(Op.LT, quotient, terms.literal(0), numbers=Numbers.EXACT)
    assert opened(Query(1, (1, 2, 0), broken)).check() == Sat((0,), least=True)


def test_millions_of_inputs() -> None:
    terms = Terms(INTS, 8)
    bits = [terms.apply(Op.EQ, terms.input(p), terms.literal(1), numbers=Numbers.EXACT) for p in range(22)]
    wanted = terms.apply(Op.EQ, terms.count(bits), terms.literal(21), numbers=Numbers.EXACT)
    last = terms.apply(Op.EQ, terms.input(0), terms.literal(1), numbers=Numbers.EXACT)
    session = opened(Query(22, (0, 1), terms.both(last, wanted)))
    assert session.check() == Sat((1, 0, *(1,) * 20), least=True)
    answer = session.check([(0,), (0,), *[(0, 1)] * 20])
    assert isinstance(answer, Unsat)
    assert answer.evidence.inputs == 1 << 20


def test_limits_are_undecided() -> None:
    terms = Terms(INTS, 8)
    query = Query(20, tuple(range(8)), total(terms, 20, 139))
    answer = opened(query, Limits(wall_s=2.0)).check()
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.WALL
    assert isinstance(PARALLEL.open(query, Limits(max_terms=2)), Undecided)
    assert PARALLEL.open(replace(query, prepared={}), Limits(wall_s=0.0)) == Undecided(
        Reason.WALL, "while building the circuit"
    )
