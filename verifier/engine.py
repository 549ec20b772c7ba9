"""The question every engine answers, and the three answers it may give.

A `Query` asks: is there an input of length n over the alphabet on which `violation` holds? `violation` is a
truth-valued term that never fails (`Ok` and `Choose` have removed failing), so an engine decides one closed formula:

    Unsat       no such input; the engine covered every input of the query
    Sat         this input is one (the caller replays it in the interpreter before anyone hears of it)
    Undecided   the engine stopped, and why; never to be read as either of the others

Engines differ in how they decide, never in what is asked. `Session.check` narrows the question: `box[p]` lists the
atoms allowed at position p, `other_than` excludes one input. It is how the least counterexample is found and shown
to be the only one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from time import monotonic, process_time
from typing import Protocol, TypeAlias

from spec.property.scope import Alphabet, Integers
from spec.values import Atom
from verifier.question.terms import Term
from verifier.reductions.classes import Classes

Word: TypeAlias = tuple[Atom, ...]


@dataclass(frozen=True)
class Looked:
    """How far a search is that looks at every input: so many of so many inputs of one length."""

    length: int
    inputs: int
    of: int


@dataclass(frozen=True)
class Query:
    """Is there an input of this length over this alphabet on which the term `violation` holds?

    `classes`, where known, says of which words (tuples of indices of symbols) the violation holds alike. `prepared`
    keeps what engines have in common, so that the next one asked does not start from nothing. `evaluate` says of one
    input whether it violates, without any term: the interpreter's word, which may confirm an engine's. `told` hears now
    and then how far a long search is.
    """

    length: int
    alphabet: Alphabet
    violation: Term
    classes: Classes | None = None
    prepared: dict[str, object] = field(default_factory=dict, compare=False, repr=False)
    evaluate: Callable[[Word], bool] | None = field(default=None, compare=False, repr=False)
    told: Callable[[Looked], None] = field(default=lambda _: None, compare=False, repr=False)

    @property
    def inputs(self) -> int | None:
        """How many inputs the query ranges over; `None` when there is no end to them."""
        match self.alphabet:
            case Integers(low, high):
                size = None if low is None or high is None else high - low + 1
            case symbols:
                size = len(symbols)
        return None if size is None else int(size**self.length)


class Proofs(Enum):
    """Which `Unsat` answers something independent has to confirm: every one, those where it costs little, or none."""

    ALL = "all"
    SAMPLE = "sample"
    NONE = "none"


@dataclass(frozen=True)
class Deadline:
    """When time is up: at `wall` by the monotonic clock, or when this process has computed up to `cpu`.

    Asking how long it has computed takes a system call, so that is left out before the clock shows `soonest`.
    """

    wall: float
    cpu: float = inf
    soonest: float = inf

    def passed(self) -> bool:
        """Whether time is up."""
        now = monotonic()
        return now > self.wall or (now > self.soonest and process_time() > self.cpu)


@dataclass(frozen=True)
class Limits:
    """What an engine may spend on one query. Reaching a limit is `Undecided`, never an answer.

    `cpu_s` is processor time, of all threads of this process together, so that it allows as much on a busy machine as
    on an idle one; the circuit, which is built once for all engines that share it, is not counted in it.
    `reductions` allows to ask about fewer inputs that stand for all, where a symmetry of the query is established.
    """

    wall_s: float = 60.0
    cpu_s: float = inf
    max_inputs: int = 5_000_000
    max_terms: int = 2_000_000
    max_nodes: int = 1 << 23
    solver_steps: int = 50_000_000
    proofs: Proofs = Proofs.SAMPLE
    reductions: bool = True

    def deadline(self) -> Deadline:
        """When the time is up that begins now."""
        now = monotonic()
        return Deadline(now + self.wall_s, process_time() + self.cpu_s, now + self.cpu_s)


class Reason(Enum):
    """Why there is no answer."""

    UNSUPPORTED = "unsupported"
    WALL = "wall"
    MEMORY = "memory"
    STEPS = "rlimit"
    SIZE = "size"
    SOLVER = "solver_unknown"
    KILLED = "killed"
    DISAGREEMENT = "solver_disagreement"
    NOT_REPLAYED = "counterexample_not_replayed"


@dataclass(frozen=True)
class Evidence:
    """What stands behind an `Unsat`: who, on how many inputs or steps, what checked it, whether an earlier run did.

    `reductions` says why the inputs that were looked at stand for all; `proof` names the file of a clausal proof.
    """

    by: str
    detail: str = ""
    inputs: int | None = None
    steps: int | None = None
    checked_by: tuple[str, ...] = ()
    kept: bool = False
    reductions: tuple[str, ...] = ()
    proof: str | None = None


@dataclass(frozen=True)
class Refutation:
    """Clauses that have no model, and the lines of a clausal proof (DRUP) of that."""

    clauses: Sequence[Sequence[int]]
    lines: Sequence[str]


@dataclass(frozen=True)
class Unsat:
    """No input of the query satisfies the violation; `refutation` is a proof of it, if there is one."""

    evidence: Evidence
    refutation: Refutation | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Sat:
    """An input that satisfies the violation; `least` when no smaller one exists in alphabet order."""

    word: Word
    least: bool = False


@dataclass(frozen=True)
class Undecided:
    """No answer within the limits."""

    reason: Reason
    detail: str = ""


Answer: TypeAlias = Unsat | Sat | Undecided


@dataclass(frozen=True)
class Listing:
    """Words in order; whether there are no more; otherwise, unless as many as were wanted are here, why not."""

    words: tuple[Word, ...]
    complete: bool
    stopped: str = ""


class Session(Protocol):
    """One query, prepared once and asked in several narrower forms."""

    def check(self, box: Sequence[Sequence[Atom]] | None = None, other_than: Word | None = None) -> Answer:
        """The query restricted to the words of the box that differ from `other_than`."""
        ...


class Engine(Protocol):
    """A decision procedure."""

    @property
    def name(self) -> str:
        """The name under which it is chosen and reported."""
        ...

    def open(self, query: Query, limits: Limits) -> Session | Undecided:
        """Prepare the query, or say why this engine can't take it."""
        ...
