"""Dataflows to be drawn."""

from typing import Any

import pytest
from helpers import TEXTS, tiny_model

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.dataflow import Dataflow, dataflow, folded, tokenizer_flow
from bert_inspect.traces.lookup import first_call

HOSTILE = ['"];--> %% end <script>&amp;', "a\x1b[31m\n\\n [/s] `x` | {y} #quot; ]]>", "日本 🙂 \u202e", "]\"'><b>"]


@pytest.fixture(scope="session")
def flows(traced: Trace, tokenizer: Any) -> list[Dataflow]:
    """Dataflows of every kind: whole and in part, folded or not, closed, fused, without ops, of hostile sentences."""
    hostile = trace(tiny_model(id2label={0: '"<b>', 1: "x"}), tokenizer, HOSTILE)
    modules = trace(tiny_model(), tokenizer, TEXTS, level="module")
    whole = dataflow(traced, first_call(traced, ""))
    parts = ("bert.embeddings", "bert.encoder.layer.0", "bert.encoder.layer.1.attention.self", "bert.pooler")
    return [
        whole,
        folded(whole),
        folded(dataflow(traced, first_call(traced, ""), depth=3)),
        *(dataflow(traced, first_call(traced, path)) for path in parts),
        tokenizer_flow(traced.input),
        tokenizer_flow(hostile.input),
        dataflow(hostile, first_call(hostile, ""), depth=1),
        dataflow(modules, first_call(modules, "")),
    ]
