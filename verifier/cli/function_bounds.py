"""`rasp bounds`, level 3: the least depth of any transformer, and the fewest heads of any program, of a class."""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from spec.cost import TRANSFORMER
from spec.diagnostics import UsageError
from spec.property.scope import Scope
from spec.reader import read_source
from spec.values import Atom
from verifier.bounds.certificate import Document
from verifier.bounds.classes import Class, parse_class
from verifier.bounds.depth import DepthBound, Pair, least_depth, shown_word, trace
from verifier.bounds.emit import emit
from verifier.bounds.growth import grown, profile
from verifier.bounds.heads import parse_head_class
from verifier.bounds.summary import Json, depth_json, heads_json
from verifier.bounds.synthesis import Absent, Exists, HeadFront, Shape, fewest_heads, shape_text
from verifier.bounds.target import Mealy, OfProgram, Target, of_regex
from verifier.bounds.written import as_written
from verifier.cli.common import overrides
from verifier.cli.compile import compiled_from
from verifier.cli.program_bounds import Named
from verifier.recheck.shapes import MAX_CHARACTERS
from verifier.report.progress import Steps
from verifier.report.text import counted
from verifier.running.overrides import usage

DEFAULT_CLASSES: Final = ("rightmost/past", "hard/past,future", "average/all", "count/all")


def of_function(
    options: argparse.Namespace, about: Named | None, document: Document, summary: list[Json]
) -> tuple[list[str], bool]:
    """What is printed, and whether everything was decided; the certificates go into the document."""
    wanted, scope = _target(options, about)
    lines = [f"{wanted.name}: any program of a class; {scope}"]
    fronts: list[HeadFront] = []
    bounds: list[DepthBound] = []
    with Steps() as steps:
        for head_class in map(parse_head_class, options.head_classes or ()):
            front = fewest_heads(
                head_class, wanted, scope, options.most_layers, options.most_heads, options.seconds, steps.tell
            )
            fronts.append(grown(front, options.seconds, steps.tell))
            document.heads(fronts[-1])
        for cls in map(parse_class, options.classes or (() if options.head_classes else DEFAULT_CLASSES)):
            steps.tell(f"{cls}, {scope}")
            bounds.append(least_depth(cls, wanted, scope, seconds=options.seconds))
            document.depth(bounds[-1])
        for front in fronts:
            lines.extend(_heads(front, options, steps.tell))
    for bound in bounds:
        lines.extend(_depth(bound))
    summary.extend([*map(heads_json, fronts), *map(depth_json, bounds)])
    complete = not any(front.open for front in fronts)
    return lines, complete and all(bound.least is not None or bound.impossible for bound in bounds)


# ------------------------------------------------------------------------------------------------ heads


def _heads(front: HeadFront, options: argparse.Namespace, tell: Callable[[str], None]) -> Iterator[str]:
    minimal = front.minimal
    shown = " or ".join(shape_text(found.shape) for found in minimal) or "none found"
    left = ", ".join(f"{shape_text(found.shape)} within {found.seconds:.3g} s" for found in front.open)
    tight = f"; open: {left}" if left else ""
    yield f"  {front.cls}: heads {shown}, of at most {options.most_layers} layers and {options.most_heads} heads{tight}"
    yield f"    least heads for inputs up to n: {', '.join(f'n={n}: {_cell(*rest)}' for n, *rest in profile(front))}"
    for found in front.found:
        if isinstance(found, Absent):
            words_shown = " ".join(shown_word(word) for word, _ in found.words[:8])
            more = f" and {len(found.words) - 8} more" if len(found.words) > 8 else ""
            yield f"    heads {shape_text(found.shape)} cannot get all of {words_shown}{more} right (clausal proof)"
    for found in minimal:
        if found.configurations is not None:
            states = f"an automaton of {found.configurations} configurations"
            yield f"    heads {shape_text(found.shape)}: right for all lengths ({states})"
        if len(front.cls.kinds) > 1 and found.shape:
            yield f"    heads {shape_text(found.shape)}: {_kinds(found)}"
        tell(f"{front.cls}, heads {shape_text(found.shape)} as RASP")
        yield from _emitted(found, front, options)


def _kinds(found: Exists) -> str:
    """What each head of each layer is."""
    layers = (", ".join(str(head.kind) for head in heads) for heads in found.tables.heads)
    return "; then ".join(layers)


def _cell(least: tuple[Shape, ...], unknown: tuple[Shape, ...]) -> str:
    """`1/1 or 3`, `- (open: 1/1)`."""
    shown = " or ".join(map(shape_text, least)) or "-"
    return shown + (f" (open: {', '.join(map(shape_text, unknown))})" if unknown else "")


def _emitted(found: Exists, front: HeadFront, options: argparse.Namespace) -> Iterator[str]:
    try:
        emitted = emit(found, front.target, front.scope)
    except UsageError as reason:
        yield f"    heads {shape_text(found.shape)}: tables only, {reason}"
        return
    proved = f", proved equal by {', '.join(emitted.proved_by)}" if emitted.proved_by else ""
    yield f"    heads {shape_text(found.shape)}: a RASP program, right on all {emitted.run_on} inputs{proved}"
    if options.crosscheck:
        written = as_written([emitted.output], TRANSFORMER, seconds=options.seconds)
        step = written.widths.steps[0]
        needs = f"as a transformer {counted(step.layers, 'layer')}, heads {'/'.join(map(str, step.heads)) or 'none'}"
        yield f"      {needs}: {compiled_from(written, step, front.scope)}"
    if options.print:
        yield from ("      " + line for line in emitted.text.splitlines())


# ------------------------------------------------------------------------------------------------ targets


def _target(options: argparse.Namespace, about: Named | None) -> tuple[Target, Scope]:
    """The function, and the scope on which it is asked for: a program's own, where the options name no other."""
    if about is not None:
        return OfProgram(about.name, about.sop, about.program.numbers), about.scope
    scope = overrides(options).apply(Scope(1, 6, ("a", "b")))
    if options.regex is not None:
        return of_regex(options.regex, scope, options.every_prefix), scope
    return _mealy(options.mealy), scope


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


# ------------------------------------------------------------------------------------------------ depth


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
        among = f", with {bound.looked_at} of the inputs looked at" if bound.looked_at is not None else ""
        return f"layers >= {bound.at_least}, for longer inputs too; open{among}"
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
