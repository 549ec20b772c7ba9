"""The finite set of values that each s-op can take at each length and position: an over-approximation.

Everything is computed with the interpreter's own operators. An s-op is a function of its *leaves*: the input symbol,
the position, aggregates, and counts (how many keys a formula selects, which the compiler puts in the place of the
library's arithmetic on two aggregates). Per length m and position i each leaf has a set of values; an s-op has the
image of the product of its leaves' sets. An s-op may be *stored*: then it is a leaf itself. Inputs on which the program
fails are left out: a combination of leaf values on which an operator has no value is not reachable by any input that
has an output.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any, Final, assert_never

import numpy as np

from compiled.errors import Refused, TooMuch, about
from compiled.meaning.classes import leaf_classes
from compiled.meaning.columns import KINDS, Operator, Results, different
from compiled.meaning.combinations import Combinations
from compiled.meaning.entries import Entries
from compiled.meaning.evaluate import by_column, step
from compiled.meaning.formula import Formula, formula, keys_of, queries_of
from compiled.meaning.grid import UNKNOWN, Cells, Codes, Labels, Numbering, cells_of, union
from compiled.meaning.leaves import (
    INPUT,
    POSITION,
    Classes,
    Computed,
    Count,
    Definition,
    Input,
    Leaf,
    Position,
    Stored,
    Tuple,
    leaf_order,
    row_key,
)
from compiled.meaning.means import Values, distinct
from compiled.meaning.places import Kinds, Place, index
from compiled.meaning.profiles import Profile, Sets, StoredSets, profile_of
from compiled.numbering import distinct_rows
from spec.graph import Aggregate, Constant, Indices, Map, SOp, Tokens
from spec.operators import OperatorError
from spec.values import Atom, Numbers, to_input

MAX_TUPLES: Final = 200_000
FEW_ROWS: Final = 64
MAX_WORK: Final = 20_000_000
MAX_BOXES: Final = 4_000_000
MANY: Final = 4_000
"""From so many combinations on values are put into classes."""
MAX_LENGTH: Final = 512


@dataclass(eq=False)
class Domain:
    """What every s-op and leaf of a program can be on words of length 1..max_length over the alphabet."""

    alphabet: tuple[Atom, ...]
    max_length: int
    numbers: Numbers
    definitions: dict[SOp, Definition] = field(default_factory=dict)
    operators: dict[SOp, Operator] = field(default_factory=dict)
    work: int = 0
    _leaves: dict[SOp, tuple[Leaf, ...]] = field(default_factory=dict)
    _together: dict[tuple[SOp, ...], tuple[Leaf, ...]] = field(default_factory=dict)
    _sets: dict[Leaf, Profile] = field(default_factory=dict)
    _refused: dict[Leaf, Refused] = field(default_factory=dict)
    _stored: dict[SOp, StoredSets] = field(default_factory=dict)
    _tuples: dict[tuple[Leaf, ...], Combinations] = field(default_factory=dict)
    _joints: dict[tuple[tuple[SOp, ...], int], tuple[Tuple, ...]] = field(default_factory=dict)
    _everywhere: dict[tuple[SOp, ...], tuple[Combinations, Results]] = field(default_factory=dict)
    _classes: dict[tuple[SOp, ...], "Classes"] = field(default_factory=dict)
    _entries: dict[Formula, "Entries"] = field(default_factory=dict)
    _kinds: dict[tuple[Leaf, ...], Kinds] = field(default_factory=dict)
    _numbers: dict[tuple[SOp, ...], Numbering] = field(default_factory=dict)
    _memo: dict[object, dict[object, Tuple | None]] = field(default_factory=dict)
    _rows: dict[object, Tuple] = field(default_factory=dict)
    _plain: dict[Leaf, bool] = field(default_factory=dict)
    _orders: dict[tuple[SOp, ...], tuple[SOp, ...]] = field(default_factory=dict)
    _all_values: dict[tuple[SOp, ...], tuple[Tuple, ...]] = field(default_factory=dict)
    _numbered: dict[Leaf, Labels] = field(default_factory=dict)
    _codes: dict[tuple[Leaf, int], Codes] = field(default_factory=dict)
    _grids: dict[tuple[SOp, ...], Cells] = field(default_factory=dict)
    _covers: dict[tuple[Leaf, ...], list[tuple[int, int]]] = field(default_factory=dict)
    _sides: dict[tuple[Leaf, int], int] = field(default_factory=dict)
    _shown: dict[int, tuple[Mapping[Atom, Atom], Codes]] = field(default_factory=dict)
    _shown_at: dict[tuple[int, ...], Codes] = field(default_factory=dict)
    _ordered: dict[Leaf, list[Atom]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be a vocabulary; bring the symbols into the number semantics."""
        if not self.alphabet:
            raise Refused("the alphabet is empty")
        if not 1 <= self.max_length <= MAX_LENGTH:
            raise Refused(f"the maximal length must be 1 to {MAX_LENGTH}")
        self.alphabet = distinct(to_input(self.alphabet, self.numbers))
        if len(set(self.alphabet)) < len(self.alphabet):
            raise Refused("the alphabet has two symbols that are equal as numbers")

    def define(self, sop: SOp, definition: Definition) -> None:
        """Let the s-op be a function of these leaves from now on; nothing but its leaves may have been asked before."""
        self.definitions[sop] = definition
        self._leaves.pop(sop, None)
        self._together = {key: leaves for key, leaves in self._together.items() if sop not in key}
        self._orders = {key: order for key, order in self._orders.items() if sop not in order}
        self._memo.clear()
        self._refused.clear()
        self._joints = {key: rows for key, rows in self._joints.items() if sop not in key[0]}
        self._classes = {key: found for key, found in self._classes.items() if sop not in key}
        self._everywhere = {key: found for key, found in self._everywhere.items() if sop not in key}
        self._all_values = {key: rows for key, rows in self._all_values.items() if sop not in key}
        self._grids = {key: known for key, known in self._grids.items() if sop not in key}
        self._numbers = {key: numbers for key, numbers in self._numbers.items() if sop not in key}
        # Entries go by the numbers of sets, which are given anew.
        entries = self._entries.items()
        self._entries = {part: one for part, one in entries if sop not in (*one.keys, *one.queries)}

    def store(self, sop: Map) -> None:
        """Let the s-op be a leaf from now on, with the values that it has as a function of others."""
        self._stored[sop] = StoredSets(self, sop)
        known: tuple[dict[Any, Any], ...] = (self._leaves, self._together, self._orders, self._memo, self._joints)
        known += (self._classes, self._everywhere, self._all_values, self._grids, self._numbers)
        for one in (*known, self._entries, self._refused):
            one.clear()

    def spend(self, work: int) -> None:
        """Count work, in numbers looked at; `Refused` when it is more than is allowed: the same on every machine."""
        self.work += work
        if self.work > MAX_WORK:
            raise TooMuch(f"finding what s-ops of the program can be takes more than {MAX_WORK} steps")

    def places(self) -> Iterator[Place]:
        """Every pair of a length and a position in it."""
        return ((m, i) for m in range(1, self.max_length + 1) for i in range(m))

    # -------------------------------------------------------------------------------------------- s-ops

    def leaves(self, sop: SOp) -> tuple[Leaf, ...]:
        """The leaves that the s-op is a function of, in order."""
        if sop not in self._leaves:
            for node in self.cone((sop,)):
                self._leaves[node] = self._own_leaves(node)
        return self._leaves[sop]

    def leaves_of(self, sops: Iterable[SOp]) -> tuple[Leaf, ...]:
        """The leaves of several s-ops together."""
        key = tuple(sops)
        if key not in self._together:
            self._together[key] = tuple(sorted({leaf for sop in key for leaf in self.leaves(sop)}, key=leaf_order))
        return self._together[key]

    def _own_leaves(self, node: SOp) -> tuple[Leaf, ...]:
        if isinstance(node, Map) and node in self._stored:
            return (Stored(node),)
        if node in self.definitions:
            return tuple(sorted(set(self.definitions[node].leaves), key=leaf_order))
        match node:
            case Tokens():
                return (INPUT,)
            case Indices():
                return (POSITION,)
            case Constant():
                return ()
            case Map(args=args):
                return self.leaves_of(args)
            case Aggregate():
                return (node,)
        assert_never(node)

    def cone(self, sops: Sequence[SOp]) -> tuple[SOp, ...]:
        """The s-ops between the leaves and these s-ops, operands first."""
        sops = tuple(sops)
        if sops not in self._orders:
            seen: set[SOp] = set()
            stack = list(sops)
            while stack:
                node = stack.pop()
                if node in seen:
                    continue
                seen.add(node)
                if isinstance(node, Map) and node not in self.definitions and node not in self._stored:
                    stack.extend(node.args)
            self._orders[sops] = tuple(sorted(seen, key=lambda node: node.id))
        return self._orders[sops]

    def image(self, sops: Sequence[SOp], leaves: Sequence[Leaf], tuples: Iterable[Tuple]) -> dict[Tuple, Tuple]:
        """For each tuple of leaf values the values of the s-ops, where they have any.

        Tuples that are equal as numbers are one entry: weights cannot tell them apart.
        """
        found: dict[Tuple, Tuple] = {}
        for given, result in self.evaluated(sops, leaves, tuples):
            if found.setdefault(given, result) != result:
                raise Refused(KINDS)
        return found

    def evaluated(
        self, sops: Sequence[SOp], leaves: Sequence[Leaf], tuples: Iterable[Tuple]
    ) -> Iterator[tuple[Tuple, Tuple]]:
        """Every tuple of leaf values on which the s-ops have values, and these values."""
        given = tuples if isinstance(tuples, Combinations) else list(tuples)
        for row, result in zip(given, self.results(sops, leaves, given), strict=True):
            if result is not None:
                yield row, result

    def checked(self, sops: Sequence[SOp], leaves: Sequence[Leaf], tuples: Combinations) -> Results:
        """The values of the s-ops for each tuple; as for `image` kinds decide nothing."""
        found = self.columns(sops, leaves, tuples)
        different(tuples, found)
        return found

    def _known(
        self, sops: Sequence[SOp], leaves: Sequence[Leaf], tuples: Sequence[Tuple]
    ) -> tuple[Mapping[object, Tuple | None], Sequence[object]]:
        """A table with the values of the s-ops for these tuples among others, and the key of each tuple in it.

        Results that are the same, kinds included, are one object.
        """
        self.spend(len(tuples) * (1 + len(sops) + len(leaves)))
        known = self._memo.setdefault((tuple(sops), tuple(leaves)), {})
        keys: Sequence[object] = tuples if all(map(self._is_plain, leaves)) else list(map(row_key, tuples))
        missing = {key: row for key, row in zip(keys, tuples, strict=True) if key not in known}
        if not missing:
            return known, keys
        if len(missing) > FEW_ROWS:
            rows = Combinations.of(list(missing.values()), len(leaves))
            known.update(zip(missing, self._by_column(sops, leaves, rows).listed(), strict=True))
            return known, keys
        place = {leaf: k for k, leaf in enumerate(leaves)}
        slots: dict[SOp, int] = {}
        steps: list[Callable[[list[Atom]], Atom]] = []
        for node in self.cone(sops):
            steps.append(step(self, node, place, slots))
            slots[node] = len(leaves) + len(steps) - 1
        wanted = [slots[sop] for sop in sops]
        for key, given in missing.items():
            row = list(given)
            try:
                for one in steps:
                    row.append(one(row))
            except OperatorError:
                known[key] = None
            else:
                result = tuple(row[k] for k in wanted)
                known[key] = self._rows.setdefault(row_key(result), result)
        return known, keys

    def results(self, sops: Sequence[SOp], leaves: Sequence[Leaf], tuples: Sequence[Tuple]) -> list[Tuple | None]:
        """The values of the s-ops for each tuple, None where they have none; equal ones are one object."""
        if isinstance(tuples, Combinations) and len(tuples) > FEW_ROWS:
            return self.columns(sops, leaves, tuples).listed()
        known, keys = self._known(sops, leaves, tuples)
        return [known[key] for key in keys]

    def columns(self, sops: Sequence[SOp], leaves: Sequence[Leaf], tuples: Combinations) -> Results:
        """The same by number."""
        if len(tuples) <= FEW_ROWS:
            return Results.of(self.results(sops, leaves, tuples))
        self.spend(len(tuples) * (1 + len(sops) + len(leaves)))
        return self._by_column(sops, leaves, tuples)

    def _by_column(self, sops: Sequence[SOp], leaves: Sequence[Leaf], rows: Combinations) -> Results:
        """The values of the s-ops on each row, every operator once for each combination of operands that occurs."""
        found = by_column(self, sops, leaves, rows)
        return Results([self._rows.setdefault(row_key(row), row) for row in found.rows], found.codes)

    def _is_plain(self, leaf: Leaf) -> bool:
        """Whether no two values of the leaf are equal and yet of different kinds, as far as its values are known."""
        if isinstance(leaf, Aggregate) and leaf not in self._sets:
            return False
        if leaf not in self._plain:
            if isinstance(leaf, Aggregate | Stored):
                values = self.sets(leaf).values()
                self._plain[leaf] = len(set(map(type, values))) == 1 and not isinstance(values[0], float)
            else:
                self._plain[leaf] = True
        return self._plain[leaf]

    # -------------------------------------------------------------------------------------------- tuples

    def leaf_set(self, leaf: Leaf, m: int, i: int) -> Values:
        """What the leaf can be at position i of words of length m."""
        match leaf:
            case Input():
                return self.alphabet
            case Position():
                return (i,)
            case _:
                return self.sets(leaf).at(m, i)

    def set_number(self, leaf: Leaf, m: int, i: int) -> int:
        """A number for what the leaf can be at a place: equal sets, equal numbers."""
        match leaf:
            case Input():
                return 0
            case Position():
                return i
            case _:
                return self.sets(leaf).number(m, i)

    def kinds(self, leaves: tuple[Leaf, ...]) -> Kinds:
        """Which places have equal sets of tuples."""
        if leaves not in self._kinds:
            self._kinds[leaves] = Kinds.of([self._numbers_of_sets(leaf) for leaf in leaves], list(self.places()))
        return self._kinds[leaves]

    def _numbers_of_sets(self, leaf: Leaf) -> Codes:
        """For each place that of the set of the leaf."""
        match leaf:
            case Input():
                return np.zeros(index(self.max_length + 1, 0), dtype=np.int64)
            case Position():
                return np.array([i for _, i in self.places()], dtype=np.int64)
            case _:
                return np.array(self.sets(leaf).where, dtype=np.int64)

    def tuples_at(self, leaves: Sequence[Leaf], m: int, i: int) -> list[Tuple]:
        """The product of the leaves' sets at one place."""
        sets = [self.leaf_set(leaf, m, i) for leaf in leaves]
        size = prod(map(len, sets))
        if size > MAX_TUPLES:
            raise TooMuch(f"{size} combinations of values at one position, more than {MAX_TUPLES}")
        return list(product(*sets))

    def tuples(self, leaves: Sequence[Leaf]) -> Combinations:
        """Every tuple of leaf values at any place."""
        key = tuple(leaves)
        if key not in self._tuples:
            places = self.largest(leaves)
            if max(prod(len(self.leaf_set(leaf, m, i)) for leaf in leaves) for m, i in places) > MAX_TUPLES:
                raise TooMuch(f"more than {MAX_TUPLES} combinations of values of {len(leaves)} things at one position")
            if self.size(leaves) > MAX_BOXES:
                raise TooMuch(f"more than {MAX_BOXES} combinations of values of {len(leaves)} things in all")
            boxes = [[self._codes_at(leaf, m, i) for leaf in leaves] for m, i in places]
            found = union([self.numbers_of(leaf) for leaf in leaves], boxes)
            if len(found) > MAX_TUPLES:
                raise TooMuch(f"more than {MAX_TUPLES} combinations of values of {len(leaves)} things at once")
            self._tuples[key] = found
        return self._tuples[key]

    def numbers_of(self, leaf: Leaf) -> Labels:
        """Numbers for the values of a leaf."""
        if leaf not in self._numbered:
            match leaf:
                case Input():
                    values: Values = self.alphabet
                case Position():
                    values = tuple(range(self.max_length))
                case _:
                    values = self.sets(leaf).values()
            self._numbered[leaf] = Labels(values)
        return self._numbered[leaf]

    def ordered(self, leaf: Leaf) -> list[Atom]:
        """Every value of a leaf, numbers in order, then strings."""
        if leaf not in self._ordered:
            values = self.numbers_of(leaf).values
            self._ordered[leaf] = sorted(values, key=lambda v: (1, 0, v) if isinstance(v, str) else (0, v, ""))
        return self._ordered[leaf]

    def _codes_at(self, leaf: Leaf, m: int, i: int) -> Codes:
        """The numbers of what the leaf can be at a place."""
        number = self.set_number(leaf, m, i)
        if (leaf, number) not in self._codes:
            self._codes[leaf, number] = self.numbers_of(leaf).of(self.leaf_set(leaf, m, i))
        return self._codes[leaf, number]

    def largest(self, leaves: Sequence[Leaf]) -> list[tuple[int, int]]:
        """Places whose sets of tuples have all others among them: what one of the largest covers is left out."""
        key = tuple(leaves)
        if key not in self._covers:
            boxes: dict[tuple[int, ...], tuple[int, int]] = {}
            for m, i in self.kinds(key).first:
                boxes.setdefault(tuple(self._side(leaf, m, i) for leaf in leaves), (m, i))
            kept: list[tuple[int, ...]] = []
            for box in sorted(boxes, key=lambda box: -sum(map(int.bit_count, box))):
                if not any(all(a & b == a for a, b in zip(box, other, strict=True)) for other in kept[:32]):
                    kept.append(box)
            self._covers[key] = [boxes[box] for box in kept]
        return self._covers[key]

    def _side(self, leaf: Leaf, m: int, i: int) -> int:
        """The leaf's set at a place, a bit for each value."""
        number = self.set_number(leaf, m, i)
        if (leaf, number) not in self._sides:
            bits = np.zeros(len(self.numbers_of(leaf).values), dtype=np.bool_)
            bits[self._codes_at(leaf, m, i)] = True
            self._sides[leaf, number] = int.from_bytes(np.packbits(bits).tobytes())
        return self._sides[leaf, number]

    def size(self, leaves: Sequence[Leaf], classes: "Classes | None" = None) -> int:
        """How many tuples the leaves have, or of representatives, at most."""
        known = classes or {}
        return sum(prod(len(self.class_codes(leaf, known, m, i)) for leaf in leaves) for m, i in self.largest(leaves))

    def classes(self, sops: Sequence[SOp]) -> "Classes":
        """For leaves with too many combinations: a representative for each value of a leaf.

        Values are in one class when every s-op that is a function of this leaf alone, and that the others are
        computed from, is the same on them. Leaves that are not mentioned are as they are.
        """
        key = tuple(sops)
        if key not in self._classes:
            leaves = self.leaves_of(sops)
            many = len(leaves) > 1 and self.size(leaves) > MANY
            self._classes[key] = leaf_classes(self, key, leaves) if many else {}
        return self._classes[key]

    def class_tuples(self, leaves: Sequence[Leaf], classes: "Classes") -> Combinations:
        """Every tuple of representatives at any place."""
        if not classes:
            return self.tuples(leaves)
        numbers = [self.numbers_of(leaf) for leaf in leaves]
        boxes: dict[tuple[bytes, ...], list[Codes]] = {}
        for m, i in self.largest(leaves):
            box = [self.class_codes(leaf, classes, m, i) for leaf in leaves]
            boxes[tuple(codes.tobytes() for codes in box)] = box
        if sum(prod(map(len, box)) for box in boxes.values()) > 4 * MAX_TUPLES:
            raise TooMuch(f"more than {4 * MAX_TUPLES} combinations of values of {len(leaves)} things at one position")
        found = union(numbers, boxes.values())
        if len(found) > MAX_TUPLES:
            raise TooMuch(f"more than {MAX_TUPLES} combinations of values of {len(leaves)} things at once")
        return found

    def class_codes(self, leaf: Leaf, classes: "Classes", m: int, i: int) -> Codes:
        """The numbers of the representatives of what the leaf can be at a place, in order."""
        codes: Codes = self._codes_at(leaf, m, i)
        if leaf not in classes:
            return codes
        key = id(classes[leaf]), self.set_number(leaf, m, i)
        if key in self._shown_at:
            return self._shown_at[key]
        of = classes[leaf]
        if id(of) not in self._shown:
            # A value that is its own representative keeps its kind: as numbers, `1` and `1.0` have the same one.
            values = self.numbers_of(leaf).values
            shown = [of.get(value) if value in of else None for value in values]
            own = [value if value == one else one for value, one in zip(values, shown, strict=True)]
            found = [UNKNOWN if one is None else int(self.numbers_of(leaf).of([one])[0]) for one in own]
            self._shown[id(of)] = of, np.array(found, dtype=np.int64)
        codes = self._shown[id(of)][1][codes]
        codes = codes[codes != UNKNOWN]
        first, _ = distinct_rows([codes], len(codes))
        self._shown_at[key] = codes[np.sort(first)]
        return self._shown_at[key]

    def joint(self, sops: Sequence[SOp], m: int, i: int) -> tuple[Tuple, ...]:
        """The tuples of values that these s-ops can have together at one place."""
        leaves = self.leaves_of(sops)
        key = (tuple(sops), int(self.kinds(leaves).number[index(m, i)]))
        if key not in self._joints:
            with about(sops):
                self._joints[key] = self._joint(sops, leaves, m, i)
        return self._joints[key]

    def _joint(self, sops: Sequence[SOp], leaves: tuple[Leaf, ...], m: int, i: int) -> tuple[Tuple, ...]:
        classes, key = self.classes(sops), tuple(sops)
        if key not in self._grids:
            self._grids[key] = cells_of(self, key, leaves, classes)
        numbers, places, cells = self._grids[key]
        box = [place[self.class_codes(leaf, classes, m, i)] for leaf, place in zip(leaves, places, strict=True)]
        if prod(map(len, box)) > MAX_TUPLES:
            raise TooMuch(f"{prod(map(len, box))} combinations of values at one position, more than {MAX_TUPLES}")
        if cells is not None:
            return cells.rows(box)
        found = self.results(sops, leaves, union(numbers, [box]))
        return tuple({id(row): row for row in found if row is not None}.values())

    def everywhere(self, sops: Sequence[SOp]) -> tuple[Combinations, Results]:
        """Every tuple of values (representatives, where there are `classes`), and the values of the s-ops on it."""
        key = tuple(sops)
        if key not in self._everywhere:
            leaves = self.leaves_of(sops)
            with about(sops):
                tuples = self.class_tuples(leaves, self.classes(sops))
                self._everywhere[key] = tuples, self.columns(sops, leaves, tuples)
        return self._everywhere[key]

    def given(self, sops: Sequence[SOp]) -> tuple[Combinations, Results]:
        """The same where there are values, and each tuple of numbers once: weights cannot tell equal ones apart."""
        tuples, found = self.everywhere(sops)
        with about(sops):
            return different(tuples, found)

    def table(self, sops: Sequence[SOp]) -> dict[Tuple, Tuple]:
        """For every such tuple the values of the s-ops."""
        tuples, found = self.given(sops)
        return dict(zip(tuples, map(found.rows.__getitem__, found.codes.tolist()), strict=True))

    def all_values(self, sops: Sequence[SOp]) -> tuple[Tuple, ...]:
        """The tuples of values that these s-ops can have together anywhere."""
        key = tuple(sops)
        if key not in self._all_values:
            _, found = self.everywhere(sops)
            codes = found.codes[found.known]
            first, _ = distinct_rows([codes], len(codes))
            self._all_values[key] = tuple(found.rows[code] for code in codes[np.sort(first)].tolist())
        return self._all_values[key]

    def values_of(self, sop: SOp) -> Values:
        """What the s-op can be anywhere."""
        return tuple(row[0] for row in self.all_values((sop,)))

    # -------------------------------------------------------------------------------------------- what layers compute

    def sets(self, leaf: "Computed") -> Sets:
        """The sets of a leaf that a layer computes."""
        return self._stored[leaf.sop] if isinstance(leaf, Stored) else self.profile(leaf)

    def is_stored(self, sop: SOp) -> bool:
        """Whether the s-op is a leaf."""
        return sop in self._stored

    def profile(self, leaf: "Aggregate | Count") -> Profile:
        """The sets of a leaf that attention computes; the leaves below it first."""
        if leaf not in self._sets:
            stack: list[Aggregate | Count] = [leaf]
            while stack:
                top = stack[-1]
                below = (leaf for leaf in self.below(top) if not isinstance(leaf, Stored))
                missing = [leaf for leaf in below if leaf not in self._sets]
                if missing:
                    stack.extend(missing)
                else:
                    self._sets.setdefault(top, profile_of(self, top, self._refused))
                    stack.pop()
        return self._sets[leaf]

    def below(self, leaf: "Computed") -> list["Computed"]:
        """The leaves that layers compute and that this one reads."""
        match leaf:
            case Aggregate(selector=selector, values=values):
                inner = formula(selector)
                read: tuple[SOp, ...] = (*keys_of(inner), *queries_of(inner), values)
            case Count(formula=inner):
                read = (*keys_of(inner), *queries_of(inner))
            case Stored(sop=sop):
                read = sop.args
            case _:
                assert_never(leaf)
        return [below for below in self.leaves_of(read) if not isinstance(below, Input | Position)]

    def entries(self, part: Formula) -> "Entries":
        """The formula as a matrix that is known in part."""
        if part not in self._entries:
            self._entries[part] = Entries(self, part)
        return self._entries[part]

    def joint_numbers(self, sops: tuple[SOp, ...], m: int) -> Codes:
        """For every position of words of length m a number for the set of tuples of values that the s-ops have there:
        equal sets, equal numbers."""
        return self._numbering(sops).row(m)

    def joint_sets(self, sops: tuple[SOp, ...]) -> Sequence[Sequence[Tuple]]:
        """The sets of tuples of values that the s-ops have at any place, by number."""
        for m in range(1, self.max_length + 1):
            self._numbering(sops).row(m)
        return self._numbering(sops).sets

    def _numbering(self, sops: tuple[SOp, ...]) -> Numbering:
        if sops not in self._numbers:
            self._numbers[sops] = Numbering(self, sops)
        return self._numbers[sops]
