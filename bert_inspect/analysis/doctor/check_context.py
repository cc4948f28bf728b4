"""The model under examination, and the runs of it that the questions share."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch

from ...capture.encode import Sentences, encode
from ...capture.forward import run_forward
from ...capture.keep import Keep
from ...capture.model_inputs import model_inputs
from ...capture.outputs.returned import returned_tensors
from ...errors import BertInspectError
from ...loading.loaded import Loaded
from ...loading.precision import in_precision
from ...traces.record import Input, Trace
from ...traces.selection import Selection

_SENTENCES = 4
_TOKENS = 64
_COMPANION = "The quick brown fox jumps over the lazy dog, and nobody minds."


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """A loaded model, its tokenizer, and the sentences that the user is worried about.

    Experiments look at the first few sentences and at their first tokens: what they answer does not depend on length,
    and every number of every step is compared.
    """

    loaded: Loaded
    tokenizer: Any
    sentences: Sentences
    limit: int | None
    notices: Sequence[str] = ()
    """What was worth saying when it was loaded."""

    @property
    def model(self) -> Any:
        """The model itself."""
        return self.loaded.model

    def encoded(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Input:
        """Return sentences as a batch, cut to what experiments look at."""
        limit = _TOKENS if self.limit is None else min(self.limit, _TOKENS)
        return encode(self.tokenizer, Sentences(texts=list(texts), pairs=pairs), limit=limit, truncate=True)

    @cached_property
    def batch(self) -> Input:
        """The first sentences."""
        pairs = self.sentences.pairs
        return self.encoded(self.sentences.texts[:_SENTENCES], None if pairs is None else pairs[:_SENTENCES])

    @cached_property
    def trace(self) -> Trace:
        """The traced run over the first sentences, with every number and its statistics, as far as it went."""
        return self._run(self.batch, self.loaded)

    @cached_property
    def short_and_long(self) -> tuple[str, str]:
        """Return a short sentence and a longer one, so that the short one is padded when both are in a batch."""
        words = min(self.sentences.texts, key=len).split()[:16]
        return " ".join(words), " ".join([*words, _COMPANION])

    def run(self, batch: Input, *, loaded: Loaded | None = None) -> Trace:
        """Trace a run, with every number and its statistics.

        Raises:
            BertInspectError: the forward failed.
        """
        trace = self._run(batch, loaded or self.loaded)
        if trace.failure is not None:
            raise BertInspectError(f"the forward failed in {trace.failure.path}: {trace.failure.cause}")
        return trace

    def _run(self, batch: Input, loaded: Loaded) -> Trace:
        return run_forward(loaded, batch, selection=Selection(), keep=Keep(values="full", stats=True))[0]

    def logits(self, batch: Input, *, training: bool = False) -> torch.Tensor:
        """Return what the model returns first, logits (batch, labels) of most, of a run without hooks, in eval or in
        training mode.
        """
        flags = [(module, module.training) for module in self.model.modules()]
        try:
            self.model.train(training)
            return self._logits(batch)
        finally:
            for module, flag in flags:
                module.training = flag

    def _logits(self, batch: Input) -> torch.Tensor:
        inputs = model_inputs(self.loaded, batch, labels=False)
        with torch.inference_mode():
            returned = returned_tensors(self.loaded.head, self.model(**inputs))
        return next(iter(returned.values())).double().cpu()

    def in_precision(self, dtype: torch.dtype) -> Loaded:
        """Return the model in another precision: itself if it is in that, else a copy."""
        if next(self.model.parameters()).dtype == dtype:
            return self.loaded
        return replace(self.loaded, model=in_precision(copy.deepcopy(self.model), dtype))
