"""Tensors of another shape than the configuration says: which key is to blame, and what it should be."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import change, loaded, tiny_model
from safetensors.torch import load_file, save_file
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from bert_inspect.loading.tokenizer import quiet

Command = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


def assert_not_loaded_by_transformers(folder: Path) -> None:
    with quiet(), pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        BertForSequenceClassification.from_pretrained(folder)


def assert_as_transformers(folder: Path) -> None:
    theirs = BertForSequenceClassification.from_pretrained(folder).state_dict()
    mine = loaded(str(folder)).model.state_dict()
    assert mine.keys() == theirs.keys() and all(torch.equal(mine[name], tensor) for name, tensor in theirs.items())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"vocab_size": 12}, 1),
        ({"vocab_size": 20}, 1),
        ({"type_vocab_size": 1}, 1),
        ({"max_position_embeddings": 512}, 1),
        ({"intermediate_size": 128}, 6),
        ({"hidden_size": 48}, 37),
        ({"hidden_size": 48, "intermediate_size": 192, "vocab_size": 12}, 39),
    ],
    ids=str,
)
def test_the_key_and_its_value_are_named(
    copy: Path, command: Command, refused: Refused, changes: dict[str, int], count: int
) -> None:
    whole = json.loads((copy / "config.json").read_text())
    change(copy / "config.json", pad_token_id=None, **changes)
    assert_not_loaded_by_transformers(copy)
    error = refused("run", "x", "--model", copy)
    assert re.search(rf"copy holds {count} tensors? in another shape than its configuration says", error)
    assert "..." not in error
    hint = command("run", "x", "--model", copy)[2].splitlines()[-1]
    found = {key: int(value) for key, value in re.findall(r"(\w+) to (\d+)", hint)}
    assert found == {key: whole.get(key, 2) for key in changes} and hint.startswith("hint: set ")
    change(copy / "config.json", **found)
    assert_as_transformers(copy)


def test_whole_shapes_are_shown(copy: Path, refused: Refused) -> None:
    change(copy / "config.json", vocab_size=12)
    assert refused("run", "x", "--model", copy).endswith(
        "bert.embeddings.word_embeddings.weight is [16, 32], not [12, 32]"
    )
    change(copy / "config.json", vocab_size=16, intermediate_size=128)
    error = refused("run", "x", "--model", copy)
    assert "intermediate.dense.weight is [64, 32], not [128, 32], " in error and error.endswith(", and 3 more")


def prune(folder: Path, heads: dict[int, list[int]], *, hidden: int = 32, size: int = 8) -> None:
    """Take heads away as transformers 4 did: rows of the projections, columns of the output's."""
    tensors = load_file(folder / "model.safetensors")
    for layer, gone in heads.items():
        kept = [place for place in range(hidden) if place // size not in gone]
        inside = f"bert.encoder.layer.{layer}.attention."
        for part in ("query", "key", "value"):
            for kind in ("weight", "bias"):
                name = f"{inside}self.{part}.{kind}"
                tensors[name] = tensors[name][kept].contiguous()
        output = f"{inside}output.dense.weight"
        tensors[output] = tensors[output][:, kept].contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("said", [True, False])
def test_pruned_heads_are_named(copy: Path, command: Command, refused: Refused, said: bool) -> None:
    prune(copy, {0: [1, 2], 1: [3]})
    if said:
        change(copy / "config.json", pruned_heads={"0": [1, 2], "1": [3]})
    assert_not_loaded_by_transformers(copy)
    assert "copy has attention heads pruned away, which transformers 5 cannot load" in refused(
        "run", "x", "--model", copy
    )
    hint = command("run", "x", "--model", copy)[2].splitlines()[-1]
    assert hint.startswith("hint: 2 of 4 heads in layer 0, 3 of 4 heads in layer 1 are left")


def test_tensors_that_contradict_each_other_blame_no_key(copy: Path, command: Command, refused: Refused) -> None:
    tensors = load_file(copy / "model.safetensors")
    tensors["bert.encoder.layer.1.attention.self.query.weight"] = torch.zeros(64, 32)
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    assert "query.weight is [64, 32], not [32, 32]" in refused("run", "x", "--model", copy)
    assert "hint: these tensors fit no configuration" in command("run", "x", "--model", copy)[2]


def test_fewer_layers_than_configured_are_counted(copy: Path, command: Command, refused: Refused) -> None:
    change(copy / "config.json", num_hidden_layers=4)
    assert "copy lacks 32 tensors besides the head's: bert.encoder.layer.2" in refused("run", "x", "--model", copy)
    assert "hint: set num_hidden_layers to 2 in config.json" in command("run", "x", "--model", copy)[2]
    change(copy / "config.json", num_hidden_layers=2)
    assert_as_transformers(copy)


@pytest.mark.filterwarnings("ignore:copy holds 32 tensors")
def test_more_layers_than_configured_are_told(copy: Path, command: Command) -> None:
    tiny_model(vocab_size=16, num_hidden_layers=4).save_pretrained(copy)
    change(copy / "config.json", num_hidden_layers=2)
    code, out, err = command("run", "x", "--model", copy)
    assert code == 0 and "every tensor comes from the checkpoint" not in out
    assert "pretrained: 32 tensors of the checkpoint found no place in this model" in out
    assert "copy holds 32 tensors of layers from 2 on, which are not used: num_hidden_layers in config.json is 2" in err
    unused = json.loads(command("run", "x", "--model", copy, "--json")[1])["model"]["unused"]
    theirs = BertForSequenceClassification.from_pretrained(copy, output_loading_info=True)[1]["unexpected_keys"]
    assert unused == sorted(theirs) and len(unused) == 32
    code, out, _ = command("doctor", "x", "--model", copy, "--only", "weights")
    assert "32 tensors of the checkpoint have no place" in out and "set num_hidden_layers in config.json" in out
    assert_as_transformers(copy)


def test_a_checkpoint_that_is_used_whole_names_nothing_unused(checkpoint: Path, command: Command) -> None:
    code, out, _ = command("run", "x", "--model", checkpoint, "--json")
    assert code == 0 and "unused" not in json.loads(out)["model"]
    assert "every tensor comes from the checkpoint" in command("run", "x", "--model", checkpoint)[1]


def test_more_positions_than_the_tokenizer_says_can_be_used(copy: Path, command: Command) -> None:
    change(copy / "tokenizer_config.json", model_max_length=32)
    text = "I love cats ! " * 12
    code, out, err = command("run", text, "--model", copy)
    assert (code, out) == (2, "")
    assert "has 50 tokens, the limit is 32: so says the tokenizer (model_max_length), the model has 64 positions" in err
    assert "hint: run it whole with --max-length 64, cut it with --truncate, or split it" in err
    code, out, err = command("run", text, "--model", copy, "--json", "--max-length", "64")
    assert (code, err) == (0, "")
    found = json.loads(out)
    plain = BertForSequenceClassification.from_pretrained(copy, attn_implementation="eager").eval()
    with torch.inference_mode():
        theirs = plain(torch.tensor(found["input"]["input_ids"])).logits
    assert len(found["input"]["tokens"][0]) == 50 and torch.equal(torch.tensor(found["output"]["logits"]), theirs)
