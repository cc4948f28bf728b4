"""What the page holds of values: many heads, where they fit, and the same numbers once."""

from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from helpers import find, tiny_model, values_of

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.render.report import report_html
from bert_inspect.render.report.labels import label_names
from bert_inspect.render.report.tensors import heads_that_fit, tensors_data


def test_every_head_is_held_and_the_same_numbers_once(traced: Trace) -> None:
    found = tensors_data(traced, heads_that_fit(traced))
    step = find(traced, label="query heads")
    held: Any = found[f"{step.id}.0"]
    whole = values_of(step).numpy()
    assert held["kept"] == [list(range(size)) for size in whole.shape]
    assert np.array_equal(np.frombuffer(b64decode(held["data"]), "<f4").reshape(whole.shape), whole)
    dropout, probabilities = (find(traced, label=f"attention {name}") for name in ("dropout", "probabilities"))
    same = found[f"{dropout.id}.0"]
    assert isinstance(same, str) and same == found[f"{probabilities.id}.0"] and isinstance(found[same], dict)


def test_fewer_heads_are_held_where_all_have_no_room_and_the_page_says_so(
    traced: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert heads_that_fit(traced) >= 4 and heads_that_fit(traced, numbers=1) == 1
    sizes = [
        sum(len(b64decode(one["data"])) // 4 for one in tensors_data(traced, stack).values() if isinstance(one, dict))
        for stack in (1, 2, 3, 4)
    ]
    assert sizes == sorted(set(sizes))
    monkeypatch.setattr("bert_inspect.render.report.tensors.heads_that_fit.__kwdefaults__", {"numbers": 1})
    assert "and 1 head of 4" in report_html(traced, [])


def test_classes_are_named_and_those_of_a_random_head_are_not(traced: Trace, tokenizer: Any) -> None:
    assert label_names(traced) == ["class 0", "class 1"]
    one = trace(tiny_model(num_labels=1), tokenizer, "cats")
    assert label_names(one) == ["score"]
