"""Level 2: the least layers and heads after merging what is equal on a scope.

The upper side is a program: printed as RASP, elaborated again from that text, proved equal to the one that was written
on every input of the scope on which that has a value, and scheduled as level 1 schedules. The lower side is about that
program as it is printed: what these merges do not find is not ruled out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic

from spec.cost import CostModel
from spec.decompile import decompile
from spec.diagnostics import InternalError, RaspError
from spec.elaborate import Program, elaborate
from spec.graph import Graph, Node, SOp
from spec.property.scope import Scope
from spec.source import Source
from spec.values import Numbers
from verifier.bounds.compare import Comparer, Comparison, Different, Same
from verifier.bounds.samples import Samples
from verifier.bounds.sweep import Merge, Swept, sweep
from verifier.bounds.written import Front, as_written


@dataclass(frozen=True, eq=False)
class Rewritten:
    """A program (`root` in `graph`) that is equal to the one that was written (in `written`), and its front.

    `text` is `None` where the program as written is the best that was found; `why` says so in words.
    """

    name: str
    scope: Scope
    front: Front
    graph: Graph
    root: SOp
    written: Graph
    merges: tuple[Merge, ...] = ()
    text: str | None = None
    proof: Same | None = None
    why: str = ""


def up_to_equivalence(
    program: Program, name: str, model: CostModel, scope: Scope, seconds: float = 60.0, each: float = 1.0
) -> Rewritten:
    """The front of an s-op of the program after merging; half of the time goes into proofs of merges, at most."""
    root, numbers = program.sop(name), program.numbers
    start = monotonic()
    written = as_written([root], model, numbers, program.graph.spans, seconds / 4, each)
    kept = Rewritten(name, scope, written, program.graph, root, program.graph)
    comparer = Comparer(scope, numbers, start + 3 * seconds / 4)
    swept = sweep(root, model, Samples.over((root,), numbers, scope), comparer)
    unsettled = f"; {swept.unsettled} comparisons were not decided in time" if swept.unsettled else ""
    if not swept.merges:
        return _because(kept, f"nothing was found to merge{unsettled}")
    try:
        text = decompile({_output(name, program): swept.root}, _names(program, swept))
    except RaspError as error:
        return _because(kept, f"what was found cannot be printed ({error.diagnostics[0].message})")
    again = elaborate(Source(f"{name}.rasp", text), numbers)
    other = again.sop(_output(name, program))
    proof = _whole(comparer.compare(root, other), numbers)
    if proof is None:
        return _because(kept, f"the rewritten program was not proved equal in time{unsettled}")
    front = as_written([other], model, numbers, again.graph.spans, seconds / 4, each)
    if not _no_worse(front, written):
        return _because(kept, "what was found needs more heads than the program as written")
    return Rewritten(name, scope, front, again.graph, other, program.graph, swept.merges, text, proof, unsettled[2:])


def _because(kept: Rewritten, why: str) -> Rewritten:
    return replace(kept, why=why)


def _whole(found: Comparison, numbers: Numbers) -> Same | None:
    """The proof of the whole. With every merge proved, a difference is a bug, save that doubles have two zeros."""
    if isinstance(found, Different) and numbers is Numbers.EXACT:
        raise InternalError(f"all merges were proved, but the program that they make differs on {found.word!r}")
    return found if isinstance(found, Same) else None


def _no_worse(front: Front, before: Front) -> bool:
    """Whether every step of the one before is met."""
    pairs = ((front.widths, before.widths), (front.totals, before.totals))
    steps = [(after, step, old.counted.of(step)) for after, old in pairs for step in old.steps]
    return all((least := after.least(step.layers)) is not None and least <= most for after, step, most in steps)


def _output(name: str, program: Program) -> str:
    """The name of the output; that of a library function cannot be assigned."""
    return name if name in program.names else "result"


def _names(program: Program, swept: Swept) -> Mapping[Node, str]:
    """The program's own names, for what stands for their nodes."""
    named: dict[str, Node] = {**program.sops(), **program.selectors()}
    return {swept.made[node]: name for name, node in named.items() if node in swept.made}
