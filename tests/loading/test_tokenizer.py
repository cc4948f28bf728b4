"""A checkpoint's tokenizer is what transformers makes of its files, or is refused; nothing in them is acted upon."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS, change, located
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizer_files import NORMALIZER, OWN, WORDS, whole, write
from tokenizers.models import WordPiece
from transformers import AutoTokenizer
from transformers.models.bert.tokenization_bert import BertTokenizer

from bert_inspect.loading.files import CheckpointFiles
from bert_inspect.loading.tokenizer import load_tokenizer
from bert_inspect.loading.tokenizing.read import read_tokenizer

Command = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]
LINES = "\n".join(WORDS).encode()
NEW = {**OWN, "content": "new thing", "special": False, "normalized": True}


CONFIG = {"do_lower_case": False, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}
MAP = {"unk_token": "[UNK]", "cls_token": {**OWN, "content": "[CLS]"}, "additional_special_tokens": ["[x]", "[y]"]}
RIGHT = {"strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0}
AS_SAVED: dict[str, dict[str, Any]] = {
    "lines alone": {"vocab.txt": LINES},
    "lines and settings": {"vocab.txt": LINES + b"\n", "tokenizer_config.json": CONFIG},
    "accents kept": {"vocab.txt": LINES, "tokenizer_config.json": {"do_lower_case": True, "strip_accents": False}},
    "no Chinese": {"vocab.txt": LINES, "tokenizer_config.json": {"tokenize_chinese_chars": False, "max_len": 7}},
    "version 4": {
        "vocab.txt": LINES,
        "tokenizer.json": whole(),
        "tokenizer_config.json": {**CONFIG, "added_tokens_decoder": {"0": {**OWN, "content": "[PAD]"}, "13": OWN}},
        "special_tokens_map.json": MAP,
    },
    "version 3": {"vocab.txt": LINES, "special_tokens_map.json": MAP, "added_tokens.json": {"[y]": 15, "and more": 16}},
    "one file": {"tokenizer.json": whole()},
    "words added": {"tokenizer.json": whole(added_tokens=[{**NEW, "id": 15}, {**OWN, "id": 13}])},
    "padded on the left": {"tokenizer.json": whole(padding={**RIGHT, "pad_token": "[PAD]"})},
    "other specials": {"vocab.txt": LINES, "tokenizer_config.json": {"mask_token": "[x]", "sep_token": "a"}},
    "extra": {"vocab.txt": LINES, "tokenizer_config.json": {"extra_special_tokens": ["[z]", "love"]}},
    "no limit": {"vocab.txt": LINES, "tokenizer_config.json": {"model_max_length": int(1e30)}},
    "nothing to pad with": {"vocab.txt": LINES, "tokenizer_config.json": {"pad_token": None}},
    "spaces cleaned": {"vocab.txt": LINES, "tokenizer_config.json": {"clean_up_tokenization_spaces": True}},
    "Windows": {"vocab.txt": LINES.replace(b"\n", b"\r\n"), "tokenizer_config.json": CONFIG},
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("files", AS_SAVED.values(), ids=AS_SAVED.keys())
def test_the_tokenizer_is_the_one_of_from_pretrained(copy: Path, files: dict[str, Any]) -> None:
    write(copy, files)
    ours, theirs = load_tokenizer(located(str(copy))), BertTokenizer.from_pretrained(copy)
    texts = [*TEXTS, "I love Über-cats [x]! 日本 [y] and more, new thing[z] a", "", "[MASK] [x][SEP]"]
    for pairs in (None, texts[::-1]):
        mine, other = ours(texts, pairs), theirs(texts, pairs)
        assert dict(mine) == dict(other)
        assert [row.offsets for row in mine.encodings] == [row.offsets for row in other.encodings]
        assert [row.tokens for row in mine.encodings] == [row.tokens for row in other.encodings]
        assert [ours.decode(ids) for ids in mine["input_ids"]] == [theirs.decode(ids) for ids in other["input_ids"]]
    for name in ("model_max_length", "padding_side", "truncation_side", "pad_token", "all_special_tokens"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.get_vocab() == theirs.get_vocab()


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(st.sampled_from("ab[#]\x1c\x85\u3000\xa0\u200b\u2028\ufeff\r\t 日"), max_size=4), max_size=6))
def test_words_are_read_as_the_library_reads_them(tmp_path: Path, words: list[str]) -> None:
    text = "\n".join(words).encode()
    write(tmp_path, {"vocab.txt": text or b"a"})
    files = read_tokenizer(CheckpointFiles(root=tmp_path, name="copy"), notice=lambda _: None)
    assert files.words == WordPiece.read_file(str(tmp_path / "vocab.txt"))


BPE = {"type": "BPE", "vocab": {"<s>": 0, "a": 1, "aa": 2}, "merges": [["a", "a"]]}
UNIGRAM = {"type": "Unigram", "vocab": [["<unk>", 0.0]], "unk_id": 0}
LEVEL = {"type": "WordLevel"}
HOSTILE_KIND = {"type": "\x1b[2J", "vocab": {}}
LATE = {"vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 22}}
BROKEN: list[tuple[str, dict[str, Any], str]] = [
    (
        "cut off",
        {"tokenizer.json": b'{"model": {"vocab": {"a"'},
        "tokenizer.json of copy is damaged: Input data was trunc",
    ),
    ("empty", {"tokenizer.json": b""}, "tokenizer.json of copy is damaged"),
    ("a list", {"tokenizer.json": []}, "Expected `object`, got `array`"),
    ("no model", {"tokenizer.json": {}}, "missing required field `model`"),
    ("no words", {"tokenizer.json": whole(model={"type": "WordPiece", "vocab": {}})}, "its vocabulary is empty"),
    (
        "words in a list",
        {"tokenizer.json": whole(model={"type": "WordPiece", "vocab": ["a"]})},
        "Expected `object`, got `array`",
    ),
    ("ids that are text", {"tokenizer.json": whole(model={"vocab": {"a": "0"}})}, "Expected `int`, got `str`"),
    ("ids below zero", {"tokenizer.json": whole(model={"vocab": {"a": -1}})}, "its ids are not rows of an embedding"),
    ("huge ids", {"tokenizer.json": whole(model={"vocab": {"a": 2**40}})}, "its ids are not rows of an embedding"),
    ("nested", {"tokenizer.json": b'{"x": ' + b"[" * 100_000}, "maximum recursion depth"),
    ("no UTF-8", {"tokenizer.json": b'{"model": {"vocab": {"\xff": 1}}}'}, "tokenizer.json of copy is damaged"),
    ("of a GPT", {"tokenizer.json": whole(model=BPE)}, "is a BPE tokenizer, not the WordPiece of BertTokenizer"),
    ("of a T5", {"tokenizer.json": whole(model=UNIGRAM)}, "is a Unigram tokenizer, not the WordPiece of BertTokenizer"),
    (
        "a hostile kind",
        {"tokenizer.json": whole(model=HOSTILE_KIND)},
        "its model is of type \\x1b[2J, which is not",
    ),
    (
        "no [UNK]",
        {"tokenizer.json": whole(model={"vocab": {"<s>": 0, "a": 1}})},
        "the vocabulary of copy has no token '[UNK]'",
    ),
    ("no [CLS]", {"vocab.txt": b"[UNK]\na\nb\n[SEP]"}, "the vocabulary of copy has no token '[CLS]'"),
    ("late [SEP]", {"tokenizer.json": whole(model=LATE)}, "gives [SEP] the id 22, the model's word embeddings have 16"),
    (
        "too many added",
        {"tokenizer.json": whole(added_tokens=[{**OWN, "id": i} for i in range(10_001)])},
        "adds 10,001",
    ),
    (
        "long added",
        {"tokenizer.json": whole(added_tokens=[{**OWN, "id": 9, "content": "a" * 500_001}])},
        "adds 1 word, too many or too long",
    ),
    ("added without id", {"tokenizer.json": whole(added_tokens=[OWN])}, "missing required field `id`"),
    ("added as text", {"tokenizer.json": whole(added_tokens=["a"])}, "Expected `object`, got `str`"),
    (
        "too many words",
        {"vocab.txt": b"\n" * 1_000_001},
        "its vocabulary has 1,000,001 entries, at most",
    ),
    ("empty lines", {"vocab.txt": b""}, "vocab.txt of copy is damaged: it is empty"),
    ("binary lines", {"vocab.txt": b"\x80\x04\x95" * 9}, "vocab.txt of copy is damaged: it is not UTF-8 text"),
    ("lines of NUL", {"vocab.txt": b"\0" * 100}, "the vocabulary of copy has no token '[UNK]'"),
    (
        "settings cut off",
        {"vocab.txt": LINES, "tokenizer_config.json": b"{"},
        "tokenizer_config.json of copy is damaged",
    ),
    ("settings in a list", {"vocab.txt": LINES, "tokenizer_config.json": []}, "it holds no JSON object"),
    ("case", {"vocab.txt": LINES, "tokenizer_config.json": {"do_lower_case": "no"}}, "Expected `bool`, got `str`"),
    ("limit", {"vocab.txt": LINES, "tokenizer_config.json": {"model_max_length": -5}}, "model_max_length is -5"),
    ("side", {"vocab.txt": LINES, "tokenizer_config.json": {"padding_side": "up"}}, "Invalid enum value 'up'"),
    ("a token", {"vocab.txt": LINES, "tokenizer_config.json": {"cls_token": 5}}, "got `int` - at `$.cls_token`"),
    ("null", {"vocab.txt": LINES, "tokenizer_config.json": {"sep_token": None}}, "sep_token is null"),
    (
        "specials",
        {"vocab.txt": LINES, "special_tokens_map.json": {"unk_token": []}},
        "special_tokens_map.json of copy is",
    ),
    ("added", {"vocab.txt": LINES, "added_tokens.json": {"a": "b"}}, "added_tokens.json of copy is damaged"),
    ("added, by id", {"vocab.txt": LINES, "tokenizer_config.json": {"added_tokens_decoder": {"x": OWN}}}, "is damaged"),
    ("nothing", {}, "has no tokenizer: it has neither tokenizer.json nor a vocabulary (vocab.txt, vocab.json"),
]


@pytest.mark.parametrize(("files", "message"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_tokenizer_is_refused(copy: Path, refused: Refused, files: dict[str, Any], message: str) -> None:
    write(copy, files)
    assert message in refused("tokens", "a", "--model", copy)


@pytest.mark.parametrize("file", ["vocab.txt", "tokenizer.json"])
def test_a_vocabulary_of_gigabytes_is_not_read(copy: Path, refused: Refused, file: str) -> None:
    write(copy, {file: b""})
    with (copy / file).open("wb") as stream:
        stream.truncate(2**36)
    assert f"{file} of copy is larger than 32 MiB" in refused("run", "a", "--model", copy)


HOSTILE = {
    "auto_map": {"AutoTokenizer": ["own.Own", None]},
    "trust_remote_code": True,
    "vocab_file": "/etc/passwd",
    "tokenizer_file": "/etc/passwd",
    "gguf_file": "../x.gguf",
    "tokenizer_object": 5,
    "fast_tokenizer_files": ["tokenizer.../../outside.json"],
    "init_inputs": [{"a": 1}],
    "vocab": {"a": 0},
    "name_or_path": "someone/else",
    "is_local": False,
    "local_files_only": False,
    "processor_class": "x",
    "chat_template": "{% for x in range(10**9) %}{% endfor %}",
    "backend": "mistral_common",
    "post_processor": "x",
    "encode": "no method any more",
    "__class__": "int",
    "fix_mistral_regex": True,
    "added_tokens": 5,
    "some_token": "<some>",
}


def test_settings_that_are_no_business_of_a_tokenizer_change_nothing(copy: Path, command: Command) -> None:
    code, plain, err = command("tokens", "I love cats!", "--json", "--model", copy)
    assert (code, err) == (0, "")
    change(copy / "tokenizer_config.json", **HOSTILE)
    (copy / "chat_template.jinja").write_text("{{ 1/0 }}")
    (copy / "additional_chat_templates").mkdir()
    code, out, err = command("tokens", "I love cats!", "--json", "--model", copy)
    assert (code, out) == (0, plain)
    assert err == "the tokenizer of copy brings code of its own (auto_map): it is not run\n"


def test_a_tokenizer_file_that_transformers_does_not_follow_is_told(copy: Path, command: Command) -> None:
    write(copy, {"tokenizer.json": whole(normalizer={**NORMALIZER, "lowercase": False})})
    code, out, err = command("tokens", "I I", "--model", copy, "--json")
    assert code == 0 and json.loads(out)["input_ids"] == [BertTokenizer.from_pretrained(copy)("I I")["input_ids"]]
    assert err.splitlines()[:4] == [
        "tokenizer.json of copy says lowercase is False: BertTokenizer of transformers makes it True",
        "tokenizer.json of copy says strip_accents is False: BertTokenizer of transformers makes it True",
    ]
    change(copy / "tokenizer_config.json", do_lower_case=False)
    assert command("tokens", "I I", "--model", copy)[2] == ""
    write(copy, {"tokenizer.json": whole(normalizer={"type": "Sequence", "normalizers": []})})
    assert "has a normalizer of type Sequence" in command("tokens", "I I", "--model", copy)[2]
    bare = whole(normalizer=None, pre_tokenizer={"type": "Whitespace"}, post_processor=None)
    bare["model"]["max_input_chars_per_word"] = 5
    write(copy, {"tokenizer.json": bare})
    code, out, err = command("tokens", "loveloves I", "--model", copy, "--json")
    theirs = AutoTokenizer.from_pretrained(copy)("loveloves I")["input_ids"]
    assert code == 0 and json.loads(out)["input_ids"] == [theirs] and type(theirs) is list
    assert err.splitlines()[:4] == [
        "tokenizer.json of copy says max_input_chars_per_word is 5: BertTokenizer of transformers makes it 100",
        "tokenizer.json of copy has no normalizer: BertTokenizer of transformers has its own",
        "tokenizer.json of copy has a pre-tokenizer of type Whitespace: BertTokenizer of transformers has its own",
        "tokenizer.json of copy adds no special tokens: BertTokenizer of transformers adds [CLS] and [SEP]",
    ]


def test_what_is_odd_is_told(copy: Path, command: Command) -> None:
    (copy / "tokenizer.json").unlink()
    (copy / "vocab.txt").write_text("\n".join([*WORDS, "love", "love", "more", "words"]))
    change(copy / "tokenizer_config.json", tokenizer_class="BertJapaneseTokenizer")
    code, out, err = command("tokens", "I love cats!", "--model", copy, "--json")
    assert code == 0 and json.loads(out)["input_ids"] == [[2, 6, 16, 8, 9, 3]]
    assert err.splitlines() == [
        "copy was made with a BertJapaneseTokenizer; the tokens shown are those of BertTokenizer",
        "vocab.txt of copy has 2 words twice: the later line counts",
        "the tokenizer of copy has 3 words without a row in the model's 16 word embeddings: a sentence that holds one "
        "fails",
    ]
    code, out, err = command("run", "I love cats!", "--model", copy)
    assert code == 1 and "token 2 of sentence 1 has id 16, the embedding has 16 rows" in err and "failed here" in out
