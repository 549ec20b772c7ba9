"""Selectors that select one key at most, as a count would have to be the same at two: by brute force, and forged."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest

pytest.importorskip("torch")

import compiled  # only with torch
from compiled.certificate.closure import one_key
from compiled.certificate.closure.claims import Claims, LeafClaim, NotClosed, Work
from compiled.certificate.closure.local import Local
from compiled.certificate.closure.prove import prove
from compiled.errors import Refused
from compiled.meaning import profiles, ranks, storing
from compiled.meaning.formula import Both, holds, keys_of, queries_of
from compiled.meaning.leaves import Count
from compiled.meaning.values import Domain
from spec.graph import Aggregate, SOp
from spec.values import Atom, Numbers
from tests.unit.test_compiled_closure import analysed, program, runs, sizes

pytestmark = pytest.mark.torch

BEFORE = (
    "before = select(indices, indices, <); past = select(indices, indices, <=); same = select(tokens, tokens, ==); "
)
FIRST = BEFORE + "first = not has_focus(same and before); "
NUMBER = BEFORE + "number = selector_width(same and past); "
RECORDS = (
    BEFORE + "record = not has_focus(select(tokens, tokens, {}) and before); "
    "records = round((indices + 1) * aggregate(past, indicator(record))); "
)
MARK = BEFORE + 'mark = not has_focus(select(tokens, "a", ==) and before); '
EMPTY = BEFORE + "x = aggregate(same and before, {}, {}); "
PLACE = "place = selector_width(select(key, key, <)); "
OUT = "out_ = aggregate({}, indices, -1);"

ONE_KEY = {
    "first of a token": FIRST + OUT.format("same and select(first, True, ==)"),
    "first of one token": BEFORE + OUT.format('select(mark_first_instance(tokens, "a"), True, ==)'),
    "last of one token": OUT.format('select(mark_last_instance(tokens, "a"), True, ==)'),
    "first so far": BEFORE + OUT.format('select(mark_first_instance(tokens, "a"), True, ==) and past'),
    "by number": NUMBER + OUT.format("same and select(number, 1, ==)"),
    "one before": NUMBER + OUT.format("same and select(number, number - 1, ==)"),
    "next": OUT.format("select_next_identical(tokens)"),
    "last record": RECORDS.format(">=") + OUT.format("select(record, True, ==) and select(records, records, ==)"),
    "last low": RECORDS.format("<") + OUT.format("select(record, True, ==) and select(records, records, ==)"),
    "nearest": BEFORE + 'here = tokens == "a"; so_far = round((indices + 1) * aggregate(past, indicator(here))); '
    "earlier = round(indices * aggregate(before, indicator(here))); "
    + OUT.format("select(earlier, so_far, ==) and select(here, True, ==)"),
    "place in an order": 'key = indices * 0.5 + (0.6 if tokens == "a" else 0.0); '
    + PLACE
    + OUT.format("select(place, indices, ==)"),
    "none before": EMPTY.format("indices + 3", "2") + OUT.format("same and select(x, 2, ==)"),
    "none before, in words": EMPTY.format("indices", '"none"') + OUT.format('same and select(x, "none", ==)'),
    "the greatest": 'key = indices * 0.5 + (0.6 if tokens == "a" else 0.0); x = aggregate(select(key, key, >), 2, 0); '
    + OUT.format("select(x, 0, ==)"),
}
"""A selector that selects one key at most."""

SEVERAL = {
    "itself is earlier": FIRST.replace("same and before", "same and past")
    + OUT.format("same and select(first, False, ==)"),
    "any but the first": FIRST + OUT.format("same and select(first, False, ==)"),
    "every first": FIRST + OUT.format("select(first, True, ==)"),
    "of another token": FIRST + OUT.format("select(tokens, tokens, !=) and select(first, True, ==)"),
    "of another class": BEFORE
    + 'first = not has_focus(select(tokens, "b", ==) and before); '
    + OUT.format("same and select(first, True, ==)"),
    "not that token": MARK + OUT.format("select(mark, True, ==)"),
    "not itself": FIRST.replace("before);", "select(indices, indices, !=));") + OUT.format("select(first, True, ==)"),
    "mark of the query": FIRST + OUT.format("same and select(True, first, ==)"),
    "counts do not rise": NUMBER + OUT.format("same and select(number, number, <=)"),
    "numbers of all": NUMBER + OUT.format("select(number, number, ==)"),
    "records or not": RECORDS.format(">=") + OUT.format("select(records, records, ==)"),
    "as many": BEFORE + "number = selector_width(same); " + OUT.format("same and select(number, number, ==)"),
    "place in an order with ties": 'key = indices % 2 + (0.1 if tokens == "a" else 0.0); '
    + PLACE
    + OUT.format("select(place, indices, ==)"),
    "a value that is the default": EMPTY.format("indices", "1") + OUT.format("same and select(x, 1, ==)"),
    "a mean that is the default": EMPTY.format("2 * (indices % 2)", "1") + OUT.format("same and select(x, 1, ==)"),
    "some before": EMPTY.format("1", "0") + OUT.format("same and select(x, 0, >)"),
    "none of two": EMPTY.format("1", "0") + OUT.format("select(x, 0, ==)"),
    "none before another": EMPTY.format("1", "0").replace("same and before", "not same and before")
    + OUT.format("same and select(x, 0, ==)"),
    "two apart": BEFORE
    + "second = selector_width(same and select(indices, indices - 1, <)); "
    + OUT.format("same and select(second, 0, ==)"),
    "the default": BEFORE
    + "first = aggregate(same and before, 0, 0) == 0; "
    + OUT.format("same and select(first, True, ==)"),
    "a default that is none": BEFORE
    + "first = aggregate(same and before, 1, 1) == 1; "
    + OUT.format("same and select(first, True, ==)"),
    "both ends": BEFORE
    + 'ends = mark_first_instance(tokens, "a") or mark_last_instance(tokens, "a"); '
    + OUT.format("select(ends, True, ==)"),
    "a third": NUMBER + OUT.format("same and select(number % 2, 1, ==)"),
}
"""One that is nearly like it, and selects two."""


def claims_about(text: str, alphabet: Iterable[Atom] = "ab", length: int = 4) -> tuple[SOp, Aggregate, Claims]:
    root = program(text).sop("out_")
    assert isinstance(root, Aggregate)
    return root, root, analysed(root, tuple(alphabet), length, Numbers.EXACT)


def widest(root: SOp, claims: Claims) -> dict[Aggregate | Count, int]:
    """How many keys a row of each leaf selects at most, by the interpreter on every input."""
    found: dict[Aggregate | Count, int] = {leaf: max(some, default=0) for leaf, some in sizes(root, claims).items()}
    for leaf in claims.leaves:
        if isinstance(leaf, Count):
            found[leaf] = max((width for run in runs(root, claims) for width in widths(leaf, run, claims)), default=0)
    return found


def widths(leaf: Count, run: Any, claims: Claims) -> Iterator[int]:
    """How many keys the count has at each query of a run."""
    keys = [{sop: run.values[sop][j] for sop in keys_of(leaf.formula)} for j in range(run.n)]
    for i in range(run.n):
        query = {sop: run.values[sop][i] for sop in queries_of(leaf.formula)}
        yield sum(holds(leaf.formula, key, query, claims.numbers) for key in keys)


def forged(claims: Claims) -> Iterator[tuple[Aggregate | Count, Claims]]:
    """For each leaf and each count or aggregate the claim that this tells the keys of the leaf apart."""
    counts = [leaf for leaf in claims.leaves if isinstance(leaf, Aggregate | Count)]
    for leaf, claim in claims.leaves.items():
        if isinstance(leaf, Aggregate | Count):
            for count in counts:
                made = replace(claim, alone=True, rank=count)
                yield leaf, replace(claims, leaves={**claims.leaves, leaf: made})


def proves_one(claims: Claims, leaf: Aggregate | Count) -> bool:
    """Whether the certificate's own proof takes the count for one that tells keys apart."""
    part, rank = leaf.formula if isinstance(leaf, Count) else claims.formulas[leaf], claims.leaves[leaf].rank
    assert rank is not None
    work = Work(10_000_000)
    return one_key.selects_one_key(claims, Local(claims, work), work, part, rank)


@pytest.mark.parametrize("name", ONE_KEY)
def test_marks_that_leave_one_key_are_found_and_proved(name: str) -> None:
    root, leaf, claims = claims_about(ONE_KEY[name])
    assert widest(root, claims)[leaf] == 1
    claim = claims.leaves[leaf]
    assert claim.alone
    assert claim.rank is not None
    assert prove(claims).proved
    # It is the lemma that proves it: nothing else does.
    with pytest.raises(NotClosed, match="may select several keys"):
        prove(replace(claims, leaves={**claims.leaves, leaf: replace(claim, rank=None)}))


@pytest.mark.parametrize("name", SEVERAL)
def test_what_selects_two_keys_is_neither_found_nor_proved(name: str) -> None:
    root, leaf, claims = claims_about(SEVERAL[name], "abc")
    assert widest(root, claims)[leaf] > 1
    assert claims.leaves[leaf].rank is None
    assert not claims.leaves[leaf].alone
    for about, claim in forged(claims):
        if about is leaf:
            with pytest.raises(NotClosed, match="may select several keys"):
                prove(claim)


def varied() -> list[str]:
    """Programs around marks and numbers, of which some select one key at most."""
    kinds = ("same", "True", 'select(tokens, "a", ==)', "select(tokens, tokens, !=)")
    orders = ("<", "<=", ">", ">=", "!=", "==")
    marks = ("0, ==", "1, ==", "1, <=", "n, ==", "n - 1, ==", "n + 1, ==", "n, <", "1, >=")
    more = ("True", "select(indices, indices, <=)", 'select(tokens == "a", True, ==)')
    texts = []
    for counted, order, kind, mark, also in product(kinds, orders, kinds, marks, more):
        parts = ["full_s" if one == "True" else one for one in (counted, kind, also)]
        texts.append(
            f"same = select(tokens, tokens, ==); n = selector_width({parts[0]} and select(indices, indices, {order})); "
            f"out_ = aggregate({parts[1]} and {parts[2]} and select(n, {mark}), indices, -1);"
        )
    keys = (
        'indices * 0.5 + (0.6 if tokens == "a" else 0.0)',
        'indices % 2 + (2 if tokens == "a" else 0)',
        "indices % 3",
    )
    for key, order, kind, mark in product(keys, orders, kinds, (*marks, "indices, ==")):
        texts.append(
            f"same = select(tokens, tokens, ==); key = {key}; n = selector_width(select(key, key, {order})); "
            f"out_ = aggregate({'full_s' if kind == 'True' else kind} and select(n, {mark}), indices, -1);"
        )
    values, defaults = ("1", "indices", "2 * (indices % 2)", "indices / 2"), ("0", "1", "0 - 1", '"a"')
    asked = ("0, ==", "1, ==", "0 - 1, ==", "x, ==", "0, >", '"a", ==')
    for kind, order, value, default, ask in product(kinds, orders, values, defaults, asked):
        row = "full_s" if kind == "True" else kind
        texts.append(
            f"same = select(tokens, tokens, ==); x = aggregate({row} and select(indices, indices, {order}), {value}, "
            f"{default}); out_ = aggregate(same and select(x, {ask}), indices, -1);"
        )
    return texts


VARIED = varied()
SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 200))]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_proved_of_rows_that_select_several_keys(seed: int) -> None:
    """Every claim that the analysis makes, and every one that can be forged."""
    rng = Random(seed)
    for text in rng.sample(VARIED, 16):
        alphabet, length = ("ab", 4) if rng.random() < 0.7 else ("abc", 3)
        try:
            root, _, claims = claims_about(text, alphabet, length)
        except Refused:
            continue
        known = widest(root, claims)
        assert prove(claims).proved
        for about, claim in claims.leaves.items():
            assert claim.rank is None or known[about] <= 1  # type: ignore[index]  # nothing is stored here
        for about, changed in forged(claims):
            assert known[about] <= 1 or not proves_one(changed, about)


def test_a_count_that_all_keys_share_tells_none_apart() -> None:
    text = "size = selector_width(select(1, 1, ==)); out_ = aggregate(select(size, size, ==), indices);"
    root, leaf, claims = claims_about(text)
    assert widest(root, claims)[leaf] == 4
    assert claims.leaves[leaf].rank is None


def test_a_count_that_the_selector_does_not_read_proves_nothing() -> None:
    """Its set is not known to be right where the selector's is proved: it may be computed from it. Here it is empty."""
    _, leaf, claims = claims_about(SEVERAL["every first"])
    other = Count(Both(()))
    nothing = LeafClaim([()], dict.fromkeys(claims.places(), 0), always=False, alone=False)
    ranked = replace(claims.leaves[leaf], alone=True, rank=other)
    assert not proves_one(replace(claims, leaves={**claims.leaves, leaf: ranked, other: nothing}), leaf)


@pytest.mark.parametrize("name", ["every first", "two apart", "numbers of all"])
def test_a_fault_in_the_analysis_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planner takes any count for one that tells keys apart; its model has no certificate."""

    def any_count(domain: Domain, part: Any) -> Count | None:
        return next((leaf for leaf in domain.leaves_of(keys_of(part)) if isinstance(leaf, Count)), None)

    monkeypatch.setattr(profiles, "rank_of", any_count)
    made = program(SEVERAL[name])
    with pytest.raises(NotClosed, match="may select several keys"):
        compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=4)


FIELDS = [
    "total",
    "kept",
    "same",
    "later_has_earlier",
    "earlier_lacks_itself",
    "later_has_itself",
    "earlier_lacks_later",
]


@pytest.mark.parametrize("field", FIELDS)
def test_the_analysis_needs_each_of_its_conditions(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for granted, each of them lets a wrong claim through on some program, and the proof finds every one."""
    original = ranks._Pairs.what

    def granted(self: Any, order: ranks.Order) -> Any:
        return replace(original(self, order), **{field: True})

    monkeypatch.setattr(ranks._Pairs, "what", granted)
    wrong = 0
    for text in SEVERAL.values():
        root, leaf, claims = claims_about(text, "abc", 3)
        if claims.leaves[leaf].rank is not None and widest(root, claims)[leaf] > 1:
            wrong += 1
            with pytest.raises(NotClosed):
                prove(claims)
    assert wrong


def test_an_input_on_which_the_program_fails_is_none() -> None:
    """Letters and numbers have no order: words with both have no output, and what is selected there is no matter."""
    root, leaf, claims = claims_about(ONE_KEY["last low"], ("a", "b", 1), 3)
    assert widest(root, claims)[leaf] == 1
    assert claims.leaves[leaf].rank is not None
    assert prove(claims).proved


def test_stored_s_ops_do_not_hide_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found before an s-op was stored is proved afterwards."""
    monkeypatch.setattr(storing, "MANY", 1)
    for text in ONE_KEY.values():
        _, _, claims = claims_about(text)
        assert prove(claims).proved


@pytest.mark.parametrize("name", ["one before", "last of one token", "last record"])
@pytest.mark.parametrize("optimise", ["layers", "params", "heads"])
def test_models_are_right_on_every_word(name: str, optimise: str) -> None:
    made = program(ONE_KEY[name])
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=6, optimise=optimise)
    assert model.margins is not None
    assert model.margins.values_proved
    assert compiled.cross_check(model).mismatch is None


def test_a_length_that_was_too_much_is_compiled() -> None:
    """Where a token occurred first, at 40 positions: the mean of any set of them had too many values."""
    made = program(ONE_KEY["first of a token"])
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="abc", max_length=40)
    word = "cabca" * 8
    assert model.model().run([tuple(word)])["output"] == [[word.index(token) for token in word]]
