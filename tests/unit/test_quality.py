"""Warnings about proofs: each planted weakness is named, sound contracts get none, and brute force agrees."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random

import pytest

from spec.property import ast
from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker, Status
from verifier.check import Options, check
from verifier.cli import main
from verifier.evidence.quality import quality
from verifier.running.jobs import Job
from verifier.verdict import Proved, Vacuous

IMPLICIT = ast.NoError | ast.NumbersAgree
PROGRAM = """
sum = selector_width(select(tokens, "a", ==));
b = tokens == "a";
back = aggregate(select(indices, length - 1 - indices, ==), tokens);
"""


def bound(folder: Path, clauses: str) -> tuple[BoundProperty, ...]:
    path = folder / "a.rasp"
    lines = "".join(f"#@ {line}\n" for line in clauses.splitlines())
    path.write_text(f"{PROGRAM}#@ scope lengths=1..4 alphabet=abc\n{lines}")
    explicit = (one for one in Job(str(path)).select() if not isinstance(one.property.claim, IMPLICIT))
    return tuple(explicit)


def said(folder: Path, clauses: str) -> tuple[str, ...]:
    verdict = check(bound(folder, clauses)[-1], Options())
    assert isinstance(verdict, Proved)
    return verdict.warnings + tuple(note for note in verdict.notes if "show nothing new" not in note)


WEAK = {
    "free": ("ensures forall i: b[i] or not b[i]", "whatever the values of `b`"),
    "free of two": ("ensures forall i: sum[i] == 0 or b[i] or not b[i]", "whatever the values of `sum`, `b`"),
    "about nothing": (
        "ensures forall i: tokens[i] == tokens[i]",
        "does not mention anything that the program computes",
    ),
    "idle": ("ensures forall i: sum[i] > n => b[i]", "`sum[i] > n` never holds"),
    "idle, by its form": (
        "ensures forall i, j: (i < j and j < i) => back[i] != 0",
        "`i < j and j < i` never holds",
    ),
    "idle inside": (
        'ensures forall i: tokens[i] == "a" => (sum[i] == 0 => back[i] == "b")',
        "`sum[i] == 0` never holds",
    ),
    "idle in one part": ("ensures (forall i: sum[i] >= 0) and (sum[0] < 0 => b[0])", "`sum[0] < 0` never holds"),
    "unused": (
        'requires begins: tokens[0] == "a"\nensures forall i: sum[i] >= 0 and sum[i] <= n',
        "`begins` is not needed",
    ),
    "one unused": (
        'requires begins: tokens[0] == "a"\nrequires ends: tokens[n - 1] != "b"\nensures back[0] != "b"',
        "`begins` is not needed",
    ),
    "empty lengths": (
        'requires two: count(tokens == "a") == 2 and n != 3\nensures forall i: sum[i] == 2',
        "exclude every input of length 1, 3",
    ),
}


@pytest.mark.parametrize("name", WEAK)
def test_each_weakness_is_named_and_nothing_else(name: str, tmp_path: Path) -> None:
    clauses, why = WEAK[name]
    (warning,) = said(tmp_path, clauses)
    assert why in warning


SOUND = [
    "ensures forall i: back[i] == tokens[n - 1 - i]",
    'ensures forall i: b[i] <=> tokens[i] == "a"',
    "ensures forall i: sum[i] >= 0",
    "ensures forall i: b[i] => sum[i] > 0",
    "ensures forall i, j: i < j => sum[i] == sum[j]",
    "ensures exists i: i == 0 and (sum[i] > 9 => b[i])",
    'requires begins: tokens[0] == "a"\nensures sum[0] > 0',
    'requires begins: tokens[0] == "a"\nrequires ends: tokens[n - 1] != "b"\nensures back[0] != "b" and sum[0] > 0',
    "ensures sorted(sum)",
    "equiv back == back",
    "ensures n % 2 == 1 => back[0] == tokens[n - 1]",
    'ensures tokens in /bca/ => back[0] == "a"',
    "ensures forall i: sum[i] >= 0 or sum[i] == -1",
    "causal b",
    "invariant sum under permutation",
]


@pytest.mark.parametrize("clauses", SOUND)
def test_a_contract_that_says_something_gets_no_warning(clauses: str, tmp_path: Path) -> None:
    assert said(tmp_path, clauses) == ()


def test_what_is_not_proved_gets_no_warning(tmp_path: Path) -> None:
    (prop,) = bound(tmp_path, "ensures forall i: sum[i] > 0")
    assert not isinstance(check(prop, Options()), Proved)


def breaks_somewhere(prop: BoundProperty) -> bool:
    checker = Checker(prop)
    return any(checker.check(word).status is Status.FAILS for n in range(1, 5) for word in product("abc", repeat=n))


def test_random_preconditions_are_unused_exactly_when_brute_force_says_so(tmp_path: Path) -> None:
    rng = Random(11)
    atoms = ['tokens[0] == "a"', "n > 1", 'tokens[n - 1] != "c"', 'count(tokens == "b") < 2', "n < 4", "b[0]"]
    claims = ["sum[0] > 0", "sum[0] <= n", 'back[0] != "c"', "n == 2 or b[0] or sum[n - 1] < n", "sum[0] < 3"]
    decided = {True: 0, False: 0}
    for _ in range(70):
        chosen = rng.sample(atoms, 2)
        text = "".join(f"requires r{i}: {atom}\n" for i, atom in enumerate(chosen)) + f"ensures {rng.choice(claims)}"
        (prop,) = bound(tmp_path, text)
        if not isinstance(check(prop, Options()), Proved):
            continue
        shown = " ".join(quality(prop, (1, 2, 3, 4)).notes)
        for index in range(2):
            others = prop.property.requires[1 - index :][:1]
            weaker = replace(prop, property=replace(prop.property, requires=others))
            needed = breaks_somewhere(weaker)
            assert (f"`r{index}` is not needed" in shown) is not needed, text
            decided[needed] += 1
    assert min(decided.values()) > 5


CONFLICTS = {
    "one": ("requires never: n > 9\nrequires fine: n > 1", "`never` never holds"),
    "two of three": (
        'requires fine: n > 1\nrequires left: tokens[0] == "a"\nrequires right: tokens[0] != "a"',
        "`left` and `right` exclude each other",
    ),
    "all three": (
        'requires p: tokens[0] == "a" or tokens[0] == "b"\nrequires q: tokens[0] != "a"\nrequires r: tokens[0] != "b"',
        "`p`, `q` and `r` exclude each other",
    ),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_preconditions_that_exclude_each_other_are_named(name: str, tmp_path: Path) -> None:
    clauses, why = CONFLICTS[name]
    verdict = check(bound(tmp_path, f"{clauses}\nensures sum[0] == 7")[-1], Options())
    assert isinstance(verdict, Vacuous)
    assert verdict.detail.endswith(why)


def test_warnings_fail_a_run_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bound(tmp_path, "ensures weak: forall i: b[i] or not b[i]")
    target, file = f"{tmp_path / 'a.rasp'}::weak", tmp_path / "r.json"
    assert main(["check", target, "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "warning   it may hold whatever" in out
    assert "OK: every property" in out
    assert main(["check", target, "--jobs", "1", "--strict", "-o", str(file)]) == 4
    assert "FAILED: a proof has a warning" in capsys.readouterr().out
    data = json.loads(file.read_text())
    assert (data["strict"], data["exit_code"]) == (True, 4)
    assert data["properties"][0]["verdict"] == "proved"
    assert main(["check", target, "--jobs", "1", "--strict", "--fail-on", "refuted"]) == 0
    assert "COMPLETED WITH WARNINGS" in capsys.readouterr().out
    assert main(["check", target, "--jobs", "1", "--format", "sarif"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert (found["ruleId"], found["level"]) == ("rasp/warning", "note")
    assert main(["check", target, "--jobs", "1", "--format", "github"]) == 0
    assert "::notice file=" in capsys.readouterr().out
