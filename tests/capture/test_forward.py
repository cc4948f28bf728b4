"""The trace against plain transformers: what is recorded is what ran."""

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS, find, tiny_model, values_of
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bert_inspect import Trace
from bert_inspect.api import trace


def test_the_logits_are_bit_identical_to_a_plain_forward(model: Any, traced: Trace, batch: Any) -> None:
    with torch.inference_mode():
        plain = model(**batch, labels=torch.tensor([1, 0]))
    assert traced.output is not None
    assert traced.output.logits == plain.logits.tolist()
    assert traced.output.loss == plain.loss.item()
    torch.testing.assert_close(torch.tensor(traced.output.probabilities), plain.logits.softmax(-1))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1]], ids=["padded", "alone"])
def test_the_logits_stay_the_same_for_every_attention(tokenizer: Any, attention: str, texts: list[str]) -> None:
    model = tiny_model(attention=attention)
    with torch.inference_mode():
        plain = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    output = trace(model, tokenizer, texts).output
    assert output is not None and output.logits == plain.tolist()


def test_every_module_output_is_what_an_independent_hook_sees(model: Any, traced: Trace, batch: Any) -> None:
    seen: dict[str, torch.Tensor] = {}

    def keep(path: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            seen[path] = (output if isinstance(output, torch.Tensor) else output[0]).clone()

        return hook

    handles = [module.register_forward_hook(keep(path)) for path, module in model.named_modules() if path]
    with torch.inference_mode():
        model(**batch)
    for handle in handles:
        handle.remove()
    modules = {step.path: step for step in traced.steps if step.kind == "module" and step.path}
    assert set(modules) == set(seen)
    for path, tensor in seen.items():
        assert torch.equal(values_of(modules[path]), tensor), path


def test_known_names_hold_what_transformers_returns_under_them(model: Any, traced: Trace, batch: Any) -> None:
    plain_model = tiny_model()
    with torch.inference_mode():
        full = plain_model(**batch, output_hidden_states=True, output_attentions=True, labels=torch.tensor([1, 0]))
        base = plain_model.bert(**batch)
    truth = {f"hidden_states[{i}]": tensor for i, tensor in enumerate(full.hidden_states)}
    truth |= {f"attentions[{i}]": tensor for i, tensor in enumerate(full.attentions)}
    truth |= {"last_hidden_state": base.last_hidden_state, "pooler_output": base.pooler_output}
    truth |= {"logits": full.logits, "loss": full.loss}
    for name, tensor in truth.items():
        holders = [step for step in traced.steps if name in step.known_as]
        assert holders, name
        for step in holders:
            outputs = [values_of(step, place) for place in range(len(step.outputs))]
            assert any(torch.equal(output, tensor) for output in outputs), (name, step.path)
    assert {name for step in traced.steps for name in step.known_as} == set(truth)
    assert find(traced, path="bert.embeddings", kind="module").known_as == ["hidden_states[0]"]
    assert "hidden_states[1]" in find(traced, path="bert.encoder.layer.0", kind="module").known_as
    assert "attentions[1]" in find(traced, layer=1, label="attention probabilities").known_as


def test_statistics_are_those_of_torch_in_float64(traced: Trace) -> None:
    checked = 0
    for step in traced.steps:
        for place, output in enumerate(step.outputs):
            stats, tensor = output.stats, values_of(step, place).double()
            assert stats is not None
            assert (stats.min, stats.max) == (tensor.min().item(), tensor.max().item())
            assert stats.mean == pytest.approx(tensor.mean().item(), rel=1e-9, abs=1e-12)
            if tensor.numel() > 1:
                assert stats.std == pytest.approx(tensor.std().item(), rel=1e-9)
            else:
                assert stats.std is None
            assert (stats.nan, stats.inf, stats.zeros) == (0, 0, int((tensor == 0).sum()))
            checked += 1
    assert checked > 90


def test_the_dataflow_graph_is_sound(traced: Trace) -> None:
    assert [step.id for step in traced.steps] == list(range(len(traced.steps)))
    for step in traced.steps:
        assert step.parent is None if step.id == 0 else step.parent is not None and step.parent < step.id
        for tensor in step.inputs:
            if tensor.from_ is None:
                continue
            source = traced.steps[tensor.from_]
            assert source.id < step.id
            assert tensor.shape in [output.shape for output in source.outputs]
    # Every tensor that the encoder works on has an origin: only ids, mask and parameters come from outside.
    outside = {tensor.name for step in traced.steps for tensor in step.inputs if tensor.from_ is None}
    assert outside <= {"input_ids", "token_type_ids", "attention_mask", "labels", "input"}


def test_recomputing_each_linear_from_its_recorded_input_gives_its_output(model: Any, traced: Trace) -> None:
    for step in traced.steps:
        if step.type != "Linear":
            continue
        source = step.inputs[0].from_
        assert source is not None
        before = next(
            values_of(traced.steps[source], place)
            for place, output in enumerate(traced.steps[source].outputs)
            if output.shape == step.inputs[0].shape
        )
        with torch.inference_mode():
            assert torch.equal(model.get_submodule(step.path)(before), values_of(step)), step.path


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1]], ids=["padded", "alone"])
def test_flops_add_up_to_what_torch_counts(model: Any, tokenizer: Any, texts: list[str]) -> None:
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(**tokenizer(texts, padding=True, return_tensors="pt"))
    steps = trace(model, tokenizer, texts).steps
    assert sum(step.flops for step in steps) == counter.get_total_flops() == steps[0].total_flops


def test_parameters_add_up_and_are_counted_once(model: Any, traced: Trace) -> None:
    total = sum(tensor.numel() for tensor in model.parameters())
    assert traced.model.parameters == total == traced.steps[0].total_parameters
    assert sum(step.parameters for step in traced.steps) == total
    for step in traced.steps:
        if step.kind == "module":
            module = model.get_submodule(step.path)
            assert step.total_parameters == sum(tensor.numel() for tensor in module.parameters())


def test_modules_never_called_are_named(model: Any, traced: Trace) -> None:
    dropouts = [f"bert.encoder.layer.{i}.attention.self.dropout" for i in range(2)]
    assert traced.not_called == ["bert.encoder.layer", *dropouts]


def test_a_dropout_in_eval_mode_is_a_no_op(traced: Trace) -> None:
    dropouts = [step for step in traced.steps if step.type.lower() == "dropout"]
    assert len(dropouts) == 8 and all(step.no_op for step in dropouts)
    assert not any(step.no_op for step in traced.steps if step.type in ("Linear", "LayerNorm", "matmul", "transpose"))


def test_each_step_names_the_line_that_made_it(traced: Trace) -> None:
    import transformers.models.bert.modeling_bert as modeling

    lines = Path(modeling.__file__).read_text().splitlines()
    for step in traced.steps[1:]:
        assert step.source is not None, step
        if step.source.file == "modeling_bert.py":
            assert lines[step.source.line - 1].strip() == step.source.code
    assert "self.query(hidden_states)" in find(traced, label="query projection").source.code  # type: ignore[union-attr]
    assert "softmax" in find(traced, label="attention probabilities").source.code  # type: ignore[union-attr]
    assert "create_bidirectional_mask(" in find(traced, label="attention mask").source.code  # type: ignore[union-attr]
    assert traced.steps[0].source is None


def test_the_model_is_left_as_it_was_found(tokenizer: Any) -> None:
    model = tiny_model().train()
    model.bert.encoder.layer[0].eval()
    training = {path: module.training for path, module in model.named_modules()}
    attributes = {path: set(vars(module)) for path, module in model.named_modules()}
    config = model.config.to_dict()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.random.get_rng_state()
    result = trace(model, tokenizer, TEXTS, labels=[0, 1], attention="sdpa", stats=True)
    assert result.model.attention == "sdpa"
    assert {path: module.training for path, module in model.named_modules()} == training
    assert {path: set(vars(module)) for path, module in model.named_modules()} == attributes
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._forward_hooks_with_kwargs for m in model.modules())
    assert model.config.to_dict() == config and model.config._attn_implementation == "eager"
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_two_traces_are_the_same_bytes(model: Any, tokenizer: Any) -> None:
    first, second = (b"".join(trace(model, tokenizer, TEXTS, stats=True, values=True).json()) for _ in range(2))
    assert first == second


def test_regression_has_no_probabilities(tokenizer: Any) -> None:
    model = tiny_model(num_labels=1)
    output = trace(model, tokenizer, TEXTS, labels=[0.5, -1.0]).output
    assert output is not None and output.probabilities is None
    assert [prediction.score for prediction in output.predictions] == [row[0] for row in output.logits]
    with torch.inference_mode():
        plain = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"), labels=torch.tensor([0.5, -1.0]))
    assert output.loss == plain.loss.item()


def test_nan_weights_are_counted_and_written_as_strings(tokenizer: Any) -> None:
    model = tiny_model()
    with torch.no_grad():
        model.bert.encoder.layer[1].output.dense.bias[3] = float("nan")
    result = trace(model, tokenizer, TEXTS[:1], stats=True, values=True)
    stats = find(result, path="bert.encoder.layer.1.output.dense").outputs[0].stats
    tokens = len(result.input.tokens[0])
    assert stats is not None and stats.nan == tokens and stats.min is not None
    assert find(result, path="bert.encoder.layer.1.intermediate.dense").outputs[0].stats.nan == 0  # type: ignore[union-attr]
    assert result.output is not None and result.output.logits == [["NaN", "NaN"]]
    text = b"".join(result.json())
    assert b":NaN" not in text and b"null,null" not in text and b'"NaN"' in text
    again = Trace.from_json(text)
    assert b"".join(again.json()) == text
