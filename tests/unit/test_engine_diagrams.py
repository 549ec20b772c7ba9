"""Decision diagrams against evaluation point by point; orders, boxes, the least word, and limits."""

from dataclasses import replace

import pytest

from spec.operators import Op
from spec.property.scope import Integers
from spec.values import Atom, Kind, Numbers
from tests.unit.engine_oracle import compare_values, compare_with_brute_force
from verifier.engine import Engine, Limits, Query, Reason, Sat, Session, Undecided, Unsat
from verifier.engines.diagrams import DIAGRAMS, FIRST_ON_TOP, LAST_ON_TOP
from verifier.question.terms import Term, Terms

INTS = frozenset({Kind.INT})
FORWARD = replace(DIAGRAMS, orders=(FIRST_ON_TOP,))
BACKWARD = replace(DIAGRAMS, orders=(LAST_ON_TOP,))


def opened(query: Query, engine: Engine = DIAGRAMS, limits: Limits | None = None) -> Session:
    session = engine.open(query, limits or Limits())
    assert not isinstance(session, Undecided)
    return session


def total(terms: Terms, length: int, wanted: int) -> Term:
    """`x0 + x1 + ... == wanted`."""
    term = terms.input(0)
    for position in range(1, length):
        term = terms.apply(Op.ADD, term, terms.input(position), numbers=Numbers.EXACT)
    return terms.apply(Op.EQ, term, terms.literal(wanted), numbers=Numbers.EXACT)


@pytest.mark.parametrize("engine", [FORWARD, BACKWARD])
def test_random_questions_get_the_answer_of_brute_force(engine: Engine) -> None:
    tally = compare_with_brute_force(engine, "diagrams", 60)
    assert min(tally["Sat"], tally["Unsat"]) > 75
    assert tally["Undecided"] < 20


def test_random_programs_have_the_values_of_the_point_evaluator() -> None:
    assert compare_values(DIAGRAMS, "diagrams", 30)["Undecided"] < 5


@pytest.mark.parametrize("engine", [FORWARD, BACKWARD])
@pytest.mark.parametrize("size", range(1, 10))
def test_every_word_over_every_number_of_symbols_is_found_and_is_alone(engine: Engine, size: int) -> None:
    """A tree of bits has a leaf for each symbol, and none for anything else."""
    symbols: tuple[Atom, ...] = tuple(reversed(range(size)))
    for first in symbols:
        for second in symbols:
            terms = Terms(INTS, 8)
            pairs = enumerate((first, second))
            parts = [terms.apply(Op.EQ, terms.input(p), terms.literal(x), numbers=Numbers.EXACT) for p, x in pairs]
            session = opened(Query(2, symbols, terms.all(parts)), engine)
            assert session.check() == Sat((first, second), least=True)
            alone = session.check(other_than=(first, second))
            assert isinstance(alone, Unsat)
            assert alone.evidence.inputs == size**2 - 1


def test_the_answer_is_the_least_word_in_alphabet_order() -> None:
    terms = Terms(INTS, 8)
    for engine in (FORWARD, BACKWARD):
        session = opened(Query(3, (2, 1, 0), total(terms, 3, 2)), engine)
        assert session.check() == Sat((2, 0, 0), least=True)
        assert session.check(other_than=(2, 0, 0)) == Sat((1, 1, 0), least=True)
        assert session.check([(0, 1), (2, 1), (2, 1, 0)]) == Sat((1, 1, 0), least=True)
        assert isinstance(session.check([(0, 1), (), (2, 1, 0)]), Unsat)


def test_a_word_of_other_atoms_or_of_another_length_excludes_nothing() -> None:
    terms = Terms(INTS, 8)
    session = opened(Query(1, (0, 1), total(terms, 1, 1)))
    assert session.check(other_than=(True,)) == Sat((1,), least=True)
    assert session.check(other_than=(1, 1)) == Sat((1,), least=True)
    assert isinstance(session.check(other_than=(1,)), Unsat)


def test_the_empty_word_and_constants() -> None:
    terms = Terms(INTS, 8)
    assert opened(Query(0, ("a",), terms.literal(True))).check() == Sat((), least=True)
    assert isinstance(opened(Query(0, ("a",), terms.literal(False))).check(), Unsat)
    assert opened(Query(3, (7, 8), terms.literal(True))).check() == Sat((7, 7, 7), least=True)


def test_a_range_of_integers_is_an_alphabet() -> None:
    terms = Terms(INTS, 8)
    assert opened(Query(2, Integers(-3, 9), total(terms, 2, 18))).check() == Sat((9, 9), least=True)
    endless = DIAGRAMS.open(Query(2, Integers(0, None), total(terms, 2, 18)), Limits())
    assert isinstance(endless, Undecided)
    assert endless.reason is Reason.UNSUPPORTED


def test_a_violation_that_fails_is_never_read_as_absent() -> None:
    terms = Terms(INTS, 8)
    quotient = terms.apply(Op.DIV, terms.literal(1), terms.input(0), numbers=Numbers.EXACT)
    broken = terms.apply(Op.LT, quotient, terms.literal(0), numbers=Numbers.EXACT)
    assert opened(Query(1, (1, 2, 0), broken)).check() == Sat((0,), least=True)


def test_a_length_far_beyond_enumeration() -> None:
    """64 bits that add up to 65: 2^64 inputs."""
    terms = Terms(INTS, 8)
    bits = [terms.apply(Op.EQ, terms.input(p), terms.literal(1), numbers=Numbers.EXACT) for p in range(64)]
    for wanted, answer in ((65, Unsat), (63, Sat)):
        query = Query(64, (0, 1), terms.apply(Op.EQ, terms.count(bits), terms.literal(wanted), numbers=Numbers.EXACT))
        assert isinstance(opened(query).check(), answer)


def test_limits_are_undecided() -> None:
    terms = Terms(INTS, 8)
    query = Query(8, tuple(range(8)), total(terms, 8, 28))
    small = DIAGRAMS.open(query, Limits(max_nodes=64))
    assert isinstance(small, Undecided)
    assert small.reason is Reason.SIZE
    assert isinstance(DIAGRAMS.open(query, Limits(max_terms=2)), Undecided)
    assert DIAGRAMS.open(replace(query, prepared={}), Limits(wall_s=0.0)) == Undecided(
        Reason.WALL, "while building the circuit"
    )
    late = DIAGRAMS.open(replace(query, prepared={}), Limits(cpu_s=0.0))
    assert isinstance(late, Undecided)
    assert late.reason is Reason.WALL
    assert late.detail.startswith("a circuit of")  # which was built, since its building is not counted
