"""The value of terms on one input: the executable meaning of `verifier.question.terms`, as plain as it can be said.

It is what the engines are compared with, and it is compared with the interpreter.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ParamSpec, TypeAlias, assert_never

from spec.operators import OperatorError, apply
from spec.values import Atom, agree, kind_of
from verifier.encodings.meaning import mean
from verifier.question.terms import (
    Agree,
    Apply,
    Choose,
    Count,
    Failure,
    HasKind,
    Input,
    Literal,
    Mean,
    Ok,
    Read,
    Term,
    read_atom,
    topological,
)

Values: TypeAlias = Mapping[Term, Atom | None]
P = ParamSpec("P")


def value(term: Term, word: Sequence[Atom]) -> Atom | None:
    """The value of the term on the input, or `None` where it fails."""
    return values((term,), word)[term]


def values(roots: Iterable[Term], word: Sequence[Atom]) -> dict[Term, Atom | None]:
    """The values of the terms, and of all that they are built from; `None` where they fail."""
    found: dict[Term, Atom | None] = {}
    for term in topological(roots):
        found[term] = _value(term, word, found)
    return found


def _value(term: Term, word: Sequence[Atom], found: Values) -> Atom | None:
    match term:
        case Choose(condition=condition, then=then, otherwise=otherwise):
            holds = found[condition]
            return None if holds is None else found[then if holds else otherwise]
        case Ok(args=args):
            return all(found[arg] is not None for arg in args)
        case Failure():
            return None
        case Input(position=position):
            return word[position]
        case Literal(value=atom):
            return atom
        case _:
            return _strict(term, found)


def _strict(term: Read | Apply | Mean | Count | HasKind | Agree, found: Values) -> Atom | None:
    match term:
        case Read(arg=arg, view=view, numbers=numbers):
            atom = found[arg]
            return None if atom is None else _or_none(read_atom, view, atom, numbers)
        case Apply(op=op, args=args, numbers=numbers):
            atoms = _all(args, found)
            return None if atoms is None else _or_none(apply, op, atoms, numbers)
        case Mean(chosen=chosen, values=operands, default=default, numbers=numbers):
            holds, atoms = _all(chosen, found), _all(operands, found)
            if holds is None or atoms is None:
                return None
            return mean((x for c, x in zip(holds, atoms, strict=True) if c), default, numbers)
        case Count(args=args):
            atoms = _all(args, found)
            return None if atoms is None else sum(map(bool, atoms))
        case HasKind(arg=arg, among=among):
            atom = found[arg]
            return None if atom is None else kind_of(atom) in among
        case Agree(exact=exact, ieee=ieee):
            pair = _all((exact, ieee), found)
            return None if pair is None else agree(*pair)
    assert_never(term)


def _all(terms: Sequence[Term], found: Values) -> list[Atom] | None:
    """The values of all of the terms, or `None` when one of them fails."""
    atoms = [atom for term in terms if (atom := found[term]) is not None]
    return atoms if len(atoms) == len(terms) else None


def _or_none(compute: Callable[P, Atom], *args: P.args, **named: P.kwargs) -> Atom | None:
    try:
        return compute(*args, **named)
    except OperatorError:
        return None
