"""Reads a document of certificates and checks each; anything malformed is rejected, never repaired."""

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product
from typing import Final, TypeAlias

from spec.cost import MODELS
from spec.diagnostics import EvaluationError, UsageError
from spec.graph import Graph, Node, SOp
from spec.interp import evaluate
from spec.serialize import Malformed, content_hash, loads, read_atom
from spec.values import Atom, Numbers, atom_key
from verifier.recheck.depth import Colouring, check_pair
from verifier.recheck.equal import Domain, check_equal, symbols_words
from verifier.recheck.forever import check_all_lengths
from verifier.recheck.heads import HeadTable, Kind, Tables, check_absent
from verifier.recheck.rup import Rejected
from verifier.recheck.schedule import Task, check_chain, check_clauses, check_crowd, check_schedule

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Word: TypeAlias = tuple[Atom, ...]

MAX_CHARACTERS: Final = 1 << 28
MAX_LENGTH: Final = 1_000
MAX_INPUTS: Final = 1 << 22
MAX_LIMIT: Final = 100_000
"""The most layers or heads of a limit on schedules; clauses are made for every one."""
MAX_HEADS: Final = 64
"""The most heads of a program of a class."""
_SAMPLE: Final[tuple[Atom, ...]] = ("a", "b", "1", "(", 2, True)
_SAMPLED: Final = 120


@dataclass(frozen=True)
class Checked:
    """One certificate: what it claims, whether it shows that, and how or why not."""

    claim: str
    accepted: bool
    detail: str


def recheck(text: str) -> list[Checked]:
    """Check every certificate of a document; raises `Rejected` when it is none."""
    document = _object(_parse(text), "document")
    if document.get("format") != "rasp-bounds" or document.get("version") != 1:
        raise Rejected("this is no document of certificates that this tool reads")
    tables = _object(document.get("tables"), "tables")
    programs = _Programs(_object(document.get("programs"), "programs"), tables)
    return [_one(programs, item) for item in _array(document.get("certificates"), "certificates")]


def _one(programs: "_Programs", item: Json) -> Checked:
    claim = "?"
    try:
        record = _object(item, "certificate")
        claim = _text(record, "claim")
        check = _KINDS.get(_text(record, "kind"))
        if check is None:
            raise Rejected("unknown kind of certificate")
        return Checked(claim, True, check(programs, record))
    except (Rejected, Malformed) as reason:
        return Checked(claim, False, str(reason))
    except UsageError as error:
        return Checked(claim, False, error.render())


# ------------------------------------------------------------------------------------------------ programs


class _Programs:
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


def _same_meaning(programs: _Programs, left: str, right: str) -> str:
    """Two programs, one of which was made from the other by merging, on a sample of inputs: a test, no proof."""
    if left.rstrip("'") == right.rstrip("'"):
        return ""
    if (left, right) not in programs.compared:
        programs.compared[left, right] = _compared(programs, left, right)
    return programs.compared[left, right]


def _compared(programs: _Programs, left: str, right: str) -> str:
    (one, ones), (other, others) = programs.get(left), programs.get(right)
    if one.numbers is not other.numbers or len(ones) != len(others):
        raise Rejected("the merged program is another one")
    words = (word for n in (1, 2, 3) for word in product(_SAMPLE, repeat=n))
    for word in islice(words, _SAMPLED):
        if _outcome(one, ones, word) != _outcome(other, others, word):
            raise Rejected(f"the merged program differs from the one that was written on {list(word)}")
    return f"; merging tested on {_SAMPLED} inputs"


def _outcome(graph: Graph, roots: Sequence[Node], word: Word) -> object:
    try:
        run = evaluate(roots, word, graph.numbers)
    except EvaluationError:
        return "fails"
    return [tuple(map(atom_key, run.values[root])) if isinstance(root, SOp) else run.rows[root] for root in roots]


# ------------------------------------------------------------------------------------------------ kinds


def _task(programs: _Programs, record: Mapping[str, Json]) -> Task:
    graph, roots = programs.get(_text(record, "program"))
    model = MODELS.get(_text(record, "model"))
    if model is None:
        raise Rejected("unknown cost model")
    limits = _object(record.get("limits"), "limits")
    layers = _integer(limits.get("layers"), "layers")
    width, total = (
        None if limits.get(name) is None else _integer(limits.get(name), name) for name in ("heads", "total heads")
    )
    if not all(0 <= most <= MAX_LIMIT for most in (layers, width, total) if most is not None):
        raise Rejected(f"limits below 0 or above {MAX_LIMIT}")
    task = Task(graph, roots, model, layers, width, total)
    listed = (("layers", layers), ("heads", width), ("total heads", total))
    said = ", ".join(f"{name} <= {most}" for name, most in listed if most is not None)
    negated = "not " if record.get("kind") == "no-schedule" else ""
    about = f"program {_text(record, 'written')[:12]} as written, {model.name} model"
    _expect_claim(record, f"{about}: {negated}{said}")
    return task


def _expect_claim(record: Mapping[str, Json], claim: str) -> None:
    """What is shown has to be what is said."""
    if record.get("claim") != claim:
        raise Rejected(f"the fields say another thing than the claim: {claim}")


def _schedule(programs: _Programs, record: Mapping[str, Json]) -> str:
    task = _task(programs, record)
    layers: dict[int, int] = {}
    for item in _array(record.get("layers"), "layers"):
        match item:
            case [int(read), int(layer)]:
                layers[read] = layer
            case _:
                raise Rejected("a layer is not a pair of numbers")
    return check_schedule(task, layers) + _merging(programs, record)


def _no_schedule(programs: _Programs, record: Mapping[str, Json]) -> str:
    task = _task(programs, record)
    argument = _object(record.get("argument"), "argument")
    if "chain" in argument:
        found = check_chain(task, _integers(argument["chain"], "chain"))
    elif "crowd" in argument:
        first, last = _integer(argument.get("first"), "first"), _integer(argument.get("last"), "last")
        found = check_crowd(task, first, last, _integers(argument["crowd"], "crowd"))
    else:
        found = check_clauses(task, _lines(argument.get("proof")))
    return found + _merging(programs, record)


def _merging(programs: _Programs, record: Mapping[str, Json]) -> str:
    return _same_meaning(programs, _text(record, "program"), _text(record, "written"))


def _indistinguishable(programs: _Programs, record: Mapping[str, Json]) -> str:
    target = _target(programs, record)
    points = [_object(record.get(side), side) for side in ("left", "right")]
    words = [_word(point.get("word")) for point in points]
    places = [_integer(point.get("position"), "position") for point in points]
    if not all(0 <= place < len(word) for word, place in zip(words, places, strict=True)):
        raise Rejected("a position is outside of its word")
    if target is None:
        outputs: list[Hashable] = [_text(point, "output") for point in points]
        trust = "; outputs as stated"
    else:
        outputs, trust = [target(word)[place] for word, place in zip(words, places, strict=True)], ""
    if outputs[0] == outputs[1] or _ANY in outputs:
        raise Rejected("the outputs do not differ")
    colouring = _colouring(record, words)
    depth = None if record.get("depth") is None else _integer(record.get("depth"), "depth")
    layers = "any number of layers" if depth is None else f"{depth} layers"
    _expect_claim(record, f"{_about(record)}: not in {layers} of {_class_words(record)}")
    return check_pair(colouring, (places[0], places[1]), depth) + trust


def _distinguishable(programs: _Programs, record: Mapping[str, Json]) -> str:
    target = _target(programs, record)
    if target is None:
        raise Rejected("the target is not in the document")
    low, high, symbols = _scope(record)
    words = [word for n in range(low, high + 1) for word in product(symbols, repeat=n)]
    colouring = _colouring(record, words)
    depth = _integer(record.get("depth"), "depth")
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
    return f"all points of {len(words)} inputs told apart"


def _program(programs: _Programs, record: Mapping[str, Json]) -> str:
    target = _target(programs, record)
    if target is None:
        raise Rejected("the target is not in the document")
    low, high, symbols = _scope(record)
    kind, shape = _kind(record), _shape(record)
    always = record.get("all_lengths") is True
    lengths = f"all lengths over {symbols_words(symbols)}" if always else _lengths(low, high, symbols)
    claim = f"a program of {kind} with heads {_shape_words(shape)}, {lengths}"
    _expect_claim(record, f"{_about(record)}: {claim}")
    tables = Tables(kind, _states(record), _heads(record))
    if [len(layer) for layer in tables.heads] != shape or len(tables.states) != len(shape) + 1:
        raise Rejected("the program has another shape")
    if always:
        start, steps = _steps(_object(_object(record["target"], "target").get("mealy"), "mealy"))
        return check_all_lengths(tables, start, steps, symbols)
    seen: dict[int, Hashable] = {}
    count = 0
    for word in (word for n in range(low, high + 1) for word in product(symbols, repeat=n)):
        count += 1
        for state, output in zip(tables.final(word), target(word), strict=True):
            if output != _ANY and seen.setdefault(state, output) != output:
                raise Rejected(f"the program ends in one state for two outputs, on {list(word)}")
    return f"run on {count} inputs"


def _no_program(programs: _Programs, record: Mapping[str, Json]) -> str:
    target = _target(programs, record)
    kind, shape = _kind(record), _shape(record)
    _expect_claim(record, f"{_about(record)}: no program of {kind} with heads {_shape_words(shape)}")
    words: list[tuple[Word, Sequence[Hashable]]] = []
    for item in _array(record.get("words"), "words"):
        entry = _object(item, "word")
        word = _word(entry.get("word"))
        stated = [_ANY if output is None else output for output in _array(entry.get("outputs"), "outputs")]
        outputs = (
            target(word) if target is not None else [repr(output) if output != _ANY else _ANY for output in stated]
        )
        if len(outputs) != len(word):
            raise Rejected("not one output for each position")
        words.append((word, outputs))
    names = [_tupled(name) for name in _array(record.get("names"), "names")]
    numbers = {name: number for number, name in enumerate(names, start=1) if isinstance(name, tuple)}
    if len(numbers) != len(names):
        raise Rejected("a name is given twice, or is no name")
    found = check_absent(kind, shape, words, lambda output: output != _ANY, numbers, _lines(record.get("proof")))
    return found + ("" if target is not None else "; outputs as stated")


def _kind(record: Mapping[str, Json]) -> Kind:
    cls = _object(record.get("class"), "class")
    indices = cls.get("indices") is True
    return Kind(_text(cls, "reading"), _text(cls, "mask"), indices, _integer(cls.get("values"), "values"))


def _shape(record: Mapping[str, Json]) -> list[int]:
    """The heads of each layer, at least one and not more than anybody can ask about."""
    shape = _integers(record.get("shape"), "shape")
    if any(heads < 1 for heads in shape) or sum(shape) > MAX_HEADS:
        raise Rejected(f"a layer without heads, or more than {MAX_HEADS} heads")
    return shape


def _shape_words(shape: Sequence[int]) -> str:
    return "/".join(map(str, shape)) or "none"


def _scope(record: Mapping[str, Json]) -> tuple[int, int, Word]:
    """Lengths and symbols, few enough for every input to be looked at."""
    scope = _object(record.get("scope"), "scope")
    _numbers(scope)
    low, high = _integer(scope.get("low"), "low"), _integer(scope.get("high"), "high")
    symbols = _word(scope.get("symbols"))
    if not (1 <= low <= high <= MAX_LENGTH and symbols):
        raise Rejected("a scope without inputs, or with inputs that are too long")
    if sum(len(symbols) ** n for n in range(low, high + 1)) > MAX_INPUTS:
        raise Rejected(f"more than {MAX_INPUTS} inputs")
    return low, high, symbols


def _lengths(low: int, high: int, symbols: Word) -> str:
    return f"lengths {low}..{high} over {symbols_words(symbols)}"


def _states(record: Mapping[str, Json]) -> list[dict[Hashable, int]]:
    """The numbers of the states of each layer; base states name the type of their token."""
    layers = [_array(layer, "states") for layer in _array(record.get("states"), "states")]
    indices = _kind(record).indices
    found: list[dict[Hashable, int]] = []
    for layer, states in enumerate(layers):
        read = [_base(state, indices) if layer == 0 else _results(state) for state in states]
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
    return tuple(Fraction(part) if isinstance(part, str) else _tupled(part) for part in _array(state, "state"))


def _heads(record: Mapping[str, Json]) -> list[list[HeadTable]]:
    most = _kind(record).values
    return [
        [_head(_object(head, "head"), most) for head in _array(layer, "heads")]
        for layer in _array(record.get("heads"), "heads")
    ]


def _head(head: Mapping[str, Json], most: int) -> HeadTable:
    values = dict(_pairs(head, "values"))
    if len(values) != len(_pairs(head, "values")) or not all(0 < value < most for value in values.values()):
        raise Rejected("a head gives a key two values, or one that is too large")
    return frozenset(_pairs(head, "selected")), values


def _pairs(head: Mapping[str, Json], name: str) -> list[tuple[int, int]]:
    pairs = [_integers(pair, name) for pair in _array(head.get(name), name)]
    if any(len(pair) != 2 for pair in pairs):
        raise Rejected(f"{name} has something that is no pair")
    return [(pair[0], pair[1]) for pair in pairs]


def _tupled(value: Json) -> Hashable:
    """Lists as tuples, at any depth that names have."""
    match value:
        case list():
            return tuple(tuple(part) if isinstance(part, list) else _simple(part) for part in value)
        case _:
            return _simple(value)


def _simple(value: Json) -> Hashable:
    if isinstance(value, dict | list):
        raise Rejected("a name is nested too deeply")
    return value


def _equivalent(programs: _Programs, record: Mapping[str, Json]) -> str:
    """The programs on every input of the scope; where there are too many, on some, and the rest on trust."""
    (one, ones), (other, others) = (programs.get(_text(record, name)) for name in ("written", "program"))
    scope = _domain(_object(record.get("scope"), "scope"))
    about = f"program {_text(record, 'program')[:12]} equals program {_text(record, 'written')[:12]}"
    _expect_claim(record, f"{about} wherever that has a value, {scope}")
    if not one.numbers is other.numbers is scope.numbers or not len(ones) == len(others) == 1:
        raise Rejected("the programs are not about the same numbers and one output each")
    listed = [by for by in _array(record.get("proved_by"), "proved_by") if isinstance(by, str)]
    if not listed:
        raise Rejected("nobody is said to have proved it")
    count, failing = check_equal((ones[0], others[0]), scope)
    seen = f"compared on {'all ' if count == scope.count else ''}{count} inputs"
    without = f", on {failing} of which there is no value" if failing else ""
    return seen + without + ("" if count == scope.count else f"; the rest on trust in {', '.join(listed)}")


def _numbers(scope: Mapping[str, Json]) -> Numbers:
    for numbers in Numbers:
        if scope.get("numbers") == numbers.value:
            return numbers
    raise Rejected("unknown numbers")


def _domain(scope: Mapping[str, Json]) -> Domain:
    numbers = _numbers(scope)
    low, high = _integer(scope.get("low"), "low"), _integer(scope.get("high"), "high")
    if not 1 <= low <= high <= MAX_LENGTH:
        raise Rejected("a scope without inputs, or with inputs that are too long")
    if "integers" not in scope:
        symbols = _word(scope.get("symbols"))
        if not symbols:
            raise Rejected("a scope without symbols")
        return Domain(low, high, numbers, symbols=symbols)
    ends = [end if end is None else _integer(end, "integers") for end in _array(scope["integers"], "integers")]
    if len(ends) != 2:
        raise Rejected("an interval has two ends")
    return Domain(low, high, numbers, least=ends[0], greatest=ends[1])


_KINDS: Final[Mapping[str, Callable[[_Programs, Mapping[str, Json]], str]]] = {
    "schedule": _schedule,
    "no-schedule": _no_schedule,
    "equivalent": _equivalent,
    "indistinguishable": _indistinguishable,
    "distinguishable": _distinguishable,
    "program": _program,
    "no-program": _no_program,
}


def _colouring(record: Mapping[str, Json], words: Sequence[Word]) -> Colouring:
    cls = _object(record.get("class"), "class")
    masks = [mask for mask in _array(cls.get("masks"), "masks") if isinstance(mask, str)]
    return Colouring(_text(cls, "attention"), masks, cls.get("start") is True, words)


def _class_words(record: Mapping[str, Json]) -> str:
    cls = _object(record.get("class"), "class")
    masks = ",".join(mask for mask in _array(cls.get("masks"), "masks") if isinstance(mask, str))
    return f"{_text(cls, 'attention')}/{masks}" + ("+start" if cls.get("start") is True else "")


# ------------------------------------------------------------------------------------------------ targets


def _about(record: Mapping[str, Json]) -> str:
    target = _object(record.get("target"), "target")
    if "program" in target:
        return f"program {_text(target, 'program')[:12]}"
    if "table" in target:
        return f"table {_text(target, 'table')[:12]}"
    if "mealy" in target:
        return f"machine {_hash(target['mealy'])[:12]}"
    return f"{_text(target, 'stated')}, as stated"


_ANY: Final = ("any output will do",)


def _target(programs: _Programs, record: Mapping[str, Json]) -> Callable[[Word], Sequence[Hashable]] | None:
    """The function that the certificate is about; `None` when it only states outputs."""
    target = _object(record.get("target"), "target")
    if "program" in target:
        graph, roots = programs.get(_text(target, "program"))
        root = roots[0]
        if not isinstance(root, SOp):
            raise Rejected("the target is no s-op")
        return lambda word: _values(graph, root, word)
    if "mealy" in target:
        return _machine(_object(target["mealy"], "mealy"))
    if "table" in target:
        return _table(programs.tables, _text(target, "table"))
    _text(target, "stated")
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
    for row in _array(tables[key], "table"):
        word, outputs = ([*_array(row, "row"), None, None])[:2]
        found = [_ANY if output is None else _simple(output) for output in _array(outputs, "outputs")]
        rows[tuple(map(atom_key, _word(word)))] = found

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
    for item in _array(record.get("steps"), "steps"):
        match item:
            case [str(state), symbol, str(following), output]:
                steps[state, atom_key(read_atom(symbol))] = following, read_atom(output)
            case _:
                raise Rejected("a step of the machine is malformed")

    def step(state: str, symbol: Atom) -> tuple[str, Atom]:
        if (state, atom_key(symbol)) not in steps:
            raise Rejected("the machine has no step for an input")
        return steps[state, atom_key(symbol)]

    return _text(record, "start"), step


def _machine(record: Mapping[str, Json]) -> Callable[[Word], Sequence[Hashable]]:
    start, step = _steps(record)
    last_only = record.get("last_only") is True

    def run(word: Word) -> Sequence[Hashable]:
        state = start
        found: list[Hashable] = []
        for symbol in word:
            state, output = step(state, symbol)
            found.append(output)
        return [_ANY] * (len(found) - 1) + found[-1:] if last_only else found

    return run


# ------------------------------------------------------------------------------------------------ shapes


def _parse(text: str) -> Json:
    if len(text) > MAX_CHARACTERS:
        raise Rejected(f"more than {MAX_CHARACTERS} characters")
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"not JSON: {error}") from error
    return value


def _object(value: Json, what: str) -> dict[str, Json]:
    if isinstance(value, dict):
        return value
    raise Rejected(f"{what} is no object")


def _array(value: Json, what: str) -> list[Json]:
    if isinstance(value, list):
        return value
    raise Rejected(f"{what} is no list")


def _text(record: Mapping[str, Json], name: str) -> str:
    value = record.get(name)
    if isinstance(value, str):
        return value
    raise Rejected(f"{name} is no text")


def _integer(value: Json, what: str) -> int:
    if type(value) is int:
        return value
    raise Rejected(f"{what} is no number")


def _integers(value: Json, what: str) -> list[int]:
    return [_integer(item, what) for item in _array(value, what)]


def _lines(value: Json) -> list[str]:
    lines = [line for line in _array(value, "proof") if isinstance(line, str)]
    if len(lines) != len(_array(value, "proof")):
        raise Rejected("a line of the proof is no text")
    return lines


def _word(value: Json) -> Word:
    return tuple(read_atom(item) for item in _array(value, "word"))
