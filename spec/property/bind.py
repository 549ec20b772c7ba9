"""A contract meets a program: names become nodes, expressions get types, implicit properties are added."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from types import MappingProxyType
from typing import assert_never

from spec.diagnostics import Diagnostic, PropertyError, RaspError, Severity, UsageError
from spec.graph import Constant, Indices, SOp, Tokens, View
from spec.property.ast import (
    Accepts,
    Architecture,
    Carrier,
    Causal,
    Claim,
    Contract,
    Cover,
    Ensures,
    Equivalent,
    Example,
    Expect,
    Expected,
    Expression,
    Invariance,
    Measure,
    Name,
    NoError,
    NumbersAgree,
    Property,
    Regex,
    Requires,
    Target,
    Transform,
    Variable,
)
from spec.property.bound import Binding, BoundContract, BoundProperty, Program, Programs, Ref, Type
from spec.property.check_types import Typer
from spec.property.hints import near
from spec.property.language import automaton
from spec.property.walk import names_in
from spec.values import Numbers


def bind(contract: Contract, programs: Programs) -> BoundContract:
    """The contract of `programs(None, ..)`; raises `PropertyError` with everything that is wrong with it."""
    binder = _Binder(contract, programs)
    properties = tuple(binder.run())
    errors = [problem for problem in binder.problems if problem.severity is Severity.ERROR]
    if errors:
        raise PropertyError(errors)
    return BoundContract(contract, properties, (*contract.warnings, *binder.problems))


def bind_property(prop: Property, programs: Programs) -> BoundProperty:
    """One property on its own, without the implicit ones."""
    contract = Contract(prop.span.source, Carrier.PYTHON, (prop,))
    return bind(contract, programs).properties[0]


@dataclass
class _Binder:
    contract: Contract
    programs: Programs
    problems: list[Diagnostic] = field(default_factory=list)
    refs: dict[Name, Ref] = field(default_factory=dict)
    types: dict[Expression, Type] = field(default_factory=dict)
    sops: dict[Target, SOp] = field(default_factory=dict)
    positional: set[Variable] = field(default_factory=set)
    targets: dict[str, Target] = field(default_factory=dict)
    """The s-ops that the claims are about, by name, in order."""
    implicit: dict[str, int] = field(default_factory=dict)
    """How many implicit properties have each name so far; a second scope's is `result.no_error@2`."""
    _typed: set[Requires] = field(default_factory=set)

    def run(self) -> Iterable[BoundProperty]:
        """The explicit and implicit properties of each scope; those whose program is missing are left out."""
        made: list[BoundProperty] = []
        for _, group in groupby(self.contract.properties, key=lambda prop: id(prop.scope)):
            made.extend(self._scope(list(group)))
        self._architectures(made)
        return self._expected(made)

    # -------------------------------------------------------------------------------------------- scopes

    def _scope(self, group: list[Property]) -> Iterable[BoundProperty]:
        program = self._program(group[0], None, group[0].scope.numbers)
        if program is None:
            return
        views = (MappingProxyType(self.refs), MappingProxyType(self.types), MappingProxyType(self.sops))
        binding = Binding(*views, self.positional)
        about: dict[str, tuple[Target, Property]] = {}
        for prop in group:
            self._requires(prop, program)
            for target in self._claim(prop, program):
                about.setdefault(target.id, (target, prop))
                self.targets.setdefault(target.id, target)
            yield BoundProperty(prop, program, binding, self._agreeing(prop, program))
        for target, prop in about.values():
            for claim in (NoError(target), NumbersAgree(target)):
                # In doubles every count is rounded from some length on: there, only the first lengths are compared.
                scope = prop.scope.short if isinstance(claim, NumbersAgree) else prop.scope
                implied = replace(prop, name=self._implicit_name(claim), span=target.span, scope=scope, claim=claim)
                implied = replace(implied, expected=Expected.PROVED)
                yield BoundProperty(implied, program, binding, self._agreeing(implied, program))

    def _implicit_name(self, claim: NoError | NumbersAgree) -> str:
        name = f"{claim.target.id}.{'no_error' if isinstance(claim, NoError) else 'numbers_agree'}"
        self.implicit[name] = self.implicit.get(name, 0) + 1
        return name if self.implicit[name] == 1 else f"{name}@{self.implicit[name]}"

    def _agreeing(self, prop: Property, program: Program) -> Mapping[Numbers, SOp] | None:
        """The target under each number semantics."""
        if not isinstance(prop.claim, NumbersAgree):
            return None
        found: dict[Numbers, SOp] = {}
        for numbers in Numbers:
            own = program if numbers is prop.scope.numbers else self._program(prop, None, numbers)
            if own is not None:
                found[numbers] = own.sop(prop.claim.target.id)
        return MappingProxyType(found)

    def _program(self, prop: Property, path: str | None, numbers: Numbers) -> Program | None:
        try:
            return self.programs(path, numbers)
        except RaspError as error:
            if path is None:
                raise
            self.problems.extend(replace(problem, span=problem.span or prop.span) for problem in error.diagnostics)
            return None

    # -------------------------------------------------------------------------------------------- clauses

    def _typer(self, prop: Property, program: Program | None) -> Typer:
        padding = prop.claim.padding if isinstance(prop.claim, Invariance) else None
        foreign = () if padding is None else (padding,)
        return Typer(prop.scope, program, self.refs, self.types, self.problems, foreign, self.positional)

    def _requires(self, prop: Property, program: Program) -> None:
        for requires in prop.requires:
            if requires not in self._typed:
                self._typed.add(requires)
                self._typer(prop, program).condition(requires.condition)

    def _claim(self, prop: Property, program: Program) -> tuple[Target, ...]:
        """Check the claim; the s-ops whose implicit properties it brings."""
        claim = prop.claim
        match claim:
            case Ensures(condition=condition) | Cover(condition=condition) | Accepts(condition=condition):
                self._typer(prop, program).condition(condition)
                if isinstance(claim, Accepts):
                    self._language(prop, claim)
                return () if isinstance(claim, Cover) else self._mentioned(condition)
            case Equivalent(left=left, right=right):
                found = [self._target(prop, side, program) for side in (left, right)]
                return tuple(side for side in found if side is not None and side.path is None)
            case Invariance() | Causal() | NoError() | NumbersAgree():
                self._generators(prop, claim)
                return tuple(filter(None, (self._target(prop, claim.target, program),)))
            case Example(target=target, expected=expected):
                if expected is not None:
                    self._typer(prop, None).sequence(expected)
                self._target(prop, target, program)
                return ()
            case Architecture(target=target):
                if target is not None:
                    self._target(prop, target, program)
                return ()
        assert_never(claim)

    def _mentioned(self, condition: Expression) -> tuple[Target, ...]:
        """The s-ops that a condition names, without those that are the input itself."""
        found: dict[str, Target] = {}
        for name in names_in(condition):
            node = self.refs.get(name)
            if isinstance(node, SOp) and not _is_input(node) and name.id not in found:
                found[name.id] = Target(name.span, name.id)
                self.sops[found[name.id]] = node
        return tuple(found.values())

    def _language(self, prop: Property, claim: Accepts) -> None:
        if isinstance(claim.language, Regex):
            try:
                automaton(claim.language, prop.scope)
            except PropertyError as error:
                self.problems.extend(error.diagnostics)

    def _generators(self, prop: Property, claim: Claim) -> None:
        if not isinstance(claim, Invariance) or claim.transform is not Transform.RENAMING:
            return
        try:
            _ = prop.scope.symbols
        except UsageError as error:
            self.problems.append(replace(error.diagnostics[0], code="P0308", span=prop.span))

    def _target(self, prop: Property, target: Target, own: Program) -> Target | None:
        program: Program | None = own
        if target.path is not None:
            program = self._program(prop, target.path, prop.scope.numbers)
        if program is None:
            return None
        try:
            self.sops[target] = program.sop(target.id)
        except UsageError as error:
            hint = near(target.id, program.sops()) or error.diagnostics[0].hint
            self.problems.append(Diagnostic("P0301", error.diagnostics[0].message, target.span, hint))
            return None
        return target

    # -------------------------------------------------------------------------------------------- whole contract

    def _architectures(self, made: list[BoundProperty]) -> None:
        """Give each `arch` without a target the only s-op that the contract is about."""
        names = dict(self.targets)
        for prop in self.contract.properties:
            if isinstance(prop.claim, Example):
                names.setdefault(prop.claim.target.id, prop.claim.target)
        for index, bound in enumerate(made):
            claim = bound.property.claim
            if not isinstance(claim, Architecture):
                continue
            self._bounded(bound.property, claim)
            if claim.target is not None:
                continue
            if len(names) != 1:
                about = f"several ({', '.join(names)})" if names else "no s-op"
                message = f"the contract is about {about}, so `arch` must say which one it means"
                self.problems.append(
                    Diagnostic("P0309", message, bound.property.span, "like `arch result: layers <= 2`")
                )
                continue
            (name,) = names
            target = Target(bound.property.span, name)
            if self._target(bound.property, target, bound.program) is not None:
                resolved = replace(bound.property, claim=replace(claim, target=target))
                made[index] = replace(bound, property=resolved)

    def _bounded(self, prop: Property, claim: Architecture) -> None:
        """Levels 2 and 3 look at inputs, so lengths have an end; heads of level 3, so shapes have."""
        if claim.level > 1 and prop.scope.high is None:
            message = f"level {claim.level} looks at all inputs of a scope, and this one has no greatest length"
            self.problems.append(Diagnostic("P0310", message, prop.span, "like `scope lengths=1..6`"))
        measures = {limit.measure for limit in claim.limits}
        if claim.level == 3 and measures == {Measure.HEADS}:
            message = "without a limit on layers or on all heads, programs of the class have no largest shape"
            self.problems.append(Diagnostic("P0310", message, prop.span, "add `layers <= 2`"))

    def _expected(self, made: list[BoundProperty]) -> Iterable[BoundProperty]:
        """The properties with the verdicts that are expected of implicit ones."""
        expects: dict[str, Expect] = {expect.name: expect for expect in self.contract.expects}
        names = [bound.property.name for bound in made]
        for name in expects.keys() - set(names):
            hint = near(name, [known for known in names if "." in known])
            message = f"there is no implicit property `{name}`"
            self.problems.append(Diagnostic("P0107", message, expects[name].span, hint))
        for bound in made:
            expect = expects.get(bound.property.name)
            if expect is not None:
                bound = replace(bound, property=replace(bound.property, expected=expect.verdict))
            yield bound


def _is_input(node: SOp) -> bool:
    """Whether the s-op is the input or knows nothing of it, so that it cannot fail."""
    match node:
        case Tokens(view=view):
            return view in (View.STR, View.BOOL)
        case Indices() | Constant():
            return True
        case _:
            return False
