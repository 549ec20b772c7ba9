"""The z3 engine against evaluation point by point, and where only it can decide: integers without end."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import pytest

from spec.graph import View
from spec.operators import Item, Lookup, Member, Op, Operator
from spec.property.scope import Integers
from spec.values import Atom, Kind, Numbers, kind_of
from tests.unit.engine_oracle import compare_values, compare_with_brute_force
from tests.unit.random_graphs import is_atom
from verifier.encodings.logic import Logic
from verifier.engine import Answer, Limits, Query, Reason, Sat, Undecided, Unsat
from verifier.engines.smt import SMT
from verifier.question.point import value
from verifier.question.terms import Term, Terms

INTS = frozenset({Kind.INT})
EXACT = Numbers.EXACT


def ask(query: Query, limits: Limits | None = None) -> Answer:
    session = SMT.open(query, limits or Limits())
    return session if isinstance(session, Undecided) else session.check()


def reason(answer: Answer) -> Reason | None:
    return answer.reason if isinstance(answer, Undecided) else None


def test_random_questions_get_the_answer_of_brute_force() -> None:
    tally = compare_with_brute_force(SMT, "smt", 40)
    assert min(tally["Sat"], tally["Unsat"]) > 30


def test_random_programs_have_the_values_of_the_point_evaluator() -> None:
    tally = compare_values(SMT, "smt", 30)
    assert min(tally["Sat"], tally["Unsat"]) > 30


HALVES = tuple(Fraction(x, 2) for x in (-5, -3, -1, 1, 3, 5))
NUMBERS: tuple[Atom, ...] = (-7, -2, -1, 0, 1, 3, 4, False, True, *HALVES, Fraction(5, 3))
TEXTS: tuple[Atom, ...] = ("", "a")


def wrong_somewhere(op: Operator, columns: Sequence[tuple[Atom, ...]]) -> Answer:
    """Whether z3 gives the operator another value than the interpreter, on some operands from the columns.

    One query asks about all operands at once. A column of one atom is a literal.
    """
    alphabet = max(columns, key=len)
    terms = Terms(frozenset(map(kind_of, alphabet)), 16)
    inputs: list[Term] = [
        terms.literal(column[0]) if len(column) == 1 else terms.read(View.ASIS, terms.input(p), EXACT)
        for p, column in enumerate(columns)
    ]
    result = terms.apply(op, *inputs, numbers=EXACT)
    ok = terms.ok([result])
    wrong: Term = terms.literal(False)
    for atoms in product(*columns):
        here = terms.all(is_atom(terms, x, atom) for x, atom in zip(inputs, atoms, strict=True))
        expected = value(result, atoms)
        right = terms.negation(ok) if expected is None else terms.both(ok, is_atom(terms, result, expected))
        wrong = terms.either(terms.both(here, terms.negation(right)), wrong)
    return ask(Query(len(columns), alphabet, wrong))


@pytest.mark.parametrize("op", [Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MOD, Op.EQ, Op.LT, Op.GE], ids=lambda op: op.name)
def test_binary_operators_mean_what_they_mean_in_the_interpreter(op: Op) -> None:
    atoms = NUMBERS if op in (Op.MUL, Op.MOD) else NUMBERS + TEXTS
    assert isinstance(wrong_somewhere(op, [atoms, atoms]), Unsat)


@pytest.mark.parametrize("power", [-3, -1, 0, 1, 2, 5, True, Fraction(2), Fraction(-1)], ids=repr)
def test_powers_mean_what_they_mean_in_the_interpreter(power: Atom) -> None:
    assert isinstance(wrong_somewhere(Op.POW, [NUMBERS + TEXTS, (power,)]), Unsat)


@pytest.mark.parametrize(
    "op",
    [Op.ROUND, Op.NEG, Op.NOT, Op.INDICATOR, Item((5, "x", True)), Lookup((0, "a"), (1, "b")), Member((1, "a"))],
    ids=str,
)
def test_unary_operators_mean_what_they_mean_in_the_interpreter(op: Operator) -> None:
    assert isinstance(wrong_somewhere(op, [NUMBERS + TEXTS]), Unsat)


def test_a_wrong_operator_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Logic, "remainder", lambda self, x, y: self.subtract(x, y))
    assert isinstance(wrong_somewhere(Op.MOD, [NUMBERS, NUMBERS]), Sat)


def all_below(terms: Terms, length: int, bound: int) -> Term:
    total = terms.input(0)
    for position in range(1, length):
        total = terms.apply(Op.ADD, total, terms.input(position), numbers=EXACT)
    return terms.apply(Op.GT, total, terms.literal(bound), numbers=EXACT)


def test_integers_without_end() -> None:
    terms = Terms(INTS, 64)
    answer = ask(Query(3, Integers(0, None), all_below(terms, 3, 10**9)))
    assert isinstance(answer, Sat)
    assert sum(x for x in answer.word if isinstance(x, int)) > 10**9
    assert isinstance(ask(Query(3, Integers(None, 5), all_below(terms, 3, 15))), Unsat)


def test_boxes_of_integers() -> None:
    terms = Terms(INTS, 64)
    session = SMT.open(Query(2, Integers(None, None), all_below(terms, 2, 20)), Limits())
    assert not isinstance(session, Undecided)
    assert isinstance(session.check([range(-5, 11), range(11)]), Unsat)
    assert session.check([range(-5, 11), (3, 11)]) == Sat((10, 11))
    assert isinstance(session.check([range(-5, 11), (3, 11)], (10, 11)), Unsat)
    assert isinstance(session.check([(True,), (99,)]), Unsat)  # no integer


def test_a_violation_that_fails_is_never_read_as_absent() -> None:
    terms = Terms(INTS, 8)
    quotient = terms.apply(Op.DIV, terms.literal(1), terms.input(0), numbers=EXACT)
    assert ask(Query(1, (1, 2, 0), terms.apply(Op.LT, quotient, terms.literal(0), numbers=EXACT))) == Sat((0,))


def test_doubles_are_refused_and_integers_under_ieee_are_not() -> None:
    terms = Terms(INTS, 8)
    x = terms.input(0)
    for op, expected in ((Op.DIV, Reason.UNSUPPORTED), (Op.ADD, None)):
        term = terms.apply(Op.EQ, terms.apply(op, x, x, numbers=Numbers.IEEE), x, numbers=Numbers.IEEE)
        claim = terms.choose(terms.ok([term]), term, terms.literal(False))
        assert reason(ask(Query(1, (1, 2), claim))) is expected


def test_limits_are_undecided() -> None:
    terms = Terms(INTS, 8)
    factors = terms.apply(Op.MUL, terms.input(0), terms.input(1), numbers=EXACT)
    hard = terms.apply(Op.EQ, factors, terms.literal(7_919 * 104_729), numbers=EXACT)
    query = Query(2, Integers(2, 104_728), hard)
    assert reason(ask(query, Limits(solver_steps=1_000))) is Reason.STEPS
    assert reason(ask(query, Limits(max_terms=2))) is Reason.SIZE
    assert reason(ask(query, Limits(wall_s=0.0))) is Reason.WALL


def test_the_same_query_takes_the_same_steps() -> None:
    def steps() -> int | None:
        terms = Terms(INTS, 8)
        answer = ask(Query(4, Integers(0, 3), all_below(terms, 4, 12)))
        return answer.evidence.steps if isinstance(answer, Unsat) else None

    first = steps()
    assert first is not None
    assert steps() == first
