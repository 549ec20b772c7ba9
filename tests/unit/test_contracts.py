"""Negative controls for the import contracts: each is seen to break alone when its rule is violated."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spec", "verifier", "compiled")

LAYERS = "verifier and compiled stand on spec"
INDEPENDENCE = "verifier and compiled do not know each other, the command line excepted"
LIGHT_SPEC = "spec needs no solver and no tensor"
ENGINES = "engines are independent witnesses"
CHECKER = "the checker of weights knows nothing of how they were chosen"
CLOSURE = "the proof about values knows nothing of how they were computed"

OUTCOME = re.compile(r"^(?P<name>.+?) (?P<outcome>KEPT|BROKEN)(?: \(\d+ ignored imports?\))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Plant:
    """Modules to add to a copy of the packages, and the one contract that they violate (None: allowed)."""

    label: str
    modules: Mapping[str, str]
    broken: str | None


PLANTS = (
    Plant(
        "spec imports verifier",
        {"spec.planted": "import verifier.planted", "verifier.planted": ""},
        LAYERS,
    ),
    Plant(
        "spec imports compiled inside a function",
        {"spec.planted": "def f():\n    import compiled.planted", "compiled.planted": ""},
        LAYERS,
    ),
    Plant(
        "verifier imports compiled",
        {"verifier.planted": "from compiled import planted", "compiled.planted": ""},
        INDEPENDENCE,
    ),
    Plant(
        "compiled imports verifier",
        {"compiled.planted": "import verifier.planted", "verifier.planted": ""},
        INDEPENDENCE,
    ),
    Plant(
        "compiled imports verifier's command line",
        {"compiled.planted": "import verifier.cli.planted", "verifier.cli.planted": ""},
        INDEPENDENCE,
    ),
    *(
        Plant(f"spec imports {library}", {"spec.planted": f"import {library}"}, LIGHT_SPEC)
        for library in (
            "bitwuzla",
            "cvc5",
            "numpy",
            "pysat.solvers",
            "safetensors",
            "sympy",
            "torch.nn",
            "z3",
        )
    ),
    Plant(
        "an engine imports another engine",
        {
            "verifier.engines.planted_a": "import verifier.engines.planted_b",
            "verifier.engines.planted_b": "",
        },
        ENGINES,
    ),
    Plant(
        "an engine reaches another engine by way of a third module",
        {
            "verifier.engines.planted_a": "import verifier.planted",
            "verifier.planted": "import verifier.engines.planted_b",
            "verifier.engines.planted_b": "",
        },
        ENGINES,
    ),
    Plant(
        "the checker of weights reaches the encodings",
        {
            "compiled.certificate.planted": "import compiled.planted",
            "compiled.planted": "import compiled.planning.encode",
        },
        CHECKER,
    ),
    Plant(
        "the proof about values reaches the analysis",
        {
            "compiled.certificate.closure.planted": "import compiled.meaning.planted",
            "compiled.meaning.planted": "import compiled.meaning.profiles",
        },
        CLOSURE,
    ),
    Plant(
        "the command line imports compiled",
        {"verifier.cli.planted": "import compiled.planted", "compiled.planted": ""},
        None,
    ),
    Plant(
        "the command line imports the package compiled",
        {"verifier.cli.planted": "from compiled import __doc__"},
        None,
    ),
    Plant(
        "engines and compiled import spec",
        {
            "verifier.engines.planted": "import spec.planted",
            "compiled.planted": "import spec.planted",
            "spec.planted": "import lark",
        },
        None,
    ),
)


def copy_packages(target: Path) -> None:
    """Copy the configuration and the sources of the three packages to `target`."""
    shutil.copy(ROOT / "pyproject.toml", target)
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            copy = target / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)


def plant(root: Path, name: str, source: str) -> None:
    """Write module `name` under `root`; where a parent is a module and no package, turn it into one."""
    *parents, leaf = name.split(".")
    folder = root
    for parent in parents:
        folder /= parent
        folder.mkdir(exist_ok=True)
        init = folder / "__init__.py"
        module = folder.with_suffix(".py")
        if module.exists():
            module.rename(init)
        elif not init.exists():
            init.touch()
    (folder / f"{leaf}.py").write_text(source + "\n", encoding="utf-8")


def outcomes(root: Path) -> dict[str, str]:
    """Run the linter on the packages under `root`; return `KEPT` or `BROKEN` for each contract."""
    linter = "from importlinter.cli import lint_imports_command as run; run()"
    done = subprocess.run(
        [sys.executable, "-c", linter, "--no-cache", "--no-logo"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {match["name"]: match["outcome"] for match in OUTCOME.finditer(done.stdout)}
    assert found, done.stdout + done.stderr
    assert done.returncode == ("BROKEN" in found.values())
    return found


def contract_names() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["name"] for contract in project["tool"]["importlinter"]["contracts"]}


def test_every_contract_has_a_negative_control() -> None:
    assert {case.broken for case in PLANTS} - {None} == contract_names()


def test_the_packages_keep_every_contract(tmp_path: Path) -> None:
    """Positive control: nothing breaks without a plant, so what breaks below is the plant's doing."""
    copy_packages(tmp_path)

    assert outcomes(tmp_path) == dict.fromkeys(contract_names(), "KEPT")


@pytest.mark.parametrize("case", PLANTS, ids=lambda case: case.label)
def test_planted_import_breaks_its_contract_and_no_other(tmp_path: Path, case: Plant) -> None:
    copy_packages(tmp_path)
    for name, source in case.modules.items():
        plant(tmp_path, name, source)

    broken = {name for name, outcome in outcomes(tmp_path).items() if outcome == "BROKEN"}

    assert broken == ({case.broken} - {None})
