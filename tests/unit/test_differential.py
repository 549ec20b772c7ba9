"""Thousands of random programs: the interpreter, the point evaluator and three engines agree on every value.

Several programs share one question, asked at the box of one input: does any term of any of them have another value
than the interpreter gives it. The answer has to be no; and with one value of one program claimed wrong, yes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import pytest

from spec.interp import ProgramFailure, evaluate
from spec.values import Atom, Numbers, kind_of
from tests.unit.engine_oracle import LIMITS
from tests.unit.random_graphs import ALPHABETS, Program, differs, random_program
from verifier.encodings import circuit as circuit_module
from verifier.engine import Answer, Engine, Query, Sat, Undecided, Unsat
from verifier.engines.enumerate import ENUMERATE
from verifier.engines.sat import SAT
from verifier.engines.smt import SMT
from verifier.question.point import values
from verifier.question.terms import Term, Terms
from verifier.question.unroll import unroll

TOGETHER = 12
ENGINES: tuple[Engine, ...] = (ENUMERATE, SAT, SMT)


@dataclass(frozen=True)
class Batch:
    """Programs over one alphabet, one input, and for each program its terms with the values expected of them."""

    terms: Terms
    alphabet: tuple[Atom, ...]
    word: tuple[Atom, ...]
    expected: tuple[tuple[tuple[Term, Atom | None], ...], ...]
    failed: int


def random_batch(rng: Random, numbers: Numbers, size: int) -> Batch:
    """Random programs with what the interpreter says about them, which the point evaluator is held to at once."""
    alphabet = rng.choice(ALPHABETS)
    word = tuple(rng.choice(alphabet) for _ in range(rng.choice((1, 2, 3, 3, 4))))
    terms = Terms(frozenset(map(kind_of, alphabet)), 64)
    inputs = [terms.input(p) for p in range(len(word))]
    expected = []
    failed = 0
    for _ in range(size):
        program = random_program(rng, numbers, rng.randint(2, 14))
        said = what_the_interpreter_says(program, word, inputs, terms)
        failed += said[0][1] is False
        found = values([term for term, _ in said], word)
        assert all(same(found[term], atom) for term, atom in said)
        expected.append(said)
    return Batch(terms, alphabet, word, tuple(expected), failed)


def same(left: Atom | None, right: Atom | None) -> bool:
    """Whether the atoms are of one kind and equal, or both a NaN, or both missing."""
    if left is None or right is None:
        return left is right
    return kind_of(left) is kind_of(right) and (left == right or (left != left and right != right))


def what_the_interpreter_says(
    program: Program, word: tuple[Atom, ...], inputs: Sequence[Term], terms: Terms
) -> tuple[tuple[Term, Atom | None], ...]:
    """First whether everything has a value; if so, each value of each s-op and each entry of each selector."""
    unrolled = unroll(program.roots, program.numbers, inputs, terms)
    ok = terms.ok(unrolled.all_terms())
    try:
        run = evaluate(program.roots, word, program.numbers)
    except ProgramFailure:
        return ((ok, False),)
    said: list[tuple[Term, Atom | None]] = [(ok, True)]
    for node, row in unrolled.values.items():
        said.extend(zip(row, run.values[node], strict=True))
    for selector, rows in unrolled.rows.items():
        for row, bits in zip(rows, run.rows[selector], strict=True):
            said.extend((term, bool(bits >> j & 1)) for j, term in enumerate(row))
    return tuple(dict.fromkeys(said))


def ask(engine: Engine, batch: Batch, expected: Sequence[tuple[Term, Atom | None]]) -> Answer:
    """Whether some term has another value than is expected of it."""
    query = Query(len(batch.word), batch.alphabet, differs(batch.terms, expected))
    session = engine.open(query, LIMITS)
    return session if isinstance(session, Undecided) else session.check([(atom,) for atom in batch.word])


def compare(rng: Random, numbers: Numbers, batches: int, engines: Sequence[Engine]) -> Counter[str]:
    """How many programs were compared, how many failed on their input, and how many each engine took part in."""
    tally: Counter[str] = Counter()
    for _ in range(batches):
        batch = random_batch(rng, numbers, TOGETHER)
        tally["programs"] += TOGETHER
        tally["failed"] += batch.failed
        for engine in engines:
            tally[engine.name] += compare_engine(engine, batch)
    return tally


def compare_engine(engine: Engine, batch: Batch) -> int:
    """How many of the programs the engine could take; one that it can't take is left out, alone."""
    together = [pair for said in batch.expected for pair in said]
    answer = ask(engine, batch, together)
    if isinstance(answer, Unsat):
        return len(batch.expected)
    assert isinstance(answer, Undecided), f"{engine.name} differs on {batch.word}"
    taken = 0
    for said in batch.expected:
        alone = ask(engine, batch, said)
        assert not isinstance(alone, Sat), f"{engine.name} differs on {batch.word}"
        taken += isinstance(alone, Unsat)
    return taken


@pytest.fixture(autouse=True)
def _few_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Averages with thousands of partial sums take minutes and add nothing: they may stay undecided here."""
    monkeypatch.setattr(circuit_module, "MAX_VALUES", 256)


@pytest.mark.parametrize("numbers", Numbers)
def test_the_interpreter_and_the_finite_engines_agree(numbers: Numbers) -> None:
    tally = compare(Random(f"differential {numbers.value}"), numbers, 130, (ENUMERATE, SAT))
    assert tally["programs"] >= 1_500
    assert tally["enumerate"] == tally["programs"]
    assert tally["sat"] >= 0.95 * tally["programs"]
    assert 0.2 < tally["failed"] / tally["programs"] < 0.8  # both failing and succeeding are really compared


def test_the_interpreter_and_z3_agree() -> None:
    tally = compare(Random("differential smt"), Numbers.EXACT, 25, (SMT,))
    assert tally["smt"] >= 0.8 * tally["programs"]


def test_z3_agrees_on_what_it_takes_of_ieee_numbers() -> None:
    tally = compare(Random("differential smt ieee"), Numbers.IEEE, 4, (SMT,))
    assert tally["smt"] > 0


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_one_wrong_value_among_many_is_noticed(engine: Engine) -> None:
    rng = Random("one wrong value")
    noticed = 0
    for _ in range(15):
        batch = random_batch(rng, Numbers.EXACT, 4)
        together = [pair for said in batch.expected for pair in said]
        if isinstance(ask(engine, batch, together), Undecided):
            continue
        at = rng.randrange(len(together))
        term, atom = together[at]
        together[at] = (term, 17 if atom != 17 else None)
        answer = ask(engine, batch, together)
        assert isinstance(answer, Sat)
        assert answer.word == batch.word
        noticed += 1
    assert noticed >= 5


@pytest.mark.slow
@pytest.mark.parametrize("numbers", Numbers)
@pytest.mark.parametrize("seed", range(4))
def test_many_more_programs(numbers: Numbers, seed: int) -> None:
    engines = ENGINES if numbers is Numbers.EXACT else (ENUMERATE, SAT)
    compare(Random(f"many more {numbers.value} {seed}"), numbers, 200, engines)
