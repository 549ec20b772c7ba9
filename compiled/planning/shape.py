"""How large the dense tensors of a plan are."""

from dataclasses import dataclass

from compiled.planning.layout import Plan


@dataclass(frozen=True)
class Shape:
    """The sizes of the dense tensors."""

    vocabulary: int
    context: int
    model: int
    heads: int
    head: int
    mlp: int
    output: int
    layers: int

    @property
    def parameters(self) -> int:
        """How many numbers the tensors have, padding and unembedding included."""
        d, heads = self.model, self.heads * self.head
        attention, mlp = (4 * d + 3) * heads + d, (2 * d + 1) * self.mlp + d if self.mlp else 0
        return d * (self.vocabulary + self.context) + self.layers * (attention + mlp) + (d + 1) * self.output


def shape_of(plan: Plan) -> Shape:
    """The sizes that hold every layer of the plan; all layers are padded to the largest."""
    heads = [head for layer in plan.layers for head in layer.heads]
    return Shape(
        vocabulary=len(plan.alphabet) + 2,
        context=plan.max_length + 1,
        model=plan.width,
        heads=max(plan.heads, default=0),
        head=max((max(len(head.keys) + 1, len(head.channels)) for head in heads), default=0),
        mlp=max((len(layer.units) for layer in plan.layers), default=0),
        output=sum(len(readout.values) for readout in plan.readouts),
        layers=len(plan.layers),
    )
