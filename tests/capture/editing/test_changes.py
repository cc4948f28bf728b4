"""What an edit changes and what it leaves: some sentences only, what came before it; and the proof of that."""

from collections.abc import Callable

import pytest
import torch
from capture.editing.edited_models import a_model, edited, logits, plain, without_columns
from families.tiny import as_loaded, batch
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
from bert_inspect.traces.sentences import only_row
from bert_inspect.traces.vocabulary import roles


def test_what_works_in_place_is_not_edited() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    for module in (torch.nn.ReLU(inplace=True), Works(torch.relu_)):
        model.bert.encoder.layer[1].intermediate.intermediate_act_fn = module
        with pytest.raises(BertInspectError, match="intermediate_act_fn works in place"):
            edited(model, family, "layer.1.neuron.5")
        assert edited(model, family, "layer.1.head.1").model.edits


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_an_edited_run_is_proved(family: Family) -> None:
    specs = ["layer.0", "layer.1.head.2", "layer.1.neuron.3=mean"]
    trace = edited(a_model(family, family.attentions[-1]), family, *specs, verify=True)
    assert trace.proof is not None and trace.proof.passed, trace.proof
    checks = {check.name: check for check in trace.proof.checks}
    assert checks["edits"].checked == 3 == sum(step.edited for step in trace.steps)
    assert checks["unedited"].checked > 5
    assert trace.model.edits == specs


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_where_two_edits_meet_the_later_one_holds() -> None:
    family = FAMILIES["bert"]
    model = a_model(family)
    both = edited(model, family, "layer.1.attention", "layer.1.head.2=mean", verify=True)
    assert both.proof is not None and both.proof.passed
    context, alone = (
        values_of(next(step for step in trace.steps if (step.label, step.layer) == ("context", 1)))
        for trace in (both, edited(model, family, "layer.1.head.2=mean"))
    )
    assert torch.equal(context[:, 2], alone[:, 2]) and context[:, 2].any()
    assert not context[:, [0, 1, 3]].any()


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
