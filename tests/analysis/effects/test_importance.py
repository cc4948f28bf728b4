"""The importance of heads by the gradient, held against a central finite difference in float64."""

from typing import Any

import pytest
import torch
from analysis.effects.asking import ablate
from families.tiny import as_loaded, batch, tiny

from bert_inspect.analysis.effects.importance import importance, steepness
from bert_inspect.analysis.effects.watched import watched
from bert_inspect.analysis.explain.wanted import Wanted
from bert_inspect.capture.editing.run import run_edited
from bert_inspect.capture.outputs.returned import returned_tensors
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.sentences import only_row

HEADS = 4
STEP = 1e-4
NAMES = [
    ("bert", "eager", 1e-9),
    ("bert", "sdpa", 1e-9),
    ("albert", "eager", 1e-9),
    ("modernbert", "sdpa", 1e-7),  # its rotary positions are float32 in any model
    ("deberta-v2", "eager", 1e-9),
]


def a_model(family: Family, attention: str = "eager") -> Loaded:
    return as_loaded(tiny(family, SEQUENCE_CLASSIFICATION, attention=attention).double())


def numbers(loaded: Loaded, given: Any) -> list[Any]:
    returned = returned_tensors(loaded.head, run_edited(loaded, given, {}))
    return watched(loaded, given, returned, Wanted())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "attention", "rounding"), NAMES)
def test_the_gradient_is_a_central_finite_difference(name: str, attention: str, rounding: float) -> None:
    loaded, given = a_model(FAMILIES[name], attention), batch(FAMILIES[name])
    found = steepness(loaded, given, numbers(loaded, given))
    more, less = (
        [[effect.value for effect in answer.effects] for answer in ablate(loaded, given, how=how).answers]
        for how in (repr(1 + STEP), repr(1 - STEP))
    )
    difference = torch.tensor(more, dtype=torch.float64) - torch.tensor(less, dtype=torch.float64)
    difference = difference.view(2, loaded.layers, HEADS) / (2 * STEP)
    torch.testing.assert_close(found, difference, atol=rounding, rtol=1e-6)
    assert float(found.abs().min()) > 1e-7


def test_importance_is_normalised_in_each_layer_and_has_no_sign() -> None:
    found = importance(torch.tensor([[[3.0, -4.0], [0.0, 0.0]]]))
    torch.testing.assert_close(found, torch.tensor([[[0.6, 0.8], [0.0, 0.0]]]))


def test_it_hangs_on_no_other_sentence_and_the_record_has_it() -> None:
    loaded, given = a_model(FAMILIES["bert"]), batch(FAMILIES["bert"])
    both = torch.tensor([answer.importance for answer in ablate(loaded, given, importance=True).answers])
    for row in range(2):
        (alone,) = ablate(loaded, only_row(given, row), importance=True).answers
        torch.testing.assert_close(torch.tensor(alone.importance), both[row])
    torch.testing.assert_close(both.norm(dim=-1), torch.ones(2, loaded.layers))
    (one, _) = ablate(loaded, given, importance=True, layer=1).answers
    torch.testing.assert_close(torch.tensor(one.importance), both[0, 1:])


def test_no_gradient_stays_on_the_model() -> None:
    loaded, given = a_model(FAMILIES["bert"]), batch(FAMILIES["bert"])
    steepness(loaded, given, numbers(loaded, given))
    assert all(parameter.grad is None for parameter in loaded.model.parameters())


def test_only_heads_have_it() -> None:
    with pytest.raises(UsageError, match="that of heads"):
        ablate(a_model(FAMILIES["bert"]), batch(FAMILIES["bert"]), each="layer", importance=True)
