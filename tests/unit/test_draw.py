"""Pictures of computations: well-formed, harmless, and with the layers, heads and values of the computation."""

import re
from xml.etree import ElementTree

import pytest

from spec.repl import run_repl

NAMESPACE = "{http://www.w3.org/2000/svg}"
TYPES = {"svg", "title", "rect", "text"}


def drawn(*lines: str) -> ElementTree.Element:
    """The picture that the last `draw` makes."""
    pictures: list[str] = []
    run_repl(lines, len, picture=lambda _title, svg: pictures.append(svg))
    return ElementTree.fromstring(pictures[-1])


def texts(picture: ElementTree.Element) -> list[str]:
    """Everything that is written in the picture, from the top."""
    found = picture.iter(f"{NAMESPACE}text")
    return [(text.text or "").replace("\N{NO-BREAK SPACE}", " ") for text in found]


@pytest.mark.parametrize(
    ("expression", "heads"),
    [
        ("indices+1", []),
        ("length", [1]),
        ("selector_width(select(tokens,tokens,==))", [2]),
        ("sort(tokens,tokens)", [2, 1]),
        ("tokens[-1]", [1, 1]),
    ],
)
def test_heads_of_each_layer_are_those_of_the_reference_analysis(expression: str, heads: list[int]) -> None:
    """The numbers are the reference implementation's."""
    found: list[int] = []
    for text in texts(drawn(f"draw({expression});")):
        if re.fullmatch(r"layer \d+", text):
            found.append(0)
        if re.match(r"head \d+: ", text):
            found[-1] += 1

    assert found == heads


def test_values_and_names_are_shown() -> None:
    said = texts(drawn("reverse = aggregate(select(indices, length-1-indices, ==), tokens);", 'draw(reverse,"abc");'))

    assert "reverse" in said
    start = said.index("reverse")
    assert said[start + 1 : start + 4] == ["c", "b", "a"]


def test_selector_entries_are_coloured_where_they_are_true() -> None:
    picture = drawn('draw(aggregate(select(indices,1,<=),indices),"abc");')

    fills = [rect.get("fill") for rect in picture.iter(f"{NAMESPACE}rect")]

    assert fills.count("#b565c4") == 6  # two of three keys, in each of three rows


def test_hostile_text_stays_text() -> None:
    picture = drawn('x = tokens + "</text><script>alert(1)</script>";', 'draw(x,["<a href=\'x\'>", "&"]);')

    assert {element.tag.removeprefix(NAMESPACE) for element in picture.iter()} == TYPES
    assert "&</text><script>alert(1)</script>" in texts(picture)


def test_many_s_ops_are_cut() -> None:
    lines = ["y = indices;", "for i in range(500) { y = y + aggregate(select(indices,i,==),indices); }", "draw(y);"]

    said = texts(drawn(*lines))

    assert any(text.endswith("earlier s-ops are not shown") for text in said)
