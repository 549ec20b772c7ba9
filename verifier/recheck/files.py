"""Reads a document of certificates and checks each; anything malformed is rejected, never repaired.

What is not checked in full (programs compared on a part of the scope, outputs that are only stated, merging that was
only tested) is never accepted: it stands on trust, and says in what.
"""

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Final

from spec.cost import MODELS
from spec.diagnostics import EvaluationError, UsageError
from spec.graph import Graph, SOp
from spec.interp import evaluate
from spec.serialize import Malformed, read_atom
from spec.values import Atom, Numbers, atom_key
from verifier.recheck.depth import Colouring, check_pair
from verifier.recheck.equal import Domain, check_equal, symbols_words
from verifier.recheck.forever import check_all_lengths
from verifier.recheck.heads import Family, HeadTable, Kind, Tables, check_absent
from verifier.recheck.programs import Programs, same_meaning
from verifier.recheck.rup import Rejected
from verifier.recheck.schedule import Task, check_chain, check_clauses, check_crowd, check_schedule
from verifier.recheck.shapes import (
    Json,
    Word,
    parse,
    read_array,
    read_flag,
    read_integer,
    read_integers,
    read_lines,
    read_object,
    read_symbols,
    read_text,
    read_word,
)

MAX_LENGTH: Final = 1_000
MAX_PAIRS: Final = 1 << 26
"""The most pairs of positions of inputs that are looked at one by one."""
MAX_LIMIT: Final = 100_000
"""The most layers or heads of a limit on schedules; clauses are made for every one."""
MAX_HEADS: Final = 64
"""The most heads of a program of a class."""
_STATED: Final = "outputs as stated"


class Judgement(Enum):
    """What became of a certificate; `TRUSTED`: nothing speaks against it, and a part of it was not checked."""

    ACCEPTED = "accepted"
    TRUSTED = "on trust"
    REJECTED = "REJECTED"


@dataclass(frozen=True)
class Shown:
    """How a claim was shown, and what of it, if anything, was taken on trust."""

    how: str
    trust: str = ""


@dataclass(frozen=True)
class Checked:
    """One certificate: what it claims, what is made of it, and how that was shown or why it was not."""

    claim: str
    judgement: Judgement
    detail: str

    @property
    def accepted(self) -> bool:
        """Whether all of it was checked, and holds."""
        return self.judgement is Judgement.ACCEPTED


def recheck(text: str) -> list[Checked]:
    """Check every certificate of a document; raises `Rejected` when it is none."""
    document = read_object(parse(text), "document")
    if document.get("format") != "rasp-bounds" or document.get("version") != 1:
        raise Rejected("this is no document of certificates that this tool reads")
    tables = read_object(document.get("tables"), "tables")
    programs = Programs(read_object(document.get("programs"), "programs"), tables)
    return [_one(programs, item) for item in read_array(document.get("certificates"), "certificates")]


def _one(programs: Programs, item: Json) -> Checked:
    claim = "?"
    try:
        record = read_object(item, "certificate")
        claim = read_text(record, "claim")
        check = _KINDS.get(read_text(record, "kind"))
        if check is None:
            raise Rejected("unknown kind of certificate")
        shown = check(programs, record)
    except (Rejected, Malformed) as reason:
        return Checked(claim, Judgement.REJECTED, str(reason))
    except UsageError as error:
        return Checked(claim, Judgement.REJECTED, error.render())
    if shown.trust:
        return Checked(claim, Judgement.TRUSTED, f"{shown.how}; {shown.trust}")
    return Checked(claim, Judgement.ACCEPTED, shown.how)


# ------------------------------------------------------------------------------------------------ kinds


def _task(programs: Programs, record: Mapping[str, Json]) -> Task:
    graph, roots = programs.get(read_text(record, "program"))
    model = MODELS.get(read_text(record, "model"))
    if model is None:
        raise Rejected("unknown cost model")
    limits = read_object(record.get("limits"), "limits")
    layers = read_integer(limits.get("layers"), "layers")
    width, total = (
        None if limits.get(name) is None else read_integer(limits.get(name), name) for name in ("heads", "total heads")
    )
    if not all(0 <= most <= MAX_LIMIT for most in (layers, width, total) if most is not None):
        raise Rejected(f"limits below 0 or above {MAX_LIMIT}")
    task = Task(graph, roots, model, layers, width, total)
    listed = (("layers", layers), ("heads", width), ("total heads", total))
    said = ", ".join(f"{name} <= {most}" for name, most in listed if most is not None)
    negated = "not " if record.get("kind") == "no-schedule" else ""
    about = f"program {read_text(record, 'written')[:12]} as written, {model.name} model"
    _expect_claim(record, f"{about}: {negated}{said}")
    return task


def _expect_claim(record: Mapping[str, Json], claim: str) -> None:
    """What is shown has to be what is said."""
    if record.get("claim") != claim:
        raise Rejected(f"the fields say another thing than the claim: {claim}")


def _schedule(programs: Programs, record: Mapping[str, Json]) -> Shown:
    task = _task(programs, record)
    layers: dict[int, int] = {}
    for item in read_array(record.get("layers"), "layers"):
        match item:
            case [int(read), int(layer)] if read not in layers:
                layers[read] = layer
            case _:
                raise Rejected("a layer is not a pair of numbers, or a read is given two")
    return Shown(check_schedule(task, layers), _merging(programs, record))


def _no_schedule(programs: Programs, record: Mapping[str, Json]) -> Shown:
    task = _task(programs, record)
    argument = read_object(record.get("argument"), "argument")
    if "chain" in argument:
        found = check_chain(task, read_integers(argument["chain"], "chain"))
    elif "crowd" in argument:
        first, last = read_integer(argument.get("first"), "first"), read_integer(argument.get("last"), "last")
        found = check_crowd(task, first, last, read_integers(argument["crowd"], "crowd"))
    else:
        found = check_clauses(task, read_lines(argument.get("proof")))
    return Shown(found, _merging(programs, record))


def _merging(programs: Programs, record: Mapping[str, Json]) -> str:
    return same_meaning(programs, read_text(record, "program"), read_text(record, "written"))


def _indistinguishable(programs: Programs, record: Mapping[str, Json]) -> Shown:
    target = _target(programs, record)
    points = [read_object(record.get(side), side) for side in ("left", "right")]
    words = [read_word(point.get("word")) for point in points]
    places = [read_integer(point.get("position"), "position") for point in points]
    if not all(0 <= place < len(word) for word, place in zip(words, places, strict=True)):
        raise Rejected("a position is outside of its word")
    if any(len(word) > MAX_LENGTH for word in words):
        raise Rejected(f"a word of more than {MAX_LENGTH} symbols")
    stated = [read_text(point, "output") for point in points]
    if target is None:
        outputs: list[Hashable] = [*stated]
        trust = _STATED
    else:
        outputs, trust = [target(word)[place] for word, place in zip(words, places, strict=True)], ""
        if _shown(record, outputs) != stated:
            raise Rejected("the outputs are not those of the target")
    if outputs[0] == outputs[1] or _ANY in outputs:
        raise Rejected("the outputs do not differ")
    colouring = _colouring(record, words)
    depth = None if record.get("depth") is None else _depth(record)
    layers = "any number of layers" if depth is None else f"{depth} layers"
    _expect_claim(record, f"{_about(record)}: not in {layers} of {_class_words(record)}")
    return Shown(check_pair(colouring, (places[0], places[1]), depth), trust)


def _depth(record: Mapping[str, Json]) -> int:
    depth = read_integer(record.get("depth"), "depth")
    if depth < 0:
        raise Rejected("a number of layers below 0")
    return depth


def _distinguishable(programs: Programs, record: Mapping[str, Json]) -> Shown:
    target = _target(programs, record)
    if target is None:
        raise Rejected("the target is not in the document")
    low, high, symbols = _scope(record)
    words = [word for n in range(low, high + 1) for word in product(symbols, repeat=n)]
    colouring = _colouring(record, words)
    depth = _depth(record)
    lengths = _lengths(low, high, symbols)
    _expect_claim(record, f"{_about(record)}: in {depth} layers of {_class_words(record)}, {lengths}")
    for _ in range(depth):
        if not colouring.round():
            break
    outputs: dict[int, Hashable] = {}
    for number, word in enumerate(words):
        for position, output in enumerate(target(word)):
            if output != _ANY and outputs.setdefault(colouring.colour(number, position), output) != output:
                raise Rejected(f"position {position} of {list(word)} is not told apart from another one")
    return Shown(f"all points of {len(words)} inputs told apart")


def _program(programs: Programs, record: Mapping[str, Json]) -> Shown:
    target = _target(programs, record)
    if target is None:
        raise Rejected("the target is not in the document")
    low, high, symbols = _scope(record)
    family, shape = _family(record), _shape(record)
    always = "all_lengths" in record and read_flag(record, "all_lengths")
    lengths = f"all lengths over {symbols_words(symbols)}" if always else _lengths(low, high, symbols)
    claim = f"a program of {family} with heads {_shape_words(shape)}, {lengths}"
    _expect_claim(record, f"{_about(record)}: {claim}")
    tables = Tables(family, _states(record, family), _heads(record, family))
    if [len(layer) for layer in tables.heads] != shape or len(tables.states) != len(shape) + 1:
        raise Rejected("the program has another shape")
    seen: dict[int, Hashable] = {}
    count = 0
    for word in (word for n in range(low, high + 1) for word in product(symbols, repeat=n)):
        count += 1
        for state, output in zip(tables.final(word), target(word), strict=True):
            if output != _ANY and seen.setdefault(state, output) != output:
                raise Rejected(f"the program ends in one state for two outputs, on {list(word)}")
    detail = f"run on {count} inputs"
    if always:
        start, steps = _steps(read_object(read_object(record["target"], "target").get("mealy"), "mealy"))
        detail = check_all_lengths(tables, start, steps, symbols)
    ends = [seen.get(state, _ANY) for state in range(len(tables.states[-1]))]
    if _shown(record, ends) != read_array(record.get("outputs"), "outputs"):
        raise Rejected("the final states have other outputs")
    return Shown(detail)


def _no_program(programs: Programs, record: Mapping[str, Json]) -> Shown:
    target = _target(programs, record)
    family, shape = _family(record), _shape(record)
    _expect_claim(record, f"{_about(record)}: no program of {family} with heads {_shape_words(shape)}")
    entries = [read_object(item, "word") for item in read_array(record.get("words"), "words")]
    words: list[tuple[Word, Sequence[Hashable]]] = []
    for entry, word in ((entry, read_word(entry.get("word"))) for entry in entries):
        stated = [_simple(output) for output in read_array(entry.get("outputs"), "outputs")]
        if len(stated) != len(word):
            raise Rejected("not one output for each position")
        outputs = [_ANY if output is None else output for output in stated] if target is None else target(word)
        if target is not None and _shown(record, outputs) != stated:
            raise Rejected("the outputs are not those of the target")
        words.append((word, outputs))
    names = [_tupled(name) for name in read_array(record.get("names"), "names")]
    numbers = {name: number for number, name in enumerate(names, start=1) if isinstance(name, tuple)}
    if len(numbers) != len(names):
        raise Rejected("a name is given twice, or is no name")
    found = check_absent(family, shape, words, lambda output: output != _ANY, numbers, read_lines(record.get("proof")))
    return Shown(found, "" if target is not None else _STATED)


def _family(record: Mapping[str, Json]) -> Family:
    cls = read_object(record.get("class"), "class")
    readings: list[tuple[str, int]] = []
    for pair in read_array(cls.get("readings"), "readings"):
        match pair:
            case [str(name), values]:
                readings.append((name, read_integer(values, "values")))
            case _:
                raise Rejected("a reading has no name, or no number of values")
    masks = [mask for mask in read_array(cls.get("masks"), "masks") if isinstance(mask, str)]
    if len(masks) != len(read_array(cls.get("masks"), "masks")):
        raise Rejected("a mask is no text")
    return Family(readings, masks, read_flag(cls, "indices"))


def _shape(record: Mapping[str, Json]) -> list[int]:
    """The heads of each layer, at least one and not more than anybody can ask about."""
    shape = read_integers(record.get("shape"), "shape")
    if any(heads < 1 for heads in shape) or sum(shape) > MAX_HEADS:
        raise Rejected(f"a layer without heads, or more than {MAX_HEADS} heads")
    return shape


def _shape_words(shape: Sequence[int]) -> str:
    return "/".join(map(str, shape)) or "none"


def _scope(record: Mapping[str, Json]) -> tuple[int, int, Word]:
    """Lengths and symbols, few enough for every input to be looked at."""
    scope = read_object(record.get("scope"), "scope")
    _numbers(scope)
    low, high = read_integer(scope.get("low"), "low"), read_integer(scope.get("high"), "high")
    symbols = read_symbols(scope.get("symbols"))
    if not 1 <= low <= high <= MAX_LENGTH:
        raise Rejected("a scope without inputs, or with inputs that are too long")
    if sum(n * n * len(symbols) ** n for n in range(low, high + 1)) > MAX_PAIRS:
        raise Rejected(f"inputs with more than {MAX_PAIRS} pairs of positions")
    return low, high, symbols


def _lengths(low: int, high: int, symbols: Word) -> str:
    return f"lengths {low}..{high} over {symbols_words(symbols)}"


def _states(record: Mapping[str, Json], family: Family) -> list[dict[Hashable, int]]:
    """The numbers of the states of each layer; base states name the type of their token."""
    layers = [read_array(layer, "states") for layer in read_array(record.get("states"), "states")]
    found: list[dict[Hashable, int]] = []
    for layer, states in enumerate(layers):
        read = [_base(state, family.indices) if layer == 0 else _results(state) for state in states]
        found.append({state: number for number, state in enumerate(read)})
    return found


def _base(state: Json, indices: bool) -> Hashable:
    match state:
        case [[str(name), str() | int() | float() as token], int(index)] if indices:
            return (_TYPES.get(name), token), index
        case [str(name), str() | int() | float() as token] if not indices:
            return _TYPES.get(name), token
        case _:
            raise Rejected("a state is malformed")


_TYPES: Final[Mapping[str, type]] = {"str": str, "int": int, "bool": bool, "float": float}


def _results(state: Json) -> Hashable:
    """The number of the state before, and what the heads gave."""
    parts = read_array(state, "state")
    return tuple(read_atom({"rational": part}) if isinstance(part, str) else _simple(part) for part in parts)


def _heads(record: Mapping[str, Json], family: Family) -> list[list[HeadTable]]:
    kinds = {(kind.reading, kind.mask): kind for kind in family.kinds}
    return [
        [_head(read_object(head, "head"), kinds) for head in read_array(layer, "heads")]
        for layer in read_array(record.get("heads"), "heads")
    ]


def _head(head: Mapping[str, Json], kinds: Mapping[tuple[str, str], Kind]) -> HeadTable:
    kind = kinds.get((read_text(head, "reading"), read_text(head, "mask")))
    if kind is None:
        raise Rejected("a head is none of the class")
    values = dict(_pairs(head, "values"))
    if len(values) != len(_pairs(head, "values")) or not all(0 < value < kind.values for value in values.values()):
        raise Rejected("a head gives a key two values, or one that is too large")
    return HeadTable(kind, frozenset(_pairs(head, "selected")), values)


def _pairs(head: Mapping[str, Json], name: str) -> list[tuple[int, int]]:
    pairs = [read_integers(pair, name) for pair in read_array(head.get(name), name)]
    if any(len(pair) != 2 for pair in pairs):
        raise Rejected(f"{name} has something that is no pair")
    return [(pair[0], pair[1]) for pair in pairs]


def _tupled(value: Json) -> Hashable:
    """Lists as tuples, at any depth that names have."""
    match value:
        case list():
            return tuple(tuple(map(_simple, part)) if isinstance(part, list) else _simple(part) for part in value)
        case _:
            return _simple(value)


def _simple(value: Json) -> Hashable:
    if isinstance(value, dict | list):
        raise Rejected("a name is nested too deeply")
    return value


def _equivalent(programs: Programs, record: Mapping[str, Json]) -> Shown:
    """The programs on every input of the scope; where there are too many, on some, and the rest on trust."""
    (one, ones), (other, others) = (programs.get(read_text(record, name)) for name in ("written", "program"))
    scope = _domain(read_object(record.get("scope"), "scope"))
    about = f"program {read_text(record, 'program')[:12]} equals program {read_text(record, 'written')[:12]}"
    _expect_claim(record, f"{about} wherever that has a value, {scope}")
    if not one.numbers is other.numbers is scope.numbers or not len(ones) == len(others) == 1:
        raise Rejected("the programs are not about the same numbers and one output each")
    listed = [by for by in read_array(record.get("proved_by"), "proved_by") if isinstance(by, str)]
    if not listed:
        raise Rejected("nobody is said to have proved it")
    count, failing = check_equal((ones[0], others[0]), scope)
    seen = f"compared on {'all ' if count == scope.count else ''}{count} inputs"
    without = f", on {failing} of which there is no value" if failing else ""
    return Shown(seen + without, "" if count == scope.count else f"the rest on trust in {', '.join(listed)}")


def _numbers(scope: Mapping[str, Json]) -> Numbers:
    for numbers in Numbers:
        if scope.get("numbers") == numbers.value:
            return numbers
    raise Rejected("unknown numbers")


def _domain(scope: Mapping[str, Json]) -> Domain:
    numbers = _numbers(scope)
    low, high = read_integer(scope.get("low"), "low"), read_integer(scope.get("high"), "high")
    if not 1 <= low <= high <= MAX_LENGTH:
        raise Rejected("a scope without inputs, or with inputs that are too long")
    if "integers" not in scope:
        return Domain(low, high, numbers, symbols=read_symbols(scope.get("symbols")))
    ends = [end if end is None else read_integer(end, "integers") for end in read_array(scope["integers"], "integers")]
    if len(ends) != 2:
        raise Rejected("an interval has two ends")
    return Domain(low, high, numbers, least=ends[0], greatest=ends[1])


_KINDS: Final[Mapping[str, Callable[[Programs, Mapping[str, Json]], Shown]]] = {
    "schedule": _schedule,
    "no-schedule": _no_schedule,
    "equivalent": _equivalent,
    "indistinguishable": _indistinguishable,
    "distinguishable": _distinguishable,
    "program": _program,
    "no-program": _no_program,
}


def _colouring(record: Mapping[str, Json], words: Sequence[Word]) -> Colouring:
    cls = read_object(record.get("class"), "class")
    return Colouring(read_text(cls, "attention"), _masks(cls), read_flag(cls, "start"), words)


def _class_words(record: Mapping[str, Json]) -> str:
    cls = read_object(record.get("class"), "class")
    return f"{read_text(cls, 'attention')}/{','.join(_masks(cls))}" + ("+start" if read_flag(cls, "start") else "")


def _masks(cls: Mapping[str, Json]) -> list[str]:
    masks = [mask for mask in read_array(cls.get("masks"), "masks") if isinstance(mask, str)]
    if len(masks) != len(read_array(cls.get("masks"), "masks")) or len(set(masks)) < len(masks):
        raise Rejected("a mask is no text, or is given twice")
    return masks


# ------------------------------------------------------------------------------------------------ targets


def _about(record: Mapping[str, Json]) -> str:
    target = read_object(record.get("target"), "target")
    if "program" in target:
        return f"program {read_text(target, 'program')[:12]}"
    if "table" in target:
        return f"table {read_text(target, 'table')[:12]}"
    if "mealy" in target:
        return f"machine {_hash(target['mealy'])[:12]}"
    return f"{read_text(target, 'stated')}, as stated"


_ANY: Final = ("any output will do",)


def _shown(record: Mapping[str, Json], outputs: Sequence[Hashable]) -> list[Hashable]:
    """Outputs of the target as certificates write them, which the rows of a table are already."""
    table = "table" in read_object(record.get("target"), "target")
    return [None if output == _ANY else output if table else repr(output) for output in outputs]


def _target(programs: Programs, record: Mapping[str, Json]) -> Callable[[Word], Sequence[Hashable]] | None:
    """The function that the certificate is about; `None` when it only states outputs."""
    target = read_object(record.get("target"), "target")
    if "program" in target:
        graph, roots = programs.get(read_text(target, "program"))
        root = roots[0]
        if not isinstance(root, SOp):
            raise Rejected("the target is no s-op")
        return lambda word: _values(graph, root, word)
    if "mealy" in target:
        return _machine(read_object(target["mealy"], "mealy"))
    if "table" in target:
        return _table(programs.tables, read_text(target, "table"))
    read_text(target, "stated")
    return None


def _values(graph: Graph, root: SOp, word: Word) -> Sequence[Hashable]:
    try:
        values = evaluate([root], word, graph.numbers).values[root]
    except EvaluationError:
        return [_ANY] * len(word)
    return ["nan" if value != value else value for value in values]


def _table(tables: Mapping[str, Json], key: str) -> Callable[[Word], Sequence[Hashable]]:
    """A function by its table; the words that it lists are all that it is about."""
    if key not in tables or _hash(tables[key]) != key:
        raise Rejected("a table is missing, or is not the one that its hash says")
    rows: dict[Hashable, Sequence[Hashable]] = {}
    for row in read_array(tables[key], "table"):
        word, outputs = ([*read_array(row, "row"), None, None])[:2]
        found = [_ANY if output is None else _simple(output) for output in read_array(outputs, "outputs")]
        if rows.setdefault(tuple(map(atom_key, read_word(word))), found) is not found:
            raise Rejected("a word is twice in a table")

    def look_up(word: Word) -> Sequence[Hashable]:
        found = rows.get(tuple(map(atom_key, word)))
        if found is None or len(found) != len(word):
            raise Rejected("the table lacks a word")
        return found

    return look_up


def _hash(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _steps(record: Mapping[str, Json]) -> tuple[str, Callable[[str, Atom], tuple[str, Atom]]]:
    """The first state of a machine, and what it does on a symbol."""
    steps: dict[tuple[str, object], tuple[str, Atom]] = {}
    for item in read_array(record.get("steps"), "steps"):
        match item:
            case [str(state), symbol, str(following), output] if (state, atom_key(read_atom(symbol))) not in steps:
                steps[state, atom_key(read_atom(symbol))] = following, read_atom(output)
            case _:
                raise Rejected("a step of the machine is malformed, or is given twice")

    def step(state: str, symbol: Atom) -> tuple[str, Atom]:
        if (state, atom_key(symbol)) not in steps:
            raise Rejected("the machine has no step for an input")
        return steps[state, atom_key(symbol)]

    return read_text(record, "start"), step


def _machine(record: Mapping[str, Json]) -> Callable[[Word], Sequence[Hashable]]:
    start, step = _steps(record)
    last_only = read_flag(record, "last_only")

    def run(word: Word) -> Sequence[Hashable]:
        state = start
        found: list[Hashable] = []
        for symbol in word:
            state, output = step(state, symbol)
            found.append(output)
        return [_ANY] * (len(found) - 1) + found[-1:] if last_only else found

    return run
