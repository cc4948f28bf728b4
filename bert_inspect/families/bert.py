"""BERT: Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers (NAACL 2019), as transformers has it."""

from ..traces.vocabulary import roles
from . import like_bert
from .family import Family
from .heads import COMMON, NEXT_SENTENCE, PRE_TRAINING
from .settings import LIKE_BERT

BERT = Family(
    model_type="bert",
    name="BERT",
    prefix="Bert",
    body="bert",
    heads=(*COMMON, NEXT_SENTENCE, PRE_TRAINING),
    modules={
        "": roles.MODEL,
        "bert": roles.BODY,
        **like_bert.BODY,
        **like_bert.POOLER,
        "classifier": roles.CLASSIFIER,
        "qa_outputs": roles.SPAN_CLASSIFIER,
        "cls": roles.PREDICTION_HEADS,
        "cls.predictions": roles.PREDICTION_HEAD,
        "cls.predictions.transform": roles.TRANSFORM,
        "transform.dense": roles.TRANSFORM_PROJECTION,
        "transform_act_fn": roles.ACTIVATION,
        "predictions.decoder": roles.DECODER,
        "cls.seq_relationship": roles.NEXT_SENTENCE_CLASSIFIER,
    },
    sizes=like_bert.SIZES,
    settings=LIKE_BERT,
    defaults={
        "vocab_size": 30522,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "pad_token_id": 0,
    },
    activation="hidden_act",
    norm_eps="layer_norm_eps",
    inputs=("input_ids", "token_type_ids", "attention_mask"),
    position_buffer="position_ids",
    tree=like_bert.tree("bert", "dropout", "classifier", after=("pooler", "pooler.dense", "pooler.activation")),
    source="models/bert",
)
