"""The propositional engine and its parts, against evaluation point by point."""

from itertools import product
from random import Random

import pytest

from spec.operators import Op
from spec.property.scope import Integers
from spec.values import Kind, Numbers
from tests.unit.engine_oracle import compare_values, compare_with_brute_force
from verifier.encodings.cnf import to_cnf
from verifier.encodings.gates import FALSE, TRUE, Gates, Literal, TooManyGates, evaluate
from verifier.encodings.guarded import Values
from verifier.encodings.meaning import Codes
from verifier.engine import Limits, Query, Reason, Sat, Session, Undecided, Unsat
from verifier.engines.sat import SAT
from verifier.question.terms import Term, Terms

INTS = frozenset({Kind.INT})


def opened(query: Query) -> Session:
    session = SAT.open(query, Limits())
    assert not isinstance(session, Undecided)
    return session


def total(terms: Terms, length: int, wanted: int) -> Term:
    """`x0 + x1 + ... == wanted`."""
    term = terms.input(0)
    for position in range(1, length):
        term = terms.apply(Op.ADD, term, terms.input(position), numbers=Numbers.EXACT)
    return terms.apply(Op.EQ, term, terms.literal(wanted), numbers=Numbers.EXACT)


def test_random_questions_get_the_answer_of_brute_force() -> None:
    tally = compare_with_brute_force(SAT, "sat", 150)
    assert min(tally["Sat"], tally["Unsat"]) > 200
    assert tally["Undecided"] < 20


def test_random_programs_have_the_values_of_the_point_evaluator() -> None:
    assert compare_values(SAT, "sat", 100)["Undecided"] < 10


def test_boxes_and_excluded_words_narrow_one_session() -> None:
    terms = Terms(INTS, 8)
    session = opened(Query(3, (0, 1, 2), total(terms, 3, 5)))
    assert session.check([(1,), (2,), (0, 1, 2)]) == Sat((1, 2, 2))
    assert isinstance(session.check([(0, 1), (2,), (2,)], (1, 2, 2)), Unsat)
    first = session.check()
    assert isinstance(first, Sat)
    second = session.check(other_than=first.word)
    assert isinstance(second, Sat)
    assert second.word != first.word
    assert isinstance(session.check([(0, 1)] * 3), Unsat)
    assert isinstance(session.check([(), (1,), (1,)]), Unsat)
    assert session.check([(2,), (2,), (1,)]) == Sat((2, 2, 1))


def test_a_word_of_other_atoms_excludes_nothing() -> None:
    terms = Terms(INTS, 8)
    session = opened(Query(1, (0, 1), total(terms, 1, 1)))
    assert session.check(other_than=(True,)) == Sat((1,))
    assert isinstance(session.check(other_than=(1,)), Unsat)


def test_a_range_of_integers_is_an_alphabet() -> None:
    terms = Terms(INTS, 8)
    assert opened(Query(2, Integers(-3, 9), total(terms, 2, 18))).check() == Sat((9, 9))
    endless = SAT.open(Query(2, Integers(0, None), total(terms, 2, 18)), Limits())
    assert isinstance(endless, Undecided)
    assert endless.reason is Reason.UNSUPPORTED


def test_a_violation_that_fails_is_never_read_as_absent() -> None:
    terms = Terms(INTS, 8)
    quotient = terms.apply(Op.DIV, terms.literal(1), terms.input(0), numbers=Numbers.EXACT)
    broken = terms.apply(Op.LT, quotient, terms.literal(0), numbers=Numbers.EXACT)
    assert opened(Query(1, (1, 2, 0), broken)).check() == Sat((0,))


def test_limits_are_undecided() -> None:
    terms = Terms(INTS, 8)
    query = Query(4, (0, 1, 2), total(terms, 4, 9))
    assert isinstance(SAT.open(query, Limits(max_terms=2)), Undecided)
    assert SAT.open(query, Limits(wall_s=0.0)) == Undecided(Reason.WALL, "while building the circuit")


# ---------------------------------------------------------------------------------------------- parts


def random_gates(rng: Random) -> tuple[Gates, list[Literal], list[Literal]]:
    """Random gates over one choice of four and two bits: the graph, its variables and some roots."""
    gates = Gates(10_000)
    variables = [*gates.choice(4), gates.variable(), gates.variable()]
    pool = [*variables, TRUE, FALSE]
    for _ in range(12):
        operands = [rng.choice(pool) * rng.choice((1, -1)) for _ in range(rng.randint(0, 4))]
        pool.append(rng.choice((gates.all, gates.any))(operands))
    return gates, variables, pool


def assignments() -> list[list[bool]]:
    """The assignments of `random_gates` that give the choice exactly one true member; entry 0 and 1 are unused."""
    rows = [[False, False, *bits] for bits in product((False, True), repeat=6)]
    return [row for row in rows if sum(row[2:6]) == 1]


@pytest.mark.parametrize("seed", range(30))
def test_gates_are_simplified_without_a_change_of_meaning(seed: int) -> None:
    rng = Random(seed)
    gates = Gates(10_000)
    variables = [*gates.choice(4), gates.variable(), gates.variable()]
    for _ in range(60):
        operands = [rng.choice(variables) * rng.choice((1, -1)) for _ in range(rng.randint(0, 5))]
        for row in assignments():
            truth = [row[abs(x)] is (x > 0) for x in operands]
            assert evaluate(gates, row, [gates.all(operands), gates.any(operands)]) == [all(truth), any(truth)]


@pytest.mark.parametrize("seed", range(20))
def test_clauses_hold_exactly_when_the_gates_have_their_values(seed: int) -> None:
    """Over all assignments of all variables of the clauses: the models are the evaluations of the circuit."""
    gates, variables, pool = random_gates(Random(seed))
    roots = pool[-2:]
    cnf = to_cnf(gates, roots, variables)
    gate_of = {number: gate for gate, number in cnf.numbering.items()}
    inner = [number for number, gate in gate_of.items() if gate not in map(abs, variables)]
    for row in assignments():
        values = evaluate(gates, row, [gate_of[number] for number in range(1, cnf.variables + 1)])
        assert all(any(values[abs(x) - 1] is (x > 0) for x in clause) for clause in cnf.clauses)
        for number in inner:
            wrong = list(values)
            wrong[number - 1] = not wrong[number - 1]
            assert not all(any(wrong[abs(x) - 1] is (x > 0) for x in clause) for clause in cnf.clauses)


def test_dimacs_lists_the_clauses() -> None:
    gates = Gates(100)
    a, b = gates.variable(), gates.variable()
    cnf = to_cnf(gates, [gates.both(a, b)], [a, b])
    lines = list(cnf.dimacs())
    assert lines[0] == f"p cnf {cnf.variables} {len(cnf.clauses)}"
    assert all(line.endswith(" 0") for line in lines[1:])
    assert len(lines) == 1 + len(cnf.clauses)


def test_a_graph_does_not_outgrow_its_limit() -> None:
    gates = Gates(10)
    with pytest.raises(TooManyGates):
        gates.choice(20)


def test_counts_and_their_thresholds() -> None:
    rng = Random(5)
    for _ in range(40):
        gates = Gates(10_000)
        values = Values(gates, Codes(), 100)
        bits = [gates.variable() for _ in range(5)]
        literals = [rng.choice((*bits, TRUE, FALSE)) * rng.choice((1, -1)) for _ in range(rng.randint(0, 6))]
        counted = values.count(literals, values.meaning.code)
        wanted = {values.meaning.code(number) for number in rng.sample(range(7), 3)}
        among = values.when(counted, wanted)
        for bit_values in product((False, True), repeat=5):
            row = [False, True, *bit_values]
            number = sum(row[abs(x)] is (x > 0) for x in literals)
            assert evaluate(gates, row, [among]) == [values.meaning.code(number) in wanted]
            (guard,) = evaluate(gates, row, [values.when(counted, [values.meaning.code(number)])])
            assert guard
