"""The formats by name, and the files that they go to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from verifier.report.data import write_text
from verifier.report.document import Document, document_json
from verifier.report.github import annotations, step_summary
from verifier.report.junit import junit
from verifier.report.sarif import sarif
from verifier.report.text import plain
from verifier.running.overrides import usage

FORMATS: Final = ("text", "json", "sarif", "junit", "github", "markdown")
_ENDINGS: Final = {".json": "json", ".sarif": "sarif", ".xml": "junit", ".md": "markdown", ".txt": "text"}


@dataclass(frozen=True)
class Output:
    """A file, and the format in which the run is written to it."""

    format: str
    path: Path


def render(document: Document, form: str) -> str:
    """The document in a format."""
    match form:
        case "json":
            return json.dumps(document_json(document), indent=1, allow_nan=False) + "\n"
        case "sarif":
            return sarif(document)
        case "junit":
            return junit(document)
        case "github":
            return annotations(document)
        case "markdown":
            return step_summary(document)
        case "text":
            return plain(document)
        case _:
            raise usage(f"there is no format `{form}`", hint=f"one of: {', '.join(FORMATS)}")


def output(text: str, form: str) -> Output:
    """`FORMAT:FILE`, or a `FILE` in the format of its ending, or else in the one asked for."""
    name, colon, path = text.partition(":")
    if colon and name in FORMATS and path:
        return Output(name, Path(path))
    found = _ENDINGS.get(Path(text).suffix.lower())
    if found is None and form == "text":
        known = ", ".join(f"{ending} ({form})" for ending, form in _ENDINGS.items())
        raise usage(f"the format of `{text}` is not clear", hint=f"write FORMAT:FILE, or use an ending: {known}")
    return Output(found or form, Path(text))


def write(document: Document, outputs: tuple[Output, ...]) -> None:
    """Write every file as a whole; raises `UsageError` when one cannot be written."""
    for one in outputs:
        write_text(one.path, render(document, one.format))
