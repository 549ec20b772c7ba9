"""Every field of every kind of certificate, changed in every way that comes to mind: it is rejected, or still true.

The words of a claim are part of what is checked. So a change is tried twice: with the claim as it was, and with the
claim that the changed fields make, as the checker words it. What is accepted then has to be listed below with the
reason why it is no lie; and each claim that is accepted is decided by the search, which shares no code with the
checker.
Whatever is read, the checker never fails in another way than by rejecting.
"""

import copy
import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from random import Random
from typing import Any, TypeAlias

import pytest

from spec.cost import MODELS, PAPER
from spec.diagnostics import UsageError
from spec.elaborate import elaborate, load_program
from spec.graph import SOp
from spec.property.scope import Scope
from spec.serialize import loads, read_atom
from spec.source import Source
from spec.values import Numbers
from tests.unit.test_bounds_recheck import ROOT, clausal, level_1, level_2
from verifier.bounds.certificate import Document
from verifier.bounds.classes import Attention, Class, Mask, parse_class
from verifier.bounds.clauses import clauses
from verifier.bounds.depth import least_depth
from verifier.bounds.growth import grown
from verifier.bounds.heads import HeadClass, Reading, parse_head_class
from verifier.bounds.problem import Limits, problem
from verifier.bounds.sat import Contradiction, Model, solve
from verifier.bounds.synthesis import Absent, Exists, fewest_heads, search
from verifier.bounds.target import ANYTHING, Mealy, OfFunction, OfProgram, Target, Word, of_regex
from verifier.bounds.written import as_written
from verifier.recheck.files import Judgement, recheck
from verifier.recheck.rup import Rejected

Path: TypeAlias = tuple[Any, ...]

VOCABULARY = (
    [attention.value for attention in Attention],
    [mask.value for mask in Mask],
    [reading.value for reading in Reading],
    [numbers.value for numbers in Numbers],
    list(MODELS),
)
"""Words that mean something where another one of the same list stands."""


SAME_CLAIM = {
    "argument.crowd": "the order of a crowd means nothing",
    "argument.proof*": "a lemma that nothing needs may be left out, repeated or changed for another that follows",
    "limits": "a limit that is not there is no limit, like null",
    "proved_by*": "all inputs were compared, so nobody is believed",
    "left.*": "another pair of points may do, or the outputs are only stated, as the claim says",
    "right.*": "another pair of points may do, or the outputs are only stated, as the claim says",
    "scope.numbers": "the symbols are the same ones; programs carry their own kind of numbers",
    "scope.high": "the claim is about all lengths",
    "scope.low": "the claim is about all lengths",
    "names*": "names only say which variable of the proof is which; a name that is missing gets a free number",
    "proof*": "a lemma that nothing needs may be left out, repeated or changed for another that follows",
    "words*": "fewer or other words may do, or the outputs are only stated, as the claim says",
    "heads.*": "a set has no order, and what no input reaches may be anything",
    "states.*": "final states may be numbered in another order when their outputs are equal",
}
"""Where a change may leave the claim as it was, and why."""

OTHER_CLAIM = {
    "limits*": "other limits, within which there is (no) schedule either",
    "model": "the other cost model, under which the same is true",
    "scope.*": "another scope, on which the same is true",
    "class.*": "another class, in which the same is true",
    "depth": "more layers do as well, or other layers do not either",
    "target.*": "another function, of which the same is true; the claim has its hash, or its name where it is stated",
    "shape": "another shape, for which the same is true",
    "all_lengths": "some lengths instead of all",
}
"""Where a change may make another claim, which is then true, and why."""


LENGTH = OfFunction("length", lambda word: [len(word)] * len(word))
FIRST = OfFunction("first", lambda word: [word[0]] * len(word))
MIDDLE = OfFunction("middle", lambda word: [0, 1, 0][: len(word)])


def heads(name: str, target: Target, scope: Scope) -> Document:
    document = Document()
    document.heads(grown(fewest_heads(parse_head_class(name), target, scope, 1, 1)))
    return document


def all_documents() -> Iterator[Document]:
    program = elaborate(Source("p", "x = aggregate(select(indices, 1, <), indices);"), Numbers.EXACT)
    written = Document()
    written.front(as_written([program.sop("x")], PAPER), [program.sop("x")], program.graph)
    yield written
    shipped = load_program(ROOT / "spec" / "programs" / "paper" / "double_histogram.rasp", Numbers.EXACT)
    yield level_1(shipped, "double_histogram")
    yield level_2("x = aggregate(full_s, 1) + aggregate(select(indices, 2, <), indices);")
    yield clausal()
    scope = Scope(1, 3, ("a", "b"))
    depth = Document()
    depth.depth(least_depth(parse_class("count/past"), of_regex("ba*", scope), scope))
    depth.depth(least_depth(parse_class("average/all+start"), of_regex("ba*", scope), scope))
    depth.depth(least_depth(parse_class("count/all"), OfProgram("x", program.sop("x"), Numbers.EXACT), scope))
    yield depth
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("verifier.bounds.certificate.MAX_TABLE", 0)
        large = Document()
        large.depth(least_depth(parse_class("exists/all"), LENGTH, scope))
        large.heads(fewest_heads(parse_head_class("rightmost/past"), FIRST, scope, 1, 1))
    yield large
    yield heads("count/past", MIDDLE, Scope(1, 3, ("a",)))
    yield heads("count/all+indices", OfFunction("reversed", lambda word: word[::-1]), Scope(1, 3, ("a", "b")))
    yield heads("mean:3/past", FIRST, Scope(1, 2, (0, 1, 2)))
    yield heads(
        "count,rightmost:3/past,all", OfFunction("last", lambda word: [word[-1]] * len(word)), Scope(1, 2, (0, 1))
    )
    yield heads("rightmost/past", of_regex(".*ba.*|b", scope, every_prefix=True), scope)
    yield heads("rightmost/past", of_regex("a*b.*", scope), scope)


def certificates() -> list[dict[str, Any]]:
    """One certificate of each kind and each make, alone in its document."""
    made: dict[tuple[Any, ...], dict[str, Any]] = {}
    for document in all_documents():
        certified: list[Any] = document.certificates
        for item in certified:
            about, argument = item.get("target"), item.get("argument")
            parts = [tuple(part) if isinstance(part, dict) else () for part in (about, argument)]
            make = (
                item["kind"],
                tuple(item),
                *parts,
                item.get("depth") is None,
                str(item.get("class", {}).get("readings")),
            )
            if item.get("shape") != []:
                made.setdefault(make, {**document.to_json(), "certificates": [item]})
    return list(made.values())


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place of a JSON value, its own included."""
    yield path
    match value:
        case dict():
            for key, inner in value.items():
                yield from places(inner, (*path, key))
        case list():
            for index, inner in enumerate(value):
                yield from places(inner, (*path, index))
        case _:
            pass


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def others(value: Any) -> Iterator[Any]:
    """Values in the place of one."""
    yield from ([], {}, None, "x", -1, [[[[]]]], 10**9)
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value - 1, float(value) + 0.5)
        case str():
            yield from (value + "1", value[:-1], "")
            yield from (word for words in VOCABULARY if value in words for word in words)
        case list() if value:
            yield from (value[1:], value[:-1], [*value, value[-1]], value[::-1])
        case dict():
            yield from ({k: v for k, v in value.items() if k != key} for key in value)
        case _:
            pass


def pattern(path: Path) -> str:
    return ".".join("*" if isinstance(step, int) else str(step) for step in path)


def changed(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    result = copy.deepcopy(document)
    inner = at(result, path[:-1])
    inner[path[-1]] = value
    return result


def answer(document: dict[str, Any]) -> tuple[bool, str]:
    """Whether all is accepted, and the claim; what the checker says that the claim should be, where it is another."""
    try:
        found = recheck(json.dumps(document))
    except Rejected:
        return False, ""
    if len(found) != 1:
        return False, ""
    return found[0].judgement is not Judgement.REJECTED, found[0].detail.partition("the claim: ")[2] or found[0].claim


def accepted_changes(document: dict[str, Any], most: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Changes of the certificate that are accepted: the place, and the changed document."""
    random = Random(1)
    by_pattern: dict[str, list[Path]] = {}
    for path in places(document["certificates"][0]):
        if path and path != ("claim",):
            by_pattern.setdefault(pattern(path), []).append(path)
    for name, paths in by_pattern.items():
        for path in random.sample(paths, min(most, len(paths))):
            full = ("certificates", 0, *path)
            for value in others(at(document, full)):
                if json.dumps(value) == json.dumps(at(document, full)):
                    continue
                tampered = changed(document, full, value)
                accepted, claim = answer(tampered)
                if not accepted and claim:
                    tampered = changed(tampered, ("certificates", 0, "claim"), claim)
                    accepted, claim = answer(tampered)
                if accepted:
                    yield name, tampered


# ------------------------------------------------------------------------------------------ whether a claim is true


def is_true(document: dict[str, Any]) -> bool:
    """Whether the claim of the only certificate is true, by the search, which shares no code with the checker."""
    (item,) = document["certificates"]
    match item["kind"]:
        case "schedule":
            return has_schedule(document, item)
        case "no-schedule":
            return not has_schedule(document, item)
        case "equivalent":
            return is_equivalent(document, item)
        case "indistinguishable":
            return is_too_shallow(document, item)
        case "distinguishable":
            bound = least_depth(depth_class(item), target_of(document, item), scope_of(item))
            return bound.least is not None and bound.least <= item["depth"]
        case "program":
            return isinstance(found_program(document, item), Exists)
        case "no-program":
            words = [read_word(entry["word"]) for entry in item["words"]]
            target = target_of(document, item)
            table = [(word, target.outputs(word)) for word in words]
            return isinstance(search(head_class(item), tuple(item["shape"]), table, 20), Absent)
        case other:
            raise AssertionError(other)


def has_schedule(document: dict[str, Any], item: dict[str, Any]) -> bool:
    _, outputs = loads(json.dumps(document["programs"][item["program"]]), "program")
    limits = item["limits"]
    task = problem([outputs[name] for name in sorted(outputs)], MODELS[item["model"]])
    if limits["layers"] < max(1, task.floor):
        return not task.reads and task.floor <= limits["layers"]
    rules = clauses(task, Limits(limits["layers"], limits.get("heads"), limits.get("total heads")))
    outcome = solve(rules, 20)
    assert isinstance(outcome, Model | Contradiction)
    return isinstance(outcome, Model)


def is_equivalent(document: dict[str, Any], item: dict[str, Any]) -> bool:
    sides = []
    for name in ("written", "program"):
        graph, outputs = loads(json.dumps(document["programs"][item[name]]), "program")
        sides.append(OfProgram(name, one(outputs), graph.numbers))
    before, after = sides
    runs = [(before.outputs(word), after.outputs(word)) for word in scope_of(item).inputs()]
    return all(wanted == found for wanted, found in runs if ANYTHING not in wanted)


def one(outputs: Mapping[str, Any]) -> SOp:
    (output,) = outputs.values()
    assert isinstance(output, SOp)
    return output


def is_too_shallow(document: dict[str, Any], item: dict[str, Any]) -> bool:
    words = [read_word(item[side]["word"]) for side in ("left", "right")]
    symbols = tuple(dict.fromkeys(symbol for word in words for symbol in word))
    scope = Scope(min(map(len, words)), max(map(len, words)), symbols)
    target = target_of(document, item)

    def where_defined(word: Word) -> Sequence[Hashable]:
        try:
            return target.outputs(word)
        except UsageError:  # a machine without a step
            return [ANYTHING] * len(word)

    bound = least_depth(depth_class(item), OfFunction("target", where_defined), scope)
    if item["depth"] is None or bound.impossible:
        return bound.impossible
    return bound.least is not None and bound.least > item["depth"]


def found_program(document: dict[str, Any], item: dict[str, Any]) -> object:
    target, scope = target_of(document, item), scope_of(item)
    table = [(word, target.outputs(word)) for word in scope.inputs()]
    machine = target if item.get("all_lengths") and isinstance(target, Mealy) else None
    found = search(head_class(item), tuple(item["shape"]), table, 20, machine, scope.symbols)
    assert not item.get("all_lengths") or (isinstance(found, Exists) and found.configurations is not None)
    return found


def read_word(items: list[Any]) -> Word:
    return tuple(map(read_atom, items))


def scope_of(item: dict[str, Any]) -> Scope:
    scope = item["scope"]
    return Scope(scope["low"], scope["high"], read_word(scope["symbols"]), Numbers(scope["numbers"]))


def depth_class(item: dict[str, Any]) -> Class:
    cls = item["class"]
    return Class(Attention(cls["attention"]), tuple(map(Mask, cls["masks"])), cls["start"])


def head_class(item: dict[str, Any]) -> HeadClass:
    cls = item["class"]
    readings = tuple((Reading(name), values) for name, values in cls["readings"])
    return HeadClass(readings, tuple(map(Mask, cls["masks"])), cls["indices"])


def target_of(document: dict[str, Any], item: dict[str, Any]) -> Target:
    match item["target"]:
        case {"mealy": machine}:
            steps: dict[str, dict[Any, tuple[str, Any]]] = {}
            for state, symbol, following, output in machine["steps"]:
                steps.setdefault(state, {})[read_atom(symbol)] = following, read_atom(output)
            return Mealy("machine", machine["start"], steps, machine["last_only"])
        case {"program": key}:
            graph, outputs = loads(json.dumps(document["programs"][key]), "program")
            return OfProgram("program", one(outputs), graph.numbers)
        case {"table": key}:
            rows = {read_word(word): outputs for word, outputs in document["tables"][key]}
        case {"stated": _}:
            rows = dict(rows_of(item))
        case other:
            raise AssertionError(other)
    return OfFunction("rows", lambda word: stated(rows.get(word) or [None] * len(word)))


def rows_of(item: dict[str, Any]) -> Iterator[tuple[Word, list[Any]]]:
    """The words of a certificate with the outputs that it states: all, or that of one position of each of two."""
    for entry in item.get("words", ()):
        yield read_word(entry["word"]), entry["outputs"]
    for point in (item[side] for side in ("left", "right") if side in item):
        word, place = read_word(point["word"]), point["position"]
        yield word, [point["output"] if i == place else None for i in range(len(word))]


def stated(outputs: list[Any]) -> list[Any]:
    return [ANYTHING if output is None else output for output in outputs]


# ------------------------------------------------------------------------------------------ tests


@pytest.fixture(scope="module")
def made() -> list[dict[str, Any]]:
    found = certificates()
    kinds = {document["certificates"][0]["kind"] for document in found}
    assert kinds == {
        "schedule",
        "no-schedule",
        "equivalent",
        "indistinguishable",
        "distinguishable",
        "program",
        "no-program",
    }
    arguments = {key for document in found for key in document["certificates"][0].get("argument", ())}
    assert {"chain", "crowd", "proof"} <= arguments
    return found


def reason(reasons: Mapping[str, str], place: str) -> str | None:
    return next((name for name in reasons if fnmatch(place, name)), None)


def check_changes(made: list[dict[str, Any]], most: int) -> set[tuple[bool, str]]:
    """Try the changes; the reasons that were needed, each with whether the claim was the same."""
    needed: set[tuple[bool, str]] = set()
    true: dict[str, bool] = {}
    for document in made:
        claim = document["certificates"][0]["claim"]
        assert answer(document) == (True, claim)
        true[claim] = is_true(document)
        assert true[claim], claim
        for place, tampered in accepted_changes(document, most):
            item = tampered["certificates"][0]
            same = item["claim"] == claim
            known = reason(SAME_CLAIM if same else OTHER_CLAIM, place)
            assert known is not None, (place, item)
            needed.add((same, known))
            if item["claim"] not in true:
                true[item["claim"]] = is_true(tampered)
            assert true[item["claim"]], (place, item)
    return needed


def test_a_changed_field_is_rejected_or_makes_a_true_claim(made: list[dict[str, Any]]) -> None:
    needed = check_changes(made, 2)
    assert needed == {(True, name) for name in SAME_CLAIM} | {(False, name) for name in OTHER_CLAIM}


@pytest.mark.slow
def test_more_changed_fields_are_rejected_or_make_true_claims(made: list[dict[str, Any]]) -> None:
    check_changes(made, 12)


def test_a_changed_claim_is_rejected(made: list[dict[str, Any]]) -> None:
    for document in made:
        item = document["certificates"][0]
        for value in others(item["claim"]):
            assert not answer(changed(document, ("certificates", 0, "claim"), value))[0], (item["kind"], value)


def test_a_changed_program_or_table_is_rejected_or_means_the_same(made: list[dict[str, Any]]) -> None:
    """What a claim is about is named by its hash; so what is accepted says the same, and is true of what is stored."""
    random = Random(2)
    tried = 0
    for document in made:
        paths = [path for path in places(document) if path[:1] in (("programs",), ("tables",)) and len(path) > 1]
        for path in random.sample(paths, min(12, len(paths))):
            for value in others(at(document, path)):
                tampered = changed(document, path, value)
                tried += 1
                if answer(tampered)[0]:
                    assert is_true(tampered), (path, value)
    assert tried > 500


def forged(made: list[dict[str, Any]], kind: str, change: Callable[[dict[str, Any]], object], key: str = "") -> str:
    """Why the certificate is rejected once it is changed so, whatever it claims."""
    for document in made:
        (item,) = document["certificates"]
        if item["kind"] == kind and (not key or key in item.get("target", ()) or key in item.get("argument", ())):
            tampered = copy.deepcopy(document)
            change(tampered["certificates"][0])
            (found,) = recheck(json.dumps(tampered))
            said = found.detail.partition("the claim: ")[2]
            if said:
                tampered["certificates"][0]["claim"] = said
                (found,) = recheck(json.dumps(tampered))
            assert found.judgement is Judgement.REJECTED
            return found.detail
    raise AssertionError(kind)


LONG = [{"string": "a"}, {"string": "b"}] * 450


@pytest.mark.parametrize(
    ("kind", "key", "change", "why"),
    [
        ("no-schedule", "proof", lambda c: c["limits"].update(layers=100_000), "clauses"),
        ("no-schedule", "proof", lambda c: c["limits"].update({"layers": 50, "total heads": 100_000}), "clauses"),
        ("no-schedule", "proof", lambda c: c["limits"].update(layers=10**9), "limits"),
        ("indistinguishable", "mealy", lambda c: c["left"].update(word=LONG * 2), "more than 1000 symbols"),
        ("distinguishable", "mealy", lambda c: c["scope"].update(high=1_000), "pairs of positions"),
        ("program", "mealy", lambda c: c["scope"].update(high=24), "pairs of positions"),
        ("program", "mealy", lambda c: c.update(shape=[10**9]), "heads"),
        ("program", "table", lambda c: c["states"][1].append([0, "1e999999999"]), "number|integer|rational"),
        ("program", "table", lambda c: c["states"][1].append([0, "1/0"]), "0"),
        ("program", "table", lambda c: c["class"].update(readings=[["mean", 10**9]]), "values"),
        ("program", "table", lambda c: c["class"].update(masks=["all"] * 10**6), "twice"),
        ("no-program", "mealy", lambda c: c.update(shape=[32, 32]), "clauses|contradiction|unit propagation"),
        ("no-program", "stated", lambda c: c.update(words=[words_of(LONG)] * 3), "positions in all"),
        ("no-program", "stated", lambda c: c.update(words=[words_of(LONG)]), "clauses"),
    ],
)
def test_what_would_take_for_ever_is_refused(
    made: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    key: str,
    change: Callable[[dict[str, Any]], object],
    why: str,
) -> None:
    """Before it is begun, or when the limit is met; that on clauses is made smaller here."""
    monkeypatch.setattr("verifier.recheck.rup.MAX_CLAUSES", 50_000)
    assert re.search(why, forged(made, kind, change, key))


def words_of(word: list[Any]) -> dict[str, Any]:
    return {"word": word, "outputs": ["1"] * (len(word) - 1) + ["2"]}


def test_a_range_without_end_is_sampled(made: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.recheck.equal.MOST_WORK", 1_000)
    (document,) = [each for each in made if each["certificates"][0]["kind"] == "equivalent"]
    for ends in ([0, 10**30], [-(10**30), None], [None, -(10**30)], [None, 10**30], [None, None]):
        tampered = copy.deepcopy(document)
        item = tampered["certificates"][0]
        item["scope"] = {"low": 1, "high": 4, "numbers": item["scope"]["numbers"], "integers": ends}
        item["claim"] = answer_detail(tampered)
        (found,) = recheck(json.dumps(tampered))
        assert found.judgement is Judgement.TRUSTED, found
        assert "the rest on trust in" in found.detail


def answer_detail(document: dict[str, Any]) -> str:
    (found,) = recheck(json.dumps(document))
    return found.detail.partition("the claim: ")[2]
