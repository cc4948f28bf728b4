"""Names of tensors that a wrapper made are read without it; an adapter's are not taken for a model's."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import change, loaded, tiny_model
from safetensors.torch import load_file, save_file
from transformers.models.bert.modeling_bert import BertForSequenceClassification, BertModel

Command = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]
QUERY = "bert.encoder.layer.0.attention.self.query"


def rename(folder: Path, new: Callable[[str], str]) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file({new(name): tensor for name, tensor in tensors.items()}, folder / "model.safetensors")


WRAPPED: dict[str, tuple[Callable[[str], str], str]] = {
    "DataParallel": (lambda name: f"module.{name}", " (DataParallel)"),
    "compiled": (lambda name: f"_orig_mod.{name}", " (torch.compile)"),
    "both": (lambda name: f"module._orig_mod.{name}", " (DataParallel)"),
    "peft": (lambda name: f"base_model.model.{name}", " (peft)"),
    "Lightning": (lambda name: f"model.{name}", ""),
    "Lightning, compiled": (lambda name: f"model._orig_mod.{name}", " (torch.compile)"),
    "of a class of one's own": (lambda name: f"net.backbone.{name}", ""),
    "layers compiled": (lambda name: name.replace("layer.", "layer._orig_mod."), " (torch.compile)"),
    "FSDP": (lambda name: f"_fsdp_wrapped_module.{name}".replace("layer.1", "layer.1._fsdp_wrapped_module"), " (FSDP)"),
    "the body alone": (lambda name: f"model.{name.removeprefix('bert.')}", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize(("new", "who"), WRAPPED.values(), ids=WRAPPED.keys())
def test_a_wrapper_is_left_out_of_names(
    checkpoint: Path, copy: Path, command: Command, new: Callable[[str], str], who: str
) -> None:
    rename(copy, new)
    code, out, err = command("run", "x", "--model", copy, "--json")
    assert code == 0, err
    assert f"tensors of copy have a wrapper in their names{who}: " in err and " is read as " in err
    assert json.loads(out)["model"]["weights"] == "pretrained"
    with pytest.warns(UserWarning, match="wrapper"):
        mine = loaded(str(copy)).model.state_dict()
    theirs = BertForSequenceClassification.from_pretrained(checkpoint).state_dict()
    assert all(torch.equal(mine[name], tensor) for name, tensor in theirs.items())


def test_a_wrapped_body_gets_a_new_head(copy: Path, command: Command) -> None:
    body = BertModel(tiny_model(vocab_size=16).config)
    save_file({f"module.{name}": tensor for name, tensor in body.state_dict().items()}, copy / "model.safetensors")
    code, out, err = command("run", "x", "--model", copy, "--task", "text-classification", "--json")
    assert code == 0 and "(DataParallel)" in err
    assert json.loads(out)["model"]["initialised"] == ["classifier.bias", "classifier.weight"]


def test_a_name_of_another_model_is_left(copy: Path, refused: Refused) -> None:
    rename(copy, lambda name: "roberta." + name.removeprefix("bert."))
    assert "it holds 41 of other names: roberta." in refused("run", "x", "--model", copy)


def test_two_models_in_one_are_told_apart(copy: Path, command: Command) -> None:
    tensors = load_file(copy / "model.safetensors")
    both = {f"{side}.{name}": tensor.clone() for side in ("model", "encoder") for name, tensor in tensors.items()}
    save_file(both, copy / "model.safetensors")
    code, out, err = command("run", "x", "--model", copy)
    assert (code, out) == (3, "") and "it holds 82 of other names: encoder.bert" in err


def test_one_parameter_with_and_without_a_wrapper_is_refused(copy: Path, refused: Refused) -> None:
    tensors = load_file(copy / "model.safetensors")
    save_file({**tensors, "module.classifier.bias": torch.zeros(2)}, copy / "model.safetensors")
    assert "one parameter under two names: classifier.bias, module.classifier.bias" in refused(
        "run", "x", "--model", copy
    )


def with_adapter(folder: Path, *, around: bool) -> None:
    """Add what peft adds: two small matrices beside a projection, which it wraps."""
    tensors = load_file(folder / "model.safetensors")
    if around:
        tensors[f"{QUERY}.base_layer.weight"] = tensors.pop(f"{QUERY}.weight")
    pair = {"A": torch.zeros(4, 32), "B": torch.zeros(32, 4)}
    tensors |= {f"{QUERY}.lora_{side}.default.weight": tensor for side, tensor in pair.items()}
    tensors = {f"base_model.model.{name}": tensor for name, tensor in tensors.items()}
    save_file(tensors, folder / "model.safetensors")


def test_an_adapter_that_is_not_merged_is_refused(copy: Path, command: Command, refused: Refused) -> None:
    with_adapter(copy, around=True)
    error = refused("run", "x", "--model", copy)
    assert "copy holds 3 tensors of an adapter that is not merged into the model: base_model.model." in error
    assert "hint: merge it first, with peft: " in command("run", "x", "--model", copy)[2]


def test_an_adapter_beside_a_whole_model_is_told(copy: Path, command: Command) -> None:
    with_adapter(copy, around=False)
    code, _, err = command("run", "x", "--model", copy)
    assert code == 0 and "copy holds 2 tensors of an adapter that is not applied: " in err
    out = command("doctor", "x", "--model", copy, "--only", "weights")[1]
    assert "merge it first, with peft" in " ".join(out.split())


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "model.safetensors"])
def test_an_adapter_alone_is_refused(copy: Path, command: Command, refused: Refused, file: str) -> None:
    (copy / "model.safetensors").unlink()
    save_file({f"base_model.model.{QUERY}.lora_A.weight": torch.zeros(4, 32)}, copy / file)
    assert "adapter" in refused("run", "x", "--model", copy)
    assert "hint: merge it first, with peft: " in command("run", "x", "--model", copy)[2]


def test_a_head_of_another_name_is_looked_for_before_fine_tuning(copy: Path, command: Command) -> None:
    rename(copy, lambda name: name.replace("classifier.", "fc."))
    out = " ".join(command("doctor", "x", "--model", copy, "--only", "head")[1].split())
    assert "the classifier is randomly initialized, and 2 tensors of the checkpoint have no place: fc.bias" in out
    assert "rename it to classifier.weight, classifier.bias" in out
    rename(copy, lambda name: name.replace("fc.", "classifier."))
    change(copy / "config.json", id2label={"0": "no", "1": "yes"})
    assert "randomly" not in command("doctor", "x", "--model", copy, "--only", "head")[1]


OLD = ["attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size", "initializer_range"]
OLD += ["intermediate_size", "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "vocab_size"]


@pytest.mark.slow
@pytest.mark.parametrize("evidence", ["names", "wrapped names", "architectures", "a body"])
def test_a_configuration_of_2019_is_a_berts(copy: Path, command: Command, evidence: str) -> None:
    if evidence == "a body":
        BertModel(tiny_model(vocab_size=16).config).save_pretrained(copy)
    whole = json.loads((copy / "config.json").read_text())
    old = {key: whole[key] for key in OLD} | {"num_labels": 2, "finetuning_task": "mrpc", "pruned_heads": {}}
    if evidence == "architectures":
        old["architectures"] = ["BertForSequenceClassification"]
    (copy / "config.json").write_text(json.dumps(old))
    torch.manual_seed(123)
    found = BertForSequenceClassification.from_pretrained(copy).state_dict()
    theirs = {name: tensor.clone() for name, tensor in found.items()}  # older releases map the file that is rewritten
    if evidence == "wrapped names":
        rename(copy, lambda name: f"module.{name}")
    code, _, err = command("run", "x", "--model", copy, "--task", "text-classification")
    assert code == 0, err
    assert "config.json of copy names no model_type, as before 2020: it is read as a BERT" in err
    with pytest.warns(UserWarning):
        mine = loaded(str(copy), task="text-classification").model.state_dict()
    assert all(torch.equal(mine[name], tensor) for name, tensor in theirs.items())


def test_a_configuration_that_may_be_of_another_model_is_refused(copy: Path, refused: Refused) -> None:
    whole = json.loads((copy / "config.json").read_text())
    old = {key: whole[key] for key in OLD}
    (copy / "config.json").write_text(json.dumps(old | {"architectures": ["GPT2ForSequenceClassification"]}))
    assert "config.json of copy does not say what model it is (model_type)" in refused("run", "x", "--model", copy)
    (copy / "config.json").write_text(json.dumps(old))
    rename(copy, lambda name: name.removeprefix("bert."))
    tensors = load_file(copy / "model.safetensors")
    one = "embeddings.token_type_embeddings.weight"
    save_file({**tensors, one: tensors[one][:1].clone()}, copy / "model.safetensors")
    assert "does not say what model it is" in refused("run", "x", "--model", copy)
