"""Mutants differ in one place, keep their contract, and are judged by it."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from spec.source import Source
from verifier.check import Options
from verifier.cli.mutate import register
from verifier.mutate import Killed, Mutant, Stillborn, Survived, fate, judge, mutants
from verifier.running.overrides import Overrides
from verifier.running.subject import Subject


def made(text: str) -> list[tuple[str, str]]:
    return [(mutant.span.text, mutant.becomes) for mutant in mutants(Source("p.rasp", text))]


def test_each_change_is_made_once() -> None:
    assert made("x = round(a + 1) if not b else c < 2;") == [
        ("round(a + 1)", "a + 1"),
        ("round(a + 1) if not b else c < 2", "c < 2 if not b else round(a + 1)"),
        ("a + 1", "a - 1"),
        ("1", "0"),
        ("1", "2"),
        ("not b", "b"),
        ("c < 2", "c <= 2"),
        ("c < 2", "c > 2"),
        ("2", "1"),
        ("2", "3"),
    ]
    assert made("s = select(a, b, ==);") == [
        ("select(a, b, ==)", "select(a, b, !=)"),
        ("select(a, b, ==)", "select(a, b, <=)"),
        ("select(a, b, ==)", "select(b, a, ==)"),
    ]
    assert made('x = aggregate(s, -y); y = aggregate(s, "c", z);') == [
        ("aggregate(s, -y)", "aggregate(s, -y, 1)"),
        ("-y", "y"),
        ('aggregate(s, "c", z)', 'aggregate(s, "c")'),
        ('"c"', '"c_"'),
    ]


def test_what_changes_no_program_is_left_alone() -> None:
    """An example, a drawing, and what surrounds a clause of the contract."""
    assert made('set example "abc"\ndraw(x + 1);\ny = (z +\n#@ ensures n > 1\n2);') == [("2", "1"), ("2", "3")]


def test_a_mutant_is_the_text_with_one_change() -> None:
    (mutant,) = [m for m in mutants(Source("p.rasp", "x = a * (b - c);")) if m.span.text.startswith("b")]
    assert mutant.source.text == "x = a * ((b + c));"


def test_fates(tmp_path: Path) -> None:
    path = tmp_path / "p.rasp"
    path.write_text('x = aggregate(select(tokens, "a", ==), indices * 0 );\n#@ scope lengths=2\n#@ ensures x[0] < 1\n')
    subject = Subject.load(path)
    assert judge(subject, Overrides(), Options()) == Survived()
    found = {m.becomes: fate(m, subject, Overrides(), Options()) for m in mutants(subject.source)}
    default = found['aggregate(select(tokens, "a", ==), indices * 0, 1)']
    assert isinstance(default, Killed)
    assert default.by == "ensures1"
    assert default.witness is not None
    assert default.witness.word == ("b", "b")
    assert isinstance(found['select("a", tokens, ==)'], Survived)
    broken = Mutant(next(mutants(subject.source)).span, "nothing")
    assert isinstance(fate(broken, subject, Overrides(), Options()), Stillborn)


def mutate(path: Path) -> int:
    parser = ArgumentParser()
    register(parser.add_subparsers())
    options: Namespace = parser.parse_args(["mutate", str(path)])
    return int(options.handler(options))


def test_the_command_lists_what_nobody_notices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.rasp"
    path.write_text("x = indices + 1;\n#@ scope lengths=1..2\n#@ ensures x[0] >= 0\n")
    assert mutate(path) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{path}:1:15: `1` becomes `0`: no property notices",
        f"{path}:1:15: `1` becomes `2`: no property notices",
        "3 changes, 1 noticed, 2 not",
    ]
    path.write_text("x = indices;\n#@ ensures x[0] > 0\n")
    assert mutate(path) == 1
    assert "does not keep its own contract: noticed by ensures1 at" in capsys.readouterr().out
