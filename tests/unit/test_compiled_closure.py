"""Sets of values are proved by the interpreter's operators alone, and whatever misses a value is found."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import compiled  # only with torch
from compiled import certify
from compiled.certificate import checker
from compiled.certificate.closure.claims import Claims, LeafClaim, NotClosed, TooMuchWork
from compiled.certificate.closure.cover import Cover, _combinations, _digits
from compiled.certificate.closure.prove import Closed, prove
from compiled.certificate.closure.sums import check_order
from compiled.certify import claims_of
from compiled.errors import Refused
from compiled.meaning import counting, means, presence, profiles, storing
from compiled.meaning.classes import leaf_classes
from compiled.meaning.columns import NO_VALUE, Results
from compiled.meaning.entries import Entries, Rows
from compiled.meaning.formula import Holds, Literal, formula, holds, keys_of, queries_of
from compiled.meaning.leaves import Computed, Count, Input, Leaf, Position, Stored
from compiled.meaning.values import Domain
from compiled.planning.plan import domain_for
from spec.elaborate import Program, elaborate
from spec.graph import Aggregate, Negate, SOp, topological
from spec.interp import Interpreter, ProgramFailure, Run
from spec.source import Source
from spec.values import Atom, Numbers, atom_key, kind_of
from tests.unit.random_attention import attention_program

pytestmark = pytest.mark.torch

Place = tuple[int, int]
Reached = dict[Leaf, dict[Place, dict[object, Atom]]]


def program(text: str, numbers: Numbers = Numbers.EXACT) -> Program:
    return elaborate(Source("test.rasp", text.replace("; ", ";\n") + "\n"), numbers)


def analysed(root: SOp, alphabet: tuple[Atom, ...], length: int, numbers: Numbers) -> Claims:
    """What the analysis says; `Refused` when it gives up."""
    domain = Domain(alphabet, length, numbers)
    counting.definitions([root], domain, split_means=True)
    storing.store([root], domain)
    return claims_of(domain, [root], [])


def runs(root: SOp, claims: Claims) -> Iterator[Run]:
    """The interpreter on every input on which the program has a value."""
    interpreter = Interpreter((root,), claims.numbers)
    for length in range(1, claims.max_length + 1):
        for word in product(claims.alphabet, repeat=length):
            try:
                yield interpreter.run(word)
            except ProgramFailure:
                continue


def counted(leaf: Count, run: Run, i: int, numbers: Numbers) -> int:
    query = {sop: run.values[sop][i] for sop in queries_of(leaf.formula)}
    keys = [{sop: run.values[sop][j] for sop in keys_of(leaf.formula)} for j in range(run.n)]
    return sum(holds(leaf.formula, key, query, numbers) for key in keys)


def reached(root: SOp, claims: Claims) -> Reached:
    """What every leaf really is, by place."""
    found: Reached = {leaf: {} for leaf in claims.leaves}
    for run in runs(root, claims):
        for leaf in claims.leaves:
            for i in range(run.n):
                value = (
                    counted(leaf, run, i, claims.numbers)
                    if isinstance(leaf, Count)
                    else run.values[leaf.sop if isinstance(leaf, Stored) else leaf][i]
                )
                found[leaf].setdefault((run.n, i), {})[atom_key(value)] = value
    return found


def without(claims: Claims, leaf: Computed, place: Place, value: Atom) -> Claims:
    """The claims, but for one value at one place."""
    old = claims.leaves[leaf]
    left = tuple(one for one in old.sets[old.number[place]] if atom_key(one) != atom_key(value))
    made = replace(old, sets=(*old.sets, left), number={**old.number, place: len(old.sets)})
    return replace(claims, leaves={**claims.leaves, leaf: made})


def missing_values(rng: Random, claims: Claims, found: Reached, count: int) -> Iterator[Claims]:
    """Claims without a value that is reached, up to so many."""
    all_of_them = [
        (leaf, place, value)
        for leaf, places in found.items()
        if not isinstance(leaf, Input | Position)
        for place, values in places.items()
        for value in values.values()
    ]
    for leaf, place, value in rng.sample(all_of_them, min(count, len(all_of_them))):
        yield without(claims, leaf, place, value)


def sizes(root: SOp, claims: Claims) -> dict[Aggregate, set[int]]:
    """How many keys the rows of each aggregate select."""
    found: dict[Aggregate, set[int]] = {leaf: set() for leaf in claims.leaves if isinstance(leaf, Aggregate)}
    for run in runs(root, claims):
        for leaf, widths in found.items():
            widths |= {row.bit_count() for row in run.rows[leaf.selector]}
    return found


def wrong_sizes(claims: Claims, widths: Mapping[Aggregate, set[int]]) -> Iterator[Claims]:
    """Claims that no row is empty, or none selects several keys, where one does."""
    for leaf, found in widths.items():
        if 0 in found:
            yield replace(claims, leaves={**claims.leaves, leaf: replace(claims.leaves[leaf], always=True)})
        if max(found, default=0) > 1:
            yield replace(claims, leaves={**claims.leaves, leaf: replace(claims.leaves[leaf], alone=True)})


def other_kinds(value: Atom, numbers: Numbers) -> list[Atom]:
    """Atoms that are not this one; some are equal to it as numbers."""
    if isinstance(value, str):
        return [value + "x"]
    same: list[Atom] = [int(value), float(value) if numbers is Numbers.IEEE else Fraction(value), bool(value)]
    equal = [one for one in same if one == value and kind_of(one) is not kind_of(value)]
    return [*equal, value + 1]


def wrong_definitions(root: SOp, claims: Claims) -> Iterator[Claims]:
    """Claims in which a definition gives another value, or one of another kind, for counts that there are."""
    found: dict[SOp, dict[int, Atom]] = {sop: {} for sop in claims.definitions}
    for run in runs(root, claims):
        for sop, made in claims.definitions.items():
            for i in range(run.n):
                total = made.total(counted(leaf, run, i, claims.numbers) for leaf in made.leaves)
                found[sop][total] = run.values[sop][i]
    for sop, table in found.items():
        made = claims.definitions[sop]
        for total, value in table.items():
            for other in other_kinds(value, claims.numbers):

                def changed(asked: int, total: int = total, other: Atom = other, of: Any = made.of_sum) -> Atom:
                    return other if asked == total else of(asked)

                yield replace(claims, definitions={**claims.definitions, sop: replace(made, of_sum=changed)})


SEEDS = [*range(40), *(pytest.param(s, marks=pytest.mark.slow) for s in range(40, 800))]
STORED = [5, 6, 47, *(pytest.param(s, marks=pytest.mark.slow) for s in range(400, 800))]


@pytest.mark.parametrize("seed", STORED)
def test_claims_about_stored_s_ops_are_proved_and_lack_no_value(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "MANY", 1)
    test_claims_are_proved_and_claims_without_a_value_that_is_reached_are_not(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_claims_are_proved_and_claims_without_a_value_that_is_reached_are_not(seed: int) -> None:
    """Faults of every kind in the claims about a random program; the interpreter says which are faults."""
    rng = Random(seed)
    numbers = rng.choice(list(Numbers))
    made = attention_program(rng, numbers, rng.randint(2, 6))
    root = made.roots[0]
    assert isinstance(root, SOp)
    try:
        claims = analysed(root, made.alphabet, {1: 5, 2: 4}.get(len(made.alphabet), 3), numbers)
    except Refused:
        return
    assert prove(claims).proved
    found = reached(root, claims)
    for leaf, places in found.items():
        claim = claims.leaves[leaf]  # type: ignore[index]  # the leaves are those of the claims
        for place, known in places.items():
            assert known.keys() <= set(map(atom_key, claim.sets[claim.number[place]]))
    changed = [*missing_values(rng, claims, found, 20), *wrong_sizes(claims, sizes(root, claims))]
    wrong = list(wrong_definitions(root, claims))
    for one in [*changed, *rng.sample(wrong, min(20, len(wrong)))]:
        with pytest.raises(NotClosed):
            prove(one)


PROGRAMS = {
    "default": 'out_ = aggregate(select(indices, indices - 1, ==), tokens, "-");',
    "mean": 'out_ = aggregate(select(indices, indices, <=), indicator(tokens == "a"));',
    "booleans": 'x = (tokens == "a") if indices < 2 else 5; out_ = aggregate(select(indices, 2, <), x);',
    "width": "out_ = selector_width(select(tokens, tokens, ==));",
    "presence": 'out_ = aggregate(select(indices, indices, <=), 1 if tokens == "a" else 0 - 1) == 0;',
    "fetch": "out_ = aggregate(select(indices, length - indices, ==), tokens);",
    "negated": 'out_ = aggregate(not select(tokens, "a", ==), indices);',
    "several": 'out_ = aggregate(select(tokens, "a", ==), indices);',
    "sum": 'out_ = round(aggregate(select(indices, indices, <=), indicator(tokens == "a")) * (indices + 1));',
}


def constantly(answer: bool) -> Callable[[Any], Any]:
    return lambda _original: lambda *_given: answer


def forget_default(original: Any) -> Any:
    return lambda choices, least, *rest: original(choices, max(least, 1), *rest)


def forget_largest_mean(original: Any) -> Any:
    return lambda *given: sorted(original(*given))[:-1]


def as_integers(original: Any) -> Any:
    return lambda *given: tuple(int(one) if isinstance(one, bool) else one for one in original(*given))


def must_be_selected(original: Any) -> Any:
    def rows(self: Entries, m: int) -> Rows:
        can, cannot = original(self, m)
        return can, cannot & ~can

    return rows


def never_the_first(original: Any) -> Any:
    def rows(self: Entries, m: int) -> Rows:
        can, cannot = original(self, m)
        first = np.arange(m) == 0
        return can & ~first, cannot | first

    return rows


def first_only(original: Any) -> Any:
    return lambda self, sops, m, i: original(self, sops, m, i)[:1]


def off_by_one(original: Any) -> Any:
    def table(*given: Any) -> Any:
        found = original(*given)
        return found and {total: value + 1 for total, value in found.items()}

    return table


def not_negated(original: Any) -> Any:
    return lambda selector: original(selector.operand if isinstance(selector, Negate) else selector)


FAULTS: list[tuple[str, Any, str, Callable[[Any], Any]]] = [
    ("default", profiles, "aggregated", forget_default),
    ("default", Domain, "joint", first_only),
    ("mean", means, "_means", forget_largest_mean),
    ("mean", Entries, "rows", never_the_first),
    ("booleans", profiles, "aggregated", as_integers),
    ("booleans", profiles._Columns, "averages", constantly(False)),
    ("width", counting, "_as_function_of_width", off_by_one),
    ("width", Entries, "rows", must_be_selected),
    ("presence", presence, "_is_weight", constantly(True)),
    ("several", profiles, "_fetches_one", constantly(True)),
    ("several", Entries, "rows", must_be_selected),
    ("negated", certify, "formula", not_negated),
    ("sum", counting, "_sums", off_by_one),
]


@pytest.mark.parametrize(("name", "where", "what", "fault"), FAULTS)
def test_a_fault_in_the_analysis_leaves_nothing_certified(
    monkeypatch: pytest.MonkeyPatch, name: str, where: Any, what: str, fault: Callable[[Any], Any]
) -> None:
    """Without the fault there is a certificate; with it none, and it is the proof about values that fails."""
    made = program(PROGRAMS[name])
    scope: dict[str, Any] = {"alphabet": "ab", "max_length": 4}
    right = compiled.compile_program(made.graph, made.sop("out_"), **scope)
    assert right.margins is not None
    assert right.margins.values_proved
    monkeypatch.setattr(where, what, fault(getattr(where, what)))
    claims = analysed(made.sop("out_"), ("a", "b"), 4, Numbers.EXACT)
    with pytest.raises(NotClosed):
        prove(claims)


TWO_MEANS = (
    'p = select(indices, indices, <=); b = aggregate(p, indicator(tokens == "b")); '
    'c = aggregate(p, indicator(tokens == "c")); out_ = 1 if b > 0.4 and c > 0.6 else 2 if b + c > 0.5 else 3;'
)


def all_but_the_last(original: Any) -> Any:
    def fewer(self: Domain, *given: Any) -> Any:
        found = original(self, *given)
        return found.kept(np.arange(len(found) - 1))

    return fewer


def without_the_last(original: Any) -> Any:
    def fewer(self: Domain, *given: Any) -> Results:
        found = original(self, *given)
        return Results(found.rows, np.append(found.codes[:-1], NO_VALUE))

    return fewer


def as_the_first(original: Any) -> Any:
    def checked(self: Domain, *given: Any) -> Results:
        found = original(self, *given)
        return Results(found.rows, np.full_like(found.codes, found.codes[0]))

    return checked


STATES: list[tuple[Any, str, Callable[[Any], Any]]] = [
    (Domain, "tuples", all_but_the_last),
    (Domain, "class_tuples", all_but_the_last),
    (Domain, "checked", without_the_last),
    (Domain, "checked", as_the_first),
]


@pytest.mark.parametrize(("where", "what", "fault"), STATES)
def test_a_checker_that_leaves_out_states_or_values_certifies_nothing(
    monkeypatch: pytest.MonkeyPatch, where: Any, what: str, fault: Callable[[Any], Any]
) -> None:
    """A function of two means, on all combinations of their values or on classes of them."""
    made = program(TWO_MEANS)
    if what == "class_tuples":
        monkeypatch.setattr(checker, "MANY", 1)
    scope: dict[str, Any] = {"alphabet": "abc", "max_length": 4, "dtype": "float64"}
    model = compiled.compile_program(made.graph, made.sop("out_"), **scope)
    outputs = {readout.name: (readout.sop, readout.values) for readout in model.plan.readouts}

    def check(domain: Domain) -> None:
        certify.certify(model.weights.tensors, certify.ledger_of(model.plan), domain, outputs, "float64")

    check(domain_for(model.outputs, model.options))
    domain = domain_for(model.outputs, model.options)
    monkeypatch.setattr(where, what, fault(getattr(where, what)))
    with pytest.raises(NotClosed):
        check(domain)


def test_values_of_one_class_behave_alike() -> None:
    """Classes of values that nothing tells apart are accepted, and none in which something does."""
    root = program(TWO_MEANS).sop("out_")
    claims = analysed(root, ("a", "b", "c"), 4, Numbers.EXACT)
    domain = Domain(claims.alphabet, claims.max_length, claims.numbers)
    leaves = domain.leaves(root)
    classes = leaf_classes(domain, (root,), leaves)
    cover = Cover(claims, 100_000)
    cover.check(leaves, domain.class_tuples(leaves, classes), classes, (root,))
    assert cover.complete
    for leaf, known in classes.items():
        first, *_ = known
        merged = {**classes, leaf: dict.fromkeys(known, first)}
        with pytest.raises(NotClosed, match="is in a class with"):
            cover.check(leaves, domain.class_tuples(leaves, merged), merged, (root,))
        fewer = {**classes, leaf: {value: shown for value, shown in known.items() if value != first}}
        with pytest.raises(NotClosed, match="is in no class"):
            cover.check(leaves, domain.class_tuples(leaves, fewer), fewer, (root,))


def test_weights_are_wrong_under_a_fault_that_only_this_proof_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of a table are one too large: planner and checker believe it, and only the proof does not."""
    made = program(PROGRAMS["sum"])
    scope: dict[str, Any] = {"alphabet": "ab", "max_length": 3}
    monkeypatch.setattr(counting, "_sums", off_by_one(counting._sums))
    with pytest.raises(NotClosed, match="where counts give"):
        compiled.compile_program(made.graph, made.sop("out_"), **scope)
    monkeypatch.setattr(checker, "prove", lambda *_: Closed(True, 0))
    wrong = compiled.compile_program(made.graph, made.sop("out_"), **scope)
    assert wrong.model().run([("a", "a", "b")])["output"] == [[2, 3, 3]]


def test_what_would_take_too_much_work_is_said_to_be_taken_on_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    made = program(PROGRAMS["width"])
    monkeypatch.setattr(checker, "prove", lambda claims, _: prove(claims, 100))
    model = compiled.compile_program(made.graph, made.sop("out_"), alphabet="ab", max_length=4)
    assert model.margins is not None
    assert not model.margins.values_proved
    assert model.certificate()["values"] == "taken on trust"
    assert "taken on trust" in model.explain()
    assert "taken on trust" in model._repr_html_()


def test_claims_that_stand_on_each_other_prove_nothing() -> None:
    """Two counts that are defined by each other could say anything."""
    claims = analysed(program(PROGRAMS["width"]).sop("out_"), ("a", "b"), 3, Numbers.EXACT)
    (sop, made), *_ = claims.definitions.items()
    itself = Count(Literal(Holds(sop, 1)))
    claimed = next(iter(claims.leaves.values()))
    circular = replace(
        claims, leaves={**claims.leaves, itself: claimed}, definitions={sop: replace(made, leaves=(itself,))}
    )
    with pytest.raises(NotClosed, match="circle"):
        prove(circular)


def test_doubles_are_summed_in_any_order_only_where_that_is_exact() -> None:
    """A large and a small number in one sequence are no obstacle, unless a row adds them up."""
    text = "x = 9007199254740992.0 if indices == 0 else 0.5; out_ = aggregate(select(indices, indices, {}), x);"
    apart = analysed(program(text.format("=="), Numbers.IEEE).sop("out_"), ("a",), 3, Numbers.IEEE)
    assert prove(apart).proved
    root = program(text.format("<="), Numbers.IEEE).sop("out_")
    with pytest.raises(Refused, match="order of the summands"):
        analysed(root, ("a",), 3, Numbers.IEEE)
    (leaf,) = [node for node in topological([root]) if isinstance(node, Aggregate)]
    claim = LeafClaim([(0.5, 9007199254740992.0)], dict.fromkeys(apart.places(), 0), True, False)
    together = replace(apart, leaves={leaf: claim}, formulas={leaf: formula(leaf.selector)})
    with pytest.raises(NotClosed, match="order of the summands"):
        prove(together)
    check_order([0.5, 2.0**51], 2)
    with pytest.raises(NotClosed, match="order of the summands"):
        check_order([0.5, 2.0**52], 2)
    with pytest.raises(NotClosed, match="not finite"):
        check_order([0.5, float("inf")], 2)


def test_every_combination_has_a_number_of_its_own() -> None:
    random = np.random.default_rng(5)
    for _ in range(50):
        sizes = [int(size) for size in random.integers(1, 6, size=int(random.integers(0, 5)))]
        box = [np.unique(random.integers(0, size, size=3)) for size in sizes]
        found = _combinations(box, _digits(sizes))
        every = set(product(*(labels.tolist() for labels in box)))
        assert len(set(found.tolist())) == len(found) == len(every)
        if sizes:
            assert {
                tuple(map(int, place)) for place in zip(*np.unravel_index(found, sizes, order="F"), strict=True)
            } == every
    with pytest.raises(TooMuchWork):
        _digits([1 << 31] * 2)
