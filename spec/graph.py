"""The computation a program builds: an interned, typed, acyclic graph of s-ops and selectors.

Nodes are immutable, made only by `Graph`, and compared by identity; a node's `id` is larger than the ids of its
operands, so ascending ids are a topological order and every walk is a loop. `Node` is a closed union.

The meaning of each node on an input of length n (Weiss, Goldberg, Yahav 2021, section 3):

    tokens[i], indices[i] = i, constant[i] = c
    map(op, x..)[i]            = op(x[i]..)
    select(k, q, p)[i][j]      = k[j] p q[i]             row i is a query position, column j a key position
    aggregate(s, x, d)[i]      = d            when no j has s[i][j]
                                 x[j]         when exactly one j has
                                 mean of x[j] over all such j otherwise, for numbers only
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias, TypeVar, assert_never

from spec.ast import Predicate
from spec.operators import ANY, Kinds, Op, Operator, arity, operator_key, result_kinds
from spec.source import Span
from spec.values import NUMERIC, Atom, Kind, Numbers, atom_key, kind_of


class View(Enum):
    """How `tokens` reads the input atoms."""

    STR = "tokens_str"
    INT = "tokens_int"
    FLOAT = "tokens_float"
    BOOL = "tokens_bool"
    ASIS = "tokens_asis"


class Junction(Enum):
    """How two selectors combine, entry by entry."""

    AND = "and"
    OR = "or"


class _Identified:
    """A short representation: spelling out operands would be exponential on a shared graph."""

    __slots__ = ()
    id: int

    def __repr__(self) -> str:
        return f"{type(self).__name__}#{self.id}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tokens(_Identified):
    """The input, through a view."""

    id: int
    kinds: Kinds
    view: View


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Indices(_Identified):
    """`0 .. n-1`."""

    id: int
    kinds: Kinds


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Constant(_Identified):
    """The same atom at every position."""

    id: int
    kinds: Kinds
    value: Atom


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Map(_Identified):
    """An operator applied position by position; all operands are always evaluated."""

    id: int
    kinds: Kinds
    op: Operator
    args: tuple["SOp", ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Aggregate(_Identified):
    """The mean, or the single selected value, of `values` over the selected positions."""

    id: int
    kinds: Kinds
    selector: "Selector"
    values: "SOp"
    default: Atom


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Select(_Identified):
    """`keys[j] predicate queries[i]`."""

    id: int
    keys: "SOp"
    queries: "SOp"
    predicate: Predicate


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Negate(_Identified):
    """The complement of a selector."""

    id: int
    operand: "Selector"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Combine(_Identified):
    """`left and right`, `left or right`."""

    id: int
    junction: Junction
    left: "Selector"
    right: "Selector"


SOp: TypeAlias = Tokens | Indices | Constant | Map | Aggregate
Selector: TypeAlias = Select | Negate | Combine
Node: TypeAlias = SOp | Selector
N = TypeVar("N", Tokens, Indices, Constant, Map, Aggregate, Select, Negate, Combine)


def operands(node: Node) -> tuple[Node, ...]:
    """The nodes that this one reads, in order."""
    match node:
        case Tokens() | Indices() | Constant():
            return ()
        case Map(args=args):
            return args
        case Aggregate(selector=selector, values=values):
            return selector, values
        case Select(keys=keys, queries=queries):
            return keys, queries
        case Negate(operand=operand):
            return (operand,)
        case Combine(left=left, right=right):
            return left, right
    assert_never(node)


def topological(roots: Iterable[Node]) -> tuple[Node, ...]:
    """Every node that the roots depend on, the roots included, operands first."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(operands(node))
    return tuple(sorted(seen, key=lambda node: node.id))


@dataclass(eq=False)
class Graph:
    """The only maker of nodes. Equal requests give the same node, unless `interning` is off.

    Without interning every request makes a new node, which is what the reference implementation does and what its
    layer analysis counts; the meaning of the nodes is the same.
    """

    numbers: Numbers
    interning: bool = True
    nodes: list[Node] = field(default_factory=list)
    spans: dict[Node, Span] = field(default_factory=dict)
    _interned: dict[tuple[object, ...], Node] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many nodes there are."""
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        """Every node, operands first."""
        return iter(self.nodes)

    def tokens(self, view: View, span: Span | None = None) -> Tokens:
        """The input through a view."""
        key = (Tokens, view)
        return self._find(key, Tokens) or self._add(key, Tokens(len(self.nodes), _VIEW_KINDS[view], view), span)

    def indices(self, span: Span | None = None) -> Indices:
        """The position numbers, from 0."""
        key = (Indices,)
        return self._find(key, Indices) or self._add(key, Indices(len(self.nodes), frozenset({Kind.INT})), span)

    def constant(self, value: Atom, span: Span | None = None) -> Constant:
        """An atom at every position; `1`, `True` and `1.0` are three different constants."""
        key = (Constant, atom_key(value))
        kinds = frozenset({kind_of(value)})
        return self._find(key, Constant) or self._add(key, Constant(len(self.nodes), kinds, value), span)

    def map(self, op: Operator, *args: SOp, span: Span | None = None) -> Map:
        """`op` at every position. Its `kinds` are empty when it fails on every input."""
        if len(args) != arity(op):
            raise ValueError(f"{op} takes {arity(op)} operands, got {len(args)}")
        key = (Map, operator_key(op), args)
        return self._find(key, Map) or self._add(key, Map(len(self.nodes), _map_kinds(op, args), op, args), span)

    def aggregate(self, selector: Selector, values: SOp, default: Atom = 0, span: Span | None = None) -> Aggregate:
        """The selected value or mean at every position."""
        key = (Aggregate, selector, values, atom_key(default))
        kinds = aggregate_kinds(values.kinds, default)
        made = Aggregate(len(self.nodes), kinds, selector, values, default)
        return self._find(key, Aggregate) or self._add(key, made, span)

    def select(self, keys: SOp, queries: SOp, predicate: Predicate, span: Span | None = None) -> Select:
        """The matrix of `keys[j] predicate queries[i]`."""
        key = (Select, keys, queries, predicate)
        return self._find(key, Select) or self._add(key, Select(len(self.nodes), keys, queries, predicate), span)

    def negate(self, operand: Selector, span: Span | None = None) -> Negate:
        """`not operand`."""
        key = (Negate, operand)
        return self._find(key, Negate) or self._add(key, Negate(len(self.nodes), operand), span)

    def combine(self, junction: Junction, left: Selector, right: Selector, span: Span | None = None) -> Combine:
        """`left and right` or `left or right`."""
        key = (Combine, junction, left, right)
        return self._find(key, Combine) or self._add(key, Combine(len(self.nodes), junction, left, right), span)

    def _find(self, key: tuple[object, ...], kind: type[N]) -> N | None:
        found = self._interned.get(key) if self.interning else None
        return found if isinstance(found, kind) else None

    def _add(self, key: tuple[object, ...], node: N, span: Span | None) -> N:
        self._interned[key] = node
        self.nodes.append(node)
        if span is not None:
            self.spans[node] = span
        return node


_VIEW_KINDS: dict[View, Kinds] = {
    View.STR: frozenset({Kind.STR}),
    View.INT: frozenset({Kind.INT}),
    View.FLOAT: frozenset({Kind.REAL}),
    View.BOOL: frozenset({Kind.BOOL}),
    View.ASIS: ANY,
}


def _map_kinds(op: Operator, args: tuple[SOp, ...]) -> Kinds:
    """The typing rule, with the one case where a value decides the kind: a whole power of an integer."""
    kinds = result_kinds(op, [arg.kinds for arg in args])
    if op is Op.POW and isinstance(args[1], Constant) and Kind.REAL not in args[0].kinds:
        power = args[1].value
        if isinstance(power, int):
            return kinds & frozenset({Kind.INT if power >= 0 else Kind.REAL})
    return kinds


def aggregate_kinds(values: Kinds, default: Atom) -> Kinds:
    """What an aggregate can hold: a selected value, the default, or a mean (never of only strings or booleans)."""
    mean = frozenset({Kind.REAL}) if values & (NUMERIC - {Kind.BOOL}) else frozenset()
    return values | {kind_of(default)} | mean
