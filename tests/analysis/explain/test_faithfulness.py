"""Masking words in the order of an explanation, held against plain forwards that are written here."""

import math
import random

import pytest
import torch
from analysis.explain.pairs import Case, Vocabulary, batch, model_of
from families.tiny import arguments
from msgspec import structs

from bert_inspect.analysis.explain.explain import explain
from bert_inspect.analysis.explain.faithfulness import BINS, MASKED, RANDOM_ORDERS, words_to_mask
from bert_inspect.analysis.explain.quantity import Wanted
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MULTIPLE_CHOICE, SEQUENCE_CLASSIFICATION, TOKEN_CLASSIFICATION

MASK = Vocabulary.mask_token_id


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "distilbert", "modernbert"])
def test_the_curves_are_those_of_plain_forwards(name: str) -> None:
    case: Case = (FAMILIES[name], SEQUENCE_CLASSIFICATION, {})
    loaded, given = model_of(case), batch(case[0])
    found = explain(loaded, given, check=True)
    for row, answer in enumerate(found.answers):
        places = [place for place, word in enumerate(given.words[row]) if word is not None]
        label = answer.target.of.index

        def probability(masked: list[int], row: int = row, label: int | None = label) -> float:
            inputs = {key: tensor[row : row + 1].clone() for key, tensor in arguments(case[0], case[1], given).items()}
            inputs["input_ids"][0, masked] = MASK
            with torch.inference_mode():
                return float(loaded.model(**inputs).logits[0].double().softmax(dim=0)[label])

        told = answer.faithfulness
        assert told is not None and told.quantity == "probability" and told.words == len(places)
        assert told.before == pytest.approx(probability([]), abs=1e-6)
        share = {token.place: float(token.share) for token in answer.tokens}
        falls = {place: float(told.before) - probability([place]) for place in places}
        shuffled = []
        for seed in range(RANDOM_ORDERS):
            order = list(range(len(places)))
            random.Random(seed).shuffle(order)
            shuffled.append([places[at] for at in order])
        orders = {
            "explanation": [sorted(places, key=lambda place: -share[place])],
            "occlusion": [sorted(places, key=lambda place: -falls[place])],
            "random": shuffled,
        }
        for one in told.orders:
            if one.order == "occlusion" and len({round(fall, 6) for fall in falls.values()}) < len(falls):
                continue  # two words that fall alike may stand in either order
            several = orders[one.order]

            def mean(part: float, several: list[list[int]] = several, *, keep: bool = False) -> float:
                count = math.ceil(round(part * len(several[0]), 9))
                runs = [order[count:] if keep else order[:count] for order in several]
                return sum(map(probability, runs)) / len(runs)

            curve = [mean(part) for part in MASKED]
            assert [float(number) for number in one.curve] == pytest.approx(curve, abs=1e-5)
            assert float(one.aopc) == pytest.approx(float(told.before) - sum(curve) / len(curve), abs=1e-5)
            comprehensiveness = [float(told.before) - mean(part) for part in BINS]
            assert [*map(float, one.comprehensiveness)] == pytest.approx(comprehensiveness, abs=1e-5)
            sufficiency = [float(told.before) - mean(part, keep=True) for part in BINS]
            assert [*map(float, one.sufficiency)] == pytest.approx(sufficiency, abs=1e-5)


@pytest.mark.parametrize("head", [MULTIPLE_CHOICE, TOKEN_CLASSIFICATION], ids=lambda head: head.task)
def test_other_heads_are_held_against_their_own_probability(head: object) -> None:
    case: Case = (FAMILIES["bert"], head, {})  # type: ignore[assignment]
    for answer in explain(model_of(case), batch(case[0]), check=True).answers:
        assert answer.faithfulness is not None
        assert answer.faithfulness.before == pytest.approx(float(answer.target.of.probability or 0), abs=1e-6)


def test_of_a_regression_the_number_itself_is_read() -> None:
    case: Case = (FAMILIES["bert"], SEQUENCE_CLASSIFICATION, {"num_labels": 1})
    answer = explain(model_of(case), batch(case[0]), check=True).answers[0]
    assert answer.faithfulness is not None and answer.faithfulness.quantity == "value"
    assert answer.faithfulness.before == pytest.approx(float(answer.target.of.logit), abs=1e-6)


def test_no_sentence_is_run_twice_and_all_are_counted() -> None:
    case: Case = (FAMILIES["bert"], SEQUENCE_CLASSIFICATION, {})
    loaded, given = model_of(case), batch(case[0])
    rows: list[int] = []
    handle = loaded.model.classifier.register_forward_pre_hook(lambda module, args: rows.append(len(args[0])))
    found = explain(loaded, given, check=True)
    handle.remove()
    told = [answer.faithfulness for answer in found.answers]
    assert sum(rows) == 2 + sum(one.forwards for one in told if one is not None)  # and the batch that is explained
    assert told[1] is not None and told[1].words == 4 and told[1].forwards <= 2**4  # so many choices there are


def test_words_are_the_tokenizers_own_with_their_pieces_and_of_a_pair_from_both_texts() -> None:
    given = structs.replace(
        batch(FAMILIES["bert"]),
        texts=["pineapple pizza", ""],
        pairs=["no", ""],
        offsets=[[(0, 0), (0, 4), (4, 9), (10, 15), (0, 0), (0, 2), (0, 0), (0, 0), (0, 0)]] * 2,
        words=[[None, 0, 0, 1, None, 0, None, None, None]] * 2,
        token_type_ids=[[0, 0, 0, 0, 0, 1, 1, 0, 0]] * 2,
    )
    found = words_to_mask(given, 0)
    assert found == [(1, 2), (3,), (5,)]
    assert [given.sides(0)[places[0]] for places in found] == [0, 0, 1]
    spans = [given.offsets[0][places[0]][:1] + given.offsets[0][places[-1]][1:] for places in found]
    texts = [(given.pairs or [])[0] if place == 5 else given.texts[0] for (place, *_) in found]
    assert [text[start:end] for text, (start, end) in zip(texts, spans, strict=True)] == ["pineapple", "pizza", "no"]


def test_without_words_or_a_mask_it_says_so() -> None:
    case: Case = (FAMILIES["bert"], SEQUENCE_CLASSIFICATION, {})
    loaded, given = model_of(case), batch(case[0])
    bare = structs.replace(given, words=[[None] * 9] * 2)
    with pytest.raises(UsageError, match="no words"):
        explain(loaded, bare, check=True)
    one = structs.replace(given, words=[[None] * 9, given.words[1]])
    first, second = explain(loaded, one, check=True).answers
    assert first.faithfulness is None and second.faithfulness is not None
    import dataclasses

    with pytest.raises(UsageError, match="no mask"):
        explain(dataclasses.replace(loaded, tokenizer=None), given, check=True)
    assert explain(loaded, given, check=True, wanted=Wanted(target="1")).answers[0].faithfulness is not None
