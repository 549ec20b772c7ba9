"""Claims as JSON, each with what shows it, for `verifier.recheck` and for other people's checkers.

A document holds programs, by the hash of what they mean, and certificates, each of one claim:

    schedule            these layers for the reads are a schedule within the limits
    no-schedule         there is none within the limits: a chain, a crowd, or a clausal proof
    indistinguishable   two points that d layers (or any number) of a class cannot tell apart, with different outputs
    distinguishable     d layers of a class tell apart all points of the scope that have different outputs
    equivalent          a rewritten program computes the same on the scope as the one that was written
    program             a program of a class with so many heads in each layer, by its tables
    no-program          there is none: words, names of variables, and a clausal proof

`docs/bounds.md` describes every field.
"""

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from typing import Final, TypeAlias

from spec.cost import Schedule
from spec.diagnostics import InternalError
from spec.graph import Graph, Node
from spec.property.scope import Integers, Scope
from spec.serialize import atom_json, content_hash, dumps
from spec.transplant import transplant
from spec.values import Atom
from verifier.bounds.classes import Class
from verifier.bounds.decide import Argument, Chain, Clausal, Crowd, Feasible, Impossible
from verifier.bounds.depth import DepthBound, Point
from verifier.bounds.equivalent import Rewritten
from verifier.bounds.heads import Head, Tables
from verifier.bounds.problem import Limits, Problem
from verifier.bounds.sat import SOLVER
from verifier.bounds.synthesis import Absent, Exists, HeadFront, Undecided, shape_text
from verifier.bounds.target import ANYTHING, Mealy, OfProgram, Target, Word
from verifier.bounds.written import Front, Stairs

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

FORMAT: Final = "rasp-bounds"
VERSION: Final = 1
MOST_LISTED: Final = 16
"""A claim names at most so many symbols."""
MAX_TABLE: Final = 20_000
"""Functions that only Python can compute are stored as their tables, for scopes of at most so many words."""


class Document:
    """Certificates under construction."""

    def __init__(self) -> None:
        self.programs: dict[str, Json] = {}
        self.tables: dict[str, Json] = {}
        self.certificates: list[Json] = []

    def to_json(self) -> dict[str, Json]:
        """The whole document."""
        tools = {name: _version(name) for name in ("rasp-verifier", "python-sat")}
        return {
            "format": FORMAT,
            "version": VERSION,
            "tools": {**tools, "solver": SOLVER},
            "programs": self.programs,
            "tables": self.tables,
            "certificates": self.certificates,
        }

    def text(self) -> str:
        """The document as a file holds it."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=True) + "\n"

    def _add(self, record: Json) -> None:
        """A certificate, unless it is there already: a program may be the answer of two levels."""
        if record not in self.certificates:
            self.certificates.append(record)

    # ------------------------------------------------------------------------------------------ programs

    def program(self, roots: Sequence[Node], graph: Graph) -> tuple[str, Mapping[Node, Node]]:
        """Add what the roots depend on, without spans; its hash, and the number of each node in it."""
        copy = Graph(graph.numbers)
        made = transplant(roots, copy)
        outputs = {f"out{i}": made[root] for i, root in enumerate(roots)}
        key = content_hash(graph.numbers, outputs)
        # Equal programs may number their nodes differently, and certificates name nodes by their numbers.
        stored = json.loads(dumps(copy, outputs))
        while self.programs.setdefault(key, stored) != stored:
            key += "'"
        return key, made

    # ------------------------------------------------------------------------------------------ level 1

    def front(self, front: Front, written: Sequence[Node], graph: Graph) -> None:
        """Every claim of a front; `written` are the roots before merging."""
        common, number = self._task(front.task, front.graph, written, graph)
        if front.shortest is not None:
            self._no_schedule(common, front.shortest.limits, front.shortest.argument, number)
        for stairs in (front.widths, front.totals):
            self._stairs(common, stairs, front.task, number)

    def decision(
        self, found: Feasible | Impossible, task: Problem, merged: Graph, written: Sequence[Node], graph: Graph
    ) -> None:
        """That a schedule within the limits exists, or that none does; `written` are the roots before merging."""
        common, number = self._task(task, merged, written, graph)
        match found:
            case Feasible(limits=limits, schedule=step):
                self._schedule(common, limits, step, task, number)
            case Impossible(limits=limits, argument=argument):
                self._no_schedule(common, limits, argument, number)

    def _task(
        self, task: Problem, merged: Graph, written: Sequence[Node], graph: Graph
    ) -> tuple[dict[str, Json], list[int]]:
        """What all claims about the task share, and the numbers of its reads in the program that is stored."""
        original, _ = self.program(written, graph)
        key, made = self.program(task.roots, merged)
        common: dict[str, Json] = {"program": key, "written": original, "model": task.model.name}
        return common, [made[read].id for read in task.reads]

    def _stairs(self, common: dict[str, Json], stairs: Stairs, task: Problem, number: Sequence[int]) -> None:
        for step in stairs.steps:
            limits = stairs.counted.limits(step.layers, stairs.counted.of(step))
            self._schedule(common, limits, step, task, number)
        for refuted in stairs.refuted:
            self._no_schedule(common, refuted.limits, refuted.argument, number)

    def _schedule(
        self, common: dict[str, Json], limits: Limits, step: Schedule, task: Problem, number: Sequence[int]
    ) -> None:
        layers: list[Json] = [[number[r], step.layer[read]] for r, read in enumerate(task.reads)]
        claim = f"{_as_written(common)}: {limits}"
        self._add({"kind": "schedule", "claim": claim, **common, "limits": _limits_json(limits), "layers": layers})

    def _no_schedule(self, common: dict[str, Json], limits: Limits, argument: Argument, number: Sequence[int]) -> None:
        claim = f"{_as_written(common)}: not {limits}"
        shown = _argument_json(argument, number)
        self._add({"kind": "no-schedule", "claim": claim, **common, "limits": _limits_json(limits), "argument": shown})

    # ------------------------------------------------------------------------------------------ level 2

    def equivalent(self, found: Rewritten, written: Node) -> None:
        """That the rewritten program, if there is one, computes the same as the one that was written."""
        if found.proof is None:
            return
        before, _ = self.program([written], found.written)
        after, _ = self.program([found.root], found.graph)
        equal = f"program {after[:12]} equals program {before[:12]} wherever that has a value"
        record: Json = {
            "kind": "equivalent",
            "claim": f"{equal}, {_range(found.scope)}",
            "program": after,
            "written": before,
            "scope": domain_json(found.scope),
            "proved_by": list(found.proof.by),
        }
        self._add(record)

    # ------------------------------------------------------------------------------------------ level 3

    def depth(self, bound: DepthBound) -> None:
        """Every claim of a depth bound."""
        target = self.target(bound.target, bound.scope)
        cls = _class_json(bound.cls)
        about = _about(target)
        for pair in bound.pairs:
            layers = "any number of layers" if pair.forever else f"{pair.depth} layers"
            self.certificates.append(
                {
                    "kind": "indistinguishable",
                    "claim": f"{about}: not in {layers} of {bound.cls}",
                    "class": cls,
                    "depth": None if pair.forever else pair.depth,
                    "left": _point_json(pair.left),
                    "right": _point_json(pair.right),
                    "target": target,
                }
            )
        if bound.least is not None:
            scope = scope_json(bound.scope)
            self.certificates.append(
                {
                    "kind": "distinguishable",
                    "claim": f"{about}: in {bound.least} layers of {bound.cls}, {_lengths(bound.scope)}",
                    "class": cls,
                    "depth": bound.least,
                    "scope": scope,
                    "target": target,
                }
            )

    def heads(self, front: HeadFront) -> None:
        """Every claim of a front of heads: programs that exist, and shapes that none has."""
        target = self.target(front.target, front.scope)
        cls: Json = {
            "readings": [[reading.value, values] for reading, values in front.cls.readings],
            "masks": [mask.value for mask in front.cls.masks],
            "indices": front.cls.indices,
        }
        for found in front.found:
            common: dict[str, Json] = {"class": cls, "shape": list(found.shape), "target": target}
            match found:
                case Exists():
                    self._exists(front, found, front.scope, common)
                case Absent():
                    self._absent(front, found, common)
                case Undecided():
                    pass
        for high, shorter in front.shorter:
            common = {"class": cls, "shape": list(shorter.shape), "target": target}
            self._exists(front, shorter, replace(front.scope, high=high), common)

    def _exists(self, front: HeadFront, found: Exists, scope: Scope, common: dict[str, Json]) -> None:
        about = self.target(front.target, front.scope)
        if "stated" in about:  # nobody can run a function that is not in the document
            return
        lengths = _lengths(scope)
        if found.configurations is not None:
            lengths = f"all lengths over {_symbols(scope.symbols)}"
            common["all_lengths"] = True
        claim = f"{_about(about)}: a program of {front.cls} with heads {shape_text(found.shape)}, {lengths}"
        shown = {**_tables_json(found.tables), "outputs": [_output_json(output) for output in found.outputs]}
        self.certificates.append({"kind": "program", "claim": claim, **common, **shown, "scope": scope_json(scope)})

    def _absent(self, front: HeadFront, found: Absent, common: dict[str, Json]) -> None:
        about = _about(self.target(front.target, front.scope))
        claim = f"{about}: no program of {front.cls} with heads {shape_text(found.shape)}"
        listed: list[Json] = [
            {"word": word_json(word), "outputs": [_output_json(output) for output in outputs]}
            for word, outputs in found.words
        ]
        shown: dict[str, Json] = {"words": listed, "names": _plain(found.names), "proof": list(found.proof)}
        self.certificates.append({"kind": "no-program", "claim": claim, **common, **shown})

    def target(self, target: Target, scope: Scope) -> dict[str, Json]:
        """What a checker needs to compute the target again on the scope."""
        match target:
            case OfProgram(node=node, numbers=numbers):
                key, _ = self.program([node], Graph(numbers))
                return {"program": key}
            case Mealy():
                return {"mealy": mealy_json(target)}
            case _ if scope.total is not None and scope.total <= MAX_TABLE:
                rows: list[Json] = [
                    [word_json(word), [_output_json(output) for output in target.outputs(word)]]
                    for word in scope.inputs()
                ]
                key = hash_of(rows)
                self.tables[key] = rows
                return {"table": key}
            case _:
                return {"stated": target.name}


def _about(target: Mapping[str, Json]) -> str:
    """What a target is called, from what is stored of it."""
    match target:
        case {"program": key}:
            return f"program {str(key)[:12]}"
        case {"table": key}:
            return f"table {str(key)[:12]}"
        case {"mealy": machine}:
            return f"machine {hash_of(machine)[:12]}"
        case _:
            return f"{target['stated']}, as stated"


def _lengths(scope: Scope) -> str:
    return f"lengths {scope.low}..{scope.high} over {_symbols(scope.symbols)}"


def _symbols(symbols: Iterable[Atom]) -> str:
    """The symbols as Python writes them, in order; of many, how many they are, and a hash of that text."""
    listed = list(map(repr, symbols))
    text = " ".join(listed)
    if len(listed) <= MOST_LISTED:
        return text
    return f"{len(listed)} symbols {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _tables_json(tables: Tables) -> dict[str, Json]:
    states: list[Json] = [[_plain(state) for state in layer] for layer in tables.states]
    return {"states": states, "heads": [[_head_json(head) for head in layer] for layer in tables.heads]}


def _head_json(head: Head) -> Json:
    kind: dict[str, Json] = {"reading": head.kind.reading.value, "mask": head.kind.mask.value}
    return {**kind, "selected": _plain(sorted(head.selected)), "values": _plain(sorted(head.values.items()))}


def _plain(value: object) -> Json:
    """Tuples and lists as lists, rationals as text, `None` as null, other atoms as they are."""
    match value:
        case tuple() | list():
            return [_plain(part) for part in value]
        case Fraction():
            return f"{value.numerator}/{value.denominator}"
        case None | bool() | int() | str():
            return value
        case _:
            raise InternalError(f"{value!r} does not belong into a certificate")


def _output_json(output: Hashable) -> Json:
    return None if output is ANYTHING else repr(output)


def hash_of(value: Json) -> str:
    """SHA-256 of a JSON value, written without spaces and with its keys in order."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _as_written(common: Mapping[str, Json]) -> str:
    return f"program {str(common['written'])[:12]} as written, {common['model']} model"


def mealy_json(machine: Mealy) -> Json:
    """A machine, step by step."""
    steps: list[Json] = [
        [state, atom_json(symbol), following, atom_json(output)]
        for state, row in machine.steps.items()
        for symbol, (following, output) in row.items()
    ]
    return {"start": machine.start, "last_only": machine.last_only, "steps": steps}


def scope_json(scope: Scope) -> Json:
    """A finite scope."""
    if isinstance(scope.alphabet, Integers):
        symbols: Iterable[Atom] = scope.symbols
    else:
        symbols = scope.alphabet
    return {"low": scope.low, "high": scope.high, "symbols": word_json(tuple(symbols)), "numbers": scope.numbers.value}


def domain_json(scope: Scope) -> dict[str, Json]:
    """A scope whose symbols may be an interval of integers; `null` is no end."""
    common: dict[str, Json] = {"low": scope.low, "high": scope.high, "numbers": scope.numbers.value}
    if isinstance(scope.alphabet, Integers):
        return {**common, "integers": [scope.alphabet.low, scope.alphabet.high]}
    return {**common, "symbols": word_json(scope.alphabet)}


def _range(scope: Scope) -> str:
    """The scope in words: `lengths 1..6 over 'a' 'b'`, `lengths 1..6 over integers 0..any`."""
    if not isinstance(scope.alphabet, Integers):
        return _lengths(scope)
    ends = ("any" if end is None else str(end) for end in (scope.alphabet.low, scope.alphabet.high))
    return f"lengths {scope.low}..{scope.high} over integers {'..'.join(ends)}"


def word_json(word: Word) -> Json:
    """A word, atom by atom."""
    return [atom_json(atom) for atom in word]


def _point_json(point: Point) -> Json:
    return {"word": word_json(point.word), "position": point.position, "output": repr(point.output)}


def _class_json(cls: Class) -> Json:
    return {"attention": cls.attention.value, "masks": [mask.value for mask in cls.masks], "start": cls.start}


def _limits_json(limits: Limits) -> Json:
    return {"layers": limits.layers, "heads": limits.width, "total heads": limits.total}


def _argument_json(argument: Argument, number: Sequence[int]) -> Json:
    match argument:
        case Chain(reads=reads):
            return {"chain": [number[r] for r in reads]}
        case Crowd(first=first, last=last, reads=reads):
            return {"crowd": [number[r] for r in reads], "first": first, "last": last}
        case Clausal(proof=proof):
            return {"proof": list(proof)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
