"""The value analysis covers every value that the interpreter produces, and is not looser than it must be."""

from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest

from compiled.errors import Refused
from compiled.meaning import means
from compiled.meaning.counting import definitions
from compiled.meaning.formula import disjoint, formula, holds, keys_of, literals, queries_of
from compiled.meaning.grid import Labels, union
from compiled.meaning.leaves import Tuple, row_key
from compiled.meaning.means import Share, Shares, as_fraction
from compiled.meaning.values import Domain
from spec.elaborate import Program, elaborate
from spec.graph import Aggregate, Map, Select, SOp, topological
from spec.interp import Interpreter, ProgramFailure
from spec.source import Source
from spec.values import Atom, Kind, Numbers, atom_key, kind_of

PROGRAMS = {
    "histogram": "out_ = selector_width(select(tokens, tokens, ==));",
    "mean": 'out_ = aggregate(select(indices, indices, <=), indicator(tokens == "a"));',
    "sort": "out_ = sort(tokens, tokens);",
    "default": 'out_ = aggregate(select(tokens, "b", ==) and select(indices, indices, <), indices, -1);',
    "presence": 'p = select(indices, indices, <=); m = aggregate(p, indicator(tokens == "a")); '
    'out_ = contains((m > 0.5 or indices == 1) and tokens == "a", True)'
    ' or aggregate(p, indicator(tokens == "a" and m == 1)) > 0;',
    "mixed": 'out_ = length * aggregate(full_s, indicator(tokens == "a")) - indices;',
}


def program(text: str, numbers: Numbers = Numbers.EXACT) -> Program:
    return elaborate(Source("test.rasp", text.replace("; ", ";\n") + "\n"), numbers)


@pytest.mark.parametrize("numbers", list(Numbers))
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_every_value_of_the_interpreter_is_in_the_set_of_its_place(name: str, numbers: Numbers) -> None:
    made = program(PROGRAMS[name], numbers)
    root = made.sop("out_")
    domain = Domain(("a", "b"), 5, numbers)
    nodes = [node for node in topological([root]) if isinstance(node, Aggregate | Map)]
    interpreter = Interpreter((root,), numbers)
    for n in range(1, 6):
        for word in product("ab", repeat=n):
            try:
                run = interpreter.run(word)
            except ProgramFailure:
                continue
            for node in nodes:
                for i, value in enumerate(run.values[node]):
                    known = {atom_key(row[0]) for row in domain.joint((node,), n, i)}
                    assert atom_key(value) in known, (node, word, i, value)


def test_a_prefix_mean_has_the_denominator_of_its_position() -> None:
    root = program(PROGRAMS["mean"]).sop("out_")
    domain = Domain(("a", "b"), 6, Numbers.EXACT)
    assert [len(domain.joint((root,), 6, i)) for i in range(6)] == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("numbers", list(Numbers))
@pytest.mark.parametrize("name", ["histogram", "sort", "mixed", "presence"])
def test_counts_give_what_the_graph_gives(name: str, numbers: Numbers) -> None:
    """A definition by counts agrees with the interpreter's value of the node on every word."""
    made = program(PROGRAMS[name], numbers)
    root = made.sop("out_")
    domain = Domain(("a", "b", "c"), 4, numbers)
    found = definitions([root], domain, split_means=True)
    assert found or name == "mixed"
    interpreter = Interpreter(tuple(node for node in topological([root])), numbers)
    for n in range(1, 5):
        for word in product("abc", repeat=n):
            run = interpreter.run(word)
            for node, made_of in found.items():
                for i in range(n):
                    counted = []
                    for leaf in made_of.leaves:
                        part = leaf.formula
                        query = {sop: run.values[sop][i] for sop in queries_of(part)}
                        keys = [{sop: run.values[sop][j] for sop in keys_of(part)} for j in range(n)]
                        counted.append(sum(holds(part, key, query, numbers) for key in keys))
                    assert atom_key(made_of.value(*counted)) == atom_key(run.values[node][i]), (node, word, i)


def test_a_disjunction_splits_into_disjoint_conjunctions() -> None:
    text = "s = select(tokens, tokens, <) or (select(tokens, tokens, ==) and select(indices, indices, <));"
    selector = program(text).selector("s")
    whole = formula(selector)
    pieces = disjoint(whole, 4)
    assert pieces is not None
    atoms = [literal.atom for literal in literals(whole)]
    values = [node.keys for node in atoms if isinstance(node, Select)]
    for key in product("ab", range(2)):
        for query in product("ab", range(2)):
            at_key: dict[SOp, Atom] = dict(zip(dict.fromkeys(values), key, strict=True))
            at_query: dict[SOp, Atom] = dict(zip(dict.fromkeys(values), query, strict=True))
            truth = [holds(one, at_key, at_query, Numbers.EXACT) for one in pieces]
            assert sum(truth) == holds(whole, at_key, at_query, Numbers.EXACT)


def test_an_order_dependent_double_sum_is_refused() -> None:
    root = program("out_ = aggregate(full_s, 0.1 * indices + 0.7);", Numbers.IEEE).sop("out_")
    with pytest.raises(Refused, match="order of the summands"):
        Domain(("a",), 8, Numbers.IEEE).values_of(root)


def test_symbols_that_are_equal_as_numbers_are_refused() -> None:
    with pytest.raises(Refused, match="equal as numbers"):
        Domain((1, True), 3, Numbers.EXACT)


KINDS = {
    "fails": 'out_ = "x" if indices == 0 else (length / (indices - 1));',
    "text": 'out_ = tokens + ("a" if indicator(tokens == "a") + indices > 2 else "b");',
    "kinds": 'm = aggregate(select(indices, indices, <=), indicator(tokens == "a")); '
    "out_ = (m == 1) == (indices > 0) and m > 0;",
    "chain": "w = selector_width(select(tokens, tokens, ==)); out_ = aggregate(select(w, w, <=), w % 3) * indices;",
}


@pytest.mark.parametrize("numbers", list(Numbers))
@pytest.mark.parametrize("name", [*KINDS, *PROGRAMS])
def test_values_by_column_are_values_by_row(name: str, numbers: Numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call of an operator for each combination of operands, on grids and off them, gives what single rows give."""
    root = program({**PROGRAMS, **KINDS}[name], numbers).sop("out_")
    nodes = [node for node in topological([root]) if isinstance(node, Aggregate | Map)]
    found = []
    for few, cells in ((1 << 40, 0), (0, 0), (0, 1 << 20)):
        monkeypatch.setattr("compiled.meaning.values.FEW_ROWS", few)
        monkeypatch.setattr("compiled.meaning.grid.MAX_CELLS", cells)
        domain = Domain(("a", "b"), 6, numbers)
        sets = [{row_key(row) for row in domain.joint((node,), m, i)} for node in nodes for m, i in domain.places()]
        pairs = [{row_key(row) for row in domain.joint((node, root), 6, i)} for node in nodes for i in range(6)]
        tables = [{row_key(given): row_key(row) for given, row in domain.table((node,)).items()} for node in nodes]
        found.append((sets, pairs, tables, [set(map(row_key, domain.all_values((node,)))) for node in nodes]))
    assert found[0] == found[1] == found[2]


def test_the_union_of_boxes_has_every_tuple_once_and_in_order() -> None:
    numbers = [Labels((True, 1, Fraction(1), "a")), Labels(tuple(range(5)))]
    boxes = [[np.array([2, 0]), np.array([4, 1])], [np.array([0, 3]), np.array([1])]]
    wanted: list[Tuple] = [(Fraction(1), 4), (Fraction(1), 1), (True, 4), (True, 1), ("a", 1)]
    assert list(map(row_key, union(numbers, boxes))) == list(map(row_key, wanted))
    assert list(union([], [[]])) == [()]
    assert list(union(numbers, [])) == []


CLASSES = {
    "half": 'm = aggregate(full_s, indicator(tokens == "a")); out_ = (m < 0.5 and indices > 1) or tokens == "b";',
    "divides": 'm = aggregate(select(tokens, "b", ==), indices, -1); '
    "out_ = 1 / (1 if m > 2 else 0) + indicator(indices > 1) * round(m);",
}


@pytest.mark.parametrize("numbers", list(Numbers))
@pytest.mark.parametrize("name", [*CLASSES, *KINDS, *PROGRAMS])
def test_nothing_tells_values_of_one_class_apart(name: str, numbers: Numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every value replaced by its representative, outputs have the values that they have, or none where none."""
    monkeypatch.setattr("compiled.meaning.values.MANY", 0)
    root = program({**PROGRAMS, **KINDS, **CLASSES}[name], numbers).sop("out_")
    domain = Domain(("a", "b"), 6, numbers)
    definitions([root], domain, split_means=True)
    leaves, classes = domain.leaves(root), domain.classes((root,))
    merged = sum(len(members) - len(set(members.values())) for members in classes.values())
    assert merged or name not in CLASSES
    # A value on which something fails in any case is in no class.
    tuples = [
        row
        for row in domain.tuples(leaves)
        if all(value in classes.get(leaf, row) for leaf, value in zip(leaves, row, strict=True))
    ]
    shown = [
        tuple(
            value if leaf not in classes or classes[leaf].get(value, value) == value else classes[leaf][value]
            for leaf, value in zip(leaves, row, strict=True)
        )
        for row in tuples
    ]
    for row, first in zip(domain.results((root,), leaves, tuples), domain.results((root,), leaves, shown), strict=True):
        assert (row is None) == (first is None)
        assert row is None or first is None or row_key(row) == row_key(first)
    known = {row_key(row) for row in domain.class_tuples(leaves, classes)}
    assert {row_key(row) for row in shown} <= known


def test_what_is_refused_is_found_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    root = program("out_ = aggregate(full_s, tokens_int);").sop("out_")
    assert isinstance(root, Aggregate)
    domain = Domain((0, 1, 7), 3, Numbers.EXACT)
    with monkeypatch.context() as patch:
        patch.setattr("compiled.meaning.means.MAX_SET", 2)
        patch.setattr("compiled.meaning.profiles.MAX_SET", 2)
        with pytest.raises(Refused, match="more than 2 values") as first:
            domain.values_of(root)
    with pytest.raises(Refused) as second:
        domain.profile(root)
    assert second.value is first.value
    assert Domain((0, 1, 7), 3, Numbers.EXACT).profile(root).values()


def test_means_are_each_mean_of_some_keys_once() -> None:
    """Against every choice of keys and values, in either number semantics; no mean twice."""
    rng = Random(0)
    for numbers, _ in product(Numbers, range(60)):
        pool: tuple[Atom, ...] = (-2, 0, 1, 5, True, Fraction(1, 3)) if numbers is Numbers.EXACT else (-2, 0, 0.5, 3)
        choices = [(rng.random() < 0.3, tuple(rng.sample(pool, rng.randint(1, 2)))) for _ in range(4)]
        expected = {
            atom_key(total / len(row) if numbers is Numbers.EXACT else float(total) / len(row))
            for row in (
                tuple(one for one in picked if one is not None)
                for picked in product(*[values if must else (None, *values) for must, values in choices])
            )
            if len(row) > 1
            for total in [sum(map(as_fraction, row), Fraction(0))]
        }
        found = means._means(choices, numbers, Shares())
        assert {atom_key(one) for one in found} == expected
        assert len(found) == len(expected)


def test_too_much_work_is_refused_after_the_same_steps_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    root = program(PROGRAMS["sort"]).sop("out_")
    domain = Domain(("a", "b", "c"), 6, Numbers.EXACT)
    domain.values_of(root)
    monkeypatch.setattr("compiled.meaning.values.MAX_WORK", domain.work)
    assert Domain(("a", "b", "c"), 6, Numbers.EXACT).values_of(root) == domain.values_of(root)
    monkeypatch.setattr("compiled.meaning.values.MAX_WORK", domain.work - 1)
    with pytest.raises(Refused, match=r"takes more than \d+ steps"):
        Domain(("a", "b", "c"), 6, Numbers.EXACT).values_of(root)


def test_an_atom_of_a_derived_class_has_the_kind_of_its_class_and_others_have_none() -> None:
    assert kind_of(Share(1, 2)) is Kind.REAL
    with pytest.raises(TypeError, match="no atom"):
        kind_of(b"x")  # type: ignore[arg-type]  # no atom
