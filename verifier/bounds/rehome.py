"""Level 2, after the sweep: reads that need no head of their own, because another head gives the same.

    another selector   all aggregates of a selector have the same values with a selector that is attended to anyway: the
                       two differ only on rows, or at keys, that do not matter to these reads
    at most one        a count of a selector whose rows select at most one position is what that selector reads off 1
    the rest           counts of a selector and of its complement add up to the length, where both others are counted

Each is tried on the runs first, then it must make the earliest schedule better and nowhere worse, then it is proved.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import monotonic

from spec.cost import CostModel, Schedule, as_soon_as_possible, reads
from spec.graph import Aggregate, Graph, Node, Selector, SOp, operands, topological
from spec.idiom import counted
from spec.operators import Op
from spec.transplant import as_sop, remake
from verifier.bounds.compare import Comparer, Same
from verifier.bounds.samples import Samples
from verifier.bounds.sweep import How, Merge

_MOST_MOVES = 32


@dataclass(frozen=True)
class Move:
    """Nodes, and what takes their places; `other` is what the words name."""

    how: How
    instead: Mapping[SOp, SOp]
    other: Node | None = None


@dataclass(frozen=True)
class Rehomed:
    """The program after all moves, and the moves with their proofs."""

    root: SOp
    merges: tuple[Merge, ...]


def rehome(root: SOp, graph: Graph, model: CostModel, samples: Samples, comparer: Comparer) -> Rehomed:
    """Move reads to other heads while that helps; `samples` are runs of this very root."""
    done: list[Merge] = []
    for _ in range(_MOST_MOVES):
        found = next(_accepted(root, graph, model, samples, comparer), None)
        if found is None:
            break
        root, merges = found
        done.extend(merges)
        samples = samples.again(root)
    return Rehomed(root, tuple(done))


def _accepted(
    root: SOp, graph: Graph, model: CostModel, samples: Samples, comparer: Comparer
) -> Iterator[tuple[SOp, list[Merge]]]:
    before = as_soon_as_possible([root], model)
    for move in _moves(root, graph, model):
        if monotonic() > comparer.until:
            return
        if not all(samples.agree(node, other, True) for node, other in move.instead.items()):
            continue
        after = substitute(root, move.instead, graph)
        if after is None or not _better(as_soon_as_possible([after], model), before):
            continue
        merges = [
            Merge(node, move.how, outcome.by, move.other)
            for node, other in move.instead.items()
            if isinstance(outcome := comparer.compare(node, other, True), Same)
        ]
        if len(merges) == len(move.instead):
            yield after, merges


def _better(after: Schedule, before: Schedule) -> bool:
    """Nowhere more, and fewer heads or layers."""
    pairs = ((after.layers, before.layers), (after.width, before.width), (after.total, before.total))
    return all(new <= old for new, old in pairs) and any(new < old for new, old in pairs)


# ------------------------------------------------------------------------------------------------ moves


def _moves(root: SOp, graph: Graph, model: CostModel) -> Iterator[Move]:
    attended: dict[Selector, list[Aggregate]] = {}
    for read in reads([root], model):
        if isinstance(read, Aggregate):
            attended.setdefault(read.selector, []).append(read)
    for selector, group in attended.items():
        for other in attended:
            if other is not selector:
                instead: dict[SOp, SOp] = {read: graph.aggregate(other, read.values, read.default) for read in group}
                yield Move(How.MOVED, instead, other)
    counts = {node: whose for node in topological([root]) if (whose := counted(node)) is not None}
    for node, whose in counts.items():
        yield Move(How.ONCE, {as_sop(node): graph.aggregate(whose, graph.constant(1), 0)})
    for node in counts:
        for whole in counts:
            for part in counts:
                if len({node, whole, part}) == 3:
                    rest = graph.map(Op.SUB, as_sop(whole), as_sop(part))
                    yield Move(How.REST, {as_sop(node): rest}, part)


def substitute(root: SOp, instead: Mapping[SOp, SOp], graph: Graph) -> SOp | None:
    """The root with some nodes replaced; `None` where what takes a place depends on what it replaces."""
    if any(node in topological([other]) for other in instead.values() for node in instead):
        return None
    made: dict[Node, Node] = {}
    stack: list[Node] = [root]
    while stack:
        node = stack[-1]
        other = instead.get(node) if isinstance(node, SOp) else None
        parts = operands(node) if other is None else (other,)
        missing = [part for part in parts if part not in made]
        if node in made or not missing:
            stack.pop()
            made.setdefault(node, remake(node, made, graph) if other is None else made[other])
        else:
            stack.extend(missing)
    return as_sop(made[root])
