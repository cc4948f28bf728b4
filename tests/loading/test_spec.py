"""What to load, as data: it can be sent to another process, be a key, and holds no choice that there is not."""

import pickle
from dataclasses import FrozenInstanceError, replace
from typing import get_args

import pytest
from helpers import fresh, loaded

from bert_inspect import BertInspectError, load
from bert_inspect.loading.configuration.settings import DTYPES
from bert_inspect.loading.spec import Attention, Dtype, ModelSpec, Weights

SPEC = ModelSpec(name="bert-tiny", weights="random", num_labels=3, seed=7, attention="sdpa", dtype="bfloat16")


def test_a_spec_is_the_same_after_a_journey() -> None:
    assert pickle.loads(pickle.dumps(SPEC)) == SPEC
    assert {SPEC: 1}[replace(SPEC)] == 1 and len({SPEC, replace(SPEC, seed=8)}) == 2
    with pytest.raises(FrozenInstanceError):
        SPEC.seed = 8  # type: ignore[misc]


def test_a_spec_needs_neither_torch_nor_a_terminal() -> None:
    code = "import sys, bert_inspect.loading.spec; print(sorted(sys.modules))"
    assert not {"'torch'", "'transformers'", "'rich'", "'typer'", "'numpy'"} & set(fresh(code)[1:-2].split(", "))


def test_everything_in_a_spec_is_what_is_loaded() -> None:
    found = loaded(**vars(SPEC))
    parameter = next(found.model.parameters())
    assert (found.name, found.seed, found.weights) == ("bert-tiny", 7, "random")
    assert (found.model.config.num_labels, found.model.config._attn_implementation) == (3, "sdpa")
    assert (str(parameter.dtype), str(parameter.device)) == ("torch.bfloat16", "cpu")
    model, _ = load("bert-tiny", **{key: value for key, value in vars(SPEC).items() if key != "name"})
    assert all(a.equal(b) for a, b in zip(model.parameters(), found.model.parameters(), strict=True))


@pytest.mark.parametrize(
    ("change", "choices"),
    [
        ({"weights": "mine"}, get_args(Weights)),
        ({"attention": "flash"}, get_args(Attention)),
        ({"dtype": "int8"}, DTYPES),
    ],
)
def test_a_choice_that_there_is_not_is_refused(change: dict[str, str], choices: tuple[str, ...]) -> None:
    with pytest.raises(BertInspectError, match="cannot be") as raised:
        load("bert-tiny", **change)  # type: ignore[arg-type]
    assert all(choice in (raised.value.hint or "") for choice in choices)


def test_each_dtype_has_a_size() -> None:
    assert set(DTYPES) == set(get_args(Dtype))
