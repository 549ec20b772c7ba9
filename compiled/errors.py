"""Refusals: what the compiler cannot turn into weights that are right, and why."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from spec.diagnostics import Diagnostic, UsageError
from spec.graph import Node
from spec.source import Span

REFUSED: Final = "C0601"
UNCERTIFIED: Final = "C0602"
BAD_FILE: Final = "C0603"
NO_DEVICE: Final = "C0604"


FEWER: Final = "a shorter greatest length or fewer symbols take less: --lengths 1..N, --alphabet SYMBOLS"
ONE_KEY: Final = (
    "whatever a contract requires, a model is right on every word: where one key is meant, a mark of the first or last"
    " (mark_first_instance) selects one; " + FEWER
)
FINER: Final = "float64 rounds more finely: --dtype float64"


@contextmanager
def about(nodes: Iterable[Node]) -> Iterator[None]:
    """What is refused in here is about these nodes of the graph, unless it says about which."""
    try:
        yield
    except Refused as refused:
        refused.about = refused.about or tuple(nodes)
        raise


class Refused(UsageError):
    """The program is not compiled, and no weights exist; the message is the reason."""

    what = "compiled"

    def __init__(self, reason: str, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(Diagnostic(REFUSED, f"not {self.what}: {reason}", span, hint))
        self.reason = reason
        self.about: tuple[Node, ...] = ()

    def located(self, spans: Mapping[Node, Span]) -> "Refused":
        """The same, with the place in the program of what it is about: the last of its nodes."""
        known = [spans[node] for node in sorted(self.about, key=lambda node: -node.id) if node in spans]
        if known and self.diagnostics[0].span is None:
            self.diagnostics = (replace(self.diagnostics[0], span=known[0]),)
        return self


class NotTrained(Refused):
    """No transformer is fitted to the program; the message is the reason."""

    what = "trained"


class TooMuch(Refused):
    """Refused for its size: something grows with the length or the alphabet beyond a limit."""

    def __init__(self, reason: str, hint: str = FEWER) -> None:
        super().__init__(reason, hint=hint)


class Uncertified(UsageError):
    """The checker found no proof that the weights are right; the message says where it stopped."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(Diagnostic(UNCERTIFIED, f"not certified: {reason}", hint=hint))
        self.reason = reason


class BadFile(UsageError):
    """A file of a compiled model is damaged or was not written by the compiler."""

    def __init__(self, reason: str) -> None:
        super().__init__(Diagnostic(BAD_FILE, reason))
        self.reason = reason


class NoDevice(UsageError):
    """The device that was asked for is unknown, or not in this machine."""

    def __init__(self, reason: str) -> None:
        super().__init__(Diagnostic(NO_DEVICE, reason, hint="--device auto, cpu, cuda or cuda:1"))
        self.reason = reason
