"""Exhaustive evaluation: the terms on every input, a batch at a time, in lexicographic order.

The first hit is the least counterexample. Inputs are laid out in two dimensions, the last positions along the
second, so that terms which read few positions are computed on few inputs; numpy broadcasts the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from math import prod
from operator import and_
from time import monotonic
from typing import Final, assert_never

import numpy as np

from spec.operators import Op, Operator
from verifier.encodings.columns import TRUTH, Array, Column, Table, TooManyValues, Values
from verifier.encodings.meaning import EMPTY, FAILED, FALSE, TRUE, Coded
from verifier.encodings.meaning import Codes as Meaning
from verifier.encodings.words import Box, Symbols, listed, rank, unrank
from verifier.engine import Answer, Evidence, Limits, Query, Reason, Sat, Session, Undecided, Unsat, Word
from verifier.question.terms import (
    BOOL,
    Agree,
    Apply,
    Choose,
    Count,
    Failure,
    HasKind,
    Input,
    Literal,
    Mean,
    Ok,
    Read,
    Term,
    operands,
    topological,
)

NAME: Final = "enumerate"
BATCH: Final = 1 << 15
INNER: Final = 512
MEMORY: Final = 1 << 28
"""Bytes that the columns of one batch may take, all terms together that are alive at once."""


@dataclass(frozen=True)
class Enumeration:
    """The engine."""

    name: str = NAME

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Prepare the order of evaluation."""
        order = topological([query.violation])
        if len(order) > limits.max_terms:
            return Undecided(Reason.SIZE, f"{len(order)} terms")
        return _Session(query, limits, _Circuit(order))


ENUMERATE: Final = Enumeration()


class _WallReached(Exception):
    pass


@dataclass
class _Session:
    query: Query
    limits: Limits
    circuit: "_Circuit"

    def check(self, box: Box | None = None, other_than: Word | None = None) -> Answer:
        symbols = listed(self.query, box)
        if symbols is None:
            return Undecided(Reason.SIZE, "the alphabet has no end")
        total = prod(map(len, symbols))
        if total > self.limits.max_inputs:
            return Undecided(Reason.SIZE, f"{total} inputs")
        excluded = None if other_than is None else rank(symbols, other_than)
        try:
            hit = self._first_hit(symbols, excluded)
        except _WallReached:
            return Undecided(Reason.WALL, f"{total} inputs")
        except TooManyValues as error:
            return Undecided(Reason.SIZE, str(error))
        if hit is not None:
            return Sat(unrank(symbols, hit), least=True)
        return Unsat(Evidence(NAME, inputs=total - (excluded is not None)))

    def _first_hit(self, symbols: Sequence[Symbols], excluded: int | None) -> int | None:
        deadline = monotonic() + self.limits.wall_s
        size = max(1 << 10, min(BATCH, MEMORY // (8 * self.circuit.peak)))
        atoms = self.circuit.inputs(symbols)
        for batch in _batches([len(choices) for choices in symbols], size):
            inputs = [local[digit] for local, digit in zip(atoms, batch.digits, strict=True)]
            hits = np.broadcast_to(self.circuit.hits(inputs, deadline), batch.shape).reshape(-1)
            if excluded is not None and 0 <= excluded - batch.start < hits.size:
                hits = hits.copy()
                hits[excluded - batch.start] = False
            if hits.any():
                return batch.start + int(hits.argmax())
        return None


@dataclass(frozen=True)
class _Batch:
    """Consecutive inputs, the first of which has index `start`; the digit of each position, to be broadcast."""

    start: int
    shape: tuple[int, int]
    digits: Sequence[Array]


def _batches(sizes: Sequence[int], size: int) -> Iterator[_Batch]:
    """All inputs in lexicographic order, in batches of about this size."""
    split = len(sizes)
    while split > 0 and prod(sizes[split - 1 :]) <= INNER:
        split -= 1
    if split > 0 and prod(sizes[split:]) * 8 <= INNER:
        split -= 1  # one position with many symbols
    outer, inner = prod(sizes[:split]), prod(sizes[split:])
    columns = max(1, min(inner, size))
    top, rows = 0, 1
    while top < outer:
        bottom = min(outer, top + rows)
        for left in range(0, inner, columns):
            right = min(inner, left + columns)
            down = _digits(np.arange(top, bottom), sizes[:split])
            across = _digits(np.arange(left, right), sizes[split:])
            digits = [_shrunk(d[:, np.newaxis]) for d in down] + [_shrunk(d[np.newaxis, :]) for d in across]
            yield _Batch(top * inner + left, (bottom - top, right - left), digits)
        # Small batches first: the tables are learnt, and easy counterexamples found, at little cost.
        top, rows = bottom, max(1, min(2 * rows, size // max(1, inner)))


def _digits(indices: Array, sizes: Sequence[int]) -> list[Array]:
    found = []
    for size in reversed(sizes):
        indices, digit = np.divmod(indices, size)
        found.append(digit)
    return found[::-1]


def _shrunk(digit: Array) -> Array:
    """A position that is the same throughout the batch, as one entry."""
    first = digit[:1, :1]
    return first if digit.size > 0 and bool((digit == first).all()) else digit


# ------------------------------------------------------------------------------------------------ terms


class _Circuit:
    """The terms in order, the tables learnt so far, and which columns are needed for how long."""

    def __init__(self, order: Sequence[Term]) -> None:
        self.order = order
        self.meaning = Meaning()
        self._inputs = Values()
        self._values: dict[Term, Values] = {}
        self._tables: dict[tuple[object, ...], Table] = {}
        last = {operand: step for step, term in enumerate(order) for operand in (*operands(term), term)}
        self.dying: list[list[Term]] = [[] for _ in order]
        for term, step in last.items():
            if term is not order[-1]:
                self.dying[step].append(term)
        alive = (1 - len(dying) for dying in self.dying)
        self.peak = 1 + max(accumulate(alive))

    def inputs(self, symbols: Sequence[Symbols]) -> list[Array]:
        """Digit -> local code, at each position; in all boxes alike, as tables outlive boxes."""
        found: dict[int, Array] = {}
        for choices in symbols:
            if id(choices) not in found:
                found[id(choices)] = np.array([self._inputs.add(self.meaning.code(atom)) for atom in choices], np.intp)
        return [found[id(choices)] for choices in symbols]

    def hits(self, inputs: Sequence[Array], deadline: float) -> Array:
        """Where the violation holds. Where it fails, which it must not, counts too: never as the absence of one."""
        found: dict[Term, Column] = {}
        for step, term in enumerate(self.order):
            found[term] = self._column(term, inputs, found)
            for dead in self.dying[step]:
                del found[dead]
            if step % 64 == 0 and monotonic() > deadline:
                raise _WallReached
        violation = self._truth(found[self.order[-1]], self.order[-1])
        return violation.data if violation.is_truth else violation.data != TRUTH.index(FALSE)

    def _column(self, term: Term, inputs: Sequence[Array], found: Mapping[Term, Column]) -> Column:
        match term:
            case Input(position=position):
                return Column(inputs[position], self._inputs)
            case Literal(value=atom):
                return self._constant(term, self.meaning.code(atom))
            case Failure():
                return self._constant(term, FAILED)
            case Read(arg=arg, view=view, numbers=numbers):
                return self._table(term, self.meaning.reader(view, numbers))(found[arg])
            case Apply():
                return self._apply(term, [found[arg] for arg in term.args])
            case Mean():
                return self._mean(term, found)
            case Count():
                return self._count(term, found)
            case Choose(condition=condition, then=then, otherwise=otherwise):
                return self._choose(term, found[condition], found[then], found[otherwise])
            case HasKind(arg=arg, among=among):
                return self._table(term, self.meaning.kind_test(among))(found[arg])
            case Ok(args=args):
                return _ok([found[arg] for arg in args])
            case Agree(exact=exact, ieee=ieee):
                return self._table(term, self.meaning.agreement())(found[exact], found[ieee])
        assert_never(term)

    def _results(self, term: Term) -> Values | None:
        """Where the values of a term are numbered; `None` for truth values that can't fail."""
        return None if term.kinds == BOOL and not term.risky else self._values.setdefault(term, Values())

    def _table(self, term: Term, meaning: Coded) -> Table:
        return self._helper((term,), meaning, self._results(term))

    def _helper(self, key: tuple[object, ...], meaning: Coded, values: Values | None) -> Table:
        """The table with this key; made where it is new."""
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = Table(meaning, values)
        return table

    def _constant(self, term: Term, code: int) -> Column:
        if code in TRUTH:
            return Column(np.full((1, 1), code == TRUE))
        values = self._values.setdefault(term, Values())
        return Column(np.full((1, 1), values.add(code)), values)

    def _truth(self, column: Column, of: object) -> Column:
        """The truth value of each entry; an array of bool unless something failed."""
        if column.is_truth:
            return column
        found = self._helper(("truth", of), self.meaning.truth(), Values())(column)
        return found if found.data.max() > 1 else Column(found.data.astype(np.bool_))

    def _apply(self, term: Apply, args: Sequence[Column]) -> Column:
        if all(arg.is_truth for arg in args):
            direct = _connective(term.op, [arg.data for arg in args])
            if direct is not None:
                return Column(direct)
        if term.op is Op.IF:
            condition = self._truth(args[0], term)
            if not any(arg.risky for arg in term.args):
                return self._choose(term, condition, *args[1:])
            args = (condition, *args[1:])
        return self._table(term, self.meaning.operator(term.op, term.numbers))(*args)

    def _mean(self, term: Mean, found: Mapping[Term, Column]) -> Column:
        start = Values()
        state = Column(np.full((1, 1), start.add(EMPTY)), start)
        step = self.meaning.sum_step()
        for position, (chosen, value) in enumerate(zip(term.chosen, term.values, strict=True)):
            condition = self._truth(found[chosen], chosen)
            state = self._helper((term, position), step, Values())(state, condition, found[value])
        return self._table(term, self.meaning.sum_finish(term.default, term.numbers))(state)

    def _count(self, term: Count, found: Mapping[Term, Column]) -> Column:
        values = self._values.setdefault(term, Values())
        numbers = np.array([values.add(self.meaning.code(number)) for number in range(len(term.args) + 1)])
        total: Array = np.zeros((1, 1), np.intp)
        failed: Array = np.zeros((1, 1), np.bool_)
        for arg in term.args:
            truth = self._truth(found[arg], arg)
            total = total + (truth.data if truth.is_truth else truth.data == TRUTH.index(TRUE))
            if not truth.is_truth:
                failed = failed | (truth.data > 1)
        data = numbers[total]
        return Column(np.where(failed, values.add(FAILED), data) if failed.any() else data, values)

    def _choose(self, term: Choose | Apply, condition: Column, then: Column, otherwise: Column) -> Column:
        condition = self._truth(condition, (term, "condition"))
        if condition.is_truth and then.is_truth and otherwise.is_truth:
            return Column(np.where(condition.data, then.data, otherwise.data))
        values = self._values.setdefault(term, Values())
        moved = [
            self._helper((term, branch), _same, values)(column).data for branch, column in enumerate((then, otherwise))
        ]
        data = np.where(condition.data == TRUTH.index(TRUE), *moved)
        if not condition.is_truth:
            data = np.where(condition.data > 1, values.add(FAILED), data)
        chosen = Column(data, values)
        # A truth value that can't fail may be chosen from something that is not one, but does not show.
        return chosen if self._results(term) else self._table(term, _same)(chosen)


def _same(code: int) -> int:
    return code


def _ok(args: Sequence[Column]) -> Column:
    good = [arg.data != arg.values.local[FAILED] for arg in args if arg.values and FAILED in arg.values.local]
    return Column(reduce(and_, good, np.ones((1, 1), np.bool_)))


def _connective(op: Operator, data: Sequence[Array]) -> Array | None:
    """Operators on arrays of bool, as numpy has them; `None` for the others."""
    result: Array | None = None
    match op:
        case Op.AND:
            result = data[0] & data[1]
        case Op.OR:
            result = data[0] | data[1]
        case Op.NOT:
            result = ~data[0]
        case Op.EQ:
            result = data[0] == data[1]
        case Op.NE:
            result = data[0] != data[1]
        case _:
            pass
    return result
