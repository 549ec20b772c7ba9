"""How many small changes of the shipped programs their contracts notice, and how soon.

For every program, every mutant (`verifier.mutate`) is judged by the contract of the program, on inputs no longer than
`--max-length`. Counts, the part that is noticed, and the median time to the first counterexample as a multiple of the
time that the whole contract of the unchanged program takes; over all programs, in seconds of processor time too.
"""

import argparse
from collections import Counter
from pathlib import Path
from statistics import median
from time import process_time
from typing import Final

from verifier.check import Options
from verifier.engine import Limits
from verifier.mutate import Killed, Stillborn, Survived, fate, judge, mutants
from verifier.running.overrides import Overrides
from verifier.running.subject import Subject

PROGRAMS: Final = Path(__file__).resolve().parents[1] / "spec" / "programs"


def main(arguments: list[str]) -> int:
    """Print a line for each program, and the sums."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks mutants", description=__doc__)
    parser.add_argument("programs", nargs="*", help="parts of paths below spec/programs; all programs by default")
    parser.add_argument("--max-length", type=int, default=4)
    parser.add_argument("--wall", type=float, default=5.0, help="seconds for a query")
    parser.add_argument("--survivors", action="store_true", help="show the changes that nobody notices")
    options = parser.parse_args(arguments)
    deciding = Options(limits=Limits(wall_s=options.wall))
    overrides = Overrides(max_length=options.max_length)
    total: Counter[str] = Counter()
    ratios: list[float] = []
    seconds: list[float] = []
    lengths: Counter[int] = Counter()
    print(
        "| program | changes | refused | noticed | unnoticed | undecided | median to notice |\n"
        "|---|--:|--:|--:|--:|--:|--:|"
    )
    for path in sorted(PROGRAMS.rglob("*.rasp")):
        name = path.relative_to(PROGRAMS).as_posix()
        if options.programs and not any(part in name for part in options.programs):
            continue
        tally, own, spent = _program(path, overrides, deciding, options.survivors, lengths)
        total += tally
        seconds += spent
        ratios += own
        _line(name, tally, own)
    _line("all", total, ratios)
    if seconds:
        print(f"median to notice: {median(seconds):.3f} s; the slowest: {max(seconds):.1f} s")
    print(f"first counterexamples by length: {dict(sorted(lengths.items()))}")
    return 0


def _program(
    path: Path, overrides: Overrides, options: Options, survivors: bool, lengths: Counter[int]
) -> tuple[Counter[str], list[float], list[float]]:
    """What became of the mutants, and how long those that were noticed took: in parts of the whole, and in seconds."""
    subject, tally, seconds = Subject.load(path), Counter[str](), list[float]()
    start = process_time()
    judge(Subject.load(path), overrides, options)
    whole = process_time() - start
    for mutant in mutants(subject.source):
        start = process_time()
        found = fate(mutant, subject, overrides, options)
        spent = process_time() - start
        match found:
            case Killed(witness=witness):
                tally["noticed"] += 1
                seconds.append(spent)
                if witness is not None:
                    lengths[len(witness.word)] += 1
            case Stillborn():
                tally["refused"] += 1
            case Survived(undecided=undecided):
                tally["undecided" if undecided else "unnoticed"] += 1
                if survivors:
                    print(f"{mutant.span.location}: `{mutant.span.text}` becomes `{mutant.becomes}` {undecided or ''}")
    return tally, [spent / whole for spent in seconds], seconds


def _line(name: str, tally: Counter[str], ratios: list[float]) -> None:
    counts = " | ".join(str(tally[kind]) for kind in ("refused", "noticed", "unnoticed", "undecided"))
    print(f"| {name} | {tally.total()} | {counts} | {f'{median(ratios):.2f}' if ratios else '-'} |", flush=True)
