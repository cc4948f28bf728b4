"""Which number of each head is explained, and what is said where it is not there."""

import pytest
import torch
from analysis.explain.pairs import Case, Vocabulary, batch, model_of
from families.tiny import arguments
from msgspec import structs

from bert_inspect.analysis.explain.explain import explain
from bert_inspect.analysis.explain.explanation import Answer
from bert_inspect.analysis.explain.quantity import Wanted
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.families import heads as h
from bert_inspect.families.heads import Head

BERT = FAMILIES["bert"]
NAMES = {"id2label": {0: "bad", 1: "fair", 2: "Good"}, "label2id": {"bad": 0, "fair": 1, "Good": 2}, "num_labels": 3}


def answers(head: Head, family: str = "bert", masked: int | None = None, asked: Wanted = Wanted(), **changes: object):  # type: ignore[no-untyped-def]  # noqa: B008
    """The answers of a tiny model, beside what plain transformers returns; ``masked`` is where a mask is put."""
    case: Case = (FAMILIES[family], head, changes)
    loaded, given = model_of(case), batch(FAMILIES[family])
    if masked is not None:
        ids = [
            [Vocabulary.mask_token_id if place == masked else id_ for place, id_ in enumerate(row)]
            for row in given.input_ids
        ]
        given = structs.replace(given, input_ids=ids)
    with torch.inference_mode():
        plain = loaded.model(**arguments(case[0], head, given))
    return explain(loaded, given, wanted=asked).answers, plain, given


def number(answer: Answer) -> float:
    assert answer.total is not None
    return float(answer.total.value)


def test_of_classes_the_predicted_one_or_the_one_that_is_named() -> None:
    found, plain, _ = answers(h.SEQUENCE_CLASSIFICATION, **NAMES)
    for row, answer in enumerate(found):
        best = int(plain.logits[row].argmax())
        assert answer.target.of.index == best and number(answer) == float(plain.logits[row, best])
        assert answer.target.of.label == NAMES["id2label"][best]  # type: ignore[index]
        assert answer.target.of.probability == pytest.approx(float(plain.logits[row].softmax(-1)[best]), abs=1e-6)
    for name in ("good", "Good", "2"):
        found, plain, _ = answers(h.SEQUENCE_CLASSIFICATION, asked=Wanted(target=name, against="bad"), **NAMES)
        assert [number(answer) for answer in found] == pytest.approx((plain.logits[:, 2] - plain.logits[:, 0]).tolist())
        assert not found[0].target.log_odds  # of three classes


def test_of_two_classes_the_difference_is_the_log_odds() -> None:
    found, plain, _ = answers(h.SEQUENCE_CLASSIFICATION, asked=Wanted(target="1", against="0"))
    for row, answer in enumerate(found):
        share = torch.tensor(number(answer)).sigmoid()
        assert answer.target.log_odds and float(share) == pytest.approx(
            float(plain.logits[row].softmax(-1)[1]), abs=1e-6
        )


def test_of_several_labels_to_a_sentence_each_logit_is_its_own_log_odds() -> None:
    several = {"num_labels": 3, "problem_type": "multi_label_classification"}
    found, plain, _ = answers(h.SEQUENCE_CLASSIFICATION, asked=Wanted(target="2"), **several)
    assert found[1].target.of.probability == pytest.approx(float(plain.logits[1, 2].sigmoid()), abs=1e-6)


def test_of_a_regression_the_number() -> None:
    found, plain, _ = answers(h.SEQUENCE_CLASSIFICATION, num_labels=1)
    assert [number(answer) for answer in found] == plain.logits[:, 0].tolist()
    assert found[0].target.of.probability is None
    with pytest.raises(UsageError, match="second class"):
        answers(h.SEQUENCE_CLASSIFICATION, asked=Wanted(against="0"), num_labels=1)


def test_of_token_labels_the_surest_entity_or_the_token_that_is_named() -> None:
    tags = {"id2label": {0: "O", 1: "B-PER"}, "label2id": {"O": 0, "B-PER": 1}}
    found, plain, given = answers(h.TOKEN_CLASSIFICATION, **tags)
    for row, answer in enumerate(found):
        own = [
            place
            for place, special in enumerate(given.special[row])
            if not special and given.attention_mask[row][place]
        ]
        persons = [place for place in own if plain.logits[row, place].argmax() == 1]
        surest = max(persons or own, key=lambda place, row=row: float(plain.logits[row, place].softmax(-1).max()))
        assert answer.target.token == surest and answer.target.what == "token label"
    for name in ("t12", "3"):
        found, plain, _ = answers(h.TOKEN_CLASSIFICATION, asked=Wanted(token="3", target="b-per"), **tags)
        assert found[0].target.token == 3 and number(found[0]) == float(plain.logits[0, 3, 1]), name
    with pytest.raises(UsageError, match="sentence 2 has no token 't12'"):
        answers(h.TOKEN_CLASSIFICATION, asked=Wanted(token="t12"), **tags)
    with pytest.raises(UsageError, match="sentence 2 has no token '8'"):  # which is padding there
        answers(h.TOKEN_CLASSIFICATION, asked=Wanted(token="8"), **tags)


def test_of_an_answer_its_start_or_its_end() -> None:
    for which in ("start", "end"):
        found, plain, _ = answers(h.QUESTION_ANSWERING, asked=Wanted(target=which))
        logits = getattr(plain, f"{which}_logits")
        for row, answer in enumerate(found):
            assert answer.target.token is not None and answer.target.what == f"{which} of the answer"
            assert number(answer) == float(logits[row, answer.target.token])
    with pytest.raises(UsageError, match="neither the start nor the end"):
        answers(h.QUESTION_ANSWERING, asked=Wanted(target="middle"))


@pytest.mark.parametrize("head", [h.MASKED_LM, h.PRE_TRAINING], ids=lambda head: head.task)
def test_at_a_mask_the_best_token_or_the_one_that_is_named(head: Head) -> None:
    name = "logits" if head is h.MASKED_LM else "prediction_logits"
    found, plain, _ = answers(head, masked=2)
    for row, answer in enumerate(found):
        best = int(plain[name][row, 2].argmax())
        assert (answer.target.token, answer.target.of.index, answer.target.of.label) == (2, best, f"t{best}")
        assert number(answer) == float(plain[name][row, 2, best])
    found, plain, _ = answers(head, masked=2, asked=Wanted(target="t40", against="t41"))
    assert number(found[0]) == pytest.approx(float(plain[name][0, 2, 40] - plain[name][0, 2, 41]))
    with pytest.raises(UsageError, match="no token 'cat'"):
        answers(head, masked=2, asked=Wanted(target="cat"))


def test_without_a_mask_pre_training_explains_what_it_says_of_the_pair_and_fill_mask_asks_for_one() -> None:
    found, plain, _ = answers(h.PRE_TRAINING)
    best = int(plain.seq_relationship_logits[0].argmax())
    assert found[0].target.what == "class" and found[0].target.of.label == h.PRE_TRAINING.classes[best]
    with pytest.raises(UsageError, match="sentence 1 has no mask") as raised:
        answers(h.MASKED_LM)
    assert "[MASK]" in str(raised.value.hint)


def test_of_choices_the_chosen_one_with_its_own_row_or_two_that_are_compared() -> None:
    found, plain, given = answers(h.MULTIPLE_CHOICE)
    best = int(plain.logits[0].argmax())
    (answer,) = found
    assert answer.sentence == best and number(answer) == float(plain.logits[0, best])
    assert {token.sentence for token in answer.tokens} == {best} and answer.target.of.label == given.pairs[best]
    found, plain, _ = answers(h.MULTIPLE_CHOICE, asked=Wanted(target="0", against="1"))
    assert number(found[0]) == pytest.approx(float(plain.logits[0, 0] - plain.logits[0, 1]))
    assert {token.sentence for token in found[0].tokens} == {0, 1} and found[0].adds_up


def test_of_replaced_tokens_the_likeliest_or_the_one_that_is_named() -> None:
    found, plain, given = answers(h.REPLACED_TOKENS, family="electra")
    for row, answer in enumerate(found):
        place = answer.target.token
        own = [at for at in range(9) if given.attention_mask[row][at] and not given.special[row][at]]
        assert place == max(own, key=lambda at, row=row: float(plain.logits[row, at]))
        assert number(answer) == float(plain.logits[row, place])
    with pytest.raises(UsageError, match="one number"):
        answers(h.REPLACED_TOKENS, family="electra", asked=Wanted(target="replaced"))


def test_a_class_that_is_not_there_is_named_with_those_that_are() -> None:
    for name, said in (("great", "bad, fair, Good"), ("7", "classes 0 to 2"), ("-1", "bad, fair, Good")):
        with pytest.raises(UsageError) as raised:
            answers(h.SEQUENCE_CLASSIFICATION, asked=Wanted(target=name), **NAMES)
        assert said in f"{raised.value.message} {raised.value.hint}"
    with pytest.raises(UsageError, match="cannot be held against itself"):
        answers(h.SEQUENCE_CLASSIFICATION, asked=Wanted(target="bad", against="0"), **NAMES)
