"""Expressions mean what a direct reading of them in Python means, failures and laziness included."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from operator import itemgetter
from random import Random
from typing import TypeAlias

import pytest

from spec.diagnostics import PropertyError
from spec.interp import evaluate
from spec.property.ast import Ensures
from spec.property.evaluate import Outcome, Status, holds
from spec.values import Atom, Numbers
from tests.unit.property_programs import one

EXPRESSIONS = 600


class Bad(Exception):
    """The direct reading has no value."""


Thunk: TypeAlias = Callable[[], Atom]
Env: TypeAlias = Mapping[str, Atom]
Scalar: TypeAlias = tuple[str, Callable[[Env], Atom]]
Many: TypeAlias = tuple[str, Callable[[Env], Sequence[Thunk]]]


def constant(atom: Atom) -> Thunk:
    return lambda: atom


def fixed(atom: Atom) -> Callable[[Env], Atom]:
    return lambda _env: atom


def flag(atom: Atom) -> bool:
    if not isinstance(atom, bool):
        raise Bad
    return atom


def lift(meaning: Callable[..., Atom], parts: Sequence[Thunk | Sequence[Thunk]]) -> list[Thunk]:
    """`meaning` of every column, each evaluated when it is asked for."""
    lengths = {len(part) for part in parts if isinstance(part, Sequence)}
    if len(lengths) != 1:
        raise Bad
    columns = [[part[i] if isinstance(part, Sequence) else part for part in parts] for i in range(lengths.pop())]
    return [partial(evaluated, meaning, column) for column in columns]


def evaluated(meaning: Callable[..., Atom], column: Sequence[Thunk]) -> Atom:
    return meaning(*(thunk() for thunk in column))


def failing() -> Atom:
    raise Bad


def attempt(many: Callable[[Env], Sequence[Thunk]], env: Env) -> Thunk | Sequence[Thunk]:
    """The sequence, or, where there is none, something that fails when it is used."""
    try:
        return many(env)
    except Bad:
        return failing


def below(a: Atom, b: Atom) -> bool:
    if isinstance(a, str) is not isinstance(b, str):
        raise Bad
    return a < b  # type: ignore[operator]  # of one sort


def divided(a: Atom, b: Atom) -> Atom:
    if isinstance(a, str) or isinstance(b, str) or b == 0:
        raise Bad
    return Fraction(a) / Fraction(b)


def plus(a: Atom, b: Atom) -> Atom:
    if isinstance(a, str) is not isinstance(b, str):
        raise Bad
    return a + b  # type: ignore[operator]  # of one sort


def item(sequence: Sequence[Thunk], index: Atom) -> Atom:
    if not isinstance(index, int) or not 0 <= index < len(sequence):
        raise Bad
    return sequence[index]()


def part(sequence: Sequence[Thunk], low: Atom, high: Atom) -> Sequence[Thunk]:
    assert isinstance(low, int)
    assert isinstance(high, int)
    if low > high:
        return []
    if low < 0 or high >= len(sequence):
        raise Bad
    return sequence[low : high + 1]


class Writer:
    """Writes random expressions, and next to each the Python that it should mean on a word over "a", "b"."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.variables: list[str] = []
        self.fresh = 0
        self.scalars: set[str] = set()

    def truth(self, depth: int) -> Scalar:
        forms = [self.compared, self.compared, self.row]
        if depth:
            forms += [
                self.connected,
                self.connected,
                self.negated,
                self.quantified,
                self.judged,
                self.among,
                self.chosen,
            ]
        return self.random.choice(forms)(depth - 1)

    def number(self, depth: int) -> Scalar:
        leaves: list[Scalar] = [(str(k), fixed(k)) for k in range(3)]
        leaves += [(name, itemgetter(name)) for name in ("n", *self.variables, *self.variables)]
        if depth <= 0 or self.random.random() < 0.4:
            return self.random.choice(leaves)
        kind = self.random.choice(["+", "/", "count", "len", "-", "share", "max", "sum"])
        if kind in "+/":
            (x, f), (y, g) = self.number(depth - 1), self.number(depth - 1)
            return f"({x} {kind} {y})", lambda env: (plus if kind == "+" else divided)(f(env), g(env))
        if kind in ("-", "share"):
            x, f = self.number(depth - 1)
            if kind == "-":
                return f"(-{x})", lambda env: -f(env)  # type: ignore[operator]  # a number
            return f"share[{x}]", lambda env: item(SEQUENCES["share"](env), f(env))
        if kind == "max":
            (x, f), (y, g) = self.number(depth - 1), self.number(depth - 1)
            return f"max({x}, {y})", lambda env: max(f(env), g(env))
        if kind == "sum":
            x, f = self.number(depth - 1)
            y, g = self.number(depth - 1)
            return f"sum([{x}, {y}, share[0]])", lambda env: plus(
                plus(f(env), g(env)), item(SEQUENCES["share"](env), 0)
            )
        x, many = self.words(depth - 1)
        if kind == "len":
            return f"len({x})", lambda env: len(many(env))
        y, f = self.letter(depth - 1)

        def counted(env: Env) -> Atom:
            items = many(env)
            return sum(thunk() == f(env) for thunk in items)

        return f"count({x}, {y})", counted

    def letter(self, depth: int) -> Scalar:
        if self.random.random() < 0.4:
            letter = self.random.choice("ab?")
            return f'"{letter}"', fixed(letter)
        (x, many), (y, f) = self.words(depth), self.number(0)
        return f"{x}[{y}]", lambda env: item(many(env), f(env))

    def words(self, depth: int) -> Many:
        name = self.random.choice(["same", "flip", "first", "last"])
        kind = self.random.choice(["name", "name", "slice", "reverse", "prefix", "list"])
        if depth <= 0 or kind == "name":
            return name, SEQUENCES[name]
        if kind == "reverse":
            x, many = self.words(depth - 1)
            return f"reverse({x})", lambda env: many(env)[::-1]
        if kind == "list":
            x, f = self.letter(depth - 1)
            return f'[{x}, "a"]', lambda env: [lambda: f(env), constant("a")]
        (x, many), (y, f) = self.words(depth - 1), self.number(0)
        if kind == "prefix":
            return f"prefix({x}, {y})", lambda env: part(many(env), 0, f(env))
        z, g = self.number(0)
        return f"{x}[{y}..{z}]", lambda env: part(many(env), f(env), g(env))

    def flags(self, depth: int) -> Many:
        """A sequence of truth values."""
        (x, many), (y, f) = self.words(depth), self.letter(0)
        kind = self.random.choice(["==", "<", "is_a", "and", "=>", "not", "if", "in"])
        if depth <= 0 or kind in ("==", "<"):
            op = below if kind == "<" else (lambda a, b: a == b)
            shown = "<" if kind == "<" else "=="
            return f"({x} {shown} {y})", lambda env: lift(op, [many(env), lambda: f(env)])
        if kind == "is_a":
            return "is_a", SEQUENCES["is_a"]
        if kind == "in":
            return f'({x} in ["a", {y}])', lambda env: lazily(
                lambda u, v: u() in ("a", v()) if u() != "a" else True, many(env), lambda: f(env)
            )
        (p, a) = self.flags(depth - 1)
        if kind == "not":
            return f"(not {p})", lambda env: lift(lambda v: not flag(v), [a(env)])
        (q, b) = self.truth(depth - 1) if self.random.random() < 0.5 else self.flags(depth - 1)

        def second(env: Env) -> Thunk | Sequence[Thunk]:
            if q in self.scalars:
                return lambda: b(env)  # type: ignore[return-value]  # a truth value, by its text
            return attempt(b, env)  # type: ignore[arg-type]  # a sequence

        if kind == "if":
            return f"({p} if {p} else {p})", a
        if kind == "and":
            return f"({p} and {q})", lambda env: lazily(
                lambda u, v: flag(u()) and flag(v()), attempt(a, env), second(env)
            )
        return f"({p} => {q})", lambda env: lazily(
            lambda u, v: not flag(u()) or flag(v()), attempt(a, env), second(env)
        )

    def compared(self, depth: int) -> Scalar:
        if self.random.random() < 0.5:
            (x, f), (y, g), (z, h) = self.number(depth), self.number(depth), self.number(depth)
            return self.noted(f"({x} < {y} == {z})", lambda env: below(f(env), g(env)) and g(env) == h(env))
        (x, f), (y, g) = self.letter(depth), self.letter(depth)
        return self.noted(f"({x} != {y})", lambda env: f(env) != g(env))

    def noted(self, text: str, meaning: Callable[[Env], Atom]) -> Scalar:
        self.scalars.add(text)
        return text, meaning

    def row(self, depth: int) -> Scalar:
        (x, f), (y, g) = self.number(depth), self.number(0)
        name = self.random.choice(["less", "both"])

        def entry(env: Env) -> Atom:
            i, j, n = f(env), g(env), env["n"]
            assert isinstance(n, int)
            if not (isinstance(i, int) and isinstance(j, int) and 0 <= i < n and 0 <= j < n):
                raise Bad
            return j < i and (name == "less" or j != 0)

        return self.noted(f"{name}[{x}][{y}]", entry)

    def connected(self, depth: int) -> Scalar:
        (x, f), (y, g), (z, h) = self.truth(depth), self.truth(depth), self.truth(depth)
        match self.random.choice(["and", "or", "=>", "<=>"]):
            case "and":
                return self.noted(f"({x} and {y} and {z})", lambda env: f(env) and g(env) and h(env))
            case "or":
                return self.noted(f"({x} or {y} or {z})", lambda env: f(env) or g(env) or h(env))
            case "=>":
                return self.noted(f"({x} => {y})", lambda env: not f(env) or g(env))
            case _:
                return self.noted(f"({x} <=> {y})", lambda env: f(env) is g(env))

    def negated(self, depth: int) -> Scalar:
        x, f = self.truth(depth)
        return self.noted(f"(not {x})", lambda env: not f(env))

    def chosen(self, depth: int) -> Scalar:
        (x, f), (y, g), (z, h) = self.truth(depth), self.truth(depth), self.truth(depth)
        return self.noted(f"({x} if {y} else {z})", lambda env: f(env) if g(env) else h(env))

    def quantified(self, depth: int) -> Scalar:
        self.fresh += 1
        name, forall = f"v{self.fresh}", self.random.random() < 0.5
        low = self.number(0) if self.random.random() < 0.5 else None
        self.variables.append(name)
        x, f = self.truth(depth)
        self.variables.pop()
        domain = "" if low is None else f" in {low[0]}..n - 1"

        def meaning(env: Env) -> Atom:
            n = env["n"]
            first = 0 if low is None else low[1](env)
            assert isinstance(n, int)
            assert isinstance(first, int)
            values = (flag(f({**env, name: k})) for k in range(first, n))
            return all(values) if forall else any(values)

        return self.noted(f"({'forall' if forall else 'exists'} {name}{domain}: {x})", meaning)

    def judged(self, depth: int) -> Scalar:
        match self.random.choice(["all", "any", "sorted", "permutation"]):
            case "sorted":
                x, many = self.words(depth)
                return self.noted(f"sorted({x})", lambda env: in_order(many(env)))
            case "permutation":
                (x, many), (y, other) = self.words(depth), self.words(depth)
                return self.noted(f"permutation({x}, {y})", lambda env: rearranged(many(env), other(env)))
            case name:
                x, many = self.flags(depth)
                fold = all if name == "all" else any
                return self.noted(f"{name}({x})", lambda env: fold(flag(thunk()) for thunk in many(env)))

    def among(self, depth: int) -> Scalar:
        (x, f), (y, many) = self.letter(depth), self.words(depth)

        def meaning(env: Env) -> Atom:
            items = many(env)
            return any(f(env) == thunk() for thunk in items)

        return self.noted(f"({x} in {y})", meaning)


def lazily(meaning: Callable[[Thunk, Thunk], Atom], *parts: Thunk | Sequence[Thunk]) -> Sequence[Thunk]:
    """As `lift`, for a meaning that decides itself which operands it uses."""
    lengths = {len(part) for part in parts if isinstance(part, Sequence)}
    if len(lengths) != 1:
        raise Bad
    columns = [[part[i] if isinstance(part, Sequence) else part for part in parts] for i in range(lengths.pop())]
    return [partial(meaning, *column) for column in columns]


def in_order(items: Sequence[Thunk]) -> bool:
    return all(not below(items[k + 1](), items[k]()) for k in range(len(items) - 1))


def rearranged(left: Sequence[Thunk], right: Sequence[Thunk]) -> bool:
    if len(left) != len(right):
        return False
    return sorted(str(thunk()) for thunk in left) == sorted(str(thunk()) for thunk in right)


def letters(env: Env) -> str:
    word = env["word"]
    assert isinstance(word, str)
    return word


SEQUENCES: Mapping[str, Callable[[Env], Sequence[Thunk]]] = {
    "same": lambda env: [constant(c) for c in letters(env)],
    "flip": lambda env: [constant(c) for c in reversed(letters(env))],
    "first": lambda env: [constant(letters(env)[0]) for _ in letters(env)],
    "last": lambda env: [constant(letters(env)[-1]) for _ in letters(env)],
    "share": lambda env: [constant(Fraction(letters(env).count("a"), len(letters(env)))) for _ in letters(env)],
    "is_a": lambda env: [constant(c == "a") for c in letters(env)],
}


@pytest.mark.parametrize("seed", range(4))
def test_expressions_mean_what_their_direct_reading_means(seed: int) -> None:
    writer = Writer(Random(seed))
    counts: dict[bool | None, int] = {True: 0, False: 0, None: 0}
    refused = 0
    for _ in range(EXPRESSIONS // 4):
        text, meaning = writer.truth(3)
        try:
            prop = one(f"ensures {text}")
        except PropertyError:  # such as a real as an index, which no input makes right
            refused += 1
            continue
        claim = prop.property.claim
        assert isinstance(claim, Ensures)
        for word in ("a", "ba", "aab"):
            try:
                expected: Atom | None = meaning({"n": len(word), "word": word})
            except Bad:
                expected = None
            run = evaluate(prop.binding.nodes(claim.condition), word, Numbers.EXACT)
            outcome = holds(claim.condition, run, prop.binding, prop.property.scope)
            assert isinstance(expected, bool | None)
            counts[expected] += 1
            assert verdict(outcome) is expected, (text, word, outcome)
    assert min(counts.values()) > EXPRESSIONS * 3 // 4 // 20  # all three really occur
    assert refused < EXPRESSIONS // 4 // 4


def verdict(outcome: Outcome) -> bool | None:
    if outcome.status is Status.HOLDS:
        return True
    assert outcome.explanation is not None
    return None if "has no value" in outcome.explanation.message else False


def truth_of(text: str, word: str = "ab", numbers: str = "exact") -> bool | None:
    prop = one(f"scope alphabet=ab01. numbers={numbers}", f"ensures {text}")
    claim = prop.property.claim
    assert isinstance(claim, Ensures)
    run = evaluate(prop.binding.nodes(claim.condition), word, Numbers(numbers))
    return verdict(holds(claim.condition, run, prop.binding, prop.property.scope))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # quantifiers
        ('forall c in alphabet: c in ["a", "b", "0", "1", "."]', True),
        ("exists c in alphabet: count(tokens, c) == 2", False),
        ("forall k in 1..0: False", True),
        ("exists k in 1..0: True", False),
        ("forall i, j: i <= j or j < i", True),
        ("forall i, j in 1..3: i + j >= 2", True),
        ("forall k in 0..int(tokens[9]): k == k", None),
        ("exists i: i == 1 or tokens[i - 1] == 1", None),
        ("exists i: i == 0 or tokens[i - 1] == 1", True),
        ("forall i: i > 0 => tokens[i - 1] == tokens[i - 1]", True),
        # arithmetic
        ("7 % 3 == 1 and -7 % 3 == 2 and 2 ^ 3 ^ 2 == 512 and -2 ^ 2 == -4", True),
        ("1 / 3 + 1 / 3 + 1 / 3 == 1", True),
        ("0.1 + 0.2 == 0.3", True),
        ("1 / 0 == 1", None),
        ("round(5 / 2) == 2 and round(7 / 2) == 4", True),
        ("abs(-3) == 3 and abs(1 / 2 - 1) == 1 / 2 and abs(True) == 1", True),
        ('int("12") == 12 and int(7 / 2) == 3 and int(True) == 1', True),
        ('int("x") == 0', None),
        ('"a" + "b" == "ab" and "ab" * 2 == "abab"', True),
        ("True == 1 and 1.0 == 1", True),
        # chains, conditionals
        ("0 < 1 < 2 <= 2 != 3", True),
        ("1 < 0 < int(tokens[9])", False),
        ("0 < 1 < int(tokens[9])", None),
        ("(tokens[9] if n == 1 else tokens[0]) == tokens[0]", True),
        # folds
        ("min([3, 1, 2]) == 1 and max([1, 3, 2]) == 3 and min(2, 1) == 1 and max(2, 1) == 2", True),
        ("min(tokens[1..0]) == 1", None),
        ('max(tokens) == "1"', True),
        ("sum([1, 2, True]) == 4 and sum([]) == 0", True),
        ("count([1, 2, 1], 1) == 2 and count([True, False]) == 1", True),
        ("count(tokens[1..0], tokens[7]) == 0", True),
        ("count(tokens, tokens[7]) == 0", None),
        ("sorted([1, 1, 2]) and not sorted([2, 1]) and sorted([]) and sorted([1 / 0])", True),
        ('sorted([1, "a"])', None),
        ('sorted([2, 1, "a"])', False),
        ("permutation([1, 2, 2], [2, 1, 2]) and not permutation([1, 2, 2], [1, 1, 2])", True),
        ("permutation([1], [1, 1])", False),
        ("len(prefix(tokens, n - 1)) == n and len(prefix(tokens, -1)) == 0", True),
        ("len(prefix(tokens, n)) == n", None),
        ("all([]) and not any([])", True),
        ("all([False, 1 / 0 == 1])", False),
        ("all([1 / 0 == 1, False])", None),
        ("any([True, 1 / 0 == 1])", True),
        # sequences
        ("all(tokens == tokens[0..n - 2])", None),
        ("([1, 2] + [10, 20])[1] == 22 and ([1, 2] * 10)[0] == 10", True),
        ("([1, 0] / [1, 0])[0] == 1", True),
        ("([1, 0] / [1, 0])[1] == 1", None),
        ("len([1, 0] / [1, 0]) == 2", True),
        ("([True, False] and [False, 1 / 0 == 1])[1] == False", True),
        ("([1, 2] if [True, False] else 0)[1] == 0", True),
        ("sum(int(tokens_int) * [10, 1]) == 10", True),
        ("reverse([1, 2])[0] == 2", True),
        ("tokens[True] == tokens[1]", True),
        # languages
        ("tokens in /[ab01.]+/", True),
        ("tokens[0..0] in /a|1/ and tokens[1..0] in /()/", True),
        ('["(", ")"] in dyck("()") and ["("] in prefixes(dyck("()")) and ["("] not in dyck("()")', True),
        ("[1] in /1/", False),
    ],
)
def test_each_form(text: str, value: bool | None) -> None:
    assert truth_of(text, "10") is value


def test_numbers_follow_the_scope() -> None:
    assert truth_of("0.1 + 0.2 == 0.3", "ab", "ieee") is False
    assert truth_of("1 / 3 * 3 == 1 and 0.5 == 1 / 2", "ab", "ieee") is True
    assert truth_of("share[0] == 1 / 2", "ab", "ieee") is True


def test_nesting_up_to_the_limit_is_evaluated() -> None:
    for text in (
        "not " * 90 + "True",
        "(" * 40 + "True" + " => True)" * 40,
        "".join(f"forall v{k} in 0..0: " for k in range(90)) + "v0 == 0",
        "abs(" * 90 + "1" + ")" * 90 + " == 1",
        "-" * 90 + "1 == 1",
        "".join("(True if " for _ in range(90)) + "True" + " else False)" * 90,
        "len(" + "reverse(" * 90 + "tokens" + ")" * 90 + ") == n",
    ):
        assert truth_of(text) is not None


def test_a_contract_read_off_by_hand_holds_on_every_short_word() -> None:
    prop = one('ensures (tokens in /(ab)+/) <=> n % 2 == 0 and forall i: tokens[i] == ("a" if i % 2 == 0 else "b")')
    claim = prop.property.claim
    assert isinstance(claim, Ensures)
    for n in range(1, 5):
        for word in product("ab", repeat=n):
            run = evaluate(prop.binding.nodes(claim.condition), word, Numbers.EXACT)
            assert holds(claim.condition, run, prop.binding, prop.property.scope).status is Status.HOLDS
