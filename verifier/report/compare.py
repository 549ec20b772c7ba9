"""What changed between two runs: what a reviewer needs to see beside a change of a program."""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Final, assert_never

from spec.property.scope import Scope
from spec.source import printable
from verifier.report.data import Json
from verifier.report.document import Document
from verifier.report.escape import markdown
from verifier.report.junit import evidence
from verifier.report.result import Result
from verifier.report.text import counted, headline
from verifier.verdict import Failed, Proved, Refuted, Unknown, Vacuous, as_expected

FORMATS: Final = ("text", "markdown", "json")


class Kind(Enum):
    """What happened to a property."""

    SAME = "same"
    NEW = "new"
    GONE = "gone"
    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"


@dataclass(frozen=True)
class Change:
    """One property in both runs; at least one side is there."""

    id: str
    kind: Kind
    before: Result | None
    after: Result | None

    @property
    def worse(self) -> bool:
        """Whether a reviewer should be stopped: less is known than before, or something new fails."""
        match self.kind:
            case Kind.WORSE | Kind.GONE:
                return True
            case Kind.NEW:
                return self.after is not None and not as_expected(self.after.verdict, self.after.expected)
            case Kind.SAME | Kind.BETTER | Kind.CHANGED:
                return False
        assert_never(self.kind)

    @property
    def what(self) -> str:
        """`PROVED n ≤ 8 → REFUTED n = 3`."""
        sides = ["none" if side is None else headline(side) for side in (self.before, self.after)]
        return sides[0] if sides[0] == sides[1] else " → ".join(sides)


def compare(base: Document, head: Document) -> list[Change]:
    """Every property of either run, those that changed first."""
    before, after = ({result.id: result for result in run.ordered} for run in (base, head))
    changes = [_change(key, before.get(key), after.get(key)) for key in {**after, **before}]
    order = [Kind.WORSE, Kind.GONE, Kind.CHANGED, Kind.NEW, Kind.BETTER, Kind.SAME]
    return sorted(changes, key=lambda change: order.index(change.kind))


def _change(key: str, before: Result | None, after: Result | None) -> Change:
    if before is None:
        return Change(key, Kind.NEW, before, after)
    if after is None:
        return Change(key, Kind.GONE, before, after)
    old, new = _rank(before), _rank(after)
    if old != new:
        return Change(key, Kind.BETTER if new > old else Kind.WORSE, before, after)
    if before.text != after.text or before.kind != after.kind:
        return Change(key, Kind.CHANGED, before, after)
    return Change(key, _bounds(before, after), before, after)


def _rank(result: Result) -> int:
    """As expected, or how far from it."""
    if as_expected(result.verdict, result.expected):
        return 4
    match result.verdict:
        case Unknown():
            return 3
        case Vacuous():
            return 2
        case Proved() | Refuted():
            return 1
        case Failed():
            return 0
    assert_never(result.verdict)


def _bounds(before: Result, after: Result) -> Kind:
    """Whether the same verdict covers less, or rests on less, than before."""
    if before.scope != after.scope:
        if _within(after.scope, before.scope):
            return Kind.WORSE
        return Kind.BETTER if _within(before.scope, after.scope) else Kind.CHANGED
    closed = [len(getattr(side.verdict, "closed", ())) for side in (before, after)]
    if isinstance(after.verdict, Unknown) and closed[0] != closed[1]:
        return Kind.BETTER if closed[1] > closed[0] else Kind.WORSE
    checkers = [_checkers(side) for side in (before, after)]
    if checkers[0] == checkers[1]:
        return Kind.SAME
    return Kind.WORSE if checkers[1] < checkers[0] else Kind.BETTER if checkers[0] < checkers[1] else Kind.CHANGED


def _within(inner: Scope, outer: Scope) -> bool:
    """Whether every input of one scope clearly is one of the other."""
    lengths = inner.low >= outer.low and (outer.high is None or (inner.high is not None and inner.high <= outer.high))
    if not lengths or inner.numbers is not outer.numbers:
        return False
    if inner.alphabet == outer.alphabet:
        return True
    return inner.finite and isinstance(inner.alphabet, tuple) and all(map(outer.has_symbol, inner.alphabet))


def _checkers(result: Result) -> frozenset[str]:
    """Who checked every length that is closed, or the proof for all of them."""
    closed = getattr(result.verdict, "closed", ())
    named = [frozenset(one.evidence.checked_by) for one in closed]
    if isinstance(result.verdict, Proved) and result.verdict.every is not None:
        named = [frozenset(result.verdict.every.checked_by)]
    return frozenset.intersection(*named) if named else frozenset()


# ------------------------------------------------------------------------------------------------ showing


def shown(changes: list[Change], form: str) -> str:
    """The changes in a format; text leaves out what is the same."""
    if form == "json":
        return json.dumps([_json(change) for change in changes], indent=1) + "\n"
    if form == "markdown":
        return _markdown(changes)
    changed = [change for change in changes if change.kind is not Kind.SAME]
    lines = [f"{change.kind.value:<8} {printable(change.id)}  {change.what}" for change in changed]
    same = len(changes) - len(changed)
    return "\n".join([*lines, f"{counted(same, 'property is', 'properties are')} as before"]) + "\n"


def _json(change: Change) -> Json:
    return {"id": change.id, "change": change.kind.value, "worse": change.worse, "what": change.what}


def _markdown(changes: list[Change]) -> str:
    lines = ["| property | verdict | evidence | change since base |", "|---|---|---|---|"]
    for change in changes:
        side = change.after or change.before
        assert side is not None
        word = f"**{change.kind.value}**" if change.worse else change.kind.value
        lines.append(f"| {markdown(change.id)} | {change.what} | {markdown(evidence(side))} | {word} |")
    return "\n".join(lines) + "\n"
