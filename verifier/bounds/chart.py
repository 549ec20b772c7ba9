"""Stairs as a picture in characters: layers from left to right, heads from top to bottom."""

from collections.abc import Iterator

from verifier.bounds.written import Stairs

LEGEND = "# least   + enough   . impossible   ? open"
_MOST_COLUMNS = 24


def chart(stairs: Stairs) -> Iterator[str]:
    """One row for each number of heads at which something changes, one column for each number of layers."""
    counts = {stairs.counted.of(step) for step in stairs.steps}
    rows = sorted(counts | {count - 1 for count in counts if count > 1}, reverse=True)
    first = stairs.steps[0].layers
    last = max(step.layers for step in stairs.steps)
    last = max([last, *(left.limits.layers for left in stairs.open)])
    columns = range(first, min(last + 1, first + _MOST_COLUMNS - 1) + 1)
    yield stairs.counted.value
    for row in rows:
        yield f"{row:4} " + "".join(f"{_cell(stairs, layers, row):>3}" for layers in columns)
    yield "     " + "".join(f"{layers:3}" for layers in columns) + "  layers"


def _cell(stairs: Stairs, layers: int, most: int) -> str:
    """What is known about so many layers with at most so many heads."""
    of = stairs.counted.of
    if any(step.layers == layers and of(step) == most for step in stairs.steps):
        return "#"
    least = stairs.least(layers)
    if least is not None and least <= most:
        return "+"
    return "?" if any(layers >= left.limits.layers for left in stairs.open) else "."
