"""`load "path";` inside a file: where the other file may lie, and how it runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from spec.ast import Load
from spec.diagnostics import LoadError
from spec.parse import parse_file_text
from spec.reader import read_source
from spec.script.environment import Environment
from spec.script.errors import ScriptLoadError
from spec.script.evaluate import Frame
from spec.script.machine import Step, Task
from spec.script.session import Session
from spec.script.values import Handle, SOpValue, Value
from spec.source import Source, Span


@dataclass(eq=False)
class FileHost:
    """Elaborates files: nothing is printed or tried on an example, and other files are found under the roots."""

    roots: tuple[Path, ...]
    session: Session | None = None
    rehearses: bool = False
    _open: list[tuple[Path, str]] = field(default_factory=list)

    def tested(self, _handle: Handle, _example: Value | None, _span: Span, /) -> None:
        """No running example decides what a file may define."""

    def applied(self, _handle: Handle, _argument: Value, _span: Span, /) -> object:
        """Nothing is printed."""
        return None

    def drawn(self, _sop: SOpValue, _argument: Value | None, _span: Span, /) -> object:
        """Nothing is drawn."""
        return None

    def enter(self, path: Path) -> None:
        """The main file itself is being run, so it must not be loaded again."""
        self._open.append((path.resolve(), path.name))

    def loaded(self, statement: Load, env: Environment, /) -> Step:
        """Run the file in a scope of its own that exports to `env`."""
        if self.session is None:
            raise ScriptLoadError("nothing can be loaded here", statement.span)
        self.session.operations.meter.file(statement.span)
        path = find(statement.path, self.roots, statement.span)
        names = [name for _, name in self._open]
        if path in (opened for opened, _ in self._open):
            chain = " -> ".join([*names, f"{statement.path}.rasp"])
            raise ScriptLoadError(f"files load each other in a circle: {chain}", statement.span)
        source = self._read(path, statement)
        return self._run(self.session, path, statement, source, env)

    def _read(self, path: Path, statement: Load) -> Source:
        limit = self.roots and self.session and self.session.operations.meter.budget.file_bytes
        try:
            return read_source(path, limit or 0, name=f"{statement.path}.rasp")
        except LoadError as error:
            raise ScriptLoadError(error.diagnostics[0].message, statement.span) from error

    def _run(self, session: Session, path: Path, statement: Load, source: Source, env: Environment) -> Task:
        self._open.append((path, source.name))
        scope = session.file_environment(statement.path, env)
        value = yield session.evaluator.run(parse_file_text(source), Frame(scope))
        self._open.pop()
        return value


def find(name: str, roots: Sequence[Path], span: Span) -> Path:
    """The file that `load "name"` means: relative, and inside one of the roots after links are followed."""
    relative = PurePosixPath(f"{name}.rasp")
    if relative.is_absolute() or ".." in relative.parts or "\\" in name or "\0" in name or ":" in name:
        raise ScriptLoadError(
            f"load expects a path inside the program's folder, got: {name}",
            span,
            "absolute paths, `..`, `\\` and drive letters are refused",
        )
    for root in roots:
        candidate = root / relative
        try:
            if not candidate.exists():
                continue
            path, folder = candidate.resolve(strict=True), root.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # a name that is too long, a circle of links
            raise ScriptLoadError(f"cannot open {name}.rasp: {type(error).__name__}", span) from error
        if not path.is_relative_to(folder):
            raise ScriptLoadError(f"{name}.rasp is a link that leaves the program's folder", span)
        return path
    raise ScriptLoadError(f"could not find file: {name}.rasp", span)
