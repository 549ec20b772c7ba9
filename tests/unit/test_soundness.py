"""Verdicts against brute force: random programs with random contracts, and every wrong verdict found so far.

A verdict is compared with `spec.property.evaluate.Checker` on all inputs in scope, which shares no code with the
engines: its status, that its input is a counterexample (or witness), the least and the only one where it says so.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from spec.diagnostics import InternalError, PropertyError, RaspError
from spec.property.ast import Architecture, Carrier, Cover, Example
from spec.property.bind import bind
from spec.property.bound import BoundProperty
from spec.property.contract import read_contract
from spec.property.evaluate import Checker, Status
from spec.property.scope import Integers, Scope
from spec.source import Source
from spec.values import atom_key
from tests.unit.random_contracts import random_contract, random_text
from verifier.check import Options, check
from verifier.engine import Limits, Sat, Word
from verifier.evidence.sample import spread
from verifier.mutate import mutants
from verifier.portfolio import ENGINES, Finding
from verifier.running.overrides import Overrides
from verifier.running.selection import select
from verifier.running.subject import Subject
from verifier.verdict import Failed, Proved, Refuted, Unknown, Vacuous, Verdict

LIMITS = Limits(wall_s=20.0, solver_steps=2_000_000)


@dataclass(frozen=True)
class Truth:
    """All inputs asked for of the first length that has some, and whether any input satisfies the preconditions."""

    hits: tuple[Word, ...]
    given: bool


def truth(bound: BoundProperty) -> Truth:
    """By evaluation of every input."""
    checker = Checker(bound)
    wanted = Status.HOLDS if isinstance(bound.property.claim, Cover) else Status.FAILS
    given = False
    for length in bound.property.scope.lengths():
        hits = []
        for word in bound.property.scope.inputs(length):
            if checker.check(word).status is wanted:
                hits.append(word)
            given = given or checker.preconditions(word) is None
        if hits:
            return Truth(tuple(hits), given)
    return Truth((), given)


def key(word: Word) -> tuple[object, ...]:
    """What tells words apart: `1` is not `True`."""
    return tuple(map(atom_key, word))


def assert_right(bound: BoundProperty, verdict: Verdict, expected: Truth) -> None:
    """The verdict is the true one, or none."""
    cover, hits = isinstance(bound.property.claim, Cover), [key(word) for word in expected.hits]
    match verdict:
        case Proved(witness=witness) | Refuted(witness=witness) if witness is not None:
            assert isinstance(verdict, Proved) is cover
            assert key(witness.word) in hits
            assert not witness.least or key(witness.word) == hits[0]
            assert witness.unique is None or witness.unique is (len(hits) == 1)
        case Proved() | Refuted():
            assert isinstance(verdict, Refuted) is cover
            assert not hits
            assert expected.given
        case Vacuous():
            assert not hits
            assert not expected.given
        case Failed(diagnostics=diagnostics):
            raise AssertionError(diagnostics)
        case Unknown():
            pass


def properties(program: str, contract: str) -> Iterator[BoundProperty]:
    """The properties of a contract about a program; none where the contract is refused."""
    subject = Subject(Source("random.rasp", program), Path())
    try:
        yield from bind(read_contract(Source("contract", contract), Carrier.FILE), subject).properties
    except PropertyError:
        return


def compare(bound: BoundProperty, engines: tuple[str, ...]) -> Counter[str]:
    """Every engine's verdict is right; how often each verdict was given."""
    expected, tally = truth(bound), Counter[str]()
    for engine in engines:
        verdict = check(bound, Options(engine=engine, limits=LIMITS))
        assert_right(bound, verdict, expected)
        tally[type(verdict).__name__] += 1
    return tally


def compare_at_random(seed: int, programs: int) -> Counter[str]:
    """Random contracts about random programs; implicit properties too, but only now and then."""
    tally: Counter[str] = Counter()
    for number in range(programs):
        rng = Random(f"soundness {seed} {number}")
        program, sops, selectors = random_text(rng, rng.randint(2, 8))
        for _ in range(4):
            contract = random_contract(rng, sops, selectors)
            try:
                for index, bound in enumerate(properties(program, contract)):
                    if index == 0 or rng.random() < 0.1:
                        tally += compare(bound, tuple(ENGINES))
            except RaspError:
                tally["refused"] += 1
                break
    return tally


def test_random_contracts_about_random_programs() -> None:
    tally = compare_at_random(0, 25)
    assert min(tally["Proved"], tally["Refuted"]) > 50
    assert tally["refused"] < 5
    assert tally["Vacuous"] > 5
    assert tally["Unknown"] < sum(tally.values()) / 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 9))
def test_many_random_contracts_about_random_programs(seed: int) -> None:
    compare_at_random(seed, 400)


# --- mutants of the shipped programs ------------------------------------------------------------------------------

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"
SHIPPED = sorted(path.relative_to(PROGRAMS).as_posix() for path in PROGRAMS.rglob("*.rasp"))
FEW = 700
"""Properties of more inputs than this are left out."""


def compare_mutants(name: str, longest: int, every: int) -> Counter[str]:
    """The verdicts on every `every`-th mutant of a program are those of brute force, also where they are not proofs."""
    subject, tally = Subject.load(PROGRAMS / name), Counter[str]()
    for mutant in islice(mutants(subject.source), 0, None, every):
        try:
            found = select(replace(subject, source=mutant.source, _programs={}), None, Overrides(max_length=longest))
        except RaspError:
            continue
        for bound in found:
            total = bound.property.scope.total
            if not isinstance(bound.property.claim, Example | Architecture) and total is not None and total <= FEW:
                tally += compare(bound, tuple(ENGINES))
    return tally


@pytest.mark.parametrize("name", ["paper/histogram.rasp", "raspl/firsts.rasp"])
def test_mutants_of_a_program(name: str) -> None:
    tally = compare_mutants(name, longest=2, every=2)
    assert tally["Refuted"] > 3


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_all_mutants(name: str) -> None:
    compare_mutants(name, longest=3, every=1)


# --- wrong verdicts that there were, each with what it needs and no more -------------------------------------------

HUGE = "1" + "0" * 400 + ".0"  # more than any double: infinite under ieee


@pytest.mark.parametrize(
    ("program", "contract"),
    [
        # A short text may spell a rational of many bits, whose square is refused.
        ("x = tokens_float * tokens_float;", 'scope lengths=1 alphabet=["1e-9999"]\nensures x[0] >= 0'),
        ("x = tokens_float * tokens_float;", 'scope lengths=1 alphabet=["1e-999", "1"]\nensures x[0] >= 0'),
        # An exponent alone may say so, and nothing is computed.
        ("x = tokens_float;", 'scope lengths=1 alphabet=["1e-999999999"]\nensures x[0] >= 0'),
        # Python finds a NaN in a list, or among keys, by its identity.
        (f"c = {HUGE} - {HUGE}; x = (c if indices == 0 else 1) in [c];", "scope lengths=2 numbers=ieee\nensures x[0]"),
        (f"c = {HUGE} - {HUGE}; x = (c * (indices + 1)) in [c];", "scope lengths=2 numbers=ieee\nensures x[0]"),
        (
            f"c = {HUGE} - {HUGE}; x = {{c: 2, 1: 3}}[c if indices == 0 else 1];",
            "scope lengths=2 numbers=ieee\nensures x[0] == 2",
        ),
    ],
)
def test_programs_that_were_judged_wrongly(program: str, contract: str) -> None:
    found = list(properties(program, contract))
    assert found
    for bound in found:
        compare(bound, tuple(ENGINES))


def decided(program: str, contract: str, engine: str = "smt") -> Verdict:
    """The verdict on the first property of a contract."""
    return check(next(properties(program, contract)), Options(engine=engine, limits=LIMITS))


def test_a_range_without_end_is_spot_checked_at_its_own_integers() -> None:
    for low, high, claim in (("100", "any", "x[0] >= 100"), ("any", "-100", "x[0] <= -100")):
        contract = f"scope lengths=1 integers={low}..{high}\nensures {claim}"
        assert isinstance(decided("x = tokens_int + 0;", contract), Proved)
    for integers in (Integers(100, None), Integers(None, -100), Integers(-3, None), Integers(None, None)):
        scope = Scope(1, 1, integers)
        assert all(word in scope for word in spread(scope, 1, 5))
        assert integers.nearest_zero == min(filter(scope.has_symbol, range(-200, 200)), key=abs)


def test_unbounded_integers_do_not_all_fit_into_doubles() -> None:
    """`float(10 ** 400)` fails, so that `tokens_float` is not free of errors."""
    for scope in ("any", "0..any", "any..5"):
        contract = f"scope lengths=1 integers={scope}\nensures x[0] == tokens_int[0]"
        assert isinstance(decided("x = tokens_float;", contract), Unknown)


def test_a_word_whose_letters_fail_is_in_no_language_even_where_no_symbol_is_read() -> None:
    contract = "scope lengths=1 integers=any\nensures not ([x[0] % 0] in /()/)"
    assert isinstance(decided("x = tokens_int;", contract), Refuted)


def test_a_decimal_is_the_rational_that_it_spells_for_all_lengths_as_well() -> None:
    """The sum of ten tokens 0.1 is 1; of ten times the double nearest to 0.1 it is not."""
    contract = "scope lengths=1..any alphabet=[0.1]\nensures x[0] {} n"
    assert isinstance(decided("x = 10 * length * tokens_float;", contract.format("=="), "auto"), Proved)
    assert not isinstance(decided("x = 10 * length * tokens_float;", contract.format("!="), "auto"), Proved)


@pytest.mark.parametrize("word", [("b",), ("a", "c"), ("a",) * 3])
def test_no_input_outside_of_the_scope_is_a_counterexample(word: Word, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names it, an engine or a cache."""
    monkeypatch.setattr("verifier.check.answer", lambda *_: Finding(Sat(word), "somebody"))
    with pytest.raises(InternalError, match="not in"):
        decided("x = indices;", "scope lengths=2 alphabet=ab\nensures x[0] > 0")


def test_the_two_zeros_are_one_symbol() -> None:
    """They are one rational, and exchanging them under `renaming` would mean something else in each semantics."""
    with pytest.raises(ValueError, match="twice"):
        Scope(1, 1, (0.0, -0.0))
    assert Scope(1, 1, (0, -0.0, False)).size == 3
