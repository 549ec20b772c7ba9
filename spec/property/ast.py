"""Contracts as data: expressions over one run of a program, and the claims that a contract makes with them.

Every node keeps the span it was written at. Nodes are compared by identity, so tables may be keyed by them. Names are
not resolved here: `spec.property.bind` says what each one means. `Expression`, `Language` and `Claim` are closed
unions. Nesting of expressions is at most `MAX_NESTING`, so consumers may recurse over them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Final, TypeAlias

from spec.cost import PAPER
from spec.diagnostics import Diagnostic
from spec.operators import Op
from spec.property.scope import Scope
from spec.source import Source, Span
from spec.values import Atom

MAX_NESTING: Final = 100
MAX_WORD: Final = 4_096
"""How long an input may be that is written down: selectors have an entry for each pair of its positions."""

# ------------------------------------------------------------------------------------------------ languages


@dataclass(frozen=True, eq=False)
class Regex:
    """`/pattern/`: the words that it matches from end to end; `prefixes`: the prefixes of those words."""

    span: Span = field(repr=False)
    pattern: str
    prefixes: bool = False


@dataclass(frozen=True, eq=False)
class Dyck:
    """`dyck("()", "[]")`: balanced and properly nested; `shuffled`: each pair balanced on its own.

    `prefixes`: the prefixes of those words. A token that is no bracket is in no word.
    """

    span: Span = field(repr=False)
    pairs: tuple[tuple[str, str], ...]
    shuffled: bool = False
    prefixes: bool = False


Language: TypeAlias = Regex | Dyck

# ------------------------------------------------------------------------------------------------ expressions


class Connective(Enum):
    """The truth-functional operators that do not evaluate their right side when the left side decides."""

    AND = "and"
    OR = "or"
    IMPLIES = "=>"
    IFF = "<=>"


class Quantifier(Enum):
    """Conjunction or disjunction over a domain, in order, ending at the first instance that decides."""

    FORALL = "forall"
    EXISTS = "exists"


class Function(Enum):
    """The built-in functions; the value is the name."""

    COUNT = "count"
    SUM = "sum"
    ALL = "all"
    ANY = "any"
    MIN = "min"
    MAX = "max"
    SORTED = "sorted"
    PERMUTATION = "permutation"
    PREFIX = "prefix"
    LEN = "len"
    ABS = "abs"
    ROUND = "round"
    INT = "int"
    REVERSE = "reverse"


@dataclass(frozen=True, eq=False)
class Literal:
    """An atom that was written down; decimals are kept as rationals and rounded under IEEE semantics."""

    span: Span = field(repr=False)
    value: int | Fraction | str | bool


@dataclass(frozen=True, eq=False)
class Name:
    """A quantified variable, an s-op or a selector."""

    span: Span = field(repr=False)
    id: str


@dataclass(frozen=True, eq=False)
class Length:
    """`n`, the length of the input."""

    span: Span = field(repr=False)


@dataclass(frozen=True, eq=False)
class ListLiteral:
    """`[a, b]`: a sequence with these elements."""

    span: Span = field(repr=False)
    items: tuple["Expression", ...]


@dataclass(frozen=True, eq=False)
class Negation:
    """`-e` (`Op.NEG`) or `not e` (`Op.NOT`)."""

    span: Span = field(repr=False)
    op: Op
    operand: "Expression"


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """`left op right` with `op` one of `+ - * / % ^`."""

    span: Span = field(repr=False)
    op: Op
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, eq=False)
class Comparison:
    """`e0 op0 e1 op1 e2 ..`: the conjunction of the neighbours' comparisons, each operand evaluated once."""

    span: Span = field(repr=False)
    ops: tuple[Op, ...]
    operands: tuple["Expression", ...]


@dataclass(frozen=True, eq=False)
class Logic:
    """`e0 and e1 and ..`, `e0 or e1 or ..` (two operands or more); `e0 => e1`, `e0 <=> e1` (exactly two)."""

    span: Span = field(repr=False)
    connective: Connective
    operands: tuple["Expression", ...]


@dataclass(frozen=True, eq=False)
class Conditional:
    """`then if condition else otherwise`."""

    span: Span = field(repr=False)
    then: "Expression"
    condition: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True, eq=False)
class Positions:
    """The domain `0 .. n-1`."""

    span: Span = field(repr=False)


@dataclass(frozen=True, eq=False)
class Symbols:
    """The domain of the symbols of the scope's alphabet, in order."""

    span: Span = field(repr=False)


@dataclass(frozen=True, eq=False)
class Range:
    """The domain `low .. high`, both included; empty when `low > high`."""

    span: Span = field(repr=False)
    low: "Expression"
    high: "Expression"


Domain: TypeAlias = Positions | Symbols | Range


@dataclass(frozen=True, eq=False)
class Variable:
    """A variable where it is introduced."""

    span: Span = field(repr=False)
    id: str


@dataclass(frozen=True, eq=False)
class Quantified:
    """`forall i, j in domain: body`; several variables are nested quantifiers, the first outermost."""

    span: Span = field(repr=False)
    quantifier: Quantifier
    variables: tuple[Variable, ...]
    domain: Domain
    body: "Expression"


@dataclass(frozen=True, eq=False)
class Index:
    """`sequence[index]`; of a selector, the row of a query position: a sequence of booleans over key positions."""

    span: Span = field(repr=False)
    sequence: "Expression"
    index: "Expression"


@dataclass(frozen=True, eq=False)
class Slice:
    """`sequence[low..high]`, both ends included; empty when `low > high`."""

    span: Span = field(repr=False)
    sequence: "Expression"
    low: "Expression"
    high: "Expression"


@dataclass(frozen=True, eq=False)
class Call:
    """`function(arguments)`."""

    span: Span = field(repr=False)
    function: Function
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, eq=False)
class Element:
    """`item in sequence`: some element equals the item."""

    span: Span = field(repr=False)
    item: "Expression"
    sequence: "Expression"


@dataclass(frozen=True, eq=False)
class InLanguage:
    """`word in language`: a sequence is one of the language's words."""

    span: Span = field(repr=False)
    word: "Expression"
    language: Language


Expression: TypeAlias = (
    Literal
    | Name
    | Length
    | ListLiteral
    | Negation
    | Arithmetic
    | Comparison
    | Logic
    | Conditional
    | Quantified
    | Index
    | Slice
    | Call
    | Element
    | InLanguage
)

# ------------------------------------------------------------------------------------------------ claims


@dataclass(frozen=True, eq=False)
class Target:
    """An s-op that a claim is about: a name of this program, or of the program in the file at `path`."""

    span: Span = field(repr=False)
    id: str
    path: str | None = None

    def __str__(self) -> str:
        """The target as it is written."""
        return self.id if self.path is None else f'"{self.path}"::{self.id}'


class Symmetry(Enum):
    """What a transformation `g` of the input does to an output: nothing, or the same as to the input."""

    INVARIANT = "invariant"
    EQUIVARIANT = "equivariant"


class Transform(Enum):
    """The generators `g` that a symmetry is checked for.

    Permutation: swaps of neighbouring positions. Renaming: swaps of neighbouring symbols of the alphabet. Reversal:
    the one reversal. Padding: one more token, a given atom, at the end.
    """

    PERMUTATION = "permutation"
    RENAMING = "renaming"
    REVERSAL = "reversal"
    PADDING = "padding"


class Measure(Enum):
    """What an architecture is measured by: layers, heads of the widest layer, heads of all layers together."""

    LAYERS = "layers"
    HEADS = "heads"
    TOTAL_HEADS = "total heads"


@dataclass(frozen=True, eq=False)
class Limit:
    """`measure <= at_most`."""

    span: Span = field(repr=False)
    measure: Measure
    at_most: int


class Named(Enum):
    """What a claim about an architecture says of itself besides its limits: the level, the cost model, the class."""

    LEVEL = "level"
    MODEL = "model"
    CLASS = "class"


@dataclass(frozen=True, eq=False)
class Setting:
    """`level 2`, `model transformer`, `class "count/all"`."""

    span: Span = field(repr=False)
    named: Named
    value: str


@dataclass(frozen=True, eq=False)
class Ensures:
    """For every input in scope with the preconditions: the expression has a value, and it is `True`."""

    condition: Expression


@dataclass(frozen=True, eq=False)
class Equivalent:
    """For every such input: both fail, or both have equal values at every position."""

    left: Target
    right: Target


@dataclass(frozen=True, eq=False)
class Accepts:
    """For every such input: the expression is `True` when the input is in the language, and `False` otherwise."""

    condition: Expression
    language: Language


@dataclass(frozen=True, eq=False)
class Invariance:
    """For every such input `x` and generator `g` with the preconditions at `g x`: `out(g x)` is `out(x)` or `g out(x)`.

    `padding` is the atom that padding appends; the original positions are compared.
    """

    symmetry: Symmetry
    target: Target
    transform: Transform
    padding: Atom | None = None


@dataclass(frozen=True, eq=False)
class Causal:
    """For every such input `x` and prefix `y = x[0..i]` with the preconditions: `out(x)[i] == out(y)[i]`."""

    target: Target


@dataclass(frozen=True, eq=False)
class Cover:
    """For some such input the expression is `True`."""

    condition: Expression


@dataclass(frozen=True, eq=False)
class Example:
    """On this one input the output equals the expected sequence; with `None`, evaluation fails."""

    target: Target
    tokens: tuple[Atom, ...]
    expected: Expression | None


@dataclass(frozen=True, eq=False)
class Architecture:
    """The s-op needs no more layers and heads than this; without a target, the only one that the contract has.

    Level 1 is about the program as written, under a cost model; level 2 about what is left of it after merging what is
    equal on the scope; level 3 about all programs of a class (`docs/bounds.md`), which `cls` names.
    """

    target: Target | None
    limits: tuple[Limit, ...]
    level: int = 1
    model: str = PAPER.name
    cls: Setting | None = None

    @property
    def most(self) -> Mapping[Measure, int]:
        """The least limit on each measure that has one."""
        found: dict[Measure, int] = {}
        for limit in self.limits:
            found[limit.measure] = min(limit.at_most, found.get(limit.measure, limit.at_most))
        return found


@dataclass(frozen=True, eq=False)
class NoError:
    """For every such input the s-op evaluates. Implicit."""

    target: Target


@dataclass(frozen=True, eq=False)
class NumbersAgree:
    """For every such input both number semantics fail, or agree up to rounding noise. Implicit."""

    target: Target


Claim: TypeAlias = (
    Ensures | Equivalent | Accepts | Invariance | Causal | Cover | Example | Architecture | NoError | NumbersAgree
)

# ------------------------------------------------------------------------------------------------ contracts


class Expected(Enum):
    """The verdict that the author of a contract expects."""

    PROVED = "proved"
    REFUTED = "refuted"
    VACUOUS = "vacuous"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Requires:
    """A precondition for the claims after it, up to the next scope."""

    span: Span = field(repr=False)
    name: str
    condition: Expression


@dataclass(frozen=True, eq=False)
class Property:
    """One claim with its name, its scope and the preconditions in force."""

    span: Span = field(repr=False)
    name: str
    scope: Scope
    requires: tuple[Requires, ...]
    claim: Claim
    expected: Expected = Expected.PROVED


@dataclass(frozen=True, eq=False)
class Expect:
    """`expect name: verdict`."""

    span: Span = field(repr=False)
    name: str
    verdict: Expected


class Carrier(Enum):
    """Where a contract is written: `#@` lines of a program, a `.prop` file, or a string in Python."""

    ANNOTATIONS = "annotations"
    FILE = "file"
    PYTHON = "python"


@dataclass(frozen=True, eq=False)
class Contract:
    """The properties of one source, in order, and the expectations about implicit ones, which binding resolves.

    `scopes` are those that are written, also where no property follows.
    """

    source: Source
    carrier: Carrier
    properties: tuple[Property, ...]
    expects: tuple[Expect, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    scopes: tuple[Scope, ...] = ()
