"""A graph back to RASP text: the same computation as a program that any implementation of the language loads.

The text does not spell out how the graph was made; it elaborates to a graph with the same values and failures on every
input. What the library counts with (`spec.idiom`) becomes a call of `selector_width` again. Nodes that are read more
than once have a line each, in topological order; shorter ones are written where they are read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import copysign, isfinite
from typing import Final, assert_never

from spec.diagnostics import Diagnostic, UsageError
from spec.graph import (
    Aggregate,
    Combine,
    Constant,
    Indices,
    Map,
    Negate,
    Node,
    Select,
    Selector,
    Tokens,
    View,
    operands,
)
from spec.idiom import counted
from spec.operators import Item, Lookup, Member, Op
from spec.values import Atom, Kind, atom_key, kind_of

_MOST_INLINE: Final = 48
"""Expressions of at most so many characters are written where they are read, when that is once."""
_BUILTIN: Final = frozenset({"tokens", "indices", "selector_width", *(view.value for view in View)})


def decompile(outputs: Mapping[str, Node], names: Mapping[Node, str] | None = None) -> str:
    """The program that defines these outputs; `names` are for what it defines on the way.

    Raises `UsageError` where the language has no literal for an atom.
    """
    return _Writer(outputs, names or {}).text()


def literal(atom: Atom) -> str:
    """An expression that is this very atom, kind included."""
    match atom:
        case str() if '"' not in atom and atom.isprintable():
            return f'"{atom}"'
        case bool():
            return str(atom)
        case int():
            return str(atom) if atom >= 0 else f"(-{-atom})"
        case Fraction() if atom.denominator == 1:
            return f"{atom.numerator}.0" if atom >= 0 else f"(-{-atom.numerator}.0)"
        case Fraction():
            return f"({atom.numerator} / {atom.denominator})"
        case float() if isfinite(atom):
            return _double(abs(atom)) if copysign(1.0, atom) > 0 else f"(-{_double(abs(atom))})"
        case _:
            raise UsageError(Diagnostic("R0505", f"no RASP program: RASP has no literal for {atom!r}"))


def _double(value: float) -> str:
    """Digits, or the quotient of two integers that is rounded to this double: literals have no exponent."""
    digits = repr(value)
    if "e" not in digits:
        return digits
    above, below = value.as_integer_ratio()
    return f"({above} / {below})"


class _Writer:
    def __init__(self, outputs: Mapping[str, Node], names: Mapping[Node, str]) -> None:
        self.outputs = outputs
        self.order = _needed(outputs.values())
        self.uses = Counter(below for node in self.order for below in _read_by(node))
        taken = set(outputs) | _BUILTIN
        self.names: dict[Node, str] = {node: name for name, node in outputs.items() if not isinstance(node, _LEAVES)}
        for node in self.order:
            name = names.get(node)
            if name is not None and name not in taken and node not in self.names and not isinstance(node, _LEAVES):
                taken.add(name)
                self.names[node] = name
        self.taken = taken
        self.fresh = 0
        self.written: dict[Node, str] = {}
        """What a node is as an operand."""
        self.alone: dict[Node, str] = {}
        """What it is between brackets or commas."""
        self.lines: list[str] = []

    def text(self) -> str:
        """All lines."""
        for node in self.order:
            self._write(node)
        for name, node in self.outputs.items():
            if self.names.get(node) != name:
                value = self._lifted(node) if isinstance(node, Constant) else self.alone[node]
                self.lines.append(f"{name} = {value};")
        return "\n".join(self.lines) + "\n"

    def _write(self, node: Node) -> None:
        expression = self._expression(node)
        self.alone[node] = expression
        if isinstance(node, _LEAVES):
            self.written[node] = expression
        elif node in self.names or self.uses[node] > 1 or len(expression) > _MOST_INLINE:
            name = self.names.get(node) or self._name("s" if isinstance(node, Selector) else "x")
            self.lines.append(f"{name} = {expression};")
            self.written[node] = self.alone[node] = name
        else:
            self.written[node] = expression if _is_call(node) else f"({expression})"

    def _name(self, letter: str) -> str:
        while True:
            self.fresh += 1
            name = f"{letter}{self.fresh}"
            if name not in self.taken:
                return name

    def _expression(self, node: Node) -> str:
        match node:
            case Tokens(view=view):
                return "tokens" if view is View.STR else view.value
            case Indices():
                return "indices"
            case Constant(value=value):
                return literal(value)
            case Map():
                selector = counted(node)
                return self._map(node) if selector is None else f"selector_width({self.alone[selector]})"
            case Aggregate(selector=selector, values=values, default=default):
                last = "" if atom_key(default) == atom_key(0) else f", {literal(default)}"
                return f"aggregate({self.alone[selector]}, {self.alone[values]}{last})"
            case Select(keys=keys, queries=queries, predicate=predicate):
                return f"select({self.alone[keys]}, {self.alone[queries]}, {predicate.value})"
            case Negate(operand=operand):
                return f"not {self.written[operand]}"
            case Combine(junction=junction, left=left, right=right):
                return f"{self.written[left]} {junction.value} {self.written[right]}"
        assert_never(node)

    def _map(self, node: Map) -> str:
        args, alone = [self.written[arg] for arg in node.args], self.alone[node.args[0]]
        if all(isinstance(arg, Constant) for arg in node.args) or _needs_sop(node):
            alone = self._lifted(node.args[0])
            args[0] = f"({alone})"
        match node.op:
            case Item(values=values, text=text):
                return f"{literal(''.join(map(str, values))) if text else _listed(values)}[{alone}]"
            case Lookup(keys=keys, values=values):
                pairs = (f"{literal(key)}: {literal(value)}" for key, value in zip(keys, values, strict=True))
                return f"{{{', '.join(pairs)}}}[{alone}]"
            case Member(values=values):
                return f"{args[0]} in {_listed(values)}"
            case Op.IF:
                return f"{args[1]} if {args[0]} else {args[2]}"
            case Op.ROUND | Op.INDICATOR:
                return f"{node.op.value}({alone})"
            case Op.NOT:
                return f"not {args[0]}"
            case Op.POS | Op.NEG:
                return f"{node.op.value[0]}{args[0]}"
            case Op.NE:
                return f"not ({args[0]} == {args[1]})"
            case _:
                return f"{args[0]} {node.op.value} {args[1]}"

    def _lifted(self, node: Node) -> str:
        """A constant as an s-op: between atoms an operator belongs to the script, and computes a single value."""
        return f"{self.written[node]} if indices == indices else {self.written[node]}"


_LEAVES: Final = (Tokens, Indices, Constant)


def _read_by(node: Node) -> tuple[Node, ...]:
    """What the text of a node mentions."""
    selector = counted(node)
    return operands(node) if selector is None else (selector,)


def _needed(roots: Iterable[Node]) -> Sequence[Node]:
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(_read_by(node))
    return sorted(seen, key=lambda node: node.id)


def _needs_sop(node: Map) -> bool:
    """Whether the first operand is an atom where only an s-op may stand: a condition, a string on the left of `%`."""
    first = node.args[0]
    if not isinstance(first, Constant):
        return False
    return node.op is Op.IF or (node.op is Op.MOD and kind_of(first.value) is Kind.STR)


def _is_call(node: Node) -> bool:
    """Whether the text of a node is a call, which binds tighter than anything around it."""
    match node:
        case Aggregate() | Select():
            return True
        case Map(op=op):
            return op in (Op.ROUND, Op.INDICATOR)
        case _:
            return False


def _listed(values: Iterable[Atom]) -> str:
    return f"[{', '.join(map(literal, values))}]"
