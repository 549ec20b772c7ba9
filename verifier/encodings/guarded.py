"""Values as finite choices: for each value that a term can take, a literal that says when it does.

A `Source` is a choice among numbered cases, of which exactly one holds; a `Guarded` value maps each case to a code of
`verifier.encodings.meaning`. Operators on values of one source only relabel its cases. Cases are kept in the order of
their values, so that the sets of cases that comparisons ask for are mostly intervals, which cost two thresholds each.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Final, TypeAlias

from spec.values import Atom
from verifier.encodings.gates import FALSE, TRUE, Gates, Literal
from verifier.encodings.meaning import FAILED, Coded, Codes
from verifier.encodings.meaning import FALSE as FALSE_CODE
from verifier.encodings.meaning import TRUE as TRUE_CODE

Cases: TypeAlias = frozenset[int]

_SHORT: Final = 4
"""Sets of fewer cases are spelt out rather than cut out by two thresholds."""


class TooManyValues(Exception):
    """A term can take more values than the limit."""


class Source:
    """Cases of which exactly one holds: `guards[i]` says that case i does.

    Where the cases are numbers of literals that hold, `counted` lists the literals and `upto[i]` says that no more
    than i of them hold.
    """

    def __init__(
        self, guards: Sequence[Literal], counted: tuple[Literal, ...] = (), upto: Sequence[Literal] = ()
    ) -> None:
        self.guards = tuple(guards)
        self.counted = counted
        self.upto: list[Literal] = list(upto)
        self.known: dict[Cases, Literal] = {}

    def __len__(self) -> int:
        """How many cases there are."""
        return len(self.guards)


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
        self._one = Source((TRUE,))
        self._counts: dict[tuple[Literal, ...], Source] = {}

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
            return source.guards[case]
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
                yield from source.guards[first : last + 1]
            else:
                below = self._upto(source, first - 1) if first else FALSE
                yield self.gates.both(self._upto(source, last), -below)

    def _upto(self, source: Source, case: int) -> Literal:
        upto = source.upto
        while len(upto) <= case:
            guard = source.guards[len(upto)]
            upto.append(self.gates.either(upto[-1], guard) if upto else guard)
        return upto[case]

    # -------------------------------------------------------------------------------------------- values

    def constant(self, code: int) -> Guarded:
        """The same value on all inputs."""
        return Guarded(self._one, (code,))

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
        return Guarded(Source([present[code] for code in codes]), codes)

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
        sources = list({id(x.source): x.source for x in operands if len(x.source) > 1}.values())
        if len(sources) <= 1:
            relabelled = self._relabelled(sources[0] if sources else self._one, meaning, operands)
            return self._through(meaning, operands, relabelled) or relabelled
        if len(operands) == 2:
            return self._joint_count(meaning, *operands) or self._product(meaning, *operands)
        raise ValueError("functions of more than two values are built from their parts")

    def _relabelled(self, source: Source, meaning: Coded, operands: Sequence[Guarded]) -> Guarded:
        columns = [x.codes if x.source is source else x.codes * len(source) for x in operands]
        codes = [meaning(*row) for row in zip(*columns, strict=True)]
        return self.constant(codes[0]) if len(set(codes)) == 1 else Guarded(source, codes)

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
            return self.apply(self._lazily if lazy else self._strictly, condition, then, otherwise)
        gates = self.gates
        holds, failed = self.holds(condition), self.fails(condition)
        if not lazy:
            failed = gates.any((failed, self.fails(then), self.fails(otherwise)))
        guards: dict[int, Literal] = {}
        for code in dict.fromkeys((*then.cases, *otherwise.cases)):
            guards[code] = gates.choose(holds, self.when(then, (code,)), self.when(otherwise, (code,)))
        return self.failing(self.choice(guards), failed)

    def _lazily(self, condition: int, then: int, otherwise: int) -> int:
        if condition == FAILED:
            return FAILED
        return then if self._truthy(condition) else otherwise

    def _strictly(self, condition: int, then: int, otherwise: int) -> int:
        return FAILED if FAILED in (condition, then, otherwise) else self._lazily(condition, then, otherwise)

    # -------------------------------------------------------------------------------------------- counting

    def count(self, literals: Iterable[Literal], label: Callable[[int], int]) -> Guarded:
        """`label` of how many of the literals hold."""
        form = _linear(literals)
        return self._counted(form, self._counting(form.literals), label)

    def counts(self) -> dict[tuple[Literal, ...], tuple[Literal, ...]]:
        """For the literals of each count, in order, the literals that no more than 0, 1, .. of them hold."""
        return {literals: tuple(source.upto) for literals, source in self._counts.items()}

    def _counted(self, form: "_Linear", source: Source, label: Callable[[int], int]) -> Guarded:
        numbers = range(len(source))
        return Guarded(source, [label(form.constant + form.factor * number) for number in numbers])

    def _counting(
        self, literals: tuple[Literal, ...], parts: tuple[list[Literal], list[Literal]] | None = None
    ) -> Source:
        """The source that counts these literals; the same one for the same literals.

        `parts`, where given, are the thresholds of two counts of which this is the sum.
        """
        if not literals:
            return self._one
        source = self._counts.get(literals)
        if source is None:
            enough = self._merged(*parts) if parts else self._thresholds(literals)
            more = [*enough, FALSE]
            guards = [self.gates.both(a, -b) for a, b in zip([TRUE, *enough], more, strict=True)]
            source = self._counts[literals] = Source(guards, literals, [-over for over in more])
        return source

    def _thresholds(self, literals: Iterable[Literal]) -> list[Literal]:
        """`[at least 1, at least 2, ...]`, by a counter that reads the literals one after the other.

        Their order is canonical, so counters of similar literals share their beginnings.
        """
        gates = self.gates
        atleast: list[Literal] = []
        for literal in literals:
            carried = [literal, *(gates.both(before, literal) for before in atleast)]
            atleast = [gates.either(a, b) for a, b in zip([*atleast, FALSE], carried, strict=True)]
        return atleast

    def _joint_count(self, meaning: Coded, left: Guarded, right: Guarded) -> Guarded | None:
        """A function of two counts that depends only on their sum or their difference, as a function of one count.

        Literals that both counts share cancel: a count that is compared with itself, however it came about, is no
        question any more. `None` where nothing is gained.
        """
        ours, theirs = left.source.counted, right.source.counted
        if not ours or not theirs or len(ours) + len(theirs) > self.max_counted:
            return None
        for negated in (False, True):
            labels = _diagonals(meaning, left, right, negated)
            if labels is None:
                continue
            form = _linear((*ours, *(-x if negated else x for x in theirs)))
            if 2 * len(form.literals) <= len(ours) + len(theirs):
                return self._counted(form, self._counting(form.literals), labels.__getitem__)
            if len(form.literals) == len(ours) + len(theirs) > 2 and len(set(labels)) > 2:
                flipped = form.factor < 0
                parts = self._enough(left.source, flipped), self._enough(right.source, flipped is not negated)
                return self._counted(form, self._counting(form.literals, parts), labels.__getitem__)
        return None

    def _enough(self, source: Source, negated: bool) -> list[Literal]:
        """`[at least 1, at least 2, ...]` of the literals that a source counts, or of their complements."""
        most = source.upto[:-1]
        return most[::-1] if negated else [-few for few in most]

    def _merged(self, left: list[Literal], right: list[Literal]) -> list[Literal]:
        """The thresholds of a sum: at least k are i of the ones and k - i of the others, for some i."""
        a, b = [TRUE, *left], [TRUE, *right]
        return [
            self.gates.any(
                self.gates.both(a[i], b[k - i]) for i in range(max(0, k - len(right)), min(k, len(left)) + 1)
            )
            for k in range(1, len(left) + len(right) + 1)
        ]


@dataclass(frozen=True)
class _Linear:
    """How many of some literals hold: `constant + factor * (how many of these do)`."""

    constant: int
    factor: int
    literals: tuple[Literal, ...]


def _linear(literals: Iterable[Literal]) -> _Linear:
    """The canonical form: no constants, no complements, the first literal positive, no common factor."""
    weights: dict[int, int] = {}
    constant = 0
    for literal in literals:
        if literal == TRUE:
            constant += 1
        elif literal != FALSE:
            # A complement counts as 1 - x.
            constant += literal < 0
            weights[abs(literal)] = weights.get(abs(literal), 0) + (1 if literal > 0 else -1)
    weights = {variable: weight for variable, weight in sorted(weights.items()) if weight}
    if not weights:
        return _Linear(constant, 1, ())
    factor = gcd(*weights.values())
    if next(iter(weights.values())) < 0:
        factor = -factor
    kept: list[Literal] = []
    for variable, weight in weights.items():
        times = weight // factor
        kept.extend([variable if times > 0 else -variable] * abs(times))
        # -x counts as 1 - x again.
        constant += times * factor if times < 0 else 0
    return _Linear(constant, factor, tuple(kept))


def _diagonals(meaning: Coded, left: Guarded, right: Guarded, negated: bool) -> list[int] | None:
    """The function by `i + j`, or by `i + (last - j)`, where it depends on nothing else."""
    labels: dict[int, int] = {}
    last = len(right.codes) - 1
    for i, a in enumerate(left.codes):
        for j, b in enumerate(right.codes):
            result = meaning(a, b)
            if labels.setdefault(i + (last - j if negated else j), result) != result:
                return None
    return [labels[i] for i in range(len(left.codes) + last)]


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
