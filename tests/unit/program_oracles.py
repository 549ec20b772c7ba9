"""What the shipped programs compute, said again in plain Python: the oracles that test_programs.py compares with.

An oracle takes the input as a tuple of tokens and returns the list of values. None looks at a program.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, product
from typing import Any

Word = tuple[Any, ...]
Oracle = Callable[[Word], list[Any]]


@dataclass(frozen=True)
class Case:
    """`target` is `folder/file::s-op`; it is compared on the words of `low..high` symbols that meet `when`."""

    target: str
    oracle: Oracle
    symbols: Word
    high: int
    when: Callable[[Word], bool] | None = None
    low: int = 1

    def words(self, more: int = 0) -> Iterator[Word]:
        """The words to compare on, shortest first; `more` raises the greatest length."""
        for length in range(self.low, self.high + more + 1):
            words = product(self.symbols, repeat=length)
            yield from words if self.when is None else filter(self.when, words)


def everywhere(answer: Callable[[Word], Any]) -> Oracle:
    """The oracle with the same answer at every position."""
    return lambda w: [answer(w)] * len(w)


def at_each(answer: Callable[[Word, int], Any]) -> Oracle:
    """The oracle that answers for each position."""
    return lambda w: [answer(w, i) for i in range(len(w))]


def so_far(answer: Callable[[Word], Any]) -> Oracle:
    """The oracle that answers for each prefix."""
    return lambda w: [answer(w[: i + 1]) for i in range(len(w))]


def ints(w: Word) -> list[int]:
    """The tokens as integers."""
    return [int(x) for x in w]


# ------------------------------------------------------------------------------------------------ brackets


def verdict(w: Word, pairs: tuple[str, ...]) -> str:
    """T, P or F for one word, with a stack; what is no bracket is skipped."""
    stack: list[str] = []
    for x in w:
        for opener, closer in map(tuple, pairs):
            if x == opener:
                stack.append(closer)
            elif x == closer and (not stack or stack.pop() != x):
                return "F"
    return "P" if stack else "T"


def shuffled(w: Word, pairs: tuple[str, ...]) -> bool:
    """Whether each type of bracket is balanced on its own."""
    return all(verdict(tuple(x for x in w if x in pair), (pair,)) == "T" for pair in pairs)


# ------------------------------------------------------------------------------------------------ counting and sorting


def histogram(w: Word) -> list[int]:
    """How often each token occurs."""
    return [w.count(x) for x in w]


def double_histogram(w: Word) -> list[int]:
    """How many different tokens are as frequent as each one."""
    frequent = Counter(Counter(w).values())
    return [frequent[w.count(x)] for x in w]


def after_start(oracle: Oracle, start: Any) -> Oracle:
    """The oracle for the word without its first token, and a fixed value for that one."""
    return lambda w: [start, *oracle(w[1:])]


def starts(w: Word) -> bool:
    """Whether `$` is the first token and no other."""
    return w.count("$") == 1 and w[0] == "$"


def distinct_by_frequency(w: Word) -> list[Any]:
    """Each token once, by falling frequency and then by first place; the rest is `-`."""
    ranked = sorted(dict.fromkeys(w), key=lambda x: (-w.count(x), w.index(x)))
    return ranked + ["-"] * (len(w) - len(ranked))


def shallow(w: Word, pairs: int) -> bool:
    """Whether a's and b's are balanced brackets, never more than so many open."""
    depths = [w[:k].count("a") - w[:k].count("b") for k in range(len(w) + 1)]
    return min(depths) >= 0 and max(depths) <= pairs and depths[-1] == 0


def matches(pattern: str) -> Oracle:
    """Whether each prefix is a word of the regular language."""
    return so_far(lambda w: re.fullmatch(pattern, "".join(w)) is not None)


def powers(letters: str) -> Oracle:
    """Whether each prefix is a_1^n a_2^n .. for the letters a_1, a_2, .."""
    return so_far(lambda w: "".join(w) == "".join(letter * (len(w) // len(letters)) for letter in letters))


def expression_length(w: Word) -> int | None:
    """How many symbols the Polish expression takes that the word begins with; none if it is cut off."""
    missing = 1
    for k, symbol in enumerate(w):
        missing += {"+": 1, "-": 0, "x": -1}[symbol]
        if missing == 0:
            return k + 1
    return None


def middle(w: Word) -> Any:
    """The token in the middle, the left one of two."""
    return w[(len(w) - 1) // 2]


def last_before(w: Word, i: int) -> int:
    """Where the token at i was last before i, or -1."""
    return max((j for j in range(i) if w[j] == w[i]), default=-1)


def next_after(w: Word, i: int) -> int:
    """Where the token at i is next after i, or -1."""
    return min((j for j in range(i + 1, len(w)) if w[j] == w[i]), default=-1)


def mode(w: Word) -> Any:
    """The most frequent token, the least of several."""
    return min(set(w), key=lambda x: (-w.count(x), x))


def induct(w: Word, i: int) -> Any:
    """What came after the last earlier occurrence of the token at i, or `-`."""
    j = last_before(w, i)
    return "-" if j < 0 else w[j + 1]


def argmax(w: Word) -> int:
    """The first place of the largest number."""
    return ints(w).index(max(ints(w)))


def argmin(w: Word) -> int:
    """The last place of the least number."""
    return max(i for i, x in enumerate(ints(w)) if x == min(ints(w)))


# ------------------------------------------------------------------------------------------------ rearranging


def shift(places: int, filler: Any) -> Oracle:
    """The word moved to the right (to the left for negative places)."""
    return at_each(lambda w, i: w[i - places] if 0 <= i - places < len(w) else filler)


def right_aligned(w: Word) -> list[Any]:
    """The word without its padding `_`, at the right end."""
    kept = [x for x in w if x != "_"]
    return ["_"] * (len(w) - len(kept)) + kept


def slid(w: Word, i: int) -> Any:
    """The nearest token at i or right of it that is not `<`, or `-`."""
    return next((x for x in w[i:] if x != "<"), "-")


def swapped(w: Word) -> list[Any]:
    """Neighbours exchanged, pair by pair."""
    pairs = [list(w[k : k + 2]) for k in range(0, len(w), 2)]
    return [x for pair in pairs for x in reversed(pair)]


def reverse_after(w: Word) -> Any:
    """The next token when what is before `$` has to be written backwards after it."""
    if "$" not in w:
        return "-"
    at = w.index("$")
    answer = [*reversed(w[:at]), *"$" * len(w)]
    return answer[len(w) - 1 - at]


# ------------------------------------------------------------------------------------------------ arithmetic


def one_plus(w: Word) -> bool:
    """Whether there is exactly one `+`."""
    return w.count("+") == 1


def halves(w: Word) -> tuple[str, str]:
    """The text left and right of the `+`."""
    left, _, right = "".join(w).partition("+")
    return left, right


def total(w: Word) -> list[int]:
    """The digits of the sum, right-aligned."""
    value = sum(int(half or "0") for half in halves(w))
    return ints(tuple(str(value).rjust(len(w), "0")))


def increment(w: Word) -> list[int]:
    """The binary number plus one, without a longer result."""
    value = (int("".join(w), 2) + 1) % 2 ** len(w)
    return ints(tuple(f"{value:0{len(w)}b}"))


def compare(w: Word) -> str:
    """The order of the two halves as numbers."""
    half = len(w) // 2
    a, b = int("".join(w[:half])), int("".join(w[half:]))
    return "<" if a < b else ">" if a > b else "="


def counting(w: Word) -> bool:
    """Whether the word is `from, to` and a beginning of the numbers between them."""
    return len(w) >= 2 and w[0] <= w[1] and list(w[2:]) == list(range(w[0], w[1] + 1))[: len(w) - 2]


def count_on(w: Word, i: int) -> int:
    """The next number of the count; at position 0, whatever the program says: the number after this one."""
    if i == 0:
        return int(w[0]) + 1
    numbers: list[int] = [*range(w[0], w[1] + 1), -1]
    return numbers[i - 1]


def reversed_sum(w: Word) -> tuple[int, str] | None:
    """Where the `=` of `a+b=..` is, and the digits of the sum, last digit first; None for another form."""
    text = "".join(w)
    m = text.find("+")
    if m < 1 or text.count("+") != 1 or text.count("=") != 1 or text.find("=") != 2 * m + 1:
        return None
    value = int(text[:m][::-1]) + int(text[m + 1 : 2 * m + 1][::-1])
    return 2 * m + 1, f"{value:0{m + 1}d}"[::-1]


def begun_sum(w: Word) -> bool:
    """Whether the word is an addition with a beginning of its answer, not yet finished."""
    form = reversed_sum(w)
    return form is not None and len(form[1]) > len(w) - form[0] - 1 and form[1].startswith("".join(w[form[0] + 1 :]))


def next_digits(w: Word) -> list[int]:
    """The next digit at every position from the `=` on, -1 before it."""
    form = reversed_sum(w)
    assert form is not None
    return [-1] * form[0] + [int(form[1][i]) for i in range(len(w) - form[0])]


# ------------------------------------------------------------------------------------------------ inference


def consequences(w: Word) -> dict[str, int]:
    """The letters that follow from the clauses, each with the round in which it is found."""
    rules = [(set(clause[:-1]), clause[-1]) for clause in "".join(w).split(",") if clause]
    found: dict[str, int] = {}
    rounds = 0
    while True:
        rounds += 1
        new = {head for body, head in rules if head not in found and body <= set(found)}
        if not new:
            return found
        found.update(dict.fromkeys(new, rounds))


def distances(w: Word) -> list[int]:
    """The number of edges from vertex a to the start of each edge, by breadth-first search; -1 if there is no path."""
    reached = {"a": 0}
    frontier = ["a"]
    for vertex in frontier:
        for edge in w:
            if edge[0] == vertex and edge[1] not in reached:
                reached[edge[1]] = reached[vertex] + 1
                frontier.append(edge[1])
    return [reached.get(edge[0], -1) for edge in w]


# ------------------------------------------------------------------------------------------------ the table

_ABC = ("a", "b", "c")
_ROUND = ("()",)
_TWO = ("()", "{}")
_THREE = ("()", "{}", "[]")
_DIGITS = tuple(range(4))
_DOLLAR = ("$", "a", "b", "c")

CASES = (
    Case("paper/histogram::histogram", histogram, _ABC, 5),
    Case("paper/histogram_bos::histogram", after_start(histogram, 0), _DOLLAR, 5, starts),
    Case("paper/double_histogram::histogram", histogram, _ABC, 5),
    Case("paper/double_histogram::double_histogram", double_histogram, _ABC, 5),
    Case("paper/double_histogram_bos::double_histogram", after_start(double_histogram, 0), _DOLLAR, 5, starts),
    Case("paper/reverse::backwards", lambda w: list(w[::-1]), _ABC, 5),
    Case("paper/sort::in_order", sorted, _ABC, 5),
    Case("paper/sort_bos::in_order", after_start(sorted, "$"), _DOLLAR, 5, starts),
    Case("paper/sort_by_frequency::by_frequency", distinct_by_frequency, _ABC, 6),
    Case("paper/dyck1_ptf::dyck1_ptf", so_far(lambda w: verdict(w, _ROUND)), ("(", ")", "x"), 5),
    Case("paper/dyck1_ptf::dyck1_ptf", so_far(lambda w: verdict(w, _ROUND)), ("(", ")"), 8),
    Case("paper/dyck_ptf::dyck2_ptf", so_far(lambda w: verdict(w, _TWO)), tuple("(){}"), 4),
    Case("paper/dyck_ptf::dyck2_ptf", so_far(lambda w: verdict(w, _TWO)), tuple("(){x"), 4),
    Case("paper/dyck_ptf::dyck3_ptf", so_far(lambda w: verdict(w, _THREE)), tuple("(){}[]"), 3),
    Case("paper/shuffle_dyck::shuffle_dyck2", everywhere(lambda w: shuffled(w, _TWO)), tuple("(){}"), 4),
    Case("library/length::how_long", everywhere(len), ("a",), 40),
    Case("library/selector_width::smaller", at_each(lambda w, i: sum(x < w[i] for x in w)), _ABC, 5),
    Case("library/selector_width::same", histogram, _ABC, 5),
    Case("library/selector_width::others", at_each(lambda w, i: w.count(w[i]) - 1), _ABC, 5),
    Case("library/focus::has_smaller", at_each(lambda w, i: min(w) < w[i]), _ABC, 5),
    Case("library/focus::has_smaller_left", so_far(lambda w: min(w) < w[-1]), _ABC, 5),
    Case("library/count::how_many_a", everywhere(lambda w: w.count("a")), _ABC, 5),
    Case("library/count::has_a", everywhere(lambda w: "a" in w), _ABC, 5),
    Case("library/shift::right", shift(1, "-"), _ABC, 5),
    Case("library/shift::left", shift(-1, "-"), _ABC, 5),
    Case("library/marks::first_a", so_far(lambda w: w[-1] == "a" and "a" not in w[:-1]), _ABC, 5),
    Case("library/marks::last_a", at_each(lambda w, i: w[i] == "a" and "a" not in w[i + 1 :]), _ABC, 5),
    Case("library/load_from_location::middle_token", everywhere(middle), _ABC, 5),
    Case("library/sort_by_key::rare_first", lambda w: sorted(w, key=w.count), _ABC, 5),
    Case("library/next_identical::next_same", at_each(next_after), _ABC, 5),
    Case("library/average::mean", everywhere(lambda w: Fraction(sum(w), len(w))), (-1, 0, 1, 3), 4),
    Case("crasp/majority_so_far::more_as", so_far(lambda w: w.count("a") > w.count("b")), _ABC, 5),
    Case("crasp/majority_so_far::positive", so_far(lambda w: w.count("a") > w.count("b")), _ABC, 5),
    *(
        Case(f"crasp/dyck1::{name}", so_far(lambda w: verdict(w, _ROUND) == "T"), ("(", ")"), 7)
        for name in ("balanced", "by_shares", "by_halves")
    ),
    Case("crasp/dyck1_shallow::within_2", so_far(lambda w: shallow(w, 2)), ("a", "b"), 8),
    Case("crasp/dyck1_shallow::within_3", so_far(lambda w: shallow(w, 3)), ("a", "b"), 8),
    Case("crasp/a_n_b_n::halves", powers("ab"), ("a", "b"), 7),
    Case("crasp/a_n_b_n_c_n::thirds", powers("abc"), _ABC, 6),
    Case("crasp/in_order::in_order", matches("a+b+c+"), _ABC, 5),
    Case("crasp/periodic::pairs", matches("(aa)+"), ("a", "b"), 7),
    Case("crasp/periodic::fours", matches("(aaaa)+"), ("a", "b"), 8),
    Case("crasp/periodic::ab", matches("(ab)+"), ("a", "b"), 7),
    Case("crasp/periodic::abab", matches("(abab)+"), ("a", "b"), 8),
    Case("crasp/tomita::tomita1", so_far(lambda w: "0" not in w), ("0", "1"), 6),
    Case("crasp/tomita::tomita2", matches("(10)+"), ("0", "1"), 7),
    Case("crasp/tomita::tomita4", so_far(lambda w: "000" not in "".join(w)), ("0", "1"), 8),
    Case("crasp/tomita::tomita5", so_far(lambda w: w.count("0") % 2 == w.count("1") % 2 == 0), ("0", "1"), 7),
    Case("crasp/tomita::tomita6", so_far(lambda w: (w.count("0") - w.count("1")) % 3 == 0), ("0", "1"), 7),
    Case("crasp/tomita::tomita7", matches("0*1*0*1*"), ("0", "1"), 8),
    Case("crasp/blocks::blocks", so_far(lambda w: len(list(groupby(w)))), ("a", "b"), 7),
    Case("crasp/blocks::three", so_far(lambda w: len(list(groupby(w))) == 3), ("a", "b"), 7),
    Case("crasp/blocks::four", so_far(lambda w: len(list(groupby(w))) == 4), ("a", "b"), 7),
    Case("crasp/divided::divided", matches("[ab]*d[bc]*"), tuple("abcd"), 4),
    Case("crasp/shuffle_dyck2::shuffled", so_far(lambda w: shuffled(w, ("()", "[]"))), tuple("()[]"), 5),
    Case("crasp/subsequence::found", matches(".*a.*b.*a.*"), _ABC, 5),
    Case("crasp/polish::whole", so_far(lambda w: expression_length(w) == len(w)), tuple("+-x"), 6),
    Case("raspy/flip::flipped", lambda w: list(w[::-1]), _ABC, 5),
    Case("raspy/atoi::digits", ints, tuple("0123456789"), 2),
    Case("raspy/cumsum::running_sum", so_far(lambda w: sum(ints(w))), (-1, 0, 2, 9), 4),
    Case("raspy/window_sum::window_sum", so_far(lambda w: sum(ints(w[-3:]))), (0, 1, 3), 5),
    Case("raspy/index::index_of_b", everywhere(lambda w: w.index("b") if "b" in w else -1), _ABC, 5),
    Case("raspy/shift::shifted", shift(2, "_"), _ABC, 5),
    Case("raspy/minimum::minimum", everywhere(lambda w: min(ints(w))), (-1, 0, 2, 9), 4),
    Case("raspy/first::first_place", at_each(lambda w, i: w.index(w[i])), _ABC, 5),
    Case("raspy/ralign::aligned", right_aligned, ("a", "b", "_"), 6, lambda w: "_" not in "".join(w).rstrip("_")),
    Case("raspy/split::left", lambda w: list(halves(w)[0].rjust(len(w), "0")), ("1", "2", "+"), 5, one_plus),
    Case("raspy/split::right", lambda w: list(halves(w)[1].rjust(len(w), "0")), ("1", "2", "+"), 5, one_plus),
    Case("raspy/slide::filled", at_each(slid), ("a", "b", "<"), 5),
    Case("raspy/add::total", total, tuple("0189+"), 5, one_plus),
    Case("raspl/shift_right::shifted", shift(1, "-"), _ABC, 5),
    Case("raspl/cumsum::how_many_a", so_far(lambda w: w.count("a")), _ABC, 5),
    Case("raspl/where::without_a", lambda w: ["b" if x == "a" else x for x in w], _ABC, 4),
    Case("raspl/mask::changes", at_each(lambda w, i: 0 if i and w[i] == w[i - 1] else w[i]), _DIGITS, 4),
    Case("raspl/maximum::maximum_so_far", so_far(max), (0, 1, 5, 9), 4),
    Case("raspl/minimum::minimum_so_far", so_far(min), (0, 1, 5, 9), 4),
    Case("raspl/argmax::argmax_so_far", so_far(argmax), (-1, 0, 2, 9), 4),
    Case("raspl/argmin::argmin_so_far", so_far(argmin), (-1, 0, 2, 9), 4),
    Case("raspl/num_prev::occurrence", so_far(lambda w: w.count(w[-1])), _ABC, 5),
    Case("raspl/has_seen::seen", so_far(lambda w: w[-1] in w[:-1]), _ABC, 5),
    Case("raspl/firsts::firsts", at_each(lambda w, i: w.index(w[i])), _ABC, 5),
    Case("raspl/lasts::lasts", at_each(last_before), _ABC, 5),
    Case("raspl/index_select::followed", at_each(lambda w, i: w[w[i]] if 0 <= w[i] <= i else -1), (-1, 0, 1, 2), 4),
    Case("raspl/first_true::first_a", so_far(lambda w: w.index("a") if "a" in w else -1), _ABC, 5),
    Case("raspl/mode::mode", so_far(mode), tuple("abcd"), 4),
    Case("raspl/binary_mode::mostly_ones", so_far(lambda w: w.count("1") > w.count("0")), ("0", "1"), 8),
    Case("raspl/induct::induct", at_each(induct), _ABC, 5),
    Case("raspl/count::next_number", at_each(count_on), _DIGITS, 6, counting, low=2),
    Case("raspl/next_digit::next_digit", next_digits, tuple("089+="), 6, begun_sum, low=4),
    Case("tracr/length::how_long", everywhere(len), _ABC, 5),
    Case("tracr/hist::hist", histogram, _ABC, 5),
    Case("tracr/reverse::backwards", lambda w: list(w[::-1]), _ABC, 5),
    Case(
        "tracr/pair_balance::pair_balance",
        so_far(lambda w: Fraction(w.count("(") - w.count(")"), len(w))),
        ("(", ")", "x"),
        5,
    ),
    Case("tracr/shuffle_dyck::shuffle_dyck3", everywhere(lambda w: shuffled(w, _THREE)), tuple("(){}[]"), 3),
    Case("tracr/sort_unique::in_order", sorted, (-2, 0, 1, 3, 9), 5, lambda w: len(set(w)) == len(w)),
    Case("tracr/sort::in_order", sorted, (-1, 0, 2), 5),
    Case("tracr/sort_freq::by_frequency", lambda w: sorted(w, key=lambda x: -w.count(x)), _ABC, 5),
    Case("tracr/frac_prevs::share_of_x", so_far(lambda w: Fraction(w.count("x"), len(w))), ("x", "y"), 7),
    Case("tracr/shift_by::shifted", shift(3, "_"), _ABC, 5),
    Case("tracr/detect_pattern::detected", so_far(lambda w: w[-3:] == ("a", "b", "c")), _ABC, 6),
    Case("tracr/count_less_freq::how_many_rare", everywhere(lambda w: sum(w.count(x) <= 2 for x in w)), _ABC, 6),
    Case("tracr/count::how_many_a", everywhere(lambda w: w.count("a")), _ABC, 5),
    Case("tracr/majority::majority", everywhere(lambda w: 2 * w.count("1") > len(w)), ("0", "1"), 8),
    Case("arithmetic/long_addition::total", total, tuple("0189+"), 5, one_plus),
    Case("arithmetic/parity::parity", so_far(lambda w: w.count("1") % 2), ("0", "1"), 8),
    Case("arithmetic/increment::incremented", increment, ("0", "1"), 8),
    Case("arithmetic/comparison::comparison", everywhere(compare), tuple("012"), 6, lambda w: len(w) % 2 == 0),
    Case("arithmetic/divisible_by_three::divisible", everywhere(lambda w: int("".join(w)) % 3 == 0), tuple("01259"), 4),
    Case("inference/forward_chaining::follows", lambda w: [x in consequences(w) for x in w], tuple("abc,"), 5),
    Case("inference/forward_chaining::round_found", lambda w: [consequences(w).get(x, 0) for x in w], tuple("abc,"), 5),
    Case("inference/deduction::follows", lambda w: [x in consequences(w) for x in w], tuple("az,"), 4),
    Case("inference/reachability::distance", distances, ("ab", "bc", "cd", "da", "ac"), 4),
    Case("course/rotate::rotated", at_each(lambda w, i: w[(i - 2) % len(w)]), _ABC, 5),
    Case("course/swap_neighbours::swapped", swapped, _ABC, 5),
    Case("course/maximum::maximum", everywhere(max), (-1, 0, 2, 9), 4),
    Case("course/prefix_maximum::maximum_so_far", so_far(max), (-1, 0, 2, 9), 4),
    Case("course/reverse_after_marker::next_token", so_far(reverse_after), ("$", "a", "b"), 6),
    Case("course/how_many::how_many", everywhere(lambda w: w.count("s")), ("a", "e", "s"), 5),
    Case("course/how_many::how_many_so_far", so_far(lambda w: w.count("s")), ("a", "e", "s"), 5),
)

# The wrong programs with what they should compute; `shortest` is the first word, in order, where they differ.


@dataclass(frozen=True)
class Wrong:
    """A program that does not compute its oracle; `shortest` is the least word on which it does not."""

    case: Case
    shortest: Word


WRONG = (
    Wrong(
        Case("wrong/first_instance_mark::first_a", so_far(lambda w: w[-1] == "a" and "a" not in w[:-1]), ("a", "b"), 4),
        ("a", "a"),
    ),
    Wrong(Case("wrong/sort_without_ties::in_order", sorted, _ABC, 3), ("a", "a")),
    Wrong(Case("wrong/sort_long_input::in_order", sorted, (0, 1, 2), 5), (1, 0, 0, 0, 0)),
    Wrong(Case("wrong/dyck2_foreign::dyck2_ptf", so_far(lambda w: verdict(w, _TWO)), tuple("(){}x"), 3), ("x",)),
    Wrong(Case("wrong/histogram_without_start::histogram", histogram, _ABC, 3), ("a",)),
    Wrong(
        Case("wrong/majority_with_ties::majority", everywhere(lambda w: 2 * w.count("1") > len(w)), ("0", "1"), 4),
        ("0", "1"),
    ),
    Wrong(Case("wrong/shift_off_by_one::shifted", shift(1, "-"), _ABC, 3), ("a",)),
    Wrong(Case("wrong/shift_without_default::previous", shift(1, 0), ("a", "b"), 3), ("a", "a")),
    Wrong(Case("wrong/induct_first_match::induct", at_each(induct), _ABC, 5), ("a", "a", "b", "a")),
    Wrong(Case("wrong/mirror_off_by_one::backwards", lambda w: list(w[::-1]), ("a", "b"), 3), ("a",)),
    Wrong(Case("wrong/not_equal::is_not_a", lambda w: [x != "a" for x in w], _ABC, 3), ("b",)),
    Wrong(
        Case("wrong/division_guarded::inverse", lambda w: [Fraction(1, x) if x else 0 for x in w], (0, 1, 2), 3), (0,)
    ),
    Wrong(Case("wrong/digit_lookup::digits", ints, tuple("01234"), 3), ("3",)),
    Wrong(Case("wrong/swap_neighbours_odd::swapped", swapped, ("a", "b"), 3), ("a",)),
    Wrong(Case("wrong/addition_without_ripple::total", total, tuple("019+"), 6, one_plus), tuple("1+99")),
    Wrong(
        Case("wrong/dyck1_by_counting::balanced", everywhere(lambda w: verdict(w, _ROUND) == "T"), ("(", ")"), 4),
        (")", "("),
    ),
    Wrong(
        Case("wrong/dyck2_by_shuffling::balanced", everywhere(lambda w: verdict(w, _TWO) == "T"), tuple("(){}"), 4),
        tuple("({)}"),
    ),
    Wrong(Case("wrong/a_n_b_n_unordered::halves", powers("ab"), ("a", "b"), 4), ("b", "a")),
    Wrong(Case("wrong/double_histogram_by_position::double_histogram", double_histogram, _ABC, 4), ("a", "a")),
    Wrong(Case("wrong/reverse_twice::twice", list, ("a", "b"), 4), ("a",)),
    Wrong(
        Case("wrong/tomita4_one_late::tomita4", so_far(lambda w: "000" not in "".join(w)), ("0", "1"), 5), tuple("000")
    ),
    Wrong(
        Case("wrong/tomita5_by_length::tomita5", matches("(00|11|(01|10)(00|11)*(01|10))*"), ("0", "1"), 5),
        tuple("01"),
    ),
    Wrong(Case("wrong/tomita7_one_more::tomita7", matches("0*1*0*1*"), ("0", "1"), 5), tuple("1010")),
    Wrong(Case("wrong/count_looks_ahead::how_many_a", so_far(lambda w: w.count("a")), ("a", "b"), 4), ("a", "a")),
)

WRONG_IN_FLOATS = (
    Wrong(
        Case("wrong/sum_unrounded::at_most_29", everywhere(lambda w: sum(w) <= 29), (3, 4, 5), 7), (3, 3, 3, 5, 5, 5, 5)
    ),
    Wrong(Case("wrong/complement_of_share::nothing_else", so_far(lambda w: "c" not in w), _ABC, 4), ("a", "a", "b")),
    Wrong(
        Case("wrong/dyck2_unrounded::dyck2_ptf", so_far(lambda w: verdict(w, _TWO)), tuple("(){}"), 4),
        tuple("((((((((((((((()))))))"),
    ),
)
