"""The types of expressions, and everything that can be known to be wrong with one before any input is tried."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, assert_never

from spec.diagnostics import Diagnostic, PropertyError, Severity, UsageError
from spec.graph import Selector, SOp, Tokens, View
from spec.operators import ANY, Kinds, Op, result_kinds
from spec.property.ast import (
    Arithmetic,
    Call,
    Comparison,
    Conditional,
    Element,
    Expression,
    Function,
    Index,
    InLanguage,
    Length,
    ListLiteral,
    Literal,
    Logic,
    Name,
    Negation,
    Positions,
    Quantified,
    Range,
    Regex,
    Slice,
    Symbols,
    Variable,
)
from spec.property.bound import Program, Ref, Shape, Type
from spec.property.hints import near
from spec.property.language import automaton, spell
from spec.property.scope import Scope
from spec.source import Span
from spec.values import NUMERIC, Atom, Kind, kind_of

BOOL: Final = frozenset({Kind.BOOL})
INT: Final = frozenset({Kind.INT})
REAL: Final = frozenset({Kind.REAL})
STR: Final = frozenset({Kind.STR})
INTEGRAL: Final = BOOL | INT
_ORDERED: Final = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})


@dataclass
class Typer:
    """Types the expressions of one scope. `program` is `None` where no name of a program may occur.

    A type of `None` means that a diagnostic has been given already.
    """

    scope: Scope
    program: Program | None
    refs: dict[Name, Ref]
    types: dict[Expression, Type]
    problems: list[Diagnostic]
    foreign: tuple[Atom, ...] = ()
    """Atoms outside the alphabet that inputs may hold all the same."""
    positional: set[Variable] = field(default_factory=set)
    """The variables that range over integers, not over symbols."""
    _variables: dict[str, Variable] = field(default_factory=dict)
    _domains: dict[Variable, Kinds] = field(default_factory=dict)
    _used: set[Variable] = field(default_factory=set)

    def condition(self, expression: Expression) -> None:
        """The expression must be a truth value."""
        self._truth(expression)

    def sequence(self, expression: Expression) -> None:
        """The expression must be a sequence."""
        self._sequence(expression)

    # -------------------------------------------------------------------------------------------- reports

    def _error(self, code: str, span: Span, message: str, hint: str | None = None) -> None:
        self.problems.append(Diagnostic(code, message, span, hint))

    def _warn(self, code: str, span: Span, message: str, hint: str | None = None) -> None:
        self.problems.append(Diagnostic(code, message, span, hint, Severity.WARNING))

    # -------------------------------------------------------------------------------------------- expectations

    def type_of(self, expression: Expression) -> Type | None:
        """The type, recorded in `types`."""
        found = self._infer(expression)
        if found is not None:
            self.types[expression] = found
        return found

    def _truth(self, expression: Expression) -> None:
        found = self.type_of(expression)
        if found is None:
            return
        if found.shape is not Shape.SCALAR:
            hint = "write `all(..)`, `any(..)`, or `forall i: ..` over its positions"
            self._error("P0303", expression.span, f"a {found.shape.value} is neither true nor false", hint)
        elif found.kinds and not found.kinds & BOOL:
            self._error("P0303", expression.span, f"{_shown(found.kinds)} is neither true nor false")

    def _scalar(self, expression: Expression, kinds: Kinds = ANY) -> Type | None:
        found = self.type_of(expression)
        if found is not None and found.shape is not Shape.SCALAR:
            message = f"a single value is needed here, not a {found.shape.value}"
            self._error("P0303", expression.span, message, "index it, like `x[i]`")
            return None
        return self._of_kinds(expression, found, kinds)

    def _sequence(self, expression: Expression, kinds: Kinds = ANY) -> Type | None:
        found = self.type_of(expression)
        if found is not None and found.shape is not Shape.SEQUENCE:
            hint = "a row of it is a sequence: `selector[i]`" if found.shape is Shape.SELECTOR else None
            self._error("P0303", expression.span, f"a sequence is needed here, not a {found.shape.value}", hint)
            return None
        return self._of_kinds(expression, found, kinds)

    def _liftable(self, expression: Expression, kinds: Kinds = ANY) -> Type | None:
        found = self.type_of(expression)
        if found is not None and found.shape is Shape.SELECTOR:
            self._error(
                "P0303", expression.span, "a selector has no elementwise operators", "take a row: `selector[i]`"
            )
            return None
        return self._of_kinds(expression, found, kinds)

    def _of_kinds(self, expression: Expression, found: Type | None, kinds: Kinds) -> Type | None:
        if found is not None and found.kinds and not found.kinds & kinds:
            self._error("P0303", expression.span, f"{_shown(kinds)} is needed here, not {_shown(found.kinds)}")
            return None
        return found

    # -------------------------------------------------------------------------------------------- forms

    def _infer(self, expression: Expression) -> Type | None:
        match expression:
            case Literal() | Name() | Length() | ListLiteral():
                return self._leaf(expression)
            case Negation() | Arithmetic():
                return self._operator(expression)
            case Comparison():
                return self._comparison(expression)
            case Logic(operands=operands):
                return self._combined([self._liftable(operand, BOOL) for operand in operands])
            case Conditional():
                return self._conditional(expression)
            case Quantified():
                return self._quantified(expression)
            case Index() | Slice():
                return self._part(expression)
            case Call():
                return self._call(expression)
            case Element():
                return self._element(expression)
            case InLanguage():
                return self._in_language(expression)
        assert_never(expression)

    def _leaf(self, expression: Literal | Name | Length | ListLiteral) -> Type | None:
        match expression:
            case Literal(value=value):
                return Type(Shape.SCALAR, frozenset({kind_of(value)}))
            case Name():
                return self._name(expression)
            case Length():
                return Type(Shape.SCALAR, INT)
            case ListLiteral(items=items):
                found = [self._scalar(item) for item in items]
                return Type(
                    Shape.SEQUENCE, frozenset[Kind]().union(*(item.kinds for item in found if item is not None))
                )
        assert_never(expression)

    def _operator(self, expression: Negation | Arithmetic) -> Type | None:
        match expression:
            case Negation(op=op, operand=operand):
                inside = self._liftable(operand, BOOL if op is Op.NOT else NUMERIC)
                return None if inside is None else self._lifted(expression.span, op, inside)
            case Arithmetic(op=op, left=left, right=right):
                a, b = self._liftable(left), self._liftable(right)
                return None if a is None or b is None else self._lifted(expression.span, op, a, b)
        assert_never(expression)

    def _combined(self, parts: list[Type | None]) -> Type | None:
        """Truth values combined: a sequence of them when one of the parts is a sequence."""
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        sequence = any(part.shape is Shape.SEQUENCE for part in known)
        return Type(Shape.SEQUENCE if sequence else Shape.SCALAR, BOOL)

    def _element(self, expression: Element) -> Type | None:
        one, many = self._liftable(expression.item), self._sequence(expression.sequence)
        if one is None or many is None:
            return None
        self._never_equal(expression.span, one, many)
        self._foreign_symbols((expression.item, expression.sequence))
        return Type(one.shape, BOOL)

    def _name(self, name: Name) -> Type | None:
        variable = self._variables.get(name.id)
        if variable is not None:
            self.refs[name] = variable
            self._used.add(variable)
            return Type(Shape.SCALAR, self._domains[variable])
        if self.program is None:
            self._error("P0301", name.span, f"`{name.id}` is a name; here only constants have a meaning")
            return None
        node = find(self.program, name, self._variables)
        if isinstance(node, Diagnostic):
            self.problems.append(node)
            return None
        self.refs[name] = node
        if isinstance(node, SOp):
            return Type(Shape.SEQUENCE, node.kinds)
        return Type(Shape.SELECTOR, BOOL)

    def _lifted(self, span: Span, op: Op, *args: Type) -> Type | None:
        shape = Shape.SEQUENCE if any(arg.shape is Shape.SEQUENCE for arg in args) else Shape.SCALAR
        kinds = result_kinds(op, [arg.kinds or ANY for arg in args])
        if not kinds:
            shown = " and ".join(_shown(arg.kinds) for arg in args)
            self._error("P0302", span, f"`{op.value}` has no value on {shown}")
            return None
        return Type(shape, kinds)

    def _comparison(self, comparison: Comparison) -> Type | None:
        found = [self._liftable(operand) for operand in comparison.operands]
        links = zip(comparison.ops, comparison.operands, comparison.operands[1:], found, found[1:], strict=False)
        return self._combined([self._link(op, left, right, a, b) for op, left, right, a, b in links])

    def _link(self, op: Op, left: Expression, right: Expression, a: Type | None, b: Type | None) -> Type | None:
        if a is None or b is None:
            return None
        span = left.span.to(right.span)
        for one, other in ((left, b), (right, a)):
            if isinstance(one, Call) and one.function is Function.SORTED and other.shape is Shape.SEQUENCE:
                hint = "for a sorted copy y of x write `sorted(y) and permutation(y, x)`"
                self._error("P0303", one.span, "`sorted(x)` says whether x is in order", hint)
                return None
        if op not in _ORDERED:
            self._never_equal(span, a, b)
            self._foreign_symbols((left, right))
        return self._lifted(span, op, a, b)

    def _never_equal(self, span: Span, a: Type, b: Type) -> None:
        strings = [one.kinds == STR for one in (a, b)]
        if a.kinds and b.kinds and any(strings) and not a.kinds & b.kinds:
            message = f"{_shown(a.kinds)} never equals {_shown(b.kinds)}"
            self._warn("P0304", span, message, "`int(x)` reads a string as an integer")

    def _foreign_symbols(self, operands: tuple[Expression, ...]) -> None:
        """Warn where tokens are compared with a literal that no input holds."""
        views = [view for view in map(self._view, operands) if view is not None]
        if len(views) != 1 or self.scope.size is None:
            return
        listed = [
            item for operand in operands for item in (operand.items if isinstance(operand, ListLiteral) else (operand,))
        ]
        for item in listed:
            if isinstance(item, Literal) and not self._occurs(item.value, views[0]):
                shown = item.span.text
                self._warn(
                    "P0305", item.span, f"{shown} is no symbol of the scope, so no token equals it", str(self.scope)
                )

    def _occurs(self, value: Atom, view: View) -> bool:
        if view is View.STR:
            if not isinstance(value, str) or value in map(spell, self.foreign):
                return True
            return value in set(map(spell, self.scope.symbols)) if (self.scope.size or 0) <= 4096 else True
        return value in self.foreign or kind_of(value) not in self.scope.kinds or self._is_symbol(value)

    def _is_symbol(self, value: Atom) -> bool:
        return self.scope.has_symbol(value) or kind_of(value) is Kind.REAL

    def _view(self, expression: Expression) -> View | None:
        """The view when the expression is the tokens, or some of them, as they are."""
        while isinstance(expression, Index | Slice):
            expression = expression.sequence
        node = self.refs.get(expression) if isinstance(expression, Name) else None
        return node.view if isinstance(node, Tokens) and node.view in (View.STR, View.ASIS) else None

    def _conditional(self, conditional: Conditional) -> Type | None:
        condition = self._liftable(conditional.condition, BOOL)
        then, otherwise = self._liftable(conditional.then), self._liftable(conditional.otherwise)
        if condition is None or then is None or otherwise is None:
            return None
        lifted = condition.shape is Shape.SEQUENCE
        if then.shape is not otherwise.shape and not lifted:
            message = f"one branch is a {then.shape.value}, the other a {otherwise.shape.value}"
            self._error("P0303", conditional.span, message)
            return None
        known = then.kinds and otherwise.kinds
        shape = Shape.SEQUENCE if lifted else then.shape
        return Type(shape, then.kinds | otherwise.kinds if known else frozenset())

    def _quantified(self, quantified: Quantified) -> Type:
        kinds = self._domain(quantified)
        outer = dict(self._variables)
        for variable in quantified.variables:
            named = {} if self.program is None else {**self.program.sops(), **self.program.selectors()}
            if variable.id in self._variables or variable.id in named:
                what = "a variable further out" if variable.id in self._variables else "what the program calls so"
                self._warn("P0307", variable.span, f"`{variable.id}` hides {what}")
            self._variables[variable.id] = variable
            self._domains[variable] = kinds
            if not isinstance(quantified.domain, Symbols):
                self.positional.add(variable)
        self._truth(quantified.body)
        for variable in quantified.variables:
            if variable not in self._used:
                self._warn("P0306", variable.span, f"the variable `{variable.id}` is never used")
        self._variables = outer
        return Type(Shape.SCALAR, BOOL)

    def _domain(self, quantified: Quantified) -> Kinds:
        match quantified.domain:
            case Positions():
                return INT
            case Symbols(span=span):
                try:
                    return frozenset(map(kind_of, self.scope.symbols))
                except UsageError as error:
                    self._error("P0308", span, error.diagnostics[0].message)
                    return ANY
            case Range(low=low, high=high):
                self._scalar(low, INTEGRAL)
                self._scalar(high, INTEGRAL)
                return INT
        assert_never(quantified.domain)

    def _part(self, expression: Index | Slice) -> Type | None:
        whole = self.type_of(expression.sequence)
        bounds = (expression.index,) if isinstance(expression, Index) else (expression.low, expression.high)
        for bound in bounds:
            self._scalar(bound, INTEGRAL)
        if whole is None:
            return None
        if whole.shape is Shape.SCALAR:
            self._error("P0303", expression.sequence.span, "a single value has no positions")
            return None
        if whole.shape is Shape.SELECTOR:
            if isinstance(expression, Slice):
                self._error(
                    "P0303", expression.span, "a selector has no slices", "take a row first: `selector[i][a..b]`"
                )
                return None
            return Type(Shape.SEQUENCE, BOOL)
        return Type(Shape.SCALAR if isinstance(expression, Index) else Shape.SEQUENCE, whole.kinds)

    def _in_language(self, expression: InLanguage) -> Type | None:
        word = self._sequence(expression.word)
        if isinstance(expression.language, Regex):
            try:
                automaton(expression.language, self.scope)
            except PropertyError as error:
                self.problems.extend(error.diagnostics)
                return None
        if word is not None and word.kinds and Kind.STR not in word.kinds:
            self._warn("P0304", expression.word.span, "words are made of strings, so this is never one")
        return Type(Shape.SCALAR, BOOL)

    def _call(self, call: Call) -> Type | None:
        match call.function:
            case Function.COUNT | Function.ALL | Function.ANY | Function.SUM | Function.SORTED | Function.LEN:
                return self._fold(call)
            case Function.MIN | Function.MAX:
                return self._extreme(call)
            case Function.PERMUTATION:
                a, b = map(self._sequence, call.arguments)
                if a is not None and b is not None:
                    self._never_equal(call.span, a, b)
                return Type(Shape.SCALAR, BOOL)
            case Function.PREFIX:
                self._scalar(call.arguments[1], INTEGRAL)
                return self._sequence(call.arguments[0])
            case Function.REVERSE:
                return self._sequence(call.arguments[0])
            case Function.ABS | Function.ROUND:
                found = self._liftable(call.arguments[0], NUMERIC)
                op = Op.ROUND if call.function is Function.ROUND else Op.NEG
                return None if found is None else self._lifted(call.span, op, found)
            case Function.INT:
                found = self._liftable(call.arguments[0])
                return None if found is None else Type(found.shape, INT)
        assert_never(call.function)

    def _fold(self, call: Call) -> Type:
        """The functions that make one value of a sequence."""
        booleans = call.function in (Function.ALL, Function.ANY) or len(call.arguments) == 1
        needed = {Function.SUM: NUMERIC, Function.SORTED: ANY, Function.LEN: ANY}
        found = self._sequence(call.arguments[0], needed.get(call.function, BOOL if booleans else ANY))
        for item in call.arguments[1:]:
            one = self._scalar(item)
            if found is not None and one is not None:
                self._never_equal(call.span, found, one)
                self._foreign_symbols(call.arguments)
        if call.function is Function.SUM:
            real = found is None or not found.kinds or Kind.REAL in found.kinds
            return Type(Shape.SCALAR, INT | REAL if real else INT)
        counts = call.function in (Function.COUNT, Function.LEN)
        return Type(Shape.SCALAR, INT if counts else BOOL)

    def _extreme(self, call: Call) -> Type | None:
        if len(call.arguments) == 1:
            found = self._sequence(call.arguments[0])
            return None if found is None else Type(Shape.SCALAR, found.kinds)
        a, b = map(self._scalar, call.arguments)
        if a is None or b is None or self._lifted(call.span, Op.LT, a, b) is None:
            return None
        return Type(Shape.SCALAR, a.kinds | b.kinds if a.kinds and b.kinds else frozenset())


def find(program: Program, name: Name, variables: Mapping[str, Variable]) -> SOp | Selector | Diagnostic:
    """The s-op or selector of that name, or why there is none."""
    try:
        return program.sop(name.id)
    except UsageError as error:
        problem = error.diagnostics[0]
    try:
        return program.selector(name.id)
    except UsageError:
        hint = near(name.id, [*variables, *program.sops(), *program.selectors()])
        return Diagnostic("P0301", problem.message, name.span, hint)


def _shown(kinds: Kinds) -> str:
    names = {Kind.BOOL: "a truth value", Kind.INT: "an integer", Kind.REAL: "a real", Kind.STR: "a string"}
    return " or ".join(names[kind] for kind in Kind if kind in kinds) if kinds else "this"
