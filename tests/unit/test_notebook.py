"""What a notebook shows: the example of the documentation runs as it is stored, and objects show themselves."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import verifier
import verifier.cli
from compiled import compile_program
from spec.diagnostics import UsageError
from tests.notebooks import NOTEBOOKS, outputs, read, run

PROGRAM = """before = select(tokens, tokens, <);
place = selector_width(before);
r = aggregate(select(place, indices, ==), place, 0 - 1);
#@ scope lengths=1..3 alphabet=ab
#@ ensures full: forall i: r[i] >= 0
"""


def parsed(html: str) -> ElementTree.Element:
    """The elements; what `_repr_html_` makes happens to be XML as well, so that unbalanced tags are noticed."""
    return ElementTree.fromstring(f"<div>{re.sub('<style>.*?</style>', '', html, flags=re.DOTALL)}</div>")


def texts(html: str) -> str:
    return "".join(parsed(html).itertext())


@pytest.fixture(scope="module")
def program() -> verifier.Program:
    return verifier.loads(PROGRAM, "<b>.rasp")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_shows_what_is_stored(path: Path, tmp_path: Path) -> None:
    stored = read(path)
    assert outputs(run(stored, tmp_path)) == outputs(stored)
    assert all(len(shown) == 1 for shown in outputs(stored))


def test_a_program_shows_what_it_defines_and_claims(program: verifier.Program) -> None:
    shown = texts(program._repr_html_())
    for word in ("<b>.rasp", "place", "before", "selector", "full", "forall i: r[i] >= 0", "lengths=1..3"):
        assert word in shown
    assert repr(program) == "<program <b>.rasp: place, r>"


def test_answers_show_their_verdicts(program: verifier.Program) -> None:
    answers = program.verify()
    assert [answer.bound for answer in answers] == repr(answers).split("\n") or "REFUTED n = 2" in repr(answers)
    assert "REFUTED n = 2" in texts(answers._repr_html_())
    assert texts(answers[0]._repr_html_()) in texts(answers._repr_html_())
    assert "<script" not in answers._repr_html_()


def test_a_selector_shows_the_keys_of_each_query(program: verifier.Program) -> None:
    found = program.selector("before", "bab")
    assert found.rows == (frozenset({1}), frozenset(), frozenset({1}))
    assert str(found).splitlines()[1:] == ["  · 1 ·", "  · · ·", "  · 1 ·"]
    assert found._repr_html_().count('class="dot"') == 2
    assert "too many" in texts(program.selector("before", "a" * 41)._repr_html_())
    with pytest.raises(UsageError, match="no selector `place`"):
        program.selector("place", "ab")


def test_bounds_show_their_charts_and_can_be_checked_again(program: verifier.Program, tmp_path: Path) -> None:
    bounds = program.bounds("place")
    assert (bounds.layers(), bounds.heads()) == (1, {1: 2, 2: 1})
    assert bounds.complete
    assert "paper model: layers <= 1, heads <= 2" in str(bounds)
    assert "●" in texts(bounds._repr_html_())
    assert verifier.cli.main(["recheck", str(bounds.save(tmp_path / "c.json"))]) == 0


def test_a_compiled_program_shows_its_sizes_and_its_stream(program: verifier.Program) -> None:
    elaborated = program.elaborated()
    made = compile_program(elaborated.graph, {"place": elaborated.sop("place")}, alphabet="ab", max_length=3)
    rows = [[cell.text for cell in row] for row in parsed(made._repr_html_()).iter("tr")]
    assert ["layers", str(made.layers)] in rows
    assert ["parameters", str(made.parameters)] in rows
    numbers = [row[0] for row in rows if len(row) == 4]
    assert numbers[1:] == [str(number) for number in range(made.shape.model)]
    assert repr(made) == made.explain()
