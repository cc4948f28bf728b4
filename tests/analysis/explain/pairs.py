"""Every family with every head that gives a number to explain, as tiny models, and how each is explained."""

import dataclasses
from typing import Any

import torch
from families.tiny import VARIANTS, as_loaded, batch, tiny

from bert_inspect.analysis.explain.by_component import by_component
from bert_inspect.analysis.explain.by_token import by_token
from bert_inspect.analysis.explain.explanation import Answer
from bert_inspect.analysis.explain.frozen_run import FrozenRun, run_frozen
from bert_inspect.analysis.explain.quantity import Wanted
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import MASKED_LM, NO_HEAD, PRE_TRAINING, SENTENCE_ORDER, Head
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.record import Input

Case = tuple[Family, Head, dict[str, Any]]

CASES: list[Case] = [
    *((family, head, {}) for family in FAMILIES.values() for head in family.heads if head is not NO_HEAD),
    *((FAMILIES[name], head, changes) for name, head, changes in VARIANTS if head is not NO_HEAD),
]
NAMES = [f"{family.model_type}-{head.task}{'-variant' if changes else ''}" for family, head, changes in CASES]
ATTENDING = [(case, attention) for case in CASES for attention in case[0].attentions]
ATTENDING_NAMES = [f"{name}-{how}" for case, name in zip(CASES, NAMES, strict=True) for how in case[0].attentions]


class Vocabulary:
    """A tokenizer as far as heads for masks ask one."""

    mask_token, mask_token_id = "[MASK]", 4

    def convert_ids_to_tokens(self, index: int) -> str:
        return f"t{index}"

    def get_vocab(self) -> dict[str, int]:
        return {f"t{index}": index for index in range(120)}


def model_of(case: Case, *, attention: str = "eager", dtype: torch.dtype = torch.float32) -> Loaded:
    family, head, changes = case
    loaded = as_loaded(tiny(family, head, attention=attention, **changes).to(dtype))
    return dataclasses.replace(loaded, tokenizer=Vocabulary())


def asked(case: Case) -> Wanted:
    """What is asked of a head: of one for masks the token in place 3, as no token of the batch is a mask."""
    return Wanted(token="3") if case[1] in (MASKED_LM, PRE_TRAINING, SENTENCE_ORDER) else Wanted()


def both(loaded: Loaded, given: Input, wanted: Wanted) -> tuple[FrozenRun, list[Answer], list[Answer]]:
    """The run, the answers by token, and those by component."""
    run = run_frozen(loaded, given, wanted, hidden_states=True)
    return run, by_token(run, given), by_component(run_frozen(loaded, given, wanted, direct=True))


__all__ = ["ATTENDING", "ATTENDING_NAMES", "CASES", "NAMES", "Case", "asked", "batch", "both", "model_of"]
