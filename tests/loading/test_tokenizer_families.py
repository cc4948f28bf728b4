"""The tokenizer of every family is the one that AutoTokenizer makes of the same files, token for token."""

import json
from pathlib import Path
from typing import Any

import pytest
from family_tokenizers import FAMILIES, assert_same, checkpoint, save

from bert_inspect.errors import ModelError
from bert_inspect.loading.tokenizer import load_tokenizer


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_tokenizer_is_the_one_of_autotokenizer(tmp_path: Path, family: str) -> None:
    assert assert_same(save(family, tmp_path)) == []


def rewrite(file: Path, change: Any) -> None:
    found = json.loads(file.read_text())
    change(found)
    file.write_text(json.dumps(found))


@pytest.mark.parametrize("family", FAMILIES)
def test_files_of_older_releases_are_read_as_autotokenizer_reads_them(tmp_path: Path, family: str) -> None:
    """The model names no type, merges are lines, special tokens stand in a file of their own, no class is named."""
    save(family, tmp_path)
    named = json.loads((tmp_path / "tokenizer_config.json").read_text())
    special = {key: value for key, value in named.items() if key.endswith("_token")}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps(special))
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 512}')

    def older(found: dict[str, Any]) -> None:
        del found["model"]["type"]
        if "merges" in found["model"]:
            found["model"]["merges"] = [" ".join(pair) for pair in found["model"]["merges"]]

    rewrite(tmp_path / "tokenizer.json", older)
    assert assert_same(tmp_path) == []


WIDE = {"__type": "AddedToken", "content": "<mask>", "lstrip": True}
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "a space is put before": ("roberta", {"add_prefix_space": True}),
    "spans with spaces": ("roberta", {"trim_offsets": False}),
    "no space before": ("xlm-roberta", {"add_prefix_space": False}),
    "accents kept": ("albert", {"keep_accents": True, "do_lower_case": False}),
    "punctuation split": ("deberta-v2", {"split_by_punct": True, "do_lower_case": True}),
    "case kept": ("mpnet", {"do_lower_case": False, "strip_accents": False}),
    "as it is": ("roberta", {"tokenizer_class": "PreTrainedTokenizerFast"}),
    "as it is, Unigram": ("xlm-roberta", {"tokenizer_class": "TokenizersBackend"}),
    "another family's class": ("modernbert", {"tokenizer_class": "RobertaTokenizer"}),
    "an alias": ("roberta", {"tokenizer_class": "LongformerTokenizerFast"}),
    "a class of its own": ("camembert", {"tokenizer_class": "OwnTokenizer"}),
    "padded on the left": ("roberta", {"padding_side": "left", "truncation_side": "left"}),
    "more special tokens": ("camembert", {"extra_special_tokens": ["<x>", "love"]}),
    "an older name for them": ("xlm-roberta", {"additional_special_tokens": ["<x>"]}),
    "types asked for": ("roberta", {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}),
    "a mask that takes the space": (
        "roberta",
        {"mask_token": WIDE},
    ),
}


@pytest.mark.parametrize(("family", "settings"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_count_as_in_autotokenizer(tmp_path: Path, family: str, settings: dict[str, Any]) -> None:
    assert_same(save(family, tmp_path, **settings))


@pytest.mark.parametrize("kind", ["XLMRobertaTokenizer", "XLMRobertaTokenizerFast", None])
def test_a_bert_with_another_tokenizer_is_read(tmp_path: Path, kind: str | None) -> None:
    """Many sentence encoders in 100 languages are BERTs with the tokenizer of XLM-R."""
    save("xlm-roberta", tmp_path, tokenizer_class=kind)
    (tmp_path / "config.json").write_text('{"model_type": "bert", "vocab_size": 1000}')
    if kind is not None:
        assert_same(tmp_path)
        return
    with pytest.raises(ModelError, match="is a Unigram tokenizer, not the WordPiece of BertTokenizer") as refused:
        load_tokenizer(checkpoint(tmp_path))
    assert "PreTrainedTokenizerFast" in refused.value.hint
