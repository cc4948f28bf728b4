"""What the sum behind an answer is made of: parts, which follow from the tokens, and constants, which do not."""

from dataclasses import dataclass

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
        shares: its part in each row's number (batch), in float64; 0 until the backward pass has come by.
    """

    role: str
    parameter: str
    layer: int | None
    order: int
    shares: torch.Tensor
