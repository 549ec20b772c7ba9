"""Atoms as JSON: a kind and a text, so that `1`, `true`, `"1"` and one half all survive. Standard library only."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

Atom: TypeAlias = int | float | Fraction | str | bool


def read_atom(pair: Sequence[str]) -> Atom:
    """An atom from its kind and text, e.g. `["float", "1/3"]`."""
    kind, text = pair
    match kind:
        case "bool":
            return text == "True"
        case "int":
            return int(text)
        case "string":
            return text
        case "float":
            return Fraction(text)
        case "double":
            return float.fromhex(text)
        case _:
            raise ValueError(f"unknown kind of atom: {kind}")


def write_atom(atom: Atom) -> list[str]:
    """The inverse of `read_atom`."""
    match atom:
        case bool():
            return ["bool", str(atom)]
        case int():
            return ["int", str(atom)]
        case float():
            return ["double", atom.hex()]
        case Fraction():
            return ["float", str(atom)]
        case _:
            return ["string", atom]
