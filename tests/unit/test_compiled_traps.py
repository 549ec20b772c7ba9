"""What published compilers of RASP get wrong in silence: right here on every word, or refused with the reason."""

from collections.abc import Iterable, Iterator
from itertools import product

import pytest

torch = pytest.importorskip("torch")

import compiled  # noqa: E402  # only with torch
from spec.elaborate import Program, elaborate  # noqa: E402
from spec.interp import Interpreter, ProgramFailure  # noqa: E402
from spec.source import Source  # noqa: E402
from spec.values import Atom, Numbers  # noqa: E402

pytestmark = pytest.mark.torch

OPTIONS: list[dict[str, str]] = [{}, {"encoding": "onehot"}, {"arch": "masked", "optimise": "heads"}]

_OF_PREFIX = 'aggregate(select(indices, indices, <=), indicator(tokens == "a"))'
_BALANCE = (
    'm = aggregate(select(indices, indices, <=), indicator(tokens == "(") - indicator(tokens == ")"));'
    ' out_ = "F" if m < 0 else ("T" if m == 0 else "P");'
)
# An s-op `out_`, the alphabet, and the greatest length: 10 where elsewhere it is a count of 10 that goes wrong.
TRAPS = {
    "a length of ten": ("out_ = length;", "a", 24),
    "a width of ten": ("out_ = selector_width(select(tokens, tokens, ==));", "ab", 10),
    "a width of ten in a query": (
        "out_ = aggregate(select(selector_width(select(tokens, tokens, ==)), indices, ==), 1, 0);",
        "ab",
        10,
    ),
    "reversing ten": ("out_ = aggregate(select(indices, length - 1 - indices, ==), tokens);", "ab", 10),
    "sorting ten": ("out_ = sort(tokens, tokens);", "ab", 10),
    "the parity of twelve": ('out_ = count(tokens, "a") % 2;', "ab", 12),
    "a majority of two thirds": (f"out_ = {_OF_PREFIX} > 0.5;", "abc", 5),
    "two thirds": (f"out_ = {_OF_PREFIX} == 2 / 3;", "ab", 8),
    "a mean as it is": ('out_ = aggregate(full_s, indicator(tokens == "a"));', "ab", 9),
    "a mean of a prefix": (f"out_ = {_OF_PREFIX};", "ab", 7),
    "a mean of numbers": ("out_ = aggregate(select(tokens, tokens, ==), indices * 3 - 4);", "ab", 7),
    "negative results": ("out_ = 2 - 3 * selector_width(select(tokens, tokens, ==));", "ab", 8),
    "a negative number for a letter": ('out_ = (0 - 5) * indicator(tokens == "a") + indices;', "ab", 6),
    "balance as a sign": (_BALANCE, "()x", 6),
    "nothing selected, a letter": ('out_ = aggregate(select(indices, indices - 2, ==), tokens, "-");', "abc", 5),
    "nothing selected, a letter that occurs": (
        'out_ = aggregate(select(indices, indices - 1, ==), tokens, "a");',
        "ab",
        7,
    ),
    "nothing selected, another kind": ("out_ = aggregate(select(indices, indices - 1, ==), indices > 1, -1);", "ab", 7),
    "nothing selected, no default": ("out_ = aggregate(select(indices, indices + 1, ==), indices);", "ab", 7),
    "a query that matches nothing": (
        'out_ = aggregate(select(tokens, "b", ==) and select(indices, indices, <), indicator(tokens == "b"), -1);',
        "ab",
        8,
    ),
    "a letter fetched twice is an error": ('out_ = aggregate(select(tokens, "b", ==), tokens, "-");', "ab", 7),
    "and": ("out_ = selector_width(select(tokens, tokens, ==) and select(indices, indices, <));", "ab", 8),
    "or": ('out_ = selector_width(select(tokens, "a", ==) or select(indices, indices, >=));', "ab", 8),
    "or, fetched": (
        'out_ = aggregate(select(tokens, "b", ==) or select(indices, indices, ==), indices * 2, -3);',
        "ab",
        7,
    ),
    "not": ("out_ = selector_width(not select(tokens, tokens, ==));", "abc", 6),
    "not, fetched": ("out_ = aggregate(not select(tokens, tokens, ==), indices, -1);", "ab", 7),
    "positions of a padded batch": ("out_ = length - 1 - indices;", "a", 20),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def elaborated(text: str, numbers: Numbers = Numbers.EXACT) -> Program:
    return elaborate(Source("trap.rasp", text.replace("; ", ";\n") + "\n"), numbers)


@pytest.mark.parametrize("name", list(TRAPS))
def test_every_word_of_a_padded_batch_is_right(name: str) -> None:
    text, alphabet, length = TRAPS[name]
    made = elaborated(text)
    root = made.sop("out_")
    interpreter, expected = Interpreter((root,), Numbers.EXACT), {}
    for n in range(1, length + 1):
        for word in product(alphabet, repeat=n):
            try:
                expected[word] = list(interpreter.run(word).values[root])
            except ProgramFailure:
                continue
    assert len(expected) >= length
    for options in OPTIONS:
        model = compiled.compile_program(made.graph, root, alphabet=alphabet, max_length=length, **options)  # type: ignore[arg-type]  # options are named as on the command line
        assert model.model().run(list(expected))["output"] == list(expected.values()), options


@pytest.mark.parametrize(
    ("text", "numbers", "alphabet", "length", "reason"),
    [
        ("out_ = tokens;", Numbers.EXACT, (1, True), 3, "two symbols that are equal as numbers"),
        ("out_ = aggregate(full_s, 0.1 * indices + 0.3);", Numbers.IEEE, "ab", 4, "double sum depends on the order"),
        (
            'out_ = aggregate(select(tokens, "a", ==), indices * indices * indices);',
            Numbers.EXACT,
            "ab",
            40,
            "8000 values",
        ),
        ("out_ = length;", Numbers.EXACT, "a", 513, "the maximal length must be 1 to 512"),
        (
            "out_ = aggregate(not (select(tokens, indices, <) or select(tokens, tokens, ==)), 1);",
            Numbers.EXACT,
            "ab",
            3,
            "a selector has no value on any input",
        ),
    ],
    ids=["one and true", "doubles in any order", "too many means", "too long", "letters before numbers"],
)
def test_what_cannot_be_right_is_refused_with_the_reason(
    text: str, numbers: Numbers, alphabet: Iterable[Atom], length: int, reason: str
) -> None:
    made = elaborated(text, numbers)
    with pytest.raises(compiled.Refused, match=reason):
        compiled.compile_program(made.graph, made.sop("out_"), alphabet=alphabet, max_length=length)


def test_a_unit_that_a_format_cannot_decide_is_the_reason() -> None:
    """Also where some s-op of the program is computed from what counts have taken the place of."""
    made = elaborated(
        "n = count(tokens_int / 0.5, tokens_int / 0.5);"
        ' r = aggregate(select(tokens_str == "1", tokens_str == "#", ==), length % 4, True);'
        " out_ = selector_width(select(n, r, ==));"
    )
    with pytest.raises(compiled.Uncertified, match="neither 0 nor 1"):
        compiled.compile_program(made.graph, made.sop("out_"), alphabet="01", max_length=3, dtype="bfloat16")
