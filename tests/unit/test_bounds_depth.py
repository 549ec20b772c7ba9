"""Level 3, depth: known values, agreement with a second implementation, and transformers made at random."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from random import Random

import pytest

from spec.diagnostics import UsageError
from spec.elaborate import load_program
from spec.property.scope import Scope
from spec.values import Atom, Numbers
from verifier.bounds.certificate import Document
from verifier.bounds.classes import Attention, Class, Mask, parse_class
from verifier.bounds.depth import DepthBound, Pair, Point, least_depth, trace
from verifier.bounds.refine import Refiner
from verifier.bounds.target import ANYTHING, Mealy, OfFunction, OfProgram, Outputs, Word, of_regex
from verifier.bounds.telling import neighbours, telling_words
from verifier.recheck.depth import Colouring, check_pair
from verifier.recheck.files import Judgement, recheck
from verifier.recheck.rup import Rejected

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "spec" / "programs"


def last(function: Callable[[Word], Atom]) -> Callable[[Word], Outputs]:
    return lambda word: (*(ANYTHING,) * (len(word) - 1), function(word))


def parity(word: Word) -> Atom:
    return word.count("1") % 2


def dyck(word: Word) -> Atom:
    open_brackets = 0
    for bracket in word:
        open_brackets += 1 if bracket == "0" else -1
        if open_brackets < 0:
            return "F"
    return "T" if open_brackets == 0 else "P"


def bounded_dyck(most: int) -> Callable[[Word], Atom]:
    """Brackets nested at most so deeply: open, closed, or wrong."""

    def run(word: Word) -> Atom:
        depth = 0
        for bracket in word:
            depth += 1 if bracket == "0" else -1
            if not 0 <= depth <= most:
                return "F"
        return "P" if depth else "T"

    return run


def induction(word: Word) -> Atom:
    """What came after the last earlier token like this one."""
    places = [j for j in range(len(word) - 1) if word[j] == word[-1]]
    return word[places[-1] + 1] if places else "none"


def matches(pattern: str) -> Callable[[Word], Atom]:
    return lambda word: re.fullmatch(pattern, "".join(map(str, word))) is not None


def everywhere(function: Callable[[Word], Atom]) -> Callable[[Word], Outputs]:
    return lambda word: [function(word[: i + 1]) for i in range(len(word))]


def depth(name: str, function: Callable[[Word], Outputs], symbols: int, length: int) -> DepthBound:
    scope = Scope(1, length, tuple("0123456789"[:symbols]))
    return least_depth(parse_class(name), OfFunction("f", function), scope)


@pytest.mark.parametrize("length", range(2, 9))
def test_parity_needs_one_layer_less_than_positions(length: int) -> None:
    """Future-masked unique hard attention: the depth grows, so no fixed depth does it."""
    assert depth("rightmost/past", last(parity), 2, length).least == length - 1


@pytest.mark.parametrize(("most", "lengths"), [(1, (3, 6, 9)), (2, (5, 7, 9)), (3, (7, 9))])
def test_dyck_of_bounded_nesting_needs_one_layer_more_than_the_nesting(most: int, lengths: tuple[int, ...]) -> None:
    for length in lengths:
        assert depth("rightmost/past", everywhere(bounded_dyck(most)), 2, length).least == most + 1


@pytest.mark.parametrize("blocks", range(2, 6))
def test_blocks_need_as_many_layers_where_only_existence_is_seen(blocks: int) -> None:
    pattern = "".join("0+" if i % 2 == 0 else "1+" for i in range(blocks))
    assert depth("exists/past", last(matches(pattern)), 2, 9).least == blocks


@pytest.mark.parametrize("stairs", [2, 3, 4])
def test_staircase_needs_as_many_layers_as_stairs(stairs: int) -> None:
    """STAIR_k: k ones with nothing but twos in between; the strict depth hierarchy."""
    pattern = ".*" + "2*".join("1" * stairs) + ".*"
    assert depth("rightmost/past", last(matches(pattern)), 3, 6 if stairs < 4 else 7).least == stairs


@pytest.mark.parametrize(
    ("name", "least"), [("rightmost/past", 2), ("hard/past,future", 2), ("average/upto+start", 2), ("count/past", 2)]
)
def test_induction_needs_two_layers(name: str, least: int) -> None:
    assert depth(name, everywhere(induction), 3, 6).least == least


def test_dyck_in_all_classes_as_published() -> None:
    names = ["exists/past", "exists/past,future", "rightmost/past", "hard/past,future", "count/past"]
    assert [depth(name, last(dyck), 2, 8).least for name in names] == [4, 3, 4, 3, 2]
    assert depth("count/all", last(dyck), 2, 6).impossible
    assert depth("average/all", last(dyck), 2, 6).impossible


def test_counting_without_masks_is_settled_by_the_first_layer() -> None:
    """It computes what does not depend on the order, in one layer, and nothing else."""
    histogram = depth("count/all", lambda word: [word.count(token) for token in word], 3, 5)
    reverse = depth("count/all", lambda word: word[::-1], 2, 5)
    assert (histogram.least, reverse.least, reverse.impossible) == (1, None, True)


def test_profile_is_the_least_depth_of_every_shorter_scope() -> None:
    for name in ("rightmost/past", "average/all", "exists/past,future"):
        whole = depth(name, last(parity), 2, 7)
        assert whole.profile == tuple((n, depth(name, last(parity), 2, n).least) for n in range(1, 8))


def test_long_pair_without_enumeration() -> None:
    """1^40 and 1^41 look alike to 39 layers, and not to 40."""
    colouring = Colouring("rightmost", ["past"], False, [("1",) * 40, ("1",) * 41])
    assert "39" in check_pair(colouring, (39, 40), 39)
    with pytest.raises(Rejected):
        check_pair(Colouring("rightmost", ["past"], False, [("1",) * 40, ("1",) * 41]), (39, 40), 40)


# ---------------------------------------------------------------------------------------------- beyond listing


def every_pair_is_accepted(bound: DepthBound) -> bool:
    document = Document()
    document.depth(bound)
    return all(one.accepted for one in recheck(document.text())) and len(document.certificates) == len(bound.pairs)


@pytest.mark.parametrize(("pattern", "length", "least"), [("dyck", 20, 10), ("0*(10*10*)*10*", 18, 17)])
def test_pairs_of_a_scope_that_is_too_large_to_list(
    pattern: str, length: int, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dyck-1 and parity: what is proved at lengths that can be listed (half the length; one less) goes on like that."""
    scope = Scope(1, length, ("0", "1"))
    target = OfFunction("Dyck-1", last(dyck)) if pattern == "dyck" else of_regex(pattern, scope)
    monkeypatch.setattr("verifier.bounds.telling.MAX_WORK", 20_000)
    bound = least_depth(parse_class("rightmost/past"), target, scope)
    assert bound.looked_at is not None
    assert bound.looked_at < 5_000
    assert (bound.at_least, bound.least, bound.impossible) == (least, None, False)
    document = Document()
    document.depth(bound)
    wanted = Judgement.ACCEPTED if isinstance(target, Mealy) else Judgement.TRUSTED
    assert [one.judgement for one in recheck(document.text())] == [wanted] * least


def test_some_words_never_show_more_than_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any choice of words is sound; a small one finds less."""
    scope = Scope(1, 6, ("0", "1"))
    random = Random(3)
    found = []
    for name in ("rightmost/past", "exists/past,future", "average/all", "count/upto", "hard/from+start"):
        for _ in range(3):
            outputs = {word: random.randrange(2) for word in scope.inputs()}
            for function in (last(outputs.__getitem__), last(parity), last(dyck)):
                target = OfFunction("f", function)
                exact = least_depth(parse_class(name), target, scope)
                with monkeypatch.context() as patch:
                    patch.setattr("verifier.bounds.depth.MAX_POINTS", 0)
                    patch.setattr("verifier.bounds.telling.MAX_WORK", random.randrange(4, 60))
                    some = least_depth(parse_class(name), target, scope)
                assert some.least is None
                assert some.looked_at is not None
                assert not some.impossible or exact.impossible
                assert exact.least is None or some.at_least <= exact.least
                assert every_pair_is_accepted(some)
                found.append(some.at_least - exact.at_least)
    assert 0 in found
    assert min(found) < 0


def test_words_that_are_looked_at_are_in_the_scope_and_no_more_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.bounds.telling.MAX_WORK", 100_000)
    for scope in (Scope(3, 40, ("a", "b")), Scope(1, 9, tuple("abcdefghij")), Scope(2, 300, ("a",)), Scope(1, 3)):
        words = telling_words(scope)
        assert len(set(words)) == len(words)
        assert all(word in scope for word in words)
        assert sum(len(word) ** 2 for word in words) <= 100_000
        assert max(map(len, words)) == scope.high
        for word in words[:: 1 + len(words) // 5]:
            assert all(other in scope for other in neighbours(word, scope))


def test_neighbours_are_the_words_one_edit_away() -> None:
    scope = Scope(1, 4, ("a", "b"))
    for word in scope.inputs():
        found = set(neighbours(word, scope))
        assert found == {other for other in scope.inputs() if edits(word, other) <= 1}


def edits(one: Word, other: Word) -> int:
    """The edit distance, by the recurrence."""
    if not one or not other:
        return max(len(one), len(other))
    return min(edits(one[1:], other) + 1, edits(one, other[1:]) + 1, edits(one[1:], other[1:]) + (one[0] != other[0]))


def test_scope_without_an_end_is_refused_whatever_its_size() -> None:
    with pytest.raises(UsageError, match="greatest length"):
        least_depth(parse_class("count/all"), OfFunction("f", last(parity)), Scope(1, None, ("0", "1")))


# ---------------------------------------------------------------------------------------------- targets


def test_targets_of_every_kind_agree() -> None:
    scope = Scope(1, 6, ("0", "1"))
    machine = Mealy("odd", "e", {"e": {"0": ("e", 0), "1": ("o", 1)}, "o": {"0": ("o", 1), "1": ("e", 0)}}, True)
    cls = parse_class("rightmost/past")
    found = [
        least_depth(cls, target, scope).profile
        for target in (machine, OfFunction("odd", last(parity)), of_regex("0*(10*10*)*10*", scope))
    ]
    assert found[0] == found[1] == found[2]


def test_regex_at_every_prefix() -> None:
    scope = Scope(1, 3, ("a", "b"))
    assert list(of_regex("ab*", scope, every_prefix=True).outputs(("a", "b", "a"))) == [True, True, False]


def test_program_as_target() -> None:
    program = load_program(PROGRAMS / "paper" / "histogram.rasp", Numbers.EXACT)
    target = OfProgram("histogram", program.sop("histogram"), Numbers.EXACT)
    assert least_depth(parse_class("count/all"), target, Scope(1, 4, ("a", "b"))).least == 1


def test_input_on_which_the_program_fails_asks_for_nothing() -> None:
    program = load_program(PROGRAMS / "wrong" / "digit_lookup.rasp", Numbers.EXACT)
    for node in program.sops().values():
        outputs = OfProgram("x", node, Numbers.EXACT).outputs(("#", "~"))
        assert len(outputs) == 2


def test_function_with_a_wrong_number_of_outputs_is_refused() -> None:
    with pytest.raises(UsageError):
        least_depth(parse_class("count/all"), OfFunction("f", lambda _: ()), Scope(1, 2))


@pytest.mark.parametrize("text", ["count/all+indices", "softmax/all", "count/left", "count/all+end"])
def test_class_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_class(text)


def test_class_is_written_as_it_is_read() -> None:
    for text in ("rightmost/past,future", "average/upto+start", "count/all"):
        assert str(parse_class(text)) == text


# ---------------------------------------------------------------------------------------------- second implementation


def test_refinement_agrees_with_the_definition() -> None:
    """`verifier.recheck` computes colours position by position; both give the same partition in every round."""
    words = [word for n in range(1, 5) for word in product("01", repeat=n)]
    for attention, start in product(Attention, (False, True)):
        for masks in ((Mask.PAST,), (Mask.UPTO, Mask.FUTURE), (Mask.FROM,), (Mask.ALL,), (Mask.FUTURE,)):
            cls = Class(attention, masks, start)
            refiner = Refiner(cls)
            rows = [refiner.initial(word) for word in words]
            other = Colouring(attention.value, [mask.value for mask in masks], start, words)
            for round_number in range(4):
                ours = [colour for row in rows for colour in refiner.outputs(row)]
                theirs = [other.colour(w, i) for w, word in enumerate(words) for i in range(len(word))]
                assert len(set(zip(ours, theirs, strict=True))) == len(set(ours)) == len(set(theirs))
                rows = [refiner.refined(row, round_number + 1) for row in rows]
                other.round()


# ---------------------------------------------------------------------------------------------- random transformers


SEES: dict[Mask, Callable[[int, int], bool]] = {
    Mask.PAST: lambda i, j: j < i,
    Mask.UPTO: lambda i, j: j <= i,
    Mask.FUTURE: lambda i, j: j > i,
    Mask.FROM: lambda i, j: j >= i,
    Mask.ALL: lambda _i, _j: True,
}


class RandomTransformer:
    """Heads with scores and values drawn for each pair of states; the state keeps everything it ever saw."""

    def __init__(self, random: Random, cls: Class) -> None:
        self.random, self.cls = random, cls
        self.drawn: dict[object, int] = {}

    def draw(self, key: object, choices: int) -> int:
        return self.drawn.setdefault(key, self.random.randrange(choices))

    def states(self, word: Sequence[object], layers: int) -> list[object]:
        state: list[object] = [*(["start"] if self.cls.start else []), *word]
        for layer in range(layers):
            state = [
                (
                    state[i],
                    *(
                        self.head((layer, m, h), state, i, mask)
                        for m, mask in enumerate(self.cls.masks)
                        for h in (0, 1)
                    ),
                )
                for i in range(len(state))
            ]
        return state[1:] if self.cls.start else state

    def head(self, head: object, state: Sequence[object], i: int, mask: Mask) -> object:
        seen = [j for j in range(len(state)) if SEES[mask](i, j)]
        score = {j: self.draw(("score", head, state[i], state[j]), 4) for j in seen}
        value = {j: self.draw(("value", head, state[i], state[j]), 3) for j in seen}
        if not seen:
            return "nothing"
        match self.cls.attention:
            case Attention.AVERAGE:
                weight = {j: Fraction(2) ** score[j] for j in seen}
                return sum(weight[j] * value[j] for j in seen) / sum(weight.values())
            case Attention.COUNT:
                return sum(score[j] > 1 for j in seen)
            case Attention.EXISTS:
                return max(score[j] for j in seen)
            case Attention.LEFTMOST:
                return value[max(seen, key=lambda j: (score[j], -j))]
            case Attention.RIGHTMOST:
                return value[max(seen, key=lambda j: (score[j], j))]
            case Attention.HARD:
                return value[max(seen, key=lambda j: (score[j], j))], value[max(seen, key=lambda j: (score[j], -j))]


@pytest.mark.parametrize("attention", Attention)
@pytest.mark.parametrize("masks", [(Mask.PAST,), (Mask.PAST, Mask.FUTURE), (Mask.ALL,), (Mask.UPTO,), (Mask.FROM,)])
def test_no_transformer_tells_apart_what_the_class_cannot(attention: Attention, masks: tuple[Mask, ...]) -> None:
    words = [word for n in range(1, 6) for word in product("01", repeat=n)]
    for start in (False, True):
        cls = Class(attention, masks, start)
        refiner = Refiner(cls)
        rows = [refiner.initial(word) for word in words]
        machine = RandomTransformer(Random(1), cls)
        for layers in range(3):
            state_of: dict[int, object] = {}
            for word, row in zip(words, rows, strict=True):
                for colour, state in zip(refiner.outputs(row), machine.states(word, layers), strict=True):
                    assert state_of.setdefault(colour, state) == state
            rows = [refiner.refined(row, layers + 1) for row in rows]


def every_head(attention: Attention, seen: Sequence[int], colours: int) -> Iterator[object]:
    """The results of every head with any set of selected colours, and any bit of each as its value."""
    for selected in product((False, True), repeat=colours):
        picked = [colour for colour in seen if selected[colour]]
        match attention:
            case Attention.EXISTS:
                yield bool(picked)
            case Attention.COUNT:
                yield len(picked)
            case _:
                for value in product((0, 1), repeat=colours):
                    bits = [value[colour] for colour in picked]
                    match attention:
                        case Attention.AVERAGE:
                            yield Fraction(sum(bits), len(bits)) if bits else None
                        case Attention.LEFTMOST:
                            yield bits[0] if bits else None
                        case Attention.RIGHTMOST:
                            yield bits[-1] if bits else None
                        case Attention.HARD:
                            yield (bits[0], bits[-1]) if bits else None


@pytest.mark.parametrize("attention", Attention)
@pytest.mark.parametrize("masks", [(mask,) for mask in Mask] + [(Mask.PAST, Mask.FUTURE)])
def test_all_heads_together_tell_apart_exactly_what_the_class_can(
    attention: Attention, masks: tuple[Mask, ...]
) -> None:
    """Layer by layer, while the heads are few enough to try all: the theorem, in both directions."""
    words = [word for n in range(1, 4) for word in product("01", repeat=n)]
    for start in (False, True):
        refiner = Refiner(Class(attention, masks, start))
        rows = [refiner.initial(word) for word in words]
        for layer in (1, 2):
            colours = refiner.count(layer - 1)
            if colours > 6:
                break
            told = [
                (
                    row[i],
                    *(
                        tuple(every_head(attention, [row[j] for j in range(len(row)) if SEES[mask](i, j)], colours))
                        for mask in masks
                    ),
                )
                for row in rows
                for i in range(len(row))
            ]
            rows = [refiner.refined(row, layer) for row in rows]
            ours = [colour for row in rows for colour in row]
            assert len(set(zip(ours, told, strict=True))) == len(set(ours)) == len(set(told))


def test_trace_shows_equal_letters_for_the_points_in_every_round() -> None:
    bound = depth("rightmost/past", last(parity), 2, 6)
    for pair in bound.pairs:
        for left, right in trace(bound.cls, pair):
            assert left[pair.left.position] == right[pair.right.position]


def test_pair_that_is_told_apart_is_rejected() -> None:
    pair = Pair(2, Point(("0", "1"), 1, 0), Point(("1", "1"), 1, 1))
    words = [pair.left.word, pair.right.word]
    with pytest.raises(Rejected):
        check_pair(Colouring("rightmost", ["past"], False, words), (1, 1), 1)


def test_function_in_the_documentation_gives_what_is_printed_there(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "bounds.md").read_text(encoding="utf-8")
    ((code, printed),) = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "function.py"
    file.write_text(code, encoding="utf-8")
    run = subprocess.run([sys.executable, file], capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)
    assert (run.returncode, run.stdout) == (0, printed), run.stderr
