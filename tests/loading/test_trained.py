"""What is said of the weights of a model that somebody hands over, held against what was done to it."""

from typing import Any

import pytest
import torch
from helpers import TEXTS, tiny_model
from transformers import BertForSequenceClassification

from bert_inspect import load, trace


def train(model: Any, tokenizer: Any, *, only: str = "") -> None:
    """Take one real step of training, of all parameters or of those whose names begin so."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(only))
    model.train()
    loss = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"), labels=torch.tensor([1, 0])).loss
    loss.backward()
    torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=1e-3).step()
    model.eval()


def test_a_model_that_was_only_built_is_random_whatever_it_is_called(tokenizer: Any) -> None:
    model = tiny_model()
    model.name_or_path = "google-bert/bert-base-uncased"
    told = trace(model, tokenizer, TEXTS).model
    assert told.weights == "random"
    assert told.initialised == [name for name, _ in model.named_parameters()]
    assert trace(*load("bert-tiny", weights="random"), TEXTS).model.weights == "random"


def test_a_step_of_training_makes_its_answer_one(tokenizer: Any) -> None:
    model = tiny_model()
    train(model, tokenizer)
    told = trace(model, tokenizer, TEXTS)
    assert (told.model.weights, told.model.initialised) == ("pretrained", [])
    assert "trained: their biases and norms are not those of a new model" in told._repr_mimebundle_()["text/plain"]


def test_a_new_head_on_a_trained_body_gives_no_answer(tokenizer: Any, tmp_path: Any) -> None:
    body = tiny_model()
    train(body, tokenizer)
    body.bert.save_pretrained(tmp_path)
    model = BertForSequenceClassification.from_pretrained(tmp_path).eval()
    told = trace(model, tokenizer, TEXTS)
    assert (told.model.weights, told.model.initialised) == ("partial", ["classifier.bias", "classifier.weight"])
    assert "LABEL_" not in told._repr_mimebundle_()["text/plain"]
    train(model, tokenizer, only="classifier")
    assert trace(model, tokenizer, TEXTS).model.weights == "pretrained"


@pytest.mark.parametrize("weights", ["auto", "none"])
def test_what_load_gives_is_told_as_the_command_tells_it(weights: Any) -> None:
    model, tokenizer = load(weights=weights)
    assert trace(model, tokenizer, "x").model.weights == {"auto": "pretrained", "none": "none"}[weights]
