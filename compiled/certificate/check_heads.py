"""The checker's part for attention: one head against the claim about it, on all pairs of local states."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf
from typing import TYPE_CHECKING, Final

import numpy as np

from compiled.certificate.ledger import HeadClaim, PartClaim
from compiled.certificate.rounding import Operand, digits_of, exactly, operand, operands, summed
from compiled.certificate.states import Floats, Read, States, Tabled, Term, alike
from compiled.errors import Uncertified
from compiled.meaning.formula import Both, Formula, Literal, formula, keys_of, queries_of
from compiled.meaning.leaves import Count, Leaf, Tuple, leaf_order
from compiled.meaning.means import averageable
from compiled.numbering import Ids, distinct_rows
from spec.ast import Predicate
from spec.graph import Aggregate, Indices, Select, SOp
from spec.values import Atom

if TYPE_CHECKING:
    from compiled.certificate.checker import Checker

GAP: Final = 16.0
MAX_ROWS: Final = 1 << 20
UNDERFLOW: Final = {"float64": 746.0, "float32": 104.0, "tf32": 104.0, "float16": 18.0, "bfloat16": 104.0}


@dataclass(frozen=True)
class _Levels:
    """Scores of one conjunct, errors included, per state of the query: of selected keys the least and the largest, and
    the largest of another."""

    leaves: tuple[Leaf, ...]
    low: Term
    high: Term
    other: Term


@dataclass(frozen=True)
class _Group:
    """Of conjuncts that read common leaves: rows of the least and the largest score of selected keys, the largest of
    any key, and the largest of a key that one of them does not select; and what they add to each query of the start
    token, from which the scores are counted."""

    scores: Floats
    asked: list[Operand]


@dataclass(frozen=True)
class _Valued:
    """States in which s-ops have values: different rows of numbers, the number among the values of what the s-ops are
    in each, and which row each state has."""

    states: States
    values: list[Tuple]
    rows: Floats
    classes: Ids
    place: Ids


class HeadCheck:
    """One head of one layer."""

    def __init__(self, checker: "Checker", layer: int, index: int, claim: HeadClaim | None) -> None:
        self.checker, self.claim = checker, claim
        self.where = f"layer {layer + 1}, head {index}"
        name = f"blocks.{layer}.attn"
        self.w = {
            key: checker.weights[f"{name}.{key}"][index] for key in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V")
        }
        self.leak = 0.0
        self.start_leak = 0.0

    def run(self) -> list[tuple[int, Term, float]]:
        """What the head adds to slots."""
        claim = self.claim
        if claim is None or not claim.columns:
            if np.any(self.w["W_O"] != 0) and (np.any(self.w["W_V"] != 0) or np.any(self.w["b_V"] != 0)):
                raise Uncertified(f"{self.where} writes, but nothing is claimed about it")
            return []
        self._unclaimed_columns(claim)
        leaf = claim.columns[0][1]
        self._formula(claim, leaf)
        levels = self._levels(claim.parts)
        gap, spread = self._start_token(claim, levels, leaf)
        self.checker.score_gap = min(self.checker.score_gap, gap)
        self.checker.score_spread = max(self.checker.score_spread, spread)
        self.leak = self._leak(gap)
        self.start_leak = self._leak(self._start_query(claim))
        found = []
        for column in range(self.w["W_V"].shape[1]):
            found += self._column(column, dict(claim.columns).get(column), spread)
        return found

    def _leak(self, gap: float) -> float:
        """What all keys together get that score less by the gap: a bound on the sum of their weights."""
        vanishes = gap >= UNDERFLOW[self.checker.precision.name]
        return 0.0 if vanishes else (self.checker.domain.max_length + 1) * exp(-gap)

    def at_start(self) -> tuple[Floats, Floats]:
        """What the head moves to the start token, which attends to itself up to the leak."""
        matrix, bias = self.w["W_V"], self.w["b_V"]
        values, errors = self.checker.at_start(matrix, bias)
        if not self.start_leak:
            return values, errors
        read = self.checker.read(matrix, bias)
        largest = np.abs(read.rows).max(axis=0, initial=0.0) + read.errors
        return values, errors + self.start_leak * (np.abs(values) + errors + largest)

    def _unclaimed_columns(self, claim: HeadClaim) -> None:
        width = self.w["W_Q"].shape[1]
        if any(part.first < 0 or part.rank < 0 or part.first + part.rank > width for part in claim.parts):
            raise Uncertified(f"{self.where}: a conjunct is scored in columns that do not exist")
        if not 0 <= claim.start < width or any(not 0 <= c < self.w["W_V"].shape[1] for c, _ in claim.columns):
            raise Uncertified(f"{self.where}: a claim is about a column that does not exist")
        scored = {part.first + k for part in claim.parts for k in range(part.rank)} | {claim.start}
        if sum(part.rank for part in claim.parts) + 1 != len(scored):
            raise Uncertified(f"{self.where}: a column scores two conjuncts")
        for column in range(self.w["W_Q"].shape[1]):
            silent = any(
                not np.any(self.w[f"W_{side}"][:, column]) and not self.w[f"b_{side}"][column] for side in "QK"
            )
            if column not in scored and not silent:
                raise Uncertified(f"{self.where}: column {column} scores something that is not claimed")

    def _formula(self, claim: HeadClaim, leaf: Leaf) -> None:
        """The conjuncts that are scored or masked are those of the leaves, up to parts that always hold."""
        for _, other in claim.columns:
            if _selects(other) != _selects(leaf) or isinstance(other, Count) is not isinstance(leaf, Count):
                raise Uncertified(f"{self.where}: two leaves of one head have different selectors")
        wanted = set(_flat(_selects(leaf)))
        given = {one for part in claim.parts for one in _flat(part.formula)}
        if claim.mask != "none":
            masked = [one for one in wanted if _mask_of(one) == claim.mask]
            if not masked:
                raise Uncertified(f"{self.where}: the mask is not a conjunct of the selector")
            given |= set(masked)
        if not given <= wanted:
            raise Uncertified(f"{self.where}: it scores what its selector does not have")
        domain = self.checker.domain
        for one in wanted - given:
            entries = domain.entries(one)
            keys, queries = self.checker.values(keys_of(one)), self.checker.values(queries_of(one))
            if not all(entries.truths([query], keys).holds.all() for query in queries):
                raise Uncertified(f"{self.where}: a conjunct of the selector is not scored")

    def _levels(self, parts: Sequence[PartClaim]) -> list[_Levels]:
        """Scores of every query state with every key state, for the columns of each conjunct."""
        reads = []
        for part in parts:
            columns = slice(part.first, part.first + part.rank)
            query = self.checker.read(self.w["W_Q"][:, columns], self.w["b_Q"][columns], queries_of(part.formula))
            key = self.checker.read(self.w["W_K"][:, columns], self.w["b_K"][columns], keys_of(part.formula))
            reads.append((part, query, key))
        among = self.checker.arithmetic.products([pair for _, query, key in reads for pair in _factors(query, key)])
        if not among < inf:
            raise Uncertified(f"{self.where}: a score may overflow")
        # A bound for all pairs says little where scores are of very different sizes: each pair has its own. In doubles
        # scores of conjuncts are added, too, and what the start token gets is taken off.
        terms = sum(part.rank + 2 for part in parts) + 4 if among else 0
        return [self._part(part.formula, query, key, terms) for part, query, key in reads]

    def _part(self, part: Formula, query: Read, key: Read, terms: int) -> _Levels:
        """The scores of one conjunct, as parts of sums of so many terms; of none where all sums are exact."""
        keys, queries = self._by_value(key, keys_of(part)), self._by_value(query, queries_of(part))
        entries, factors = self.checker.domain.entries(part), _factors(query, key)
        self.checker.pairs += len(queries.states) * len(keys.states)
        key_rows, key_class = keys.rows, keys.classes
        truth = entries.truths(queries.values, keys.values).holds[:, key_class]
        found: list[tuple[float, float, float]] = []
        for row, which in zip(queries.rows, queries.classes.tolist(), strict=True):
            scores, selected = key_rows @ row, truth[which]
            most = least = scores
            if terms:
                errors = self.checker.arithmetic.each(row, key_rows, factors, terms)
                least, most = scores - errors, scores + errors
            chosen, others = most[selected].max(initial=-inf), most[~selected].max(initial=-inf)
            found.append((float(least[selected].min(initial=inf)), float(chosen), float(others)))
        states = queries.states
        scored = np.array(found, dtype=np.float64).reshape(len(found), 3)[queries.place]
        if np.isnan(scored).any():
            raise Uncertified(f"{self.where}: a score is not a number")
        low, high, other = (Term(states.leaves, Tabled(states, one), states.classes) for one in scored.T)
        return _Levels(states.leaves, low, high, other)

    def _by_value(self, read: Read, sops: Sequence[SOp]) -> _Valued:
        """The states in which the s-ops have values; those with the same numbers and the same values are one row."""
        results = self.checker.results(sops, read.states.leaves, read.states.tuples)
        known = np.flatnonzero(results.known)
        numbers = results.numbers[results.codes[known]] if len(known) else known
        rows = read.place[known]
        first, place = distinct_rows([numbers, rows], len(known))
        which, classes = np.unique(numbers[first], return_inverse=True)
        values = [results.rows[k] for k in which.tolist()]
        return _Valued(read.states.where(results.known), values, read.rows[rows[first]], classes.reshape(-1), place)

    def _start_token(self, claim: HeadClaim, levels: Sequence[_Levels], leaf: Leaf) -> tuple[float, float]:
        """The least gap below what is attended to, and the spread among it; the start token included."""
        checker = self.checker
        key, key_error = checker.at_start(self.w["W_K"], self.w["b_K"])
        column = claim.start
        own = checker.read(self.w["W_K"][:, [column]], self.w["b_K"][[column]])
        if np.any(own.rows != 0) or np.any(own.errors != 0):
            raise Uncertified(f"{self.where}: the column of the start token scores other keys")
        used = np.array([k for k in range(len(key)) if key[k] or key_error[k]], dtype=np.int64)
        matrix, bias = self.w["W_Q"][:, used], self.w["b_Q"][used]
        slots = [int(k) for k in np.flatnonzero(np.any(matrix != 0, axis=1)) if checker.slots[int(k)].terms]
        terms = [(matrix[slot], term) for slot in slots for term in checker.slots[slot].terms]
        groups = [self._group(leaves, levels, terms, key[used]) for leaves in _components(levels, terms)]
        errors = checker.arithmetic.linear(matrix[slots], bias, [checker.slots[slot].operand for slot in slots])
        asks = [
            summed([exactly(float(bias[r])), *(group.asked[r] for group in groups)], float(errors[r]))
            for r in range(len(used))
        ]
        holds = [exactly(float(key[k]), float(key_error[k])) for k in used]
        error = checker.arithmetic.products(list(zip(asks, holds, strict=True)))
        if not error < inf:
            raise Uncertified(f"{self.where}: a score may overflow")
        low, high, rest = self._together([group.scores for group in groups])
        score = float(bias @ key[used])
        some = high > -inf
        if isinstance(leaf, Count):
            least = np.where(some, np.minimum(low, score - error), score - error)
            most = np.where(some, np.maximum(high, score + error), score + error)
            gap = float((least - rest).min(initial=inf))
            spread = float((most - least).max(initial=0.0))
        else:
            always = isinstance(leaf, Aggregate) and checker.domain.profile(leaf).always_selects
            gap = float(np.minimum(low - rest, low - score - error)[some].min(initial=inf))
            spread = float((high - low)[some].max(initial=0.0))
            alone = ~some if always else np.ones_like(some)
            gap = min(gap, float((score - error - rest)[alone].min(initial=inf)))
        if not gap >= GAP:
            raise Uncertified(f"{self.where}: a key that is not selected scores within {gap:.4g} of what is")
        if not spread <= 1.0:
            raise Uncertified(f"{self.where}: selected keys score up to {spread:.4g} apart")
        return gap, spread

    def _group(
        self, leaves: tuple[Leaf, ...], levels: Sequence[_Levels], terms: Sequence[tuple[Floats, Term]], key: Floats
    ) -> "_Group":
        """Scores relative to what the start token gets from these leaves, on all combinations of their values."""
        mine = [level for level in levels if set(level.leaves) <= set(leaves) and (level.leaves or not leaves)]
        added = [(row, term) for row, term in terms if set(term.leaves) <= set(leaves) and (term.leaves or not leaves)]
        states = self.checker.every_state(leaves)
        columns = [states.column(term) for _, term in added]
        columns += [states.column(term) for level in mine for term in (level.low, level.high, level.other)]
        first, _ = alike(columns, len(states))
        contents = np.array(columns).reshape(len(columns), len(states)).T[first]
        contents = contents[~np.isnan(contents).any(axis=1)]
        cut = len(added)
        asked = contents[:, :cut] @ np.array([row for row, _ in added]).reshape(cut, len(key))
        low, high, other = contents[:, cut::3], contents[:, cut + 1 :: 3], contents[:, cut + 2 :: 3]
        most = np.maximum(high, other)
        rest = np.full(len(asked), -inf)
        for k in range(len(mine)):
            rest = np.maximum(rest, other[:, k] + np.delete(most, k, axis=1).sum(axis=1))
        ground = asked @ key
        rows = np.column_stack([low.sum(axis=1), high.sum(axis=1), most.sum(axis=1), rest]) - ground[:, None]
        return _Group(np.unique(rows, axis=0), operands(asked, [0.0] * len(key)))

    def _together(self, groups: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
        """The least and the largest score of selected keys, and the largest of others, for all groups at once."""
        rows = np.array([[0.0, 0.0, 0.0, -inf]])
        for group in groups:
            if len(rows) * len(group) > MAX_ROWS:
                raise Uncertified(f"{self.where}: the scores have more than {MAX_ROWS} combinations")
            (low, high, most, rest), (other_low, other_high, other_most, other_rest) = rows.T, group.T
            joined = (
                np.add.outer(low, other_low),
                np.add.outer(high, other_high),
                np.add.outer(most, other_most),
                np.maximum(np.add.outer(rest, other_most), np.add.outer(most, other_rest)),
            )
            rows = np.unique(np.column_stack([part.reshape(-1) for part in joined]), axis=0)
        return rows[:, 0], rows[:, 1], rows[:, 3]

    def _start_query(self, claim: HeadClaim) -> float:
        """By how much the start token scores itself above every other key."""
        checker = self.checker
        query, query_error = checker.at_start(self.w["W_Q"], self.w["b_Q"])
        key, key_error = checker.at_start(self.w["W_K"], self.w["b_K"])
        asks = [exactly(float(value), float(error)) for value, error in zip(query, query_error, strict=True)]
        holds = [exactly(float(value), float(error)) for value, error in zip(key, key_error, strict=True)]
        own = float(query @ key) - checker.arithmetic.products(list(zip(asks, holds, strict=True)))
        best = 0.0
        pairs: list[tuple[Operand, Operand]] = []
        for part in claim.parts:
            columns = slice(part.first, part.first + part.rank)
            read = checker.read(self.w["W_K"][:, columns], self.w["b_K"][columns])
            best += float((read.rows @ query[columns]).max(initial=-inf)) if len(read.states) else 0.0
            pairs += list(zip(asks[columns], _operands(read), strict=True))
        gap = own - best - checker.arithmetic.products(pairs)
        if not gap >= GAP:
            raise Uncertified(f"{self.where}: the start token attends to other keys")
        return gap

    # ------------------------------------------------------------------------------------------ values

    def _column(self, column: int, leaf: Leaf | None, spread: float) -> list[tuple[int, Term, float]]:
        targets = [int(slot) for slot in np.flatnonzero(self.w["W_O"][column])]
        if not targets:
            return []
        matrix, bias = self.w["W_V"][:, [column]], self.w["b_V"][[column]]
        if leaf is None:
            if np.any(matrix) or bias[0]:
                raise Uncertified(f"{self.where}: value column {column} is not claimed")
            return []
        start, start_error = self.checker.at_start(matrix, bias)
        match leaf:
            case Count():
                table, error = self._count(leaf, matrix, bias, float(start[0]), float(start_error[0]), spread)
            case Aggregate():
                table, error = self._aggregate(leaf, matrix, bias, float(start[0]), float(start_error[0]), spread)
            case _:
                raise Uncertified(f"{self.where}: value column {column} claims a leaf of the embedding")
        found = []
        for slot in targets:
            weight = float(self.w["W_O"][column, slot])
            scaled = {value: weight * number for value, number in table.items()}
            held = operand(np.array(list(table.values())), error)
            own = self.checker.arithmetic.products([(exactly(weight), held)])
            found.append((slot, Term((leaf,), scaled), own))
        return found

    def _softmax(self, spread: float, terms: int) -> float:
        """The relative error of a sum of `terms` values under softmax weights, against the same in real numbers.

        Where all scores are the same, exp is exact and so is the sum that is divided by.
        """
        unit, gamma = self.checker.precision.unit, self.checker.arithmetic.gamma
        shortened = 2.02 * self.checker.precision.product_unit
        uneven = 12 * unit + gamma(self.checker.domain.max_length + 1) if spread else 0.0
        return 1.01 * (12 * unit + uneven + shortened + 2 * self.leak) + gamma(terms + 1)

    def _skew(self, spread: float, low: float, high: float) -> float:
        """How far a mean of numbers between these is from the mean under weights that should be equal.

        Weights exp(s) with s within a spread S are within tanh(S / 4) <= S / 4 of equal ones in total variation.
        """
        return 1.01 * spread / 4 * (high - low)

    def _count(
        self, leaf: Count, matrix: Floats, bias: Floats, start: float, start_error: float, spread: float
    ) -> tuple[dict[Tuple, float], float]:
        read = self.checker.read(matrix, bias)
        if np.any(read.rows != 0) or np.any(read.errors != 0):
            raise Uncertified(f"{self.where}: a count reads a value at a key")
        values = self.checker.domain.profile(leaf).values()
        table: dict[Tuple, float] = {(w,): start / (int(w) + 1) for w in values}
        skew = self._skew(spread, 0.0, abs(start))
        return table, skew + self._softmax(spread, 1) * (abs(start) + start_error) + start_error

    def _aggregate(
        self, leaf: Aggregate, matrix: Floats, bias: Floats, start: float, start_error: float, spread: float
    ) -> tuple[dict[Tuple, float], float]:
        domain, precision = self.checker.domain, self.checker.precision
        numbers, worst = self._numbers(leaf, matrix, bias)
        profile = domain.profile(leaf)
        several = not profile.at_most_one and averageable(value for (value,) in self.checker.values((leaf.values,)))
        table: dict[Tuple, float] = {}
        for value in profile.values():
            if value in numbers and not several:
                table[(value,)] = numbers[value]
            elif several and not isinstance(value, str):
                table[(value,)] = float(value)
        largest = max([abs(start), *map(abs, numbers.values())], default=0.0)
        worst = max(worst, start_error)
        if several:
            worst += max((abs(x - float(v)) for v, x in numbers.items() if not isinstance(v, str)), default=0.0)
            error = worst + self._softmax(spread, domain.max_length + 1) * (largest + worst)
            error += self._skew(spread, min(numbers.values(), default=0.0), max(numbers.values(), default=0.0))
        else:
            error = worst + self.leak * (largest + worst) * 2
            if worst or digits_of(np.array([start, *numbers.values()])) > precision.product_digits:
                error += precision.product_unit * (largest + worst)
        if not profile.always_selects:
            # A string among numbers that are averaged can be fetched from a single key: there it must be the same.
            fetched = numbers.get(leaf.default, start) if isinstance(leaf.default, str) else start
            known = table.setdefault((leaf.default,), fetched)
            if abs(known - start) > error:
                raise Uncertified(f"{self.where}: the default and an equal value differ in the stream")
            error += abs(known - start)
        if any((value,) not in table for value in profile.values()):
            raise Uncertified(f"{self.where}: a value of {leaf!r} is not in its column")
        return table, error

    def _numbers(self, leaf: Aggregate, matrix: Floats, bias: Floats) -> tuple[dict[Atom, float], float]:
        """What the value column is for each value that is aggregated, and its error."""
        read = self.checker.read(matrix, bias, (leaf.values,))
        valued = self._by_value(read, (leaf.values,))
        numbers: dict[Atom, float] = {}
        for which, number in zip(valued.classes.tolist(), valued.rows[:, 0].tolist(), strict=True):
            (value,) = valued.values[which]
            if numbers.setdefault(value, number) != number:
                raise Uncertified(f"{self.where}: a value column is not a function of the values")
        return numbers, float(read.errors[0])


def _components(levels: Sequence[_Levels], terms: Sequence[tuple[Floats, Term]]) -> list[tuple[Leaf, ...]]:
    """Leaves that are read together, by way of any number of conjuncts and summands, are in one group."""
    groups: list[set[Leaf]] = []
    alone = False
    for leaves in (*(level.leaves for level in levels), *(term.leaves for _, term in terms)):
        alone |= not leaves
        joined = set(leaves).union(*(group for group in groups if group & set(leaves)))
        groups = [group for group in groups if not group & joined] + ([joined] if joined else [])
    return [tuple(sorted(group, key=leaf_order)) for group in groups] + ([()] if alone else [])


def _operands(read: Read) -> list[Operand]:
    """The columns of a read as factors."""
    return operands(read.rows, read.errors.tolist())


def _factors(query: Read, key: Read) -> list[tuple[Operand, Operand]]:
    """The factors of a score."""
    return list(zip(_operands(query), _operands(key), strict=True))


def _selects(leaf: Leaf) -> Formula:
    match leaf:
        case Aggregate(selector=selector):
            return formula(selector)
        case Count(formula=part):
            return part
        case _:
            raise Uncertified("a head that computes a leaf of the embedding")


def _flat(part: Formula) -> tuple[Formula, ...]:
    return part.parts if isinstance(part, Both) else (part,)


def _mask_of(part: Formula) -> str:
    """The mask that a comparison of positions is."""
    match part:
        case Literal(Select(keys=Indices(), queries=Indices(), predicate=predicate), positive):
            opposite = {"<=": ">", "<": ">=", ">=": "<", ">": "<="}
            text = predicate.value
            if predicate in (Predicate.EQ, Predicate.NE):
                return "none"
            return text if positive else opposite[text]
        case _:
            return "none"
