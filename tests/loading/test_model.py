"""What is loaded is what transformers loads, and what cannot be loaded safely is a clear error."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS, loaded, located, tiny_model
from transformers import set_seed
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import (
    BertForMaskedLM,
    BertForPreTraining,
    BertForSequenceClassification,
    BertModel,
)
from transformers.models.bert.tokenization_bert import BertTokenizer

from bert_inspect.errors import ModelError
from bert_inspect.families import FAMILIES
from bert_inspect.loading.builtin import BUILTIN
from bert_inspect.loading.tokenizer import load_tokenizer

SIZES = {  # parameters with two labels, as published for the body (google-research/bert), plus the classifier
    "bert-base-cased": 108_311_810,
    "bert-base-uncased": 109_483_778,
    "bert-large-cased": 333_581_314,
    "bert-large-uncased": 335_143_938,
    "bert-tiny": 4_386_178,
    "bert-mini": 11_171_074,
    "bert-small": 28_764_674,
    "bert-medium": 41_374_210,
}


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint to be broken."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def change_config(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def equal(model: torch.nn.Module, other: torch.nn.Module) -> bool:
    mine, theirs = model.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(tensor, theirs[name]) for name, tensor in mine.items())


@pytest.mark.parametrize("name", SIZES)
def test_built_in_architectures_have_their_true_size(name: str) -> None:
    model = loaded(name, weights="none").model
    assert sum(tensor.numel() for tensor in model.parameters()) == SIZES[name]
    assert model.config.hidden_size // model.config.num_attention_heads == 64
    assert set(SIZES) == set(BUILTIN)


def test_random_weights_are_those_of_set_seed(tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    found = loaded("bert-tiny", weights="random")
    assert torch.equal(torch.random.get_rng_state(), state)
    set_seed(123)
    config = BertConfig(hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512)
    assert equal(found.model, BertForSequenceClassification(config))
    assert found.weights == "random" and len(found.initialised) == len(list(found.model.parameters()))
    assert not equal(found.model, loaded("bert-tiny", weights="random", seed=1).model)


@pytest.mark.parametrize("name", ["bert-base-cased", "bert-base-uncased"])
def test_built_in_tokenizers_are_those_of_their_vocabulary_file(name: str, tmp_path: Path) -> None:
    shutil.copy(BUILTIN[name].vocabulary, tmp_path / "vocab.txt")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": name.endswith("uncased")}))
    theirs, ours = BertTokenizer.from_pretrained(tmp_path), load_tokenizer(located(name, weights="none"))
    texts = [
        *TEXTS,
        "Ärger über Café-Besuche, naïve 日本語 [MASK] ... déjà-vu 🐈",
        "unaffable\tsuperCALIFRAGILISTIC",
        "",
    ]
    assert ours(texts)["input_ids"] == theirs(texts)["input_ids"]
    assert ours.vocab_size == theirs.vocab_size == BUILTIN[name].config["vocab_size"]


def test_a_folder_is_what_from_pretrained_makes_of_it(checkpoint: Path) -> None:
    found = loaded(str(checkpoint))
    assert equal(found.model, BertForSequenceClassification.from_pretrained(checkpoint))
    assert (found.name, found.source, found.weights, found.initialised) == ("tiny", "folder", "pretrained", [])
    assert found.model.config._attn_implementation == "eager" and not found.model.training


@pytest.mark.parametrize("kind", [BertForPreTraining, BertModel])
def test_a_body_gets_a_head_drawn_at_random(copy: Path, kind: Any) -> None:
    kind(tiny_model().config).save_pretrained(copy)
    assert loaded(str(copy)).weights == "pretrained"
    found = loaded(str(copy), task="text-classification")
    assert found.weights == "partial"
    assert found.initialised == ["classifier.bias", "classifier.weight"]
    set_seed(123)
    assert equal(found.model, BertForSequenceClassification.from_pretrained(copy))


def test_more_than_the_head_missing_is_an_error_unless_allowed(copy: Path) -> None:
    model = BertForMaskedLM(tiny_model().config)
    lacking = "bert.encoder.layer.1.output.dense.weight"
    held = {name: tensor for name, tensor in model.state_dict().items() if name != lacking}
    model.save_pretrained(copy, state_dict=held)
    with pytest.raises(ModelError, match=r"lacks 1 tensor besides the head's: bert\.encoder") as caught:
        loaded(str(copy))
    assert "`allow_missing=True`" in (caught.value.hint or "")
    assert loaded(str(copy), allow_missing=True).initialised == [lacking]


def test_another_number_of_labels_draws_a_new_head(checkpoint: Path) -> None:
    found = loaded(str(checkpoint), num_labels=5)
    assert found.weights == "partial" and found.model.classifier.out_features == 5
    assert len(found.model.config.id2label) == 5
    same = loaded(str(checkpoint), num_labels=2)
    assert same.weights == "pretrained"


def test_tensors_of_another_shape_are_an_error(copy: Path) -> None:
    change_config(copy, intermediate_size=128)
    with pytest.raises(ModelError, match="in another shape than its configuration says"):
        loaded(str(copy))


def test_another_architecture_is_named(copy: Path) -> None:
    change_config(copy, model_type="gpt2", architectures=["GPT2ForSequenceClassification"])
    with pytest.raises(
        ModelError, match=r"a gpt2 checkpoint \(GPT2ForSequenceClassification\), which is not"
    ) as caught:
        located(str(copy))
    assert all(kind in (caught.value.hint or "") for kind in FAMILIES)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_missing_files_are_model_errors(copy: Path, file: str) -> None:
    (copy / file).unlink()
    with pytest.raises(ModelError):
        located(str(copy))


def test_a_folder_without_a_tokenizer_is_an_error(copy: Path) -> None:
    for file in copy.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match="has no tokenizer"):
        located(str(copy))


def test_the_local_cache_is_searched_by_name(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for repository in ("someone/sentiment", "google-bert/bert-base-cased"):
        root = tmp_path / ("models--" + repository.replace("/", "--"))
        shutil.copytree(checkpoint, root / "snapshots" / "abc")
        (root / "refs").mkdir()
        (root / "refs" / "main").write_text("abc")
    found = located("someone/sentiment")
    assert (found.source, found.name, found.weights) == ("cache", "someone/sentiment", "pretrained")
    assert equal(loaded("someone/sentiment").model, loaded(str(checkpoint)).model)
    assert located("bert-base-cased").source == "cache"
    assert located("bert-base-cased", weights="random").source == "builtin"
    assert located("bert-base-uncased").weights == "random"
    with pytest.raises(ModelError, match="no model 'someone/else'"):
        located("someone/else")


def test_a_folder_beats_a_built_in_name(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(checkpoint, tmp_path / "bert-tiny")
    monkeypatch.chdir(tmp_path)
    assert located("bert-tiny").source == "folder"
