"""Propositional search: the query as a circuit over finite sets of values, as clauses, decided by CaDiCaL.

Values come from the interpreter's own operators, so both number semantics are exact. A session keeps the solver and
what it learnt: boxes and excluded words are assumptions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pysat.solvers import Solver

from spec.diagnostics import InternalError
from spec.values import Atom
from verifier.encodings.circuit import Circuit, circuit_of
from verifier.encodings.cnf import Cnf, to_cnf
from verifier.encodings.gates import FALSE, Literal
from verifier.encodings.words import Box, index_of, listed
from verifier.engine import (
    Answer,
    Deadline,
    Evidence,
    Limits,
    Proofs,
    Query,
    Reason,
    Refutation,
    Sat,
    Session,
    Undecided,
    Unsat,
    Word,
)
from verifier.recheck.rup import Rejected, check_refutation

NAME: Final = "sat"
SOLVER: Final = "cadical195"
FIRST_CONFLICTS: Final = 2_000
"""The solver is stopped to look at the clock after so many conflicts, and then after twice as many, and so on."""
MOST_CONFLICTS: Final = 16_000
CHECKER: Final = "drup"
SMALL_PROOF: Final = 300
SMALL_FORMULA: Final = 20_000
"""Proofs of so many conflicts, on so many clauses, are checked even where not all have to be."""


@dataclass(frozen=True)
class Propositional:
    """The engine; replaying a proof may take what `replay` allows, as much as the search if that is `None`."""

    name: str = NAME
    replay: Limits | None = None

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Build the clauses."""
        circuit = circuit_of(query, limits)
        if isinstance(circuit, Undecided):
            return circuit
        replay = self.replay or limits
        return _Session(query, limits, replay, circuit.symbols, circuit.inputs, circuit.violation, _cnf(circuit))


SAT: Final = Propositional()


@dataclass(frozen=True)
class Clauses:
    """Clauses that have a model for each input that violates, and no other.

    `letters[p][i]` is true in it when the atom at position p is `symbols[i]`.
    """

    clauses: Sequence[tuple[int, ...]]
    variables: int
    symbols: tuple[Atom, ...]
    letters: tuple[tuple[int, ...], ...]


def clauses_of(query: Query, limits: Limits) -> Clauses | Undecided:
    """The clauses of a query, or why there are none."""
    circuit = circuit_of(query, limits)
    if isinstance(circuit, Undecided):
        return circuit
    cnf = _cnf(circuit)
    letters = tuple(tuple(map(cnf.literal, position)) for position in circuit.inputs)
    return Clauses(_clauses(cnf, circuit.violation), cnf.variables, circuit.symbols, letters)


def _cnf(circuit: Circuit) -> Cnf:
    return to_cnf(circuit.gates, [circuit.violation], [letter for letters in circuit.inputs for letter in letters])


def _clauses(cnf: Cnf, violation: Literal) -> list[tuple[int, ...]]:
    return [*cnf.clauses, (cnf.literal(violation),)]


@dataclass
class _Session:
    query: Query
    limits: Limits
    replay: Limits
    symbols: tuple[Atom, ...]
    inputs: Sequence[Sequence[Literal]]
    violation: Literal
    cnf: Cnf
    _solver: Solver | None = None
    _excluded: dict[tuple[int, ...], int] = field(default_factory=dict)

    def check(self, box: Box | None = None, other_than: Word | None = None) -> Answer:
        allowed = listed(self.query, box)
        assert allowed is not None, "the alphabet was listed when the session was opened"
        if not all(allowed) or self.violation == FALSE:
            return Unsat(self._evidence(0))
        assumptions = [self.cnf.literal(self.violation), *self._outside(allowed)]
        if other_than is not None:
            assumptions.extend(self._different(other_than))
        answer = self._solve(assumptions)
        whole = box is None and other_than is None
        return self._checked(answer) if whole and isinstance(answer, Unsat) else answer

    def _outside(self, allowed: Sequence[Sequence[Atom]]) -> Iterator[int]:
        """Every symbol that is not allowed is absent."""
        for literals, choices in zip(self.inputs, allowed, strict=True):
            if len(choices) < len(self.symbols):
                inside = {index_of(self.symbols, atom) for atom in choices}
                yield from (-self.cnf.literal(x) for i, x in enumerate(literals) if i not in inside)

    def _different(self, word: Word) -> Iterator[int]:
        """A literal that implies a difference from the word; none when the word is no input at all."""
        indices = [index_of(self.symbols, atom) for atom in word]
        if len(word) != self.query.length or None in indices:
            return
        key = tuple(index for index in indices if index is not None)
        selector = self._excluded.get(key)
        if selector is None:
            selector = self._excluded[key] = self.cnf.variables + 1 + len(self._excluded)
            letters = [self.cnf.literal(literals[i]) for literals, i in zip(self.inputs, key, strict=True)]
            self._started().add_clause([-selector, *(-letter for letter in letters)])
        yield selector

    def _started(self) -> Solver:
        if self._solver is None:
            self._solver = Solver(name=SOLVER, bootstrap_with=self.cnf.clauses)
        return self._solver

    def _solve(self, assumptions: list[int]) -> Answer:
        solver = self._started()
        before = solver.accum_stats()["conflicts"]
        status = _search(solver, assumptions, self.limits.deadline())
        conflicts = solver.accum_stats()["conflicts"] - before
        if status is None:
            return Undecided(Reason.WALL, f"{conflicts} conflicts on {self._size()}")
        return Sat(self._word(solver.get_model())) if status else Unsat(self._evidence(conflicts))

    # -------------------------------------------------------------------------------------------- proofs

    def _checked(self, answer: Unsat) -> Unsat:
        """The answer, after a proof of it was replayed, unless that would take too long."""
        small = (answer.evidence.steps or 0) <= SMALL_PROOF and len(self.cnf.clauses) <= SMALL_FORMULA
        if self.limits.proofs is Proofs.NONE or (self.limits.proofs is Proofs.SAMPLE and not small):
            return answer
        found = refutation(_clauses(self.cnf, self.violation), self.replay.deadline())
        if found is None:
            return answer
        replayed, lemmas = found
        evidence = answer.evidence
        detail = f"{evidence.detail}, proof of {lemmas} lemmas"
        return Unsat(replace(evidence, detail=detail, checked_by=(*evidence.checked_by, CHECKER)), replayed)

    def _word(self, model: Sequence[int]) -> Word:
        """The input that the model spells; variables that it leaves out are false."""
        true = {number for number in model if number > 0}

        def holds(literal: Literal) -> bool:
            number = self.cnf.literal(literal)
            return (abs(number) in true) is (number > 0)

        return tuple(self.symbols[next(i for i, x in enumerate(position) if holds(x))] for position in self.inputs)

    def _size(self) -> str:
        return f"{self.cnf.variables} variables, {len(self.cnf.clauses)} clauses"

    def _evidence(self, conflicts: int) -> Evidence:
        return Evidence(NAME, f"{SOLVER}, {self._size()}", steps=conflicts)


def _search(solver: Solver, assumptions: list[int], deadline: Deadline) -> bool | None:
    """Whether there is a model; `None` when the time was over before that was known."""
    budget = FIRST_CONFLICTS
    while True:
        solver.conf_budget(budget)
        status: bool | None = solver.solve_limited(assumptions=assumptions)
        if status is not None or deadline.passed():
            return status
        budget = min(2 * budget, MOST_CONFLICTS)


def refutation(clauses: Sequence[Sequence[int]], deadline: Deadline) -> tuple[Refutation, int] | None:
    """A clausal proof that the clauses have no model, which was replayed, and how many lemmas it has.

    `None` when the time was over before; `InternalError` when there is a model, or the proof does not hold.
    """
    with Solver(name=SOLVER, bootstrap_with=clauses, with_proof=True) as solver:
        status = _search(solver, [], deadline)
        lines = solver.get_proof() if status is False else []
    if status:
        raise InternalError(f"{SOLVER} finds a model of clauses that it refuted before")
    if status is None:
        return None
    try:
        lemmas = check_refutation(clauses, _until(deadline, lines))
    except Rejected as error:
        raise InternalError(f"{SOLVER} gave a proof that does not hold: {error}") from error
    except TimeoutError:
        return None
    return Refutation(clauses, tuple(lines)), lemmas


def _until(deadline: Deadline, lines: Iterable[str]) -> Iterator[str]:
    """The lines, as long as there is time."""
    for line in lines:
        if deadline.passed():
            raise TimeoutError
        yield line
