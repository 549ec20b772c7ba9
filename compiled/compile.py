"""The door of the compiler: a program in, certified weights out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from compiled.certificate.checker import Margins
from compiled.certificate.closure.claims import NotClosed
from compiled.certify import certify, ledger_of, write_certificate
from compiled.choice import plans
from compiled.errors import FINER, Refused, TooMuch, Uncertified
from compiled.planning.layout import Plan
from compiled.planning.plan import Arch, Encoding, Optimise, Options, Planner
from compiled.planning.shape import Shape, shape_of
from compiled.precision import PRECISIONS
from compiled.weights.assemble import Floats, Weights, assemble
from compiled.weights.tensors import quantise
from spec.cost import TRANSFORMER, Schedule, as_soon_as_possible
from spec.graph import Aggregate, Graph, SOp
from spec.values import Atom, Numbers

if TYPE_CHECKING:
    from compiled.crosscheck import Agreement
    from compiled.model import Transformer

NO_CERTIFICATE: Final = "not asked for"
MAX_PARAMETERS: Final = 200_000_000
"""A model with more is refused before anything is allocated: no machine needs it."""


@dataclass(frozen=True, eq=False, repr=False)
class Compiled:
    """A compiled program: its plan, its dense weights as the number format stores them, and the certificate.

    `margins` is None when no certificate was asked for; a model that fails its certificate is never returned.
    """

    outputs: Mapping[str, SOp]
    options: Options
    plan: Plan
    weights: Weights
    margins: Margins | None

    @property
    def shape(self) -> Shape:
        """The sizes of the dense tensors."""
        return self.weights.shape

    @property
    def layers(self) -> int:
        """How many blocks there are."""
        return len(self.plan.layers)

    @property
    def heads(self) -> tuple[int, ...]:
        """How many heads each block uses; the dense tensors pad to the largest."""
        return self.plan.heads

    @property
    def parameters(self) -> int:
        """All numbers of the dense tensors, padding, embeddings and unembedding included."""
        return self.weights.parameters

    @property
    def written(self) -> Schedule:
        """The earliest schedule of the program as written, under the `transformer` cost model, for comparison."""
        return as_soon_as_possible(self.outputs.values(), TRANSFORMER)

    @property
    def placement(self) -> Mapping[Aggregate, int]:
        """In which layer each aggregate runs that the model computes as an aggregate."""
        found: dict[Aggregate, int] = {}
        for number, layer in enumerate(self.plan.layers, start=1):
            for head in layer.heads:
                found |= {leaf: number for leaf in head.leaves if isinstance(leaf, Aggregate)}
        return MappingProxyType(found)

    def certificate(self) -> dict[str, Any]:
        """The certificate as data for JSON, to be replayed by `check_model`."""
        if self.margins is None:
            raise Uncertified(NO_CERTIFICATE)
        facts = {
            "max_length": self.plan.max_length,
            "dtype": self.plan.dtype,
            "numbers": self.plan.numbers.value,
            "counting": self.options.counting,
            "split_means": self.options.optimise is not Optimise.HEADS,
        }
        return write_certificate(ledger_of(self.plan), self.margins, facts)

    def model(self) -> "Transformer":
        """The weights as a torch module, on the CPU."""
        from compiled.weights.build import build_model

        return build_model(self.plan, self.weights)

    def save(self, folder: Path | str, *, program: str | None = None) -> Path:
        """Write the model to a folder; see `compiled.export`."""
        from compiled.export import save

        return save(self, Path(folder), program=program)

    def explain(self) -> str:
        """The plan as text: which head and which layer compute what, and what it costs."""
        from compiled.explain import explain

        return explain(self)

    __repr__ = explain

    def _repr_html_(self) -> str:
        """The plan in a notebook."""
        from compiled.notebook import html

        return html(self)


def compile_program(
    graph: Graph,
    outputs: Mapping[str, SOp] | SOp,
    *,
    alphabet: Iterable[Atom],
    max_length: int,
    numbers: Numbers | None = None,
    dtype: str = "float32",
    encoding: Encoding | str = Encoding.COMPACT,
    arch: Arch | str = Arch.STANDARD,
    optimise: Optimise | str = Optimise.LAYERS,
    counting: bool = True,
    schedule: Schedule | None = None,
    certify: bool = True,
) -> Compiled:
    """Weights that compute the outputs on every word of length 1..max_length over the alphabet.

    Raises `Refused` with the reason when there are none, and `Uncertified` when the checker finds no proof that they
    are right. `schedule` puts aggregates and counts no earlier than it says. Without `certify` nothing is proved.
    """
    named = dict(outputs) if isinstance(outputs, Mapping) else {"output": outputs}
    if numbers is not None and numbers is not graph.numbers:
        raise Refused(f"the program was elaborated for {graph.numbers.value} numbers, not {numbers.value}")
    options = Options(
        tuple(alphabet),
        max_length,
        graph.numbers,
        dtype,
        _option(Encoding, encoding),
        _option(Arch, arch),
        _option(Optimise, optimise),
        counting,
        {} if schedule is None else dict(schedule.layer),
    )
    attempts = [options]
    if certify and options.encoding is Encoding.COMPACT and dtype != "float64":
        attempts.append(replace(options, encoding=Encoding.ONEHOT))
    failure: Uncertified | None = None
    for attempt in attempts:
        try:
            return _compile(named, attempt, certify)
        except Refused as refused:
            raise failure or refused.located(graph.spans) from None
        except NotClosed:
            raise
        except Uncertified as refused:
            hint = None if dtype == "float64" else FINER
            failure = failure or Uncertified(refused.reason, hint)
    raise failure or Refused("no attempt was made")


def _option(kind: type[Any], value: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(one.value for one in kind)
        raise Refused(f"the option `{value}`; known are {known}") from None


def _compile(outputs: Mapping[str, SOp], options: Options, prove: bool) -> Compiled:
    failure: Uncertified | None = None
    try:
        # With matrices as small as here more threads take up to half more processor time, and save little by the clock.
        with threadpool_limits(1, "blas"):
            for planner, plan in plans(outputs, options):
                try:
                    return _made(outputs, options.optimise, planner, plan, prove)
                except Uncertified as refused:
                    failure = refused
    except OverflowError as error:
        raise Refused("a number of the program is too large for any number format") from error
    raise failure or Refused("there is no plan")


def _made(outputs: Mapping[str, SOp], optimise: Optimise, planner: Planner, plan: Plan, prove: bool) -> Compiled:
    if (size := shape_of(plan).parameters) > MAX_PARAMETERS:
        raise TooMuch(f"the weights would have {size} parameters, more than {MAX_PARAMETERS}")
    dense = assemble(plan)
    stored = Weights(dense.shape, {name: _stored(tensor, plan.dtype) for name, tensor in dense.tensors.items()})
    margins = None
    if prove:
        claimed = {readout.name: (readout.sop, readout.values) for readout in plan.readouts}
        margins = certify(stored.tensors, ledger_of(plan), planner.domain, claimed, plan.dtype)
    options = replace(planner.options, optimise=optimise)
    return Compiled(MappingProxyType(dict(outputs)), options, plan, stored, margins)


def _stored(tensor: Floats, dtype: str) -> Floats:
    stored = quantise(tensor, dtype)
    if not np.isfinite(stored).all():
        raise Refused(f"a weight is too large for {dtype}", hint=FINER)
    return stored


def cross_check(
    compiled: Compiled,
    *,
    device: str = "auto",
    exhaustive: int = 20_000,
    samples: int = 500,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> "Agreement":
    """The interpreter against the weights, every s-op in the residual stream included; see `compiled.crosscheck`."""
    from compiled.crosscheck import crosscheck as compare

    return compare(
        compiled.plan,
        compiled.model(),
        () if compiled.margins is None else compiled.margins.slot_errors,
        device=device,
        exhaustive=exhaustive,
        samples=samples,
        seed=seed,
        progress=progress,
    )


def known_dtypes() -> tuple[str, ...]:
    """The number formats that a program can be compiled for."""
    return tuple(PRECISIONS)
