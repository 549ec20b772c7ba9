"""`arch` claims: whether an s-op, as it is written, needs no more layers and heads than its contract allows."""

from spec.cost import PAPER, Schedule, as_soon_as_possible
from spec.diagnostics import InternalError
from spec.property.ast import Architecture, Measure
from spec.property.bound import BoundProperty
from verifier.engine import Reason
from verifier.verdict import Proved, Refuted, Unknown, Verdict


def architecture(bound: BoundProperty, claim: Architecture) -> Verdict:
    """The verdict under the paper's cost model.

    Scheduling everything as soon as possible gives the least number of layers, so that number decides. For heads it
    is only an upper bound: a schedule that meets the limits proves the claim, one that does not decides nothing.
    """
    if claim.target is None:
        raise InternalError("an architecture without a target was not bound")
    found = as_soon_as_possible([bound.binding.sops[claim.target]], PAPER)
    needs = {Measure.LAYERS: found.layers, Measure.HEADS: found.width, Measure.TOTAL_HEADS: found.total}
    exceeded = [limit for limit in claim.limits if needs[limit.measure] > limit.at_most]
    if not exceeded:
        return Proved(bound.property.scope, structural=f"{_text(found)}, cost model `{PAPER.name}`")
    if any(limit.measure is Measure.LAYERS for limit in exceeded):
        return Refuted(None, detail=f"as written it needs {found.layers} layers (cost model `{PAPER.name}`)")
    return Unknown(Reason.UNSUPPORTED, f"scheduled as soon as possible it takes {_text(found)}; others were not tried")


def _text(schedule: Schedule) -> str:
    heads = "/".join(map(str, schedule.heads)) or "0"
    return f"{schedule.layers} layers with {heads} heads"
