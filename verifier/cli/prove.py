"""`rasp prove`, `rasp equiv`, `rasp find`: one question asked on the command line instead of in a contract."""

import argparse
import os
import sys
from dataclasses import replace

from spec.diagnostics import InternalError
from spec.source import printable
from verifier.cli.check import add_engine, options_of, print_result, settings_of
from verifier.cli.common import Commands, add_scope, positive, target
from verifier.engine import Listing
from verifier.listing import MOST
from verifier.report.result import Result
from verifier.report.text import word_text
from verifier.running.jobs import Job
from verifier.running.overrides import usage
from verifier.running.supervise import Planned, run
from verifier.verdict import Exit, Proved, Refuted


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    prove = commands.add_parser("prove", help="decide one property of a program", allow_abbrev=False)
    prove.add_argument("target", metavar="FILE")
    prove.add_argument("property", metavar="PROPERTY", help="an expression, or a clause such as `causal x`")
    prove.set_defaults(handler=_prove)
    equiv = commands.add_parser("equiv", help="compare two s-ops on every input", allow_abbrev=False)
    equiv.add_argument("left", metavar="FILE::S-OP")
    equiv.add_argument("right", metavar="FILE::S-OP")
    equiv.set_defaults(handler=_equiv)
    find = commands.add_parser("find", help="find an input with a property", allow_abbrev=False)
    find.add_argument("target", metavar="FILE")
    find.add_argument("property", metavar="EXPRESSION")
    more = find.add_mutually_exclusive_group()
    more.add_argument("--count", type=positive, metavar="N", default=1, help="show so many inputs, the shortest first")
    more.add_argument("--all", action="store_true", help=f"show every input in scope, {MOST} at most")
    find.set_defaults(handler=_find)
    for parser in (prove, equiv, find):
        parser.add_argument("--requires", metavar="EXPRESSION", action="append", default=[], help="a precondition")
        add_scope(parser)
        add_engine(parser)


_CLAUSES = ("ensures", "equiv", "accepts", "invariant", "equivariant", "causal", "cover", "example", "arch")


def _prove(options: argparse.Namespace) -> int:
    text: str = options.property
    clause = text if text.split(maxsplit=1)[:1] and text.split(maxsplit=1)[0] in _CLAUSES else f"ensures {text}"
    result = _decide(options, options.target, clause)
    print_result(result, verbose=True)
    return result.exit


def _equiv(options: argparse.Namespace) -> int:
    left, right = target(options.left), target(options.right)
    if left.name is None or right.name is None:
        raise usage("`rasp equiv` compares two s-ops", hint="write FILE::S-OP FILE::S-OP")
    path = os.path.relpath(right.path, left.path.parent)
    clause = f'equiv same: {left.name} == "{path}"::{right.name}'
    result = _decide(options, str(left.path), clause, (str(right.path.resolve()),))
    print_result(result, verbose=True)
    return result.exit


def _find(options: argparse.Namespace) -> int:
    wanted = MOST + 1 if options.all else options.count
    result = _decide(options, options.target, f"cover found: {options.property}", witnesses=wanted)
    match result.verdict:
        case Proved(witness=witness, others=others) if witness is not None:
            print(word_text(witness.word))
            return Exit.EXPECTED if others is None else _others(others, result)
        case Refuted():
            print(f"no input: {result.scope}")
        case _:
            print_result(result, verbose=True)
    return result.exit


def _others(others: Listing, result: Result) -> int:
    """The inputs after the first; 3 where not all that were asked for could be found."""
    for word in others.words:
        print(word_text(word))
    if others.complete:
        print(f"no other input: {result.scope}", file=sys.stderr)
    elif others.stopped:
        print(f"there may be others: {printable(others.stopped)}", file=sys.stderr)
        return Exit.UNKNOWN
    return Exit.EXPECTED


def _decide(
    options: argparse.Namespace, path: str, clause: str, others: tuple[str, ...] = (), witnesses: int = 1
) -> Result:
    """The result for one clause, under the scope of the file's own contract where the options leave it open."""
    where = target(path)
    if where.name is not None:
        raise usage(f"`{path}`: name the s-op inside the property", hint=f"write {where.path} 'all(x == y)'")
    if any("\n" in part or "\r" in part for part in (*options.requires, clause)):
        raise usage("a property and a precondition are one line each")
    text = "\n".join([*(f"requires {condition}" for condition in options.requires), clause])
    settings = settings_of(options)
    how = replace(options_of(settings), witnesses=witnesses)
    job = Job(str(where.path), None, None, settings.overrides, how, text, others)
    properties = job.select()
    if len(properties) != 1:
        raise usage(f"this is {len(properties)} properties; state one")
    results = run([Planned(job, properties)], 1, settings.allowance, lambda _: None)
    if len(results) != 1:
        raise InternalError(f"one property gave {len(results)} results")
    return results[0]
