"""What the families nearest to BERT have in common: the modules of its body, and the order in which they stand."""

from collections.abc import Mapping
from typing import Final

from ..traces.vocabulary import roles

BODY: Final[Mapping[str, str]] = {
    "embeddings": roles.EMBEDDINGS,
    "embeddings.word_embeddings": roles.WORD_EMBEDDINGS,
    "embeddings.token_type_embeddings": roles.TOKEN_TYPE_EMBEDDINGS,
    "embeddings.position_embeddings": roles.POSITION_EMBEDDINGS,
    "encoder": roles.ENCODER,
    "layer.*": roles.LAYER,
    "attention": roles.ATTENTION,
    "attention.self": roles.SELF_ATTENTION,
    "attention.self.query": roles.QUERY_PROJECTION,
    "attention.self.key": roles.KEY_PROJECTION,
    "attention.self.value": roles.VALUE_PROJECTION,
    "attention.output": roles.ATTENTION_OUTPUT,
    "attention.output.dense": roles.ATTENTION_OUTPUT_PROJECTION,
    "intermediate": roles.INTERMEDIATE,
    "intermediate.dense": roles.INTERMEDIATE_PROJECTION,
    "intermediate_act_fn": roles.ACTIVATION,
    "output": roles.OUTPUT,
    "output.dense": roles.OUTPUT_PROJECTION,
    "LayerNorm": roles.NORM,
    "dropout": roles.DROPOUT,
}
"""Roles of the modules below the pooler."""

POOLER: Final[Mapping[str, str]] = {
    "pooler": roles.POOLER,
    "pooler.dense": roles.POOLER_PROJECTION,
    "pooler.activation": roles.POOLER_ACTIVATION,
}

SIZES: Final[Mapping[str, str]] = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "positions": "max_position_embeddings",
    "vocabulary": "vocab_size",
    "token_types": "type_vocab_size",
}
SIZES_WITHOUT_TYPES: Final[Mapping[str, str]] = {name: key for name, key in SIZES.items() if name != "token_types"}

EMBEDDINGS: Final = ("word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm", "dropout")

_LAYER: Final = (
    "",
    ".attention",
    ".attention.self",
    ".attention.self.query",
    ".attention.self.key",
    ".attention.self.value",
    ".attention.self.dropout",
    ".attention.output",
    ".attention.output.dense",
    ".attention.output.LayerNorm",
    ".attention.output.dropout",
    ".intermediate",
    ".intermediate.dense",
    ".intermediate.intermediate_act_fn",
    ".output",
    ".output.dense",
    ".output.LayerNorm",
    ".output.dropout",
)


def tree(
    body: str,
    *head: str,
    embeddings: tuple[str, ...] = EMBEDDINGS,
    before: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Return the paths of all modules of a model with a head, in its order; the number of a layer is ``*``.

    Args:
        body: the attribute that holds the body.
        head: the paths of the head's modules.
        embeddings: what stands in the module of the embeddings, in its order.
        before: what stands in the body before the encoder, besides the embeddings.
        after: what stands in it after the encoder.
    """
    return (
        "",
        body,
        f"{body}.embeddings",
        *(f"{body}.embeddings.{name}" for name in embeddings),
        *(f"{body}.{path}" for path in before),
        f"{body}.encoder",
        f"{body}.encoder.layer",
        *(f"{body}.encoder.layer.*{end}" for end in _LAYER),
        *(f"{body}.{path}" for path in after),
        *head,
    )
