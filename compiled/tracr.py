"""A compiled model under the names that Tracr gives to its own (Lindner et al. 2023), for code written for those.

    view = assembled(made)
    view.apply(["BOS", "a", "b"]).decoded           # ["BOS", ..]: values, the start token first

Dimensions are not one-hot unless the program was compiled with `encoding="onehot"`; otherwise they may hold one thing
after the other, which their labels say. Hidden units are clipped instead of rectified, and arrays are torch tensors.
B = 1 word, T positions with the start token, D dimensions, H heads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from compiled.errors import Refused
from compiled.explain import slot_text
from compiled.model import Transformer
from spec.values import Atom

if TYPE_CHECKING:
    from compiled.compile import Compiled

BOS: Final = "BOS"


@dataclass(frozen=True)
class Encoder:
    """Atoms as numbers, and back; the start token has the number after the last when there is one."""

    atoms: tuple[Atom, ...]
    bos_token: str | None = None

    @property
    def encoding_map(self) -> Mapping[Atom, int]:
        """The number of each atom."""
        found = {atom: number for number, atom in enumerate(self.atoms)}
        return MappingProxyType(found if self.bos_token is None else found | {self.bos_token: len(self.atoms)})

    @property
    def vocab_size(self) -> int:
        """How many numbers there are."""
        return len(self.encoding_map)

    def encode(self, atoms: Sequence[Atom]) -> list[int]:
        """The numbers of these atoms; `ValueError` for one that is not in the vocabulary, or a start token astray."""
        if self.bos_token is not None and [k for k, atom in enumerate(atoms) if atom == self.bos_token] != [0]:
            raise ValueError(f"a word begins with {self.bos_token!r}, and has it nowhere else")
        known = self.encoding_map
        unknown = [atom for atom in atoms if atom not in known]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not in the vocabulary")
        return [known[atom] for atom in atoms]

    def decode(self, numbers: Sequence[int]) -> list[Atom]:
        """The atoms of these numbers."""
        atoms = self.atoms if self.bos_token is None else (*self.atoms, self.bos_token)
        return [atoms[number] for number in numbers]


@dataclass(frozen=True)
class Output:
    """What one run leaves: values, their numbers [B, T], activations after attention and after the MLP of each layer.

    `layer_outputs` and `residuals` are [B, T, D], two for each layer; `attn_logits` [B, H, T, T], one for each layer.
    """

    decoded: list[Atom]
    unembedded: Tensor
    layer_outputs: list[Tensor]
    residuals: list[Tensor]
    attn_logits: list[Tensor]
    transformer_output: Tensor
    input_embeddings: Tensor


@dataclass(frozen=True, eq=False)
class Assembled:
    """One output of a compiled model."""

    model: Transformer
    name: str
    residual_labels: list[str]
    input_encoder: Encoder
    output_encoder: Encoder

    @torch.no_grad()
    def apply(self, tokens: Sequence[Atom]) -> Output:
        """Run one word, which begins with the start token."""
        encoded = torch.tensor([self.input_encoder.encode(tokens)], device=self.model.embed.W_E.device)
        logits, cache = self.model.run_with_cache(encoded)
        numbers = torch.cat([torch.zeros_like(encoded[:, :1]), self.model.classes(logits)[self.name]], dim=1)
        names = [f"blocks.{layer}" for layer in range(self.model.config.n_layers)]
        embedded = cache["hook_embed"] + cache["hook_pos_embed"]
        residuals = [cache[f"{name}.hook_resid_{at}"] for name in names for at in ("mid", "post")]
        return Output(
            [tokens[0], *self.output_encoder.decode(numbers[0, 1:].tolist())],
            numbers,
            [cache[f"{name}.hook_{part}_out"] for name in names for part in ("attn", "mlp")],
            residuals,
            [cache[f"{name}.attn.hook_attn_scores"] for name in names],
            residuals[-1] if residuals else embedded,
            embedded,
        )


def assembled(compiled: "Compiled", name: str | None = None, *, bos: str = BOS) -> Assembled:
    """The view of a compiled program with one output, or of the named one.

    `Refused` when the output is not named and not the only one, or when the start token is a symbol of the alphabet.
    """
    model = compiled.model()
    outputs = dict(model.config.outputs)
    if name is None and len(outputs) == 1:
        (name,) = outputs
    if name not in outputs:
        raise Refused(f"one output has to be named: {', '.join(outputs)}")
    if bos in model.config.vocabulary:
        raise Refused(f"the start token {bos!r} is a symbol of the alphabet; `bos` gives it another name")
    held: list[list[str]] = [[] for _ in range(model.config.d_model)]
    for slot in compiled.plan.slots:
        held[slot.number].append(slot_text(slot))
    labels = [f"{', then '.join(texts)}:{number}" for number, texts in enumerate(held)]
    return Assembled(model, name, labels, Encoder(model.config.vocabulary, bos), Encoder(outputs[name]))
