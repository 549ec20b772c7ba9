"""The checker's part for an MLP: every hidden unit is decided, at most 0 or at least 1, on every local state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from compiled.certificate.rounding import exactly
from compiled.certificate.states import Floats, States, Tabled, Term, alike
from compiled.errors import Uncertified
from compiled.meaning.leaves import Leaf
from compiled.numbering import Ids
from spec.values import Atom

if TYPE_CHECKING:
    from compiled.certificate.checker import Checker


CHUNK: Final = 1 << 22
"""How many units of states are looked at together."""
Rows: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Read:
    """What units read: a constant; products of the numbers of a state, one in each column, with those of the units, one
    in each row; where leaves have classes, the least and the largest of the class that the state has."""

    constant: Floats
    at_state: Floats
    at_unit: Floats
    ranges: Sequence[tuple[Ids, Floats, Floats]]

    def alike(self, size: int) -> tuple["_Read", Ids]:
        """The same on the first of each kind of so many states that are the same here, and of which kind each is."""
        first, place = alike([*self.at_state.T, *(codes for codes, _, _ in self.ranges)], size)
        ranges = [(codes[first], least, most) for codes, least, most in self.ranges]
        return _Read(self.constant, self.at_state[first], self.at_unit, ranges), place

    def reachable(self, rows: slice) -> Rows:
        """Which of these states have numbers for all that is read: others cannot occur."""
        missing: Rows = np.any(np.isnan(self.at_state[rows]), axis=1)
        for codes, least, most in self.ranges:
            none: Rows = np.any(np.isnan(least + most), axis=1)
            missing |= none[codes[rows]]
        return ~missing

    def bounds(self, rows: slice) -> tuple[Floats, Floats]:
        """The least and the largest that each unit reads in each of these states."""
        low = self.constant + self.at_state[rows] @ self.at_unit
        high = low
        for codes, least, most in self.ranges:
            low, high = low + least[codes[rows]], high + most[codes[rows]]
        return low, high


class UnitCheck:
    """The MLP of one layer."""

    def __init__(self, checker: "Checker", layer: int) -> None:
        self.checker = checker
        self.name = f"blocks.{layer}.mlp"

    def run(self) -> None:
        """Check the units, and add what they write to the slots and to the start token."""
        weights, checker = self.checker.weights, self.checker
        if f"{self.name}.W_in" not in weights:
            return
        self.inward, self.b_in = weights[f"{self.name}.W_in"], weights[f"{self.name}.b_in"]
        self.outward, b_out = weights[f"{self.name}.W_out"], weights[f"{self.name}.b_out"]
        largest = checker.largest()
        asked = largest @ np.abs(self.inward) + np.abs(self.b_in)
        checker.finite(self.name, largest, asked, np.abs(self.outward).sum(axis=0) + np.abs(b_out))
        groups: dict[tuple[Leaf, ...], list[int]] = {}
        for unit in np.flatnonzero(np.any(self.outward != 0, axis=1)):
            groups.setdefault(checker.leaves_of(self._slots([int(unit)])), []).append(int(unit))
        added = [one for leaves, units in groups.items() for one in self._group(leaves, units)]
        added += [(int(slot), Term((), {(): float(b_out[slot])})) for slot in np.flatnonzero(b_out)]
        change = self._at_start() @ self.outward + b_out
        # Units are exactly 0 or 1, so that only their sum is rounded.
        rounding = checker.arithmetic.linear(self.outward, b_out, [exactly(1.0)] * len(self.outward))
        for slot, term in added:
            checker.add(slot, term, float(rounding[slot]))
        checker.add_at_start(change, np.where(change != 0, rounding, 0.0))

    def _slots(self, units: Sequence[int]) -> list[int]:
        """The slots that the units read and that hold anything."""
        read = np.flatnonzero(np.any(self.inward[:, units] != 0, axis=1))
        return [int(slot) for slot in read if self.checker.slots[int(slot)].terms]

    def _group(self, leaves: tuple[Leaf, ...], units: Sequence[int]) -> list[tuple[int, Term]]:
        """Units that read the same leaves."""
        checker, slots = self.checker, self._slots(units)
        if checker.few(leaves):
            states = checker.every_state(leaves)
        else:
            shared = [term for slot in slots for term in checker.slots[slot].terms if len(term.leaves) > 1]
            states = checker.states_by_class(leaves, checker.computed_from(leaves), shared)
        matrix = self.inward[np.ix_(slots, units)]
        errors = checker.arithmetic.linear(matrix, self.b_in[units], [checker.slots[slot].operand for slot in slots])
        outward = self.outward[units]
        targets = [int(slot) for slot in np.flatnonzero(np.any(outward != 0, axis=0))]
        # States that are the same in what is read are one row.
        read, place = self._read(states, slots, units).alike(len(states))
        size = int(place.max(initial=-1)) + 1
        kept, sums = np.zeros(size, bool), []
        step = max(1, CHUNK // len(units))
        for begin in range(0, size, step):
            rows = slice(begin, min(size, begin + step))
            reachable, (low, high) = read.reachable(rows), read.bounds(rows)
            margin = np.maximum(low - 1, -high)
            margin -= errors
            decided: Rows = np.logical_and(reachable, (margin >= 0).all(axis=1))
            undecided: Rows = np.logical_and(reachable, ~decided)
            if undecided.any():
                which = np.flatnonzero(np.isin(place, begin + np.flatnonzero(undecided)))
                self._cannot_occur(states.at(which), place[which] - begin, (low, high, margin, errors), units)
            kept[begin : begin + step] = decided
            checker.unit_margin = min(checker.unit_margin, float(margin[decided].min(initial=inf)))
            sums.append((low >= 1).astype(np.float64) @ outward[:, targets])
        written = np.concatenate([np.zeros((0, len(targets))), *sums])
        states, columns = states.where(kept[place]), written[place[kept[place]]].T
        return [
            (slot, Term(leaves, Tabled(states, one), states.classes))
            for slot, one in zip(targets, columns, strict=True)
        ]

    def _cannot_occur(
        self, states: States, rows: Ids, found: tuple[Floats, Floats, Floats, Floats], units: Sequence[int]
    ) -> None:
        """`Uncertified` if one of these states, which have these rows, can be at a place."""
        low, high, margin, errors = found
        for state in np.flatnonzero(self.checker.occurring(states))[:1].tolist():
            row = int(rows[state])
            column = int(np.nan_to_num(margin[row], nan=-inf).argmin())
            raise Uncertified(
                f"{self.name}: unit {units[column]} is {low[row, column]:.6g} to {high[row, column]:.6g} +- "
                f"{errors[column]:.2g} on {states.tuples[state]}, neither 0 nor 1"
            )

    def _read(self, states: States, slots: Sequence[int], units: Sequence[int]) -> "_Read":
        """What the units read in each state."""
        sums: list[tuple[Floats, Floats]] = []
        alone: dict[Leaf, list[tuple[int, Term]]] = {}
        for slot in slots:
            for term in self.checker.slots[slot].terms:
                if len(term.leaves) == 1 and term.leaves[0] in states.classes:
                    alone.setdefault(term.leaves[0], []).append((slot, term))
                else:
                    sums.append((states.column(term), self.inward[slot, units]))
        ranges = []
        for leaf, terms in alone.items():
            shown, codes = states.index(leaf)
            ranges.append((codes, *self._class_bounds(states.classes[leaf], shown, terms, units)))
        at_state = np.array([column for column, _ in sums]).reshape(len(sums), len(states)).T
        at_unit = np.array([row for _, row in sums]).reshape(len(sums), len(units))
        return _Read(self.b_in[units], at_state, at_unit, ranges)

    def _class_bounds(
        self,
        classes: Mapping[Atom, Atom],
        shown: Sequence[Atom],
        terms: Sequence[tuple[int, Term]],
        units: Sequence[int],
    ) -> tuple[Floats, Floats]:
        """What the terms add to each unit, at least and at most, for each class; `shown` are the representatives."""
        number = {value: k for k, value in enumerate(shown)}
        members = [value for value, first in classes.items() if first in number]
        owner = np.array([number[classes[value]] for value in members])
        added = np.zeros((len(members), len(units)))
        for slot, term in terms:
            added += np.outer([term.at((value,)) for value in members], self.inward[slot, units])
        least = np.full((len(shown), len(units)), inf)
        most = np.full((len(shown), len(units)), -inf)
        np.minimum.at(least, owner, added)
        np.maximum.at(most, owner, added)
        return least, most

    def _at_start(self) -> Floats:
        values, errors = self.checker.at_start(self.inward, self.b_in)
        used = np.any(self.outward != 0, axis=1)
        low, high = values + errors <= 0, values - errors >= 1
        if np.any(used & ~low & ~high):
            raise Uncertified(f"{self.name}: a unit is neither 0 nor 1 at the start token")
        return np.where(used & high, 1.0, 0.0)
