"""The claim about one leaf: its sets hold all that its rows can give, and what is said of the size of rows is so."""

from collections.abc import Sequence

from compiled.certificate.closure.claims import Claims, LeafClaim, NotClosed, Place, Work
from compiled.certificate.closure.local import Local
from compiled.certificate.closure.outcomes import NOT, Rows
from compiled.certificate.closure.sums import Folding, Sums, Together, check_order, scale
from compiled.meaning.leaves import Count
from spec.graph import Aggregate
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


def _missing(leaf: Aggregate | Count, value: Atom, place: Place) -> NotClosed:
    m, i = place
    return NotClosed(f"{leaf!r} can be {value!r} at position {i} of inputs of length {m}, which its set does not have")


def _check_count(claims: Claims, local: Local, work: Work, leaf: Count, claim: LeafClaim) -> None:
    """From the number of keys that must be selected up to that of those that can be, nothing is missing."""
    rows = Rows(claims, local, work, (leaf,))
    seen: set[tuple[int, bytes]] = set()
    known = [frozenset(map(atom_key, values)) for values in claim.sets]
    for row in rows:
        number = claim.number[row.place]
        if (number, row.packed) in seen:
            continue
        seen.add((number, row.packed))
        keys = [rows.outcomes[key] for key in row.selected()]
        if not all(keys):
            continue
        least = sum((NOT,) not in outcomes for outcomes in keys)
        most = sum((0,) in outcomes for outcomes in keys)
        work.spend(len(keys))
        _check_size(leaf, claim, row.place, least == 0, most > 1)
        for width in range(least, most + 1):
            if atom_key(width) not in known[number]:
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
        self.values = self.rows.atoms[0]
        self.known = [frozenset(map(atom_key, values)) for values in claim.sets]
        self._ordered: set[tuple[frozenset[int], int]] = set()

    def run(self) -> None:
        """Every row once for each set that it belongs to."""
        folds = {averages: self._folding(averages) for averages in {self._averages(m) for m in self._lengths()}}
        reached: dict[int, int] = {}
        where: dict[int, Place] = {}
        seen: set[tuple[int, bool, bytes]] = set()
        averages = {m: self._averages(m) for m in self._lengths()}
        for row in self.rows:
            number, mean = self.claim.number[row.place], averages[row.place[0]]
            if (number, mean, row.packed) in seen:
                continue
            seen.add((number, mean, row.packed))
            together = folds[mean][1].of(row.selected())
            self._check_few(together, number, row.place)
            if mean and together.several:
                self._check_order(row.selected())
                reached[number] = reached.get(number, 0) | together.bits
                where.setdefault(number, row.place)
        for number, bits in reached.items():
            self._check_means(folds[True][0], bits, number, where[number])

    def _lengths(self) -> range:
        return range(1, self.claims.max_length + 1)

    def _averages(self, m: int) -> bool:
        """Whether several values may have a mean: some position of the whole sequence may hold an integer or a real.

        So decides the interpreter: a sequence of booleans has no mean, but one with an integer anywhere has.
        """
        values = (state[0] for j in range(m) for state in self.local.states((self.leaf.values,), m, j))
        return any(kind_of(value) in (Kind.INT, Kind.REAL) for value in values)

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
        _check_size(self.leaf, self.claim, place, together.none, together.several)
        single = [self.values[value] for value in together.one]
        for value in [self.leaf.default, *single] if together.none else single:
            if atom_key(value) not in self.known[number]:
                raise _missing(self.leaf, value, place)

    def _check_means(self, sums: Sums, bits: int, number: int, place: Place) -> None:
        for count, steps in sums.means(bits):
            value = sums.scale.mean(steps, count)
            if atom_key(value) not in self.known[number]:
                raise _missing(self.leaf, value, place)
