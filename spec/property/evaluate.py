"""Whether a property is so on one input, by running the interpreter: the replay of every counterexample.

`holds` judges one expression on one run, `check_concrete` a whole property on one input. A precondition or a claim
without a value is not so. No engine is involved, so this is also what engines are compared with.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import NoReturn, TypeAlias, assert_never

from spec.diagnostics import Diagnostic, EvaluationError, InternalError, UsageError
from spec.graph import Node, SOp
from spec.interp import Interpreter, Run
from spec.property.ast import (
    Accepts,
    Architecture,
    Causal,
    Cover,
    Ensures,
    Equivalent,
    Example,
    Expression,
    Invariance,
    NoError,
    NumbersAgree,
    Symmetry,
    Target,
    Transform,
)
from spec.property.bound import Binding, BoundProperty
from spec.property.explain import Explanation, of_failure, of_falsehood
from spec.property.language import member, spell
from spec.property.meaning import ExpressionFailure, Meaning, shown
from spec.property.scope import Scope
from spec.values import Atom, Numbers, agree, atom_key, to_input

Word: TypeAlias = tuple[Atom, ...]


class Status(Enum):
    """A property at one input: it is so, it is not, or a precondition is false and it says nothing."""

    HOLDS = "holds"
    FAILS = "fails"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """A status, and the reason when it is not `HOLDS`."""

    status: Status
    explanation: Explanation | None = None

    def __bool__(self) -> NoReturn:
        """Refused: three statuses are not two."""
        raise TypeError("an outcome is no truth value; compare its status")


HOLDS = Outcome(Status.HOLDS)


def holds(expression: Expression, run: Run, binding: Binding, scope: Scope) -> Outcome:
    """Whether the expression is true on the run, which has every node that the expression names."""
    meaning = Meaning(run, binding, scope)
    try:
        if meaning.truth(expression, {}):
            return HOLDS
        return Outcome(Status.FAILS, of_falsehood(meaning, expression))
    except ExpressionFailure as failure:
        return Outcome(Status.FAILS, of_failure(meaning, failure))


def check_concrete(bound: BoundProperty, tokens: Iterable[Atom]) -> Outcome:
    """Whether the property is so at this input. An `Example` is checked at its own input, whatever is given.

    A `Cover` holds at an input that is a witness. `UsageError` for an `Architecture`, which is about no input.
    """
    return Checker(bound).check(tuple(tokens))


@dataclass(frozen=True)
class Failure:
    """An s-op or an expression that has no value."""

    explanation: Explanation


@dataclass(eq=False)
class Checker:
    """Checks one property on many inputs."""

    bound: BoundProperty
    _interpreters: dict[tuple[tuple[Node, ...], Numbers], Interpreter] = field(default_factory=dict)

    @property
    def _numbers(self) -> Numbers:
        return self.bound.property.scope.numbers

    def check(self, word: Word) -> Outcome:
        """As `check_concrete`."""
        claim = self.bound.property.claim
        if isinstance(claim, Example):
            return self._example(claim)
        unmet = self.preconditions(word)
        if unmet is not None:
            return unmet
        broken = self._broken(word)
        return HOLDS if broken is None else Outcome(Status.FAILS, broken)

    def preconditions(self, word: Word) -> Outcome | None:
        """None when all preconditions hold; otherwise skipped, or failed at the first that has no value."""
        for requires in self.bound.property.requires:
            found = self._condition(requires.condition, word)
            if isinstance(found, Failure):
                return Outcome(Status.FAILS, found.explanation)
            if found is not None:
                return Outcome(Status.SKIPPED, found)
        return None

    # -------------------------------------------------------------------------------------------- parts

    def _run(self, nodes: Sequence[Node], word: Word, numbers: Numbers) -> Run | Failure:
        key = tuple(nodes), numbers
        if key not in self._interpreters:
            self._interpreters[key] = Interpreter(key[0], numbers, self.bound.program.graph.spans)
        try:
            return self._interpreters[key].run(word)
        except EvaluationError as error:
            problem = error.diagnostics[0]
            position = getattr(error, "position", None)
            place = "" if problem.span is None else f" at {problem.span.location}"
            return Failure(Explanation(f"evaluation fails{place}: {problem.message}", problem.span, position=position))

    def _condition(self, expression: Expression, word: Word) -> Explanation | Failure | None:
        """None when the expression is true; why it is false; or why it, or what it names, has no value."""
        run = self._run(self.bound.binding.nodes(expression), word, self._numbers)
        if isinstance(run, Failure):
            return run
        meaning = Meaning(run, self.bound.binding, self.bound.property.scope)
        try:
            return None if meaning.truth(expression, {}) else of_falsehood(meaning, expression)
        except ExpressionFailure as failure:
            return Failure(of_failure(meaning, failure))

    def _output(self, sop: SOp, word: Word, numbers: Numbers | None = None) -> Word | Failure:
        run = self._run((sop,), word, numbers or self._numbers)
        return run if isinstance(run, Failure) else run.values[sop]

    def _target(self, target: Target, word: Word) -> Word | Failure:
        return self._output(self.bound.binding.sops[target], word)

    # -------------------------------------------------------------------------------------------- claims

    def _broken(self, word: Word) -> Explanation | None:
        """Why the claim is not so at an input that satisfies the preconditions."""
        claim = self.bound.property.claim
        match claim:
            case Ensures(condition=condition) | Cover(condition=condition):
                found = self._condition(condition, word)
                return found.explanation if isinstance(found, Failure) else found
            case Accepts():
                return self._accepts(claim, word)
            case Equivalent(left=left, right=right):
                values, others = self._target(left, word), self._target(right, word)
                return _different(values, others, str(left), str(right))
            case Invariance():
                return self._invariance(claim, word)
            case Causal(target=target):
                return self._causal(target, word)
            case NoError(target=target):
                output = self._target(target, word)
                return output.explanation if isinstance(output, Failure) else None
            case NumbersAgree():
                return self._agree(word)
            case Architecture():
                raise UsageError(Diagnostic("P0402", "an architecture is not about an input", self.bound.property.span))
            case Example():
                raise InternalError("an example has an input of its own")
        assert_never(claim)

    def _accepts(self, claim: Accepts, word: Word) -> Explanation | None:
        found = self._condition(claim.condition, word)
        if isinstance(found, Failure):
            return found.explanation
        spelled = tuple(map(spell, to_input(word, self._numbers)))
        inside = member(spelled, claim.language, self.bound.property.scope)
        if inside is (found is None):
            return None
        text = claim.condition.span.text
        if inside:
            return Explanation(f"the input is in the language, but `{text}` is false", claim.condition.span)
        return Explanation(f"the input is not in the language, but `{text}` is true", claim.condition.span)

    def _causal(self, target: Target, word: Word) -> Explanation | None:
        whole = self._target(target, word)
        if isinstance(whole, Failure):
            return whole.explanation
        for last in range(len(word)):
            prefix = word[: last + 1]
            if self.preconditions(prefix) is not None:
                continue
            short = self._target(target, prefix)
            if isinstance(short, Failure):
                message = f"on the prefix {shown(prefix)}, {short.explanation.message}"
                return Explanation(message, short.explanation.span, position=last)
            if whole[last] != short[last]:
                message = (
                    f"`{target}` is {shown(whole[last])} at {last}, but {shown(short[last])} when the input ends there"
                )
                return Explanation(message, target.span, position=last)
        return None

    def _agree(self, word: Word) -> Explanation | None:
        if self.bound.agreeing is None:
            raise InternalError("numbers are to be compared without both programs")
        exact, ieee = (
            self._output(self.bound.agreeing[numbers], word, numbers) for numbers in (Numbers.EXACT, Numbers.IEEE)
        )
        return _different(exact, ieee, "exact", "ieee", agree)

    def _example(self, example: Example) -> Outcome:
        output = self._target(example.target, example.tokens)
        if isinstance(output, Failure):
            return HOLDS if example.expected is None else Outcome(Status.FAILS, output.explanation)
        if example.expected is None:
            message = f"`{example.target}` is {shown(output)}, but was expected to fail"
            return Outcome(Status.FAILS, Explanation(message, example.target.span))
        expected = self._constant(example.expected, example.tokens)
        if isinstance(expected, Failure):
            return Outcome(Status.FAILS, expected.explanation)
        if len(expected) != len(output):
            message = f"`{example.target}` has {len(output)} values, {len(expected)} are expected"
            return Outcome(Status.FAILS, Explanation(message, example.expected.span))
        broken = _different(output, expected, str(example.target), "the expected sequence")
        return HOLDS if broken is None else Outcome(Status.FAILS, broken)

    def _constant(self, expression: Expression, word: Word) -> Word | Failure:
        """A sequence that names nothing of the program."""
        meaning = Meaning(Run(word, {}, {}), self.bound.binding, self.bound.property.scope)
        try:
            return meaning.atoms(expression, {})
        except ExpressionFailure as failure:
            return Failure(of_failure(meaning, failure))

    # -------------------------------------------------------------------------------------------- symmetries

    def _invariance(self, claim: Invariance, word: Word) -> Explanation | None:
        plain = self._target(claim.target, word)
        for move in moves(claim, self.bound.property.scope, len(word)):
            moved = move.of_input(word)
            if self.preconditions(moved) is not None:
                continue
            output = self._target(claim.target, moved)
            wanted = plain
            if claim.symmetry is Symmetry.EQUIVARIANT and not isinstance(plain, Failure):
                wanted = move.of_output(plain)
            if not isinstance(output, Failure):
                output = output[: len(word)]
            name = str(claim.target)
            broken = _different(wanted, output, f"{name} there" if wanted is not plain else name, name)
            if broken is not None:
                prefix = f"after {move.name}, on {shown(moved)}: "
                return Explanation(prefix + broken.message, claim.target.span, position=broken.position)
        return None


@dataclass(frozen=True)
class Move:
    """One generator of a symmetry: a rearrangement of positions, an exchange of symbols, or an atom appended."""

    name: str
    order: tuple[int, ...] | None = None
    exchanged: tuple[Atom, Atom] | None = None
    appended: Word = ()

    def of_input(self, word: Word) -> Word:
        """The transformed input."""
        if self.order is not None:
            word = tuple(word[i] for i in self.order)
        if self.exchanged is not None:
            first, second = self.exchanged
            partner = {_identity(first): second, _identity(second): first}
            word = tuple(partner.get(_identity(atom), atom) for atom in word)
        return word + self.appended

    def of_output(self, values: Word) -> Word:
        """The output transformed alike: positions are rearranged; strings that spell a symbol are exchanged."""
        if self.order is not None:
            return tuple(values[i] for i in self.order)
        if self.exchanged is not None:
            first, second = map(spell, self.exchanged)
            renamed = {first: second, second: first}
            return tuple(renamed.get(value, value) if isinstance(value, str) else value for value in values)
        return values


def _identity(atom: Atom) -> tuple[object, ...]:
    """What tells input atoms apart: a decimal is the same as a rational and as a double."""
    return atom_key(to_input((atom,), Numbers.EXACT)[0])


def moves(claim: Invariance, scope: Scope, length: int) -> Iterator[Move]:
    """The generators that the claim is checked for, at inputs of this length."""
    match claim.transform:
        case Transform.PERMUTATION:
            for i in range(length - 1):
                order = [*range(i), i + 1, i, *range(i + 2, length)]
                yield Move(f"the exchange of positions {i} and {i + 1}", order=tuple(order))
        case Transform.REVERSAL:
            yield Move("reversal", order=tuple(reversed(range(length))))
        case Transform.RENAMING:
            for pair in pairwise(scope.symbols):
                yield Move(f"the exchange of {shown(pair[0])} and {shown(pair[1])}", exchanged=pair)
        case Transform.PADDING:
            if claim.padding is None:
                raise InternalError("padding without an atom")
            yield Move(f"padding with {shown(claim.padding)}", appended=(claim.padding,))
        case _:
            assert_never(claim.transform)


def _different(
    left: Word | Failure,
    right: Word | Failure,
    left_name: str,
    right_name: str,
    same: Callable[[Atom, Atom], bool] | None = None,
) -> Explanation | None:
    """None when both fail, or both have the same values; otherwise where they differ."""
    if isinstance(left, Failure) or isinstance(right, Failure):
        if isinstance(left, Failure) and isinstance(right, Failure):
            return None
        name, failure = (left_name, left) if isinstance(left, Failure) else (right_name, right)
        assert isinstance(failure, Failure)
        reason = failure.explanation
        return Explanation(f"only {name} fails: {reason.message}", reason.span, position=reason.position)
    for position, (a, b) in enumerate(zip(left, right, strict=True)):
        if not (a == b if same is None else same(a, b)):
            message = f"{left_name} is {shown(a)} at position {position}, {right_name} is {shown(b)}"
            return Explanation(message, position=position)
    return None
