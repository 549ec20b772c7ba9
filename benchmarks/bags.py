"""How long proofs for every length take that are about letter counts, by the size of the alphabet.

    python -m benchmarks bags [--programs NAME,..] [--symbols 2,3,4,5,6,7,8] [--wall 120]

Each claim is proved as `rasp check` does, the proof found and then checked again, in processor time. A wrong variant of
each must not be proved. The exit code is 1 when one is, or when a right one is not proved over 2 or 3 symbols.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, process_time
from typing import Final

from spec.elaborate import elaborate
from spec.property.ast import Carrier
from spec.property.bind import bind
from spec.property.bound import BoundProperty
from spec.property.contract import read_contract
from spec.source import Source
from verifier.unbounded.claim import claimed, listed_letters
from verifier.unbounded.linear import Unsupported
from verifier.unbounded.prove import prove
from verifier.unbounded.recheck import recheck

ALPHABET: Final = "abcdefgh"
HISTOGRAM: Final = "same = select(tokens, tokens, ==); h = selector_width(same);"
FIRST: Final = "first = not has_focus(same and select(indices, indices, <));"
DOUBLE: Final = f"{HISTOGRAM} {FIRST} hh = selector_width(select(h, h, ==) and select(first, True, ==));"


@dataclass(frozen=True)
class Case:
    """A program, what holds of it at every length, and a claim that is nearly the same and false."""

    name: str
    program: str
    right: str
    wrong: str


CASES: Final = (
    Case(
        "histogram",
        HISTOGRAM,
        "forall i: h[i] == count(tokens, tokens[i])",
        "forall i: h[i] == count(tokens, tokens[0])",
    ),
    Case(
        "double histogram",
        DOUBLE,
        "forall i: hh[i] * h[i] == count(h, h[i])",
        "forall i: hh[i] * h[i] >= n",
    ),
    Case(
        "three deep",
        f"{HISTOGRAM} w = selector_width(select(h, h, ==)); v = selector_width(select(w, w, ==));",
        "forall i: v[i] == count(w, w[i])",
        "forall i: v[i] == h[i]",
    ),
    Case(
        "majority",
        f'{HISTOGRAM} m = aggregate(full_s, indicator(tokens == "a")) > 1 / 2;',
        'forall i: m[i] <=> 2 * count(tokens, "a") > n',
        'forall i: m[i] <=> 2 * count(tokens, "a") >= n',
    ),
)


def bound_to(case: Case, claim: str, symbols: int) -> BoundProperty:
    """The claim, over an alphabet of so many symbols."""
    text = f"scope lengths=any alphabet={ALPHABET[:symbols]}\nensures x: {claim}\n"
    source = Source(f"{case.name}.rasp", case.program)
    contract = read_contract(Source("x.prop", text), Carrier.FILE)
    return bind(contract, lambda _path, numbers: elaborate(source, numbers)).properties[0]


def measure(prop: BoundProperty, wall: float) -> tuple[float, float, str]:
    """Processor time to find the proof and to check it again, and what is the matter if there is none."""
    begin, deadline = process_time(), monotonic() + wall
    found = begin
    try:
        symbolic = listed_letters(prop)
        symbolic.domain.solver.deadline = deadline
        claim = claimed(prop, symbolic)
        proof = prove(claim, deadline)
        found = process_time()
        recheck(prop, claim, proof, deadline)
    except Unsupported as reason:
        return (found - begin) or process_time() - begin, 0.0, str(reason)
    return found - begin, process_time() - found, ""


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks bags", description=__doc__)
    parser.add_argument("--programs", default="", help="only these, separated by commas")
    parser.add_argument("--symbols", default="2,3,4,5,6,7,8")
    parser.add_argument("--wall", type=float, default=120.0)
    options = parser.parse_args(arguments)
    print("| program | symbols | found, s | checked again, s | over 2 symbols | wrong variant |")
    print("|---|--:|--:|--:|--:|---|")
    failed = False
    for case in CASES:
        if options.programs and case.name not in options.programs.split(","):
            continue
        base = 0.0
        for symbols in map(int, options.symbols.split(",")):
            found, checked, why = measure(bound_to(case, case.right, symbols), options.wall)
            base = base or found + checked
            _, _, refused = measure(bound_to(case, case.wrong, symbols), options.wall)
            failed |= not refused or (bool(why) and symbols < 4)
            ratio = why or f"{(found + checked) / base:.1f}x"
            wrong = "not proved" if refused else "PROVED"
            print(f"| {case.name} | {symbols} | {found:.2f} | {checked:.2f} | {ratio} | {wrong} |", flush=True)
            if why:
                break  # more symbols take longer
    return int(failed)
