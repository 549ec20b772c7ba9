"""A run as data: what the named s-ops and selectors were on one input, and which parts of it matter.

It is what a counterexample leaves behind for files and pictures. `matters` are the positions (of a selector, the query
positions) that the failing position depends on.
"""

from dataclasses import dataclass
from typing import TypeAlias

from spec.diagnostics import InternalError
from spec.serialize import atom_json, read_atom
from spec.values import Atom
from verifier.report.data import Json, at_least, integer, items, record, string


@dataclass(frozen=True)
class Place:
    """Where a name is defined; the line is counted from 1."""

    file: str
    line: int


@dataclass(frozen=True)
class Values:
    """An s-op on the input."""

    name: str
    place: Place | None
    values: tuple[Atom, ...]
    matters: tuple[int, ...]


@dataclass(frozen=True)
class Matrix:
    """A selector on the input: bit j of row i is set when query i selects key j."""

    name: str
    place: Place | None
    rows: tuple[int, ...]
    matters: tuple[int, ...]


Step: TypeAlias = Values | Matrix


@dataclass(frozen=True)
class Trace:
    """The steps in the order in which the program takes them."""

    steps: tuple[Step, ...]


def trace_json(trace: Trace) -> Json:
    """The trace as JSON data."""
    return [_step_json(step) for step in trace.steps]


def _step_json(step: Step) -> Json:
    place: Json = None if step.place is None else {"file": step.place.file, "line": step.place.line}
    matters: list[Json] = list(step.matters)
    match step:
        case Values(name=name, values=values):
            return {"name": name, "at": place, "values": [atom_json(v) for v in values], "matters": matters}
        case Matrix(name=name, rows=rows):
            n = len(rows)
            shown: list[Json] = ["".join("1" if row >> j & 1 else "0" for j in range(n)) for row in rows]
            return {"name": name, "at": place, "rows": shown, "matters": matters}


def read_trace(data: Json) -> Trace:
    """What `trace_json` wrote."""
    return Trace(tuple(_step(record(step)) for step in items(data)))


def _step(data: dict[str, Json]) -> Step:
    name, where = string(data["name"]), data["at"]
    place = None if where is None else Place(string(record(where)["file"]), at_least(1, integer(record(where)["line"])))
    matters = tuple(map(integer, items(data["matters"])))
    if "rows" in data:
        rows = [string(row) for row in items(data["rows"])]
        if any(len(row) != len(rows) or set(row) - {"0", "1"} for row in rows):
            raise ValueError("a selector is no square of zeros and ones")
        bits = tuple(sum(1 << j for j, bit in enumerate(row) if bit == "1") for row in rows)
        return Matrix(name, place, bits, _inside(matters, len(rows)))
    values = tuple(map(read_atom, items(data["values"])))
    return Values(name, place, values, _inside(matters, len(values)))


def _inside(positions: tuple[int, ...], n: int) -> tuple[int, ...]:
    if any(not 0 <= position < n for position in positions):
        raise InternalError(f"positions {positions} of a sequence of length {n}")
    return positions
