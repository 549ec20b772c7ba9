"""The computation of a program by layer and head, drawn on an input that a result is about."""

from spec.diagnostics import RaspError
from spec.draw import Values, draw
from spec.elaborate import Program, load_program
from spec.graph import Node, Selector, SOp
from spec.interp import Run, evaluate
from spec.prompt.results import Row
from spec.show import label
from verifier.engine import Word
from verifier.report import trace
from verifier.report.markup import Markup
from verifier.report.result import Result
from verifier.verdict import Refuted, Witness

MAX_POSITIONS = 12
MAX_PICTURE = 400_000


def flow(result: Result) -> Markup | str:
    """The picture; or why there is none. The program is read anew, and drawn only if it still does what was seen."""
    try:
        program = load_program(result.file, result.scope.numbers)
        found = _subject(result, program)
        if found is None:
            return "The result does not hold a run of an s-op with a name."
        name, word = found
        sop = program.sop(name)
        run = evaluate([sop], word, result.scope.numbers)
    except RaspError as error:
        return f"The program cannot be drawn: {error}"
    seen = [step for step in result.trace.steps if step.name == name] if result.trace else []
    if any(isinstance(step, trace.Values) and step.values != run.values[sop] for step in seen):
        return "The program has changed since, so it is not drawn."
    picture = drawing(program, sop, run)
    return "The computation is too large to be drawn." if len(picture) > MAX_PICTURE else picture


def drawing(program: Program, sop: SOp, run: Run) -> Markup:
    """An s-op and what it depends on, in a run of it, as SVG."""
    return Markup(draw(sop, _values(program, run)))


def _subject(result: Result, program: Program) -> tuple[str, Word] | None:
    """The last s-op of the run that breaks the property; else the last one of the program, on some input in scope."""
    match result.verdict:
        case Refuted(witness=Witness(word=word)):
            named = [step.name for step in result.trace.steps if isinstance(step, trace.Values)] if result.trace else []
            return (named[-1], word) if named and len(word) <= MAX_POSITIONS else None
        case _:
            public = [name for name in program.sops() if not name.startswith("_")]
            length = max(result.scope.low, min(result.scope.high or 5, 5))
            count = result.scope.count(length)
            if not public or count is None or length > MAX_POSITIONS:
                return None
            return public[-1], result.scope.input_at(length, count // 3)


def _values(program: Program, run: Run) -> Values:
    names: dict[Node, str] = {**{node: name for name, node in program.sops().items()}}
    names |= {node: name for name, node in program.selectors().items()}

    def name(node: Node) -> str:
        return names.get(node) or label(node)

    def row(sop: SOp) -> Row:
        return Row(run.values[sop], "value")

    def bits(selector: Selector) -> tuple[int, ...]:
        return run.rows[selector]

    return Values(name, row, bits, [str(atom) for atom in run.tokens])
