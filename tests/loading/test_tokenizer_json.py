"""A tokenizer.json is obeyed where AutoTokenizer obeys it, and refused where it could not be run safely."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import change, located
from tokenizer_files import NORMALIZER, WORDS, write
from tokenizer_files import whole as bert
from transformers import AutoTokenizer
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from bert_inspect.loading.tokenizer import load_tokenizer
from bert_inspect.loading.tokenizing.parts import is_bounded

Command = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]
TEXTS = ["I love Über-cats!", "i LOVE i, cats loveloves [x]I", "日a b12", "[CLS] a [SEP]  I\tlove", "x"]


def alone(**changes: Any) -> dict[str, Any]:
    """A tokenizer.json that neither lowers nor adds anything."""
    model = changes.pop("model", {})
    found = bert(normalizer={**NORMALIZER, "lowercase": False}, post_processor=None, decoder=None) | changes
    return {**found, "model": {**found["model"], **model}}


def template(single: str, pair: str) -> dict[str, Any]:
    def pieces(text: str) -> list[dict[str, Any]]:
        named = [piece.split(":") for piece in text.split()]
        return [
            {"Sequence" if name in "AB" else "SpecialToken": {"id": name, "type_id": int(kind)}} for name, kind in named
        ]

    tokens = {name: {"id": name, "ids": [WORDS.index(name)], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
    return {"type": "TemplateProcessing", "single": pieces(single), "pair": pieces(pair), "special_tokens": tokens}


def split(pattern: dict[str, str]) -> dict[str, Any]:
    return {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}


def sequence(key: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", key: list(parts)}


STRICT = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": True, "special": False}
LEVEL = {"type": "WordLevel", "unk_token": "[UNK]"}
LEFT = {"strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": None, "pad_id": 13, "pad_type_id": 0}
KINDS: dict[str, dict[str, Any]] = {
    "nothing added": alone(),
    "as BERT": bert(),
    "short words": alone(model={"max_input_chars_per_word": 5}),
    "own unknown": alone(model={"unk_token": "a"}),
    "own prefix": alone(model={"continuing_subword_prefix": ""}),
    "words": alone(model=LEVEL, pre_tokenizer={"type": "WhitespaceSplit"}),
    "no parts": alone(normalizer=None, pre_tokenizer=None),
    "one [SEP]": alone(post_processor=template("[CLS]:0 A:0", "[CLS]:0 A:0 [SEP]:0 B:0")),
    "as RoBERTa": alone(
        post_processor={
            "type": "RobertaProcessing",
            "sep": ["[SEP]", 3],
            "cls": ["[CLS]", 2],
            "trim_offsets": True,
            "add_prefix_space": False,
        }
    ),
    "normalized in steps": alone(
        normalizer=sequence(
            "normalizers",
            {"type": "NFKD"},
            {"type": "StripAccents"},
            {"type": "Replace", "pattern": {"Regex": r"\d+"}, "content": " a "},
        )
    ),
    "split by pattern": alone(
        pre_tokenizer=sequence("pretokenizers", split({"Regex": r"\s+|-"}), split({"String": "I"}))
    ),
    "words added": alone(added_tokens=[{**STRICT, "id": 15, "content": "12"}, {**STRICT, "id": 13, "content": "[x]"}]),
    "padded on the left": alone(padding={**LEFT, "pad_token": "[x]"}, truncation=None),
}
CLASSES = [
    "PreTrainedTokenizerFast",
    "TokenizersBackend",
    "PreTrainedTokenizer",
    "OwnTokenizer",
    "BertTokenizerFast",
    None,
]


def assert_same(folder: Path) -> None:
    ours, theirs = load_tokenizer(located(str(folder)), notice=lambda _: None), AutoTokenizer.from_pretrained(folder)
    for pairs in (None, TEXTS[::-1]):
        mine, other = ours(TEXTS, pairs), theirs(TEXTS, pairs)
        assert dict(mine) == dict(other)
        assert [row.offsets for row in mine.encodings] == [row.offsets for row in other.encodings]
        assert [row.tokens for row in mine.encodings] == [row.tokens for row in other.encodings]
        assert [row.type_ids for row in mine.encodings] == [row.type_ids for row in other.encodings]
        assert [ours.decode(ids) for ids in mine["input_ids"]] == [theirs.decode(ids) for ids in other["input_ids"]]
    for name in ("model_max_length", "padding_side", "truncation_side", "pad_token", "cls_token", "model_input_names"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.get_vocab() == theirs.get_vocab()


@pytest.mark.parametrize("found", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("kind", CLASSES[:1] + CLASSES[-1:])
def test_the_tokens_are_those_of_autotokenizer(copy: Path, kind: str | None, found: dict[str, Any]) -> None:
    settings = {"model_max_length": 64, "cls_token": "[CLS]", "do_lower_case": True, "pad_token": "[PAD]"}
    write(copy, {"tokenizer.json": found, "tokenizer_config.json": {**settings, "tokenizer_class": kind}})
    assert_same(copy)


@pytest.mark.parametrize("kind", [*CLASSES, "ElectraTokenizerFast", "DistilBertTokenizer", "SqueezeBertTokenizer"])
@pytest.mark.parametrize("place", ["tokenizer_config.json", "config.json"])
def test_the_class_decides_as_in_autotokenizer(copy: Path, kind: str | None, place: str) -> None:
    write(copy, {"tokenizer.json": alone(model={"max_input_chars_per_word": 5})})
    change(copy / place, tokenizer_class=kind)
    ours = load_tokenizer(located(str(copy)), notice=lambda _: None)
    try:
        theirs = AutoTokenizer.from_pretrained(copy)
    except (AttributeError, ImportError, NotImplementedError):  # older releases know no such class and fail
        assert place == "config.json"
        return
    assert [ours(text)["input_ids"] for text in TEXTS] == [theirs(text)["input_ids"] for text in TEXTS]


def test_special_tokens_of_the_older_files_are_those_of_autotokenizer(copy: Path) -> None:
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "additional_special_tokens": ["[x]", "[new]"]}
    older = {"special_tokens_map.json": special, "added_tokens.json": {"[new]": 15}}
    write(copy, {"tokenizer.json": alone(), "tokenizer_config.json": {"tokenizer_class": CLASSES[0]}, **older})
    assert_same(copy)


def test_a_sentence_without_special_tokens_is_told(copy: Path, command: Command) -> None:
    write(copy, {"tokenizer.json": alone(), "tokenizer_config.json": {"tokenizer_class": CLASSES[0]}})
    code, out, err = command("run", "I love cats", "--model", copy, "--json")
    assert code == 0 and json.loads(out)["input"]["tokens"] == [["I", "love", "cats"]]
    assert err == "the tokenizer of copy adds no special tokens: a sentence begins with its first word\n"
    code, out, err = command("run", "I love cats", " ", "--model", copy)
    assert (code, out) == (2, "") and "error: sentence 2 has no tokens" in err


def test_a_class_without_its_file_is_told(copy: Path, command: Command) -> None:
    write(copy, {"vocab.txt": "\n".join(WORDS).encode(), "tokenizer_config.json": {"tokenizer_class": CLASSES[0]}})
    said = "copy was made with a PreTrainedTokenizer; the tokens shown are those of BertTokenizer\n"
    assert command("tokens", "love", "--model", copy)[2] == said


def post(**changes: Any) -> dict[str, Any]:
    return alone(post_processor=template("[CLS]:0 A:0", "A:0 B:1") | changes)


UNSAFE: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown part": (
        alone(normalizer={"type": "\x1b[2J"}),
        "its normalizer has a part of type \\x1b[2J, which is not",
    ),
    "a part that is text": (alone(decoder=sequence("decoders", "x")), "its decoder has a part of type x"),  # type: ignore[arg-type]
    "characters of another kind": (
        alone(normalizer={"type": "Precompiled", "precompiled_charsmap": "AA"}),
        "its precompiled_charsmap is not base64",
    ),
    "a pattern without bounds": (alone(pre_tokenizer=split({"Regex": "(a+)+$"})), "pattern (a+)+$ may take a time"),
    "no pattern": (alone(pre_tokenizer=split({"String": ""})), "a pattern that is no text"),
    "a pattern that is none": (alone(pre_tokenizer=split({"Regex": "("})), "cannot be loaded"),
    "many parts": (
        alone(normalizer=sequence("normalizers", *[{"type": "NFC"}] * 101)),
        "its normalizer has 101 parts, more than 100",
    ),
    "a text that grows": (
        alone(
            normalizer=sequence("normalizers", *[{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 20)
        ),
        "its normalizer makes a text more than 10,000 times as long",
    ),
    "an unknown token": (post(special_tokens={}), "puts [CLS] into a single and does not define it"),
    "a token of two ids": (
        post(special_tokens={"[CLS]": {"id": "[CLS]", "ids": [2, 2], "tokens": ["[CLS]"]}}),
        "another number of ids than of tokens for [CLS]",
    ),
    "an end that is stripped": (
        alone(decoder={"type": "Strip", "content": " ", "start": 1, "stop": 1}),
        "its decoder strips the end of a token",
    ),
    "a second sentence": (post(single=[{"Sequence": {"id": "B", "type_id": 0}}]), "puts sequence B into a single"),
    "no list": (post(single=[5]), "a single that is no list of tokens and sequences"),
    "no unknown": (alone(model={"unk_token": "<unk>"}), "its unk_token '<unk>' is not in its vocabulary"),
    "a huge id": (
        alone(post_processor={"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 99]}),
        "the id 99, the model's word embeddings have 16 rows",
    ),
}


@pytest.mark.parametrize(("found", "message"), UNSAFE.values(), ids=UNSAFE.keys())
def test_what_could_not_be_run_is_refused(copy: Path, refused: Refused, found: dict[str, Any], message: str) -> None:
    write(copy, {"tokenizer.json": found, "tokenizer_config.json": {"tokenizer_class": CLASSES[0]}})
    assert message in refused("tokens", "aaaa", "--model", copy)


@pytest.mark.parametrize(
    ("pattern", "bounded"),
    [
        (r"'s|'t| ?\p{L}+| ?[^\s\p{L}]+|\s+(?!\S)|\s+", True),  # GPT-2
        (r"(?i:'s|'t)|[^\r\n\p{L}]?\p{L}+|\p{N}{1,3}|\s*[\r\n]+", True),  # GPT-4
        (r"\d(?=(\d{3})+\b)", False),
        (r"[*+(|)]+", True),
        (r"\(a+\)+", True),
        (r"(ab)+", True),
        (r"(a|a)*$", False),
        (r"(a+)+", False),
        (r"((a)*b)*", False),
        (r"(?:a?){30}", False),
        (r"(a+)?", True),
        (r"(a)\1", False),
        (r"[]a]+(b|c)", True),
    ],
)
def test_patterns_that_may_take_for_ever_are_found(pattern: str, bounded: bool) -> None:
    assert is_bounded(pattern) is bounded


@pytest.mark.slow
@pytest.mark.parametrize("named", [None, ["input_ids", "token_type_ids", "attention_mask"]])
@pytest.mark.parametrize("types", ["01", "00", "10"])
def test_a_pair_gets_the_segments_that_transformers_gives_it(
    copy: Path, command: Command, named: list[str] | None, types: str
) -> None:
    first, second = types
    found = alone(post_processor=template("[CLS]:0 A:0", f"[CLS]:0 A:{first} [SEP]:0 B:{second}"))
    settings = {"tokenizer_class": CLASSES[0], **({} if named is None else {"model_input_names": named})}
    write(copy, {"tokenizer.json": found, "tokenizer_config.json": settings})
    code, out, err = command("run", "I love cats", "--pair", "love Über", "--model", copy, "--json")
    assert code == 0, err
    trace = json.loads(out)
    batch = AutoTokenizer.from_pretrained(copy)("I love cats", "love Über", return_tensors="pt")
    model = BertForSequenceClassification.from_pretrained(copy, attn_implementation="eager").eval()
    with torch.inference_mode():
        theirs = model(**batch).logits
    assert torch.equal(torch.tensor(trace["output"]["logits"]), theirs)
    kinds = batch.get("token_type_ids", torch.zeros_like(batch["input_ids"])).tolist()
    assert trace["input"]["token_type_ids"] == kinds
    sides = trace["input"].get("text_ids", kinds)[0]
    words = trace["input"]["words"][0]
    assert [side for side, word in zip(sides, words, strict=True) if word is not None] == [0, 0, 0, 1, 1]
    shown = command("tokens", "I love cats", "--pair", "love Über", "--model", copy)[1].splitlines()
    assert [line.split()[3] for line in shown if line[:1].isdecimal()][-2:] == ["love", "Über"]


def test_doctor_says_what_a_tokenizer_leaves_out(copy: Path, command: Command) -> None:
    named = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    write(copy, {"tokenizer.json": alone(), "tokenizer_config.json": {"tokenizer_class": CLASSES[0], **named}})
    arguments = ("doctor", "I love cats", "--model", copy, "--only", "tokenizer")
    out = " ".join(command(*arguments)[1].split())
    assert "warn tokenizer it adds no special tokens: the pooler takes the first word in place of [CLS]" in out
    write(copy, {"tokenizer.json": alone(), "tokenizer_config.json": {"tokenizer_class": CLASSES[0]}})
    out = " ".join(command(*arguments)[1].split())
    assert "warn tokenizer its files name no unk_token, no cls_token, no sep_token, no pad_token" in out
    code, _, err = command("run", "I love cats", "I", "--model", copy)
    assert code == 2 and "hint: name it in tokenizer_config.json (pad_token), or run them one by one" in err
