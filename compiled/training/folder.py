"""A finished training as a folder, and the network of such a folder.

model.safetensors   the parameters
config.json         sizes, vocabulary, the values that classes stand for
report.json         settings, accuracy by length, attention by selector: measured on held-out inputs only
"""

from pathlib import Path
from typing import Any, Final

import torch

from compiled.errors import BadFile
from compiled.model import DTYPES, MASKS, Config
from compiled.training.fit import Trained
from compiled.training.network import Network
from compiled.training.settings import LARGEST
from compiled.weights.files import make_folder, read, read_json, to_text, write
from compiled.weights.tensors import MAX_BYTES, dump, load
from spec.show import label

FORMAT: Final = "rasp-trained"
_SIZES: Final = ("n_layers", "d_model", "n_ctx", "d_head", "n_heads", "d_mlp", "d_vocab", "d_vocab_out")


def report(trained: Trained) -> dict[str, Any]:
    """What was measured, as data for JSON."""
    return {
        "format": FORMAT,
        "version": 1,
        "settings": trained.settings.to_json(),
        "parameters": trained.parameters,
        "device": trained.device,
        "seconds": round(trained.seconds, 3),
        "held_out": [one.to_json() for one in trained.accuracies],
        "attention": [
            {"layer": one.layer, "selector": label(one.selector), "head": list(one.head), "overlap": one.overlap}
            for one in trained.agreements
        ],
    }


def save(trained: Trained, folder: Path) -> Path:
    """Write the folder; a file appears whole or not at all."""
    network = trained.network
    tensors = {name: tensor.detach().to("cpu", torch.float64).numpy() for name, tensor in network.named_parameters()}
    config = network.config.to_json() | {
        "format": FORMAT,
        "version": 1,
        "act_fn": "gelu",
        "normalization_type": "LN",
        "positional_embedding_type": "sinusoidal",
    }
    make_folder(folder)
    write(folder / "model.safetensors", dump(tensors, "float32", {"format": "pt", "tool": "rasp-verifier"}))
    write(folder / "config.json", to_text(config))
    write(folder / "report.json", to_text(report(trained)))
    return folder


def load_trained(folder: Path | str) -> Network:
    """The network of a folder, or `BadFile`."""
    folder = Path(folder)
    network = Network(_config(read_json(folder / "config.json")))
    tensors, _ = load(read(folder / "model.safetensors", MAX_BYTES))
    expected = dict(network.named_parameters())
    if set(tensors) != set(expected):
        raise BadFile("model.safetensors has other tensors than config.json describes")
    for name, parameter in expected.items():
        if tensors[name].shape != parameter.shape:
            raise BadFile(f"the tensor {name!r} has the shape {tensors[name].shape}, not {tuple(parameter.shape)}")
        parameter.data = torch.tensor(tensors[name]).to(parameter)
    network.requires_grad_(False)
    return network.eval()


def _config(data: object) -> Config:
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != 1:
        raise BadFile(f"config.json does not describe a trained network ({FORMAT}, version 1)")
    for name in _SIZES:
        size = data.get(name)
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LARGEST:
            raise BadFile(f"config.json: `{name}` is not a size")
    try:
        config = Config.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(f"config.json is malformed: {error}") from error
    rows = [len(row) for row in config.masks]
    known = config.dtype in DTYPES and all(mask in MASKS for row in config.masks for mask in row)
    classes = sum(len(values) for _, values in config.outputs)
    if not known or rows != [config.n_heads] * config.n_layers or classes != config.d_vocab_out:
        raise BadFile("config.json contradicts itself")
    if len(config.vocabulary) + 2 != config.d_vocab or config.n_heads * config.d_head != config.d_model:
        raise BadFile("config.json contradicts itself")
    return config
