"""Ablations asked for in one call."""

from typing import Any

from bert_inspect.analysis.effects.ablate import ablate as ablate_batch
from bert_inspect.analysis.effects.asked import Asked
from bert_inspect.analysis.effects.record import Effects
from bert_inspect.analysis.effects.sweep import TOKENS_AT_ONCE
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.record import Input


def ablate(loaded: Loaded, given: Input, *, at_once: int = TOKENS_AT_ONCE, **asked: Any) -> Effects:
    """What the edits do that are asked for."""
    return ablate_batch(loaded, given, asked=Asked(**asked), at_once=at_once)
