"""What can be wrong with a program or a request, as data that renders itself.

`RaspError` is the root of everything that a user can cause. `InternalError` is not a `RaspError`: it means that
this tool contradicts itself, is reported with exit code 70, and must never be swallowed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from spec.source import Span, printable

_LONGEST: Final = 2_000
"""How much of a message is shown; it may quote a name of any length."""


class Severity(Enum):
    """How much a diagnostic matters: an error stops the run, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Diagnostic:
    """One finding: a stable code (`R0101`), a sentence, the place it is about, and how to mend it."""

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR

    def render(self) -> str:
        """`file:line:col: error[R0101]: message`, the source line, carets, and the hint."""
        where = f"{printable(self.span.location)}: " if self.span else ""
        lines = [f"{where}{self.severity.value}[{self.code}]: {_shown(self.message)}"]
        if self.span:
            lines.append(self.span.context())
        if self.hint:
            lines.append(f"  hint: {_shown(self.hint)}")
        return "\n".join(lines)


def _shown(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..")


class RaspError(Exception):
    """The user's program, property, file or request is wrong; carries one or more diagnostics."""

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        found = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        super().__init__("\n".join(d.message for d in found))
        self.diagnostics: tuple[Diagnostic, ...] = found

    def render(self) -> str:
        """Every diagnostic, one after the other."""
        return "\n".join(d.render() for d in self.diagnostics)


class ParseError(RaspError):
    """The text is not RASP."""


class ElaborationError(RaspError):
    """The script stage failed: an undefined name, a wrong argument, a misused value."""


class BudgetError(ElaborationError):
    """The script stage would need more steps, nodes or memory than its budget allows."""


class LoadError(ElaborationError):
    """A `load` that is missing, cyclic, too large, or outside the allowed roots."""


class PropertyError(RaspError):
    """A contract clause that does not parse, does not type-check, or names nothing."""


class UsageError(RaspError):
    """A request that makes no sense: an unknown target, a bad option, a malformed input."""


class EvaluationError(RaspError):
    """The program fails on this input, as the reference implementation would."""


class InternalError(Exception):
    """Two parts of this tool disagree, or an invariant is broken: a bug here, never a verdict."""
