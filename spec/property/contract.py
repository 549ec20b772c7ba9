"""Clauses to a contract: names, scopes and preconditions in force, expectations, and every error in one pass."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, cast

from spec.cost import PAPER
from spec.diagnostics import Diagnostic, PropertyError, Severity
from spec.property.ast import (
    Architecture,
    Carrier,
    Claim,
    Contract,
    Cover,
    Ensures,
    Equivalent,
    Example,
    Expect,
    Expected,
    Invariance,
    Limit,
    Named,
    Property,
    Requires,
    Setting,
    Symmetry,
    Target,
)
from spec.property.carriers import MAX_ERRORS, Clause, clauses
from spec.property.grammar import problem
from spec.property.hints import near
from spec.property.lexer import MAX_TOKENS, tokenize, too_long
from spec.property.parse import expression, parse
from spec.property.scope import Scope
from spec.property.scope_clause import read_scope
from spec.source import Source
from spec.tokens import Token

MAX_CLAUSES: Final = 1_000


def read_contract(source: Source, carrier: Carrier) -> Contract:
    """The contract that a source carries; raises `PropertyError` with the first `MAX_ERRORS` things wrong with it."""
    found, problems = clauses(source, carrier)
    if len(found) > MAX_CLAUSES:
        message = f"there are more than {MAX_CLAUSES} clauses"
        raise PropertyError(Diagnostic("P0108", message, found[MAX_CLAUSES].span))
    reader = _Reader(problems)
    for clause in found:
        try:
            reader.read(clause)
        except PropertyError as error:
            problems.extend(error.diagnostics)
            reader.broken = True
    properties, pending = reader.finish()
    errors = [diagnostic for diagnostic in problems if diagnostic.severity is Severity.ERROR]
    if errors:
        # Warnings about what has no effect may only echo an error.
        raise PropertyError(sorted(errors, key=lambda d: d.span.start if d.span else -1)[:MAX_ERRORS])
    return Contract(source, carrier, properties, pending, tuple(problems), tuple(reader.scopes))


@dataclass
class _Reader:
    """The state that runs along the clauses: the scope and preconditions in force, and the names in use."""

    problems: list[Diagnostic]
    scope: Scope = field(default_factory=Scope)
    scopes: list[Scope] = field(default_factory=list)
    requires: list[Requires] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    expects: list[Expect] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    unnamed: Counter[str] = field(default_factory=Counter)
    idle: list[Clause] = field(default_factory=list)
    broken: bool = False
    tokens: int = 0

    def read(self, clause: Clause) -> None:
        """Take one clause into account."""
        match clause.keyword:
            case "scope":
                self._idle()
                self.requires = []
                self.idle = [clause]
                self.scope = read_scope(clause)
                self.scopes.append(self.scope)
            case "expect":
                self.expects.append(_expect(clause))
            case "requires":
                name, body = self._name(clause)
                self.requires.append(Requires(clause.span, name, expression(body)))
                self.idle.append(clause)
            case keyword:
                name, body = self._name(clause)
                claim = _CLAIMS[keyword](body)
                self.properties.append(Property(clause.span, name, self.scope, tuple(self.requires), claim))
                self.idle.clear()

    def _name(self, clause: Clause) -> tuple[str, list[Token]]:
        """The clause's own name, or one made from its keyword and its number, and the tokens after it."""
        tokens = tokenize(clause.source, clause.body, clause.offset)
        self.tokens += len(tokens)
        if self.tokens > MAX_TOKENS:
            raise too_long(tokens[-1].span)
        labels = _labels(tokens)
        self.unnamed[clause.keyword] += 1
        name, span = f"{clause.keyword}{self.unnamed[clause.keyword]}", clause.keyword_span
        # In `arch a: layers <= 2`, `a` is what the clause is about; a name needs a second label after it.
        if labels and (clause.keyword != "arch" or len(labels) > 1):
            name, span, tokens = labels[0].text, labels[0].span, tokens[2:]
        if name in self.names:
            hint = "the first one is " + self.names[name]
            raise PropertyError(Diagnostic("P0105", f"there are two clauses named `{name}`", span, hint))
        self.names[name] = span.location
        return name, tokens

    def _idle(self) -> None:
        """Warn about scopes and preconditions that no claim comes after."""
        for clause in self.idle:
            effect = "no property is about it" if clause.keyword == "scope" else "it has no effect"
            message = f"no claim comes after this `{clause.keyword}`, so {effect}"
            self.problems.append(Diagnostic("P0106", message, clause.span, severity=Severity.WARNING))

    def finish(self) -> tuple[tuple[Property, ...], tuple[Expect, ...]]:
        """The properties with what is expected of them, and the expectations about implicit properties."""
        self._idle()
        verdicts: dict[str, Expect] = {}
        known = {found.name for found in self.properties}
        for expect in self.expects:
            if expect.name in verdicts:
                message = f"`{expect.name}` has two expected verdicts"
                self.problems.append(Diagnostic("P0105", message, expect.span))
            elif "." not in expect.name and expect.name not in known and not self.broken:
                hint = near(expect.name, known)
                self.problems.append(Diagnostic("P0107", f"no claim is named `{expect.name}`", expect.span, hint))
            verdicts[expect.name] = expect
        resolved = tuple(
            replace(found, expected=verdicts[found.name].verdict) if found.name in verdicts else found
            for found in self.properties
        )
        return resolved, tuple(expect for expect in verdicts.values() if expect.name not in known)


def _labels(tokens: list[Token]) -> list[Token]:
    """The names that begin the body, each before a colon."""
    labels = []
    while [token.type for token in tokens[:2]] == ["NAME", "COLON"]:
        labels.append(tokens[0])
        tokens = tokens[2:]
    return labels


def _expect(clause: Clause) -> Expect:
    name, colon, verdict = clause.body.partition(":")
    if not colon or not name.strip():
        raise problem(clause.span, "expected `expect NAME: VERDICT`")
    word = verdict.strip()
    try:
        return Expect(clause.span, name.strip(), Expected(word))
    except ValueError:
        at = clause.body.index(":") + 1 + len(verdict) - len(verdict.lstrip())
        span = clause.at(at, at + max(1, len(word)))
        raise problem(span, f"there is no verdict `{word}`", near(word, [e.value for e in Expected])) from None


# ------------------------------------------------------------------------------------------------ claims


def _invariance(symmetry: Symmetry) -> Callable[[list[Token]], Claim]:
    def read(tokens: list[Token]) -> Claim:
        claim = replace(cast(Invariance, parse("symmetry", tokens)), symmetry=symmetry)
        if symmetry is Symmetry.EQUIVARIANT and claim.padding is not None:
            raise problem(
                tokens[0].span.to(tokens[-1].span), "an output is `invariant` under padding, never equivariant"
            )
        return claim

    return read


def _equivalence(tokens: list[Token]) -> Claim:
    claim = cast(Equivalent, parse("equivalence", tokens))
    if claim.left.path is not None:
        raise problem(claim.left.span, "only the right side of `equiv` may name another file")
    return claim


def _architecture(tokens: list[Token]) -> Claim:
    labels = _labels(tokens)
    target = Target(labels[0].span, labels[0].text) if labels else None
    parts = cast("Sequence[Limit | Setting]", parse("limits", tokens[2 * len(labels[:1]) :]))
    limits = tuple(part for part in parts if isinstance(part, Limit))
    settings: dict[Named, Setting] = {}
    for part in parts:
        if isinstance(part, Setting) and settings.setdefault(part.named, part) is not part:
            raise problem(part.span, f"the {part.named.value} is named twice")
    if not limits:
        raise problem(tokens[0].span.to(tokens[-1].span), "there is no limit", "like `layers <= 2`")
    cls = settings.get(Named.CLASS)
    if cls is None:
        level, model = (settings.get(named) for named in (Named.LEVEL, Named.MODEL))
        return Architecture(target, limits, int(level.value) if level else 1, model.value if model else PAPER.name)
    if len(settings) > 1:
        raise problem(cls.span, "a class stands for level 3, and has neither another level nor a cost model")
    return Architecture(target, limits, 3, cls=cls)


_CLAIMS: Final[Mapping[str, Callable[[list[Token]], Claim]]] = MappingProxyType(
    {
        "ensures": lambda tokens: Ensures(expression(tokens)),
        "cover": lambda tokens: Cover(expression(tokens)),
        "equiv": _equivalence,
        "accepts": lambda tokens: cast(Claim, parse("acceptance", tokens)),
        "invariant": _invariance(Symmetry.INVARIANT),
        "equivariant": _invariance(Symmetry.EQUIVARIANT),
        "causal": lambda tokens: cast(Claim, parse("causality", tokens)),
        "example": lambda tokens: cast(Example, parse("example", tokens)),
        "arch": _architecture,
    }
)
