"""A plan as text, and the labels that say what each dimension and each head is."""

from typing import TYPE_CHECKING, Any, assert_never

from compiled.atoms import write_atom
from compiled.meaning.formula import Both, Either, Formula, Holds, Literal
from compiled.meaning.leaves import Count, Input, Leaf, Position, Stored
from compiled.planning.layout import Head, Plan, Slot, Writer
from spec.graph import Aggregate, Constant, Indices, Map, Select, SOp, Tokens
from spec.values import format_atom

if TYPE_CHECKING:
    from compiled.compile import Compiled


def sop_text(sop: SOp) -> str:
    """An s-op in a few characters."""
    match sop:
        case Tokens():
            return "tokens"
        case Indices():
            return "indices"
        case Constant(value=value):
            return format_atom(value)
        case Map(id=number):
            return f"map#{number}"
        case Aggregate(id=number):
            return f"aggregate#{number}"
    assert_never(sop)


def formula_text(part: Formula) -> str:
    """A selector as it would be written."""
    match part:
        case Literal(Select(keys=keys, queries=queries, predicate=predicate), positive):
            text = f"{sop_text(keys)} {predicate.value} {sop_text(queries)}"
            return text if positive else f"not ({text})"
        case Literal(Holds(sop, value), positive):
            return f"{sop_text(sop)} {'is' if positive else 'is not'} {format_atom(value)}"
        case Both(parts):
            return " and ".join(f"({formula_text(one)})" for one in parts) or "everything"
        case Either(parts):
            return " or ".join(f"({formula_text(one)})" for one in parts)
        case _:
            return "?"


def leaf_text(leaf: Leaf) -> str:
    """A leaf in a few characters."""
    match leaf:
        case Input():
            return "input"
        case Position():
            return "position"
        case Aggregate(id=number):
            return f"aggregate#{number}"
        case Count(formula=part):
            return f"count[{formula_text(part)}]"
        case Stored(sop=sop):
            return sop_text(sop)
    assert_never(leaf)


def slot_label(slot: Slot) -> dict[str, Any]:
    """What a dimension of the residual stream holds: of what, by which writer, and the number for each value; and the
    layer whose MLP erases it, if one does."""
    table = [[[write_atom(atom) for atom in point], str(number)] for point, number in slot.table.items()]
    return {
        "dimension": slot.number,
        "writer": slot.writer.value,
        "layer": slot.layer,
        "until": slot.until,
        "of": [leaf_text(leaf) for leaf in slot.leaves],
        "values": table if len(table) <= 4096 else None,
    }


def slot_text(slot: Slot) -> str:
    """What a dimension holds, and how long, in a few characters."""
    what = ", ".join(map(leaf_text, slot.leaves)) or "one"
    return what if slot.until is None else f"{what} until the MLP of layer {slot.until}"


def circuit(plan: Plan) -> dict[str, Any]:
    """The ground truth: which head computes what, by which encoding, which dimensions each part writes or erases."""
    layers = []
    for number, layer in enumerate(plan.layers):
        mlp = {
            "units": len(layer.units),
            "writes": [s.number for s in plan.slots if s.writer is Writer.MLP and s.layer == number + 1],
            "erases": [slot.number for slot in plan.slots if slot.until == number + 1],
            "hook": f"blocks.{number}.hook_mlp_out",
        }
        heads = [_head(number, k, head) for k, head in enumerate(layer.heads)]
        layers.append({"block": number, "heads": heads, "mlp": mlp})
    outputs = [
        {"name": readout.name, "node": readout.sop.id, "values": [write_atom(value) for value in readout.values]}
        for readout in plan.readouts
    ]
    return {"layers": layers, "outputs": outputs}


def _head(layer: int, index: int, head: Head) -> dict[str, Any]:
    return {
        "head": index,
        "hook": f"blocks.{layer}.attn.hook_z[{index}]",
        "computes": [leaf_text(leaf) for leaf in head.leaves],
        "selector": [formula_text(part.formula) for part in head.parts],
        "encodings": [part.scoring for part in head.parts],
        "rank": len(head.keys) + 1,
        "mask": head.mask.value,
        "reads": {
            "queries": sorted({slot for read in (*head.queries, head.start) for slot, _ in read.terms}),
            "keys": sorted({slot for read in head.keys for slot, _ in read.terms}),
            "values": sorted({slot for channel in head.channels for slot, _ in channel.value.terms}),
        },
        "writes": [channel.slot for channel in head.channels],
    }


def explain(compiled: "Compiled") -> str:
    """The plan of a compiled program as text."""
    plan, shape, written = compiled.plan, compiled.shape, compiled.written
    sizes = (
        f"{shape.layers} layers, heads {list(plan.heads)}, d_model {shape.model}, d_head {shape.head}, "
        f"d_mlp {shape.mlp}, {compiled.parameters} parameters, {plan.dtype}"
    )
    lines = [
        sizes,
        f"as written: {written.layers} layers, heads {list(written.heads)} (transformer cost model)",
    ]
    for writer in (Writer.TOKEN, Writer.POSITION):
        slots = [str(slot.number) for slot in plan.slots if slot.writer is writer]
        lines.append(f"embedding of the {writer.value}: dimensions {', '.join(slots) or 'none'}")
    for number, layer in enumerate(plan.layers, start=1):
        lines.append(f"layer {number}")
        for index, head in enumerate(layer.heads):
            encodings = ", ".join(f"{formula_text(part.formula)} by {part.scoring}" for part in head.parts)
            masked = "" if head.mask.value == "none" else f", masked {head.mask.value}"
            computes = "; ".join(leaf_text(leaf) for leaf in head.leaves)
            lines.append(
                f"  head {index}: {computes}; scores {encodings or 'nothing'}{masked}, rank {len(head.keys) + 1}"
            )
        stores = dict.fromkeys(sop_text(slot.stores) for slot in plan.slots if slot.stores and slot.layer == number)
        erased = ", ".join(str(slot.number) for slot in plan.slots if slot.until == number)
        lines.append(
            f"  mlp: {len(layer.units)} units{'; stores ' + ', '.join(stores) if stores else ''}"
            f"{'; erases dimensions ' + erased if erased else ''}"
        )
    if compiled.margins is not None:
        margins = compiled.margins
        spread = f"score spread {margins.score_spread:.2g}, " if margins.score_spread else ""
        lines.append(
            f"certified for every input of length <= {plan.max_length}: score gap {margins.score_gap:.4g}, "
            f"{spread}unit margin {margins.unit_margin:.3g}, logit margin {margins.logit_margin:.3g}"
        )
        if not margins.values_proved:
            lines.append("what s-ops can be at each place is taken on trust: to prove it is too much work")
    return "\n".join(lines)
