"""The transformer that is trained: the usual one, not the constructed one.

    x_0 = W_E[token] + sinusoid(position) W_pos
    x'  = x + attention(norm(x));  x = x' + W_out gelu(W_in norm(x') + b_in) + b_out      for each layer
    logits = W_U norm(x) + b_U

Position 0 is the start token, which a head may attend to when its program selects nothing. Positions are sinusoids, so
that the model has a meaning on inputs longer than those that it was trained on. Attention, its masks, the names of
activations and the reading of logits are those of `compiled.model`.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from compiled.model import Attention, Cache, Config, Transformer


class Sinusoids(nn.Module):
    """Positions as sin and cos of position / 10000^(2k / d_model) (Vaswani et al. 2017, section 3.5), times a matrix.

    The matrix begins as a quarter of the identity. As large as token embeddings, positions hide from a head whether two
    tokens are equal, and histograms are learnt late; programs about positions make them larger.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.W_pos = nn.Parameter(torch.eye(config.d_model) / 4)

    def forward(self, tokens: Tensor) -> Tensor:
        """[1, position, d_model]."""
        width = len(self.W_pos)
        positions = torch.arange(tokens.shape[1], device=tokens.device, dtype=torch.float32)[:, None]
        pairs = torch.arange(0, width, 2, device=tokens.device, dtype=torch.float32)
        angles = positions * torch.exp(-math.log(10_000.0) * pairs / width)
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1)
        return waves.reshape(1, len(positions), -1)[..., :width] @ self.W_pos


class LearnedBlock(nn.Module):
    """Attention and an MLP, each behind a norm and added to the residual stream."""

    def __init__(self, config: Config, masks: Sequence[str]) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.d_model)
        self.attn = Attention(config, masks)
        self.ln2 = nn.LayerNorm(config.d_model)
        self.mlp = nn.Sequential(
            nn.Linear(config.d_model, config.d_mlp), nn.GELU(), nn.Linear(config.d_mlp, config.d_model)
        )

    def forward(self, stream: Tensor, hidden: Tensor, cache: Cache | None, name: str) -> Tensor:
        """The residual stream after this block."""
        middle = stream + self.attn(self.ln1(stream), hidden, cache, f"{name}.attn")
        after: Tensor = middle + self.mlp(self.ln2(middle))
        if cache is not None:
            cache |= {f"{name}.hook_resid_pre": stream, f"{name}.hook_resid_mid": middle}
            cache[f"{name}.hook_resid_post"] = after
        return after


class Network(Transformer):
    """A trainable transformer with the interface of a compiled one: `encode`, `classes`, `run`, `run_with_cache`."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.pos_embed = Sinusoids(config)
        self.blocks = nn.ModuleList(LearnedBlock(config, masks) for masks in config.masks)
        self.ln_final = nn.LayerNorm(config.d_model)
        self._start_somewhere()

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """Logits [batch, position, class]."""
        hidden = tokens == self.config.padding
        stream = self.embed(tokens) + self.pos_embed(tokens)
        for number, block in enumerate(self.blocks):
            stream = block(stream, hidden, cache, f"blocks.{number}")
        logits: Tensor = self.unembed(self.ln_final(stream))
        return logits

    def _start_somewhere(self) -> None:
        """Matrices at random with variance 1 / fan-in, scores with that of q.k / sqrt(d_head)."""
        config = self.config
        for name, parameter in self.named_parameters():
            part = name.rsplit(".", 1)[-1]
            if part in ("W_Q", "W_K"):
                nn.init.normal_(parameter, std=config.d_model**-0.5 * max(1, config.d_head) ** -0.25)
            elif part in ("W_V", "W_U"):
                nn.init.normal_(parameter, std=config.d_model**-0.5)
            elif part == "W_O":
                nn.init.normal_(parameter, std=(max(1, config.n_heads * config.d_head)) ** -0.5)
            elif part == "W_E":
                nn.init.normal_(parameter, std=1.0)
