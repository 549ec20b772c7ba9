"""From a plan to a certified model: the ledger of what the heads compute, checked against the weights."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from compiled.certificate.checker import Checker, Margins
from compiled.certificate.closure.claims import Claims, LeafClaim
from compiled.certificate.ledger import HeadClaim, Ledger, PartClaim, StoredClaim, from_json, to_json
from compiled.errors import BadFile
from compiled.meaning.counting import definitions
from compiled.meaning.formula import formula, keys_of, queries_of
from compiled.meaning.leaves import Computed, Definition, Input, Leaf, Position, Stored
from compiled.meaning.storing import store
from compiled.meaning.values import Domain
from compiled.planning.layout import Head, Plan
from compiled.precision import PRECISIONS
from spec.graph import Aggregate, Map, SOp, topological
from spec.values import Atom, Numbers

Floats = npt.NDArray[np.float64]


def ledger_of(plan: Plan) -> Ledger:
    """What the plan claims about each head."""
    return Ledger(
        tuple(tuple(_claim(head) for head in layer.heads) for layer in plan.layers),
        tuple(StoredClaim(slot.layer - 1, slot.number, slot.stores) for slot in plan.slots if slot.stores is not None),
    )


def _claim(head: Head) -> HeadClaim:
    parts, first = [], 0
    for part in head.parts:
        parts.append(PartClaim(part.formula, first, part.rank))
        first += part.rank
    columns = tuple((column, channel.leaf) for column, channel in enumerate(head.channels))
    return HeadClaim(tuple(parts), first, head.mask.value, columns)


def certify(
    weights: Mapping[str, Floats],
    ledger: Ledger,
    domain: Domain,
    outputs: Mapping[str, tuple[SOp, tuple[Atom, ...]]],
    dtype: str,
) -> Margins:
    """Check the weights, as their format stores them; `Uncertified` says where there is no proof.

    First the weights, given what s-ops can be; then that they can be nothing else, unless that is too much work.
    """
    leaves = [leaf for layer in ledger.layers for head in layer for _, leaf in head.columns]
    claims = claims_of(domain, [sop for sop, _ in outputs.values()], leaves)
    with threadpool_limits(1, "blas"):  # as where it is compiled
        return Checker(weights, ledger, domain, claims, outputs, PRECISIONS[dtype]).check()


def claims_of(domain: Domain, outputs: Iterable[SOp], leaves: Iterable[Leaf]) -> Claims:
    """What the checker believes of the values of these leaves, and of what the outputs are computed from."""
    outputs = tuple(outputs)
    found: dict[Computed, LeafClaim] = {}
    defined: dict[SOp, Definition] = {}
    sops = [*outputs, *(node for node in topological(outputs) if isinstance(node, Map))]
    places = list(domain.places())
    todo = [leaf for leaf in (*leaves, *domain.leaves_of(outputs)) if not isinstance(leaf, Input | Position)]
    while todo:
        leaf = todo.pop()
        if leaf in found:
            continue
        todo += domain.below(leaf)
        sets = domain.sets(leaf)
        number = dict(zip(places, sets.where, strict=True))
        if isinstance(leaf, Stored):
            found[leaf] = LeafClaim(sets.sets, number, always=False, alone=False)
            sops += leaf.sop.args
            continue
        profile = domain.profile(leaf)
        found[leaf] = LeafClaim(sets.sets, number, profile.always_selects, profile.at_most_one, profile.rank)
        part = formula(leaf.selector) if isinstance(leaf, Aggregate) else leaf.formula
        sops += [*keys_of(part), *queries_of(part), *([leaf.values] if isinstance(leaf, Aggregate) else [])]
    for sop in sops:
        # The checker evaluates every s-op that is a function of what the model holds.
        if all(leaf in found or isinstance(leaf, Input | Position) for leaf in domain.leaves(sop)):
            defined |= {node: domain.definitions[node] for node in domain.cone((sop,)) if node in domain.definitions}
    formulas = {leaf: formula(leaf.selector) for leaf in found if isinstance(leaf, Aggregate)}
    return Claims(domain.alphabet, domain.max_length, domain.numbers, found, formulas, defined)


def write_certificate(ledger: Ledger, margins: Margins, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The certificate as data for JSON: the claims to replay, what they are about, and the margins found."""
    found = {name: value for name, value in asdict(margins).items() if name != "slot_errors"}
    found["slot_error"] = margins.slot_error
    numbers = {name: value if isfinite(value) else None for name, value in found.items()}
    values = "proved" if margins.values_proved else "taken on trust"
    return {"kind": "compiled-transformer", **facts, "values": values, "margins": numbers, "ledger": to_json(ledger)}


def recheck(
    certificate: Mapping[str, Any],
    weights: Mapping[str, Floats],
    outputs: Mapping[str, SOp],
    values: Mapping[str, Sequence[Atom]],
    *,
    alphabet: Sequence[Atom],
    numbers: Numbers,
) -> Margins:
    """Replay a certificate against weights and a program: nothing of the planner is used.

    The scope is the caller's and must be the certificate's; the definitions of counts are derived again.
    """
    try:
        length, dtype, split = (
            int(certificate["max_length"]),
            str(certificate["dtype"]),
            bool(certificate["split_means"]),
        )
        counting = bool(certificate["counting"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(f"the certificate is malformed: {error}") from error
    if dtype not in PRECISIONS:
        raise BadFile(f"the certificate names an unknown number format `{dtype}`")
    domain = Domain(tuple(alphabet), length, numbers)
    if counting:
        for sop, made in definitions(outputs.values(), domain, split_means=split).items():
            domain.define(sop, made)
    store(outputs.values(), domain)
    nodes = {node.id: node for node in topological(outputs.values())}
    ledger = from_json(certificate.get("ledger"), nodes)
    claimed = {name: (sop, tuple(values[name])) for name, sop in outputs.items()}
    return certify(weights, ledger, domain, claimed, dtype)
