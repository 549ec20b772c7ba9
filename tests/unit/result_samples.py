"""Results of every verdict, some with text that is meant to break a format."""

from fractions import Fraction

from spec.diagnostics import Diagnostic
from spec.property.ast import Expected
from spec.property.scope import Integers, Scope
from spec.source import Source, Span
from spec.values import Numbers
from verifier.engine import Evidence, Listing, Reason
from verifier.report.document import Document, RunState
from verifier.report.result import Result
from verifier.report.trace import Matrix, Place, Trace, Values
from verifier.verdict import Closed, EveryLength, Failed, Proved, Refuted, States, Unknown, Vacuous, Verdict, Witness

HOSTILE = "\x1b[31m::error::%0A\x00\u202e<script>alert('&')</script>|`]]>,\ud800 \"\\"

SCOPE = Scope(1, 2, ("a", "b"))
CLOSED = tuple(
    Closed(n, Evidence("enumerate", "all", inputs=2**n, checked_by=("interpreter",), reductions=("few stand for all",)))
    for n in (1, 2)
)
TRACE = Trace(
    (
        Matrix("select(a,\nb, ==)", None, (0b10, 0b01), (1,)),
        Values("order", Place("a.rasp", 3), (Fraction(1, 3), True), (0, 1)),
    )
)
WITNESS = Witness(("a", HOSTILE, 3, True), f"because {HOSTILE}", at=1, least=True, unique=None)

VERDICTS: dict[str, Verdict] = {
    "proved": Proved(SCOPE, CLOSED, warnings=(HOSTILE,), notes=(HOSTILE,)),
    "found": Proved(SCOPE, witness=WITNESS, others=Listing((("a", HOSTILE), (3, True)), False, HOSTILE)),
    "structural": Proved(Scope(1, None, Integers(None, 3)), structural=HOSTILE),
    "always": Proved(Scope(1, None, ("a", "b")), every=EveryLength("induction", (HOSTILE,), 3, ("enumerate",))),
    "states": Proved(Scope(1, None, ("a", "b")), every=EveryLength("states", (), 1, ("enumerate",), States(7, 4, 5))),
    "refuted": Refuted(WITNESS, CLOSED[:1]),
    "unreached": Refuted(None, CLOSED, HOSTILE),
    "vacuous": Vacuous(CLOSED, HOSTILE),
    "unknown": Unknown(Reason.STEPS, HOSTILE, CLOSED[:1], (2,)),
    "error": Failed((Diagnostic("P0101", HOSTILE, hint=HOSTILE),)),
}


def result(verdict_name: str, **changes: object) -> Result:
    """A result with the verdict of that name, otherwise tame."""
    verdict = VERDICTS[verdict_name]
    scope = verdict.scope if isinstance(verdict, Proved) else SCOPE
    shown = {"table": "position 0 1", "trace": TRACE} if verdict_name == "refuted" else {}
    made = Result("dir/a b.rasp", 7, 4, verdict_name, "ensures", "all(x == 1)", scope, verdict, **shown)  # type: ignore[arg-type]
    return made if not changes else Result(**{**made.__dict__, **changes})


def hostile(name: str) -> Result:
    """The same with hostile text wherever a repository can put it."""
    return result(name, file=f"{HOSTILE}.rasp", name=f"{name}{HOSTILE}", text=HOSTILE, written=HOSTILE)


def document(*results: Result, state: RunState = RunState.COMPLETE, **rest: object) -> Document:
    """A run with these results."""
    return Document(state, results, **rest)  # type: ignore[arg-type]  # by name, as the class has them


def everything() -> Document:
    """A run in which everything happens, one half of it as announced."""
    source = Source(f"{HOSTILE}.rasp", f"x = {HOSTILE};\n")
    problem = Diagnostic("R0101", HOSTILE, Span(source, 4, 9), HOSTILE)
    found = [hostile(name) for name in VERDICTS] + [result(name) for name in VERDICTS]
    found.append(result("refuted", name="announced", expected=Expected.REFUTED, scope=Scope(numbers=Numbers.IEEE)))
    return document(*found, problems=(problem,), requested=(HOSTILE,))
