"""Linear integer arithmetic over natural numbers: terms and quantifier-free formulas, as data.

    Linear      c0 + c1 v1 + c2 v2 + ..          with integer coefficients
    Compare     e <= 0,  e == 0,  m | e
    formulas    truth values, comparisons, and, or, not

Every variable stands for a natural number; the constructors use it, and nothing else, to decide comparisons on sight.
A formula is at most `MAX_DEPTH` deep, so that walks over it may recurse; deeper ones are refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import gcd
from typing import Final, NamedTuple, TypeAlias, assert_never

from verifier.engine import Reason

MAX_DEPTH: Final = 120
MAX_SIZE: Final = 20_000


class Unsupported(Exception):
    """The method does not apply, or came to no end: the message says why, the reason whether more would help."""

    def __init__(self, message: str, reason: Reason = Reason.UNSUPPORTED) -> None:
        super().__init__(message)
        self.reason = reason


class Sort(Enum):
    """What a variable counts."""

    BEFORE = "before"
    """How often a letter occurs before the place."""
    TOTAL = "total"
    """How often a letter occurs in the whole input."""
    FIRST = "first"
    """1 if the input begins with the letter, else 0."""
    MEMORY = "memory"
    """A register of the machine, before it reads the place."""
    FINAL = "final"
    """A register of the machine at the end of the input."""
    FREE = "free"
    """A position that a property quantifies over."""


class Place(Enum):
    """The position that a variable is relative to: the one asked about, the key of a selector, or none."""

    HERE = "i"
    KEY = "j"
    NONE = ""


class Variable(NamedTuple):
    """A natural number."""

    sort: Sort
    number: int
    place: Place

    def __str__(self) -> str:
        return f"{self.sort.value}{self.number}{self.place.value}"


@dataclass(frozen=True)
class Linear:
    """`constant` plus the sum of coefficient times variable; the terms are sorted and not zero."""

    terms: tuple[tuple[Variable, int], ...] = ()
    constant: int = 0

    @staticmethod
    def of(coefficients: Mapping[Variable, int], constant: int = 0) -> "Linear":
        """The normal form."""
        kept = [(v, c) for v, c in coefficients.items() if c]
        return Linear(tuple(sorted(kept, key=lambda term: str(term[0]))), constant)

    @staticmethod
    def variable(variable: Variable) -> "Linear":
        """One variable."""
        return Linear(((variable, 1),))

    @property
    def known(self) -> int | None:
        """Its value, when it has no variable."""
        return None if self.terms else self.constant

    @property
    def variables(self) -> frozenset[Variable]:
        """The variables that matter."""
        return frozenset(v for v, _ in self.terms)

    def coefficient(self, variable: Variable) -> int:
        """How often the variable counts."""
        return dict(self.terms).get(variable, 0)

    def __add__(self, other: "Linear") -> "Linear":
        found = dict(self.terms)
        for v, c in other.terms:
            found[v] = found.get(v, 0) + c
        return Linear.of(found, self.constant + other.constant)

    def __sub__(self, other: "Linear") -> "Linear":
        return self + other.times(-1)

    def plus(self, constant: int) -> "Linear":
        """With a constant added."""
        return Linear(self.terms, self.constant + constant)

    def times(self, factor: int) -> "Linear":
        """Multiplied by a constant."""
        return Linear(tuple((v, factor * c) for v, c in self.terms) if factor else (), factor * self.constant)

    def divided(self, other: "Linear") -> int | None:
        """The integer `k` with `self == k * other`, if there is one."""
        pairs = [(self.constant, other.constant), *((c, other.coefficient(v)) for v, c in self.terms)]
        nonzero = [(a, b) for a, b in pairs if a or b]
        if not nonzero or len(self.terms) not in (0, len(other.terms)):
            return 0 if not nonzero else None
        a, b = nonzero[0]
        if b == 0 or a % b:
            return None
        return a // b if other.times(a // b) == self else None

    def substitute(self, values: Mapping[Variable, "Linear"]) -> "Linear":
        """With terms in the place of variables."""
        result = Linear((), self.constant)
        for v, c in self.terms:
            result += values.get(v, Linear.variable(v)).times(c)
        return result

    def value(self, numbers: Mapping[Variable, int]) -> int:
        """Its value where the variables have these values."""
        return self.constant + sum(c * numbers[v] for v, c in self.terms)

    def __str__(self) -> str:
        parts = [f"{'' if c == 1 else f'{c}*'}{v}" for v, c in self.terms]
        if self.constant or not parts:
            parts.append(str(self.constant))
        return " + ".join(parts)


ZERO: Final = Linear()
ONE: Final = Linear((), 1)


def constant(value: int) -> Linear:
    """A known integer."""
    return Linear((), value)


def total(terms: Iterable[Linear]) -> Linear:
    """The sum."""
    result = ZERO
    for term in terms:
        result += term
    return result


class Relation(Enum):
    """How a term is compared with zero."""

    AT_MOST = "<= 0"
    EQUAL = "== 0"
    DIVISIBLE = "divisible"


@dataclass(frozen=True)
class Truth:
    """True or false."""

    value: bool
    depth: int = 0
    size: int = 1

    def __str__(self) -> str:
        return str(self.value).lower()


@dataclass(frozen=True)
class Compare:
    """`term <= 0`, `term == 0`, or `modulus` divides `term`."""

    relation: Relation
    term: Linear
    modulus: int = 0
    depth: int = 0
    size: int = 1

    def __str__(self) -> str:
        if self.relation is Relation.DIVISIBLE:
            return f"{self.modulus} | {self.term}"
        return f"{self.term} {self.relation.value}"


@dataclass(frozen=True)
class Not:
    """The negation of a comparison or of a conjunction or disjunction."""

    arg: "Formula"
    depth: int = field(compare=False)
    size: int = field(compare=False)

    def __str__(self) -> str:
        return f"not ({self.arg})"


@dataclass(frozen=True)
class Many:
    """A conjunction (`every`) or a disjunction of at least two different parts."""

    every: bool
    args: tuple["Formula", ...]
    depth: int = field(compare=False)
    size: int = field(compare=False)
    _hash: int = field(compare=False)

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return "(" + (" and " if self.every else " or ").join(map(str, self.args)) + ")"


Formula: TypeAlias = Truth | Compare | Not | Many
TRUE: Final = Truth(True)
FALSE: Final = Truth(False)


def at_most(term: Linear) -> Formula:
    """`term <= 0`."""
    coefficients = [c for _, c in term.terms]
    if all(c >= 0 for c in coefficients) and term.constant > 0:
        return FALSE
    if all(c <= 0 for c in coefficients) and term.constant <= 0:
        return TRUE
    if all(c > 0 for c in coefficients) and term.constant == 0:
        return equal(term)
    divisor = gcd(*coefficients)
    if divisor > 1:
        # c v + k <= 0 with all coefficients multiples of d: dividing, the constant is rounded up.
        term = Linear(tuple((v, c // divisor) for v, c in term.terms), -((-term.constant) // divisor))
    return Compare(Relation.AT_MOST, term)


def equal(term: Linear) -> Formula:
    """`term == 0`."""
    if not term.terms:
        return Truth(term.constant == 0)
    if term.terms[0][1] < 0:
        term = term.times(-1)
    coefficients = [c for _, c in term.terms]
    divisor = gcd(*coefficients)
    if term.constant % divisor:
        return FALSE
    term = Linear(tuple((v, c // divisor) for v, c in term.terms), term.constant // divisor)
    if all(c > 0 for _, c in term.terms):
        # A sum of natural numbers is never below 0, and 0 only where each of them is.
        if term.constant > 0:
            return FALSE
        if term.constant == 0:
            term = Linear(tuple((v, 1) for v, _ in term.terms))
    return Compare(Relation.EQUAL, term)


def is_zero(formula: Formula) -> bool:
    """Whether it says that a sum of variables is 0: the form of `sum <= 0` as well, and its negation is an order."""
    match formula:
        case Compare(relation=Relation.EQUAL, term=Linear(terms=terms, constant=0)):
            return all(c == 1 for _, c in terms)
        case _:
            return False


def divisible(term: Linear, modulus: int) -> Formula:
    """`modulus` divides `term`."""
    term = Linear.of({v: c % modulus for v, c in term.terms}, term.constant % modulus)
    if not term.terms:
        return Truth(term.constant == 0)
    return Compare(Relation.DIVISIBLE, term, modulus)


def less(left: Linear, right: Linear) -> Formula:
    """`left < right`."""
    return at_most((left - right).plus(1))


def negation(arg: Formula) -> Formula:
    """`not arg`; a negated order is an order."""
    match arg:
        case Truth(value=value):
            return Truth(not value)
        case Not(arg=inner):
            return inner
        case Compare(relation=Relation.AT_MOST, term=term):
            return at_most(term.times(-1).plus(1))
        case Compare(term=term) if is_zero(arg):
            return at_most(term.times(-1).plus(1))
        case _:
            return Not(arg, arg.depth + 1, arg.size + 1)


def conjunction(args: Iterable[Formula]) -> Formula:
    """All of them."""
    return _many(True, args)


def disjunction(args: Iterable[Formula]) -> Formula:
    """At least one of them."""
    return _many(False, args)


def _many(every: bool, args: Iterable[Formula]) -> Formula:
    neutral, deciding = Truth(every), Truth(not every)
    parts: dict[Formula, None] = {}
    for arg in args:
        for part in arg.args if isinstance(arg, Many) and arg.every is every else (arg,):
            if part == deciding or negation(part) in parts:
                return deciding
            if part != neutral:
                parts[part] = None
    if not parts:
        return neutral
    found = tuple(parts)
    if len(found) == 1:
        return found[0]
    depth, size = max(part.depth for part in found) + 1, sum(part.size for part in found) + 1
    if depth > MAX_DEPTH or size > MAX_SIZE:
        raise Unsupported("the formulas become too large")
    return Many(every, found, depth, size, hash((every, found)))


def transform(formula: Formula, leaf: Callable[[Compare], Formula]) -> Formula:
    """The formula with every comparison replaced."""
    match formula:
        case Truth():
            return formula
        case Compare():
            return leaf(formula)
        case Not(arg=arg):
            return negation(transform(arg, leaf))
        case Many(every=every, args=args):
            return _many(every, (transform(arg, leaf) for arg in args))
    assert_never(formula)


def compare(relation: Relation, term: Linear, modulus: int) -> Formula:
    """A comparison in normal form."""
    match relation:
        case Relation.AT_MOST:
            return at_most(term)
        case Relation.EQUAL:
            return equal(term)
        case Relation.DIVISIBLE:
            return divisible(term, modulus)
    assert_never(relation)


def substitute(formula: Formula, values: Mapping[Variable, Linear]) -> Formula:
    """The formula with terms in the place of variables."""
    return transform(formula, lambda one: compare(one.relation, one.term.substitute(values), one.modulus))


def comparisons(formula: Formula) -> tuple[Compare, ...]:
    """Every comparison in it, once."""
    found: dict[Compare, None] = {}
    stack = [formula]
    while stack:
        match stack.pop():
            case Compare() as one:
                found[one] = None
            case Not(arg=arg):
                stack.append(arg)
            case Many(args=args):
                stack.extend(args)
            case Truth():
                pass
    return tuple(found)


def variables(formula: Formula) -> frozenset[Variable]:
    """The variables that occur in it."""
    return frozenset(v for one in comparisons(formula) for v, _ in one.term.terms)


def holds(formula: Formula, numbers: Mapping[Variable, int]) -> bool:
    """Its truth where the variables have these values."""
    match formula:
        case Truth(value=value):
            return value
        case Compare(relation=relation, term=term, modulus=modulus):
            found = term.value(numbers)
            if relation is Relation.AT_MOST:
                return found <= 0
            return found == 0 if relation is Relation.EQUAL else found % modulus == 0
        case Not(arg=arg):
            return not holds(arg, numbers)
        case Many(every=every, args=args):
            return all(holds(arg, numbers) for arg in args) if every else any(holds(arg, numbers) for arg in args)
    assert_never(formula)
