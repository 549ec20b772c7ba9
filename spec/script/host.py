"""What the script stage asks of whoever runs it."""

from typing import Protocol

from spec.ast import Load
from spec.script.environment import Environment
from spec.script.machine import Step
from spec.script.values import Handle, SOpValue, Value
from spec.source import Span


class Host(Protocol):
    """What depends on whether a file is elaborated or somebody sits at a prompt."""

    rehearses: bool
    """Whether, as the reference does, the only argument of a call is evaluated once more beforehand."""

    def tested(self, handle: Handle, example: Value | None, span: Span, /) -> None:
        """Every s-op and selector that an expression yields; `example` comes from the innermost application."""

    def applied(self, handle: Handle, argument: Value, span: Span, /) -> object:
        """The result of `handle(argument)`, to be printed."""

    def drawn(self, sop: SOpValue, argument: Value | None, span: Span, /) -> object:
        """The result of `draw(sop, argument)`, to be printed."""

    def loaded(self, statement: Load, env: Environment, /) -> Step:
        """Runs another file; what it defines goes to `env`."""
