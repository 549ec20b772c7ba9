"""Results for people: one line for each property, and what a counterexample looks like."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, assert_never

from spec.property.ast import Expected
from spec.property.scope import Scope
from spec.source import printable
from spec.values import Atom, Numbers
from verifier.report.document import Document, RunState, run_exit
from verifier.report.result import Result, verdict_name
from verifier.report.table import atom_text
from verifier.verdict import Closed, EveryLength, Exit, Failed, Proved, Refuted, Unknown, Vacuous, Witness, as_expected

_LONGEST_CLAIM: Final = 400


def line(result: Result) -> str:
    """`PROVED n ≤ 8  sort.rasp:12 ordered: forall ..`."""
    mark = ""
    if result.expected is not Expected.PROVED:
        met = as_expected(result.verdict, result.expected)
        mark = "  [as expected]" if met else f"  [expected {result.expected.value}]"
    bound = headline(result)
    return f"{bound:<18} {printable(result.place)}:{result.line}  {printable(result.name)}: {_brief(result.text)}{mark}"


def _brief(text: str) -> str:
    """The claim, printable, and cut where nobody would read on."""
    return printable(text if len(text) <= _LONGEST_CLAIM else f"{text[:_LONGEST_CLAIM]} ..")


def headline(result: Result) -> str:
    """The verdict and its bound, which belong together."""
    match result.verdict:
        case Proved(witness=Witness(word=word)):
            return f"PROVED n = {len(word)}"
        case Proved(structural=structural) if structural:
            return "PROVED"
        case Proved(scope=scope, every=every) if every is not None:
            return "PROVED all n" if scope.low <= 1 else f"PROVED all n ≥ {scope.low}"
        case Proved(scope=scope):
            return f"PROVED {bound_text(scope)}"
        case Refuted(witness=Witness(word=word)):
            return f"REFUTED n = {len(word)}"
        case Refuted():
            return "REFUTED"
        case Vacuous():
            return "VACUOUS"
        case Unknown():
            return "UNKNOWN"
        case Failed():
            return "ERROR"
    assert_never(result.verdict)


def bound_text(scope: Scope) -> str:
    """`n ≤ 8`, `n = 3..8`, `n = 4`."""
    if scope.low == scope.high:
        return f"n = {scope.low}"
    return f"n ≤ {scope.high}" if scope.low <= 1 else f"n = {scope.low}..{scope.high}"


def details(result: Result, *, verbose: bool = False) -> list[str]:
    """What stands below the line: evidence when asked for, reasons and counterexamples always."""
    return [printable(shown) for shown in _details(result, verbose)]


def _details(result: Result, verbose: bool) -> list[str]:
    verdict = result.verdict
    match verdict:
        case Proved(closed=closed, witness=witness, structural=structural, warnings=warnings, notes=notes, every=every):
            shown = [f"warning   {warning}" for warning in warnings]
            if not verbose:
                return shown
            if witness is not None:
                shown.append(f"witness   {word_text(witness.word)}")
            if structural:
                shown.append(f"evidence  {structural}")
            shown += [*_scope_lines(result), *_evidence(closed), *_for_every_length(every)]
            return [*shown, *(f"note      {note}" for note in notes)]
        case Refuted(witness=witness, detail=detail):
            shown = [detail] if detail else []
            return [*shown, *(_counterexample(result, witness) if witness else [])]
        case Vacuous(detail=detail):
            return [f"reason    {detail}", *(_scope_lines(result) if verbose else [])]
        case Unknown(reason=reason, detail=detail, closed=closed, undecided=undecided):
            proved = f"proved {lengths_text([one.length for one in closed])}; " if closed else ""
            open_ = f"undecided {lengths_text(undecided)}: " if undecided else ""
            return [f"reason    {proved}{open_}{reason.value}{f' ({detail})' if detail else ''}"]
        case Failed(diagnostics=diagnostics):
            return [text for diagnostic in diagnostics for text in diagnostic.render().splitlines()]
    assert_never(verdict)


def lengths_text(lengths: Sequence[int]) -> str:
    """`n = 1..6, 9`."""
    runs: list[list[int]] = []
    for length in sorted(lengths):
        if runs and length == runs[-1][1] + 1:
            runs[-1][1] = length
        else:
            runs.append([length, length])
    return "n = " + ", ".join(str(a) if a == b else f"{a}..{b}" for a, b in runs)


def word_text(word: Sequence[Atom]) -> str:
    """An input as `rasp run` takes it back: characters, or a list."""
    if word and all(isinstance(atom, str) and len(atom) == 1 and atom.isprintable() for atom in word):
        text = "".join(map(str, word))
        if text.strip() == text and not text.startswith("["):
            return text
    return "[" + ", ".join(f'"{atom_text(a)}"' if isinstance(a, str) else atom_text(a) for a in word) + "]"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def plain(document: Document) -> str:
    """The whole run, as the command line prints it with `--verbose`."""
    shown = [line for problem in document.problems for line in problem.render().splitlines()]
    for result in document.ordered:
        shown.append(line(result))
        shown += [f"    {text}" for text in details(result, verbose=True)]
    return "\n".join([*shown, *summary(document)]) + "\n"


def summary(document: Document) -> list[str]:
    """The last lines: counts, and whether the run is what the contracts announced."""
    results = document.results
    counts = Counter(verdict_name(result.verdict) for result in results)
    names = [name for name in ("proved", "refuted", "vacuous", "unknown", "error") if counts[name]]
    announced = sum(
        as_expected(result.verdict, result.expected) and result.expected.value != "proved" for result in results
    )
    parts = ", ".join(f"{counts[name]} {name}" for name in names) or (
        "nothing decided" if document.problems or document.stopped is not None else "nothing selected"
    )
    expected = f" ({announced} of them announced by `expect`)" if announced else ""
    files = len({result.file for result in results})
    last = (
        f"{counted(len(results), 'property', 'properties')} of {counted(files, 'file')}: "
        f"{parts}{expected}; {document.seconds:.1f} s"
    )
    problems = counted(len(document.problems), "problem")
    unread = [f"{problems} kept properties from being checked"] if document.problems else []
    return [last, *unread, closing(document)]


def closing(document: Document) -> str:
    """The last line. `OK` is only for a run in which everything came out as expected."""
    if document.state is RunState.INCOMPLETE:
        return "NOT FINISHED"
    if document.stopped is not None:
        return "INTERNAL ERROR" if document.stopped == Exit.INTERNAL else "INTERRUPTED"
    code = run_exit(document.results, len(document.problems), frozenset(), document.strict)
    match code:
        case Exit.EXPECTED:
            whole = document.state is RunState.COMPLETE
            return "OK: every property came out as expected" if whole else f"OK: part {document.shard} of the run"
        case Exit.REFUTED:
            return "FAILED: a verdict is not the expected one"
        case Exit.UNKNOWN:
            return "COMPLETED WITH UNKNOWNS"
        case Exit.VACUOUS if not any(isinstance(result.verdict, Vacuous) for result in document.results):
            return "FAILED: a proof has a warning" if document.exit else "COMPLETED WITH WARNINGS"
        case Exit.VACUOUS:
            return "FAILED: a property is vacuous" if document.exit else "COMPLETED WITH VACUOUS PROPERTIES"
        case Exit.USAGE:
            return "FAILED: a property could not be checked"
        case Exit.NOTHING:
            return "NOTHING SELECTED"
        case Exit.INTERNAL:
            return "INTERNAL ERROR"
    assert_never(code)


# ------------------------------------------------------------------------------------------------ parts


def _counterexample(result: Result, witness: Witness) -> list[str]:
    what = []
    if witness.least:
        what.append("shortest, and first in alphabet order")
    if witness.unique is not None:
        what.append("the only one of its length" if witness.unique else "not the only one of its length")
    shown = [f"input     {word_text(witness.word)}{'   (' + '; '.join(what) + ')' if what else ''}"]
    shown.append(f"because   {witness.explanation}")
    if result.scope.numbers is Numbers.IEEE:
        shown.append("numbers   IEEE doubles, in the order of operations of the reference")
    if result.table:
        shown.extend(result.table.splitlines())
    return shown


def _scope_lines(result: Result) -> list[str]:
    inputs = "" if result.scope.total is None else f"  ({result.scope.total} inputs)"
    return [f"scope     {result.scope}{inputs}"]


def _for_every_length(every: EveryLength | None) -> list[str]:
    if every is None:
        return []
    shown = [f"evidence  all lengths: {every.method}, {every.obligations} obligations"]
    if every.states is not None:
        shown.append(f"states    every length: {every.states}")
    shown += [f"invariant {formula}" for formula in every.invariant]
    return [*shown, *(f"checked   {checked}" for checked in every.checked_by)]


def _evidence(closed: Sequence[Closed]) -> list[str]:
    """One line for each engine and the lengths it closed, and why the inputs it looked at are enough."""
    by: dict[tuple[str, tuple[str, ...]], list[Closed]] = {}
    for one in closed:
        by.setdefault((one.evidence.by, one.evidence.checked_by), []).append(one)
    shown = []
    for (engine, checked), ones in by.items():
        inputs = sum(one.evidence.inputs or 0 for one in ones)
        counted = f", {inputs} inputs" if inputs else ""
        kept = sum(one.evidence.kept for one in ones)
        again = f"; checked by {', '.join(checked)}" if checked else ""
        earlier = f"; {kept} of {len(ones)} answers kept from an earlier run" if kept else ""
        shown.append(f"evidence  {engine}: {lengths_text([one.length for one in ones])}{counted}{again}{earlier}")
    shown += [f"reduced   {why}" for why in dict.fromkeys(why for one in closed for why in one.evidence.reductions)]
    return shown
