"""Value sets are closed: what is claimed of each leaf follows from what is claimed of those below, by induction.

Let an input have an output, so that every operator and every comparison below the outputs has a value on it. If what
is claimed below a leaf holds on it, then the values of the keys and of the query of each pair of places are among
the *states* that `Local` enumerates, each key's outcome is among those of `Rows`, and the row is one of those that are
folded: so the leaf's value is one of those that are looked up in its set. An s-op that counts define is, in the same
way, what its definition says; a stored s-op is what its operator makes of a state of its operands. Nothing of
`compiled.meaning` that computes values is used: only the interpreter's operators (`spec.operators`, `read_token`) and
the rules of aggregation, stated once more here:

    no key selected        the default
    one                    its value, of its kind
    several                their mean, a real; none if a string is anywhere in the sequence, or booleans only

What is looked at is larger than what there is: keys are taken to be independent of each other.
"""

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Final, TypeAlias

from compiled.certificate.closure.claims import Claims, NotClosed, TooMuchWork, Work
from compiled.certificate.closure.comparisons import reads
from compiled.certificate.closure.defined import Definitions, program_of
from compiled.certificate.closure.leaf_sets import check_leaf, check_stored
from compiled.certificate.closure.local import Local
from compiled.meaning.leaves import Computed, Count, Input, Position, Stored
from spec.graph import Aggregate, SOp

LIMIT: Final = 20_000_000
"""Units of work after which value sets are taken on trust: about ten seconds."""


@dataclass(frozen=True)
class Defined:
    """That the s-op is what its definition says."""

    sop: SOp


Duty: TypeAlias = Computed | Defined
"""What is to be proved: the sets of a leaf, or a definition."""


@dataclass(frozen=True)
class Closed:
    """Whether the claims were proved, or would have taken too much work; and the work that was done."""

    proved: bool
    work: int


def prove(claims: Claims, limit: int = LIMIT) -> Closed:
    """Prove every claim; `NotClosed` when one does not follow from those below it."""
    work = Work(limit)
    local = Local(claims, work)
    definitions = Definitions(claims, local, work)
    try:
        for duty in _in_order(claims, local):
            match duty:
                case Defined(sop):
                    definitions.check(sop, claims.definitions[sop])
                case Stored():
                    check_stored(claims, local, work, duty)
                case Aggregate() | Count():
                    check_leaf(claims, local, work, duty)
    except TooMuchWork:
        return Closed(False, work.done)
    return Closed(True, work.done)


def _in_order(claims: Claims, local: Local) -> list[Duty]:
    """What is to be proved, after what it stands on; an argument in a circle proves nothing."""
    duties: list[Duty] = [*claims.leaves, *map(Defined, claims.definitions)]
    try:
        return list(TopologicalSorter({duty: _stands_on(claims, local, duty) for duty in duties}).static_order())
    except CycleError as error:
        raise NotClosed("claims about values stand on each other in a circle") from error


def _stands_on(claims: Claims, local: Local, duty: Duty) -> set[Duty]:
    """The claims that this one is proved from."""
    columns: list[Aggregate | Count] = []
    read: set[SOp] = set()
    match duty:
        case Defined(sop):
            columns = [node for node in program_of(sop) if isinstance(node, Aggregate)]
            columns += claims.definitions[sop].leaves
        case Stored(sop):
            read |= set(sop.args)
        case Aggregate() | Count():
            columns = [duty]
    for column in columns:
        keys, queries = reads(column)
        read |= keys | queries | ({column.values} if isinstance(column, Aggregate) else set())
    found: set[Duty] = {Defined(node) for node in local.below(read) if node in claims.definitions}
    return found | {leaf for leaf in local.leaves(read) if not isinstance(leaf, Input | Position)}
