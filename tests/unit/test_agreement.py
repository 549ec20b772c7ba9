"""One question, asked of every engine: whoever answers says what evaluating each input says, and so they all agree."""

from collections import Counter
from importlib.util import find_spec
from random import Random

import pytest

from spec.values import Numbers
from tests.unit.engine_oracle import LIMITS, assert_right, hits_of
from tests.unit.random_graphs import random_program, random_question
from verifier.engine import Sat, Undecided, Unsat
from verifier.portfolio import ENGINES


def agree(seed: int, obligations: int) -> Counter[str]:
    """Random questions about random programs; how many each engine answered, and how many at least two did."""
    tally: Counter[str] = Counter()
    for number in range(obligations):
        rng = Random(f"agreement {seed} {number}")
        numbers = rng.choice(list(Numbers))
        program = random_program(rng, numbers, rng.randint(2, 12))
        length = rng.randint(1, 4 if len(program.alphabet) < 3 else 3)
        query = random_question(rng, program, length)
        hits = hits_of(query, program.words(length))
        tally["with an input" if hits else "without"] += 1
        answered = 0
        for name, engine in ENGINES.items():
            session = engine.open(query, LIMITS)
            answer = session if isinstance(session, Undecided) else session.check()
            assert_right(answer, hits)
            if isinstance(answer, Sat | Unsat):
                answered += 1
                tally[name] += 1
        tally["twice"] += answered >= 2
    return tally


def test_engines_agree_on_random_obligations() -> None:
    tally = agree(0, 60)
    assert min(tally["with an input"], tally["without"]) > 10
    assert tally["twice"] >= 55
    optional = {"device"} if find_spec("torch") is None else set()
    assert min(tally[name] for name in ENGINES if name not in {"smt", "cvc5", "bitwuzla", *optional}) >= 50
    assert tally["smt"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_engines_agree_on_ten_thousand_random_obligations(seed: int) -> None:
    tally = agree(seed, 1_000)
    assert tally["twice"] >= 950
