"""The formula of a query over exact numbers: integers and rationals as they are, unbounded alphabets included.

`known` says what an input is, `violation` that it violates. Solvers get the same formula, as terms or as SMT-LIB text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic
from typing import Final, assert_never

from z3 import z3core, z3types

from spec.graph import View
from spec.operators import MAX_INT_BITS, Op, OperatorError
from spec.property.scope import Integers
from spec.values import Atom, Kind, Numbers
from verifier.encodings.kinded import Calculus, Kinded, Unsupported
from verifier.encodings.logic import Ast, Logic, Number, Truth
from verifier.encodings.words import Box, allowed, index_of
from verifier.engine import Limits, Query, Reason, Undecided, Word
from verifier.question.terms import (
    Agree,
    Apply,
    Choose,
    Count,
    Failure,
    HasKind,
    Input,
    Literal,
    Mean,
    Ok,
    Read,
    Term,
    operands,
    read_atom,
    topological,
)

MAX_SYMBOLS: Final = 1_024
LISTED_INTEGERS: Final = 64
"""Ranges of integers up to this size are written as strings where a program asks for it."""
FLOAT_BITS: Final = 1_000
"""Integers of fewer bits than this are finite as doubles, and so have a value as `tokens_float`."""

_SIZED: Final = frozenset({Op.ADD, Op.MUL, Op.DIV, Op.MOD, Op.POW})
"""Operators that fail when their result outgrows `MAX_INT_BITS`."""


def formula_of(query: Query, limits: Limits) -> "Encoder | Undecided":
    """The formula, or why there is none."""
    order = topological([query.violation])
    if len(order) > limits.max_terms:
        return Undecided(Reason.SIZE, f"{len(order)} terms")
    try:
        return Encoder(query, order, monotonic() + limits.wall_s)
    except Unsupported as reason:
        return Undecided(Reason.UNSUPPORTED, str(reason))
    except TimeoutError:
        return Undecided(Reason.WALL, "while building the formula")


# ------------------------------------------------------------------------------------------------ inputs


@dataclass(frozen=True)
class Letter:
    """The atom at a position: one of the symbols, each with its guard, or an integer in a range."""

    symbols: tuple[Atom, ...] | None
    guards: tuple[Truth, ...]
    variable: Ast | None

    def is_atom(self, logic: Logic, atom: Atom) -> Truth:
        """Whether the atom at the position is this very one."""
        if self.symbols is None:
            integral = isinstance(atom, int) and not isinstance(atom, bool)
            return logic.equal(self.variable, atom) if integral else False
        index = index_of(self.symbols, atom)
        return False if index is None else self.guards[index]

    def atom(self, name: str, values: Mapping[str, bool | int]) -> Atom:
        """The atom that the variables stand for; what the formula does not mention may be anything."""
        if self.symbols is None:
            return values.get(name, 0)
        if len(self.symbols) <= 2:
            return self.symbols[bool(values.get(name))]
        true = (atom for i, atom in enumerate(self.symbols) if values.get(f"{name}.{i}"))
        return next(true, self.symbols[0])


def _letter(logic: Logic, position: int, query: Query) -> tuple[Letter, list[Truth]]:
    """The unknown atom at a position, and what is known about it."""
    if isinstance(query.alphabet, Integers):
        variable = logic.int_variable(f"x{position}")
        low, high = query.alphabet.low, query.alphabet.high
        bounds = [] if low is None else [logic.at_most(low, variable)]
        return Letter(None, (), variable), bounds + ([] if high is None else [logic.at_most(variable, high)])
    symbols = query.alphabet
    if len(symbols) > MAX_SYMBOLS:
        raise Unsupported(f"an alphabet of more than {MAX_SYMBOLS} symbols")
    if len(symbols) == 1:
        return Letter(symbols, (True,), None), []
    if len(symbols) == 2:
        bit = logic.bool_variable(f"x{position}")
        return Letter(symbols, (logic.negate(bit), bit), None), []
    guards = tuple(logic.bool_variable(f"x{position}.{i}") for i in range(len(symbols)))
    some = logic.any(guards)
    one = [logic.any((logic.negate(a), logic.negate(b))) for i, a in enumerate(guards) for b in guards[:i]]
    return Letter(symbols, guards, None), [some, *one]


# ------------------------------------------------------------------------------------------------ terms


class Encoder:
    """The formula of a query: `known` about the input, and `violation`."""

    def __init__(self, query: Query, order: Sequence[Term], deadline: float) -> None:
        self.logic = Logic()
        self.calculus = Calculus(self.logic)
        self.query = query
        letters = [_letter(self.logic, position, query) for position in range(query.length)]
        self.letters = [letter for letter, _ in letters]
        self.known = [fact for _, facts in letters for fact in facts]
        found: dict[Term, Kinded] = {}
        # Views look at the alphabet themselves: what is only viewed may hold atoms that have no encoding.
        needed = {query.violation, *(arg for term in order if not isinstance(term, Read) for arg in operands(term))}
        for term in order:
            if monotonic() > deadline:
                raise TimeoutError
            if term in needed or not isinstance(term, Input):
                found[term] = self._value(term, found)
        value = found[query.violation]
        # Failing, which the maker of the query rules out, counts as a violation: never as the absence of one.
        fails = self.logic.negate(self.calculus.exists(value))
        self.violation = self.logic.any((self.calculus.holds(value), fails))

    def _value(self, term: Term, found: Mapping[Term, Kinded]) -> Kinded:
        calculus = self.calculus
        self._refuse_doubles(term)
        match term:
            case Input(position=position):
                return self._input(position)
            case Literal(value=atom):
                return calculus.constant(atom)
            case Failure():
                return Kinded()
            case Read():
                return self._read(term)
            case Apply(op=op, args=args):
                if op in _SIZED and term.size > MAX_INT_BITS and not term.kinds <= {Kind.STR}:
                    raise Unsupported(f"numbers that may outgrow {MAX_INT_BITS} bits")
                return calculus.apply(op, [found[arg] for arg in args])
            case Mean():
                return self._mean(term, found)
            case Choose(condition=condition, then=then, otherwise=otherwise):
                chosen = calculus.choose(calculus.holds(found[condition]), found[then], found[otherwise])
                return calculus.where(calculus.exists(found[condition]), chosen)
            case Count() | HasKind() | Ok() | Agree():
                return self._test(term, found)
        assert_never(term)

    def _test(self, term: Count | HasKind | Ok | Agree, found: Mapping[Term, Kinded]) -> Kinded:
        logic, calculus = self.logic, self.calculus
        exist = logic.all(calculus.exists(found[arg]) for arg in operands(term))
        match term:
            case Count(args=args):
                bits = [logic.select(calculus.holds(found[arg]), 1, 0) for arg in args]
                return Kinded(is_integer=exist, integer=logic.sum(bits, 0))
            case HasKind(arg=arg, among=among):
                return calculus.truth_value(exist, calculus.kind_among(found[arg], among))
            case Ok():
                return calculus.truth_value(True, exist)
            case Agree(exact=exact, ieee=ieee):
                x, y = found[exact], found[ieee]
                same_kind = logic.any(
                    logic.all((calculus.kind_among(x, kind), calculus.kind_among(y, kind)))
                    for kind in map(frozenset, ({Kind.BOOL}, {Kind.INT}, {Kind.STR}))
                )
                return calculus.truth_value(exist, logic.all((same_kind, calculus.equal(x, y))))
        assert_never(term)

    def _refuse_doubles(self, term: Term) -> None:
        """Doubles have no encoding; without reals the two number semantics are the same."""
        match term:
            case Read(numbers=Numbers.IEEE) | Apply(numbers=Numbers.IEEE) | Mean(numbers=Numbers.IEEE):
                kinds = [term.kinds, *(arg.kinds for arg in operands(term) if not isinstance(arg, Input))]
                if any(Kind.REAL in among for among in kinds):
                    raise Unsupported("doubles")
            case _:
                pass

    # -------------------------------------------------------------------------------------------- narrowing

    def narrowed(self, box: Box | None, other_than: Word | None) -> list[Truth]:
        """What the input has to satisfy besides: to be in the box, and another one than this."""
        logic, facts = self.logic, list[Truth]()
        if box is not None:
            facts.extend(self._inside(letter, choices) for letter, choices in zip(self.letters, box, strict=True))
        if other_than is not None and len(other_than) == len(self.letters):
            same = (letter.is_atom(logic, atom) for letter, atom in zip(self.letters, other_than, strict=True))
            facts.append(logic.negate(logic.all(same)))
        return facts

    def _inside(self, letter: Letter, choices: Sequence[Atom]) -> Truth:
        """Whether the atom is one of the choices; intervals of integers by their ends."""
        atoms = allowed(self.query.alphabet, choices)
        whole = [atom for atom in atoms if isinstance(atom, int)]
        if letter.symbols is None and len(whole) > 2 and whole[-1] - whole[0] == len(whole) - 1:
            return self.logic.all(
                (self.logic.at_most(whole[0], letter.variable), self.logic.at_most(letter.variable, whole[-1]))
            )
        return self.logic.any(letter.is_atom(self.logic, atom) for atom in atoms)

    def word(self, values: Mapping[str, bool | int]) -> Word:
        """The input that the variables, by name, stand for."""
        return tuple(letter.atom(f"x{i}", values) for i, letter in enumerate(self.letters))

    def smtlib(self, narrowed: Sequence[Truth] = ()) -> str:
        """The formula as SMT-LIB text, ending in `(check-sat)`."""
        *assumed, last = map(self.logic.formula, (*self.known, *narrowed, self.violation))
        context = self.logic.context.ref()
        given = (z3types.Ast * len(assumed))(*assumed)
        text = z3core.Z3_benchmark_to_smtlib_string(context, "", "ALL", "unknown", "", len(assumed), given, last)
        return str(text)

    # -------------------------------------------------------------------------------------------- inputs

    def _input(self, position: int) -> Kinded:
        letter = self.letters[position]
        if letter.symbols is None:
            return Kinded(is_integer=True, integer=letter.variable)
        return self.calculus.table(zip(letter.symbols, letter.guards, strict=True))

    def _read(self, term: Read) -> Kinded:
        if not isinstance(term.arg, Input):
            raise Unsupported("a view of something that is not an input")
        letter = self.letters[term.arg.position]
        if letter.symbols is None:
            return self._read_integer(term, letter)
        entries = []
        for symbol, guard in zip(letter.symbols, letter.guards, strict=True):
            try:
                entries.append((read_atom(term.view, symbol, term.numbers), guard))
            except OperatorError:
                continue  # nothing holds for this symbol: there is no value
        return self.calculus.table(entries)

    def _read_integer(self, term: Read, letter: Letter) -> Kinded:
        logic = self.logic
        match term.view:
            case View.ASIS | View.INT:
                return Kinded(is_integer=True, integer=letter.variable)
            case View.BOOL:
                return self.calculus.truth_value(True, logic.negate(logic.equal(letter.variable, 0)))
            case View.FLOAT:
                if term.arg.size >= FLOAT_BITS:
                    raise Unsupported("integers that may be too large for a double")
                return Kinded(is_rational=True, rational=logic.rational(letter.variable))
            case View.STR:
                return self._read_digits(term, letter)
        assert_never(term.view)

    def _read_digits(self, term: Read, letter: Letter) -> Kinded:
        alphabet = self.query.alphabet
        low, high = (alphabet.low, alphabet.high) if isinstance(alphabet, Integers) else (None, None)
        if low is None or high is None or high - low >= LISTED_INTEGERS:
            raise Unsupported("the digits of integers from a large range")
        return self.calculus.table(
            (read_atom(term.view, x, term.numbers), self.logic.equal(letter.variable, x)) for x in range(low, high + 1)
        )

    # -------------------------------------------------------------------------------------------- averages

    def _mean(self, term: Mean, found: Mapping[Term, Kinded]) -> Kinded:
        logic, calculus = self.logic, self.calculus
        values = [found[value] for value in term.values]
        chosen = [calculus.holds(found[c]) for c in term.chosen]
        count = logic.sum((logic.select(c, 1, 0) for c in chosen), 0)
        several = logic.less(1, count)
        single = self._single(chosen, values) if several is not True else Kinded()
        average = self._average(chosen, values, count) if several is not False else Kinded()
        default = calculus.constant(term.default)
        alone = calculus.choose(logic.equal(count, 0), default, single)
        exist = logic.all(calculus.exists(found[arg]) for arg in operands(term))
        return calculus.where(exist, calculus.choose(several, average, alone))

    def _single(self, chosen: Sequence[Truth], values: Sequence[Kinded]) -> Kinded:
        """The chosen value, where exactly one is chosen."""
        logic = self.logic
        pairs = list(zip(chosen, values, strict=True))
        texts = dict.fromkeys(text for value in values for text in value.strings)
        return Kinded(
            logic.any(logic.all((c, v.is_truth)) for c, v in pairs),
            logic.any(logic.all((c, v.is_truth, v.truth)) for c, v in pairs),
            logic.any(logic.all((c, v.is_integer)) for c, v in pairs),
            self._selected([(logic.all((c, v.is_integer)), v.integer) for c, v in pairs], 0),
            logic.any(logic.all((c, v.is_rational)) for c, v in pairs),
            self._selected([(logic.all((c, v.is_rational)), v.rational) for c, v in pairs], Fraction(0)),
            {text: logic.any(logic.all((c, v.strings.get(text, False))) for c, v in pairs) for text in texts},
        )

    def _selected(self, pairs: Sequence[tuple[Truth, Number]], otherwise: Number) -> Number:
        """The number whose guard holds; the last one needs none."""
        possible = [(guard, number) for guard, number in pairs if guard is not False]
        result = possible.pop()[1] if possible else otherwise
        for guard, number in reversed(possible):
            result = self.logic.select(guard, number, result)
        return result

    def _average(self, chosen: Sequence[Truth], values: Sequence[Kinded], count: Number) -> Kinded:
        """The mean, where at least two are chosen and none of them is a string."""
        logic, calculus = self.logic, self.calculus
        pairs = list(zip(chosen, values, strict=True))
        text = logic.any(logic.all((c, logic.any(v.strings.values()))) for c, v in pairs)
        if any(v.is_rational is not False for v in values):
            zero = Fraction(0)
            total = logic.sum((logic.select(c, calculus.as_rational(v), zero) for c, v in pairs), zero)
        else:
            total = logic.rational(logic.sum((logic.select(c, calculus.as_integer(v), 0) for c, v in pairs), 0))
        # A case for each count keeps the terms linear.
        least = max(2, sum(c is True for c in chosen))
        most = sum(c is not False for c in chosen)
        mean = logic.quotient(total, Fraction(most))
        for divisor in range(most - 1, least - 1, -1):
            mean = logic.select(logic.equal(count, divisor), logic.quotient(total, Fraction(divisor)), mean)
        return Kinded(is_rational=logic.negate(text), rational=mean)
