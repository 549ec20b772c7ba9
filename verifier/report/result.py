"""What is reported about one property, and how it crosses a process boundary: as JSON, never as pickled objects.

A `Result` is a verdict with the question it answers, in words and places that a person or a file can hold. `to_json`
and `from_json` are inverse; `from_json` goes through the constructors of the verdicts, so that a forged `proved` is
refused there as well.
"""

from dataclasses import dataclass
from typing import Final, assert_never

from spec.diagnostics import Diagnostic, InternalError
from spec.property.ast import Expected
from spec.property.scope import Integers, Scope
from spec.serialize import Malformed, atom_json, read_atom
from spec.values import Numbers
from verifier.engine import Evidence, Listing, Reason
from verifier.report.data import Json, at_least, boolean, integer, items, number, record, string
from verifier.report.trace import Trace, read_trace, trace_json
from verifier.verdict import (
    Closed,
    EveryLength,
    Exit,
    Failed,
    Proved,
    Refuted,
    States,
    Unknown,
    Vacuous,
    Verdict,
    Witness,
    exit_code,
)

__all__ = ["Json", "Result", "from_json", "to_json", "verdict_name"]

VERDICT_NAMES: Final[dict[type[Verdict], str]] = {
    Proved: "proved",
    Refuted: "refuted",
    Vacuous: "vacuous",
    Unknown: "unknown",
    Failed: "error",
}


KINDS: Final = (
    "ensures",
    "equiv",
    "accepts",
    "invariant",
    "causal",
    "cover",
    "example",
    "arch",
    "no_error",
    "numbers_agree",
)
"""The kinds of claim, as they are reported."""


@dataclass(frozen=True)
class Result:
    """The answer to one property of one program; `line` and `column` are where the property is written.

    That is in `file`, the program, unless `written` names another file. `table` and `trace` show the run of a
    counterexample.
    """

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
    written: str | None = None
    table: str | None = None
    trace: Trace | None = None

    @property
    def id(self) -> str:
        """`FILE::NAME`, by which it can be asked for again."""
        return f"{self.file}::{self.name}"

    @property
    def place(self) -> str:
        """The file that the property is written in."""
        return self.written or self.file

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said about a proof, though it is one."""
        return self.verdict.warnings if isinstance(self.verdict, Proved) else ()

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
        "written": result.written,
        "table": result.table,
        "trace": None if result.trace is None else trace_json(result.trace),
        **_verdict_json(result.verdict),
    }


def _verdict_json(verdict: Verdict) -> dict[str, Json]:
    match verdict:
        case Proved() as proved:
            return {
                "closed": closed_json(proved.closed),
                "witness": _witness_json(proved.witness),
                "structural": proved.structural,
                "every": _every_json(proved.every),
                "warnings": list(proved.warnings),
                "notes": list(proved.notes),
                "others": _listing_json(proved.others),
            }
        case Refuted(witness=witness, closed=closed, detail=detail):
            return {"closed": closed_json(closed), "witness": _witness_json(witness), "detail": detail}
        case Vacuous(closed=closed, detail=detail):
            return {"closed": closed_json(closed), "detail": detail}
        case Unknown(reason=reason, detail=detail, closed=closed, undecided=undecided):
            lengths: list[Json] = list(undecided)
            return {
                "closed": closed_json(closed),
                "reason": reason.value,
                "detail": detail,
                "undecided": lengths,
            }
        case Failed(diagnostics=diagnostics):
            return {"messages": [diagnostic_json(diagnostic) for diagnostic in diagnostics]}
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


def closed_json(closed: tuple[Closed, ...]) -> list[Json]:
    """Lengths and their evidence as JSON data."""
    return [
        {
            "n": one.length,
            "by": one.evidence.by,
            "detail": one.evidence.detail,
            "inputs": None if one.evidence.inputs is None else str(one.evidence.inputs),
            "steps": one.evidence.steps,
            "checked_by": list(one.evidence.checked_by),
            "kept": one.evidence.kept,
            "reductions": list(one.evidence.reductions),
            "proof": one.evidence.proof,
        }
        for one in closed
    ]


def _listing_json(listing: Listing | None) -> Json:
    if listing is None:
        return None
    words: list[Json] = [[atom_json(atom) for atom in word] for word in listing.words]
    return {"inputs": words, "complete": listing.complete, "stopped": listing.stopped}


def _every_json(every: EveryLength | None) -> Json:
    if every is None:
        return None
    return {
        "method": every.method,
        "invariant": list(every.invariant),
        "obligations": every.obligations,
        "checked_by": list(every.checked_by),
        "states": None if every.states is None else _states_json(every.states),
    }


def _states_json(states: States) -> dict[str, Json]:
    return {"number": states.number, "deepest": states.deepest, "complete": states.complete}


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


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Json]:
    """A diagnostic with its place in words, since a span is nothing without its source."""
    place = None if diagnostic.span is None else diagnostic.span.location
    return {"code": diagnostic.code, "message": diagnostic.message, "place": place, "hint": diagnostic.hint}


# ------------------------------------------------------------------------------------------------ reading


def from_json(data: dict[str, Json]) -> Result:
    """The result that `to_json` wrote; anything else is an `InternalError`, since only this tool writes them."""
    try:
        return Result(
            file=string(data["file"]),
            line=at_least(1, integer(data["line"])),
            column=at_least(1, integer(data["column"])),
            name=string(data["name"]),
            kind=KINDS[KINDS.index(string(data["kind"]))],
            text=string(data["text"]),
            scope=_scope(record(data["scope"])),
            verdict=_verdict(data),
            expected=Expected(data["expect"]),
            seconds=at_least(0, number(data["seconds"])),
            written=None if data["written"] is None else string(data["written"]),
            table=None if data["table"] is None else string(data["table"]),
            trace=None if data["trace"] is None else read_trace(data["trace"]),
        )
    except (KeyError, ValueError, TypeError, Malformed) as error:
        raise InternalError(f"a result that cannot be read: {error!r}") from error


def _verdict(data: dict[str, Json]) -> Verdict:
    match data["verdict"]:
        case "proved":
            return Proved(
                scope=_scope(record(data["scope"])),
                closed=_closed(data),
                witness=_witness(data["witness"]),
                structural=string(data["structural"]),
                warnings=tuple(map(string, items(data["warnings"]))),
                notes=tuple(map(string, items(data["notes"]))),
                others=_listing(data["others"]),
                every=_every(data["every"]),
            )
        case "refuted":
            return Refuted(_witness(data["witness"]), _closed(data), string(data["detail"]))
        case "vacuous":
            return Vacuous(_closed(data), string(data["detail"]))
        case "unknown":
            undecided = tuple(at_least(0, integer(length)) for length in items(data["undecided"]))
            return Unknown(Reason(data["reason"]), string(data["detail"]), _closed(data), undecided)
        case "error":
            messages = items(data["messages"])
            return Failed(tuple(read_diagnostic(record(messages[i])) for i in range(at_least(1, len(messages)))))
        case other:
            raise ValueError(f"{other!r} is no verdict")


def read_diagnostic(data: dict[str, Json]) -> Diagnostic:
    """What `diagnostic_json` wrote, with the place as a part of the message."""
    place, hint = data["place"], data["hint"]
    message = string(data["message"]) if place is None else f"{string(place)}: {string(data['message'])}"
    return Diagnostic(string(data["code"]), message, hint=None if hint is None else string(hint))


def _scope(data: dict[str, Json]) -> Scope:
    alphabet = data["alphabet"]
    symbols = (
        Integers(_decimal(alphabet["low"]), _decimal(alphabet["high"]))
        if isinstance(alphabet, dict)
        else tuple(map(read_atom, items(alphabet)))
    )
    high = None if data["high"] is None else integer(data["high"])
    return Scope(integer(data["low"]), high, symbols, Numbers(data["numbers"]))


def _closed(data: dict[str, Json]) -> tuple[Closed, ...]:
    return tuple(read_closed(record(one)) for one in items(data["closed"]))


def read_closed(data: dict[str, Json]) -> Closed:
    """One of the lengths that `closed_json` wrote."""
    steps = None if data["steps"] is None else integer(data["steps"])
    checked, reductions = (tuple(map(string, items(data[key]))) for key in ("checked_by", "reductions"))
    inputs, kept = _decimal(data["inputs"]), boolean(data["kept"])
    proof = None if data["proof"] is None else string(data["proof"])
    evidence = Evidence(string(data["by"]), string(data["detail"]), inputs, steps, checked, kept, reductions, proof)
    return Closed(at_least(1, integer(data["n"])), evidence)


def _listing(data: Json) -> Listing | None:
    if data is None:
        return None
    found = record(data)
    words = tuple(tuple(map(read_atom, items(word))) for word in items(found["inputs"]))
    return Listing(words, boolean(found["complete"]), string(found["stopped"]))


def _every(data: Json) -> EveryLength | None:
    if data is None:
        return None
    found = record(data)
    invariant, checked = (tuple(map(string, items(found[key]))) for key in ("invariant", "checked_by"))
    states = _states(found.get("states"))
    return EveryLength(string(found["method"]), invariant, integer(found["obligations"]), checked, states)


def _states(data: Json) -> States | None:
    if data is None:
        return None
    found = record(data)
    many, deepest, complete = (integer(found[key]) for key in ("number", "deepest", "complete"))
    return States(at_least(1, many), at_least(0, deepest), at_least(0, complete))


def _witness(data: Json) -> Witness | None:
    if data is None:
        return None
    found = record(data)
    word = tuple(map(read_atom, items(found["input"])))
    at = None if found["at"] is None else at_least(0, integer(found["at"]))
    unique = None if found["unique"] is None else boolean(found["unique"])
    replayed = tuple(map(string, items(found["replayed_by"])))
    return Witness(word, string(found["explanation"]), at, boolean(found["least"]), unique, replayed)


def _decimal(value: Json) -> int | None:
    """A number of inputs, or an end of a range: decimal digits, since it may be long; `null` for none."""
    return None if value is None else int(string(value))
