"""How far the propositional engine reaches on real programs: what enumeration can't."""

from pathlib import Path

import pytest

from spec.elaborate import load_program
from spec.interp import evaluate
from spec.operators import Op
from spec.values import Atom, Kind, Numbers, agree
from verifier.engine import Answer, Limits, Query, Sat, Undecided, Unsat
from verifier.engines.sat import SAT
from verifier.question.terms import Term, Terms
from verifier.question.unroll import unroll

STRINGS = frozenset({Kind.STR})


def ask(query: Query) -> Answer:
    session = SAT.open(query, Limits(wall_s=600.0))
    return session if isinstance(session, Undecided) else session.check()


def numbers_disagree(program: Path, name: str, length: int, alphabet: tuple[Atom, ...]) -> Query:
    """Whether the s-op has different values in the two number semantics, or a value in only one of them."""
    terms = Terms(STRINGS, 1)
    inputs = [terms.input(p) for p in range(length)]
    rows = []
    succeeds: list[Term] = []
    for numbers in Numbers:
        sop = load_program(program, numbers).sop(name)
        unrolled = unroll([sop], numbers, inputs, terms)
        rows.append(unrolled.values[sop])
        succeeds.append(terms.ok(unrolled.all_terms()))
    same = terms.all(terms.agree(exact, ieee) for exact, ieee in zip(*rows, strict=True))
    return Query(length, alphabet, terms.choose(terms.all(succeeds), terms.negation(same), terms.either(*succeeds)))


def test_the_unrounded_recogniser_of_two_brackets_is_wrong_in_doubles_from_length_22(checkout: Path) -> None:
    """Among 4 ** 22 inputs; none of length 21 or less is wrong, of which every seventh is asked here."""
    program = checkout / "spec" / "programs" / "wrong" / "dyck2_unrounded.rasp"
    brackets = ("(", ")", "{", "}")
    for length in (7, 14, 21):
        assert isinstance(ask(numbers_disagree(program, "dyck2_ptf", length, brackets)), Unsat)
    answer = ask(numbers_disagree(program, "dyck2_ptf", 22, brackets))
    assert isinstance(answer, Sat)
    exact, ieee = (
        evaluate([sop], answer.word, numbers).values[sop]
        for numbers in Numbers
        for sop in [load_program(program, numbers).sop("dyck2_ptf")]
    )
    assert not all(map(agree, exact, ieee))


@pytest.mark.parametrize("numbers", Numbers)
def test_a_histogram_of_50_tokens_is_a_count_without_any_search(checkout: Path, numbers: Numbers) -> None:
    """Both sides of the equation come out as the same count of the same comparisons."""
    length = 50
    sop = load_program(checkout / "spec" / "programs" / "paper" / "histogram.rasp", numbers).sop("histogram")
    terms = Terms(STRINGS, 1)
    inputs = [terms.input(p) for p in range(length)]
    unrolled = unroll([sop], numbers, inputs, terms)
    wrong = [
        terms.apply(
            Op.NE,
            value,
            terms.count(terms.apply(Op.EQ, other, inputs[i], numbers=numbers) for other in inputs),
            numbers=numbers,
        )
        for i, value in enumerate(unrolled.values[sop])
    ]
    right = terms.all(terms.negation(claim) for claim in wrong)
    proved = terms.both(terms.ok([*unrolled.all_terms(), right]), right)
    answer = ask(Query(length, ("a", "b", "c"), terms.negation(proved)))
    assert isinstance(answer, Unsat)
    assert answer.evidence.steps == 0
