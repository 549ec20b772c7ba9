"""The pictures of a counterexample: the run as a table, and each selector as a matrix whose rows point into it."""

from collections import Counter
from typing import Final

from verifier.report.markup import Markup, element, join
from verifier.report.table import atom_text
from verifier.report.text import word_text
from verifier.report.trace import Matrix, Place, Trace, Values
from verifier.verdict import Witness

_SIDE: Final = 18
_MARGIN: Final = 34
MAX_POSITIONS: Final = 40
"""Longer runs are shown as text only."""


def run(witness: Witness, trace: Trace) -> Markup:
    """The run that breaks the property; cells that the failing position does not depend on are faint."""
    if len(witness.word) > MAX_POSITIONS:
        return element("p", f"{len(witness.word)} positions are too many for a picture.")
    steps = [step for step in trace.steps if isinstance(step, Matrix)]
    alike = Counter((step.name, step.place) for step in steps)
    seen: Counter[tuple[str, Place | None]] = Counter()
    matrices = []
    for step in steps:
        which = step.name, step.place
        seen[which] += 1
        matrices.append(matrix(step, f" {seen[which]} of {alike[which]}" if alike[which] > 1 else ""))
    hint = (
        "Point at a row of a selector, or move to it with the tab and arrow keys: the positions that it reads light up."
    )
    return element(
        "div",
        element("div", _table(witness, trace), class_="scroll"),
        *([element("p", hint, class_="soft hint"), element("div", *matrices, class_="matrices")] if matrices else []),
        class_="run",
    )


def _table(witness: Witness, trace: Trace) -> Markup:
    positions = range(len(witness.word))
    failing = ["failing" if i == witness.at else None for i in positions]
    head = [element("th", str(i), scope="col", class_=failing[i], data_position=i) for i in positions]
    letters = [
        element("td", atom_text(atom), data_position=i, class_=failing[i]) for i, atom in enumerate(witness.word)
    ]
    rows = [element("tr", element("th", "input", scope="row"), *letters)]
    for step in trace.steps:
        if isinstance(step, Values):
            cells = [
                element("td", atom_text(value), class_=_class(i in step.matters, failing[i]), data_position=i)
                for i, value in enumerate(step.values)
            ]
            title = None if step.place is None else f"{step.place.file}:{step.place.line}"
            rows.append(element("tr", element("th", step.name, scope="row", title=title), *cells))
    caption = element("caption", f"the run on {word_text(witness.word)}", class_="soft")
    return element(
        "table",
        caption,
        element("thead", element("tr", element("th", "position", scope="col"), *head)),
        element("tbody", *rows),
        class_="trace",
    )


def _class(matters: bool, failing: str | None) -> str:
    return f"{'matters' if matters else 'faint'}{f' {failing}' if failing else ''}"


def matrix(step: Matrix, note: str = "") -> Markup:
    """Keys across, queries down; a selected key is filled and dotted, so that it shows without colour."""
    n = len(step.rows)
    keys = [element("text", str(j), x=_MARGIN + j * _SIDE + _SIDE // 2, y=12, text_anchor="middle") for j in range(n)]
    rows = [_row(step, i) for i in range(n)]
    size = {"width": _MARGIN + n * _SIDE + 4, "height": 18 + n * _SIDE + 4}
    picture = element(
        "svg",
        element("title", f"{step.name}: which keys each query selects"),
        *keys,
        *rows,
        role="img",
        viewBox=f"0 0 {size['width']} {size['height']}",
        **size,
    )
    place = "" if step.place is None else f"  line {step.place.line}"
    caption = join(element("code", step.name), element("span", f"{note}{place}", class_="soft"))
    return element("figure", element("figcaption", caption), picture)


def _row(step: Matrix, query: int) -> Markup:
    row, n, top = step.rows[query], len(step.rows), 18 + query * _SIDE
    chosen = [j for j in range(n) if row >> j & 1]
    idle = "" if query in step.matters else " idle"
    shapes = [element("text", str(query), x=_MARGIN - 8, y=top + 13, text_anchor="end")]
    for j in range(n):
        left, on = _MARGIN + j * _SIDE, " on" if j in chosen else ""
        shapes.append(element("rect", x=left, y=top, width=_SIDE, height=_SIDE, class_=f"key{on}{idle}"))
        if on:
            shapes.append(element("circle", cx=left + _SIDE // 2, cy=top + _SIDE // 2, r=3, class_="dot"))
    shapes.append(element("rect", x=_MARGIN, y=top, width=n * _SIDE, height=_SIDE, class_="frame"))
    reads = ", ".join(map(str, chosen)) or "nothing"
    label = f"{step.name}, query {query} reads {reads}"
    return element(
        "g",
        element("title", label),
        *shapes,
        class_="row",
        tabindex=0,
        role="listitem",
        aria_label=label,
        data_query=query,
        data_keys=" ".join(map(str, chosen)),
    )
