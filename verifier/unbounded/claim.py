"""A property for all lengths as obligations: formulas that must have no solution, each at a position with one letter.

    failures      no node of the program fails
    the claim     it is so at the distinguished position, or for the whole word

An obligation that has a solution says nothing: counts that satisfy it need not be those of any word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final, TypeAlias, assert_never

from spec.graph import Node, SOp
from spec.operators import Op
from spec.property import ast
from spec.property.bound import BoundProperty
from spec.property.language import spell
from spec.property.scope import Integers
from spec.property.walk import subexpressions
from spec.values import Kind, kind_of
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
    disjunction,
    equal,
    less,
    negation,
    substitute,
    variables,
)
from verifier.unbounded.machine import before, final, in_all, memory
from verifier.unbounded.pieces import NO, YES, Cases, Cell, Known, Nothing, Number, compared
from verifier.unbounded.program import Symbolic, replaced
from verifier.unbounded.statement import RANK, Anchor, Speaker, Spot

MAX_SYMBOLS: Final = 8
Pairs: TypeAlias = list[tuple[Formula, Formula]]


@dataclass(frozen=True)
class Obligation:
    """`violated` has no solution that the counts of a word give, at a position with the letter.

    `at_end` is the same without saying that the position is the last one, if that is what it says.
    """

    what: str
    letter: int
    violated: Formula
    at_end: Formula | None = None


@dataclass(eq=False)
class Claimed:
    """A property as obligations about a symbolic program; `given` says at each letter what is required of the word."""

    symbolic: Symbolic
    obligations: list[Obligation] = field(default_factory=list)
    given: tuple[Formula, ...] = ()
    free: int = 0


def listed_letters(bound: BoundProperty) -> Symbolic:
    """The program with its alphabet's symbols told apart."""
    scope = bound.property.scope
    if scope.size is None or scope.size > MAX_SYMBOLS:
        raise Unsupported(f"an alphabet of more than {MAX_SYMBOLS} symbols")
    return Symbolic(scope.symbols, scope.kinds, _shortest(bound))


def any_letters(bound: BoundProperty) -> Symbolic:
    """The program for any alphabet."""
    return Symbolic(None, bound.property.scope.kinds, _shortest(bound))


def _shortest(bound: BoundProperty) -> int:
    return 1 if isinstance(bound.property.claim, ast.Causal) else bound.property.scope.low


def claimed(bound: BoundProperty, symbolic: Symbolic) -> Claimed:
    """The obligations of a property; raises `Unsupported`."""
    return _Claimer(bound, symbolic).run()


def required(bound: BoundProperty, symbolic: Symbolic) -> Claimed:
    """The preconditions of a property alone, as seen from the last position; raises `Unsupported`."""
    claimer = _Claimer(bound, symbolic)
    try:
        claimer.preconditions()
    except Unsupported:
        claimer.preconditions(Anchor.LAST)
    return claimer.found


class _Claimer:
    def __init__(self, bound: BoundProperty, symbolic: Symbolic) -> None:
        self.bound, self.symbolic = bound, symbolic
        self.prop, self.binding, self.scope = bound.property, bound.binding, bound.property.scope
        self.languages = Languages(symbolic.machine, self.scope)
        self.found = Claimed(symbolic)

    def run(self) -> Claimed:
        """Preconditions first: what they name must never fail."""
        claim = self.prop.claim
        unconditional, given = self.preconditions()
        self.symbolic.add(self._nodes(claim))
        for index, failure in enumerate(self.symbolic.failures):
            condition = (
                failure.condition if index < unconditional else conjunction((given[failure.letter], failure.condition))
            )
            self._owe(f"no failure of node {failure.node.id}: {failure.reason}", failure.letter, condition)
        self._claim(claim, given)
        return self.found

    def preconditions(self, anchor: Anchor = Anchor.ANY) -> tuple[int, tuple[Formula, ...]]:
        """How many failures of nodes they may have, and what they say of a word with this letter at the position."""
        for requires in self.prop.requires:
            self.symbolic.add(self.binding.nodes(requires.condition))
        unconditional = len(self.symbolic.failures)
        self.found.given = self._given(anchor)
        return unconditional, self.found.given

    def _owe(self, what: str, letter: int, violated: Formula, at_end: Formula | None = None) -> None:
        if violated != FALSE:
            self.found.obligations.append(Obligation(what, letter, violated, at_end))

    def _nodes(self, claim: ast.Claim) -> Iterable[Node]:
        match claim:
            case ast.Ensures(condition=condition) | ast.Accepts(condition=condition):
                return self.binding.nodes(condition)
            case ast.Equivalent(left=left, right=right):
                return [self.binding.sops[left], self.binding.sops[right]]
            case ast.Invariance(target=target) | ast.Causal(target=target) | ast.NoError(target=target):
                return [self.binding.sops[target]]
            case ast.NumbersAgree():
                raise Unsupported("doubles are rounded from some length on: for all lengths, numbers are exact")
            case ast.Cover() | ast.Example() | ast.Architecture():
                raise Unsupported("not a claim about every input")
        assert_never(claim)

    def _speaker(self, letter: int, anchor: Anchor) -> Speaker:
        return Speaker(self.symbolic, self.binding, self.scope, self.languages, letter, anchor)

    def _given(self, anchor: Anchor) -> tuple[Formula, ...]:
        """The preconditions, for each letter that the distinguished position may hold."""
        given: list[Formula] = [TRUE] * len(self.symbolic.letters)
        for requires in self.prop.requires:
            for letter in self.symbolic.letters:
                cases = self._speaker(letter, anchor).truth(requires.condition)
                bad = disjunction(guard for guard, value in cases if value not in (YES, NO))
                self._owe("a precondition has a value", letter, conjunction((given[letter], bad)))
                yes = disjunction(guard for guard, value in cases if value == YES)
                given[letter] = conjunction((given[letter], yes))
        return tuple(given)

    # -------------------------------------------------------------------------------------------- claims

    def _claim(self, claim: ast.Claim, given: Sequence[Formula]) -> None:
        if set(given) != {TRUE} and isinstance(claim, ast.Causal | ast.Invariance):
            raise Unsupported("preconditions of a claim about several inputs")
        match claim:
            case ast.Ensures(condition=condition):
                for part in _conjuncts(condition):
                    self._ensures(part, given)
            case ast.Accepts(condition=condition, language=language):
                self._accepts(condition, language, given)
            case ast.Equivalent(left=left, right=right):
                self._equivalent(self.binding.sops[left], self.binding.sops[right], given)
            case ast.Causal(target=target):
                self._causal(self.binding.sops[target])
            case ast.Invariance():
                self._invariance(claim)
            case _:
                pass

    def _ensures(self, condition: ast.Expression, given: Sequence[Formula]) -> None:
        universal = isinstance(condition, ast.Quantified) and condition.quantifier is ast.Quantifier.FORALL
        if universal and isinstance(condition, ast.Quantified) and not isinstance(condition.domain, ast.Symbols):
            self._for_all(condition, given)
            return
        anchor = _anchor(condition)
        for letter in self.symbolic.letters:
            cases = self._speaker(letter, anchor).truth(condition)
            self._at_anchor("the condition", letter, anchor, conjunction((given[letter], _not_yes(cases))))

    def _for_all(self, condition: ast.Quantified, given: Sequence[Formula]) -> None:
        """At every position: the first quantified one is the distinguished one."""
        names = condition.variables
        symbolic = self.symbolic
        for letter in symbolic.letters:
            speaker = self._speaker(letter, Anchor.ANY)
            if symbolic.symbols is None:
                assigned, rest = [Spot(0, self._free()) for _ in names], names[len(names) :]
            else:
                assigned, rest = [Spot(letter, symbolic.position())], names[1:]
            low, high = _range(speaker, condition.domain)
            facts = [given[letter]]
            for name, spot in zip(names, assigned, strict=False):
                speaker = speaker.assign(name, spot)
                facts += [at_most(low - spot.position), at_most(spot.position - high)]
            inside = conjunction((at_most(low.times(-1)), less(high, speaker.length)))
            outside = conjunction((given[letter], at_most(low - high), negation(inside)))
            self._owe("the range is within the input", letter, outside)
            cases = speaker.instances(condition, rest)
            violated = conjunction((*facts, _not_yes(cases)))
            self._owe("the condition at every position", letter, violated)

    def _free(self) -> Linear:
        self.found.free += 1
        return Linear.variable(Variable(Sort.FREE, self.found.free, Place.NONE))

    def _at_anchor(self, what: str, letter: int, anchor: Anchor, violated: Formula) -> None:
        """Owe that it is so at the distinguished position, whose letter this is."""
        where = self._anchored(anchor, letter)
        self._owe(what, letter, conjunction((where, violated)), None if anchor is Anchor.FIRST else violated)

    def _anchored(self, anchor: Anchor, letter: int) -> Formula:
        """That the distinguished position is the last or the first."""
        symbolic = self.symbolic
        registers = range(len(symbolic.machine.registers))
        match anchor:
            case Anchor.ANY | Anchor.LAST:
                counts = [equal(in_all(k) - before(k).plus(int(k == letter))) for k in symbolic.letters]
                after = [
                    disjunction(
                        conjunction((guard, equal(final(k) - term)))
                        for guard, term in symbolic.machine.after(k, letter)
                    )
                    for k in registers
                ]
                return conjunction([*counts, *after])
            case Anchor.FIRST:
                start = [equal(memory(k).plus(-symbolic.machine.registers[k].initial)) for k in registers]
                return conjunction([*(equal(before(k)) for k in symbolic.letters), *start])
        assert_never(anchor)

    def _accepts(self, condition: ast.Expression, language: ast.Language, given: Sequence[Formula]) -> None:
        if self.symbolic.symbols is None:
            raise Unsupported("languages of tokens that are not told apart")
        anchor = _anchor(condition)
        inside = self.languages.at_end(language, [spell(symbol) for symbol in self.symbolic.symbols])
        for letter in self.symbolic.letters:
            cases = self._speaker(letter, anchor).truth(condition)
            yes = disjunction(guard for guard, value in cases if value == YES)
            no = disjunction(guard for guard, value in cases if value == NO)
            right = disjunction((conjunction((yes, inside)), conjunction((no, negation(inside)))))
            violated = conjunction((given[letter], negation(right)))
            self._at_anchor("the condition is the language", letter, anchor, violated)

    def _equivalent(self, left: SOp, right: SOp, given: Sequence[Formula]) -> None:
        for letter in self.symbolic.letters:
            same = _same(self.symbolic.values[left][letter], self.symbolic.values[right][letter])
            self._owe("equal values", letter, conjunction((given[letter], negation(same))))

    def _causal(self, target: SOp) -> None:
        """The value is a function of the counts before the position, which a prefix has as well."""
        for cases in self.symbolic.values[target]:
            if any(v.sort in (Sort.TOTAL, Sort.FINAL) for guard, value in cases for v in _about(guard, value)):
                raise Unsupported("a value computed from counts of the whole input")

    # -------------------------------------------------------------------------------------------- symmetries

    def _invariance(self, claim: ast.Invariance) -> None:
        values = self.symbolic.values[self.binding.sops[claim.target]]
        if self.symbolic.machine.registers:
            raise Unsupported("the symmetry of something remembered")
        invariant = claim.symmetry is ast.Symmetry.INVARIANT
        match claim.transform:
            case ast.Transform.RENAMING if self.symbolic.symbols is None:
                self._renaming(values[0], invariant)
            case ast.Transform.REVERSAL if self.symbolic.symbols is None:
                self._reversal(values[0], invariant)
            case ast.Transform.PERMUTATION if self.symbolic.symbols is not None:
                allowed = {Sort.TOTAL}
                about = {v.sort for cases in values for guard, value in cases for v in _about(guard, value)}
                if about - allowed or (invariant and len(set(values)) > 1):
                    raise Unsupported("a value that depends on where tokens are")
            case _:
                raise Unsupported(f"symmetry under {claim.transform.value}")

    def _renaming(self, cases: Cases, invariant: bool) -> None:
        """A token from a place that does not depend on tokens is renamed; everything else stays."""
        if isinstance(self.scope.alphabet, Integers) or self.scope.kinds != {Kind.STR}:
            raise Unsupported("the renaming of tokens that are no strings")
        spelled = set(map(spell, self.scope.symbols))
        for _, value in cases:
            if isinstance(value, Cell) and invariant:
                raise Unsupported("a token in the output")
            if isinstance(value, Known) and not invariant and value.atom in spelled and kind_of(value.atom) is Kind.STR:
                raise Unsupported("a symbol of the alphabet as a constant")

    def _reversal(self, cases: Cases, invariant: bool) -> None:
        """The output on the reversed input has each token from the mirrored place."""
        last = in_all(0).plus(-1)
        turned = tuple((g, Cell(v.view, last - v.at) if isinstance(v, Cell) else v) for g, v in cases)
        wanted = cases
        if not invariant:
            mirror = {RANK: last - before(0)}
            from_linear = [(substitute(guard, mirror), replaced(value, mirror)) for guard, value in cases]
            wanted = tuple(from_linear)
        self._owe("the mirrored output", 0, negation(_same(wanted, turned)))


def _not_yes(cases: Cases) -> Formula:
    return negation(disjunction(guard for guard, value in cases if value == YES))


def _same(left: Cases, right: Cases) -> Formula:
    """When both have values, and equal ones."""
    pairs = product(left, right)
    return disjunction(conjunction((g, h, compared(Op.EQ, a, b)[0])) for (g, a), (h, b) in pairs)


def _about(guard: Formula, value: object) -> frozenset[Variable]:
    match value:
        case Number(top=top, bottom=bottom):
            return variables(guard) | top.variables | bottom.variables
        case Cell(at=at):
            return variables(guard) | at.variables
        case Known() | Nothing():
            return variables(guard)
        case _:
            return variables(guard)


def _range(speaker: Speaker, domain: ast.Domain) -> tuple[Linear, Linear]:
    match domain:
        case ast.Range(low=low, high=high):
            return speaker.known_term(low), speaker.known_term(high)
        case _:
            return ZERO, speaker.length.plus(-1)


def _conjuncts(condition: ast.Expression) -> Sequence[ast.Expression]:
    """The operands of a conjunction: each must be so."""
    if isinstance(condition, ast.Logic) and condition.connective is ast.Connective.AND:
        return [part for operand in condition.operands for part in _conjuncts(operand)]
    return [condition]


def _anchor(condition: ast.Expression) -> Anchor:
    """The position to distinguish: the first where only that is looked at; every input has a last one."""
    found = {_end(part.index) for part in subexpressions(condition) if isinstance(part, ast.Index)}
    return Anchor.FIRST if Anchor.FIRST in found and Anchor.LAST not in found else Anchor.LAST


def _end(index: ast.Expression) -> Anchor | None:
    match index:
        case ast.Literal(value=0):
            return Anchor.FIRST
        case ast.Arithmetic(op=Op.SUB, left=ast.Length(), right=ast.Literal(value=1)):
            return Anchor.LAST
        case _:
            return None
