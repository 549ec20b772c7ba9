"""Bitwuzla on z3's formula over bit-vectors: against evaluation point by point, also of numbers at their ends."""

from itertools import product
from random import Random

import pytest

from spec.diagnostics import InternalError
from spec.operators import Op
from spec.property.scope import Integers
from spec.values import Kind, Numbers
from tests.unit.engine_oracle import compare_values, compare_with_brute_force, hits_of
from verifier.encodings import bits
from verifier.encodings.formula import Encoder, formula_of
from verifier.encodings.kinded import Unsupported
from verifier.engine import Limits, Proofs, Query, Reason, Sat, Undecided, Unsat
from verifier.engines import bits as engine
from verifier.engines.bits import BITS
from verifier.portfolio import decide
from verifier.question.terms import Term, Terms

pytest.importorskip("bitwuzla")
INTS = frozenset({Kind.INT})
EXACT = Numbers.EXACT
LOW, HIGH = -3, 4


def test_random_questions_get_the_answer_of_brute_force() -> None:
    tally = compare_with_brute_force(BITS, "bits", 30)
    assert min(tally["Sat"], tally["Unsat"]) > 40


def test_random_programs_have_the_values_of_the_point_evaluator() -> None:
    tally = compare_values(BITS, "bits", 15)
    assert min(tally["Sat"], tally["Unsat"]) > 10


def number(rng: Random, terms: Terms, depth: int) -> Term:
    """Sums, products, remainders by what is known, rounded quotients by what is not, choices: over two integers."""
    if depth == 0:
        return terms.input(rng.randrange(2)) if rng.random() < 0.7 else terms.literal(rng.randint(-4, 4))
    x, y = (number(rng, terms, depth - 1) for _ in range(2))
    match rng.randrange(6):
        case 0:
            return terms.apply(Op.MOD, x, terms.literal(rng.choice((-3, -1, 2, 5))), numbers=EXACT)
        case 1:
            square = terms.apply(Op.ADD, terms.apply(Op.MUL, y, y, numbers=EXACT), terms.literal(1), numbers=EXACT)
            below = rng.choice((square, terms.apply(Op.SUB, terms.literal(0), square, numbers=EXACT)))
            return terms.apply(Op.ROUND, terms.apply(Op.DIV, x, below, numbers=EXACT), numbers=EXACT)
        case 2:
            ordered = terms.apply(rng.choice((Op.LT, Op.LE, Op.EQ)), x, y, numbers=EXACT)
            return terms.apply(Op.IF, ordered, x, number(rng, terms, depth - 1), numbers=EXACT)
        case 3:
            half = terms.apply(Op.DIV, x, terms.literal(rng.choice((-6, 2, 7))), numbers=EXACT)
            third = terms.apply(Op.DIV, y, terms.literal(3), numbers=EXACT)
            both = terms.apply(rng.choice((Op.ADD, Op.SUB, Op.MUL)), half, third, numbers=EXACT)
            return terms.apply(Op.ROUND, both, numbers=EXACT)
        case _:
            return terms.apply(rng.choice((Op.ADD, Op.SUB, Op.MUL)), x, y, numbers=EXACT)


@pytest.mark.parametrize("seeds", [range(30), pytest.param(range(30, 600), marks=pytest.mark.slow)])
def test_no_number_outgrows_its_bits(seeds: range) -> None:
    """Each value that a term takes is taken, on all inputs that give it, and its neighbours where they are not."""
    decided = 0
    for seed in seeds:
        rng = Random(seed)
        terms = Terms(INTS, 64)
        term = number(rng, terms, rng.randint(1, 3))
        words = list(product(range(LOW, HIGH + 1), repeat=2))
        for value in (rng.randint(-60, 60), rng.randint(-3, 3)):
            asked = terms.apply(rng.choice((Op.EQ, Op.LT, Op.GE)), term, terms.literal(value), numbers=EXACT)
            query = Query(2, Integers(LOW, HIGH), asked)
            expected = hits_of(query, words)
            session = BITS.open(query, Limits())
            answer = session if isinstance(session, Undecided) else session.check()
            assert isinstance(answer, Sat if expected else Unsat), (seed, value, answer)
            assert isinstance(answer, Unsat) or answer.word in expected, (seed, value)
            decided += 1
    assert decided == 2 * len(seeds)


def question(alphabet: Integers) -> Query:
    """Is there an x with x * x < 0?"""
    terms = Terms(INTS, 64)
    square = terms.apply(Op.MUL, terms.input(0), terms.input(0), numbers=EXACT)
    return Query(1, alphabet, terms.apply(Op.LT, square, terms.literal(0), numbers=EXACT))


def test_the_width_has_room_for_every_part() -> None:
    """Squares are from -56 to 64 as far as their ends tell; with four bits, 3 times 3 would be less than 0."""
    encoder = formula_of(question(Integers(-8, 7)), Limits())
    assert isinstance(encoder, Encoder)
    text = bits.smtlib(encoder)
    assert "(_ BitVec 8)" in text
    assert engine._solve(text, 10_000)[0] == "unsat"
    assert engine._solve(text.replace(" 8)", " 4)"), 10_000)[0] == "sat"


@pytest.mark.parametrize("alphabet", [Integers(None, 3), Integers(0, None), Integers(0, 1 << 200)])
def test_what_has_no_ends_or_far_ones_is_left_to_others(alphabet: Integers) -> None:
    session = BITS.open(question(alphabet), Limits())
    answer = session if isinstance(session, Undecided) else session.check()
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.UNSUPPORTED


def test_a_remainder_by_what_is_not_known_is_left_to_others() -> None:
    terms = Terms(INTS, 64)
    rest = terms.apply(Op.MOD, terms.input(0), terms.input(1), numbers=EXACT)
    encoder = formula_of(Query(2, Integers(1, 3), terms.apply(Op.EQ, rest, terms.literal(2), numbers=EXACT)), Limits())
    assert isinstance(encoder, Encoder)
    with pytest.raises(Unsupported, match="remainder"):
        bits.smtlib(encoder)


def test_one_that_lies_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_solve", lambda *_: ("sat", {"x0": 1}, "0"))
    monkeypatch.setattr("verifier.evidence.confirm.SECOND", BITS)
    with pytest.raises(InternalError, match="bitwuzla says"):
        decide(question(Integers(-40_000, 40_000)), "smt", Limits(proofs=Proofs.ALL, reductions=False))


def test_what_is_no_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_solve", lambda *_: ("unknown", {}, "0"))
    session = BITS.open(question(Integers(0, 9)), Limits())
    assert not isinstance(session, Undecided)
    answer = session.check()
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.WALL


def test_it_stops_in_time() -> None:
    """That no product of two numbers from a large range is a prime that is larger still."""
    terms = Terms(INTS, 64)
    both = terms.apply(Op.MUL, terms.input(0), terms.input(1), numbers=EXACT)
    prime = (1 << 61) - 1
    query = Query(2, Integers(2, 1 << 60), terms.apply(Op.EQ, both, terms.literal(prime), numbers=EXACT))
    session = BITS.open(query, Limits(wall_s=0.5))
    answer = session if isinstance(session, Undecided) else session.check()
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.WALL


def test_without_it_nothing_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    answer = BITS.open(question(Integers(0, 1)), Limits())
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.UNSUPPORTED
