"""Reads the parts of a document of certificates; what has another form than it should is rejected, never repaired."""

import json
from collections.abc import Mapping
from typing import Final, TypeAlias

from spec.serialize import read_atom
from spec.values import Atom, atom_key
from verifier.recheck.rup import Rejected

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Word: TypeAlias = tuple[Atom, ...]

MAX_CHARACTERS: Final = 1 << 28


def parse(text: str) -> Json:
    """A JSON value, or `Rejected`."""
    if len(text) > MAX_CHARACTERS:
        raise Rejected(f"more than {MAX_CHARACTERS} characters")
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"not JSON: {error}") from error
    return value


def read_object(value: Json, what: str) -> dict[str, Json]:
    """An object; `what` names it in the reason why it is none."""
    if isinstance(value, dict):
        return value
    raise Rejected(f"{what} is no object")


def read_array(value: Json, what: str) -> list[Json]:
    """A list."""
    if isinstance(value, list):
        return value
    raise Rejected(f"{what} is no list")


def read_text(record: Mapping[str, Json], name: str) -> str:
    """A text under a name."""
    value = record.get(name)
    if isinstance(value, str):
        return value
    raise Rejected(f"{name} is no text")


def read_integer(value: Json, what: str) -> int:
    """A whole number, which a truth value is not."""
    if type(value) is int:
        return value
    raise Rejected(f"{what} is no number")


def read_integers(value: Json, what: str) -> list[int]:
    """A list of whole numbers."""
    return [read_integer(item, what) for item in read_array(value, what)]


def read_lines(value: Json) -> list[str]:
    """A list of texts: the lines of a proof."""
    lines = [line for line in read_array(value, "proof") if isinstance(line, str)]
    if len(lines) != len(read_array(value, "proof")):
        raise Rejected("a line of the proof is no text")
    return lines


def read_word(value: Json) -> Word:
    """A list of atoms."""
    return tuple(read_atom(item) for item in read_array(value, "word"))


def read_symbols(value: Json) -> Word:
    """A list of atoms, each of which is there once."""
    symbols = read_word(value)
    if not symbols or len(set(map(atom_key, symbols))) < len(symbols):
        raise Rejected("no symbols, or one that is given twice")
    return symbols


def read_flag(record: Mapping[str, Json], name: str) -> bool:
    """A truth value under a name."""
    value = record.get(name)
    if isinstance(value, bool):
        return value
    raise Rejected(f"{name} is no truth value")
