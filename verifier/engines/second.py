"""cvc5 on the formula that z3 gets, as SMT-LIB text: a second opinion on integers and rationals.

The two share the formula and nothing of the solving. cvc5 is optional: without it, or where it cannot read the text, it
is undecided. What limits it is time.
"""

import importlib.util
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from verifier.encodings.formula import Encoder, formula_of
from verifier.encodings.words import Box
from verifier.engine import Answer, Evidence, Limits, Query, Reason, Sat, Session, Undecided, Unsat, Word

NAME: Final = "cvc5"
_VALUE: Final = re.compile(r"\(\|?(x\d+(?:\.\d+)?)\|? (true|false|\d+|\(- \d+\))\)")


@dataclass(frozen=True)
class Second:
    """The engine."""

    name: str = NAME

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Build the formula."""
        if importlib.util.find_spec(NAME) is None:
            return Undecided(Reason.UNSUPPORTED, "cvc5 is not installed")
        encoder = formula_of(query, limits)
        return encoder if isinstance(encoder, Undecided) else _Session(limits, encoder)


SECOND: Final = Second()


@dataclass(frozen=True)
class _Session:
    limits: Limits
    encoder: Encoder

    def check(self, box: Box | None = None, other_than: Word | None = None) -> Answer:
        text = self.encoder.smtlib(self.encoder.narrowed(box, other_than))
        try:
            status, values, release = _solve(text, max(1, int(self.limits.wall_s * 1000)))
        except RuntimeError as error:  # of all its errors this is the root
            return Undecided(Reason.SOLVER, f"cvc5: {error}")
        if status == "unsat":
            return Unsat(Evidence(NAME, f"cvc5 {release}"))
        if status == "sat":
            return Sat(self.encoder.word({name: _value(text) for name, text in values.items()}))
        return Undecided(Reason.WALL if "timeout" in status.lower() else Reason.SOLVER, f"cvc5: {status}")


def _solve(text: str, milliseconds: int) -> tuple[str, dict[str, str], str]:
    """What `(check-sat)` says, the values of the variables where it says `sat`, and the version."""
    import cvc5

    solver: Any = cvc5.Solver(cvc5.TermManager())
    solver.setOption("produce-models", "true")
    solver.setOption("tlimit-per", str(milliseconds))
    parser: Any = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "query")
    symbols = parser.getSymbolManager()
    names: list[str] = []
    status = "unknown"
    while not (command := parser.nextCommand()).isNull():
        said = command.invoke(solver, symbols).strip()
        kind = command.getCommandName()
        if kind == "declare-fun":
            names.append(str(command).split()[1])
        elif kind == "check-sat":
            status = said
        elif said:
            raise RuntimeError(said)
    values: dict[str, str] = {}
    if status == "sat" and names:
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, f"(get-value ({' '.join(names)}))", "values")
        values = dict(_VALUE.findall(parser.nextCommand().invoke(solver, symbols)))
    return status, values, version("cvc5")


def _value(text: str) -> bool | int:
    """A value as cvc5 writes it."""
    return text == "true" if text in ("true", "false") else int(text.replace("(- ", "-").rstrip(")"))
