"""Evaluates s-ops and selectors on examples, in the order in which the reference does it and with its memory.

The values are those of `spec.interp` under IEEE numbers. A transcript also shows the way to them: each node
remembers the last input it was evaluated on and is not evaluated again while the input compares equal (so `[1]`
answers for `[1.0]`); what a node reads is evaluated in the order in which it was made; and a composed selector asks
its parts entry by entry, so that a part is never asked where the other one has decided.
"""

import operator
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from spec.ast import Predicate
from spec.diagnostics import InternalError
from spec.graph import (
    Aggregate,
    Combine,
    Constant,
    Indices,
    Junction,
    Map,
    Negate,
    Node,
    Select,
    Selector,
    SOp,
    Tokens,
    View,
)
from spec.interp import read_token
from spec.operators import Item, Lookup, Member, Op, Operator, OperatorError, function
from spec.prompt.results import Matrix, Result, Row, checked, common_kind, items
from spec.prompt.text import plain, tuple_text
from spec.script import naming
from spec.script.errors import Failure, ScriptError, python_error, value_error
from spec.script.values import Foreign, Handle, SOpValue, Value, is_atom, truth, type_name
from spec.values import Atom, Numbers

_COMPARISONS: Final[Mapping[Predicate, Callable[[Atom, Atom], bool]]] = MappingProxyType(
    {
        Predicate.EQ: operator.eq,
        Predicate.NE: operator.ne,
        Predicate.LT: operator.lt,
        Predicate.LE: operator.le,
        Predicate.GT: operator.gt,
        Predicate.GE: operator.ge,
    }
)
_RULE: Final = "=" * 63
_Masks: TypeAlias = tuple[int, ...]
_Asking: TypeAlias = Generator[tuple[Selector, _Masks], _Masks, _Masks]


@dataclass(eq=False)
class Memory:
    """For each node the last input it was evaluated on, and what came of it."""

    results: dict[Node, tuple[Value, Result]] = field(default_factory=dict)
    handles: dict[Node, Handle] = field(default_factory=dict)
    """Who bears the name of a node; nodes that the script never held have the name of their kind."""
    input: Value = ""
    """The input that was read last; it stands for every input that equals it."""
    work: int = 0
    """How many values and entries have been computed."""
    _reads: dict[Node, tuple[SOp | Selector, ...]] = field(default_factory=dict)

    def evaluate(self, node: Node, example: Value, report: Callable[[str], None] | None = None) -> Result | None:
        """The result of a node, or `ScriptError`.

        When there is a `report`, a failure of Python's or of an index is described there instead, with the values
        of what the failing node reads, and the result is None.
        """
        return self.results[node][1] if self._evaluate(node, example, report) else None

    def row(self, node: SOp) -> Row:
        """The values of an s-op on the input it was evaluated on last."""
        result = self.results[node][1]
        if not isinstance(result, Row):
            raise InternalError("an s-op has no row of values")
        return result

    def matrix(self, node: Selector) -> Matrix:
        """The entries of a selector on the input it was evaluated on last."""
        result = self.results[node][1]
        if not isinstance(result, Matrix):
            raise InternalError("a selector has no matrix")
        return result

    def name(self, node: Node) -> str:
        """How the node is called now."""
        if node in self.handles:
            return self.handles[node].name
        if isinstance(node, Constant):
            return naming.sop_name(plain(node.value))
        return naming.SELECT_NAME if isinstance(node, (Select, Negate, Combine)) else naming.SOP_NAME

    def text(self, handle: Handle) -> str:
        """The reference's text of the object itself, where nothing better is known to do with it."""
        kind = "Sequence" if isinstance(handle, SOpValue) else "Select"
        return f"Unfinished{kind} object, name: {handle.name} id: {handle.node.id}"

    # -------------------------------------------------------------------------------------------- order

    def _evaluate(self, node: Node, example: Value, report: Callable[[str], None] | None) -> bool:
        items(example)
        for pending in self._pending(node, example):
            try:
                result = self._compute(pending, example)
            except ScriptError as error:
                if report is None or error.failure is Failure.TYPE:
                    raise
                self._describe(pending, error, report)
                return False
            self.results[pending] = example, result
            self.work += len(result.values) if isinstance(result, Row) else len(result.rows) ** 2
        return True

    def _pending(self, node: Node, example: Value) -> list[Node]:
        """What must be evaluated for the node, oldest first."""
        found: set[Node] = set()
        todo = [node]
        while todo:
            current = todo.pop()
            if current in found or self._remembers(current, example):
                continue
            found.add(current)
            todo.extend(self._reads_of(current))
        return sorted(found, key=lambda pending: pending.id)

    def _remembers(self, node: Node, example: Value) -> bool:
        known = self.results.get(node)
        return known is not None and same_input(known[0], example)

    def _reads_of(self, node: Node) -> tuple[SOp | Selector, ...]:
        """What a node reads: a composed selector reads the queries and then the keys of its parts."""
        match node:
            case Tokens() | Indices() | Constant():
                return ()
            case Map(args=args):
                return args
            case Aggregate(selector=selector, values=values):
                return selector, values
            case Select() | Negate() | Combine():
                if node not in self._reads:
                    parts = list(_parts(node))
                    self._reads[node] = *(part.queries for part in parts), *(part.keys for part in parts)
                return self._reads[node]
        assert_never(node)

    # -------------------------------------------------------------------------------------------- values

    def _read(self, node: SOp) -> tuple[Atom, ...]:
        """The values of an s-op, position by position."""
        row = self.row(node)
        if row.source is None:
            return row.values
        found = [row.at(position) for position in range(len(row.values))]
        atoms = tuple(value for value in found if is_atom(value))
        if len(atoms) != len(found):
            raise python_error("a list has no place in a sequence", None)
        return atoms

    def _atoms(self, example: Value) -> tuple[Value, ...]:
        if not same_input(self.input, example):
            self.input = example
        return items(self.input)

    def _compute(self, node: Node, example: Value) -> Result:
        match node:
            case Tokens(view=view):
                return self._tokens(view, example)
            case Indices():
                return Row(tuple(range(len(self._atoms(example)))), "int")
            case Constant(value=value):
                return _in_tuple([value] * len(self._atoms(example)))
            case Map(op=op, args=args):
                count = len(self._atoms(example))
                columns = [self._read(arg) for arg in args]
                return self._mapped(node, op, columns, count)
            case Aggregate(selector=selector, values=values, default=default):
                return _averaged(self.matrix(selector), self._read(values), default)
            case Select() | Negate() | Combine():
                count = len(self._atoms(example))
                return Matrix(self._masks(node, ((1 << count) - 1,) * count))
        assert_never(node)

    def _tokens(self, view: View, example: Value) -> Row:
        found = self._atoms(example)
        if view is View.ASIS:
            return checked(found, partial(plain, self.input), self.input if isinstance(self.input, dict) else None)
        values = [_viewed(view, item) for item in found]
        return checked(values, partial(plain, tuple(values)))

    def _mapped(self, node: Map, op: Operator, columns: list[tuple[Atom, ...]], count: int) -> Row:
        match op:
            case Item(values, text):
                read = partial(self._item, values, "string" if text else "list", node.args[0])
                return _in_tuple([read(position) for position in columns[0]])
            case Lookup(keys, values):
                table = dict(zip(keys, values, strict=True))
                return _in_tuple([_lookup(table, key) for key in columns[0]])
            case Member(values):
                return _in_tuple([atom in values for atom in columns[0]])
            case Op():
                return _operated(op, (tuple(column[position] for column in columns) for position in range(count)))
        assert_never(op)

    def _item(self, values: tuple[Atom, ...], kind: str, index: SOp, position: Atom) -> Atom:
        """Python's indexing; the error names the index, not its value."""
        if isinstance(position, str):
            raise python_error("'>=' not supported between instances of 'str' and 'int'", None)
        if position >= len(values) or -position > len(values):
            shown = self.text(self.handles[index]) if index in self.handles else self.name(index)
            raise value_error(f"index {shown} out of range for {kind} of length {len(values)}", None)
        if not isinstance(position, int):
            raise python_error(f"{kind} indices must be integers or slices, not float", None)
        return values[position]

    # -------------------------------------------------------------------------------------------- selectors

    def _masks(self, selector: Selector, where: _Masks) -> _Masks:
        """The entries of a selector among those of `where`; parts are only asked where they matter."""
        stack = [self._asking(selector, where)]
        answer: _Masks | None = None
        while stack:
            try:
                part, asked = next(stack[-1]) if answer is None else stack[-1].send(answer)
            except StopIteration as stop:
                stack.pop()
                answer = stop.value
            else:
                stack.append(self._asking(part, asked))
                answer = None
        return answer or ()

    def _asking(self, selector: Selector, where: _Masks) -> _Asking:
        match selector:
            case Select():
                return self._selected(selector, where)
            case Negate(operand=operand):
                inner = yield operand, where
                return tuple(asked & ~row for asked, row in zip(where, inner, strict=True))
            case Combine(junction=Junction.AND, left=left, right=right):
                return (yield right, (yield left, where))
            case Combine(junction=Junction.OR, left=left, right=right):
                first = yield left, where
                rest = yield right, tuple(asked & ~row for asked, row in zip(where, first, strict=True))
                return tuple(a | b for a, b in zip(first, rest, strict=True))
            case _:
                raise TypeError(f"{selector} is not a selector")

    def _selected(self, node: Select, where: _Masks) -> _Masks:
        compare = _COMPARISONS[node.predicate]
        keys = list(enumerate(self._read(node.keys)))
        rows = []
        try:
            for asked, query in zip(where, self._read(node.queries), strict=True):
                rows.append(sum(1 << j for j, key in keys if asked >> j & 1 and compare(key, query)))
        except TypeError as error:
            raise python_error(str(error), None) from error
        return tuple(rows)

    # -------------------------------------------------------------------------------------------- reports

    def _describe(self, node: Node, error: ScriptError, report: Callable[[str], None]) -> None:
        report(f"{_RULE}\n{_RULE}")
        report(f"evaluation failed in: [ {self.name(node)} ] with exception:\n {error.message}")
        report(f"{_RULE}\nparent values are:")
        for name, value in self._parents(node):
            report(f"=============\n{name}\n{value}")
        report(f"{_RULE}\n{_RULE}\n")

    def _rows(self, nodes: Iterable[SOp]) -> str:
        shown = [str(self.row(node)) for node in nodes]
        return f"({shown[0]},)" if len(shown) == 1 else f"({', '.join(shown)})"

    def _parents(self, node: Node) -> Iterator[tuple[str, str]]:
        """What the reference passes to a node: the selector or the input, then the values as tuples."""
        whole = "plain unfinished tuple"
        if isinstance(node, Aggregate):
            yield self.name(node.selector), str(self.matrix(node.selector))
            yield whole, self._rows([node.values])
            return
        yield "input", plain(self.input)
        match node:
            case Map(op=op, args=args):
                yield whole, self._rows(arg for arg in args if op is Op.IF or not isinstance(arg, Constant))
            case Select() | Negate() | Combine():
                parts = list(_parts(node))
                yield whole, self._rows(part.queries for part in parts)
                yield whole, self._rows(part.keys for part in parts)
            case Tokens() | Indices() | Constant():
                return


def same_input(left: Value, right: Value) -> bool:
    """Python's `==` on inputs. An s-op inside one equals everything, because to compare it gives an s-op."""
    todo = [(left, right)]
    while todo:
        left, right = todo.pop()
        if left is right or isinstance(left, SOpValue) or isinstance(right, SOpValue):
            continue
        if isinstance(left, tuple) and isinstance(right, tuple):
            if len(left) != len(right):
                return False
            todo += zip(left, right, strict=True)
        elif isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys():
                return False
            todo += [(value, right[key]) for key, value in left.items()]
        elif not (is_atom(left) and is_atom(right) and left == right):
            return False
    return True


def _parts(selector: Selector) -> Iterator[Select]:
    """The comparisons that a selector is composed of, from left to right."""
    todo: list[Selector] = [selector]
    while todo:
        match todo.pop():
            case Select() as part:
                yield part
            case Negate(operand=operand):
                todo.append(operand)
            case Combine(left=left, right=right):
                todo += [right, left]


def _viewed(view: View, item: Value) -> Atom:
    """Python's conversion of one element of the input."""
    if is_atom(item):
        try:
            return read_token(view, item, Numbers.IEEE)
        except OperatorError as error:
            raise python_error(str(error), None) from error
    if view is View.STR:
        return plain(item)
    if view is View.BOOL:
        return truth(item)
    kind = "int" if view is View.INT else "float"
    raise python_error(f"{kind}() argument must be a string or a real number, not '{type_name(item)}'", None)


def _lookup(table: Mapping[Atom, Atom], key: Atom) -> Atom:
    if key not in table:
        raise value_error(f"index [ {naming.describe(key)} ] not in dict.", None)
    return table[key]


def _operated(op: Op, operands: Iterable[tuple[Atom, ...]]) -> Row:
    meaning = function(op, Numbers.IEEE)
    values: list[Atom] = []
    for position in operands:
        try:
            values.append(meaning(*position))
        except OperatorError as error:
            outside = _complex(op, position)
            if outside is None:
                raise python_error(str(error), None) from error
            values.append(Foreign(outside))
    return _in_tuple(values)


def _complex(op: Op, operands: tuple[Atom, ...]) -> str | None:
    """The power of a negative number that is no real number: Python computes it, but no sequence can hold it."""
    if op is not Op.POW:
        return None
    base, exponent = operands
    if isinstance(base, str) or isinstance(exponent, str) or base >= 0:
        return None
    try:
        value = float(base) ** float(exponent)
    except ArithmeticError:
        return None
    return str(value) if isinstance(value, complex) else None


def _averaged(matrix: Matrix, values: tuple[Atom, ...], default: Atom) -> Row:
    """The default where nothing is selected, a single value as it is, the mean of several."""
    found: list[Atom] = []
    for row in matrix.rows:
        chosen = [value for key, value in enumerate(values) if row >> key & 1]
        found.append(default if not chosen else chosen[0] if len(chosen) == 1 else _mean(chosen, values))
    return _in_tuple(found)


def _mean(chosen: list[Atom], values: tuple[Atom, ...]) -> Atom:
    """The sum from left to right, times 1.0, divided by the count; every value of the s-op must be a number."""
    if common_kind(values) not in ("int", "float"):
        shown = plain(values)
        raise python_error(f"asked to average multiple values, but they are non-numbers: {shown}", None)
    total: int | float = 0
    try:
        for value in chosen:
            if isinstance(value, (int, float)):
                total += value
        return total * 1.0 / len(chosen)
    except OverflowError as error:
        raise python_error(str(error), None) from error


def _in_tuple(values: Sequence[Value]) -> Row:
    return checked(values, partial(tuple_text, values))
