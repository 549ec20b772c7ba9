"""Refusals: what the compiler cannot turn into weights that are right, and why."""

from typing import Final

from spec.diagnostics import Diagnostic, UsageError
from spec.source import Span

REFUSED: Final = "C0601"


class Refused(UsageError):
    """The program is not compiled, and no weights exist; the message is the reason."""

    def __init__(self, reason: str, span: Span | None = None) -> None:
        super().__init__(Diagnostic(REFUSED, f"not compiled: {reason}", span))
        self.reason = reason
