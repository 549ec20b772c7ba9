"""Classes of transformers without a bound on width or heads: what a layer can learn at a position.

The state of a position is a colour. A layer gives a position, for each mask, information about the colours of the
positions that the mask lets it see; how much depends on the attention:

    exists      the set of colours                                 (a head that gathers a common value)
    leftmost    the colours in the order of their first places     (unique hard attention, ties to the left)
    rightmost   the colours in the order of their last places      (unique hard attention, ties to the right)
    hard        both of these
    average     the proportions of the colours                     (any softmax or averaging head)
    count       how many positions have each colour                (selector width; averaging with a start position)

Elementwise functions are arbitrary, so nothing is lost by keeping all of it. `docs/bounds.md` has the sources, and the
proof that no transformer of the class distinguishes more and that some transformer distinguishes as much.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from spec.diagnostics import Diagnostic, UsageError


class Attention(Enum):
    """What one layer learns about the positions that it sees."""

    EXISTS = "exists"
    LEFTMOST = "leftmost"
    RIGHTMOST = "rightmost"
    HARD = "hard"
    AVERAGE = "average"
    COUNT = "count"


class Mask(Enum):
    """Which positions j the position i sees."""

    PAST = "past"
    UPTO = "upto"
    FUTURE = "future"
    FROM = "from"
    ALL = "all"


MEANING: Final = {
    Mask.PAST: "j < i",
    Mask.UPTO: "j <= i",
    Mask.FUTURE: "j > i",
    Mask.FROM: "j >= i",
    Mask.ALL: "every j",
}


@dataclass(frozen=True)
class Class:
    """An attention with its masks; `start`: every input begins with a position of its own, which has no output."""

    attention: Attention
    masks: tuple[Mask, ...]
    start: bool = False

    def __str__(self) -> str:
        """As the command line writes it."""
        masks = ",".join(mask.value for mask in self.masks)
        return f"{self.attention.value}/{masks}" + ("+start" if self.start else "")

    @property
    def note(self) -> str | None:
        """What bounded lengths make trivial in this class."""
        causal = set(self.masks) & {Mask.PAST, Mask.UPTO}
        if self.attention is Attention.COUNT and Mask.ALL in self.masks and not causal:
            return "without masks a second counting layer learns nothing new: depth 1 or impossible"
        if causal and (self.attention is Attention.COUNT or (self.attention is Attention.AVERAGE and self.start)):
            return "on bounded lengths two layers of unlimited width compute every causal function of this class"
        return None


def parse_class(text: str) -> Class:
    """`ATTENTION/MASK[,MASK..][+start]`, e.g. `rightmost/past,future`."""
    name, _, extras = text.partition("+")
    kind, _, masks = name.partition("/")
    if "indices" in extras.split("+"):
        raise _refused(
            "with indices and without a bound on heads one layer computes every function of what it sees: a head for "
            "each position (or one count of (token, index) pairs) fetches the whole input, so depth means nothing here"
        )
    if extras not in ("", "start"):
        raise _refused(f"`{extras}` is no addition to a class", "+start")
    try:
        attention = Attention(kind)
        listed = tuple(dict.fromkeys(Mask(mask) for mask in (masks or Mask.ALL.value).split(",")))
    except ValueError as error:
        kinds = ", ".join(a.value for a in Attention)
        known = f"ATTENTION/MASK[,MASK][+start] of {kinds} and {', '.join(m.value for m in Mask)}"
        raise _refused(f"`{text}` is no class: {error}", known) from error
    return Class(attention, listed, bool(extras))


def _refused(message: str, hint: str | None = None) -> UsageError:
    return UsageError(Diagnostic("R0502", message, hint=hint))
