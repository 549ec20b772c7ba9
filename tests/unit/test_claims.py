"""A claim as one term means what the checker on the interpreter says, on every input tried.

`verifier.question.claims.state` and `spec.property.evaluate.Checker` share no code: the one unrolls the graph and the
property into a term, the other evaluates the graph and then the property on one input.
"""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.diagnostics import PropertyError
from spec.property.ast import Architecture, Carrier, Cover, Example
from spec.property.bind import bind
from spec.property.bound import BoundProperty
from spec.property.contract import read_contract
from spec.property.evaluate import Checker, Status
from spec.source import Source
from verifier.engine import Word
from verifier.evidence.sample import spread
from verifier.question.claims import state
from verifier.question.express import Unexpressible
from verifier.question.point import value
from verifier.running.subject import Subject

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"
SHIPPED = sorted(path.relative_to(PROGRAMS).as_posix() for path in PROGRAMS.rglob("*.rasp"))
HEAVY = {"inference/deduction.rasp", "wrong/dyck2_unrounded.rasp"}


def words_of(bound: BoundProperty, longest: int, each: int) -> Iterator[tuple[int, list[Word]]]:
    """Inputs spread over the scope, for each length up to `longest`, and for the shortest in any case."""
    scope = bound.property.scope
    for length in range(scope.low, min(max(longest, scope.low), scope.high or longest) + 1):
        yield length, list(spread(scope, length, each))


def compare(bound: BoundProperty, length: int, words: list[Word]) -> int:
    """Compare both meanings on the words; how many were compared (none where terms can't state the property)."""
    checker, claim = Checker(bound), bound.property.claim
    try:
        stated = state(bound, length)
    except Unexpressible:
        return 0
    wanted = Status.HOLDS if isinstance(claim, Cover) else Status.FAILS
    for word in words:
        where = f"{bound.property.name} at {word!r}"
        assert value(stated.broken, word) is (checker.check(word).status is wanted), where
        assert value(stated.given, word) is (checker.preconditions(word) is None), where
    return len(words)


def compare_shipped(name: str, longest: int, each: int) -> None:
    compared = 0
    for contract in Subject.load(PROGRAMS / name).bound():
        for bound in contract.properties:
            if not isinstance(bound.property.claim, Example | Architecture):
                compared += sum(compare(bound, *some) for some in words_of(bound, longest, each))
    assert compared


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in HEAVY])
def test_contracts_of_the_shipped_programs(name: str) -> None:
    compare_shipped(name, longest=3, each=4)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_contracts_of_the_shipped_programs_on_more_inputs(name: str) -> None:
    compare_shipped(name, longest=5, each=40)


# --- programs that fail, made by hand -----------------------------------------------------------------------------

FAILING = Source(
    "failing.rasp",
    """
    is_a = tokens == "a";
    share = aggregate(full_s, indicator(is_a));
    before = select(indices, indices, <);
    upto = select(indices, indices, <=);
    same = select(tokens, tokens, ==);
    averaged_strings = aggregate(full_s, tokens);
    mixed = aggregate(before, tokens);
    padded = aggregate(select(indices, indices - 1, ==), tokens, "-");
    truths = aggregate(upto, is_a);
    partly = aggregate(same, is_a, True);
    inverse = 1 / aggregate(full_s, indicator(is_a));
    early = 1 / (indices - 1);
    table = {"a": 1, "b": 2.5}[tokens];
    number = tokens_int;
    decimal = tokens_float;
    mean = aggregate(upto, tokens_int);
    ordered = tokens < "b";
    sum_of_parts = share + (1 - share) == 1;
    raw = tokens_asis;
    """,
)
SCOPES = [
    "lengths=1..3 alphabet=abc",
    "lengths=1..3 alphabet=a1",
    "lengths=1..3 integers=0..2",
    'lengths=1..2 alphabet=["a", 1, 0.5, true]',
    'lengths=1..2 alphabet=["nan", "inf", "1"] numbers=ieee',
    'lengths=1..2 alphabet=["a", 0.1, 3, false] numbers=ieee',
]
SOPS = ["is_a", "share", "averaged_strings", "mixed", "padded", "truths", "partly", "inverse", "early", "table"]
SOPS += ["number", "decimal", "mean", "ordered", "sum_of_parts", "raw"]
CLAUSES = [
    "ensures {x} == {x}",
    "ensures all({x} == {x})",
    "ensures permutation({x}, reverse({x}))",
    "ensures permutation({x}, tokens)",
    "ensures sorted({x})",
    "ensures count({x}, {x}[0]) > 1",
    "ensures forall i: {x}[i] in {x}[i..n - 1]",
    "ensures max({x}) == min({x})",
    "requires {x}[0] == {x}[n - 1]\nensures n < 2 or {x}[1] == {x}[0]",
    "cover {x}[0] != {x}[n - 1]",
    "cover n > 1 and {x}[0] < {x}[1]",
    "accepts {x}[0] == {x}[n - 1] iff /a|a.*a/",
    "equiv {x} == padded",
    "causal {x}",
    "invariant {x} under permutation",
    "equivariant {x} under permutation",
    "equivariant {x} under reversal",
    "equivariant {x} under renaming",
    'invariant {x} under padding "a"',
]


@cache
def failing() -> Subject:
    return Subject(FAILING, Path())


def all_words(bound: BoundProperty, length: int) -> list[Word]:
    return list(islice(bound.property.scope.inputs(length), 40))


def compare_text(text: str, longest: int = 3) -> int:
    """Compare every property of a contract on all inputs; -1 where the contract is refused."""
    try:
        contract = bind(read_contract(Source("contract", text), Carrier.FILE), failing())
    except PropertyError:
        return -1
    compared = 0
    for bound in contract.properties:
        for length in bound.property.scope.lengths():
            if length <= longest:
                compared += compare(bound, length, all_words(bound, length))
    return compared


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("sop", SOPS)
def test_programs_that_fail(scope: str, sop: str) -> None:
    compare_clauses(scope, sop, longest=2)


@pytest.mark.slow
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("sop", SOPS)
def test_programs_that_fail_on_longer_inputs(scope: str, sop: str) -> None:
    compare_clauses(scope, sop, longest=3)


def compare_clauses(scope: str, sop: str, longest: int) -> None:
    found = [compare_text(f"scope {scope}\n{clause.format(x=sop)}", longest) for clause in CLAUSES]
    assert sum(compared > 0 for compared in found) > 2


def test_nan_is_no_permutation_of_anything() -> None:
    """The double that equals nothing occurs in neither sequence equally often, on whichever side it stands."""
    scope = 'scope lengths=1..2 alphabet=["nan", "1"] numbers=ieee'
    for pair in ("[1, 1], decimal", "decimal, indices", "indices, decimal", "decimal, decimal"):
        assert compare_text(f"{scope}\nensures permutation({pair})") > 0


# --- properties made at random ------------------------------------------------------------------------------------

NUMBERS = ["n", "0", "1", "2", "0.5", "count({Q})", "sum({S})", "len({S})", "abs({N})", "round({N})", "{S}[{N}]"]
NUMBERS += ["({N} + {N})", "({N} - {N})", "{N} * {N}", "{N} / {N}", "{N} % {N}", "min({S})", "max({N}, {N})"]
NUMBERS += ["({N} if {B} else {N})", "int({T})", "-{N}", "count({S}, {N})"]
TEXTS = ['"a"', '"b"', '"1"', "tokens[{N}]", "padded[{N}]", "({T} if {B} else {T})", "raw[{N}]"]
TRUTHS = ["{N} < {N}", "{N} == {N}", "{T} == {T}", "{T} <= {T}", "({B} and {B})", "({B} or {B})", "not {B}"]
TRUTHS += ["({B} => {B})", "({B} <=> {B})", "all({Q})", "any({Q})", "sorted({S})", "permutation({S}, {S})"]
TRUTHS += ["{N} in {S}", "{Q}[{N}]", "upto[{N}][{N}]", "(forall i: {B})", "(exists i: {B})", "same[{N}][{N}]"]
TRUTHS += ["(forall k in {N}..{N}: {B})", "(forall c in alphabet: {B})", "tokens in /a.*|b/", "{N} < {N} <= {N}"]
TRUTHS += ['prefix(tokens, {N}) in prefixes(dyck("ab"))']
SEQUENCES = ["indices", "share", "mean", "number", "decimal", "table", "inverse", "raw", "early", "[{N}, {N}]"]
SEQUENCES += ["({S} + {N})", "({S} * {S})", "reverse({S})", "prefix({S}, {N})", "{S}[{N}..{N}]", "abs({S})"]
SEQUENCES += ["({S} if {B} else {S})", "({S} if {Q} else {N})", "({S} / {S})", "tokens", "padded"]
TRUTH_SEQUENCES = ["is_a", "ordered", "partly", "truths", "({S} == {S})", "({S} < {N})", "(tokens == {T})", "(not {Q})"]
TRUTH_SEQUENCES += ["({Q} and {Q})", "({Q} => {B})", "upto[{N}]", "reverse({Q})", "(tokens in [{T}])"]
FORMS = {"N": NUMBERS, "T": TEXTS, "B": TRUTHS, "S": SEQUENCES, "Q": TRUTH_SEQUENCES}
VARIABLES = {"N": "i", "T": "c"}
LAST_RESORT = {"N": "1", "T": '"a"', "B": "n > 1", "S": "indices", "Q": "is_a"}


@st.composite
def expressions(draw: st.DrawFn, sort: str, depth: int, bound: str = "") -> str:
    """An expression of a sort: number, text, truth, sequence, sequence of truths; `bound` are the variables there."""
    if depth == 0:
        return LAST_RESORT[sort]
    forms = FORMS[sort] + [name for name in bound if name == VARIABLES.get(sort)] * 6
    form = draw(st.sampled_from(forms))
    inside = bound + "".join(name for name in "ic" if f"forall {name}" in form or f"exists {name}" in form)
    for other in FORMS:
        while "{" + other + "}" in form:
            form = form.replace("{" + other + "}", draw(expressions(other, depth - 1, inside)), 1)
    return form


@st.composite
def contracts(draw: st.DrawFn) -> str:
    clauses = [f"scope {draw(st.sampled_from(SCOPES))}"]
    if draw(st.booleans()):
        clauses.append(f"requires {draw(expressions('B', 2))}")
    keyword = draw(st.sampled_from(["ensures", "ensures", "ensures", "cover", "accepts"]))
    condition = draw(expressions("B", 4))
    clauses.append(f"{keyword} {condition}" + (" iff /a.*/" if keyword == "accepts" else ""))
    return "\n".join(clauses)


@settings(max_examples=150, deadline=None)
@given(contracts())
def test_properties_made_at_random(contract: str) -> None:
    compare_text(contract, longest=2)


@pytest.mark.slow
@settings(max_examples=4_000, deadline=None)
@given(contracts())
def test_many_properties_made_at_random(contract: str) -> None:
    compare_text(contract)
