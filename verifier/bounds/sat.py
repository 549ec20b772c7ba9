"""The one door to the propositional solver: a model, or a clausal proof that there is none.

A search that adds clauses as it goes asks one solver again and again (`Growing`); a proof comes from a fresh one.

The proof is in the DRUP format: one clause a line, each following from the clauses before it by unit propagation; `d`
marks lemmas that are no longer needed. (The solver also deletes clauses that it was given; those lines are left out,
since a checker may keep everything.) `verifier.recheck` reads it again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Final, Self, TypeAlias

from pysat.solvers import Solver

SOLVER: Final = "cadical195"
"""Writes the proofs."""
SEARCHER: Final = "glucose4"
"""Finds models while clauses become more: half the time, and less, of the other one on the searches of `benchmarks`."""
_CONFLICTS: Final = 2_000


@dataclass(frozen=True)
class Model:
    """The variables that are true."""

    true: frozenset[int]


@dataclass(frozen=True)
class Contradiction:
    """There is no model, and why."""

    proof: tuple[str, ...]


@dataclass(frozen=True)
class Stopped:
    """No answer in time."""

    seconds: float


Outcome: TypeAlias = Model | Contradiction | Stopped


def solve(clauses: Sequence[Sequence[int]], seconds: float) -> Outcome:
    """Decide the clauses; they are never simplified beforehand, so that the proof is about these very clauses."""
    begun = process_time()
    with Solver(name=SOLVER, bootstrap_with=clauses, with_proof=True) as solver:
        while True:
            solver.conf_budget(_CONFLICTS)
            status = solver.solve_limited()
            if status is True:
                return Model(frozenset(literal for literal in solver.get_model() if literal > 0))
            if status is False:
                return Contradiction(tuple(_needed(solver.get_proof())))
            if process_time() - begun >= seconds:
                return Stopped(process_time() - begun)


class Growing:
    """Clauses that become more, and a model of them each time; without proofs. A context manager."""

    def __init__(self) -> None:
        self._solver = Solver(name=SEARCHER)
        self._given = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._solver.delete()

    def solve(self, clauses: Sequence[Sequence[int]], seconds: float) -> Model | Stopped | None:
        """A model of the clauses, of which those of the last call are the first ones; `None` when there is none."""
        begun = process_time()
        for clause in clauses[self._given :]:
            self._solver.add_clause(clause)
        self._given = len(clauses)
        while True:
            self._solver.conf_budget(_CONFLICTS)
            status = self._solver.solve_limited()
            if status is True:
                return Model(frozenset(literal for literal in self._solver.get_model() if literal > 0))
            if status is False:
                return None
            if process_time() - begun >= seconds:
                return Stopped(process_time() - begun)


def _needed(proof: Iterable[str]) -> Iterator[str]:
    """The lemmas, and the deletions of lemmas."""
    lemmas: set[str] = set()
    for line in proof:
        if not line.startswith("d"):
            lemmas.add(line)
            yield line
        elif line[2:] in lemmas:
            yield line
