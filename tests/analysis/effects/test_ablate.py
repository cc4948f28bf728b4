"""Ablations one by one, held against plain transformers with the same part taken out of a copy of the model."""

import copy
from typing import Any

import pytest
import torch
from analysis.effects.asking import ablate
from families.tiny import arguments, as_loaded, batch, tiny
from helpers import TEXTS, shown, tiny_model

from bert_inspect.analysis.effects.record import AnswerEffects
from bert_inspect.analysis.explain.wanted import Wanted
from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.capture.forward import run_forward
from bert_inspect.errors import BertInspectError, UsageError
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import MASKED_LM, MULTIPLE_CHOICE, QUESTION_ANSWERING, SEQUENCE_CLASSIFICATION, Head
from bert_inspect.loading.loaded import Loaded
from bert_inspect.render.effects.page import effects_page
from bert_inspect.render.effects.view import View
from bert_inspect.traces.edits import parse_edits
from bert_inspect.traces.record import Input
from bert_inspect.traces.vocabulary import roles

HEADS = 4
BERT = FAMILIES["bert"]
OWN_LAYERS = [family for family in FAMILIES.values() if not family.shares_layer]


def a_model(family: Family = BERT, head: Head = SEQUENCE_CLASSIFICATION, **changes: Any) -> Any:
    return tiny(family, head, **changes)


def plain(model: Any, family: Family, head: Head, given: Input) -> torch.Tensor:
    """What transformers returns without us."""
    with torch.no_grad():
        found = model(**arguments(family, head, given)).logits
    assert isinstance(found, torch.Tensor)
    return found


def metric(logits: torch.Tensor, answer: AnswerEffects) -> torch.Tensor:
    """The logit difference, with which logits it is read from what was asked for."""
    target = answer.target
    assert target.against is not None
    return logits[answer.sentence, target.of.index] - logits[answer.sentence, target.against.index]


def values(answer: AnswerEffects) -> torch.Tensor:
    return torch.tensor([effect.value for effect in answer.effects])


@pytest.mark.slow
@pytest.mark.parametrize(
    "family", [each for each in FAMILIES.values() if not each.shares_layer], ids=lambda f: f.model_type
)
def test_every_head_is_its_columns_of_the_output_projection_set_to_0(family: Family) -> None:
    model, given = a_model(family), batch(family)
    found = ablate(as_loaded(model), given, each="head")
    role = as_loaded(model).family.role
    projections = [path for path, _ in model.named_modules() if role(path) == roles.ATTENTION_OUTPUT_PROJECTION]
    size = model.config.hidden_size // HEADS
    wanted = []
    for path in projections:
        for head in range(HEADS):
            other = copy.deepcopy(model)
            with torch.no_grad():
                other.get_submodule(path).weight[:, head * size : (head + 1) * size] = 0.0
            wanted.append(plain(other, family, SEQUENCE_CLASSIFICATION, given))
    whole = plain(model, family, SEQUENCE_CLASSIFICATION, given)
    assert [(effect.layer, effect.number) for effect in found.answers[0].effects] == [
        (layer, head) for layer in range(len(projections)) for head in range(HEADS)
    ]
    for answer in found.answers:
        torch.testing.assert_close(values(answer), torch.stack([metric(logits, answer) for logits in wanted]))
        torch.testing.assert_close(torch.tensor(answer.value), metric(whole, answer))
        effects = torch.tensor([effect.effect for effect in answer.effects])
        torch.testing.assert_close(effects, values(answer) - float(answer.value))
        for effect, logits in zip(answer.effects, wanted, strict=True):
            row = logits[answer.sentence]
            assert effect.probability == pytest.approx(float(row.softmax(0)[answer.target.of.index]), abs=1e-5)
            assert effect.flips is (int(row.argmax()) != int(whole[answer.sentence].argmax()))


ASKED = [
    ("bert", "head", "mean"),
    ("bert", "neuron", "zero"),
    ("bert", "layer", "0.5"),
    ("bert", "layer", "mean"),
    ("bert", "intermediate", "mean"),
    ("albert", "layer", "zero"),
    ("albert", "head", "zero"),
    ("modernbert", "intermediate", "zero"),
    ("deberta-v2", "attention", "-2"),
    ("distilbert", "layer", "zero"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "each", "how"), ASKED, ids=["-".join(asked) for asked in ASKED])
def test_every_row_is_a_run_with_that_edit_alone(name: str, each: Any, how: str) -> None:
    family = FAMILIES[name]
    loaded, given = as_loaded(a_model(family)), batch(family)
    found = ablate(loaded, given, each=each, how=how, layer=1 if each == "neuron" else None, at_once=64)
    for answer in found.answers:
        for effect in answer.effects[:: max(len(answer.effects) // 4, 1)]:
            trace = run_forward(loaded, given, edits=parse_edits(effect.edits)).trace
            assert trace.output is not None
            torch.testing.assert_close(torch.tensor(effect.value), metric(torch.tensor(trace.output.logits), answer))


@pytest.fixture
def with_tokenizer(tokenizer: Any) -> tuple[Loaded, Input]:
    loaded = as_loaded_with(tiny_model(initializer_range=0.2), tokenizer)
    return loaded, encode(tokenizer, Sentences(texts=TEXTS), limit=64, truncate=False)


def as_loaded_with(model: Any, tokenizer: Any) -> Loaded:
    return Loaded(
        model=model, name="tiny", source="python", weights="pretrained", initialised=[], seed=0, tokenizer=tokenizer
    )


@pytest.mark.slow
@pytest.mark.parametrize(("each", "how"), [("token", "zero"), ("word", "zero"), ("head", 'resample:"So do I."')])
def test_tokens_words_and_other_sentences_are_a_run_with_that_edit_alone(
    with_tokenizer: tuple[Loaded, Input], each: Any, how: str
) -> None:
    loaded, given = with_tokenizer
    found = ablate(loaded, given, each=each, how=how)
    for answer in found.answers:
        for effect in answer.effects[::2]:
            trace = run_forward(loaded, given, edits=parse_edits(effect.edits)).trace
            assert trace.output is not None
            torch.testing.assert_close(torch.tensor(effect.value), metric(torch.tensor(trace.output.logits), answer))


def test_words_take_all_their_pieces_and_special_tokens_are_none(with_tokenizer: tuple[Loaded, Input]) -> None:
    loaded, given = with_tokenizer
    tokens, words = (ablate(loaded, given, each=each).answers[1].effects for each in ("token", "word"))
    special = {place for place, is_special in enumerate(given.special[1]) if is_special}
    places = [place for effect in tokens for place in effect.tokens]
    assert places == [place for effect in words for place in effect.tokens]
    assert special.isdisjoint(places) and len(words) < len(tokens)


@pytest.mark.parametrize("each", ["token", "word"])
def test_what_is_a_mask_already_is_not_masked(with_tokenizer: tuple[Loaded, Input], tokenizer: Any, each: Any) -> None:
    loaded, _ = with_tokenizer
    masked = encode(tokenizer, Sentences(texts=["I [MASK] cats"]), limit=64, truncate=False)
    (answer,) = ablate(loaded, masked, each=each).answers
    assert {place for effect in answer.effects for place in effect.tokens} == {1, *range(3, len(masked.tokens[0]) - 1)}
    only = encode(tokenizer, Sentences(texts=["[MASK]"]), limit=64, truncate=False)
    with pytest.raises(UsageError, match=f"has no {each} that could be taken away"):
        ablate(loaded, only, each=each)


def test_resampling_from_the_sentence_itself_changes_nothing(
    with_tokenizer: tuple[Loaded, Input], tokenizer: Any
) -> None:
    loaded, _ = with_tokenizer
    one = encode(tokenizer, Sentences(texts=TEXTS[:1]), limit=64, truncate=False)
    (answer,) = ablate(loaded, one, each="attention", how=f"resample:{TEXTS[0]}").answers
    assert [abs(float(effect.effect)) < 1e-6 for effect in answer.effects] == [True, True]


@pytest.mark.parametrize("at_once", [1, 20, 10_000])
def test_how_many_run_at_once_does_not_matter(at_once: int) -> None:
    loaded, given = as_loaded(a_model()), batch(BERT)
    one, other = (ablate(loaded, given, at_once=size).answers for size in (at_once, 64))
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(values(a), values(b))


def test_layers_below_an_edit_do_not_run_again() -> None:
    model, given = a_model(), batch(BERT)
    rows: dict[int, int] = {0: 0, 1: 0}
    for number, layer in enumerate(model.bert.encoder.layer):
        layer.intermediate.register_forward_hook(
            lambda module, args, output, number=number: rows.update({number: rows[number] + len(output)})
        )
    ablate(as_loaded(model), given, each="neuron", layer=1)
    assert rows[1] - rows[0] == 2 * 64  # a row a neuron and sentence; all else runs both


def test_multiple_choice_and_masks_are_watched_too(tokenizer: Any) -> None:
    choices = a_model(head=MULTIPLE_CHOICE)
    given = batch(BERT)
    (answer,) = ablate(as_loaded(choices), given, at_once=40).answers
    effect = answer.effects[5]
    (edit,) = effect.edits
    trace = run_forward(as_loaded(choices), given, edits=parse_edits([edit])).trace
    assert trace.output is not None and answer.target.against is not None
    row = trace.output.logits[0]
    assert float(effect.value) == pytest.approx(
        row[answer.target.of.index] - row[answer.target.against.index], abs=1e-5
    )

    masks = as_loaded(a_model(head=MASKED_LM))
    (one, _) = ablate(masks, given, wanted=Wanted(token="3")).answers
    logits = plain(masks.model, BERT, MASKED_LM, given)[0, 3]
    best = logits.topk(2)
    assert one.target.of.index == int(best.indices[0]) and one.target.against is not None
    assert float(one.value) == pytest.approx(float(best.values[0] - best.values[1]), abs=1e-5)


def test_of_the_start_of_an_answer_is_said_what_its_logit_says() -> None:
    loaded = as_loaded(tiny(BERT, QUESTION_ANSWERING, initializer_range=0.8))
    found = ablate(loaded, batch(BERT))
    page = shown(effects_page(found, View()), 120)
    assert "raises it; the probability hangs on" in page and "leans" not in page
    assert "heads flip the start of the answer away from" in page


def test_another_class_is_watched_against_the_largest_of_the_others() -> None:
    model, given = a_model(num_labels=4), batch(BERT)
    logits = plain(model, BERT, SEQUENCE_CLASSIFICATION, given)[0]
    least, most = int(logits.argmin()), int(logits.argmax())
    (answer, _) = ablate(as_loaded(model), given, each="layer", wanted=Wanted(target=str(least))).answers
    assert answer.target.of.index == least and answer.target.against is not None
    assert answer.target.against.index == most and not answer.target.log_odds
    (named, _) = ablate(
        as_loaded(model), given, each="layer", wanted=Wanted(target=str(least), against=str(logits.argsort()[1].item()))
    ).answers
    assert named.target.against is not None and named.target.against.index == int(logits.argsort()[1])


def test_the_model_is_as_it_was_even_where_its_forward_raises() -> None:
    model, given = a_model(), batch(BERT)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    attributes = {path: set(vars(module)) for path, module in model.named_modules()}
    ablate(as_loaded(model.train()), given)
    assert model.training and all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    calls = []

    def fails(module: Any, args: Any, output: Any) -> None:
        calls.append(module)
        if len(calls) > 5:
            raise RuntimeError("no more")

    handle = model.classifier.register_forward_hook(fails)
    with pytest.raises(BertInspectError, match="no more"):
        ablate(as_loaded(model), given, at_once=1)
    handle.remove()
    assert {path: set(vars(module)) for path, module in model.named_modules()} == attributes


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"each": "neuron"}, "name one layer"),
        ({"each": "heads"}, "nothing that can be taken away"),
        ({"each": "head", "layer": 2}, "there is no layer 2"),
        ({"each": "head", "how": "half"}, "does not say how to ablate"),
        ({"each": "token", "how": "mean"}, "replaced by \\[MASK\\]"),
        ({"each": "word", "layer": 1}, "lies in no layer"),
        ({"each": "token"}, "has no mask"),
    ],
)
def test_what_cannot_be_done_is_refused(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        ablate(as_loaded(a_model()), batch(BERT), **asked)
    assert refused.value.hint
