"""Counts in place of the arithmetic that RASP needs for them.

RASP has no primitive that counts: `selector_width` divides by a share and adds a correction, a count over a prefix is
a mean times a length. A head that also attends to the start token reads 1/(w+1), w the number of selected keys, so
the compiler puts a `Count` leaf where an s-op is, provably on every scope it is asked for, a function of such a
number. Every replacement is checked by evaluating the s-op with the interpreter's operators on all possible counts.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import product
from math import isfinite
from typing import Final

from compiled.errors import Refused
from compiled.meaning.formula import (
    Both,
    Either,
    Formula,
    Holds,
    Literal,
    conjunction,
    disjoint,
    disjunction,
    formula,
    keys_of,
    queries_of,
)
from compiled.meaning.leaves import POSITION, Count, Definition, Leaf, Position
from compiled.meaning.means import is_number
from compiled.meaning.places import index
from compiled.meaning.presence import presence
from compiled.meaning.values import Domain
from spec.ast import Predicate
from spec.graph import Aggregate, Constant, Indices, Map, Node, Select, SOp, topological
from spec.operators import OperatorError
from spec.values import Atom, Numbers, atom_key

MAX_HEADS: Final = 4
"""The most heads that one count may be split into."""


def definitions(roots: Iterable[Node], domain: Domain, *, split_means: bool) -> dict[SOp, Definition]:
    """The s-ops below the roots that are functions of counts, which the domain knows from then on.

    `split_means`: also where that takes heads that the program as written does not have. Without it only what counts
    the keys of one selector is put in one head, which is that of the selector.
    """
    for node in topological(roots):
        made: Definition | None = None
        match node:
            case Aggregate() if split_means:
                made = _share_of_first(node, domain)
            case Map():
                made = _width(node, domain, split_means)
                if split_means:
                    made = made or _scaled_mean(node, domain) or presence(node, domain, counts)
            case _:
                pass
        if made is not None and isinstance(node, Aggregate | Map):
            domain.define(node, made)
    return dict(domain.definitions)


def counts(part: Formula) -> tuple[Count, ...] | None:
    """Counts that add up to the number of keys that the formula selects, each scored without joint quantities."""
    inner = part.parts if isinstance(part, Both) else (part,)
    if not any(isinstance(one, Either) and _mixes(one) for one in inner):
        return (Count(part),)
    pieces = disjoint(part, MAX_HEADS)
    return None if pieces is None else tuple(map(Count, pieces))


def _mixes(part: Either) -> bool:
    """Whether the alternatives compare different things."""
    return len({(keys_of(one), queries_of(one)) for one in part.parts}) > 1


def _is_first(part: Formula) -> bool:
    """`select(indices, 0, ==)`."""
    match part:
        case Literal(Select(keys=Indices(), queries=Constant(value=value), predicate=Predicate.EQ), True):
            return is_number(value) and value == 0
        case _:
            return False


def _mark_of_first(sop: SOp, domain: Domain) -> Atom | None:
    """What the s-op is at position 0, if that is 1, and 0 elsewhere; operators differ on the kinds of 1."""
    if domain.leaves(sop) != (POSITION,):
        return None
    table = domain.table((sop,))
    marks = len(table) == domain.max_length and all(row[0] == int(place[0] == 0) for place, row in table.items())
    return table[(0,)][0] if marks else None


def _widened(node: Aggregate, domain: Domain) -> tuple[Formula, Literal] | None:
    """`s` and `first`, when the node is the share of position 0 among the keys of `s or first`."""
    whole = formula(node.selector)
    if not isinstance(whole, Either) or _mark_of_first(node.values, domain) is None:
        return None
    first = next((one for one in whole.parts if _is_first(one)), None)
    if not isinstance(first, Literal):
        return None
    return disjunction(one for one in whole.parts if one is not first), first


def _share_of_first(node: Aggregate, domain: Domain) -> Definition | None:
    """The share is 1/(1 + w), w the number of keys after position 0: the start token stands in for position 0."""
    found = _widened(node, domain)
    if found is None:
        return None
    rest, first = found
    leaves = counts(conjunction((rest, first.negated())))
    mark = _mark_of_first(node.values, domain)
    if leaves is None or mark is None:
        return None
    numbers = domain.numbers

    def share(others: int) -> Atom:
        if others == 0:
            return mark
        return Fraction(1, others + 1) if numbers is Numbers.EXACT else 1 * 1.0 / (others + 1)

    return Definition(leaves, (1,) * len(leaves), share)


def _width(node: Map, domain: Domain, split: bool) -> Definition | None:
    """A function of the share of position 0, and of whether the row had position 0, that is a function of the width."""
    aggregates = _aggregates(node)
    if len(aggregates) != 2:
        return None
    for share, present in (aggregates, tuple(reversed(aggregates))):
        found = _widened(share, domain)
        if found is None or not _tells_presence(present):
            continue
        rest, first = found
        if formula(present.selector) != conjunction((rest, first)):
            continue
        table = _as_function_of_width(node, share, present, domain)
        leaves = counts(rest) if split else (Count(rest),)
        if table is not None and leaves is not None:
            return Definition(leaves, (1,) * len(leaves), _looked_up(table))
    return None


def _aggregates(node: Map) -> tuple[Aggregate, ...]:
    """The aggregates that the map reads through maps only, when it reads nothing else that varies."""
    found: dict[Aggregate, None] = {}
    seen: set[SOp] = set()
    stack: list[SOp] = [node]
    while stack:
        top = stack.pop()
        if top in seen:
            continue
        seen.add(top)
        match top:
            case Aggregate():
                found[top] = None
            case Map(args=args):
                stack.extend(args)
            case Constant():
                pass
            case _:
                return ()
        if len(found) > 2:
            return ()
    return tuple(sorted(found, key=lambda one: one.id))


def _tells_presence(node: Aggregate) -> bool:
    """Whether the node is 1 where its selector selects anything and 0 elsewhere."""
    constant = node.values
    if isinstance(constant, Constant):
        one: Atom = constant.value
        return is_number(one) and one == 1 and is_number(node.default) and node.default == 0
    return False


def _as_function_of_width(node: Map, share: Aggregate, present: Aggregate, domain: Domain) -> dict[int, Atom] | None:
    """The table from width to value; a row of width w that has position 0 shares 1/w, another one 1/(w+1)."""
    plain = Domain(domain.alphabet, domain.max_length, domain.numbers)
    leaves = plain.leaves(node)
    mark = _mark_of_first(share.values, plain)
    if mark is None or not isinstance(present.values, Constant):
        return None
    table: dict[int, Atom] = {}
    for width, has_first in product(range(domain.max_length + 1), (0, 1)):
        if width < has_first or width - has_first > domain.max_length - 1:
            continue
        row = width + 1 - has_first
        part: Atom = mark if row == 1 else Fraction(1, row) if domain.numbers is Numbers.EXACT else 1 * 1.0 / row
        given = tuple(
            part if leaf is share else present.values.value if has_first else present.default for leaf in leaves
        )
        image = plain.image((node,), leaves, [given])
        if given not in image or not _fits(table, width, image[given][0]):
            return None
    return table


def _fits(table: dict[int, Atom], total: int, value: Atom) -> bool:
    """Enter the value; whether it is the one that was there, kinds included."""
    return atom_key(table.setdefault(total, value)) == atom_key(value)


def _looked_up(table: Mapping[int, Atom]) -> Callable[[int], Atom]:
    """The function of a sum that has this table."""

    def value(total: int) -> Atom:
        if total not in table:
            raise OperatorError("no input has this count")
        return table[total]

    return value


def _scaled_mean(node: Map, domain: Domain) -> Definition | None:
    """A mean times the number of selected keys, when position or length give that number: the sum itself.

    For values v in {0, t..} the sum is that of t times the count of v == t.
    """
    leaves = domain.leaves(node)
    means = [leaf for leaf in leaves if isinstance(leaf, Aggregate)]
    if not 1 <= len(means) <= 2 or not all(isinstance(leaf, Aggregate | Position) for leaf in leaves):
        return None
    if len(leaves) < 2 or len(leaves) > 3:
        return None
    for mean in means:
        others = [one for one in means if one is not mean]
        if all(one.selector is mean.selector and _mark_of_first(one.values, domain) is not None for one in others):
            found = _sum_of(node, mean, domain)
            if found is not None:
                return found
    return None


def _sum_of(node: Map, mean: Aggregate, domain: Domain) -> Definition | None:
    try:
        values = [row[0] for row in domain.all_values((mean.values,))]
    except Refused:
        return None
    steps = sorted({v for v in values if isinstance(v, int) and v != 0})
    if not all(isinstance(v, int) for v in values) or len(steps) > 2 or not steps:
        return None
    try:
        table = _sums(node, mean, domain)
    except Refused:
        return None
    if table is None:
        return None
    leaves: list[Count] = []
    weights: list[int] = []
    for step in steps:
        pieces = counts(conjunction((formula(mean.selector), Literal(Holds(mean.values, step)))))
        if pieces is None or len(pieces) > 1:
            return None
        leaves += pieces
        weights.append(step)
    return Definition(tuple(leaves), tuple(weights), _looked_up(table))


def _sums(node: Map, mean: Aggregate, domain: Domain) -> dict[int, Atom] | None:
    """The table from the sum of the selected values to the value of the node, if it is a function of that sum."""
    leaves: tuple[Leaf, ...] = domain.leaves(node)
    rows = domain.entries(formula(mean.selector))
    table: dict[int, Atom] = {}
    seen: set[object] = set()
    sizes: dict[tuple[int, int], int] = {}
    for m in range(1, domain.max_length + 1):
        can, cannot = rows.rows(m)
        if (can & cannot).any():
            return None
        sizes |= {(m, i): size for i, size in enumerate(can.sum(axis=1).tolist())}
    at = leaves.index(mean)
    for (m, i), size in sizes.items():
        kind = size, int(domain.kinds(leaves).number[index(m, i)])
        if kind in seen:
            continue
        seen.add(kind)
        tuples = domain.tuples_at(leaves, m, i)
        results = list(domain.evaluated((node,), leaves, tuples))
        if len(results) < len(tuples):
            return None
        for given, (result,) in results:
            value = given[at]
            if isinstance(value, str) or not isfinite(value):
                return None
            numerator, denominator = value.as_integer_ratio()
            whole = (2 * numerator * size + denominator) // (2 * denominator)
            if abs(numerator * size - whole * denominator) << 20 > denominator:
                return None
            if not isinstance(result, int) or not _fits(table, whole, result):
                return None
    return table
