"""A few inputs from all over a scope, the same ones each time."""

from collections.abc import Iterator

from spec.property.scope import Integers, Scope
from verifier.engine import Word


def spread(scope: Scope, length: int, wanted: int) -> Iterator[Word]:
    """Inputs of one length spread over the scope: the first, the last, and others at even distances."""
    count = scope.count(length)
    if scope.size is None or count is None:
        listed = _around_zero(scope)
        for index in range(wanted):
            yield tuple(listed[(index * (3 * p + 1) + p) % len(listed)] for p in range(length))
        return
    picked = range(count) if count <= wanted else (index * (count - 1) // (wanted - 1) for index in range(wanted))
    for index in picked:
        yield scope.input_at(length, index)


def _around_zero(scope: Scope) -> tuple[int, ...]:
    """The symbols of an endless alphabet next to zero."""
    centre = scope.alphabet.nearest_zero if isinstance(scope.alphabet, Integers) else 0
    return tuple(x for x in range(centre - 8, centre + 9) if scope.has_symbol(x))
