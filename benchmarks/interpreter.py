"""How fast the interpreter is, as ratios to the reference implementation in the same run.

    python -m benchmarks interpreter --reference FOLDER [--reference-python PYTHON]

FOLDER is a checkout of the reference (it holds RASP_support); PYTHON runs it and has what it needs. Without a
reference the baseline is `benchmarks.naive`, the semantics taken literally. Both sides build a program once and
evaluate it on the same inputs, no input twice, and must give the same values. Times are processor seconds.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import geometric_mean, median
from typing import TypeAlias

from benchmarks import naive
from spec.elaborate import load_program
from spec.interp import Interpreter
from spec.values import Atom, Numbers, atom_key

PROGRAMS = Path(__file__).resolve().parent.parent / "spec" / "programs" / "paper"
SEED = 20210613
LENGTHS = (10, 50, 100, 200)
BAR = 20.0
"""At length 200 the interpreter is at least this many times as fast as the reference on every program."""


@dataclass(frozen=True)
class Case:
    """An s-op of a shipped program, and the brackets or letters that its inputs are made of."""

    file: str
    name: str
    pairs: str = ""

    def words(self, n: int, number: int) -> list[str]:
        """Different inputs of length n: balanced where the program is about brackets, else letters at random."""
        random, words = Random(f"{SEED} {self.name} {n}"), dict[str, None]()
        while len(words) < number:
            words[_balanced(random, n, self.pairs) if self.pairs else _letters(random, n)] = None
        return list(words)


CASES = (
    Case("histogram", "histogram"),
    Case("sort", "in_order"),
    Case("reverse", "backwards"),
    Case("dyck1_ptf", "dyck1_ptf", "()"),
    Case("dyck_ptf", "dyck2_ptf", "(){}"),
)

Values: TypeAlias = list[list[Atom]]
Baseline: TypeAlias = Callable[[Case, Sequence[str]], tuple[Values, list[float]]]


def _letters(random: Random, n: int) -> str:
    return "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=n))


def _balanced(random: Random, n: int, pairs: str) -> str:
    word, due = "", ""
    while len(word) < n:
        if due and (len(due) >= n - len(word) or random.random() < 0.5):
            word, due = word + due[-1], due[:-1]
        else:
            at = 2 * random.randrange(len(pairs) // 2)
            word, due = word + pairs[at], due + pairs[at + 1]
    return word


# ------------------------------------------------------------------------------------------------ the two sides


def measure(case: Case, words: Sequence[str], numbers: Numbers) -> tuple[Values, list[float]]:
    """The interpreter's values, and the time of each evaluation as the mean over enough rounds to be measurable."""
    program = load_program(PROGRAMS / f"{case.file}.rasp", numbers)
    root = program.sop(case.name)
    interpreter = Interpreter((root,), numbers)
    values: Values = [list(interpreter.run(word).values[root]) for word in words]
    seconds = []
    for word in words:
        rounds, start = 0, time.process_time()
        while time.process_time() - start < 0.05:
            interpreter.run(word)
            rounds += 1
        seconds.append((time.process_time() - start) / rounds)
    return values, seconds


def measure_naive(case: Case, words: Sequence[str]) -> tuple[Values, list[float]]:
    """The same by the semantics taken literally."""
    root = load_program(PROGRAMS / f"{case.file}.rasp", Numbers.IEEE).sop(case.name)
    values, seconds = [], []
    for word in words:
        start = time.process_time()
        values.append(naive.evaluate(root, word, Numbers.IEEE))
        seconds.append(time.process_time() - start)
    return values, seconds


@contextmanager
def reference(folder: Path, python: str) -> Iterator[Baseline]:
    """The reference implementation, in a process of its own."""
    driver = Path(__file__).with_name("reference_driver.py")
    command = [python, str(driver), str(folder.resolve())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes to the reference")
        to, back = process.stdin, process.stdout

        def ask(case: Case, words: Sequence[str]) -> tuple[Values, list[float]]:
            text = (PROGRAMS / f"{case.file}.rasp").read_text(encoding="utf-8")
            print(json.dumps({"program": text, "name": case.name, "inputs": words}), file=to, flush=True)
            answer = json.loads(back.readline() or '{"error": "the reference has stopped"}')
            if "error" in answer:
                raise RuntimeError(answer["error"])
            return answer["values"], answer["seconds"]

        yield ask
        to.close()


# ------------------------------------------------------------------------------------------------ the table


@dataclass(frozen=True)
class Row:
    """One program at one length: milliseconds of an evaluation, the median over the inputs."""

    name: str
    n: int
    baseline: float
    ieee: float
    exact: float

    @property
    def ratio(self) -> float:
        """How many times as fast as the baseline, under the baseline's own numbers."""
        return self.baseline / self.ieee

    def __str__(self) -> str:
        exact = self.baseline / self.exact
        times = f"{self.baseline:10.2f} {self.ieee:9.3f} {self.exact:9.3f}"
        return f"{self.name:<10} {self.n:>4} {times} {self.ratio:8.0f}x {exact:8.0f}x"


def compare(case: Case, n: int, inputs: int, baseline: Baseline) -> Row:
    """Measure both sides on the same words, and refuse to compare the speed of different answers."""
    words = case.words(n, inputs)
    expected, slow = baseline(case, words)
    found, ieee = measure(case, words, Numbers.IEEE)
    _, exact = measure(case, words, Numbers.EXACT)
    if [list(map(atom_key, row)) for row in found] != [list(map(atom_key, row)) for row in expected]:
        raise RuntimeError(f"{case.name} at length {n}: the two sides differ")
    return Row(case.name, n, *(1000 * median(seconds) for seconds in (slow, ieee, exact)))


def table(lengths: Sequence[int], inputs: int, baseline: Baseline) -> list[Row]:
    """Print and return a row for each program and length."""
    print(f"{'program':<10} {'n':>4} {'baseline':>10} {'ieee':>9} {'exact':>9} {'ieee':>9} {'exact':>9}")
    print(f"{'':<10} {'':>4} {'ms':>10} {'ms':>9} {'ms':>9} {'ratio':>9} {'ratio':>9}")
    rows = []
    for case in CASES:
        for n in lengths:
            rows.append(compare(case, n, inputs, baseline))
            print(rows[-1], flush=True)
    return rows


def main(arguments: list[str]) -> int:
    """Print the table; 1 when a program misses the bar against the reference at length 200."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks interpreter")
    parser.add_argument("--reference", type=Path, help="folder that holds the reference's RASP_support")
    parser.add_argument("--reference-python", default=sys.executable, help="the Python that runs the reference")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--inputs", type=int, default=3, help="inputs of each length")
    options = parser.parse_args(arguments)
    if options.reference is None:
        print("baseline: the semantics taken literally (no --reference)")
        rows = table(options.lengths, options.inputs, measure_naive)
    else:
        print("baseline: the reference implementation")
        with reference(options.reference, options.reference_python) as baseline:
            rows = table(options.lengths, options.inputs, baseline)
    for n in options.lengths:
        print(f"n = {n}: {geometric_mean(row.ratio for row in rows if row.n == n):.0f}x (geometric mean)")
    slow = [row for row in rows if row.n == 200 and row.ratio < BAR] if options.reference else []
    for row in slow:
        print(f"{row.name}: {row.ratio:.1f}x is below the bar of {BAR:.0f}x", file=sys.stderr)
    return 1 if slow else 0
