"""Patches held against plain transformers: the other sentence's own run, and hooks on a copied model."""

import copy
from typing import Any

import pytest
import torch
from families.tiny import arguments, as_loaded, batch
from families.tiny import tiny as drawn
from msgspec import structs

from bert_inspect.analysis.effects.patch import patch
from bert_inspect.analysis.effects.patch_asked import Direction, PatchAsked
from bert_inspect.analysis.effects.patch_sweep import Patch, PatchSweep
from bert_inspect.analysis.effects.record import Effects
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import NO_HEAD, QUESTION_ANSWERING, SEQUENCE_CLASSIFICATION, Head
from bert_inspect.traces.record import Input
from bert_inspect.traces.sentences import only_row
from bert_inspect.traces.vocabulary import roles

BERT = FAMILIES["bert"]
HEADS = 4
every_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.model_type)


def tiny(family: Family, head: Head, **changes: Any) -> Any:
    """A model with weights so large that one word changes the answer by far more than rounding."""
    return drawn(family, head, initializer_range=0.4, **changes)


def two(family: Family) -> Input:
    """Two sentences of one pattern, of which two words differ."""
    first = only_row(batch(family), 0)
    ids = list(first.input_ids[0])
    ids[2], ids[5] = 41, 77
    both = {
        field: [value[0]] * 2
        for field in first.__struct_fields__
        if isinstance(value := getattr(first, field), list) and value
    }
    return structs.replace(
        first, **{**both, "input_ids": [first.input_ids[0], ids], "tokens": [first.tokens[0], [f"t{at}" for at in ids]]}
    )


def plain(model: Any, family: Family, given: Input, row: int, head: Head = SEQUENCE_CLASSIFICATION) -> torch.Tensor:
    with torch.no_grad():
        logits = model(**arguments(family, head, only_row(given, row))).logits
    assert isinstance(logits, torch.Tensor)
    return logits


def normalised(found: Effects) -> torch.Tensor:
    return torch.tensor([effect.normalised for effect in found.answers[0].effects], dtype=torch.float64)


@pytest.mark.slow
@every_family
@pytest.mark.parametrize("own", [0, 1])
def test_all_tokens_of_a_hidden_state_carry_the_other_answer_to_the_bit(family: Family, own: int) -> None:
    model, given = tiny(family, SEQUENCE_CLASSIFICATION), two(family)
    loaded, other = as_loaded(model), 1 - own
    sweep = PatchSweep(
        loaded=loaded, own=only_row(given, own), other=only_row(given, other), each="layer-token", at_once=1
    )
    wanted = plain(model, family, given, other)
    assert not torch.equal(wanted, plain(model, family, given, own))
    whole = [Patch(each="layer-token", layer=layer) for layer in (None, *range(loaded.layers))]
    logits = [returned["logits"][row] for _, returned, row in sweep.run(whole)]
    assert len(logits) == model.config.num_hidden_layers + 1
    for found in logits:
        assert torch.equal(found, wanted[0])


def test_a_hidden_state_is_the_one_that_transformers_returns_by_that_name() -> None:
    family, head = FAMILIES["deberta-v2"], SEQUENCE_CLASSIFICATION
    model = tiny(family, head, conv_kernel_size=3, conv_act="gelu")  # behind layer 0
    given, loaded = two(family), as_loaded(model)
    with torch.no_grad():
        returned = model(**arguments(family, head, only_row(given, 1)), output_hidden_states=True).hidden_states
    hook, wanted = model.deberta.encoder.conv, []
    for place in range(9):

        def put(_: Any, args: Any, output: torch.Tensor, place: int = place) -> torch.Tensor:
            edited = output.clone()
            edited[:, place] = returned[1][:, place]
            return edited

        handle = hook.register_forward_hook(put)
        wanted.append(plain(model, family, given, 0)[0])
        handle.remove()
    sweep = PatchSweep(loaded=loaded, own=only_row(given, 0), other=only_row(given, 1), each="layer-token", at_once=9)
    places = [Patch(each="layer-token", layer=0, tokens=(place,)) for place in range(9)]
    assert [place.place for place in places][:2] == ["hidden_states[1].token.0", "hidden_states[1].token.1"]
    found = [output["logits"][row] for _, output, row in sweep.run(places)]
    torch.testing.assert_close(torch.stack(found), torch.stack(wanted))


@pytest.mark.parametrize("direction", ["denoising", "noising"])
def test_the_start_of_an_answer_is_that_of_the_best_span_and_a_token_of_its_own_sentence(direction: Direction) -> None:
    model, given = drawn(BERT, QUESTION_ANSWERING, initializer_range=0.8), two(BERT)
    given = structs.replace(given, tokens=[given.tokens[0], [f"u{at}" for at in given.input_ids[1]]])
    found = patch(as_loaded(model), given, asked=PatchAsked(direction=direction)).answers[0]
    context, wanted = range(5, 8), []
    for row in (0, 1):
        with torch.no_grad():
            returned = model(**arguments(BERT, QUESTION_ANSWERING, only_row(given, row)))
        start, end = returned.start_logits[0], returned.end_logits[0]
        spans = [(first, last) for first in context for last in context if first <= last]
        best = max(spans, key=lambda span: float(start[span[0]] + end[span[1]]))
        wanted.append(given.tokens[row][best[0]])
    assert [found.clean_answer, found.corrupt_answer] == wanted and wanted[0][1:] != wanted[1][1:]
    assert found.answer == wanted[found.sentence]
    assert {effect.answer for effect in found.effects} <= {"", *given.tokens[found.sentence][5:8]}


@pytest.mark.slow
@every_family
def test_a_sentence_patched_with_itself_changes_no_bit(family: Family) -> None:
    model, given = tiny(family, SEQUENCE_CLASSIFICATION), two(family)
    loaded, own = as_loaded(model), only_row(two(family), 0)
    wanted = plain(model, family, given, 0)[0]
    for each in ("layer-token", "head"):
        sweep = PatchSweep(loaded=loaded, own=own, other=own, each=each, at_once=1)
        places = [
            Patch(each=each, layer=layer, number=1 if each == "head" else None, tokens=(2,) if each != "head" else ())
            for layer in range(loaded.layers)
        ]
        assert all(torch.equal(returned["logits"][row], wanted) for _, returned, row in sweep.run(places))


@pytest.mark.slow
@pytest.mark.parametrize(
    "family", [each for each in FAMILIES.values() if not each.shares_layer], ids=lambda each: each.model_type
)
@pytest.mark.parametrize("direction", ["denoising", "noising"])
def test_a_head_is_its_slice_of_what_the_output_projection_receives(family: Family, direction: Direction) -> None:
    model, given = tiny(family, SEQUENCE_CLASSIFICATION), two(family)
    before = copy.deepcopy(model.state_dict())
    found = patch(as_loaded(model), given, asked=PatchAsked(each="head", direction=direction))
    role, other = as_loaded(model).family.role, copy.deepcopy(model)
    paths = [path for path, _ in model.named_modules() if role(path) == roles.ATTENTION_OUTPUT_PROJECTION]
    size, (own, donor) = model.config.hidden_size // HEADS, (1, 0) if direction == "denoising" else (0, 1)
    target = found.answers[0].target
    assert target.against is not None and found.answers[0].sentence == own

    def metric(logits: torch.Tensor) -> float:
        assert target.against is not None
        return float(logits[0, target.of.index].double() - logits[0, target.against.index].double())

    clean, corrupt = (metric(plain(model, family, given, row)) for row in (0, 1))
    assert abs(clean - corrupt) > 0.01, "the test needs two numbers that are apart"
    assert (found.answers[0].clean, found.answers[0].corrupt) == pytest.approx((clean, corrupt), abs=1e-5)
    wanted = []
    for path in paths:
        module, kept = other.get_submodule(path), []
        hook = module.register_forward_pre_hook(lambda _, args, kept=kept: kept.append(args[0].clone()))
        plain(other, family, given, donor)
        hook.remove()
        for head in range(HEADS):

            def put(_: Any, args: Any, kept: Any = kept, head: int = head) -> Any:
                edited = args[0].clone()
                edited[..., head * size : (head + 1) * size] = kept[0][..., head * size : (head + 1) * size]
                return (edited, *args[1:])

            hook = module.register_forward_pre_hook(put)
            patched = metric(plain(other, family, given, own))
            hook.remove()
            top = patched - corrupt if direction == "denoising" else clean - patched
            wanted.append(top / (clean - corrupt))
    assert [effect.edits for effect in found.answers[0].effects][:2] == [["layer.0.head.0"], ["layer.0.head.1"]]
    torch.testing.assert_close(normalised(found), torch.tensor(wanted, dtype=torch.float64), rtol=1e-3, atol=1e-3)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_layers_below_a_patch_do_not_run_again() -> None:
    model, ran = tiny(BERT, SEQUENCE_CLASSIFICATION, num_hidden_layers=5), []
    for at, layer in enumerate(model.bert.encoder.layer):
        inner = layer.attention.self.query
        inner.register_forward_pre_hook(lambda _, args, at=at: ran.append((at, args[0].shape[0])))
    found = patch(as_loaded(model), two(BERT), asked=PatchAsked(each="head"), at_once=9 * HEADS)
    assert len(found.answers[0].effects) == 5 * HEADS
    together = [at for at, rows in ran if rows == HEADS]  # a batch for each layer, and in it that layer and those above
    assert together == [at for first in range(5) for at in range(first, 5)]


def test_before_the_first_layer_only_the_words_that_differ_carry_anything() -> None:
    found = patch(as_loaded(tiny(BERT, SEQUENCE_CLASSIFICATION)), two(BERT))
    first = [effect for effect in found.answers[0].effects if effect.layer is None]
    carry = {effect.tokens[0] for effect in first if abs(float(effect.normalised or 0)) > 1e-4}
    assert carry == {2, 5} and len(first) == 9 and len(found.answers[0].effects) == 27
    assert [effect.edits for effect in first][:1] == [["hidden_states[0].token.0"]]
    last = found.answers[0].effects[-9]  # after the last layer the head reads the first token alone
    assert last.edits == ["hidden_states[2].token.0"] and float(last.normalised or 0) == pytest.approx(1, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("each", ["layer-token", "head", "attention", "intermediate"])
def test_the_rows_of_a_run_change_nothing(each: Any) -> None:
    loaded, given, asked = as_loaded(tiny(BERT, SEQUENCE_CLASSIFICATION)), two(BERT), PatchAsked(each=each)
    together, one_by_one = (patch(loaded, given, asked=asked, at_once=count) for count in (1000, 1))
    torch.testing.assert_close(normalised(together), normalised(one_by_one), rtol=1e-3, atol=1e-3)
    assert normalised(together).abs().max() > 1e-3


def test_probability_is_measured_between_the_probabilities_of_the_two_runs() -> None:
    model, given = tiny(BERT, SEQUENCE_CLASSIFICATION), two(BERT)
    answer = patch(as_loaded(model), given, asked=PatchAsked(metric="probability")).answers[0]
    clean, corrupt = (plain(model, BERT, given, row)[0].double().softmax(0)[answer.target.of.index] for row in (0, 1))
    assert (answer.clean, answer.corrupt) == pytest.approx((float(clean), float(corrupt)), abs=1e-6)
    assert {effect.value == effect.probability for effect in answer.effects} == {True}
    for effect in answer.effects:
        share = (float(effect.probability or 0) - float(corrupt)) / float(clean - corrupt)
        assert effect.normalised == pytest.approx(share, abs=1e-3)


def test_of_many_classes_the_clean_answer_is_held_against_the_corrupt_one() -> None:
    model, given = tiny(BERT, SEQUENCE_CLASSIFICATION, num_labels=60), two(BERT)
    with torch.no_grad():
        model.classifier.bias.zero_()
        model.classifier.weight.sub_(model.classifier.weight @ shared(model, given))
    logits = [plain(model, BERT, given, row)[0] for row in (0, 1)]
    tops = [int(each.argmax()) for each in logits]
    target = patch(as_loaded(model), given, asked=PatchAsked(each="attention")).answers[0].target
    assert tops[0] != tops[1], "the test needs two answers"
    assert target.against is not None and (target.of.index, target.against.index) == tuple(tops)


def shared(model: Any, given: Input) -> torch.Tensor:
    """A projection on what the pooled vectors of both sentences have in common."""
    with torch.no_grad():
        pooled = [model.bert(**arguments(BERT, NO_HEAD, only_row(given, row))).pooler_output[0] for row in (0, 1)]
    mean = torch.stack(pooled).mean(dim=0)
    return torch.outer(mean, mean) / mean.dot(mean)


def test_what_cannot_be_paired_is_refused_with_both_rows() -> None:
    loaded, given = as_loaded(tiny(BERT, SEQUENCE_CLASSIFICATION)), two(BERT)
    numbers = given.words[1]
    joined = [numbers[1] if place == 2 else number for place, number in enumerate(numbers)]
    for other in (structs.replace(given, words=[numbers, joined]), batch(BERT)):
        with pytest.raises(UsageError, match="cannot be paired one to one") as error:
            patch(loaded, other)
        assert all(" ".join(other.tokens[row][:6]) in error.value.message for row in (0, 1))


def test_what_makes_no_share_is_refused() -> None:
    loaded, given = as_loaded(tiny(BERT, SEQUENCE_CLASSIFICATION)), two(BERT)
    same = structs.replace(given, input_ids=[given.input_ids[0]] * 2, tokens=[given.tokens[0]] * 2)
    for metric in ("logit-diff", "probability"):
        with pytest.raises(UsageError, match="the same number within rounding"):
            patch(loaded, same, asked=PatchAsked(metric=metric))
    with pytest.raises(UsageError, match="two sentences"):
        patch(loaded, only_row(given, 0))
    with pytest.raises(UsageError, match="bare number"):
        score = as_loaded(tiny(BERT, SEQUENCE_CLASSIFICATION, num_labels=1))
        patch(score, given, asked=PatchAsked(metric="probability"))
    with pytest.raises(UsageError, match="no head"):
        patch(as_loaded(tiny(BERT, NO_HEAD)), given)
    with pytest.raises(UsageError, match="each 'heads' is not known"):
        patch(loaded, given, asked=PatchAsked(each="heads"))  # type: ignore[arg-type]
