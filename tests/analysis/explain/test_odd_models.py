"""Models as people hold them: a right one is never called wrong, and what cannot be followed is refused."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from analysis.explain.pairs import Case, batch, model_of
from families.tiny import arguments
from torch import nn

from bert_inspect.analysis.explain.explain import explain
from bert_inspect.analysis.explain.explanation import Total
from bert_inspect.analysis.explain.quantity import Wanted
from bert_inspect.errors import BertInspectError, UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MASKED_LM, MULTIPLE_CHOICE, SEQUENCE_CLASSIFICATION
from bert_inspect.loading.loaded import Loaded

BERT = FAMILIES["bert"]


def bert(**changes: Any) -> Case:
    return BERT, SEQUENCE_CLASSIFICATION, changes


def of_layer(loaded: Loaded, path: str, layer: int = 0) -> Any:
    return loaded.model.bert.encoder.layer[layer].get_submodule(path)


@pytest.mark.parametrize("act", ["prelu", "quick_gelu", "sigmoid", "gelu_new"])
def test_what_is_held_of_each_activation_is_told_as_it_is(act: str) -> None:
    found = explain(model_of(bert(hidden_act=act)), batch(BERT))
    assert found.adds_up and "the activated side of each gate" not in found.frozen
    ratios = [held for held in found.frozen if held.startswith("the ratio")]
    assert ("the ratio (sigmoid(x) - sigmoid(0)) / x of each activation" in ratios) == (act == "sigmoid")


def test_hooks_of_others_on_an_activation_see_the_activations_alone() -> None:
    loaded, shapes = model_of(bert(hidden_act="gelu_new")), []

    def without_a_neuron(module: nn.Module, given: Any, returned: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(returned.shape))
        returned = returned.clone()
        returned[:, :, 5] = 0
        return returned

    of_layer(loaded, "intermediate.intermediate_act_fn").register_forward_hook(without_a_neuron)
    assert explain(loaded, batch(BERT)).adds_up and shapes == [(2, 9, 64)]


@pytest.mark.parametrize("by", ["token", "component"])
@pytest.mark.parametrize(
    ("path", "hook"),
    [
        ("bert.embeddings.word_embeddings", lambda module, given, out: out.detach() * 2),
        ("bert.encoder.layer.1", lambda module, given, out: out.detach()),
        ("bert.encoder.layer.0.attention.output.dense", lambda module, given, out: out.data * 2),
        ("classifier", lambda module, given, out: torch.ones(2, 2)),
    ],
    ids=["words", "layer", "block", "answer"],
)
def test_what_autograd_does_not_see_is_refused(by: Any, path: str, hook: Callable[..., Any]) -> None:
    loaded = model_of(bert())
    loaded.model.get_submodule(path).register_forward_hook(hook)
    with pytest.raises(BertInspectError, match="cannot be explained: it computes"):
        explain(loaded, batch(BERT), by=by)


def test_a_hook_that_only_looks_changes_nothing() -> None:
    loaded, seen = model_of(bert()), []
    of_layer(loaded, "output").register_forward_hook(lambda module, given, out: seen.append(out.detach() + 1))
    plain = explain(model_of(bert()), batch(BERT))
    assert explain(loaded, batch(BERT)).answers == plain.answers and len(seen) == 1


class Adapted(nn.Module):
    """What an adapter library puts in the place of a module: it around, and something beside it."""

    def __init__(self, base: nn.Module, *, beside: bool = False) -> None:
        super().__init__()
        self.base_layer = base
        self.beside = nn.Linear(base.in_features, base.out_features, bias=False) if beside else None  # type: ignore[arg-type]

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.base_layer(given)
        return out if self.beside is None else out + self.beside(given)


@pytest.mark.parametrize("by", ["token", "component"])
def test_words_that_do_not_come_out_of_the_known_table_are_refused(by: Any) -> None:
    loaded = model_of(bert())
    loaded.model.bert.embeddings.word_embeddings = Adapted(loaded.model.bert.embeddings.word_embeddings)
    with pytest.raises(BertInspectError, match="vectors of its words"):
        explain(loaded, batch(BERT), by=by)


@pytest.mark.parametrize("name", ["bert", "roberta", "xlm-roberta", "camembert"])
def test_words_have_shares_where_the_decoder_shares_their_table(name: str) -> None:
    case: Case = (FAMILIES[name], MASKED_LM, {})
    tokens = explain(model_of(case), batch(FAMILIES[name]), wanted=Wanted(token="3")).answers[0].tokens
    assert all(token.word for token in tokens)


def test_an_adapted_projection_out_of_a_block_is_no_constant() -> None:
    loaded = model_of(bert())
    for layer in loaded.model.bert.encoder.layer:
        layer.output.dense = Adapted(layer.output.dense, beside=True)
    assert explain(loaded, batch(BERT)).adds_up
    with pytest.raises(BertInspectError, match="no path of residual sums"):
        explain(loaded, batch(BERT), by="component")


def test_rounding_is_that_of_the_numbers_types_not_of_the_weights() -> None:
    loaded = model_of(bert())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for by in ("token", "component"):
            assert explain(loaded, batch(BERT), by=by).adds_up  # type: ignore[arg-type]


def test_weights_made_in_inference_mode_are_refused() -> None:
    with torch.inference_mode():
        loaded = model_of(bert())
    with pytest.raises(UsageError, match="inference_mode"):
        explain(loaded, batch(BERT))


def test_a_model_without_layers_has_no_answers_by_layer() -> None:
    loaded = model_of(bert(num_hidden_layers=0))
    assert explain(loaded, batch(BERT)).adds_up
    with pytest.raises(UsageError, match="no layers"):
        explain(loaded, batch(BERT), by="layer")


def test_a_convolution_above_the_only_layer_is_put_nowhere_else() -> None:
    case: Case = (FAMILIES["deberta-v2"], SEQUENCE_CLASSIFICATION, {"num_hidden_layers": 1, "conv_kernel_size": 3})
    loaded, given = model_of(case), batch(case[0])
    assert explain(loaded, given).adds_up and explain(loaded, given, by="component").adds_up
    with pytest.raises(UsageError, match="convolution"):
        explain(loaded, given, by="layer")


@pytest.mark.parametrize("by", ["token", "component", "layer"])
def test_another_thread_that_runs_the_model_and_an_explanation_do_not_disturb_each_other(by: Any) -> None:
    loaded, given = model_of(bert()), batch(BERT)
    inputs, middle = arguments(BERT, SEQUENCE_CLASSIFICATION, given), of_layer(loaded, "output.dense")
    alone = explain(model_of(bert()), given, by=by)
    with torch.no_grad():
        expected, found = loaded.model(**inputs).logits, []

    def run_it_in_another_thread(module: nn.Module, *_: Any) -> None:
        def run() -> None:
            with torch.no_grad():
                found.append(loaded.model(**inputs).logits)

        if threading.current_thread() is threading.main_thread():
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

    middle.register_forward_hook(run_it_in_another_thread)
    loaded.model.classifier.register_forward_hook(run_it_in_another_thread)
    assert explain(loaded, given, by=by).answers == alone.answers
    assert found and all(torch.equal(logits, expected) for logits in found)


def test_each_of_several_labels_is_a_probability_of_its_own_even_if_they_sum_to_one() -> None:
    loaded = model_of(bert(problem_type="multi_label_classification"))
    with torch.no_grad():
        loaded.model.classifier.weight[1] = -loaded.model.classifier.weight[0]
        loaded.model.classifier.bias.zero_()
        logits = loaded.model(**arguments(BERT, SEQUENCE_CLASSIFICATION, batch(BERT))).logits
    answer = explain(loaded, batch(BERT), wanted=Wanted(target="1", against="0"), check=True).answers[0]
    assert not answer.target.log_odds and answer.faithfulness is not None
    assert float(answer.faithfulness.before) == pytest.approx(float(logits[0, 1].sigmoid()), abs=1e-6)


def test_the_probability_at_a_mask_is_a_softmax_however_large_the_vocabulary() -> None:
    size = 120_000  # of so many probabilities in float32 the sum is not 1 to six digits
    case: Case = (BERT, MASKED_LM, {"vocab_size": size, "hidden_size": 8, "initializer_range": 1.0})
    loaded = model_of(case)
    answer = explain(loaded, batch(BERT), wanted=Wanted(token="3"), check=True).answers[0]
    with torch.no_grad():
        logits = loaded.model(**arguments(BERT, MASKED_LM, batch(BERT))).logits[0, 3].double()
    assert answer.faithfulness is not None
    assert float(answer.faithfulness.before) == pytest.approx(float(logits.softmax(0).max()), rel=1e-3)


def test_choices_may_be_compared_whatever_the_number_of_labels() -> None:
    loaded = model_of((BERT, MULTIPLE_CHOICE, {"num_labels": 1}))
    assert explain(loaded, batch(BERT), wanted=Wanted(target="0", against="1")).adds_up


def test_a_sum_does_not_add_up_within_a_tolerance_without_end() -> None:
    assert not Total(sum=1.0, value=0.0, difference=1.0, rounding="Infinity").adds_up


@pytest.mark.parametrize("by", ["token", "component", "layer"])
def test_a_forward_that_raises_is_told_as_the_models_own_failure(by: Any) -> None:
    with pytest.raises(BertInspectError, match="own forward failed: ValueError"):
        explain(model_of(bert(chunk_size_feed_forward=2)), batch(BERT), by=by)  # of nine tokens


def test_a_model_that_returns_a_tuple_is_cut_at_its_hidden_states_too() -> None:
    loaded = model_of(bert())
    loaded.model.config.return_dict = False
    found = explain(loaded, batch(BERT))
    assert found.adds_up and [len(answer.cuts) for answer in found.answers] == [3, 3]
    assert found.answers == explain(model_of(bert()), batch(BERT)).answers
