"""A compiled program in a notebook: its sizes, its heads, and what each dimension of the residual stream holds."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from compiled.explain import circuit, slot_text
from spec.source import printable

if TYPE_CHECKING:
    from compiled.compile import Compiled

MAX_ROWS: Final = 200


def html(compiled: "Compiled") -> str:
    """Three tables, without script and without style beyond that of the notebook."""
    shape, plan = compiled.shape, compiled.plan
    promised = "nothing was proved"
    if compiled.margins is not None:
        promised = f"certified for inputs of length ≤ {plan.max_length}"
        promised += "" if compiled.margins.values_proved else ", sets of values taken on trust"
    facts = [
        ("layers", str(shape.layers)),
        ("heads", "/".join(map(str, plan.heads)) or "none"),
        *((f"d_{name}", str(getattr(shape, name))) for name in ("model", "head", "mlp")),
        ("parameters", str(compiled.parameters)),
        ("format", plan.dtype),
        ("promise", promised),
    ]
    heads = [
        (
            f"{layer['block'] + 1}.{head['head']}",
            "; ".join(head["computes"]),
            ", ".join(head["selector"]) or "everywhere",
        )
        for layer in circuit(plan)["layers"]
        for head in layer["heads"]
    ]
    slots = [
        (
            str(slot.number),
            "embedding" if slot.layer == 0 else f"layer {slot.layer}",
            slot.writer.value,
            slot_text(slot),
        )
        for slot in plan.slots
    ]
    return (
        _table("model", ("", ""), facts)
        + _table("heads", ("layer.head", "computes", "attends where"), heads)
        + _table("residual stream", ("dimension", "written in", "by", "holds"), slots)
    )


def _table(caption: str, head: Iterable[str], rows: Sequence[tuple[str, ...]]) -> str:
    shown = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows[:MAX_ROWS])
    more = f"<tr><td>{len(rows) - MAX_ROWS} more</td></tr>" if len(rows) > MAX_ROWS else ""
    columns = "".join(f"<th>{escape(name)}</th>" for name in head)
    top = f"<caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead>"
    return f"<table>{top}<tbody>{shown}{more}</tbody></table>"


def _cell(text: str) -> str:
    return f"<td>{escape(printable(text))}</td>"
