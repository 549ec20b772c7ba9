"""What the compiler looks up in place of computing it again: against doing it the long way round."""

from collections.abc import Callable
from itertools import product
from math import inf
from pathlib import Path
from random import Random

import numpy as np
import pytest

import compiled
from compiled.certificate.rounding import exactly, operand
from compiled.errors import Refused
from compiled.meaning.formula import Both, Either, Formula, Holds, Literal, holds, keys_of, queries_of
from compiled.meaning.places import Kinds, index, of_length
from compiled.meaning.truths import Side, truths
from compiled.numbering import LARGEST_TABLE, Memory, columns_alike
from compiled.planning.encode import Relation, Scoring
from compiled.planning.plan import Planner
from spec.elaborate import elaborate
from spec.graph import Select
from spec.operators import OperatorError
from spec.source import Source
from spec.values import Atom, Numbers
from verifier.running.selection import usual_scope
from verifier.running.subject import Subject

VALUES: list[Atom] = [0, 1, "a", True]
PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"


def test_what_a_memory_gives_is_made_once() -> None:
    rng, made = np.random.default_rng(0), list[tuple[int, ...]]()

    def make(*row: int) -> int:
        made.append(row)
        return -1 if row[0] == row[1] else 10 * row[0] + row[1]

    memory = Memory(make)
    for bounds in ((3, 4), (3, 4), (6, 2), (6, 7)):
        columns = [rng.integers(0, bound, 50) for bound in bounds]
        found = memory.of(columns, bounds)
        assert found is not None
        assert found.tolist() == [-1 if a == b else 10 * a + b for a, b in zip(*columns, strict=True)]
    assert len(made) == len(set(made))
    assert memory.of([np.zeros(0, dtype=np.int64)] * 2, (2, 2)) is not None
    assert memory.of([np.zeros(1, dtype=np.int64)] * 2, (LARGEST_TABLE, 2)) is None


def test_equal_columns_are_one_kind() -> None:
    table = np.random.default_rng(0).integers(0, 2, (3, 40))
    first, kinds = columns_alike(table)
    columns = [tuple(column) for column in table.T.tolist()]
    different = list(dict.fromkeys(columns))
    assert kinds == [different.index(column) for column in columns]
    assert first == [columns.index(column) for column in different]


def test_places_are_numbered_by_length_and_position() -> None:
    places = [(m, i) for m in range(1, 7) for i in range(m)]
    assert [index(m, i) for m, i in places] == list(range(len(places)))
    assert all(places[of_length(m)] == [(m, i) for i in range(m)] for m in range(1, 7))
    columns = [np.random.default_rng(seed).integers(0, 3, len(places)) for seed in range(2)]
    kinds, rows = Kinds.of(columns, places), list(zip(*(column.tolist() for column in columns), strict=True))
    assert kinds.number.tolist() == [list(dict.fromkeys(rows)).index(row) for row in rows]
    assert kinds.first == [places[rows.index(row)] for row in dict.fromkeys(rows)]


def some_formula(rng: Random, selects: list[Select], depth: int) -> Formula:
    if not depth or rng.random() < 0.3:
        select = rng.choice(selects)
        atom = select if rng.random() < 0.7 else Holds(select.keys, rng.choice(VALUES))
        return Literal(atom, rng.random() < 0.5)
    parts = tuple(some_formula(rng, selects, depth - 1) for _ in range(rng.randint(0, 3)))
    return Both(parts) if rng.random() < 0.5 else Either(parts)


@pytest.mark.parametrize("numbers", Numbers)
def test_truths_of_all_values_at_once_are_those_one_by_one(numbers: Numbers) -> None:
    """Operators fail on some pairs: letters have no order with numbers."""
    text = (
        "; ".join(
            f"s{k} = select(tokens, indices {op} 0, {sign})"
            for k, (op, sign) in enumerate(product(("+", "*"), ("==", "<", ">=", "!=")))
        )
        + "; t = select(indices, tokens, <);"
    )
    graph = elaborate(Source("formulas.rasp", text), numbers).graph
    selects = [node for node in graph.nodes if isinstance(node, Select)]
    atoms: list[Atom] = [0, 1, True, "a", "", 2]
    rng, failed = Random(1), 0
    for _ in range(60):
        part = some_formula(rng, selects, 3)
        keys, queries = keys_of(part), queries_of(part)
        at_key: list[tuple[Atom, ...]] = [tuple(rng.choice(atoms) for _ in keys) for _ in range(4)]
        at_query: list[tuple[Atom, ...]] = [tuple(rng.choice(atoms) for _ in queries) for _ in range(5)]
        found = truths(part, Side(queries, at_query), Side(keys, at_key), numbers)
        for (i, query), (j, key) in product(enumerate(at_query), enumerate(at_key)):
            try:
                held: bool | None = holds(
                    part, dict(zip(keys, key, strict=True)), dict(zip(queries, query, strict=True)), numbers
                )
            except OperatorError:
                held, failed = None, failed + 1
            assert (found.holds[i, j], found.fails[i, j]) == (held is True, held is False)
    assert failed > 50


def test_operand_of_one_number_is_that_of_an_array_of_one() -> None:
    rng = Random(2)
    values = [0.0, -0.0, 1.0, -3.0, 5e-324, 2.0**-1022, 1.75, 0.1, 2.0**60 + 2.0**8, 1.7e308]
    for value in [*values, *(rng.uniform(-4, 4) * 2.0 ** rng.randint(-60, 60) for _ in range(200))]:
        assert exactly(value, 0.25) == operand(np.array([value]), 0.25)
    assert exactly(-inf).largest == inf


@pytest.mark.parametrize("target", ["paper/dyck_ptf::dyck2_ptf", "paper/sort::in_order", "paper/sort_bos::in_order"])
def test_encodings_are_left_out_only_where_they_are_read_no_earlier(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original: Callable[..., int] = Planner._not_before
    compared = []

    def checked(self: Planner, given: Relation, scoring: Scoring, needs_level: bool) -> int:
        least = original(self, given, scoring, needs_level)
        try:
            level = self._level(given, scoring, needs_level)
        except Refused:
            return least
        compared.append((least, level))
        return least

    monkeypatch.setattr(Planner, "_not_before", checked)
    path, _, name = target.partition("::")
    subject = Subject.load(PROGRAMS / f"{path}.rasp")
    program = subject(None, Numbers.EXACT)
    alphabet = usual_scope(subject).symbols
    compiled.compile_program(program.graph, program.sop(name), alphabet=alphabet, max_length=12)
    assert compared
    assert all(least <= level for least, level in compared)
