"""`rasp bounds`: how many layers and heads are needed, with certificates."""

import argparse
import json
from pathlib import Path
from typing import Final

from spec.cost import MODELS
from spec.source import printable
from verifier.bounds.certificate import Document
from verifier.bounds.depth import points
from verifier.bounds.summary import Json
from verifier.cli.common import Commands, add_scope, loaded
from verifier.cli.function_bounds import DEFAULT_CLASSES, of_function
from verifier.cli.program_bounds import Asked, Named, listed, named, reference, rewritten, written
from verifier.running.overrides import usage
from verifier.verdict import Exit

FEW_POINTS: Final = 50_000
"""Level 3 looks at each position of each input: with no more of them it is asked about without being named."""


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    bounds = commands.add_parser(
        "bounds",
        help="the fewest layers and heads, with certificates",
        description="The fewest layers and heads of a program as written (level 1) and after merging what is equal on "
        "the scope (level 2), and the least depth of any transformer of a class that computes the same (level 3).",
        allow_abbrev=False,
    )
    bounds.add_argument("target", metavar="FILE::NAME", nargs="?", help="an s-op; for level 3 also --regex or --mealy")
    bounds.add_argument(
        "--level",
        type=int,
        choices=[1, 2, 3],
        help="1: as written; 2: up to equivalence on the scope; 3: any program of a class (all, on small scopes)",
    )
    bounds.add_argument("--model", choices=sorted(MODELS), help="the cost model of levels 1 and 2; both without it")
    bounds.add_argument("--chart", action="store_true", help="draw the stairs of levels 1 and 2")
    bounds.add_argument(
        "--class",
        dest="classes",
        action="append",
        metavar="CLASS",
        help=f"the class of level 3, ATTENTION/MASKS[+start]; without it {', '.join(DEFAULT_CLASSES)}",
    )
    bounds.add_argument(
        "--heads",
        dest="head_classes",
        action="append",
        metavar="CLASS",
        help="level 3: the fewest heads of any program of READINGS[/MASKS][+indices], e.g. count,mean:3/past",
    )
    bounds.add_argument("--most-layers", type=int, default=2, help="with --heads: look at so many layers (default 2)")
    bounds.add_argument("--most-heads", type=int, default=3, help="with --heads: and so many heads in all (default 3)")
    bounds.add_argument("--print", action="store_true", help="levels 2 and 3: print the programs found, as RASP")
    bounds.add_argument("--crosscheck", action="store_true", help="compile what is found, and compare the weights")
    bounds.add_argument("--regex", metavar="PATTERN", help="level 3 of a regular language, at the last position")
    bounds.add_argument("--every-prefix", action="store_true", help="with --regex: at every position, for the prefix")
    bounds.add_argument("--mealy", metavar="FILE", type=Path, help="level 3 of a Mealy machine in a JSON file")
    bounds.add_argument("--reference", action="store_true", help="what the reference's greedy analysis reports, too")
    bounds.add_argument("--seconds", type=float, default=60.0, help="how long to search for each answer (default 60)")
    bounds.add_argument("--format", choices=["text", "json"], default="text", help="how to print the answer")
    bounds.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the certificates to a file")
    add_scope(bounds)
    bounds.set_defaults(handler=_bounds)


# ------------------------------------------------------------------------------------------------ bounds


def _bounds(options: argparse.Namespace) -> int:
    given = [option for option in (options.target, options.regex, options.mealy) if option is not None]
    if len(given) != 1:
        raise usage("name one target: FILE::NAME, --regex or --mealy")
    about = None if options.target is None else named(options)
    document, summary = Document(), list[Json]()
    lines, complete = list[str](), True
    for level in _levels(options, about):
        if level == 3:
            more, decided = of_function(options, about, document, summary)
        else:
            more, decided = _program(options, level, about, document, summary)
        lines += more
        complete = complete and decided
    if options.format == "json":
        print(json.dumps({**document.to_json(), "bounds": summary}, ensure_ascii=True))
    else:
        print("\n".join(map(printable, lines)))
    if options.output is not None:
        _write(options.output, document.text())
    return Exit.EXPECTED if complete else Exit.UNKNOWN


def _levels(options: argparse.Namespace, about: Named | None) -> list[int]:
    """The level that is asked for; without one those that fit the target, the third if that does not take long."""
    if options.level:
        return [options.level]
    if about is None or options.classes or options.head_classes:
        return [3]
    return [1, 2, 3] if 0 < points(about.scope) <= FEW_POINTS else [1, 2]


def _program(
    options: argparse.Namespace, level: int, about: Named | None, document: Document, summary: list[Json]
) -> tuple[list[str], bool]:
    """Levels 1 and 2."""
    if about is None:
        raise usage(f"level {level} is about a program", hint="write FILE::NAME")
    models = listed(options.model, MODELS.values())
    shown = (options.chart, options.crosscheck, options.print)
    asked = Asked(about, models, options.seconds, *shown, document, summary)
    if level == 2:
        return rewritten(asked)
    lines, complete = written(asked)
    if options.reference:
        lines.insert(1, reference(loaded(options, interning=False)[0], about.name))
    return lines, complete


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="ascii")
    except OSError as error:
        raise usage(f"cannot write {path}: {error.strerror}") from error
