"""Means of a corpus in the place of what a model computes, against plain code over plain transformers."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from analysis.profiling.corpus_of import TEXTS, corpus, profiled, profiler, sentences
from analysis.profiling.test_profiler import small

from bert_inspect import Trace, ablate, trace
from bert_inspect.errors import TraceFileError, UsageError
from bert_inspect.profiles.profile_file import profile_json
from bert_inspect.traces.selection import Selection


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, Any, Path, Trace]]:
    """Of a family a model and its tokenizer, their profile of the corpus, and the trace of the corpus; none changes."""

    @cache
    def make(name: str) -> tuple[Any, Any, Path, Trace]:
        loaded, tokenizer = small(name)
        file = saved(tmp_path_factory.mktemp(name), loaded, tokenizer)
        return loaded, tokenizer, file, trace(loaded.model, tokenizer, TEXTS, values=True)

    return make


def saved(tmp_path: Path, loaded: Any, tokenizer: Any, **how: Any) -> Path:
    file = tmp_path / "profile.json"
    file.write_bytes(profile_json(profiled(loaded, tokenizer, sentences(TEXTS), **how)))
    return file


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "modernbert", "deberta-v2", "albert", "distilbert"])
@pytest.mark.parametrize(
    "spec", ["layer.1", "layer.1.attention", "layer.0.head.2", "layer.1.intermediate", "layer.1.neuron.3"]
)
def test_the_edited_tensor_is_the_mean_over_the_corpus(
    known: Callable[[str], tuple[Any, Any, Path, Trace]], name: str, spec: str
) -> None:
    loaded, tokenizer, file, whole = known(name)
    result = trace(loaded.model, tokenizer, TEXTS[:2], values=True, edits=[f"{spec}=mean:{file}"], verify=True)
    assert result.proof is not None and result.proof.passed
    assert result.model.edits == [f"{spec}=mean:profile.json"]
    (edited,) = [step for step in result.steps if step.edited and step.outputs[0].values is not None][:1]
    found = torch.tensor(_nested(edited.outputs[0]))
    before = next(step for step in whole.steps if (step.path, step.call, step.type, step.label) == _key(edited))
    numbers = torch.tensor(_nested(before.outputs[0]))
    real = torch.tensor(whole.input.attention_mask, dtype=torch.bool)
    axes = before.outputs[0].axes or []
    if axes[0] == "batch and heads":
        numbers, found = (each.unflatten(0, (-1, 4)) for each in (numbers, found))
        axes = ["batch", "heads", *axes[1:]]
    if "heads" in axes and axes.index("heads") == 1:
        numbers, found = numbers.transpose(1, 2), found.transpose(1, 2)
    means = numbers[real].double().mean(0)
    wanted = found.clone()
    if ".head." in spec:
        wanted[:, :, 2] = means[2].float()
    elif ".neuron." in spec:
        wanted[..., 3] = means[3].float()
    else:
        wanted[:] = means.float()
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def _key(step: Any) -> tuple[Any, ...]:
    return step.path, step.call, step.type, step.label


def _nested(output: Any) -> Any:
    return json.loads(output.values.json())


def test_ablation_takes_its_means_from_a_profile(tmp_path: Path) -> None:
    loaded, tokenizer = small("bert")
    file = saved(tmp_path, loaded, tokenizer)
    found = ablate(loaded.model, tokenizer, TEXTS[0], how=f"mean:{file}").answers[0]
    one = trace(loaded.model, tokenizer, TEXTS[0], edits=[f"layer.1.head.3=mean:{file}"]).output
    assert one is not None and one.logits is not None
    logits = [float(number) for number in one.logits[0]]
    effect = next(each for each in found.effects if (each.layer, each.number) == (1, 3))
    assert abs(float(effect.value)) == pytest.approx(abs(logits[0] - logits[1]), abs=1e-6)


def test_a_profile_of_something_else_is_refused(tmp_path: Path) -> None:
    loaded, tokenizer = small("bert")
    file = saved(tmp_path, loaded, tokenizer, selection=Selection(layers=frozenset([0])))
    with pytest.raises(UsageError, match=r"holds no means for layer\.1\.attention: it was narrowed to layer 0"):
        trace(loaded.model, tokenizer, TEXTS, edits=[f"layer.1.attention=mean:{file}"])
    with torch.no_grad():
        loaded.model.classifier.bias += 1
    with pytest.raises(UsageError, match="a profile of another model"):
        trace(loaded.model, tokenizer, TEXTS, edits=[f"layer.0.attention=mean:{file}"])
    with pytest.raises(TraceFileError, match="cannot read"):
        trace(loaded.model, tokenizer, TEXTS, edits=[f"layer.0=mean:{tmp_path}/nowhere.json"])
    file.write_bytes(file.read_bytes().replace(b'"count":', b'"count": 1', 1))
    with pytest.raises(TraceFileError, match="damaged"):
        trace(loaded.model, tokenizer, TEXTS, edits=[f"layer.0=mean:{file}"])


def test_means_of_a_part_of_the_corpus_are_refused(tmp_path: Path) -> None:
    loaded, tokenizer = small("bert")
    made = profiler(loaded, tokenizer)
    total = made.begin(corpus(blocks=2))
    made.add_each(total, [(1, sentences(TEXTS))])
    file = tmp_path / "half.json"
    file.write_bytes(profile_json(total.record()))
    with pytest.raises(UsageError, match=r"half\.json holds 1 of the 2 blocks of its corpus"):
        trace(loaded.model, tokenizer, TEXTS, edits=[f"layer.0=mean:{file}"])
