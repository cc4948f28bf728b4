"""A checkpoint's config.json, reduced to what a BERT classifier reads, each setting held to its type and its bounds.

What is not named here never reaches transformers: code of the checkpoint's own (``auto_map``), private settings that
choose an implementation, names of other files or repositories, settings of other architectures.
"""

from typing import Any

from ..errors import ModelError
from .labels import checked_labels, contradictions
from .notices import Notice, short
from .settings import is_whole, shown, wrong

DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
"""The precisions that a model may have, with the bytes of a number."""

# Far beyond any BERT, and small enough that a model without weights is still built in seconds.
_WHOLE = {
    "vocab_size": (1, 10_000_000),
    "hidden_size": (1, 100_000),
    "num_hidden_layers": (1, 256),
    "num_attention_heads": (1, 100_000),
    "intermediate_size": (1, 1_000_000),
    "max_position_embeddings": (1, 1_000_000),
    "type_vocab_size": (1, 100_000),
    "chunk_size_feed_forward": (0, 1_000_000),
}
_NUMBERS = {
    "hidden_dropout_prob": 1.0,
    "attention_probs_dropout_prob": 1.0,
    "classifier_dropout": 1.0,
    "layer_norm_eps": 1e6,
    "initializer_range": 1e6,
}
_FLAGS = ("is_decoder", "add_cross_attention", "use_cache")
_TEXTS = ("hidden_act", "problem_type")
_OPTIONAL = ("classifier_dropout", "problem_type", "pad_token_id")
_PROBLEMS = ("regression", "single_label_classification", "multi_label_classification")
DEFAULTS: dict[str, Any] = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}


def checked_settings(config: dict[str, Any], *, name: str, notice: Notice) -> dict[str, Any]:
    """Return the settings for `BertConfig` that the configuration of the checkpoint ``name`` holds.

    Raises:
        ModelError: one is of the wrong type, out of bounds, or contradicts another.
    """
    try:
        settings = {key: _checked(key, value) for key, value in config.items() if key in _READ}
        _check_together({**DEFAULTS, **settings})
        settings.update(checked_labels(config.get("id2label"), config.get("num_labels")))
        settings.update(_dtype(config))
        settings.update(_classes(config.get("architectures")))
        settings.update(_activation_of_score(config))
    except ValueError as error:
        raise ModelError(
            f"config.json of {name} is damaged: {error}", "save the model again with save_pretrained"
        ) from error
    _refuse_other_models(config, name)
    if config.get("auto_map"):
        notice(f"{name} brings code of its own (auto_map): it is not run; what runs is the BERT of transformers")
    for odd in contradictions(settings.get("id2label"), config):
        notice(f"{name} {odd}")
    return settings


def parameter_count(settings: dict[str, Any], *, labels: int) -> int:
    """Return how many parameters a classifier of these settings has, by the shapes in ``modeling_bert.py``."""
    sizes = {**DEFAULTS, **settings}
    hidden, intermediate = sizes["hidden_size"], sizes["intermediate_size"]
    square, norm = hidden * hidden + hidden, 2 * hidden
    rows = sizes["vocab_size"] + sizes["max_position_embeddings"] + sizes["type_vocab_size"]
    attentions = 2 if sizes.get("add_cross_attention") else 1
    feed_forward = 2 * hidden * intermediate + intermediate + hidden
    layer = attentions * (4 * square + norm) + feed_forward + norm
    return int(rows * hidden + norm + sizes["num_hidden_layers"] * layer + square + (hidden + 1) * labels)


def _activation_of_score(config: dict[str, Any]) -> dict[str, Any]:
    """Return the name of the activation that sentence-transformers wrote for a cross-encoder's score: it is told to
    the reader, and never looked up.
    """
    own, older = config.get("sentence_transformers"), config.get("sbert_ce_default_activation_function")
    name = own.get("activation_fn") if isinstance(own, dict) else None
    found: dict[str, Any] = {}
    if isinstance(name, str):
        found["sentence_transformers"] = {"activation_fn": short(name)}
    if isinstance(older, str):
        found["sbert_ce_default_activation_function"] = short(older)
    return found


def _checked(key: str, value: Any) -> Any:
    if value is None and key in _OPTIONAL:
        return value
    if key in _WHOLE:
        least, most = _WHOLE[key]
        if not is_whole(value) or not least <= value <= most:
            raise wrong(key, value, f"a whole number from {least:,} to {most:,}")
    elif key in _NUMBERS:
        # NaN is not in any range, and whole numbers of any length can be compared.
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _NUMBERS[key]:
            raise wrong(key, value, f"a number from 0 to {_NUMBERS[key]:,.0f}")
        return float(value)  # transformers takes no whole number for some of them
    elif key in _FLAGS:
        if not isinstance(value, bool):
            raise wrong(key, value, "true or false")
    elif key == "pad_token_id":
        if not is_whole(value):
            raise wrong(key, value, "a whole number")
    elif not isinstance(value, str) or (key == "problem_type" and value not in _PROBLEMS):
        raise wrong(key, value, " or ".join(_PROBLEMS) if key == "problem_type" else "a name")
    return value


_READ = {*_WHOLE, *_NUMBERS, *_FLAGS, *_TEXTS, *_OPTIONAL}


def _check_together(sizes: dict[str, Any]) -> None:
    hidden, heads, words = sizes["hidden_size"], sizes["num_attention_heads"], sizes["vocab_size"]
    if hidden % heads:
        raise ValueError(f"hidden_size {hidden} cannot be divided among {heads} attention heads")
    if sizes.get("add_cross_attention") and not sizes.get("is_decoder"):
        raise ValueError("add_cross_attention is for decoders, and is_decoder is not true")
    padding = sizes["pad_token_id"]
    if padding is not None and not -words <= padding < words:
        raise ValueError(f"pad_token_id {shown(padding)} is not one of the {words:,} word embeddings")


def _dtype(config: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key in ("torch_dtype", "dtype"):  # the older name first: where there are both, transformers takes the newer
        value = config.get(key)
        if value is not None:
            if not isinstance(value, str) or value not in DTYPES:
                raise wrong(key, value, " or ".join(DTYPES))
            found["dtype"] = value
    return found


def _classes(names: Any) -> dict[str, Any]:
    """Return the classes that the weights were saved from, if they are said: for information."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return {}
    return {"architectures": [short(name) for name in names[:3]]}


def _refuse_other_models(config: dict[str, Any], name: str) -> None:
    """Refuse a model of which what would be shown is not what its authors run."""
    if (positions := config.get("position_embedding_type")) not in ("absolute", None):
        raise ModelError(
            f"{name} has position_embedding_type {shown(positions)}, which transformers 5 does not compute",
            "what would be shown is another model than the one that was trained",
        )
    if config.get("quantization_config"):
        raise ModelError(f"{name} is quantised (quantization_config)", "save it dequantised, as plain floating point")
