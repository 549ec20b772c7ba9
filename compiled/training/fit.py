"""Training: fresh words in every step, held-out words in every measurement.

    loss = cross-entropy(logits, values) + supervise · (mean of sum over keys of share · log(share / attention))

The mean is over supervised heads and their queries; the shares are equal on the keys that the selector selects.

Which words a step sees depends on the seed and the number of the step alone, so that a training that was interrupted
and goes on gives the same weights as one that was not. Supervision of attention, and training the layers and heads that
the program needs or fewer, are the experiments of Weiss, Goldberg, Yahav 2021 (section 5).
"""

import json
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from compiled.crosscheck import pick_device
from compiled.errors import BadFile, NotTrained
from compiled.model import Cache, Config
from compiled.training import checkpoint
from compiled.training.batch import NO_CLASS, Batch, attention, batch_of
from compiled.training.examples import Example, Source, classes
from compiled.training.measure import Accuracy, Agreement, accuracy, agreement
from compiled.training.network import Network
from compiled.training.settings import Settings
from compiled.weights.files import make_folder, read_json, to_text, write
from spec.graph import Selector
from spec.values import Atom

WARM_UP: Final = 100
"""Steps until the learning rate is reached; after that it falls along a cosine to a tenth."""
_FOR_CLASSES: Final = 2_000
_SMALLEST: Final = 1e-9
_GLANCE: Final = 32
"""Held-out inputs of each trained length that a line of the log is about."""


@dataclass(frozen=True)
class Trained:
    """A trained network, and how good it is on held-out inputs."""

    network: Network
    settings: Settings
    accuracies: tuple[Accuracy, ...]
    agreements: tuple[Agreement, ...]
    classes: tuple[Atom, ...]
    device: str
    seconds: float

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(parameter.numel() for parameter in self.network.parameters())


Log = Callable[[dict[str, Any]], None]


def train(
    source: Source,
    name: str,
    settings: Settings,
    *,
    device: str = "auto",
    folder: Path | None = None,
    resume: bool = False,
    log: Log | None = None,
) -> Trained:
    """Fit a transformer to the s-op of a source.

    With a folder, a checkpoint and a line of `log.jsonl` are written every `settings.every` steps; `resume` goes on
    from there. Raises `NotTrained` when there is nothing to learn from, or heads to supervise are missing;
    `BadFile` when the folder holds another training.
    """
    begin = time.monotonic()
    with _one_thread():
        return _Training(source, name, settings, pick_device(device), folder, log).run(resume, begin)


@contextmanager
def _one_thread() -> Iterator[None]:
    """These networks are small: threads would cost more than they bring, and add numbers in another order each time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Training:
    """One training, from its first step or from a checkpoint to its end."""

    def __init__(
        self, source: Source, name: str, settings: Settings, device: torch.device, folder: Path | None, log: Log | None
    ) -> None:
        self.source, self.settings, self.device, self.folder = source, settings, device, folder
        self.log: Log = (lambda _: None) if log is None else log
        self.supervised = _assigned(source, settings) if settings.supervise else ()
        self.held_out = {
            length: source.measured(length, settings.measured) for length in range(settings.low, settings.beyond + 1)
        }
        known = [example for found in self.held_out.values() for example in found]
        known += islice(self._words(0), _FOR_CLASSES)
        self.values = classes(known)
        self.numbers = {value: number for number, value in enumerate(self.values)}
        torch.manual_seed(settings.seed)
        self.network = Network(_config(source, name, settings, self.values)).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=settings.rate)

    def run(self, resume: bool, begin: float) -> Trained:
        first = self._prepare(resume)
        for step in range(first + 1, self.settings.steps + 1):
            losses = self._step(step)
            if step % self.settings.every == 0 or step == self.settings.steps:
                self._record(step, losses)
        self.network.eval()
        glance = [
            example for length in range(self.settings.low, self.settings.high + 1) for example in self.held_out[length]
        ]
        accuracies = accuracy(self.network, self.numbers, self.held_out)
        agreements = agreement(self.network, self.source, glance)
        return Trained(
            self.network,
            self.settings,
            accuracies,
            agreements,
            self.values,
            str(self.device),
            time.monotonic() - begin,
        )

    def _words(self, step: int) -> Iterator[Example]:
        """What a step is trained on; step 0 only shows which values there are."""
        chance = random.Random(f"train {self.settings.seed} {step}")
        return self.source.stream(chance, self._trained_lengths(), held_out=False)

    def _trained_lengths(self) -> range:
        return range(self.settings.low, self.settings.high + 1)

    def _step(self, step: int) -> tuple[float, float]:
        """One step of the optimizer; the two parts of its loss."""
        self.network.train()
        batch = batch_of(list(islice(self._words(step), self.settings.batch)), self.network, self.numbers)
        cache: Cache | None = {} if self.supervised else None
        logits = self.network(batch.tokens, cache)
        answer = cross_entropy(logits.flatten(0, 1), batch.classes.flatten(), ignore_index=NO_CLASS)
        heads = answer.new_zeros(()) if cache is None else self._attention_loss(batch, cache)
        for group in self.optimizer.param_groups:
            group["lr"] = _rate(self.settings, step)
        self.optimizer.zero_grad()
        torch.autograd.backward(answer + self.settings.supervise * heads)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return float(answer.detach()), float(heads.detach())

    def _attention_loss(self, batch: Batch, cache: Cache) -> Tensor:
        losses = []
        for layer, selectors in enumerate(self.supervised):
            patterns = cache[f"blocks.{layer}.attn.hook_pattern"]
            for head, selector in enumerate(selectors):
                shares = attention(batch, selector)
                missed = shares * (shares.clamp_min(_SMALLEST) / patterns[:, head].clamp_min(_SMALLEST)).log()
                losses.append(missed.sum() / shares.sum())
        return torch.stack(losses).mean()

    # ------------------------------------------------------------------------------------------- files

    def _prepare(self, resume: bool) -> int:
        """The step to go on from; the folder says what is trained in it."""
        if self.folder is None:
            return 0
        path, stands = self.folder / "settings.json", self.folder / checkpoint.NAME
        settings = self.settings.to_json()
        if resume:
            began = read_json(path)
            if began != settings:
                raise BadFile(f"{path} is about another training: {_differences(began, settings)}")
            step = checkpoint.restore(self.folder, self.network, self.optimizer)
            self._keep_log(step)
            return step
        if stands.exists():
            raise NotTrained(f"{self.folder} holds a training already: resume it, or choose another folder")
        make_folder(self.folder)
        write(path, to_text(settings))
        write(self.folder / "log.jsonl", b"")
        return 0

    def _keep_log(self, step: int) -> None:
        """Forget what was logged after the checkpoint."""
        assert self.folder is not None
        path = self.folder / "log.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        write(path, "".join(f"{line}\n" for line in kept).encode())

    def _record(self, step: int, losses: tuple[float, float]) -> None:
        """A checkpoint, and a line about losses and held-out inputs of the lengths trained on."""
        self.network.eval()
        shown = {length: self.held_out[length][:_GLANCE] for length in self._trained_lengths()}
        found = accuracy(self.network, self.numbers, shown)
        inputs = sum(one.inputs for one in found)
        right = sum(one.inputs * one.sequences for one in found if one.sequences is not None)
        line = {
            "step": step,
            "loss": losses[0],
            "attention_loss": losses[1] if self.supervised else None,
            "held_out_inputs": inputs,
            "held_out_sequence_accuracy": right / inputs if inputs else None,
        }
        if self.folder is not None:
            checkpoint.save(self.folder, step, self.network, self.optimizer)
            with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        self.log(line)


def _differences(began: object, now: Mapping[str, object]) -> str:
    """The settings that a training began with and that are others now."""
    before = began if isinstance(began, dict) else {}
    changed = [
        f"{name} was {before.get(name)} and is {value}" for name, value in now.items() if before.get(name) != value
    ]
    return ", ".join(changed) or "it has other settings than there are"


def _config(source: Source, name: str, settings: Settings, values: Sequence[Atom]) -> Config:
    mask = "<=" if settings.causal else "none"
    return Config(
        n_layers=settings.layers,
        d_model=settings.d_model,
        n_ctx=settings.beyond + 1,
        d_head=settings.d_model // settings.heads,
        n_heads=settings.heads,
        d_mlp=settings.d_mlp,
        d_vocab=len(source.alphabet) + 2,
        d_vocab_out=len(values),
        dtype="float32",
        vocabulary=source.alphabet,
        outputs=((name, tuple(values)),),
        masks=((mask,) * settings.heads,) * settings.layers,
    )


def _assigned(source: Source, settings: Settings) -> tuple[tuple[Selector, ...], ...]:
    """Which selector each head is to follow: those of the program's layer, one head each from the first on."""
    wanted = source.selectors()
    widest = max(map(len, wanted), default=0)
    if len(wanted) > settings.layers or widest > settings.heads:
        needs = f"{len(wanted)} layers with up to {widest} heads"
        raise NotTrained(f"supervised attention needs the program's own {needs}, or more")
    if not widest:
        raise NotTrained("the program attends to nothing: there is no attention to supervise")
    return wanted


def _rate(settings: Settings, step: int) -> float:
    warm = min(1.0, step / WARM_UP)
    return settings.rate * warm * (0.55 + 0.45 * math.cos(math.pi * step / settings.steps))
