"""What the heads of every family answer, held against transformers' pipelines."""

from typing import Any

import family_tokenizers
import pytest
from families.tiny import tiny
from transformers import pipeline

from bert_inspect import Trace, trace
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MASKED_LM, TOKEN_CLASSIFICATION, Head

LABELS = dict(enumerate(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]))
TEXTS = ["I love cats, and cats love me!", "Das Café in Zürich öffnet um 8 Uhr.", "  two  leading spaces"]


def made(family: str, head: Head) -> tuple[Any, Any]:
    tokenizer = family_tokenizers.make(family)
    names = {"id2label": LABELS, "label2id": {name: key for key, name in LABELS.items()}}
    sizes = {"vocab_size": len(tokenizer), "max_position_embeddings": 80, "pad_token_id": tokenizer.pad_token_id}
    return tiny(FAMILIES[family], head, **sizes, **(names if head is TOKEN_CLASSIFICATION else {})), tokenizer


@pytest.mark.slow
@pytest.mark.parametrize("family", family_tokenizers.FAMILIES)
def test_entities_are_those_of_the_pipeline(family: str) -> None:
    """But for the space before a word, which some tokenizers count to it and a reader does not; a piece that is such a
    space alone they let cover the letter after it.
    """
    model, tokenizer = made(family, TOKEN_CLASSIFICATION)
    tag = pipeline("token-classification", model, tokenizer=tokenizer, aggregation_strategy="simple")
    for text in TEXTS:
        traced: Trace = trace(model, tokenizer, [text, "A longer sentence beside it, for there to be padding."])
        assert traced.output is not None
        expected = tag(text)
        found = traced.output.entities[0]
        assert [each.entity_group for each in found] == [each["entity_group"] for each in expected]
        assert [each.word for each in found] == [each["word"] for each in expected]
        assert [each.score for each in found] == pytest.approx([float(each["score"]) for each in expected], abs=1e-4)
        for ours, theirs in zip(found, expected, strict=True):
            assert theirs["start"] <= ours.start <= ours.end <= theirs["end"]
            if "▁" not in traced.input.tokens[0]:
                assert text[ours.start : ours.end].strip() == text[theirs["start"] : theirs["end"]].strip()


@pytest.mark.parametrize("family", family_tokenizers.FAMILIES)
def test_the_best_five_at_each_mask_are_those_of_the_pipeline(family: str) -> None:
    model, tokenizer = made(family, MASKED_LM)
    fill = pipeline("fill-mask", model, tokenizer=tokenizer)
    text = f"I love {tokenizer.mask_token} and {tokenizer.mask_token}."
    traced: Trace = trace(model, tokenizer, ["Nothing is hidden here at all, nothing.", text])
    assert traced.output is not None
    assert [mask.sentence for mask in traced.output.masks] == [1, 1]
    for mask, best in zip(traced.output.masks, fill(text), strict=True):
        assert [each.id for each in mask.tokens[:5]] == [each["token"] for each in best]
        scores = [each.probability for each in mask.tokens[:5]]
        assert scores == pytest.approx([each["score"] for each in best], rel=1e-3)
