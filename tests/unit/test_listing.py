"""`rasp find --count N | --all`: the inputs that brute force finds, all of them, each once, in order."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker, Status
from verifier import listing
from verifier.check import Options, check
from verifier.cli import main
from verifier.engine import Limits, Query, Reason, Undecided, Word
from verifier.listing import MOST
from verifier.running.jobs import Job
from verifier.verdict import Proved

PROGRAM = """
sum = selector_width(select(tokens, "b", ==));
back = aggregate(select(indices, length - 1 - indices, ==), tokens);
#@ scope lengths=1..4 alphabet=cab
#@ ensures back[0] == tokens[n - 1]
"""
CONDITIONS = ["sum[0] == 2", "all(back == tokens)", 'back[0] == "a" or n == 1', "n == 4 and sum[0] == 4", "n != 2"]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "a.rasp").write_text(PROGRAM)
    return tmp_path / "a.rasp"


def cover(program: Path, condition: str) -> BoundProperty:
    text = f'requires begins: tokens[0] != "c"\ncover found: {condition}'
    (bound,) = Job(str(program), clauses=text).select()
    return bound


def by_brute_force(bound: BoundProperty) -> Iterator[Word]:
    checker = Checker(bound)
    for length in range(1, 5):
        yield from (word for word in product("cab", repeat=length) if checker.check(word).status is Status.HOLDS)


def listed(bound: BoundProperty, wanted: int) -> tuple[list[Word], bool]:
    verdict = check(bound, Options(witnesses=wanted))
    assert isinstance(verdict, Proved)
    assert verdict.witness is not None
    others = verdict.others
    assert (others is None) is (wanted == 1)
    words = () if others is None else others.words
    assert others is None or not others.stopped
    return [verdict.witness.word, *words], others is not None and others.complete


@pytest.mark.parametrize("engines", ["evaluation", "diagrams", "sat", "smt"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_input_is_listed_once_and_in_order(
    condition: str, engines: str, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engines != "evaluation":
        monkeypatch.setattr(listing, "_EVALUATED", 0)
        for name in {"DIAGRAMS", "SAT", "SMT"} - {engines.upper()}:
            monkeypatch.setattr(listing, name, Nobody())
    bound = cover(program, condition)
    expected = list(by_brute_force(bound))
    assert listed(bound, MOST) == (expected, True)
    for count in (1, 2, len(expected)):
        words, complete = listed(bound, count)
        assert words == expected[:count]
        assert complete is (1 < count == len(expected) or 1 < count > len(expected))


class Nobody:
    """An engine that never answers."""

    name = "nobody"

    def open(self, query: Query, limits: Limits) -> Undecided:
        return Undecided(Reason.SIZE, f"{query.length} {limits.wall_s}")


def test_where_nobody_knows_the_next_one_that_is_said(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_EVALUATED", 0)
    for name in ("DIAGRAMS", "SAT", "SMT"):
        monkeypatch.setattr(listing, name, Nobody())
    verdict = check(cover(program, "sum[0] == 2"), Options(witnesses=5))
    assert isinstance(verdict, Proved)
    assert verdict.others is not None
    assert (verdict.others.words, verdict.others.complete) == ((), False)
    assert "nobody: size" in verdict.others.stopped


def test_long_inputs_are_listed_by_engines(tmp_path: Path) -> None:
    path = tmp_path / "a.rasp"
    path.write_text(
        'sum = selector_width(select(tokens, "b", ==));\n#@ scope lengths=20 alphabet=ab\n#@ ensures sum[0] >= 0\n'
    )
    (bound,) = Job(str(path), clauses="cover found: sum[0] == 1").select()
    words, complete = listed(bound, MOST)
    assert complete
    assert ["".join(map(str, word)) for word in words] == ["a" * i + "b" + "a" * (19 - i) for i in reversed(range(20))]


def test_the_command_prints_them(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    condition = "n == 2 and sum[0] == 1"
    assert main(["find", str(program), condition, "--count", "2"]) == 0
    said = capsys.readouterr()
    assert said.out.split() == ["cb", "ab"]
    assert said.err == ""
    assert main(["find", str(program), condition, "--all", "--requires", 'tokens[0] != "c"']) == 0
    said = capsys.readouterr()
    assert said.out.split() == ["ab", "bc", "ba"]
    assert "no other input: lengths=1..4" in said.err
    assert main(["find", str(program), "tokens_int[0] > 5", "--integers", "any", "--count", "2"]) == 3
    said = capsys.readouterr()
    assert len(said.out.split()) == 1
    assert "inputs have no order" in said.err


def test_a_count_that_is_none_is_refused(program: Path) -> None:
    for options in (["--count", "0"], ["--count", "2", "--all"]):
        with pytest.raises(SystemExit, match="2"):
            main(["find", str(program), "n > 1", *options])
