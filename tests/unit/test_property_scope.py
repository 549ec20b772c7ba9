"""Scopes denote the inputs that their clause says, in order."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.diagnostics import PropertyError, UsageError
from spec.property.ast import Carrier
from spec.property.contract import read_contract
from spec.property.scope import Integers, Scope
from spec.source import Source
from spec.values import Atom, Kind, Numbers, atom_key


def parsed(text: str) -> Scope:
    contract = read_contract(Source("s.prop", f"scope {text}\nensures True"), Carrier.FILE)
    return contract.properties[0].scope


ATOMS = st.one_of(st.booleans(), st.integers(), st.text(max_size=3), st.floats(allow_nan=False, allow_infinity=False))
ALPHABETS = st.one_of(
    # A scope takes only one of the two zeros of the doubles.
    st.lists(ATOMS, min_size=1, max_size=5, unique_by=lambda atom: (atom_key(atom)[0], atom)).map(tuple),
    st.text(min_size=1, max_size=5).map(lambda text: tuple(dict.fromkeys(text))),
    st.builds(Integers, st.none() | st.integers(max_value=3), st.none() | st.integers(min_value=3)),
)
SCOPES = st.builds(
    lambda low, more, alphabet, numbers: Scope(low, None if more is None else low + more, alphabet, numbers),
    st.integers(1, 50),
    st.none() | st.integers(0, 50),
    ALPHABETS,
    st.sampled_from(Numbers),
)


@settings(deadline=None)
@given(SCOPES)
def test_the_clause_that_a_scope_prints_denotes_it(scope: Scope) -> None:
    assert parsed(str(scope)) == scope


def test_inputs_come_by_length_and_then_as_the_alphabet_is_written() -> None:
    scope = Scope(1, 3, ("b", "a"))
    assert list(scope.inputs()) == [word for n in (1, 2, 3) for word in product("ba", repeat=n)]
    assert list(scope.inputs(2)) == [("b", "b"), ("b", "a"), ("a", "b"), ("a", "a")]
    assert list(scope.inputs(4)) == []


@given(st.integers(1, 3), st.integers(0, 2), st.integers(1, 4))
def test_counts_are_the_numbers_of_inputs(low: int, more: int, size: int) -> None:
    scope = Scope(low, low + more, Integers(1, size))
    inputs = list(scope.inputs())
    assert scope.total == len(inputs) == len(set(inputs))
    assert [scope.count(n) for n in range(7)] == [sum(len(word) == n for word in inputs) for n in range(7)]
    assert all(word in scope for word in inputs)
    words = [scope.input_at(n, k) for n in scope.lengths() for k in range(scope.count(n) or 0)]
    assert words == inputs


def test_symbols_are_told_apart_by_kind() -> None:
    scope = Scope(alphabet=(1, True, 1.0, "1"))
    assert scope != Scope(alphabet=(True, 1, 1.0, "1"))
    assert scope.size == 4
    assert scope.kinds == frozenset(Kind)
    assert scope.has_symbol(True)
    assert not Scope(alphabet=(1,)).has_symbol(True)
    assert not Scope(alphabet=Integers(0, 1)).has_symbol(True)


def test_infinite_scopes_are_counted_as_such_and_not_listed() -> None:
    scope = Scope(alphabet=Integers(None, None))
    assert (scope.size, scope.total, scope.count(2), scope.finite) == (None, None, None, False)
    assert (-(10**30),) in scope
    assert ("1",) not in scope
    with pytest.raises(UsageError):
        next(scope.inputs())
    assert not Scope(high=None).finite
    assert (1 << 30,) in Scope(alphabet=Integers(0, None))


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("", Scope()),
        ("lengths=3", Scope(3, 3)),
        ("lengths=any numbers=ieee", Scope(1, None, numbers=Numbers.IEEE)),
        ("lengths=2..any", Scope(2, None)),
        ("alphabet=()[]{}#", Scope(alphabet=tuple("()[]{}#"))),
        ('alphabet="[]() "', Scope(alphabet=tuple("[]() "))),
        ('alphabet="\\u00e9\\\\"', Scope(alphabet=("é", "\\"))),
        ('alphabet=["if", 3, true, 0.5]', Scope(alphabet=("if", 3, True, 0.5))),
        ("integers=-2..3", Scope(alphabet=Integers(-2, 3))),
        ("integers=any", Scope(alphabet=Integers(None, None))),
        ("integers=0..any lengths=1..2", Scope(1, 2, Integers(0, None))),
    ],
)
def test_scope_clause(text: str, scope: Scope) -> None:
    assert parsed(text) == scope


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("lenghts=3", 7, "a scope has no `lenghts`"),
        ("lengths=0..3", 7, "1 <= low"),
        ("lengths=4..3", 7, "low <= high"),
        ("lengths=3 lengths=4", 17, "given twice"),
        ("lengths=x", 15, "`x` is no range"),
        ("lengths=1...2", 15, "is no range"),
        ("alphabet=aba", 7, "names a symbol twice"),
        ("alphabet=[]()", 18, "expected a space"),
        ("alphabet=[x]", 16, "neither a JSON string nor a JSON list"),
        ("alphabet=[null]", 16, "symbols of an alphabet are"),
        ("alphabet=[[1]]", 16, "symbols of an alphabet are"),
        ("alphabet=[1e999]", 7, "finite decimals"),
        ("alphabet=[NaN]", 16, "neither a JSON string nor a JSON list"),
        ('alphabet=""', 7, "the alphabet is empty"),
        ("integers=3..1", 16, "is empty"),
        ("alphabet=ab integers=1..2", 19, "exclude each other"),
        ("numbers=real", 15, "there are no `real` numbers"),
        ("abc", 7, "expected `key=value`"),
    ],
)
def test_wrong_scope_clause_is_refused_where_it_is_wrong(text: str, column: int, message: str) -> None:
    with pytest.raises(PropertyError) as caught:
        parsed(text)
    (problem,) = caught.value.diagnostics
    assert problem.span is not None
    assert (problem.span.line, problem.span.column) == (1, column)
    assert message in problem.message


@pytest.mark.parametrize("alphabet", [(), ("a", "a"), (float("nan"),)])
def test_scope_without_meaning_cannot_be_built(alphabet: tuple[Atom, ...]) -> None:
    with pytest.raises(ValueError, match="alphabet"):
        Scope(alphabet=alphabet)
