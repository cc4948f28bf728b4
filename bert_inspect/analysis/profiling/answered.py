"""What a model answers over a corpus, and what the corpus says that it should answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...capture.encode import class_index
from ...capture.outputs.classes import class_names, scale_of
from ...capture.outputs.plain_numbers import plain
from ...capture.outputs.returned import returned_tensors
from ...capture.outputs.token_labels import scores_of_tokens
from ...errors import UsageError
from ...families.heads import NEXT_SENTENCE, REPLACED_TOKENS, SEQUENCE_CLASSIFICATION, TOKEN_CLASSIFICATION
from ...loading.loaded import Loaded
from ...profiles.answers import AnswersTotal, BatchAnswers
from ...traces.record import Input
from ...traces.vocabulary import known_as


@dataclass(frozen=True, kw_only=True)
class AnswersOf:
    """A model that chooses one of several classes for each sentence, or for each of its tokens."""

    loaded: Loaded
    of: Literal["sentences", "tokens"]
    classes: Sequence[str]

    def nothing(self) -> AnswersTotal:
        """Return totals of no answers."""
        return AnswersTotal(self.of, self.classes)

    def index(self, label: str | int, where: str) -> int:
        """Return a label of the corpus as the index of a class; ``where`` is how errors call its place.

        Raises:
            UsageError: the model has no such class, or labels tokens one by one.
        """
        if self.of == "tokens":
            raise UsageError(
                f"{where} has one label, and this model labels each token", "leave the labels out of the file"
            )
        try:
            index = class_index(label, self.classes)
        except UsageError as error:
            raise UsageError(f"{where}: {error.message}", error.hint) from error
        if not 0 <= index < len(self.classes):
            raise UsageError(
                f"{where}: label {index} is not a class of this model",
                f"its classes are 0 to {len(self.classes) - 1}: {', '.join(self.classes[:20])}",
            )
        return int(index)

    def answers(self, batch: Input, output: Any, labels: Sequence[int | None]) -> BatchAnswers:
        """Return what the model answers in a batch; ``labels`` are the classes of its sentences, as the corpus says."""
        logits = plain(returned_tensors(self.loaded.head, output)[known_as.LOGITS])
        if self.of == "tokens":
            scores = scores_of_tokens(self.loaded, logits).numpy()[np.array(batch.attention_mask, dtype=np.bool_)]
            labels = ()
        else:
            scores = logits.softmax(dim=-1).numpy()
        indices = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1)  # of equal ones the first
        probabilities = np.take_along_axis(scores, indices[:, None], axis=1)[:, 0]
        return BatchAnswers(indices=indices, probabilities=probabilities, labels=labels)


def answers_of(loaded: Loaded) -> AnswersOf | None:
    """Return how to read a model's answers, None where it does not choose one of several classes."""
    head, config = loaded.head, loaded.model.config
    if head is SEQUENCE_CLASSIFICATION:
        chooses = scale_of(config) == "softmax"
        return AnswersOf(loaded=loaded, of="sentences", classes=class_names(config)) if chooses else None
    if head is NEXT_SENTENCE:
        return AnswersOf(loaded=loaded, of="sentences", classes=head.classes)
    if head is TOKEN_CLASSIFICATION:
        return AnswersOf(loaded=loaded, of="tokens", classes=class_names(config))
    if head is REPLACED_TOKENS:
        return AnswersOf(loaded=loaded, of="tokens", classes=head.classes)
    return None
