"""The shape of the source tree: where packages come from, what they load, what modules may contain."""

import ast
import importlib
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spec", "verifier", "compiled")
MAX_LINES = 600

ENGINE_LIBRARIES = frozenset({"bitwuzla", "cvc5", "numpy", "pysat", "safetensors", "sympy", "torch", "z3"})
"""What `spec` must not load: it stays quick to import and works where these are missing."""

BANNED_MODULES = frozenset({"dill", "joblib", "marshal", "pickle", "shelve"})
BANNED_CALLS = frozenset({"__import__", "eval", "exec"})
BANNED_ATTRIBUTES = frozenset({"sys.setrecursionlimit", "torch.load", "torch.save"})


def modules_under(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


SOURCES = modules_under(*PACKAGES)
ALL_MODULES = modules_under(*PACKAGES, "tests", "benchmarks")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of every module that an import statement in `tree` names."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case _:
                pass


def banned_constructs(source: str) -> list[str]:
    """Name each construct in `source` that runs text as code, unpickles, or moves the recursion limit."""
    tree = ast.parse(source)
    found = [
        f"import of {name}"
        for name in imported_modules(tree)
        if name.partition(".")[0] in BANNED_MODULES or name in BANNED_ATTRIBUTES
    ]
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in BANNED_CALLS:
                found.append(f"line {node.lineno}: {name}(...)")
            case ast.Attribute(value=ast.Name(id=module), attr=name) if f"{module}.{name}" in BANNED_ATTRIBUTES:
                found.append(f"line {node.lineno}: {module}.{name}")
            case _:
                pass
    return found


@pytest.mark.parametrize("name", PACKAGES)
def test_package_is_the_one_of_this_checkout(name: str) -> None:
    """The import names are generic: another distribution could bring a package of the same name."""
    package = importlib.import_module(name)

    assert package.__file__ is not None
    assert Path(package.__file__).resolve() == ROOT / name / "__init__.py"


@pytest.mark.parametrize("name", PACKAGES)
def test_package_declares_that_it_is_typed(name: str) -> None:
    assert (ROOT / name / "py.typed").is_file()


def test_importing_all_of_spec_loads_no_engine() -> None:
    """Neither the package nor any module in it, however deep, loads a solver or a tensor library."""
    names = [relative(path).removesuffix(".py").replace("/", ".") for path in modules_under("spec")]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", script, *names], cwd=ROOT, capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert set(names) <= loaded
    assert loaded.isdisjoint(ENGINE_LIBRARIES)


@pytest.mark.parametrize("path", modules_under("spec"), ids=relative)
def test_spec_imports_only_the_standard_library_and_lark(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))}

    assert tops <= sys.stdlib_module_names | {"lark", "spec"}


@pytest.mark.parametrize("path", ALL_MODULES, ids=relative)
def test_module_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", ALL_MODULES, ids=relative)
def test_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_module_runs_no_text_as_code_and_leaves_the_recursion_limit_alone(path: Path) -> None:
    assert banned_constructs(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "from torch import load",
        "import torch\nmodel = torch.load('f')",
        "import sys\nsys.setrecursionlimit(10)",
        "from sys import setrecursionlimit",
        "def f(text):\n    return eval(text)",
        "exec('x = 1')",
    ],
)
def test_banned_construct_is_noticed(source: str) -> None:
    """The rule above can fail."""
    assert banned_constructs(source) != []


def test_permitted_namesakes_are_not_mistaken_for_banned_constructs() -> None:
    assert banned_constructs("import json\nmodel.eval()\njson.load(f)\nsolver.exec()\n") == []


def test_names_in_the_packaging_metadata_exist() -> None:
    """The wheel ships the three packages, and the packages are all that it ships."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == list(PACKAGES)
    assert project["tool"]["importlinter"]["root_packages"] == list(PACKAGES)
    assert project["tool"]["check-wheel-contents"]["toplevel"] == list(PACKAGES)


def test_wheel_carries_every_data_file_of_the_packages(tmp_path: Path) -> None:
    """A grammar or program that stays behind would break installed copies only, never this checkout."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}

    expected = {
        relative(path)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == expected
