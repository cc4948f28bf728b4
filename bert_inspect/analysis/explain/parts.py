"""What the sum behind an answer is made of: parts, which follow from the tokens, and constants, which do not."""

from dataclasses import dataclass, field

import torch


@dataclass(eq=False)
class Part:
    """A tensor of the frozen network that nothing else went into: the rows of an embedding table or, where only direct
    paths are followed, what a block handed to the residual sum.

    Attributes:
        role: that of the module whose parameter made it.
        parameter: the name of that parameter.
        layer: the encoder layer in which it was made, None outside of them.
        tensor: itself (batch, tokens, width).
        received: what a block's last projection received (batch, tokens, width), None where it is no block.
        weight: that projection's weight (width of the output, width), None where it is no projection.
    """

    role: str
    parameter: str
    layer: int | None
    tensor: torch.Tensor
    received: torch.Tensor | None = None
    weight: torch.Tensor | None = None


@dataclass(eq=False)
class Constant:
    """Something that was added and does not depend on the tokens: a bias.

    Attributes:
        role: that of the module that it belongs to; empty where no module does.
        parameter: its name; empty where it is no parameter.
        layer: the encoder layer in which it was added, None outside of them.
        order: the place of the sum among all tensors of the run.
        found: its part in each row's number (batch), in float64, each time that the backward pass came by.
    """

    role: str
    parameter: str
    layer: int | None
    order: int
    found: list[torch.Tensor] = field(default_factory=list)

    @property
    def shares(self) -> torch.Tensor:
        """Its part in each row's number (batch), in float64; 0 where nothing that is explained depends on it."""
        return torch.stack(self.found).sum(dim=0).cpu() if self.found else torch.zeros(1, dtype=torch.float64)
