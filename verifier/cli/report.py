"""`rasp report`: results, certificates and compiled models as one HTML file."""

import argparse
import os
from pathlib import Path

from spec.reader import read_source
from verifier.cli.common import Commands
from verifier.recheck.shapes import MAX_CHARACTERS
from verifier.report.data import read_json, write_text
from verifier.report.document import Document, read_document
from verifier.report.fronts import fronts
from verifier.report.html import page
from verifier.report.markup import Markup
from verifier.report.stream import stream
from verifier.verdict import Exit


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    report = commands.add_parser(
        "report",
        help="results, bounds and models as one HTML file",
        description="One page without network access: results of `rasp check -o RESULT.json`, certificates of "
        "`rasp bounds -o CERTIFICATES.json`, models of `rasp compile -o FOLDER`.",
        allow_abbrev=False,
    )
    report.add_argument(
        "results", type=Path, nargs="+", metavar="FILE.json|FOLDER", help="results, certificates, or a compiled model"
    )
    report.add_argument("-o", "--output", type=Path, required=True, metavar="PAGE.html", help="the file to write")
    report.set_defaults(handler=_report)


def _report(options: argparse.Namespace) -> int:
    documents: list[Document] = []
    sections: list[Markup] = []
    for path in options.results:
        if os.path.isdir(path):
            sections.append(stream(path))
            continue
        data = read_json(path)
        if isinstance(data, dict) and data.get("format") == "rasp-bounds":
            sections.append(fronts(read_source(path, MAX_CHARACTERS).text, path.name))
        else:
            documents.append(read_document(path))
    write_text(options.output, page(documents, sections))
    print(f"wrote {options.output}")
    return Exit.EXPECTED
