"""Level 3, heads: exact synthesis against trying every program of a class, known values, and the emitted RASP."""

import copy
import json
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from spec.diagnostics import UsageError
from spec.property.scope import Scope
from spec.values import Atom
from verifier.bounds.certificate import Document
from verifier.bounds.forever import Settled, explore
from verifier.bounds.growth import grown, profile
from verifier.bounds.heads import Disagreement, Head, HeadClass, Run, parse_head_class
from verifier.bounds.summary import heads_json
from verifier.bounds.synthesis import Absent, HeadFront, Undecided, fewest_heads, shapes, within
from verifier.bounds.target import ANYTHING, Mealy, OfFunction, Outputs, Word, of_regex
from verifier.recheck.files import Judgement, recheck
from verifier.recheck.forever import check_all_lengths
from verifier.recheck.heads import Family, HeadTable, Kind
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


def random_head(random: Random, cls: HeadClass) -> Head:
    """Of any kind, over up to six states."""
    kind = random.choice(cls.kinds)
    return Head(
        kind,
        frozenset((q, k) for q in range(6) for k in range(6) if random.random() < 0.4),
        {k: random.randrange(1, kind.values) for k in range(6) if random.random() < 0.5},
    )


def random_heads(random: Random, cls: HeadClass) -> tuple[tuple[Head, ...], ...]:
    """One or two layers of one or two heads."""
    return tuple(
        tuple(random_head(random, cls) for _ in range(random.randrange(1, 3))) for _ in range(random.randrange(1, 3))
    )


def about_known(head: Head, states: int) -> Head:
    """The head without what it says of states that have no number yet."""
    selected = frozenset(pair for pair in head.selected if max(pair) < states)
    return replace(head, selected=selected, values={key: v for key, v in head.values.items() if key < states})


MIXED = "rightmost,leftmost:3,common"


@pytest.mark.parametrize("mask", ["past", "upto", "past,upto"])
@pytest.mark.parametrize("reading", ["rightmost", "leftmost", "rightmost:3", "common", MIXED])
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
            Family([(reading.value, values) for reading, values in cls.readings], [m.value for m in cls.masks], False),
            [{(str, letter): run.states[0]["str", letter] for letter in "ab"}, *map(dict, run.states[1:])],
            [
                [
                    HeadTable(Kind(h.kind.reading.value, h.kind.mask.value, h.kind.values), h.selected, h.values)
                    for h in layer
                ]
                for layer in heads
            ],
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
    "text",
    [
        *("softmax/all", "count/left", "count/all+start", "count:2", "mean:1", "mean:", "mean:x"),
        *("count,count/all", "mean,mean:3/all", "count/all,all", "count,/all", "count/all,", "/all"),
    ],
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


# ---------------------------------------------------------------------------------------------- certificates


def certificates() -> dict[str, Any]:
    document = Document()
    document.heads(front("count/all", double_histogram, 3, 4))
    document.heads(front("mean/all+indices", histogram, 2, 3, layers=1, heads=2))
    document.heads(front("rightmost/past", parity, 2, 4, layers=3))
    document.heads(front("count,mean/all,upto", lambda word: word[::-1], 2, 2, heads=2))
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
    yield lambda record: record["class"].__setitem__("masks", ["from"])
    yield lambda record: record["class"]["masks"].append("from")
    yield lambda record: record["class"]["readings"].append(["leftmost", 2])
    yield lambda record: record["class"]["readings"].pop()
    yield lambda record: record.__setitem__("target", {"table": "0" * 64})
    yield lambda record: record.__setitem__("claim", record["claim"] + "1")
    if item["kind"] == "program":
        yield lambda record: record["heads"][0][0].__setitem__("selected", [])
        yield lambda record: record["heads"][0][0].__setitem__("values", [[0, 9]])
        yield lambda record: record["heads"][0][0].__setitem__("mask", "future")
        yield lambda record: record["heads"][0][0].__setitem__("reading", "common")
        yield lambda record: record["heads"][0][0].pop("reading")
        yield lambda record: record["states"][-1].pop(0)
        yield lambda record: record["scope"].__setitem__("high", 9)
    elif item["shape"]:
        yield lambda record: record["words"].__setitem__(slice(None), record["words"][:1])
        yield lambda record: record["proof"].insert(0, "-1 0")
        yield lambda record: record["names"].__setitem__(1, record["names"][0])
