"""Every row that the tutorial printed by hand, found in the JSON of its two sentences, with its shape and label.

Source: "Bert Inner Workings" by George Mihaila, whose printed table is written down here. Its rows called
"Hidden States" are the inputs of the steps that follow them.
"""

import json
from typing import Any

import pytest
from helpers import TEXTS

from bert_inspect.api import load, trace

HIDDEN = [2, 9, 768]
EMBEDDINGS = [
    ("position ids", [1, 9]),
    ("word embeddings", HIDDEN),
    ("position embeddings", [1, 9, 768]),
    ("token type embeddings", HIDDEN),
    ("sum of embeddings", HIDDEN),
    ("layer norm", HIDDEN),
    ("dropout", HIDDEN),
]
SELF_ATTENTION = [
    ("query projection", HIDDEN),
    ("key projection", HIDDEN),
    ("value projection", HIDDEN),
    ("query heads", [2, 12, 9, 64]),
    ("key heads", [2, 12, 9, 64]),
    ("value heads", [2, 12, 9, 64]),
    ("key transposed", [2, 12, 64, 9]),
    ("attention scores", [2, 12, 9, 9]),
    ("scaled attention scores", [2, 12, 9, 9]),
    ("attention probabilities", [2, 12, 9, 9]),
    ("attention dropout", [2, 12, 9, 9]),
    ("context", [2, 12, 9, 64]),
    ("context permuted", [2, 9, 12, 64]),
    ("context reshaped", HIDDEN),
]
LAYER = {
    "attention.self": SELF_ATTENTION,
    "attention.output": [("attention output projection", HIDDEN), ("dropout", HIDDEN), ("layer norm", HIDDEN)],
    "intermediate": [("intermediate projection", [2, 9, 3072]), ("gelu activation", [2, 9, 3072])],
    "output": [("output projection", HIDDEN), ("dropout", HIDDEN), ("layer norm", HIDDEN)],
}
POOLER = [("first token [CLS]", [2, 768]), ("pooler projection", [2, 768]), ("tanh activation", [2, 768])]
HIDDEN_STATES = {  # the input of each component
    "attention.self": HIDDEN,
    "attention.output": HIDDEN,
    "intermediate": HIDDEN,
    "output": [2, 9, 3072],
}


@pytest.fixture(scope="module")
def exported() -> Any:
    model, tokenizer = load("bert-base-cased", weights="none")
    return json.loads(b"".join(trace(model, tokenizer, TEXTS, labels=[1, 0]).json()))


def rows_inside(exported: Any, path: str) -> list[tuple[str, list[int]]]:
    """Labels and shapes of the steps directly inside a module, in order."""
    module = next(step for step in exported["steps"] if step["path"] == path and step["kind"] == "module")
    inside = [step for step in exported["steps"] if step["parent"] == module["id"]]
    return [(step["label"], step["outputs"][0]["shape"]) for step in inside]


def test_the_token_ids_and_decoded_texts_are_the_tutorials(exported: Any) -> None:
    batch = exported["input"]
    assert batch["input_ids"] == [
        [101, 146, 1567, 11771, 106, 102, 0, 0, 0],
        [101, 1124, 18457, 10194, 11478, 7136, 13473, 119, 102],
    ]
    assert batch["token_type_ids"] == [[0] * 9] * 2
    assert batch["attention_mask"] == [[1, 1, 1, 1, 1, 1, 0, 0, 0], [1] * 9]
    assert batch["labels"] == [1, 0]
    assert batch["decoded"] == [
        "[CLS] I love cats! [SEP] [PAD] [PAD] [PAD]",
        "[CLS] He hates pineapple pizza. [SEP]",
    ]


def test_the_rows_of_the_embeddings(exported: Any) -> None:
    rows = rows_inside(exported, "bert.embeddings")
    assert all(row in rows for row in EMBEDDINGS)
    embeddings = next(step for step in exported["steps"] if step["path"] == "bert.embeddings")
    assert [(tensor["name"], tensor["shape"]) for tensor in embeddings["inputs"]] == [
        ("input_ids", [2, 9]),
        ("token_type_ids", [2, 9]),
    ]


@pytest.mark.parametrize("layer", range(12))
def test_the_rows_of_each_layer(exported: Any, layer: int) -> None:
    count = 0
    for component, expected in LAYER.items():
        path = f"bert.encoder.layer.{layer}.{component}"
        rows = rows_inside(exported, path)
        places = [rows.index(row) for row in expected]
        assert component == "attention.self" or places == sorted(places)
        module = next(step for step in exported["steps"] if step["path"] == path)
        assert module["inputs"][0]["shape"] == HIDDEN_STATES[component]
        count += len(expected) + 1
    assert count == 26  # the tutorial's rows of one layer


def test_the_rows_of_the_pooler(exported: Any) -> None:
    assert rows_inside(exported, "bert.pooler") == POOLER
    pooler = next(step for step in exported["steps"] if step["path"] == "bert.pooler")
    assert pooler["inputs"][0]["shape"] == HIDDEN


def test_the_modules_of_bert_base(exported: Any) -> None:
    calls = [step["path"] for step in exported["steps"] if step["kind"] == "module"]
    assert len(calls) == len(set(calls)) == 218
    assert len(exported["not_called"]) == 13
    assert exported["model"]["parameters"] == 108_311_810
