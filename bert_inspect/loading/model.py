"""From a located checkpoint to a model that is ready to run."""

import difflib
from typing import Any, Literal

import torch
from transformers.activations import ACT2FN

from ..errors import ModelError, UsageError
from ..families.heads import QUESTION_ANSWERING
from .checkpoint import Checkpoint
from .classes import check_attention, class_of, config_class_of
from .loaded import Loaded
from .notices import Notice, short, warn
from .precision import in_precision
from .spec import ModelSpec
from .tokenizer import quiet, reason
from .weights.budget import check_size
from .weights.fill import load_pretrained

_AGAIN = "save the model again with save_pretrained"


def load(checkpoint: Checkpoint, spec: ModelSpec, *, notice: Notice = warn) -> Loaded:
    """Load the model of a checkpoint as the spec wants it.

    What is newly initialized is drawn with ``spec.seed``: a built-in model is what ``transformers.set_seed(seed)``
    followed by the model's class, say ``BertForSequenceClassification(config)``, makes. Torch's own random state is
    left as it was. What is worth saying about the weights is told to ``notice``.

    Raises:
        ModelError: the checkpoint cannot be loaded.
        UsageError: there is no such device.
    """
    place = _device(spec.device)
    config = _config(checkpoint, spec)
    _check_size(checkpoint, config, spec)
    missing: list[str] = []
    unused: list[str] = []
    weights: Literal["pretrained", "partial", "random", "none"] = checkpoint.weights
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        if checkpoint.weights == "pretrained":
            model, missing, unused = load_pretrained(
                checkpoint,
                config,
                dtype=getattr(torch, spec.dtype or checkpoint.dtype),
                allow_missing=spec.allow_missing,
                new_head=spec.num_labels is not None or (checkpoint.draws_head and not checkpoint.head.takes_labels),
                notice=notice,
            )
            weights = "partial" if missing else "pretrained"
        else:
            model = _drawn(checkpoint, config, spec.dtype)
            missing = [name for name, _ in model.named_parameters()] if weights == "random" else []
    if weights != "none":
        model = model.to(place)
    return Loaded(
        model=model.eval(),
        name=checkpoint.name,
        source=checkpoint.source,
        weights=weights,
        initialised=missing,
        seed=spec.seed,
        unused=unused,
        about=checkpoint.about,
        pooling=checkpoint.pooling,
    )


def _config(checkpoint: Checkpoint, spec: ModelSpec) -> Any:
    """Return the model's configuration."""
    settings, count = dict(checkpoint.config), spec.num_labels
    if checkpoint.head is QUESTION_ANSWERING:
        count = 2  # a start and an end, whatever classes the checkpoint was trained for before
    if count not in (None, checkpoint.labels):
        # Names of other classes would be wrong names.
        settings = {key: value for key, value in settings.items() if key not in ("id2label", "label2id")}
        settings["num_labels"] = count
    try:
        config = config_class_of(checkpoint.family)(**settings)
    except Exception as error:
        raise ModelError(f"config.json of {checkpoint.name} is damaged: {reason(error)}", _AGAIN) from error
    activation = checkpoint.family.activation_of(vars(config))
    if activation not in ACT2FN:
        near = difflib.get_close_matches(activation, ACT2FN, n=3) or ["gelu", "relu"]
        raise ModelError(
            f"config.json of {checkpoint.name} is damaged: there is no activation {short(repr(activation))}",
            f"transformers has {', '.join(near)} and more",
        )
    check_attention(checkpoint.family, spec.attention)
    config._attn_implementation = spec.attention
    return config


def _check_size(checkpoint: Checkpoint, config: Any, spec: ModelSpec) -> None:
    """Refuse a model that is too large for this machine, or for its weights, before memory is taken for one."""
    if checkpoint.weights != "none":
        shapes = _built(checkpoint, config, device="meta")
        count = sum(parameter.numel() for parameter in shapes.parameters())
        check_size(checkpoint, parameters=count, dtype=spec.dtype, allow_missing=spec.allow_missing)


def _drawn(checkpoint: Checkpoint, config: Any, dtype: str | None) -> Any:
    """Return a newly initialized model, or one of shapes only."""
    model = _built(checkpoint, config, device="meta" if checkpoint.weights == "none" else "cpu")
    return model if dtype is None else in_precision(model, getattr(torch, dtype))


def _built(checkpoint: Checkpoint, config: Any, *, device: str) -> Any:
    try:
        with quiet(), torch.device(device):
            return class_of(checkpoint.family, checkpoint.head)(config)
    except Exception as error:
        what = f"no model can be built from config.json of {checkpoint.name}: {reason(error)}"
        raise ModelError(what, _AGAIN) from error


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except Exception as error:
        there = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
        hint = "use " + " or ".join(f'`device="{found}"`' for found in there)
        raise UsageError(f"there is no device {name!r} here", hint) from error
    return device
