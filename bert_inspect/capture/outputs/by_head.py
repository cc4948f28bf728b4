"""From what a model returned to what a trace says of it, by the model's head."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ...families import heads
from ...families.heads import Head
from ...loading.loaded import Loaded
from ...traces.output import Output
from ...traces.record import Input
from .classes import choices, next_sentences, sentence_classes
from .masks import best_at_masks, pre_training
from .pooled import pooled
from .returned import returned_tensors
from .spans import answer_spans
from .token_labels import replaced_tokens, token_classes


def output_of(loaded: Loaded, batch: Input, returned: Any) -> Output:
    """Return what the model returned for a batch, as plain data.

    Raises:
        UsageError: what its head should return is not in it.
    """
    return _BY_HEAD[loaded.head](loaded, batch, returned_tensors(loaded.head, returned))


_BY_HEAD: dict[Head, Callable[[Loaded, Input, Mapping[str, torch.Tensor]], Output]] = {
    heads.SEQUENCE_CLASSIFICATION: sentence_classes,
    heads.TOKEN_CLASSIFICATION: token_classes,
    heads.QUESTION_ANSWERING: answer_spans,
    heads.MASKED_LM: best_at_masks,
    heads.NO_HEAD: pooled,
    heads.MULTIPLE_CHOICE: choices,
    heads.NEXT_SENTENCE: next_sentences,
    heads.PRE_TRAINING: pre_training,
    heads.SENTENCE_ORDER: pre_training,
    heads.REPLACED_TOKENS: replaced_tokens,
}
