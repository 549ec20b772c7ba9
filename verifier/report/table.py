"""A run as a table: positions across, named s-ops down, and the rows of the selectors below.

Cells that the failing position does not depend on are left as dots; what is shown is what matters.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from spec.graph import Selector, SOp
from spec.interp import Run
from spec.source import printable
from spec.values import Atom
from verifier.report.relevance import Relevant

BLANK = "·"


def table(
    run: Run,
    sops: Mapping[str, SOp],
    selectors: Mapping[str, Selector],
    relevant: Relevant | None = None,
) -> str:
    """The lines of the table; without `relevant`, everything is shown."""
    lines = [["position", *map(str, range(run.n))], ["input", *(atom_text(atom) for atom in run.tokens)]]
    for name, node in sops.items():
        if node not in run.values:
            continue
        shown = range(run.n) if relevant is None else relevant.positions(node)
        if shown:
            cells = [atom_text(v) if i in shown else BLANK for i, v in enumerate(run.values[node])]
            lines.append([name, *cells])
    blocks = [_aligned(lines)]
    for name, selector in selectors.items():
        if selector not in run.rows:
            continue
        shown = range(run.n) if relevant is None else relevant.positions(selector)
        if shown:
            blocks.append(_matrix(name, run.rows[selector], sorted(shown)))
    return "\n".join(blocks)


def atom_text(atom: Atom) -> str:
    """An atom in a cell: strings bare unless that would hide something, booleans T and F, rationals as p/q."""
    match atom:
        case bool():
            return "T" if atom else "F"
        case str():
            return printable(atom) if atom.strip() and atom != BLANK else f'"{printable(atom)}"'
        case Fraction() if atom.denominator == 1:
            return f"{atom.numerator}.0"
        case _:
            return str(atom)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


def _matrix(name: str, rows: Sequence[int], shown: Iterable[int]) -> str:
    n = len(rows)
    margin = len(str(n - 1))
    lines = [f"  query {i:>{margin}}: " + " ".join("1" if rows[i] >> j & 1 else BLANK for j in range(n)) for i in shown]
    return "\n".join([f"selector {name}, keys 0..{n - 1}:", *lines])
