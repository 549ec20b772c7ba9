"""The circuit of a question against the question's own terms, at every word: what it says, and what it says it counts.

Programs are made at random twice over: by `random_graphs`, of everything there is, and here, of selectors that compare
keys with queries and of what is counted, added and averaged through them, so that rows are split by their queries.
"""

from collections import Counter
from itertools import product
from random import Random

import pytest

from spec.ast import Predicate
from spec.graph import Graph, Junction, Selector, SOp, View
from spec.operators import Op
from spec.values import Numbers
from tests.unit.random_graphs import ALPHABETS, Program, random_program, random_question
from verifier.encodings import circuit as circuit_module
from verifier.encodings.circuit import Circuit, circuit_of
from verifier.encodings.gates import Gates, evaluate
from verifier.encodings.guarded import Guarded, Values
from verifier.encodings.meaning import Codes
from verifier.encodings.split import Split, Splits
from verifier.engine import Limits, Query, Word
from verifier.question.point import value

ORDERED = (Predicate.EQ, Predicate.EQ, Predicate.LT, Predicate.LE, Predicate.NE)
COMBINED = (Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.EQ, Op.LT, Op.AND)


def counting_program(rng: Random, numbers: Numbers) -> Program:
    """Selectors over tokens, indices and counts so far; widths, means and single values fetched through them."""
    graph = Graph(numbers)
    alphabet = rng.choice([symbols for symbols in ALPHABETS if len(symbols) < 4])
    tokens = graph.tokens(View.ASIS)
    sops: list[SOp] = [tokens, tokens, graph.indices(), graph.constant(rng.choice((0, 1, 2)))]
    selectors: list[Selector] = []
    for _ in range(rng.randint(2, 5)):
        # A key in the place of a query, now and then, and the same s-op on both sides.
        keys = rng.choice(sops)
        queries = keys if rng.random() < 0.4 else rng.choice(sops)
        selector: Selector = graph.select(keys, queries, rng.choice(ORDERED))
        if selectors and rng.random() < 0.6:
            selector = graph.combine(rng.choice(tuple(Junction)), selector, rng.choice(selectors))
        if rng.random() < 0.15:
            selector = graph.negate(selector)
        selectors.append(selector)
        first = graph.map(Op.INDICATOR, graph.map(Op.EQ, graph.indices(), graph.constant(0)))
        averaged = rng.choice((first, graph.constant(1), *sops))
        found: SOp = graph.aggregate(selector, averaged, rng.choice((0, 1, 0, "a")))
        if rng.random() < 0.5:
            other = rng.choice(sops)
            sides = (found, other) if rng.random() < 0.5 else (graph.constant(1), found)
            combined = graph.map(rng.choice(COMBINED), *sides)
            found = combined if combined.kinds else found
        sops.append(found)
    return Program(graph, (sops[-1], sops[-2], selectors[-1]), alphabet)


def assignment(circuit: Circuit, word: Word) -> list[bool]:
    """The variables of the circuit at a word; an entry for every gate."""
    truth = [False] * (len(circuit.gates) + 1)
    for literals, atom in zip(circuit.inputs, word, strict=True):
        for literal, symbol in zip(literals, circuit.symbols, strict=True):
            truth[abs(literal)] = (symbol is atom) is (literal > 0)
    truth[1] = True
    return truth


def assert_right(query: Query, circuit: Circuit, words: list[Word]) -> Counter[str]:
    """At each word the violation is the question's; and as many literals of each count hold as its thresholds say."""
    tally: Counter[str] = Counter()
    thresholds = [(x, k, enough) for x, made in circuit.counts.items() for k, enough in made.items()]
    assert all(1 <= k <= len(x) for x, k, _ in thresholds)
    for word in words:
        row = assignment(circuit, word)
        (violation,) = evaluate(circuit.gates, row, [circuit.violation])
        expected = value(query.violation, word)
        assert violation is (expected is not False), word  # what has no value is a violation
        tally[str(violation)] += 1
        for counted, least, enough in thresholds:
            *truths, claimed = evaluate(circuit.gates, row, [*counted, enough])
            assert claimed is (sum(truths) >= least)
            tally["thresholds"] += 1
    return tally


def check(rng: Random, program: Program) -> Counter[str]:
    length = rng.randint(1, 5 if len(program.alphabet) == 2 else 4)
    query = random_question(rng, program, length)
    circuit = circuit_of(query, Limits(wall_s=20.0))
    if not isinstance(circuit, Circuit):
        return Counter()
    words = [tuple(word) for word in product(circuit.symbols, repeat=length)]
    return assert_right(query, circuit, words if len(words) < 40 else rng.sample(words, 40))


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many values were split by others."""
    tally: Counter[str] = Counter()
    monkeypatch.setattr(circuit_module, "MAX_VALUES", 256)

    class Counted(Splits):
        def split(self, *args: object) -> Guarded | Split:
            found = super().split(*args)  # type: ignore[arg-type]  # whatever it is given
            tally["split"] += isinstance(found, Split)
            return found

    monkeypatch.setattr(circuit_module, "Splits", Counted)
    return tally


def compare(seed: object, programs: int) -> Counter[str]:
    tally: Counter[str] = Counter()
    for number in range(programs):
        rng = Random(f"circuit {seed} {number}")
        numbers = rng.choice(list(Numbers))
        program = counting_program(rng, numbers) if number % 3 else random_program(rng, numbers, rng.randint(2, 12))
        found = check(rng, program)
        tally["programs"] += bool(found)
        tally += found
    return tally


def test_circuits_mean_what_the_terms_mean(splits: Counter[str]) -> None:
    tally = compare("few", 300)
    assert tally["programs"] > 280
    assert min(tally["True"], tally["False"]) > 600
    assert tally["thresholds"] > 10_000
    assert splits["split"] > 500


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_many_circuits_mean_what_the_terms_mean(seed: int, splits: Counter[str]) -> None:
    tally = compare(seed, 1_500)
    assert tally["programs"] > 1_400
    assert splits["split"] > 2_000


def test_functions_of_counts_are_those_of_the_numbers() -> None:
    """Sums, differences and comparisons of counts, which become counts of other literals or of their complements."""
    rng = Random("functions of counts")
    for _ in range(250):
        gates = Gates(100_000)
        made = Values(gates, Codes(), 1_000)
        bits = [gates.variable() for _ in range(6)]
        several = [[rng.choice(bits) * rng.choice((1, 1, -1)) for _ in range(rng.randint(1, 4))] for _ in range(3)]
        first, second, third = (made.count(literals, made.meaning.code) for literals in several)
        inner, outer = rng.choice((Op.ADD, Op.SUB)), rng.choice((*COMBINED, Op.GE, Op.NE, Op.SUB))
        both = made.apply(made.meaning.operator(inner, Numbers.EXACT), first, second)
        found = made.apply(made.meaning.operator(outer, Numbers.EXACT), both, third)
        guards = {code: made.when(found, (code,)) for code in found.cases}
        for row in ([False, True, *truths] for truths in product((False, True), repeat=len(bits))):
            a, b, c = (sum(row[abs(x)] is (x > 0) for x in literals) for literals in several)
            code = made.meaning.operator(outer, Numbers.EXACT)(
                made.meaning.operator(inner, Numbers.EXACT)(made.meaning.code(a), made.meaning.code(b)),
                made.meaning.code(c),
            )
            truth = dict(zip(guards, evaluate(gates, row, guards.values()), strict=True))
            assert [held for held, holds in truth.items() if holds] == [code]
            for literals, thresholds in made.counts().items():
                *truths, _ = evaluate(gates, row, [*literals, 1])
                expected = [sum(truths) >= least for least in thresholds]
                assert evaluate(gates, row, thresholds.values()) == expected
