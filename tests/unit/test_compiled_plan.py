"""Planning: encodings score right, forms keep margins, layers are those of the schedule; none of it loads torch."""

import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from compiled.certificate.rounding import Arithmetic, operand, quantum
from compiled.compile import compile_program
from compiled.errors import Refused, TooMuch, Uncertified
from compiled.meaning.formula import formula
from compiled.meaning.means import as_fraction
from compiled.meaning.values import Domain
from compiled.planning.encode import relation, scorings
from compiled.planning.features import Basis, combined
from compiled.planning.forms import Column, Search, ends_of_runs, heights, staircase
from compiled.planning.joints import Target, summands
from compiled.planning.layout import Writer
from compiled.planning.points import Points, Unary, additive, crossings, indicators, numbered, relevant, whole
from compiled.precision import PRECISIONS
from compiled.weights.tensors import dump, load, quantise
from spec.cost import TRANSFORMER, as_soon_as_possible
from spec.elaborate import elaborate
from spec.source import Source
from spec.values import Numbers

SELECTORS = [
    "select(tokens, tokens, ==)",
    "select(tokens, tokens, !=)",
    "select(indices, indices, <)",
    "select(indices, indices, >=)",
    "select(indices, 2, ==)",
    'select(tokens, "b", ==) or select(tokens, "c", ==)',
    "select(indices + 1, indices, ==)",
]


@pytest.mark.parametrize("text", SELECTORS)
@pytest.mark.parametrize("compact", [True, False])
def test_selected_pairs_score_the_level_and_others_at_least_one_less(text: str, compact: bool) -> None:
    made = elaborate(Source("t.rasp", f"s = {text};\n"), Numbers.EXACT)
    domain = Domain(tuple("abc"), 5, Numbers.EXACT)
    given = relation(formula(made.selector("s")), domain)
    found = list(scorings(given, compact=compact, largest=Fraction(1 << 20)))
    assert found
    for scoring in found:
        for (query, key), selected in given.selected.items():
            score = sum(q[query] * k[key] for q, k in zip(scoring.queries, scoring.keys, strict=True))
            level = scoring.level[query] if scoring.level is not None else Fraction(0)
            assert score == level if selected else score <= level - 1, (scoring.name, query, key)


def test_an_order_over_n_positions_takes_rank_n_minus_one() -> None:
    made = elaborate(Source("t.rasp", "s = select(indices, indices, <=);\n"), Numbers.EXACT)
    given = relation(formula(made.selector("s")), Domain(("a",), 7, Numbers.EXACT))
    assert scorings(given, compact=True, largest=Fraction(1 << 20))[0].rank == 6


def test_a_sum_of_unary_functions_is_found_and_a_product_is_not() -> None:
    rows = list(product(range(4), range(3)))
    points = Points.of(rows, 2)
    parts = additive(points, np.array([a * a - 5 * b for a, b in rows]))
    assert parts is not None
    assert all(parts[0][a] + parts[1][b] == a * a - 5 * b for a, b in rows)
    assert additive(points, np.array([a * b for a, b in rows])) is None
    assert relevant(points, np.array([b for _, b in rows])) == (1,)


def test_a_function_is_read_off_those_that_are_there_or_not_at_all() -> None:
    """Random multiples are found again, exactly; what is no sum, or one of large or uneven multiples, is not."""
    rng = np.random.default_rng(5)
    for _ in range(60):
        size, many = int(rng.integers(3, 9)), int(rng.integers(1, 4))
        known = [row.astype(np.float64) for row in rng.integers(-9, 10, size=(many, size))]
        multiples, constant = [Fraction(int(n), 4) for n in rng.integers(-9, 10, size=many)], Fraction(3, 2)
        wanted = [
            sum((m * Fraction(float(one[v])) for m, one in zip(multiples, known, strict=True)), constant)
            for v in range(size)
        ]
        found, basis = combined(known, wanted, 4096), Basis(range(size), 4096)
        if np.linalg.matrix_rank(np.array([np.ones(size), *known])) > many:
            assert found is not None
        if found is not None:
            got = [
                sum((m * Fraction(float(one[v])) for m, one in zip(found[0], known, strict=True)), found[1])
                for v in range(size)
            ]
            assert got == wanted
        for slot, row in enumerate(known):
            basis.add(slot, {v: Fraction(int(number)) for v, number in enumerate(row)})
        every: Unary = dict(zip(range(size), wanted, strict=True))
        read = basis.read(every)
        assert (read is not None) >= (found is not None)
        if read is not None:
            got = [read.at({slot: Fraction(float(row[v])) for slot, row in enumerate(known)}) for v in range(size)]
            assert got == wanted
        few: Unary = {v: wanted[v] for v in range(size) if v != size // 2}
        some = basis.read(few)
        if some is not None:
            assert all(some.at({k: Fraction(float(row[v])) for k, row in enumerate(known)}) == few[v] for v in few)
    letters = [np.array([0.0, 1.0, 0.0, 1.0])]
    assert combined(letters, [Fraction(min(v, 1)) for v in range(4)], 4096) is None
    assert combined(letters, [Fraction(5000 * (v % 2)) for v in range(4)], 4096) is None
    assert combined(letters, [Fraction(v % 2, 3) for v in range(4)], 4096) is None
    assert combined([], [Fraction(v % 2) for v in range(4)], 4096) is None


def test_a_parabola_takes_no_dimension_beside_the_thresholds_of_an_order() -> None:
    made = elaborate(Source("t.rasp", "out_ = sort(tokens, tokens);\n"), Numbers.EXACT)
    plan = compile_program(made.graph, made.sop("out_"), alphabet="abcd", max_length=4).plan
    tokens = [slot for slot in plan.slots if slot.writer is Writer.TOKEN]
    assert {part.scoring for layer in plan.layers for head in layer.heads for part in head.parts} >= {"parabola"}
    assert len(tokens) <= 4


def test_sums_on_part_of_a_product_are_decided_as_linear_equations_say() -> None:
    """Against the rank of the system over the rationals, on random sets of points, also with numbers beyond 64 bits."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(300):
        sizes = rng.integers(1, 4, size=int(rng.integers(1, 4)))
        every = list(product(*[range(int(size)) for size in sizes]))
        kept = [row for row in every if rng.random() < 0.6] or every[:1]
        scale = int(rng.choice([1, 1 << 70]))
        unary = [[int(rng.integers(-2, 3)) for _ in range(3)] for _ in sizes]
        numbers = [sum(f[a] for f, a in zip(unary, row, strict=True)) * scale for row in kept]
        if rng.random() < 0.5:
            numbers[int(rng.integers(len(kept)))] += scale
        points = Points.of(kept, len(sizes))
        matrix = [[Fraction(int(row[k] == v)) for k, size in enumerate(sizes) for v in range(size)] for row in kept]
        solvable = _rank(matrix) == _rank([[*row, Fraction(x)] for row, x in zip(matrix, numbers, strict=True)])
        parts = additive(points, whole([Fraction(x) for x in numbers])[0])
        assert (parts is not None) == solvable
        if parts is not None:
            found += 1
            at = [{v: int(part[k]) for k, v in enumerate(own)} for own, part in zip(points.values, parts, strict=True)]
            assert [sum(f[a] for f, a in zip(at, row, strict=True)) for row in kept] == numbers
    assert 50 < found < 280


def _rank(rows: list[list[Fraction]]) -> int:
    rows, rank = [list(row) for row in rows], 0
    for column in range(len(rows[0])):
        pivot = next((k for k in range(rank, len(rows)) if rows[k][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for k in range(rank + 1, len(rows)):
            factor = rows[k][column] / rows[rank][column]
            rows[k] = [x - factor * y for x, y in zip(rows[k], rows[rank], strict=True)]
        rank += 1
    return rank


def test_a_function_is_split_into_summands_exactly_where_it_is_their_sum() -> None:
    """f(s, x, y) = a(s, x) + b(s, y) on part of the product, and one point changed in a rectangle of points."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        a, b = rng.integers(0, 3, (2, 3, 4))
        rows = [row for row in product(range(3), range(4), range(4)) if rng.random() < 0.8]
        rng.shuffle(rows)
        sums = [Fraction(int(a[s, x] + b[s, y]), 3) for s, x, y in rows]
        found = summands(_target(rows, sums), [1, 2])
        assert found is not None
        assert [keep for keep, _ in found] == [(0, 1), (0, 2)]
        for row, wanted in zip(rows, sums, strict=True):
            assert sum(_at(target, [row[k] for k in keep]) for keep, target in found) == wanted
        rows = [*rows, *((9, x, y) for x, y in product(range(2), repeat=2))]
        assert summands(_target(rows, [*sums, Fraction(0), Fraction(0), Fraction(0), Fraction(1)]), [1, 2]) is None


def _target(rows: Sequence[Sequence[int]], numbers: Sequence[Fraction]) -> Target:
    levels, labels = np.unique(np.array(numbers, dtype=object), return_inverse=True)
    return Target(Points.of([tuple(row) for row in rows], 3), labels, tuple((one,) for one in levels), {})


def _at(target: Target, row: Sequence[int]) -> Fraction:
    (number,) = target.levels[int(target.labels[target.points.places[tuple(row)]])]
    return number


def test_a_staircase_takes_the_value_of_every_point_within_its_error() -> None:
    points = [(Fraction(1, w + 1), (Fraction(w), Fraction(w % 3))) for w in range(12)]
    base, steps = staircase(points, exact=False)
    for g, wanted in points:
        for error in (-1e-5, 0.0, 1e-5):
            x = float(g) + error
            height = [float(b) for b in base]
            for step in steps:
                unit = min(max(float(step.slope) * x - float(step.bias), 0.0), 1.0)
                assert unit in (0.0, 1.0)
                height = [h + unit * float(d) for h, d in zip(height, step.deltas, strict=True)]
            assert height == [float(v) for v in wanted]


def test_a_form_never_lets_two_labels_come_near() -> None:
    points = [(i, Fraction(k, i + 1)) for i in range(6) for k in range(i + 2)]
    labels = numbered(int(k * (i + 1)) % 2 for i, k in points)[1]
    (places, at), (shares, which) = numbered(i for i, _ in points), numbered(k for _, k in points)
    columns = [
        Column(places, at, tuple(as_fraction(i) for i in places), raw=False),
        Column(shares, which, tuple(as_fraction(k) for k in shares), raw=True, noise=1e-6),
    ]
    form = Search(columns, labels, 2.0**-24, 2.0**24).best()
    assert form is not None
    g = [form.at((None, k), (i, k)) for i, k in points]
    assert np.allclose(heights(form, columns), np.array(g, dtype=float))
    for (a, x), (b, y) in product(zip(g, labels, strict=True), repeat=2):
        assert x == y or abs(a - b) > 8 * form.noise
    ends = ends_of_runs(heights(form, columns), labels)
    along = sorted(range(len(points)), key=g.__getitem__)
    wanted = {k for a, b in pairwise(along) if labels[a] != labels[b] for k in (a, b)} | {along[0], along[-1]}
    assert {g[k] for k in ends} == {g[k] for k in wanted}


@pytest.mark.parametrize(
    "text",
    [
        "out_ = aggregate(select(indices, length - 1 - indices, ==), tokens);",
        'out_ = aggregate(select(tokens, "a", ==) and select(indices, indices, <), tokens, "-");',
        'out_ = aggregate(full_s, indicator(tokens == "a")) > 0.5;',
        'out_ = contains(aggregate(select(indices, indices - 1, ==), tokens, "-"), "a");',
    ],
)
def test_without_counting_layers_and_heads_are_those_of_the_transformer_schedule(text: str) -> None:
    made = elaborate(Source("t.rasp", text + "\n"), Numbers.EXACT)
    root = made.sop("out_")
    compiled = compile_program(made.graph, root, alphabet="ab", max_length=5, counting=False, optimise="heads")
    schedule = as_soon_as_possible((root,), TRANSFORMER)
    assert (compiled.layers, compiled.heads) == (schedule.layers, schedule.heads)


def test_what_no_form_fits_is_refused_with_the_reason() -> None:
    made = elaborate(Source("t.rasp", "out_ = aggregate(full_s, indices) * length * indices;\n"), Numbers.EXACT)
    with pytest.raises(Refused, match=r"margin in bfloat16|hidden units") as refused:
        compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=30, dtype="bfloat16")
    assert "--dtype float64" in refused.value.render()


def test_what_is_too_much_is_refused_with_its_place_in_the_program_and_what_would_be_less() -> None:
    text = 'x = aggregate(select(tokens, "a", ==), indices ^ 3);\nout_ = x > 100 and indices > 1;\n'
    made = elaborate(Source("t.rasp", text), Numbers.EXACT)
    with pytest.raises(TooMuch, match=r"a mean over up to \d+ keys, for all that is known") as refused:
        compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=40)
    assert refused.value.render().startswith("t.rasp:1:5: error[C0601]: not compiled: a mean over up to ")
    assert "--lengths 1..N" in refused.value.render()
    assert "mark_first_instance" in refused.value.render()
    marked = text.replace('select(tokens, "a", ==)', 'select(mark_first_instance(tokens, "a"), True, ==)')
    made = elaborate(Source("t.rasp", marked), Numbers.EXACT)
    assert compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=40).margins


def test_where_rounding_is_in_the_way_a_finer_format_is_named_and_does() -> None:
    made = elaborate(Source("t.rasp", 'out_ = aggregate(full_s, indicator(tokens == "a"));\n'), Numbers.EXACT)
    with pytest.raises(Uncertified, match="not certified") as refused:
        compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=12, dtype="bfloat16")
    assert refused.value.render().endswith("hint: float64 rounds more finely: --dtype float64")
    assert compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=12, dtype="float64").margins


def test_more_values_than_there_may_be_dimensions_are_refused_before_there_is_a_table_for_each() -> None:
    assert indicators("ab") == [{"a": 1, "b": 0}, {"a": 0, "b": 1}]
    made = elaborate(Source("t.rasp", "out_ = 300 * tokens_int + indices;\n"), Numbers.EXACT)
    with pytest.raises(TooMuch, match="a dimension for each of 1200 values, more than 1024"):
        compile_program(made.graph, made.sop("out_"), alphabet=range(4), max_length=300, encoding="onehot")


def test_importing_and_planning_need_no_torch(checkout: Path) -> None:
    code = (
        "import sys, compiled; assert 'numpy' not in sys.modules; compiled.compile_program;"
        "assert not {'torch', 'z3', 'sympy'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=checkout, check=True)


def test_weight_files_keep_what_the_format_has() -> None:
    tensor = np.array([[1.0, -0.5], [1 / 3, 257.0]])
    for dtype in ("float64", "float32", "float16", "bfloat16"):
        read, metadata = load(dump({"w": tensor}, dtype, {"format": "pt"}))
        assert metadata == {"format": "pt"}
        assert (read["w"] == quantise(tensor, dtype)).all()
        assert read["w"][0].tolist() == [1.0, -0.5]
    assert quantise(tensor, "bfloat16")[1, 1] == 256.0


def test_the_error_bound_of_a_sum_holds_for_float32_in_any_order() -> None:
    rng = np.random.default_rng(0)
    arithmetic = Arithmetic(PRECISIONS["float32"])
    for _ in range(200):
        weights, values = rng.normal(size=9) * 100, rng.normal(size=9)
        weights = weights.astype(np.float32).astype(np.float64)
        operands = [operand(np.array([v]), 2.0**-24 * abs(v)) for v in values]
        bound = float(arithmetic.linear(weights[:, None], np.array([0.5]), operands)[0])
        order = rng.permutation(9)
        total = np.float32(0.5)
        for k in order:
            total = np.float32(total + np.float32(np.float32(values[k]) * np.float32(weights[k])))
        assert abs(float(total) - (weights @ values + 0.5)) <= bound
    assert quantum(np.array([6.0, 0.0, 20.0])) == 2.0


def test_what_crosses_is_no_sum_of_unary_functions() -> None:
    """Sums never cross; on all combinations of values whatever does not cross is a sum."""
    random = np.random.default_rng(7)
    found = {True: 0, False: 0}
    for _ in range(200):
        sizes = random.integers(1, 5, size=int(random.integers(2, 4)))
        rows = list(product(*map(range, sizes.tolist())))
        dense = bool(random.integers(0, 2))
        points = Points.of([row for row in rows if dense or random.random() < 0.7] or rows[:1], len(sizes))
        labels = np.arange(points.size)
        numbers: npt.NDArray[np.int64] = random.integers(0, 2, size=points.size)
        if random.random() < 0.5:
            numbers = np.sum([random.integers(0, 9, 5)[codes] for codes in points.codes], axis=0)
        a, b, c, d = numbers[crossings(points, labels).T]
        crosses = bool((a - b - c + d).any())
        is_sum = additive(points, numbers) is not None
        assert not (crosses and is_sum)
        if dense:
            assert crosses is not is_sum
            found[crosses] += 1
    assert min(found.values()) > 10
