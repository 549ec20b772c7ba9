"""`arch` clauses of level 3: whether some program of a class, within the limits, computes the same on the scope.

Without a limit on heads the class is one of depth, `ATTENTION/MASKS[+start]`, and a bound on the layers of any width is
asked for; with one it is a class of heads, `READINGS[/MASKS][+indices]`, and every largest shape within the limits is
searched: one that has a program proves the clause, and it is refuted when none has.
"""

from typing import Final, TypeAlias

from spec.diagnostics import Diagnostic, UsageError
from spec.graph import SOp
from spec.property.ast import Architecture, Measure, Setting
from spec.property.scope import Scope
from verifier.bounds.certificate import Document
from verifier.bounds.classes import parse_class
from verifier.bounds.depth import Pair, least_depth, shown_word, word_table
from verifier.bounds.heads import parse_head_class
from verifier.bounds.synthesis import Absent, Exists, Found, HeadFront, Shape, search, shape_text, shapes, within
from verifier.bounds.target import OfProgram
from verifier.engine import Reason
from verifier.verdict import Proved, Refuted, Unknown

Answer: TypeAlias = Proved | Refuted | Unknown

MAX_TOTAL: Final = 8


def of_class(
    claim: Architecture, cls: Setting, target: SOp, scope: Scope, seconds: float
) -> tuple[Answer, Document | None]:
    """The verdict, and certificates of what decides it; `UsageError` at the clause where the class means nothing."""
    wanted = OfProgram(claim.target.id if claim.target else "the program", target, scope.numbers)
    try:
        if claim.most.keys() == {Measure.LAYERS}:
            return _depth(claim.most[Measure.LAYERS], cls.value, wanted, scope, seconds)
        return _heads(claim, cls.value, wanted, scope, seconds)
    except UsageError as error:
        found = error.diagnostics[0]
        raise UsageError(Diagnostic(found.code, found.message, cls.span, found.hint)) from error


# ------------------------------------------------------------------------------------------------ depth


def _depth(layers: int, name: str, target: OfProgram, scope: Scope, seconds: float) -> tuple[Answer, Document | None]:
    bound = least_depth(parse_class(name), target, scope, layers, seconds)
    about = f"any width, {bound.cls}"
    document = Document()
    document.depth(bound)
    if bound.least is not None:
        return Proved(scope, structural=f"{about}: {bound.least} layers are enough on this scope"), document
    if bound.impossible or bound.at_least > layers:
        return Refuted(None, detail=f"{about}: {_pair_text(bound.pairs[-1])}"), document
    return Unknown(Reason.WALL, f"{about}: layers >= {bound.at_least}, and no more in {seconds:.0f} s"), None


def _pair_text(pair: Pair) -> str:
    layers = "any number of layers" if pair.forever else f"{pair.depth} layers"
    (one, here), (other, there) = ((shown_word(side.word), side.position) for side in (pair.left, pair.right))
    return f"{layers} cannot tell position {here} of {one} from position {there} of {other}, where outputs differ"


# ------------------------------------------------------------------------------------------------ heads


def _heads(
    claim: Architecture, name: str, target: OfProgram, scope: Scope, seconds: float
) -> tuple[Answer, Document | None]:
    cls = parse_head_class(name)
    table = word_table(target, scope)
    asked = largest(claim)
    found: list[Found] = []
    for shape in asked:
        found.append(search(cls, shape, table, seconds / len(asked)))
        if isinstance(found[-1], Exists):
            break
    document = Document()
    document.heads(HeadFront(cls, scope, target, tuple(found)))
    listed = " or ".join(shape_text(one.shape) for one in found)
    if isinstance(found[-1], Exists):
        return Proved(scope, structural=f"a program of {cls} with heads {shape_text(found[-1].shape)}"), document
    if all(isinstance(one, Absent) for one in found):
        return Refuted(None, detail=f"no program of {cls} has heads {listed} (clausal proof)"), document
    left = ", ".join(shape_text(one.shape) for one in found if not isinstance(one, Absent))
    return Unknown(Reason.WALL, f"programs of {cls}: heads {left} not decided in {seconds:.0f} s"), None


def largest(claim: Architecture) -> list[Shape]:
    """The shapes within the limits that no other one contains; one without heads when none is allowed."""
    most = claim.most
    total = most.get(Measure.TOTAL_HEADS)
    layers = most.get(Measure.LAYERS, total or 0)
    width = most.get(Measure.HEADS, total or 0)
    if total is None or layers * width <= total:
        return [(width,) * layers if width else ()]
    if total > MAX_TOTAL:
        message = f"shapes of more than {MAX_TOTAL} heads in all are too many to look at"
        raise UsageError(Diagnostic("R0502", message, hint="limit the heads of a layer: `layers <= 2, heads <= 4`"))
    fitting = [shape for shape in shapes(layers, total) if max(shape, default=0) <= width]
    return [one for one in fitting if not any(within(one, other) and one != other for other in fitting)]
