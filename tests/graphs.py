"""Graphs made at random, for tests of everything that reads graphs."""

from fractions import Fraction
from random import Random

from spec.ast import Predicate
from spec.graph import Graph, Junction, Node, Selector, SOp, View
from spec.operators import Item, Lookup, Member, Op, Operator, arity
from spec.source import Source, Span
from spec.values import Atom, Numbers

TEXT = Source("random.rasp", "# é\n" + "x = tokens;\n" * 20)


def random_graph(random: Random, size: int, numbers: Numbers = Numbers.EXACT, interning: bool = True) -> Graph:
    """About `size` nodes of every sort over all operators, some with spans; it need not evaluate without failure."""
    graph = Graph(numbers, interning)
    sops: list[SOp] = [graph.tokens(View.STR), graph.indices(), graph.constant(1)]
    selectors: list[Selector] = [graph.select(sops[0], sops[0], Predicate.EQ)]
    while size > len(graph):
        span = _span(random)
        match random.randrange(8):
            case 0:
                sops.append(graph.constant(random_atom(random, numbers), span))
            case 1:
                sops.append(graph.tokens(random.choice(list(View)), span))
            case 2 | 3:
                op = _operator(random, numbers)
                sops.append(graph.map(op, *(_recent(random, sops) for _ in range(arity(op))), span=span))
            case 4:
                predicate = random.choice(list(Predicate))
                selectors.append(graph.select(_recent(random, sops), _recent(random, sops), predicate, span))
            case 5:
                junction = random.choice(list(Junction))
                selectors.append(graph.combine(junction, random.choice(selectors), random.choice(selectors), span))
            case 6:
                selectors.append(graph.negate(random.choice(selectors), span))
            case _:
                default = random_atom(random, numbers)
                sops.append(graph.aggregate(random.choice(selectors), _recent(random, sops), default, span))
    return graph


def random_outputs(random: Random, graph: Graph) -> dict[str, Node]:
    """A few of the nodes, under names."""
    return {f"out{i}": random.choice(graph.nodes) for i in range(random.randrange(1, 5))}


def random_atom(random: Random, numbers: Numbers) -> Atom:
    """An atom of any kind, in the representation of these number semantics."""
    reals: list[Atom] = [Fraction(1, 3), Fraction(-7), Fraction(10**40, 7)]
    doubles: list[Atom] = [0.1, -0.0, 1e308, float("inf"), 2.5]
    plain: list[Atom] = [0, 1, -1, 10**30, True, False, "a", "", "é\n", '"\\']
    return random.choice(plain + (reals if numbers is Numbers.EXACT else doubles))


def _operator(random: Random, numbers: Numbers) -> Operator:
    column = tuple(random_atom(random, numbers) for _ in range(random.randrange(4)))
    keys = tuple(dict.fromkeys(column))
    tables: list[Operator] = [Item(column), Item(tuple("abc"), text=True), Lookup(keys, column[: len(keys)])]
    operators: list[Operator] = [*Op, *tables, Member(column)]
    return random.choice(operators)


def _recent(random: Random, sops: list[SOp]) -> SOp:
    """Any s-op, a late one more often, so that graphs grow deep."""
    return random.choice(sops[-4:] if random.random() < 0.6 else sops)


def _span(random: Random) -> Span | None:
    start = random.randrange(len(TEXT.text))
    return Span(TEXT, start, random.randint(start, len(TEXT.text))) if random.random() < 0.5 else None
