"""Unrolling and the point evaluator together mean what the interpreter means, failures included."""

from random import Random

import pytest

from spec.ast import Predicate
from spec.graph import Graph, View
from spec.interp import ProgramFailure, evaluate
from spec.operators import Op
from spec.values import Atom, Kind, Numbers, atom_key
from tests.unit.random_graphs import Program, circuit, random_program
from verifier.question.point import value, values
from verifier.question.terms import Literal, Terms
from verifier.question.unroll import unroll

PROGRAMS = 1_500


def assert_same(program: Program, word: tuple[Atom, ...]) -> bool:
    """The terms have the interpreter's values, or some term fails where the interpreter does; whether it failed."""
    _, unrolled = circuit(program, len(word))
    found = values(unrolled.all_terms(), word)
    failed = any(found[term] is None for term in unrolled.all_terms())
    try:
        run = evaluate(program.roots, word, program.numbers)
    except ProgramFailure:
        assert failed
        return True
    assert not failed
    for node, row in unrolled.values.items():
        for term, expected in zip(row, run.values[node], strict=True):
            atom = found[term]
            assert atom is not None
            assert atom_key(atom) == atom_key(expected)
            assert atom_key(atom)[0] in term.kinds
    for selector, rows in unrolled.rows.items():
        for i, row in enumerate(rows):
            assert [found[term] for term in row] == [bool(run.rows[selector][i] >> j & 1) for j in range(len(word))]
    return False


@pytest.mark.parametrize("numbers", Numbers)
def test_terms_at_a_point_mean_what_the_interpreter_means(numbers: Numbers) -> None:
    rng = Random(f"unroll {numbers.value}")
    failures = 0
    for _ in range(PROGRAMS):
        program = random_program(rng, numbers, rng.randint(2, 14))
        word = tuple(rng.choice(program.alphabet) for _ in range(rng.randint(1, 5)))
        failures += assert_same(program, word)
    assert PROGRAMS / 20 < failures < PROGRAMS * 3 / 4  # both outcomes are really compared


@pytest.mark.parametrize("numbers", Numbers)
def test_terms_that_are_not_risky_never_fail(numbers: Numbers) -> None:
    rng = Random(f"risk {numbers.value}")
    for _ in range(400):
        program = random_program(rng, numbers, 10)
        _, unrolled = circuit(program, 3)
        word = tuple(rng.choice(program.alphabet) for _ in range(3))
        for term, atom in values(unrolled.all_terms(), word).items():
            assert term.risky or atom is not None


def test_integer_sums_under_ieee_are_exact_before_they_are_rounded() -> None:
    graph = Graph(Numbers.IEEE)
    everything = graph.negate(graph.select(graph.constant(0), graph.constant(1), Predicate.EQ))
    average = graph.aggregate(everything, graph.tokens(View.ASIS))
    program = Program(graph, (average,), (2**53, 1))
    for word in program.words(3):
        assert not assert_same(program, word)


def test_double_sums_are_added_from_left_to_right() -> None:
    graph = Graph(Numbers.IEEE)
    everything = graph.select(graph.constant(1), graph.constant(1), Predicate.EQ)
    average = graph.aggregate(everything, graph.tokens(View.ASIS))
    program = Program(graph, (average,), (0.1, 0.2, 0.3))
    rises, falls = (evaluate([average], word, Numbers.IEEE) for word in ((0.1, 0.2, 0.3), (0.3, 0.2, 0.1)))
    assert rises.values[average] != falls.values[average]
    for word in program.words(3):
        assert not assert_same(program, word)


def test_a_minus_zero_is_lost_by_a_sum_but_not_by_a_choice() -> None:
    graph = Graph(Numbers.IEEE)
    negative = graph.map(Op.MUL, graph.tokens(View.ASIS), graph.constant(-0.0))
    smaller = graph.select(graph.tokens(View.ASIS), graph.constant(2.0), Predicate.LT)
    program = Program(graph, (graph.aggregate(smaller, negative),), (1.0, 3.0))
    for length in (1, 2, 3):
        for word in program.words(length):
            assert not assert_same(program, word)


@pytest.mark.parametrize("numbers", Numbers)
def test_real_inputs_are_read_as_the_number_semantics_has_them(numbers: Numbers) -> None:
    """`0.1` is the rational 1/10 under exact numbers, through every view."""
    for view in View:
        graph = Graph(numbers)
        program = Program(graph, (graph.tokens(view),), (0.1, 2.5))
        for word in program.words(2):
            assert not assert_same(program, word)


def test_averaging_booleans_or_strings_fails_and_a_single_choice_does_not() -> None:
    cases: tuple[tuple[tuple[Atom, ...], bool], ...] = ((("a", "b"), True), ((False, True), True), ((1, False), False))
    for alphabet, fails in cases:
        graph = Graph(Numbers.EXACT)
        tokens = graph.tokens(View.ASIS)
        same = graph.select(tokens, tokens, Predicate.EQ)
        program = Program(graph, (graph.aggregate(same, tokens),), alphabet)
        assert not assert_same(program, program.words(2)[1])
        assert assert_same(program, program.words(2)[0]) is fails


def test_constants_fold_to_literals() -> None:
    graph = Graph(Numbers.EXACT)
    terms = Terms(frozenset(), 0)
    doubled = graph.map(Op.ADD, graph.indices(), graph.indices())
    row = unroll([doubled], Numbers.EXACT, [terms.input(p) for p in range(3)], terms).values[doubled]
    assert [term.value for term in row if isinstance(term, Literal)] == [0, 2, 4]


def test_the_point_evaluator_is_lazy_where_the_terms_are() -> None:
    terms = Terms(frozenset(), 0)
    x = terms.input(0)
    broken = terms.apply(Op.DIV, x, terms.literal(0), numbers=Numbers.EXACT) if x.kinds else terms.failure()
    chosen = terms.choose(terms.input(1), x, broken)
    assert value(chosen, (7, True)) == 7
    assert value(chosen, (7, False)) is None
    assert value(terms.ok([chosen]), (7, False)) is False
    assert value(terms.ok([chosen]), (7, True)) is True


def test_a_condition_between_equals_is_left_out_unless_it_may_fail() -> None:
    terms = Terms(frozenset({Kind.INT}), 8)
    x, y = terms.input(0), terms.input(1)
    assert terms.apply(Op.IF, x, y, y, numbers=Numbers.EXACT) is y
    quotient = terms.apply(Op.DIV, x, y, numbers=Numbers.EXACT)
    kept = terms.apply(Op.IF, quotient, y, y, numbers=Numbers.EXACT)
    assert (value(kept, (3, 2)), value(kept, (3, 0))) == (2, None)
