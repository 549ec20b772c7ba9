"""How much work and memory a script may use before it is refused.

A hostile file must be refused in seconds: `9^9^9^9`, a list that doubles in a loop, an endless recursion. The
defaults leave room for programs nearly twenty times larger than the largest ones published.
"""

from dataclasses import dataclass, field
from typing import Final

from spec.diagnostics import BudgetError, Diagnostic
from spec.script.errors import BUDGET_CODE
from spec.source import Span

_STEPS_PER_NODE: Final = 5


@dataclass(frozen=True)
class Budget:
    """The limits. Single integers and strings are bounded by `spec.operators` as everywhere else."""

    steps: int = 500_000
    """Evaluated expressions and executed statements; costly ones count as several."""
    nodes: int = 100_000
    """Graph nodes."""
    items: int = 100_000
    """Elements of one list or dictionary."""
    cells: int = 8_000_000
    """Machine words in all values ever made: list elements, characters, words of integers."""
    calls: int = 10_000
    """User functions that are active at once."""
    stack: int = 300_000
    """Expressions and statements that are active at once."""
    files: int = 64
    """Loaded files, each time that one is loaded."""
    file_bytes: int = 1 << 20
    """Size of one file."""


@dataclass(slots=True)
class Meter:
    """What is left of a budget. `refill` starts the next statement at a prompt."""

    budget: Budget
    steps: int = field(init=False)
    cells: int = field(init=False)
    files: int = field(init=False)

    def __post_init__(self) -> None:
        self.refill()

    def refill(self) -> None:
        """Make the whole budget available again."""
        self.steps = self.budget.steps
        self.cells = self.budget.cells
        self.files = self.budget.files

    def step(self, span: Span | None, count: int = 1) -> None:
        """Spend evaluation steps."""
        self.steps -= count
        if self.steps < 0:
            raise exceeded("steps", self.budget.steps, span)

    def made(self, items: int, span: Span | None) -> None:
        """Account for a new list or dictionary of so many elements, before it is built."""
        if items > self.budget.items:
            raise exceeded("items", self.budget.items, span, "elements in one list")
        self.allocate(items, span)
        self.step(span, items // 16)

    def allocate(self, cells: int, span: Span | None) -> None:
        """Spend memory."""
        self.cells -= cells
        if self.cells < 0:
            raise exceeded("cells", self.budget.cells, span, "words of memory")

    def node(self, nodes: int, span: Span | None) -> None:
        """Account for a graph that now has so many nodes."""
        self.step(span, _STEPS_PER_NODE)
        if nodes > self.budget.nodes:
            raise exceeded("nodes", self.budget.nodes, span, "graph nodes")

    def file(self, span: Span | None) -> None:
        """Account for one more loaded file."""
        self.files -= 1
        if self.files < 0:
            raise exceeded("files", self.budget.files, span, "loaded files")


def exceeded(limit: str, value: int, span: Span | None, what: str | None = None) -> BudgetError:
    """The error for a limit of the budget."""
    text = f"the script needs more than {value:,} {what or limit}"
    return BudgetError(Diagnostic(BUDGET_CODE, text, span, f"the limit is Budget.{limit}"))
