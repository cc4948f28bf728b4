"""What edits do to a model's answers, one edit a row, as plain frozen data that knows neither torch nor rich."""

from typing import Any, Final, Literal

from ...traces.base import Record
from ...traces.codec import schema as schema_of
from ...traces.record import Environment, Input, Model
from ...traces.values import Number
from ..explain.explanation import Target, What

FORMAT: Final = "bert-inspect-effects"
VERSION: Final = 1

Each = Literal["head", "layer", "attention", "intermediate", "token", "word", "neuron", "layer-token"]
Metric = Literal["logit-diff", "logit", "score", "probability"]


class Effect(Record, frozen=True, kw_only=True):
    """What one edit does. ``edits`` are as ``--ablate`` takes them, those of a patch name its place; a word of several
    pieces takes several. ``layer`` and ``number`` (of a head or neuron) say what was edited, None where there is none,
    and for the hidden states before the first layer; ``tokens`` are the places of tokens.

    ``value`` is the metric of the edited run and ``effect`` how far that lies above the unedited one; ``probability``
    and ``probability_change`` say the same of the probability, None where there is none. ``flips`` says that the model
    answers otherwise: with ``answer``. ``normalised`` is the effect of a patch beside the difference of its two runs: 0
    nothing of it, 1 all of it.
    """

    edits: list[str]
    layer: int | None
    number: int | None
    tokens: list[int] = []
    value: Number
    effect: Number
    probability: Number | None = None
    probability_change: Number | None = None
    flips: bool = False
    answer: str = ""
    normalised: Number | None = None


class AnswerEffects(Record, frozen=True, kw_only=True):
    """What the edits do to one answer. ``target`` is the number that is watched, ``value`` that number in the run
    without edits, ``probability`` what it says, ``answer`` what the model answers there.

    ``importance`` (layers that were looked at, heads) is how steeply the number changes as a head is scaled, whichever
    its sign, the heads of each layer normalised to a length of 1 (Michel et al., "Are Sixteen Heads Really Better than
    One?", NeurIPS 2019). ``clean`` and ``corrupt`` are the numbers of the two runs of a patch,
    ``clean_answer`` and ``corrupt_answer`` what the model answers in them.
    """

    sentence: int
    target: Target
    value: Number
    probability: Number | None = None
    answer: str = ""
    effects: list[Effect]
    importance: list[list[Number]] = []
    clean: Number | None = None
    corrupt: Number | None = None
    clean_answer: str = ""
    corrupt_answer: str = ""


class Mean(Record, frozen=True, kw_only=True):
    """The mean effect of one edit over all sentences, and from where to where it lies with 95 % confidence (None: of
    one sentence alone). ``flips`` counts the sentences that are answered otherwise.
    """

    edits: list[str]
    layer: int | None
    number: int | None
    effect: Number
    low: Number | None
    high: Number | None
    flips: int
    sentences: int


class Watched(Record, frozen=True, kw_only=True):
    """Which number of each sentence means are of: ``what`` it is, and what was asked for, by name. Without ``target``
    it is the answer of each, without ``against`` it is held against the largest of the others; ``token`` names the
    token in each.
    """

    what: What
    target: str | None = None
    against: str | None = None
    token: str | None = None


class Effects(Record, frozen=True, kw_only=True):
    """What edits do to the answers of a model.

    ``command`` made it, ``each`` says what was edited one by one, ``how`` what stood in its place, ``metric`` which
    number was watched: the difference of two logits, one logit, the score of a regression, or a probability.
    ``direction`` is that of a patch. ``layer`` is the only one that was looked at, None where all were. ``means`` are
    over all sentences of a file, which are not told of one by one then, and ``watched`` says of which number;
    ``importance`` likewise: sizes of gradients, averaged and then normalised.
    """

    format: Literal["bert-inspect-effects"]
    version: int
    environment: Environment
    model: Model
    input: Input
    command: Literal["ablate", "patch"]
    each: Each
    how: str = "zero"
    layer: int | None = None
    metric: Metric
    direction: Literal["denoising", "noising"] | None = None
    answers: list[AnswerEffects]
    means: list[Mean] = []
    watched: Watched | None = None
    importance: list[list[Number]] = []


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a record of effects."""
    made = schema_of(Effects)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FORMAT, **made}
