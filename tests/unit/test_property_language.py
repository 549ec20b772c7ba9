"""Languages against Python's `re` and against grammars that derive their words."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.diagnostics import PropertyError
from spec.property.ast import Dyck, Regex
from spec.property.language import Automaton, automaton, member
from spec.property.scope import Integers, Scope
from spec.source import Source, Span

ABC = Scope(alphabet=("a", "b", "c"))
WORDS = ["".join(word) for n in range(6) for word in product("abc", repeat=n)]


def regex(pattern: str, prefixes: bool = False) -> Regex:
    source = Source("r", f"/{pattern}/")
    return Regex(Span(source, 0, len(source.text)), pattern, prefixes)


def dyck(*pairs: str, shuffled: bool = False, prefixes: bool = False) -> Dyck:
    return Dyck(Span(Source("d", ""), 0, 0), tuple((p[0], p[1]) for p in pairs), shuffled, prefixes)


ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "[a-b]", "[^]a]", r"\w", r"\W", "()", "[-a]"])
COUNTS = st.sampled_from(["*", "+", "?", "{0}", "{2}", "{0,1}", "{1,2}", "{,2}", "{2,}", "{0,}"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        st.tuples(inner, COUNTS).map(lambda pair: f"({pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)


@settings(max_examples=120, deadline=None)
@given(PATTERNS)
def test_a_regular_language_is_what_python_matches_from_end_to_end(pattern: str) -> None:
    compiled, machine = re.compile(pattern), automaton(regex(pattern), ABC)
    assert [word for word in WORDS if machine.accepts(word)] == [word for word in WORDS if compiled.fullmatch(word)]


@settings(max_examples=40, deadline=None)
@given(PATTERNS)
def test_automaton_is_minimal_and_numbered_from_its_start(pattern: str) -> None:
    machine = automaton(regex(pattern), ABC)
    states = range(len(machine.transitions))
    residuals = {tuple(runs(machine, state, word) for word in separating(machine)) for state in states}
    assert len(residuals) == len(machine.transitions)
    met = [machine.start]
    for state in met:
        met += [target for target in machine.transitions[state] if target not in met]
    assert [s for i, s in enumerate(met) if s not in met[:i]] == list(states)


def runs(machine: Automaton, state: int, word: str) -> bool:
    for char in word:
        state = machine.transitions[state][machine.symbols.index(char)]
    return state in machine.accepting


def separating(machine: Automaton) -> list[str]:
    """Words that tell any two states apart, if anything does: found by search over pairs, not by refinement."""
    words = [""]
    states = range(len(machine.transitions))
    pairs = {(p, q): "" for p in states for q in states if (p in machine.accepting) is not (q in machine.accepting)}
    queue = list(pairs)
    for p, q in queue:
        for a, b in product(states, states):
            for column, symbol in enumerate(machine.symbols):
                if (machine.transitions[a][column], machine.transitions[b][column]) == (p, q) and (a, b) not in pairs:
                    pairs[a, b] = symbol + pairs[p, q]
                    queue.append((a, b))
    return words + sorted(set(pairs.values()))


@settings(max_examples=40, deadline=None)
@given(PATTERNS)
def test_prefixes_are_exactly_what_can_be_continued(pattern: str) -> None:
    machine, prefixes = automaton(regex(pattern), ABC), regex(pattern, prefixes=True)
    enough = len(machine.transitions)
    for word in WORDS[:40]:
        reached = {state_after(machine, word)}
        for _ in range(enough):
            reached |= {target for state in reached for target in machine.transitions[state]}
        assert member(tuple(word), prefixes, ABC) is bool(reached & machine.accepting)


def state_after(machine: Automaton, word: str) -> int:
    state = machine.start
    for char in word:
        state = machine.transitions[state][machine.symbols.index(char)]
    return state


def test_a_pattern_may_name_characters_outside_the_alphabet() -> None:
    assert member(("T", "x"), regex("[TF]x"), ABC)
    assert automaton(regex("x"), ABC).symbols == ("a", "b", "c", "x")
    assert not member(("y",), regex("."), ABC)


def test_tokens_of_several_characters_are_single_symbols() -> None:
    scope = Scope(alphabet=("if", "a", 3))
    assert member(("if", "3"), regex(".."), scope)
    assert not member(("if",), regex("if"), scope)
    assert not member((3,), regex("3"), scope)


@pytest.mark.parametrize(
    ("pattern", "column", "message"),
    [
        ("a(b", 3, "not closed"),
        ("a)", 3, "closes no group"),
        ("*a", 2, "nothing to repeat"),
        ("a**", 4, "nothing to repeat"),
        ("a{3,1}", 3, "upper count"),
        ("a{x}", 3, "begins a repetition"),
        ("[ab", 2, "not closed"),
        ("[b-a]", 2, "lower to a higher"),
        (r"a\q", 3, "means nothing"),
        ("^a", 2, "no anchor"),
        ("(?:a)", 2, "no options"),
        ("((a{99}){99}){99}", 2, "states"),
        ("(a|b)*a(a|b){12}", 2, "states"),
    ],
)
def test_malformed_pattern_is_refused_where_it_is_wrong(pattern: str, column: int, message: str) -> None:
    with pytest.raises(PropertyError, match=message) as caught:
        automaton(regex(pattern), ABC)
    (problem,) = caught.value.diagnostics
    assert problem.span is not None
    assert problem.span.column == column


def test_any_token_needs_an_alphabet_that_can_be_listed() -> None:
    with pytest.raises(PropertyError, match="symbols"):
        automaton(regex("a."), Scope(alphabet=Integers(None, None)))
    assert automaton(regex("a"), Scope(alphabet=Integers(None, None))).symbols == ("a",)


# ------------------------------------------------------------------------------------------------ brackets


def derived(pairs: tuple[str, ...], length: int) -> set[str]:
    """The words up to a length that the grammar S -> empty | left S right S derives."""
    words = {0: {""}}
    for n in range(2, length + 1, 2):
        words[n] = {
            pair[0] + inner + pair[1] + rest
            for pair in pairs
            for k in range(0, n, 2)
            for inner in words[k]
            for rest in words[n - 2 - k]
        }
    return set().union(*words.values())


@pytest.mark.parametrize("pairs", [("()",), ("()", "[]")])
def test_dyck_words_are_those_that_the_grammar_derives(pairs: tuple[str, ...]) -> None:
    language, prefixes = dyck(*pairs), dyck(*pairs, prefixes=True)
    words = derived(pairs, 12)
    begun = {word[:i] for word in words for i in range(len(word) + 1)}
    for n in range(7):
        for letters in product("".join(pairs) + "x", repeat=n):
            assert member(letters, language, ABC) is ("".join(letters) in words)
            assert member(letters, prefixes, ABC) is ("".join(letters) in begun)


def test_shuffled_words_are_balanced_in_each_pair_alone() -> None:
    pairs = ("()", "[]")
    one = derived(("()",), 6)
    begun = {word[:i] for word in derived(("()",), 12) for i in range(len(word) + 1)}
    language, prefixes = dyck(*pairs, shuffled=True), dyck(*pairs, shuffled=True, prefixes=True)
    for n in range(7):
        for letters in product("()[]", repeat=n):
            word = "".join(letters)
            projections = [word.replace("[", "").replace("]", ""), re.sub("[()]", "", word).translate({91: 40, 93: 41})]
            assert member(letters, language, ABC) is all(part in one for part in projections)
            assert member(letters, prefixes, ABC) is all(part in begun for part in projections)
    assert not member(("(", 1, ")"), language, ABC)
