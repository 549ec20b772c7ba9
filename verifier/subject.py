"""What is checked: a program under both number semantics, the programs it is compared with, and its contracts."""

from dataclasses import dataclass, field
from pathlib import Path

from spec.elaborate import Program, elaborate, load_program
from spec.property.ast import Carrier, Contract
from spec.property.bind import bind
from spec.property.bound import BoundContract
from spec.property.contract import read_contract
from spec.reader import read_source
from spec.script.load import find
from spec.source import Source, Span
from spec.values import Numbers


@dataclass(eq=False)
class Subject:
    """A source with its folder; programs are elaborated once for each number semantics, when first asked for."""

    source: Source
    folder: Path
    path: Path | None = None
    _programs: dict[tuple[str | None, Numbers], Program] = field(default_factory=dict)

    @staticmethod
    def load(path: Path) -> "Subject":
        """The program in a file."""
        return Subject(read_source(path), path.parent, path)

    def __call__(self, path: str | None, numbers: Numbers) -> Program:
        """This program, or the other one at a path that its contract names, found by the rules of `load`."""
        key = (path, numbers)
        if key not in self._programs:
            roots = (self.folder, Path.cwd())
            if path is None:
                self._programs[key] = elaborate(self.source, numbers, roots=roots, path=self.path)
            else:
                start = Span(self.source, 0, 0)
                self._programs[key] = load_program(find(path.removesuffix(".rasp"), roots, start), numbers)
        return self._programs[key]

    def bound(self) -> tuple[BoundContract, ...]:
        """The contracts, bound to the programs that they are about."""
        return tuple(bind(contract, self) for contract in self.contracts())

    def contracts(self) -> tuple[Contract, ...]:
        """The `#@` lines of the program, and the `.prop` file beside it if there is one."""
        found = [read_contract(self.source, Carrier.ANNOTATIONS)]
        beside = None if self.path is None else self.path.with_suffix(".prop")
        if beside is not None and beside.exists():
            found.append(read_contract(read_source(beside), Carrier.FILE))
        return tuple(found)
