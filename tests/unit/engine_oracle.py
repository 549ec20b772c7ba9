"""What every engine must do, checked against evaluating the question at every input."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from spec.values import Atom, Numbers, atom_key
from tests.unit.random_graphs import Program, circuit, differs, random_program, random_question
from verifier.engine import Answer, Engine, Limits, Query, Sat, Session, Undecided, Unsat, Word
from verifier.question.point import value, values

LIMITS = Limits(wall_s=20.0)


def key(word: Word) -> tuple[object, ...]:
    """What tells words apart: `1` is not `True`."""
    return tuple(map(atom_key, word))


def assert_right(answer: Answer, expected: Sequence[Word]) -> None:
    """The answer is right when exactly these words, in order, satisfy the question."""
    match answer:
        case Unsat():
            assert not expected
        case Sat(word=word, least=least):
            assert key(word) in {key(hit) for hit in expected}
            assert not least or key(word) == key(expected[0])
        case Undecided():
            pass


def hits_of(query: Query, words: Sequence[Word]) -> list[Word]:
    """The words that satisfy the question, by the point evaluator."""
    found = []
    for word in words:
        holds = value(query.violation, word)
        assert holds is not None
        if holds:
            found.append(word)
    return found


def compare_with_brute_force(engine: Engine, seed: str, questions: int) -> Counter[str]:
    """Random questions, whole, narrowed to a box, and with one word excluded; how often each answer was given."""
    tally: Counter[str] = Counter()
    for number in range(questions):
        for numbers in Numbers:
            rng = Random(f"{seed} {number} {numbers.value}")
            program = random_program(rng, numbers, rng.randint(2, 12))
            length = rng.randint(1, 4 if len(program.alphabet) < 3 else 3)
            query = random_question(rng, program, length)
            session = engine.open(query, LIMITS)
            if isinstance(session, Undecided):
                tally["Undecided"] += 1
                continue
            for answer, expected in _asked(rng, program, query, session):
                assert_right(answer, expected)
                tally[type(answer).__name__] += 1
    return tally


def _asked(rng: Random, program: Program, query: Query, session: Session) -> list[tuple[Answer, list[Word]]]:
    alphabet = program.alphabet
    hits = hits_of(query, program.words(query.length))
    box = [rng.sample(alphabet, rng.randint(1, len(alphabet))) for _ in range(query.length)]
    keys = [set(map(atom_key, choices)) for choices in box]
    boxed = [word for word in hits if all(atom_key(x) in choices for x, choices in zip(word, keys, strict=True))]
    any_word: Word = tuple(rng.choice(alphabet) for _ in range(query.length))
    other = rng.choice(hits) if hits and rng.random() < 0.7 else any_word
    return [
        (session.check(), hits),
        (session.check(box), boxed),
        (session.check(None, other), [word for word in hits if key(word) != key(other)]),
        (session.check(box, other), [word for word in boxed if key(word) != key(other)]),
    ]


def compare_values(engine: Engine, seed: str, programs: int) -> Counter[str]:
    """Every term of random programs has, at a random input, the value that the point evaluator gives it.

    The engine is asked at the box of that one input: is some value different (never), are all as expected (always).
    """
    tally: Counter[str] = Counter()
    for number in range(programs):
        for numbers in Numbers:
            rng = Random(f"{seed} {number} {numbers.value}")
            program = random_program(rng, numbers, rng.randint(2, 12))
            word: tuple[Atom, ...] = tuple(rng.choice(program.alphabet) for _ in range(rng.randint(1, 4)))
            terms, unrolled = circuit(program, len(word))
            found = values(unrolled.all_terms(), word)
            different = differs(terms, list(found.items()))
            for violation, answer in ((different, Unsat), (terms.negation(different), Sat)):
                session = engine.open(Query(len(word), program.alphabet, violation), LIMITS)
                got = session if isinstance(session, Undecided) else session.check([(atom,) for atom in word])
                assert isinstance(got, answer | Undecided), (number, numbers, word)
                tally[type(got).__name__] += 1
    return tally
