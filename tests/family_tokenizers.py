"""Small tokenizers of every family, trained on a few sentences and saved by transformers' own classes."""

import json
import struct
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import ByteLevelBPETokenizer, Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE, Unigram
from transformers import AutoTokenizer
from transformers.models.albert.tokenization_albert import AlbertTokenizer
from transformers.models.camembert.tokenization_camembert import CamembertTokenizer
from transformers.models.deberta_v2.tokenization_deberta_v2 import DebertaV2Tokenizer
from transformers.models.distilbert.tokenization_distilbert import DistilBertTokenizer
from transformers.models.mpnet.tokenization_mpnet import MPNetTokenizer
from transformers.models.roberta.tokenization_roberta import RobertaTokenizer
from transformers.models.xlm_roberta.tokenization_xlm_roberta import XLMRobertaTokenizer
from transformers.tokenization_utils_tokenizers import TokenizersBackend

from bert_inspect.families import family_of
from bert_inspect.families.heads import NO_HEAD
from bert_inspect.loading.checkpoint import Checkpoint
from bert_inspect.loading.tokenizer import load_tokenizer

SENTENCES = [
    "I love cats, and cats love me!",
    "The film was not as good as I had hoped.",
    "Das Café in Zürich öffnet um 8 Uhr.",
    "J'aime les élèves: l'été, la forêt.",
    "日本語の文章。 Привет, мир!",
    "unbelievable unbelievers believe in believing",
] * 5
TEXTS = [
    "I love cats!",
    "",
    " ",
    "  two  leading spaces, and trailing  ",
    "Café Zürich öffnet, l’été",
    "Cafe\u0301 ﬁlm Ⅷ ½",
    "日本語 and Привет мир",
    "👩‍👩‍👧 emoji 😀!",
    "tab\tnew\nline\r\nend\x00\x07\u200b\ufeff",
    "<s> typed </s> [CLS] and [SEP] <mask> [MASK] <pad> <unk>[UNK]",
    "Ġ and ▁ themselves ▁▁ ĠĠ `` '' <0xC3>",
    "unbelievable believers don't they're WE'LL 123,456.78",
    "x" * 300,
]


@cache
def byte_level() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The pieces and merges of a byte-level BPE tokenizer."""
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(
        SENTENCES, vocab_size=400, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False
    )
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


@cache
def pieces(*special: str) -> list[tuple[str, float]]:
    """The pieces of a Unigram tokenizer with their scores."""
    tokenizer = Tokenizer(Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=list(special), unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


def words(*special: str) -> dict[str, int]:
    """The words of a WordPiece tokenizer."""
    found = [*special, *"abcdefghijklmnopqrstuvwxyzé日!,.'", "love", "cats", "film", "believe", "cafe", "zurich"]
    found += [f"##{sign}" for sign in "abcdefghijklmnopqrstuvwxyzé日"] + ["##rs", "##able"]
    return {word: number for number, word in enumerate(dict.fromkeys(found))}


def charsmap() -> bytes:
    """A table of characters: ``ﬁ`` becomes ``fi``, ``ﬀ`` (which begins with the same bytes) a space."""
    ends = {"ﬁ".encode(): 0, "ﬀ".encode(): 3}
    units = [0] * 1024
    # Each node has a block of its own: its children stand at the block's place, by the byte that leads to them.
    blocks = {b"": 256}
    for key in ends:
        for length in range(1, len(key)):
            blocks.setdefault(key[:length], 256 * (len(blocks) + 1) if len(blocks) < 3 else 0)
    units[0] = (256 ^ 0) << 10
    for node, block in blocks.items():
        for child in {key[: len(node) + 1] for key in ends if key.startswith(node) and len(key) > len(node)}:
            place = block ^ child[-1]
            if child in ends:
                below = 1  # its leaf: the unit that says where the text begins
                below = place ^ (place & ~0xFF | 0xFE - list(ends).index(child))
                units[place] = below << 10 | 1 << 8 | child[-1]
                units[place ^ below] = 1 << 31 | ends[child]
            else:
                units[place] = (place ^ blocks[child]) << 10 | child[-1]
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + b"fi\0 \0"


def neox() -> TokenizersBackend:
    """ModernBERT's: byte-level BPE with [CLS] and [SEP] beside the vocabulary."""
    vocabulary, merges = byte_level()
    kept = [word for word in vocabulary if word not in ("<s>", "</s>", "<mask>")]
    vocabulary = {word: number for number, word in enumerate(kept)}
    tokenizer = Tokenizer(BPE(vocabulary, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    tokenizer.add_special_tokens(special)
    ids = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0", special_tokens=ids
    )
    named = dict(zip(("unk_token", "cls_token", "sep_token", "pad_token", "mask_token"), special, strict=True))
    return TokenizersBackend(
        tokenizer_object=tokenizer, model_max_length=8192, model_input_names=["input_ids", "attention_mask"], **named
    )


def make(family: str) -> Any:
    """The tokenizer of a family, of transformers' own class."""
    if family == "modernbert":
        return neox()
    if family == "roberta":
        vocabulary, merges = byte_level()
        return RobertaTokenizer(vocab=vocabulary, merges=merges, model_max_length=512)
    if family == "distilbert":
        return DistilBertTokenizer(vocab=words("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
    if family == "mpnet":
        return MPNetTokenizer(vocab=words("<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"))
    if family == "xlm-roberta":
        plain = [*pieces("<s>", "<pad>", "</s>", "<unk>"), ("<mask>", 0.0)]
        return XLMRobertaTokenizer(vocab=plain, _spm_precompiled_charsmap=charsmap())
    if family == "camembert":
        plain = pieces("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>", "<mask>")
        return CamembertTokenizer(vocab=plain)
    if family == "albert":
        plain = pieces("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
        return AlbertTokenizer(vocab=plain, _spm_precompiled_charsmap=charsmap())
    assert family == "deberta-v2"
    plain = [(piece.replace("<unk>", "[UNK]"), score) for piece, score in pieces("[PAD]", "[CLS]", "[SEP]", "<unk>")]
    return DebertaV2Tokenizer(vocab=[*plain, ("[MASK]", 0.0)])


FAMILIES = ["roberta", "xlm-roberta", "camembert", "distilbert", "albert", "mpnet", "modernbert", "deberta-v2"]


def save(family: str, folder: Path, **settings: Any) -> Path:
    """Save the tokenizer of a family as its checkpoints have it; ``settings`` go into tokenizer_config.json."""
    make(family).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": family, "vocab_size": 1000}))
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    return folder


CONTROL, USER_DEFINED = 3, 4
Piece = tuple[str, float, int]


def sentencepiece(pieces: list[Piece], *, unknown: int, charsmap: bytes = b"", kind: int = 1) -> bytes:
    """The bytes of a sentencepiece model; of each piece its text, score and type."""
    message = b""
    for text, score, role in pieces:
        inner = field(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score)
        message += field(1, inner + (varint(3 << 3) + varint(role) if role != 1 else b""))
    message += field(2, varint(3 << 3) + varint(kind) + varint(40 << 3) + varint(unknown) + field(7, b"other"))
    return message + field(3, field(1, b"nmt_nfkc") + (field(2, charsmap) if charsmap else b""))


def field(number: int, data: bytes) -> bytes:
    """A field of a protobuf message that holds bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(number: int) -> bytes:
    """A number in a protobuf message."""
    found = b""
    while number >= 0x80:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint in a folder, of whichever family."""
    config = json.loads((folder / "config.json").read_text())
    family = family_of(config.get("model_type", "bert"))
    return Checkpoint(
        name="copy", source="folder", family=family, head=NO_HEAD, config=config, weights="none", folder=folder
    )


def assert_same(folder: Path, theirs: Any = None) -> list[str]:
    """Compare what is loaded with what AutoTokenizer loads, and return what was told beside."""
    told: list[str] = []
    ours, theirs = (
        load_tokenizer(checkpoint(folder), notice=told.append),
        theirs or AutoTokenizer.from_pretrained(folder),
    )
    assert ours.model_input_names == theirs.model_input_names
    for pairs in (None, TEXTS[::-1]):
        mine, other = ours(TEXTS, pairs), theirs(TEXTS, pairs)
        assert dict(mine) == dict(other)
        for field in ("tokens", "offsets", "type_ids", "special_tokens_mask", "word_ids"):
            assert [getattr(row, field) for row in mine.encodings] == [getattr(row, field) for row in other.encodings]
        assert [ours.decode(ids) for ids in mine["input_ids"]] == [theirs.decode(ids) for ids in other["input_ids"]]
    for name in ("model_max_length", "padding_side", "truncation_side", "pad_token_id", "special_tokens_map"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.get_vocab() == theirs.get_vocab()
    assert [*map(str, ours.added_tokens_decoder.items())] == [*map(str, theirs.added_tokens_decoder.items())]
    if not theirs("")["input_ids"]:  # as older releases make DeBERTa's
        told.remove("the tokenizer of copy adds no special tokens: a sentence begins with its first word")
    return told
