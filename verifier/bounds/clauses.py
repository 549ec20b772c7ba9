"""A schedule within given limits, as clauses: satisfiable exactly when one exists.

Variables, with R reads, S different heads and L layers, numbered so that anyone can number them again:

    y(r, l) = r L + l                  read r is in layer l or before it
    h(s, l) = (R + s) L + l            head s is in layer l
    c(i, j)                            at least j of the first i literals of a cardinality constraint hold

Clauses (`docs/bounds.md` states them again):

    y(r, l) -> y(r, l+1);  y(r, L);  not y(r, l) for l <= above[r]
    y(r, l) -> y(s, l-1)  for s in after[r], where y(s, 0) is false
    y(r, l) and not y(r, l-1) -> h(head[r], l)
    at most `width` of h(., l) for every l;  at most `total` of all h, layer by layer
"""

from collections.abc import Iterator, Sequence
from itertools import count

from verifier.bounds.problem import Limits, Problem

Clause = tuple[int, ...]


def clauses(task: Problem, limits: Limits) -> list[Clause]:
    """The clauses, for at least one layer and at least `task.floor` layers."""
    last = limits.layers
    heads = len(task.reads) * last
    fresh = heads + len(task.heads) * last
    found = list(_order(task, last))
    by_layer = [[heads + s * last + layer for s in range(len(task.heads))] for layer in range(1, last + 1)]
    if limits.width is not None:
        for row in by_layer:
            found.extend(at_most(limits.width, row, fresh))
            fresh += len(row) * limits.width
    if limits.total is not None:
        found.extend(at_most(limits.total, [literal for row in by_layer for literal in row], fresh))
    return found


def _order(task: Problem, last: int) -> Iterator[Clause]:
    """The order, and which heads the reads need."""
    heads = len(task.reads) * last
    for r, (head, after, above) in enumerate(zip(task.head, task.after, task.above, strict=True)):
        start = r * last
        for layer in range(1, last + 1):
            here = start + layer
            if layer <= above:
                yield (-here,)
            if layer > 1:
                yield (here, -(here - 1))
            for s in after:
                yield (-here, s * last + layer - 1) if layer > 1 else (-here,)
            needed = heads + head * last + layer
            yield (-here, here - 1, needed) if layer > 1 else (-here, needed)
        yield (start + last,)


def at_most(most: int, literals: Sequence[int], fresh: int) -> Iterator[Clause]:
    """At most so many of the literals hold (a sequential counter, Sinz 2005); new variables follow `fresh`.

    c(i, j) = fresh + (i-1) most + j:  x_i -> c(i, 1);  c(i-1, j) -> c(i, j);  x_i and c(i-1, j) -> c(i, j+1);
    not (x_i and c(i-1, most)).
    """
    if most == 0:
        yield from ((-literal,) for literal in literals)
        return
    for literal, start in zip(literals, count(fresh, most), strict=False):
        first, before = start == fresh, start - most
        yield (-literal, start + 1)
        if first:
            continue
        yield (-literal, -(before + most))
        for j in range(1, most + 1):
            yield (-(before + j), start + j)
            if j < most:
                yield (-literal, -(before + j), start + j + 1)
