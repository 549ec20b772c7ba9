"""How long inputs can be before a proof takes more than ten seconds of processor time, by engine and by `auto`.

    python -m benchmarks reach [--engines auto,diagrams,...] [--programs histogram,...]
        [--symbols 2,3] [--seconds 10]
    python -m benchmarks reach --bars
    python -m benchmarks reach --own [FOLDER/NAME ..] [--symbols 2,3] [--behind] [--engines ..] [--seconds 10]

For each program, its properties are proved together at one length after the other, from stating the property to the
answer, in a process of its own. A length counts when all properties are proved at it within the time. `smt` is z3
over integers and rationals, in the same run. A bar is a length that `auto` has to reach; `--bars` tries these alone.
`--own` takes the shipped programs, all or these, with all claims of their own contracts over the contracts' alphabets,
or, with `--symbols`, over that many symbols: the first ones of the contract's own, then letters or numbers that follow;
where a claim stops to hold beyond its scope, the row ends there for everybody. `--behind` asks every other engine once,
at the first length that is more than twice as far as `auto` gets.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import process_time

from spec.property import ast
from spec.property.bound import BoundProperty
from spec.property.scope import Alphabet, Integers
from verifier.engine import Limits, Query, Reason, Sat, Undecided, Unsat
from verifier.portfolio import AUTO, ENGINES, Finding, decide
from verifier.question.claims import state
from verifier.question.express import Unexpressible
from verifier.running.subject import Subject

PROGRAMS = Path(__file__).resolve().parent.parent / "spec" / "programs"
LENGTHS = (2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96)
SECONDS = 10.0
LETTERS = "abcdefghijklmnopqrstuvwxyz"
OWN = ""
REFUTED = "refuted by "
CLAIMS = (ast.Ensures, ast.Equivalent, ast.Accepts, ast.Invariance, ast.Causal)


@dataclass(frozen=True)
class Case:
    """Properties of a program, the alphabets over which they are proved, and how long `auto` has to prove them on some.

    `bars` maps alphabets to lengths. No properties stand for all claims of the program's own contracts that hold; then
    an alphabet is its size in decimal digits, or `OWN` for that of each property's own scope.
    """

    file: str
    properties: tuple[str, ...] = ()
    alphabets: tuple[str, ...] = ("ab", "abc", "abcd", "abcdefgh", LETTERS)
    bars: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name in the table."""
        return Path(self.file).stem


_counting = partial(Case, bars={"ab": 48, "abc": 24})

CASES = (
    _counting("paper/histogram.rasp", ("counts",)),
    _counting("paper/double_histogram.rasp", ("groups",)),
    _counting("paper/sort.rasp", ("ordered", "same_tokens")),
    Case("paper/sort_by_frequency.rasp", ("each_once", "nothing_else", "filled_last", "descending"), bars={"abc": 16}),
    Case("paper/reverse.rasp", ("mirrored",)),
    Case("paper/dyck1_ptf.rasp", ("language", "viable"), ("()",), {"()": 64}),
    Case("paper/dyck1_ptf.rasp", ("failed", "balanced"), ("()", "()x"), {"()": 64}),
    Case("paper/dyck_ptf.rasp", ("balanced2", "viable2"), ("(){}",), {"(){}": 24}),
    Case("paper/shuffle_dyck.rasp", ("language",), ("(){}",), {"(){}": 64}),
    _counting("raspl/induct.rasp", ("repeats", "new")),
    Case("tracr/majority.rasp", ("more_than_half",), ("01",), {"01": 64}),
    Case("arithmetic/long_addition.rasp", ("as_raspy",), ("01+", "019+", "0189+"), {"01+": 16}),
)

# ------------------------------------------------------------------------------------------------ one measurement


Row = tuple[int, float, str]
"""A length, what it took, and by whom."""


def closed(case: Case, alphabet: str, engine: str, seconds: float, lengths: Sequence[int]) -> Iterator[Row]:
    """Each length at which all properties are proved within the time, what it took, and by whom; the first refuted."""
    properties = list(_properties(case, alphabet))
    for length in lengths:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(process_time() + seconds) + 2, hard))
        begin = process_time()
        asked = [prop for prop in properties if prop.property.scope.low <= length]
        found = [_asked(prop, length, engine, seconds) for prop in asked]
        taken = process_time() - begin
        for prop, one in zip(asked, found, strict=True):
            if isinstance(one.answer, Sat):
                if case.properties:
                    raise AssertionError(f"{one.by}: {prop.property.name} is refuted at {one.answer.word}")
                yield length, taken, REFUTED + one.by
                return
        if taken > seconds or not all(isinstance(one.answer, Unsat) for one in found):
            return
        yield length, taken, "+".join(dict.fromkeys(one.by for one in found))


def _properties(case: Case, alphabet: str) -> Iterator[BoundProperty]:
    """The properties of the case, over the alphabet."""
    bound = [prop for contract in Subject.load(PROGRAMS / case.file).bound() for prop in contract.properties]
    if not case.properties:
        yield from (_resized(prop, alphabet) for prop in bound if _is_claim(prop.property))
    else:
        named = {prop.property.name: prop for prop in bound}
        for prop in (named[name] for name in case.properties):
            scope = replace(prop.property.scope, alphabet=tuple(alphabet), low=1)
            yield replace(prop, property=replace(prop.property, scope=scope))


def _resized(bound: BoundProperty, size: str) -> BoundProperty:
    """The property over as many symbols: the first of its own, then others of their kind."""
    scope = bound.property.scope
    if size == OWN:
        return bound
    symbols: Alphabet
    match scope.alphabet:
        case Integers() as integers:
            low = integers.nearest_zero if integers.low is None else integers.low
            symbols = Integers(low, low + int(size) - 1)
        case (str(), *_) as own:
            symbols = (*own, *(letter for letter in LETTERS if letter not in own))[: int(size)]
        case own:
            symbols = (*own, *(number for number in range(26) if number not in own))[: int(size)]
    return replace(bound, property=replace(bound.property, scope=replace(scope, alphabet=symbols)))


def _is_claim(prop: ast.Property) -> bool:
    """Whether it is about all inputs of a scope, and holds."""
    return isinstance(prop.claim, CLAIMS) and prop.expected is ast.Expected.PROVED


def _asked(bound: BoundProperty, length: int, engine: str, seconds: float) -> Finding:
    """What the engine says of inputs of this length."""
    scope = replace(bound.property.scope, high=length)
    try:
        stated = state(replace(bound, property=replace(bound.property, scope=scope)), length)
    except Unexpressible as reason:
        return Finding(Undecided(Reason.UNSUPPORTED, str(reason)), engine)
    limits = Limits(wall_s=20 * seconds, max_inputs=1 << 40)
    return decide(Query(length, scope.alphabet, stated.broken), engine, limits)


def measure(case: Case, alphabet: str, engine: str, seconds: float, lengths: Sequence[int] = LENGTHS) -> list[Row]:
    """The same in a process of its own, which the system ends when it takes too long."""
    arguments = ["--child", case.file, ",".join(case.properties), alphabet, engine, str(seconds), *map(str, lengths)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reach", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Error" in done.stderr and "MemoryError" not in done.stderr:
        raise RuntimeError(done.stderr)
    return [(int(n), float(s), str(by)) for n, s, by in map(json.loads, done.stdout.splitlines())]


# ------------------------------------------------------------------------------------------------ the table


def main(arguments: Sequence[str]) -> int:
    """Print a table; 1 when `auto` misses a bar, or is behind the best single engine by more than a factor of two."""
    if arguments[:1] == ["--child"]:
        file, names, alphabet, engine, seconds, *lengths = arguments[1:]
        case = Case(file, tuple(filter(None, names.split(","))))
        for row in closed(case, alphabet, engine, float(seconds), [*map(int, lengths)]):
            print(json.dumps(row), flush=True)
        return 0
    parser = argparse.ArgumentParser(prog="python -m benchmarks reach", description=__doc__)
    parser.add_argument("--engines", default=",".join([AUTO, *ENGINES]))
    parser.add_argument("--programs", default="")
    parser.add_argument("--symbols", default="", help="only alphabets of these sizes")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--bars", action="store_true", help="only whether `auto` reaches the bars")
    parser.add_argument(
        "--behind", action="store_true", help="only whether others get more than twice as far as `auto`"
    )
    parser.add_argument("--own", nargs="*", metavar="FOLDER/NAME", help="shipped programs with their own contracts")
    options = parser.parse_args(arguments)
    sizes, engines = list(filter(None, options.symbols.split(","))), options.engines.split(",")
    if not all(size.isdecimal() and int(size) for size in sizes):
        parser.error(f"--symbols: {options.symbols!r} are no sizes of alphabets")
    if options.behind and engines[0] != AUTO:
        parser.error(f"--behind compares with `{AUTO}`, which has to be the first of --engines")
    chosen = [
        (case, alphabet)
        for case in (CASES if options.own is None else _own(options.own, sizes))
        for alphabet in case.alphabets
        if (not options.programs or case.name in options.programs.split(","))
        and (not sizes or options.own is not None or str(len(alphabet)) in sizes)
    ]
    if options.bars:
        missed = _bars(chosen, options.seconds)
    else:
        missed = _table(chosen, engines, options.seconds, only_behind=options.behind)
    print("\n" + ("\n".join(missed) or "no bar was missed"))
    return int(bool(missed))


def _own(names: Sequence[str], sizes: Sequence[str]) -> list[Case]:
    """The shipped programs, all or these, that claim something, with all their claims, over own or so many symbols."""
    files = [PROGRAMS / f"{name}.rasp" for name in names] or sorted(PROGRAMS.rglob("*.rasp"))
    claims = {file: any(_is_claim(p) for c in Subject.load(file).contracts() for p in c.properties) for file in files}
    return [Case(str(file.relative_to(PROGRAMS)), alphabets=tuple(sizes) or (OWN,)) for file in files if claims[file]]


def _bars(chosen: Sequence[tuple[Case, str]], seconds: float) -> list[str]:
    """Print whether `auto` proves each program at its bar; which ones it does not."""
    print("| program and properties | symbols | bar | auto |\n|---|---:|---:|---:|")
    missed = []
    for case, alphabet in chosen:
        if (bar := case.bars.get(alphabet)) is not None:
            rows = measure(case, alphabet, AUTO, seconds, [bar])
            label = _label(case)
            print(f"| {label} | {_size(case, alphabet)} | {bar} | {_cell(rows, AUTO, [bar])} |", flush=True)
            if not rows:
                missed.append(f"{label}, {len(alphabet)} symbols: the bar is {bar}")
    return missed


def _table(
    chosen: Sequence[tuple[Case, str]], engines: Sequence[str], seconds: float, *, only_behind: bool
) -> list[str]:
    """Print how far each engine gets; where `auto`, which comes first, misses a bar or is far behind."""
    print("| program and properties | symbols | " + " | ".join(engines) + " |\n|---|---:|" + "---:|" * len(engines))
    missed = []
    for case, alphabet in chosen:
        rows: dict[str, list[Row]] = {}
        tried: dict[str, Sequence[int]] = {}
        for engine in engines:
            tried[engine] = _beyond(rows.get(AUTO, [])) if only_behind and engine != AUTO else LENGTHS
            rows[engine] = measure(case, alphabet, engine, seconds, tried[engine]) if tried[engine] else []
        if only_behind and (best := max(map(_reached, rows.values()))) > _reached(rows[AUTO]):
            # Claims may be about nothing beyond some length: then `auto` gets there as well, whatever comes before.
            rows[AUTO] += measure(case, alphabet, AUTO, seconds, [best])
        cells = [_cell(rows[engine], engine, tried[engine]) for engine in engines]
        label = _label(case)
        print(f"| {label} | {_size(case, alphabet)} | " + " | ".join(cells) + " |", flush=True)
        if AUTO in rows:
            bar, reached = case.bars.get(alphabet, 0), _reached(rows[AUTO])
            best = max(map(_reached, rows.values()))
            if reached < bar:
                missed.append(f"{label}, {_size(case, alphabet)} symbols: auto reaches {reached}, the bar is {bar}")
            if 2 * reached < best:
                missed.append(
                    f"{label}, {_size(case, alphabet)} symbols: auto reaches {reached}, another engine {best}"
                )
    return missed


def _beyond(rows: Sequence[Row]) -> tuple[int, ...]:
    """The first length that is more than twice as far; none where a property is refuted before."""
    refuted = any(by.startswith(REFUTED) for *_, by in rows)
    return () if refuted else tuple(length for length in LENGTHS if length > 2 * _reached(rows))[:1]


def _reached(rows: Sequence[Row]) -> int:
    """The greatest length that is proved."""
    return max((length for length, _, by in rows if not by.startswith(REFUTED)), default=0)


def _label(case: Case) -> str:
    return f"{case.name}: {', '.join(case.properties)}" if case.properties else case.file


def _size(case: Case, alphabet: str) -> str:
    if case.properties:
        return str(len(alphabet))
    return "own" if alphabet == OWN else alphabet


def _cell(rows: Sequence[Row], engine: str, tried: Sequence[int]) -> str:
    if not rows:
        return f"< {tried[0]}" if tried else ""
    length, seconds, by = rows[-1]
    if by.startswith(REFUTED):
        return f"{_reached(rows)} ({by} at {length})"
    return f"{length} ({seconds:.1f} s{', ' + by if engine == AUTO else ''})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
