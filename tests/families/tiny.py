"""A tiny random model of every family with every head, and the batch that it is run on."""

from typing import Any

import pytest
import torch
from transformers import set_seed

from bert_inspect.families import Family
from bert_inspect.families.heads import MASKED_LM, MULTIPLE_CHOICE, NO_HEAD, SEQUENCE_CLASSIFICATION, Head
from bert_inspect.loading.classes import class_of, config_class_of
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.record import Input

SIZES: dict[str, dict[str, Any]] = {
    "bert": {
        "vocab_size": 120,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 40,
    },
    **{
        model_type: {
            "vocab_size": 120,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 40,
        }
        for model_type in ("roberta", "xlm-roberta", "camembert", "mpnet")
    },
    "distilbert": {
        "vocab_size": 120,
        "dim": 32,
        "n_layers": 2,
        "n_heads": 4,
        "hidden_dim": 64,
        "max_position_embeddings": 40,
    },
    "albert": {
        "vocab_size": 120,
        "embedding_size": 16,
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 40,
    },
    "electra": {
        "vocab_size": 120,
        "embedding_size": 16,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 40,
    },
    "modernbert": {
        "vocab_size": 120,
        "hidden_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 24,
        "max_position_embeddings": 40,
        "global_attn_every_n_layers": 3,
        "local_attention": 4,
        "pad_token_id": 0,
        "cls_token_id": 2,
        "bos_token_id": 2,
        "sep_token_id": 3,
        "eos_token_id": 3,
    },
    "deberta-v2": {
        "vocab_size": 120,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 40,
        "relative_attention": True,
        "max_relative_positions": -1,
        "position_buckets": 4,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": "p2c|c2p",
        "position_biased_input": False,
    },
}
"""By the family's model_type: what makes a configuration tiny."""

VARIANTS: list[tuple[str, Head, dict[str, Any]]] = [
    *(
        ("modernbert", head, {"classifier_pooling": "mean", "classifier_activation": "tanh"})
        for head in (SEQUENCE_CLASSIFICATION, MULTIPLE_CHOICE)
    ),
    *(("electra", MULTIPLE_CHOICE, {"summary_type": kind}) for kind in ("last", "mean", "cls_index")),
    ("deberta-v2", MASKED_LM, {"legacy": False}),
    (
        "deberta-v2",
        SEQUENCE_CLASSIFICATION,
        {
            "conv_kernel_size": 3,
            "conv_act": "gelu",
            "position_biased_input": True,
            "type_vocab_size": 2,
            "share_att_key": False,
            "position_buckets": -1,
            "norm_rel_ebd": "none",
            "pooler_hidden_act": "tanh",
            "embedding_size": 16,
        },
    ),
    ("deberta-v2", NO_HEAD, {"relative_attention": False, "position_biased_input": True, "pos_att_type": None}),
    ("deberta-v2", NO_HEAD, {"pos_att_type": "c2p"}),
    ("deberta-v2", NO_HEAD, {"pos_att_type": "p2c", "type_vocab_size": 2}),
    ("modernbert", NO_HEAD, {"attention_bias": True, "mlp_bias": True, "norm_bias": True, "local_attention": 64}),
]
"""Configurations in which other steps run, each with a family and a head."""


def tiny(family: Family, head: Head, *, attention: str = "eager", **changes: Any) -> Any:
    """A model drawn at random, with biases and norms that are not those of a new model."""
    set_seed(11)
    config = config_class_of(family)(**{**SIZES[family.model_type], **changes})
    config._attn_implementation = attention
    model = class_of(family, head)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    if head is MULTIPLE_CHOICE and getattr(model.base_model, "pooler", model) is None:
        pytest.skip("this release of transformers chooses by a pooler and builds none")  # 5.3: XLM-RoBERTa, CamemBERT
    return model


def as_loaded(model: Any) -> Loaded:
    return Loaded(model=model, name="tiny", source="python", weights="pretrained", initialised=[], seed=0)


def batch(family: Family, *, padding: str = "right", pairs: bool = True) -> Input:
    """Two sentences of 9 and 6 tokens, without a tokenizer: special tokens around words of one piece each."""
    pad = config_class_of(family)(**SIZES[family.model_type]).pad_token_id or 0
    longest, ids, seen = 9, [], []
    for number, length in enumerate((9, 6)):
        row = [2, *(10 + 7 * number + place for place in range(length - 2)), 3]
        hidden = longest - length
        ids.append(row + [pad] * hidden if padding == "right" else [pad] * hidden + row)
        seen.append([1] * length + [0] * hidden if padding == "right" else [0] * hidden + [1] * length)
    words = [
        [bool(mask and id_ not in (2, 3)) for id_, mask in zip(row, masks, strict=True)]
        for row, masks in zip(ids, seen, strict=True)
    ]
    typed = pairs and "token_type_ids" in family.inputs
    return Input(
        texts=["first", "second"],
        pairs=["other", "last"] if pairs else None,
        tokens=[[f"t{id_}" for id_ in row] for row in ids],
        offsets=[[(0, 0)] * longest] * 2,
        special=[[int(not word) for word in row] for row in words],
        words=[[place if word else None for place, word in enumerate(row)] for row in words],
        input_ids=ids,
        token_type_ids=[[int(typed and place > 4 and mask) for place, mask in enumerate(row)] for row in seen],
        attention_mask=seen,
        labels=None,
        truncated=[0, 0],
    )


def arguments(family: Family, head: Head, given: Input) -> dict[str, torch.Tensor]:
    """What plain transformers is called with for that batch."""
    made = {name: torch.tensor(getattr(given, name)) for name in family.inputs}
    return {name: tensor.unsqueeze(0) for name, tensor in made.items()} if head is MULTIPLE_CHOICE else made
