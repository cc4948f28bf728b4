"""Edits of the parts of a model, held against the same model changed by plain torch."""

import copy
from typing import Any

import pytest
import torch
from capture.editing.edited_models import a_model, edited, layers, logits, modules_of, plain, without_columns
from helpers import values_of

from bert_inspect.families import FAMILIES, Family
from bert_inspect.traces.vocabulary import roles

ALL = [(family, attention) for family in FAMILIES.values() for attention in family.attentions]
IDS = [f"{family.model_type}-{attention}" for family, attention in ALL]
HEADS = 4


@pytest.mark.slow
@pytest.mark.parametrize(("family", "attention"), ALL, ids=IDS)
def test_a_head_taken_away_is_its_columns_of_the_output_projection(family: Family, attention: str) -> None:
    model, padding = a_model(family, attention), "left" if attention == "sdpa" else "right"
    size = model.config.hidden_size // HEADS
    other = without_columns(model, roles.ATTENTION_OUTPUT_PROJECTION, slice(2 * size, 3 * size))
    specs = [f"layer.{layer}.head.2" for layer in range(layers(model))]
    found = logits(edited(model, family, *specs, padding=padding))
    torch.testing.assert_close(found, plain(other, family, padding))
    assert not torch.allclose(found, plain(model, family, padding))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_a_neuron_taken_away_is_its_column_of_the_output_projection(family: Family) -> None:
    model = a_model(family)
    other = without_columns(model, roles.OUTPUT_PROJECTION, slice(5, 6))
    specs = [f"layer.{layer}.neuron.5" for layer in range(layers(model))]
    found = logits(edited(model, family, *specs))
    torch.testing.assert_close(found, plain(other, family))
    assert not torch.equal(found, plain(model, family))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_all_neurons_taken_away_leave_the_bias_of_the_output_projection(family: Family) -> None:
    model = a_model(family)
    other = without_columns(model, roles.OUTPUT_PROJECTION, slice(None))
    specs = [f"layer.{layer}.intermediate" for layer in range(layers(model))]
    torch.testing.assert_close(logits(edited(model, family, *specs)), plain(other, family))


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["relu", "silu", "gelu_new", "quick_gelu", "gelu_pytorch_tanh"])
def test_neurons_are_found_behind_every_activation(activation: str) -> None:
    family = FAMILIES["bert"]
    model = a_model(family, hidden_act=activation)
    other = without_columns(model, roles.OUTPUT_PROJECTION, slice(5, 6))
    trace = edited(model, family, "layer.0.neuron.5", "layer.1.neuron.5", verify=True)
    torch.testing.assert_close(logits(trace), plain(other, family))
    assert trace.proof is not None and trace.proof.passed and sum(step.edited for step in trace.steps) == 2


def test_all_heads_taken_away_leave_the_residual_and_the_bias() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    trace = edited(model, family, "layer.1.attention")
    output = model.bert.encoder.layer[1].attention.output
    received = next(step for step in trace.steps if step.path.endswith("layer.0"))
    returned = next(step for step in trace.steps if step.path.endswith("layer.1.attention"))
    expected = output.LayerNorm(values_of(received) + output.dense.bias)
    torch.testing.assert_close(values_of(returned), expected)


def test_a_head_taken_away_is_what_a_plain_hook_does_to_the_bit() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    other = copy.deepcopy(model)

    def zeroed(module: Any, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        context = given[0].clone()
        context[:, :, 8:16] = 0.0
        return (context,)

    other.bert.encoder.layer[1].attention.output.dense.register_forward_pre_hook(zeroed)
    assert torch.equal(logits(edited(model, family, "layer.1.head.1")), plain(other, family))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_a_layer_taken_away_is_a_model_without_it_to_the_bit(family: Family) -> None:
    model = a_model(family)
    other = copy.deepcopy(model)
    if family.shares_layer:  # the last one is as good as any
        taken = layers(model) - 1
        other.config.num_hidden_layers -= 1
    else:
        taken = 1
        path = next(path for path, _ in other.named_modules() if family.layer_in_path(path) == taken)
        held = other.get_submodule(path.rpartition(".")[0])
        del held[taken]
    trace = edited(model, family, f"layer.{taken}")
    assert torch.equal(logits(trace), plain(other, family))
    (step,) = [step for step in trace.steps if step.edited]
    assert step.no_op and step.layer == taken and step.role == roles.LAYER
    assert not any(other.parent == step.id for other in trace.steps)


def test_a_layer_taken_away_shifts_no_other_edit() -> None:
    family = FAMILIES["albert"]  # whose layers are calls of one module
    model = a_model(family)
    other = copy.deepcopy(model)
    other.config.num_hidden_layers -= 1
    calls = []

    def zeroed(module: Any, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        calls.append(module)
        context = given[0].clone()
        if len(calls) == 2:  # of layer 2, when layer 0 or 1 is gone
            context[:, :, :8] = 0.0
        return (context,)

    modules_of(other, roles.ATTENTION_OUTPUT_PROJECTION)[0].register_forward_pre_hook(zeroed)
    wanted = plain(other, family)
    for gone in (0, 1):
        assert torch.equal(logits(edited(model, family, f"layer.{gone}", "layer.2.head.0")), wanted)
        calls.clear()


@pytest.mark.parametrize("how", ["head.1=1", "attention=1", "intermediate=1", "neuron.3=1"])
def test_scaling_by_one_changes_no_bit(how: str) -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    assert torch.equal(logits(edited(model, family, f"layer.1.{how}")), plain(model, family))


def test_a_number_scales_and_0_takes_away() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.bert.encoder.layer[0].attention.output.dense.weight[:, 8:16] *= -2.5
    torch.testing.assert_close(logits(edited(model, family, "layer.0.head.1=-2.5")), plain(other, family))
    for spec in ("layer.0.head.1", "layer.1", "layer.1.intermediate"):
        assert torch.equal(logits(edited(model, family, f"{spec}=0")), logits(edited(model, family, spec)))


def test_half_a_layer_lies_halfway_between_what_it_received_and_what_it_returned() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    trace, whole = edited(model, family, "layer.0=0.5"), edited(model, family)
    embedded, returned, half = (
        values_of(next(step for step in run.steps if step.path.endswith(path)))
        for run, path in ((whole, "bert.embeddings"), (whole, "layer.0"), (trace, "layer.0"))
    )
    torch.testing.assert_close(half, (embedded + returned) / 2)
    assert torch.equal(logits(edited(model, family, "layer.1=1")), plain(model, family))


def test_the_mean_is_over_the_real_tokens_of_all_sentences() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    whole, trace = edited(model, family), edited(model, family, "layer.0.head.3=mean")
    context, after = (
        values_of(next(step for step in run.steps if (step.label, step.layer) == ("context", 0)))
        for run in (whole, trace)
    )
    real = torch.tensor(whole.input.attention_mask, dtype=torch.bool)
    mean = context[:, 3][real].double().mean(dim=0).float()
    torch.testing.assert_close(after[:, 3], mean.expand_as(after[:, 3]))
    assert torch.equal(after[:, :3], context[:, :3])


def test_the_mean_of_a_constant_head_changes_nothing() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    with torch.no_grad():
        model.bert.encoder.layer[1].attention.self.value.weight[8:16] = 0.0
    torch.testing.assert_close(logits(edited(model, family, "layer.1.head.1=mean")), plain(model, family))
