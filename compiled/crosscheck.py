"""The interpreter against the weights, word by word, every s-op and not only the output.

Words are taken in the order of the scope: by length, then as the alphabet is written. What the residual stream holds is
compared with what the interpreter says it should, so that a mismatch names the layer in which it begins.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice, pairwise, product
from math import nan
from typing import Final, TypeAlias, assert_never

import torch
from torch import Tensor

from compiled.errors import NoDevice, Refused
from compiled.meaning.formula import Both, Either, Formula, Holds, Literal, literals
from compiled.meaning.leaves import Count, Input, Leaf, Position, Stored
from compiled.model import Cache, Transformer
from compiled.planning.layout import Plan, Slot, Writer
from compiled.planning.points import image
from spec.graph import Aggregate, Node, Select
from spec.interp import Interpreter, ProgramFailure, Run
from spec.values import Atom

Word: TypeAlias = tuple[Atom, ...]
EXHAUSTIVE: Final = 20_000
BYTES_PER_CHUNK: Final = 256 << 20


@dataclass(frozen=True)
class Mismatch:
    """The first word on which weights and interpreter differ.

    `layer` is the first layer after which the residual stream is wrong (0: the embedding), None when only logits are.
    `position` and `what` are of an output where one is wrong, else of a slot that is wrong after that layer.
    """

    word: Word
    position: int
    what: str
    expected: str
    found: str
    layer: int | None


@dataclass(frozen=True)
class Agreement:
    """What was compared, and the first mismatch if there is one."""

    exhaustive_to: int
    words: int
    failing: int
    sampled: int
    slots: int
    mismatch: Mismatch | None
    device: str
    dtype: str
    model_seconds: float
    seconds: float

    @property
    def compared(self) -> int:
        """The words on which the program has a value: on the others nothing is promised, and nothing compared."""
        return self.words - self.failing

    @property
    def inputs_per_second(self) -> float:
        """How many words a second the model took."""
        return self.compared / self.model_seconds if self.model_seconds else 0.0


def pick_device(name: str = "auto") -> torch.device:
    """`auto` is the accelerator if there is one; `NoDevice` for a name that is unknown, or of what is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", name):
        raise NoDevice(f"no device `{name}`: models run on the CPU and on CUDA, whose arithmetic is known")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError) as error:  # which of them depends on how torch was built
        raise NoDevice(f"this machine has no device `{name}`, or torch cannot use it") from error
    return device


def crosscheck(
    plan: Plan,
    model: Transformer,
    errors: Sequence[Sequence[float]] = (),
    *,
    device: str = "auto",
    exhaustive: int = EXHAUSTIVE,
    samples: int = 500,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Agreement:
    """Compare on every word of the lengths that `exhaustive` words cover, then on sampled longer ones.

    The first mismatch ends it: the first by length, then in the order of the alphabet. `progress` is told how many
    words are done, and how many there are. A slot is wrong when it is not decoded as what it should be in each state of
    the stream in which it holds that, where `errors`, for each state and dimension, leave more room, since no reader
    tells all its values apart, when it is off by more than these.
    """
    begin = time.monotonic()
    chosen = pick_device(device)
    model = model.to(chosen).eval()
    comparison = _Comparison(plan, model, errors)
    short, covered = _short_words(plan, exhaustive)
    sampled = _samples(plan, covered, samples, seed)
    mismatch: Mismatch | None = None
    done = 0
    words = chain(short, sampled)
    while mismatch is None and (chunk := list(islice(words, comparison.chunk))):
        mismatch = comparison.compare(chunk)
        done += len(chunk)
        if progress is not None:
            progress(done, len(short) + len(sampled))
    return Agreement(
        covered,
        done,
        comparison.failing,
        len(sampled),
        len(plan.slots) - 1,
        mismatch,
        str(chosen),
        plan.dtype,
        comparison.model_seconds,
        time.monotonic() - begin,
    )


def _short_words(plan: Plan, budget: int) -> tuple[Sequence[Word], int]:
    words: list[Word] = []
    covered = 0
    for length in range(1, plan.max_length + 1):
        if len(words) + len(plan.alphabet) ** length > budget:
            break
        words += product(plan.alphabet, repeat=length)
        covered = length
    return words, covered


def _samples(plan: Plan, covered: int, count: int, seed: int) -> list[Word]:
    """Longer words, half of them of the full length, over few and over all symbols, in the order of the scope."""
    if covered >= plan.max_length:
        return []
    chance = random.Random(seed)
    found = []
    for k in range(count):
        length = plan.max_length if k % 2 else chance.randint(covered + 1, plan.max_length)
        few = chance.sample(plan.alphabet, chance.randint(1, len(plan.alphabet)))
        found.append(tuple(chance.choices(few, k=length)))
    place = {symbol: k for k, symbol in enumerate(plan.alphabet)}
    return sorted(found, key=lambda word: (len(word), [place[symbol] for symbol in word]))


class _Comparison:
    """One model and one interpreter, on the same words."""

    def __init__(self, plan: Plan, model: Transformer, errors: Sequence[Sequence[float]]) -> None:
        self.plan, self.model = plan, model
        self.failing = 0
        self.model_seconds = 0.0
        self.slots = [slot for slot in plan.slots if slot.writer is not Writer.START]
        self.columns = torch.tensor([slot.number for slot in self.slots], dtype=torch.long)
        states = range(2 * len(plan.layers) + 1)
        there = [[slot.holds(state) for slot in self.slots] for state in states]
        self.held = torch.tensor(there, dtype=torch.bool).reshape(len(states), 1, len(self.slots))
        self.tolerance = torch.tensor([[_tolerance(slot) for slot in self.slots]], dtype=torch.float64)
        if errors:
            known = torch.tensor(errors, dtype=torch.float64)[:, self.columns]
            self.tolerance = torch.maximum(self.tolerance, known)[:, None]
        leaves = {leaf for slot in self.slots for leaf in slot.leaves}
        roots: dict[Node, None] = dict.fromkeys(readout.sop for readout in plan.readouts)
        for leaf in leaves:
            match leaf:
                case Aggregate():
                    roots[leaf] = None
                case Count(formula=part):
                    roots.update(dict.fromkeys(_nodes(part)))
                case Stored(sop=sop):
                    roots[sop] = None
                case Input() | Position():
                    pass
                case _:
                    assert_never(leaf)
        self.leaves = leaves
        self.interpreter = Interpreter(tuple(roots), plan.numbers)
        self.index = {readout.name: {v: k for k, v in enumerate(readout.values)} for readout in plan.readouts}
        size, width = model.config, plan.max_length + 1
        heads = size.n_heads * (2 * width + 4 * size.d_head)
        held = size.n_layers * (heads + 2 * size.d_mlp + 10 * size.d_model) + size.d_vocab_out
        self.chunk = max(1, min(1024, BYTES_PER_CHUNK // (8 * width * held)))

    def compare(self, words: Sequence[Word]) -> Mismatch | None:
        """The first mismatch among these words."""
        kept: list[Word] = []
        runs: list[Run] = []
        for word in words:
            try:
                runs.append(self.interpreter.run(word))
                kept.append(word)
            except ProgramFailure:
                self.failing += 1
        if not kept:
            return None
        begin = time.monotonic()
        with torch.no_grad():
            logits, cache = self.model.run_with_cache(self.model.encode(kept))
            classes = {name: found.cpu() for name, found in self.model.classes(logits).items()}
        self.model_seconds += time.monotonic() - begin
        stream = self._stream(cache)
        for k, (word, run) in enumerate(zip(kept, runs, strict=True)):
            slot = self._wrong_slot(word, self._nominal(word, run), stream[:, k, 1 : len(word) + 1])
            output = self._wrong_output(word, run, {name: found[k] for name, found in classes.items()})
            if output is not None:
                return output if slot is None else replace(output, layer=slot.layer)
            if slot is not None:
                return slot
        return None

    def _stream(self, cache: Cache) -> Tensor:
        """The residual stream [state, word, position, dimension]."""
        states = [cache["hook_embed"] + cache["hook_pos_embed"]]
        for layer in range(len(self.plan.layers)):
            states += [cache[f"blocks.{layer}.hook_resid_{at}"] for at in ("mid", "post")]
        return torch.stack(states).to("cpu", torch.float64)

    def _wrong_output(self, word: Word, run: Run, classes: Mapping[str, Tensor]) -> Mismatch | None:
        for readout in self.plan.readouts:
            numbers = classes[readout.name].tolist()
            for i, atom in enumerate(run.values[readout.sop]):
                if self.index[readout.name].get(atom) != numbers[i]:
                    return Mismatch(word, i, readout.name, str(atom), str(readout.values[numbers[i]]), None)
        return None

    def _nominal(self, word: Word, run: Run) -> Tensor:
        """What each slot should hold at each position; not a number where the plan knows no such state."""
        known = {leaf: _leaf_values(leaf, word, run) for leaf in self.leaves}
        rows = []
        for i in range(len(word)):
            held = [slot.at(tuple(known[leaf][i] for leaf in slot.leaves)) for slot in self.slots]
            rows.append([nan if value is None else float(value) for value in held])
        return torch.tensor(rows, dtype=torch.float64).reshape(len(word), len(self.slots))

    def _wrong_slot(self, word: Word, nominal: Tensor, stream: Tensor) -> Mismatch | None:
        """The first slot that is wrong in a state in which it holds anything, of those the earliest written."""
        bad = ~((stream[:, :, self.columns] - nominal).abs() <= self.tolerance) & self.held
        if not bool(bad.any()):
            return None
        wrong = bad.nonzero().tolist()
        state, position, column = min(wrong, key=lambda at: (at[0], self.slots[at[2]].layer, at[1]))
        said, got = float(nominal[position, column]), float(stream[state, position, self.columns[column]])
        slot, layer = self.slots[column].number, (state + 1) // 2
        return Mismatch(word, position, f"slot {slot}", f"{said:.9g}", f"{got:.9g}", layer)


def _tolerance(slot: Slot) -> float:
    """A quarter of the smallest difference between two values of the slot: within it the value is decoded right."""
    values = sorted(image(slot.table))
    gaps = [b - a for a, b in pairwise(values)]
    return float(min(gaps, default=Fraction(1))) / 4


def _nodes(part: Formula) -> Iterator[Node]:
    for literal in literals(part):
        yield literal.atom if isinstance(literal.atom, Select) else literal.atom.sop


def _leaf_values(leaf: Leaf, word: Word, run: Run) -> Sequence[Atom]:
    match leaf:
        case Input():
            return run.tokens
        case Position():
            return range(len(word))
        case Aggregate():
            return run.values[leaf]
        case Stored(sop=sop):
            return run.values[sop]
        case Count(formula=part):
            return [row.bit_count() for row in _rows(part, run)]


def _rows(part: Formula, run: Run) -> list[int]:
    """The rows of a formula, as bit sets."""
    full = (1 << run.n) - 1
    match part:
        case Literal(atom=Select() as select, positive=positive):
            rows = list(run.rows[select])
        case Literal(atom=Holds(sop=sop, value=value), positive=positive):
            rows = [sum(1 << j for j, atom in enumerate(run.values[sop]) if atom == value)] * run.n
        case Both(parts):
            found = [full] * run.n
            for one in parts:
                found = [a & b for a, b in zip(found, _rows(one, run), strict=True)]
            return found
        case Either(parts):
            found = [0] * run.n
            for one in parts:
                found = [a | b for a, b in zip(found, _rows(one, run), strict=True)]
            return found
        case _:
            raise Refused("not a formula")
    return rows if positive else [full & ~row for row in rows]
