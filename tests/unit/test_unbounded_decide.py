"""Properties for all lengths: what is proved, what is refuted by a short input, and what is left open."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from spec.diagnostics import InternalError
from spec.elaborate import elaborate
from spec.property.ast import Carrier
from spec.property.bind import bind
from spec.property.bound import BoundProperty
from spec.property.contract import read_contract
from spec.property.evaluate import Checker, Status
from spec.source import Source
from verifier.check import Asked, Options, check
from verifier.engine import Limits, Query, Reason, Undecided
from verifier.portfolio import Finding, decide
from verifier.report.result import Result, from_json, to_json
from verifier.unbounded import solve
from verifier.unbounded.claim import Claimed, Obligation, any_letters, claimed, listed_letters
from verifier.unbounded.invariant import Invariant, Mode
from verifier.unbounded.linear import TRUE, Formula, Linear, Unsupported, at_most, constant, equal, holds, total
from verifier.unbounded.machine import Machine, State, before, memory, numbering
from verifier.unbounded.prove import Proof, conditions, prove
from verifier.unbounded.recheck import recheck
from verifier.unbounded.solve import Solver
from verifier.verdict import EveryLength, Proved, Refuted, Unknown, Verdict

DYCK = """
p = select(indices, indices, <=);
opened = aggregate(p, indicator(tokens == "("));
closed = aggregate(p, indicator(tokens == ")"));
below = aggregate(p, indicator(closed > opened)) > 0;
d = "F" if below else ("T" if opened == closed else "P");
"""
SHIFTED = DYCK.replace("closed > opened", "closed >= opened")
ONES = 'p = select(indices, indices, <=); ones = round((indices + 1) * aggregate(p, indicator(tokens == "1")));'
DOUBLE = """
same = select(tokens, tokens, ==);
first = not has_focus(same and select(indices, indices, <));
h = selector_width(same);
hh = selector_width(select(h, h, ==) and select(first, True, ==));
"""
SORTED = """
late = has_focus(select(tokens, "b", ==) and select(indices, indices, <)) and tokens == "a";
wrong = aggregate(select(indices, indices, <=), indicator(late)) > 0;
"""
SHALLOW = """
p = select(indices, indices, <=);
d = selector_width(p and select(tokens, "a", ==)) - selector_width(p and select(tokens, "b", ==));
beyond = selector_width(p and select(d < 0 or d > 3, True, ==));
q = beyond == 0 and d == 0;
"""


def bound(program: str, scope: str, clause: str) -> BoundProperty:
    text = f"#@ scope lengths={scope}\n#@ {clause}\n"
    source = Source("x.rasp", program + "\n" + text)
    contract = read_contract(Source("x.prop", text.replace("#@ ", "")), Carrier.FILE)
    return bind(contract, lambda _path, numbers: elaborate(source, numbers)).properties[0]


def verdict(program: str, scope: str, clause: str) -> Verdict:
    return check(bound(program, scope, clause), Options())


PROVED = [
    ("reverse", "r = aggregate(select(indices, length - 1 - indices, ==), tokens);", "any alphabet=abc",
     "ensures x: forall i: r[i] == tokens[n - 1 - i]"),
    ("reverse of reverse",
     "m = select(indices, length - 1 - indices, ==); r = aggregate(m, aggregate(m, tokens));", "any alphabet=ab",
     "ensures x: all(r == tokens)"),
    ("integers", "r = aggregate(select(indices, length - 1 - indices, ==), tokens_asis);", "any integers=any",
     "ensures x: forall i: r[n - 1 - i] == tokens_asis[i]"),
    ("rotate", "r = aggregate(select(indices, (indices - 1) % length, ==), tokens);", "any alphabet=ab",
     "ensures x: forall i: r[(i + 1) % n] == tokens[i]"),
    ("histogram", "h = selector_width(select(tokens, tokens, ==));", "any alphabet=abc",
     "ensures x: forall i: h[i] == count(tokens, tokens[i])"),
    ("double histogram", DOUBLE, "any alphabet=ab", "ensures x: forall i: hh[i] * h[i] == count(h, h[i])"),
    ("majority", 'm = aggregate(full_s, indicator(tokens == "1")) > 1 / 2;', "any alphabet=01",
     'ensures x: forall i: m[i] <=> 2 * count(tokens, "1") > n'),
    ("Dyck-1", DYCK, 'any alphabet="()"', 'accepts x: d[n - 1] == "T" iff dyck("()")'),
    ("parity", ONES + "q = ones % 2;", "any alphabet=01", "accepts x: q[n - 1] == 1 iff /(0*10*1)*0*10*/"),
    ("seen before", "s = has_focus(select(tokens, tokens, ==) and select(indices, indices, <));", "any alphabet=ab",
     "ensures x: forall i: s[i] <=> exists j in 0..i-1: tokens[j] == tokens[i]"),
    ("an a before", 'p = select(indices, indices, <=); s = has_focus(p and select(tokens, "a", ==));',
     "any alphabet=ab", "accepts x: s[n - 1] iff /.*a.*/"),
    ("a* b*", SORTED, "any alphabet=ab", "accepts x: not wrong[n - 1] iff /a*b*/"),
    ("depth at most 3", SHALLOW, "any alphabet=ab", "accepts x: q[n - 1] iff /(a(a(ab)*b)*b)*/"),
    ("causal", ONES, "any alphabet=01", "causal x: ones"),
    ("from a length on", "r = 1 / (length - 1);", "2..any alphabet=ab", "ensures x: forall i: r[i] * (n - 1) == 1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "program", "scope", "clause"), PROVED, ids=[case[0] for case in PROVED])
def test_proved_for_every_length(name: str, program: str, scope: str, clause: str) -> None:
    found = verdict(program, scope, clause)
    assert isinstance(found, Proved), (name, found)
    assert found.every is not None
    assert "interpreter" in found.every.checked_by[0]


REFUTED = [
    ("reverse", "r = aggregate(select(indices, length - indices, ==), tokens, \"-\");", "any alphabet=ab",
     "ensures x: forall i: r[i] == tokens[n - 1 - i]"),
    ("histogram", "h = selector_width(select(tokens, tokens, ==) and select(indices, indices, <=));",
     "any alphabet=ab", "ensures x: forall i: h[i] == count(tokens, tokens[i])"),
    ("double histogram", DOUBLE.replace(" and select(first, True, ==)", ""), "any alphabet=ab",
     "ensures x: forall i: hh[i] * h[i] == count(h, h[i])"),
    ("majority", 'm = aggregate(full_s, indicator(tokens == "1")) >= 1 / 2;', "any alphabet=01",
     'ensures x: forall i: m[i] <=> 2 * count(tokens, "1") > n'),
    ("Dyck-1", SHIFTED, 'any alphabet="()"', 'accepts x: d[n - 1] == "T" iff dyck("()")'),
    ("parity", ONES + "q = ones % 2;", "any alphabet=01", "accepts x: q[n - 1] == 0 iff /(0*10*1)*0*10*/"),
    ("seen before", "s = has_focus(select(tokens, tokens, ==) and select(indices, indices, <=));", "any alphabet=ab",
     "ensures x: forall i: s[i] <=> exists j in 0..i-1: tokens[j] == tokens[i]"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "program", "scope", "clause"), REFUTED, ids=[case[0] for case in REFUTED])
def test_wrong_variants_are_refuted_by_a_short_input(name: str, program: str, scope: str, clause: str) -> None:
    found = verdict(program, scope, clause)
    assert isinstance(found, Refuted), (name, found)
    assert found.witness is not None
    assert found.witness.least


LATE = [
    ("a finite-state program",
     's = selector_width(select(indices, indices, <=) and select(tokens, "a", ==)) % 7;', "any alphabet=ab",
     "accepts x: s[n - 1] == 0 iff /b*/", 7),
    ("a length", "x = indices;", "any alphabet=ab", "ensures x: forall i: x[i] < 9", 10),
    ("a count", ONES, "any alphabet=01", "ensures x: forall i: ones[i] < 8", 8),
    ("a language", ONES, "any alphabet=01", "accepts x: ones[n - 1] < 7 iff /(0*1){0,9}0*/", 7),
    ("a gather", "r = aggregate(select(indices, (indices - 8) % length, ==), tokens);", "any alphabet=ab",
     "ensures x: n > 6 => all(r == tokens)", 7),
    ("doubles", "x = indices;", "any alphabet=ab numbers=ieee", "ensures x: forall i: x[i] < 6", 7),
]  # fmt: skip


@pytest.mark.parametrize(("name", "program", "scope", "clause", "length"), LATE, ids=[case[0] for case in LATE])
def test_what_is_false_later_is_refuted_by_a_shortest_input(
    name: str, program: str, scope: str, clause: str, length: int
) -> None:
    prop = bound(program, scope, clause)
    found = check(prop, Options())
    assert isinstance(found, Refuted), (name, found)
    assert found.witness is not None
    assert len(found.witness.word) == length
    assert [closed.length for closed in found.closed] == list(range(1, length))
    checker, symbols = Checker(prop), prop.property.scope.symbols
    assert checker.check(found.witness.word).status is Status.FAILS
    shorter = (word for n in range(1, length) for word in product(symbols, repeat=n))
    assert all(checker.check(word).status is not Status.FAILS for word in shorter)


def test_an_input_that_shows_something_is_searched_for_among_longer_ones() -> None:
    found = verdict(ONES, "any alphabet=01", "cover x: ones[n - 1] == 7")
    assert isinstance(found, Proved), found
    assert found.witness is not None
    assert found.witness.word == ("1",) * 7


def test_where_a_short_length_is_open_no_longer_one_is_searched() -> None:
    prop = bound("x = indices;", "any alphabet=ab", "ensures x: forall i: x[i] < 9")

    def hesitant(query: Query, _about: Asked, _wall_s: float, /) -> Finding:
        return Finding(Undecided(Reason.WALL) if query.length == 3 else decide(query, "auto", Limits()).answer, "it")

    found = check(prop, Options(), hesitant)
    assert isinstance(found, Unknown), found
    assert "a short length is open" in found.detail
    assert [closed.length for closed in found.closed] == [1, 2]


OPEN = [
    # False, but only for inputs that are longer than what is searched.
    ("a gather", "r = aggregate(select(indices, (indices - 18) % length, ==), tokens);", "any alphabet=ab",
     "ensures x: n > 18 => all(r == tokens)"),
    ("an error", "r = 1 / (length - 19);", "any alphabet=ab", "ensures x: n > 0 and r[0] == r[n - 1]"),
    ("doubles", "x = indices;", "any alphabet=ab numbers=ieee", "ensures x: forall i: x[i] == i"),
    ("not expressible", "x = indices * indices;", "any alphabet=ab", "ensures x: forall i: x[i] >= i"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "program", "scope", "clause"), OPEN, ids=[case[0] for case in OPEN])
def test_what_is_false_far_out_or_not_expressible_is_not_proved(
    name: str, program: str, scope: str, clause: str
) -> None:
    found = verdict(program, scope, clause)
    assert isinstance(found, Unknown), (name, found)
    assert [closed.length for closed in found.closed] == list(range(1, 17))


def test_a_precondition_restricts_the_inputs() -> None:
    program = 'm = aggregate(full_s, indicator(tokens == "1"));'
    clause = 'requires some: count(tokens, "1") > 0\n#@ ensures x: forall i: m[i] > 0'
    found = verdict(program, "any alphabet=01", clause)
    assert isinstance(found, Proved), found


def test_a_proof_for_all_lengths_crosses_a_process_boundary() -> None:
    prop = bound(PROVED[4][1], PROVED[4][2], PROVED[4][3])
    every = EveryLength("by counting", ("x <= y",), 3, ("the interpreter",))
    shown = Result("a.rasp", 1, 1, "x", "ensures", "..", prop.property.scope, Proved(prop.property.scope, every=every))
    assert from_json(to_json(shown)) == shown


def test_a_proof_for_all_lengths_needs_a_second_look_and_an_endless_scope() -> None:
    prop = bound(PROVED[4][1], PROVED[4][2], PROVED[4][3])
    with pytest.raises(InternalError):
        EveryLength("by counting", (), 3, ())
    with pytest.raises(InternalError):
        Proved(prop.property.scope)
    bounded = bound(PROVED[4][1], "1..3 alphabet=ab", PROVED[4][3]).property.scope
    with pytest.raises(InternalError):
        Proved(bounded, every=EveryLength("by counting", (), 3, ("the interpreter",)))


# --- forged proofs ------------------------------------------------------------------------------------------------


def forgery(*facts: Formula) -> tuple[BoundProperty, Claimed, Proof]:
    """A proof of Dyck-1 with an invariant of one mode."""
    prop = bound(DYCK, 'any alphabet="()"', 'accepts x: d[n - 1] == "T" iff dyck("()")')
    claim = claimed(prop, listed_letters(prop))
    following = {(0, letter): (0,) for letter in claim.symbolic.letters}
    return prop, claim, Proof((), tuple(claim.obligations), Invariant((Mode(TRUE, facts),), following))


def test_a_forged_invariant_is_rejected() -> None:
    prop, claim, forged = forgery(equal(memory(0)))
    with pytest.raises(InternalError):
        recheck(prop, claim, forged, deadline=1e12)


def test_a_proof_of_another_property_that_only_longer_words_violate_is_rejected() -> None:
    program = "x = selector_width(select(tokens, tokens, ==));"
    proved = bound(program, "any alphabet=ab", "ensures forall i: x[i] >= 1")
    claim = claimed(proved, listed_letters(proved))
    proof = Proof(tuple(claim.obligations), ())
    assert recheck(proved, claim, proof, deadline=1e12).longer > 0
    wrong = bound(program, "any alphabet=ab", "ensures forall i: x[i] <= 8")
    with pytest.raises(InternalError, match="violates it"):
        recheck(wrong, claim, proof, deadline=1e12)


def test_an_invariant_that_is_not_kept_is_rejected_although_no_short_run_breaks_it() -> None:
    prop, claim, forged = forgery(at_most(memory(2).plus(-30)))
    with pytest.raises(InternalError, match="disagree"):
        recheck(prop, claim, forged, deadline=1e12)


def test_an_obligation_with_a_solution_is_rejected() -> None:
    prop = bound(PROVED[6][1], PROVED[6][2], PROVED[6][3])
    claim = claimed(prop, listed_letters(prop))
    far = at_most(constant(20) - Linear.variable(next(iter(claim.symbolic.position().variables))))
    with pytest.raises(InternalError):
        recheck(prop, claim, Proof((Obligation("never far", 0, far),)), deadline=1e12)


def damaged(found: Invariant, machine: Machine) -> Iterator[Invariant]:
    """The invariant with a fact that is false far out, or with a way from mode to mode too few."""
    numbers = [numbering(state, machine.letters) for state in far(machine)]
    for k, mode in enumerate(found.modes):
        fact = at_most(total(before(letter) for letter in range(machine.letters)).plus(-40))
        if any(holds(mode.formula, state) and not holds(fact, state) for state in numbers):
            more = replace(mode, facts=(*mode.facts, fact))
            yield replace(found, modes=(*found.modes[:k], more, *found.modes[k + 1 :]))
    for edge, targets in found.following.items():
        for target in targets:
            yield replace(found, following={**found.following, edge: tuple(t for t in targets if t != target)})


def far(machine: Machine) -> Iterator[State]:
    """The states of long words, each letter mostly the same."""
    for favourite, other in product(range(machine.letters), repeat=2):
        state = machine.initial()
        for position in range(60):
            state = machine.step(state, other if position % 9 == 8 else favourite)
            yield state


@pytest.mark.parametrize("case", ["Dyck-1", "parity", "a* b*", "depth at most 3"])
def test_a_damaged_invariant_is_rejected(case: str) -> None:
    _, program, scope, clause = next(one for one in PROVED if one[0] == case)
    prop = bound(program, scope, clause)
    claim = claimed(prop, listed_letters(prop))
    proof = prove(claim, 1e12)
    assert proof.invariant is not None
    assert recheck(prop, claim, proof, deadline=1e12).solved == 0
    spoiled = list(damaged(proof.invariant, claim.symbolic.machine))
    assert len(spoiled) > 4
    solver = Solver()
    for forged in spoiled:
        needs = conditions(claim.symbolic, replace(proof, invariant=forged))
        assert any(solver.possible(need.formulas[-1]) for need in needs)
    with pytest.raises(InternalError):
        recheck(prop, claim, replace(proof, invariant=spoiled[0]), deadline=1e12)


def test_tokens_that_are_compared_need_their_letters() -> None:
    prop = bound(PROVED[4][1], PROVED[4][2], PROVED[4][3])
    with pytest.raises(Unsupported):
        prove(claimed(prop, any_letters(prop)), 1e12)


@pytest.mark.parametrize("limit", ["MAX_MEMORY", "MAX_QUESTIONS"])
def test_a_proof_that_needs_too_much_is_given_up(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, program, scope, clause = next(one for one in PROVED if one[0] == "parity")
    prop = bound(program, scope, clause)
    monkeypatch.setattr(solve, limit, 1)
    with pytest.raises(Unsupported, match="memory" if limit == "MAX_MEMORY" else "questions"):
        prove(claimed(prop, listed_letters(prop)), 1e12)
