"""Padding and truncation on the left, against the tokenizer's own words and plain transformers."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import TEXTS, change, find, values_of

from bert_inspect import Trace, trace
from bert_inspect.analysis.attention import attentions, marks, summaries
from bert_inspect.analysis.patterns import in_words, pattern
from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.traces.record import Step
from bert_inspect.traces.sentences import classification_place, cut_in_words, cuts

Command = Callable[..., tuple[int, str, str]]


def sided(tokenizer: Any, **sides: str) -> Any:
    changed = copy.deepcopy(tokenizer)
    for name, side in sides.items():
        setattr(changed, name, side)
    return changed


@pytest.fixture
def left(tokenizer: Any) -> Any:
    return sided(tokenizer, padding_side="left")


def pooled(traced: Trace) -> Step:
    return next(step for step in traced.steps if step.path == "bert.pooler" and step.kind == "op")


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_words_that_are_lost_are_those_of_the_side_that_is_cut(tokenizer: Any, side: str) -> None:
    cut_side = sided(tokenizer, truncation_side=side)
    text = "You love pizza, he hates cats and dogs"
    batch = encode(cut_side, Sentences(texts=[text]), limit=6, truncate=True)
    kept = cut_side.decode(batch.input_ids[0], skip_special_tokens=True)
    lost = " ".join(word for cut in cuts(batch, 0) for word in cut.words)
    assert text.startswith(kept) if side == "right" else text.endswith(kept)
    assert lost and (text == f"{kept} {lost}" if side == "right" else text == f"{lost} {kept}")
    assert cut_in_words(batch, 0) == f"5 tokens cut from its {'end' if side == 'right' else 'beginning'}"


@pytest.mark.parametrize("side", ["left", "right"])
def test_of_a_pair_it_is_said_which_sentence_was_cut_and_where(tokenizer: Any, side: str) -> None:
    sentences = Sentences(texts=["I love cats"], pairs=["he hates dogs and cats and pizza"])
    batch = encode(sided(tokenizer, truncation_side=side), sentences, limit=10, truncate=True)
    assert [(cut.segment, cut.at_end) for cut in cuts(batch, 0)] == [(1, side == "right")]
    end = "end" if side == "right" else "beginning"
    assert cut_in_words(batch, 0) == f"3 tokens cut from the {end} of the second sentence"
    short = encode(sided(tokenizer, truncation_side=side), sentences, limit=7, truncate=True)
    assert {cut.segment for cut in cuts(short, 0)} == {0, 1} and len({cut.at_end for cut in cuts(short, 0)}) == 1


def test_what_leaves_no_token_at_the_other_end_was_not_cut(tokenizer: Any) -> None:
    batch = encode(tokenizer, Sentences(texts=["\u200b\u200b I love cats and dogs"]), limit=5, truncate=True)
    assert [cut.at_end for cut in cuts(batch, 0)] == [True]


def test_cls_is_found_where_it_stands(trained: Any, left: Any) -> None:
    traced = trace(trained, left, TEXTS, values=True, attention="eager")
    batch = traced.input
    for row in range(2):
        place = classification_place(batch, row)
        assert place == batch.input_ids[row].index(left.cls_token_id)
        first, separators, padding = marks(traced, row)
        assert np.flatnonzero(first).tolist() == [place]
        assert np.flatnonzero(separators).tolist() == [batch.input_ids[row].index(left.sep_token_id)]
        assert padding.tolist() == [id_ == left.pad_token_id for id_ in batch.input_ids[row]]
    layer, ids = attentions(traced)[0], torch.tensor(batch.input_ids[0])
    on_cls = values_of(find(traced, label="attention probabilities", layer=0))[0][:, ids != left.pad_token_id]
    expected = on_cls[:, :, ids == left.cls_token_id].sum(-1).mean(-1)
    for head, share in zip(summaries(layer, traced, 0), expected, strict=True):
        assert head.classification == pytest.approx(share.item())
    probabilities = np.zeros((9, 9))
    probabilities[:, classification_place(batch, 0)] = 1.0
    assert in_words(pattern(probabilities, traced, 0), batch.tokens[0]).startswith("mostly [CLS] (100 %)")


def test_a_tokenizer_without_special_tokens_has_no_cls(trained: Any, tokenizer: Any) -> None:
    bare = copy.deepcopy(tokenizer)
    bare.backend_tokenizer.post_processor = None
    traced = trace(trained, bare, "I love cats")
    assert traced.input.tokens == [["I", "love", "cats"]]
    assert classification_place(traced.input, 0) is None
    assert [mask.any() for mask in marks(traced, 0)] == [False, False, False]
    assert pooled(traced).label == "first token"


def test_the_pooled_step_is_called_by_what_it_takes(trained: Any, left: Any) -> None:
    alone, padded = trace(trained, left, TEXTS[0], values=True), trace(trained, left, TEXTS, values=True)
    assert pooled(alone).label == "first token [CLS]" and pooled(padded).label == "first token"
    with torch.inference_mode():
        hidden = trained.bert(**left(TEXTS, padding=True, return_tensors="pt")).last_hidden_state
    assert padded.input.tokens[0][0] == "[PAD]" and torch.equal(values_of(pooled(padded)), hidden[:, 0])


def test_the_header_keeps_the_order(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "left"
    shutil.copytree(checkpoint, folder)
    change(folder / "tokenizer_config.json", padding_side="left")
    out = command("run", *TEXTS, "--model", folder, "--depth", "1")[1]
    assert "[PAD] x 3 [CLS] I love cats ! [SEP]\n" in out
    code, out, _ = command("doctor", *TEXTS, "--model", folder, "--only", "padding")
    assert code == 1 and "pads on the left" in " ".join(out.split()) and "mask" not in out
    for name, texts in (("a", TEXTS[:1]), ("b", TEXTS)):
        command("run", *texts, "--model", folder, "--values", "-o", tmp_path / f"{name}.json")
    out = command("diff", tmp_path / "a.json", tmp_path / "b.json", "--explain", "--model", folder)[1]
    assert "sentence 1 begins at place 0 in A, at place 3 in B, so its tokens have other positions" in out
    assert Trace.load(tmp_path / "b.json").input.tokens[0][:3] == ["[PAD]"] * 3
