"""Whether a claim says anything about what the program computes: it is tried with other values in their place.

For an input and an `ensures` expression, the values of the s-ops and selectors that it names are replaced by random
ones, of the kinds that they have there. A claim about the program fails soon. One that never fails holds by its form.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Final

from spec.diagnostics import EvaluationError
from spec.graph import Constant, Indices, Node, Tokens
from spec.interp import Interpreter, Run
from spec.property import ast
from spec.property.bound import BoundProperty
from spec.property.evaluate import Checker, Status, holds
from spec.property.scope import Scope
from spec.property.walk import names_in, subexpressions
from spec.values import Atom, Kind, kind_of, to_input
from verifier.engine import Word
from verifier.evidence.sample import spread

_INPUTS: Final = 64
_EACH: Final = 4
"""So many values are tried on so many inputs of each length before a claim is called free of them."""
_LONGEST: Final = 8
_ENOUGH: Final = 100


def free(bound: BoundProperty, scope: Scope, condition: ast.Expression) -> Iterator[str]:
    """What is to be said about a claim that holds whatever the program computes; nothing about others."""
    nodes = bound.binding.nodes(condition)
    computed: set[Node] = {node for node in nodes if not isinstance(node, Tokens | Indices | Constant)}
    if not computed:
        yield "it does not mention anything that the program computes"
        return
    random, tried = Random(0), 0
    interpreter = Interpreter(nodes, bound.program.graph.numbers)
    for word in _satisfying(bound, scope):
        try:
            run = interpreter.run(word)
        except EvaluationError:
            continue
        pool = _pool(run, computed, scope, condition)
        for _ in range(_EACH):
            other = _other(run, computed, pool, random)
            if holds(condition, other, bound.binding, scope).status is not Status.HOLDS:
                return
            tried += 1
    if tried >= _ENOUGH:
        refs = bound.binding.refs
        names = dict.fromkeys(f"`{name.id}`" for name in names_in(condition) if refs[name] in computed)
        what = f"whatever the values of {', '.join(names)} are"
        yield f"it may hold {what}: none of {tried} others of their kinds that were tried breaks it"


def _satisfying(bound: BoundProperty, scope: Scope) -> Iterator[Word]:
    """Inputs of many lengths that satisfy the preconditions: what guards a claim holds on few of them."""
    checker = Checker(bound)
    assert scope.high is not None, "what was proved of an endless scope is looked at up to some length"
    for length in range(scope.low, max(scope.low, min(scope.high, _LONGEST)) + 1):
        yield from (word for word in spread(scope, length, _INPUTS) if checker.preconditions(word) is None)


def _pool(run: Run, computed: set[Node], scope: Scope, condition: ast.Expression) -> Mapping[Kind, Sequence[Atom]]:
    """Values of each kind: those of the program and the input, those that the claim writes down, and small numbers."""
    atoms: list[Atom] = [atom for node, row in run.values.items() if node in computed for atom in row]
    atoms += run.tokens
    written = [one.value for one in subexpressions(condition) if isinstance(one, ast.Literal)]
    atoms += written
    atoms += [x + step for x in written if isinstance(x, int | Fraction) for step in (-1, 1)]
    atoms += [-x - step for x in written if isinstance(x, int | Fraction) for step in (0, 1)]  # `-1` is `-` and `1`
    atoms += [*range(-1, run.n + 2), True, False, Fraction(1, 2), Fraction(1, run.n + 1), "", "a"]
    found: dict[Kind, list[Atom]] = {}
    for atom in to_input(atoms, scope.numbers):
        of_kind = found.setdefault(kind_of(atom), [])
        if atom not in of_kind:
            of_kind.append(atom)
    return found


def _other(run: Run, computed: set[Node], pool: Mapping[Kind, Sequence[Atom]], random: Random) -> Run:
    """The run with other values: each sequence anew, now and then all of it the same."""
    values, rows = dict(run.values), dict(run.rows)
    for node, old in run.values.items():
        if node in computed:
            choices = [pool[kind_of(atom)] for atom in old]
            new = tuple(random.choice(choice) for choice in choices)
            values[node] = new[:1] * run.n if random.random() < 0.2 else new
    for selector in run.rows:
        if selector in computed:
            rows[selector] = tuple(random.getrandbits(run.n) for _ in range(run.n))
    return Run(run.tokens, values, rows)
