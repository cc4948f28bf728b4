"""Profiles held against every activation of plain transformers, kept whole."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import family_tokenizers
import numpy as np
import pytest
import torch
from analysis.profiling.corpus_of import TEXTS, corpus, profiled, profiler, sentences
from families.tiny import as_loaded, tiny
from transformers.models.bert.tokenization_bert import BertTokenizer

from bert_inspect.errors import BertInspectError, UsageError
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import (
    MASKED_LM,
    NEXT_SENTENCE,
    NO_HEAD,
    REPLACED_TOKENS,
    SEQUENCE_CLASSIFICATION,
    TOKEN_CLASSIFICATION,
)
from bert_inspect.profiles.buckets import ERROR, quantiles
from bert_inspect.profiles.profile_file import decode_profile, profile_json
from bert_inspect.profiles.record import Dimensions, Numbers, OutputProfile, Profile
from bert_inspect.profiles.total import Total
from bert_inspect.traces.selection import Selection


def tokenizer_of(family: Family) -> Any:
    if family.model_type in family_tokenizers.FAMILIES:
        return family_tokenizers.make(family.model_type)
    return BertTokenizer(vocab=family_tokenizers.words("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))


def small(name: str, head: Any = SEQUENCE_CLASSIFICATION, **changes: Any) -> tuple[Any, Any]:
    """A tiny model of a family with a tokenizer."""
    family = FAMILIES[name]
    tokenizer = tokenizer_of(family)
    model = tiny(
        family,
        head,
        vocab_size=len(tokenizer),
        max_position_embeddings=80,
        pad_token_id=tokenizer.pad_token_id,
        **changes,
    )
    return replace(as_loaded(model), tokenizer=tokenizer), tokenizer


@contextmanager
def kept(model: Any) -> Iterator[dict[str, list[Any]]]:
    """Keep what each module returns."""
    found: dict[str, list[Any]] = {}
    handles = [
        module.register_forward_hook(lambda _, __, output, path=path: found.setdefault(path, []).append(output))
        for path, module in model.named_modules()
    ]
    yield found
    for handle in handles:
        handle.remove()


def plain(loaded: Any, tokenizer: Any, texts: list[str]) -> tuple[dict[str, list[Any]], Any, torch.Tensor]:
    """What plain transformers makes of the sentences in one batch: of each module, at the end, and which are real."""
    given = tokenizer(texts, padding=True, return_tensors="pt")
    names = loaded.family.inputs
    with torch.no_grad(), kept(loaded.model) as found:
        output = loaded.model(
            **{name: given[name] for name in names if name in given},
            output_hidden_states=True,
            output_attentions=True,
        )
    return found, output, given["attention_mask"].bool()


def outputs(profile: Profile) -> Iterator[tuple[Any, int, OutputProfile]]:
    """Each output of a profile, with the one in its place that has its numbers."""
    by_id = {step.id: step for step in profile.steps}
    for step in profile.steps:
        for at, output in enumerate(step.outputs):
            while output.same_as is not None:
                number, place = output.same_as
                output = by_id[number].outputs[place]
            yield step, at, output


def assert_numbers(found: Numbers, wanted: torch.Tensor) -> None:
    numbers = wanted.double().reshape(-1).numpy()
    assert found.count == len(numbers) and found.nan == found.inf == 0
    assert (found.min, found.max) == (numbers.min(), numbers.max())
    assert found.zeros == int((numbers == 0).sum())
    scale = max(abs(numbers.mean()), numbers.std())
    assert float(found.mean or 0) == pytest.approx(numbers.mean(), abs=1e-12 * scale)
    assert float(found.std or 0) == pytest.approx(numbers.std(ddof=1), abs=1e-12 * scale)
    shares = [0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0]
    exact = np.quantile(numbers, shares, method="inverted_cdf")
    assert all(
        abs(one - other) <= ERROR * abs(other) for one, other in zip(quantiles(found, shares), exact, strict=True)
    )


def assert_dimensions(found: Dimensions, wanted: torch.Tensor) -> None:
    numbers = wanted.double().numpy()  # (tokens, dimensions)
    scale = np.maximum(np.abs(numbers.mean(0)), numbers.std(0))
    assert found.count == len(numbers)
    np.testing.assert_array_equal(found.min, numbers.min(0))
    np.testing.assert_array_equal(found.max, numbers.max(0))
    np.testing.assert_array_equal(found.zeros, (numbers == 0).sum(0))
    assert (np.abs(found.mean - numbers.mean(0)) <= 1e-12 * scale).all()
    assert (np.abs(found.std - numbers.std(0, ddof=1)) <= 1e-11 * scale).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_the_numbers_are_those_of_every_activation_that_plain_transformers_computes(name: str) -> None:
    loaded, tokenizer = small(name)
    profile = profiled(loaded, tokenizer, sentences(TEXTS))
    modules, output, real = plain(loaded, tokenizer, TEXTS)
    seen: set[str] = set()
    for step, at, found in outputs(profile):
        if step.kind != "module" or found.numbers is None or found.axes is None:
            continue
        tensors = [each for each in _tensors(modules[step.path][step.call]) if isinstance(each, torch.Tensor)]
        tensor = tensors[at]
        if found.axes[:2] == ["batch", "tokens"]:
            assert_numbers(found.numbers, tensor[real])
            seen.add(step.path)
        elif found.axes[:1] == ["batch"] and len(found.axes) == 2:
            assert_numbers(found.numbers, tensor)
    assert len(seen) > 20
    hidden = {name: found for _, _, found in outputs(profile) for name in found.known_as if "hidden" in name}
    for number, states in enumerate(output.hidden_states):
        known = hidden[f"hidden_states[{number}]"]
        assert known.numbers is not None and known.dimensions is not None
        assert_numbers(known.numbers, states[real])
        assert_dimensions(known.dimensions, states[real])
    looks = [
        found
        for step, at, found in outputs(profile)
        if step.label == "attention probabilities" and step.outputs[at].same_as is None
    ]
    pairs = (real[:, None, :, None] & real[:, None, None, :]).expand_as(output.attentions[0])
    for found, attention in zip(looks, output.attentions, strict=True):
        assert found.numbers is not None
        assert_numbers(found.numbers, attention[pairs])


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    else:
        yield value


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "modernbert", "deberta-v2", "mpnet"])
def test_where_heads_look_is_counted_over_real_tokens(name: str) -> None:
    loaded, tokenizer = small(name)
    profile = profiled(loaded, tokenizer, sentences(TEXTS))
    _, output, real = plain(loaded, tokenizer, TEXTS)
    assert len(profile.heads) == loaded.layers
    given = tokenizer(TEXTS, padding=True, return_tensors="pt", return_special_tokens_mask=True)
    ids, special = given["input_ids"], given["special_tokens_mask"].bool()  # older releases add none for some families
    for heads, attention in zip(profile.heads, output.attentions, strict=True):
        wanted: dict[str, list[Any]] = {
            key: [] for key in ("entropy", "first", "separator", "itself", "previous", "next")
        }
        for row in range(len(TEXTS)):
            places = real[row].nonzero().squeeze(1).tolist()
            closing = ids[row, places[-1]]
            for place in places:
                shares = attention[row, :, place].double()
                logs = torch.where(shares > 0, shares.log2(), torch.zeros_like(shares))
                wanted["entropy"].append(-(shares * logs).sum(-1))
                nothing = torch.zeros_like(shares[:, 0])
                ends = [other for other in places if ids[row, other] == closing and special[row, other]]
                wanted["first"].append(shares[:, places[0]] if special[row, places[0]] else nothing)
                wanted["separator"].append(sum((shares[:, other] for other in ends), nothing))
                wanted["itself"].append(shares[:, place])
                wanted["previous"].append(shares[:, place - 1] if place - 1 in places else nothing)
                wanted["next"].append(shares[:, place + 1] if place + 1 in places else nothing)
        assert heads.count == int(real.sum())
        for key, found in wanted.items():
            np.testing.assert_allclose(getattr(heads, key), torch.stack(found).mean(0), rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "roberta", "modernbert", "albert", "deberta-v2"])
def test_another_batch_size_and_other_padding_agree_within_rounding(name: str) -> None:
    loaded, tokenizer = small(name)
    alone = profiled(loaded, tokenizer, sentences(TEXTS), batch_size=1)
    together = profiled(loaded, tokenizer, sentences(TEXTS), batch_size=16)
    tokenizer.padding_side = "left"
    left = profiled(loaded, tokenizer, sentences(TEXTS), batch_size=4)
    others = {(step.id, at): found for step, at, found in outputs(alone)}
    # Padding on the left moves positions in the other families, and what a head takes for [CLS] in all of them.
    for other in (together, left)[: 2 if name in ("roberta", "deberta-v2") else 1]:
        for step, at, found in outputs(other):
            before = others.get((step.id, at))
            if other is left and step.layer is None:
                continue
            if before is None or before.numbers is None or found.numbers is None:
                continue  # masked scores: only where there is padding
            assert found.numbers.count == before.numbers.count
            near = 1e-5 * max(abs(float(before.numbers.max or 0)), abs(float(before.numbers.min or 0)))
            for key in ("min", "max", "mean", "std"):
                assert float(getattr(found.numbers, key)) == pytest.approx(getattr(before.numbers, key), abs=near)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_blocks_merged_in_any_order_give_the_same_bytes(name: str) -> None:
    loaded, tokenizer = small(name)
    lines = sentences([*TEXTS, *TEXTS[::-1], "cats"])
    parts = [lines[start : start + 5] for start in range(0, len(lines), 5)]
    made = profiler(loaded, tokenizer, examples=3, batch_size=2)
    whole = made.begin(corpus(len(parts), 5, 2))
    shards = []
    for number, part in enumerate(parts):
        made.add_each(whole, [(number, part)])
        shards.append(made.begin(corpus(len(parts), 5, 2)))
        made.add_each(shards[-1], [(number, part)])
    saved = [decode_profile(profile_json(shard.record())) for shard in shards]
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        merged = Total.read(saved[order[0]])
        for number in order[1:]:
            merged.merge(Total.read(saved[number]))
        assert profile_json(merged.record()) == profile_json(whole.record())
    with pytest.raises(UsageError, match="would count twice"):
        merged.merge(Total.read(saved[1]))


def test_the_tokens_that_drive_a_neuron_are_the_largest_of_all() -> None:
    loaded, tokenizer = small("bert")
    lines = sentences(TEXTS)
    made = profiler(loaded, tokenizer, examples=5, batch_size=2)
    total = made.begin(corpus(2, 3))
    made.add_each(total, [(1, lines[3:])])
    made.add_each(total, [(0, lines[:3])])
    dimensions = _of_layer(total.record(), "gelu activation", 1)
    largest: list[tuple[float, int, int]] = []
    for line in lines:
        modules, _, real = plain(loaded, tokenizer, [line.text])
        activations = modules["bert.encoder.layer.1.intermediate.intermediate_act_fn"][0][real]
        largest += [(float(row[7]), line.number, place) for place, row in enumerate(activations)]
    largest.sort(key=lambda each: (-each[0], *each[1:]))
    found = dimensions.examples[7]
    assert [(each.sentence, each.place) for each in found] == [each[1:] for each in largest[:5]]
    for each in found:
        text = lines[each.sentence - 1].text
        assert each.token in ("[CLS]", "[SEP]") or f"{each.before}{each.token}{each.after}" in text


def _of_layer(profile: Profile, label: str, layer: int) -> Dimensions:
    found = [
        output.dimensions
        for step in profile.steps
        if (step.label, step.layer) == (label, layer)
        for output in step.outputs
        if output.dimensions is not None
    ]
    assert len(found) == 1
    return found[0]


def test_a_planted_outlier_dead_unit_and_nan_are_counted() -> None:
    loaded, tokenizer = small("bert", hidden_act="relu")
    layer = loaded.model.bert.encoder.layer[0]
    with torch.no_grad():
        layer.intermediate.dense.weight[3] = 0.0
        layer.intermediate.dense.bias[3] = -1.0
        layer.output.LayerNorm.weight[5] = 50.0
    profile = profiled(loaded, tokenizer, sentences(TEXTS))
    units = _of_layer(profile, "relu activation", 0)
    assert units.zeros[3] == units.count and units.max[3] == 0 and units.mean[3] == units.std[3] == 0
    states = next(found for _, _, found in outputs(profile) if "hidden_states[1]" in found.known_as).dimensions
    assert states is not None and int(np.argmax(states.std)) == 5
    with torch.no_grad():
        layer.output.dense.bias[2] = math.nan
    broken = profiled(loaded, tokenizer, sentences(TEXTS))
    states = next(found for _, _, found in outputs(broken) if "hidden_states[1]" in found.known_as).dimensions
    assert states is not None and states.mean[2] == "NaN" and states.spoilt
    assert decode_profile(profile_json(broken)) is not None


def test_a_model_in_float64_computes_what_it_would_unseen() -> None:
    loaded, tokenizer = small("bert")
    loaded.model.double()
    texts = TEXTS[2:3] * 2  # without padding the tensors are the model's own
    profile = profiled(loaded, tokenizer, sentences(texts))
    _, output, real = plain(loaded, tokenizer, texts)
    last = next(found for _, _, found in outputs(profile) if "hidden_states[2]" in found.known_as)
    assert last.numbers is not None and last.dimensions is not None
    assert_numbers(last.numbers, output.hidden_states[2][real])
    assert_dimensions(last.dimensions, output.hidden_states[2][real])


def test_what_is_nan_for_some_tokens_is_merged_in_any_order_and_is_no_example() -> None:
    loaded, tokenizer = small("bert", hidden_act="relu")
    with torch.no_grad():
        loaded.model.bert.embeddings.word_embeddings.weight[tokenizer.convert_tokens_to_ids("cats")] = math.nan
    lines = sentences([*TEXTS, "cats believe", "I love", "believe"], [0, 1, 0, 1, 0, 1, 0, 1, 0])
    made = profiler(loaded, tokenizer, examples=3, batch_size=2)
    whole, shards = made.begin(corpus(3, 3, 2)), []
    for number in range(3):
        part = lines[3 * number : 3 * number + 3]
        shards.append(made.begin(corpus(3, 3, 2)))
        made.add_each(shards[-1], [(number, part)])
        made.add_each(whole, [(number, part)])
    saved = [decode_profile(profile_json(shard.record())) for shard in shards]
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        merged = Total.read(saved[order[0]])
        for number in order[1:]:
            merged.merge(Total.read(saved[number]))
        assert profile_json(merged.record()) == profile_json(whole.record())
    profile = merged.record()
    units = _of_layer(profile, "relu activation", 0)
    assert all(float(each.value) >= 0 for kept_ in units.examples for each in kept_)
    assert all(len(kept_) == 3 for kept_ in units.examples)
    answers = profile.answers
    assert answers is not None  # three of the sentences have the word, and get no answer
    assert sum(answers.counts) == answers.labelled == 6 and not isinstance(answers.calibration_error, str)


def test_answers_are_held_against_labels() -> None:
    loaded, tokenizer = small("bert")
    labels = [0, 1, "LABEL_1", "label_0", 1, 0]
    profile = profiled(loaded, tokenizer, sentences(TEXTS, labels))
    _, output, _ = plain(loaded, tokenizer, TEXTS)
    shares = output.logits.double().softmax(-1)
    answers, wanted = shares.argmax(-1).tolist(), [0, 1, 1, 0, 1, 0]
    found = profile.answers
    assert found is not None and found.labelled == 6
    assert found.by_label == [
        [sum(a == column and w == row for a, w in zip(answers, wanted, strict=True)) for column in (0, 1)]
        for row in (0, 1)
    ]
    assert found.right == sum(a == w for a, w in zip(answers, wanted, strict=True))
    top = shares.max(-1).values
    assert float(found.probability or 0) == pytest.approx(float(top.mean()), abs=1e-6)
    error = 0.0
    for low in range(10):
        inside = [place for place, share in enumerate(top.tolist()) if min(int(share * 10), 9) == low]
        error += abs(sum(float(top[place]) - (answers[place] == wanted[place]) for place in inside)) / len(wanted)
    assert float(found.calibration_error or 0) == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize(
    ("head", "labels", "message"),
    [
        (SEQUENCE_CLASSIFICATION, ["good"] * 6, "line 1 of corpus.txt: 'good' is not a label"),
        (SEQUENCE_CLASSIFICATION, [0, 7, 0, 0, 0, 0], "line 2 of corpus.txt: label 7"),
        (TOKEN_CLASSIFICATION, [0] * 6, "labels each token"),
        (MASKED_LM, [0] * 6, "does not choose"),
    ],
)
def test_labels_that_mean_nothing_to_the_model_are_refused(head: Any, labels: list[Any], message: str) -> None:
    loaded, tokenizer = small("bert", head)
    with pytest.raises(UsageError, match=message):
        profiled(loaded, tokenizer, sentences(TEXTS, labels))


def test_a_block_that_fails_adds_nothing() -> None:
    loaded, tokenizer = small("bert")
    made = profiler(loaded, tokenizer, limit=12)
    total = made.begin(corpus(2))
    made.add_each(total, [(0, sentences(["cats"]))])
    before = profile_json(total.record())
    with pytest.raises(UsageError, match=r"line 2 of corpus\.txt has 22 tokens, the limit is 12"):
        made.add_each(total, [(1, sentences(["cats", "a " * 20]))])
    assert profile_json(total.record()) == before


def test_a_sentence_without_a_word_is_padded_where_one_word_is_the_most() -> None:
    loaded, tokenizer = small("bert")
    profile = profiled(loaded, tokenizer, sentences(["\u200b", "cats", "I love"]), limit=3, truncate=True)
    assert (profile.input.tokens, profile.input.cut) == (2 + 3 + 3, 1)


def test_a_model_that_runs_a_step_for_each_token_is_refused_where_sentences_differ_in_length() -> None:
    loaded, tokenizer = small("bert", chunk_size_feed_forward=1)
    with pytest.raises(BertInspectError, match="the model runs other steps over"):
        profiled(loaded, tokenizer, sentences(TEXTS), examples=2)


def test_filters_hold_and_attention_is_fused_under_sdpa() -> None:
    loaded, tokenizer = small("bert", NO_HEAD)
    one = profiled(loaded, tokenizer, sentences(TEXTS), selection=Selection(layers=frozenset([1])))
    assert {step.layer for step in one.steps} == {1} and len(one.heads) == 1 and one.answers is None
    modules = profiled(loaded, tokenizer, sentences(TEXTS), selection=Selection(level="module"))
    assert {step.kind for step in modules.steps} == {"module"}
    assert any(output.numbers for step in modules.steps for output in step.outputs)
    with pytest.raises(UsageError, match="there is no layer 7"):
        profiled(loaded, tokenizer, sentences(TEXTS), selection=Selection(layers=frozenset([7])))
    loaded.model.set_attn_implementation("sdpa")
    fused = profiled(loaded, tokenizer, sentences(TEXTS))
    assert not fused.heads and any(step.label == "fused attention" for step in fused.steps)


def test_the_model_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, tokenizer = small("bert")
    loaded.model.train()
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    profiled(loaded, tokenizer, sentences(TEXTS))
    assert loaded.model.training and not any(module._forward_hooks for module in loaded.model.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in loaded.model.state_dict().items())


def test_a_tokenizer_that_adds_no_special_tokens_will_do() -> None:
    loaded, tokenizer = small("bert")
    tokenizer.backend_tokenizer.post_processor = None
    assert tokenizer("")["input_ids"] == []
    profile = profiled(loaded, tokenizer, sentences(TEXTS))
    assert profile.input.tokens == sum(len(tokenizer(text)["input_ids"]) for text in TEXTS)
    modules, _, real = plain(loaded, tokenizer, TEXTS)
    (found,) = [each for step, _, each in outputs(profile) if step.path == "bert.encoder.layer.1.output.dense"]
    assert found.numbers is not None
    assert_numbers(found.numbers, modules["bert.encoder.layer.1.output.dense"][0][real])


@pytest.mark.parametrize(
    ("name", "head"), [("bert", TOKEN_CLASSIFICATION), ("electra", REPLACED_TOKENS), ("bert", NEXT_SENTENCE)]
)
def test_what_a_model_says_is_counted_for_each_token_or_sentence(name: str, head: Any) -> None:
    loaded, tokenizer = small(name, head)
    answers = profiled(loaded, tokenizer, sentences(TEXTS), batch_size=4).answers
    _, output, real = plain(loaded, tokenizer, TEXTS)
    logits = output.logits.double()
    if head is REPLACED_TOKENS:
        logits = torch.stack([-logits, logits], dim=-1) / 2  # a sigmoid is a softmax of these two
    chances, classes = (logits if head is NEXT_SENTENCE else logits[real]).softmax(-1).max(-1)
    assert answers is not None and answers.of == ("sentences" if head is NEXT_SENTENCE else "tokens")
    assert answers.counts == torch.bincount(classes, minlength=len(answers.classes)).tolist()
    assert float(answers.probability or 0) == pytest.approx(float(chances.mean()), rel=1e-5)
