"""What a family says of paths, sizes and layers; held against the models themselves."""

import inspect
import sys
from typing import Any

import pytest
import torch
from families.tiny import as_loaded, tiny
from helpers import tiny_config, tiny_model
from torch import nn

from bert_inspect.capture.naming.labels import name_steps
from bert_inspect.capture.naming.modules import Naming
from bert_inspect.capture.tracing.step_record import StepRecord, TensorRecord
from bert_inspect.capture.tracing.tracer import observe
from bert_inspect.families import BERT, FAMILIES, Family, family_of
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION, Head
from bert_inspect.loading.classes import config_class_of
from bert_inspect.traces.record import Trace
from bert_inspect.traces.vocabulary import labels, roles


def test_every_module_of_a_bert_has_a_role_and_its_part() -> None:
    model = tiny_model()
    unnamed = {path for path, _ in model.named_modules() if not BERT.role(path)}
    assert unnamed == {"bert.encoder.layer"}  # a list of modules, which nobody calls
    assert BERT.role("bert.encoder.layer.1.attention.output.dense") == roles.ATTENTION_OUTPUT_PROJECTION
    assert BERT.role("bert.encoder.layer.1.output.dense") == roles.OUTPUT_PROJECTION
    parts = {path: BERT.part(path) for path, _ in model.named_modules()}
    assert parts["bert.embeddings.LayerNorm"] == roles.EMBEDDINGS
    assert parts["bert.encoder.layer.0.attention.output.LayerNorm"] == roles.ATTENTION
    assert parts["bert.encoder.layer.0.output.LayerNorm"] == roles.FEED_FORWARD
    assert parts["bert.pooler.activation"] == roles.POOLER
    assert parts["classifier"] == parts["dropout"] == roles.HEAD
    assert parts[""] == parts["bert"] == parts["bert.encoder.layer.0"] == ""


ALL = [(family, head) for family in FAMILIES.values() for head in family.heads]


@pytest.mark.parametrize(("family", "head"), ALL, ids=[f"{family.model_type}-{head.task}" for family, head in ALL])
def test_every_module_of_every_model_has_a_role(family: Family, head: Head) -> None:
    model = tiny(family, head)
    roles_of = as_loaded(model).family.role
    lists = {path for path, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    assert {path for path, _ in model.named_modules() if not roles_of(path)} - lists == set()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_paths_of_a_family_are_those_of_its_model(family: Family) -> None:
    model = tiny(family, SEQUENCE_CLASSIFICATION)
    assert sorted(family.paths(as_loaded(model).layers)) == sorted(path for path, _ in model.named_modules())
    config = config_class_of(family)()
    assert family.defaults == {key: getattr(config, key) for key in family.defaults}
    stated = set(config.to_dict()) | {"chunk_size_feed_forward", "problem_type", "pad_token_id", "tie_word_embeddings"}
    written = "".join(inspect.getsource(sys.modules[each.__module__]) for each in (type(config), type(model)))
    assert all(key in stated or key in written for key in family.settings)


def test_what_lies_inside_an_unknown_module_belongs_to_the_part_around() -> None:
    inside = "bert.encoder.layer.1.intermediate.intermediate_act_fn.gate"
    assert (BERT.role(inside), BERT.part(inside), BERT.layer_in_path(inside)) == ("", roles.FEED_FORWARD, 1)


def test_sizes_are_those_of_the_configuration() -> None:
    config = tiny_config()
    assert BERT.sizes_of(vars(config)) == {
        "layers": config.num_hidden_layers,
        "hidden": config.hidden_size,
        "heads": config.num_attention_heads,
        "intermediate": config.intermediate_size,
        "positions": config.max_position_embeddings,
        "vocabulary": config.vocab_size,
        "token_types": config.type_vocab_size,
    }
    assert BERT.sizes_of({"hidden_size": "many", "num_hidden_layers": True}) == {}
    assert BERT.activation_of({"hidden_act": "gelu"}) == "gelu"
    assert BERT.activation_of({"hidden_act": torch.tanh}) == "tanh"


def test_families_and_heads_are_found() -> None:
    assert family_of("bert") is BERT and FAMILIES["bert"] is BERT
    assert BERT.head("text-classification") is SEQUENCE_CLASSIFICATION
    assert BERT.head_of_classes(["Mine", "BertForSequenceClassification"]) is SEQUENCE_CLASSIFICATION
    assert BERT.head_of_classes(["BertLMHeadModel"]) is None
    assert not BERT.in_body("classifier.weight") and BERT.in_body("bert.x")
    assert BERT.in_body("embeddings.word_embeddings.weight") and BERT.part("encoder.layer.0.output") == "feed-forward"


def test_a_trace_says_family_task_sizes_and_roles(traced: Trace) -> None:
    assert (traced.model.family, traced.model.task) == ("bert", "text-classification")
    assert (traced.model.sizes.layers, traced.model.sizes.hidden) == (2, 32)
    for step in traced.steps:
        assert step.role == BERT.role(step.path)
    assert {step.part for step in traced.steps if step.kind == "op" and not step.path} <= {roles.HEAD}


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense, self.act = nn.Linear(4, 4), nn.ReLU()

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.act(self.dense(hidden)) * 2


class Shared(nn.Module):
    """An encoder that calls its one layer again and again, as ALBERT does."""

    def __init__(self) -> None:
        super().__init__()
        self.group = nn.ModuleList([Layer()])

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            hidden = self.group[0](hidden) + hidden
        return hidden


SHARED = Family(
    model_type="shared",
    name="Shared",
    modules={"": roles.MODEL, "group.*": roles.LAYER, "group.*.dense": roles.INTERMEDIATE_PROJECTION},
    sizes={},
    activation="",
    norm_eps="",
    inputs=(),
    source="",
    shares_layer=True,
)


def test_the_layer_of_a_shared_module_is_its_call() -> None:
    model = Shared()
    with torch.inference_mode():
        tracer, _ = observe(lambda: model(torch.ones(2, 4)), dict(model.named_modules()), SHARED, specs=[])
    steps = tracer.finish(raised=False).steps
    layers = [(step.path, step.call, step.layer) for step in steps if step.path.startswith("group")]
    assert layers == [
        (path, call, call) for call in range(3) for path in ("group.0", "group.0.dense", "group.0.act", "group.0")
    ]
    sums = [step.layer for step in steps if step.kind == "op" and not step.path]
    assert sums == [None] * 3  # they are outside of the layer
    assert SHARED.layers_of("group.0.act", 3) == [0, 1, 2] and SHARED.layers_of("pooler", 3) == [None]


def record(place: int, type_: str, inputs: list[int], outputs: list[int], **more: Any) -> StepRecord:
    def seen(numbers: list[int]) -> list[TensorRecord]:
        return [TensorRecord("x", number, (2, 5, 8), "float32", None) for number in numbers]  # type: ignore[arg-type]

    return StepRecord(place, None, "op", "", 0, type_, None, seen(inputs), seen(outputs), **more)


@pytest.mark.parametrize("op", ["chunk", "split", "unbind"])
def test_a_fused_projection_that_is_taken_apart_gives_three_tensors_of_three_names(op: str) -> None:
    fused = record(0, "Linear", [0], [1], role=roles.FUSED_PROJECTION)
    fused.kind = "module"
    steps = [
        fused,
        record(1, op, [1], [2, 3, 4]),
        *(record(place, "view", [place], [place + 3]) for place in (2, 3, 4)),
    ]
    for step in steps[2:]:
        step.outputs[0].shape = (2, 5, 2, 4)
    names = name_steps(steps, Naming(family=BERT, head=SEQUENCE_CLASSIFICATION, activation="gelu"))
    assert [names.tensors.get(number) for number in (2, 3, 4)] == [
        labels.QUERY_PROJECTION,
        labels.KEY_PROJECTION,
        labels.VALUE_PROJECTION,
    ]
    assert names.labels[2:] == [labels.QUERY_SPLIT, labels.KEY_SPLIT, labels.VALUE_SPLIT]
    assert names.axes[3] == ["batch", "tokens", "hidden"]
