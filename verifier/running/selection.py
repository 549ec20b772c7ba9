"""Which properties a request means: files and folders to subjects, names to properties, options to scopes."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from spec.diagnostics import Diagnostic, UsageError
from spec.property import ast
from spec.property.ast import Carrier
from spec.property.bind import bind, bind_property
from spec.property.bound import BoundProperty
from spec.property.contract import read_contract
from spec.property.scope import Scope
from spec.property.walk import names_in
from spec.source import Source, Span
from spec.values import Numbers
from verifier.running.overrides import Overrides
from verifier.running.subject import Subject


@dataclass(frozen=True)
class Target:
    """`FILE` or `FILE::NAME`, where NAME is a property or an s-op."""

    path: Path
    name: str | None = None

    def __str__(self) -> str:
        """As it is written on the command line."""
        return f"{self.path}::{self.name}" if self.name else str(self.path)


def files(targets: Iterable[Target]) -> Iterator[Target]:
    """The targets with folders replaced by the programs in them, in order; an empty folder gives nothing.

    A `.prop` file stands for the program beside it, in a folder too: without one it would be a promise nobody checks.
    """
    for target in targets:
        if os.path.isdir(target.path):  # the method of a path fails where a name is too long or may not be seen
            if target.name is not None:
                raise UsageError(Diagnostic("R0501", f"{target.path} is a folder, so it defines no `{target.name}`"))
            found = (path for ending in ("rasp", "prop") for path in target.path.rglob(f"*.{ending}"))
            yield from map(Target, sorted({path.with_suffix(".rasp") for path in found}))
        elif target.path.suffix == ".prop":
            yield replace(target, path=target.path.with_suffix(".rasp"))
        else:
            yield target


def select(subject: Subject, name: str | None, overrides: Overrides) -> tuple[BoundProperty, ...]:
    """The properties of a subject that a name means; all of them without a name.

    A name is that of a property, or of an s-op: then it means every property that is about it, and if there is none,
    the implicit ones. Raises `RaspError` when the contracts are wrong or the name means nothing.
    """
    found: list[BoundProperty] = []
    for contract in _contracts(subject, overrides):
        found.extend(_renamed(bind(contract, subject).properties, {bound.property.name for bound in found}))
    if name is None:
        if not found:
            subject(None, Numbers.EXACT)  # a file without contracts must be a program all the same
        return tuple(found)
    chosen = [bound for bound in found if bound.property.name == name] or [
        bound for bound in found if name in _subjects(bound)
    ]
    if chosen:
        return tuple(chosen)
    program = subject(None, Numbers.EXACT)
    if name not in program.sops():
        known = [bound.property.name for bound in found] + list(program.sops())
        hint = f"it has {', '.join(known[:12])}" if known else "it defines no s-op and has no contract"
        raise UsageError(Diagnostic("R0502", f"{subject.source.name} has no property or s-op `{name}`", hint=hint))
    return implicit(subject, name, overrides.apply(Scope()))


def _renamed(properties: Iterable[BoundProperty], taken: Collection[str]) -> Iterator[BoundProperty]:
    """The properties, with `@prop` after a name that the program's own contract uses: a name means one property."""
    for bound in properties:
        name = bound.property.name
        while name in taken:
            name = f"{name}@prop"
        yield bound if name == bound.property.name else replace(bound, property=replace(bound.property, name=name))


def stated(subject: Subject, clauses: str, overrides: Overrides) -> tuple[BoundProperty, ...]:
    """The properties that clauses state about a subject, without implicit ones.

    Where the clauses have no scope of their own, they get the first scope of the subject's contracts.
    """
    contract = read_contract(Source("<property>", clauses), Carrier.PYTHON)
    scope = overrides.apply(usual_scope(subject))
    return tuple(bind_property(replace(prop, scope=scope), subject) for prop in contract.properties)


def as_recorded(subject: Subject, recorded: Iterable[tuple[str, Scope]]) -> Iterator[BoundProperty]:
    """The properties that results are about, under the scopes that they are about; those that are gone are left out."""
    stated_now = {bound.property.name: bound for bound in select(subject, None, Overrides())}
    for name, scope in recorded:
        sop, dot, _ = name.rpartition(".")
        if name in stated_now:
            yield bind_property(replace(stated_now[name].property, scope=scope), subject)
        elif dot and sop in subject(None, Numbers.EXACT).sops():
            yield from (bound for bound in implicit(subject, sop, scope) if bound.property.name == name)


def usual_scope(subject: Subject) -> Scope:
    """The first scope of the subject's contracts, or the one that holds where none is written.

    One that a property is under comes before one that none follows.
    """
    contracts = subject.contracts()
    used = [prop.scope for contract in contracts for prop in contract.properties]
    written = [scope for contract in contracts for scope in contract.scopes]
    return next(iter(used + written), Scope())


def implicit(subject: Subject, sop: str, scope: Scope) -> tuple[BoundProperty, ...]:
    """What is claimed of every s-op: it never fails, and the two number semantics agree on it."""
    span = Span(subject.source, 0, 0)
    target = ast.Target(span, sop)
    claims: Sequence[tuple[str, Scope, ast.Claim]] = [
        (f"{sop}.no_error", scope, ast.NoError(target)),
        (f"{sop}.numbers_agree", scope.short, ast.NumbersAgree(target)),
    ]
    return tuple(bind_property(ast.Property(span, name, own, (), claim), subject) for name, own, claim in claims)


def _contracts(subject: Subject, overrides: Overrides) -> Iterator[ast.Contract]:
    """The contracts under their new scopes; properties that shared a scope go on sharing it."""
    for contract in subject.contracts():
        scopes = {prop.scope: overrides.apply(prop.scope) for prop in contract.properties}
        changed = tuple(replace(prop, scope=scopes[prop.scope]) for prop in contract.properties)
        yield replace(contract, properties=changed)


def _subjects(bound: BoundProperty) -> frozenset[str]:
    """The s-ops that a property is about, by name."""
    claim = bound.property.claim
    match claim:
        case ast.Ensures(condition=condition) | ast.Accepts(condition=condition) | ast.Cover(condition=condition):
            return frozenset(name.id for name in names_in(condition))
        case ast.Equivalent(left=left, right=right):
            return frozenset(target.id for target in (left, right) if target.path is None)
        case ast.Architecture(target=about):
            return frozenset(() if about is None else (about.id,))
        case (
            ast.Invariance(target=target)
            | ast.Causal(target=target)
            | ast.Example(target=target)
            | ast.NoError(target=target)
            | ast.NumbersAgree(target=target)
        ):
            return frozenset({target.id})
    assert_never(claim)
