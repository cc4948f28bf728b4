"""Models on which naive hooking lies: in-place work, shared modules, keywords, failures, low precision, no mask."""

from typing import Any

import pytest
import torch
from helpers import TEXTS, find, tiny_model, values_of
from torch import nn

from bert_inspect.api import trace


class InPlace(nn.Module):
    """Adds one in place, behind the back of whoever kept the tensor."""

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        doubled = hidden_states * 2
        view = doubled.view(-1)
        view.add_(1)
        doubled[:, 0] = 0
        return doubled


def test_in_place_work_does_not_change_what_was_recorded(tokenizer: Any) -> None:
    model = tiny_model()
    model.bert.encoder.layer[0].intermediate.intermediate_act_fn = InPlace()
    traced = trace(model, tokenizer, TEXTS[0], values=True, stats=True)
    path = "bert.encoder.layer.0.intermediate.intermediate_act_fn"
    ops = [step for step in traced.steps if step.path == path and step.kind == "op"]
    assert [step.type for step in ops] == ["mul", "view", "add_", "setitem"]
    before = values_of(find(traced, path="bert.encoder.layer.0.intermediate.dense"))
    assert torch.equal(values_of(ops[0]), before * 2)
    assert torch.equal(values_of(ops[2]), (before * 2 + 1).view(-1))
    expected = before * 2 + 1
    expected[:, 0] = 0
    assert torch.equal(values_of(ops[3]), expected)
    module = find(traced, path=path, kind="module")
    assert torch.equal(values_of(module), expected)
    assert not any(step.no_op for step in ops)
    # What is used next comes from the last change, though it is the very same Python object as before.
    assert find(traced, path="bert.encoder.layer.0.output.dense").inputs[0].from_ == ops[3].id
    zeros = ops[3].outputs[0].stats
    assert zeros is not None and zeros.zeros >= 64


def test_an_in_place_activation_is_not_called_a_no_op(tokenizer: Any) -> None:
    model = tiny_model()
    model.bert.encoder.layer[0].intermediate.intermediate_act_fn = nn.ReLU(inplace=True)
    traced = trace(model, tokenizer, TEXTS[0], values=True)
    dense = find(traced, path="bert.encoder.layer.0.intermediate.dense")
    activation = find(traced, path="bert.encoder.layer.0.intermediate.intermediate_act_fn")
    assert values_of(dense).min() < 0
    assert torch.equal(values_of(activation), values_of(dense).relu()) and not activation.no_op
    assert find(traced, path="bert.encoder.layer.0.output.dense").inputs[0].from_ == activation.id


def test_a_module_under_two_names_is_one_module_called_twice(tokenizer: Any) -> None:
    model = tiny_model()
    model.bert.encoder.layer[1] = model.bert.encoder.layer[0]
    traced = trace(model, tokenizer, TEXTS)
    layers = [step for step in traced.steps if step.type == "BertLayer"]
    assert [(step.path, step.call) for step in layers] == [("bert.encoder.layer.0", 0), ("bert.encoder.layer.0", 1)]
    total = sum(tensor.numel() for tensor in model.parameters())
    assert sum(step.parameters for step in traced.steps) == total == traced.model.parameters
    assert layers[1].inputs[0].from_ is not None
    with torch.inference_mode():
        plain = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"), output_hidden_states=True)
    values = trace(model, tokenizer, TEXTS, values=True)
    for place, hidden in enumerate(plain.hidden_states):
        named = [step for step in values.steps if f"hidden_states[{place}]" in step.known_as and len(step.outputs) == 1]
        assert named and all(torch.equal(values_of(step), hidden) for step in named)


class Failing(nn.Module):
    """Raises in the middle of its work."""

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return hidden_states.transpose(1, 2) @ hidden_states.new_zeros(3, 3)


def test_a_forward_that_raises_keeps_what_ran_until_then(tokenizer: Any) -> None:
    model = tiny_model().train()
    model.bert.encoder.layer[1].intermediate.intermediate_act_fn = Failing()
    traced = trace(model, tokenizer, TEXTS, stats=True)
    assert traced.output is None and traced.failure is not None
    assert traced.failure.path == "bert.encoder.layer.1.intermediate.intermediate_act_fn"
    assert traced.failure.exception == "RuntimeError" and "[3, 3]" in traced.failure.cause
    assert [step.id for step in traced.steps if step.failed] == [len(traced.steps) - 1]
    assert find(traced, path="bert.encoder.layer.1.intermediate.dense").outputs[0].stats is not None
    assert model.training and not any(module._forward_hooks for module in model.modules())
    assert trace(tiny_model(), tokenizer, TEXTS).failure is None
    elsewhere = trace(model, tokenizer, TEXTS, module="bert.pooler")
    assert elsewhere.failure is not None and elsewhere.steps[-1].failed


def test_an_id_without_a_row_is_named(tokenizer: Any) -> None:
    traced = trace(tiny_model(vocab_size=12000), tokenizer, TEXTS)
    assert traced.failure is not None
    assert traced.failure.path == "bert.embeddings.word_embeddings"
    assert traced.failure.cause == "token 2 of sentence 2 has id 18457, the embedding has 12000 rows"


def test_a_segment_without_a_row_is_named(tokenizer: Any) -> None:
    traced = trace(tiny_model(type_vocab_size=1), tokenizer, TEXTS, pairs=TEXTS)
    assert traced.failure is not None
    assert traced.failure.cause == "segment of token 6 of sentence 1 has id 1, the embedding has 1 rows"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_are_recorded_exactly(tokenizer: Any, dtype: torch.dtype) -> None:
    model = tiny_model().to(dtype)
    traced = trace(model, tokenizer, TEXTS, values=True, stats=True)
    with torch.inference_mode():
        plain = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"), output_hidden_states=True)
    layer = find(traced, path="bert.encoder.layer.1", kind="module")
    assert layer.outputs[0].dtype == str(dtype).removeprefix("torch.")
    assert values_of(layer).tolist() == plain.hidden_states[2].tolist()
    stats = layer.outputs[0].stats
    assert stats is not None and stats.mean == pytest.approx(plain.hidden_states[2].double().mean().item())
    assert traced.output is not None and traced.output.logits == plain.logits.tolist()


def test_a_mask_of_our_own_infinities_does_not_spoil_statistics(tokenizer: Any) -> None:
    class Infinite(nn.Module):
        def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
            return torch.where(hidden_states > 0, hidden_states, float("-inf"))

    model = tiny_model()
    model.bert.encoder.layer[0].intermediate.intermediate_act_fn = Infinite()
    traced = trace(model, tokenizer, TEXTS[0], values=True, stats=True)
    step = find(traced, path="bert.encoder.layer.0.intermediate.intermediate_act_fn", kind="op", type="where")
    stats, tensor = step.outputs[0].stats, values_of(step)
    finite = tensor[tensor.isfinite()].double()
    assert stats is not None and stats.inf == int(tensor.isinf().sum()) > 0
    assert stats.mean == pytest.approx(finite.mean().item()) and stats.min == finite.min().item()
    assert stats.std == pytest.approx(finite.std().item())


class CallsWithKeywords(nn.Module):
    """Takes its input by keyword alone and returns it in a dictionary."""

    def forward(self, *, states: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"states": states + 1, "half": states / 2}


class Wrapping(nn.Module):
    """Calls a module with keywords only."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = CallsWithKeywords()

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.inner(states=hidden_states)["states"]
        return result


def test_keyword_arguments_and_dictionaries_are_seen(tokenizer: Any) -> None:
    model = tiny_model()
    model.bert.encoder.layer[0].intermediate.intermediate_act_fn = Wrapping()
    traced = trace(model, tokenizer, TEXTS[0])
    inner = find(traced, path="bert.encoder.layer.0.intermediate.intermediate_act_fn.inner", kind="module")
    assert [tensor.name for tensor in inner.inputs] == ["states"]
    assert [tensor.name for tensor in inner.outputs] == ["states", "half"]
    used = find(traced, path="bert.encoder.layer.0.output.dense").inputs[0].from_
    assert used is not None and traced.steps[used].type == "add"


def test_the_meta_device_gives_every_shape(tokenizer: Any) -> None:
    with torch.device("meta"):
        meta = tiny_model()
    for texts in (TEXTS, TEXTS[0]):
        shapes, full = trace(meta, tokenizer, texts), trace(tiny_model(), tokenizer, texts)
        assert shapes.output is None and shapes.model.weights == "none"
        assert [(step.label, [o.shape for o in step.outputs], step.no_op) for step in shapes.steps] == [
            (step.label, [o.shape for o in step.outputs], step.no_op) for step in full.steps
        ]
