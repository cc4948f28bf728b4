"""The tokenizer of every family is the one that AutoTokenizer makes of the same files, token for token."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from family_tokenizers import FAMILIES, assert_same, charsmap, checkpoint, make, save
from transformers import AutoTokenizer
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

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
    if family == "modernbert" and family not in TOKENIZER_MAPPING_NAMES:
        pytest.skip("older releases of transformers believe what a ModernBERT says")
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


WHITE = {"type": "Whitespace"}
REPLACED: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "RoBERTa's": (
        "roberta",
        {"normalizer": {"type": "NFC"}, "pre_tokenizer": WHITE, "post_processor": None},
        [
            "has a normalizer of type NFC: RobertaTokenizer of transformers has none",
            "has a pre-tokenizer of type Whitespace: RobertaTokenizer of transformers has its own",
            "has no post-processor: RobertaTokenizer of transformers has its own",
        ],
    ),
    "DeBERTa's, converted by an older release": (
        "deberta-v2",
        {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": True}},
        ["has a normalizer of type Strip: DebertaV2Tokenizer of transformers has its own"],
    ),
    "an unknown part": (
        "mpnet",
        {"pre_tokenizer": {"type": "Own"}},
        ["has a pre-tokenizer of type Own: MPNetTokenizer of transformers has its own"],
    ),
    "the same in older words": (
        "xlm-roberta",
        {
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [
                    {"type": "WhitespaceSplit"},
                    {"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True},
                ],
            }
        },
        [],
    ),
}


@pytest.mark.parametrize(("family", "parts", "told"), REPLACED.values(), ids=REPLACED.keys())
def test_parts_of_tokenizer_json_that_transformers_does_not_follow_are_told(
    tmp_path: Path, family: str, parts: dict[str, Any], told: list[str]
) -> None:
    save(family, tmp_path)
    rewrite(tmp_path / "tokenizer.json", lambda found: found.update(parts))
    said: list[str] = []
    ours = load_tokenizer(checkpoint(tmp_path), notice=said.append)
    replaced = [each.removeprefix("tokenizer.json of copy ") for each in said if each.startswith("tokenizer.json")]
    assert replaced == told
    if family != "mpnet":  # there transformers fails over the part
        assert (
            ours("I  love Zürich")["input_ids"]
            == AutoTokenizer.from_pretrained(tmp_path)("I  love Zürich")["input_ids"]
        )


def test_merges_are_not_left_out_at_random(tmp_path: Path) -> None:
    save("modernbert", tmp_path)
    rewrite(tmp_path / "tokenizer.json", lambda found: found["model"].update(dropout=0.9))
    said: list[str] = []
    ours = load_tokenizer(checkpoint(tmp_path), notice=said.append)
    assert said == ["tokenizer.json of copy leaves out merges at random (dropout): none is left out here"]
    assert ours("unbelievable cats")["input_ids"] == make("modernbert")("unbelievable cats")["input_ids"]


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "merges of no pieces": ("roberta", {"merges": [["x", "yz"]]}, "it merges 'x yz', which are not two pieces of its"),
    "merges to no piece": ("roberta", {"merges": [["a", "!"]]}, "it merges 'a !' to no piece of its vocabulary"),
    "merges of three": ("roberta", {"merges": ["a b c"]}, "it merges 'a b c', which are not two pieces"),
    "merges that are numbers": ("roberta", {"merges": [1]}, "Expected `str | array`, got `int`"),
    "many merges": ("roberta", {"merges": ["a b"] * 1_000_001}, "its vocabulary has 1,000,001 entries, at most"),
    "ids below zero": ("roberta", {"vocab": {"a": -1}, "merges": []}, "its ids are not rows of an embedding"),
    "no pieces": ("xlm-roberta", {"vocab": []}, "its vocabulary is empty"),
    "pieces without scores": ("xlm-roberta", {"vocab": [["a"]]}, "Expected `array` of length 2"),
    "scores that are text": ("xlm-roberta", {"vocab": [["a", "b"]]}, "Expected `float`, got `str`"),
    "a score without end": ("xlm-roberta", {"vocab": [["a", 1e300]]}, "a score of its vocabulary is not a number"),
    "a long piece": ("xlm-roberta", {"vocab": [["a" * 1001, 0]]}, "a piece of its vocabulary has more than 1,000"),
    "an unknown piece below zero": ("xlm-roberta", {"unk_id": -1}, "its unk_id -1 is none of its"),
    "an unknown piece that is not there": ("deberta-v2", {"unk_id": 10**6}, "its unk_id 1000000 is none of its"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("family", "model", "message"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("kind", [None, "PreTrainedTokenizerFast"])
def test_a_broken_model_is_refused(
    tmp_path: Path, family: str, model: dict[str, Any], message: str, kind: str | None
) -> None:
    save(family, tmp_path, tokenizer_class=kind)
    rewrite(tmp_path / "tokenizer.json", lambda found: found["model"].update(model))
    with pytest.raises(ModelError) as refused:
        load_tokenizer(checkpoint(tmp_path), notice=lambda _: None)
    assert message in refused.value.message and refused.value.hint


TABLES: dict[str, tuple[bytes, str]] = {
    "cut off": (charsmap()[:3000], "it is cut off"),
    "not of text": (charsmap() + b"\xff", "its texts are not UTF-8"),
    "leads outside": (charsmap()[:4] + b"\xff" * 4 + charsmap()[8:], "it leads outside of itself"),
    "into a character": (charsmap()[:-5] + "éé".encode()[1:], "its texts are not UTF-8"),
    "huge": (bytes(5 * 1024 * 1024), "has 5,242,880 bytes, more than 4,194,304"),
}


@pytest.mark.parametrize(("table", "message"), TABLES.values(), ids=TABLES.keys())
@pytest.mark.parametrize("kind", [None, "PreTrainedTokenizerFast"])
def test_a_broken_table_of_characters_is_refused(tmp_path: Path, table: bytes, message: str, kind: str | None) -> None:
    save("xlm-roberta", tmp_path, tokenizer_class=kind)
    part = {"type": "Precompiled", "precompiled_charsmap": b64encode(table).decode()}
    rewrite(tmp_path / "tokenizer.json", lambda found: found.update(normalizer=part))
    with pytest.raises(ModelError) as refused:
        load_tokenizer(checkpoint(tmp_path))
    assert message in refused.value.message
