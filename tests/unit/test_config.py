"""Settings: who wins, who said so, and that nothing misspelt passes."""

from pathlib import Path

import pytest

from spec.diagnostics import UsageError
from verifier import cli
from verifier.running.config import KEYS, Resolved, Settings, Value, resolve
from verifier.running.overrides import Overrides

FILE = """
[tool.rasp]
targets = ["programs", "x.rasp::y"]
wall = 5
engine = "sat"
memory = 100

[tool.rasp.profile.nightly]
wall = 50
engine = "smt"
"""


def _resolve(tmp_path: Path, text: str = FILE, profile: str | None = None, **given: Value) -> Resolved:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    return resolve(given, profile=profile, start=tmp_path)


def test_the_command_line_beats_the_environment_beats_the_profile_beats_the_file_beats_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _resolve(tmp_path)
    assert (found.settings.wall, found.settings.engine, found.settings.kill_after) == (5.0, "sat", 300.0)
    assert found.sources["wall"].endswith("pyproject.toml")
    assert found.sources["kill_after"] == "default"
    found = _resolve(tmp_path, profile="nightly")
    assert (found.settings.wall, found.settings.engine, found.settings.memory) == (50.0, "smt", 100)
    assert found.sources["wall"].endswith("profile nightly")
    monkeypatch.setenv("RASP_WALL", "500")
    assert _resolve(tmp_path, profile="nightly").settings.wall == 500.0
    found = _resolve(tmp_path, profile="nightly", wall=0.5)
    assert (found.settings.wall, found.sources["wall"]) == (0.5, "command line")


def test_the_profile_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RASP_PROFILE", "nightly")
    assert _resolve(tmp_path).settings.wall == 50.0


def test_a_switch_is_true_or_false_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _resolve(tmp_path).settings.limits.reductions
    assert not _resolve(tmp_path, "[tool.rasp]\nreductions = false\n").settings.limits.reductions
    assert _resolve(tmp_path, "[tool.rasp]\nreductions = false\n", reductions=True).settings.limits.reductions
    monkeypatch.setenv("RASP_REDUCTIONS", "False")
    found = _resolve(tmp_path)
    assert not found.settings.limits.reductions
    assert any(line.startswith("reductions ") and "= false" in line for line in found.explained())
    monkeypatch.setenv("RASP_REDUCTIONS", "0")
    with pytest.raises(UsageError, match="must be true or false"):
        _resolve(tmp_path)


def test_paths_are_meant_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[tool.rasp]\ntargets = ["programs", "x.rasp::y"]\noutput = ["json:out/r", "r.xml"]\ncache = ".cache"\n'
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    settings = _resolve(tmp_path, text).settings
    assert settings.targets == ("../programs", "../x.rasp::y")
    assert settings.output == ("json:../out/r", "../r.xml")
    assert settings.cache == "../.cache"


def test_a_file_may_be_written_as_windows_writes_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xef\xbb\xbf[tool.rasp]\r\nmax-length = 3\r\n")
    assert resolve({}, file=tmp_path / "pyproject.toml").settings.overrides.max_length == 3


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert resolve({}, start=tmp_path).settings == Settings()


def test_every_setting_is_explained(tmp_path: Path) -> None:
    lines = _resolve(tmp_path).explained()
    assert [line.split(" ")[0] for line in lines] == [key.replace("_", "-") for key in KEYS]
    assert any(line.startswith("wall ") and line.endswith("pyproject.toml") for line in lines)


WRONG = {
    'wall = "5"': "must be a positive number of seconds",
    "wall = true": "must be a positive number of seconds",
    "wall = -1": "must be a positive number of seconds",
    "wall = nan": "must be a positive number of seconds",
    "reductions = 1": "must be true or false",
    "jobs = 0": "must be a positive integer",
    "jobs = true": "must be a positive integer",
    'targets = "x"': "must be a list of strings",
    'numbers = "real"': "must be one of exact, ieee",
    'fail-on = ["refutde"]': "`refutde` is none of",
    'cache-mode = "on"': "must be one of",
    "fail_on = []": "has no key `fail_on`",
    "wal = 5": "has no key `wal`",
    "profile = 3": "holds tables",
    "[tool.rasp.profile.x]\nwal = 1": "profile.x has no key `wal`",
    "wall = ": "is not TOML",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_is_an_error_that_says_so(line: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        _resolve(tmp_path, f"[tool.rasp]\n{line}\n")
    assert WRONG[line] in str(caught.value)


def test_a_near_miss_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        _resolve(tmp_path, "[tool.rasp]\nkill_after = 3\n")
    assert "did you mean `kill-after`?" in caught.value.render()


def test_a_profile_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no profile `weekly`"):
        _resolve(tmp_path, profile="weekly")


@pytest.mark.parametrize(("name", "text"), [("RASP_JOBS", "many"), ("RASP_JOBS", "0"), ("RASP_NUMBERS", "real")])
def test_the_environment_is_read_as_strictly(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(UsageError, match=name):
        _resolve(tmp_path)


def test_refutations_and_errors_always_fail() -> None:
    assert Settings(fail_on=()).ignored == {"vacuous", "unknown", "nothing"}
    assert Settings().ignored == frozenset()


def test_a_greatest_length_narrows_and_never_widens() -> None:
    from spec.property.scope import Scope

    narrowed = [Overrides(max_length=3).apply(Scope(low, high)) for low, high in ((1, 8), (1, 2), (5, 8), (1, None))]
    assert [(scope.low, scope.high) for scope in narrowed] == [(1, 3), (1, 2), (5, 5), (1, 3)]


def test_rasp_config_explains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["config", "--explain", "--profile", "nightly"]) == 0
    out = capsys.readouterr().out
    assert 'engine      = "smt"' in out
    assert "profile nightly" in out
    assert "# default" in out
