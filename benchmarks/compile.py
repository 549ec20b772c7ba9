"""What `rasp compile` makes of every shipped program: layers, heads, sizes, processor time, certified or refused.

Two tables. (1) Programs with a limit on layers and parameters, at 40 positions and 10 symbols, beside what was measured
with Tracr at its public revision 9ce2b8c where it has the same function: its own value of `mlp_exactness`, parameters
of its haiku model without the unembedding, words on which it is wrong of a sample of 430. The exit code is 1 when a
limit is exceeded. (2) Every s-op of every program in `spec/programs`, in a process of its own with limits of processor
time and memory; only when it is asked for. Where there is no certificate in float32, float64 is tried. With
`--crosscheck` each certified model runs on sampled words, too; the exit code is 1 if one differs from the interpreter.
"""

import argparse
import re
import resource
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import process_time
from typing import Final

from compiled import Compiled, Refused, Uncertified, compile_program, cross_check
from spec.elaborate import Program, elaborate
from spec.source import Source
from spec.values import Atom, Numbers
from verifier.running.selection import usual_scope
from verifier.running.subject import Subject

PROGRAMS: Final = Path(__file__).resolve().parents[1] / "spec" / "programs"
LENGTH: Final = 40
SYMBOLS: Final = 10


@dataclass(frozen=True)
class Tracr:
    """Layers, width of the stream, hidden units, parameters, CPU seconds, and per cent of wrong words."""

    layers: int
    model: int
    mlp: int
    parameters: int
    seconds: float
    wrong: float


@dataclass(frozen=True)
class Limit:
    """A program, its symbols, options, the most layers and parameters, and Tracr's figures if it has the function."""

    program: str
    symbols: str
    options: Mapping[str, str]
    layers: int
    parameters: int
    tracr: Tracr | None = None


_MAJORITY: Final = 'out_ = aggregate(select(indices, indices, <=), indicator(tokens == "a")) > 0.5;\n'
_REVERSE: Final = Tracr(4, 265, 1640, 3_848_189, 3.7, 84.7)
_HISTOGRAM: Final = Tracr(1, 95, 82, 25_483, 3.8, 29.5)
_OF_PREFIX: Final = Tracr(2, 57, 81, 41_283, 2.8, 20.5)
_SHUFFLE: Final = Tracr(8, 166, 12_292, 33_675_134, 160.3, 30.2)
_SORT: Final = Tracr(3, 505, 400, 3_682_733, 4.3, 77.7)
_LETTERS: Final = "abcdefghij"
LIMITS: Final = (
    Limit("paper/reverse::backwards", _LETTERS, {}, 2, 3_400, _REVERSE),
    Limit("paper/histogram::histogram", _LETTERS, {}, 1, 550, _HISTOGRAM),
    Limit("tracr/majority::majority", "0123456789", {}, 1, 250),
    # With keys that are exactly even an order of n positions has rank n - 1: 9 200 numbers.
    Limit(_MAJORITY, _LETTERS, {}, 1, 5_500, _OF_PREFIX),
    Limit(_MAJORITY, _LETTERS, {"arch": "masked"}, 1, 250, _OF_PREFIX),
    Limit("paper/shuffle_dyck::shuffle_dyck2", "(){}abcdef", {"arch": "masked"}, 2, 7_000, _SHUFFLE),
    Limit("paper/sort::in_order", _LETTERS, {}, 3, 123_000, _SORT),
    Limit("paper/sort::in_order", _LETTERS, {"dtype": "float64", "optimise": "params"}, 3, 123_000, _SORT),
    Limit("paper/sort::in_order", _LETTERS, {"dtype": "float64"}, 2, 300_000, _SORT),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one s-op: sizes when it was compiled and certified, else the reason why not.

    `agreed`: on how many words model and interpreter were compared; `mismatch`: where they differ; `trusted`: whether
    value sets are taken on trust.
    """

    dtype: str = "float32"
    layers: int = 0
    heads: tuple[int, ...] = ()
    model: int = 0
    mlp: int = 0
    parameters: int = 0
    seconds: float = 0.0
    megabytes: int = 0
    reason: str = ""
    trusted: bool = False
    agreed: int = 0
    mismatch: str = ""


def compiled(program: Program, name: str, symbols: Sequence[Atom], length: int, options: Mapping[str, str]) -> Outcome:
    """Compile and certify one s-op."""
    return made_of(program, name, symbols, length, options)[0]


def made_of(
    program: Program, name: str, symbols: Sequence[Atom], length: int, options: Mapping[str, str]
) -> tuple[Outcome, Compiled | None]:
    """The same, and the model where there is one."""
    start, dtype = process_time(), options.get("dtype", "float32")
    try:
        made = compile_program(
            program.graph,
            {name: program.sop(name)},
            alphabet=symbols,
            max_length=length,
            **options,  # type: ignore[arg-type]  # options are named as on the command line
        )
    except (Refused, Uncertified) as refusal:
        return Outcome(dtype, seconds=process_time() - start, megabytes=megabytes(), reason=refusal.reason), None
    shape = made.shape
    sizes = (made.layers, made.heads, shape.model, shape.mlp, made.parameters)
    trusted = made.margins is None or not made.margins.values_proved
    return Outcome(dtype, *sizes, process_time() - start, megabytes(), trusted=trusted), made


def megabytes() -> int:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def compared(made: Compiled, outcome: Outcome, words: int) -> Outcome:
    """The outcome with a comparison on so many sampled words."""
    found = cross_check(made, device="cpu", exhaustive=0, samples=words)
    return replace(outcome, agreed=found.compared, mismatch="" if found.mismatch is None else str(found.mismatch))


@dataclass(frozen=True)
class Allowed:
    """For each s-op: seconds of processor time to compile it, and to compare it; memory; words; what to save."""

    seconds: int
    gigabytes: int
    words: int
    optimise: str

    def limit_time(self) -> None:
        """Begin the seconds now."""
        resource.setrlimit(resource.RLIMIT_CPU, (int(process_time()) + self.seconds, resource.RLIM_INFINITY))


def limited(path: str, name: str, symbols: Sequence[Atom], length: int, dtype: str, allowed: Allowed) -> Outcome:
    """The same in an interpreter of its own, with limits: a fork of this one pays for what is imported here."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_measured, args=(sender, path, name, symbols, length, dtype, allowed))
    child.start()
    sender.close()
    try:
        return receiver.recv()  # type: ignore[no-any-return]  # the child sends one outcome
    except EOFError:
        reason = f"more than {allowed.seconds} s of processor time"
        return Outcome(dtype, seconds=allowed.seconds, reason=reason)
    finally:
        child.join()


def _measured(
    channel: Connection, path: str, name: str, symbols: Sequence[Atom], length: int, dtype: str, allowed: Allowed
) -> None:
    """Send the outcome."""
    subject = Subject.load(PROGRAMS / f"{path}.rasp")
    program = subject(None, usual_scope(subject).numbers)
    allowed.limit_time()
    resource.setrlimit(resource.RLIMIT_AS, (allowed.gigabytes << 30, resource.RLIM_INFINITY))
    try:
        options = {"dtype": dtype, "optimise": allowed.optimise}
        outcome, made = made_of(program, name, symbols, length, options)
        if made is not None and allowed.words:
            allowed.limit_time()
            outcome = compared(made, outcome, allowed.words)
    except MemoryError:
        outcome = Outcome(dtype, megabytes=megabytes(), reason=f"more than {allowed.gigabytes} GiB of memory")
    channel.send(outcome)


def padded(symbols: Sequence[Atom], count: int) -> tuple[Atom, ...]:
    """The symbols of a contract, and others of their kind up to so many."""
    more: Sequence[Atom] = "abcdefghijklmnopqrstuvwxyz"
    if all(isinstance(symbol, int) for symbol in symbols):
        more = range(100)
    elif all(isinstance(symbol, str) and symbol.isdigit() for symbol in symbols):
        more = "0123456789"
    extra = [symbol for symbol in more if symbol not in symbols]
    return (*symbols, *extra[: max(0, count - len(symbols))])


def shipped(parts: Sequence[str]) -> Iterator[tuple[str, Subject]]:
    """Every shipped program whose name contains one of these parts."""
    for path in sorted(PROGRAMS.rglob("*.rasp")):
        name = path.relative_to(PROGRAMS).with_suffix("").as_posix()
        if not parts or any(part in name for part in parts):
            yield name, Subject.load(path)


def limits_table() -> bool:
    """Print the first table; whether every limit is kept."""
    print(f"n = {LENGTH}, {SYMBOLS} symbols; layers, d_model, d_mlp, parameters, CPU seconds; Tracr: and wrong words\n")
    print("| program | options | layers | d_model | d_mlp | parameters | limit | seconds | Tracr | ratio |")
    print("|---|---|--:|--:|--:|--:|--:|--:|---|--:|")
    kept = True
    for limit in LIMITS:
        path, _, name = limit.program.partition("::")
        if name:
            program = Subject.load(PROGRAMS / f"{path}.rasp")(None, Numbers.EXACT)
        else:
            name, program, path = (
                "out_",
                elaborate(Source("majority.rasp", limit.program), Numbers.EXACT),
                "majority of the prefix",
            )
        found = compiled(program, name, limit.symbols, LENGTH, limit.options)
        fine = not found.reason and found.layers <= limit.layers and found.parameters <= limit.parameters
        kept &= fine
        theirs, ratio = "-", "-"
        if peer := limit.tracr:
            theirs = (
                f"{peer.layers} / {peer.model} / {peer.mlp} / {peer.parameters} / {peer.seconds} s / {peer.wrong} %"
            )
            ratio = f"{peer.parameters / found.parameters:.0f}x" if found.parameters else "-"
        shown = " ".join(f"{key}={value}" for key, value in limit.options.items()) or "-"
        print(
            f"| {path} | {shown} | {found.layers} | {found.model} | {found.mlp} | {found.parameters} | "
            f"{limit.parameters} | {found.seconds:.2f} | {theirs} | {ratio} |{'' if fine else ' EXCEEDED'}",
            flush=True,
        )
    return kept


def programs_table(programs: Sequence[tuple[str, Subject]], length: int, symbols: int, allowed: Allowed) -> bool:
    """Print the second table; whether no model differs from the interpreter."""
    print(f"\nn = {length}, {symbols} symbols at least where not the contract's own\n")
    print("| s-op | symbols | format | layers | heads | d_model | d_mlp | parameters | seconds | MiB | words | |")
    print("|---|--:|---|--:|---|--:|--:|--:|--:|--:|--:|---|")
    outcomes: list[Outcome] = []
    for path, subject in programs:
        scope = usual_scope(subject)
        program = subject(None, scope.numbers)
        alphabet = padded(scope.symbols, symbols)
        for name in program.sops():
            if name.startswith("_"):
                continue
            found = limited(path, name, alphabet, length, "float32", allowed)
            if found.reason:
                finer = limited(path, name, alphabet, length, "float64", allowed)
                found = found if finer.reason else replace(finer, seconds=found.seconds + finer.seconds)
            outcomes.append(found)
            heads = ", ".join(map(str, found.heads))
            print(
                f"| {path}::{name} | {len(alphabet)} | {found.dtype} | {found.layers} | {heads} | {found.model} | "
                f"{found.mlp} | {found.parameters} | {found.seconds:.2f} | {found.megabytes} | {found.agreed} | "
                f"{found.mismatch or found.reason or ('on trust' if found.trusted else 'certified')} |",
                flush=True,
            )
    certified = [found for found in outcomes if not found.reason]
    total = sum(found.parameters for found in certified)
    print(f"\n{len(certified)} of {len(outcomes)} certified, {total} parameters together")
    for reason, count in Counter(re.sub(r"\d+", "N", found.reason) for found in outcomes if found.reason).most_common():
        print(f"- {count}: {reason}")
    wrong = sum(1 for found in certified if found.mismatch)
    if allowed.words:
        print(f"compared on {sum(found.agreed for found in certified)} words, {wrong} models differ")
    return not wrong


def main(arguments: list[str]) -> int:
    """Print the table of limits, unless programs are named; then the table of programs, if it is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks compile", description=__doc__)
    parser.add_argument("programs", nargs="*", help="parts of paths below spec/programs: these, and no limits")
    parser.add_argument("--all", action="store_true", help="after the limits every s-op of every program: many minutes")
    parser.add_argument("--length", type=int, default=10, help="of the second table")
    parser.add_argument("--symbols", type=int, default=0, help="add symbols to each contract's own up to so many")
    parser.add_argument(
        "--optimise", "-O", default="layers", choices=("layers", "heads", "params"), help="what to save"
    )
    parser.add_argument("--seconds", type=int, default=60, help="processor time for an s-op")
    parser.add_argument("--gigabytes", type=int, default=8, help="memory for an s-op, what torch maps included")
    parser.add_argument("--crosscheck", type=int, default=0, metavar="N", help="sampled words for each certified model")
    options = parser.parse_args(arguments)
    chosen = list(shipped(options.programs)) if options.all or options.programs else []
    if options.programs and not chosen:
        parser.error(f"no program of spec/programs has one of these in its name: {', '.join(options.programs)}")
    kept = bool(options.programs) or limits_table()
    if chosen:
        allowed = Allowed(options.seconds, options.gigabytes, options.crosscheck, options.optimise)
        kept &= programs_table(chosen, options.length, options.symbols, allowed)
    return 0 if kept else 1
