"""Programs of a class as RASP text, and the check that the text computes what it was made for.

Every state is a number, every table a dictionary. A selector that a table describes is written row by row: queries
with the same row form a group g, and the selector is the disjunction over the groups of "the key is in the row of g"
and "the query is in g". Counts are `selector_width`; a mean is multiplied by the common denominator of all means. RASP
has no unique hard attention: the last (first) key of the row of g is found by its number among these keys, which takes
a layer of counts before the layer that fetches its value.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Final

from spec.diagnostics import Diagnostic, InternalError, UsageError
from spec.elaborate import Program, elaborate
from spec.graph import SOp
from spec.operators import Op
from spec.property.scope import Scope
from spec.source import Source
from spec.values import Atom, Numbers
from verifier.bounds.classes import Mask
from verifier.bounds.heads import Head, HeadClass, Reading, Tables
from verifier.bounds.synthesis import Exists
from verifier.bounds.target import ANYTHING, OfProgram, Target
from verifier.engine import Limits, Query, Undecided, Unsat
from verifier.portfolio import AUTO, decide
from verifier.terms import Terms, bits
from verifier.unroll import unroll

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
    """The program as RASP, run on every input of the scope; for targets that are programs, also proved equal to them.

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
    proved: tuple[str, ...] = ()
    if isinstance(target, OfProgram) and target.numbers is Numbers.EXACT:
        proved = _proved(target.node, sop, scope, seconds)
    return Emitted(text, program, count, proved)


def _proved(target: SOp, sop: SOp, scope: Scope, seconds: float) -> tuple[str, ...]:
    """The engines that proved, length by length, that both have equal values wherever the target has a value."""
    by: list[str] = []
    for length in scope.lengths():
        terms = Terms(scope.kinds, max(map(bits, scope.symbols)))
        inputs = tuple(terms.input(position) for position in range(length))
        first, second = (unroll([node], Numbers.EXACT, inputs, terms) for node in (target, sop))
        both = zip(first.values[target], second.values[sop], strict=True)
        same = terms.all(terms.apply(Op.EQ, x, y, numbers=Numbers.EXACT) for x, y in both)
        kept = terms.both(terms.ok(second.all_terms()), same)
        broken = terms.both(terms.ok(first.all_terms()), terms.negation(kept))
        match decide(Query(length, scope.alphabet, broken), AUTO, Limits(wall_s=seconds)):
            case finding if isinstance(finding.answer, Unsat):
                by.append(finding.by)
            case finding if isinstance(finding.answer, Undecided):
                return ()
            case finding:
                raise InternalError(f"{finding.by} says that a synthesised program differs: {finding.answer}")
    return tuple(dict.fromkeys(by))


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
        lines.append(_state(tables, layer, len(heads), scope.high))
    known = [output for output in found.outputs if output is not ANYTHING]
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
    cls, name, state = tables.cls, f"h{layer}_{number}", f"s{layer - 1}"
    rows: dict[frozenset[int], list[int]] = {}
    for query in range(len(tables.states[layer - 1])):
        rows.setdefault(frozenset(key for q, key in head.selected if q == query), []).append(query)
    groups = [(f"{name}_{number}", row, queries) for number, (row, queries) in enumerate(rows.items(), 1) if row]
    parts = []
    for group, row, queries in groups:
        yield f"{group}_key = {state} in {sorted(row)};"
        unique = ""
        if cls.reading in (Reading.RIGHTMOST, Reading.LEFTMOST):
            yield from _ranks(group, cls)
            unique = f" and select({group}_rank, {group}_wanted, ==)"
        parts.append(f"(select({group}_key, True, ==) and select(True, {state} in {queries}, ==){unique})")
    selected = f"{name}_selected"
    yield f"{selected} = {' or '.join(parts) or 'select(0, 1, ==)'};"
    if cls.mask in _MASKS:
        selected = f"{selected} and {_MASKS[cls.mask]}"
    if cls.reading is Reading.COUNT:
        yield f"{name} = selector_width({selected});"
        return
    values = {key: str(head.values.get(key, 0)) for key in range(len(tables.states[layer - 1]))}
    # Nothing selected is -1; everything is shifted, so that it begins with 0.
    unit = _unit(cls.reading, longest)
    value = f"{_dictionary(values)}[{state}]" if head.values else "0 * indices"
    yield f"{name} = round(aggregate({selected}, {value}, -1) * {unit}) + {unit};"


def _ranks(group: str, cls: HeadClass) -> Iterator[str]:
    """Keys numbered from the left, from 1, and the number of the one key that a query is to find.

    The last key before i has the number of keys before i; the first one after i has one more than the keys up to i.
    """
    keys = f"select({group}_key, True, ==)"
    yield f"{group}_rank = selector_width({keys} and select(indices, indices, <=));"
    own = f"indicator({group}_key)"
    last = {Mask.PAST: f"{group}_rank - {own}", Mask.UPTO: f"{group}_rank"}
    first = {Mask.FUTURE: f"{group}_rank + 1", Mask.FROM: f"{group}_rank - {own} + 1"}
    if cls.reading is Reading.RIGHTMOST:
        yield f"{group}_wanted = {last.get(cls.mask, f'selector_width({keys})')};"
    else:
        yield f"{group}_wanted = {first.get(cls.mask, '1')};"


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


def _state(tables: Tables, layer: int, heads: int, longest: int) -> str:
    """The number of the state after a layer: digits of what the heads gave, looked up in a table."""
    cls = tables.cls
    size = longest + 1 if cls.reading is Reading.COUNT else cls.values * _unit(cls.reading, longest) + 1
    numbers: dict[int, str] = {}
    for state, number in tables.states[layer].items():
        match state:
            case (int(before), *results):
                code = before
                for part in results:
                    code = code * size + _result(cls.reading, part, longest)
                numbers[code] = str(number)
            case _:
                raise InternalError(f"{state!r} is no state after a layer")
    code_text = f"s{layer - 1}"
    for head in range(1, heads + 1):
        code_text = f"({code_text} * {size} + h{layer}_{head})"
    return f"s{layer} = {_dictionary(numbers)}[{code_text}];"


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
        case str() if '"' not in value and "\n" not in value:
            return f'"{value}"'
        case _:
            raise _cannot(f"RASP has no literal for {value!r}")


def _cannot(reason: str) -> UsageError:
    return UsageError(Diagnostic("R0505", f"no RASP program: {reason}"))
