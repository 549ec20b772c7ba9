"""A checker of clausal proofs: each lemma has to follow from what is there by unit propagation alone.

Assume every literal of a lemma false, and propagate; the lemma follows when a clause has no literal left that could be
true. A proof that reaches the empty clause shows that the clauses it began with have no model. Nothing else of the
solver is trusted: a deletion line only makes the clauses fewer, which can make a check fail and never succeed.
"""

from collections.abc import Iterable, Sequence
from typing import Final

MAX_CLAUSES: Final = 2_000_000


class Rejected(Exception):
    """A certificate does not show what it claims; the message is the reason."""


def check_refutation(clauses: Iterable[Sequence[int]], proof: Iterable[str]) -> int:
    """The number of lemmas of a proof that these clauses have no model; `Rejected` unless it is one."""
    database = _Database()
    for number, clause in enumerate(clauses):
        if number >= MAX_CLAUSES:
            raise Rejected(f"more than {MAX_CLAUSES} clauses")
        database.add(clause)
    lemmas = 0
    if database.contradiction:
        return lemmas
    for number, line in enumerate(proof, start=1):
        words = line.split()
        deletion = words[:1] == ["d"]
        try:
            literals = [int(word) for word in words[deletion:]]
        except ValueError:
            raise Rejected(f"line {number} of the proof is no clause") from None
        if not literals or literals[-1] != 0 or 0 in literals[:-1]:
            raise Rejected(f"line {number} of the proof is no clause")
        lemma = literals[:-1]
        if deletion:
            database.delete(lemma)
            continue
        lemmas += 1
        if not database.implies(lemma):
            raise Rejected(f"line {number} of the proof does not follow by unit propagation")
        database.add(lemma)
        if database.contradiction:
            return lemmas
    raise Rejected("the proof does not end in a contradiction")


class _Database:
    """Clauses with two watched literals each, and what propagates from them without any assumption."""

    def __init__(self) -> None:
        self.watches: dict[int, list[list[int]]] = {}
        self.true: dict[int, bool] = {}
        self.trail: list[int] = []
        self.clauses: dict[tuple[int, ...], list[list[int]]] = {}
        self.contradiction = False

    def add(self, literals: Sequence[int]) -> None:
        """Another clause, which holds for good."""
        clause = sorted(set(literals))
        if any(-literal in clause for literal in clause) or self.contradiction:
            return
        key = tuple(clause)
        # Watch literals that are not false yet, so that the clause wakes up when it should.
        clause.sort(key=lambda literal: self.true.get(-literal, False))
        self.clauses.setdefault(key, []).append(clause)
        if len(clause) >= 2:
            for literal in clause[:2]:
                self.watches.setdefault(literal, []).append(clause)
        if not clause or self.true.get(-clause[0]):
            self.contradiction = True
        elif (len(clause) == 1 or self.true.get(-clause[1])) and not self.true.get(clause[0]):
            self.contradiction = not self._propagate([clause[0]])

    def delete(self, literals: Sequence[int]) -> None:
        """One clause less; clauses that have become units stay, which other checkers do as well."""
        key = tuple(sorted(set(literals)))
        copies = self.clauses.get(key)
        if not copies or len(key) < 2 or any(self.true.get(literal) for literal in key):
            return
        clause = copies.pop()
        for literal in clause[:2]:
            watching = self.watches[literal]
            watching[:] = [other for other in watching if other is not clause]

    def implies(self, literals: Sequence[int]) -> bool:
        """Whether assuming all of these false propagates to a contradiction."""
        if self.contradiction:
            return True
        kept = len(self.trail)
        consistent = self._propagate([-literal for literal in literals])
        for literal in self.trail[kept:]:
            del self.true[literal]
        del self.trail[kept:]
        return not consistent

    def _propagate(self, literals: Iterable[int]) -> bool:
        """Make the literals true, and what follows; False when that is contradictory."""
        true, trail, watches = self.true, self.trail, self.watches
        begin = len(trail)
        for literal in literals:
            if -literal in true:
                return False
            if literal not in true:
                true[literal] = True
                trail.append(literal)
        while begin < len(trail):
            false = -trail[begin]
            begin += 1
            watching = watches.get(false)
            if not watching:
                continue
            kept = []
            for index, clause in enumerate(watching):
                if clause[0] == false:
                    clause[0], clause[1] = clause[1], false
                first = clause[0]
                if first in true:
                    kept.append(clause)
                    continue
                for place in range(2, len(clause)):
                    other = clause[place]
                    if -other not in true:
                        clause[1], clause[place] = other, false
                        watches.setdefault(other, []).append(clause)
                        break
                else:
                    kept.append(clause)
                    if -first in true:
                        kept.extend(watching[index + 1 :])
                        watches[false] = kept
                        return False
                    true[first] = True
                    trail.append(first)
            watches[false] = kept
        return True
