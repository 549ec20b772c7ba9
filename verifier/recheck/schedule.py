"""Certificates about schedules: by `spec.cost`, by counting, and by a second encoding into clauses."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from spec.cost import CostModel, Demand, Head, Read, demands, floor, head_of, schedule, validate
from spec.graph import Graph, Node
from verifier.recheck.rup import MAX_CLAUSES, Rejected, check_refutation


@dataclass(frozen=True)
class Task:
    """A program with a cost model and limits; `None` is no limit."""

    graph: Graph
    roots: tuple[Node, ...]
    model: CostModel
    layers: int
    width: int | None
    total: int | None

    def demands(self) -> Mapping[Read, Demand]:
        """What every read asks for."""
        return demands(self.roots, self.model)


def check_schedule(task: Task, layers: Mapping[int, int]) -> str:
    """A valid schedule within the limits; what it is."""
    wanted = task.demands()
    by_id = {read.id: read for read in wanted}
    if set(by_id) != set(layers):
        raise Rejected("the schedule is not about the reads of the program")
    if not all(1 <= layer <= task.layers for layer in layers.values()):
        raise Rejected("a read is outside of the layers")
    found = schedule({by_id[number]: layer for number, layer in layers.items()}, task.layers)
    for violation in validate(found, task.roots, task.model):
        raise Rejected(f"the schedule is not valid: {violation.message}")
    if task.width is not None and found.width > task.width:
        raise Rejected(f"the schedule has {found.width} heads in a layer")
    if task.total is not None and found.total > task.total:
        raise Rejected(f"the schedule has {found.total} heads")
    return f"schedule of {len(layers)} reads validated"


def check_chain(task: Task, numbers: Sequence[int]) -> str:
    """Reads that each have to come after the one before; the first one has a layer below it where it says so."""
    if not numbers:
        needed = floor(task.roots, task.model)
        if needed <= task.layers:
            raise Rejected(f"elementwise functions need {needed} layers only")
        return f"elementwise functions need {needed} layers"
    wanted = task.demands()
    reads = _named(wanted, numbers)
    for before, after in pairwise(reads):
        if before not in wanted[after].after:
            raise Rejected(f"{after!r} does not have to come after {before!r}")
    needed = wanted[reads[0]].above + len(reads)
    if needed <= task.layers:
        raise Rejected(f"the chain needs {needed} layers only")
    return f"chain of {len(reads)} reads"


def check_crowd(task: Task, first: int, last: int, numbers: Sequence[int]) -> str:
    """Reads that need different heads within a range of layers, more than the limits allow there."""
    wanted = task.demands()
    reads = _named(wanted, numbers)
    low, high = _windows(wanted, task.layers)
    if not 1 <= first <= last <= task.layers or any(low[read] < first or high[read] > last for read in reads):
        raise Rejected("a read of the crowd could be elsewhere")
    if len(set(reads)) != len(reads):
        raise Rejected("a read is listed twice")
    by_head: dict[Head, list[Read]] = defaultdict(list)
    for read in reads:
        by_head[head_of(read)].append(read)
    for group in by_head.values():
        for one, other in combinations(group, 2):
            if low[one] <= high[other] and low[other] <= high[one]:
                raise Rejected(f"{one!r} and {other!r} could share a head")
    over_width = task.width is not None and len(reads) > task.width * (last - first + 1)
    over_total = task.total is not None and len(reads) > task.total
    if not over_width and not over_total:
        raise Rejected(f"{len(reads)} heads fit into the layers {first} to {last}")
    return f"{len(reads)} heads in the layers {first} to {last}"


def _windows(wanted: Mapping[Read, Demand], layers: int) -> tuple[dict[Read, int], dict[Read, int]]:
    """The first and the last layer that each read could have."""
    low: dict[Read, int] = {}
    for read, demand in wanted.items():  # in topological order
        low[read] = max([demand.above + 1] + [low[below] + 1 for below in demand.after])
    high = dict.fromkeys(wanted, layers)
    for read in reversed(list(wanted)):
        for below in wanted[read].after:
            high[below] = min(high[below], high[read] - 1)
    return low, high


def _named(wanted: Mapping[Read, Demand], numbers: Sequence[int]) -> list[Read]:
    by_id = {read.id: read for read in wanted}
    if not set(numbers) <= set(by_id):
        raise Rejected("the argument is about something that is no read of the program")
    return [by_id[number] for number in numbers]


def check_clauses(task: Task, proof: Sequence[str]) -> str:
    """A proof that the clauses of the task have no model; see `docs/bounds.md` for the clauses."""
    if task.layers < max(1, floor(task.roots, task.model)):
        raise Rejected("the clauses are about at least one layer, and as many as elementwise functions need")
    lemmas = check_refutation(_clauses(task), proof)
    return f"clausal proof of {lemmas} lemmas"


def _clauses(task: Task) -> Iterator[list[int]]:
    wanted = task.demands()
    reads = list(wanted)
    heads = list(dict.fromkeys(head_of(read) for read in reads))
    last = task.layers
    if (len(reads) + len(heads)) * last > MAX_CLAUSES:
        raise Rejected(f"more than {MAX_CLAUSES} clauses")

    def done(read: Read, layer: int) -> int:
        """The variable: the read is in this layer or before."""
        return reads.index(read) * last + layer

    place = {read: {layer: done(read, layer) for layer in range(1, last + 1)} for read in reads}
    head = {
        one: {layer: (len(reads) + h) * last + layer for layer in range(1, last + 1)} for h, one in enumerate(heads)
    }
    for read, demand in wanted.items():
        yield [place[read][last]]
        for layer in range(1, last + 1):
            if layer > 1:
                yield [-place[read][layer - 1], place[read][layer]]
            if layer <= demand.above:
                yield [-place[read][layer]]
            for below in demand.after:
                earlier = [place[below][layer - 1]] if layer > 1 else []
                yield [-place[read][layer], *earlier]
            before = [place[read][layer - 1]] if layer > 1 else []
            yield [-place[read][layer], *before, head[head_of(read)][layer]]
    fresh = (len(reads) + len(heads)) * last
    groups = [[head[one][layer] for one in heads] for layer in range(1, last + 1)]
    if task.width is not None:
        for group in groups:
            yield from counter(group, task.width, fresh)
            fresh += len(group) * task.width
    if task.total is not None:
        yield from counter([literal for group in groups for literal in group], task.total, fresh)


def counter(literals: Sequence[int], most: int, fresh: int) -> Iterator[list[int]]:
    """At most so many hold. The variable fresh + i most + j, with j from 1: at least j of the literals 0..i hold."""

    def reached(i: int, j: int) -> int:
        return fresh + i * most + j

    for i, literal in enumerate(literals):
        if most == 0:
            yield [-literal]
            continue
        yield [-literal, reached(i, 1)]
        if i == 0:
            continue
        for j in range(1, most + 1):
            yield [-reached(i - 1, j), reached(i, j)]
        for j in range(1, most):
            yield [-literal, -reached(i - 1, j), reached(i, j + 1)]
        yield [-literal, -reached(i - 1, most)]
