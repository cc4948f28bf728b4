"""An explanation leaves the model as it was, whatever happens, and says what it cannot explain."""

from typing import Any

import pytest
import torch
from analysis.explain.pairs import Case, batch, model_of
from torch import nn
from torch.nn.modules import module as everyones

from bert_inspect.analysis.explain.explain import explain
from bert_inspect.capture.undisturbed import HOOKS
from bert_inspect.errors import BertInspectError, UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import NO_HEAD, QUESTION_ANSWERING, SEQUENCE_CLASSIFICATION
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.codec import encode_line

CASE: Case = (FAMILIES["bert"], SEQUENCE_CLASSIFICATION, {})


def state_of(model: nn.Module) -> list[Any]:
    return [
        [(each.requires_grad, each.grad, each._version, each.data_ptr()) for each in model.parameters()],
        [module.training for module in model.modules()],
        [{kind: len(getattr(module, kind)) for kind in HOOKS} for module in model.modules()],
        [sorted(vars(module)) for module in model.modules()],
        [len(everyones._global_forward_hooks), len(everyones._global_forward_pre_hooks)],
        [torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.overrides._len_torch_function_stack()],  # type: ignore[attr-defined]
    ]


def prepared() -> Loaded:
    loaded = model_of(CASE)
    loaded.model.train()
    loaded.model.bert.encoder.layer[0].eval()
    first, second, *_ = loaded.model.parameters()
    first.requires_grad_(False)
    second.grad = torch.ones_like(second)
    return loaded


@pytest.mark.parametrize("by", ["token", "component", "layer"])
@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_model_is_left_as_it_was(by: Any, around: Any) -> None:
    loaded = prepared()
    with around():
        before = state_of(loaded.model)
        explain(loaded, batch(CASE[0]), by=by)
        assert state_of(loaded.model) == before


@pytest.mark.parametrize("by", ["token", "component", "layer"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_it_is_left_so_too_when_the_forward_is_broken_off(by: Any, error: type[BaseException]) -> None:
    loaded = prepared()

    def broken(*_: Any) -> None:
        raise error("here")

    handle = loaded.model.bert.encoder.layer[1].output.dense.register_forward_hook(broken)
    before = state_of(loaded.model)
    with pytest.raises(error if error is KeyboardInterrupt else BertInspectError, match="here"):
        explain(loaded, batch(CASE[0]), by=by)
    assert state_of(loaded.model) == before
    handle.remove()
    assert explain(loaded, batch(CASE[0])).adds_up


@pytest.mark.parametrize("by", ["token", "component", "layer"])
def test_twice_it_gives_the_same_bytes(by: Any) -> None:
    one, other = (encode_line(explain(model_of(CASE), batch(CASE[0]), by=by, check=True)) for _ in range(2))
    assert one == other


class Squared(nn.Module):
    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden * hidden


class Cubed(nn.Module):
    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden.pow(3)


@pytest.mark.parametrize(("odd", "said"), [(Squared, "a product of two things"), (Cubed, "not linear")])
def test_what_is_not_linear_and_not_known_is_refused_and_not_summed(odd: type[nn.Module], said: str) -> None:
    loaded = model_of(CASE)
    loaded.model.bert.encoder.layer[0].intermediate.intermediate_act_fn = odd()
    with pytest.raises(BertInspectError, match=said) as raised:
        explain(loaded, batch(CASE[0]))
    assert raised.value.hint and not isinstance(raised.value, UsageError)
    assert explain(loaded, batch(CASE[0]), by="component").adds_up  # on direct paths it is not met


@pytest.mark.parametrize(
    "act", ["gelu_new", "gelu_fast", "quick_gelu", "silu", "relu", "relu2", "tanh", "sigmoid", "mish", "laplace"]
)
def test_every_activation_is_held_as_one_factor(act: str) -> None:
    loaded = model_of((CASE[0], CASE[1], {"hidden_act": act}), dtype=torch.float64)
    found = explain(loaded, batch(CASE[0]))
    assert all(abs(float(answer.total.difference)) < 1e-10 for answer in found.answers if answer.total is not None)
    assert found.adds_up and sum(held.startswith("the ratio") for held in found.frozen) == 2 - (act == "tanh")


def test_numbers_that_are_not_finite_add_up_to_nothing() -> None:
    loaded = model_of(CASE)
    with torch.no_grad():
        loaded.model.classifier.weight[0, 3] = float("nan")
    found = explain(loaded, batch(CASE[0]))
    assert not found.adds_up and b"NaN" in encode_line(found)


def test_without_a_head_or_without_weights_there_is_nothing_to_explain() -> None:
    with pytest.raises(UsageError, match="has no head"):
        explain(model_of((CASE[0], NO_HEAD, {})), batch(CASE[0]))
    from bert_inspect.analysis.explain.quantity import Wanted

    with pytest.raises(UsageError, match="one answer a sentence"):
        explain(model_of(CASE), batch(CASE[0]), wanted=Wanted(token="1"))
    with pytest.raises(UsageError, match="no second class"):
        explain(model_of((CASE[0], QUESTION_ANSWERING, {})), batch(CASE[0]), wanted=Wanted(against="end"))
    import dataclasses

    with pytest.raises(UsageError, match="only shapes"):
        explain(dataclasses.replace(model_of(CASE), weights="none"), batch(CASE[0]))
