"""`rasp compile` and `rasp crosscheck`: a program as a transformer, and the interpreter against its weights.

The one place of `verifier` that knows `compiled`. It is loaded when one of these commands runs, because torch is large
and optional.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spec.cost import Schedule
from spec.diagnostics import InternalError, UsageError
from spec.elaborate import Program
from spec.graph import SOp
from spec.property.scope import Scope
from spec.source import printable
from spec.transplant import as_sop
from verifier.bounds.written import Front
from verifier.cli.common import Commands, add_scope, overrides, symbols, target
from verifier.report.progress import Steps
from verifier.report.text import counted, word_text
from verifier.running.overrides import usage
from verifier.running.selection import usual_scope
from verifier.running.subject import Subject
from verifier.verdict import Exit

if TYPE_CHECKING:
    from compiled import Agreement, Compiled

_DTYPES: Final = ("float64", "float32", "tf32", "float16", "bfloat16")


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    compile_ = commands.add_parser("compile", help="exact weights for a program, certified", allow_abbrev=False)
    crosscheck = commands.add_parser(
        "crosscheck", help="compare the interpreter with the compiled weights", allow_abbrev=False
    )
    for parser in (compile_, crosscheck):
        parser.add_argument("target", metavar="FILE[::NAME]", help="an s-op, or a file for all that it defines")
        add_scope(parser)
        group = parser.add_argument_group("weights")
        group.add_argument("--dtype", default="float32", help=f"number format of the weights: {', '.join(_DTYPES)}")
        group.add_argument("--encoding", choices=("compact", "onehot"), default="compact")
        group.add_argument("--arch", choices=("standard", "masked"), default="standard", help="allow causal masks")
        group.add_argument(
            "-O", dest="optimise", choices=("layers", "heads", "params"), default="layers", help="what to save"
        )
        group.add_argument(
            "--certify", action=argparse.BooleanOptionalAction, default=True, help="prove the weights right (default)"
        )
    compile_.add_argument("-o", dest="folder", metavar="DIR", type=Path, help="where to write the model")
    compile_.set_defaults(handler=_compile)
    crosscheck.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    crosscheck.add_argument("--exhaustive", type=int, default=20_000, metavar="N", help="inputs to cover completely")
    crosscheck.add_argument("--samples", type=int, default=500, metavar="N", help="longer inputs to sample")
    crosscheck.add_argument("--seed", type=int, default=0)
    crosscheck.set_defaults(handler=_crosscheck)


def _compile(options: argparse.Namespace) -> int:
    with Steps() as steps:
        steps.tell("compiling")
        made, program = _made(options)
    _warn(made)
    print("\n".join(printable(line) for line in made.explain().splitlines()))
    if options.folder is not None:
        folder = made.save(options.folder, program=program.source.text)
        print(f"written to {folder}")
    return Exit.EXPECTED


def _crosscheck(options: argparse.Namespace) -> int:
    try:
        from compiled import cross_check
        from compiled.crosscheck import pick_device
    except ImportError as error:
        raise _no_torch(error) from error
    device = str(pick_device(options.device))
    if options.device == "auto" and device == "cpu":
        print("torch finds no GPU here: the CPU computes", file=sys.stderr)
    with Steps() as steps:
        steps.tell("compiling")
        made, _ = _made(options)
        found = cross_check(
            made,
            device=device,
            exhaustive=options.exhaustive,
            samples=options.samples,
            seed=options.seed,
            progress=lambda done, total: steps.tell(f"{done} of {total} inputs"),
        )
    _warn(made)
    shape = f"{counted(made.layers, 'layer')}, heads {'/'.join(map(str, made.heads))}, {made.parameters} parameters"
    print(f"model      {shape}, {found.dtype} on {found.device}")
    covered = f"every input of n ≤ {found.exhaustive_to}, " if found.exhaustive_to else ""
    print(
        f"compared   {found.compared} inputs: {covered}{found.sampled} longer ones sampled; {found.slots} values each"
    )
    if found.failing:
        print(f"skipped    {found.failing} inputs on which the program itself fails")
    print(f"speed      {found.inputs_per_second:.0f} inputs a second")
    _agreed(found)
    if not found.compared:
        raise usage("nothing was compared", hint="--exhaustive N, --samples N, --lengths 1..8")
    print("AGREED")
    return Exit.EXPECTED


def _warn(made: "Compiled") -> None:
    if made.margins is None:
        print("not certified: nothing is known about these weights", file=sys.stderr)
    elif not made.margins.values_proved:
        print("certified, with sets of values that are taken on trust: to prove them is too much work", file=sys.stderr)


def _no_torch(error: ImportError) -> UsageError:
    return usage(f"compiling needs an optional package: {error}", hint="install rasp-verifier[torch]")


@dataclass(frozen=True)
class Met:
    """A certified model that has no more than a schedule allows, and agrees with the interpreter where it was compared.

    Every input up to `exhaustive_to` was.
    """

    layers: int
    heads: tuple[int, ...]
    dtype: str
    compared: int
    exhaustive_to: int


def compiled_from(front: Front, step: Schedule, scope: Scope) -> str:
    """What comes of compiling one schedule of a front, in words."""
    found = met(front, step, scope)
    if isinstance(found, str):
        return found
    return (
        f"met by a compiled model: {_shape_text(found.layers, found.heads, found.dtype)}, certified up to length "
        f"{scope.high}, right on {found.compared} inputs"
    )


def met(front: Front, step: Schedule, scope: Scope) -> Met | str:
    """The model that meets one schedule of a front, or why there is none.

    Where single precision is not enough for one MLP between two attentions, double precision is tried.
    """
    try:
        from compiled import compile_program, cross_check
    except ImportError as error:
        return f"not compiled: an optional package is missing ({error})"
    short = ""
    for dtype in ("float32", "float64"):
        try:
            made = compile_program(
                front.graph,
                {"output": as_sop(front.task.roots[0])},
                alphabet=symbols(scope),
                max_length=scope.high or 0,
                dtype=dtype,
                optimise="heads",
                schedule=step,
            )
        except UsageError as reason:  # refused, or not certified
            short = "; ".join(diagnostic.message for diagnostic in reason.diagnostics)
            continue
        if made.layers > step.layers or max(made.heads, default=0) > step.width or sum(made.heads) > step.total:
            short = f"the compiler needs {_shape_text(made.layers, made.heads, dtype)}"
            continue
        found = cross_check(made)
        _agreed(found)
        return Met(made.layers, tuple(made.heads), dtype, found.compared, found.exhaustive_to)
    return f"not met by a compiled model: {short}"


def _shape_text(layers: int, heads: Sequence[int], dtype: str) -> str:
    return f"{counted(layers, 'layer')}, heads {'/'.join(map(str, heads)) or 'none'}, {dtype}"


def _agreed(found: "Agreement") -> None:
    if found.mismatch is None:
        return
    where = "in the logits" if found.mismatch.layer is None else f"from layer {found.mismatch.layer} on"
    raise InternalError(
        f"weights and interpreter differ on {word_text(found.mismatch.word)} at position {found.mismatch.position}, "
        f"{where}: {found.mismatch.what} should be {found.mismatch.expected}, is {found.mismatch.found}"
    )


def _made(options: argparse.Namespace) -> tuple["Compiled", Program]:
    """The compiled program under the scope that the options, or else the file's contract, give."""
    wanted = target(options.target)
    subject = Subject.load(wanted.path)
    scope = overrides(options).apply(usual_scope(subject))
    program = subject(None, scope.numbers)
    if scope.high is None:
        raise usage("a transformer has a greatest length", hint="--lengths 1..20")
    try:
        from compiled import compile_program
    except ImportError as error:
        raise _no_torch(error) from error
    made = compile_program(
        program.graph,
        _outputs(program, wanted.name),
        alphabet=symbols(scope),
        max_length=scope.high,
        dtype=options.dtype,
        encoding=options.encoding,
        arch=options.arch,
        optimise=options.optimise,
        certify=options.certify,
    )
    return made, program


def _outputs(program: Program, name: str | None) -> dict[str, SOp]:
    if name is not None:
        return {name: program.sop(name)}
    return {name: sop for name, sop in program.sops().items() if not name.startswith("_")}
