"""The checker's part for an MLP: every hidden unit is decided, at most 0 or at least 1, on every local state."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from compiled.certificate.rounding import exactly
from compiled.certificate.states import Floats, States, Tabled, Term
from compiled.errors import Uncertified
from compiled.meaning.leaves import Leaf
from spec.values import Atom

if TYPE_CHECKING:
    from compiled.certificate.checker import Checker


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
        low, high = self._bounds(states, slots, units)
        reachable = ~np.isnan(low).any(axis=1)
        states, low, high = states.where(reachable), low[reachable], high[reachable]
        matrix = self.inward[np.ix_(slots, units)]
        errors = checker.arithmetic.linear(matrix, self.b_in[units], [checker.slots[slot].operand for slot in slots])
        margin = np.maximum(low - 1, -high) - errors
        kept = np.asarray((margin >= 0).all(axis=1))
        if not kept.all():
            kept[~kept] = checker.occurring(states.where(~kept))
            states, low, high, margin = states.where(kept), low[kept], high[kept], margin[kept]
        if margin.size and not float(margin.min()) >= 0:
            row, column = np.unravel_index(int(np.nan_to_num(margin, nan=-inf).argmin()), margin.shape)
            raise Uncertified(
                f"{self.name}: unit {units[int(column)]} is {low[row, column]:.6g} to {high[row, column]:.6g} +- "
                f"{errors[column]:.2g} on {states.tuples[int(row)]}, neither 0 nor 1"
            )
        checker.unit_margin = min(checker.unit_margin, float(margin.min(initial=inf)))
        outward = self.outward[units]
        targets = [int(slot) for slot in np.flatnonzero(np.any(outward != 0, axis=0))]
        sums = (low >= 1).astype(np.float64) @ outward[:, targets]
        return [
            (slot, Term(leaves, Tabled(states, one), states.classes)) for slot, one in zip(targets, sums.T, strict=True)
        ]

    def _bounds(self, states: States, slots: Sequence[int], units: Sequence[int]) -> tuple[Floats, Floats]:
        """The least and the largest that each unit reads in each state: where a leaf has classes, over its class."""
        low = np.tile(self.b_in[units], (len(states), 1))
        high = low.copy()
        alone: dict[Leaf, list[tuple[int, Term]]] = {}
        for slot in slots:
            for term in self.checker.slots[slot].terms:
                if len(term.leaves) == 1 and term.leaves[0] in states.classes:
                    alone.setdefault(term.leaves[0], []).append((slot, term))
                    continue
                part = np.outer(states.column(term), self.inward[slot, units])
                low += part
                high += part
        for leaf, terms in alone.items():
            least, most = self._class_bounds(states.classes[leaf], states.index(leaf)[0], terms, units)
            column = states.index(leaf)[1]
            low += least[column]
            high += most[column]
        return low, high

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
