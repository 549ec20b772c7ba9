"""Decision diagrams: the query's circuit as an ordered binary decision diagram over the letters of the input.

Each position has enough bits for its symbols, adjacent in the order and read as a tree, so that every assignment of
the bits spells exactly one word and nothing has to be said about impossible ones. The diagram of the violation is the
constant false exactly when no input violates; otherwise its least word in alphabet order is read off position by
position. Boxes and excluded words are conjunctions.

Counters read positions from left to right. With the last position on top, a step of a counter puts a node above what
is there; with the first one on top, it rebuilds all. Still the other order is sometimes far smaller, so a small
number of nodes is tried in both before a large one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from oxidd.bcdd import BCDDFunction, BCDDManager
from oxidd.util import DDMemoryError

from spec.values import Atom
from verifier.encodings.circuit import Circuit, circuit_of
from verifier.encodings.gates import TRUE, Gates, Literal
from verifier.encodings.words import Box, index_of, listed, rank
from verifier.engine import Answer, Deadline, Evidence, Limits, Query, Reason, Sat, Session, Undecided, Unsat, Word

NAME: Final = "diagrams"
SMALL: Final = 1 << 20
"""The number of nodes with which both orders are tried first."""
LEAST_REMEMBERED: Final = 1 << 18
MOST_REMEMBERED: Final = 1 << 22
"""Entries of the table of results, of some 20 bytes each: 6 to 84 MB."""
LAST_ON_TOP: Final = "last position on top"
FIRST_ON_TOP: Final = "first position on top"


@dataclass(frozen=True)
class Diagrams:
    """The engine; `orders` are tried in turn."""

    name: str = NAME
    orders: tuple[str, ...] = (LAST_ON_TOP, FIRST_ON_TOP)

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Build the diagram of the violation."""
        circuit = circuit_of(query, limits)
        if isinstance(circuit, Undecided):
            return circuit
        deadline = limits.deadline()
        for nodes, order in self._attempts(limits.max_nodes):
            try:
                diagram = _Diagram(circuit, order, nodes)
                violation = diagram.build(circuit.gates, circuit.violation, deadline)
            except DDMemoryError:
                continue
            except TimeoutError:
                return Undecided(Reason.WALL, f"a circuit of {len(circuit.gates)} gates, {order}")
            return _Session(query, limits, circuit.symbols, diagram, violation)
        return Undecided(Reason.SIZE, f"more than {limits.max_nodes} nodes")

    def _attempts(self, most: int) -> Iterator[tuple[int, str]]:
        for nodes in dict.fromkeys((min(SMALL, most), most)):
            for order in self.orders:
                yield nodes, order


DIAGRAMS: Final = Diagrams()


def _remembered(nodes: int, gates: int) -> int:
    """How many results of operations on diagrams are remembered.

    Each takes the place of another with the same hash. Where too many are lost, an operation that takes time linear in
    the nodes takes exponential time, so there may be more results than nodes. Making room costs time too, so small
    circuits get less of it.
    """
    return min(4 * nodes, MOST_REMEMBERED, max(LEAST_REMEMBERED, 1 << (64 * gates).bit_length()))


class _Diagram:
    """A manager of nodes, and when each symbol stands at each position."""

    def __init__(self, circuit: Circuit, order: str, nodes: int) -> None:
        self.order = order
        self.manager = BCDDManager(nodes, _remembered(nodes, len(circuit.gates)), 1)
        self.true, self.false = self.manager.true(), self.manager.false()
        self._known: dict[int, BCDDFunction] = {TRUE: self.true}
        sizes = [max(1, (len(letters) - 1).bit_length()) for letters in circuit.inputs]
        self.manager.add_vars(sum(sizes))
        self.letters: list[list[BCDDFunction]] = [[] for _ in sizes]
        level = 0
        positions = range(len(sizes))
        for position in reversed(positions) if order == LAST_ON_TOP else positions:
            bits = [self.manager.var(level + i) for i in range(sizes[position])]
            self.letters[position] = self._letters(bits, len(circuit.inputs[position]))
            level += sizes[position]
        for literals, letters in zip(circuit.inputs, self.letters, strict=True):
            for literal, letter in zip(literals, letters, strict=True):
                self._known[abs(literal)] = letter if literal > 0 else ~letter

    def _letters(self, bits: Sequence[BCDDFunction], size: int) -> list[BCDDFunction]:
        """Functions of which exactly one holds in every assignment: the leaves of a tree, halved at each bit."""
        found = [self.false] * size
        stack = [(0, size, 0, self.true)]
        while stack:
            first, end, depth, path = stack.pop()
            if end - first == 1:
                found[first] = path
                continue
            middle = (first + end + 1) // 2
            stack.append((first, middle, depth + 1, path & ~bits[depth]))
            stack.append((middle, end, depth + 1, path & bits[depth]))
        return found

    def build(self, gates: Gates, root: Literal, deadline: Deadline) -> BCDDFunction:
        """The diagram of a literal; each gate is let go after its last use."""
        known, cone = self._known, gates.cone([root])
        last = {abs(operand): gate for gate in cone for operand in gates.operands[gate] or ()}
        last[abs(root)] = 0
        for gate in cone:
            operands = gates.operands[gate]
            if not operands:
                continue  # a letter, or the constant
            function = self.true
            for operand in operands:
                function = function & (known[operand] if operand > 0 else ~known[-operand])
                if deadline.passed():
                    raise TimeoutError
            known[gate] = function
            for operand in operands:
                if last[abs(operand)] == gate:
                    del known[abs(operand)]
        found = known[abs(root)] if root > 0 else ~known[-root]
        known.clear()
        return found


@dataclass
class _Session:
    query: Query
    limits: Limits
    symbols: tuple[Atom, ...]
    diagram: _Diagram
    violation: BCDDFunction

    def check(self, box: Box | None = None, other_than: Word | None = None) -> Answer:
        allowed = listed(self.query, box)
        assert allowed is not None, "the alphabet was listed when the session was opened"
        deadline = self.limits.deadline()
        try:
            found = self.violation & self._inside(allowed)
            inputs = prod(map(len, allowed))
            if other_than is not None:
                found = found & ~self._word(other_than)
                inputs -= rank(allowed, other_than) is not None
            return self._least(found, deadline) if found.satisfiable() else Unsat(self._evidence(inputs))
        except DDMemoryError:
            return Undecided(Reason.SIZE, f"more than {self.limits.max_nodes} nodes")
        except TimeoutError:
            return Undecided(Reason.WALL, "while narrowing the diagram")

    def _inside(self, allowed: Sequence[Sequence[Atom]]) -> BCDDFunction:
        """The words of the box."""
        inside = self.diagram.true
        for letters, choices in zip(self.diagram.letters, allowed, strict=True):
            if len(choices) < len(letters):
                here = self.diagram.false
                for atom in choices:
                    index = index_of(self.symbols, atom)
                    assert index is not None, "a box lists symbols of the alphabet"
                    here = here | letters[index]
                inside = inside & here
        return inside

    def _word(self, word: Word) -> BCDDFunction:
        """This word and no other; nothing, when it is no input at all."""
        if len(word) != self.query.length:
            return self.diagram.false
        only = self.diagram.true
        for letters, atom in zip(self.diagram.letters, word, strict=True):
            index = index_of(self.symbols, atom)
            only = only & (self.diagram.false if index is None else letters[index])
        return only

    def _least(self, found: BCDDFunction, deadline: Deadline) -> Sat:
        """The first word in alphabet order: at each position the first symbol that leaves the diagram satisfiable."""
        word: list[Atom] = []
        for letters in self.diagram.letters:
            for symbol, letter in zip(self.symbols, letters, strict=True):
                rest = found & letter
                if rest.satisfiable():
                    word.append(symbol)
                    found = rest
                    break
                if deadline.passed():
                    raise TimeoutError
        assert len(word) == self.query.length, "some letter stands at every position"
        return Sat(tuple(word), least=True)

    def _evidence(self, inputs: int) -> Evidence:
        nodes = self.diagram.manager.num_inner_nodes()
        return Evidence(NAME, f"{nodes} nodes, {self.diagram.order}", inputs=inputs)
