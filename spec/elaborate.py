"""From syntax to the graph: runs the script of a program once.

The door of this package to programs: `elaborate` takes a source that is already in memory, `load_program` a path.
Elaboration is strict, unlike the reference's prompt: the first error of the script ends it. It never evaluates an
s-op, so a program is accepted whatever it would do on an example.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from spec.ast import Statement
from spec.diagnostics import Diagnostic, UsageError
from spec.graph import Graph, Selector, SOp
from spec.parse import parse_file_text
from spec.reader import read_source
from spec.script.budget import Budget
from spec.script.environment import OUT, Environment
from spec.script.errors import TARGET_CODE, suggestion
from spec.script.evaluate import Frame
from spec.script.load import FileHost
from spec.script.machine import run
from spec.script.session import start
from spec.script.values import SelectorValue, SOpValue, Value, type_name
from spec.source import Source, Span
from spec.values import Numbers

__all__ = ["Budget", "Program", "Value", "elaborate", "load_program"]


@dataclass(frozen=True, eq=False)
class Program:
    """What a program means: its graph, and which names stand for which nodes.

    `names` are the variables of the program and of the files that it loads, in the order of their first definition;
    the library and the builtins can be asked for by `sop` and `selector`, but are not listed.
    """

    source: Source
    graph: Graph
    names: Mapping[str, Value]
    statements: tuple[Statement, ...]
    warnings: tuple[Diagnostic, ...]
    _scope: Environment

    @property
    def numbers(self) -> Numbers:
        """The meaning of reals in the graph."""
        return self.graph.numbers

    def sops(self) -> Mapping[str, SOp]:
        """The s-ops that the program names."""
        return {name: value.node for name, value in self.names.items() if isinstance(value, SOpValue)}

    def selectors(self) -> Mapping[str, Selector]:
        """The selectors that the program names."""
        return {name: value.node for name, value in self.names.items() if isinstance(value, SelectorValue)}

    def sop(self, name: str) -> SOp:
        """The s-op called `name`, or `UsageError`."""
        value = self._value(name, self.sops())
        if not isinstance(value, SOpValue):
            raise self._unknown(f"`{name}` is not an s-op: its type is {type_name(value)}", name, self.sops())
        return value.node

    def selector(self, name: str) -> Selector:
        """The selector called `name`, or `UsageError`."""
        value = self._value(name, self.selectors())
        if not isinstance(value, SelectorValue):
            raise self._unknown(f"`{name}` is not a selector: its type is {type_name(value)}", name, self.selectors())
        return value.node

    def definition_span(self, name: str) -> Span | None:
        """Where the program defines the name last; None for the library and the builtins."""
        return self._scope.spans.get(name)

    def _value(self, name: str, wanted: Iterable[str]) -> Value:
        if name in self.names:
            return self.names[name]
        if name != OUT and name in set(self._scope.names()):
            return self._scope.get(name, None)
        raise self._unknown(f"{self.source.name} does not define `{name}`", name, wanted)

    def _unknown(self, text: str, name: str, wanted: Iterable[str]) -> UsageError:
        names = list(wanted)
        hint = suggestion(name, names) or (f"it defines {', '.join(names[-8:])}" if names else None)
        return UsageError(Diagnostic(TARGET_CODE, text, self.definition_span(name), hint))


def elaborate(
    source: Source,
    numbers: Numbers,
    *,
    roots: Sequence[Path] = (),
    budget: Budget | None = None,
    interning: bool = True,
    path: Path | None = None,
    statements: tuple[Statement, ...] | None = None,
) -> Program:
    """Run the program and return its graph; raises `ParseError` or `ElaborationError`.

    `load` finds files under `roots`, in their order, and nothing without roots. `path` is where the source lies, so
    that a file that loads itself is noticed; `statements` are those of the source, when it has been parsed already.
    Without `interning` every operation makes a node of its own.
    """
    statements = parse_file_text(source) if statements is None else statements
    budget = Budget() if budget is None else budget
    host = FileHost(tuple(roots))
    session = host.session = start(numbers, host, budget, interning)
    if path is not None:
        host.enter(path)
    scope = session.file_environment(source.name, session.console)
    run(session.evaluator.run(statements, Frame(scope)), budget.stack)
    names = {name: value for name, value in scope.variables.items() if name != OUT}
    warnings = tuple(session.operations.warnings)
    return Program(source, session.operations.graph, MappingProxyType(names), statements, warnings, scope)


def load_program(
    path: Path | str,
    numbers: Numbers,
    *,
    roots: Sequence[Path] | None = None,
    budget: Budget | None = None,
    interning: bool = True,
) -> Program:
    """Read and elaborate a file; it loads others from its own folder, then from the current one."""
    path = Path(path)
    budget = Budget() if budget is None else budget
    source = read_source(path, budget.file_bytes)
    roots = (path.parent, Path.cwd()) if roots is None else tuple(roots)
    return elaborate(source, numbers, roots=roots, budget=budget, interning=interning, path=path)
