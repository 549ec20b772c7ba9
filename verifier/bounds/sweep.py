"""Level 2: the program after merging what is equal on the scope, each merge with a proof.

SAT sweeping on the graph. Nodes come with operands first, and among those the cheapest first: by the layer after which
they are known, then by the reads below them. Each is made again over what stands for its operands. Where runs on some
inputs of the scope suggest it, one of these takes its place, after `verifier.bounds.compare` has proved that it may:

    a constant               it has one value at all positions of all inputs (dead reads, decided conditions)
    everything, nothing      a selector whose entries all hold, or none
    an earlier node          an s-op with the same values, a selector with the same rows (identity attention, branches
                             that are never taken, selectors that are equal on the scope)
    a table                  of the token, or of the index, for what is a function of either

An s-op is replaced only where that saves a read or a layer: elementwise functions cost nothing, and stay as they are.
What stands for a node has its value wherever the whole program has one. Equal numbers count as equal whatever their
kinds (`1 == 1.0`), as outputs do at level 3; then whatever reads the node is compared again before it may read what
stands for it, because an operator may see the kind. `strict` keeps what differs in no way, for where it may not.

Under a model that counts in one head the formula of `selector_width` is one node, as it is one read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import Final

from spec.ast import Predicate
from spec.cost import CostModel, dependencies, levels, reads
from spec.graph import Constant, Graph, Indices, Node, Selector, SOp, Tokens
from spec.idiom import counted, width
from spec.operators import Item, Lookup
from spec.transplant import as_selector, as_sop, remake
from spec.values import Atom, Kind, atom_key, kind_of
from verifier.bounds.compare import Comparer, Different, Same
from verifier.bounds.samples import Samples

_MOST_ENTRIES: Final = 256
"""Tables have at most so many entries."""
_ROUNDS: Final = 4
"""How often a table is made again with what spoke against the one before."""


class How(Enum):
    """What took the place of a node."""

    CONSTANT = "is constant"
    EVERYTHING = "selects everything"
    NOTHING = "selects nothing"
    EQUAL = "equals"
    TABLE = "is a function of"
    MOVED = "reads the same with"
    ONCE = "counts one position at most, which its selector reads"
    REST = "is the length less"


@dataclass(frozen=True)
class Merge:
    """A node, the other node or the constant whose value took its place, and who proved that it may."""

    node: Node
    how: How
    by: tuple[str, ...]
    other: Node | None = None
    value: Atom | None = None


@dataclass(frozen=True)
class Swept:
    """The rewritten program, what stands in it for nodes of the old one, the merges, and how much stayed undecided."""

    graph: Graph
    root: SOp
    made: Mapping[Node, Node]
    merges: tuple[Merge, ...]
    unsettled: int


def sweep(root: SOp, model: CostModel, samples: Samples, comparer: Comparer) -> Swept:
    """The program of the root with everything merged that can be proved equal in time."""
    sweeper = _Sweep(root, model, samples, comparer)
    for node in sweeper.order:
        sweeper.place(node)
    needed = sweeper.reached()
    merges = tuple(merge for merge in sweeper.merges if merge.node in needed)
    return Swept(sweeper.graph, as_sop(sweeper.made[root]), sweeper.made, merges, sweeper.unsettled)


class _Sweep:
    def __init__(self, root: SOp, model: CostModel, samples: Samples, comparer: Comparer) -> None:
        self.root, self.model, self.samples, self.comparer = root, model, samples, comparer
        self.graph = Graph(comparer.numbers)
        self.rank = _ranked(levels([root], model), root, model)
        self.order = sorted(self.rank, key=self.rank.__getitem__)
        self.strict: dict[Node, Node] = {}
        self.made: dict[Node, Node] = {}
        self.classes: dict[tuple[object, ...], list[Node]] = {}
        self.merges: list[Merge] = []
        self.unsettled = 0

    def place(self, node: Node) -> None:
        """Decide what stands for a node whose operands are placed."""
        self.strict[node] = self._again(node, self.strict)
        loose = self._again(node, self.made)
        if loose is not self.strict[node] and self._proof(node, loose) is None:
            loose = self.strict[node]
        self.made[node] = loose
        if self._worth(node):
            if monotonic() < self.comparer.until:
                self._merge(node)
            else:
                self.unsettled += 1
        self.classes.setdefault(self._signature(node), []).append(node)

    def reached(self) -> set[Node]:
        """The nodes of the old program that were replaced in it, and not below another replaced node only."""
        replaced = {merge.node for merge in self.merges}
        seen: set[Node] = set()
        stack: list[Node] = [self.root]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in replaced:
                stack.extend(m.other for m in self.merges if m.node is node and m.other is not None)
            else:
                stack.extend(dependencies(node, self.model))
        return seen

    # -------------------------------------------------------------------------------------------- making

    def _again(self, node: Node, made: Mapping[Node, Node]) -> Node:
        selector = counted(node) if self.model.counting else None
        return remake(node, made, self.graph) if selector is None else width(self.graph, as_selector(made[selector]))

    def _worth(self, node: Node) -> bool:
        """Whether anything could be saved: what is known from the embedding costs nothing."""
        if isinstance(node, Constant | Tokens | Indices):
            return False
        return isinstance(node, Selector) or self.rank[node][:2] > (0, 0)

    def _signature(self, node: Node) -> tuple[object, ...]:
        return (isinstance(node, Selector), *self.samples.signature(node))

    # -------------------------------------------------------------------------------------------- merging

    def _merge(self, node: Node) -> None:
        for merge, candidate in self._candidates(node):
            by = self._proof(node, candidate) if self._saves(node, candidate) else None
            if by is None:
                continue
            self.made[node] = candidate
            if self._proof(node, candidate, strictly=True) is not None:
                self.strict[node] = candidate
            self.merges.append(Merge(node, merge.how, by, merge.other, merge.value))
            return

    def _candidates(self, node: Node) -> Iterator[tuple[Merge, Node]]:
        if isinstance(node, Selector):
            yield from self._whole(node)
        else:
            constant = self.samples.constant(node)
            if constant is not None:
                yield Merge(node, How.CONSTANT, (), value=constant), self.graph.constant(constant)
        for other in self.classes.get(self._signature(node), ()):
            yield Merge(node, How.EQUAL, (), other), self.made[other]
        if isinstance(node, SOp):
            yield from self._tables(node)

    def _saves(self, node: Node, candidate: Node) -> bool:
        """Whether the candidate needs a read less, or is known earlier, than what stands for the node now."""
        now = self.made[node]
        if isinstance(node, Selector):
            return candidate is not now
        needed, instead = (set(reads([one], self.model)) for one in (now, candidate))
        return bool(needed - instead) or self._level(candidate) < self._level(now)

    def _level(self, node: Node) -> int:
        return levels([node], self.model)[node]

    def _whole(self, node: Selector) -> Iterator[tuple[Merge, Node]]:
        """All entries, or no entry."""
        rows = [(row, (1 << run.n) - 1) for run in self.samples.runs for row in run.rows[node]]
        one, zero = self.graph.constant(1), self.graph.constant(0)
        if rows and all(row == full for row, full in rows):
            yield Merge(node, How.EVERYTHING, ()), self.graph.select(one, one, Predicate.EQ)
        if rows and not any(row for row, _ in rows):
            yield Merge(node, How.NOTHING, ()), self.graph.select(one, zero, Predicate.EQ)

    def _tables(self, node: SOp) -> Iterator[tuple[Merge, Node]]:
        """The node as a table of the token or of the index; made again when inputs turn up that it does not know."""
        sources = [base for base in self.order if isinstance(base, Tokens)] + [self._indices()]
        for source in sources:
            for _ in range(_ROUNDS):
                known = len(self.samples.words)
                table = self._table(node, source)
                if table is None:
                    break
                yield Merge(node, How.TABLE, (), source), table
                if len(self.samples.words) == known:
                    break

    def _indices(self) -> Node:
        return next((base for base in self.order if isinstance(base, Indices)), self.graph.indices())

    def _table(self, node: SOp, source: Node) -> Node | None:
        """The values of the node by those of the source; `None` where it is no function of it, as far as is seen."""
        found: dict[object, tuple[Atom, Atom]] = {}
        for run in self.samples.runs:
            keys = run.values[as_sop(source)] if source in run.values else tuple(range(run.n))
            for key, value in zip(keys, run.values[node], strict=True):
                known = found.setdefault(atom_key(key), (key, value))
                if known[1] != value:
                    return None
        if not 0 < len(found) <= _MOST_ENTRIES:
            return None
        keys, values = zip(*found.values(), strict=True)
        if isinstance(source, Indices):
            by_index = dict(zip(keys, values, strict=True))
            if set(by_index) != set(range(len(by_index))) or not _one_type(values):
                return None
            return self.graph.map(Item(tuple(by_index[i] for i in range(len(by_index)))), self.graph.indices())
        if len(set(keys)) != len(keys) or not _one_type(values):
            return None
        return self.graph.map(Lookup(keys, values), as_sop(self.made[source]))

    # -------------------------------------------------------------------------------------------- proofs

    def _proof(self, node: Node, candidate: Node, strictly: bool = False) -> tuple[str, ...] | None:
        """Who proved that the candidate may stand for the node; an input that speaks against it is kept."""
        if not self.samples.agree(node, candidate, strictly):
            return None
        outcome = self.comparer.compare(node, candidate, strictly)
        match outcome:
            case Same(by=by):
                return by
            case Different(word=word):
                self._learn(word)
            case _:
                self.unsettled += 1
        return None

    def _learn(self, word: tuple[Atom, ...]) -> None:
        """One input more, on which classes are told apart."""
        known = len(self.samples.words)
        self.samples.add([word])
        if len(self.samples.words) > known:
            placed = [node for group in self.classes.values() for node in group]
            self.classes = {}
            for node in placed:
                self.classes.setdefault(self._signature(node), []).append(node)


def _ranked(nodes: Iterable[Node], root: SOp, model: CostModel) -> dict[Node, tuple[int, int, int]]:
    """For each node the layer after which it and all below it are known, the reads below it, and its number.

    What a node is built from ranks below it, whatever `not` makes of a disjunction that has to wait for a layer.
    """
    level = levels([root], model)
    attends = set(reads([root], model))
    below: dict[Node, frozenset[Node]] = {}
    rank: dict[Node, tuple[int, int, int]] = {}
    for node in sorted(nodes, key=lambda node: node.id):
        parts = dependencies(node, model)
        below[node] = frozenset().union(*(below[part] for part in parts)) | ({node} & attends)
        last = max([level[node], *(rank[part][0] for part in parts)])
        rank[node] = last, len(below[node]), node.id
    return rank


def _one_type(values: Iterable[Atom]) -> bool:
    return len({kind_of(value) is Kind.STR for value in values}) == 1
