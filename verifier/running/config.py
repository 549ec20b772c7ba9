"""Settings: what the command line, the environment, a profile and `[tool.rasp]` of `pyproject.toml` say.

They are asked in this order, and the first that says something wins; `resolve` keeps who it was. A key that does not
exist is an error: a misspelt limit that is silently ignored would change what a green run means.

    [tool.rasp]
    targets = ["programs"]
    fail-on = ["refuted", "vacuous", "unknown", "error", "nothing"]

    [tool.rasp.profile.nightly]
    kill-after = 3600
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from spec.diagnostics import Diagnostic, UsageError
from spec.values import Numbers
from verifier.engine import Limits, Proofs
from verifier.running.overrides import Overrides
from verifier.running.supervise import Allowance

Value: TypeAlias = str | int | float | tuple[str, ...] | None

FAIL_ON: Final = ("refuted", "vacuous", "unknown", "error", "nothing")
CACHE_MODES: Final = ("use", "read", "frozen", "verify")
MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Settings:
    """What can be set; the defaults are those of the tool."""

    targets: tuple[str, ...] = ()
    lengths: str | None = None
    max_length: int | None = None
    alphabet: str | None = None
    integers: str | None = None
    numbers: str | None = None
    engine: str = "auto"
    wall: float = 60.0
    kill_after: float = 300.0
    memory: int = 6144
    jobs: int = os.cpu_count() or 1
    proofs: str = Proofs.SAMPLE.value
    reductions: bool = True
    fail_on: tuple[str, ...] = FAIL_ON
    strict: bool = False
    output: tuple[str, ...] = ()
    save_tests: str | None = None
    save_proofs: str | None = None
    cache: str | None = None
    cache_mode: str = "use"

    @property
    def overrides(self) -> Overrides:
        """What replaces parts of the contracts' own scopes."""
        return Overrides(self.lengths, self.alphabet, self.integers, self.numbers, self.max_length)

    @property
    def limits(self) -> Limits:
        """What one query may take."""
        return Limits(wall_s=self.wall, proofs=Proofs(self.proofs), reductions=self.reductions)

    @property
    def allowance(self) -> Allowance:
        """What one property may take."""
        return Allowance(self.kill_after, self.memory)

    @property
    def ignored(self) -> frozenset[str]:
        """The outcomes that a run does not fail on."""
        return frozenset({"vacuous", "unknown", "nothing"} - set(self.fail_on))


@dataclass(frozen=True)
class Resolved:
    """The settings, and for each of them who said so."""

    settings: Settings
    sources: Mapping[str, str]

    def explained(self) -> list[str]:
        """A line for each setting: what it is, and why."""
        rows = [(key, _shown(getattr(self.settings, key)), self.sources[key]) for key in KEYS]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        return [f"{_written(key):<{widths[0]}} = {value:<{widths[1]}}  # {source}" for key, value, source in rows]


# ------------------------------------------------------------------------------------------------ values


def _wrong(where: str, wanted: str) -> UsageError:
    return UsageError(Diagnostic("R0701", f"{where} must be {wanted}"))


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "a string")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _wrong(where, "a list of strings")
    return tuple(value)


def _count(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong(where, "a positive integer")
    return value


def _seconds(value: object, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e7:
        raise _wrong(where, "a positive number of seconds")
    return float(value)


def _switch(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, "true or false")
    return value


def _one_of(*allowed: str) -> Callable[[object, str], str]:
    def read(value: object, where: str) -> str:
        if value not in allowed:
            raise _wrong(where, f"one of {', '.join(allowed)}")
        return str(value)

    return read


def _fail_on(value: object, where: str) -> tuple[str, ...]:
    found = _texts(value, where)
    if unknown := [name for name in found if name not in FAIL_ON]:
        raise UsageError(Diagnostic("R0701", f"{where}: `{unknown[0]}` is none of {', '.join(FAIL_ON)}"))
    return found


_READERS: Final[Mapping[str, Callable[[object, str], Value]]] = MappingProxyType(
    {
        "targets": _texts,
        "lengths": _text,
        "max_length": _count,
        "alphabet": _text,
        "integers": _text,
        "numbers": _one_of(*(numbers.value for numbers in Numbers)),
        "engine": _text,
        "wall": _seconds,
        "kill_after": _seconds,
        "memory": _count,
        "jobs": _count,
        "proofs": _one_of(*(proofs.value for proofs in Proofs)),
        "reductions": _switch,
        "fail_on": _fail_on,
        "strict": _switch,
        "output": _texts,
        "save_tests": _text,
        "save_proofs": _text,
        "cache": _text,
        "cache_mode": _one_of(*CACHE_MODES),
    }
)
KEYS: Final = tuple(field.name for field in fields(Settings))
_LISTS: Final = ("targets", "fail_on", "output")
_SWITCHES: Final = ("reductions", "strict")
_NUMBERS: Final = ("max_length", "wall", "kill_after", "memory", "jobs")


def _written(key: str) -> str:
    return key.replace("_", "-")


def _shown(value: Value) -> str:
    match value:
        case None:
            return "-"
        case tuple():
            return "[" + ", ".join(f'"{one}"' for one in value) + "]"
        case str():
            return f'"{value}"'
        case bool():
            return str(value).lower()
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


# ------------------------------------------------------------------------------------------------ sources


def resolve(
    given: Mapping[str, Value], *, profile: str | None = None, file: Path | None = None, start: Path | None = None
) -> Resolved:
    """The settings under these values of the command line (`None`: not given); raises `UsageError`."""
    path = _find(Path.cwd() if start is None else start) if file is None else file
    table = {} if path is None else _table(path, required=file is not None)
    environment = {key: text for key in KEYS if (text := os.environ.get(f"RASP_{key.upper()}"))}
    profile = profile or os.environ.get("RASP_PROFILE") or None
    layers: list[tuple[str, Mapping[str, Value]]] = [
        ("command line", {key: given[key] for key in KEYS if given.get(key) is not None}),
        ("environment", {key: _from_text(key, text) for key, text in environment.items()}),
    ]
    if path is not None:
        if profile is not None:
            layers.append((f"{path}, profile {profile}", _profile(table, profile, path)))
        layers.append((str(path), _values(table, path, "tool.rasp")))
    if path is None and profile is not None:
        raise UsageError(Diagnostic("R0702", f"there is no profile `{profile}`: there is no pyproject.toml"))
    values: dict[str, Value] = {}
    sources = dict.fromkeys(KEYS, "default")
    for source, layer in layers:
        for key, value in layer.items():
            if key not in values:
                values[key], sources[key] = value, source
    return Resolved(Settings(**values), sources)  # type: ignore[arg-type]  # each value went through its reader


def _find(start: Path) -> Path | None:
    """The `pyproject.toml` of this folder or of the nearest one above."""
    for folder in (start, *start.resolve().parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
    return None


def _table(path: Path, *, required: bool) -> dict[str, object]:
    """`[tool.rasp]`; empty where a file that was only found has none."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UsageError(Diagnostic("R0703", f"{path} is larger than {MAX_BYTES >> 20} MiB"))
        table = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(Diagnostic("R0703", f"cannot read {path}: {error.strerror}")) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(Diagnostic("R0703", f"{path} is not TOML: {error}")) from error
    tool = table.get("tool", {})
    found = tool.get("rasp") if isinstance(tool, dict) else None
    if found is None:
        if required:
            raise UsageError(Diagnostic("R0703", f"{path} has no [tool.rasp]"))
        return {}
    if not isinstance(found, dict):
        raise UsageError(Diagnostic("R0703", f"{path}: tool.rasp is no table"))
    return found


def _profile(table: Mapping[str, object], name: str, path: Path) -> dict[str, Value]:
    profiles = table.get("profile", {})
    if not isinstance(profiles, dict) or not isinstance(profiles.get(name), dict):
        known = ", ".join(profiles) if isinstance(profiles, dict) and profiles else "none"
        raise UsageError(Diagnostic("R0702", f"there is no profile `{name}` in {path}", hint=f"it has: {known}"))
    return _values(profiles[name], path, f"tool.rasp.profile.{name}")


def _values(table: Mapping[str, object], path: Path, where: str) -> dict[str, Value]:
    """The values of a table, each through its reader; paths are relative to the file."""
    found: dict[str, Value] = {}
    allowed = {_written(key): key for key in KEYS}
    for name, value in table.items():
        if name == "profile" and where == "tool.rasp":
            _check_profiles(value, path)
            continue
        if name not in allowed:
            near = get_close_matches(name, allowed, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(allowed)}"
            raise UsageError(Diagnostic("R0704", f"{path}: {where} has no key `{name}`", hint=hint))
        key = allowed[name]
        found[key] = _relative(key, _READERS[key](value, f"{path}: {where}.{name}"), path.parent)
    return found


def _check_profiles(profiles: object, path: Path) -> None:
    """Every profile is read, so that a mistake in one shows before the night in which it is used."""
    if not isinstance(profiles, dict) or not all(isinstance(one, dict) for one in profiles.values()):
        raise UsageError(Diagnostic("R0703", f"{path}: tool.rasp.profile holds tables"))
    for name, table in profiles.items():
        _values(table, path, f"tool.rasp.profile.{name}")


def _relative(key: str, value: Value, folder: Path) -> Value:
    """A path in a file is meant from the folder of that file."""
    match key, value:
        case (("cache" | "save_tests" | "save_proofs"), str()):
            return _from(folder, value)
        case "targets", tuple():
            return tuple(_from(folder, one) for one in value)
        case "output", tuple():
            parts = [one.rpartition(":") for one in value]
            return tuple(f"{form}{colon}{_from(folder, path)}" for form, colon, path in parts)
        case _:
            return value


def _from(folder: Path, path: str) -> str:
    return path if Path(path).is_absolute() else os.path.relpath(folder / path)


def _from_text(key: str, text: str) -> Value:
    """The value of a variable of the environment."""
    where = f"RASP_{key.upper()}"
    if key in _LISTS:
        return _READERS[key]([part.strip() for part in text.split(",")], where)
    if key in _NUMBERS:
        try:
            return _READERS[key](float(text) if key in ("wall", "kill_after") else int(text), where)
        except ValueError:
            raise _wrong(where, "a number") from None
    if key in _SWITCHES:
        return _READERS[key]({"true": True, "false": False}.get(text.lower()), where)
    return _READERS[key](text, where)
