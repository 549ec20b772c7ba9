"""Membership of a word in a language, as a term: automata run symbolically along the letters.

A regular language is its deterministic automaton with one truth-valued term per state. A Dyck language is a stack:
`at[d]` says that d brackets are open, `holds[d][p]` that the d-th of them is of pair p, for no more d than there were
letters so far. A shuffled Dyck language is one counter per pair. A word of the language's prefixes is one after which
the automaton can still accept.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import assert_never

from spec.operators import Op
from spec.property.ast import Dyck, Language, Regex
from spec.property.language import automaton
from spec.property.scope import Scope
from spec.values import Atom, Numbers
from verifier.question.terms import Term, Terms


def in_language(letters: Sequence[Term], language: Language, scope: Scope, terms: Terms) -> Term:
    """Whether the word that the letters spell is in the language; fails where a letter fails."""
    words = _Words(terms)
    match language:
        case Regex():
            return words.regular(letters, language, scope)
        case Dyck(shuffled=True):
            return words.shuffled(letters, language)
        case Dyck():
            return words.nested(letters, language)
    assert_never(language)


class _Words:
    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.yes: Term = terms.literal(True)
        self.no: Term = terms.literal(False)

    def regular(self, letters: Sequence[Term], language: Regex, scope: Scope) -> Term:
        machine = automaton(language, scope)
        state = [self.yes if s == machine.start else self.no for s in range(len(machine.transitions))]
        for letter in letters:
            reads = [self.equals(letter, symbol) for symbol in machine.symbols]
            following: list[list[Term]] = [[] for _ in state]
            for source, targets in enumerate(machine.transitions):
                for symbol, target in enumerate(targets):
                    following[target].append(self.both(state[source], reads[symbol]))
            state = [self.any(parts) for parts in following]
        # Where the automaton reads no symbols, nothing above depends on the letters; a letter that fails has to.
        unread = [] if machine.symbols else [self.both(self.no, self.equals(letter, "")) for letter in letters]
        return self.any([*(state[s] for s in sorted(machine.accepting)), *unread])

    def nested(self, letters: Sequence[Term], language: Dyck) -> Term:
        pairs = language.pairs
        at: list[Term] = [self.yes]
        holds: list[list[Term]] = []
        alive: Term = self.yes
        for letter in letters:
            opens = [self.equals(letter, left) for left, _ in pairs]
            closes = [self.equals(letter, right) for _, right in pairs]
            opening = self.any(opens)
            matched = self.any(
                self.all([at[d + 1], holds[d][p], close]) for d in range(len(holds)) for p, close in enumerate(closes)
            )
            alive = self.both(alive, self.either(opening, matched))
            holds = [
                [self.choose(self.both(here, opening), *held) for held in zip(opens, below, strict=True)]
                for here, below in zip(at, [*holds, [self.no] * len(pairs)], strict=True)
            ]
            at = [self.choose(opening, up, down) for up, down in self._neighbours(at)]
        return alive if language.prefixes else self.both(alive, at[0])

    def shuffled(self, letters: Sequence[Term], language: Dyck) -> Term:
        pairs = language.pairs
        at: list[list[Term]] = [[self.yes] for _ in pairs]
        alive: Term = self.yes
        for letter in letters:
            moved: list[list[Term]] = []
            fits: list[Term] = []
            for depth, (left, right) in zip(at, pairs, strict=True):
                opens, closes = self.equals(letter, left), self.equals(letter, right)
                fits.append(self.either(opens, self.both(closes, self.opposite(depth[0]))))
                moved.append(
                    [
                        self.choose(opens, up, self.choose(closes, down, here))
                        for (up, down), here in zip(self._neighbours(depth), [*depth, self.no], strict=True)
                    ]
                )
            alive = self.both(alive, self.any(fits))
            at = moved
        return alive if language.prefixes else self.all([alive, *(depth[0] for depth in at)])

    def _neighbours(self, at: Sequence[Term]) -> Iterator[tuple[Term, Term]]:
        """For each depth, one more than before, whether the word was one above it and whether it was one below."""
        return zip([self.no, *at], [*at[1:], self.no, self.no], strict=True)

    # Strict connectives: nothing here depends on the order of evaluation.

    def equals(self, letter: Term, atom: Atom) -> Term:
        return self._apply(Op.EQ, letter, self.terms.literal(atom))

    def both(self, left: Term, right: Term) -> Term:
        return self._apply(Op.AND, left, right)

    def either(self, left: Term, right: Term) -> Term:
        return self._apply(Op.OR, left, right)

    def opposite(self, arg: Term) -> Term:
        return self._apply(Op.NOT, arg)

    def choose(self, condition: Term, then: Term, otherwise: Term) -> Term:
        return self._apply(Op.IF, condition, then, otherwise)

    def all(self, args: Iterable[Term]) -> Term:
        return reduce(self.both, args, self.yes)

    def any(self, args: Iterable[Term]) -> Term:
        return reduce(self.either, args, self.no)

    def _apply(self, op: Op, *args: Term) -> Term:
        return self.terms.apply(op, *args, numbers=Numbers.EXACT)
