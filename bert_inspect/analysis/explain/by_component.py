"""The number as a sum over components: what each head, each feed-forward part and the embeddings contribute directly.

A component's output is carried on by residual sums and norms alone, as far as the head (direct logit attribution, for
layers that norm what they return). What later layers make of it counts as theirs.
"""

import torch

from ...traces.values import strict
from ...traces.vocabulary import roles
from .explanation import Answer, Components, Neuron
from .frozen_run import FrozenRun
from .parts import Part


def by_component(run: FrozenRun, *, neurons: int = 0) -> list[Answer]:
    """Return each explained number as a sum over components; ``neurons`` is how many of each layer are told of."""
    by_row = _ByRow(run)
    answers = []
    for place, quantity in enumerate(run.quantities):
        components, shares = by_row.components(run.rows(quantity), neurons=neurons)
        biases = run.biases(quantity)
        answers.append(
            Answer(
                sentence=quantity.row,
                target=quantity.target,
                components=components,
                biases=biases,
                total=run.total(place, [*shares, *(float(bias.share) for bias in biases)]),
            )
        )
    return answers


class _ByRow:
    """What each component contributes to the number of each row of the batch, in float64.

    Attributes:
        heads: by layer (batch, heads).
        units: by layer (batch, intermediate neurons).
        embeddings: (batch).
        convolution: (batch), None where there is none.
    """

    def __init__(self, run: FrozenRun) -> None:
        sizes = run.loaded.sizes
        width = max(sizes.get("hidden", 1) // max(sizes.get("heads", 1), 1), 1)
        rows = len(run.rounding)
        self.heads = [torch.zeros(rows, 0, dtype=torch.float64) for _ in range(run.loaded.layers)]
        self.units = list(self.heads)
        self.embeddings = torch.zeros(rows, dtype=torch.float64)
        self.convolution: torch.Tensor | None = None
        for part, gradient in zip(run.parts, run.gradients, strict=True):
            if part.weight is not None and part.layer is not None:
                entries = _entries(part, gradient)
                if part.role == roles.ATTENTION_OUTPUT_PROJECTION:
                    by_head = entries.reshape(rows, -1, width).sum(dim=2)
                    self.heads[part.layer] = _added(self.heads[part.layer], by_head)
                else:
                    self.units[part.layer] = _added(self.units[part.layer], entries)
                continue
            share = torch.zeros(rows, dtype=torch.float64) if gradient is None else _share(part.tensor, gradient)
            if part.role == roles.CONVOLUTION:
                self.convolution = share
            else:
                self.embeddings = self.embeddings + share
        nothing = torch.zeros(rows, sizes.get("heads", 0), dtype=torch.float64)  # of a layer that an edit removed
        self.heads = [layer if layer.shape[1] else nothing for layer in self.heads]

    def components(self, rows: list[int], *, neurons: int) -> tuple[Components, list[float]]:
        """Return the components of the number that follows from rows, and the shares of all of them."""
        heads = [layer[rows].sum(dim=0).tolist() for layer in self.heads]
        units = [layer[rows].sum(dim=0).tolist() for layer in self.units]
        feed_forward = [sum(layer) for layer in units]
        embeddings = float(self.embeddings[rows].sum())
        convolution = None if self.convolution is None else float(self.convolution[rows].sum())
        told = Components(
            embeddings=strict(embeddings),
            heads=[[strict(share) for share in layer] for layer in heads],
            feed_forward=[strict(share) for share in feed_forward],
            convolution=None if convolution is None else strict(convolution),
            neurons=[_largest(layer, neurons) for layer in units] if neurons else [],
        )
        return told, [embeddings, convolution or 0.0, *(share for layer in heads for share in layer), *feed_forward]


def _share(tensor: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Return activation x gradient by row (batch)."""
    return (tensor.detach().double() * gradient.double()).flatten(1).sum(dim=1).cpu()


def _entries(part: Part, gradient: torch.Tensor | None) -> torch.Tensor:
    """Return what each entry of what a projection received contributes through it (batch, width), over all tokens."""
    assert part.received is not None and part.weight is not None
    rows, width = part.received.shape[0], part.weight.shape[1]
    found = torch.zeros(rows, width, dtype=torch.float64)
    if gradient is None:
        return found
    asked = gradient.flatten(1, -2).any(dim=-1)  # (batch, tokens): of a head that reads one token, that token alone
    pulled = gradient.flatten(1, -2)[asked].double() @ part.weight.detach().double()
    shares = (pulled * part.received.flatten(1, -2)[asked].double()).cpu()
    return found.index_add(0, asked.nonzero()[:, 0].cpu(), shares)


def _added(before: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Return shares added to those of the chunks before, where a part runs in chunks of tokens."""
    return before + shares if before.shape[1] else shares


def _largest(shares: list[float], count: int) -> list[Neuron]:
    places = sorted(range(len(shares)), key=lambda place: (-abs(shares[place]), place))[:count]
    return [Neuron(neuron=place, share=strict(shares[place])) for place in places]
