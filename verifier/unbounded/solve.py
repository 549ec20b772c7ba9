"""Whether a formula of linear arithmetic over the natural numbers has a solution, by z3."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, assert_never

import z3

from verifier.engine import Reason
from verifier.unbounded.linear import Compare, Formula, Linear, Many, Not, Relation, Truth, Unsupported, Variable

MAX_MEMORY: Final = 2_000
"""MiB that this process may have allocated in z3 before it gives a question up."""
MAX_QUESTIONS: Final = 20_000
"""So many questions one solver answers: it keeps each formula that it has translated."""
_GAVE_UP: Final = {
    "timeout": Reason.WALL,
    "canceled": Reason.WALL,
    "memout": Reason.MEMORY,
    "max. memory exceeded": Reason.MEMORY,
}


@dataclass(eq=False)
class Solver:
    """Translates formulas, and decides them one at a time until the deadline; `configuration` is z3's."""

    timeout_ms: int = 10_000
    deadline: float | None = None
    configuration: Mapping[str, int] = field(default_factory=dict)
    _context: Any = field(default_factory=z3.Context)
    _variables: dict[Variable, Any] = field(default_factory=dict)
    _formulas: dict[Formula, Any] = field(default_factory=dict)
    _known: dict[Formula, bool] = field(default_factory=dict)
    _asked: int = 0

    @property
    def excluded(self) -> list[Formula]:
        """The formulas that were found to have no solution."""
        return [formula for formula, found in self._known.items() if not found]

    def possible(self, formula: Formula) -> bool:
        """Whether some natural numbers satisfy it; `Unsupported` where the solver gives up."""
        if isinstance(formula, Truth):
            return formula.value
        if formula not in self._known:
            self._known[formula] = self.model([formula]) is not None
        return self._known[formula]

    def model(self, formulas: Iterable[Formula]) -> dict[Variable, int] | None:
        """Values of the variables that satisfy all of them, `None` when there are none."""
        solver = self._ready(formulas)
        if not self._satisfiable(solver, []):
            return None
        model = solver.model()
        return {v: model.eval(ast, model_completion=True).as_long() for v, ast in self._variables.items()}

    def core(self, formulas: Iterable[Formula], soft: Sequence[Formula]) -> list[int] | None:
        """Some of the soft ones, by number, that have no solution together with the formulas; `None` if all have."""
        marks = [z3.Bool(f"soft{k}", self._context) for k in range(len(soft))]
        implied = [z3.Implies(mark, self._formula(one)) for mark, one in zip(marks, soft, strict=True)]
        solver = self._ready(formulas, implied)
        if self._satisfiable(solver, marks):
            return None
        found = {str(mark) for mark in solver.unsat_core()}
        return [k for k in range(len(soft)) if f"soft{k}" in found]

    def _ready(self, formulas: Iterable[Formula], more: Sequence[Any] = ()) -> Any:
        if self.deadline is not None and monotonic() > self.deadline:
            raise Unsupported("the time is over", Reason.WALL)
        self._asked += 1
        if self._asked > MAX_QUESTIONS:
            raise Unsupported(f"more than {MAX_QUESTIONS} questions to the solver", Reason.MEMORY)
        solver = z3.SolverFor("QF_LIA", ctx=self._context)
        solver.set("timeout", self.timeout_ms)
        solver.set("max_memory", MAX_MEMORY)
        for name, value in self.configuration.items():
            solver.set(name, value)
        solver.add(*(self._formula(formula) for formula in formulas), *more)
        solver.add(*(variable >= 0 for variable in self._variables.values()))
        return solver

    def _satisfiable(self, solver: Any, assumptions: Sequence[Any]) -> bool:
        answer = solver.check(*assumptions)
        if answer == z3.unknown:
            why = str(solver.reason_unknown())
            raise Unsupported(f"the solver gave up: {why}", _GAVE_UP.get(why, Reason.SOLVER))
        return bool(answer == z3.sat)

    def _term(self, term: Linear) -> Any:
        parts = [c * self._variable(v) for v, c in term.terms]
        return z3.Sum([*parts, z3.IntVal(term.constant, self._context)])

    def _variable(self, variable: Variable) -> Any:
        if variable not in self._variables:
            self._variables[variable] = z3.Int(str(variable), self._context)
        return self._variables[variable]

    def _formula(self, formula: Formula) -> Any:
        if formula not in self._formulas:
            self._formulas[formula] = self._build(formula)
        return self._formulas[formula]

    def _build(self, formula: Formula) -> Any:
        match formula:
            case Truth(value=value):
                return z3.BoolVal(value, self._context)
            case Compare(relation=relation, term=term, modulus=modulus):
                value = self._term(term)
                if relation is Relation.AT_MOST:
                    return value <= 0
                return value == 0 if relation is Relation.EQUAL else value % modulus == 0
            case Not(arg=arg):
                return z3.Not(self._formula(arg))
            case Many(every=every, args=args):
                parts = [self._formula(arg) for arg in args]
                return z3.And(*parts) if every else z3.Or(*parts)
        assert_never(formula)
