"""Every partition sums to what plain transformers returns, in every family, with every head."""

import math
from collections.abc import Sequence

import pytest
import torch
from analysis.explain.pairs import ATTENDING, ATTENDING_NAMES, CASES, NAMES, Case, asked, batch, both, model_of
from families.tiny import arguments
from helpers import TEXTS

from bert_inspect import explain, load
from bert_inspect.analysis.explain.by_token import by_token
from bert_inspect.analysis.explain.explanation import Answer
from bert_inspect.analysis.explain.frozen_run import run_frozen
from bert_inspect.analysis.explain.quantity import Wanted
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MULTIPLE_CHOICE, SEQUENCE_CLASSIFICATION


def off(answer: Answer) -> float:
    """How far the shares of an answer that are written down lie from its number, summed anew."""
    shares = [float(share.share) for share in (*answer.tokens, *answer.biases)]
    if answer.components is not None:
        found = answer.components
        heads = [float(share) for layer in found.heads for share in layer]
        shares += [float(found.embeddings), float(found.convolution or 0), *heads, *map(float, found.feed_forward)]
    assert answer.total is not None
    return abs(math.fsum(shares) - float(answer.total.value))


@pytest.mark.slow
@pytest.mark.parametrize(("case", "attention"), ATTENDING, ids=ATTENDING_NAMES)
def test_the_sums_are_the_number_that_plain_transformers_returns(case: Case, attention: str) -> None:
    loaded, given = model_of(case, attention=attention), batch(case[0])
    with torch.inference_mode():
        plain = loaded.model(**arguments(case[0], case[1], given))
    run, tokens, components = both(loaded, given, asked(case))
    assert len(tokens) == (1 if case[1] is MULTIPLE_CHOICE else 2)
    for quantity, answers in zip(run.quantities, zip(tokens, components, strict=True), strict=True):
        number = float(getattr(plain, quantity.tensor)[quantity.index])
        for answer in answers:
            assert answer.total is not None and answer.total.value == number  # to the bit
            assert answer.total.adds_up and off(answer) <= float(answer.total.rounding) < 1e-4
        cuts = answers[0].cuts
        assert [cut.layer for cut in cuts] == list(range(loaded.layers + 1))
        assert all(cut.total.adds_up and cut.total.value == number for cut in cuts)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_in_float64_they_agree_to_1e_10(case: Case) -> None:
    family = case[0]
    # On padding ModernBERT's eager attention returns NaN in float64: its masks are float64's lowest number, in float32.
    attention = "sdpa" if family.model_type == "modernbert" else "eager"
    loaded, given = model_of(case, attention=attention, dtype=torch.float64), batch(family)
    _, tokens, components = both(loaded, given, asked(case))
    for one, other in zip(tokens, components, strict=True):
        assert off(one) <= 1e-10 and off(other) <= 1e-10
        assert all(abs(float(cut.total.difference)) <= 1e-10 for cut in one.cuts)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_padding_contributes_exactly_nothing(case: Case) -> None:
    if case[2].get("summary_type") in ("last", "mean", "cls_index"):
        pytest.skip("this head reads padding: the last place of a sentence, or the mean of all")
    loaded, given = model_of(case), batch(case[0])
    for answer in by_token(run_frozen(loaded, given, asked(case)), given):
        shares = {
            (token.sentence, token.place): float(token.share)
            for token in answer.tokens
            if not given.attention_mask[token.sentence][token.place]
        }
        assert all(share == 0.0 for share in shares.values()), shares


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_each_class_and_each_difference_of_two_has_a_sum(family: object) -> None:
    case: Case = (family, SEQUENCE_CLASSIFICATION, {"num_labels": 3})  # type: ignore[assignment]
    loaded, given = model_of(case), batch(case[0])
    by_class = []
    for label in range(3):
        answer = both(loaded, given, Wanted(target=str(label)))[1][0]
        assert answer.total is not None and answer.target.of.index == label and answer.total.adds_up
        by_class.append(answer)
    against = both(loaded, given, Wanted(target="2", against="0"))[1][0]
    assert against.total is not None and against.total.adds_up and not against.target.log_odds
    one, other = (float(answer.total.value) for answer in (by_class[2], by_class[0]) if answer.total is not None)
    assert float(against.total.value) == pytest.approx(one - other, abs=1e-7)
    differences = [float(a.share) - float(b.share) for a, b in zip(by_class[2].tokens, by_class[0].tokens, strict=True)]
    assert [float(token.share) for token in against.tokens] == pytest.approx(differences, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_in_half_precision_the_remainder_is_told_as_it_is(family: object, dtype: torch.dtype) -> None:
    case: Case = (family, SEQUENCE_CLASSIFICATION, {})  # type: ignore[assignment]
    loaded, given = model_of(case, dtype=dtype), batch(case[0])
    for answers in both(loaded, given, Wanted())[1:]:
        for answer in answers:
            assert answer.total is not None and answer.total.adds_up
            assert off(answer) == pytest.approx(abs(float(answer.total.difference)), abs=1e-12)
            assert float(answer.total.rounding) < 0.5


@pytest.mark.parametrize("name", ["bert", "electra", "albert"])
def test_chunks_of_tokens_change_nothing(name: str) -> None:
    family, head = FAMILIES[name], SEQUENCE_CLASSIFICATION
    case: Case = (family, head, {})
    given = batch(family)
    whole = both(model_of(case), given, asked(case))
    in_chunks = both(model_of((family, head, {"chunk_size_feed_forward": 3})), given, asked(case))
    for one, other in zip(whole[1] + whole[2], in_chunks[1] + in_chunks[2], strict=True):
        assert numbers(one) == pytest.approx(numbers(other), abs=1e-6)


def numbers(answer: Answer) -> Sequence[float]:
    shares = [float(share.share) for share in (*answer.tokens, *answer.biases)]
    if answer.components is not None:
        shares += [float(share) for layer in answer.components.heads for share in layer]
        shares += [float(share) for share in answer.components.feed_forward]
    return shares


@pytest.mark.slow
def test_alone_and_padded_in_a_batch_the_rows_are_the_same() -> None:
    for family in FAMILIES.values():
        case: Case = (family, SEQUENCE_CLASSIFICATION, {})
        loaded, given = model_of(case), batch(family)
        alone = batch_of_the_second(case)
        padded, single = both(loaded, given, Wanted()), both(loaded, alone, Wanted())
        short = len(alone.tokens[0])
        one = [float(token.share) for token in padded[1][1].tokens[:short]]
        other = [float(token.share) for token in single[1][0].tokens]
        assert one == pytest.approx(other, abs=2e-6)
        assert numbers(padded[2][1]) == pytest.approx(numbers(single[2][0]), abs=2e-6)
        biases = {(bias.parameter, bias.layer): float(bias.share) for bias in padded[1][1].biases}
        assert biases == pytest.approx(
            {(bias.parameter, bias.layer): float(bias.share) for bias in single[1][0].biases}, abs=2e-6
        )


def batch_of_the_second(case: Case):  # type: ignore[no-untyped-def]
    """The second sentence of the batch without its padding."""
    from msgspec import structs

    given = batch(case[0])
    real = sum(given.attention_mask[1])
    names = ("tokens", "offsets", "special", "words", "input_ids", "token_type_ids", "attention_mask")
    cut = {name: [getattr(given, name)[1][:real]] for name in names}
    return structs.replace(given, texts=given.texts[1:], pairs=given.pairs[1:], truncated=[0], **cut)  # type: ignore[index]


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_on_trained_weights_too(attention: str) -> None:
    model, tokenizer = load("bert-sentiment", attention=attention)  # type: ignore[arg-type]
    texts = [*TEXTS, "The food was not good.", "It is neither funny nor sad, and I was glad when it ended."]
    with torch.inference_mode():
        plain = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    for by in ("token", "component"):
        found = explain(model, tokenizer, texts, by=by, target="positive", against="negative")
        assert found.adds_up
        for row, answer in enumerate(found.answers):
            assert answer.total is not None and off(answer) < 1e-5
            assert float(answer.total.value) == pytest.approx(float(plain[row, 1] - plain[row, 0]), abs=1e-6)
    shares = {text: explain(model, tokenizer, text, target="positive").answers[0].tokens for text in TEXTS}
    assert max(shares[TEXTS[0]], key=lambda token: float(token.share)).place == 2  # love
    assert min(shares[TEXTS[1]], key=lambda token: float(token.share)).place == 2  # hates
