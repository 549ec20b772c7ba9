"""Programs as functions of counts say what the interpreter says, on every short word; so do their failures."""

from collections.abc import Sequence
from itertools import product
from random import Random

import pytest

from spec.ast import Predicate
from spec.diagnostics import EvaluationError
from spec.elaborate import elaborate
from spec.graph import Graph, Junction, Node, Selector, SOp, View
from spec.interp import Interpreter
from spec.operators import Op
from spec.source import Source
from spec.values import Atom, Kind, Numbers, kind_of
from tests.unit.random_graphs import random_program
from verifier.unbounded.linear import Unsupported, holds
from verifier.unbounded.machine import numbering
from verifier.unbounded.program import Symbolic
from verifier.unbounded.recheck import stands_for, states_of, whole_word

MASKS = (Predicate.LT, Predicate.LE, Predicate.GT, Predicate.GE, Predicate.EQ, Predicate.NE)


class Counting:
    """Random programs of the kind that the method is for: masks, counts, comparisons of counts, selections by them."""

    def __init__(self, rng: Random) -> None:
        self.rng, self.graph = rng, Graph(Numbers.EXACT)
        graph = self.graph
        tokens, indices = graph.tokens(View.STR), graph.indices()
        self.one, self.zero = graph.constant(1), graph.constant(0)
        self.indices = indices
        everywhere = graph.select(self.one, self.one, Predicate.EQ)
        at_first = graph.map(Op.INDICATOR, graph.map(Op.EQ, indices, self.zero))
        length = graph.map(Op.ROUND, graph.map(Op.DIV, self.one, graph.aggregate(everywhere, at_first)))
        marks = [graph.map(Op.EQ, tokens, graph.constant(letter)) for letter in "ab"]
        last = graph.map(Op.SUB, length, self.one)
        self.numbers: list[SOp] = [indices, length, last, self.zero, self.one, graph.map(Op.SUB, last, indices)]
        self.booleans: list[SOp] = list(marks)
        self.selectors: list[Selector] = [everywhere, graph.select(tokens, tokens, Predicate.EQ)]
        self.selectors += [graph.select(indices, indices, mask) for mask in MASKS]
        self.tokens = tokens

    def grow(self, steps: int) -> list[Node]:
        for _ in range(steps):
            self.rng.choice((self.selector, self.selector, self.aggregate, self.number, self.boolean))()
        return [*self.numbers[-2:], *self.booleans[-1:]]

    def selector(self) -> None:
        graph, rng = self.graph, self.rng
        match rng.randrange(5):
            case 0:
                shift = graph.map(Op.SUB, self.indices, graph.constant(rng.choice((1, 2))))
                made: Selector = graph.select(self.indices, shift, Predicate.EQ)
            case 1:
                made = graph.select(rng.choice(self.numbers), rng.choice(self.numbers), rng.choice(MASKS))
            case 2:
                made = graph.select(rng.choice(self.booleans), graph.constant(True), Predicate.EQ)
            case 3:
                made = graph.negate(rng.choice(self.selectors))
            case _:
                both = rng.sample(self.selectors, 2)
                made = graph.combine(rng.choice((Junction.AND, Junction.AND, Junction.OR)), both[0], both[1])
        self.selectors.append(made)

    def aggregate(self) -> None:
        rng = self.rng
        value = rng.choice(
            (self.one, self.graph.map(Op.INDICATOR, rng.choice(self.booleans)), rng.choice(self.numbers))
        )
        selector = rng.choice(self.selectors[-6:] + self.selectors)
        self.numbers.append(self.graph.aggregate(selector, value, rng.choice((0, 0, -1))))

    def number(self) -> None:
        op = self.rng.choice((Op.ADD, Op.SUB, Op.MUL))
        self.numbers.append(self.graph.map(op, self.rng.choice(self.numbers), self.rng.choice(self.numbers)))

    def boolean(self) -> None:
        op = self.rng.choice((Op.LT, Op.LE, Op.EQ, Op.NE))
        made = self.graph.map(op, self.rng.choice(self.numbers), self.rng.choice(self.numbers))
        self.booleans.append(made)


def agrees(symbolic: Symbolic, alphabet: Sequence[Atom], longest: int) -> int:
    """Compare every node with the interpreter; how many runs were compared in full."""
    interpreter = Interpreter(tuple(symbolic.values), Numbers.EXACT)
    compared = 0
    for length in range(1, longest + 1):
        for word in product(alphabet, repeat=length):
            states, letters = states_of(symbolic, word)
            whole = whole_word(symbolic, states[-1], letters[0])
            places = [{**numbering(state, symbolic.machine.letters), **whole} for state in states]
            fails = any(
                failure.letter == letter and holds(failure.condition, places[position])
                for position, letter in enumerate(letters)
                for failure in symbolic.failures
            )
            try:
                run = interpreter.run(word)
            except EvaluationError:
                assert fails, word
                continue
            if fails:
                continue
            compared += 1
            for position, letter in enumerate(letters):
                for sop, cases in symbolic.values.items():
                    found = [value for guard, value in cases[letter] if holds(guard, places[position])]
                    assert len(found) == 1, (word, position, sop)
                    assert stands_for(found[0], run.values[sop][position], run.tokens, places[position])
    return compared


def worked_out(symbolic: Symbolic, roots: Sequence[Node]) -> bool:
    try:
        symbolic.add(roots)
    except Unsupported:
        return False
    return True


@pytest.mark.parametrize(
    "seed", [*range(0, 18, 6), *(pytest.param(k, marks=pytest.mark.slow) for k in range(18, 90, 6))]
)
def test_random_counting_programs_agree_with_the_interpreter(seed: int) -> None:
    done = 0
    for number in range(seed, seed + 6):
        maker = Counting(Random(number))
        roots = maker.grow(7)
        for symbols in (("a", "b"), None):
            symbolic = Symbolic(symbols, frozenset({Kind.STR}), 1)
            if worked_out(symbolic, roots):
                done += agrees(symbolic, ("a", "b"), 5)
    assert done > 0


def test_any_random_programs_agree_with_the_interpreter() -> None:
    done = 0
    for seed in range(16):
        program = random_program(Random(seed), Numbers.EXACT, 6)
        kinds = frozenset(map(kind_of, program.alphabet))
        symbolic = Symbolic(program.alphabet, kinds, 1)
        if worked_out(symbolic, program.roots):
            done += agrees(symbolic, program.alphabet, 3)
    assert done > 50


RECOGNISED = {
    "has seen": "x = has_focus(select(tokens, tokens, ==) and select(indices, indices, <));",
    "first instance": 'x = mark_first_instance(tokens, "a");',
    "width": "x = selector_width(select(tokens, tokens, ==) and select(indices, indices, <=));",
    "previous": 'x = aggregate(select(indices, indices - 1, ==), tokens, "-");',
    "before the previous": 'x = aggregate(select(indices, indices - 2, ==), indicator(tokens == "a"), -1);',
    "depth below zero": """
        p = select(indices, indices, <=);
        d = aggregate(p, indicator(tokens == "a")) - aggregate(p, indicator(tokens == "b"));
        x = aggregate(p, indicator(d < 0)) > 0;""",
    "not the first": 'x = aggregate(not select(indices, 0, ==), indicator(tokens == "a"), 7);',
    "not here": "x = selector_width(select(tokens, tokens, ==) and select(indices, indices, !=));",
}


@pytest.mark.parametrize("name", RECOGNISED)
def test_programs_of_every_kind_of_cube_are_worked_out_rightly(name: str) -> None:
    program = elaborate(Source("x.rasp", RECOGNISED[name]), Numbers.EXACT)
    for symbols in (("a", "b"), ("a", "b", "c"), ("a",)):
        symbolic = Symbolic(symbols, frozenset({Kind.STR}), 1)
        symbolic.add([program.sop("x")])
        assert agrees(symbolic, symbols, 5) == sum(len(symbols) ** n for n in range(1, 6))
