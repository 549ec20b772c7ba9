"""Every kind of claim on concrete inputs, and the reasons that are given when one is not so."""

from collections.abc import Callable
from itertools import product

import pytest

from spec.diagnostics import UsageError
from spec.graph import Graph
from spec.operators import Op
from spec.property.ast import Carrier
from spec.property.bind import bind
from spec.property.bound import BoundProperty
from spec.property.contract import read_contract
from spec.property.evaluate import HOLDS, Checker, Status, check_concrete
from spec.property.explain import Explanation
from spec.source import Source
from spec.values import Atom, Numbers, real
from tests.unit.property_programs import Handmade, bound, one


def status(prop: BoundProperty, word: str | tuple[Atom, ...]) -> Status:
    return check_concrete(prop, tuple(word)).status


def why(prop: BoundProperty, word: str | tuple[Atom, ...]) -> Explanation:
    outcome = check_concrete(prop, tuple(word))
    assert outcome.status is Status.FAILS
    assert outcome.explanation is not None
    return outcome.explanation


def named(name: str, *clauses: str) -> BoundProperty:
    return next(prop for prop in bound(*clauses).properties if prop.property.name == name)


def failing(prop: BoundProperty, alphabet: str = "ab", longest: int = 4) -> set[str]:
    """The words at which the property is not so."""
    checker = Checker(prop)
    words = (word for n in range(1, longest + 1) for word in product(alphabet, repeat=n))
    return {"".join(word) for word in words if checker.check(word).status is Status.FAILS}


def words(alphabet: str = "ab", longest: int = 4) -> set[str]:
    return {"".join(word) for n in range(1, longest + 1) for word in product(alphabet, repeat=n)}


def test_an_outcome_is_no_truth_value() -> None:
    with pytest.raises(TypeError):
        bool(HOLDS)


# ------------------------------------------------------------------------------------------------ ensures, requires


def test_ensures_holds_exactly_where_its_condition_does() -> None:
    prop = one("ensures forall i: same[i] <= last[i]")
    assert failing(prop) == {word for word in words() if any(c > word[-1] for c in word)}


def test_a_false_precondition_skips_and_a_failing_one_violates() -> None:
    prop = one("requires n > 1", "requires inverse[0] <= 1", "ensures first[0] == last[0]")
    assert status(prop, "0") is Status.SKIPPED  # lazily: the second precondition is not reached
    assert status(prop, "11") is Status.HOLDS
    assert status(prop, "12") is Status.FAILS
    explanation = why(prop, "10")
    assert "evaluation fails" in explanation.message
    assert explanation.position == 1
    assert status(prop, "-1-1") is Status.FAILS


def test_a_named_s_op_that_fails_violates_even_where_it_is_not_looked_at() -> None:
    prop = one("ensures n > 0 or inverse[0] == 1")
    assert status(prop, "1") is Status.HOLDS
    assert why(prop, "10").position == 1


def test_an_expression_without_value_violates_and_says_so() -> None:
    explanation = why(one("ensures forall i: same[i + 1] != same[i]"), "ab")
    assert explanation.message == "`same[i + 1]` has no value: there is no position 2: the positions are 0 to 1"
    assert explanation.variables == (("i", 1),)
    assert explanation.position == 1
    assert explanation.span is not None
    assert explanation.span.column == 19


@pytest.mark.parametrize(
    ("condition", "word", "message", "variables", "position"),
    [
        ("forall i, j: i < j => same[i] <= same[j]", "aba", "`same[i] <= same[j]` is false", "i=1 j=2", 1),
        ("n > 0 and (forall i: same[i] == first[i])", "aab", "`same[i] == first[i]` is false", "i=2", 2),
        ('not exists i: same[i] == "b"', "ab", '`same[i] == "b"` is true', "i=1", 1),
        (
            "exists i: same[i] == first[i] and i > 5",
            "ab",
            "`exists i: same[i] == first[i] and i > 5` is false",
            "",
            None,
        ),
        ("all(same == first)", "aab", "`all(same == first)` is false at 2", "", 2),
        ("not any(same != first)", "aab", "`any(same != first)` is true at 2", "", 2),
        ("sorted(same)", "aba", "`sorted(same)` is false at 2", "", 2),
        ("forall c in alphabet: count(tokens, c) < 2", "abb", "`count(tokens, c) < 2` is false", "c=b", None),
        ("forall k in 1..n - 1: same[k] == same[0]", "aab", "`same[k] == same[0]` is false", "k=2", 2),
        ("n == 1 or n == 2", "aaa", "`n == 1 or n == 2` is false", "", None),
        ("not (n == 1 or n == 2)", "aa", "`n == 2` is true", "", None),
        ("n == 1 => n == 2", "a", "`n == 2` is false", "", None),
        ("n == 1 <=> n == 2", "a", "`n == 1 <=> n == 2` is false", "", None),
        ("n == 2 if n > 2 else n == 3", "a", "`n == 3` is false", "", None),
        ("same in /a*/", "ab", "`same in /a*/` is false", "", None),
        ('exists i: i > 0 and (forall j: same[j] == "a" or 1 / 0 == 1)', "ab", "`1 / 0` has no value", "i=1 j=1", 1),
    ],
)
def test_the_deciding_part_is_named(
    condition: str, word: str, message: str, variables: str, position: int | None
) -> None:
    explanation = why(one(f"ensures {condition}"), word)
    assert explanation.message.startswith(message)
    assert " ".join(f"{name}={value}" for name, value in explanation.variables) == variables
    assert explanation.position == position


def test_the_values_that_were_seen_are_shown() -> None:
    explanation = why(one("ensures forall i: count(same, same[i]) + 0 >= n - share[i]"), "ab")
    assert dict(explanation.seen)["count(same, same[i])"] == "1"
    assert dict(explanation.seen)["n - share[i]"] == "3/2"
    assert str(why(one("ensures forall i: same[i] == first[i]"), "ab")) == (
        '`same[i] == first[i]` is false (i = 1, same[i] is "b", first[i] is "a")'
    )


def test_clauses_over_several_lines_are_shown_on_one() -> None:
    prop = one("ensures forall i: \\", "  same[i] \\", "  == first[i]")
    assert why(prop, "ab").message == "`same[i] == first[i]` is false"


# ------------------------------------------------------------------------------------------------ the other claims


def test_cover_holds_at_witnesses() -> None:
    prop = one("requires n > 1", "cover same[0] == same[1]")
    assert [status(prop, word) for word in ("a", "ab", "aa")] == [Status.SKIPPED, Status.FAILS, Status.HOLDS]
    assert status(one("cover inverse[0] == 1"), "0") is Status.FAILS


def test_equivalence_compares_values_and_failures() -> None:
    assert failing(one("equiv first == last")) == {word for word in words() if word[0] != word[-1]}
    assert failing(one('equiv first == "other.rasp"::flip')) == set()
    assert failing(one('equiv flip == "other.rasp"::flip')) == {
        word for word in words() if word[::-1] != word[0] * len(word)
    }
    explanation = why(one("equiv first == last"), "aab")
    assert explanation.message == 'first is "a" at position 0, last is "b"'
    assert explanation.position == 0
    assert status(one("equiv inverse == inverse"), "10") is Status.HOLDS
    assert why(one("equiv inverse == tokens_int"), "0").message.startswith("only inverse fails")
    assert status(one("equiv share == is_a"), "aa") is Status.HOLDS  # 1 == True


def test_accepts_compares_with_the_language_both_ways() -> None:
    prop = one("accepts first[0] == last[0] iff /(a.*)?a|(b.*)?b/")
    assert failing(prop) == set()
    prop = one("scope alphabet=()", 'accepts all(same == first) iff dyck("()")')
    assert failing(prop, "()") == {w for w in words("()") if (len(set(w)) == 1) is not (w in ("()", "()()", "(())"))}
    assert why(prop, "((").message == "the input is not in the language, but `all(same == first)` is true"
    assert why(prop, "()").message == "the input is in the language, but `all(same == first)` is false"
    numbers = one("scope integers=0..3", "accepts tokens_int[0] == 3 iff /3[0-3]*/")
    assert [status(numbers, word) for word in ((3, 1), (1, 3))] == [Status.HOLDS, Status.HOLDS]
    assert why(one("accepts inverse[0] == 1 iff /1/"), "0").message.startswith("evaluation fails")


def always(_word: str) -> bool:
    return True


def never(_word: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("claim", "kept"),
    [
        ("invariant share under permutation", always),
        ("invariant first under permutation", lambda w: len(w) < 2 or w[0] == w[1]),
        ("equivariant same under permutation", always),
        ("equivariant flip under permutation", lambda w: all(swap(w, i)[::-1] == swap(w[::-1], i) for i in pairs(w))),
        ("invariant share under reversal", always),
        ("invariant first under reversal", lambda w: w[0] == w[-1]),
        ("equivariant flip under reversal", always),
        ("invariant share under renaming", lambda w: w.count("a") * 2 == len(w)),
        ("equivariant flip under renaming", always),
        ("invariant same under renaming", never),
        ("equivariant is_a under renaming", never),
        ('invariant same under padding "_"', always),
        ('invariant last under padding "b"', lambda w: w[-1] == "b"),
        ('invariant share under padding "a"', lambda w: set(w) == {"a"}),
    ],
)
def test_symmetries_hold_exactly_where_the_definition_says(claim: str, kept: Callable[[str], bool]) -> None:
    assert failing(one(claim)) == {word for word in words() if not kept(word)}


def pairs(word: str) -> range:
    return range(len(word) - 1)


def swap(word: str, i: int) -> str:
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def test_symmetries_compare_only_inputs_with_the_preconditions() -> None:
    prop = one('requires first[0] == "a"', "invariant first under reversal")
    assert failing(prop) == set()
    prop = one("requires inverse[0] == 1", "invariant share under reversal")
    assert status(prop, "12") is Status.HOLDS  # the reverse does not satisfy it


def test_symmetries_compare_failures() -> None:
    prop = one("scope alphabet=12", "invariant inverse under padding 0")
    assert why(prop, "1").message.startswith('after padding with 0, on ["1", 0]: only inverse fails')
    assert status(one("invariant inverse under reversal"), "0") is Status.HOLDS


def test_renaming_exchanges_symbols_by_kind() -> None:
    prop = one("scope alphabet=[1, true]", "invariant tokens_asis under renaming")
    explanation = why(one("scope alphabet=[1, 2]", "invariant tokens_asis under renaming"), (1, 1))
    assert explanation.message == (
        "after the exchange of 1 and 2, on [2, 2]: tokens_asis is 1 at position 0, tokens_asis is 2"
    )
    assert status(prop, (1, True)) is Status.HOLDS  # 1 == True


def test_causality_looks_at_every_prefix() -> None:
    assert failing(one("causal first")) == set()
    assert failing(one("causal last")) == {word for word in words() if word != word[0] * len(word)}
    explanation = why(one("causal last"), "aab")
    assert explanation.position == 0
    assert explanation.message == '`last` is "b" at 0, but "a" when the input ends there'
    assert status(one("causal inverse"), "0") is Status.FAILS
    assert status(one("requires n > 2", "causal last"), "aab") is Status.HOLDS


def test_implicit_properties() -> None:
    clauses = ("scope alphabet=012", "causal inverse", "causal share")
    assert failing(named("inverse.no_error", *clauses), "012", 3) == {w for w in words("012", 3) if "0" in w}
    assert failing(named("inverse.numbers_agree", *clauses), "012", 3) == set()
    assert failing(named("share.numbers_agree", *clauses), "a1", 4) == set()


def with_decimals(path: str | None, numbers: Numbers) -> Handmade:
    """`sum` is 0.1 + 0.2 everywhere, `same` whether that is 0.3."""
    assert path is None
    graph = Graph(numbers)
    tenth, fifth, wanted = (graph.constant(real(text, numbers)) for text in ("0.1", "0.2", "0.3"))
    total = graph.map(Op.ADD, tenth, fifth)
    return Handmade(graph, {"sum_of": total, "decision": graph.map(Op.EQ, total, wanted)})


def test_numbers_disagree_where_a_decision_differs_and_not_where_only_noise_does() -> None:
    contract = read_contract(Source("x", "causal sum_of\ncausal decision"), Carrier.PYTHON)
    by_name = {prop.property.name: prop for prop in bind(contract, with_decimals).properties}
    assert status(by_name["sum_of.numbers_agree"], "a") is Status.HOLDS
    assert why(by_name["decision.numbers_agree"], "a").message == "exact is T at position 0, ieee is F"


def test_examples_are_checked_at_their_own_input() -> None:
    good = one('example share("aab") == [2 / 3, 2 / 3, 2 / 3]')
    assert status(good, "b") is Status.HOLDS
    assert why(one('example share("ab") == [0.5, 0.25]'), "").message == (
        "share is 1/2 at position 1, the expected sequence is 1/4"
    )
    assert "has 2 values, 1 are expected" in why(one('example flip("ab") == ["b"]'), "").message
    assert status(one('example flip("ab") == reverse(["a", "b"])'), "") is Status.HOLDS
    assert status(one('example inverse("10") fails'), "") is Status.HOLDS
    assert "was expected to fail" in why(one('example inverse("1") fails'), "").message
    assert why(one('example inverse("0") == [1]'), "").message.startswith("evaluation fails")
    assert "has no value" in why(one('example inverse("1") == [1 / 0]'), "").message
    assert status(one("scope numbers=ieee", 'example share("aab") == [2 / 3, 2 / 3, 2 / 3]'), "") is Status.HOLDS


def test_architectures_are_about_no_input() -> None:
    with pytest.raises(UsageError):
        check_concrete(one("arch share: layers <= 1"), ("a",))


def test_the_numbers_are_those_of_the_scope() -> None:
    text = "ensures share[0] + share[0] / 2 == 1 and 0.1 + 0.2 == 0.3"
    assert status(one(text), "aab") is Status.HOLDS
    found = one("scope numbers=ieee", text)
    assert found.program.graph.numbers is Numbers.IEEE
    assert why(found, "aab").message == "`0.1 + 0.2 == 0.3` is false"


def test_the_empty_input_violates_every_condition() -> None:
    assert status(one("ensures first[0] == last[0]"), ()) is Status.FAILS
