"""Which s-ops are stored: computed once, so that what is computed from them is not a function of all that they are.

An s-op with few values is stored where a read of something above it would have too many combinations of values of
leaves. That costs no layer: the MLP that computes it is one that comes before those that read it, since whatever is a
function of it and of other things waits for attention anyway.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias, TypeGuard

from compiled.errors import Refused
from compiled.meaning.formula import conjuncts, formula, keys_of, queries_of
from compiled.meaning.leaves import Count, Input, Leaf, Position, Stored
from compiled.meaning.values import Domain
from spec.graph import Aggregate, Map, SOp

Together: TypeAlias = tuple[SOp, ...]
"""S-ops that are read together at one place."""
MANY: Final = 20_000
"""So many combinations are looked at without storing anything."""
LARGEST: Final = 20_000
"""The most combinations from which an s-op that is stored is computed."""


def store(outputs: Iterable[SOp], domain: Domain) -> None:
    """Store s-ops in the domain, from the inputs to the outputs, until no read has too many combinations."""
    reads = list(_reads(tuple(outputs), domain))
    storing = _Storing(domain, reads)
    for read in sorted(reads, key=lambda read: max((sop.id for sop in read), default=0)):
        storing.visit(read)


def _reads(outputs: Together, domain: Domain) -> Iterator[Together]:
    """What is read together anywhere below the outputs."""
    seen: set[Leaf] = set()
    todo: list[Together] = [(sop,) for sop in outputs]
    while todo:
        read = todo.pop()
        yield read
        for leaf in domain.leaves_of(read):
            if leaf in seen or not isinstance(leaf, Aggregate | Count):
                continue
            seen.add(leaf)
            whole = leaf.formula if isinstance(leaf, Count) else formula(leaf.selector)
            for part in conjuncts(whole):
                todo += [keys_of(part), queries_of(part)]
            if isinstance(leaf, Aggregate):
                todo.append((leaf.values,))


class _Storing:
    """The reads of a program, and which s-op is an operand of which."""

    def __init__(self, domain: Domain, reads: Sequence[Together]) -> None:
        self.domain = domain
        self._depths: dict[Leaf, int] = {}
        self._above: dict[SOp, list[tuple[Together, Together]]] = {}
        """What is computed from an s-op, or read together with it, and all that this is computed from."""
        for node in {node for read in reads for node in domain.cone(read)}:
            if isinstance(node, Map) and node not in domain.definitions:
                for one in node.args:
                    self._above.setdefault(one, []).append(((node,), node.args))
        for read in reads:
            for one in read if len(read) > 1 else ():
                self._above.setdefault(one, []).append((read, read))

    def visit(self, read: Together) -> None:
        """Store what is below the read and has fewer values than combinations, the last first."""
        domain = self.domain
        try:
            while domain.size(domain.leaves_of(read), domain.classes(read)) > MANY:
                found = next((node for node in reversed(domain.cone(read)) if self._helps(node)), None)
                if found is None:
                    return
                domain.store(found)
        except Refused:
            # What cannot be found out here is refused where it is needed.
            return

    def _helps(self, node: SOp) -> TypeGuard[Map]:
        """Whether storing the s-op leaves fewer combinations, and delays nothing."""
        domain = self.domain
        if not isinstance(node, Map) or node in domain.definitions or domain.is_stored(node):
            return False
        leaves = domain.leaves(node)
        if len(leaves) < 2 or domain.size(leaves) > LARGEST or not self._waits(node):
            return False
        return 2 * len(domain.values_of(node)) < domain.size(leaves)

    def _waits(self, node: Map) -> bool:
        """Whether all that is read of the s-op together with other things is known after a later layer only."""
        domain, level = self.domain, max(1, self._depth((node,)))
        alone: set[SOp] = {node}
        todo = dict(self._above.get(node, ()))
        seen = set(todo)
        while todo:
            # Operands come first, so that it is known of all of them whether they are functions of the node alone.
            above = min(todo, key=lambda read: (max(sop.id for sop in read), len(read)))
            operands = todo.pop(above)
            if not all(one in alone or not domain.leaves(one) for one in operands):
                if self._depth(above) <= level:
                    return False
            elif len(above) == 1:
                alone.add(above[0])
                more = [one for one in self._above.get(above[0], ()) if one[0] not in seen]
                todo.update(more)
                seen.update(read for read, _ in more)
        return True

    def _depth(self, sops: Together) -> int:
        """The first layer after whose attention the s-ops are known, if nothing is in the way."""
        leaves = self.domain.leaves_of(sops)
        stack: list[Leaf] = list(leaves)
        while stack:
            top = stack.pop()
            if top in self._depths:
                continue
            below = [] if isinstance(top, Input | Position) else self.domain.below(top)
            missing = [leaf for leaf in below if leaf not in self._depths]
            if missing:
                stack += [top, *missing]
                continue
            depth = max((self._depths[leaf] for leaf in below), default=0)
            waits = isinstance(top, Aggregate | Count)
            self._depths[top] = depth + 1 if waits else max(1, depth) if isinstance(top, Stored) else 0
        return max((self._depths[leaf] for leaf in leaves), default=0)
