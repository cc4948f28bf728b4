"""The files of small tokenizers, as they stand in a checkpoint's folder."""

import json
from pathlib import Path
from typing import Any

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "I", "i", "love", "cats", "!", "Über", "uber", "日", "[x]", "a"]


def write(folder: Path, files: dict[str, Any]) -> None:
    """Put these tokenizer files in place of those that are there."""
    for pattern in ("tokenizer*", "vocab.txt", "special_tokens_map.json", "added_tokens.json"):
        for file in folder.glob(pattern):
            file.unlink()
    for name, content in files.items():
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / name).write_bytes(data)


OWN = {"content": "[x]", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False, "special": True}
# What BertTokenizer makes, as it would save it.
NORMALIZER = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None}
PARTS: dict[str, Any] = {
    "normalizer": {**NORMALIZER, "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
}


def whole(**changes: Any) -> dict[str, Any]:
    """A tokenizer.json."""
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##"}
    model |= {"max_input_chars_per_word": 100, "vocab": {word: number for number, word in enumerate(WORDS)}}
    added = [{**OWN, "id": number, "content": WORDS[number]} for number in range(5)]
    return {"version": "1.0", "added_tokens": added, "model": model, **PARTS} | changes
