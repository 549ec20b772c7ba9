"""Clauses for a gate graph: Tseitin's translation of the gates that some roots depend on.

    g = a and b and ...      (-g or a), (-g or b), ..., (g or -a or -b or ...)

and, for each group of variables, that exactly one of them is true.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from verifier.encodings.gates import TRUE, Gates, Literal


@dataclass(frozen=True)
class Cnf:
    """Clauses over the variables `1 .. variables`, and where the gates went: gate -> variable."""

    variables: int
    clauses: tuple[tuple[int, ...], ...]
    numbering: dict[int, int]

    def literal(self, literal: Literal) -> int:
        """A literal of the graph as one of the clauses."""
        variable = self.numbering[abs(literal)]
        return variable if literal > 0 else -variable

    def dimacs(self) -> Iterator[str]:
        """The lines of a DIMACS file."""
        yield f"p cnf {self.variables} {len(self.clauses)}"
        for clause in self.clauses:
            yield " ".join(map(str, (*clause, 0)))


def to_cnf(gates: Gates, roots: Iterable[Literal], inputs: Iterable[Literal]) -> Cnf:
    """The gates below the roots, and the inputs whether or not the roots depend on them."""
    cone = gates.cone([*roots, *inputs, TRUE, *(member for group in gates.groups for member in group)])
    numbering = {gate: number for number, gate in enumerate(cone, start=1)}

    def to_variable(literal: Literal) -> int:
        return numbering[literal] if literal > 0 else -numbering[-literal]

    clauses: list[tuple[int, ...]] = []
    for gate in cone:
        operands = gates.operands[gate]
        if operands is not None:
            number, lowered = numbering[gate], [to_variable(operand) for operand in operands]
            clauses.extend((-number, operand) for operand in lowered)
            clauses.append((number, *(-operand for operand in lowered)))
    for group in gates.groups:
        members = [to_variable(member) for member in group]
        clauses.append(tuple(members))
        clauses.extend((-a, -b) for i, a in enumerate(members) for b in members[:i])
    return Cnf(len(cone), tuple(clauses), numbering)
