"""How well a network does what its program does, on words that it was not trained on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

from compiled.training.batch import attention, batch_of
from compiled.training.examples import Example, Source
from compiled.training.network import Network
from spec.graph import Selector
from spec.values import Atom

_AT_ONCE: Final = 256


@dataclass(frozen=True)
class Accuracy:
    """Of the held-out inputs of one length: how many there were, and which shares came out right.

    `sequences` counts an input when every position is right, `positions` each position; None where there is no input.
    """

    length: int
    inputs: int
    sequences: float | None
    positions: float | None

    def to_json(self) -> dict[str, Any]:
        """As data for JSON."""
        return {
            "length": self.length,
            "inputs": self.inputs,
            "sequence_accuracy": self.sequences,
            "position_accuracy": self.positions,
        }


@dataclass(frozen=True)
class Agreement:
    """How far one head of the network attends as a selector of the program does.

    For a query, sum over keys of min(attention, share), where the selected keys have equal shares and the start token
    has all where none is selected: 1 is the same distribution, 0 a disjoint one. `overlap` is the mean over queries.
    """

    layer: int
    selector: Selector
    head: tuple[int, int]
    overlap: float


def accuracy(
    network: Network, numbers: Mapping[Atom, int], examples: Mapping[int, Sequence[Example]]
) -> tuple[Accuracy, ...]:
    """The accuracy on held-out examples, by length."""
    return tuple(_accuracy(network, numbers, length, found) for length, found in examples.items())


@torch.no_grad()
def _accuracy(network: Network, numbers: Mapping[Atom, int], length: int, examples: Sequence[Example]) -> Accuracy:
    if not examples:
        return Accuracy(length, 0, None, None)
    sequences = positions = 0
    for part in _parts(examples):
        batch = batch_of(part, network, numbers)
        right = network(batch.tokens)[:, 1:].argmax(dim=-1) == batch.classes[:, 1:]
        sequences += int(right.all(dim=1).sum())
        positions += int(right.sum())
    return Accuracy(length, len(examples), sequences / len(examples), positions / (length * len(examples)))


@torch.no_grad()
def agreement(network: Network, source: Source, examples: Sequence[Example]) -> tuple[Agreement, ...]:
    """For each selector of the program the head that attends most like it, in any layer."""
    if not examples or not network.config.n_layers:
        return ()
    totals: dict[tuple[int, Selector], torch.Tensor] = {}
    queries = 0
    for part in _parts(examples):
        batch = batch_of(part, network, {})
        _, cache = network.run_with_cache(batch.tokens)
        patterns = torch.stack([cache[f"blocks.{k}.attn.hook_pattern"] for k in range(network.config.n_layers)], dim=1)
        queries += sum(len(example.word) for example in part)
        for layer, selectors in enumerate(source.selectors()):
            for selector in selectors:
                shares = attention(batch, selector)[:, None, None]
                overlap = torch.minimum(patterns, shares).sum(dim=(0, 3, 4))
                before = totals.get((layer, selector))
                totals[layer, selector] = overlap if before is None else before + overlap
    return tuple(_best(layer, selector, total / queries) for (layer, selector), total in totals.items())


def _parts(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    return (examples[at : at + _AT_ONCE] for at in range(0, len(examples), _AT_ONCE))


def _best(layer: int, selector: Selector, overlap: torch.Tensor) -> Agreement:
    at = int(overlap.argmax())
    return Agreement(layer, selector, (at // overlap.shape[1], at % overlap.shape[1]), float(overlap.flatten()[at]))
