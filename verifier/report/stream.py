"""A compiled model's residual stream as a map: what each dimension holds, who writes, erases and reads it.

Everything is read from the JSON files of the folder (`residual_labels.json`, `circuit.json`, `config.json`). No weights
are loaded, and what the labels say is not checked here: that is what the certificate beside them is for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from spec.diagnostics import Diagnostic, UsageError
from verifier.report.data import Json, integer, items, read_json, record, string
from verifier.report.markup import Markup, element
from verifier.report.text import counted

MAX_DIMENSIONS: Final = 400
MAX_POINTS: Final = 8
MAX_PARTS: Final = 200
_READS: Final = (("queries", "q"), ("keys", "k"), ("values", "v"))
_LEGEND: Final = (
    "● writes it \N{MIDDLE DOT} ○ erases it \N{MIDDLE DOT} q, k, v: read for queries, keys, values \N{MIDDLE DOT} "
    "MLPs read what they need"
)


@dataclass(frozen=True)
class Dimension:
    """A dimension with one thing in it: what writes it, where, the layer whose MLP erases it if one does, of what it is
    a function, and which inputs get which number."""

    number: int
    writer: str
    layer: int
    until: int | None
    of: str
    values: str


@dataclass(frozen=True)
class Part:
    """A head or an MLP: where it is, what it does, and which dimensions it touches."""

    layer: int
    name: str
    does: str
    how: str
    writes: frozenset[int]
    erases: frozenset[int]
    reads: tuple[frozenset[int], ...]

    def mark(self, held: Dimension) -> str:
        """What the part does with a dimension while it holds this, in a few letters."""
        ended = held.until is not None and self.layer > held.until
        mine = held.writer == ("head" if self.reads else "mlp") and self.layer == held.layer
        letters = ["●"] if mine and held.number in self.writes else []
        letters += ["○"] if held.number in self.erases and self.layer == held.until else []
        if held.layer < self.layer and not ended:
            letters += [sign for (_, sign), read in zip(_READS, self.reads, strict=False) if held.number in read]
        return " ".join(letters)


def stream(folder: Path) -> Markup:
    """The section of one folder; raises `UsageError` when it holds no model."""
    try:
        config = record(read_json(folder / "config.json"))
        circuit = record(read_json(folder / "circuit.json"))
        names = dict(map(_named, items(circuit["outputs"])))
        parts = [part for layer in items(circuit["layers"]) for part in _parts(record(layer), names)]
        labels = items(read_json(folder / "residual_labels.json"))
        dimensions = [_dimension(record(label), names) for label in labels[:MAX_DIMENSIONS]]
        sizes = {key: integer(config[key]) for key in ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_ctx")}
        dtype = string(config["dtype"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(Diagnostic("R0605", f"{folder} holds no model that this tool reads: {error}")) from error
    certified = (folder / "certificate.json").is_file()
    facts = [
        counted(sizes["n_layers"], "layer"),
        f"{counted(sizes['n_heads'], 'head')} at most in each",
        *(f"{key} {sizes[key]}" for key in ("d_model", "d_head", "d_mlp")),
        f"inputs of at most {counted(sizes['n_ctx'] - 1, 'token')}",
        dtype,
        "with a certificate" if certified else "without a certificate",
    ]
    left_out = [element("p", f"{len(labels) - MAX_DIMENSIONS} more dimensions are not shown.")]
    return element(
        "div",
        element("h2", f"The residual stream: {folder.name or folder}"),
        element("p", " \N{MIDDLE DOT} ".join(facts), class_="soft"),
        element("div", _map(dimensions, parts[:MAX_PARTS]), class_="scroll"),
        *(left_out if len(labels) > MAX_DIMENSIONS else []),
        element("p", _LEGEND, class_="soft"),
        element("h3", "What each part computes"),
        element("div", _computed(parts), class_="scroll"),
    )


def _named(output: Json) -> tuple[str, str]:
    one = record(output)
    return f"aggregate#{integer(one['node'])}", string(one["name"])


def _parts(layer: dict[str, Json], names: dict[str, str]) -> Iterable[Part]:
    number = integer(layer["block"]) + 1
    for head in map(record, items(layer["heads"])):
        reads = record(head["reads"])
        yield Part(
            number,
            f"head {integer(head['head'])}",
            "; ".join(names.get(one, one) for one in map(string, items(head["computes"]))),
            _how(head),
            _numbers(head["writes"]),
            frozenset(),
            tuple(_numbers(reads[key]) for key, _ in _READS),
        )
    mlp = record(layer["mlp"])
    if units := integer(mlp["units"]):
        yield Part(number, "MLP", counted(units, "unit"), "", _numbers(mlp["writes"]), _numbers(mlp["erases"]), ())


def _how(head: dict[str, Json]) -> str:
    """The selector, and how it is scored."""
    pairs = zip(map(string, items(head["selector"])), map(string, items(head["encodings"])), strict=True)
    scored = ", ".join(f"{selector} by {encoding}" for selector, encoding in pairs) or "attends to everything"
    mask = string(head["mask"])
    return scored if mask == "none" else f"{scored}, masked {mask}"


def _numbers(value: Json) -> frozenset[int]:
    return frozenset(map(integer, items(value)))


def _dimension(label: dict[str, Json], names: dict[str, str]) -> Dimension:
    of = ", ".join(names.get(one, one) for one in map(string, items(label["of"])))
    values = "too many to list" if label["values"] is None else _values(items(label["values"]))
    until = None if label["until"] is None else integer(label["until"])
    return Dimension(integer(label["dimension"]), string(label["writer"]), integer(label["layer"]), until, of, values)


def _values(table: Sequence[Json]) -> str:
    """`-1 for a; 0 for b, c`: the inputs that share a number together, in the order of the table."""
    pairs = [(_point(items(point)), string(number)) for point, number in map(items, table)]
    if pairs and all(point == number for point, number in pairs):
        return "its value"
    points: dict[str, list[str]] = {}
    for point, number in pairs:
        points.setdefault(number, []).append(point)
    shown = [f"{number} for {_listed(inputs)}" for number, inputs in list(points.items())[:MAX_POINTS]]
    return "; ".join(shown) + ("; ..." if len(points) > MAX_POINTS else "")


def _listed(inputs: Sequence[str]) -> str:
    """`0, 1`, but `0..5` for integers one after the other."""
    if len(inputs) > 2 and inputs[0].isdecimal() and inputs == [str(int(inputs[0]) + k) for k in range(len(inputs))]:
        return f"{inputs[0]}..{inputs[-1]}"
    return ", ".join(inputs[:MAX_POINTS]) + (", ..." if len(inputs) > MAX_POINTS else "")


def _point(atoms: Sequence[Json]) -> str:
    texts = [string(items(atom)[1]) for atom in atoms]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


# ------------------------------------------------------------------------------------------------ tables


def _map(dimensions: Sequence[Dimension], parts: Sequence[Part]) -> Markup:
    """Dimensions down, the parts of the model across, from the embedding to the last layer."""
    above: list[Markup] = [element("th", colspan=2), element("th", "embedding", scope="colgroup")]
    for number, layer in groupby(parts, key=lambda part: part.layer):
        above.append(element("th", f"layer {number}", scope="colgroup", colspan=len(list(layer))))
    heads = [
        *(element("th", text, scope="col") for text in ("dimension", "holds", "")),
        *(element("th", part.name, scope="col") for part in parts),
        element("th", "as", scope="col"),
    ]
    rows = [element("tr", *_cells(dimension, parts)) for dimension in dimensions]
    return element(
        "table",
        element("thead", element("tr", *above, element("th")), element("tr", *heads)),
        element("tbody", *rows),
        class_="grid stream",
    )


def _cells(dimension: Dimension, parts: Sequence[Part]) -> Iterable[Markup]:
    embedded = dimension.layer == 0
    yield element("th", str(dimension.number), scope="row")
    yield element("td", dimension.of or f"the {dimension.writer}" if embedded else dimension.of)
    yield _cell("●" if embedded else "", f"dimension {dimension.number}, the embedding of the {dimension.writer}")
    for part in parts:
        yield _cell(part.mark(dimension), f"dimension {dimension.number}, layer {part.layer}, {part.name}")
    yield element("td", dimension.values, class_="soft")


def _cell(mark: str, title: str) -> Markup:
    kind = "yes" if "●" in mark else "none" if mark else "out"
    return element("td", mark, class_=f"cell {kind}", title=f"{title}: {mark or 'nothing'}")


def _computed(parts: Sequence[Part]) -> Markup:
    head = element("tr", *(element("th", text, scope="col") for text in ("layer", "part", "computes", "by")))
    rows = [
        element("tr", *(element("td", text) for text in (str(part.layer), part.name, part.does, part.how)))
        for part in parts
    ]
    return element("table", element("thead", head), element("tbody", *rows), class_="grid parts")
