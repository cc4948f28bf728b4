"""The figures of a model: one of each component, from the tokenizer to the whole, whatever it is called."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...dataflow import Dataflow, dataflow, folded, tokenizer_flow
from ...traces.record import Step, Trace
from ...traces.vocabulary import roles
from .component import useful_dataflow


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture to be drawn: its title, a sentence that says what it shows, and the module's path or class."""

    title: str
    sentence: str
    path: str
    flow: Dataflow

    def file(self, number: int) -> str:
        """Return the name of its file: ``03-self-attention.svg``."""
        return f"{number:02}-{self.title.lower().replace(' ', '-')}.svg"


_COMPONENTS: Sequence[tuple[str, str]] = (
    (roles.EMBEDDINGS, "Every token id becomes a vector."),
    (
        roles.SELF_ATTENTION,
        "Every token compares its query with the keys of all tokens that it may see, and takes the mean of their "
        "values, weighted by how well they match.",
    ),
    (
        roles.ATTENTION_OUTPUT,
        "The context of all heads is projected; what went into the attention is added, and the sum is normed.",
    ),
    (roles.ATTENTION, "Self-attention, and what is done with its result."),
    (roles.INTERMEDIATE, "Every token's vector is projected to the intermediate size and goes through the activation."),
    (
        roles.OUTPUT,
        "The intermediate vector is projected back to the hidden size; what went into the feed-forward part is added, "
        "and the sum is normed.",
    ),
    (roles.FEED_FORWARD, "Every token's vector by itself is projected, activated and projected back."),
    (roles.CONVOLUTION_LAYER, "Every token's vector is mixed with those of its neighbours."),
    (roles.LAYER, "The first encoder layer: attention, then the feed-forward part."),
    (roles.ENCODER, "The layers, one after another."),
    (roles.POOLER, "One vector that stands for the whole text."),
    (roles.CLASSIFICATION_HEAD, "From the last hidden states to the logits."),
    (roles.PREDICTION_HEAD, "From each token's hidden state to a score for every token of the vocabulary."),
)
"""The components that have a figure, by their roles, and what each shows."""
_OPENED = (roles.ENCODER,)
"""Opened only as deep as leaves them easy to look at: what is in them has figures of its own."""


def figures_of(trace: Trace, *, fold: bool = True) -> list[Figure]:
    """Return the figures in the order of the run: of each component that the model has, its first call."""
    return list(_figures(trace, fold=fold))


def _figures(trace: Trace, *, fold: bool) -> Iterator[Figure]:
    yield Figure(
        title="Tokenizer",
        sentence="The tokenizer cuts the text into tokens and gives the model their numbers.",
        path="tokenizer",
        flow=tokenizer_flow(trace.input),
    )
    for role, sentence in _COMPONENTS:
        step = _first(trace, role)
        if step is None:
            continue
        whole = dataflow(trace, step)
        flow = useful_dataflow(trace, step) if role in _OPENED and fold else folded(whole) if fold else whole
        title = role[:1].upper() + role[1:]
        yield Figure(title=title, sentence=sentence, path=step.path or step.type, flow=flow)
    body, root = _first(trace, roles.BODY), next((step for step in trace.steps if step.parent is None), None)
    if body is not None and body is not root:
        said = "The model without its head: its components and how they are connected."
        yield Figure(title="Model", sentence=said, path=body.path, flow=useful_dataflow(trace, body))
    if root is not None:
        flow = dataflow(trace, root)
        said = "Everything in one picture, from the text to the result."
        yield Figure(title="Complete", sentence=said, path=root.path or root.type, flow=folded(flow) if fold else flow)


def _first(trace: Trace, role: str) -> Step | None:
    return next((step for step in trace.steps if step.kind == "module" and step.role == role), None)
