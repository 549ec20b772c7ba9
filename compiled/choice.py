"""Which plans of a program are made, and in which order they are tried: what is larger for sure is not finished.

Where heads weigh keys nearly evenly, there is also a plan without such. Where parameters are to be saved, there are
also the plans that save layers, which may have fewer of them after all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from compiled.errors import Refused
from compiled.planning.layout import Plan
from compiled.planning.plan import Optimise, Options, Planner
from compiled.planning.shape import shape_of
from spec.graph import SOp

Cost: TypeAlias = tuple[int, int, int]
"""Layers, unless parameters are to be saved; heads where these are; parameters."""


def plans(outputs: Mapping[str, SOp], options: Options) -> Iterator[tuple[Planner, Plan]]:
    """Every plan, that of least cost first; `Refused` when there is none."""
    choice = _Choice(outputs, options)
    if not choice.made:
        raise choice.refusal or Refused("there is no plan")
    yield from choice.in_order()
    choice.finish()
    yield from choice.in_order()


class _Choice:
    """The plans that are made, and what is known to be larger."""

    def __init__(self, outputs: Mapping[str, SOp], options: Options) -> None:
        self.outputs, self.saves = outputs, options.optimise
        self.made: list[tuple[Cost, Planner, Plan]] = []
        self.refusal: Refused | None = None
        self._larger: list[Options] = []
        self._first: Planner | None = None
        variants = [options]
        if self.saves is Optimise.PARAMS:
            variants.append(replace(options, optimise=Optimise.LAYERS))
        for one in variants:
            planner = self._make(one)
            if any(planner.stream.skew.values()):
                # Smaller errors save layers only where something has to wait because of the errors.
                self._make(replace(one, powers=False), 0 if planner.stream.late else len(planner.layers))

    def in_order(self) -> Iterator[tuple[Planner, Plan]]:
        """What was made, that of least cost first."""
        for _, planner, plan in sorted(self.made, key=lambda one: one[0]):
            yield planner, plan

    def finish(self) -> None:
        """Make what was given up, in the place of what was made."""
        left, self._larger, self.made = self._larger, [], []
        for options in left:
            self._make(options)

    def _make(self, options: Options, layers: int = 0) -> Planner:
        """Plan, as long as a plan with so many layers at least can be of less cost than what is made."""
        planner = Planner(self.outputs, options, self._first)
        self._first = self._first or planner
        try:
            for _ in planner.steps():
                least = self._cost(planner, layers)
                if any(known <= least for known, _, _ in self.made):
                    self._larger.append(options)
                    return planner
            self.made.append((self._cost(planner), planner, planner.so_far()))
        except Refused as refused:
            self.refusal = self.refusal or refused
        return planner

    def _cost(self, planner: Planner, layers: int = 0) -> Cost:
        """The cost of a plan that has so many layers at least; while it is being made, what it costs at least."""
        plan = planner.so_far()
        shape = shape_of(plan)
        shape = replace(shape, layers=max(layers, shape.layers), mlp=max(shape.mlp, planner.stream.least_units))
        heads = sum(plan.heads) if self.saves is Optimise.HEADS else 0
        return 0 if self.saves is Optimise.PARAMS else shape.layers, heads, shape.parameters
