"""Notebooks run from their first cell to the last, as one program in a new process.

`python -m tests.notebooks` runs those of the documentation and stores their outputs; the tests run them and compare. A
cell shows what it prints and what its last expression is, as every notebook does, without the kernel and the
sockets that an editor needs.
"""

import ast
import copy
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import nbformat
from nbformat.v4 import new_output

ROOT: Final = Path(__file__).resolve().parents[1]
NOTEBOOKS: Final = (ROOT / "docs" / "notebook.ipynb",)
_IGNORED: Final = re.compile(r"\d+\.\d+ s\b|<style>.*?</style>", re.DOTALL)
_MARK, _END = "\x1e", "\x1d"

# What is put before the cells: `_show` prints the forms of a value, after a mark, as one line of JSON.
_PRELUDE: Final = f"""import json as _json


def _show(value):
    forms = {{"image/svg+xml": "_repr_svg_", "text/html": "_repr_html_"}}
    data = {{mime: getattr(value, name)() for mime, name in forms.items() if hasattr(value, name)}}
    if value is not None:
        print("{_MARK}" + _json.dumps({{**data, "text/plain": repr(value)}}), end="")


"""


def read(path: Path) -> Any:
    """A notebook, which is valid by the schema of its format."""
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    return notebook


def run(notebook: Any, folder: Path) -> Any:
    """A copy with new outputs; raises `CalledProcessError` when a cell fails."""
    fresh = copy.deepcopy(notebook)
    cells = [cell for cell in fresh.cells if cell.cell_type == "code"]
    script = folder / "cells.py"
    script.write_text(_PRELUDE + "".join(f"{_shown(cell.source)}\nprint('{_END}', end='')\n" for cell in cells))
    done = subprocess.run(
        [sys.executable, script], cwd=folder, stdout=subprocess.PIPE, text=True, timeout=300, check=True
    )
    for number, (cell, said) in enumerate(zip(cells, done.stdout.split(_END)[:-1], strict=True), start=1):
        cell.outputs, cell.execution_count = _outputs(said, number), number
    return fresh


def _shown(source: str) -> str:
    """The cell with `_show(..)` around its last statement, if that is an expression."""
    last = ast.parse(source).body[-1]
    if not isinstance(last, ast.Expr):
        return source
    lines = source.splitlines()
    before, value = lines[: last.lineno - 1], lines[last.lineno - 1 :]
    return "\n".join([*before, "_show((", *value, "))"])


def _outputs(said: str, number: int) -> list[Any]:
    printed, *shown = said.split(_MARK)
    stream = [new_output("stream", name="stdout", text=printed)] if printed else []  # type: ignore[no-untyped-call]
    results = [
        new_output("execute_result", data=json.loads(data), execution_count=number)  # type: ignore[no-untyped-call]
        for data in shown[:1]
    ]
    return stream + results


def outputs(notebook: Any) -> list[list[str]]:
    """What each cell shows, without times and without the style of pages."""
    return [
        [_IGNORED.sub("", f"{output.get('text', '')}{output.get('data', '')}") for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def main() -> None:
    """Store what the notebooks show now."""
    for path in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            text = nbformat.writes(run(read(path), Path(folder)))  # type: ignore[no-untyped-call]
        path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
