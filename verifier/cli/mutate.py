"""`rasp mutate`: which small changes of a program none of its properties notices."""

import argparse
from pathlib import Path
from typing import assert_never

from spec.source import printable
from verifier.cli.check import add_engine, options_of, settings_of
from verifier.cli.common import Commands, add_scope
from verifier.mutate import Killed, Mutant, Stillborn, Survived, fate, judge, mutants
from verifier.report.text import word_text
from verifier.running.subject import Subject
from verifier.verdict import Exit


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    parser = commands.add_parser(
        "mutate", help="find changes of a program that its contract does not notice", allow_abbrev=False
    )
    parser.add_argument("path", metavar="FILE", type=Path)
    parser.add_argument("-v", "--verbose", action="store_true", help="show also what notices the other changes")
    add_scope(parser)
    parser.add_argument("--max-length", type=int, metavar="N", help="leave longer inputs out")
    add_engine(parser)
    parser.set_defaults(handler=_mutate)


def _mutate(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    subject, deciding = Subject.load(options.path), options_of(settings)
    own = judge(subject, settings.overrides, deciding)
    if not isinstance(own, Survived):
        print(f"{options.path} does not keep its own contract: {_because(own)}")
        return Exit.REFUTED
    total = killed = 0
    for mutant in mutants(subject.source):
        found = fate(mutant, subject, settings.overrides, deciding)
        total += 1
        killed += not isinstance(found, Survived)
        if isinstance(found, Survived) or options.verbose:
            print(f"{_change(mutant)}: {_because(found)}")
    print(f"{total} changes, {killed} noticed, {total - killed} not")
    return Exit.EXPECTED


def _change(mutant: Mutant) -> str:
    before = " ".join(mutant.span.text.split())
    return f"{printable(mutant.span.location)}: `{printable(before)}` becomes `{printable(mutant.becomes)}`"


def _because(found: Killed | Stillborn | Survived) -> str:
    match found:
        case Killed(by=name, witness=witness):
            at = "" if witness is None else f" at {word_text(witness.word)}"
            return f"noticed by {printable(name)}{at}"
        case Stillborn(reason=reason):
            return f"refused: {printable(reason)}"
        case Survived(undecided=undecided):
            return "no property notices" + (f"; undecided: {printable(', '.join(undecided))}" if undecided else "")
    assert_never(found)
