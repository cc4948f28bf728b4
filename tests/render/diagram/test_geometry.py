"""On the pictures of every family no word leaves its frame, and nothing lies over anything else."""

from typing import Any

import pytest
from families.by_hand import traced
from families.tiny import VARIANTS
from msgspec import structs
from render.diagram.geometry import faults, read

from bert_inspect.dataflow import dataflow, folded, tokenizer_flow
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import NO_HEAD, SEQUENCE_CLASSIFICATION, Head
from bert_inspect.render.diagram.svg import svg
from bert_inspect.render.diagram.words import caption
from bert_inspect.traces.record import Trace
from bert_inspect.traces.vocabulary import roles

MODELS: list[tuple[str, Head, dict[str, Any]]] = [
    *((name, SEQUENCE_CLASSIFICATION, {}) for name in FAMILIES),
    ("bert", NO_HEAD, {"attention": "sdpa"}),
    *(variant for variant in VARIANTS if variant[0] == "deberta-v2"),
]


def pictures(trace: Trace) -> list[tuple[str, str]]:
    """The model at several depths, its first layer, and self-attention; with what each is."""
    first = {step.role: step for step in reversed(trace.steps) if step.kind == "module"}
    flows = [(f"depth {depth}", dataflow(trace, trace.steps[0], depth=depth)) for depth in (1, 2, None)]
    flows.append(("layer", dataflow(trace, first[roles.LAYER], depth=2)))
    flows.append(("self-attention", dataflow(trace, first[roles.SELF_ATTENTION])))
    made = []
    for number, (name, flow) in enumerate(flows):
        shown = folded(flow)
        made.append((name, svg(shown, upwards=bool(number % 2), caption=caption(shown, trace))))
    return made


@pytest.mark.slow
@pytest.mark.parametrize(("name", "head", "changes"), MODELS)
def test_nothing_lies_over_anything_else(name: str, head: Head, changes: dict[str, Any]) -> None:
    for what, picture in pictures(traced(name, head, **changes)):
        assert not faults(picture), what


def test_odd_sentences_stay_in_their_boxes(flows: list[Any]) -> None:
    for flow in flows:
        assert not faults(svg(flow, caption="of a run with a very long name, " * 9))


def test_a_word_that_is_cut_shows_it(traced: Trace) -> None:
    texts = ["Donaudampfschifffahrtsgesellschaft" * 9, "日本語のとても長い文です。" * 9]
    batch = structs.replace(traced.input, texts=texts)
    picture = svg(tokenizer_flow(batch))
    assert picture.count("…</text>") >= 2 and not faults(picture)


def test_tokens_stand_from_left_to_right_whatever_their_script(traced: Trace) -> None:
    texts = ["\u0645\u0631\u062d\u0628\u0627 \u0628"]
    tokens = [["[CLS]", "\u0645", "##\u0631", "\u0628", "[SEP]"]]
    rows = {"input_ids": [[1, 2, 3, 4, 5]], "token_type_ids": [[0] * 5], "attention_mask": [[1] * 5], "pairs": None}
    picture = svg(tokenizer_flow(structs.replace(traced.input, texts=texts, tokens=tokens, decoded=[], **rows)))
    (line,) = (text for text in read(picture).texts if "tokens" in text.style)
    assert line.words.split("\u200e \u200e") == tokens[0]
    assert [text.words for text in read(picture).texts if text.words.startswith("\u0645")] == texts


def test_a_fault_is_found(flows: list[Any]) -> None:
    picture = svg(flows[1])
    for before, after, fault in (
        (">pooler<", f">{'pooler ' * 30}<", "overruns its frame"),
        (">[2, 9, 32]<", f">{'[2, 9, 32] ' * 9}<", "lies over"),
        (">tanh activation<", f">{'tanh ' * 9}<", "overruns its box"),
        ('class="wire" d="M', 'class="wire" d="M0 0L900 900L', "a wire runs through"),
    ):
        assert before in picture and any(fault in found for found in faults(picture.replace(before, after))), fault
