"""How often answers like those of a run were right in a corpus."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...traces.output import Prediction
from ..answers import BINS
from ..record import Answers


@dataclass(frozen=True, kw_only=True)
class AnswerPlace:
    """The answer to one sentence beside those over the corpus: ``alike`` of ``total`` sentences got the same class. Of
    those that have a label, ``count`` have a probability in the same tenth, from ``low`` to ``high``, and ``right`` of
    these are right; all 0 where the corpus has no labels, which ``labelled`` says.
    """

    index: int
    label: str
    probability: float
    alike: int
    total: int
    labelled: bool
    low: float
    high: float
    count: int
    right: int


def placed_answers(corpus: Answers | None, predictions: Sequence[Prediction]) -> list[AnswerPlace]:
    """Return where the answer to each sentence lies; nothing where the corpus holds no answers about sentences."""
    if corpus is None or corpus.of != "sentences":
        return []
    return [_placed(corpus, each) for each in predictions if 0 <= each.index < len(corpus.counts)]


def _placed(corpus: Answers, prediction: Prediction) -> AnswerPlace:
    probability = float(prediction.score)
    place = min(int(probability * BINS), BINS - 1) if 0 <= probability <= 1 else 0
    found = corpus.bins[place] if corpus.bins else None
    return AnswerPlace(
        index=prediction.index,
        label=prediction.label,
        probability=probability,
        alike=corpus.counts[prediction.index],
        total=sum(corpus.counts),
        labelled=corpus.labelled > 0,
        low=place / BINS,
        high=(place + 1) / BINS,
        count=0 if found is None else found.count,
        right=0 if found is None else found.right,
    )
