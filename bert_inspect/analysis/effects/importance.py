"""How important each head is by its gradient, of all heads in one backward.

The importance of a head is how steeply the number that is watched changes as the head is scaled: the gradient by a
gate of 1 on its context, which is the sum of context times gradient over its tokens and numbers. Its size is taken,
whichever its sign, and the heads of a layer are normalised to a length of 1 (Michel et al., "Are Sixteen Heads Really
Better than One?", NeurIPS 2019, who take the loss where this takes the number).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...capture.editing.layout import Layout
from ...capture.editing.run import with_edits
from ...capture.editing.survey import survey
from ...capture.editing.targets import targets
from ...capture.model_inputs import model_inputs
from ...capture.outputs.returned import returned_tensors
from ...capture.tracing.editing import EditedStep, Place
from ...capture.tracing.hooks import exclusively
from ...capture.undisturbed import undisturbed
from ...errors import BertInspectError
from ...families.heads import MULTIPLE_CHOICE
from ...loading.loaded import Loaded
from ...traces.record import Input
from ..explain.quantity import Quantity


def steepness(loaded: Loaded, batch: Input, watched: Sequence[Quantity]) -> Tensor:
    """Return how the number of each sentence changes as each head is scaled (sentences, layers, heads), with its sign.

    Raises:
        UsageError: the heads of a layer are not known.
        BertInspectError: the model's forward fails, or gives a number without a gradient.
    """
    seen = survey(loaded, batch)
    there = [targets(loaded, seen, "head", layer)[0] for layer in range(loaded.layers)]
    rows, heads = len(batch.tokens), loaded.sizes["heads"]
    model, inputs = loaded.model, model_inputs(loaded, batch, labels=False)
    parameter = next(model.parameters())
    shape = (loaded.layers, rows, heads)
    with exclusively(model), undisturbed(model), torch.inference_mode(mode=False), torch.enable_grad():
        gates = torch.ones(shape, dtype=parameter.dtype, device=parameter.device, requires_grad=True)
        steps: dict[Place, EditedStep] = {
            target.place: EditedStep(edit=_Gated(target.layout, gates[layer]), output=target.output)
            for layer, target in enumerate(there)
        }
        try:
            returned = returned_tensors(loaded.head, with_edits(loaded, lambda: model(**inputs), steps))
            total = torch.stack([quantity.of(returned) for quantity in watched]).sum()
            (gradient,) = torch.autograd.grad(total, gates)
        except RuntimeError as error:
            raise BertInspectError(
                f"the heads have no gradient: {error}", "leave `importance` out: the effects need none"
            ) from error
    found = gradient.detach().double().cpu().transpose(0, 1)  # (rows, layers, heads)
    return found.sum(dim=0, keepdim=True) if loaded.head is MULTIPLE_CHOICE else found


def importance(steep: Tensor) -> Tensor:
    """Return the sizes of gradients (..., layers, heads), each layer normalised to a length of 1; a layer in which all
    are 0 stays so.
    """
    sizes = steep.abs()
    lengths = sizes.norm(dim=-1, keepdim=True)
    return torch.where(lengths > 0, sizes / lengths, sizes)


@dataclass
class _Gated:
    """Scales the heads of each row by a gate (rows, heads); an `Edit`."""

    layout: Layout
    gates: Tensor

    def changed(self, tensor: Tensor, received: Tensor | None) -> Tensor:
        copy = tensor.clone()
        self.layout.view(copy).mul_(self.gates[:, None, :, None])
        return copy
