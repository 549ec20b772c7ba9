"""`rasp lint`: everything that can be said about a file without deciding anything."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from spec.diagnostics import Diagnostic, RaspError
from spec.lint import lint
from spec.values import Numbers
from verifier.cli.common import Commands, target
from verifier.running.selection import Target, files
from verifier.running.subject import Subject
from verifier.verdict import Exit


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    parser = commands.add_parser("lint", help="check syntax and contracts, prove nothing", allow_abbrev=False)
    parser.add_argument("targets", metavar="TARGET", nargs="+", help="FILE or FOLDER")
    parser.add_argument("--strict", action="store_true", help="take warnings for errors")
    parser.set_defaults(handler=_lint)


def _lint(options: argparse.Namespace) -> int:
    wrong = False
    for path in programs(target(given) for given in options.targets):
        try:
            for warning in _warnings(path):
                wrong |= options.strict
                print(warning.render(), file=sys.stderr)
        except RaspError as error:
            wrong = True
            print(error.render(), file=sys.stderr)
    return Exit.USAGE if wrong else Exit.EXPECTED


def programs(targets: Iterable[Target]) -> list[Path]:
    """The programs that targets name, each once."""
    return list(dict.fromkeys(one.path for one in files(targets)))


def _warnings(path: Path) -> Iterator[Diagnostic]:
    subject = Subject.load(path)
    program = subject(None, Numbers.EXACT)
    yield from program.warnings
    yield from lint(program.statements)
    for contract in subject.bound():
        yield from contract.warnings
