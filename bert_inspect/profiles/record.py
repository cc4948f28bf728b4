"""A profile: activation statistics over a corpus, as plain frozen data that knows neither torch nor rich.

All numbers are over real tokens: padding never counts. A profile is made of totals (counts, exact sums, extremes), so
that two of them merge into what one run over both would have given, to the byte; the means, deviations and shares
beside them follow from the totals and are there to be read.
"""

from typing import Any, Final, Literal

from ..traces.base import Record
from ..traces.record import Environment, Kind, Model
from ..traces.values import Number
from ..traces.vocabulary.axes import Axis

FORMAT: Final = "bert-inspect-profile"
VERSION: Final = 1


class Buckets(Record, frozen=True, kw_only=True):
    """How many numbers of one sign fall into each bucket, from bucket ``first`` on; empty buckets at both ends are left
    out. `bert_inspect.profiles.buckets` says where a bucket begins.
    """

    first: int = 0
    counts: list[int] = []


class Numbers(Record, frozen=True, kw_only=True):
    """The numbers of one tensor over all real tokens.

    ``count`` is of all, ``nan``, ``inf`` and ``zeros`` of those among them. ``min``, ``max``, ``mean`` and ``std``
    (n - 1) are over the finite ones, None where there are too few. ``total`` and ``squares`` are their exact sum and
    that of their squares, as `bert_inspect.profiles.exact` writes them. ``negative`` and ``positive`` count the
    numbers by size, without zeros.
    """

    count: int
    nan: int
    inf: int
    zeros: int
    min: Number | None
    max: Number | None
    mean: Number | None
    std: Number | None
    total: str
    squares: str
    negative: Buckets
    positive: Buckets


class Example(Record, frozen=True, kw_only=True):
    """A token that drives a unit: its activation there, the number of its sentence in the corpus, its place in that,
    and what it says with the text around it: ``before`` + ``token`` + ``after``.
    """

    value: Number
    sentence: int
    place: int
    token: str
    before: str = ""
    after: str = ""


class Dimensions(Record, frozen=True, kw_only=True):
    """The numbers of one tensor by hidden dimension, neuron, or (head, dimension of the head), over ``count`` real
    tokens: one entry each, in order. ``min`` and ``max`` are over the finite ones, ``"NaN"`` where there are none;
    ``zeros`` counts those that are 0. A dimension in which a number is not finite, or too large to be added up, is
    ``spoilt`` and has ``"NaN"`` for mean and deviation. ``examples`` are the tokens with the largest activations of
    each, the largest first; empty where they were not asked for.
    """

    count: int
    min: list[Number]
    max: list[Number]
    mean: list[Number]
    std: list[Number]
    zeros: list[int]
    total: str
    squares: str
    spoilt: list[int] = []
    examples: list[list[Example]] = []


class OutputProfile(Record, frozen=True, kw_only=True):
    """A tensor that a step returned. ``same_as`` is the id of the step, and the place of the tensor among its outputs,
    that hold the same numbers: the very same tensor, or one that only lays them out anew. ``unread`` says why there are
    no numbers, in words that go on after "it is".
    """

    name: str
    axes: list[Axis] | None
    dtype: str
    label: str = ""
    known_as: list[str] = []
    same_as: tuple[int, int] | None = None
    numbers: Numbers | None = None
    dimensions: Dimensions | None = None
    unread: str = ""


class StepProfile(Record, frozen=True, kw_only=True):
    """A step, as in a trace; ``id`` tells it from the others and says in which order they run."""

    id: int
    kind: Kind
    path: str
    call: int
    type: str
    label: str
    layer: int | None = None
    role: str = ""
    part: str = ""
    outputs: list[OutputProfile]


class Heads(Record, frozen=True, kw_only=True):
    """Where the heads of one layer look, on average over ``count`` real query tokens: a number a head, in order.

    ``entropy`` is in bits. The others are shares of the attention: on [CLS], on all [SEP], on the token itself, on the
    token before and on the one after; 0 counts where there is no such token. ``padding`` is what falls on no real
    token. ``totals`` are the exact sums, by name.
    """

    layer: int
    path: str
    count: int
    entropy: list[Number]
    first: list[Number]
    separator: list[Number]
    itself: list[Number]
    previous: list[Number]
    next: list[Number]
    padding: list[Number]
    totals: dict[str, str]


class Bin(Record, frozen=True, kw_only=True):
    """The answers whose probability lies in one tenth: how many, how many of them are right, their mean probability and
    the exact sum of that.
    """

    count: int
    right: int
    probability: Number | None
    total: str


class Answers(Record, frozen=True, kw_only=True):
    """What the model answers: the names of its classes, how many sentences (or real tokens) get each, and the mean
    probability of the answers; where that of one is NaN, it is none. Where the corpus has labels, ``by_label`` counts
    the answers (columns) for each label (rows), ``bins`` hold ten tenths of probability, and ``calibration_error`` is
    the expected calibration error over them (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017): the
    mean distance between how probable the answers are and how many are right.
    """

    of: Literal["sentences", "tokens"]
    classes: list[str]
    counts: list[int]
    probability: Number | None
    total: str
    labelled: int = 0
    right: int = 0
    by_label: list[list[int]] = []
    bins: list[Bin] = []
    calibration_error: Number | None = None


class Corpus(Record, frozen=True, kw_only=True):
    """What was profiled. The corpus is cut into ``blocks`` of ``lines_per_block`` sentences, each of which is put into
    batches of at most ``batch_size``, and of at most ``batch_tokens`` tokens where that is given; ``digest`` tells all
    of its sentences from those of another. ``done`` are the blocks that this profile holds, as (first, last), and
    ``digests`` say what stands in each of them, in order. ``sentences``, ``tokens`` and ``cut`` (sentences that were
    truncated) are of those.
    """

    files: list[str]
    digest: str = ""
    blocks: int
    lines_per_block: int
    batch_size: int
    batch_tokens: int | None = None
    max_length: int | None
    truncate: bool
    done: list[tuple[int, int]]
    digests: list[str]
    sentences: int
    tokens: int
    cut: int


class Profile(Record, frozen=True, kw_only=True):
    """Activation statistics over a corpus. ``weights`` is a SHA-256 of the model's parameters, ``selection`` are the
    filters, ``examples`` is how many tokens are kept of each unit, ``checksum`` the SHA-256 of all the rest.
    """

    format: Literal["bert-inspect-profile"]
    version: int
    environment: Environment
    model: Model
    weights: str
    input: Corpus
    selection: dict[str, str] = {}
    examples: int = 0
    steps: list[StepProfile]
    heads: list[Heads]
    answers: Answers | None = None
    checksum: str = ""


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a profile."""
    from ..traces.codec import schema as schema_of

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FORMAT, **schema_of(Profile)}
