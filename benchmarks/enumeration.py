"""How many inputs a second the engines evaluate that look at every input, none left out by a symmetry.

    python -m benchmarks enumeration [--engines enumerate,parallel,device] [--wall 60]

Properties that hold are proved at one length by each engine in turn, on one thread, in processor time (on an
accelerator by the clock). The time to state the property and to build the circuit is not counted, and neither are the
seconds in which torch is loaded. The exit code is 1 when `parallel` does fewer than 10^8 inputs a minute on a program
of the table, or does not come to its end.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

from benchmarks.reach import PROGRAMS
from verifier.encodings.circuit import Circuit, circuit_of
from verifier.encodings.gates import FALSE
from verifier.engine import Evidence, Limits, Proofs, Query, Undecided, Unsat
from verifier.engines.device import DEVICE
from verifier.engines.parallel import PARALLEL
from verifier.portfolio import ENGINES
from verifier.question.claims import state
from verifier.running.subject import Subject

BAR: Final = 1e8 / 60
"""Inputs a second on one core."""


@dataclass(frozen=True)
class Case:
    """A property at a length; a shorter one for the engine that evaluates terms, of which only the speed is asked."""

    file: str
    name: str
    alphabet: str
    length: int
    shorter: int


CASES: Final = (
    Case("paper/double_histogram.rasp", "groups", "abc", 14, 10),
    Case("paper/sort.rasp", "ordered", "abcd", 11, 8),
    Case("paper/sort.rasp", "same_tokens", "abc", 13, 9),
    Case("paper/dyck1_ptf.rasp", "language", "()", 24, 16),
    Case("paper/dyck_ptf.rasp", "balanced2", "(){}", 12, 8),
    Case("paper/shuffle_dyck.rasp", "language", "(){}", 12, 8),
    Case("raspl/induct.rasp", "repeats", "abc", 14, 10),
)


def query_of(case: Case, length: int) -> Query:
    """The property at a length, over the alphabet of the case."""
    found = {p.property.name: p for c in Subject.load(PROGRAMS / case.file).bound() for p in c.properties}
    alphabet = tuple(case.alphabet)
    prop = found[case.name].property
    scope = replace(prop.scope, alphabet=alphabet, low=1, high=length)
    return Query(length, alphabet, state(replace(found[case.name], property=replace(prop, scope=scope)), length).broken)


def measure(query: Query, engine: str, wall: float) -> tuple[float, Evidence | None]:
    """Inputs a second, and the evidence; `None` where the engine did not come to its end."""
    limits = Limits(wall_s=wall, max_inputs=1 << 40, proofs=Proofs.NONE, reductions=False)
    session = ENGINES[engine].open(query, limits)
    if isinstance(session, Undecided):
        return 0.0, None
    circuit = circuit_of(query, limits)
    if isinstance(circuit, Circuit) and circuit.violation == FALSE:
        raise AssertionError("there is nothing to evaluate: the gates fold to false")
    clock = process_time if on_cpu(engine) else perf_counter
    begin = clock()
    answer = session.check()
    taken = clock() - begin
    if isinstance(answer, Undecided):
        return 0.0, None
    if not isinstance(answer, Unsat):
        raise AssertionError(f"{engine}: a property that holds is refuted at {answer.word}")
    return (query.inputs or 0) / taken, answer.evidence


def on_cpu(engine: str) -> bool:
    """Whether processor time is what an engine takes."""
    if engine != DEVICE.name:
        return True
    import torch

    return not torch.accelerator.is_available()


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks enumeration", description=__doc__)
    parser.add_argument("--engines", default="enumerate,parallel,device")
    parser.add_argument("--wall", type=float, default=60.0)
    options = parser.parse_args(arguments)
    engines = options.engines.split(",")
    if DEVICE.name in engines:
        import torch

        torch.set_num_threads(1)
    heads = " | ".join(f"{name}: inputs/s | ratio" for name in engines)
    print(f"| property | symbols | length | inputs | {heads} |")
    print("|---|--:|--:|--:|" + "--:|--:|" * len(engines))
    slow, where = False, ""
    for case in CASES:
        cells, base = [], 0.0
        for engine in engines:
            length = case.shorter if engine == "enumerate" else case.length
            speed, evidence = measure(query_of(case, length), engine, options.wall)
            base = base or speed
            slow |= engine == PARALLEL.name and speed < BAR
            where = evidence.by if evidence is not None and engine == DEVICE.name else where
            cells.append(f"{speed:.2g} | {speed / base:.0f}x" if speed else "- | -")
        name = f"{Path(case.file).stem}: {case.name}"
        inputs = len(case.alphabet) ** case.length
        print(f"| {name} | {len(case.alphabet)} | {case.length} | {inputs} | {' | '.join(cells)} |", flush=True)
    print(where)
    return int(slow)
