"""A compiled model as a folder, written atomically, and the way back, which trusts nothing.

model.safetensors      the weights, under TransformerLens names
config.json            sizes, vocabulary, outputs, masks
residual_labels.json   what each dimension of the residual stream holds, and from which layer to which
circuit.json           which head and which MLP compute what: the ground truth
certificate.json       the ledger, when the model is certified
program.rasp           the source, when it was given
README.md              how to run it
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from compiled.atoms import read_atom
from compiled.certificate.checker import Margins
from compiled.certify import recheck
from compiled.errors import BadFile
from compiled.explain import circuit, slot_label
from compiled.precision import PRECISIONS
from compiled.weights.files import make_folder, read, read_json, to_text, write
from compiled.weights.tensors import MAX_BYTES, dump, load, quantise
from spec.graph import SOp
from spec.values import Atom, Numbers, atom_key, to_input

if TYPE_CHECKING:
    from compiled.compile import Compiled
    from compiled.model import Transformer

LARGEST: Final = 1 << 20
SIZES: Final = ("n_layers", "d_model", "n_ctx", "d_head", "n_heads", "d_mlp", "d_vocab", "d_vocab_out")
_CARD: Final = """---
library_name: rasp-verifier
tags: [rasp, mechanistic-interpretability]
---
# A transformer compiled from a RASP program

{summary}

Position 0 of every row is the start token, padding comes at the end. In plain torch, with `compiled/model.py`,
`compiled/atoms.py` and the `safetensors` package:

    import json, torch
    from safetensors.torch import load_file
    from compiled.model import Config, Transformer
    model = Transformer(Config.from_json(json.load(open("config.json"))))
    model.load_state_dict(load_file("model.safetensors"))
    print(model.run([{example}]))
    logits, cache = model.run_with_cache(model.encode([{example}]))

`residual_labels.json` says what a dimension of the residual stream holds from `layer` on: after its heads or its MLP
(`writer`), or from the embedding on (0). Where `until` is a layer, the MLP of that layer erases it, and the dimension
may be listed again with what it holds next.
"""


def save(compiled: "Compiled", folder: Path, *, program: str | None = None) -> Path:
    """Write the folder; a file appears whole or not at all."""
    from compiled.weights.build import config_of

    plan = compiled.plan
    config = config_of(plan, compiled.shape).to_json() | {"numbers": plan.numbers.value}
    weights = dump(compiled.weights.tensors, plan.dtype, {"format": "pt", "tool": "rasp-verifier"})
    digest = hashlib.sha256(weights).hexdigest()
    files: dict[str, bytes] = {
        "model.safetensors": weights,
        "config.json": to_text(config | {"weights_sha256": digest}),
        "residual_labels.json": to_text([slot_label(slot) for slot in plan.slots]),
        "circuit.json": to_text(circuit(plan)),
    }
    if compiled.margins is not None:
        files["certificate.json"] = to_text(compiled.certificate() | {"weights_sha256": digest})
    if program is not None:
        files["program.rasp"] = program.encode()
    card = _CARD.format(summary=compiled.explain().replace("\n", "\n\n"), example=repr(list(plan.alphabet[:3])))
    files["README.md"] = card.encode(errors="backslashreplace")
    make_folder(folder)
    for name, content in files.items():
        write(folder / name, content)
    for stale in {"certificate.json", "program.rasp"} - files.keys():
        (folder / stale).unlink(missing_ok=True)
    return folder


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration and the weights of a folder, checked against each other."""
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise BadFile("config.json is not a table")
    for name in SIZES:
        value = config.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
            raise BadFile(f"config.json: `{name}` is not a size")
    data = read(folder / "model.safetensors", MAX_BYTES)
    if config.get("weights_sha256") not in (None, hashlib.sha256(data).hexdigest()):
        raise BadFile("model.safetensors is not the file that config.json describes")
    tensors, _ = load(data)
    dtype = config.get("dtype")
    if not isinstance(dtype, str) or dtype not in PRECISIONS:
        raise BadFile("config.json: `dtype` is no number format")
    if any((quantise(tensor, dtype) != tensor).any() for tensor in tensors.values()):
        raise BadFile(f"model.safetensors has numbers that {dtype} does not have")
    expected = _shapes(config)
    if set(tensors) != set(expected):
        raise BadFile("model.safetensors has other tensors than config.json describes")
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise BadFile(f"the tensor {name!r} has the shape {tensors[name].shape}, not {shape}")
    return config, dict(tensors)


def _shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    layers, d, c, e, h, m, v, o = (int(config[name]) for name in SIZES)
    if layers > 4096:
        raise BadFile("config.json: `n_layers` is too large")
    shapes: dict[str, tuple[int, ...]] = {"embed.W_E": (v, d), "pos_embed.W_pos": (c, d)}
    for layer in range(layers):
        block = f"blocks.{layer}"
        shapes |= {f"{block}.attn.W_{name}": (h, d, e) for name in "QKV"}
        shapes |= {f"{block}.attn.b_{name}": (h, e) for name in "QKV"}
        shapes |= {f"{block}.attn.W_O": (h, e, d), f"{block}.attn.b_O": (d,)}
        if m:
            shapes |= {f"{block}.mlp.W_in": (d, m), f"{block}.mlp.b_in": (m,)}
            shapes |= {f"{block}.mlp.W_out": (m, d), f"{block}.mlp.b_out": (d,)}
    return shapes | {"unembed.W_U": (d, o), "unembed.b_U": (o,)}


def load_model(folder: Path | str) -> "Transformer":
    """The torch module of a folder, or `BadFile`."""
    from compiled.model import DTYPES, MASKS, Config, Transformer
    from compiled.weights.build import fill

    config, tensors = read_folder(Path(folder))
    try:
        parsed = Config.from_json(config)
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(f"config.json is malformed: {error}") from error
    known = parsed.dtype in DTYPES and all(mask in MASKS for row in parsed.masks for mask in row)
    widths = sum(len(values) for _, values in parsed.outputs)
    fits = len(parsed.masks) == parsed.n_layers and all(len(row) == parsed.n_heads for row in parsed.masks)
    if not known or not fits or widths != parsed.d_vocab_out or len(parsed.vocabulary) + 2 != parsed.d_vocab:
        raise BadFile("config.json contradicts itself")
    return fill(Transformer(parsed), tensors)


def check_model(
    folder: Path | str, outputs: Mapping[str, SOp], *, alphabet: Iterable[Atom], max_length: int, numbers: Numbers
) -> Margins:
    """Replay the certificate of a folder: the weights compute these s-ops on every word of the scope.

    The program and the scope come from the caller, not from the folder; `Uncertified` says where there is no proof.
    """
    folder = Path(folder)
    config, tensors = read_folder(folder)
    certificate = read_json(folder / "certificate.json")
    if not isinstance(certificate, dict):
        raise BadFile("certificate.json is not a table")
    if certificate.get("max_length") != max_length or certificate.get("numbers") != numbers.value:
        raise BadFile("the certificate is about another scope")
    try:
        values = {str(name): tuple(map(read_atom, atoms)) for name, atoms in config["outputs"]}
        masks = [list(map(str, row)) for row in config["masks"]]
        vocabulary = tuple(map(read_atom, config["vocabulary"]))
        claimed = [[str(head["mask"]) for head in layer] for layer in certificate["ledger"]["layers"]]
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(f"config.json or certificate.json is malformed: {error}") from error
    symbols = to_input(alphabet, numbers)
    same = list(map(atom_key, vocabulary)) == list(map(atom_key, symbols))
    if list(values) != list(outputs) or not same or certificate.get("dtype") != config["dtype"]:
        raise BadFile("the folder is about another program or alphabet")
    padded = [row + ["none"] * (int(config["n_heads"]) - len(row)) for row in claimed]
    if padded != masks or len(masks) != config["n_layers"]:
        raise BadFile("the masks of config.json are not those of the certificate")
    return recheck(certificate, tensors, outputs, values, alphabet=symbols, numbers=numbers)
