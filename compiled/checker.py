"""The certificate checker: weights are right on every input of length <= n, from the weights and the program alone.

Induction over layers, on *local* states only: a head is a function of a query state and a key state, an MLP of one
state, and a state is a combination of values of leaves at one place (`compiled.values`). Per slot of the residual
stream the checker keeps what it holds as a function of leaves, derived from the weights, and an error bound:

    start     the start token attends to itself only, so its state is a constant
    heads     selected pairs score the same, all others and (where a default is not wanted) the start token
              at least `GAP` less; value columns then carry the claimed leaf, with the error of one softmax
    units     every hidden unit is <= 0 or >= 1 on every state, with its error: what it adds is exact
    logits    on every state the right logit is larger than every other by more than the errors

Nothing here is shared with planning or assembling. What is trusted: the values of s-ops (`compiled.values`,
`compiled.counting`), exp(0) = 1, exp within 4 units and 0 where the format underflows, and Higham's bounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt

from compiled.check_heads import HeadCheck
from compiled.errors import Refused, Uncertified
from compiled.leaves import INPUT, POSITION, Classes, Leaf, Tuple, leaf_order
from compiled.ledger import HeadClaim, Ledger
from compiled.precision import Precision
from compiled.rounding import Arithmetic, Operand, exactly, operand
from compiled.states import Floats, Held, Read, Term
from compiled.values import Domain, leaf_classes
from spec.graph import Map, SOp, topological
from spec.values import Atom

CHUNK: Final = 1 << 22
MANY: Final = 20_000


@dataclass(frozen=True)
class Margins:
    """The least that was left anywhere: scores, hidden units, logits (beyond their errors), and the largest error."""

    score_gap: float
    unit_margin: float
    logit_margin: float
    slot_error: float
    pairs: int
    states: int


def _content(term: Term, leaf: Leaf, value: Atom) -> Atom | float:
    """What decides a summand when the leaf has this value: equal answers, equal summands."""
    if term.leaves == (leaf,):
        return term.at((value,))
    return term.classes[leaf].get(value, value) if leaf in term.classes else value


class Checker:
    """One run over one set of weights."""

    def __init__(
        self,
        weights: Mapping[str, Floats],
        ledger: Ledger,
        domain: Domain,
        outputs: Mapping[str, tuple[SOp, tuple[Atom, ...]]],
        precision: Precision,
    ) -> None:
        self.weights, self.ledger, self.domain = weights, ledger, domain
        self.outputs, self.precision = outputs, precision
        self.arithmetic = Arithmetic(precision)
        self.model = weights["embed.W_E"].shape[1]
        self.all = range(self.model)
        self.slots = [Held([]) for _ in range(self.model)]
        self.start: list[Operand] = []
        self.start_values: Floats = np.zeros(self.model)
        self.score_gap, self.unit_margin, self.logit_margin = inf, inf, inf
        self.pairs, self.states = 0, 0
        self._known_tuples: dict[tuple[Leaf, ...], list[Tuple]] = {}
        nodes = topological(sop for sop, _ in outputs.values())
        maps = [node for node in nodes if isinstance(node, Map)]
        self.program = [node for node in maps if len(domain.leaves(node)) > 1]

    def check(self) -> Margins:
        """All of it; `Uncertified` says where the proof stops."""
        blocks = {name.split(".")[1] for name in self.weights if name.startswith("blocks.")}
        if blocks != set(map(str, range(len(self.ledger.layers)))):
            raise Uncertified("the certificate is about another number of layers")
        if not all(np.isfinite(tensor).all() for tensor in self.weights.values()):
            raise Uncertified("a weight is not finite")
        try:
            self._embedding()
            for number, claims in enumerate(self.ledger.layers):
                self._attention(number, claims)
                self._mlp(number)
            self._logits()
        except Refused as refused:
            raise Uncertified(refused.reason) from refused
        error = max((held.error for held in self.slots), default=0.0)
        return Margins(self.score_gap, self.unit_margin, self.logit_margin, error, self.pairs, self.states)

    # -------------------------------------------------------------------------------------------- states

    def _leaves(self, slots: Sequence[int], more: Sequence[Leaf] = ()) -> tuple[Leaf, ...]:
        found = {leaf for slot in slots for term in self.slots[slot].terms for leaf in term.leaves} | set(more)
        return tuple(sorted(found, key=leaf_order))

    def _columns(self, slots: Sequence[int], leaves: tuple[Leaf, ...], tuples: Sequence[Tuple]) -> Floats:
        """What the slots hold nominally: one row for each tuple of leaf values."""
        found = np.zeros((len(tuples), len(slots)))
        for column, slot in enumerate(slots):
            for term in self.slots[slot].terms:
                at = [leaves.index(leaf) for leaf in term.leaves]
                found[:, column] += [term.at(tuple(row[k] for k in at)) for row in tuples]
        return found

    def _operands(self, slots: Sequence[int], columns: Floats) -> list[Operand]:
        return [operand(columns[:, k], self.slots[slot].error) for k, slot in enumerate(slots)]

    def _tuples(
        self, leaves: tuple[Leaf, ...], slots: Sequence[int], sops: Sequence[SOp]
    ) -> tuple[list[Tuple], Classes]:
        """States: combinations of values of the leaves, one for each class of values where there are too many.

        Values of a leaf are in one class when the slots that are read hold the same for them, and every s-op of this
        leaf alone that the given s-ops are computed from is the same.
        """
        if len(leaves) > 1 and self.domain.size(leaves) > MANY:
            classes = self._classes(leaves, slots, sops)
            tuples = self.domain.class_tuples(leaves, classes)
            self.states += len(tuples)
            return tuples, classes
        return self._every_tuple(leaves), {}

    def _every_tuple(self, leaves: tuple[Leaf, ...]) -> list[Tuple]:
        if leaves not in self._known_tuples:
            tuples = self.domain.tuples(leaves)
            if len(leaves) > 1 and len(tuples) <= MANY:
                # A state on which an s-op of the program has no value belongs to inputs on which the program fails.
                inside = [sop for sop in self.program if set(self.domain.leaves(sop)) <= set(leaves)]
                tuples = list(self.domain.image(inside, leaves, tuples))
            self.states += len(tuples)
            self._known_tuples[leaves] = tuples
        return self._known_tuples[leaves]

    def _classes(self, leaves: tuple[Leaf, ...], slots: Sequence[int], sops: Sequence[SOp]) -> Classes:
        terms = [term for slot in slots for term in self.slots[slot].terms]
        meaning = leaf_classes(self.domain, tuple(sops), leaves)
        found: dict[Leaf, dict[Atom, Atom]] = {}
        for leaf in leaves:
            if leaf not in meaning:
                continue
            read = [term for term in terms if leaf in term.leaves]
            first: dict[object, Atom] = {}
            for value, representative in meaning[leaf].items():
                contents = (representative, *(_content(term, leaf, value) for term in read))
                found.setdefault(leaf, {})[value] = first.setdefault(contents, value)
        return found

    def _add(self, slot: int, term: Term, error: float) -> None:
        held = self.slots[slot]
        held.terms.append(term)
        held.error += error
        if len(held.terms) > 1:
            parts = [one.operand for one in held.terms]
            held.error = self.arithmetic.total([replace(parts[0], error=held.error), *parts[1:]])

    def _finite(self, where: str, *bounds: Floats) -> None:
        """No number may overflow, read or not: 0 times infinity is not a number, and spreads."""
        if not all((bound < 0.99 * self.precision.largest).all() for bound in bounds):
            raise Uncertified(f"{where}: a number may overflow")

    def _largest(self) -> Floats:
        """A bound on the absolute value in each slot at any token."""
        held = [sum(term.operand.largest for term in one.terms) + one.error for one in self.slots]
        return np.maximum(held, [one.largest + one.error for one in self.start])

    def read(self, matrix: Floats, bias: Floats, sops: Sequence[SOp] = (), more: Sequence[Leaf] = ()) -> "Read":
        """A linear map of the stream: its nominal values on every state, and an error bound for each column."""
        slots = [int(k) for k in np.flatnonzero(np.any(matrix != 0, axis=1)) if self.slots[int(k)].terms]
        leaves = self._leaves(slots, (*more, *self.domain.leaves_of(sops)))
        tuples, classes = self._tuples(leaves, slots, sops) if not more else (self._every_tuple(leaves), {})
        columns = self._columns(slots, leaves, tuples)
        reachable = ~np.isnan(columns).any(axis=1)
        tuples = [tuples[int(k)] for k in np.flatnonzero(reachable)]
        columns = columns[reachable]
        values = columns @ matrix[slots] + bias
        operands = self._operands(slots, columns)
        errors = np.array(
            [self.arithmetic.linear(matrix[slots, k], float(bias[k]), operands) for k in range(matrix.shape[1])]
        )
        return Read(leaves, tuples, values, errors, classes)

    def at_start(self, matrix: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """The same at the start token."""
        errors = [self.arithmetic.linear(matrix[:, k], float(bias[k]), self.start) for k in range(matrix.shape[1])]
        return self.start_values @ matrix + bias, np.array(errors)

    def _add_at_start(self, values: Floats, errors: Floats) -> None:
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
                    self._add(slot, Term((leaf,), table), 0.0)
        self.start_values = tokens[len(symbols)].copy()
        self.start = [exactly(float(value)) for value in self.start_values]
        self._add_at_start(positions[0], np.zeros(self.model))

    # -------------------------------------------------------------------------------------------- attention

    def _attention(self, number: int, claims: Sequence[HeadClaim]) -> None:
        name = f"blocks.{number}.attn"
        output, bias = self.weights[f"{name}.W_O"], self.weights[f"{name}.b_O"]
        largest = self._largest()
        query, key, value = (
            np.einsum("d,hde->he", largest, np.abs(self.weights[f"{name}.W_{side}"]))
            + np.abs(self.weights[f"{name}.b_{side}"])
            for side in "QKV"
        )
        moves = np.einsum("he,hed->d", value, np.abs(output)) + np.abs(bias)
        self._finite(name, largest, query, key, value, (query * key).sum(axis=1), moves)
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
            self._add(slot, term, error_bound)
        flat = output.reshape(-1, self.model)
        written = np.any(flat != 0, axis=0)
        rounding = [self.arithmetic.linear(flat[:, k], float(bias[k]), moved) if written[k] else 0.0 for k in self.all]
        self._add_at_start(np.array(at_start) @ flat + bias, np.array(rounding))

    # -------------------------------------------------------------------------------------------- units

    def _mlp(self, number: int) -> None:
        name = f"blocks.{number}.mlp"
        if f"{name}.W_in" not in self.weights:
            return
        inward, b_in = self.weights[f"{name}.W_in"], self.weights[f"{name}.b_in"]
        outward, b_out = self.weights[f"{name}.W_out"], self.weights[f"{name}.b_out"]
        largest = self._largest()
        self._finite(
            name, largest, largest @ np.abs(inward) + np.abs(b_in), np.abs(outward).sum(axis=0) + np.abs(b_out)
        )
        groups: dict[tuple[Leaf, ...], list[int]] = {}
        for unit in np.flatnonzero(np.any(outward != 0, axis=1)):
            slots = [int(k) for k in np.flatnonzero(inward[:, unit]) if self.slots[int(k)].terms]
            groups.setdefault(self._leaves(slots), []).append(int(unit))
        added: list[tuple[int, Term]] = []
        for units in groups.values():
            added += self._group(name, units)
        at_start = self._units_at_start(name, inward, b_in, outward)
        for slot in range(self.model):
            if b_out[slot]:
                added.append((slot, Term((), {(): float(b_out[slot])})))
        for slot, term in added:
            self._add(slot, term, self._sum_error(outward[:, slot], float(b_out[slot])))
        change = at_start @ outward + b_out
        rounding = [self._sum_error(outward[:, k], float(b_out[k])) if change[k] else 0.0 for k in self.all]
        self._add_at_start(change, np.array(rounding))

    def _sum_error(self, weights: Floats, bias: float) -> float:
        """The error of adding up units that are exactly 0 or 1."""
        used = weights[weights != 0]
        return self.arithmetic.linear(used, bias, [Operand(1.0, 0.0, 1.0, 1)] * len(used))

    def _group(self, name: str, units: Sequence[int]) -> list[tuple[int, Term]]:
        """Units that read the same leaves: each must be decided on every state."""
        inward, b_in = self.weights[f"{name}.W_in"], self.weights[f"{name}.b_in"]
        outward = self.weights[f"{name}.W_out"][units]
        targets = [int(slot) for slot in np.flatnonzero(np.any(outward != 0, axis=0))]
        tables: list[dict[Tuple, float]] = [{} for _ in targets]
        read = self.read(inward[:, units], b_in[units])
        step = max(1, CHUNK // max(1, len(units)))
        for at in range(0, len(read.tuples), step):
            values = read.values[at : at + step]
            margin = np.minimum(np.abs(values), np.abs(values - 1))
            margin = np.where((values > 0) & (values < 1), -margin, margin) - read.errors
            if values.size and not float(margin.min()) >= 0:
                row, column = np.unravel_index(int(margin.argmin()), margin.shape)
                raise Uncertified(
                    f"{name}: unit {units[int(column)]} is {values[row, column]:.6g} +- "
                    f"{read.errors[column]:.2g} on {read.tuples[at + int(row)]}, neither 0 nor 1"
                )
            self.unit_margin = min(self.unit_margin, float(margin.min(initial=inf)))
            sums = (values >= 1).astype(np.float64) @ outward[:, targets]
            for table, column in zip(tables, sums.T, strict=True):
                table.update(zip(read.tuples[at : at + step], column.tolist(), strict=True))
        return [(slot, Term(read.leaves, table, read.classes)) for slot, table in zip(targets, tables, strict=True)]

    def _units_at_start(self, name: str, inward: Floats, b_in: Floats, outward: Floats) -> Floats:
        values, errors = self.at_start(inward, b_in)
        used = np.any(outward != 0, axis=1)
        low, high = values + errors <= 0, values - errors >= 1
        if np.any(used & ~low & ~high):
            raise Uncertified(f"{name}: a unit is neither 0 nor 1 at the start token")
        return np.where(used & high, 1.0, 0.0)

    # -------------------------------------------------------------------------------------------- logits

    def _logits(self) -> None:
        matrix, bias = self.weights["unembed.W_U"], self.weights["unembed.b_U"]
        largest = self._largest()
        self._finite("the unembedding", largest, largest @ np.abs(matrix) + np.abs(bias))
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
        leaves = self._leaves(slots, leaves_of)
        states, _ = self._tuples(leaves, slots, (sop,))
        image = self.domain.image((sop,), leaves, states)
        index = {value: k for k, value in enumerate(values)}
        tuples = list(image)
        wanted = []
        for row in tuples:
            if image[row][0] not in index:
                raise Uncertified(f"{name}: the value {image[row][0]} has no logit")
            wanted.append(index[image[row][0]])
        stream = self._columns(slots, leaves, tuples)
        if np.isnan(stream).any():
            raise Uncertified(f"{name}: a state of the output is not known in the stream")
        errors = np.array([self.slots[slot].error for slot in slots])
        weights = matrix[slots]
        step = max(1, CHUNK // max(1, len(values)))
        for begin in range(0, len(tuples), step):
            part, right = stream[begin : begin + step], np.array(wanted[begin : begin + step])
            self._compare(name, weights, bias, part, errors, right)

    def _compare(
        self, name: str, weights: Floats, bias: Floats, stream: Floats, errors: Floats, right: npt.NDArray[np.int64]
    ) -> None:
        logits = stream @ weights + bias
        rows = np.arange(len(right))
        operands = [operand(stream[:, k], float(errors[k])) for k in range(stream.shape[1])]
        bounds = [self.arithmetic.linear(weights[:, k], float(bias[k]), operands) for k in range(weights.shape[1])]
        sizes = (np.abs(stream) + errors) @ np.abs(weights) + np.abs(bias)
        relative = self.arithmetic.gamma(weights.shape[0] + 2) + 2.02 * self.precision.product_unit
        least = (weights.shape[0] + 2) * self.precision.least
        rounding = sizes * relative + least if any(bounds) else np.zeros_like(sizes)
        common = np.zeros_like(sizes)
        for k in np.flatnonzero(errors):
            common += errors[k] * np.abs(weights[k][None, :] - weights[k][right][:, None])
        margin = logits[rows, right][:, None] - logits - rounding - rounding[rows, right][:, None] - common
        margin[rows, right] = inf
        least = float(margin.min(initial=inf))
        if not least > 0:
            raise Uncertified(f"{name}: two logits are nearer than their errors ({least:.3g})")
        self.logit_margin = min(self.logit_margin, least)
