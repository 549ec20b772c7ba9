"""The states that a claim can tell apart: all of them, how deep they are, and what follows for bounded checks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from random import Random
from time import monotonic

import pytest

from spec.diagnostics import InternalError
from spec.property.evaluate import Checker, Status
from tests.unit.test_unbounded_attack import case
from tests.unit.test_unbounded_decide import ONES, PROVED, bound, verdict
from verifier.check import Options, check
from verifier.engine import Limits, Reason
from verifier.unbounded import decide, prove, quotient, solve
from verifier.unbounded.claim import claimed, listed_letters
from verifier.unbounded.decide import Suspect, all_lengths
from verifier.unbounded.invariant import Mode
from verifier.unbounded.linear import (
    FALSE,
    TRUE,
    Formula,
    Linear,
    Place,
    Sort,
    Unsupported,
    Variable,
    at_most,
    conjunction,
    disjunction,
    divisible,
    equal,
    holds,
    negation,
    variables,
)
from verifier.unbounded.machine import Machine, Update, before, final, in_all, memory, numbering
from verifier.unbounded.quotient import Explored, Question, Word, explore, questions
from verifier.unbounded.recheck import evaluated, recheck
from verifier.verdict import Proved, Refuted, States, Unknown, Vacuous

SOON = 1e12
LETTERS = 2

# ------------------------------------------------------------------------------------------------ random machines


def random_condition(rng: Random, terms: Sequence[Linear], depth: int = 2) -> Formula:
    """Comparisons of a few terms with constants, and remainders, put together."""
    if depth == 0 or rng.random() < 0.4:
        term = rng.choice(terms).times(rng.choice((1, 1, -1))).plus(rng.randint(-3, 3))
        return rng.choice((at_most, equal, lambda it: divisible(it, rng.randint(2, 4))))(term)
    parts = [random_condition(rng, terms, depth - 1) for _ in range(2)]
    return rng.choice((conjunction, disjunction, lambda both: negation(both[0])))(parts)


def random_machine(rng: Random) -> Machine:
    """Up to three registers: some grow, some count modulo, some copy another one."""
    machine = Machine(LETTERS)
    for number in range(rng.randint(0, 3)):
        terms = [before(0), before(1), *(memory(k) for k in range(number + 1))]
        updates: list[Update] = []
        for _ in range(LETTERS):
            guard = random_condition(rng, terms, 1)
            options = [memory(number), memory(number).plus(rng.randint(1, 2)), Linear((), rng.randint(0, 3))]
            options += [memory(rng.randrange(number)).plus(rng.randint(0, 1))] if number else []
            updates.append(((guard, rng.choice(options)), (negation(guard), rng.choice(options))))
        machine.custom(("random", number), "random", rng.randint(0, 2), updates)
    return machine


def random_questions(rng: Random, machine: Machine) -> list[Question]:
    registers = range(len(machine.registers))
    here = [before(0), before(1), before(0) + before(1), *map(memory, registers)]
    end = [in_all(0), in_all(1), *map(final, registers)]
    found = []
    for _ in range(rng.randint(1, 2)):
        rare = conjunction([random_condition(rng, here), random_condition(rng, here)])
        last = rng.random() < 0.4
        if last or rng.random() < 0.3:
            rare = conjunction([rare, random_condition(rng, end, 1)])
        found.append(Question(rng.randrange(LETTERS), rare, last))
    return found


def concrete(machine: Machine, asked: Sequence[Question], word: Word) -> bool:
    """Whether some question has the answer yes on the word: the machine runs, nothing is abstracted."""
    states = [machine.initial()]
    for letter in word:
        states.append(machine.step(states[-1], letter))
    ended = {
        Variable(Sort.TOTAL if v.sort is Sort.BEFORE else Sort.FINAL, v.number, Place.NONE): value
        for v, value in numbering(states[-1], LETTERS).items()
    }
    return any(
        holds(one.condition, {**numbering(states[at], LETTERS), **ended})
        for at, letter in enumerate(word)
        for one in asked
        if one.letter == letter and (at == len(word) - 1 or not one.last)
    )


def shortest(machine: Machine, asked: Sequence[Question], low: int, longest: int) -> int | None:
    for length in range(max(low, 1), longest + 1):
        if any(concrete(machine, asked, word) for word in product(range(LETTERS), repeat=length)):
            return length
    return None


def compare_random_machines(seeds: range) -> dict[str, int]:
    """The shortest word that is found against all words up to 8 letters; how much was compared, how much disagrees."""
    tally = dict.fromkeys(("explored", "found", "at the end", "none", "deep", "in pairs", "wrong"), 0)
    for seed in seeds:
        rng = Random(f"machine {seed}")
        machine, low = random_machine(rng), rng.choice((0, 1, 1, 3))
        asked = random_questions(rng, machine)
        try:
            found = explore(machine, asked, low, SOON)
        except Unsupported:
            continue
        tally["explored"] += 1
        longest = min(8, found.complete + 2)
        least = shortest(machine, asked, low, longest)
        word = found.found
        if word is None or len(word) > longest:
            tally["wrong"] += least is not None
        else:
            tally["wrong"] += least != len(word) or len(word) > found.complete or not concrete(machine, asked, word)
        tally["found"] += word is not None
        tally["none"] += word is None
        tally["deep"] += found.deepest > 3
        tally["at the end"] += word is not None and len(word) == found.complete > 2
        tally["in pairs"] += any(not one.last and any(v.sort is Sort.TOTAL for v in _variables(one)) for one in asked)
    return tally


def _variables(one: Question) -> Iterator[Variable]:
    return iter(variables(one.condition))


def test_random_machines_are_told_apart_as_finely_as_it_takes() -> None:
    tally = compare_random_machines(range(70))
    assert tally["wrong"] == 0, tally
    assert min(tally["found"], tally["none"], tally["deep"]) > 10, tally
    assert min(tally["at the end"], tally["in pairs"]) > 1, tally


@pytest.mark.slow
def test_many_random_machines_are_told_apart_as_finely_as_it_takes() -> None:
    assert compare_random_machines(range(70, 6_000))["wrong"] == 0


@pytest.mark.parametrize("fault", ["too coarse", "no remainders", "one more"])
def test_the_comparison_would_notice(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms that are not seen more finely because of what becomes of them, or that are cut too low, or not at all."""
    refine, standing = quotient._Term.refine, quotient._Term.standing

    def coarse(self: quotient._Term, low: float, high: float, modulus: int) -> bool:
        return False if self.refined else refine(self, low, high, modulus)

    def forgetful(self: quotient._Term, low: float, high: float, _modulus: int) -> bool:
        return refine(self, low, high, 1)

    def low(self: quotient._Term, value: int) -> int:
        return standing(self, value - 1 if 0 < value == self.high else value)

    if fault == "one more":
        monkeypatch.setattr(quotient._Term, "standing", low)
    else:
        monkeypatch.setattr(quotient._Term, "refine", coarse if fault == "too coarse" else forgetful)
    assert compare_random_machines(range(40))["wrong"] > 1


# ------------------------------------------------------------------------------------------------ programs


def explored(program: str, scope: str, clause: str) -> Explored:
    prop = bound(program, scope, clause)
    symbolic = listed_letters(prop)
    claim = claimed(prop, symbolic)
    return explore(symbolic.machine, questions(claim.obligations), prop.property.scope.low, SOON)


@pytest.mark.parametrize("wrong_at", [2, 3, 5, 7])
def test_the_shortest_counterexample_can_be_as_long_as_the_length_that_is_complete(wrong_at: int) -> None:
    clause = f'ensures x: forall i: not (tokens[i] == "1" and ones[i] % {wrong_at} == 0)'
    found = explored(ONES, "any alphabet=01", clause)
    assert found.found is not None
    assert len(found.found) == found.complete == found.deepest + 1 == wrong_at
    prop = bound(ONES, f"1..{wrong_at} alphabet=01", clause)
    checker = Checker(prop)
    for length in range(1, wrong_at):
        assert all(checker.check(word).status is Status.HOLDS for word in product("01", repeat=length))
    assert checker.check(tuple("01"[letter] for letter in found.found)).status is Status.FAILS


@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, 300), marks=pytest.mark.slow)])
def test_a_bounded_check_up_to_that_length_is_the_answer_for_every_length(seeds: range) -> None:
    """Random programs and claims: the interpreter on all inputs that complete the check, and on longer ones."""
    tally = {"holds": 0, "fails": 0}
    for seed in seeds:
        for prop in case(seed)[1]:
            try:
                symbolic = listed_letters(prop)
                symbolic.domain.solver.deadline = monotonic() + 5
                claim, low = claimed(prop, symbolic), prop.property.scope.low
                found = explore(symbolic.machine, questions(claim.obligations), low, monotonic() + 5)
            except Unsupported:
                continue
            symbols, checker = prop.property.scope.symbols, Checker(prop)
            least = None
            for length in range(low, min(found.complete + 1, 7 if len(symbols) < 3 else 5) + 1):
                words = product(symbols, repeat=length)
                if any(checker.check(word).status is Status.FAILS for word in words):
                    least = length
                    break
            expected = None if found.found is None else len(found.found)
            assert least == expected or (least is None and expected is not None and expected > length), seed
            assert expected is None or expected <= found.complete
            tally["holds" if expected is None else "fails"] += 1
    assert min(tally.values()) > 1, tally


@pytest.mark.parametrize("name", ["parity", "an a before"])
def test_the_verdict_says_which_lengths_are_complete(name: str) -> None:
    _, program, scope, clause = next(one for one in PROVED if one[0] == name)
    found = verdict(program, scope, clause)
    assert isinstance(found, Proved)
    assert found.every is not None
    states = found.every.states
    assert states is not None
    assert states.complete == states.deepest + 1
    assert f"checking n ≤ {states.complete} is complete" in str(states)
    number = sum(2**length for length in range(1, states.complete + 1))
    said = f"the interpreter, all {number} inputs up to n = {states.complete}, which is complete"
    assert said in found.every.checked_by
    for high, notes in ((states.complete, (f"longer inputs show nothing new: {states}",)), (states.complete - 1, ())):
        bounded = check(bound(program, scope.replace("any", f"1..{high}", 1), clause), Options())
        assert isinstance(bounded, Proved)
        assert bounded.notes == notes


@pytest.mark.parametrize(
    ("scope", "clause"),
    [
        ("1..4 alphabet=01", "ensures x: forall i: ones[i] < 5"),
        ("1..9 alphabet=01", 'ensures x: forall i: count(tokens[0..i], "1") == ones[i]'),
        ("1..9 alphabet=01 numbers=ieee", "ensures x: forall i: ones[i] % 2 < 2"),
    ],
    ids=["fails at length 5", "nothing is told apart", "doubles"],
)
def test_a_bounded_proof_does_not_say_that_it_is_complete_where_it_is_not_known(scope: str, clause: str) -> None:
    found = check(bound(ONES, scope, clause), Options())
    assert isinstance(found, Proved)
    assert not any("nothing new" in note for note in found.notes)


# ------------------------------------------------------------------------------------------------ proofs by states


@pytest.mark.parametrize("name", ["parity", "a* b*"])
def test_the_list_of_states_is_a_proof_where_nothing_else_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "invariants", lambda *_: iter(()))
    _, program, scope, clause = next(one for one in PROVED if one[0] == name)
    found = all_lengths(bound(program, scope, clause), 60.0)
    assert isinstance(found, Proved)
    assert found.every is not None
    assert found.every.states is not None
    assert len(found.every.invariant) == found.every.states.number
    assert len(found.every.checked_by) > 1


def test_a_proof_of_what_is_false_does_not_pass_the_interpreter() -> None:
    """Whatever the proof says: up to the length that is complete, every input is evaluated."""
    prop = bound(ONES, "any alphabet=01", "ensures x: forall i: ones[i] < 5")
    assert "all 30 inputs" in evaluated(prop, 4, SOON)[0]
    with pytest.raises(InternalError, match="violates it"):
        evaluated(prop, 5, SOON)
    assert evaluated(prop, 30, SOON) == ()
    assert evaluated(prop, 4, 0.0) == ()


def test_a_list_that_lacks_a_state_is_no_proof() -> None:
    _, program, scope, clause = next(one for one in PROVED if one[0] == "a* b*")
    prop = bound(program, scope, clause)
    claim = claimed(prop, listed_letters(prop))
    right = explore(claim.symbolic.machine, questions(claim.obligations), 1, SOON)
    for number in range(1, len(right.states)):
        states = tuple(FALSE if k == number else one for k, one in enumerate(right.states))
        wrong = Explored(states, right.following, right.deepest, right.complete, None)
        with pytest.raises(Unsupported, match="do not show"):
            prove.by_states(claim, wrong, SOON)
    with pytest.raises(Unsupported, match="do not show"):
        prove.by_states(claim, Explored((TRUE,), {(0, 0): 0, (0, 1): 0}, 0, 1, None), SOON)
    proof = prove.by_states(claim, right, SOON)
    assert proof.invariant is not None
    unborn = replace(proof.invariant, modes=(Mode(FALSE, ()), *proof.invariant.modes[1:]))
    with pytest.raises(InternalError, match="before the first letter"):
        recheck(prop, claim, replace(proof, invariant=unborn), SOON)


FAR = [
    ("a length", "x = indices;", "ensures x: forall i: x[i] < 19", 20),
    ("a count", ONES.replace('"1"', '"a"'), "ensures x: forall i: ones[i] < 18", 18),
    ("at the end", ONES.replace('"1"', '"a"'), "ensures x: ones[n - 1] != 21", 21),
]


@pytest.mark.parametrize(("name", "program", "clause", "length"), FAR, ids=[one[0] for one in FAR])
def test_an_input_that_the_states_lead_to_is_replayed(name: str, program: str, clause: str, length: int) -> None:
    """It is farther out than what is searched, and so nothing is said of its being the first."""
    prop = bound(program, "any alphabet=ab", clause)
    found = check(prop, Options())
    assert isinstance(found, Refuted), (name, found)
    assert found.witness is not None
    assert len(found.witness.word) == length
    assert not found.witness.least
    assert Checker(prop).check(found.witness.word).status is Status.FAILS


def test_an_input_that_is_too_long_to_be_shown_is_not_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.check.LONGEST", 17)
    found = check(bound(FAR[1][1], "any alphabet=ab", FAR[1][2]), Options())
    assert isinstance(found, Unknown)
    assert found.reason is Reason.SIZE
    assert "of length 18, which was not replayed" in found.detail


def test_a_suspect_that_is_innocent_refutes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.check.all_lengths", lambda *_: Suspect(("0", "1")))
    found = check(bound(ONES, "any alphabet=01", "ensures x: forall i: ones[i] <= i + 1"), Options())
    assert isinstance(found, Unknown)
    assert "no counterexample" in found.detail


# ------------------------------------------------------------------------------------------------ reasons


def test_a_proof_that_had_no_time_or_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    _, program, scope, clause = next(one for one in PROVED if one[0] == "Dyck-1")
    prop = bound(program, scope, clause)
    late = all_lengths(prop, 0.0)
    assert isinstance(late, Unknown)
    assert late.reason is Reason.WALL
    found = check(prop, Options(limits=Limits(wall_s=0.2)))
    assert isinstance(found, Unknown)
    assert found.reason is Reason.WALL, found
    monkeypatch.setattr(solve, "MAX_QUESTIONS", 1)
    large = all_lengths(prop, 60.0)
    assert isinstance(large, Unknown)
    assert large.reason is Reason.MEMORY
    monkeypatch.undo()
    monkeypatch.setattr(solve, "MAX_MEMORY", 1)
    assert getattr(all_lengths(prop, 60.0), "reason", None) is Reason.MEMORY
    monkeypatch.undo()
    never = all_lengths(bound("x = indices * indices;", "any alphabet=ab", "ensures x: forall i: x[i] >= i"), 60.0)
    assert isinstance(never, Unknown)
    assert never.reason is Reason.UNSUPPORTED


# ------------------------------------------------------------------------------------------------ preconditions

HOLDS = "ensures x: forall i: ones[i] >= 0"


def test_preconditions_that_no_input_of_any_length_meets_are_vacuous() -> None:
    clause = f"requires odd: ones[n - 1] % 2 == 1\n#@ requires four: ones[n - 1] % 4 == 0\n#@ {HOLDS}"
    found = verdict(ONES, "any alphabet=01", clause)
    assert isinstance(found, Vacuous), found
    assert "4 states, the deepest is reached after 3 symbols: checking n ≤ 4 is complete" in found.detail
    assert "`odd` and `four` exclude each other" in found.detail


def test_preconditions_that_only_long_inputs_meet_are_not_vacuous() -> None:
    found = verdict(ONES, "any alphabet=01", f'requires many: count(tokens, "1") == 12\n#@ {HOLDS}')
    assert isinstance(found, Proved), found


def test_preconditions_that_have_too_many_states_stay_open() -> None:
    clause = f'requires many: count(tokens, "1") > 2 * count(tokens, "0") + 30\n#@ {HOLDS}'
    found = verdict(ONES, "any alphabet=01", clause)
    assert isinstance(found, Unknown)
    assert "no short input satisfies the preconditions" in found.detail


@pytest.mark.parametrize("requires", ["r[n - 1] > 0", "exists i: r[i] > 0"])
def test_preconditions_that_may_fail_stay_open(requires: str) -> None:
    """They are positive after eight ones, but an input with so many has failed at the seventh."""
    program = f"{ONES} r = 1 / (ones - 7);"
    found = verdict(program, "any alphabet=01", f"requires q: {requires}\n#@ ensures x: forall i: r[i] < 9")
    assert isinstance(found, Unknown), found


def test_an_input_that_was_to_meet_preconditions_is_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.check.satisfying", lambda *_: ("0",))
    clause = f"requires many: ones[n - 1] == 7\n#@ {HOLDS}"
    with pytest.raises(InternalError, match="was to satisfy"):
        verdict(ONES, "any alphabet=01", clause)
    monkeypatch.setattr("verifier.check.satisfying", lambda *_: States(8, 7, 8))
    with pytest.raises(InternalError, match="no input was to satisfy"):
        verdict(ONES, "any alphabet=01", clause)


@pytest.mark.parametrize("low", [1, 4])
def test_short_inputs_do_not_count_where_the_scope_begins_later(low: int) -> None:
    """One symbol is met by inputs of one letter only: those from length 4 on have more."""
    found = decide.satisfying(
        bound(ONES, f"{low}..any alphabet=01", f"requires one: ones[n - 1] == n and n < 4\n#@ {HOLDS}"), 30.0
    )
    assert isinstance(found, States) is (low == 4), found


def test_states_as_text() -> None:
    assert str(States(1, 0, 1)) == "1 state, the deepest is reached after 0 symbols: checking n ≤ 1 is complete"
    assert str(States(3, 1, 2)) == "3 states, the deepest is reached after 1 symbol: checking n ≤ 2 is complete"
