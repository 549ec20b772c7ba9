"""The word-level circuit: what a program and its properties say about inputs of one fixed length.

`verifier.question.unroll` builds terms, every engine folds over them, and nothing else connects the two. A term has a
value on each input (a tuple of atoms), or it fails there; failing is strict except where a case says otherwise:

    Input(p)             the input atom at position p
    Literal(v)           v
    Failure()            fails
    Read(view, x)        x as `tokens_str`, `tokens_int`, ... reads it, with reals as the number semantics has them
    Apply(op, x..)       the operator of the language; fails where the operator does
    Mean(r.., x.., d)    over the j whose r[j] holds: d if none, x[j] if one, else the mean (numbers only)
    Count(x..)           how many x hold
    Choose(c, a, b)      a where c holds, else b; only the chosen one can fail
    HasKind(x, kinds)    whether the value of x is of one of the kinds
    Ok(x..)              whether no x fails; never fails itself
    Agree(x, y)          whether a value computed exactly and one computed in doubles mean the same

Terms are interned by `Terms` and folded where all operands are literals; ids ascend from operands to results, so a
walk is a loop. `kinds` bounds the kinds of the value, `size` its bits, and `risky` is false only if the term and all
that it is built from never fail.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, TypeAlias, TypeVar, assert_never

from spec.graph import View
from spec.interp import read_token
from spec.operators import (
    ANY,
    MAX_INT_BITS,
    Item,
    Kinds,
    Lookup,
    Member,
    Op,
    Operator,
    OperatorError,
    apply,
    operator_key,
    result_kinds,
)
from spec.values import NUMERIC, Atom, Kind, Numbers, agree, atom_key, kind_of, to_input

BOOL: Final[Kinds] = frozenset({Kind.BOOL})
INT: Final[Kinds] = frozenset({Kind.INT})


class _Identified:
    """A short representation: spelling out operands would be exponential on a shared circuit."""

    __slots__ = ()
    id: int

    def __repr__(self) -> str:
        return f"{type(self).__name__}#{self.id}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Term(_Identified):
    id: int
    kinds: Kinds
    size: int
    risky: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Input(_Term):
    """The input atom at a position."""

    position: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Literal(_Term):
    """An atom."""

    value: Atom


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Failure(_Term):
    """No value on any input."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Read(_Term):
    """An input atom through a view."""

    view: View
    arg: "Term"
    numbers: Numbers


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Apply(_Term):
    """An operator of the language."""

    op: Operator
    args: tuple["Term", ...]
    numbers: Numbers


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mean(_Term):
    """One row of an aggregate: `chosen[j]` says whether `values[j]` is selected."""

    chosen: tuple["Term", ...]
    values: tuple["Term", ...]
    default: Atom
    numbers: Numbers


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Count(_Term):
    """The number of operands that hold."""

    args: tuple["Term", ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Choose(_Term):
    """A conditional that evaluates one branch; the condition is read by its truth value."""

    condition: "Term"
    then: "Term"
    otherwise: "Term"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HasKind(_Term):
    """Whether the operand's value is of one of the kinds."""

    arg: "Term"
    among: Kinds


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ok(_Term):
    """Whether no operand fails."""

    args: tuple["Term", ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Agree(_Term):
    """`spec.values.agree` of a value under exact numbers and one under IEEE numbers."""

    exact: "Term"
    ieee: "Term"


Term: TypeAlias = Input | Literal | Failure | Read | Apply | Mean | Count | Choose | HasKind | Ok | Agree
T = TypeVar("T", Input, Literal, Failure, Read, Apply, Mean, Count, Choose, HasKind, Ok, Agree)


def operands(term: Term) -> tuple[Term, ...]:
    """The terms that this one reads, in order."""
    match term:
        case Input() | Literal() | Failure():
            return ()
        case Read(arg=arg) | HasKind(arg=arg):
            return (arg,)
        case Apply(args=args) | Count(args=args) | Ok(args=args):
            return args
        case Mean(chosen=chosen, values=values):
            return chosen + values
        case Choose(condition=condition, then=then, otherwise=otherwise):
            return condition, then, otherwise
        case Agree(exact=exact, ieee=ieee):
            return exact, ieee
    assert_never(term)


def topological(roots: Iterable[Term]) -> tuple[Term, ...]:
    """Every term that the roots are built from, the roots included, operands first."""
    seen: set[Term] = set()
    stack = list(roots)
    while stack:
        term = stack.pop()
        if term not in seen:
            seen.add(term)
            stack.extend(operands(term))
    return tuple(sorted(seen, key=lambda term: term.id))


def read_atom(view: View, atom: Atom, numbers: Numbers) -> Atom:
    """What `Read` makes of an atom, which may be written down as a double or as a rational; or `OperatorError`."""
    return read_token(view, to_input((atom,), numbers)[0], numbers)


@dataclass(eq=False)
class Terms:
    """The only maker of terms. `input_kinds` and `input_size` describe what an input atom can be."""

    input_kinds: Kinds
    input_size: int
    _interned: dict[tuple[object, ...], Term] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many terms there are."""
        return len(self._interned)

    def input(self, position: int) -> Term:
        """The input atom at a position."""
        return self._make((Input, position), lambda i: Input(i, self.input_kinds, self.input_size, False, position))

    def literal(self, value: Atom) -> Literal:
        """A known value."""
        kinds, size = frozenset({kind_of(value)}), bits(value)
        return self._make((Literal, atom_key(value)), lambda i: Literal(i, kinds, size, False, value))

    def failure(self) -> Failure:
        """A term without a value."""
        return self._make((Failure,), lambda i: Failure(i, frozenset(), 0, True))

    def read(self, view: View, arg: Term, numbers: Numbers) -> Term:
        """`tokens_str` and its like, of one atom."""
        if isinstance(arg, Literal):
            return self._known(lambda: read_atom(view, arg.value, numbers))
        if isinstance(arg, Failure):
            return arg
        if view is View.ASIS and Kind.REAL not in arg.kinds:
            return arg
        kinds = arg.kinds if view is View.ASIS else _VIEW_KINDS[view]
        risky = arg.risky or view in (View.INT, View.FLOAT)
        size = max(4 * arg.size, 64)
        if view is View.FLOAT:
            size = max(size, _spelled_size(arg), _DOUBLE_BITS if numbers is Numbers.IEEE else 0)
        return self._make((Read, view, arg, numbers), lambda i: Read(i, kinds, size, risky, view, arg, numbers))

    def apply(self, op: Operator, *args: Term, numbers: Numbers) -> Term:
        """An operator; known operands are folded, and so are the connectives with one deciding operand."""
        if any(isinstance(arg, Failure) for arg in args):
            return self.failure()
        values = [arg.value for arg in args if isinstance(arg, Literal)]
        if len(values) == len(args):
            return self._known(lambda: apply(op, values, numbers))
        short = self._connective(op, args)
        if short is not None:
            return short
        kinds = result_kinds(op, [arg.kinds for arg in args])
        if not kinds:
            return self.failure()
        size = _result_size(op, args)
        risky = any(arg.risky for arg in args) or _can_fail(op, args, size, numbers)
        key = (Apply, operator_key(op), args, numbers)
        return self._make(key, lambda i: Apply(i, kinds, size, risky, op, args, numbers))

    def _connective(self, op: Operator, args: tuple[Term, ...]) -> Term | None:
        """`and`, `or`, `if` with an operand that decides; only where nothing that is dropped can fail."""
        if op is Op.IF and isinstance(args[0], Literal):
            kept, dropped = (args[1], args[2]) if args[0].value else (args[2], args[1])
            return None if dropped.risky else kept
        if op is Op.IF and args[1] is args[2]:
            return None if args[0].risky else args[1]
        if op not in (Op.AND, Op.OR):
            return None
        for literal, other in (args, args[::-1]):
            if isinstance(literal, Literal):
                decides = bool(literal.value) is (op is Op.OR)
                if decides:
                    return None if other.risky else self.literal(op is Op.OR)
                return other if other.kinds == BOOL else None
        return args[0] if args[0] is args[1] and args[0].kinds == BOOL else None

    def mean(self, chosen: Sequence[Term], values: Sequence[Term], default: Atom, numbers: Numbers) -> Term:
        """One row of an aggregate. Positions that are never selected are dropped unless they can fail."""
        if any(isinstance(arg, Failure) for arg in (*chosen, *values)):
            return self.failure()
        kept = [(c, v) for c, v in zip(chosen, values, strict=True) if v.risky or not isinstance(c, Literal) or c.value]
        if not kept:
            return self.literal(default)
        if len(kept) == 1:
            (c, v) = kept[0]
            if isinstance(c, Literal):
                return v if c.value else self.literal(default)
            if c.kinds == BOOL and not c.risky:
                return self.choose(c, v, self.literal(default))
        rows, operands_ = tuple(c for c, _ in kept), tuple(v for _, v in kept)
        kinds = _mean_kinds(operands_, default)
        # Rationals may all have different denominators; sums of integers and of doubles only carry.
        rational = numbers is Numbers.EXACT and any(Kind.REAL in v.kinds for v in operands_)
        largest = sum(v.size for v in operands_) if rational else max(v.size for v in operands_)
        size = largest + len(kept).bit_length() + bits(default)
        non_numbers = any(not v.kinds <= NUMERIC for v in operands_)
        overflows = numbers is Numbers.IEEE and size >= _DOUBLE_BITS
        risky = non_numbers or overflows or any(t.risky for t in rows + operands_)
        key = (Mean, rows, operands_, atom_key(default), numbers)
        return self._make(key, lambda i: Mean(i, kinds, size, risky, rows, operands_, default, numbers))

    def count(self, args: Iterable[Term]) -> Term:
        """How many of the operands hold; operands are truth values."""
        args = tuple(args)
        if any(isinstance(arg, Failure) for arg in args):
            return self.failure()
        if all(isinstance(arg, Literal) for arg in args):
            return self.literal(sum(bool(arg.value) for arg in args if isinstance(arg, Literal)))
        size, risky = len(args).bit_length() + 1, any(arg.risky for arg in args)
        return self._make((Count, args), lambda i: Count(i, INT, size, risky, args))

    def choose(self, condition: Term, then: Term, otherwise: Term) -> Term:
        """A lazy conditional."""
        if isinstance(condition, Literal):
            return then if condition.value else otherwise
        if isinstance(condition, Failure):
            return condition
        if then is otherwise and not condition.risky:
            return then
        if isinstance(then, Literal) and isinstance(otherwise, Literal) and condition.kinds == BOOL:
            if then.value is True and otherwise.value is False:
                return condition
            if then.value is False and otherwise.value is True:
                return self.apply(Op.NOT, condition, numbers=Numbers.EXACT)
        kinds = then.kinds | otherwise.kinds
        size = max(then.size, otherwise.size)
        risky = condition.risky or then.risky or otherwise.risky
        key = (Choose, condition, then, otherwise)
        return self._make(key, lambda i: Choose(i, kinds, size, risky, condition, then, otherwise))

    def has_kind(self, arg: Term, among: Kinds) -> Term:
        """A test of the dynamic type."""
        if isinstance(arg, Failure):
            return arg
        if not arg.risky and (arg.kinds <= among or not arg.kinds & among):
            return self.literal(arg.kinds <= among)
        return self._make((HasKind, arg, among), lambda i: HasKind(i, BOOL, 1, arg.risky, arg, among))

    def ok(self, args: Iterable[Term]) -> Term:
        """Whether all of the operands have a value."""
        risky = _fallible(args)
        if not risky:
            return self.literal(True)
        if any(isinstance(arg, Failure) for arg in risky):
            return self.literal(False)
        return self._make((Ok, risky), lambda i: Ok(i, BOOL, 1, False, risky))

    def agree(self, exact: Term, ieee: Term) -> Term:
        """Whether two values computed in the two number semantics mean the same."""
        if isinstance(exact, Literal) and isinstance(ieee, Literal):
            return self.literal(agree(exact.value, ieee.value))
        if exact is ieee and Kind.REAL not in exact.kinds and not exact.risky:
            return self.literal(True)
        if isinstance(exact, Failure) or isinstance(ieee, Failure):
            return self.failure()
        risky = exact.risky or ieee.risky
        return self._make((Agree, exact, ieee), lambda i: Agree(i, BOOL, 1, risky, exact, ieee))

    # Truth-valued shorthands, lazy from left to right.

    def negation(self, arg: Term) -> Term:
        """`not arg`."""
        return self.choose(arg, self.literal(False), self.literal(True))

    def both(self, left: Term, right: Term) -> Term:
        """`left and right`, where `right` is evaluated only if `left` holds."""
        return self.choose(left, right, self.literal(False))

    def either(self, left: Term, right: Term) -> Term:
        """`left or right`, where `right` is evaluated only unless `left` holds."""
        return self.choose(left, self.literal(True), right)

    def all(self, args: Iterable[Term]) -> Term:
        """The lazy conjunction, evaluated from left to right."""
        result: Term = self.literal(True)
        for arg in reversed(tuple(args)):
            result = self.both(arg, result)
        return result

    def _known(self, compute: Callable[[], Atom]) -> Term:
        try:
            return self.literal(compute())
        except OperatorError:
            return self.failure()

    def _make(self, key: tuple[object, ...], build: Callable[[int], T]) -> T:
        found = self._interned.get(key)
        if found is None:
            found = self._interned[key] = build(len(self._interned))
        return found  # type: ignore[return-value]  # the first component of the key is the class


_VIEW_KINDS: Final[Mapping[View, Kinds]] = {
    View.STR: frozenset({Kind.STR}),
    View.INT: INT,
    View.FLOAT: frozenset({Kind.REAL}),
    View.BOOL: BOOL,
    View.ASIS: ANY,
}

_DOUBLE_BITS: Final = 1024
"""The integer part of a finite double has at most this many bits."""


def _spelled_size(text: Term) -> int:
    """The most bits of a decimal that a text of this length spells: its digits, and its exponent as in `1e-99`."""
    if Kind.STR not in text.kinds:
        return 0
    digits = max(0, text.size - len("1e"))
    return min(MAX_INT_BITS, 4 * (text.size + 10**digits)) if digits < 6 else MAX_INT_BITS


def _mean_kinds(values: Sequence[Term], default: Atom) -> Kinds:
    kinds = frozenset(kind for value in values for kind in value.kinds)
    mean = frozenset({Kind.REAL}) if len(values) > 1 and kinds & NUMERIC else frozenset()
    return kinds | {kind_of(default)} | mean


def bits(value: Atom) -> int:
    """The bits of a number (of either part of a rational), the length of a string."""
    match value:
        case str():
            return len(value)
        case float():
            return _DOUBLE_BITS
        case _:
            return max(value.numerator.bit_length(), value.denominator.bit_length())


def _result_size(op: Operator, args: Sequence[Term]) -> int:
    sizes = [arg.size for arg in args]
    rational = any(Kind.REAL in arg.kinds for arg in args)
    match op:
        case Item(values=values) | Lookup(values=values):
            return max(map(bits, values), default=0)
        case Member() | Op.NOT | Op.INDICATOR | Op.EQ | Op.NE | Op.LT | Op.LE | Op.GT | Op.GE | Op.AND | Op.OR:
            return 1
        case Op.IF:
            return max(sizes[1:])
        case Op.ADD | Op.SUB | Op.MOD if not rational and not any(Kind.STR in arg.kinds for arg in args):
            return max(sizes) + 1
        case Op.POS | Op.NEG | Op.ROUND | Op.ADD | Op.SUB | Op.MOD | Op.DIV:
            return 2 * sum(sizes) + 1 if rational else sum(sizes) + 1
        case Op.MUL:
            return sizes[0] + (sizes[1] if all(Kind.STR not in arg.kinds for arg in args) else 1 << 20)
        case Op.POW:
            power = args[1].value if isinstance(args[1], Literal) else None
            return sizes[0] * abs(int(power)) + 1 if isinstance(power, int | Fraction) else MAX_INT_BITS + 1
    assert_never(op)


def _fallible(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Terms of which one fails exactly where one of these does.

    What is strict and does not fail itself fails exactly where one of its operands does, so they stand for it.
    """
    found: set[Term] = set()
    seen: set[Term] = set()
    stack = list(terms)
    while stack:
        term = stack.pop()
        if not term.risky or term in seen:
            continue
        seen.add(term)
        match term:
            case Apply(op=op, args=args, numbers=numbers) if not _can_fail(op, args, term.size, numbers):
                stack.extend(args)
            case Count(args=args):
                stack.extend(args)
            case _:
                found.add(term)
    return tuple(sorted(found, key=lambda term: term.id))


def _can_fail(op: Operator, args: Sequence[Term], size: int, numbers: Numbers) -> bool:
    """Whether the operator itself may fail on operands of these kinds and sizes; when in doubt, it may."""
    kinds = frozenset(kind for arg in args for kind in arg.kinds)
    match op:
        case Op.NOT | Op.INDICATOR | Op.EQ | Op.NE | Op.AND | Op.OR | Op.IF | Member():
            return False
        case Op.LT | Op.LE | Op.GT | Op.GE:
            return not (kinds <= NUMERIC or kinds == {Kind.STR})
        case Op.POS | Op.NEG | Op.ADD | Op.SUB | Op.MUL:
            mixed = numbers is Numbers.IEEE and Kind.REAL in kinds and kinds != {Kind.REAL} and size >= _DOUBLE_BITS
            return not kinds <= NUMERIC or mixed or size > MAX_INT_BITS
        case Op.ROUND:
            return numbers is Numbers.IEEE or not kinds <= NUMERIC
        case Op.DIV | Op.MOD | Op.POW | Item() | Lookup():
            return True
    assert_never(op)
