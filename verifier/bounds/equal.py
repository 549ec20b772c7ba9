"""Whether an s-op gives what is asked for, proved by the engines of `rasp check`, length by length.

Targets that are programs or machines are terms, as the s-op is; the outputs of a Python function are not.
"""

from collections.abc import Iterator, Sequence

from spec.diagnostics import InternalError
from spec.graph import SOp
from spec.operators import Op
from spec.property.scope import Scope
from spec.values import Atom, Numbers
from verifier.bounds.target import Mealy, OfProgram, Target
from verifier.engine import Limits, Query, Undecided, Unsat
from verifier.portfolio import AUTO, decide
from verifier.question.terms import Term, Terms, bits
from verifier.question.unroll import unroll


def proved_equal(target: Target, sop: SOp, scope: Scope, seconds: float) -> tuple[str, ...]:
    """The engines that proved that the s-op has a value on every input of the scope, the one that is asked for.

    Where the target fails, nothing is asked for. No engines: none decided it, or the target is a Python function.
    """
    by: list[str] = []
    for length in scope.lengths():
        terms = Terms(scope.kinds, max(map(bits, scope.symbols)))
        inputs = tuple(terms.input(position) for position in range(length))
        broken = _broken(target, sop, scope.symbols, inputs, terms)
        if broken is None:
            return ()
        match decide(Query(length, scope.alphabet, broken), AUTO, Limits(wall_s=seconds)):
            case finding if isinstance(finding.answer, Unsat):
                by.append(finding.by)
            case finding if isinstance(finding.answer, Undecided):
                return ()
            case finding:
                raise InternalError(f"{finding.by} says that a synthesised program differs: {finding.answer}")
    return tuple(dict.fromkeys(by))


def _broken(target: Target, sop: SOp, symbols: Sequence[Atom], inputs: Sequence[Term], terms: Terms) -> Term | None:
    """That something else is given than what is asked for, or nothing."""
    given = unroll([sop], Numbers.EXACT, inputs, terms)
    values = given.values[sop]
    asked: Term = terms.literal(True)
    match target:
        case OfProgram(numbers=Numbers.EXACT):
            wanted = unroll([target.node], Numbers.EXACT, inputs, terms)
            asked = terms.ok(wanted.all_terms())
            same = [_equal(x, y, terms) for x, y in zip(wanted.values[target.node], values, strict=True)]
        case Mealy():
            steps = list(_machine(target, symbols, inputs, values, terms))
            same = steps[-1:] if target.last_only else steps
        case _:
            return None
    return terms.both(asked, terms.negation(terms.both(terms.ok(given.all_terms()), terms.all(same))))


def _machine(
    machine: Mealy, symbols: Sequence[Atom], inputs: Sequence[Term], values: Sequence[Term], terms: Terms
) -> Iterator[Term]:
    """For each position, that the value is the output of the machine there.

    state s after i + 1 symbols = a step to s from some state that it is in after i of them, on the symbol at i
    """
    no: Term = terms.literal(False)
    states: dict[str, Term] = {machine.start: terms.literal(True)}
    for letter, value in zip(inputs, values, strict=True):
        following: dict[str, Term] = {}
        right = no
        for state, here in states.items():
            for symbol in symbols:
                then, output = machine.step(state, symbol)
                taken = terms.both(here, _equal(letter, terms.literal(symbol), terms))
                following[then] = terms.either(following.get(then, no), taken)
                right = terms.either(right, terms.both(taken, _is(value, output, terms)))
        states = following
        yield right


def _is(value: Term, output: Atom, terms: Terms) -> Term:
    return _equal(value, terms.literal(output), terms)


def _equal(one: Term, other: Term, terms: Terms) -> Term:
    return terms.apply(Op.EQ, one, other, numbers=Numbers.EXACT)
