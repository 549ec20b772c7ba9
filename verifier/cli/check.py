"""`rasp check` and `rasp prove`: contracts, and single properties given on the command line."""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from spec.diagnostics import RaspError
from verifier.check import Options
from verifier.cli.common import Commands, add_scope, overrides, target
from verifier.engine import Limits
from verifier.jobs import Job
from verifier.portfolio import by_name
from verifier.report import text
from verifier.result import Result
from verifier.selection import files
from verifier.supervise import Allowance, Planned, run
from verifier.verdict import Exit, as_expected, overall


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    parser = commands.add_parser(
        "check", help="prove or refute the contracts of programs", allow_abbrev=False, description=_CHECK
    )
    parser.add_argument("targets", metavar="TARGET", nargs="+", help="FILE, FOLDER, FILE::PROPERTY or FILE::S-OP")
    add_scope(parser)
    add_engine(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="show scope and evidence of every proof")
    parser.add_argument("-q", "--quiet", action="store_true", help="show only what did not come out as expected")
    parser.add_argument("--jobs", type=_count, default=os.cpu_count() or 1, metavar="N", help="processes at a time")
    parser.set_defaults(handler=_check)


_CHECK = """Every contract of the programs, and the implicit properties of the s-ops that they are about: no input in
scope makes the program fail, and the two number semantics agree."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """The options on how to decide."""
    group = parser.add_argument_group("engines")
    group.add_argument("--engine", default="auto", help="auto, interpreter, enumerate, sat or smt")
    group.add_argument("--wall", type=_seconds, default=60.0, metavar="S", help="seconds for a query of one length")
    group.add_argument("--kill-after", type=_seconds, default=300.0, metavar="S", help="seconds for a property")
    group.add_argument("--memory", type=_count, default=6144, metavar="MIB", help="memory of one process")


def _count(given: str) -> int:
    number = int(given)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{given} is not a positive number")
    return number


def _seconds(given: str) -> float:
    seconds = float(given)
    if not 0 < seconds < 1e7:
        raise argparse.ArgumentTypeError(f"{given} is not a number of seconds")
    return seconds


def options_of(options: argparse.Namespace) -> Options:
    """What the engine options ask for."""
    if options.engine != "interpreter":
        by_name(options.engine)
    return Options(engine=options.engine, limits=Limits(wall_s=options.wall))


def _check(options: argparse.Namespace) -> int:
    start = time.perf_counter()
    planned, problems = _plan(options)
    for problem in problems:
        print(problem.render(), file=sys.stderr)

    def report(result: Result) -> None:
        expected = as_expected(result.verdict, result.expected)
        if not (options.quiet and expected):
            print_result(result, options.verbose)

    allowance = Allowance(options.kill_after, options.memory)
    results = run(planned, options.jobs, allowance, report)
    return _finish(results, len(problems), time.perf_counter() - start)


def _plan(options: argparse.Namespace) -> tuple[list[Planned], list[RaspError]]:
    """The jobs, one for each file, and what is wrong with the files that have none."""
    planned: list[Planned] = []
    problems: list[RaspError] = []
    asked, settings = overrides(options), options_of(options)
    for wanted in files([target(given) for given in options.targets]):
        job = Job(str(wanted.path), wanted.name, None, asked, settings)
        try:
            properties = job.select()
        except RaspError as error:
            problems.append(error)
            continue
        if properties:
            planned.append(Planned(job, properties))
    return planned, problems


def print_result(result: Result, verbose: bool) -> None:
    """One result, as a person reads it."""
    print(text.line(result))
    for line in text.details(result, verbose=verbose):
        print(f"    {line}")
    sys.stdout.flush()


def _finish(results: Sequence[Result], problems: int, seconds: float) -> int:
    for line in text.summary(results, seconds):
        print(line)
    if problems:
        print(f"FAILED: {problems} file(s) could not be read", file=sys.stderr)
    return overall([*(result.exit for result in results), *[Exit.USAGE] * problems])
