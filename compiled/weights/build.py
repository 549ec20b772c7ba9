"""From dense weights to the torch module."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from compiled.model import DTYPES, Config, Transformer
from compiled.planning.layout import Plan
from compiled.planning.shape import Shape
from compiled.weights.assemble import Weights

Floats = npt.NDArray[np.float64]


def config_of(plan: Plan, shape: Shape) -> Config:
    """The configuration that the weights of a plan have."""
    masks = tuple(
        tuple(head.mask.value for head in layer.heads) + ("none",) * (shape.heads - len(layer.heads))
        for layer in plan.layers
    )
    return Config(
        n_layers=shape.layers,
        d_model=shape.model,
        n_ctx=shape.context,
        d_head=shape.head,
        n_heads=shape.heads,
        d_mlp=shape.mlp,
        d_vocab=shape.vocabulary,
        d_vocab_out=shape.output,
        dtype=plan.dtype,
        vocabulary=plan.alphabet,
        outputs=tuple((readout.name, readout.values) for readout in plan.readouts),
        masks=masks,
    )


def build_model(plan: Plan, weights: Weights) -> Transformer:
    """The module that computes a plan."""
    return fill(Transformer(config_of(plan, weights.shape)), weights.tensors)


def fill(model: Transformer, tensors: Mapping[str, Floats]) -> Transformer:
    """Put tensors into a module of the same shapes."""
    dtype = DTYPES[model.config.dtype]
    model.load_state_dict({name: torch.tensor(tensor).to(dtype) for name, tensor in tensors.items()})
    model.requires_grad_(False)
    return model.eval()
