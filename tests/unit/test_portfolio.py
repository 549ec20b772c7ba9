"""Who is asked in which order, and that the answer does not depend on it."""

from dataclasses import replace
from time import process_time, sleep
from typing import Any

import pytest

from spec.diagnostics import UsageError
from spec.operators import Op
from spec.property.scope import Alphabet, Integers
from spec.values import Kind, Numbers
from verifier import portfolio as portfolio_module
from verifier.encodings import circuit as circuit_module
from verifier.encodings.circuit import circuit_of
from verifier.engine import Limits, Query, Reason, Sat, Undecided, Unsat
from verifier.portfolio import AUTO, ENGINES, decide
from verifier.question.terms import Term, Terms

INTS = frozenset({Kind.INT})


def sum_is(terms: Terms, length: int, wanted: int) -> Term:
    """`x0 + x1 + ... == wanted`."""
    total = terms.input(0)
    for position in range(1, length):
        total = terms.apply(Op.ADD, total, terms.input(position), numbers=Numbers.EXACT)
    return terms.apply(Op.EQ, total, terms.literal(wanted), numbers=Numbers.EXACT)


def query(length: int, alphabet: Alphabet, wanted: int) -> Query:
    return Query(length, alphabet, sum_is(Terms(INTS, 8), length, wanted))


def greatest_and_ascending(length: int) -> Query:
    """`x0 + x1 + ... == 2 n and x0 < x1` over 0, 1, 2: never so, and the second half depends on places."""
    terms = Terms(INTS, 8)
    ascends = terms.apply(Op.LT, terms.input(0), terms.input(1), numbers=Numbers.EXACT)
    return Query(length, (0, 1, 2), terms.both(sum_is(terms, length, 2 * length), ascends))


@pytest.mark.parametrize("choice", [AUTO, *ENGINES])
def test_all_choices_find_the_same_least_word_and_whether_it_is_alone(choice: str) -> None:
    finding = decide(query(3, (2, 0, 1), 5), choice, Limits())
    assert finding.answer == Sat((2, 2, 1), least=True)
    assert finding.unique is False
    finding = decide(query(3, (2, 0, 1), 6), choice, Limits())
    assert (finding.answer, finding.unique) == (Sat((2, 2, 2), least=True), True)
    assert isinstance(decide(query(3, (2, 0, 1), 7), choice, Limits()).answer, Unsat)


@pytest.mark.parametrize(
    ("asked", "engine"),
    [
        (query(3, (0, 1), 1000), "enumerate"),
        (query(6, (0, 1, 2, 3), 1000), "parallel"),
        (query(24, (0, 1, 2), 1000), "parallel"),  # only few words are different but for the order of letters
        (greatest_and_ascending(24), "diagrams"),
        (replace(greatest_and_ascending(24), alphabet=Integers(0, 2)), "smt"),
    ],
    ids=["few", "more", "symmetric", "many", "integers"],
)
def test_the_shape_of_the_query_decides_who_is_asked_first(asked: Query, engine: str) -> None:
    finding = decide(asked, AUTO, Limits())
    assert finding.by == engine
    assert isinstance(finding.answer, Unsat)
    assert "asked because" in finding.answer.evidence.detail
    assert not finding.passed


def test_integers_without_end_are_for_z3() -> None:
    finding = decide(query(2, Integers(1, None), 1), AUTO, Limits())
    assert finding.by == "smt"
    assert isinstance(finding.answer, Unsat)


def test_the_evidence_says_who_was_asked_in_vain() -> None:
    terms = Terms(INTS, 8)
    beginning_exceeds_all = terms.both(sum_is(terms, 10, 9), sum_is(terms, 24, 3))
    finding = decide(Query(24, (0, 1), beginning_exceeds_all), AUTO, Limits(max_nodes=100))
    assert isinstance(finding.answer, Unsat)
    assert finding.passed[0].startswith("diagrams: size")
    assert finding.passed[0] in finding.answer.evidence.detail


def test_without_an_answer_every_reason_is_given() -> None:
    finding = decide(query(24, (0, 1, 2), 1000), AUTO, Limits(max_terms=3))
    assert isinstance(finding.answer, Undecided)
    assert finding.answer.reason is Reason.SIZE
    for engine in ("parallel", "diagrams", "sat", "enumerate"):
        assert engine in finding.answer.detail


def test_an_unknown_engine_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        decide(query(1, (0, 1), 1), "oracle", Limits())


def test_the_circuit_is_built_once_for_all_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def counted(*args: Any) -> circuit_module.Circuit:
        built.append(args)
        return build(*args)

    build = circuit_module.build
    monkeypatch.setattr(circuit_module, "build", counted)
    monkeypatch.setattr(portfolio_module, "_SHORT", 0.0)
    finding = decide(greatest_and_ascending(24), AUTO, Limits())
    assert isinstance(finding.answer, Unsat)
    assert [passed.split(":")[0] for passed in finding.passed[:2]] == ["diagrams", "parallel"]
    assert len(built) == 1


def test_a_circuit_that_could_not_be_built_is_tried_again_with_more_time_only() -> None:
    asked = greatest_and_ascending(24)
    assert isinstance(circuit_of(asked, Limits(wall_s=0.0)), Undecided)
    assert circuit_of(asked, Limits(wall_s=0.0)) is circuit_of(asked, Limits(wall_s=0.0))
    assert isinstance(circuit_of(asked, Limits()), circuit_module.Circuit)


def test_processor_time_is_not_the_time_on_the_clock() -> None:
    deadline = Limits(cpu_s=0.1).deadline()
    sleep(0.2)
    assert not deadline.passed()
    while process_time() <= deadline.cpu:
        pass
    assert deadline.passed()
    assert Limits(wall_s=-1.0).deadline().passed()
