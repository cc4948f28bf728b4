"""The trained model that the package carries: what transformers alone makes of its folder, and what a newcomer sees."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import TEXTS
from transformers.models.bert.modeling_bert import BertForSequenceClassification
from transformers.models.bert.tokenization_bert import BertTokenizer

import bert_inspect
from bert_inspect import load, trace

FOLDER = Path(bert_inspect.__file__).parent / "data" / "bert-sentiment"
Command = Callable[..., tuple[int, str, str]]


def test_it_answers_as_transformers_alone_does() -> None:
    plain = BertForSequenceClassification.from_pretrained(FOLDER, dtype=torch.float32, attn_implementation="eager")
    tokenizer = BertTokenizer.from_pretrained(FOLDER)
    with torch.inference_mode():
        logits = plain.eval()(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits
    output = trace(*load(), TEXTS).output
    assert output is not None and output.logits == logits.double().tolist()
    assert [prediction.label for prediction in output.predictions] == ["positive", "negative"]
    assert all(prediction.score > 0.9 for prediction in output.predictions)  # type: ignore[operator]


def test_it_is_the_default_and_says_what_it_is(command: Command) -> None:
    code, out, _ = command("run", *TEXTS, "--depth", "1")
    assert code == 0 and "bert-sentiment" in out and "fine-tuned on 18,500 short reviews and tweets" in out
    assert "float32" in out and "pretrained" in out and "positive" in out and "negative" in out
    code, out, _ = command("run", *TEXTS, "--json")
    model = json.loads(out)["model"]
    assert (model["name"], model["source"], model["weights"]) == ("bert-sentiment", "builtin", "pretrained")
    assert (model["dtype"], model["initialised"]) == ("float32", [])


@pytest.mark.slow
def test_another_precision_or_random_weights_are_taken_too(command: Command) -> None:
    code, out, _ = command("run", "x", "--dtype", "bfloat16", "--json", "--depth", "1")
    assert code == 0 and json.loads(out)["model"]["dtype"] == "bfloat16"
    code, out, _ = command("run", "x", "--weights", "random", "--json")
    model = json.loads(out)["model"]
    assert code == 0 and model["weights"] == "random" and "about" not in model
    code, out, _ = command("run", "x", "--weights", "none", "--fold")
    assert code == 0 and "only shapes were computed" in out and "fine-tuned" not in out


def test_the_variable_names_another_default(command: Command, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("BERT_INSPECT_MODEL", "bert-tiny")
    code, out, _ = command("model", "--json")
    assert code == 0 and json.loads(out)["name"] == "bert-tiny"
    code, out, _ = command("tokens", "x", "--model", "bert-base-cased", "--json")
    assert code == 0


def test_the_wheel_stays_small_enough() -> None:
    held = sum(file.stat().st_size for file in FOLDER.parent.rglob("*") if file.is_file())
    assert held < 48_000_000  # the trained weights, three vocabularies and a font
