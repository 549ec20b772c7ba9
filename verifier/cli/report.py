"""`rasp report`: results as one HTML file."""

import argparse
from pathlib import Path

from verifier.cli.common import Commands
from verifier.data import write_text
from verifier.report.document import read_document
from verifier.report.html import page
from verifier.verdict import Exit


def register(commands: Commands) -> None:
    """Add the commands of this family."""
    report = commands.add_parser("report", help="results as one HTML file", allow_abbrev=False)
    report.add_argument("results", type=Path, nargs="+", metavar="RESULT.json")
    report.add_argument("-o", "--output", type=Path, required=True, metavar="PAGE.html", help="the file to write")
    report.set_defaults(handler=_report)


def _report(options: argparse.Namespace) -> int:
    write_text(options.output, page([read_document(path) for path in options.results]))
    print(f"wrote {options.output}")
    return Exit.EXPECTED
