"""Expressions of the property language by cases, as `verifier.unbounded.program` does it for s-ops.

One position of the input is distinguished (`Place.HERE`): the first quantified one, the last or the first of the
input. One more, of an inner quantifier or a count, is the key (`Place.KEY`). Where tokens are not told apart, positions
are terms, and there may be any number of them. What cannot be said raises `Unsupported`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise
from typing import Final, TypeAlias, assert_never

from spec.graph import Combine, Negate, Select, SOp
from spec.operators import Op
from spec.property import ast
from spec.property.bound import Binding, Shape
from spec.property.scope import Scope
from spec.property.walk import names_in, subexpressions
from spec.values import Atom, Numbers, to_input
from verifier.unbounded.languages import Languages
from verifier.unbounded.linear import (
    FALSE,
    TRUE,
    ZERO,
    Formula,
    Linear,
    Place,
    Sort,
    Unsupported,
    Variable,
    at_most,
    conjunction,
    constant,
    disjunction,
    equal,
    less,
    negation,
    substitute,
    total,
    variables,
)
from verifier.unbounded.machine import before, in_all, memory
from verifier.unbounded.pieces import (
    NO,
    YES,
    Cases,
    Known,
    Nothing,
    Number,
    Value,
    always,
    combined,
    gathered,
    integer,
    known,
    truths,
)
from verifier.unbounded.program import Symbolic, replaced

RANK: Final = Variable(Sort.BEFORE, 0, Place.HERE)


class Anchor(Enum):
    """Which position is distinguished."""

    ANY = "any"
    LAST = "last"
    FIRST = "first"


@dataclass(frozen=True)
class Spot:
    """A position: its letter and its number."""

    letter: int
    position: Linear


Assigned: TypeAlias = Spot | Atom


@dataclass(frozen=True)
class Speaker:
    """Evaluates expressions where position HERE holds `letter`."""

    symbolic: Symbolic
    binding: Binding
    scope: Scope
    languages: Languages
    letter: int
    anchor: Anchor
    assigned: Mapping[ast.Variable, Assigned] = field(default_factory=dict)
    key: Spot | None = None

    # -------------------------------------------------------------------------------------------- helpers

    @property
    def here(self) -> Spot:
        """The distinguished position."""
        return Spot(self.letter, self.symbolic.position())

    @property
    def length(self) -> Linear:
        """The number of positions."""
        return total(in_all(k) for k in self.symbolic.letters)

    @property
    def opaque(self) -> bool:
        """Whether tokens are not told apart."""
        return self.symbolic.symbols is None

    def feasible(self, guard: Formula) -> bool:
        """Whether the guard can hold."""
        return self.symbolic.feasible(self.letter, guard)

    def _gather(self, pairs: Iterable[tuple[Formula, Value]]) -> Cases:
        return gathered(pairs, self.feasible)

    def _lift(self, op: Op, *args: Cases) -> Cases:
        return combined(op, args, self.feasible)

    def truth(self, expression: ast.Expression) -> Cases:
        """The value, which must be a truth value."""
        return self._boolean(self.scalar(expression))

    def _boolean(self, cases: Cases) -> Cases:
        return tuple((guard, v if v in (YES, NO) else Nothing("no truth value")) for guard, v in cases)

    # -------------------------------------------------------------------------------------------- scalars

    def scalar(self, expression: ast.Expression) -> Cases:  # noqa: C901  one case for each form
        """The value of a single-valued expression."""
        if self.key is not None and isinstance(expression, ast.Quantified | ast.Call | ast.Element | ast.InLanguage):
            return self._beside_key(expression)
        match expression:
            case ast.Literal(value=value):
                return always(known(to_input((value,), Numbers.EXACT)[0]))
            case ast.Length():
                return always(integer(self.length))
            case ast.Name():
                return self._variable(expression)
            case ast.Negation() | ast.Arithmetic() | ast.Comparison() | ast.Logic() | ast.Conditional():
                return self._operation(expression, self.scalar)
            case ast.Quantified(variables=variables):
                return self.instances(expression, variables)
            case ast.Index(sequence=sequence, index=index):
                return self._index(sequence, self.scalar(index))
            case ast.Call():
                return self._call(expression)
            case ast.Element(item=item, sequence=sequence):
                wanted = self.scalar(item)
                if isinstance(sequence, ast.ListLiteral):
                    found = [self._lift(Op.EQ, wanted, self.scalar(one)) for one in sequence.items]
                    return self._fold(found, neutral=False)
                return self._some(sequence, lambda value: self._lift(Op.EQ, value, wanted), every=False)
            case ast.InLanguage(word=word, language=language):
                return truths(self._member(word, language))
            case ast.Slice() | ast.ListLiteral():
                raise Unsupported("a sequence as a value")
        assert_never(expression)

    def _beside_key(self, expression: ast.Expression) -> Cases:
        """An expression with positions of its own, at the key: it must not speak of the position HERE as well."""
        key = self.key
        if key is None:
            raise Unsupported("no key")
        kept: dict[ast.Variable, Assigned] = {}
        here = Spot(key.letter, self.symbolic.position())
        for variable, value in self.assigned.items():
            if not isinstance(value, Spot):
                kept[variable] = value
            elif value == key:
                kept[variable] = here
        for name in names_in(expression):
            ref = self.binding.refs[name]
            if isinstance(ref, ast.Variable) and ref in self.assigned and ref not in kept:
                raise Unsupported("quantifiers inside one another")
        moved = replace(self, letter=key.letter, anchor=Anchor.ANY, assigned=kept, key=None)
        if any(isinstance(part, ast.Index) for part in subexpressions(expression)):
            raise Unsupported("quantifiers inside one another")
        to_key = self.symbolic.to_key()
        cases = moved.scalar(expression)
        return tuple((substitute(guard, to_key), replaced(value, to_key)) for guard, value in cases)

    def _variable(self, name: ast.Name) -> Cases:
        ref = self.binding.refs[name]
        if not isinstance(ref, ast.Variable):
            raise Unsupported(f"`{name.id}` as a value")
        found = self.assigned[ref]
        return always(integer(found.position) if isinstance(found, Spot) else known(found))

    def _operation(self, expression: ast.Expression, value: Callable[[ast.Expression], Cases]) -> Cases:
        """An operator on operands that `value` evaluates."""
        match expression:
            case ast.Negation(op=op, operand=operand):
                inner = value(operand)
                return self._lift(op, self._boolean(inner) if op is Op.NOT else inner)
            case ast.Arithmetic(op=op, left=left, right=right):
                return self._lift(op, value(left), value(right))
            case ast.Comparison(ops=ops, operands=operands):
                values = [value(operand) for operand in operands]
                links = [self._lift(op, a, b) for op, (a, b) in zip(ops, pairwise(values), strict=True)]
                return self._fold(links, neutral=True)
            case ast.Logic(connective=connective, operands=operands):
                return self._logic(connective, [self._boolean(value(operand)) for operand in operands])
            case ast.Conditional(then=then, condition=condition, otherwise=otherwise):
                test = self._boolean(value(condition))
                return self._choose(test, value(then), value(otherwise))
            case _:
                raise Unsupported("an operator that is not known here")

    def _choose(self, test: Cases, then: Cases, otherwise: Cases) -> Cases:
        """One of two values; the other is not looked at."""
        found: list[tuple[Formula, Value]] = []
        for guard, value in test:
            chosen = then if value == YES else otherwise if value == NO else always(value)
            found += [(conjunction((guard, more)), one) for more, one in chosen]
        return self._gather(found)

    def _fold(self, parts: Sequence[Cases], neutral: bool) -> Cases:
        """`and` or `or`, from left to right, the rest not looked at after a part that decides."""
        result = always(YES if neutral else NO)
        for part in reversed(parts):
            part = self._boolean(part)
            result = self._choose(part, result, always(NO)) if neutral else self._choose(part, always(YES), result)
        return result

    def _logic(self, connective: ast.Connective, parts: Sequence[Cases]) -> Cases:
        match connective:
            case ast.Connective.AND:
                return self._fold(parts, neutral=True)
            case ast.Connective.OR:
                return self._fold(parts, neutral=False)
            case ast.Connective.IMPLIES:
                return self._choose(parts[0], parts[1], always(YES))
            case ast.Connective.IFF:
                return self._lift(Op.EQ, parts[0], parts[1])
        assert_never(connective)

    # -------------------------------------------------------------------------------------------- sequences

    def element(self, expression: ast.Expression, spot: Spot) -> Cases:
        """One element of a sequence, or a single value."""
        if self.binding.types[expression].shape is not Shape.SEQUENCE:
            return self.scalar(expression)
        match expression:
            case ast.Name():
                ref = self.binding.refs[expression]
                if isinstance(ref, ast.Variable | Select | Negate | Combine):
                    raise Unsupported(f"`{expression.id}` as a sequence")
                return self.output(ref, spot)
            case ast.Call(function=ast.Function.REVERSE, arguments=(inner,)) if self.opaque:
                return self.element(inner, Spot(spot.letter, self.length.plus(-1) - spot.position))
            case ast.Negation() | ast.Arithmetic() | ast.Comparison() | ast.Logic() | ast.Conditional():
                return self._operation(expression, lambda part: self.element(part, spot))
            case _:
                raise Unsupported("a sequence that is not computed position by position")

    def output(self, sop: SOp, spot: Spot) -> Cases:
        """An s-op at a position."""
        cases = self.symbolic.values[sop][spot.letter]
        if spot.position == self.symbolic.position():
            return cases
        if self.opaque:
            moved: Mapping[Variable, Linear] = {RANK: spot.position}
            if any(v.sort is Sort.MEMORY for guard, _ in cases for v in variables(guard)):
                raise Unsupported("an s-op with a memory at another position")
        elif spot == self.key:
            moved = self.symbolic.to_key()
        else:
            raise Unsupported("an s-op at a third position")
        return tuple((substitute(guard, moved), replaced(value, moved)) for guard, value in cases)

    def _window(self, expression: ast.Expression) -> tuple[ast.Expression, Callable[[Linear], Formula], Formula]:
        """A sequence without its ends cut off, which positions are kept, and when the cut is not out of range."""
        match expression:
            case ast.Call(function=ast.Function.PREFIX, arguments=(inner, last)):
                low, high = ZERO, self.known_term(last)
            case ast.Slice(sequence=inner, low=first, high=last):
                low, high = self.known_term(first), self.known_term(last)
            case _:
                return expression, lambda _: TRUE, TRUE
        inside = disjunction((less(high, low), self._inside(low, high)))
        return inner, lambda at: conjunction((at_most(low - at), at_most(at - high))), inside

    def _inside(self, low: Linear, high: Linear) -> Formula:
        return conjunction((at_most(low.times(-1)), less(high, self.length)))

    def known_term(self, expression: ast.Expression) -> Linear:
        """An integer that one term gives in all cases."""
        cases = self.scalar(expression)
        if len(cases) == 1 and cases[0][0] == TRUE:
            term = _integer_term(cases[0][1])
            if term is not None:
                return term
        raise Unsupported("a bound that is given by cases")

    # -------------------------------------------------------------------------------------------- binders

    def instances(self, expression: ast.Quantified, names: tuple[ast.Variable, ...]) -> Cases:
        """`forall` or `exists`, variable by variable."""
        if not names:
            return self.truth(expression.body)
        first, rest = names[0], names[1:]
        every = expression.quantifier is ast.Quantifier.FORALL
        match expression.domain:
            case ast.Symbols():
                if self.opaque:
                    raise Unsupported("a quantifier over symbols that are not told apart")
                atoms = to_input(self.scope.symbols, Numbers.EXACT)
                found = [self.assign(first, atom).instances(expression, rest) for atom in atoms]
                return self._fold(found, neutral=every)
            case ast.Positions():
                low, high = ZERO, self.length.plus(-1)
            case ast.Range(low=first_, high=last_):
                low, high = self.known_term(first_), self.known_term(last_)
            case _:
                assert_never(expression.domain)
        empty = less(high, low)
        inside = disjunction((empty, self._inside(low, high)))

        def body(speaker: "Speaker", spot: Spot) -> tuple[Formula, Cases]:
            kept = conjunction((at_most(low - spot.position), at_most(spot.position - high)))
            return kept, speaker.assign(first, spot).instances(expression, rest)

        found_cases = self._over_keys(body, every)
        outside = negation(inside)
        if outside == FALSE:
            return found_cases
        pairs = [(conjunction((inside, guard)), value) for guard, value in found_cases]
        return self._gather([*pairs, (outside, Nothing("a range beyond the input"))])

    def assign(self, variable: ast.Variable, value: Assigned) -> "Speaker":
        """With a value for a variable."""
        return replace(self, assigned={**self.assigned, variable: value})

    def _keys(self) -> Iterable[tuple["Speaker", Spot]]:
        if self.key is not None:
            raise Unsupported("quantifiers inside one another")
        for letter in self.symbolic.letters:
            spot = Spot(letter, total(before(k, Place.KEY) for k in self.symbolic.letters))
            yield replace(self, key=spot), spot

    def _over_keys(self, body: Callable[["Speaker", Spot], tuple[Formula, Cases]], every: bool) -> Cases:
        """Whether the body holds at every, or at some, position that is kept."""
        deciding, failing = {}, {}
        for speaker, spot in self._keys():
            kept, cases = body(speaker, spot)
            decider = NO if every else YES
            deciding[spot.letter] = conjunction((kept, disjunction(g for g, v in cases if v == decider)))
            failing[spot.letter] = conjunction((kept, disjunction(g for g, v in cases if v not in (YES, NO))))
        found: list[tuple[Formula, Value]] = []
        for guard, entries in self.symbolic.joint(self.letter, [deciding, failing]):
            decided = total(size for which, size, _ in entries if which == 0)
            failed = total(size for which, size, _ in entries if which == 1)
            well = equal(failed)
            found.append((conjunction((guard, negation(well))), Nothing("no value at some position")))
            found.append((conjunction((guard, well, equal(decided))), YES if every else NO))
            found.append((conjunction((guard, well, negation(equal(decided)))), NO if every else YES))
        return self._gather((guard, value) for guard, value in found if guard != FALSE)

    def _some(self, sequence: ast.Expression, test: Callable[[Cases], Cases], every: bool) -> Cases:
        """Whether the test holds for every, or some, element of a sequence."""
        inner, window, inside = self._window(sequence)
        self._whole_inside(inside)

        def body(speaker: "Speaker", spot: Spot) -> tuple[Formula, Cases]:
            return window(spot.position), self._boolean(test(speaker.element(inner, spot)))

        return self._over_keys(body, every)

    def _whole_inside(self, inside: Formula) -> None:
        outside = negation(inside)
        if self.key is not None:
            outside = conjunction((outside, self.symbolic.domain.at(self.key.letter, Place.KEY)))
        if self.feasible(outside):
            raise Unsupported("a slice that may reach beyond the input")

    # -------------------------------------------------------------------------------------------- parts

    def _index(self, sequence: ast.Expression, index: Cases) -> Cases:
        found: list[tuple[Formula, Value]] = []
        for guard, value in index:
            term = _integer_term(value)
            if term is None:
                found.append((guard, value if isinstance(value, Nothing) else Nothing("an index that is no integer")))
                continue
            for more, one in self._at(sequence, term):
                found.append((conjunction((guard, more)), one))
        return self._gather(found)

    def _at(self, sequence: ast.Expression, term: Linear) -> Cases:
        here, last = self.here, self.length.plus(-1)
        if self.opaque:
            inside = conjunction((at_most(term.times(-1)), less(term, self.length)))
            cases = [(conjunction((inside, g)), v) for g, v in self.element(sequence, Spot(0, term))]
            outside = negation(inside)
            return tuple(cases) if outside == FALSE else (*cases, (outside, Nothing("an index out of range")))
        if self.key is not None and term == self.key.position:
            return self.element(sequence, self.key)
        if term == here.position or (term == last and self.anchor is Anchor.LAST):
            return self.element(sequence, here)
        if term == ZERO and self.anchor is Anchor.FIRST:
            return self.element(sequence, here)
        distance = (here.position - term).known
        if distance is not None and distance > 0 and self.key is None:
            return self._earlier(sequence, distance)
        if term in (ZERO, last):
            return self._uniform(sequence)
        raise Unsupported("a sequence at a position that is neither quantified nor next to one that is")

    def _uniform(self, sequence: ast.Expression) -> Cases:
        """The element at any position, of a sequence that has the same everywhere."""
        letters = self.symbolic.letters if self.key is None else ()
        found = {replace(self, letter=k).element(sequence, Spot(k, self.symbolic.position())) for k in letters}
        if len(found) == 1:
            (cases,) = found
            if not any(v.place is Place.HERE for guard, _ in cases for v in variables(guard)) and all(
                isinstance(value, Known | Nothing) for _, value in cases
            ):
                return cases
        raise Unsupported("a sequence at the first or last position beside another position")

    def _earlier(self, sequence: ast.Expression, distance: int) -> Cases:
        """The element that many positions before: remembered, or computed from the counts there."""
        symbolic = self.symbolic
        if distance == 1:
            previous = [self._element_before(sequence, letter) for letter in symbolic.letters]
            if all(case is not None for case in previous):
                pairs = [case for cases in previous if cases is not None for case in cases]
                return self._gather([*pairs, (equal(self.here.position), Nothing("an index out of range"))])
        held: dict[Value, dict[int, Formula]] = {}
        for letter in symbolic.letters:
            for guard, value in replace(self, letter=letter).element(sequence, Spot(letter, self.here.position)):
                if not isinstance(value, Known):
                    raise Unsupported("a count at an earlier position")
                held.setdefault(value, {})[letter] = guard
        pairs = []
        for value, guards in held.items():
            conditions = [guards.get(letter, FALSE) for letter in symbolic.letters]
            register = symbolic.machine.delayed(conditions, distance)
            pairs.append((equal(memory(register).plus(-1)), value))
        none = conjunction(negation(guard) for guard, _ in pairs)
        return self._gather([*pairs, (none, Nothing("an index out of range"))])

    def _element_before(self, sequence: ast.Expression, letter: int) -> list[tuple[Formula, Value]] | None:
        """The element at the position before, if that holds the letter; `None` if it depends on a register."""
        symbolic = self.symbolic
        cases = replace(self, letter=letter).element(sequence, Spot(letter, self.here.position))
        if any(v.sort is Sort.MEMORY for guard, value in cases for v in variables(guard) | _mentioned(value)):
            return None
        marks = [TRUE if k == letter else FALSE for k in symbolic.letters]
        there = equal(memory(symbolic.machine.delay(marks)).plus(-1))
        shift = {
            Variable(Sort.BEFORE, k, Place.HERE): before(k).plus(-1 if k == letter else 0) for k in symbolic.letters
        }
        return [(conjunction((there, substitute(guard, shift))), replaced(value, shift)) for guard, value in cases]

    # -------------------------------------------------------------------------------------------- functions

    def _call(self, call: ast.Call) -> Cases:
        arguments = call.arguments
        match call.function:
            case ast.Function.COUNT:
                if len(arguments) == 1:
                    return self._count(arguments[0], self._boolean)
                wanted = self.scalar(arguments[1])
                return self._count(arguments[0], lambda value: self._lift(Op.EQ, value, wanted))
            case ast.Function.ALL | ast.Function.ANY:
                return self._some(arguments[0], self._boolean, call.function is ast.Function.ALL)
            case ast.Function.LEN if self.binding.types[arguments[0]].shape is Shape.SEQUENCE:
                inner, _, _ = self._window(arguments[0])
                if inner is not arguments[0] or isinstance(inner, ast.ListLiteral):
                    raise Unsupported("the length of a part")
                return always(integer(self.length))
            case ast.Function.ROUND:
                return self._lift(Op.ROUND, self.scalar(arguments[0]))
            case ast.Function.MIN | ast.Function.MAX if len(arguments) > 1:
                return self._extreme(call.function is ast.Function.MIN, [self.scalar(one) for one in arguments])
            case ast.Function.ABS:
                value = self.scalar(arguments[0])
                negative = self._lift(Op.LT, value, always(known(0)))
                return self._choose(negative, self._lift(Op.NEG, value), value)
            case _:
                raise Unsupported(f"`{call.function.value}`")

    def _extreme(self, least: bool, items: Sequence[Cases]) -> Cases:
        best = items[0]
        for item in items[1:]:
            best = self._choose(self._lift(Op.LT if least else Op.GT, item, best), item, best)
        return best

    def _count(self, sequence: ast.Expression, test: Callable[[Cases], Cases]) -> Cases:
        inner, window, inside = self._window(sequence)
        self._whole_inside(inside)
        counted, failing = {}, {}
        for speaker, spot in self._keys():
            cases = self._boolean(test(speaker.element(inner, spot)))
            kept = window(spot.position)
            counted[spot.letter] = conjunction((kept, disjunction(g for g, v in cases if v == YES)))
            failing[spot.letter] = conjunction((kept, disjunction(g for g, v in cases if v not in (YES, NO))))
        found: list[tuple[Formula, Value]] = []
        for guard, entries in self.symbolic.joint(self.letter, [counted, failing]):
            failed = equal(total(size for which, size, _ in entries if which == 1))
            found.append(
                (conjunction((guard, failed)), integer(total(size for which, size, _ in entries if not which)))
            )
            found.append((conjunction((guard, negation(failed))), Nothing("no value at some position")))
        return self._gather((guard, value) for guard, value in found if guard != FALSE)

    def _member(self, word: ast.Expression, language: ast.Language) -> Formula:
        """Whether the whole input, or the input up to here, is in a language."""
        if self.opaque:
            raise Unsupported("languages of tokens that are not told apart")
        inner, whole = word, True
        if isinstance(word, ast.Call) and word.function is ast.Function.PREFIX:
            inner, whole = word.arguments[0], False
            if self.known_term(word.arguments[1]) != self.here.position or self.key is not None:
                raise Unsupported("a prefix that does not end at the quantified position")
        spelled = [self._spelled(inner, letter) for letter in self.symbolic.letters]
        if whole:
            return self.languages.at_end(language, spelled)
        return self.languages.up_to(language, spelled, self.letter)

    def _spelled(self, word: ast.Expression, letter: int) -> Atom:
        cases = replace(self, letter=letter).element(word, Spot(letter, self.symbolic.position()))
        if len(cases) == 1 and isinstance(cases[0][1], Known):
            return cases[0][1].atom
        raise Unsupported("a language of something else than tokens")


def _integer_term(value: Value) -> Linear | None:
    """The value as an integer term."""
    match value:
        case Known(atom=int() as atom):
            return constant(int(atom))
        case Number(top=top, bottom=bottom, whole=True) if bottom == constant(1):
            return top
        case _:
            return None


def _mentioned(value: Value) -> frozenset[Variable]:
    return value.top.variables | value.bottom.variables if isinstance(value, Number) else frozenset()
