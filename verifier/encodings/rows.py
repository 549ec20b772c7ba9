"""Rows that ask the same of every key: what the query of a row is, and the row with a hole in its place.

A row of a selector is a list of truths about keys. In the row of query i all of them mention what is compared at i,

    [key[j] == query[i], for each j]    with a hole for query[i]:    [key[j] == _, for each j]

and with the hole, the rows of all queries are often one and the same. On any input the query has one value, so there
the row means what it means with that value in the hole. That needs nothing else of the row: a hole may stand in some
places of the query and not in others. Holes only stand where something is compared, and in the place of one operand,
so that a key which happens to be its own query stays a key.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from typing import Final, TypeAlias, TypeGuard

from spec.operators import Op, operator_key
from verifier.question.terms import Apply, Choose, Literal, Term, operands

_COMPARISONS: Final = frozenset({Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE})
_CONNECTIVES: Final = frozenset({Op.AND, Op.OR, Op.NOT, Op.INDICATOR, Op.IF})
_MOST_ASKED: Final = 4
"""A key of which more things than this are asked is left as it is."""
_NOTHING: Final[frozenset[Term]] = frozenset()


class Hole(Enum):
    """Stands where the query stood."""

    HOLE = "hole"


HOLE: Final = Hole.HOLE


@dataclass(frozen=True, eq=False)
class Shape:
    """A truth with holes, applied like `term`; its `args` are shapes, terms, and holes."""

    number: int
    term: Apply | Choose
    args: "tuple[Part, ...]"


Part: TypeAlias = Shape | Term | Hole
Key: TypeAlias = tuple[object, ...]


@dataclass(frozen=True)
class Row:
    """A row with holes for its query: its shapes, operands first, the terms that they need, and its entries.

    `key` is equal for rows with equal entries.
    """

    query: Term
    shapes: tuple[Shape, ...]
    leaves: tuple[Term, ...]
    entries: tuple[Part, ...]
    key: Key


class Rows:
    """Finds queries and makes rows; equal shapes are the same object."""

    def __init__(self) -> None:
        self._interned: dict[Key, Shape] = {}
        self._asked: dict[Term, frozenset[Term]] = {}

    def query(self, row: Sequence[Term]) -> Term | None:
        """The one term that all entries that are not known compare something with; `None` if there are others.

        Where there is one such entry alone, both operands are that: the right one is the query.
        """
        varying = [entry for entry in row if not isinstance(entry, Literal)]
        if not varying:
            return None
        body = _body(varying)
        for term in body:
            if term not in self._asked:
                self._asked[term] = self._mentions(term)
        common = reduce(lambda a, b: a & b, (self._asked.get(entry, _NOTHING) for entry in varying))
        if len(varying) == 1:
            common &= {operands(term)[1] for term in body if _compares(term)}
        return next(iter(common)) if len(common) == 1 else None

    def _mentions(self, term: Term) -> frozenset[Term]:
        if _compares(term):
            return frozenset(arg for arg in operands(term) if not isinstance(arg, Literal))
        found = _NOTHING.union(*(self._asked.get(arg, _NOTHING) for arg in operands(term)))
        return found if len(found) <= _MOST_ASKED else _NOTHING

    def row(self, entries: Sequence[Term], query: Term) -> Row:
        """The row with a hole for this query."""
        made: dict[Term, Part] = {}
        leaves: dict[Term, None] = {}
        shapes: dict[Shape, None] = {}
        for term in _body(entries):
            parts = _parts(term, query, made)
            if any(isinstance(part, Shape | Hole) for part in parts):
                shape = made[term] = self._shape(term, parts)
                shapes[shape] = None
                leaves.update(dict.fromkeys(_terms(parts)))
        found = tuple(made.get(entry, entry) for entry in entries)
        leaves.update(dict.fromkeys(_terms(found)))
        ordered = tuple(sorted(shapes, key=lambda shape: shape.number))
        return Row(query, ordered, tuple(leaves), found, tuple(map(_key, found)))

    def _shape(self, term: Apply | Choose, parts: tuple[Part, ...]) -> Shape:
        operator = (*operator_key(term.op), term.numbers) if isinstance(term, Apply) else ()
        key = (type(term), operator, *map(_key, parts))
        found = self._interned.get(key)
        if found is None:
            found = self._interned[key] = Shape(len(self._interned), term, parts)
        return found


def _parts(term: Apply | Choose, query: Term, made: Mapping[Term, Part]) -> tuple[Part, ...]:
    """The operands, with a hole in the place of one that is the query."""
    args = operands(term)
    if not _compares(term):
        return tuple(made.get(arg, arg) for arg in args)
    left, right = args
    if right is query:
        return left, HOLE
    return HOLE if left is query else left, right


def _terms(parts: Iterable[Part]) -> Iterator[Term]:
    return (part for part in parts if not isinstance(part, Shape | Hole))


def _key(part: Part) -> tuple[str, int]:
    match part:
        case Hole():
            return "hole", 0
        case Shape(number=number):
            return "shape", number
        case term:
            return "term", term.id


def _joins(term: Term) -> TypeGuard[Apply | Choose]:
    match term:
        case Apply(op=op):
            return op in _COMPARISONS or op in _CONNECTIVES
        case _:
            return isinstance(term, Choose)


def _compares(term: Term) -> bool:
    return isinstance(term, Apply) and term.op in _COMPARISONS


def _body(entries: Sequence[Term]) -> list[Apply | Choose]:
    """The connectives that the entries are made of, down to comparisons, operands first."""
    seen: set[Apply | Choose] = set()
    stack = list(entries)
    while stack:
        term = stack.pop()
        if _joins(term) and term not in seen:
            seen.add(term)
            if not _compares(term):
                stack.extend(operands(term))
    return sorted(seen, key=lambda term: term.id)
