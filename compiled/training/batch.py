"""Examples as tensors: ids, the class at each position, and the attention that the program's selectors ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from compiled.training.examples import Example
from compiled.training.network import Network
from spec.graph import Selector
from spec.values import Atom

NO_CLASS = -100
"""What `cross_entropy` leaves out: the start token, padding, values that no class stands for."""


@dataclass(frozen=True)
class Batch:
    """Padded examples; position 0 of every row is the start token.

    tokens     [batch, position]     ids
    classes    [batch, position]     numbers of values, or `NO_CLASS`
    """

    examples: Sequence[Example]
    tokens: Tensor
    classes: Tensor


def batch_of(examples: Sequence[Example], network: Network, numbers: Mapping[Atom, int]) -> Batch:
    """The batch of some examples, on the device of the network; `numbers` are the classes of the values."""
    tokens = network.encode([example.word for example in examples])
    width = tokens.shape[1]
    rows = []
    for example in examples:
        row = [NO_CLASS, *(numbers.get(value, NO_CLASS) for value in example.values)]
        rows.append(row + [NO_CLASS] * (width - len(row)))
    return Batch(examples, tokens, torch.tensor(rows, device=tokens.device))


def attention(batch: Batch, selector: Selector) -> Tensor:
    """[batch, query, key]: equal shares of the selected keys, all on the start token where none is selected.

    Rows of the start token and of padding are zero: nothing is asked of them.
    """
    size, width = batch.tokens.shape
    shares = torch.zeros(size, width, width)
    for number, example in enumerate(batch.examples):
        for query, row in enumerate(example.rows[selector], start=1):
            keys = [key + 1 for key in range(len(example.word)) if row >> key & 1] or [0]
            shares[number, query, keys] = 1 / len(keys)
    return shares.to(batch.tokens.device)
