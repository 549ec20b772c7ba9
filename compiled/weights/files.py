"""Files of models: written whole or not at all, read with limits."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from compiled.errors import BadFile

MAX_JSON: Final = 1 << 28


def to_text(data: object) -> bytes:
    """JSON as the bytes of a file."""
    try:
        return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()
    except UnicodeEncodeError:  # half of a surrogate pair is a symbol like any other, which JSON has to escape
        return (json.dumps(data, indent=1) + "\n").encode()


def make_folder(folder: Path) -> None:
    """The folder, with those above it; `BadFile` where there can be none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFile(f"{folder} cannot be made: {error.strerror}") from error


def write(path: Path, content: bytes) -> None:
    """Replace a file: whoever reads it sees the old content or the new one. `BadFile` where it cannot be written."""
    try:
        _write(path, content)
    except OSError as error:
        raise BadFile(f"{path} cannot be written: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path, limit: int) -> bytes:
    """The bytes of a file of at most `limit` bytes, or `BadFile`."""
    try:
        if path.stat().st_size > limit:
            raise BadFile(f"{path} is larger than {limit} bytes")
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """A JSON file, or `BadFile`."""
    try:
        return json.loads(read(path, MAX_JSON))
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{path} is not JSON: {error}") from error
