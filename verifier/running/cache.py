"""Answers that are kept: what an engine said to a question, under the question itself.

The key is a hash of the query as data, of the choice of engine, and of everything that answers: the code of this tool
and the exact versions of the solvers. Programs are always elaborated and translated anew, so a cache can only be wrong
about the answer to a question, never about which question a program poses. What is not decided is not kept.

    use      look up, and keep what is new; every 32nd answer "no such input" is asked for again
    read     the same, but nothing is kept: for runs that strangers can start
    frozen   an answer that is not there is not looked for either: the property is undecided
    verify   ask again each time, and compare

An input found earlier is replayed in the interpreter like one that was just found. When an answer kept differs from the
one found, that ends the run as every contradiction does. Entries are JSON, and one that cannot be read does not exist.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final, get_args

import spec
import verifier
from spec.diagnostics import InternalError, UsageError
from spec.property.scope import Integers
from spec.serialize import Malformed, atom_json, read_atom
from verifier.engine import Evidence, Limits, Proofs, Query, Reason, Sat, Undecided, Unsat
from verifier.portfolio import Finding, decide
from verifier.question.terms import Term, operands
from verifier.report.data import Json, boolean, integer, items, read_json, record, string, write_text
from verifier.report.document import this_tool

FORMAT: Final = 1
SAMPLE: Final = 32
_DERIVED: Final = ("id", "kinds", "size", "risky")
_TERMS: Final = get_args(Term)


def answer(query: Query, choice: str, limits: Limits, folder: str | None, mode: str) -> Finding:
    """What `decide` says, or has said to the same question before."""
    if folder is None:
        return decide(query, choice, limits)
    key = query_key(query, choice, limits.proofs, limits.reductions)
    path = Path(folder) / key[:2] / f"{key}.json"
    kept = _kept(path, key)
    if kept is not None and not _checked_again(key, kept, mode):
        return kept
    if kept is None and mode == "frozen":
        return Finding(Undecided(Reason.UNSUPPORTED, "the cache is frozen and does not hold the answer"), "")
    found = decide(query, choice, limits)
    if kept is not None:
        _compare(kept, found, path)
        return kept if isinstance(found.answer, Undecided) else found
    if mode == "use" and not isinstance(found.answer, Undecided):
        write_text(path, json.dumps(_entry(key, found), indent=1) + "\n")
    return found


def _checked_again(key: str, kept: Finding, mode: str) -> bool:
    if mode == "verify":
        return True
    # An input speaks for itself when it is replayed; only its absence has to be believed.
    return mode != "frozen" and isinstance(kept.answer, Unsat) and int(key[:8], 16) % SAMPLE == 0


def _compare(kept: Finding, found: Finding, path: Path) -> None:
    if isinstance(found.answer, Undecided):
        return
    if isinstance(kept.answer, Unsat) is not isinstance(found.answer, Unsat):
        raise InternalError(f"{path} says {type(kept.answer).__name__}, {found.by} says {type(found.answer).__name__}")


# ------------------------------------------------------------------------------------------------ keys


def query_key(query: Query, choice: str, proofs: Proofs = Proofs.SAMPLE, reductions: bool = True) -> str:
    """The hash under which the answer to a query is kept; what has to be looked at and confirmed is a part of it."""
    tool = this_tool()
    solvers: dict[str, Json] = dict(tool.solvers)
    document: Json = {
        "format": FORMAT,
        "tool": _code(),
        "python": tool.python,
        "solvers": solvers,
        "engine": choice,
        "proofs": proofs.value,
        "reductions": reductions,
        "query": canonical(query),
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def canonical(query: Query) -> Json:
    """The query as data: equal for equal questions, in whatever order their terms were made."""
    number = _numbered(query.violation)
    terms: list[Json] = [_plain(term, number, inside=False) for term in number]
    alphabet: Json
    if isinstance(query.alphabet, Integers):
        alphabet = {"low": _plain(query.alphabet.low, {}), "high": _plain(query.alphabet.high, {})}
    else:
        alphabet = [atom_json(symbol) for symbol in query.alphabet]
    return {"length": query.length, "alphabet": alphabet, "terms": terms}


def _numbered(root: Term) -> dict[Term, int]:
    """The terms that the root is built from, numbered from left to right, operands first."""
    number: dict[Term, int] = {}
    stack: list[tuple[Term, bool]] = [(root, False)]
    while stack:
        term, ready = stack.pop()
        if term in number:
            continue
        if ready:
            number[term] = len(number)
        else:
            stack.append((term, True))
            stack.extend((operand, False) for operand in reversed(operands(term)))
    return number


def _plain(value: object, number: Mapping[Term, int], *, inside: bool = True) -> Json:
    """A part of a term as data; each kind of part looks different."""
    if isinstance(value, _TERMS) and inside:
        return {"term": number[value]}
    members: list[Json]
    match value:
        case None:
            return None
        case Enum():
            return {"member": f"{type(value).__name__}.{value.name}"}
        case bool() | int() | str() | float() | Fraction():
            return atom_json(value)
        case tuple():
            return [_plain(item, number) for item in value]
        case frozenset():
            members = [*sorted(json.dumps(_plain(item, number), sort_keys=True) for item in value)]
            return {"set": members}
        case _:
            pass
    if is_dataclass(value) and not isinstance(value, type):
        derived = _DERIVED if isinstance(value, _TERMS) else ()
        parts = [field.name for field in fields(value) if field.name not in derived]
        return {type(value).__name__: {name: _plain(getattr(value, name), number) for name in parts}}
    raise InternalError(f"a query holds a {type(value).__name__}")


@cache
def _code() -> str:
    """The version of this tool, and a hash of its code: a version says nothing while the code is being changed."""
    total = hashlib.sha256()
    for package in (spec, verifier):
        root = Path(package.__file__ or "").parent
        for path in sorted(root.rglob("*.py")):
            total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{verifier.__version__} {total.hexdigest()}"


# ------------------------------------------------------------------------------------------------ entries


def _entry(key: str, found: Finding) -> Json:
    entry: dict[str, Json] = {"format": FORMAT, "key": key, "by": found.by, "unique": found.unique}
    match found.answer:
        case Unsat(evidence=evidence):
            checked: list[Json] = list(evidence.checked_by)
            reductions: list[Json] = list(evidence.reductions)
            return {
                **entry,
                "answer": "unsat",
                "evidence": {
                    "by": evidence.by,
                    "detail": evidence.detail,
                    "inputs": None if evidence.inputs is None else str(evidence.inputs),
                    "steps": evidence.steps,
                    "checked_by": checked,
                    "reductions": reductions,
                },
            }
        case Sat(word=word, least=least):
            return {**entry, "answer": "sat", "word": [atom_json(atom) for atom in word], "least": least}
        case Undecided():
            raise InternalError("what is not decided is not kept")


def _kept(path: Path, key: str) -> Finding | None:
    """The entry, if there is a whole one for this very key."""
    try:
        data = record(read_json(path))
        if data["format"] != FORMAT or data["key"] != key:
            return None
        unique = None if data["unique"] is None else boolean(data["unique"])
        if data["answer"] == "sat":
            word = tuple(map(read_atom, items(data["word"])))
            return Finding(Sat(word, boolean(data["least"])), string(data["by"]), unique)
        return Finding(Unsat(_evidence(record(data["evidence"]))), string(data["by"]))
    except (UsageError, KeyError, TypeError, ValueError, Malformed):
        return None


def _evidence(data: dict[str, Json]) -> Evidence:
    inputs = None if data["inputs"] is None else int(string(data["inputs"]))
    steps = None if data["steps"] is None else integer(data["steps"])
    checked, reductions = (tuple(map(string, items(data[key]))) for key in ("checked_by", "reductions"))
    return Evidence(string(data["by"]), string(data["detail"]), inputs, steps, checked, True, reductions)
