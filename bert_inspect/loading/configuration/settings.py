"""A checkpoint's config.json, reduced to what its family reads, each setting held to its type and its bounds.

What is not named here never reaches transformers: code of the checkpoint's own (``auto_map``), private settings that
choose an implementation, names of other files or repositories, settings of other architectures.
"""

from typing import Any

from ...errors import ModelError
from ...families import Family
from ...families.settings import Setting
from ..notices import Notice, short, with_article
from .labels import checked_labels, contradictions
from .values import is_whole, shown, wrong

DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
"""The precisions that a model may have, with the bytes of a number."""


def checked_settings(config: dict[str, Any], family: Family, *, name: str, notice: Notice) -> dict[str, Any]:
    """Return the settings for the family's configuration that that of the checkpoint ``name`` holds.

    Raises:
        ModelError: one is of the wrong type, out of bounds, or contradicts another.
    """
    try:
        known = family.settings
        settings = {key: _checked(key, value, known[key]) for key, value in config.items() if key in known}
        _check_together({**family.defaults, **settings}, family)
        settings.update(checked_labels(config.get("id2label"), config.get("num_labels")))
        settings.update(_dtype(config))
        settings.update(_classes(config.get("architectures")))
        settings.update(_activation_of_score(config))
    except ValueError as error:
        raise ModelError(
            f"config.json of {name} is damaged: {error}", "save the model again with save_pretrained"
        ) from error
    _refuse_other_models(config, family, name)
    if config.get("auto_map"):
        notice(
            f"{name} brings code of its own (auto_map): it is not run; what runs is the {family.name} of transformers"
        )
    for odd in contradictions(settings.get("id2label"), config):
        notice(f"{name} {odd}")
    return settings


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


def _checked(key: str, value: Any, setting: Setting) -> Any:
    if value is None and setting.optional:
        return value
    match setting.kind:
        case "whole":
            if not is_whole(value) or not setting.least <= value <= setting.most:
                bounded = setting.most < _NO_BOUND
                wanted = f" from {setting.least:,} to {setting.most:,}" if bounded else ""
                raise wrong(key, value, f"a whole number{wanted}")
        case "number":
            # NaN is not in any range, and whole numbers of any length can be compared.
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= setting.most:
                raise wrong(key, value, f"a number from 0 to {setting.most:,}")
            return float(value)  # transformers takes no whole number for some of them
        case "flag":
            if not isinstance(value, bool):
                raise wrong(key, value, "true or false")
        case "texts":
            names = value.split("|") if isinstance(value, str) else value
            if not isinstance(names, list) or any(name not in setting.choices for name in names):
                raise wrong(key, value, f"a list of {' or '.join(setting.choices)}")
        case "object":
            if not isinstance(value, dict):
                raise wrong(key, value, "an object")
            known = {name: inner for name, inner in value.items() if name in setting.fields}
            return {name: _checked(f"{key}.{name}", inner, setting.fields[name]) for name, inner in known.items()}
        case "text":
            if not isinstance(value, str) or (setting.choices and value not in setting.choices):
                raise wrong(key, value, " or ".join(setting.choices) or "a name")
    return value


_NO_BOUND = 2**31


def _check_together(settings: dict[str, Any], family: Family) -> None:
    sizes = family.sizes_of(settings)
    hidden, heads, words = sizes["hidden"], sizes["heads"], sizes["vocabulary"]
    if hidden % heads:
        raise ValueError(f"{family.sizes['hidden']} {hidden} cannot be divided among {heads} attention heads")
    if settings.get("add_cross_attention") and not settings.get("is_decoder"):
        raise ValueError("add_cross_attention is for decoders, and is_decoder is not true")
    padding = settings.get("pad_token_id")
    if padding is None and family.counts_from_padding:
        raise ValueError(f"pad_token_id is null, and {with_article(family.name)} counts its positions from it")
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


def _refuse_other_models(config: dict[str, Any], family: Family, name: str) -> None:
    """Refuse a model of which what would be shown is not what its authors run."""
    positions = config.get("position_embedding_type")
    if positions not in ("absolute", None) and "position_embedding_type" not in family.settings:
        raise ModelError(
            f"{name} has position_embedding_type {shown(positions)}, which transformers 5 does not compute",
            "what would be shown is another model than the one that was trained",
        )
    if config.get("quantization_config"):
        raise ModelError(f"{name} is quantised (quantization_config)", "save it dequantised, as plain floating point")
