"""From a located checkpoint to a model that is ready to run."""

import difflib
from typing import Literal

import torch
from transformers.activations import ACT2FN
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from ..errors import ModelError, UsageError
from .budget import check_size
from .loaded import Loaded
from .locate import Checkpoint
from .notices import Notice, short, warn
from .pretrained import load_pretrained
from .spec import ModelSpec
from .tokenizer import quiet, reason

_AGAIN = "save the model again with save_pretrained"


def load(checkpoint: Checkpoint, spec: ModelSpec, *, notice: Notice = warn) -> Loaded:
    """Load the model of a checkpoint as the spec wants it.

    What is newly initialized is drawn with ``spec.seed``: a built-in model is what ``transformers.set_seed(seed)``
    followed by ``BertForSequenceClassification(config)`` makes. Torch's own random state is left as it was.
    What is worth saying about the weights is told to ``notice``.

    Raises:
        ModelError: the checkpoint cannot be loaded.
        UsageError: there is no such device.
    """
    place = _device(spec.device)
    config = _config(checkpoint, spec)
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
                new_head=spec.num_labels is not None,
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
    )


def _config(checkpoint: Checkpoint, spec: ModelSpec) -> BertConfig:
    """Return the model's configuration, if a model of it may be built on this machine."""
    settings, count = dict(checkpoint.config), spec.num_labels
    check_size(checkpoint, labels=count or checkpoint.labels, dtype=spec.dtype, allow_missing=spec.allow_missing)
    if count not in (None, checkpoint.labels):
        # Names of other classes would be wrong names.
        settings = {key: value for key, value in settings.items() if key not in ("id2label", "label2id")}
        settings["num_labels"] = count
    try:
        config = BertConfig(**settings)
    except Exception as error:
        raise ModelError(f"config.json of {checkpoint.name} is damaged: {reason(error)}", _AGAIN) from error
    if config.hidden_act not in ACT2FN:
        near = difflib.get_close_matches(config.hidden_act, ACT2FN, n=3) or ["gelu", "relu"]
        raise ModelError(
            f"config.json of {checkpoint.name} is damaged: there is no activation {short(repr(config.hidden_act))}",
            f"transformers has {', '.join(near)} and more",
        )
    config._attn_implementation = spec.attention
    return config


def _drawn(checkpoint: Checkpoint, config: BertConfig, dtype: str | None) -> BertForSequenceClassification:
    """Return a newly initialized model, or one of shapes only."""
    try:
        with quiet(), torch.device("meta" if checkpoint.weights == "none" else "cpu"):
            model = BertForSequenceClassification(config)
    except Exception as error:
        what = f"no model can be built from config.json of {checkpoint.name}: {reason(error)}"
        raise ModelError(what, _AGAIN) from error
    return model if dtype is None else model.to(getattr(torch, dtype))


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except Exception as error:
        there = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
        hint = "use " + " or ".join(f'`device="{found}"`' for found in there)
        raise UsageError(f"there is no device {name!r} here", hint) from error
    return device
