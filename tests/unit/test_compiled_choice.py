"""Of several plans the best is taken, although one that is larger for sure is not finished."""

from dataclasses import replace
from pathlib import Path

import pytest

from compiled.choice import plans
from compiled.compile import compile_program
from compiled.planning.plan import Optimise, Options, Planner
from compiled.planning.reuse import reused
from compiled.planning.shape import shape_of
from spec.graph import Graph, SOp
from spec.values import Numbers
from verifier.running.selection import usual_scope
from verifier.running.subject import Subject


def shipped(checkout: Path, target: str, length: int) -> tuple[Graph, SOp, Options]:
    path, _, name = target.partition("::")
    subject = Subject.load(checkout / "spec" / "programs" / f"{path}.rasp")
    made = subject(None, Numbers.EXACT)
    return made.graph, made.sop(name), Options(tuple(usual_scope(subject).symbols), length)


def costs(sop: SOp, options: Options) -> list[tuple[int, int, int]]:
    """Layers, heads and parameters of all plans, each made to its end and alone, with dimensions used again, too."""
    found = []
    for optimise in {options.optimise, Optimise.LAYERS if options.optimise is Optimise.PARAMS else options.optimise}:
        for powers in (True, False):
            planner = Planner({"out": sop}, replace(options, optimise=optimise, powers=powers))
            for plan in (made := planner.plan(), reused(made, planner.precision)):
                found.append((len(plan.layers), sum(plan.heads), shape_of(plan).parameters))
    return found


@pytest.mark.parametrize(
    ("target", "length"),
    [
        ("paper/dyck1_ptf::dyck1_ptf", 8),
        ("paper/shuffle_dyck::shuffle_dyck2", 6),
        ("paper/sort::in_order", 8),
        ("crasp/tomita::tomita5", 8),
        ("raspy/split::left", 6),
    ],
)
@pytest.mark.parametrize("optimise", list(Optimise))
def test_the_best_plan_is_the_first_one(checkout: Path, target: str, length: int, optimise: Optimise) -> None:
    _, sop, options = shipped(checkout, target, length)
    options = replace(options, optimise=optimise)
    made = [(len(plan.layers), sum(plan.heads), shape_of(plan).parameters) for _, plan in plans({"out": sop}, options)]
    every = costs(sop, options)
    assert set(made) <= set(every)
    match optimise:
        case Optimise.LAYERS:
            assert made[0][::2] == min((layers, parameters) for layers, _, parameters in every)
        case Optimise.HEADS:
            assert made[0] == min(every)
        case Optimise.PARAMS:
            assert made[0][2] == min(parameters for _, _, parameters in every)


@pytest.mark.parametrize(
    "target", ["raspy/split::left", "crasp/tomita::tomita5", "arithmetic/divisible_by_three::divisible"]
)
def test_where_parameters_are_saved_there_are_no_more_than_where_layers_are(checkout: Path, target: str) -> None:
    """Computing functions later takes layers, and may take more numbers than it saves."""
    graph, sop, options = shipped(checkout, target, 6)
    sizes = {
        saved: compile_program(graph, sop, alphabet=options.alphabet, max_length=6, optimise=saved, certify=False)
        for saved in (Optimise.LAYERS, Optimise.PARAMS)
    }
    assert sizes[Optimise.PARAMS].parameters <= sizes[Optimise.LAYERS].parameters
    assert sizes[Optimise.PARAMS].options.optimise is Optimise.PARAMS
