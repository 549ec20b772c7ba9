"""Fronts as data: the numbers that a report prints, beside the certificates that show them."""

from collections.abc import Sequence
from typing import TypeAlias

from spec.cost import Schedule
from verifier.bounds import words
from verifier.bounds.decide import Impossible
from verifier.bounds.depth import DepthBound
from verifier.bounds.equivalent import Rewritten
from verifier.bounds.growth import profile
from verifier.bounds.synthesis import Absent, HeadFront
from verifier.bounds.written import Front, Stairs

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def written_json(name: str, front: Front) -> dict[str, Json]:
    """Level 1 of an s-op under one cost model."""
    return {"level": 1, "name": name, **_front_json(front)}


def rewritten_json(found: Rewritten) -> dict[str, Json]:
    """Level 2 likewise, with its scope, its merges, and the program."""
    merges: list[Json] = [
        {"merge": words.merge(merge, found.written), "proved_by": list(merge.by)} for merge in found.merges
    ]
    return {
        "level": 2,
        "name": found.name,
        "scope": str(found.scope),
        **_front_json(found.front),
        "merges": merges,
        "program": found.text,
        "equal_by": None if found.proof is None else list(found.proof.by),
        "note": found.why,
        "undecided": found.undecided,
    }


def heads_json(front: HeadFront) -> dict[str, Json]:
    """Level 3, heads: shapes that are least, impossible and open, and the least ones for inputs up to each length."""
    return {
        "level": 3,
        "name": front.target.name,
        "scope": str(front.scope),
        "class": str(front.cls),
        "heads": [list(found.shape) for found in front.minimal],
        "all_lengths": [list(found.shape) for found in front.minimal if found.configurations is not None],
        "impossible": [list(found.shape) for found in front.found if isinstance(found, Absent)],
        "open": [{"heads": list(found.shape), "seconds": found.seconds} for found in front.open],
        "profile": [
            {"length": length, "heads": list(map(list, least)), "open": list(map(list, unknown))}
            for length, least, unknown in profile(front)
        ],
    }


def depth_json(bound: DepthBound) -> dict[str, Json]:
    """Level 3, depth: the least one, null where none suffices or the search ended early; and for each length."""
    return {
        "level": 3,
        "name": bound.target.name,
        "scope": str(bound.scope),
        "class": str(bound.cls),
        "layers": bound.least,
        "at_least": bound.at_least,
        "impossible": bound.impossible,
        "open": bound.least is None and not bound.impossible,
        "looked_at": bound.looked_at,
        "profile": [{"length": length, "layers": least} for length, least in bound.profile],
    }


def _front_json(front: Front) -> dict[str, Json]:
    return {
        "model": front.task.model.name,
        "layers": front.layers,
        "heads": _steps(front.widths.steps),
        "total_heads": _steps(front.totals.steps),
        "impossible": [
            {"limits": str(refuted.limits), "because": words.argument(refuted.argument, front.task, front.graph)}
            for refuted in _refuted(front)
        ],
        "open": [
            {"limits": str(left.limits), "seconds": left.seconds}
            for stairs in (front.widths, front.totals)
            for left in stairs.open
        ],
    }


def _refuted(front: Front) -> list[Impossible]:
    stairs: Sequence[Stairs] = (front.widths, front.totals)
    shortest = [] if front.shortest is None else [front.shortest]
    return [*shortest, *(refuted for one in stairs for refuted in one.refuted)]


def _steps(steps: Sequence[Schedule]) -> list[Json]:
    return [{"layers": step.layers, "in_each": list(step.heads), "total": step.total} for step in steps]
