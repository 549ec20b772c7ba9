"""The reference page of the property language says what the implementation does."""

import re
from pathlib import Path

import pytest

from spec.property.ast import MAX_NESTING, Carrier, Expected, Function, Measure, Transform
from spec.property.carriers import KEYWORDS
from spec.property.contract import read_contract
from spec.property.grammar import MAX_DIGITS
from spec.property.language import MAX_DFA_STATES, MAX_SYMBOLS
from spec.property.scope import MAX_LENGTH, Scope
from spec.source import Source

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "properties.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```prop\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_clauses_shown_are_contracts(block: str) -> None:
    contract = read_contract(Source("docs", block), Carrier.FILE)
    assert contract.properties
    assert contract.warnings == ()


def test_the_annotated_program_is_one() -> None:
    program = next(text for text in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) if "#@" in text)
    contract = read_contract(Source("docs", program), Carrier.ANNOTATIONS)
    assert [prop.name for prop in contract.properties] == ["ordered", "same", "arch1"]


def test_every_clause_function_transform_measure_and_verdict_is_described() -> None:
    for word in (*KEYWORDS, *(each.value for kind in (Function, Transform, Measure, Expected) for each in kind)):
        assert f"`{word}" in PAGE, word
    for keyword in set(KEYWORDS):
        assert any(f"{keyword} " in block for block in BLOCKS), keyword


def test_every_code_is_described_and_no_other() -> None:
    used: set[str] = set()
    for path in (ROOT / "spec" / "property").rglob("*.py"):
        used |= set(re.findall(r'"(P0\d\d\d)"', path.read_text(encoding="utf-8")))
    assert used == set(re.findall(r"P0\d\d\d", PAGE))


def test_limits_and_defaults_are_the_real_ones() -> None:
    assert f"`{Scope()}`" in PAGE
    assert f"at most {MAX_NESTING} levels" in PAGE
    assert f"at most {MAX_DIGITS} digits" in PAGE
    assert f"at most {MAX_SYMBOLS} symbols" in PAGE
    assert f"at most {MAX_DFA_STATES} states" in PAGE
    assert f"at most {MAX_LENGTH:,}".replace(",", " ") in PAGE
