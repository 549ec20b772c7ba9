"""Programs built by hand from graph nodes, for tests of contracts that need no RASP text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spec.ast import Predicate
from spec.diagnostics import Diagnostic, UsageError
from spec.graph import Graph, Junction, Selector, SOp, View
from spec.operators import Op
from spec.property.ast import Carrier
from spec.property.bind import bind
from spec.property.bound import BoundContract, BoundProperty
from spec.property.contract import read_contract
from spec.source import Source
from spec.values import Numbers


@dataclass
class Handmade:
    """A program: a graph, and names for some of its nodes."""

    graph: Graph
    named_sops: dict[str, SOp] = field(default_factory=dict)
    named_selectors: dict[str, Selector] = field(default_factory=dict)

    def sops(self) -> Mapping[str, SOp]:
        return self.named_sops

    def selectors(self) -> Mapping[str, Selector]:
        return self.named_selectors

    def sop(self, name: str) -> SOp:
        builtin = {
            "tokens": View.STR,
            "tokens_int": View.INT,
            "tokens_float": View.FLOAT,
            "tokens_asis": View.ASIS,
        }
        if name in self.named_sops:
            return self.named_sops[name]
        if name in builtin:
            return self.graph.tokens(builtin[name])
        if name == "indices":
            return self.graph.indices()
        raise UsageError(Diagnostic("R0000", f"the program does not define `{name}`"))

    def selector(self, name: str) -> Selector:
        if name in self.named_selectors:
            return self.named_selectors[name]
        raise UsageError(Diagnostic("R0000", f"the program does not define `{name}`"))


def sample(numbers: Numbers = Numbers.EXACT) -> Handmade:
    """A program with one s-op of every temper.

    same:      the tokens
    flip:      the token at the mirrored position
    first:     the first token, everywhere
    last:      the last token, everywhere
    share:     the part of the tokens that are "a"
    inverse:   1 / tokens_int, which fails at 0
    is_a:      whether the token is "a"
    less:      selects the keys before the query
    """
    graph = Graph(numbers)
    tokens, indices = graph.tokens(View.STR), graph.indices()
    one, zero = graph.constant(1), graph.constant(0)
    everywhere = graph.select(one, one, Predicate.EQ)
    at_first = graph.select(indices, zero, Predicate.EQ)
    length = graph.map(
        Op.DIV, one, graph.aggregate(everywhere, graph.map(Op.INDICATOR, graph.map(Op.EQ, indices, zero)))
    )
    mirrored = graph.map(Op.SUB, graph.map(Op.SUB, length, one), indices)
    is_a = graph.map(Op.EQ, tokens, graph.constant("a"))
    less = graph.select(indices, indices, Predicate.LT)
    at_last = graph.select(indices, graph.map(Op.SUB, length, one), Predicate.EQ)
    both = graph.combine(Junction.AND, less, graph.negate(at_first))
    return Handmade(
        graph,
        {
            "same": tokens,
            "flip": graph.aggregate(graph.select(indices, mirrored, Predicate.EQ), tokens, "?"),
            "first": graph.aggregate(at_first, tokens, "?"),
            "last": graph.aggregate(at_last, tokens, "?"),
            "share": graph.aggregate(everywhere, graph.map(Op.INDICATOR, is_a)),
            "inverse": graph.map(Op.DIV, one, graph.tokens(View.INT)),
            "is_a": is_a,
        },
        {"less": less, "both": both},
    )


def programs(path: str | None, numbers: Numbers) -> Handmade:
    """The sample program, and one in another file in which `flip` is the first token."""
    found = sample(numbers)
    if path == "other.rasp":
        found.named_sops["flip"] = found.named_sops["first"]
    elif path is not None:
        raise UsageError(Diagnostic("R0000", f"there is no file {path}"))
    return found


def bound(*clauses: str) -> BoundContract:
    """The sample program with these clauses."""
    return bind(read_contract(Source("test.prop", "\n".join(clauses)), Carrier.FILE), programs)


def one(*clauses: str) -> BoundProperty:
    """The first property of these clauses."""
    return bound(*clauses).properties[0]
