"""Values as finite choices: for each value that a term can take, a literal that says when it does.

A source (`verifier.encodings.counting`) is a choice among numbered cases, of which exactly one holds; a `Guarded` value
maps each case to a code of `verifier.encodings.meaning`. Operators on values of one source only relabel its cases.
Cases are kept in the order of their values, so that the sets of cases that comparisons ask for are mostly intervals,
which cost two thresholds each.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from spec.values import Atom
from verifier.encodings.counting import Cases, Count, Linear, OfSum, Source, Thresholds, linear
from verifier.encodings.gates import FALSE, TRUE, Gates, Literal
from verifier.encodings.meaning import FAILED, Coded, Codes
from verifier.encodings.meaning import FALSE as FALSE_CODE
from verifier.encodings.meaning import TRUE as TRUE_CODE

_SHORT: Final = 4
"""Sets of fewer cases are spelt out rather than cut out by two thresholds."""

_FEW_PAIRS: Final = 16


class TooManyValues(Exception):
    """A term can take more values than the limit."""


class Guarded:
    """A value for each case of a source.

    `origin`, where known, is a function and the two values of other sources that this is the function of.
    """

    __slots__ = ("_cases", "codes", "origin", "source")

    def __init__(
        self, source: Source, codes: Sequence[int], origin: "tuple[Coded, Guarded, Guarded] | None" = None
    ) -> None:
        self.source = source
        self.codes = tuple(codes)
        self.origin = origin
        self._cases: dict[int, list[int]] | None = None

    @property
    def cases(self) -> dict[int, list[int]]:
        """Code -> the cases in which it is the value."""
        if self._cases is None:
            self._cases = {}
            for case, code in enumerate(self.codes):
                self._cases.setdefault(code, []).append(case)
        return self._cases


class Values:
    """The maker of guarded values over one gate graph and one numbering of atoms."""

    def __init__(self, gates: Gates, meaning: Codes, max_cases: int) -> None:
        self.gates = gates
        self.meaning = meaning
        self.max_cases = max_cases
        self.max_counted = 256
        self._one = Source(gates, (TRUE,))
        self._constants: dict[int, Guarded] = {}
        self._applied: dict[tuple[Coded, tuple[Guarded, ...]], Guarded] = {}
        self._counts: dict[tuple[Literal, ...], Count] = {}

    # -------------------------------------------------------------------------------------------- literals

    def when(self, value: Guarded, codes: Iterable[int]) -> Literal:
        """Whether the value is one of these."""
        cases = [case for code in codes for case in value.cases.get(code, ())]
        return self._among(value.source, frozenset(cases))

    def holds(self, value: Guarded) -> Literal:
        """Whether the value is one that Python takes for true."""
        return self.when(value, [code for code in value.cases if code != FAILED and self._truthy(code)])

    def fails(self, value: Guarded) -> Literal:
        """Whether there is no value."""
        return self.when(value, (FAILED,))

    def _truthy(self, code: int) -> bool:
        return bool(self.meaning.atom(code))

    def _among(self, source: Source, cases: Cases) -> Literal:
        if not cases:
            return FALSE
        if len(cases) == len(source):
            return TRUE
        if len(cases) == 1:
            (case,) = cases
            return source.guard(case)
        found = source.known.get(cases)
        if found is None:
            if 2 * len(cases) > len(source):
                found = -self._among(source, frozenset(range(len(source))) - cases)
            else:
                found = self.gates.any(self._pieces(source, cases))
            source.known[cases] = found
        return found

    def _pieces(self, source: Source, cases: Cases) -> Iterable[Literal]:
        """Literals whose disjunction is the set of cases: its intervals."""
        for first, last in _runs(sorted(cases)):
            if last - first + 1 < (1 if source.counted else _SHORT):
                yield from map(source.guard, range(first, last + 1))
            else:
                below = source.upto(first - 1) if first else FALSE
                yield self.gates.both(source.upto(last), -below)

    # -------------------------------------------------------------------------------------------- values

    def constant(self, code: int) -> Guarded:
        """The same value on all inputs."""
        found = self._constants.get(code)
        if found is None:
            found = self._constants[code] = Guarded(self._one, (code,))
        return found

    def truth(self, literal: Literal) -> Guarded:
        """A truth value."""
        if abs(literal) == TRUE:
            return self.constant(TRUE_CODE if literal == TRUE else FALSE_CODE)
        source = self._counting((abs(literal),))
        return Guarded(source, (FALSE_CODE, TRUE_CODE) if literal > 0 else (TRUE_CODE, FALSE_CODE))

    def choice(self, guards: dict[int, Literal]) -> Guarded:
        """The value whose guard holds; of the guards, exactly one must."""
        present = {code: guard for code, guard in guards.items() if guard != FALSE}
        if len(present) == 1:
            return self.constant(next(iter(present)))
        if len(present) > self.max_cases:
            raise TooManyValues(f"a term with {len(present)} values")
        codes = self._ordered(present)
        if set(codes) == {FALSE_CODE, TRUE_CODE}:
            return self.truth(present[TRUE_CODE])
        return Guarded(Source(self.gates, [present[code] for code in codes]), codes)

    def failing(self, value: Guarded, failed: Literal) -> Guarded:
        """The value, except that there is none where `failed` holds."""
        if failed == FALSE:
            return value
        guards = {code: self.gates.both(self.when(value, (code,)), -failed) for code in value.cases if code != FAILED}
        return self.choice(guards | {FAILED: self.gates.either(failed, self.fails(value))})

    def _ordered(self, codes: Iterable[int]) -> list[int]:
        """The codes in the order of their atoms, as far as there is one."""
        atoms = {code: None if code == FAILED else self.meaning.atom(code) for code in codes}
        return sorted(atoms, key=lambda code: _order(atoms[code]))

    # -------------------------------------------------------------------------------------------- operators

    def apply(self, meaning: Coded, *operands: Guarded) -> Guarded:
        """A function of codes. It decides itself what becomes of failed operands."""
        found = self._applied.get((meaning, operands))
        if found is None:
            found = self._applied[meaning, operands] = self._apply(meaning, operands)
        return found

    def _apply(self, meaning: Coded, operands: Sequence[Guarded]) -> Guarded:
        sources = list({id(x.source): x.source for x in operands if len(x.source) > 1}.values())
        if len(sources) <= 1:
            relabelled = self._relabelled(sources[0] if sources else self._one, meaning, operands)
            return self._through(meaning, operands, relabelled) or relabelled
        if len(operands) == 2:
            return self._joint_count(meaning, *operands) or self._product(meaning, *operands)
        raise ValueError("functions of more than two values are built from their parts")

    def _relabelled(self, source: Source, meaning: Coded, operands: Sequence[Guarded]) -> Guarded:
        columns = [x.codes if x.source is source else x.codes * len(source) for x in operands]
        codes = tuple(meaning(*row) for row in zip(*columns, strict=True))
        if len(set(codes)) == 1:
            return self.constant(codes[0])
        # What changes nothing is no other value: a string read as a string.
        same = (x for x in operands if x.source is source and x.codes == codes)
        return next(same, None) or Guarded(source, codes)

    def _through(self, meaning: Coded, operands: Sequence[Guarded], relabelled: Guarded) -> Guarded | None:
        """The function, taken together with the one that its only unknown operand came from, as one count.

        Rounding is the case in point: a sum of doubles is no function of a count, but often is when it is rounded.
        """
        unknown = [at for at, x in enumerate(operands) if len(x.source) > 1]
        if len(unknown) != 1:
            return None
        (at,) = unknown
        origin = operands[at].origin
        if origin is None or len(relabelled.cases) == len(operands[at].cases):
            return None
        inner, left, right = origin
        codes = [x.codes[0] for x in operands]

        def together(a: int, b: int) -> int:
            return meaning(*codes[:at], inner(a, b), *codes[at + 1 :])

        return self._joint_count(together, left, right)

    def _product(self, meaning: Coded, left: Guarded, right: Guarded) -> Guarded:
        if len(left.cases) * len(right.cases) > self.max_cases**2:
            raise TooManyValues(f"an operator on {len(left.cases)} x {len(right.cases)} values")
        if len(left.cases) > len(right.cases):
            return self._product(lambda a, b: meaning(b, a), right, left)
        # For each result, the left values that give it together with the same set of right values.
        rows: dict[int, dict[tuple[int, ...], list[int]]] = {}
        for a in left.cases:
            by_result: dict[int, list[int]] = {}
            for b in right.cases:
                by_result.setdefault(meaning(a, b), []).append(b)
            for result, bs in by_result.items():
                rows.setdefault(result, {}).setdefault(tuple(bs), []).append(a)
        if len(rows) == 1:
            return self.constant(next(iter(rows)))
        chosen = self.choice(self._guards(left, right, rows))
        return Guarded(chosen.source, chosen.codes, (meaning, left, right))

    def _guards(
        self, left: Guarded, right: Guarded, rows: dict[int, dict[tuple[int, ...], list[int]]]
    ) -> dict[int, Literal]:
        def guard(result: int) -> Literal:
            return self.gates.any(
                self.gates.both(self.when(left, lefts), self.when(right, rights))
                for rights, lefts in rows[result].items()
            )

        if len(rows) > 2:
            return {result: guard(result) for result in rows}
        fewer, more = sorted(rows, key=lambda result: (len(rows[result]), result))
        literal = guard(fewer)
        return {fewer: literal, more: -literal}

    def choose(self, condition: Guarded, then: Guarded, otherwise: Guarded, lazy: bool) -> Guarded:
        """`then` where the condition holds, else `otherwise`. If lazy, a branch that is not chosen may fail."""
        if sum(len(source) > 1 for source in {condition.source, then.source, otherwise.source}) <= 1:
            if not condition.source.counted and len(then.source) == len(otherwise.source) == 1:
                condition = self._as_truth(condition)
            return self.apply(self._lazily if lazy else self._strictly, condition, then, otherwise)
        gates = self.gates
        holds, failed = self.holds(condition), self.fails(condition)
        if not lazy:
            failed = gates.any((failed, self.fails(then), self.fails(otherwise)))
        guards: dict[int, Literal] = {}
        for code in dict.fromkeys((*then.cases, *otherwise.cases)):
            guards[code] = gates.choose(holds, self.when(then, (code,)), self.when(otherwise, (code,)))
        return self.failing(self.choice(guards), failed)

    def _as_truth(self, condition: Guarded) -> Guarded:
        """The condition as a count of one literal, where it never fails: what is chosen by it can be added up."""
        return condition if FAILED in condition.cases else self.truth(self.holds(condition))

    def _lazily(self, condition: int, then: int, otherwise: int) -> int:
        if condition == FAILED:
            return FAILED
        return then if self._truthy(condition) else otherwise

    def _strictly(self, condition: int, then: int, otherwise: int) -> int:
        return FAILED if FAILED in (condition, then, otherwise) else self._lazily(condition, then, otherwise)

    # -------------------------------------------------------------------------------------------- counting

    def count(self, literals: Iterable[Literal], label: Callable[[int], int]) -> Guarded:
        """`label` of how many of the literals hold."""
        form = linear(literals)
        return self._counted(form, self._counting(form.literals), label)

    def counts(self) -> dict[tuple[Literal, ...], Mapping[int, Literal]]:
        """For the literals of each count, the thresholds that were made of it: number -> at least so many hold."""
        return {literals: dict(source.made) for literals, source in self._counts.items()}

    def _counted(self, form: Linear, source: Source, label: Callable[[int], int]) -> Guarded:
        numbers = range(len(source))
        return Guarded(source, [label(form.constant + form.factor * number) for number in numbers])

    def _counting(self, literals: tuple[Literal, ...], thresholds: Thresholds | None = None) -> Source:
        """The source that counts these literals; the same one for the same literals."""
        if not literals:
            return self._one
        source = self._counts.get(literals)
        if source is None:
            source = self._counts[literals] = Count(self.gates, literals, thresholds)
        return source

    def _joint_count(self, meaning: Coded, left: Guarded, right: Guarded) -> Guarded | None:
        """A function of two counts that depends only on their sum or their difference, as a function of one count.

        Literals that both counts share cancel: a count that is compared with itself, however it came about, is no
        question any more. `None` where nothing is gained.
        """
        one, other = left.source, right.source
        if not isinstance(one, Count) or not isinstance(other, Count):
            return None
        ours, theirs = one.counted, other.counted
        if len(ours) + len(theirs) > self.max_counted:
            return None
        if len(left.cases) * len(right.cases) <= _FEW_PAIRS:
            # Often one of two such values decides alone, and then there is no need to look at every pair of counts.
            results = {meaning(a, b) for a in left.cases for b in right.cases}
            if len(results) == 1:
                return self.constant(results.pop())
        for negated in (False, True):
            labels = _diagonals(meaning, left, right, negated)
            if labels is None:
                continue
            form = linear((*ours, *(-x if negated else x for x in theirs)))
            if 2 * len(form.literals) <= len(ours) + len(theirs):
                return self._counted(form, self._counting(form.literals), labels.__getitem__)
            if len(form.literals) == len(ours) + len(theirs) > 2 and len(set(labels)) > 2:
                one.settle()
                other.settle()
                # The form counts either all these literals or all their complements.
                flipped = form.factor < 0
                halves = (_enough(one, flipped), len(ours), _enough(other, flipped is not negated), len(theirs))
                counting = self._counting(form.literals, OfSum(self.gates, *halves))
                return self._counted(form, counting, labels.__getitem__)
        return None


def _enough(count: Count, complements: bool) -> Thresholds:
    """The thresholds of what is counted, or of its complements."""
    return count.atleast_complements if complements else count.atleast


def _diagonals(meaning: Coded, left: Guarded, right: Guarded, negated: bool) -> list[int] | None:
    """The function by `i + j`, or by `i + (last - j)`, where it depends on nothing else."""
    last = len(right.codes) - 1
    codes = right.codes[::-1] if negated else right.codes
    # Where there is nothing of the kind, the edges of the table mostly show it.
    labels = [*(meaning(a, codes[0]) for a in left.codes[:-1]), *(meaning(left.codes[-1], b) for b in codes)]
    if any(meaning(left.codes[0], b) != label for b, label in zip(codes, labels, strict=False)):
        return None
    if any(meaning(a, codes[-1]) != label for a, label in zip(left.codes, labels[last:], strict=True)):
        return None
    for i, a in enumerate(left.codes):
        for b, label in zip(codes, labels[i : i + last + 1], strict=True):
            if meaning(a, b) != label:
                return None
    return labels


def _runs(cases: Sequence[int]) -> Iterable[tuple[int, int]]:
    """The maximal intervals of a sorted sequence."""
    first = last = cases[0]
    for case in cases[1:]:
        if case != last + 1:
            yield first, last
            first = case
        last = case
    yield first, last


def _order(atom: Atom | None) -> tuple[int, str | float, str]:
    """Numbers, then strings, then failing. Only a heuristic, so that rounding to doubles does no harm."""
    match atom:
        case None:
            return 2, 0.0, ""
        case str():
            return 1, 0.0, atom
        case float() if atom != atom:
            return 0, float("-inf"), ""
        case _:
            try:
                return 0, float(atom), ""
            except OverflowError:
                return 0, float("inf") if atom > 0 else float("-inf"), ""
