"""What an explanation says, as plain frozen data that knows neither torch nor rich."""

import math
from typing import Any, Final, Literal

from ...traces.base import Record
from ...traces.codec import schema as schema_of
from ...traces.record import Environment, Input, Model
from ...traces.values import Number

FORMAT: Final = "bert-inspect-explanation"
VERSION: Final = 1

By = Literal["token", "component", "layer"]
What = Literal[
    "class", "token label", "replaced token", "start of the answer", "end of the answer", "token at a mask", "choice"
]


class Logit(Record, frozen=True, kw_only=True):
    """One number that the model returned before any softmax. ``index`` is its class, choice or vocabulary id, None
    where a token has one number alone; ``probability`` is what it says among its kind, None for a regression.
    """

    label: str
    logit: Number
    index: int | None = None
    probability: Number | None = None


class Target(Record, frozen=True, kw_only=True):
    """The number that is explained: a logit or, with ``against``, the difference of two. ``token`` is the place in the
    sentence of the token whose number it is, None where it is the sentence's.

    ``log_odds`` says that the difference is the logarithm of the odds of its probability, as with two classes.
    """

    what: What
    of: Logit
    against: Logit | None = None
    token: int | None = None
    log_odds: bool = False


class Total(Record, frozen=True, kw_only=True):
    """What shares add up to. ``value`` is what the model returned, ``difference`` is ``sum - value``, ``rounding`` how
    far the two may lie apart by rounding alone.
    """

    sum: Number
    value: Number
    difference: Number
    rounding: Number

    @property
    def adds_up(self) -> bool:
        """Whether rounding explains the difference."""
        return abs(float(self.difference)) <= float(self.rounding) < math.inf


class TokenShare(Record, frozen=True, kw_only=True):
    """What a token contributes: the sum of its rows of the embedding tables, each where there is such a table.
    ``sentence`` is its row in the batch.
    """

    sentence: int
    place: int
    share: Number
    word: Number | None = None
    position: Number | None = None
    token_type: Number | None = None


class Bias(Record, frozen=True, kw_only=True):
    """What a bias contributes, over all tokens. ``label`` is what it is the bias of; ``parameter`` its name, empty
    where it is no parameter; ``part`` the part of the model, ``layer`` None outside of the encoder's layers.
    """

    label: str
    part: str
    layer: int | None
    share: Number
    parameter: str = ""


class Neuron(Record, frozen=True, kw_only=True):
    """What one of a layer's intermediate neurons contributes by its direct path."""

    neuron: int
    share: Number


class Components(Record, frozen=True, kw_only=True):
    """What each component contributes by its direct path: carried on by residual sums and norms alone.

    ``embeddings`` are those of all tokens, ``heads`` (layers, heads), ``feed_forward`` (layers), ``convolution`` that
    of a model that has one after its first layer. ``neurons`` are the largest of each layer, where asked for.
    """

    embeddings: Number
    heads: list[list[Number]]
    feed_forward: list[Number]
    convolution: Number | None = None
    neurons: list[list[Neuron]] = []


class LayerAnswer(Record, frozen=True, kw_only=True):
    """What the head would answer from ``hidden_states[layer]``: the explained number there, its probability, and the
    answer. That from the last one is the model's own output.
    """

    layer: int
    value: Number
    answer: str
    probability: Number | None = None


class Cut(Record, frozen=True, kw_only=True):
    """The same sum cut at ``hidden_states[layer]``: what stands there, token by token, and the biases above it."""

    layer: int
    tokens: list[Number]
    biases: Number
    total: Total


class Removed(Record, frozen=True, kw_only=True):
    """What is left of the probability when words are masked in one order, the first first.

    ``curve`` stands beside `Faithfulness.masked`, ``comprehensiveness`` and ``sufficiency`` beside
    `Faithfulness.bins` (DeYoung et al., "ERASER", ACL 2020); ``aopc`` is the mean drop over the curve.
    """

    order: Literal["explanation", "occlusion", "random"]
    curve: list[Number]
    aopc: Number
    comprehensiveness: list[Number]
    sufficiency: list[Number]


class Faithfulness(Record, frozen=True, kw_only=True):
    """Whether the words with the largest shares matter most: words masked in three orders. ``before`` is the quantity
    with all words, ``masked`` and ``bins`` are parts of the words; ``forwards`` counts sentences run.
    """

    quantity: Literal["probability", "value"]
    before: Number
    words: int
    masked: list[float]
    bins: list[float]
    orders: list[Removed]
    forwards: int


class Answer(Record, frozen=True, kw_only=True):
    """Why one answer: the explained number as a sum. What stands in it follows from what the sum is made ``by``.

    ``constant_at_0`` says that what the head reads of ``hidden_states[0]`` is the same for every sentence.
    """

    sentence: int
    target: Target
    tokens: list[TokenShare] = []
    components: Components | None = None
    biases: list[Bias] = []
    layers: list[LayerAnswer] = []
    constant_at_0: bool = False
    total: Total | None = None
    cuts: list[Cut] = []
    faithfulness: Faithfulness | None = None

    @property
    def adds_up(self) -> bool:
        """Whether every sum equals what the model returned within rounding."""
        totals = [self.total, *(cut.total for cut in self.cuts)]
        return all(total is None or total.adds_up for total in totals)


class Explanation(Record, frozen=True, kw_only=True):
    """Why a model answers as it does: for each sentence the explained number as a sum. ``frozen`` says what was held at
    its value in this run, so that the rest is a sum.
    """

    format: Literal["bert-inspect-explanation"]
    version: int
    environment: Environment
    model: Model
    input: Input
    by: By
    frozen: list[str]
    answers: list[Answer]

    @property
    def adds_up(self) -> bool:
        """Whether every sum equals what the model returned within rounding."""
        return all(answer.adds_up for answer in self.answers)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an explanation."""
    made = schema_of(Explanation)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FORMAT, **made}
