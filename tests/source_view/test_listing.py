"""The listing of a module's source: the real lines, those that really ran, and every step at its line."""

import inspect
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from helpers import TEXTS, tiny_model
from msgspec import structs
from transformers.models.bert import modeling_bert
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.capture.line_trace import watching
from bert_inspect.errors import UsageError
from bert_inspect.source_view.implementation import Executed
from bert_inspect.source_view.listing import Listing, listing
from bert_inspect.traces.lookup import find_module, first_call, modules_of

Seen = tuple[Trace, Executed | None]


def watched(model: BertForSequenceClassification, tokenizer: Any, path: str, **how: Any) -> Seen:
    with watching(model.get_submodule(path)) as watch:
        result = trace(model, tokenizer, TEXTS, **how)
    return result, watch.executed()


LAYER = "bert.encoder.layer.0"
PATHS = ["", "bert", "bert.embeddings", "bert.encoder", LAYER, f"{LAYER}.attention", f"{LAYER}.attention.self"]
PATHS += [f"{LAYER}.attention.output", f"{LAYER}.intermediate.intermediate_act_fn", "bert.pooler", "bert.pooler.dense"]


@pytest.fixture(scope="module")
def ran(model: BertForSequenceClassification, batch_of_two: dict[str, torch.Tensor]) -> set[int]:
    """The lines of modeling_bert.py that a plain forward runs, by a tracer of the test's own."""
    lines: set[int] = set()

    def local(frame: Any, event: str, arg: Any) -> Any:
        if event == "line":
            lines.add(frame.f_lineno)
        return local

    before = sys.gettrace()
    sys.settrace(lambda frame, event, arg: local if frame.f_code.co_filename == modeling_bert.__file__ else None)
    try:
        with torch.inference_mode():
            model(**batch_of_two, labels=torch.tensor([1, 0]))
    finally:
        sys.settrace(before)
    return lines


@pytest.fixture(scope="module")
def batch_of_two(tokenizer: Any) -> dict[str, torch.Tensor]:
    return dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))


@pytest.fixture(scope="module")
def executed(model: Any, tokenizer: Any) -> dict[str, Executed | None]:
    return {path: watched(model, tokenizer, path, labels=[1, 0])[1] for path in PATHS}


@pytest.fixture(scope="module", params=[True, False], ids=["watched", "saved"])
def listings(request: pytest.FixtureRequest, traced: Trace, executed: dict[str, Executed | None]) -> dict[str, Listing]:
    """The listing of every kind of module, with its lines watched, or from the trace alone."""
    return {
        path: listing(traced, first_call(traced, path), executed=executed[path] if request.param else None)
        for path in PATHS
    }


def test_the_lines_are_those_of_the_file(listings: dict[str, Listing], model: Any) -> None:
    for path, found in listings.items():
        lines, first = inspect.getsourcelines(inspect.unwrap(type(model.get_submodule(path)).forward))
        shown = {line.number: line.text for line in found.functions[0].lines}
        left_out = sum(line.left_out for line in found.functions[0].lines)
        assert len(shown) + left_out == len(lines)
        assert all(text == lines[number - first].rstrip("\n") for number, text in shown.items())


def test_every_step_and_every_argument_stands_once(listings: dict[str, Listing], traced: Trace) -> None:
    for path, found in listings.items():
        step = first_call(traced, path)
        made = [made for function in found.functions for line in function.lines for made in line.made]
        wanted = [other.id for other in traced.steps if other.parent == step.id for _ in other.outputs]
        assert sorted(item.step.id for item in made if item.how == "made") == wanted
        assert [item.tensor.name for item in made if item.how == "received" and item.tensor] == [
            tensor.name for tensor in sorted(step.inputs, key=lambda tensor: _position(found, tensor.name))
        ]
        assert sum(item.how == "returned" for item in made) == len(step.outputs)


def _position(found: Listing, name: str) -> int:
    lines = found.functions[0].lines
    return next((i for i, line in enumerate(lines) if line.text.strip().startswith(f"{name}:")), 0)


def test_what_a_line_made_is_written_on_it(listings: dict[str, Listing]) -> None:
    for found in listings.values():
        for function in found.functions:
            for line in function.lines:
                for made in line.made:
                    if made.how == "made" and made.step.source:
                        assert made.step.source.line <= line.number < made.step.source.line + 15


def test_lines_that_ran_are_told_as_pythons_tracer_tells_them(listings: dict[str, Listing], ran: set[int]) -> None:
    told = [
        (line, found.complete)
        for found in listings.values()
        for function in found.functions
        if function.file.endswith("modeling_bert.py")
        for line in function.lines
    ]
    assert sum(line.number in ran for line, _ in told) > 100
    assert all(line.ran is not False for line, _ in told if line.number in ran)
    idle = [line for line, complete in told if line.ran is False and complete]
    assert all(complete is False or line.ran is not None for line, complete in told)
    assert not {line.number for line in idle} & ran


def test_helpers_that_ran_are_listed(listings: dict[str, Listing], tokenizer: Any) -> None:
    names = [function.name for function in listings[f"{LAYER}.attention.self"].functions]
    assert names == ["BertSelfAttention.forward", "eager_attention_forward"]
    layer = listings["bert.encoder.layer.0"]
    between = ["apply_chunking_to_forward"] if layer.complete else []
    assert [f.name for f in layer.functions] == ["BertLayer.forward", *between, "BertLayer.feed_forward_chunk"]
    calls = [name for function in layer.functions for line in function.lines for name in line.calls]
    assert calls == ([*between, "BertLayer.feed_forward_chunk"] if layer.complete else [])
    fused, _ = watched(tiny_model(attention="sdpa"), tokenizer, "bert.encoder.layer.0.attention.self")
    names = [f.name for f in listing(fused, first_call(fused, "bert.encoder.layer.0.attention.self")).functions]
    assert names == ["BertSelfAttention.forward", "sdpa_attention_forward"]


def test_a_module_that_is_called_many_times_shows_its_first_call(tokenizer: Any) -> None:
    model = tiny_model(chunk_size_feed_forward=3)
    result, executed = watched(model, tokenizer, "bert.encoder.layer.0.intermediate")
    found = listing(result, first_call(result, "bert.encoder.layer.0.intermediate"), executed=executed)
    assert found.calls == 3 and found.step.call == 0
    layer, executed = watched(model, tokenizer, "bert.encoder.layer.0")
    chunked = listing(layer, first_call(layer, "bert.encoder.layer.0"), executed=executed).functions[1]
    assert [line.ran for line in chunked.lines if "torch.cat" in line.text] == [True]
    assert [line.ran for line in chunked.lines if line.text.strip() == "return forward_fn(*input_tensors)"] == [False]


def test_watching_leaves_nothing_behind(model: Any, tokenizer: Any) -> None:
    def mine(frame: Any, event: str, arg: Any) -> None:
        return None

    before = sys.gettrace()
    sys.settrace(mine)
    try:
        watched(model, tokenizer, "bert")
        assert sys.gettrace() is mine
        with pytest.raises(ZeroDivisionError), watching(model.get_submodule("bert.pooler")):
            model.bert.pooler.register_forward_pre_hook(lambda *_: 1 / 0)
            try:
                trace(model, tokenizer, TEXTS)
                1 / 0  # noqa: B018 - the trace tells of the failure; the block must end by an exception too
            finally:
                model.bert.pooler._forward_pre_hooks.popitem()
        assert sys.gettrace() is mine
    finally:
        sys.settrace(before)
    assert not model.bert.pooler._forward_hooks and not model.bert.pooler._forward_pre_hooks


@pytest.fixture
def other_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A transformers in which modeling_bert.py has one line more."""
    folder = tmp_path / "transformers" / "models" / "bert"
    folder.mkdir(parents=True)
    text = Path(modeling_bert.__file__).read_text().splitlines(keepends=True)
    (folder / "modeling_bert.py").write_text("".join([*text[:50], "# another release\n", *text[50:]]))
    monkeypatch.setattr(transformers.__spec__, "submodule_search_locations", [str(tmp_path / "transformers")])
    return folder


def test_a_file_that_is_not_as_it_was_is_not_used(other_release: Path, traced: Trace) -> None:
    found = listing(traced, first_call(traced, "bert.pooler"))
    assert [function.name for function in found.functions] == [""]
    lines = found.functions[0].lines
    assert [line.text for line in lines] == [
        "first_token_tensor = hidden_states[:, 0]",
        "pooled_output = self.dense(first_token_tensor)",
        "pooled_output = self.activation(pooled_output)",
    ]
    assert [made.step.label for line in lines for made in line.made] == [
        "first token [CLS]",
        "pooler projection",
        "tanh activation",
    ]


def test_a_layer_of_another_torch_is_not_shown(traced: Trace) -> None:
    def shown(torch: str) -> list[str]:
        other = structs.replace(traced, environment=structs.replace(traced.environment, torch=torch))
        return [f.name for f in listing(other, first_call(other, "bert.pooler.dense")).functions]

    ran = traced.environment.torch
    assert shown(ran) == shown(ran.partition("+")[0]) == shown(f"{ran.partition('+')[0]}+cu130") == ["Linear.forward"]
    assert shown("1.0") == []


def test_a_trace_without_ops_lists_the_modules(model: Any, tokenizer: Any) -> None:
    result = trace(model, tokenizer, TEXTS, level="module")
    found = listing(result, first_call(result, "bert.encoder.layer.0.attention.self"))
    assert [m.step.label for line in found.functions[0].lines for m in line.made if m.how == "made"] == [
        "query projection",
        "key projection",
        "value projection",
    ]


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("", ""),
        ("bert", "bert"),
        ("dropout", "dropout"),
        ("attention.self", "bert.encoder.layer.0.attention.self"),
        ("**.pooler", "bert.pooler"),
        ("layer.1", "bert.encoder.layer.1"),
        ("layer.*", "bert.encoder.layer.0"),
        ("BertSelfOutput", "bert.encoder.layer.0.attention.output"),
        ("BertForSequenceClassification", ""),
    ],
)
def test_a_module_is_found_by_what_people_call_it(wanted: str, path: str, traced: Trace) -> None:
    found, note = find_module(wanted if wanted != "layer.*" else "**.layer.*", modules_of(traced))
    assert found == path and (note is None) == (wanted in ("", "bert", "dropout"))


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("bert.encoder.layer.0.attention.selv", "bert.encoder.layer.0.attention.self"),
        ("BertSelfAttentio", "BertSelfAttention"),
        ("output", "bert.encoder.layer.0.attention.output"),
        ("zebra", "lists the paths"),
    ],
)
def test_a_module_that_is_none_or_several_gets_a_hint(wanted: str, hint: str, traced: Trace) -> None:
    with pytest.raises(UsageError) as raised:
        find_module(wanted, modules_of(traced))
    assert hint in (raised.value.hint or "")
