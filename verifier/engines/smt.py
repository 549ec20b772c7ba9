"""z3 over the terms, for exact numbers: integers and rationals as they are, unbounded alphabets included.

The plain incremental core is used, whose resource count is the same in every run. The answer `unknown` is passed on
with its reason, and a model is only ever a word that somebody else replays.
"""

from dataclasses import dataclass
from typing import Any, Final

import z3
from z3 import z3core

from spec.values import Atom
from verifier.encodings.formula import Encoder, Letter, formula_of
from verifier.encodings.logic import Truth
from verifier.encodings.words import Box
from verifier.engine import Answer, Evidence, Limits, Query, Reason, Sat, Session, Undecided, Unsat, Word

NAME: Final = "smt"


@dataclass(frozen=True)
class Smt:
    """The engine."""

    name: str = NAME

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Build the formula."""
        encoder = formula_of(query, limits)
        return encoder if isinstance(encoder, Undecided) else _Session(query, limits, encoder)


SMT: Final = Smt()


class _Session:
    def __init__(self, query: Query, limits: Limits, encoder: Encoder) -> None:
        self.query, self.encoder, self.logic = query, encoder, encoder.logic
        self.solver: Any = z3.SimpleSolver(ctx=self.logic.context)
        self.solver.set("random_seed", 0)
        self.solver.set("timeout", max(1, int(limits.wall_s * 1000)))
        self.solver.set("rlimit", limits.solver_steps)
        for fact in (*encoder.known, encoder.violation):
            self._add(fact)

    def check(self, box: Box | None = None, other_than: Word | None = None) -> Answer:
        self.solver.push()
        try:
            for fact in self.encoder.narrowed(box, other_than):
                self._add(fact)
            return self._solve()
        finally:
            self.solver.pop()

    def _add(self, fact: Truth) -> None:
        z3core.Z3_solver_assert(self.logic.context.ref(), self.solver.solver, self.logic.formula(fact))

    def _solve(self) -> Answer:
        before = self._steps()
        try:
            status = self.solver.check()
        except z3.Z3Exception as error:
            return Undecided(Reason.SOLVER, str(error))
        if status == z3.sat:
            return Sat(self._word(self.solver.model()))
        if status == z3.unsat:
            version = ".".join(map(str, z3.get_version()))
            return Unsat(Evidence(NAME, f"z3 {version}", steps=self._steps() - before))
        reason = self.solver.reason_unknown()
        return Undecided(_REASONS.get(reason, Reason.SOLVER), reason)

    def _steps(self) -> int:
        return int(next((number for name, number in self.solver.statistics() if name == "rlimit count"), 0))

    def _word(self, model: Any) -> Word:
        context = self.logic.context

        def atom(letter: Letter) -> Atom:
            if letter.symbols is None:
                return int(model.eval(z3.ArithRef(letter.variable, context), model_completion=True).as_long())
            for symbol, guard in zip(letter.symbols, letter.guards, strict=True):
                if guard is True or z3.is_true(model.eval(z3.BoolRef(guard, context), model_completion=True)):
                    return symbol
            raise AssertionError("some guard of a position holds in every model")

        return tuple(map(atom, self.encoder.letters))


_REASONS: Final = {
    "timeout": Reason.WALL,
    "canceled": Reason.STEPS,
    "max. resource limit exceeded": Reason.STEPS,
    "out of memory": Reason.MEMORY,
}
