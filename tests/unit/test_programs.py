"""The shipped programs compute what their headers say, and the wrong ones go wrong where their headers say."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from spec.diagnostics import EvaluationError
from spec.elaborate import Program, load_program
from spec.interp import Interpreter, evaluate
from spec.property.ast import Architecture, Carrier, Contract, Cover, Example, Expected, ListLiteral, Literal, Negation
from spec.property.contract import read_contract
from spec.reader import read_source
from spec.values import Atom, Numbers
from tests.unit.program_oracles import CASES, WRONG, WRONG_IN_FLOATS, Case, Wrong

PROGRAMS = Path(__file__).parents[2] / "spec" / "programs"
FILES = sorted(PROGRAMS.glob("*/*.rasp"))
RIGHT = [file for file in FILES if file.parent.name != "wrong"]


def named(file: Path) -> str:
    """The name of a program in test output."""
    return file.relative_to(PROGRAMS).with_suffix("").as_posix()


def program(name: str, numbers: Numbers = Numbers.EXACT) -> Program:
    """The elaborated program `folder/file`."""
    return load_program(PROGRAMS / f"{name}.rasp", numbers)


@cache
def contract(file: Path) -> Contract:
    """The contract in the program's own comments."""
    return read_contract(read_source(file), Carrier.ANNOTATIONS)


def same(found: Sequence[Atom], expected: Sequence[Atom]) -> bool:
    """Equal values, up to rounding where one side is a float."""
    return len(found) == len(expected) and all(
        pytest.approx(y, abs=1e-12) == x
        if isinstance(x, float)
        else x == y and isinstance(x, str) is isinstance(y, str)
        for x, y in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("numbers", Numbers)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.target)
def test_program_equals_its_oracle_on_every_short_input(case: Case, numbers: Numbers) -> None:
    name, target = case.target.split("::")
    node = program(name, numbers).sop(target)
    interpreter = Interpreter((node,), numbers)
    compared = 0
    for word in case.words():
        expected = case.oracle(word)
        found = interpreter.run(word).values[node]
        assert same(found, expected), f"{target}({list(word)}) is {list(found)}, not {expected}"
        compared += 1
    assert compared >= 8


@pytest.mark.parametrize("numbers", Numbers)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.case.target)
def test_wrong_program_goes_wrong_first_where_its_header_says(wrong: Wrong, numbers: Numbers) -> None:
    name, target = wrong.case.target.split("::")
    node = program(name, numbers).sop(target)
    interpreter = Interpreter((node,), numbers)
    for word in wrong.case.words():
        try:
            if same(interpreter.run(word).values[node], wrong.case.oracle(word)):
                continue
        except EvaluationError:
            pass
        assert word == wrong.shortest
        return
    pytest.fail("no counterexample")


@pytest.mark.parametrize("wrong", WRONG_IN_FLOATS, ids=lambda wrong: wrong.case.target)
def test_program_wrong_in_floats_is_right_with_exact_numbers(wrong: Wrong) -> None:
    name, target = wrong.case.target.split("::")
    for numbers in Numbers:
        node = program(name, numbers).sop(target)
        interpreter = Interpreter((node,), numbers)
        right = [
            same(interpreter.run(w).values[node], wrong.case.oracle(w)) for w in (*wrong.case.words(), wrong.shortest)
        ]
        at_counterexample = interpreter.run(wrong.shortest).values[node]
        assert same(at_counterexample, wrong.case.oracle(wrong.shortest)) is (numbers is Numbers.EXACT)
        assert all(right) is (numbers is Numbers.EXACT)


@pytest.mark.parametrize("file", FILES, ids=named)
def test_examples_come_out_as_written(file: Path) -> None:
    for found in contract(file).properties:
        if not isinstance(found.claim, Example):
            continue
        numbers = found.scope.numbers
        node = program(named(file), numbers).sop(found.claim.target.id)
        try:
            values = list(evaluate((node,), found.claim.tokens, numbers).values[node])
        except EvaluationError:
            assert found.claim.expected is None
            continue
        assert found.claim.expected is not None
        assert (values == listed(found.claim.expected)) is (found.expected is Expected.PROVED), found.name


def listed(expression: object) -> list[Atom]:
    """The atoms of a list that is written out."""
    assert isinstance(expression, ListLiteral)
    return [atom(item) for item in expression.items]


def atom(expression: object) -> Atom:
    """The atom that is written down, perhaps with a sign."""
    match expression:
        case Literal(value=value):
            return value
        case Negation(operand=Literal(value=int() | Fraction() as value)):
            return -value
        case _:
            raise AssertionError(expression)


@pytest.mark.parametrize("file", RIGHT, ids=named)
def test_program_has_a_contract_with_claims_examples_and_an_architecture(file: Path) -> None:
    claims = [found.claim for found in contract(file).properties]
    assert sum(not isinstance(claim, Example | Architecture | Cover) for claim in claims) >= 2
    assert any(isinstance(claim, Example) for claim in claims)
    assert any(isinstance(claim, Architecture) for claim in claims)


@pytest.mark.parametrize("file", FILES, ids=named)
def test_only_the_wrong_programs_expect_to_fail(file: Path) -> None:
    written = contract(file)
    fails = any(found.expected is not Expected.PROVED for found in written.properties)
    fails |= any(expect.verdict is not Expected.PROVED for expect in written.expects)
    assert fails is (file.parent.name == "wrong")
    assert not written.warnings


@pytest.mark.parametrize("file", FILES, ids=named)
def test_header_says_what_is_computed_and_from_where(file: Path) -> None:
    header = file.read_text().split("\n\n")[0]
    wanted = ("Wrong: ", "Right: ") if file.parent.name == "wrong" else ("Source: ",)
    assert all(word in header for word in wanted) or named(file) == "wrong/impossible_precondition"
    assert "recondition" in header or file.parent.name == "wrong"
    assert all(len(line) <= 120 for line in file.read_text().splitlines())


def test_every_public_s_op_that_has_an_architecture_has_an_oracle() -> None:
    compared = {case.target for case in CASES}
    for file in RIGHT:
        for found in contract(file).properties:
            if isinstance(found.claim, Architecture) and found.claim.target is not None:
                assert f"{named(file)}::{found.claim.target.id}" in compared


def test_deduction_has_thousands_of_s_ops() -> None:
    node = program("inference/deduction").sop("follows")
    assert len(Interpreter((node,), Numbers.EXACT).order) > 2000


def test_every_program_is_in_the_documented_table() -> None:
    table = (PROGRAMS.parents[1] / "docs" / "programs.md").read_text()
    for file in FILES:
        assert f"[{file.stem}](../spec/programs/{file.relative_to(PROGRAMS).as_posix()})" in table
