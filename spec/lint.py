"""Warnings about programs that mean something else than they seem to; the meaning itself never changes.

Parentheses silence every warning about precedence. Trees do not keep them, but spans tell: the span of an operation
starts before that of its left operand only if a parenthesis stands between, and likewise at its right end.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from spec.ast import (
    Assign,
    Binary,
    BinaryOp,
    Call,
    Expression,
    ExpressionStatement,
    For,
    FunctionDef,
    Name,
    Select,
    Statement,
    Ternary,
    Unary,
    UnaryOp,
)
from spec.diagnostics import Diagnostic, Severity
from spec.source import Source, Span
from spec.syntax_walk import walk_expressions, walk_statements

RULES = {
    "R0801": "`not a == b` is `(not a) == b`: `not` binds tighter than every binary operator",
    "R0802": "`a or b and c` is `(a or b) and c`: `and` and `or` bind alike, from the left",
    "R0803": "`a in b and c` is `a in (b and c)`: `in` binds loosest of all",
    "R0804": "`a if b else c if d else e` is `(a if b else c) if d else e`",
    "R0805": "`-a ^ b` is `(-a) ^ b`",
    "R0806": "`a % b * c` is `a % (b * c)`: `%` binds looser than `*` and `/`",
    "R0807": "`a < b < c` is `(a < b) < c`: comparisons do not chain",
    "R0808": "`a ^ b ^ c` is `(a ^ b) ^ c`",
    "R0809": "`range (x)`, with a space, calls a variable named `range`",
    "R0810": "a local or private name is assigned and never used",
    "R0811": "a selector stands alone as a statement, which does nothing",
    "R0812": "a selector is given a name that this file never uses",
    "R0813": "several statements stand on one line, where the reference drops them all",
    "R0814": "`x = indices;` makes the reference show `indices` itself as `x`",
}

_COMPARISONS = frozenset({BinaryOp.EQ, BinaryOp.LE, BinaryOp.GE, BinaryOp.GT, BinaryOp.LT})
_LOGIC = frozenset({BinaryOp.AND, BinaryOp.OR})
_TOKEN_CALLS = frozenset({"select", "aggregate", "range", "zip", "len"})
_BUILTINS = frozenset({"indices", "tokens", "tokens_str", "tokens_int", "tokens_float", "tokens_bool", "tokens_asis"})


class _Uses:
    """Where the names of a file are read. Contracts (`#@` lines) read them too."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._places: dict[str, list[int]] = defaultdict(list)
        for node in walk_expressions(*statements):
            if isinstance(node, Name):
                self._places[node.id].append(node.span.start)
        for places in self._places.values():
            places.sort()
        self._contract = _contract_words(statements[0].span.source) if statements else set()

    def anywhere(self, name: str) -> bool:
        """Whether the file or its contracts mention the name."""
        return name in self._places or name in self._contract

    def within(self, name: str, span: Span) -> bool:
        """Whether the name is read inside the span."""
        places = self._places.get(name, [])
        index = bisect_left(places, span.start)
        return index < len(places) and places[index] < span.end


def lint(statements: Sequence[Statement]) -> tuple[Diagnostic, ...]:
    """Every warning, in the order of the text."""
    uses = _Uses(statements)
    found = [
        *(warning for node in walk_expressions(*statements) for warning in _precedence(node)),
        *_spaced_calls(statements),
        *_unused(statements, uses),
        *_selectors(statements, uses),
        *_crowded_lines(statements),
        *_renamed_builtins(statements),
    ]
    return tuple(sorted(found, key=lambda warning: (warning.span.start if warning.span else 0, warning.code)))


def _warn(code: str, message: str, span: Span, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, span, hint, Severity.WARNING)


def _bare_left(node: Binary | Ternary) -> Expression | None:
    """The leftmost operand, unless it is in parentheses."""
    left = node.left if isinstance(node, Binary) else node.then
    return left if left.span.start == node.span.start else None


def _bare_right(node: Binary) -> Expression | None:
    """The right operand, unless it is in parentheses."""
    return node.right if node.right.span.end == node.span.end else None


def _is_binary(node: Expression | None, ops: frozenset[BinaryOp]) -> bool:
    return isinstance(node, Binary) and node.op in ops


def _precedence(node: Expression) -> Iterator[Diagnostic]:
    if isinstance(node, Ternary) and isinstance(_bare_left(node), Ternary):
        hint = "parenthesise the conditional after the first `else`, or the whole first conditional"
        yield _warn(
            "R0804", "this conditional decides between the whole one on its left and the last value", node.span, hint
        )
    if isinstance(node, Binary):
        yield from _left_operand(node)
        yield from _right_operand(node)


def _left_operand(node: Binary) -> Iterator[Diagnostic]:
    left, op = _bare_left(node), node.op.value
    if isinstance(left, Unary) and left.op is UnaryOp.NOT and node.op not in _LOGIC:
        message = f"`not` applies to the left side of `{op}` only"
        yield _warn("R0801", message, node.span, f"write `not (a {op} b)`, or `(not a) {op} b` if that is meant")
    elif isinstance(left, Unary) and left.op is UnaryOp.NEG and node.op is BinaryOp.POW:
        yield _warn("R0805", "the minus sign is raised to the power too", node.span, "write `-(a ^ b)` or `(-a) ^ b`")
    elif node.op is BinaryOp.AND and _is_binary(left, frozenset({BinaryOp.OR})):
        hint = "write `a or (b and c)`, or `(a or b) and c` if that is meant"
        yield _warn("R0802", "`and` applies to the whole `or` on its left", node.span, hint)
    elif node.op is BinaryOp.IN and (_is_binary(left, _LOGIC | _COMPARISONS) or isinstance(left, Ternary)):
        message = "everything on the left is looked up by `in`, which binds loosest of all"
        yield _warn("R0803", message, node.span, "put `(x in list)` in parentheses")
    elif node.op in _COMPARISONS and _is_binary(left, _COMPARISONS):
        hint = "write `(a < b) and (b < c)`, or `(a < b) < c` if that is meant"
        yield _warn("R0807", f"`{op}` compares the truth value on its left", node.span, hint)
    elif node.op is BinaryOp.POW and _is_binary(left, frozenset({BinaryOp.POW})):
        yield _warn("R0808", "powers associate to the left", node.span, "write `a ^ (b ^ c)` or `(a ^ b) ^ c`")


def _right_operand(node: Binary) -> Iterator[Diagnostic]:
    right = _bare_right(node)
    if node.op is BinaryOp.IN and (_is_binary(right, _LOGIC | _COMPARISONS) or isinstance(right, Ternary)):
        message = "everything on the right is the list of this `in`, which binds loosest of all"
        yield _warn("R0803", message, node.span, "put `(x in list)` in parentheses")
    if node.op is BinaryOp.MOD and _is_binary(right, frozenset({BinaryOp.MUL, BinaryOp.DIV})):
        hint = "write `(a % b) * c`, or `a % (b * c)` if that is meant"
        yield _warn("R0806", "the whole product on the right is the modulus", node.span, hint)


def _spaced_calls(statements: Sequence[Statement]) -> Iterator[Diagnostic]:
    defined = {name.id for statement in walk_statements(*statements) for name in _binds(statement)}
    for node in walk_expressions(*statements):
        match node:
            case Call(_, Name(span, name), _) if name in _TOKEN_CALLS - defined:
                yield _warn("R0809", f"this calls a variable named `{name}`", span, f"remove the space: `{name}(`")
            case _:
                pass


def _binds(statement: Statement) -> tuple[Name, ...]:
    """Every name that a statement gives a meaning to."""
    match statement:
        case Assign(_, names, _) | For(_, names):
            return names
        case FunctionDef(_, name, parameters):
            return (name, *parameters)
        case _:
            return ()


def _unused(statements: Sequence[Statement], uses: _Uses) -> Iterator[Diagnostic]:
    """Private names of the file, and locals of each function, which sees the names around it.

    Names that share one value (`a, b = pair;`) and those of loops are often there for their place only.
    """
    private = [name for name in _scope(statements) if name.id.startswith("_") and name.id != "_"]
    yield from (_never_used(name) for name in private if not uses.anywhere(name.id))
    for function in walk_statements(*statements):
        if isinstance(function, FunctionDef):
            local = _scope(function.body)
            yield from (_never_used(name) for name in local if not uses.within(name.id, function.span))


def _never_used(name: Name) -> Diagnostic:
    return _warn("R0810", f"`{name.id}` is assigned and never used", name.span)


def _scope(statements: Sequence[Statement]) -> list[Name]:
    """The first place of each name bound in one environment: loops share it, functions have their own."""
    names: dict[str, Name] = {}
    stack = [*reversed(statements)]
    while stack:
        match stack.pop():
            case Assign(_, (name,), _) | FunctionDef(_, name):
                names.setdefault(name.id, name)
            case For() as loop:
                stack += reversed(loop.body)
            case _:
                pass
    return list(names.values())


def _contract_words(source: Source) -> set[str]:
    """The words of the `#@` lines: contracts name s-ops."""
    lines = re.findall(r"^[ \t]*#@(.*)$", source.text, re.MULTILINE)
    return {word for line in lines for word in re.findall(r"[A-Za-z_][A-Za-z_0-9]*", line)}


def _selectors(statements: Sequence[Statement], uses: _Uses) -> Iterator[Diagnostic]:
    """Selectors that nothing can come of; only those that the syntax shows to be selectors."""
    known: set[str] = set()
    for statement in statements:
        match statement:
            case ExpressionStatement(span, (value,)) if _is_selector(value, known):
                yield _warn("R0811", "a selector alone has no effect", span, "give it to `aggregate(` or name it")
            case Assign(_, (name,), (value,)) if _is_selector(value, known):
                known.add(name.id)
                if not uses.anywhere(name.id) and not name.id.startswith("_"):
                    yield _warn("R0812", f"the selector `{name.id}` is never used in this file", name.span)
            case Assign(_, names, _):
                known -= {name.id for name in names}
            case _:
                pass


def _is_selector(node: Expression, known: set[str]) -> bool:
    """Whether a selector is evident: some `select(` or known name below `and`, `or` and `not` only."""
    stack = [node]
    while stack:
        part = stack.pop()
        match part:
            case Select():
                return True
            case Name(_, name) if name in known:
                return True
            case Binary(_, op, left, right) if op in _LOGIC:
                stack += [left, right]
            case Unary(_, UnaryOp.NOT, operand):
                stack.append(operand)
            case _:
                pass
    return False


def _crowded_lines(statements: Sequence[Statement]) -> Iterator[Diagnostic]:
    for before, after in pairwise(statements):
        if "\n" not in after.span.source.text[before.span.end : after.span.start]:
            yield _warn("R0813", "a second statement on this line: the reference drops them both", after.span)


def _renamed_builtins(statements: Sequence[Statement]) -> Iterator[Diagnostic]:
    for statement in walk_statements(*statements):
        match statement:
            case Assign(span, (Name(_, name),), (Name(_, value),)) if value in _BUILTINS and name != "tokens":
                message = f"the reference will show `{value}` under the name `{name}` from here on"
                yield _warn("R0814", message, span)
            case _:
                pass
