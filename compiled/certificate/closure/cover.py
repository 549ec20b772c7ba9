"""The states that a checker looks at are all that there are, and what s-ops are on them is what the operators give.

A state is a combination of values of leaves at one place. Where there are too many, values of a leaf are put into
classes, and a state is one of representatives: then what is read of a leaf alone has to be the same, kinds included,
for a value and for its representative.
"""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from compiled.certificate.closure.claims import Claims, NotClosed, TooMuchWork, Work
from compiled.certificate.closure.local import LARGEST, NOTHING, Axis, Local, frontier
from compiled.meaning.combinations import Combinations
from compiled.meaning.leaves import Classes, Input, Leaf, Position, Tuple
from compiled.numbering import Ids, distinct_rows
from spec.graph import Map, SOp
from spec.operators import OperatorError, function
from spec.values import Atom, atom_key


class Cover:
    """Checks of states and of values on them; `complete` is false once one of them would have taken too much work."""

    def __init__(self, claims: Claims, limit: int) -> None:
        self.claims, self.work, self.complete = claims, Work(limit), True
        self._local = Local(claims, self.work)

    def knows(self, leaves: Sequence[Leaf]) -> bool:
        """Whether something is claimed of all of these: counts are in the place of what they were computed from."""
        return all(isinstance(leaf, Input | Position) or leaf in self.claims.leaves for leaf in leaves)

    def check(
        self, leaves: Sequence[Leaf], tuples: Sequence[Tuple], classes: Classes | None = None, sops: Sequence[SOp] = ()
    ) -> None:
        """`NotClosed` when a combination of values of the leaves at some place is in no state.

        `sops`: what is computed from the leaves, where there are classes.
        """
        try:
            self._check(leaves, tuples, classes or {}, sops)
        except TooMuchWork:
            self.complete = False

    def check_values(
        self,
        sops: Sequence[SOp],
        leaves: Sequence[Leaf],
        tuples: Sequence[Tuple],
        found: Sequence[Tuple],
        which: Ids,
    ) -> None:
        """`NotClosed` when the s-ops have values on a state, and what was found for it is nothing, or another.

        `which`: the number, in what was found, of the result on each state; `NOTHING` for none.
        """
        try:
            own = self._local.leaves(sops)
            if not set(own) <= set(leaves):
                raise NotClosed("s-ops are evaluated without all that they are functions of")
            given, at = Combinations.of(tuples, len(leaves)), [leaves.index(leaf) for leaf in own]
            part = Combinations([given.values[k] for k in at], [given.codes[k] for k in at], len(given))
            rows, numbers = self._local.evaluated_all(sops, own, part)
            # Each pair of a result and of what is expected is compared once.
            pairs, _ = distinct_rows([numbers - NOTHING, which - NOTHING], len(given))
            for k, number, one in zip(pairs.tolist(), numbers[pairs].tolist(), which[pairs].tolist(), strict=True):
                result = None if one == NOTHING else found[one]
                if number != NOTHING and not _same(result, rows[number]):
                    raise NotClosed(f"s-ops are {rows[number]} on the state {given[k]}, not {result}")
        except TooMuchWork:
            self.complete = False

    def applied(self, sop: Map, leaves: Sequence[Leaf], tuples: Sequence[Tuple]) -> list[Atom | None]:
        """The operator of the s-op on what its operands are in each state, None where there is no value."""
        if not set(self._local.leaves(sop.args)) <= set(leaves):
            raise NotClosed("an s-op is evaluated without all that it is a function of")
        meaning, found = function(sop.op, self.claims.numbers), list[Atom | None]()
        for row in tuples:
            operands = self._local.evaluated(sop.args, leaves, row)
            try:
                found.append(None if operands is None else meaning(*operands))
            except OperatorError:
                found.append(None)
        return found

    def values(self, sops: Sequence[SOp]) -> Sequence[Tuple] | None:
        """What the s-ops can be together anywhere, or None when that is too much work."""
        try:
            return self._local.table(tuple(sops)).rows
        except TooMuchWork:
            self.complete = False
            return None

    def _check(self, leaves: Sequence[Leaf], tuples: Sequence[Tuple], classes: Classes, sops: Sequence[SOp]) -> None:
        axes = [self._local.axis(leaf) for leaf in leaves]
        shown = [
            self._shown(axis, classes[leaf], sops) if leaf in classes else np.arange(len(axis.rows))
            for axis, leaf in zip(axes, leaves, strict=True)
        ]
        given = Combinations.of(tuples, len(leaves))
        self.work.spend(len(given) * len(leaves) // 8)
        columns = [
            _numbers(axis, values)[codes] for axis, values, codes in zip(axes, given.values, given.codes, strict=True)
        ]
        known = np.all([column != NOTHING for column in columns], axis=0) if columns else np.ones(len(given), bool)
        sizes = [len(axis.rows) for axis in axes]
        digits = _digits(sizes)
        number = np.zeros(int(known.sum()), dtype=np.int64)
        for column, digit in zip(columns, digits, strict=True):
            number += column[known] * digit
        present = _Present(number, prod(sizes))
        first, _ = distinct_rows([axis.where for axis in axes], len(self._local.places))
        for row in first.tolist():
            m, i = self._local.places[row]
            box = [np.unique(label[axis.members[axis.where[row]]]) for axis, label in zip(axes, shown, strict=True)]
            box = [labels[labels != NOTHING] for labels in box]
            size = prod(map(len, box))
            self.work.spend(size // 64 + 1)
            if size > present.size or not present.holds(_combinations(box, digits)):
                raise NotClosed(f"a combination of values at position {i} of inputs of length {m} is in no state")

    def _shown(self, axis: Axis, classes: Mapping[Atom, Atom], sops: Sequence[SOp]) -> Ids:
        """Per value of the leaf its representative, or `NOTHING` where something that is read has no value."""
        leaf = axis.leaf
        order = self._local.below(sops)
        if any(leaf in self._local.own_leaves(node) for node in order if self._joins(node)):
            raise NotClosed(f"values of {leaf!r} are put into classes, but counted together with others")
        read = frontier(self._local, order, sops, frozenset({leaf}))
        behaviour = self._local.table(read).ids if read else np.zeros(len(axis.rows), dtype=np.int64)
        found = []
        for number, (value,) in enumerate(axis.rows):
            if value not in classes:
                if behaviour[number] != NOTHING:
                    raise NotClosed(f"the value {value!r} of {leaf!r} is in no class")
                found.append(NOTHING)
                continue
            first = classes[value]
            shown = number if first == value else int(_numbers(axis, [first])[0])
            if shown == NOTHING or behaviour[shown] != behaviour[number]:
                raise NotClosed(f"the value {value!r} of {leaf!r} is in a class with {first!r}, which is another")
            found.append(shown)
        return np.array(found, dtype=np.int64)

    def _joins(self, node: SOp) -> bool:
        """Whether counts of several leaves define the s-op."""
        return node in self.claims.definitions and len(self._local.own_leaves(node)) > 1


class _Present:
    """A set of numbers below a bound."""

    def __init__(self, numbers: Ids, bound: int) -> None:
        self._all: Ids = np.unique(numbers)
        self.size = len(self._all)
        self._table = np.zeros(bound if bound <= LARGEST else 0, dtype=np.bool_)
        if len(self._table):
            self._table[self._all] = True

    def holds(self, numbers: Ids) -> bool:
        """Whether all of these are in it."""
        if len(self._table):
            return bool(self._table[numbers].all())
        return bool(np.isin(numbers, self._all).all())


def _digits(sizes: Sequence[int]) -> list[int]:
    """What each place of a number stands for, so that every combination has a number of its own."""
    if prod(sizes) >= 1 << 62:
        raise TooMuchWork
    return [prod(sizes[:k]) for k in range(len(sizes))]


def _combinations(box: Sequence[Ids], digits: Sequence[int]) -> Ids:
    """The numbers of all combinations of one label from each."""
    found = np.zeros(1, dtype=np.int64)
    for labels, digit in zip(box, digits, strict=True):
        found = (found[:, None] + labels[None, :] * digit).reshape(-1)
    return found


def _numbers(axis: Axis, values: Sequence[Atom]) -> Ids:
    """The numbers of the values on the axis; `NOTHING` for one that the leaf is not claimed to have."""
    known = {atom_key(value): number for number, (value,) in enumerate(axis.rows)}
    return np.array([known.get(atom_key(value), NOTHING) for value in values], dtype=np.int64)


def _same(found: Tuple | None, expected: Tuple) -> bool:
    """Whether these are equal as numbers; one that is no number (NaN) is the same as another."""
    return found is not None and all(a == b or (a != a and b != b) for a, b in zip(found, expected, strict=True))
