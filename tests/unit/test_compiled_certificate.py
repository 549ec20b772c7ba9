"""The certificate lets nothing wrong through: random programs, weights of others, planted faults, forged folders."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import compiled  # noqa: E402  # only with torch
from compiled.certificate import check_units, checker  # noqa: E402
from compiled.certificate.closure.claims import NotClosed  # noqa: E402
from compiled.certificate.ledger import Ledger, from_json, to_json  # noqa: E402
from compiled.certificate.states import Floats  # noqa: E402
from compiled.certify import certify, ledger_of  # noqa: E402
from compiled.errors import BadFile, Refused, Uncertified  # noqa: E402
from compiled.meaning import storing, values  # noqa: E402
from compiled.planning.layout import Writer  # noqa: E402
from compiled.planning.plan import domain_for  # noqa: E402
from compiled.weights.build import fill  # noqa: E402
from compiled.weights.tensors import dump, load, quantise  # noqa: E402
from spec.elaborate import Program, elaborate  # noqa: E402
from spec.graph import Map, SOp, topological  # noqa: E402
from spec.interp import Interpreter, ProgramFailure  # noqa: E402
from spec.operators import Op  # noqa: E402
from spec.source import Source  # noqa: E402
from spec.values import Atom, Numbers  # noqa: E402
from tests.unit.random_attention import attention_program  # noqa: E402
from tests.unit.random_graphs import random_program  # noqa: E402
from verifier.running.selection import usual_scope  # noqa: E402
from verifier.running.subject import Subject  # noqa: E402

pytestmark = pytest.mark.torch

Word = tuple[Atom, ...]


def program(text: str) -> Program:
    return elaborate(Source("test.rasp", text.replace("; ", ";\n") + "\n"), Numbers.EXACT)


def answers(root: SOp, numbers: Numbers, alphabet: tuple[Atom, ...], length: int) -> dict[Word, list[Atom]]:
    """What the interpreter says on every word up to a length on which the program has a value."""
    interpreter, found = Interpreter((root,), numbers), {}
    for n in range(1, length + 1):
        for word in product(alphabet, repeat=n):
            try:
                found[word] = list(interpreter.run(word).values[root])
            except ProgramFailure:
                continue
    return found


def is_right(made: compiled.Compiled, weights: Mapping[str, Floats], wanted: Mapping[Word, list[Atom]]) -> bool:
    found = fill(made.model(), weights).run(list(wanted))["output"]
    return all(len(a) == len(b) and all(map(same, a, b)) for a, b in zip(found, wanted.values(), strict=True))


def same(one: Atom, other: Atom) -> bool:
    """Whether the two are equal, or neither is a number at all (NaN)."""
    return one == other or (one != one and other != other)


def options(rng: Random) -> dict[str, object]:
    return {
        "dtype": rng.choice(["float32", "float32", "float64", "tf32", "float16", "bfloat16"]),
        "encoding": rng.choice(["compact", "compact", "onehot"]),
        "arch": rng.choice(["standard", "masked"]),
        "optimise": rng.choice(["layers", "heads", "params"]),
        "counting": rng.random() < 0.8,
    }


def faults(
    rng: np.random.Generator, weights: Mapping[str, Floats], dtype: str, count: int
) -> Iterator[dict[str, Floats]]:
    """Weights with one fault: an entry changed, a tensor negated, two rows or two columns (heads, units) exchanged."""
    names = [name for name, tensor in weights.items() if tensor.size]
    for _ in range(count):
        changed = {name: tensor.copy() for name, tensor in weights.items()}
        tensor = changed[str(rng.choice(names))]
        flat = tensor.reshape(-1)
        match int(rng.integers(6)):
            case 0 | 1:
                used = np.flatnonzero(flat)
                at = int(rng.choice(used)) if used.size else 0
                flat[at] = rng.choice([0.0, -flat[at], flat[at] / 2, flat[at] * 1.001, flat[at] + 1, 3e4])
            case 2:
                flat[int(rng.integers(flat.size))] += rng.choice([1.0, -1.0, 0.5, 256.0, -256.0])
            case 3:
                tensor *= -1
            case 4:
                tensor[:] = np.roll(tensor, 1, axis=0)
            case _:
                tensor[:] = np.roll(tensor, 1, axis=-1)
        changed = {name: quantise(tensor, dtype) for name, tensor in changed.items()}
        if all(np.isfinite(tensor).all() for tensor in changed.values()):
            yield changed


def check_weights(made: compiled.Compiled, weights: Mapping[str, Floats], ledger: Ledger) -> None:
    outputs = {readout.name: (readout.sop, readout.values) for readout in made.plan.readouts}
    certify(weights, ledger, domain_for(made.outputs, made.options), outputs, made.plan.dtype)


def certified(made: compiled.Compiled, weights: Mapping[str, Floats]) -> bool:
    try:
        check_weights(made, weights, ledger_of(made.plan))
    except Uncertified:
        return False
    return True


@pytest.mark.parametrize(
    "seed", [*range(25), 175, *(pytest.param(s, marks=pytest.mark.slow) for s in range(25, 1000) if s != 175)]
)
def test_random_programs_are_right_or_refused_and_so_are_their_faults(seed: int) -> None:
    rng = Random(seed)
    made = random_program(rng, rng.choice(list(Numbers)), rng.randint(6, 16))
    root = made.roots[0]
    assert isinstance(root, SOp)
    length = 3 if len(made.alphabet) > 2 else 4
    try:
        model = compiled.compile_program(
            made.graph,
            root,
            alphabet=made.alphabet,
            max_length=length,
            **options(rng),  # type: ignore[arg-type]  # chosen at random
        )
    except (Refused, Uncertified):
        return
    wanted = answers(root, made.numbers, model.plan.alphabet, length)
    if not wanted:
        return
    assert is_right(model, model.weights.tensors, wanted)
    found = compiled.cross_check(model, device="cpu", exhaustive=1000, samples=0)
    assert found.mismatch is None
    for changed in faults(np.random.default_rng(seed), model.weights.tensors, model.plan.dtype, 4):
        assert is_right(model, changed, wanted) or not certified(model, changed)


def of_mixed_kinds(rng: Random, size: int, longest: int) -> tuple[compiled.Compiled, dict[Word, list[Atom]]] | None:
    """A random program with attention, compiled, and its answers on every word; None where it is refused."""
    made = attention_program(rng, rng.choice(list(Numbers)), rng.randint(2, size))
    root, length = made.roots[0], {1: longest, 2: 4}.get(len(made.alphabet), 3)
    assert isinstance(root, SOp)
    chosen = options(rng)
    try:
        model = compiled.compile_program(made.graph, root, alphabet=made.alphabet, max_length=length, **chosen)  # type: ignore[arg-type]  # chosen at random
    except NotClosed:
        raise
    except (Refused, Uncertified):
        return None
    return model, answers(root, made.numbers, model.plan.alphabet, length)


@pytest.mark.parametrize("many", [1, 10**9], ids=["classes", "all states"])
@pytest.mark.parametrize(
    "seed", [*range(10), 21, 315, 329, 390, *(pytest.param(s, marks=pytest.mark.slow) for s in range(400, 800))]
)
def test_programs_of_mixed_kinds_are_right_or_refused(seed: int, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every word, whether all combinations of values are looked at or one for each class of values."""
    monkeypatch.setattr(values, "MANY", many)
    monkeypatch.setattr(checker, "MANY", many)
    found = of_mixed_kinds(Random(seed), 7, 6)
    if found is None:
        return
    model, wanted = found
    assert model.margins is not None
    assert model.margins.values_proved
    assert is_right(model, model.weights.tensors, wanted)


STORED = [3, 47, 101, 110, 128]


@pytest.mark.parametrize("seed", [*STORED, *(pytest.param(s, marks=pytest.mark.slow) for s in range(400, 900))])
def test_programs_with_stored_s_ops_are_right_or_refused_and_so_are_their_faults(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is stored that may be, however few combinations it would save."""
    monkeypatch.setattr(storing, "MANY", 1)
    rng = Random(seed)
    found = of_mixed_kinds(rng, 6, 5)
    if found is None:
        return
    model, wanted = found
    assert is_right(model, model.weights.tensors, wanted)
    if not wanted:
        return
    assert compiled.cross_check(model, device="cpu", exhaustive=1000, samples=0).mismatch is None
    for changed in faults(np.random.default_rng(seed), model.weights.tensors, model.plan.dtype, 4):
        assert is_right(model, changed, wanted) or not certified(model, changed)


def test_a_certificate_is_the_same_however_few_states_are_looked_at_together(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Subject.load(checkout / "spec" / "programs" / "paper" / "dyck1_ptf.rasp")(None, Numbers.EXACT)

    def margins() -> object:
        return compiled.compile_program(made.graph, made.sop("dyck1_ptf"), alphabet="()x", max_length=4).margins

    together = margins()
    monkeypatch.setattr(check_units, "CHUNK", 1)
    assert margins() == together


MANY_COMBINATIONS = [
    "raspy/add::total",
    "wrong/addition_without_ripple::total",
    pytest.param("arithmetic/long_addition::total", marks=pytest.mark.slow),
    pytest.param("inference/deduction::follows", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("target", MANY_COMBINATIONS)
def test_what_has_very_many_combinations_compiles_at_ten_positions(target: str, checkout: Path) -> None:
    """In the layers of the schedule, with its sets of values proved, and as the interpreter has it."""
    path, name = target.split("::")
    subject = Subject.load(checkout / "spec" / "programs" / f"{path}.rasp")
    scope = usual_scope(subject)
    made = subject(None, scope.numbers)
    model = compiled.compile_program(made.graph, made.sop(name), alphabet=scope.symbols, max_length=10)
    assert model.layers == model.written.layers
    assert model.margins is not None
    assert model.margins.values_proved
    assert compiled.cross_check(model, device="cpu", exhaustive=50, samples=30).mismatch is None


AFTER = (
    'last = aggregate(select(tokens, "a", ==), indices, 0); low = indices > last and tokens == "b"; '
    'out_ = aggregate(select(last, indices, ==), tokens, "-") if low else "c";'
)


def stored_model(monkeypatch: pytest.MonkeyPatch) -> compiled.Compiled:
    """A model that reads a stored s-op a layer later."""
    monkeypatch.setattr(storing, "MANY", 1)
    made = program(AFTER)
    return compiled.compile_program(made.graph, made.sop("out_"), alphabet="abc", max_length=4)


def claimed(model: compiled.Compiled, ledger: Ledger) -> None:
    """Check the weights of the model against another ledger."""
    check_weights(model, model.weights.tensors, ledger)


def test_a_stored_s_op_costs_no_layer_and_is_named_in_the_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    model = stored_model(monkeypatch)
    assert model.layers == model.written.layers
    assert model.margins is not None
    assert model.margins.values_proved
    ledger = ledger_of(model.plan)
    (claim,) = ledger.stored
    assert f"; stores map#{claim.sop.id}" in model.explain()
    nodes = {node.id: node for node in topological(model.outputs.values())}
    assert from_json(to_json(ledger), nodes) == ledger
    (root,) = model.outputs.values()
    assert is_right(model, model.weights.tensors, answers(root, Numbers.EXACT, model.plan.alphabet, 4))


def test_a_dimension_is_of_a_stored_s_op_only_if_the_s_op_decides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each claim about another dimension, of another layer, about another s-op, and about none."""
    model = stored_model(monkeypatch)
    ledger = ledger_of(model.plan)
    (claim,) = ledger.stored
    claimed(model, ledger)
    others = [node for node in topological(model.outputs.values()) if isinstance(node, Map) and node is not claim.sop]
    assert claim.slot in [slot.number for slot in model.plan.slots if slot.until == claim.layer + 1]  # used again
    written = {slot.number for slot in model.plan.slots if slot.stores is None and slot.leaves} - {claim.slot}
    wrong = [replace(claim, layer=claim.layer + 1), replace(claim, layer=9), replace(claim, slot=model.plan.width)]
    wrong += [replace(claim, slot=slot) for slot in written] + [replace(claim, sop=sop) for sop in others]
    for one in ((), *((one,) for one in wrong)):
        with pytest.raises(Uncertified):
            claimed(model, replace(ledger, stored=one))
    for slot in model.plan.slots:
        if slot.writer in (Writer.TOKEN, Writer.POSITION) and slot.number != claim.slot:
            with pytest.raises(Uncertified, match="is not a function of the s-op"):
                claimed(model, replace(ledger, stored=(replace(claim, slot=slot.number),)))


def test_a_stored_s_op_that_is_computed_wrong_on_some_states_has_no_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thresholds of the hidden units that write it are moved: what is read later is right for what it says."""
    model = stored_model(monkeypatch)
    (claim,) = ledger_of(model.plan).stored
    (root,) = model.outputs.values()
    wanted = answers(root, Numbers.EXACT, model.plan.alphabet, 4)
    name = f"blocks.{claim.layer}.mlp"
    writing = np.flatnonzero(model.weights.tensors[f"{name}.W_out"][:, claim.slot])
    refused = []
    for unit, by in product(writing.tolist(), (-4, -3, -2, -1, 1, 2, 3, 4)):
        changed = {key: tensor.copy() for key, tensor in model.weights.tensors.items()}
        step = np.abs(changed[f"{name}.W_in"][:, unit]).max()
        changed[f"{name}.b_in"][unit] += by * step
        try:
            check_weights(model, changed, ledger_of(model.plan))
        except Uncertified as error:
            refused.append(error.reason)
        else:
            assert is_right(model, changed, wanted)
    assert any("is not a function of the s-op" in reason for reason in refused)


CHANGED = [
    ("out_ = selector_width(select(tokens, tokens, {}));", "==", "!="),
    ("out_ = selector_width(select(tokens, tokens, ==) and select(indices, indices, {}));", "<", "<="),
    ('out_ = aggregate(select(indices, indices {} 1, ==), tokens, "-");', "-", "+"),
    ("out_ = aggregate(select(indices, indices - 1, ==), tokens, {});", '"-"', '"a"'),
    ('out_ = aggregate(select(indices, indices, <=), indicator(tokens == "{}"));', "a", "b"),
    ('out_ = aggregate(select(tokens, "a", ==) {} select(indices, indices, <), indices, 0);', "and", "or"),
    ("out_ = aggregate(select(indices, indices, {}), indices * 2, 0) > 1;", ">", ">="),
    ("out_ = aggregate(full_s, indices {} 1);", "+", "-"),
    ('out_ = indices % {} == 0 and tokens == "a";', "2", "3"),
    ("out_ = sort(tokens, {});", "tokens", "indices"),
]


@pytest.mark.parametrize("arch", ["standard", "masked"])
@pytest.mark.parametrize(("text", "one", "other"), CHANGED)
def test_weights_of_another_program_have_no_certificate(text: str, one: str, other: str, arch: str) -> None:
    """Weights and ledger of the changed program, read as claims about the unchanged one."""
    first, second = program(text.format(one)), program(text.format(other))
    options = {"alphabet": "ab", "max_length": 4, "arch": arch}
    right = compiled.compile_program(first.graph, first.sop("out_"), **options)  # type: ignore[arg-type]
    wrong = compiled.compile_program(second.graph, second.sop("out_"), **options)  # type: ignore[arg-type]
    root = first.sop("out_")
    wanted = answers(root, Numbers.EXACT, ("a", "b"), 4)
    assert not is_right(wrong, wrong.weights.tensors, wanted)
    nodes = {node.id: node for node in topological([root])}
    domain = domain_for(right.outputs, right.options)
    outputs = {"output": (root, wrong.plan.readouts[0].values)}
    with pytest.raises((BadFile, Uncertified)):
        certify(wrong.weights.tensors, from_json(to_json(ledger_of(wrong.plan)), nodes), domain, outputs, "float32")


TABLES = {
    "token": "s = {1: 0, 20: 1, 5: 2, 24: 3, 6: 4, 16: 5, 2: 6, 9: 7, 3: 8}[(t * 4 + other) * 4 + own]; "
    "out_ = {0: True, 1: False, 2: False, 3: True, 4: True, 5: False, 6: True, 7: False, 8: True}[s];",
    "counts": "s = 4 * other + own; "
    "out_ = {0: False, 4: False, 8: True, 1: True, 2: True, 3: True, 5: False, 6: True, 9: False}[s];",
}


@pytest.mark.parametrize("encoding", ["compact", "onehot"])
@pytest.mark.parametrize(("table", "many"), [("token", 20_000), ("counts", 20_000), ("counts", 1)])
def test_states_that_no_input_has_need_no_decided_unit(
    table: str, many: int, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts of 2 and 3 do not occur together, says a table; also one that reads the token, which no hidden unit does;
    also where states stand for classes."""
    monkeypatch.setattr(checker, "MANY", many)
    made = program(
        't = {"0": 1, "1": 0}[tokens_str]; '
        "other = selector_width(select({0: 2, 1: 1}[t], {0: 1, 1: 2}[t], ==)); "
        "own = selector_width(select({0: 1, 1: 0}[t], {0: 1, 1: 2}[t], ==)); "
        f"{TABLES[table]}"
    )
    root = made.sop("out_")
    model = compiled.compile_program(made.graph, root, alphabet="01", max_length=3, encoding=encoding)
    wanted = answers(root, Numbers.EXACT, model.plan.alphabet, 3)
    assert len(wanted) == 14
    assert is_right(model, model.weights.tensors, wanted)
    for changed in faults(np.random.default_rng(1), model.weights.tensors, "float32", 12):
        assert is_right(model, changed, wanted) or not certified(model, changed)


def test_booleans_have_a_mean_where_the_sequence_has_an_integer_elsewhere() -> None:
    made = program('x = (tokens == "a") if indices < 2 else 5; out_ = aggregate(select(indices, 2, <), x);')
    root = made.sop("out_")
    model = compiled.compile_program(made.graph, root, alphabet="ab", max_length=4)
    assert is_right(model, model.weights.tensors, answers(root, Numbers.EXACT, ("a", "b"), 4))


KINDS = {
    "the mark of a share": 'f = select(indices, 0, ==); out_ = aggregate(f or select(tokens, "a", ==), indices == 0);',
    "a real mark": "f = select(indices, 0, ==); out_ = aggregate(f or select(tokens, 1, ==), (indices == 0) / 1);",
    "a mean that is 0 or 1": "out_ = 0 - aggregate(select(indices, indices, <), 1);",
}


@pytest.mark.parametrize("numbers", list(Numbers))
@pytest.mark.parametrize("name", list(KINDS))
def test_a_count_gives_the_kind_that_the_program_has(name: str, numbers: Numbers) -> None:
    """`x1`, `xTrue` and `x1.0` are different, so a count may not stand for a number of another kind."""
    made = elaborate(Source("test.rasp", KINDS[name].replace("; ", ";\n") + "\n"), numbers)
    shown = made.graph.map(Op.MOD, made.graph.constant("x%s"), made.sop("out_"))
    if name == "a mean that is 0 or 1" and numbers is Numbers.IEEE:  # a rational that is whole is shown like an integer
        with pytest.raises(Refused, match="an integer, a real or a boolean"):
            compiled.compile_program(made.graph, shown, alphabet="ab", max_length=3)
        return
    model = compiled.compile_program(made.graph, shown, alphabet="ab", max_length=3)
    assert is_right(model, model.weights.tensors, answers(shown, numbers, ("a", "b"), 3))


def test_a_default_that_is_a_string_is_no_sum() -> None:
    made = program('out_ = aggregate(select(indices, indices, <), indicator(tokens == "a"), "a") * indices;')
    root = made.sop("out_")
    model = compiled.compile_program(made.graph, root, alphabet="ab", max_length=3)
    assert is_right(model, model.weights.tensors, answers(root, Numbers.EXACT, ("a", "b"), 3))


def test_logits_that_overflow_have_no_certificate() -> None:
    made = program("out_ = indices;")
    with pytest.raises(Refused, match="too large for float16"):
        compiled.compile_program(made.graph, made.sop("out_"), alphabet="a", max_length=300, dtype="float16")
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="a", max_length=100, dtype="float16")
    scaled = {"pos_embed.W_pos", "unembed.W_U"}
    huge = {name: tensor * (300 if name in scaled else 1) for name, tensor in model.weights.tensors.items()}
    assert not certified(model, {name: quantise(tensor, "float16") for name, tensor in huge.items()})
    assert certified(model, model.weights.tensors)


def forge(folder: Path, tensors: Mapping[str, Floats], stored: str) -> None:
    """Put weights into a folder, under their true checksum."""
    (folder / "model.safetensors").write_bytes(dump(tensors, stored, {"format": "pt"}))
    config = json.loads((folder / "config.json").read_text())
    del config["weights_sha256"]
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("forgery", ["digits", "layer", "symbols"])
def test_a_forged_folder_is_refused(tmp_path: Path, forgery: str) -> None:
    made = program("out_ = selector_width(select(tokens, tokens, ==));")
    outputs = {"out_": made.sop("out_")}
    alphabet: tuple[Atom, ...] = (0, 1)
    model = compiled.compile_program(made.graph, outputs, alphabet=alphabet, max_length=4)
    model.save(tmp_path)
    tensors, _ = load((tmp_path / "model.safetensors").read_bytes())
    match forgery:
        case "digits":  # right as doubles, but the model rounds them to its own format
            tensors["unembed.b_U"] = tensors["unembed.b_U"] + 1e-12
            forge(tmp_path, tensors, "float64")
        case "layer":  # a block that the certificate does not speak of
            block = {name: tensor for name, tensor in tensors.items() if name.startswith("blocks.0.")}
            tensors |= {name.replace("blocks.0.", "blocks.1."): tensor for name, tensor in block.items()}
            forge(tmp_path, tensors, "float32")
            config = json.loads((tmp_path / "config.json").read_text())
            (tmp_path / "config.json").write_text(json.dumps(config | {"n_layers": 2}))
        case _:  # `1` is not `True`
            alphabet = (False, True)
    with pytest.raises((BadFile, Uncertified)):
        compiled.check_model(tmp_path, outputs, alphabet=alphabet, max_length=4, numbers=Numbers.EXACT)
