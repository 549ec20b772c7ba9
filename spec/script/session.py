"""The scopes every script starts from: the builtins, the library, and `tokens`.

As in the reference, the library's names are protected at the console and free to be shadowed in files, whose
environments begin at `base`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from spec.ast import Statement
from spec.graph import Graph, View
from spec.parse import parse_file_text
from spec.reader import read_source
from spec.script.budget import Budget, Meter
from spec.script.environment import Environment
from spec.script.evaluate import Evaluator, Frame
from spec.script.host import Host
from spec.script.machine import run
from spec.script.operations import Operations
from spec.script.values import SOpValue, Value
from spec.values import Numbers

CONSOLE: Final = "console"
LIBRARY: Final = "RASP_support/rasplib"
"""What the reference calls its library, as the creator of the library's functions."""


@dataclass(eq=False)
class Session:
    """One graph, and the environments that scripts build it in."""

    operations: Operations
    evaluator: Evaluator
    console: Environment
    base: Environment

    def file_environment(self, name: str, caller: Environment) -> Environment:
        """A scope for a file: it sees the base only, and passes its public names on to the caller."""
        return Environment(name, self.base.constants, parent=self.base, exports=caller)


def start(numbers: Numbers, host: Host, budget: Budget, interning: bool = True) -> Session:
    """A session in which the library has been loaded."""
    graph = Graph(numbers, interning)
    operations = Operations(graph, Meter(budget))
    evaluator = Evaluator(operations, host, library=True)
    console = Environment(CONSOLE, _builtins(operations), fills_library=True)
    scope = Environment(LIBRARY, console.constants, parent=console.snapshot(), exports=console)
    run(evaluator.run(_library(), Frame(scope)), budget.stack)
    evaluator.library = False
    console.fills_library, console.protects_library = False, True
    tokens = console.constants["tokens_str"]
    console.set("tokens", tokens, None)
    if isinstance(tokens, SOpValue):
        tokens.name = "tokens"  # an assignment renames, this first one too
    operations.meter.refill()
    return Session(operations, evaluator, console, console.snapshot())


def _builtins(operations: Operations) -> Mapping[str, Value]:
    views = {view.value: SOpValue(operations.graph.tokens(view), view.value) for view in View}
    indices = SOpValue(operations.indices, "indices")
    return MappingProxyType({**views, "indices": indices, "True": True, "False": False})


@cache
def _library() -> tuple[Statement, ...]:
    path = Path(__file__).parent.parent / "library.rasp"
    return parse_file_text(read_source(path, name="library.rasp"))
