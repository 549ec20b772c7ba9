"""Layers and heads: shipped programs as written, published depths, and the fewest heads of small functions.

Four tables. (1) What the reference's greedy analysis reports beside the exact fronts, with processor time. (2) The
least depth of sixteen functions in twelve classes, compared with values computed independently of this code. (3)
Minimal shapes of heads, on a scope and for all lengths. (4) Depth of families, where it grows and where it settles.
Every lower bound is rechecked from its certificate; the exit code is 1 when one is rejected,
or when anything differs from what is listed here.
"""

import argparse
import re
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Final

from spec.cost import PAPER, TRANSFORMER, Schedule, reference_analysis
from spec.elaborate import load_program
from spec.property.scope import Scope
from spec.values import Atom, Numbers
from verifier.bounds.certificate import Document
from verifier.bounds.classes import Mask, parse_class
from verifier.bounds.depth import DepthBound, least_depth
from verifier.bounds.heads import HeadClass, Reading, parse_head_class
from verifier.bounds.synthesis import fewest_heads, shape_text
from verifier.bounds.target import ANYTHING, Mealy, OfFunction, Outputs, Word, of_regex
from verifier.bounds.written import Front, as_written
from verifier.recheck.files import recheck

PROGRAMS: Final = Path(__file__).resolve().parents[1] / "spec" / "programs"

WRITTEN: Final = (
    ("paper/histogram", "histogram"),
    ("paper/reverse", "backwards"),
    ("paper/sort", "in_order"),
    ("paper/double_histogram", "double_histogram"),
    ("paper/sort_by_frequency", None),
    ("paper/dyck1_ptf", "dyck1_ptf"),
    ("paper/dyck_ptf", "dyck2_ptf"),
    ("paper/shuffle_dyck", None),
    ("inference/deduction", None),
    ("inference/forward_chaining", None),
    ("inference/reachability", None),
    ("arithmetic/long_addition", None),
    ("arithmetic/increment", None),
)

# ------------------------------------------------------------------------------------------------ functions

Function = Callable[[Word], Outputs]
Step = Callable[[Hashable, str], tuple[Hashable, Atom]]


def last(function: Callable[[Word], Atom]) -> Function:
    """Asked for at the last position only."""
    return lambda word: (*[ANYTHING] * (len(word) - 1), function(word))


def everywhere(function: Callable[[Word], Atom]) -> Function:
    """Asked for at every position, of the word up to there."""
    return lambda word: [function(word[: i + 1]) for i in range(len(word))]


def _dyck(pairs: int) -> Callable[[Word], Atom]:
    def run(word: Word) -> Atom:
        stack: list[int] = []
        for letter in map(int, map(str, word)):
            if letter < pairs:
                stack.append(letter)
            elif not stack or stack.pop() != letter - pairs:
                return "F"
        return "P" if stack else "T"

    return run


def _next_of_last_equal(word: Word, i: int) -> int | None:
    places = [j for j in range(i) if word[j] == word[i]]
    return places[-1] + 1 if places else None


def _induction(word: Word) -> Outputs:
    found = [_next_of_last_equal(word, i) for i in range(len(word))]
    return [None if place is None else word[place] for place in found]


def _two_hops(word: Word) -> Outputs:
    once = [_next_of_last_equal(word, i) for i in range(len(word))]
    twice = [None if place is None else _next_of_last_equal(word, place) for place in once]
    return [None if place is None else word[place] for place in twice]


def _by_frequency(word: Word) -> Outputs:
    ordered = sorted(set(word), key=lambda token: (-word.count(token), word.index(token)))
    return [*ordered, *[None] * (len(word) - len(ordered))]


def _matches(pattern: str) -> Function:
    return last(lambda word: re.fullmatch(pattern, "".join(map(str, word))) is not None)


def _parity(word: Word) -> Outputs:
    return [word.count("1") % 2] * len(word)


def _majority_and_first(word: Word) -> Atom:
    return f"{word[0]}, {2 * word.count('1') > len(word)}"


def _palindrome(word: Word) -> Outputs:
    return [word == word[::-1]] * len(word)


def _histogram(word: Word) -> Outputs:
    return [word.count(token) for token in word]


def _double_histogram(word: Word) -> Outputs:
    return [sum(word.count(other) == word.count(token) for other in set(word)) for token in word]


CLASSES: Final = (
    "exists/past",
    "exists/past,future",
    "leftmost/past",
    "rightmost/past",
    "hard/past",
    "rightmost/past,future",
    "hard/past,future",
    "hard/all",
    "average/all",
    "count/all",
    "count/past",
    "average/upto+start",
)

# The function, how many letters, the longest word, and the least depth in each class; `-` is impossible at any depth.
DEPTHS: Final[tuple[tuple[str, Function, int, int, str], ...]] = (
    ("previous token", lambda word: [None, *word[:-1]], 2, 7, "4 3 3 1 1 1 1 - - - 2 2"),
    ("reverse", lambda word: word[::-1], 2, 6, "- 3 - - - 3 2 - - - - -"),
    ("sort", sorted, 2, 7, "- 3 - - - 3 3 - - - - -"),
    ("histogram", _histogram, 2, 7, "- 4 - - - 4 4 - - 1 - -"),
    ("double histogram", _double_histogram, 3, 6, "- 2 - - - 2 2 - 1 1 - -"),
    ("most frequent", _by_frequency, 3, 6, "- 3 - - - 3 3 - - - - -"),
    ("majority", last(lambda word: 2 * word.count("1") > len(word)), 2, 8, "4 3 4 4 4 3 3 - 1 1 1 1"),
    ("parity", last(lambda word: word.count("1") % 2), 2, 8, "7 5 7 7 7 5 5 - - 1 1 1"),
    ("Dyck-1", last(_dyck(1)), 2, 10, "5 4 5 5 5 3 3 - - - 2 2"),
    ("Dyck-2 prefixes", everywhere(_dyck(2)), 4, 5, "3 2 3 3 3 2 2 - - - 2 2"),
    ("induction", _induction, 3, 6, "3 3 3 2 2 2 2 - - - 2 2"),
    ("two hops", _two_hops, 3, 6, "3 2 2 2 2 2 2 - - - 2 2"),
    ("contains 010", _matches(".*010.*"), 2, 8, "4 3 4 3 3 3 2 - - - 2 2"),
    ("STAIR 3", _matches(".*02*02*0.*"), 3, 6, "4 3 4 3 3 3 2 - - - 2 2"),
    ("four blocks", _matches("0+1+0+1+"), 2, 9, "4 3 4 3 3 2 2 - - - 2 2"),
    ("(01)*", _matches("(01)*"), 2, 9, "5 3 5 2 2 2 2 - - - 2 2"),
)

# The function, its class, letters, longest word, most layers, most heads, and the minimal shapes; none: all impossible.
HEADS: Final[tuple[tuple[str, Function, str, int, int, int, int, str], ...]] = (
    ("histogram", _histogram, "count/all", 3, 5, 2, 3, "1"),
    ("histogram", _histogram, "mean/all+indices", 2, 3, 1, 2, "1"),
    ("histogram", _histogram, "mean/all+indices", 2, 4, 2, 2, "2 1/1"),
    ("double histogram", _double_histogram, "count/all", 2, 6, 2, 3, "2 1/1"),
    ("double histogram", _double_histogram, "count/all", 3, 6, 2, 3, "1/1 3"),
    ("double histogram", _double_histogram, "mean/all+indices", 2, 5, 1, 1, "1"),
    ("double histogram", _double_histogram, "mean/all+indices", 3, 4, 2, 2, "2 1/1"),
    ("reverse", lambda word: word[::-1], "count/all+indices", 2, 2, 1, 3, "1"),
    ("reverse", lambda word: word[::-1], "count/all+indices", 2, 3, 1, 3, "2"),
    ("reverse", lambda word: word[::-1], "count/all+indices", 2, 4, 1, 3, "2"),
    ("reverse", lambda word: word[::-1], "count/all+indices", 2, 5, 1, 3, "3"),
    ("reverse", lambda word: word[::-1], "mean/all+indices", 2, 5, 2, 2, "2 1/1"),
    ("reverse", lambda word: word[::-1], "mean:3/all+indices", 3, 3, 2, 2, "2 1/1"),
    ("sort", sorted, "mean/all+indices", 2, 5, 1, 1, "1"),
    ("sort", sorted, "mean:3/all+indices", 3, 4, 2, 2, "2 1/1"),
    ("most frequent", _by_frequency, "mean/all+indices", 2, 5, 2, 2, "2 1/1"),
    ("parity", last(lambda word: word.count("1") % 2), "count/all", 2, 8, 2, 3, "1"),
    ("parity", last(lambda word: word.count("1") % 2), "rightmost/past", 2, 4, 3, 3, "1/1/1"),
    ("parity, everywhere", _parity, "mean/all+indices", 2, 5, 2, 2, "2 1/1"),
    ("palindrome, everywhere", _palindrome, "count/all+indices", 2, 3, 1, 3, "2"),
    ("palindrome, everywhere", _palindrome, "count/all+indices", 2, 4, 1, 3, "2"),
    ("palindrome, everywhere", _palindrome, "count/all+indices", 2, 5, 1, 3, "3"),
    ("palindrome, everywhere", _palindrome, "mean/all+indices", 2, 4, 2, 2, "2 1/1"),
    ("Dyck-1 prefixes", everywhere(_dyck(1)), "mean/all+indices", 2, 5, 1, 1, "1"),
    ("Dyck-1 prefixes", everywhere(_dyck(1)), "mean/all+indices", 2, 6, 2, 2, "2 1/1"),
    ("Dyck-1 prefixes", everywhere(_dyck(1)), "count/upto", 2, 5, 2, 3, "1/1"),
    ("Dyck-1 prefixes", everywhere(_dyck(1)), "count/upto", 2, 6, 3, 3, "2/1 1/2 1/1/1"),
    ("Dyck-2 prefixes", everywhere(_dyck(2)), "mean/all+indices", 4, 3, 2, 2, "2 1/1"),
    ("contains 01", _matches(".*01.*"), "rightmost/past", 2, 7, 2, 3, "1/1"),
    ("(01)*", _matches("(01)*"), "rightmost/past", 2, 8, 2, 3, "1/1"),
    ("STAIR 3", _matches(".*02*02*0.*"), "rightmost/past", 3, 5, 3, 3, "1/1/1"),
    ("three blocks", _matches("0+1+0+"), "rightmost/past", 2, 8, 2, 3, "2/1"),
    ("induction", everywhere(lambda word: str(_induction(word)[-1])), "rightmost/past", 2, 5, 2, 3, "2 1/1"),
    ("induction", everywhere(lambda word: str(_induction(word)[-1])), "rightmost:3/past", 3, 4, 2, 2, "1/1"),
    ("induction", everywhere(lambda word: str(_induction(word)[-1])), "mean:3/all+indices", 3, 4, 2, 2, "2 1/1"),
    # Heads of several kinds; nothing of one kind does the first three within as many heads.
    ("histogram", _histogram, "count/past,future", 2, 4, 2, 3, "2 1/1"),
    ("reverse", lambda word: word[::-1], "rightmost,leftmost/past,future", 2, 4, 2, 3, "1/2"),
    ("majority, first letter", last(_majority_and_first), "count,leftmost/all", 2, 5, 2, 3, "3 2/1 1/2"),
    ("reverse", lambda word: word[::-1], "count,mean/all+indices", 2, 4, 1, 3, "2"),
    ("double histogram", _double_histogram, "count,mean/all", 3, 4, 2, 3, "2 1/1"),
    ("Dyck-1 prefixes", everywhere(_dyck(1)), "count,mean/upto", 2, 6, 2, 3, "1/1"),
)


def _regular(pattern: str, letters: str) -> tuple[Mealy, str]:
    return of_regex(pattern, Scope(1, 3, tuple(letters))), letters


def _machine(name: str, letters: str, start: Hashable, step: Step) -> tuple[Mealy, str]:
    """The machine with these steps, as far as it is reachable."""
    steps: dict[str, dict[Atom, tuple[str, Atom]]] = {}
    waiting = [start]
    while waiting:
        state = waiting.pop()
        found = {letter: step(state, letter) for letter in letters}
        steps[repr(state)] = {letter: (repr(then), output) for letter, (then, output) in found.items()}
        waiting.extend(then for then, _ in found.values() if repr(then) not in steps)
    return Mealy(name, repr(start), steps), letters


def _nesting(most: int) -> tuple[Mealy, str]:
    """Brackets nested at most so deeply: open, closed or wrong."""

    def step(state: Hashable, letter: str) -> tuple[Hashable, Atom]:
        depth = state + (1 if letter == "(" else -1) if isinstance(state, int) else -1
        return (depth, "P" if depth else "T") if 0 <= depth <= most else ("wrong", "F")

    return _machine(f"Dyck-1 prefixes nested at most {most}", "()", 0, step)


def _after_last_equal(letters: str) -> tuple[Mealy, str]:
    """Induction: what came after the last earlier letter like this one. States: the last letter, what followed each."""

    def step(state: Hashable, letter: str) -> tuple[Hashable, Atom]:
        before, pairs = state if isinstance(state, tuple) else ("", ())
        followed = dict(pairs) | ({before: letter} if before else {})
        return (letter, tuple(sorted(followed.items()))), followed.get(letter, "none")

    return _machine(f"induction, {len(letters)} letters", letters, ("", ()), step)


def _bounded(most: int) -> Function:
    """The same as a function of words over 0 and 1."""
    machine, _ = _nesting(most)
    return lambda word: machine.outputs(tuple("()"[int(str(letter))] for letter in word))


# A machine and its letters, the values of a head, most layers, most heads, the minimal shapes for all lengths.
ALL_LENGTHS: Final = (
    (_machine("previous letter", "ab", "none", lambda state, letter: (letter, str(state))), 2, 1, 2, "1"),
    (_regular(".*ab.*", "ab"), 2, 2, 3, "1/1"),
    (_regular(".*aa.*", "ab"), 2, 2, 3, "1/1"),
    (_regular(".*aba.*", "ab"), 2, 3, 3, "1/1/1"),
    (_regular("(ab)*", "ab"), 2, 2, 3, "1/1"),
    (_regular(".*ac*a.*", "abc"), 2, 2, 2, "1/1"),
    (_regular(".*ac*ac*a.*", "abc"), 2, 3, 3, "1/1/1"),
    (_nesting(1), 2, 2, 2, "1/1"),
    (_nesting(2), 2, 3, 3, "1/1/1"),
    (_regular("a+b+", "ab"), 2, 2, 3, "1/1"),
    (_regular("a+b+a+", "ab"), 2, 2, 3, "2/1"),
    (_regular("a+b+a+b+", "ab"), 2, 3, 3, "1/1/1"),
    (_regular("a+b+a+b+a+", "ab"), 2, 3, 4, "2/1/1"),
    (_regular(".*ac*ac*ac*a.*", "abc"), 2, 4, 4, "1/1/1/1"),
    (_after_last_equal("ab"), 2, 1, 2, "2"),
    (_after_last_equal("abc"), 3, 2, 2, "1/1"),
    (_after_last_equal("abcd"), 4, 2, 2, "1/1"),
)

_BLOCKS: Final = tuple("".join("0+" if i % 2 == 0 else "1+" for i in range(k)) for k in range(2, 7))
_STAIRS: Final = tuple(".*" + "2*".join("0" * k) + ".*" for k in range(2, 6))

# What grows and what settles: a family, its class, letters, longest words, and the least depth of each member.
GROWTH: Final[tuple[tuple[str, Sequence[Function], str, int, Sequence[int], Sequence[int]], ...]] = (
    ("parity", [last(lambda word: word.count("1") % 2)] * 8, "rightmost/past", 2, range(2, 10), range(1, 9)),
    ("brackets nested 1, 2, 3", [_bounded(d) for d in (1, 2, 3)], "rightmost/past", 2, [9] * 3, [2, 3, 4]),
    ("staircases of 2, 3, ..", [_matches(p) for p in _STAIRS], "rightmost/past", 3, [5, 6, 7, 8], [2, 3, 4, 5]),
    ("2, 3, .. blocks", [_matches(p) for p in _BLOCKS], "exists/past", 2, [11] * 5, [2, 3, 4, 5, 6]),
    ("induction", [_induction] * 4, "rightmost/past", 3, range(3, 7), [1, 1, 2, 2]),
    ("Dyck-1", [last(_dyck(1))] * 5, "rightmost/past", 2, range(3, 12, 2), [2, 3, 4, 5, 6]),
    ("Dyck-1", [last(_dyck(1))] * 5, "hard/past,future", 2, range(3, 12, 2), [2, 2, 3, 3, 4]),
    ("brackets nested 1, 2, 3", [_bounded(d) for d in (1, 2, 3)], "hard/past,future", 2, [11] * 3, [2, 3, 3]),
)


def main(arguments: list[str]) -> int:
    """Print the tables; the exit code says whether everything came out as listed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks bounds")
    parser.add_argument("--program", metavar="FILE::NAME", action="append", default=[], help="one more for table 1")
    parser.add_argument("--tables", default="1234", help="which tables, e.g. 13")
    options = parser.parse_args(arguments)
    failures: list[str] = []
    if "1" in options.tables:
        _written(options.program, failures)
    if "2" in options.tables:
        _depths(failures)
    if "3" in options.tables:
        _heads(failures)
        _all_lengths(failures)
    if "4" in options.tables:
        _growth(failures)
    print("\n".join(failures) or "as listed; every lower bound rechecked", flush=True)
    return 1 if failures else 0


def _rechecked(document: Document, failures: list[str], what: str) -> int:
    """How many certificates were accepted; the others are failures."""
    found = recheck(document.text())
    failures.extend(f"{what}: {one.claim}: {one.detail}" for one in found if not one.accepted)
    return sum(one.accepted for one in found)


# ------------------------------------------------------------------------------------------------ table 1


def _written(more: list[str], failures: list[str]) -> None:
    print("| program | s-ops | reference | paper: layers × heads | in all | transformer | in all | seconds |")
    print("|---|---:|---|---|---|---|---|---:|")
    listed = [(PROGRAMS / f"{path}.rasp", name) for path, name in WRITTEN]
    for text in more:
        path, _, name = text.partition("::")
        listed.append((Path(path), name or None))
    for file, wanted in listed:
        _program(file, wanted, failures)
    print(flush=True)


def _program(path: Path, name: str | None, failures: list[str]) -> None:
    plain = load_program(path, Numbers.EXACT, interning=False)
    program = load_program(path, Numbers.EXACT)
    name = name or [sop for sop in program.sops() if not sop.startswith("_")][-1]
    greedy = reference_analysis(plain.graph, plain.sop(name))
    begun = process_time()
    fronts = {model: as_written([program.sop(name)], model) for model in (PAPER, TRANSFORMER)}
    spent = process_time() - begun
    for model, front in fronts.items():
        document = Document()
        document.front(front, [program.sop(name)], program.graph)
        _rechecked(document, failures, f"{name}, {model.name}")
    if not _no_worse(greedy, fronts[PAPER]):
        failures.append(f"{name}: worse than the reference")
    cells = " | ".join(_cells(fronts[model]) for model in (PAPER, TRANSFORMER))
    print(f"| {name} | {len(plain.graph)} | {_greedy(greedy)} | {cells} | {spent:.1f} |", flush=True)


def _greedy(schedule: Schedule) -> str:
    return f"{schedule.layers} × {schedule.width}, {schedule.total}"


def _cells(front: Front) -> str:
    widths = ", ".join(f"{step.layers} × {step.width}" for step in front.widths.steps)
    totals = ", ".join(f"{step.total}" for step in front.totals.steps)
    return " | ".join(
        text + (" .." if stairs.open else "") for text, stairs in ((widths, front.widths), (totals, front.totals))
    )


def _no_worse(greedy: Schedule, front: Front) -> bool:
    first = front.widths.steps[0]
    return (first.layers, first.width, front.totals.steps[0].total) <= (greedy.layers, greedy.width, greedy.total)


# ------------------------------------------------------------------------------------------------ table 2


def _depths(failures: list[str]) -> None:
    print(f"| function | letters, length | {' | '.join(CLASSES)} |")
    print("|---|---|" + "---:|" * len(CLASSES))
    for name, function, letters, longest, listed in DEPTHS:
        scope = Scope(1, longest, tuple("0123456789"[:letters]))
        target = OfFunction(name, function)
        bounds = [least_depth(parse_class(cls), target, scope) for cls in CLASSES]
        shown = list(map(_depth, bounds))
        if shown != listed.split():
            failures.append(f"{name}: depths {' '.join(shown)}, listed {listed}")
        document = Document()
        for bound in bounds:
            document.depth(DepthBound(bound.cls, scope, target, bound.pairs, None, ()))
        _rechecked(document, failures, name)
        print(f"| {name} | {letters}, {longest} | {' | '.join(shown)} |", flush=True)
    print(flush=True)


def _depth(bound: DepthBound) -> str:
    return "-" if bound.impossible else "?" if bound.least is None else str(bound.least)


# ------------------------------------------------------------------------------------------------ table 3


def _heads(failures: list[str]) -> None:
    print("| function | class | letters, length | minimal heads in each layer | no program with | seconds |")
    print("|---|---|---|---|---|---:|")
    for row in HEADS:
        print(_heads_row(*row, failures), flush=True)
    print(flush=True)


def _heads_row(
    name: str,
    function: Function,
    cls: str,
    letters: int,
    longest: int,
    layers: int,
    heads: int,
    listed: str,
    failures: list[str],
) -> str:
    scope = Scope(1, longest, tuple("0123456789"[:letters]))
    begun = process_time()
    front = fewest_heads(parse_head_class(cls), OfFunction(name, function), scope, layers, heads, 120)
    spent = process_time() - begun
    minimal = {shape_text(found.shape) for found in front.minimal}
    if front.open or minimal != set(listed.split()):
        failures.append(f"{name} {cls} {longest}: heads {' '.join(sorted(minimal))}, listed {listed}")
    document = Document()
    document.heads(front)
    _rechecked(document, failures, f"{name} {cls}")
    absent = ", ".join(_absent(document))
    shown = (" or ".join(sorted(minimal)) or "none") + (f" (open: {len(front.open)})" if front.open else "")
    return f"| {name} | {cls} | {letters}, {longest} | {shown} | {absent} | {spent:.1f} |"


def _all_lengths(failures: list[str]) -> None:
    print("| machine | class | minimal heads, all lengths | configurations | seconds |")
    print("|---|---|---|---:|---:|")
    for (target, letters), values, layers, heads, listed in ALL_LENGTHS:
        scope = Scope(1, 3, tuple(letters))
        cls = HeadClass(((Reading.RIGHTMOST, values),), (Mask.PAST,))
        begun = process_time()
        front = fewest_heads(cls, target, scope, layers, heads, 120)
        spent = process_time() - begun
        settled = [found for found in front.minimal if found.configurations is not None]
        shown = " or ".join(shape_text(found.shape) for found in settled)
        if front.open or set(shown.split(" or ")) != set(listed.split()):
            failures.append(f"{target.name}: heads for all lengths {shown}, listed {listed}")
        document = Document()
        document.heads(front)
        _rechecked(document, failures, target.name)
        sizes = ", ".join(str(found.configurations) for found in settled)
        print(f"| `{target.name}` | {cls} | {shown} | {sizes} | {spent:.1f} |", flush=True)
    print(flush=True)


# ------------------------------------------------------------------------------------------------ table 4


def _growth(failures: list[str]) -> None:
    print("| family | class | letters | longest | least depth |")
    print("|---|---|---:|---|---|")
    for name, functions, cls, letters, longest, listed in GROWTH:
        found: list[str] = []
        for function, length in zip(functions, longest, strict=True):
            scope = Scope(1, length, tuple("0123456789"[:letters]))
            bound = least_depth(parse_class(cls), OfFunction(name, function), scope, seconds=120)
            found.append(_depth(bound))
            document = Document()
            document.depth(replace(bound, least=None))
            _rechecked(document, failures, name)
        if found != list(map(str, listed)):
            failures.append(f"{name}: depths {' '.join(found)}, listed {' '.join(map(str, listed))}")
        print(f"| {name} | {cls} | {letters} | {', '.join(map(str, longest))} | {', '.join(found)} |", flush=True)
    print(flush=True)


def _absent(document: Document) -> Iterator[str]:
    for item in document.certificates:
        match item:
            case {"kind": "no-program", "shape": [_, *_] as shape}:
                yield "/".join(map(str, shape))
            case _:
                pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
