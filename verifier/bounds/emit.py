"""Programs of a class as RASP text, and the check that the text computes what it was made for.

Every state is a number, every table a dictionary. A selector is written by its rows: a key has the number of its row, a
query that of the row that it selects, and the two are compared. Rows with keys in common need several such parts; the
selector is their disjunction. Counts are `selector_width`; a mean is multiplied by the common denominator of all means.
RASP has no unique hard attention: the last (first) key of a row is found by its number among the keys of the row, which
takes a layer of counts before the layer that fetches its value.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Final, TypeAlias

from spec.diagnostics import Diagnostic, InternalError, UsageError
from spec.elaborate import Program, elaborate
from spec.graph import SOp
from spec.property.scope import Scope
from spec.source import Source
from spec.values import Atom, Numbers
from verifier.bounds.classes import Mask
from verifier.bounds.equal import proved_equal
from verifier.bounds.heads import Head, Kind, Reading, Tables
from verifier.bounds.synthesis import Exists
from verifier.bounds.target import ANYTHING, OfProgram, Target

OUTPUT: Final = "result"

_MASKS: Final[Mapping[Mask, str]] = {
    Mask.PAST: "select(indices, indices, <)",
    Mask.UPTO: "select(indices, indices, <=)",
    Mask.FUTURE: "select(indices, indices, >)",
    Mask.FROM: "select(indices, indices, >=)",
}


@dataclass(frozen=True)
class Emitted:
    """The text, the program that it elaborates to, and how it was shown to compute the target on the scope."""

    text: str
    program: Program
    run_on: int
    proved_by: tuple[str, ...]

    @property
    def output(self) -> SOp:
        """Its output."""
        return self.program.sop(OUTPUT)


def emit(found: Exists, target: Target, scope: Scope, seconds: float = 60.0) -> Emitted:
    """The program as RASP, run on every input of the scope; proved equal to targets that are programs or machines.

    Raises `UsageError` where RASP has no such head or no such literal.
    """
    text = rasp(found, scope)
    program = elaborate(Source("synthesised.rasp", text), Numbers.EXACT)
    sop = program.sop(OUTPUT)
    computed = OfProgram(OUTPUT, sop, Numbers.EXACT)
    count = 0
    for word in scope.inputs():
        count += 1
        pairs = zip(computed.outputs(word), target.outputs(word), strict=True)
        if any(wanted is not ANYTHING and given != wanted for given, wanted in pairs):
            raise InternalError(f"the program that was made of a synthesised one is wrong on {word}")
    return Emitted(text, program, count, proved_equal(target, sop, scope, seconds))


# ------------------------------------------------------------------------------------------------ text


def rasp(found: Exists, scope: Scope) -> str:
    """The program as text; its output is called `result`."""
    tables = found.tables
    if scope.high is None:
        raise _cannot("the scope has no greatest length")
    lines = [*_base(tables, scope)]
    for layer, heads in enumerate(tables.heads, start=1):
        for number, head in enumerate(heads, start=1):
            lines.extend(_head(tables, head, layer, number, scope.high))
        lines.append(_state(tables, layer, [head.kind for head in heads], scope.high))
    known = [output for output in found.outputs if output is not ANYTHING]
    if len({isinstance(output, str) for output in known}) > 1:
        raise _cannot("no sequence has strings and numbers")
    outputs = {
        state: _literal(output if output is not ANYTHING else known[0]) for state, output in enumerate(found.outputs)
    }
    lines.append(f"{OUTPUT} = {_dictionary(outputs)}[s{len(tables.heads)}];")
    return "\n".join(lines) + "\n"


def _base(tables: Tables, scope: Scope) -> Iterator[str]:
    """The number of the first state, from the token and, where the class has them, the index."""
    symbols = {_literal(symbol): place for place, symbol in enumerate(scope.symbols)}
    kinds = {type(symbol) for symbol in scope.symbols}
    views = {str: "tokens_str", int: "tokens_int", bool: "tokens_bool"}
    if len(kinds) != 1 or not kinds <= set(views):
        raise _cannot("an alphabet of mixed kinds")
    letter = f"{_dictionary(symbols)}[{views[kinds.pop()]}]"
    place = {(type(symbol).__name__, symbol): number for number, symbol in enumerate(scope.symbols)}
    if not tables.cls.indices:
        numbers = {_joint((state, 0), place, 1): str(number) for state, number in tables.states[0].items()}
        yield f"letter = {letter};"
        yield f"s0 = {_dictionary(numbers)}[letter];"
        return
    size = scope.high or 0
    pairs = {_joint(state, place, size): str(number) for state, number in tables.states[0].items()}
    yield f"letter = {letter};"
    yield f"s0 = {_dictionary(pairs)}[letter * {size} + indices];"


def _joint(state: Hashable, place: Mapping[tuple[str, Atom], int], size: int) -> int:
    match state:
        case ((str(kind), str() | int() as atom), int(index)):
            return place[kind, atom] * size + index
        case _:
            raise InternalError(f"{state!r} is no pair of token and index")


def _head(tables: Tables, head: Head, layer: int, number: int, longest: int) -> Iterator[str]:
    kind, name, state = head.kind, f"h{layer}_{number}", f"s{layer - 1}"
    states = range(len(tables.states[layer - 1]))
    found = []
    for part, rows in enumerate(_parts(head, states), start=1):
        key, query = f"{name}_key{part}", f"{name}_query{part}"
        yield f"{key} = {_dictionary(_keys(rows, states))}[{state}];"
        yield f"{query} = {_dictionary(_queries(rows, states))}[{state}];"
        found.append(f"select({key}, {query}, ==)")
        if kind.reading in (Reading.RIGHTMOST, Reading.LEFTMOST):
            yield f"{name}_rank{part} = selector_width(select({key}, {key}, ==) and {_MASKS[Mask.UPTO]});"
            yield f"{name}_wanted{part} = {_wanted(kind, found[-1])};"
            found[-1] = f"({found[-1]} and select({name}_rank{part}, {name}_wanted{part}, ==))"
    selected = f"{name}_selected"
    yield f"{selected} = {' or '.join(found) or 'select(0, 1, ==)'};"
    if kind.mask in _MASKS:
        selected = f"{selected} and {_MASKS[kind.mask]}"
    if kind.reading is Reading.COUNT:
        yield f"{name} = selector_width({selected});"
        return
    values = {key: str(head.values.get(key, 0)) for key in states}
    # Nothing selected is -1; everything is shifted, so that it begins with 0.
    unit = _unit(kind.reading, longest)
    value = f"{_dictionary(values)}[{state}]" if head.values else "0 * indices"
    scaled = f"aggregate({selected}, {value}, -1)" + (f" * {unit}" if unit > 1 else "")
    yield f"{name} = round({scaled}) + {unit};"


Row: TypeAlias = tuple[frozenset[int], tuple[int, ...]]


def _parts(head: Head, states: range) -> list[list[Row]]:
    """The rows that are not empty, each with its queries; rows of one part have no key in common."""
    rows: dict[frozenset[int], list[int]] = {}
    for query in states:
        rows.setdefault(frozenset(key for q, key in head.selected if q == query), []).append(query)
    parts: list[list[Row]] = []
    for row, queries in rows.items():
        if not row:
            continue
        free = next((part for part in parts if all(row.isdisjoint(other) for other, _ in part)), None)
        if free is None:
            parts.append(free := [])
        free.append((row, tuple(queries)))
    return parts


def _keys(rows: Sequence[Row], states: range) -> dict[int, str]:
    """For each state the number of the row that it is in as a key, from 1; 0 for none."""
    return {state: str(sum(n for n, (row, _) in enumerate(rows, start=1) if state in row)) for state in states}


def _queries(rows: Sequence[Row], states: range) -> dict[int, str]:
    """For each state the number of the row that it selects as a query, from 1; one more than all rows for none."""
    number = {query: n for n, (_, queries) in enumerate(rows, start=1) for query in queries}
    return {state: str(number.get(state, len(rows) + 1)) for state in states}


def _wanted(kind: Kind, selected: str) -> str:
    """The rank, among the keys of its row, of the one key that a query is to find.

    The last key before i has the number of keys before i; the first one after i has one more than the keys up to i.
    """
    before = {Mask.PAST: Mask.PAST, Mask.UPTO: Mask.UPTO, Mask.FUTURE: Mask.UPTO, Mask.FROM: Mask.PAST}
    counted = f"selector_width({selected} and {_MASKS[before[kind.mask]]})" if kind.mask in before else ""
    causal = kind.mask in (Mask.PAST, Mask.UPTO)
    if kind.reading is Reading.RIGHTMOST:
        return counted if causal else f"selector_width({selected})"
    return f"{counted} + 1" if counted and not causal else "1"


def _unit(reading: Reading, longest: int) -> int:
    """What makes every result of a head whole."""
    return lcm(*range(1, longest + 1)) if reading is Reading.MEAN else 1


def _result(reading: Reading, value: Hashable, longest: int) -> int:
    """The number that stands for what a head gives."""
    if reading is Reading.COUNT and isinstance(value, int):
        return value
    if isinstance(value, int | Fraction | None):
        unit = _unit(reading, longest)
        return int((-1 if value is None else value) * unit) + unit
    raise InternalError(f"{value!r} is nothing that a head gives")


def _state(tables: Tables, layer: int, kinds: Sequence[Kind], longest: int) -> str:
    """The number of the state after a layer: digits of what the heads gave, looked up in a table."""
    sizes = [_digits(kind, longest) for kind in kinds]
    numbers: dict[int, str] = {}
    for state, number in tables.states[layer].items():
        match state:
            case (int(before), *results):
                code = before
                for kind, size, part in zip(kinds, sizes, results, strict=True):
                    code = code * size + _result(kind.reading, part, longest)
                numbers[code] = str(number)
            case _:
                raise InternalError(f"{state!r} is no state after a layer")
    code_text = f"s{layer - 1}"
    for head, size in enumerate(sizes, start=1):
        code_text = f"({code_text} * {size} + h{layer}_{head})"
    return f"s{layer} = {_dictionary(numbers)}[{code_text}];"


def _digits(kind: Kind, longest: int) -> int:
    """How many numbers a head can give, from 0."""
    return longest + 1 if kind.reading is Reading.COUNT else kind.values * _unit(kind.reading, longest) + 1


def _dictionary(table: Mapping[int, str] | Mapping[str, int]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in table.items()) + "}"


def _literal(value: Hashable) -> str:
    match value:
        case bool():
            return str(value)
        case int() if value >= 0:
            return str(value)
        case int():
            return f"-{-value}"
        case Fraction() if value.denominator == 1:
            return f"{value.numerator}.0"
        case Fraction():
            return f"{value.numerator} / {value.denominator}"
        case str() if '"' not in value and "\n" not in value:
            return f'"{value}"'
        case _:
            raise _cannot(f"RASP has no literal for {value!r}")


def _cannot(reason: str) -> UsageError:
    return UsageError(Diagnostic("R0505", f"no RASP program: {reason}"))
