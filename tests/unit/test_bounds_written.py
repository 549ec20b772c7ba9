"""Level 1: exact minima of schedules, against brute force, the reference, and known values."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path
from random import Random

import pytest

from spec.ast import Predicate
from spec.cost import MODELS, PAPER, TRANSFORMER, CostModel, Schedule, reference_analysis, validate
from spec.diagnostics import EvaluationError
from spec.elaborate import elaborate, load_program
from spec.graph import Graph, Junction, Node, Select, SOp, View
from spec.idiom import counted
from spec.interp import evaluate
from spec.operators import Op
from spec.source import Source
from spec.values import Atom, Numbers, atom_key
from tests.graphs import random_graph
from tests.unit.random_graphs import random_program
from verifier.bounds.decide import Chain, Clausal, Crowd, Feasible, Impossible, Open, decide
from verifier.bounds.merge import merged
from verifier.bounds.problem import Limits, Problem, least_layers, longest_chain, problem
from verifier.bounds.written import Counted, Stairs, as_written, enough_layers, merged_problem

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"
NAMES = sorted(str(path.relative_to(PROGRAMS).with_suffix("")) for path in PROGRAMS.rglob("*.rasp"))


def every_schedule(task: Problem, layers: int) -> Iterator[Schedule]:
    """All valid schedules, by trying all assignments."""
    for layer in product(range(1, layers + 1), repeat=len(task.reads)):
        found = task.schedule(layer, layers)
        if not validate(found, task.roots, task.model):
            yield found


def small_tasks(seeds: range) -> Iterator[Problem]:
    for seed in seeds:
        random = Random(seed)
        graph = random_graph(random, 26)
        sops = [node for node in graph.nodes if isinstance(node, SOp)]
        for model in MODELS.values():
            task = problem(random.sample(sops, min(2, len(sops))), model)
            if len(task.reads) <= 5 and least_layers(task) <= 3:
                yield task


def test_decisions_agree_with_trying_every_assignment() -> None:
    seen = set()
    for task in small_tasks(range(60)):
        for layers in range(4):
            schedules = list(every_schedule(task, layers))
            for width, total in product((None, 0, 1, 2), (None, 1, 2, 3)):
                limits = Limits(layers, width, total)
                fits = any(
                    (width is None or s.width <= width) and (total is None or s.total <= total) for s in schedules
                )
                answer = decide(task, limits, 60)
                assert isinstance(answer, Feasible if fits else Impossible)
                seen.add(type(answer.argument) if isinstance(answer, Impossible) else Feasible)
    assert seen == {Feasible, Chain, Crowd, Clausal}


def test_stairs_agree_with_trying_every_assignment() -> None:
    steps = 0
    for task in small_tasks(range(60, 110)):
        front = as_written(task.roots, task.model)
        assert front.complete
        for layers in range(least_layers(front.task), least_layers(front.task) + 3):
            schedules = list(every_schedule(front.task, layers))
            for stairs in (front.widths, front.totals):
                assert stairs.least(layers) == min(map(stairs.counted.of, schedules))
                steps += len(stairs.steps) > 1
    assert steps > 5


def test_what_a_complete_front_leaves_out_is_refuted() -> None:
    """Every step but the last has its refutation: one head fewer needs more layers than the next step has."""
    for task in small_tasks(range(110, 140)):
        front = as_written(task.roots, task.model)
        for stairs in (front.widths, front.totals):
            check_stairs(front.task, stairs)


def check_stairs(task: Problem, stairs: Stairs) -> None:
    for step, below in pairwise(stairs.steps):
        wanted = stairs.counted.limits(below.layers - 1, stairs.counted.of(step) - 1)
        assert wanted in [refuted.limits for refuted in stairs.refuted]
    last = stairs.counted.of(stairs.steps[-1])
    if stairs.counted is Counted.WIDTH:
        assert last == min(1, len(task.reads))
    elif last > len(task.heads):
        final = stairs.refuted[-1].limits
        assert final.total == last - 1
        assert final.layers >= enough_layers(task, last - 1)


def independent_program(text: str, name: str) -> dict[str, tuple[int, int, int]]:
    program = elaborate(Source("test.rasp", text), Numbers.EXACT)
    found = {}
    for model in MODELS.values():
        front = as_written([program.sop(name)], model)
        found[model.name] = (front.layers, front.widths.steps[0].width, front.totals.steps[0].total)
    return found


def test_two_heads_that_are_needed_late_move_out_of_the_first_layer() -> None:
    """A chain of three and two independent heads: width 3 as early as possible, 2 at best."""
    text = """
    a = aggregate(select(indices, indices, <), indices);
    b = aggregate(select(a, a, <), a);
    c = aggregate(select(b, b, <), b);
    d = aggregate(select(indices, indices, >), indices);
    e = aggregate(select(indices, indices, >=), indices);
    all = a + b + c + d + e;
    """
    assert independent_program(text, "all")["paper"] == (3, 2, 5)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("select(tokens, tokens, ==)", "select(tokens, tokens, ==)"),
        ("not select(indices, indices, >=)", "select(indices, indices, <)"),
        ("not not select(tokens, tokens, ==)", "select(tokens, tokens, ==)"),
        ("select(tokens, tokens, ==) and select(tokens, tokens, ==)", "select(tokens, tokens, ==)"),
        ("select(tokens, tokens, ==) and select(1, 1, ==)", "select(2, 2, ==) and select(tokens, tokens, ==)"),
        ('select(tokens == "a", True, ==)', 'select("a" == tokens, True, ==)'),
        ("select(indices > 2, True, ==)", "select(2 < indices, True, ==)"),
        (
            "select(tokens, tokens, ==) or select(indices, indices, <)",
            "select(indices, indices, <) or select(tokens, tokens, ==)",
        ),
    ],
)
def test_equal_selectors_are_one_head(left: str, right: str) -> None:
    text = f"x = aggregate({left}, indices) + aggregate({right}, indices + 1);"
    assert independent_program(text, "x")["paper"][1:] == (1, 1)


def test_transposed_selector_is_another_head() -> None:
    """`==` with its sides exchanged selects the transpose, which is not the same matrix."""
    text = "x = aggregate(select(tokens, indices, ==), 1) + aggregate(select(indices, tokens, ==), 1);"
    assert independent_program(text, "x")["paper"] == (1, 2, 2)


def test_identity_attention_costs_nothing() -> None:
    text = "x = aggregate(select(indices, indices, ==), tokens);"
    assert independent_program(text, "x") == {"paper": (0, 0, 0), "transformer": (0, 0, 0)}


def test_merging_keeps_every_value_and_every_failure() -> None:
    changed = failures = 0
    for seed in range(250):
        numbers = Numbers.EXACT if seed % 2 else Numbers.IEEE
        program = random_program(Random(seed), numbers, 9)
        graph, made = merged(program.roots, numbers)
        changed += len(graph) < len(program.graph)
        for word in [word for n in (1, 2, 3) for word in program.words(n)][:30]:
            before = outcome(program.roots, word, numbers)
            assert outcome([made[root] for root in program.roots], word, numbers) == before
            failures += before is None
    assert changed > 20
    assert failures > 20


def outcome(nodes: Sequence[Node], word: tuple[Atom, ...], numbers: Numbers) -> object:
    """Every value with its kind and every row; `None` where the program fails."""
    try:
        run = evaluate(nodes, word, numbers)
    except EvaluationError:
        return None
    return [tuple(map(atom_key, run.values[node])) if isinstance(node, SOp) else run.rows[node] for node in nodes]


def test_complement_of_an_order_is_not_merged_for_doubles() -> None:
    """With NaN, `not (k >= q)` and `k < q` differ."""
    graph = Graph(Numbers.IEEE)
    order = graph.select(graph.tokens(View.ASIS), graph.indices(), Predicate.GE)
    _, made = merged([graph.negate(order)], Numbers.IEEE)
    assert not isinstance(made[graph.negate(order)], Select)


def test_counting_is_still_recognised_after_merging() -> None:
    program = load_program(PROGRAMS / "paper" / "double_histogram.rasp", Numbers.EXACT)
    root = program.sop("double_histogram")
    graph, _ = merged([root], Numbers.EXACT)
    assert sum(counted(node) is not None for node in graph.nodes) == 2


@pytest.mark.parametrize("name", NAMES)
def test_never_worse_than_the_reference(name: str) -> None:
    program = load_program(PROGRAMS / f"{name}.rasp", Numbers.EXACT, interning=False)
    for sop in program.sops().values():
        greedy = reference_analysis(program.graph, sop)
        _, task = merged_problem([sop], PAPER, Numbers.EXACT)
        assert least_layers(task) <= greedy.layers
        limits = Limits(greedy.layers, greedy.width)
        assert isinstance(decide(task, limits, 10), Feasible)
        assert isinstance(decide(task, Limits(greedy.layers, total=greedy.total), 10), Feasible)


KNOWN: dict[tuple[str, str, CostModel], tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {
    ("paper/dyck_ptf", "dyck2_ptf", PAPER): ([(4, 2), (5, 1)], [(4, 5)]),
    ("paper/double_histogram", "double_histogram", PAPER): ([(2, 3), (3, 2), (5, 1)], [(2, 5)]),
    ("paper/double_histogram", "double_histogram", TRANSFORMER): ([(2, 2), (3, 1)], [(2, 3)]),
    ("paper/sort", "in_order", PAPER): ([(2, 2), (3, 1)], [(2, 3)]),
    ("paper/reverse", "backwards", PAPER): ([(2, 1)], [(2, 2)]),
}


@pytest.mark.parametrize(("name", "sop", "model"), KNOWN)
def test_fronts_of_shipped_programs(name: str, sop: str, model: CostModel) -> None:
    program = load_program(PROGRAMS / f"{name}.rasp", Numbers.EXACT)
    front = as_written([program.sop(sop)], model)
    widths, totals = KNOWN[name, sop, model]
    assert [(step.layers, step.width) for step in front.widths.steps] == widths
    assert [(step.layers, step.total) for step in front.totals.steps] == totals


def test_longest_chain_is_a_chain() -> None:
    for task in small_tasks(range(30)):
        chain = longest_chain(task)
        assert all(a in task.after[b] for a, b in pairwise(chain))
        if chain:
            assert task.above[chain[0]] + len(chain) == least_layers(task)


def test_running_out_of_time_is_open_and_never_an_answer() -> None:
    """A question that needs search, with no time for it: whatever is answered then is still right."""
    text = "\n".join(f"x{i} = aggregate(select(indices + {i}, indices, <), {deps(i)});" for i in range(24))
    program = elaborate(Source("t.rasp", text + "\nx = " + " + ".join(f"x{i}" for i in range(24)) + ";"), Numbers.EXACT)
    task = problem([program.sop("x")], PAPER)
    answer = decide(task, Limits(least_layers(task), 1), 0.0)
    assert isinstance(answer, Impossible | Open)


def deps(i: int) -> str:
    return "indices" if i < 6 else f"x{i - 5} + x{i - 6}"


def test_graph_of_disjunctions_keeps_the_models_apart() -> None:
    """Under `transformer` a disjunction of tokens and positions waits for a layer without heads."""
    graph = Graph(Numbers.EXACT)
    tokens, indices = graph.tokens(View.STR), graph.indices()
    either = graph.combine(
        Junction.OR, graph.select(tokens, tokens, Predicate.EQ), graph.select(indices, indices, Predicate.LT)
    )
    root: Node = graph.aggregate(either, indices)
    assert as_written([root], PAPER).layers == 1
    front = as_written([root], TRANSFORMER)
    assert front.layers == 2
    assert front.widths.steps[0].heads == (0, 1)
    assert front.shortest is not None
    mixed: Node = graph.map(Op.EQ, graph.map(Op.ADD, indices, indices), tokens)
    assert as_written([mixed], TRANSFORMER).layers == 1


SHUFFLE = """
def number_so_far(bools) {
    so_far = select(indices, indices, <=);
    return (indices + 1) * aggregate(so_far, indicator(bools));
}
def balance(opener, closer) { return number_so_far(tokens == opener) - number_so_far(tokens == closer); }
round_ = balance("(", ")");
curly = balance("{", "}");
went_below = aggregate(select(1, 1, ==), indicator(round_ < 0 or curly < 0)) > 0;
ends_even = aggregate(select(indices, length - 1, ==), round_ == 0 and curly == 0);
x = ends_even and not went_below;
"""


def both_analyses(text: str) -> tuple[Schedule, Schedule]:
    """What the reference reports, and the schedule with the fewest heads in the widest layer at the least depth."""
    loose = elaborate(Source("test.rasp", text), Numbers.EXACT, interning=False)
    program = elaborate(Source("test.rasp", text), Numbers.EXACT)
    front = as_written([program.sop("x")], PAPER)
    return reference_analysis(loose.graph, loose.sop("x")), front.widths.steps[0]


def test_selectors_that_a_function_makes_again_are_one_head_each() -> None:
    """Shuffle-Dyck-2 as the paper writes it: every call of a function makes its selectors anew."""
    reference, ours = both_analyses(SHUFFLE)
    assert reference.heads == (5, 2)
    assert ours.heads == (2, 2)


def wide_program() -> str:
    """A chain of sixteen reads, two dozen more that are needed at the end only, and thousands of elementwise s-ops."""
    lines = ["c0 = indices;"]
    lines += [f"c{k + 1} = aggregate(select(c{k} + {k}, indices, <), c{k});" for k in range(16)]
    for k in range(24):
        lines.append(f"h{k} = aggregate(select(indices * {k + 2}, indices, <), indices);")
        lines += [f"h{k} = (h{k} + {j}) * {j + 2};" for j in range(60)]
    lines.append("x = c16 + " + " + ".join(f"h{k}" for k in range(24)) + ";")
    return "\n".join(lines)


def test_large_program_with_slack_needs_far_fewer_heads_than_greedy_scheduling() -> None:
    """As many nodes as the largest published program: 25 heads in the first layer as early as possible, 3 at best."""
    text = wide_program()
    assert len(elaborate(Source("test.rasp", text), Numbers.EXACT).graph) > 3000
    reference, ours = both_analyses(text)
    assert (reference.layers, reference.width) == (16, 25)
    assert (ours.layers, ours.width) == (16, 3)
    assert ours.total == reference.total == 40
