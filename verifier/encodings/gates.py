"""A graph of and-gates over variables, shared by the back ends that decide propositional formulas.

A literal is the number of a gate, negated for its complement; gate 1 is constantly true. Gates are interned, and their
operands have smaller numbers, so ascending numbers are a topological order. Variables may come in groups of which
exactly one is true; conjunctions are simplified by it, so the graph means what it says only where that holds, and
every back end has to assert or respect it.
"""

from collections.abc import Iterable, Sequence
from math import inf
from time import monotonic
from typing import Final, TypeAlias

Literal: TypeAlias = int

TRUE: Final[Literal] = 1
FALSE: Final[Literal] = -1


class TooManyGates(Exception):
    """The formula outgrew its limit."""


class Gates:
    """The only maker of gates: at most `limit`, and until the monotonic clock shows `deadline`."""

    def __init__(self, limit: int, deadline: float = inf) -> None:
        self.limit = limit
        self.deadline = deadline
        # Operands of each gate; `None` for variables. Gate 0 does not exist, since it would have no complement.
        self.operands: list[tuple[Literal, ...] | None] = [None, ()]
        self.groups: list[tuple[Literal, ...]] = []
        self._group_of: dict[Literal, int] = {}
        self._interned: dict[tuple[Literal, ...], Literal] = {}

    def __len__(self) -> int:
        """The number of the last gate."""
        return len(self.operands) - 1

    def variable(self) -> Literal:
        """A new variable."""
        return self._add(None)

    def choice(self, size: int) -> tuple[Literal, ...]:
        """Literals of which exactly one is true."""
        if size == 1:
            return (TRUE,)
        if size == 2:
            bit = self.variable()
            return bit, -bit
        group = tuple(self.variable() for _ in range(size))
        for member in group:
            self._group_of[member] = len(self.groups)
        self.groups.append(group)
        return group

    def both(self, left: Literal, right: Literal) -> Literal:
        """`left and right`."""
        if left in (TRUE, right):
            return right
        if right == TRUE:
            return left
        if left == FALSE or right == FALSE or left == -right:
            return FALSE
        return self.all((left, right))

    def either(self, left: Literal, right: Literal) -> Literal:
        """`left or right`."""
        return -self.both(-left, -right)

    def any(self, literals: Iterable[Literal]) -> Literal:
        """Whether one of the literals holds."""
        return -self.all(-literal for literal in literals)

    def all(self, literals: Iterable[Literal]) -> Literal:
        """Whether all of the literals hold."""
        kept = set(literals)
        kept.discard(TRUE)
        if FALSE in kept or any(-literal in kept for literal in kept):
            return FALSE
        if self._group_of and len(kept) > 1:
            exclusive = self._exclusive(kept)
            if exclusive is None:
                return FALSE
            kept = exclusive
        if not kept:
            return TRUE
        if len(kept) == 1:
            return next(iter(kept))
        key = tuple(sorted(kept, key=abs))
        found = self._interned.get(key)
        if found is None:
            found = self._interned[key] = self._add(key)
        return found

    def choose(self, condition: Literal, then: Literal, otherwise: Literal) -> Literal:
        """`then` where the condition holds, else `otherwise`."""
        if then == otherwise:
            return then
        return self.either(self.both(condition, then), self.both(-condition, otherwise))

    def cone(self, roots: Iterable[Literal]) -> list[int]:
        """The gates that the roots depend on, themselves included, in ascending order."""
        seen: set[int] = set()
        stack = [abs(root) for root in roots]
        while stack:
            gate = stack.pop()
            if gate not in seen:
                seen.add(gate)
                stack.extend(abs(operand) for operand in self.operands[gate] or ())
        return sorted(seen)

    def _exclusive(self, literals: set[Literal]) -> set[Literal] | None:
        """The same conjunction where exactly one member of each group is true; `None` for a contradiction."""
        groups: dict[int, list[Literal]] = {}
        for literal in literals:
            group = self._group_of.get(abs(literal))
            if group is not None:
                groups.setdefault(group, []).append(literal)
        for group, members in groups.items():
            if len(members) < 2:
                continue
            positive = [member for member in members if member > 0]
            if len(positive) > 1 or len(members) == len(self.groups[group]) > len(positive) == 0:
                return None
            if positive:
                literals = literals.difference(members) | set(positive)
            elif len(members) == len(self.groups[group]) - 1:
                (left,) = set(self.groups[group]).difference(-member for member in members)
                literals = literals.difference(members) | {left}
        return literals

    def _add(self, operands: tuple[Literal, ...] | None) -> Literal:
        if len(self.operands) > self.limit:
            raise TooManyGates(f"more than {self.limit} gates")
        if len(self.operands) % 1024 == 0 and monotonic() > self.deadline:
            raise TimeoutError
        self.operands.append(operands)
        return len(self.operands) - 1


def evaluate(gates: Gates, assignment: Sequence[bool], roots: Iterable[Literal]) -> list[bool]:
    """The truth of the roots when `assignment[g]` is that of each variable `g`; other entries are ignored."""
    roots = list(roots)
    truth: dict[int, bool] = {}
    for gate in gates.cone(roots):
        operands = gates.operands[gate]
        truth[gate] = assignment[gate] if operands is None else all(truth[abs(x)] is (x > 0) for x in operands)
    return [truth[abs(root)] is (root > 0) for root in roots]
