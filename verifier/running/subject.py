"""What is checked: a program under both number semantics, the programs it is compared with, and its contracts."""

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from spec.ast import Statement
from spec.diagnostics import Diagnostic, LoadError
from spec.elaborate import Program, elaborate, load_program
from spec.parse import parse_file_text
from spec.property.ast import Carrier, Contract
from spec.property.bind import bind
from spec.property.bound import BoundContract
from spec.property.contract import read_contract
from spec.reader import read_source
from spec.source import Source, Span, printable
from spec.values import Numbers


@dataclass(eq=False)
class Subject:
    """A source with its folder; programs are elaborated once for each number semantics, when first asked for."""

    source: Source
    folder: Path
    path: Path | None = None
    others: tuple[Path, ...] = ()
    _programs: dict[tuple[str | None, Numbers], Program] = field(default_factory=dict)

    @staticmethod
    def load(path: Path, others: tuple[Path, ...] = ()) -> "Subject":
        """The program in a file; its contracts may name `others` wherever they lie."""
        if not os.path.exists(path) and os.path.exists(beside := path.with_suffix(".prop")):
            hint = f"{printable(str(beside))} is a contract for it"
            raise LoadError(Diagnostic("R0110", f"there is no file {printable(str(path))}", hint=hint))
        return Subject(read_source(path), path.parent, path, others)

    def __call__(self, path: str | None, numbers: Numbers) -> Program:
        """This program, or the other one at a path that its contract names, relative to this one."""
        key = (path, numbers)
        if key not in self._programs:
            if path is None:
                self._programs[key] = elaborate(
                    self.source, numbers, roots=self._roots, path=self.path, statements=self._statements
                )
            else:
                self._programs[key] = load_program(self._other(path), numbers)
        return self._programs[key]

    @cached_property
    def _statements(self) -> tuple[Statement, ...]:
        return parse_file_text(self.source)

    @property
    def _roots(self) -> tuple[Path, ...]:
        return self.folder, Path.cwd()

    def _other(self, path: str) -> Path:
        """A file named by the contract: relative to this one, and within its folder or the current one."""
        name = path if path.endswith(".rasp") else f"{path}.rasp"
        found = (self.folder / name).resolve()
        if found in self.others:
            return found
        if Path(path).is_absolute() or "\0" in path or not any(found.is_relative_to(r.resolve()) for r in self._roots):
            hint = "name it relative to this file; it must lie below this file's folder or the current one"
            raise LoadError(Diagnostic("R0208", f"a contract may not read {path}", Span(self.source, 0, 0), hint))
        return found

    def bound(self) -> tuple[BoundContract, ...]:
        """The contracts, bound to the programs that they are about."""
        return tuple(bind(contract, self) for contract in self.contracts())

    def contracts(self) -> tuple[Contract, ...]:
        """The `#@` lines of the program, and the `.prop` file beside it if there is one."""
        found = [read_contract(self.source, Carrier.ANNOTATIONS)]
        beside = None if self.path is None else self.path.with_suffix(".prop")
        if beside is not None and os.path.exists(beside):
            found.append(read_contract(read_source(beside), Carrier.FILE))
        return tuple(found)
