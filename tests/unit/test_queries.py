"""`rasp explain --emit smt|cnf`: other readers of the text say what evaluating every input says."""

from itertools import product
from pathlib import Path

import pytest
import z3
from pysat.formula import CNF
from pysat.solvers import Solver

from spec.property.evaluate import Checker, Status
from verifier.cli import main
from verifier.running.jobs import Job

PROGRAM = """
sum = selector_width(select(tokens, "a", ==));
share = sum / length;
back = aggregate(select(indices, length - 1 - indices, ==), tokens);
#@ scope lengths=1..3 alphabet=abc
#@ ensures right: forall i: back[i] == tokens[n - 1 - i]
#@ ensures wrong: forall i: back[i] == tokens[i]
#@ ensures few: sum[0] < 2
#@ ensures half: forall i: share[i] != 1 / 2
#@ cover all_a: sum[0] == n and n > 1
#@ requires begins: tokens[0] == "a"
#@ ensures some: sum[0] > 0
"""
NAMES = ("right", "wrong", "few", "half", "all_a", "some")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "a.rasp"
    path.write_text(PROGRAM)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_query_is_satisfiable_exactly_when_an_input_says_so(
    name: str, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bound,) = Job(str(program), target=name).select()
    wanted = Status.HOLDS if name == "all_a" else Status.FAILS
    checker = Checker(bound)
    for length in (1, 2, 3):
        words = {word for word in product("abc", repeat=length) if checker.check(word).status is wanted}
        assert main(["explain", f"{program}::{name}", "--emit", "smt", "--length", str(length)]) == 0
        solver = z3.Solver()
        solver.from_string(capsys.readouterr().out)
        assert (solver.check() == z3.sat) is bool(words)
        assert main(["explain", f"{program}::{name}", "--emit", "cnf", "--length", str(length)]) == 0
        assert inputs_of(capsys.readouterr().out, length) == words


def inputs_of(dimacs: str, length: int) -> set[tuple[str, ...]]:
    """Every input that a model spells, by what the comments say about the variables."""
    letters: dict[int, tuple[int, str]] = {}
    for line in dimacs.splitlines():
        if line.startswith("c ") and " at " in line and line.split()[1].rstrip(":").isdecimal():
            number, _, rest = line[2:].partition(": ")
            symbol, _, position = rest.rpartition(" at ")
            letters[int(number)] = int(position), symbol.strip("'")
    found: set[tuple[str, ...]] = set()
    with Solver(name="minisat22", bootstrap_with=CNF(from_string=dimacs).clauses) as solver:
        while solver.solve():
            chosen = [number for number in solver.get_model() if number in letters]
            found.add(tuple(symbol for _, symbol in sorted(letters[number] for number in chosen)))
            assert len(chosen) == length
            solver.add_clause([-number for number in chosen])
    return found


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        ("a.rasp", [], "names no property"),
        ("a.rasp::sum", [], "is not one property"),
        ("a.rasp::right", ["--length", "9"], "length 9 is not in"),
        ("a.rasp::nothing", [], "no property or s-op"),
        ("a.rasp::half", ["--numbers", "ieee", "--length", "2"], "has no smt form"),
    ],
)
def test_what_is_no_query_is_a_usage_error(
    target: str, options: list[str], says: str, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", f"{program.parent}/{target}", "--emit", "smt", *options]) == 2
    assert says in capsys.readouterr().err
