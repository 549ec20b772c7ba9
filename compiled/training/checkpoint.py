"""Where a training stands, as one safetensors file: the parameters, and the two moments that Adam keeps of each.

The file is replaced as a whole, so a training that is killed goes on from a state that it really had.
"""

from pathlib import Path
from typing import Final

import torch
from torch import nn

from compiled.errors import BadFile
from compiled.weights.files import read, write
from compiled.weights.tensors import MAX_BYTES, dump, load

NAME: Final = "checkpoint.safetensors"
_MOMENTS: Final = ("exp_avg", "exp_avg_sq")


def save(folder: Path, step: int, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write the state after so many steps."""
    tensors = {}
    for name, parameter in network.named_parameters():
        tensors[f"parameter.{name}"] = parameter
        tensors |= {f"{moment}.{name}": optimizer.state[parameter][moment] for moment in _MOMENTS}
    content = {name: tensor.detach().to("cpu", torch.float64).numpy() for name, tensor in tensors.items()}
    write(folder / NAME, dump(content, "float32", {"step": str(step)}))


def restore(folder: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Put network and optimizer into the state of a file; the number of steps that led there, or `BadFile`."""
    tensors, metadata = load(read(folder / NAME, MAX_BYTES))
    step = metadata.get("step", "")
    parameters = dict(network.named_parameters())
    expected = {f"{part}.{name}" for name in parameters for part in ("parameter", *_MOMENTS)}
    if not step.isdecimal() or set(tensors) != expected:
        raise BadFile(f"{NAME} is not the state of this training")
    with torch.no_grad():
        for name, parameter in parameters.items():
            found = {part: torch.tensor(tensors[f"{part}.{name}"]).to(parameter) for part in ("parameter", *_MOMENTS)}
            if any(tensor.shape != parameter.shape for tensor in found.values()):
                raise BadFile(f"the tensor {name!r} of {NAME} does not have the shape that the settings say")
            parameter.copy_(found.pop("parameter"))
            optimizer.state[parameter] = {"step": torch.tensor(float(step)), **found}
    return int(step)
