"""The claim about one leaf: its sets hold all that its rows can give, and what is said of the size of rows is so."""

from collections.abc import Sequence

import numpy as np

from compiled.certificate.closure.claims import Claims, LeafClaim, NotClosed, Place, Work
from compiled.certificate.closure.local import Local
from compiled.certificate.closure.one_key import selects_one_key
from compiled.certificate.closure.outcomes import NOT, Rows
from compiled.certificate.closure.sums import Folding, Sums, Together, check_order, scale
from compiled.meaning.leaves import Computed, Count, Stored
from spec.graph import Aggregate
from spec.operators import OperatorError, function
from spec.values import Atom, Kind, Numbers, atom_key, kind_of


def check_leaf(claims: Claims, local: Local, work: Work, leaf: Aggregate | Count) -> None:
    """`NotClosed` with a value that the leaf can have and that is not in its set, or with a row of another size."""
    claim = claims.leaves[leaf]
    if set(claim.number) != set(claims.places()):
        raise NotClosed(f"nothing is claimed about {leaf!r} at some place")
    match leaf:
        case Count():
            _check_count(claims, local, work, leaf, claim)
        case Aggregate():
            if leaf not in claims.formulas:
                raise NotClosed(f"nothing is claimed about the selector of {leaf!r}")
            _AggregateCheck(claims, local, work, leaf, claim).run()


def check_stored(claims: Claims, local: Local, work: Work, leaf: Stored) -> None:
    """`NotClosed` with a value that the operator of the s-op can give and that is not in its set."""
    claim = claims.leaves[leaf]
    if set(claim.number) != set(claims.places()):
        raise NotClosed(f"nothing is claimed about {leaf!r} at some place")
    operands, meaning = local.table(leaf.sop.args), function(leaf.sop.op, claims.numbers)
    known = [frozenset(map(atom_key, values)) for values in claim.sets]
    seen: set[tuple[int, int]] = set()
    for place, states in zip(local.places, operands.where.tolist(), strict=True):
        number = claim.number[place]
        if (states, number) in seen:
            continue
        seen.add((states, number))
        work.spend(len(operands.members[states]))
        for k in operands.members[states].tolist():
            try:
                value = meaning(*operands.rows[k])
            except OperatorError:
                continue
            if atom_key(value) not in known[number]:
                raise _missing(leaf, value, place)


def _missing(leaf: Computed, value: Atom, place: Place) -> NotClosed:
    m, i = place
    return NotClosed(f"{leaf!r} can be {value!r} at position {i} of inputs of length {m}, which its set does not have")


def _one_key(claims: Claims, local: Local, work: Work, leaf: Aggregate | Count) -> bool:
    """Whether a count shows that each row selects one key at most; `NotClosed` where that is claimed and not so."""
    part, rank = leaf.formula if isinstance(leaf, Count) else claims.formulas[leaf], claims.leaves[leaf].rank
    if rank is not None and not selects_one_key(claims, local, work, part, rank):
        raise NotClosed(f"{leaf!r} may select several keys with the same {rank!r}, against the claim")
    return rank is not None


def _check_count(claims: Claims, local: Local, work: Work, leaf: Count, claim: LeafClaim) -> None:
    """From the number of keys that must be selected up to that of those that can be, nothing is missing."""
    rows = Rows(claims, local, work, (leaf,))
    known = [frozenset(map(atom_key, values)) for values in claim.sets]
    one_key = _one_key(claims, local, work, leaf)
    for row in rows.all([claim.number[place] for place in local.places]):
        keys = [(rows.outcomes[number], count) for number, count in row.counted]
        work.spend(len(keys))
        if not all(outcomes for outcomes, _ in keys):
            continue
        least = sum(count for outcomes, count in keys if (NOT,) not in outcomes)
        most = sum(count for outcomes, count in keys if (0,) in outcomes)
        most = min(most, 1) if one_key else most
        _check_size(leaf, claim, row.place, least == 0, most > 1)
        for width in range(least, most + 1):
            if atom_key(width) not in known[row.kind]:
                raise _missing(leaf, width, row.place)


def _check_size(leaf: Aggregate | Count, claim: LeafClaim, place: Place, none: bool, several: bool) -> None:
    m, i = place
    if claim.always and none:
        raise NotClosed(f"{leaf!r} may select nothing at position {i} of inputs of length {m}, against the claim")
    if claim.alone and several:
        raise NotClosed(f"{leaf!r} may select several keys at position {i} of inputs of length {m}, against the claim")


class _AggregateCheck:
    """One aggregate: the default, single values, and means, each where there are rows for it."""

    def __init__(self, claims: Claims, local: Local, work: Work, leaf: Aggregate, claim: LeafClaim) -> None:
        self.claims, self.local, self.work, self.leaf, self.claim = claims, local, work, leaf, claim
        self.rows = Rows(claims, local, work, (leaf,))
        self.one_key = _one_key(claims, local, work, leaf)
        self.values = self.rows.atoms[0]
        self.known = [frozenset(map(atom_key, values)) for values in claim.sets]
        self._ordered: set[tuple[frozenset[int], int]] = set()

    def run(self) -> None:
        """Every row once for each set that it belongs to."""
        # Rows that would select several keys are none: then there are no means.
        averages = dict.fromkeys(range(1, self.claims.max_length + 1), False) if self.one_key else self._averages()
        folds = {several: self._folding(several) for several in set(averages.values())}
        reached: dict[int, int] = {}
        where: dict[int, Place] = {}
        for row in self.rows.all([2 * self.claim.number[m, i] + averages[m] for m, i in self.local.places]):
            number, mean = row.kind // 2, bool(row.kind % 2)
            together = folds[mean][1].of(keys := row.keys)
            self._check_few(together, number, row.place)
            if mean and together.several:
                self._check_order(keys)
                reached[number] = reached.get(number, 0) | together.bits
                where.setdefault(number, row.place)
        for number, bits in reached.items():
            self._check_means(folds[True][0], bits, number, where[number])

    def _averages(self) -> dict[int, bool]:
        """Per length whether several values may have a mean: a position of the sequence may hold an integer or a real.

        So decides the interpreter: a sequence of booleans has no mean, but one with an integer anywhere has.
        """
        table = self.local.table((self.leaf.values,))
        numeric = np.array([kind_of(value) in (Kind.INT, Kind.REAL) for (value,) in table.rows], dtype=np.bool_)
        some = [bool(numeric[members].any()) for members in table.members]
        found = dict.fromkeys(range(1, self.claims.max_length + 1), False)
        for (m, _), number in zip(self.local.places, table.where.tolist(), strict=True):
            found[m] |= some[number]
        return found

    def _folding(self, averages: bool) -> tuple[Sums, Folding[Together]]:
        length = self.claims.max_length
        wanted = averages and not self.claim.alone
        sums = Sums(scale(self.values if wanted else (), self.claims.numbers), length, self.work, wanted)

        def step(sofar: Together, key: int) -> Together:
            outcomes = self.rows.outcomes[key]
            return sums.step(sofar, (NOT,) in outcomes, frozenset(v for (v,) in outcomes if v != NOT))

        return sums, Folding(sums.start, step)

    def _check_order(self, keys: Sequence[int]) -> None:
        """That sums of doubles are what they are in any order."""
        kind = (frozenset(keys), len(keys))
        if self.claims.numbers is Numbers.IEEE and kind not in self._ordered:
            self._ordered.add(kind)
            used = {value for key in kind[0] for (value,) in self.rows.outcomes[key] if value != NOT}
            self.work.spend(len(used))
            check_order((self.values[value] for value in used), len(keys))

    def _check_few(self, together: Together, number: int, place: Place) -> None:
        """No value and one value."""
        _check_size(self.leaf, self.claim, place, together.none, together.several and not self.one_key)
        single = [self.values[value] for value in together.one]
        for value in [self.leaf.default, *single] if together.none else single:
            if atom_key(value) not in self.known[number]:
                raise _missing(self.leaf, value, place)

    def _check_means(self, sums: Sums, bits: int, number: int, place: Place) -> None:
        for count, steps in sums.means(bits):
            value = sums.scale.mean(steps, count)
            if atom_key(value) not in self.known[number]:
                raise _missing(self.leaf, value, place)
