"""`rasp check`: contracts and the implicit properties; and the options on how to decide, for all commands that do."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from spec.diagnostics import Diagnostic, RaspError
from verifier.check import Options
from verifier.cli.common import Commands, add_scope, positive, seconds, target
from verifier.cli.outcome import Presentation, present, print_result, started
from verifier.engine import Proofs
from verifier.portfolio import AUTO, ENGINES, by_name
from verifier.report.document import Shard
from verifier.report.formats import FORMATS, output
from verifier.report.regression import save_tests
from verifier.running.config import CACHE_MODES, FAIL_ON, KEYS, Settings, Value, resolve
from verifier.running.jobs import Job
from verifier.running.overrides import usage
from verifier.running.selection import files
from verifier.running.supervise import Planned
from verifier.verdict import Exit

__all__ = ["add_engine", "options_of", "print_result", "register", "settings_of"]


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    parser = commands.add_parser(
        "check", help="prove or refute the contracts of programs", allow_abbrev=False, description=_CHECK
    )
    parser.add_argument(
        "targets", metavar="TARGET", nargs="*", default=None, help="FILE, FOLDER, FILE::PROPERTY or FILE::S-OP"
    )
    add_scope(parser)
    parser.add_argument("--max-length", type=positive, metavar="N", help="leave longer inputs out")
    add_engine(parser)
    parser.add_argument("--jobs", type=positive, metavar="N", help="processes at a time")
    parser.add_argument("--shard", type=_shard, metavar="I/N", help="only every N-th property, from the I-th")
    add_output(parser)
    add_configuration(parser)
    parser.set_defaults(handler=_check)


def add_output(parser: argparse.ArgumentParser) -> None:
    """What is printed, what is written, and what makes the run fail."""
    group = parser.add_argument_group("results")
    group.add_argument("-v", "--verbose", action="store_true", help="show scope and evidence of every proof")
    group.add_argument("-q", "--quiet", action="store_true", help="show only what did not come out as expected")
    group.add_argument("--format", choices=FORMATS, default="text", help="what is printed, unless -o writes it")
    group.add_argument(
        "-o", "--output", action="append", metavar="[FORMAT:]FILE", help="write the run to a file too; may be repeated"
    )
    group.add_argument(
        "--fail-on",
        metavar="WHAT,..",
        type=lambda text: tuple(text.split(",")),
        help=f"of {', '.join(FAIL_ON)}; all by default, and `refuted` and `error` always",
    )
    group.add_argument(
        "--strict",
        action=argparse.BooleanOptionalAction,
        help="count a proof with a warning as a vacuous property (off by default)",
    )
    group.add_argument("--save-tests", metavar="FOLDER", help="write a test for each unexpected counterexample")


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Where settings come from that the command line leaves open."""
    group = parser.add_argument_group("configuration")
    group.add_argument("--config", type=Path, metavar="FILE", help="another file than the nearest pyproject.toml")
    group.add_argument("--profile", metavar="NAME", help="settings of [tool.rasp.profile.NAME]")


_CHECK = """Every contract of the programs, and the implicit properties of the s-ops that they are about: no input in
scope makes the program fail, and the two number semantics agree."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """The options on how to decide."""
    group = parser.add_argument_group("engines")
    group.add_argument("--engine", help=f"{AUTO} (the default), interpreter, {', '.join(ENGINES)}")
    group.add_argument("--wall", type=seconds, metavar="S", help="seconds for a query of one length (60)")
    group.add_argument("--kill-after", type=seconds, metavar="S", help="seconds for a property (300)")
    group.add_argument("--memory", type=positive, metavar="MIB", help="memory of one process (6144)")
    group.add_argument(
        "--proofs",
        choices=[proofs.value for proofs in Proofs],
        help="which absences of a counterexample are confirmed: all, where it costs little (sample), none",
    )
    group.add_argument(
        "--reductions",
        action=argparse.BooleanOptionalAction,
        help="whether fewer inputs may stand for all, where a symmetry is established (the default)",
    )
    group.add_argument(
        "--save-proofs", metavar="FOLDER", help="keep clausal proofs there, for `rasp recheck --proofs-in`"
    )
    group.add_argument("--cache", metavar="FOLDER", help="keep the answers of the engines there")
    group.add_argument(
        "--cache-mode",
        choices=CACHE_MODES,
        help="use (the default), read, frozen or verify: see docs/ci.md",
    )


def _shard(given: str) -> Shard:
    index, slash, count = given.partition("/")
    if slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count):
        return Shard(int(index), int(count))
    raise argparse.ArgumentTypeError(f"{given} is not I/N with 1 <= I <= N")


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings under these options, and under the configuration for what they leave open."""
    given: dict[str, Value] = {}
    for key in KEYS:
        value = getattr(options, key, None)
        given[key] = (tuple(value) or None) if isinstance(value, list) else value
    for name in given["fail_on"] or () if isinstance(given["fail_on"], tuple | None) else ():
        if name not in FAIL_ON:
            raise usage(f"--fail-on: `{name}` is none of {', '.join(FAIL_ON)}")
    return resolve(given, profile=getattr(options, "profile", None), file=getattr(options, "config", None)).settings


def options_of(settings: Settings, proofs: Proofs | None = None) -> Options:
    """How to check under these settings, or with another policy on proofs."""
    if settings.engine != "interpreter":
        by_name(settings.engine)
    return Options(
        engine=settings.engine,
        limits=settings.limits if proofs is None else replace(settings.limits, proofs=proofs),
        cache=settings.cache,
        cache_mode=settings.cache_mode,
        save_proofs=settings.save_proofs,
    )


def _check(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    presentation = _presentation(options, settings)
    planned, problems = _plan(settings)
    if options.shard is not None:
        planned = _part(planned, options.shard)
    begun = started(settings.targets, problems, options.shard, settings.ignored, settings.strict)
    done = present(presentation, begun, planned, settings.jobs, settings.allowance)
    if settings.save_tests is not None:
        for path in save_tests(done.results, Path(settings.save_tests)):
            print(f"saved {path}", file=sys.stdout if presentation.spoken else sys.stderr)
    return Exit.INTERNAL if done.exit is None else done.exit


def _presentation(options: argparse.Namespace, settings: Settings) -> Presentation:
    """What goes where: a format that goes to a file is not printed as well."""
    outputs = tuple(output(given, options.format) for given in settings.output)
    written = options.format != "github" and options.format in {one.format for one in outputs}
    return Presentation("text" if written else options.format, outputs, options.verbose, options.quiet)


def _plan(settings: Settings) -> tuple[list[Planned], list[Diagnostic]]:
    """The jobs, one for each file, and what is wrong with the files that have none."""
    planned: list[Planned] = []
    problems: list[Diagnostic] = []
    asked, how = settings.overrides, options_of(settings)
    if not settings.targets:
        raise usage("nothing to check", hint="name files or folders, or set `targets` in [tool.rasp] of pyproject.toml")
    taken: set[tuple[str, str]] = set()
    for wanted in dict.fromkeys(files([target(given) for given in settings.targets])):
        path = str(wanted.path)
        job = Job(path, wanted.name, None, asked, how)
        try:
            selected = job.select()
        except RaspError as error:
            problems.extend(error.diagnostics)
            continue
        # A property that two targets mean is decided once.
        properties = tuple(bound for bound in selected if (path, bound.property.name) not in taken)
        taken.update((path, bound.property.name) for bound in properties)
        if properties:
            planned.append(Planned(job, properties))
    return planned, problems


def _part(planned: Sequence[Planned], shard: Shard) -> list[Planned]:
    """Every N-th property of the plan: the same for everyone who plans the same."""
    numbered = [(plan, bound) for plan in planned for bound in plan.properties]
    mine = numbered[shard.index - 1 :: shard.count]
    parts = [(plan, tuple(bound for owner, bound in mine if owner is plan)) for plan in planned]
    return [Planned(plan.job, properties) for plan, properties in parts if properties]
