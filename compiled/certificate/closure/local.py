"""What s-ops can be together at one place, by the interpreter's operators, when leaves are what is claimed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from typing import Final, TypeAlias, assert_never

import numpy as np

from compiled.certificate.closure.claims import Claims, LeafClaim, NotClosed, TooMuchWork, Work
from compiled.meaning.combinations import Combinations
from compiled.meaning.leaves import INPUT, POSITION, Computed, Input, Leaf, Position, Stored, Tuple, leaf_order, row_key
from compiled.numbering import Ids, Memory, distinct_rows
from spec.graph import Aggregate, Constant, Indices, Map, SOp, Tokens
from spec.interp import read_token
from spec.operators import OperatorError, function
from spec.values import Atom, atom_key

Step: TypeAlias = Callable[[Sequence[Atom]], Atom]
UNKNOWN: Final = -2
NOTHING: Final = -1
FEW: Final = 2_000
"""Up to so many combinations of all values of leaves nothing is merged."""
PART: Final = 1 << 16
NO_KEY: Final = -1
LARGEST: Final = 1 << 24
"""The most entries of a table."""


class Local:
    """Sets of tuples of values, by place. Equal sets are one object, so that they can be told apart by identity.

    A combination on which an operator has no value is left out: every s-op below the outputs is evaluated at every
    position, so that no input with an output has it there.
    """

    def __init__(self, claims: Claims, work: Work) -> None:
        self.claims, self.work = claims, work
        self.places = claims.places()
        self._axes: dict[Leaf, Axis] = {}
        self._leaves: dict[SOp, frozenset[Leaf]] = {}
        self._stored: dict[SOp, Stored] = {leaf.sop: leaf for leaf in claims.leaves if isinstance(leaf, Stored)}
        self._tables: dict[tuple[SOp, ...], Table] = {}
        self._applied: dict[SOp, _Applied] = {}
        self._programs: dict[object, tuple[list[Step], list[int]]] = {}

    def keys_elsewhere(self) -> Iterator[tuple[int, Ids]]:
        """The places in parts that are not too large: the number of the first, and for each the places of the same
        word but for itself, in rows that are filled up with `NO_KEY`."""
        lengths, at = np.array(self.places, dtype=np.int64).reshape(-1, 2).T
        begin = 0
        while begin < len(lengths):
            # The longest words are the last ones.
            end = begin + max(1, min(len(lengths) - begin, PART // int(lengths[-1])))
            key = np.arange(int(lengths[end - 1]))[None, :]
            m, i = lengths[begin:end, None], at[begin:end, None]
            word = np.arange(begin, end)[:, None] - i
            yield begin, np.where((key < m) & (key != i), word + key, NO_KEY)
            begin = end

    def below(self, sops: Iterable[SOp]) -> list[SOp]:
        """The s-ops from the leaves, and from what counts define, up to these; operands first."""
        seen: set[SOp] = set()
        stack = list(sops)
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                if isinstance(node, Map) and not self.is_known(node):
                    stack.extend(node.args)
        return sorted(seen, key=lambda node: node.id)

    def is_known(self, node: SOp) -> bool:
        """Whether leaves of their own are in the place of what the program computes the s-op from."""
        return node in self.claims.definitions or node in self._stored

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
        if node in self._stored:
            return frozenset({self._stored[node]})
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

    def axis(self, leaf: Leaf) -> "Axis":
        """The values of a leaf."""
        if leaf not in self._axes:
            self._axes[leaf] = Axis(self, leaf)
        return self._axes[leaf]

    def table(self, sops: tuple[SOp, ...]) -> "Table":
        """The values of these s-ops together."""
        if sops not in self._tables:
            self._tables[sops] = Table(self, sops)
        return self._tables[sops]

    def evaluated(self, sops: Sequence[SOp], leaves: Sequence[Leaf], values: Tuple) -> Tuple | None:
        """The s-ops for these values of their leaves, or None where one of them or what is below has no value."""
        key = (tuple(sops), tuple(leaves))
        if key not in self._programs:
            slot: dict[SOp | Leaf, int] = {_what(leaf): number for number, leaf in enumerate(leaves)}
            self._programs[key] = _program(self, sops, slot)
        return _run(*self._programs[key], values)

    def claim(self, leaf: Computed) -> LeafClaim:
        """What is claimed about a leaf."""
        if leaf not in self.claims.leaves:
            raise NotClosed(f"nothing is claimed about the values of {leaf!r}")
        return self.claims.leaves[leaf]

    def evaluated_all(
        self, sops: Sequence[SOp], leaves: Sequence[Leaf], given: Combinations
    ) -> tuple[list[Tuple], Ids]:
        """The same for many: what the s-ops can be, and the number of what they are for each, or `NOTHING`.

        An operator is applied once to each combination of operands that there is.
        """
        columns = map(Column, given.values, given.codes)
        return self.run(sops, dict(zip(map(_what, leaves), columns, strict=True)), len(given))

    def run(self, sops: Sequence[SOp], known: "dict[SOp | Leaf, Column]", size: int) -> tuple[list[Tuple], Ids]:
        """The s-ops in so many states, from columns of what is known."""
        alive = np.arange(size)
        for node in _between(self, sops, set(known)):
            if node not in self._applied:
                self._applied[node] = _Applied(*self.operation(node), self.work)
            self.work.spend(len(alive) // 64)
            known[node] = self._applied[node].column(known, len(alive))
            kept = known[node].codes != NOTHING
            if not kept.all():
                alive = alive[kept]
                known = {one: Column(column.values, column.codes[kept]) for one, column in known.items()}
        first, place = distinct_rows([known[sop].codes for sop in sops], len(alive))
        rows = [tuple(known[sop].values[int(known[sop].codes[k])] for sop in sops) for k in first.tolist()]
        found: Ids = np.full(size, NOTHING, dtype=np.int64)
        found[alive] = place
        return rows, found

    def step(self, node: SOp, slot: Mapping[SOp | Leaf, int]) -> Step:
        """How a node follows from what is to its left."""
        meaning, operands = self.operation(node)
        return _applied(meaning, [slot[one] for one in operands])

    def operation(self, node: SOp) -> tuple[Callable[..., Atom], Sequence[SOp | Leaf]]:
        """What a node is a function of, and which function."""
        if node in self.claims.definitions:
            defined = self.claims.definitions[node]
            return defined.value, defined.leaves
        match node:
            case Tokens(view=view):
                numbers = self.claims.numbers
                return lambda atom: read_token(view, atom, numbers), [INPUT]
            case Indices():
                return lambda i: i, [POSITION]
            case Constant(value=value):
                return lambda: value, []
            case Aggregate():
                return lambda value: value, [node]
            case Map(args=args, op=op):
                return function(op, self.claims.numbers), args
        assert_never(node)


def _what(leaf: Leaf) -> SOp | Leaf:
    """What is known when the leaf is."""
    return leaf.sop if isinstance(leaf, Stored) else leaf


@dataclass(frozen=True)
class Column:
    """An s-op or a leaf on many states: its values, and the number of its value in each state."""

    values: Sequence[Atom]
    codes: Ids


class _Applied:
    """An operator, and what it made of the operands so far: of each combination of values once."""

    def __init__(self, meaning: Callable[..., Atom], operands: Sequence[SOp | Leaf], work: Work) -> None:
        self._meaning, self._operands, self._work = meaning, operands, work
        self._values: list[Atom] = []
        self._known: dict[object, int] = {}
        self._memories: dict[tuple[int, ...], tuple[Sequence[Column], Memory]] = {}

    def column(self, known: Mapping[SOp | Leaf, Column], size: int) -> Column:
        """What it makes of its operands in so many states, `NOTHING` where it has no value."""
        operands = [known[one] for one in self._operands]
        if not operands:
            return Column(self._values, np.full(size, self._number([]), dtype=np.int64))
        key = tuple(id(one.values) for one in operands)
        if key not in self._memories:
            # The operands are kept, so that no other list of values has the identity of theirs.
            self._memories[key] = operands, Memory(partial(self._of, [one.values for one in operands]))
        found = self._memories[key][1].of([one.codes for one in operands], [len(one.values) for one in operands])
        if found is None:
            first, place = distinct_rows([one.codes for one in operands], size)
            rows = [[one.values[k] for k in one.codes[first].tolist()] for one in operands]
            found = np.array([self._number(row) for row in zip(*rows, strict=True)], dtype=np.int64)[place]
        return Column(self._values, found)

    def _of(self, operands: Sequence[Sequence[Atom]], *numbers: int) -> int:
        return self._number([values[k] for values, k in zip(operands, numbers, strict=True)])

    def _number(self, operands: Iterable[Atom]) -> int:
        """The number of the value for these operands."""
        self._work.spend(1)
        try:
            value = self._meaning(*operands)
        except OperatorError:
            return NOTHING
        number = self._known.setdefault(atom_key(value), len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number


def _applied(meaning: Callable[..., Atom], slots: Sequence[int]) -> Step:
    match slots:
        case [k]:
            return lambda row: meaning(row[k])
        case [j, k]:
            return lambda row: meaning(row[j], row[k])
        case _:
            return lambda row: meaning(*[row[k] for k in slots])


class Axis:
    """The values of one leaf, and which of them it has at each place: `members[where[p]]` at the p-th place."""

    def __init__(self, local: Local, leaf: Leaf) -> None:
        self.leaf, claim = leaf, None if isinstance(leaf, Input | Position) else local.claim(leaf)
        sets: Sequence[Sequence[Atom]]
        if claim is not None:
            sets, where = claim.sets, [claim.number[place] for place in local.places]
        elif isinstance(leaf, Input):
            sets, where = [local.claims.alphabet], [0] * len(local.places)
        else:
            sets, where = [(i,) for i in range(local.claims.max_length)], [i for _, i in local.places]
        self.where: Ids = np.array(where, dtype=np.int64)
        known: dict[object, int] = {}
        self.rows: list[Tuple] = []
        self.members: list[Ids] = []
        for values in sets:
            for value in values:
                if known.setdefault(atom_key(value), len(known)) == len(self.rows):
                    self.rows.append((value,))
            self.members.append(np.array([known[atom_key(value)] for value in values], dtype=np.int64))

    @property
    def slots(self) -> tuple[SOp | Leaf, ...]:
        """What is known when a row is."""
        return (_what(self.leaf),)

    @cached_property
    def columns(self) -> "list[Column]":
        """The leaf, by number of a row."""
        return [Column([value for (value,) in self.rows], np.arange(len(self.rows)))]


class Table:
    """Tuples of values of s-ops, from those of its axes: leaves, or s-ops that leaves of their own decide.

    `rows` are all tuples that there can be anywhere, and `members[where[p]]` the numbers, ascending, of those at the
    p-th place. Equal sets have equal numbers.
    """

    def __init__(self, local: Local, sops: tuple[SOp, ...]) -> None:
        self.local, self.slots = local, sops
        axes = _axes(local, sops)
        self.rows: list[Tuple] = []
        self._known: dict[object, int] = {}
        shape = [len(axis.rows) for axis in axes]
        if prod(shape) > LARGEST:
            raise TooMuchWork
        self.ids: Ids = np.full(shape, UNKNOWN, dtype=np.int64)
        """For each combination of rows of the axes that there can be the number of the tuple, or `NOTHING`."""
        first, place = distinct_rows([axis.where for axis in axes], len(local.places))
        boxes = [np.ix_(*(axis.members[axis.where[row]] for axis in axes)) for row in first.tolist()]
        self._fill(axes, boxes)
        numbers: dict[bytes, int] = {}
        self.members: list[Ids] = []
        at: list[int] = []
        for box in boxes:
            found = np.unique(self.ids[box])
            found = found[found != NOTHING]
            at.append(numbers.setdefault(found.tobytes(), len(self.members)))
            if at[-1] == len(self.members):
                self.members.append(found)
        self.where: Ids = np.array(at, dtype=np.int64)[place]

    def _fill(self, axes: "Sequence[Axis | Table]", boxes: Sequence[tuple[Ids, ...]]) -> None:
        """Find the tuples of all boxes of rows of the axes."""
        asked = np.zeros(self.ids.shape, dtype=np.bool_)
        for box in boxes:
            self.local.work.spend(prod(map(np.size, box)) // 64)
            asked[box] = True
        where = np.nonzero(np.atleast_1d(asked))
        self.local.work.spend(len(where[0]))
        known: dict[SOp | Leaf, Column] = {}
        for axis, rows in zip(axes, where[: len(axes)], strict=True):
            for slot, column in zip(axis.slots, axis.columns, strict=True):
                known[slot] = Column(column.values, column.codes[rows])
        results, numbers = self.local.run(self.slots, known, len(where[0]))
        self.ids[asked] = np.array([*map(self._number, results), NOTHING], dtype=np.int64)[numbers]

    def _number(self, result: Tuple) -> int:
        """The number of a tuple."""
        number = self._known.setdefault(row_key(result), len(self.rows))
        if number == len(self.rows):
            self.rows.append(result)
        return number

    @cached_property
    def columns(self) -> "list[Column]":
        """The s-ops, by number of a tuple; the tuples are all known."""
        given = Combinations.of(self.rows, len(self.slots))
        return list(map(Column, given.values, given.codes))


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
    single = [local.axis(leaf) for leaf in leaves]
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
        if isinstance(node, Map) and not local.is_known(node) and not local.own_leaves(node) <= block:
            read |= set(node.args)
    return tuple(node for node in order if node in read and local.own_leaves(node) and local.own_leaves(node) <= block)
