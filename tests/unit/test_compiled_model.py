"""The weights: equal to the interpreter on every word, whatever the options; certificates find planted faults."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from itertools import product, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402  # only with torch
from torch.overrides import TorchFunctionMode  # noqa: E402  # only with torch

import compiled  # noqa: E402  # only with torch
from compiled.certify import certify, ledger_of  # noqa: E402
from compiled.crosscheck import crosscheck, pick_device  # noqa: E402
from compiled.errors import BadFile, Refused, Uncertified  # noqa: E402
from compiled.planning.plan import domain_for  # noqa: E402
from compiled.tracr import assembled  # noqa: E402
from compiled.weights.assemble import Weights  # noqa: E402
from compiled.weights.build import fill  # noqa: E402
from spec.diagnostics import UsageError  # noqa: E402
from spec.elaborate import Program, elaborate  # noqa: E402
from spec.graph import SOp  # noqa: E402
from spec.interp import Interpreter, ProgramFailure  # noqa: E402
from spec.source import Source  # noqa: E402
from spec.values import Atom, Numbers  # noqa: E402

pytestmark = pytest.mark.torch

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {
    "identity": "out_ = tokens;",
    "constant": "out_ = 0 * indices + 3;",
    "joint": 'out_ = indices % 2 == 0 and tokens == "a";',
    "reverse": "out_ = aggregate(select(indices, length - 1 - indices, ==), tokens);",
    "histogram": "out_ = selector_width(select(tokens, tokens, ==));",
    "width_of_not": "out_ = selector_width(not select(tokens, tokens, ==) or select(indices, 0, ==));",
    "width_in_pieces": 'out_ = selector_width((select(indices, indices, <=) or select(tokens, "b", >))'
    ' and select(tokens, "b", ==));',
    "sort": "out_ = sort(tokens, tokens);",
    "shift": 'out_ = aggregate(select(indices, indices - 2, ==), tokens, "-");',
    "default_number": 'out_ = aggregate(select(tokens, "b", ==) and select(indices, indices, <), indices, -1);',
    "majority": 'out_ = aggregate(full_s, indicator(tokens == "a")) > 0.5;',
    "mean": "out_ = aggregate(full_s, indices);",
    "prefix": 'out_ = aggregate(select(indices, indices, <=), indicator(tokens == "a"));',
    "mean_of_mean": 'm = aggregate(select(indices, indices, <=), indicator(tokens == "a"));'
    " out_ = aggregate(full_s, m) > 0.4;",
    "difference": 'p = select(indices, indices, <=); out_ = aggregate(p, indicator(tokens == "a"))'
    ' == aggregate(p, indicator(tokens == "b"));',
    "or_fetch": 'out_ = aggregate(select(tokens, "b", ==) or select(indices, indices, ==), 2 * indices);',
    "presence": 'p = select(indices, indices, <=); m = aggregate(p, indicator(tokens == "a"));'
    ' out_ = contains(indices == length - 1 and m == 0.5, True) and not contains(m < 0.4 or tokens == "b", True);',
    "negative": "out_ = aggregate(full_s, indices - 3) * (0 - 2);",
    "division": "out_ = (indices + 1) / 2;",
    "double_histogram": "h = selector_width(select(tokens, tokens, ==)); out_ = selector_width(select(h, h, ==));",
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def program(text: str, numbers: Numbers = Numbers.EXACT) -> Program:
    return elaborate(Source("test.rasp", text.replace("; ", ";\n") + "\n"), numbers)


def expected(root: SOp, numbers: Numbers, word: tuple[object, ...]) -> list[object] | None:
    try:
        return list(Interpreter((root,), numbers).run(word).values[root])  # type: ignore[arg-type]  # symbols are atoms
    except ProgramFailure:
        return None


def wrong_words(made: compiled.Compiled, root: SOp, numbers: Numbers, length: int) -> list[tuple[object, ...]]:
    """The words up to a length on which the model does not answer as the interpreter: one padded batch."""
    words = [w for n in range(1, length + 1) for w in product(made.plan.alphabet, repeat=n)]
    answers = made.model().run(words)["output"]
    pairs = ((word, expected(root, numbers, word), got) for word, got in zip(words, answers, strict=True))
    return [word for word, wanted, got in pairs if wanted is not None and wanted != got]


@pytest.mark.parametrize("name", list(PROGRAMS))
@pytest.mark.parametrize(
    "options",
    [{}, {"encoding": "onehot"}, {"arch": "masked"}, {"optimise": "heads", "counting": False}],
    ids=["default", "onehot", "masked", "plain"],
)
def test_weights_equal_the_interpreter_on_every_word(name: str, options: dict[str, object]) -> None:
    made = program(PROGRAMS[name])
    root = made.sop("out_")
    length = 4 if name == "mean_of_mean" else 5  # its one-hot form has a dimension for each of hundreds of means
    model = compiled.compile_program(made.graph, root, alphabet="abc", max_length=length, **options)  # type: ignore[arg-type]
    assert wrong_words(model, root, Numbers.EXACT, length) == []


@pytest.mark.parametrize("name", ["histogram", "sort", "mean", "majority", "prefix"])
def test_weights_equal_the_interpreter_in_doubles(name: str) -> None:
    made = program(PROGRAMS[name], Numbers.IEEE)
    root = made.sop("out_")
    model = compiled.compile_program(made.graph, root, alphabet="ab", max_length=6)
    assert wrong_words(model, root, Numbers.IEEE, 6) == []


class TensorFloats(TorchFunctionMode):
    """Matrix products as hardware for tf32 takes them: operands keep 11 bits, cut off or rounded."""

    def __init__(self, add: int) -> None:
        super().__init__()
        self.add, self.products = add, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.einsum, Tensor.__matmul__, torch.matmul):
            args = tuple(self._shortened(one) if isinstance(one, Tensor) else one for one in args)
            self.products += 1
        return func(*args, **(kwargs or {}))

    def _shortened(self, tensor: Tensor) -> Tensor:
        return ((tensor.contiguous().view(torch.int32) + self.add) & ~0x1FFF).view(torch.float32)


@pytest.mark.parametrize(
    ("dtype", "least"), [("float64", 20), ("float32", 20), ("tf32", 19), ("float16", 18), ("bfloat16", 5)]
)
def test_every_number_format_is_certified_and_right_or_refused(dtype: str, least: int) -> None:
    """`least`: how many of the programs are certified. It may rise; what bfloat16 holds (8 bits) is little."""
    certified = 0
    for text in PROGRAMS.values():
        made = program(text)
        root = made.sop("out_")
        try:
            model = compiled.compile_program(made.graph, root, alphabet="ab", max_length=5, dtype=dtype)
        except (compiled.Refused, Uncertified):
            continue
        certified += 1
        assert model.margins is not None
        assert wrong_words(model, root, Numbers.EXACT, 5) == [], text
        for add in (0, 0x1000) if dtype == "tf32" else ():
            with TensorFloats(add) as short:
                assert wrong_words(model, root, Numbers.EXACT, 5) == [], text
            assert short.products or not model.layers
    assert certified >= least


def test_products_of_eleven_bits_are_not_enough_for_what_is_certified_with_more() -> None:
    """The control of the test above: the same products, and weights that were made for float32."""
    made = program("out_ = aggregate(select(indices, indices - 1, ==), indices);")
    root, word = made.sop("out_"), ("a",) * 120
    model = compiled.compile_program(made.graph, root, alphabet="a", max_length=len(word))
    right = {"output": [expected(root, Numbers.EXACT, word)]}
    assert model.model().run([word]) == right
    with TensorFloats(0):
        assert model.model().run([word]) != right


@pytest.mark.parametrize("name", ["sort", "double_histogram", "reverse", "prefix"])
def test_the_cross_check_finds_no_mismatch_and_looks_into_the_stream(name: str) -> None:
    made = program(PROGRAMS[name])
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="abc", max_length=12)
    found = compiled.cross_check(model, device="cpu", exhaustive=400, samples=60)
    assert found.mismatch is None
    assert found.words == 363 + 60
    assert found.slots > 0


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("pos_embed.W_pos", 0),
        ("blocks.0.attn.b_O", 1),
        ("blocks.0.mlp.b_in", 1),
        ("blocks.1.attn.W_O", 2),
        ("blocks.1.mlp.b_out", 2),  # writes over slots of all layers: right until here
        ("unembed.b_U", None),
    ],
)
def test_the_cross_check_names_the_first_word_and_the_layer_in_which_a_fault_begins(
    tensor: str, layer: int | None
) -> None:
    made = program(PROGRAMS["double_histogram"])
    root = made.sop("out_")
    model = compiled.compile_program(made.graph, root, alphabet="ba", max_length=5, optimise="heads")
    assert model.layers == 2
    changed = {name: value.copy() for name, value in model.weights.tensors.items()}
    changed[tensor].reshape(-1)[-1 if tensor.startswith("unembed") else slice(None)] -= 100
    torn = fill(model.model(), changed)
    found = crosscheck(model.plan, torn, device="cpu", exhaustive=400, samples=0).mismatch
    assert found is not None
    assert found.layer == layer
    words: list[tuple[Atom, ...]] = [w for n in range(1, 6) for w in product("ba", repeat=n)]
    wrong = [w for w in words if torn.run([w])["output"][0] != expected(root, Numbers.EXACT, w)]
    assert words.index(found.word) <= min(map(words.index, wrong), default=len(words))
    if found.what == "output":
        assert found.word == wrong[0]


def test_a_fault_in_one_position_is_found_on_the_first_word_that_has_it() -> None:
    """Words go by length, then in the order of the alphabet as it was written, sampled ones too."""
    made = program(PROGRAMS["reverse"])
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="ba", max_length=9)
    changed = {name: value.copy() for name, value in model.weights.tensors.items()}
    changed["pos_embed.W_pos"][4] += 1
    told: list[tuple[int, int]] = []
    found = crosscheck(
        model.plan,
        fill(model.model(), changed),
        device="cpu",
        exhaustive=62,
        samples=9,
        progress=lambda done, total: told.append((done, total)),
    )
    assert found.mismatch is not None
    assert (found.mismatch.word, found.mismatch.layer) == (tuple("bbbb"), 0)
    assert told == [(71, 71)]
    changed["pos_embed.W_pos"][4] -= 1
    changed["pos_embed.W_pos"][8] += 1
    sampled = crosscheck(model.plan, fill(model.model(), changed), device="cpu", exhaustive=2, samples=90).mismatch
    assert sampled is not None
    assert len(sampled.word) == 8


@pytest.mark.parametrize("name", ["gpu", "meta", "mps", "cuda:9999", "cuda:999", ""])
def test_a_device_that_is_not_there_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="no device"):
        pick_device(name)


def faults(weights: Weights, count: int) -> Iterator[tuple[str, int, float]]:
    rng = np.random.default_rng(1)
    names = [name for name, tensor in weights.tensors.items() if np.any(tensor)]
    for k in range(count):
        name = names[k % len(names)]
        flat = weights.tensors[name].reshape(-1)
        index = int(rng.choice(np.flatnonzero(flat)))
        yield name, index, [0.0, -flat[index], flat[index] + 1, flat[index] * 0.5][k % 4]


@pytest.mark.parametrize("name", ["sort", "histogram", "reverse", "shift", "mean_of_mean"])
def test_the_checker_accepts_no_fault_that_changes_an_answer(name: str) -> None:
    """Weights are changed one at a time: whatever the checker still certifies is still right on every word."""
    made = program(PROGRAMS[name])
    root = made.sop("out_")
    model = compiled.compile_program(made.graph, root, alphabet="ab", max_length=4)
    ledger, domain = ledger_of(model.plan), domain_for(model.outputs, model.options)
    outputs = {readout.name: (readout.sop, readout.values) for readout in model.plan.readouts}
    words = [w for n in range(1, 5) for w in product("ab", repeat=n)]
    right = model.model().run(words)
    rejected = 0
    for tensor, index, value in faults(model.weights, 40):
        changed = {key: array.copy() for key, array in model.weights.tensors.items()}
        changed[tensor].reshape(-1)[index] = value
        try:
            certify(changed, ledger, domain, outputs, "float32")
        except Uncertified:
            rejected += 1
        else:
            assert fill(model.model(), changed).run(words) == right, (tensor, index, value)
    assert rejected >= 15


def test_a_folder_loads_and_its_certificate_replays(tmp_path: Path) -> None:
    made = program(PROGRAMS["sort"])
    root = made.sop("out_")
    model = compiled.compile_program(made.graph, {"out_": root}, alphabet="abc", max_length=5)
    model.save(tmp_path, program=made.source.text)
    words = [w for n in range(1, 6) for w in product("abc", repeat=n)]
    assert compiled.load_model(tmp_path).run(words) == model.model().run(words)
    scope = {"alphabet": tuple("abc"), "max_length": 5, "numbers": Numbers.EXACT}
    assert compiled.check_model(tmp_path, {"out_": root}, **scope) == model.margins  # type: ignore[arg-type]
    other = program(PROGRAMS["reverse"]).sop("out_")
    with pytest.raises((BadFile, Uncertified)):
        compiled.check_model(tmp_path, {"out_": other}, **scope)  # type: ignore[arg-type]
    with pytest.raises(BadFile, match="another scope"):
        compiled.check_model(tmp_path, {"out_": root}, **(scope | {"max_length": 6}))  # type: ignore[arg-type]


def test_the_lines_of_the_documentation_load_a_folder_with_torch_alone(tmp_path: Path) -> None:
    """The first block under the heading `The folder`, as it is written, in a process that can load nothing else."""
    page = (ROOT / "docs" / "compiler.md").read_text(encoding="utf-8")
    section = page.split("\n## The folder\n")[1]
    shown = list(takewhile(lambda line: line.startswith("    "), section.strip("\n").splitlines()))
    assert 5 <= len(shown) <= 10
    made = program(PROGRAMS["reverse"])
    model = compiled.compile_program(made.graph, {"backwards": made.sop("out_")}, alphabet="abc", max_length=40)
    model.save(tmp_path / "reverse")
    script = tmp_path / "shown.py"
    script.write_text(
        "import sys\nsys.modules |= dict.fromkeys(['lark', 'z3', 'pysat', 'sympy', 'spec', 'verifier'])\n"
        + textwrap.dedent("\n".join(shown))
        + "\nprint(json.dumps(model.run(['abc', 'b'])), list(cache['blocks.1.attn.hook_pattern'].shape))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ('{"backwards": [["c", "b", "a"], ["b"]]} [2, 1, 4, 4]\n', "")


@pytest.mark.parametrize("numbers", list(Numbers))
def test_words_are_those_of_the_alphabet_and_of_nothing_else(numbers: Numbers) -> None:
    made = elaborate(Source("t.rasp", "out_ = tokens_asis + 0;"), numbers)
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet=(0.1, 2), max_length=2).model()
    found = model.run([(0.1, 2), ()])["output"]
    assert [[float(value) for value in values] for values in found] == [[0.1, 2.0], []]
    assert model.run([]) == {"output": []}
    for word in ("a", [True], [2.0], [0.2]):
        with pytest.raises(ValueError, match="none of the symbols"):
            model.run([word])


def test_a_folder_holds_symbols_that_have_no_utf8(tmp_path: Path) -> None:
    made = program(PROGRAMS["reverse"])
    word = ["\ud800", "\0", '"\n']
    compiled.compile_program(made.graph, made.sop("out_"), alphabet=word, max_length=3).save(tmp_path)
    assert compiled.load_model(tmp_path).run([word]) == {"output": [word[::-1]]}


@pytest.mark.parametrize("damage", ["truncate", "header", "nan", "shape", "config"])
def test_a_damaged_folder_is_refused(tmp_path: Path, damage: str) -> None:
    made = program(PROGRAMS["shift"])
    compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=3).save(tmp_path)
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    data, settings = weights.read_bytes(), json.loads(config.read_text())
    settings.pop("weights_sha256")
    match damage:
        case "truncate":
            data = data[:-4]
        case "header":
            data = b"\xff" * 8 + data[8:]
        case "nan":
            data = data[:-4] + b"\x00\x00\xc0\x7f"
        case "shape":
            settings["d_model"] += 1
        case _:
            settings["d_vocab"] = "many"
    weights.write_bytes(data)
    config.write_text(json.dumps(settings))
    with pytest.raises(BadFile):
        compiled.load_model(tmp_path)


def test_activations_have_transformer_lens_names_and_patterns_are_hard() -> None:
    made = program(PROGRAMS["reverse"])
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=4).model()
    _, cache = model.run_with_cache(model.encode([("a", "b", "b"), ("b",)]))
    pattern = cache["blocks.1.attn.hook_pattern"]
    assert pattern.shape == (2, 1, 4, 4)
    assert pattern[0, 0, 1:].tolist() == [[0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]]
    assert {"hook_embed", "blocks.0.hook_resid_mid", "blocks.0.mlp.hook_post"} <= cache.keys()


def test_a_module_shows_itself_in_a_notebook() -> None:
    """Its sizes and symbols as they are, escaped, without a word of proof: that is in the folder."""
    made = program("out_ = selector_width(select(tokens, tokens, ==));")
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="<ab", max_length=3).model()
    shown = model._repr_html_()
    assert "<td>&#x27;&lt;&#x27;, &#x27;a&#x27;, &#x27;b&#x27;</td>" in shown
    assert f"<tr><th>parameters</th><td>{sum(p.numel() for p in model.parameters())}</td></tr>" in shown
    assert f"<td>{', '.join(map(str, model.config.outputs[0][1]))}</td>" in shown
    assert "certified" not in shown


@pytest.mark.parametrize("encoding", ["compact", "onehot"])
def test_a_view_under_the_names_of_tracr_gives_what_the_interpreter_gives(encoding: str) -> None:
    """Every word of three letters, and activations that add up: the stream is the sum of what was written to it."""
    made = program("x = selector_width(select(tokens, tokens, ==)); out_ = aggregate(select(indices, x, ==), tokens);")
    model = compiled.compile_program(
        made.graph, {"out_": made.sop("out_"), "x": made.sop("x")}, alphabet="ab", max_length=4, encoding=encoding
    )
    with pytest.raises(Refused, match="one output has to be named: out_, x"):
        assembled(model)
    with pytest.raises(Refused, match="is a symbol of the alphabet"):
        assembled(model, "x", bos="a")
    interpreter = Interpreter((made.sop("out_"), made.sop("x")), Numbers.EXACT)
    for name in ("out_", "x"):
        view = assembled(model, name)
        assert len(view.residual_labels) == model.shape.model == len(set(view.residual_labels))
        for word in product("ab", repeat=4):
            found = view.apply(["BOS", *word])
            try:
                assert found.decoded == ["BOS", *interpreter.run(word).values[made.sop(name)]]
            except ProgramFailure:
                continue
            assert view.output_encoder.decode(found.unembedded[0, 1:].tolist()) == found.decoded[1:]
            assert len(found.layer_outputs) == len(found.residuals) == 2 * model.layers == 2 * len(found.attn_logits)
            stream = found.input_embeddings
            for added, after in zip(found.layer_outputs, found.residuals, strict=True):
                stream = stream + added
                assert torch.equal(stream, after)
            assert torch.equal(stream, found.transformer_output)


@pytest.mark.parametrize("word", [["a"], ["a", "BOS"], ["BOS", "BOS"], [], ["BOS", "c"]])
def test_a_view_refuses_what_is_no_word(word: list[str]) -> None:
    made = program("out_ = tokens;")
    view = assembled(compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=3))
    with pytest.raises(ValueError, match=r"begins with 'BOS'|'c' is not in the vocabulary"):
        view.apply(word)


def test_a_view_of_a_model_without_layers() -> None:
    made = program("out_ = indices;")
    view = assembled(compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=3))
    found = view.apply(["BOS", "a", "b"])
    assert (found.decoded, found.residuals) == (["BOS", 0, 1], [])
    assert torch.equal(found.transformer_output, found.input_embeddings)


def test_a_slot_that_nobody_has_to_decode_is_held_to_its_certificate() -> None:
    """In half precision shares of 28 keys can't be told apart, which a comparison with 1/4 does not need."""
    made = program(
        'share = aggregate(select(indices, indices, <=) and select(tokens, "a", ==), 2 if tokens == "a" else 1); '
        "out_ = share - aggregate(select(indices, indices, <), indices % 2) > 0.25;"
    )
    root = made.sop("out_")
    model = compiled.compile_program(made.graph, root, alphabet="ab", max_length=28, dtype="float16")
    assert compiled.cross_check(model, device="cpu", exhaustive=100, samples=40).mismatch is None
    strict = crosscheck(model.plan, model.model(), device="cpu", exhaustive=100, samples=40).mismatch
    assert strict is not None
    assert strict.what.startswith("slot")
