"""A property of inputs of every length: a proof with its evidence, or why there is none."""

from time import monotonic
from typing import Final

from spec.property.bound import BoundProperty
from spec.values import Numbers
from verifier.engine import Reason
from verifier.unbounded.claim import any_letters, claimed, listed_letters
from verifier.unbounded.linear import Unsupported
from verifier.unbounded.program import Symbolic
from verifier.unbounded.prove import Proof, prove
from verifier.unbounded.recheck import Rechecked, recheck
from verifier.verdict import EveryLength, Proved, Unknown

_SHARE: Final = 0.6
"""The part of the time that finding a proof may take; the rest is for checking it again."""


def all_lengths(bound: BoundProperty, wall_s: float) -> Proved | Unknown:
    """Try to prove the property for all lengths: for any alphabet first, then for the one that is listed."""
    if bound.property.scope.numbers is not Numbers.EXACT:
        return Unknown(
            Reason.UNSUPPORTED, "for all lengths, numbers are exact: doubles are rounded from some length on"
        )
    reasons: list[str] = []
    found_by, checked_by = monotonic() + _SHARE * wall_s, monotonic() + wall_s
    for build in (any_letters, listed_letters):
        try:
            symbolic = build(bound)
            symbolic.domain.solver.deadline = found_by
            claim = claimed(bound, symbolic)
            proof = prove(claim, found_by)
            checked = recheck(bound, claim, proof, checked_by)
        except Unsupported as reason:
            reasons.append(str(reason))
            continue
        return Proved(bound.property.scope, every=_evidence(symbolic, proof, checked))
    return Unknown(Reason.UNSUPPORTED, "for all lengths: " + "; ".join(dict.fromkeys(reasons)))


def _evidence(symbolic: Symbolic, proof: Proof, checked: Rechecked) -> EveryLength:
    modes = () if proof.invariant is None else tuple(str(mode.formula) for mode in proof.invariant.modes)
    return EveryLength(_method(symbolic), modes, len(proof.alone) + len(proof.others), checked.by)


def _method(symbolic: Symbolic) -> str:
    if symbolic.symbols is None:
        return "positions as linear terms, for any alphabet"
    registers = len(symbolic.machine.registers)
    if not registers:
        return "linear arithmetic over letter counts"
    return f"linear arithmetic over letter counts and a machine with {registers} registers"
