"""A picture of a computation on one input: a band for each layer, in it the heads and what is computed after them.

Layers and heads are those of the schedule in which everything happens as soon as it can, under the cost model of the
2021 paper (`spec.cost`). The picture is SVG text without scripts, links or fonts of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from typing import Final

from spec.cost import PAPER, as_soon_as_possible, levels, selector_of
from spec.graph import Aggregate, Constant, Indices, Map, Node, Selector, SOp, Tokens, operands, topological
from spec.prompt.results import Row, brief
from spec.source import printable
from spec.values import Atom

_HEIGHT: Final = 18
_CHARACTER: Final = 7
_GAP: Final = 14
MAX_SHOWN: Final = 400
"""How many s-ops are drawn, the last ones; the picture says how many were left out."""

_BAND, _HEAD, _ON, _OFF = "#fff8e1", "#ffe4c4", "#b565c4", "#fff3e6"
_NAME, _VALUE, _RESULT = "#8fc7b5", "#e4f3ee", "#f4d9a8"


@dataclass(frozen=True)
class Values:
    """What is to be shown of the nodes: names, the values of s-ops, and the rows of selectors as bits."""

    name: Callable[[Node], str]
    row: Callable[[SOp], Row]
    bits: Callable[[Selector], Sequence[int]]
    inputs: Sequence[str]


def draw(root: SOp, values: Values) -> str:
    """The SVG of an s-op and all that it depends on."""
    plan, level = as_soon_as_possible((root,), PAPER), levels((root,), PAPER)
    worth = list(_worth_showing(root))
    shown = worth[-MAX_SHOWN:]
    canvas = _Canvas()
    y = _GAP
    if len(worth) > len(shown):
        canvas.text(_GAP, y, f"{len(worth) - len(shown)} earlier s-ops are not shown")
        y += _HEIGHT
    for layer in range(plan.layers + 1):
        reads = [node for node in shown if isinstance(node, Aggregate) and level[node] == layer]
        after = [node for node in shown if not isinstance(node, Aggregate) and level[node] == layer]
        if reads or after or layer:
            y = _band(canvas, y, layer, reads, after, values) + _GAP
    return canvas.svg(f"{values.name(root)} on {' '.join(values.inputs)}")


def _worth_showing(root: SOp) -> Iterable[SOp]:
    """Inputs, reads, the s-op itself, and maps that are more than a step inside one larger expression."""
    nodes = topological((root,))
    readers: dict[Node, list[Node]] = {}
    for node in nodes:
        for operand in dict.fromkeys(operands(node)):
            readers.setdefault(operand, []).append(node)
    for node in nodes:
        match node:
            case Tokens() | Indices() | Aggregate():
                yield node
            case Map():
                by = readers.get(node, [])
                if node is root or len(by) > 1 or not all(isinstance(reader, Map) for reader in by):
                    yield node
            case Constant() if node is root:
                yield node
            case _:
                pass


def _band(
    canvas: "_Canvas", top: int, layer: int, reads: Sequence[Aggregate], after: Sequence[SOp], values: Values
) -> int:
    """Draw one layer; the place below it."""
    y, place = top + _HEIGHT + _GAP // 2, canvas.mark()
    canvas.text(2 * _GAP, top, f"layer {layer}" if layer else "before the first layer")
    bottom, x = y, 2 * _GAP
    ordered = sorted(reads, key=lambda read: (selector_of(read).id, read.id))
    for number, (selector, group) in enumerate(groupby(ordered, key=selector_of)):
        right, below = _head(canvas, x, y, number, selector, list(group), values)
        x, bottom = right + _GAP, max(bottom, below)
    if reads and after:
        bottom += _GAP
    for node in after:
        canvas.table_row(2 * _GAP, bottom, values.name(node), _cells(values.row(node).values), _RESULT)
        bottom += _HEIGHT
    bottom += _GAP // 2
    canvas.bands.append((place, top, bottom))
    return bottom


def _head(
    canvas: "_Canvas", x: int, y: int, number: int, selector: Selector, reads: list[Aggregate], values: Values
) -> tuple[int, int]:
    """Draw one head: its selector as a matrix, then what each aggregate reads and makes; the corner below it."""
    place, left = canvas.mark(), x + _GAP // 2
    line = y + _HEIGHT
    side = max(2 * _CHARACTER + 6, *(_width(label) for label in values.inputs))
    for column, label in enumerate(values.inputs):
        canvas.cell(left + (column + 1) * side, line, side, label, _NAME)
    right = left + (len(values.inputs) + 1) * side
    for query, (label, bits) in enumerate(zip(values.inputs, values.bits(selector), strict=True), 1):
        canvas.cell(left, line + query * _HEIGHT, side, label, _NAME)
        for column in range(len(values.inputs)):
            text, fill = ("1", _ON) if bits >> column & 1 else ("", _OFF)
            canvas.cell(left + (column + 1) * side, line + query * _HEIGHT, side, text, fill)
    line += (len(values.inputs) + 2) * _HEIGHT
    for read in reads:
        given, made = _cells(values.row(read.values).values), _cells(values.row(read).values)
        right = max(right, canvas.table_row(left, line, values.name(read.values), given, _VALUE))
        right = max(right, canvas.table_row(left, line + _HEIGHT, values.name(read), made, _RESULT))
        line += 2 * _HEIGHT + _GAP // 2
    title = f"head {number}: {values.name(selector)}"
    right = max(right, left + _width(title))
    canvas.box(place, x, y, right + _GAP // 2, line, _HEAD)
    canvas.text(left, y, title)
    return right + _GAP // 2, line


def _cells(row: Sequence[Atom]) -> list[str]:
    return [brief(value) for value in row]


def _width(text: str) -> int:
    return len(text) * _CHARACTER + 8


@dataclass(eq=False)
class _Canvas:
    """Shapes in the order in which they are painted, and how far they reach."""

    shapes: list[str] = field(default_factory=list)
    bands: list[tuple[int, int, int]] = field(default_factory=list)
    right: int = 20 * _GAP
    bottom: int = 0

    def mark(self) -> int:
        """A place in the order of painting, for a box that is drawn later and lies below."""
        self.shapes.append("")
        return len(self.shapes) - 1

    def box(self, place: int, left: int, top: int, right: int, bottom: int, fill: str) -> None:
        """A frame around what was painted since the mark."""
        self._reach(right + _GAP, bottom + _GAP)
        size = f'width="{right - left}" height="{bottom - top}"'
        self.shapes[place] = f'<rect x="{left}" y="{top}" {size} rx="4" fill="{fill}" stroke="#999"/>'

    def cell(self, x: int, y: int, width: int, text: str, fill: str) -> None:
        """One value in its frame."""
        self._reach(x + width + 2 * _GAP, y + _HEIGHT)
        frame = f'x="{x}" y="{y}" width="{width}" height="{_HEIGHT}" fill="{fill}" stroke="#777" stroke-width="0.5"'
        self.shapes.append(f"<rect {frame}/>")
        if text:
            self.text(x + (width - len(text) * _CHARACTER) // 2, y, text)

    def text(self, x: int, y: int, text: str) -> None:
        """One line of text."""
        shown = escape(printable(text)).replace(" ", "\N{NO-BREAK SPACE}")
        self.shapes.append(f'<text x="{x}" y="{y + 13}">{shown}</text>')

    def table_row(self, x: int, y: int, name: str, cells: list[str], fill: str) -> int:
        """A name and the values beside it; where the row ends."""
        start = x + max(_width(name), 16 * _CHARACTER)
        self.cell(x, y, start - x, name, _NAME)
        width = max(map(_width, cells))
        for column, text in enumerate(cells):
            self.cell(start + column * width, y, width, text, fill)
        return start + len(cells) * width

    def svg(self, title: str) -> str:
        """The whole picture; the bands are as wide as it is."""
        for place, top, bottom in self.bands:
            self.box(place, _GAP, top, self.right - _GAP, bottom, _BAND)
        size = f'width="{self.right}" height="{self.bottom}" viewBox="0 0 {self.right} {self.bottom}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="monospace" font-size="11">'
        body = "\n".join(shape for shape in self.shapes if shape)
        return f"{head}\n<title>{escape(printable(title))}</title>\n{body}\n</svg>\n"

    def _reach(self, right: int, bottom: int) -> None:
        self.right, self.bottom = max(self.right, right), max(self.bottom, bottom)
