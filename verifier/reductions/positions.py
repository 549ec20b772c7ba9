"""Permutation symmetry: does it matter to a circuit in which order the letters of a word come?

For a permutation p of the positions and a word w, let w.p be the word with w[p(i)] at position i. The gates of a
circuit are functions of the word. Each gets a *signature* that determines the function,

    (letter, p, i)          the atom at position p is symbol i
    (both, {s, t, ..})      all of these hold
    (least, k, [s, t, ..])  at least k of these hold, counted with multiplicity

where the s, t are signatures or complements of signatures; equal signatures are interned, so that comparing them is
comparing numbers. The signature *under p* of a gate g is that of the function that maps w to g(w.p): the same with
p(i) in the place of i in letters. So if the violation has the same signature under p as without, it is the same at w.p
as at w. Two permutations generate all: the exchange of the first two positions, and the cycle of all of them.

Nothing here is assumed of the circuit but that gates are conjunctions and that `Circuit.counts` tells the truth: which
gates are thresholds of a count of which literals. Counters add up their literals in some order, which is how they are
built and not what they mean. Where signatures differ, the answer is no, and may be wrong: a circuit may mean the same
by other gates.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from spec.diagnostics import InternalError
from verifier.encodings.circuit import Circuit
from verifier.encodings.gates import TRUE, Literal
from verifier.engine import Limits, Query
from verifier.reductions.classes import Classes

Signature: TypeAlias = int
"""The number of a function, negated for its complement; 1 is constantly true."""

WORTH: Final = 1 << 12
"""Fewer words than this are looked at sooner than the symmetry is established."""
WORK: Final = 1_000_000
"""Operands looked at before the question is given up."""
WIDE: Final = 4_096
"""Operands of one conjunction, after those of its operands have been taken together."""


def classes_of(query: Query, circuit: Circuit, limits: Limits) -> Classes | None:
    """Which words the query does not tell apart, as far as that is known and of use; found once for a query."""
    if not limits.reductions:
        return None
    found = query.prepared.get("classes")
    if not isinstance(found, Classes):
        found = Classes(len(circuit.symbols)) if query.classes is None else query.classes
        if found.symbols != len(circuit.symbols):
            raise InternalError(
                f"a query over {len(circuit.symbols)} symbols has classes of words over {found.symbols}"
            )
        if query.length > 1 and found.count(query.length) > WORTH and interchangeable(circuit):
            found = found.with_positions()
        query.prepared["classes"] = found
    return found if found.groups or found.positions else None


def interchangeable(circuit: Circuit) -> bool:
    """Whether the violation is known to be the same whatever the order of the letters."""
    length = len(circuit.inputs)
    identity = range(length)
    exchange, cycle = [1, 0, *identity[2:]][:length], [*identity[1:], 0][:length]
    try:
        signatures = _Signatures(circuit)
        before = signatures.of_violation(identity)
        return all(signatures.of_violation(move) == before for move in (exchange, cycle))
    except _GivenUp:
        return False


class _GivenUp(Exception):
    pass


@dataclass(frozen=True)
class _Threshold:
    """The gate holds where at least `least` of the literals do; or, if `negated`, where fewer do."""

    literals: tuple[Literal, ...]
    least: int
    negated: bool


class _Signatures:
    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.operands = circuit.gates.operands
        self.letters: dict[int, tuple[int, int]] = {}
        for position, literals in enumerate(circuit.inputs):
            for index, literal in enumerate(literals):
                if literal > 0 and literal != TRUE:
                    self.letters[literal] = position, index
        found = _thresholds(circuit.counts)
        self.thresholds = {gate: threshold for gate, threshold in found if gate not in self.letters}
        self.order = self._cone()
        self.work = WORK
        self.interned: dict[tuple[object, ...], Signature] = {}
        self.members: dict[Signature, frozenset[Signature]] = {}

    def of_violation(self, move: Sequence[int]) -> Signature:
        """The signature of the violation under a permutation of the positions."""
        found: dict[int, Signature] = {TRUE: TRUE}
        for gate in self.order:
            found[gate] = self._signature(gate, found, move)
        return _of(found, self.circuit.violation)

    def _cone(self) -> list[int]:
        """The gates that signatures of the violation are made of, in ascending order."""
        seen: set[int] = {TRUE}
        stack = [abs(self.circuit.violation)]
        while stack:
            gate = stack.pop()
            if gate not in seen:
                seen.add(gate)
                stack.extend(map(abs, self._parts(gate)))
        seen.discard(TRUE)
        return sorted(seen)

    def _parts(self, gate: int) -> Iterable[Literal]:
        threshold = self.thresholds.get(gate)
        return (self.operands[gate] or ()) if threshold is None else threshold.literals

    def _signature(self, gate: int, found: Mapping[int, Signature], move: Sequence[int]) -> Signature:
        threshold = self.thresholds.get(gate)
        if threshold is not None:
            counted = self._least(threshold.least, [_of(found, literal) for literal in threshold.literals])
            return -counted if threshold.negated else counted
        operands = self.operands[gate]
        if operands is not None:
            return self._both([_of(found, literal) for literal in operands])
        if gate not in self.letters:
            raise _GivenUp  # a variable that is no letter
        position, index = self.letters[gate]
        return self._intern("letter", move[position], index)

    def _both(self, parts: Iterable[Signature]) -> Signature:
        """The conjunction; conjunctions among its operands are taken apart."""
        kept: set[Signature] = set()
        for part in parts:
            kept |= self.members.get(part, {part})
        kept.discard(TRUE)
        self._spend(len(kept))
        if len(kept) > WIDE:
            raise _GivenUp
        if not kept:
            return TRUE
        if len(kept) == 1:
            return next(iter(kept))
        members = frozenset(kept)
        signature = self._intern("both", members)
        self.members[signature] = members
        return signature

    def _least(self, least: int, counted: list[Signature]) -> Signature:
        """At least so many hold; in other words, fewer than the rest of them do not."""
        self._spend(len(counted))
        size = len(counted)
        if least == size:
            return self._both(counted)
        if least == 1:
            return -self._both(-signature for signature in counted)
        plain, complements = sorted(counted), sorted(-signature for signature in counted)
        if complements < plain:
            return -self._intern("least", size - least + 1, tuple(complements))
        return self._intern("least", least, tuple(plain))

    def _intern(self, *key: object) -> Signature:
        return self.interned.setdefault(key, len(self.interned) + 2)

    def _spend(self, operands: int) -> None:
        self.work -= operands
        if self.work < 0:
            raise _GivenUp


def _of(found: Mapping[int, Signature], literal: Literal) -> Signature:
    return found[literal] if literal > 0 else -found[-literal]


def _thresholds(counts: Mapping[tuple[Literal, ...], Mapping[int, Literal]]) -> Iterable[tuple[int, _Threshold]]:
    """The gates that say how many of some literals hold, which all have to come before them.

    `counts` has, for some literals, the literals that say that at least so many of them hold.
    """
    for literals, made in counts.items():
        last = max(map(abs, literals))
        for least, enough in made.items():
            if len(literals) > 1 and abs(enough) > last:
                yield abs(enough), _Threshold(literals, least, negated=enough < 0)
