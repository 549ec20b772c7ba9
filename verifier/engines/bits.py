"""Bitwuzla on the formula that z3 gets, over bit-vectors: a second opinion without a theory of numbers or our gates.

It shares the formula with z3 and cvc5, and with `sat` the search at the end (CaDiCaL). Bitwuzla is optional:
without it, or where numbers have no ends, it is undecided. What limits it is time.
"""

import importlib.util
from dataclasses import dataclass
from typing import Any, Final

from verifier.encodings import bits
from verifier.encodings.formula import Encoder, formula_of
from verifier.encodings.kinded import Unsupported
from verifier.encodings.words import Box
from verifier.engine import Answer, Evidence, Limits, Query, Reason, Sat, Session, Undecided, Unsat, Word

NAME: Final = "bitwuzla"


@dataclass(frozen=True)
class Bits:
    """The engine."""

    name: str = NAME

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Build the formula."""
        if importlib.util.find_spec(NAME) is None:
            return Undecided(Reason.UNSUPPORTED, f"{NAME} is not installed")
        encoder = formula_of(query, limits)
        return encoder if isinstance(encoder, Undecided) else _Session(limits, encoder)


BITS: Final = Bits()


@dataclass(frozen=True)
class _Session:
    limits: Limits
    encoder: Encoder

    def check(self, box: Box | None = None, other_than: Word | None = None) -> Answer:
        try:
            text = bits.smtlib(self.encoder, self.encoder.narrowed(box, other_than))
        except Unsupported as reason:
            return Undecided(Reason.UNSUPPORTED, str(reason))
        status, values, release = _solve(text, max(1, int(self.limits.wall_s * 1000)))
        if status == "unsat":
            return Unsat(Evidence(NAME, f"{NAME} {release}"))
        if status == "sat":
            return Sat(self.encoder.word(values))
        return Undecided(Reason.WALL, f"{NAME}: {status}")


def _solve(text: str, milliseconds: int) -> tuple[str, dict[str, bool | int], str]:
    """What it says, the values of the variables where it says `sat`, and the version."""
    import bitwuzla

    options: Any = bitwuzla.Options()
    options.set(bitwuzla.Option.PRODUCE_MODELS, True)
    options.set(bitwuzla.Option.TIME_LIMIT_PER, milliseconds)
    parser: Any = bitwuzla.Parser(bitwuzla.TermManager(), options)
    parser.parse(text, True, False)
    solver = parser.bitwuzla()
    status = str(solver.check_sat())
    values: dict[str, bool | int] = {}
    if status == "sat":
        for variable in parser.get_declared_funs():
            value = solver.get_value(variable).value()
            values[variable.symbol()] = value if isinstance(value, bool) else _signed(value)
    return status, values, bitwuzla.version()


def _signed(digits: str) -> int:
    """The integer of these binary digits, in two's complement."""
    return int(digits, 2) - (int(digits[0]) << len(digits))
