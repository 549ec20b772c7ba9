"""One HTML file for a run: no network, no fonts, no frames. A strict policy allows its own style and script, no other.

Nothing is said by colour alone: each cell has a sign, and each sign has words.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from verifier.report.document import VERDICTS, Document, RunState, summary
from verifier.report.flow import flow
from verifier.report.junit import evidence
from verifier.report.markup import Markup, element, join, void
from verifier.report.pictures import run as picture
from verifier.report.result import Result, verdict_name
from verifier.report.text import closing, details, headline
from verifier.verdict import Proved, Refuted, Unknown, Vacuous, Verdict, Witness, as_expected

MAX_LENGTHS: Final = 60
_DOT: Final = "\N{MIDDLE DOT}"
_SIGNS: Final = {"proved": "✓", "refuted": "✗", "vacuous": "∅", "unknown": "?", "error": "!"}
_LEGEND: Final = (
    "✓ every input covered",
    "✗ an input breaks it",
    "○ no input has what was asked for",
    "∅ no input meets the preconditions",
    "? not decided",
    "blank: not asked",
)
_HERE: Final = Path(__file__).parent


def page(documents: Sequence[Document], sections: Sequence[Markup] = ()) -> str:
    """The page for runs one after the other, and for other sections after them."""
    style, script = (_file(name) for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    head = join(
        void("meta", charset="utf-8"),
        void("meta", http_equiv="Content-Security-Policy", content=policy),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", "rasp: " + ("; ".join(map(closing, documents)) or "bounds")),
        # The style and the script are our own files: escaping them would change their hashes.
        Markup(f"<style>{style}</style>"),
    )
    body = join(
        *(_run(document, number) for number, document in enumerate(documents)),
        *([element("main", *sections)] if sections else []),
        Markup(f"<script>{script}</script>"),
    )
    return f"<!DOCTYPE html>\n{element('html', element('head', head), element('body', body), lang='en')}\n"


def fragment(results: Sequence[Result]) -> str:
    """Results for a notebook."""
    return framed(*(_property(result, None, None) for result in results))


def framed(*parts: str) -> Markup:
    """Parts of a page for a notebook: with the style, which is kept within a frame, and without the script."""
    style = _file("page.css").replace("body {", "& {").replace(":root", "&")
    return join(
        Markup(f"<style>.rasp {{ {style} & {{ padding: 0; margin: 0; }} .hint {{ display: none; }} }}</style>"),
        element("div", *parts, class_="rasp"),
    )


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _run(document: Document, number: int) -> Markup:
    counts = summary(document.results)
    tiles = [
        element("li", element("b", f"{_SIGNS[name]} {counts[name]}"), name, class_=name)
        for name in VERDICTS
        if counts[name] or name in ("proved", "refuted")
    ]
    versions = ", ".join(f"{name} {version}" for name, version in document.tool.solvers if version)
    facts = f"rasp {document.tool.version}, Python {document.tool.python}, {versions}; {document.seconds:.1f} s"
    toggle = element(
        "label", void("input", type="checkbox", id="only" if number == 0 else None), " only what is not as expected"
    )
    parts = [
        element("h1", closing(document)),
        element("p", facts, class_="soft"),
        element("ul", *tiles, class_="tiles"),
        *([] if document.state is RunState.COMPLETE else [element("p", f"This run is {document.state.value}.")]),
        *(element("pre", problem.render()) for problem in document.problems),
        element("p", toggle, element("span", "  keys: j and k go from property to property", class_="soft")),
        element("h2", "Proofs by length"),
        element("div", _grid(document.ordered, number), class_="scroll"),
        element("p", f" {_DOT} ".join(_LEGEND), class_="soft"),
    ]
    for file, results in groupby(document.ordered, key=lambda one: one.file):
        parts += [element("h2", file), *_of_file(list(results), number)]
    return element("main", *parts)


def _of_file(results: Sequence[Result], number: int) -> Iterable[Markup]:
    ordered = sorted(results, key=lambda one: as_expected(one.verdict, one.expected))
    drawn = next((one for one in ordered if isinstance(one.verdict, Refuted) and one.trace), ordered[0])
    for result in ordered:
        yield _property(result, _anchor(result, number), flow(drawn) if result is drawn else None)


# ------------------------------------------------------------------------------------------------ grid


def _grid(results: Sequence[Result], number: int) -> Markup:
    longest = min(MAX_LENGTHS, max((_last(one) for one in results), default=0))
    head = [element("th", str(n), scope="col") for n in range(1, longest + 1)]
    rows = []
    for result in results:
        link = element("a", f"{Path(result.file).name}::{result.name}", href=f"#{_anchor(result, number)}")
        cells = [_cell(result, n) for n in range(1, longest + 1)]
        expected = "expected" if as_expected(result.verdict, result.expected) else None
        sign = element("td", f"{_SIGNS[verdict_name(result.verdict)]} {headline(result)}")
        rows.append(element("tr", element("th", link, scope="row"), sign, *cells, class_=expected))
    top = element("tr", element("th", "property", scope="col"), element("th", "verdict", scope="col"), *head)
    return element("table", element("thead", top), element("tbody", *rows), class_="grid")


def _last(result: Result) -> int:
    closed: list[int] = [one.length for one in getattr(result.verdict, "closed", ())]
    word = [len(witness.word)] if (witness := _witness(result.verdict)) is not None else []
    high = 0 if result.scope.high is None else result.scope.high
    return max([high, *closed, *word])


def _witness(verdict: Verdict) -> Witness | None:
    match verdict:
        case Proved(witness=witness) | Refuted(witness=witness):
            return witness
        case _:
            return None


def _cell(result: Result, n: int) -> Markup:
    verdict = result.verdict
    witness = _witness(verdict)
    asked = result.kind == "cover"  # an input is asked for, so a closed length is one without
    by = {one.length: one.evidence for one in getattr(verdict, "closed", ())}
    if witness is not None and len(witness.word) == n:
        proved = isinstance(verdict, Proved)
        text = f"length {n}: {'the input asked for' if proved else 'the counterexample'}"
        return element("td", "✓" if proved else "✗", class_=f"cell {'yes' if proved else 'no'}", title=text)
    if n in by:
        inputs = "" if by[n].inputs is None else f", {by[n].inputs} inputs"
        sign, kind = ("∅", "open") if isinstance(verdict, Vacuous) else ("○", "none") if asked else ("✓", "yes")
        text = f"length {n}: closed by {by[n].by}{inputs}{', kept from an earlier run' if by[n].kept else ''}"
        return element("td", sign, class_=f"cell {kind}", title=text)
    if isinstance(verdict, Proved) and verdict.every is not None and result.scope.has_length(n):
        return element("td", "✓", class_="cell yes", title=f"every length: {verdict.every.method}")
    if isinstance(verdict, Unknown) and result.scope.has_length(n):
        return element("td", "?", class_="cell open", title=f"length {n}: {verdict.reason.value}")
    return element("td", "", class_="cell out", title=f"length {n}: not asked")


# ------------------------------------------------------------------------------------------------ properties


def _property(result: Result, anchor: str | None, drawing: Markup | str | None) -> Markup:
    expected = as_expected(result.verdict, result.expected)
    note = "" if result.expected.value == "proved" else f"  (expected: {result.expected.value})"
    name = verdict_name(result.verdict)
    facts = (f"{result.place}:{result.line}", str(result.scope), f"evidence: {evidence(result)}")
    parts = [
        element("span", f"{_SIGNS[name]} {headline(result)}", class_="verdict"),
        element("h3", result.name),
        element("span", note, class_="soft"),
        element("p", element("code", result.text)),
        element("p", f" {_DOT} ".join(facts), class_="soft"),
    ]
    parts += [element("p", f"Warning: {warning}") for warning in result.warnings]
    witness = _witness(result.verdict)
    if isinstance(result.verdict, Refuted) and witness is not None:
        parts.append(element("p", witness.explanation))
        if result.trace is not None:
            parts.append(picture(witness, result.trace))
    text = element("details", element("summary", "as text"), element("pre", "\n".join(details(result, verbose=True))))
    parts.append(text)
    if drawing is not None:
        shown = element("div", drawing, class_="scroll") if isinstance(drawing, Markup) else element("p", drawing)
        parts.append(element("details", element("summary", "the computation by layer and head"), shown))
    kind = f"property {name}{' expected' if expected else ''}"
    return element("section", *parts, id=anchor, class_=kind, tabindex=-1)


def _anchor(result: Result, number: int) -> str:
    return f"p{number}-{hashlib.sha256(result.id.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
