"""Edits of the parts of a model, held against the same model changed by plain torch."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from families.tiny import arguments, as_loaded, batch, tiny
from helpers import Works, values_of
from msgspec import structs

from bert_inspect.capture.editing.change import Change
from bert_inspect.capture.editing.plan import changed
from bert_inspect.capture.editing.run import run_edited
from bert_inspect.capture.editing.survey import survey
from bert_inspect.capture.editing.targets import targets
from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.errors import BertInspectError, UsageError
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION
from bert_inspect.traces.edits import parse_edits
from bert_inspect.traces.record import Trace
from bert_inspect.traces.sentences import only_row
from bert_inspect.traces.vocabulary import roles

ALL = [(family, attention) for family in FAMILIES.values() for attention in family.attentions]
IDS = [f"{family.model_type}-{attention}" for family, attention in ALL]
HEADS = 4


def a_model(family: Family, attention: str = "eager", **changes: Any) -> Any:
    return tiny(family, SEQUENCE_CLASSIFICATION, attention=attention, **changes)


def edited(model: Any, family: Family, *specs: str, padding: str = "right", verify: bool = False) -> Trace:
    """The trace of a run with these edits."""
    given = batch(family, padding=padding)
    loaded = as_loaded(model)
    return run_forward(loaded, given, keep=Keep(values="full"), edits=parse_edits(specs), verify=verify).trace


def logits(trace: Trace) -> torch.Tensor:
    assert trace.output is not None
    return torch.tensor(trace.output.logits)


def plain(model: Any, family: Family, padding: str = "right") -> torch.Tensor:
    """What transformers returns without us."""
    with torch.no_grad():
        found = model(**arguments(family, SEQUENCE_CLASSIFICATION, batch(family, padding=padding))).logits
    assert isinstance(found, torch.Tensor)
    return found


def layers(model: Any) -> int:
    return as_loaded(model).layers


def modules_of(model: Any, role: str) -> list[Any]:
    """The modules of a role, in order."""
    family = as_loaded(model).family
    return [module for path, module in model.named_modules() if family.role(path) == role]


def without_columns(model: Any, role: str, columns: slice) -> Any:
    """A copy in which these inputs of a projection count for nothing."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for module in modules_of(other, role):
            module.weight[:, columns] = 0.0
    return other


@pytest.mark.parametrize(("family", "attention"), ALL, ids=IDS)
def test_a_head_taken_away_is_its_columns_of_the_output_projection(family: Family, attention: str) -> None:
    model, padding = a_model(family, attention), "left" if attention == "sdpa" else "right"
    size = model.config.hidden_size // HEADS
    other = without_columns(model, roles.ATTENTION_OUTPUT_PROJECTION, slice(2 * size, 3 * size))
    specs = [f"layer.{layer}.head.2" for layer in range(layers(model))]
    found = logits(edited(model, family, *specs, padding=padding))
    torch.testing.assert_close(found, plain(other, family, padding))
    assert not torch.allclose(found, plain(model, family, padding))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_a_neuron_taken_away_is_its_column_of_the_output_projection(family: Family) -> None:
    model = a_model(family)
    other = without_columns(model, roles.OUTPUT_PROJECTION, slice(5, 6))
    specs = [f"layer.{layer}.neuron.5" for layer in range(layers(model))]
    found = logits(edited(model, family, *specs))
    torch.testing.assert_close(found, plain(other, family))
    assert not torch.equal(found, plain(model, family))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_all_neurons_taken_away_leave_the_bias_of_the_output_projection(family: Family) -> None:
    model = a_model(family)
    other = without_columns(model, roles.OUTPUT_PROJECTION, slice(None))
    specs = [f"layer.{layer}.intermediate" for layer in range(layers(model))]
    torch.testing.assert_close(logits(edited(model, family, *specs)), plain(other, family))


@pytest.mark.parametrize("activation", ["relu", "silu", "gelu_new", "quick_gelu", "gelu_pytorch_tanh"])
def test_neurons_are_found_behind_every_activation(activation: str) -> None:
    family = FAMILIES["bert"]
    model = a_model(family, hidden_act=activation)
    other = without_columns(model, roles.OUTPUT_PROJECTION, slice(5, 6))
    trace = edited(model, family, "layer.0.neuron.5", "layer.1.neuron.5", verify=True)
    torch.testing.assert_close(logits(trace), plain(other, family))
    assert trace.proof is not None and trace.proof.passed and sum(step.edited for step in trace.steps) == 2


def test_what_works_in_place_is_not_edited() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    for module in (torch.nn.ReLU(inplace=True), Works(torch.relu_)):
        model.bert.encoder.layer[1].intermediate.intermediate_act_fn = module
        with pytest.raises(BertInspectError, match="intermediate_act_fn works in place"):
            edited(model, family, "layer.1.neuron.5")
        assert edited(model, family, "layer.1.head.1").model.edits


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


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_an_edited_run_is_proved(family: Family) -> None:
    specs = ["layer.0", "layer.1.head.2", "layer.1.neuron.3=mean"]
    trace = edited(a_model(family, family.attentions[-1]), family, *specs, verify=True)
    assert trace.proof is not None and trace.proof.passed, trace.proof
    checks = {check.name: check for check in trace.proof.checks}
    assert checks["edits"].checked == 3 == sum(step.edited for step in trace.steps)
    assert checks["unedited"].checked > 5
    assert trace.model.edits == specs


@pytest.mark.parametrize("spec", ["layer.1.head.2", "layer.1.intermediate=mean", "layer.1", "layer.0=0.5"])
def test_steps_before_an_edit_are_the_same_to_the_bit(spec: str) -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    whole, trace = edited(model, family), edited(model, family, spec, verify=True)
    assert trace.proof is not None and trace.proof.passed, trace.proof
    (at,) = [step.id for step in trace.steps if step.edited]
    pairs = [*zip(trace.steps[:at], whole.steps[:at], strict=True)]
    assert all((one.path, one.label) == (other.path, other.label) for one, other in pairs)
    before = [(one, other) for one, other in pairs if one.kind == "op" and one.outputs]
    assert len(before) > 2
    assert all(torch.equal(values_of(one), values_of(other)) for one, other in before)


@pytest.mark.parametrize("wrong", [lambda tensor: tensor + 1e-4, lambda tensor: tensor * 0])
def test_the_proof_fails_where_an_edit_is_not_the_intended_one(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    family = FAMILIES["bert"]
    name = "bert_inspect.capture.editing.change.ChangedTensor.changed"
    monkeypatch.setattr(name, lambda self, tensor, received: wrong(tensor))
    trace = edited(a_model(family), family, "layer.1.head.2", verify=True)
    assert trace.proof is not None and trace.proof.fault is not None
    assert trace.proof.fault.check == "edits" and "differs from the intended one" in trace.proof.fault.message


def test_an_edit_may_be_of_some_sentences_and_tokens_only() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    given, loaded = batch(family), as_loaded(model)
    (head,) = targets(loaded, survey(loaded, given), "head", 0)
    (states,) = targets(loaded, survey(loaded, given), "layer", 0)
    of_second = Change(how="zero", units=(2,), rows=(1,))
    found = run_edited(loaded, given, {head.place: changed(head, [of_second], given)}).logits
    whole, all_rows = plain(model, family), logits(edited(model, family, "layer.0.head.2"))
    assert torch.equal(found[0], whole[0])
    torch.testing.assert_close(found[1], all_rows[1])
    values = torch.full((1, 1, 1, 32), 0.25)
    put_in = Change(how="given", rows=(0,), tokens=(3,), values=values)
    kept: list[torch.Tensor] = []
    model.bert.encoder.layer[1].register_forward_pre_hook(lambda module, args: kept.append(args[0]))
    found = run_edited(loaded, given, {states.place: changed(states, [put_in], given)}).logits
    assert torch.equal(found[1], whole[1]) and not torch.allclose(found[0], whole[0])
    assert torch.equal(kept[0][0, 3], values[0, 0, 0])


def test_hidden_states_of_one_sentence_put_into_another_give_its_answer_to_the_bit() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    loaded, one = as_loaded(model), only_row(batch(family), 0)
    other = structs.replace(one, input_ids=[[2, *range(40, 47), 3]])
    seen, run = survey(loaded, one), run_forward(loaded, other, keep=Keep(values="full")).trace
    for layer in (0, 1):
        (states,) = targets(loaded, seen, "layer", layer)
        values = values_of(next(step for step in run.steps if step.path.endswith(f"layer.{layer}")))
        put_in = Change(how="given", values=values.unsqueeze(2))
        found = run_edited(loaded, one, {states.place: changed(states, [put_in], one)}).logits
        assert torch.equal(found, logits(run)) and not torch.equal(found, run_edited(loaded, one, {}).logits)
        unchanged = run_edited(loaded, other, {states.place: changed(states, [put_in], other)}).logits
        assert torch.equal(unchanged, logits(run))


def test_chunks_are_edited_one_by_one_and_their_mean_is_refused() -> None:
    family = FAMILIES["bert"]
    model = a_model(family, chunk_size_feed_forward=3)
    other = without_columns(model, roles.OUTPUT_PROJECTION, slice(5, 6))
    found = edited(model, family, "layer.0.neuron.5", "layer.1.neuron.5", verify=True)
    assert found.proof is not None and found.proof.passed
    torch.testing.assert_close(logits(found), plain(other, family))
    with pytest.raises(UsageError, match="a part of the tokens at a time"):
        edited(model, family, "layer.0.neuron.5=mean")


def test_what_the_model_does_not_have_is_refused() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    for spec, says in (
        ("layer.2", "there is no layer 2: this model has layers 0 to 1"),
        ("layer.1.head.4", "there is no head 4: a layer of this model has heads 0 to 3"),
        ("layer.1.neuron.64", "there is no neuron 64"),
    ):
        with pytest.raises(UsageError, match=says):
            edited(model, family, spec)
