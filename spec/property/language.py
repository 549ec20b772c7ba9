"""Formal languages of tokens: regular ones as minimal automata, Dyck and shuffled Dyck languages by their brackets.

The symbols of a regular language are those of the scope, read as strings, and the characters that its pattern names;
`.` and `[^abc]` range over these. A token that is none of them, or no string, is in no word.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final, assert_never

from spec.diagnostics import Diagnostic, PropertyError
from spec.property.ast import Dyck, Language, Regex
from spec.property.regex import Choice, Concat, Instruction, Letter, RegexError, Repeat, postfix
from spec.property.scope import Scope
from spec.source import Span
from spec.values import Atom

MAX_NFA_STATES: Final = 4_000
MAX_DFA_STATES: Final = 1_024
MAX_SYMBOLS: Final = 4_096


@dataclass(frozen=True)
class Automaton:
    """The minimal complete deterministic automaton: `transitions[state][k]` is where `symbols[k]` leads.

    States are numbered in the order in which a breadth-first walk from `start` (which is 0) meets them.
    """

    symbols: tuple[str, ...]
    start: int
    accepting: frozenset[int]
    transitions: tuple[tuple[int, ...], ...]

    def accepts(self, word: Iterable[Atom]) -> bool:
        """Whether the word is in the language."""
        state = self.start
        for token in word:
            if not isinstance(token, str) or token not in self._columns:
                return False
            state = self.transitions[state][self._columns[token]]
        return state in self.accepting

    @cached_property
    def _columns(self) -> Mapping[str, int]:
        return {symbol: k for k, symbol in enumerate(self.symbols)}


def spell(atom: Atom) -> str:
    """An input atom as the string that `tokens_str` makes of it, whatever the meaning of numbers."""
    return str(float(atom)) if isinstance(atom, Fraction) else str(atom)


def member(word: Sequence[Atom], language: Language, scope: Scope) -> bool:
    """Whether the word is in the language."""
    match language:
        case Regex():
            return automaton(language, scope).accepts(word)
        case Dyck(shuffled=True):
            return _shuffled(word, language)
        case Dyck():
            return _nested(word, language)
    assert_never(language)


# ------------------------------------------------------------------------------------------------ brackets


def _nested(word: Sequence[Atom], language: Dyck) -> bool:
    """Every closing bracket closes the last open one, which is of its pair; none stays open (but in a prefix)."""
    partner = {right: left for left, right in language.pairs}
    lefts = set(partner.values())
    stack: list[Atom] = []
    for token in word:
        if not isinstance(token, str):
            return False
        if token in lefts:
            stack.append(token)
        elif token not in partner or not stack or stack.pop() != partner[token]:
            return False
    return language.prefixes or not stack


def _shuffled(word: Sequence[Atom], language: Dyck) -> bool:
    """For each pair, no prefix closes more than it opens, and in the end as many (but in a prefix)."""
    change = {left: (left, 1) for left, _ in language.pairs} | {right: (left, -1) for left, right in language.pairs}
    depth = {left: 0 for left, _ in language.pairs}
    for token in word:
        if not isinstance(token, str) or token not in change:
            return False
        pair, step = change[token]
        depth[pair] += step
        if depth[pair] < 0:
            return False
    return language.prefixes or not any(depth.values())


# ------------------------------------------------------------------------------------------------ automata


def automaton(language: Regex, scope: Scope) -> Automaton:
    """The automaton of a regular language over the symbols of the scope; raises `PropertyError`."""
    try:
        return _automaton(language.pattern, language.prefixes, scope)
    except RegexError as error:
        start = min(language.span.start + 1 + error.position, language.span.end - 1)
        span = Span(language.span.source, start, start + 1)
        raise PropertyError(Diagnostic("P0201", error.message, span, error.hint)) from error


@lru_cache(maxsize=64)
def _automaton(pattern: str, prefixes: bool, scope: Scope) -> Automaton:
    program = postfix(pattern)
    named = {char for step in program if isinstance(step, Letter) for char in step.chars}
    listed = scope.size is not None and scope.size <= MAX_SYMBOLS
    if not listed and any(isinstance(step, Letter) and step.negated for step in program):
        raise RegexError(0, f"`.` and negated classes need at most {MAX_SYMBOLS} symbols")
    known = dict.fromkeys(map(spell, scope.symbols)) if listed else {}
    symbols = tuple(known | dict.fromkeys(sorted(named)))
    dfa = _determine(_thompson(program), symbols)
    if prefixes:
        dfa = Automaton(symbols, dfa.start, _alive(dfa), dfa.transitions)
    return _minimal(dfa)


@dataclass
class _Nfa:
    """A nondeterministic automaton with one start and one end; `None` labels a step that reads nothing."""

    edges: list[list[tuple[Letter | None, int]]]

    def state(self) -> int:
        if len(self.edges) >= MAX_NFA_STATES:
            raise RegexError(0, f"this expression needs more than {MAX_NFA_STATES} states")
        self.edges.append([])
        return len(self.edges) - 1


@dataclass(frozen=True)
class _Part:
    """A piece of the automaton: all states from `low` to before `high`; nothing outside leads into it yet."""

    low: int
    high: int
    start: int
    end: int


def _thompson(program: Iterable[Instruction]) -> tuple[_Nfa, _Part]:
    """Thompson's construction. Pieces are built in order, so each one is a contiguous range of states."""
    nfa = _Nfa([])
    stack: list[_Part] = []
    for step in program:
        match step:
            case Letter():
                start, end = nfa.state(), nfa.state()
                nfa.edges[start].append((step, end))
                stack.append(_Part(start, end + 1, start, end))
            case Repeat():
                stack.append(_repeated(nfa, stack.pop(), step))
            case Concat(count):
                parts = stack[len(stack) - count :]
                del stack[len(stack) - count :]
                stack.append(_chained(nfa, parts))
            case Choice(count):
                parts = stack[len(stack) - count :]
                del stack[len(stack) - count :]
                start, end = nfa.state(), nfa.state()
                for part in parts:
                    nfa.edges[start].append((None, part.start))
                    nfa.edges[part.end].append((None, end))
                stack.append(_Part(parts[0].low, end + 1, start, end))
            case _:
                assert_never(step)
    return nfa, stack[0]


def _chained(nfa: _Nfa, parts: Sequence[_Part]) -> _Part:
    if not parts:
        state = nfa.state()
        return _Part(state, state + 1, state, state)
    for left, right in pairwise(parts):
        nfa.edges[left.end].append((None, right.start))
    return _Part(parts[0].low, parts[-1].high, parts[0].start, parts[-1].end)


def _copy(nfa: _Nfa, part: _Part, edges: Sequence[Sequence[tuple[Letter | None, int]]]) -> _Part:
    """A copy of the part, whose edges were `edges`, at the end of the automaton."""
    shift = len(nfa.edges) - part.low
    for outgoing in edges:
        nfa.edges[nfa.state()] = [(label, target + shift) for label, target in outgoing]
    return _Part(part.low + shift, part.high + shift, part.start + shift, part.end + shift)


def _repeated(nfa: _Nfa, part: _Part, repeat: Repeat) -> _Part:
    """`low` copies in a row, then either a loop or as many optional copies as are left."""
    edges = [list(outgoing) for outgoing in nfa.edges[part.low : part.high]]
    copies = max(repeat.low + 1 if repeat.high is None else repeat.high, 1)
    parts = [part]
    while len(parts) < copies:
        parts.append(_copy(nfa, part, edges))
    # The ends are kept apart from the copies: a copy may already loop through its own start or end.
    start, end = nfa.state(), nfa.state()
    here = start
    for index, each in enumerate(parts):
        nfa.edges[here].append((None, each.start))
        if index >= repeat.low:
            nfa.edges[here].append((None, end))
        here = nfa.state()
        nfa.edges[each.end].append((None, here))
    if repeat.high is None:
        nfa.edges[here].append((None, parts[-1].start))
    if repeat.high != 0:
        nfa.edges[here].append((None, end))
    return _Part(part.low, len(nfa.edges), start, end)


def _determine(machine: tuple[_Nfa, _Part], symbols: tuple[str, ...]) -> Automaton:
    """The subset construction."""
    nfa, whole = machine
    first = _closure(nfa, {whole.start})
    numbers = {first: 0}
    queue = [first]
    transitions: list[tuple[int, ...]] = []
    closures: dict[frozenset[int], frozenset[int]] = {}
    for states in queue:
        letters = [(label, target) for state in states for label, target in nfa.edges[state] if label is not None]
        row = []
        for symbol in symbols:
            targets = frozenset(target for label, target in letters if label.matches(symbol))
            if targets not in closures:
                closures[targets] = _closure(nfa, set(targets))
            following = closures[targets]
            if following not in numbers:
                if len(numbers) >= MAX_DFA_STATES:
                    raise RegexError(0, f"the automaton of this expression has more than {MAX_DFA_STATES} states")
                numbers[following] = len(numbers)
                queue.append(following)
            row.append(numbers[following])
        transitions.append(tuple(row))
    accepting = frozenset(number for states, number in numbers.items() if whole.end in states)
    return Automaton(symbols, 0, accepting, tuple(transitions))


def _closure(nfa: _Nfa, states: set[int]) -> frozenset[int]:
    """The states, and all that can be reached from them without reading."""
    stack = list(states)
    while stack:
        for label, target in nfa.edges[stack.pop()]:
            if label is None and target not in states:
                states.add(target)
                stack.append(target)
    return frozenset(states)


def _alive(dfa: Automaton) -> frozenset[int]:
    """The states from which some word is accepted."""
    sources: dict[int, set[int]] = {}
    for state, row in enumerate(dfa.transitions):
        for target in row:
            sources.setdefault(target, set()).add(state)
    alive = set(dfa.accepting)
    stack = list(alive)
    while stack:
        for source in sources.get(stack.pop(), ()):
            if source not in alive:
                alive.add(source)
                stack.append(source)
    return frozenset(alive)


def _minimal(dfa: Automaton) -> Automaton:
    """Moore's refinement, then numbering from the start. All states of `dfa` can be reached."""
    block = [int(state in dfa.accepting) for state in range(len(dfa.transitions))]
    while True:
        signatures: dict[tuple[int, ...], int] = {}
        finer = [
            signatures.setdefault((block[state], *(block[target] for target in row)), len(signatures))
            for state, row in enumerate(dfa.transitions)
        ]
        if len(signatures) == len(set(block)):
            break
        block = finer
    leader = {number: state for state, number in reversed(list(enumerate(block)))}
    order = {block[dfa.start]: 0}
    queue = [block[dfa.start]]
    for number in queue:
        for target in dfa.transitions[leader[number]]:
            if block[target] not in order:
                order[block[target]] = len(order)
                queue.append(block[target])
    transitions = tuple(tuple(order[block[target]] for target in dfa.transitions[leader[n]]) for n in queue)
    accepting = frozenset(order[block[state]] for state in dfa.accepting)
    return Automaton(dfa.symbols, 0, accepting, transitions)
