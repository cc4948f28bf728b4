"""Edits in runs of sentences: tokens, activations of another sentence, and what is left behind."""

import copy
from contextlib import suppress
from typing import Any

import pytest
import torch
from families.tiny import as_loaded, batch, tiny
from helpers import PAIRS, TEXTS, tiny_model, values_of

from bert_inspect import BertInspectError, Trace
from bert_inspect.api import trace
from bert_inspect.capture.forward import run_forward
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.edits import parse_edits


def logits(traced: Trace) -> torch.Tensor:
    assert traced.output is not None
    return torch.tensor(traced.output.logits)


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["layer.1.head.2", "layer.0.attention", "layer.1.intermediate", "layer.0.neuron.5"])
def test_resampling_from_the_same_sentence_changes_nothing(model: Any, tokenizer: Any, spec: str) -> None:
    whole = trace(model, tokenizer, TEXTS[0])
    same = trace(model, tokenizer, TEXTS[0], edits=[f"{spec}=resample:{TEXTS[0]}"], verify=True)
    assert torch.equal(logits(same), logits(whole))
    assert same.proof is not None and same.proof.passed
    other = trace(model, tokenizer, TEXTS[0], edits=[f"{spec}=resample:{TEXTS[1]}"])
    assert not torch.equal(logits(other), logits(whole))


def test_what_is_resampled_is_the_other_sentences_own(model: Any, tokenizer: Any) -> None:
    texts, other = TEXTS, "No."
    edited = trace(model, tokenizer, texts, edits=[f"layer.1.head.2=resample:{other}"], values=True)
    there = trace(model, tokenizer, other, values=True)
    context, theirs = (
        values_of(next(step for step in each.steps if (step.label, step.layer) == ("context", 1)))
        for each in (edited, there)
    )
    last = theirs.shape[2] - 1
    for row, mask in enumerate(edited.input.attention_mask):
        for place in range(sum(mask)):  # what is longer goes on with the last token of the other
            assert torch.equal(context[row, 2, place], theirs[0, 2, min(place, last)])


def test_layers_and_pairs_are_resampled_too(model: Any, tokenizer: Any) -> None:
    whole = trace(model, tokenizer, "I love cats!")
    edited = trace(model, tokenizer, "No dogs.", edits=["layer.1=resample:I love cats!"])
    assert torch.equal(logits(edited), logits(whole))  # the last layer's [CLS] is all that the head sees
    pair = trace(model, tokenizer, TEXTS, pairs=PAIRS, edits=["layer.1=resample:I love cats!"], verify=True)
    assert pair.proof is not None and pair.proof.passed
    torch.testing.assert_close(logits(pair), logits(whole).expand(2, -1))


@pytest.mark.parametrize("text", ["", "one " * 80])
def test_a_sentence_that_cannot_be_resampled_from_is_refused(model: Any, tokenizer: Any, text: str) -> None:
    with pytest.raises(UsageError, match="resample"):
        trace(model, tokenizer, TEXTS, edits=[f"layer.1.head.2=resample:{text}"])


def test_a_token_is_replaced_as_one_would_replace_it(model: Any, tokenizer: Any) -> None:
    edited = trace(model, tokenizer, TEXTS, edits=["token:pizza"])
    written = trace(model, tokenizer, [TEXTS[0], "He hates pineapple [MASK]."])
    assert torch.equal(logits(edited), logits(written))
    assert edited.input.texts == TEXTS and edited.input.input_ids == written.input.input_ids
    assert edited.model.edits == ["token:pizza"] and not any(step.edited for step in edited.steps)
    dropped = trace(model, tokenizer, TEXTS, edits=["token:pizza=drop"])
    assert torch.equal(logits(dropped), logits(trace(model, tokenizer, [TEXTS[0], "He hates pineapple."])))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_padding_token_taken_away_changes_nothing_beyond_rounding(name: str) -> None:
    family = FAMILIES[name]
    given = batch(family)
    stub = type("Tokenizer", (), {"mask_token_id": 4, "mask_token": "[MASK]", "pad_token_id": None})
    loaded = as_loaded(tiny(family, SEQUENCE_CLASSIFICATION))
    loaded = Loaded(**{**vars(loaded), "tokenizer": stub()})
    whole, edited = run_forward(loaded, given).trace, run_forward(loaded, given, edits=parse_edits(["token.8"])).trace
    assert edited.input.tokens[1][8] == "[MASK]" and not edited.input.attention_mask[1][8]
    assert whole.output is not None and edited.output is not None
    torch.testing.assert_close(torch.tensor(edited.output.logits[1]), torch.tensor(whole.output.logits[1]))


def test_a_model_without_a_mask_or_numbers_is_refused(model: Any, tokenizer: Any) -> None:
    family = FAMILIES["bert"]
    with pytest.raises(UsageError, match="no token that hides a word"):
        run_forward(as_loaded(tiny(family, SEQUENCE_CLASSIFICATION)), batch(family), edits=parse_edits(["token.1"]))
    meta = as_loaded(tiny(family, SEQUENCE_CLASSIFICATION).to("meta"))
    meta = Loaded(**{**vars(meta), "weights": "none"})
    with pytest.raises(UsageError, match="no numbers to edit"):
        run_forward(meta, batch(family), edits=parse_edits(["layer.1"]))


ERRORS: list[BaseException | None] = [None, KeyboardInterrupt(), RuntimeError("x")]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_model_is_as_it_was_after_an_edited_run(tokenizer: Any, error: BaseException | None) -> None:
    model, runs = tiny_model(), []

    def fail(module: Any, given: Any, output: Any) -> None:
        runs.append(module)
        if error is not None and len(runs) > 1:  # the first run looks for what is to be edited
            raise error

    handle = model.bert.encoder.layer[1].output.register_forward_hook(fail)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    attributes = [sorted(vars(module)) for module in model.modules()]
    with suppress(KeyboardInterrupt):
        edited = trace(model, tokenizer, TEXTS, edits=["layer.0.attention", "layer.1.neuron.3=mean"])
        assert (edited.failure is None) == (error is None) and len(runs) == 2
    handle.remove()
    assert [sorted(vars(module)) for module in model.modules()] == attributes
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not torch.overrides._get_current_function_mode_stack()  # type: ignore[attr-defined]
    assert torch.equal(logits(trace(model, tokenizer, TEXTS)), logits(trace(tiny_model(), tokenizer, TEXTS)))


def test_hooks_of_others_see_the_edited_run(tokenizer: Any) -> None:
    model, seen = tiny_model(), []
    plain = copy.deepcopy(model)
    model.bert.encoder.layer[1].attention.output.dense.register_forward_hook(
        lambda module, given, output: seen.append((given[0], output))
    )
    edited = trace(model, tokenizer, TEXTS, edits=["layer.1.attention", "layer.0"])
    given, output = seen[-1]
    bias = plain.bert.encoder.layer[1].attention.output.dense.bias
    assert not given.any() and torch.equal(output, bias.expand_as(output))
    assert torch.equal(logits(edited), logits(trace(plain, tokenizer, TEXTS, edits=["layer.1.attention", "layer.0"])))


def test_a_model_whose_forward_fails_has_nothing_to_edit(tokenizer: Any) -> None:
    model = tiny_model(vocab_size=110)
    with pytest.raises(BertInspectError, match="the model's own forward failed"):
        trace(model, tokenizer, TEXTS, edits=["layer.1.head.2"])
