"""Reading a program file: bounded, decoded, with one kind of newline, or a clear refusal."""

import stat
from pathlib import Path

from spec.diagnostics import Diagnostic, LoadError
from spec.source import Source, Span

MAX_SOURCE_BYTES = 1 << 20


def read_source(path: Path, limit: int = MAX_SOURCE_BYTES, name: str | None = None) -> Source:
    """The text of a regular UTF-8 file of at most `limit` bytes, shown as `name` (the path, unless given).

    A byte-order mark is dropped and every newline becomes `\\n`, as in Python's text mode.
    """
    shown = str(path) if name is None else name
    data = _read_bytes(path, limit, shown)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{shown} is not UTF-8 text: byte 0x{data[error.start]:02x} at offset {error.start} (line {line})"
        raise LoadError(Diagnostic("R0112", message, hint="save the file as UTF-8")) from error
    source = Source(shown, text.replace("\r\n", "\n").replace("\r", "\n"))
    nul = source.text.find("\0")
    if nul >= 0:
        span = Span(source, nul, nul + 1)
        raise LoadError(Diagnostic("R0113", f"{shown} contains a NUL character, so it is not a text file", span))
    return source


def _read_bytes(path: Path, limit: int, shown: str) -> bytes:
    try:
        # Looked at before opening: opening a named pipe would wait for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise LoadError(Diagnostic("R0110", f"{shown} is not a regular file"))
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise LoadError(Diagnostic("R0110", f"there is no file {shown}")) from error
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the path.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise LoadError(Diagnostic("R0110", f"cannot read {shown}: {reason}")) from error
    if len(data) > limit:
        raise LoadError(Diagnostic("R0111", f"{shown} is larger than the limit of {limit} bytes"))
    return data
