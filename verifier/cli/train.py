"""`rasp train`: fit a transformer to a program, and measure it on inputs that it was not trained on."""

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spec.cost import TRANSFORMER, as_soon_as_possible
from spec.graph import SOp
from spec.property.evaluate import Checker
from spec.property.scope import Scope
from spec.show import label
from verifier.cli.common import Commands, add_scope, overrides, symbols, target
from verifier.engine import Word
from verifier.running.overrides import usage
from verifier.running.selection import select, usual_scope
from verifier.running.subject import Subject
from verifier.verdict import Exit

if TYPE_CHECKING:
    from compiled.training.fit import Trained

_HIGH: Final = 20
"""The greatest length trained on where neither the options nor the contract say one."""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="fit a transformer to a program, measured on held-out inputs",
        allow_abbrev=False,
        description="Train a transformer on the inputs and outputs of an s-op. Accuracy is that of held-out inputs.",
    )
    parser.add_argument("target", metavar="FILE::NAME", help="an s-op")
    add_scope(parser)
    size = parser.add_argument_group(
        "transformer", "as many layers and heads as the program has as written, if not said"
    )
    size.add_argument("--layers", type=int, metavar="N")
    size.add_argument("--heads", type=int, metavar="N", help="in each layer")
    size.add_argument("--d-model", type=int, default=64, metavar="N", help="width of the residual stream (64)")
    size.add_argument("--d-mlp", type=int, default=256, metavar="N", help="hidden units of each layer (256)")
    size.add_argument("--causal", action="store_true", help="positions attend to none after them")
    how = parser.add_argument_group("training")
    how.add_argument("--steps", type=int, default=3_000, metavar="N", help="steps of the optimizer (3000)")
    how.add_argument("--batch", type=int, default=64, metavar="N", help="inputs in a step (64)")
    how.add_argument("--rate", type=float, default=1e-3, metavar="X", help="greatest learning rate (0.001)")
    how.add_argument(
        "--supervise",
        type=float,
        nargs="?",
        const=1.0,
        default=0.0,
        metavar="WEIGHT",
        help="teach heads the selectors of the program too, with this weight in the loss (1 if not said)",
    )
    how.add_argument("--seed", type=int, default=0)
    how.add_argument("--device", default="auto", help="auto, cpu, cuda, ..")
    measured = parser.add_argument_group("measuring")
    measured.add_argument("--beyond", type=int, metavar="N", help="measure lengths up to N (twice those trained on)")
    measured.add_argument("--measured", type=int, default=200, metavar="N", help="held-out inputs of each length (200)")
    measured.add_argument(
        "--every", type=int, default=250, metavar="N", help="steps between lines and checkpoints (250)"
    )
    parser.add_argument("-o", dest="folder", metavar="DIR", type=Path, help="write model, report, log and checkpoints")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in DIR")
    parser.set_defaults(handler=_train)


def _train(options: argparse.Namespace) -> int:
    wanted = target(options.target)
    if wanted.name is None:
        raise usage("training needs one s-op", hint="write FILE::NAME")
    if options.resume and options.folder is None:
        raise usage("there is nothing to resume without a folder", hint="-o DIR")
    subject = Subject.load(wanted.path)
    scope = overrides(options).apply(usual_scope(subject))
    sop = subject(None, scope.numbers).sop(wanted.name)
    try:
        from compiled.training.examples import Source
        from compiled.training.fit import train
        from compiled.training.folder import save
    except ImportError as error:
        raise usage(f"training needs an optional package: {error}", hint="install rasp-verifier[torch]") from error
    source = Source(sop, scope.numbers, symbols(scope), options.seed, _precondition(subject, wanted.name, options))
    trained = train(
        source,
        wanted.name,
        _settings(options, sop, scope),
        device=options.device,
        folder=options.folder,
        resume=options.resume,
        log=_say,
    )
    print(_summary(trained))
    if options.folder is not None:
        print(f"written to {save(trained, options.folder)}")
    return Exit.EXPECTED


def _settings(options: argparse.Namespace, sop: SOp, scope: Scope) -> Any:
    """The settings, with what the program needs where the options say nothing."""
    from compiled.training.settings import Settings

    schedule = as_soon_as_possible((sop,), TRANSFORMER)
    high = _HIGH if scope.high is None else scope.high
    said = {field.name: getattr(options, field.name) for field in fields(Settings) if hasattr(options, field.name)}
    said["layers"] = max(1, schedule.layers) if options.layers is None else options.layers
    said["heads"] = max(1, schedule.width) if options.heads is None else options.heads
    said["beyond"] = 2 * high if options.beyond is None else options.beyond
    return Settings(**said, low=max(1, scope.low), high=high)


def _precondition(subject: Subject, name: str, options: argparse.Namespace) -> Any:
    """What the contract requires of inputs, if all that it says about the s-op is under the same preconditions."""
    if not any(True for _ in subject.contracts()):
        return None
    about = [bound for bound in select(subject, name, overrides(options)) if bound.property.requires]
    if len({bound.property.requires for bound in about}) != 1:
        return None
    checker = Checker(about[0])

    def holds(word: Word) -> bool:
        return checker.preconditions(word) is None

    return holds


def _say(line: dict[str, Any]) -> None:
    accuracy = line["held_out_sequence_accuracy"]
    shown = "no held-out inputs" if accuracy is None else f"held-out sequences right {accuracy:.1%}"
    heads = "" if line["attention_loss"] is None else f", attention {line['attention_loss']:.4f}"
    print(f"step {line['step']}: loss {line['loss']:.4f}{heads}, {shown}", file=sys.stderr, flush=True)


def _summary(trained: "Trained") -> str:
    settings = trained.settings
    size = f"layers {settings.layers}, heads {settings.heads} in each, {trained.parameters} parameters"
    work = f"{settings.steps} steps of {settings.batch} inputs, n = {settings.low}..{settings.high}"
    lines = [
        f"model      {size}, {trained.device}",
        f"trained    {work}, {trained.seconds:.0f} s",
        "held out   n      inputs  sequences  positions",
    ]
    for one in trained.accuracies:
        shares = "         -          -" if one.sequences is None else f"{one.sequences:>10.1%} {one.positions:>10.1%}"
        mark = "" if one.length <= settings.high else "   longer than any that was trained on"
        lines.append(f"           {one.length:<6} {one.inputs:>6} {shares}{mark}")
    if trained.agreements:
        lines.append("attention  layer  head   overlap  selector")
    for agreement in trained.agreements:
        layer, head = agreement.head
        where = f"layer {agreement.layer + 1} of the program"
        lines.append(
            f"           {layer + 1:<6} {head + 1:<6} {agreement.overlap:>6.1%}  {label(agreement.selector)}, {where}"
        )
    return "\n".join(lines)
