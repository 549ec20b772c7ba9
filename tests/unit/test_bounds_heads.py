"""Level 3, heads: exact synthesis against trying every program of a class, known values, and the emitted RASP."""

import copy
import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from spec.cost import TRANSFORMER
from spec.diagnostics import InternalError, UsageError
from spec.elaborate import elaborate, load_program
from spec.property.scope import Scope
from spec.source import Source
from spec.values import Atom, Numbers
from verifier.bounds.certificate import Document
from verifier.bounds.classes import Mask
from verifier.bounds.emit import emit
from verifier.bounds.equal import proved_equal
from verifier.bounds.forever import Settled, explore
from verifier.bounds.growth import grown, profile
from verifier.bounds.heads import Disagreement, Head, HeadClass, Reading, Run, Tables, parse_head_class
from verifier.bounds.summary import heads_json
from verifier.bounds.synthesis import Absent, Exists, HeadFront, Undecided, fewest_heads, search, shapes, within
from verifier.bounds.target import ANYTHING, Mealy, OfFunction, OfProgram, Outputs, Word, of_regex
from verifier.bounds.written import as_written
from verifier.cli.compile import compiled_from
from verifier.recheck.files import Judgement, recheck
from verifier.recheck.forever import check_all_lengths
from verifier.recheck.heads import Kind
from verifier.recheck.heads import Tables as Written
from verifier.recheck.rup import Rejected

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"


def front(
    name: str, function: Callable[[Word], Outputs], symbols: int, length: int, layers: int = 2, heads: int = 3
) -> HeadFront:
    scope = Scope(1, length, tuple("0123"[:symbols]))
    return fewest_heads(parse_head_class(name), OfFunction("f", function), scope, layers, heads)


def minimal(found: HeadFront) -> set[tuple[int, ...]]:
    assert not any(isinstance(one, Undecided) for one in found.found)
    return {one.shape for one in found.minimal}


def histogram(word: Word) -> Outputs:
    return [word.count(token) for token in word]


def double_histogram(word: Word) -> Outputs:
    return [sum(word.count(other) == word.count(token) for other in set(word)) for token in word]


def parity(word: Word) -> Outputs:
    return [*[ANYTHING] * (len(word) - 1), word.count("1") % 2]


# ---------------------------------------------------------------------------------------------- known values


def test_histogram_is_one_count_and_no_single_mean_from_length_four_on() -> None:
    assert minimal(front("count/all", histogram, 2, 4)) == {(1,)}
    assert minimal(front("mean/all+indices", histogram, 2, 4, layers=1, heads=1)) == set()
    assert minimal(front("mean/all+indices", histogram, 2, 3, layers=1, heads=1)) == {(1,)}


def test_double_histogram_trades_a_layer_for_two_heads() -> None:
    """Three letters: three counts in one layer, or one in each of two; the 2021 program is not minimal."""
    assert minimal(front("count/all", double_histogram, 3, 4)) == {(3,), (1, 1)}


@pytest.mark.parametrize(("length", "heads"), [(2, 1), (3, 2), (4, 2)])
def test_reverse_by_counting_in_one_layer_needs_more_heads_for_longer_inputs(length: int, heads: int) -> None:
    assert minimal(front("count/all+indices", lambda word: word[::-1], 2, length, layers=1)) == {(heads,)}


def test_parity_by_the_last_position_seen_needs_one_layer_less_than_positions() -> None:
    found = front("rightmost/past", parity, 2, 4, layers=3, heads=3)
    assert minimal(found) == {(1, 1, 1)}
    assert all(isinstance(one, Absent) for one in found.found[:-1])


def test_alternation_takes_two_layers_of_one_head() -> None:
    scope = Scope(1, 6, ("a", "b"))
    found = fewest_heads(parse_head_class("rightmost/past"), of_regex("(ab)*", scope), scope)
    assert minimal(found) == {(1, 1)}


ALL_LENGTHS = [
    ("(ab)*", "rightmost/past", 2, {(1, 1)}),
    (".*ab.*", "rightmost/past", 2, {(1, 1)}),
    ("a+b+a+", "rightmost/past", 2, {(2, 1)}),
    ("b*a.*", "leftmost/upto", 2, {(1,)}),
    ("(a|b)*a", "leftmost/past", 1, {()}),
]


@pytest.mark.parametrize(("pattern", "cls", "layers", "shapes_found"), ALL_LENGTHS)
def test_minimum_for_all_lengths(pattern: str, cls: str, layers: int, shapes_found: set[tuple[int, ...]]) -> None:
    """Found on words of length 3, and right on every word of length 11, and by the other way of visiting all."""
    scope = Scope(1, 3, ("a", "b"))
    target = of_regex(pattern, scope)
    found = fewest_heads(parse_head_class(cls), target, scope, layers, 3)
    assert minimal(found) == shapes_found
    document = Document()
    document.heads(found)
    assert all(one.accepted for one in recheck(document.text()))
    for exists in found.minimal:
        assert exists.configurations is not None
        run = Run(exists.tables.cls, exists.tables.states)
        outputs: dict[int, Hashable] = {}
        for word in product("ab", repeat=11):
            states = run.begin(word)
            for number, heads in enumerate(exists.tables.heads, start=1):
                states = run.layer(states, heads, number)
            wanted = target.outputs(word)[-1]
            assert outputs.setdefault(states[-1], wanted) == wanted


def random_heads(random: Random, cls: HeadClass) -> tuple[tuple[Head, ...], ...]:
    """One or two layers of one or two heads, over up to six states each."""
    return tuple(
        tuple(
            Head(
                frozenset((q, k) for q in range(6) for k in range(6) if random.random() < 0.4),
                {k: random.randrange(1, cls.values) for k in range(6) if random.random() < 0.5},
            )
            for _ in range(random.randrange(1, 3))
        )
        for _ in range(random.randrange(1, 3))
    )


def about_known(head: Head, states: int) -> Head:
    """The head without what it says of states that have no number yet."""
    selected = frozenset(pair for pair in head.selected if max(pair) < states)
    return Head(selected, {key: value for key, value in head.values.items() if key < states})


@pytest.mark.parametrize("mask", ["past", "upto"])
@pytest.mark.parametrize("reading", ["rightmost", "leftmost", "rightmost:3", "common"])
def test_both_ways_of_visiting_all_configurations_agree(reading: str, mask: str) -> None:
    """Registers in the search, orders of key states in the checker; machines that the program computes, or nearly."""
    cls = parse_head_class(f"{reading}/{mask}")
    random = Random(str(cls))
    answers = []
    for _ in range(80):
        heads = random_heads(random, cls)
        run = Run(cls)
        short = [word for n in range(1, 5) for word in product("ab", repeat=n)]
        try:
            final = {word: run.final(word, heads)[-1] for word in short}
        except Disagreement:
            continue
        heads = tuple(
            tuple(about_known(head, len(states)) for head in layer)
            for layer, states in zip(heads, run.states, strict=False)
        )
        # The machine remembers what came, up to four letters; its outputs are those of the program until then.
        output = {state: random.randrange(2) for state in range(400)}
        steps: dict[str, dict[Atom, tuple[str, Atom]]] = {}
        for word in [(), *short]:
            steps["".join(map(str, word))] = {
                letter: ("".join((*map(str, word), letter))[-3:], output[final.get((*word, letter), 0)])
                for letter in "ab"
            }
        machine = Mealy("m", "", steps if random.random() < 0.5 else {"": dict.fromkeys("ab", ("", 0))})
        known = Run(cls, run.states)
        mine = explore(known, heads, machine, "ab")
        assert mine is not None
        tables = Written(
            Kind(cls.reading.value, cls.mask.value, False, cls.values),
            [{(str, letter): run.states[0]["str", letter] for letter in "ab"}, *map(dict, run.states[1:])],
            [[(head.selected, head.values) for head in layer] for layer in heads],
        )
        try:
            check_all_lengths(tables, machine.start, machine.step, "ab")
            theirs = True
        except Rejected:
            theirs = False
        answers.append(theirs)
        assert theirs == isinstance(mine, Settled)
    assert {True, False} == set(answers) or reading == "common"


def test_parity_has_no_program_for_all_lengths() -> None:
    """It is not star-free; the search adds longer and longer words until no program of the shape is left."""
    scope = Scope(1, 2, ("a", "b"))
    found = fewest_heads(parse_head_class("rightmost/past"), of_regex("(b*ab*a)*b*", scope), scope, 2, 2)
    assert all(isinstance(one, Absent) for one in found.found)


def test_claim_for_all_lengths_is_rejected_where_longer_words_are_confused() -> None:
    document = Document()
    document.heads(front("rightmost/past", parity, 2, 3, layers=2))
    stored: dict[str, Any] = document.to_json()
    scope = Scope(1, 3, ("0", "1"))
    machine = Document()
    other = machine.target(of_regex("0*(10*10*)*10*", scope), scope)
    (item,) = [c for c in stored["certificates"] if c["kind"] == "program"]
    item |= {"all_lengths": True, "target": other}
    stored["certificates"] = [item]
    item["claim"] = recheck(json.dumps(stored))[0].detail.partition("the claim: ")[2]
    (answer,) = recheck(json.dumps(stored))
    assert answer.judgement is Judgement.REJECTED
    assert "longer inputs" in answer.detail


# ---------------------------------------------------------------------------------------------- every program


SEES: dict[Mask, Callable[[int, int], bool]] = {
    Mask.PAST: lambda i, j: j < i,
    Mask.UPTO: lambda i, j: j <= i,
    Mask.FUTURE: lambda i, j: j > i,
    Mask.FROM: lambda i, j: j >= i,
    Mask.ALL: lambda _i, _j: True,
}


def seen(cls: HeadClass, i: int, n: int) -> list[int]:
    """Stated again: which positions j a position i sees."""
    return [j for j in range(n) if SEES[cls.mask](i, j)]


def read(reading: Reading, values: Sequence[int]) -> Hashable:
    """Stated again: what a head makes of the values that it selects; "fault" where it needs one and finds two."""
    if reading is Reading.COUNT:
        return len(values)
    if not values:
        return None
    if reading is Reading.MEAN:
        return Fraction(sum(values), len(values))
    if reading is Reading.COMMON and len(set(values)) > 1:
        return "fault"
    return values[0 if reading is Reading.LEFTMOST else -1]


Rows = tuple[tuple[Hashable, ...], ...]


def every_head(cls: HeadClass, rows: Rows) -> Iterator[Rows]:
    """The results of every head over these states: each set of pairs that occur, each assignment of values."""
    entries = sorted(
        {(row[i], row[j]) for row in rows for i in range(len(row)) for j in seen(cls, i, len(row))}, key=repr
    )
    keys = sorted({key for _, key in entries}, key=repr) if cls.reading is not Reading.COUNT else []
    for picked in product((False, True), repeat=len(entries)):
        selected = dict(zip(entries, picked, strict=True))
        for values in product(range(cls.values), repeat=len(keys)):
            value = dict(zip(keys, values, strict=True))
            made = tuple(
                tuple(
                    read(
                        cls.reading, [value.get(row[j], 0) for j in seen(cls, i, len(row)) if selected[row[i], row[j]]]
                    )
                    for i in range(len(row))
                )
                for row in rows
            )
            if not any("fault" in row for row in made):
                yield made


def every_program(cls: HeadClass, shape: tuple[int, ...], words: Sequence[Word]) -> set[Rows]:
    """The final states, numbered in order, of every program of the shape."""
    partitions = {numbered(tuple(tuple(cls.base(word)) for word in words))}
    for heads in shape:
        following = set()
        for rows in partitions:
            single = set(map(numbered, every_head(cls, rows)))
            for chosen in product(single, repeat=heads):
                following.add(numbered(joined(rows, *chosen)))
        partitions = following
    return partitions


def joined(*parts: Rows) -> Rows:
    return tuple(tuple(zip(*rows, strict=True)) for rows in zip(*parts, strict=True))


def numbered(rows: Rows) -> Rows:
    numbers: dict[Hashable, int] = {}
    return tuple(tuple(numbers.setdefault(state, len(numbers)) for state in row) for row in rows)


def computes(rows: Rows, outputs: Sequence[Outputs]) -> bool:
    known: dict[Hashable, Hashable] = {}
    return all(
        known.setdefault(state, output) == output
        for row, given in zip(rows, outputs, strict=True)
        for state, output in zip(row, given, strict=True)
        if output is not ANYTHING
    )


SHORT = [word for n in (1, 2, 3) for word in product("01", repeat=n)]
SHORTER = SHORT[:6]
FEW = [("0",), ("0", "1"), ("1", "1")]
LETTERS = [("0",), ("2", "1"), ("0", "1"), ("1", "2")]
LONG = [("0", "0", "1"), ("0", "1")]

# Every reading under every mask: one layer of one and of two heads, two layers of one, and more of both on few words;
# with more values for a key; on tokens with indices; over three letters; on three positions.
CASES = [
    *((f"{reading.value}/{mask.value}", (1,), SHORT) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (2,), SHORTER) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 1), FEW) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 1, 1), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (2, 1), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 2), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1,), LETTERS) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 1), LONG) for reading in Reading for mask in Mask),
    *((f"{reading.value}:3/{mask.value}", (1,), SHORTER) for reading in list(Reading)[1:] for mask in Mask),
    *((f"{reading.value}:3/{mask.value}", (2,), FEW) for reading in list(Reading)[1:] for mask in Mask),
    *((f"{reading.value}:3/{mask.value}", (1, 1), FEW[1:]) for reading in list(Reading)[1:] for mask in Mask),
    *((f"{reading.value}/{mask.value}+indices", (1,), FEW) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}+indices", (2,), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}+indices", (1, 1), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}:3/{mask.value}+indices", (1,), FEW[1:]) for reading in list(Reading)[1:] for mask in Mask),
    ("common:3/past", (2,), SHORT),
    ("mean:3/past", (1, 1), SHORTER),
    ("rightmost:3/past", (1, 1), SHORTER),
    ("count/all", (2,), SHORT),
    ("count/past", (2,), SHORT),
    ("rightmost/past", (2,), SHORT),
    ("count/all+indices", (1,), SHORTER),
    ("common/past+indices", (1,), SHORTER),
    ("count/all", (1, 1), SHORTER),
    ("count/past", (1, 1), SHORTER),
    ("rightmost/past", (1, 1), SHORTER),
    ("common/past", (1, 1), SHORTER),
    ("mean/upto", (1, 1), SHORTER),
    ("count/upto", (1, 1, 1), SHORTER),
]


@pytest.mark.parametrize(("name", "shape", "words"), CASES)
def test_search_agrees_with_trying_every_program(name: str, shape: tuple[int, ...], words: list[Word]) -> None:
    """Functions that some program computes, made coarser, the same with outputs exchanged, and any functions at all."""
    cls = parse_head_class(name)
    programs = sorted(every_program(cls, shape, words), key=repr)
    random = Random(f"{name} {shape}")
    answers = []
    for number in range(24):
        made = random.choice(programs)
        output = [random.choice((0, 1, 2, ANYTHING)) for _ in range(64)]
        table = [(word, [output[int(str(state))] for state in row]) for word, row in zip(words, made, strict=True)]
        for _ in range(random.randrange(4)):
            outputs = random.choice(table)[1]
            outputs[random.randrange(len(outputs))] = random.randrange(3)
        if number % 4 == 0:
            table = [(word, [random.choice((0, 1, ANYTHING)) for _ in word]) for word in words]
        exists = any(computes(rows, [outputs for _, outputs in table]) for rows in programs)
        found = search(cls, shape, table, 60)
        assert isinstance(found, Exists if exists else Absent)
        answers.append(exists)
    assert True in answers
    assert False in answers or cls.indices or len(words) <= len(LETTERS)


# ---------------------------------------------------------------------------------------------- fronts


def test_shapes_are_listed_once_and_small_ones_first() -> None:
    listed = list(shapes(3, 4))
    assert len(set(listed)) == len(listed)
    assert set(listed) == {s for n in range(4) for s in product((1, 2, 3, 4), repeat=n) if sum(s) <= 4}
    assert [sum(shape) for shape in listed] == sorted(map(sum, listed))


def test_a_shape_within_another_computes_no_more() -> None:
    assert within((1,), (1, 1))
    assert within((2, 1), (1, 2, 1))
    assert not within((2, 1), (1, 2))
    assert not within((1, 1), (5,))
    assert within((), ())


def test_time_running_out_is_undecided() -> None:
    scope = Scope(1, 3, ("0", "1"))
    found = fewest_heads(parse_head_class("count/all"), OfFunction("f", histogram), scope, seconds=0.0)
    assert all(isinstance(one, Undecided) for one in found.found)


@pytest.mark.parametrize(
    "text", ["softmax/all", "count/left", "count/all+start", "count:2", "mean:1", "mean:", "mean:x"]
)
def test_class_of_heads_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_head_class(text)


@pytest.mark.parametrize(
    ("cls", "function", "length"),
    [
        ("count/all+indices", lambda word: word[::-1], 4),
        ("mean/all+indices", histogram, 4),
        ("rightmost/past", parity, 4),
    ],
)
def test_least_heads_of_every_length_are_those_of_a_front_of_its_own(
    cls: str, function: Callable[[Word], Outputs], length: int
) -> None:
    found = grown(front(cls, function, 2, length, layers=3))
    assert [row[0] for row in profile(found)] == list(range(1, length + 1))
    for high, least, unknown in profile(found):
        assert (set(least), unknown) == (minimal(front(cls, function, 2, high, layers=3)), ())
    document = Document()
    document.heads(found)
    assert len(document.certificates) > len(found.found)
    assert all(one.accepted for one in recheck(document.text()))


def test_open_shape_is_settled_by_shorter_inputs_or_stays_open() -> None:
    """What was left open is asked about from the shortest inputs on; without time nothing is claimed."""
    whole = front("count/all+indices", lambda word: word[::-1], 2, 4, layers=1)
    left = replace(whole, found=tuple(Undecided(one.shape, 1.0) for one in whole.found))
    settled = grown(left)
    assert [type(one) for one in settled.found[:2]] == [Absent, Absent]
    assert isinstance(settled.found[2], Undecided)
    assert [(high, one.shape) for high, one in settled.shorter] == [(1, ()), (2, (1,)), (3, (2,))]
    assert profile(settled)[-1] == (4, (), ((2,),))
    assert heads_json(settled)["open"] == [{"heads": [2], "seconds": 1.0}]
    assert heads_json(settled)["impossible"] == [[], [1]]


# ---------------------------------------------------------------------------------------------- RASP


EMITTED = [
    ("paper/histogram", "histogram", "count/all", 2, 4),
    ("paper/histogram", "histogram", "mean/all+indices", 2, 3),
    ("paper/double_histogram", "double_histogram", "count/all", 3, 4),
    ("paper/dyck1_ptf", "dyck1_ptf", "count/upto", 2, 5),
    ("paper/double_histogram", "double_histogram", "count/all", 3, 5),
    ("paper/reverse", "backwards", "count/all+indices", 2, 3),
]


@pytest.mark.parametrize(("file", "name", "cls", "symbols", "length"), EMITTED)
def test_program_on_the_front_is_proved_equal_compiled_and_costs_what_was_found(
    file: str, name: str, cls: str, symbols: int, length: int
) -> None:
    program = load_program(PROGRAMS / f"{file}.rasp", Numbers.EXACT)
    target = OfProgram(name, program.sop(name), Numbers.EXACT)
    scope = Scope(1, length, tuple("()") if "dyck" in name else tuple("abc"[:symbols]))
    found = fewest_heads(parse_head_class(cls), target, scope, 2, 3)
    assert found.minimal
    for exists in found.minimal:
        emitted = emit(exists, target, scope)
        assert emitted.proved_by
        if "indices" not in cls:
            # Over tokens alone the class is the transformer's: what is printed costs what was found.
            written = as_written([emitted.output], TRANSFORMER)
            step = written.widths.steps[0]
            assert step.heads == exists.shape
            compiled = compiled_from(written, step, scope)
            assert compiled.startswith(f"met by a compiled model: {len(exists.shape)} layers, heads ")
            assert compiled.endswith(f"right on {scope.total} inputs")


@pytest.mark.parametrize("mask", Mask)
@pytest.mark.parametrize("reading", ["mean:3", "common:3", "rightmost", "leftmost:3"])
def test_every_head_can_be_written_as_rasp(reading: str, mask: Mask) -> None:
    """Programs drawn at random; the text computes the states that the tables give. RASP counts to find a last key."""
    cls = parse_head_class(f"{reading}/{mask.value}")
    random = Random(str(cls))
    scope = Scope(1, 4, ("a", "b"))
    for _ in range(3):
        selected = frozenset((q, k) for q in range(2) for k in range(2) if random.random() < 0.6)
        value = {key: random.randrange(1, cls.values) for key in range(2)}
        if cls.reading is Reading.COMMON and mask is not Mask.PAST:
            value[1] = value[0]
        heads = ((Head(selected, value),),)
        run = Run(cls)
        try:
            target = OfFunction("states", partial(run.final, heads=heads))
            words = [target.outputs(word) for word in scope.inputs()]
        except Disagreement:
            continue
        known = tuple(range(1 + max(state for row in words for state in row if isinstance(state, int))))
        emitted = emit(Exists((1,), Tables(cls, tuple(run.states), heads), known), target, scope)
        assert emitted.run_on == scope.total


@pytest.mark.parametrize(
    ("pattern", "every_prefix", "cls"),
    [("(ab)*", False, "rightmost/past"), ("b*a.*", True, "leftmost/upto"), ("a*b?", True, "common:3/upto")],
)
def test_program_for_a_machine_is_proved_compiled_and_compared(pattern: str, every_prefix: bool, cls: str) -> None:
    scope = Scope(1, 4, ("a", "b"))
    target = of_regex(pattern, scope, every_prefix)
    found = fewest_heads(parse_head_class(cls), target, scope)
    for exists in found.minimal:
        emitted = emit(exists, target, scope)
        assert emitted.proved_by
        written = as_written([emitted.output], TRANSFORMER)
        compiled = compiled_from(written, written.widths.steps[0], scope)
        assert compiled.startswith("met by a compiled model")
        assert compiled.endswith(f"right on {scope.total} inputs")
        with pytest.raises(InternalError):
            proved_equal(of_regex("a.*", scope, every_prefix), emitted.output, scope, 60)


def test_proof_for_a_machine_agrees_with_running_it() -> None:
    """Machines that tell `a`, with any steps, some with one output exchanged, which may be out of reach."""
    random = Random(5)
    scope = Scope(1, 3, ("a", "b"))
    sop = elaborate(Source("p", 'p = indicator(tokens_str == "a");'), Numbers.EXACT).sop("p")
    program = OfProgram("p", sop, Numbers.EXACT)
    answers = []
    for _ in range(24):
        steps: dict[str, dict[Atom, tuple[str, Atom]]] = {
            s: {a: (random.choice("xyz"), int(a == "a")) for a in "ab"} for s in "xyz"
        }
        if random.random() < 0.7:
            steps[random.choice("yz")]["b"] = "x", 1
        machine = Mealy("m", "x", steps, random.random() < 0.5)
        right = all(
            wanted is ANYTHING or given == wanted
            for word in scope.inputs()
            for given, wanted in zip(program.outputs(word), machine.outputs(word), strict=True)
        )
        answers.append(right)
        if right:
            assert proved_equal(machine, sop, scope, 60)
        else:
            with pytest.raises(InternalError):
                proved_equal(machine, sop, scope, 60)
    assert 6 < answers.count(True) < 18


@pytest.mark.parametrize(
    "output",
    [lambda word, token: word.count(token) == 1, lambda word, token: Fraction(-word.count(token), 3)],
)
def test_outputs_of_every_kind_are_written_as_literals(output: Callable[[Word, Atom], Atom]) -> None:
    scope = Scope(1, 3, (0, 1))
    target = OfFunction("counted", lambda word: [output(word, token) for token in word])
    found = fewest_heads(parse_head_class("count/all"), target, scope)
    assert emit(found.minimal[0], target, scope).run_on == scope.total


def test_outputs_that_no_sequence_of_rasp_can_have_are_refused() -> None:
    target = OfFunction("mixed", lambda word: ["few" if word.count(token) == 1 else -1 for token in word])
    scope = Scope(1, 3, (0, 1))
    found = fewest_heads(parse_head_class("count/all"), target, scope)
    with pytest.raises(UsageError, match="strings and numbers"):
        emit(found.minimal[0], target, scope)


# ---------------------------------------------------------------------------------------------- certificates


def certificates() -> dict[str, Any]:
    document = Document()
    document.heads(front("count/all", double_histogram, 3, 4))
    document.heads(front("mean/all+indices", histogram, 2, 3, layers=1, heads=2))
    document.heads(front("rightmost/past", parity, 2, 4, layers=3))
    return document.to_json()


def accepted(document: dict[str, Any]) -> bool:
    found = recheck(json.dumps(document))
    return bool(found) and all(one.judgement is not Judgement.REJECTED for one in found)


def test_certificates_are_accepted_as_made_and_not_when_tampered_with() -> None:
    document = certificates()
    assert accepted(document)
    kinds: dict[str, int] = {}
    for index, item in enumerate(document["certificates"]):
        kinds[item["kind"]] = kinds.get(item["kind"], 0) + 1
        for change in changes(item):
            tampered = {**document, "certificates": [copy.deepcopy(item)]}
            change(tampered["certificates"][0])
            assert not accepted(tampered), (index, item["claim"])
    assert kinds["program"] >= 3
    assert kinds["no-program"] >= 8


def changes(item: dict[str, Any]) -> Iterator[Callable[[dict[str, Any]], object]]:
    yield lambda record: record["shape"].append(1)
    yield lambda record: record["class"].__setitem__("mask", "from")
    yield lambda record: record.__setitem__("target", {"table": "0" * 64})
    yield lambda record: record.__setitem__("claim", record["claim"] + "1")
    if item["kind"] == "program":
        yield lambda record: record["heads"][0][0].__setitem__("selected", [])
        yield lambda record: record["heads"][0][0].__setitem__("values", [[0, 9]])
        yield lambda record: record["states"][-1].pop(0)
        yield lambda record: record["scope"].__setitem__("high", 9)
    elif item["shape"]:
        yield lambda record: record["words"].__setitem__(slice(None), record["words"][:1])
        yield lambda record: record["proof"].insert(0, "-1 0")
        yield lambda record: record["names"].__setitem__(1, record["names"][0])
