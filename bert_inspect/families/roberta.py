"""RoBERTa: Liu et al., RoBERTa: A Robustly Optimized BERT Pretraining Approach (2019), and what has its architecture:
XLM-RoBERTa (Conneau et al., ACL 2020) and CamemBERT (Martin et al., ACL 2020).

It is a BERT but for three things. Positions are counted over the tokens that are no padding, from the id of padding
on, so that 514 rows serve 512 tokens. A tokenizer gives no token types: all are 0. And what classifies a sentence has
a projection of its own in place of the pooler.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ..traces.vocabulary import roles
from . import like_bert
from .family import Family
from .heads import COMMON, SEQUENCE_CLASSIFICATION
from .settings import LIKE_BERT

HEAD_MODULES: Final[Mapping[str, str]] = {
    "classifier": roles.CLASSIFIER,
    "classifier.dense": roles.CLASSIFIER_PROJECTION,
    "classifier.out_proj": roles.CLASSIFIER,
    "qa_outputs": roles.SPAN_CLASSIFIER,
    "lm_head": roles.PREDICTION_HEAD,
    "lm_head.dense": roles.TRANSFORM_PROJECTION,
    "lm_head.layer_norm": roles.NORM,
    "lm_head.decoder": roles.DECODER,
}
"""Roles of the modules of all heads; MPNet has the same."""

CLASSIFICATION_HEAD: Final[Mapping[str, str]] = {"classifier": roles.CLASSIFICATION_HEAD}
"""With a head for sentences the attribute that holds the classifier of tokens and choices holds the whole head."""

ROBERTA = Family(
    model_type="roberta",
    name="RoBERTa",
    prefix="Roberta",
    body="roberta",
    heads=COMMON,
    pooler_may_be_left_out=True,
    modules={
        "": roles.MODEL,
        "roberta": roles.BODY,
        **like_bert.BODY,
        **like_bert.POOLER,
        **HEAD_MODULES,
    },
    modules_with={SEQUENCE_CLASSIFICATION.task: CLASSIFICATION_HEAD},
    sizes=like_bert.SIZES,
    settings=LIKE_BERT,
    defaults={
        "vocab_size": 50265,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "pad_token_id": 1,
    },
    activation="hidden_act",
    norm_eps="layer_norm_eps",
    inputs=("input_ids", "attention_mask"),
    token_type_buffer="token_type_ids",
    counts_from_padding=True,
    tree=like_bert.tree(
        "roberta",
        *("classifier", "classifier.dense", "classifier.dropout", "classifier.out_proj"),
        embeddings=("word_embeddings", "token_type_embeddings", "LayerNorm", "dropout", "position_embeddings"),
    ),
    source="models/roberta",
)
XLM_ROBERTA = replace(
    ROBERTA,
    model_type="xlm-roberta",
    name="XLM-RoBERTa",
    prefix="XLMRoberta",
    defaults={**ROBERTA.defaults, "vocab_size": 30522},
    source="models/xlm_roberta",
)
CAMEMBERT = replace(
    ROBERTA,
    model_type="camembert",
    name="CamemBERT",
    prefix="Camembert",
    defaults={**ROBERTA.defaults, "vocab_size": 30522},
    source="models/camembert",
)
