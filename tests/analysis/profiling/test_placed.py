"""Where a run lies in a corpus, held against the hidden states of plain transformers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from analysis.profiling.corpus_of import TEXTS, profiled, sentences
from analysis.profiling.test_profiler import plain, small
from families.tiny import as_loaded
from msgspec import structs

from bert_inspect.analysis.profiling.placed import check_model, placed
from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.errors import UsageError
from bert_inspect.families.heads import NO_HEAD
from bert_inspect.profiles.placement.placement import Placement
from bert_inspect.profiles.record import Profile
from bert_inspect.traces.selection import Selection, Wanted

CORPUS = sentences(TEXTS)
RUN = ["believe me, the cats love a b c", "I hoped"]


def profile_of(loaded: Any, tokenizer: Any, **how: Any) -> Profile:
    """The profile of the corpus, cut nowhere."""
    found = profiled(loaded, tokenizer, CORPUS, **how)
    return structs.replace(found, input=structs.replace(found.input, max_length=64))


def placed_texts(loaded: Any, tokenizer: Any, profile: Profile, texts: list[str], **how: Any) -> Placement:
    batch = encode(tokenizer, Sentences(texts=texts), limit=64, truncate=False)
    return placed(loaded, batch, profile, predictions=[], **how)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "modernbert", "deberta-v2"])
def test_dimensions_and_ranges_are_those_of_plain_transformers(name: str) -> None:
    loaded, tokenizer = small(name)
    found = placed_texts(loaded, tokenizer, profile_of(loaded, tokenizer), RUN)
    (_, output, known), (modules, ran, real) = plain(loaded, tokenizer, TEXTS), plain(loaded, tokenizer, RUN)
    beyond, farthest = 0, {}
    for number, (corpus, here) in enumerate(zip(output.hidden_states, ran.hidden_states, strict=True)):
        there, mine = corpus[known].double().numpy(), here[real].double().numpy()
        rounding = 64 * 2.0**-24 * np.abs(there).max()  # what another batch may add to a number
        passed = (mine > there.max(0) + rounding) | (mine < there.min(0) - rounding)
        beyond += int(passed.any(0).sum())
        deviations = (mine - there.mean(0)) / there.std(0, ddof=1)
        for token, dimension in np.argwhere(passed):
            size = deviations[token, dimension]
            if abs(size) > abs(farthest.get(dimension, (0,))[0]):
                farthest[dimension] = size, number, token, mine[token, dimension]
    assert found.beyond == (len(ran.hidden_states) * mine.shape[1], beyond) and beyond
    ordered = sorted(farthest, key=lambda dimension: -abs(farthest[dimension][0]))
    for one, dimension in zip(found.dimensions, ordered, strict=False):
        size, number, token, value = farthest[dimension]
        assert (one.dimension, one.hidden_state, one.beyond) == (dimension, number, True)
        assert (one.token, one.value, one.deviations) == (token, pytest.approx(value), pytest.approx(size, rel=1e-5))
    assert found.places == [(int(row), int(place)) for row, place in real.nonzero()]
    seen: set[str] = set()
    assert found.sentences == 2 and found.by_chance == 2 / (2 + len(TEXTS))
    for step in found.steps:
        held, there = step.held, step.corpus
        if held.step.kind == "module" and held.output.axes and held.output.axes[:2] == ["batch", "tokens"]:
            returned = modules[held.step.path][held.step.call]
            numbers = (returned if isinstance(returned, torch.Tensor) else returned[held.at])[real]
            assert (step.here.min, step.here.max) == (float(numbers.min()), float(numbers.max()))
            seen.add(held.step.path)
        assert step.above == pytest.approx(max(float(step.here.max) - float(there.max), 0), abs=1e-5)
        assert step.below == pytest.approx(max(float(there.min) - float(step.here.min), 0), abs=1e-5)
    assert len(seen) > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_a_sentence_of_the_corpus_lies_inside_whatever_stands_beside_it(name: str) -> None:
    loaded, tokenizer = small(name)
    profile = profile_of(loaded, tokenizer)
    for texts in ([TEXTS[3]], TEXTS[2:5]):
        found = placed_texts(loaded, tokenizer, profile, texts)
        assert found.beyond[1] == 0 and not any(one.beyond for one in found.dimensions)
        assert not any(step.above or step.below for step in found.steps)


def test_a_token_larger_than_any_of_the_corpus_is_named() -> None:
    loaded, tokenizer = small("bert")
    (number,) = tokenizer("z", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        loaded.model.bert.embeddings.word_embeddings.weight[number, 7] = 30.0
    profile = profile_of(loaded, tokenizer)
    found = placed_texts(loaded, tokenizer, profile, ["I love z and cats"])
    first = found.dimensions[0]
    assert (first.dimension, first.beyond, first.states[0]) == (7, True, 0) and first.value > first.high
    ids = tokenizer("I love z and cats")["input_ids"]
    assert found.places[first.token] == (0, ids.index(number))
    looked_up = next(step for step in found.steps if step.held.step.path == "bert.embeddings.word_embeddings")
    assert looked_up.verdict == "beyond" and looked_up.here.max == 30.0
    assert looked_up.above == pytest.approx(30.0 - float(looked_up.corpus.max or 0))
    with torch.no_grad():
        loaded.model.bert.encoder.layer[1].output.dense.bias[3] = torch.nan
    broken = profile_of(loaded, tokenizer)
    assert placed_texts(loaded, tokenizer, broken, ["cats"]).beyond[0] == found.beyond[0]


def test_filters_of_the_profile_and_of_the_run_hold_together() -> None:
    loaded, tokenizer = small("bert")
    selection = Selection.parse(layer="1", module=["output", "attention"], level="module")
    profile = profile_of(loaded, tokenizer, selection=selection)
    found = placed_texts(loaded, tokenizer, profile, RUN)
    assert {step.held.step.layer for step in found.steps} == {1}
    other = placed_texts(loaded, tokenizer, profile, RUN, wanted=Wanted(layers=frozenset({0})))
    assert not other.steps and not other.heads and other.beyond == (0, 0)


def test_a_profile_of_another_model_is_refused() -> None:
    loaded, tokenizer = small("bert")
    profile = profile_of(loaded, tokenizer)
    config = {**profile.model.config, "transformers_version": "5.0.0"}
    check_model(loaded, structs.replace(profile, model=structs.replace(profile.model, config=config)))
    body, _ = small("bert", NO_HEAD)
    with pytest.raises(UsageError, match="whose class is BertForSequenceClassification"):
        check_model(body, profile)
    loaded.model.config.layer_norm_eps *= 2
    with pytest.raises(UsageError, match="configured otherwise: layer_norm_eps differs"):
        check_model(loaded, profile)
    loaded.model.config._attn_implementation = "sdpa"
    with pytest.raises(UsageError, match="made with eager attention, and this run has sdpa") as caught:
        check_model(loaded, profile)
    assert caught.value.hint == 'give the same: `attention="eager"`'
    with torch.no_grad():
        loaded.model.classifier.bias[0] += 1
    with pytest.raises(UsageError, match="whose weights are"):
        check_model(replace(as_loaded(loaded.model), tokenizer=tokenizer), profile)
