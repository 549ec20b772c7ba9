"""The programs of a document of certificates, and whether two of them are the same as far as was tried."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import Final

from spec.diagnostics import EvaluationError
from spec.graph import Graph, Node, SOp
from spec.interp import evaluate
from spec.serialize import content_hash, loads
from spec.values import Atom, atom_key
from verifier.recheck.rup import Rejected
from verifier.recheck.shapes import Json, Word

_SAMPLE: Final[tuple[Atom, ...]] = ("a", "b", "1", "(", 2, True)
_SAMPLED: Final = 120


class Programs:
    """The programs of a document, by the hash of what they mean, which is computed again."""

    def __init__(self, stored: Mapping[str, Json], tables: Mapping[str, Json]) -> None:
        self.stored, self.tables = stored, tables
        self.loaded: dict[str, tuple[Graph, tuple[Node, ...]]] = {}
        self.compared: dict[tuple[str, str], str] = {}

    def get(self, key: str) -> tuple[Graph, tuple[Node, ...]]:
        """A program and its outputs, in order."""
        if key not in self.loaded:
            if key not in self.stored:
                raise Rejected("a program is missing")
            graph, outputs = loads(json.dumps(self.stored[key]), "program")
            if not graph.interning:
                raise Rejected("a program in which equal nodes need not be the same")
            if content_hash(graph.numbers, outputs) != key.rstrip("'"):
                raise Rejected("a program is not the one that its hash says")
            names = [f"out{i}" for i in range(len(outputs))]
            if set(names) != set(outputs):
                raise Rejected("a program with other outputs than out0, out1, ..")
            self.loaded[key] = graph, tuple(outputs[name] for name in names)
        return self.loaded[key]


def same_meaning(programs: Programs, left: str, right: str) -> str:
    """Two programs, one of which was made from the other by merging, on a sample of inputs: a test, no proof."""
    if left.rstrip("'") == right.rstrip("'"):
        return ""
    if (left, right) not in programs.compared:
        programs.compared[left, right] = _compared(programs, left, right)
    return programs.compared[left, right]


def _compared(programs: Programs, left: str, right: str) -> str:
    (one, ones), (other, others) = programs.get(left), programs.get(right)
    if one.numbers is not other.numbers or len(ones) != len(others):
        raise Rejected("the merged program is another one")
    words = (word for n in (1, 2, 3) for word in product(_SAMPLE, repeat=n))
    for word in islice(words, _SAMPLED):
        if _outcome(one, ones, word) != _outcome(other, others, word):
            raise Rejected(f"the merged program differs from the one that was written on {list(word)}")
    return f"merging tested on {_SAMPLED} inputs only"


def _outcome(graph: Graph, roots: Sequence[Node], word: Word) -> object:
    try:
        run = evaluate(roots, word, graph.numbers)
    except EvaluationError:
        return "fails"
    return [tuple(map(atom_key, run.values[root])) if isinstance(root, SOp) else run.rows[root] for root in roots]
