"""The library against brute force: what each function means, on every word over a small alphabet."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import pytest

from spec.diagnostics import EvaluationError
from spec.elaborate import Program, elaborate
from spec.interp import evaluate
from spec.script.environment import BUILTIN_NAMES
from spec.script.values import Function, SelectorValue, SOpValue
from spec.source import Source
from spec.values import Atom, Numbers

BOTH = pytest.mark.parametrize("numbers", list(Numbers))
Rows = list[list[bool]]


def words(longest: int, alphabet: str = "abl") -> Iterator[str]:
    for n in range(1, longest + 1):
        yield from map("".join, product(alphabet, repeat=n))


def program(text: str, numbers: Numbers) -> Program:
    return elaborate(Source("test.rasp", text), numbers)


def row(made: Program, name: str, tokens: Sequence[Atom]) -> list[Atom]:
    node = made.sop(name)
    return list(evaluate([node], tokens, made.numbers).values[node])


def matrix(made: Program, name: str, tokens: str) -> Rows:
    node, n = made.selector(name), len(tokens)
    rows = evaluate([node], tokens, made.numbers).rows[node]
    return [[bool(rows[i] >> j & 1) for j in range(n)] for i in range(n)]


def nth_last(w: str, val: str) -> list[bool]:
    return [c == val and val not in w[i + 1 :] for i, c in enumerate(w)]


def nth_first(w: str, val: str) -> list[bool]:
    return [c == val and val not in w[:i] for i, c in enumerate(w)]


SOPS: list[tuple[str, Callable[[str], list[Atom]]]] = [
    ("length", lambda w: [len(w)] * len(w)),
    ("selector_width(select(tokens, tokens, ==))", lambda w: [w.count(c) for c in w]),
    ("selector_width(select(indices, indices, <))", lambda w: list(range(len(w)))),
    ("selector_width(not full_s)", lambda w: [0] * len(w)),
    ("selector_width(full_s)", lambda w: [len(w)] * len(w)),
    ("has_focus(select(indices, indices, <))", lambda w: [i > 0 for i in range(len(w))]),
    ('count(tokens, "a")', lambda w: [w.count("a")] * len(w)),
    ('contains(tokens, "b")', lambda w: ["b" in w] * len(w)),
    ("max(indices, 2)", lambda w: [max(i, 2) for i in range(len(w))]),
    ("min(indices, 2)", lambda w: [min(i, 2) for i in range(len(w))]),
    ("average(indices * 2)", lambda w: [float(len(w) - 1) if len(w) > 1 else 0] * len(w)),
    ("load_from_location(tokens, length - 1)", lambda w: [w[-1]] * len(w)),
    ("load_from_location(indices, 9)", lambda w: [0] * len(w)),
    ('shift(tokens, 1, "-")', lambda w: list("-" + w[:-1])),
    ('shift(tokens, 0, "-")', list),
    ('shift(tokens, -2, "-")', lambda w: list((w + "--")[2:])),
    ('mark_last_instance(tokens, "a")', lambda w: list(nth_last(w, "a"))),
    ('mark_first_instance(tokens, "a")', lambda w: list(nth_first(w, "a"))),
    ("sort(tokens, tokens)", sorted),
    ("sort(indices, tokens)", lambda w: [i for _, i in sorted((c, i) for i, c in enumerate(w))]),
    ("sort(tokens, -indices)", lambda w: list(reversed(w))),
]


@BOTH
def test_every_s_op_of_the_library_means_what_it_says(numbers: Numbers) -> None:
    made = program("".join(f"x{i} = {text};" for i, (text, _) in enumerate(SOPS)), numbers)
    for w in words(5):
        for i, (text, meaning) in enumerate(SOPS):
            assert row(made, f"x{i}", w) == meaning(w), (text, w)


SELECTORS: list[tuple[str, Callable[[str, int, int], bool]]] = [
    ("full_s", lambda _w, _i, _j: True),
    ('select_from_last(tokens, "a")', lambda w, _i, j: nth_last(w, "a")[j]),
    ('select_from_first(tokens, "a")', lambda w, _i, j: nth_first(w, "a")[j]),
    ("select_next_identical(tokens)", lambda w, i, j: j == w.find(w[i], i + 1)),
]


@BOTH
def test_every_selector_of_the_library_means_what_it_says(numbers: Numbers) -> None:
    made = program("".join(f"x{i} = {text};" for i, (text, _) in enumerate(SELECTORS)), numbers)
    for w in words(5):
        n = len(w)
        for k, (text, meaning) in enumerate(SELECTORS):
            expected = [[meaning(w, i, j) for j in range(n)] for i in range(n)]
            assert matrix(made, f"x{k}", w) == expected, (text, w)


def test_rounding_makes_counts_exact_on_long_inputs_under_doubles() -> None:
    """`1/(1/n)` first differs from n at 49, and `n*(k/n)` from k at n = 22."""
    made = program('a = count(tokens, "a"); w = selector_width(select(indices, indices, <=));', Numbers.IEEE)
    raw = program("r = 1 / aggregate(full_s, indicator(indices == 0));", Numbers.IEEE)
    for n in range(1, 130):
        w = "ab" * (n // 2) + "a" * (n % 2)
        assert row(made, "length", w) == [n] * n
        assert row(made, "a", w) == [w.count("a")] * n
        assert row(made, "w", w) == list(range(1, n + 1))
    assert row(raw, "r", "a" * 48) == [48.0] * 48
    assert row(raw, "r", "a" * 49) != [49.0] * 49


def test_elementwise_max_and_min_work_on_atoms() -> None:
    names = program("a = max(2, 3); b = min(2, 3);", Numbers.EXACT).names
    assert dict(names) == {"a": 3, "b": 2}


def test_a_lookup_outside_gives_the_integer_zero_which_no_string_can_join() -> None:
    made = program("x = load_from_location(tokens, indices + 1);", Numbers.EXACT)
    assert row(made, "x", "a") == [0]
    with pytest.raises(EvaluationError):
        row(made, "x", "ab")


def test_the_library_has_the_names_and_parameters_of_the_reference() -> None:
    made = program("x = 1;", Numbers.EXACT)
    base = made._scope.parent
    assert base is not None
    functions = {name: value.parameters for name, value in base.library.items() if isinstance(value, Function)}
    assert functions == {
        "selector_width": ("sel",),
        "has_focus": ("sel",),
        "count": ("seq", "atom"),
        "contains": ("seq", "atom"),
        "max": ("a", "b"),
        "min": ("a", "b"),
        "average": ("a",),
        "load_from_location": ("seq", "location"),
        "shift": ("seq", "n", "filler"),
        "mark_last_instance": ("seq", "val"),
        "mark_first_instance": ("seq", "val"),
        "select_from_last": ("seq", "val"),
        "select_from_first": ("seq", "val"),
        "sort": ("seq", "key"),
        "select_next_identical": ("seq",),
    }
    others = {name: type(value) for name, value in base.library.items() if name not in functions}
    assert others == {"full_s": SelectorValue, "length": SOpValue}
    assert set(base.constants) == set(BUILTIN_NAMES)
