"""Certificates are accepted as made, and no longer once anything in them is changed."""

import ast
import copy
import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from spec.cost import PAPER, TRANSFORMER
from spec.elaborate import Program, elaborate, load_program
from spec.property.scope import Scope
from spec.source import Source
from spec.values import Numbers
from verifier.bounds.certificate import Document
from verifier.bounds.classes import parse_class
from verifier.bounds.clauses import at_most, clauses
from verifier.bounds.depth import least_depth
from verifier.bounds.equivalent import up_to_equivalence
from verifier.bounds.problem import Limits, problem
from verifier.bounds.sat import Contradiction, Model, solve
from verifier.bounds.target import OfFunction, OfProgram, of_regex
from verifier.bounds.written import as_written
from verifier.recheck.files import Checked, Judgement, recheck
from verifier.recheck.rup import Rejected, check_refutation
from verifier.recheck.schedule import counter

ROOT = Path(__file__).resolve().parents[2]

# One head in each of five layers is too few, which no chain and no crowd shows, nor unit propagation alone.
WOVEN = """
less = select(indices, 1, <);
never = select(indices, 0, <);
a = aggregate(less, indices);
b = aggregate(less, indices + a);
c = aggregate(never, indices + a);
d = aggregate(less, indices + b + c);
e = aggregate(never, indices + a + c);
f = aggregate(less, indices + d);
x = a + b + c + d + e + f;
"""


def documents() -> Iterator[tuple[str, Document]]:
    program = load_program(ROOT / "spec" / "programs" / "paper" / "double_histogram.rasp", Numbers.EXACT)
    yield "schedules", level_1(program, "double_histogram")
    merging = "x = aggregate(select(indices, 2, <), indices) + aggregate(not select(indices, 2, >=), 1);"
    yield "merged", level_1(elaborate(Source("m", merging), Numbers.EXACT), "x")
    yield "rewritten", level_2("x = aggregate(full_s, 1) + aggregate(select(indices, 2, <), indices);")
    yield "clausal", clausal()
    document = Document()
    scope = Scope(1, 5, ("a", "b"))
    for name in ("rightmost/past", "average/all", "count/past+start"):
        document.depth(least_depth(parse_class(name), of_regex("(ab)*", scope), scope))
    yield "machine", document
    document = Document()
    sop = program.sop("double_histogram")
    document.depth(least_depth(parse_class("count/all"), OfProgram("d", sop, Numbers.EXACT), Scope(1, 4, ("a", "b"))))
    yield "program", document


def level_1(program: Program, name: str) -> Document:
    document = Document()
    for model in (PAPER, TRANSFORMER):
        front = as_written([program.sop(name)], model)
        document.front(front, [program.sop(name)], program.graph)
    return document


def level_2(text: str) -> Document:
    document = Document()
    program = elaborate(Source("r", text), Numbers.EXACT)
    found = up_to_equivalence(program, "x", PAPER, Scope(1, 4, ("a", "b")))
    document.equivalent(found, program.sop("x"))
    document.front(found.front, [found.root], found.graph)
    return document


def clausal() -> Document:
    """A document whose impossible limits are shown by clausal proofs."""
    program = elaborate(Source("w", WOVEN), Numbers.EXACT)
    root = program.sop("x")
    document = Document()
    key, made = document.program([root], program.graph)
    task = problem([root], PAPER)
    common = {"program": key, "written": key, "model": "paper"}
    for limits in (Limits(5, 1), Limits(5, 1, 9)):
        outcome = solve(clauses(task, limits), 10)
        assert isinstance(outcome, Contradiction)
        listed = (("layers", limits.layers), ("heads", limits.width), ("total heads", limits.total))
        document.certificates.append(
            {
                "kind": "no-schedule",
                "claim": f"program {key[:12]} as written, paper model: not {limits}",
                **common,
                "limits": dict(listed),
                "argument": {"proof": list(outcome.proof)},
            }
        )
    assert made[root] is not None
    return document


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, Any]]:
    return {name: document.to_json() for name, document in documents()}


def checked(document: dict[str, Any]) -> list[Checked]:
    return recheck(json.dumps(document))


def accepted(document: dict[str, Any]) -> bool:
    try:
        found = checked(document)
    except Rejected:
        return False
    return bool(found) and all(one.judgement is not Judgement.REJECTED for one in found)


def test_certificates_are_accepted_as_made(made: dict[str, dict[str, Any]]) -> None:
    for name, document in made.items():
        assert accepted(document), name
    kinds = {item["kind"] for document in made.values() for item in document["certificates"]}
    assert kinds == {"schedule", "no-schedule", "equivalent", "indistinguishable", "distinguishable"}


def test_merging_is_said_to_be_tested_only(made: dict[str, dict[str, Any]]) -> None:
    tested = [one for one in checked(made["merged"]) if "merging tested on 120 inputs only" in one.detail]
    assert tested
    assert all(one.judgement is Judgement.TRUSTED for one in tested)
    assert not any("merging" in one.detail for one in checked(made["schedules"]))


# ---------------------------------------------------------------------------------------------- mutations


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all atoms of a JSON value."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from places(inner, (*path, key))
        case list():
            for index, inner in enumerate(value):
                yield from places(inner, (*path, index))
        case _:
            yield path


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    result = copy.deepcopy(value)
    inner = result
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = change(inner[path[-1]])
    return result


def altered(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value - 1
        case str():
            return value + "1" if value else "x"
        case _:
            return 0


HARMLESS = frozenset({"tools", "output", "proved_by"})
"""Fields that carry no claim: which tools made the file, and outputs and equalities that are computed again."""
LOOSE = frozenset({"layers", "proof", "crowd", "chain", "word", "position"})
"""Fields of which a part may be changed for another that shows the same."""


def test_a_change_anywhere_is_noticed(made: dict[str, dict[str, Any]]) -> None:
    """Certificates that stay accepted after a change still show what they then say.

    A schedule may stay valid when a read moves, a proof may contain lemmas that nothing needs, and another pair of
    points may do as well: such changes do not make a claim wrong. Claims, limits, depths, classes, scopes, targets and
    programs may not change at all.
    """
    random = Random(0)
    tried = 0
    for name, document in made.items():
        for path in random.sample(list(places(document)), 60):
            loose = bool(LOOSE & set(path)) and "limits" not in path
            if HARMLESS & set(path) or loose:
                continue
            tried += 1
            assert not accepted(changed(document, path, altered)), (name, path)
    assert tried > 100


def certificate(document: dict[str, Any], kind: str, key: str | None = None) -> dict[str, Any]:
    """A document with the first certificate of a kind alone."""
    for item in document["certificates"]:
        if item["kind"] == kind and (key is None or key in item["argument"]):
            return {**document, "certificates": [copy.deepcopy(item)]}
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("name", "kind", "argument", "change"),
    [
        ("schedules", "schedule", None, lambda c: c["layers"].pop()),
        ("schedules", "schedule", None, lambda c: c["layers"].__setitem__(0, [c["layers"][0][0], 9])),
        ("schedules", "schedule", None, lambda c: [pair.__setitem__(1, 1) for pair in c["layers"]]),
        ("schedules", "no-schedule", "chain", lambda c: c["argument"]["chain"].pop()),
        ("schedules", "no-schedule", "chain", lambda c: c["argument"]["chain"].reverse()),
        ("schedules", "no-schedule", "crowd", lambda c: c["argument"]["crowd"].pop()),
        ("schedules", "no-schedule", "crowd", lambda c: c["argument"]["crowd"].append(c["argument"]["crowd"][0])),
        ("schedules", "no-schedule", "crowd", lambda c: c["argument"].__setitem__("first", 2)),
        ("clausal", "no-schedule", "proof", lambda c: c["argument"]["proof"].__delitem__(slice(2, None))),
        ("clausal", "no-schedule", "proof", lambda c: c["argument"]["proof"].insert(0, "-1 0")),
        ("clausal", "no-schedule", "proof", lambda c: c["argument"]["proof"].__setitem__(slice(None), ["0"])),
        ("machine", "indistinguishable", None, lambda c: c.__setitem__("depth", 7)),
        ("machine", "indistinguishable", None, lambda c: c["left"]["word"].append({"string": "a"})),
        ("machine", "indistinguishable", None, lambda c: c.__setitem__("left", c["right"])),
        ("machine", "distinguishable", None, lambda c: c.__setitem__("depth", c["depth"] - 1)),
        ("program", "distinguishable", None, lambda c: c.__setitem__("depth", 0)),
    ],
)
def test_tampered_certificate_is_rejected(
    made: dict[str, dict[str, Any]], name: str, kind: str, argument: str | None, change: Callable[[Any], object]
) -> None:
    """Also when the words of the claim are changed along with its fields."""
    document = certificate(made[name], kind, argument)
    assert accepted(document)
    change(document["certificates"][0])
    assert not accepted(document)
    said = [one.detail.partition("the claim: ")[2] for one in checked(document) if "the claim: " in one.detail]
    if said:
        document["certificates"][0]["claim"] = said[0]
        assert not accepted(document)


def test_program_is_bound_to_its_hash(made: dict[str, dict[str, Any]]) -> None:
    document = copy.deepcopy(made["schedules"])
    (key,) = {item["program"] for item in document["certificates"]}
    stored = document["programs"][key]
    for node in stored["nodes"]:
        if node["node"] == "select":
            node["predicate"] = "<"
    assert not accepted(document)


def test_pair_of_a_large_function_says_that_its_outputs_are_only_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.bounds.certificate.MAX_TABLE", 0)
    document = Document()
    target = OfFunction("odd", lambda word: [word.count("a") % 2] * len(word))
    document.depth(least_depth(parse_class("rightmost/past"), target, Scope(1, 4, ("a",))))
    pairs = [one for one in recheck(document.text()) if "not in" in one.claim]
    assert pairs
    assert all(one.judgement is Judgement.TRUSTED and "as stated" in one.claim for one in pairs)


def test_function_is_stored_as_its_table() -> None:
    document = Document()
    target = OfFunction("odd", lambda word: [word.count("a") % 2] * len(word))
    document.depth(least_depth(parse_class("rightmost/past"), target, Scope(1, 4, ("a",))))
    stored: dict[str, Any] = document.to_json()
    assert accepted(stored)
    (table,) = stored["tables"].values()
    table[0][1][0] = "7"
    assert not accepted(stored)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "rasp-bounds"}', "[" * 100_000, '{"format": 1}'])
def test_what_is_no_document_is_rejected(text: str) -> None:
    with pytest.raises(Rejected):
        recheck(text)


# ---------------------------------------------------------------------------------------------- clausal proofs


def random_clauses(random: Random) -> list[list[int]]:
    return [
        [random.choice((1, -1)) * variable for variable in random.sample(range(1, 8), random.randint(1, 3))]
        for _ in range(random.randint(8, 40))
    ]


def has_model(given: list[list[int]]) -> bool:
    for bits in product((False, True), repeat=7):
        if all(any(bits[abs(literal) - 1] is (literal > 0) for literal in clause) for clause in given):
            return True
    return False


def test_solver_and_checker_agree_with_truth_tables() -> None:
    random = Random(3)
    refuted = 0
    for _ in range(200):
        given = random_clauses(random)
        outcome = solve(given, 10)
        assert isinstance(outcome, Model) is has_model(given)
        if isinstance(outcome, Contradiction):
            refuted += 1
            check_refutation(given, outcome.proof)
    assert refuted > 40


def test_no_proof_convinces_of_satisfiable_clauses() -> None:
    random = Random(4)
    tried = 0
    while tried < 200:
        given = random_clauses(random)
        if not has_model(given):
            continue
        tried += 1
        proof = [" ".join(map(str, (*clause, 0))) for clause in random_clauses(random)[:5]] + ["0"]
        with pytest.raises(Rejected):
            check_refutation(given, proof)


def test_deletions_do_not_help_a_proof() -> None:
    given = [[1, 2], [-1, 2], [1, -2], [-1, -2]]
    assert check_refutation(given, ["2 0", "0"]) == 1
    with pytest.raises(Rejected):
        check_refutation(given, ["d 1 2 0", "d -1 2 0", "2 0", "0"])
    for malformed in (["2"], ["x 0"], ["2 0 3 0"], [""]):
        with pytest.raises(Rejected):
            check_refutation(given, malformed)


@pytest.mark.parametrize(("size", "most"), [(4, 0), (4, 1), (5, 2), (5, 4), (3, 3), (2, 5)])
def test_both_counters_say_at_most(size: int, most: int) -> None:
    literals = list(range(1, size + 1))
    for encode in (at_most, counter):
        rules = (
            [list(clause) for clause in encode(most, literals, size)]
            if encode is at_most
            else [list(clause) for clause in counter(literals, most, size)]
        )
        for bits in product((1, -1), repeat=size):
            units = [[sign * literal] for sign, literal in zip(bits, literals, strict=True)]
            assert isinstance(solve(rules + units, 10), Model) is (bits.count(1) <= most)


# ---------------------------------------------------------------------------------------------- independence


def test_recheck_imports_neither_what_it_checks_nor_a_solver() -> None:
    for path in (ROOT / "verifier" / "recheck").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith(("pysat", "z3", "compiled")), path
                assert not name.startswith("verifier") or name.startswith("verifier.recheck"), path
