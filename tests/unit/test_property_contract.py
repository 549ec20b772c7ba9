"""Clauses are found in their carriers, with their places, names, scopes and preconditions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.diagnostics import Diagnostic, PropertyError
from spec.property.ast import (
    Accepts,
    Architecture,
    Carrier,
    Causal,
    Contract,
    Cover,
    Dyck,
    Ensures,
    Equivalent,
    Example,
    Expected,
    Invariance,
    Measure,
    Regex,
    Symmetry,
    Transform,
)
from spec.property.contract import read_contract
from spec.source import Source


def in_program(text: str) -> Contract:
    return read_contract(Source("p.rasp", text), Carrier.ANNOTATIONS)


def in_file(text: str) -> Contract:
    return read_contract(Source("p.prop", text), Carrier.FILE)


def problems(text: str, carrier: Carrier = Carrier.ANNOTATIONS) -> list[tuple[str, str, str]]:
    """Place, message and hint of everything that is wrong."""
    with pytest.raises(PropertyError) as caught:
        read_contract(Source("p", text), carrier)
    return [(d.span.location if d.span else "", d.message, d.hint or "") for d in caught.value.diagnostics]


PROGRAM = """\
# sorts
#@ scope lengths=1..3 alphabet=ab
x = tokens;   # not a clause
  #@ requires small: n < 3
#@ ensures: x == x
"""


def test_clauses_stand_between_the_lines_of_a_program() -> None:
    contract = in_program(PROGRAM.replace("ensures:", "ensures"))
    (prop,) = contract.properties
    assert isinstance(prop.claim, Ensures)
    assert (prop.name, prop.span.line, prop.span.column, prop.span.text) == ("ensures1", 5, 4, "ensures x == x")
    assert [requires.name for requires in prop.requires] == ["small"]
    assert (prop.requires[0].span.line, prop.requires[0].span.column) == (4, 6)
    assert str(prop.scope) == "lengths=1..3 alphabet=ab numbers=exact"


def test_the_same_clauses_stand_in_a_file_of_their_own() -> None:
    contract = in_file("# a comment\n\nscope lengths=2\n\n  ensures good: n == 2 # two\ncausal x\n")
    assert [(prop.name, str(prop.scope.low), prop.span.line) for prop in contract.properties] == [
        ("good", "2", 5),
        ("causal1", "2", 6),
    ]
    assert contract.properties[0].span.text == "ensures good: n == 2"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_continued_lines_keep_the_places_of_the_source(end: str) -> None:
    lines = ["#@ ensures a: forall i: \\", "  #@   x[i] == \\   ", "#@ (y[i]  # why", "#@ ensures b: ) + 1"]
    ((first, message, _), (second, _, _)) = problems(end.join(lines))
    assert first == "p:3:9"
    assert "expected an operator or `)`" in message
    assert second == "p:4:15"


def test_a_continued_clause_is_one_clause() -> None:
    (prop,) = in_program("#@ ensures a: n == 1 or \\\n#@   n == 2 or \\\n#@ n == 3\n").properties
    assert prop.span.text.count("\n") == 2
    assert isinstance(prop.claim, Ensures)
    assert [part.span.line for part in prop.claim.condition.operands] == [1, 2, 3]  # type: ignore[union-attr]  # a disjunction


def test_no_string_reaches_across_lines() -> None:
    assert problems('#@ ensures n == "a\\\n#@ b"\n')[0][1] == "this string has no end"


@pytest.mark.parametrize("text", ["#@ ensures n == 1 \\", "#@ ensures n == 1 \\\nx = 1;", "#@ ensures n == 1 \\\n"])
def test_a_continuation_must_continue(text: str) -> None:
    ((place, message, _),) = problems(text)
    assert place == "p:1:19"
    assert "must be followed by" in message


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('ensures x[0] == "a # b"', 'ensures x[0] == "a # b"'),
        ('ensures x[0] == "a" # "b"', 'ensures x[0] == "a"'),
        ("ensures x in /a # b/ # c", "ensures x in /a # b/"),
        ('accepts n == 1 iff /["/] # "/ # no', 'accepts n == 1 iff /["/] # "/'),
        ("ensures n == 1 #", "ensures n == 1"),
        ("ensures n == 1\t# tab", "ensures n == 1"),
    ],
)
def test_comments_end_clauses_but_not_strings_or_patterns(text: str, kept: str) -> None:
    assert in_file(text).properties[0].span.text == kept


@pytest.mark.parametrize(
    ("line", "place", "hint"),
    [
        ("#@ ensure n == 1", "p:1:4", "did you mean `ensures`?"),
        ("#@ requiers n == 1", "p:1:4", "did you mean `requires`?"),
        ("#@ENSURES n == 1", "p:1:3", "did you mean `ensures`?"),
        ("#@ equivalent a == b", "p:1:4", "did you mean `equivariant`?"),
        ("#@ 3", "p:1:4", "clauses begin with"),
        ("# @ ensures n == 1", "p:1:1", "write `#@ ensures`"),
        ("# @ensure n == 1", "p:1:1", "write `#@ ensures`"),
        ("##@ ensures n == 1", "p:1:1", "write `#@ ensures`"),
        ('x = "#@"; #@ ensures n == 1', "p:1:11", "beginning with `#@`"),
    ],
)
def test_near_misses_are_errors(line: str, place: str, hint: str) -> None:
    ((found, _, suggestion),) = problems(line)
    assert found == place
    assert hint in suggestion


@pytest.mark.parametrize(
    "line", ["# ensures that it sorts", "# @author someone", "#", "x = 1; # see #@ ensures", 'y = "#@ ensures";', "#@"]
)
def test_ordinary_comments_and_strings_are_no_clauses(line: str) -> None:
    assert in_program(line).properties == ()


def test_the_mark_of_programs_has_no_place_in_a_file() -> None:
    ((place, _, hint),) = problems("\n #@ ensures n == 1", Carrier.FILE)
    assert place == "p:2:2"
    assert "without `#@`" in hint


def test_every_error_of_a_contract_is_reported_at_once() -> None:
    text = "#@ ensures a: (\n#@ enusres n\n#@ scope lengths=x\n#@ ensures a: n == 1\n#@ causal\n#@ expect a: provd\n"
    assert [place for place, _, _ in problems(text)] == ["p:1:16", "p:2:4", "p:3:18", "p:4:12", "p:5:10", "p:6:14"]


def test_names_are_given_and_unique() -> None:
    contract = in_file("ensures n == 1\nensures b: n == 2\nensures n == 3\ncover n == 1\nrequires n == 1\ncausal c: x")
    assert [prop.name for prop in contract.properties] == ["ensures1", "b", "ensures3", "cover1", "c"]
    ((place, message, hint),) = problems("ensures a: n == 1\nrequires a: n == 2\nensures n == 1", Carrier.FILE)
    assert place == "p:2:10"
    assert "two clauses named `a`" in message
    assert "p:1:9" in hint
    assert problems("ensures ensures2: n == 1\nensures n == 2", Carrier.FILE)[0][0] == "p:2:1"


def test_preconditions_hold_from_where_they_stand_to_the_next_scope() -> None:
    contract = in_file(
        "ensures a: n == 1\nrequires p: n == 1\nensures b: n == 1\nrequires q: n == 2\nensures c: n == 1\n"
        "scope lengths=3\nensures d: n == 1\n"
    )
    in_force = {prop.name: [requires.name for requires in prop.requires] for prop in contract.properties}
    assert in_force == {"a": [], "b": ["p"], "c": ["p", "q"], "d": []}
    assert [prop.scope.low for prop in contract.properties] == [1, 1, 1, 3]


def test_clauses_without_effect_are_warned_about() -> None:
    contract = in_file("scope lengths=2\nscope lengths=3\nensures n == 1\nrequires n == 1\n")
    found = [(d.span.line if d.span else 0, d.severity.value) for d in contract.warnings]
    assert found == [(1, "warning"), (4, "warning")]


def test_expectations_find_their_claims_wherever_they_stand() -> None:
    contract = in_file("expect a: refuted\nensures a: n == 1\nensures b: n == 2\nexpect x.no_error@2: unknown")
    assert [prop.expected for prop in contract.properties] == [Expected.REFUTED, Expected.PROVED]
    assert [(expect.name, expect.verdict) for expect in contract.expects] == [("x.no_error@2", Expected.UNKNOWN)]
    assert problems("ensures abc: n == 1\nexpect acb: refuted", Carrier.FILE)[0][2] == "did you mean `abc`?"
    assert "two expected" in problems("ensures a: n == 1\nexpect a: proved\nexpect a: proved", Carrier.FILE)[0][1]
    assert "NAME: VERDICT" in problems("expect a", Carrier.FILE)[0][1]


def claim_of(text: str) -> object:
    return in_file(text).properties[0].claim


def test_each_kind_of_claim() -> None:
    match claim_of('equiv same: a == "dir/b.rasp"::c'):
        case Equivalent(left=left, right=right):
            assert (str(left), right.path, right.id, str(right)) == ("a", "dir/b.rasp", "c", '"dir/b.rasp"::c')
        case other:
            raise AssertionError(other)
    match claim_of('accepts x[n - 1] == "T" iff shuffle_dyck("()", "[]")'):
        case Accepts(language=Dyck(pairs=pairs, shuffled=True, prefixes=False)):
            assert pairs == (("(", ")"), ("[", "]"))
        case other:
            raise AssertionError(other)
    match claim_of("accepts x[0] iff prefixes(/a[/]b/)"):
        case Accepts(language=Regex(pattern="a[/]b", prefixes=True)):
            pass
        case other:
            raise AssertionError(other)
    match claim_of("equivariant x under renaming"):
        case Invariance(symmetry=Symmetry.EQUIVARIANT, transform=Transform.RENAMING, padding=None):
            pass
        case other:
            raise AssertionError(other)
    for text, atom in [('"_"', "_"), ("-3", -3), ("0.5", 0.5), ("False", False)]:
        match claim_of(f"invariant x under padding {text}"):
            case Invariance(symmetry=Symmetry.INVARIANT, transform=Transform.PADDING, padding=found):
                assert (type(found), found) == (type(atom), atom)
            case other:
                raise AssertionError(other)
    assert isinstance(claim_of("causal x"), Causal)
    assert isinstance(claim_of("cover n == 1"), Cover)


def test_examples_give_characters_or_atoms() -> None:
    match claim_of('example x("a\\"b") == [1, 1 / 3]'):
        case Example(tokens=tokens, expected=expected):
            assert tokens == ("a", '"', "b")
            assert expected is not None
            assert expected.span.text == "[1, 1 / 3]"
        case other:
            raise AssertionError(other)
    match claim_of('example x(["if", -2, 0.5, True]) fails'):
        case Example(tokens=tokens, expected=None):
            assert tokens == ("if", -2, 0.5, True)
        case other:
            raise AssertionError(other)


def test_architectures_name_what_they_are_about() -> None:
    match claim_of("arch layers <= 2, heads <= 3, total heads <= 4"):
        case Architecture(target=None, limits=limits):
            assert [(limit.measure, limit.at_most) for limit in limits] == [
                (Measure.LAYERS, 2),
                (Measure.HEADS, 3),
                (Measure.TOTAL_HEADS, 4),
            ]
        case other:
            raise AssertionError(other)
    for text, stated in (
        ("arch layers <= 2", (1, "paper", None)),
        ("arch level 2, layers <= 2", (2, "paper", None)),
        ("arch layers <= 2, model transformer, level 1", (1, "transformer", None)),
        ('arch layers <= 2, class "count/all+indices"', (3, "paper", "count/all+indices")),
    ):
        match claim_of(text):
            case Architecture(level=level, model=model, cls=cls):
                assert (level, model, cls and cls.value) == stated
            case other:
                raise AssertionError(other)
    (about, named) = in_file("arch x: layers <= 1\narch small: x: heads <= 1").properties
    assert (about.name, named.name) == ("arch1", "small")
    assert all(isinstance(p.claim, Architecture) and str(p.claim.target) == "x" for p in (about, named))


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("invariant x under permutatoin", 19, "no transformation"),
        ("invariant x below reversal", 13, "expected `under`"),
        ("invariant x under padding", 19, "needs the atom"),
        ('invariant x under reversal "a"', 19, "takes no atom"),
        ('equivariant x under padding "a"', 13, "never equivariant"),
        ('equiv "a.rasp"::b == c', 7, "only the right side"),
        ('causal "a.rasp"::b', 8, "only the right side"),
        ('example x("") == []', 10, "empty input"),
        ('example x("a") succeeds', 16, "`fails`"),
        ("arch layers < 2", 13, "expected"),
        ("arch layer <= 2", 6, "no measure `layer`"),
        ("arch layers <= 2, level 3", 25, "no level `3`"),
        ("arch layers <= 2, model 1", 25, "no model `1`"),
        ("arch layers <= 2, class count", 25, "no class `count`"),
        ("arch layers <= 2, modle paper", 19, "expected `<=` after `modle`"),
        ("arch layers <= 2, level 2, level 2", 28, "named twice"),
        ('arch layers <= 2, level 2, class "count"', 28, "stands for level 3"),
        ("arch level 2", 6, "no limit"),
        ("accepts n == 1 iff n == 2", 20, "expected"),
        ("accepts n == 1 <=> /a/", 20, "expected an expression"),
    ],
)
def test_malformed_claim_is_refused_where_it_is_wrong(text: str, column: int, message: str) -> None:
    ((place, found, _),) = problems(text, Carrier.FILE)
    assert place == f"p:1:{column}"
    assert message in found


@given(st.text(alphabet='#@ \\\n\t"/()[].<=>:,ensurqcopl iff forall i0123456789', max_size=120))
def test_any_text_is_a_contract_or_a_diagnosed_error(text: str) -> None:
    for carrier in Carrier:
        source = Source("p", text)
        found: tuple[Diagnostic, ...] = ()
        try:
            contract = read_contract(source, carrier)
        except PropertyError as error:
            found = error.diagnostics
        else:
            found = contract.warnings
            assert all(prop.span.source is source for prop in contract.properties)
        for problem in found:
            assert problem.span is not None
            assert 0 <= problem.span.start <= problem.span.end <= len(text)
            assert problem.render()
