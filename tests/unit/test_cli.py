"""The commands as a user runs them: what each says when all is well, and every exit code once."""

import argparse
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import verifier.cli
from spec.graph import topological
from spec.serialize import loads
from tests.command_server import Commands, Done
from verifier.cli import FAMILIES

REVERSE = "r = aggregate(select(indices, length - 1 - indices, ==), tokens);\n_half = 0.5;\ns = select(r, r, ==);\n"
TWICE = "a = aggregate(select(indices, length - indices - 1, ==), tokens);\nb = tokens;\n"
CONTRACT = "#@ scope lengths=1..4 alphabet=abc\n#@ ensures back: forall i: r[i] == tokens[n - 1 - i]\n"
RIGHT = REVERSE + CONTRACT
WRONG = RIGHT + "#@ ensures same: r == tokens\n".replace("r == tokens", "all(r == tokens)")
EMPTY = RIGHT + "#@ requires n > 9\n#@ ensures never: n == 0\n"
ENDLESS = RIGHT + "#@ scope lengths=2 integers=any\n#@ ensures long: r[0] == tokens[1]\n"
"""No enumeration comes to the end of its inputs."""


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    server = Commands()
    yield server
    server.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = {"right": RIGHT, "wrong": WRONG, "empty": EMPTY, "endless": ENDLESS, "plain": REVERSE, "twice": TWICE}
    texts |= {"scoped": f"#@ scope lengths=2..3 alphabet=xy\n{REVERSE}", "rescoped": f"#@ scope lengths=9\n{RIGHT}"}
    for name, text in texts.items():
        (tmp_path / f"{name}.rasp").write_text(text)
    (tmp_path / "nothing").mkdir()
    return tmp_path


@pytest.fixture
def rasp(commands: Commands, folder: Path) -> "Rasp":
    return Rasp(commands, folder)


class Rasp:
    """Runs commands in the folder of the programs above."""

    def __init__(self, commands: Commands, folder: Path) -> None:
        self.commands, self.folder = commands, folder

    def __call__(self, *argv: str, says: str = "") -> Done:
        stdin = self.folder / "stdin"
        stdin.write_text(says)
        return self.commands.run(argv, self.folder, stdin)


# --- what each command says ---------------------------------------------------------------------------------------


def test_check_says_one_line_for_each_property(rasp: Rasp) -> None:
    done = rasp("check", "right.rasp", "--jobs", "1")
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split("  ")[0] for line in lines[:3]] == ["PROVED n ≤ 4"] * 3
    assert "right.rasp:5  back: forall i: r[i] == tokens[n - 1 - i]" in lines[0]
    assert "r.no_error" in lines[1]
    assert "r.numbers_agree" in lines[2]
    assert lines[-1] == "OK: every property came out as expected"


def test_check_shows_scope_and_evidence_when_asked(rasp: Rasp) -> None:
    quiet, verbose = rasp("check", "right.rasp", "-q"), rasp("check", "right.rasp", "-v")
    assert "PROVED" not in quiet.out
    assert "lengths=1..4 alphabet=abc numbers=exact  (120 inputs)" in verbose.out
    assert "evidence" in verbose.out


def test_check_takes_folders_and_names(rasp: Rasp) -> None:
    assert "empty.rasp" in rasp("check", ".").out
    one = rasp("check", "wrong.rasp::same", "--lengths", "2", "--alphabet", "xy")
    assert one.code == 1
    assert one.out.count("wrong.rasp:") == 1
    assert "input     xy" in one.out
    implicit = rasp("check", "plain.rasp::r")
    assert implicit.code == 0
    assert [name in implicit.out for name in ("r.no_error", "r.numbers_agree")] == [True, True]


def test_check_shows_the_least_counterexample(rasp: Rasp) -> None:
    done = rasp("check", "wrong.rasp::same")
    assert done.code == 1
    assert "REFUTED n = 2" in done.out
    assert "input     ab   (shortest, and first in alphabet order; not the only one of its length)" in done.out


def test_run_prints_values(rasp: Rasp) -> None:
    assert rasp("run", "plain.rasp::r", "cab").out == "[b, a, c]\n"
    assert rasp("run", "plain.rasp::r", '["if", "x"]').out == "[x, if]\n"
    assert rasp("run", "plain.rasp", "ab").out == "r = [b, a]\n"


@pytest.mark.parametrize("brackets", ["[]", "[()]"])
def test_brackets_as_characters_get_a_hint(rasp: Rasp, brackets: str) -> None:
    done = rasp("run", "plain.rasp::r", brackets)
    assert done.code == 2
    assert """'["[", "]"]'""" in done.err
    assert rasp("run", "plain.rasp::r", '["[", "]"]').out == "[], []\n"


@pytest.mark.parametrize(("alphabet", "reason"), [("[]", "is empty"), ("[(]", "is not a JSON list"), ("", "is empty")])
def test_an_alphabet_is_not_called_an_input(rasp: Rasp, alphabet: str, reason: str) -> None:
    done = rasp("prove", "plain.rasp", "n > 0", "--alphabet", alphabet)
    assert done.code == 2
    assert f"the alphabet {reason}" in done.err


def test_run_shows_both_number_semantics(rasp: Rasp, folder: Path) -> None:
    (folder / "third.rasp").write_text("t = 1 / (indices + 3);")
    assert rasp("run", "third.rasp::t", "a").out == "[1/3]\n"
    assert rasp("run", "third.rasp::t", "a", "--numbers", "ieee").out == "[0.3333333333333333]\n"


def test_repl_answers_on_standard_input(rasp: Rasp) -> None:
    done = rasp("repl", says='tokens("ab");\n1 + 1;\n')
    assert done.code == 0
    assert "running example is: hello" in done.out
    assert "[a, b] (strings)" in done.out


def test_prove_decides_an_expression_or_a_clause(rasp: Rasp) -> None:
    assert rasp("prove", "right.rasp", "r[0] == tokens[n - 1]").code == 0
    assert rasp("prove", "right.rasp", "equivariant r under reversal").code == 0
    refuted = rasp("prove", "right.rasp", "causal r")
    assert refuted.code == 1
    assert "REFUTED n = 2" in refuted.out


def test_prove_takes_preconditions_and_a_scope(rasp: Rasp) -> None:
    claim = ("prove", "plain.rasp", "all(r == tokens)", "--alphabet", "xyz", "--lengths", "1..3")
    assert rasp(*claim).code == 1
    assert rasp(*claim, "--requires", "n < 3", "--requires", "tokens[0] == tokens[n - 1]").code == 0
    assert rasp(*claim, "--requires", "n > 9").code == 4


def test_equiv_compares_s_ops_of_two_files(rasp: Rasp) -> None:
    assert rasp("equiv", "plain.rasp::r", "twice.rasp::a").code == 0
    different = rasp("equiv", "plain.rasp::r", "twice.rasp::b")
    assert different.code == 1
    assert "input     ab" in different.out


def test_a_question_is_about_the_scope_of_the_file_even_if_no_property_is(rasp: Rasp, folder: Path) -> None:
    assert rasp("find", "scoped.rasp", 'r[0] == "y"').out == "xy\n"
    assert rasp("find", "scoped.rasp", "n == 4").code == 1
    for condition, code in (('n <= 3 and (tokens[0] == "x" or tokens[0] == "y")', 0), ("n == 2", 1)):
        assert rasp("prove", "scoped.rasp", condition).code == code
    assert rasp("prove", "rescoped.rasp", "n < 9").code == 0, "a scope that properties are under comes first"
    (folder / "plain.prop").write_text("scope lengths=2 alphabet=xy\n")
    assert rasp("find", "plain.rasp", "n == 3").code == 1


def test_find_prints_an_input(rasp: Rasp) -> None:
    found = rasp("find", "right.rasp", 'n == 3 and r[0] == "b" and tokens[0] == "c"')
    assert (found.code, found.out) == (0, "cab\n")
    missing = rasp("find", "right.rasp", "n == 9")
    assert (missing.code, missing.out.startswith("no input: lengths=1..4")) == (1, True)


def test_explain_shows_each_stage(rasp: Rasp) -> None:
    shown = {form: rasp("explain", "plain.rasp", "--emit", form) for form in ("ast", "graph", "dot", "json")}
    assert {done.code for done in shown.values()} == {0}
    assert "Assign" in shown["ast"].out
    assert "tokens" in shown["graph"].out
    assert shown["dot"].out.startswith("digraph")
    assert json.loads(shown["json"].out)
    graph, outputs = loads(shown["json"].out)
    assert len(topological(outputs.values())) <= len(graph)


def test_help_and_version_are_answers(rasp: Rasp) -> None:
    assert rasp("--version").out.startswith("rasp ")
    for command in ("check", "run", "repl", "prove", "equiv", "find", "explain"):
        done = rasp(command, "--help")
        assert done.code == 0
        assert done.out.startswith(f"usage: rasp {command}")


# --- exit codes ---------------------------------------------------------------------------------------------------

CODES = {
    "as expected": (0, ("check", "right.rasp")),
    "refuted": (1, ("check", "wrong.rasp")),
    "no such file": (2, ("check", "missing.rasp")),
    "no such property": (2, ("check", "right.rasp::front")),
    "no such command": (2, ("chekc", "right.rasp")),
    "no command": (2, ()),
    "the program fails on the input": (2, ("run", "plain.rasp::r", "")),
    "undecided": (3, ("check", "endless.rasp::long", "--engine", "enumerate")),
    "vacuous": (4, ("check", "empty.rasp")),
    "no programs": (5, ("check", "nothing")),
    "no contracts and no s-ops": (5, ("check", "comment.rasp")),
    "refuted and undecided": (1, ("check", "wrong.rasp", "endless.rasp::long", "--engine", "enumerate")),
    "refuted and unreadable": (2, ("check", "wrong.rasp", "missing.rasp")),
    "vacuous and undecided": (4, ("check", "empty.rasp", "endless.rasp::long", "--engine", "enumerate")),
}


@pytest.mark.parametrize("name", CODES)
def test_exit_codes(name: str, rasp: Rasp, folder: Path) -> None:
    (folder / "comment.rasp").write_text("# nothing\n")
    code, argv = CODES[name]
    done = rasp(*argv)
    assert done.code == code, done.out + done.err
    assert "Traceback" not in done.err
    assert (code == 0) is done.out.endswith("OK: every property came out as expected\n")


def test_a_run_that_contradicts_itself_exits_with_70(folder: Path) -> None:
    """Here, because the process that should prove is replaced by one that ends at once."""
    script = "import sys; from verifier.cli import main; sys.executable = 'false'; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", script, "check", "right.rasp"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "internal error" in done.stderr
    assert "OK" not in done.stdout


def test_the_installed_command_is_this_one(folder: Path) -> None:
    """`rasp` beside the interpreter, in a process of its own, without the server."""
    command = Path(sys.executable).with_name("rasp")
    done = subprocess.run(
        [command, "run", "plain.rasp::r", "ab"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[b, a]\n", "")


def test_an_output_that_has_not_every_character_does_not_end_a_run(folder: Path) -> None:
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    command = [str(Path(sys.executable).with_name("rasp")), "check", "right.rasp::back"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(rb"PROVED n \u2264 4")


# --- which commands there are ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_family_registers_the_commands_it_is_listed_with(family: str) -> None:
    """Only the module of the command that is run is loaded, so a command missing in the table could not be found."""
    commands = argparse.ArgumentParser().add_subparsers()
    importlib.import_module(f"verifier.cli.{family}").register(commands)

    assert tuple(commands.choices) == FAMILIES[family]


def test_every_module_that_registers_commands_is_listed() -> None:
    modules = {name for _, name, _ in pkgutil.iter_modules(verifier.cli.__path__)}
    registering = {name for name in modules if hasattr(importlib.import_module(f"verifier.cli.{name}"), "register")}

    assert registering == set(FAMILIES)


@pytest.mark.parametrize("argv", [["--version"], ["run", "right.rasp::r", "abc"], ["lint", "right.rasp"]], ids=str)
def test_what_proves_nothing_loads_no_solver(argv: list[str], folder: Path) -> None:
    script = "import sys; from verifier.cli import main\ntry: main(sys.argv[1:])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script, *argv], cwd=folder, capture_output=True, text=True, check=True)

    assert {"numpy", "sympy", "torch", "z3"}.isdisjoint(done.stdout.split())
