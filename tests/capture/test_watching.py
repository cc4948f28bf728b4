"""What a watcher is told of a run: every step that returned tensors, in the order in which they ended."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from families.tiny import as_loaded, batch, tiny
from torch import nn

from bert_inspect.capture.editing.survey import survey
from bert_inspect.capture.model_inputs import model_inputs
from bert_inspect.capture.tracing.ends import End, end_of, ends_of
from bert_inspect.capture.watching import watched
from bert_inspect.errors import BertInspectError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION


class Seen:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.ends: list[End] = []
        self.tensors: list[list[torch.Tensor]] = []

    def ended(self, end: End, tensors: Sequence[torch.Tensor]) -> None:
        """Remember a step, and copies of what it returned."""
        self.ends.append(end)
        self.tensors.append([tensor.clone() for tensor in tensors])


def run_watched(loaded: Any, given: Any, watcher: Any) -> None:
    """Run a model once before a watcher."""
    with watched(loaded) as run:
        run(model_inputs(loaded, given, labels=False), watcher)


def assert_told_of_everything(model: Any, name: str, padding: str) -> Seen:
    loaded, given = as_loaded(model), batch(FAMILIES[name], padding=padding)
    seen = Seen()
    run_watched(loaded, given, seen)
    steps = ends_of(survey(loaded, given).steps)
    assert seen.ends == [end_of(step) for step in steps]
    assert [[tuple(tensor.shape) for tensor in tensors] for tensors in seen.tensors] == [
        [tuple(output.shape) for output in step.outputs] for step in steps
    ]
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "attention"), [(name, attention) for name in FAMILIES for attention in FAMILIES[name].attentions]
)
def test_it_is_told_of_every_step_that_a_trace_records(name: str, attention: str) -> None:
    model = tiny(FAMILIES[name], SEQUENCE_CLASSIFICATION, attention=attention)
    assert_told_of_everything(model, name, "right" if attention == "eager" else "left")


@pytest.mark.parametrize("name", FAMILIES)
def test_the_tensors_are_those_that_modules_return(name: str) -> None:
    model = tiny(FAMILIES[name], SEQUENCE_CLASSIFICATION)
    kept: list[tuple[str, Any]] = []
    handles = [
        module.register_forward_hook(lambda _, __, output, path=path: kept.append((path, output)))
        for path, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.LayerNorm | nn.Embedding)
    ]
    run_watched(as_loaded(model), batch(FAMILIES[name]), Seen())  # with the hooks of others on it
    for handle in handles:
        handle.remove()
    seen = assert_told_of_everything(model, name, "right")
    told = {}
    for (kind, path), tensors in zip(seen.ends, seen.tensors, strict=True):
        if kind == "module":
            told.setdefault(path, []).append(tensors)
    assert len(kept) > 10
    for path, output in kept:
        assert torch.equal(told[path].pop(0)[0], output), path


def test_a_module_that_works_in_place_is_seen_before_the_next_does() -> None:
    model = tiny(FAMILIES["bert"], SEQUENCE_CLASSIFICATION)
    model.bert.encoder.layer[0].intermediate.intermediate_act_fn = nn.ReLU(inplace=True)
    seen = assert_told_of_everything(model, "bert", "right")
    at = seen.ends.index(("module", "bert.encoder.layer.0.intermediate.dense"))
    assert (seen.tensors[at][0] < 0).any() and not (seen.tensors[at + 1][0] < 0).any()


def test_what_raised_and_was_caught_is_no_end() -> None:
    class Catches(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *given: Any, **named: Any) -> Any:
            try:
                self.inner(torch.zeros(1, 1))
            except RuntimeError:
                return self.inner(*given, **named)
            raise AssertionError

    model = tiny(FAMILIES["bert"], SEQUENCE_CLASSIFICATION)
    model.bert.encoder.layer[0].output.dense = Catches(model.bert.encoder.layer[0].output.dense)
    assert_told_of_everything(model, "bert", "right")


def test_what_the_watcher_raises_comes_out_and_the_model_is_as_it_was() -> None:
    class Fails(Seen):
        def ended(self, end: End, tensors: Sequence[torch.Tensor]) -> None:
            super().ended(end, tensors)
            if len(self.ends) == 20:
                raise ZeroDivisionError("the watcher's own")

    model = tiny(FAMILIES["bert"], SEQUENCE_CLASSIFICATION)
    watcher = Fails()
    with pytest.raises(ZeroDivisionError, match="the watcher's own"):
        run_watched(as_loaded(model), batch(FAMILIES["bert"]), watcher)
    assert len(watcher.ends) == 20
    assert all("forward" not in vars(module) for module in model.modules())


def test_a_forward_that_fails_is_told() -> None:
    model = tiny(FAMILIES["bert"], SEQUENCE_CLASSIFICATION)
    model.classifier = nn.Linear(3, 2)
    with pytest.raises(BertInspectError, match="the model's own forward failed: RuntimeError"):
        run_watched(as_loaded(model), batch(FAMILIES["bert"]), Seen())
