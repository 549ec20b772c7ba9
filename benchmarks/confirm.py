"""Who confirms what `rasp check` proves: every length that is closed, by who found it and who else says so.

Each folder is checked with `--proofs all`, in a run of its own: a length that nobody but its finder can tell is
undecided there. The exit code is 1 when there is such a length, and when a run did not end as expected or not at all.
Proofs that were found but not replayed in time are named; on a busy machine there are some.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from verifier.check import EVALUATION
from verifier.cli import main as rasp
from verifier.evidence.confirm import NOT_REPLAYED, OF_FEWER
from verifier.report.document import Document, read_document
from verifier.verdict import Closed, Failed, Proved, Unknown

PROGRAMS: Final = Path(__file__).resolve().parents[1] / "spec" / "programs"


@dataclass
class Tally:
    """Closed lengths by finder and confirmer; proofs for all lengths; what nobody confirmed, by name."""

    lengths: Counter[tuple[str, str]] = field(default_factory=Counter)
    every: int = 0
    structural: int = 0
    alone: list[str] = field(default_factory=list)
    unreplayed: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    def add(self, document: Document) -> None:
        """Count the results of one run."""
        for result in document.ordered:
            name, verdict = f"{result.file}::{result.name}", result.verdict
            if isinstance(verdict, Failed):
                self.undecided.append(f"{name}: {verdict.diagnostics[0].message}")
                continue
            if isinstance(verdict, Unknown):
                self.undecided.append(f"{name}: {verdict.detail}")
            if isinstance(verdict, Proved):
                self.every += verdict.every is not None
                self.structural += bool(verdict.structural)
            for closed in verdict.closed:
                self.lengths[closed.evidence.by, confirmer(closed)] += 1
                if confirmer(closed).startswith(NOT_REPLAYED):
                    self.unreplayed.append(f"{name}: length {closed.length}")
                if not closed.evidence.checked_by:
                    self.alone.append(f"{name}: length {closed.length}, {closed.evidence.detail}")

    def lines(self) -> Iterator[str]:
        """The table, and the names of what is left."""
        yield "| found by | confirmed by | lengths |\n|---|---|--:|"
        for (by, other), count in sorted(self.lengths.items()):
            yield f"| {by} | {other} | {count} |"
        yield f"| all | | {self.lengths.total()} |"
        yield f"for all lengths: {self.every}; architectures: {self.structural}"
        yield from (f"proof not replayed in time: {name}" for name in self.unreplayed)
        yield from (f"nobody else: {name}" for name in self.alone)
        yield from (f"undecided: {name}" for name in self.undecided)


def confirmer(closed: Closed) -> str:
    """Who looked at most: of several, one that looked at all inputs comes before one that looked at fewer."""
    names = sorted(closed.evidence.checked_by, key=lambda name: name.endswith(OF_FEWER))
    return names[0] if names else "nobody" if closed.evidence.by != EVALUATION else "nobody: terms cannot state it"


def main(arguments: list[str]) -> int:
    """Print the table of the folders, and what is left."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks confirm", description=__doc__)
    parser.add_argument("targets", nargs="*", help="folders and programs; all folders of spec/programs by default")
    parser.add_argument("--kill-after", default="120", metavar="S", help="seconds for a property")
    options = parser.parse_args(arguments)
    targets = options.targets or sorted(str(path) for path in PROGRAMS.iterdir() if path.is_dir())
    tally = Tally()
    failed = [target for target, code in _run(targets, options.kill_after, tally) if code != 0]
    print("\n".join(tally.lines()))
    for target in failed:
        print(f"not as expected: {target}")
    return 1 if failed or tally.alone or tally.undecided else 0


def _run(targets: Iterable[str], kill_after: str, tally: Tally) -> Iterator[tuple[str, int]]:
    """The exit code of checking each, whose results are counted."""
    with tempfile.TemporaryDirectory() as folder:
        for target in targets:
            file = Path(folder) / "result.json"
            file.unlink(missing_ok=True)
            how = ["--proofs", "all", "--jobs", "1", "--kill-after", kill_after, "--quiet", "-o", str(file)]
            code = rasp(["check", target, *how])
            if file.exists():
                tally.add(read_document(file))
            yield target, code
