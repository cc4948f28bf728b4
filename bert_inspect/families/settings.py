"""What a setting of a configuration may be, as data: its kind and its bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting: a whole number or a number between two bounds, true or false, a name, or one of some names; several
    names of some; or an object of settings.

    Attributes:
        kind: which of these.
        least: the smallest number that it may be.
        most: the largest.
        choices: the names that it may be; any where there are none.
        fields: the settings of an object, by their keys.
        optional: it may be null.
    """

    kind: Literal["whole", "number", "flag", "text", "texts", "object"]
    least: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()
    fields: Mapping[str, "Setting"] = field(default_factory=dict)
    optional: bool = False


def whole(least: int, most: int, *, optional: bool = False) -> Setting:
    """Return a whole number between bounds."""
    return Setting(kind="whole", least=least, most=most, optional=optional)


def number(most: int, *, optional: bool = False) -> Setting:
    """Return a number from 0 on."""
    return Setting(kind="number", most=most, optional=optional)


# Far beyond any BERT, and small enough that a model without weights is still built in seconds.
VOCABULARY: Final = whole(1, 10_000_000)
WIDTH: Final = whole(1, 100_000)
INTERMEDIATE: Final = whole(1, 1_000_000)
LAYERS: Final = whole(1, 256)
HEADS: Final = whole(1, 100_000)
POSITIONS: Final = whole(1, 1_000_000)
TOKEN_TYPES: Final = whole(1, 100_000)
CHUNK: Final = whole(0, 1_000_000)
SHARE: Final = number(1)
"""A probability, of dropout for one."""
SMALL: Final = number(1_000_000)
"""What is added to a variance, or the spread of new weights."""
OPTIONAL_SHARE: Final = number(1, optional=True)
FLAG: Final = Setting(kind="flag")
TEXT: Final = Setting(kind="text")
TOKEN: Final = whole(-(2**31), 2**31, optional=True)
"""The id of a token."""
PROBLEM: Final = Setting(
    kind="text",
    choices=("regression", "single_label_classification", "multi_label_classification"),
    optional=True,
)

EVERY: Final[Mapping[str, Setting]] = {"pad_token_id": TOKEN, "problem_type": PROBLEM}
"""Settings that transformers has for every family."""

LIKE_BERT: Final[Mapping[str, Setting]] = {
    **EVERY,
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INTERMEDIATE,
    "max_position_embeddings": POSITIONS,
    "type_vocab_size": TOKEN_TYPES,
    "chunk_size_feed_forward": CHUNK,
    "hidden_dropout_prob": SHARE,
    "attention_probs_dropout_prob": SHARE,
    "classifier_dropout": OPTIONAL_SHARE,
    "layer_norm_eps": SMALL,
    "initializer_range": SMALL,
    "is_decoder": FLAG,
    "add_cross_attention": FLAG,
    "use_cache": FLAG,
    "hidden_act": TEXT,
    "tie_word_embeddings": FLAG,
}
"""Those of BERT, which the families nearest to it have too."""
