"""Dimensions that are used again: never by two features at once, right on every word, and no fault goes unnoticed."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import compiled  # noqa: E402  # only with torch
from compiled import compile as door  # noqa: E402
from compiled.certificate.checker import Checker  # noqa: E402
from compiled.certificate.states import Floats, Held, Term  # noqa: E402
from compiled.certify import certify, claims_of, ledger_of  # noqa: E402
from compiled.compile import Compiled, _made  # noqa: E402
from compiled.crosscheck import crosscheck  # noqa: E402
from compiled.errors import Refused, Uncertified  # noqa: E402
from compiled.explain import circuit, slot_label  # noqa: E402
from compiled.meaning.leaves import INPUT, POSITION  # noqa: E402
from compiled.meaning.values import Domain  # noqa: E402
from compiled.planning.layout import Plan, Slot, Writer  # noqa: E402
from compiled.planning.plan import Options, Planner, domain_for  # noqa: E402
from compiled.planning.points import image  # noqa: E402
from compiled.planning.reuse import dimensions, erasable, placed, reused, within  # noqa: E402
from compiled.planning.shape import shape_of  # noqa: E402
from compiled.planning.unread import without_unread  # noqa: E402
from compiled.precision import PRECISIONS  # noqa: E402
from compiled.tracr import assembled  # noqa: E402
from compiled.weights.build import fill  # noqa: E402
from compiled.weights.tensors import quantise  # noqa: E402
from spec.graph import SOp  # noqa: E402
from spec.values import Numbers  # noqa: E402
from tests.unit.random_attention import attention_program  # noqa: E402
from tests.unit.test_compiled_certificate import answers, is_right, program  # noqa: E402

pytestmark = pytest.mark.torch

LAYERED = (
    "a = selector_width(select(tokens, tokens, ==) and select(indices, indices, <=)); "
    "b = aggregate(select(indices, a, ==), a + indices % 2, 0) % 3; "
    "c = aggregate(select(indices, b, ==), b + a % 2, 0) % 3; "
    "out_ = aggregate(select(indices, c, ==), c * 2 + b % 2, 1);"
)


def forced(planner: Planner, plan: Plan) -> Plan:
    """Whatever can be erased is, as early as can be, whether or not it saves anything."""
    needed = without_unread(plan)
    return placed(needed, within(needed, erasable(needed, planner.precision), 1 << 20)[0])


def layered(dtype: str = "float32", optimise: str = "layers") -> Compiled:
    """A model in which many dimensions are used again."""
    outputs = {"output": program(LAYERED).sop("out_")}
    options = Options(tuple("ab"), 4, Numbers.EXACT, dtype, optimise=compiled.Optimise(optimise), powers=False)
    planner = Planner(outputs, options)
    return _made(outputs, options.optimise, planner, forced(planner, planner.plan()), prove=True)


def refuses(model: Compiled) -> Callable[[Mapping[str, Floats]], bool]:
    """Whether other weights have no certificate as this model; what its s-ops can be is found once."""
    domain, ledger = domain_for(model.outputs, model.options), ledger_of(model.plan)
    outputs = {readout.name: (readout.sop, readout.values) for readout in model.plan.readouts}

    def refused(weights: Mapping[str, Floats]) -> bool:
        try:
            certify(weights, ledger, domain, outputs, model.plan.dtype)
        except Uncertified:
            return True
        return False

    return refused


def erased(plan: Plan) -> list[Slot]:
    return [slot for slot in plan.slots if slot.until is not None]


# ---------------------------------------------------------------------------------------------------- dimensions


def test_no_dimension_has_two_features_at_once_and_none_is_spare() -> None:
    """State by state, on random lives; as many dimensions as there are features at once."""
    rng = Random(1)
    for _ in range(300):
        layers = rng.randint(1, 5)
        slots = []
        for number in range(rng.randint(1, 14)):
            writer = rng.choice([Writer.TOKEN, Writer.HEAD, Writer.MLP])
            layer = 0 if writer is Writer.TOKEN else rng.randint(1, layers)
            first = layer + (writer is Writer.MLP)
            until = rng.choice([None, *range(max(1, first), layers + 1)])
            slots.append(Slot(number, writer, layer, (), {}, until=until))
        found = dimensions(slots)
        states = [
            [number for slot, number in zip(slots, found, strict=True) if slot.holds(state)]
            for state in range(2 * layers + 1)
        ]
        assert all(len(held) == len(set(held)) for held in states)
        assert max(found) + 1 == max(map(len, states))


def test_a_feature_is_in_the_stream_from_its_writer_to_what_erases_it() -> None:
    head, mlp = Slot(1, Writer.HEAD, 2, (), {}, until=2), Slot(1, Writer.MLP, 2, (), {})
    assert [state for state in range(7) if head.holds(state)] == [3]
    assert [state for state in range(7) if mlp.holds(state)] == [4, 5, 6]


def test_what_is_read_is_there_when_it_is_read() -> None:
    """And what is erased makes room for something."""
    plan = layered().plan
    assert len(erased(plan)) > 5
    for slot in erased(plan):
        assert slot.until is not None
        later = [one for one in plan.slots if one.number == slot.number and one.born >= 2 * slot.until]
        assert later
    for state in range(2 * len(plan.layers) + 1):
        held = Counter(slot.number for slot in plan.slots if slot.holds(state))
        assert max(held.values()) == 1
        if state == 2 * len(plan.layers):
            reads = [read for readout in plan.readouts for read in readout.logits]
        elif state % 2:
            reads = [unit.read for unit in plan.layers[state // 2].units]
        else:
            reads = [read for head in plan.layers[state // 2].heads for read in head.reads]
        assert {slot for read in reads for slot, _ in read.terms} <= held.keys()


# ---------------------------------------------------------------------------------------------------- models


@pytest.mark.parametrize("dtype", ["float32", "tf32"])
@pytest.mark.parametrize("optimise", ["layers", "heads", "params"])
def test_a_model_that_uses_dimensions_again_is_certified_and_right_on_every_word(dtype: str, optimise: str) -> None:
    model = layered(dtype, optimise)
    assert erased(model.plan)
    assert model.margins is not None
    assert model.margins.values_proved
    (root,) = model.outputs.values()
    assert is_right(model, model.weights.tensors, answers(root, Numbers.EXACT, ("a", "b"), 4))
    assert compiled.cross_check(model, device="cpu", exhaustive=100, samples=0).mismatch is None


CHOSEN = [3, 33, 114]


@pytest.mark.parametrize("seed", [*CHOSEN, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1000, 1600))])
def test_random_programs_that_use_dimensions_again_are_right_or_refused_and_so_are_their_faults(seed: int) -> None:
    rng = Random(seed)
    made = attention_program(rng, rng.choice(list(Numbers)), rng.randint(4, 9))
    (root,), length = made.roots, {1: 6, 2: 4}.get(len(made.alphabet), 3)
    assert isinstance(root, SOp)
    dtype = rng.choice(["float32", "float64", "tf32", "float16", "bfloat16"])
    outputs, kind = {"output": root}, rng.choice(list(compiled.Optimise))
    try:
        planner = Planner(outputs, Options(made.alphabet, length, made.numbers, dtype, optimise=kind))
        plan = forced(planner, planner.plan())
        model = _made(outputs, kind, planner, plan, prove=True)
    except (Refused, Uncertified):
        return
    if seed in CHOSEN:
        assert erased(plan)
    wanted = answers(root, made.numbers, plan.alphabet, length)
    assert is_right(model, model.weights.tensors, wanted)
    if wanted and erased(plan):
        assert compiled.cross_check(model, device="cpu", exhaustive=1000, samples=0).mismatch is None
        refused = refuses(model)
        for one in list(faults(model))[seed % 7 :: 19]:
            assert refused(one) or is_right(model, one, wanted)


def faults(model: Compiled) -> Iterator[dict[str, Floats]]:
    """Weights with one fault in what erases a dimension: a threshold moved, an amount changed, a unit that is gone."""
    for slot in erased(model.plan):
        name = f"blocks.{(slot.until or 0) - 1}.mlp"
        tensors = model.weights.tensors
        reads = np.count_nonzero(tensors[f"{name}.W_in"][1:], axis=0) == 1
        units = np.flatnonzero(reads & (tensors[f"{name}.W_in"][slot.number] != 0))
        for unit in units[tensors[f"{name}.W_out"][units, slot.number] != 0].tolist():
            at, slope = (unit, slot.number), abs(tensors[f"{name}.W_in"][slot.number, unit])
            yield changed(model, f"{name}.W_out", at, 0.0)
            yield changed(model, f"{name}.W_out", at, tensors[f"{name}.W_out"][at] / 2)
            yield changed(model, f"{name}.W_out", at, tensors[f"{name}.W_out"][at] * 1.01)
            for move in (slope, -slope, 0.625 * slope, -0.625 * slope):  # to another value, and half way there
                yield changed(model, f"{name}.b_in", (unit,), tensors[f"{name}.b_in"][unit] + move)
            yield changed(model, f"{name}.W_in", (slot.number, unit), 0.0)
        bias = tensors[f"{name}.b_out"][slot.number]
        yield from (changed(model, f"{name}.b_out", (slot.number,), bias + by) for by in (1.0, -1.0, 0.01))


def changed(model: Compiled, name: str, at: tuple[int, ...], value: float) -> dict[str, Floats]:
    tensors = {key: tensor.copy() for key, tensor in model.weights.tensors.items()}
    tensors[name][at] = value
    return {key: quantise(tensor, model.plan.dtype) for key, tensor in tensors.items()}


def test_a_fault_in_what_erases_a_dimension_is_found() -> None:
    """By the certificate, and by the cross-check, which needs no output to be wrong."""
    model = layered()
    (root,) = model.outputs.values()
    wanted = answers(root, Numbers.EXACT, ("a", "b"), 4)
    refused, found, harmless, seen = refuses(model), 0, 0, 0
    for one in list(faults(model))[::4]:
        if refused(one):
            found += 1
        else:
            harmless += 1
            assert is_right(model, one, wanted)
        torn = fill(model.model(), one)
        seen += crosscheck(model.plan, torn, device="cpu", exhaustive=10, samples=0).mismatch is not None
    assert found > 15
    assert harmless < found / 4
    assert seen > 10


def test_a_dimension_that_is_not_erased_is_read_as_two_features_and_refused() -> None:
    """All units that erase are taken away at once: the new feature lies on top of the old one."""
    model = layered()
    refused = refuses(model)
    for slot in erased(model.plan):
        name = f"blocks.{(slot.until or 0) - 1}.mlp"
        torn = {key: tensor.copy() for key, tensor in model.weights.tensors.items()}
        alone = np.count_nonzero(torn[f"{name}.W_in"][1:], axis=0) == 1
        torn[f"{name}.W_out"][np.ix_(alone & (torn[f"{name}.W_in"][slot.number] != 0), [slot.number])] = 0
        assert refused(torn)


# ---------------------------------------------------------------------------------------------------- the checker


def checker(error: float, *terms: Term) -> Held:
    """What a checker makes of a slot that holds these."""
    made = program("out_ = tokens;")
    domain = Domain(("a", "b"), 3, Numbers.EXACT)
    outputs = {"out_": (made.sop("out_"), ("a", "b"))}
    claims = claims_of(domain, [made.sop("out_")], [])
    empty: Mapping[str, Floats] = {"embed.W_E": np.zeros((4, 1))}
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=3)
    held = Held(list(terms), error)
    Checker(empty, ledger_of(model.plan), domain, claims, outputs, PRECISIONS["float32"])._add_up(held)
    return held


def test_only_what_cancels_exactly_and_everywhere_is_dropped() -> None:
    both = (INPUT, POSITION)
    old = Term((POSITION,), {(0,): 3.0, (1,): 1.0, (2,): 0.0})
    minus = Term((POSITION,), {(0,): -2.0, (1,): 0.0, (2,): 1.0})
    base = Term((), {(): -1.0})
    assert checker(0.0, old, minus, base).terms == []
    assert checker(2.0**-30, old, minus, base).terms == [old, minus, base]
    (left,) = checker(0.0, old, Term((POSITION,), {(0,): -2.0, (1,): 0.5, (2,): 1.0}), base).terms
    assert [left.at((k,)) for k in range(3)] == [0.0, 0.5, 0.0]
    (constant,) = checker(0.0, old, minus).terms
    assert (constant.leaves, constant.at(())) == ((), 1.0)
    sides = Term((INPUT,), {("a",): 1.0, ("b",): 0.0})
    of_both = Term(both, {(a, k): -float(a == "a") - (3.0, 1.0, 0.0)[k] for a, k in product("ab", range(3))})
    assert checker(0.0, old, sides, of_both).terms == []
    assert {one.leaves for one in checker(0.0, old, sides).terms} == {(INPUT,), (POSITION,)}


def test_a_share_is_not_erased_and_leaves_its_error_when_it_is() -> None:
    made = program(
        "share = aggregate(select(indices, indices, <=), indices % 2); b = 1 if share > 0.25 else 0; "
        "c = aggregate(select(indices, b, ==), indices + b, 5); out_ = aggregate(select(indices, c % 2, ==), c, 7);"
    )
    outputs = {"output": made.sop("out_")}
    planner = Planner(outputs, Options(("a",), 2, Numbers.EXACT, powers=False))
    plan = planner.plan()
    (share,) = (slot.number for slot in plan.slots if not slot.exact)
    assert share not in erasable(plan, planner.precision)
    taken = replace(plan, slots=tuple(replace(slot, exact=True) for slot in plan.slots))
    first, _ = erasable(taken, planner.precision)[share]
    wanted = answers(made.sop("out_"), Numbers.EXACT, ("a",), 2)
    for layer in range(first, len(plan.layers) + 1):
        plan = placed(taken, {share: layer})
        (slot,) = erased(plan)
        model = _made(outputs, compiled.Optimise.LAYERS, planner, plan, prove=True)
        assert model.margins is not None
        first_error, *later = [errors[slot.number] for errors in model.margins.slot_errors][1:]
        assert 0 < first_error <= min(later)
        assert is_right(model, model.weights.tensors, wanted)


def test_powers_are_not_erased_even_where_there_are_only_two_of_them() -> None:
    """2^-52 is exact, and not any more beside the feature that takes its place."""
    outputs = {"out_": program("out_ = sort(tokens, tokens);").sop("out_")}
    planner = Planner(outputs, Options(tuple("abcdef"), 10, Numbers.EXACT))
    plan = planner.plan()
    powers = {slot.number for slot in plan.slots if any(value.denominator > 16 for value in image(slot.table))}
    exact = {slot.number for slot in plan.slots if slot.number in powers and slot.exact}
    assert exact
    assert not exact & erasable(plan, planner.precision).keys()


# ---------------------------------------------------------------------------------------------------- the plan


@pytest.mark.parametrize("optimise", ["layers", "heads", "params"])
def test_no_model_gets_larger_deeper_or_more_heads(optimise: str) -> None:
    texts = [LAYERED, "out_ = sort(tokens, tokens);", "out_ = tokens;", "out_ = indices % 2 == 0;"]
    for text in texts:
        outputs = {"output": program(text).sop("out_")}
        planner = Planner(outputs, Options(tuple("abc"), 6, Numbers.EXACT, optimise=compiled.Optimise(optimise)))
        plan = planner.plan()
        again = reused(plan, planner.precision)
        assert again is plan or shape_of(again).parameters < shape_of(plan).parameters
        assert len(again.layers) == len(plan.layers)
        assert all(few <= many for few, many in zip(again.heads, plan.heads, strict=True))


def test_a_plan_without_a_certificate_gives_way_to_the_one_without_reuse(monkeypatch: pytest.MonkeyPatch) -> None:
    made = program(LAYERED)

    def model() -> Compiled:
        return compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=4)

    assert erased(model().plan)

    def fails(
        outputs: Mapping[str, SOp], optimise: compiled.Optimise, planner: Planner, plan: Plan, prove: bool
    ) -> Compiled:
        if erased(plan):
            raise Uncertified("dimensions are used again")
        return _made(outputs, optimise, planner, plan, prove)

    monkeypatch.setattr(door, "_made", fails)
    assert not erased(model().plan)


def test_counts_that_nobody_reads_cost_nothing() -> None:
    """No key is before position 0: the count is 0 everywhere, and has no head and no dimension."""
    made = program(
        "never = selector_width(select(tokens, tokens, ==) and select(indices, indices, <) and select(indices, 0, <)); "
        "out_ = never + aggregate(select(indices, indices - 1, ==), indices, 0);"
    )
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=4)
    assert sum(model.heads) == 1
    (root,) = model.outputs.values()
    assert is_right(model, model.weights.tensors, answers(root, Numbers.EXACT, ("a", "b"), 4))


def test_labels_say_from_where_to_where_a_dimension_holds_what() -> None:
    model = layered()
    labels = [slot_label(slot) for slot in model.plan.slots]
    erases = [(k, d) for k, layer in enumerate(circuit(model.plan)["layers"], 1) for d in layer["mlp"]["erases"]]
    assert sorted(erases) == sorted((one["until"], one["dimension"]) for one in labels if one["until"])
    for layer, dimension in erases:
        text = assembled(model).residual_labels[dimension]
        assert f"until the MLP of layer {layer}, then " in text
    assert model.explain().count("erases dimensions") == len({layer for layer, _ in erases}) > 0
