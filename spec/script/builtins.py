"""The named constructs: `select`, `aggregate`, `round`, `indicator`, `range`, `zip`, `len`, and indexing."""

from dataclasses import dataclass

from spec.ast import Predicate
from spec.graph import SOp
from spec.operators import Item, Lookup, Op
from spec.script import naming
from spec.script.environment import OUT, Environment
from spec.script.errors import python_error, type_error, value_error
from spec.script.naming import describe
from spec.script.operations import Operations
from spec.script.values import Applied, SelectorValue, SOpValue, Value, is_atom, is_handle, type_name
from spec.source import Span
from spec.values import Atom


@dataclass(frozen=True, eq=False)
class Builtins:
    """The constructs, on top of the operators."""

    operations: Operations

    def select(self, keys: Value, queries: Value, predicate: Predicate, span: Span) -> SelectorValue:
        """`select(keys, queries, predicate)`; atoms are constant s-ops."""
        make = self.operations
        key, query = make.as_sop(keys, span).node, make.as_sop(queries, span).node
        return make.selector(make.graph.select(key, query, predicate, span), span)

    def aggregate(self, selector: Value, values: Value, default: Value | None, span: Span) -> SOpValue:
        """`aggregate(selector, values[, default])`; the default is the integer 0."""
        make = self.operations
        if not isinstance(selector, SelectorValue):
            raise type_error(f"Expected selector, got: {describe(selector)}", span)
        if default is None:
            default = 0
        if is_handle(default):
            raise type_error(f"Expected atom, got: {describe(default)}", span)
        averaged, atom = make.as_sop(values, span), make.only_atom(default, span)
        node = make.graph.aggregate(selector.node, averaged.node, atom, span)
        return make.sop(node, naming.SOP_NAME, span)

    def round(self, value: Value, span: Span) -> Value:
        """`round(e)`, to even."""
        make = self.operations
        if isinstance(value, SOpValue):
            return make.map(Op.ROUND, naming.prefix("round", value), span, value.node)
        if is_atom(value):
            return make.atom(Op.ROUND, span, value)
        raise python_error(f"type {type_name(value)} doesn't define __round__ method", span)

    def indicator(self, value: Value, span: Span) -> SOpValue:
        """`indicator(e)`: 1 where the s-op is true, 0 elsewhere."""
        if not isinstance(value, SOpValue):
            raise type_error(f"indicator operator expects s-op, got: {naming.python_text(value)}", span)
        return self.operations.map(Op.INDICATOR, f"I({value.name})", span, value.node)

    def range(self, values: list[Value], span: Span) -> Value:
        """`range(stop)`, `range(start, stop)`, `range(start, stop, step)` as a list."""
        if not 1 <= len(values) <= 3:
            text = "wrong number of inputs to range, expected: 1, 2, or 3, got:"
            raise type_error(f"{text} {len(values)}", span)
        whole = [value for value in values if isinstance(value, int)]
        if len(whole) != len(values):
            raise type_error(f"range expects all integer inputs, but got: {describe(tuple(values))}", span)
        try:
            numbers = range(*whole)
            size = len(numbers)
        except ValueError as error:
            raise python_error(str(error), span) from error
        except OverflowError:  # more than an index can say
            size = self.operations.meter.budget.items + 1
            numbers = range(0)
        self.operations.meter.made(size, span)
        return tuple(numbers)

    def zip(self, values: list[Value], span: Span) -> Value:
        """`zip(list, ..)`: a list of lists."""
        lists: list[tuple[Value, ...]] = []
        for position, value in enumerate(values, 1):
            if not isinstance(value, tuple):
                text = f"attempting to zip lists, but {position} -th element is not list: {describe(value)}"
                raise type_error(text, span)
            lists.append(value)
        for position, value in enumerate(lists, 1):
            if len(value) != len(lists[0]):
                text = f"attempting to zip lists of length {len(lists[0])} , "
                raise type_error(f"{text}but {position} -th list has length {len(value)}", span)
        self.operations.meter.made(len(lists[0]), span)
        self.operations.meter.allocate(len(lists) * len(lists[0]), span)
        return tuple(zip(*lists, strict=True))

    def length(self, value: Value, span: Span) -> int:
        """`len(list)`."""
        if not isinstance(value, tuple):
            raise type_error(f"attempting to compute length of non-list: {describe(value)}", span)
        return len(value)

    # -------------------------------------------------------------------------------------------- indexing

    def index(self, collection: Value, index: Value, names: tuple[str, str], env: Environment, span: Span) -> Value:
        """`collection[index]`; `names` are the variables written there, or `out`."""
        if isinstance(index, Applied) and not index.held and isinstance(collection, (tuple, str, dict, SOpValue)):
            raise python_error("the result of an application cannot be an index", span)
        match collection:
            case tuple() | str():
                return self._item(collection, index, names, span)
            case dict():
                return self._entry(collection, index, names, span)
            case SOpValue():
                return self._position(collection, index, env, span)
            case _:
                text = "can only index into a list, dict, string,or sequence, but instead got:"
                shown = describe(collection)
                if isinstance(collection, Applied) and not collection.held and collection.result is not None:
                    shown = str(collection.result)
                raise type_error(f"{text} {shown}", span)

    def _item(self, values: tuple[Value, ...] | str, index: Value, names: tuple[str, str], span: Span) -> Value:
        kind = "string" if isinstance(values, str) else "list"
        if isinstance(index, SOpValue):
            atoms = self.operations.table(tuple(values), span)
            op = Item(atoms, text=isinstance(values, str))
            return self.operations.map(op, _indexed(*names), span, index.node)
        if not isinstance(index, int):
            text = f"index into {kind} has to be s-op or integer, got: {describe(index)}"
            raise type_error(text, span)
        if not -len(values) <= index < len(values):
            text = f"index {naming.number_text(index)} out of range for {kind} of length {len(values)}"
            raise value_error(text, span)
        return values[index]

    def _entry(self, entries: dict[Atom, Value], index: Value, names: tuple[str, str], span: Span) -> Value:
        if isinstance(index, SOpValue):
            keys = self.operations.table(tuple(entries.keys()), span)
            values = self.operations.table(tuple(entries.values()), span)
            return self.operations.map(Lookup(keys, values), _indexed(*names), span, index.node)
        if not is_atom(index):
            text = "index into dict has to be s-op or atom (i.e., string, int, float, bool), got:"
            raise type_error(f"{text} {describe(index)}", span)
        if index not in entries:
            raise value_error(f"index [ {describe(index)} ] not in dict.", span)
        return entries[index]

    def _position(self, sop: SOpValue, index: Value, env: Environment, span: Span) -> SOpValue:
        """The value at one position, everywhere: an aggregate that selects that position (0 where there is none)."""
        if not isinstance(index, int):
            raise value_error(f"index into sequence has to be integer, got: {describe(index)}", span)
        make = self.operations
        where: SOp
        if index >= 0:
            where = make.graph.constant(index, span)
        else:
            length = env.get("length", span)
            if not isinstance(length, SOpValue):
                raise python_error("`length` is not an s-op here, so a negative index has no meaning", span)
            offset = make.graph.constant(index, span)
            where = make.graph.map(Op.ADD, length.node, offset, span=span)
        at = make.graph.select(make.indices, where, Predicate.EQ, span)
        value = make.graph.aggregate(at, sop.node, span=span)
        return make.sop(value, f"{sop.name}[{naming.number_text(index)}]", span)


def _indexed(collection: str, index: str) -> str:
    return f"{collection}[{index}]"


def index_name(written: str | None) -> str:
    """How the operand of an indexing is called: its variable, or `out` for anything computed."""
    return OUT if written is None else written
