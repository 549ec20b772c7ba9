"""How the least heads grow with the length of inputs, from what is known about the longest ones.

A program for inputs up to N is one for all shorter ones, and words that no program of a shape gets right show the same
for every scope that has them. So only shapes that fail at N are asked about again, at lengths below their longest word.
"""

from dataclasses import replace
from typing import TypeAlias

from verifier.bounds.depth import word_table
from verifier.bounds.synthesis import (
    Absent,
    Exists,
    Found,
    HeadFront,
    Shape,
    Tell,
    Undecided,
    search,
    shape_text,
    within,
)

Row: TypeAlias = tuple[int, tuple[Shape, ...], tuple[Shape, ...]]


def grown(front: HeadFront, seconds: float = 60.0, tell: Tell = lambda _: None) -> HeadFront:
    """The front with a program for the longest inputs for which each shape that fails has one, where that is found.

    An open shape is asked about at growing lengths; words that settle it there settle it for the scope.
    """
    found: list[Found] = []
    shorter: list[tuple[int, Exists]] = []
    for one in front.found:
        settled: Found = one
        if isinstance(one, Undecided):
            settled, last = _upwards(front, one, seconds, tell)
        elif isinstance(one, Absent):
            settled, last = _downwards(front, one, seconds, tell)
        else:
            last = None
        found.append(settled)
        shorter.extend([] if last is None else [last])
    return replace(front, found=tuple(found), shorter=tuple(shorter))


def profile(front: HeadFront) -> tuple[Row, ...]:
    """For inputs up to each length the least shapes with a program, and the shapes that are open."""
    rows: list[Row] = []
    for length in front.scope.lengths():
        exists = [one.shape for one in front.found if isinstance(one, Exists)]
        exists += [one.shape for high, one in front.shorter if high >= length]
        least = [one for one in exists if not any(within(other, one) and other != one for other in exists)]
        unknown = [
            one.shape
            for one in front.found
            if one.shape not in exists
            and not (isinstance(one, Absent) and _longest(one) <= length)
            and not any(within(other, one.shape) for other in exists)
        ]
        rows.append((length, tuple(least), tuple(unknown)))
    return tuple(rows)


def _longest(absent: Absent) -> int:
    return max((len(word) for word, _ in absent.words), default=0)


def _downwards(
    front: HeadFront, absent: Absent, seconds: float, tell: Tell
) -> tuple[Absent, tuple[int, Exists] | None]:
    """Shorter and shorter inputs, until there is a program; the words with the least longest one."""
    high = min(_longest(absent) - 1, front.scope.high or 0)
    while high >= front.scope.low:
        match _at(front, absent.shape, high, seconds, tell):
            case Exists() as found:
                return absent, (high, found)
            case Absent() as found:
                absent = found
                high = _longest(found) - 1
            case Undecided():
                break
    return absent, None


def _upwards(
    front: HeadFront, undecided: Undecided, seconds: float, tell: Tell
) -> tuple[Found, tuple[int, Exists] | None]:
    """Longer and longer inputs, until there is no program or no answer."""
    last: tuple[int, Exists] | None = None
    for high in range(front.scope.low, front.scope.high or 0):
        match _at(front, undecided.shape, high, seconds, tell):
            case Exists() as found:
                last = high, found
            case Absent() as found:
                return found, last
            case Undecided():
                break
    return undecided, last


def _at(front: HeadFront, shape: Shape, high: int, seconds: float, tell: Tell) -> Found:
    scope = replace(front.scope, high=high)
    tell(f"{front.cls}, heads {shape_text(shape)}, {scope}")
    return search(front.cls, shape, word_table(front.target, scope), seconds)
