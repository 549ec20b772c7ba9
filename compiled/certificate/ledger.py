"""The ledger: what each head of a model is claimed to compute, as data that a checker can replay.

It names no feature and no encoding: these the checker derives from the weights. It says which leaf each value column
of a head carries, which columns score which conjunct of the selector, and which mask the head has; and of which
dimensions all that matters is the value of one s-op.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compiled.atoms import read_atom, write_atom
from compiled.errors import BadFile
from compiled.meaning.formula import Both, Either, Formula, Holds, Literal
from compiled.meaning.leaves import Count, Leaf
from spec.graph import Aggregate, Map, Node, Select

VERSION = 2


@dataclass(frozen=True)
class PartClaim:
    """These columns of queries and keys score this conjunct."""

    formula: Formula
    first: int
    rank: int


@dataclass(frozen=True)
class HeadClaim:
    """A head: its conjuncts, the column for the start token, its mask, and the leaf in each value column."""

    parts: tuple[PartClaim, ...]
    start: int
    mask: str
    columns: tuple[tuple[int, Leaf], ...]


@dataclass(frozen=True)
class StoredClaim:
    """After the MLP of this layer (counted from 0) this dimension is a function of the value of the s-op alone."""

    layer: int
    slot: int
    sop: Map


@dataclass(frozen=True)
class Ledger:
    """The claims about all heads, by layer, and about stored s-ops."""

    layers: tuple[tuple[HeadClaim, ...], ...]
    stored: tuple[StoredClaim, ...] = ()


def to_json(ledger: Ledger) -> dict[str, Any]:
    """As data for JSON."""
    return {
        "version": VERSION,
        "layers": [
            [
                {
                    "parts": [
                        {"formula": write_formula(part.formula), "first": part.first, "rank": part.rank}
                        for part in head.parts
                    ],
                    "start": head.start,
                    "mask": head.mask,
                    "columns": [[column, write_leaf(leaf)] for column, leaf in head.columns],
                }
                for head in layer
            ]
            for layer in ledger.layers
        ],
        "stored": [[one.layer, one.slot, one.sop.id] for one in ledger.stored],
    }


def from_json(data: object, nodes: Mapping[int, Node]) -> Ledger:
    """From data of JSON, for a program with these nodes; `BadFile` when it does not fit."""
    try:
        match data:
            case {"version": 2, "layers": list() as layers, "stored": list() as stored}:
                heads = tuple(tuple(_head(head, nodes) for head in layer) for layer in layers)
                return Ledger(heads, tuple(_stored(one, nodes) for one in stored))
            case _:
                raise BadFile("not a ledger of this version")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadFile(f"the ledger is malformed: {error}") from error


def _head(data: Any, nodes: Mapping[int, Node]) -> HeadClaim:
    parts = tuple(
        PartClaim(read_formula(part["formula"], nodes), int(part["first"]), int(part["rank"])) for part in data["parts"]
    )
    columns = tuple((int(column), read_leaf(leaf, nodes)) for column, leaf in data["columns"])
    return HeadClaim(parts, int(data["start"]), str(data["mask"]), columns)


def _stored(data: Any, nodes: Mapping[int, Node]) -> StoredClaim:
    layer, slot, number = data
    node = nodes[number]
    if not isinstance(node, Map):
        raise ValueError(f"node {number} is no s-op that a layer computes")
    return StoredClaim(int(layer), int(slot), node)


def write_leaf(leaf: Leaf) -> list[Any]:
    """A leaf that a head computes, as data."""
    match leaf:
        case Aggregate(id=number):
            return ["aggregate", number]
        case Count(formula=part):
            return ["count", write_formula(part)]
        case _:
            raise ValueError("heads compute aggregates and counts")


def read_leaf(data: Any, nodes: Mapping[int, Node]) -> Leaf:
    """The inverse of `write_leaf`."""
    kind, content = data
    if kind == "count":
        return Count(read_formula(content, nodes))
    node = nodes[content]
    if kind != "aggregate" or not isinstance(node, Aggregate):
        raise ValueError(f"node {content} is no aggregate")
    return node


def write_formula(part: Formula) -> list[Any]:
    """A formula as data."""
    match part:
        case Literal(Select(id=number), positive):
            return ["select", number, positive]
        case Literal(Holds(sop, value), positive):
            return ["holds", sop.id, write_atom(value), positive]
        case Both(parts):
            return ["and", *map(write_formula, parts)]
        case Either(parts):
            return ["or", *map(write_formula, parts)]
        case _:
            raise ValueError("not a formula")


def read_formula(data: Any, nodes: Mapping[int, Node]) -> Formula:
    """The inverse of `write_formula`."""
    match data:
        case ["select", int() as number, bool() as positive]:
            node = nodes[number]
            if not isinstance(node, Select):
                raise ValueError(f"node {number} is no selector")
            return Literal(node, positive)
        case ["holds", int() as number, value, bool() as positive]:
            sop = nodes[number]
            if isinstance(sop, Select) or not hasattr(sop, "kinds"):
                raise ValueError(f"node {number} is no s-op")
            return Literal(Holds(sop, read_atom(value)), positive)  # type: ignore[arg-type]  # s-ops have kinds
        case ["and", *parts]:
            return Both(tuple(read_formula(one, nodes) for one in parts))
        case ["or", *parts]:
            return Either(tuple(read_formula(one, nodes) for one in parts))
        case _:
            raise ValueError("not a formula")
