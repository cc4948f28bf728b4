"""Scores that are no shares of one whole: several labels at once, and the raw logit of a cross-encoder."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS, change, shown, tiny_model

from bert_inspect import BertInspectError, Trace, trace
from bert_inspect.render.answers import answers, notes
from bert_inspect.render.header import header
from bert_inspect.render.report.classes import predictions
from bert_inspect.render.result import result

Command = Callable[..., tuple[int, str, str]]
NAMES = ["toxic", "obscene", "threat", "insult", "hate", "C+D"]


def moved(model: Any) -> Any:
    with torch.no_grad():
        model.classifier.bias.copy_(torch.linspace(-3, 3, len(model.classifier.bias)))
    return model


@pytest.fixture(scope="module")
def several() -> Any:
    names = dict(enumerate(NAMES))
    return moved(tiny_model(initializer_range=0.3, id2label=names, problem_type="multi_label_classification"))


@pytest.fixture(scope="module")
def one_score() -> Any:
    return moved(tiny_model(initializer_range=0.3, num_labels=1))


def plain(model: Any, tokenizer: Any, **more: Any) -> Any:
    with torch.inference_mode():
        return model(**tokenizer(TEXTS, padding=True, return_tensors="pt"), **more)


def test_every_label_that_passes_one_half_is_an_answer(several: Any, tokenizer: Any) -> None:
    traced = trace(several, tokenizer, TEXTS)
    shares = plain(several, tokenizer).logits.double().sigmoid()
    told = answers(traced)
    for row, answer in enumerate(told):
        given = [NAMES[place] for place in shares[row].argsort(descending=True) if shares[row, place] >= 0.5]
        assert 0 < len(given) < len(NAMES)
        assert [each.rsplit(" ", 2)[0] for each in answer.name.split(", ")] == given
        chosen = {score.label for score in predictions(traced)[row].scores if score.chosen}
        assert chosen == set(given)
        assert answer.name in shown(header(traced), 300)
    assert notes(traced) == ["a sentence may have several labels: each probability is a sigmoid of its own logit"]
    assert notes(traced)[0] in shown(result(traced), 120)


def test_no_label_may_be_the_answer(several: Any, tokenizer: Any) -> None:
    bias = several.classifier.bias.detach().clone()
    with torch.no_grad():
        several.classifier.bias -= 100
        traced = trace(several, tokenizer, TEXTS)
        several.classifier.bias.copy_(bias)
    assert [answer.name for answer in answers(traced)] == ["no label reaches 50 %"] * 2


def test_several_labels_make_the_loss(several: Any, tokenizer: Any, tmp_path: Path) -> None:
    expected = torch.tensor([[1.0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1]])
    loss = plain(several, tokenizer, labels=expected).loss
    traced = trace(several, tokenizer, TEXTS, labels=[[0, 2], [5]])
    assert traced.output is not None and traced.output.loss == float(loss)
    traced.save(tmp_path / "t.json")
    assert Trace.load(tmp_path / "t.json").input.labels == [[0, 2], [5]]


def test_on_the_command_line_they_are_joined_with_a_plus(
    command: Command, several: Any, checkpoint: Path, tokenizer: Any, tmp_path: Path
) -> None:
    several.save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    for labels in ("toxic+threat,C+D", "0+2,5"):
        code, out, _ = command("run", *TEXTS, "--labels", labels, "--model", tmp_path / "m", "--json")
        assert code == 0 and Trace.from_json(out.encode()).input.labels in ([[0, 2], 5], [[0, 2], [5]])
    code, _, err = command("run", *TEXTS, "--labels", "0+1,0", "--model", checkpoint)
    assert code == 2 and "sentence 1 is given 2 labels, and this model gives one to a sentence" in err
    with pytest.raises(BertInspectError, match="label 9 of sentence 1"):
        trace(several, tokenizer, TEXTS, labels=[[9], [0]])


def test_a_raw_score_is_called_one(one_score: Any, tokenizer: Any) -> None:
    traced = trace(one_score, tokenizer, TEXTS[0], pairs=TEXTS[1])
    assert notes(traced) == ["the score is the model's raw output (logit): no activation is applied to it"]
    one_score.config.sentence_transformers = {"activation_fn": "torch.nn.modules.activation.Sigmoid"}
    traced = trace(one_score, tokenizer, TEXTS[0], pairs=TEXTS[1])
    del one_score.config.sentence_transformers
    assert traced.output is not None
    logit = float(traced.output.predictions[0].score)
    assert notes(traced)[0].endswith(f"names an activation for it, sigmoid: {1 / (1 + math.exp(-logit)):.4f}")


def test_of_several_scores_none_is_the_answer(tokenizer: Any) -> None:
    """A regression on several targets: the largest number is no more its answer than the others."""
    names = {0: "length", 1: "width", 2: "height"}
    model = moved(tiny_model(num_labels=3, problem_type="regression", id2label=names))
    traced = trace(model, tokenizer, TEXTS)
    scores = plain(model, tokenizer).logits[0].tolist()
    told = answers(traced)[0].name.split(", ")
    assert [word.split()[0] for word in told] == [*names.values()]
    assert [float(word.split()[1]) for word in told] == pytest.approx(scores, abs=1e-4)
    table = shown(result(traced), 120)
    assert table.index("length") < table.index("width") < table.index("height") and "prediction" not in table


@pytest.mark.parametrize(
    "key",
    [
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid", "version": "5"}},
        {"sbert_ce_default_activation_function": "torch.nn.modules.activation.Sigmoid"},
    ],
    ids=["new", "old"],
)
def test_a_checkpoint_that_names_an_activation_says_so(
    command: Command, one_score: Any, tokenizer: Any, tmp_path: Path, key: Any
) -> None:
    one_score.save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    change(tmp_path / "m" / "config.json", **key)
    out = command("run", TEXTS[0], "--pair", TEXTS[1], "--model", tmp_path / "m")[1]
    logit = plain_pair(one_score, tokenizer)
    assert f"names an activation for it, sigmoid: {1 / (1 + math.exp(-logit)):.4f}" in " ".join(out.split())


def plain_pair(model: Any, tokenizer: Any) -> float:
    with torch.inference_mode():
        return float(model(**tokenizer(*TEXTS, return_tensors="pt")).logits)


@pytest.mark.parametrize("width", [80, 120])
def test_five_classes_keep_their_words_together(tokenizer: Any, width: int) -> None:
    names = ["very negative", "negative", "neutral", "positive", "very positive"]
    model = moved(tiny_model(initializer_range=0.3, id2label=dict(enumerate(names))))
    text = shown(result(trace(model, tokenizer, TEXTS)), width)
    assert all(name in text for name in names) and "He hates pineapple" in text


def test_both_sentences_of_a_pair_are_shown(one_score: Any, tokenizer: Any) -> None:
    text = shown(result(trace(one_score, tokenizer, TEXTS[0], pairs=TEXTS[1])), 120)
    assert TEXTS[0] in text and f"with {TEXTS[1]}" in text
