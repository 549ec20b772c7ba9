"""`rasp bounds`: how many layers and heads are needed, with certificates."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from spec.cost import MODELS
from spec.diagnostics import UsageError
from spec.elaborate import Program, load_program
from spec.graph import SOp
from spec.property.scope import Scope
from spec.reader import read_source
from spec.source import printable
from spec.values import Atom, Numbers
from verifier.bounds.certificate import Document
from verifier.bounds.classes import Class, parse_class
from verifier.bounds.depth import DepthBound, Pair, least_depth, shown_word, trace
from verifier.bounds.emit import OUTPUT, emit
from verifier.bounds.heads import parse_head_class
from verifier.bounds.summary import Json
from verifier.bounds.synthesis import Absent, Exists, HeadFront, Undecided, fewest_heads
from verifier.bounds.target import Mealy, OfProgram, Target, of_regex
from verifier.cli.common import Commands, add_scope, overrides, target
from verifier.cli.compile import compiled_and_compared
from verifier.cli.program_bounds import Asked, listed, reference, rewritten, written
from verifier.overrides import usage
from verifier.recheck.files import MAX_CHARACTERS
from verifier.report.text import counted
from verifier.selection import usual_scope
from verifier.subject import Subject
from verifier.verdict import Exit

_DEFAULT_CLASSES: Final = ("rightmost/past", "hard/past,future", "average/all", "count/all")


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
        help="1: as written; 2: up to equivalence on the scope; 3: any program of a class (default 1 and 2, or 3)",
    )
    bounds.add_argument("--model", choices=sorted(MODELS), help="the cost model of levels 1 and 2; both without it")
    bounds.add_argument("--chart", action="store_true", help="draw the stairs of levels 1 and 2")
    bounds.add_argument(
        "--class",
        dest="classes",
        action="append",
        metavar="CLASS",
        help=f"the class of level 3, ATTENTION/MASKS[+start]; without it {', '.join(_DEFAULT_CLASSES)}",
    )
    bounds.add_argument(
        "--heads",
        dest="head_classes",
        action="append",
        metavar="CLASS",
        help="level 3: the fewest heads of any program of READING[:VALUES][/MASK][+indices], e.g. count/past",
    )
    bounds.add_argument("--most-layers", type=int, default=2, help="with --heads: look at so many layers (default 2)")
    bounds.add_argument("--most-heads", type=int, default=3, help="with --heads: and so many heads in all (default 3)")
    bounds.add_argument("--print", action="store_true", help="levels 2 and 3: print the programs found, as RASP")
    bounds.add_argument("--crosscheck", action="store_true", help="with --heads: compile them, and compare the weights")
    bounds.add_argument("--regex", metavar="PATTERN", help="level 3 of a regular language, at the last position")
    bounds.add_argument("--every-prefix", action="store_true", help="with --regex: at every position, for the prefix")
    bounds.add_argument("--mealy", metavar="FILE", type=Path, help="level 3 of a Mealy machine in a JSON file")
    bounds.add_argument("--reference", action="store_true", help="what the reference's greedy analysis reports, too")
    bounds.add_argument("--seconds", type=float, default=60.0, help="how long to search (default 60)")
    bounds.add_argument("--format", choices=["text", "json"], default="text", help="how to print the answer")
    bounds.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the certificates to a file")
    add_scope(bounds)
    bounds.set_defaults(handler=_bounds)


# ------------------------------------------------------------------------------------------------ bounds


def _bounds(options: argparse.Namespace) -> int:
    given = [option for option in (options.target, options.regex, options.mealy) if option is not None]
    if len(given) != 1:
        raise usage("name one target: FILE::NAME, --regex or --mealy")
    about_classes = options.target is None or options.classes or options.head_classes
    levels = [options.level] if options.level else [3] if about_classes else [1, 2]
    document, summary = Document(), list[Json]()
    lines, complete = list[str](), True
    for level in levels:
        if level == 3:
            more, decided = _level_3(options, document)
        else:
            more, decided = _program(options, level, document, summary)
        lines += more
        complete = complete and decided
    if options.format == "json":
        print(json.dumps({**document.to_json(), "bounds": summary}, ensure_ascii=True))
    else:
        print("\n".join(map(printable, lines)))
    if options.output is not None:
        _write(options.output, document.text())
    return Exit.EXPECTED if complete else Exit.UNKNOWN


def _program(
    options: argparse.Namespace, level: int, document: Document, summary: list[Json]
) -> tuple[list[str], bool]:
    """Levels 1 and 2."""
    if options.target is None:
        raise usage(f"level {level} is about a program", hint="write FILE::NAME")
    program, _, name = _loaded(options)
    models = listed(options.model, MODELS.values())
    asked = Asked(program, name, models, options.seconds, options.chart, options.print, document, summary)
    if level == 2:
        return rewritten(asked, overrides(options).apply(usual_scope(Subject.load(target(options.target).path))))
    lines, complete = written(asked)
    if options.reference:
        lines.insert(1, reference(_loaded(options, interning=False)[0], name))
    return lines, complete


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="ascii")
    except OSError as error:
        raise usage(f"cannot write {path}: {error.strerror}") from error


def _loaded(options: argparse.Namespace, interning: bool = True) -> tuple[Program, SOp, str]:
    wanted = target(options.target)
    if wanted.name is None:
        raise usage(f"`{options.target}` names no s-op", hint="write FILE::NAME")
    program = load_program(wanted.path, Numbers(options.numbers or Numbers.EXACT.value), interning=interning)
    return program, program.sop(wanted.name), wanted.name


def _level_3(options: argparse.Namespace, document: Document) -> tuple[list[str], bool]:
    scope = overrides(options).apply(Scope(1, 6, ("a", "b")))
    wanted = _target(options, scope)
    lines = [f"{wanted.name}: any program of a class; {scope}"]
    complete = True
    for text in options.head_classes or ():
        front = fewest_heads(
            parse_head_class(text), wanted, scope, options.most_layers, options.most_heads, options.seconds
        )
        document.heads(front)
        complete = complete and not any(isinstance(one, Undecided) for one in front.found)
        lines.extend(_heads(front, options))
    default = () if options.head_classes else _DEFAULT_CLASSES
    for cls in map(parse_class, options.classes or default):
        bound = least_depth(cls, wanted, scope, seconds=options.seconds)
        document.depth(bound)
        complete = complete and (bound.least is not None or bound.impossible)
        lines.extend(_depth(bound))
    return lines, complete


def _heads(front: HeadFront, options: argparse.Namespace) -> Iterator[str]:
    minimal = front.minimal
    shown = " or ".join(_shape(found.shape) for found in minimal) or "none found"
    below = [found for found in front.found if isinstance(found, Undecided)]
    tight = "; open: " + ", ".join(_shape(found.shape) for found in below) if below else ""
    yield f"  {front.cls}: heads {shown}, of at most {options.most_layers} layers and {options.most_heads} heads{tight}"
    for found in front.found:
        if isinstance(found, Absent):
            words_shown = " ".join(shown_word(word) for word, _ in found.words[:8])
            more = f" and {len(found.words) - 8} more" if len(found.words) > 8 else ""
            yield f"    heads {_shape(found.shape)} cannot get all of {words_shown}{more} right (clausal proof)"
    for found in minimal:
        if found.configurations is not None:
            states = f"an automaton of {found.configurations} configurations"
            yield f"    heads {_shape(found.shape)}: right for all lengths ({states})"
        yield from _emitted(found, front, options)


def _emitted(found: Exists, front: HeadFront, options: argparse.Namespace) -> Iterator[str]:
    try:
        emitted = emit(found, front.target, front.scope)
    except UsageError as reason:
        yield f"    heads {_shape(found.shape)}: tables only, {reason}"
        return
    proved = f", proved equal by {', '.join(emitted.proved_by)}" if emitted.proved_by else ""
    yield f"    heads {_shape(found.shape)}: a RASP program, right on all {emitted.run_on} inputs{proved}"
    if options.crosscheck:
        yield f"      {compiled_and_compared(emitted.program, OUTPUT, front.scope)}"
    if options.print:
        yield from ("      " + line for line in emitted.text.splitlines())


def _shape(shape: tuple[int, ...]) -> str:
    return "/".join(map(str, shape)) or "none"


def _target(options: argparse.Namespace, scope: Scope) -> Target:
    if options.regex is not None:
        return of_regex(options.regex, scope, options.every_prefix)
    if options.mealy is not None:
        return _mealy(options.mealy)
    program, sop, name = _loaded(options)
    return OfProgram(name, sop, program.numbers)


def _mealy(path: Path) -> Mealy:
    """A machine: `{"start": s, "steps": {s: {symbol: [s, output]}}, "last_only": false}`."""
    text = read_source(path, MAX_CHARACTERS).text
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise usage(f"{path} is not JSON: {error}") from error
    match found:
        case {"start": str(start), "steps": dict(rows), **rest}:
            steps = {state: dict(_row(row)) for state, row in rows.items()}
            return Mealy(path.name, start, steps, rest.get("last_only") is True)
        case _:
            raise usage(f"{path} is no Mealy machine", hint='{"start": "s", "steps": {"s": {"a": ["s", 0]}}}')


def _row(row: object) -> Iterator[tuple[Atom, tuple[str, Atom]]]:
    if not isinstance(row, dict):
        raise usage("the steps of a state are no object")
    for symbol, step in row.items():
        match step:
            case [str(following), str() | int() | bool() as output]:
                yield symbol, (following, output)
            case _:
                raise usage(f"the step on {symbol!r} is not [state, output]")


def _depth(bound: DepthBound) -> Iterator[str]:
    yield f"  {bound.cls}, whatever the width: {_answer(bound)}"
    if bound.cls.note:
        yield f"    note: {bound.cls.note}"
    if bound.profile:
        shown = ", ".join(f"n={n}: {'-' if least is None else least}" for n, least in bound.profile)
        yield f"    least depth for inputs up to n: {shown}"
    if bound.pairs:
        yield from _pair(bound.cls, bound.pairs[-1])


def _answer(bound: DepthBound) -> str:
    if bound.impossible:
        return "impossible at any depth"
    if bound.least is None:
        return f"layers >= {bound.at_least}; open"
    fewer = "; fewer are not, nor for longer inputs" if bound.pairs else ""
    return f"{counted(bound.least, 'layer is', 'layers are')} enough on this scope{fewer}"


def _pair(cls: Class, pair: Pair) -> Iterator[str]:
    left, right = pair.left, pair.right
    layers = "any number of layers" if pair.forever else counted(pair.depth, "layer")
    yield (
        f"    {layers} cannot tell position {left.position} of {shown_word(left.word)} (output {left.output}) "
        f"from position {right.position} of {shown_word(right.word)} (output {right.output})"
    )
    for depth, (one, other) in enumerate(trace(cls, pair)):
        yield f"      after {depth}: {_row_text(one, left.position, cls)}   |   {_row_text(other, right.position, cls)}"


def _row_text(letters: list[str], position: int, cls: Class) -> str:
    """The colours of a word, with the position in brackets."""
    marked = position + cls.start
    return " ".join(f"[{letter}]" if i == marked else letter for i, letter in enumerate(letters))
