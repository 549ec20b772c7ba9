"""The certificate checker: weights are right on every input of length <= n, from the weights and the program alone.

Induction over layers, on *local* states only: a head is a function of a query state and a key state, an MLP of one
state, and a state is a combination of values of leaves at one place (`compiled.meaning.values`). Per slot of the
residual stream the checker keeps what it holds as a function of leaves, derived from the weights, and an error bound:

    start     the start token attends to itself only, so its state is a constant
    heads     selected pairs score the same or nearly so, all others and (where a default is not wanted) the start
              token at least `GAP` less; value columns then carry the claimed leaf, with the error of one softmax and
              of weights that are not quite equal
    units     every hidden unit is <= 0 or >= 1 on every state, with its error: what it adds is exact
    sums      what an MLP adds to what a slot holds is one function with it where the leaves are the same or among the
              others; if it is exact and 0 on every state, the slot holds nothing from then on
    stored    where an s-op decides what a slot holds, on every state, the slot is a function of the s-op from then on
    logits    on every state the right logit is larger than every other by more than the errors

Nothing here is shared with the choice of encodings, layers and weights. The sets of values, which s-ops are counts, the
states and what s-ops are on them are shared with it, and proved in `compiled.certificate.closure`. Trusted: exp(0) = 1,
exp within 4 units and 0 where the format underflows, and Higham's bounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt

from compiled.certificate.check_heads import HeadCheck
from compiled.certificate.check_units import UnitCheck
from compiled.certificate.closure.claims import Claims
from compiled.certificate.closure.cover import Cover
from compiled.certificate.closure.prove import LIMIT, prove
from compiled.certificate.ledger import HeadClaim, Ledger, StoredClaim
from compiled.certificate.rounding import Arithmetic, Operand, exactly, operands
from compiled.certificate.states import Floats, Held, Read, States, Tabled, Term, alike
from compiled.errors import Refused, Uncertified
from compiled.meaning.classes import leaf_classes
from compiled.meaning.columns import Results
from compiled.meaning.combinations import Combinations
from compiled.meaning.leaves import INPUT, POSITION, Leaf, Stored, Tuple, leaf_order
from compiled.meaning.values import Domain
from compiled.precision import Precision
from spec.graph import Map, SOp, topological
from spec.values import Atom

CHUNK: Final = 1 << 22
MANY: Final = 20_000
MANY_VALUES: Final = 200_000
"""Up to so many values of s-ops on states all states are looked at where classes would do."""


@dataclass(frozen=True)
class Margins:
    """The least that was left anywhere: scores, hidden units, logits (beyond their errors), and the error of each slot
    in each state of the stream (0 after the embedding, 2k - 1 after the heads of layer k, 2k after its MLP).

    `score_spread`: how far keys that are attended to alike may score apart.
    `values_proved`: whether the sets of values that all of it stands on were proved, too, or are taken on trust.
    """

    score_gap: float
    score_spread: float
    unit_margin: float
    logit_margin: float
    slot_errors: tuple[tuple[float, ...], ...]
    pairs: int
    states: int
    values_proved: bool
    values_work: int

    @property
    def slot_error(self) -> float:
        """The largest error of a slot."""
        return max((max(errors, default=0.0) for errors in self.slot_errors), default=0.0)


class Checker:
    """One run over one set of weights."""

    def __init__(
        self,
        weights: Mapping[str, Floats],
        ledger: Ledger,
        domain: Domain,
        claims: Claims,
        outputs: Mapping[str, tuple[SOp, tuple[Atom, ...]]],
        precision: Precision,
        limit: int = LIMIT,
    ) -> None:
        self.weights, self.ledger, self.domain = weights, ledger, domain
        self.claims, self.limit, self.cover = claims, limit, Cover(claims, limit)
        self.outputs, self.precision = outputs, precision
        self.arithmetic = Arithmetic(precision)
        self.model = weights["embed.W_E"].shape[1]
        self.slots = [Held([]) for _ in range(self.model)]
        self.start: list[Operand] = []
        self.start_values: Floats = np.zeros(self.model)
        self.score_gap, self.unit_margin, self.logit_margin, self.score_spread = inf, inf, inf, 0.0
        self.pairs, self.states = 0, 0
        self._known_states: dict[tuple[Leaf, ...], States] = {}
        self._by_class: dict[object, list[States]] = {}
        self._results: dict[object, tuple[Combinations, Results]] = {}
        nodes = topological(sop for sop, _ in outputs.values())
        maps = [node for node in nodes if isinstance(node, Map)]
        self.program = [node for node in maps if len(domain.leaves(node)) > 1]

    def check(self) -> Margins:
        """All of it; `Uncertified` says where the proof stops."""
        blocks = {name.split(".")[1] for name in self.weights if name.startswith("blocks.")}
        if blocks != set(map(str, range(len(self.ledger.layers)))):
            raise Uncertified("the certificate is about another number of layers")
        if any(not 0 <= one.layer < len(blocks) or not 0 <= one.slot < self.model for one in self.ledger.stored):
            raise Uncertified("the certificate is about a dimension that does not exist")
        if not all(np.isfinite(tensor).all() for tensor in self.weights.values()):
            raise Uncertified("a weight is not finite")
        if any(((tensor != 0) & (np.abs(tensor) < self.precision.least)).any() for tensor in self.weights.values()):
            raise Uncertified("a weight is so small that some devices read it as 0")
        try:
            self._embedding()
            errors = [self._errors()]
            for number, claims in enumerate(self.ledger.layers):
                self._attention(number, claims)
                errors.append(self._errors())
                before = [len(held.terms) for held in self.slots]
                UnitCheck(self, number).run()
                for held, terms in zip(self.slots, before, strict=True):
                    if 0 < terms < len(held.terms):
                        self._add_up(held)
                for claim in self.ledger.stored:
                    if claim.layer == number:
                        self._stored(claim)
                errors.append(self._errors())
            self._logits()
        except Refused as refused:
            raise Uncertified(refused.reason) from refused
        closed = prove(self.claims, self.limit)
        return Margins(
            self.score_gap,
            self.score_spread,
            self.unit_margin,
            self.logit_margin,
            tuple(errors),
            self.pairs,
            self.states,
            closed.proved and self.cover.complete,
            closed.work + self.cover.work.done,
        )

    # -------------------------------------------------------------------------------------------- states

    def leaves_of(self, slots: Sequence[int], more: Sequence[Leaf] = ()) -> tuple[Leaf, ...]:
        """The leaves that these slots are functions of, and some more."""
        found = {leaf for slot in slots for term in self.slots[slot].terms for leaf in term.leaves} | set(more)
        return tuple(sorted(found, key=leaf_order))

    def _columns(self, slots: Sequence[int], states: States) -> Floats:
        """What the slots hold nominally: one row for each state."""
        found = np.zeros((len(states), len(slots)))
        for column, slot in enumerate(slots):
            for term in self.slots[slot].terms:
                found[:, column] += states.column(term)
        return found

    def _operands(self, slots: Sequence[int], columns: Floats) -> list[Operand]:
        return operands(columns, [self.slots[slot].error for slot in slots])

    def _states(self, leaves: tuple[Leaf, ...], slots: Sequence[int], sops: Sequence[SOp]) -> States:
        """Combinations of values of the leaves, one for each class of values where there are too many.

        Values of a leaf are in one class when the slots that are read hold the same for them, and every s-op of this
        leaf alone that the given s-ops are computed from is the same.
        """
        if self.few(leaves) and self.domain.size(leaves) * len(self.computed_from(leaves)) <= MANY_VALUES:
            return self.every_state(leaves)
        return self.states_by_class(leaves, sops, [term for slot in slots for term in self.slots[slot].terms])

    def few(self, leaves: tuple[Leaf, ...]) -> bool:
        """Whether all combinations of values of these leaves can be looked at."""
        return len(leaves) < 2 or self.domain.size(leaves) <= MANY

    def every_state(self, leaves: tuple[Leaf, ...]) -> States:
        """Every combination of values of these leaves."""
        if leaves not in self._known_states:
            tuples = self.domain.tuples(leaves)
            self.cover.check(leaves, tuples)
            if len(leaves) > 1 and len(tuples) <= MANY:
                # A state on which an s-op of the program has no value belongs to inputs on which the program fails.
                # Those that are left keep their kinds: as numbers they may be equal, and what is read may differ.
                found = self.results(self.computed_from(leaves), leaves, tuples)
                tuples = tuples.kept(np.flatnonzero(found.known))
            self.states += len(tuples)
            self._known_states[leaves] = States(leaves, tuples)
        return self._known_states[leaves]

    def occurring(self, states: States) -> npt.NDArray[np.bool_]:
        """Which of these states can be at a place: the s-ops of the program that read these leaves have values there.

        A class of values is judged by its representative, which those s-ops cannot tell from the others. Where one
        reads more leaves, the states must be parts of states of all of them.
        """
        found = self.results(self.computed_from(states.leaves), states.leaves, states.tuples).known
        for wider in dict.fromkeys(self.domain.leaves(sop) for sop in self.program):
            known = set(states.leaves) < set(wider) and self.cover.knows(wider)
            if known and self.few(wider) and not states.classes:
                at = [wider.index(leaf) for leaf in states.leaves]
                parts = {tuple(row[k] for k in at) for row in self.every_state(wider).tuples}
                found = found & np.array([row in parts for row in states.tuples], dtype=np.bool_)
        return found

    def results(self, sops: Sequence[SOp], leaves: tuple[Leaf, ...], tuples: Combinations) -> Results:
        """The values of s-ops on states."""
        key = (tuple(sops), leaves, id(tuples))
        if key not in self._results:
            found = self.domain.checked(sops, leaves, tuples)
            self.cover.check_values(sops, leaves, tuples, found.rows, found.codes)
            self._results[key] = tuples, found  # which keeps the states, so that no others have their identity
        return self._results[key][1]

    def values(self, sops: Sequence[SOp]) -> Sequence[Tuple]:
        """What s-ops can be together anywhere."""
        found = self.cover.values(sops)
        return self.domain.all_values(sops) if found is None else found

    def computed_from(self, leaves: tuple[Leaf, ...]) -> list[SOp]:
        """The s-ops of the program that are functions of several of these leaves."""
        return [sop for sop in self.program if set(self.domain.leaves(sop)) <= set(leaves)]

    def states_by_class(self, leaves: tuple[Leaf, ...], sops: Sequence[SOp], terms: Sequence[Term]) -> States:
        """Combinations of representatives: of values on which these terms and what the s-ops read are the same."""
        meaning = leaf_classes(self.domain, tuple(sops), leaves)
        classes: dict[Leaf, dict[Atom, Atom]] = {}
        for leaf in leaves:
            if leaf not in meaning:
                continue
            read = [term for term in terms if leaf in term.leaves]
            first: dict[object, Atom] = {}
            for value, representative in meaning[leaf].items():
                contents = (representative, *(term.given(leaf, value) for term in read))
                classes.setdefault(leaf, {})[value] = first.setdefault(contents, value)
        known = self._by_class.setdefault((leaves, tuple(sops)), [])
        for states in known:
            if states.classes == classes:
                return states
        states = States(leaves, self.domain.class_tuples(leaves, classes), classes)
        self.cover.check(leaves, states.tuples, classes, sops)
        self.states += len(states)
        known.append(states)
        return states

    def add(self, slot: int, term: Term, error: float) -> None:
        """Add a term to a slot."""
        held = self.slots[slot]
        held.terms.append(term)
        held.error += error
        if len(held.terms) > 1:
            parts = [one.operand for one in held.terms]
            held.error = self.arithmetic.total([replace(parts[0], error=held.error), *parts[1:]])

    def finite(self, where: str, *bounds: Floats) -> None:
        """No number may overflow, read or not: 0 times infinity is not a number, and spreads."""
        if not all((bound < 0.99 * self.precision.largest).all() for bound in bounds):
            raise Uncertified(f"{where}: a number may overflow")

    def largest(self) -> Floats:
        """A bound on the absolute value in each slot at any token."""
        held = [sum(term.operand.largest for term in one.terms) + one.error for one in self.slots]
        return np.maximum(held, [one.largest + one.error for one in self.start])

    def read(self, matrix: Floats, bias: Floats, sops: Sequence[SOp] = (), more: Sequence[Leaf] = ()) -> "Read":
        """A linear map of the stream: its nominal values on every state, and an error bound for each column."""
        slots = [int(k) for k in np.flatnonzero(np.any(matrix != 0, axis=1)) if self.slots[int(k)].terms]
        leaves = self.leaves_of(slots, (*more, *self.domain.leaves_of(sops)))
        states = self.every_state(leaves) if more else self._states(leaves, slots, sops)
        columns = self._columns(slots, states)
        reachable = ~np.isnan(columns).any(axis=1)
        states, columns = states.where(reachable), columns[reachable]
        # States that are the same in what is read are one; so are those for which the result is.
        first, place = alike(columns.T, len(states))
        columns = columns[first]
        values = columns @ matrix[slots] + bias
        shown, again = alike(values.T, len(values))
        errors = self.arithmetic.linear(matrix[slots], bias, self._operands(slots, columns))
        return Read(states, values[shown], again[place], errors)

    def at_start(self, matrix: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """The same at the start token."""
        return self.start_values @ matrix + bias, self.arithmetic.linear(matrix, bias, self.start)

    def add_at_start(self, values: Floats, errors: Floats) -> None:
        """Add to the state of the start token."""
        for slot in np.flatnonzero((values != 0) | (errors != 0)):
            own, added = self.start[slot], exactly(float(values[slot]), float(errors[slot]))
            error = self.arithmetic.total([own, added])
            self.start_values[slot] += values[slot]
            self.start[slot] = exactly(float(self.start_values[slot]), error)

    # -------------------------------------------------------------------------------------------- embedding

    def _embedding(self) -> None:
        tokens, positions = self.weights["embed.W_E"], self.weights["pos_embed.W_pos"]
        symbols = self.domain.alphabet
        if tokens.shape[0] != len(symbols) + 2 or positions.shape != (self.domain.max_length + 1, self.model):
            raise Uncertified("the embeddings have another size than the scope")
        for slot in range(self.model):
            for leaf, values, rows in (
                (INPUT, symbols, tokens[: len(symbols), slot]),
                (POSITION, range(self.domain.max_length), positions[1:, slot]),
            ):
                if np.any(rows != 0):
                    table: dict[Tuple, float] = {(v,): float(x) for v, x in zip(values, rows.tolist(), strict=True)}
                    self.add(slot, Term((leaf,), table), 0.0)
        self.start_values = tokens[len(symbols)].copy()
        self.start = [exactly(float(value)) for value in self.start_values]
        self.add_at_start(positions[0], np.zeros(self.model))

    # -------------------------------------------------------------------------------------------- attention

    def _attention(self, number: int, claims: Sequence[HeadClaim]) -> None:
        name = f"blocks.{number}.attn"
        output, bias = self.weights[f"{name}.W_O"], self.weights[f"{name}.b_O"]
        largest = self.largest()
        query, key, value = (
            np.einsum("d,hde->he", largest, np.abs(self.weights[f"{name}.W_{side}"]))
            + np.abs(self.weights[f"{name}.b_{side}"])
            for side in "QKV"
        )
        moves = np.einsum("he,hed->d", value, np.abs(output)) + np.abs(bias)
        self.finite(name, largest, query, key, value, (query * key).sum(axis=1), moves)
        if len(claims) > output.shape[0]:
            raise Uncertified(f"layer {number + 1} has fewer heads than are claimed")
        added: list[tuple[int, Term, float]] = []
        moved: list[Operand] = []
        at_start: list[float] = []
        for index in range(output.shape[0]):
            head = HeadCheck(self, number, index, claims[index] if index < len(claims) else None)
            added += head.run()
            values, errors = head.at_start()
            at_start += values.tolist()
            moved += [exactly(float(v), float(e)) for v, e in zip(values, errors, strict=True)]
        added += [(int(k), Term((), {(): float(bias[k])}), 0.0) for k in np.flatnonzero(bias)]
        for slot, term, error_bound in added:
            self.add(slot, term, error_bound)
        flat = output.reshape(-1, self.model)
        rounding = np.where(np.any(flat != 0, axis=0), self.arithmetic.linear(flat, bias, moved), 0.0)
        self.add_at_start(np.array(at_start) @ flat + bias, rounding)

    # -------------------------------------------------------------------------------------------- sums

    def _errors(self) -> tuple[float, ...]:
        """The error of each slot now."""
        return tuple(held.error for held in self.slots)

    def _add_up(self, held: Held) -> None:
        """Summands become one where some have all leaves of the others, and nothing where they cancel on every state.

        Only if the sum has no error: then it is that of its parts in doubles, too, and otherwise the error would stay.
        """
        if held.error:
            return
        rest, sums = held.terms, list[Term]()
        while rest:
            leaves = max((term.leaves for term in rest), key=len)
            sums.append(self._sum(leaves, [term for term in rest if set(term.leaves) <= set(leaves)]))
            rest = [term for term in rest if not set(term.leaves) <= set(leaves)]
        constant = sum(term.at(()) for term in sums if not term.leaves)
        held.terms = [term for term in sums if term.leaves]
        if constant:
            held.terms.append(Term((), {(): constant}))

    def _sum(self, leaves: tuple[Leaf, ...], terms: Sequence[Term]) -> Term:
        """The sum of functions of these leaves on every state that all of them know; a constant is one of no leaf."""
        if len(terms) == 1:
            return terms[0]
        few = self.few(leaves)
        states = self.every_state(leaves) if few else self.states_by_class(leaves, self.computed_from(leaves), terms)
        numbers = np.sum([states.column(term) for term in terms], axis=0)
        known = np.flatnonzero(~np.isnan(numbers))
        if len(known) and (numbers[known] == numbers[known[0]]).all():
            return Term((), {(): float(numbers[known[0]])})
        return Term(leaves, Tabled(states.where(~np.isnan(numbers)), numbers[known]), states.classes)

    # -------------------------------------------------------------------------------------------- stored s-ops

    def _stored(self, claim: StoredClaim) -> None:
        """From here on the slot is a function of the s-op: on states that agree on its value the slot does, too."""
        leaf, held = Stored(claim.sop), self.slots[claim.slot]
        if leaf not in self.claims.leaves:
            raise Uncertified(f"dimension {claim.slot} is claimed to be of an s-op whose values are not known")
        leaves = self.leaves_of([claim.slot], self.domain.leaves_of(claim.sop.args))
        states = self.every_state(leaves)
        (numbers,) = self._columns([claim.slot], states).T
        table: dict[Tuple, float] = {}
        for value, number in zip(self.cover.applied(claim.sop, leaves, states.tuples), numbers.tolist(), strict=True):
            if value is not None and number == number and table.setdefault((value,), number) != number:
                raise Uncertified(f"dimension {claim.slot} is not a function of the s-op that is claimed to be in it")
        self.slots[claim.slot] = Held([Term((leaf,), table)], held.error)

    # -------------------------------------------------------------------------------------------- logits

    def _logits(self) -> None:
        matrix, bias = self.weights["unembed.W_U"], self.weights["unembed.b_U"]
        largest = self.largest()
        self.finite("the unembedding", largest, largest @ np.abs(matrix) + np.abs(bias))
        at = 0
        for name, (sop, values) in self.outputs.items():
            columns = slice(at, at + len(values))
            self._output(name, sop, values, matrix[:, columns], bias[columns])
            at += len(values)
        if at != matrix.shape[1]:
            raise Uncertified("the unembedding has another size than the outputs")

    def _output(self, name: str, sop: SOp, values: tuple[Atom, ...], matrix: Floats, bias: Floats) -> None:
        leaves_of = self.domain.leaves(sop)
        slots = [int(k) for k in np.flatnonzero(np.any(matrix != 0, axis=1)) if self.slots[int(k)].terms]
        leaves = self.leaves_of(slots, leaves_of)
        states = self._states(leaves, slots, (sop,))
        results = self.results((sop,), leaves, states.tuples)
        index = {value: k for k, value in enumerate(values)}
        states, codes = states.where(results.known), results.codes[results.known]
        column = np.array([index.get(value, len(values)) for (value,) in results.rows], dtype=np.int64)
        right = column[codes] if len(codes) else codes
        for code in codes[right == len(values)][:1].tolist():
            raise Uncertified(f"{name}: the value {results.rows[code][0]} has no logit")
        stream = self._columns(slots, states)
        if np.isnan(stream).any():
            raise Uncertified(f"{name}: a state of the output is not known in the stream")
        first, _ = alike([*stream.T, right], len(states))
        stream, right = stream[first], right[first]
        errors = np.array([self.slots[slot].error for slot in slots])
        weights = matrix[slots]
        step = max(1, CHUNK // max(1, len(values)))
        for begin in range(0, len(right), step):
            self._compare(name, weights, bias, stream[begin : begin + step], errors, right[begin : begin + step])

    def _compare(
        self, name: str, weights: Floats, bias: Floats, stream: Floats, errors: Floats, right: npt.NDArray[np.int64]
    ) -> None:
        logits = stream @ weights + bias
        rows = np.arange(len(right))
        bounds = self.arithmetic.linear(weights, bias, operands(stream, errors.tolist()))
        sizes = (np.abs(stream) + errors) @ np.abs(weights) + np.abs(bias)
        relative = self.arithmetic.gamma(weights.shape[0] + 2) + 2.02 * self.precision.product_unit
        least = (weights.shape[0] + 2) * self.precision.least
        rounding = sizes * relative + least if bounds.any() else np.zeros_like(sizes)
        common = np.zeros_like(sizes)
        for k in np.flatnonzero(errors):
            common += errors[k] * np.abs(weights[k][None, :] - weights[k][right][:, None])
        margin = logits[rows, right][:, None] - logits - rounding - rounding[rows, right][:, None] - common
        margin[rows, right] = inf
        least = float(margin.min(initial=inf))
        if not least > 0:
            raise Uncertified(f"{name}: two logits are nearer than their errors ({least:.3g})")
        self.logit_margin = min(self.logit_margin, least)
