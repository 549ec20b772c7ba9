"""Certificates of bounds as charts: which numbers of layers and heads are enough, which are not, and who says so.

Each certificate is checked again for the page; what is not accepted is listed as such and charted nowhere.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from spec.diagnostics import Diagnostic, UsageError
from verifier.recheck.files import Checked, Judgement, recheck
from verifier.recheck.rup import Rejected
from verifier.report.data import Json, integer, items, record, string
from verifier.report.markup import Markup, element
from verifier.report.text import counted

MAX_SIDE: Final = 24
_KINDS: Final = {"chain": "c", "crowd": "w", "proof": "p", "pair": "i"}
_LEGEND: Final = (
    "● found and checked again",
    "✓ enough",
    "✗ impossible",
    "by c: a chain of reads, w: a crowd of heads, p: a clausal proof, i: two positions that look the same",
    "blank: not decided",
)
_MARKS: Final = {Judgement.ACCEPTED: "✓", Judgement.TRUSTED: "?", Judgement.REJECTED: "✗"}
_MEASURES: Final = ("heads", "total heads")


@dataclass(frozen=True)
class Claim:
    """A schedule within the limits exists, or not; `None` is no limit. `how` shows it, `kind` is the kind of that."""

    exists: bool
    layers: int | None
    heads: int | None
    kind: str
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
        given = items(record(json.loads(text))["certificates"])
        accepted = [(record(one), outcome) for one, outcome in zip(given, checked, strict=True) if outcome.accepted]
        charts = [_chart(*key, claims) for key, claims in _grouped(accepted).items()]
        charts += [_ladder(caption, steps) for caption, steps in _ladders(accepted).items()]
    except (Rejected, ValueError, TypeError, KeyError) as error:
        raise UsageError(Diagnostic("R0604", f"{name} holds no certificates that this tool reads: {error}")) from error
    rows = [
        element(
            "li",
            element("b", f"{_MARKS[one.judgement]} {one.judgement.value} ", class_="ok" if one.accepted else "bad"),
            f"{one.claim} ",
            element("span", f"({one.detail})", class_="soft"),
        )
        for one in checked
    ]
    return element(
        "div",
        element("h2", f"Layers and heads: {name}"),
        element("div", *charts, class_="matrices"),
        element("p", " \N{MIDDLE DOT} ".join(_LEGEND), class_="soft"),
        element(
            "details",
            element("summary", f"{counted(len(checked), 'certificate')}, checked again"),
            element("ul", *rows),
        ),
    )


def _grouped(accepted: Sequence[tuple[dict[str, Json], Checked]]) -> dict[tuple[str, str, str], list[Claim]]:
    """The claims about schedules, by program, cost model and what is counted."""
    found: dict[tuple[str, str, str], list[Claim]] = {}
    for certificate, outcome in accepted:
        if certificate["kind"] not in ("schedule", "no-schedule"):
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
            kind = "" if exists else next((kind for kind in _KINDS if kind in record(certificate["argument"])), "proof")
            key = string(certificate["program"])[:12], string(certificate["model"]), measure
            how = f"{outcome.claim}; {outcome.detail}"
            found.setdefault(key, []).append(Claim(exists, layers, heads, kind, how))
    return found


def _ladders(accepted: Sequence[tuple[dict[str, Json], Checked]]) -> dict[str, list[tuple[str, Markup]]]:
    """The claims about every program of a class: one row for each target and class, a cell for each depth or shape."""
    found: dict[str, list[tuple[str, Markup]]] = {}
    for certificate, outcome in accepted:
        match certificate:
            case {"kind": "indistinguishable" | "distinguishable" as kind, "depth": int(depth)}:
                step, what, exists, sign = str(depth), "layers of", kind == "distinguishable", "i"
            case {"kind": "program" | "no-program" as kind, "shape": list(shape)}:
                step, exists, sign = "/".join(map(str, shape)) or "none", kind == "program", "p"
                what = "heads of"
            case _:
                continue
        target = outcome.claim.partition(":")[0]
        cell = _cell("●" if exists else "✗", "" if exists else sign, f"{outcome.claim}; {outcome.detail}")
        found.setdefault(f"{target}, {what} {_class_text(record(certificate['class']))}", []).append((step, cell))
    return found


def _class_text(fields: dict[str, Json]) -> str:
    """A class as the command line writes it."""
    masks = fields["masks"] if "masks" in fields else fields["mask"]
    shown = ",".join(map(string, masks)) if isinstance(masks, list) else "" if masks is None else string(masks)
    extras = "".join(f"+{extra}" for extra in ("start", "indices") if fields.get(extra) is True)
    values = f", {integer(fields['values'])} values" if "values" in fields else ""
    return "/".join(filter(None, (string(fields.get("attention", fields.get("reading"))), shown))) + extras + values


def _ladder(caption: str, steps: Sequence[tuple[str, Markup]]) -> Markup:
    ordered = sorted(dict(steps).items(), key=lambda step: (step[0] != "none", len(step[0]), step[0]))
    return element(
        "figure",
        element("figcaption", caption),
        element(
            "table",
            element("thead", element("tr", *(element("th", step, scope="col") for step, _ in ordered))),
            element("tbody", element("tr", *(cell for _, cell in ordered))),
            class_="grid front",
        ),
    )


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
        "figure",
        element("figcaption", f"program {program}, {model} model: layers across, {measure} down"),
        element(
            "table",
            element("thead", element("tr", element("th", "", scope="col"), *head)),
            element("tbody", *rows),
            class_="grid front",
        ),
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
        yield _cell(sign, _KINDS.get(claim.kind, ""), f"{where}: {claim.how}")


def _cell(sign: str, kind: str, title: str) -> Markup:
    """A sign, and beside it the letter of the kind of argument."""
    small = [element("small", f" {kind}")] if kind else []
    return element("td", sign, *small, class_=f"cell {'no' if sign == '✗' else 'yes'}", title=title)
