"""The library's `selector_width` is recognised, whatever is near it is not, and what is recognised does count."""

from pathlib import Path

import pytest

from spec.elaborate import elaborate
from spec.idiom import counted
from spec.interp import evaluate
from spec.source import Source
from spec.values import Numbers

WIDTH = """
s = select(tokens, tokens, ==);
first = select(indices, 0, ==);
at_first = indicator(indices == 0);
"""


def counts(text: str, interning: bool = True) -> bool:
    """Whether the s-op `x` of this program counts the selector `s`."""
    program = elaborate(Source("test.rasp", WIDTH + text), Numbers.EXACT, interning=interning)
    return counted(program.sop("x")) is program.selector("s")


@pytest.mark.parametrize("interning", [True, False])
def test_the_library_function_is_recognised(interning: bool) -> None:
    assert counts("x = selector_width(s);", interning)


def test_the_same_formula_written_out_is_recognised() -> None:
    assert counts("x = round(((1 / aggregate(s or first, at_first)) - 1) + aggregate(s and first, 1, 0));")


@pytest.mark.parametrize(
    "formula",
    [
        "round(((1 / aggregate(s or first, at_first)) - 1) + aggregate(s and first, 1, 1))",
        "round(((1 / aggregate(s or first, at_first)) - 1) + aggregate(s and first, 2, 0))",
        "round(((1 / aggregate(s or first, at_first)) - 2) + aggregate(s and first, 1, 0))",
        "round(((2 / aggregate(s or first, at_first)) - 1) + aggregate(s and first, 1, 0))",
        "round(((1 / aggregate(s and first, at_first, 1)) - 1) + aggregate(s and first, 1, 0))",
        "round(((1 / aggregate(s or first, at_first)) - 1) + aggregate(s or first, 1, 0))",
        "round(((1 / aggregate(s or first, at_first)) - 1) + aggregate(first and s, 1, 0))",
        "round(((1 / aggregate(first or s, at_first)) - 1) + aggregate(first and s, 1, 0))",
        "round(((1 / aggregate(s or first, indices)) - 1) + aggregate(s and first, 1, 0))",
        "round(((1 / aggregate(s or first, indicator(indices == 1))) - 1) + aggregate(s and first, 1, 0))",
        "round(((1 / aggregate(s or s, at_first)) - 1) + aggregate(s and s, 1, 0))",
        "round(((1 / aggregate(s or first, at_first)) + 1) + aggregate(s and first, 1, 0))",
        "((1 / aggregate(s or first, at_first)) - 1) + aggregate(s and first, 1, 0)",
        "round(1 / aggregate(s or first, at_first)) - 1",
        "round(indices)",
        "indices",
    ],
)
def test_whatever_differs_is_not(formula: str) -> None:
    assert not counts(f"x = {formula};")


def test_another_position_than_the_first_is_not() -> None:
    text = WIDTH.replace("select(indices, 0, ==)", "select(indices, 1, ==)")
    text += "x = round(((1 / aggregate(s or first, at_first)) - 1) + aggregate(s and first, 1, 0));"
    program = elaborate(Source("test.rasp", text), Numbers.EXACT)
    assert counted(program.sop("x")) is None


def test_every_width_in_the_shipped_programs_counts(checkout: Path) -> None:
    """The value of each recognised s-op is the number of keys in each row of its selector."""
    recognised = 0
    for name in ("paper/histogram", "paper/sort", "paper/double_histogram", "library/selector_width"):
        path = checkout / "spec" / "programs" / f"{name}.rasp"
        program = elaborate(Source(str(path), path.read_text(encoding="utf-8")), Numbers.EXACT)
        for node in program.graph:
            selector = counted(node)
            if selector is None:
                continue
            recognised += 1
            for word in ("a", "ab", "aa", "cab", "abacab", "bbbbbbb"):
                run = evaluate([node, selector], word, Numbers.EXACT)
                values = next(values for sop, values in run.values.items() if sop is node)
                assert values == tuple(row.bit_count() for row in run.rows[selector])
    assert recognised >= 6
