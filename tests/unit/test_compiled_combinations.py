"""Whole columns of states are looked at as single states are: numbering, tables, and operators."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest

pytest.importorskip("torch")

from compiled.certificate.closure.claims import Claims, Work
from compiled.certificate.closure.local import NOTHING, Local
from compiled.certificate.states import States, Tabled, Term, alike
from compiled.errors import Refused
from compiled.meaning.columns import NO_VALUE, Results, different
from compiled.meaning.combinations import Combinations
from compiled.meaning.leaves import INPUT, POSITION, Leaf, Tuple, row_key
from compiled.numbering import distinct, distinct_rows
from spec.elaborate import elaborate
from spec.source import Source
from spec.values import Atom, Numbers

pytestmark = pytest.mark.torch

ATOMS: tuple[Atom, ...] = (0, 1, True, False, Fraction(1), Fraction(1, 2), 2, "a", "1")


@pytest.mark.parametrize("factor", [1, 100_000])
def test_equal_rows_have_equal_numbers(factor: int) -> None:
    """Also where keys are too far apart for a table."""
    random = np.random.default_rng(1)
    for _ in range(50):
        size, kinds = int(random.integers(0, 40)), int(random.integers(1, 9))
        columns = [random.integers(0, kinds, size) * factor for _ in range(int(random.integers(0, 4)))]
        first, place = distinct_rows(columns, size)
        rows = [tuple(int(column[k]) for column in columns) for k in range(size)]
        assert [rows[k] for k in first[place].tolist()] == rows
        assert len({rows[k] for k in first.tolist()}) == len(first) == len(set(rows))
        assert all(rows.index(rows[k]) == k for k in first.tolist())
        if columns:
            _, expected, back = np.unique(columns[0], return_index=True, return_inverse=True)
            found = distinct(columns[0], kinds * factor)
            assert np.array_equal(found[0], expected)
            assert np.array_equal(found[1], back)


def test_combinations_are_their_tuples_kinds_included() -> None:
    rng = Random(2)
    for _ in range(50):
        rows = [tuple(rng.choice(ATOMS) for _ in range(2)) for _ in range(rng.randint(0, 12))]
        found = Combinations.of(rows, 2)
        assert list(map(row_key, found)) == list(map(row_key, rows))
        kept = [k for k in range(len(rows)) if rng.random() < 0.5]
        assert list(map(row_key, found.kept(np.array(kept, dtype=np.int64)))) == [row_key(rows[k]) for k in kept]
    assert list(Combinations((), (), 1)) == [()]


def test_a_table_says_of_a_column_what_it_says_of_each_state() -> None:
    """Equal numbers of different kinds are one entry, classes are looked up, and what is unknown is no number."""
    rng = Random(3)
    leaves: tuple[Leaf, ...] = (INPUT, POSITION)
    for _ in range(200):
        width = rng.randint(0, 2)
        known = list(dict.fromkeys(tuple(rng.choice(ATOMS) for _ in range(width)) for _ in range(rng.randint(0, 9))))
        numbers = np.array([rng.random() for _ in known])
        classes = {INPUT: {one: rng.choice(ATOMS) for one in rng.sample(ATOMS, 3)}} if rng.random() < 0.5 else {}
        own = leaves[2 - width :]
        term = Term(own, Tabled(States(own, known), numbers), {leaf: classes[leaf] for leaf in own if leaf in classes})
        states = States(leaves, [(rng.choice(ATOMS), rng.choice(ATOMS)) for _ in range(rng.randint(1, 20))])
        single = [term.at(state[2 - width :]) for state in states.tuples]
        assert np.array_equal(states.column(term), np.array(single), equal_nan=True)
        plain = Term(own, dict(zip(known, numbers.tolist(), strict=True)), term.classes)
        assert np.array_equal(states.column(plain), np.array(single), equal_nan=True)
        assert plain.operand == term.operand


@pytest.mark.parametrize("numbers", Numbers)
def test_operators_on_columns_are_operators_on_states(numbers: Numbers) -> None:
    text = 't = tokens_int; x = t if indices < 2 else 1 / indices; y = "a" if t == 1 else x + 1; out_ = x / t;'
    program = elaborate(Source("test.rasp", text.replace("; ", ";\n") + "\n"), numbers)
    claims = Claims((0, 1, 2), 4, numbers, {}, {}, {})
    local = Local(claims, Work(10_000))
    leaves = (INPUT, POSITION)
    states: list[Tuple] = [(token, i) for token in claims.alphabet for i in range(4)]
    for names in (["x"], ["y"], ["out_"], ["x", "y", "out_"]):
        sops = [program.sop(name) for name in names]
        rows, found = local.evaluated_all(sops, leaves, Combinations.of(states, 2))
        single = [local.evaluated(sops, leaves, state) for state in states]
        assert any(row is not None for row in single)
        for number, row in zip(found.tolist(), single, strict=True):
            assert (number == NOTHING) is (row is None)
            assert row is None or row_key(rows[number]) == row_key(row)


def test_tuples_that_are_equal_as_numbers_are_one_and_kinds_decide_nothing() -> None:
    """Against a dictionary, which takes equal numbers of different kinds for one key."""
    rng, refused = Random(4), 0
    for _ in range(200):
        drawn = [tuple(rng.choice(ATOMS) for _ in range(2)) for _ in range(rng.randint(0, 9))]
        rows = list({row_key(row): row for row in drawn}.values())
        results: list[tuple[Atom, ...]] = [(True,), (1,), ("x",)]
        codes = np.array([rng.choice((NO_VALUE, 0, 0, 1, 1, 2)) for _ in rows], dtype=np.int64)
        found = Results(results, codes)
        assert found.listed() == [None if code == NO_VALUE else results[code] for code in codes.tolist()]
        wanted: dict[tuple[Atom, ...], tuple[Atom, ...]] = {}
        pairs = [(row, result) for row, result in zip(rows, found.listed(), strict=True) if result is not None]
        if any(wanted.setdefault(row, result) != result for row, result in pairs):
            refused += 1
            with pytest.raises(Refused, match="an s-op depends on whether a number is"):
                different(Combinations.of(rows, 2), found)
            continue
        tuples, kept = different(Combinations.of(rows, 2), found)
        assert list(zip(tuples, kept.listed(), strict=True)) == list(wanted.items())
        assert list(map(row_key, tuples)) == list(map(row_key, wanted))
    assert 0 < refused < 100


def test_states_are_alike_where_all_columns_are() -> None:
    rng = np.random.default_rng(6)
    columns = [rng.choice([0.0, 1.5, np.nan], size=40), rng.integers(0, 2, size=40)]
    first, place = alike(columns, 40)
    rows = [(str(a), int(b)) for a, b in zip(*columns, strict=True)]
    assert [rows[k] for k in first[place].tolist()] == rows
    assert len(first) == len(set(rows))
