"""Clausal proofs in a folder: one file each, named by the hash of its content.

    c clauses SHA-256 of the clauses, as DIMACS
    1 -2 0
    d 3 4 0
    ..

A proof is good for the clauses that it was written for and for no others, so a reader makes the clauses anew, compares
their hash, and replays the proof with `verifier.recheck.rup`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from verifier.engine import Refutation, Unsat
from verifier.recheck.rup import Rejected
from verifier.report.data import write_text

MAX_BYTES: Final = 1 << 28
_HEADER: Final = "c clauses "
_ENDING: Final = ".drup"


def keep(answer: Unsat, folder: str | None) -> Unsat:
    """The answer, with the name of the file that its proof is in; unchanged where there is no folder or no proof."""
    if folder is None or answer.refutation is None:
        return answer
    return replace(answer, evidence=replace(answer.evidence, proof=save(answer.refutation, Path(folder))))


def save(refutation: Refutation, folder: Path) -> str | None:
    """The name of the file that the proof was written to; `None` for one that is too long to be kept."""
    text = "\n".join([f"{_HEADER}{hash_of(refutation.clauses)}", *refutation.lines, ""])
    if len(text) > MAX_BYTES:
        return None
    name = f"{hashlib.sha256(text.encode('ascii')).hexdigest()}{_ENDING}"
    write_text(folder / name, text)
    return name


def load(folder: Path, name: str) -> tuple[str, Iterator[str]]:
    """The hash of the clauses that a proof is for, and its lines; `Rejected` unless the file is what its name says."""
    path = folder / Path(name).name
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Rejected(f"the proof {path} cannot be read: {reason}") from error
    if f"{hashlib.sha256(content).hexdigest()}{_ENDING}" != path.name:
        raise Rejected(f"the proof {path} is not the one that its name says")
    header, _, body = content.decode("ascii", errors="replace").partition("\n")
    if not header.startswith(_HEADER):
        raise Rejected(f"the proof {path} does not say what it is a proof of")
    return header.removeprefix(_HEADER), iter(body.splitlines())


def hash_of(clauses: Iterable[Sequence[int]]) -> str:
    """The hash of clauses, in their order."""
    found = hashlib.sha256()
    for clause in clauses:
        found.update(" ".join(map(str, (*clause, 0))).encode("ascii") + b"\n")
    return found.hexdigest()
