"""Certificates of bounds as charts: which numbers of layers and heads are enough, which are not, and who says so.

Each certificate is checked again for the page; what is not accepted is listed as such and charted nowhere.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from spec.diagnostics import Diagnostic, UsageError
from verifier.data import Json, integer, items, record, string
from verifier.recheck.files import Checked, recheck
from verifier.recheck.rup import Rejected
from verifier.report.markup import Markup, element

MAX_SIDE: Final = 24
_MEASURES: Final = ("heads", "total heads")


@dataclass(frozen=True)
class Claim:
    """A schedule within the limits exists, or not; `None` is no limit. `how` is what shows it."""

    exists: bool
    layers: int | None
    heads: int | None
    how: str

    def decides(self, layers: int, heads: int) -> bool:
        """Whether this number of layers and heads is enough, or too few, by this claim."""
        if self.exists:
            return layers >= (self.layers or 0) and heads >= (self.heads or 0)
        return (self.layers is None or layers <= self.layers) and (self.heads is None or heads <= self.heads)

    def meets(self, layers: int, heads: int) -> bool:
        """Whether this is the very point that a schedule was found for."""
        return self.exists and (layers, heads) == (self.layers, self.heads)


def fronts(text: str, name: str) -> Markup:
    """The section of one file of certificates; raises `UsageError` when it is none."""
    try:
        checked = recheck(text)
        certificates = [record(one) for one in items(record(json.loads(text))["certificates"])]
        charts = [_chart(*key, claims) for key, claims in _grouped(certificates, checked).items()]
    except (Rejected, ValueError, TypeError, KeyError) as error:
        raise UsageError(Diagnostic("R0604", f"{name} holds no certificates that this tool reads: {error}")) from error
    rows = [
        element(
            "li",
            element("b", "✓ accepted " if one.accepted else "✗ REJECTED ", class_="ok" if one.accepted else "bad"),
            f"{one.claim} ",
            element("span", f"({one.detail})", class_="soft"),
        )
        for one in checked
    ]
    legend = "● a schedule that was found · ✓ enough · ✗ impossible · blank: not decided"
    return element(
        "div",
        element("h2", f"Layers and heads: {name}"),
        element("div", *charts, class_="matrices"),
        element("p", legend, class_="soft"),
        element("details", element("summary", f"{len(checked)} certificates, checked again"), element("ul", *rows)),
    )


def _grouped(
    certificates: Sequence[dict[str, Json]], checked: Sequence[Checked]
) -> dict[tuple[str, str, str], list[Claim]]:
    """The accepted claims about schedules, by program, cost model and what is counted."""
    found: dict[tuple[str, str, str], list[Claim]] = {}
    for certificate, outcome in zip(certificates, checked, strict=True):
        if not outcome.accepted or certificate["kind"] not in ("schedule", "no-schedule"):
            continue
        limits = record(certificate["limits"])
        layers = None if limits["layers"] is None else integer(limits["layers"])
        for measure in _MEASURES:
            other = limits[_MEASURES[1 - _MEASURES.index(measure)]]
            if other is not None:
                continue  # a claim about the other count, which limits this one in no simple way
            heads = None if limits[measure] is None else integer(limits[measure])
            exists = certificate["kind"] == "schedule"
            if exists and heads is None:
                continue
            key = string(certificate["program"])[:12], string(certificate["model"]), measure
            found.setdefault(key, []).append(Claim(exists, layers, heads, f"{outcome.claim}; {outcome.detail}"))
    return found


def _chart(program: str, model: str, measure: str, claims: Sequence[Claim]) -> Markup:
    """Layers across, heads down; the fewest of both in the upper left corner."""
    width = min(MAX_SIDE, max((claim.layers or 0 for claim in claims), default=0) + 1)
    height = min(MAX_SIDE, max((claim.heads or 0 for claim in claims), default=0) + 1)
    head = [element("th", str(layers), scope="col") for layers in range(1, width + 1)]
    rows = [
        element("tr", element("th", str(heads), scope="row"), *_cells(claims, heads, range(1, width + 1)))
        for heads in range(1, height + 1)
    ]
    return element(
        "table",
        element("caption", f"program {program}, {model} model: layers across, {measure} down"),
        element("thead", element("tr", element("th", "", scope="col"), *head)),
        element("tbody", *rows),
        class_="grid front",
    )


def _cells(claims: Sequence[Claim], heads: int, across: Iterable[int]) -> Iterable[Markup]:
    for layers in across:
        decided = [claim for claim in claims if claim.decides(layers, heads)]
        where = f"{layers} layers, {heads} heads"
        if not decided:
            yield element("td", "", class_="cell out", title=f"{where}: not decided")
            continue
        claim = next((one for one in decided if one.meets(layers, heads)), decided[0])
        sign = "●" if claim.meets(layers, heads) else "✓" if claim.exists else "✗"
        yield element("td", sign, class_=f"cell {'yes' if claim.exists else 'no'}", title=f"{where}: {claim.how}")
