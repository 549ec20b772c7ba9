"""Words of bracket languages as terms: what `spec.property.language` says of every word, how many terms they take."""

from itertools import product

import pytest

from spec.property.ast import Dyck
from spec.property.language import member
from spec.property.scope import Scope
from spec.source import Source, Span
from spec.values import Kind
from verifier.question.membership import in_language
from verifier.question.point import value
from verifier.question.terms import Term, Terms

SPAN = Span(Source("nowhere", ""), 0, 0)
ROUND, SQUARE = ("(", ")"), ("[", "]")


def letters(terms: Terms, length: int) -> list[Term]:
    return [terms.input(position) for position in range(length)]


@pytest.mark.parametrize("shuffled", [False, True], ids=["nested", "shuffled"])
@pytest.mark.parametrize("prefixes", [False, True], ids=["whole", "prefixes"])
@pytest.mark.parametrize(("pairs", "alphabet", "longest"), [((ROUND,), "()x", 7), ((ROUND, SQUARE), "()[]", 6)])
def test_the_terms_hold_at_the_words_of_the_language(
    shuffled: bool, prefixes: bool, pairs: tuple[tuple[str, str], ...], alphabet: str, longest: int
) -> None:
    language, scope = Dyck(SPAN, pairs, shuffled, prefixes), Scope(alphabet=tuple(alphabet))
    for length in range(longest + 1):
        terms = Terms(frozenset({Kind.STR}), 1)
        inside = in_language(letters(terms, length), language, scope, terms)
        for word in product(alphabet, repeat=length):
            assert value(inside, word) is member(word, language, scope)


@pytest.mark.parametrize("shuffled", [False, True], ids=["nested", "shuffled"])
def test_all_prefixes_of_a_word_share_what_they_read(shuffled: bool) -> None:
    """Each of the n prefixes adds what its last letter makes of at most n depths, and nothing besides."""
    length, language = 32, Dyck(SPAN, (ROUND, SQUARE), shuffled, prefixes=True)
    terms = Terms(frozenset({Kind.STR}), 1)
    for end in range(length + 1):
        in_language(letters(terms, end), language, Scope(), terms)
    alone = Terms(frozenset({Kind.STR}), 1)
    in_language(letters(alone, length), language, Scope(), alone)
    assert len(terms) == len(alone) < 10 * length**2
