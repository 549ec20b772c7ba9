"""Random programs that are mostly attention: what a compiler of weights could get wrong about values and counts.

Kinds are mixed on purpose: booleans as numbers, strings among numbers, defaults of every kind, comparisons across
kinds. Library idioms (widths, presence, scaled means) come in every variant of kinds; aggregates read aggregates;
selectors are combined; a last step often tells `1`, `True` and `1.0` apart.
"""

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Final

from spec.ast import Predicate
from spec.diagnostics import EvaluationError
from spec.graph import Aggregate, Graph, Junction, Selector, SOp, View
from spec.interp import Interpreter
from spec.operators import Item, Lookup, Member, Op
from spec.values import Atom, Numbers, atom_key
from tests.unit.random_graphs import Program

ALPHABETS: Final[tuple[tuple[Atom, ...], ...]] = (
    ("a", "b"),
    ("a", "b", "c"),
    ("1", "2"),
    ("", "a"),
    ("0", "0.5", "x"),
    ("nan", "1"),
    ("inf", "-1"),
    (0, 1),
    (-1, 0, 2),
    (False, True),
    (0.5, 2),
    (-0.5, 0, True),
    (0, "a"),
    (True, "b"),
    (1, "1", 0.5),
    (2**53, 1),
    (3,),
)


def attention_program(rng: Random, numbers: Numbers, size: int = 6) -> Program:
    """A program of about so many steps, its root a sequence that depends on the last of them."""
    alphabet = rng.choice(ALPHABETS)
    maker = _Maker(rng, Graph(numbers), alphabet)
    for _ in range(size):
        maker.grow()
    return Program(maker.graph, (maker.root(),), alphabet)


class _Maker:
    def __init__(self, rng: Random, graph: Graph, alphabet: tuple[Atom, ...]) -> None:
        self.rng, self.graph = rng, graph
        self.words = [tuple(rng.choice(alphabet) for _ in range(length)) for length in (1, 2, 2, 3, 3, 3)]
        self.indices = graph.indices()
        self.tokens: list[SOp] = [graph.tokens(View.ASIS if rng.random() < 0.6 else rng.choice(tuple(View)))]
        if rng.random() < 0.3:
            self.tokens.append(graph.tokens(rng.choice(tuple(View))))
        self.sops: list[SOp] = [*self.tokens, self.indices]
        self.selectors: list[Selector] = []
        self.last: SOp = self.tokens[0]

    # -------------------------------------------------------------------------------------------- parts

    def number(self, value: Fraction | int) -> Atom:
        fraction = Fraction(value)
        return fraction if self.graph.numbers is Numbers.EXACT else float(fraction)

    def atom(self) -> Atom:
        rng = self.rng
        kinds: tuple[Callable[[], Atom], ...] = (
            lambda: rng.randint(-2, 3),
            lambda: rng.randint(0, 1),
            lambda: rng.random() < 0.5,
            lambda: self.number(Fraction(rng.randint(-3, 4), rng.choice((1, 1, 2, 4)))),
            lambda: self.number(Fraction(1, 3)),
            lambda: rng.choice(("", "a", "b", "1", "x")),
        )
        return rng.choice(kinds)()

    def constant(self) -> SOp:
        return self.graph.constant(self.atom())

    def sop(self) -> SOp:
        draw = self.rng.random()
        if draw < 0.35:
            return self.last
        return self.rng.choice(self.tokens) if draw < 0.6 else self.rng.choice(self.sops)

    def position(self) -> SOp:
        """Arithmetic on positions."""
        rng, graph = self.rng, self.graph
        kinds: tuple[tuple[Op, Atom], ...] = (
            (Op.ADD, 1),
            (Op.SUB, 1),
            (Op.MUL, 2),
            (Op.MOD, 2),
            (Op.DIV, 2),
            (Op.POW, 2),
            (Op.SUB, self.number(Fraction(1, 2))),
            (Op.MUL, -1),
            (Op.ADD, True),
        )
        op, value = rng.choice(kinds)
        made = graph.map(op, self.indices, graph.constant(value))
        return self.indices if rng.random() < 0.4 else made

    def truth(self) -> SOp:
        """A condition; sometimes of another kind than a boolean."""
        rng, graph = self.rng, self.graph
        draw = rng.random()
        if draw < 0.6:
            op = rng.choice((Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE))
            other = self.constant() if rng.random() < 0.7 else self.sop()
            made = graph.map(op, self.sop(), other)
        elif draw < 0.75:
            made = graph.map(rng.choice((Op.AND, Op.OR)), self.sop(), self.sop())
        elif draw < 0.85:
            made = graph.map(Member(tuple(self.atom() for _ in range(2))), self.sop())
        else:
            made = graph.map(Op.NOT, self.sop())
        wrap = rng.random()
        if wrap < 0.3:
            return graph.map(Op.INDICATOR, made)
        return graph.map(Op.MUL, made, graph.constant(self.number(1))) if wrap < 0.4 else made

    def selector(self, depth: int = 2) -> Selector:
        rng, graph = self.rng, self.graph
        draw = rng.random()
        if self.selectors and draw < 0.15:
            return rng.choice(self.selectors)
        if depth and draw < 0.3:
            return graph.negate(self.selector(depth - 1))
        if depth and draw < 0.6:
            return graph.combine(rng.choice(tuple(Junction)), self.selector(depth - 1), self.selector(depth - 1))
        predicate = rng.choice(tuple(Predicate))
        draw = rng.random()
        if draw < 0.3:
            return graph.select(self.position(), self.position(), predicate)
        if draw < 0.5:
            return graph.select(self.sop(), self.constant(), predicate)
        if draw < 0.6:
            return graph.select(self.truth(), self.truth(), predicate)
        one = self.sop()
        return graph.select(one, one if rng.random() < 0.4 else self.sop(), predicate)

    # -------------------------------------------------------------------------------------------- steps

    def grow(self) -> None:
        steps = (self.aggregate, self.aggregate, self.map, self.choice, self.width, self.scaled, self.presence)
        for _ in range(8):
            made = self.rng.choice(steps)()
            if self.is_worth(made):
                self.sops.append(made)
                self.last = made
                return

    def is_worth(self, sop: SOp) -> bool:
        """Whether it has values, and not always the same, on some words."""
        if not sop.kinds:
            return False
        interpreter, found, failed = Interpreter((sop,), self.graph.numbers), set(), 0
        for word in self.words:
            try:
                found |= set(map(atom_key, interpreter.run(word).values[sop]))
            except EvaluationError:
                failed += 1
        return len(found) > 1 and failed < 4

    def kept(self) -> Selector:
        made = self.selector()
        self.selectors.append(made)
        return made

    def aggregate(self) -> SOp:
        values = self.truth() if self.rng.random() < 0.4 else self.choice() if self.rng.random() < 0.3 else self.sop()
        return self.graph.aggregate(self.kept(), values, self.atom() if self.rng.random() < 0.6 else 0)

    def map(self) -> SOp:
        rng, graph = self.rng, self.graph
        op = rng.choice((Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MOD, Op.EQ, Op.LT, Op.AND, Op.OR))
        one = self.sop()
        draw = rng.random()
        if draw < 0.15:
            return graph.map(rng.choice((Op.ROUND, Op.NEG, Op.NOT, Op.INDICATOR, Op.POS)), one)
        if draw < 0.25:
            return graph.map(Item(tuple(self.atom() for _ in range(3))), one)
        if draw < 0.3:
            return graph.map(Lookup((0, 1, "a"), (self.atom(), self.atom(), self.atom())), one)
        return graph.map(op, one, self.constant() if rng.random() < 0.5 else self.sop())

    def choice(self) -> SOp:
        """Values of two kinds in one sequence."""
        some = [self.sop() if self.rng.random() < 0.6 else self.constant() for _ in range(2)]
        return self.graph.map(Op.IF, self.truth(), *some)

    def one(self) -> Atom:
        return self.rng.choice((1, 1, True, self.number(1)))

    def zero(self) -> Atom:
        return self.rng.choice((0, 0, False, self.number(0)))

    def mark(self) -> SOp:
        """1 at the first position and 0 elsewhere, of some kind."""
        graph = self.graph
        first = graph.map(Op.EQ, self.indices, graph.constant(0))
        draw = self.rng.random()
        if draw < 0.5:
            return graph.map(Op.INDICATOR, first)
        if draw < 0.7:
            return first
        return graph.map(Op.IF, first, graph.constant(self.one()), graph.constant(self.zero()))

    def width(self) -> SOp:
        """How many keys are selected, or one over it, by the arithmetic of the library and near to it."""
        rng, graph = self.rng, self.graph
        selector, first = self.kept(), graph.select(self.indices, graph.constant(0), Predicate.EQ)
        share = graph.aggregate(graph.combine(Junction.OR, selector, first), self.mark(), rng.choice((0, 0, 1, "a")))
        if rng.random() < 0.2:
            return share
        inverse = graph.map(Op.DIV, graph.constant(self.one()), share)
        others = graph.map(Op.SUB, inverse, graph.constant(self.one())) if rng.random() < 0.8 else inverse
        both = graph.combine(Junction.AND, selector, first)
        present = graph.aggregate(both, graph.constant(self.one()), self.zero())
        made = graph.map(Op.ADD, others, present)
        return graph.map(Op.ROUND, made) if rng.random() < 0.7 else made

    def prefix(self) -> Selector:
        rng, graph = self.rng, self.graph
        if rng.random() < 0.3:
            return graph.select(graph.constant(1), graph.constant(1), Predicate.EQ)
        predicate = rng.choice((Predicate.LE, Predicate.LT, Predicate.GE, Predicate.GT))
        return graph.select(self.indices, self.indices, predicate)

    def scaled(self) -> SOp:
        """A mean times the number of keys, or nearly."""
        rng, graph = self.rng, self.graph
        selector = self.prefix()
        values = self.truth()
        if rng.random() < 0.3:
            values = graph.map(Op.SUB, values, self.truth())
        mean = graph.aggregate(selector, values, self.atom() if rng.random() < 0.3 else 0)
        if rng.random() < 0.3:
            times: SOp = graph.map(
                Op.DIV, graph.constant(1), graph.aggregate(selector, self.mark(), rng.choice((0, 1)))
            )
        else:
            times = self.position()
        made = graph.map(Op.MUL, mean, times)
        return graph.map(Op.ROUND, made) if rng.random() < 0.6 else made

    def presence(self) -> SOp:
        """Whether a mean is 0."""
        rng, graph = self.rng, self.graph
        mean: Aggregate = graph.aggregate(self.kept(), self.truth(), self.zero() if rng.random() < 0.8 else self.atom())
        op = rng.choice((Op.GT, Op.EQ, Op.NE, Op.LE, Op.NOT, Op.INDICATOR))
        if op in (Op.NOT, Op.INDICATOR):
            return graph.map(op, mean)
        return graph.map(op, mean, graph.constant(self.zero()))

    def root(self) -> SOp:
        """The last s-op, often such that its kind decides."""
        for _ in range(8):
            made = self.shown()
            if self.is_worth(made):
                return made
        return self.last

    def shown(self) -> SOp:
        rng, graph = self.rng, self.graph
        draw = rng.random()
        if draw < 0.25:
            return graph.map(Op.MOD, graph.constant("x%s"), self.last)
        if draw < 0.35:
            return graph.map(Op.MUL, graph.constant("ab"), self.last)
        return self.map() if draw < 0.5 else self.last
