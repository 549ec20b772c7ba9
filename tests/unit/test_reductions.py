"""Reductions against doing without: order, alike words, interchangeable positions; and queries that are nearly so."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import permutations, product
from pathlib import Path
from random import Random

import pytest

from spec.operators import Op
from spec.property.ast import Architecture
from spec.property.scope import Alphabet, Integers
from spec.values import Atom, Kind, Numbers, atom_key, kind_of
from tests.unit.engine_oracle import hits_of, key
from tests.unit.random_graphs import circuit, random_program, random_question
from verifier.check import Options, check
from verifier.encodings import sweep
from verifier.encodings.circuit import Circuit, circuit_of
from verifier.engine import Limits, Proofs, Query, Sat, Undecided, Unsat, Word
from verifier.portfolio import AUTO, decide
from verifier.question.point import values
from verifier.question.terms import Term, Terms, topological
from verifier.reductions import positions
from verifier.reductions.classes import Tokens
from verifier.reductions.fewer import ORDER, Reduced, reduced
from verifier.reductions.positions import interchangeable
from verifier.reductions.symmetry import EQUIVARIANT, INVARIANT, UNKNOWN, Changes, Flavour, flavours, written
from verifier.running.subject import Subject

STRINGS = frozenset({Kind.STR})
INTS = frozenset({Kind.INT})
LETTERS: tuple[Atom, ...] = tuple("abcdefgh")
OFF = Limits(reductions=False)


def less(terms: Terms, left: Term, right: Term) -> Term:
    return terms.apply(Op.LT, left, right, numbers=Numbers.EXACT)


def equal(terms: Terms, left: Term, right: Term) -> Term:
    return terms.apply(Op.EQ, left, right, numbers=Numbers.EXACT)


def rising(terms: Terms, length: int) -> Term:
    return terms.all(less(terms, terms.input(p), terms.input(p + 1)) for p in range(length - 1))


def cut(query: Query) -> Reduced | None:
    """The reduction, if it leaves symbols out because only their order matters."""
    found = reduced(query)
    return found if found is not None and found.why == (ORDER,) else None


def symbols_of(query: Query) -> Alphabet | None:
    found = cut(query)
    return None if found is None else found.query.alphabet


# ------------------------------------------------------------------------------------------------ order


def test_comparisons_by_order_need_as_many_symbols_as_positions() -> None:
    terms = Terms(STRINGS, 8)
    assert symbols_of(Query(3, LETTERS, rising(terms, 3))) == ("a", "b", "c")
    assert cut(Query(8, LETTERS, rising(terms, 8))) is None
    terms = Terms(INTS, 64)
    assert symbols_of(Query(3, Integers(-5, 9), rising(terms, 3))) == (-5, -4, -3)
    assert symbols_of(Query(3, Integers(None, None), rising(terms, 3))) == (0, 1, 2)
    assert symbols_of(Query(3, Integers(None, 9), rising(terms, 3))) == (7, 8, 9)
    assert symbols_of(Query(3, (1, 4, 9, 16), rising(terms, 3))) == (1, 4, 9)


@pytest.mark.parametrize(
    ("alphabet", "atom", "kept"),
    [
        (Integers(None, None), 0, (-2, -1, 0, 1, 2)),
        (Integers(None, None), Fraction(1, 2), (-1, 0, 1, 2)),
        (Integers(None, None), 0.5, (-1, 0, 1, 2)),
        (Integers(None, None), -0.0, (-2, -1, 0, 1, 2)),
        (Integers(None, None), True, (-1, 0, 1, 2, 3)),
        (Integers(None, None), float("inf"), (0, 1)),
        (Integers(None, None), float("nan"), (0, 1)),
        (Integers(0, 9), 1, (0, 1, 2, 3)),
        (Integers(0, 9), 8, (0, 1, 8, 9)),
        (Integers(0, 9), 20, (0, 1)),
        (Integers(0, 9), -20, (0, 1)),
        (Integers(3, None), 5, (3, 4, 5, 6, 7)),
        ((-7, 0, 3, 4, 9), 3.5, (-7, 0, 4, 9)),
        (LETTERS, "c", ("a", "b", "c", "d", "e")),
        (LETTERS, "cc", ("a", "b", "d", "e")),
        (LETTERS, "", ("a", "b")),
    ],
)
def test_each_gap_between_written_atoms_keeps_as_many_symbols_as_positions(
    alphabet: Alphabet, atom: Atom, kept: tuple[Atom, ...]
) -> None:
    kinds = STRINGS if isinstance(atom, str) else INTS
    terms = Terms(kinds, 64)
    pair = (terms.input(0), terms.input(1))
    violation = terms.either(less(terms, *pair), less(terms, pair[0], terms.literal(atom)))
    assert symbols_of(Query(2, alphabet, violation)) == kept


def test_alphabets_that_are_not_in_order_or_of_two_kinds_are_left_alone() -> None:
    terms = Terms(STRINGS | INTS, 8)
    for alphabet in (("b", "a", "c", "d"), (0, 2, 1, 3), (0, 1, 2, "a"), (False, True), (0.5, 1.5, 2.5)):
        assert reduced(Query(2, alphabet, rising(terms, 2))) is None


def test_neighbours_of_written_integers_are_not_confused_with_far_ones() -> None:
    """Between 3 and 5 there is one integer: no word has two different ones there."""
    terms = Terms(INTS, 64)
    inside = [
        terms.both(less(terms, terms.literal(3), x), less(terms, x, terms.literal(5)))
        for x in (terms.input(0), terms.input(1))
    ]
    two = terms.all([*inside, less(terms, terms.input(0), terms.input(1))])
    query = Query(2, Integers(None, None), two)
    found = cut(query)
    assert found is not None
    assert found.query.alphabet == (1, 2, 3, 4, 5, 6, 7)
    assert isinstance(decide(query, AUTO, Limits()).answer, Unsat)
    assert decide(Query(2, Integers(None, None), terms.all(inside)), AUTO, Limits()).answer == Sat((4, 4))


def planted(terms: Terms) -> dict[str, Callable[[Term, Term], Term]]:
    """Violations that are nearly about the order of two integers alone."""
    numbers = Numbers.EXACT
    one, two = terms.literal(1), terms.literal(2)
    return {
        "a sum": lambda x, y: less(terms, terms.apply(Op.ADD, x, one, numbers=numbers), y),
        "a difference": lambda x, y: less(terms, one, terms.apply(Op.SUB, y, x, numbers=numbers)),
        "a mean": lambda x, y: less(terms, terms.mean([less(terms, x, y), one], [x, y], 0, numbers), y),
        "a remainder": lambda x, y: less(terms, terms.apply(Op.MOD, x, two, numbers=numbers), y),
        "a truth value": lambda x, y: terms.choose(x, less(terms, x, y), terms.literal(False)),
        "a count": lambda x, y: less(terms, terms.count([less(terms, x, y), equal(terms, x, y)]), x),
        "a comparison": lambda x, y: less(terms, less(terms, x, y), y),
        "its negative": lambda x, y: less(terms, terms.apply(Op.NEG, x, numbers=numbers), y),
        "its product": lambda x, y: equal(terms, terms.apply(Op.MUL, x, y, numbers=numbers), two),
    }


@pytest.mark.parametrize("name", planted(Terms(INTS, 64)))
def test_what_is_nearly_about_order_is_not_reduced(name: str) -> None:
    terms = Terms(INTS, 64)
    violation = planted(terms)[name](terms.input(0), terms.input(1))
    assert reduced(Query(2, Integers(-6, 6), terms.both(terms.ok([violation]), violation))) is None


def random_change(rng: Random, word: Word, alphabet: Sequence[Atom], cuts: Sequence[Atom]) -> dict[object, Atom]:
    """A random squeezing of the word: any choice of symbols that compare alike with each other and with the cuts."""
    used = sorted(set(word), key=lambda x: (str(x) if isinstance(x, str) else "", x if not isinstance(x, str) else 0))

    def looks(images: Sequence[Atom]) -> list[bool]:
        compare: list[tuple[Atom, Atom]] = [*product(images, images), *product(images, cuts)]
        return [x < y for x, y in compare] + [x == y for x, y in compare]  # type: ignore[operator]  # of one kind

    choices = [images for images in product(alphabet, repeat=len(used)) if looks(images) == looks(used)]
    return {atom_key(old): new for old, new in zip(used, rng.choice(choices), strict=True)}


def comparable(atoms: frozenset[Atom], kind: Kind) -> list[Atom]:
    return [atom for atom in atoms if isinstance(atom, str) is (kind is Kind.STR)]


def test_random_terms_move_as_their_flavour_says_under_squeezings() -> None:
    """Every term of random programs, on random words and their squeezings, by the point evaluator."""
    seen: Counter[Flavour] = Counter()
    compared = 0
    for number in range(200):
        rng = Random(f"squeezings {number}")
        numbers = rng.choice(list(Numbers))
        alphabet: tuple[Atom, ...] = rng.choice((("", "1", "a", "b", "c", "d"), (-2, -1, 0, 1, 2, 5), (0, 1, 4, 6, 7)))
        program = replace(random_program(rng, numbers, rng.randint(1, 8)), alphabet=alphabet)
        length = rng.randint(1, 3)
        terms, unrolled = circuit(program, length)
        order = topological([*unrolled.all_terms(), *(terms.input(p) for p in range(length))])
        kind = kind_of(alphabet[0])
        found = flavours(order, Changes(alphabet, kind, written(order), ordered=True))
        plain = flavours(order, Changes(alphabet, kind, written(order), ordered=False))
        compared += sum(bool(found[term] & INVARIANT and not plain[term] & INVARIANT) for term in order)
        cuts = comparable(written(order), kind)
        for _ in range(6):
            word = tuple(rng.choice(alphabet) for _ in range(length))
            moved = random_change(rng, word, alphabet, cuts)
            before, after = values(order, word), values(order, tuple(moved[atom_key(x)] for x in word))
            for term in order:
                seen[found[term]] += 1
                if found[term] & INVARIANT:
                    assert same(before[term], after[term])
                if found[term] & EQUIVARIANT:
                    assert same(move(moved, before[term]), after[term])
    assert compared > 50
    assert all(seen[flavour] > 100 for flavour in (UNKNOWN, INVARIANT, EQUIVARIANT))


def move(moved: Mapping[object, Atom], atom: Atom | None) -> Atom | None:
    return None if atom is None else moved.get(atom_key(atom), atom)


def same(left: Atom | None, right: Atom | None) -> bool:
    return left is right if left is None or right is None else atom_key(left) == atom_key(right)


# ------------------------------------------------------------------------------------------------ on and off


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Canonical words wherever there are fewer, and a test for symmetry however few words there are."""
    monkeypatch.setattr(sweep, "FEWER", 1)
    monkeypatch.setattr(positions, "WORTH", 0)


def agree_on_and_off(query: Query, words: Sequence[Word], choice: str) -> bool:
    """The answer with reductions is that of brute force: least word, and whether it is alone. Is there any?"""
    hits = hits_of(query, words)
    finding = decide(query, choice, Limits())
    assert not isinstance(finding.answer, Undecided)
    assert isinstance(finding.answer, Sat) == bool(hits)
    if isinstance(finding.answer, Sat):
        assert key(finding.answer.word) == key(hits[0])
        assert finding.answer.least
        assert finding.unique is (len(hits) == 1)
    return bool(hits)


ALPHABETS: tuple[tuple[Atom, ...], ...] = (
    ("a", "b", "c", "d"),
    ("", "1", "a", "b", "x%s"),
    ("b", "1", "c", "d", "a"),
    (-1, 0, 1, 2),
    (0, 2, 3, 7, 8),
    (2, 1, 0, -1),
)


@pytest.mark.parametrize("choice", [AUTO, "parallel"])
@pytest.mark.usefixtures("eager")
def test_random_questions_have_the_same_answer_on_and_off(choice: str) -> None:
    """Random programs over alphabets of one kind, against evaluating every word of the whole alphabet."""
    tally: Counter[object] = Counter()
    for number in range(900):
        rng = Random(f"reductions {number}")
        numbers = rng.choice(list(Numbers))
        program = replace(random_program(rng, numbers, rng.randint(1, 6)), alphabet=rng.choice(ALPHABETS))
        query = random_question(rng, program, rng.randint(1, 3))
        found = reduced(query)
        if found is None or found.query.classes is None:
            continue
        hits = agree_on_and_off(query, program.words(query.length), choice)
        tally[found.query.classes.tokens, hits] += 1
    assert min(tally[tokens, hits] for tokens in (Tokens.RENAMED, Tokens.ORDERED) for hits in (True, False)) > 5


class Maker:
    """Random questions about comparisons of letters with each other and with atoms."""

    def __init__(self, rng: Random, terms: Terms, length: int, atoms: Sequence[Atom]) -> None:
        self.rng, self.terms, self.length, self.atoms = rng, terms, length, atoms

    def token(self, depth: int = 2) -> Term:
        draw = self.rng.random()
        if depth == 0 or draw < 0.6:
            return self.terms.input(self.rng.randrange(self.length))
        if draw < 0.8:
            return self.terms.literal(self.rng.choice(self.atoms))
        return self.terms.choose(self.truth(depth - 1), self.token(depth - 1), self.token(depth - 1))

    def truth(self, depth: int = 2) -> Term:
        terms, draw = self.terms, self.rng.random()
        if depth == 0 or draw < 0.5:
            op = self.rng.choice((Op.LT, Op.LE, Op.GT, Op.EQ, Op.NE))
            return terms.apply(op, self.token(depth), self.token(depth), numbers=Numbers.EXACT)
        if draw < 0.65:
            few = [self.truth(depth - 1) for _ in range(3)]
            return terms.apply(Op.GE, terms.count(few), terms.literal(self.rng.randint(1, 3)), numbers=Numbers.EXACT)
        if draw < 0.8:
            return terms.both(self.truth(depth - 1), self.truth(depth - 1))
        return terms.negation(self.truth(depth - 1))


@pytest.mark.parametrize("choice", [AUTO, "parallel", "sat"])
@pytest.mark.usefixtures("eager")
def test_random_comparisons_have_the_same_answer_on_and_off(choice: str) -> None:
    tally: Counter[object] = Counter()
    for number in range(150):
        rng = Random(f"comparisons {number}")
        length, alphabet = rng.randint(1, 3), rng.choice(ALPHABETS)
        kind = kind_of(alphabet[0])
        atoms: Sequence[Atom] = ("", "a", "bb", "c", 1) if kind is Kind.STR else (0, 1, Fraction(5, 2), 7, "a", True)
        terms = Terms(frozenset({kind}), 8)
        maker = Maker(rng, terms, length, atoms)
        parts = [maker.truth(3) for _ in range(rng.randint(1, 3))]
        query = Query(length, alphabet, terms.both(terms.ok(parts), terms.all(parts)))
        found = reduced(query)
        agree_on_and_off(query, list(product(alphabet, repeat=length)), choice)
        tally[None if found is None or found.query.classes is None else found.query.classes.tokens] += 1
    assert min(tally[tokens] for tokens in (Tokens.RENAMED, Tokens.ORDERED, None)) > 5


def test_endless_integers_have_the_same_answer_as_z3_finds_without_reductions() -> None:
    tally: Counter[str] = Counter()
    for number in range(40):
        rng = Random(f"endless {number}")
        length = rng.randint(1, 3)
        terms = Terms(INTS, 64)
        maker = Maker(rng, terms, length, (0, 3, 5, -2))
        parts = [maker.truth(2) for _ in range(rng.randint(2, 4))]
        alphabet = rng.choice((Integers(None, None), Integers(1, None), Integers(None, 4)))
        query = Query(length, alphabet, terms.all(parts))
        if reduced(query) is None:
            continue
        on, off = decide(query, AUTO, Limits()).answer, decide(query, "smt", OFF).answer
        assert type(on) is type(off)
        tally[type(on).__name__] += 1
        if isinstance(on, Sat):
            assert values((query.violation,), on.word)[query.violation] is True
            low, high = alphabet.low, alphabet.high
            whole = [x for x in on.word if isinstance(x, int)]
            assert len(whole) == length
            assert all((low is None or low <= x) and (high is None or x <= high) for x in whole)
    assert min(tally["Sat"], tally["Unsat"]) > 3


# ------------------------------------------------------------------------------------------------ positions


def circuit_for(query: Query) -> Circuit:
    found = circuit_of(query, Limits(wall_s=float("inf")))
    assert isinstance(found, Circuit)
    return found


def is_symmetric(query: Query) -> bool:
    """By the definition: the violation at every word and at every permutation of it."""
    assert isinstance(query.alphabet, tuple)
    truth = {word: values((query.violation,), word)[query.violation] for word in query_words(query)}
    return all(truth[word] is truth[moved] for word in truth for moved in permutations(word))


def query_words(query: Query) -> list[Word]:
    assert isinstance(query.alphabet, tuple)
    return list(product(query.alphabet, repeat=query.length))


class Symmetric:
    """Random questions about how often what occurs, and, with a fault, about something else as well."""

    def __init__(self, rng: Random, length: int, alphabet: Sequence[Atom], fault: bool) -> None:
        self.rng, self.alphabet, self.fault = rng, alphabet, fault
        self.terms = Terms(frozenset(map(kind_of, alphabet)), 8)
        self.inputs = [self.terms.input(p) for p in range(length)]

    def alike(self, x: Term, depth: int) -> Term:
        """The same question about a letter, whatever its place."""
        terms, rng = self.terms, self.rng
        draw = rng.random()
        if depth == 0 or draw < 0.4:
            return equal(terms, x, terms.literal(rng.choice(self.alphabet)))
        if draw < 0.5:
            return less(terms, x, terms.literal(rng.choice(self.alphabet)))
        seed, least = rng.random(), rng.randint(1, len(self.inputs))

        def about(y: Term) -> Term:
            again, self.rng = self.rng, Random(seed)
            truth = self.alike(y, depth - 1) if self.rng.random() < 0.3 else equal(terms, x, y)
            self.rng = again
            return truth

        how_many = terms.count([about(y) for y in self.shuffled()])
        return terms.apply(Op.GE, how_many, terms.literal(least), numbers=Numbers.EXACT)

    def shuffled(self) -> list[Term]:
        return self.rng.sample(self.inputs, len(self.inputs))

    def question(self) -> Term:
        terms, rng = self.terms, self.rng
        parts = []
        for _ in range(rng.randint(1, 2)):
            seed = rng.random()
            each = []
            for x in self.inputs:
                self.rng = Random(seed)
                each.append(self.alike(x, 2))
            self.rng = rng
            if self.fault and rng.random() < 0.7:
                each[rng.randrange(len(each))] = self.alike(rng.choice(self.inputs), 1)
            parts.append(rng.choice((terms.all, lambda args: terms.negation(terms.all(args)), self.some))(each))
        return terms.all(parts)

    def some(self, args: Sequence[Term]) -> Term:
        terms = self.terms
        how_many = self.rng.randint(1, len(args))
        return terms.apply(Op.EQ, terms.count(args), terms.literal(how_many), numbers=Numbers.EXACT)


@pytest.mark.parametrize("fault", [False, True])
def test_circuits_that_are_called_symmetric_are(fault: bool) -> None:
    """On random questions that are symmetric by construction, and on some with a fault in one place."""
    tally: Counter[tuple[bool, bool]] = Counter()
    for number in range(120):
        rng = Random(f"positions {fault} {number}")
        length = rng.randint(2, 4)
        alphabet: tuple[Atom, ...] = rng.choice((("a", "b"), ("a", "b", "c"), (0, 1, 2)))
        maker = Symmetric(rng, length, alphabet, fault)
        query = Query(length, alphabet, maker.question())
        claimed, really = interchangeable(circuit_for(query)), is_symmetric(query)
        assert really or not claimed
        tally[claimed, really] += 1
    assert tally[True, True] > (20 if fault else 60)
    assert not fault or tally[False, False] > 20


@pytest.mark.usefixtures("eager")
def test_symmetric_questions_have_the_same_answer_on_and_off() -> None:
    sorted_words = 0
    for number in range(120):
        rng = Random(f"sorted {number}")
        length = rng.randint(2, 4)
        alphabet: tuple[Atom, ...] = rng.choice((("a", "b"), ("a", "b", "c"), ("a", "b", "c", "d", "e"), (0, 1, 2)))
        query = Query(length, alphabet, Symmetric(rng, length, alphabet, rng.random() < 0.3).question())
        agree_on_and_off(query, query_words(query), "parallel")
        answer = decide(query, "parallel", Limits()).answer
        if isinstance(answer, Unsat):
            sorted_words += any("sorted words" in why for why in answer.evidence.reductions)
            off = decide(query, "parallel", OFF).answer
            assert isinstance(off, Unsat)
            assert not off.evidence.reductions
            assert off.evidence.inputs == query.inputs or off.evidence.inputs == 0
    assert sorted_words > 5


def test_random_programs_are_not_called_symmetric_where_they_are_not() -> None:
    claims = 0
    for number in range(150):
        rng = Random(f"programs {number}")
        program = random_program(rng, rng.choice(list(Numbers)), rng.randint(1, 8))
        query = random_question(rng, program, rng.randint(2, 3))
        found = circuit_of(query, Limits(wall_s=float("inf")))
        if isinstance(found, Circuit) and abs(found.violation) != 1 and interchangeable(found):
            claims += 1
            assert is_symmetric(query)
    assert claims > 5


def test_a_place_that_counts_differently_is_noticed() -> None:
    """One position left out of a count, counted twice, or compared with the others only."""
    length = 5
    terms = Terms(STRINGS, 1)
    inputs = [terms.input(p) for p in range(length)]
    is_a = [equal(terms, x, terms.literal("a")) for x in inputs]

    def often(args: Sequence[Term], least: int) -> Term:
        return terms.apply(Op.GE, terms.count(args), terms.literal(least), numbers=Numbers.EXACT)

    assert interchangeable(circuit_for(Query(length, ("a", "b", "c"), often(is_a, 3))))
    for wrong in (
        often(is_a[1:], 3),
        often([*is_a, is_a[2]], 3),
        often([*is_a[:4], terms.negation(is_a[4])], 3),
        terms.both(often(is_a, 3), is_a[0]),
        terms.all(equal(terms, inputs[0], x) for x in inputs[2:]),
        rising(terms, length),
    ):
        assert not interchangeable(circuit_for(Query(length, ("a", "b", "c"), wrong)))


# ------------------------------------------------------------------------------------------------ shipped programs


def verdicts(path: Path, limits: Limits, longest: int) -> dict[str, tuple[object, ...]]:
    """What is said of each property that is about all inputs: the verdict, and the counterexample with what it is."""
    found: dict[str, tuple[object, ...]] = {}
    options = Options(limits=limits, spot_checks=0)
    for contract in Subject.load(path).bound():
        for bound in contract.properties:
            scope = bound.property.scope
            if isinstance(bound.property.claim, Architecture) or scope.low > longest:
                continue
            shorter = replace(scope, high=longest if scope.high is None else min(scope.high, longest))
            verdict = check(replace(bound, property=replace(bound.property, scope=shorter)), options)
            witness = getattr(verdict, "witness", None)
            seen = None if witness is None else (key(witness.word), witness.least, witness.unique)
            found[bound.property.name] = (type(verdict).__name__, seen)
    return found


QUICK = ("paper/histogram", "raspl/has_seen")


def same_on_and_off(programs: Path, path: Path, longest: int) -> int:
    limits = Limits(proofs=Proofs.NONE)
    on, off = (verdicts(path, replace(limits, reductions=switch), longest) for switch in (True, False))
    assert on == off, path.relative_to(programs)
    return len(on)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", QUICK)
def test_shipped_programs_have_the_same_verdicts_on_and_off(checkout: Path, name: str) -> None:
    programs = checkout / "spec" / "programs"
    assert same_on_and_off(programs, programs / f"{name}.rasp", 3) > 0


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_all_shipped_programs_have_the_same_verdicts_on_and_off(checkout: Path) -> None:
    programs = checkout / "spec" / "programs"
    assert sum(same_on_and_off(programs, path, 4) for path in sorted(programs.rglob("*.rasp"))) > 500
