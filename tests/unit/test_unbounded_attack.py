"""Random claims about every length: what is proved holds on all short words and on long random ones.

The proof is asked for alone, without the search for a counterexample and the runs that stand between it and a user.
Each proof has a few seconds, which bounds its memory as well; what is proved may depend on them, what must hold of it
does not.
"""

from collections import Counter
from dataclasses import replace
from itertools import islice, product
from random import Random
from time import monotonic
from typing import Final

import pytest

from spec.diagnostics import RaspError
from spec.elaborate import elaborate
from spec.property.ast import Carrier
from spec.property.bind import bind
from spec.property.bound import BoundProperty
from spec.property.contract import read_contract
from spec.property.evaluate import Checker, Status
from spec.source import Source
from tests.unit.random_recognisers import free_case, recogniser_case
from tests.unit.test_unbounded_decide import damaged
from verifier.unbounded.claim import Claimed, any_letters, claimed, listed_letters
from verifier.unbounded.linear import Unsupported
from verifier.unbounded.prove import Proof, conditions, prove
from verifier.unbounded.recheck import recheck
from verifier.unbounded.solve import Solver

PROVED_SOON: Final = (54, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (34, 82, 94)))
"""Recognisers whose proof needs an invariant and is found within a second or two."""
FREE: Final = range(1, 40, 2)
DAMAGES: Final = 3


def case(seed: int) -> tuple[str, list[BoundProperty]]:
    """A program's text, and its claim and the one that it never fails; no claim where the type rules refuse it."""
    rng = Random(seed)
    text, contract = (free_case if seed % 2 else recogniser_case)(rng)
    if not contract:
        return text, []
    try:
        read = read_contract(Source("x.prop", contract), Carrier.FILE)
        bound = bind(read, lambda _path, numbers: elaborate(Source("x.rasp", text), numbers))
    except RaspError:
        return text, []
    implicit = [prop for prop in bound.properties if prop.property.name.endswith("no_error")]
    return f"{text}\n{contract}", [bound.properties[0], *implicit[:1]]


def attempt(prop: BoundProperty, seconds: float) -> tuple[Claimed, Proof] | None:
    for build in (any_letters, listed_letters):
        deadline = monotonic() + seconds
        try:
            symbolic = build(prop)
            symbolic.domain.solver.deadline = deadline
            claim = claimed(prop, symbolic)
            return claim, prove(claim, deadline)
        except Unsupported:
            continue
    return None


def violated(prop: BoundProperty, rng: Random) -> bool:
    """Whether a word of up to 7 letters (5 of three symbols), or one of some long ones, violates the property."""
    checker, symbols = Checker(prop), prop.property.scope.symbols
    longest = 7 if len(symbols) < 3 else 5
    for length in range(prop.property.scope.low, longest + 1):
        if any(checker.check(word).status is Status.FAILS for word in product(symbols, repeat=length)):
            return True
    for _ in range(12):
        weights = [rng.random() for _ in symbols]
        word = tuple(rng.choices(symbols, weights, k=rng.randint(8, 30)))
        if checker.check(word).status is Status.FAILS:
            return True
    return False


def rejected(claim: Claimed, proof: Proof, rng: Random) -> int:
    """Plant wrong invariants: how many, each of which must leave one of the conditions of the proof a solution."""
    if proof.invariant is None:
        return 0
    spoiled = list(islice(damaged(proof.invariant, claim.symbolic.machine), 200))
    chosen = rng.sample(spoiled, min(DAMAGES, len(spoiled)))
    solver = Solver()
    for forged in chosen:
        needs = conditions(claim.symbolic, replace(proof, invariant=forged))
        assert any(solver.possible(need.formulas[-1]) for need in needs), forged
    return len(chosen)


def attack(seed: int, seconds: float) -> Counter[str]:
    """Prove the claims of a case, compare each proof with brute force, check it again, and damage it."""
    tally: Counter[str] = Counter()
    text, props = case(seed)
    for prop in props:
        found = attempt(prop, seconds)
        if found is None:
            tally["open"] += 1
            continue
        claim, proof = found
        tally["proved"] += 1
        tally["with an invariant"] += proof.invariant is not None
        assert not violated(prop, Random(seed)), f"seed {seed}, {prop.property.name}\n{text}"
        try:
            recheck(prop, claim, proof, monotonic() + 2 * seconds)
        except Unsupported:
            tally["not checked again in time"] += 1
        tally["damaged"] += rejected(claim, proof, Random(seed))
    return tally


def test_claims_of_free_programs_that_are_proved_hold_wherever_they_are_tried() -> None:
    tally = sum((attack(seed, 1.0) for seed in FREE), Counter[str]())
    assert tally["proved"] > 2, tally


@pytest.mark.parametrize("seed", PROVED_SOON)
def test_recognisers_that_are_proved_recognise_and_damaged_invariants_are_rejected(seed: int) -> None:
    tally = attack(seed, 60.0)
    assert tally["with an invariant"] == 1, tally
    assert tally["damaged"] > 0, tally


def test_brute_force_would_notice_a_claim_that_is_false() -> None:
    """About half of the free claims are false: a prover that proves everything does not get through."""
    found = [violated(prop, Random(seed)) for seed in FREE for prop in case(seed)[1][:1]]
    assert found.count(True) > 3


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1100, 25))
def test_many_random_claims(start: int) -> None:
    tally = sum((attack(seed, 3.0) for seed in range(start, start + 25)), Counter[str]())
    print(start, dict(tally))
    assert tally["proved"] > 2, tally
