"""An ablation or a patch that is interrupted, or fails, at whichever forward: the model is as it was, and runs on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from analysis.effects.test_patch import two
from capture.test_threads import attributes
from families.tiny import as_loaded, tiny

from bert_inspect.analysis.effects.ablate import ablate
from bert_inspect.analysis.effects.asked import Asked
from bert_inspect.analysis.effects.patch import patch
from bert_inspect.analysis.effects.patch_asked import PatchAsked
from bert_inspect.errors import BertInspectError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.record import Input

pytestmark = pytest.mark.slow

BERT = FAMILIES["bert"]
WORK: dict[str, Callable[[Loaded, Input], Any]] = {
    "heads and their importance": lambda loaded, given: ablate(
        loaded, given, asked=Asked(importance=True, how="mean"), at_once=36
    ),
    "neurons": lambda loaded, given: ablate(loaded, given, asked=Asked(each="neuron", layer=1), at_once=180),
    "hidden states": lambda loaded, given: patch(loaded, given, at_once=108),
    "patched heads": lambda loaded, given: patch(loaded, given, asked=PatchAsked(each="head"), at_once=36),
}


@contextmanager
def raised(model: Any, error: BaseException, at: int) -> Iterator[list[int]]:
    """Raise an error in the forward of the pooler, each time it has run so often; how often it ran is counted."""
    calls = [0]

    def count(*_: Any) -> None:
        calls[0] += 1
        if calls[0] == at:
            raise error

    hook = model.bert.pooler.dense.register_forward_hook(count)
    try:
        yield calls
    finally:
        hook.remove()


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_an_interrupt_in_any_forward_leaves_the_model_as_it_was(work: Callable[[Loaded, Input], Any]) -> None:
    model, given = tiny(BERT, SEQUENCE_CLASSIFICATION, initializer_range=0.4), two(BERT)
    loaded = as_loaded(model)
    before, weights = attributes(model), {name: each.clone() for name, each in model.state_dict().items()}
    with raised(model, KeyboardInterrupt(), 0) as calls:
        wanted = work(loaded, given)
    assert calls[0] > 2
    for moment in range(1, calls[0] + 1):
        with raised(model, KeyboardInterrupt(), moment), pytest.raises(KeyboardInterrupt):
            work(loaded, given)
        assert attributes(model) == before
        assert not torch.overrides._get_current_function_mode_stack()
    assert all(torch.equal(weights[name], each) for name, each in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert work(loaded, given) == wanted


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_a_forward_that_fails_is_told_of_and_leaves_the_model_as_it_was(work: Callable[[Loaded, Input], Any]) -> None:
    model, given = tiny(BERT, SEQUENCE_CLASSIFICATION, initializer_range=0.4), two(BERT)
    loaded, before = as_loaded(model), attributes(model)
    with raised(model, RuntimeError("out of memory"), 0) as calls:
        work(loaded, given)
    for moment in range(1, calls[0] + 1):
        with (
            raised(model, RuntimeError("out of memory"), moment),
            pytest.raises(BertInspectError, match="out of memory"),
        ):
            work(loaded, given)
        assert attributes(model) == before
