"""The transformer: a plain `nn.Module` that needs torch and the standard library only.

Parameters and activations have the names and shapes of TransformerLens. Attention is softmax(q.k) without a factor
1/sqrt(d_head); hidden units are clipped to [0, 1]; there is no normalisation. Position 0 of every row is the start
token, padding comes after the end and is never attended to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from math import isfinite
from typing import Any, Final

import torch
from torch import Tensor, nn

from compiled.atoms import Atom, read_atom, write_atom

DTYPES: Final[Mapping[str, torch.dtype]] = {
    "float64": torch.float64,
    "float32": torch.float32,
    "tf32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
MASKS: Final = ("none", "<=", "<", ">=", ">")
SHOWN: Final = 12


@dataclass(frozen=True)
class Config:
    """Sizes under TransformerLens names, the vocabulary, and how logits are read."""

    n_layers: int
    d_model: int
    n_ctx: int
    d_head: int
    n_heads: int
    d_mlp: int
    d_vocab: int
    d_vocab_out: int
    dtype: str
    vocabulary: tuple[Atom, ...]
    outputs: tuple[tuple[str, tuple[Atom, ...]], ...]
    masks: tuple[tuple[str, ...], ...]

    @property
    def start(self) -> int:
        """The id of the start token."""
        return len(self.vocabulary)

    @property
    def padding(self) -> int:
        """The id of the padding token."""
        return len(self.vocabulary) + 1

    def to_json(self) -> dict[str, Any]:
        """As data for JSON."""
        sizes = ("n_layers", "d_model", "n_ctx", "d_head", "n_heads", "d_mlp", "d_vocab", "d_vocab_out", "dtype")
        return {name: getattr(self, name) for name in sizes} | {
            "vocabulary": [write_atom(atom) for atom in self.vocabulary],
            "outputs": [[name, [write_atom(atom) for atom in values]] for name, values in self.outputs],
            "masks": [list(row) for row in self.masks],
            "act_fn": "clip",
            "attention_dir": "bidirectional",
            "attn_only": self.d_mlp == 0,
            "attn_scale": 1.0,
            "normalization_type": None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Config":
        """From data of JSON; the caller has checked its shape."""
        sizes = ("n_layers", "d_model", "n_ctx", "d_head", "n_heads", "d_mlp", "d_vocab", "d_vocab_out")
        return cls(
            **{name: int(data[name]) for name in sizes},
            dtype=str(data["dtype"]),
            vocabulary=tuple(read_atom(pair) for pair in data["vocabulary"]),
            outputs=tuple((str(name), tuple(map(read_atom, values))) for name, values in data["outputs"]),
            masks=tuple(tuple(map(str, row)) for row in data["masks"]),
        )


class Embed(nn.Module):
    """Token embedding."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(config.d_vocab, config.d_model))

    def forward(self, tokens: Tensor) -> Tensor:
        """Rows of W_E."""
        return self.W_E[tokens]


class PosEmbed(nn.Module):
    """Position embedding."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(config.n_ctx, config.d_model))

    def forward(self, tokens: Tensor) -> Tensor:
        """The first rows of W_pos, one for each position."""
        return self.W_pos[: tokens.shape[1]].expand(tokens.shape[0], -1, -1)


Cache = dict[str, Tensor]


class Attention(nn.Module):
    """Softmax attention; each head may have a mask over positions, which never hides the start token."""

    def __init__(self, config: Config, masks: Sequence[str]) -> None:
        super().__init__()
        h, d, e = config.n_heads, config.d_model, config.d_head
        self.W_Q = nn.Parameter(torch.zeros(h, d, e))
        self.W_K = nn.Parameter(torch.zeros(h, d, e))
        self.W_V = nn.Parameter(torch.zeros(h, d, e))
        self.W_O = nn.Parameter(torch.zeros(h, e, d))
        self.b_Q = nn.Parameter(torch.zeros(h, e))
        self.b_K = nn.Parameter(torch.zeros(h, e))
        self.b_V = nn.Parameter(torch.zeros(h, e))
        self.b_O = nn.Parameter(torch.zeros(d))
        self.masks = tuple(masks)

    def _visible(self, size: int, device: torch.device) -> Tensor | None:
        if all(mask == "none" for mask in self.masks):
            return None
        query = torch.arange(size, device=device)[:, None]
        key = torch.arange(size, device=device)[None, :]
        table = {
            "none": torch.ones(size, size, dtype=torch.bool, device=device),
            "<=": key <= query,
            "<": key < query,
            ">=": key >= query,
            ">": key > query,
        }
        visible = torch.stack([table[mask] | (key == 0) for mask in self.masks])
        # The start token sees itself only: its state must not depend on the input.
        return visible & ~((query == 0) & (key > 0))

    def forward(self, stream: Tensor, hidden: Tensor, cache: Cache | None, name: str) -> Tensor:
        """`hidden[b, k]`: key k of row b is padding. Patterns are [batch, head, query, key]."""
        if not self.W_Q.shape[0]:
            if cache is not None:
                cache[f"{name}.hook_attn_scores"] = stream.new_zeros(stream.shape[0], 0, *2 * stream.shape[1:2])
            return self.b_O.expand_as(stream)
        q = torch.einsum("bsd,hde->bshe", stream, self.W_Q) + self.b_Q
        k = torch.einsum("bsd,hde->bshe", stream, self.W_K) + self.b_K
        v = torch.einsum("bsd,hde->bshe", stream, self.W_V) + self.b_V
        scores = torch.einsum("bqhe,bkhe->bhqk", q, k).masked_fill(hidden[:, None, None, :], float("-inf"))
        visible = self._visible(stream.shape[1], stream.device)
        if visible is not None:
            scores = scores.masked_fill(~visible, float("-inf"))
        pattern = torch.softmax(scores, dim=-1)
        z = torch.einsum("bhqk,bkhe->bqhe", pattern, v)
        if cache is not None:
            cache |= {f"{name}.hook_{key}": value for key, value in (("q", q), ("k", k), ("v", v), ("z", z))}
            cache |= {f"{name}.hook_attn_scores": scores, f"{name}.hook_pattern": pattern}
        return torch.einsum("bshe,hed->bsd", z, self.W_O) + self.b_O


class MLP(nn.Module):
    """One hidden layer of units clipped to [0, 1]."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(config.d_model, config.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(config.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(config.d_mlp, config.d_model))
        self.b_out = nn.Parameter(torch.zeros(config.d_model))

    def forward(self, stream: Tensor, cache: Cache | None, name: str) -> Tensor:
        """`clip(x W_in + b_in) W_out + b_out`."""
        pre = stream @ self.W_in + self.b_in
        post = pre.clamp(0, 1)
        if cache is not None:
            cache |= {f"{name}.hook_pre": pre, f"{name}.hook_post": post}
        return post @ self.W_out + self.b_out


class Block(nn.Module):
    """Attention, then an MLP, each added to the residual stream."""

    def __init__(self, config: Config, masks: Sequence[str]) -> None:
        super().__init__()
        self.attn = Attention(config, masks)
        self.mlp = MLP(config) if config.d_mlp else None

    def forward(self, stream: Tensor, hidden: Tensor, cache: Cache | None, name: str) -> Tensor:
        """The residual stream after this block."""
        if cache is not None:
            cache[f"{name}.hook_resid_pre"] = stream
        attended = self.attn(stream, hidden, cache, f"{name}.attn")
        middle: Tensor = stream + attended
        added = torch.zeros_like(middle) if self.mlp is None else self.mlp(middle, cache, f"{name}.mlp")
        after = middle + added
        if cache is not None:
            cache |= {f"{name}.hook_attn_out": attended, f"{name}.hook_resid_mid": middle}
            cache |= {f"{name}.hook_mlp_out": added, f"{name}.hook_resid_post": after}
        return after


class Unembed(nn.Module):
    """Logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(config.d_model, config.d_vocab_out))
        self.b_U = nn.Parameter(torch.zeros(config.d_vocab_out))

    def forward(self, stream: Tensor) -> Tensor:
        """`x W_U + b_U`."""
        return stream @ self.W_U + self.b_U


class Transformer(nn.Module):
    """A compiled program. `model(tokens)` gives logits, `model.decode(logits)` the values of each output."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed = Embed(config)
        self.pos_embed: nn.Module = PosEmbed(config)
        self.blocks = nn.ModuleList(Block(config, masks) for masks in config.masks)
        self.unembed = Unembed(config)
        self.to(DTYPES[config.dtype])

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """Logits [batch, position, d_vocab_out] for ids [batch, position] that `encode` made."""
        if tokens.shape[1] > self.config.n_ctx:
            raise ValueError(f"the input is longer than {self.config.n_ctx - 1}")
        hidden = tokens == self.config.padding
        embedded, positions = self.embed(tokens), self.pos_embed(tokens)
        if cache is not None:
            cache |= {"hook_embed": embedded, "hook_pos_embed": positions}
        stream = embedded + positions
        for number, block in enumerate(self.blocks):
            # What padding computes is nobody's business; zeroed, it cannot overflow into weights of 0 times infinity.
            stream = block(stream.masked_fill(hidden[:, :, None], 0), hidden, cache, f"blocks.{number}")
        logits: Tensor = self.unembed(stream)
        return logits

    def run_with_cache(self, tokens: Tensor) -> tuple[Tensor, Cache]:
        """Logits, and every activation by its TransformerLens name."""
        cache: Cache = {}
        return self(tokens, cache), cache

    def encode(self, words: Iterable[Sequence[Atom]]) -> Tensor:
        """Words as one padded batch of ids, on the device of the model; each begins with the start token.

        Raises `ValueError` for what is no symbol of the model. Decimals may be floats.
        """
        index = {_kind_and_value(symbol): k for k, symbol in enumerate(self.config.vocabulary)}
        try:
            rows = [[self.config.start, *[index[_kind_and_value(symbol)] for symbol in word]] for word in words]
        except KeyError as error:
            raise ValueError(f"{error.args[0][-1]!r} is none of the symbols {_few(self.config.vocabulary)}") from None
        width = max(map(len, rows), default=1)
        padded = [row + [self.config.padding] * (width - len(row)) for row in rows]
        return torch.tensor(padded, dtype=torch.long, device=self.embed.W_E.device).reshape(len(rows), width)

    def classes(self, logits: Tensor) -> dict[str, Tensor]:
        """For each output the number of its value at every position, the start token left out."""
        found, at = {}, 0
        for name, values in self.config.outputs:
            found[name] = logits[:, 1:, at : at + len(values)].argmax(dim=-1)
            at += len(values)
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As `nn.Module`."""
        return super().__call__(*args, **kwargs)

    def _repr_html_(self) -> str:
        """The sizes in a notebook, and what goes in and comes out. A certificate is about a folder, not about this."""
        config = self.config
        sizes = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "d_vocab", "d_vocab_out", "n_ctx", "dtype")
        facts = [(name, str(getattr(config, name))) for name in sizes]
        facts.append(("parameters", str(sum(tensor.numel() for tensor in self.parameters()))))
        facts.append(("device", str(self.embed.W_E.device)))
        facts.append(("symbols", _few(config.vocabulary)))
        facts += [(f"output {name}", _few(values)) for name, values in config.outputs]
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts)
        return f"<table><caption>transformer</caption><tbody>{rows}</tbody></table>"

    @torch.no_grad()
    def run(self, words: Sequence[Sequence[Atom]]) -> dict[str, list[list[Atom]]]:
        """The values of each output on each word."""
        classes = self.classes(self(self.encode(words)))
        answers = {}
        for name, values in self.config.outputs:
            rows = classes[name].tolist()
            answers[name] = [[values[k] for k in row[: len(word)]] for row, word in zip(rows, words, strict=True)]
        return answers


def _kind_and_value(symbol: Atom) -> tuple[bool, bool, Atom]:
    """What tells symbols apart: `1`, `1.0` and `True` are three, a float is the decimal that it is written as."""
    is_real = isinstance(symbol, (float, Fraction))
    value = Fraction(repr(float(symbol))) if isinstance(symbol, float) and isfinite(symbol) else symbol
    return isinstance(symbol, bool), is_real, value


def _few(atoms: Sequence[Atom]) -> str:
    """The first of the atoms, and how many there are."""
    shown = ", ".join(ascii(atom) if isinstance(atom, str) else str(atom) for atom in atoms[:SHOWN])
    return shown if len(atoms) <= SHOWN else f"{shown}, .. ({len(atoms)})"
