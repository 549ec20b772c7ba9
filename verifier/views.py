"""What the Python interface hands out beside answers: pictures, selectors and bounds, which notebooks show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spec.elaborate import Program
from spec.graph import SOp
from spec.values import Atom
from verifier.bounds.certificate import Document
from verifier.bounds.written import Front
from verifier.report.data import record, string, write_text
from verifier.report.fronts import fronts
from verifier.report.html import framed
from verifier.report.pictures import MAX_POSITIONS, matrix
from verifier.report.text import word_text
from verifier.report.trace import Matrix


@dataclass(frozen=True, repr=False)
class Picture:
    """An SVG, which a notebook shows."""

    svg: str

    def __repr__(self) -> str:
        return "<picture>"

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True, repr=False)
class Selection:
    """A selector on one input: for each query position the key positions that it selects."""

    name: str
    word: tuple[Atom, ...]
    rows: tuple[frozenset[int], ...]

    def __str__(self) -> str:
        lines = [f"{self.name} on {word_text(self.word)}"]
        lines += ["  " + " ".join("1" if key in row else "·" for key in range(len(self.word))) for row in self.rows]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Keys across, queries down."""
        if len(self.word) > MAX_POSITIONS:
            return framed(f"{len(self.word)} positions are too many for a picture.")
        bits = tuple(sum(1 << key for key in row) for row in self.rows)
        return framed(matrix(Matrix(self.name, None, bits, tuple(range(len(bits)))), f" on {word_text(self.word)}"))


@dataclass(frozen=True, repr=False, eq=False)
class Bounds:
    """The fewest layers and heads of an s-op as the program is written, under each cost model, with certificates."""

    name: str
    fronts: tuple[Front, ...]
    document: Document = field(default_factory=Document)

    @staticmethod
    def of(name: str, sop: SOp, program: Program, found: Sequence[Front]) -> "Bounds":
        """The bounds with a certificate for every claim."""
        bounds = Bounds(name, tuple(found))
        for front in found:
            bounds.document.front(front, [sop], program.graph)
        return bounds

    @property
    def complete(self) -> bool:
        """Whether nothing was left open for lack of time."""
        return all(front.complete for front in self.fronts)

    def layers(self, model: str = "paper") -> int:
        """The least number of layers under a cost model."""
        return self._front(model).layers

    def heads(self, model: str = "paper") -> dict[int, int]:
        """For each number of layers at which it changes, the fewest heads that every layer needs room for."""
        return {step.layers: step.width for step in self._front(model).widths.steps}

    def save(self, path: Path | str) -> Path:
        """Write the certificates, for `rasp recheck` and `rasp report`."""
        write_text(Path(path), self.document.text())
        return Path(path)

    def __str__(self) -> str:
        claims = [string(record(one)["claim"]) for one in self.document.certificates]
        rest = [] if self.complete else ["open: some questions were not decided in time"]
        return "\n".join([f"{self.name}, as written", *(f"  {claim}" for claim in [*claims, *rest])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The charts of `rasp report`, each certificate checked again for them."""
        return framed(fronts(self.document.text(), self.name))

    def _front(self, model: str) -> Front:
        return next(front for front in self.fronts if front.task.model.name == model)
