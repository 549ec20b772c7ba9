"""Level 3 of every shipped program, down to weights: the fewest heads, as RASP, as a model that is cross-checked.

For each output of each program: the least shapes of a class whose heads are those of RASP, counts and means of any
values, over tokens alone or, where these do not do, over tokens with indices; on the scope of its contract where that
is small, else on a smaller one. Each program that is found is written as RASP, run on every input and proved equal,
compiled from its own schedule, certified and compared on every input; then the layers and heads of the model are
compared with those that were claimed. The exit code is 1 when a claim is not met or a certificate rejected. What has no
answer is listed with the reason.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Final

from spec.cost import TRANSFORMER
from spec.diagnostics import UsageError
from spec.elaborate import Program
from spec.property.scope import Scope
from spec.values import Numbers
from verifier.bounds.certificate import Document
from verifier.bounds.depth import points
from verifier.bounds.emit import emit
from verifier.bounds.heads import parse_head_class
from verifier.bounds.synthesis import Exists, fewest_heads, shape_text
from verifier.bounds.target import OfProgram
from verifier.bounds.written import as_written
from verifier.cli.compile import Met, met
from verifier.cli.program_bounds import finite
from verifier.recheck.files import recheck
from verifier.running.selection import usual_scope
from verifier.running.subject import Subject

PROGRAMS: Final = Path(__file__).resolve().parents[1] / "spec" / "programs"
FEW_POINTS: Final = 2_000
"""The scope of a contract is looked at whole up to so many positions of inputs."""
LENGTH: Final = 3
LENGTH_OF_TWO: Final = 4
SYMBOLS: Final = 3
LAYERS: Final = 2
HEADS: Final = 3


@dataclass(frozen=True)
class Row:
    """One answer: `shape` is what is claimed, `model` what was compiled, `why` there is none or it is not met."""

    program: str
    output: str
    scope: Scope
    cls: str = ""
    shape: str = ""
    model: str = ""
    inputs: int = 0
    why: str = ""
    wrong: bool = False


def names() -> list[str]:
    """Every shipped program, by its path."""
    return sorted(str(path.relative_to(PROGRAMS).with_suffix("")) for path in PROGRAMS.rglob("*.rasp"))


def rows(name: str, seconds: float = 10.0) -> Iterator[Row]:
    """What there is to say about each output of a program."""
    subject = Subject.load(PROGRAMS / f"{name}.rasp")
    program = subject(None, Numbers.EXACT)
    whole = finite(usual_scope(subject), program)
    scopes = [scope for scope in _scopes(whole) if 0 < points(scope) <= FEW_POINTS]
    for output in program.sops():
        if output.startswith("_"):
            continue
        if not scopes:
            yield Row(name, output, whole, why="no scope is small enough")
        for scope in scopes:
            found = list(_of_output(name, output, program, scope, seconds))
            yield from found
            if any(row.model for row in found):
                break


def _scopes(whole: Scope) -> Iterator[Scope]:
    """The whole one, then smaller ones; of two symbols longer inputs are few, too."""
    yield whole
    # The last symbol of an alphabet often has a part of its own: a sign, a mark, a blank.
    few = tuple(dict.fromkeys((*whole.symbols[: SYMBOLS - 1], whole.symbols[-1])))
    for high in (LENGTH_OF_TWO, LENGTH) if len(few) == 2 else (LENGTH,):
        if whole.high is None or high < whole.high:
            yield replace(whole, low=min(whole.low, high), high=high, alphabet=few)


def _of_output(name: str, output: str, program: Program, scope: Scope, seconds: float) -> Iterator[Row]:
    """Tokens alone, then with indices."""
    target = OfProgram(output, program.sop(output), Numbers.EXACT)
    values = max(2, min(len(scope.symbols), SYMBOLS))
    for indices in ("", "+indices"):
        cls = parse_head_class(f"count,mean:{values}/all{indices}")
        front = fewest_heads(cls, target, scope, LAYERS, HEADS, seconds)
        row = Row(name, output, scope, str(cls))
        document = Document()
        document.heads(front)
        rejected = [one for one in recheck(document.text()) if not one.accepted]
        if rejected:
            yield replace(row, why=f"{rejected[0].claim}: {rejected[0].detail}", wrong=True)
        for found in front.minimal:
            yield _compiled(replace(row, shape=shape_text(found.shape)), found, target)
        if front.open:
            left = ", ".join(shape_text(one.shape) for one in front.open)
            yield replace(row, why=f"open within {seconds:.0f} s: {left}")
        elif not front.minimal:
            yield replace(row, why=f"none of {LAYERS} layers and {HEADS} heads")
        if front.minimal:
            break


def _compiled(row: Row, found: Exists, target: OfProgram) -> Row:
    """The program as RASP and as weights."""
    try:
        emitted = emit(found, target, row.scope)
    except UsageError as reason:
        return replace(row, why=str(reason))
    if not emitted.proved_by:
        return replace(row, why="equality was not proved", wrong=True)
    front = as_written([emitted.output], TRANSFORMER)
    made = met(front, front.widths.steps[0], row.scope)
    if not isinstance(made, Met):
        return replace(row, why=made, wrong=True)
    row = replace(row, model=f"{made.layers}: {shape_text(made.heads)}", inputs=made.compared)
    if made.exhaustive_to < (row.scope.high or 0):
        return replace(row, why=f"not every input was compared, only up to {made.exhaustive_to}", wrong=True)
    return row if as_claimed(made, found) else replace(row, why="the model is larger", wrong=True)


def as_claimed(made: Met, found: Exists) -> bool:
    """Whether the model has the layers and heads of the shape.

    With indices one layer without heads may come first, for the joint state of token and index.
    """
    joint = found.tables.cls.indices
    layers = made.heads[1:] if joint and made.layers > len(found.shape) and made.heads[0] == 0 else made.heads
    return layers == found.shape


def main(arguments: list[str]) -> int:
    """Print a row for each answer; the exit code says whether every claim was met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks synthesised")
    parser.add_argument("programs", nargs="*", help="paths below spec/programs, e.g. paper/sort; all without any")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to search for each shape")
    options = parser.parse_args(arguments)
    begun = process_time()
    print("| program | scope | class | heads | model: layers, heads | inputs | |")
    print("|---|---|---|---|---|---:|---|")
    found: list[Row] = []
    for name in options.programs or names():
        for row in rows(name, options.seconds):
            found.append(row)
            print(_line(row), flush=True)
    _summary(found, process_time() - begun)
    return 1 if any(row.wrong for row in found) else 0


def _line(row: Row) -> str:
    scope = f"n = {row.scope.low}..{row.scope.high}, {len(row.scope.symbols)} symbols"
    cells = (f"{row.program}::{row.output}", scope, row.cls, row.shape, row.model, str(row.inputs), row.why)
    return f"| {' | '.join(cells)} |"


def _summary(found: Sequence[Row], spent: float) -> None:
    met_ones = [row for row in found if not row.why]
    outputs = {(row.program, row.output) for row in found}
    answered = {(row.program, row.output) for row in met_ones}
    print(
        f"\n{len({row.program for row in found})} programs, {len(outputs)} outputs: {len(answered)} with a model that"
    )
    print(f"meets level 3, of {len(met_ones)} shapes; {spent:.0f} s")
    for why, times in Counter(row.why for row in found if row.why).items():
        print(f"{times} x {why}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
