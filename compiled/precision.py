"""What each floating-point format can hold, as far as planning and certifying need it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Precision:
    """A format of weights and activations.

    `digits` significand bits; `product_digits` those that a matrix product keeps of its operands; `largest` the
    largest finite number, `least` the smallest one that no device loses; `beta` the factor that makes a score of -1
    vanish in the softmax.
    """

    name: str
    digits: int
    product_digits: int
    largest: float
    least: float
    beta: int

    @property
    def unit(self) -> float:
        """The relative error of one rounding."""
        return float(2.0**-self.digits)

    @property
    def product_unit(self) -> float:
        """The relative error of an operand that a matrix product truncates; 0 where operands are used as they are."""
        return float(2.0 ** (1 - self.product_digits)) if self.product_digits < self.digits else 0.0


PRECISIONS: Final[Mapping[str, Precision]] = MappingProxyType(
    {
        precision.name: precision
        for precision in (
            # Subnormal numbers are 0 on some devices; in float16 they are not.
            Precision("float64", 53, 53, 1.7e308, 2.0**-1022, 2048),
            Precision("float32", 24, 24, 3.4e38, 2.0**-126, 256),
            Precision("tf32", 24, 11, 3.4e38, 2.0**-126, 256),
            Precision("float16", 11, 11, 65504.0, 2.0**-24, 64),
            Precision("bfloat16", 8, 8, 3.3e38, 2.0**-126, 256),
        )
    }
)
