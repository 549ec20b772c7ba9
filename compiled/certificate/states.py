"""What the checker knows of the residual stream: per slot a sum of functions of leaves, and an error bound."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from compiled.certificate.rounding import Operand, operand, summed
from compiled.errors import Uncertified
from compiled.meaning.combinations import Combinations
from compiled.meaning.leaves import Classes, Leaf, Tuple
from compiled.numbering import Ids, distinct_rows
from spec.values import Atom

Floats = npt.NDArray[np.float64]
SMALL: Final = 1 << 12
"""Integers over a range up to this are numbers of themselves, without a sort."""


@dataclass(frozen=True)
class Term:
    """A summand of a slot: a function of leaves."""

    leaves: tuple[Leaf, ...]
    table: Mapping[Tuple, float]
    classes: Classes = field(default_factory=dict)

    @cached_property
    def operand(self) -> Operand:
        """What a sum reads of it."""
        numbers = self.table.numbers if isinstance(self.table, Tabled) else np.array(list(self.table.values()))
        return operand(numbers, 0.0)

    def given(self, leaf: Leaf, value: Atom) -> float | int:
        """What decides the summand when the leaf has this value: equal answers, equal summands."""
        if self.leaves == (leaf,):
            return self.at((value,))
        value = self.classes[leaf].get(value, value) if leaf in self.classes else value
        return self._sections[leaf].get(value, -1)

    @cached_property
    def _sections(self) -> dict[Leaf, dict[Atom, int]]:
        """Per leaf a number for each of its values: equal where the summand is, whatever the other leaves are."""
        if isinstance(self.table, Tabled):
            states, numbers = self.table.states, self.table.numbers
        else:
            states, numbers = States(self.leaves, list(self.table)), np.array(list(self.table.values()))
        found: dict[Leaf, dict[Atom, int]] = {}
        for leaf in self.leaves:
            values, own = states.index(leaf)
            _, others = distinct_rows([states.index(one)[1] for one in self.leaves if one != leaf], len(states))
            order = np.lexsort((others, own))
            cuts = np.searchsorted(own[order], np.arange(len(values) + 1))
            parts = [order[cuts[k] : cuts[k + 1]] for k in range(len(values))]
            index: dict[tuple[bytes, bytes], int] = {}
            contents = [(others[part].tobytes(), numbers[part].tobytes()) for part in parts]
            found[leaf] = {v: index.setdefault(one, len(index)) for v, one in zip(values, contents, strict=True)}
        return found

    def at(self, values: Tuple) -> float:
        """The summand for these values of its leaves; not a number when they cannot occur together."""
        if self.classes:
            pairs = zip(self.leaves, values, strict=True)
            values = tuple(self.classes[leaf].get(v, v) if leaf in self.classes else v for leaf, v in pairs)
        return self.table.get(values, float("nan"))


@dataclass
class Held:
    """What a slot holds: summands, and a bound on the error of the sum."""

    terms: list[Term]
    error: float = 0.0

    @property
    def operand(self) -> Operand:
        """What a sum reads of it."""
        return summed([term.operand for term in self.terms], self.error)


class States:
    """Combinations of values of leaves at one place: one for each class where leaves have classes."""

    def __init__(self, leaves: tuple[Leaf, ...], tuples: Sequence[Tuple], classes: Classes | None = None) -> None:
        self.leaves, self.classes = leaves, classes or {}
        self.tuples = Combinations.of(tuples, len(leaves))
        self._columns: dict[int, tuple[list[Atom], Ids]] = {}
        self._found: dict[int, list[tuple[States, Classes, Ids]]] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self.tuples)

    def index(self, leaf: Leaf) -> tuple[list[Atom], Ids]:
        """The different numbers that are values of a leaf, and which of them its value is in each state."""
        k = self.leaves.index(leaf)
        if k not in self._columns:
            values, codes = self.tuples.values[k], self.tuples.codes[k]
            number: dict[Atom, int] = {}
            place = np.zeros(len(values), dtype=np.int64)
            for code in np.unique(codes).tolist():
                place[code] = number.setdefault(values[code], len(number))
            self._columns[k] = (list(number), place[codes])
        return self._columns[k]

    def column(self, term: Term) -> Floats:
        """What the term is in each state; not a number where its leaves have values that do not occur together."""
        if isinstance(term.table, Tabled):
            return term.table.column(self, term.classes)
        columns = [self.index(leaf)[1] for leaf in term.leaves]
        first, places = distinct_rows(columns, len(self))
        at = [self.leaves.index(leaf) for leaf in term.leaves]
        found = [term.at(tuple(self.tuples.values[k][self.tuples.codes[k][row]] for k in at)) for row in first.tolist()]
        return np.array(found, dtype=np.float64)[places]

    @cached_property
    def sizes(self) -> list[int]:
        """How many different numbers each leaf has."""
        sizes = [len(self.index(leaf)[0]) for leaf in self.leaves]
        if prod(sizes) >= 1 << 62:
            raise Uncertified("too many combinations of values for one table")
        return sizes

    @cached_property
    def keys(self) -> tuple[Ids, Ids]:
        """The different states as numbers of such digits, ascending, and the first state that is each."""
        key: Ids = np.zeros(len(self), dtype=np.int64)
        for leaf, size in zip(self.leaves, self.sizes, strict=True):
            key = key * size + self.index(leaf)[1]
        return np.unique(key, return_index=True)

    def among(self, others: "States", classes: Classes) -> Ids:
        """Which of the others, that have fewer leaves, each state is, when values stand for classes; or -1."""
        known = self._found.setdefault(id(others), [])
        for _, given, found in known:
            if given is classes or given == classes:
                return found
        key, there = np.zeros(len(self), dtype=np.int64), np.ones(len(self), dtype=np.bool_)
        for leaf, size in zip(others.leaves, others.sizes, strict=True):
            own = {value: k for k, value in enumerate(others.index(leaf)[0])}
            values, codes = self.index(leaf)
            shown = [classes[leaf].get(value, value) if leaf in classes else value for value in values]
            place = np.array([own.get(value, -1) for value in shown], dtype=np.int64)[codes]
            there &= place >= 0
            key = key * size + np.maximum(place, 0)
        keys, first = others.keys
        found = np.full(len(self), -1, dtype=np.int64)
        if len(keys):
            at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
            found = np.where(there & (keys[at] == key), first[at], -1)
        # The others are kept, so that no states that come later have their identity.
        known.append((others, classes, found))
        return found

    def where(self, kept: npt.ArrayLike) -> "States":
        """Those that are kept."""
        if np.all(kept):
            return self
        return self.at(np.flatnonzero(kept))

    def at(self, which: Ids) -> "States":
        """Those with these numbers."""
        return States(self.leaves, self.tuples.kept(which), self.classes)


class Tabled(Mapping[Tuple, float]):
    """A number for each of many states, found for all states of a like kind at once."""

    def __init__(self, states: States, numbers: Floats) -> None:
        self.states, self.numbers = states, numbers

    def column(self, states: States, classes: Classes) -> Floats:
        """The number for each state that has these leaves among others; not a number where there is none."""
        at = states.among(self.states, classes)
        return np.where(at >= 0, self.numbers[at], np.nan) if len(self.numbers) else np.full(len(at), np.nan)

    @cached_property
    def _table(self) -> dict[Tuple, float]:
        return dict(zip(self.states.tuples, self.numbers.tolist(), strict=True))

    def __getitem__(self, state: Tuple) -> float:
        return self._table[state]

    def __iter__(self) -> Iterator[Tuple]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


@dataclass(frozen=True)
class Read:
    """A linear map of the stream: the different rows of nominal values, which of them each state has, and per column a
    bound on the error."""

    states: States
    rows: Floats
    place: Ids
    errors: Floats


def alike(columns: Iterable[npt.NDArray[Any]], size: int) -> tuple[Ids, Ids]:
    """The first of each kind of states that are the same in these columns, and of which kind each state is."""
    return distinct_rows(map(_numbers, columns), size)


def _numbers(column: npt.NDArray[Any]) -> Ids:
    """A number for each entry, equal ones the same; small integers are their own."""
    with np.errstate(invalid="ignore"):
        whole = column.astype(np.int64)
    if (whole == column).all():
        whole -= whole.min(initial=0)
        if whole.max(initial=0) < SMALL:
            return whole
    return np.unique(column, return_inverse=True)[1].reshape(-1)
