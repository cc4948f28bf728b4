"""A checkpoint of every family and head, from its folder to its answer, held against transformers' Auto classes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import family_tokenizers
import pytest
import torch
from families.tiny import tiny
from helpers import change, loaded, located
from transformers import AutoConfig, AutoTokenizer
from transformers.models.bert.tokenization_bert import BertTokenizer

from bert_inspect.errors import ModelError, UsageError
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import MULTIPLE_CHOICE, NEXT_SENTENCE, NO_HEAD, SEQUENCE_CLASSIFICATION, Head
from bert_inspect.loading.classes import class_of
from bert_inspect.loading.precision import in_precision

Command = Callable[..., tuple[int, str, str]]
ALL = [(family, head) for family in FAMILIES.values() for head in family.heads]
NAMES = [f"{family.model_type}-{head.task}" for family, head in ALL]
TEXTS = ["I love cats, and cats love me!", "The film was not as good as I had hoped."]


def tokenizer_of(family: Family) -> Any:
    if family.model_type in family_tokenizers.FAMILIES:
        return family_tokenizers.make(family.model_type)
    return BertTokenizer(vocab=family_tokenizers.words("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Family, Head], Path]:
    root = tmp_path_factory.mktemp("families")

    def make(family: Family, head: Head) -> Path:
        folder = root / f"{family.model_type}-{head.suffix}"
        if not folder.exists():
            tokenizer = tokenizer_of(family)
            sizes = {"vocab_size": len(tokenizer), "max_position_embeddings": 80}
            tiny(family, head, **sizes, pad_token_id=tokenizer.pad_token_id).save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        return folder

    return make


NARROW = [("electra", 16), ("albert", 8), ("deberta-v2", 16)]


@pytest.mark.parametrize(("model_type", "width"), NARROW, ids=[name for name, _ in NARROW])
def test_narrow_embeddings_are_loaded_as_from_pretrained_loads_them(
    tmp_path: Path, model_type: str, width: int
) -> None:
    family = FAMILIES[model_type]
    tokenizer = tokenizer_of(family)
    tiny(family, NO_HEAD, vocab_size=len(tokenizer), embedding_size=width).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    found = loaded(str(tmp_path))
    theirs = dict(class_of(family, NO_HEAD).from_pretrained(tmp_path).named_parameters())
    assert found.weights == "pretrained" and found.sizes["embedding"] == width
    assert all(torch.equal(parameter, theirs[name]) for name, parameter in found.model.named_parameters())
    change(tmp_path / "config.json", embedding_size=2 * width)
    with pytest.raises(ModelError) as told:
        loaded(str(tmp_path))
    assert told.value.hint == f"set embedding_size to {width} in config.json, which is what the weights have"


@pytest.mark.slow
@pytest.mark.parametrize(("family", "head"), ALL, ids=NAMES)
def test_a_folder_is_what_from_pretrained_makes_of_it(folder_of: Any, family: Family, head: Head) -> None:
    folder = folder_of(family, head)
    found = loaded(str(folder))
    assert (found.family.model_type, found.head, found.weights) == (family.model_type, head, "pretrained")
    assert (found.initialised, found.unused) == ([], [])
    theirs = dict(class_of(family, head).from_pretrained(folder).named_parameters())
    ours = dict(found.model.named_parameters())
    assert theirs.keys() == ours.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "head"), ALL, ids=NAMES)
def test_a_run_gives_what_transformers_gives(folder_of: Any, command: Command, family: Family, head: Head) -> None:
    folder = folder_of(family, head)
    given = [TEXTS[0], *(word for text in TEXTS for word in ("--choice", text))] if head is MULTIPLE_CHOICE else TEXTS
    prove = ["--verify"] if head is SEQUENCE_CLASSIFICATION else []  # of all heads it is proved in tests/families
    code, out, err = command("run", *given, "--model", folder, *prove, "--values", "--json", "--quiet")
    assert code == 0, err
    trace = json.loads(out)
    assert trace["model"]["task"] == head.task and (not prove or trace["proof"]["passed"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = ([TEXTS[0]] * 2, TEXTS) if head is MULTIPLE_CHOICE else (TEXTS,)
    encoded = tokenizer(*texts, padding=True)
    assert trace["input"]["input_ids"] == encoded["input_ids"]
    plain = {name: torch.tensor(encoded[name]) for name in family.inputs if name in encoded}
    if head is MULTIPLE_CHOICE:
        plain = {name: each.unsqueeze(0) for name, each in plain.items()}
    model = class_of(family, head).from_pretrained(folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        returned = model(**plain)
    for name in head.returns:
        wanted = getattr(returned, name, None)
        if wanted is None:
            continue
        held = [
            output["values"]
            for step in trace["steps"]
            for output in step["outputs"]
            if name in step["known_as"] and output["shape"] == list(wanted.shape)
        ]
        assert any(torch.equal(torch.tensor(values), wanted) for values in held), name


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_bare_body_gets_a_head_only_where_it_is_asked_for(folder_of: Any, family: Family) -> None:
    folder = str(folder_of(family, NO_HEAD))
    assert loaded(folder).weights == "pretrained"
    drawn = loaded(folder, task="text-classification", num_labels=3)
    assert drawn.weights == "partial" and drawn.model.config.num_labels == 3
    assert not any(map(family.in_body, drawn.initialised))
    if NEXT_SENTENCE not in family.heads:
        with pytest.raises(UsageError, match=f"is an? {family.name}, which has no head for next-sentence-prediction"):
            located(folder, task="next-sentence-prediction")


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_body_without_its_pooler_is_whole(folder_of: Any, family: Family) -> None:
    """One that was saved beneath a head which does without: transformers would draw a pooler at random."""
    for head in family.heads:
        found = loaded(str(folder_of(family, head)), task="feature-extraction")
        assert (found.weights, found.initialised, found.unused) == ("pretrained", [], []), head.task


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_shapes_are_seen_without_weights(folder_of: Any, command: Command, family: Family) -> None:
    folder = folder_of(family, SEQUENCE_CLASSIFICATION)
    with torch.device("meta"):
        plain = class_of(family, SEQUENCE_CLASSIFICATION)(AutoConfig.from_pretrained(folder)).eval()
        try:
            plain(torch.zeros(1, 4, dtype=torch.long))
        except RuntimeError as error:  # ModernBERT's rotary embedding asks for the autocast of its device
            if "autocast" in str(error):
                pytest.skip(f"this release of transformers does not run it on the meta device: {error}")
    shapes = {}
    for weights in ("none", "pretrained"):
        code, out, err = command("run", *TEXTS, "--model", folder, "--weights", weights, "--json", "--quiet")
        assert code == 0, err
        steps = json.loads(out)["steps"]
        shapes[weights] = [(step["label"], [output["shape"] for output in step["outputs"]]) for step in steps]
    assert shapes["none"] == shapes["pretrained"]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_setting_out_of_bounds_is_an_error(folder_of: Any, tmp_path: Path, family: Family) -> None:
    folder = folder_of(family, SEQUENCE_CLASSIFICATION)
    whole = json.loads((folder / "config.json").read_text())
    for key, setting in family.settings.items():
        wrong: Any = {"whole": 2.5, "number": "much", "flag": 1, "text": 3, "texts": ["x"], "object": 4}[setting.kind]
        (tmp_path / "config.json").write_text(json.dumps({**whole, key: wrong}))
        with pytest.raises(ModelError, match=f"damaged: {key} is "):
            located(str(tmp_path), weights="none")


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_sizes_that_do_not_fit_the_weights_blame_their_key(folder_of: Any, tmp_path: Path, family: Family) -> None:
    folder = folder_of(family, SEQUENCE_CLASSIFICATION)
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    key = family.sizes["vocabulary"]
    size = json.loads((folder / "config.json").read_text())[key]
    change(tmp_path / "config.json", **{key: size + 7})
    with pytest.raises(ModelError, match="in another shape than its configuration says") as caught:
        loaded(str(tmp_path))
    assert f"set {key} to {size} in config.json" in (caught.value.hint or "")


@pytest.mark.parametrize("kind", ["gpt2", "t5", "vit"])
def test_another_kind_is_named_with_what_is_taken(tmp_path: Path, kind: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, "architectures": [f"{kind}Model"]}))
    with pytest.raises(ModelError, match=f"is a {kind} checkpoint") as caught:
        located(str(tmp_path))
    assert all(name in (caught.value.hint or "") for name in FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_another_precision_is_the_one_of_from_pretrained(folder_of: Any, family: Family) -> None:
    """Parameters are cast; what is computed when a model is made, rotary frequencies say, is not."""
    folder = folder_of(family, NO_HEAD)
    theirs = class_of(family, NO_HEAD).from_pretrained(folder, dtype=torch.bfloat16)
    wanted = {name: tensor.dtype for name, tensor in (*theirs.named_parameters(), *theirs.named_buffers())}
    cast = in_precision(loaded(str(folder)).model, torch.bfloat16)
    for model in (loaded(str(folder), dtype="bfloat16").model, cast):
        assert {name: tensor.dtype for name, tensor in (*model.named_parameters(), *model.named_buffers())} == wanted


@pytest.mark.parametrize(
    ("model_type", "named"), [("electra", "an ELECTRA"), ("mpnet", "an MPNet"), ("roberta", "a RoBERTa")]
)
def test_a_family_is_named_after_its_article(tmp_path: Path, model_type: str, named: str) -> None:
    family = FAMILIES[model_type]
    tokenizer = tokenizer_of(family)
    tiny(family, NO_HEAD, vocab_size=len(tokenizer)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=f"is {named}, which has no head for next-sentence-prediction"):
        located(str(tmp_path), task="next-sentence-prediction")


@pytest.mark.parametrize("model_type", ["roberta", "xlm-roberta"])
def test_positions_cannot_be_counted_from_no_padding(folder_of: Any, tmp_path: Path, model_type: str) -> None:
    copy = shutil.copytree(folder_of(FAMILIES[model_type], NO_HEAD), tmp_path / "copy")
    change(copy / "config.json", pad_token_id=None)
    with pytest.raises(ModelError, match=r"pad_token_id is null, and an? .*RoBERTa counts its positions from it"):
        located(str(copy))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_folder_is_explained_and_its_numbers_told(folder_of: Any, command: Command, family: Family) -> None:
    folder = folder_of(family, SEQUENCE_CLASSIFICATION)
    code, out, err = command("explain", TEXTS[0], "--model", folder, "--check", "--json")
    assert code == 0, err
    (answer,) = json.loads(out)["answers"]
    code, out, err = command("cell", "logits", TEXTS[0], "--model", folder, "--json")
    assert code == 0, err
    cell = json.loads(out)["cell"]
    assert cell["reproduces"] and cell["value"] == answer["total"]["value"]  # the largest logit is the answer's
