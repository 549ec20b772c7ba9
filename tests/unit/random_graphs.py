"""Random programs, as graphs, that are well typed but may fail on some inputs; and random questions about them.

Everything comes from a `random.Random`, so that a seed names a program.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from random import Random

from spec.ast import Predicate
from spec.graph import Graph, Junction, Node, Selector, SOp, View
from spec.operators import Item, Lookup, Member, Op, Operator, arity
from spec.values import Atom, Kind, Numbers, kind_of
from verifier.engine import Query
from verifier.question.terms import Term, Terms
from verifier.question.unroll import Unrolled, unroll

ALPHABETS: tuple[tuple[Atom, ...], ...] = (
    ("a", "b"),
    ("a", "b", "c"),
    ("1", "2", "x"),
    (0, 1),
    (0, 1, 2),
    (-1, 0, 3),
    (False, True),
    (False, 1, "a"),
    (0, True, "1"),
    (0.1, 0.5, 2),
    (1, 1.0, True),
)

_OPS: tuple[Op, ...] = (*Op, Op.ADD, Op.SUB, Op.MUL, Op.EQ, Op.LT, Op.IF, Op.IF, Op.AND, Op.OR, Op.NOT, Op.INDICATOR)


@dataclass(frozen=True)
class Program:
    """A graph, what it computes, and the alphabet it is meant for."""

    graph: Graph
    roots: tuple[Node, ...]
    alphabet: tuple[Atom, ...]

    @property
    def numbers(self) -> Numbers:
        """The number semantics it was built under."""
        return self.graph.numbers

    def words(self, length: int) -> list[tuple[Atom, ...]]:
        """Every input of a length, in order."""
        return list(product(self.alphabet, repeat=length))


def random_program(rng: Random, numbers: Numbers, size: int = 8) -> Program:
    """A program with about `size` nodes on top of the leaves; its roots are its last s-op and selector."""
    maker = _Maker(rng, Graph(numbers))
    alphabet = rng.choice(ALPHABETS)
    for _ in range(size):
        maker.grow()
    roots: tuple[Node, ...] = (maker.sops[-1], *maker.selectors[-1:])
    return Program(maker.graph, roots, alphabet)


class _Maker:
    def __init__(self, rng: Random, graph: Graph) -> None:
        self.rng, self.graph = rng, graph
        view = View.ASIS if rng.random() < 0.5 else rng.choice(tuple(View))
        self.sops: list[SOp] = [graph.tokens(view), graph.indices(), graph.constant(self.atom())]
        if rng.random() < 0.5:
            self.sops.append(graph.tokens(View.ASIS))
        self.selectors: list[Selector] = []

    def atom(self) -> Atom:
        rng, exact = self.rng, self.graph.numbers is Numbers.EXACT
        fraction = Fraction(rng.randint(-3, 5), rng.randint(1, 4))
        choices: tuple[Atom, ...] = (
            rng.randint(-2, 3),
            rng.randint(0, 2),
            rng.random() < 0.5,
            fraction if exact else float(fraction),
            rng.choice(("", "a", "b", "1", "x%s")),
        )
        return rng.choice(choices)

    def sop(self) -> SOp:
        # Recent nodes first, so that programs are deep and not only wide.
        return self.sops[-1] if self.rng.random() < 0.4 else self.rng.choice(self.sops)

    def grow(self) -> None:
        draw = self.rng.random()
        if draw < 0.45:
            self.map()
        elif draw < 0.75 or not self.selectors:
            self.selector()
        else:
            selector = self.rng.choice(self.selectors)
            self.sops.append(self.graph.aggregate(selector, self.sop(), self.atom() if self.rng.random() < 0.4 else 0))

    def map(self) -> None:
        """An operator that is not wrong on all operands."""
        for _ in range(20):
            op = self.operator()
            node = self.graph.map(op, *(self.sop() for _ in range(arity(op))))
            if node.kinds:
                self.sops.append(node)
                return

    def operator(self) -> Operator:
        rng = self.rng
        draw = rng.random()
        if draw > 0.12:
            return rng.choice(_OPS)
        atoms = tuple(self.atom() for _ in range(rng.randint(1, 4)))
        if draw < 0.04:
            return Item(atoms)
        if draw < 0.08:
            return Member(atoms)
        keys = tuple(dict.fromkeys((*atoms, "a", 0)))
        return Lookup(keys, tuple(self.atom() for _ in keys))

    def selector(self) -> None:
        rng, graph = self.rng, self.graph
        draw = rng.random()
        if draw < 0.7 or not self.selectors:
            predicate = rng.choice(tuple(Predicate))
            indices = graph.indices()
            keys, queries = (indices, indices) if rng.random() < 0.25 else (self.sop(), self.sop())
            self.selectors.append(graph.select(keys, queries, predicate))
        elif draw < 0.8:
            self.selectors.append(graph.negate(rng.choice(self.selectors)))
        else:
            left, right = rng.choice(self.selectors), rng.choice(self.selectors)
            self.selectors.append(graph.combine(rng.choice(tuple(Junction)), left, right))


# ---------------------------------------------------------------------------------------------- questions


def circuit(program: Program, length: int, numbers: Numbers | None = None) -> tuple[Terms, Unrolled]:
    """The program unrolled at a length."""
    kinds = frozenset(map(kind_of, program.alphabet))
    terms = Terms(kinds, 64)
    inputs = [terms.input(p) for p in range(length)]
    return terms, unroll(program.roots, numbers or program.numbers, inputs, terms)


def is_atom(terms: Terms, term: Term, atom: Atom) -> Term:
    """Whether the value of the term is this very atom, of its kind (a NaN is any NaN)."""
    numbers = Numbers.IEEE if isinstance(atom, float) else Numbers.EXACT
    if isinstance(atom, float) and atom != atom:
        same = terms.apply(Op.NE, term, term, numbers=numbers)
    else:
        same = terms.apply(Op.EQ, term, terms.literal(atom), numbers=numbers)
    return terms.both(terms.has_kind(term, frozenset({kind_of(atom)})), same)


def differs(terms: Terms, expected: Sequence[tuple[Term, Atom | None]]) -> Term:
    """Whether some term does not have the value (or the failure, `None`) that is expected of it."""
    different: Term = terms.literal(False)
    for term, atom in expected:
        ok = terms.ok([term])
        as_expected = terms.negation(ok) if atom is None else terms.both(ok, is_atom(terms, term, atom))
        different = terms.either(terms.negation(as_expected), different)
    return different


def random_question(rng: Random, program: Program, length: int) -> Query:
    """A truth-valued term about a program at all inputs of a length, that never fails."""
    terms, unrolled = circuit(program, length)
    numbers = program.numbers
    cells = [term for row in unrolled.values.values() for term in row]
    entries = [term for rows in unrolled.rows.values() for row in rows for term in row] or cells

    def some(pool: Sequence[Term]) -> Term:
        return rng.choice(pool[-length:]) if rng.random() < 0.5 else rng.choice(pool)

    def truth() -> Term:
        makers: tuple[Callable[[], Term], ...] = (
            lambda: terms.apply(Op.EQ, some(cells), some(cells), numbers=numbers),
            lambda: terms.apply(Op.EQ, some(cells), terms.literal(rng.choice(program.alphabet)), numbers=numbers),
            lambda: terms.apply(Op.LE, some(cells), some(cells), numbers=numbers),
            lambda: terms.apply(
                Op.GE, terms.count([some(entries) for _ in range(3)]), terms.literal(rng.randint(1, 3)), numbers=numbers
            ),
            lambda: terms.has_kind(some(cells), frozenset(rng.sample(tuple(Kind), 2))),
            lambda: terms.choose(some(entries), some(cells), some(entries)),
        )
        return rng.choice(makers)()

    if rng.random() < 0.25:
        return Query(length, program.alphabet, terms.negation(terms.ok(unrolled.all_terms())))
    wanted: Term = terms.literal(True)
    for _ in range(rng.randint(1, 3)):
        claim = truth()
        # Where the claim fails, half of the questions ask for the failure and half do not.
        otherwise = terms.literal(rng.random() < 0.5)
        wanted = terms.both(terms.choose(terms.ok([claim]), terms.choose(claim, *_yes_no(terms)), otherwise), wanted)
    return Query(length, program.alphabet, wanted)


def _yes_no(terms: Terms) -> tuple[Term, Term]:
    return terms.literal(True), terms.literal(False)
