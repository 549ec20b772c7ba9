"""`rasp run` and `rasp repl`: what a program computes on one input."""

import argparse
import sys

from spec import repl
from spec.diagnostics import EvaluationError
from spec.elaborate import load_program
from spec.interp import evaluate
from spec.property.ast import MAX_WORD
from spec.source import printable
from spec.values import Numbers
from verifier.cli.common import Commands, add_numbers, shown, target
from verifier.running.overrides import usage, word
from verifier.verdict import Exit


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    run = commands.add_parser("run", help="the values of an s-op on one input", allow_abbrev=False)
    run.add_argument("target", metavar="FILE[::NAME]", help="an s-op, or a file for all that it defines")
    run.add_argument("input", metavar="INPUT", help="characters, or a JSON list of atoms")
    add_numbers(run, Numbers.EXACT.value)
    run.set_defaults(handler=_run)
    repl = commands.add_parser("repl", help="the interactive prompt of the reference", allow_abbrev=False)
    repl.set_defaults(handler=_repl)


def _run(options: argparse.Namespace) -> int:
    wanted, tokens = target(options.target), word(options.input)
    if len(tokens) > MAX_WORD:
        raise usage(f"the input has {len(tokens)} tokens, more than {MAX_WORD}")
    numbers = Numbers(options.numbers)
    program = load_program(wanted.path, numbers)
    if wanted.name is not None:
        sop = program.sop(wanted.name)
        print(printable(shown(evaluate([sop], tokens, numbers, program.graph.spans).values[sop])))
        return Exit.EXPECTED
    public = {name: node for name, node in program.sops().items() if not name.startswith("_")}
    if not public:
        raise usage(f"{wanted.path} defines no s-op")
    failed = False
    for name, node in public.items():
        try:
            values = shown(evaluate([node], tokens, numbers, program.graph.spans).values[node])
            print(f"{name} = {printable(values)}")
        except EvaluationError as error:
            failed = True
            print(error.render(), file=sys.stderr)
    return Exit.USAGE if failed else Exit.EXPECTED


def _repl(_options: argparse.Namespace) -> int:
    return repl.main()
