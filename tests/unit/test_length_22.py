"""The error that stood in a published program for a year, and that only shows in doubles from length 22 on."""

from pathlib import Path

from spec.property import ast
from spec.property.scope import Scope
from spec.values import Numbers
from verifier.check import Options, check
from verifier.running.selection import implicit
from verifier.running.subject import Subject
from verifier.verdict import Refuted

PROGRAM = Path("spec/programs/wrong/dyck2_unrounded.rasp")
BRACKETS = ("(", ")", "{", "}")


def test_a_solver_finds_the_input_of_length_22_among_four_to_the_22() -> None:
    """17.6 million million inputs: nobody stumbles on the handful of them that shows the rounding error."""
    subject = Subject.load(PROGRAM)
    properties = implicit(subject, "dyck2_ptf", Scope(22, 22, BRACKETS, Numbers.EXACT))
    (agree,) = [one for one in properties if isinstance(one.property.claim, ast.NumbersAgree)]

    verdict = check(agree, Options(engine="sat"))

    assert isinstance(verdict, Refuted)
    assert verdict.witness is not None
    assert len(verdict.witness.word) == 22
    assert verdict.witness.replayed_by
