"""A repository with one right and one wrong program, from the first red run to the green one, as its owner sees it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema

from verifier.report import document

REVERSE = "r = aggregate(select(indices, length - 1 - indices, ==), tokens);\n"
CONTRACT = "#@ scope lengths=1..3 alphabet=ab\n#@ ensures back: forall i: r[i] == tokens[n-1-i]\n"
CONFIGURATION = """
[tool.rasp]
targets = ["programs"]
save-tests = "tests/counterexamples"
cache = ".rasp/cache"
output = ["out/result.json", "out/result.sarif", "out/junit.xml", "out/summary.md", "github:out/annotations"]

[tool.pytest.ini_options]
rasp = true
"""
RASP = "import sys, verifier.cli; sys.exit(verifier.cli.main(sys.argv[1:]))"


def _run(folder: Path, *command: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def _validated(folder: Path, schema: Path, name: str) -> Any:
    data = json.loads((folder / "out" / name).read_text(encoding="utf-8"))
    jsonschema.validate(data, json.loads(schema.read_text(encoding="utf-8")))
    return data


def test_from_red_to_green(tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "good.rasp").write_text(REVERSE + CONTRACT, encoding="utf-8")
    bad = tmp_path / "programs" / "bad.rasp"
    bad.write_text("r = tokens;\n" + CONTRACT, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION, encoding="utf-8")

    # The first run is red, and every file that it writes is what it should be.
    code, out = _run(tmp_path, "-c", RASP, "check")
    assert code == 1
    assert "REFUTED n = 2" in out
    own = Path(document.__file__).with_name("result.schema.json")
    result = _validated(tmp_path, own, "result.json")
    assert (result["exit_code"], result["summary"]["refuted"]) == (1, 1)
    log = _validated(tmp_path, checkout / "tests" / "data" / "sarif-2.1.0.schema.json", "result.sarif")
    (finding,) = log["runs"][0]["results"]
    assert finding["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "programs/bad.rasp"
    assert ElementTree.parse(tmp_path / "out" / "junit.xml").getroot().get("failures") == "1"
    assert "::error file=programs/bad.rasp,line=3" in (tmp_path / "out" / "annotations").read_text(encoding="utf-8")
    assert "❌ REFUTED n = 2" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")

    # pytest shows the counterexample, and the saved test fails, before everything else.
    (saved,) = (tmp_path / "tests" / "counterexamples").iterdir()
    pytest = ("-m", "pytest", "-p", "verifier.pytest_plugin", "-p", "no:cacheprovider", "-v")
    code, out = _run(tmp_path, *pytest)
    assert code == 1
    first = next(line for line in out.splitlines() if "::" in line)
    assert first.startswith(f"tests/counterexamples/{saved.name}::")
    assert "FAILED" in first
    assert "because   `r[i] == tokens[n-1-i]` is false" in out

    # Mended: all is green, and what had been asked before comes from the cache.
    bad.write_text(REVERSE + CONTRACT, encoding="utf-8")
    code, out = _run(tmp_path, *pytest)
    assert code == 0, out
    code, out = _run(tmp_path, "-c", RASP, "check", "--verbose")
    assert (code, out.splitlines()[-1]) == (0, "OK: every property came out as expected")
    result = _validated(tmp_path, own, "result.json")
    kept = [closed["kept"] for one in result["properties"] for closed in one["closed"]]
    assert kept.count(True) >= len(kept) // 2
    assert "answers kept from an earlier run" in out
