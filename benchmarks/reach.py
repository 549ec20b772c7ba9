"""How long inputs can be before a proof takes more than ten seconds of processor time, by engine and by `auto`.

    python -m benchmarks reach [--engines auto,diagrams,...] [--programs histogram,...]
        [--symbols 2,3] [--seconds 10]

For each program, its properties are proved together at one length after the other, from stating the property to the
answer, in a process of its own. A length counts when all properties are proved at it within the time. `smt` is z3
over integers and rationals, in the same run.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

from spec.property.bound import BoundProperty
from verifier.engine import Limits, Query, Sat, Undecided, Unsat
from verifier.portfolio import AUTO, ENGINES, decide
from verifier.question.claims import state
from verifier.running.subject import Subject

PROGRAMS = Path(__file__).resolve().parent.parent / "spec" / "programs"
LENGTHS = (2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96)
SECONDS = 10.0


@dataclass(frozen=True)
class Case:
    """Properties of a program, and the alphabets over which they are proved."""

    file: str
    properties: tuple[str, ...]
    alphabets: tuple[str, ...] = ("ab", "abc", "abcd", "abcdefgh")

    @property
    def name(self) -> str:
        """The name in the table."""
        return Path(self.file).stem


CASES = (
    Case("paper/histogram.rasp", ("counts",)),
    Case("paper/double_histogram.rasp", ("groups",)),
    Case("paper/sort.rasp", ("ordered", "same_tokens")),
    Case("paper/sort_by_frequency.rasp", ("each_once", "nothing_else", "filled_last", "descending")),
    Case("paper/reverse.rasp", ("mirrored",)),
    Case("paper/dyck1_ptf.rasp", ("language", "viable"), ("()",)),
    Case("paper/dyck1_ptf.rasp", ("failed", "balanced"), ("()", "()x")),
    Case("paper/dyck_ptf.rasp", ("balanced2", "viable2"), ("(){}",)),
    Case("paper/shuffle_dyck.rasp", ("language",), ("(){}",)),
    Case("raspl/induct.rasp", ("repeats", "new")),
    Case("tracr/majority.rasp", ("more_than_half",), ("01",)),
    Case("arithmetic/long_addition.rasp", ("as_raspy",), ("01+", "019+", "0189+")),
)

# ------------------------------------------------------------------------------------------------ one measurement


def closed(case: Case, alphabet: str, engine: str, seconds: float) -> Iterator[tuple[int, float, str]]:
    """Each length at which all properties are proved within the time, what it took, and by whom."""
    found = {p.property.name: p for c in Subject.load(PROGRAMS / case.file).bound() for p in c.properties}
    properties = [found[name] for name in case.properties]
    for length in LENGTHS:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(process_time() + seconds) + 2, hard))
        begin = process_time()
        answered = [_proved(prop, tuple(alphabet), length, engine, seconds) for prop in properties]
        taken = process_time() - begin
        if None in answered or taken > seconds:
            return
        yield length, taken, "+".join(dict.fromkeys(by for by in answered if by))


def _proved(bound: BoundProperty, alphabet: tuple[str, ...], length: int, engine: str, seconds: float) -> str | None:
    """Who proved the property at this length; `None` when nobody did."""
    scope = replace(bound.property.scope, alphabet=alphabet, low=1, high=length)
    stated = state(replace(bound, property=replace(bound.property, scope=scope)), length)
    limits = Limits(wall_s=20 * seconds, max_inputs=1 << 40)
    finding = decide(Query(length, alphabet, stated.broken), engine, limits)
    match finding.answer:
        case Unsat():
            return finding.by
        case Sat(word=word):
            raise AssertionError(f"{finding.by}: {bound.property.name} is refuted at {word}")
        case Undecided():
            return None


def measure(case: Case, alphabet: str, engine: str, seconds: float) -> list[tuple[int, float, str]]:
    """The same in a process of its own, which the system ends when it takes too long."""
    arguments = ["--child", str(CASES.index(case)), alphabet, engine, str(seconds)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reach", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Error" in done.stderr and "MemoryError" not in done.stderr:
        raise RuntimeError(done.stderr)
    return [(int(n), float(s), str(by)) for n, s, by in map(json.loads, done.stdout.splitlines())]


# ------------------------------------------------------------------------------------------------ the table


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 when `auto` is behind the best single engine by more than a factor of two."""
    if arguments[:1] == ["--child"]:
        index, alphabet, engine, seconds = arguments[1:]
        for row in closed(CASES[int(index)], alphabet, engine, float(seconds)):
            print(json.dumps(row), flush=True)
        return 0
    parser = argparse.ArgumentParser(prog="python -m benchmarks reach", description=__doc__)
    parser.add_argument("--engines", default=",".join([AUTO, *ENGINES]))
    parser.add_argument("--programs", default="")
    parser.add_argument("--symbols", default="", help="only alphabets of these sizes")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args(arguments)
    engines, wanted = options.engines.split(","), options.programs
    print("| program | symbols | " + " | ".join(engines) + " |\n|---|---:|" + "---:|" * len(engines))
    behind = False
    for case in CASES:
        if wanted and case.name not in wanted.split(","):
            continue
        for alphabet in case.alphabets:
            if options.symbols and str(len(alphabet)) not in options.symbols.split(","):
                continue
            rows = {engine: measure(case, alphabet, engine, options.seconds) for engine in engines}
            best = max((rows[engine][-1][0] if rows[engine] else 0) for engine in engines)
            behind |= AUTO in rows and 2 * (rows[AUTO][-1][0] if rows[AUTO] else 0) < best
            cells = [_cell(rows[engine], engine) for engine in engines]
            label = f"{case.name}: {', '.join(case.properties)}"
            print(f"| {label} | {len(alphabet)} | " + " | ".join(cells) + " |", flush=True)
    return int(behind)


def _cell(rows: Sequence[tuple[int, float, str]], engine: str) -> str:
    if not rows:
        return "0"
    length, seconds, by = rows[-1]
    return f"{length} ({seconds:.1f} s{', ' + by if engine == AUTO else ''})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
