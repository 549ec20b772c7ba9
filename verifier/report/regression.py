"""Counterexamples as tests: a file for each, which fails until the program is mended and passes from then on.

A file that does not begin with our mark is never replaced.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Final

from spec.diagnostics import Diagnostic, UsageError
from spec.values import Atom
from verifier.report.data import write_text
from verifier.report.result import Result
from verifier.verdict import Refuted, Witness, as_expected

MARK: Final = "# Written by `rasp check --save-tests`. Delete this line to keep rasp from replacing the file.\n"


def save_tests(results: Iterable[Result], folder: Path) -> list[Path]:
    """Write a test for each counterexample that nobody announced; the files."""
    saved = []
    for result in results:
        match result.verdict:
            case Refuted(witness=Witness(word=word)) if not as_expected(result.verdict, result.expected):
                path = folder / f"test_{_identifier(result, folder)}.py"
                _refuse_foreign(path)
                write_text(path, source(result, word, folder))
                saved.append(path)
            case _:
                pass
    return saved


def source(result: Result, word: tuple[Atom, ...], folder: Path) -> str:
    """The text of the test."""
    path = _relative(result, folder)
    about = ascii(f"{result.name} of {Path(result.file).name}: {result.text}")
    return f"""{MARK}
from pathlib import Path

import verifier

PROPERTY = {about}


def test_{_identifier(result, folder)}() -> None:
    program = verifier.load(Path(__file__).parent / {path!a})
    program.replay({result.name!a}, {literal(word)}, numbers={result.scope.numbers.value!a})
"""


def literal(word: tuple[Atom, ...]) -> str:
    """The input as Python writes it; rationals as the float that prints as their decimal."""
    atoms = [ascii(_plain(atom)) for atom in word]
    return f"[{', '.join(atoms)}]"


def _plain(atom: Atom) -> Atom:
    return float(atom) if isinstance(atom, Fraction) else atom


def _relative(result: Result, folder: Path) -> str:
    """The program, from the folder of the tests."""
    return Path(os.path.relpath(Path(result.file).resolve(), folder.resolve())).as_posix()


def _identifier(result: Result, folder: Path) -> str:
    """A name that is stable, legal, and different for different properties."""
    stem = re.sub(r"\W+", "_", f"{Path(result.file).stem}_{result.name}", flags=re.ASCII).strip("_").lower()
    what = json.dumps([_relative(result, folder), result.name])
    return f"{stem[:60]}_{hashlib.sha256(what.encode('ascii')).hexdigest()[:6]}"


def _refuse_foreign(path: Path) -> None:
    try:
        with path.open(encoding="utf-8") as file:
            own = file.readline() == MARK
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError):
        own = False
    if not own:
        raise UsageError(Diagnostic("R0605", f"{path} was not written by rasp, so it is not replaced"))
