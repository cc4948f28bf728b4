"""What the head answers from each hidden state is what plain transformers' own modules answer there."""

from typing import Any

import pytest
import torch
from analysis.explain.pairs import CASES, NAMES, Case, asked, batch, model_of
from families.tiny import arguments

from bert_inspect.analysis.explain.by_layer import by_layer
from bert_inspect.analysis.explain.quantity import Wanted
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MASKED_LM, SEQUENCE_CLASSIFICATION, TOKEN_CLASSIFICATION


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_last_is_the_output_to_the_bit(case: Case) -> None:
    loaded, given = model_of(case), batch(case[0])
    with torch.inference_mode():
        plain = loaded.model(**arguments(case[0], case[1], given))
    for answer in by_layer(loaded, given, asked(case)):
        assert [one.layer for one in answer.layers] == list(range(loaded.layers + 1))
        assert answer.layers[-1].value == answer.target.of.logit
        assert answer.layers[-1].probability == answer.target.of.probability
        values = [tensor for tensor in plain.values() if isinstance(tensor, torch.Tensor)]
        assert any((tensor == float(answer.layers[-1].value)).any() for tensor in values)


def heads(case: Case, model: Any, state: torch.Tensor) -> torch.Tensor:
    """What the modules above the last layer of a model make of a hidden state."""
    family, head, _ = case
    if head is MASKED_LM:
        return model.cls(state) if family.model_type == "bert" else model.lm_head(state)
    if head is TOKEN_CLASSIFICATION:
        return model.classifier(state)
    return model.classifier(model.bert.pooler(state) if family.model_type == "bert" else state)


@pytest.mark.parametrize("head", [SEQUENCE_CLASSIFICATION, TOKEN_CLASSIFICATION, MASKED_LM], ids=lambda h: h.task)
@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_each_is_the_head_on_that_hidden_state(name: str, head: Any) -> None:
    case: Case = (FAMILIES[name], head, {})
    loaded, given = model_of(case), batch(case[0])
    with torch.inference_mode():
        plain = loaded.model(**arguments(case[0], case[1], given), output_hidden_states=True)
        wanted = [heads(case, loaded.model, state) for state in plain.hidden_states]
    for answer in by_layer(loaded, given, asked(case)):
        index = answer.target.of.index
        for one, logits in zip(answer.layers, wanted, strict=True):
            row = (
                logits[answer.sentence] if answer.target.token is None else logits[answer.sentence, answer.target.token]
            )
            assert one.value == float(row[index])
            assert one.probability == pytest.approx(float(row.double().softmax(dim=0)[index]), abs=1e-12)


def test_at_0_every_sentence_has_the_same_answer_where_the_first_token_alone_is_read() -> None:
    case: Case = (FAMILIES["bert"], SEQUENCE_CLASSIFICATION, {})
    one, other = by_layer(model_of(case), batch(case[0]), Wanted(target="0"))
    assert one.constant_at_0 and other.constant_at_0
    assert one.layers[0].value == other.layers[0].value and one.layers[-1].value != other.layers[-1].value


@pytest.mark.parametrize(
    ("name", "head", "changes", "padding"),
    [
        ("bert", TOKEN_CLASSIFICATION, {}, "right"),
        ("modernbert", SEQUENCE_CLASSIFICATION, {"classifier_pooling": "mean"}, "right"),
        ("bert", SEQUENCE_CLASSIFICATION, {}, "left"),
    ],
)
def test_where_other_tokens_are_read_or_the_first_one_stands_elsewhere_it_is_not_said(
    name: str, head: Any, changes: dict[str, Any], padding: str
) -> None:
    case: Case = (FAMILIES[name], head, changes)
    found = by_layer(model_of(case), batch(case[0], padding=padding), Wanted())
    assert not found[1].constant_at_0
