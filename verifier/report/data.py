"""JSON data that is read back: each reader takes the one type that belongs there and raises `TypeError` otherwise."""

import json
import os
import secrets
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from spec.diagnostics import Diagnostic, UsageError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_BYTES: Final = 1 << 26
"""The largest file of results, or of a cache entry, that is read."""


def string(value: Json) -> str:
    """A text."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def integer(value: Json) -> int:
    """An integer; `true` is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no integer")
    return value


def number(value: Json) -> float:
    """A number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no number")
    return float(value)


Number = TypeVar("Number", int, float)


def at_least(least: int, value: Number) -> Number:
    """The number, if it is not smaller, and `ValueError` otherwise."""
    if not value >= least:
        raise ValueError(f"{value} is less than {least}")
    return value


def boolean(value: Json) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is no truth value")
    return value


def items(value: Json) -> list[Json]:
    """A list."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def record(value: Json) -> dict[str, Json]:
    """An object."""
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return value


def read_json(path: Path) -> Json:
    """The JSON in a file that may come from anywhere; raises `UsageError`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(Diagnostic("R0601", f"cannot read {path}: {_reason(error)}")) from error
    if len(content) > MAX_BYTES:
        raise UsageError(Diagnostic("R0601", f"{path} is larger than {MAX_BYTES >> 20} MiB"))
    try:
        found: Json = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(Diagnostic("R0601", f"{path} is not JSON: {_reason(error)}")) from error
    return found


def write_text(path: Path, text: str) -> None:
    """Replace a file as a whole: whoever reads it sees the old content or the new one, whenever we are killed."""
    try:
        if path.is_dir():
            raise UsageError(Diagnostic("R0602", f"{path} is a folder; a file was expected"))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name[:64]}.{secrets.token_hex(8)}.tmp"
        try:
            with temporary.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise UsageError(Diagnostic("R0602", f"cannot write {path}: {_reason(error)}")) from error


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
