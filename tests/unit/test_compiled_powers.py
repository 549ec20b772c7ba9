"""Heads whose selected keys score only nearly the same: encodings, errors, and what the checker lets pass."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import comb, exp, tanh

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import compiled  # noqa: E402  # only with torch
from compiled.certificate.rounding import Arithmetic, operand  # noqa: E402
from compiled.certify import certify, ledger_of  # noqa: E402
from compiled.errors import Refused, Uncertified  # noqa: E402
from compiled.meaning.formula import formula  # noqa: E402
from compiled.meaning.values import Domain  # noqa: E402
from compiled.planning.encode import Powers, Relation, Scoring, relation, scorings  # noqa: E402
from compiled.planning.plan import domain_for  # noqa: E402
from compiled.precision import PRECISIONS  # noqa: E402
from compiled.weights.build import fill  # noqa: E402
from compiled.weights.tensors import quantise  # noqa: E402
from spec.elaborate import Program, elaborate  # noqa: E402
from spec.interp import Interpreter  # noqa: E402
from spec.source import Source  # noqa: E402
from spec.values import Atom, Numbers  # noqa: E402

pytestmark = pytest.mark.torch

MAJORITY = 'out_ = aggregate(select(indices, indices, <=), indicator(tokens == "a")) > 0.5;'
COUNT = 'out_ = selector_width(select(indices, indices, <) and select(tokens, "a", ==));'


def program(text: str) -> Program:
    return elaborate(Source("test.rasp", text + "\n"), Numbers.EXACT)


def compile_text(text: str, length: int, alphabet: str = "ab", **options: object) -> compiled.Compiled:
    made = program(text)
    return compiled.compile_program(
        made.graph,
        made.sop("out_"),
        alphabet=alphabet,
        max_length=length,
        **options,  # type: ignore[arg-type]  # options are named as on the command line
    )


def used(model: compiled.Compiled) -> set[str]:
    return {part.scoring for layer in model.plan.layers for head in layer.heads for part in head.parts}


def words(length: int, alphabet: str = "ab") -> list[tuple[Atom, ...]]:
    return [word for n in range(1, length + 1) for word in product(alphabet, repeat=n)]


def answers(model: compiled.Compiled, length: int) -> list[list[Atom]]:
    interpreter, root = Interpreter(tuple(model.outputs.values()), Numbers.EXACT), model.outputs["output"]
    return [list(interpreter.run(word).values[root]) for word in words(length)]


def is_certified(model: compiled.Compiled, weights: dict[str, np.ndarray]) -> bool:
    outputs = {readout.name: (readout.sop, readout.values) for readout in model.plan.readouts}
    try:
        certify(weights, ledger_of(model.plan), domain_for(model.outputs, model.options), outputs, model.plan.dtype)
    except Uncertified:
        return False
    return True


# ------------------------------------------------------------------------------------------------ encodings


def scored(text: str, length: int, powers: Powers | None) -> tuple[Relation, list[Scoring]]:
    made = elaborate(Source("t.rasp", f"s = {text};\n"), Numbers.EXACT)
    given = relation(formula(made.selector("s")), Domain(tuple("abc"), length, Numbers.EXACT))
    return given, list(scorings(given, compact=True, largest=Fraction(1 << 20), powers=powers))


def products(scoring: Scoring, query: tuple[Atom, ...], key: tuple[Atom, ...]) -> list[Fraction]:
    return [q[query] * k[key] for q, k in zip(scoring.queries, scoring.keys, strict=True)]


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
@pytest.mark.parametrize(("length", "size"), [(9, 8), (9, 4), (14, 5), (23, 7)])
def test_powers_score_selected_pairs_next_to_zero_and_others_at_most_minus_one(
    sign: str, length: int, size: int
) -> None:
    bits = 6
    given, found = scored(f"select(indices, indices, {sign})", length, Powers(bits, size))
    (scoring,) = [one for one in found if one.name == "powers"]
    thresholds = length if sign in "<>" else length - 1
    assert scoring.rank == -(-thresholds // size)
    assert scoring.skew == Fraction(1, 2**bits)
    for (query, key), selected in given.selected.items():
        terms = products(scoring, query, key)
        assert sum(terms) <= -1 or selected
        assert -scoring.skew <= sum(terms) <= 0 or not selected
        assert max(map(abs, terms)) <= 2 ** (bits * (size - 1))


def test_powers_are_offered_only_where_they_take_fewer_dimensions() -> None:
    for text in ("select(indices, indices, ==)", "select(tokens, tokens, <=)"):
        assert all(one.name != "powers" for one in scored(text, 9, Powers(6, 8))[1])
    assert all(one.name != "powers" for one in scored("select(indices, indices, <)", 9, Powers(6, 2))[1])
    assert all(one.name != "powers" for one in scored("select(indices, indices, <)", 9, None)[1])


@pytest.mark.parametrize("text", ["select(indices, indices, ==)", "select(indices + 1, indices, ==)"])
def test_words_score_equality_without_a_product_at_selected_pairs(text: str) -> None:
    given, found = scored(text, 11, None)
    offered = [one for one in found if one.name == "words"]
    assert offered
    for scoring in offered:
        assert comb(scoring.rank, scoring.rank // 2) >= len(given.keys)
        for (query, key), selected in given.selected.items():
            terms = products(scoring, query, key)
            assert not any(terms) if selected else sum(terms) <= -1


# ------------------------------------------------------------------------------------------------ errors


def test_weights_within_a_spread_move_a_mean_by_a_quarter_of_it_at_most() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        spread, count = float(rng.uniform(0, 1)), int(rng.integers(1, 30))
        scores = rng.choice([0.0, spread, spread * float(rng.uniform())], size=count)
        values = rng.choice([-1.0, 3.0, float(rng.uniform(-1, 3))], size=count)
        weights = np.exp(scores) / np.exp(scores).sum()
        assert abs(weights @ values - values.mean()) <= 4 * tanh(spread / 4) + 1e-12 <= spread + 2e-12
    # It is reached where so many of the keys have the larger weight.
    spread = 1.0
    share = 1 / (1 + exp(spread / 2))
    assert abs(share * exp(spread) / (share * exp(spread) + 1 - share) - share - tanh(spread / 4)) < 1e-12


def test_each_pair_has_a_bound_of_its_own_that_holds_in_any_order() -> None:
    rng = np.random.default_rng(1)
    arithmetic = Arithmetic(PRECISIONS["float32"])
    for _ in range(200):
        rank = int(rng.integers(1, 8))
        row = np.ldexp(rng.normal(size=rank), rng.integers(-60, 50, size=rank)).astype(np.float32)
        rows = np.ldexp(rng.normal(size=(6, rank)), rng.integers(-60, 50, size=(6, rank))).astype(np.float32)
        errors = [(float(abs(row[r])) * 2.0**-20, float(np.abs(rows[:, r]).max()) * 2.0**-22) for r in range(rank)]
        pairs = [
            (operand(row[[r]].astype(np.float64), errors[r][0]), operand(rows[:, r].astype(np.float64), errors[r][1]))
            for r in range(rank)
        ]
        bounds = arithmetic.each(row.astype(np.float64), rows.astype(np.float64), pairs, rank)
        for own, bound in zip(rows, bounds.tolist(), strict=True):
            sides = rng.uniform(-0.9, 0.9, size=(2, rank))
            total, nominal = np.float32(0), Fraction(0)
            for r in rng.permutation(rank).tolist():
                q = np.float32(float(row[r]) + sides[0, r] * errors[r][0])
                k = np.float32(float(own[r]) + sides[1, r] * errors[r][1])
                part = np.float32(q * k)
                total = np.float32(total + (part if abs(part) >= 2.0**-126 else np.float32(0)))
                nominal += Fraction(float(row[r])) * Fraction(float(own[r]))
            assert abs(Fraction(float(total)) - nominal) <= Fraction(bound)


@pytest.mark.parametrize("text", [MAJORITY, COUNT])
def test_a_share_errs_by_no_more_than_the_certificate_says(text: str) -> None:
    length = 9
    model = compile_text(text, length)
    assert used(model) <= {"powers", "chain"}
    assert "powers" in used(model)
    assert model.margins is not None
    head = model.plan.layers[0].heads[0]
    (slot,) = [channel.slot for channel in head.channels]
    torch_model, every, worst = model.model(), words(length), 0.0
    _, cache = torch_model.run_with_cache(torch_model.encode(every))
    shares = cache["blocks.0.hook_resid_mid"][:, 1:, slot].tolist()
    for word, held in zip(every, shares, strict=True):
        for i in range(len(word)):
            ones = sum(letter == "a" for letter in word[: i + (text == MAJORITY)])
            right = ones / (i + 1) if text == MAJORITY else 1 / (ones + 1)
            worst = max(worst, abs(held[i] - right))
    assert 0 < worst <= model.margins.slot_error


# ------------------------------------------------------------------------------------------------ models


@pytest.mark.parametrize("text", [MAJORITY.replace("<=", ">="), COUNT])
@pytest.mark.parametrize("dtype", ["float32", "tf32", "float64", "float16", "bfloat16"])
def test_every_number_format_is_certified_and_right_or_refused(text: str, dtype: str) -> None:
    try:
        model = compile_text(text, 6, dtype=dtype)
    except (Refused, Uncertified):
        assert dtype in ("float16", "bfloat16")
        return
    assert ("powers" in used(model)) == (dtype != "float16")
    assert model.model().run(words(6))["output"] == answers(model, 6)
    assert compiled.cross_check(model, device="cpu", exhaustive=300, samples=0).mismatch is None


def test_the_majority_of_a_prefix_takes_a_head_of_few_dimensions() -> None:
    model = compile_text(MAJORITY, 40, "abcdefghij")
    assert model.layers == 1
    assert model.parameters <= 5_500
    assert used(model) == {"powers"}
    assert model.margins is not None
    assert 0 < model.margins.score_spread < 1 / 41**2
    assert compiled.cross_check(model, device="cpu", exhaustive=100, samples=60).mismatch is None


def test_a_stream_of_one_dimension_for_each_value_has_heads_that_are_exact() -> None:
    model = compile_text(MAJORITY, 9, encoding="onehot")
    assert used(model) == {"chain"}
    assert model.margins is not None
    assert model.margins.score_spread == 0


def test_a_mean_of_numbers_that_are_far_apart_is_not_taken_nearly() -> None:
    """For the comparison it would be near enough, but not for what the stream says that it holds."""
    text = (
        'out_ = aggregate(select(indices, indices, <=), 20 * indicator(tokens == "a") + indicator(tokens == "b")) > 9;'
    )
    model = compile_text(text, 14, "abc")
    assert used(model) == {"chain"}
    assert compiled.cross_check(model, device="cpu", exhaustive=300, samples=30).mismatch is None


# ------------------------------------------------------------------------------------------------ the checker


def changes(tensor: np.ndarray, bits: int) -> Iterator[tuple[int, float]]:
    """Each entry that is not 0, made larger and smaller by little and by much, negated, and left out."""
    flat = tensor.reshape(-1)
    for at in np.flatnonzero(flat).tolist():
        for factor in (0.0, -1.0, 1.001, 2.0, 2.0 ** (bits // 2), 2.0**bits, 2.0**-bits):
            yield at, float(flat[at]) * factor


@pytest.mark.parametrize("text", [MAJORITY, pytest.param(COUNT, marks=pytest.mark.slow)])
def test_whatever_is_changed_what_has_a_certificate_is_right(text: str) -> None:
    length = 5
    model = compile_text(text, length)
    assert "powers" in used(model)
    right, torch_model, tried, passed = answers(model, length), model.model(), 0, 0
    for name, tensor in model.weights.tensors.items():
        for at, value in changes(tensor, 16):
            changed = {key: array.copy() for key, array in model.weights.tensors.items()}
            changed[name].reshape(-1)[at] = value
            changed = {key: quantise(array, "float32") for key, array in changed.items()}
            tried += 1
            if all(np.isfinite(array).all() for array in changed.values()) and is_certified(model, changed):
                passed += 1
                assert fill(torch_model, changed).run(words(length))["output"] == right, (name, at, value)
    assert 0 < passed < tried / 2


def test_every_factor_of_an_order_that_leaves_its_range_is_found() -> None:
    """A factor of a base too small lets a key in that is not selected; too large, it lets one out that is."""
    length = 7
    model = compile_text(MAJORITY, length)
    head = model.plan.layers[0].heads[0]
    positions = model.weights.tensors["pos_embed.W_pos"]
    slots = sorted({slot for read in (*head.queries, *head.keys) for slot, _ in read.terms})
    assert len(head.queries) == 1
    assert len(slots) == 2
    found = 0
    for slot in slots:
        used_at = np.flatnonzero(positions[:, slot])
        steps = np.abs(positions[used_at, slot])
        base = float(np.max(steps) / np.sort(np.unique(steps))[-2])
        largest = float(np.max(steps))
        for at, own in zip(used_at.tolist(), steps.tolist(), strict=True):
            for factor in (base, 1 / base):
                changed = {key: array.copy() for key, array in model.weights.tensors.items()}
                changed["pos_embed.W_pos"][at, slot] *= factor
                # The largest factors are met by no other that they select.
                if factor < 1 or own < largest:
                    found += 1
                    assert not is_certified(model, changed), (at, slot, factor)
    assert found == 4 * (length - 1) - 2


def test_a_weight_that_a_device_may_read_as_zero_has_no_certificate() -> None:
    model = compile_text(MAJORITY, 7)
    changed = {key: array.copy() for key, array in model.weights.tensors.items()}
    assert is_certified(model, changed)
    changed["pos_embed.W_pos"][1, 0] = 2.0**-130
    outputs = {readout.name: (readout.sop, readout.values) for readout in model.plan.readouts}
    with pytest.raises(Uncertified, match="read it as 0"):
        certify(changed, ledger_of(model.plan), domain_for(model.outputs, model.options), outputs, "float32")
