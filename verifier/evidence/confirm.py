"""Who confirms that a query has no input: somebody else than the one who said so.

    drup         CaDiCaL refutes the clauses and logs its proof, which `verifier.recheck.rup` replays
    sat (proof not replayed)    CaDiCaL refutes them, but there was no time to replay its proof
    sat (gates fold to false)   the gates came out false while they were built: no clauses, nothing to replay
    ENGINE       another engine gives the same answer
    diagrams (ORDER)    diagrams once more, with the variables in the other order
    interpreter  where there are few inputs and nobody else can tell, it runs on each of them
    NAME (fewer inputs)    it is known only of inputs that stand for all, by a symmetry that nobody confirms

Those who share least come first: where there are few inputs, evaluating the terms needs no circuit at all. Everybody
gets a short time, and all the time only when nobody was fast; a proof that was found is replayed as long as there is
time at all. A contradiction ends the run.

Engines on gates search the same gates. Where these fold to false none of them has anything to search, so that one of
them says nothing that another had not: then somebody who needs no gates has to say it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import inf
from time import monotonic
from typing import Final

from spec.diagnostics import InternalError
from verifier.encodings.circuit import Circuit, circuit_of
from verifier.encodings.gates import FALSE
from verifier.encodings.words import few_symbols, listed
from verifier.engine import Engine, Evidence, Limits, Proofs, Query, Refutation, Sat, Undecided, Unsat, Word
from verifier.engines.bits import BITS
from verifier.engines.device import DEVICE
from verifier.engines.diagrams import DIAGRAMS, FIRST_ON_TOP, LAST_ON_TOP, Diagrams
from verifier.engines.enumerate import ENUMERATE
from verifier.engines.parallel import PARALLEL
from verifier.engines.sat import CHECKER, SAT, Propositional
from verifier.engines.second import SECOND
from verifier.engines.smt import SMT

INTERPRETER: Final = "interpreter"
FEW: Final = 20_000
"""So many inputs are evaluated term by term before anything else."""
OF_FEWER: Final = " (fewer inputs)"
"""Follows the name of who looked only at inputs that stand for all."""
FOLDED: Final = f"{SAT.name} (gates fold to false)"
NOT_REPLAYED: Final = f"{SAT.name} (proof not replayed)"
ON_GATES: Final = frozenset({PARALLEL.name, DEVICE.name, DIAGRAMS.name, SAT.name})
_SHORT: Final = 4.0
_PATIENT: Final = 3.0
"""A proof is replayed in the processor time that the query has by the clock, so many times as long by the clock."""
_ON_ALL: Final = 10.0
"""After so many seconds nobody else is asked about all inputs where fewer stand for them."""
_FOR_A_PROOF: Final = 10.0
_QUICKLY_EVALUATED: Final = 1 << 24
_MOST_INPUTS: Final = 1 << 40


@dataclass(frozen=True)
class Confirmer:
    """An engine under the name by which it is reported, and what it may spend."""

    name: str
    engine: Engine
    limits: Limits


@dataclass(frozen=True)
class Confirmed:
    """Nobody else found an input either: who looked, and the answer."""

    by: str
    answer: Unsat


@dataclass(frozen=True)
class Contradicted:
    """Somebody else did find one."""

    by: str
    word: Word


def confirm(
    query: Query, by: str, detail: str, limits: Limits, fewer: Query | None = None
) -> Confirmed | Contradicted | None:
    """What the first one says who can tell; `None` when nobody can within the limits.

    `by` and `detail` are the evidence that is to be confirmed. Where it is about `fewer` inputs that stand for those of
    the query, everybody gets a short time to look at all of them first.
    """
    if fewer is None:
        return _asked(query, by, detail, limits)
    short = replace(limits, wall_s=min(limits.wall_s, _SHORT), reductions=False)
    found = _asked(query, by, detail, short, monotonic() + _ON_ALL)
    if found is not None:
        return found
    found = _asked(fewer, by, detail, limits)
    if isinstance(found, Confirmed) and fewer.alphabet != query.alphabet:
        return replace(found, by=of_fewer(found.by))
    return found


def of_fewer(name: str) -> str:
    """The name, marked as that of somebody who looked only at inputs that stand for all."""
    return name if name.endswith(OF_FEWER) else name + OF_FEWER


def _asked(
    query: Query, by: str, detail: str, limits: Limits, deadline: float = inf
) -> Confirmed | Contradicted | None:
    asked: set[tuple[str, Limits]] = set()
    for confirmer in confirmers(query, by, detail, limits):
        if (confirmer.name, confirmer.limits) in asked:
            continue
        if monotonic() > deadline:
            break
        asked.add((confirmer.name, confirmer.limits))
        session = confirmer.engine.open(query, confirmer.limits)
        match session if isinstance(session, Undecided) else session.check():
            case Unsat(evidence=evidence) as answer:
                name = _named(query, by, confirmer, evidence)
                if name is not None:
                    return Confirmed(of_fewer(name) if evidence.reductions else name, answer)
            case Sat(word=word):
                return Contradicted(confirmer.name, word)
            case Undecided():
                pass
    return _evaluated(query, limits) if by != INTERPRETER else None


def _named(query: Query, by: str, confirmer: Confirmer, evidence: Evidence) -> str | None:
    """The name by which an answer confirms another; `None` for one that says nothing new."""
    if CHECKER in evidence.checked_by:
        return CHECKER
    folded = confirmer.engine.name in ON_GATES and _folded(query, confirmer.limits)
    if confirmer.name == by or (folded and by.partition(" (")[0] in ON_GATES):
        return None
    if confirmer.engine.name != SAT.name:
        return confirmer.name
    return FOLDED if folded else NOT_REPLAYED


def _folded(query: Query, limits: Limits) -> bool:
    """Whether the gates that somebody built for the query came out false."""
    circuit = circuit_of(query, limits)
    return isinstance(circuit, Circuit) and circuit.violation == FALSE


def _evaluated(query: Query, limits: Limits) -> Confirmed | Contradicted | None:
    """What the interpreter says, on every input, where they are few."""
    words = listed(query, None)
    if query.evaluate is None or words is None or query.inputs is None or query.inputs > FEW:
        return None
    deadline = monotonic() + limits.wall_s
    for word in product(*words):
        if monotonic() > deadline:
            return None
        if query.evaluate(word):
            return Contradicted(INTERPRETER, word)
    return Confirmed(INTERPRETER, Unsat(Evidence(INTERPRETER, inputs=query.inputs)))


def with_proof(query: Query, answer: Unsat, limits: Limits, fewer: bool = False) -> Unsat:
    """The answer with a clausal proof, if it has none and one is found within the limits.

    `fewer` says that the symbols of the query stand for others.
    """
    if answer.refutation is not None:
        return answer
    limits = replace(limits, proofs=Proofs.ALL, wall_s=min(limits.wall_s, _FOR_A_PROOF))
    session = SAT.open(query, limits)
    match session if isinstance(session, Undecided) else session.check():
        case Unsat(refutation=Refutation() as refutation):
            checked = (*answer.evidence.checked_by, of_fewer(CHECKER) if fewer else CHECKER)
            return Unsat(replace(answer.evidence, checked_by=tuple(dict.fromkeys(checked))), refutation)
        case Sat(word=word):
            raise InternalError(f"{answer.evidence.by} says that no input will do, {SAT.name} says that {word!r} does")
        case _:
            return answer


def confirmers(query: Query, by: str, detail: str, limits: Limits) -> Iterator[Confirmer]:
    """Everybody who may be asked, in order."""
    limits = replace(limits, proofs=Proofs.ALL)
    short = replace(limits, wall_s=min(limits.wall_s, _SHORT))
    replay = replace(limits, wall_s=_PATIENT * limits.wall_s, cpu_s=min(limits.cpu_s, limits.wall_s))
    inputs, propositional = query.inputs, few_symbols(query.alphabet) is not None
    if by != ENUMERATE.name and inputs is not None and inputs <= FEW:
        yield Confirmer(ENUMERATE.name, ENUMERATE, limits)
    for allowed, most in ((short, _QUICKLY_EVALUATED), (limits, _MOST_INPUTS)):
        if propositional:
            yield Confirmer(SAT.name, Propositional(replay=replay), allowed)
            if by != PARALLEL.name and inputs is not None and inputs <= most:
                yield Confirmer(PARALLEL.name, PARALLEL, allowed)
            yield _diagrams(by, detail, allowed)
        for engine in (SMT, SECOND, BITS):
            if by != engine.name:
                yield Confirmer(engine.name, engine, allowed)
    if by != ENUMERATE.name:
        yield Confirmer(ENUMERATE.name, ENUMERATE, limits)


def _diagrams(by: str, detail: str, limits: Limits) -> Confirmer:
    if by != DIAGRAMS.name:
        return Confirmer(DIAGRAMS.name, DIAGRAMS, limits)
    other = LAST_ON_TOP if FIRST_ON_TOP in detail else FIRST_ON_TOP
    return Confirmer(f"{DIAGRAMS.name} ({other})", Diagrams(orders=(other,)), limits)
