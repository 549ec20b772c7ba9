"""Selectors as formulas over comparisons: negation normal form, conjunctions, disjoint unions.

A head scores a conjunction as a sum, one summand for each `part`; a part compares something known at the key with
something known at the query. Literals are comparisons (`Select`) and facts about the key alone (`Holds`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias, assert_never

from compiled.errors import Refused
from spec.graph import Combine, Junction, Negate, Select, Selector, SOp
from spec.operators import PREDICATE_OP, OperatorError, function
from spec.values import Atom, Numbers


@dataclass(frozen=True)
class Holds:
    """`values[j] == value` at the key position j, for any query."""

    sop: SOp
    value: Atom


@dataclass(frozen=True)
class Literal:
    """A comparison, or its complement."""

    atom: Select | Holds
    positive: bool = True

    def negated(self) -> "Literal":
        """The complement."""
        return Literal(self.atom, not self.positive)


@dataclass(frozen=True)
class Both:
    """All of these."""

    parts: tuple["Formula", ...]

    @cached_property
    def _hash(self) -> int:
        return hash((Both, self.parts))

    def __hash__(self) -> int:
        """As of the parts, computed once."""
        return self._hash


@dataclass(frozen=True)
class Either:
    """At least one of these."""

    parts: tuple["Formula", ...]

    @cached_property
    def _hash(self) -> int:
        return hash((Either, self.parts))

    def __hash__(self) -> int:
        """As of the parts, computed once."""
        return self._hash


Formula: TypeAlias = Literal | Both | Either
TRUE: Final = Both(())
MAX_DEPTH: Final = 40
MAX_LITERALS: Final = 64


def formula(selector: Selector) -> Formula:
    """The selector in negation normal form; `Refused` when it combines more comparisons than the compiler takes.

    Selectors share operands, so the work is once per node and sign.
    """
    _check_size(selector)
    done: dict[tuple[Selector, bool], Formula] = {}
    stack: list[tuple[Selector, bool]] = [(selector, True)]
    while stack:
        node, sign = stack[-1]
        match node:
            case Select():
                done[node, sign] = Literal(node, sign)
                needs: list[tuple[Selector, bool]] = []
            case Negate(operand=operand):
                needs = [(operand, not sign)]
                if needs[0] in done:
                    done[node, sign] = done[needs[0]]
            case Combine(junction=junction, left=left, right=right):
                needs = [(left, sign), (right, sign)]
                if all(need in done for need in needs):
                    sides = (done[needs[0]], done[needs[1]])
                    both = (junction is Junction.AND) is sign
                    done[node, sign] = conjunction(sides) if both else disjunction(sides)
            case _:
                assert_never(node)
        missing = [need for need in needs if need not in done]
        if missing:
            stack.extend(missing)
        else:
            stack.pop()
    return done[selector, True]


def _check_size(selector: Selector) -> None:
    stack: list[tuple[Selector, int]] = [(selector, 0)]
    comparisons = 0
    while stack:
        node, depth = stack.pop()
        comparisons += isinstance(node, Select)
        if depth > MAX_DEPTH or comparisons > MAX_LITERALS:
            raise Refused(f"a selector combines more than {MAX_LITERALS} comparisons or nests deeper than {MAX_DEPTH}")
        match node:
            case Select():
                pass
            case Negate(operand=operand):
                stack.append((operand, depth + 1))
            case Combine(left=left, right=right):
                stack += [(left, depth + 1), (right, depth + 1)]
            case _:
                assert_never(node)


def conjunction(parts: Iterable[Formula]) -> Formula:
    """All of the parts, flattened, each once."""
    flat: dict[Formula, None] = {}
    for part in parts:
        flat.update(dict.fromkeys(part.parts if isinstance(part, Both) else (part,)))
    return next(iter(flat)) if len(flat) == 1 else Both(tuple(flat))


def disjunction(parts: Iterable[Formula]) -> Formula:
    """One of the parts, flattened, each once."""
    flat: dict[Formula, None] = {}
    for part in parts:
        flat.update(dict.fromkeys(part.parts if isinstance(part, Either) else (part,)))
    return next(iter(flat)) if len(flat) == 1 else Either(tuple(flat))


def negation(part: Formula) -> Formula:
    """The complement, in negation normal form; formulas are as deep as the selector was written."""
    match part:
        case Literal():
            return part.negated()
        case Both(parts):
            return disjunction(map(negation, parts))
        case Either(parts):
            return conjunction(map(negation, parts))
    assert_never(part)


def literals(part: Formula) -> Iterator[Literal]:
    """Every literal, in order."""
    stack: list[Formula] = [part]
    while stack:
        top = stack.pop()
        match top:
            case Literal():
                yield top
            case Both(parts) | Either(parts):
                stack.extend(reversed(parts))
            case _:
                assert_never(top)


def keys_of(part: Formula) -> tuple[SOp, ...]:
    """The s-ops that the formula reads at the key, each once, by number."""
    found = {lit.atom.keys if isinstance(lit.atom, Select) else lit.atom.sop for lit in literals(part)}
    return tuple(sorted(found, key=lambda node: node.id))


def queries_of(part: Formula) -> tuple[SOp, ...]:
    """The s-ops that the formula reads at the query, each once, by number."""
    found = {lit.atom.queries for lit in literals(part) if isinstance(lit.atom, Select)}
    return tuple(sorted(found, key=lambda node: node.id))


def conjuncts(part: Formula) -> tuple[Formula, ...]:
    """The formula as a list of parts that must all hold; those that read the same things are one part."""
    parts = part.parts if isinstance(part, Both) else (part,)
    grouped: dict[tuple[tuple[SOp, ...], tuple[SOp, ...]], list[Formula]] = {}
    for one in parts:
        grouped.setdefault((keys_of(one), queries_of(one)), []).append(one)
    return tuple(conjunction(group) for group in grouped.values())


def holds(part: Formula, key: Mapping[SOp, Atom], query: Mapping[SOp, Atom], numbers: Numbers) -> bool:
    """Whether the formula holds for these values; `OperatorError` when a comparison has no value."""
    match part:
        case Literal(Select() as atom, positive):
            left, right = key[atom.keys], query[atom.queries]
            return bool(function(PREDICATE_OP[atom.predicate], numbers)(left, right)) is positive
        case Literal(Holds(sop, value), positive):
            return (key[sop] == value) is positive
        case Both(parts):
            # Every comparison is made, as in the interpreter: one that has no value fails whatever the others say.
            every = [holds(one, key, query, numbers) for one in parts]
            return all(every)
        case Either(parts):
            some = [holds(one, key, query, numbers) for one in parts]
            return any(some)
        case _:
            raise OperatorError("not a formula")


def disjoint(part: Formula, limit: int) -> tuple[Formula, ...] | None:
    """Conjunctions of literals of which exactly one holds whenever `part` does, or None when more than `limit`.

    a or b is a, or (not a) and b; single literals go first, because their complements are literals.
    """
    todo: list[Formula] = [part]
    done: list[Formula] = []
    while todo:
        if len(todo) + len(done) > limit:
            return None
        top = todo.pop()
        inner = top.parts if isinstance(top, Both) else (top,)
        choice = next((one for one in inner if isinstance(one, Either)), None)
        if choice is None:
            done.append(top)
            continue
        rest = [one for one in inner if one is not choice]
        first, *others = sorted(choice.parts, key=lambda one: not isinstance(one, Literal))
        todo.append(conjunction([*rest, first]))
        todo.append(conjunction([*rest, negation(first), disjunction(others)]))
    return tuple(reversed(done))
