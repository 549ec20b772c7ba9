"""What a selector compares at the key and at the query, and what it selects when each comparison has a truth."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, assert_never

import numpy as np
import numpy.typing as npt

from compiled.certificate.closure.claims import Claims
from compiled.meaning.formula import Both, Either, Formula, Holds, Literal, keys_of, literals, queries_of
from compiled.meaning.leaves import Count
from spec.graph import Aggregate, Combine, Junction, Negate, Select, Selector, SOp
from spec.operators import PREDICATE_OP, OperatorError, function
from spec.values import Atom

Comparison: TypeAlias = Select | Holds
Truths: TypeAlias = npt.NDArray[np.int8]
FAILS: Final = 2
"""In place of a truth: one of the comparisons has no value."""


def reads(column: Aggregate | Count) -> tuple[set[SOp], set[SOp]]:
    """What the column compares at the key and at the query."""
    match column:
        case Count(formula=part):
            return set(keys_of(part)), set(queries_of(part))
        case Aggregate(selector=selector):
            selects = [node for node in _parts(selector) if isinstance(node, Select)]
            return {node.keys for node in selects}, {node.queries for node in selects}
    assert_never(column)


def comparisons(what: Selector | Formula) -> list[Comparison]:
    """Every comparison that is made, once."""
    match what:
        case Literal() | Both() | Either():
            return list(dict.fromkeys(literal.atom for literal in literals(what)))
        case Select() | Negate() | Combine():
            return [node for node in _parts(what) if isinstance(node, Select)]
    assert_never(what)


def sides(comparison: Comparison) -> tuple[SOp, SOp | None]:
    """What is compared at the key, and with what at the query."""
    match comparison:
        case Select(keys=keys, queries=queries):
            return keys, queries
        case Holds(sop=sop):
            return sop, None
    assert_never(comparison)


def truth(comparison: Comparison, claims: Claims) -> Callable[[Atom, Atom], int]:
    """How it is compared: 0, 1, or `FAILS`."""
    match comparison:
        case Select(predicate=predicate):
            test = function(PREDICATE_OP[predicate], claims.numbers)
        case Holds(value=value):
            return lambda key, _: int(key == value)
        case _:
            assert_never(comparison)

    def compared(key: Atom, query: Atom) -> int:
        try:
            return int(bool(test(key, query)))
        except OperatorError:
            return FAILS

    return compared


def selected(what: Selector | Formula, truths: Mapping[Comparison, Truths], shape: tuple[int, ...]) -> Truths:
    """Whether it selects, from the truths of its comparisons; these are broadcast to the shape."""
    match what:
        case Literal(atom, positive):
            return truths[atom] if positive else _negated(truths[atom])
        case Both(parts) | Either(parts):
            found: Truths = np.full(shape, isinstance(what, Both), dtype=np.int8)
            for part in parts:
                found = _joined(found, selected(part, truths, shape), isinstance(what, Both))
            return found
        case Select() | Negate() | Combine():
            return _combined(what, truths)
    assert_never(what)


def _combined(what: Selector, truths: Mapping[Comparison, Truths]) -> Truths:
    done: dict[Selector, Truths] = {}
    for node in _parts(what):
        match node:
            case Select():
                done[node] = truths[node]
            case Negate(operand=operand):
                done[node] = _negated(done[operand])
            case Combine(junction=junction, left=left, right=right):
                done[node] = _joined(done[left], done[right], junction is Junction.AND)
            case _:
                assert_never(node)
    return done[what]


def _parts(selector: Selector) -> list[Selector]:
    """The selectors that this one is combined from, and itself; operands first."""
    seen: set[Selector] = set()
    stack: list[Selector] = [selector]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        match node:
            case Negate(operand=operand):
                stack.append(operand)
            case Combine(left=left, right=right):
                stack += [left, right]
            case Select():
                pass
            case _:
                assert_never(node)
    return sorted(seen, key=lambda node: node.id)


def by_number(sops: Iterable[SOp]) -> tuple[SOp, ...]:
    """The s-ops, each once, in the order of the program."""
    return tuple(sorted(set(sops), key=lambda sop: sop.id))


def _negated(truths: Truths) -> Truths:
    return np.where(truths == FAILS, FAILS, 1 - truths).astype(np.int8)


def _joined(left: Truths, right: Truths, both: bool) -> Truths:
    """`and` or `or`; without a value where one of the two has none, as in the interpreter."""
    joined = left & right if both else left | right
    return np.where((left == FAILS) | (right == FAILS), FAILS, joined).astype(np.int8)
