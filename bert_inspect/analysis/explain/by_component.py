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
    answers = []
    for place, quantity in enumerate(run.quantities):
        components, shares = _components(run, run.rows(quantity), neurons=neurons)
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


def _components(run: FrozenRun, rows: list[int], *, neurons: int) -> tuple[Components, list[float]]:
    """Return the components of rows' numbers, and the shares of all of them."""
    sizes = run.loaded.sizes
    width = max(sizes.get("hidden", 1) // max(sizes.get("heads", 1), 1), 1)
    embeddings, convolution = 0.0, None
    heads: list[list[float]] = [[] for _ in range(run.loaded.layers)]
    units: list[list[float]] = [[] for _ in range(run.loaded.layers)]
    for part, gradient in zip(run.parts, run.gradients, strict=True):
        if part.weight is not None and part.layer is not None:
            entries = _entries(part, gradient, rows)
            if part.role == roles.ATTENTION_OUTPUT_PROJECTION:
                heads[part.layer] = _added(heads[part.layer], entries.reshape(-1, width).sum(dim=1).tolist())
            else:
                units[part.layer] = _added(units[part.layer], entries.tolist())
            continue
        share = 0.0 if gradient is None else float((part.tensor.detach()[rows].double() * gradient[rows]).sum())
        if part.role == roles.CONVOLUTION:
            convolution = share
        else:
            embeddings += share
    feed_forward = [sum(layer) for layer in units]
    told = Components(
        embeddings=strict(embeddings),
        heads=[[strict(share) for share in layer] for layer in heads],
        feed_forward=[strict(share) for share in feed_forward],
        convolution=None if convolution is None else strict(convolution),
        neurons=[_largest(layer, neurons) for layer in units] if neurons else [],
    )
    return told, [embeddings, convolution or 0.0, *(share for layer in heads for share in layer), *feed_forward]


def _entries(part: Part, gradient: torch.Tensor | None, rows: list[int]) -> torch.Tensor:
    """Return what each entry of what a projection received contributes through it (width), over rows and tokens."""
    assert part.received is not None and part.weight is not None
    width = part.weight.shape[1]
    if gradient is None:
        return torch.zeros(width, dtype=torch.float64)
    carried, received = gradient[rows].reshape(-1, gradient.shape[-1]), part.received[rows].reshape(-1, width)
    asked = carried.any(dim=1)  # of a head that reads one token, that token alone
    pulled = carried[asked].double() @ part.weight.detach().double()
    return (pulled * received[asked].double()).sum(dim=0).cpu()


def _added(before: list[float], shares: list[float]) -> list[float]:
    """Return shares added to those of the chunks before, where a part runs in chunks of tokens."""
    return [one + other for one, other in zip(before, shares, strict=True)] if before else shares


def _largest(shares: list[float], count: int) -> list[Neuron]:
    places = sorted(range(len(shares)), key=lambda place: (-abs(shares[place]), place))[:count]
    return [Neuron(neuron=place, share=strict(shares[place])) for place in places]
