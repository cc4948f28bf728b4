"""What a model returned, by its task, as plain frozen data."""

from .base import Record
from .values import Number


class Prediction(Record, frozen=True, kw_only=True):
    """The most probable class of a sentence or of a token. ``score`` is its probability, or the raw output of a
    regression.
    """

    index: int
    label: str
    score: Number


class Entity(Record, frozen=True, kw_only=True):
    """Neighbouring tokens of one label, as transformers' pipeline groups them (``simple``): ``start`` and ``end`` are
    characters of the text, ``score`` is the mean of the tokens' probabilities.
    """

    entity_group: str
    score: Number
    word: str
    start: int
    end: int


class Answer(Record, frozen=True, kw_only=True):
    """What of a context answers a question: ``start`` and ``end`` are characters of the context, ``score`` is the
    product of the probabilities of the first and the last token.
    """

    text: str
    start: int
    end: int
    score: Number


class Candidate(Record, frozen=True, kw_only=True):
    """A token that may stand at a mask."""

    id: int
    token: str
    probability: Number


class Mask(Record, frozen=True, kw_only=True):
    """A mask in a sentence, by the token's ``position`` in its row, with the most probable tokens, the first first."""

    sentence: int
    position: int
    tokens: list[Candidate]


class Pooled(Record, frozen=True, kw_only=True):
    """What sentence-transformers makes of the hidden states: the ``kind`` of pooling that the checkpoint names, and the
    ``cosine`` of every two sentences (batch, batch).
    """

    kind: str
    cosine: list[list[Number]]


class Output(Record, frozen=True, kw_only=True):
    """What the model returned, by its task.

    ``logits`` are (batch, labels); of a model that labels tokens (batch, tokens, labels), of one that tells replaced
    tokens (batch, tokens); of multiple choice there is one row. ``probabilities`` is None where there are none,
    for a regression as for a head that answers otherwise; ``loss`` is None without labels. ``tokens`` has the label of
    each token, None for padding; ``masks`` has the masks of all sentences.
    """

    logits: list[list[Number | list[Number]]] = []
    probabilities: list[list[Number]] | None
    predictions: list[Prediction] = []
    loss: Number | None
    tokens: list[list[Prediction | None]] = []
    entities: list[list[Entity]] = []
    start_logits: list[list[Number]] = []
    end_logits: list[list[Number]] = []
    answers: list[Answer] = []
    masks: list[Mask] = []
    pooled: Pooled | None = None

    @property
    def class_logits(self) -> list[list[Number]]:
        """The logits (batch, labels), empty where they are not of whole sentences."""
        return [[number for number in row if not isinstance(number, list)] for row in self.logits]
