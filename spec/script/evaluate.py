"""Evaluation of expressions and statements.

Every method that may have to wait is a generator for `spec.script.machine`: it yields the steps that it needs.
The order in which operands are evaluated is the reference's, because the first error is the one that is reported,
and because each value becomes `out`.
"""

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import assert_never

from spec.ast import (
    Assign,
    Call,
    DictComprehension,
    DictLiteral,
    Draw,
    Exit,
    Expression,
    ExpressionStatement,
    FloatLiteral,
    For,
    FunctionDef,
    Index,
    IntLiteral,
    ListComprehension,
    Load,
    Name,
    SetExample,
    ShowExample,
    Statement,
    StringLiteral,
    Ternary,
    ToggleExamples,
    ToggleFullDisplay,
)
from spec.script import naming
from spec.script.budget import Meter, exceeded
from spec.script.builtins import Builtins
from spec.script.environment import Environment
from spec.script.errors import not_callable, python_error, type_error, wrong_arguments
from spec.script.host import Host
from spec.script.machine import Step, Task
from spec.script.operations import Operations
from spec.script.strict import combine, operands, refuse_parentheses
from spec.script.values import (
    Applied,
    Function,
    SOpValue,
    Value,
    is_atom,
    is_handle,
    truth,
    type_name,
)
from spec.source import Span
from spec.values import Atom, real


@dataclass(frozen=True, slots=True)
class Frame:
    """Where evaluation stands: the scope, and the call in the user's text that led into the library, if any."""

    env: Environment
    site: Span | None = None
    example: Value | None = None
    calls: int = 0


@dataclass(eq=False)
class Evaluator:
    """Runs statements against environments and makes graph nodes through `operations`."""

    operations: Operations
    host: Host
    library: bool = False
    """Whether functions defined now belong to the library."""
    _builtins: Builtins = field(init=False)

    def __post_init__(self) -> None:
        self._builtins = Builtins(self.operations)

    @property
    def meter(self) -> Meter:
        """The budget that evaluation spends."""
        return self.operations.meter

    # -------------------------------------------------------------------------------------------- expressions

    def expression(self, expression: Expression, frame: Frame) -> Step:
        """The value of an expression, or the task that will find it."""
        self.meter.step(expression.span, 1 + frame.env.depth // 16)
        match expression:
            case Name(span=span, id=name):
                return self._settled(frame.env.get(name, span), frame, span)
            case IntLiteral(value=value) | StringLiteral(value=value):
                return self._literal(value, frame)
            case FloatLiteral():
                return self._literal(self._real(expression), frame)
            case Ternary():
                return self._ternary(expression, frame)
            case Call():
                return self._call(expression, frame)
            case DictLiteral():
                return self._dict(expression, frame)
            case ListComprehension() | DictComprehension():
                return self._comprehension(expression, frame)
            case _:
                return self._strict(expression, frame)

    def _settled(self, value: Value, frame: Frame, span: Span) -> Value:
        """Every value passes here: the host may test it, and it becomes `out`."""
        if is_handle(value):
            self.host.tested(value, frame.example, span)
        elif isinstance(value, Applied):
            value.held = True
        frame.env.set_out(value)
        return value

    def _literal(self, value: Atom, frame: Frame) -> Value:
        frame.env.set_out(value)
        return value

    def _real(self, literal: FloatLiteral) -> Atom:
        try:
            return real(literal.text, self.operations.numbers)
        except ValueError as error:  # Python's limit on digits
            raise python_error("this number has too many digits", literal.span) from error

    def _all(self, expressions: tuple[Expression, ...], frame: Frame) -> Generator[Step, Value, list[Value]]:
        """The values of several expressions, in order."""
        values: list[Value] = []
        for expression in expressions:
            value = yield self.expression(expression, frame)
            values.append(value)
        return values

    def _strict(self, expression: Expression, frame: Frame) -> Task:
        """The constructs that evaluate all their operands, in order, and then combine them."""
        values = yield from self._all(operands(expression), frame)
        span = frame.site or expression.span
        if self.host.rehearses and isinstance(expression, Index):
            refuse_parentheses(expression, values[0], values[1])
        return self._settled(combine(self._builtins, expression, values, frame.env, span), frame, span)

    def _ternary(self, expression: Ternary, frame: Frame) -> Task:
        """Lazy when the condition is known now, elementwise when it is an s-op."""
        condition = yield self.expression(expression.condition, frame)
        span = frame.site or expression.span
        if is_handle(condition):
            then = yield self.expression(expression.then, frame)
            otherwise = yield self.expression(expression.otherwise, frame)
            value: Value = self.operations.choice(condition, then, otherwise, span)
        else:
            value = yield self.expression(expression.then if truth(condition) else expression.otherwise, frame)
        return self._settled(value, frame, span)

    def _dict(self, expression: DictLiteral, frame: Frame) -> Task:
        self.meter.made(2 * len(expression.items), expression.span)
        entries: dict[Atom, Value] = {}
        for key, item in expression.items:
            name = _key((yield self.expression(key, frame)), key.span)
            entries[name] = yield self.expression(item, frame)
        return self._settled(entries, frame, expression.span)

    def _comprehension(self, expression: ListComprehension | DictComprehension, frame: Frame) -> Task:
        """One element for each round; each round has its own scope."""
        iterable = yield self.expression(expression.iterable, frame)
        if not isinstance(iterable, (tuple, dict)):
            kind = "list" if isinstance(expression, ListComprehension) else "dict"
            text = f"{kind} comprehension should have got a list or dict to loop over, but got:"
            raise type_error(f"{text} {naming.python_text(iterable)}", expression.iterable.span)
        self.meter.made(2 * len(iterable), expression.span)
        items: list[Value] = []
        entries: dict[Atom, Value] = {}
        for item in iterable:
            inner = replace(frame, env=frame.env.nested())
            self._bind(expression.names, item, inner.env)
            if isinstance(expression, ListComprehension):
                items.append((yield self.expression(expression.value, inner)))
            else:
                key = _key((yield self.expression(expression.key, inner)), expression.key.span)
                entries[key] = yield self.expression(expression.value, inner)
        value: Value = tuple(items) if isinstance(expression, ListComprehension) else entries
        return self._settled(value, frame, expression.span)

    def _bind(self, names: tuple[Name, ...], item: Value, env: Environment) -> None:
        """Set the names of a loop to one element, or to the parts of one element."""
        self.meter.step(names[0].span, len(names))
        if len(names) == 1:
            env.set(names[0].id, item, names[0].span)
            return
        if not isinstance(item, (str, tuple, dict)):
            text = "iterating with multiple iterator names, but got single iterator value:"
            raise type_error(f"{text} {naming.python_text(item)}", names[0].span)
        if len(item) != len(names):
            shown = f"{len(item)} values ( {naming.python_text(item)} )"
            raise type_error(f"iterating with {len(names)} names but got {shown}", names[0].span)
        for name, part in zip(names, item, strict=True):
            env.set(name.id, part, name.span)

    # -------------------------------------------------------------------------------------------- calls

    def _call(self, expression: Call, frame: Frame) -> Task:
        """A function of the script, or an s-op or selector applied to an input."""
        arguments, callee = expression.arguments, frame
        if self.host.rehearses and len(arguments) == 1:
            callee = replace(frame, example=(yield self.expression(arguments[0], frame)))
        function = yield self.expression(expression.function, callee)
        span = frame.site or expression.span
        if is_handle(function):
            if len(arguments) != 1:
                raise wrong_arguments("evaluate unfinished", 1, len(arguments), span)
            argument = yield self.expression(arguments[0], frame)
            if not isinstance(argument, (str, tuple, dict)):
                text = "Applying unfinished expects iterable input, got:"
                raise type_error(f"{text} {naming.describe(argument)}", span)
            return Applied(self.host.applied(function, argument, span), argument)
        if not isinstance(function, Function):
            raise not_callable(function, span)
        values = yield from self._all(arguments, frame)
        value = yield self._invoke(function, values, span, frame)
        if is_handle(value):
            naming.rename(value, naming.application(function, values))
        return self._settled(value, frame, span)

    def _invoke(self, function: Function, arguments: list[Value], span: Span, frame: Frame) -> Task:
        """The body in a fresh scope inside the one where the function was defined."""
        limit = self.meter.budget.calls
        if frame.calls >= limit:
            raise exceeded("calls", limit, span, "nested calls")
        if len(arguments) != len(function.parameters):
            raise wrong_arguments(function.name, len(function.parameters), len(arguments), span)
        inner = Frame(function.closure.nested(), span if function.library else None, None, frame.calls + 1)
        for parameter, value in zip(function.parameters, arguments, strict=True):
            inner.env.set(parameter, value, span)
        for statement in function.body:
            yield self.statement(statement, inner)
        results = yield from self._all(function.results, inner)
        return self._one_or_list(results, span)

    # -------------------------------------------------------------------------------------------- statements

    def statement(self, statement: Statement, frame: Frame) -> Step:
        """Run a statement. Its value is what a prompt prints: assigned values, an expression, or an `Applied`."""
        self.meter.step(statement.span)
        match statement:
            case ExpressionStatement(values=values):
                return self._values(values, frame)
            case Assign():
                return self._assign(statement, frame)
            case FunctionDef():
                return self._define(statement, frame)
            case For():
                return self._for(statement, frame)
            case Load():
                return self.host.loaded(statement, frame.env)
            case Draw():
                return self._draw(statement, frame)
            case SetExample() | ShowExample() | ToggleExamples() | ToggleFullDisplay() | Exit():
                return Applied()  # commands of the prompt, which handles them before they come here
            case _:
                assert_never(statement)

    def run(self, statements: tuple[Statement, ...], frame: Frame) -> Task:
        """Run the statements of a file, up to an `exit`."""
        for statement in statements:
            if isinstance(statement, Exit):
                break
            yield self.statement(statement, frame)
        return Applied()

    def _values(self, expressions: tuple[Expression, ...], frame: Frame) -> Task:
        """One value, or the list of several."""
        values = yield from self._all(expressions, frame)
        return self._one_or_list(values, expressions[0].span)

    def _one_or_list(self, values: list[Value], span: Span) -> Value:
        if len(values) == 1:
            return values[0]
        self.meter.made(len(values), span)
        return tuple(values)

    def _assign(self, statement: Assign, frame: Frame) -> Task:
        value = yield self._values(statement.values, frame)
        names = statement.names
        parts: tuple[Value, ...] = (value,)
        if len(names) > 1:
            if not isinstance(value, (str, tuple, dict)):
                raise python_error(f"object of type '{type_name(value)}' has no len()", statement.span)
            if len(value) != len(names):
                text = f"expected {len(names)} values, but got: {len(value)}"
                raise type_error(text, statement.span)
            parts = tuple(value)
        for name, part in zip(names, parts, strict=True):
            frame.env.set(name.id, part, name.span)
            if is_handle(part):
                naming.rename(part, name.id)
        return value

    def _define(self, statement: FunctionDef, frame: Frame) -> Value:
        parameters = tuple(parameter.id for parameter in statement.parameters)
        name, body, results = statement.name, statement.body, statement.results
        function = Function(name.id, parameters, body, results, frame.env, self.library)
        frame.env.set(name.id, function, name.span)
        return function

    def _for(self, statement: For, frame: Frame) -> Task:
        """The body for each element, in the scope around it: the names keep their last values."""
        iterable = yield self.expression(statement.iterable, frame)
        if not isinstance(iterable, (tuple, dict)):
            text = "for loop needs to iterate over a list or dict, but got:"
            raise type_error(f"{text} {naming.python_text(iterable)}", statement.iterable.span)
        for item in iterable:
            self._bind(statement.names, item, frame.env)
            for inner in statement.body:
                yield self.statement(inner, frame)
        return Applied()

    def _draw(self, statement: Draw, frame: Frame) -> Task:
        argument: Value | None = None
        if statement.input is not None:
            argument = yield self.expression(statement.input, frame)
        inner = frame if argument is None else replace(frame, example=argument)
        target = yield self.expression(statement.target, inner)
        if not isinstance(target, SOpValue):
            text = f"draw expects unfinished sequence, got: {naming.python_text(target)}"
            raise type_error(text, statement.target.span)
        return Applied(self.host.drawn(target, argument, statement.span), argument)


def _key(value: Value, span: Span) -> Atom:
    if not is_atom(value):
        text = f"dictionary keys can only be atoms, but instead got: {naming.describe(value)}"
        raise type_error(text, span)
    return value
