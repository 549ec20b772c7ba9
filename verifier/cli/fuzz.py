"""`rasp fuzz`: random inputs, longer ones than proofs reach."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker
from spec.source import printable
from verifier.cli.common import Commands, add_scope, overrides, positive, seconds, target
from verifier.cli.outcome import print_result
from verifier.engine import Reason
from verifier.fuzz import Fuzzed, about_inputs, beyond, fuzz
from verifier.report import text
from verifier.report.counterexample import counterexample
from verifier.report.regression import save_tests
from verifier.report.result import Result
from verifier.running.jobs import describe
from verifier.running.selection import files, select
from verifier.running.subject import Subject
from verifier.verdict import Exit, Refuted, Unknown, Witness

_ABOUT = """Random inputs for every property that inputs can break, up to twice as long as its contract says, or of the
lengths that are asked for. Each is evaluated by the interpreter; short ones are also evaluated as the term that
the engines would get. That nothing was found is no proof."""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("fuzz", help="try random inputs, longer ones than proofs reach", description=_ABOUT)
    parser.add_argument("targets", metavar="TARGET", nargs="+", help="FILE, FOLDER, FILE::PROPERTY or FILE::S-OP")
    parser.add_argument("--inputs", type=positive, default=1000, metavar="N", help="inputs for a property (1000)")
    parser.add_argument("--seconds", type=seconds, default=10.0, metavar="S", help="for a property (10)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other inputs (0)")
    parser.add_argument("--save-tests", type=Path, metavar="FOLDER", help="write a test for each input that was found")
    add_scope(parser)
    parser.set_defaults(handler=_fuzz)


def _fuzz(options: argparse.Namespace) -> int:
    """1 when an input breaks a property, 3 when one could not be tried, 5 without a property."""
    codes: list[int] = []
    found: list[Result] = []
    for path, bound in _properties(options):
        made = fuzz(bound, options.seed, options.inputs, options.seconds)
        result = _result(path, made)
        if result is None:
            print(_nothing(path, made))
            codes.append(Exit.EXPECTED if made.met else Exit.UNKNOWN)
        else:
            print_result(result, verbose=True)
            found.append(result)
            codes.append(result.exit)
    if options.save_tests is not None:
        for saved in save_tests(found, options.save_tests):
            print(f"saved {saved}")
    print(_last(codes, len(found)))
    return (
        next((code for code in (Exit.REFUTED, Exit.UNKNOWN) if code in codes), Exit.EXPECTED) if codes else Exit.NOTHING
    )


def _properties(options: argparse.Namespace) -> Iterator[tuple[str, BoundProperty]]:
    for wanted in dict.fromkeys(files([target(given) for given in options.targets])):
        for bound in select(Subject.load(wanted.path), wanted.name, overrides(options)):
            if about_inputs(bound):
                yield str(wanted.path), bound if options.lengths else beyond(bound)


def _result(path: str, made: Fuzzed) -> Result | None:
    """What was found as the result that `rasp check` would print."""
    if made.found is None:
        return None
    word = made.found.word
    explanation = Checker(made.bound).check(word).explanation
    at = None if explanation is None else explanation.position
    witness = Witness(word, "evaluates to false" if explanation is None else str(explanation), at)
    return describe(path, made.bound, Refuted(witness), shown=counterexample(made.bound, witness))


def _nothing(path: str, made: Fuzzed) -> str:
    prop = made.bound.property
    tried = f"{text.counted(made.tried, 'input')} of {text.bound_text(prop.scope.short)}"
    met = f", {made.met} met the preconditions" if prop.requires else ""
    result = describe(path, made.bound, Unknown(Reason.UNSUPPORTED, "not asked"))
    compared = f", {made.compared} compared with the engines' terms" if made.compared else ""
    line = "NOTHING FOUND" if made.met else "NOTHING TRIED"
    return f"{line:<18} {printable(result.place)}:{result.line}  {printable(result.name)}  ({tried}{met}{compared})"


def _last(codes: list[int], found: int) -> str:
    if not codes:
        return "NOTHING SELECTED"
    if Exit.REFUTED in codes:
        return f"FAILED: {text.counted(found, 'property is', 'properties are')} broken"
    if Exit.UNKNOWN in codes:
        return "NOTHING FOUND, and for some properties no input met the preconditions"
    return "NOTHING FOUND, which is no proof"
