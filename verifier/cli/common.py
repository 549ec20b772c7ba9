"""What the commands share: targets, and the options of a scope."""

import argparse
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeAlias

from spec.elaborate import Program, load_program
from spec.graph import SOp
from spec.property.scope import Scope
from spec.values import Atom, Numbers
from verifier.running.overrides import Overrides, usage
from verifier.running.selection import Target

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_NUMBERS: Final = [numbers.value for numbers in Numbers]


def target(text: str) -> Target:
    """A target as the command line writes it."""
    path, separator, name = text.partition("::")
    if not path or (separator and not name):
        raise usage(f"`{text}` is not FILE or FILE::NAME")
    return Target(Path(path), name or None)


def loaded(options: argparse.Namespace, interning: bool = True) -> tuple[Program, SOp, str]:
    """The s-op that the target names, its program and its name."""
    wanted = target(options.target)
    if wanted.name is None:
        raise usage(f"`{options.target}` names no s-op", hint="write FILE::NAME")
    program = load_program(wanted.path, Numbers(options.numbers or Numbers.EXACT.value), interning=interning)
    return program, program.sop(wanted.name), wanted.name


def positive(given: str) -> int:
    """A number of things, at least one, for argparse."""
    number = int(given)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{given} is not a positive number")
    return number


def seconds(given: str) -> float:
    """A time, for argparse."""
    number = float(given)
    if not 0 < number < 1e7:
        raise argparse.ArgumentTypeError(f"{given} is not a number of seconds")
    return number


def add_numbers(parser: argparse._ActionsContainer, default: str | None) -> None:
    """`--numbers`."""
    parser.add_argument(
        "--numbers", choices=_NUMBERS, default=default, help="rationals, or doubles as the reference computes them"
    )


def add_scope(parser: argparse.ArgumentParser) -> None:
    """The options that narrow or widen a contract's own scope."""
    group = parser.add_argument_group("scope", "in the place of what the contract says")
    group.add_argument("--lengths", metavar="LOW..HIGH", help="lengths of the inputs, e.g. 1..8 or 6")
    group.add_argument("--alphabet", metavar="SYMBOLS", help="characters (abc), or a JSON list of atoms")
    group.add_argument("--integers", metavar="LOW..HIGH", help="integer tokens, e.g. 0..9; `any` for no end")
    add_numbers(group, None)


def overrides(options: argparse.Namespace) -> Overrides:
    """What the scope options ask for."""
    return Overrides(options.lengths, options.alphabet, options.integers, options.numbers)


def symbols(scope: Scope) -> tuple[int | float | str | bool, ...]:
    """The alphabet of a transformer: the symbols of the scope, listed."""
    return tuple(symbol for symbol in scope.symbols if isinstance(symbol, int | float | str))


def shown(values: tuple[Atom, ...]) -> str:
    """A sequence as the prompt prints it: strings bare, booleans T and F, rationals as they are."""
    return "[" + ", ".join(map(_plain, values)) + "]"


def _plain(atom: Atom) -> str:
    match atom:
        case bool():
            return "T" if atom else "F"
        case Fraction() if atom.denominator == 1:
            return f"{atom.numerator}.0"
        case _:
            return str(atom)
