"""What a training is asked to do. The settings and the seed determine everything, on one kind of device."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from compiled.errors import NotTrained

LARGEST: Final = 4_096
"""Of layers, heads, widths, lengths."""


@dataclass(frozen=True)
class Settings:
    """A transformer's size, what it is trained on, and how.

    layers, heads         of the transformer; every layer has as many heads
    d_model, d_mlp        widths of the residual stream and of the hidden layers; a head has d_model / heads dimensions
    causal                positions attend to none after them
    low, high             lengths of the inputs trained on
    beyond                the greatest length that is measured
    steps, batch, rate    optimizer steps, inputs of each, greatest learning rate
    supervise             weight of the divergence of heads from selectors; 0: heads are left alone
    measured              held-out inputs measured for each length
    every                 steps between two lines of the log, each with a checkpoint
    """

    layers: int
    heads: int
    d_model: int = 64
    d_mlp: int = 256
    causal: bool = False
    low: int = 1
    high: int = 20
    beyond: int = 40
    steps: int = 3_000
    batch: int = 64
    rate: float = 1e-3
    supervise: float = 0.0
    measured: int = 200
    every: int = 250
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        sizes = {"layers": self.layers, "heads": self.heads, "d_model": self.d_model, "d_mlp": self.d_mlp}
        sizes |= {"batch": self.batch, "measured": self.measured}
        for name, size in sizes.items():
            if not 1 <= size <= LARGEST:
                raise NotTrained(f"`{name}` must be from 1 to {LARGEST}, not {size}")
        if self.d_model % self.heads:
            raise NotTrained(f"{self.heads} heads cannot share {self.d_model} dimensions: d_model must be a multiple")
        if not 1 <= self.low <= self.high <= self.beyond <= LARGEST:
            raise NotTrained(f"lengths {self.low}..{self.high}, measured up to {self.beyond}: not an ascending range")
        if not (self.steps >= 1 and self.every >= 1):
            raise NotTrained(f"{self.steps} steps, a checkpoint every {self.every}: both must be at least 1")
        if not 0 < self.rate < 1:
            raise NotTrained(f"the learning rate must be between 0 and 1, not {self.rate}")
        if not 0 <= self.supervise < 1e6:
            raise NotTrained(f"the weight of supervision must be from 0 to a million, not {self.supervise}")

    def to_json(self) -> dict[str, Any]:
        """As data for JSON."""
        return asdict(self)
