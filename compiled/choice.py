"""Which plans of a program are made, and in which order they are tried: what is larger for sure is not finished.

Where heads weigh keys nearly evenly, there is also a plan without such. Where parameters are to be saved, there are
also the plans that save layers, which may have fewer of them after all. Of each there is one that uses dimensions again
where that is smaller; what is larger is decided without.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from compiled.errors import Refused
from compiled.planning.layout import Plan
from compiled.planning.plan import Encoding, Optimise, Options, Planner
from compiled.planning.reuse import reused
from compiled.planning.shape import Shape, shape_of
from spec.graph import SOp

Cost: TypeAlias = tuple[int, int, int]
"""Layers, unless parameters are to be saved; heads where these are; parameters."""


def plans(outputs: Mapping[str, SOp], options: Options) -> Iterator[tuple[Planner, Plan]]:
    """Every plan, that of least cost first, with dimensions that are used again and without; `Refused` when there is
    none."""
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
        """What was made, with dimensions that are used again and without, that of least cost first."""
        found = [(planner, plan) for _, planner, plan in self.made]
        for _, planner, plan in self.made:
            if planner.options.encoding is Encoding.COMPACT:
                again = reused(plan, planner.precision)
                found += [] if again is plan else [(planner, again)]
        yield from sorted(found, key=lambda one: self._cost(one[1], shape_of(one[1])))

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
                least = self._least(planner, layers)
                if any(known <= least for known, _, _ in self.made):
                    self._larger.append(options)
                    return planner
            plan = planner.so_far()
            self.made.append((self._cost(plan, shape_of(plan)), planner, plan))
        except Refused as refused:
            self.refusal = self.refusal or refused
        return planner

    def _least(self, planner: Planner, layers: int) -> Cost:
        """What a plan that is being made, and has so many layers at least, costs at least."""
        plan = planner.so_far()
        shape = shape_of(plan)
        mlp = max(shape.mlp, planner.stream.least_units)
        return self._cost(plan, replace(shape, layers=max(layers, shape.layers), mlp=mlp))

    def _cost(self, plan: Plan, shape: Shape) -> Cost:
        heads = sum(plan.heads) if self.saves is Optimise.HEADS else 0
        return 0 if self.saves is Optimise.PARAMS else shape.layers, heads, shape.parameters
