"""`is_decoder` left on in a configuration: the mask is causal, a cache stands between the keys, and both are said."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import TEXTS, change, tiny_model, values_of

from bert_inspect import Trace, trace
from bert_inspect.analysis.attention import attentions
from bert_inspect.diff import diff

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def decoder() -> Any:
    return tiny_model(is_decoder=True, initializer_range=0.2)


@pytest.fixture(scope="module")
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decoder") / "decoder"
    shutil.copytree(checkpoint, folder)
    change(folder / "config.json", is_decoder=True)
    return folder


def test_scores_and_probabilities_keep_their_names_behind_a_cache(decoder: Any, tokenizer: Any) -> None:
    traced = trace(decoder, tokenizer, TEXTS, values=True)
    with torch.inference_mode():
        plain = decoder(**tokenizer(TEXTS, padding=True, return_tensors="pt"), output_attentions=True)
    found = [step for step in traced.steps if step.label == "attention probabilities"]
    for step, expected in zip(found, plain.attentions, strict=True):
        assert torch.equal(values_of(step), expected)
        assert step.outputs[0].axes == ["batch", "heads", "query tokens", "key tokens"]
    joined = [step for step in traced.steps if step.type == "cat"]
    assert {step.label for step in joined} == {"key heads", "value heads"}
    for layer, expected in zip(attentions(traced), plain.attentions, strict=True):
        assert np.array_equal(layer.probabilities, expected.double().numpy())
        assert np.array_equal(np.triu(layer.probabilities, k=1), np.zeros_like(layer.probabilities))


def test_eager_and_fused_agree_on_what_is_hidden(decoder: Any, tokenizer: Any) -> None:
    text = "I love cats and dogs!"
    eager = trace(decoder, tokenizer, text, values=True, attention="eager")
    fused = trace(decoder, tokenizer, text, values=True, attention="sdpa")
    assert any("is_causal=True" in step.arguments for step in fused.steps)
    found = diff(eager, fused)
    assert found.same, found.verdict
    mask = next(step for step in found.steps if step.label == "attention mask")
    assert (mask.status, "is_causal" in mask.note) == ("identical", True)


def test_a_causal_mask_is_not_the_same_as_none(decoder: Any, tokenizer: Any) -> None:
    decoding = trace(decoder, tokenizer, "I love cats and dogs!", values=True, attention="sdpa")
    plain = tiny_model(initializer_range=0.2)
    plain.load_state_dict(decoder.state_dict())
    seeing_all = trace(plain, tokenizer, "I love cats and dogs!", values=True, attention="eager")
    for found, causal in ((diff(seeing_all, decoding), "B"), (diff(decoding, seeing_all), "A")):
        assert found.first is not None and found.first.label == "attention mask"
        assert f"{causal} is told to be causal" in found.first.note


@pytest.mark.slow
def test_the_header_says_where_it_looks(command: Command, folder: Path, checkpoint: Path) -> None:
    for name in ("run", "attention"):
        out = command(name, TEXTS[0], "--model", folder)[1]
        assert "each token sees itself and those to its left only" in out
    assert "to its left" not in command("run", TEXTS[0], "--model", checkpoint)[1]
    code, out, _ = command("doctor", TEXTS[0], "--model", folder, "--only", "attention", "--json")
    assert code == 0 and [each["verdict"] for each in json.loads(out)["findings"]] == ["pass"]
    code, out, _ = command("compare", TEXTS[0], "--model", folder, "--b", "attention=sdpa")
    assert code == 0 and out.startswith("the same")


@pytest.mark.slow
def test_the_report_says_so_too(command: Command, folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    for model, said in ((folder, True), (checkpoint, False)):
        command("report", TEXTS[0], "--model", model, "-o", tmp_path / "r.html")
        page = (tmp_path / "r.html").read_text()
        assert ("those to its left only" in page) == said
        assert page.count("attention probabilities") > 1 and "no values of it" not in page


def test_a_saved_trace_holds_its_attention(command: Command, folder: Path, tmp_path: Path) -> None:
    command("run", TEXTS[0], "--model", folder, "--values", "-o", tmp_path / "t.json")
    code, out, err = command("attention", "--trace", tmp_path / "t.json", "--layer", "0", "--head", "1")
    assert (code, err) == (0, "") and "layer 0, head 1" in out
    assert Trace.load(tmp_path / "t.json").model.config["is_decoder"] is True
