"""ELECTRA: Clark et al., ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators (ICLR 2020).

It is a BERT without a pooler. Its embeddings may be smaller than its hidden states: then a projection stands between
the two, and what predicts tokens goes back to the smaller size.
"""

from ..traces.vocabulary import roles
from . import like_bert
from .family import Family
from .heads import COMMON, REPLACED_TOKENS, SEQUENCE_CLASSIFICATION
from .roberta import CLASSIFICATION_HEAD
from .settings import FLAG, LIKE_BERT, SHARE, WIDTH, Setting

ELECTRA = Family(
    model_type="electra",
    name="ELECTRA",
    prefix="Electra",
    body="electra",
    body_parts=("embeddings", "embeddings_project", "encoder"),
    heads=(*COMMON, REPLACED_TOKENS),
    modules={
        "": roles.MODEL,
        "electra": roles.BODY,
        **like_bert.BODY,
        "embeddings_project": roles.EMBEDDING_PROJECTION,
        "classifier": roles.CLASSIFIER,
        "classifier.dense": roles.CLASSIFIER_PROJECTION,
        "classifier.activation": roles.HEAD_ACTIVATION,
        "classifier.out_proj": roles.CLASSIFIER,
        "qa_outputs": roles.SPAN_CLASSIFIER,
        "sequence_summary": roles.POOLER,
        "sequence_summary.summary": roles.POOLER_PROJECTION,
        "sequence_summary.activation": roles.POOLER_ACTIVATION,
        "first_dropout": roles.DROPOUT,
        "last_dropout": roles.DROPOUT,
        "generator_predictions": roles.TRANSFORM,
        "generator_predictions.dense": roles.TRANSFORM_PROJECTION,
        "generator_predictions.activation": roles.HEAD_ACTIVATION,
        "generator_lm_head": roles.DECODER,
        "discriminator_predictions": roles.REPLACED_TOKEN_HEAD,
        "discriminator_predictions.dense": roles.TRANSFORM_PROJECTION,
        "discriminator_predictions.activation": roles.ACTIVATION,
        "discriminator_predictions.dense_prediction": roles.REPLACED_TOKEN_CLASSIFIER,
    },
    modules_with={SEQUENCE_CLASSIFICATION.task: CLASSIFICATION_HEAD},
    sizes={**like_bert.SIZES, "embedding": "embedding_size"},
    settings={
        **LIKE_BERT,
        "embedding_size": WIDTH,
        "summary_type": Setting(kind="text", choices=("first", "last", "mean", "cls_index")),
        "summary_use_proj": FLAG,
        "summary_activation": Setting(kind="text", optional=True),
        "summary_last_dropout": SHARE,
    },
    defaults={
        "vocab_size": 30522,
        "embedding_size": 128,
        "hidden_size": 256,
        "num_hidden_layers": 12,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "pad_token_id": 0,
    },
    activation="hidden_act",
    norm_eps="layer_norm_eps",
    inputs=("input_ids", "token_type_ids", "attention_mask"),
    position_buffer="position_ids",
    tree=like_bert.tree(
        "electra",
        *("classifier", "classifier.dense", "classifier.activation", "classifier.dropout", "classifier.out_proj"),
        before=("embeddings_project",),
    ),
    source="models/electra",
)
