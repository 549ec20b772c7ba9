"""Schedules, and what each cost model asks of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from random import Random

import pytest

from spec.ast import Predicate
from spec.cost import (
    MODELS,
    PAPER,
    TRANSFORMER,
    CostModel,
    Read,
    Schedule,
    as_soon_as_possible,
    demands,
    floor,
    reads,
    reference_analysis,
    schedule,
    validate,
)
from spec.graph import Aggregate, Graph, Junction, Map, Negate, Node, Select, Selector, SOp, View, operands
from spec.operators import Op
from spec.values import Numbers
from tests.graphs import random_graph


class Library:
    """The few library functions that the programs below use, as graph operations."""

    def __init__(self, interning: bool = True, graph: Graph | None = None) -> None:
        self.graph = g = graph or Graph(Numbers.EXACT, interning)
        self.tokens = g.tokens(View.STR)
        self.indices = g.indices()
        self.full = g.select(self.constant(1), self.constant(1), Predicate.EQ)
        first = g.map(Op.INDICATOR, self.is_first())
        self.length = g.map(Op.ROUND, g.map(Op.DIV, self.constant(1), g.aggregate(self.full, first)))

    def constant(self, value: int | str) -> SOp:
        return self.graph.constant(value)

    def is_first(self) -> SOp:
        return self.graph.map(Op.EQ, self.indices, self.constant(0))

    def width(self, selector: Selector) -> SOp:
        """The number of keys that each query selects, as the reference's library counts them: two heads."""
        g = self.graph
        first = g.select(self.indices, self.constant(0), Predicate.EQ)
        either = g.aggregate(g.combine(Junction.OR, selector, first), g.map(Op.INDICATOR, self.is_first()))
        both = g.aggregate(g.combine(Junction.AND, selector, first), self.constant(1))
        others = g.map(Op.SUB, g.map(Op.DIV, self.constant(1), either), self.constant(1))
        return g.map(Op.ROUND, g.map(Op.ADD, others, both))

    def same(self) -> Selector:
        return self.graph.select(self.tokens, self.tokens, Predicate.EQ)

    def before(self) -> Selector:
        return self.graph.select(self.indices, self.indices, Predicate.LT)

    def reverse(self) -> SOp:
        g = self.graph
        opposite = g.map(Op.SUB, g.map(Op.SUB, self.length, self.indices), self.constant(1))
        return g.aggregate(g.select(self.indices, opposite, Predicate.EQ), self.tokens)

    def sort(self) -> SOp:
        g = self.graph
        smaller = g.select(self.tokens, self.tokens, Predicate.LT)
        order = g.combine(Junction.OR, smaller, g.combine(Junction.AND, self.same(), self.before()))
        return g.aggregate(g.select(self.width(order), self.indices, Predicate.EQ), self.tokens)

    def double_histogram(self) -> SOp:
        g = self.graph
        count = self.width(self.same())
        fresh = g.map(Op.EQ, self.width(g.combine(Junction.AND, self.same(), self.before())), self.constant(0))
        first = g.select(fresh, self.constant(1), Predicate.EQ)
        return self.width(g.combine(Junction.AND, g.select(count, count, Predicate.EQ), first))


def test_paper_model_gives_the_figures_of_the_paper() -> None:
    """Reverse takes 2 layers of 1 head, a histogram without BOS 1 layer of 2, a sort 2 layers of 2 and 1."""
    library = Library()
    assert as_soon_as_possible([library.reverse()], PAPER).heads == (1, 1)
    assert as_soon_as_possible([library.width(library.same())], PAPER).heads == (2,)
    assert as_soon_as_possible([library.sort()], PAPER).heads == (2, 1)


def test_reference_charges_twice_for_a_selector_written_twice() -> None:
    """Interned, `same` in the double histogram is one selector; in the reference each use is an object of its own."""
    apart, merged = Library(interning=False), Library()
    assert reference_analysis(apart.graph, apart.double_histogram()).heads == (4, 2)
    assert as_soon_as_possible([merged.double_histogram()], PAPER).heads == (4, 2)
    x, y = apart.width(apart.same()), apart.width(apart.same())
    assert reference_analysis(apart.graph, apart.graph.map(Op.ADD, x, y)).heads == (4,)
    x, y = merged.width(merged.same()), merged.width(merged.same())
    assert as_soon_as_possible([merged.graph.map(Op.ADD, x, y)], PAPER).heads == (2,)


def test_reference_analysis_refuses_a_graph_that_merged_its_selectors() -> None:
    library = Library()
    with pytest.raises(ValueError, match="merged"):
        reference_analysis(library.graph, library.reverse())


def test_aggregates_of_one_selector_share_a_head() -> None:
    library = Library()
    g = library.graph
    x, y = g.aggregate(library.same(), library.indices), g.aggregate(library.same(), library.constant(1))
    assert as_soon_as_possible([x, y], PAPER).heads == (1,)
    later = g.aggregate(library.same(), x)
    assert as_soon_as_possible([x, y, later], PAPER).heads == (1, 1)
    assert schedule({x: 1, y: 2, later: 2}).heads == (1, 1)


# What a transformer can do before its first layer of elementwise functions, and what it cannot.


def test_transformer_needs_a_block_to_mix_token_and_position() -> None:
    library = Library()
    g = library.graph
    mixed = g.map(Op.MUL, library.tokens, library.indices)
    alone = g.map(Op.ADD, library.tokens, library.constant("x"))
    assert as_soon_as_possible([alone], TRANSFORMER).heads == ()
    assert as_soon_as_possible([mixed], PAPER).heads == ()
    assert as_soon_as_possible([mixed], TRANSFORMER).heads == (0,)
    assert as_soon_as_possible([g.aggregate(library.same(), mixed)], TRANSFORMER).heads == (0, 1)
    assert as_soon_as_possible([g.aggregate(library.same(), alone)], TRANSFORMER).heads == (1,)
    key = g.select(mixed, library.constant("a"), Predicate.EQ)
    assert as_soon_as_possible([g.aggregate(key, library.indices)], TRANSFORMER).heads == (0, 1)


def test_transformer_mixes_what_attention_has_written_in_the_same_block() -> None:
    library = Library()
    g = library.graph
    mixed = g.map(Op.ADD, g.map(Op.ADD, library.length, library.indices), g.map(Op.EQ, library.tokens, library.tokens))
    assert as_soon_as_possible([mixed], TRANSFORMER).heads == (1,)


@pytest.mark.parametrize(
    ("selector", "layers"),
    [
        ("same and before", 1),
        ("same or before", 2),
        ("not (same and before)", 2),
        ("not (not same or not before)", 1),
        ("same or smaller", 1),
        ("same and (same or smaller)", 1),
        ("same and (same or before)", 2),
        ("before or token is position", 2),
    ],
)
def test_conjunction_adds_scores_and_disjunction_needs_a_joint_table(selector: str, layers: int) -> None:
    library = Library()
    g = library.graph
    same, before = library.same(), library.before()
    smaller = g.select(library.tokens, library.tokens, Predicate.LT)
    either, both = Junction.OR, Junction.AND
    selectors: Mapping[str, Selector] = {
        "same and before": g.combine(both, same, before),
        "same or before": g.combine(either, same, before),
        "not (same and before)": g.negate(g.combine(both, same, before)),
        "not (not same or not before)": g.negate(g.combine(either, g.negate(same), g.negate(before))),
        "same or smaller": g.combine(either, same, smaller),
        "same and (same or smaller)": g.combine(both, same, g.combine(either, same, smaller)),
        "same and (same or before)": g.combine(both, same, g.combine(either, same, before)),
        "before or token is position": g.combine(
            either, before, g.select(library.tokens, library.indices, Predicate.EQ)
        ),
    }
    found = as_soon_as_possible([g.aggregate(selectors[selector], library.tokens)], TRANSFORMER)
    assert found.layers == layers
    assert found.total == 1


def test_transformer_counts_with_one_head_what_the_paper_counts_with_two() -> None:
    library = Library()
    assert as_soon_as_possible([library.width(library.same())], PAPER).heads == (2,)
    assert as_soon_as_possible([library.width(library.same())], TRANSFORMER).heads == (1,)
    shared = [library.width(library.same()), library.graph.aggregate(library.same(), library.indices)]
    assert as_soon_as_possible(shared, PAPER).heads == (3,)
    assert as_soon_as_possible(shared, TRANSFORMER).heads == (2,)
    assert as_soon_as_possible([library.double_histogram()], PAPER).heads == (4, 2)
    assert as_soon_as_possible([library.double_histogram()], TRANSFORMER).heads == (2, 1)


def test_sort_costs_the_transformer_one_more_layer() -> None:
    """Its order compares tokens or else positions, so it needs a joint key; the paper's model does not mind."""
    library = Library()
    assert as_soon_as_possible([library.sort()], TRANSFORMER).heads == (0, 1, 1)


# Validity.


def chain() -> tuple[Graph, list[Aggregate]]:
    library = Library()
    g = library.graph
    first = g.aggregate(library.same(), library.indices)
    second = g.aggregate(library.before(), first)
    third = g.aggregate(library.same(), second)
    return g, [first, second, third]


def test_schedule_may_wait_but_not_hurry() -> None:
    _, (a, b, c) = chain()
    assert validate(schedule({a: 1, b: 2, c: 3}), [c], PAPER) == ()
    assert validate(schedule({a: 1, b: 3, c: 4}), [c], PAPER) == ()
    wrong = validate(schedule({a: 1, b: 2, c: 2}), [c], PAPER)
    assert [(found.node, found.message) for found in wrong] == [
        (c, f"{c!r} is in layer 2, but can happen from layer 3 only")
    ]


def test_claims_about_heads_are_checked() -> None:
    _, (a, b, c) = chain()
    layer: dict[Read, int] = {a: 1, b: 2, c: 3}
    assert validate(Schedule(layer, (1, 1, 1)), [c], PAPER) == ()
    (wrong,) = validate(Schedule(layer, (1, 0, 1)), [c], PAPER)
    assert wrong.message == "layer 2 has 1 heads, not 0"
    (wrong,) = validate(Schedule(layer, (1, 2, 1)), [c], PAPER)
    assert wrong.message == "layer 2 has 1 heads, not 2"
    assert validate(Schedule(layer, (1, 1, 1, 0)), [c], PAPER) == ()


def test_incomplete_and_idle_and_impossible_layers_are_named() -> None:
    _, (a, b, c) = chain()
    assert [v.message for v in validate(schedule({a: 1, b: 2}), [c], PAPER)] == [f"{c!r} has no layer"]
    assert [v.message for v in validate(schedule({a: 1, b: 1}), [a], PAPER)][:1] == [f"{b!r} is not needed"]
    assert [v.message for v in validate(Schedule({a: 2}, (1,)), [a], PAPER)] == [f"{a!r} is in layer 2 of 1"]
    assert [v.message for v in validate(Schedule({a: 0}, (1,)), [a], PAPER)] == [f"{a!r} is in layer 0 of 1"]


def test_output_that_is_known_too_late_is_named() -> None:
    library = Library()
    mixed = library.graph.map(Op.MUL, library.tokens, library.indices)
    assert validate(Schedule({}, ()), [mixed], PAPER) == ()
    assert [v.message for v in validate(Schedule({}, ()), [mixed], TRANSFORMER)] == [
        f"{mixed!r} is known after layer 1 of 0"
    ]


def test_layers_are_counted_from_one() -> None:
    _, (a, _, _) = chain()
    with pytest.raises(ValueError, match="from 1"):
        schedule({a: 0})


# A second implementation of the equations, by what lies below each thing, on random graphs.


def clauses(selector: Selector, positive: bool = True) -> list[set[Select]]:
    """The selector as a conjunction of formulas, each given by the comparisons in it."""
    if isinstance(selector, Select):
        return [{selector}]
    if isinstance(selector, Negate):
        return clauses(selector.operand, not positive)
    if (selector.junction is Junction.AND) is positive:
        return clauses(selector.left, positive) + clauses(selector.right, positive)
    return [{node for node in closure([selector], lambda node: isinstance(node, Select)) if isinstance(node, Select)}]


def closure(roots: Iterable[Node], stop: Callable[[Node], bool]) -> set[Node]:
    """All nodes below, not through those where to stop, these and the roots included."""
    found: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack += [] if stop(node) else operands(node)
    return found


@dataclass
class Case:
    """Some s-ops of a random graph, which s-ops count which selectors, and a second opinion on their schedules."""

    model: CostModel
    roots: list[SOp]
    widths: dict[Node, Selector]

    def is_read(self, node: Node) -> bool:
        return isinstance(node, Aggregate) or node in self.widths

    def reads(self) -> list[Read]:
        """Breadth first from the roots; the order of the ids is a topological one."""
        found: set[Node] = set()
        front = {node for node in closure(self.roots, self.is_read) if self.is_read(node)}
        while front:
            found |= front
            below = {part for node in front for part in closure(self.parts(node), self.is_read)}
            front = {node for node in below if self.is_read(node)} - found
        return sorted((node for node in found if isinstance(node, Aggregate | Map)), key=lambda node: node.id)

    def parts(self, node: Node) -> tuple[Node, ...]:
        return (self.widths[node],) if node in self.widths else operands(node)

    def level(self, things: set[SOp], layer: Mapping[Read, int]) -> int:
        below = closure(things, self.is_read)
        names = {type(node).__name__ for node in below}
        late = [layer[node] for node in below if isinstance(node, Aggregate | Map) and self.is_read(node)]
        return max([0, *late, self.model.mixed_level if {"Tokens", "Indices"} <= names else 0])

    def ready(self, node: Read, layer: Mapping[Read, int]) -> int:
        levels = [0 if node in self.widths or isinstance(node, Map) else self.level({node.values}, layer)]
        selector = node.selector if isinstance(node, Aggregate) else self.widths[node]
        for clause in clauses(selector):
            sides = [{s.keys for s in clause}, {s.queries for s in clause}]
            levels += [self.level(side, layer) for side in sides]
        return 1 + max(levels)

    def valid(self, layer: Mapping[Read, int], layers: int) -> bool:
        late = any(layer[node] < self.ready(node, layer) for node in layer)
        return not late and all(self.level({root}, layer) <= layers for root in self.roots)


def random_case(random: Random, model: CostModel, size: int) -> Case:
    graph = random_graph(random, size)
    library, widths = Library(graph=graph), dict[Node, Selector]()
    for _ in range(3):
        selector = random.choice([node for node in graph if isinstance(node, Selector)])
        width = library.width(selector)
        widths[width] = selector
        below = random.choice([*widths, *graph])
        if isinstance(below, SOp):
            graph.aggregate(graph.select(below, library.indices, Predicate.EQ), graph.map(Op.ADD, below, width))
    roots = [node for node in random.choices(graph.nodes, k=4) if isinstance(node, SOp)]
    return Case(model, roots, widths if model.counting else {})


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_validity_and_demands_agree_with_a_second_implementation(model: CostModel) -> None:
    both = set()
    for seed in range(120):
        random = Random(seed)
        case = random_case(random, model, 30)
        needed, wanted = case.reads(), demands(case.roots, model)
        assert list(reads(case.roots, model)) == needed
        early = as_soon_as_possible(case.roots, model)
        assert validate(early, case.roots, model) == ()
        assert all(early.layer[node] == case.ready(node, early.layer) for node in needed)
        for _ in range(10):
            layer = {node: max(1, early.layer[node] + random.choice([0, 0, 0, 0, 1, -1])) for node in needed}
            layers = max([0, early.layers + random.choice([0, 0, -1]), *layer.values()])
            expected = case.valid(layer, layers)
            assert (validate(schedule(layer, layers), case.roots, model) == ()) is expected
            assert expected is (
                layers >= floor(case.roots, model)
                and all(layer[node] > want.above for node, want in wanted.items())
                and all(layer[node] > layer[other] for node, want in wanted.items() for other in want.after)
            )
            both.add(expected)
    assert both == {True, False}


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_no_valid_schedule_has_fewer_layers_than_the_earliest(model: CostModel) -> None:
    """By trying every assignment of layers."""
    tried = 0
    for seed in range(200):
        case = random_case(Random(seed), model, 15)
        needed = case.reads()
        least = as_soon_as_possible(case.roots, model).layers
        if least < 2 or least ** len(needed) > 1000:
            continue
        tried += 1
        for layers in product(range(1, least), repeat=len(needed)):
            assert not case.valid(dict(zip(needed, layers, strict=True)), least - 1)
    assert tried > 20


def test_shared_selectors_are_scored_in_linear_time() -> None:
    """`s = s and s` sixty times over is one head, not 2^60 comparisons."""
    library = Library()
    selector = library.same()
    for _ in range(60):
        selector = library.graph.combine(Junction.OR, selector, library.graph.negate(selector))
    root = library.graph.aggregate(selector, library.tokens)
    assert as_soon_as_possible([root], TRANSFORMER).heads == (1,)
