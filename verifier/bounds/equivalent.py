"""Level 2: the least layers and heads after merging what is equal on a scope.

The upper side is a program: printed as RASP, elaborated again from that text, proved equal to the one that was written
on every input of the scope on which that has a value, and scheduled as level 1 schedules. The lower side is about that
program as it is printed: what these merges do not find is not ruled out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from spec.cost import CostModel
from spec.decompile import decompile
from spec.diagnostics import InternalError, RaspError
from spec.elaborate import elaborate
from spec.graph import Graph, Node, SOp
from spec.property.bound import Program
from spec.property.scope import Scope
from spec.source import Source
from spec.values import Numbers
from verifier.bounds.compare import Comparer, Comparison, Different, Same
from verifier.bounds.rehome import rehome
from verifier.bounds.samples import Samples
from verifier.bounds.sweep import Merge, Swept, sweep
from verifier.bounds.written import Front, as_written

_MERGING: Final = 0.6
"""So much of the time for proofs is for merges; the rest is kept for the whole."""


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
    undecided: int = 0
    """So many comparisons, that of the whole among them, were not decided in time."""

    @property
    def complete(self) -> bool:
        """Whether nothing is left open for want of time."""
        return self.front.complete and not self.undecided


def up_to_equivalence(program: Program, name: str, model: CostModel, scope: Scope, seconds: float = 60.0) -> Rewritten:
    """The front of an s-op of the program after merging; so long for proofs, and so long again for either front."""
    root, numbers = program.sop(name), program.graph.numbers
    written = as_written([root], model, numbers, program.graph.spans, seconds)
    kept = Rewritten(name, scope, written, program.graph, root, program.graph)
    start = monotonic()
    comparer = Comparer(scope, numbers, start + _MERGING * seconds)
    samples = Samples.over((root,), numbers, scope)
    swept = sweep(root, model, samples, comparer)
    moved = rehome(swept.root, swept.graph, model, samples.again(swept.root), comparer)
    merges = (*swept.merges, *_named(moved.merges, swept))
    kept = replace(kept, undecided=swept.unsettled)
    if not merges:
        return _because(kept, "nothing was found to merge")
    try:
        text = decompile({_output(name, program): moved.root}, _names(program, swept))
    except RaspError as error:
        return _because(kept, f"what was found cannot be printed ({error.diagnostics[0].message})")
    again = elaborate(Source(f"{name}.rasp", text), numbers)
    other = again.sop(_output(name, program))
    comparer.until = start + seconds
    proof = _whole(comparer.compare(root, other), numbers)
    if proof is None:
        return _because(replace(kept, undecided=swept.unsettled + 1), "the whole was not proved equal in time")
    front = as_written([other], model, numbers, again.graph.spans, seconds)
    if not _no_worse(front, written):
        return _because(kept, "what was found needs more heads than the program as written")
    return replace(kept, front=front, graph=again.graph, root=other, merges=merges, text=text, proof=proof)


def _because(kept: Rewritten, why: str) -> Rewritten:
    return replace(kept, why=f"{why}: the program as it was written")


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
    return name if name in program.sops() else "result"


def _named(merges: Iterable[Merge], swept: Swept) -> Iterator[Merge]:
    """The merges, about nodes of the program as it was written where one stands for what they are about."""
    written = {made: node for node, made in reversed(list(swept.made.items()))}
    for merge in merges:
        other = None if merge.other is None else written.get(merge.other, merge.other)
        yield replace(merge, node=written.get(merge.node, merge.node), other=other)


def _names(program: Program, swept: Swept) -> Mapping[Node, str]:
    """The program's own names, for what stands for their nodes."""
    named: dict[str, Node] = {**program.sops(), **program.selectors()}
    return {swept.made[node]: name for name, node in named.items() if node in swept.made}
