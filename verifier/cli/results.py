"""`rasp config`, `replay`, `diff`, `merge`: what can be done with settings and with results that are there already."""

import argparse
import os
import sys
from pathlib import Path

from verifier import api
from verifier.cli.check import add_configuration
from verifier.cli.common import Commands, add_numbers, target
from verifier.engine import Word
from verifier.report import text
from verifier.report.compare import FORMATS, compare, shown
from verifier.report.document import Document, read_document
from verifier.report.formats import output, write
from verifier.report.merge import merge
from verifier.running.config import KEYS, resolve
from verifier.running.overrides import usage, word
from verifier.verdict import Exit, Refuted


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    config = commands.add_parser("config", help="show the settings that are in force", allow_abbrev=False)
    config.add_argument("--explain", action="store_true", help="say where each comes from")
    add_configuration(config)
    config.set_defaults(handler=_config)
    replay = commands.add_parser("replay", help="evaluate counterexamples once more", allow_abbrev=False)
    replay.add_argument("target", metavar="RESULT.json|FILE::PROPERTY")
    replay.add_argument("input", metavar="INPUT", nargs="?", help="characters, or a JSON list of atoms")
    add_numbers(replay, None)
    replay.set_defaults(handler=_replay)
    diff = commands.add_parser("diff", help="what changed between two results", allow_abbrev=False)
    diff.add_argument("base", type=Path, metavar="BASE.json")
    diff.add_argument("head", type=Path, metavar="HEAD.json")
    diff.add_argument("--format", choices=FORMATS, default="text", help="how it is printed")
    diff.set_defaults(handler=_diff)
    joined = commands.add_parser("merge", help="join the results of all shards", allow_abbrev=False)
    joined.add_argument("parts", type=Path, nargs="+", metavar="PART.json")
    joined.add_argument("-o", "--output", action="append", default=[], metavar="[FORMAT:]FILE", help="write it there")
    joined.set_defaults(handler=_merge)


def _config(options: argparse.Namespace) -> int:
    resolved = resolve(dict.fromkeys(KEYS), profile=options.profile, file=options.config)
    for line in resolved.explained():
        print(line if options.explain else line.partition("  #")[0].rstrip())
    return Exit.EXPECTED


def _replay(options: argparse.Namespace) -> int:
    """1 when a counterexample still is one."""
    if options.input is None and "::" in options.target and not os.path.exists(options.target):
        raise usage(f"there is no input on which to evaluate `{options.target}`", hint="write FILE::PROPERTY INPUT")
    if options.input is None:
        return _replay_all(read_document(Path(options.target)))
    wanted = target(options.target)
    if wanted.name is None:
        raise usage(f"`{options.target}` names no property", hint="write FILE::PROPERTY INPUT")
    return _replay_one(str(wanted.path), wanted.name, word(options.input), options.numbers)


def _replay_all(document: Document) -> int:
    codes = [
        _replay_one(result.file, result.name, found.word, result.scope.numbers.value)
        for result in document.ordered
        if isinstance(result.verdict, Refuted) and (found := result.verdict.witness) is not None
    ]
    print(f"{text.counted(len(codes), 'counterexample')}, {sum(map(bool, codes))} of them still failing")
    return max(codes, default=int(Exit.EXPECTED))


def _replay_one(path: str, name: str, tokens: Word, numbers: str | None) -> int:
    try:
        claimed = api.load(path).replay(name, tokens, numbers=numbers)
    except api.CounterexampleError as error:
        print(f"{path}::{name}\n{error}")
        return Exit.REFUTED
    said = "holds on" if claimed else "claims nothing about"
    print(f"{path}::{name}\n{said} {text.word_text(tokens)}")
    return Exit.EXPECTED


def _diff(options: argparse.Namespace) -> int:
    """1 when something got worse."""
    changes = compare(read_document(options.base), read_document(options.head))
    sys.stdout.write(shown(changes, options.format))
    return Exit.REFUTED if any(change.worse for change in changes) else Exit.EXPECTED


def _merge(options: argparse.Namespace) -> int:
    whole = merge([read_document(path) for path in options.parts])
    write(whole, tuple(output(given, "json") for given in options.output))
    for line in text.summary(whole):
        print(line)
    return Exit.INTERNAL if whole.exit is None else whole.exit
