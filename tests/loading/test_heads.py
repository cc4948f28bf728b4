"""Which head a checkpoint is read with, and what happens where it does not hold it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import change, loaded, located, tiny_config
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer, set_seed
from transformers.models.bert import modeling_bert

from bert_inspect import trace
from bert_inspect.errors import ModelError, UsageError
from bert_inspect.families import BERT

CLASSES = {BERT.prefix + head.suffix: head.task for head in BERT.heads}


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Callable[[str], Path]:
    """A folder that save_pretrained wrote of a class."""
    root = tmp_path_factory.mktemp("heads")

    def make(kind: str) -> Path:
        if not (root / kind).exists():
            set_seed(3)
            getattr(modeling_bert, kind)(tiny_config()).save_pretrained(root / kind)
            tokenizer.save_pretrained(root / kind)
        return root / kind

    return make


@pytest.mark.slow
@pytest.mark.parametrize("kind", CLASSES)
def test_a_checkpoint_is_read_with_the_head_that_it_was_saved_with(folder_of: Any, kind: str) -> None:
    folder = folder_of(kind)
    found = loaded(str(folder))
    assert type(found.model).__name__ == kind and found.head.task == CLASSES[kind]
    assert (found.weights, found.initialised, found.unused) == ("pretrained", [], [])
    plain = getattr(modeling_bert, kind).from_pretrained(folder)
    ours = dict(found.model.named_parameters())
    assert all(torch.equal(ours[name], parameter) for name, parameter in plain.named_parameters())


@pytest.mark.parametrize("kind", ["BertForMaskedLM", "BertForQuestionAnswering", "BertForSequenceClassification"])
def test_without_a_class_the_names_of_the_tensors_say_it(folder_of: Any, tmp_path: Path, kind: str) -> None:
    copy = shutil.copytree(folder_of(kind), tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    del config["architectures"]
    (copy / "config.json").write_text(json.dumps(config))
    assert located(str(copy)).head.task == CLASSES[kind]


def test_a_bare_body_has_no_head_and_no_pooler_that_it_was_not_saved_with(folder_of: Any, tmp_path: Path) -> None:
    found = loaded(str(folder_of("BertForMaskedLM")), task="feature-extraction")
    assert found.weights == "pretrained" and found.model.pooler is None
    assert loaded(str(folder_of("BertModel"))).model.pooler is not None


def test_a_head_is_drawn_only_where_it_is_asked_for(folder_of: Any) -> None:
    body = str(folder_of("BertModel"))
    assert loaded(body).weights == "pretrained"
    drawn = loaded(body, task="text-classification", num_labels=3)
    assert drawn.weights == "partial" and drawn.initialised == ["classifier.bias", "classifier.weight"]
    assert drawn.model.config.num_labels == 3
    of_masks = loaded(str(folder_of("BertForMaskedLM")), task="text-classification")
    assert of_masks.weights == "partial"
    assert {name.rpartition(".")[0] for name in of_masks.initialised} == {"bert.pooler.dense", "classifier"}
    with pytest.raises(UsageError, match="which has no labels"):
        located(body, num_labels=3)


def test_a_head_that_a_checkpoint_claims_and_lacks_is_an_error(folder_of: Any, tmp_path: Path) -> None:
    copy = shutil.copytree(folder_of("BertForTokenClassification"), tmp_path / "copy")
    tensors = load_file(copy / "model.safetensors")
    save_file(
        {name: each for name, each in tensors.items() if not name.startswith("classifier")}, copy / "model.safetensors"
    )
    with pytest.raises(ModelError, match="saved for token-classification and lacks the head"):
        loaded(str(copy))
    assert loaded(str(copy), task="token-classification").weights == "partial"


def test_a_head_of_the_same_parameters_for_another_task_is_told(folder_of: Any) -> None:
    with pytest.warns(UserWarning, match="its head was not trained for sequence classification"):
        loaded(str(folder_of("BertForMultipleChoice")), task="text-classification", num_labels=1)


def test_a_class_whose_head_is_not_read_shows_its_body(folder_of: Any, tmp_path: Path) -> None:
    copy = shutil.copytree(folder_of("BertForMaskedLM"), tmp_path / "copy")
    change(copy / "config.json", architectures=["BertLMHeadModel"])
    with pytest.warns(UserWarning, match="BertLMHeadModel, whose head is not read: its body is shown"):
        assert located(str(copy)).head.task == "feature-extraction"


def test_the_built_in_names_are_classifiers_unless_another_task_is_asked_for() -> None:
    assert located("bert-base-cased", weights="none").head.task == "text-classification"
    found = loaded("bert-tiny", weights="random", task="fill-mask")
    assert type(found.model).__name__ == "BertForMaskedLM" and found.weights == "random"
    own = found.model.cls.predictions.decoder.weight
    assert own is found.model.bert.embeddings.word_embeddings.weight


# Pooling, as sentence-transformers writes it

MEAN = {"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]


@pytest.fixture
def pooled_folder(folder_of: Any, tmp_path: Path) -> Callable[..., Path]:
    def make(pooling: Any, modules: Any = MODULES) -> Path:
        copy = shutil.copytree(folder_of("BertModel"), tmp_path / "copy")
        (copy / "1_Pooling").mkdir()
        (copy / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
        if modules is not None:
            (copy / "modules.json").write_text(json.dumps(modules))
        return copy

    return make


@pytest.mark.parametrize("modules", [None, MODULES, [*MODULES, {"type": "sentence_transformers.models.Normalize"}]])
def test_the_pooling_that_the_folder_names_is_read(pooled_folder: Any, modules: Any) -> None:
    assert located(str(pooled_folder(MEAN, modules))).pooling == ("mean",)


@pytest.mark.parametrize(
    ("pooling", "kinds"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}, ("cls", "max")),
        ({"pooling_mode": "lasttoken"}, ("lasttoken",)),
        ({}, ()),
    ],
)
def test_kinds_of_pooling(pooled_folder: Any, pooling: Any, kinds: tuple[str, ...]) -> None:
    assert located(str(pooled_folder(pooling))).pooling == kinds


@pytest.mark.parametrize(
    ("pooling", "modules", "says"),
    [
        ({"pooling_mode_mean_tokens": "yes"}, MODULES, "not true or false"),
        ({"pooling_mode": "median"}, MODULES, "pooling_mode is not one of"),
        (MEAN, {"0": "no list"}, "no JSON list"),
        (MEAN, [*MODULES[:1], {"path": "../elsewhere", "type": "Pooling"}], "does not list modules"),
        (MEAN, [{"path": "0_Transformer", "type": "x.Transformer"}], "a folder of its own, 0_Transformer"),
    ],
)
def test_a_pooling_that_cannot_be_read_is_an_error(pooled_folder: Any, pooling: Any, modules: Any, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        located(str(pooled_folder(pooling, modules)))


def test_what_follows_the_pooling_leaves_no_cosine(pooled_folder: Any) -> None:
    dense = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    with pytest.warns(UserWarning, match="through Dense after the pooling"):
        assert located(str(pooled_folder(MEAN, [*MODULES, dense]))).pooling == ()


def test_a_pooling_folder_that_leads_away_is_not_followed(folder_of: Any, tmp_path: Path) -> None:
    copy = shutil.copytree(folder_of("BertModel"), tmp_path / "copy")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "config.json").write_text(json.dumps(MEAN))
    (copy / "1_Pooling").symlink_to(elsewhere)
    with pytest.raises(ModelError, match="leaves the folder"):
        located(str(copy))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
def test_the_cosine_is_that_of_the_vectors_pooled_over_real_tokens(pooled_folder: Any, command: Any, kind: str) -> None:
    folder = pooled_folder({"pooling_mode": kind})
    texts = ["I love cats!", "He hates pineapple pizza."]
    code, out, _ = command("run", *texts, "--model", str(folder), "--json")
    output = json.loads(out)["output"]
    assert code == 0 and output["pooled"]["kind"] == kind
    given = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(folder)(**given).last_hidden_state.double()
    vectors = torch.stack(
        [_vector(kind, rows[mask == 1]) for rows, mask in zip(hidden, given.attention_mask, strict=True)]
    )
    expected = torch.nn.functional.cosine_similarity(vectors[:, None], vectors[None], dim=-1)
    assert torch.allclose(torch.tensor(output["pooled"]["cosine"]).double(), expected, atol=1e-9)


def _vector(kind: str, tokens: torch.Tensor) -> torch.Tensor:
    """One sentence, without padding: (tokens, hidden) to (hidden)."""
    places = torch.arange(1, len(tokens) + 1, dtype=tokens.dtype)[:, None]
    return {
        "mean": tokens.mean(0),
        "cls": tokens[0],
        "max": tokens.max(0).values,
        "mean_sqrt_len_tokens": tokens.sum(0) / len(tokens) ** 0.5,
        "weightedmean": (tokens * places).sum(0) / places.sum(),
        "lasttoken": tokens[-1],
    }[kind]


def test_a_model_in_a_folder_of_its_own_is_named(checkpoint: Path, tmp_path: Path) -> None:
    """As older releases of sentence-transformers saved it: the folder that holds it has no config.json."""
    shutil.copytree(checkpoint, tmp_path / "m" / "0_Transformer")
    modules = [{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]
    (tmp_path / "m" / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match="keeps its model in a folder of its own, 0_Transformer") as told:
        located(str(tmp_path / "m"))
    assert told.value.hint is not None and told.value.hint.startswith("name that folder")
    assert loaded(str(tmp_path / "m" / "0_Transformer")).weights == "pretrained"


@pytest.mark.parametrize(
    ("task", "choices"), [("question-answering", None), ("multiple-choice", ["one", "two"])], ids=["qa", "choice"]
)
def test_a_head_without_labels_is_drawn_whatever_classes_there_were(
    folder_of: Any, tmp_path: Path, task: str, choices: list[str] | None
) -> None:
    """The five classes of a classifier are no parts of an answer, and none of them rates a choice."""
    copy = shutil.copytree(folder_of("BertForSequenceClassification"), tmp_path / "copy")
    tensors = load_file(copy / "model.safetensors")
    tensors["classifier.weight"], tensors["classifier.bias"] = torch.ones(5, 32), torch.ones(5)
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    change(copy / "config.json", id2label={str(place): f"class {place}" for place in range(5)}, label2id=None)
    found = loaded(str(copy), task=task)
    assert found.weights == "partial" and all("bert." not in name for name in found.initialised)
    traced = trace(found.model, AutoTokenizer.from_pretrained(copy), "Where?", pairs=None, choices=choices)
    assert traced.failure is None and traced.output is not None
