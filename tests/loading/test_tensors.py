"""Weights that do not fit the configuration, or are no numbers: an error that lists them, or a notice."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import change, loaded, tiny_model
from safetensors.torch import load_file, save_file
from transformers.models.bert.modeling_bert import BertForTokenClassification

from bert_inspect.loading.files import CheckpointFiles
from bert_inspect.loading.weights.safetensors_files import find_weights

Command = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


def rewrite(folder: Path, edit: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    """Change the tensors of a checkpoint."""
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / "model.safetensors").items()}
    edit(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_weights_that_are_no_numbers_are_told(copy: Path, command: Command, dtype: torch.dtype) -> None:
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        for name in tensors:
            tensors[name] = tensors[name].to(dtype)
        tensors["bert.embeddings.word_embeddings.weight"][14, 31] = float("nan")  # a row that this run does not use
        tensors["classifier.bias"][:] = float("-inf")

    rewrite(copy, spoil)
    change(copy / "config.json", dtype=str(dtype).removeprefix("torch."))
    code, out, err = command("run", "x", "--model", copy, "--json")
    assert code == 0 and json.loads(out)["output"]["logits"] == [["-Infinity", "-Infinity"]]
    (line,) = err.splitlines()
    first = find_weights(CheckpointFiles(root=copy, name="copy"))[0].tensors
    name = next(
        tensor.name for tensor in first if tensor.name in ("bert.embeddings.word_embeddings.weight", "classifier.bias")
    )
    assert line == f"copy holds 3 weights of NaN or infinity, the first in {name}"


def test_large_weights_are_numbers(copy: Path, command: Command) -> None:
    def enlarge(tensors: dict[str, torch.Tensor]) -> None:
        tensors["bert.pooler.dense.weight"].fill_(3e38)  # the sum is infinite, no number is

    rewrite(copy, enlarge)
    code, _, err = command("run", "x", "--model", copy)
    assert (code, err) == (0, "")


NORM = "bert.embeddings.LayerNorm"
QUERY = "bert.encoder.layer.0.attention.self.query.weight"


def test_missing_tensors_are_listed(copy: Path, refused: Refused, command: Command) -> None:
    lacking = [QUERY, "bert.pooler.dense.bias", "classifier.weight"]
    rewrite(copy, lambda tensors: [tensors.pop(name) for name in lacking])
    error = refused("run", "x", "--model", copy)
    assert f"lacks 2 tensors besides the head's: {QUERY}, bert.pooler.dense.bias" in error
    code, out, _ = command("run", "x", "--model", copy, "--allow-missing", "--json")
    drawn = json.loads(out)["model"]["initialised"]
    assert code == 0 and drawn == sorted(lacking)


def test_a_file_of_other_tensors_lacks_them_all(copy: Path, refused: Refused) -> None:
    save_file({f"gpt.h.{number}.weight": torch.zeros(500, 500) for number in range(4)}, copy / "model.safetensors")
    assert "lacks 39 tensors besides the head's: bert.embeddings.LayerNorm.bias" in refused("run", "x", "--model", copy)


def test_a_shape_that_the_configuration_does_not_say_is_refused(copy: Path, refused: Refused) -> None:
    def reshape(tensors: dict[str, torch.Tensor]) -> None:
        tensors[QUERY] = torch.zeros(64, 32)

    rewrite(copy, reshape)
    error = refused("run", "x", "--model", copy)
    assert f"copy holds 1 tensor in another shape than its configuration says: {QUERY[:57]}" in error
    assert "its configuration says" in refused("run", "x", "--model", copy, "--allow-missing")


def test_a_trained_classifier_is_not_thrown_away_unasked(copy: Path, command: Command) -> None:
    def three(tensors: dict[str, torch.Tensor]) -> None:
        tensors["classifier.weight"], tensors["classifier.bias"] = torch.ones(3, 32), torch.ones(3)

    rewrite(copy, three)
    code, out, err = command("run", "x", "--model", copy)
    assert (code, out) == (3, "") and "classifier.bias is [3], not [2]" in err
    assert "hint: its classifier has 3 classes: --num-labels 3 takes it as it is" in err
    code, out, err = command("run", "x", "--model", copy, "--num-labels", "3", "--json")
    assert (code, err) == (0, "") and json.loads(out)["model"]["weights"] == "pretrained"
    code, out, _ = command("run", "x", "--model", copy, "--num-labels", "2", "--json")
    assert code == 0 and json.loads(out)["model"]["weights"] == "partial"
    code, out, err = command("run", "x", "--model", copy, "--num-labels", str(10**9))
    assert (code, out) == (2, "") and "1,000,000,000 labels are too many" in err


def test_a_classifier_of_tokens_is_told(copy: Path, command: Command) -> None:
    BertForTokenClassification(tiny_model(vocab_size=16).config).save_pretrained(copy)
    given = ("run", "x", "--model", copy, "--task", "text-classification")
    code, out, err = command(*given)
    assert (code, out) == (3, "") and "lacks 2 tensors besides the head's: bert.pooler.dense.bias" in err
    code, _, err = command(*given, "--allow-missing")
    said = "copy was saved from a BertForTokenClassification: its head was not trained for sequence classification\n"
    assert (code, err) == (0, said)


def test_tensors_without_a_place_are_told(copy: Path, command: Command) -> None:
    def add(tensors: dict[str, torch.Tensor]) -> None:
        tensors["bert.encoder.layer.7.output.dense.weight"] = torch.zeros(1)
        tensors["\x1b[2Jlora_A"] = torch.zeros(1)
        tensors["cls.predictions.bias"] = torch.full((1,), float("nan"))
        tensors["bert.embeddings.position_ids"] = torch.arange(64)

    rewrite(copy, add)
    (copy / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/else", "peft_type": "LORA"}')
    code, _, err = command("run", "x", "--model", copy)
    assert code == 0
    assert err.splitlines() == [
        "copy holds an adapter (adapter_config.json): it is not applied",
        "copy holds 1 tensor of layers from 2 on, which are not used: num_hidden_layers in config.json is 2",
        "copy holds 1 tensor that this model has no place for: \\x1b[2Jlora_A",
    ]


@pytest.mark.parametrize(
    ("name", "alias"),
    [("bert.pooler.dense.weight", "pooler.dense.weight"), (NORM + ".weight", NORM + ".gamma")],
)
def test_one_parameter_under_two_names_is_refused(copy: Path, refused: Refused, name: str, alias: str) -> None:
    rewrite(copy, lambda tensors: tensors.update({alias: torch.zeros_like(tensors[name])}))
    assert "copy holds one parameter under two names" in refused("run", "x", "--model", copy)


def test_older_names_of_tensors_are_known(checkpoint: Path, copy: Path, command: Command) -> None:
    def rename(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            older = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            tensors[older.removeprefix("bert.")] = tensors.pop(name)

    rewrite(copy, rename)
    model, theirs = loaded(str(copy)).model, loaded(str(checkpoint)).model.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in model.state_dict().items())


def test_an_adapter_alone_is_no_model(tmp_path: Path, refused: Refused, command: Command) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text('{"base_model_name_or_path": "https://example.invalid"}')
    assert "it has no config.json" in refused("run", "x", "--model", tmp_path / "adapter")
    assert "hint: merge it first, with peft: PeftModel." in command("run", "x", "--model", tmp_path / "adapter")[2]
