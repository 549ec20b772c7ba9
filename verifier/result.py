"""What is reported about one property, and how it crosses a process boundary: as JSON, never as pickled objects.

A `Result` is a verdict with the question it answers, in words and places that a person or a file can hold. `to_json`
and `from_json` are inverse; `from_json` goes through the constructors of the verdicts, so that a forged `proved` is
refused there as well.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from spec.diagnostics import Diagnostic, InternalError
from spec.property.ast import Expected
from spec.property.scope import Integers, Scope
from spec.serialize import atom_json, read_atom
from spec.values import Numbers
from verifier.engine import Evidence, Reason
from verifier.verdict import Closed, Exit, Failed, Proved, Refuted, Unknown, Vacuous, Verdict, Witness, exit_code

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

VERDICT_NAMES: Final[dict[type[Verdict], str]] = {
    Proved: "proved",
    Refuted: "refuted",
    Vacuous: "vacuous",
    Unknown: "unknown",
    Failed: "error",
}


@dataclass(frozen=True)
class Result:
    """The answer to one property of one file."""

    file: str
    line: int
    column: int
    name: str
    kind: str
    text: str
    scope: Scope
    verdict: Verdict
    expected: Expected = Expected.PROVED
    seconds: float = 0.0
    table: str | None = None

    @property
    def id(self) -> str:
        """`FILE::NAME`, by which it can be asked for again."""
        return f"{self.file}::{self.name}"

    @property
    def exit(self) -> Exit:
        """What this result alone makes of the run."""
        return exit_code(self.verdict, self.expected)


def verdict_name(verdict: Verdict) -> str:
    """The word for a verdict."""
    return VERDICT_NAMES[type(verdict)]


# ------------------------------------------------------------------------------------------------ writing


def to_json(result: Result) -> dict[str, Json]:
    """The result as JSON data."""
    return {
        "id": result.id,
        "file": result.file,
        "line": result.line,
        "column": result.column,
        "name": result.name,
        "kind": result.kind,
        "text": result.text,
        "scope": _scope_json(result.scope),
        "verdict": verdict_name(result.verdict),
        "expect": result.expected.value,
        "seconds": round(result.seconds, 6),
        "table": result.table,
        **_verdict_json(result.verdict),
    }


def _verdict_json(verdict: Verdict) -> dict[str, Json]:
    match verdict:
        case Proved(closed=closed, witness=witness, structural=structural, warnings=warnings):
            return {
                "closed": _closed_json(closed),
                "witness": _witness_json(witness),
                "structural": structural,
                "warnings": list(warnings),
            }
        case Refuted(witness=witness, closed=closed, detail=detail):
            return {"closed": _closed_json(closed), "witness": _witness_json(witness), "detail": detail}
        case Vacuous(closed=closed, detail=detail):
            return {"closed": _closed_json(closed), "detail": detail}
        case Unknown(reason=reason, detail=detail, closed=closed, undecided=undecided):
            lengths: list[Json] = list(undecided)
            return {
                "closed": _closed_json(closed),
                "reason": reason.value,
                "detail": detail,
                "undecided": lengths,
            }
        case Failed(diagnostics=diagnostics):
            return {"messages": [diagnostic.render() for diagnostic in diagnostics]}
    assert_never(verdict)


def _scope_json(scope: Scope) -> dict[str, Json]:
    alphabet: Json
    match scope.alphabet:
        case Integers(low, high):
            alphabet = {"low": None if low is None else str(low), "high": None if high is None else str(high)}
        case symbols:
            alphabet = [atom_json(symbol) for symbol in symbols]
    inputs = None if scope.total is None else str(scope.total)
    return {
        "low": scope.low,
        "high": scope.high,
        "alphabet": alphabet,
        "numbers": scope.numbers.value,
        "inputs": inputs,
    }


def _closed_json(closed: tuple[Closed, ...]) -> list[Json]:
    return [
        {
            "n": one.length,
            "by": one.evidence.by,
            "detail": one.evidence.detail,
            "inputs": None if one.evidence.inputs is None else str(one.evidence.inputs),
            "steps": one.evidence.steps,
            "checked_by": list(one.evidence.checked_by),
        }
        for one in closed
    ]


def _witness_json(witness: Witness | None) -> Json:
    if witness is None:
        return None
    return {
        "input": [atom_json(atom) for atom in witness.word],
        "explanation": witness.explanation,
        "at": witness.at,
        "least": witness.least,
        "unique": witness.unique,
        "replayed_by": list(witness.replayed_by),
    }


# ------------------------------------------------------------------------------------------------ reading


def from_json(data: dict[str, Json]) -> Result:
    """The result that `to_json` wrote; anything else is an `InternalError`, since only this tool writes them."""
    try:
        return Result(
            file=_text(data["file"]),
            line=_int(data["line"]),
            column=_int(data["column"]),
            name=_text(data["name"]),
            kind=_text(data["kind"]),
            text=_text(data["text"]),
            scope=_scope(_object(data["scope"])),
            verdict=_verdict(data),
            expected=Expected(data["expect"]),
            seconds=float(_text(str(data["seconds"]))),
            table=None if data["table"] is None else _text(data["table"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InternalError(f"a result that cannot be read: {error!r}") from error


def _verdict(data: dict[str, Json]) -> Verdict:
    match data["verdict"]:
        case "proved":
            warnings = tuple(map(_text, _list(data["warnings"])))
            scope, structural = _scope(_object(data["scope"])), _text(data["structural"])
            return Proved(scope, _closed(data), _witness(data["witness"]), structural, warnings)
        case "refuted":
            return Refuted(_witness(data["witness"]), _closed(data), _text(data["detail"]))
        case "vacuous":
            return Vacuous(_closed(data), _text(data["detail"]))
        case "unknown":
            undecided = tuple(map(_int, _list(data["undecided"])))
            return Unknown(Reason(data["reason"]), _text(data["detail"]), _closed(data), undecided)
        case "error":
            return Failed(tuple(Diagnostic("R0500", _text(message)) for message in _list(data["messages"])))
        case other:
            raise ValueError(f"{other!r} is no verdict")


def _scope(data: dict[str, Json]) -> Scope:
    alphabet = data["alphabet"]
    symbols = (
        Integers(_optional_int(alphabet["low"]), _optional_int(alphabet["high"]))
        if isinstance(alphabet, dict)
        else tuple(map(read_atom, _list(alphabet)))
    )
    high = None if data["high"] is None else _int(data["high"])
    return Scope(_int(data["low"]), high, symbols, Numbers(data["numbers"]))


def _closed(data: dict[str, Json]) -> tuple[Closed, ...]:
    return tuple(_one_closed(_object(one)) for one in _list(data["closed"]))


def _one_closed(data: dict[str, Json]) -> Closed:
    steps = None if data["steps"] is None else _int(data["steps"])
    checked = tuple(map(_text, _list(data["checked_by"])))
    evidence = Evidence(_text(data["by"]), _text(data["detail"]), _optional_int(data["inputs"]), steps, checked)
    return Closed(_int(data["n"]), evidence)


def _witness(data: Json) -> Witness | None:
    if data is None:
        return None
    found = _object(data)
    word = tuple(map(read_atom, _list(found["input"])))
    at = None if found["at"] is None else _int(found["at"])
    unique = found["unique"]
    if not isinstance(unique, bool | None):
        raise TypeError("`unique` is true, false or null")
    replayed = tuple(map(_text, _list(found["replayed_by"])))
    return Witness(word, _text(found["explanation"]), at, found["least"] is True, unique, replayed)


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _int(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no integer")
    return value


def _optional_int(value: Json) -> int | None:
    return None if value is None else int(_text(value))


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return value
