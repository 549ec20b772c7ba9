"""Refusals: what the compiler cannot turn into weights that are right, and why."""

from typing import Final

from spec.diagnostics import Diagnostic, UsageError
from spec.source import Span

REFUSED: Final = "C0601"
UNCERTIFIED: Final = "C0602"
BAD_FILE: Final = "C0603"
NO_DEVICE: Final = "C0604"


class Refused(UsageError):
    """The program is not compiled, and no weights exist; the message is the reason."""

    def __init__(self, reason: str, span: Span | None = None) -> None:
        super().__init__(Diagnostic(REFUSED, f"not compiled: {reason}", span))
        self.reason = reason


class Uncertified(UsageError):
    """The checker found no proof that the weights are right; the message says where it stopped."""

    def __init__(self, reason: str) -> None:
        super().__init__(Diagnostic(UNCERTIFIED, f"not certified: {reason}"))
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
