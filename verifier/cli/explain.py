"""`rasp explain`: a program, or a property, at each stage of its way through this tool."""

import argparse
from typing import Final

from spec.elaborate import Program, load_program
from spec.graph import Node
from spec.serialize import dumps
from spec.show import dot, listing
from spec.unparse import dump
from spec.values import Numbers
from verifier.cli.common import Commands, add_numbers, target
from verifier.cli.queries import QUERIES, query_lines
from verifier.running.overrides import usage
from verifier.verdict import Exit

_FORMS: Final = ("ast", "graph", "dot", "json")


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    explain = commands.add_parser("explain", help="show a program's syntax tree or graph", allow_abbrev=False)
    explain.add_argument("target", metavar="FILE[::NAME]")
    explain.add_argument("--emit", choices=[*_FORMS, *QUERIES], default="graph", help="which form")
    explain.add_argument("--length", type=int, metavar="N", help="smt, cnf: of inputs of this length (the shortest)")
    add_numbers(explain, None)
    explain.set_defaults(handler=_explain)


def _explain(options: argparse.Namespace) -> int:
    wanted = target(options.target)
    if options.emit in QUERIES:
        print("\n".join(query_lines(wanted, options.emit, options.length, options.numbers)))
        return Exit.EXPECTED
    program = load_program(wanted.path, Numbers(options.numbers or Numbers.EXACT.value))
    print(_emit(program, wanted.name, options.emit))
    return Exit.EXPECTED


def _emit(program: Program, name: str | None, form: str) -> str:
    if form == "ast":
        return dump(program.statements)
    outputs = _outputs(program, name)
    if form == "json":
        return dumps(program.graph, outputs)
    return dot(outputs, program.graph.spans) if form == "dot" else listing(outputs, program.graph.spans)


def _outputs(program: Program, name: str | None) -> dict[str, Node]:
    if name is not None:
        return {name: program.sop(name)}
    public: dict[str, Node] = {n: node for n, node in program.sops().items() if not n.startswith("_")}
    if not public:
        raise usage(f"{program.source.name} defines no s-op")
    return public
