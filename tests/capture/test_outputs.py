"""What a trace says that each head answers, held against transformers' pipelines and plain arithmetic."""

from typing import Any

import numpy as np
import pytest
import torch
from helpers import TEXTS, tiny_config
from transformers import pipeline, set_seed
from transformers.models.bert import modeling_bert
from transformers.pipelines.document_question_answering import select_starts_ends

from bert_inspect import Trace, trace
from bert_inspect.errors import UsageError

LABELS = dict(enumerate(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]))
SENTENCES = [
    "Barack Obama was born in Honolulu, Hawaii.",
    "Ünïcödé names: 北京, Zürich & pseudopseudohypoparathyroidism!",
    "no",
]


def model_of(kind: str, **changes: Any) -> Any:
    """A tiny model whose answers are not all alike: its head is drawn ten times as wide."""
    set_seed(5)
    model = getattr(modeling_bert, kind)(tiny_config(**changes)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.startswith("bert.") and parameter.dim() > 1:
                parameter.mul_(10)
    return model


def tagger() -> Any:
    return model_of("BertForTokenClassification", id2label=LABELS, label2id={name: key for key, name in LABELS.items()})


@pytest.mark.parametrize("text", SENTENCES)
def test_entities_are_those_of_the_pipeline(tokenizer: Any, text: str) -> None:
    model = tagger()
    expected = pipeline("token-classification", model, tokenizer=tokenizer, aggregation_strategy="simple")(text)
    traced = trace(model, tokenizer, [text, "A longer sentence beside it, so that there is padding in the batch."])
    assert traced.output is not None
    found = traced.output.entities[0]
    assert [(e.entity_group, e.word, e.start, e.end) for e in found] == [
        (e["entity_group"], e["word"], e["start"], e["end"]) for e in expected
    ]
    assert [e.score for e in found] == pytest.approx([float(e["score"]) for e in expected], abs=1e-5)


def test_no_entity_runs_from_one_text_of_a_pair_into_the_other(tokenizer: Any) -> None:
    model = model_of("BertForTokenClassification", id2label={0: "O", 1: "LOC"}, label2id={"O": 0, "LOC": 1})
    with torch.no_grad():  # every token is of one label, so that only the texts' ends part them
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0, 1.0]))
    output = trace(model, tokenizer, "Paris and Rome", pairs="Oslo").output
    assert output is not None
    assert [(found.start, found.end) for found in output.entities[0]] == [(0, 14), (0, 4)]


def test_every_token_has_its_label_and_padding_none(tokenizer: Any) -> None:
    model = tagger()
    traced = trace(model, tokenizer, TEXTS)
    with torch.inference_mode():
        logits = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits
    output = traced.output
    assert output is not None and torch.equal(torch.tensor(output.logits, dtype=torch.float32), logits)
    shares = logits.double().softmax(-1)
    for row, mask in enumerate(traced.input.attention_mask):
        for place, seen in enumerate(mask):
            found = output.tokens[row][place]
            assert (found is not None) == bool(seen)
            if found is not None:
                assert found.label == LABELS[int(logits[row, place].argmax())]
                assert found.score == pytest.approx(float(shares[row, place].max()), abs=1e-12)


CONTEXT = "My name is Clara and I live in Berkeley. It rains; nobody minds the pseudopseudohypoparathyroidism."


@pytest.mark.parametrize("seed", range(6))
def test_the_answer_is_the_span_that_the_pipeline_would_choose(tokenizer: Any, seed: int) -> None:
    model = model_of("BertForQuestionAnswering")
    with torch.no_grad():
        model.qa_outputs.weight.normal_(generator=torch.Generator().manual_seed(seed))
    question = "Where do I live?"
    traced = trace(model, tokenizer, [question, "Who?"], pairs=[CONTEXT, "Somebody."])
    assert traced.output is not None
    given = tokenizer(question, CONTEXT, return_tensors="pt")
    with torch.inference_mode():
        plain = model(**given)
    sides = given.sequence_ids(0)
    outside = np.array([[int(side != 1 and place != 0) for place, side in enumerate(sides)]])
    starts, ends, scores, _ = select_starts_ends(
        plain.start_logits.double().numpy(), plain.end_logits.double().numpy(), outside, given.attention_mask.numpy()
    )
    first, last = (
        given.word_to_chars(0, given.token_to_word(int(starts[0])), 1),
        given.word_to_chars(0, given.token_to_word(int(ends[0])), 1),
    )
    answer = traced.output.answers[0]
    assert (answer.start, answer.end) == (first.start, last.end)
    assert answer.text == CONTEXT[first.start : last.end]
    assert answer.score == pytest.approx(float(np.ravel(scores)[0]), rel=1e-4)
    assert traced.output.answers[1].text in "Somebody."


@pytest.mark.parametrize("kind", ["BertForMaskedLM", "BertForPreTraining"])
def test_the_best_tokens_at_each_mask_are_those_of_the_pipeline(tokenizer: Any, kind: str) -> None:
    model, text = model_of(kind), "I [MASK] cats and [MASK]."
    traced = trace(model, tokenizer, ["Nothing is hidden here at all.", text])
    assert traced.output is not None
    with torch.inference_mode():
        plain = model(**tokenizer(text, return_tensors="pt"))
    logits = plain.logits if kind == "BertForMaskedLM" else plain.prediction_logits
    assert [mask.sentence for mask in traced.output.masks] == [1, 1]
    for mask in traced.output.masks:
        assert traced.input.tokens[1][mask.position] == "[MASK]"
        values, ids = logits[0, mask.position].double().softmax(-1).topk(10)
        assert [each.id for each in mask.tokens] == ids.tolist()
        assert [each.token for each in mask.tokens] == tokenizer.convert_ids_to_tokens(ids.tolist())
        assert [each.probability for each in mask.tokens] == pytest.approx(values.tolist(), rel=1e-4)
    if kind == "BertForMaskedLM":
        filled = pipeline("fill-mask", model, tokenizer=tokenizer)(text)
        ours = [[each.id for each in mask.tokens[:5]] for mask in traced.output.masks]
        assert ours == [[each["token"] for each in best] for best in filled]


def test_pre_training_answers_for_the_pair_too(tokenizer: Any) -> None:
    model = model_of("BertForPreTraining")
    traced = trace(model, tokenizer, TEXTS[0], pairs=TEXTS[1])
    with torch.inference_mode():
        plain = model(**tokenizer(*TEXTS, return_tensors="pt"))
    assert traced.output is not None
    assert traced.output.class_logits == plain.seq_relationship_logits.tolist()
    assert (
        traced.output.predictions[0].label == ["next sentence", "not next"][int(plain.seq_relationship_logits.argmax())]
    )


def test_a_choice_is_one_answer_over_all_choices(tokenizer: Any) -> None:
    model, choices = model_of("BertForMultipleChoice"), ["So do I.", "It rains.", "No."]
    traced = trace(model, tokenizer, TEXTS[0], choices=choices, labels=[2])
    given = tokenizer([TEXTS[0]] * 3, choices, padding=True, return_tensors="pt")
    with torch.inference_mode():
        plain = model(**{name: each.unsqueeze(0) for name, each in given.items()}, labels=torch.tensor([2]))
    output = traced.output
    assert output is not None and output.class_logits == plain.logits.tolist()
    assert output.predictions[0].label == choices[int(plain.logits.argmax())]
    assert output.loss == pytest.approx(float(plain.loss))
    assert Trace.from_json(b"".join(traced.json())) == traced


def test_one_choice_is_one_text_and_not_its_letters(tokenizer: Any) -> None:
    traced = trace(model_of("BertForMultipleChoice"), tokenizer, TEXTS[0], choices="So do I.")
    assert traced.input.pairs == ["So do I."] and len(traced.input.texts) == 1
    with pytest.raises(UsageError, match="a sentence is a string"):
        trace(model_of("BertForMultipleChoice"), tokenizer, TEXTS[0], choices=[1, 2])  # type: ignore[list-item]


def test_a_next_sentence_has_a_loss_by_its_label(tokenizer: Any) -> None:
    model = model_of("BertForNextSentencePrediction")
    traced = trace(model, tokenizer, TEXTS[0], pairs=TEXTS[1], labels=[1])
    with torch.inference_mode():
        plain = model(**tokenizer(*TEXTS, return_tensors="pt"), labels=torch.tensor([1]))
    assert traced.output is not None and traced.output.loss == pytest.approx(float(plain.loss))


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        ("BertForSequenceClassification", {"choices": ["a"]}, "multiple choice"),
        ("BertForMultipleChoice", {}, "chooses between"),
        ("BertForMultipleChoice", {"choices": ["a"], "pairs": ["b"]}, "without a pair"),
        ("BertForMultipleChoice", {"choices": ["a", "b"], "labels": [2]}, "not a class"),
        ("BertForTokenClassification", {"labels": [1]}, "token-classification"),
        ("BertModel", {"labels": [1]}, "feature-extraction"),
        ("BertForNextSentencePrediction", {"labels": [2]}, "not a class"),
    ],
)
def test_what_a_head_cannot_use_is_refused(tokenizer: Any, kind: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        trace(model_of(kind), tokenizer, "One text.", **given)


@pytest.mark.parametrize(
    "kind", ["BertForTokenClassification", "BertForQuestionAnswering", "BertForMaskedLM", "BertModel"]
)
def test_a_trace_of_any_head_is_read_as_it_was_written(tokenizer: Any, kind: str) -> None:
    traced = trace(model_of(kind), tokenizer, ["I [MASK] cats.", "No."], pairs=["a", "b c"])
    assert Trace.from_json(b"".join(traced.json())) == traced
