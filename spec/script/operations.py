"""The operators of the script: Python's on atoms and lists, graph nodes on s-ops and selectors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from spec.ast import BinaryOp, Predicate, UnaryOp
from spec.diagnostics import Diagnostic, Severity
from spec.graph import Combine, Graph, Indices, Junction, Negate, Select, Selector, SOp
from spec.operators import Item, Lookup, Member, Op, Operator, OperatorError, apply
from spec.script import naming
from spec.script.budget import Meter
from spec.script.compare import equal, ordered
from spec.script.errors import USELESS_CODE, illegal_values, python_error, type_error, unsupported
from spec.script.values import Foreign, Handle, SelectorValue, SOpValue, Value, is_atom, is_handle, truth, type_name
from spec.source import Span
from spec.values import Atom, Numbers

_OPS: Final[Mapping[BinaryOp, Op]] = MappingProxyType(
    {
        BinaryOp.POW: Op.POW,
        BinaryOp.MUL: Op.MUL,
        BinaryOp.DIV: Op.DIV,
        BinaryOp.MOD: Op.MOD,
        BinaryOp.ADD: Op.ADD,
        BinaryOp.SUB: Op.SUB,
        BinaryOp.EQ: Op.EQ,
        BinaryOp.LE: Op.LE,
        BinaryOp.GE: Op.GE,
        BinaryOp.GT: Op.GT,
        BinaryOp.LT: Op.LT,
    }
)
_FLIPPED: Final[Mapping[Op, Op]] = MappingProxyType(
    {Op.EQ: Op.EQ, Op.LE: Op.GE, Op.GE: Op.LE, Op.LT: Op.GT, Op.GT: Op.LT}
)
_ORDERS: Final = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
_UNARY: Final[Mapping[UnaryOp, Op]] = MappingProxyType({UnaryOp.NEG: Op.NEG, UnaryOp.POS: Op.POS})
_BITS_PER_STEP: Final = 64


@dataclass(eq=False)
class Operations:
    """Makes values out of values. Everything that becomes a graph node is made here, under the budget."""

    graph: Graph
    meter: Meter
    warnings: list[Diagnostic] = field(default_factory=list)
    indices: Indices = field(init=False)
    defers: bool = False
    """Whether a value that cannot be in a sequence, or be compared, is refused only when an evaluation meets it, as
    at a prompt."""
    _everything: Select | None = None

    def __post_init__(self) -> None:
        self.indices = self.graph.indices()

    @property
    def numbers(self) -> Numbers:
        """The meaning of reals."""
        return self.graph.numbers

    # -------------------------------------------------------------------------------------------- nodes

    def sop(self, node: SOp, name: str, span: Span) -> SOpValue:
        """A new handle on a node, accounted for."""
        self.meter.node(len(self.graph), span)
        return SOpValue(node, naming.sop_name(name))

    def selector(self, node: Selector, span: Span) -> SelectorValue:
        """A new handle on a selector, accounted for."""
        self.meter.node(len(self.graph), span)
        return SelectorValue(node, naming.SELECT_NAME)

    def map(self, op: Operator, name: str, span: Span, *args: SOp) -> SOpValue:
        """An elementwise s-op; one that cannot succeed on any input is worth a warning."""
        if isinstance(op, (Item, Lookup, Member)):
            entries = 8 * len(op.values)  # what interning keeps of the table
            self.meter.allocate(entries, span)
            self.meter.step(span, entries // 16)
        known = len(self.graph)
        node = self.graph.map(op, *args, span=span)
        if not node.kinds and len(self.graph) > known and all(arg.kinds for arg in args):
            text = f"this s-op fails on every input: {_sign(op)} has no value on these types"
            self.warnings.append(Diagnostic(USELESS_CODE, text, span, severity=Severity.WARNING))
        return self.sop(node, name, span)

    def everything(self, span: Span) -> Select:
        """The selector of all positions that `in` uses, one for the whole program."""
        if self._everything is None:
            one = self.graph.constant(1, span)
            self._everything = self.graph.select(one, one, Predicate.EQ, span)
        return self._everything

    def as_sop(self, value: Value, span: Span) -> SOpValue:
        """An s-op as it is, and an atom at every position."""
        if isinstance(value, SOpValue):
            return value
        if is_atom(value):
            return self.sop(self.graph.constant(value, span), naming.python_text(value), span)
        atom = self.only_atom(value, span)
        return self.sop(self.graph.constant(atom, span), naming.python_text(value), span)

    def only_atom(self, value: Value, span: Span) -> Atom:
        """The value if it is an atom; otherwise an error, now or when an evaluation meets what stands for it."""
        if is_atom(value):
            return value
        if self.defers:
            return Foreign(naming.python_text((value,))[1:-1])
        raise self.not_atoms(value, span)

    def not_atoms(self, value: Value, span: Span) -> Exception:
        """The error for a sequence that would hold this value at every position."""
        hint = f"only atoms can stand in for an s-op, and this is a {type_name(value)}"
        return illegal_values(f"({naming.python_text((value,))[1:-1]},)", span, hint)

    def table(self, values: tuple[Value, ...], span: Span) -> tuple[Atom, ...]:
        """The entries of a list or dictionary that is read at every position."""
        self.meter.step(span, len(values) // 16)
        return tuple(self.only_atom(value, span) for value in values)

    # -------------------------------------------------------------------------------------------- unary

    def unary(self, op: UnaryOp, value: Value, span: Span) -> Value:
        """`not e`, `-e`, `+e`."""
        if op is UnaryOp.NOT:
            return self._not(value, span)
        if isinstance(value, SOpValue):
            return self.map(_UNARY[op], naming.prefix(op.value, value), span, value.node)
        if is_atom(value) and not isinstance(value, str):
            return self.atom(_UNARY[op], span, value)
        raise python_error(f"bad operand type for unary {op.value}: '{type_name(value)}'", span)

    def _not(self, value: Value, span: Span) -> Value:
        match value:
            case SOpValue(node=node):
                return self.map(Op.NOT, naming.prefix("not", value), span, node)
            case SelectorValue(node=selector):
                negated: Negate = self.graph.negate(selector, span)
                return self.selector(negated, span)
            case _:
                return not truth(value)

    def atom(self, op: Op, span: Span, *args: Atom) -> Atom:
        """An operator on atoms."""
        self._charge(args, span)
        try:
            value = apply(op, args, self.numbers)
        except OperatorError as error:
            raise python_error(str(error), span) from error
        self.meter.allocate(self._charge((value,), span), span)
        return value

    def _charge(self, atoms: tuple[Atom, ...], span: Span) -> int:
        """Spend what arithmetic on these atoms costs, and say how large they are."""
        size = sum(map(_words, atoms)) - len(atoms)
        if size:
            self.meter.step(span, size)
        return size

    # -------------------------------------------------------------------------------------------- binary

    def binary(self, op: BinaryOp, left: Value, right: Value, span: Span) -> Value:
        """Every infix operator except `in`."""
        if op is BinaryOp.AND or op is BinaryOp.OR:
            return self._junction(op, left, right, span)
        if isinstance(left, SelectorValue) or isinstance(right, SelectorValue):
            raise type_error(f"Cannot apply {op.value} to selector(s)", span)
        if isinstance(left, SOpValue) or isinstance(right, SOpValue):
            return self._elementwise(_OPS[op], left, right, span)
        if is_atom(left) and is_atom(right):
            return self.atom(_OPS[op], span, left, right)
        return self._structural(_OPS[op], left, right, span)

    def _junction(self, op: BinaryOp, left: Value, right: Value, span: Span) -> Value:
        """`and`, `or`: of selectors, of s-ops (both sides as truth values), or Python's choice of one side."""
        if not is_handle(left) and not is_handle(right):
            takes_right = truth(left) is (op is BinaryOp.AND)
            return right if takes_right else left
        if isinstance(left, SelectorValue) and isinstance(right, SelectorValue):
            junction = Junction.AND if op is BinaryOp.AND else Junction.OR
            combined: Combine = self.graph.combine(junction, left.node, right.node, span)
            return self.selector(combined, span)
        if isinstance(left, SelectorValue) or isinstance(right, SelectorValue):
            raise type_error("Cannot apply and/or between selector and non-selector", span)
        name = naming.junction(left, op.value, right)
        operands = self.as_sop(left, span).node, self.as_sop(right, span).node
        return self.map(Op.AND if op is BinaryOp.AND else Op.OR, name, span, *operands)

    def _elementwise(self, op: Op, left: Value, right: Value, span: Span) -> SOpValue:
        """An operator at every position; an atom on the left of a comparison moves to the right, as in Python."""
        if isinstance(left, str) and op is Op.MOD:
            raise python_error("an s-op cannot be formatted into a string", span, "is % meant to be +?")
        if not isinstance(left, SOpValue) and op in _FLIPPED:
            left, right, op = right, left, _FLIPPED[op]
        name = naming.infix(left, op.value, right)
        for value in left, right:
            if not isinstance(value, SOpValue) and not is_atom(value):
                if op is Op.EQ and isinstance(left, SOpValue):
                    return self.map(Member(()), name, span, left.node)  # no atom equals it
                raise unsupported(op.value, left, right, span)
        operands = self._operand(left, span), self._operand(right, span)
        return self.map(op, name, span, *operands)

    def _operand(self, value: Value, span: Span) -> SOp:
        return value.node if isinstance(value, SOpValue) else self.as_sop(value, span).node

    def _structural(self, op: Op, left: Value, right: Value, span: Span) -> Value:
        """Operators on lists, dictionaries, functions and results."""
        if op is Op.EQ:
            return equal(left, right, self.meter, span, self.defers)
        if isinstance(left, tuple) and isinstance(right, tuple):
            if op is Op.ADD:
                self.meter.made(len(left) + len(right), span)
                return left + right
            if op in _ORDERS:
                return ordered(op, left, right, self.numbers, self.meter, span, self.defers)
        if op is Op.MUL:
            for values, times in (left, right), (right, left):
                if isinstance(values, tuple) and isinstance(times, int):
                    self.meter.made(len(values) * max(0, times), span)
                    return values * times
        if op is Op.MOD and isinstance(left, str):
            raise python_error(f"a {type_name(right)} cannot be formatted into a string", span)
        raise unsupported(op.value, left, right, span)

    # -------------------------------------------------------------------------------------------- others

    def choice(self, condition: Handle, then: Value, otherwise: Value, span: Span) -> SOpValue:
        """A ternary whose condition is an s-op: all three operands at every position."""
        parts = [self.as_sop(value, span) for value in (condition, then, otherwise)]
        name = f"{parts[1].name} if {parts[0].name} else {parts[2].name}"
        return self.map(Op.IF, name, span, *(part.node for part in parts))

    def contains(self, item: Value, container: Value, container_name: str | None, span: Span) -> Value:
        """`item in container`; the container goes by its variable's name, if it is one."""
        if isinstance(item, SOpValue):
            return self._elements_in(item, container, container_name, span)
        if is_atom(item):
            return self._atom_in(item, container, span)
        shown = naming.describe(item)
        match type_name(item):
            case "selector" | "function" as found:
                kind = "select" if found == "selector" else found
                text = f"don't check if {kind} is contained in list/dict: unless exact same instance, "
                raise type_error(f"{text}unable to check equivalence of {kind}s", span)
            case _:
                raise type_error(f'"A in X" expects A to be s-op or atom, but got A: {shown}', span)

    def _elements_in(self, item: SOpValue, container: Value, name: str | None, span: Span) -> SOpValue:
        shown = naming.describe(container)
        expects = '"[s-op] in X" expects X to be list of atoms, but got'
        if not isinstance(container, tuple):
            raise type_error(f"{expects} non-list: {shown}", span)
        atoms = tuple(value for value in container if is_atom(value))
        if len(atoms) != len(container):
            raise type_error(f"{expects} list with values: {shown}", span)
        if name is None:
            name = naming.python_text(container)
        return self.map(Member(atoms), f"{item.name} in {name}", span, item.node)

    def _atom_in(self, item: Atom, container: Value, span: Span) -> Value:
        if isinstance(container, tuple):
            return any(equal(item, value, self.meter, span, self.defers) for value in container)
        if not isinstance(container, SOpValue):
            text = f'"[atom] in X" expects X to be list or s-op, but got: {naming.describe(container)}'
            raise type_error(text, span)
        same = self.graph.map(Op.EQ, container.node, self.graph.constant(item, span), span=span)
        found = self.graph.map(Op.INDICATOR, same, span=span)
        share = self.graph.aggregate(self.everything(span), found, span=span)
        return self.binary(BinaryOp.GT, self.sop(share, naming.SOP_NAME, span), 0, span)


def _words(value: Atom) -> int:
    """How many machine words an atom needs, beyond the first roughly the steps that its arithmetic costs."""
    match value:
        case bool() | float():
            return 1
        case int():
            return 1 + value.bit_length() // _BITS_PER_STEP
        case Fraction():
            return 1 + (value.numerator.bit_length() + value.denominator.bit_length()) // _BITS_PER_STEP
        case str():
            return 1 + len(value) // 8


def _sign(op: Operator) -> str:
    return op.value if isinstance(op, Op) else "a table"
