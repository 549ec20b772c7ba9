"""What s-ops can be together at one place, by the interpreter's operators, when leaves are what is claimed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Final, TypeAlias, assert_never

import numpy as np
import numpy.typing as npt

from compiled.certificate.closure.claims import Claims, LeafClaim, NotClosed, TooMuchWork, Work
from compiled.meaning.leaves import INPUT, POSITION, Count, Input, Leaf, Position, Tuple, leaf_order, row_key
from spec.graph import Aggregate, Constant, Indices, Map, SOp, Tokens
from spec.interp import read_token
from spec.operators import OperatorError, function
from spec.values import Atom, atom_key

Ids: TypeAlias = npt.NDArray[np.int64]
Step: TypeAlias = Callable[[Sequence[Atom]], Atom]
UNKNOWN: Final = -2
NOTHING: Final = -1
FEW: Final = 2_000
"""Up to so many combinations of all values of leaves nothing is merged."""
LARGEST: Final = 1 << 24
"""The most entries of a table."""


class Local:
    """Sets of tuples of values, by place. Equal sets are one object, so that they can be told apart by identity.

    A combination on which an operator has no value is left out: every s-op below the outputs is evaluated at every
    position, so that no input with an output has it there.
    """

    def __init__(self, claims: Claims, work: Work) -> None:
        self.claims, self.work = claims, work
        self._leaves: dict[SOp, frozenset[Leaf]] = {}
        self._tables: dict[tuple[SOp, ...], Table] = {}
        self._programs: dict[object, tuple[list[Step], list[int]]] = {}

    def below(self, sops: Iterable[SOp]) -> list[SOp]:
        """The s-ops from the leaves, and from what counts define, up to these; operands first."""
        seen: set[SOp] = set()
        stack = list(sops)
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                if isinstance(node, Map) and node not in self.claims.definitions:
                    stack.extend(node.args)
        return sorted(seen, key=lambda node: node.id)

    def own_leaves(self, node: SOp) -> frozenset[Leaf]:
        """What the s-op is a function of."""
        if node not in self._leaves:
            for one in self.below([node]):
                self._leaves[one] = self._of_operands(one)
        return self._leaves[node]

    def leaves(self, sops: Iterable[SOp]) -> tuple[Leaf, ...]:
        """What the s-ops are functions of together, in order."""
        return tuple(sorted({leaf for sop in sops for leaf in self.own_leaves(sop)}, key=leaf_order))

    def _of_operands(self, node: SOp) -> frozenset[Leaf]:
        if node in self.claims.definitions:
            return frozenset(self.claims.definitions[node].leaves)
        match node:
            case Tokens():
                return frozenset({INPUT})
            case Indices():
                return frozenset({POSITION})
            case Constant():
                return frozenset()
            case Map(args=args):
                return frozenset(leaf for arg in args for leaf in self._leaves[arg])
            case Aggregate():
                return frozenset({node})
        assert_never(node)

    def states(self, sops: Sequence[SOp], m: int, i: int) -> tuple[Tuple, ...]:
        """The tuples of values that the s-ops can have together at position i of words of length m."""
        return self.table(tuple(sops)).states(m, i)

    def table(self, sops: tuple[SOp, ...]) -> "Table":
        """The values of these s-ops together."""
        if sops not in self._tables:
            self._tables[sops] = Table(self, sops)
        return self._tables[sops]

    def evaluated(self, sops: Sequence[SOp], leaves: Sequence[Leaf], values: Tuple) -> Tuple | None:
        """The s-ops for these values of their leaves, or None where one of them or what is below has no value."""
        key = (tuple(sops), tuple(leaves))
        if key not in self._programs:
            slot: dict[SOp | Leaf, int] = {leaf: number for number, leaf in enumerate(leaves)}
            self._programs[key] = _program(self, sops, slot)
        return _run(*self._programs[key], values)

    def claim(self, leaf: Aggregate | Count) -> LeafClaim:
        """What is claimed about a leaf."""
        if leaf not in self.claims.leaves:
            raise NotClosed(f"nothing is claimed about the values of {leaf!r}")
        return self.claims.leaves[leaf]

    def step(self, node: SOp, slot: Mapping[SOp | Leaf, int]) -> Step:
        """How a node follows from what is to its left."""
        if node in self.claims.definitions:
            defined = self.claims.definitions[node]
            return _applied(defined.value, [slot[leaf] for leaf in defined.leaves])
        match node:
            case Tokens(view=view):
                numbers = self.claims.numbers
                return _applied(lambda atom: read_token(view, atom, numbers), [slot[INPUT]])
            case Indices():
                return _applied(lambda i: i, [slot[POSITION]])
            case Constant(value=value):
                return lambda _: value
            case Aggregate():
                return _applied(lambda value: value, [slot[node]])
            case Map(args=args, op=op):
                return _applied(function(op, self.claims.numbers), [slot[arg] for arg in args])
        assert_never(node)


def _applied(meaning: Callable[..., Atom], slots: Sequence[int]) -> Step:
    match slots:
        case [k]:
            return lambda row: meaning(row[k])
        case [j, k]:
            return lambda row: meaning(row[j], row[k])
        case _:
            return lambda row: meaning(*[row[k] for k in slots])


class Axis:
    """The values of one leaf, and which of them it has at a place."""

    def __init__(self, local: Local, leaf: Leaf) -> None:
        self.leaf, self.claim = leaf, local.claim(leaf) if isinstance(leaf, Aggregate | Count) else None
        sets: Sequence[Sequence[Atom]]
        if self.claim is not None:
            sets = self.claim.sets
        elif isinstance(leaf, Input):
            sets = [local.claims.alphabet]
        else:
            sets = [(i,) for i in range(local.claims.max_length)]
        known: dict[object, int] = {}
        self.rows: list[Tuple] = []
        self._at: list[Ids] = []
        for values in sets:
            for value in values:
                if known.setdefault(atom_key(value), len(known)) == len(self.rows):
                    self.rows.append((value,))
            self._at.append(np.array([known[atom_key(value)] for value in values], dtype=np.int64))

    @property
    def slots(self) -> tuple[SOp | Leaf, ...]:
        """What is known when a row is."""
        return (self.leaf,)

    def signature(self, m: int, i: int) -> tuple[int, ...]:
        """Places with equal signatures have equal sets."""
        if self.claim is None:
            return (i if isinstance(self.leaf, Position) else 0,)
        return (self.claim.number[m, i],)

    def at(self, m: int, i: int) -> Ids:
        """The numbers of the rows that there can be at a place."""
        return self._at[self.signature(m, i)[0]]


class Table:
    """Tuples of values of s-ops, from those of its axes: leaves, or s-ops that leaves of their own decide."""

    def __init__(self, local: Local, sops: tuple[SOp, ...]) -> None:
        self.local, self.slots = local, sops
        self.axes = _axes(local, sops)
        self.rows: list[Tuple] = []
        self._known: dict[object, int] = {}
        self._at: dict[tuple[int, ...], Ids] = {}
        self._states: dict[bytes, tuple[Tuple, ...]] = {}

    @cached_property
    def _program(self) -> tuple[list[Step], list[int]]:
        """The steps from a row of the axes to the s-ops, and where these are then."""
        slot: dict[SOp | Leaf, int] = {}
        for axis in self.axes:
            for one in axis.slots:
                slot[one] = len(slot)
        return _program(self.local, self.slots, slot)

    def signature(self, m: int, i: int) -> tuple[int, ...]:
        """Places with equal signatures have equal sets."""
        return tuple(number for axis in self.axes for number in axis.signature(m, i))

    def states(self, m: int, i: int) -> tuple[Tuple, ...]:
        """The tuples at a place; equal sets are one object."""
        ids = self.at(m, i)
        key = ids.tobytes()
        if key not in self._states:
            self._states[key] = tuple(self.rows[k] for k in ids.tolist())
        return self._states[key]

    def at(self, m: int, i: int) -> Ids:
        """The numbers of the tuples that there can be at a place, in ascending order."""
        key = self.signature(m, i)
        if key not in self._at:
            found = np.unique(self._filled([axis.at(m, i) for axis in self.axes]))
            self._at[key] = found[found != NOTHING]
        return self._at[key]

    @cached_property
    def _ids(self) -> Ids:
        """For each combination of rows of the axes the number of the tuple, as far as it is known."""
        for axis in self.axes:
            for m, i in self.local.claims.places():
                axis.at(m, i)
        shape = [len(axis.rows) for axis in self.axes]
        if prod(shape) > LARGEST:
            raise TooMuchWork
        return np.full(shape, UNKNOWN, dtype=np.int64)

    def of_axis(self) -> Ids:
        """For each row of the only axis the number of the tuple, or `NOTHING`."""
        for m, i in self.local.claims.places():
            self.at(m, i)
        return self._ids

    def _filled(self, box: Sequence[Ids]) -> Ids:
        """The numbers of the tuples for these rows of the axes."""
        at = np.ix_(*box)
        found = np.asarray(self._ids[at])
        missing = np.argwhere(found == UNKNOWN)
        self.local.work.spend(found.size // 64 + len(missing) * (len(self._program[0]) + 1))
        if not len(missing):
            return found
        for place in missing.tolist():
            where = tuple(int(rows[k]) for rows, k in zip(box, place, strict=True))
            self._ids[where] = self._number(where)
        return np.asarray(self._ids[at])

    def _number(self, where: Sequence[int]) -> int:
        """The number of the tuple for one row of each axis."""
        row = tuple(value for axis, k in zip(self.axes, where, strict=True) for value in axis.rows[k])
        result = _run(*self._program, row)
        if result is None:
            return NOTHING
        number = self._known.setdefault(row_key(result), len(self.rows))
        if number == len(self.rows):
            self.rows.append(result)
        return number


def _program(local: Local, sops: Sequence[SOp], slot: dict[SOp | Leaf, int]) -> tuple[list[Step], list[int]]:
    """The steps from what is in these slots to the s-ops, and the slots where these are then."""
    steps: list[Step] = []
    for node in _between(local, sops, set(slot)):
        steps.append(local.step(node, slot))
        slot[node] = len(slot)
    return steps, [slot[sop] for sop in sops]


def _run(steps: Sequence[Step], wanted: Sequence[int], given: Tuple) -> Tuple | None:
    """What the steps make of these values, or None when an operator has no value."""
    row = list(given)
    try:
        for step in steps:
            row.append(step(row))
    except OperatorError:
        return None
    return tuple(row[k] for k in wanted)


def _between(local: Local, sops: Sequence[SOp], known: set[SOp | Leaf]) -> list[SOp]:
    """The s-ops that have to be computed for these when some are known; operands first."""
    seen: set[SOp] = set()
    stack = list(sops)
    while stack:
        node = stack.pop()
        if node not in seen and node not in known:
            seen.add(node)
            if isinstance(node, Map) and node not in local.claims.definitions:
                stack.extend(node.args)
    return sorted(seen, key=lambda node: node.id)


def _axes(local: Local, sops: tuple[SOp, ...]) -> "list[Axis | Table]":
    """Leaves; or, where there are many combinations, what is read of leaves that nothing else reads."""
    leaves = local.leaves(sops)
    single = [Axis(local, leaf) for leaf in leaves]
    if len(leaves) < 2 or prod(len(axis.rows) for axis in single) <= FEW:
        return list(single)
    order = local.below(sops)
    blocks = _blocks(local, order, leaves)
    if len(blocks) < 2:
        return list(single)
    return [local.table(frontier(local, order, sops, block)) for block in blocks]


def _blocks(local: Local, order: Sequence[SOp], leaves: Sequence[Leaf]) -> list[frozenset[Leaf]]:
    """The leaves, those together that one definition reads."""
    blocks = [frozenset({leaf}) for leaf in leaves]
    for node in order:
        if node in local.claims.definitions:
            read = local.own_leaves(node)
            joined = [block for block in blocks if block & read]
            blocks = [block for block in blocks if not block & read] + [frozenset().union(*joined)]
    return blocks


def frontier(local: Local, order: Sequence[SOp], sops: Sequence[SOp], block: frozenset[Leaf]) -> tuple[SOp, ...]:
    """The s-ops of these leaves alone that are wanted, or read by one of other leaves, too."""
    read = set(sops)
    for node in order:
        if isinstance(node, Map) and node not in local.claims.definitions and not local.own_leaves(node) <= block:
            read |= set(node.args)
    return tuple(node for node in order if node in read and local.own_leaves(node) and local.own_leaves(node) <= block)
