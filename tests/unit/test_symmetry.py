"""Fewer symbols that stand for all: the same answers with and without, and no reduction where names matter."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from spec.graph import View
from spec.operators import Lookup, Member, Op
from spec.property.scope import Alphabet, Integers
from spec.values import Atom, Kind, Numbers, atom_key, kind_of
from tests.unit.engine_oracle import hits_of, key
from tests.unit.random_graphs import circuit, random_program, random_question
from verifier.cli import main
from verifier.engine import Limits, Query, Sat, Undecided, Unsat
from verifier.portfolio import AUTO, decide
from verifier.question.point import values
from verifier.question.terms import Term, Terms, topological
from verifier.reductions.fewer import named_symbols, reduced
from verifier.reductions.symmetry import EQUIVARIANT, FIXED, INVARIANT, UNKNOWN, Changes, Flavour, flavours, written

STRINGS = frozenset({Kind.STR})
INTS = frozenset({Kind.INT})
LETTERS: tuple[Atom, ...] = tuple("abcdefgh")
OFF = Limits(reductions=False)


def equal(terms: Terms, left: Term, right: Term) -> Term:
    return terms.apply(Op.EQ, left, right, numbers=Numbers.EXACT)


def all_same(terms: Terms, length: int) -> Term:
    return terms.all(equal(terms, terms.input(0), terms.input(p)) for p in range(1, length))


def all_different(terms: Terms, length: int) -> Term:
    pairs = [(p, q) for p in range(length) for q in range(p)]
    return terms.all(terms.negation(equal(terms, terms.input(p), terms.input(q))) for p, q in pairs)


def symbols_of(query: Query) -> Alphabet | None:
    found = reduced(query)
    return found.query.alphabet if found is not None and found.why else None


def test_comparisons_for_equality_need_as_many_symbols_as_positions() -> None:
    terms = Terms(STRINGS, 8)
    assert symbols_of(Query(3, LETTERS, all_different(terms, 3))) == ("a", "b", "c")
    assert symbols_of(Query(8, LETTERS, all_different(terms, 8))) is None
    named = terms.both(all_different(terms, 2), equal(terms, terms.input(1), terms.literal("f")))
    assert symbols_of(Query(2, LETTERS, named)) == ("a", "b", "f")


@pytest.mark.parametrize("op", [Op.ADD, Op.AND, Op.NOT, Op.INDICATOR, Op.MUL])
def test_other_operators_on_tokens_need_them_all(op: Op) -> None:
    terms = Terms(STRINGS, 8)
    args = [terms.input(0)] if op in (Op.NOT, Op.INDICATOR) else [terms.input(0), terms.input(1)]
    if op is Op.MUL:
        args[1] = terms.literal(2)
    value = terms.apply(op, *args, numbers=Numbers.EXACT)
    assert symbols_of(Query(2, LETTERS, equal(terms, value, terms.literal(True)))) is None


def test_a_token_as_a_truth_value_needs_them_all() -> None:
    """The empty string is false, and an exchange with another one would not be noticed otherwise."""
    terms = Terms(STRINGS, 8)
    symbols = ("a", "b", "c", "")
    chosen = terms.choose(terms.input(0), terms.literal(False), terms.literal(True))
    assert symbols_of(Query(1, symbols, chosen)) is None
    assert decide(Query(1, symbols, chosen), AUTO, Limits()).answer == Sat(("",), least=True)


def test_views_that_change_a_symbol_need_them_all() -> None:
    terms = Terms(STRINGS, 8)
    for view, wanted in ((View.STR, ("0", "1")), (View.INT, None)):
        value = [terms.read(view, terms.input(p), Numbers.EXACT) for p in range(2)]
        violation = terms.both(terms.ok(value), equal(terms, *value))
        assert symbols_of(Query(2, tuple("01234567"), violation)) == wanted


def test_written_symbols_stay_wherever_they_are_written() -> None:
    terms = Terms(STRINGS, 8)
    member = terms.apply(Member(("g", 1)), terms.input(0), numbers=Numbers.EXACT)
    assert symbols_of(Query(1, LETTERS, member)) == ("a", "g")
    looked_up = terms.apply(Lookup(("e",), ("d",)), terms.input(0), numbers=Numbers.EXACT)
    violation = terms.both(terms.ok([looked_up]), equal(terms, looked_up, terms.input(0)))
    assert symbols_of(Query(1, LETTERS, violation)) == ("a", "d", "e")
    chosen = [equal(terms, terms.input(0), terms.input(1))]
    taken = terms.mean([*chosen, terms.literal(False)], [terms.input(1), terms.input(0)], "h", Numbers.EXACT)
    assert symbols_of(Query(2, LETTERS, equal(terms, taken, terms.input(0)))) == ("a", "b", "h")


def test_a_count_may_not_meet_an_integer_token() -> None:
    """`1 == True` and `2 == 2.0`: numbers that are computed may equal symbols that nobody wrote."""
    terms = Terms(INTS, 8)
    counted = terms.count([equal(terms, terms.input(0), terms.input(p)) for p in range(3)])
    assert symbols_of(Query(3, tuple(range(50, 0, -1)), equal(terms, counted, terms.input(2)))) is None
    same = equal(terms, terms.input(0), terms.input(1))
    assert symbols_of(Query(3, tuple(range(50, 0, -1)), equal(terms, same, terms.input(2)))) is None
    inverse = terms.apply(Op.DIV, terms.literal(1), counted, numbers=Numbers.EXACT)
    assert symbols_of(Query(3, Integers(None, None), equal(terms, terms.ok([inverse]), terms.input(2)))) is None
    halved = terms.mean([same, terms.literal(True)], [terms.input(0), terms.input(1)], 0, Numbers.EXACT)
    assert symbols_of(Query(2, Integers(None, None), equal(terms, halved, terms.input(0)))) is None


def test_integers_that_equal_a_written_number_stay() -> None:
    terms = Terms(INTS, 8)
    for number in (2, 2.0, True):
        violation = equal(terms, terms.input(0), terms.literal(number))
        assert symbols_of(Query(1, (5, 4, 3, 2, 1), violation)) == (5, int(number))
        found = symbols_of(Query(1, Integers(None, None), violation))
        assert isinstance(found, tuple)
        assert int(number) in found


def test_mixed_alphabets_are_left_alone() -> None:
    terms = Terms(frozenset(Kind), 8)
    assert symbols_of(Query(1, (1, "a", True, 1.5, "b"), all_same(terms, 1))) is None


def test_the_least_word_and_whether_it_is_alone_are_those_of_the_whole_alphabet() -> None:
    terms = Terms(STRINGS, 8)
    for violation, length in (
        (all_different(terms, 3), 3),
        (terms.both(all_same(terms, 3), equal(terms, terms.input(0), terms.literal("f"))), 3),
        (terms.both(all_same(terms, 2), terms.negation(equal(terms, terms.input(0), terms.literal("a")))), 2),
    ):
        query = Query(length, LETTERS, violation)
        assert reduced(query) is not None
        small, whole = decide(query, AUTO, Limits()), decide(query, AUTO, OFF)
        assert (small.answer, small.unique) == (whole.answer, whole.unique)


def test_the_evidence_says_that_few_symbols_stand_for_all() -> None:
    terms = Terms(STRINGS, 8)
    never = terms.both(all_same(terms, 3), all_different(terms, 3))
    answer = decide(Query(3, LETTERS, never), AUTO, Limits()).answer
    assert isinstance(answer, Unsat)
    assert "only compared for equality" in answer.evidence.reductions[0]
    answer = decide(Query(3, LETTERS, never), AUTO, OFF).answer
    assert isinstance(answer, Unsat)
    assert not answer.evidence.reductions


@pytest.mark.parametrize(("flags", "reduced_by"), [((), 1), (("--no-reductions",), 0), (("--reductions",), 1)])
def test_the_command_line_switches_reductions_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], reduced_by: int
) -> None:
    path = tmp_path / "same.rasp"
    contract = (
        '#@ scope lengths=1..2 alphabet="abcdef"\n#@ ensures same: forall i: pairs[i] == count(tokens, tokens[i])'
    )
    path.write_text(f"{contract}\npairs = selector_width(select(tokens, tokens, ==));\n", encoding="utf-8")
    assert main(["check", f"{path}::same", "--format", "json", *flags]) == 0
    (result,) = json.loads(capsys.readouterr().out)["properties"]
    assert [len(one["reductions"]) for one in result["closed"]] == [reduced_by] * 2


def test_all_integers_are_covered_by_a_few() -> None:
    terms = Terms(INTS, 64)
    never = terms.both(all_same(terms, 3), all_different(terms, 3))
    finding = decide(Query(3, Integers(None, None), never), "parallel", Limits())
    assert isinstance(finding.answer, Unsat)
    answer = decide(Query(3, Integers(None, 7), all_different(terms, 3)), AUTO, Limits()).answer
    assert isinstance(answer, Sat)
    assert len(set(answer.word)) == 3
    assert not answer.least


def test_random_questions_have_the_same_answer_on_and_off() -> None:
    """Random programs over alphabets of one kind, against evaluating every word of the whole alphabet."""
    shrunk = 0
    for number in range(400):
        rng = Random(f"symmetry {number}")
        numbers = rng.choice(list(Numbers))
        program = random_program(rng, numbers, rng.randint(1, 6))
        alphabet: tuple[Atom, ...] = rng.choice((("a", "b", "1", ""), (2, 1, 0, -1), ("b", "1", "c", "d", "e")))
        program = replace(program, alphabet=alphabet)
        query = random_question(rng, program, rng.randint(1, 2))
        fewer = reduced(query)
        if fewer is None:
            continue
        shrunk += 1
        hits = hits_of(query, program.words(query.length))
        finding = decide(query, AUTO, Limits())
        assert not isinstance(finding.answer, Undecided)
        assert isinstance(finding.answer, Sat) == bool(hits)
        if isinstance(finding.answer, Sat):
            assert key(finding.answer.word) == key(hits[0])
            assert finding.unique is (len(hits) == 1)
    assert shrunk > 20


def test_random_terms_move_as_their_flavour_says() -> None:
    """Every term of random programs, on random words and their renamings, by the point evaluator."""
    seen: Counter[Flavour] = Counter()
    for number in range(150):
        rng = Random(f"flavours {number}")
        numbers = rng.choice(list(Numbers))
        alphabet: tuple[Atom, ...] = rng.choice((("a", "b", "c", "1", ""), (2, 1, 0, -1, 5), (0, 1, 7)))
        program = replace(random_program(rng, numbers, rng.randint(1, 7)), alphabet=alphabet)
        length = rng.randint(1, 3)
        terms, unrolled = circuit(program, length)
        order = topological([*unrolled.all_terms(), *(terms.input(p) for p in range(length))])
        found = flavours(order, Changes(alphabet, kind_of(alphabet[0]), written(order), ordered=False))
        named = set(map(atom_key, named_symbols(alphabet, written(order))))
        free = [symbol for symbol in alphabet if atom_key(symbol) not in named]
        for _ in range(6):
            shuffled = rng.sample(free, len(free))
            moved: dict[object, Atom] = {atom_key(a): b for a, b in zip(free, shuffled, strict=True)}
            word = tuple(rng.choice(alphabet) for _ in range(length))
            renamed = tuple(rename(moved, atom) for atom in word)
            before, after = values(order, word), values(order, renamed)
            for term in order:
                seen[found[term]] += 1
                if found[term] & Flavour.INVARIANT:
                    assert same(before[term], after[term])
                if found[term] & Flavour.EQUIVARIANT:
                    atom = before[term]
                    assert same(None if atom is None else rename(moved, atom), after[term])
    assert all(seen[flavour] > 100 for flavour in (UNKNOWN, INVARIANT, EQUIVARIANT, FIXED))


def rename(moved: Mapping[object, Atom], atom: Atom) -> Atom:
    return moved.get(atom_key(atom), atom)


def same(left: Atom | None, right: Atom | None) -> bool:
    return left is right if left is None or right is None else atom_key(left) == atom_key(right)
