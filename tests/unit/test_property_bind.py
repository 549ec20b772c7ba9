"""Names, types and implicit properties: what is wrong with a contract before any input is tried."""

import pytest

from spec.diagnostics import Diagnostic, PropertyError, Severity
from spec.graph import Aggregate, Select, SOp
from spec.operators import ANY, Op
from spec.property.ast import Architecture, Carrier, Equivalent, Expected, NoError, NumbersAgree, Variable
from spec.property.bind import bind, bind_property
from spec.property.bound import Shape, Type
from spec.property.contract import read_contract
from spec.property.scope import Scope
from spec.property.walk import names_in
from spec.source import Source
from spec.values import Kind, Numbers
from tests.unit.property_programs import Handmade, bound, one, programs, sample


def errors(*clauses: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(PropertyError) as caught:
        bound(*clauses)
    return caught.value.diagnostics


def warnings(*clauses: str) -> list[tuple[int, str]]:
    found = bound(*clauses).warnings
    assert all(problem.severity is Severity.WARNING for problem in found)
    return [(problem.span.column if problem.span else 0, problem.message) for problem in found]


@pytest.mark.parametrize(
    ("expression", "column", "message"),
    [
        # names
        ("flop[0] == first[0]", 9, "does not define `flop`"),
        ("forall i: same[j] == same[i]", 24, "does not define `j`"),
        ("(forall i: same[i] == same[0]) and i == 1", 44, "does not define `i`"),
        # truth values
        ("same == first", 9, "a sequence is neither true nor false"),
        ("n", 9, "an integer is neither true nor false"),
        ("less", 9, "a selector is neither true nor false"),
        ("same[0]", 9, "a string is neither true nor false"),
        ("n == 1 and n", 20, "a truth value is needed here, not an integer"),
        ("not n", 13, "a truth value is needed here, not an integer"),
        ("forall i: i", 19, "an integer is neither true nor false"),
        ("n == 1 if n else False", 19, "a truth value is needed here"),
        ("all(same)", 13, "a truth value is needed here, not a string"),
        ("count(share) == 1", 15, "a truth value is needed here, not an integer or a real"),
        # operators
        ('"a" < 3', 9, "`<` has no value on a string and an integer"),
        ("forall i: 0 < same[i] == True", 19, "`<` has no value on an integer and a string"),
        ("same[0] - 1 == 2", 9, "`-` has no value on a string and an integer"),
        ("-same[0] == 2", 10, "is needed here, not a string"),
        ("sum(same) == 2", 13, "is needed here, not a string"),
        ("min(n, same[0]) == 2", 9, "`<` has no value"),
        # shapes
        ("less == 1", 9, "a selector has no elementwise operators"),
        ("n[0] == 1", 9, "a single value has no positions"),
        ("n[0..1] == 1", 9, "a single value has no positions"),
        ("less[0..1] == 1", 9, "a selector has no slices"),
        ("same[same[0]] == 1", 14, "is needed here, not a string"),
        ("same[share[0]..n] == 1 and same[1 / 2] == 1", 41, "is needed here, not a real"),
        ("sorted(less)", 16, "a sequence is needed here, not a selector"),
        ("len(n) == 1", 13, "a sequence is needed here, not a value"),
        ("count(same, same) == 1", 21, "a single value is needed here"),
        ("[same] == 1", 10, "a single value is needed here"),
        ("all((same if n == 1 else 1) == same)", 14, "one branch is a sequence, the other a value"),
        ("n in n", 14, "a sequence is needed here, not a value"),
        ("n in /a/", 9, "a sequence is needed here, not a value"),
        ("all(same == sorted(first))", 21, "`sorted(x)` says whether"),
        # languages and domains
        ("same in /a(/", 19, "not closed"),
        ("forall k in same[0]..n: k == k", 21, "is needed here, not a string"),
    ],
)
def test_definite_error_is_found_where_it_is(expression: str, column: int, message: str) -> None:
    problem = errors(f"ensures {expression}")[0]
    assert problem.span is not None
    assert (problem.span.column, problem.span.line) == (column, 1)
    assert message in problem.message


def test_all_errors_of_all_clauses_are_reported() -> None:
    found = errors("requires a: flop[0]", "ensures b: n and bogus", "causal nothing", 'ensures c: "a" < 3')
    assert [(problem.span.line, problem.span.column) for problem in found if problem.span] == [
        (1, 13),
        (2, 12),
        (2, 18),
        (3, 8),
        (4, 12),
    ]


def test_unknown_names_come_with_the_closest_known_one() -> None:
    assert errors("ensures shore[0] == 1")[0].hint == "did you mean `share`?"
    assert errors("ensures forall index: first[index] == first[indx]")[0].hint == "did you mean `index`?"
    assert errors("equiv flip == fist")[0].hint == "did you mean `first`?"


@pytest.mark.parametrize(
    ("expression", "column", "message"),
    [
        ('forall i: same[i] == "z"', 30, '"z" is no symbol of the scope'),
        ('count(tokens, "ab") == 0', 23, '"ab" is no symbol'),
        ('forall i: same[i] in ["a", "c"]', 36, '"c" is no symbol'),
        ('"c" == same[0]', 9, '"c" is no symbol'),
        ("forall i, j: same[i] == first[i]", 19, "`j` is never used"),
        ("exists i: (forall i: same[i] == first[i]) and i == 1", 27, "`i` hides a variable"),
        ("forall share: share == share", 16, "`share` hides what the program calls so"),
        ("forall i: same[i] == 1", 19, "a string never equals an integer"),
        ("exists i: n in same", 16, "never used"),
        ("share in /a/", 9, "words are made of strings"),
    ],
)
def test_suspicious_expression_is_warned_about(expression: str, column: int, message: str) -> None:
    found = warnings(f"ensures {expression}")
    assert any(place == column and message in text for place, text in found), found


@pytest.mark.parametrize(
    "expression",
    [
        'forall i: same[i] == "a" or first[i] == "?"',
        "forall i: share[i] <= 1",
        "forall i, j: i < j => less[j][i] and not less[i][j]",
        "forall c in alphabet: count(tokens, c) <= n",
        'all(is_a == (tokens == "a")) and sum(share) <= n',
        'any(is_a and not is_a or share == 1) => all((share if is_a else 0) <= ["a", 1][1])',
        "all(int(inverse) <= abs(inverse)) or round(share[0]) == 1",
        "min(share) <= max(0, n) and share[0..0][0] == prefix(share, 0)[0]",
        "permutation(same, reverse(same)) and sorted([]) and len([]) == 0",
        "count(less[0]) == 0 and count(both[n - 1]) <= n",
        'tokens in dyck("()") or not (same[0..n - 1] in prefixes(/(ab)*/))',
        "n == 1 <=> (True if n == 1 else False)",
    ],
)
def test_sound_expressions_are_silent(expression: str) -> None:
    assert warnings(f"ensures {expression}") == []


def test_padding_atoms_may_be_mentioned() -> None:
    clauses = ('requires exists i: same[i] != "_"', 'invariant first under padding "_"')
    assert warnings(*clauses) == []
    assert len(warnings(clauses[0], "causal first")) == 1


def test_names_stand_for_variables_before_s_ops_and_selectors() -> None:
    prop = one("ensures forall i: share[i] <= 1 and less[i][i] == False and n == n")
    claim = prop.property.claim
    found = {name.id: prop.binding.refs[name] for name in names_in(claim.condition)}  # type: ignore[union-attr]  # an ensures
    assert isinstance(found["i"], Variable)
    assert isinstance(found["share"], Aggregate)
    assert isinstance(found["less"], Select)
    condition = claim.condition  # type: ignore[union-attr]  # likewise
    assert prop.binding.nodes(condition) == (found["share"], found["less"])
    assert prop.binding.types[condition] == Type(Shape.SCALAR, frozenset({Kind.BOOL}))
    assert prop.binding.positional == {found["i"]}


def test_every_expression_gets_a_type() -> None:
    prop = one("ensures forall c in alphabet: (c if n == 1 else [1, 2.5][0]) in [same[0], max(share), share[0]]")
    shapes = {
        (name.span.text, kind.shape, frozenset(kind.kinds))
        for name, kind in prop.binding.types.items()
        if name.span.text in ("c", "[1, 2.5]", "c if n == 1 else [1, 2.5][0]", "max(share)", "n")
    }
    assert shapes == {
        ("c", Shape.SCALAR, frozenset({Kind.STR})),
        ("n", Shape.SCALAR, frozenset({Kind.INT})),
        ("[1, 2.5]", Shape.SEQUENCE, frozenset({Kind.INT, Kind.REAL})),
        ("c if n == 1 else [1, 2.5][0]", Shape.SCALAR, frozenset({Kind.STR, Kind.INT, Kind.REAL})),
        ("max(share)", Shape.SCALAR, frozenset({Kind.INT, Kind.REAL})),
    }


# ------------------------------------------------------------------------------------------------ implicit properties


def test_targets_bring_implicit_properties_once_in_each_scope() -> None:
    contract = bound(
        "ensures a: share[0] <= 1 and tokens[0] == same[0]",
        "requires p: n == 1",
        "causal share",
        "cover inverse[0] == 1",
        "equiv flip == first",
        "scope lengths=2",
        "invariant share under reversal",
        "accepts is_a[0] iff /a/",
    )
    named = {
        prop.property.name: (prop.property.scope.low, [r.name for r in prop.property.requires])
        for prop in contract.properties
    }
    assert list(named.items()) == [
        ("a", (1, [])),
        ("causal1", (1, ["p"])),
        ("cover1", (1, ["p"])),
        ("equiv1", (1, ["p"])),
        ("share.no_error", (1, [])),
        ("share.numbers_agree", (1, [])),
        ("flip.no_error", (1, ["p"])),
        ("flip.numbers_agree", (1, ["p"])),
        ("first.no_error", (1, ["p"])),
        ("first.numbers_agree", (1, ["p"])),
        ("invariant1", (2, [])),
        ("accepts1", (2, [])),
        ("share.no_error@2", (2, [])),
        ("share.numbers_agree@2", (2, [])),
        ("is_a.no_error", (2, [])),
        ("is_a.numbers_agree", (2, [])),
    ]


def test_implicit_properties_compare_both_semantics_of_one_name() -> None:
    contract = bound("causal share")
    by_name = {prop.property.name: prop for prop in contract.properties}
    assert isinstance(by_name["share.no_error"].property.claim, NoError)
    agree = by_name["share.numbers_agree"]
    assert isinstance(agree.property.claim, NumbersAgree)
    assert agree.agreeing is not None
    assert set(agree.agreeing) == set(Numbers)
    assert agree.agreeing[Numbers.EXACT] is agree.binding.sops[agree.property.claim.target]
    assert agree.agreeing[Numbers.EXACT] is not agree.agreeing[Numbers.IEEE]


def test_doubles_are_compared_on_the_first_lengths_of_a_scope_without_a_greatest_one() -> None:
    contract = bound("causal share", "scope lengths=3..any", "causal share", "scope lengths=99999..any", "causal share")
    scopes = {prop.property.name: prop.property.scope for prop in contract.properties}
    assert scopes["share.numbers_agree"] == scopes["causal1"]
    assert scopes["share.no_error@2"] == scopes["causal2"] == Scope(3, None)
    assert scopes["share.numbers_agree@2"] == Scope(3, 7)
    assert scopes["share.numbers_agree@3"] == Scope(99_999, 100_000)


@pytest.mark.parametrize(
    ("expression", "about"),
    [
        ('tokens[0] == "a" and indices[0] == 0', []),
        ("tokens_int[0] == 1", ["tokens_int"]),
        ('tokens_asis[0] == "a"', ["tokens_asis"]),  # it fails where strings and numbers mix
        ("less[0][0] or same[0] == last[0]", ["last"]),
    ],
)
def test_only_what_can_fail_brings_implicit_properties(expression: str, about: list[str]) -> None:
    names = [prop.property.name for prop in bound(f"ensures {expression}").properties[1:]]
    assert names == [f"{name}.{claim}" for name in about for claim in ("no_error", "numbers_agree")]


def test_implicit_properties_can_be_expected_to_be_refuted() -> None:
    contract = bound("ensures a: inverse[0] == 1", "expect inverse.no_error: refuted", "expect a: refuted")
    assert {prop.property.name: prop.property.expected for prop in contract.properties} == {
        "a": Expected.REFUTED,
        "inverse.no_error": Expected.REFUTED,
        "inverse.numbers_agree": Expected.PROVED,
    }
    (problem,) = errors("ensures a: inverse[0] == 1", "expect inverse.no_errors: refuted")
    assert problem.hint == "did you mean `inverse.no_error`?"
    assert problem.span is not None
    assert problem.span.line == 2


# ------------------------------------------------------------------------------------------------ other claims


def test_equivalence_reaches_into_other_files() -> None:
    prop = one('equiv first == "other.rasp"::flip')
    claim = prop.property.claim
    assert isinstance(claim, Equivalent)
    assert isinstance(prop.binding.sops[claim.right], SOp)
    assert prop.binding.sops[claim.left] is not prop.binding.sops[claim.right]
    (problem,) = errors('equiv first == "missing.rasp"::flip')
    assert "there is no file" in problem.message
    assert problem.span is not None


def test_architecture_without_target_needs_a_contract_about_one_s_op() -> None:
    contract = bound("arch layers <= 1", "causal share", 'example share("a") == [1]')
    claim = contract.properties[0].property.claim
    assert isinstance(claim, Architecture)
    assert str(claim.target) == "share"
    assert "several (share, flip)" in errors("arch layers <= 1", "causal share", "causal flip")[0].message
    assert "no s-op" in errors("arch layers <= 1")[0].message


def test_examples_expect_constants() -> None:
    assert "only constants" in errors('example share("a") == [same[0]]')[0].message
    assert "a sequence is needed here" in errors('example share("a") == 1')[0].message


def test_renaming_and_alphabet_quantifiers_need_symbols_that_can_be_listed() -> None:
    scope = "scope integers=any"
    assert "cannot be listed" in errors(scope, "invariant share under renaming")[0].message
    assert "cannot be listed" in errors(scope, "ensures forall c in alphabet: c == c")[0].message
    bound(scope, "invariant share under permutation")


def test_a_property_can_be_bound_alone() -> None:
    contract = read_contract(Source("x", "causal share\nensures bogus[0] == 1"), Carrier.PYTHON)
    assert bind_property(contract.properties[0], programs).property.name == "causal1"
    with pytest.raises(PropertyError):
        bind(contract, programs)


def test_nothing_is_known_about_an_s_op_that_always_fails() -> None:
    program: Handmade = sample()
    graph = program.graph
    program.named_sops["broken"] = graph.map(Op.SUB, graph.constant("a"), graph.constant(1))
    assert program.named_sops["broken"].kinds == frozenset() != ANY
    contract = read_contract(Source("x", "ensures broken[0] == 1 and broken[0] < 2"), Carrier.PYTHON)
    assert bind(contract, lambda _path, _numbers: program).warnings == ()
